//! Names that end up in paths and queries: PBX domains and account ids; and what
//! people call a customer.

use crate::face::Operation;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::parsed_from_text;
use crate::error::Refused;
use crate::redact::shown;

/// A customer's PBX domain, lower case, for example `acme.12345.service`.
///
/// SkySwitch and NetSapiens compare domain names without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct PbxDomain(Arc<str>);

impl PbxDomain {
    /// The lower-cased name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The reseller (territory) that the name carries: `12345` in `acme.12345.service`.
    pub fn reseller(&self) -> Option<&str> {
        let reseller = self.0.strip_suffix(".service")?.rsplit('.').next()?;
        let is_number = !reseller.is_empty() && reseller.bytes().all(|b| b.is_ascii_digit());
        (is_number && self.0.matches('.').count() >= 2).then_some(reseller)
    }

    /// Whether a stored name is this domain, in capitals or with a dot or a
    /// space at its end, too.
    pub fn is(&self, stored: &str) -> bool {
        self.0.eq_ignore_ascii_case(plain(stored))
    }

    /// Whether a stored name is this domain or a short form of it: `acme` and
    /// `acme.12345` for `acme.12345.service`.
    pub fn is_written_as(&self, stored: &str) -> bool {
        let stored = plain(stored);
        let (head, rest) = match self.0.split_at_checked(stored.len()) {
            Some(parts) => parts,
            None => return false,
        };
        !stored.is_empty()
            && head.eq_ignore_ascii_case(stored)
            && (rest.is_empty() || rest.starts_with('.'))
    }
}

fn plain(stored: &str) -> &str {
    stored.trim().trim_end_matches('.')
}

impl fmt::Display for PbxDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PbxDomain {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let name = text.trim().to_ascii_lowercase();
        let label_is_good = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        if name.len() > 253 || !name.split('.').all(label_is_good) {
            return Err(Refused::new(
                text,
                "is not a PBX domain",
                format!(
                    "give the domain's name such as `acme.12345.service`; {} shows them",
                    Operation::ListDomains
                ),
            ));
        }
        Ok(PbxDomain(name.into()))
    }
}

/// Longest text that names a customer, in bytes.
const KEY_LIMIT: usize = 253;

/// A customer as somebody names it: the full name of the PBX domain, a short
/// form of that, or the customer's description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerKey(String);

impl CustomerKey {
    /// The PBX domain, where the text is a full name by itself:
    /// `acme.12345.service`, which is a short form of no other.
    pub fn full_name(&self) -> Option<PbxDomain> {
        let domain = self.0.parse::<PbxDomain>().ok()?;
        domain.reseller().is_some().then_some(domain)
    }

    /// The text as it was given.
    pub fn as_given(&self) -> &str {
        &self.0
    }
}

impl From<PbxDomain> for CustomerKey {
    fn from(domain: PbxDomain) -> Self {
        CustomerKey(domain.as_str().to_owned())
    }
}

impl fmt::Display for CustomerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.0, 100))
    }
}

impl FromStr for CustomerKey {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let name = text.trim();
        if name.is_empty() || name.len() > KEY_LIMIT || name.contains(char::is_control) {
            return Err(Refused::new(
                text,
                "names no customer",
                format!(
                    "give the PBX domain such as `acme.12345.service`, or the customer's description; {} shows them",
                    Operation::ListDomains
                ),
            ));
        }
        Ok(CustomerKey(name.to_owned()))
    }
}

/// A SkySwitch account id, lower case: an opaque path segment, in practice a
/// UUID, of which two writings must not pass for two accounts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AccountId(Arc<str>);

impl AccountId {
    /// The lower-cased id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this looks like a reseller number put where the account id belongs.
    ///
    /// SkySwitch account ids are UUIDs; a number such as `12345` is the
    /// reseller's territory.
    pub fn looks_like_reseller_number(&self) -> bool {
        self.0.bytes().all(|b| b.is_ascii_digit())
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AccountId {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let id = text.trim();
        let safe = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        if id.is_empty() || id.len() > 128 || !id.bytes().all(safe) {
            return Err(Refused::new(
                text,
                "is not an account id",
                "give the account's UUID, or leave it out to use the configured default account",
            ));
        }
        Ok(AccountId(id.to_ascii_lowercase().into()))
    }
}

parsed_from_text!(PbxDomain, "PBX domain name");
parsed_from_text!(
    CustomerKey,
    "Customer: PBX domain, short name or description"
);
parsed_from_text!(AccountId, "SkySwitch account id");
