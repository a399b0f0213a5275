//! Results are small, for a model pays for every byte and some clients read lines
//! of at most 64 KiB, and both forms of them carry the same facts.

use jiff::Timestamp;
use jiff::tz::Offset;
use serde_json::{Value, json};
use skyswitch_mcp::sandbox::{Sandbox, Tenant};

use crate::support::page;
use crate::support::process::{DOMAIN, Home, received};
use crate::support::protocol::{ERAS, Wire};
use crate::support::tenant_of;

/// Most bytes of a result, both forms together.
const RESULT: usize = 40_000;

fn caller(n: usize) -> String {
    format!("1616777{n:04}")
}

/// A customer with many VIP rules.
async fn many_rules(rules: usize) -> Sandbox {
    let callers: Vec<String> = (0..rules).map(caller).collect();
    let pairs: Vec<(&str, &str)> = callers.iter().map(|ani| (ani.as_str(), "101")).collect();
    Sandbox::start(0, tenant_of(&pairs)).await.unwrap()
}

fn text_of(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap()
}

#[tokio::test]
async fn a_page_ends_before_its_result_exceeds_the_budget_and_the_next_goes_on() {
    let sandbox = many_rules(500).await;
    for era in ERAS {
        let mut wire = Wire::ready(&Home::of(&sandbox), &[], era, false).await;
        let mut listed = Vec::new();
        let mut arguments = json!({"domain": DOMAIN, "limit": 500});
        loop {
            let result = wire.call("list_vips", arguments.clone()).await;
            assert!(
                result.to_string().len() <= RESULT,
                "{}",
                result.to_string().len()
            );
            let page = &result["structuredContent"];
            let vips = page["vips"].as_array().unwrap();
            assert!(vips.len() > 50, "{}", vips.len());
            listed.extend(
                vips.iter()
                    .map(|vip| vip["ani"].as_str().unwrap().to_owned()),
            );
            let Some(next) = page["next_cursor"].as_str() else {
                break;
            };
            arguments["cursor"] = json!(next);
        }
        assert_eq!(listed, (0..500).map(caller).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_change_costs_few_tokens_and_says_nothing_twice() {
    let sandbox = many_rules(0).await;
    let home = Home::of(&sandbox).with("SKYSWITCH_RATE_LIMIT", "0");
    let rows: String = (0..40).map(|n| format!("{},101\n", caller(n))).collect();
    let file = home.write("list.csv", &format!("ani,destination\n{rows}"));
    let file = file.to_str().unwrap();
    let words = ["vip", "import", file, "--domain", DOMAIN, "--yes", "--json"];
    let applied = home.run(&words).await.json();
    assert_eq!(applied["rows"], json!([]), "what was made is only counted");
    assert_eq!(applied["done"]["made"], 40);

    for era in ERAS {
        let mut wire = Wire::ready(&home, &[], era, false).await;
        let arguments = json!({"run_id": applied["run_id"], "domain": DOMAIN});
        let result = wire.call("list_changes", arguments).await;
        let changes = result["structuredContent"]["changes"].as_array().unwrap();
        assert_eq!(changes.len(), 40);
        for change in changes {
            let length = change.to_string().len();
            assert!(length <= 240, "60 tokens are about 240 bytes: {change}");
            for twice in ["domain", "run_id", "after", "request_id", "made"] {
                assert!(change.get(twice).is_none(), "{twice}: {change}");
            }
        }
        let text = text_of(&result);
        assert!(text.len() / changes.len() <= 240, "{text}");
        for fact in ["change_id", "asked_by"] {
            let fact = changes[0][fact].as_str().unwrap();
            assert!(text.contains(fact), "{fact}: {text}");
        }
    }
}

#[tokio::test]
async fn a_long_plan_is_cut_to_the_budget_and_says_how_much_is_left_out() {
    let sandbox = many_rules(0).await;
    let rows: String = (0..2_000).map(|n| format!("{},101\n", caller(n))).collect();
    for era in ERAS {
        let mut wire = Wire::ready(&Home::of(&sandbox), &[], era, false).await;
        let arguments = json!({
            "domain": DOMAIN,
            "list": format!("ani,destination\n{rows}"),
            "dry_run": true,
        });
        let result = wire.call("sync_vips", arguments).await;
        assert!(
            result.to_string().len() <= RESULT,
            "{}",
            result.to_string().len()
        );
        let plan = &result["structuredContent"];
        let shown = plan["rows"].as_array().unwrap().len();
        assert_eq!(plan["rows_left_out"], 2_000 - shown);
        assert!(shown > 100, "{shown}");
    }
}

#[tokio::test]
async fn the_text_form_carries_the_facts_of_the_structured_one() {
    let sandbox = Sandbox::start(0, Tenant::demo()).await.unwrap();
    for era in ERAS {
        let mut wire = Wire::ready(&Home::of(&sandbox), &[], era, false).await;
        let removal = json!({"domain": DOMAIN, "ani": "16165550123"});
        let waiting = wire.call("remove_vip", removal).await;
        let checklist = wire
            .call("setup_checklist", json!({"domain": DOMAIN}))
            .await;
        let expires: Timestamp = waiting["structuredContent"]["expires_at"]
            .as_str()
            .and_then(|moment| moment.parse().ok())
            .unwrap();
        let expires = format!(
            "This question expires in 5 minutes (at {} UTC).",
            expires.strftime("%H:%M")
        );
        assert!(text_of(&waiting).contains(&expires), "{waiting}");
        for step in checklist["structuredContent"]["steps"].as_array().unwrap() {
            let id = step["id"].as_str().unwrap();
            assert!(text_of(&checklist).contains(id), "{id}: {checklist}");
        }
    }
}

#[tokio::test]
async fn people_read_times_in_the_time_zone_of_their_machine_and_programs_in_utc() {
    let sandbox = Sandbox::start(0, Tenant::demo()).await.unwrap();
    let home = Home::of(&sandbox).with("TZ", "Asia/Kolkata");
    let local = |moment: &Value, format: &str| {
        let moment: Timestamp = moment.as_str().unwrap().parse().unwrap();
        let india = Offset::from_seconds(5 * 3_600 + 1_800).unwrap();
        moment
            .to_zoned(india.to_time_zone())
            .strftime(format)
            .to_string()
    };
    let words = ["--ani", "6165550177", "--domain", DOMAIN];
    home.run(&[&["vip", "add", "--destination", "101"], &words[..]].concat())
        .await;
    let change = home.run(&["changes", "--json"]).await.json()["changes"][0].clone();
    let started_at = local(&change["started_at"], "1: %Y-%m-%d %H:%M, done");
    let changes = home.run(&["changes"]).await;
    assert!(changes.stdout.contains(&started_at), "{changes:?}");

    let mut wire = Wire::ready(&home, &[], ERAS[0], false).await;
    let removal = json!({"domain": DOMAIN, "ani": "16165550123"});
    let waiting = wire.call("remove_vip", removal).await;
    let expires_at = &waiting["structuredContent"]["expires_at"];
    assert!(expires_at.as_str().unwrap().ends_with('Z'), "{waiting}");
    let expires = local(expires_at, "in 5 minutes (at %H:%M)");
    let sentence = format!("This question expires {expires}.");
    assert!(text_of(&waiting).contains(&sentence), "{waiting}");
    let link = waiting["structuredContent"]["approval_link"].as_str();
    let page = page::get(&link.unwrap().parse().unwrap()).await.unwrap();
    assert!(page.body.contains(&sentence), "{}", page.body);
    let listed = home.run(&["approve"]).await;
    assert!(listed.stdout.contains(&expires), "{listed:?}");
}

#[tokio::test]
async fn customers_and_people_are_named_where_an_earlier_answer_says_who_they_are() {
    let sandbox = Sandbox::start(0, Tenant::demo()).await.unwrap();
    for era in ERAS {
        let mode = ["--confirm", "token"];
        let mut wire = Wire::ready(&Home::of(&sandbox), &mode, era, false).await;
        wire.call("list_domains", json!({})).await;
        let vip = json!({"domain": DOMAIN, "ani": "16165550177", "destination": "101"});
        let added = wire.call("add_vip", vip).await;
        let calls = format!("calls from +1 616-555-0177 to Lakeside Dental ({DOMAIN})");
        let sentence = format!("Added: {calls} now go to Maya Lindgren (101).");
        assert!(text_of(&added).starts_with(&sentence), "{added}");
        let mut call = json!({"domain": DOMAIN, "ani": "16165550177"});
        let explained = wire.call("explain_call", call.clone()).await;
        let goes = "the call goes to Maya Lindgren (101).";
        assert!(text_of(&explained).contains(goes), "{explained}");
        let waiting = wire.call("remove_vip", call.clone()).await;
        call["confirmation"] = waiting["structuredContent"]["confirmation"].clone();
        let removed = wire.call("remove_vip", call).await;
        let sentence = format!("Removed: the VIP rule that sent {calls} to Maya Lindgren (101).");
        assert!(text_of(&removed).starts_with(&sentence), "{removed}");
    }
    let asked = received(&sandbox);
    let names = ["GET domains", "GET subscribers"];
    let lists = names.map(|name| asked.iter().filter(|request| *request == name).count());
    assert_eq!(lists, [ERAS.len(), ERAS.len()], "{asked:?}");
}

#[tokio::test]
async fn two_writings_of_one_number_can_be_told_apart_in_the_text() {
    let tenant = tenant_of(&[("16165550123", "101"), ("6165550123", "102")]);
    let sandbox = Sandbox::start(0, tenant).await.unwrap();
    let home = Home::of(&sandbox);
    let mut wire = Wire::ready(&home, &[], ERAS[0], false).await;
    let listed = wire.call("list_vips", json!({"domain": DOMAIN})).await;
    let text = text_of(&listed);
    assert!(text.contains("+1 616-555-0123 -> user 101"), "{text}");
    let other = "+1 616-555-0123 (stored as \"6165550123\") -> user 102";
    assert!(text.contains(other), "{text}");
}

#[tokio::test]
async fn a_hint_names_the_tool_or_the_command_of_whoever_asked() {
    let sandbox = Sandbox::start(0, Tenant::demo()).await.unwrap();
    let home = Home::of(&sandbox);
    let by_command = home.run(&["undo", "999", "--yes"]).await;
    assert!(
        by_command.stderr.contains("`skyswitch changes`"),
        "{by_command:?}"
    );
    assert!(
        !by_command.stderr.contains("list_changes"),
        "{by_command:?}"
    );
    for era in ERAS {
        let mut wire = Wire::ready(&home, &[], era, false).await;
        let by_tool = wire.call("undo_change", json!({"change_id": "999"})).await;
        let text = text_of(&by_tool);
        assert!(text.contains("list_changes"), "{text}");
        assert!(!text.contains("skyswitch "), "{text}");
    }
}

#[tokio::test]
async fn what_was_done_is_one_sentence_with_the_command_that_undoes_it() {
    let sandbox = Sandbox::start(0, Tenant::demo()).await.unwrap();
    let home = Home::of(&sandbox);
    let words = ["--ani", "6165550177", "--domain", DOMAIN];
    let adding = [&["vip", "add", "--destination", "101"], &words[..]].concat();
    let added = home.run(&adding).await;
    let sentence = format!(
        "Added: calls from +1 616-555-0177 to Lakeside Dental ({DOMAIN}) now go to Maya Lindgren (101). Undo: `skyswitch undo 1`."
    );
    assert_eq!(added.stdout.trim_end(), sentence, "{added:?}");
    let removed = home
        .run(&[&["vip", "remove", "--yes"], &words[..]].concat())
        .await;
    assert!(
        removed.stdout.contains("Undo: `skyswitch undo 2`."),
        "{removed:?}"
    );
    let again = home
        .run(&[&["vip", "remove", "--yes"], &words[..]].concat())
        .await;
    assert!(
        again
            .stdout
            .starts_with("Not found: this caller has no such VIP rule"),
        "{again:?}"
    );
}
