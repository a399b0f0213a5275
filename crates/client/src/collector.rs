//! A collector of traces, which is told what this program does.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::http;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::Secret;

const TIMEOUT: Duration = Duration::from_secs(5);

/// A collector that takes OTLP over HTTP, in JSON.
pub struct Collector {
    client: reqwest::Client,
    address: Url,
    headers: HeaderMap,
}

impl Collector {
    /// One at an address, with the headers that it wants to see.
    ///
    /// # Errors
    /// `not_configured` for a header that is none; `internal` when TLS cannot be
    /// set up on this machine.
    pub fn new(address: &Url, headers: &[(String, Secret)]) -> Result<Collector> {
        let header = |(name, value): &(String, Secret)| {
            let name = HeaderName::try_from(name.as_str()).ok()?;
            let mut value = HeaderValue::try_from(value.expose()).ok()?;
            value.set_sensitive(true);
            Some((name, value))
        };
        let headers: Option<HeaderMap> = headers.iter().map(header).collect();
        let mut headers = headers.ok_or_else(|| {
            Error::new(
                Code::NotConfigured,
                "a header for the collector of traces cannot be used",
                "Write OTEL_EXPORTER_OTLP_HEADERS as `name=value,name=value`.",
            )
        })?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(Collector {
            client: http::pool(address)?,
            address: address.clone(),
            headers,
        })
    }

    /// Gives it a document with spans.
    ///
    /// # Errors
    /// `upstream_unavailable` where it cannot be reached, `upstream_rejected`
    /// where it does not take them.
    #[expect(
        clippy::disallowed_methods,
        reason = "nothing of a phone system is sent here"
    )]
    pub async fn take(&self, spans: String) -> Result<()> {
        let mut request = reqwest::Request::new(reqwest::Method::POST, self.address.clone());
        *request.headers_mut() = self.headers.clone();
        *request.timeout_mut() = Some(TIMEOUT);
        *request.body_mut() = Some(spans.into());
        let answer = self.client.execute(request).await;
        let status = answer.map(|answer| answer.status()).map_err(|_| {
            refused(
                Code::UpstreamUnavailable,
                "the collector of traces cannot be reached",
            )
        })?;
        match status.is_success() {
            true => Ok(()),
            false => Err(refused(
                Code::UpstreamRejected,
                "the collector of traces does not take the spans",
            )
            .with_answer(status.as_u16(), None)),
        }
    }
}

fn refused(code: Code, problem: &str) -> Error {
    Error::new(
        code,
        problem,
        "Check OTEL_EXPORTER_OTLP_ENDPOINT; it must take OTLP over HTTP.",
    )
}
