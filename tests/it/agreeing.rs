//! A person is asked once about each change, may make a slip, and is left in
//! peace after a no.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use rmcp::model::ElicitResult;
use serde_json::json;
use skyswitch_mcp::config::{ConfirmMode, Flags, Settings};
use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::{Answer, AskPerson, Channel, Preview};
use skyswitch_mcp::ops::{
    AddVipStatus, RemoveVipStatus, RouteStatus, SyncMode, SyncStatus, UndoStatus, remove_vip,
};
use skyswitch_mcp::sandbox::{PbxHabits, StoredDialRule};
use tokio::sync::Semaphore;

use crate::support::client::{Client, Person as AtClient, accept, types};
use crate::support::customer::{
    ACME, DID, PbxApi, app_with, prepared, route, routed, sending, undo,
};
use crate::support::imports::{args, sync};
use crate::support::process::{CALLER_AS_WRITTEN, DOMAIN, Home, demo_sandbox, stored};
use crate::support::protocol::{ERAS, Era, Wire};
use crate::support::{
    Bench, CALLER, DENTAL, Person, add, adding, failure, first_call, nobody, question, remove,
    removing, second_call,
};

#[tokio::test]
async fn what_was_declined_is_not_asked_again_in_another_writing() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let no = Person::answering(Answer::Declined);
    let channel = Channel::During(&no);
    let with_domain = format!("102@{DENTAL}");
    for (ani, destination) in [
        (CALLER, "102"),
        (CALLER, "user:102"),
        ("(616) 555-0123", "102"),
        ("+1 616 555 0123", &with_domain),
    ] {
        let outcome = add(&app, &adding(ani, DENTAL, destination), &channel).await;
        assert_eq!(outcome.unwrap().status, AddVipStatus::Declined);
    }
    // Nor as an import of that one change.
    let list = "ani,destination\n6165550123,102\n";
    let imported = sync(&app, &args(SyncMode::Merge), list, &channel).await;
    assert_eq!(imported.unwrap().status, SyncStatus::Declined);
    assert_eq!(no.shown().len(), 1);

    // Another destination is another change.
    let outcome = add(&app, &adding(CALLER, DENTAL, "103"), &channel).await;
    assert_eq!(outcome.unwrap().status, AddVipStatus::Declined);
    assert_eq!(no.shown().len(), 2);
    bench.assert_nothing_written();
}

#[tokio::test]
async fn a_list_that_was_declined_is_not_asked_again_in_another_writing() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let no = Person::answering(Answer::Declined);
    let channel = Channel::During(&no);
    for list in [
        "ani,destination\n6165550131,101\n6165550132,102\n",
        "destination,ani\nuser:102,+1 616-555-0132\n101,(616) 555-0131\n",
        "ani;destination;note\n16165550132;102;a\n16165550131;101;b\n",
    ] {
        let outcome = sync(&app, &args(SyncMode::Merge), list, &channel).await;
        assert_eq!(outcome.unwrap().status, SyncStatus::Declined, "{list}");
    }
    assert_eq!(no.shown().len(), 1);
    // One row more is another import.
    let list = "ani,destination\n6165550131,101\n6165550132,102\n6165550133,102\n";
    sync(&app, &args(SyncMode::Merge), list, &channel)
        .await
        .unwrap();
    assert_eq!(no.shown().len(), 2);
}

/// Answers once as many calls were asked or refused as are made.
struct Slow {
    asked: AtomicUsize,
    settled: AtomicUsize,
    calls: usize,
    gate: Semaphore,
}

impl Slow {
    fn settled(&self) {
        if self.settled.fetch_add(1, Ordering::SeqCst) + 1 == self.calls {
            self.gate.add_permits(self.calls);
        }
    }
}

impl AskPerson for Slow {
    fn ask<'a>(&'a self, _: &'a Preview) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.settled();
        Box::pin(async {
            let _open = self.gate.acquire().await;
            Answer::Typed(CALLER.to_owned())
        })
    }
}

#[tokio::test]
async fn the_same_change_asked_for_at_once_is_put_before_the_person_once() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let person = Slow {
        asked: AtomicUsize::new(0),
        settled: AtomicUsize::new(0),
        calls: 8,
        gate: Semaphore::new(0),
    };
    let channel = Channel::During(&person);
    let args = removing(CALLER, DENTAL);
    let call = || async {
        let outcome = remove(&app, &args, &channel).await;
        if outcome.is_err() {
            person.settled();
        }
        outcome
    };
    let outcomes = join_all((0..8).map(|_| call())).await;
    assert_eq!(person.asked.load(Ordering::SeqCst), 1);
    let (removed, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(removed.len(), 1);
    for refusal in refused {
        let refusal = failure(refusal, Code::Blocked);
        assert!(refusal.to_string().contains("open already"), "{refusal}");
    }
    assert_eq!(bench.count("DELETE"), 1);
}

