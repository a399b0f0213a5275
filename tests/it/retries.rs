//! What is repeated and what is not, and how a lost answer to a change is settled.

use std::time::{Duration, Instant, SystemTime};

use skyswitch_mcp::app::App;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{AddVipStatus, ListChanges, PageSize, RemoveVipStatus, list_changes};
use skyswitch_mcp::sandbox::{self, Fault, Gate, RetryAfter, StoredDnis, StoredRoute, Tenant};
use skyswitch_mcp::state::ChangeStatus;

use crate::support::{
    Bench, CALLER, DENTAL, add, adding, failure, list, listing, nobody, remove, removing, settings,
};

/// A number without a rule.
const NEW: &str = "16165550111";

fn new_vip() -> skyswitch_mcp::ops::AddVip {
    adding("(616) 555-0111", DENTAL, "101")
}

fn tells_of_lost_answer(warnings: &[String]) -> bool {
    warnings
        .iter()
        .any(|warning| warning.contains("did not acknowledge"))
}

#[tokio::test]
async fn a_read_is_repeated_when_the_service_fails_on_its_side() {
    for status in [408, 425, 429, 500, 502, 503, 504] {
        let bench = Bench::demo().await;
        bench
            .sandbox
            .inject(Fault::status("GET", "route-by-ani", status));
        let all = list(&bench.app(), &listing(DENTAL)).await;
        assert_eq!(all.expect("a list").total, 6, "{status}");
        assert_eq!(bench.sent(), ["GET", "GET"], "{status}");
    }
}

#[tokio::test]
async fn a_read_whose_connection_breaks_is_repeated() {
    let bench = Bench::demo().await;
    bench
        .sandbox
        .inject(Fault::drop_before("GET", "route-by-ani"));
    bench
        .sandbox
        .inject(Fault::drop_after("GET", "route-by-ani"));
    let all = list(&bench.app(), &listing(DENTAL)).await;
    assert_eq!(all.expect("a list").total, 6);
    assert_eq!(bench.sent(), ["GET", "GET", "GET"]);
}

#[tokio::test]
async fn a_refused_read_is_not_repeated() {
    for (status, code) in [
        (400, Code::UpstreamRejected),
        (403, Code::Forbidden),
        (404, Code::NotFound),
        (422, Code::UpstreamRejected),
        (302, Code::UpstreamRejected),
    ] {
        let bench = Bench::demo().await;
        bench
            .sandbox
            .inject(Fault::status("GET", "route-by-ani", status));
        let error = failure(list(&bench.app(), &listing(DENTAL)).await, code);
        assert_eq!(error.detail().status, Some(status));
        assert!(error.detail().request_id.is_some(), "{error:?}");
        assert!(!error.detail().retryable, "{error:?}");
        assert_eq!(bench.sent(), ["GET"], "{status}");
    }
}

#[tokio::test]
async fn a_wait_the_service_asks_for_is_kept_in_either_form() {
    let soon = SystemTime::now() + Duration::from_secs(2);
    for wait in [RetryAfter::Seconds(1), RetryAfter::Date(soon)] {
        let bench = Bench::demo().await;
        let app = bench.app();
        list(&app, &listing(DENTAL)).await.expect("a list");
        bench.sandbox.clear_requests();
        bench
            .sandbox
            .inject(Fault::status("GET", "route-by-ani", 429).retry_after(wait));
        let started = Instant::now();
        list(&app, &listing(DENTAL)).await.expect("a list");
        let kept = match wait {
            RetryAfter::Seconds(_) => started.elapsed() >= Duration::from_secs(1),
            // The header holds whole seconds.
            RetryAfter::Date(moment) => SystemTime::now() + Duration::from_secs(1) >= moment,
        };
        assert!(kept, "asked again after {:?}", started.elapsed());
        assert_eq!(bench.sent(), ["GET", "GET"]);
    }
}

