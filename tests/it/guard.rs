//! The guard: nothing that exists is lost without a person's consent to
//! exactly that, and every consent works once.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::json;
use skyswitch_mcp::app::App;
use skyswitch_mcp::config::ConfirmMode;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::{Answer, Channel, Settled};
use skyswitch_mcp::ops::{
    AddVipStatus, Asked, RemoveVip, RemoveVipOutcome, RemoveVipStatus, add_vip, remove_vip,
};
use skyswitch_mcp::sandbox::{Fault, StoredDnis, StoredRoute};

use crate::support::journal;
use crate::support::{
    Bench, CALLER, DENTAL, Person, VET, add, adding, failure, first_call, nobody, other_account,
    question, remove, removing, second_call, settings, tenant_of, token,
};

fn removal() -> RemoveVip {
    removing(CALLER, DENTAL)
}

/// Puts the rule of [`CALLER`] back as it was.
fn restore(bench: &Bench) {
    bench
        .sandbox
        .put_route(StoredRoute::new(DENTAL, CALLER, "101"));
}

/// The state of a question about the removal of [`CALLER`].
async fn asked(app: &App) -> String {
    let asked = remove_vip(app, &removal(), &first_call()).await;
    question(asked.expect("a question")).state
}

/// What waits after a call without a confirmation.
async fn pending(app: &App) -> skyswitch_mcp::ops::Confirmation {
    let outcome = remove(app, &removal(), &nobody())
        .await
        .expect("an outcome");
    assert_eq!(outcome.status, RemoveVipStatus::ConfirmationRequired);
    outcome.confirmation
}

async fn pending_code(app: &App) -> String {
    pending(app).await.approval_code.expect("a code")
}

async fn pending_token(app: &App) -> String {
    pending(app).await.confirmation.expect("a token")
}

/// A person decides at the terminal.
async fn settle(app: &App, code: &str, answer: Answer) -> skyswitch_mcp::Result<bool> {
    let approval = app.guard().waiting_under(code).await?;
    let settled = app.guard().settle(&approval, &answer).await?;
    Ok(settled == Settled::Approved)
}

fn typed(text: &str) -> Answer {
    Answer::Typed(text.to_owned())
}

async fn remove_with(app: &App, channel: &Channel<'_>) -> skyswitch_mcp::Result<RemoveVipOutcome> {
    remove(app, &removal(), channel).await
}

// ---- asked during the call

#[tokio::test]
async fn anything_but_the_callers_number_is_no_consent() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let answers = [
        "",
        " ",
        "yes",
        "y",
        "true",
        "confirm",
        "16165550124",
        "616555012",
        "*",
        "user \"101\"",
        "101",
        DENTAL,
        "61655501230",
        "Remove VIP +1 616-555-0123",
    ]
    .map(typed);
    for answer in answers.into_iter().chain([Answer::Declined]) {
        let person = Person::answering(answer.clone());
        // A slip is asked again, a no is not.
        let (status, asked) = match answer {
            Answer::Typed(_) => ((RemoveVipStatus::WrongValue, AddVipStatus::WrongValue), 6),
            _ => ((RemoveVipStatus::Declined, AddVipStatus::Declined), 2),
        };
        let removed = remove_with(&app, &Channel::During(&person)).await;
        let args = adding(CALLER, DENTAL, "102");
        let added = add(&app, &args, &Channel::During(&person)).await;
        let found = (removed.unwrap().status, added.unwrap().status);
        assert_eq!(found, status, "{answer:?}");
        assert_eq!(person.shown().len(), asked, "{answer:?}");
        bench.age_declines(60);
    }
    bench.assert_nothing_written();
    assert_eq!(bench.rings(DENTAL, CALLER).as_deref(), Some("101"));
}

#[tokio::test]
async fn the_callers_number_in_any_writing_is_consent() {
    let bench = Bench::demo().await;
    let app = bench.app();
    for text in [
        "16165550123",
        "6165550123",
        "(616) 555-0123",
        " +1 616-555-0123 ",
        "\u{202A}616.555.0123\u{202C}",
    ] {
        restore(&bench);
        bench.sandbox.clear_requests();
        let person = Person::typing(text);
        let outcome = remove_with(&app, &Channel::During(&person)).await;
        assert_eq!(outcome.unwrap().status, RemoveVipStatus::Removed, "{text}");
        assert_eq!(
            bench.sent(),
            ["GET", "GET", "DELETE", "GET"],
            "read again right before and afterwards"
        );
    }
}

#[tokio::test]
async fn a_stored_value_as_listed_is_consent_to_its_own_removal() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let args = removing("anonymous", VET);
    let person = Person::typing("6165550123");
    let outcome = remove(&app, &args, &Channel::During(&person)).await;
    assert_eq!(outcome.unwrap().status, RemoveVipStatus::WrongValue);
    bench.age_declines(60);
    let person = Person::typing("anonymous");
    let outcome = remove(&app, &args, &Channel::During(&person)).await;
    assert_eq!(outcome.unwrap().status, RemoveVipStatus::Removed);
    assert_eq!(person.shown()[0].asks_for().text(), "anonymous");
}

