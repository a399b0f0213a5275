//! A call waits for a person who decides on the page or at a terminal, so that
//! nobody has to tell the assistant to go on.

use std::pin::Pin;
use std::time::Duration;

use serde_json::{Value, json};
use skyswitch_mcp::guard::{Channel, OfferLink, Offered, Preview};
use skyswitch_mcp::ops::RemoveVipStatus;
use skyswitch_mcp::sandbox::Sandbox;
use url::Url;

use crate::support::page::{Reply, host, raw};
use crate::support::process::{
    CALLER, DOMAIN, Home, PROMPT, demo_sandbox, eventually, received, stored, writes,
};
use crate::support::protocol::{ERAS, LEGACY, Wire};
use crate::support::{Bench, DENTAL, remove, removing};

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

            let waits = post_and_read(&mut wire, &sandbox).await;
            assert_eq!(writes(&sandbox), []);
            decide(asked["approval_link"].as_str().unwrap(), &decision).await;
            let result = wire.result_of(waits).await;
            assert_eq!(result["structuredContent"]["status"], status, "{result}");
            assert_eq!(stored(&sandbox, CALLER).is_empty(), status == "removed");
        }
    }
}

/// Posts a call that wants to be told how far it is.
async fn post_with_token(wire: &mut Wire, tool: &str, arguments: &Value, token: &str) -> u64 {
    let meta = json!({ "progressToken": token });
    let params = json!({"name": tool, "arguments": arguments, "_meta": meta});
    wire.post("tools/call", params).await
}

/// Asks once, as nobody can know of it yet, and gives the result.
async fn asked_first(wire: &mut Wire, tool: &str, arguments: &Value, token: &str) -> Value {
    let first = post_with_token(wire, tool, arguments, token).await;
    let asked = wire.result_of(first).await["structuredContent"].clone();
    assert_eq!(asked["status"], "confirmation_required", "{asked}");
    asked
}

/// The same once more, which waits and tells what to show the person.
async fn told(wire: &mut Wire, tool: &str, arguments: &Value) -> (u64, String) {
    let waits = post_with_token(wire, tool, arguments, "b").await;
    let notice = wire.notified("notifications/progress").await;
    assert_eq!(notice["params"]["progressToken"], "b", "{notice}");
    let message = notice["params"]["message"].as_str().unwrap();
    (waits, message.to_owned())
}

/// Posts the call that waits, and comes back once it has read the rules.
async fn post_and_read(wire: &mut Wire, sandbox: &Sandbox) -> u64 {
    let before = received(sandbox).len();
    let waits = wire.post_call("remove_vip", arguments()).await;
    eventually("the second call has read the rules", || {
        received(sandbox).len() > before
    })
    .await;
    waits
}

/// A call whose client is offered the link for the person, and that offer.
async fn offered(home: &Home) -> (Wire, u64, Value) {
    let mut wire = Wire::start(home, &[]);
    wire.initialize(LEGACY, json!({"elicitation": {"url": {}}}))
        .await;
    let waits = wire.post_call("remove_vip", arguments()).await;
    let offered = wire.asked("elicitation/create").await;
    (wire, waits, offered)
}

