//! What an MCP client sees of the server: handshakes, the tool list, results,
//! errors, cancellation.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use skyswitch_mcp::sandbox::{self, Fault};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::process::{
    CALLER, CALLER_AS_WRITTEN, DOMAIN, Home, OTHER_CALLER, demo_sandbox, eventually, logins,
    received, stored, writes,
};
use crate::support::protocol::{ERAS, Era, LEGACY, MODERN, Wire, answered};

const TOOLS: [&str; 15] = [
    "add_vip",
    "explain_call",
    "list_changes",
    "list_destinations",
    "list_domains",
    "list_numbers",
    "list_vips",
    "mark_setup_step",
    "onboard_domain",
    "onboarding_status",
    "remove_vip",
    "route_number",
    "setup_checklist",
    "sync_vips",
    "undo_change",
];

/// Those that a read-only server does not offer.
const WRITING: [&str; 7] = [
    "add_vip",
    "mark_setup_step",
    "onboard_domain",
    "remove_vip",
    "route_number",
    "sync_vips",
    "undo_change",
];

async fn tool_list() -> Vec<Value> {
    let mut wire = Wire::ready(&Home::bare(), &[], Era::Legacy, false).await;
    listed(&mut wire).await
}

async fn listed(wire: &mut Wire) -> Vec<Value> {
    let answer = wire.request("tools/list", json!({})).await;
    let tools = answer["result"]["tools"].as_array();
    tools
        .unwrap_or_else(|| panic!("no tool list: {answer}"))
        .clone()
}

async fn names_offered(home: &Home, arguments: &[&str], era: Era) -> Vec<String> {
    let mut wire = Wire::ready(home, arguments, era, false).await;
    let tools = listed(&mut wire).await;
    let names = tools.iter().map(|tool| tool["name"].as_str().unwrap());
    names.map(str::to_owned).collect()
}

fn error_of(result: &Value) -> &Value {
    assert_eq!(result["isError"], true, "no failure: {result}");
    &result["structuredContent"]["error"]
}

fn content(result: &Value) -> &Value {
    assert_ne!(result["isError"], true, "failed: {result}");
    &result["structuredContent"]
}

#[tokio::test]
async fn every_legacy_revision_is_agreed_to_as_asked() {
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let home = Home::bare();
        let mut wire = Wire::start(&home, &[]);
        let server = wire.initialize(revision, json!({})).await;
        assert_eq!(server["protocolVersion"], revision);
        assert_eq!(server["serverInfo"]["name"], "skyswitch");
        assert_eq!(server["serverInfo"]["version"], env!("CARGO_PKG_VERSION"));
        assert!(server["capabilities"]["tools"].is_object(), "{server}");
        assert_eq!(listed(&mut wire).await.len(), TOOLS.len());
    }
}

#[tokio::test]
async fn discover_offers_the_modern_revision_and_says_who_answers() {
    let mut wire = Wire::start(&Home::bare(), &[]);
    wire.become_modern(json!({}));
    let answer = wire.request("server/discover", json!({})).await;
    let server = &answer["result"];
    let revisions = server["supportedVersions"].as_array().expect("revisions");
    assert!(revisions.contains(&json!(MODERN)), "{server}");
    assert!(server["capabilities"]["tools"].is_object(), "{server}");
    assert!(
        server.to_string().contains("\"name\":\"skyswitch\""),
        "{server}"
    );
    assert_eq!(listed(&mut wire).await.len(), TOOLS.len());
}

#[tokio::test]
async fn a_client_that_asks_initialize_for_the_modern_revision_gets_the_last_legacy_one() {
    let mut wire = Wire::start(&Home::bare(), &[]);
    let server = wire.initialize(MODERN, json!({})).await;
    assert_eq!(server["protocolVersion"], LEGACY);
}

#[tokio::test]
async fn the_instructions_tell_the_order_of_work_and_leave_consent_to_people() {
    let mut wire = Wire::start(&Home::bare(), &[]);
    let server = wire.initialize(LEGACY, json!({})).await;
    insta::assert_snapshot!("instructions", server["instructions"].as_str().unwrap());
}

#[tokio::test]
async fn the_tool_list_is_the_published_one() {
    for tool in tool_list().await {
        let name = format!("tool_{}", tool["name"].as_str().unwrap());
        insta::assert_json_snapshot!(name, tool);
    }
}

#[tokio::test]
async fn both_eras_see_the_same_tools() {
    let home = Home::bare();
    let mut lists = Vec::new();
    for era in ERAS {
        let mut wire = Wire::ready(&home, &[], era, true).await;
        lists.push(listed(&mut wire).await);
    }
    assert_eq!(lists[0], lists[1]);
}

/// Bytes of the line that lists these tools.
async fn length_of_list(arguments: &[&str], era: Era) -> usize {
    let mut wire = Wire::ready(&Home::bare(), arguments, era, false).await;
    listed(&mut wire).await;
    wire.seen.last().unwrap().len()
}

