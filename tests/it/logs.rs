//! What logs and traces tell of calls and requests, and of whom they tell nothing.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use skyswitch_mcp::sandbox::{self, Fault, Sandbox};

use crate::skeletons::assert_holds_nothing_of_the_demo_customers;
use crate::support::faults::OPERATIONS;
use crate::support::process::{CALLER, DOMAIN, Home, Ran, demo_sandbox};
use crate::support::protocol::{ERAS, Era, Wire};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const JSON_LOG: [&str; 2] = ["--log-format", "json"];

/// The lines of a log in JSON.
fn lines(stderr: &str) -> Vec<Value> {
    let lines = stderr.lines().filter(|line| line.starts_with('{'));
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect()
}

/// The innermost spans of the lines with a message.
fn spans(stderr: &str, message: &str) -> Vec<Value> {
    let lines = lines(stderr).into_iter();
    let told = lines.filter(|line| line["fields"]["message"] == message);
    told.map(|line| line["spans"].as_array().unwrap().last().unwrap().clone())
        .collect()
}

/// A line without what is random or a time, in which any digits may be.
fn without_chance(mut line: Value) -> Value {
    line["timestamp"] = "".into();
    for span in line["spans"].as_array_mut().into_iter().flatten() {
        for name in [
            "trace_id",
            "span_id",
            "parent_id",
            "request_id",
            "duration_ms",
        ] {
            span[name] = "".into();
        }
    }
    line
}

fn assert_tells_of_nobody(stderr: &str) {
    for line in lines(stderr) {
        let line = without_chance(line).to_string();
        // The class of a domain, in place of one.
        let line = line.replace("<name.NNNNN.service>", "");
        assert_holds_nothing_of_the_demo_customers(&line);
        for said in [".service", "unrise", "ettle", "carrier", "device:", "user:"] {
            assert!(!line.contains(said), "{said} is in {line}");
        }
    }
}

fn of_both_apis(sandbox: &Sandbox, api: &str) -> Home {
    Home::of(sandbox)
        .with("SKYSWITCH_LOG", "trace")
        .with("SKYSWITCH_RATE_LIMIT", "0")
        .with("SKYSWITCH_PBX_RATE_LIMIT", "0")
        .with("SKYSWITCH_PBX_API", api)
        .with("SKYSWITCH_PBX_BASE_URL", &sandbox.pbx_base_url())
        .with("SKYSWITCH_PBX_CLIENT_ID", sandbox::PBX_CLIENT_ID)
        .with("SKYSWITCH_PBX_CLIENT_SECRET", sandbox::PBX_CLIENT_SECRET)
        .with("SKYSWITCH_PBX_USERNAME", sandbox::PBX_USERNAME)
        .with("SKYSWITCH_PBX_PASSWORD", sandbox::PBX_PASSWORD)
}

#[tokio::test]
async fn the_log_of_no_operation_tells_of_anybody_at_any_level() {
    for (api, era) in [("v1", ERAS[0]), ("v2", ERAS[1])] {
        let sandbox = demo_sandbox().await;
        let home = of_both_apis(&sandbox, api);
        let mut wire = Wire::ready(&home, &JSON_LOG, era, true).await;
        let caller = json!({"domain": DOMAIN, "ani": "16165550180", "destination": "101"});
        let added = wire.call("add_vip", caller).await;
        let added = added["structuredContent"]["change_id"].clone();
        let added = added.as_str().unwrap();
        for is_failing in [false, true] {
            for operation in &OPERATIONS {
                if is_failing {
                    let echo = json!({"message": format!("{CALLER} of {DOMAIN} is refused")});
                    let refused = Fault::status("", operation.struck[0].1, 400);
                    sandbox.inject(refused.body(&echo.to_string(), "application/json").times(3));
                }
                let arguments = (operation.arguments)(added);
                wire.agreed(operation.tool, &arguments).await;
                sandbox.clear_faults();
            }
        }
        let uri = format!("skyswitch://domains/{DOMAIN}/vips");
        wire.request("resources/read", json!({"uri": uri})).await;
        let log = wire.finish().await.stderr;
        assert!(spans(&log, "call finished").len() > 2 * OPERATIONS.len());
        assert!(spans(&log, "request finished").len() > 2 * OPERATIONS.len());
        assert_tells_of_nobody(&log);
    }
}

