//! What a sandbox tenant holds and how it chooses to answer.

pub(crate) mod customer;
pub(crate) mod customers;
pub(crate) mod demo;
mod demo_customers;
pub(crate) mod habits;
pub(crate) mod list_habits;
pub(crate) mod named_habits;
pub(crate) mod rows;
pub(crate) mod stored;

use std::time::Duration;

use crate::tenant::customer::{StoredDialRule, StoredNumber, StoredSubscriber};
use crate::tenant::habits::PbxHabits;
use crate::tenant::list_habits::{
    Announcement, EmptyList, PutReach, RowDestination, RowDomain, RuleForm,
};
use crate::tenant::stored::{StoredDomain, StoredRoute};

/// Lifetime of an access token by default: 6 hours (SkySwitch API reference, OAuth token).
pub(crate) const DEFAULT_TOKEN_LIFETIME: Duration = Duration::from_secs(21_600);

/// Scopes a tenant may be granted by default (names from the SkySwitch API reference).
const DEFAULT_SCOPES: [&str; 5] = ["account", "pbx", "phone_number", "routing", "user"];

/// Data and habits of the one account in a sandbox.
///
/// All fields are open; start from [`Tenant::empty`] or [`Tenant::demo`] and change what matters.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// PBX domains of the account, in listed order.
    pub domains: Vec<StoredDomain>,
    /// Route-by-ANI rules of all domains, in listed order.
    pub routes: Vec<StoredRoute>,
    /// Users of all domains, in listed order.
    pub subscribers: Vec<StoredSubscriber>,
    /// Telephone numbers of the account, in listed order.
    pub numbers: Vec<StoredNumber>,
    /// Dial rules of all domains.
    pub dial_rules: Vec<StoredDialRule>,
    /// Names of deleted domains, which can never be used again.
    pub retired_domains: Vec<String>,
    /// How the PBX side answers.
    pub pbx: PbxHabits,
    /// Form of the route list. Not documented by SkySwitch; the seed documents show an array.
    pub list_shape: ListShape,
    /// Form of the domain list. The published example is an object keyed by domain.
    pub domain_list_shape: ListShape,
    /// Form of the subscriber list. The published example is an object keyed by extension.
    pub subscriber_list_shape: ListShape,
    /// Form of the number inventory. The reference shows pages of 100.
    pub number_list_shape: ListShape,
    /// What the lists of the Telco API look like where they hold nothing.
    pub empty_list: EmptyList,
    /// How rows of routes and subscribers write their domain.
    pub row_domain: RowDomain,
    /// How rows of routes write their destination.
    pub row_destination: RowDestination,
    /// Whether the route list heeds `domain` of the query; otherwise it gives all rules.
    pub routes_heed_domain: bool,
    /// Whether the subscriber list leaves out `system-user` rows when asked for
    /// `filter=subscriber`, which SkySwitch does not document.
    pub subscriber_filter_hides_system_users: bool,
    /// Which subscribers are listed without a `filter`; the reference names the
    /// values and not the default.
    pub subscriber_default_filter: &'static str,
    /// How long an access token lives.
    pub token_lifetime: Duration,
    /// What the token answer leaves out or disguises.
    pub token_answer: TokenAnswer,
    /// Scopes the OAuth client may ask for; `*` asks for all of them.
    pub scopes: Vec<String>,
    /// What DELETE without `dnis` does, which SkySwitch does not document: false removes only
    /// the any-DNIS rule of the ANI, true removes all rules of the ANI in the domain.
    pub delete_without_dnis_removes_all: bool,
    /// Whether DELETE pays no heed to the called number and removes all rules of the caller.
    pub delete_ignores_dnis: bool,
    /// What PUT does to the caller's other rules, which SkySwitch does not document.
    pub put_reach: PutReach,
    /// Whether `*` in `ani` or `dnis` of a DELETE means any text, which SkySwitch does not
    /// document.
    pub delete_reads_wildcards: bool,
    /// What becomes of a rule while it is stored.
    pub stores: RuleForm,
    /// Whether the route of a number is read in the form in which it was written. The reference
    /// shows other forms for conferences, faxes and trunks, and `[*]` for no caller id prefix.
    pub number_routes_read_as_written: bool,
    /// Whether a rule stored for the caller `*` answers every caller without a rule of their own,
    /// which SkySwitch does not document.
    pub wildcard_matches_callers: bool,
    /// How long at most the route list and the numbers' routings go on showing the state before a
    /// change made through the API, as a cache does; zero shows changes at once.
    pub read_lag: Duration,
    /// How changes are answered.
    pub write_answer: WriteAnswer,
}

impl Tenant {
    /// Five made-up customers at different stages, and the reseller's admin domain.
    pub fn demo() -> Tenant {
        Tenant {
            domains: demo::domains(),
            routes: demo::routes(),
            subscribers: demo_customers::subscribers(),
            numbers: demo_customers::numbers(),
            dial_rules: demo_customers::dial_rules(),
            ..Tenant::empty()
        }
    }

    /// An account that holds nothing.
    pub fn empty() -> Tenant {
        Tenant {
            domains: Vec::new(),
            routes: Vec::new(),
            subscribers: Vec::new(),
            numbers: Vec::new(),
            dial_rules: Vec::new(),
            retired_domains: Vec::new(),
            pbx: PbxHabits::default(),
            list_shape: ListShape::Array,
            domain_list_shape: ListShape::ObjectByKey,
            subscriber_list_shape: ListShape::ObjectByKey,
            number_list_shape: ListShape::Paged { per_page: 100 },
            empty_list: EmptyList::OfShape,
            row_domain: RowDomain::Stored,
            row_destination: RowDestination::Text,
            routes_heed_domain: true,
            subscriber_filter_hides_system_users: true,
            subscriber_default_filter: "subscriber",
            token_lifetime: DEFAULT_TOKEN_LIFETIME,
            token_answer: TokenAnswer::Full,
            scopes: DEFAULT_SCOPES.map(String::from).to_vec(),
            delete_without_dnis_removes_all: false,
            delete_ignores_dnis: false,
            put_reach: PutReach::Alone,
            delete_reads_wildcards: true,
            stores: RuleForm::AsSent,
            number_routes_read_as_written: false,
            wildcard_matches_callers: false,
            read_lag: Duration::ZERO,
            write_answer: WriteAnswer::Documented,
        }
    }

