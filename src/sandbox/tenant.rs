//! What a sandbox tenant holds and how it chooses to answer.

use std::time::Duration;

use super::demo;

/// Lifetime of an access token by default: 6 hours (SkySwitch API reference, OAuth token).
pub(super) const DEFAULT_TOKEN_LIFETIME: Duration = Duration::from_secs(21_600);

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
    /// Form of the route list. Not documented by SkySwitch; the seed documents show an array.
    pub list_shape: ListShape,
    /// Form of the domain list. The published example is an object keyed by domain.
    pub domain_list_shape: ListShape,
    /// How long an access token lives.
    pub token_lifetime: Duration,
    /// What the token answer leaves out or disguises.
    pub token_answer: TokenAnswer,
    /// Scopes the OAuth client may ask for; `*` asks for all of them.
    pub scopes: Vec<String>,
    /// What DELETE without `dnis` does, which SkySwitch does not document: false removes only
    /// the any-DNIS rule of the ANI, true removes all rules of the ANI in the domain.
    pub delete_without_dnis_removes_all: bool,
    /// How long at most the route list goes on showing the state before a change made through
    /// the API, as a cache does; zero shows changes at once.
    pub read_lag: Duration,
}

impl Tenant {
    /// Five made-up customers at different stages, and the reseller's admin domain.
    pub fn demo() -> Tenant {
        Tenant {
            domains: demo::domains(),
            routes: demo::routes(),
            ..Tenant::empty()
        }
    }

    /// An account without domains and routes.
    pub fn empty() -> Tenant {
        Tenant {
            domains: Vec::new(),
            routes: Vec::new(),
            list_shape: ListShape::Array,
            domain_list_shape: ListShape::ObjectByKey,
            token_lifetime: DEFAULT_TOKEN_LIFETIME,
            token_answer: TokenAnswer::Full,
            scopes: DEFAULT_SCOPES.map(String::from).to_vec(),
            delete_without_dnis_removes_all: false,
            read_lag: Duration::ZERO,
        }
    }

    /// `n` routes in the one domain [`super::SCALE_DOMAIN`], for tests of size.
    pub fn with_routes(n: usize) -> Tenant {
        Tenant {
            domains: vec![StoredDomain::new(demo::SCALE_DOMAIN, "Scale test")],
            routes: demo::scale_routes(n),
            ..Tenant::empty()
        }
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

    /// Sets the form of the route list.
    #[must_use]
    pub fn list_shape(mut self, shape: ListShape) -> Tenant {
        self.list_shape = shape;
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
    /// `{"key":{…}}`: domains by their name; routes, which have no id, by their position.
    /// Empty is `[]`, as PHP writes an empty map.
    ObjectByKey,
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

/// A PBX domain as upstream holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDomain {
    /// Name, `customer.{reseller}.service`.
    pub domain: String,
    /// Reseller (territory) number.
    pub reseller: String,
    /// Free text, usually the customer's name.
    pub description: String,
    /// Just created: the cached list does not show it, only `force_refresh=1` does.
    pub fresh: bool,
}

impl StoredDomain {
    /// A settled domain of the sandbox's reseller.
    pub fn new(domain: &str, description: &str) -> StoredDomain {
        StoredDomain {
            domain: domain.to_owned(),
            reseller: demo::RESELLER.to_owned(),
            description: description.to_owned(),
            fresh: false,
        }
    }

    /// Marks the domain as just created.
    #[must_use]
    pub fn fresh(mut self) -> StoredDomain {
        self.fresh = true;
        self
    }
}

/// A Route-by-ANI rule as upstream holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRoute {
    /// Calling number in its stored spelling; need not be a number at all.
    pub ani: String,
    /// Called number the rule is limited to.
    pub dnis: StoredDnis,
    /// PBX domain.
    pub domain: String,
    /// `user`, `device` or `literal`; None leaves the field out of answers.
    pub application: Option<String>,
    /// Where the call goes, exactly as it was sent.
    pub destination: String,
    /// Send `ani` and `dnis` as JSON integers where they are all digits.
    pub numeric: bool,
}

impl StoredRoute {
    /// A rule for any called number, application `user`.
    pub fn new(domain: &str, ani: &str, destination: &str) -> StoredRoute {
        StoredRoute {
            ani: ani.to_owned(),
            dnis: StoredDnis::Absent,
            domain: domain.to_owned(),
            application: Some("user".to_owned()),
            destination: destination.to_owned(),
            numeric: false,
        }
    }

    /// Sets the called number or the form in which "any" is stored.
    #[must_use]
    pub fn dnis(mut self, dnis: StoredDnis) -> StoredRoute {
        self.dnis = dnis;
        self
    }

    /// Sets the application; None leaves the field out of answers.
    #[must_use]
    pub fn application(mut self, application: Option<&str>) -> StoredRoute {
        self.application = application.map(String::from);
        self
    }

    /// Sends ANI and DNIS as JSON integers.
    #[must_use]
    pub fn numeric(mut self) -> StoredRoute {
        self.numeric = true;
        self
    }

    /// Whether this is the rule of that key; `dnis` None is "any called number".
    pub(super) fn has_key(&self, domain: &str, ani: &str, dnis: Option<&str>) -> bool {
        self.domain.eq_ignore_ascii_case(domain) && self.ani == ani && self.dnis.specific() == dnis
    }

    /// Whether both rules have one key, so that they cannot exist side by side.
    pub(super) fn has_key_of(&self, other: &StoredRoute) -> bool {
        self.has_key(&other.domain, &other.ani, other.dnis.specific())
    }
}

/// The `dnis` field of a stored rule.
///
/// Absent, null, `""` and `"*"` all mean "any called number" and are one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredDnis {
    /// The field is not there.
    Absent,
    /// The field is `null`.
    Null,
    /// The field holds this text, which may be empty or `*`.
    Number(String),
}

impl StoredDnis {
    /// A called number, empty text or `*`.
    pub fn number(text: &str) -> StoredDnis {
        StoredDnis::Number(text.to_owned())
    }

    /// The called number the rule is limited to; None for any.
    pub fn specific(&self) -> Option<&str> {
        match self {
            StoredDnis::Number(text) => specific_dnis(text),
            StoredDnis::Absent | StoredDnis::Null => None,
        }
    }
}

/// The called number that `dnis` text limits a rule to; None for any.
pub(super) fn specific_dnis(text: &str) -> Option<&str> {
    match text {
        "" | "*" => None,
        number => Some(number),
    }
}
