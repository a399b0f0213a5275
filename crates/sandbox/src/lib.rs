//! An embedded HTTP server that behaves like the SkySwitch Telco API and the NetSapiens PBX API
//! beside it.
//!
//! It serves tests and `skyswitch sandbox`: a tenant with made-up customers, the token endpoints,
//! domains, subscribers, numbers and Route-by-ANI, below `/ns-api/` both generations of the
//! NetSapiens API, plus faults on demand (slow, broken, truncated or dropped answers) and simulated
//! phone calls that tell who would be rung.
//!
//! This crate depends on nothing else of the workspace. It is a second, independent reading of
//! the API documents, so that a misreading in the client is not repeated here unnoticed.
//!
//! What nobody outside SkySwitch knows (list shape, delete without DNIS, ...) is a setting of
//! [`Tenant`], never a silent guess.
//!
//! | folder or file | content |
//! |---|---|
//! | `tenant/` | what the service holds and how it answers; ready-made tenants |
//! | `telco/` | the SkySwitch (Telco) API: login, route-by-ANI, subscribers, numbers |
//! | `netsapiens/` | the PBX API: login, the form API (`v1/`) and the REST API (`v2/`) |
//! | `server/` | TCP, what every request passes, shared state |
//! | `faults.rs` | what can be made to go wrong |
//! | `phone_calls.rs` | simulated phone calls: who is rung, who is dropped |
//! | `kept.rs` | data that outlive the process |
//! | `controls.rs` | test controls: read and change the data behind the client's back |

mod controls;
mod faults;
mod kept;
mod netsapiens;
mod phone_calls;
mod server;
mod telco;
mod tenant;

pub use crate::controls::RuleEffect;
pub use crate::faults::{Effect, Fault, Gate, Matcher, RetryAfter};
pub use crate::phone_calls::Outcome;
pub use crate::server::state::Recorded;
pub use crate::tenant::customer::{
    StoredAnsweringRule, StoredDialRule, StoredNumber, StoredSubscriber,
};
pub use crate::tenant::demo::{ADMIN_DOMAIN, RESELLER, SCALE_DOMAIN};
pub use crate::tenant::habits::{DialPlanAccess, Mfa, PbxHabits, V2Version};
pub use crate::tenant::list_habits::{
    Announcement, EmptyList, PutReach, RowDestination, RowDomain, RuleForm,
};
pub use crate::tenant::named_habits::{HABITS, Habit};
pub use crate::tenant::stored::{StoredDnis, StoredDomain, StoredRoute};
pub use crate::tenant::{ListShape, Tenant, TokenAnswer, WriteAnswer};

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::kept::Kept;
use crate::server::connection::{KillSwitch, KillableListener};
use crate::server::state::Upstream;
use crate::tenant::customers::Customers;

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

/// OAuth client id of the PBX API.
pub const PBX_CLIENT_ID: &str = "sandbox-pbx-client";
/// OAuth client secret of the PBX API.
pub const PBX_CLIENT_SECRET: &str = "sandbox-pbx-secret-Hc7Ym2Jx";
/// Login of the reseller's administrator on the PBX.
pub const PBX_USERNAME: &str = "admin@0000.12345.service";
/// Password of that login; it holds characters that must be form-encoded.
pub const PBX_PASSWORD: &str = "dial&tone=50% +äther";
/// API key of the PBX, valid for its REST API only.
pub const PBX_API_KEY: &str = "nsr_sandboxR7kW2pZ9qT4v";

/// A running sandbox server on 127.0.0.1.
///
/// Dropping it stops the server and cuts every open connection. The closing itself is done by
/// the tokio runtime, so a connection attempt right after the drop may still be accepted.
pub struct Sandbox {
    base_url: String,
    upstream: Arc<Upstream>,
    set_aside: Option<PathBuf>,
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
    pub async fn start(port: u16, mut tenant: Tenant) -> io::Result<Sandbox> {
        let customers = Customers::of(&mut tenant);
        Sandbox::serve(port, tenant, customers, None).await
    }

    /// Starts a server on any free port whose data are kept in an existing folder, which other
    /// processes may use at the same time; `tenant` is what it begins with.
    ///
    /// A file of data that cannot be read is set aside; see [`Sandbox::set_aside`].
    ///
    /// # Errors
    ///
    /// When the folder cannot be used or no port can be bound.
    pub async fn start_in(folder: &Path, mut tenant: Tenant) -> io::Result<Sandbox> {
        let (kept, customers, set_aside) = Kept::open(folder, Customers::of(&mut tenant))?;
        let sandbox = Sandbox::serve(0, tenant, customers, Some(kept)).await?;
        Ok(Sandbox {
            set_aside,
            ..sandbox
        })
    }

    async fn serve(
        port: u16,
        habits: Tenant,
        customers: Customers,
        kept: Option<Kept>,
    ) -> io::Result<Sandbox> {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let base_url = format!("http://{}", tcp.local_addr()?);
        let shutdown = CancellationToken::new();
        let upstream = Arc::new(Upstream::new(habits, customers, kept, shutdown.clone()));

        let listener = KillableListener::new(tcp, shutdown.clone());
        let service = crate::server::gateway::router(Arc::clone(&upstream))
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
            set_aside: None,
            _stop: shutdown.drop_guard(),
        })
    }

    /// Address of the server, `http://127.0.0.1:PORT` without a trailing slash.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Base address of the PBX API.
    pub fn pbx_base_url(&self) -> String {
        format!("{}/ns-api", self.base_url)
    }

    /// Where a damaged file of kept data was put when this sandbox started.
    pub fn set_aside(&self) -> Option<&Path> {
        self.set_aside.as_deref()
    }

    /// Why the data could not be kept, where that happened; it goes on without.
    pub fn not_kept(&self) -> Option<String> {
        self.upstream.locked().not_kept()
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

    /// Takes back every fault that has uses left.
    pub fn clear_faults(&self) {
        self.upstream.clear_faults();
    }

    /// Makes every access token of the Telco API answer 401; refresh tokens stay good.
    pub fn revoke_tokens(&self) {
        self.upstream.locked().tokens.revoke_access();
    }

    /// Makes every refresh token of the Telco API be refused; access tokens stay good.
    pub fn revoke_refresh_tokens(&self) {
        self.upstream.locked().tokens.revoke_refresh();
    }

    /// Gives the user another password, and takes back every token of the old one.
    pub fn change_password(&self, password: &str) {
        let mut held = self.upstream.locked();
        held.password = password.to_owned();
        held.tokens.revoke_access();
        held.tokens.revoke_refresh();
    }

    /// Makes every access token of the PBX API answer 401; its refresh tokens stay good.
    pub fn revoke_pbx_tokens(&self) {
        self.upstream.locked().pbx_tokens.revoke_access();
    }

    /// Makes every refresh token of the PBX API be refused; its access tokens stay good.
    pub fn revoke_pbx_refresh_tokens(&self) {
        self.upstream.locked().pbx_tokens.revoke_refresh();
    }

    /// Adds `latency` to every answer except those to logins; zero turns it off.
    ///
    /// The request is acted on at once; only its answer comes late.
    pub fn set_latency(&self, latency: Duration) {
        self.upstream.locked().latency = latency;
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox")
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}
