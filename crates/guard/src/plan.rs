//! A plan: the changes to one domain that are agreed to as a whole.

use serde::Serialize;

use super::change::digest;
use super::{Change, CustomerNames, Preview, Proposal, Target, TypedValue};
use crate::{Author, Limits};
use skyswitch_domain::error::Result;
use skyswitch_domain::{AccountId, PbxDomain};

/// One VIP rule, an import, a setup, or an undo.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    account: AccountId,
    domain: PbxDomain,
    changes: Vec<Change>,
    notes: Vec<String>,
    always_asks: bool,
    /// Whether it was agreed to long before, when the rule was added.
    is_agreed: bool,
    import: Option<Import>,
    names: CustomerNames,
}

/// What is particular to the plan of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Import {
    /// Digest of what was asked for.
    request: String,
    /// Rules that stay as they are.
    kept: usize,
    /// Whether it takes everybody off the list.
    clears: bool,
    /// Digest of what is noted of rules that stay as they are.
    noted: String,
}

impl Plan {
    /// The changes that an operation makes, in their order; `None` where there
    /// are none.
    pub fn of<T: Into<Target>>(
        account: &AccountId,
        domain: &PbxDomain,
        tool: &'static str,
        targets: impl IntoIterator<Item = T>,
    ) -> Option<Plan> {
        let change = |target| Change::new(account, domain, tool, target);
        let changes: Vec<Change> = targets.into_iter().map(change).collect();
        (!changes.is_empty()).then(|| Plan {
            account: account.clone(),
            domain: domain.clone(),
            changes,
            notes: Vec::new(),
            always_asks: false,
            is_agreed: false,
            import: None,
            names: CustomerNames::default(),
        })
    }

    /// Adds sentences that a person has to read before agreeing.
    #[must_use]
    pub fn with_notes(mut self, notes: Vec<String>) -> Plan {
        self.notes = notes;
        self
    }

    /// The same plan, put before a person even where nothing is lost.
    #[must_use]
    pub fn asked_in_any_case(mut self) -> Plan {
        self.always_asks = true;
        self
    }

    /// The same plan, which nobody is asked about: it removes a rule on the day that
    /// was given, and shown, when the rule was added.
    #[must_use]
    pub fn agreed_when_added(mut self) -> Plan {
        self.is_agreed = true;
        self
    }

    /// Makes it the plan of an import, which is confirmed as a whole, also
    /// where it only adds; `kept` rules stay as they are.
    ///
    /// `request` is what was asked for, in whatever form the caller can repeat
    /// it: a confirmation holds for the same request only.
    #[must_use]
    pub fn of_import(mut self, request: &impl Serialize, kept: usize) -> Plan {
        self.import = Some(Import {
            request: digest(request),
            kept,
            clears: false,
            noted: String::new(),
        });
        self.asked_in_any_case()
    }

    /// Says what the import notes of rules that stay as they are: a plan that
    /// notes something else is another plan, and is shown again.
    #[must_use]
    pub fn noting(mut self, noted: &impl Serialize) -> Plan {
        if let Some(import) = &mut self.import {
            import.noted = digest(noted);
        }
        self
    }

    /// Says that the import takes everybody off the list: the domain is typed,
    /// which nobody types for an import of another kind.
    #[must_use]
    pub fn clearing(mut self) -> Plan {
        if let Some(import) = &mut self.import {
            import.clears = true;
        }
        self
    }

    /// The account it is made in.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The domain it changes.
    pub fn domain(&self) -> &PbxDomain {
        &self.domain
    }

    /// The changes, in the order in which they are made.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Sentences that a person has to read before agreeing.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What people call the customer and its users.
    pub(super) fn names(&self) -> &CustomerNames {
        &self.names
    }

    /// Rules that an import leaves as they are; `None` where this is none.
    pub(super) fn kept(&self) -> Option<usize> {
        self.import.as_ref().map(|import| import.kept)
    }

    /// What has to be typed: the domain where everybody is taken off the list; how
    /// many changes an import makes, unless it removes one rule, which the number
    /// would not name, or all it does is to replace one; else the caller or the
    /// number that is changed; else the domain.
    pub(super) fn asks_for(&self) -> TypedValue {
        if self.import.as_ref().is_some_and(|import| import.clears) {
            return TypedValue::Domain(self.domain.clone());
        }
        let rules = self.changes.iter().filter_map(Change::rule);
        let mut removals = rules.filter(|rule| rule.after().is_none());
        if let (Some(only), None) = (removals.next(), removals.next()) {
            return TypedValue::Caller(only.ani().clone());
        }
        let is_one_loss = matches!(self.changes.as_slice(), [only] if only.is_destructive());
        if self.import.is_some() && !is_one_loss {
            return TypedValue::Changes(self.changes.len());
        }
        let of_a_change = self.changes.iter().find_map(Change::asks_for);
        of_a_change.unwrap_or_else(|| TypedValue::Domain(self.domain.clone()))
    }

    /// Whether one read serves all of it, however long applying it takes.
    pub(super) fn is_seen_as_a_whole(&self) -> bool {
        self.import.is_some()
    }

    pub(super) fn into_changes(self) -> Vec<Change> {
        self.changes
    }
}

impl Proposal for Plan {
    fn customer(&self) -> Option<(&AccountId, &PbxDomain)> {
        Some((&self.account, &self.domain))
    }

    fn named(self, names: CustomerNames) -> Plan {
        Plan { names, ..self }
    }

    fn preview(&self) -> Preview {
        Preview::of_plan(self)
    }

    fn needs_consent(&self, limits: &Limits, author: Author) -> bool {
        let mut changes = self.changes.iter();
        if self.is_agreed {
            return false;
        }
        self.always_asks || changes.any(|change| change.needs_consent(limits, author))
    }

    fn refuse_beyond(&self, limits: &Limits) -> Result<()> {
        self.changes
            .iter()
            .try_for_each(|change| change.refuse_beyond(limits))
    }

    fn count(&self, limits: &Limits) -> usize {
        match self.import {
            Some(_) => limits.count_of_import(self.changes.len()),
            None => self.changes.len(),
        }
    }

    fn ends_a_loss(&self) -> bool {
        self.changes.iter().all(Change::ends_a_loss)
    }

    fn fingerprint(&self) -> String {
        let changes = self.changes.iter();
        let changes: Vec<_> = changes.map(|c| (c.seen(), c.wanted())).collect();
        digest(&(changes, self.import.as_ref().map(|import| &import.noted)))
    }

    fn binding(&self) -> String {
        if let Some(import) = &self.import {
            let (account, domain) = (self.account.as_str(), self.domain.as_str());
            return digest(&("import", account, domain, &import.request));
        }
        let wanted: Vec<String> = self.changes.iter().map(Change::wanted).collect();
        digest(&("changes", wanted))
    }

    fn effect(&self) -> String {
        let mut effects: Vec<String> = self.changes.iter().map(Change::effect).collect();
        effects.sort_unstable();
        digest(&effects)
    }
}
