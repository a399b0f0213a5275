//! What is kept of a VIP rule beside the service, its note and its last day, comes
//! back when the change that ended it is undone.

use jiff::{ToSpan, Zoned};
use skyswitch_mcp::app::App;
use skyswitch_mcp::domain::Vip;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    AddVip, ListChanges, PageSize, SyncMode, SyncOutcome, SyncSession, SyncVips, Undo, UndoChange,
    UndoOutcome, UndoStatus, list_changes, undo, undo_change,
};

use crate::support::imports::{Watch, args, ask, mirror};
use crate::support::{
    Bench, DENTAL, Person, add, adding, done, list, listing, nobody, remove, removing,
};

const GUEST: &str = "16165550177";
/// Mirrored, it removes everybody else.
const LIST: &str = "ani,destination\n6165550178,101\n";

fn next_week() -> String {
    let day = Zoned::now().date().checked_add(7.days()).unwrap();
    day.to_string()
}

/// Adds a caller with a note and a last day.
async fn guest(app: &App) -> String {
    let args = AddVip {
        note: Some("Dr. Ames".to_owned()),
        until: Some(next_week().parse().unwrap()),
        ..adding(GUEST, DENTAL, "101")
    };
    let added = add(app, &args, &nobody()).await.unwrap();
    added.change_id.unwrap()
}

async fn kept(app: &App) -> Option<Vip> {
    let shown = list(app, &listing(DENTAL)).await.unwrap();
    shown.vips.into_iter().find(|vip| vip.ani == GUEST)
}

async fn assert_as_added(app: &App) {
    let vip = kept(app).await.unwrap();
    assert_eq!(vip.destination, "101");
    assert_eq!(vip.note.as_deref(), Some("Dr. Ames"), "{vip:?}");
    assert_eq!(vip.until, Some(next_week()), "{vip:?}");
}

async fn undone(app: &App, id: &str, channel: &Channel<'_>) -> UndoOutcome {
    let args = UndoChange {
        change_id: id.to_owned(),
        account_id: None,
        confirmation: None,
    };
    let undone = undo_change(app, &args, channel).await.map(done).unwrap();
    assert_eq!(undone.status, UndoStatus::Restored, "{undone:?}");
    undone
}

async fn run_undone(app: &App, run: Option<String>) -> UndoOutcome {
    let args = Undo {
        run_id: run,
        ..Undo::default()
    };
    let watch = Watch::default();
    let session = SyncSession {
        channel: &Channel::Given,
        progress: &watch,
        stop: &watch.stop,
        most_rows: None,
    };
    let undone = undo(app, &args, &session).await.map(done).unwrap();
    assert_eq!(undone.status, UndoStatus::Restored, "{undone:?}");
    undone
}

async fn made(app: &App, args: &SyncVips) -> SyncOutcome {
    let asked = ask(app, args, None, &Channel::Given, &Watch::default()).await;
    asked.map(done).unwrap()
}

fn moving() -> SyncVips {
    SyncVips {
        from: Some("101".parse().unwrap()),
        destination: Some("102".parse().unwrap()),
        ..args(SyncMode::Move)
    }
}

#[tokio::test]
async fn a_removal_that_is_undone_gives_back_note_and_last_day_and_shows_them_before() {
    let bench = Bench::demo().await;
    let app = bench.app();
    guest(&app).await;
    let args = removing(GUEST, DENTAL);
    let removed = remove(&app, &args, &Channel::Given).await.unwrap();
    let person = Person::typing(GUEST);
    let id = removed.change_id.unwrap();
    let back = undone(&app, &id, &Channel::During(&person)).await;
    assert_as_added(&app).await;
    assert_eq!(back.vip.unwrap().note.as_deref(), Some("Dr. Ames"));
    let preview = person.shown()[0].text();
    assert!(preview.contains("Note kept here: Dr. Ames"), "{preview}");
    assert!(preview.contains(&next_week()), "{preview}");
    // It is there for the next time, too.
    let again = undone(&app, &back.change_id.unwrap(), &Channel::Given).await;
    assert!(kept(&app).await.is_none());
    undone(&app, &again.change_id.unwrap(), &Channel::Given).await;
    assert_as_added(&app).await;
}

