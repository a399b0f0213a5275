//! Rows of a list that cannot be used: what becomes of the others, and what is said
//! that somebody can do.

use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{Action, SyncMode, SyncOutcome, SyncStatus, SyncVips};

use crate::support::imports::{args, dry, sync};
use crate::support::{Bench, DENTAL, tenant_of};

/// Imports what can be used of a list.
fn skipping() -> SyncVips {
    SyncVips {
        skip_invalid: Some(true),
        ..args(SyncMode::Merge)
    }
}

/// Line and reason of the rows that cannot be used.
fn invalid(outcome: &SyncOutcome) -> Vec<(usize, &str)> {
    let rows = outcome.rows.iter();
    let rows = rows.filter(|row| row.action == Action::Invalid);
    rows.map(|row| (row.line.unwrap(), row.reason.as_deref().unwrap()))
        .collect()
}

#[tokio::test]
async fn of_rows_that_contradict_each_other_none_is_imported_and_the_rule_stays() {
    let present = [("16165550191", "104"), ("16165550192", "101")];
    let bench = Bench::with(tenant_of(&present)).await;
    let app = bench.app();
    let list = "ani,destination\n6165550191,101\n+1 616-555-0191,102\n16165550191,101\n\
                6165550193,101\n6165550193,102\n6165550194,101\n616.555.0194,101\n";
    let outcome = sync(&app, &skipping(), list, &Channel::Given).await;
    let outcome = outcome.unwrap();
    assert_eq!(outcome.status, SyncStatus::Applied, "{outcome:?}");
    let expected = [
        (2, "contradicts line 3"),
        (3, "contradicts line 2"),
        (4, "repeats line 2"),
        (5, "contradicts line 6"),
        (6, "contradicts line 5"),
        (8, "repeats line 7"),
    ];
    let found = invalid(&outcome);
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for ((line, reason), (expected, words)) in found.iter().zip(expected) {
        assert!(*line == expected && reason.contains(words), "{found:?}");
    }
    assert_eq!(outcome.plan.add, 1);
    assert_eq!(bench.rings(DENTAL, "16165550191").unwrap(), "104");
    assert_eq!(bench.rings(DENTAL, "16165550193"), None);
    assert_eq!(bench.rings(DENTAL, "16165550194").unwrap(), "101");
    // A mirror does not take the caller for one who is not on the list.
    let mirrored = sync(&app, &dry(SyncMode::Mirror), list, &Channel::Given).await;
    assert_eq!(mirrored.unwrap().plan.remove, 1, "only 0192");
}

#[tokio::test]
async fn rows_that_differ_in_their_last_day_contradict_each_other() {
    let bench = Bench::with(tenant_of(&[("16165550192", "101")])).await;
    let list = "ani,destination,until,note\n6165550191,101,2099-12-24,A\n6165550191,101,,A\n\
                6165550193,101,2099-12-24,A\n6165550193,101,2099-12-24,B\n";
    let outcome = sync(&bench.app(), &skipping(), list, &Channel::Given).await;
    let outcome = outcome.unwrap();
    let found = invalid(&outcome);
    let lines: Vec<usize> = found.iter().map(|row| row.0).collect();
    assert_eq!(lines, [2, 3, 5], "{found:?}");
    assert!(found[0].1.contains("until 2099-12-24"), "{found:?}");
    assert_eq!(bench.rings(DENTAL, "16165550191"), None);
}
