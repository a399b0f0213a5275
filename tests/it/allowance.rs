//! One allowance a tool call: whatever hangs, it is answered in time, and what
//! it takes in is bounded.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rmcp::model::CallToolRequestParams;
use rmcp::service::{RoleClient, RunningService};
use rmcp::{ClientHandler, ServiceExt};
use serde_json::{Value, json};
use skyswitch_mcp::app::App;
use skyswitch_mcp::config::ConfirmMode;
use skyswitch_mcp::mcp::{Server, ToolSet};
use skyswitch_mcp::sandbox::{self, Fault};

use crate::support::client::{Person, types};
use crate::support::parrot::{Line, Parrot};
use crate::support::process::{DOMAIN, Home, eventually, peak_memory, reserved_memory};
use crate::support::protocol::{Era, Wire};
use crate::support::{Bench, CALLER, DENTAL};

/// Longer than any test waits.
const FOREVER: Duration = Duration::from_secs(600);
/// In place of 45 seconds, where everything hangs.
const SHORT: Duration = Duration::from_secs(2);
/// The same where something has to be done before something hangs.
const LONGER: Duration = Duration::from_secs(8);
/// A request alone waits longer than this for its answer.
const IN_TIME: Duration = Duration::from_secs(18);

/// A client without forms of a server that answers in this time.
async fn client(app: App, time: Duration) -> RunningService<RoleClient, ()> {
    client_of(app, time, ()).await
}

async fn client_of<H: ClientHandler>(
    app: App,
    time: Duration,
    handler: H,
) -> RunningService<RoleClient, H> {
    let tools = ToolSet::new(None, false, app.settings().confirm);
    let server = Server::new(Ok(Arc::new(app)), tools).answering_within(time);
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    tokio::spawn(async move {
        if let Ok(running) = server.serve(theirs).await {
            let _ = running.waiting().await;
        }
    });
    handler.serve(ours).await.expect("a handshake")
}

async fn call<H: ClientHandler>(
    client: &RunningService<RoleClient, H>,
    tool: &str,
    arguments: Value,
) -> Value {
    let arguments = arguments.as_object().cloned().unwrap_or_default();
    let request = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
    let asked = Instant::now();
    let result = client.call_tool(request).await.expect("a result");
    assert!(asked.elapsed() < IN_TIME, "{tool}: {:?}", asked.elapsed());
    result.structured_content.expect("structured content")
}

#[tokio::test]
async fn a_call_is_answered_in_time_whatever_hangs() {
    for (method, path) in [
        ("POST", "/oauth/token"),
        ("GET", "route-by-ani"),
        ("GET", ""),
    ] {
        let bench = Bench::demo().await;
        bench
            .sandbox
            .inject(Fault::delay(method, path, FOREVER).times(50));
        let client = client(bench.app(), SHORT).await;
        for (tool, arguments) in [
            ("list_vips", json!({"domain": DENTAL})),
            (
                "add_vip",
                json!({"ani": "6165550177", "domain": DENTAL, "destination": "101"}),
            ),
            ("explain_call", json!({"ani": CALLER, "domain": DENTAL})),
            ("setup_checklist", json!({"domain": DENTAL})),
            (
                "sync_vips",
                json!({"domain": DENTAL, "list": "ani,destination\n6165550177,101", "dry_run": true}),
            ),
        ] {
            let answer = call(&client, tool, arguments).await;
            let needs_rules = path == "route-by-ani" && ["list_vips", "sync_vips"].contains(&tool);
            if method == "POST" || needs_rules {
                assert_eq!(
                    answer["error"]["code"], "timeout",
                    "{path} {tool}: {answer}"
                );
            }
        }
        bench.assert_nothing_written();
    }
}

#[tokio::test]
async fn many_slow_answers_have_one_allowance_together() {
    let bench = Bench::demo().await;
    bench.sandbox.set_latency(Duration::from_millis(1_200));
    let client = client(bench.app(), SHORT).await;
    // A login and several reads, each of which would be in time alone.
    let add = json!({"ani": "6165550177", "domain": DENTAL, "destination": "101"});
    let answer = call(&client, "add_vip", add).await;
    assert_eq!(answer["error"]["code"], "timeout", "{answer}");
}