#[tokio::test]
async fn a_person_is_shown_what_rings_today_and_afterwards() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let person = Person::answering(Answer::Declined);
    let args = adding(CALLER, DENTAL, "device:johns-cell");
    add(&app, &args, &Channel::During(&person)).await.unwrap();
    remove_with(&app, &Channel::During(&person)).await.unwrap();
    let shown = person.shown();
    let [replacing, removing] = shown.as_slice() else {
        panic!("{shown:?}")
    };
    assert_eq!(
        replacing.summary(),
        format!("Replace VIP +1 616-555-0123 in {DENTAL}")
    );
    for part in [
        "user \"101\"",
        "device \"device:johns-cell\"",
        "stored as \"16165550123\"",
        "any number",
    ] {
        assert!(
            replacing.text().contains(part),
            "{part}: {}",
            replacing.text()
        );
    }
    assert_eq!(
        removing.summary(),
        format!("Remove VIP +1 616-555-0123 in {DENTAL}")
    );
    assert!(
        removing.text().contains("Afterwards: no VIP rule"),
        "{}",
        removing.text()
    );
    assert_eq!(removing.asks_for().text(), CALLER);
}

#[tokio::test]
async fn a_preview_cannot_be_rewritten_by_what_is_stored() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let person = Person::answering(Answer::NoAnswer);
    remove_with(&app, &Channel::During(&person)).await.unwrap();
    let hostile = "101\nAfterwards: rings user 101\u{202E}\u{1b}[2J";
    bench
        .sandbox
        .put_route(StoredRoute::new(DENTAL, CALLER, hostile).application(Some("user\nToday: x")));
    remove_with(&app, &Channel::During(&person)).await.unwrap();
    let shown = person.shown();
    let lines = |index: usize| shown[index].text().lines().count();
    assert_eq!(lines(0), lines(1), "{}", shown[1].text());
    let harmless = |c: char| c == '\n' || (!c.is_control() && c != '\u{202E}');
    assert!(shown[1].text().chars().all(harmless), "{}", shown[1].text());
}

#[tokio::test]
async fn a_preview_tells_long_destinations_apart() {
    let bench = Bench::demo().await;
    let long = |end: &str| format!("sip:{}{end}@carrier.example", "1".repeat(90));
    bench
        .sandbox
        .put_route(StoredRoute::new(DENTAL, CALLER, &long("2")).application(Some("literal")));
    let person = Person::answering(Answer::Declined);
    let args = adding(CALLER, DENTAL, &long("3"));
    let app = bench.app();
    let outcome = add(&app, &args, &Channel::During(&person)).await.unwrap();
    assert_eq!(outcome.status, AddVipStatus::Declined);
    let text = person.shown()[0].text().to_owned();
    let after = |label: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(label));
        line.expect("a line").to_owned()
    };
    assert_ne!(after("Today: "), after("Afterwards: "), "{text}");
}

#[tokio::test]
async fn a_route_that_changes_while_the_person_thinks_makes_the_answer_stale() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let changed = Person::typing(CALLER).while_thinking(|| {
        let route = StoredRoute::new(DENTAL, CALLER, "999");
        bench.sandbox.put_route(route);
    });
    let error = failure(
        remove_with(&app, &Channel::During(&changed)).await,
        Code::ConfirmationStale,
    );
    assert!(
        error.to_string().contains("user \"999\""),
        "a fresh preview: {error}"
    );

    let args = adding(CALLER, DENTAL, "102");
    let gone = Person::typing(CALLER).while_thinking(|| {
        bench
            .sandbox
            .delete_route(DENTAL, CALLER, &StoredDnis::Absent);
    });
    failure(
        add(&app, &args, &Channel::During(&gone)).await,
        Code::ConfirmationStale,
    );
    bench.assert_nothing_written();
}

#[tokio::test]
async fn a_rule_made_under_another_writing_while_the_person_thinks_is_not_overlooked() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let twin = Person::typing(CALLER).while_thinking(|| {
        bench
            .sandbox
            .delete_route(DENTAL, CALLER, &StoredDnis::Absent);
        let route = StoredRoute::new(DENTAL, "6165550123", "101");
        bench.sandbox.put_route(route);
    });
    let args = adding(CALLER, DENTAL, "102");
    failure(
        add(&app, &args, &Channel::During(&twin)).await,
        Code::ConfirmationStale,
    );
    bench.assert_nothing_written();
}

