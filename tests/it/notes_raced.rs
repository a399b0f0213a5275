//! Notes that somebody else changes at the same time, notes of lists that are not
//! imported, and lists that change nothing but notes.

use std::sync::Arc;

use skyswitch_mcp::app::App;
use skyswitch_mcp::domain::Route;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{AddVip, SyncMode, SyncStatus, SyncVips, UndoStatus};
use skyswitch_mcp::sandbox::{Fault, Gate};
use skyswitch_mcp::state::{NewText, StateFolder, Store};

use crate::support::customer::{PbxApi, app_on};
use crate::support::guests::{ALL_OVER, GUEST, add_guest, guest};
use crate::support::imports::{args, dry, of_run, sync, undo_with, without_list};
use crate::support::process::{DOMAIN, Home, demo_sandbox, eventually};
use crate::support::{
    Bench, CALLER, DENTAL, Person, add, adding, failure, list, listing, nobody, remove, removing,
};

const NEW: &str = "16165550178";

fn noted(ani: &str, destination: &str, note: &str) -> AddVip {
    AddVip {
        note: Some(note.to_owned()),
        ..adding(ani, DENTAL, destination)
    }
}

async fn note_of(app: &App, ani: &str) -> Option<String> {
    let shown = list(app, &listing(DENTAL)).await.unwrap();
    let mut vips = shown.vips.into_iter();
    vips.find(|vip| vip.ani == ani).unwrap().note
}

/// Looks at where the user forwards calls.
const FORWARDS: &str = "users/103/answerrules";

#[tokio::test]
async fn a_note_that_somebody_else_makes_meanwhile_stays_and_is_told() {
    let bench = Bench::demo().await;
    let app = Arc::new(bench.app());
    add_guest(&app).await;
    let slow = Arc::new(app_on(&bench, PbxApi::V2));
    let gate = Gate::default();
    bench.sandbox.inject(Fault::hold("GET", FORWARDS, &gate));
    // The notes are read, and then it is looked whether the calls come back.
    let importing = tokio::spawn({
        let slow = Arc::clone(&slow);
        async move {
            let rows = format!(
                "ani,destination,note\n{GUEST},101,Dr. Bell\n{CALLER},101,Mrs. Hill\n{NEW},103,\n"
            );
            sync(&slow, &args(SyncMode::Merge), &rows, &Channel::Given).await
        }
    });
    let is_looked_at = || {
        let requests = bench.sandbox.requests();
        let mut paths = requests.iter().map(|request| &request.path);
        paths.any(|path| path.ends_with(FORWARDS))
    };
    eventually("the look is under way", is_looked_at).await;
    add(&app, &noted(GUEST, "101", "Court date"), &nobody())
        .await
        .unwrap();
    gate.open();
    let made = importing.await.unwrap().unwrap();
    assert_eq!(made.status, SyncStatus::Applied, "{made:?}");
    let told = made.warnings.join("\n");
    let there = "what is there now: +1 616-555-0177: \"Court date\"";
    assert!(told.contains(there), "{told}");
    assert!(told.contains("1 note of rules that stay"), "{told}");
    assert!(!told.contains("Dr. Bell"), "{told}");
    assert_eq!(note_of(&app, GUEST).await.as_deref(), Some("Court date"));
    assert_eq!(note_of(&app, CALLER).await.as_deref(), Some("Mrs. Hill"));
    // Neither continuing the import nor taking it back touches that note.
    let run = made.run_id.unwrap();
    let resume = SyncVips {
        resume: Some(run.clone()),
        ..args(SyncMode::Merge)
    };
    without_list(&app, &resume, &Channel::Given).await;
    assert_eq!(note_of(&app, GUEST).await.as_deref(), Some("Court date"));
    undo_with(&app, &of_run(&run), &Channel::Given)
        .await
        .unwrap();
    assert_eq!(note_of(&app, GUEST).await.as_deref(), Some("Court date"));
    assert_eq!(note_of(&app, CALLER).await, None);
}

/// What each of two looks at the same rule would note of it.
fn text(rule: &Route, kept: Option<i64>, before: Option<&str>, text: &str) -> NewText {
    NewText {
        kept,
        rule: rule.clone(),
        before: before.map(str::to_owned),
        text: Some(text.to_owned()),
    }
}