#[tokio::test]
async fn the_tool_list_is_small() {
    let five = "list_vips,add_vip,remove_vip,list_domains,setup_checklist";
    let added = ["list_numbers", "route_number"];
    let first = TOOLS.into_iter().filter(|tool| !added.contains(tool));
    let first = first.collect::<Vec<_>>().join(",");
    let sets: [(&[&str], usize); 4] = [
        (&[], 19_500),
        (&["--confirm", "token"], 20_100),
        (&["--confirm", "token", "--tools", &first], 17_900),
        (&["--tools", five], 5_550),
    ];
    for era in ERAS {
        for (arguments, most) in sets {
            let length = length_of_list(arguments, era).await;
            assert!(length <= most, "{era:?} {arguments:?}: {length} bytes");
        }
    }
}

#[tokio::test]
async fn what_a_model_reads_of_the_tools_is_short() {
    // Clients show models names, descriptions and input schemas; a token is about four bytes.
    let read = |tool: &Value| {
        let texts = ["name", "description"].map(|part| tool[part].as_str().unwrap().len());
        texts.iter().sum::<usize>() + tool["inputSchema"].to_string().len()
    };
    let bytes: usize = tool_list().await.iter().map(read).sum();
    assert!(bytes / 4 <= 2_000, "{} tokens", bytes / 4);
}

#[tokio::test]
async fn output_schemas_explain_nothing_and_let_an_error_pass() {
    let error =
        json!({"error": {"code": "timeout", "message": "m", "hint": "h", "retryable": true}});
    for tool in tool_list().await {
        let (name, schema) = (&tool["name"], &tool["outputSchema"]);
        assert_eq!(schema["type"], "object", "{name}");
        assert!(
            !schema["properties"].as_object().unwrap().is_empty(),
            "{name}"
        );
        assert_eq!(described(schema), [""; 0], "{name}");
        assert!(jsonschema::is_valid(schema, &error), "{name}");
    }
}

/// Descriptions in a schema, at any depth.
fn described(schema: &Value) -> Vec<String> {
    let inner = match schema {
        Value::Object(object) => object.values().flat_map(described).collect(),
        Value::Array(items) => items.iter().flat_map(described).collect(),
        _ => Vec::new(),
    };
    let own = schema["description"].as_str().map(str::to_owned);
    own.into_iter().chain(inner).collect()
}

