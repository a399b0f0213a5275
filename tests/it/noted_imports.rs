//! Imports that change notes and no rule have no entry in the journal: they are
//! listed among the changes all the same, and can be undone.

use skyswitch_mcp::app::App;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{ChangeList, ListChanges, PageSize, SyncMode, list_changes};
use skyswitch_mcp::state::ChangeStatus;

use crate::support::imports::{args, sync};
use crate::support::process::{CALLER, DOMAIN, Home, OTHER_CALLER, demo_sandbox};
use crate::support::{Bench, DENTAL, VET, add, adding};

const LIST: &str = "ani,destination,note\n6165550123,101,Mrs. Hill\n";

/// What is noted of the caller.
async fn note(home: &Home) -> Option<String> {
    let list = home.run(&["vip", "list", CALLER, "--json"]).await.json();
    list["vips"][0]["note"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn an_import_that_only_noted_is_listed_and_undone_as_the_last_change() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let add = |ani| ["vip", "add", ani, "101", "-d", DOMAIN];
    assert_eq!(home.run(&add("6165550141")).await.code, 0);
    let file = home.write("list.csv", LIST);
    let import = ["vip", "import", file.to_str().unwrap(), "-d", DOMAIN];
    let imported = home.run(&import).await;
    assert_eq!(imported.code, 0, "{imported:?}");
    assert_eq!(note(&home).await.as_deref(), Some("Mrs. Hill"));

    let changes = home.run(&["changes", "--json"]).await.json();
    assert_eq!(changes["total"], 2, "{changes}");
    let row = &changes["changes"][0];
    assert!(row.get("change_id").is_none(), "{row}");
    assert_eq!(
        (&row["subject"], &row["status"]),
        (&"notes".into(), &"done".into())
    );
    let run = row["run_id"].as_str().unwrap().to_owned();
    let shown = home.run(&["changes"]).await.stdout;
    assert!(shown.contains(&run) && shown.contains("1 note"), "{shown}");

    let undone = home.run(&["undo", "--last", "--yes"]).await;
    assert_eq!(undone.code, 0, "{undone:?}");
    assert_eq!(note(&home).await, None);

    // What was changed after it is the last again.
    assert_eq!(home.run(&add("6165550142")).await.code, 0);
    let undone = home.run(&["undo", "--last", "--yes"]).await;
    assert!(undone.stdout.contains("616-555-0142"), "{undone:?}");
}

async fn listed(app: &App, asked: ListChanges, size: PageSize) -> ChangeList {
    list_changes(app, &asked, size).await.unwrap()
}

/// Whom each row is about, or `import`.
fn about(list: &ChangeList) -> Vec<String> {
    let rows = list.changes.iter();
    let about = rows.map(|row| row.ani.clone().unwrap_or_else(|| "import".to_owned()));
    about.collect()
}

#[tokio::test]
async fn imports_that_only_noted_are_on_the_page_where_they_belong() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let adding_one = |ani| adding(ani, DENTAL, "101");
    add(&app, &adding_one("16165550141"), &Channel::Given)
        .await
        .unwrap();
    sync(&app, &args(SyncMode::Merge), LIST, &Channel::Given)
        .await
        .unwrap();
    add(&app, &adding_one("16165550142"), &Channel::Given)
        .await
        .unwrap();

    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let asked = ListChanges {
            cursor,
            ..ListChanges::default()
        };
        let page = listed(&app, asked, PageSize::Rows(1)).await;
        assert_eq!((page.count, page.total), (1, 3), "{page:?}");
        seen.extend(about(&page));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["16165550142", "import", "16165550141"]);
}

#[tokio::test]
async fn a_list_asked_for_something_else_leaves_such_an_import_out() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let noted = sync(&app, &args(SyncMode::Merge), LIST, &Channel::Given).await;
    let run = noted.unwrap().run_id;
    let nothing = ListChanges::default;
    for (asked, is_there) in [
        (nothing(), true),
        (
            ListChanges {
                domain: Some(DENTAL.parse().unwrap()),
                ..nothing()
            },
            true,
        ),
        (
            ListChanges {
                domain: Some(VET.parse().unwrap()),
                ..nothing()
            },
            false,
        ),
        (
            ListChanges {
                ani: Some(CALLER.parse().unwrap()),
                ..nothing()
            },
            true,
        ),
        (
            ListChanges {
                ani: Some(OTHER_CALLER.parse().unwrap()),
                ..nothing()
            },
            false,
        ),
        (
            ListChanges {
                did: Some("6165550100".parse().unwrap()),
                ..nothing()
            },
            false,
        ),
        (
            ListChanges {
                status: Some(ChangeStatus::Done),
                ..nothing()
            },
            true,
        ),
        (
            ListChanges {
                status: Some(ChangeStatus::Failed),
                ..nothing()
            },
            false,
        ),
        (
            ListChanges {
                run_id: run,
                ..nothing()
            },
            true,
        ),
        (
            ListChanges {
                run_id: Some("r-000000000000".to_owned()),
                ..nothing()
            },
            false,
        ),
        (
            ListChanges {
                since: Some("2020-01-01".parse().unwrap()),
                ..nothing()
            },
            true,
        ),
        (
            ListChanges {
                until: Some("2020-01-01".parse().unwrap()),
                ..nothing()
            },
            false,
        ),
    ] {
        let said = format!("{asked:?}");
        let list = listed(&app, asked, PageSize::All).await;
        assert_eq!(list.total, usize::from(is_there), "{said}");
        assert_eq!(list.count, list.total, "{said}");
    }
}
