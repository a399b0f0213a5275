//! The steps of a setup, judged by the evidence.

use schemars::JsonSchema;
use serde::Serialize;

use crate::local_time;
use crate::ops::onboarding::actions::{action, title};
use crate::ops::onboarding::ani_user::AniUser;
use crate::ops::onboarding::evidence::{Customer, Evidence, Unread};
use crate::ops::write::present_route::PresentRoute;
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::first_few;
use skyswitch_domain::{Argument, DidRoute, PhoneNumber, SetupStep};
use skyswitch_guard::FallbackReading;
use skyswitch_guard::store::Attestation;

/// Numbers named in one sentence; the others are counted.
pub(super) const NAMED: usize = 5;

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
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
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Step {
    /// The step's name, for example `dial_translation_rule`.
    #[schemars(with = "String")]
    pub id: SetupStep,
    /// The step in a few words; only in the checklist.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// How far it is.
    pub state: StepState,
    /// What the APIs showed, or who attested what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// What to do, unless it is settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Whether doing later steps without this one drops callers.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub blocker: bool,
}

/// The steps with what is known of each, as [`SetupStep::ALL`] orders them.
pub(super) struct Steps(pub Vec<Step>);

impl Steps {
    /// Judges every step.
    pub fn of(customer: &Customer, evidence: &Evidence) -> Steps {
        let judge = Judge { customer, evidence };
        let mut earlier_settled = true;
        let steps = SetupStep::ALL.map(|id| {
            let (state, shown) = judge.step(id, earlier_settled);
            let is_next = earlier_settled;
            earlier_settled &= state.is_settled();
            Step {
                id,
                title: title(id).to_owned(),
                state,
                evidence: Some(shown),
                action: (!state.is_settled()).then(|| action(id, customer, evidence, is_next)),
                blocker: id == SetupStep::DialTranslationRule,
            }
        });
        Steps(steps.into())
    }

    /// How far one of them is.
    pub fn state(&self, id: SetupStep) -> StepState {
        self.0[id as usize].state
    }

    /// One of them, without its title.
    pub fn into_step(mut self, id: SetupStep) -> Step {
        untitled(self.0.swap_remove(id as usize))
    }

    /// Those that are left, without their titles. One that waits for earlier ones says
    /// what is known of it, and what to do, when its turn has come.
    pub fn left(self) -> Vec<Step> {
        let is_ready = self.is_ready();
        let waits = |step: &Step| {
            step.state == StepState::Blocked || (step.id == SetupStep::ManageVips && !is_ready)
        };
        let left = self.0.into_iter().filter(|step| !step.state.is_settled());
        let left = left.map(|step| match waits(&step) {
            true => Step {
                evidence: None,
                action: None,
                ..step
            },
            false => step,
        });
        left.map(untitled).collect()
    }

    /// Whether the support ticket for the dial translation rule is still to be sent.
    pub fn needs_ticket(&self) -> bool {
        !self.state(SetupStep::DialTranslationRule).is_settled()
    }

    /// Whether every step before the VIP list itself is settled.
    pub fn is_ready(&self) -> bool {
        self.next().is_none_or(|step| step == SetupStep::ManageVips)
    }

    /// The name of the first step that is not settled.
    pub fn next(&self) -> Option<SetupStep> {
        self.first_unsettled().map(|step| step.id)
    }

    /// The first step that is not settled.
    pub fn first_unsettled(&self) -> Option<&Step> {
        self.0.iter().find(|step| !step.state.is_settled())
    }
}

/// Who has the name of a step knows its title, and what is settled is not skipped.
fn untitled(step: Step) -> Step {
    Step {
        title: String::new(),
        blocker: step.blocker && !step.state.is_settled(),
        ..step
    }
}

/// Whether a VIP list works, in words: what is not settled may be missing, or
/// only not shown.
pub fn readiness(ready: bool, steps: &[Step]) -> &'static str {
    let is_missing =
        |step: &Step| step.state == StepState::Todo && step.id != SetupStep::ManageVips;
    match ready {
        true => "ready",
        false if steps.iter().any(is_missing) => "not ready",
        false => "not known to be ready",
    }
}

