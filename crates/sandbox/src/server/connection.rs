//! TCP connections that a request handler can cut.
//!
//! A handler cannot close its connection through axum; it can only answer. Here every accepted
//! connection carries a [`KillSwitch`], and reading or writing fails once it is pulled, so the
//! server task gives up and the socket closes with the answer unsent.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Pause after a failed accept, such as "too many open files", before the next try.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Cuts the connection a request came on.
#[derive(Debug, Clone)]
pub(crate) struct KillSwitch(CancellationToken);

impl KillSwitch {
    pub(crate) fn pull(&self) {
        self.0.cancel();
    }
}

impl Connected<IncomingStream<'_, KillableListener>> for KillSwitch {
    fn connect_info(stream: IncomingStream<'_, KillableListener>) -> Self {
        stream.io().kill_switch.clone()
    }
}

/// Accepts connections that can be cut one by one, or all at once by `shutdown`.
pub(crate) struct KillableListener {
    tcp: TcpListener,
    shutdown: CancellationToken,
}

impl KillableListener {
    pub(crate) fn new(tcp: TcpListener, shutdown: CancellationToken) -> KillableListener {
        KillableListener { tcp, shutdown }
    }
}

impl Listener for KillableListener {
    type Io = KillableStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (KillableStream, SocketAddr) {
        loop {
            match self.tcp.accept().await {
                Ok((stream, address)) => {
                    let kill = self.shutdown.child_token();
                    return (KillableStream::new(stream, kill), address);
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

/// A TCP stream that fails with "connection reset" once its kill switch is pulled.
pub(crate) struct KillableStream {
    stream: TcpStream,
    kill_switch: KillSwitch,
    /// Polled with every read, because that is what wakes an idle connection when it is cut.
    killed: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl KillableStream {
    fn new(stream: TcpStream, kill: CancellationToken) -> KillableStream {
        // Small answers must not wait for more data; failing to set this only costs time.
        let _ = stream.set_nodelay(true);
        KillableStream {
            stream,
            kill_switch: KillSwitch(kill.clone()),
            killed: Box::pin(kill.cancelled_owned()),
        }
    }

    fn check(&self) -> io::Result<()> {
        if self.kill_switch.0.is_cancelled() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl AsyncRead for KillableStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check()?;
        if self.killed.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for KillableStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
