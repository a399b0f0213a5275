//! Signing in at a terminal where something goes wrong: what was typed is kept,
//! and a service that cannot be reached is no wrong password.

use skyswitch_mcp::sandbox::{self, Fault, RetryAfter, Sandbox};

use crate::support::process::{Home, Ran, Reply, demo_sandbox, logins};

/// A home that knows where the service is, and nothing of a login.
fn stranger(sandbox: &Sandbox) -> Home {
    Home::bare().with("SKYSWITCH_BASE_URL", sandbox.base_url())
}

/// The four values with this password.
fn values(password: &str) -> [Reply<'_>; 4] {
    [
        Reply::shown("Client id:", sandbox::CLIENT_ID),
        Reply::hidden("Client secret", sandbox::CLIENT_SECRET),
        Reply::shown("User name", sandbox::USERNAME),
        Reply::hidden("Password", password),
    ]
}

/// The four questions again, of which only the password is answered.
fn only_password(password: &str) -> [Reply<'_>; 4] {
    [
        Reply::shown("Client id [", ""),
        Reply::hidden("Client secret (empty keeps", ""),
        Reply::shown("User name [", ""),
        Reply::hidden("Password (empty keeps", password),
    ]
}

fn account() -> Reply<'static> {
    Reply::shown("Account id", sandbox::ACCOUNT_ID)
}

async fn log_in(home: &Home, replies: &[Reply<'_>]) -> Option<Ran> {
    let ran = home.converse_at_terminal(&["login"], replies).await;
    if ran.is_none() {
        eprintln!("not tried: `script` of util-linux is missing");
    }
    ran
}

fn has_config(home: &Home) -> bool {
    let file = home.path().join("home/.config/skyswitch/config.json");
    file.exists()
}

#[tokio::test]
async fn a_wrong_password_is_asked_for_again_and_the_rest_is_kept() {
    let sandbox = demo_sandbox().await;
    let home = stranger(&sandbox);
    let replies = [
        &values("not-the-password")[..],
        &only_password(sandbox::PASSWORD),
        &[account()],
    ]
    .concat();
    let Some(ran) = log_in(&home, &replies).await else {
        return;
    };
    assert_eq!(ran.code, 0, "{ran:?}");
    for said in [
        "credentials were incorrect",
        "2 attempts left",
        "Signed in as",
    ] {
        assert!(ran.stdout.contains(said), "{said}: {ran:?}");
    }
    assert!(!ran.stdout.contains("not-the-password"), "{ran:?}");
    let listed = home.run(&["vip", "list"]).await;
    assert_eq!(listed.code, 0, "the kept values are stored: {listed:?}");
}

#[tokio::test]
async fn three_wrong_passwords_end_it_and_nothing_is_stored() {
    let sandbox = demo_sandbox().await;
    let home = stranger(&sandbox);
    let replies = [
        &values("not-the-password")[..],
        &only_password("nor-this-one"),
        // An empty answer tries what was typed before.
        &only_password(""),
    ]
    .concat();
    let Some(ran) = log_in(&home, &replies).await else {
        return;
    };
    assert_eq!(ran.code, 4, "{ran:?}");
    assert_eq!(logins(&sandbox), 3, "more would lock the user out");
    assert!(!has_config(&home));
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_told_from_a_wrong_password_and_nothing_is_typed_again() {
    let sandbox = demo_sandbox().await;
    let home = stranger(&sandbox);
    // So late that the client does not try again by itself.
    let late = RetryAfter::Seconds(3600);
    sandbox.inject(Fault::status("POST", "/oauth/token", 503).retry_after(late));
    let again = Reply::shown("Press Enter to try the same again", "");
    let replies = [&values(sandbox::PASSWORD)[..], &[again, account()]].concat();
    let Some(ran) = log_in(&home, &replies).await else {
        return;
    };
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("says nothing of the login"), "{ran:?}");
    assert!(!ran.stdout.contains("attempts left"), "{ran:?}");

    let nowhere = Home::bare().with("SKYSWITCH_BASE_URL", "http://127.0.0.1:9");
    let enough = Reply::shown("Press Enter to try the same again", "\u{1b}");
    let replies = [&values(sandbox::PASSWORD)[..], &[enough]].concat();
    let Some(ran) = log_in(&nowhere, &replies).await else {
        return;
    };
    assert_eq!(ran.code, 1, "no matter of the settings: {ran:?}");
    assert!(!has_config(&nowhere));
}

#[tokio::test]
async fn a_login_that_is_answered_without_a_token_is_told_and_tried_three_times_at_most() {
    let sandbox = demo_sandbox().await;
    let home = stranger(&sandbox);
    let answered = Fault::status("POST", "/oauth/token", 200).times(usize::MAX);
    sandbox.inject(answered);
    let replies = [
        &values(sandbox::PASSWORD)[..],
        &only_password(""),
        &only_password(""),
    ]
    .concat();
    let Some(ran) = log_in(&home, &replies).await else {
        return;
    };
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stdout.contains("without a token"), "{ran:?}");
    assert!(ran.stdout.contains("1 attempt left"), "{ran:?}");
    assert_eq!(logins(&sandbox), 3);
    assert!(!has_config(&home));
}

#[tokio::test]
async fn a_wrong_account_id_is_asked_for_again_and_the_login_is_not() {
    let sandbox = demo_sandbox().await;
    let home = stranger(&sandbox);
    let accounts = [
        Reply::shown("Account id", "no account"),
        Reply::shown("is not an account id", "somebody-elses"),
        Reply::shown("2 attempts left", sandbox::ACCOUNT_ID),
    ];
    let replies = [&values(sandbox::PASSWORD)[..], &accounts].concat();
    let Some(ran) = log_in(&home, &replies).await else {
        return;
    };
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(has_config(&home));
    let said = "`no account` is not an account id; give the account's UUID";
    assert!(ran.stdout.contains(said), "{ran:?}");
    assert!(!ran.stdout.contains("`no account` `no account`"), "{ran:?}");
}

#[tokio::test]
async fn what_the_login_was_tried_with_and_is_not_stored_is_said() {
    let sandbox = demo_sandbox().await;
    let replies = [&values(sandbox::PASSWORD)[..], &[account()]].concat();
    let home = stranger(&sandbox);
    let Some(ran) = log_in(&home, &replies).await else {
        return;
    };
    assert!(
        ran.stdout.contains("tried with SKYSWITCH_BASE_URL"),
        "{ran:?}"
    );
    let home = Home::bare()
        .with_config(&serde_json::json!({ "base_url": sandbox.base_url() }).to_string());
    let Some(ran) = log_in(&home, &replies).await else {
        return;
    };
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!ran.stdout.contains("is not stored"), "{ran:?}");
}