#[tokio::test]
async fn a_wait_that_does_not_fit_fails_at_once() {
    let later = SystemTime::now() + Duration::from_secs(7_200);
    for wait in [
        RetryAfter::Seconds(3_600),
        RetryAfter::Seconds(u64::MAX),
        RetryAfter::Date(later),
    ] {
        let bench = Bench::demo().await;
        let fault = Fault::status("GET", "route-by-ani", 429);
        bench.sandbox.inject(fault.retry_after(wait).times(9));
        let error = failure(
            list(&bench.app(), &listing(DENTAL)).await,
            Code::RateLimited,
        );
        assert!(error.detail().retryable);
        assert_eq!(error.detail().status, Some(429));
        assert_eq!(bench.sent(), ["GET"], "{wait:?}");
    }
}

#[tokio::test]
async fn a_change_that_must_wait_too_long_fails_at_once_and_is_not_made() {
    let bench = Bench::demo().await;
    let fault = Fault::status("PUT", "", 429).retry_after(RetryAfter::Seconds(3_600));
    bench.sandbox.inject(fault.times(9));
    failure(
        add(&bench.app(), &new_vip(), &nobody()).await,
        Code::RateLimited,
    );
    assert_eq!(bench.sent(), ["GET", "PUT"]);
    assert_eq!(bench.rings(DENTAL, NEW), None);
}

#[tokio::test]
async fn a_change_slowed_down_is_sent_again() {
    let bench = Bench::demo().await;
    bench.sandbox.inject(Fault::status("PUT", "", 429));
    let added = add(&bench.app(), &new_vip(), &nobody())
        .await
        .expect("a VIP");
    assert_eq!(added.status, AddVipStatus::Created);
    // The rule is looked at again before it is sent again.
    assert_eq!(bench.sent(), ["GET", "PUT", "GET", "PUT", "GET"]);
    assert_eq!(added.warnings, [""; 0]);
}

#[tokio::test]
async fn a_change_slowed_down_is_not_sent_over_what_somebody_else_did_meanwhile() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let fault = Fault::status("PUT", "", 429).retry_after(RetryAfter::Seconds(1));
    bench.sandbox.inject(fault);
    // The read before the repetition waits until somebody else has changed the rule.
    let gate = Gate::default();
    bench.sandbox.inject(Fault::pass("GET", "route-by-ani"));
    bench
        .sandbox
        .inject(Fault::hold("GET", "route-by-ani", &gate));
    let args = adding(CALLER, DENTAL, "102");
    let (outcome, ()) = tokio::join!(add(&app, &args, &Channel::Given), async {
        bench.arrived("GET", 2).await;
        bench
            .sandbox
            .put_route(StoredRoute::new(DENTAL, CALLER, "999"));
        gate.open();
    });
    let error = failure(outcome, Code::ConfirmationStale);
    assert!(error.to_string().contains("somebody else"), "{error}");
    assert_eq!(bench.sent(), ["GET", "PUT", "GET"]);
    assert_eq!(bench.rings(DENTAL, CALLER).as_deref(), Some("999"));
}

#[tokio::test]
async fn a_success_that_speaks_of_an_error_is_not_taken_for_one() {
    let bench = Bench::demo().await;
    let refusal = r#"{"error":"Validation failed on the following fields: destination"}"#;
    let fault = Fault::status("PUT", "", 200).body(refusal, "application/json");
    bench.sandbox.inject(fault.times(9));
    failure(
        add(&bench.app(), &new_vip(), &nobody()).await,
        Code::UpstreamRejected,
    );
    assert_eq!(bench.rings(DENTAL, NEW), None);
}

