//! Route-by-ANI rules (SkySwitch API reference, Route-by-ANI).

use std::sync::Arc;

use reqwest::Method;
use serde::Deserialize;

use super::call::Call;
use super::list::{Listed, Names, Row};
use super::scalar::Scalar;
use super::upstream::Upstream;
use super::write::{NotWritten, ReadyToWrite, Standing, Writable, Written};
use super::{Client, account_path};
use crate::domain::{
    AccountId, Ani, Application, Destination, Dnis, PbxDomain, PhoneNumber, Route, RouteKey,
};
use crate::error::Result;
use crate::guard::{Clearance, RouteChange};

#[derive(Deserialize)]
pub(super) struct RouteWire {
    #[serde(default)]
    ani: Scalar,
    #[serde(default)]
    dnis: Scalar,
    #[serde(default)]
    domain: Scalar,
    #[serde(default)]
    application: Scalar,
    #[serde(default)]
    destination: Scalar,
}

impl Row for Route {
    type Wire = RouteWire;

    fn from_wire(wire: RouteWire, key: Option<&str>, names: &mut Names) -> Option<Route> {
        // A row whose caller is not known must not pass for somebody else's rule.
        let key = key.filter(|key| *key == "*" || PhoneNumber::from_stored(key).is_some());
        let ani = wire.ani.0.or_else(|| key.map(str::to_owned))?;
        let destination = Destination::from_stored(&wire.destination.0.unwrap_or_default());
        let application = wire.application.0.filter(|word| !word.is_empty());
        Some(Route {
            key: RouteKey {
                domain: names.shared(wire.domain.0.as_deref().unwrap_or_default()),
                ani: Ani::from_stored(&ani),
                dnis: Dnis::from_stored(wire.dnis.0.as_deref()),
            },
            application_is_stored: application.is_some(),
            application: match application {
                Some(word) => Application::from_stored(&word),
                None => destination
                    .implied_application()
                    .unwrap_or(Application::User),
            },
            destination,
        })
    }

    fn from_text(_: &str, _: Option<&str>) -> Option<Route> {
        None
    }
}

impl Client {
    /// The rules of one domain or of the whole account, in list order.
    ///
    /// Callers who ask for the same list at the same time share one request.
    /// The filters the service offers beyond the domain are not used: whether
    /// they match exactly, and in which number form, is not documented.
    ///
    /// # Errors
    /// See [`Client::domains`].
    pub async fn routes(
        &self,
        account: &AccountId,
        domain: Option<&PbxDomain>,
    ) -> Result<Arc<Vec<Route>>> {
        let (client, account, domain) = (self.clone(), account.clone(), domain.cloned());
        let name = format!("{account} {}", domain.as_ref().map_or("", |d| d.as_str()));
        self.inner
            .route_lists
            .join(name, || async move {
                let listed = client.listed_routes(&account, domain.as_ref()).await?;
                Ok(Arc::new(listed.rows))
            })
            .await
    }

    /// Like [`Client::routes`], but never answered by a read that began
    /// earlier, and never half a list: what a change is decided on must be no
    /// older than the decision, and complete.
    ///
    /// # Errors
    /// Also `upstream_rejected` where the service announces more rules than it gives.
    pub async fn routes_now(
        &self,
        account: &AccountId,
        domain: Option<&PbxDomain>,
    ) -> Result<Arc<Vec<Route>>> {
        let listed = self.listed_routes(account, domain).await?;
        Ok(Arc::new(listed.all("the list of VIP rules")?))
    }