#[tokio::test]
async fn progress_shows_nobody_anything_so_the_first_call_answers_and_the_second_tells_and_waits() {
    let sandbox = demo_sandbox().await;
    let home = patient(Home::of(&sandbox));
    let mut wire = Wire::ready(&home, &[], ERAS[0], false).await;
    let asked = asked_first(&mut wire, "remove_vip", &arguments(), "a").await;
    assert!(asked["approval_link"].is_string(), "{asked}");
    let (waits, message) = told(&mut wire, "remove_vip", &arguments()).await;
    assert!(message.contains("http://127.0.0.1:"), "{message}");
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
async fn a_call_waits_at_once_where_the_client_has_brought_the_link_before_the_person() {
    let sandbox = demo_sandbox().await;
    let home = patient(Home::of(&sandbox));
    let (mut wire, waits, offered) = offered(&home).await;
    wire.send(json!({"jsonrpc": "2.0", "id": offered["id"], "result": {"action": "accept"}}))
        .await;
    decide(offered["params"]["url"].as_str().unwrap(), &approving()).await;
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
    asked_first(&mut wire, "sync_vips", &arguments, "a").await;
    let (waits, message) = told(&mut wire, "sync_vips", &arguments).await;
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
    // The same rule with another note is the same change in other words.
    let noted =
        |note: &str| json!({"ani": CALLER, "domain": DOMAIN, "destination": "102", "note": note});
    let asked = asked_first(&mut wire, "add_vip", &noted("first"), "a").await;
    let (waits, _) = told(&mut wire, "add_vip", &noted("first")).await;
    let other = wire.call("add_vip", noted("second")).await["structuredContent"].clone();
    assert_eq!(other["status"], "confirmation_required", "{other}");
    let first = wire.result_of(waits).await["structuredContent"].clone();
    assert_eq!(first["status"], "lapsed", "{first}");
    assert!(
        first["next_step"].as_str().unwrap().contains("replaced"),
        "{first}"
    );
    let dead = asked["approval_code"].as_str().unwrap();
    assert!(!first.to_string().contains(dead), "{first}");
    // Nobody has taken the question of the other one away.
    let waits = wire.post_call("add_vip", noted("second")).await;
    decide(other["approval_link"].as_str().unwrap(), "decision=decline").await;
    let second = wire.result_of(waits).await["structuredContent"].clone();
    assert_eq!(second["status"], "declined", "{second}");
    assert_eq!(writes(&sandbox), []);
}

#[tokio::test]
async fn a_client_that_never_says_what_became_of_the_link_keeps_no_approved_change_waiting() {
    let sandbox = demo_sandbox().await;
    let home = patient(Home::of(&sandbox));
    let (mut wire, waits, offered) = offered(&home).await;
    decide(offered["params"]["url"].as_str().unwrap(), &approving()).await;
    let result = wire.result_of(waits).await;
    assert_eq!(result["structuredContent"]["status"], "removed", "{result}");
    let withdrawn = wire.notified("notifications/cancelled").await;
    assert_eq!(withdrawn["params"]["requestId"], offered["id"]);
}

/// A client that never says what became of a link. Meanwhile time goes as fast as
/// whoever waits for it.
struct NeverSays;

struct Hurried;

impl Drop for Hurried {
    fn drop(&mut self) {
        tokio::time::resume();
    }
}

impl OfferLink for NeverSays {
    fn offer<'a>(
        &'a self,
        _: &'a Preview,
        _: &'a str,
    ) -> Pin<Box<dyn Future<Output = Offered> + Send + 'a>> {
        Box::pin(async {
            tokio::time::pause();
            let _hurried = Hurried;
            std::future::pending().await
        })
    }
}

#[tokio::test]
async fn a_call_that_waits_for_nobody_gives_the_link_itself_where_the_client_says_nothing_of_it() {
    let bench = Bench::demo().await;
    let app = bench.app();
    app.offer_approval_page();
    let channel = Channel::Elsewhere {
        confirmation: None,
        form_failed: false,
        links: Some(&NeverSays),
    };
    let rule = removing(CALLER, DENTAL);
    let call = remove(&app, &rule, &channel);
    // Clients give a call up after a minute.
    let asked = tokio::time::timeout(Duration::from_secs(50), call).await;
    let asked = asked.expect("the call ends").unwrap();
    assert_eq!(asked.status, RemoveVipStatus::ConfirmationRequired);
    assert!(asked.confirmation.approval_code.is_some(), "{asked:?}");
    assert!(asked.confirmation.approval_link.is_some(), "{asked:?}");
    bench.assert_nothing_written();
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
    let waits = post_and_read(&mut wire, &sandbox).await;
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
