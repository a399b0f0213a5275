//! A VIP rule as results carry it, with what is kept of it here.

use serde::{Deserialize, Serialize};

use crate::{Ani, Application, Destination, Dnis, Route, RouteKey};

/// A rule as results carry it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(inline)]
pub struct Vip {
    /// The caller's number as the service stores it, for example `16165550123`.
    pub ani: String,
    /// The called number the rule is limited to; left out for any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dnis: Option<String>,
    /// The PBX domain, for example `acme.12345.service`.
    pub domain: String,
    /// `user`, `device` or `literal`.
    pub application: String,
    /// The destination, as the service stores it, for example `101`.
    pub destination: String,
    /// Who the caller is, as it is kept here.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
    /// The last day of the rule, as it is kept here, for example `2026-12-25`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<String>,
}

impl From<&Route> for Vip {
    fn from(route: &Route) -> Self {
        Vip {
            ani: route.key.ani.as_str().to_owned(),
            dnis: route.key.dnis.to_send().map(str::to_owned),
            domain: route.key.domain.to_string(),
            application: route.application.as_str().to_owned(),
            destination: route.destination.as_str().to_owned(),
            note: None,
            until: None,
        }
    }
}

impl From<&Vip> for Route {
    fn from(vip: &Vip) -> Self {
        Route {
            key: RouteKey {
                domain: vip.domain.as_str().into(),
                ani: Ani::from_stored(&vip.ani),
                dnis: Dnis::from_stored(vip.dnis.as_deref()),
            },
            application: Application::from_stored(&vip.application),
            application_is_stored: true,
            destination: Destination::from_stored(&vip.destination),
        }
    }
}
