//! Route-by-ANI rules (SkySwitch API reference, Route-by-ANI).

use std::sync::Arc;
use std::time::Instant;

use reqwest::Method;
use serde::Deserialize;

use super::call::Call;
use super::http::Answer;
use super::list::Listed;
use super::page::{Names, Page, Row};
use super::scalar::Field;
use super::switch::Switch;
use super::{Client, account_path};
use skyswitch_domain::error::Result;
use skyswitch_domain::{
    AccountId, Ani, Application, Destination, Dnis, PbxDomain, PhoneNumber, Route, RouteKey,
};
use skyswitch_guard::RuleChange;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RouteWire {
    ani: Field,
    dnis: Field,
    domain: Field,
    application: Field,
    destination: Field,
    // What a row may say of whether it is in force, which is documented nowhere.
    deleted: Switch,
    is_deleted: Switch,
    deleted_at: Switch,
    disabled: Switch,
    is_disabled: Switch,
    inactive: Switch,
    suspended: Switch,
    expired: Switch,
    enabled: Switch,
    is_enabled: Switch,
    active: Switch,
    is_active: Switch,
    status: Switch,
}

impl RouteWire {
    /// Refuses a row that says, or may say, that it is not in force: what the
    /// service then does with its calls nobody knows.
    fn is_in_force(&self) -> Result<(), &'static str> {
        for (off, lacks) in [
            (&self.deleted, "`deleted` being false"),
            (&self.is_deleted, "`is_deleted` being false"),
            (&self.deleted_at, "`deleted_at` being empty"),
            (&self.disabled, "`disabled` being false"),
            (&self.is_disabled, "`is_disabled` being false"),
            (&self.inactive, "`inactive` being false"),
            (&self.suspended, "`suspended` being false"),
            (&self.expired, "`expired` being false"),
        ] {
            if !matches!(off, Switch::Absent | Switch::Off) {
                return Err(lacks);
            }
        }
        for (on, lacks) in [
            (&self.enabled, "`enabled` being true"),
            (&self.is_enabled, "`is_enabled` being true"),
            (&self.active, "`active` being true"),
            (&self.is_active, "`is_active` being true"),
        ] {
            if !matches!(on, Switch::Absent | Switch::On) {
                return Err(lacks);
            }
        }
        match self.status {
            Switch::Off => Err("a `status` of being in force"),
            _ => Ok(()),
        }
    }
}

impl Row for Route {
    type Wire = RouteWire;

    /// Reads a rule whole or not at all: one without its caller would pass for
    /// somebody else's, one without its destination for a rule to nobody.
    fn from_wire(
        wire: RouteWire,
        key: Option<&str>,
        names: &mut Names,
    ) -> Result<Route, &'static str> {
        const NO_CALLER: &str = "a readable caller (`ani`)";
        const NO_DESTINATION: &str = "a readable `destination`";
        wire.is_in_force()?;
        let key = key.filter(|key| *key == "*" || PhoneNumber::from_stored(key).is_some());
        let ani = wire.ani.text(NO_CALLER)?;
        let ani = ani.as_deref().or(key).ok_or(NO_CALLER)?;
        // An empty text is what the service has stored; one that is missing is not.
        let destination = Destination::from_stored(&wire.destination.written(NO_DESTINATION)?);
        let application = wire.application.text("a readable `application`")?;
        let dnis = wire.dnis.text("a readable dialled number (`dnis`)")?;
        let domain = wire.domain.text("a readable `domain`")?;
        Ok(Route {
            key: RouteKey {
                domain: names.shared(domain.as_deref().unwrap_or_default()),
                ani: Ani::from_stored(ani),
                dnis: Dnis::from_stored(dnis.as_deref()),
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

    fn from_text(_: &str, _: Option<&str>) -> Result<Route, &'static str> {
        Err("any fields")
    }
}

impl Client {
    /// The VIP rules of one domain or of the whole account, ordered by domain,
    /// caller and called number.
    ///
    /// Tasks that ask for the same list at the same time share one request.
    /// The filters that the service offers beside the domain are not used:
    /// whether they match exactly, and in which form of the number, is not
    /// documented.
    ///
    /// # Errors
    /// `upstream_rejected` for whatever is not an explicit, complete and
    /// understood list; otherwise see [`Client::domains`].
    pub async fn routes(
        &self,
        account: &AccountId,
        domain: Option<&PbxDomain>,
    ) -> Result<Arc<Vec<Route>>> {
        let (routes, _) = self.routes_and_beginning(account, domain).await?;
        Ok(routes)
    }

    /// The same, with when the read began that answers: what was changed after
    /// that need not be in the list.
    ///
    /// # Errors
    /// See [`Client::routes`].
    pub async fn routes_and_beginning(
        &self,
        account: &AccountId,
        domain: Option<&PbxDomain>,
    ) -> Result<(Arc<Vec<Route>>, Instant)> {
        let (client, account, domain) = (self.clone(), account.clone(), domain.cloned());
        let name = format!("{account} {}", domain.as_ref().map_or("", |d| d.as_str()));
        self.inner
            .route_lists
            .join(name, || async move {
                let begun = Instant::now();
                let routes = client.listed_routes(&account, domain.as_ref()).await?;
                Ok((Arc::new(routes), begun))
            })
            .await
    }

    /// Like [`Client::routes`], but never answered by a read that began
    /// earlier. Use it before a change, which must not rest on an older state.
    ///
    /// # Errors
    /// See [`Client::routes`].
    pub async fn routes_now(
        &self,
        account: &AccountId,
        domain: Option<&PbxDomain>,
    ) -> Result<Arc<Vec<Route>>> {
        let routes = self.listed_routes(account, domain).await?;
        Ok(Arc::new(routes))
    }

    async fn listed_routes(
        &self,
        account: &AccountId,
        domain: Option<&PbxDomain>,
    ) -> Result<Vec<Route>> {
        let call = list_call(account);
        let what = "the list of VIP rules";
        let listed: Listed<Route> = match domain {
            Some(domain) => {
                let call = call.with("domain", domain.as_str());
                self.list_of(account, domain, call, what).await?
            }
            None => self.list(call, what).await?,
        };
        let homes = self.homes(account, domain, &listed, what).await?;
        let mut routes = listed.rows;
        // However a row writes its domain, a change names it as it was asked
        // for: that is what the service has just understood.
        routes.retain_mut(|route| match homes.of(&route.key.domain) {
            Some(home) => {
                route.key.domain = home;
                true
            }
            None => false,
        });
        // Equal keys may come in any order, so the stable sort's buffer is not needed.
        routes.sort_unstable_by(Route::list_order);
        Ok(routes)
    }
}

/// The domains that the rules in an answer name, as far as it is understood.
pub(super) fn domains_in(answer: &Answer) -> Vec<Arc<str>> {
    let page = Page::<Route>::read(answer, "the list of VIP rules", false);
    let rows = page.map(|page| page.rows).unwrap_or_default();
    rows.into_iter().map(|rule| rule.key.domain).collect()
}

/// The request for all VIP rules of an account.
pub(super) fn list_call(account: &AccountId) -> Call {
    Call::get(account_path(account, ["pbx", "route-by-ani"]))
}

/// PUT and DELETE take everything as query parameters and no body
/// (SkySwitch API reference, Route-by-ANI).
pub(super) fn write_call(account: &AccountId, change: &RuleChange) -> Call {
    let key = change.key();
    let path = account_path(account, ["pbx", "route-by-ani"]);
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
