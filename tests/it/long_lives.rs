//! A journal of years: it is pruned, checked and copied, and stays quick.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{ListChanges, PageSize, list_changes};
use skyswitch_mcp::sandbox::Sandbox;
use skyswitch_mcp::state::ChangeStatus;

use crate::support::guests::{ALL_OVER, GUEST, next_week};
use crate::support::journal;
use crate::support::process::{CALLER, DOMAIN, Home, demo_sandbox, stored, vip_add};
use crate::support::{Bench, DENTAL, add, adding};

/// Three changes to one rule, of which the first two are 500 days old.
async fn with_old_changes(sandbox: &Sandbox) -> Home {
    let home = Home::of(sandbox);
    for destination in ["102", "103", "104"] {
        let add = [&vip_add(CALLER, destination)[..], &["--yes"]].concat();
        assert_eq!(home.run(&add).await.code, 0);
    }
    home.change_journal("UPDATE changes SET started_at = started_at - 43200000000 WHERE id < 3");
    home.change_journal("UPDATE changes SET undoes = 2 WHERE id = 3");
    home
}

async fn ids(home: &Home) -> Vec<String> {
    let listed = home.run(&["changes", "--json"]).await.json();
    let rows = listed["changes"].as_array().unwrap().iter();
    rows.map(|row| row["change_id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn closed_changes_that_are_old_are_removed_and_open_and_new_ones_stay() {
    let sandbox = demo_sandbox().await;
    let home = with_old_changes(&sandbox).await;
    home.change_journal(
        "UPDATE changes SET status = 'open', owner = 'x', ended_at = NULL WHERE id = 1",
    );
    // Nobody is asked about the open one, so that it stays so.
    let pruned = home
        .run(&["state", "prune", "--older-than", "400d", "--json"])
        .await;
    assert_eq!(pruned.code, 0, "{pruned:?}");
    assert_eq!(pruned.json()["changes"], 1);
    assert_eq!(ids(&home).await, ["3", "1"]);
    let check = home.run(&["state", "check"]).await;
    assert_eq!(check.code, 0, "{check:?}");
}

#[tokio::test]
async fn notes_and_last_days_of_rules_that_exist_outlive_the_changes_that_made_them() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let day = next_week();
    let add = ["vip", "add", GUEST, "101", "-d", DOMAIN];
    let noted = [&add[..], &["--note", "Dr. Ames", "--until", &day]].concat();
    assert_eq!(home.run(&noted).await.code, 0);
    home.change_journal("UPDATE changes SET started_at = started_at - 43200000000");
    let prune = ["state", "prune", "--older-than", "400d", "--json"];
    assert_eq!(home.run(&prune).await.json()["changes"], 1);
    let list = ["vip", "list", "-d", DOMAIN];
    let shown = home.run(&list).await.stdout;
    assert!(
        shown.contains("Dr. Ames") && shown.contains(&day),
        "{shown}"
    );
    // The last day still holds.
    home.change_journal(ALL_OVER);
    let shown = home.run(&list).await;
    assert_eq!(shown.code, 0, "{shown:?}");
    assert_eq!(stored(&sandbox, GUEST), []);
}

#[tokio::test]
async fn changes_of_the_last_thirty_days_are_always_kept() {
    let sandbox = demo_sandbox().await;
    let home = with_old_changes(&sandbox).await;
    for age in ["29d", "1h", "0d"] {
        let pruned = home.run(&["state", "prune", "--older-than", age]).await;
        assert_eq!(pruned.code, 2, "{age}: {pruned:?}");
        assert!(pruned.stderr.contains("30 days"), "{pruned:?}");
    }
    assert_eq!(ids(&home).await.len(), 3);
}

#[tokio::test]
async fn a_check_counts_what_there_is_and_names_what_is_damaged() {
    let sandbox = demo_sandbox().await;
    let nothing = Home::of(&sandbox).run(&["state", "check"]).await;
    assert_eq!(nothing.code, 1, "{nothing:?}");
    assert!(nothing.stderr.contains("no journal"), "{nothing:?}");
    let home = with_old_changes(&sandbox).await;
    let check = home.run(&["state", "check", "--json"]).await;
    assert_eq!(check.code, 0, "{check:?}");
    assert_eq!(
        check.json(),
        serde_json::json!({"changes": 3, "open": 0, "problems": []})
    );
    home.change_journal("UPDATE changes SET route_after = '{' WHERE id = 2");
    let check = home.run(&["state", "check"]).await;
    assert_eq!(check.code, 1, "{check:?}");
    assert!(check.stdout.contains("change 2 is damaged"), "{check:?}");
}

#[tokio::test]
async fn a_backup_is_private_and_whole_and_overwrites_nothing() {
    let sandbox = demo_sandbox().await;
    let home = with_old_changes(&sandbox).await;
    let file = home.path().join("backup.db");
    let backup = ["state", "backup", file.to_str().unwrap()];
    let made = home.run(&backup).await;
    assert_eq!(made.code, 0, "{made:?}");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let content = std::fs::read(&file).unwrap();
    let again = home.run(&backup).await;
    assert_eq!(again.code, 2, "{again:?}");
    assert_eq!(std::fs::read(&file).unwrap(), content);
    // It works in the place of the journal.
    let restored = home.path().join("restored");
    std::fs::create_dir(&restored).unwrap();
    std::fs::rename(&file, restored.join("state.db")).unwrap();
    let home = home.with("SKYSWITCH_STATE_DIR", restored.to_str().unwrap());
    assert_eq!(ids(&home).await, ["3", "2", "1"]);
}

#[tokio::test]
async fn a_long_journal_is_shown_in_part_with_the_way_to_the_rest() {
    let sandbox = demo_sandbox().await;
    let home = with_old_changes(&sandbox).await;
    let filled = filled(&home.path().join("state"), 1_200).await;
    let listed = home.run(&["changes", "--json"]).await.json();
    assert_eq!(listed["count"], 1_000);
    assert_eq!(listed["total"], filled);
    let cursor = listed["next_cursor"].as_str().unwrap();
    let rest = home
        .run(&["changes", "--json", "--cursor", cursor])
        .await
        .json();
    assert_eq!(rest["count"], filled - 1_000);
    assert_eq!(rest["changes"][filled - 1_001]["change_id"], "1");
}

/// Fills the journal with copies of its newest entry until it has so many.
async fn filled(state: &Path, wanted: usize) -> usize {
    let database = journal::open(state);
    let copies = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?1 - 3)
         INSERT INTO changes (realm, account, operation, asked_by, domain, ani, caller, route_before, route_wanted,
                              route_after, stands, status, owner, started_at, ended_at, position)
         SELECT realm, account, operation, asked_by, domain, '1616555' || (n % 5000), '1616555' || (n % 5000),
                route_before, route_wanted, route_after, 1, 'done', '', started_at - 8640000000 + n * 8000,
                ended_at - 8640000000 + n * 8000, 0
         FROM (SELECT * FROM changes ORDER BY id DESC LIMIT 1), numbers";
    let wanted = i64::try_from(wanted).unwrap();
    database.execute(copies, [wanted]).unwrap();
    let count = "SELECT COUNT(*) FROM changes";
    let total: i64 = database.query_row(count, [], |row| row.get(0)).unwrap();
    usize::try_from(total).unwrap()
}