#[tokio::test]
async fn what_is_done_already_when_the_person_answers_is_not_done_again() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let person = Person::typing(CALLER).while_thinking(|| {
        bench
            .sandbox
            .put_route(StoredRoute::new(DENTAL, CALLER, "102"));
    });
    let args = adding(CALLER, DENTAL, "102");
    let outcome = add(&app, &args, &Channel::During(&person)).await.unwrap();
    assert_eq!(outcome.status, AddVipStatus::Unchanged);
    let person = Person::typing(CALLER).while_thinking(|| {
        bench
            .sandbox
            .delete_route(DENTAL, CALLER, &StoredDnis::Absent);
    });
    let outcome = remove_with(&app, &Channel::During(&person)).await.unwrap();
    assert_eq!(outcome.status, RemoveVipStatus::NotFound);
    bench.assert_nothing_written();
}

#[tokio::test]
async fn replacing_a_foreign_caller_needs_consent_like_any_other() {
    for (stored, given) in [
        ("442079460958", "+44 20 7946 0958"),
        ("3545550123", "+354 555 0123"),
        ("298555012", "+298 555 012"),
    ] {
        let bench = Bench::with(tenant_of(&[(stored, "101")])).await;
        let app = bench.app();
        let outcome = add(&app, &adding(given, DENTAL, "102"), &nobody()).await;
        let status = outcome.unwrap().status;
        assert_eq!(status, AddVipStatus::ConfirmationRequired, "{given}");
        assert_eq!(
            bench.rings(DENTAL, stored).as_deref(),
            Some("101"),
            "{given}"
        );
        bench.assert_nothing_written();
    }
}

// ---- asked between two calls

#[tokio::test]
async fn a_question_between_calls_acts_once_it_is_answered() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let first = remove_vip(&app, &removal(), &first_call()).await.unwrap();
    let first = question(first);
    assert!(first.preview.text().contains("user \"101\""));
    bench.assert_nothing_written();
    let outcome = remove_with(&app, &second_call(&first.state, "616-555-0123")).await;
    assert_eq!(outcome.unwrap().status, RemoveVipStatus::Removed);
    assert_eq!(bench.sent(), ["GET", "GET", "DELETE", "GET"]);
}

#[tokio::test]
async fn a_state_without_an_answer_or_an_answer_without_its_state_asks_again() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let state = asked(&app).await;
    for channel in [
        Channel::Between {
            state: Some(&state),
            answer: None,
        },
        Channel::Between {
            state: None,
            answer: Some(typed(CALLER)),
        },
    ] {
        question(remove_vip(&app, &removal(), &channel).await.unwrap());
    }
    bench.assert_nothing_written();
    // None of this used the state up.
    let outcome = remove_with(&app, &second_call(&state, CALLER)).await;
    assert_eq!(outcome.unwrap().status, RemoveVipStatus::Removed);
}

#[tokio::test]
async fn a_state_that_was_answered_is_refused_the_second_time() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let state = asked(&app).await;
    remove_with(&app, &second_call(&state, CALLER))
        .await
        .unwrap();
    restore(&bench);
    let error = failure(
        remove_with(&app, &second_call(&state, CALLER)).await,
        Code::ConfirmationInvalid,
    );
    assert!(error.to_string().contains("used before"), "{error}");
    assert_eq!(bench.count("DELETE"), 1);
}

#[tokio::test]
async fn a_wrong_answer_uses_the_state_up() {
    for answer in [typed("16165550124"), typed(""), Answer::Declined] {
        let bench = Bench::demo().await;
        let app = bench.app();
        let state = asked(&app).await;
        let wrong = Channel::Between {
            state: Some(&state),
            answer: Some(answer),
        };
        match remove_vip(&app, &removal(), &wrong).await.unwrap() {
            Asked::Question(again) => assert!(again.preview.problem().is_some()),
            Asked::Done(outcome) => assert_eq!(outcome.status, RemoveVipStatus::Declined),
        }
        failure(
            remove_with(&app, &second_call(&state, CALLER)).await,
            Code::ConfirmationInvalid,
        );
        bench.assert_nothing_written();
    }
}

#[tokio::test]
async fn a_state_with_any_character_altered_is_refused() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let state = asked(&app).await;
    let letters: Vec<char> = state.chars().collect();
    for index in 0..letters.len() {
        let mut altered = letters.clone();
        altered[index] = if altered[index] == 'A' { 'B' } else { 'A' };
        let altered: String = altered.into_iter().collect();
        let outcome = remove_with(&app, &second_call(&altered, CALLER)).await;
        failure(outcome, Code::ConfirmationInvalid);
    }
    for altered in [
        "",
        "x",
        &state[1..],
        &state[..state.len() - 1],
        &format!("{state}A"),
    ] {
        let outcome = remove_with(&app, &second_call(altered, CALLER)).await;
        failure(outcome, Code::ConfirmationInvalid);
    }
    bench.assert_nothing_written();
    let outcome = remove_with(&app, &second_call(&state, CALLER)).await;
    assert_eq!(outcome.unwrap().status, RemoveVipStatus::Removed);
}

