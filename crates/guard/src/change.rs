//! What the guard decides about. Here: a change to one VIP rule.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Preview;
use crate::Limits;
use skyswitch_domain::error::Result;
use skyswitch_domain::{AccountId, Ani, Route, RouteKey, Vip};

/// Something that is agreed to, or not, as a whole.
pub trait Change: Clone + Send + Sync {
    /// What a person is shown.
    fn preview(&self) -> Preview;

    /// Whether a person has to agree.
    fn needs_consent(&self, limits: &Limits) -> bool;

    /// Whether only a person may agree: no token and no flag does it for them.
    fn asks_a_person(&self) -> bool {
        false
    }

    /// Refuses what the operator has put out of reach, whoever agrees to it.
    ///
    /// # Errors
    /// `blocked`, naming the setting.
    fn refuse_beyond(&self, limits: &Limits) -> Result<()>;

    /// How many changes are made at the service.
    fn count(&self) -> usize;

    /// Digest of the state that was seen.
    fn fingerprint(&self) -> String;

    /// Digest of what was asked for, independent of the state it met.
    fn binding(&self) -> String;
}

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

/// One route as it stands and as it shall be. Fields are private so that a
/// change is what it was planned to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteChange {
    account: AccountId,
    tool: &'static str,
    key: RouteKey,
    before: Option<Route>,
    after: Option<Route>,
    /// Rules of the same caller that the service may remove along with this one.
    at_risk: Vec<Route>,
    /// The rules that answer these calls wherever this rule does not exist:
    /// before it is created, after it is removed.
    answering_without: Vec<Route>,
    /// Why the destination looks wrong.
    doubt: Option<Doubt>,
    /// Asked for even where nothing that stands is lost.
    always_asks: bool,
    /// Sentences that a person has to read before agreeing.
    notes: Vec<String>,
}

impl RouteChange {
    /// Creates a route, or replaces the one that stands under its key.
    pub fn put(
        account: AccountId,
        tool: &'static str,
        before: Option<Route>,
        after: Route,
    ) -> Self {
        RouteChange {
            account,
            tool,
            key: after.key.clone(),
            before,
            after: Some(after),
            at_risk: Vec::new(),
            answering_without: Vec::new(),
            doubt: None,
            always_asks: false,
            notes: Vec::new(),
        }
    }

    /// Removes a route. `at_risk` are the caller's rules that the service may
    /// remove along with it, which a person has to know.
    pub fn remove(
        account: AccountId,
        tool: &'static str,
        before: Route,
        at_risk: Vec<Route>,
    ) -> Self {
        RouteChange {
            account,
            tool,
            key: before.key.clone(),
            before: Some(before),
            after: None,
            at_risk,
            answering_without: Vec::new(),
            doubt: None,
            always_asks: false,
            notes: Vec::new(),
        }
    }

    /// Says which rules answer these calls wherever this rule does not exist.
    /// A new rule takes the calls away from them.
    #[must_use]
    pub fn answered_without_by(mut self, rules: Vec<Route>) -> Self {
        self.answering_without = rules;
        self
    }

    /// Says why the destination looks wrong, if it does.
    #[must_use]
    pub fn doubting(mut self, doubt: Option<Doubt>) -> Self {
        self.doubt = doubt;
        self
    }

    /// Adds sentences that a person has to read before agreeing.
    #[must_use]
    pub fn noting(mut self, notes: Vec<String>) -> Self {
        self.notes = notes;
        self
    }

    /// Sentences that a person has to read before agreeing.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The same change, put before a person even where nothing is lost.
    #[must_use]
    pub fn asked_in_any_case(mut self) -> Self {
        self.always_asks = true;
        self
    }

    /// The account it is made in.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The operation that makes it, for example `add_vip`.
    pub fn tool(&self) -> &'static str {
        self.tool
    }

    /// Which rule changes.
    pub fn key(&self) -> &RouteKey {
        &self.key
    }

    /// The caller it is about.
    pub fn ani(&self) -> &Ani {
        &self.key.ani
    }

    /// The route as it stood when the change was planned.
    pub fn before(&self) -> Option<&Route> {
        self.before.as_ref()
    }

    /// The route as it shall be; `None` for a removal.
    pub fn after(&self) -> Option<&Route> {
        self.after.as_ref()
    }

    /// Rules of the same caller that the service may remove along with this one.
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

    /// Whether a new rule sends calls elsewhere that another VIP rule answers today.
    pub fn takes_calls(&self) -> bool {
        let (None, Some(after)) = (&self.before, &self.after) else {
            return false;
        };
        self.answering_without
            .iter()
            .any(|today| !today.rings_like(after))
    }

    /// Whether something that stands is lost: a removal or a replacement.
    pub fn is_destructive(&self) -> bool {
        self.before.is_some()
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
        )
    }

    /// What is wanted, for digests.
    pub(super) fn wanted(&self) -> impl Serialize + use<> {
        (
            self.account.as_str().to_owned(),
            self.tool,
            (
                self.key.domain.to_ascii_lowercase(),
                self.key.ani.as_str().to_owned(),
                self.key.dnis.as_str().to_owned(),
            ),
            self.after.as_ref().map(Vip::from),
        )
    }
}

impl Change for RouteChange {
    fn preview(&self) -> Preview {
        Preview::of_route(self)
    }

    /// Whatever takes calls away from a VIP rule, and any new rule of a
    /// protected caller.
    fn needs_consent(&self, limits: &Limits) -> bool {
        self.is_destructive()
            || self.takes_calls()
            || self.always_asks
            || limits.is_protected(&self.key.ani)
    }

    fn refuse_beyond(&self, limits: &Limits) -> Result<()> {
        limits.refuse_domain(&self.key.domain)?;
        self.before
            .as_ref()
            .map_or(Ok(()), |standing| limits.refuse_protected(standing))
    }

    fn count(&self) -> usize {
        1
    }

    fn fingerprint(&self) -> String {
        digest(&self.seen())
    }

    fn binding(&self) -> String {
        digest(&self.wanted())
    }
}

/// Hex digest of a value's JSON form, which is unambiguous where joined text is not.
pub(super) fn digest(value: &impl Serialize) -> String {
    // The values are strings and options: serialising them cannot fail, and an
    // empty text would only make a confirmation invalid.
    let json = serde_json::to_vec(value).unwrap_or_default();
    Sha256::digest(json)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
