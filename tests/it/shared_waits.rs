//! How often a change waits for the disk: once before it is sent, and changes
//! that are begun at the same time share that wait.

use std::fmt::Write;
use std::path::Path;

use skyswitch_mcp::guard::store::{
    After, Begun, ChangeStatus, Closing, NewChange, StateFolder, Store,
};
use skyswitch_mcp::guard::{Author, Change, Channel, RuleChange};
use skyswitch_mcp::ops::{SyncMode, SyncStatus};

use crate::support::imports::{args, sync};
use crate::support::{Bench, DENTAL, add, adding};

/// Rows of an import, all of them under way at the same time.
const ROWS: usize = 20;

/// How many transactions the write-ahead log holds: each ends with a frame that
/// says how large the database is then (the file format of SQLite, section 4.1).
fn commits(state: &Path) -> usize {
    let log = std::fs::read(state.join("state.db-wal")).unwrap();
    let number = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap());
    let page = usize::try_from(number(8)).unwrap();
    let salts = &log[16..24];
    let starts = (32..log.len()).step_by(24 + page);
    let current = starts.filter(|at| log.get(at + 8..at + 16) == Some(salts));
    current.filter(|at| number(at + 4) != 0).count()
}

#[tokio::test]
async fn rows_of_an_import_that_begin_together_are_one_write() {
    let bench = Bench::demo().await;
    let app = bench.app();
    // So that the log is there.
    let first = adding("16165550111", DENTAL, "101");
    add(&app, &first, &Channel::Given).await.unwrap();
    let mut list = "ani,destination\n".to_owned();
    for row in 0..ROWS {
        writeln!(list, "161655502{row:02},101").unwrap();
    }
    let before = commits(&bench.state_dir());
    let imported = sync(&app, &args(SyncMode::Merge), &list, &Channel::Given).await;
    assert_eq!(imported.unwrap().status, SyncStatus::Applied);
    // One for the run, one for its end, one for what was read back, and one for
    // the outcome of each row: what is left are the beginnings.
    let beginnings = commits(&bench.state_dir()) - before - 3 - ROWS;
    assert!(
        (1..=ROWS / 2).contains(&beginnings),
        "{beginnings} beginnings"
    );
}

#[tokio::test]
async fn one_row_that_cannot_be_begun_keeps_no_other_from_it() {
    let bench = Bench::demo().await;
    let folder = StateFolder::new(bench.state_dir());
    let store = Store::open(&folder).await.unwrap();
    let (account, domain) = ("an-account".parse().unwrap(), DENTAL.parse().unwrap());
    let rule = |caller: &str| {
        let vip = skyswitch_mcp::domain::Vip {
            ani: caller.to_owned(),
            domain: DENTAL.to_owned(),
            dnis: None,
            application: "user".to_owned(),
            destination: "101".to_owned(),
            note: None,
            until: None,
        };
        RuleChange::put(None, skyswitch_mcp::domain::Route::from(&vip))
    };
    let changes = ["16165550111", "16165550112", "16165550113"]
        .map(|caller| Change::new(&account, &domain, "add_vip", rule(caller)));
    let new = |change, owner| NewChange {
        realm: "here",
        change,
        asked_by: "a test",
        traceparent: None,
        author: Author::Program,
        undoes: None,
        run: None,
        owner,
        seen: None,
        limit: None,
        now: 1,
    };
    let other = store.begin_changes(&[new(&changes[1], "another")]).await;
    assert_eq!(other.unwrap(), [Begun::Written(1)]);
    let waited = store.waits_for_disk();
    let all = changes.each_ref().map(|change| new(change, "ours"));
    let begun = store.begin_changes(&all).await.unwrap();
    assert_eq!(
        begun,
        [
            Begun::Written(2),
            Begun::ChangedMeanwhile(1),
            Begun::Written(3)
        ]
    );
    assert_eq!(store.waits_for_disk() - waited, 1);
    for id in [2, 3] {
        let closing = Closing {
            status: ChangeStatus::Done,
            after: After::of(&changes[0], true),
            problem: None,
            request_id: None,
            closed_by: None,
            now: 2,
        };
        assert!(store.close_change(id, &closing).await.unwrap());
    }
    assert_eq!(store.waits_for_disk() - waited, 1);
}

#[tokio::test]
async fn a_confirmation_is_used_up_with_the_wait_of_the_change_that_it_allows() {
    let bench = Bench::demo().await;
    let store = Store::open(&StateFolder::new(bench.state_dir()))
        .await
        .unwrap();
    let waited = store.waits_for_disk();
    assert!(store.use_once("a nonce", 100, 1).await.unwrap());
    assert!(!store.use_once("a nonce", 100, 1).await.unwrap());
    assert_eq!(store.waits_for_disk(), waited);
    // Another process sees it at once.
    let other = Store::open(&StateFolder::new(bench.state_dir()))
        .await
        .unwrap();
    assert!(!other.use_once("a nonce", 100, 1).await.unwrap());
}

#[tokio::test]
async fn an_import_whose_store_fails_sends_nothing_of_what_was_begun_together() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add(&app, &adding("16165550111", DENTAL, "101"), &Channel::Given)
        .await
        .unwrap();
    bench.sandbox.clear_requests();
    bench.change_journal(
        "CREATE TRIGGER broken BEFORE INSERT ON changes WHEN new.ani = '16165550205'
             BEGIN SELECT raise(ABORT, 'broken'); END",
    );
    let mut list = "ani,destination\n".to_owned();
    for row in 0..ROWS {
        writeln!(list, "161655502{row:02},101").unwrap();
    }
    let imported = sync(&app, &args(SyncMode::Merge), &list, &Channel::Given).await;
    let imported = imported.unwrap();
    assert_eq!(imported.status, SyncStatus::Incomplete);
    let done = imported.done.unwrap();
    assert_eq!(done.made, bench.count("PUT"), "{imported:?}");
    assert!(done.not_sent > 0 && done.unknown == 0, "{imported:?}");
}
