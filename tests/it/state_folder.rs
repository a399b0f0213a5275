//! The state folder is this user's own, and stays in its place: whatever else
//! is there is refused with the remedy, and nothing is sent.

use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;

use skyswitch_mcp::app::App;
use skyswitch_mcp::error::{Code, Error};
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{ListChanges, PageSize, RemoveVipStatus, list_changes, remove_vip};
use skyswitch_mcp::sandbox::{Fault, Gate, Sandbox, StoredRoute};

use crate::support::process::{CALLER, DOMAIN, Home, Ran, demo_sandbox, writes};
use crate::support::{
    Bench, DENTAL, add, adding, failure, first_call, nobody, question, remove, removing,
    second_call,
};

const ADD: [&str; 9] = [
    "vip",
    "add",
    "--ani",
    "6165550111",
    "--domain",
    DOMAIN,
    "--destination",
    "101",
    "--yes",
];

/// Adds a rule, which is refused with these words, and nothing is sent.
async fn refused(home: &Home, sandbox: &Sandbox, words: &[&str]) -> Ran {
    let added = home.run(&ADD).await;
    assert_ne!(added.code, 0, "{added:?}");
    for word in words {
        assert!(added.stderr.contains(word), "{word}: {added:?}");
    }
    assert_eq!(writes(sandbox), [], "{added:?}");
    added
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[tokio::test]
async fn without_a_place_of_its_own_nothing_is_written_to_the_current_folder() {
    let sandbox = demo_sandbox().await;
    let nowhere = || {
        Home::of(&sandbox)
            .without("SKYSWITCH_STATE_DIR")
            .without("HOME")
    };
    for (home, named) in [
        (nowhere(), "neither SKYSWITCH_STATE_DIR"),
        (nowhere().with("HOME", "here"), "relative"),
        (nowhere().with("XDG_STATE_HOME", "here"), "relative"),
        (nowhere().with("SKYSWITCH_STATE_DIR", "here"), "relative"),
        (
            Home::of(&sandbox).with("SKYSWITCH_STATE_DIR", "./here"),
            "relative",
        ),
    ] {
        let added = refused(&home, &sandbox, &[named, "Set SKYSWITCH_STATE_DIR"]).await;
        assert_eq!(added.code, 4, "{added:?}");
        // The command runs in the home's own folder.
        assert_eq!(names_in(home.path()), [""; 0], "{named}");
        let doctor = home.run(&["doctor"]).await;
        assert!(
            doctor.stdout.contains("FAILED   state_folder"),
            "{doctor:?}"
        );
        assert_eq!(names_in(home.path()), [""; 0], "{named}");
    }
}

#[tokio::test]
async fn a_folder_that_somebody_else_could_have_prepared_is_refused() {
    let sandbox = demo_sandbox().await;
    let prepared = |prepare: &dyn Fn(&Path)| {
        let home = Home::of(&sandbox);
        prepare(&home.path().join("state"));
        home
    };
    let link = prepared(&|state| {
        std::fs::create_dir(state.with_extension("real")).unwrap();
        symlink(state.with_extension("real"), state).unwrap();
    });
    refused(&link, &sandbox, &["is a link", "SKYSWITCH_STATE_DIR"]).await;
    assert_eq!(names_in(&link.path().join("state.real")), [""; 0]);
    let open = prepared(&|state| {
        std::fs::create_dir(state).unwrap();
        std::fs::set_permissions(state, std::fs::Permissions::from_mode(0o777)).unwrap();
    });
    refused(&open, &sandbox, &["written by everybody", "chmod o-w"]).await;
    let file = prepared(&|state| std::fs::write(state, "").unwrap());
    refused(&file, &sandbox, &["is not a folder"]).await;
    let foreign = prepared(&|state| {
        std::fs::create_dir(state).unwrap();
        let _ = chown(state, Some(12_345), None);
    });
    if is_of_another_user(&foreign.path().join("state")) {
        refused(&foreign, &sandbox, &["belongs to another user", "chown"]).await;
    }
}

/// Only root can give a file to somebody else.
fn is_of_another_user(path: &Path) -> bool {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(path).unwrap()) == 12_345
}