#[tokio::test]
async fn a_change_whose_allowance_ends_is_not_known_and_stays_in_the_journal() {
    let bench = Bench::demo().await;
    let client = client(bench.app(), LONGER).await;
    bench
        .sandbox
        .inject(Fault::delay("PUT", "route-by-ani", FOREVER));
    bench.sandbox.inject(Fault::pass("GET", "route-by-ani"));
    bench
        .sandbox
        .inject(Fault::delay("GET", "route-by-ani", FOREVER).times(50));
    let add = json!({"ani": "6165550177", "domain": DENTAL, "destination": "101"});
    let answer = call(&client, "add_vip", add).await;
    let error = answer["error"]["message"].as_str().unwrap_or_default();
    assert!(error.contains("outcome unknown"), "{answer}");
    assert_eq!(bench.count("PUT"), 1);
    let changes = call(&client, "list_changes", json!({})).await;
    assert_eq!(changes["changes"][0]["status"], "open", "{changes}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_who_thinks_about_it_does_not_use_up_the_time() {
    let bench = Bench::demo().await;
    let person = Person::who(|| {
        std::thread::sleep(LONGER + Duration::from_secs(1));
        types(CALLER)
    });
    let client = client_of(bench.app(), LONGER, person).await;
    let removal = json!({"ani": CALLER, "domain": DENTAL});
    let answer = call(&client, "remove_vip", removal).await;
    assert_eq!(answer["status"], "removed", "{answer}");
}

#[tokio::test]
async fn what_is_announced_is_not_reserved() {
    let parrot = Parrot::start().await;
    parrot.says(Line {
        status: 200,
        media_type: "application/json",
        body: "[".to_owned(),
        announced: Some(60 << 20),
        ..Line::default()
    });
    let home = home(&parrot);
    let mut wire = Wire::ready(&home, &[], Era::Legacy, false).await;
    let before = reserved_memory(&wire.child);
    for number in 0..40 {
        let domain = format!("customer{number}.12345.service");
        wire.post_call("list_vips", json!({"domain": domain})).await;
    }
    eventually("the answers have begun", || parrot.answered() >= 40).await;
    let taken = reserved_memory(&wire.child).saturating_sub(before);
    assert!(taken < 256 << 20, "{taken} bytes");
}

#[tokio::test]
async fn the_largest_answers_take_no_more_memory_than_the_documents_say() {
    let parrot = Parrot::start().await;
    let row = json!({"domain": DOMAIN, "ani": "16165550123", "dnis": "*", "application": "user",
        "destination": "101"})
    .to_string();
    // As many as fit; they are more than one list may have.
    let fitting = (63 << 20) / (row.len() + 1);
    let rows = vec![row; fitting];
    parrot.says(Line {
        status: 200,
        media_type: "application/json",
        body: format!("[{}]", rows.join(",")),
        ..Line::default()
    });
    let mut wire = Wire::ready(&home(&parrot), &[], Era::Legacy, false).await;
    let before = peak_memory(&wire.child);
    let result = wire.call("list_vips", json!({"domain": DOMAIN})).await;
    assert_eq!(result["isError"], true, "{result}");
    let taken = peak_memory(&wire.child) - before;
    assert!(taken < 256 << 20, "{taken} bytes");
}

#[tokio::test]
async fn the_largest_failures_take_little_memory_and_time() {
    let numbers = format!("[{}0]", "0,".repeat(31 << 20));
    let words = json!({"message": "aS".repeat(31 << 20)}).to_string();
    for body in [numbers, words] {
        let parrot = Parrot::start().await;
        parrot.says(Line {
            status: 400,
            media_type: "application/json",
            body,
            ..Line::default()
        });
        let mut wire = Wire::ready(&home(&parrot), &[], Era::Legacy, false).await;
        let before = peak_memory(&wire.child);
        let asked = Instant::now();
        let result = wire.call("list_vips", json!({"domain": DOMAIN})).await;
        assert_eq!(result["isError"], true, "{result}");
        let taken = peak_memory(&wire.child) - before;
        assert!(taken < 32 << 20, "{taken} bytes");
        assert!(asked.elapsed() < IN_TIME, "{:?}", asked.elapsed());
    }
}

#[tokio::test]
async fn a_login_that_fails_at_length_is_answered_in_time() {
    let bench = Bench::demo().await;
    let words = json!({"message": "aS".repeat(31 << 20)}).to_string();
    let refusal = Fault::status("POST", "/oauth/token", 400).body(&words, "application/json");
    bench.sandbox.inject(refusal.times(9));
    let client = client(bench.app(), FOREVER).await;
    let answer = call(&client, "list_vips", json!({"domain": DENTAL})).await;
    assert_eq!(answer["error"]["code"], "unauthorized", "{answer}");
}

#[tokio::test]
async fn long_words_in_a_success_are_scrubbed_in_time() {
    let parrot = Parrot::start().await;
    let words = "aS".repeat(20 << 20);
    parrot.says(Line {
        status: 200,
        media_type: "application/json",
        body: json!({ "message": words }).to_string(),
        ..Line::default()
    });
    let mut wire = Wire::ready(&home(&parrot), &[], Era::Legacy, false).await;
    let asked = Instant::now();
    let result = wire.call("list_vips", json!({"domain": DOMAIN})).await;
    assert_eq!(result["isError"], true, "{result}");
    assert!(asked.elapsed() < IN_TIME, "{:?}", asked.elapsed());
}

fn home(parrot: &Parrot) -> Home {
    Home::bare()
        .with("SKYSWITCH_BASE_URL", &parrot.url)
        .with("SKYSWITCH_ACCOUNT_ID", sandbox::ACCOUNT_ID)
        .with("SKYSWITCH_CLIENT_ID", sandbox::CLIENT_ID)
        .with("SKYSWITCH_CLIENT_SECRET", sandbox::CLIENT_SECRET)
        .with("SKYSWITCH_USERNAME", sandbox::USERNAME)
        .with("SKYSWITCH_PASSWORD", sandbox::PASSWORD)
        .with("SKYSWITCH_RATE_LIMIT", "0")
}

#[tokio::test]
async fn an_import_that_hangs_is_answered_and_its_changes_are_not_known() {
    let bench = Bench::demo().await;
    let client = client(bench.app_in(ConfirmMode::Token), LONGER).await;
    let list = "ani,destination\n6165550177,101\n6165550178,101\n6165550179,102";
    let mut import = json!({"domain": DENTAL, "list": list});
    let asked = call(&client, "sync_vips", import.clone()).await;
    import["confirmation"] = asked["confirmation"].clone();
    bench
        .sandbox
        .inject(Fault::delay("PUT", "route-by-ani", FOREVER).times(50));
    let answer = call(&client, "sync_vips", import).await;
    assert_eq!(answer["done"]["unknown"], 3, "{answer}");
    let changes = call(&client, "list_changes", json!({})).await;
    for change in changes["changes"].as_array().unwrap() {
        assert_eq!(change["status"], "open", "{changes}");
    }
}

#[tokio::test]
async fn an_import_whose_every_request_hangs_is_answered_in_time_and_can_be_resumed() {
    let bench = Bench::demo().await;
    let client = client(bench.app_in(ConfirmMode::Token), LONGER).await;
    let rows: Vec<String> = (0..40)
        .map(|row| format!("161655502{row:02},101"))
        .collect();
    let list = format!("ani,destination\n{}", rows.join("\n"));
    let mut import = json!({"domain": DENTAL, "list": list});
    let asked = call(&client, "sync_vips", import.clone()).await;
    import["confirmation"] = asked["confirmation"].clone();
    bench.sandbox.inject(Fault::pass("GET", "route-by-ani"));
    for method in ["PUT", "GET"] {
        let hanging = Fault::delay(method, "route-by-ani", FOREVER);
        bench.sandbox.inject(hanging.times(500));
    }
    let began = Instant::now();
    let answer = call(&client, "sync_vips", import).await;
    assert!(began.elapsed() < LONGER, "{:?}", began.elapsed());
    assert_eq!(answer["done"]["made"], 0, "{answer}");
    assert_eq!(answer["done"]["unknown"], 32, "{answer}");
    assert_eq!(answer["done"]["not_sent"], 8, "{answer}");
    assert!(answer["run_id"].is_string(), "{answer}");
}
