//! How the journal keeps rules and other things as JSON.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use skyswitch_domain::error::{Error, Refused, Result};
use skyswitch_domain::{Ani, Application, Destination, Dnis, Route, RouteKey};

/// A rule as the store keeps it: every text as the service wrote it.
#[derive(Serialize, Deserialize)]
struct StoredRoute {
    domain: String,
    ani: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    dnis: Option<String>,
    application: String,
    #[serde(skip_serializing_if = "is_true", default = "yes")]
    application_is_stored: bool,
    destination: String,
}

fn yes() -> bool {
    true
}

fn is_true(value: &bool) -> bool {
    *value
}

impl From<&Route> for StoredRoute {
    fn from(route: &Route) -> Self {
        StoredRoute {
            domain: route.key.domain.to_string(),
            ani: route.key.ani.as_str().to_owned(),
            dnis: route.key.dnis.to_send().map(str::to_owned),
            application: route.application.as_str().to_owned(),
            application_is_stored: route.application_is_stored,
            destination: route.destination.as_str().to_owned(),
        }
    }
}

impl From<StoredRoute> for Route {
    fn from(stored: StoredRoute) -> Self {
        Route {
            key: RouteKey {
                domain: stored.domain.into(),
                ani: Ani::from_stored(&stored.ani),
                dnis: Dnis::from_stored(stored.dnis.as_deref()),
            },
            application: Application::from_stored(&stored.application),
            application_is_stored: stored.application_is_stored,
            destination: Destination::from_stored(&stored.destination),
        }
    }
}

/// A rule as JSON.
pub(super) fn route_to_text(route: &Route) -> Result<String> {
    to_text(&StoredRoute::from(route))
}

/// Rules as JSON.
pub(super) fn routes_to_text(routes: &[Route]) -> Result<String> {
    let stored: Vec<StoredRoute> = routes.iter().map(StoredRoute::from).collect();
    to_text(&stored)
}

/// Anything that the journal keeps as JSON.
pub(super) fn to_text(stored: &(impl Serialize + ?Sized)) -> Result<String> {
    serde_json::to_string(stored).map_err(|_| {
        Error::internal(
            "a change cannot be written to the journal",
            "Please report this as a bug; nothing was sent.",
        )
    })
}

/// A rule from its JSON.
pub(super) fn route_from_text(text: &str) -> Result<Route, Refused> {
    from_text::<StoredRoute>(text).map(Route::from)
}

/// Rules from their JSON.
pub(super) fn routes_from_text(text: &str) -> Result<Vec<Route>, Refused> {
    let stored = from_text::<Vec<StoredRoute>>(text)?;
    Ok(stored.into_iter().map(Route::from).collect())
}

/// The same, read back.
pub(super) fn from_text<T: DeserializeOwned>(text: &str) -> Result<T, Refused> {
    serde_json::from_str(text).map_err(|_| {
        Refused::new(
            "journal",
            "holds a damaged change",
            "restore the state folder",
        )
    })
}
