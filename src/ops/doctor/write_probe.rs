//! `skyswitch doctor --write-probe`: settles by trial what no document says of
//! how VIP rules are written, with two rules of a caller that nobody has, which
//! are removed again.

use serde::Serialize;

use super::facts::Fact;
use super::trial::{PATIENCE, Trial};
use crate::app::App;
use crate::ops::write::agree::{Agreement, Asked, Attempt, Confirmation, asks_a_person};
use crate::ops::write::locks::Turn;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::{
    AccountId, Ani, Application, CustomerKey, Destination, Dnis, PbxDomain, PhoneNumber, Route,
    RouteKey,
};
use skyswitch_guard::{Channel, Plan, RuleChange};

/// The operation, as the journal names it.
pub(super) const TOOL: &str = "write_probe";
/// Changes that a probe makes at most.
const CHANGES: usize = 4;
/// The called number of the second rule. 555-0100 to 555-0199 belong to nobody:
/// they are kept for fiction.
const DIALLED: &str = "12025550100";

/// Where to try, and with what.
#[derive(Debug, Clone)]
pub struct WriteProbe {
    /// The customer in whose VIP list the trial is made.
    pub domain: CustomerKey,
    /// A destination of that customer.
    pub destination: Destination,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteProbeStatus {
    /// It was tried, and nothing of it is left.
    Probed,
    /// It was tried, and something of it may be left.
    Incomplete,
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
}

asks_a_person!(WriteProbeStatus);

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub struct WriteProbeOutcome {
    /// How it ended.
    pub status: WriteProbeStatus,
    /// What was learned, which is kept for this service from now on.
    pub learned: Vec<Fact>,
    /// What this trial could not show, and where it could be tried.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_tried: Vec<String>,
    /// What may be left, each with the command that removes it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<String>,
    /// What could not be found out, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What is still to be confirmed.
    #[serde(flatten)]
    pub confirmation: Confirmation,
}

/// Creates two VIP rules of a caller that nobody has, reads them, removes them
/// and reads again, with a person's consent: about ten requests. What it learns
/// is kept for the service's address.
///
/// # Errors
/// `not_found` for an unknown customer; the guard's errors; the service's where
/// nothing was made. What failed after that is part of the result.
pub async fn write_probe(
    app: &App,
    args: &WriteProbe,
    channel: &Channel<'_>,
) -> Result<Asked<WriteProbeOutcome>> {
    let account = &app.account(None)?;
    let domain = &app.domain_of(account, &args.domain).await?;
    if let Some(unknown) = app.unless_known(account, domain).await? {
        return Err(unknown.into());
    }
    let application = args.destination.application(None);
    let application = application.map_err(|refused| refused.into_error("destination"))?;
    let form = app.settings().destination_form;
    let destination = args.destination.in_form(form, &application);
    let plan = || plan(app, account, domain, (&destination, &application));
    let attempt = Attempt::new(app, channel, Turn::Import(account, domain));
    let (trial, agreement) = match attempt.agree(plan).await? {
        Asked::Question(question) => return Ok(Asked::Question(question)),
        Asked::Done(done) => done,
    };
    Ok(Asked::Done(match agreement {
        Agreement::Reached(cleared) => trial.carry_out(cleared).await?,
        other => {
            let (status, confirmation) =
                other.status(WriteProbeStatus::Probed, WriteProbeStatus::Probed);
            WriteProbeOutcome {
                status,
                learned: Vec::new(),
                not_tried: Vec::new(),
                left: Vec::new(),
                warnings: trial.warnings,
                confirmation,
            }
        }
    }))
}

/// Reads what exists and plans the two rules.
async fn plan<'a>(
    app: &'a App,
    account: &'a AccountId,
    domain: &'a PbxDomain,
    (destination, application): (&Destination, &Application),
) -> Result<(Option<Plan>, Trial<'a>)> {
    let present = app.present_rules(account, domain, |_| false).await;
    let (present, is_not_found) = match present {
        Ok(present) => (present.rules, false),
        // The domain exists; whether that is an empty list is what is to be settled.
        Err(error) if error.detail().status == Some(404) => (Vec::new(), true),
        Err(error) => return Err(error),
    };
    app.guard()
        .refuse_beyond_hour(CHANGES, app.author())
        .await?;
    let caller = free_caller(app, &present)?;
    let dialled = PhoneNumber::from_stored(DIALLED).ok_or_else(no_number)?;
    let rule = |dnis| Route {
        key: RouteKey {
            domain: domain.as_str().into(),
            ani: Ani::from(&caller),
            dnis,
        },
        application: application.clone(),
        application_is_stored: true,
        destination: destination.clone(),
    };
    let rules = [rule(Dnis::any()), rule(Dnis::from(&dialled))];
    let mut notes = vec![format!(
        "a trial: nobody has this caller's number. The 2 rules that are added here are removed again right after they were \
             read, which nobody is asked about once more; the journal then has {CHANGES} changes"
    )];
    if is_not_found {
        notes.push(
            "SkySwitch answers this customer's list with \"not found\" (404), which is taken for an empty list here"
                .to_owned(),
        );
    }
    let look = app.look_at_destination(account, domain, &rules[0]).await?;
    notes.extend(look.iter().map(|look| look.warning.clone()));
    let doubt = look.and_then(|look| look.doubt);
    let changes = rules
        .clone()
        .map(|rule| RuleChange::put(None, rule).doubting(doubt));
    let request = (caller.as_str(), destination.as_str());
    let plan = Plan::of(account, domain, TOOL, changes)
        .map(|plan| plan.of_import(&request, present.len()).with_notes(notes));
    let trial = Trial {
        app,
        account,
        domain,
        caller,
        rules,
        is_not_found,
        has_rules: !present.is_empty(),
        learned: Vec::new(),
        warnings: Vec::new(),
        patience: PATIENCE,
    };
    Ok((plan, trial))
}

/// A caller that nobody has, that has no rule here and that the operator does
/// not protect: its rules could not be removed.
fn free_caller(app: &App, present: &[Route]) -> Result<PhoneNumber> {
    let limits = &app.settings().limits;
    let is_free = |number: &PhoneNumber| {
        let ani = Ani::from(number);
        !limits.is_protected(&ani) && !present.iter().any(|rule| rule.key.ani.is_same_caller(&ani))
    };
    let fictional = (101..200).rev().map(|line| format!("12025550{line}"));
    let mut numbers = fictional.filter_map(|number| PhoneNumber::from_stored(&number));
    numbers.find(is_free).ok_or_else(no_number)
}

fn no_number() -> Error {
    Error::invalid(
        "domain",
        "every caller that a probe may use has a VIP rule in this domain or is protected",
        "Give another `--domain`.",
    )
}
