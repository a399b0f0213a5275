//! Not by the model: `--yes` can be switched off, and a PIN that a person has
//! set is typed besides the value.

use serde_json::json;
use skyswitch_mcp::app::App;
use skyswitch_mcp::config::ConfirmMode;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::{Answer, Channel, Settled};
use skyswitch_mcp::ops::RemoveVipStatus;
use skyswitch_mcp::redact::Secret;

use crate::support::client::{Client, Person as AtClient, accept};
use crate::support::process::{DOMAIN, Home, Reply, demo_sandbox, writes};
use crate::support::protocol::{ERAS, Wire};
use crate::support::{
    Bench, CALLER, DENTAL, Person, failure, nobody, question, remove, removing, second_call,
};

const PIN: &str = "tulip-48151623";

async fn set(app: &App) {
    let set = app.guard().set_pin(None, Secret::new(PIN)).await;
    set.unwrap();
}

/// The value, and a PIN.
fn typed(pin: &str) -> Answer {
    Answer::with_pin(CALLER.to_owned(), pin.to_owned())
}

#[tokio::test]
async fn a_form_and_the_terminal_want_the_pin_besides_the_value() {
    let bench = Bench::demo().await;
    let app = bench.app();
    set(&app).await;
    for answer in [
        typed(""),
        typed("tulip-4815162"),
        Answer::Typed(PIN.to_owned()),
    ] {
        let person = Person::answering(answer);
        let channel = Channel::During(&person);
        let refused = remove(&app, &removing(CALLER, DENTAL), &channel).await;
        let status = refused.map(|refused| refused.status);
        assert_eq!(status.unwrap(), RemoveVipStatus::WrongValue);
        let shown = person.shown();
        assert_eq!(shown.len(), 3, "a slip is not a no");
        for preview in shown {
            assert!(preview.wants_pin());
            assert!(preview.text().contains("and the PIN"), "{}", preview.text());
            assert!(!preview.text().contains("tulip"), "{}", preview.text());
        }
        bench.age_declines(60);
        bench.age_pin_tries(3_600);
    }
    bench.assert_nothing_written();
    let person = Person::answering(typed(PIN));
    let removed = remove(&app, &removing(CALLER, DENTAL), &Channel::During(&person)).await;
    assert_eq!(removed.unwrap().status, RemoveVipStatus::Removed);
}

#[tokio::test]
async fn a_form_between_two_calls_wants_it_too() {
    let bench = Bench::demo().await;
    let app = bench.app();
    set(&app).await;
    let first = crate::support::first_call();
    let args = removing(CALLER, DENTAL);
    let asked = question(
        skyswitch_mcp::ops::remove_vip(&app, &args, &first)
            .await
            .unwrap(),
    );
    assert!(asked.preview.wants_pin());
    let again = second_call(&asked.state, CALLER);
    let again = question(
        skyswitch_mcp::ops::remove_vip(&app, &args, &again)
            .await
            .unwrap(),
    );
    assert!(
        again
            .preview
            .problem()
            .unwrap()
            .starts_with("That is not the PIN")
    );
    let right = Channel::Between {
        state: Some(&again.state),
        answer: Some(typed(PIN)),
    };
    let removed = remove(&app, &args, &right).await.unwrap();
    assert_eq!(removed.status, RemoveVipStatus::Removed);
}

#[tokio::test]
async fn what_waits_is_approved_with_the_pin_alone() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let args = removing(CALLER, DENTAL);
    let code = remove(&app, &args, &nobody()).await.unwrap();
    let code = code.confirmation.approval_code.unwrap();
    // Set while it waits.
    set(&app).await;
    let guard = app.guard();
    let approval = guard.waiting_under(&code).await.unwrap();
    assert!(approval.preview.wants_pin());
    let settled = guard.settle(&approval, &typed("")).await.unwrap();
    assert!(matches!(settled, Settled::AskAgain(_)), "{settled:?}");
    let settled = guard.settle(&approval, &typed(PIN)).await.unwrap();
    assert_eq!(settled, Settled::Approved);
    let removed = remove(&app, &args, &nobody()).await.unwrap();
    assert_eq!(removed.status, RemoveVipStatus::Removed);
}

