//! Damaged rows of what is kept beside the service hide nothing else, and nobody
//! agrees to something without seeing what it ends.

use skyswitch_mcp::app::App;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    AddVip, SyncMode, SyncOutcome, SyncStatus, SyncVips, UndoChange, UndoStatus, undo_change,
};
use skyswitch_mcp::sandbox::Fault;

use crate::support::guests::{ALL_OVER, GUEST, add_guest, next_week};
use crate::support::imports::{Watch, args, ask, of_run, sync, undo_with};
use crate::support::process::{DOMAIN, Home, demo_sandbox};
use crate::support::{
    Bench, CALLER, DENTAL, Person, add, adding, done, failure, list, listing, nobody, remove,
    removing,
};

const FRIEND: &str = "16165550144";
/// The row of the friend.
const DAMAGED: &str = "UPDATE vip_notes SET rule = '{' WHERE caller = '16165550144'";

/// A guest until next week and a friend with a note, whose row is damaged.
async fn damaged() -> Bench {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
    let friend = AddVip {
        note: Some("Dr. Ames".to_owned()),
        ..adding(FRIEND, DENTAL, "102")
    };
    add(&app, &friend, &nobody()).await.unwrap();
    bench.change_journal(DAMAGED);
    bench
}

#[tokio::test]
async fn a_damaged_row_hides_no_note_and_no_last_day() {
    let bench = damaged().await;
    let app = bench.app();
    let shown = list(&app, &listing(DENTAL)).await.unwrap();
    let of = |caller: &str| shown.vips.iter().find(|vip| vip.ani == caller).unwrap();
    assert_eq!(of(GUEST).until, Some(next_week()));
    assert_eq!(of(FRIEND).note.as_deref(), Some("Dr. Ames"));
    // What a replacement ends is seen by whoever agrees to it.
    let elsewhere = adding(GUEST, DENTAL, "104");
    let asked = add(&app, &elsewhere, &nobody()).await.unwrap();
    let preview = asked.confirmation.preview.unwrap();
    assert!(preview.contains("last day"), "{preview}");
}

#[tokio::test]
async fn the_last_days_of_others_come_and_that_of_a_damaged_row_is_told() {
    let bench = damaged().await;
    let app = bench.app();
    bench.change_journal(
        "UPDATE vip_notes SET until = '2020-01-01', ends_at = 1 WHERE caller = '16165550144'",
    );
    bench.change_journal(ALL_OVER);
    let shown = list(&app, &listing(DENTAL)).await.unwrap();
    assert_eq!(bench.rings(DENTAL, GUEST), None);
    assert_eq!(bench.rings(DENTAL, FRIEND).as_deref(), Some("102"));
    let told = shown.warnings.join("\n");
    assert!(told.contains("is not removed by itself"), "{told}");
}

#[tokio::test]
async fn a_removal_whose_note_is_damaged_can_be_undone() {
    let bench = damaged().await;
    let app = bench.app();
    let removed = remove(&app, &removing(FRIEND, DENTAL), &Channel::Given).await;
    let id = removed.unwrap().change_id.unwrap();
    let undo = UndoChange {
        change_id: id,
        account_id: None,
        confirmation: None,
    };
    let undone = undo_change(&app, &undo, &Channel::Given).await.map(done);
    assert_eq!(undone.unwrap().status, UndoStatus::Restored);
    let shown = list(&app, &listing(DENTAL)).await.unwrap();
    let friend = shown.vips.iter().find(|vip| vip.ani == FRIEND).unwrap();
    assert_eq!(friend.note.as_deref(), Some("Dr. Ames"));
}

#[tokio::test]
async fn nothing_is_planned_while_it_cannot_be_read_what_is_kept() {
    let bench = damaged().await;
    let app = bench.app();
    bench.change_journal("ALTER TABLE vip_notes RENAME COLUMN note TO gone");
    let person = Person::typing(GUEST);
    let refused = remove(&app, &removing(GUEST, DENTAL), &Channel::During(&person)).await;
    failure(refused, Code::Internal);
    assert!(person.shown().is_empty());
    // A list shows what the service has, and says what it does not show.
    let shown = list(&app, &listing(DENTAL)).await.unwrap();
    let told = shown.warnings.join("\n");
    assert!(
        told.contains("notes and last days cannot be read"),
        "{told}"
    );
}

