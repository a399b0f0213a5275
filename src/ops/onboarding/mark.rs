//! `mark_setup_step`: a person attests a step that no API shows, or withdraws
//! that.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::ops::onboarding::ani_users::goes_to_any;
use crate::ops::onboarding::evidence::{Customer, Evidence};
use crate::ops::onboarding::steps::{NAMED, Step, StepState, Steps};
use crate::ops::write::agree::{
    Asked, Attempt, Cleared, Confirmation, asks_a_person, failed_after, read_only,
};
use crate::ops::write::journal::now;
use crate::ops::write::locks::Turn;
use skyswitch_domain::command_line;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::wording::first_few;
use skyswitch_domain::{
    AccountId, Argument, CustomerKey, Extension, Operation, PhoneNumber, SetupPiece, SetupStep,
};
use skyswitch_guard::store::TargetRecord;
use skyswitch_guard::{AttestStep, Channel, CustomerNames, FallbackReading};

/// Longest name and note that are kept, in characters.
const TEXT_LIMIT: usize = 500;

/// Which step, who looked, and what proved it.
#[derive(Debug, Clone, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct MarkSetupStep {
    /// The customer: PBX domain, short name or description, e.g. `acme.12345.service`, `acme`, `Acme Dental`
    #[arg(long, short)]
    pub domain: CustomerKey,
    /// The step: `dial_translation_rule` or `route_by_ani_user`; the others are verified by the APIs
    #[arg(long)]
    #[schemars(extend("enum" = ["dial_translation_rule", "route_by_ani_user"]))]
    pub step: SetupStep,
    /// Name of the person who checked, e.g. `J. Smith`; not needed to withdraw
    #[arg(long = "by", value_name = "NAME")]
    pub attested_by: Option<String>,
    /// What proved it, e.g. `ticket 48213: Dana at SkySwitch confirms the rule to 100`; not needed to withdraw
    #[arg(long)]
    pub note: Option<String>,
    /// Withdraw the attestation
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    #[serde(default, deserialize_with = "crate::lenient::boolean")]
    pub withdraw: Option<bool>,
    /// SkySwitch account id, e.g. `0f8fad5b-d9cb-469f-a165-70867728950e`; the configured default when left out
    #[arg(skip)]
    pub account_id: Option<AccountId>,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum MarkStatus {
    /// It is attested now.
    Attested,
    /// The attestation is withdrawn.
    Withdrawn,
    /// The APIs show that it is done, or nothing was attested that could be withdrawn.
    Unchanged,
    /// Nothing was recorded; a person must agree first.
    ConfirmationRequired,
    /// The person declined; nothing was sent.
    Declined,
    /// The person did not type the value asked for; nothing was sent.
    WrongValue,
    /// The question expired before anybody answered it; nothing was sent.
    Lapsed,
    /// The question was closed without an answer; nothing was recorded.
    NoAnswer,
}

asks_a_person!(MarkStatus);

impl MarkStatus {
    /// What was recorded, if anything, where what there is now cannot be read.
    fn recorded(self, step: SetupStep) -> Option<String> {
        let step = step.as_str();
        match self {
            MarkStatus::Attested => Some(format!("`{step}` was attested")),
            MarkStatus::Withdrawn => Some(format!("the attestation of `{step}` was withdrawn")),
            _ => None,
        }
    }
}

/// What became of it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct MarkOutcome {
    /// How it ended.
    pub status: MarkStatus,
    /// The domain.
    pub domain: String,
    /// The step as it is now.
    pub step: Step,
    /// Things worth a second look.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What is still to be confirmed, with status `confirmation_required`.
    #[serde(flatten)]
    pub confirmation: Confirmation,
}

