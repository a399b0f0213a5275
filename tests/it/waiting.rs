//! A call waits for a person who decides on the page or at a terminal, so that
//! nobody has to tell the assistant to go on.

use serde_json::{Value, json};
use url::Url;

use crate::support::page::{Reply, host, raw};
use crate::support::process::{
    CALLER, DOMAIN, Home, PROMPT, demo_sandbox, eventually, received, stored, writes,
};
use crate::support::protocol::{ERAS, LEGACY, Wire};

/// Where a call waits for as long as it may.
fn patient(home: Home) -> Home {
    home.with("SKYSWITCH_APPROVAL_WAIT", "55")
}

fn arguments() -> Value {
    json!({"ani": CALLER, "domain": DOMAIN})
}

/// What a browser sends from the page.
async fn decide(link: &str, body: &str) -> Reply {
    let link = Url::parse(link).unwrap();
    let request = format!(
        "POST {} HTTP/1.1\r\nHost: {h}\r\nOrigin: http://{h}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{body}",
        link.path(),
        body.len(),
        h = host(&link)
    );
    raw(&link, &request).await.unwrap()
}

fn approving() -> String {
    format!("confirm={CALLER}&decision=approve")
}

#[tokio::test]
async fn the_second_call_waits_and_makes_the_change_that_is_approved_meanwhile() {
    for era in ERAS {
        for (decision, status) in [
            (approving(), "removed"),
            ("decision=decline".to_owned(), "declined"),
        ] {
            let sandbox = demo_sandbox().await;
            let home = patient(Home::of(&sandbox));
            let mut wire = Wire::ready(&home, &[], era, false).await;
            // Nobody can know of it yet: the person learns of it from this result.
            let first = wire.call("remove_vip", arguments()).await;
            let asked = &first["structuredContent"];
            assert_eq!(asked["status"], "confirmation_required", "{asked}");
            let next_step = asked["next_step"].as_str().unwrap();
            assert!(
                next_step.contains("it waits up to 55 seconds"),
                "{next_step}"
            );

            let before = received(&sandbox).len();
            let waits = wire.post_call("remove_vip", arguments()).await;
            eventually("the second call has read the rules", || {
                received(&sandbox).len() > before
            })
            .await;
            assert_eq!(writes(&sandbox), []);
            decide(asked["approval_link"].as_str().unwrap(), &decision).await;
            let result = wire.result_of(waits).await;
            assert_eq!(result["structuredContent"]["status"], status, "{result}");
            assert_eq!(stored(&sandbox, CALLER).is_empty(), status == "removed");
        }
    }
}

#[tokio::test]
async fn a_call_that_can_tell_the_person_waits_at_once_and_an_approval_at_a_terminal_ends_it() {
    let sandbox = demo_sandbox().await;
    let home = patient(Home::of(&sandbox));
    let mut wire = Wire::ready(&home, &[], ERAS[0], false).await;
    let params =
        json!({"name": "remove_vip", "arguments": arguments(), "_meta": {"progressToken": "p"}});
    let waits = wire.post("tools/call", params).await;
    let notice = wire.notified("notifications/progress").await;
    let message = notice["params"]["message"].as_str().unwrap();
    assert!(message.contains("http://127.0.0.1:"), "{notice}");
    let (_, code) = message.split_once("skyswitch approve ").unwrap();
    let code = code.trim_end_matches('`');
    let Some(approved) = home
        .run_at_terminal(&["approve", code], Some(("to decline", CALLER)))
        .await
    else {
        return;
    };
    assert_eq!(approved.code, 0, "{approved:?}");
    let result = wire.result_of(waits).await;
    assert_eq!(result["structuredContent"]["status"], "removed", "{result}");
}

#[tokio::test]
async fn an_import_waits_too_and_counts_its_rows_after_that() {
    let sandbox = demo_sandbox().await;
    let home = patient(Home::of(&sandbox));
    let mut wire = Wire::ready(&home, &[], ERAS[0], false).await;
    let list = "ani,destination\n6165550131,101\n6165550132,102\n";
    let arguments = json!({"domain": DOMAIN, "list": list});
    let params =
        json!({"name": "sync_vips", "arguments": arguments, "_meta": {"progressToken": "p"}});
    let waits = wire.post("tools/call", params).await;
    let notice = wire.notified("notifications/progress").await;
    let message = notice["params"]["message"].as_str().unwrap();
    let link = message
        .split_whitespace()
        .find(|word| word.starts_with("http"));
    decide(link.unwrap(), "confirm=2&decision=approve").await;
    let result = wire.result_of(waits).await;
    assert_eq!(result["structuredContent"]["status"], "applied", "{result}");
    let ended = wire.finish().await;
    let counted = ended.stdout.matches("notifications/progress").count();
    assert!(counted > 1, "{}", ended.stdout);
}

