//! Who the callers are is kept here, shown with their rules, and goes through files.

use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{AddVip, AddVipStatus, SyncMode, SyncStatus};

use crate::support::guests::GUEST;
use crate::support::imports::{args, mirror, of_run, sync, undo_with};
use crate::support::process::{DOMAIN, Home, demo_sandbox, vip_add};
use crate::support::{
    Bench, CALLER, DENTAL, Person, add, adding, failure, list, listing, nobody, remove, removing,
};

fn noted(ani: &str, destination: &str, note: &str) -> AddVip {
    AddVip {
        note: Some(note.to_owned()),
        ..adding(ani, DENTAL, destination)
    }
}

async fn note_of(bench: &Bench, ani: &str) -> Option<String> {
    let shown = list(&bench.app(), &listing(DENTAL)).await.unwrap();
    let mut vips = shown.vips.into_iter();
    vips.find(|vip| vip.ani == ani).unwrap().note
}

#[tokio::test]
async fn a_note_is_shown_with_its_rule_and_ends_with_it() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let added = add(&app, &noted(GUEST, "101", "Dr. Ames"), &nobody()).await;
    assert_eq!(added.unwrap().vip.note.as_deref(), Some("Dr. Ames"));
    assert_eq!(note_of(&bench, GUEST).await.as_deref(), Some("Dr. Ames"));
    // Who removes the rule sees whose it is.
    let person = Person::typing(GUEST);
    let args = removing(GUEST, DENTAL);
    remove(&app, &args, &Channel::During(&person))
        .await
        .unwrap();
    let preview = person.shown()[0].text();
    assert!(preview.contains("Note kept here: Dr. Ames"), "{preview}");
    add(&app, &adding(GUEST, DENTAL, "101"), &nobody())
        .await
        .unwrap();
    assert_eq!(note_of(&bench, GUEST).await, None);
}

#[tokio::test]
async fn a_rule_that_exists_is_noted_without_a_request_that_changes_anything() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let there = bench.rings(DENTAL, CALLER).unwrap();
    for note in ["Dr. Ames", "Dr. Ames, referrals"] {
        let same = add(&app, &noted(CALLER, &there, note), &nobody()).await;
        assert_eq!(same.unwrap().status, AddVipStatus::Unchanged);
        assert_eq!(note_of(&bench, CALLER).await.as_deref(), Some(note));
    }
    bench.assert_nothing_written();
}

#[tokio::test]
async fn a_change_that_was_not_made_leaves_no_note() {
    use skyswitch_mcp::sandbox::Fault;
    let bench = Bench::demo().await;
    let app = bench.app();
    bench
        .sandbox
        .inject(Fault::status("PUT", "route-by-ani", 422));
    let failed = add(&app, &noted(GUEST, "101", "Dr. Ames"), &nobody()).await;
    assert!(failed.is_err(), "{failed:?}");
    bench.sandbox.clear_faults();
    add(&app, &adding(GUEST, DENTAL, "101"), &nobody())
        .await
        .unwrap();
    assert_eq!(note_of(&bench, GUEST).await, None);
}

#[tokio::test]
async fn what_a_note_holds_can_neither_hide_nor_overflow() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let long = format!("a\u{202E}b\n {}", "x".repeat(196));
    add(&app, &noted(GUEST, "101", &long), &nobody())
        .await
        .unwrap();
    let note = note_of(&bench, GUEST).await.unwrap();
    assert!(note.starts_with("a\\u{202e}b xxx"), "{note}");
    assert!(note.ends_with('x') && note.chars().count() <= 215, "{note}");
}

#[tokio::test]
async fn a_note_that_is_too_long_is_refused_with_its_length_and_the_limit() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let there = bench.rings(DENTAL, CALLER).unwrap();
    for (ani, destination) in [(GUEST, "101"), (CALLER, there.as_str())] {
        let long = noted(ani, destination, &"x".repeat(201));
        let refused = failure(add(&app, &long, &nobody()).await, Code::InvalidArgument);
        assert_eq!(refused.detail().field.as_deref(), Some("note"));
        assert!(refused.to_string().contains("201 characters"), "{refused}");
        assert!(refused.hint().contains("200"), "{refused:?}");
    }
    bench.assert_nothing_written();
}

#[tokio::test]
async fn a_note_of_a_rule_that_stays_as_it_is_is_changed_and_removed_and_that_is_said() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let mut said = Vec::new();
    for note in [Some("Dr. Ames"), Some("Dr. Bell"), None, Some("")] {
        let adding = ["vip", "add", CALLER, "101", "-d", DOMAIN];
        let noted = note.map(|note| ["--note", note]);
        let noted = noted.iter().flatten().copied();
        let adding: Vec<&str> = adding.into_iter().chain(noted).collect();
        let ran = home.run(&adding).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        said.push(ran.stdout);
    }
    assert!(said[0].contains("Note added: \"Dr. Ames\"."), "{said:?}");
    let changed = "Note changed from \"Dr. Ames\" to \"Dr. Bell\".";
    assert!(said[1].contains(changed), "{said:?}");
    assert!(!said[2].contains("Note"), "{said:?}");
    assert!(said[3].contains("Note removed: \"Dr. Bell\"."), "{said:?}");
    let shown = home.run(&["vip", "list", "-d", DOMAIN]).await.stdout;
    assert!(!shown.contains("Dr."), "{shown}");
}

