//! The steps of a setup, judged by the evidence.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ops::onboarding::actions::action;
use crate::ops::onboarding::actions::title;
use crate::ops::onboarding::ani_user::AniUser;
use crate::ops::onboarding::evidence::Customer;
use crate::ops::onboarding::evidence::Evidence;
use skyswitch_domain::redact::shown;
use skyswitch_domain::{Argument, DidRoute, PhoneNumber, SetupStep};
use skyswitch_guard::FallbackReading;
use skyswitch_guard::store::Attestation;

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum StepState {
    /// Verified: the APIs show that it is done.
    Done,
    /// A person has attested it, since no API shows it.
    Attested,
    /// The APIs show that it is not done.
    Todo,
    /// An earlier step has to come first.
    Blocked,
    /// No API shows it, and nobody has attested it.
    Unknown,
}

impl StepState {
    /// Whether later steps may build on it.
    pub fn is_settled(self) -> bool {
        matches!(self, StepState::Done | StepState::Attested)
    }
}

/// One step of the setup.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Step {
    /// The step's name, for example `dial_translation_rule`.
    #[schemars(with = "String")]
    pub id: SetupStep,
    /// The step in a few words.
    pub title: String,
    /// How far it is.
    pub state: StepState,
    /// What the APIs showed, or who attested what.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub evidence: Option<String>,
    /// What to do, unless it is settled.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub action: Option<String>,
    /// Whether doing later steps without this one drops callers.
    pub blocker: bool,
}

/// The steps with what is known of each.
pub(super) struct Steps(pub Vec<Step>);

impl Steps {
    /// Judges every step.
    pub fn of(customer: &Customer, evidence: &Evidence) -> Steps {
        let judge = Judge { customer, evidence };
        let mut steps = Vec::with_capacity(SetupStep::ALL.len());
        let mut all_settled = true;
        for id in SetupStep::ALL {
            let (state, told) = judge.step(id, all_settled);
            all_settled &= state.is_settled();
            steps.push(Step {
                id,
                title: title(id).to_owned(),
                state,
                evidence: Some(told),
                action: (!state.is_settled()).then(|| action(id, customer, evidence)),
                blocker: id == SetupStep::DialTranslationRule,
            });
        }
        Steps(steps)
    }

    /// How far one of them is.
    pub fn state(&self, id: SetupStep) -> StepState {
        let found = self.0.iter().find(|step| step.id == id);
        found.map_or(StepState::Unknown, |step| step.state)
    }

    /// Whether the support ticket for the dial translation rule is still to be sent.
    pub fn needs_ticket(&self) -> bool {
        !self.state(SetupStep::DialTranslationRule).is_settled()
    }

    /// Whether every step before the VIP list itself is settled.
    pub fn is_ready(&self) -> bool {
        let before_vips = &self.0[..self.0.len() - 1];
        before_vips.iter().all(|step| step.state.is_settled())
    }

    /// The first step that is not settled.
    pub fn next(&self) -> Option<SetupStep> {
        let next = self.0.iter().find(|step| !step.state.is_settled());
        next.map(|step| step.id)
    }
}

/// Whether a VIP list works, in words: what is not settled may be missing, or
/// only not shown.
pub fn readiness(ready: bool, steps: &[Step]) -> &'static str {
    let before_vips = steps.split_last().map_or(steps, |(_, rest)| rest);
    let is_missing = |step: &Step| step.state == StepState::Todo;
    match ready {
        true => "ready",
        false if before_vips.iter().any(is_missing) => "not ready",
        false => "not known to be ready",
    }
}

struct Judge<'a> {
    customer: &'a Customer,
    evidence: &'a Evidence,
}

