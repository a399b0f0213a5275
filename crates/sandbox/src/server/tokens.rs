//! The tokens a sandbox has issued.
//!
//! Access tokens begin with `sandbox-access-` and refresh tokens with `sandbox-refresh-`, those of
//! the PBX with `sandbox-pbx-access-` and `sandbox-pbx-refresh-`, so that a leak into logs,
//! journals or tool answers can be searched for.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Issued tokens that are still good. Lost when the sandbox ends.
pub(crate) struct Tokens {
    /// What every token begins with.
    realm: &'static str,
    access: HashMap<String, AccessToken>,
    /// Scopes by refresh token.
    refresh: HashMap<String, Vec<String>>,
}

/// What upstream knows of an access token.
#[derive(Clone)]
pub(crate) struct AccessToken {
    pub(crate) scopes: Vec<String>,
    /// Unix seconds, for the token's description.
    pub(crate) expires: u64,
    /// Issue and lifetime on the clock that nobody sets, which decides.
    issued: Instant,
    lifetime: Duration,
}

/// The pair of tokens one grant hands out.
pub(crate) struct Issued {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Tokens {
    pub(crate) fn new(realm: &'static str) -> Tokens {
        Tokens {
            realm,
            access: HashMap::new(),
            refresh: HashMap::new(),
        }
    }

    pub(crate) fn issue(&mut self, scopes: Vec<String>, lifetime: Duration) -> Issued {
        let issued = Issued {
            access: format!("{}-access-{}", self.realm, random_text()),
            refresh: format!("{}-refresh-{}", self.realm, random_text()),
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let token = AccessToken {
            scopes: scopes.clone(),
            expires: now.map_or(0, |since| since.saturating_add(lifetime).as_secs()),
            issued: Instant::now(),
            lifetime,
        };
        self.access.insert(issued.access.clone(), token);
        self.refresh.insert(issued.refresh.clone(), scopes);
        issued
    }

    /// The token, unless it is unknown, revoked or expired.
    pub(crate) fn access(&self, token: &str) -> Option<&AccessToken> {
        let known = self.access.get(token)?;
        (known.issued.elapsed() < known.lifetime).then_some(known)
    }

    /// Uses up a refresh token and returns its scopes; it is good only once.
    pub(crate) fn redeem(&mut self, refresh: &str) -> Option<Vec<String>> {
        self.refresh.remove(refresh)
    }

    pub(crate) fn revoke_access(&mut self) {
        self.access.clear();
    }

    pub(crate) fn revoke_refresh(&mut self) {
        self.refresh.clear();
    }
}

/// 256 random bits as hexadecimal text.
fn random_text() -> String {
    let (high, low) = (rand::random::<u128>(), rand::random::<u128>());
    format!("{high:032x}{low:032x}")
}
