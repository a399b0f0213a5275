//! `list_numbers`: the numbers of a customer or of the account, and where each
//! sends its calls.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::stream::{self, StreamExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::ops::onboarding::alarm::Alarm;
use crate::ops::onboarding::dial_plan::OwnPlan;
use crate::ops::onboarding::evidence::{Unread, fallback, route_not_shown};
use crate::ops::page::{PageSize, Query, first_page, page};
use crate::ops::vips::destinations::FRESH;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{
    AccountId, Argument, CustomerKey, DidRoute, Extension, PbxDomain, PhoneNumber,
};

/// Numbers, and customers, that are read at the same time.
const AT_ONCE: usize = 8;

/// Whose numbers to list.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct ListNumbers {
    /// Only this customer: PBX domain, short name or description, e.g. `acme.12345.service`; all numbers of the account when left out
    #[arg(long, short)]
    pub domain: Option<CustomerKey>,
    /// Only numbers that contain these digits, e.g. `616555`
    #[arg(long, short)]
    pub query: Option<String>,
    /// SkySwitch account id, e.g. `0f8fad5b-d9cb-469f-a165-70867728950e`; the configured default when left out
    #[arg(skip)]
    pub account_id: Option<AccountId>,
    /// Rows a page, 1 to 500, e.g. `50`; each takes a request
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=500))]
    #[serde(default, deserialize_with = "crate::lenient::integer")]
    #[schemars(range(min = 1, max = 500))]
    pub limit: Option<u16>,
    /// `next_cursor` of the previous page, e.g. `WyJhY21lIl0`
    #[arg(long)]
    pub cursor: Option<String>,
}

/// A number and where it sends its calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct NumberRow {
    /// The number, for example `16165550100`.
    pub number: String,
    /// Where its calls go, for people; left out where that is not known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub goes_to: Option<String>,
    /// The PBX domain they go to, where it is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub domain: Option<String>,
    /// What happens to calls that are taken for spam, for example `voicemail`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub spam_handling: Option<String>,
    /// Whether it goes to a Route by ANI user although nobody knows that callers who are not VIPs reach anybody.
    pub alarm: bool,
    /// Why it is not known where its calls go.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub not_known: Option<String>,
}

/// The numbers found, in ascending order.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct NumberList {
    /// The account that was asked.
    pub account_id: String,
    /// The numbers of this page.
    pub numbers: Vec<NumberRow>,
    /// Numbers on this page.
    pub count: usize,
    /// Numbers that match in all.
    pub total: usize,
    /// Pass it as `cursor` to get the next page; left out on the last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_cursor: Option<String>,
    /// What is wrong, and what could not be read.
    pub warnings: Vec<String>,
}

/// Lists numbers with one request, and reads the routing of each that is on
/// the page with one more, and for each customer the users, and the dial plan
/// where a number goes to the Route by ANI user.
///
/// A Route by ANI user is told by its name, or by a change of this
/// installation; answering rules are not read for it.
///
/// # Errors
/// `invalid_argument` for a foreign cursor; `not_configured`; the service's
/// errors where the numbers themselves are not shown.
pub async fn list_numbers(app: &App, args: &ListNumbers, size: PageSize) -> Result<NumberList> {
    let account = app.account(args.account_id.as_ref())?;
    let client = app.client()?;
    let domain = app.domain_if_named(&account, args.domain.as_ref()).await?;
    let mut numbers = match &domain {
        Some(domain) => client.domain_numbers(&account, domain, None).await?,
        None => {
            // The domains are read for the customers' names alone.
            let (numbers, _) = tokio::join!(
                client.account_numbers(&account),
                client.domains(&account, false),
            );
            numbers?
        }
    };
    numbers.sort();
    let is_digit = |c: &char| c.is_ascii_digit();
    let digits: Option<String> = args
        .query
        .as_ref()
        .map(|text| text.chars().filter(is_digit).collect());
    if let Some(text) = args
        .query
        .as_ref()
        .filter(|_| digits.as_deref() == Some(""))
    {
        return Err(Error::invalid(
            "query",
            format!("`{}` has no digits to look for in numbers", shown(text, 60)),
            format!(
                "Give digits such as `616555`; {} names a customer.",
                Argument("domain")
            ),
        ));
    }
    let query = Query::of(digits.as_deref());
    numbers.retain(|number| query.is_in(number.as_str(), None));
    let (total, cursor) = (numbers.len(), args.cursor.as_deref());
    let position = |number: &PhoneNumber| vec![number.as_str().to_owned()];
    let asked = page(&numbers, size, cursor, position, PhoneNumber::clone)?;
    let (rows, mut warnings) = app.routed(&account, domain.as_ref(), asked.rows).await?;
    if let (Some(domain), true) = (&domain, numbers.is_empty()) {
        warnings.extend(app.refuse_unknown(&account, domain).await?);
    }
    // A row is longer now than its number was.
    let position = |row: &NumberRow| vec![row.number.clone()];
    let shown = first_page(&rows, size, position, NumberRow::clone);
    Ok(NumberList {
        account_id: account.to_string(),
        count: shown.rows.len(),
        total,
        next_cursor: shown.next_cursor.or(asked.next_cursor),
        numbers: shown.rows,
        warnings,
    })
}

