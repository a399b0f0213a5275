//! Requests that the service acts on later than anybody waits: nothing is
//! called failed that may still be made, and nobody is taken by surprise.

use skyswitch_mcp::app::App;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    AddVipStatus, ListChanges, MarkSetupStep, OnboardStatus, PageSize, PieceState, RemoveVipStatus,
    SyncMode, SyncOutcome, SyncStatus, SyncVips, UndoChange, list_changes, mark_setup_step,
    undo_change,
};
use skyswitch_mcp::sandbox::{DialPlanAccess, Fault, Gate, PbxHabits, StoredDialRule, StoredRoute};
use skyswitch_mcp::state::ChangeStatus;

use crate::support::customer::{
    ACME, DID, PbxApi, app_on, attest, closed, marking, onboard, onboarding, prepared,
};
use crate::support::imports::{Watch, args, ask, sync};
use crate::support::{
    Bench, CALLER, DENTAL, VET, add, adding, done, failure, nobody, remove, removing,
};

/// Longer than a request may be on its way.
const SETTLED: i64 = 60_000;
const NEW: &str = "16165550111";

async fn statuses(bench: &Bench) -> Vec<(ChangeStatus, Option<bool>)> {
    let listed = list_changes(&bench.app(), &ListChanges::default(), PageSize::All).await;
    let rows = listed.unwrap().changes.into_iter();
    rows.map(|row| (row.status, row.was_made())).collect()
}

#[tokio::test]
async fn a_change_that_may_still_arrive_is_not_called_failed() {
    for arrives in [true, false] {
        let bench = Bench::demo().await;
        let gone_silent = Fault::status("PUT", "16165550111", 504);
        bench.sandbox.inject(gone_silent.times(9));
        let args = adding("6165550111", DENTAL, "101");
        let error = failure(
            add(&bench.app(), &args, &Channel::Given).await,
            Code::UpstreamUnavailable,
        );
        assert!(
            error
                .to_string()
                .contains("a read does not show the change yet"),
            "{error}"
        );
        assert_eq!(error.detail().status, Some(504));
        assert_eq!(statuses(&bench).await, [(ChangeStatus::Open, None)]);

        if arrives {
            let late = StoredRoute::new(DENTAL, "16165550111", "101");
            bench.sandbox.put_route(late);
        }
        bench.age_journal(SETTLED);
        let other = adding("6165550112", VET, "301");
        add(&bench.app(), &other, &Channel::Given).await.unwrap();
        let closed = statuses(&bench).await;
        assert_eq!(closed[1], (ChangeStatus::Reconciled, Some(arrives)));
    }
}

#[tokio::test]
async fn a_refusal_after_a_lost_answer_still_leaves_it_open() {
    let bench = Bench::demo().await;
    bench
        .sandbox
        .inject(Fault::drop_before("PUT", "route-by-ani"));
    bench
        .sandbox
        .inject(Fault::status("PUT", "route-by-ani", 400));
    let args = adding("6165550111", DENTAL, "101");
    let refused = add(&bench.app(), &args, &Channel::Given).await;
    failure(refused, Code::UpstreamRejected);
    assert_eq!(statuses(&bench).await, [(ChangeStatus::Open, None)]);
}

#[tokio::test]
async fn taking_a_word_back_tells_of_a_number_that_may_still_be_routed() {
    let tenant = prepared(closed()).dial_rule(StoredDialRule::fallback(ACME, "100"));
    let bench = Bench::with(tenant).await;
    let app = app_on(&bench, PbxApi::V2);
    attest(&app, "dial_translation_rule").await;
    bench
        .sandbox
        .inject(Fault::status("PUT", "/route", 504).times(9));
    let outcome = onboard(&app, &onboarding(), &Channel::Given).await.unwrap();
    assert_eq!(outcome.status, OnboardStatus::Incomplete);
    assert_eq!(outcome.changes[0].state, PieceState::Unknown, "{outcome:?}");
    let withdrawing = MarkSetupStep {
        withdraw: Some(true),
        ..marking("dial_translation_rule")
    };
    let withdrawn = mark_setup_step(&app, &withdrawing, &Channel::Given).await;
    let warnings = withdrawn.map(done).unwrap().warnings.join("\n");
    assert!(warnings.contains("may still be carried out"), "{warnings}");
    assert!(warnings.contains("616-555-0180"), "{warnings}");

    // Once nothing can arrive any more, nothing is told.
    bench.age_journal(SETTLED);
    let withdrawn = mark_setup_step(&app, &withdrawing, &Channel::Given).await;
    assert_eq!(withdrawn.map(done).unwrap().warnings, [""; 0]);
}

