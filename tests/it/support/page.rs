//! Requests to the approval page, byte by byte.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

/// What the page answered.
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

/// Sends one request as it is; `None` where nobody listens.
pub async fn raw(link: &Url, request: &str) -> Option<Reply> {
    let address = ("127.0.0.1", link.port().unwrap());
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some(Reply {
        status: head.split(' ').nth(1)?.parse().ok()?,
        head: head.to_ascii_lowercase(),
        body: body.to_owned(),
    })
}

/// The page's address.
pub fn host(link: &Url) -> String {
    format!("127.0.0.1:{}", link.port().unwrap())
}

/// What a browser would get.
pub async fn get(link: &Url) -> Option<Reply> {
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\n\r\n",
        link.path(),
        host(link)
    );
    raw(link, &request).await
}

/// Types a value on the page and approves.
pub async fn approve(link: &Url, value: &str) {
    let value: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let body = format!("confirm={value}&decision=approve");
    let host = host(link);
    let request = format!(
        "POST {} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        link.path(),
        body.len()
    );
    assert_eq!(raw(link, &request).await.unwrap().status, 200);
}