    /// `n` routes in the one domain [`crate::SCALE_DOMAIN`], for tests of size.
    pub fn with_routes(n: usize) -> Tenant {
        Tenant {
            domains: vec![StoredDomain::new(demo::SCALE_DOMAIN, "Scale test")],
            routes: demo::scale_routes(n),
            ..Tenant::empty()
        }
    }

    /// `n` customers with one number each, in five stages by turns: live, prepared, routed
    /// without a fallback rule (callers are dropped), people only, bare.
    ///
    /// Their domains are `client0000.12345.service` and so on. Numbers repeat after 10 000.
    pub fn portfolio(n: usize) -> Tenant {
        demo_customers::portfolio(n)
    }

    /// Adds a domain that the cached list already shows.
    #[must_use]
    pub fn domain(mut self, domain: &str, description: &str) -> Tenant {
        self.domains.push(StoredDomain::new(domain, description));
        self
    }

    /// Adds a route.
    #[must_use]
    pub fn route(mut self, route: StoredRoute) -> Tenant {
        self.routes.push(route);
        self
    }

    /// Adds a user.
    #[must_use]
    pub fn subscriber(mut self, subscriber: StoredSubscriber) -> Tenant {
        self.subscribers.push(subscriber);
        self
    }

    /// Adds a telephone number.
    #[must_use]
    pub fn number(mut self, number: StoredNumber) -> Tenant {
        self.numbers.push(number);
        self
    }

    /// Adds a dial rule.
    #[must_use]
    pub fn dial_rule(mut self, rule: StoredDialRule) -> Tenant {
        self.dial_rules.push(rule);
        self
    }

    /// Adds the name of a deleted domain.
    #[must_use]
    pub fn retired_domain(mut self, domain: &str) -> Tenant {
        self.retired_domains.push(domain.to_owned());
        self
    }

    /// Sets how the PBX side answers.
    #[must_use]
    pub fn pbx(mut self, habits: PbxHabits) -> Tenant {
        self.pbx = habits;
        self
    }

    /// Sets the form of the route list.
    #[must_use]
    pub fn list_shape(mut self, shape: ListShape) -> Tenant {
        self.list_shape = shape;
        self
    }

    /// Sets what an empty list looks like.
    #[must_use]
    pub fn empty_list(mut self, empty: EmptyList) -> Tenant {
        self.empty_list = empty;
        self
    }

    /// Sets how every second row writes its domain.
    #[must_use]
    pub fn row_domain(mut self, habit: RowDomain) -> Tenant {
        self.row_domain = habit;
        self
    }

    /// Sets how rows of routes write their destination.
    #[must_use]
    pub fn row_destination(mut self, habit: RowDestination) -> Tenant {
        self.row_destination = habit;
        self
    }

    /// Sets the lifetime of access tokens.
    #[must_use]
    pub fn token_lifetime(mut self, lifetime: Duration) -> Tenant {
        self.token_lifetime = lifetime;
        self
    }

    /// Sets the scopes the OAuth client may ask for.
    #[must_use]
    pub fn scopes(mut self, scopes: &[&str]) -> Tenant {
        self.scopes = scopes.iter().copied().map(String::from).collect();
        self
    }
}

impl Default for Tenant {
    fn default() -> Tenant {
        Tenant::empty()
    }
}

/// The JSON form of a list; SkySwitch uses several, depending on the call.
///
/// In the paged forms `page` (default 1) and `per_page` of the query are honoured, the latter up
/// to the given number of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListShape {
    /// `[…]`
    Array,
    /// `{"data":[…]}`
    Data,
    /// `{"pagination":{"count":9,"per_page":2,"page":1},"data":[…]}`
    Paged {
        /// Rows on one page.
        per_page: usize,
    },
    /// `{"current_page":1,"per_page":2,"total":"9","data":[…]}`, the total as a string
    CountedPages {
        /// Rows on one page.
        per_page: usize,
    },
    /// One page, with an announcement of the others.
    Announced {
        /// Rows on one page.
        per_page: usize,
        /// How the others are announced.
        by: Announcement,
    },
    /// `{"key":{…}}`: domains by their name; routes, which have no id, by their position.
    /// Empty is `[]`, as PHP writes an empty map.
    ObjectByKey,
}

/// How changes of the Telco API (PUT and DELETE) are answered.
///
/// The reference names a status for each, and says nothing of the body of a PUT.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum WriteAnswer {
    /// As documented: 201, 204 or 200, depending on the call.
    #[default]
    Documented,
    /// Acts, and gives this answer where it succeeded.
    Instead {
        /// HTTP status.
        status: u16,
        /// Body text.
        body: String,
    },
    /// Gives this answer and does nothing.
    WithoutActing {
        /// HTTP status.
        status: u16,
        /// Body text.
        body: String,
    },
}

/// What the answer of a token grant looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenAnswer {
    /// All four documented fields.
    Full,
    /// No `refresh_token`.
    WithoutRefreshToken,
    /// No `expires_in`.
    WithoutExpiry,
    /// `expires_in` as a string.
    ExpiryAsString,
}
