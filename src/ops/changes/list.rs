//! `list_changes`: what was changed, by whom, and what stood before.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::ops::page::PageSize;
use crate::ops::page::cursor;
use crate::ops::page::position;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::{AccountId, CallerKey, PbxDomain, PhoneNumber, SetupPiece, Since, Vip};
use skyswitch_guard::store::{Change, ChangeFilter, ChangeStatus, PieceChange, Target};

/// Which changes to list.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct ListChanges {
    /// Only in this customer's PBX domain, e.g. `acme.12345.service`
    #[arg(long, short)]
    pub domain: Option<PbxDomain>,
    /// Only of this caller, in any common writing, e.g. `(616) 555-0123`, or a stored value exactly as listed
    #[arg(long)]
    pub ani: Option<CallerKey>,
    /// Only changes of where this customer's number (DID) goes, e.g. `6165550100`
    #[arg(long)]
    pub did: Option<PhoneNumber>,
    /// Only from then on: a time, a day (UTC), or how long ago, e.g. `2026-03-14T09:00:00Z`, `2026-03-14`, `24h`, `7d`
    #[arg(long)]
    pub since: Option<Since>,
    /// Only changes this far: `open`, `done`, `failed` or `reconciled`
    #[arg(long)]
    pub status: Option<ChangeStatus>,
    /// Only changes of this import, e.g. `r-7f3a9c21d0b4`
    #[arg(long = "run", value_name = "RUN")]
    pub run_id: Option<String>,
    /// SkySwitch account id, e.g. `0f8fad5b-d9cb-469f-a165-70867728950e`; the configured default when left out
    #[arg(skip)]
    pub account_id: Option<AccountId>,
    /// Rows a page, 1 to 500, e.g. `50`
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=500))]
    #[serde(default, deserialize_with = "crate::lenient::integer")]
    #[schemars(range(min = 1, max = 500))]
    pub limit: Option<u16>,
    /// `next_cursor` of the previous page, e.g. `WyJhY21lIl0`
    #[arg(long)]
    pub cursor: Option<String>,
}

/// A change as results carry it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct ChangeRow {
    /// Its id, for `undo_change`, for example `42`.
    pub change_id: String,
    /// `open` (outcome not known yet), `done`, `failed` (not made), or
    /// `reconciled` (cut off, and closed by what stood afterwards).
    pub status: ChangeStatus,
    /// Whether what was wanted came to stand; left out while that is not known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub made: Option<bool>,
    /// The operation, for example `add_vip`; `lost_along_with` is a rule that
    /// the service removed along with another.
    pub operation: String,
    /// Client and tool, or command.
    pub asked_by: String,
    /// When it was begun, RFC 3339, UTC.
    pub started_at: String,
    /// When its outcome became known, RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ended_at: Option<String>,
    /// The PBX domain.
    pub domain: String,
    /// What was changed: `vip`, or a piece of the customer's set-up such as `did_route`.
    pub subject: String,
    /// The caller as the service stores it, where a VIP rule was changed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ani: Option<String>,
    /// The customer's number, where its route was changed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub did: Option<String>,
    /// The called number the rule is limited to; left out for any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dnis: Option<String>,
    /// The rule before; left out where none stood.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<Vip>,
    /// The rule wanted; left out where none was to stand.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub wanted: Option<Vip>,
    /// The rule afterwards; left out where none stood or it is not known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after: Option<Vip>,
    /// What stood before in a set-up, in plain words; left out where nothing did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub setting_before: Option<String>,
    /// What was wanted in a set-up, in plain words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub setting_wanted: Option<String>,
    /// Why it was not made.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub problem: Option<String>,
    /// The service's id of the request.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request_id: Option<String>,
    /// The change that this one undid.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub undoes: Option<String>,
    /// The import it belongs to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub run_id: Option<String>,
}

impl From<&Change> for ChangeRow {
    fn from(change: &Change) -> Self {
        let row = ChangeRow {
            change_id: change.id.to_string(),
            status: change.status,
            made: (change.status != ChangeStatus::Open).then(|| change.was_made()),
            operation: change.operation.clone(),
            asked_by: change.asked_by.clone(),
            started_at: moment(change.started_at),
            ended_at: change.ended_at.map(moment),
            domain: change.domain.clone(),
            subject: "vip".to_owned(),
            ani: None,
            did: None,
            dnis: None,
            before: None,
            wanted: None,
            after: None,
            setting_before: None,
            setting_wanted: None,
            problem: change.problem.clone(),
            request_id: change.request_id.clone(),
            undoes: change.undoes.map(|id| id.to_string()),
            run_id: change.run.clone(),
        };
        match &change.target {
            Target::VipRule(rule) => ChangeRow {
                ani: Some(rule.key.ani.as_str().to_owned()),
                dnis: rule.key.dnis.to_send().map(str::to_owned),
                before: rule.before.as_ref().map(Vip::from),
                wanted: rule.wanted.as_ref().map(Vip::from),
                after: rule.after.as_ref().map(Vip::from),
                ..row
            },
            Target::Piece(target) => row.about(target),
        }
    }
}

