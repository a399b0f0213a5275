//! `list_changes`: what was changed, by whom, and what it was before.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::local_time;
use crate::ops::customer::not_checked;
use crate::ops::page::{PageSize, first_page, number_in};
use crate::ops::write::reconcile::Needed;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::{counted, first_few};
use skyswitch_domain::{
    AccountId, Argument, CallerKey, CustomerKey, Operation, PbxDomain, PhoneNumber, Route,
    SetupPiece, Since, Until,
};
use skyswitch_guard::store::{
    ChangeFilter, ChangeRecord, ChangeStatus, PieceRecord, RuleRecord, TargetRecord,
};

/// The name of the list in its cursors.
const LIST: &str = "list_changes";

/// Which changes to list.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct ListChanges {
    /// Only this customer: PBX domain, short name or description, e.g. `acme.12345.service`, `acme`, `Acme Dental`
    #[arg(long, short)]
    pub domain: Option<CustomerKey>,
    /// Only of this caller, in any common writing, e.g. `(616) 555-0123`, or a stored value exactly as listed
    #[arg(long)]
    pub ani: Option<CallerKey>,
    /// Only changes of the routing of this customer's number (DID), e.g. `6165550100`
    #[arg(long)]
    pub did: Option<PhoneNumber>,
    /// Only changes since then, in local time, e.g. `2026-03-14T09:00:00Z`, `2026-03-14`, `yesterday`, `last week`, `24h`
    #[arg(long, value_name = "WHEN")]
    pub since: Option<Since>,
    /// Only changes until the end of then, e.g. `2026-03-14`
    #[arg(long, value_name = "WHEN")]
    pub until: Option<Until>,
    /// Only changes with this status: `open`, `done`, `failed` or `reconciled`
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
    #[serde(default, deserialize_with = "crate::lenient::limit")]
    #[schemars(range(min = 1, max = 500))]
    pub limit: Option<u16>,
    /// `next_cursor` of the previous page, e.g. `WyJhY21lIl0`
    #[arg(long)]
    pub cursor: Option<String>,
}

/// A change as results carry it. What follows from another field is left out.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct ChangeRow {
    /// Its id, for `undo_change`, for example `42`.
    pub change_id: String,
    /// `open` (outcome not known yet), `done`, `failed` (not made), or
    /// `reconciled` (the answer was lost; the rule was read afterwards).
    pub status: ChangeStatus,
    /// Whether it was made, where it is `reconciled`; the other statuses say it themselves.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub made: Option<bool>,
    /// The operation, for example `add_vip`; `lost_along_with` and
    /// `changed_along_with` are rules that the service removed or changed along
    /// with another.
    pub operation: String,
    /// Client and tool, or command.
    pub asked_by: String,
    /// When it was begun, RFC 3339, UTC, to the second.
    pub started_at: String,
    /// The PBX domain; left out where the list was asked for one domain.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub domain: Option<String>,
    /// The piece of the customer's setup, such as `did_route`; left out for a VIP rule.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject: Option<String>,
    /// The caller as the service stores it, where a VIP rule was changed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ani: Option<String>,
    /// The customer's number, where its routing was changed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub did: Option<String>,
    /// The dialled number the rule is limited to; left out for any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dnis: Option<String>,
    /// Where calls went before, or the setting before; left out where there was none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<String>,
    /// The same as it was asked for; left out for a removal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub wanted: Option<String>,
    /// What was found afterwards, where it is neither what was asked for nor nothing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after: Option<String>,
    /// Why it was not made, that a person closed it, or that the entry is damaged.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub problem: Option<String>,
    /// The service's id of the request, for a support ticket; left out where all went well.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request_id: Option<String>,
    /// The place in the client's trace; left out where the client named none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub traceparent: Option<String>,
    /// The change that this one undid.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub undoes: Option<String>,
    /// The import it belongs to; left out where the list was asked for one import.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub run_id: Option<String>,
    /// The rules that `before`, `wanted` and `after` tell of, for whoever can name their destinations.
    #[serde(skip)]
    pub rules: [Option<Route>; 3],
}

impl ChangeRow {
    /// Whether it was made; `None` while that is not known.
    pub fn was_made(&self) -> Option<bool> {
        match self.status {
            ChangeStatus::Open => None,
            ChangeStatus::Done => Some(true),
            ChangeStatus::Failed => Some(false),
            ChangeStatus::Reconciled => self.made,
        }
    }