#[tokio::test]
async fn a_call_and_each_of_its_requests_say_how_long_they_took_and_what_they_came_to() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox).with("SKYSWITCH_LOG", "debug");
    let mut wire = Wire::ready(&home, &JSON_LOG, Era::Legacy, false).await;
    wire.call("list_vips", json!({"domain": DOMAIN})).await;
    sandbox.inject(Fault::status("GET", "route-by-ani", 403));
    let id = wire.post_call("list_vips", json!({"domain": DOMAIN})).await;
    wire.answer_to(id).await;
    let log = wire.finish().await.stderr;
    let [well, badly] = spans(&log, "call finished").try_into().expect("two calls");
    assert_eq!(well["of"], "list_vips", "{well}");
    assert_eq!(well["outcome"], "ok", "{well}");
    assert_eq!(well["rows"], 6, "{well}");
    assert_eq!(well["requests"], 2, "login and list: {well}");
    assert_eq!(badly["outcome"], "forbidden", "{badly}");
    assert_eq!(badly["id"], id, "{badly}");
    assert_eq!(badly["requests"], 1, "{badly}");
    let requests = spans(&log, "request finished");
    let [login, list, refused] = requests.try_into().expect("three requests");
    assert_eq!(login["asked"], "POST oauth/token", "{login}");
    let asked = "GET accounts/<uuid>/pbx/route-by-ani?domain";
    assert_eq!(list["asked"], asked, "{list}");
    assert_eq!(list["status"], 200, "{list}");
    assert_eq!(refused["status"], 403, "{refused}");
    assert_eq!(refused["outcome"], "forbidden", "{refused}");
    let bytes = login["bytes"].as_u64().unwrap() + list["bytes"].as_u64().unwrap();
    assert_eq!(well["bytes"], bytes, "{well}");
    for span in [&well, &badly, &login, &list, &refused] {
        assert!(span["duration_ms"].is_u64(), "{span}");
    }
    assert!(list["request_id"].is_string(), "{list}");
}

#[tokio::test]
async fn the_log_is_narrowed_to_parts_of_the_program_and_never_widened_beyond_it() {
    let sandbox = demo_sandbox().await;
    let with = |filter: &str| Home::of(&sandbox).with("SKYSWITCH_LOG", filter);
    let listed = ["vip", "list", "--log-format", "json"];
    let of = |ran: &Ran| {
        let calls = spans(&ran.stderr, "call finished").len();
        (calls, spans(&ran.stderr, "request finished").len())
    };
    let ran = with("info").run(&listed).await;
    assert_eq!(of(&ran), (1, 0), "{ran:?}");
    let ran = with("warn,skyswitch_client=debug").run(&listed).await;
    assert!(of(&ran).0 == 0 && of(&ran).1 > 0, "{ran:?}");
    for quiet in ["", "off", "error", "skyswitch_mcp=error"] {
        let ran = with(quiet).run(&listed).await;
        assert_eq!(ran.stderr, "", "{quiet}");
    }
    for unknown in [
        "hyper=trace",
        "reqwest=trace,skyswitch_guard=trace",
        "loud",
        "a=b=c",
    ] {
        let ran = with(unknown).run(&listed).await;
        let [said] = lines(&ran.stderr).try_into().expect("one warning");
        let said = said["fields"]["message"].as_str().unwrap();
        assert!(said.contains("SKYSWITCH_LOG"), "{unknown}: {said}");
    }
    let ran = with("info").run(&["vip", "list"]).await;
    let line = ran.stderr.lines().last().unwrap();
    assert!(line.contains("call{of=\"vip list\""), "{line}");
    assert!(line.ends_with("call finished"), "{line}");
}