impl ChangeRow {
    fn about(self, PieceChange { piece, before, .. }: &PieceChange) -> ChangeRow {
        let (did, wanted) = match piece {
            SetupPiece::DidRoute { did, route } => (Some(did.as_str().to_owned()), route.goes_to()),
            piece => {
                let domain = self.domain.parse::<PbxDomain>().ok();
                let words = domain.map(|domain| piece.summary(&domain));
                (None, words.unwrap_or_else(|| piece.kind().to_owned()))
            }
        };
        ChangeRow {
            subject: piece.kind().to_owned(),
            did,
            setting_before: before.as_ref().map(|value| piece.state_words(value)),
            setting_wanted: Some(wanted),
            ..self
        }
    }
}

/// The changes found, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct ChangeList {
    /// The account.
    pub account_id: String,
    /// The changes of this page.
    pub changes: Vec<ChangeRow>,
    /// Changes on this page.
    pub count: usize,
    /// Changes that match in all.
    pub total: usize,
    /// Pass it as `cursor` to get the next page; left out on the last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_cursor: Option<String>,
    /// Things worth a second look.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub warnings: Vec<String>,
}

/// Lists the journal of this installation, newest first. Changes that were cut
/// off are closed first, by what stands, where the service can be asked.
///
/// # Errors
/// `invalid_argument` for a foreign cursor; `internal` when the store cannot
/// be read.
pub async fn list_changes(app: &App, args: &ListChanges, size: PageSize) -> Result<ChangeList> {
    let account = app.account(args.account_id.as_ref())?;
    let before = args.cursor.as_deref().map(position).transpose()?;
    let mut list = ChangeList {
        account_id: account.to_string(),
        changes: Vec::new(),
        count: 0,
        total: 0,
        next_cursor: None,
        warnings: Vec::new(),
    };
    let journal = app.journal();
    if !journal.store().exists() {
        return Ok(list);
    }
    if let Err(error) = app.reconcile(|_| false).await {
        list.warnings.push(format!(
            "changes that were cut off could not be closed yet: {error}"
        ));
    }
    let filter = ChangeFilter {
        domain: args.domain.as_ref().map(PbxDomain::as_str),
        caller: args
            .ani
            .as_ref()
            .and_then(|ani| ani.number().map(|number| number.as_str())),
        ani: args.ani.as_ref().map(CallerKey::as_given),
        since: args.since.map(|since| since.moment().as_millisecond()),
        status: args.status,
        did: args.did.as_ref().map(PhoneNumber::as_str),
        run: args.run_id.as_deref(),
    };
    let (limit, one_more) = match size {
        PageSize::All => (usize::MAX, None),
        PageSize::Rows(rows) => (rows, Some(rows + 1)),
    };
    let store = journal.store().get().await?;
    let (mut found, total) = store
        .changes(journal.realm(), account.as_str(), &filter, before, one_more)
        .await?;
    if found.len() > limit {
        found.truncate(limit);
        list.next_cursor = found.last().map(|last| cursor(last.id));
    }
    list.changes = found.iter().map(ChangeRow::from).collect();
    list.count = list.changes.len();
    list.total = total;
    Ok(list)
}

/// A change's id as it was given.
pub(in crate::ops) fn change_id(text: &str) -> Result<i64> {
    text.trim()
        .trim_start_matches('#')
        .parse()
        .ok()
        .filter(|id| *id > 0)
        .ok_or_else(|| {
            Error::invalid(
                "change_id",
                format!("`{}` is not a change's id", skyswitch_domain::redact::shown(text, 40)),
                "Give a `change_id` as list_changes (`skyswitch changes`) shows it, for example `42`.",
            )
        })
}

fn moment(milliseconds: i64) -> String {
    Timestamp::from_millisecond(milliseconds)
        .map(|moment| moment.to_string())
        .unwrap_or_default()
}
