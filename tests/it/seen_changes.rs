//! A list is compared with the changes that it need not show yet, and with no
//! others: many changes in a short time make the next one no slower.

use skyswitch_mcp::domain::{Dnis, Route, Vip};
use skyswitch_mcp::guard::store::{
    After, Begun, ChangeFilter, ChangeStatus, Closing, NewChange, StateFolder, Store, TimeSpan,
};
use skyswitch_mcp::guard::{Author, Change, RuleChange};

use crate::support::DENTAL;

/// How a change ended.
enum End {
    /// A read showed the rule as it was wanted.
    Seen,
    /// The same, where the service writes it otherwise.
    SeenInAnotherWriting,
    /// A read showed the rule of before.
    SeenOtherwise,
    /// It was acknowledged, and no read has shown it.
    Unseen,
    NotMade,
    Open,
}

fn rule(caller: &str, destination: &str) -> Route {
    Route::from(&Vip {
        ani: caller.to_owned(),
        domain: DENTAL.to_owned(),
        dnis: None,
        application: "user".to_owned(),
        destination: destination.to_owned(),
        note: None,
        until: None,
    })
}

/// Writes down that a caller was sent from 101 to 102 at that moment.
async fn change(store: &Store, caller: &str, now: i64, end: End) -> i64 {
    let (before, wanted) = (rule(caller, "101"), rule(caller, "102"));
    let (account, domain) = ("an-account".parse().unwrap(), DENTAL.parse().unwrap());
    let put = RuleChange::put(Some(before.clone()), wanted.clone());
    let change = Change::new(&account, &domain, "add_vip", put);
    let new = NewChange {
        realm: "here",
        change: &change,
        asked_by: "a test",
        traceparent: None,
        author: Author::Program,
        undoes: None,
        run: None,
        owner: "ours",
        seen: None,
        limit: None,
        now,
    };
    let begun = store.begin_changes(&[new]).await.unwrap();
    let Begun::Written(id) = begun[0] else {
        panic!("{begun:?}")
    };
    let mut written = rule(caller, "user:102");
    written.key.dnis = Dnis::from_stored(Some("*"));
    let (status, shown, was_read) = match end {
        End::Seen => (ChangeStatus::Done, &wanted, true),
        End::SeenInAnotherWriting => (ChangeStatus::Done, &written, true),
        End::SeenOtherwise => (ChangeStatus::Done, &before, true),
        End::Unseen => (ChangeStatus::Done, &wanted, false),
        End::NotMade => (ChangeStatus::Failed, &before, false),
        End::Open => return id,
    };
    let closing = Closing {
        status,
        after: After::VipRule {
            now: Some(shown),
            was_read,
            as_wanted: Route::are_alike(Some(shown), Some(&wanted)),
        },
        problem: None,
        request_id: None,
        closed_by: None,
        now,
    };
    assert!(store.close_change(id, &closing).await.unwrap());
    id
}

#[tokio::test]
async fn a_list_is_compared_only_with_rules_of_which_a_read_has_not_shown_every_change() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&StateFolder::new(folder.path())).await.unwrap();
    for last in 0..50 {
        change(&store, &format!("161655501{last:02}"), 1_000, End::Seen).await;
    }
    change(&store, "16165550200", 1_000, End::NotMade).await;
    let wanted = [
        // Too long ago to matter for a list, and still to be corrected by one.
        change(&store, "16165550201", 500, End::Unseen).await,
        change(&store, "16165550202", 1_000, End::Unseen).await,
        change(&store, "16165550203", 1_000, End::SeenOtherwise).await,
        // All changes to the rule count, in their order.
        change(&store, "16165550204", 1_000, End::Seen).await,
        change(&store, "16165550204", 1_001, End::Open).await,
    ];
    change(&store, "16165550205", 400, End::Unseen).await;
    change(&store, "16165550206", 500, End::Seen).await;
    change(&store, "16165550207", 1_000, End::SeenInAnotherWriting).await;

    let span = TimeSpan {
        since: 900,
        until: 2_000,
    };
    let of_domain = || ChangeFilter {
        domain: Some(DENTAL),
        ..ChangeFilter::default()
    };
    let looked_at = store
        .changes_to_be_seen("here", "an-account", "vip_rule", of_domain(), span, 450)
        .await
        .unwrap();
    let ids: Vec<i64> = looked_at.iter().map(|change| change.id).collect();
    assert_eq!(ids, wanted);

    let all = store
        .changes_of_kind("here", "an-account", "vip_rule", of_domain(), span)
        .await
        .unwrap();
    assert_eq!(all.len(), 50 + wanted.len());
}
