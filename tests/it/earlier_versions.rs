//! The state folder of an earlier version is carried on.

use serde_json::{Value, json};
use skyswitch_mcp::sandbox::ACCOUNT_ID;

use crate::support::process::{DOMAIN, Home};

/// What the version before wrote; see the file's first lines.
const SCHEMA_6: &str = include_str!("../fixtures/state_schema_6.sql");
const CUT_OFF_THEN: &str = "r-4daccc2a4068";

/// A home whose state folder the earlier version left behind.
async fn home_of_schema_6() -> Home {
    home_with(SCHEMA_6.to_owned()).await
}

async fn home_with(dump: String) -> Home {
    let home = Home::bare();
    let path = home.write("state/sandbox/state.db", "");
    // A dump does not give the tables in the order in which they refer to each other.
    let database = rusqlite::Connection::open(path).unwrap();
    database.pragma_update(None, "foreign_keys", false).unwrap();
    database.execute_batch(&dump).unwrap();
    home
}

/// Operation, caller, and where the calls went before and were to go.
fn told(change: &Value) -> [Value; 4] {
    ["operation", "ani", "before", "wanted"].map(|field| change[field].clone())
}

#[tokio::test]
async fn the_journal_of_an_earlier_version_is_read_and_undone() {
    let home = home_of_schema_6().await;
    let listed = home.run(&["--sandbox", "changes", "--json"]).await.json();
    let changes = listed["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 9, "{listed}");
    for change in changes {
        let was_made = match change["status"].as_str() {
            Some("reconciled") => change["made"] == true,
            status => status == Some("done"),
        };
        assert!(was_made, "{change}");
    }
    let by_id = |id: &str| changes.iter().find(|change| change["change_id"] == id);
    assert_eq!(
        told(by_id("4").unwrap()),
        [
            json!("add_vip"),
            json!("16165550123"),
            json!("user 101"),
            json!("user 102")
        ]
    );
    assert_eq!(by_id("6").unwrap()["run_id"], CUT_OFF_THEN);
    let routed = by_id("9").unwrap();
    assert_eq!(routed["operation"], "onboard_domain");
    assert_eq!(routed["domain"], "maplewoodvet.12345.service");
    // The embedded sandbox begins with what the changes were made on, in a folder of its own.
    for id in ["4", "9"] {
        let undone = home
            .run(&["--sandbox", "undo", id, "--yes", "--json"])
            .await;
        assert_eq!(undone.code, 0, "{undone:?}");
        assert_eq!(undone.json()["status"], "unchanged", "{undone:?}");
    }
}

#[tokio::test]
async fn changes_of_an_account_that_was_written_in_capitals_are_found() {
    let dump = SCHEMA_6.replace(ACCOUNT_ID, &ACCOUNT_ID.to_uppercase());
    let home = home_with(dump).await;
    let listed = home.run(&["--sandbox", "changes", "--json"]).await.json();
    assert_eq!(listed["changes"].as_array().unwrap().len(), 9, "{listed}");
}

#[tokio::test]
async fn an_import_that_an_earlier_version_cut_off_is_imported_again() {
    let home = home_of_schema_6().await;
    let resume = [
        "--sandbox",
        "vip",
        "import",
        "--domain",
        DOMAIN,
        "--yes",
        "--json",
    ];
    for run in ["last", CUT_OFF_THEN] {
        let refused = home.run(&[&resume[..], &["--resume", run]].concat()).await;
        let error = refused.json_error();
        assert_eq!(error["code"], "not_found", "{error}");
        assert!(
            error["message"]
                .as_str()
                .unwrap()
                .contains("earlier version")
        );
    }
    let rows = "16165551000,101\n16165551001,101\n16165551002,101\n";
    let file = home.write("list.csv", &format!("ani,destination\n{rows}"));
    let list = [
        file.to_str().unwrap(),
        "--mode",
        "mirror",
        "--allow-large-removal",
    ];
    let again = [&resume[..], &list, &["--resume"]].concat();
    let imported = home.run(&again).await;
    assert_eq!(imported.code, 0, "{imported:?}");
    assert_eq!(imported.json()["status"], "applied", "{imported:?}");
}
