//! What one process shares: settings, guard, journal, locks, and a client made
//! at first use.

use std::sync::{Arc, OnceLock};

use tokio_util::task::TaskTracker;

use crate::approval_page::ApprovalPage;
use crate::config::Settings;
use crate::ops::vips::ends::Ends;
use crate::ops::vips::kept_lists::KeptLists;
use crate::ops::vips::reach::Reached;
use crate::ops::write::journal::Journal;
use crate::ops::write::locks::Turns;
use crate::ops::write::waiting::Patience;
use skyswitch_client::{Client, ClientOptions, TokenCache};
use skyswitch_domain::command_line;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{AccountId, Argument};
use skyswitch_guard::store::{SharedStore, StateFolder};
use skyswitch_guard::{Author, Guard};

/// What the operations work with: settings, guard, journal, and a client made
/// at first use. Cheap to clone; clones share everything.
#[derive(Debug, Clone)]
pub struct App {
    shared: Arc<Shared>,
    pub(crate) asked_by: Arc<str>,
    author: Author,
    /// How long this call may wait for a person.
    pub(crate) patience: Option<Patience>,
    /// Whether requests are made only to name customers and people.
    pub(crate) reads_names: bool,
}

#[derive(Debug)]
struct Shared {
    settings: Settings,
    guard: Arc<Guard>,
    approval_page: OnceLock<ApprovalPage>,
    journal: Journal,
    client: OnceLock<Result<Client>>,
    turns: Turns,
    kept_lists: KeptLists,
    ends: Ends,
    /// Customers whose numbers were seen to come to the VIP list.
    reached: Reached,
    settling: TaskTracker,
}

impl App {
    /// Wires the parts. Touches neither disk nor network.
    pub fn new(settings: Settings) -> App {
        let store = SharedStore::new(StateFolder::new(&settings.state_dir));
        // A sandbox has a new port at every start; its confirmations must outlive that.
        let realm = match settings.sandbox {
            true => "sandbox".to_owned(),
            false => settings.base_url.to_string(),
        };
        let limits = settings.limits.clone();
        let guard = Guard::new(
            settings.confirm,
            limits.clone(),
            realm.clone(),
            store.clone(),
        )
        .of_profile(settings.profile.as_ref().map(ToString::to_string));
        let journal = Journal::new(store, realm, limits);
        App {
            shared: Arc::new(Shared {
                settings,
                guard: Arc::new(guard),
                approval_page: OnceLock::new(),
                journal,
                client: OnceLock::new(),
                turns: Turns::default(),
                kept_lists: KeptLists::default(),
                ends: Ends::default(),
                reached: Reached::default(),
                settling: TaskTracker::new(),
            }),
            asked_by: "an embedding program".into(),
            author: Author::Program,
            patience: None,
            reads_names: false,
        }
    }

    /// The same operations on behalf of somebody: client and tool, or command.
    /// The journal keeps it with every change.
    #[must_use]
    pub fn asked_by(&self, who: &str) -> App {
        App {
            shared: Arc::clone(&self.shared),
            asked_by: shown(who, 200).into(),
            author: self.author,
            patience: self.patience.clone(),
            reads_names: self.reads_names,
        }
    }

    /// The same operations in a call that waits for a person who decides elsewhere.
    #[must_use]
    pub(crate) fn waiting(self, patience: Option<Patience>) -> App {
        App { patience, ..self }
    }

    /// The same operations, which make requests for names where no other read gives them.
    #[must_use]
    pub(crate) fn reading_names(self, reads_names: bool) -> App {
        App {
            reads_names,
            ..self
        }
    }

    /// The same operations asked for by a person, who gives the commands themselves.
    #[must_use]
    pub fn commanded_by_a_person(self) -> App {
        App {
            author: Author::Person,
            ..self
        }
    }

    pub(crate) fn author(&self) -> Author {
        self.author
    }

    /// The settings it was made with.
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// The guard, for the faces that settle what waits.
    pub fn guard(&self) -> &Guard {
        &self.shared.guard
    }

    /// The same guard, for a face that outlives a call.
    pub fn shared_guard(&self) -> Arc<Guard> {
        Arc::clone(&self.shared.guard)
    }

    /// Lets changes that wait be settled on a page on this machine, too, unless
    /// the operator has switched that off. Nothing listens before one waits.
    pub fn offer_approval_page(&self) {
        if self.settings().approval_page {
            let page = || ApprovalPage::new(self.shared_guard());
            self.shared.approval_page.get_or_init(page);
        }
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.shared.journal
    }

    pub(crate) fn turns(&self) -> &Turns {
        &self.shared.turns
    }

    pub(crate) fn kept_lists(&self) -> &KeptLists {
        &self.shared.kept_lists
    }

    pub(crate) fn ends(&self) -> &Ends {
        &self.shared.ends
    }

    /// Customers whose numbers were seen to come to the VIP list lately.
    pub(crate) fn reached(&self) -> &Reached {
        &self.shared.reached
    }

    /// The changes under way, which are seen through whatever becomes of the caller.
    pub(crate) fn settling(&self) -> &TaskTracker {
        &self.shared.settling
    }

    /// The approval page, where one is offered.
    pub(crate) fn approval_page(&self) -> Option<&ApprovalPage> {
        self.shared.approval_page.get()
    }

    /// Builds the client ahead of the first call that needs it, if it can be built.
    pub fn warm_up(&self) {
        // A failure is kept and reported by the first call.
        let _ = self.client();
    }

    /// Waits until no change is under way any more, and writes down what could
    /// not be written before.
    pub async fn settled(&self) {
        let settling = &self.shared.settling;
        settling.close();
        settling.wait().await;
        settling.reopen();
        self.journal().catch_up().await;
    }

    /// The client.
    ///
    /// # Errors
    /// `not_configured` where credentials are missing.
    pub(crate) fn client(&self) -> Result<&Client> {
        let built = self.shared.client.get_or_init(|| {
            let settings = self.settings();
            Client::new(ClientOptions {
                base_url: settings.base_url.clone(),
                credentials: settings.credentials.clone()?,
                scope: settings.scope.clone(),
                number_scope: settings.number_scope.clone(),
                pbx: settings.pbx.clone(),
                empty_object_is_list: settings.empty_object_is_empty_list,
                not_found_is_list: settings.not_found_is_empty_list,
                rate_limit: settings.rate_limit,
                send_traceparent: settings.send_traceparent,
                token_cache: match settings.sandbox {
                    true => TokenCache::Private,
                    false => TokenCache::Shared(StateFolder::new(&settings.state_dir)),
                },
                // What a sandbox answers is nothing to report or to remember.
                state: (!settings.sandbox).then(|| self.journal().store().clone()),
            })
        });
        built.as_ref().map_err(Clone::clone)
    }

    /// The account a call is about: the one it names, else the default.
    pub(crate) fn account(&self, named: Option<&AccountId>) -> Result<AccountId> {
        // Who has set nothing at all is told of the credentials first.
        self.client()?;
        named
            .or(self.settings().default_account.as_ref())
            .cloned()
            .ok_or_else(|| {
                Error::new(
                    Code::NotConfigured,
                    "no SkySwitch account is named and no default account is configured",
                    format!(
                        "Give {}, or run {} in a terminal, which stores the account's UUID; SKYSWITCH_ACCOUNT_ID and \
                         `default_account_id` in the config file set it, too.",
                        Argument("account_id"),
                        command_line("login")
                    ),
                )
                .with_field("account_id")
            })
    }
}
