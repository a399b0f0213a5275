//! How the server ends: promptly, without losing what was sent or asked.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use skyswitch_mcp::sandbox::{Fault, Gate};

use crate::support::process::{
    CALLER, DOMAIN, Home, PROMPT, demo_sandbox, eventually, received, signal, stored, writes,
};
use crate::support::protocol::{ERAS, Era, LEGACY, MODERN, Wire, answered};

/// Longer than any test waits.
const FOREVER: Duration = Duration::from_secs(600);
/// In this time a server that does not wait for its changes would be gone. A
/// slow machine makes no test fail by it.
const TIME_TO_LEAVE: Duration = Duration::from_millis(400);

#[tokio::test]
async fn the_end_of_input_ends_an_idle_server() {
    let sandbox = demo_sandbox().await;
    for era in ERAS {
        let mut wire = Wire::ready(&Home::of(&sandbox), &[], era, true).await;
        wire.close_input();
        let ended = wire.ended_within(PROMPT).await;
        assert!(ended.status.success(), "{ended:?}");
        assert!(ended.rest.is_empty(), "{ended:?}");
    }
}

#[tokio::test]
async fn the_end_of_input_ends_a_server_that_has_worked() {
    for era in ERAS {
        let mut wire = Wire::ready(&Home::bare(), &["--sandbox"], era, true).await;
        wire.call("list_vips", json!({})).await;
        wire.close_input();
        let ended = wire.ended_within(PROMPT).await;
        assert!(ended.status.success(), "{ended:?}");
    }
}

#[tokio::test]
async fn input_that_ends_before_the_handshake_is_no_failure() {
    let mut wire = Wire::start(&Home::bare(), &[]);
    wire.close_input();
    let ended = wire.ended_within(PROMPT).await;
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(ended.stdout, "");
}

#[tokio::test]
async fn a_read_in_flight_does_not_keep_the_server() {
    for era in ERAS {
        let sandbox = demo_sandbox().await;
        let mut wire = Wire::ready(&Home::of(&sandbox), &[], era, true).await;
        sandbox.inject(Fault::delay("GET", "route-by-ani", FOREVER));
        wire.post_call("list_vips", json!({})).await;
        eventually("the read reaches the service", || {
            !received(&sandbox).is_empty()
        })
        .await;
        wire.close_input();
        let ended = wire.ended_within(PROMPT).await;
        assert!(ended.status.success(), "{ended:?}");
    }
}

#[tokio::test]
async fn a_login_in_flight_does_not_keep_the_server() {
    let sandbox = demo_sandbox().await;
    let mut wire = Wire::ready(&Home::of(&sandbox), &[], Era::Legacy, true).await;
    sandbox.inject(Fault::delay("POST", "/oauth/token", FOREVER));
    wire.post_call("list_vips", json!({})).await;
    eventually("the login reaches the service", || {
        !sandbox.requests().is_empty()
    })
    .await;
    wire.close_input();
    wire.ended_within(PROMPT).await;
}

#[tokio::test]
async fn a_pending_question_does_not_keep_the_server_and_changes_nothing() {
    let sandbox = demo_sandbox().await;
    let mut wire = Wire::ready(&Home::of(&sandbox), &[], Era::Legacy, true).await;
    let arguments = json!({"ani": CALLER, "domain": DOMAIN});
    wire.post_call("remove_vip", arguments).await;
    wire.asked("elicitation/create").await;
    wire.close_input();
    let ended = wire.ended_within(PROMPT).await;
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(received(&sandbox), ["GET route-by-ani"]);
    assert_eq!(stored(&sandbox, CALLER).len(), 1);
}

