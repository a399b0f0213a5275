//! `list_domains`: the PBX domains of the account.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::ops::page::{PageSize, Query, page};
use skyswitch_client::Domain;
use skyswitch_domain::AccountId;
use skyswitch_domain::error::Result;
use skyswitch_domain::redact::shown;

/// Which domains to list.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct ListDomains {
    /// Only domains whose name or description contains this text, e.g. `bakery`
    #[arg(long, short)]
    pub query: Option<String>,
    /// SkySwitch account id, e.g. `0f8fad5b-d9cb-469f-a165-70867728950e`; the configured default when left out
    #[arg(skip)]
    pub account_id: Option<AccountId>,
    /// Ask SkySwitch for a new list; its cached one can miss a domain created just now
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    #[serde(default, deserialize_with = "crate::lenient::boolean")]
    pub refresh: Option<bool>,
    /// Rows a page, 1 to 500, e.g. `50`
    #[arg(skip)]
    #[serde(default, deserialize_with = "crate::lenient::limit")]
    #[schemars(range(min = 1, max = 500))]
    pub limit: Option<u16>,
    /// `next_cursor` of the previous page, e.g. `WyJhY21lIl0`
    #[arg(skip)]
    pub cursor: Option<String>,
}

/// A PBX domain as results carry it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct DomainRow {
    /// The domain's name, for example `acme.12345.service`.
    pub domain: String,
    /// Free text of whoever created it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The reseller (territory) it belongs to, for example `12345`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reseller: Option<String>,
}

impl From<&Domain> for DomainRow {
    fn from(domain: &Domain) -> Self {
        DomainRow {
            domain: domain.name.clone(),
            description: domain.description.as_deref().map(|text| shown(text, 200)),
            reseller: domain.reseller.clone(),
        }
    }
}

/// The domains found, ordered by name.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct DomainList {
    /// The account that was asked.
    pub account_id: String,
    /// The domains of this page.
    pub domains: Vec<DomainRow>,
    /// Domains on this page.
    pub count: usize,
    /// Domains that match in all.
    pub total: usize,
    /// Pass it as `cursor` to get the next page; left out on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Lists domains with one request to the service, and with a second one where
/// the query finds nothing.
///
/// # Errors
/// `invalid_argument` for a foreign cursor; `not_configured`; the service's errors.
pub async fn list_domains(app: &App, args: &ListDomains, size: PageSize) -> Result<DomainList> {
    let account = app.account(args.account_id.as_ref())?;
    let client = app.client()?;
    let refresh = args.refresh.unwrap_or(false);
    let query = Query::of(args.query.as_deref());
    let is_found = |domain: &Domain| query.is_in(&domain.name, domain.description.as_deref());
    let mut domains = client.domains(&account, refresh).await?;
    if !refresh && args.query.is_some() && !domains.iter().any(is_found) {
        // The service's cached list can miss a domain that was created just now.
        domains = client.domains(&account, true).await?;
    }
    let found: Vec<&Domain> = domains.iter().filter(|domain| is_found(domain)).collect();
    let position = |domain: &&Domain| vec![domain.name.clone()];
    let as_shown = |domain: &&Domain| DomainRow::from(*domain);
    let cursor = args.cursor.as_deref();
    let page = page("list_domains", &found, size, cursor, position, as_shown)?;
    Ok(DomainList {
        account_id: account.to_string(),
        count: page.rows.len(),
        total: found.len(),
        domains: page.rows,
        next_cursor: page.next_cursor,
    })
}