#[tokio::test]
async fn a_state_is_worth_nothing_for_another_change() {
    let bench = Bench::demo().await;
    let app = bench.app();
    bench
        .sandbox
        .put_route(StoredRoute::new(VET, CALLER, "101"));
    let state = asked(&app).await;
    let typed_other = "16165550124";
    for (args, number) in [
        (removing(typed_other, DENTAL), typed_other),
        (removing(CALLER, VET), CALLER),
    ] {
        let outcome = remove(&app, &args, &second_call(&state, number)).await;
        failure(outcome, Code::ConfirmationInvalid);
    }
    // The same words for the tool that replaces.
    let replacing = adding(CALLER, DENTAL, "102");
    let outcome = add(&app, &replacing, &second_call(&state, CALLER)).await;
    failure(outcome, Code::ConfirmationInvalid);
    // Another account that shows the same rule.
    let list =
        json!([{"ani": CALLER, "domain": DENTAL, "destination": "101", "application": "user"}]);
    let elsewhere = Fault::status("GET", other_account().as_str(), 200);
    bench
        .sandbox
        .inject(elsewhere.body(&list.to_string(), "application/json"));
    let args = RemoveVip {
        account_id: Some(other_account()),
        ..removal()
    };
    let outcome = remove(&app, &args, &second_call(&state, CALLER)).await;
    failure(outcome, Code::ConfirmationInvalid);
    bench.assert_nothing_written();
    // All of that did not use it up for its own change.
    let outcome = remove_with(&app, &second_call(&state, CALLER)).await;
    assert_eq!(outcome.unwrap().status, RemoveVipStatus::Removed);
}

#[tokio::test]
async fn a_state_for_one_destination_does_not_send_another() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let asked = add_vip(&app, &adding(CALLER, DENTAL, "102"), &first_call()).await;
    let state = question(asked.unwrap()).state;
    let other = adding(CALLER, DENTAL, "103");
    failure(
        add(&app, &other, &second_call(&state, CALLER)).await,
        Code::ConfirmationInvalid,
    );
    bench.assert_nothing_written();
    // The same change in another writing is the same change.
    let same = adding("(616) 555-0123", "LAKESIDEDENTAL.12345.service", "102");
    let outcome = add(&app, &same, &second_call(&state, CALLER)).await;
    assert_eq!(outcome.unwrap().status, AddVipStatus::Replaced);
}

#[tokio::test]
async fn a_state_of_another_installation_or_upstream_is_refused() {
    let bench = Bench::demo().await;
    let state = asked(&bench.app()).await;
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = App::new(settings(bench.sandbox.base_url(), folder.path()));
    failure(
        remove_with(&elsewhere, &second_call(&state, CALLER)).await,
        Code::ConfirmationInvalid,
    );
    let other = Bench::demo().await;
    let upstream = App::new(settings(other.sandbox.base_url(), &bench.state_dir()));
    failure(
        remove_with(&upstream, &second_call(&state, CALLER)).await,
        Code::ConfirmationInvalid,
    );
    bench.assert_nothing_written();
    other.assert_nothing_written();
}

#[tokio::test]
async fn a_route_that_changed_between_the_calls_makes_the_answer_stale() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let state = asked(&app).await;
    bench
        .sandbox
        .put_route(StoredRoute::new(DENTAL, CALLER, "999"));
    let error = failure(
        remove_with(&app, &second_call(&state, CALLER)).await,
        Code::ConfirmationStale,
    );
    assert!(error.to_string().contains("user \"999\""), "{error}");

    let asked = add_vip(&app, &adding(CALLER, DENTAL, "102"), &first_call()).await;
    let state = question(asked.unwrap()).state;
    bench
        .sandbox
        .delete_route(DENTAL, CALLER, &StoredDnis::Absent);
    failure(
        add(
            &app,
            &adding(CALLER, DENTAL, "102"),
            &second_call(&state, CALLER),
        )
        .await,
        Code::ConfirmationStale,
    );
    bench.assert_nothing_written();
}

#[tokio::test]
async fn a_confirmation_that_is_no_confirmation_stops_even_a_harmless_change() {
    let bench = Bench::demo().await;
    let args = adding("6165550111", DENTAL, "101");
    for mode in [ConfirmMode::Human, ConfirmMode::Token] {
        let app = bench.app_in(mode);
        for channel in [token("made up"), second_call("made up", "6165550111")] {
            failure(add(&app, &args, &channel).await, Code::ConfirmationInvalid);
        }
    }
    bench.assert_nothing_written();
}

// ---- approved at a terminal

