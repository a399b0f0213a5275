//! Clients that do not read what the server writes.

use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use skyswitch_mcp::sandbox::{Fault, Gate};
use tokio::time::timeout;

use crate::support::process::{
    DOMAIN, Home, demo_sandbox, eventually, peak_memory, signal, stored, writes,
};
use crate::support::protocol::{ERAS, Era, Wire};

/// In ten seconds the process ends; a slow machine makes no test fail by it.
const TO_THE_END: Duration = Duration::from_secs(13);
/// Input that is not read for so long is not read at all.
const NOT_READ: Duration = Duration::from_secs(1);

/// Asks for the tool list, and reads no answer, until the server reads no more
/// requests.
async fn flood(wire: &mut Wire) {
    for _ in 0..20_000 {
        let asked = timeout(NOT_READ, wire.post("tools/list", json!({}))).await;
        if asked.is_err() {
            return;
        }
    }
    panic!("the server goes on reading although nobody reads its answers");
}

#[tokio::test]
async fn unread_answers_do_not_pile_up_and_do_not_keep_the_server() {
    for end in ["", "TERM", "INT", "HUP"] {
        let mut wire = Wire::ready(&Home::bare(), &["--sandbox"], Era::Legacy, false).await;
        let before = peak_memory(&wire.child);
        flood(&mut wire).await;
        let taken = peak_memory(&wire.child) - before;
        assert!(taken < 64 << 20, "{taken} bytes");
        match end {
            "" => wire.close_input(),
            name => signal(&wire.child, name).await,
        }
        let ended = timeout(TO_THE_END, wire.child.wait()).await;
        let status = ended.unwrap_or_else(|_| panic!("still runs after {end:?}"));
        assert!(status.unwrap().success(), "{end:?}");
    }
}

#[tokio::test]
async fn requests_under_one_id_take_no_more_memory_than_others() {
    let mut wire = Wire::ready(&Home::bare(), &["--sandbox"], Era::Legacy, false).await;
    let before = peak_memory(&wire.child);
    let same = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/list"});
    for _ in 0..8_000 {
        if timeout(NOT_READ, wire.send(same.clone())).await.is_err() {
            break;
        }
    }
    tokio::time::sleep(NOT_READ).await;
    let taken = peak_memory(&wire.child) - before;
    assert!(taken < 64 << 20, "{taken} bytes");
    // The first of them is answered, and those that came meanwhile are refused.
    while wire.answer_to(7).await.get("result").is_none() {}
}

#[tokio::test]
async fn cancelled_requests_count_until_their_work_has_ended() {
    let mut wire = Wire::ready(&Home::bare(), &["--sandbox"], Era::Legacy, false).await;
    let before = peak_memory(&wire.child);
    for tool in ["list_vips", "list_domains"] {
        for _ in 0..1_500 {
            let id = wire.post_call(tool, json!({"domain": DOMAIN})).await;
            wire.send(cancellation(id)).await;
            let id = wire.post("tools/list", json!({})).await;
            wire.send(cancellation(id)).await;
        }
    }
    // What was sent before this has been read.
    wire.request("ping", json!({})).await;
    let taken = peak_memory(&wire.child) - before;
    assert!(taken < 96 << 20, "{taken} bytes");
}

fn cancellation(id: u64) -> Value {
    json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}})
}

#[tokio::test]
async fn an_id_is_used_again_only_after_its_answer() {
    for era in ERAS {
        let sandbox = demo_sandbox().await;
        let mut wire = Wire::ready(&Home::of(&sandbox), &[], era, false).await;
        let gate = Gate::default();
        sandbox.inject(Fault::hold("GET", "route-by-ani", &gate));
        let id = wire.post_call("list_vips", json!({"domain": DOMAIN})).await;
        let again = json!({"jsonrpc": "2.0", "id": id, "method": "ping"});
        wire.send(again.clone()).await;
        let refused = wire.answer_to(id).await;
        assert_eq!(refused["error"]["code"], -32600, "{era:?}: {refused}");
        gate.open();
        let list = wire.result_of(id).await;
        assert_eq!(list["structuredContent"]["count"], 6, "{era:?}: {list}");
        wire.send(again).await;
        let free = wire.answer_to(id).await;
        assert_ne!(free["error"]["code"], -32600, "{era:?}: {free}");
    }
}

#[tokio::test]
async fn who_reads_late_gets_every_answer() {
    let mut wire = Wire::ready(&Home::bare(), &["--sandbox"], Era::Legacy, false).await;
    flood(&mut wire).await;
    // The input is read again as soon as the answers are; the last request was cut off.
    for id in 2..500 {
        assert!(wire.answer_to(id).await["result"].is_object());
    }
}

#[tokio::test]
async fn a_change_under_way_is_seen_through_although_nobody_reads() {
    let sandbox = demo_sandbox().await;
    let mut wire = Wire::ready(&Home::of(&sandbox), &[], Era::Legacy, false).await;
    let gate = Gate::default();
    sandbox.inject(Fault::hold("PUT", "route-by-ani", &gate));
    let add = json!({"ani": "6165550177", "domain": DOMAIN, "destination": "101"});
    wire.post_call("add_vip", add).await;
    eventually("the change reaches the service", || {
        writes(&sandbox).len() == 1
    })
    .await;
    flood(&mut wire).await;
    wire.close_input();
    tokio::time::sleep(NOT_READ).await;
    gate.open();
    let ended = timeout(TO_THE_END, wire.child.wait()).await;
    assert!(ended.expect("still runs").unwrap().success());
    let [write] = writes(&sandbox).try_into().expect("one change");
    assert_eq!(write.status, 201, "the server hung up on the change");
    assert_eq!(stored(&sandbox, "16165550177").len(), 1);
}

#[tokio::test]
async fn an_unread_log_stops_nothing_at_any_level() {
    for level in ["warn", "trace"] {
        let sandbox = demo_sandbox().await;
        let home = Home::of(&sandbox).with("SKYSWITCH_LOG", level);
        let (unread, mut stderr) = std::io::pipe().expect("a pipe");
        // What the system holds of a pipe; the next line has no room.
        stderr.write_all(&[b' '; 65_536]).expect("room");
        let mut command = home.command(&["mcp"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(stderr).spawn().expect("the binary runs");
        let input = Box::new(child.stdin.take().expect("a pipe"));
        let output = Box::new(child.stdout.take().expect("a pipe"));
        let mut wire = Wire::over(child, input, output);
        wire.shake_hands(Era::Legacy, false).await;
        for _ in 0..20 {
            let list = wire.call("list_vips", json!({"domain": DOMAIN})).await;
            assert_eq!(list["structuredContent"]["count"], 6, "{list}");
        }
        // A failure is warned of.
        sandbox.inject(Fault::html("GET", "route-by-ani"));
        wire.call("list_vips", json!({"domain": DOMAIN})).await;
        wire.close_input();
        let ended = timeout(TO_THE_END, wire.child.wait()).await;
        assert!(ended.expect("still runs").unwrap().success());
        drop(unread);
    }
}
