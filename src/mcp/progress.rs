//! Progress notifications: the newest state, never more often than a client
//! can use.

use std::sync::Arc;
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::{Peer, RequestContext};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::App;
use crate::ops::Progress;
use crate::ops::write::waiting::{Patience, TellWaiting};

/// Time between two notifications.
const PAUSE: Duration = Duration::from_millis(100);
/// What is told where nothing is done yet: all notices before that, of the wait
/// for a person, stay below it, because progress has to grow.
const NOTHING_DONE: f64 = 0.01;

#[derive(Clone, Default)]
struct State {
    done: usize,
    total: usize,
    message: String,
}

/// Sends the progress of one call to the client, if it asked for that.
pub(super) struct Notices {
    newest: watch::Sender<State>,
    sending: Option<JoinHandle<()>>,
}

impl Notices {
    pub fn of_call(context: &RequestContext<RoleServer>) -> Notices {
        let (newest, states) = watch::channel(State::default());
        let peer = context.peer.clone();
        let token = context.meta.get_progress_token();
        Notices {
            newest,
            sending: token.map(|token| tokio::spawn(forward(peer, token, states))),
        }
    }

    /// Lets the last state reach the client before the result does.
    pub async fn finish(self) {
        drop(self.newest);
        if let Some(sending) = self.sending {
            // Fails only when the runtime ends, and then nobody listens.
            let _ = sending.await;
        }
    }
}

impl Progress for Notices {
    fn report(&self, done: usize, total: usize, message: &str) {
        self.newest.send_replace(State {
            done,
            total,
            message: message.to_owned(),
        });
    }
}

async fn forward(peer: Peer<RoleServer>, token: ProgressToken, mut states: watch::Receiver<State>) {
    let mut sent = None;
    while states.changed().await.is_ok() {
        let state = states.borrow_and_update().clone();
        notify(&peer, &token, &state, &mut sent).await;
        tokio::time::sleep(PAUSE).await;
    }
    let last = states.borrow().clone();
    notify(&peer, &token, &last, &mut sent).await;
}

/// Progress has to grow with every notification.
async fn notify(
    peer: &Peer<RoleServer>,
    token: &ProgressToken,
    state: &State,
    sent: &mut Option<usize>,
) {
    if state.total == 0 || sent.is_some_and(|sent| state.done <= sent) {
        return;
    }
    // Counts of rows fit a double exactly.
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of rows are far below 2^52"
    )]
    let (done, total) = (state.done as f64, state.total as f64);
    let notice = ProgressNotificationParam::new(token.clone(), done.max(NOTHING_DONE))
        .with_total(total)
        .with_message(state.message.clone());
    // A client that is gone needs no progress; its call ends elsewhere.
    let _ = peer.notify_progress(notice).await;
    *sent = Some(state.done);
}

/// How long a call may wait for a person, where the operator lets it.
pub(super) fn patience(app: &App, context: &RequestContext<RoleServer>) -> Option<Patience> {
    let wait = app.settings().approval_wait;
    let waiting = Waiting {
        peer: context.peer.clone(),
        token: context.meta.get_progress_token(),
    };
    (!wait.is_zero()).then(|| Patience::new(wait, Arc::new(waiting)))
}

/// Says in progress notifications, which some clients show to the person, that
/// a call waits for them.
struct Waiting {
    peer: Peer<RoleServer>,
    token: Option<ProgressToken>,
}

impl TellWaiting for Waiting {
    fn tell(&self, words: &str, share: f64) {
        let Some(token) = &self.token else { return };
        // The rows of an import are counted from there on.
        let progress = share * NOTHING_DONE;
        let notice = ProgressNotificationParam::new(token.clone(), progress).with_message(words);
        let peer = self.peer.clone();
        tokio::spawn(async move {
            // A client that is gone needs no progress; its call ends elsewhere.
            let _ = peer.notify_progress(notice).await;
        });
    }
}