/// The routing of a number as it was read.
type Routing = Result<Option<DidRoute>, Unread>;

impl App {
    /// The rows of these numbers, and what is wrong or could not be read.
    async fn routed(
        &self,
        account: &AccountId,
        customer: Option<&PbxDomain>,
        numbers: Vec<PhoneNumber>,
    ) -> Result<(Vec<NumberRow>, Vec<String>)> {
        let (routed, mut warnings) = self.routings(account, numbers).await?;
        let home = |route: &DidRoute| match route.domain() {
            Some(host) => host.parse().ok(),
            None => route.extension().and(customer.cloned()),
        };
        let routes = routed
            .iter()
            .filter_map(|(_, routing)| routing.as_ref().ok()?.as_ref());
        let domains: BTreeSet<PbxDomain> = routes.filter_map(home).collect();
        let routed = &routed;
        let look = |domain| self.unverified_numbers(account, domain, routed);
        let mut customers = stream::iter(domains).map(look).buffered(AT_ONCE);
        let mut alarming = Vec::new();
        while let Some((numbers, warning)) = customers.next().await {
            alarming.extend(numbers);
            warnings.extend(warning);
        }
        let names = self.names(Some(account));
        let rows = routed.iter().map(|(number, routing)| {
            let route = routing.as_ref().ok().and_then(Option::as_ref);
            NumberRow {
                number: number.as_str().to_owned(),
                goes_to: route.map(|route| names.routing(route, customer)),
                domain: route.and_then(home).map(|domain| domain.to_string()),
                spam_handling: route
                    .and_then(DidRoute::spam_handling)
                    .map(|action| shown(action, 40)),
                alarm: alarming.contains(number),
                not_known: match routing {
                    Ok(Some(_)) | Err(Unread::NotAsked) => None,
                    Ok(None) => Some("SkySwitch shows no routing of it".to_owned()),
                    Err(why) => Some(why.to_string()),
                },
            }
        });
        Ok((rows.collect(), warnings))
    }

    /// Reads where these numbers go. A login that may not read one may read
    /// none: it is said once, and no other is asked for.
    async fn routings(
        &self,
        account: &AccountId,
        numbers: Vec<PhoneNumber>,
    ) -> Result<(Vec<(PhoneNumber, Routing)>, Vec<String>)> {
        let client = self.client()?;
        let is_closed = &AtomicBool::new(false);
        let read = |number: PhoneNumber| async move {
            if is_closed.load(Ordering::Relaxed) {
                return (number, Err(Unread::NotAsked), None);
            }
            match client.did_route(account, &number).await {
                Err(error) if matches!(error.code(), Code::Forbidden | Code::Unauthorized) => {
                    is_closed.store(true, Ordering::Relaxed);
                    (number, Err(Unread::NotAsked), Some(route_not_shown(error)))
                }
                routing => (number, routing.map_err(Unread::from), None),
            }
        };
        let mut numbers = numbers.into_iter();
        let mut all = Vec::with_capacity(numbers.len());
        if let Some(first) = numbers.next() {
            all.push(read(first).await);
        }
        all.extend(
            stream::iter(numbers.map(read))
                .buffered(AT_ONCE)
                .collect::<Vec<_>>()
                .await,
        );
        let refused = all.iter().find_map(|(_, _, refused)| refused.as_ref());
        let warnings = refused.map(|why| format!("where the numbers go is not shown: {why}"));
        let routed = all
            .into_iter()
            .map(|(number, routing, _)| (number, routing));
        Ok((routed.collect(), warnings.into_iter().collect()))
    }

    /// Those of the numbers that go to the domain's Route by ANI user although
    /// nobody knows that callers who are not VIPs are sent anywhere, and what is
    /// to be said of it. Reads the users, whose names the rows show, in any case.
    async fn unverified_numbers(
        &self,
        account: &AccountId,
        domain: PbxDomain,
        routed: &[(PhoneNumber, Routing)],
    ) -> (Vec<PhoneNumber>, Option<String>) {
        let domain = &domain;
        let look = async {
            let users = self.client()?.subscribers(account, domain, FRESH).await?;
            let ani_users = self.ani_users(account, domain, &users, None).await?;
            let goes_there = |route: &DidRoute| {
                let is_it = |user: &Extension| route.goes_to_user(user.as_str(), domain);
                ani_users.iter().any(is_it)
            };
            let numbers: Vec<PhoneNumber> = routed
                .iter()
                .filter(|(_, routing)| matches!(routing, Ok(Some(route)) if goes_there(route)))
                .map(|(number, _)| number.clone())
                .collect();
            if numbers.is_empty() {
                return Ok((numbers, None));
            }
            let (dial_plan, attestations) = tokio::join!(
                self.dial_plan(
                    domain,
                    OwnPlan::Of(ani_users.first()),
                    Some(&users),
                    &ani_users
                ),
                self.attestations(account, Some(domain)),
            );
            Ok(match fallback(&dial_plan, &attestations?) {
                Some(_) => (Vec::new(), None),
                None => {
                    let words = Alarm::of(&dial_plan, &numbers).words;
                    (numbers, Some(words))
                }
            })
        };
        let look: Result<_> = look.await;
        look.unwrap_or_else(|error| {
            let why = format!("the users of {domain} are not shown: {error}");
            (Vec::new(), Some(why))
        })
    }
}
