//! A rule that is gone and there again need not be the one that was given a last
//! day: it is not removed by itself, and the status says so.

use skyswitch_mcp::app::App;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    ExplainCall, ListChanges, ListVips, PageSize, Progress, SetupStatus, StatusQuery, SyncMode,
    explain_call, list_changes, onboarding_status,
};
use skyswitch_mcp::sandbox::{StoredDnis, StoredRoute};

use crate::support::guests::{
    ALL_OVER, GUEST, LONG_AGO, add_guest, guest, kept_of_guest, remove_elsewhere,
};
use crate::support::imports::{args, dry, sync};
use crate::support::{
    BAKERY, Bench, DENTAL, add, adding, done, first_call, list, listing, nobody, removing,
};

struct Unwatched;

impl Progress for Unwatched {
    fn report(&self, _: usize, _: usize, _: &str) {}
}

async fn status_of(app: &App, query: Option<&str>) -> SetupStatus {
    let query = StatusQuery {
        query: query.map(str::to_owned),
        ..StatusQuery::default()
    };
    let status = onboarding_status(app, &query, PageSize::All, &Unwatched).await;
    status.unwrap()
}

#[tokio::test]
async fn whoever_sees_that_a_rule_is_gone_ends_what_is_kept_of_it() {
    for reading in ["list", "list of all", "plan", "explain", "status", "add"] {
        let bench = Bench::demo().await;
        let app = bench.app();
        add_guest(&app).await;
        let rule = remove_elsewhere(&bench);
        bench.change_journal(LONG_AGO);
        match reading {
            "list" => _ = list(&app, &listing(DENTAL)).await.unwrap(),
            "list of all" => _ = list(&app, &ListVips::default()).await.unwrap(),
            "plan" => {
                let file = "ani,destination\n6165550178,101\n";
                let planned = sync(&app, &dry(SyncMode::Merge), file, &nobody()).await;
                planned.unwrap();
            }
            "explain" => {
                let args = ExplainCall {
                    ani: GUEST.parse().unwrap(),
                    domain: Some(DENTAL.parse().unwrap()),
                    dnis: None,
                    account_id: None,
                };
                explain_call(&app, &args).await.unwrap();
            }
            "status" => _ = status_of(&app, None).await,
            _ => {
                let other = adding("6165550178", DENTAL, "101");
                add(&app, &other, &nobody()).await.unwrap();
            }
        }
        // The same rule is made again in the portal, for good.
        bench.sandbox.put_route(rule);
        bench.change_journal(ALL_OVER);
        assert_eq!(kept_of_guest(&app).await, (None, None), "{reading}");
        assert_eq!(bench.count("DELETE"), 0, "{reading}");
        let said = status_of(&app, None).await.ends.join("\n");
        assert!(said.contains("is there again"), "{reading}: {said}");
        assert!(said.contains("not removed by itself"), "{reading}: {said}");
    }
}

#[tokio::test]
async fn what_a_person_does_with_such_a_rule_settles_it() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
    remove_elsewhere(&bench);
    bench.change_journal(LONG_AGO);
    list(&app, &listing(DENTAL)).await.unwrap();
    add(&app, &adding(GUEST, DENTAL, "101"), &nobody())
        .await
        .unwrap();
    let said = status_of(&app, None).await.ends;
    assert!(said.is_empty(), "{said:?}");
}

#[tokio::test]
async fn a_list_that_is_late_ends_nothing_of_a_rule_that_was_added_a_moment_ago() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
    let rule = remove_elsewhere(&bench);
    list(&app, &listing(DENTAL)).await.unwrap();
    bench.sandbox.put_route(rule);
    let (note, _) = kept_of_guest(&app).await;
    assert_eq!(note.as_deref(), Some("Dr. Ames"));
}

#[tokio::test]
async fn a_list_without_any_rule_of_the_customer_proves_nothing() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
    bench.change_journal(LONG_AGO);
    bench.next_list("[]");
    list(&app, &listing(DENTAL)).await.unwrap();
    let (note, _) = kept_of_guest(&app).await;
    assert_eq!(note.as_deref(), Some("Dr. Ames"));
}

