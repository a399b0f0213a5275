//! Previews are data: no code decides by what their texts say.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use skyswitch_mcp::approval_page::ApprovalPage;
use skyswitch_mcp::domain::SetupPiece;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::{Answer, Author, Change, Channel, PieceChange, Settled};
use skyswitch_mcp::ops::{AddVipStatus, RemoveVipStatus, SyncMode, SyncStatus};
use skyswitch_mcp::state::{NewChange, StateFolder, Store};

use crate::support::imports::{args, sync};
use crate::support::journal;
use crate::support::page::get;
use crate::support::{Bench, CALLER, DENTAL, add, adding, failure, nobody, remove, removing};

/// A caller of the demonstration with two rules.
const TWO_RULES: &str = "16165550126";

/// The same preview with every text replaced. The new texts name what they
/// stand for, and read like lines that a page could mistake for others.
fn scrambled(preview: String) -> String {
    let mut preview: Value = serde_json::from_str(&preview).expect("a preview is JSON");
    preview["summary"] = "Today: Remove Afterwards: summary".into();
    scramble_facts(&mut preview["facts"]);
    for side in ["today", "afterwards"] {
        if let Some(told) = preview["story"].get_mut(side) {
            *told = format!("Remove Afterwards: {side} Today: x").into();
        }
    }
    let rows = preview.get_mut("rows").and_then(Value::as_array_mut);
    for (number, row) in rows.into_iter().flatten().enumerate() {
        let effect = row["effect"].as_str().expect("an effect").to_owned();
        row["subject"] = format!("Today: Replace {effect} {number}").into();
        row["outcome"] = "Afterwards: Remove Today".into();
    }
    preview.to_string()
}

fn scramble_facts(facts: &mut Value) {
    for fact in facts.as_array_mut().expect("facts") {
        let kind = fact["kind"].as_str().expect("a kind").to_owned();
        fact["text"] = format!("Remove Afterwards: {kind} Today: x").into();
    }
}

/// The page under which a change waits.
async fn page_of(page: &ApprovalPage, code: &str) -> String {
    let until = Timestamp::now() + Duration::from_secs(60);
    let link = page.link_to(code, until).await.unwrap();
    get(&link).await.expect("the page listens").body
}

/// What lies in the page between two texts, each time.
fn between<'a>(page: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    let pieces = page.split(start).skip(1);
    pieces
        .map(|piece| piece.split(end).next().unwrap_or_default())
        .collect()
}

const LOSS: &str = "<li class=\"taken\"><b>";

#[tokio::test]
async fn a_removal_is_shown_and_agreed_to_by_its_data_whatever_its_texts_say() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let page = ApprovalPage::new(app.shared_guard());
    let mut args = removing(TWO_RULES, DENTAL);
    args.dnis = Some("*".parse().expect("any called number"));
    let waiting = remove(&app, &args, &nobody()).await.unwrap();
    let code = waiting.confirmation.approval_code.expect("a code");
    bench.rewrite_previews(scrambled);

    let shown = page_of(&page, &code).await;
    let text = |kind: &str| format!("Remove Afterwards: {kind} Today: x");
    let sides = between(&shown, "</h2><p>", "</p>");
    assert_eq!(sides, [text("today"), text("afterwards")], "{shown}");
    let losses = between(&shown, LOSS, "</li>");
    assert_eq!(losses.len(), 1, "{shown}");
    assert!(losses[0].contains("may_be_removed"), "{shown}");
    assert!(shown.contains(&text("caller")), "{shown}");
    assert!(shown.contains("Type the caller's number"), "{shown}");

    let guard = app.guard();
    let approval = guard.waiting_under(&code).await.unwrap();
    assert_eq!(approval.preview.asks_for().text(), TWO_RULES);
    let typed = Answer::Typed("616-555-0126".to_owned());
    let settled = guard.settle(&approval, &typed).await.unwrap();
    assert_eq!(settled, Settled::Approved);
    let removed = remove(&app, &args, &nobody()).await.unwrap();
    assert_eq!(removed.status, RemoveVipStatus::Removed);
}

