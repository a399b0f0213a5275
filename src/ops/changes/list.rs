//! `list_changes`: what was changed, by whom, and what it was before.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::local_time;
use crate::ops::changes::noted::{Entry, Place, noted_runs, together};
use crate::ops::changes::row::ChangeRow;
use crate::ops::customer::not_checked;
use crate::ops::page::{PageSize, first_page};
use crate::ops::write::reconcile::Needed;
use skyswitch_domain::command_line;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::wording::{counted, first_few};
use skyswitch_domain::{
    AccountId, Argument, CallerKey, CustomerKey, PbxDomain, PhoneNumber, Since, Until,
};
use skyswitch_guard::store::{ChangeFilter, ChangeStatus};

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

/// The changes found, newest first.
#[derive(Debug, Clone, Serialize, JsonSchema)]
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// Things worth a second look.
    #[serde(skip_serializing_if = "Vec::is_empty")]
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
    let before = before.map(|cursor| Place::in_cursor(LIST, cursor));
    let before = before.transpose()?;
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
    let of_account = (journal.realm(), account.as_str());
    let first = before.as_ref().map(Place::before);
    let (found, total) = store
        .changes(of_account.0, of_account.1, &filter, first, one_more)
        .await?;
    let noted = noted_runs(&store, of_account, args, &filter).await?;
    let total = total + noted.len();
    let warning = doubt_domain(app, &account, domain.as_ref(), total).await?;
    list.warnings.extend(warning);
    let found = together(found, noted, before.as_ref());
    let position = Entry::position;
    let as_shown = |entry: &Entry| entry.row().in_answer_to(args);
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
         more, a person closes each with {}",
        counted(ids.len(), "change"),
        first_few(NAMED, &ids),
        first.error,
        command_line("changes close ID")
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
