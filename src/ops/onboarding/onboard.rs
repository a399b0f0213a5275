//! `onboard_domain`: plans what is missing of a customer's setup and makes it,
//! as far as a person agrees and the APIs allow.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::ops::onboarding::evidence::{Customer, Evidence};
use crate::ops::onboarding::judge::BySetup;
use crate::ops::onboarding::plan::{Missing, TOOL, Wanted};
use crate::ops::onboarding::plan_number::no_way_back;
use crate::ops::onboarding::remembered::tell_of_ticket;
use crate::ops::onboarding::steps::Steps;
use crate::ops::onboarding::{Step, Ticket};
use crate::ops::write::agree::{Asked, Attempt, Confirmation, Facts, asks_a_person, failed_after};
use crate::ops::write::locks::Turn;
use crate::ops::write::send::Sent;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::word;
use skyswitch_domain::{
    AccountId, Argument, CustomerKey, DestinationKey, DidRoute, Extension, PbxDomain, PhoneNumber,
    SetupStep,
};
use skyswitch_guard::{Author, Channel, PieceChange, Plan};

/// Whom to set up.
#[derive(Debug, Clone, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct OnboardDomain {
    /// The customer: PBX domain, short name or description, e.g. `acme.12345.service`, `acme`, `Acme Dental`
    #[arg(long, short)]
    pub domain: CustomerKey,
    /// The customer's own phone number (DID) that callers dial, e.g. `6165550100`; it is pointed at the Route by ANI user last, by a run of its own
    #[arg(long)]
    pub did: Option<PhoneNumber>,
    /// Where callers who are not VIPs go, for the support ticket and the dial translation rule, e.g. `100`, `Front Desk`
    #[arg(long)]
    pub fallback_destination: Option<DestinationKey>,
    /// The user that the number is pointed at, e.g. `9000`; found by its name, or created as `route_by_ani`, when left out
    #[arg(long)]
    pub extension: Option<Extension>,
    /// Description of a domain that is created, e.g. `Acme Dental`
    #[arg(long)]
    pub description: Option<String>,
    /// `all` missing steps up to the number (the default), or only the `next` one
    #[arg(long, value_enum)]
    pub steps: Option<OnboardSteps>,
    /// Show the plan without applying it
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    #[serde(default, deserialize_with = "crate::lenient::boolean")]
    pub dry_run: Option<bool>,
    /// SkySwitch account id, e.g. `0f8fad5b-d9cb-469f-a165-70867728950e`; the configured default when left out
    #[arg(skip)]
    pub account_id: Option<AccountId>,
    /// The confirmation token from the previous result, unchanged, e.g. `rs1.eyJ…`
    #[arg(skip)]
    pub confirmation: Option<String>,
}

/// How much is done with one consent.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum OnboardSteps {
    /// Everything that is missing, up to the number
    #[default]
    All,
    /// The next step only
    Next,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum OnboardStatus {
    /// Only planned, as asked; nothing was sent.
    Planned,
    /// Nothing can be done through the APIs now; `next_step` says what waits.
    Unchanged,
    /// Nothing was sent; a person must agree first.
    ConfirmationRequired,
    /// The person declined; nothing was sent.
    Declined,
    /// The person did not type the value asked for; nothing was sent.
    WrongValue,
    /// The question expired before anybody answered it; nothing was sent.
    Lapsed,
    /// The question was closed without an answer; nothing was sent.
    NoAnswer,
    /// Every change was made.
    Applied,
    /// A change was not made, and those after it were not sent.
    Incomplete,
}

asks_a_person!(OnboardStatus);

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum PieceState {
    /// Planned.
    Planned,
    /// Made.
    Made,
    /// Not made; `reason` says why.
    Failed,
    /// Sent, and it is not known whether it was made.
    Unknown,
    /// Not sent.
    NotSent,
}

/// One change to the setup.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct OnboardChange {
    /// The step it belongs to, for example `route_did`.
    #[schemars(with = "String")]
    pub step: SetupStep,
    /// What is made, in plain words.
    pub what: String,
    /// How far it is.
    pub state: PieceState,
    /// Why it was not made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The change in the journal, e.g. `42`; `undo_change` puts a number's route back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change_id: Option<String>,
    /// Why `undo_change` would not put a number's route back, where it would not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_undo: Option<String>,
}