#[tokio::test]
async fn input_schemas_hold_only_what_every_client_understands() {
    fn check(tool: &str, schema: &Value) {
        match schema {
            Value::Object(object) => {
                for (keyword, value) in object {
                    let plain = match keyword.as_str() {
                        "$ref" | "$defs" | "definitions" | "oneOf" | "anyOf" | "allOf" => false,
                        "type" => value.is_string() || value.is_object(),
                        "format" => !value.as_str().is_some_and(|name| {
                            name.starts_with("uint") || name.starts_with("int")
                        }),
                        "default" => !value.is_null(),
                        "enum" => value.as_array().unwrap().iter().all(Value::is_string),
                        _ => true,
                    };
                    assert!(plain, "{tool}: `{keyword}`: {value}");
                    check(tool, value);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| check(tool, item)),
            _ => {}
        }
    }
    for tool in tool_list().await {
        let name = tool["name"].as_str().unwrap();
        let schema = &tool["inputSchema"];
        check(name, schema);
        assert_eq!(schema["type"], "object", "{name}");
        assert_eq!(schema["additionalProperties"], false, "{name}");
        for (argument, property) in schema["properties"].as_object().unwrap() {
            let kind = property["type"].as_str().unwrap_or_default();
            assert!(
                ["string", "integer", "boolean"].contains(&kind),
                "{name}.{argument} is not of one plain type: {property}"
            );
        }
    }
}

#[tokio::test]
async fn arguments_are_described_where_their_names_do_not_say_it() {
    let plain = [
        "account_id",
        "allow_large_removal",
        "application",
        "change_id",
        "cursor",
        "dry_run",
        "format",
        "fresh",
        "limit",
        "query",
        "refresh",
        "skip_invalid",
        "status",
        "step",
        "steps",
        "withdraw",
    ];
    // What it is becomes clear from the tool or from the argument before it.
    let plain_there = [
        ("add_vip", "note"),
        ("list_changes", "until"),
        ("list_vips", "destination"),
    ];
    for tool in tool_list().await {
        for (argument, property) in tool["inputSchema"]["properties"].as_object().unwrap() {
            let described = property["description"].is_string();
            let there = (tool["name"].as_str().unwrap(), argument.as_str());
            let is_plain = plain.contains(&there.1) || plain_there.contains(&there);
            assert!(described != is_plain, "{there:?}");
        }
    }
}

#[tokio::test]
async fn the_token_is_an_argument_in_its_mode_alone() {
    let taking = [
        "add_vip",
        "onboard_domain",
        "remove_vip",
        "route_number",
        "sync_vips",
        "undo_change",
    ];
    for mode in ["human", "token", "block"] {
        let arguments = ["--confirm", mode];
        let mut wire = Wire::ready(&Home::bare(), &arguments, Era::Legacy, false).await;
        for tool in listed(&mut wire).await {
            let name = tool["name"].as_str().unwrap();
            let takes = tool["inputSchema"]["properties"]["confirmation"].is_object();
            assert_eq!(
                takes,
                mode == "token" && taking.contains(&name),
                "{mode} {name}"
            );
        }
    }
}

#[tokio::test]
async fn arguments_are_those_of_the_contract() {
    let expected = BTreeMap::from([
        (
            "list_vips",
            ("domain ani dnis destination account_id limit cursor", ""),
        ),
        (
            "add_vip",
            (
                "ani domain destination application dnis note until account_id",
                "ani domain destination",
            ),
        ),
        ("remove_vip", ("ani domain dnis account_id", "ani domain")),
        (
            "list_domains",
            ("query account_id refresh limit cursor", ""),
        ),
        (
            "setup_checklist",
            ("domain account_id did fallback_destination", "domain"),
        ),
        ("explain_call", ("ani domain dnis account_id", "ani")),
        (
            "list_changes",
            (
                "domain ani did since until status run_id account_id limit cursor",
                "",
            ),
        ),
        (
            "list_destinations",
            ("domain query account_id limit cursor", "domain"),
        ),
        ("list_numbers", ("domain query account_id limit cursor", "")),
        (
            "mark_setup_step",
            (
                "domain step attested_by note withdraw account_id",
                "domain step",
            ),
        ),
        (
            "onboard_domain",
            (
                "domain did fallback_destination extension description steps dry_run account_id",
                "domain",
            ),
        ),
        (
            "onboarding_status",
            ("query stage fresh account_id limit cursor", ""),
        ),
        ("route_number", ("did to domain account_id", "did to")),
        ("undo_change", ("change_id run_id account_id", "")),
        (
            "sync_vips",
            (
                "domain list file from_domain plan format mode from destination application skip_invalid allow_large_removal dry_run resume account_id",
                "domain",
            ),
        ),
    ]);
    let tools = tool_list().await;
    let words =
        |text: &str| -> BTreeSet<String> { text.split_whitespace().map(str::to_owned).collect() };
    assert_eq!(tools.len(), expected.len());
    for tool in &tools {
        let name = tool["name"].as_str().unwrap();
        let (arguments, required) = expected[name];
        let schema = &tool["inputSchema"];
        let found: BTreeSet<String> = schema["properties"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        assert_eq!(found, words(arguments), "{name}");
        let found: BTreeSet<String> = schema["required"]
            .as_array()
            .map(|names| {
                let names = names.iter().map(|name| name.as_str().unwrap().to_owned());
                names.collect()
            })
            .unwrap_or_default();
        assert_eq!(found, words(required), "{name}");
    }
    // Who asks for too many rows is told how many there may be.
    let limit = |tool: &Value| tool["inputSchema"]["properties"]["limit"].clone();
    for tool in tools.iter().filter(|tool| !limit(tool).is_null()) {
        assert_eq!(limit(tool), json!({"type": "integer"}));
    }
}

#[tokio::test]
async fn titles_and_all_four_annotations_are_set() {
    for tool in tool_list().await {
        let name = tool["name"].as_str().unwrap();
        let changes = WRITING.contains(&name);
        let title = tool["title"].as_str().unwrap_or_default();
        assert!(!title.is_empty(), "{name} has no title");
        assert_eq!(
            tool["annotations"],
            json!({
                "readOnlyHint": !changes,
                "destructiveHint": changes,
                "idempotentHint": true,
                "openWorldHint": true,
            }),
            "{name}"
        );
    }
}

#[tokio::test]
async fn every_tool_answers_and_fails_in_the_published_form() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let new = json!({"ani": "(616) 555-0177", "domain": DOMAIN, "destination": "101"});
    let mut replacing = new.clone();
    replacing["destination"] = json!("104");
    let gone = json!({"ani": "616-555-0199", "domain": DOMAIN});
    let calls = [
        ("list_domains", json!({}), None),
        ("list_domains", json!({"limit": 2}), None),
        (
            "list_domains",
            json!({"query": 7}),
            Some("invalid_argument"),
        ),
        (
            "list_domains",
            json!({"cursor": "?"}),
            Some("invalid_argument"),
        ),
        ("list_vips", json!({}), None),
        ("list_vips", json!({"domain": DOMAIN, "limit": 2}), None),
        (
            "list_vips",
            json!({"domain": "no domain"}),
            Some("not_found"),
        ),
        (
            "list_vips",
            json!({"account_id": "12345"}),
            Some("not_found"),
        ),
        ("setup_checklist", json!({"domain": DOMAIN}), None),
        (
            "setup_checklist",
            json!({"domain": "new.12345.service", "did": "6165550100", "fallback_destination": "100"}),
            None,
        ),
        ("setup_checklist", json!({}), Some("invalid_argument")),
        ("add_vip", new.clone(), None),
        ("add_vip", new, None),
        ("add_vip", replacing, None),
        (
            "add_vip",
            json!({"ani": "5", "domain": DOMAIN, "destination": "1"}),
            Some("invalid_argument"),
        ),
        ("remove_vip", json!({"ani": CALLER, "domain": DOMAIN}), None),
        ("remove_vip", gone, None),
        (
            "remove_vip",
            json!({"ani": "16165550126", "domain": DOMAIN}),
            Some("invalid_argument"),
        ),
        (
            "explain_call",
            json!({"ani": CALLER, "domain": DOMAIN}),
            None,
        ),
        (
            "list_destinations",
            json!({"domain": DOMAIN, "limit": 2}),
            None,
        ),
        ("list_numbers", json!({"domain": DOMAIN}), None),
        ("onboarding_status", json!({"limit": 2}), None),
        (
            "onboarding_status",
            json!({"stage": "nearly"}),
            Some("invalid_argument"),
        ),
        (
            "mark_setup_step",
            json!({"domain": DOMAIN, "step": "dial_translation_rule", "attested_by": "A. Person", "note": "ticket 1"}),
            None,
        ),
        (
            "mark_setup_step",
            json!({"domain": DOMAIN, "step": "dial_translation_rule"}),
            Some("invalid_argument"),
        ),
        (
            "onboard_domain",
            json!({"domain": DOMAIN, "dry_run": true}),
            None,
        ),
        (
            "onboard_domain",
            json!({"domain": DOMAIN, "extension": "no extension"}),
            Some("invalid_argument"),
        ),
        ("list_changes", json!({"limit": 1}), None),
        (
            "list_changes",
            json!({"since": "some day"}),
            Some("invalid_argument"),
        ),
        (
            "route_number",
            json!({"did": "6165550160", "to": "500"}),
            None,
        ),
        (
            "route_number",
            json!({"did": "6165550160", "to": "no extension"}),
            Some("invalid_argument"),
        ),
        ("undo_change", json!({"change_id": 1}), None),
        (
            "undo_change",
            json!({"change_id": "99999"}),
            Some("not_found"),
        ),
        (
            "sync_vips",
            json!({"domain": DOMAIN, "list": "ani,destination\n1,101\n6165550190,101", "dry_run": "true"}),
            None,
        ),
        (
            "sync_vips",
            json!({"domain": DOMAIN, "list": [{"ani": 6_165_550_190_u64, "destination": "101"}]}),
            None,
        ),
        (
            "sync_vips",
            json!({"domain": DOMAIN}),
            Some("invalid_argument"),
        ),
    ];
    for era in ERAS {
        let mut wire = Wire::ready(&home, &[], era, false).await;
        let mut proved = BTreeSet::new();
        for (tool, arguments, failure) in &calls {
            let result = wire.call(tool, arguments.clone()).await;
            let case = format!("{tool} {arguments} -> {result}");
            match failure {
                None => assert_ne!(result["isError"], true, "{case}"),
                Some(code) => assert_eq!(error_of(&result)["code"], *code, "{case}"),
            }
            assert!(!has_null(&result["structuredContent"]), "null: {case}");
            let text = result["content"][0]["text"].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "no text form: {case}");
            proved.insert(*tool);
        }
        assert_eq!(proved.len(), TOOLS.len());
    }
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(has_null),
        Value::Object(object) => object.values().any(has_null),
        _ => false,
    }
}