#[tokio::test]
async fn of_two_who_have_read_the_same_note_the_second_is_told_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateFolder::new(folder.path().join("state"));
    let store = Store::open(&state).await.unwrap();
    let bench = Bench::demo().await;
    let shown = list(&bench.app(), &listing(DENTAL)).await.unwrap();
    let rule = Route::from(&shown.vips[0]);
    let note = async |new: NewText| store.note_rules("r", "a", None, &[new]).await.unwrap();
    // Both have read that there is none.
    assert_eq!(note(text(&rule, None, None, "one")).await, []);
    let lost = note(text(&rule, None, None, "two")).await;
    assert_eq!(lost[0].there.as_deref(), Some("one"));
    let kept = store.vip_notes("r", "a", Some(DENTAL)).await.unwrap();
    assert_eq!(kept.len(), 1);
    // Both have read the first.
    let id = Some(kept[0].id);
    assert_eq!(note(text(&rule, id, Some("one"), "three")).await, []);
    let lost = note(text(&rule, id, Some("one"), "four")).await;
    assert_eq!(lost[0].there.as_deref(), Some("three"));
    let kept = store.vip_notes("r", "a", Some(DENTAL)).await.unwrap();
    assert_eq!(kept[0].note.text.as_deref(), Some("three"));
}

#[tokio::test]
async fn the_preview_of_a_list_that_is_not_imported_names_no_notes() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
    let rows = format!("ani,destination,note\n{GUEST},101,Dr. Bell\nbanana,101,\n{NEW},101,\n");
    let planned = sync(&app, &dry(SyncMode::Merge), &rows, &nobody()).await;
    let planned = planned.unwrap();
    assert_eq!(planned.plan.invalid, 1);
    let said = planned.warnings.join("\n");
    assert!(!said.contains("Note changed"), "{said}");
    let made = sync(&app, &args(SyncMode::Merge), &rows, &Channel::Given).await;
    assert_eq!(made.unwrap().status, SyncStatus::Invalid);
    assert_eq!(note_of(&app, GUEST).await.as_deref(), Some("Dr. Ames"));
    // What is left out of it is not in its way.
    let skipping = SyncVips {
        skip_invalid: Some(true),
        ..dry(SyncMode::Merge)
    };
    let planned = sync(&app, &skipping, &rows, &nobody()).await.unwrap();
    let said = planned.warnings.join("\n");
    assert!(said.contains("to \"Dr. Bell\""), "{said}");
}

#[tokio::test]
async fn a_list_that_changes_nothing_but_notes_can_be_undone_and_that_undo_as_well() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let there = bench.rings(DENTAL, CALLER).unwrap();
    let rows = format!("ani,destination,note\n{CALLER},{there},Mrs. Hill\n");
    let made = sync(&app, &args(SyncMode::Merge), &rows, &nobody()).await;
    let made = made.unwrap();
    assert_eq!(made.status, SyncStatus::Unchanged, "{made:?}");
    assert_eq!(note_of(&app, CALLER).await.as_deref(), Some("Mrs. Hill"));
    let back = undo_with(&app, &of_run(&made.run_id.unwrap()), &nobody()).await;
    let back = back.unwrap();
    assert_eq!(back.status, UndoStatus::Unchanged, "no rule was changed");
    assert_eq!(note_of(&app, CALLER).await, None);
    let run = back.import.unwrap().run_id.unwrap();
    undo_with(&app, &of_run(&run), &nobody()).await.unwrap();
    assert_eq!(note_of(&app, CALLER).await.as_deref(), Some("Mrs. Hill"));
    bench.assert_nothing_written();
    // It is over, so there is nothing to be resumed, and the same list begins no other one.
    let last = SyncVips {
        resume: Some("last".to_owned()),
        ..args(SyncMode::Merge)
    };
    let again = sync(&app, &last, &rows, &nobody()).await.unwrap();
    assert_eq!(again.status, SyncStatus::Unchanged);
    assert_eq!((again.run_id, again.warnings.len()), (None, 0));
}

