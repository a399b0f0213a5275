//! Only the documented answer says that a change was made; everything else is
//! settled by looking.

use std::time::Duration;

use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    AddVipStatus, ListChanges, PageSize, RemoveVipStatus, UndoChange, UndoStatus, list_changes,
    undo_change,
};
use skyswitch_mcp::sandbox::{Fault, Tenant, WriteAnswer};
use skyswitch_mcp::state::ChangeStatus;

use crate::support::customer::{
    PbxApi, app_on, attest, closed, customer, onboard, onboarding, open, prepared,
};
use crate::support::{Bench, CALLER, DENTAL, add, adding, done, failure, nobody, remove, removing};

const NEW: &str = "16165550111";

/// Answers with a success status that acknowledge no PUT of a rule.
const NOT_ACKNOWLEDGED: [(u16, &str); 49] = [
    (201, r#"{"status":false}"#),
    (201, r#"{"status":"400"}"#),
    (201, r#"{"code":"500"}"#),
    (201, r#"{"statusCode":500}"#),
    (201, r#"{"status":"denied"}"#),
    (201, r#"{"result":"error"}"#),
    (201, r#"{"created":false}"#),
    (201, r#"{"error_message":"Forbidden"}"#),
    (201, r#"{"data":{"error":"x"}}"#),
    (201, r#"{"reason":"quota exceeded"}"#),
    (200, ""),
    (202, ""),
    (204, ""),
    (200, "{}"),
    (201, "done"),
    (201, "[]"),
    (201, "null"),
    (201, r#"{"da"#),
    (201, r#"{"success":false}"#),
    (201, r#"{"success":"no"}"#),
    (201, r#"{"status":"error"}"#),
    (201, r#"{"status":500}"#),
    (201, r#"{"code":400}"#),
    (201, r#"{"message":"Unauthenticated."}"#),
    (
        201,
        r#"{"error":"Validation failed on the following fields: destination"}"#,
    ),
    (201, r#"{"errors":{"destination":["unknown"]}}"#),
    (201, r#"{"code":202,"message":"Rejected"}"#),
    (201, r#"{"status":"false"}"#),
    (201, r#"{"created":"false"}"#),
    (201, r#"{"result":"0"}"#),
    (201, r#"{"result":"No"}"#),
    (201, r#"{"ok":0}"#),
    (201, r#"{"error":true}"#),
    (201, r#"{"errors":["x"]}"#),
    (201, r#"{"success":true,"message":"not made"}"#),
    (201, r#"{"route":{"success":false}}"#),
    (201, r#"{"route":"failed"}"#),
    (201, r#"{"domain":{"error":"unknown"}}"#),
    (201, r#"{"ani":false}"#),
    (201, r#"{"id":0}"#),
    (201, r#"{"type":"error"}"#),
    (201, r#"{"deleted":true}"#),
    (201, r#"{"status":202}"#),
    (201, r#"{"data":[{"success":false}]}"#),
    (201, r#"{"data":{"data":{"created":"no"}}}"#),
    (201, r#"{"destination":"102"}"#),
    (201, r#"{"application":"error"}"#),
    (201, r#"{"success":{"value":false}}"#),
    (201, r#"{"success":null}"#),
];

const ACKNOWLEDGED: [&str; 9] = [
    "",
    "  \r\n",
    "{}",
    r#"{"data":{"ani":"16165550111"}}"#,
    r#"{"success":true,"error":null,"errors":[],"message":""}"#,
    r#"{"status":"ok","code":201}"#,
    r#"{"id":7,"ani":16165550111,"dnis":"*","destination":"101","application":"USER"}"#,
    r#"{"data":{"route":{"created":"True"}}}"#,
    r#"{"result":"201","data":[],"error":""}"#,
];

async fn answering(write_answer: WriteAnswer) -> Bench {
    let tenant = Tenant {
        write_answer,
        ..Tenant::demo()
    };
    Bench::with(tenant).await
}

fn tells_of_the_look(warnings: &[String]) -> bool {
    let told = |warning: &String| warning.contains("did not acknowledge");
    warnings.iter().any(told)
}

async fn last_status(bench: &Bench) -> ChangeStatus {
    let all = ListChanges::default();
    let listed = list_changes(&bench.app(), &all, PageSize::All).await;
    listed.expect("a list").changes[0].status
}

#[tokio::test]
async fn an_answer_that_is_not_the_documented_one_is_settled_by_a_look() {
    for (status, body) in NOT_ACKNOWLEDGED {
        let body = body.to_owned();
        let bench = answering(WriteAnswer::Instead { status, body }).await;
        let args = adding(NEW, DENTAL, "101");
        let added = add(&bench.app(), &args, &nobody()).await.expect("a VIP");
        assert_eq!(added.status, AddVipStatus::Created);
        assert!(tells_of_the_look(&added.warnings), "{status}: {added:?}");
        assert_eq!(bench.sent(), ["GET", "PUT", "GET"], "{status}");
    }
}

#[tokio::test]
async fn an_answer_longer_than_any_yes_is_settled_by_a_look() {
    let body = format!("{{\"success\":true,\"error\":[{}]}}", " ".repeat(64 << 10));
    let bench = answering(WriteAnswer::Instead { status: 201, body }).await;
    let args = adding(NEW, DENTAL, "101");
    let added = add(&bench.app(), &args, &nobody()).await.expect("a VIP");
    assert!(tells_of_the_look(&added.warnings), "{added:?}");
}

#[tokio::test]
async fn a_change_that_is_answered_by_no_in_words_is_not_called_made() {
    for body in [r#"{"status":"false"}"#, r#"{"route":{"success":false}}"#] {
        let body = body.to_owned();
        let bench = answering(WriteAnswer::WithoutActing { status: 201, body }).await;
        let args = adding(NEW, DENTAL, "101");
        let outcome = add(&bench.app(), &args, &nobody()).await;
        failure(outcome, Code::UpstreamRejected);
        assert_eq!(last_status(&bench).await, ChangeStatus::Open);
    }
}

#[tokio::test]
async fn the_documented_answer_is_read_back_without_a_word() {
    for body in ACKNOWLEDGED {
        let answer = WriteAnswer::Instead {
            status: 201,
            body: body.to_owned(),
        };
        let bench = answering(answer).await;
        let args = adding(NEW, DENTAL, "101");
        let added = add(&bench.app(), &args, &nobody()).await.expect("a VIP");
        assert_eq!(added.status, AddVipStatus::Created, "{body}");
        assert!(added.warnings.is_empty(), "{body}: {added:?}");
        assert_eq!(bench.sent(), ["GET", "PUT", "GET"], "{body}");
    }
}

#[tokio::test]
async fn a_removal_is_acknowledged_by_204_alone() {
    for status in [200, 201, 202, 204] {
        let body = String::new();
        let bench = answering(WriteAnswer::Instead { status, body }).await;
        let args = removing(CALLER, DENTAL);
        let removed = remove(&bench.app(), &args, &Channel::Given).await;
        let removed = removed.expect("an outcome");
        assert_eq!(removed.status, RemoveVipStatus::Removed);
        assert_eq!(bench.count("DELETE"), 1);
        assert_eq!(bench.count("GET"), 2, "{status}");
        let is_told = tells_of_the_look(&removed.warnings);
        assert_eq!(is_told, status != 204, "{status}: {removed:?}");
    }
}

#[tokio::test]
async fn a_success_of_which_nothing_is_to_be_seen_is_not_called_made_or_failed() {
    for (status, body) in [(200, ""), (201, r#"{"success":false}"#)] {
        let body = body.to_owned();
        let bench = answering(WriteAnswer::WithoutActing { status, body }).await;
        let args = adding(NEW, DENTAL, "101");
        let error = failure(
            add(&bench.app(), &args, &nobody()).await,
            Code::UpstreamRejected,
        );
        assert!(
            error
                .to_string()
                .contains("a read does not show the change yet"),
            "{error}"
        );
        assert_eq!(last_status(&bench).await, ChangeStatus::Open, "{status}");
        assert_eq!(bench.rings(DENTAL, NEW), None);
    }
}

#[tokio::test]
async fn a_change_that_shows_late_is_not_called_failed() {
    let tenant = Tenant {
        write_answer: WriteAnswer::Instead {
            status: 202,
            body: String::new(),
        },
        read_lag: Duration::from_secs(3_600),
        ..Tenant::demo()
    };
    let bench = Bench::with(tenant).await;
    let args = adding(NEW, DENTAL, "101");
    let outcome = add(&bench.app(), &args, &nobody()).await;
    let error = failure(outcome, Code::UpstreamRejected);
    assert!(error.hint().contains("in a minute"), "{}", error.hint());
    assert_eq!(bench.rings(DENTAL, NEW).as_deref(), Some("101"));
    assert_eq!(last_status(&bench).await, ChangeStatus::Open);
}

#[tokio::test]
async fn a_redirect_and_a_not_found_after_the_change_was_made_are_no_failure() {
    for status in [301, 302, 307, 404] {
        let bench = Bench::demo().await;
        bench.sandbox.inject(Fault::status_after("PUT", "", status));
        let args = adding(NEW, DENTAL, "101");
        let added = add(&bench.app(), &args, &nobody()).await.expect("a VIP");
        assert_eq!(added.status, AddVipStatus::Created, "{status}");
        assert_eq!(bench.sent(), ["GET", "PUT", "GET"], "{status}");
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_settled_by_a_look_and_not_fetched_again() {
    let bench = Bench::demo().await;
    let acts = Fault::huge_after("PUT", "", 65 << 20);
    bench.sandbox.inject(acts);
    let args = adding(NEW, DENTAL, "101");
    let added = add(&bench.app(), &args, &nobody()).await.expect("a VIP");
    assert_eq!(added.status, AddVipStatus::Created);
    assert_eq!(bench.sent(), ["GET", "PUT", "GET"]);
}

#[tokio::test]
async fn a_redirect_or_an_answer_that_is_too_large_is_no_failure_where_lists_show_late() {
    for fault in [
        Fault::status_after("PUT", "", 302),
        Fault::huge_after("PUT", "", 65 << 20),
    ] {
        let tenant = Tenant {
            read_lag: Duration::from_secs(3_600),
            ..Tenant::demo()
        };
        let bench = Bench::with(tenant).await;
        bench.sandbox.inject(fault);
        let args = adding(NEW, DENTAL, "101");
        let outcome = add(&bench.app(), &args, &nobody()).await;
        let error = failure(outcome, Code::UpstreamRejected);
        assert!(error.hint().contains("in a minute"), "{}", error.hint());
        assert_eq!(bench.rings(DENTAL, NEW).as_deref(), Some("101"));
        assert_eq!(last_status(&bench).await, ChangeStatus::Open);
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_leaves_open_what_does_not_stand() {
    let bench = Bench::demo().await;
    bench.sandbox.inject(Fault::huge("PUT", "", 65 << 20));
    let outcome = add(&bench.app(), &adding(NEW, DENTAL, "101"), &nobody()).await;
    let error = failure(outcome, Code::UpstreamRejected);
    assert!(
        error
            .to_string()
            .contains("a read does not show the change yet"),
        "{error}"
    );
    assert_eq!(bench.sent(), ["GET", "PUT", "GET"]);
}

#[tokio::test]
async fn an_answer_of_the_pbx_that_reports_trouble_in_whatever_form_is_settled_by_a_look() {
    for body in [
        r#"{"status":"403"}"#,
        r#"{"code":"403"}"#,
        r#"{"code":202,"message":"Accepted","result":"failed"}"#,
        r#"{"ok":0}"#,
        r#"{"created":false}"#,
        r#"{"user":{"errors":["x"]}}"#,
        r#"{"data":[{"error":true}]}"#,
    ] {
        let bench = Bench::with(customer(open())).await;
        let app = app_on(&bench, PbxApi::V2);
        let fault = Fault::status("POST", "/users", 202).body(body, "application/json");
        bench.sandbox.inject(fault.times(9));
        let _ = onboard(&app, &onboarding(), &Channel::Given).await;
        assert_eq!(last_status(&bench).await, ChangeStatus::Open, "{body}");
    }
}

#[tokio::test]
async fn a_number_that_is_put_back_without_an_acknowledgement_is_looked_at_and_it_is_said() {
    let bench = Bench::with(prepared(closed())).await;
    let app = app_on(&bench, PbxApi::V2);
    attest(&app, "dial_translation_rule").await;
    let routed = onboard(&app, &onboarding(), &Channel::Given).await;
    let undo = UndoChange {
        change_id: routed.expect("an outcome").changes[0]
            .change_id
            .clone()
            .expect("a change"),
        account_id: None,
        confirmation: None,
    };
    let lost = Fault::status_after("PUT", "phone-numbers", 302);
    bench.sandbox.inject(lost);
    let undone = undo_change(&app, &undo, &Channel::Given).await.map(done);
    let undone = undone.expect("an outcome");
    assert_eq!(undone.status, UndoStatus::Restored);
    assert!(tells_of_the_look(&undone.warnings), "{undone:?}");
}