#[tokio::test]
async fn a_file_of_the_folder_that_is_none_of_its_own_is_refused() {
    let sandbox = demo_sandbox().await;
    for name in ["state.db", "state.db-wal", "state.lock"] {
        for what in ["link", "fifo", "foreign"] {
            let home = Home::of(&sandbox);
            let state = home.path().join("state");
            std::fs::create_dir(&state).unwrap();
            let (path, elsewhere) = (state.join(name), home.path().join("elsewhere"));
            let words = match what {
                "link" => {
                    symlink(&elsewhere, &path).unwrap();
                    "is a link"
                }
                "fifo" => {
                    let made = Command::new("mkfifo").arg(&path).status().unwrap();
                    assert!(made.success());
                    "is not a regular file"
                }
                _ => {
                    std::fs::write(&path, "").unwrap();
                    let _ = chown(&path, Some(12_345), None);
                    if !is_of_another_user(&path) {
                        continue;
                    }
                    "belongs to another user"
                }
            };
            refused(&home, &sandbox, &[words, name, "SKYSWITCH_STATE_DIR"]).await;
            assert!(!elsewhere.exists(), "{name}: nothing is written elsewhere");
        }
    }
}

#[tokio::test]
async fn a_key_that_is_none_of_its_own_is_refused() {
    for what in ["link", "fifo", "foreign", "huge"] {
        let bench = Bench::demo().await;
        std::fs::create_dir(bench.state_dir()).unwrap();
        let key = bench.state_dir().join("confirmation.key");
        std::fs::write(key.with_extension("real"), [7; 32]).unwrap();
        match what {
            "link" => symlink(key.with_extension("real"), &key).unwrap(),
            "fifo" => assert!(Command::new("mkfifo").arg(&key).status().unwrap().success()),
            "foreign" => {
                std::fs::rename(key.with_extension("real"), &key).unwrap();
                let _ = chown(&key, Some(12_345), None);
                if !is_of_another_user(&key) {
                    continue;
                }
            }
            _ => std::fs::write(&key, vec![7; 8 << 20]).unwrap(),
        }
        let asked = remove_vip(&bench.app(), &removing(CALLER, DENTAL), &first_call()).await;
        let error = failure(asked, Code::Internal);
        assert!(
            error.to_string().contains("confirmation.key"),
            "{what}: {error}"
        );
        bench.assert_nothing_written();
    }
}

/// Adds a rule, and does something to the state folder when the rules were read.
async fn replacing_meanwhile(bench: &Bench, app: &App, replace: impl FnOnce()) -> Error {
    let gate = Gate::default();
    bench.sandbox.clear_requests();
    let looked = Fault::hold_answer("GET", "route-by-ani", &gate);
    bench.sandbox.inject(looked);
    let (args, channel) = (adding("16165550111", DENTAL, "101"), Channel::Given);
    let (added, ()) = tokio::join!(add(app, &args, &channel), async {
        bench.arrived("GET", 1).await;
        replace();
        gate.open();
    });
    failure(added, Code::Internal)
}

