//! What is kept of a VIP rule beside the service, its note and its last day, comes
//! back when the change that ended it is undone.

use skyswitch_mcp::app::App;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    AddVip, ListChanges, PageSize, SyncMode, SyncOutcome, UndoChange, UndoOutcome, UndoStatus,
    list_changes, undo_change,
};

use crate::support::guests::{
    ALL_OVER, GUEST, add_guest, guest, kept_of_guest, next_week, remove_elsewhere,
};
use crate::support::imports::{args, mirror, moving, of_run, sync, undo_with, without_list};
use crate::support::{
    Bench, CALLER, DENTAL, Person, add, adding, done, list, listing, nobody, remove, removing,
};

/// A caller of whom nothing is known before.
const NEW: &str = "16165550178";
/// Mirrored, it removes everybody else.
const LIST: &str = "ani,destination\n6165550178,101\n";

async fn assert_as_added(app: &App) {
    assert_eq!(guest(app).await.unwrap().destination, "101");
    let as_added = (Some("Dr. Ames".to_owned()), Some(next_week()));
    assert_eq!(kept_of_guest(app).await, as_added);
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

/// An import that takes the caller off the list or sends them elsewhere.
async fn imported(app: &App, change: &str) -> SyncOutcome {
    match change {
        "clear" => without_list(app, &args(SyncMode::Clear), &Channel::Given).await,
        "mirror" => mirror(app, DENTAL, LIST).await,
        _ => without_list(app, &moving("101", "102"), &Channel::Given).await,
    }
}

#[tokio::test]
async fn a_removal_that_is_undone_gives_back_note_and_last_day_and_shows_them_before() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
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
    assert!(guest(&app).await.is_none());
    undone(&app, &again.change_id.unwrap(), &Channel::Given).await;
    assert_as_added(&app).await;
}

#[tokio::test]
async fn a_replacement_that_is_undone_gives_back_note_and_last_day() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
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
    let as_replaced = (Some("Dr. Bell".to_owned()), None);
    assert_eq!(kept_of_guest(&app).await, as_replaced);
}

#[tokio::test]
async fn an_addition_that_is_undone_leaves_nothing_behind() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let id = add_guest(&app).await.change_id.unwrap();
    undone(&app, &id, &Channel::Given).await;
    let again = adding(GUEST, DENTAL, "101");
    add(&app, &again, &nobody()).await.unwrap();
    assert_eq!(kept_of_guest(&app).await, (None, None));
}

#[tokio::test]
async fn a_whole_import_that_is_undone_gives_back_notes_and_last_days() {
    for change in ["clear", "mirror", "move"] {
        let bench = Bench::demo().await;
        let app = bench.app();
        add_guest(&app).await;
        let run = imported(&app, change).await;
        // The list from before it is not what they come from.
        bench.change_journal("UPDATE runs SET rules_before = NULL");
        let run = of_run(&run.run_id.unwrap());
        let undone = undo_with(&app, &run, &Channel::Given).await.unwrap();
        assert_eq!(undone.status, UndoStatus::Restored, "{undone:?}");
        assert_as_added(&app).await;
    }
}

#[tokio::test]
async fn each_change_of_an_import_that_is_undone_by_itself_does_so_too() {
    for change in ["clear", "mirror", "move"] {
        let bench = Bench::demo().await;
        let app = bench.app();
        add_guest(&app).await;
        let run = imported(&app, change).await;
        let of_run = ListChanges {
            run_id: run.run_id,
            ..ListChanges::default()
        };
        let changes = list_changes(&app, &of_run, PageSize::All).await.unwrap();
        let mut changes = changes.changes.into_iter();
        let of_guest = changes.find(|change| change.ani.as_deref() == Some(GUEST));
        undone(&app, &of_guest.unwrap().change_id.unwrap(), &Channel::Given).await;
        assert_as_added(&app).await;
    }
}

#[tokio::test]
async fn a_last_day_that_is_over_is_not_given_back_and_that_is_said() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
    bench.change_journal(ALL_OVER);
    assert!(guest(&app).await.is_none());
    let person = Person::typing(GUEST);
    let back = undone(&app, "2", &Channel::During(&person)).await;
    let said = format!("its last day, {}, is over and is not restored", next_week());
    assert!(back.warnings.join("\n").contains(&said), "{back:?}");
    let preview = person.shown()[0].text();
    assert!(preview.contains(&said), "{preview}");
    assert_eq!(
        kept_of_guest(&app).await,
        (Some("Dr. Ames".to_owned()), None)
    );
}

#[tokio::test]
async fn a_removal_that_was_never_made_leaves_note_and_last_day_as_they_were() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
    let rule = remove_elsewhere(&bench);
    bench.sandbox.put_route(rule.clone());
    let args = removing(GUEST, DENTAL);
    remove(&app, &args, &Channel::Given).await.unwrap();
    // What was acknowledged is shown as before when a read must have caught up.
    bench.sandbox.put_route(rule);
    bench.change_journal("UPDATE changes SET status = 'failed' WHERE id = 2");
    assert_as_added(&app).await;
}