/// Attests a step, which the person whose statement it is confirms, or
/// withdraws the attestation.
///
/// # Errors
/// `not_found` for an unknown customer; `invalid_argument` for a step that the APIs show, or that they contradict;
/// the guard's, the store's and the service's errors.
pub async fn mark_setup_step(
    app: &App,
    args: &MarkSetupStep,
    channel: &Channel<'_>,
) -> Result<Asked<MarkOutcome>> {
    let account = app.account(args.account_id.as_ref())?;
    let customer = Customer {
        domain: app.domain_to_change(&account, &args.domain).await?,
        account,
        did: None,
        extension: None,
    };
    if args.withdraw == Some(true) {
        return withdraw(app, args.step, &customer).await.map(Asked::Done);
    }
    let claim = &claim(args, &customer)?;
    let look = || async {
        let evidence = app.evidence(&customer).await?;
        let step = match is_attestable(claim.step, &evidence, &customer)? {
            true => Some(AttestStep {
                version: app.attestation_version(claim).await?,
                ..claim.clone()
            }),
            false => None,
        };
        Ok((step, Vec::new()))
    };
    let turn = Turn::Setup(&customer.account, &customer.domain);
    let attempt = Attempt::new(app, channel, turn);
    let (told, agreement) = match attempt.agree(look).await? {
        Asked::Question(question) => return Ok(Asked::Question(question)),
        Asked::Done(done) => done,
    };
    let attest = async |cleared: Cleared<AttestStep>| {
        let attested = app.guard().attest(cleared.clearance, &app.asked_by).await;
        drop(cleared.turn);
        attested
    };
    let agreement = agreement.then(attest).await?;
    let (status, confirmation) = agreement.status(MarkStatus::Unchanged, MarkStatus::Attested);
    let outcome = outcome(app, status, args.step, &customer).await;
    let done = status.recorded(args.step).into_iter().chain(told.clone());
    let mut outcome = outcome.map_err(|error| failed_after(&Vec::from_iter(done), error))?;
    outcome.confirmation = confirmation;
    outcome.warnings.extend::<Vec<String>>(told);
    Ok(Asked::Done(outcome))
}

fn claim(args: &MarkSetupStep, customer: &Customer) -> Result<AttestStep> {
    let needed = |field: &'static str, text: &Option<String>| -> Result<String> {
        let argument = Argument(field);
        let text = text.as_deref().unwrap_or_default().trim();
        let length = text.chars().count();
        match length {
            0 => Err(Error::invalid(
                field,
                format!("an attestation needs {argument}"),
                format!(
                    "Give {}, the person who checked, and {}, what proved it: the ticket that SkySwitch has answered, \
                     or a test call from a number that is not a VIP, to a number that already goes to the Route by \
                     ANI user.",
                    Argument("attested_by"),
                    Argument("note")
                ),
            )),
            1..=TEXT_LIMIT => Ok(text.to_owned()),
            _ => Err(Error::invalid(
                field,
                format!("{argument} has {length} characters"),
                format!("Give at most {TEXT_LIMIT}."),
            )),
        }
    };
    Ok(AttestStep {
        account: customer.account.clone(),
        domain: customer.domain.clone(),
        step: args.step,
        version: 0,
        attested_by: needed("attested_by", &args.attested_by)?,
        note: needed("note", &args.note)?,
        names: CustomerNames::default(),
    })
}

/// Whether there is something to attest: false where the APIs show the step done.
fn is_attestable(step: SetupStep, evidence: &Evidence, customer: &Customer) -> Result<bool> {
    let refuse = |why: &str, hint: &str| Err(Error::invalid("step", why, hint));
    if let Some(unknown) = &evidence.unknown {
        return Err(unknown.clone().into());
    }
    match step {
        SetupStep::DialTranslationRule => match &evidence.dial_plan {
            FallbackReading::Verified { .. } => Ok(false),
            FallbackReading::NotSeen(_)
            | FallbackReading::NotShown(_)
            | FallbackReading::Refused(_)
            | FallbackReading::NotJudged(_) => Ok(true),
            FallbackReading::Failed(why) => refuse(
                &format!("the dial plan may show it, and has to be read first: {why}"),
                &format!(
                    "Try again in a moment, or have the operator check the PBX login with {}; the step is attested \
                     only where the dial plan is not shown.",
                    command_line("doctor")
                ),
            ),
            FallbackReading::Missing(why) => refuse(
                &format!("the dial plan can be read, and contradicts it: {why}"),
                "Wait until SkySwitch has added the rule; it is then verified without an attestation. Where SkySwitch \
                 says that it keeps the rule elsewhere, the operator sets `trust_dial_plan` to false.",
            ),
        },
        SetupStep::RouteByAniUser => match Steps::of(customer, evidence).state(step) {
            StepState::Done => Ok(false),
            StepState::Unknown | StepState::Attested => Ok(true),
            StepState::Todo | StepState::Blocked => refuse(
                "the APIs show that the Route by ANI user is not set up",
                &format!(
                    "{} says what is wrong with it; correct that first.",
                    Operation::SetupChecklist
                ),
            ),
        },
        SetupStep::CreateDomain | SetupStep::RouteDid | SetupStep::ManageVips => refuse(
            &format!(
                "`{}` is verified by the APIs and is never attested",
                step.as_str()
            ),
            "Only `dial_translation_rule` and `route_by_ani_user` can be attested.",
        ),
    }
}

