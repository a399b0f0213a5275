//! Changes that are begun at the same time are written down together, and wait
//! for the disk once: whoever may write next does so for all who wait by then.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::app::App;
use crate::ops::write::journal::{Journal, Origin, now};
use crate::ops::write::outcomes::State;
use skyswitch_client::{Allowance, Trace};
use skyswitch_domain::error::{Error, Result};
use skyswitch_guard::store::{Begun, Counted, NewChange};
use skyswitch_guard::{Author, Change};

/// The changes that wait to be written down.
#[derive(Debug, Default)]
pub(super) struct Queue(Mutex<Vec<Waiting>>);

#[derive(Debug)]
struct Waiting {
    change: Change,
    asked_by: Arc<str>,
    /// The trace of the call that makes it.
    traceparent: Option<String>,
    author: Author,
    origin: Origin,
    limit: Option<(Counted, u32)>,
    since: i64,
    told: oneshot::Sender<Result<Begun>>,
}

impl Queue {
    fn add(&self, waiting: Waiting) {
        self.locked().push(waiting);
    }

    fn take(&self) -> Vec<Waiting> {
        std::mem::take(&mut self.locked())
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal {
    /// Writes a change down, together with those that are begun meanwhile.
    ///
    /// # Errors
    /// `internal`: it is not written down and must not be sent.
    pub(super) async fn write_down(
        &self,
        app: &App,
        change: &Change,
        origin: &Origin,
        limit: Option<(Counted, u32)>,
    ) -> Result<Begun> {
        let (told, begun) = oneshot::channel();
        let trace = Allowance::current().and_then(|work| work.trace());
        self.queue.add(Waiting {
            change: change.clone(),
            asked_by: Arc::clone(&app.asked_by),
            traceparent: trace.and_then(Trace::traceparent),
            author: app.author(),
            origin: origin.clone(),
            limit,
            since: now(),
            told,
        });
        // Whoever can go on at this moment puts theirs to it first.
        tokio::task::yield_now().await;
        let mut work = self.work.lock().await;
        // Whoever had the lock before may have written this one down already.
        self.write_waiting(&mut work).await;
        drop(work);
        match begun.await {
            Ok(begun) => begun,
            // Whoever wrote it down went away before the end.
            Err(_) => {
                self.work.lock().await.expect_strays();
                Err(Error::internal(
                    "writing it down was interrupted",
                    "Try again.",
                ))
            }
        }
    }

    async fn write_waiting(&self, work: &mut State) {
        let waiting = self.queue.take();
        if waiting.is_empty() {
            return;
        }
        let written = self.write_all(work, &waiting).await;
        for (index, Waiting { told, .. }) in waiting.into_iter().enumerate() {
            let begun = match &written {
                Ok(begun) => begun.get(index).copied().ok_or_else(not_told),
                Err(error) => Err(error.clone()),
            };
            if let Ok(begun) = begun {
                work.note(begun);
            }
            // One who went away does not work on it: it is left to a read.
            if let Err(Ok(Begun::Written(id))) = told.send(begun) {
                work.let_go(id, false);
            }
        }
    }

    async fn write_all(&self, work: &mut State, waiting: &[Waiting]) -> Result<Vec<Begun>> {
        let owner = self.owner().await?;
        self.write_kept(work).await?;
        let store = self.store_to_write().await?;
        let all = waiting.iter().map(|waiting| NewChange {
            realm: self.realm(),
            change: &waiting.change,
            asked_by: &waiting.asked_by,
            traceparent: waiting.traceparent.as_deref(),
            author: waiting.author,
            undoes: waiting.origin.undoes,
            run: waiting.origin.run.as_deref(),
            owner,
            seen: waiting.origin.seen,
            limit: waiting.limit,
            now: waiting.since,
        });
        let begun = store.begin_changes(&all.collect::<Vec<_>>()).await;
        if begun.is_err() {
            work.expect_strays();
        }
        begun
    }
}

fn not_told() -> Error {
    Error::internal(
        "the store did not say whether it was written down",
        "Please report this as a bug.",
    )
}