impl OnboardChange {
    fn planned(change: &PieceChange, domain: &PbxDomain) -> OnboardChange {
        OnboardChange {
            step: change.piece().step(),
            what: change.piece().summary(domain),
            state: PieceState::Planned,
            reason: None,
            change_id: None,
            no_undo: change.did().and_then(|_| {
                let before = change.before().and_then(DidRoute::from_stored);
                no_way_back(before.as_ref(), |_| true)
            }),
        }
    }

    /// `made: add the user 9000 (change 3)`, in words.
    fn told(&self) -> String {
        let state = word(self.state).replace('_', " ");
        let id = self.change_id.as_ref();
        let id = id.map_or(String::new(), |id| format!(" (change {id})"));
        let reason = self.reason.as_ref();
        let reason = reason.map_or(String::new(), |reason| format!(": {reason}"));
        format!("{state}: {}{id}{reason}", self.what)
    }

    /// Enters what became of it; nothing where it was not its turn any more.
    fn enter(&mut self, sent: Option<Sent>) {
        let Some(sent) = sent else {
            self.state = PieceState::NotSent;
            return;
        };
        self.change_id = sent.id();
        self.state = match &sent.outcome {
            Ok(_) => PieceState::Made,
            Err(failure) if failure.is_known => PieceState::Failed,
            Err(_) => PieceState::Unknown,
        };
        let why = sent.outcome.err().map(|failure| failure.error.to_string());
        self.reason = why.or(sent.unrecorded);
    }
}

/// What became of it, and how far the setup is now.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct OnboardOutcome {
    /// How it ended.
    pub status: OnboardStatus,
    /// The account, where the call named one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// The domain.
    pub domain: String,
    /// The changes of this call, in their order.
    pub changes: Vec<OnboardChange>,
    /// Whether every step before `manage_vips` is verified or attested.
    pub ready: bool,
    /// The steps that are left, in the form of the checklist, without their titles.
    /// What is known of a step, and what to do, is said where it can be done now.
    #[schemars(with = "Vec<serde_json::Map<String, serde_json::Value>>")]
    pub steps: Vec<Step>,
    /// Name of the first step that is not settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub next_step: Option<SetupStep>,
    /// The ticket that asks SkySwitch for the dial translation rule, while it is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub support_ticket: Option<Ticket>,
    /// Whose name the fallback destination was: `"Maya" is Maya Lindgren (101)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub named: Option<String>,
    /// What is done by hand or waits, and things worth a second look.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What is still to be confirmed, with status `confirmation_required`.
    #[serde(flatten)]
    pub confirmation: Confirmation,
}