    /// Without what the question said already.
    fn in_answer_to(mut self, args: &ListChanges) -> ChangeRow {
        if args.domain.is_some() {
            self.domain = None;
        }
        if args.run_id.is_some() {
            self.run_id = None;
        }
        self
    }
}

impl From<&ChangeRecord> for ChangeRow {
    fn from(change: &ChangeRecord) -> Self {
        let status = change.status;
        let row = ChangeRow {
            change_id: change.id.to_string(),
            status,
            // Of the others the status says it.
            made: (status == ChangeStatus::Reconciled).then(|| change.was_made()),
            operation: change.operation.clone(),
            asked_by: change.asked_by.clone(),
            started_at: moment(change.started_at),
            domain: Some(change.domain.clone()),
            subject: None,
            ani: None,
            did: None,
            dnis: None,
            before: None,
            wanted: None,
            after: None,
            problem: problem(change),
            // Nobody asks SkySwitch about a request that went well.
            request_id: (status != ChangeStatus::Done)
                .then(|| change.request_id.clone())
                .flatten(),
            traceparent: change.traceparent.clone(),
            undoes: change.undoes.map(|id| id.to_string()),
            run_id: change.run.clone(),
            rules: Default::default(),
        };
        match &change.target {
            TargetRecord::VipRule(rule) => row.about_rule(rule),
            TargetRecord::Piece(piece) => row.about_piece(piece, &change.domain),
            TargetRecord::Damaged {
                ani,
                dnis,
                before,
                wanted,
                ..
            } => ChangeRow {
                ani: Some(ani.clone()).filter(|ani| !ani.is_empty()),
                dnis: dnis.clone(),
                before: before.clone(),
                wanted: wanted.clone(),
                ..row
            },
        }
    }
}

