//! The operations: everything both faces can do, free of MCP, terminal and HTTP.
//!
//! Reads go straight to the client. Writes go through `change.rs`: read what
//! stands, plan, guard, send, tell.

mod add_vip;
mod change;
mod checklist;
mod doctor;
mod domains;
mod list_vips;
mod page;
mod remove_vip;
mod token;
mod turns;

use std::sync::OnceLock;

use tokio_util::task::TaskTracker;

pub use add_vip::{AddVip, AddVipOutcome, AddVipStatus, add_vip};
pub(crate) use change::read_only;
pub use change::{Asked, Confirmation, Question};
pub use checklist::{Checklist, SetupChecklist, Step, StepState, Ticket, setup_checklist};
pub use doctor::{Check, CheckState, Diagnosis, doctor, doctor_without_settings};
pub use domains::{DomainList, DomainRow, ListDomains, list_domains};
pub use list_vips::{ListVips, VipList, list_vips};
pub use page::PageSize;
pub use remove_vip::{RemoveVip, RemoveVipOutcome, RemoveVipStatus, remove_vip};
pub use token::{TokenReport, token};

use crate::config::Settings;
use crate::domain::AccountId;
use crate::error::{Code, Error, Result};
use crate::guard::{Clearance, Guard};
use crate::skyswitch::{Client, ClientOptions, TokenCache, Written};
use crate::state::StateFolder;
use turns::{Turn, Turns};

/// What the operations work with: settings, guard, and a client made at first use.
#[derive(Debug)]
pub struct App {
    settings: Settings,
    guard: Guard,
    client: OnceLock<Result<Client>>,
    turns: Turns,
    settling: TaskTracker,
}

impl App {
    /// Wires the parts. Touches neither disk nor network.
    pub fn new(settings: Settings) -> App {
        let folder = StateFolder::new(&settings.state_dir);
        // A sandbox has a new port at every start; its confirmations must outlive that.
        let realm = match settings.sandbox {
            true => "sandbox".to_owned(),
            false => settings.base_url.to_string(),
        };
        App {
            guard: Guard::new(settings.confirm, realm, folder),
            settings,
            client: OnceLock::new(),
            turns: Turns::default(),
            settling: TaskTracker::new(),
        }
    }

    /// The settings it was made with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The guard, for the one face that settles what waits.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Builds the client ahead of the first call that needs it, if it can be built.
    pub fn warm_up(&self) {
        // A failure is kept and reported by the first call.
        let _ = self.client();
    }

    /// Waits until no change is under way any more.
    pub async fn settled(&self) {
        self.settling.close();
        self.settling.wait().await;
        self.settling.reopen();
    }

    /// Sends a cleared change and sees it through.
    ///
    /// Waiting for login and pace can still be called off. Once the change is
    /// sent it runs to its end, and the turn is held until then, whatever
    /// becomes of the caller.
    async fn send(&self, clearance: Clearance, turn: Turn) -> Result<Written> {
        let client = self.client()?.clone();
        let ready = client.ready_to_write().await?;
        let sending = self.settling.spawn(async move {
            let written = client.write(clearance, ready).await;
            drop(turn);
            written
        });
        match sending.await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::internal(
                "the change was interrupted inside this program",
                "Look with list_vips (`skyswitch vip list`) whether it was made.",
            )),
        }
    }

    /// The client.
    ///
    /// # Errors
    /// `not_configured` where credentials are missing.
    fn client(&self) -> Result<&Client> {
        let built = self.client.get_or_init(|| {
            let settings = &self.settings;
            Client::new(ClientOptions {
                base_url: settings.base_url.clone(),
                credentials: settings.credentials.clone()?,
                scope: settings.scope.clone(),
                rate_limit: settings.rate_limit,
                token_cache: match settings.sandbox {
                    true => TokenCache::Private,
                    false => TokenCache::Shared(StateFolder::new(&settings.state_dir)),
                },
            })
        });
        built.as_ref().map_err(Clone::clone)
    }

    /// The account a call is about: the one it names, else the default.
    fn account(&self, named: Option<&AccountId>) -> Result<AccountId> {
        // Who has set nothing at all is told of the credentials first.
        self.client()?;
        named
            .or(self.settings.default_account.as_ref())
            .cloned()
            .ok_or_else(|| {
                Error::new(
                    Code::NotConfigured,
                    "no SkySwitch account is named and no default account is configured",
                    "Give `account_id` (`--account`), or set SKYSWITCH_ACCOUNT_ID or \
                     `default_account_id` in the config file to the account's UUID.",
                )
                .with_field("account_id")
            })
    }
}