#[tokio::test]
async fn a_change_made_whose_answer_was_lost_is_read_back_and_not_sent_twice() {
    for fault in [
        Fault::drop_after("PUT", ""),
        Fault::status_after("PUT", "", 503),
        Fault::truncate("PUT", ""),
    ] {
        let bench = Bench::demo().await;
        bench.sandbox.inject(fault.clone());
        let added = add(&bench.app(), &new_vip(), &nobody())
            .await
            .expect("a VIP");
        assert_eq!(added.status, AddVipStatus::Created, "{fault:?}");
        assert!(tells_of_lost_answer(&added.warnings), "{added:?}");
        assert_eq!(bench.sent(), ["GET", "PUT", "GET"], "{fault:?}");
        assert_eq!(bench.rings(DENTAL, NEW).as_deref(), Some("101"));
    }
}

#[tokio::test]
async fn a_change_not_made_is_sent_again() {
    for fault in [
        Fault::drop_before("PUT", ""),
        Fault::status("PUT", "", 503),
        Fault::status("PUT", "", 500),
    ] {
        let bench = Bench::demo().await;
        bench.sandbox.inject(fault.clone());
        let added = add(&bench.app(), &new_vip(), &nobody())
            .await
            .expect("a VIP");
        assert_eq!(added.status, AddVipStatus::Created, "{fault:?}");
        assert!(!tells_of_lost_answer(&added.warnings), "{added:?}");
        assert_eq!(
            bench.sent(),
            ["GET", "PUT", "GET", "PUT", "GET"],
            "{fault:?}"
        );
        assert_eq!(bench.rings(DENTAL, NEW).as_deref(), Some("101"));
    }
}

#[tokio::test]
async fn a_refused_change_is_not_repeated() {
    for (status, code) in [
        (400, Code::UpstreamRejected),
        (403, Code::Forbidden),
        (404, Code::NotFound),
        (302, Code::UpstreamRejected),
    ] {
        let bench = Bench::demo().await;
        bench.sandbox.inject(Fault::status("PUT", "", status));
        failure(add(&bench.app(), &new_vip(), &nobody()).await, code);
        assert_eq!(bench.count("PUT"), 1, "{status}");
        // Neither a redirect nor "not found" proves that nothing was done.
        let is_looked_at = matches!(status, 302 | 404);
        assert_eq!(
            bench.count("GET"),
            1 + usize::from(is_looked_at),
            "{status}"
        );
    }
}

#[tokio::test]
async fn a_page_of_html_in_answer_to_a_change_is_not_taken_for_success() {
    let bench = Bench::demo().await;
    bench.sandbox.inject(Fault::html("PUT", ""));
    let outcome = add(&bench.app(), &new_vip(), &nobody()).await;
    let is_stored = bench.rings(DENTAL, NEW).is_some();
    let claims = outcome
        .as_ref()
        .is_ok_and(|added| added.status == AddVipStatus::Created);
    assert_eq!(claims, is_stored, "{outcome:?}");
}

#[tokio::test]
async fn a_removal_whose_answer_was_lost_is_read_back_and_not_sent_twice() {
    for fault in [
        Fault::drop_after("DELETE", ""),
        Fault::status_after("DELETE", "", 502),
    ] {
        let bench = Bench::demo().await;
        bench.sandbox.inject(fault);
        let args = removing(CALLER, DENTAL);
        let removed = remove(&bench.app(), &args, &Channel::Given)
            .await
            .expect("an outcome");
        assert_eq!(removed.status, RemoveVipStatus::Removed);
        assert!(tells_of_lost_answer(&removed.warnings), "{removed:?}");
        assert_eq!(bench.sent(), ["GET", "DELETE", "GET"]);
        assert_eq!(bench.rings(DENTAL, CALLER), None);
    }
}

#[tokio::test]
async fn a_removal_not_made_is_sent_again() {
    let bench = Bench::demo().await;
    bench.sandbox.inject(Fault::drop_before("DELETE", ""));
    let args = removing(CALLER, DENTAL);
    let removed = remove(&bench.app(), &args, &Channel::Given)
        .await
        .expect("an outcome");
    assert_eq!(removed.status, RemoveVipStatus::Removed);
    assert_eq!(bench.sent(), ["GET", "DELETE", "GET", "DELETE", "GET"]);
    assert_eq!(bench.rings(DENTAL, CALLER), None);
}