#[tokio::test]
async fn a_call_whose_question_another_call_replaced_ends_and_does_not_ask_again() {
    let sandbox = demo_sandbox().await;
    let home = patient(Home::of(&sandbox));
    let mut wire = Wire::ready(&home, &[], ERAS[0], false).await;
    let mut posted = Vec::new();
    let mut asked = Vec::new();
    // The same rule with another note is the same change in other words.
    for note in ["first", "second"] {
        let arguments =
            json!({"ani": CALLER, "domain": DOMAIN, "destination": "102", "note": note});
        let params =
            json!({"name": "add_vip", "arguments": arguments, "_meta": {"progressToken": note}});
        posted.push(wire.post("tools/call", params).await);
        // The first call may tell again that it waits.
        let notice = loop {
            let notice = wire.notified("notifications/progress").await;
            if notice["params"]["progressToken"] == note {
                break notice;
            }
        };
        asked.push(notice["params"]["message"].as_str().unwrap().to_owned());
    }
    let first = wire.result_of(posted[0]).await["structuredContent"].clone();
    assert_eq!(first["status"], "confirmation_required", "{first}");
    let code = first["approval_code"].as_str().unwrap();
    assert!(asked[0].contains(code), "{first}");
    // Nobody has taken the question of the second one away.
    let link = asked[1]
        .split_whitespace()
        .find(|word| word.starts_with("http"));
    decide(link.unwrap(), "decision=decline").await;
    let second = wire.result_of(posted[1]).await["structuredContent"].clone();
    assert_eq!(second["status"], "declined", "{second}");
    assert_eq!(writes(&sandbox), []);
}

#[tokio::test]
async fn a_client_that_never_says_what_became_of_the_link_keeps_no_approved_change_waiting() {
    let sandbox = demo_sandbox().await;
    let home = patient(Home::of(&sandbox));
    let mut wire = Wire::start(&home, &[]);
    wire.initialize(LEGACY, json!({"elicitation": {"url": {}}}))
        .await;
    let waits = wire.post_call("remove_vip", arguments()).await;
    let offered = wire.asked("elicitation/create").await;
    decide(offered["params"]["url"].as_str().unwrap(), &approving()).await;
    let result = wire.result_of(waits).await;
    assert_eq!(result["structuredContent"]["status"], "removed", "{result}");
    let withdrawn = wire.notified("notifications/cancelled").await;
    assert_eq!(withdrawn["params"]["requestId"], offered["id"]);
}

#[tokio::test]
async fn after_the_wait_the_same_call_acts_later() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox).with("SKYSWITCH_APPROVAL_WAIT", "0.05");
    let mut wire = Wire::ready(&home, &[], ERAS[0], false).await;
    let first = wire.call("remove_vip", arguments()).await;
    let second = wire.call("remove_vip", arguments()).await;
    for part in ["status", "approval_code", "approval_link"] {
        assert_eq!(
            first["structuredContent"][part], second["structuredContent"][part],
            "{second}"
        );
    }
    let link = first["structuredContent"]["approval_link"].as_str();
    decide(link.unwrap(), &approving()).await;
    let third = wire.call("remove_vip", arguments()).await;
    assert_eq!(third["structuredContent"]["status"], "removed", "{third}");
}

#[tokio::test]
async fn a_call_that_is_cancelled_or_whose_server_ends_waits_no_longer() {
    let sandbox = demo_sandbox().await;
    let home = patient(Home::of(&sandbox));
    let mut wire = Wire::ready(&home, &[], ERAS[0], false).await;
    let asked = wire.call("remove_vip", arguments()).await["structuredContent"].clone();
    let before = received(&sandbox).len();
    let waits = wire.post_call("remove_vip", arguments()).await;
    eventually("the second call has read the rules", || {
        received(&sandbox).len() > before
    })
    .await;
    let cancelled = json!({"requestId": waits, "reason": "changed my mind"});
    wire.send(json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancelled}))
        .await;
    // Answered after the cancellation was read.
    wire.request("ping", json!({})).await;
    decide(asked["approval_link"].as_str().unwrap(), &approving()).await;
    wire.request("ping", json!({})).await;
    assert_eq!(writes(&sandbox), []);
    let acts = wire.call("remove_vip", arguments()).await;
    assert_eq!(acts["structuredContent"]["status"], "removed", "{acts}");

    let other = json!({"ani": "16165550124", "domain": DOMAIN});
    wire.call("remove_vip", other.clone()).await;
    wire.post_call("remove_vip", other).await;
    wire.close_input();
    let ended = wire.ended_within(PROMPT).await;
    assert!(ended.status.success(), "{ended:?}");
}

#[tokio::test]
async fn how_long_a_call_waits_is_a_number_of_seconds_below_a_minute() {
    let home = Home::bare().with("SKYSWITCH_APPROVAL_WAIT", "60");
    let ran = home.run(&["vip", "list"]).await;
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.stderr.contains("SKYSWITCH_APPROVAL_WAIT"), "{ran:?}");
    let home = Home::bare()
        .without("SKYSWITCH_APPROVAL_WAIT")
        .with_config(r#"{"approval_wait": -1}"#);
    let ran = home.run(&["vip", "list"]).await;
    assert!(ran.stderr.contains("approval_wait"), "{ran:?}");
}
