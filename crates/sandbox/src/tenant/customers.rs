//! What the customers of a running sandbox hold, which is found by key.

use serde::{Deserialize, Serialize};

use crate::tenant::Tenant;
use crate::tenant::customer::{StoredDialRule, StoredNumber, StoredSubscriber};
use crate::tenant::rows::{Key, Keyed, Rows};
use crate::tenant::stored::{StoredDomain, StoredRoute};

/// The lists of a [`Tenant`] while it is served.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Customers {
    pub(crate) domains: Rows<StoredDomain>,
    pub(crate) routes: Rows<StoredRoute>,
    pub(crate) subscribers: Rows<StoredSubscriber>,
    pub(crate) numbers: Rows<StoredNumber>,
    pub(crate) dial_rules: Rows<StoredDialRule>,
    pub(crate) retired_domains: Vec<String>,
}

impl Customers {
    /// Takes the lists out of a tenant, who keeps the habits.
    pub(crate) fn of(tenant: &mut Tenant) -> Customers {
        use std::mem::take;
        Customers {
            domains: take(&mut tenant.domains).into(),
            routes: take(&mut tenant.routes).into(),
            subscribers: take(&mut tenant.subscribers).into(),
            numbers: take(&mut tenant.numbers).into(),
            dial_rules: take(&mut tenant.dial_rules).into(),
            retired_domains: take(&mut tenant.retired_domains),
        }
    }

    /// How often something was changed that decides who is rung where no VIP rule does.
    pub(crate) fn changes_beside_rules(&self) -> u64 {
        self.subscribers.changes() + self.numbers.changes() + self.dial_rules.changes()
    }

    /// How often anything was changed. Names of deleted domains never do.
    pub(crate) fn changes(&self) -> u64 {
        self.domains.changes() + self.routes.changes() + self.changes_beside_rules()
    }
}

impl Keyed for StoredDomain {
    fn keys(&self) -> Vec<Key> {
        vec![Key::domain(&self.domain)]
    }
}

impl Keyed for StoredRoute {
    fn keys(&self) -> Vec<Key> {
        let caller = Key::caller(&self.domain, &self.ani);
        vec![Key::domain(&self.domain), caller]
    }
}

impl Keyed for StoredSubscriber {
    fn keys(&self) -> Vec<Key> {
        let user = Key::name(&self.domain, &self.user);
        vec![Key::domain(&self.domain), user]
    }
}

impl Keyed for StoredNumber {
    fn keys(&self) -> Vec<Key> {
        let domain = self.domain.as_deref().map(Key::domain);
        Vec::from_iter([Key::number(&self.number)].into_iter().chain(domain))
    }
}

impl Keyed for StoredDialRule {
    fn keys(&self) -> Vec<Key> {
        vec![Key::domain(&self.domain)]
    }
}
