//! An open change of a customer who left, or whose answer hangs, is in nobody
//! else's way, and a person can close it.

use std::time::Instant;

use skyswitch_mcp::app::App;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    AddVipStatus, ChangeRow, ListChanges, PageSize, SyncMode, SyncStatus, SyncVips, UndoChange,
    UndoStatus, list_changes, undo_change,
};
use skyswitch_mcp::sandbox::{Fault, Gate, Sandbox};
use skyswitch_mcp::state::ChangeStatus;

use crate::support::imports::{Watch, args, ask};
use crate::support::process::{CALLER, DOMAIN, Home, PROMPT, demo_sandbox, vip_add, writes};
use crate::support::{BAKERY, Bench, DENTAL, LEGAL, VET, add, adding, done, failure};

/// What was made is left as a process leaves it that was killed long ago.
const CUT_OFF: &str = "UPDATE changes SET status = 'open', owner = '', route_after = NULL, ended_at = NULL, \
                       started_at = started_at - 60000 WHERE domain <> 'lakesidedental.12345.service'";

/// How a customer answers who cannot be read.
fn unreadable(domain: &str) -> [Fault; 3] {
    let read = |status| Fault::status("GET", domain, status);
    let hangs = Fault::hold("GET", domain, &Gate::default());
    [read(403), read(404), hangs].map(|fault| fault.times(1_000))
}

/// A change for a customer, which stays open.
async fn cut_off(bench: &Bench, domains: &[&str]) {
    for domain in domains {
        let args = adding("16165550177", domain, "sip:desk@example.com");
        add(&bench.app(), &args, &Channel::Given).await.unwrap();
    }
    bench.change_journal(CUT_OFF);
    bench.sandbox.clear_requests();
}

fn undoing(change_id: Option<String>) -> UndoChange {
    UndoChange {
        change_id: change_id.unwrap(),
        account_id: None,
        confirmation: None,
    }
}

async fn changes(app: &App) -> (Vec<ChangeRow>, Vec<String>) {
    let all = ListChanges::default();
    let list = list_changes(app, &all, PageSize::All).await.unwrap();
    (list.changes, list.warnings)
}

/// Whether the service was asked about a customer.
fn was_asked(sandbox: &Sandbox, domain: &str) -> bool {
    let requests = sandbox.requests();
    requests
        .iter()
        .any(|seen| format!("{seen:?}").contains(domain))
}

#[tokio::test]
async fn an_open_change_of_a_customer_who_left_prevents_no_change_and_no_undo_of_others() {
    for fault in unreadable(VET) {
        let bench = Bench::demo().await;
        cut_off(&bench, &[VET]).await;
        bench.sandbox.inject(fault);
        let args = adding(CALLER, DENTAL, "102");
        let added = add(&bench.app(), &args, &Channel::Given).await.unwrap();
        assert_eq!(added.status, AddVipStatus::Replaced);
        let undo = undoing(added.change_id);
        let undone = undo_change(&bench.app(), &undo, &Channel::Given).await;
        assert_eq!(done(undone.unwrap()).status, UndoStatus::Restored);
        assert!(
            !was_asked(&bench.sandbox, VET),
            "nobody needs that customer"
        );
    }
}

#[tokio::test]
async fn an_open_change_of_a_customer_who_left_prevents_no_import_of_others_from_being_continued() {
    for fault in unreadable(VET) {
        let bench = Bench::demo().await;
        cut_off(&bench, &[VET]).await;
        let list = "ani,destination\n16165550111,101\n16165550112,101\n";
        // One at a time, so that one is left when it is stopped.
        let watch = Watch::stopping_at(1);
        let gate = Gate::default();
        let held = Fault::hold("PUT", "16165550112", &gate);
        bench.sandbox.inject(held);
        let (app, channel) = (bench.app(), Channel::Given);
        let first = args(SyncMode::Merge);
        let stopped = async {
            let stopped = ask(&app, &first, Some(list), &channel, &watch).await;
            done(stopped.unwrap())
        };
        let open = async {
            watch.stop.cancelled().await;
            gate.open();
        };
        tokio::join!(stopped, open);
        bench.change_journal("UPDATE runs SET finished = 0");
        bench.sandbox.inject(fault);
        let again = SyncVips {
            resume: Some("last".to_owned()),
            ..args(SyncMode::Merge)
        };
        let resumed = ask(&bench.app(), &again, None, &channel, &Watch::default()).await;
        let resumed = done(resumed.unwrap());
        assert!(
            matches!(resumed.status, SyncStatus::Applied | SyncStatus::Unchanged),
            "{resumed:?}"
        );
        assert!(
            !was_asked(&bench.sandbox, VET),
            "nobody needs that customer"
        );
    }
}

