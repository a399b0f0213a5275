//! The transport: a message on each line, and no more of them held in memory
//! than a client that reads its answers ever needs.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, ClientRequest, GetMeta, JsonRpcMessage,
    ProtocolVersion, RequestId, ServerJsonRpcMessage, ServerNotification,
};
use rmcp::transport::Transport;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::id_scan::IdScan;
use super::message::{self, Line};
use super::streams::{Input, Output};
use super::under_way::UnderWay;

/// Bytes of one message. The longest that is of use is an import of 5,000 rows.
const LONGEST_LINE: usize = 16 * 1024 * 1024;
/// Bytes of answers that nobody has read yet. Nothing more is read while there are more.
const MOST_UNREAD: usize = 4 * 1024 * 1024;
/// Who has ended the input and reads no answer for so long is gone.
const STALLED: Duration = Duration::from_secs(2);

/// Streams that carry a message on each line.
pub(super) struct Wire {
    input: BufReader<Input>,
    line: Vec<u8>,
    /// In place of a line that is too long to hold.
    too_long: Option<IdScan>,
    /// Whether the client has said how it speaks. Before that, only requests count.
    opened: bool,
    under_way: UnderWay,
    /// What the client was asked and has not answered yet.
    asked: HashSet<RequestId>,
    answers: Option<mpsc::UnboundedSender<Vec<u8>>>,
    unread: Arc<Unread>,
    /// What had been written when the client was last seen to read nothing.
    stalled: Option<(u64, Instant)>,
    ended: CancellationToken,
}

/// The answers that nobody has read yet.
#[derive(Default)]
struct Unread {
    bytes: AtomicUsize,
    written: AtomicU64,
    less: Notify,
}

impl Unread {
    fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn release(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.less.notify_waiters();
    }

    fn is_full(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) >= MOST_UNREAD
    }

    fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }
}

impl Wire {
    /// Speaks over these streams. `ended` is cancelled when the client has
    /// ended the input or takes no answers any more.
    pub fn new(input: Input, output: Output, ended: CancellationToken) -> (Wire, Flush) {
        let (answers, queue) = mpsc::unbounded_channel();
        let unread = Arc::new(Unread::default());
        let writer = write_out(queue, output, Arc::clone(&unread), ended.clone());
        let flush = Flush {
            writer: tokio::spawn(writer),
            unread: Arc::clone(&unread),
        };
        let wire = Wire {
            input: BufReader::new(input),
            line: Vec::new(),
            too_long: None,
            opened: false,
            under_way: UnderWay::default(),
            asked: HashSet::new(),
            answers: Some(answers),
            unread,
            stalled: None,
            ended,
        };
        (wire, flush)
    }

    /// Reads the next line, or what is left of one at the end of input. May be
    /// cut off and called again. Says whether there was anything.
    async fn read_line(&mut self) -> bool {
        loop {
            let piece = match self.input.fill_buf().await {
                Ok(piece) if !piece.is_empty() => piece,
                _ => return !self.line.is_empty() || self.too_long.is_some(),
            };
            let end = piece.iter().position(|byte| *byte == b'\n');
            let piece = &piece[..end.map_or(piece.len(), |at| at + 1)];
            match &mut self.too_long {
                Some(scan) => scan.feed(piece),
                None if self.line.len() + piece.len() <= LONGEST_LINE => {
                    self.line.extend_from_slice(piece);
                }
                None => {
                    let mut scan = IdScan::default();
                    scan.feed(&std::mem::take(&mut self.line));
                    scan.feed(piece);
                    self.too_long = Some(scan);
                }
            }
            let taken = piece.len();
            self.input.consume(taken);
            if end.is_some() {
                return true;
            }
        }
    }

    /// What the line that was read says.
    fn understand(&mut self) -> Line {
        if let Some(scan) = self.too_long.take() {
            let why = format!("the line is longer than {LONGEST_LINE} bytes");
            return Line::Refused(message::no_json(&scan, &why));
        }
        let line = std::mem::take(&mut self.line);
        match message::read(&line, &self.asked) {
            Line::Message(message) => self.account_for(message, line.len()),
            other => other,
        }
    }

    /// Counts a request as under way, and what the client has answered as no longer
    /// asked. A request that is cancelled is told here: rmcp would forget it at once,
    /// and what it holds with it.
    fn account_for(&mut self, mut message: Box<ClientJsonRpcMessage>, bytes: usize) -> Line {
        match &mut *message {
            JsonRpcMessage::Request(request) => {
                if !self.under_way.begin(request, bytes) {
                    return message::id_under_way(&request.id);
                }
            }
            JsonRpcMessage::Notification(notification) => {
                if let ClientNotification::CancelledNotification(cancelled) =
                    &notification.notification
                {
                    let id = cancelled.params.request_id.iter();
                    id.for_each(|id| self.under_way.cancel(id));
                    return Line::Nothing;
                }
            }
            JsonRpcMessage::Response(response) => _ = self.asked.remove(&response.id),
            JsonRpcMessage::Error(error) => {
                error.id.iter().for_each(|id| _ = self.asked.remove(id));
            }
        }
        Line::Message(message)
    }

