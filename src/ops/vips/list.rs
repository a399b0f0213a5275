//! `list_vips`: the VIP rules of a domain or of the whole account.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::ops::page::{self, PageSize};
use crate::ops::vips::notes::Notes;
use crate::ops::vips::people::{People, Taken, of_rules};
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{
    AccountId, Argument, CallerKey, CustomerKey, Destination, DestinationKey, DnisKey, Operation,
    PbxDomain, Route, Vip,
};

/// The name of this list in its cursors.
const LIST: &str = "list_vips";

/// What is said of a page whose list is not kept any more.
const READ_AGAIN: &str = "the list was read again for this page: it shows rules as they are now, not as they were on the first page";

/// Changes that are named where the list does not show them yet.
const NOTES: usize = 5;

/// What to list.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct ListVips {
    /// Only this customer: PBX domain, short name or description, e.g. `acme.12345.service`, `acme`, `Acme Dental`
    #[arg(long, short)]
    pub domain: Option<CustomerKey>,
    /// Only this caller, in any common writing, e.g. `(616) 555-0123`, or a stored value exactly as listed
    #[arg(long)]
    pub ani: Option<CallerKey>,
    /// Only rules for this dialled number, e.g. `6165550100`; `*` for rules that cover any
    #[arg(long)]
    pub dnis: Option<DnisKey>,
    /// Only rules that send calls there, e.g. `101`, `user:john`, or a person's name beside the customer
    #[arg(long)]
    pub destination: Option<DestinationKey>,
    /// SkySwitch account id, e.g. `0f8fad5b-d9cb-469f-a165-70867728950e`; the configured default when left out
    #[arg(skip)]
    pub account_id: Option<AccountId>,
    /// Rows a page, 1 to 500, e.g. `50`
    #[arg(skip)]
    #[serde(default, deserialize_with = "crate::lenient::limit")]
    #[schemars(range(min = 1, max = 500))]
    pub limit: Option<u16>,
    /// `next_cursor` of the previous page, e.g. `WyJhY21lIl0`
    #[arg(skip)]
    pub cursor: Option<String>,
}

/// The VIP rules found, ordered by domain, caller and dialled number.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct VipList {
    /// The account that was asked.
    pub account_id: String,
    /// Whose name the destination was: `"Maya" is Maya Lindgren (101)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub named: Option<String>,
    /// The rules of this page.
    pub vips: Vec<Vip>,
    /// Rules on this page.
    pub count: usize,
    /// Rules that match in all.
    pub total: usize,
    /// Pass it as `cursor` to get the next page; left out on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// Things worth a second look.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Lists VIP rules with one request to the service, and looks whether a domain
/// without any exists. Further pages are cut from the list of the first one
/// while that is kept, for five minutes; then it is read again, and that is said.
///
/// # Errors
/// `not_found` for an unknown customer; `invalid_argument` for a foreign cursor;
/// `not_configured`; the service's errors.
pub async fn list_vips(app: &App, args: &ListVips, size: PageSize) -> Result<VipList> {
    let account = app.account(args.account_id.as_ref())?;
    let domain = app.domain_if_named(&account, args.domain.as_ref()).await?;
    let mut warnings = match args.cursor {
        None => app.end_due(domain.as_ref()).await,
        Some(_) => Vec::new(),
    };
    let lists = app.kept_lists();
    let kept = args
        .cursor
        .as_ref()
        .and_then(|_| lists.of(&account, domain.as_ref()));
    let is_read_again = args.cursor.is_some() && kept.is_none();
    let routes = match kept {
        Some(kept) => kept,
        None => app.listed_rules(&account, domain.as_ref()).await?,
    };
    let notes = match app.notes(&account, domain.as_ref()).await {
        Ok(notes) => notes,
        Err(error) => {
            warnings.push(format!(
                "notes and last days cannot be read, so none is shown: {error}. {}",
                error.hint()
            ));
            Notes::default()
        }
    };
    if let Some(domain) = domain.as_ref().filter(|_| routes.is_empty()) {
        warnings.extend(app.refuse_unknown(&account, domain).await?);
    }
    if let (Some(domain), None) = (&domain, &args.cursor) {
        match app.not_shown_in(&account, domain, &routes).await {
            Ok(present) => warnings.extend(present.notes().take(NOTES)),
            // What the service lists is shown without the journal, too.
            Err(error) => tracing::warn!(%error, "the journal cannot be read"),
        }
    }
    if is_read_again {
        warnings.push(READ_AGAIN.to_owned());
    }
    let (ani, dnis) = (args.ani.as_ref(), args.dnis.as_ref());
    let taken = match taken_before(args)? {
        Some(taken) => Some(taken),
        None => {
            let asked = args.destination.as_ref();
            let taken = app.place_in_list(&account, domain.as_ref(), asked, &routes);
            taken.await?
        }
    };
    let place = taken.as_ref().map(|taken| &taken.destination);
    let is_found = |route: &&Route| {
        ani.is_none_or(|ani| ani.may_match(&route.key.ani))
            && dnis.is_none_or(|dnis| dnis.matches(&route.key.dnis))
            && place.is_none_or(|place| route.leads_to(place))
    };
    let found: Vec<&Route> = routes.iter().filter(is_found).collect();
    let position = |route: &&Route| {
        let (domain, ani, dnis) = route.order_key();
        let mut position = vec![domain.to_owned(), ani.to_owned(), dnis.to_owned()];
        // The next page need not look up the same name again, which may be another's by then.
        if let (Some(asked), Some(place)) = (&args.destination, place) {
            position.extend([asked.as_given().to_owned(), place.as_str().to_owned()]);
        }
        position
    };
    let as_shown = |route: &&Route| notes.vip(route);
    let cursor = args.cursor.as_deref();
    let page = page::page(LIST, &found, size, cursor, position, as_shown)?;
    if page.next_cursor.is_some() {
        lists.keep(&account, domain.as_ref(), Arc::clone(&routes));
    }
    Ok(VipList {
        account_id: account.to_string(),
        named: taken.and_then(|taken| taken.named),
        count: page.rows.len(),
        total: found.len(),
        vips: page.rows,
        next_cursor: page.next_cursor,
        warnings,
    })
}

