//! An embedded HTTP server that behaves like the SkySwitch Telco API.
//!
//! It serves tests and `skyswitch sandbox`: a tenant with made-up customers, the token endpoint,
//! the PBX domains and Route-by-ANI, plus faults on demand (slow, broken, truncated or dropped
//! answers).
//!
//! Invariant: this module imports nothing from the rest of the crate. It is a second, independent
//! reading of the API, so that a misreading in the client is not repeated here unnoticed.
//!
//! What nobody outside SkySwitch knows (list shape, delete without DNIS, ...) is a setting of
//! [`Tenant`], never a silent guess.
//!
//! | file | content |
//! |---|---|
//! | `tenant.rs`, `demo.rs` | what upstream holds, and ready-made tenants |
//! | `upstream.rs` | the state one running sandbox shares between connections |
//! | `connection.rs`, `gateway.rs`, `fault.rs` | TCP, what every request passes, faults |
//! | `tokens.rs`, `oauth.rs` | token store and `/oauth/token` |
//! | `pbx.rs`, `parameters.rs`, `listing.rs` | domains and routes, queries, list shapes |

mod connection;
mod demo;
mod fault;
mod gateway;
mod listing;
mod oauth;
mod parameters;
mod pbx;
mod tenant;
mod tokens;
mod upstream;

pub use self::demo::{ADMIN_DOMAIN, RESELLER, SCALE_DOMAIN};
pub use self::fault::{Effect, Fault, Matcher, RetryAfter};
pub use self::tenant::{ListShape, StoredDnis, StoredDomain, StoredRoute, Tenant, TokenAnswer};
pub use self::upstream::Recorded;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::connection::{KillSwitch, KillableListener};
use self::upstream::Upstream;

/// The one account the sandbox knows; a UUID, as in every published example.
pub const ACCOUNT_ID: &str = "5b0f3a52-7c1e-4d7a-9a64-2f8c1d6e0b37";
/// OAuth client id the token endpoint accepts.
pub const CLIENT_ID: &str = "9c2d71e4-sandbox-client";
/// OAuth client secret the token endpoint accepts.
pub const CLIENT_SECRET: &str = "sandbox-secret-Vq3Zr8Lw0Tn5";
/// User name for the password grant.
pub const USERNAME: &str = "boundary-robot@sandbox.example";
/// Password for the password grant.
///
/// It holds `&`, `=`, `%`, `+`, a space and a non-ASCII letter, each of which a client breaks
/// that does not form-encode its values.
pub const PASSWORD: &str = "salt&pepper=100% +crème";

/// A running sandbox server on 127.0.0.1.
///
/// Dropping it stops the server and cuts every open connection. The closing itself is done by
/// the tokio runtime, so a connection attempt right after the drop may still be accepted.
pub struct Sandbox {
    base_url: String,
    upstream: Arc<Upstream>,
    _stop: DropGuard,
}

impl Sandbox {
    /// Starts a server for `tenant` on 127.0.0.1; port 0 takes any free port.
    ///
    /// Must be called inside a tokio runtime with IO and time; a current-thread one is enough.
    ///
    /// # Errors
    ///
    /// When the port cannot be bound.
    pub async fn start(port: u16, tenant: Tenant) -> io::Result<Sandbox> {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let base_url = format!("http://{}", tcp.local_addr()?);
        let shutdown = CancellationToken::new();
        let upstream = Arc::new(Upstream::new(tenant, shutdown.clone()));

        let listener = KillableListener::new(tcp, shutdown.clone());
        let service = gateway::router(Arc::clone(&upstream))
            .into_make_service_with_connect_info::<KillSwitch>();
        let stopping = shutdown.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = axum::serve(listener, service) => {}
                () = stopping.cancelled() => {}
            }
        });

        Ok(Sandbox {
            base_url,
            upstream,
            _stop: shutdown.drop_guard(),
        })
    }

    /// Address of the server, `http://127.0.0.1:PORT` without a trailing slash.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Everything received so far, in order of arrival.
    pub fn requests(&self) -> Vec<Recorded> {
        self.upstream.requests()
    }

    /// Forgets the requests received so far.
    pub fn clear_requests(&self) {
        self.upstream.clear_requests();
    }

    /// Lets `fault` strike coming requests that match it.
    ///
    /// One request meets at most one fault: the earliest injected that matches and has uses left.
    pub fn inject(&self, fault: Fault) {
        self.upstream.inject(fault);
    }

    /// Makes every access token issued so far answer 401; refresh tokens stay good.
    pub fn revoke_tokens(&self) {
        self.upstream.held().tokens.revoke_access();
    }

    /// Makes every refresh token issued so far be refused; access tokens stay good.
    pub fn revoke_refresh_tokens(&self) {
        self.upstream.held().tokens.revoke_refresh();
    }

    /// Adds `latency` to every answer except those of `/oauth/token`; zero turns it off.
    ///
    /// The request is acted on at once; only its answer comes late.
    pub fn set_latency(&self, latency: Duration) {
        self.upstream.held().latency = latency;
    }

    /// What upstream holds now, in stored order, whatever [`Tenant::read_lag`] still hides.
    pub fn routes(&self) -> Vec<StoredRoute> {
        self.upstream.held().tenant.routes.clone()
    }

    /// Stores `route` behind the client's back, as another user of the account would.
    ///
    /// Replaces a route of the same key (domain, ANI, DNIS). Visible at once.
    pub fn put_route(&self, route: StoredRoute) {
        let mut held = self.upstream.held();
        held.forget_stale_read();
        let routes = &mut held.tenant.routes;
        match routes.iter_mut().find(|held| held.has_key_of(&route)) {
            Some(existing) => *existing = route,
            None => routes.push(route),
        }
    }

    /// Deletes the route of this key behind the client's back; true when there was one.
    ///
    /// `ani` is compared exactly as stored. Visible at once.
    pub fn delete_route(&self, domain: &str, ani: &str, dnis: &StoredDnis) -> bool {
        let mut held = self.upstream.held();
        held.forget_stale_read();
        let routes = &mut held.tenant.routes;
        let before = routes.len();
        routes.retain(|route| !route.has_key(domain, ani, dnis.specific()));
        routes.len() < before
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox")
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}
