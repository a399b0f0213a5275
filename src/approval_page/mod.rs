//! A page on this machine where a person settles a change that waits, for
//! those whose assistant has no forms and who have no terminal at hand.
//!
//! Nothing listens before the first link is asked for. A link says for ten
//! minutes after its decision or expiry which it was; after the last one nothing
//! listens any more.

mod serve;
mod view;

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use skyswitch_domain::command_line;
use skyswitch_domain::error::{Error, Result};
use skyswitch_guard::Guard;
use skyswitch_guard::store::Approval;

/// How often the page looks whether what it offers was settled elsewhere.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How long a link says how its question ended.
const REMEMBERS: Duration = Duration::from_secs(600);

/// The page, and the links it offers.
pub struct ApprovalPage {
    guard: Arc<Guard>,
    remembers: Duration,
    site: tokio::sync::Mutex<Option<Site>>,
}

impl std::fmt::Debug for ApprovalPage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApprovalPage(****)")
    }
}

/// The page while it listens.
struct Site {
    port: u16,
    links: Links,
    ended: CancellationToken,
    _end_with_us: DropGuard,
}

impl ApprovalPage {
    /// A page over that guard. Nothing listens yet.
    pub fn new(guard: Arc<Guard>) -> ApprovalPage {
        ApprovalPage {
            guard,
            remembers: REMEMBERS,
            site: tokio::sync::Mutex::new(None),
        }
    }

    /// The same page, with another time for which a link says how its question ended.
    #[must_use]
    pub fn remembering_for(self, remembers: Duration) -> ApprovalPage {
        ApprovalPage { remembers, ..self }
    }

    /// Offers the change that waits under this code until it is settled or
    /// expires, and then how it ended. The same code gets the same link again.
    ///
    /// # Errors
    /// `internal` when no local port can be opened.
    pub async fn link_to(&self, code: &str, expires_at: Timestamp) -> Result<Url> {
        let mut site = self.site.lock().await;
        let running = site.take().filter(|site| !site.ended.is_cancelled());
        let running = match running {
            Some(running) => running,
            None => start(Arc::clone(&self.guard), self.remembers).await?,
        };
        let secret = running.links.offer(code, expires_at);
        let link = Url::parse(&format!("http://127.0.0.1:{}/{secret}", running.port));
        *site = Some(running);
        link.map_err(|_| {
            Error::internal(
                "the approval page has no address",
                format!(
                    "Please report this as a bug; {} works all the same.",
                    command_line("approve")
                ),
            )
        })
    }
}

async fn start(guard: Arc<Guard>, remembers: Duration) -> Result<Site> {
    let failed = |error: std::io::Error| {
        Error::internal(
            format!("the approval page cannot listen on 127.0.0.1: {error}"),
            format!(
                "Approve with {}, or switch the page off with `approval_page` in the config file.",
                command_line("approve")
            ),
        )
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    let links = Links::default();
    let ended = CancellationToken::new();
    let desk = serve::Desk {
        guard,
        links: links.clone(),
        port,
    };
    tokio::spawn(close_when_settled(
        Arc::clone(&desk.guard),
        links.clone(),
        remembers,
        ended.clone(),
    ));
    tokio::spawn(serve::serve(listener, desk, ended.clone()));
    Ok(Site {
        port,
        links,
        _end_with_us: ended.clone().drop_guard(),
        ended,
    })
}

/// Takes links away a while after they were settled anywhere or have expired;
/// with the last one the page ends.
async fn close_when_settled(
    guard: Arc<Guard>,
    links: Links,
    remembers: Duration,
    ended: CancellationToken,
) {
    loop {
        tokio::select! {
            () = ended.cancelled() => return,
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
        let now = Timestamp::now();
        // A store that cannot be read settles nothing; the links expire by themselves.
        let waiting = guard.waiting().await.ok();
        let waits = |offer: &Offer| {
            let waits = |waiting: &Vec<Approval>| waiting.iter().any(|a| a.code == offer.code);
            offer.expires_at > now && waiting.as_ref().is_none_or(waits)
        };
        // Closed while the links are held, so that none is added to a page that ends.
        if links.keep(waits, now, remembers, || ended.cancel()) {
            return;
        }
    }
}

/// The links on offer, by the digest of their secret part: looking one up
/// takes the same time however much of it is right.
#[derive(Clone, Default)]
struct Links {
    offers: Arc<Mutex<HashMap<[u8; 32], Offer>>>,
}

struct Offer {
    secret: String,
    code: String,
    expires_at: Timestamp,
    /// Since when there is nothing to be decided any more.
    over_since: Option<Timestamp>,
}

impl Links {
    fn offer(&self, code: &str, expires_at: Timestamp) -> String {
        let mut offers = self.offers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(offer) = offers.values().find(|offer| offer.code == code) {
            return offer.secret.clone();
        }
        let secret = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 24]>());
        let offer = Offer {
            secret: secret.clone(),
            code: code.to_owned(),
            expires_at,
            over_since: None,
        };
        offers.insert(digest(&secret), offer);
        secret
    }

    /// The code behind a secret.
    fn code(&self, secret: &str) -> Option<String> {
        let offers = self.offers.lock().unwrap_or_else(PoisonError::into_inner);
        offers.get(&digest(secret)).map(|offer| offer.code.clone())
    }

    /// Keeps the links that wait, and those over which it is remembered how they
    /// ended; true, after `none_left`, when there are no others.
    fn keep(
        &self,
        waits: impl Fn(&Offer) -> bool,
        now: Timestamp,
        remembers: Duration,
        none_left: impl FnOnce(),
    ) -> bool {
        let mut offers = self.offers.lock().unwrap_or_else(PoisonError::into_inner);
        offers.retain(|_, offer| {
            if waits(offer) {
                return true;
            }
            let since = *offer.over_since.get_or_insert(now);
            now.duration_since(since).unsigned_abs() < remembers
        });
        if offers.is_empty() {
            none_left();
        }
        offers.is_empty()
    }
}

fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}
