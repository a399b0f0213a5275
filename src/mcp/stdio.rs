//! The server on stdin and stdout, and its prompt, orderly end.

use std::time::Duration;

use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use tokio_util::sync::CancellationToken;

use super::Server;
use super::streams;
use super::wire::Wire;
use skyswitch_domain::error::{Error, Result};

/// After the end of input, calls that only read get this long to answer.
const READ_GRACE: Duration = Duration::from_secs(1);
/// And this long after it, or after the signal to stop, the process ends,
/// whatever hangs. Changes that were sent get as long to become known.
const TO_THE_END: Duration = Duration::from_secs(9);

/// Serves one client on stdin and stdout until the input ends or the process
/// is told to stop.
///
/// # Errors
/// `internal` when the streams fail.
pub async fn serve_stdio(server: Server) -> Result<()> {
    server.warm_up();
    let ended = CancellationToken::new();
    let (wire, flush) = Wire::new(streams::input(), streams::output(), ended.clone());
    let closing = server.closing().clone();
    let (over, stopping) = (ended.clone(), closing.clone());
    let watch = tokio::spawn(async move {
        tokio::select! {
            () = over.cancelled() => tokio::time::sleep(READ_GRACE).await,
            () = told_to_stop() => {}
        }
        stopping.cancel();
    });
    let work = async {
        let outcome = converse(server.clone(), wire).await;
        watch.abort();
        // Nobody waits for the answers any more, but what was sent must become known.
        tokio::join!(flush.finished(), server.settled());
        outcome
    };
    let overdue = async {
        tokio::select! {
            () = ended.cancelled() => {}
            () = closing.cancelled() => {}
        }
        tokio::time::sleep(TO_THE_END).await;
    };
    tokio::select! {
        outcome = work => outcome,
        () = overdue => {
            tracing::warn!(
                "something was still under way when the process ended; if it was a change, check it with list_changes"
            );
            Ok(())
        }
    }
}

async fn converse(server: Server, wire: Wire) -> Result<()> {
    let closing = server.closing().clone();
    let started = tokio::select! {
        started = server.serve(wire) => started,
        () = closing.cancelled() => return Ok(()),
    };
    let running = match started {
        Ok(running) => running,
        // The client went away before it said anything: nothing went wrong.
        Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(_) => return Err(failed("it did not begin with a handshake")),
    };
    let stop = running.cancellation_token();
    let stop_when_closing = tokio::spawn(async move {
        closing.cancelled().await;
        stop.cancel();
    });
    let ended = running.waiting().await;
    stop_when_closing.abort();
    ended
        .map(drop)
        .map_err(|_| failed("the server's task broke off"))
}

/// Says what failed without the message at fault, which may hold callers.
fn failed(why: &str) -> Error {
    Error::internal(
        format!("the conversation with the client failed: {why}"),
        "Start the server again; `--sandbox` tells whether the client is at fault.",
    )
}

/// Resolves when the process is asked to end by a signal.
async fn told_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let signals = (
            signal(SignalKind::terminate()),
            signal(SignalKind::hangup()),
        );
        if let (Ok(mut terminate), Ok(mut hang_up)) = signals {
            tokio::select! {
                _ = terminate.recv() => {}
                // The terminal or the connection that it was started from is gone.
                _ = hang_up.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
