//! `undo_change`: restores a rule as it was before a change.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::ops::changes::list::ChangeRow;
use crate::ops::changes::list::change_id;
use crate::ops::onboarding::undo_setup;
use crate::ops::vips::destinations::Look;
use crate::ops::vips::siblings::at_risk;
use crate::ops::vips::siblings::siblings;
use crate::ops::write::agree::{Asked, Confirmation, Plan, Status};
use crate::ops::write::journal::Origin;
use crate::ops::write::reconcile::are_alike;
use crate::ops::write::send::Subject;
use crate::ops::write::send::carry_out;
use skyswitch_client::Evidence;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{
    AccountId, Operation, PbxDomain, PhoneNumber, Route, Vip, answering_without,
};
use skyswitch_guard::store::{Change, ChangeStatus, RuleChange, Target};
use skyswitch_guard::{Channel, RouteChange};

/// Which change to undo.
#[derive(Debug, Clone, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct UndoChange {
    /// The change's id, e.g. `42`
    #[arg(value_name = "ID")]
    #[serde(deserialize_with = "crate::lenient::text")]
    pub change_id: String,
    /// SkySwitch account id, e.g. `0f8fad5b-d9cb-469f-a165-70867728950e`; the configured default when left out
    #[arg(skip)]
    pub account_id: Option<AccountId>,
    /// The confirmation token from the previous result, unchanged, e.g. `rs1.eyJ…`
    #[arg(skip)]
    pub confirmation: Option<String>,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum UndoStatus {
    /// The rule is again as it was before that change.
    Restored,
    /// It was so already; nothing was sent.
    Unchanged,
    /// Nothing was sent; a person must agree first.
    ConfirmationRequired,
    /// The person did not agree; nothing was sent.
    Declined,
}

impl Status for UndoStatus {
    const CONFIRMATION_REQUIRED: Self = Self::ConfirmationRequired;
    const DECLINED: Self = Self::Declined;
}

/// What became of it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct UndoOutcome {
    /// How it ended.
    pub status: UndoStatus,
    /// The change that is undone.
    pub undoes: ChangeRow,
    /// Where a customer's number went until now, in plain words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub previous_setting: Option<String>,
    /// Where it goes again, in plain words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub setting: Option<String>,
    /// The rule until now; left out where there was none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub previous: Option<Vip>,
    /// The rule as it was before that change; left out where there was none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub vip: Option<Vip>,
    /// The undo as a change of its own, which can be undone, e.g. `43`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub change_id: Option<String>,
    /// Things worth a second look.
    pub warnings: Vec<String>,
    /// What is still to be confirmed, with status `confirmation_required`.
    #[serde(flatten)]
    pub confirmation: Confirmation,
}

struct Facts {
    now: Option<Route>,
    others: Vec<Route>,
}

/// Restores the rule of a change as it was before, with a person's consent,
/// also where no present rule is lost.
///
/// # Errors
/// `not_found` for an unknown id; `confirmation_stale` when the rule was
/// changed since, naming what it is now; the guard's and the service's errors.
pub async fn undo_change(
    app: &App,
    args: &UndoChange,
    channel: &Channel<'_>,
) -> Result<Asked<UndoOutcome>> {
    let account = app.account(args.account_id.as_ref())?;
    let undone = app.change_to_undo(&account, &args.change_id).await?;
    match &undone.target {
        Target::VipRule(rule) => undo_vip(app, &account, &undone, rule, channel).await,
        Target::Piece(piece) => undo_setup(app, &account, &undone, piece, channel).await,
    }
}

async fn undo_vip(
    app: &App,
    account: &AccountId,
    undone: &Change,
    rule: &RuleChange,
    channel: &Channel<'_>,
) -> Result<Asked<UndoOutcome>> {
    let domain = undone
        .domain
        .parse::<PbxDomain>()
        .map_err(|refused| refused.into_error("domain"))?;
    let number = PhoneNumber::from_stored(rule.key.ani.as_str());
    let subject = Subject {
        account,
        domain: &domain,
        number: number.as_ref(),
    };
    let origin = Origin {
        undoes: Some(undone.id),
        ..Origin::default()
    };
    let look = match &rule.before {
        Some(restored) => app.look_at_destination(account, &domain, restored).await?,
        None => None,
    };
    let asked = carry_out(app, &subject, channel, origin, |routes| {
        plan(account, (undone, rule), look.as_ref(), routes)
    })
    .await?;
    let (facts, agreement) = match asked {
        Asked::Question(question) => return Ok(Asked::Question(question)),
        Asked::Done(done) => done,
    };
    let mut warnings: Vec<String> = look.into_iter().map(|look| look.warning).collect();
    let made = agreement.reached();
    let change_id = made.map(|made| made.change_id.to_string());
    if made.is_some_and(|made| made.evidence == Evidence::ReadBack) {
        warnings.push(
            "SkySwitch did not acknowledge the change; reading the rule showed that it was made"
                .to_owned(),
        );
    }
    let (status, confirmation) = agreement.status(UndoStatus::Unchanged, UndoStatus::Restored);
    let removed = facts.now.as_ref().filter(|_| rule.before.is_none());
    if let Some(removed) = removed {
        let made = status == UndoStatus::Restored;
        let told = app
            .about_siblings(account, &domain, removed, &facts.others, made)
            .await;
        warnings.extend(told);
    }
    Ok(Asked::Done(UndoOutcome {
        status,
        previous_setting: None,
        setting: None,
        previous: facts.now.as_ref().map(Vip::from),
        vip: rule.before.as_ref().map(Vip::from),
        undoes: ChangeRow::from(undone),
        change_id,
        warnings,
        confirmation,
    }))
}

