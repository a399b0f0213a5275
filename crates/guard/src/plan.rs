//! A plan: many changes to one domain, agreed to as a whole.

use serde::Serialize;

use super::change::digest;
use super::{Change, Preview, RouteChange};
use crate::Limits;
use skyswitch_domain::error::Result;
use skyswitch_domain::{AccountId, PbxDomain};

/// What makes a list of wanted callers stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutePlan {
    account: AccountId,
    domain: PbxDomain,
    request: String,
    changes: Vec<RouteChange>,
    kept: usize,
    notes: Vec<String>,
}

impl RoutePlan {
    /// A plan of `changes`; `kept` rules stay as they are.
    ///
    /// `request` is what was asked for, in whatever form the caller can repeat
    /// it: a confirmation is good for the same request only.
    pub fn new(
        account: AccountId,
        domain: PbxDomain,
        request: &impl Serialize,
        changes: Vec<RouteChange>,
        kept: usize,
    ) -> RoutePlan {
        RoutePlan {
            account,
            domain,
            request: digest(request),
            changes,
            kept,
            notes: Vec::new(),
        }
    }

    /// Adds sentences that the person has to read before agreeing.
    #[must_use]
    pub fn with_notes(mut self, notes: Vec<String>) -> RoutePlan {
        self.notes = notes;
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
    pub fn changes(&self) -> &[RouteChange] {
        &self.changes
    }

    /// Rules that stay as they are.
    pub fn kept(&self) -> usize {
        self.kept
    }

    /// Sentences that the person has to read before agreeing.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    pub(super) fn into_changes(self) -> Vec<RouteChange> {
        self.changes
    }
}

impl Change for RoutePlan {
    fn preview(&self) -> Preview {
        Preview::of_plan(self)
    }

    /// A plan is confirmed as a whole, also where it only adds.
    fn needs_consent(&self, _: &Limits) -> bool {
        true
    }

    fn refuse_beyond(&self, limits: &Limits) -> Result<()> {
        self.changes
            .iter()
            .try_for_each(|change| change.refuse_beyond(limits))
    }

    fn count(&self) -> usize {
        self.changes.len()
    }

    fn fingerprint(&self) -> String {
        let changes: Vec<_> = self
            .changes
            .iter()
            .map(|change| (change.seen(), change.wanted()))
            .collect();
        digest(&changes)
    }

    fn binding(&self) -> String {
        digest(&(
            self.account.as_str(),
            "plan",
            self.domain.as_str(),
            &self.request,
        ))
    }
}