#[tokio::test]
async fn a_replacement_that_is_undone_gives_back_note_and_last_day() {
    let bench = Bench::demo().await;
    let app = bench.app();
    guest(&app).await;
    let other = AddVip {
        note: Some("Dr. Bell".to_owned()),
        ..adding(GUEST, DENTAL, "102")
    };
    let replaced = add(&app, &other, &Channel::Given).await.unwrap();
    let id = replaced.change_id.unwrap();
    let back = undone(&app, &id, &Channel::Given).await;
    assert_as_added(&app).await;
    // What the replacement kept comes back with it.
    undone(&app, &back.change_id.unwrap(), &Channel::Given).await;
    let vip = kept(&app).await.unwrap();
    assert_eq!(vip.note.as_deref(), Some("Dr. Bell"));
    assert_eq!(vip.until, None);
}

#[tokio::test]
async fn an_addition_that_is_undone_leaves_nothing_behind() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let id = guest(&app).await;
    undone(&app, &id, &Channel::Given).await;
    let again = adding(GUEST, DENTAL, "101");
    add(&app, &again, &nobody()).await.unwrap();
    let vip = kept(&app).await.unwrap();
    assert_eq!((vip.note, vip.until), (None, None));
}

#[tokio::test]
async fn a_whole_import_that_is_undone_gives_back_notes_and_last_days() {
    for change in ["clear", "mirror", "move"] {
        let bench = Bench::demo().await;
        let app = bench.app();
        guest(&app).await;
        let run = match change {
            "clear" => made(&app, &args(SyncMode::Clear)).await,
            "mirror" => mirror(&app, DENTAL, LIST).await,
            _ => made(&app, &moving()).await,
        };
        // The list from before it is not what they come from.
        bench
            .change_journal("UPDATE runs SET rules_before = NULL")
            .await;
        run_undone(&app, run.run_id).await;
        assert_as_added(&app).await;
    }
}

#[tokio::test]
async fn each_change_of_an_import_that_is_undone_by_itself_does_so_too() {
    for change in ["clear", "mirror", "move"] {
        let bench = Bench::demo().await;
        let app = bench.app();
        guest(&app).await;
        let run = match change {
            "clear" => made(&app, &args(SyncMode::Clear)).await,
            "mirror" => mirror(&app, DENTAL, LIST).await,
            _ => made(&app, &moving()).await,
        };
        let of_run = ListChanges {
            run_id: run.run_id,
            ..ListChanges::default()
        };
        let changes = list_changes(&app, &of_run, PageSize::All).await.unwrap();
        let mut changes = changes.changes.into_iter();
        let of_guest = changes.find(|change| change.ani.as_deref() == Some(GUEST));
        undone(&app, &of_guest.unwrap().change_id, &Channel::Given).await;
        assert_as_added(&app).await;
    }
}

#[tokio::test]
async fn a_last_day_that_is_over_is_not_given_back_and_that_is_said() {
    let bench = Bench::demo().await;
    let app = bench.app();
    guest(&app).await;
    bench
        .change_journal("UPDATE vip_notes SET ends_at = 1 WHERE ends_at IS NOT NULL")
        .await;
    assert!(kept(&app).await.is_none());
    let person = Person::typing(GUEST);
    let back = undone(&app, "2", &Channel::During(&person)).await;
    let said = format!("its last day, {}, is over and is not restored", next_week());
    assert!(back.warnings.join("\n").contains(&said), "{back:?}");
    let preview = person.shown()[0].text();
    assert!(preview.contains(&said), "{preview}");
    let vip = kept(&app).await.unwrap();
    assert_eq!(vip.note.as_deref(), Some("Dr. Ames"));
    assert_eq!(vip.until, None);
}

#[tokio::test]
async fn a_removal_that_was_never_made_leaves_note_and_last_day_as_they_were() {
    let bench = Bench::demo().await;
    let app = bench.app();
    guest(&app).await;
    let before = bench.sandbox.routes();
    let args = removing(GUEST, DENTAL);
    remove(&app, &args, &Channel::Given).await.unwrap();
    // What was acknowledged is shown as before when a read must have caught up.
    let rule = before.into_iter().find(|rule| rule.ani == GUEST).unwrap();
    bench.sandbox.put_route(rule);
    bench
        .change_journal("UPDATE changes SET status = 'failed' WHERE id = 2")
        .await;
    assert_as_added(&app).await;
}