    /// Whether a message is for the server. Before the session is opened,
    /// notifications and answers belong to nothing.
    fn admits(&mut self, message: &ClientJsonRpcMessage) -> bool {
        if let (false, JsonRpcMessage::Request(request)) = (self.opened, message) {
            self.opened = opens(&request.request);
            return true;
        }
        self.opened
    }

    /// Waits until more may be read. Says no when the client has ended the
    /// input and reads nothing either.
    async fn has_room(&mut self) -> bool {
        loop {
            let less = self.unread.less.notified();
            if !self.unread.is_full() && !self.under_way.is_full() {
                self.stalled = None;
                return true;
            }
            tokio::select! {
                () = less => continue,
                () = self.input.get_ref().hung_up() => {}
            }
            let written = self.unread.written();
            let since = match self.stalled {
                Some((before, since)) if before == written => since,
                _ => Instant::now(),
            };
            self.stalled = Some((written, since));
            tokio::select! {
                () = self.unread.less.notified() => {}
                () = tokio::time::sleep_until(since + STALLED) => {
                    if self.unread.written() == written {
                        return false;
                    }
                }
            }
        }
    }

    fn put(&self, message: Vec<u8>) {
        let bytes = message.len();
        self.unread.add(bytes);
        let queue = self.answers.as_ref();
        if queue.is_none_or(|queue| queue.send(message).is_err()) {
            self.unread.release(bytes);
        }
    }
}

/// Whether a request opens the session, as rmcp sees it.
fn opens(request: &ClientRequest) -> bool {
    match request {
        ClientRequest::InitializeRequest(_) => true,
        ClientRequest::PingRequest(_) | ClientRequest::DiscoverRequest(_) => false,
        request => {
            let meta = request.get_meta();
            let missing = meta.missing_required_keys(&ProtocolVersion::V_2026_07_28);
            let version = meta.protocol_version();
            missing.is_empty()
                && version.is_some_and(|version| ProtocolVersion::KNOWN_VERSIONS.contains(&version))
        }
    }
}

impl Transport<RoleServer> for Wire {
    type Error = io::Error;

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let is_wanted = match &message {
            JsonRpcMessage::Response(response) => self.under_way.end(&response.id),
            JsonRpcMessage::Error(error) => {
                let id = error.id.as_ref();
                id.is_none_or(|id| self.under_way.end(id))
            }
            JsonRpcMessage::Notification(notification) => {
                if let ServerNotification::CancelledNotification(withdrawn) =
                    &notification.notification
                {
                    let id = withdrawn.params.request_id.iter();
                    id.for_each(|id| _ = self.asked.remove(id));
                }
                let is_progress = matches!(
                    notification.notification,
                    ServerNotification::ProgressNotification(_)
                );
                // Who reads nothing misses no notice of progress.
                !(is_progress && self.unread.is_full())
            }
            JsonRpcMessage::Request(request) => {
                self.asked.insert(request.id.clone());
                true
            }
        };
        let mut sent = Ok(());
        if is_wanted {
            sent = serde_json::to_vec(&message)
                .map(|line| self.put(line))
                .map_err(io::Error::other);
        }
        std::future::ready(sent)
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        while self.has_room().await && self.read_line().await {
            match self.understand() {
                Line::Message(message) if self.admits(&message) => {
                    return Some(*message);
                }
                Line::Refused(answer) => {
                    tracing::debug!("a line of the client was refused");
                    self.put(answer.to_string().into_bytes());
                }
                Line::Message(_) | Line::Nothing => {}
            }
        }
        self.ended.cancel();
        None
    }

    async fn close(&mut self) -> io::Result<()> {
        self.answers = None;
        Ok(())
    }
}

/// The answers on their way out.
pub(super) struct Flush {
    writer: JoinHandle<()>,
    unread: Arc<Unread>,
}

impl Flush {
    /// Ends when the conversation is over and everything was read, or when
    /// nothing is read any more.
    pub async fn finished(mut self) {
        loop {
            let written = self.unread.written();
            let flushed = tokio::time::timeout(STALLED, &mut self.writer).await;
            if flushed.is_ok() || self.unread.written() == written {
                return self.writer.abort();
            }
        }
    }
}

/// Writes the answers one after another, for as long as somebody reads.
async fn write_out(
    mut queue: mpsc::UnboundedReceiver<Vec<u8>>,
    mut output: Output,
    unread: Arc<Unread>,
    ended: CancellationToken,
) {
    while let Some(mut line) = queue.recv().await {
        let bytes = line.len();
        line.push(b'\n');
        let mut rest = line.as_slice();
        while !rest.is_empty() {
            let Ok(written @ 1..) = output.write(rest).await else {
                return ended.cancel();
            };
            unread.written.fetch_add(written as u64, Ordering::Relaxed);
            rest = &rest[written..];
        }
        if output.flush().await.is_err() {
            return ended.cancel();
        }
        unread.release(bytes);
    }
}