/// An import that leaves both callers where they are and notes something of them,
/// and adds one more; gives its id.
async fn noted_by_import(app: &App) -> String {
    add_guest(app).await;
    let list =
        format!("ani,destination,note\n{GUEST},101,Dr. Bell\n{CALLER},101,Mrs. Hill\n{NEW},101,\n");
    let run = sync(app, &args(SyncMode::Merge), &list, &Channel::Given).await;
    assert_eq!(notes(app).await, noted("Dr. Bell", Some("Mrs. Hill")));
    run.unwrap().run_id.unwrap()
}

/// What is noted of the two, by whoever lists them; the first has a last day.
async fn notes(app: &App) -> [(Option<String>, Option<String>); 2] {
    let vips = list(app, &listing(DENTAL)).await.unwrap().vips;
    [GUEST, CALLER].map(|ani| {
        let vip = vips.iter().find(|vip| vip.ani == ani).unwrap().clone();
        (vip.note, vip.until)
    })
}

fn noted(guest: &str, caller: Option<&str>) -> [(Option<String>, Option<String>); 2] {
    let caller = caller.map(str::to_owned);
    [(Some(guest.to_owned()), Some(next_week())), (caller, None)]
}

#[tokio::test]
async fn what_an_import_noted_of_rules_that_it_left_as_they_were_is_taken_back_with_it() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let run = noted_by_import(&app).await;
    let person = Person::typing(NEW);
    let channel = Channel::During(&person);
    let back = undo_with(&app, &of_run(&run), &channel).await.unwrap();
    assert_eq!(back.status, UndoStatus::Restored, "{back:?}");
    assert_eq!(notes(&app).await, noted("Dr. Ames", None));
    let preview = person.shown()[0].text();
    for said in [
        "2 notes of rules that stay as they are will change: ",
        "Note changed from \"Dr. Bell\" to \"Dr. Ames\"",
        "Note removed: \"Mrs. Hill\"",
    ] {
        assert!(preview.contains(said), "{said}: {preview}");
    }
    let import = back.import.unwrap();
    let told = import.warnings.join("\n");
    let said = "2 notes of rules that stay as they are changed: ";
    assert_eq!(told.matches("notes of rules").count(), 1, "{told}");
    assert!(told.contains(said), "{told}");
    // It is an import of its own, which can be undone.
    let own_run = of_run(&import.run_id.unwrap());
    let again = undo_with(&app, &own_run, &Channel::Given).await.unwrap();
    assert_eq!(again.status, UndoStatus::Restored, "{again:?}");
    assert_eq!(notes(&app).await, noted("Dr. Bell", Some("Mrs. Hill")));
}

#[tokio::test]
async fn where_only_notes_are_left_to_take_back_nobody_has_to_be_asked() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let run = noted_by_import(&app).await;
    remove(&app, &removing(NEW, DENTAL), &Channel::Given)
        .await
        .unwrap();
    let back = undo_with(&app, &of_run(&run), &nobody()).await.unwrap();
    assert_eq!(back.status, UndoStatus::Unchanged, "{back:?}");
    let told = back.import.unwrap().warnings.join("\n");
    assert!(told.contains("2 notes of rules that stay"), "{told}");
    assert_eq!(notes(&app).await, noted("Dr. Ames", None));
}

#[tokio::test]
async fn a_note_or_a_rule_that_was_changed_again_after_the_import_is_left_out_and_named() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let run = noted_by_import(&app).await;
    let other_note = AddVip {
        note: Some("Mrs. Hall".to_owned()),
        ..adding(CALLER, DENTAL, "101")
    };
    add(&app, &other_note, &nobody()).await.unwrap();
    let elsewhere = adding(GUEST, DENTAL, "102");
    add(&app, &elsewhere, &Channel::Given).await.unwrap();
    let back = undo_with(&app, &of_run(&run), &Channel::Given).await;
    let told = back.unwrap().import.unwrap().warnings.join("\n");
    assert!(told.contains("left out: 2 notes changed again"), "{told}");
    let [guest, caller] = notes(&app).await;
    assert_eq!(guest, (None, None));
    assert_eq!(caller.0.as_deref(), Some("Mrs. Hall"));
}

#[tokio::test]
async fn a_rule_that_is_as_before_again_without_its_note_is_named() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
    let run = imported(&app, "move").await;
    let back = adding(GUEST, DENTAL, "101");
    add(&app, &back, &Channel::Given).await.unwrap();
    let back = undo_with(&app, &of_run(&run.run_id.unwrap()), &Channel::Given).await;
    let told = back.unwrap().import.unwrap().warnings.join("\n");
    let said = "left out: 1 rule that is as before already, whose note or last day is another";
    assert!(told.contains(said), "{told}");
}
