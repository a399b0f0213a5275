//! `list_numbers`: the numbers of a customer or of the account, and where each
//! sends its calls.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::ops::onboarding::alarm::{Alarm, AlarmKind};
use crate::ops::onboarding::ani_users::{Reaching, going, users_called};
use crate::ops::onboarding::dial_plan::OwnPlan;
use crate::ops::onboarding::evidence::{Unread, fallback, route_not_shown};
use crate::ops::onboarding::forwards::Site;
use crate::ops::page::{PageSize, Query, first_page, page};
use crate::ops::vips::destinations::FRESH;
use crate::ops::write::present_route::PresentRoute;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{AccountId, Argument, CustomerKey, DidRoute, PbxDomain, PhoneNumber};

/// Numbers, and customers, that are read at the same time.
const AT_ONCE: usize = 8;

/// The name of the list in its cursors.
const LIST: &str = "list_numbers";

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
    #[serde(default, deserialize_with = "crate::lenient::limit")]
    #[schemars(range(min = 1, max = 500))]
    pub limit: Option<u16>,
    /// `next_cursor` of the previous page, e.g. `WyJhY21lIl0`
    #[arg(long)]
    pub cursor: Option<String>,
}

/// A number and where it sends its calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct NumberRow {
    /// The number, for example `16165550100`.
    pub number: String,
    /// Where its calls go, for people; left out where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goes_to: Option<String>,
    /// The PBX domain they go to, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// What happens to calls that are taken for spam, for example `voicemail`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spam_handling: Option<String>,
    /// Whether it goes to a Route by ANI user although nobody knows that callers who are not VIPs reach anybody.
    pub alarm: bool,
    /// Whether that could not be told just now.
    pub unverified: bool,
    /// Why it is not known where its calls go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_known: Option<String>,
}

/// The numbers found, in ascending order.
#[derive(Debug, Clone, Serialize, JsonSchema)]
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// What is wrong, and what could not be read.
    pub warnings: Vec<String>,
}

/// Lists numbers with one request, and reads the routing of each that is on
/// the page with one more, and for each customer the users, and the dial plan
/// where a number goes to the Route by ANI user.
///
/// A Route by ANI user is told by its name, by a change of this installation, or
/// by its answering rules, which the PBX API shows: one request for each user
/// that a number goes to, where it is configured.
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
            match numbers {
                // The login as such works: it is the numbers that it may not read.
                Err(error)
                    if matches!(error.code(), Code::Unauthorized | Code::Forbidden)
                        && client.token(false).await.is_ok() =>
                {
                    return Err(may_not_read(&error));
                }
                numbers => numbers?,
            }
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
    let asked = page(LIST, &numbers, size, cursor, position, PhoneNumber::clone)?;
    let (rows, mut warnings) = app.routed(&account, domain.as_ref(), asked.rows).await?;
    if let (Some(domain), true) = (&domain, numbers.is_empty()) {
        warnings.extend(app.refuse_unknown(&account, domain).await?);
    }
    // A row is longer now than its number was.
    let position = |row: &NumberRow| vec![row.number.clone()];
    let shown = first_page(LIST, &rows, size, position, NumberRow::clone);
    Ok(NumberList {
        account_id: account.to_string(),
        count: shown.rows.len(),
        total,
        next_cursor: shown.next_cursor.or(asked.next_cursor),
        numbers: shown.rows,
        warnings,
    })
}

fn may_not_read(error: &Error) -> Error {
    Error::new(
        Code::Forbidden,
        format!("this login may not read the account's numbers: {error}"),
        format!(
            "Ask SkySwitch for the scopes `routing` and `phone_number`, and the role Routing Manager. With {} the numbers \
             of one customer are listed without them.",
            Argument("domain")
        ),
    )
}