#[tokio::test]
async fn how_long_a_request_may_arrive_counts_from_the_last_attempt() {
    let bench = Bench::demo().await;
    let gone_silent = Fault::status("PUT", "16165550111", 504);
    bench.sandbox.inject(gone_silent.times(9));
    let args = adding("6165550111", DENTAL, "101");
    let lost = add(&bench.app(), &args, &Channel::Given).await;
    failure(lost, Code::UpstreamUnavailable);
    // It was begun long ago, and given up just now.
    bench.age_start_of_changes(SETTLED);
    let other = adding("6165550112", VET, "301");
    add(&bench.app(), &other, &Channel::Given).await.unwrap();
    let of_lost = statuses(&bench).await.pop().unwrap();
    assert_eq!(of_lost, (ChangeStatus::Open, None));
}

#[tokio::test]
async fn an_undo_that_points_a_number_at_the_ani_user_is_judged_right_before_it_is_sent() {
    let habits = PbxHabits::default().dial_plan(DialPlanAccess::Read);
    let tenant = prepared(habits).dial_rule(StoredDialRule::fallback(ACME, "100"));
    let bench = Bench::with(tenant).await;
    let app = app_on(&bench, PbxApi::V2);
    let routed = onboard(&app, &onboarding(), &Channel::Given).await.unwrap();
    let undoing = |change_id: &Option<String>| UndoChange {
        change_id: change_id.clone().unwrap(),
        account_id: None,
        confirmation: None,
    };
    let undo = undoing(&routed.changes[0].change_id);
    let undone = undo_change(&app, &undo, &Channel::Given).await.map(done);
    let again = undoing(&undone.unwrap().change_id);
    // It is planned on a rule that exists, and the last look does not find it.
    bench.sandbox.inject(Fault::pass("GET", "dialrules"));
    bench.sandbox.inject(Fault::status("GET", "dialrules", 400));
    bench.sandbox.clear_requests();
    let blocked = undo_change(&app, &again, &Channel::Given).await.map(done);
    failure(blocked, Code::Blocked);
    assert_eq!(bench.count("PUT"), 0);
    assert_eq!(bench.sandbox.numbers()[0].number, DID);
}

#[tokio::test]
async fn a_change_planned_on_a_late_read_does_not_overwrite_an_import() {
    let bench = Bench::demo().await;
    let (app, importing) = (bench.app(), bench.app());
    let gate = Gate::default();
    let late = Fault::hold_answer("GET", "route-by-ani", &gate);
    bench.sandbox.inject(late);
    let wanted = adding("6165550111", DENTAL, "204");
    let import = async {
        bench.arrived("GET", 1).await;
        let list = "ani,destination\n6165550111,101\n";
        let imported = sync(&importing, &args(SyncMode::Merge), list, &Channel::Given).await;
        gate.open();
        imported.unwrap()
    };
    let (added, imported) = tokio::join!(add(&app, &wanted, &Channel::Given), import);
    assert_eq!(imported.status, SyncStatus::Applied);
    let stale = failure(added, Code::ConfirmationStale);
    assert!(stale.to_string().contains("by somebody else"), "{stale}");
    assert_eq!(bench.rings(DENTAL, "16165550111").as_deref(), Some("101"));
    let again = add(&app, &wanted, &Channel::Given).await.unwrap();
    assert_eq!(again.status, AddVipStatus::Replaced, "now with consent");
}

