//! The resources and the skill: what is listed, what is read, and how a read fails.

use std::time::Duration;

use rmcp::model::SkillResource;
use serde_json::{Value, json};
use skyswitch_mcp::sandbox::{self, Fault, Tenant};

use crate::support::process::{
    DOMAIN, Home, PROMPT, demo_sandbox, eventually, received, sandbox_of,
};
use crate::support::protocol::{ERAS, Era, LEGACY, Wire, answered};

const DOMAINS: &str = "skyswitch://domains";
const GUIDE: &str = "skyswitch://guide/setup";
const SKILL: &str = "skill://boundary-onboarding/SKILL.md";

fn of_domain(kind: &str) -> String {
    format!("skyswitch://domains/{DOMAIN}/{kind}")
}

/// The result of a read and its one content.
async fn read(wire: &mut Wire, uri: &str) -> (Value, Value) {
    let answer = wire.request("resources/read", json!({ "uri": uri })).await;
    let result = answer["result"].clone();
    let contents = result["contents"].as_array();
    let contents = contents.unwrap_or_else(|| panic!("{uri} was not read: {answer}"));
    assert_eq!(contents.len(), 1, "{answer}");
    assert_eq!(contents[0]["uri"], uri);
    let content = contents[0].clone();
    (result, content)
}

async fn read_error(wire: &mut Wire, uri: &str) -> Value {
    let answer = wire.request("resources/read", json!({ "uri": uri })).await;
    assert!(answer.get("error").is_some(), "{uri} was read: {answer}");
    answer["error"].clone()
}

fn not_found(era: Era) -> i64 {
    match era {
        Era::Legacy => -32002,
        Era::Modern => -32602,
    }
}

