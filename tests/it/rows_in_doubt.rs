//! Rows of a list that cannot be used: what becomes of the others, and what is said
//! that somebody can do.

use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{Action, SyncMode, SyncOutcome, SyncStatus, SyncVips};

use crate::support::imports::{args, dry, moving, sync, without_list};
use crate::support::process::{DOMAIN, Home, demo_sandbox};
use crate::support::protocol::{ERAS, Wire};
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

#[tokio::test]
async fn a_plan_that_cannot_be_applied_has_no_id_and_says_what_to_do() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let file = home.write("list.csv", "ani,destination\n6165550130,101\nnan,101\n");
    let file = file.to_str().unwrap();
    let import = ["vip", "import", file, "-d", DOMAIN];
    let remedy = "Correct them, or give `--skip-invalid` to leave them out.";
    let refused = home.run(&import).await;
    assert!(refused.stdout.contains(remedy), "{refused:?}");
    let planned = home.run(&[&import[..], &["--dry-run"]].concat()).await;
    assert!(planned.stdout.contains(remedy), "{planned:?}");
    assert!(!planned.stdout.contains("--plan"), "{planned:?}");
    let mirror = [&import[..], &["--dry-run", "--mode", "mirror"]].concat();
    let planned = home.run(&mirror).await.stdout;
    assert!(planned.contains("Correct them and import the list again."));
    let skipping = [&import[..], &["--dry-run", "--skip-invalid"]].concat();
    let planned = home.run(&skipping).await.stdout;
    let id = planned.split("--plan ").nth(1).expect(&planned);
    let id = id.split('`').next().unwrap();
    let by_plan = ["vip", "import", "-d", DOMAIN, "--plan", id, "--yes"];
    let applied = home.run(&by_plan).await;
    assert_eq!(applied.code, 0, "{applied:?}");

    let mut wire = Wire::ready(&home, &[], ERAS[0], false).await;
    let list = serde_json::json!({
        "domain": DOMAIN, "list": "ani,destination\n6165550131,101\nnan,101\n", "dry_run": true,
    });
    let planned = wire.call("sync_vips", list).await;
    let text = planned["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("or give `skip_invalid`"), "{text}");
    assert_eq!(
        planned["structuredContent"]["plan_id"],
        serde_json::Value::Null
    );
}

#[tokio::test]
async fn a_tool_takes_the_plan_of_a_list_that_was_made() {
    let bench = Bench::demo().await;
    let app = bench.app();
    for looking in [moving("101", "102"), args(SyncMode::Clear)] {
        let looking = SyncVips {
            dry_run: Some(true),
            ..looking
        };
        let planned = without_list(&app, &looking, &Channel::Given).await;
        let by_plan = SyncVips {
            plan: planned.plan_id,
            mode: None,
            ..args(SyncMode::Merge)
        };
        let made = without_list(&app, &by_plan, &Channel::Given).await;
        assert_eq!(made.status, SyncStatus::Applied, "{made:?}");
    }
}

#[tokio::test]
async fn no_change_is_said_of_the_rows_that_can_be_used() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let said = async |rows: &str| {
        let file = home.write("list.csv", &format!("ani,destination\n{rows}"));
        let file = file.to_str().unwrap();
        let import = ["vip", "import", file, "-d", DOMAIN, "--skip-invalid"];
        home.run(&import).await.stdout
    };
    let export = home.run(&["vip", "export", "-d", DOMAIN]).await.stdout;
    let mut cells = export.lines().nth(1).unwrap().split(',');
    let kept = format!("{},{}\n", cells.next().unwrap(), cells.next().unwrap());
    let whole = said(&kept).await;
    assert!(whole.contains("already as the list wants them"), "{whole}");
    let some = said(&format!("{kept}nan,101\n")).await;
    assert!(some.contains("No change: of the rows that can be used"));
    let none = said("nan,101\n").await;
    assert!(none.contains("No change: none of the rows can be used"));
}