#[tokio::test]
async fn a_new_vip_is_created_at_once_with_what_was_given() {
    for era in ERAS {
        let sandbox = demo_sandbox().await;
        let mut wire = Wire::ready(&Home::of(&sandbox), &[], era, false).await;
        let arguments = json!({
            "ani": "+1 616-555-0177", "domain": "LakesideDental.12345.service",
            "destination": "device:101b", "dnis": "616.555.0100",
        });
        let result = wire.call("add_vip", arguments).await;
        assert_eq!(content(&result)["status"], "created");
        assert_eq!(
            content(&result)["vip"],
            json!({
                "ani": "16165550177", "dnis": "16165550100", "domain": DOMAIN,
                "application": "device", "destination": "device:101b",
            })
        );
        let [sent] = writes(&sandbox).try_into().unwrap();
        assert_eq!(sent.method, "PUT");
        let query: BTreeMap<_, _> = sent.query.into_iter().collect();
        let expected = [
            ("ani", "16165550177"),
            ("application", "device"),
            ("destination", "device:101b"),
            ("dnis", "16165550100"),
            ("domain", DOMAIN),
        ];
        assert_eq!(
            query,
            expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into()
        );
        let looks = ["GET phone-numbers", "GET subscribers"];
        let mut received = received(&sandbox);
        received.retain(|request| !looks.contains(&request.as_str()));
        let [read, write] = ["GET route-by-ani", "PUT route-by-ani"];
        assert_eq!(received, [read, write, read]);
    }
}

#[tokio::test]
async fn limits_and_switches_are_taken_as_text_too() {
    let sandbox = demo_sandbox().await;
    let mut wire = Wire::ready(&Home::of(&sandbox), &[], Era::Legacy, false).await;
    let list = wire.call("list_vips", json!({"limit": "2"})).await;
    assert_eq!(content(&list)["count"], 2);
    sandbox.clear_requests();
    let list = wire
        .call("list_domains", json!({"refresh": "true", "limit": "50"}))
        .await;
    assert_eq!(content(&list)["count"], 6, "the fresh domain is missing");
    let [seen] = sandbox.requests().try_into().unwrap();
    assert_eq!(seen.parameter("force_refresh"), Some("1"));
    let list = wire.call("list_domains", json!({"refresh": "false"})).await;
    assert_eq!(content(&list)["count"], 5);
}