fn uris(list: &Value, field: &str) -> Vec<String> {
    let items = list.as_array().expect("a list").iter();
    items
        .map(|item| item[field].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn both_eras_are_told_of_prompts_resources_completion_and_skills() {
    let mut legacy = Wire::start(&Home::bare(), &[]);
    let by_handshake = legacy.initialize(LEGACY, json!({})).await;
    let mut modern = Wire::start(&Home::bare(), &[]);
    modern.become_modern(json!({}));
    let discovered = modern.request("server/discover", json!({})).await;
    let expected = json!({
        "completions": {}, "prompts": {}, "resources": {}, "tools": {},
        "extensions": {"io.modelcontextprotocol/skills": {}},
    });
    assert_eq!(by_handshake["capabilities"], expected);
    assert_eq!(discovered["result"]["capabilities"], expected);
}

#[tokio::test]
async fn the_lists_are_the_published_ones_and_need_neither_disk_nor_network() {
    let sandbox = demo_sandbox().await;
    let mut seen = Vec::new();
    for era in ERAS {
        let home = Home::of(&sandbox);
        let mut wire = Wire::ready(&home, &[], era, false).await;
        let mut lists = Vec::new();
        for (method, field) in [
            ("resources/list", "resources"),
            ("resources/templates/list", "resourceTemplates"),
            ("skills/list", "skills"),
        ] {
            let answer = wire.request(method, json!({})).await;
            let result = &answer["result"];
            assert_eq!(result["ttlMs"], 3_600_000, "{answer}");
            assert!(result["cacheScope"].is_string(), "{answer}");
            lists.push(result[field].clone());
        }
        read(&mut wire, GUIDE).await;
        read(&mut wire, SKILL).await;
        seen.push(lists);
        assert!(wire.finish().await.status.success());
        assert!(!home.path().join("state").exists());
    }
    assert!(sandbox.requests().is_empty());
    assert_eq!(seen[0], seen[1]);
    insta::assert_json_snapshot!("resource_lists", seen[0][..2]);
}

#[tokio::test]
async fn a_resource_holds_what_the_tool_answers() {
    for era in ERAS {
        let sandbox = demo_sandbox().await;
        let mut wire = Wire::ready(&Home::of(&sandbox), &[], era, false).await;
        let of_domain_alone = json!({ "domain": DOMAIN });
        for (uri, tool, arguments) in [
            (DOMAINS.to_owned(), "list_domains", json!({})),
            (of_domain("vips"), "list_vips", of_domain_alone.clone()),
            (of_domain("checklist"), "setup_checklist", of_domain_alone),
        ] {
            let (result, content) = read(&mut wire, &uri).await;
            assert_eq!(content["mimeType"], "application/json");
            assert_eq!(result["ttlMs"], 5_000);
            assert_eq!(result["cacheScope"], "private");
            let text = content["text"].as_str().unwrap();
            let value: Value = serde_json::from_str(text).expect("JSON");
            let answer = wire.call(tool, arguments).await;
            assert_eq!(value, answer["structuredContent"], "{uri}");
            assert_eq!(text.len(), value.to_string().len(), "not compact: {text}");
        }
    }
}

#[tokio::test]
async fn the_domain_in_a_uri_may_be_written_in_capitals() {
    let sandbox = demo_sandbox().await;
    let mut wire = Wire::ready(&Home::of(&sandbox), &[], Era::Legacy, false).await;
    let uri = "skyswitch://domains/LakesideDental.12345.service/vips";
    let (_, content) = read(&mut wire, uri).await;
    let list: Value = serde_json::from_str(content["text"].as_str().unwrap()).unwrap();
    assert_eq!(list["total"], 6);
}

#[tokio::test]
async fn a_list_too_long_for_a_resource_says_how_long_it_is() {
    let sandbox = sandbox_of(Tenant::with_routes(5_100)).await;
    let mut wire = Wire::ready(&Home::of(&sandbox), &[], Era::Modern, false).await;
    let uri = format!("skyswitch://domains/{}/vips", sandbox::SCALE_DOMAIN);
    let (_, content) = read(&mut wire, &uri).await;
    let list: Value = serde_json::from_str(content["text"].as_str().unwrap()).unwrap();
    assert_eq!(list["count"], 5_000);
    assert_eq!(list["total"], 5_100);
    let rest = json!({
        "domain": sandbox::SCALE_DOMAIN, "cursor": list["next_cursor"], "limit": 500,
    });
    let rest = wire.call("list_vips", rest).await;
    assert_eq!(rest["structuredContent"]["count"], 100);
}

#[tokio::test]
async fn what_no_uri_names_is_not_found_and_asks_nobody() {
    let sandbox = demo_sandbox().await;
    for era in ERAS {
        let mut wire = Wire::ready(&Home::of(&sandbox), &[], era, false).await;
        for uri in [
            "skyswitch://domains/",
            "skyswitch://domains/no domain/vips",
            "skyswitch://domains/../vips",
            "skyswitch://domains/a%2Fb/vips",
            "skyswitch://domains//vips",
            "skyswitch://domains/{domain}/vips",
            "skyswitch://domains/acme.12345.service",
            "skyswitch://domains/acme.12345.service/vips/",
            "skyswitch://domains/acme.12345.service/faxes",
            "skyswitch://guide",
            "skill://boundary-onboarding",
            "file:///etc/passwd",
            "",
        ] {
            let error = read_error(&mut wire, uri).await;
            assert_eq!(error["code"], not_found(era), "{uri}: {error}");
            assert_eq!(error["data"]["uri"], uri);
        }
    }
    assert!(sandbox.requests().is_empty());
}

#[tokio::test]
async fn resources_follow_the_tools_that_the_operator_offers() {
    let sandbox = demo_sandbox().await;
    for era in ERAS {
        let arguments = ["--tools", "setup_checklist"];
        let mut wire = Wire::ready(&Home::of(&sandbox), &arguments, era, false).await;
        let fixed = wire.request("resources/list", json!({})).await;
        assert_eq!(uris(&fixed["result"]["resources"], "uri"), [GUIDE]);
        let templates = wire.request("resources/templates/list", json!({})).await;
        assert_eq!(
            uris(&templates["result"]["resourceTemplates"], "uriTemplate"),
            ["skyswitch://domains/{domain}/checklist"]
        );
        for uri in [DOMAINS.to_owned(), of_domain("vips")] {
            let error = read_error(&mut wire, &uri).await;
            assert_eq!(error["code"], not_found(era), "{error}");
        }
    }
    assert!(sandbox.requests().is_empty());
}

#[tokio::test]
async fn a_failing_service_is_an_error_with_message_and_hint_and_without_secrets() {
    for era in ERAS {
        let sandbox = demo_sandbox().await;
        let home = Home::of(&sandbox);
        let mut wire = Wire::ready(&home, &[], era, false).await;
        let token = home.run(&["token", "--quiet"]).await.stdout;
        let token = token.trim();
        assert!(!token.is_empty());
        let echo = json!({"message": format!("Not as Bearer {token} with this role.")});
        let fault = Fault::status("GET", "domains", 403);
        sandbox.inject(fault.body(&echo.to_string(), "application/json"));
        let error = read_error(&mut wire, DOMAINS).await;
        assert_eq!(error["code"], -32603, "{error}");
        assert_eq!(error["data"]["error"]["code"], "forbidden");
        assert_eq!(error["data"]["error"]["status"], 403);
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("with this role."), "{message}");
        let hint = error["data"]["error"]["hint"].as_str().unwrap();
        assert!(!hint.is_empty() && message.contains(hint), "{message}");
        assert!(!error.to_string().contains(token), "{error}");
        read(&mut wire, DOMAINS).await;
    }
}

#[tokio::test]
async fn without_credentials_the_guide_is_read_and_other_reads_name_the_variables() {
    for era in ERAS {
        let mut wire = Wire::ready(&Home::bare(), &[], era, false).await;
        let list = wire.request("resources/list", json!({})).await;
        assert_eq!(uris(&list["result"]["resources"], "uri"), [DOMAINS, GUIDE]);
        read(&mut wire, GUIDE).await;
        for uri in [
            DOMAINS.to_owned(),
            of_domain("vips"),
            of_domain("checklist"),
        ] {
            let error = read_error(&mut wire, &uri).await;
            assert_eq!(error["data"]["error"]["code"], "not_configured");
            assert!(error.to_string().contains("SKYSWITCH_"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_broken_config_file_is_told_by_the_read() {
    let home = Home::bare().with_config("{\"password\": \"hush-hush\", ");
    let mut wire = Wire::ready(&home, &[], Era::Modern, false).await;
    let error = read_error(&mut wire, DOMAINS).await;
    assert_eq!(error["code"], -32603);
    assert!(error.to_string().contains("config.json"), "{error}");
    assert!(!error.to_string().contains("hush-hush"), "{error}");
}

#[tokio::test]
async fn a_cancelled_read_is_not_answered_and_the_end_of_input_ends_a_slow_one() {
    for era in ERAS {
        let sandbox = demo_sandbox().await;
        let slow = || Fault::delay("GET", "route-by-ani", Duration::from_secs(600));
        let mut wire = Wire::ready(&Home::of(&sandbox), &[], era, false).await;
        sandbox.inject(slow());
        let params = json!({"uri": of_domain("vips")});
        let cancelled = wire.post("resources/read", params.clone()).await;
        eventually("the slow read reaches the service", || {
            received(&sandbox).len() == 1
        })
        .await;
        wire.send(json!({
            "jsonrpc": "2.0", "method": "notifications/cancelled",
            "params": {"requestId": cancelled, "reason": "no longer wanted"},
        }))
        .await;
        read(&mut wire, DOMAINS).await;

        sandbox.inject(slow());
        wire.post("resources/read", params).await;
        eventually("the second slow read reaches the service", || {
            received(&sandbox).len() == 3
        })
        .await;
        wire.close_input();
        let ended = wire.ended_within(PROMPT).await;
        assert!(ended.status.success(), "{ended:?}");
        assert!(!answered(&ended.rest).contains(&cancelled), "{ended:?}");
    }
}

#[tokio::test]
async fn the_skill_is_the_guide_with_a_frontmatter_and_its_digest_holds() {
    for era in ERAS {
        let mut wire = Wire::ready(&Home::bare(), &[], era, false).await;
        let list = wire.request("skills/list", json!({})).await;
        let [skill] = list["result"]["skills"].as_array().unwrap().as_slice() else {
            panic!("not one skill: {list}");
        };
        let got = wire.request("skills/get", json!({ "uri": SKILL })).await;
        assert_eq!(got["result"]["skill"], *skill);
        assert_eq!(skill["uri"], SKILL);
        let file: SkillResource = serde_json::from_value(skill["resources"][0].clone()).unwrap();
        assert_eq!(file.uri, SKILL);
        let (_, content) = read(&mut wire, SKILL).await;
        assert_eq!(content["mimeType"], "text/markdown");
        let text = content["text"].as_str().unwrap();
        file.verify(text.as_bytes()).expect("size and digest hold");
        let name = skill["frontmatter"]["name"].as_str().unwrap();
        let description = skill["frontmatter"]["description"].as_str().unwrap();
        assert!(description.len() <= 1024);
        let plain = !description.contains(": ") && !description.contains(" #");
        assert!(plain, "needs quotes in YAML: {description}");
        let (_, guide) = read(&mut wire, GUIDE).await;
        assert_eq!(guide["mimeType"], "text/markdown");
        let guide = guide["text"].as_str().unwrap();
        assert_eq!(
            text,
            format!("---\nname: {name}\ndescription: {description}\n---\n\n{guide}")
        );
        let other = json!({"uri": "skill://other/SKILL.md"});
        let answer = wire.request("skills/get", other).await;
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
    }
}
