//! The write-ahead log of the store is removed while programs have it open.

use skyswitch_mcp::guard::store::{StateFolder, Store};

use crate::support::process::{CALLER, Home, demo_sandbox, vip_add};

#[tokio::test]
async fn whose_log_was_removed_spoils_neither_the_next_log_nor_what_is_in_it() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let add = [&vip_add(CALLER, "102")[..], &["--yes"]].concat();
    assert_eq!(home.run(&add).await.code, 0);
    let state = home.path().join("state");
    // Another process, which has only read so far.
    let store = Store::open(&StateFolder::new(&state)).await.unwrap();
    store.facts("a host").await.unwrap();
    for file in ["state.db-wal", "state.db-shm"] {
        std::fs::remove_file(state.join(file)).unwrap();
    }
    let add = [&vip_add("16165550177", "101")[..], &["--yes"]].concat();
    assert_eq!(home.run(&add).await.code, 0);
    let refused = store.keep_fact("a host", "a fact", "a value", 1).await;
    let error = refused.expect_err("its log is gone").to_string();
    assert!(error.contains("removed or replaced"), "{error}");
    drop(store);
    let listed = home.run(&["changes", "--json"]).await.json();
    assert_eq!(listed["total"], 2, "{listed}");
}