impl Judge<'_> {
    fn step(&self, id: SetupStep, earlier_settled: bool) -> (StepState, String) {
        let (domain, evidence) = (&self.customer.domain, self.evidence);
        if id != SetupStep::CreateDomain && !evidence.domain_exists {
            return (
                StepState::Blocked,
                format!("The domain {domain} does not exist yet."),
            );
        }
        match id {
            SetupStep::CreateDomain if evidence.domain_exists => (
                StepState::Done,
                format!("{domain} is among the account's PBX domains."),
            ),
            SetupStep::CreateDomain => (
                StepState::Todo,
                format!("{domain} does not exist in this account (checked just now)."),
            ),
            SetupStep::DialTranslationRule => self.dial_translation_rule(),
            SetupStep::RouteByAniUser => match (&evidence.ani_user, &evidence.users) {
                (Some(user), _) => self.ani_user(user),
                (None, Err(why)) => (
                    StepState::Unknown,
                    format!("The domain's users are not shown: {why}."),
                ),
                (None, Ok(_)) => (
                    StepState::Todo,
                    "No user is called route_by_ani or \"Route By ANI\".".to_owned(),
                ),
            },
            SetupStep::RouteDid => self.route_did(earlier_settled),
            SetupStep::ManageVips => match &evidence.vips {
                Ok(0) => (StepState::Todo, "There are no VIP rules.".to_owned()),
                Ok(1) => (StepState::Done, "There is 1 VIP rule.".to_owned()),
                Ok(n) => (StepState::Done, format!("There are {n} VIP rules.")),
                Err(why) => (
                    StepState::Unknown,
                    format!("The VIP rules are not shown: {why}."),
                ),
            },
        }
    }

    fn dial_translation_rule(&self) -> (StepState, String) {
        let attested = self.evidence.attested(SetupStep::DialTranslationRule);
        match (&self.evidence.dial_plan, attested) {
            (FallbackReading::Stands { words, .. }, _) => (
                StepState::Done,
                format!("Verified in the dial plan: {words}."),
            ),
            (FallbackReading::Missing(why), Some(attestation)) => (
                StepState::Todo,
                format!(
                    "Read, and it contradicts what was attested: {why}. ({})",
                    attested_by(attestation)
                ),
            ),
            (FallbackReading::Missing(why), None) => (StepState::Todo, format!("Read: {why}.")),
            (FallbackReading::Failed(why), attested) => (
                StepState::Unknown,
                format!(
                    "Not known just now: {why}. {}",
                    attested.map(attested_by).unwrap_or_default()
                ),
            ),
            (
                FallbackReading::NotShown(why) | FallbackReading::NotJudged(why),
                Some(attestation),
            ) => (
                StepState::Attested,
                format!("{} Not verified: {why}.", attested_by(attestation)),
            ),
            (FallbackReading::NotShown(why) | FallbackReading::NotJudged(why), None) => (
                StepState::Unknown,
                format!("No API shows it, and nobody has attested it: {why}."),
            ),
        }
    }

    fn ani_user(&self, user: &AniUser) -> (StepState, String) {
        let name = &user.extension;
        let problems: Vec<String> = user.problems().iter().map(ToString::to_string).collect();
        if !problems.is_empty() {
            return (
                StepState::Todo,
                format!("User {name} exists, but {}.", problems.join("; ")),
            );
        }
        let Some(why) = user.not_shown() else {
            return (
                StepState::Done,
                format!(
                    "Verified: user {name} has no device, voicemail is off, and it forwards always to route_by_ani."
                ),
            );
        };
        match self.evidence.attested(SetupStep::RouteByAniUser) {
            Some(attestation) => (
                StepState::Attested,
                format!(
                    "User {name} exists. {} Not verified: {why}.",
                    attested_by(attestation)
                ),
            ),
            None => (
                StepState::Unknown,
                format!(
                    "User {name} exists; its devices, voicemail and answering rules are not all shown: {why}."
                ),
            ),
        }
    }

    fn route_did(&self, earlier_settled: bool) -> (StepState, String) {
        let unless_blocked = |state: StepState, told: String| match earlier_settled {
            true => (state, told),
            false => (
                StepState::Blocked,
                format!("{told} Earlier steps come first."),
            ),
        };
        match &self.customer.did {
            Some(did) => match self.named_did(did) {
                (StepState::Done, told) => (StepState::Done, told),
                (state, told) => unless_blocked(state, told),
            },
            None => match self.any_did() {
                (StepState::Done, told) => (StepState::Done, told),
                (state, told) => unless_blocked(state, told),
            },
        }
    }

    fn named_did(&self, did: &PhoneNumber) -> (StepState, String) {
        let evidence = self.evidence;
        let domain = &self.customer.domain;
        if let Ok(numbers) = &evidence.numbers
            && !numbers.contains(did)
        {
            return (
                StepState::Todo,
                format!("{did} is not among the numbers of {domain}."),
            );
        }
        let on_ani_user = evidence.numbers_on_ani_user.as_ref();
        if on_ani_user.is_ok_and(|numbers| numbers.contains(did)) {
            let off = matches!(&evidence.did_route, Some(Ok(Some(route))) if route.is_off());
            return match off {
                true => (
                    StepState::Todo,
                    format!(
                        "{did} goes to the Route by ANI user of {domain}, but its routing is switched off."
                    ),
                ),
                false => (
                    StepState::Done,
                    format!("Verified: {did} goes to the Route by ANI user of {domain}."),
                ),
            };
        }
        match &evidence.did_route {
            Some(Ok(route)) => (
                StepState::Todo,
                format!(
                    "{did} goes to {}.",
                    route
                        .as_ref()
                        .map_or("nothing".to_owned(), DidRoute::goes_to)
                ),
            ),
            Some(Err(why)) => (
                StepState::Unknown,
                format!("Where {did} goes is not shown: {why}."),
            ),
            None => (
                StepState::Unknown,
                format!("Where {did} goes was not read."),
            ),
        }
    }

    fn any_did(&self) -> (StepState, String) {
        let evidence = self.evidence;
        let domain = &self.customer.domain;
        match (&evidence.numbers_on_ani_user, &evidence.users) {
            (Err(why), _) | (_, Err(why)) => {
                return (
                    StepState::Unknown,
                    format!("Which numbers go to a Route by ANI user is not shown: {why}."),
                );
            }
            (Ok(numbers), Ok(_)) if !numbers.is_empty() => {
                return (
                    StepState::Done,
                    format!(
                        "Verified: {} the Route by ANI user of {domain}.",
                        listed(numbers, "goes to", "go to")
                    ),
                );
            }
            _ => {}
        }
        match &evidence.numbers {
            Ok(numbers) if numbers.is_empty() => {
                (StepState::Todo, format!("{domain} has no numbers."))
            }
            Ok(numbers) => (
                StepState::Todo,
                format!(
                    "None of the numbers of {domain} goes to a Route by ANI user ({}); give {} to check one.",
                    listed(numbers, "", "").trim(),
                    Argument("did")
                ),
            ),
            Err(why) => (
                StepState::Unknown,
                format!("The numbers of {domain} are not shown: {why}."),
            ),
        }
    }
}

/// Who attested what, and when.
pub(super) fn attested_by(attestation: &Attestation) -> String {
    let when = Timestamp::from_millisecond(attestation.attested_at)
        .and_then(|moment| moment.round(jiff::Unit::Second))
        .map(|moment| moment.to_string())
        .unwrap_or_default();
    format!(
        "Attested by {} on {when}: {}.",
        shown(&attestation.attested_by, 100),
        shown(attestation.note.trim_end_matches('.'), 300)
    )
}

/// `+1 616-555-0100 goes`, or several and how many more.
pub(super) fn listed(numbers: &[PhoneNumber], one: &str, several: &str) -> String {
    const NAMED: usize = 5;
    let names: Vec<String> = numbers
        .iter()
        .take(NAMED)
        .map(PhoneNumber::to_string)
        .collect();
    let more = match numbers.len().saturating_sub(NAMED) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let verb = if numbers.len() == 1 { one } else { several };
    format!("{}{more} {verb}", names.join(", "))
}