impl App {
    /// The change of that id, which must be this account's and ended.
    async fn change_to_undo(&self, account: &AccountId, id: &str) -> Result<Change> {
        let id = change_id(id)?;
        let journal = self.journal();
        let unknown = || {
            Error::new(
                Code::NotFound,
                format!("there is no change {id} in this account's journal"),
                format!(
                    "{} shows the changes that exist; the journal is kept on the machine that made the change.",
                    Operation::ListChanges
                ),
            )
            .with_field("change_id")
        };
        if !journal.store().exists() {
            return Err(unknown());
        }
        // Its outcome may be one that nobody has recorded yet.
        self.reconcile(|_| false).await?;
        let store = journal.store().get().await?;
        let change = store
            .change(journal.realm(), id)
            .await?
            .filter(|change| change.account == account.as_str())
            .ok_or_else(unknown)?;
        match change.status {
            ChangeStatus::Open => Err(Error::invalid(
                "change_id",
                format!("change {id} is still being made, or was cut off and may still arrive"),
                "Try again in half a minute.",
            )),
            ChangeStatus::Failed => Err(Error::invalid(
                "change_id",
                format!("change {id} was not made, so there is nothing to undo"),
                format!("{} shows what was made.", Operation::ListChanges),
            )),
            ChangeStatus::Done | ChangeStatus::Reconciled => Ok(change),
        }
    }
}

fn plan(
    account: &AccountId,
    (undone, rule): (&Change, &RuleChange),
    look: Option<&Look>,
    routes: &[Route],
) -> Result<Plan<RouteChange, Facts>> {
    let now = stands(rule, routes);
    let before = rule.before.as_ref();
    let facts = Facts {
        now: now.cloned(),
        others: now.map_or(Vec::new(), |now| siblings(now, routes)),
    };
    if are_alike(now, before) {
        return Ok(Plan {
            change: None,
            facts,
        });
    }
    // A request whose answer was lost may have been carried out after the journal was closed.
    let arrived_late =
        undone.status == ChangeStatus::Reconciled && are_alike(now, rule.wanted.as_ref());
    if !are_alike(now, rule.after.as_ref()) && !arrived_late {
        return Err(changed_since(undone, now));
    }
    let change = match (now, before) {
        (now, Some(before)) => {
            let mut after = before.clone();
            if let Some(now) = now {
                // Under another writing of the caller it would be a second rule.
                after.key = now.key.clone();
            }
            Some(RouteChange::put(
                account.clone(),
                "undo_change",
                now.cloned(),
                after,
            ))
        }
        (Some(now), None) => Some(RouteChange::remove(
            account.clone(),
            "undo_change",
            now.clone(),
            at_risk(now, routes),
        )),
        (None, None) => None,
    };
    let change = change.map(|change| {
        let answering = answering_without(change.key(), routes.iter());
        change
            .answered_without_by(answering)
            .doubting(look.and_then(|look| look.doubt))
            .noting(look.map(|look| look.warning.clone()).into_iter().collect())
            .asked_in_any_case()
    });
    Ok(Plan { change, facts })
}

/// The present rule under a change's key: stored exactly so, or as the
/// service may have rewritten it.
fn stands<'a>(rule: &RuleChange, routes: &'a [Route]) -> Option<&'a Route> {
    let of_key = |route: &&Route| {
        route.key.dnis.same_as(&rule.key.dnis) && route.key.ani.is_same_caller(&rule.key.ani)
    };
    let exactly = |route: &&Route| route.key.ani == rule.key.ani;
    let mut found = routes.iter().filter(of_key);
    found.clone().find(exactly).or_else(|| found.next())
}

fn changed_since(undone: &Change, now: Option<&Route>) -> Error {
    let stands = match now {
        Some(now) => format!(
            "the caller's rule (stored as \"{}\", dialled number {}) now goes to {}",
            shown(now.key.ani.as_str(), 64),
            now.key.dnis,
            now.rings()
        ),
        None => "the caller has no such rule now".to_owned(),
    };
    Error::new(
        Code::ConfirmationStale,
        format!(
            "the VIP rule was changed again after change {}, so nothing was changed: {stands}",
            undone.id
        ),
        format!(
            "Look at {} for a newer change to undo, or set what is wanted with {} or {}.",
            Operation::ListChanges,
            Operation::AddVip,
            Operation::RemoveVip
        ),
    )
    .with_field("change_id")
}