/// An addition of a caller to 101 that nobody answers and that is never made.
async fn lost_addition(bench: &Bench) -> App {
    let app = bench.app();
    bench
        .sandbox
        .inject(Fault::status("PUT", NEW, 504).times(9));
    let lost = add(&app, &adding(NEW, DENTAL, "101"), &nobody()).await;
    failure(lost, Code::UpstreamUnavailable);
    bench.sandbox.clear_faults();
    app
}

/// What the journal says was made of the caller's rule, and what really was, each
/// with the destination before and afterwards.
async fn told_and_really(bench: &Bench) -> (Vec<Ends>, Vec<Ends>) {
    let listed = list_changes(&bench.app(), &ListChanges::default(), PageSize::All).await;
    let mut rows = listed.unwrap().changes;
    rows.reverse();
    rows.retain(|row| row.ani.as_deref() == Some(NEW) && row.was_made() == Some(true));
    let user = |side: &Option<String>| Some(side.as_ref()?.strip_prefix("user ")?.to_owned());
    let told = rows
        .iter()
        .map(|row| (user(&row.before), user(&row.wanted)))
        .collect();
    let log = bench.sandbox.rule_log().into_iter();
    let really = log.map(|effect| (effect.before, effect.after)).collect();
    (told, really)
}

type Ends = (Option<String>, Option<String>);

#[tokio::test]
async fn what_an_addition_may_still_make_is_neither_removed_nor_sent_elsewhere() {
    let bench = Bench::demo().await;
    let app = lost_addition(&bench).await;
    bench.sandbox.clear_requests();
    let removed = remove(&app, &removing(NEW, DENTAL), &Channel::Given).await;
    let stale = failure(removed, Code::ConfirmationStale);
    assert!(stale.hint().contains("half a minute"), "{stale}");
    let other = add(&app, &adding(NEW, DENTAL, "102"), &Channel::Given).await;
    failure(other, Code::ConfirmationStale);
    assert_eq!((bench.count("PUT"), bench.count("DELETE")), (0, 0));

    bench.age_journal(SETTLED);
    let added = add(&app, &adding(NEW, DENTAL, "102"), &nobody()).await;
    assert_eq!(added.unwrap().status, AddVipStatus::Created);
    let (told, really) = told_and_really(&bench).await;
    assert_eq!(told, really);
}

#[tokio::test]
async fn what_a_later_change_made_is_not_told_as_the_work_of_a_lost_one() {
    let bench = Bench::demo().await;
    let app = lost_addition(&bench).await;
    let again = add(&app, &adding(NEW, DENTAL, "101"), &nobody()).await;
    assert_eq!(again.unwrap().status, AddVipStatus::Created);
    // The lost one may arrive after whatever is sent now.
    let removed = remove(&app, &removing(NEW, DENTAL), &Channel::Given).await;
    failure(removed, Code::ConfirmationStale);

    bench.age_journal(SETTLED);
    let removed = remove(&app, &removing(NEW, DENTAL), &Channel::Given).await;
    assert_eq!(removed.unwrap().status, RemoveVipStatus::Removed);
    let (told, really) = told_and_really(&bench).await;
    assert_eq!(told, really);
    assert_eq!(
        statuses(&bench).await[2],
        (ChangeStatus::Reconciled, Some(false))
    );
}

#[tokio::test]
async fn what_a_later_change_found_is_the_work_of_a_lost_one() {
    let bench = Bench::demo().await;
    let app = lost_addition(&bench).await;
    bench
        .sandbox
        .put_route(StoredRoute::new(DENTAL, NEW, "101"));
    // What became of it cannot be read right then, and it can be a moment later.
    bench
        .sandbox
        .inject(Fault::status("GET", "route-by-ani", 400));
    let replaced = add(&app, &adding(NEW, DENTAL, "102"), &Channel::Given).await;
    assert_eq!(replaced.unwrap().status, AddVipStatus::Replaced);
    bench.age_journal(SETTLED);
    let other = adding("6165550112", VET, "301");
    add(&app, &other, &Channel::Given).await.unwrap();
    assert_eq!(
        statuses(&bench).await[2],
        (ChangeStatus::Reconciled, Some(true))
    );
}

