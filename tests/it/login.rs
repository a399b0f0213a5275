//! Login: once for everybody, renewed in time, and never a storm.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use skyswitch_mcp::app::App;
use skyswitch_mcp::config::Credentials;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::ops::{self};
use skyswitch_mcp::redact::Secret;
use skyswitch_mcp::sandbox::{Fault, Tenant, TokenAnswer};

use crate::support::{
    BAKERY, Bench, DENTAL, LEGAL, VET, add, adding, failure, list, listing, nobody, sandbox_login,
};

/// Reads one domain, which needs a good token.
async fn read(app: &App) -> skyswitch_mcp::Result<usize> {
    list(app, &listing(DENTAL)).await.map(|list| list.total)
}

/// An application with another login than the one that is accepted.
fn logging_in(bench: &Bench, change: impl FnOnce(&mut Credentials)) -> App {
    let mut login = sandbox_login();
    change(&mut login);
    bench.app_with(|settings| settings.credentials = Ok(login.into()))
}

/// The token file of the only login in the state folder.
fn token_file(bench: &Bench) -> PathBuf {
    let entries = std::fs::read_dir(bench.state_dir()).expect("a state folder");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

/// Makes the stored token older: issued and ending that many seconds from now.
fn age_token(bench: &Bench, issued_in: i64, ends_in: i64) {
    let path = token_file(bench);
    let text = std::fs::read_to_string(&path).expect("a token file");
    let mut file: Value = serde_json::from_str(&text).expect("JSON");
    let moment = |seconds| (Timestamp::now() + SignedDuration::from_secs(seconds)).to_string();
    file["token"]["issued_at"] = json!(moment(issued_in));
    file["token"]["expires_at"] = json!(moment(ends_in));
    std::fs::write(&path, file.to_string()).expect("a token file");
}

#[tokio::test]
async fn any_number_of_first_calls_log_in_once() {
    let bench = Bench::demo().await;
    let app = Arc::new(bench.app());
    let domains = [DENTAL, VET, LEGAL, BAKERY];
    let calls: Vec<_> = (0..50)
        .map(|call| {
            let app = Arc::clone(&app);
            tokio::spawn(async move { list(&app, &listing(domains[call % 4])).await })
        })
        .collect();
    for call in calls {
        call.await.expect("a call").expect("a list");
    }
    assert_eq!(bench.logins(), ["password"]);
}

#[tokio::test]
async fn a_second_application_on_the_same_state_folder_uses_the_token_of_the_first() {
    let bench = Bench::demo().await;
    read(&bench.app()).await.expect("a list");
    read(&bench.app()).await.expect("a list");
    assert_eq!(bench.logins(), ["password"]);
    assert_eq!(bench.sent(), ["GET", "GET"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_applications_that_start_at_once_log_in_once() {
    let bench = Arc::new(Bench::demo().await);
    let starts: Vec<_> = (0..10)
        .map(|_| {
            let app = bench.app();
            tokio::spawn(async move { read(&app).await })
        })
        .collect();
    for start in starts {
        assert_eq!(start.await.expect("a start").expect("a list"), 6);
    }
    assert_eq!(bench.logins(), ["password"]);
    assert_eq!(bench.count("GET"), 10);
}

#[tokio::test]
async fn a_token_issued_while_the_clock_was_ahead_is_not_used_until_the_clock_has_caught_up() {
    let bench = Bench::demo().await;
    read(&bench.app()).await.expect("a list");
    // Another process, whose clock is a little ahead.
    age_token(&bench, 5, 6 * 3_600);
    read(&bench.app()).await.expect("a list");
    assert_eq!(bench.logins().len(), 1);
    age_token(&bench, 7_200, 8 * 3_600);
    read(&bench.app()).await.expect("a list");
    assert_eq!(bench.logins().len(), 2);
}

#[tokio::test]
async fn logins_of_different_users_or_scopes_share_no_token() {
    let bench = Bench::demo().await;
    read(&bench.app()).await.expect("a list");
    let wider = bench.app_with(|settings| settings.scope = "pbx account user".to_owned());
    read(&wider).await.expect("a list");
    let other = logging_in(&bench, |login| {
        login.username = "somebody-else@sandbox.example".to_owned()
    });
    failure(read(&other).await, Code::Unauthorized);
    assert_eq!(bench.logins(), ["password"; 3]);
}

#[tokio::test]
async fn the_token_is_kept_where_only_its_owner_reads_it() {
    let bench = Bench::demo().await;
    // A folder that was open before is closed.
    std::fs::create_dir(bench.state_dir()).expect("a folder");
    std::fs::set_permissions(bench.state_dir(), PermissionsExt::from_mode(0o755)).expect("a mode");
    read(&bench.app()).await.expect("a list");
    let mode = |path: &std::path::Path| {
        let metadata = std::fs::metadata(path).expect("metadata");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode(&bench.state_dir()), 0o700);
    for entry in std::fs::read_dir(bench.state_dir()).expect("entries") {
        let path = entry.expect("an entry").path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    let text = std::fs::read_to_string(token_file(&bench)).expect("a token file");
    assert!(text.contains("sandbox-access-"));
}

#[tokio::test]
async fn a_revoked_token_is_refreshed_once_and_the_call_repeated_once() {
    let bench = Bench::demo().await;
    let app = bench.app();
    read(&app).await.expect("a list");
    bench.sandbox.revoke_tokens();
    assert_eq!(read(&app).await.expect("a list"), 6);
    assert_eq!(bench.logins(), ["password", "refresh_token"]);
    assert_eq!(bench.sent(), ["GET", "GET", "GET"]);
    // The new one is there for others as well.
    read(&bench.app()).await.expect("a list");
    assert_eq!(bench.logins().len(), 2);
}

#[tokio::test]
async fn many_calls_that_meet_a_revoked_token_refresh_it_once() {
    let bench = Bench::demo().await;
    let app = bench.app();
    read(&app).await.expect("a list");
    bench.sandbox.revoke_tokens();
    bench.sandbox.set_latency(Duration::from_millis(30));
    let args = [DENTAL, VET, LEGAL, BAKERY].map(listing);
    let calls = args.iter().map(|args| list(&app, args));
    for outcome in futures_util::future::join_all(calls).await {
        outcome.expect("a list");
    }
    assert_eq!(bench.logins(), ["password", "refresh_token"]);
}

#[tokio::test]
async fn a_write_that_meets_a_revoked_token_is_made_once() {
    let bench = Bench::demo().await;
    let app = bench.app();
    read(&app).await.expect("a list");
    bench.sandbox.clear_requests();
    bench.sandbox.inject(Fault::status("PUT", "", 401));
    let added = add(&app, &adding("6165550111", DENTAL, "101"), &nobody()).await;
    added.expect("a VIP");
    assert_eq!(bench.sent(), ["GET", "PUT", "GET", "PUT", "GET"]);
    assert_eq!(bench.logins(), ["refresh_token"]);
    assert_eq!(bench.rings(DENTAL, "16165550111").as_deref(), Some("101"));
}

#[tokio::test]
async fn a_refused_refresh_falls_back_to_the_password() {
    let bench = Bench::demo().await;
    let app = bench.app();
    read(&app).await.expect("a list");
    bench.sandbox.revoke_tokens();
    bench.sandbox.revoke_refresh_tokens();
    assert_eq!(read(&app).await.expect("a list"), 6);
    assert_eq!(bench.logins(), ["password", "refresh_token", "password"]);
    assert_eq!(bench.sent(), ["GET", "GET", "GET"]);
}

#[tokio::test]
async fn a_refresh_whose_answer_is_lost_falls_back_to_the_password() {
    let bench = Bench::demo().await;
    let app = bench.app();
    read(&app).await.expect("a list");
    bench.sandbox.revoke_tokens();
    bench
        .sandbox
        .inject(Fault::drop_after("POST", "/oauth/token"));
    assert_eq!(read(&app).await.expect("a list"), 6);
    assert_eq!(bench.logins(), ["password", "refresh_token", "password"]);
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends() {
    for (issued_in, ends_in) in [(-21_400, 200), (-91, 9), (-100, -1)] {
        let bench = Bench::demo().await;
        read(&bench.app()).await.expect("a list");
        age_token(&bench, issued_in, ends_in);
        read(&bench.app()).await.expect("a list");
        assert_eq!(
            bench.logins(),
            ["password", "refresh_token"],
            "{issued_in} {ends_in}"
        );
        assert_eq!(
            bench.sent(),
            ["GET", "GET"],
            "the service refused none of them"
        );
    }
}

#[tokio::test]
async fn a_token_is_not_renewed_while_it_is_good() {
    for (issued_in, ends_in) in [(-21_000, 600), (-50, 50)] {
        let bench = Bench::demo().await;
        read(&bench.app()).await.expect("a list");
        age_token(&bench, issued_in, ends_in);
        read(&bench.app()).await.expect("a list");
        assert_eq!(bench.logins(), ["password"], "{issued_in} {ends_in}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_reported_with_its_remedy_and_not_tried_again() {
    let bench = Bench::demo().await;
    let app = logging_in(&bench, |login| {
        login.password = Secret::new("not-the-password")
    });
    let error = failure(read(&app).await, Code::Unauthorized);
    assert!(
        error.to_string().contains("credentials were incorrect"),
        "{error}"
    );
    assert!(error.hint().contains("password"), "{}", error.hint());
    assert_eq!(error.detail().status, Some(400));
    assert!(!error.detail().retryable);
    assert!(!error.to_string().contains("not-the-password"));
    assert_eq!(bench.logins(), ["password"]);
    assert_eq!(bench.sent(), [""; 0]);
}

#[tokio::test]
async fn many_first_calls_with_a_wrong_password_log_in_once() {
    let bench = Bench::demo().await;
    let app = logging_in(&bench, |login| {
        login.password = Secret::new("not-the-password")
    });
    let args = [DENTAL, VET, LEGAL, BAKERY].map(listing);
    let calls = args.iter().map(|args| list(&app, args));
    for outcome in futures_util::future::join_all(calls).await {
        failure(outcome, Code::Unauthorized);
    }
    assert_eq!(
        bench.logins(),
        ["password"],
        "repeated wrong logins lock a user out"
    );
}

#[tokio::test]
async fn after_a_refused_login_the_next_tries_wait_and_say_until_when() {
    let bench = Bench::demo().await;
    let app = logging_in(&bench, |login| {
        login.password = Secret::new("not-the-password")
    });
    failure(read(&app).await, Code::Unauthorized);
    for _ in 0..5 {
        let error = failure(read(&app).await, Code::Unauthorized);
        let said = error.to_string();
        assert!(said.contains("no other login is tried before"), "{said}");
        assert!(said.contains("credentials were incorrect"), "{said}");
        assert_eq!(error.detail().status, Some(400));
        assert!(error.hint().contains("restart"), "{}", error.hint());
    }
    assert_eq!(
        bench.logins(),
        ["password"],
        "repeated wrong logins lock a user out"
    );
    // Another process, with the right password, is not kept waiting.
    read(&bench.app()).await.expect("a list");
}

#[tokio::test]
async fn a_wrong_client_secret_is_reported_as_a_failed_login() {
    let bench = Bench::demo().await;
    let app = logging_in(&bench, |login| {
        login.client_secret = Secret::new("not-the-secret")
    });
    let error = failure(read(&app).await, Code::Unauthorized);
    assert_eq!(error.detail().status, Some(401));
    assert!(error.hint().contains("client_secret"), "{}", error.hint());
    assert_eq!(bench.logins(), ["password"]);
}

#[tokio::test]
async fn special_characters_in_the_password_survive() {
    // The sandbox's password holds `&`, `=`, `%`, `+`, a space and a letter beyond ASCII.
    let bench = Bench::demo().await;
    assert_eq!(read(&bench.app()).await.expect("a list"), 6);
    assert_eq!(bench.sandbox.requests()[0].status, 200);
}

#[tokio::test]
async fn a_token_without_the_scope_is_forbidden_and_not_repeated() {
    let bench = Bench::demo().await;
    let app = bench.app_with(|settings| settings.scope = "account".to_owned());
    let error = failure(read(&app).await, Code::Forbidden);
    assert!(error.hint().contains("pbx"), "{}", error.hint());
    assert_eq!(error.detail().status, Some(403));
    assert_eq!(bench.sent(), ["GET"]);
    assert_eq!(bench.logins(), ["password"]);
}

#[tokio::test]
async fn a_scope_the_client_may_not_ask_for_is_a_failed_login() {
    let bench = Bench::with(Tenant::demo().scopes(&["account"])).await;
    let error = failure(read(&bench.app()).await, Code::Unauthorized);
    assert!(error.to_string().contains("scope"), "{error}");
    assert!(error.hint().contains("scope"), "{}", error.hint());
    assert_eq!(bench.logins(), ["password"]);
}

#[tokio::test]
async fn a_refusal_that_stays_ends_after_one_repeat() {
    let bench = Bench::demo().await;
    let app = bench.app();
    bench
        .sandbox
        .inject(Fault::status("GET", "route-by-ani", 401).times(2));
    let error = failure(read(&app).await, Code::Unauthorized);
    assert_eq!(error.detail().status, Some(401));
    assert_eq!(bench.sent(), ["GET", "GET"]);
    assert_eq!(bench.logins(), ["password", "refresh_token"]);
    assert_eq!(read(&app).await.expect("a list"), 6);
}

#[tokio::test]
async fn every_form_of_token_answer_is_understood() {
    for (form, renewal) in [
        (TokenAnswer::Full, "refresh_token"),
        (TokenAnswer::WithoutRefreshToken, "password"),
        (TokenAnswer::WithoutExpiry, "refresh_token"),
        (TokenAnswer::ExpiryAsString, "refresh_token"),
    ] {
        let bench = Bench::with(Tenant {
            token_answer: form,
            ..Tenant::demo()
        })
        .await;
        let app = bench.app();
        read(&app).await.expect("a list");
        read(&app).await.expect("a list");
        assert_eq!(bench.logins(), ["password"], "{form:?}");
        bench.sandbox.revoke_tokens();
        read(&app).await.expect("a list");
        assert_eq!(bench.logins(), ["password", renewal], "{form:?}");
        let report = ops::token(&app, false).await.expect("a report");
        let ends: Timestamp = report.expires_at.parse().expect("a moment");
        let hours = ends.duration_since(Timestamp::now()).as_secs_f64() / 3600.0;
        assert!((5.9..6.1).contains(&hours), "{form:?}: {hours}");
    }
}

#[tokio::test]
async fn a_login_answer_without_a_token_is_an_error() {
    let bench = Bench::demo().await;
    for body in [
        "{}",
        r#"{"mfa_required":true}"#,
        r#"{"access_token":"","expires_in":5}"#,
    ] {
        bench
            .sandbox
            .inject(Fault::status("POST", "/oauth/token", 200).body(body, "application/json"));
        let error = failure(read(&bench.app()).await, Code::UpstreamRejected);
        assert!(error.to_string().contains("without a token"), "{error}");
    }
    bench.sandbox.inject(Fault::html("POST", "/oauth/token"));
    let error = failure(read(&bench.app()).await, Code::UpstreamRejected);
    assert!(error.to_string().contains("an HTML page"), "{error}");
    assert_eq!(bench.logins().len(), 4);
    assert_eq!(bench.sent(), [""; 0]);
}

#[tokio::test]
async fn a_login_that_fails_on_the_services_side_is_tried_again() {
    let bench = Bench::demo().await;
    bench
        .sandbox
        .inject(Fault::status("POST", "/oauth/token", 503));
    assert_eq!(read(&bench.app()).await.expect("a list"), 6);
    assert_eq!(bench.logins(), ["?", "password"]);
}

#[tokio::test]
async fn reads_work_without_a_usable_state_folder() {
    let bench = Bench::demo().await;
    // A file where the folder should be stops even a privileged user.
    std::fs::write(bench.state_dir(), "in the way").expect("a file");
    let app = bench.app();
    assert_eq!(read(&app).await.expect("a list"), 6);
    assert_eq!(read(&app).await.expect("a list"), 6);
    assert_eq!(
        bench.logins(),
        ["password"],
        "the token is kept in this process"
    );
}

#[tokio::test]
async fn a_stale_token_description_is_answered_by_a_new_login() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let before = ops::token(&app, false).await.expect("a report");
    assert_eq!(
        before.username.as_deref(),
        Some(skyswitch_mcp::sandbox::USERNAME)
    );
    assert_eq!(before.scopes.as_deref().unwrap(), ["pbx", "account"]);
    bench.sandbox.revoke_tokens();
    let after = ops::token(&app, false).await.expect("a report");
    assert_eq!(bench.logins(), ["password", "refresh_token"]);
    // What is handed out must be the token that works now.
    assert_ne!(
        after.access_token, before.access_token,
        "a revoked token is handed out"
    );
}

#[tokio::test]
async fn a_token_is_renewed_on_request() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let before = ops::token(&app, false).await.expect("a report");
    let after = ops::token(&app, true).await.expect("a report");
    assert_ne!(after.access_token, before.access_token);
    assert_eq!(bench.logins(), ["password", "refresh_token"]);
}

#[tokio::test]
async fn nothing_is_sent_and_nothing_stored_without_credentials() {
    let bench = Bench::demo().await;
    let app = bench.app_with(|settings| {
        let nothing = |name: &str| (name == "XDG_CONFIG_HOME").then(|| "/nonexistent".to_owned());
        let flags = skyswitch_mcp::config::Flags::default();
        let bare = skyswitch_mcp::config::Settings::load(&flags, &nothing).expect("settings");
        settings.credentials = bare.credentials;
    });
    let error = failure(read(&app).await, Code::NotConfigured);
    assert!(
        error.to_string().contains("SKYSWITCH_CLIENT_ID"),
        "{error} {}",
        error.hint()
    );
    assert_eq!(bench.sandbox.requests(), []);
    assert!(!bench.state_dir().exists());
}
