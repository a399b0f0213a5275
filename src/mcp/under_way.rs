//! The requests under way. What they hold counts until their work has ended,
//! also where the client has cancelled them and waits for no answer.

use std::collections::HashMap;

use rmcp::RoleServer;
use rmcp::model::{ClientRequest, GetExtensions, JsonRpcRequest, RequestId};
use rmcp::service::RequestContext;
use tokio_util::sync::CancellationToken;

/// Bytes of requests under way. Much more than of answers that nobody has read,
/// because a request may be waiting for what is read next.
const MOST: usize = 64 * 1024 * 1024;
/// What a request takes beside its text.
const REQUEST: usize = 256 * 1024;

/// The requests whose work has not ended.
#[derive(Default)]
pub(super) struct UnderWay {
    requests: HashMap<RequestId, Held>,
    bytes: usize,
}

/// What is known of one of them.
struct Held {
    bytes: usize,
    cancelled: Cancelled,
}

/// Goes along with a request, and is cancelled by the client.
#[derive(Clone, Default)]
struct Cancelled(CancellationToken);

impl UnderWay {
    /// Whether no other one may be read now.
    pub fn is_full(&self) -> bool {
        self.bytes >= MOST
    }

    /// Counts a request, whose text has so many bytes. Says no where the work on
    /// one of the same id has not ended: nobody could tell whose an answer is.
    pub fn begin(&mut self, request: &mut JsonRpcRequest<ClientRequest>, text: usize) -> bool {
        if self.requests.contains_key(&request.id) {
            return false;
        }
        let held = Held {
            bytes: text + REQUEST,
            cancelled: Cancelled::default(),
        };
        let extensions = request.request.extensions_mut();
        extensions.insert(held.cancelled.clone());
        self.bytes += held.bytes;
        self.requests.insert(request.id.clone(), held);
        true
    }

    /// Tells the work on a request that the client waits for it no longer. Some
    /// write an id as text there that was a number, or the other way round.
    pub fn cancel(&self, id: &RequestId) {
        let held = self.requests.get(id).or_else(|| {
            let other = match id {
                RequestId::String(text) => RequestId::Number(text.trim().parse().ok()?),
                RequestId::Number(number) => RequestId::String(number.to_string().into()),
            };
            self.requests.get(&other)
        });
        if let Some(held) = held {
            held.cancelled.0.cancel();
        }
    }

    /// The work on a request has ended. Says whether the client waits for its answer.
    pub fn end(&mut self, id: &RequestId) -> bool {
        self.requests.remove(id).is_none_or(|held| {
            self.bytes -= held.bytes;
            !held.cancelled.0.is_cancelled()
        })
    }
}

/// Resolves when the client has cancelled the request, or is served no longer.
pub(super) async fn cancelled(context: &RequestContext<RoleServer>) {
    let by_client = async {
        match context.extensions.get::<Cancelled>() {
            Some(Cancelled(token)) => token.cancelled().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = by_client => {}
        () = context.ct.cancelled() => {}
    }
}