#[tokio::test]
async fn optional_arguments_may_be_null_or_empty() {
    let sandbox = demo_sandbox().await;
    let mut wire = Wire::ready(&Home::of(&sandbox), &[], Era::Legacy, false).await;
    let nothing = wire.call("list_vips", json!({})).await;
    for empty in [json!(null), json!("")] {
        let arguments = json!({
            "domain": empty, "ani": empty, "dnis": empty, "account_id": empty, "limit": empty,
            "cursor": empty,
        });
        let list = wire.call("list_vips", arguments).await;
        assert_eq!(content(&list), content(&nothing), "{empty}");
        let arguments = json!({
            "query": empty, "account_id": empty, "refresh": empty, "limit": empty, "cursor": empty,
        });
        let list = wire.call("list_domains", arguments).await;
        assert_eq!(content(&list)["count"], 5, "{empty}");
    }
    let id = wire.post("tools/call", json!({"name": "list_vips"})).await;
    assert_eq!(content(&wire.result_of(id).await), content(&nothing));
}

#[tokio::test]
async fn bad_arguments_are_refused_by_name_before_any_request() {
    let sandbox = demo_sandbox().await;
    let mut wire = Wire::ready(&Home::of(&sandbox), &[], Era::Legacy, false).await;
    let cases = [
        ("list_vips", json!({"colour": "red"}), "colour"),
        ("list_vips", json!({"limit": 0}), "limit"),
        ("list_vips", json!({"limit": 501}), "limit"),
        ("list_vips", json!({"limit": "many"}), "limit"),
        ("list_vips", json!({"limit": -1}), "limit"),
        ("list_vips", json!({"limit": 2.5}), "limit"),
        ("list_domains", json!({"refresh": "maybe"}), "refresh"),
        ("list_vips", json!({"domain": "a\nb"}), "domain"),
        ("list_vips", json!({"account_id": "../x"}), "account_id"),
        (
            "add_vip",
            json!({"ani": CALLER, "domain": DOMAIN}),
            "destination",
        ),
        (
            "add_vip",
            json!({"ani": null, "domain": DOMAIN, "destination": "1"}),
            "ani",
        ),
        (
            "add_vip",
            json!({"ani": "", "domain": DOMAIN, "destination": "1"}),
            "ani",
        ),
        (
            "add_vip",
            json!({"ani": CALLER, "domain": DOMAIN, "destination": "1", "application": "fax"}),
            "application",
        ),
        (
            "add_vip",
            json!({"ani": CALLER, "domain": DOMAIN, "destination": "user:1", "application": "device"}),
            "destination",
        ),
        ("remove_vip", json!({"domain": DOMAIN}), "ani"),
        ("remove_vip", json!({"ani": CALLER}), "domain"),
        ("setup_checklist", json!({}), "domain"),
    ];
    for (tool, arguments, field) in cases {
        let result = wire.call(tool, arguments.clone()).await;
        let error = error_of(&result);
        let case = format!("{tool} {arguments} -> {error}");
        assert_eq!(error["code"], "invalid_argument", "{case}");
        assert_eq!(error["field"], field, "{case}");
        assert_eq!(error["retryable"], false, "{case}");
        assert!(!error["hint"].as_str().unwrap().is_empty(), "{case}");
    }
    assert!(sandbox.requests().is_empty(), "{:?}", received(&sandbox));
}

#[tokio::test]
async fn an_unknown_tool_is_a_protocol_error_that_names_it() {
    for era in ERAS {
        let mut wire = Wire::ready(&Home::bare(), &[], era, false).await;
        let answer = wire
            .request(
                "tools/call",
                json!({"name": "drop_tables", "arguments": {}}),
            )
            .await;
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains("drop_tables"), "{message}");
    }
}

#[tokio::test]
async fn an_unknown_method_is_answered_and_does_not_hang() {
    let mut wire = Wire::ready(&Home::bare(), &[], Era::Legacy, false).await;
    let answer = wire.request("tools/invent", json!({})).await;
    assert_eq!(answer["error"]["code"], -32601, "{answer}");
}

#[tokio::test]
async fn malformed_lines_do_not_end_the_conversation() {
    let sandbox = demo_sandbox().await;
    let mut wire = Wire::ready(&Home::of(&sandbox), &[], Era::Legacy, false).await;
    for line in [
        "{",
        "not json",
        "",
        "[]",
        "42",
        "{\"jsonrpc\":\"2.0\"}",
        "\u{0}",
    ] {
        wire.send_line(line).await;
    }
    let list = wire.call("list_vips", json!({"domain": DOMAIN})).await;
    assert_eq!(content(&list)["count"], 6);
    let ended = wire.finish().await;
    assert!(ended.status.success(), "{ended:?}");
}

#[tokio::test]
async fn only_the_chosen_tools_are_offered_and_answered() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    for era in ERAS {
        let names = names_offered(&home, &["--tools", "list_vips,list_domains"], era).await;
        assert_eq!(names, ["list_domains", "list_vips"]);
    }
    let mut wire = Wire::ready(&home, &["--tools", "list_vips"], Era::Legacy, false).await;
    let arguments = json!({"ani": CALLER, "domain": DOMAIN});
    let answer = wire
        .request(
            "tools/call",
            json!({"name": "remove_vip", "arguments": arguments}),
        )
        .await;
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
    assert!(sandbox.requests().is_empty());
}