/// The traces that the service was told of with each request.
fn told(sandbox: &Sandbox) -> Vec<Option<String>> {
    let requests = sandbox.requests().into_iter();
    requests.map(|request| request.traceparent).collect()
}

#[tokio::test]
async fn the_trace_of_a_client_is_continued_in_the_journal_and_at_the_service() {
    for era in ERAS {
        let sandbox = demo_sandbox().await;
        let mut wire = Wire::ready(&Home::of(&sandbox), &[], era, false).await;
        let mut call = json!({"name": "add_vip", "_meta": {"traceparent": GIVEN}});
        call["arguments"] = json!({"domain": DOMAIN, "ani": "16165550180", "destination": "101"});
        let added = wire.request("tools/call", call).await;
        assert_eq!(added["result"]["structuredContent"]["status"], "created");
        let told_of = told(&sandbox);
        assert!(told_of.len() >= 4, "{told_of:?}");
        let mut seen = Vec::new();
        for told in &told_of {
            let told = told.as_deref().expect("the trace");
            assert!(told.starts_with(&format!("00-{TRACE}-")), "{told}");
            assert!(told != GIVEN && !seen.contains(&told), "a span of its own");
            seen.push(told);
        }
        let changes = wire.call("list_changes", json!({})).await;
        let change = &changes["structuredContent"]["changes"][0];
        let kept = change["traceparent"].as_str().expect("the trace");
        assert!(kept.contains(TRACE), "{change}");
        // Of a client that names none, or no such, nobody is told anything.
        for given in [json!({}), json!({"traceparent": CALLER})] {
            let before = told(&sandbox).len();
            let call =
                json!({"name": "list_vips", "arguments": {"domain": DOMAIN}, "_meta": given});
            wire.request("tools/call", call).await;
            let later = &told(&sandbox)[before..];
            assert!(!later.is_empty() && later.iter().all(Option::is_none));
        }
    }
}

#[tokio::test]
async fn a_command_continues_the_trace_of_its_surroundings_and_tells_the_service_only_where_it_may()
{
    for may in [true, false] {
        let sandbox = demo_sandbox().await;
        let config = json!({"send_traceparent": may}).to_string();
        let home = Home::of(&sandbox).with("TRACEPARENT", GIVEN);
        let home = home.with_config(&config);
        let add = ["vip", "add", "--ani", "16165550180", "--domain", DOMAIN];
        let ran = home
            .run(&[&add[..], &["--destination", "101"]].concat())
            .await;
        assert_eq!(ran.code, 0, "{ran:?}");
        let told = told(&sandbox);
        let is_told =
            |told: &Option<String>| told.as_deref().is_some_and(|told| told.contains(TRACE));
        assert!(!told.is_empty() && told.iter().all(|told| is_told(told) == may));
        let changes = home.run(&["changes", "--json"]).await.json();
        let kept = changes["changes"][0]["traceparent"].as_str();
        assert!(kept.expect("the trace").contains(TRACE), "{changes}");
    }
}

/// A collector of traces, and what it took.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<(HeaderMap, Value)>>>);

impl Collector {
    async fn start() -> (Collector, String) {
        let collector = Collector::default();
        let take = |State(collector): State<Collector>, headers: HeaderMap, body: String| async move {
            let document = serde_json::from_str(&body).unwrap();
            collector.0.lock().unwrap().push((headers, document));
            StatusCode::OK
        };
        let router = axum::Router::new()
            .route("/v1/traces", post(take))
            .with_state(collector.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, router).await });
        (collector, address)
    }

    fn spans(&self) -> Vec<Value> {
        let taken = self.0.lock().unwrap();
        let documents = taken.iter().map(|(_, document)| document);
        let scopes = documents.map(|document| &document["resourceSpans"][0]["scopeSpans"][0]);
        scopes
            .flat_map(|scope| scope["spans"].as_array().unwrap().clone())
            .collect()
    }
}

