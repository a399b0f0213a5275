//! PBX domains (SkySwitch API reference, PBX Domains).

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::call::Call;
use super::http::Answer;
use super::page::{Names, Page, Row};
use super::scalar::{Field, Scalar};
use super::{Client, account_path};
use skyswitch_domain::error::Result;
use skyswitch_domain::{AccountId, PbxDomain};

/// A PBX domain of the account: one customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// Its name as the service writes it.
    pub name: String,
    /// The customer's name, as free text of whoever created it.
    pub description: Option<String>,
    /// The reseller (territory) it belongs to.
    pub reseller: Option<String>,
}

impl Domain {
    /// One of which only the name is known.
    pub fn named(name: impl Into<String>) -> Domain {
        Domain {
            name: name.into(),
            description: None,
            reseller: None,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct DomainWire {
    #[serde(default)]
    domain: Field,
    #[serde(default)]
    description: Scalar,
    #[serde(default)]
    reseller: Scalar,
}

impl Row for Domain {
    type Wire = DomainWire;

    fn from_wire(
        wire: DomainWire,
        key: Option<&str>,
        _: &mut Names,
    ) -> Result<Domain, &'static str> {
        let lacks = "a readable name";
        let name = wire.domain.text(lacks)?.or_else(|| key.map(str::to_owned));
        let filled = |text: Scalar| text.0.filter(|text| !text.is_empty());
        Ok(Domain {
            name: name.ok_or(lacks)?,
            description: filled(wire.description),
            reseller: filled(wire.reseller),
        })
    }

    fn from_text(text: &str, key: Option<&str>) -> Result<Domain, &'static str> {
        Ok(Domain {
            name: key.unwrap_or(text).to_owned(),
            description: key.map(|_| text.to_owned()),
            reseller: None,
        })
    }
}

/// The request for the domains of an account.
pub(super) fn list_call(account: &AccountId) -> Call {
    Call::get(account_path(account, ["pbx", "domains"]))
}

/// The domains in an answer, as far as it is understood.
pub(super) fn names_in(answer: &Answer) -> Vec<PbxDomain> {
    let page = Page::<Domain>::read(answer, "the list of domains", false);
    let rows = page.map(|page| page.rows).unwrap_or_default();
    rows.iter()
        .filter_map(|row| row.name.parse().ok())
        .collect()
}

impl Client {
    /// All PBX domains of the account.
    ///
    /// The service caches its list. `refresh` asks it for a new one, without
    /// which a domain that was just created may be missing.
    ///
    /// # Errors
    /// `not_found` for an unknown account, `unauthorized` or `forbidden` where
    /// scope or role is missing, and the transport's errors.
    pub async fn domains(&self, account: &AccountId, refresh: bool) -> Result<Arc<Vec<Domain>>> {
        let mut call = list_call(account);
        if refresh {
            call = call.with("force_refresh", "1");
        }
        let (client, account) = (self.clone(), account.clone());
        self.inner
            .domain_lists
            .join(format!("{account} {refresh}"), || async move {
                let what = "the list of domains";
                let mut domains: Vec<Domain> = client.list(call, what).await?.rows;
                domains.sort_by(|a, b| a.name.cmp(&b.name));
                let domains = Arc::new(domains);
                client.inner.known_domains.keep(account, &domains);
                Ok(domains)
            })
            .await
    }

    /// The domains of the account as they were read last; nothing is asked for.
    pub fn domains_read_before(&self, account: &AccountId) -> Option<Arc<Vec<Domain>>> {
        self.inner.known_domains.of(account, Duration::MAX)
    }

    /// The domains of the account. A list that this client read less than
    /// `no_older_than` ago is given again.
    ///
    /// # Errors
    /// See [`Client::domains`].
    pub async fn recent_domains(
        &self,
        account: &AccountId,
        no_older_than: Duration,
    ) -> Result<Arc<Vec<Domain>>> {
        match self.inner.known_domains.of(account, no_older_than) {
            Some(kept) => Ok(kept),
            None => self.domains(account, false).await,
        }
    }
}