#[tokio::test]
async fn a_question_between_calls_is_asked_once_at_a_time_too() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let args = removing(CALLER, DENTAL);
    let state = question(remove_vip(&app, &args, &first_call()).await.unwrap()).state;
    failure(remove_vip(&app, &args, &first_call()).await, Code::Blocked);
    let removed = remove(&app, &args, &second_call(&state, CALLER)).await;
    assert_eq!(removed.unwrap().status, RemoveVipStatus::Removed);
}

#[tokio::test]
async fn eight_calls_of_one_session_show_one_form() {
    let sandbox = demo_sandbox().await;
    let mut wire = Wire::ready(&Home::of(&sandbox), &[], Era::Legacy, true).await;
    let removal = json!({"ani": CALLER_AS_WRITTEN, "domain": DOMAIN});
    for _ in 0..8 {
        wire.post_call("remove_vip", removal.clone()).await;
    }
    let form = wire.asked("elicitation/create").await;
    let mut refused = 0;
    let mut answered = false;
    for _ in 0..8 {
        let answer = wire.any_answer().await;
        match answer["result"]["isError"].as_bool() {
            Some(true) => refused += 1,
            _ => assert_eq!(answer["result"]["structuredContent"]["status"], "removed"),
        }
        if refused == 7 && !answered {
            answered = true;
            let typed = json!({"action": "accept", "content": {"confirm": CALLER}});
            wire.send(json!({"jsonrpc": "2.0", "id": form["id"], "result": typed}))
                .await;
        }
    }
    assert_eq!(refused, 7);
    assert_eq!(stored(&sandbox, CALLER), []);
}

#[tokio::test]
async fn a_change_waits_under_one_code_in_whatever_writing() {
    let bench = Bench::demo().await;
    let app = bench.app();
    for destination in ["102", "user:102", "102"] {
        let waiting = add(&app, &adding(CALLER, DENTAL, destination), &nobody()).await;
        assert_eq!(waiting.unwrap().status, AddVipStatus::ConfirmationRequired);
        assert_eq!(app.guard().waiting().await.unwrap().len(), 1);
    }
}

/// Somebody who answers with these, one after the other.
fn person_of(answers: Vec<ElicitResult>) -> AtClient {
    let next = Arc::new(AtomicUsize::new(0));
    AtClient::who(move || {
        let number = next.fetch_add(1, Ordering::SeqCst);
        answers[number.min(answers.len() - 1)].clone()
    })
}

#[tokio::test]
async fn a_slip_is_named_and_asked_again() {
    for era in ERAS {
        let sandbox = demo_sandbox().await;
        let person = person_of(vec![types("6165550124"), types(""), types(CALLER)]);
        let client = Client::start(&Home::of(&sandbox), &[], era, person).await;
        let removal = json!({"ani": CALLER, "domain": DOMAIN});
        let outcome = client.call("remove_vip", removal).await;
        assert_eq!(outcome["status"], "removed", "{era:?}: {outcome}");
        let [first, second, third] = client.questions().try_into().unwrap();
        assert!(first.starts_with("Remove"), "{first}");
        let wrong = "\"6165550124\" is not the caller's number";
        assert!(second.starts_with(wrong), "{second}");
        assert!(third.starts_with("Nothing was typed"), "{third}");
        assert!(third.contains("1 attempt left"), "{third}");
        assert!(third.contains(&first), "the whole question again: {third}");
    }
}

#[tokio::test]
async fn a_number_of_json_is_what_the_person_typed() {
    for era in ERAS {
        for number in [json!(16_165_550_123_u64), json!(6_165_550_123.0)] {
            let sandbox = demo_sandbox().await;
            let person = AtClient::who_answers(accept(json!({ "confirm": number })));
            let client = Client::start(&Home::of(&sandbox), &[], era, person).await;
            let removal = json!({"ani": CALLER, "domain": DOMAIN});
            let outcome = client.call("remove_vip", removal).await;
            assert_eq!(outcome["status"], "removed", "{era:?} {number}: {outcome}");
        }
    }
}

