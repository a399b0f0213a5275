//! What became of a change and could not be written down is kept and written
//! with the next work.

use skyswitch_mcp::app::App;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    AddVipStatus, ChangeRow, ListChanges, PageSize, SyncMode, SyncStatus, list_changes,
};
use skyswitch_mcp::sandbox::Fault;
use skyswitch_mcp::state::ChangeStatus;

use crate::support::imports::{args, sync};
use crate::support::journal;
use crate::support::{Bench, CALLER, DENTAL, add, adding, failure};

const NEW: &str = "16165550111";
/// As on a disk that is full for a moment: entries are begun and cannot be closed.
const FULL: &str = "CREATE TRIGGER full BEFORE UPDATE OF ended_at ON changes \
                    BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END";
/// As in the same moment, where nothing can be written at all.
const FULL_FOR_ALL: &str = "CREATE TRIGGER full BEFORE UPDATE ON journal_position \
                            BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END";
const SPACE_AGAIN: &str = "DROP TRIGGER full";

/// A journal with one change, so that there is something to fill.
async fn bench() -> Bench {
    let bench = Bench::demo().await;
    add(
        &bench.app(),
        &adding(CALLER, DENTAL, "102"),
        &Channel::Given,
    )
    .await
    .unwrap();
    bench
}

async fn newest(app: &App) -> ChangeRow {
    let all = ListChanges::default();
    let list = list_changes(app, &all, PageSize::All).await.unwrap();
    list.changes.into_iter().next().unwrap()
}

#[tokio::test]
async fn an_outcome_that_could_not_be_written_is_said_and_written_with_the_next_work() {
    let bench = bench().await;
    let app = bench.app();
    bench.change_journal(FULL);
    let added = add(&app, &adding(NEW, DENTAL, "101"), &Channel::Given).await;
    let added = added.unwrap();
    assert_eq!(added.status, AddVipStatus::Created);
    let told = |warning: &String| warning.contains("could not be written into the journal yet");
    assert!(added.warnings.iter().any(told), "{added:?}");
    let other = newest(&bench.app()).await;
    assert_eq!(
        other.status,
        ChangeStatus::Open,
        "it is this process's to write"
    );
    bench.change_journal(SPACE_AGAIN);
    let row = newest(&app).await;
    assert_eq!(row.change_id, added.change_id);
    assert_eq!(
        row.status,
        ChangeStatus::Done,
        "as it was, and not as it is found out"
    );
}

#[tokio::test]
async fn a_failure_that_could_not_be_written_is_said_and_written_with_the_next_change() {
    let bench = bench().await;
    let app = bench.app();
    bench.change_journal(FULL);
    let refusal = Fault::status("PUT", "route-by-ani", 400);
    bench.sandbox.inject(refusal);
    let refused = add(&app, &adding(NEW, DENTAL, "101"), &Channel::Given).await;
    let error = failure(refused, Code::UpstreamRejected);
    assert!(
        error.hint().contains("into the journal yet"),
        "{}",
        error.hint()
    );
    bench.change_journal(SPACE_AGAIN);
    let next = add(&app, &adding(CALLER, DENTAL, "101"), &Channel::Given).await;
    next.unwrap();
    let all = ListChanges::default();
    let listed = list_changes(&bench.app(), &all, PageSize::All).await;
    let statuses = listed.unwrap().changes.into_iter().map(|row| row.status);
    use ChangeStatus::{Done, Failed};
    assert_eq!(statuses.collect::<Vec<_>>(), [Done, Failed, Done]);
}

#[tokio::test]
async fn an_outcome_that_could_not_be_written_is_written_also_where_no_work_follows() {
    let bench = bench().await;
    let app = bench.app();
    bench.change_journal(FULL);
    let added = add(&app, &adding(NEW, DENTAL, "101"), &Channel::Given).await;
    added.unwrap();
    bench.change_journal(SPACE_AGAIN);
    let database = journal::open(&bench.state_dir());
    let mut open = 1;
    for _ in 0..600 {
        let count = "SELECT COUNT(*) FROM changes WHERE status = 'open'";
        open = database.query_row(count, [], |row| row.get(0)).unwrap();
        if open == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(open, 0, "the process lives on and knows better");
}

#[tokio::test]
async fn an_import_says_which_outcomes_could_not_be_written() {
    let bench = bench().await;
    let app = bench.app();
    bench.change_journal(FULL);
    let list = format!("ani,destination\n{NEW},101\n");
    let imported = sync(&app, &args(SyncMode::Merge), &list, &Channel::Given).await;
    let imported = imported.unwrap();
    assert_eq!(imported.status, SyncStatus::Applied, "{imported:?}");
    let told = |warning: &String| warning.contains("into the journal yet");
    assert!(imported.warnings.iter().any(told), "{imported:?}");
    bench.change_journal(SPACE_AGAIN);
    assert_eq!(newest(&app).await.status, ChangeStatus::Done);
}

#[tokio::test]
async fn an_entry_that_was_written_although_its_writing_failed_is_left_to_a_read() {
    let bench = bench().await;
    let app = bench.app();
    // This process is known, and its next entry cannot be begun.
    add(&app, &adding(NEW, DENTAL, "101"), &Channel::Given)
        .await
        .unwrap();
    bench.change_journal(FULL_FOR_ALL);
    let refused = add(&app, &adding(NEW, DENTAL, "102"), &Channel::Given).await;
    failure(refused, Code::Internal);
    bench.change_journal(SPACE_AGAIN);
    // The commit failed at its very end: the entry is there all the same.
    let files = std::fs::read_dir(bench.state_dir()).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut owners = names.filter_map(|name| {
        let name = name.strip_prefix("journal-")?.strip_suffix(".lock")?;
        Some(name.to_owned())
    });
    let database = journal::open(&bench.state_dir());
    let begun = database.execute(
        "INSERT INTO changes (realm, account, operation, asked_by, domain, ani, caller, route_wanted, status, owner,
                              started_at)
         SELECT realm, account, operation, asked_by, domain, ani, caller, route_wanted, 'open', ?, started_at
         FROM changes ORDER BY id DESC LIMIT 1",
        [owners.next().expect("this process")],
    );
    assert_eq!(begun, Ok(1));
    assert_eq!(owners.next(), None, "no other process");
    assert_eq!(newest(&app).await.status, ChangeStatus::Reconciled);
}