/// Makes what is missing of a customer's setup. Calling it again goes on where
/// it stopped: every tool call plans again on what it reads.
///
/// # Errors
/// `blocked` where a number would be pointed at the Route by ANI user without a
/// fallback; `invalid_argument`; the guard's and the service's errors.
pub async fn onboard_domain(
    app: &App,
    args: &OnboardDomain,
    channel: &Channel<'_>,
) -> Result<Asked<OnboardOutcome>> {
    let account = app.account(args.account_id.as_ref())?;
    let domain = app.domain_to_change(&account, &args.domain).await?;
    let given = args.fallback_destination.as_ref();
    let taken = app.fallback_named(&account, &domain, given).await?;
    let given = taken.as_ref().map(|taken| &taken.destination);
    let wanted = &Wanted {
        fallback: app.fallback_for(&account, &domain, given).await,
        named: taken.as_ref().and_then(|taken| taken.named.clone()),
        customer: Customer {
            domain,
            account,
            did: args.did.clone(),
            extension: args.extension.clone(),
        },
        description: args.description.as_deref().map(described).transpose()?,
        steps: args.steps.unwrap_or_default(),
    };
    let Customer {
        account, domain, ..
    } = &wanted.customer;
    let read_and_plan = || async {
        let evidence = app.evidence(&wanted.customer).await?;
        let Missing { changes, mut notes } = app.missing(wanted, &evidence).await?;
        notes.extend(evidence.notes());
        let told = |change| OnboardChange::planned(change, domain);
        let planned: Vec<OnboardChange> = changes.iter().map(told).collect();
        let plan = Plan::of(account, domain, TOOL, changes);
        let said = wanted.named.iter().chain(&notes).cloned().collect();
        let plan = plan.map(|plan| plan.with_notes(said));
        Ok::<_, Error>((plan, (evidence, notes, planned)))
    };
    if args.dry_run == Some(true) {
        let (_, (evidence, notes, planned)) = read_and_plan().await?;
        let status = match planned.is_empty() {
            true => OnboardStatus::Unchanged,
            false => OnboardStatus::Planned,
        };
        let mut outcome = outcome(wanted, &evidence, status, planned);
        outcome.account_id = args.account_id.as_ref().map(AccountId::to_string);
        outcome.warnings.extend(notes);
        return Ok(Asked::Done(outcome));
    }
    let attempt = Attempt::new(app, channel, Turn::Setup(account, domain));
    let ((mut evidence, notes, mut changes), agreement) = match attempt.agree(read_and_plan).await?
    {
        Asked::Question(question) => return Ok(Asked::Question(question)),
        Asked::Done(done) => done,
    };
    let apply = async |cleared| {
        let customer = &wanted.customer;
        let judge = BySetup { app, customer };
        let mut sent = app.send_in_order(cleared, None, &judge).await.into_iter();
        changes
            .iter_mut()
            .for_each(|change| change.enter(sent.next()));
        Ok(app.evidence(customer).await)
    };
    let agreement = agreement.then(apply).await?;
    // What a program wants is remembered once a person has agreed to it.
    if agreement.reached().is_some() || app.author() == Author::Person {
        app.remember_fallback(account, domain, given).await;
    }
    let agreement = agreement
        .then(async |read_back| {
            // How far the setup is nobody knows then; what was made is told all the same.
            let told = || changes.iter().map(OnboardChange::told).chain(notes.clone());
            evidence = read_back.map_err(|error| failed_after(&Vec::from_iter(told()), error))?;
            Ok(())
        })
        .await?;
    let memory = app.remembered(account, domain).await;
    let is_made = |change: &OnboardChange| change.state == PieceState::Made;
    let done = match changes.iter().all(is_made) {
        true => OnboardStatus::Applied,
        false => OnboardStatus::Incomplete,
    };
    let (status, confirmation) = agreement.status(OnboardStatus::Unchanged, done);
    let mut outcome = outcome(wanted, &evidence, status, changes);
    outcome.account_id = args.account_id.as_ref().map(AccountId::to_string);
    tell_of_ticket(&mut outcome.steps, memory.as_ref());
    if confirmation.next_step.is_some() {
        // That comes before any step.
        outcome.next_step = None;
    }
    outcome.confirmation = confirmation;
    outcome.warnings.extend(notes);
    Ok(Asked::Done(outcome))
}

/// Characters that a description may have.
const DESCRIPTION_LIMIT: usize = 100;

/// What a new domain is described with: nothing is cut unseen.
fn described(text: &str) -> Result<String> {
    match text.chars().count() {
        ..=DESCRIPTION_LIMIT => Ok(shown(text, DESCRIPTION_LIMIT)),
        length => Err(Error::invalid(
            "description",
            format!(
                "{} has {length} characters; nothing was changed",
                Argument("description")
            ),
            format!("Give at most {DESCRIPTION_LIMIT}."),
        )),
    }
}

impl Facts for (Evidence, Vec<String>, Vec<OnboardChange>) {
    fn warnings(&mut self) -> &mut Vec<String> {
        &mut self.1
    }
}

fn outcome(
    wanted: &Wanted,
    evidence: &Evidence,
    status: OnboardStatus,
    changes: Vec<OnboardChange>,
) -> OnboardOutcome {
    let steps = Steps::of(&wanted.customer, evidence);
    let alarm = evidence.alarm().map(|alarm| alarm.words);
    OnboardOutcome {
        status,
        account_id: None,
        domain: wanted.customer.domain.to_string(),
        changes,
        ready: steps.is_ready(),
        next_step: steps.next(),
        support_ticket: (steps.needs_ticket() && evidence.domain_exists()).then(|| {
            Ticket::of(
                &wanted.customer,
                wanted.fallback.as_ref(),
                evidence.numbers_too_early(),
            )
        }),
        named: wanted.named.clone(),
        warnings: alarm.into_iter().collect(),
        steps: steps.left(),
        confirmation: Confirmation::default(),
    }
}