#[tokio::test]
async fn a_change_approved_at_the_terminal_is_made_once() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let waiting = pending(&app).await;
    let code = waiting.approval_code.unwrap();
    assert!(
        waiting
            .next_step
            .unwrap()
            .contains(&format!("skyswitch approve {code}"))
    );
    assert!(waiting.preview.as_ref().unwrap().contains("user \"101\""));
    assert_eq!(waiting.confirmation, None);
    let expires: jiff::Timestamp = waiting.expires_at.unwrap().parse().unwrap();
    let left = expires.duration_since(jiff::Timestamp::now()).as_secs();
    assert!((280..=300).contains(&left), "{left}");

    assert_eq!(
        pending_code(&app).await,
        code,
        "the same code while it waits"
    );
    let listed = app.guard().waiting().await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].preview.text(), waiting.preview.unwrap());
    bench.assert_nothing_written();

    let written = code.replace('-', " ").to_lowercase();
    assert!(settle(&app, &written, typed("616-555-0123")).await.unwrap());
    bench.assert_nothing_written();
    assert!(app.guard().waiting().await.unwrap().is_empty());

    let outcome = remove_with(&app, &nobody()).await.unwrap();
    assert_eq!(outcome.status, RemoveVipStatus::Removed);
    restore(&bench);
    assert_ne!(pending_code(&app).await, code, "it worked once");
    assert_eq!(bench.count("DELETE"), 1);
}

#[tokio::test]
async fn what_ended_an_approval_is_reported_once() {
    for (answers, status) in [
        (
            ["yes", "", "16165550124"].map(typed).to_vec(),
            RemoveVipStatus::WrongValue,
        ),
        (
            vec![typed("yes"), Answer::Declined],
            RemoveVipStatus::Declined,
        ),
    ] {
        let bench = Bench::demo().await;
        let app = bench.app();
        let code = pending_code(&app).await;
        for answer in answers {
            // Until the last attempt, it waits.
            assert_eq!(pending_code(&app).await, code);
            assert!(!settle(&app, &code, answer).await.unwrap());
        }
        failure(settle(&app, &code, typed(CALLER)).await, Code::NotFound);
        // Once as the end of this question, then because nobody is asked again so soon.
        for said in ["That is not a no", "less than a minute ago"] {
            let outcome = remove_with(&app, &nobody()).await.unwrap();
            assert_eq!(outcome.status, status);
            let text = outcome.confirmation.next_step.unwrap();
            assert!(
                status == RemoveVipStatus::Declined || text.contains(said),
                "{text}"
            );
        }
        bench.age_declines(60);
        assert_ne!(pending_code(&app).await, code, "asked again");
        bench.assert_nothing_written();
    }
}

#[tokio::test]
async fn what_a_person_declined_is_not_put_before_them_again_so_soon() {
    let no = Person::answering(Answer::Declined);
    for terminal in [true, false] {
        let bench = Bench::demo().await;
        let app = bench.app();
        if terminal {
            let code = pending_code(&app).await;
            assert!(!settle(&app, &code, Answer::Declined).await.unwrap());
            remove_with(&app, &nobody()).await.unwrap();
        } else {
            remove_with(&app, &Channel::During(&no)).await.unwrap();
        }
        // Neither by another process nor in another way of asking.
        let yes = Person::typing(CALLER);
        let ways = [nobody(), first_call(), Channel::During(&yes)];
        for way in &ways {
            let outcome = remove_with(&bench.app(), way).await.unwrap();
            assert_eq!(outcome.status, RemoveVipStatus::Declined);
        }
        let token = bench.app_in(ConfirmMode::Token);
        let outcome = remove_with(&token, &nobody()).await.unwrap();
        assert_eq!(outcome.status, RemoveVipStatus::Declined);
        assert!(yes.shown().is_empty());
        assert!(app.guard().waiting().await.unwrap().is_empty());
        bench.assert_nothing_written();

        // Other changes pass, and so does the person at the command line.
        let other = remove(&app, &removing("6165550124", DENTAL), &nobody()).await;
        assert_eq!(other.unwrap().status, RemoveVipStatus::ConfirmationRequired);
        let at_hand = bench.app().commanded_by_a_person();
        let outcome = remove_with(&at_hand, &Channel::During(&yes)).await.unwrap();
        assert_eq!(outcome.status, RemoveVipStatus::Removed);

        restore(&bench);
        bench.age_declines(60);
        pending_code(&app).await;
    }
}

#[tokio::test]
async fn a_question_that_nobody_answered_is_no_refusal_and_can_be_asked_again() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let away = Person::answering(Answer::NoAnswer);
    let outcome = remove_with(&app, &Channel::During(&away)).await.unwrap();
    assert_eq!(outcome.status, RemoveVipStatus::NoAnswer);
    let state = asked(&app).await;
    let closed = Channel::Between {
        state: Some(&state),
        answer: Some(Answer::NoAnswer),
    };
    let outcome = remove_with(&app, &closed).await.unwrap();
    assert_eq!(outcome.status, RemoveVipStatus::NoAnswer);
    bench.assert_nothing_written();
    pending_code(&app).await;
}

