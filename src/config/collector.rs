//! Where traces are sent: the standard variables of OpenTelemetry.

use skyswitch_domain::error::Result;
use skyswitch_domain::redact::Secret;
use url::Url;

use super::{Lookup, unusable};

/// A collector of traces, as the variables name it.
pub struct Collecting {
    /// Where spans are posted to.
    pub address: Url,
    /// What goes along with them.
    pub headers: Vec<(String, Secret)>,
    /// The name of this program there.
    pub service: String,
}

/// The collector that the environment names, if any.
///
/// # Errors
/// `not_configured` where its address is no URL, or it is to be spoken to in
/// a way that this program does not know.
pub fn collector(environment: Lookup<'_>) -> Result<Option<Collecting>> {
    let said = |name: &str| environment(name).filter(|text| !text.trim().is_empty());
    let of_traces = |rest: &str| {
        said(&format!("OTEL_EXPORTER_OTLP_TRACES_{rest}"))
            .or_else(|| said(&format!("OTEL_EXPORTER_OTLP_{rest}")))
    };
    let is = |name: &str, word: &str| {
        said(name).is_some_and(|text| text.trim().eq_ignore_ascii_case(word))
    };
    let is_off = is("OTEL_SDK_DISABLED", "true") || is("OTEL_TRACES_EXPORTER", "none");
    let base = said("OTEL_EXPORTER_OTLP_ENDPOINT")
        .map(|base| format!("{}/v1/traces", base.trim().trim_end_matches('/')));
    let whole = said("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
    let Some(address) = whole.or(base).filter(|_| !is_off) else {
        return Ok(None);
    };
    let address = Url::parse(address.trim()).ok();
    let address = address.filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
    let address = address.ok_or_else(|| {
        unusable(
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "is not an address",
            "Give the collector's address, such as `http://127.0.0.1:4318`.",
        )
    })?;
    if of_traces("PROTOCOL").is_some_and(|word| !word.trim().starts_with("http/")) {
        return Err(unusable(
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "is not spoken by this program",
            "Set it to `http/json`, with the collector's address for HTTP (usually port 4318).",
        ));
    }
    let headers = of_traces("HEADERS").unwrap_or_default();
    let headers = headers.split(',').filter_map(|header| {
        let (name, value) = header.split_once('=')?;
        Some((name.trim().to_owned(), Secret::new(unescaped(value.trim()))))
    });
    Ok(Some(Collecting {
        address,
        headers: headers.collect(),
        service: said("OTEL_SERVICE_NAME").unwrap_or_else(|| "skyswitch".to_owned()),
    }))
}

/// A text without its percent signs: `Bearer%20abc` is `Bearer abc`.
fn unescaped(text: &str) -> String {
    let escaped = text.replace('+', "%2B").replace('&', "%26");
    let pair = format!("value={escaped}");
    let mut pairs = url::form_urlencoded::parse(pair.as_bytes());
    pairs
        .next()
        .map_or(String::new(), |(_, value)| value.into_owned())
}
