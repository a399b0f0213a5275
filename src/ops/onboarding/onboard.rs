//! `onboard_domain`: plans what is missing of a customer's setup and makes it,
//! as far as a person agrees and the APIs allow.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::ops::onboarding::Step;
use crate::ops::onboarding::Ticket;
use crate::ops::onboarding::evidence::Customer;
use crate::ops::onboarding::evidence::Evidence;
use crate::ops::onboarding::plan::Missing;
use crate::ops::onboarding::plan::Wanted;
use crate::ops::onboarding::steps::Steps;
use crate::ops::write::agree::{Asked, Cleared, Confirmation, Plan, Planned, Seen, Status, agree};
use crate::ops::write::send::read_only;
use skyswitch_domain::error::Result;
use skyswitch_domain::redact::shown;
use skyswitch_domain::{AccountId, Destination, Extension, PbxDomain, PhoneNumber, SetupStep};
use skyswitch_guard::store::FileLock;
use skyswitch_guard::{Channel, SetupChange, SetupPlan};

/// Whom to set up.
#[derive(Debug, Clone, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct OnboardDomain {
    /// The customer's PBX domain, e.g. `acme.12345.service`
    #[arg(long, short)]
    pub domain: PbxDomain,
    /// The customer's own phone number (DID) that callers dial, e.g. `6165550100`; it is pointed at the Route by ANI user last, by a run of its own
    #[arg(long)]
    pub did: Option<PhoneNumber>,
    /// Where callers who are not VIPs go, for the support ticket and the dial translation rule, e.g. `100`
    #[arg(long)]
    pub fallback_destination: Option<Destination>,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum OnboardStatus {
    /// Only planned, as asked; nothing was sent.
    Planned,
    /// Nothing can be done through the APIs now; `next_step` says what waits.
    Unchanged,
    /// Nothing was sent; a person must agree first.
    ConfirmationRequired,
    /// The person did not agree; nothing was sent.
    Declined,
    /// Every change was made.
    Applied,
    /// A change was not made, and those after it were not sent.
    Incomplete,
}

impl Status for OnboardStatus {
    const CONFIRMATION_REQUIRED: Self = Self::ConfirmationRequired;
    const DECLINED: Self = Self::Declined;
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct OnboardChange {
    /// The step it belongs to, for example `route_did`.
    pub step: SetupStep,
    /// What is made, in plain words.
    pub what: String,
    /// How far it is.
    pub state: PieceState,
    /// Why it was not made.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// The change in the journal, e.g. `42`; `undo_change` puts a number's route back.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub change_id: Option<String>,
}

impl OnboardChange {
    pub(super) fn planned(change: &SetupChange) -> OnboardChange {
        OnboardChange {
            step: change.piece().step(),
            what: change.piece().summary(change.domain()),
            state: PieceState::Planned,
            reason: None,
            change_id: None,
        }
    }
}

/// What became of it, and how far the setup is now.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct OnboardOutcome {
    /// How it ended.
    pub status: OnboardStatus,
    /// The account.
    pub account_id: String,
    /// The domain.
    pub domain: String,
    /// The changes of this call, in their order.
    pub changes: Vec<OnboardChange>,
    /// Whether every step before `manage_vips` is verified or attested.
    pub ready: bool,
    /// The steps as they are now.
    pub steps: Vec<Step>,
    /// Name of the first step that is not settled.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "Option<String>")]
    pub next_step: Option<SetupStep>,
    /// The ticket that asks SkySwitch for the dial translation rule, while it is needed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub support_ticket: Option<Ticket>,
    /// What is done by hand or waits, and things worth a second look.
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
    let dry_run = args.dry_run == Some(true);
    if app.settings().read_only && !dry_run {
        return Err(read_only());
    }
    let wanted = &Wanted {
        customer: Customer {
            account: app.account(args.account_id.as_ref())?,
            domain: args.domain.clone(),
            did: args.did.clone(),
            extension: args.extension.clone(),
        },
        fallback: args.fallback_destination.clone(),
        description: args.description.as_deref().map(|text| shown(text, 100)),
        steps: args.steps.unwrap_or_default(),
    };
    let Customer {
        account, domain, ..
    } = &wanted.customer;
    let read_and_plan = || async {
        let evidence = app.evidence(&wanted.customer).await?;
        let missing = app.missing(wanted, &evidence).await?;
        Ok::<_, skyswitch_domain::error::Error>((evidence, missing))
    };
    if dry_run {
        let (evidence, missing) = read_and_plan().await?;
        let status = match missing.changes.is_empty() {
            true => OnboardStatus::Unchanged,
            false => OnboardStatus::Planned,
        };
        let planned = missing.changes.iter().map(OnboardChange::planned).collect();
        let mut outcome = outcome(wanted, &evidence, status, planned);
        outcome.warnings.extend(missing.notes);
        return Ok(Asked::Done(outcome));
    }
    if let Err(error) = app.reconcile(|_| false).await {
        // What was cut off before stays open; it does not prevent this change.
        tracing::warn!(%error, "changes that were cut off could not be closed");
    }
    let plan = || async {
        let turn = app.setup_turn(account, domain).await?;
        let seen = Seen::now(app).await?;
        let (evidence, missing) = read_and_plan().await?;
        let Missing { changes, notes } = missing;
        let planned = changes.iter().map(OnboardChange::planned).collect();
        let plan = Plan {
            change: SetupPlan::new(changes, notes.clone()),
            facts: (evidence, notes, planned),
        };
        Ok(Planned {
            plan,
            seen,
            hold: turn,
        })
    };
    let ((mut evidence, notes, mut changes), agreement): ((_, _, Vec<OnboardChange>), _) =
        match agree(app, channel, plan).await? {
            Asked::Question(question) => return Ok(Asked::Question(question)),
            Asked::Done(done) => done,
        };
    let apply = async |cleared: Cleared<SetupPlan, FileLock>| {
        app.apply_setup(cleared, &wanted.customer, &mut changes)
            .await;
        // What was made is only reported once it was read back.
        evidence = app.evidence(&wanted.customer).await?;
        Ok(())
    };
    let agreement = agreement.then(apply).await?;
    let is_made = |change: &OnboardChange| change.state == PieceState::Made;
    let done = match changes.iter().all(is_made) {
        true => OnboardStatus::Applied,
        false => OnboardStatus::Incomplete,
    };
    let (status, confirmation) = agreement.status(OnboardStatus::Unchanged, done);
    let mut outcome = outcome(wanted, &evidence, status, changes);
    outcome.confirmation = confirmation;
    outcome.warnings.extend(notes);
    Ok(Asked::Done(outcome))
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
        account_id: wanted.customer.account.to_string(),
        domain: wanted.customer.domain.to_string(),
        changes,
        ready: steps.is_ready(),
        next_step: steps.next(),
        support_ticket: steps
            .needs_ticket()
            .then(|| Ticket::of(&wanted.customer, wanted.fallback.as_ref())),
        warnings: alarm.into_iter().collect(),
        steps: steps.0,
        confirmation: Confirmation::default(),
    }
}
