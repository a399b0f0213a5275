//! Stdin and stdout as streams that need no helper thread where the system
//! allows it: some clients hand over pipes, others (Node) sockets.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
#[cfg(target_os = "linux")]
use tokio::net::unix::pipe;

/// How often it is looked whether a client has ended an input that is not read.
#[cfg(unix)]
const LOOK: Duration = Duration::from_millis(100);

/// Where answers go.
pub(super) type Output = Box<dyn AsyncWrite + Send + Unpin>;

/// Where messages come from.
pub(super) enum Input {
    #[cfg(target_os = "linux")]
    Pipe(pipe::Receiver),
    #[cfg(unix)]
    Socket(tokio::net::UnixStream),
    Other(tokio::io::Stdin),
}

impl Input {
    /// Resolves when the other side has closed the input, also while it is not read.
    pub async fn hung_up(&self) {
        #[cfg(unix)]
        loop {
            use tokio::io::Interest;
            let ready = match self {
                #[cfg(target_os = "linux")]
                Input::Pipe(pipe) => pipe.ready(Interest::READABLE).await,
                Input::Socket(socket) => socket.ready(Interest::READABLE).await,
                Input::Other(_) => break,
            };
            if ready.is_ok_and(|ready| ready.is_read_closed()) {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
        std::future::pending().await
    }
}

impl AsyncRead for Input {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            #[cfg(target_os = "linux")]
            Input::Pipe(pipe) => Pin::new(pipe).poll_read(context, buffer),
            #[cfg(unix)]
            Input::Socket(socket) => Pin::new(socket).poll_read(context, buffer),
            Input::Other(stdin) => Pin::new(stdin).poll_read(context, buffer),
        }
    }
}

/// Stdin.
pub(super) fn input() -> Input {
    #[cfg(unix)]
    if let Some(socket) = socket(&io::stdin()) {
        return Input::Socket(socket);
    }
    // Opened once more, so that only this program's own end does not block.
    #[cfg(target_os = "linux")]
    if let Ok(pipe) = pipe::OpenOptions::new().open_receiver("/proc/self/fd/0") {
        return Input::Pipe(pipe);
    }
    Input::Other(tokio::io::stdin())
}

/// Stdout.
pub(super) fn output() -> Output {
    #[cfg(unix)]
    if let Some(socket) = socket(&io::stdout()) {
        return Box::new(socket);
    }
    #[cfg(target_os = "linux")]
    if let Ok(pipe) = pipe::OpenOptions::new().open_sender("/proc/self/fd/1") {
        return Box::new(pipe);
    }
    Box::new(tokio::io::stdout())
}

/// A stream where it is a UNIX socket.
#[cfg(unix)]
fn socket(stream: &impl std::os::fd::AsFd) -> Option<tokio::net::UnixStream> {
    use std::os::unix::fs::FileTypeExt;

    let own = stream.as_fd().try_clone_to_owned().ok()?;
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