impl App {
    /// Grows whenever this step is attested or withdrawn; 0 where it never was.
    async fn attestation_version(&self, claim: &AttestStep) -> Result<i64> {
        let journal = self.journal();
        let Some(store) = journal.store().if_exists().await? else {
            return Ok(0);
        };
        let (account, domain) = (claim.account.as_str(), claim.domain.as_str());
        store
            .attestation_version(journal.realm(), account, domain, claim.step)
            .await
    }
}

/// Withdrawing needs no confirmation: it only makes this program more careful.
async fn withdraw(app: &App, step: SetupStep, customer: &Customer) -> Result<MarkOutcome> {
    if app.settings().read_only {
        return Err(read_only());
    }
    let (account, domain) = (&customer.account, &customer.domain);
    // A number that is being routed on this attestation is seen through first.
    let turn = app.wait_for(Turn::Setup(account, domain)).await?;
    let journal = app.journal();
    let store = journal.store().get().await?;
    let (account, domain) = (account.as_str(), domain.as_str());
    let withdrawn = store
        .withdraw(journal.realm(), account, domain, step, &app.asked_by, now())
        .await?;
    drop(turn);
    let status = match withdrawn {
        true => MarkStatus::Withdrawn,
        false => MarkStatus::Unchanged,
    };
    let turn = Turn::Setup(&customer.account, &customer.domain);
    app.reconcile_before_planning(turn, None).await?;
    let outcome = outcome(app, status, step, customer).await;
    let done = Vec::from_iter(status.recorded(step));
    outcome.map_err(|error| failed_after(&done, error))
}

impl App {
    /// Numbers whose routing to a Route by ANI user was cut off, and of which it is not
    /// known whether it is still carried out.
    async fn numbers_under_way(
        &self,
        customer: &Customer,
        ani_users: &[Extension],
    ) -> Result<Vec<PhoneNumber>> {
        let journal = self.journal();
        let Some(store) = journal.store().if_exists().await? else {
            return Ok(Vec::new());
        };
        let open = store
            .open_changes(journal.realm(), journal.owner().await?)
            .await?;
        let domain = &customer.domain;
        let to_ani_user = open.into_iter().filter_map(|change| match change.target {
            TargetRecord::Piece(target) if domain.is(&change.domain) => match target.piece {
                SetupPiece::DidRoute { did, route, .. } => {
                    goes_to_any(&route, ani_users, domain).then_some(did)
                }
                _ => None,
            },
            _ => None,
        });
        Ok(to_ani_user.collect())
    }
}

/// The step as it is now, read again.
async fn outcome(
    app: &App,
    status: MarkStatus,
    step: SetupStep,
    customer: &Customer,
) -> Result<MarkOutcome> {
    let evidence = app.evidence(customer).await?;
    if let (MarkStatus::Unchanged, Some(unknown)) = (status, &evidence.unknown) {
        return Err(unknown.clone().into());
    }
    let alarm = evidence.alarm().map(|alarm| alarm.words);
    let mut warnings: Vec<String> = alarm.into_iter().chain(evidence.notes()).collect();
    let under_way = app.numbers_under_way(customer, &evidence.ani_users).await?;
    if !under_way.is_empty() {
        warnings.push(format!(
            "a request that points {} to the Route by ANI user was cut off and may still be carried out: look with \
             {} in a minute",
            first_few(NAMED, &under_way),
            Operation::SetupChecklist
        ));
    }
    Ok(MarkOutcome {
        status,
        domain: customer.domain.to_string(),
        step: Steps::of(customer, &evidence).into_step(step),
        warnings,
        confirmation: Confirmation::default(),
    })
}