#[tokio::test]
async fn a_change_in_flight_is_carried_through() {
    for era in ERAS {
        let sandbox = demo_sandbox().await;
        let mut wire = Wire::ready(&Home::of(&sandbox), &[], era, false).await;
        let gate = Gate::default();
        sandbox.inject(Fault::hold("PUT", "route-by-ani", &gate));
        let arguments = json!({"ani": "6165550177", "domain": DOMAIN, "destination": "101"});
        wire.post_call("add_vip", arguments).await;
        eventually("the change reaches the service", || {
            writes(&sandbox).len() == 1
        })
        .await;
        assert_eq!(stored(&sandbox, "16165550177"), []);
        wire.close_input();
        tokio::time::sleep(TIME_TO_LEAVE).await;
        gate.open();
        let ended = wire.ended_within(PROMPT).await;
        assert!(ended.status.success(), "{ended:?}");
        assert_eq!(stored(&sandbox, "16165550177").len(), 1);
        let [write] = writes(&sandbox).try_into().expect("one change");
        assert_eq!(write.status, 201, "the server hung up on the change");
    }
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_at_the_end_is_still_made_known() {
    let sandbox = demo_sandbox().await;
    let mut wire = Wire::ready(&Home::of(&sandbox), &[], Era::Legacy, false).await;
    let gate = Gate::default();
    sandbox.inject(Fault::pass("GET", "route-by-ani"));
    sandbox.inject(Fault::drop_before("PUT", "route-by-ani"));
    sandbox.inject(Fault::hold("GET", "route-by-ani", &gate));
    let arguments = json!({"ani": "6165550177", "domain": DOMAIN, "destination": "101"});
    wire.post_call("add_vip", arguments).await;
    eventually("the outcome is read back", || received(&sandbox).len() == 3).await;
    wire.close_input();
    tokio::time::sleep(TIME_TO_LEAVE).await;
    gate.open();
    wire.ended_within(PROMPT).await;
    // The dropped request did nothing, so it was sent again.
    assert_eq!(stored(&sandbox, "16165550177").len(), 1);
    assert_eq!(writes(&sandbox).len(), 2);
}

#[tokio::test]
async fn requests_piped_in_at_once_are_answered_before_the_end() {
    let params = json!({
        "protocolVersion": LEGACY, "capabilities": {},
        "clientInfo": {"name": "pipe", "version": "1"},
    });
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let list = json!({"name": "list_vips", "arguments": {"domain": DOMAIN}});
    let mut modern_list = list.clone();
    modern_list["_meta"] = meta.clone();
    let legacy = vec![
        json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}),
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}),
        json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": list}),
        json!({"jsonrpc": "2.0", "id": 4, "method": "tools/call", "params": list}),
    ];
    let modern = vec![
        json!({"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": meta}}),
        json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {"_meta": meta}}),
        json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": modern_list}),
        json!({"jsonrpc": "2.0", "id": 4, "method": "tools/call", "params": modern_list}),
    ];
    for lines in [legacy, modern] {
        // The answers come after the end of input, whatever the machine is busy with.
        let sandbox = demo_sandbox().await;
        let gate = Gate::default();
        sandbox.inject(Fault::hold_answer("GET", "route-by-ani", &gate).times(2));
        let mut wire = Wire::start(&Home::of(&sandbox), &[]);
        for line in lines {
            wire.send(line).await;
        }
        eventually("the service is asked", || !received(&sandbox).is_empty()).await;
        wire.close_input();
        gate.open();
        let ended = wire.ended_within(PROMPT).await;
        assert!(ended.status.success(), "{ended:?}");
        assert_eq!(answered(&ended.rest), [1, 2, 3, 4].into(), "{ended:?}");
        for message in &ended.rest {
            assert!(message.get("error").is_none(), "{message}");
            let called = message["id"].as_u64().is_some_and(|id| id > 2);
            if called {
                assert_eq!(message["result"]["structuredContent"]["count"], 6);
            }
        }
    }
}

