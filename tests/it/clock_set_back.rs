//! A clock that was hours ahead and is right again: what was stored meanwhile
//! lasts no longer than it ever may.

use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::{Answer, Channel};
use skyswitch_mcp::ops::{AddVipStatus, RemoveVipStatus, SyncMode, SyncStatus, SyncVips};
use skyswitch_mcp::redact::Secret;

use crate::support::imports::{Watch, args, ask, dry, sync};
use crate::support::{
    Bench, CALLER, DENTAL, Person, add, adding, failure, nobody, remove, removing,
};

/// So many seconds the clock was ahead while everything so far was stored.
const AHEAD: i64 = 7_200;
const LIST: &str = "ani,destination\n6165550131,101\n6165550132,102\n";

#[tokio::test]
async fn the_pause_after_a_no_lasts_no_hours() {
    let bench = Bench::demo().await;
    let app = bench.app();
    for answer in [Answer::Declined, Answer::Typed("yes".to_owned())] {
        let person = Person::answering(answer);
        let channel = Channel::During(&person);
        let args = removing(CALLER, DENTAL);
        remove(&app, &args, &channel).await.unwrap();
        let asked = person.shown().len();
        remove(&app, &args, &channel).await.unwrap();
        assert_eq!(person.shown().len(), asked, "left in peace");
        bench.age_declines(-AHEAD);
        remove(&app, &args, &channel).await.unwrap();
        assert_eq!(person.shown().len(), 2 * asked);
        // The pause after that is the usual one.
        remove(&app, &args, &channel).await.unwrap();
        assert_eq!(person.shown().len(), 2 * asked, "left in peace");
        bench.age_declines(60);
    }
    bench.assert_nothing_written();
}

#[tokio::test]
async fn what_was_asked_while_the_clock_was_ahead_waits_no_more_and_blocks_nothing() {
    let bench = Bench::demo().await;
    let app = bench.app();
    for number in 500..520 {
        let args = adding(CALLER, DENTAL, &number.to_string());
        add(&app, &args, &nobody()).await.unwrap();
    }
    let args = adding(CALLER, DENTAL, "520");
    failure(add(&app, &args, &nobody()).await, Code::Blocked);
    let waiting = app.guard().waiting().await.unwrap();
    bench.age_approvals(-AHEAD);

    assert_eq!(app.guard().waiting().await.unwrap().len(), 0);
    let value = Answer::Typed(CALLER.to_owned());
    let settled = app.guard().settle(&waiting[0], &value).await;
    assert_eq!(settled.unwrap_err().code(), Code::NotFound);
    let missed = Answer::Typed("yes".to_owned());
    let settled = app.guard().settle(&waiting[0], &missed).await;
    assert_eq!(settled.unwrap_err().code(), Code::NotFound);
    // Nobody waits for it either.
    assert!(app.guard().is_settled(&waiting[0].code).await.unwrap());
    let asked = add(&app, &args, &nobody()).await.unwrap();
    assert_eq!(asked.status, AddVipStatus::ConfirmationRequired);
    let waits = app.guard().waiting().await.unwrap();
    assert_eq!(
        Some(&waits[0].code),
        asked.confirmation.approval_code.as_ref()
    );
    bench.assert_nothing_written();
}

#[tokio::test]
async fn what_was_approved_while_the_clock_was_ahead_is_asked_again() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let args = removing(CALLER, DENTAL);
    let asked = remove(&app, &args, &nobody()).await.unwrap();
    let code = asked.confirmation.approval_code.unwrap();
    let approval = app.guard().waiting_under(&code).await.unwrap();
    let value = Answer::Typed(CALLER.to_owned());
    app.guard().settle(&approval, &value).await.unwrap();
    bench.age_approvals(-AHEAD);
    let again = remove(&app, &args, &nobody()).await.unwrap();
    assert_eq!(again.status, RemoveVipStatus::ConfirmationRequired);
    assert_ne!(again.confirmation.approval_code, Some(code));
    bench.assert_nothing_written();
}

#[tokio::test]
async fn the_pause_after_wrong_pins_is_that_of_those_tries() {
    const PIN: &str = "tulip-48151623";
    let bench = Bench::demo().await;
    let app = bench.app();
    let set = app.guard().set_pin(None, Secret::new(PIN)).await;
    set.unwrap();
    let guess = async |pin: &str| {
        let person = Person::answering(Answer::with_pin(CALLER.to_owned(), pin.to_owned()));
        let tried = remove(&app, &removing(CALLER, DENTAL), &Channel::During(&person)).await;
        bench.age_declines(60);
        tried
    };
    // Three tries of one question.
    guess("wrong-wrong").await.unwrap();
    bench.age_pin_tries(-AHEAD);
    let refused = failure(guess(PIN).await, Code::Blocked);
    assert!(refused.to_string().contains("for 1 minute "), "{refused}");
    bench.age_pin_tries(61);
    let removed = guess(PIN).await.unwrap();
    assert_eq!(removed.status, RemoveVipStatus::Removed);
}

#[tokio::test]
async fn plans_kept_while_the_clock_was_ahead_push_out_none_of_now() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let by_plan = |plan: Option<String>| SyncVips {
        plan,
        mode: None,
        ..args(SyncMode::Merge)
    };
    let mut old = None;
    for _ in 0..20 {
        let planned = sync(&app, &dry(SyncMode::Merge), LIST, &nobody()).await;
        old = planned.unwrap().plan_id;
    }
    bench.change_journal("UPDATE kept_plans SET expires_at = expires_at + 7200");
    let watch = Watch::default();
    let applied = ask(&app, &by_plan(old), None, &nobody(), &watch).await;
    failure(applied, Code::NotFound);
    let planned = sync(&app, &dry(SyncMode::Merge), LIST, &nobody()).await;
    let new = planned.unwrap().plan_id;
    let applied = ask(&app, &by_plan(new), None, &nobody(), &watch).await;
    let applied = crate::support::done(applied.unwrap());
    assert_eq!(applied.status, SyncStatus::ConfirmationRequired);
}
