//! An access token, and the answer of a login that it is made of.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::scalar;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::{Secret, keep_out, serialize_exposed};

/// Lifetime of a token whose answer names none (SkySwitch API reference: 21600 s).
const DEFAULT_LIFETIME_S: i64 = 21_600;
/// A token that was issued so much later than now was issued while the clock was
/// ahead: when it ends, nobody knows.
const CLOCKS_APART: SignedDuration = SignedDuration::from_secs(60);
/// A token is renewed this long before it ends, or at nine tenths of a short life.
const RENEW_EARLY: SignedDuration = SignedDuration::from_secs(300);

/// An access token with what is needed to renew it. `Debug` shows no secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Token {
    #[serde(serialize_with = "serialize_exposed")]
    pub(super) access: Secret,
    #[serde(default, serialize_with = "serialize_refresh")]
    pub(super) refresh: Option<Secret>,
    pub(super) issued_at: Timestamp,
    pub(super) expires_at: Timestamp,
    /// The version of the API, which the PBX API tells with the token.
    #[serde(default)]
    pub(super) api_version: Option<String>,
}

impl Token {
    /// The value to send as `Authorization: Bearer …`.
    pub fn access(&self) -> &Secret {
        &self.access
    }

    /// When the service stops accepting it.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// The version of the API, where the login told it.
    pub(super) fn api_version(&self) -> Option<&str> {
        self.api_version.as_deref()
    }

    pub(super) fn keep_out(&self) {
        keep_out(&self.access);
        self.refresh.iter().for_each(keep_out);
    }

    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        let lifetime = self.expires_at.duration_since(self.issued_at);
        let renewed_at = self.expires_at - RENEW_EARLY.min(lifetime / 10);
        self.issued_at.duration_since(now) <= CLOCKS_APART && now < renewed_at
    }
}

fn serialize_refresh<S: serde::Serializer>(
    refresh: &Option<Secret>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match refresh {
        Some(secret) => serialize_exposed(secret, serializer),
        None => serializer.serialize_none(),
    }
}

/// What the service says of a token (SkySwitch API reference, `GET /oauth/token`).
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(inline)]
pub struct TokenInfo {
    /// Login of the user the token acts for.
    #[serde(default)]
    pub username: String,
    /// Scopes granted.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Expiry, seconds since 1970, UTC.
    #[serde(default, deserialize_with = "scalar::lenient_integer")]
    pub expires: i64,
}

impl TokenInfo {
    /// Whether a scope was granted. The service's own samples write some
    /// scopes in the plural (`accounts`), so both forms count.
    pub fn grants(&self, scope: &str) -> bool {
        let singular = |name: &str| name.trim_end_matches('s').to_ascii_lowercase();
        self.scopes
            .iter()
            .any(|granted| granted == "*" || singular(granted) == singular(scope))
    }
}

/// The token endpoint's answer. `refresh_token` and `expires_in` may be absent.
#[derive(Deserialize)]
pub(super) struct Granted {
    access_token: Option<Secret>,
    refresh_token: Option<Secret>,
    #[serde(default, deserialize_with = "scalar::lenient_integer")]
    expires_in: i64,
    #[serde(default)]
    scope: scalar::Scalar,
    #[serde(default)]
    mfa: scalar::Scalar,
    #[serde(default)]
    apiversion: scalar::Scalar,
}

impl Granted {
    pub(super) fn into_token(self) -> Result<Token> {
        // Such a token is valid for the second factor only (NetSapiens API v2, Tokens).
        let marked = [&self.scope, &self.mfa];
        if marked.iter().any(|mark| {
            mark.0
                .as_deref()
                .is_some_and(|word| word.contains("mfa_required"))
        }) {
            return Err(Error::new(
                Code::Unauthorized,
                "the login needs a second factor, which a program cannot give",
                "Use a user without two-factor login, or an API key (`pbx_api_key`).",
            ));
        }
        let access = self
            .access_token
            .filter(|token| !token.expose().is_empty())
            .ok_or_else(|| {
                Error::new(
                    Code::UpstreamRejected,
                    "SkySwitch answered the login without a token",
                    "Check the login in the SkySwitch portal (two-factor login may be on for this user).",
                )
            })?;
        let lifetime = match self.expires_in {
            seconds if seconds > 0 => seconds.min(366 * 86_400),
            _ => DEFAULT_LIFETIME_S,
        };
        let issued_at = Timestamp::now();
        Ok(Token {
            access,
            refresh: self.refresh_token,
            issued_at,
            expires_at: issued_at + SignedDuration::from_secs(lifetime),
            api_version: self.apiversion.0,
        })
    }
}