#[tokio::test]
async fn the_undo_of_an_import_names_the_entries_that_it_cannot_read() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let rows = "ani,destination\n6165550141,101\n6165550142,101\n6165550143,101\n";
    let imported = sync(&app, &args(SyncMode::Merge), rows, &Channel::Given).await;
    let run = imported.unwrap().run_id.unwrap();
    bench.change_journal("UPDATE changes SET route_wanted = '{' WHERE ani = '16165550142'");
    let undone = undo_with(&app, &of_run(&run), &Channel::Given).await;
    let import = undone.unwrap().import.unwrap();
    let told = import.warnings.join("\n");
    assert!(told.contains("left out: 1 change"), "{told}");
    assert!(told.contains("is damaged"), "{told}");
    assert_eq!(bench.rings(DENTAL, "16165550141"), None);
    assert_eq!(bench.rings(DENTAL, "16165550142").as_deref(), Some("101"));
}

async fn resume(app: &App, run: String, channel: &Channel<'_>) -> SyncOutcome {
    let resuming = SyncVips {
        resume: Some(run),
        ..args(SyncMode::Merge)
    };
    let resumed = ask(app, &resuming, None, channel, &Watch::default()).await;
    resumed.map(done).unwrap()
}

#[tokio::test]
async fn an_import_that_is_continued_says_which_notes_it_may_change_once_more() {
    let bench = Bench::demo().await;
    let app = bench.app();
    bench
        .sandbox
        .inject(Fault::status("PUT", "16165550143", 400));
    let rows = format!("ani,destination,note\n6165550143,101,\n{CALLER},101,Mrs. Hill\n");
    let imported = sync(&app, &args(SyncMode::Merge), &rows, &Channel::Given).await;
    let run = imported.unwrap().run_id.unwrap();
    let since = AddVip {
        note: Some("Mrs. Hall".to_owned()),
        ..adding(CALLER, DENTAL, "101")
    };
    add(&app, &since, &nobody()).await.unwrap();
    bench.change_journal("UPDATE run_notes SET rule = '{'");
    let resumed = resume(&app, run, &Channel::Given).await;
    let told = resumed.warnings.join("\n");
    assert!(told.contains("1 note that the import changed"), "{told}");
}

/// An import of three callers whose last one was refused, and its id.
async fn unfinished_import(bench: &Bench, app: &App) -> String {
    let refused = Fault::status("PUT", "16165550143", 400);
    bench.sandbox.inject(refused);
    let rows = "ani,destination\n6165550141,101\n6165550142,101\n6165550143,101\n";
    let imported = sync(app, &args(SyncMode::Merge), rows, &Channel::Given).await;
    let imported = imported.unwrap();
    assert_eq!(imported.status, SyncStatus::Incomplete, "{imported:?}");
    imported.run_id.unwrap()
}

#[tokio::test]
async fn an_import_that_is_continued_names_the_entries_that_it_cannot_read() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let run = unfinished_import(&bench, &app).await;
    bench.change_journal("UPDATE changes SET route_wanted = '{' WHERE ani = '16165550142'");
    let person = Person::typing("1");
    let resumed = resume(&app, run, &Channel::During(&person)).await;
    assert_eq!(resumed.status, SyncStatus::Applied, "{resumed:?}");
    let told = resumed.warnings.join("\n");
    assert!(person.shown()[0].text().contains("left out: 1 change"));
    assert!(told.contains("left out: 1 change"), "{told}");
    assert!(told.contains("is damaged"), "{told}");
    assert_eq!(bench.rings(DENTAL, "16165550143").as_deref(), Some("101"));
}

#[tokio::test]
async fn a_check_names_damaged_notes_and_a_lost_position() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let words = [
        "vip",
        "add",
        "--ani",
        FRIEND,
        "--domain",
        DOMAIN,
        "--destination",
        "102",
        "--note",
        "Dr. Ames",
    ];
    assert_eq!(home.run(&words).await.code, 0);
    for statement in [DAMAGED, "DELETE FROM journal_position"] {
        home.change_journal(statement);
    }
    let check = home.run(&["state", "check"]).await;
    assert_ne!(check.code, 0, "{check:?}");
    assert!(check.stdout.contains(FRIEND), "{check:?}");
    assert!(check.stdout.contains("position"), "{check:?}");
}