#[tokio::test]
async fn a_rule_that_somebody_else_removed_first_counts_as_removed() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let gate = Gate::default();
    bench.sandbox.inject(Fault::hold("DELETE", "", &gate));
    let args = removing(CALLER, DENTAL);
    let (removed, ()) = tokio::join!(remove(&app, &args, &Channel::Given), async {
        bench.arrived("DELETE", 1).await;
        assert!(
            bench
                .sandbox
                .delete_route(DENTAL, CALLER, &StoredDnis::Absent)
        );
        gate.open();
    });
    let removed = removed.expect("an outcome");
    assert_eq!(removed.status, RemoveVipStatus::Removed);
    assert_eq!(bench.sent(), ["GET", "DELETE", "GET"]);
    assert_eq!(bench.only("DELETE").status, 404);
}

#[tokio::test]
async fn a_removal_that_the_list_still_shows_is_neither_called_made_nor_failed() {
    let tenant = Tenant {
        read_lag: Duration::from_secs(3_600),
        ..Tenant::demo()
    };
    let bench = Bench::with(tenant).await;
    bench.sandbox.inject(Fault::drop_after("DELETE", ""));
    let args = removing(CALLER, DENTAL);
    let removed = remove(&bench.app(), &args, &Channel::Given).await;
    assert_eq!(bench.rings(DENTAL, CALLER), None);
    let error = failure(removed, Code::NotFound);
    assert!(error.to_string().contains("not known"), "{error}");
    let listed = list_changes(&bench.app(), &ListChanges::default(), PageSize::All).await;
    assert_eq!(listed.unwrap().changes[0].status, ChangeStatus::Open);
}

#[tokio::test]
async fn a_lost_answer_and_a_change_by_somebody_else_leave_the_outcome_unknown() {
    for lost in [Fault::drop_after("PUT", ""), Fault::drop_before("PUT", "")] {
        let bench = Bench::demo().await;
        let app = bench.app();
        bench.sandbox.inject(lost);
        bench.sandbox.inject(Fault::pass("GET", "route-by-ani"));
        // The read that settles the matter comes late, after somebody else's change.
        let gate = Gate::default();
        let late = Fault::hold("GET", "route-by-ani", &gate);
        bench.sandbox.inject(late);
        let args = adding(CALLER, DENTAL, "102");
        let (outcome, ()) = tokio::join!(add(&app, &args, &Channel::Given), async {
            bench.arrived("GET", 2).await;
            bench
                .sandbox
                .put_route(StoredRoute::new(DENTAL, CALLER, "999"));
            gate.open();
        });
        let error = failure(outcome, Code::UpstreamUnavailable);
        assert!(error.to_string().contains("outcome unknown"), "{error}");
        assert_eq!(bench.sent(), ["GET", "PUT", "GET"]);
        assert_eq!(bench.rings(DENTAL, CALLER).as_deref(), Some("999"));
    }
}

#[tokio::test]
async fn an_outcome_that_cannot_be_read_back_is_called_unknown() {
    let bench = Bench::demo().await;
    bench.sandbox.inject(Fault::drop_after("PUT", ""));
    bench.sandbox.inject(Fault::pass("GET", "route-by-ani"));
    bench
        .sandbox
        .inject(Fault::status("GET", "route-by-ani", 403));
    let outcome = add(&bench.app(), &new_vip(), &nobody()).await;
    let error = failure(outcome, Code::UpstreamUnavailable);
    assert!(error.to_string().contains("outcome unknown"), "{error}");
    assert!(error.hint().contains("list_vips"), "{}", error.hint());
    assert_eq!(bench.sent(), ["GET", "PUT", "GET"]);
}

