//! A change to one VIP rule.

use serde::Serialize;

use crate::{Author, DoubtfulDestinations, Limits, Note};
use skyswitch_domain::error::Result;
use skyswitch_domain::{Ani, Route, RouteKey, Vip};

/// Why a destination looks wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// Calls leave the customer's phone system.
    Outside,
    /// The domain has no such user or device.
    Unknown,
    /// It is the Route by ANI user, which hands the call back to the VIP rules.
    Loop,
}

impl Doubt {
    /// For people, after a destination.
    pub fn words(self) -> &'static str {
        match self {
            Doubt::Outside => "outside the customer's phone system",
            Doubt::Unknown => "does not exist in the domain",
            Doubt::Loop => "the Route by ANI user itself: the call would go in a circle",
        }
    }
}

/// One VIP rule as it is and as it shall be. Fields are private so that a
/// change is what it was planned to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleChange {
    key: RouteKey,
    before: Option<Route>,
    after: Option<Route>,
    /// What lists may show until they have caught up with earlier changes.
    late: Vec<Option<Route>>,
    /// Rules that the service may remove along with this one.
    at_risk: Vec<Route>,
    /// The rules that answer these calls wherever this rule does not exist:
    /// before it is created, after it is removed.
    answering_without: Vec<Route>,
    /// Why the destination looks wrong.
    doubt: Option<Doubt>,
    /// Why the caller of a new rule is one to look at.
    remark: Option<Remark>,
    /// What is kept here of the rule as it is, which ends with it.
    kept: Option<Note>,
    /// What is kept here of it afterwards.
    note: Option<Note>,
}

/// Why the caller of a new rule is named in a plan, however long that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Remark {
    /// The operator protects the caller.
    Protected,
    /// The caller has another VIP rule.
    HasRule,
}

impl Remark {
    /// For people, after a destination.
    pub fn words(self) -> &'static str {
        match self {
            Remark::Protected => "the operator protects this caller",
            Remark::HasRule => "this caller has another VIP rule",
        }
    }
}

impl RuleChange {
    /// Creates a rule, or replaces the one that exists under its key.
    pub fn put(before: Option<Route>, after: Route) -> RuleChange {
        RuleChange {
            key: after.key.clone(),
            before,
            after: Some(after),
            late: Vec::new(),
            at_risk: Vec::new(),
            answering_without: Vec::new(),
            doubt: None,
            remark: None,
            kept: None,
            note: None,
        }
    }

    /// Removes a rule. `at_risk` are the rules that the service may
    /// remove along with it, which a person has to know.
    pub fn remove(before: Route, at_risk: Vec<Route>) -> RuleChange {
        RuleChange {
            after: None,
            at_risk,
            ..RuleChange::put(Some(before.clone()), before)
        }
    }

    /// Says which rules answer these calls wherever this rule does not exist.
    /// A new rule takes the calls away from them.
    #[must_use]
    pub fn answered_without_by(mut self, rules: Vec<Route>) -> Self {
        self.answering_without = rules;
        self
    }

    /// Says what lists may show until they have caught up with earlier changes.
    #[must_use]
    pub fn read_late_as(mut self, late: Vec<Option<Route>>) -> Self {
        self.late = late;
        self
    }

    /// Says why the destination looks wrong, if it does.
    #[must_use]
    pub fn doubting(mut self, doubt: Option<Doubt>) -> Self {
        self.doubt = doubt;
        self
    }

    /// Says why its caller is one to look at, if it is.
    #[must_use]
    pub fn remarking(mut self, remark: Option<Remark>) -> Self {
        self.remark = remark;
        self
    }

    /// Says what is kept here of the rule as it is, if anything.
    #[must_use]
    pub fn ending(mut self, kept: Option<Note>) -> Self {
        self.kept = kept;
        self
    }

    /// Says what is kept here of the rule afterwards, if anything.
    #[must_use]
    pub fn noting(mut self, note: Option<Note>) -> Self {
        self.note = note;
        self
    }

    /// What is kept here of the rule as it is, if anything.
    pub fn kept(&self) -> Option<&Note> {
        self.kept.as_ref()
    }

    /// What of that no longer applies afterwards, in one sentence.
    pub fn no_longer_applies(&self) -> Option<String> {
        self.kept.as_ref()?.lost_to(self.note.as_ref())
    }

    /// What is kept here of the rule afterwards, if anything.
    pub fn note(&self) -> Option<&Note> {
        self.note.as_ref()
    }

    /// Which rule changes.
    pub fn key(&self) -> &RouteKey {
        &self.key
    }