#[tokio::test]
async fn a_tool_that_does_not_exist_cannot_be_chosen() {
    let ran = Home::bare().run(&["mcp", "--tools", "list_faxes"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("list_faxes"), "{ran:?}");
    assert!(ran.stdout.is_empty(), "{ran:?}");
}

#[tokio::test]
async fn a_read_only_server_hides_its_writing_tools_and_refuses_them() {
    let sandbox = demo_sandbox().await;
    let by_flag = (Home::of(&sandbox), vec!["--read-only"]);
    let by_environment = (Home::of(&sandbox).with("SKYSWITCH_READ_ONLY", "1"), vec![]);
    let by_file = (
        Home::of(&sandbox).with_config(r#"{"read_only": true}"#),
        vec![],
    );
    for (home, arguments) in [by_flag, by_environment, by_file] {
        for era in ERAS {
            let names = names_offered(&home, &arguments, era).await;
            let reading = TOOLS.iter().filter(|tool| !WRITING.contains(tool));
            assert_eq!(names, reading.copied().collect::<Vec<_>>());
            let mut wire = Wire::ready(&home, &arguments, era, true).await;
            let add = json!({"ani": "6165550177", "domain": DOMAIN, "destination": "1"});
            let remove = json!({"ani": CALLER, "domain": DOMAIN});
            let sync = json!({"domain": DOMAIN, "list": "ani,destination\n6165550177,1"});
            let writing = [
                ("add_vip", add),
                ("remove_vip", remove),
                ("sync_vips", sync),
                ("undo_change", json!({"change_id": "1"})),
            ];
            for (tool, arguments) in writing {
                let result = wire.call(tool, arguments).await;
                assert_eq!(error_of(&result)["code"], "read_only");
            }
            let list = wire.call("list_vips", json!({"domain": DOMAIN})).await;
            assert_eq!(content(&list)["count"], 6);
        }
    }
    assert_eq!(writes(&sandbox), []);
}

#[tokio::test]
async fn without_credentials_everything_but_calls_works_and_calls_name_the_variables() {
    for era in ERAS {
        let home = Home::bare();
        let mut wire = Wire::ready(&home, &[], era, true).await;
        assert_eq!(listed(&mut wire).await.len(), TOOLS.len());
        for (tool, arguments) in [
            ("list_vips", json!({})),
            ("list_domains", json!({})),
            ("setup_checklist", json!({"domain": DOMAIN})),
            ("remove_vip", json!({"ani": CALLER, "domain": DOMAIN})),
        ] {
            let result = wire.call(tool, arguments).await;
            let error = error_of(&result);
            assert_eq!(error["code"], "not_configured", "{tool}: {error}");
            assert!(error.to_string().contains("SKYSWITCH_"), "{tool}: {error}");
        }
        let result = wire
            .call("list_vips", json!({"account_id": sandbox::ACCOUNT_ID}))
            .await;
        let said = error_of(&result).to_string();
        for name in ["CLIENT_ID", "CLIENT_SECRET", "USERNAME", "PASSWORD"] {
            assert!(said.contains(&format!("SKYSWITCH_{name}")), "{said}");
        }
    }
}

#[tokio::test]
async fn a_missing_password_alone_is_named_alone() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox).without("SKYSWITCH_PASSWORD");
    let mut wire = Wire::ready(&home, &[], Era::Legacy, false).await;
    let result = wire.call("list_vips", json!({})).await;
    let error = error_of(&result);
    assert_eq!(error["code"], "not_configured");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("SKYSWITCH_PASSWORD"), "{message}");
    assert!(!message.contains("SKYSWITCH_USERNAME"), "{message}");
    assert!(sandbox.requests().is_empty());
}