    async fn listed_routes(
        &self,
        account: &AccountId,
        domain: Option<&PbxDomain>,
    ) -> Result<Listed<Route>> {
        let mut call = Call::get(account_path(account, ["pbx", "route-by-ani"]));
        if let Some(domain) = domain {
            call = call.with("domain", domain.as_str());
        }
        let mut listed: Listed<Route> = self.list(call, "the list of routes").await?;
        let routes = &mut listed.rows;
        if let Some(domain) = domain {
            // Rows of a filtered list may leave the domain out.
            let own_name: Arc<str> = domain.as_str().into();
            for route in routes.iter_mut() {
                if route.key.domain.is_empty() {
                    route.key.domain = Arc::clone(&own_name);
                }
            }
            routes.retain(|route| domain.is(&route.key.domain));
        }
        // Equal keys may come in any order, so the stable sort's buffer is not needed.
        routes.sort_unstable_by(Route::list_order);
        Ok(listed)
    }

    /// Waits until a write can be sent at once: login, place in flight, pace.
    ///
    /// # Errors
    /// Those of the login.
    pub async fn ready_to_write(&self) -> Result<ReadyToWrite> {
        self.inner.telco.ready().await.map(ReadyToWrite)
    }

    /// Makes one change that the guard has cleared.
    ///
    /// Where the answer is lost, the route is read and the outcome decided by
    /// what stands there. Dropping the returned future leaves the outcome
    /// unknown: whoever may be called off should run it in a task of its own.
    ///
    /// # Errors
    /// `confirmation_stale` when the route turns out to have been changed by
    /// somebody else, and the transport's errors; each says whether it is
    /// known that nothing was changed.
    pub async fn write(
        &self,
        clearance: Clearance,
        ready: ReadyToWrite,
    ) -> Result<Written, NotWritten> {
        let outcome = self.write_until_known(&clearance, ready).await;
        // Reads that began before the change must not answer those who ask after it.
        self.inner.route_lists.leave_alone();
        outcome
    }
}

impl Writable for RouteChange {
    const LOOK: &'static str = "Look with list_vips (`skyswitch vip list`)";

    fn upstream<'a>(&self, client: &'a Client) -> Result<&'a Upstream> {
        Ok(&client.inner.telco)
    }

    async fn call(&self, _: &Client) -> Result<Call> {
        Ok(write_call(self))
    }

    fn acknowledged_by(&self, _: &Client) -> Result<&'static [u16]> {
        // SkySwitch API reference, Route-by-ANI.
        Ok(match self.after() {
            Some(_) => &[201],
            None => &[204],
        })
    }

    fn removes(&self) -> bool {
        self.after().is_none()
    }

    async fn standing(&self, client: &Client) -> Result<Standing> {
        let domain = self.key().domain.parse::<PbxDomain>().ok();
        let routes = client.routes_now(self.account(), domain.as_ref()).await?;
        let now = routes.iter().find(|route| {
            route.key.ani == self.key().ani && route.key.dnis.same_as(&self.key().dnis)
        });
        let rings_as_wanted = match (now, self.after()) {
            (None, None) => true,
            (Some(now), Some(after)) => now.rings_like(after),
            _ => false,
        };
        Ok(if rings_as_wanted {
            Standing::AsWanted
        } else if now == self.before() {
            Standing::AsBefore
        } else {
            Standing::Otherwise
        })
    }
}

/// PUT and DELETE take everything as query parameters and no body
/// (SkySwitch API reference, Route-by-ANI).
fn write_call(change: &RouteChange) -> Call {
    let key = change.key();
    let path = account_path(change.account(), ["pbx", "route-by-ani"]);
    let method = match change.after() {
        Some(_) => Method::PUT,
        None => Method::DELETE,
    };
    let mut call = Call::new(method, path)
        .with("ani", key.ani.as_str())
        .with("domain", &*key.domain);
    if let Some(dnis) = key.dnis.to_send() {
        call = call.with("dnis", dnis);
    }
    if let Some(after) = change.after() {
        call = call.with("destination", after.destination.as_str());
        // Without an application the service's default is not documented: it is
        // left out only to restore a rule that had none.
        if after.application_is_stored {
            call = call.with("application", after.application.as_str());
        }
    }
    call
}