/// How long a list, a narrow one and a change take beside a journal of so many
/// entries: the least of several tries.
async fn times(entries: usize) -> [Duration; 4] {
    let bench = Bench::demo().await;
    let app = bench.app();
    for destination in ["102", "103", "104"] {
        let args = adding(CALLER, DENTAL, destination);
        add(&app, &args, &Channel::Given).await.unwrap();
    }
    filled(&bench.state_dir(), entries).await;
    let all = ListChanges::default();
    let of_caller = ListChanges {
        ani: Some(CALLER.parse().unwrap()),
        ..all.clone()
    };
    let failed = ListChanges {
        status: Some(ChangeStatus::Failed),
        ..all.clone()
    };
    let mut least = [Duration::MAX; 4];
    let mut note = |place: usize, started: Instant| {
        least[place] = least[place].min(started.elapsed());
    };
    for round in 0..20 {
        for (place, args) in [&all, &of_caller, &failed].into_iter().enumerate() {
            let started = Instant::now();
            list_changes(&app, args, PageSize::Rows(50)).await.unwrap();
            note(place, started);
        }
        let destination = if round % 2 == 0 { "101" } else { "102" };
        let args = adding(CALLER, DENTAL, destination);
        let started = Instant::now();
        add(&app, &args, &Channel::Given).await.unwrap();
        note(3, started);
    }
    least
}

/// Takes minutes: `cargo test --test it -- --ignored long_lives:: --nocapture`.
#[tokio::test]
#[ignore = "fills a journal with a million entries"]
async fn a_journal_of_a_million_entries_is_nearly_as_quick_as_one_of_ten_thousand() {
    let (short, long) = (times(10_000).await, times(1_000_000).await);
    let names = ["list", "list of a caller", "list of failures", "change"];
    for (name, (short, long)) in names.into_iter().zip(short.into_iter().zip(long)) {
        eprintln!("{name}: {short:?} beside 10,000 entries, {long:?} beside 1,000,000");
        // Of the list, the count of all grows; everything else does not.
        let most = if name == "list" {
            Duration::from_millis(500)
        } else {
            3 * short
        };
        assert!(
            long < most.max(Duration::from_millis(5)),
            "{name}: {short:?}, {long:?}"
        );
    }
}
