//! What a list says of rules that stay as they are: notes that exist are overwritten
//! only along with a plan that was agreed to and shows it.

use skyswitch_mcp::app::App;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::{Answer, Channel};
use skyswitch_mcp::ops::{AddVip, ListVips, SyncMode, SyncStatus, SyncVips};

use crate::support::imports::{Watch, args, ask, sync};
use crate::support::{Bench, DENTAL, Person, VET, add, adding, done, list, listing, nobody};

const GUEST: &str = "16165550177";

async fn note(app: &App, ani: &str, domain: &str, text: &str) {
    let destination = match domain {
        VET => "301",
        _ => "101",
    };
    let noted = AddVip {
        note: Some(text.to_owned()),
        ..adding(ani, domain, destination)
    };
    add(app, &noted, &Channel::Given).await.unwrap();
}

async fn notes(app: &App, asked: &ListVips) -> Vec<String> {
    let shown = list(app, asked).await.unwrap();
    shown.vips.into_iter().filter_map(|vip| vip.note).collect()
}

/// Twelve callers, each with a note of that kind.
fn callers(kind: &str) -> String {
    let rows = (100..112).map(|n| format!("16165552{n},101,{kind} {n}\n"));
    format!("ani,destination,note\n{}", rows.collect::<String>())
}

#[tokio::test]
async fn a_list_with_nothing_but_other_notes_overwrites_none_and_says_so() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let merge = args(SyncMode::Merge);
    sync(&app, &merge, &callers("old"), &Channel::Given)
        .await
        .unwrap();
    let writes = bench.count("PUT");
    // One of the rules has no note, and gets one.
    let none = AddVip {
        note: Some(String::new()),
        ..adding("16165552100", DENTAL, "101")
    };
    add(&app, &none, &nobody()).await.unwrap();
    let dry = SyncVips {
        dry_run: Some(true),
        ..merge.clone()
    };
    let planned = sync(&app, &dry, &callers("new"), &nobody()).await.unwrap();
    let made = sync(&app, &merge, &callers("new"), &nobody()).await;
    let made = made.unwrap();
    assert_eq!(made.status, SyncStatus::Unchanged, "{made:?}");
    for outcome in [&planned, &made] {
        let said = outcome.warnings.join("\n");
        let kept = "another note for 11 rules, and the present one is kept";
        assert!(said.contains(kept), "{said}");
        assert!(said.contains("Note added: \"new 100\""), "{said}");
    }
    let notes = notes(&app, &listing(DENTAL)).await;
    assert_eq!(
        notes.iter().filter(|note| note.starts_with("old")).count(),
        11
    );
    assert_eq!(bench.count("PUT"), writes);
}

#[tokio::test]
async fn a_plan_shows_the_notes_that_it_changes_and_keeps_them_until_somebody_agrees() {
    let bench = Bench::demo().await;
    let app = bench.app();
    note(&app, GUEST, DENTAL, "Dr. Ames").await;
    let rows =
        format!("ani,destination,note\n{GUEST},101,Dr. Bell\n16165550178,101,\n16165550123,102,\n");
    let merge = args(SyncMode::Merge);
    let said = "1 note of rules that stay as they are will change: +1 616-555-0177: Note changed from \"Dr. Ames\" to \"Dr. Bell\"";
    let dry = SyncVips {
        dry_run: Some(true),
        ..merge.clone()
    };
    let planned = sync(&app, &dry, &rows, &nobody()).await.unwrap();
    assert!(planned.warnings.join("\n").contains(said), "{planned:?}");
    let person = Person::answering(Answer::Declined);
    let declined = sync(&app, &merge, &rows, &Channel::During(&person)).await;
    assert_eq!(declined.unwrap().status, SyncStatus::Declined);
    let preview = person.shown()[0].text();
    assert!(preview.contains(said), "{preview}");
    assert_eq!(notes(&app, &listing(DENTAL)).await, ["Dr. Ames"]);
    bench.age_declines(120);
    let made = sync(&app, &merge, &rows, &Channel::Given).await.unwrap();
    assert_eq!(made.status, SyncStatus::Applied, "{made:?}");
    assert_eq!(notes(&app, &listing(DENTAL)).await, ["Dr. Bell"]);
}

#[tokio::test]
async fn a_list_that_is_copied_leaves_the_notes_of_rules_that_exist_already() {
    let bench = Bench::demo().await;
    let app = bench.app();
    for domain in [DENTAL, VET] {
        let copied = adding(GUEST, domain, "301");
        let noted = AddVip {
            note: Some(format!("of {domain}")),
            ..copied
        };
        add(&app, &noted, &Channel::Given).await.unwrap();
    }
    note(&app, "16165550178", VET, "Dr. Bell").await;
    let copying = SyncVips {
        from_domain: Some(VET.parse().unwrap()),
        ..args(SyncMode::Merge)
    };
    let copied = ask(&app, &copying, None, &Channel::Given, &Watch::default()).await;
    let copied = done(copied.unwrap());
    assert_eq!(copied.status, SyncStatus::Applied, "{copied:?}");
    let notes = notes(&app, &listing(DENTAL)).await;
    assert_eq!(notes, [format!("of {DENTAL}"), "Dr. Bell".to_owned()]);
}

#[tokio::test]
async fn an_approval_holds_for_the_notes_that_were_shown_and_no_others() {
    let bench = Bench::demo().await;
    let app = bench.app();
    note(&app, GUEST, DENTAL, "Dr. Ames").await;
    let merge = args(SyncMode::Merge);
    let list = |note: &str| format!("ani,destination,note\n{GUEST},101,{note}\n16165550178,101,\n");
    let asked = ask(
        &app,
        &merge,
        Some(&list("Dr. Ames")),
        &nobody(),
        &Watch::default(),
    )
    .await;
    let code = done(asked.unwrap()).confirmation.approval_code.unwrap();
    let waiting = app.guard().waiting_under(&code).await.unwrap();
    let typed = Answer::Typed("1".to_owned());
    app.guard().settle(&waiting, &typed).await.unwrap();
    let other = ask(
        &app,
        &merge,
        Some(&list("Dr. Evil")),
        &nobody(),
        &Watch::default(),
    )
    .await;
    let refused = other.unwrap_err();
    assert_eq!(refused.code(), Code::ConfirmationStale, "{refused}");
    let now = refused.to_string();
    assert!(now.contains("from \"Dr. Ames\" to \"Dr. Evil\""), "{now}");
    let kept = notes(&app, &listing(DENTAL)).await;
    assert!(kept.contains(&"Dr. Ames".to_owned()), "{kept:?}");
}

#[tokio::test]
async fn an_import_that_is_continued_leaves_what_was_noted_since() {
    let bench = Bench::demo().await;
    let app = bench.app();
    note(&app, GUEST, DENTAL, "Dr. Ames").await;
    let merge = args(SyncMode::Merge);
    let list = format!("ani,destination,note\n{GUEST},101,Dr. Bell\n16165550178,101,\n");
    let made = sync(&app, &merge, &list, &Channel::Given).await.unwrap();
    note(&app, GUEST, DENTAL, "Court date").await;
    let resumed = SyncVips {
        resume: made.run_id,
        ..args(SyncMode::Merge)
    };
    let asked = ask(&app, &resumed, None, &nobody(), &Watch::default()).await;
    let again = done(asked.unwrap());
    assert_eq!(again.warnings, Vec::<String>::new());
    let kept = notes(&app, &listing(DENTAL)).await;
    assert!(kept.contains(&"Court date".to_owned()), "{kept:?}");
}