#[tokio::test]
async fn no_more_than_twenty_changes_wait_at_once() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let replacing = |number: usize| adding(CALLER, DENTAL, &(500 + number).to_string());
    for number in 0..20 {
        let outcome = add(&app, &replacing(number), &nobody()).await.unwrap();
        assert_eq!(outcome.status, AddVipStatus::ConfirmationRequired);
    }
    let waiting = app.guard().waiting().await.unwrap();
    let one_more = add(&bench.app(), &replacing(20), &nobody()).await;
    let error = failure(one_more, Code::Blocked);
    assert!(error.to_string().contains(&waiting[0].code), "{error}");
    assert!(
        error.hint().contains("skyswitch approve"),
        "{}",
        error.hint()
    );
    assert!(!error.to_string().contains(CALLER), "{error}");
    assert_eq!(
        app.guard().waiting().await.unwrap().len(),
        20,
        "none is dropped"
    );
    // What waits already is not counted twice, and what is decided makes room.
    let again = add(&app, &replacing(3), &nobody()).await.unwrap();
    assert_eq!(again.status, AddVipStatus::ConfirmationRequired);
    settle(&app, &waiting[0].code, Answer::Declined)
        .await
        .unwrap();
    let outcome = add(&app, &replacing(20), &nobody()).await.unwrap();
    assert_eq!(outcome.status, AddVipStatus::ConfirmationRequired);
    bench.assert_nothing_written();
}

#[tokio::test]
async fn an_approval_is_for_its_own_change_only() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let code = pending_code(&app).await;
    assert!(settle(&app, &code, typed(CALLER)).await.unwrap());
    let outcome = remove(&app, &removing("6165550124", DENTAL), &nobody()).await;
    assert_eq!(
        outcome.unwrap().status,
        RemoveVipStatus::ConfirmationRequired
    );
    let outcome = add(&app, &adding(CALLER, DENTAL, "102"), &nobody()).await;
    assert_eq!(outcome.unwrap().status, AddVipStatus::ConfirmationRequired);
    bench.assert_nothing_written();
    let outcome = remove_with(&app, &nobody()).await.unwrap();
    assert_eq!(outcome.status, RemoveVipStatus::Removed);
}

#[tokio::test]
async fn an_approval_of_what_no_longer_stands_is_stale() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let code = pending_code(&app).await;
    assert!(settle(&app, &code, typed(CALLER)).await.unwrap());
    bench
        .sandbox
        .put_route(StoredRoute::new(DENTAL, CALLER, "999"));
    let error = failure(remove_with(&app, &nobody()).await, Code::ConfirmationStale);
    assert!(error.to_string().contains("user \"999\""), "{error}");
    // The stale approval is spent, even if the old state comes back.
    restore(&bench);
    assert_ne!(pending_code(&app).await, code);
    bench.assert_nothing_written();
}

#[tokio::test]
async fn a_change_that_waits_gets_a_new_code_when_the_route_changes() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let code = pending_code(&app).await;
    bench
        .sandbox
        .put_route(StoredRoute::new(DENTAL, CALLER, "999"));
    let again = pending(&app).await;
    assert_ne!(again.approval_code.unwrap(), code);
    assert!(again.preview.unwrap().contains("user \"999\""));
    failure(settle(&app, &code, typed(CALLER)).await, Code::NotFound);
}

/// Lets every approval of that state folder expire.
fn let_approvals_expire(bench: &Bench) {
    let database = journal::open(&bench.state_dir());
    let aged = database.execute("UPDATE approvals SET expires_at = 1", []);
    assert!(aged.unwrap() > 0);
}

#[tokio::test]
async fn an_approval_that_has_expired_approves_nothing() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let code = pending_code(&app).await;
    let approval = app.guard().waiting_under(&code).await.unwrap();
    let_approvals_expire(&bench);
    failure(settle(&app, &code, typed(CALLER)).await, Code::NotFound);
    let late = app.guard().settle(&approval, &typed(CALLER)).await;
    failure(late, Code::NotFound);

    let code = pending_code(&app).await;
    assert!(settle(&app, &code, typed(CALLER)).await.unwrap());
    let_approvals_expire(&bench);
    assert_ne!(pending_code(&app).await, code);
    bench.assert_nothing_written();
}

#[tokio::test]
async fn tokens_are_not_accepted_where_a_person_confirms() {
    let bench = Bench::demo().await;
    let given = pending_token(&bench.app_in(ConfirmMode::Token)).await;
    let app = bench.app();
    for confirmation in [given.as_str(), "made up", ""] {
        failure(
            remove_with(&app, &token(confirmation)).await,
            Code::ConfirmationInvalid,
        );
    }
    bench.assert_nothing_written();
}

