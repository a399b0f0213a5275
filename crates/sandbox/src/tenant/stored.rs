//! Domains and Route-by-ANI rules as upstream holds them.

use serde::{Deserialize, Serialize};

use crate::tenant::demo;

/// A PBX domain as upstream holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredDomain {
    /// Name, `customer.{reseller}.service`.
    pub domain: String,
    /// Reseller (territory) number.
    pub reseller: String,
    /// Free text, usually the customer's name.
    pub description: String,
    /// Just created: the cached list does not show it, only `force_refresh=1` does.
    pub fresh: bool,
    /// Names of its dial plans; a working domain has one of its own name.
    pub dial_plans: Vec<String>,
}

impl StoredDomain {
    /// A settled domain of the sandbox's reseller.
    pub fn new(domain: &str, description: &str) -> StoredDomain {
        StoredDomain {
            domain: domain.to_owned(),
            reseller: demo::RESELLER.to_owned(),
            description: description.to_owned(),
            fresh: false,
            dial_plans: vec![domain.to_owned()],
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    pub(crate) fn has_key(&self, domain: &str, ani: &str, dnis: Option<&str>) -> bool {
        self.ani == ani && self.domain.eq_ignore_ascii_case(domain) && self.dnis.specific() == dnis
    }

    /// Whether both rules have one key, so that they cannot exist side by side.
    pub(crate) fn has_key_of(&self, other: &StoredRoute) -> bool {
        self.has_key(&other.domain, &other.ani, other.dnis.specific())
    }
}

/// The `dnis` field of a stored rule.
///
/// Absent, null, `""` and `"*"` all mean "any called number" and are one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
pub(crate) fn specific_dnis(text: &str) -> Option<&str> {
    match text {
        "" | "*" => None,
        number => Some(number),
    }
}
