//! A text in the journal that is none, because a disk has damaged it.

use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::guard::store::{StateFolder, Store};
use skyswitch_mcp::ops::{ListChanges, PageSize, list_changes};

use crate::support::{Bench, DENTAL, add, adding, journal};

#[tokio::test]
async fn a_text_that_is_none_hides_no_entry_whichever_column_it_is_in() {
    let bench = Bench::demo().await;
    for caller in ["16165550111", "16165550112"] {
        let args = adding(caller, DENTAL, "101");
        add(&bench.app(), &args, &Channel::Given).await.unwrap();
    }
    let folder = StateFolder::new(bench.state_dir());
    for column in [
        "operation",
        "asked_by",
        "domain",
        "ani",
        "dnis",
        "route_before",
        "route_wanted",
        "route_after",
        "problem",
        "request_id",
        "traceparent",
        "closed_by",
    ] {
        let damage =
            format!("UPDATE changes SET {column} = cast(x'41fffe42' AS TEXT) WHERE id = 1");
        journal::open(&bench.state_dir())
            .execute_batch(&damage)
            .unwrap();
        let all = ListChanges::default();
        let listed = list_changes(&bench.app(), &all, PageSize::All).await;
        let listed = listed.unwrap_or_else(|error| panic!("{column}: {error}"));
        let ids = listed.changes.iter().map(|row| row.change_id.as_deref());
        assert_eq!(ids.collect::<Vec<_>>(), [Some("2"), Some("1")], "{column}");
        let health = Store::open(&folder).await.unwrap().check().await;
        let health = health.unwrap_or_else(|error| panic!("{column}: {error}"));
        assert_eq!(health.changes, 2, "{column}");
    }
    let all = ListChanges::default();
    let listed = list_changes(&bench.app(), &all, PageSize::All)
        .await
        .unwrap();
    let problem = listed.changes[1].problem.as_deref().unwrap();
    assert!(problem.contains("damaged"), "{problem}");
}
