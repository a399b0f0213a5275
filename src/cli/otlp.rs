//! Spans on their way to a collector: OTLP over HTTP, in JSON.
//!
//! A thread of its own sends them, so that no call waits for the collector.
//! Where it is slow or away, spans are lost rather than kept.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};
use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::config::Collecting;
use skyswitch_client::Collector;

/// Spans that wait; more of them are lost.
const WAITING: usize = 2048;
/// Spans sent together, and for how long they are gathered.
const TOGETHER: usize = 512;
const GATHERED_FOR: Duration = Duration::from_secs(1);
/// The end of the process waits for the last of them no longer.
const TO_THE_END: Duration = Duration::from_secs(2);

enum Message {
    Span(Value),
    /// Whoever holds the other end is told, by its end, that everything is sent.
    Flush(#[expect(dead_code, reason = "dropped when everything is sent")] SyncSender<()>),
}

/// Takes the spans of the process.
pub(super) struct Export {
    queue: SyncSender<Message>,
}

/// Waits at the end for what is still to be sent.
pub(super) struct Rest(SyncSender<Message>);

impl Rest {
    pub fn finish(&self) {
        let (told, sent) = sync_channel(0);
        if self.0.try_send(Message::Flush(told)).is_ok() {
            // It ends when everything is sent; nobody sends on it.
            let _ = sent.recv_timeout(TO_THE_END);
        }
    }
}

/// Starts to export; `None` where the machine has no thread for it.
pub(super) fn start(to: Collecting) -> Option<(Export, Rest)> {
    let (queue, waiting) = sync_channel(WAITING);
    let thread = std::thread::Builder::new().name("traces".to_owned());
    thread.spawn(move || deliver(&waiting, &to)).ok()?;
    Some((
        Export {
            queue: queue.clone(),
        },
        Rest(queue),
    ))
}

fn deliver(waiting: &Receiver<Message>, to: &Collecting) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let (Ok(runtime), Ok(collector)) = (runtime, Collector::new(&to.address, &to.headers)) else {
        tracing::warn!("traces cannot be exported from this machine");
        return;
    };
    let mut has_failed = false;
    while let Ok(first) = waiting.recv() {
        let (spans, asked) = gathered(first, waiting);
        let taken = match spans.is_empty() {
            true => Ok(()),
            false => runtime.block_on(collector.take(document(&to.service, spans))),
        };
        if let Err(error) = taken
            && !std::mem::replace(&mut has_failed, true)
        {
            tracing::warn!(
                error.code = error.code().as_str(),
                status = error.detail().status,
                "the collector does not take the traces"
            );
        }
        drop(asked);
    }
}

/// The spans of a while, and who wants to know when they are sent.
fn gathered(first: Message, waiting: &Receiver<Message>) -> (Vec<Value>, Option<Message>) {
    let until = Instant::now() + GATHERED_FOR;
    let mut spans = Vec::new();
    let mut next = Ok(first);
    loop {
        match next {
            Ok(Message::Span(span)) => spans.push(span),
            Ok(flush @ Message::Flush(_)) => return (spans, Some(flush)),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                return (spans, None);
            }
        }
        if spans.len() == TOGETHER {
            return (spans, None);
        }
        next = waiting.recv_timeout(until.saturating_duration_since(Instant::now()));
    }
}

/// Spans as OTLP has them.
fn document(service: &str, spans: Vec<Value>) -> String {
    let version = env!("CARGO_PKG_VERSION");
    json!({"resourceSpans": [{
        "resource": {"attributes": [
            attribute("service.name", &service.into()),
            attribute("service.version", &version.into()),
        ]},
        "scopeSpans": [{
            "scope": {"name": env!("CARGO_PKG_NAME"), "version": version},
            "spans": spans,
        }],
    }]})
    .to_string()
}

fn attribute(key: &str, value: &Value) -> Value {
    let value = match value {
        Value::Bool(value) => json!({"boolValue": value}),
        // A number of 64 bits is a text in the JSON of OTLP.
        Value::Number(value) => json!({"intValue": value.to_string()}),
        value => json!({"stringValue": value}),
    };
    json!({"key": key, "value": value})
}

/// What is known of a span that is not over.
struct Begun {
    at: SystemTime,
    fields: Fields,
}

#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn text(&self, name: &str) -> String {
        let value = self.0.get(name).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let text = format!("{value:?}");
        self.0.insert(field.name().to_owned(), text.into());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Export {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(Begun {
            at: SystemTime::now(),
            fields,
        });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(begun) = span.extensions_mut().get_mut::<Begun>() {
            values.record(&mut begun.fields);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else {
            return;
        };
        let Some(begun) = span.extensions_mut().remove::<Begun>() else {
            return;
        };
        // A request is a part of the call around it.
        let around = span.parent().map(|parent| {
            let extensions = parent.extensions();
            let fields = extensions.get::<Begun>().map(|begun| &begun.fields);
            fields.map_or_else(Default::default, |fields| {
                (fields.text("trace_id"), fields.text("span_id"))
            })
        });
        if let Some(span) = finished(span.name(), begun, around) {
            // Lost where too many wait.
            let _ = self.queue.try_send(Message::Span(span));
        }
    }
}

/// A span that is over; `None` where it belongs to no trace.
fn finished(name: &str, begun: Begun, around: Option<(String, String)>) -> Option<Value> {
    let Begun { at, mut fields } = begun;
    let is_call = fields.0.contains_key("trace_id");
    let (trace, parent) = match is_call {
        true => (fields.text("trace_id"), fields.text("parent_id")),
        false => around?,
    };
    let own = fields.text("span_id");
    if trace.is_empty() || own.is_empty() {
        return None;
    }
    for told in ["trace_id", "span_id", "parent_id"] {
        fields.0.remove(told);
    }
    let of = [fields.text("of"), fields.text("asked")].concat();
    let outcome = fields.text("outcome");
    let nanoseconds = |time: SystemTime| {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        since.as_nanos().to_string()
    };
    let attributes = fields.0.iter();
    let attributes: Vec<Value> = attributes
        .map(|(key, value)| attribute(&format!("skyswitch.{key}"), value))
        .collect();
    Some(json!({
        "traceId": trace,
        "spanId": own,
        "parentSpanId": parent,
        "name": format!("{name} {of}"),
        // Of a server, or of a client.
        "kind": if is_call { 2 } else { 3 },
        "startTimeUnixNano": nanoseconds(at),
        "endTimeUnixNano": nanoseconds(SystemTime::now()),
        "attributes": attributes,
        "status": if outcome == "ok" { json!({}) } else { json!({"code": 2, "message": outcome}) },
    }))
}