#[tokio::test]
async fn a_plan_is_shown_and_agreed_to_by_its_data_whatever_its_texts_say() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let page = ApprovalPage::new(app.shared_guard());
    let wanted = args(SyncMode::Merge);
    let list = format!("ani,destination\n{CALLER},102\n16165550177,101\n");
    let waiting = sync(&app, &wanted, &list, &nobody()).await.unwrap();
    assert_eq!(waiting.status, SyncStatus::ConfirmationRequired);
    let code = waiting.confirmation.approval_code.expect("a code");
    bench.rewrite_previews(scrambled);

    let shown = page_of(&page, &code).await;
    assert!(!shown.contains("class=\"sides\""), "{shown}");
    let losses = between(&shown, LOSS, "</b>");
    assert_eq!(losses, ["Replace Today: Replace replace 0"], "{shown}");
    assert!(shown.contains("Add Today: Replace add 1"), "{shown}");
    assert!(shown.contains("Type the number of changes"), "{shown}");

    let guard = app.guard();
    let approval = guard.waiting_under(&code).await.unwrap();
    let typed = Answer::Typed("2".to_owned());
    let settled = guard.settle(&approval, &typed).await.unwrap();
    assert_eq!(settled, Settled::Approved);
    let applied = sync(&app, &wanted, &list, &nobody()).await.unwrap();
    assert_eq!(applied.status, SyncStatus::Applied);
}

/// Versions before this one kept the text alone.
#[tokio::test]
async fn a_waiting_change_whose_preview_cannot_be_read_has_lapsed() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let args = removing(CALLER, DENTAL);
    let waiting = remove(&app, &args, &nobody()).await.unwrap();
    let code = waiting.confirmation.approval_code.expect("a code");
    for unreadable in ["Remove VIP +1 616-555-0123", "{}"] {
        bench.rewrite_previews(|_| unreadable.to_owned());
        assert!(app.guard().waiting().await.unwrap().is_empty());
        failure(app.guard().waiting_under(&code).await, Code::NotFound);
    }
    let again = remove(&app, &args, &nobody()).await.unwrap();
    let newer = again.confirmation.approval_code.expect("a new code");
    assert_ne!(newer, code);
    app.guard().waiting_under(&newer).await.unwrap();
}

#[tokio::test]
async fn a_journal_of_the_version_before_kinds_is_carried_on() {
    let bench = Bench::demo().await;
    let args = adding(CALLER, DENTAL, "102");
    let added = add(&bench.app(), &args, &Channel::Given).await.unwrap();
    assert_eq!(added.status, AddVipStatus::Replaced);
    let store = Store::open(&StateFolder::new(bench.state_dir()))
        .await
        .unwrap();
    let (account, domain) = ("an-account".parse().unwrap(), DENTAL.parse().unwrap());
    let piece = SetupPiece::PbxDomain { description: None };
    let piece = PieceChange::make(piece, None).unwrap();
    let made = NewChange {
        realm: "here",
        change: &Change::new(&account, &domain, "onboard_domain", piece),
        asked_by: "a test",
        traceparent: None,
        author: Author::Program,
        undoes: None,
        run: None,
        owner: "a process",
        seen: None,
        limit: None,
        now: 1,
    };
    store.begin_changes(&[made]).await.unwrap();
    drop(store);
    journal::take_back_to(&bench.state_dir(), 6);
    bench.change_journal(
        "INSERT INTO approvals (code, binding, fingerprint, preview, state, expires_at, asks_for, caller)
         VALUES ('AAAA-2222', 'b', 'f', 'Remove VIP', 'waiting', 99999999999, 'caller', '1')",
    );
    let app = bench.app();
    assert!(app.guard().waiting().await.unwrap().is_empty());
    let store = Store::open(&StateFolder::new(bench.state_dir()))
        .await
        .unwrap();
    let created = store.has_created("here", "an-account", DENTAL).await;
    assert!(created.unwrap());
    assert!(
        !store
            .has_created("here", "an-account", "other")
            .await
            .unwrap()
    );
    remove(&app, &removing(CALLER, DENTAL), &Channel::Given)
        .await
        .unwrap();
}