fn problem(change: &ChangeRecord) -> Option<String> {
    let closed_by = change.closed_by.as_ref();
    let by_hand = closed_by.map(|command| format!("closed by a person: {command}"));
    let damaged = matches!(change.target, TargetRecord::Damaged { .. });
    let damaged = damaged.then(|| {
        "this entry is damaged: part of it cannot be read, so it cannot be undone".to_owned()
    });
    let problem = change.problem.clone();
    let all: Vec<String> = problem.into_iter().chain(by_hand).chain(damaged).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

impl ChangeRow {
    fn about_rule(self, rule: &RuleRecord) -> ChangeRow {
        let rules = [&rule.before, &rule.wanted, &rule.after].map(Clone::clone);
        let [before, wanted, after] = rules
            .each_ref()
            .map(|rule| rule.as_ref().map(Route::goes_to));
        ChangeRow {
            ani: Some(rule.key.ani.as_str().to_owned()),
            dnis: rule.key.dnis.to_send().map(str::to_owned),
            after: after.filter(|after| wanted.as_ref() != Some(after)),
            before,
            wanted,
            rules,
            ..self
        }
    }

    fn about_piece(self, change: &PieceRecord, domain: &str) -> ChangeRow {
        let PieceRecord { piece, before, .. } = change;
        let (did, wanted) = match piece {
            SetupPiece::DidRoute { did, route, .. } => {
                (Some(did.as_str().to_owned()), route.goes_to())
            }
            piece => {
                let domain = domain.parse::<PbxDomain>().ok();
                let words = domain.map(|domain| piece.summary(&domain));
                (None, words.unwrap_or_else(|| piece.kind().to_owned()))
            }
        };
        ChangeRow {
            subject: Some(piece.kind().to_owned()),
            did,
            before: before.as_ref().map(|value| piece.state_words(value)),
            wanted: Some(wanted),
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

/// Lists the journal of this installation, newest first. Changes whose answer
/// was lost are closed first by reading the rule, where the service can be asked.
///
/// # Errors
/// `not_found` for a customer that the account does not have and of whom there
/// are no changes; `invalid_argument` for a foreign cursor; `internal` when the
/// store cannot be read.
pub async fn list_changes(app: &App, args: &ListChanges, size: PageSize) -> Result<ChangeList> {
    refuse_empty_time(args)?;
    let account = app.account(args.account_id.as_ref())?;
    let before = args.cursor.as_deref();
    let before = before.map(|cursor| number_in(LIST, cursor)).transpose()?;
    let domain = app.domain_if_named(&account, args.domain.as_ref()).await?;
    let mut list = ChangeList {
        account_id: account.to_string(),
        changes: Vec::new(),
        count: 0,
        total: 0,
        next_cursor: None,
        warnings: Vec::new(),
    };
    let journal = app.journal();
    let Some(store) = journal.store_to_read().await? else {
        let warning = doubt_domain(app, &account, domain.as_ref(), 0).await?;
        list.warnings.extend(warning);
        return Ok(list);
    };
    list.warnings.extend(still_open(app).await);
    let ani = args.ani.as_ref();
    let filter = ChangeFilter {
        domain: domain.as_ref().map(PbxDomain::as_str),
        caller: ani.and_then(CallerKey::number).map(PhoneNumber::as_str),
        ani: ani.map(CallerKey::as_given),
        since: args.since.map(|since| since.moment().as_millisecond()),
        until: args.until.map(|until| until.moment().as_millisecond()),
        status: args.status,
        did: args.did.as_ref().map(PhoneNumber::as_str),
        run: args.run_id.as_deref(),
        operation: None,
    };
    let one_more = size.most().map(|rows| rows + 1);
    let (found, total) = store
        .changes(journal.realm(), account.as_str(), &filter, before, one_more)
        .await?;
    let warning = doubt_domain(app, &account, domain.as_ref(), total).await?;
    list.warnings.extend(warning);
    let position = |change: &ChangeRecord| vec![change.id.to_string()];
    let as_shown = |change: &ChangeRecord| ChangeRow::from(change).in_answer_to(args);
    let page = first_page(LIST, &found, size, position, as_shown);
    list.count = page.rows.len();
    list.total = total;
    list.changes = page.rows;
    list.next_cursor = page.next_cursor;
    Ok(list)
}

/// Refuses a time that ends before it begins: an empty list would say that
/// nothing was changed.
fn refuse_empty_time(args: &ListChanges) -> Result<()> {
    let (Some(since), Some(until)) = (args.since, args.until) else {
        return Ok(());
    };
    // As the journal keeps times.
    if since.moment().as_millisecond() < until.moment().as_millisecond() {
        return Ok(());
    }
    let (first, last) = (Argument("since"), Argument("until"));
    Err(Error::invalid(
        "since",
        format!(
            "no change can be found between {first} and {last}: the first begins at {}, and the other ends at {}",
            local_time::minute(since.moment()),
            local_time::minute(until.moment())
        ),
        format!("Give an earlier {first} or a later {last}."),
    ))
}

/// Closes what was cut off, and says what could not be read.
async fn still_open(app: &App) -> Option<String> {
    const NAMED: usize = 5;
    let unread = match app.reconcile(Needed::All, None).await {
        Ok(unread) => unread,
        Err(error) => {
            return Some(format!(
                "the outcome of changes whose answer was lost could not be written down yet: {error}"
            ));
        }
    };
    let ids: Vec<i64> = unread.iter().map(|unread| unread.change.id).collect();
    let first = unread.first()?;
    Some(format!(
        "the outcome of {} whose answer was lost could not be read yet ({}): {}. Where SkySwitch cannot be asked any \
         more, a person closes each with `skyswitch changes close ID`",
        counted(ids.len(), "change"),
        first_few(NAMED, &ids),
        first.error
    ))
}

/// What is to be said of a domain that is none of the account's. Its changes are
/// shown all the same, for it may have been deleted since.
async fn doubt_domain(
    app: &App,
    account: &AccountId,
    domain: Option<&PbxDomain>,
    changes: usize,
) -> Result<Option<String>> {
    let Some(domain) = domain else {
        return Ok(None);
    };
    match app.unless_known(account, domain).await {
        Ok(Some(unknown)) if changes == 0 => Err(unknown.into()),
        Ok(unknown) => Ok(unknown.map(|unknown| Error::from(unknown).to_string())),
        // The journal is on this machine and is shown without the service, too.
        Err(error) => Ok((changes == 0).then(|| not_checked(domain, &error))),
    }
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
                format!("`{}` is not a change's id", shown(text, 40)),
                format!(
                    "Give a change id as {} shows it, for example `42`.",
                    Operation::ListChanges
                ),
            )
        })
}

/// RFC 3339, UTC, to the second.
pub(in crate::ops) fn moment(milliseconds: i64) -> String {
    Timestamp::from_second(milliseconds.div_euclid(1_000))
        .map(|moment| moment.to_string())
        .unwrap_or_default()
}
