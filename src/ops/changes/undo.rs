//! `undo_change`: restores a rule, or where a number goes, as it was before a change.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::ops::changes::row::{ChangeRow, change_id};
use crate::ops::changes::undo_number::NumberBack;
use crate::ops::changes::undo_rule::RuleBack;
use crate::ops::import::SyncOutcome;
use crate::ops::write::agree::{Asked, Attempt, Confirmation, Facts, asks_a_person};
use crate::ops::write::locks::Turn;
use crate::ops::write::reconcile::{Needed, damaged};
use crate::ops::write::send::Sent;
use skyswitch_domain::error::{Code, Error, Refused, Result};
use skyswitch_domain::{AccountId, DidRoute, Operation, PbxDomain, Route, RouteKey, Vip};
use skyswitch_guard::store::{ChangeRecord, ChangeStatus, TargetRecord};
use skyswitch_guard::{Channel, Plan};

/// The operation's name in the journal.
pub(in crate::ops) const TOOL: &str = "undo_change";

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum UndoStatus {
    /// The rule is again as it was before that change.
    Restored,
    /// It was so already; nothing was sent.
    Unchanged,
    /// Of an import, not everything could be restored; `import` says what.
    Incomplete,
    /// Stopped on request before all of an import was restored.
    Cancelled,
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

asks_a_person!(UndoStatus);

/// The change that is undone, by what it was about; the list of changes has the rest.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Undone {
    /// Its id, for example `42`.
    pub change_id: String,
    /// The operation, for example `add_vip`.
    pub operation: String,
    /// The PBX domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// The piece of the customer's setup, such as `did_route`; left out for a VIP rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The caller as the service stores it, where a VIP rule was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ani: Option<String>,
    /// The customer's number, where its routing was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub did: Option<String>,
    /// The dialled number the rule is limited to; left out for any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dnis: Option<String>,
}

impl From<ChangeRow> for Undone {
    fn from(change: ChangeRow) -> Undone {
        Undone {
            change_id: change.change_id.unwrap_or_default(),
            operation: change.operation,
            domain: change.domain,
            subject: change.subject,
            ani: change.ani,
            did: change.did,
            dnis: change.dnis,
        }
    }
}

/// What became of it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct UndoOutcome {
    /// How it ended.
    pub status: UndoStatus,
    /// The change that is undone; left out where a whole import is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undoes: Option<Undone>,
    /// What became of the plan that takes back a whole import, as an import of its
    /// own, which can be undone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import: Option<SyncOutcome>,
    /// Where a customer's number went until now, in plain words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_setting: Option<String>,
    /// Where it goes again, in plain words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setting: Option<String>,
    /// The rule until now; left out where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<Vip>,
    /// The rule as it was before that change; left out where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vip: Option<Vip>,
    /// The undo as a change of its own, which can be undone, e.g. `43`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change_id: Option<String>,
    /// Why that undo would not be undone, where it would not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_undo: Option<String>,
    /// Things worth a second look.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What is still to be confirmed, with status `confirmation_required`.
    #[serde(flatten)]
    pub confirmation: Confirmation,
}

/// A change that is to be undone.
pub(super) struct Undoing<'a> {
    pub app: &'a App,
    pub account: &'a AccountId,
    pub domain: &'a PbxDomain,
    pub undone: &'a ChangeRecord,
}

/// How it is undone, by what it is about.
enum Back<'a> {
    Rule(RuleBack<'a>),
    Number(NumberBack<'a>),
}

/// What there is now in the place of what the change was about.
#[derive(Default)]
pub(super) struct Found {
    pub rule: Option<Route>,
    /// The same as the result carries it.
    pub previous: Option<Vip>,
    /// The caller's other rules, and others put at risk where it is removed.
    pub beside: Vec<Route>,
    /// All rules as they were listed before.
    pub listed: Arc<Vec<Route>>,
    /// Where the number goes.
    pub route: Option<DidRoute>,
    /// What the service's list does not show yet.
    pub notes: Vec<String>,
    /// Why the undo of a number's routing could not be undone in turn, if so.
    pub no_undo: Option<String>,
}

impl Facts for Found {
    fn warnings(&mut self) -> &mut Vec<String> {
        &mut self.notes
    }
}

impl Back<'_> {
    async fn plan(&self) -> Result<(Option<Plan>, Found)> {
        match self {
            Back::Rule(rule) => rule.plan().await,
            Back::Number(number) => number.plan().await,
        }
    }
}

