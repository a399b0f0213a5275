//! A service that repeats what nobody may see, in every part of its answers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What it answers to everything but a login.
#[derive(Clone, Default)]
pub struct Line {
    pub status: u16,
    /// In the header of the request id, in the reason and in the address of a redirect.
    pub in_headers: String,
    pub media_type: &'static str,
    pub body: String,
    /// Bytes that are announced in place of those that come.
    pub announced: Option<usize>,
}

/// An HTTP service that grants every login and answers the same to all else.
pub struct Parrot {
    pub url: String,
    line: Arc<Mutex<Line>>,
    answered: Arc<AtomicUsize>,
}

pub const ACCESS: &str = "parrot-access-token/0123456789";
pub const REFRESH: &str = "parrot-refresh-token+9876543210";

impl Parrot {
    pub async fn start() -> Parrot {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let line = Arc::new(Mutex::new(Line::default()));
        let answered = Arc::new(AtomicUsize::new(0));
        let (said, count) = (Arc::clone(&line), Arc::clone(&answered));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&said), Arc::clone(&count)));
            }
        });
        Parrot {
            url,
            line,
            answered,
        }
    }

    /// The answers beside those to logins.
    pub fn answered(&self) -> usize {
        self.answered.load(Ordering::SeqCst)
    }

    pub fn says(&self, line: Line) {
        *self.line.lock().unwrap() = line;
    }
}

async fn answer(
    mut stream: TcpStream,
    line: Arc<Mutex<Line>>,
    answered: Arc<AtomicUsize>,
) -> Option<()> {
    let mut request = Vec::new();
    while !is_whole(&request) {
        let mut piece = [0; 4096];
        let length = stream.read(&mut piece).await.ok()?;
        if length == 0 {
            return None;
        }
        request.extend_from_slice(&piece[..length]);
    }
    let head = String::from_utf8_lossy(&request).into_owned();
    let is_login = head.starts_with("POST") && head.contains("token");
    let line = match is_login {
        true => Line {
            status: 200,
            media_type: "application/json",
            body: format!(
                r#"{{"access_token":"{ACCESS}","refresh_token":"{REFRESH}","expires_in":3600}}"#
            ),
            ..Line::default()
        },
        false => line.lock().unwrap().clone(),
    };
    let length = line.announced.unwrap_or(line.body.len());
    let in_headers = match line.in_headers.as_str() {
        "" => String::new(),
        said => format!("X-Request-Id: {said}\r\nLocation: https://elsewhere.example/?{said}\r\n"),
    };
    let answer = format!(
        "HTTP/1.1 {} Told\r\nContent-Type: {}\r\nContent-Length: {length}\r\nConnection: close\r\n{in_headers}\r\n{}",
        line.status, line.media_type, line.body
    );
    stream.write_all(answer.as_bytes()).await.ok()?;
    answered.fetch_add(usize::from(!is_login), Ordering::SeqCst);
    if line.announced.is_some() {
        // What was announced never comes.
        std::future::pending::<()>().await;
    }
    stream.shutdown().await.ok()
}

/// Whether the head has arrived, and the body it announces.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    length.is_none_or(|length| body.len() >= length.trim().parse().unwrap_or(0))
}