#[tokio::test]
async fn a_broken_config_file_does_not_keep_the_server_from_starting() {
    let sandbox = demo_sandbox().await;
    let broken = Home::of(&sandbox).with_config("{\"password\": \"hush-hush\", ");
    let of_wrong_type = Home::of(&sandbox).with_config(r#"{"password": ["hush-hush"]}"#);
    for home in [broken, of_wrong_type] {
        for era in ERAS {
            let mut wire = Wire::ready(&home, &[], era, false).await;
            assert!(!listed(&mut wire).await.is_empty());
            let result = wire.call("list_vips", json!({})).await;
            let error = error_of(&result);
            assert_eq!(error["code"], "not_configured");
            let said = error.to_string();
            assert!(said.contains("config.json"), "{said}");
            assert!(!said.contains("hush-hush"), "{said}");
        }
    }
    assert!(sandbox.requests().is_empty());
}

#[tokio::test]
async fn a_placeholder_the_client_did_not_fill_in_is_refused_by_name() {
    let sandbox = demo_sandbox().await;
    for name in [
        "SKYSWITCH_CLIENT_ID",
        "SKYSWITCH_CLIENT_SECRET",
        "SKYSWITCH_USERNAME",
        "SKYSWITCH_PASSWORD",
        "SKYSWITCH_ACCOUNT_ID",
    ] {
        let home = Home::of(&sandbox).with(name, &format!("${{{name}}}"));
        let mut wire = Wire::ready(&home, &[], Era::Legacy, false).await;
        assert_eq!(listed(&mut wire).await.len(), TOOLS.len());
        let result = wire.call("list_vips", json!({})).await;
        let error = error_of(&result);
        assert_eq!(error["code"], "not_configured", "{error}");
        assert!(
            error["message"].as_str().unwrap().contains(name),
            "{name}: {error}"
        );
    }
    assert!(sandbox.requests().is_empty());
}

#[tokio::test]
async fn a_plain_http_address_elsewhere_is_refused_by_the_call() {
    let home = Home::bare().with("SKYSWITCH_BASE_URL", "http://api.skyswitch.example");
    let mut wire = Wire::ready(&home, &[], Era::Legacy, false).await;
    let result = wire.call("list_vips", json!({})).await;
    let error = error_of(&result);
    assert_eq!(error["code"], "not_configured");
    assert!(error.to_string().contains("loopback"), "{error}");
}

#[tokio::test]
async fn errors_of_the_service_keep_their_status_and_request_id() {
    let sandbox = demo_sandbox().await;
    let mut wire = Wire::ready(&Home::of(&sandbox), &[], Era::Legacy, false).await;
    let body = r#"{"message": "Not with this role."}"#;
    sandbox.inject(Fault::status("GET", "route-by-ani", 403).body(body, "application/json"));
    let result = wire.call("list_vips", json!({})).await;
    let error = error_of(&result);
    assert_eq!(error["code"], "forbidden");
    assert_eq!(error["status"], 403);
    assert_eq!(error["request_id"].as_str().unwrap().len(), 32);
    let text = result["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("Not with this role."), "{text}");

    sandbox.inject(Fault::html("GET", "route-by-ani"));
    let result = wire.call("list_vips", json!({})).await;
    assert_eq!(error_of(&result)["code"], "upstream_rejected");
    assert!(!result.to_string().contains("<html"), "{result}");
}

/// A way to the service that counts the connections its client gave up.
struct Passage {
    url: String,
    given_up: Arc<AtomicUsize>,
}

impl Passage {
    async fn to(base_url: &str) -> Passage {
        let service = base_url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let given_up = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&given_up);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut service = TcpStream::connect(&service).await.unwrap();
                let count = Arc::clone(&count);
                tokio::spawn(async move {
                    let (mut from_client, mut to_client) = client.split();
                    let (mut from_service, mut to_service) = service.split();
                    let requests = async {
                        let mut piece = vec![0; 8192];
                        loop {
                            match from_client.read(&mut piece).await {
                                Ok(0) | Err(_) => return,
                                Ok(length) => {
                                    if to_service.write_all(&piece[..length]).await.is_err() {
                                        return;
                                    }
                                }
                            }
                        }
                    };
                    tokio::select! {
                        () = requests => { count.fetch_add(1, Ordering::SeqCst); }
                        _ = tokio::io::copy(&mut from_service, &mut to_client) => {}
                    }
                });
            }
        });
        Passage { url, given_up }
    }
}

#[tokio::test]
async fn a_cancelled_call_hangs_up_on_the_service_and_others_go_on() {
    for era in ERAS {
        let sandbox = demo_sandbox().await;
        let passage = Passage::to(sandbox.base_url()).await;
        let home = Home::of(&sandbox).with("SKYSWITCH_BASE_URL", &passage.url);
        let mut wire = Wire::ready(&home, &[], era, false).await;
        sandbox.inject(Fault::delay(
            "GET",
            "route-by-ani",
            Duration::from_secs(600),
        ));
        let slow = wire.post_call("list_vips", json!({"domain": DOMAIN})).await;
        eventually("the slow read reaches the service", || {
            received(&sandbox).contains(&"GET route-by-ani".to_owned())
        })
        .await;
        assert_eq!(passage.given_up.load(Ordering::SeqCst), 0);
        wire.send(json!({
            "jsonrpc": "2.0", "method": "notifications/cancelled",
            "params": {"requestId": slow, "reason": "the person changed their mind"},
        }))
        .await;
        eventually("the connection of the cancelled read is closed", || {
            passage.given_up.load(Ordering::SeqCst) == 1
        })
        .await;
        let list = wire.call("list_domains", json!({})).await;
        assert_eq!(content(&list)["count"], 5);
        // The service still holds the first read; a new one is a new request.
        let list = wire.call("list_vips", json!({"domain": DOMAIN})).await;
        assert_eq!(content(&list)["count"], 6);
        assert_eq!(
            received(&sandbox),
            ["GET route-by-ani", "GET domains", "GET route-by-ani"]
        );
        let ended = wire.finish().await;
        assert!(
            !answered(&ended.rest).contains(&slow),
            "answered although cancelled: {ended:?}"
        );
    }
}

#[tokio::test]
async fn a_call_is_cancelled_by_its_id_written_as_text() {
    for era in ERAS {
        let sandbox = demo_sandbox().await;
        let passage = Passage::to(sandbox.base_url()).await;
        let home = Home::of(&sandbox).with("SKYSWITCH_BASE_URL", &passage.url);
        let mut wire = Wire::ready(&home, &[], era, false).await;
        let hanging = Fault::delay("GET", "route-by-ani", Duration::from_secs(600));
        sandbox.inject(hanging);
        let slow = wire.post_call("list_vips", json!({"domain": DOMAIN})).await;
        eventually("the slow read reaches the service", || {
            received(&sandbox).contains(&"GET route-by-ani".to_owned())
        })
        .await;
        wire.send(json!({
            "jsonrpc": "2.0", "method": "notifications/cancelled",
            "params": {"requestId": slow.to_string()},
        }))
        .await;
        eventually("the connection of the cancelled read is closed", || {
            passage.given_up.load(Ordering::SeqCst) == 1
        })
        .await;
    }
}

