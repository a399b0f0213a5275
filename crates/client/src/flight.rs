//! Equal reads in flight are sent once.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::{FutureExt, Shared, WeakShared};

use skyswitch_domain::error::Result;

type Flight<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// Reads under way, by what they ask for.
///
/// Everybody who asks while a read is in flight waits for that one. It ends
/// when it is answered, or when the last of them has gone away.
pub(super) struct Flights<T> {
    flying: Arc<Mutex<HashMap<String, WeakShared<Flight<T>>>>>,
}

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Flights {
            flying: Arc::default(),
        }
    }
}

impl<T: Clone + Send + Sync + 'static> Flights<T> {
    /// Joins the read of that name, or starts it.
    pub async fn join<F>(&self, name: String, start: impl FnOnce() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        self.board(name, start).await
    }

    /// Lets reads under way answer those who wait for them, and nobody else.
    pub fn leave_alone(&self) {
        self.flying
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    fn board<F>(&self, name: String, start: impl FnOnce() -> F) -> Shared<Flight<T>>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let mut flying = self.flying.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flying.get(&name).and_then(WeakShared::upgrade) {
            return flight;
        }
        let (read, board, own_name) = (start(), Arc::clone(&self.flying), name.clone());
        let flight = async move {
            let outcome = read.await;
            // Landed: whoever asks from now on gets a newer answer.
            board
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&own_name);
            outcome
        }
        .boxed()
        .shared();
        if let Some(weak) = flight.downgrade() {
            flying.insert(name, weak);
        }
        flight
    }
}