// ---- tokens

#[tokio::test]
async fn a_token_acts_once() {
    let bench = Bench::demo().await;
    let app = bench.app_in(ConfirmMode::Token);
    let waiting = pending(&app).await;
    assert_eq!(waiting.approval_code, None);
    assert!(waiting.preview.unwrap().contains("user \"101\""));
    let confirmation = waiting.confirmation.unwrap();
    let outcome = remove_with(&app, &token(&confirmation)).await.unwrap();
    assert_eq!(outcome.status, RemoveVipStatus::Removed);
    restore(&bench);
    failure(
        remove_with(&app, &token(&confirmation)).await,
        Code::ConfirmationInvalid,
    );
    assert_eq!(bench.count("DELETE"), 1);
}

#[tokio::test]
async fn a_token_is_for_its_own_change_and_state() {
    let bench = Bench::demo().await;
    let app = bench.app_in(ConfirmMode::Token);
    let confirmation = pending_token(&app).await;
    let other = removing("6165550124", DENTAL);
    failure(
        remove(&app, &other, &token(&confirmation)).await,
        Code::ConfirmationInvalid,
    );
    bench
        .sandbox
        .put_route(StoredRoute::new(DENTAL, CALLER, "999"));
    failure(
        remove_with(&app, &token(&confirmation)).await,
        Code::ConfirmationStale,
    );
    restore(&bench);
    failure(
        remove_with(&app, &token(&confirmation)).await,
        Code::ConfirmationInvalid,
    );
    bench.assert_nothing_written();
}

#[tokio::test]
async fn a_form_state_is_no_token_and_a_token_is_no_form_state() {
    let bench = Bench::demo().await;
    let app = bench.app_in(ConfirmMode::Token);
    let state = asked(&app).await;
    let confirmation = pending_token(&app).await;
    failure(
        remove_with(&app, &token(&state)).await,
        Code::ConfirmationInvalid,
    );
    failure(
        remove_with(&app, &second_call(&confirmation, CALLER)).await,
        Code::ConfirmationInvalid,
    );
    bench.assert_nothing_written();
    // A client with forms is asked in this mode as well.
    let again = remove_vip(&app, &removal(), &second_call(&state, "yes")).await;
    assert!(question(again.unwrap()).preview.problem().is_some());
}

#[tokio::test]
async fn tokens_and_codes_are_never_the_same_twice() {
    let bench = Bench::demo().await;
    let app = bench.app_in(ConfirmMode::Token);
    let mut seen = HashSet::new();
    for _ in 0..5 {
        assert!(seen.insert(pending_token(&app).await));
        // Within one process, the same is not asked twice at once.
        assert!(seen.insert(asked(&bench.app()).await));
    }
}

// ---- blocked

#[tokio::test]
async fn in_mode_block_nothing_that_stands_is_changed() {
    let bench = Bench::demo().await;
    let human_state = asked(&bench.app()).await;
    let app = bench.app_in(ConfirmMode::Block);
    let person = Person::typing(CALLER);
    for channel in [
        nobody(),
        token("made up"),
        first_call(),
        second_call(&human_state, CALLER),
        Channel::During(&person),
        Channel::Given,
    ] {
        let error = failure(remove_with(&app, &channel).await, Code::Blocked);
        assert!(error.to_string().contains("+1 616-555-0123"), "{error}");
        let replacing = adding(CALLER, DENTAL, "102");
        failure(add(&app, &replacing, &channel).await, Code::Blocked);
    }
    assert!(person.shown().is_empty(), "nobody is asked in vain");
    bench.assert_nothing_written();
    let added = add(&app, &adding("6165550111", DENTAL, "101"), &nobody()).await;
    assert_eq!(added.unwrap().status, AddVipStatus::Created);
}

// ---- across processes

#[tokio::test]
async fn confirmations_outlive_a_restart() {
    let bench = Bench::demo().await;
    let state = asked(&bench.app()).await;
    let outcome = remove_with(&bench.app(), &second_call(&state, CALLER)).await;
    assert_eq!(outcome.unwrap().status, RemoveVipStatus::Removed);
    restore(&bench);
    failure(
        remove_with(&bench.app(), &second_call(&state, CALLER)).await,
        Code::ConfirmationInvalid,
    );

    let code = pending_code(&bench.app()).await;
    assert!(settle(&bench.app(), &code, typed(CALLER)).await.unwrap());
    let outcome = remove_with(&bench.app(), &nobody()).await;
    assert_eq!(outcome.unwrap().status, RemoveVipStatus::Removed);
    restore(&bench);

    let confirmation = pending_token(&bench.app_in(ConfirmMode::Token)).await;
    let app = bench.app_in(ConfirmMode::Token);
    let outcome = remove_with(&app, &token(&confirmation)).await;
    assert_eq!(outcome.unwrap().status, RemoveVipStatus::Removed);
    assert_eq!(bench.count("DELETE"), 3);
}