#[tokio::test]
async fn a_slow_call_does_not_hold_up_another() {
    let sandbox = demo_sandbox().await;
    let mut wire = Wire::ready(&Home::of(&sandbox), &[], Era::Legacy, false).await;
    sandbox.inject(Fault::delay(
        "GET",
        "route-by-ani",
        Duration::from_secs(600),
    ));
    let slow = wire.post_call("list_vips", json!({})).await;
    let list = wire.call("list_domains", json!({})).await;
    assert_eq!(content(&list)["count"], 5);
    assert!(
        !wire
            .seen
            .iter()
            .any(|line| line.contains(&format!("\"id\":{slow},")))
    );
}

#[tokio::test]
async fn sixty_four_calls_at_once_are_all_answered_after_one_login() {
    for era in ERAS {
        let sandbox = demo_sandbox().await;
        let mut wire = Wire::ready(&Home::of(&sandbox), &[], era, false).await;
        let mut ids = Vec::new();
        for _ in 0..64 {
            ids.push(wire.post_call("list_vips", json!({"domain": DOMAIN})).await);
        }
        for id in ids {
            let list = wire.result_of(id).await;
            assert_eq!(content(&list)["count"], 6);
        }
        assert_eq!(logins(&sandbox), 1);
        assert!(wire.finish().await.rest.is_empty(), "answered twice");
    }
}

#[tokio::test]
async fn lists_and_changes_mixed_at_once_all_take_effect() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox).with("SKYSWITCH_RATE_LIMIT", "0");
    let mut wire = Wire::ready(&home, &[], Era::Legacy, false).await;
    let mut ids = Vec::new();
    for line in 160..180 {
        let vip = json!({"ani": format!("6165550{line}"), "domain": DOMAIN, "destination": "101"});
        ids.push((wire.post_call("add_vip", vip).await, true));
        ids.push((wire.post_call("list_domains", json!({})).await, false));
    }
    for (id, adds) in ids {
        let result = wire.result_of(id).await;
        match adds {
            true => assert_eq!(content(&result)["status"], "created"),
            false => assert_eq!(content(&result)["count"], 5),
        }
    }
    for line in 160..180 {
        assert_eq!(stored(&sandbox, &format!("16165550{line}")).len(), 1);
    }
    assert_eq!(logins(&sandbox), 1);
}

#[tokio::test]
async fn pages_join_up_to_the_whole_list_in_order() {
    let sandbox = demo_sandbox().await;
    let mut wire = Wire::ready(&Home::of(&sandbox), &[], Era::Legacy, false).await;
    let whole = wire.call("list_vips", json!({})).await;
    let mut rows = Vec::new();
    let mut arguments = json!({"limit": 3});
    loop {
        let page = wire.call("list_vips", arguments.clone()).await;
        let page = content(&page);
        assert_eq!(page["total"], content(&whole)["total"]);
        rows.extend(page["vips"].as_array().unwrap().clone());
        let Some(cursor) = page.get("next_cursor") else {
            break;
        };
        arguments["cursor"] = cursor.clone();
    }
    assert_eq!(Value::Array(rows.clone()), content(&whole)["vips"]);
    assert_eq!(rows.len(), 11);
    let keys: Vec<_> = rows
        .iter()
        .map(|row| {
            let word = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            (word("domain"), word("ani"))
        })
        .collect();
    assert!(keys.is_sorted(), "{keys:?}");
}

#[tokio::test]
async fn any_writing_of_a_number_finds_its_caller() {
    let sandbox = demo_sandbox().await;
    let mut wire = Wire::ready(&Home::of(&sandbox), &[], Era::Legacy, false).await;
    for writing in [CALLER, CALLER_AS_WRITTEN, "+1 616-555-0123", "6165550123"] {
        let list = wire.call("list_vips", json!({"ani": writing})).await;
        assert_eq!(content(&list)["count"], 1, "{writing}");
        assert_eq!(content(&list)["vips"][0]["ani"], CALLER);
    }
    let list = wire.call("list_vips", json!({"ani": "anonymous"})).await;
    assert_eq!(content(&list)["vips"][0]["ani"], "anonymous");
    let list = wire
        .call("list_vips", json!({"ani": 6_165_550_124_u64}))
        .await;
    assert_eq!(content(&list)["vips"][0]["ani"], OTHER_CALLER);
}

#[tokio::test]
async fn the_built_in_sandbox_needs_no_configuration() {
    for era in ERAS {
        let mut wire = Wire::ready(&Home::bare(), &["--sandbox"], era, false).await;
        let list = wire.call("list_vips", json!({})).await;
        assert_eq!(content(&list)["total"], 11);
    }
}

#[tokio::test]
async fn the_handshake_and_the_tool_list_leave_the_state_folder_alone() {
    let sandbox = demo_sandbox().await;
    for era in ERAS {
        let home = Home::of(&sandbox);
        let mut wire = Wire::ready(&home, &[], era, true).await;
        assert_eq!(listed(&mut wire).await.len(), TOOLS.len());
        assert!(wire.finish().await.status.success());
        assert!(!home.path().join("state").exists());
    }
    assert!(sandbox.requests().is_empty());
}