#[tokio::test]
async fn a_tool_is_told_why_nobody_agreed_and_what_that_allows() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let args = removing(CALLER, DENTAL);
    for (answer, status, said, said_again) in [
        (
            Answer::Declined,
            RemoveVipStatus::Declined,
            "Declined by the person",
            "Declined less than a minute ago: nobody was asked again",
        ),
        (
            Answer::Typed("yes".to_owned()),
            RemoveVipStatus::WrongValue,
            "That is not a no",
            "less than a minute ago, the person did not type the value",
        ),
        (
            Answer::Expired,
            RemoveVipStatus::Lapsed,
            "Expired: nobody answered",
            "Expired: nobody answered",
        ),
        (
            Answer::NoAnswer,
            RemoveVipStatus::NoAnswer,
            "Not answered: the question was closed",
            "Not answered: the question was closed",
        ),
    ] {
        let person = Person::answering(answer);
        for words in [said, said_again] {
            let outcome = remove(&app, &args, &Channel::During(&person))
                .await
                .unwrap();
            assert_eq!(outcome.status, status);
            let text = outcome.confirmation.next_step.unwrap();
            assert!(text.contains(words), "{status:?}: {text}");
        }
        if bench.state_dir().join("state.db").exists() {
            bench.age_declines(60);
        }
    }
    bench.assert_nothing_written();
}

#[tokio::test]
async fn the_changes_that_wait_are_counted_for_each_service() {
    let bench = Bench::demo().await;
    let sandboxed = bench.app_with(|settings| settings.sandbox = true);
    for number in 500..520 {
        let args = adding(CALLER, DENTAL, &number.to_string());
        add(&sandboxed, &args, &nobody()).await.unwrap();
    }
    let args = adding(CALLER, DENTAL, "520");
    failure(add(&sandboxed, &args, &nobody()).await, Code::Blocked);
    let waiting = add(&bench.app(), &args, &nobody()).await.unwrap();
    assert_eq!(waiting.status, AddVipStatus::ConfirmationRequired);
}

#[tokio::test]
async fn sending_a_number_away_from_a_route_by_ani_user_is_never_held_back() {
    let bench = Bench::with(routed()).await;
    let app = app_with(&bench, PbxApi::V2, |settings| {
        settings.limits.max_changes_per_hour = Some(1);
    });
    for number in 0..20 {
        let args = adding(&format!("61655502{number:02}"), ACME, "7777");
        let waiting = add(&app, &args, &nobody()).await.unwrap();
        assert_eq!(waiting.status, AddVipStatus::ConfirmationRequired);
    }
    let one = adding("6165550299", ACME, "100");
    add(&app, &one, &Channel::Given).await.unwrap();
    failure(
        add(&app, &adding("6165550298", ACME, "100"), &Channel::Given).await,
        Code::Blocked,
    );

    let waiting = route(&app, &sending(DID, "100"), &nobody()).await.unwrap();
    assert_eq!(waiting.status, RouteStatus::ConfirmationRequired);
    let person = Person::typing(DID);
    let sent = route(&app, &sending(DID, "100"), &Channel::During(&person)).await;
    assert_eq!(sent.unwrap().status, RouteStatus::Routed);
}

#[tokio::test]
async fn undoing_what_sent_a_number_to_a_route_by_ani_user_is_never_held_back() {
    let readable = prepared(PbxHabits::default()).dial_rule(StoredDialRule::fallback(ACME, "100"));
    let bench = Bench::with(readable).await;
    let app = app_with(&bench, PbxApi::V2, |settings| {
        settings.limits.max_changes_per_hour = Some(1);
    });
    let sent = route(&app, &sending(DID, "9000"), &Channel::Given)
        .await
        .unwrap();
    let undone = undo(&app, &sent.change_id.unwrap(), &Channel::Given)
        .await
        .unwrap();
    assert_eq!(undone.status, UndoStatus::Restored);
    // Toward it, the limit holds.
    let again = undo(&app, &undone.change_id.unwrap(), &Channel::Given).await;
    failure(again, Code::Blocked);
}

#[tokio::test]
async fn where_a_token_stands_for_the_person_an_import_counts_with_all_its_rows() {
    let bench = Bench::demo().await;
    let rows = (0..61).map(|n| format!("1616444{n:04},101\n"));
    let list = format!("ani,destination\n{}", rows.collect::<String>());
    let merge = args(SyncMode::Merge);
    for (mode, is_refused) in [(ConfirmMode::Human, false), (ConfirmMode::Token, true)] {
        let flags = Flags {
            confirm: Some(mode),
            ..Flags::default()
        };
        let limits = Settings::load(&flags, &|_| None).unwrap().limits;
        let app = bench.app_with(|settings| {
            settings.confirm = mode;
            settings.limits = limits;
        });
        let outcome = sync(&app, &merge, &list, &nobody()).await;
        match is_refused {
            true => assert_eq!(
                failure(outcome, Code::Blocked).detail().field.as_deref(),
                Some("max_changes_per_hour")
            ),
            false => assert_eq!(outcome.unwrap().status, SyncStatus::ConfirmationRequired),
        }
    }
}
