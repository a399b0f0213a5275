//! The stdio transport: non-blocking on pipes and on sockets, and a prompt,
//! orderly end when the input ends.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::CancellationToken;

use super::Server;
use skyswitch_domain::error::{Error, Result};

/// After the end of input, calls that only read get this long to answer.
const READ_GRACE: Duration = Duration::from_secs(1);
/// And changes that were sent get this long to become known.
const WRITE_GRACE: Duration = Duration::from_secs(10);

/// Serves one client on stdin and stdout until the input ends or the process
/// is told to stop.
///
/// # Errors
/// `internal` when the streams fail.
pub async fn serve_stdio(server: Server) -> Result<()> {
    server.warm_up();
    let (input, output) = standard_streams();
    let ended = CancellationToken::new();
    let input = NoticeEnd {
        inner: input,
        ended: ended.clone(),
    };
    let closing = server.closing().clone();
    let watch = async move {
        tokio::select! {
            () = ended.cancelled() => tokio::time::sleep(READ_GRACE).await,
            () = told_to_stop() => {}
        }
        closing.cancel();
    };
    let watch = tokio::spawn(watch);
    let outcome = converse(server.clone(), input, output).await;
    watch.abort();
    // Nobody waits for the answers any more, but what was sent must become known.
    let settled = tokio::time::timeout(WRITE_GRACE, server.settled()).await;
    if settled.is_err() {
        tracing::warn!(
            "a change was still under way when the process ended; check it with list_vips"
        );
    }
    outcome
}

async fn converse(
    server: Server,
    input: NoticeEnd<Box<dyn AsyncRead + Send + Unpin>>,
    output: Box<dyn AsyncWrite + Send + Unpin>,
) -> Result<()> {
    let closing = server.closing().clone();
    let started = tokio::select! {
        started = server.serve((input, output)) => started,
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

/// Stdin and stdout as streams that need no helper thread where the system
/// allows it: some clients hand over pipes, others (Node) sockets.
fn standard_streams() -> (
    Box<dyn AsyncRead + Send + Unpin>,
    Box<dyn AsyncWrite + Send + Unpin>,
) {
    #[cfg(unix)]
    if let Some((input, output)) = sockets() {
        return (Box::new(input), Box::new(output));
    }
    let (input, output) = rmcp::transport::io::stdio_pipes();
    (Box::new(input), Box::new(output))
}

/// Stdin and stdout where both are UNIX sockets.
#[cfg(unix)]
fn sockets() -> Option<(tokio::net::UnixStream, tokio::net::UnixStream)> {
    use std::os::fd::{AsFd, BorrowedFd};
    use std::os::unix::fs::FileTypeExt;

    fn socket(descriptor: BorrowedFd<'_>) -> Option<tokio::net::UnixStream> {
        let own = descriptor.try_clone_to_owned().ok()?;
        let file = std::fs::File::from(own);
        if !file.metadata().ok()?.file_type().is_socket() {
            return None;
        }
        let stream = std::os::unix::net::UnixStream::from(std::os::fd::OwnedFd::from(file));
        // An inherited TCP socket has an address of another family, which this refuses.
        stream.local_addr().ok()?;
        stream.set_nonblocking(true).ok()?;
        tokio::net::UnixStream::from_std(stream).ok()
    }

    let input = socket(io::stdin().as_fd())?;
    let output = socket(io::stdout().as_fd())?;
    Some((input, output))
}

/// A reader that says when its input has ended.
struct NoticeEnd<R> {
    inner: R,
    ended: CancellationToken,
}

impl<R: AsyncRead + Unpin> AsyncRead for NoticeEnd<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(context, buffer);
        let at_end = matches!(polled, Poll::Ready(Ok(()))) && buffer.filled().len() == before;
        if at_end || matches!(polled, Poll::Ready(Err(_))) {
            self.ended.cancel();
        }
        polled
    }
}

/// Resolves when the process is asked to end by a signal.
async fn told_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