/// A number and its routing as it was read.
pub(in crate::ops) type Routed = (PhoneNumber, Result<PresentRoute, Unread>);

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
        let routes = routed.iter().filter_map(going);
        let domains: BTreeSet<PbxDomain> = routes.filter_map(home).collect();
        let routed = &routed;
        let follows = self.shows_answering_rules().await;
        let look = |domain| self.unverified_numbers(account, domain, routed, follows);
        let mut customers = stream::iter(domains).map(look).buffered(AT_ONCE);
        let mut alarming = Vec::new();
        while let Some((numbers, warning)) = customers.next().await {
            alarming.extend(numbers);
            warnings.extend(warning);
        }
        let kind_of = |number: &PhoneNumber| {
            let found = alarming.iter().find(|(alarming, _)| alarming == number);
            found.map(|(_, kind)| *kind)
        };
        let names = self.names(Some(account));
        let rows = routed.iter().map(|row| {
            let ((number, routing), route) = (row, going(row));
            NumberRow {
                number: number.as_str().to_owned(),
                goes_to: route.map(|route| names.routing(route, customer)),
                domain: route.and_then(home).map(|domain| domain.to_string()),
                spam_handling: route
                    .and_then(DidRoute::spam_handling)
                    .map(|action| shown(action, 40)),
                alarm: kind_of(number).is_some_and(|kind| !kind.cannot_tell()),
                unverified: kind_of(number).is_some_and(AlarmKind::cannot_tell),
                not_known: match routing {
                    Ok(PresentRoute { route: Some(_), .. }) | Err(Unread::NotAsked) => None,
                    Ok(_) => Some("SkySwitch shows no routing of it".to_owned()),
                    Err(why) => Some(why.to_string()),
                },
            }
        });
        Ok((rows.collect(), warnings))
    }

    /// Reads where these numbers go. A login that may not read one may read
    /// none: it is said once, and no other is asked for.
    pub(in crate::ops) async fn routings(
        &self,
        account: &AccountId,
        numbers: Vec<PhoneNumber>,
    ) -> Result<(Vec<Routed>, Vec<String>)> {
        let is_closed = &AtomicBool::new(false);
        let mut numbers = numbers.into_iter();
        let mut all = Vec::with_capacity(numbers.len());
        if let Some(first) = numbers.next() {
            all.push(self.routing(account, first, is_closed).await);
        }
        // The compiler needs the type by name to see that this can be sent between threads.
        let read = |number| self.routing(account, number, is_closed).boxed();
        let reads: Vec<_> = numbers.map(read).collect();
        let mut reads = stream::iter(reads).buffered(AT_ONCE);
        while let Some(read) = reads.next().await {
            all.push(read);
        }
        let (mut routed, mut warnings) = (Vec::with_capacity(all.len()), Vec::new());
        for (number, note) in all {
            // Several that were under way when the first was refused say the same.
            warnings.extend(note.filter(|note| !warnings.contains(note)));
            routed.push(number);
        }
        Ok((routed, warnings))
    }

    async fn routing(
        &self,
        account: &AccountId,
        number: PhoneNumber,
        is_closed: &AtomicBool,
    ) -> (Routed, Option<String>) {
        if is_closed.load(Ordering::Relaxed) {
            return ((number, Err(Unread::NotAsked)), None);
        }
        match self.present_route(account, &number).await {
            Err(error) if matches!(error.code(), Code::Forbidden | Code::Unauthorized) => {
                is_closed.store(true, Ordering::Relaxed);
                let why = route_not_shown(error);
                let refused = format!("where the numbers go is not shown: {why}");
                ((number, Err(Unread::NotAsked)), Some(refused))
            }
            Ok(present) => {
                let note = present.note.clone();
                ((number, Ok(present)), note)
            }
            Err(error) => ((number, Err(error.into())), None),
        }
    }

    /// Those of the numbers that go to the domain's Route by ANI user although
    /// nobody knows that callers who are not VIPs are sent anywhere, and what is
    /// to be said of it. Reads the users, whose names the rows show, in any case,
    /// and their answering rules where `follows` says so.
    async fn unverified_numbers(
        &self,
        account: &AccountId,
        domain: PbxDomain,
        routed: &[Routed],
        follows: bool,
    ) -> (Vec<(PhoneNumber, AlarmKind)>, Option<String>) {
        let domain = &domain;
        let look = async {
            let users = self.client()?.subscribers(account, domain, FRESH).await?;
            let mut ani_users = self.ani_users(account, domain, &users, None).await?;
            let called = users_called(routed, domain);
            let some = match follows {
                true => {
                    self.know_more(account, domain, called, &users, &mut ani_users)
                        .await
                }
                false => Vec::new(),
            };
            let reaching = Reaching::among(routed, &ani_users, &some, domain);
            if reaching == Reaching::default() {
                return Ok((Vec::new(), None));
            }
            let site = Site {
                account,
                domain,
                users: &users,
                known: &ani_users,
            };
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
                None if self.only_one_leads_elsewhere(site, follows).await? => (Vec::new(), None),
                None => {
                    let alarm = Alarm::on(&dial_plan, &reaching);
                    let kind = alarm
                        .as_ref()
                        .map_or(AlarmKind::CannotTell, |alarm| alarm.kind);
                    let sure = reaching.numbers.into_iter().map(|number| (number, kind));
                    let perhaps = reaching.perhaps.into_iter();
                    let perhaps = perhaps.map(|perhaps| (perhaps.number, AlarmKind::CannotTell));
                    (
                        sure.chain(perhaps).collect(),
                        alarm.map(|alarm| alarm.words),
                    )
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
