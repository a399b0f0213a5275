//! Messages that are odd or no messages at all: each is read or refused by
//! name, and none ends the server or is left without an answer.

use serde_json::{Value, json};

use crate::support::process::{CALLER, DOMAIN, Home, demo_sandbox, peak_memory, received, writes};
use crate::support::protocol::{ERAS, Era, LEGACY, MODERN, Wire};

async fn ready(era: Era) -> Wire {
    Wire::ready(&Home::bare(), &["--sandbox"], era, false).await
}

/// The error that is the next message: its code, its id and its words.
async fn refusal(wire: &mut Wire) -> (i64, Value, String) {
    let answer = wire.next().await;
    assert!(answer.get("id").is_some(), "no id: {answer}");
    let error = &answer["error"];
    let words = error["message"].as_str().unwrap_or_default();
    let code = error["code"].as_i64();
    (
        code.unwrap_or_else(|| panic!("no error: {answer}")),
        answer["id"].clone(),
        words.to_owned(),
    )
}

/// Whatever came before, the conversation goes on.
async fn goes_on(wire: &mut Wire) {
    let list = wire.call("list_vips", json!({"domain": DOMAIN})).await;
    assert_eq!(list["structuredContent"]["count"], 6, "{list}");
}

fn error_of(result: &Value) -> &Value {
    assert_eq!(result["isError"], true, "no failure: {result}");
    &result["structuredContent"]["error"]
}