#[tokio::test]
async fn a_rule_that_is_stored_otherwise_than_when_it_was_added_is_left_to_a_person() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
    remove_elsewhere(&bench);
    // The same caller and the same person, written in another way.
    let other = StoredRoute::new(DENTAL, GUEST, "user:101").dnis(StoredDnis::Null);
    bench.sandbox.put_route(other);
    bench.change_journal(ALL_OVER);
    let shown = list(&app, &listing(DENTAL)).await.unwrap();
    let said = shown.warnings.join("\n");
    assert!(said.contains("is stored otherwise"), "{said}");
    assert!(said.contains("remove_vip"), "{said}");
    assert_eq!(bench.count("DELETE"), 0);
    // It is said once, and by the status from then on.
    let shown = list(&app, &listing(DENTAL)).await.unwrap();
    assert!(shown.warnings.is_empty(), "{shown:?}");
    let said = status_of(&app, None).await.ends.join("\n");
    assert!(said.contains("not removed by itself"), "{said}");
}

#[tokio::test]
async fn every_change_tells_which_rules_it_removed_before() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
    bench.change_journal(ALL_OVER);
    let other = adding("6165550178", DENTAL, "101");
    let added = add(&app, &other, &nobody()).await.unwrap();
    let said = added.warnings.join("\n");
    assert!(said.contains("was removed (change 2)"), "{said}");
    // It is told once.
    let other = adding("6165550179", DENTAL, "101");
    let added = add(&app, &other, &nobody()).await.unwrap();
    assert!(
        !added.warnings.join("\n").contains("was removed"),
        "{added:?}"
    );

    add_guest(&app).await;
    bench.change_journal(ALL_OVER);
    let file = "ani,destination\n6165550171,101\n";
    let merged = sync(&app, &args(SyncMode::Merge), file, &Channel::Given).await;
    let said = merged.unwrap().warnings.join("\n");
    assert!(said.contains("was removed"), "{said}");
}

#[tokio::test]
async fn a_call_that_only_asks_leaves_it_to_the_next_one_and_a_refusal_tells_it() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
    bench.change_journal(ALL_OVER);
    let args = removing("6165550123", DENTAL);
    let asked = skyswitch_mcp::ops::remove_vip(&app, &args, &first_call()).await;
    crate::support::question(asked.unwrap());
    assert_eq!(bench.rings(DENTAL, GUEST), None);
    let waits = skyswitch_mcp::ops::remove_vip(&app, &args, &nobody()).await;
    let said = done(waits.unwrap()).warnings.join("\n");
    assert!(said.contains("was removed"), "{said}");

    add_guest(&app).await;
    bench.change_journal(ALL_OVER);
    let unknown = removing("6165550126", DENTAL);
    let refused = skyswitch_mcp::ops::remove_vip(&app, &unknown, &nobody()).await;
    let refused = refused.unwrap_err();
    assert!(refused.hint().contains("was removed"), "{refused:?}");
}

#[tokio::test]
async fn the_status_of_some_customers_names_only_their_last_days() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
    assert!(status_of(&app, Some(BAKERY)).await.ends.is_empty());
    assert_eq!(status_of(&app, Some("Lakeside")).await.ends.len(), 1);
    assert_eq!(status_of(&app, None).await.ends.len(), 1);
}

#[tokio::test]
async fn the_rule_of_an_addition_that_was_cut_off_before_it_was_made_is_somebody_elses() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
    let rule = remove_elsewhere(&bench);
    bench
        .change_journal(
            "UPDATE changes SET status = 'open', owner = '', route_after = NULL, stands = 0, ended_at = NULL,
                 started_at = started_at - 200000",
        );
    let other = adding("6165550178", DENTAL, "101");
    add(&app, &other, &nobody()).await.unwrap();
    list_changes(&app, &ListChanges::default(), PageSize::All)
        .await
        .unwrap();

    bench.sandbox.put_route(rule);
    bench.change_journal(ALL_OVER);
    assert_eq!(kept_of_guest(&app).await, (None, None));
    assert_eq!(bench.count("DELETE"), 0);
}

#[tokio::test]
async fn rules_that_may_be_others_by_now_keep_none_from_its_end() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
    bench
        .change_journal(
            "INSERT INTO vip_notes (realm, account, domain, caller, dnis, rule, note, until, ends_at, ended)
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
             SELECT realm, account, domain, caller, dnis, rule, note, until, 1, 0 FROM vip_notes, n",
        );
    bench.change_journal("UPDATE vip_notes SET ends_at = 2 WHERE ended IS NULL");
    assert!(guest(&app).await.is_none());
    assert_eq!(bench.count("DELETE"), 1);
}