fn attribute(span: &Value, name: &str) -> Value {
    let attributes = span["attributes"].as_array().unwrap().iter();
    let mut found = attributes.filter(|attribute| attribute["key"] == name);
    found
        .next()
        .map_or(Value::Null, |found| found["value"].clone())
}

#[tokio::test]
async fn a_collector_that_the_standard_variables_name_is_given_the_spans() {
    let sandbox = demo_sandbox().await;
    let (collector, address) = Collector::start().await;
    let home = Home::of(&sandbox)
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", &address)
        .with(
            "OTEL_EXPORTER_OTLP_HEADERS",
            "authorization=Bearer%20a+b=,x-team=phones",
        )
        .with("OTEL_SERVICE_NAME", "phones");
    let traced = home.with("TRACEPARENT", GIVEN);
    let ran = traced.run(&["vip", "list", "--domain", DOMAIN]).await;
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let spans = collector.spans();
    let (calls, requests): (Vec<_>, Vec<_>) = spans.iter().partition(|span| span["kind"] == 2);
    let [call] = calls[..] else {
        panic!("{spans:?}")
    };
    assert_eq!(call["name"], "call vip list");
    assert_eq!(call["parentSpanId"], "00f067aa0ba902b7");
    assert_eq!(
        attribute(call, "skyswitch.requests")["intValue"],
        requests.len().to_string()
    );
    assert!(requests.len() >= 2, "{spans:?}");
    for span in requests {
        assert_eq!(span["traceId"], TRACE);
        assert_eq!(span["parentSpanId"], call["spanId"]);
        assert_eq!(attribute(span, "skyswitch.status")["intValue"], "200");
        let time = |name: &str| span[name].as_str().unwrap().parse::<u64>().unwrap();
        assert!(time("startTimeUnixNano") <= time("endTimeUnixNano"));
    }
    for mut span in spans {
        for chance in [
            "traceId",
            "spanId",
            "parentSpanId",
            "startTimeUnixNano",
            "endTimeUnixNano",
        ] {
            span[chance] = "".into();
        }
        let attributes = span["attributes"].as_array_mut().unwrap();
        attributes.retain(|attribute| attribute["key"] != "skyswitch.request_id");
        assert_holds_nothing_of_the_demo_customers(&span.to_string());
    }
    let taken = collector.0.lock().unwrap();
    let (headers, document) = &taken[0];
    assert_eq!(headers["authorization"], "Bearer a+b=");
    assert_eq!(headers["x-team"], "phones");
    assert_eq!(headers["content-type"], "application/json");
    let resource = &document["resourceSpans"][0]["resource"];
    assert_eq!(attribute(resource, "service.name")["stringValue"], "phones");
}

#[tokio::test]
async fn a_collector_that_is_away_or_cannot_be_used_keeps_nobody_from_anything() {
    let sandbox = demo_sandbox().await;
    let away = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1");
    let no_address = ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector");
    for (name, value) in [away, no_address] {
        let ran = Home::of(&sandbox)
            .with(name, value)
            .run(&["vip", "list"])
            .await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(ran.stderr.lines().count(), 1, "one warning: {ran:?}");
    }
    let (collector, address) = Collector::start().await;
    let home = || Home::of(&sandbox).with("OTEL_EXPORTER_OTLP_ENDPOINT", &address);
    for (name, value, warnings) in [
        ("OTEL_SDK_DISABLED", "true", 0),
        ("OTEL_TRACES_EXPORTER", "none", 0),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", 1),
    ] {
        let ran = home().with(name, value).run(&["vip", "list"]).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(ran.stderr.lines().count(), warnings, "{ran:?}");
    }
    assert!(collector.spans().is_empty());
}