#[tokio::test]
async fn nothing_is_sent_where_the_folder_was_removed_or_replaced_while_the_program_ran() {
    let copy = |from: &Path, to: &Path| {
        let copied = Command::new("cp").arg("-r").arg(from).arg(to).status();
        assert!(copied.unwrap().success());
    };
    for what in [
        "folder removed",
        "folder replaced",
        "database removed",
        "database replaced",
    ] {
        let bench = Bench::demo().await;
        let app = bench.app();
        let first = adding(CALLER, DENTAL, "102");
        add(&app, &first, &Channel::Given).await.unwrap();
        let state = bench.state_dir();
        let (aside, database) = (state.with_extension("aside"), state.join("state.db"));
        let error = replacing_meanwhile(&bench, &app, || match what {
            "folder removed" => std::fs::remove_dir_all(&state).unwrap(),
            "folder replaced" => {
                std::fs::rename(&state, &aside).unwrap();
                copy(&aside, &state);
            }
            "database removed" => std::fs::remove_file(&database).unwrap(),
            _ => {
                std::fs::rename(&database, database.with_extension("aside")).unwrap();
                copy(&database.with_extension("aside"), &database);
            }
        })
        .await;
        assert!(
            error.to_string().contains("removed or replaced"),
            "{what}: {error}"
        );
        assert!(
            error.hint().contains("start the program again"),
            "{}",
            error.hint()
        );
        bench.assert_nothing_written();
        if what.ends_with("removed") {
            // What is not there any more must not look empty.
            let all = ListChanges::default();
            let listed = list_changes(&app, &all, PageSize::All).await;
            let error = failure(listed, Code::Internal);
            assert!(error.to_string().contains("removed or replaced"), "{error}");
        }
        // A program that is started again goes on with what is there now.
        let next = adding("16165550112", DENTAL, "101");
        add(&bench.app(), &next, &Channel::Given).await.expect(what);
    }
}

#[tokio::test]
async fn a_used_confirmation_does_not_work_again_when_the_database_was_deleted() {
    let bench = Bench::demo().await;
    let args = removing(CALLER, DENTAL);
    let asked = remove_vip(&bench.app(), &args, &first_call()).await;
    let state = question(asked.unwrap()).state;
    let second = second_call(&state, CALLER);
    let removed = remove(&bench.app(), &args, &second).await.unwrap();
    assert_eq!(removed.status, RemoveVipStatus::Removed);
    bench
        .sandbox
        .put_route(StoredRoute::new(DENTAL, CALLER, "101"));
    for name in ["state.db", "state.db-wal", "state.db-shm"] {
        let _ = std::fs::remove_file(bench.state_dir().join(name));
    }
    let again = remove(&bench.app(), &args, &second).await;
    failure(again, Code::ConfirmationInvalid);
    assert_eq!(bench.count("DELETE"), 1);
}

#[tokio::test]
async fn a_used_confirmation_does_not_work_again_in_a_folder_with_the_same_key() {
    let bench = Bench::demo().await;
    let args = removing(CALLER, DENTAL);
    let asked = remove_vip(&bench.app(), &args, &first_call()).await;
    let state = question(asked.unwrap()).state;
    let second = second_call(&state, CALLER);
    remove(&bench.app(), &args, &second).await.unwrap();
    bench
        .sandbox
        .put_route(StoredRoute::new(DENTAL, CALLER, "101"));
    let elsewhere = bench.state_dir().with_extension("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let key = |folder: &Path| folder.join("confirmation.key");
    std::fs::copy(key(&bench.state_dir()), key(&elsewhere)).unwrap();
    let app = bench.app_with(|settings| settings.state_dir = elsewhere.clone());
    let again = remove(&app, &args, &second).await;
    failure(again, Code::ConfirmationInvalid);
}

#[tokio::test]
async fn a_database_from_the_future_is_refused_and_doctor_finds_it() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    assert_eq!(home.run(&ADD).await.code, 0);
    sandbox.clear_requests();
    home.change_journal("PRAGMA user_version = 9999");
    refused(&home, &sandbox, &["newer version", "Use that version"]).await;
    let doctor = home.run(&["doctor"]).await;
    assert_eq!(doctor.code, 1, "{doctor:?}");
    for words in ["FAILED   state_folder", "newer version"] {
        assert!(doctor.stdout.contains(words), "{words}: {doctor:?}");
    }
}