#[tokio::test]
async fn sockets_in_place_of_pipes_work_as_well() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    for era in ERAS {
        let (ours_in, theirs_in) = UnixStream::pair().expect("a socket pair");
        let (ours_out, theirs_out) = UnixStream::pair().expect("a socket pair");
        let mut command = home.command(&["mcp"]);
        command
            .stdin(Stdio::from(OwnedFd::from(theirs_in)))
            .stdout(Stdio::from(OwnedFd::from(theirs_out)))
            .stderr(Stdio::piped());
        let child = command.spawn().expect("the binary runs");
        // The command still holds the child's ends.
        drop(command);
        let ours = |stream: UnixStream| {
            stream.set_nonblocking(true).expect("a socket");
            tokio::net::UnixStream::from_std(stream).expect("a socket")
        };
        let (input, output) = (Box::new(ours(ours_in)), Box::new(ours(ours_out)));
        let mut wire = Wire::over(child, input, output);
        wire.shake_hands(era, false).await;
        let list = wire.call("list_vips", json!({"domain": DOMAIN})).await;
        assert_eq!(list["structuredContent"]["count"], 6);
        wire.close_input();
        let ended = wire.ended_within(PROMPT).await;
        assert!(ended.status.success(), "{ended:?}");
    }
}

#[tokio::test]
async fn one_socket_for_both_directions_works_as_well() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let (ours, theirs) = UnixStream::pair().expect("a socket pair");
    let mut command = home.command(&["mcp"]);
    command
        .stdin(Stdio::from(OwnedFd::from(
            theirs.try_clone().expect("a socket"),
        )))
        .stdout(Stdio::from(OwnedFd::from(theirs)))
        .stderr(Stdio::piped());
    let child = command.spawn().expect("the binary runs");
    drop(command);
    ours.set_nonblocking(true).expect("a socket");
    let stream = tokio::net::UnixStream::from_std(ours).expect("a socket");
    let (output, input) = stream.into_split();
    let mut wire = Wire::over(child, Box::new(input), Box::new(output));
    wire.shake_hands(Era::Legacy, false).await;
    let list = wire.call("list_vips", json!({"domain": DOMAIN})).await;
    assert_eq!(list["structuredContent"]["count"], 6);
    wire.close_input();
    wire.ended_within(PROMPT).await;
}

#[tokio::test]
async fn the_signal_to_terminate_ends_the_server() {
    for busy in [false, true] {
        let sandbox = demo_sandbox().await;
        let mut wire = Wire::ready(&Home::of(&sandbox), &[], Era::Legacy, true).await;
        if busy {
            sandbox.inject(Fault::delay("GET", "route-by-ani", FOREVER));
            wire.post_call("list_vips", json!({})).await;
            eventually("the read reaches the service", || {
                !received(&sandbox).is_empty()
            })
            .await;
        }
        signal(&wire.child, "TERM").await;
        // The input is still open.
        let ended = wire.ended_within(PROMPT).await;
        assert!(ended.status.success(), "busy: {busy}: {ended:?}");
    }
}

#[tokio::test]
async fn a_change_in_flight_survives_the_signals_to_end() {
    for name in ["TERM", "HUP"] {
        let sandbox = demo_sandbox().await;
        let mut wire = Wire::ready(&Home::of(&sandbox), &[], Era::Legacy, false).await;
        let gate = Gate::default();
        sandbox.inject(Fault::hold("PUT", "route-by-ani", &gate));
        let arguments = json!({"ani": "6165550177", "domain": DOMAIN, "destination": "101"});
        wire.post_call("add_vip", arguments).await;
        eventually("the change reaches the service", || {
            writes(&sandbox).len() == 1
        })
        .await;
        signal(&wire.child, name).await;
        tokio::time::sleep(TIME_TO_LEAVE).await;
        gate.open();
        wire.ended_within(PROMPT).await;
        let [write] = writes(&sandbox).try_into().expect("one change");
        assert_eq!(write.status, 201, "the server hung up on the change");
        assert_eq!(stored(&sandbox, "16165550177").len(), 1);
    }
}
