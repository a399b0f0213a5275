//! Completion of domain names, and how seldom it asks the service.

use serde_json::{Value, json};
use skyswitch_mcp::sandbox::{Fault, Tenant};

use crate::support::process::{DOMAIN, Home, demo_sandbox, received, sandbox_of};
use crate::support::protocol::{ERAS, Era, Wire};

const VIPS: &str = "skyswitch://domains/{domain}/vips";

fn prompt(name: &str) -> Value {
    json!({"type": "ref/prompt", "name": name})
}

fn template(uri: &str) -> Value {
    json!({"type": "ref/resource", "uri": uri})
}

async fn completed(wire: &mut Wire, reference: &Value, argument: &str, typed: &str) -> Value {
    let argument = json!({"name": argument, "value": typed});
    let params = json!({"ref": reference, "argument": argument});
    let answer = wire.request("completion/complete", params).await;
    assert!(answer.get("result").is_some(), "no result: {answer}");
    answer["result"]["completion"].clone()
}

#[tokio::test]
async fn domains_are_completed_for_prompts_and_templates_with_one_request() {
    for era in ERAS {
        let sandbox = demo_sandbox().await;
        let mut wire = Wire::ready(&Home::of(&sandbox), &[], era, false).await;
        for reference in [
            prompt("onboard_customer"),
            prompt("review_vips"),
            prompt("why_is_this_caller_not_ringing"),
            template(VIPS),
            template("skyswitch://domains/{domain}/checklist"),
        ] {
            let names = completed(&mut wire, &reference, "domain", "LAKE").await;
            assert_eq!(
                names,
                json!({"values": [DOMAIN], "total": 1, "hasMore": false})
            );
        }
        // `12345` is within every name, `su` at the start of one.
        let all = completed(&mut wire, &template(VIPS), "domain", "12345").await;
        assert_eq!(all["total"], 5);
        let some = completed(&mut wire, &template(VIPS), "domain", "su").await;
        assert_eq!(some["values"], json!(["sunrisebakery.12345.service"]));
        let none = completed(&mut wire, &template(VIPS), "domain", "nobody").await;
        assert_eq!(none["values"], json!([]));
        assert_eq!(received(&sandbox), ["GET domains"]);
    }
}

#[tokio::test]
async fn at_most_a_hundred_names_come_back_and_the_rest_is_counted() {
    let many = (0..150).fold(Tenant::empty(), |tenant, number| {
        tenant.domain(&format!("customer{number}.12345.service"), "A customer")
    });
    let sandbox = sandbox_of(many).await;
    let mut wire = Wire::ready(&Home::of(&sandbox), &[], Era::Modern, false).await;
    let names = completed(&mut wire, &template(VIPS), "domain", "").await;
    assert_eq!(names["values"].as_array().unwrap().len(), 100);
    assert_eq!(names["total"], 150);
    assert_eq!(names["hasMore"], true);
}

#[tokio::test]
async fn other_arguments_have_no_completion_and_ask_nobody() {
    let sandbox = demo_sandbox().await;
    let mut wire = Wire::ready(&Home::of(&sandbox), &[], Era::Legacy, false).await;
    for (reference, argument) in [
        (prompt("onboard_customer"), "did"),
        (prompt("why_is_this_caller_not_ringing"), "ani"),
        (template("skyswitch://domains"), "anything"),
    ] {
        let names = completed(&mut wire, &reference, argument, "6").await;
        assert_eq!(names["values"], json!([]));
    }
    assert!(sandbox.requests().is_empty());
}

#[tokio::test]
async fn a_service_that_fails_completes_nothing_and_is_left_alone_for_a_while() {
    for era in ERAS {
        let sandbox = demo_sandbox().await;
        sandbox.inject(Fault::status("GET", "domains", 403));
        let mut wire = Wire::ready(&Home::of(&sandbox), &[], era, false).await;
        for typed in ["l", "la", "lak"] {
            let names = completed(&mut wire, &template(VIPS), "domain", typed).await;
            assert_eq!(names["values"], json!([]));
        }
        assert_eq!(received(&sandbox), ["GET domains"]);
    }
}

#[tokio::test]
async fn without_credentials_or_without_list_domains_nothing_is_completed() {
    let mut wire = Wire::ready(&Home::bare(), &[], Era::Legacy, false).await;
    let names = completed(&mut wire, &template(VIPS), "domain", "l").await;
    assert_eq!(names["values"], json!([]));

    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let mut wire = Wire::ready(&home, &["--tools", "list_vips"], Era::Legacy, false).await;
    let names = completed(&mut wire, &template(VIPS), "domain", "l").await;
    assert_eq!(names["values"], json!([]));
    assert!(sandbox.requests().is_empty());
}

#[tokio::test]
async fn what_is_not_listed_cannot_be_completed() {
    let home = Home::bare();
    for era in ERAS {
        let mut wire = Wire::ready(&home, &["--read-only"], era, false).await;
        for reference in [
            prompt("drop_tables"),
            prompt("onboard_customer"),
            template("skyswitch://{anything}"),
        ] {
            let argument = json!({"name": "domain", "value": "l"});
            let params = json!({"ref": reference, "argument": argument});
            let answer = wire.request("completion/complete", params).await;
            assert_eq!(answer["error"]["code"], -32602, "{answer}");
        }
    }
}