/// Restores what a change was about as it was before, with a person's consent,
/// also where nothing present is lost. Where that points a number at a Route by
/// ANI user again, the hard block applies.
///
/// # Errors
/// `not_found` for an unknown id; `invalid_argument` for changes that no
/// program takes back; `confirmation_stale` when the same was changed since,
/// naming what it is now; `blocked`; the guard's and the service's errors.
pub async fn undo_change(
    app: &App,
    args: &UndoChange,
    channel: &Channel<'_>,
) -> Result<Asked<UndoOutcome>> {
    let account = &app.account(args.account_id.as_ref())?;
    let undone = &app.change_to_undo(account, &args.change_id).await?;
    let domain = undone.domain.parse::<PbxDomain>();
    let domain = &domain.map_err(|refused: Refused| refused.into_error("domain"))?;
    let undoing = &Undoing {
        app,
        account,
        domain,
        undone,
    };
    let back = &match &undone.target {
        TargetRecord::VipRule(rule) => Back::Rule(RuleBack::of(undoing, rule).await?),
        TargetRecord::Piece(piece) => Back::Number(NumberBack::of(undoing, piece)?),
        TargetRecord::Damaged { .. } => return Err(damaged(undone.id)),
    };
    let turn = match back {
        Back::Rule(rule) => Turn::Caller(domain, rule.caller.as_ref()),
        Back::Number(_) => Turn::Setup(account, domain),
    };
    let attempt = Attempt::new(app, channel, turn);
    let asked = attempt
        .carry_out(Some(undone.id), undoing, || back.plan())
        .await?;
    let (found, agreement) = match asked {
        Asked::Question(question) => return Ok(Asked::Question(question)),
        Asked::Done(done) => done,
    };
    let sent = agreement.reached();
    let change_id = sent.and_then(Sent::id);
    let mut warnings = found.notes;
    if let Back::Rule(back) = back {
        warnings.extend(back.warnings());
        if let (Some(removed), None) = (&found.rule, &back.rule.before) {
            let told = app.about_siblings(account, domain, removed, &found.beside, sent);
            warnings.extend(told.await);
        }
        if let Some(now) = sent.and_then(Sent::rules_after) {
            // Where a rule was removed, of those beside it is told already.
            let is_told = |key: &RouteKey| {
                back.rule.before.is_none() && found.beside.iter().any(|other| other.key == *key)
            };
            let told = app.about_others(account, domain, (found.listed.as_slice(), now), |key| {
                key.is_same_rule(&back.rule.key) || is_told(key)
            });
            warnings.extend(told.await);
        }
    }
    warnings.extend(sent.and_then(Sent::warning));
    let (status, confirmation) = agreement.status(UndoStatus::Unchanged, UndoStatus::Restored);
    let names = app.names(Some(account));
    let mut outcome = UndoOutcome {
        status,
        undoes: Some(ChangeRow::from(undone).into()),
        import: None,
        previous_setting: found
            .route
            .as_ref()
            .map(|route| names.routing(route, Some(domain))),
        setting: None,
        previous: found.previous,
        vip: None,
        change_id,
        no_undo: found.no_undo,
        warnings,
        confirmation,
    };
    match back {
        Back::Rule(back) => outcome.vip = back.vip(),
        Back::Number(back) => {
            outcome.setting = Some(names.routing(&back.before, Some(domain)));
        }
    }
    Ok(Asked::Done(outcome))
}

impl App {
    /// The change of that id, which must be this account's and ended.
    async fn change_to_undo(&self, account: &AccountId, id: &str) -> Result<ChangeRecord> {
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
        let Some(store) = journal.store_to_read().await? else {
            return Err(unknown());
        };
        let find = async || {
            let change = store.change(journal.realm(), id).await?;
            let ours = change.filter(|change| change.account == account.as_str());
            ours.ok_or_else(unknown)
        };
        let mut change = find().await?;
        if change.status == ChangeStatus::Open {
            // Its outcome may be one that nobody has recorded yet.
            let unread = self.reconcile(Needed::Change(id), None).await?;
            if let Some(unread) = unread.into_iter().next() {
                return Err(unread.into_error());
            }
            change = find().await?;
        }
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
