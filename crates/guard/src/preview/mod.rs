//! What a person is shown before a change, as data: `text.rs` is the one
//! place that makes text of it, the approval page lays it out in its own way,
//! and the store keeps it as JSON. No decision depends on its texts.

mod entry;
mod setup;
mod story;
mod text;
mod vips;

use serde::{Deserialize, Serialize};

use super::{Answer, Change, CustomerNames, Plan, RuleChange, Target, TypedValue};
use skyswitch_domain::AccountId;
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::{capitalised, counted};
pub use story::{Group, Story};
pub use text::Line;

/// What a person decides by. Everything that comes from the service or from
/// arguments was made harmless to print.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    summary: String,
    facts: Vec<Fact>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    rows: Vec<Row>,
    asks_for: TypedValue,
    /// What was wrong with what was typed before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    problem: Option<String>,
    /// The same for somebody who owns a shop.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    story: Option<Box<Story>>,
    /// Whether the PIN is asked for, too.
    #[serde(skip, default)]
    wants_pin: bool,
}

/// One thing that the person has to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Fact {
    kind: FactKind,
    text: String,
}

/// What a fact is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactKind {
    /// The account
    Account,
    /// The profile that the person chose
    Profile,
    /// The customer's PBX domain
    Domain,
    /// The caller of a VIP rule
    Caller,
    /// The numbers for which a VIP rule holds
    CalledNumber,
    /// The customer's own number
    CustomerNumber,
    /// Where the calls go now
    Today,
    /// Where the calls go after the change
    Afterwards,
    /// How many rules a plan adds, replaces, removes and keeps
    Counts,
    /// Who the caller is, as it is kept here
    KnownAs,
    /// The last day of a VIP rule
    Until,
    /// What was kept of a VIP rule and ends with it
    NoLongerApplies,
    /// Settings of a number that stay as they are
    Kept,
    /// Settings of a number that change along with its destination
    AlsoChanged,
    /// Where callers who are not VIPs go, read from the dial plan
    OthersVerified,
    /// Where callers who are not VIPs go, as a person has stated it
    OthersAttested,
    /// Free text for a domain
    Description,
    /// The change cannot be undone
    Irreversible,
    /// An answering rule that is overwritten
    ReplacedAnsweringRule,
    /// A VIP rule that the service may remove along with another
    MayBeRemoved,
    /// The setup step that is attested
    Step,
    /// The person who attests it
    AttestedBy,
    /// What proves it
    Proof,
    /// The change of the journal that is closed
    Entry,
    /// What has to be true before anybody agrees
    AgreeOnlyIf,
    /// Something worth a second look
    Note,
}

impl FactKind {
    /// Whether something that exists is lost.
    fn is_loss(self) -> bool {
        matches!(
            self,
            FactKind::Irreversible
                | FactKind::ReplacedAnsweringRule
                | FactKind::MayBeRemoved
                | FactKind::NoLongerApplies
        )
    }
}

/// One change of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Row {
    effect: Effect,
    /// What is changed.
    subject: String,
    /// What it comes to, where the subject does not say so itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    outcome: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    facts: Vec<Fact>,
}

/// What a change of a plan does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Effect {
    /// Adds a VIP rule
    Add,
    /// Adds several VIP rules with the same destination
    AddSeveral,
    /// Replaces a VIP rule
    Replace,
    /// Removes a VIP rule
    Remove,
    /// Makes a part of a customer's setup
    SetUp,
}

impl Effect {
    /// Whether something that exists is lost.
    fn is_loss(self) -> bool {
        matches!(self, Effect::Replace | Effect::Remove)
    }
}

impl Preview {
    /// Whether an answer is consent: the typed value, and nothing else.
    pub(crate) fn is_agreed_to_by(&self, answer: &Answer) -> bool {
        matches!(answer, Answer::Typed(text) if self.asks_for.is_typed_as(text))
    }