#[tokio::test]
async fn an_emptied_database_is_not_taken_for_a_new_one() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    assert_eq!(home.run(&ADD).await.code, 0);
    sandbox.clear_requests();
    let state = home.path().join("state");
    for name in ["state.db-wal", "state.db-shm"] {
        let _ = std::fs::remove_file(state.join(name));
    }
    std::fs::write(state.join("state.db"), "").unwrap();
    refused(&home, &sandbox, &["is empty", "remove the file"]).await;
    let changes = home.run(&["changes"]).await;
    assert_ne!(changes.code, 0, "{changes:?}");
    assert!(changes.stderr.contains("is empty"), "{changes:?}");
    let doctor = home.run(&["doctor"]).await;
    assert_eq!(doctor.code, 1, "{doctor:?}");
    for words in ["FAILED   state_folder", "is empty"] {
        assert!(doctor.stdout.contains(words), "{words}: {doctor:?}");
    }
    // A person begins a new one.
    std::fs::remove_file(state.join("state.db")).unwrap();
    assert_eq!(home.run(&["changes"]).await.code, 0);
}

#[tokio::test]
async fn doctor_finds_a_database_that_is_damaged() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    assert_eq!(home.run(&ADD).await.code, 0);
    let state = home.path().join("state");
    for name in ["state.db-wal", "state.db-shm"] {
        let _ = std::fs::remove_file(state.join(name));
    }
    std::fs::write(state.join("state.db"), [7; 8_192]).unwrap();
    let doctor = home.run(&["doctor"]).await;
    assert_eq!(doctor.code, 1, "{doctor:?}");
    assert!(
        doctor.stdout.contains("FAILED   state_folder"),
        "{doctor:?}"
    );
}

#[tokio::test]
async fn a_damaged_entry_is_shown_as_damaged_and_hides_nothing_else() {
    let bench = Bench::demo().await;
    let app = bench.app();
    for (caller, destination) in [
        (CALLER, "102"),
        ("16165550111", "101"),
        ("16165550112", "101"),
    ] {
        add(&app, &adding(caller, DENTAL, destination), &Channel::Given)
            .await
            .unwrap();
    }
    bench.change_journal(
        "UPDATE changes SET route_wanted = '{\"domain\":', route_after = 'x' WHERE id = 2",
    );
    let all = ListChanges::default();
    let listed = list_changes(&bench.app(), &all, PageSize::All)
        .await
        .unwrap();
    let ids: Vec<&str> = listed
        .changes
        .iter()
        .map(|row| row.change_id.as_deref().unwrap())
        .collect();
    assert_eq!(ids, ["3", "2", "1"]);
    let damaged = &listed.changes[1];
    assert_eq!(damaged.ani.as_deref(), Some("16165550111"));
    let problem = damaged.problem.as_deref().unwrap();
    assert!(problem.contains("damaged"), "{problem}");
    // What can still be read is told, and nothing else is claimed.
    assert_eq!(damaged.before, None);
    assert_eq!(damaged.wanted.as_deref(), Some("cannot be read"));
    assert_eq!(listed.changes[0].problem, None);
    // The others can be undone, and the rule itself be changed.
    let again = add(
        &bench.app(),
        &adding("16165550111", DENTAL, "102"),
        &Channel::Given,
    )
    .await;
    again.unwrap();
    let undo = skyswitch_mcp::ops::UndoChange {
        change_id: "2".to_owned(),
        account_id: None,
        confirmation: None,
    };
    let undone = skyswitch_mcp::ops::undo_change(&bench.app(), &undo, &Channel::Given).await;
    let error = undone.map(crate::support::done).expect_err("damaged");
    assert!(error.to_string().contains("damaged"), "{error}");
}

#[tokio::test]
async fn a_refusal_after_the_folder_was_removed_leaves_no_empty_database() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add(&app, &adding(CALLER, DENTAL, "102"), &Channel::Given)
        .await
        .unwrap();
    std::fs::remove_dir_all(bench.state_dir()).unwrap();
    bench.sandbox.clear_requests();
    for channel in [nobody(), first_call(), Channel::Given] {
        let removed = remove_vip(&app, &removing(CALLER, DENTAL), &channel).await;
        let error = removed.expect_err("refused");
        assert!(error.to_string().contains("removed or replaced"), "{error}");
        assert!(!bench.state_dir().join("state.db").exists());
    }
    bench.assert_nothing_written();
}