#[tokio::test]
async fn a_number_that_is_routed_again_was_not_routed_by_the_lost_change() {
    let tenant = prepared(closed()).dial_rule(StoredDialRule::fallback(ACME, "100"));
    let bench = Bench::with(tenant).await;
    let app = app_on(&bench, PbxApi::V2);
    attest(&app, "dial_translation_rule").await;
    bench
        .sandbox
        .inject(Fault::status("PUT", "/route", 504).times(9));
    let lost = onboard(&app, &onboarding(), &Channel::Given).await.unwrap();
    assert_eq!(lost.changes[0].state, PieceState::Unknown, "{lost:?}");
    bench.sandbox.clear_faults();
    let again = onboard(&app, &onboarding(), &Channel::Given).await.unwrap();
    assert_eq!(again.status, OnboardStatus::Applied, "{again:?}");
    bench.age_journal(SETTLED);
    onboard(&app, &onboarding(), &Channel::Given).await.unwrap();
    assert_eq!(
        statuses(&bench).await,
        [
            (ChangeStatus::Done, Some(true)),
            (ChangeStatus::Reconciled, Some(false))
        ]
    );
}

/// Continues the import that was cut off.
async fn resumed(app: &App) -> SyncOutcome {
    let resuming = SyncVips {
        resume: Some("last".to_owned()),
        ..args(SyncMode::Merge)
    };
    let resumed = ask(app, &resuming, None, &Channel::Given, &Watch::default()).await;
    resumed.map(done).unwrap()
}

#[tokio::test]
async fn what_a_continued_import_made_again_others_leave_alone_while_the_first_may_arrive() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let silent = Fault::status("PUT", NEW, 504).times(9);
    bench.sandbox.inject(silent);
    let list = format!("ani,destination\n{NEW},101\n");
    let cut_off = sync(&app, &args(SyncMode::Merge), &list, &Channel::Given).await;
    assert_eq!(cut_off.unwrap().done.unwrap().unknown, 1);
    bench.sandbox.clear_faults();
    assert_eq!(resumed(&app).await.status, SyncStatus::Applied);
    assert_eq!(bench.rings(DENTAL, NEW).as_deref(), Some("101"));
    bench.sandbox.clear_requests();
    let removed = remove(&app, &removing(NEW, DENTAL), &Channel::Given).await;
    let stale = failure(removed, Code::ConfirmationStale);
    assert!(stale.hint().contains("half a minute"), "{stale}");
    assert_eq!(bench.count("DELETE"), 0);

    bench.age_journal(SETTLED);
    let removed = remove(&app, &removing(NEW, DENTAL), &Channel::Given).await;
    assert_eq!(removed.unwrap().status, RemoveVipStatus::Removed);
    let (told, really) = told_and_really(&bench).await;
    assert_eq!(told, really);
    assert_eq!(
        statuses(&bench).await[2],
        (ChangeStatus::Reconciled, Some(false))
    );
}

#[tokio::test]
async fn a_continued_import_removes_again_what_its_lost_request_may_still_remove() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let silent = Fault::status("DELETE", CALLER, 504).times(9);
    bench.sandbox.inject(silent);
    let clearing = SyncVips {
        allow_large_removal: Some(true),
        ..args(SyncMode::Clear)
    };
    let (channel, watch) = (Channel::Given, Watch::default());
    let cut_off = ask(&app, &clearing, None, &channel, &watch).await;
    assert_eq!(cut_off.map(done).unwrap().done.unwrap().unknown, 1);
    bench.sandbox.clear_faults();
    assert_eq!(resumed(&app).await.status, SyncStatus::Applied);
    assert_eq!(bench.rings(DENTAL, CALLER), None);
    let again = add(&app, &adding(CALLER, DENTAL, "101"), &Channel::Given).await;
    failure(again, Code::ConfirmationStale);
}
