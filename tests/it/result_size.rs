//! Results are small: a model pays for every byte, and some clients read lines
//! of at most 64 KiB.

use serde_json::{Value, json};
use skyswitch_mcp::sandbox::Sandbox;

use crate::support::process::{DOMAIN, Home};
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