#[tokio::test]
async fn a_line_that_is_no_json_is_answered_under_the_id_it_shows() {
    let deep = |id: u32| {
        let nested = "[".repeat(10_000);
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping","params":{nested}"#).into_bytes()
    };
    let lone = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"list_vips","arguments":{"domain":"\ud800"}}}"#;
    let latin = b"{\"jsonrpc\":\"2.0\",\"id\":\"se\\\"ven\",\"method\":\"ping\",\"params\":{\"x\":\"caf\xe9\"}}";
    let nan = r#"{"method":"tools/call","params":{"name":"list_vips","id":4,"arguments":{"limit":NaN}},"jsonrpc":"2.0","id":9}"#;
    let two =
        r#"{"jsonrpc":"2.0","id":21,"method":"ping"}{"jsonrpc":"2.0","id":22,"method":"ping"}"#;
    let cases: [(&[u8], Value); 10] = [
        (two.as_bytes(), json!(21)),
        (lone.as_bytes(), json!(7)),
        (latin, json!("se\"ven")),
        (nan.as_bytes(), json!(9)),
        (&deep(10), json!(10)),
        (b"{", Value::Null),
        (b"not json", Value::Null),
        (b"\0", Value::Null),
        (br#"{"params":{"id":3},"#, Value::Null),
        (br#"{"id":11"#, Value::Null),
    ];
    for era in ERAS {
        let mut wire = ready(era).await;
        for (line, expected) in &cases {
            wire.send_bytes(line).await;
            let (code, id, _) = refusal(&mut wire).await;
            let case = String::from_utf8_lossy(&line[..line.len().min(120)]);
            assert_eq!((code, &id), (-32700, expected), "{case}");
        }
        goes_on(&mut wire).await;
    }
}

#[tokio::test]
async fn a_line_too_long_to_hold_is_answered_under_its_id_in_bounded_memory() {
    let mut wire = ready(Era::Legacy).await;
    let before = peak_memory(&wire.child);
    let mut line = br#"{"method":"ping","params":{"id":3,"x":""#.to_vec();
    line.resize(100_000_000, b'x');
    line.extend_from_slice(br#""},"jsonrpc":"2.0","id":12}"#);
    wire.send_bytes(&line).await;
    let (code, id, words) = refusal(&mut wire).await;
    assert_eq!((code, id), (-32700, json!(12)), "{words}");
    assert!(words.contains("longer than"), "{words}");
    let taken = peak_memory(&wire.child) - before;
    assert!(taken < 48 << 20, "{taken} bytes");
    goes_on(&mut wire).await;
}

#[tokio::test]
async fn json_that_is_no_message_is_refused_and_keeps_its_id() {
    let cases = [
        (json!([]), Value::Null),
        (
            json!([{"jsonrpc": "2.0", "id": 1, "method": "ping"}]),
            Value::Null,
        ),
        (json!(42), Value::Null),
        (json!({"jsonrpc": "2.0"}), Value::Null),
        (json!({"jsonrpc": "2.0", "id": 5}), json!(5)),
        (
            json!({"jsonrpc": "2.0", "id": null, "method": "ping"}),
            Value::Null,
        ),
        (
            json!({"jsonrpc": "2.0", "id": 1.5, "method": "ping"}),
            Value::Null,
        ),
        (json!({"jsonrpc": "2.0", "id": 6, "method": 5}), json!(6)),
        (
            json!({"jsonrpc": "1.0", "id": 7, "method": "ping"}),
            json!(7),
        ),
        (json!({"id": "a", "method": "ping"}), json!("a")),
    ];
    for era in ERAS {
        let mut wire = ready(era).await;
        for (message, expected) in &cases {
            wire.send(message.clone()).await;
            let (code, id, _) = refusal(&mut wire).await;
            assert_eq!((code, &id), (-32600, expected), "{message}");
        }
        goes_on(&mut wire).await;
    }
}

#[tokio::test]
async fn a_tool_call_that_gives_something_twice_is_refused_by_its_name() {
    let cases = [
        (
            r#"{"destination":"101","destination":"102"}"#,
            "destination",
        ),
        (r#"{"domain":"a","rows":[{"ani":"1","ani":"2"}]}"#, "ani"),
        (r#""{\"domain\":\"a\",\"domain\":\"b\"}""#, "domain"),
        (r#"{"domain":"a"},"arguments":{"domain":"b"}"#, "arguments"),
    ];
    for era in ERAS {
        let mut wire = ready(era).await;
        for (arguments, name) in cases {
            let line = format!(
                r#"{{"jsonrpc":"2.0","id":31,"method":"tools/call","params":{{"name":"add_vip","arguments":{arguments}}}}}"#
            );
            wire.send_bytes(line.as_bytes()).await;
            let (code, id, words) = refusal(&mut wire).await;
            assert_eq!((code, id), (-32602, json!(31)), "{arguments}: {words}");
            assert!(
                words.contains(&format!("`{name}` is given twice")),
                "{words}"
            );
        }
        goes_on(&mut wire).await;
    }
}

#[tokio::test]
async fn the_last_line_needs_no_end() {
    let mut wire = Wire::start(&Home::bare(), &["--sandbox"]);
    wire.send_bytes(b"{\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"")
        .await;
    wire.close_input();
    assert_eq!(refusal(&mut wire).await.1, Value::Null);
    assert_eq!(refusal(&mut wire).await.1, json!(1));
    assert!(wire.finish().await.status.success());
}

#[tokio::test]
async fn answers_nobody_waits_for_are_ignored() {
    for era in ERAS {
        let mut wire = ready(era).await;
        for stray in [
            json!({"jsonrpc": "2.0", "id": 99, "error": {"code": 1, "message": "no"}}),
            json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32700, "message": "no"}}),
            json!({"jsonrpc": "2.0", "error": {"code": 1, "message": "no"}}),
            json!({"jsonrpc": "2.0", "id": 99, "error": "no"}),
            json!({"jsonrpc": "2.0", "id": 99, "result": {}}),
            json!({"id": 99, "result": null}),
            json!({"jsonrpc": "2.0", "method": "notifications/unheard_of", "params": [1]}),
            json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": "x"}),
            json!({"jsonrpc": "2.0", "method": "notifications/cancelled"}),
        ] {
            wire.send(stray).await;
        }
        goes_on(&mut wire).await;
        assert!(
            wire.finish().await.rest.is_empty(),
            "a stray answer was answered"
        );
    }
}

#[tokio::test]
async fn wrong_parameters_of_a_method_that_exists_are_named() {
    let cases = [
        ("tools/call", json!({"arguments": {}}), "name"),
        (
            "tools/call",
            json!({"name": 5, "arguments": {}}),
            "params.name",
        ),
        (
            "tools/call",
            json!({"name": "list_vips", "arguments": "domain"}),
            "params.arguments",
        ),
        (
            "tools/call",
            json!({"name": "list_vips", "arguments": ["a"]}),
            "params.arguments",
        ),
        (
            "tools/call",
            json!({"name": "list_vips", "arguments": "[]"}),
            "params.arguments",
        ),
        (
            "tools/call",
            json!({"name": "list_vips", "arguments": 7}),
            "params.arguments",
        ),
        (
            "tools/call",
            json!({"name": "list_vips", "requestState": 7}),
            "params.requestState",
        ),
        ("prompts/get", json!({"arguments": {}}), "name"),
        ("resources/read", json!({}), "uri"),
        (
            "completion/complete",
            json!({"argument": {"name": "domain", "value": ""}}),
            "ref",
        ),
    ];
    for era in ERAS {
        let mut wire = ready(era).await;
        for (method, params, field) in &cases {
            let answer = wire.request(method, params.clone()).await;
            assert_eq!(
                answer["error"]["code"], -32602,
                "{method} {params}: {answer}"
            );
            let words = answer["error"]["message"].as_str().unwrap();
            assert!(
                words.contains(&format!("`{field}`")),
                "{method} {params}: {words}"
            );
        }
        goes_on(&mut wire).await;
    }
    let mut wire = ready(Era::Legacy).await;
    for (params, field) in [
        (None, "params"),
        (Some(json!("list_vips")), "params"),
        (Some(json!(["list_vips"])), "params"),
        (Some(json!([])), "name"),
    ] {
        let mut message = json!({"jsonrpc": "2.0", "id": 77, "method": "tools/call"});
        if let Some(params) = params {
            message["params"] = params;
        }
        wire.send(message.clone()).await;
        let (code, id, words) = refusal(&mut wire).await;
        assert_eq!((code, id), (-32602, json!(77)), "{message}: {words}");
        assert!(words.contains(&format!("`{field}`")), "{message}: {words}");
    }
}

#[tokio::test]
async fn arguments_that_are_the_text_of_an_object_are_read() {
    for era in ERAS {
        let mut wire = ready(era).await;
        let text = json!({"domain": DOMAIN, "limit": 2}).to_string();
        let list = wire.call("list_vips", json!(text)).await;
        assert_eq!(list["structuredContent"]["count"], 2, "{list}");
        let list = wire.call("list_vips", json!("null")).await;
        assert_eq!(list["structuredContent"]["total"], 11, "{list}");
    }
}

#[tokio::test]
async fn a_whole_number_may_have_a_point() {
    let mut wire = ready(Era::Legacy).await;
    for two in [json!(2.0), json!("2.0"), json!("2")] {
        let list = wire.call("list_vips", json!({"limit": two})).await;
        assert_eq!(list["structuredContent"]["count"], 2, "{list}");
    }
    let rows = json!([{"ani": 6_165_550_190.0, "destination": 101.0}]);
    let arguments = json!({"domain": DOMAIN, "list": rows, "dry_run": true});
    let plan = wire.call("sync_vips", arguments).await;
    assert_ne!(plan["isError"], true, "{plan}");
    // The id of a message, too, where its sender knows no other numbers.
    wire.send_line(r#"{"jsonrpc":"2.0","id":5.0,"method":"ping"}"#)
        .await;
    assert_eq!(wire.next().await["id"], 5);
}

#[tokio::test]
async fn a_number_out_of_range_is_told_the_range() {
    let mut wire = ready(Era::Legacy).await;
    for limit in [
        json!(0),
        json!(501),
        json!(-1),
        json!(70_000),
        json!(2.5),
        json!(1e30),
        json!("9999999"),
    ] {
        let result = wire.call("list_vips", json!({"limit": limit})).await;
        let error = error_of(&result);
        assert_eq!(error["field"], "limit", "{error}");
        assert!(error.to_string().contains("from 1 to 500"), "{error}");
    }
}

#[tokio::test]
async fn what_hosts_add_to_every_call_is_ignored_and_what_is_misspelt_is_told_the_name() {
    let sandbox = demo_sandbox().await;
    let mut wire = Wire::ready(&Home::of(&sandbox), &[], Era::Legacy, false).await;
    let arguments = json!({
        "domain": DOMAIN, "toolCallId": "call_1", "sessionId": "s", "action": "sendMessage",
        "chatInput": "who is on the list?",
    });
    let list = wire.call("list_vips", arguments).await;
    assert_eq!(list["structuredContent"]["count"], 6, "{list}");
    sandbox.clear_requests();
    for (given, meant) in [("domian", "domain"), ("acount_id", "account_id")] {
        let result = wire.call("list_vips", json!({ given: DOMAIN })).await;
        let error = error_of(&result);
        assert_eq!(error["field"], given, "{error}");
        let hint = error["hint"].as_str().unwrap();
        assert!(hint.contains(&format!("Did you mean `{meant}`?")), "{hint}");
    }
    assert_eq!(received(&sandbox), [""; 0]);
}

#[tokio::test]
async fn null_as_a_text_is_no_value() {
    let sandbox = demo_sandbox().await;
    let mut wire = Wire::ready(&Home::of(&sandbox), &[], Era::Legacy, false).await;
    let arguments = json!({"domain": "null", "ani": "null", "limit": "null", "cursor": "null"});
    let list = wire.call("list_vips", arguments).await;
    assert_eq!(list["structuredContent"]["total"], 11, "{list}");
    let add = json!({"ani": CALLER, "domain": DOMAIN, "destination": "null"});
    let result = wire.call("add_vip", add).await;
    assert_eq!(error_of(&result)["field"], "destination");
    assert_eq!(writes(&sandbox), []);
}

#[tokio::test]
async fn an_odd_handshake_is_read() {
    let info = json!({"name": "odd", "version": "1"});
    for (capabilities, client) in [
        (json!([]), info.clone()),
        (
            json!({"elicitation": [], "roots": [], "sampling": []}),
            info,
        ),
        (json!({}), json!({"name": "odd"})),
        (json!({}), json!({"version": 2})),
        (json!({}), json!({})),
        (json!({}), json!([])),
        (json!({}), json!(null)),
    ] {
        let mut wire = Wire::start(&Home::bare(), &["--sandbox"]);
        let params = json!({
            "protocolVersion": LEGACY, "capabilities": capabilities, "clientInfo": client,
        });
        let answer = wire.request("initialize", params.clone()).await;
        assert_eq!(
            answer["result"]["protocolVersion"], LEGACY,
            "{params}: {answer}"
        );
        goes_on(&mut wire).await;

        let mut wire = Wire::start(&Home::bare(), &["--sandbox"]);
        wire.become_modern(capabilities);
        let meta = json!({"_meta": {"io.modelcontextprotocol/clientInfo": client}});
        let answer = wire.request("server/discover", meta).await;
        assert!(answer["result"].is_object(), "{params}: {answer}");
        goes_on(&mut wire).await;
    }
    let mut wire = Wire::start(&Home::bare(), &["--sandbox"]);
    let answer = wire
        .request("initialize", json!({"protocolVersion": LEGACY}))
        .await;
    assert_eq!(answer["result"]["protocolVersion"], LEGACY, "{answer}");
}

#[tokio::test]
async fn a_handshake_that_cannot_be_read_is_refused_by_name_and_can_be_repeated() {
    let mut wire = Wire::start(&Home::bare(), &["--sandbox"]);
    let client = json!({"name": "odd", "version": "1"});
    for (params, field) in [
        (
            json!({"capabilities": {}, "clientInfo": client}),
            "protocolVersion",
        ),
        (
            json!({"protocolVersion": 7, "capabilities": {}, "clientInfo": client}),
            "protocolVersion",
        ),
        (
            json!({"protocolVersion": LEGACY, "capabilities": "all", "clientInfo": client}),
            "capabilities",
        ),
        (json!("hello"), "params"),
    ] {
        wire.send(json!({"jsonrpc": "2.0", "id": 50, "method": "initialize", "params": params}))
            .await;
        let (code, _, words) = refusal(&mut wire).await;
        assert_eq!(code, -32602, "{params}: {words}");
        assert!(words.contains(field), "{params}: {words}");
    }
    wire.initialize(LEGACY, json!({})).await;
    goes_on(&mut wire).await;
}

#[tokio::test]
async fn what_comes_before_the_handshake_does_not_end_the_server() {
    for era in ERAS {
        let mut wire = Wire::start(&Home::bare(), &["--sandbox"]);
        for early in [
            json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
            json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}),
            json!({"jsonrpc": "2.0", "id": 1, "result": {}}),
            json!({"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "no"}}),
        ] {
            wire.send(early).await;
        }
        let meta = json!({"_meta": {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": {},
        }});
        wire.request("server/discover", meta).await;
        wire.send(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
            .await;
        match era {
            Era::Legacy => {
                wire.initialize(LEGACY, json!({})).await;
            }
            Era::Modern => wire.become_modern(json!({})),
        }
        goes_on(&mut wire).await;
    }
}