#[tokio::test]
async fn another_note_keeps_the_last_day_however_the_service_writes_the_rule() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let day = jiff::Zoned::now().date().tomorrow().unwrap().to_string();
    let until = AddVip {
        until: Some(day.parse().unwrap()),
        ..noted(GUEST, "101", "Dr. Ames")
    };
    add(&app, &until, &nobody()).await.unwrap();
    let rule = skyswitch_mcp::sandbox::StoredRoute::new(DENTAL, GUEST, "user:101");
    bench.sandbox.put_route(rule);
    let same = add(&app, &noted(GUEST, "101", "Dr. Bell"), &nobody()).await;
    let same = same.unwrap();
    assert_eq!(same.status, AddVipStatus::Unchanged, "{same:?}");
    assert_eq!(same.vip.until.as_ref(), Some(&day));
    let shown = list(&app, &listing(DENTAL)).await.unwrap();
    let vip = shown.vips.into_iter().find(|vip| vip.ani == GUEST).unwrap();
    assert_eq!(vip.note.as_deref(), Some("Dr. Bell"));
    assert_eq!(vip.until, Some(day));
}

#[tokio::test]
async fn what_a_list_changes_of_notes_and_cannot_keep_of_them_is_told() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let there = bench.rings(DENTAL, CALLER).unwrap();
    add(&app, &noted(CALLER, &there, "Mrs. Ames"), &nobody())
        .await
        .unwrap();
    let long = "y".repeat(300);
    let text = format!("ani,destination,note\n{CALLER},{there},Mrs. Hill\n{GUEST},101,{long}\n");
    let merged = sync(&app, &args(SyncMode::Merge), &text, &Channel::Given).await;
    let said = merged.unwrap().warnings.join("\n");
    assert!(
        said.contains("from \"Mrs. Ames\" to \"Mrs. Hill\""),
        "{said}"
    );
    assert!(said.contains("longer than 200 characters"), "{said}");
    assert!(said.contains("line 3"), "{said}");
    assert_eq!(note_of(&bench, GUEST).await.unwrap().len(), 200);
    let contact = format!("BEGIN:VCARD\nVERSION:3.0\nFN:{long}\nTEL:6165550178\nEND:VCARD\n");
    let args = skyswitch_mcp::ops::SyncVips {
        destination: Some("101".parse().unwrap()),
        ..args(SyncMode::Merge)
    };
    let merged = sync(&app, &args, &contact, &Channel::Given).await;
    let said = merged.unwrap().warnings.join("\n");
    assert!(said.contains("longer than 200 characters"), "{said}");
}

#[tokio::test]
async fn notes_of_a_list_are_kept_also_of_rules_that_exist_already() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let there = bench.rings(DENTAL, CALLER).unwrap();
    let text = format!("ani,destination,note\n{CALLER},{there},Mrs. Ames\n{GUEST},101,Dr. Bell\n");
    let merged = sync(&app, &args(SyncMode::Merge), &text, &Channel::Given).await;
    assert_eq!(merged.unwrap().status, SyncStatus::Applied);
    assert_eq!(note_of(&bench, CALLER).await.as_deref(), Some("Mrs. Ames"));
    assert_eq!(note_of(&bench, GUEST).await.as_deref(), Some("Dr. Bell"));
    // Nothing differs but a note: it stays, because no plan was agreed to.
    let text = format!("ani,destination,note\n{CALLER},{there},Mrs. Ames-Hill\n");
    let merged = sync(&app, &args(SyncMode::Merge), &text, &Channel::Given).await;
    assert_eq!(merged.unwrap().status, SyncStatus::Unchanged);
    assert_eq!(note_of(&bench, CALLER).await.as_deref(), Some("Mrs. Ames"));
}

#[tokio::test]
async fn notes_come_back_with_an_import_that_is_taken_back() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add(&app, &noted(GUEST, "101", "Dr. Ames"), &nobody())
        .await
        .unwrap();
    let run = mirror(&app, DENTAL, "ani,destination\n6165550178,101\n").await;
    let run = of_run(&run.run_id.unwrap());
    undo_with(&app, &run, &Channel::Given).await.unwrap();
    assert_eq!(note_of(&bench, GUEST).await.as_deref(), Some("Dr. Ames"));
}

#[tokio::test]
async fn notes_go_through_a_file_and_back() {
    let sandbox = demo_sandbox().await;
    let (home, other) = (Home::of(&sandbox), Home::of(&sandbox));
    let add = [
        &vip_add(GUEST, "101")[..],
        &["--note", "=Dr. Ames, referrals"],
    ]
    .concat();
    assert_eq!(home.run(&add).await.code, 0);
    for format in ["csv", "json"] {
        let export = ["vip", "export", "-d", DOMAIN, "--format", format];
        let exported = home.run(&export).await.stdout;
        assert!(exported.contains("Dr. Ames, referrals"), "{exported}");
        let file = other.write(&format!("list.{format}"), &exported);
        let import = [
            "vip",
            "import",
            file.to_str().unwrap(),
            "-d",
            DOMAIN,
            "--yes",
        ];
        let imported = other.run(&import).await;
        assert_eq!(imported.code, 0, "{imported:?}");
        assert_eq!(other.run(&export).await.stdout, exported);
    }
}

#[tokio::test]
async fn no_note_is_in_a_log() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let add = [
        "-vv",
        "vip",
        "add",
        "--ani",
        GUEST,
        "-d",
        DOMAIN,
        "--destination",
        "101",
        "--note",
        "Xylophonist",
    ];
    let added = home.run(&add).await;
    assert_eq!(added.code, 0, "{added:?}");
    assert!(!added.stderr.contains("Xylophonist"), "{}", added.stderr);
}
