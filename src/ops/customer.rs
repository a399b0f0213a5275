//! Which customer is meant: by the account's list of domains, which is what
//! tells a customer without VIP rules from one who does not exist.

use std::time::Duration;

use crate::app::App;
use crate::nearest::{in_one_writing, nearest};
use skyswitch_client::Domain;
use skyswitch_domain::error::{Code, Error, Refused, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::first_few;
use skyswitch_domain::{AccountId, CustomerKey, Operation, PbxDomain};

/// A list of domains that is this old is read again.
const FRESH: Duration = Duration::from_secs(300);
/// Customers named where several may be meant.
const NAMED: usize = 5;

/// How old the list of domains may be in which a customer is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    Recent,
    Now,
}

/// Why a domain is taken for none of the account's, and which it may be instead.
#[derive(Debug, Clone)]
pub(in crate::ops) struct Unknown {
    /// As it was given, harmless to print.
    named: String,
    nearest: Vec<String>,
}

impl Unknown {
    /// Among these, which are all of the account's.
    pub fn among(known: &[Domain], given: &str) -> Unknown {
        let near = nearest(known, without_reseller(given), |domain| {
            let described = domain.description.as_deref().unwrap_or_default();
            let words = described.split_whitespace();
            words
                .chain([described, without_reseller(&domain.name)])
                .collect()
        });
        Unknown {
            named: shown(given, 100),
            nearest: near.map(in_full).collect(),
        }
    }

    /// `; nearest: …`, or nothing where no name is like it.
    pub fn nearest(&self) -> String {
        match self.nearest.as_slice() {
            [] => String::new(),
            nearest => format!("; nearest: {}", nearest.join(", ")),
        }
    }

    /// What a person should know before a domain of that name is created.
    pub fn may_be_another(&self) -> Option<String> {
        let near = (!self.nearest.is_empty()).then(|| self.nearest());
        near.map(|near| format!("the account has no customer {}{near}", self.named))
    }
}

/// Whether a domain is one of the account's.
pub(in crate::ops) enum Checked {
    Known,
    Unknown(Unknown),
    /// The login may not read the account's domains.
    NotShown(String),
}

impl From<Unknown> for Error {
    fn from(unknown: Unknown) -> Error {
        Error::new(
            Code::NotFound,
            format!(
                "the account has no customer {} (checked just now){}",
                unknown.named,
                unknown.nearest()
            ),
            format!(
                "Give the name of one that exists; {} shows them.",
                Operation::ListDomains
            ),
        )
        .with_field("domain")
    }
}

impl App {
    /// The domain of the customer that was named.
    ///
    /// A short name or a description is looked up, in a list that may be some
    /// minutes old. A full name costs no request: who finds nothing under it
    /// calls [`App::refuse_unknown`].
    ///
    /// # Errors
    /// `not_found` for a customer that the account does not have,
    /// `invalid_argument` where several may be meant; the service's errors.
    pub(in crate::ops) async fn domain_of(
        &self,
        account: &AccountId,
        named: &CustomerKey,
    ) -> Result<PbxDomain> {
        self.domain_named(account, named, Age::Recent).await
    }

    /// The same for a change. The list is read now: another customer of that name
    /// may have been added since, and it must not be the wrong one that changes.
    ///
    /// # Errors
    /// See [`App::domain_of`].
    pub(in crate::ops) async fn domain_to_change(
        &self,
        account: &AccountId,
        named: &CustomerKey,
    ) -> Result<PbxDomain> {
        self.domain_named(account, named, Age::Now).await
    }

    async fn domain_named(
        &self,
        account: &AccountId,
        named: &CustomerKey,
        age: Age,
    ) -> Result<PbxDomain> {
        if let Some(domain) = named.full_name() {
            return Ok(domain);
        }
        let found = self.look_up(account, named, age).await??;
        match found.as_slice() {
            [one] => one
                .name
                .parse()
                .map_err(|refused: Refused| refused.into_error("domain")),
            several => Err(Error::invalid(
                "domain",
                format!(
                    "{named} may be {}",
                    first_few(NAMED, several.iter().map(in_full))
                ),
                "Give the PBX domain of the one that is meant.",
            )),
        }
    }

    /// The same where a customer may be named.
    pub(in crate::ops) async fn domain_if_named(
        &self,
        account: &AccountId,
        named: Option<&CustomerKey>,
    ) -> Result<Option<PbxDomain>> {
        match named {
            Some(named) => self.domain_of(account, named).await.map(Some),
            None => Ok(None),
        }
    }