#[tokio::test]
async fn a_list_of_changes_waits_a_few_seconds_for_all_who_hang_and_closes_the_rest() {
    let bench = Bench::demo().await;
    cut_off(&bench, &[VET, LEGAL, BAKERY]).await;
    let gate = Gate::default();
    for domain in [VET, LEGAL] {
        let hangs = Fault::hold("GET", domain, &gate);
        bench.sandbox.inject(hangs.times(1_000));
    }
    let started = Instant::now();
    let (rows, warnings) = changes(&bench.app()).await;
    assert!(started.elapsed() < PROMPT, "{:?}", started.elapsed());
    let of = |domain: &str| {
        let mut rows = rows.iter();
        rows.find(|row| row.domain.as_deref() == Some(domain))
            .unwrap()
    };
    assert_eq!(of(VET).status, ChangeStatus::Open);
    assert_eq!(of(LEGAL).status, ChangeStatus::Open);
    assert_eq!(of(BAKERY).status, ChangeStatus::Reconciled);
    let [warning] = warnings.as_slice() else {
        panic!("{warnings:?}");
    };
    assert!(warning.contains("2 changes"), "{warning}");
    assert!(warning.contains("changes close ID"), "{warning}");
}

#[tokio::test]
async fn an_undo_of_a_change_that_cannot_be_read_says_why_and_how_a_person_closes_it() {
    let bench = Bench::demo().await;
    cut_off(&bench, &[VET]).await;
    let left = Fault::status("GET", VET, 403);
    bench.sandbox.inject(left.times(1_000));
    let undo = undoing(Some("1".to_owned()));
    let undone = undo_change(&bench.app(), &undo, &Channel::Given).await;
    let error = failure(undone.map(done), Code::Forbidden);
    assert!(error.hint().contains("changes close 1"), "{}", error.hint());
}

/// A change of the command line that was cut off, in the home's own journal.
async fn cut_off_in(home: &Home) {
    let add = [&vip_add(CALLER, "102")[..], &["--yes"]].concat();
    assert_eq!(home.run(&add).await.code, 0);
    let statement = "UPDATE changes SET status = 'open', owner = '', route_after = NULL, ended_at = NULL, \
                     started_at = started_at - 60000";
    home.change_journal(statement);
}

#[tokio::test]
async fn a_person_at_a_terminal_closes_a_change_that_nobody_can_be_asked_about() {
    for (flag, made) in [("--made", true), ("--not-made", false)] {
        let sandbox = demo_sandbox().await;
        let home = Home::of(&sandbox);
        cut_off_in(&home).await;
        let left = Fault::status("GET", "route-by-ani", 403);
        sandbox.inject(left.times(1_000));
        sandbox.clear_requests();
        let close = ["changes", "close", "1", flag];
        let alone = home.run(&close).await;
        assert_eq!(alone.code, 3, "{alone:?}");
        assert!(alone.stderr.contains("terminal"), "{alone:?}");

        let prompt = "Type the change's id";
        let Some(wrong) = home.run_at_terminal(&close, Some((prompt, "no"))).await else {
            return;
        };
        assert_eq!(wrong.code, 3, "{wrong:?}");
        for shown in [
            "user 101 -> user 102",
            "skyswitch vip add",
            DOMAIN,
            "portal",
        ] {
            assert!(wrong.stdout.contains(shown), "{shown}: {wrong:?}");
        }
        let listed = home.run(&["changes", "--json"]).await.json();
        assert_eq!(listed["changes"][0]["status"], "open");

        let closed = home
            .run_at_terminal(&close, Some((prompt, "1")))
            .await
            .unwrap();
        assert_eq!(closed.code, 0, "{closed:?}");
        assert!(closed.stdout.contains("Closed."), "{closed:?}");
        let listed = home.run(&["changes", "--json"]).await.json();
        let row = &listed["changes"][0];
        assert_eq!(
            (&row["status"], &row["made"]),
            (&"reconciled".into(), &made.into())
        );
        let problem = row["problem"].as_str().unwrap();
        assert_eq!(
            problem,
            "closed by a person: skyswitch changes close (command line)"
        );
        assert!(listed["warnings"].is_null(), "{listed}");
        let again = home.run(&close).await;
        assert_eq!(again.code, 3, "{again:?}");
        assert_eq!(writes(&sandbox), [], "nothing is sent");
    }
}

#[tokio::test]
async fn a_change_whose_outcome_the_service_tells_is_closed_by_that_and_not_by_a_person() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    cut_off_in(&home).await;
    let close = ["changes", "close", "1", "--not-made"];
    let Some(closed) = home.run_at_terminal(&close, None).await else {
        return;
    };
    assert_eq!(closed.code, 0, "{closed:?}");
    assert!(closed.stdout.contains("found out meanwhile"), "{closed:?}");
    let listed = home.run(&["changes", "--json"]).await.json();
    assert_eq!(listed["changes"][0]["made"], true);
}