#[tokio::test]
async fn a_change_is_carried_through_when_the_caller_goes_away() {
    let bench = Bench::demo().await;
    let app = std::sync::Arc::new(bench.app());
    bench.sandbox.inject(Fault::drop_before("PUT", ""));
    let call = tokio::spawn({
        let app = std::sync::Arc::clone(&app);
        async move { add(&app, &new_vip(), &nobody()).await }
    });
    bench.arrived("PUT", 1).await;
    call.abort();
    app.settled().await;
    assert_eq!(bench.sent(), ["GET", "PUT", "GET", "PUT", "GET"]);
    assert_eq!(bench.rings(DENTAL, NEW).as_deref(), Some("101"));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_cannot_be_reached_is_unavailable() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let base_url = format!("http://{}", taken.local_addr().expect("an address"));
    drop(taken);
    let folder = tempfile::tempdir().expect("a folder");
    let app = App::new(settings(&base_url, folder.path()));
    let error = failure(
        list(&app, &listing(DENTAL)).await,
        Code::UpstreamUnavailable,
    );
    assert!(error.detail().retryable);
    assert!(error.to_string().contains("cannot be reached"), "{error}");
    assert!(!format!("{error:?}").contains("127.0.0.1"), "{error:?}");
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_a_timeout() {
    let bench = Bench::demo().await;
    let app = bench.app();
    list(&app, &listing(DENTAL)).await.expect("a list");
    bench.sandbox.clear_requests();
    let silence = Fault::delay("GET", "route-by-ani", Duration::from_secs(86_400));
    bench.sandbox.inject(silence.times(99));
    tokio::time::pause();
    let error = failure(list(&app, &listing(DENTAL)).await, Code::Timeout);
    assert!(error.detail().retryable);
    assert!(bench.count("GET") > 1, "{:?}", bench.sent());
}

#[tokio::test]
async fn no_error_holds_the_callers_number_or_an_address() {
    let mut errors = Vec::new();
    for fault in [
        Fault::status("PUT", "", 400),
        Fault::status("PUT", "", 403),
        Fault::status("PUT", "", 404),
        Fault::status("PUT", "", 429).retry_after(RetryAfter::Seconds(9_999)),
        Fault::status("PUT", "", 503).retry_after(RetryAfter::Seconds(9_999)),
        Fault::status("GET", "route-by-ani", 400),
        Fault::status("GET", "route-by-ani", 302),
        Fault::status("GET", "route-by-ani", 503).retry_after(RetryAfter::Seconds(9_999)),
        Fault::html("GET", "route-by-ani"),
        Fault::huge("GET", "route-by-ani", 65 << 20),
        Fault::status("GET", "route-by-ani", 200).body(r#"[{"ani":"16165550111"#, "text/html"),
        Fault::status("POST", "/oauth/token", 400),
        Fault::html("POST", "/oauth/token"),
    ] {
        let bench = Bench::demo().await;
        bench.sandbox.inject(fault.clone());
        let outcome = add(&bench.app(), &new_vip(), &nobody()).await;
        let error = outcome.expect_err(&format!("{fault:?}"));
        errors.push((error, bench.sandbox.base_url().to_owned()));
    }
    for lost in [Fault::drop_after("PUT", ""), Fault::drop_before("PUT", "")] {
        let bench = Bench::demo().await;
        bench.sandbox.inject(lost);
        bench.sandbox.inject(Fault::pass("GET", "route-by-ani"));
        bench
            .sandbox
            .inject(Fault::status("GET", "route-by-ani", 400));
        let outcome = add(&bench.app(), &new_vip(), &nobody()).await;
        errors.push((
            outcome.expect_err("unknown"),
            bench.sandbox.base_url().to_owned(),
        ));
    }
    for (error, base_url) in errors {
        let printed = format!("{error:?} {}", error.hint());
        for private in [
            "6165550111",
            "555-0111",
            &base_url,
            "127.0.0.1",
            sandbox::ACCOUNT_ID,
            "route-by-ani",
        ] {
            assert!(!printed.contains(private), "{private} is in {printed}");
        }
    }
}