    /// A plan: one change in full, several as rows. The rules of an import are
    /// always rows.
    pub(crate) fn of_plan(plan: &Plan) -> Preview {
        let names = plan.names();
        let customer = names.customer(plan.domain());
        let rules: Vec<&RuleChange> = plan.changes().iter().filter_map(Change::rule).collect();
        let (summary, facts, rows) = match (plan.kept(), plan.changes()) {
            (None, [only]) => (heading(only, names), details(only, names), Vec::new()),
            (kept, changes) if !rules.is_empty() => (
                format!(
                    "Change {} in {customer}",
                    counted(changes.len(), "VIP rule")
                ),
                vec![vips::counts(&rules, kept.unwrap_or_default())],
                vips::rows(&rules, names),
            ),
            (_, steps) => (
                format!(
                    "Set up Route by ANI in {customer}: {}",
                    counted(steps.len(), "step")
                ),
                Vec::new(),
                steps.iter().map(|change| step(change, names)).collect(),
            ),
        };
        let of_setup = rules.is_empty().then(|| fact(FactKind::Domain, customer));
        Preview {
            summary,
            facts: std::iter::once(account(plan.account()))
                .chain(of_setup)
                .chain(facts)
                .chain(notes(plan.notes()))
                .collect(),
            rows,
            asks_for: plan.asks_for(),
            problem: None,
            story: Some(Box::new(Story::of_plan(plan))),
            wants_pin: false,
        }
    }

    /// The same preview with the profile, beside the account, where one was chosen.
    pub(crate) fn of_profile(mut self, profile: Option<&str>) -> Preview {
        if let Some(profile) = profile {
            let is_account = |fact: &Fact| fact.kind == FactKind::Account;
            let place = self
                .facts
                .iter()
                .position(is_account)
                .map_or(0, |at| at + 1);
            let profile = fact(FactKind::Profile, shown(profile, 64));
            self.facts.insert(place, profile);
        }
        self
    }

    /// The same, with or without the PIN.
    #[must_use]
    pub(crate) fn wanting_pin(self, wants_pin: bool) -> Preview {
        Preview { wants_pin, ..self }
    }

    /// The same question, with why it was not answered yet.
    #[must_use]
    pub fn with_problem(self, problem: String) -> Preview {
        Preview {
            problem: Some(problem),
            ..self
        }
    }

    /// Whether the PIN is asked for besides the value.
    pub fn wants_pin(&self) -> bool {
        self.wants_pin
    }

    /// The same for somebody who owns a shop, where it is about calls.
    pub fn story(&self) -> Option<&Story> {
        self.story.as_deref()
    }

    /// The change in one line, for example `Remove VIP +1 616-555-0123 in acme.12345.service`.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// The fact of a kind, where the preview has one.
    pub fn fact(&self, kind: FactKind) -> Option<&str> {
        let found = self.facts.iter().find(|fact| fact.kind == kind);
        found.map(|fact| fact.text.as_str())
    }

    /// What must be typed.
    pub fn asks_for(&self) -> &TypedValue {
        &self.asks_for
    }
}

/// A change in one line.
fn heading(change: &Change, names: &CustomerNames) -> String {
    let customer = names.customer(change.domain());
    match change.target() {
        Target::VipRule(rule) => vips::heading(rule, &customer),
        Target::Piece(piece) => match (piece.did(), piece.names()) {
            (Some(did), Some(names)) => {
                format!("Send {did} of {customer} to {}", names.afterwards)
            }
            _ => capitalised(&piece.piece().summary(change.domain())),
        },
    }
}

/// What a person decides a change by.
fn details(change: &Change, names: &CustomerNames) -> Vec<Fact> {
    match change.target() {
        Target::VipRule(rule) => vips::details(rule, names),
        Target::Piece(piece) => setup::details(piece),
    }
}

/// A step of a setup among others.
fn step(change: &Change, names: &CustomerNames) -> Row {
    Row {
        effect: Effect::SetUp,
        subject: heading(change, names),
        outcome: None,
        facts: details(change, names),
    }
}

fn account(account: &AccountId) -> Fact {
    fact(FactKind::Account, shown(account.as_str(), 128))
}

fn fact(kind: FactKind, text: impl Into<String>) -> Fact {
    Fact {
        kind,
        text: text.into(),
    }
}

fn notes(notes: &[String]) -> impl Iterator<Item = Fact> + '_ {
    notes.iter().map(|note| fact(FactKind::Note, note))
}