/// How far a step is, and what shows it.
type Judgement = (StepState, String);

fn done(evidence: String) -> Judgement {
    (StepState::Done, evidence)
}

fn attested(evidence: String) -> Judgement {
    (StepState::Attested, evidence)
}

fn to_do(evidence: String) -> Judgement {
    (StepState::Todo, evidence)
}

fn unknown(evidence: String) -> Judgement {
    (StepState::Unknown, evidence)
}

fn not_verified(statement: Option<String>, why: &str) -> Judgement {
    match statement {
        Some(statement) => attested(format!("{statement} Not verified: {why}.")),
        None => unknown(format!("Neither verified nor attested: {why}.")),
    }
}

struct Judge<'a> {
    customer: &'a Customer,
    evidence: &'a Evidence,
}

impl Judge<'_> {
    fn step(&self, id: SetupStep, earlier_settled: bool) -> Judgement {
        let (domain, evidence) = (&self.customer.domain, self.evidence);
        if let Some(unknown) = &evidence.unknown {
            return match id {
                SetupStep::CreateDomain => to_do(format!(
                    "{domain} does not exist in this account (checked just now){}.",
                    unknown.nearest()
                )),
                _ => {
                    let missing = format!("The domain {domain} does not exist yet.");
                    (StepState::Blocked, missing)
                }
            };
        }
        match id {
            SetupStep::CreateDomain => match (&evidence.unchecked, &evidence.users) {
                (None, _) => done(format!("{domain} is among the account's PBX domains.")),
                (Some(_), Ok(users)) if !users.is_empty() => done(format!(
                    "{domain} has users, so it exists; the account's PBX domains are not shown."
                )),
                (Some(why), _) => unknown(format!("Not known: {why}.")),
            },
            SetupStep::DialTranslationRule => self.dial_translation_rule(),
            SetupStep::RouteByAniUser => match (&evidence.ani_user, &evidence.users) {
                (Some(user), _) => self.ani_user(user),
                (None, Err(why)) => unknown(format!("The domain's users are not shown: {why}.")),
                (None, Ok(_)) => {
                    to_do("No user is called route_by_ani or \"Route By ANI\".".to_owned())
                }
            },
            SetupStep::RouteDid => {
                let (state, shown) = match &self.customer.did {
                    Some(did) => self.named_did(did),
                    None => self.any_did(),
                };
                match state == StepState::Done || earlier_settled {
                    true => (state, shown),
                    false => {
                        let waits = format!("{shown} Earlier steps come first.");
                        (StepState::Blocked, waits)
                    }
                }
            }
            SetupStep::ManageVips => match &evidence.vips {
                Ok(0) => to_do("There are no VIP rules.".to_owned()),
                Ok(1) => done("There is 1 VIP rule.".to_owned()),
                Ok(n) => done(format!("There are {n} VIP rules.")),
                Err(why) => unknown(format!("The VIP rules are not shown: {why}.")),
            },
        }
    }

    fn dial_translation_rule(&self) -> Judgement {
        let attestation = self.evidence.attested(SetupStep::DialTranslationRule);
        let statement = attestation.map(attested_by);
        match (&self.evidence.dial_plan, statement) {
            (FallbackReading::Verified { words, .. }, _) => {
                done(format!("Verified in the dial plan: {words}."))
            }
            (FallbackReading::Missing(why), Some(statement)) => to_do(format!(
                "The dial plan was read, and contradicts what was attested: {why}. ({statement})"
            )),
            (FallbackReading::Missing(why), None) => {
                to_do(format!("The dial plan was read: {why}."))
            }
            (FallbackReading::Failed(why), statement) => unknown(format!(
                "Not known just now: {why}. {}",
                statement.unwrap_or_default()
            )),
            (FallbackReading::NotSeen(why), statement) => not_verified(
                statement,
                &format!("{why}, which proves nothing on this PBX host"),
            ),
            (
                FallbackReading::NotShown(why)
                | FallbackReading::Refused(why)
                | FallbackReading::NotJudged(why),
                statement,
            ) => not_verified(statement, why),
        }
    }

    fn ani_user(&self, user: &AniUser) -> Judgement {
        let name = &user.extension;
        let problems: Vec<String> = user.problems().iter().map(ToString::to_string).collect();
        if !problems.is_empty() {
            return to_do(format!("User {name} exists, but {}.", problems.join("; ")));
        }
        let attestation = self.evidence.attested(SetupStep::RouteByAniUser);
        match (user.unread(), attestation.map(attested_by)) {
            (None, _) => done(format!(
                "Verified: user {name} has no device, voicemail is off, and it forwards always to route_by_ani."
            )),
            (Some(Unread::NotAsked), _) if user.rules.is_ok() => done(format!(
                "User {name} forwards always to route_by_ani; its devices and voicemail were not read."
            )),
            (Some(Unread::NotAsked), _) => done(format!(
                "User {name} exists; its devices, voicemail and answering rules were not read."
            )),
            (Some(why), Some(statement)) => attested(format!(
                "User {name} exists. {statement} Not verified: {why}."
            )),
            (Some(why), None) => unknown(format!(
                "User {name} exists; its devices, voicemail and answering rules are not all shown: {why}."
            )),
        }
    }

    fn named_did(&self, did: &PhoneNumber) -> Judgement {
        let evidence = self.evidence;
        let domain = &self.customer.domain;
        let has = |numbers: &Vec<PhoneNumber>| numbers.contains(did);
        if evidence.numbers.as_ref().is_ok_and(|numbers| !has(numbers)) {
            return to_do(format!("{did} is not among the numbers of {domain}."));
        }
        if evidence.numbers_on_ani_user.as_ref().is_ok_and(has) {
            let is_off = evidence.did_goes_to().is_some_and(DidRoute::is_off);
            return match is_off {
                true => to_do(format!(
                    "{did} goes to the Route by ANI user of {domain}, but its routing is switched off."
                )),
                false => done(format!(
                    "Verified: {did} goes to the Route by ANI user of {domain}."
                )),
            };
        }
        match &evidence.did_route {
            Some(Ok(PresentRoute { route, .. })) => to_do(match route {
                Some(route) => format!("{did} goes to {}.", route.goes_to()),
                None => format!("{did} goes to nothing."),
            }),
            Some(Err(why)) => unknown(format!("Where {did} goes is not shown: {why}.")),
            None => unknown(format!("Where {did} goes was not read.")),
        }
    }

    fn any_did(&self) -> Judgement {
        let evidence = self.evidence;
        let domain = &self.customer.domain;
        match (&evidence.numbers_on_ani_user, &evidence.users) {
            (Err(why), _) | (_, Err(why)) => {
                return unknown(format!(
                    "Which numbers go to a Route by ANI user is not shown: {why}."
                ));
            }
            (Ok(numbers), Ok(_)) if !numbers.is_empty() => {
                return done(format!(
                    "Verified: {} the Route by ANI user of {domain}.",
                    numbers_go(numbers)
                ));
            }
            _ => {}
        }
        match &evidence.numbers {
            Ok(numbers) if numbers.is_empty() => to_do(format!("{domain} has no numbers.")),
            Ok(numbers) => to_do(format!(
                "None of the numbers of {domain} goes to a Route by ANI user ({}); give {} to check one.",
                first_few(NAMED, numbers),
                Argument("did")
            )),
            Err(Unread::NotAsked) => to_do(format!(
                "None of the numbers of {domain} goes to a Route by ANI user."
            )),
            Err(why) => unknown(format!("The numbers of {domain} are not shown: {why}.")),
        }
    }
}

/// Who attested what, and when.
fn attested_by(attestation: &Attestation) -> String {
    let moment = local_time::from_seconds(attestation.attested_at.div_euclid(1_000));
    format!(
        "Attested by {} on {}: {}.",
        shown(&attestation.attested_by, 100),
        local_time::minute(moment),
        shown(attestation.note.trim_end_matches('.'), 300)
    )
}

/// `+1 616-555-0100 goes to`, or several and how many more.
pub(super) fn numbers_go(numbers: &[PhoneNumber]) -> String {
    let verb = if numbers.len() == 1 {
        "goes to"
    } else {
        "go to"
    };
    format!("{} {verb}", first_few(NAMED, numbers))
}