#[tokio::test]
async fn wrong_pins_are_bounded_over_all_processes_and_the_pause_grows() {
    let bench = Bench::demo().await;
    set(&bench.app()).await;
    let guess = async |pin: &str| {
        // Each as in a process of its own.
        let app = bench.app();
        let answers = Person::answering(typed(pin));
        let channel = Channel::During(&answers);
        let tried = remove(&app, &removing(CALLER, DENTAL), &channel).await;
        bench.age_declines(60);
        tried
    };
    let mut pause = 60;
    for _ in 0..3 {
        // Three tries of one question.
        let tried = guess("wrong-wrong").await.unwrap();
        assert_eq!(tried.status, RemoveVipStatus::WrongValue);
        let refused = failure(guess(PIN).await, Code::Blocked);
        assert!(refused.to_string().contains("PIN"), "{refused}");
        bench.age_pin_tries(pause - 30);
        failure(guess(PIN).await, Code::Blocked);
        bench.age_pin_tries(31);
        pause *= 2;
    }
    bench.assert_nothing_written();
    assert_eq!(guess(PIN).await.unwrap().status, RemoveVipStatus::Removed);
}

#[tokio::test]
async fn no_flag_and_no_token_agrees_where_a_pin_is_set() {
    let bench = Bench::demo().await;
    let app = bench.app_in(ConfirmMode::Token);
    set(&app).await;
    let args = removing(CALLER, DENTAL);
    failure(
        remove(&app, &args, &Channel::Given).await,
        Code::ConfirmationInvalid,
    );
    let waits = remove(&app, &args, &nobody()).await.unwrap().confirmation;
    assert!(waits.confirmation.is_none(), "{waits:?}");
    assert!(waits.approval_code.is_some(), "{waits:?}");
    bench.assert_nothing_written();
}

#[tokio::test]
async fn only_who_knows_the_pin_changes_or_removes_it() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let guard = app.guard();
    assert!(!guard.pin_is_set().unwrap());
    failure(
        guard.set_pin(None, Secret::new("12345")).await,
        Code::InvalidArgument,
    );
    set(&app).await;
    let other = || Secret::new("another-pin");
    failure(
        guard.set_pin(None, other()).await,
        Code::ConfirmationInvalid,
    );
    failure(
        guard.remove_pin(Some(other())).await,
        Code::ConfirmationInvalid,
    );
    guard
        .set_pin(Some(Secret::new(PIN)), other())
        .await
        .unwrap();
    guard.remove_pin(Some(other())).await.unwrap();
    assert!(!guard.pin_is_set().unwrap());
}

#[tokio::test]
async fn the_pin_is_kept_as_an_argon2id_hash_in_a_private_file() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::demo().await;
    set(&bench.app()).await;
    let file = bench.state_dir().join("pin");
    let kept = std::fs::read_to_string(&file).unwrap();
    assert!(
        kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{kept}"
    );
    assert!(!kept.contains("tulip"), "{kept}");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn nothing_that_a_model_is_shown_or_that_is_logged_contains_the_pin() {
    for era in ERAS {
        let sandbox = demo_sandbox().await;
        let home = Home::of(&sandbox).with("SKYSWITCH_LOG", "trace");
        let settings = crate::support::settings(sandbox.base_url(), &home.path().join("state"));
        set(&App::new(settings)).await;
        let person = AtClient::who_answers(accept(json!({"confirm": CALLER, "pin": PIN})));
        let client = Client::start(&home, &[], era, person).await;
        let arguments = json!({"ani": CALLER, "domain": DOMAIN});
        let removed = client.call("remove_vip", arguments.clone()).await;
        assert_eq!(removed["status"], "removed", "{removed}");
        assert!(!removed.to_string().contains("tulip"), "{removed}");
        let form = client.form();
        assert_eq!(form["required"], json!(["confirm", "pin"]), "{form}");
        assert_eq!(writes(&sandbox).len(), 1);
    }
    // In a log, too, where a client without forms fails to type it.
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox).with("SKYSWITCH_LOG", "trace");
    let settings = crate::support::settings(sandbox.base_url(), &home.path().join("state"));
    set(&App::new(settings)).await;
    let mut wire = Wire::ready(&home, &[], ERAS[0], true).await;
    let arguments = json!({"ani": CALLER, "domain": DOMAIN});
    let id = wire.post_call("remove_vip", arguments).await;
    let form = wire.answer_or_form(id).await;
    let content = json!({"confirm": CALLER, "pin": PIN});
    let answer = json!({"action": "accept", "content": content});
    wire.send(json!({"jsonrpc": "2.0", "id": form["id"], "result": answer}))
        .await;
    let result = wire.result_of(id).await;
    assert_eq!(result["structuredContent"]["status"], "removed", "{result}");
    let ended = wire.finish().await;
    assert!(!ended.stderr.contains("tulip"), "{}", ended.stderr);
    assert!(!ended.stdout.contains("tulip"), "{}", ended.stdout);
}