/// What an earlier page took the same destination for, by its cursor.
fn taken_before(args: &ListVips) -> Result<Option<Taken>> {
    let (Some(cursor), Some(asked)) = (&args.cursor, &args.destination) else {
        return Ok(None);
    };
    let position = page::position_in(LIST, cursor)?;
    let [_, _, _, before, place] = position.as_slice() else {
        return Ok(None);
    };
    let is_other = place != asked.as_given();
    Ok((before == asked.as_given()).then(|| Taken {
        destination: Destination::from_stored(place),
        named: is_other.then(|| {
            let place = shown(place, 80);
            format!("\"{asked}\" is {place}, as on the page before")
        }),
    }))
}

impl App {
    /// The destination that rules are looked for by: as it is written, where a rule
    /// goes there or it can be nobody's name.
    async fn place_in_list(
        &self,
        account: &AccountId,
        domain: Option<&PbxDomain>,
        asked: Option<&DestinationKey>,
        routes: &[Route],
    ) -> Result<Option<Taken>> {
        let Some(asked) = asked else {
            return Ok(None);
        };
        if let Some(domain) = domain {
            let people = People::of(self, account, domain);
            let taken = people.take_of_rules("destination", asked, routes);
            return taken.await.map(Some);
        }
        let exact = asked.unless_name(None);
        match (
            exact.map_err(|refused| refused.into_error("destination"))?,
            of_rules(asked, routes),
        ) {
            // It is no name of anybody's.
            (Some(exact), _) => Ok(Some(Taken::as_written(exact))),
            (None, Some(destination)) => Ok(Some(Taken {
                destination,
                named: Some(format!(
                    "\"{asked}\" is what VIP rules have as their destination; whose name it is as well depends on the customer"
                )),
            })),
            (None, None) => Err(Error::invalid(
                "destination",
                format!("whose name \"{asked}\" is depends on the customer"),
                format!("Give {}, too.", Argument("domain")),
            )),
        }
    }
}

/// The VIP rules of a domain as they were before an import, as they are kept here.
///
/// # Errors
/// `not_found` for an unknown import, or one whose rules are not kept.
pub async fn list_before(app: &App, run: &str) -> Result<VipList> {
    let account = app.account(None)?;
    let kept = app.rules_before(&account, run.trim()).await?;
    let vips = kept.rules.ok_or_else(|| {
        Error::new(
            Code::NotFound,
            "the rules as they were before this import are not kept: those of the newest ten imports of a customer are, \
             unless they were more than 20,000",
            format!(
                "{} still puts back what the import changed.",
                Operation::UndoChange.with("run_id", run.trim())
            ),
        )
        .with_field("before")
    })?;
    Ok(VipList {
        account_id: account.to_string(),
        named: None,
        count: vips.len(),
        total: vips.len(),
        vips,
        next_cursor: None,
        warnings: Vec::new(),
    })
}