    /// Refuses a domain under which nothing was found and that is none of the
    /// account's. Where the login may not read them, a warning says so.
    ///
    /// # Errors
    /// `not_found` with the nearest names; the service's errors.
    pub(in crate::ops) async fn refuse_unknown(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
    ) -> Result<Option<String>> {
        match self.check(account, domain).await? {
            Checked::Known => Ok(None),
            Checked::Unknown(unknown) => Err(unknown.into()),
            Checked::NotShown(why) => Ok(Some(why)),
        }
    }

    /// Whether a domain is one of the account's, as far as the login may know.
    ///
    /// # Errors
    /// The service's, where the account's domains cannot be read just now.
    pub(in crate::ops) async fn check(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
    ) -> Result<Checked> {
        match self.unless_known(account, domain).await {
            Ok(None) => Ok(Checked::Known),
            Ok(Some(unknown)) => Ok(Checked::Unknown(unknown)),
            Err(error) if matches!(error.code(), Code::Forbidden | Code::Unauthorized) => {
                Ok(Checked::NotShown(not_checked(domain, &error)))
            }
            Err(error) => Err(error),
        }
    }

    /// Why a domain is taken for none of the account's, if it is.
    ///
    /// # Errors
    /// The service's, where the account's domains cannot be read.
    pub(in crate::ops) async fn unless_known(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
    ) -> Result<Option<Unknown>> {
        let named = CustomerKey::from(domain.clone());
        Ok(self.look_up(account, &named, Age::Recent).await?.err())
    }

    /// The account's domains that are named so, at least one; they are read now
    /// where that is asked for, or where those that were read recently have none.
    async fn look_up(
        &self,
        account: &AccountId,
        named: &CustomerKey,
        age: Age,
    ) -> Result<Result<Vec<Domain>, Unknown>> {
        let client = self.client()?;
        if age == Age::Recent {
            let recent = client.recent_domains(account, FRESH).await?;
            let found = named_so(&recent, named);
            if !found.is_empty() {
                return Ok(Ok(found));
            }
        }
        // The service's list is cached, too: a domain created a moment ago shows only on demand.
        let now = client.domains(account, true).await?;
        let found = named_so(&now, named);
        if !found.is_empty() {
            return Ok(Ok(found));
        }
        Ok(Err(Unknown::among(&now, named.as_given())))
    }
}

/// A warning that nobody could look whether a domain exists.
pub(in crate::ops) fn not_checked(domain: &PbxDomain, error: &Error) -> String {
    format!("whether {domain} is a customer of this account could not be checked: {error}")
}

/// The domain of exactly that name, or else those of which it is a short form,
/// or else those that are described so, or else those whose description begins with these words.
fn named_so(known: &[Domain], named: &CustomerKey) -> Vec<Domain> {
    let given = named.as_given();
    let those = |is_one: &dyn Fn(&Domain, &PbxDomain) -> bool| -> Vec<Domain> {
        let is_one = |domain: &&Domain| {
            let parsed = domain.name.parse::<PbxDomain>();
            parsed.is_ok_and(|parsed| is_one(domain, &parsed))
        };
        known.iter().filter(is_one).cloned().collect()
    };
    let exactly = those(&|_, domain| domain.is(given));
    if !exactly.is_empty() || named.full_name().is_some() {
        return exactly;
    }
    let shortened = those(&|_, domain| domain.is_written_as(given));
    if !shortened.is_empty() {
        return shortened;
    }
    let given = in_one_writing(given);
    let described = |is_meant: &dyn Fn(&str) -> bool| {
        those(&|domain, _| {
            let description = domain.description.as_deref().unwrap_or_default();
            is_meant(&in_one_writing(description))
        })
    };
    let fully = described(&|description| description == given);
    if !fully.is_empty() {
        return fully;
    }
    let beginning = format!("{given} ");
    described(&|description| description.starts_with(&beginning))
}

/// Whether a domain is the reseller's own, which is not a customer.
pub(crate) fn is_reseller_admin(name: &str) -> bool {
    name.starts_with("0000.")
}

/// `acme` of `acme.12345.service`: what tells the customers of a reseller apart.
fn without_reseller(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

fn in_full(domain: &Domain) -> String {
    let name = shown(&domain.name, 100);
    match &domain.description {
        Some(description) => format!("{name} ({})", shown(description, 60)),
        None => name,
    }
}