    /// The caller it is about.
    pub fn ani(&self) -> &Ani {
        &self.key.ani
    }

    /// The rule as it was when the change was planned.
    pub fn before(&self) -> Option<&Route> {
        self.before.as_ref()
    }

    /// Whether what a list shows is as it was before, or as it was before earlier
    /// changes that lists need not show yet.
    pub fn is_before(&self, listed: Option<&Route>) -> bool {
        listed == self.before() || self.late.iter().any(|late| late.as_ref() == listed)
    }

    /// Whether what was there before is what the service accepted a moment earlier,
    /// and no list shows it yet.
    pub(super) fn is_before_unread(&self) -> bool {
        !self.late.is_empty()
    }

    /// The rule as it shall be; `None` for a removal.
    pub fn after(&self) -> Option<&Route> {
        self.after.as_ref()
    }

    /// Rules that the service may remove along with this one.
    pub fn at_risk(&self) -> &[Route] {
        &self.at_risk
    }

    /// The rules that answer these calls wherever this rule does not exist.
    pub fn answering_without(&self) -> &[Route] {
        &self.answering_without
    }

    /// Why the destination looks wrong, if it does.
    pub fn doubt(&self) -> Option<Doubt> {
        self.doubt
    }

    /// Why its caller is one to look at, if it is.
    pub fn remark(&self) -> Option<Remark> {
        self.remark
    }

    /// Whether a new rule sends calls elsewhere that another VIP rule answers today.
    pub fn takes_calls(&self) -> bool {
        let (None, Some(after)) = (&self.before, &self.after) else {
            return false;
        };
        self.answering_without
            .iter()
            .any(|today| !today.same_destination(after))
    }

    /// Whether something that exists is lost: a removal or a replacement.
    pub fn is_destructive(&self) -> bool {
        self.before.is_some()
    }

    /// Whatever takes calls away from a VIP rule, any new rule of a protected
    /// caller, and one that a program wants to lead somewhere that looks wrong:
    /// a person who wrote that themselves is only warned.
    pub(super) fn needs_consent(&self, limits: &Limits, author: Author) -> bool {
        let asks_if_doubtful =
            author == Author::Program && limits.doubtful_destinations == DoubtfulDestinations::Ask;
        self.is_destructive()
            || self.takes_calls()
            || limits.is_protected(&self.key.ani)
            || (asks_if_doubtful && self.doubt.is_some())
    }

    /// Refuses what the operator has put out of reach, whoever agrees to it.
    ///
    /// # Errors
    /// `blocked`, naming the setting.
    pub fn refuse_beyond(&self, limits: &Limits) -> Result<()> {
        if let Some(before) = &self.before {
            limits.refuse_protected(before)?;
        }
        let Some(after) = &self.after else {
            return Ok(());
        };
        if self.takes_calls() {
            limits.refuse_taking(after)?;
        }
        self.doubt
            .map_or(Ok(()), |doubt| limits.refuse_doubtful(after, doubt))
    }

    /// The state that was seen, for digests.
    pub(super) fn seen(&self) -> impl Serialize + use<> {
        let vips = |rules: &[Route]| -> Vec<Vip> { rules.iter().map(Vip::from).collect() };
        // A replaced rule answers its calls before and after, whatever else there is.
        let is_replacement = self.before.is_some() && self.after.is_some();
        let answering = match is_replacement {
            true => Vec::new(),
            false => vips(&self.answering_without),
        };
        (
            self.before.as_ref().map(Vip::from),
            vips(&self.at_risk),
            answering,
            self.doubt,
            self.remark,
        )
    }

    /// What there would be afterwards, for digests: a user is the same one with
    /// a prefix, with the domain, or alone.
    pub(super) fn effect(&self) -> impl Serialize + use<> {
        let key = &self.key;
        let dnis = match key.dnis.is_any() {
            true => "",
            false => key.dnis.as_str(),
        };
        let plain = |text: &str| text.trim().to_ascii_lowercase();
        let after = self.after.as_ref().map(|after| {
            let application = &after.application;
            let (name, host) = after.destination.address(application);
            let host = host.map(plain).filter(|host| *host != plain(&key.domain));
            (application.as_str().to_owned(), plain(name), host)
        });
        (key.ani.as_str().to_owned(), dnis.to_owned(), after)
    }

    /// What is wanted, for digests.
    pub(super) fn wanted(&self) -> impl Serialize + use<> {
        (
            self.key.ani.as_str().to_owned(),
            self.key.dnis.as_str().to_owned(),
            self.after.as_ref().map(Vip::from),
            self.after.as_ref().and(self.note.clone()),
        )
    }
}