#[tokio::test]
async fn two_processes_with_one_confirmation_act_once() {
    for mode in [ConfirmMode::Human, ConfirmMode::Token] {
        let bench = Bench::demo().await;
        let (one, two) = (bench.app_in(mode), bench.app_in(mode));
        let sealed = match mode {
            ConfirmMode::Token => pending_token(&one).await,
            _ => asked(&one).await,
        };
        let channel = match mode {
            ConfirmMode::Token => token(&sealed),
            _ => second_call(&sealed, CALLER),
        };
        bench.sandbox.set_latency(Duration::from_millis(50));
        let outcomes = tokio::join!(remove_with(&one, &channel), remove_with(&two, &channel));
        // They take turns: the second finds the rule gone.
        let statuses = [outcomes.0.unwrap().status, outcomes.1.unwrap().status];
        assert!(
            statuses.contains(&RemoveVipStatus::Removed),
            "{mode:?}: {statuses:?}"
        );
        assert!(
            statuses.contains(&RemoveVipStatus::NotFound),
            "{mode:?}: {statuses:?}"
        );
        assert_eq!(bench.count("DELETE"), 1);
    }
}

#[tokio::test]
async fn two_processes_with_one_approval_act_once() {
    let bench = Bench::demo().await;
    let (one, two) = (bench.app(), bench.app());
    let code = pending_code(&one).await;
    assert!(settle(&two, &code, typed(CALLER)).await.unwrap());
    bench.sandbox.set_latency(Duration::from_millis(50));
    let channel = nobody();
    let (a, b) = tokio::join!(remove_with(&one, &channel), remove_with(&two, &channel));
    let statuses = [a.unwrap().status, b.unwrap().status];
    let removed = statuses.iter().filter(|s| **s == RemoveVipStatus::Removed);
    assert_eq!(removed.count(), 1, "{statuses:?}");
    assert_eq!(bench.count("DELETE"), 1);
}

#[tokio::test]
async fn two_people_at_two_terminals_decide_once() {
    let bench = Bench::demo().await;
    let (one, two) = (bench.app(), bench.app());
    let code = pending_code(&one).await;
    let approval = one.guard().waiting_under(&code).await.unwrap();
    let (yes, no) = (typed(CALLER), Answer::Declined);
    let (a, b) = tokio::join!(
        one.guard().settle(&approval, &yes),
        two.guard().settle(&approval, &no)
    );
    assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
}

#[tokio::test]
async fn a_removal_that_may_take_other_rules_along_says_so_before() {
    let bench = Bench::demo().await;
    let person = Person::answering(Answer::Declined);
    let mut args = removing("16165550126", DENTAL);
    args.dnis = Some("*".parse().expect("any called number"));
    remove(&bench.app(), &args, &Channel::During(&person))
        .await
        .expect("an answer");
    let [preview] = person.shown().try_into().expect("one question");
    let shown = preview.text();
    assert!(shown.contains("may remove along with it"), "{shown}");
    assert!(shown.contains("\"103\""), "{shown}");
}

#[tokio::test]
async fn approving_works_again_after_the_state_folder_was_removed() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let waiting = remove_with(&app, &nobody()).await.expect("an answer");
    assert_eq!(waiting.status, RemoveVipStatus::ConfirmationRequired);
    std::fs::remove_dir_all(bench.state_dir()).expect("removed");
    let again = remove_with(&app, &nobody()).await.expect("an answer");
    let code = again.confirmation.approval_code.expect("a code");
    // Another process finds it.
    let elsewhere = bench.app();
    let approval = elsewhere.guard().waiting_under(&code).await;
    approval.expect("it waits where everybody looks");
}

#[tokio::test]
async fn no_more_questions_are_open_at_once_than_a_person_can_look_at() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let mut open = Vec::new();
    for number in 500..520 {
        let args = adding(CALLER, DENTAL, &number.to_string());
        let asked = add_vip(&app, &args, &first_call()).await;
        open.push((args, question(asked.unwrap()).state));
    }
    let person = Person::typing(CALLER);
    let args = removing(CALLER, DENTAL);
    let refused = remove(&app, &args, &Channel::During(&person)).await;
    failure(refused, Code::Blocked);
    assert!(person.shown().is_empty());
    let (answered, state) = open.pop().unwrap();
    let no = Channel::Between {
        state: Some(&state),
        answer: Some(Answer::Declined),
    };
    let declined = add(&app, &answered, &no).await.unwrap();
    assert_eq!(declined.status, AddVipStatus::Declined);
    let removed = remove(&app, &args, &Channel::During(&person))
        .await
        .unwrap();
    assert_eq!(removed.status, RemoveVipStatus::Removed);
}