#[tokio::test]
async fn a_pin_is_set_only_at_a_terminal() {
    let home = Home::bare();
    let ran = home.run(&["pin", "set"]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    let status = home.run(&["pin", "status", "--json"]).await;
    assert_eq!(status.json()["status"], "not_set");
    let removed = home.run(&["pin", "remove"]).await;
    assert!(removed.stdout.contains("none to remove"), "{removed:?}");
}

#[tokio::test]
async fn a_pin_is_set_changed_and_removed_at_a_terminal_and_never_shown() {
    const OTHER: &str = "lily-62343846";
    let home = Home::bare();
    let set = [
        Reply::hidden("New PIN:", PIN),
        Reply::hidden("New PIN once more:", PIN),
    ];
    let change = [
        Reply::hidden("Present PIN:", PIN),
        Reply::hidden("New PIN:", OTHER),
        Reply::hidden("New PIN once more:", OTHER),
    ];
    let slip = [
        Reply::hidden("Present PIN:", OTHER),
        Reply::hidden("New PIN:", PIN),
        Reply::hidden("New PIN once more:", "tulip"),
    ];
    let wrong = [Reply::hidden("Present PIN:", PIN)];
    let right = [Reply::hidden("Present PIN:", OTHER)];
    // What is asked, what comes of it, what is said, and whether a PIN is set then.
    for (command, replies, code, says, status) in [
        ("set", &set[..], 0, "The PIN is set", "set"),
        ("set", &change, 0, "The PIN is set", "set"),
        ("set", &slip, 2, "the two PINs differ", "set"),
        ("remove", &wrong, 3, "not the present PIN", "set"),
        ("remove", &right, 0, "The PIN is removed", "not_set"),
    ] {
        let arguments = ["pin", command];
        let Some(ran) = home.converse_at_terminal(&arguments, replies).await else {
            return eprintln!("not tried: `script` of util-linux is missing");
        };
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(ran.stdout.contains(says), "{ran:?}");
        assert!(!ran.stdout.contains("tulip"), "{ran:?}");
        assert!(!ran.stdout.contains("lily"), "{ran:?}");
        let found = home.run(&["pin", "status", "--json"]).await;
        assert_eq!(found.json()["status"], status, "{ran:?}");
    }
}

#[tokio::test]
async fn esc_at_a_question_about_the_pin_changes_nothing() {
    let home = Home::bare();
    let replies = [Reply::hidden("New PIN:", "\u{1b}")];
    let Some(ran) = home.converse_at_terminal(&["pin", "set"], &replies).await else {
        return eprintln!("not tried: `script` of util-linux is missing");
    };
    assert_eq!(ran.code, 3, "{ran:?}");
    let status = home.run(&["pin", "status", "--json"]).await;
    assert_eq!(status.json()["status"], "not_set");
}

#[tokio::test]
async fn where_a_pin_is_set_no_command_offers_yes() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let settings = crate::support::settings(sandbox.base_url(), &home.path().join("state"));
    set(&App::new(settings)).await;
    let refused = home.run(&["vip", "rm", CALLER, "-d", DOMAIN]).await;
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(!refused.stderr.contains("--yes"), "{refused:?}");
}

#[tokio::test]
async fn yes_can_be_switched_off() {
    let sandbox = demo_sandbox().await;
    let by_file = Home::of(&sandbox).with_config(r#"{"allow_yes": false}"#);
    let by_variable = Home::of(&sandbox).with("SKYSWITCH_ALLOW_YES", "0");
    let remove = [
        "vip", "remove", "--ani", CALLER, "--domain", DOMAIN, "--yes",
    ];
    let add = [
        "vip",
        "add",
        "--ani",
        "6165550131",
        "--destination",
        "101",
        "--domain",
        DOMAIN,
        "--yes",
    ];
    // A variable cannot undo what the file says.
    let by_both = Home::of(&sandbox)
        .with_config(r#"{"allow_yes": false}"#)
        .with("SKYSWITCH_ALLOW_YES", "1");
    for home in [by_file, by_variable, by_both] {
        for command in [remove.as_slice(), add.as_slice()] {
            let ran = home.run(command).await;
            assert_eq!(ran.code, 3, "{ran:?}");
            assert!(ran.stderr.contains("allow_yes"), "{ran:?}");
        }
        let ran = home.run(&remove[..6]).await;
        assert!(!ran.stderr.contains("--yes"), "{ran:?}");
    }
    assert_eq!(writes(&sandbox), []);
    let bench = Bench::demo().await;
    let app = bench.app_with(|settings| settings.limits.no_flag_agrees = true);
    let refused = crate::support::remove(&app, &removing(CALLER, DENTAL), &Channel::Given).await;
    let refused = failure(refused, Code::Blocked);
    assert_eq!(refused.detail().field.as_deref(), Some("allow_yes"));
    bench.assert_nothing_written();
}
