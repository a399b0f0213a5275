//! How customers and destinations are called: by the names in lists that were
//! read before. No request is made for a name.

use crate::app::App;
use skyswitch_client::Client;
use skyswitch_domain::redact::shown;
use skyswitch_domain::{AccountId, Application, Route};

/// The names of one account.
pub(crate) struct Names<'a> {
    known: Option<(&'a Client, AccountId)>,
}

impl App {
    /// The names of the account that a call is about.
    pub(crate) fn names(&self, account: Option<&AccountId>) -> Names<'_> {
        Names {
            known: self.client().ok().zip(self.account(account).ok()),
        }
    }
}

impl Names<'_> {
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
        let inside = route.application == Application::User && !route.leaves_domain();
        let known = self.known.as_ref().filter(|_| inside);
        let name = known.and_then(|(client, account)| {
            let domain = route.key.domain.parse().ok()?;
            let read = client.subscribers_read_before(account, &domain)?;
            let (id, _) = route.destination.address(&route.application);
            let user = read.iter().find(|user| user.user == id)?;
            Some(format!(
                "{} ({})",
                shown(user.name.as_deref()?, 60),
                shown(id, 80)
            ))
        });
        name.unwrap_or_else(|| route.rings())
    }
}
