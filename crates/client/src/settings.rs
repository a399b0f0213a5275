//! What a client needs to know: logins and addresses.

use skyswitch_domain::redact::Secret;
use url::Url;

use super::source::Source;

/// Host of the SkySwitch API (SkySwitch API reference: the server of every operation).
pub const DEFAULT_BASE_URL: &str = "https://api.skyswitch.com";
/// Scopes asked for at login, separated by spaces.
pub const DEFAULT_SCOPE: &str = "pbx account";
/// Scopes that customers' numbers and their routing need beside those.
pub const NUMBER_SCOPES: &str = "routing phone_number";
/// Requests a second to the service; bursts of twice as many are let through.
pub const DEFAULT_RATE_LIMIT: f64 = 20.0;

/// The four values of the OAuth password grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// OAuth client id, given out by SkySwitch.
    pub client_id: String,
    /// OAuth client secret.
    pub client_secret: Secret,
    /// Login of the user on whose behalf requests are made.
    pub username: String,
    /// That user's password.
    pub password: Secret,
}

/// The generations of the PBX API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PbxGeneration {
    /// The first: object and action in a form. It is the one that SkySwitch documents.
    #[default]
    V1,
    /// The second: REST.
    V2,
}

/// The login to the PBX API.
#[derive(Debug, Clone)]
pub enum PbxLogin {
    /// OAuth password grant of a subscriber, for example `admin@0000.12345.service`.
    Password(Source<Credentials>),
    /// An API key, second generation only.
    Key(Source<Secret>),
}

/// Where the PBX API is and how it is used.
#[derive(Debug, Clone)]
pub struct PbxSettings {
    /// Its root, for example `https://12345-hpbx.dashmanager.com/ns-api`.
    pub base_url: Url,
    /// The generation that this host speaks.
    pub generation: PbxGeneration,
    /// The login.
    pub login: PbxLogin,
    /// Requests a second, bursts of at least 30; 0 for no limit. The published
    /// limit is 1,800 an hour, which is 0.5 a second.
    pub rate_limit: f64,
}
