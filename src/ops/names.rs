//! How customers and destinations are called: by the names in lists that were
//! read before. Only at the terminal is a request made for a name.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;

use crate::app::App;
use skyswitch_client::{Client, Subscriber};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{AccountId, Application, DidRoute, PbxDomain, Route};
use skyswitch_guard::CustomerNames;

/// The names of one account.
pub(crate) struct Names<'a> {
    known: Option<(&'a Client, AccountId)>,
}

/// How long a person at the terminal waits for names.
const PATIENCE: Duration = Duration::from_secs(2);
/// Customers in a list whose people are looked up.
const MOST_NAMED: usize = 8;

impl App {
    /// Reads the names that a person is shown: a server has read them before, a
    /// command has not. Without them, numbers and ids are shown.
    pub(in crate::ops) async fn read_names(&self, account: &AccountId, domain: &PbxDomain) {
        let (true, Ok(client)) = (self.reads_names, self.client()) else {
            return;
        };
        let customer = async {
            if client.domains_read_before(account).is_none() {
                let _ = client.domains(account, false).await;
            }
        };
        let users = async {
            if client.subscribers_read_before(account, domain).is_none() {
                let _ = client.subscribers(account, domain, Duration::MAX).await;
            }
        };
        let read = async { tokio::join!(customer, users) };
        let _ = tokio::time::timeout(PATIENCE, read).await;
    }

    /// The same for a list: of the default account, and of a few customers at most.
    pub(crate) async fn read_names_of(&self, domains: impl Iterator<Item = &str>) {
        let domains: BTreeSet<&str> = domains.collect();
        let Ok(account) = self.account(None) else {
            return;
        };
        let mut parsed = domains
            .iter()
            .filter_map(|domain| domain.parse::<PbxDomain>().ok());
        // The first one reads the customers, too, which the others need not do again.
        if let Some(first) = parsed.next().filter(|_| domains.len() <= MOST_NAMED) {
            self.read_names(&account, &first).await;
            let others: Vec<PbxDomain> = parsed.collect();
            join_all(
                others
                    .iter()
                    .map(|domain| self.read_names(&account, domain)),
            )
            .await;
        }
    }

    /// The names of the account that a call is about.
    pub(crate) fn names(&self, account: Option<&AccountId>) -> Names<'_> {
        Names {
            known: self.client().ok().zip(self.account(account).ok()),
        }
    }
}

impl Names<'_> {
    /// What a preview calls a customer and its users.
    pub fn of_customer(&self, domain: &PbxDomain) -> CustomerNames {
        let known = self.known.as_ref();
        let read =
            known.and_then(|(client, account)| client.subscribers_read_before(account, domain));
        let named = |user: &Subscriber| {
            let name = shown(user.name.as_deref()?, 60);
            Some((user.user.to_ascii_lowercase(), name))
        };
        CustomerNames {
            customer: Some(self.customer(domain.as_str())),
            users: read
                .iter()
                .flat_map(|users| users.iter())
                .filter_map(named)
                .collect(),
        }
    }

    /// `Lakeside Dental (lakesidedental.12345.service)`, or the domain alone.
    pub fn customer(&self, domain: &str) -> String {
        let known = self.known.as_ref();
        let description = known.and_then(|(client, account)| {
            let read = client.domains_read_before(account)?;
            let customer = read
                .iter()
                .find(|customer| customer.name.eq_ignore_ascii_case(domain))?;
            customer.description.clone()
        });
        let domain = shown(domain, 100);
        match description {
            Some(description) => format!("{} ({domain})", shown(&description, 100)),
            None => domain,
        }
    }

    /// `Maya Lindgren (101)`, or `user 101` where no name is known.
    pub fn destination(&self, route: &Route) -> String {
        let is_inside = route.application == Application::User && !route.leaves_domain();
        let (id, _) = route.destination.address(&route.application);
        let name = is_inside
            .then(|| self.user(&route.key.domain.parse().ok()?, id))
            .flatten();
        name.unwrap_or_else(|| route.goes_to())
    }

    /// Where a customer's number goes: `Front Desk (100)`, or `call queue 2000`
    /// where no name is known.
    pub fn routing(&self, route: &DidRoute, customer: Option<&PbxDomain>) -> String {
        let named = || {
            let (id, host) = route.extension()?;
            let domain = match host {
                Some(host) => host.parse().ok()?,
                None => customer?.clone(),
            };
            let user = self.user(&domain, id)?;
            let home = match customer == Some(&domain) {
                true => String::new(),
                false => format!(" of {}", self.customer(domain.as_str())),
            };
            let off = if route.is_off() {
                " (switched off)"
            } else {
                ""
            };
            Some(format!("{user}{home}{off}"))
        };
        named().unwrap_or_else(|| route.goes_to())
    }

    /// `Maya Lindgren (101)`, where the domain's users were read.
    pub fn user(&self, domain: &PbxDomain, id: &str) -> Option<String> {
        let (client, account) = self.known.as_ref()?;
        let read = client.subscribers_read_before(account, domain)?;
        let user = read
            .iter()
            .find(|user| user.user.eq_ignore_ascii_case(id))?;
        let name = shown(user.name.as_deref()?, 60);
        Some(format!("{name} ({})", shown(id, 80)))
    }
}