#[tokio::test]
async fn the_command_says_how_to_undo_what_a_list_has_noted() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let file = home.write(
        "list.csv",
        &format!("ani,destination,note\n{CALLER},101,Mrs. Hill\n"),
    );
    let import = ["vip", "import", file.to_str().unwrap(), "-d", DOMAIN];
    let made = home.run(&import).await;
    assert_eq!(made.code, 0, "{made:?}");
    let (_, undo) = made.stdout.split_once("Undo: `skyswitch ").unwrap();
    let (undo, _) = undo.split_once('`').unwrap();
    let undone = home.run(&undo.split(' ').collect::<Vec<_>>()).await;
    assert_eq!(undone.code, 0, "{undone:?}");
    assert!(undone.stdout.contains("Note removed"), "{undone:?}");
    let shown = home.run(&["vip", "list", "-d", DOMAIN]).await;
    assert!(!shown.stdout.contains("Mrs. Hill"), "{shown:?}");
}

/// No import can be written down.
const NO_RUNS: &str = "CREATE TRIGGER no_runs BEFORE INSERT ON runs
                       BEGIN SELECT RAISE(ABORT, 'no room'); END";

#[tokio::test]
async fn an_import_that_cannot_begin_tells_what_was_removed_before_it() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
    for statement in [ALL_OVER, NO_RUNS] {
        bench.change_journal(statement);
    }
    let rows = format!("ani,destination\n{NEW},101\n");
    let made = sync(&app, &args(SyncMode::Merge), &rows, &Channel::Given).await;
    let failed = failure(made, Code::Internal);
    let told = failed.hint();
    assert!(told.contains("was removed (change 2)"), "{told}");
    assert_eq!(bench.rings(DENTAL, NEW), None);
}

#[tokio::test]
async fn a_list_of_notes_that_cannot_begin_notes_nothing_and_tells_what_was_removed() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
    for statement in [ALL_OVER, NO_RUNS] {
        bench.change_journal(statement);
    }
    let there = bench.rings(DENTAL, CALLER).unwrap();
    let rows = format!("ani,destination,note\n{CALLER},{there},Mrs. Hill\n");
    let made = sync(&app, &args(SyncMode::Merge), &rows, &nobody()).await;
    let made = made.unwrap();
    let told = made.warnings.join("\n");
    for said in ["the notes could not be kept", "was removed (change 2)"] {
        assert!(told.contains(said), "{said}: {told}");
    }
    assert_eq!((note_of(&app, CALLER).await, made.run_id), (None, None));
}

#[tokio::test]
async fn a_change_that_is_refused_tells_what_was_removed_before_it() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
    bench.change_journal(ALL_OVER);
    let refused = Fault::status("PUT", "route-by-ani", 422);
    bench.sandbox.inject(refused);
    let made = add(&app, &adding(NEW, DENTAL, "101"), &nobody()).await;
    let told = made.unwrap_err().hint().to_owned();
    assert!(told.contains("was removed (change 2)"), "{told}");
    assert!(guest(&app).await.is_none());
}

/// A note as only another program can have written it: it turns the line around, and
/// has several.
const TAMPERED: &str =
    "UPDATE vip_notes SET note = 'a' || char(8238) || 'b' || char(10) || char(27) || '[2Jc'";

#[tokio::test]
async fn a_note_that_others_have_tampered_with_can_deceive_nobody() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
    bench.change_journal(TAMPERED);
    let person = Person::typing(GUEST);
    let channel = Channel::During(&person);
    let args = removing(GUEST, DENTAL);
    remove(&app, &args, &channel).await.unwrap();
    let shown = person.shown()[0].text();
    let harmless = "Note kept here: a\\u{202e}b\\u{a}\\u{1b}[2Jc";
    assert!(shown.contains(harmless), "{shown}");

    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let adding = ["vip", "add", GUEST, "101", "-d", DOMAIN, "--note", "x"];
    assert_eq!(home.run(&adding).await.code, 0);
    home.change_journal(TAMPERED);
    let listing = ["vip", "list", "-d", DOMAIN];
    for format in ["table", "plain", "csv"] {
        let shown = home
            .run(&[&listing[..], &["--format", format]].concat())
            .await;
        assert!(shown.stdout.contains("a\\u{202e}b"), "{format}: {shown:?}");
        let is_deceptive = |c| c == '\u{202e}' || c == '\u{1b}';
        assert!(!shown.stdout.contains(is_deceptive), "{format}: {shown:?}");
    }
}
