//! Every operation at a service with each habit, alone and in combinations: no
//! rule is replaced or removed unseen, no journal is wrong about what there was
//! before, and nothing is said that is not so.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use proptest::sample::subsequence;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    AddVip, AddVipStatus, ChangeRow, ExplainCall, ListDestinations, ListDomains, ListNumbers,
    OnboardDomain, PageSize, RemoveVip, RemoveVipStatus, RouteNumber, RouteStatus, SetupChecklist,
    StatusQuery, StepState, SyncMode, SyncStatus, SyncVips, UndoChange, UndoStatus, add_vip,
    explain_call, list_destinations, list_domains, list_numbers, list_vips, onboard_domain,
    onboarding_status, remove_vip, route_number, setup_checklist, undo_change,
};
use skyswitch_mcp::sandbox::{HABITS, Habit, Outcome};

use crate::support::habits::{Follows, Service};
use crate::support::imports::{self, Watch};
use crate::support::{
    BAKERY, CALLER, DENTAL, LEGAL, VET, add, adding, listing, nobody, number_from, removing,
};

/// A caller without a rule.
const NEW: &str = "16165550177";
/// A caller with one rule for any number, and one for the main line.
const TWICE: &str = "16165550126";
/// Where calls from [`CALLER`] and to nobody in particular come in.
const MAIN_LINE: &str = "16165550100";
/// The number that drops its callers in the demo.
const DROPS: &str = "16165550160";

fn sending(did: &str, to: &str) -> RouteNumber {
    RouteNumber {
        did: did.parse().unwrap(),
        to: to.parse().unwrap(),
        domain: None,
        account_id: None,
        confirmation: None,
    }
}

fn onboarding() -> OnboardDomain {
    OnboardDomain {
        domain: BAKERY.parse().unwrap(),
        did: Some("16165550170".parse().unwrap()),
        fallback_destination: Some("100".parse().unwrap()),
        extension: None,
        description: None,
        steps: None,
        dry_run: None,
        account_id: None,
        confirmation: None,
    }
}

fn undoing(id: &str) -> UndoChange {
    UndoChange {
        change_id: id.to_owned(),
        account_id: None,
        confirmation: None,
    }
}

/// What is read is so, or is refused, or is said to be uncertain.
async fn reads_are_true(service: &Service) {
    let Service { app, habits, .. } = service;
    let domains = list_domains(app, &ListDomains::default(), PageSize::All).await;
    service.look("list_domains", &domains);
    for domain in [DENTAL, VET, LEGAL, BAKERY] {
        let list = list_vips(app, &listing(domain), PageSize::All).await;
        service.look("list_vips", &list);
        if let Ok(list) = list {
            let there = service.rules_of(domain);
            assert_eq!(list.total, there, "[{habits}] {domain}: {list:?}");
        }
    }
    let args = ListDestinations {
        domain: DENTAL.parse().unwrap(),
        query: None,
        account_id: None,
        limit: None,
        cursor: None,
    };
    let people = list_destinations(app, &args, PageSize::All).await;
    service.look("list_destinations", &people);
    if let Ok(people) = people {
        for user in ["100", "101", "102", "103", "204"] {
            let found = people.destinations.iter();
            let mut found = found.filter(|row| row.destination == user);
            assert!(found.next().is_some(), "[{habits}] {user}: {people:?}");
        }
    }
    calls_are_explained_truly(service).await;
    setups_are_judged_truly(service).await;
}

async fn calls_are_explained_truly(service: &Service) {
    let Service { app, habits, .. } = service;
    for (caller, did) in [
        (CALLER, MAIN_LINE),
        (TWICE, MAIN_LINE),
        (NEW, MAIN_LINE),
        (NEW, DROPS),
        ("16165550141", "16165550140"),
    ] {
        let args = ExplainCall {
            ani: caller.parse().unwrap(),
            domain: None,
            dnis: Some(did.parse().unwrap()),
            account_id: None,
        };
        let call = explain_call(app, &args).await;
        service.look("explain_call", &call);
        let Ok(call) = call else { continue };
        let truth = service.bench.sandbox.who_rings(did, caller);
        let told = call
            .destination
            .as_ref()
            .map(|told| told.destination.clone());
        match (&told, &truth) {
            (Some(told), Outcome::Rings(user)) => {
                assert_eq!(told, user, "[{habits}] {caller} to {did}: {call:?}");
            }
            (Some(_), truth) => assert!(
                !call.unknown.is_empty() || !call.warnings.is_empty(),
                "[{habits}] {caller} to {did} is {truth:?}: {call:?}"
            ),
            (None, _) => {}
        }
    }
}

async fn setups_are_judged_truly(service: &Service) {
    let Service { app, habits, .. } = service;
    let numbers = list_numbers(app, &ListNumbers::default(), PageSize::All).await;
    service.look("list_numbers", &numbers);
    if let Ok(numbers) = numbers {
        let row = numbers.numbers.iter().find(|row| row.number == DROPS);
        let row = row.unwrap_or_else(|| panic!("[{habits}] {numbers:?}"));
        assert!(
            row.alarm || row.unverified || row.not_known.is_some(),
            "[{habits}] callers are dropped: {row:?}"
        );
    }
    let watch = Watch::default();
    let status = onboarding_status(app, &StatusQuery::default(), PageSize::All, &watch).await;
    service.look("onboarding_status", &status);
    if let Ok(status) = status {
        for row in &status.customers {
            let told = row.dropping;
            if row.domain == DENTAL || row.domain == VET {
                assert!(!told, "[{habits}] a false alarm: {row:?}");
            }
            if row.domain == LEGAL {
                let live = serde_json::to_value(row.stage).unwrap() == "live";
                assert!(row.alarm || !live, "[{habits}] no alarm: {row:?}");
            }
        }
    }
    for domain in [DENTAL, LEGAL, BAKERY] {
        let args = SetupChecklist {
            domain: domain.parse().unwrap(),
            account_id: None,
            did: None,
            fallback_destination: None,
        };
        let checklist = setup_checklist(app, &args).await;
        service.look("setup_checklist", &checklist);
        let Ok(checklist) = checklist else { continue };
        let rule = checklist.steps.iter();
        let mut rule = rule.filter(|step| step.id.as_str() == "dial_translation_rule");
        let rule = rule.next().unwrap();
        match domain {
            DENTAL => assert_ne!(rule.state, StepState::Todo, "[{habits}] {rule:?}"),
            _ => assert_ne!(rule.state, StepState::Done, "[{habits}] {rule:?}"),
        }
    }
}

/// Without a person nothing that exists is changed.
async fn nothing_is_changed_unseen(service: &Service) {
    let Service {
        app, bench, habits, ..
    } = service;
    let (rules, numbers) = (service.rules(), bench.sandbox.numbers());
    let check = |what: &str| {
        let now = service.rules();
        for (key, destination) in &rules {
            let found = now.get(key);
            assert_eq!(found, Some(destination), "[{habits}] {what}: {key:?}");
        }
        assert_eq!(bench.sandbox.numbers(), numbers, "[{habits}] {what}");
    };
    let replaced = add_vip(app, &adding(CALLER, DENTAL, "102"), &nobody()).await;
    service.decided("add_vip", replaced);
    check("replacing");
    let removed = remove_vip(app, &removing(CALLER, DENTAL), &nobody()).await;
    service.decided("remove_vip", removed);
    check("removing");

    let added = add_vip(app, &adding(NEW, DENTAL, "101"), &nobody()).await;
    let added = service.decided("add_vip", added);
    check("adding");
    if let Some(added) = added {
        as_told(service, &added.status, &added.warnings, "101");
    }
    let narrower = AddVip {
        dnis: Some(MAIN_LINE.parse().unwrap()),
        ..adding(CALLER, DENTAL, "102")
    };
    let narrower = add_vip(app, &narrower, &nobody()).await;
    service.decided("add_vip", narrower);
    let truth = service.destination_of(CALLER, MAIN_LINE);
    assert_eq!(truth, None, "[{habits}] calls were taken unseen");

    let watch = Watch::default();
    let list = Some("ani,destination\n16165550123,103\n16165550178,101\n");
    let args = imports::args(SyncMode::Mirror);
    let mirrored = imports::ask(app, &args, list, &nobody(), &watch).await;
    service.decided("sync_vips", mirrored);
    check("mirroring");
    let moving = SyncVips {
        from: Some("101".parse().unwrap()),
        destination: Some("102".parse().unwrap()),
        ..imports::args(SyncMode::Move)
    };
    for args in [imports::args(SyncMode::Clear), moving] {
        let asked = imports::ask(app, &args, None, &nobody(), &watch).await;
        service.decided("sync_vips", asked);
    }
    check("clearing and moving");
    let routed = route_number(app, &sending(DROPS, "500"), &nobody()).await;
    service.decided("route_number", routed);
    let onboarded = onboard_domain(app, &onboarding(), &nobody()).await;
    service.decided("onboard_domain", onboarded);
    check("routing and onboarding");
    for change in service.changes().await {
        let undone = undo_change(
            app,
            &undoing(change.change_id.as_deref().unwrap()),
            &nobody(),
        )
        .await;
        service.decided("undo_change", undone);
    }
    check("undoing");
}

#[tokio::test]
async fn the_journal_says_where_no_read_has_shown_what_was_there_before() {
    for (habits, is_unread) in [
        (&["lagging-lists", "stores-another-destination"][..], true),
        (&["lagging-lists"], true),
        (&["stores-another-destination"], false),
        (&[], false),
    ] {
        let habits = habits.iter().map(|name| Habit::named(name).unwrap());
        let service = Service::with(&Vec::from_iter(habits)).await;
        let habits = &service.habits;
        for destination in ["101", "102"] {
            let adding = adding(NEW, DENTAL, destination);
            let added = add(&service.app, &adding, &Channel::Given).await;
            added.unwrap();
        }
        let changes = service.changes().await;
        assert_eq!(
            says_unread(&changes[0]),
            is_unread,
            "[{habits}] {changes:?}"
        );
        assert!(!says_unread(&changes[1]), "[{habits}] {changes:?}");
    }
}

/// Whether the journal says that nobody knows what was there before.
fn says_unread(change: &ChangeRow) -> bool {
    let said = "no read had shown what was there before";
    let problem = change.problem.as_ref();
    problem.is_some_and(|why| why.contains(said))
}

/// A new rule is as its outcome says, unless that says more.
#[track_caller]
fn as_told(service: &Service, status: &AddVipStatus, warnings: &[String], destination: &str) {
    let habits = &service.habits;
    let there = service.destination_of(NEW, "");
    match status {
        AddVipStatus::Created | AddVipStatus::Unchanged if warnings.is_empty() => {
            assert_eq!(there.as_deref(), Some(destination), "[{habits}] {status:?}");
        }
        AddVipStatus::Replaced => panic!("[{habits}] there was no rule to replace"),
        _ => {}
    }
}

/// With a person's agreement, what was there before is written down as it was.
async fn what_is_agreed_to_is_told_truly(service: &Service) {
    let Service {
        app, bench, habits, ..
    } = service;
    let before = service.destination_of(CALLER, "");
    let replaced = add_vip(app, &adding(CALLER, DENTAL, "102"), &Channel::Given).await;
    if let Some(replaced) = service.decided("add_vip", replaced) {
        let told = replaced.previous.map(|vip| vip.destination);
        let really = match replaced.status {
            AddVipStatus::Replaced => before.clone(),
            AddVipStatus::Unchanged => told.clone(),
            status => panic!("[{habits}] the rule existed: {status:?}"),
        };
        assert_eq!(told, really, "[{habits}]");
        let now = service.destination_of(CALLER, "");
        if replaced.warnings.is_empty() {
            assert_eq!(now.as_deref(), Some("102"), "[{habits}]");
        }
    }
    journal_is_right(service, CALLER, before.as_deref()).await;

    let before = service.destination_of(TWICE, "");
    let beside = service.destination_of(TWICE, MAIN_LINE);
    let any = RemoveVip {
        dnis: Some("*".parse().unwrap()),
        ..removing(TWICE, DENTAL)
    };
    let removed = remove_vip(app, &any, &Channel::Given).await;
    if let Some(removed) = service.decided("remove_vip", removed) {
        assert_ne!(removed.status, RemoveVipStatus::NotFound, "[{habits}]");
        if removed.warnings.is_empty() {
            assert_eq!(service.destination_of(TWICE, ""), None, "[{habits}]");
            let kept = service.destination_of(TWICE, MAIN_LINE);
            assert_eq!(kept, beside, "[{habits}] went along without a word");
        }
    }
    journal_is_right(service, TWICE, before.as_deref()).await;
    lists_are_applied_as_told(service).await;

    let sent = route_number(app, &sending(DROPS, "500"), &Channel::Given).await;
    if let Some(sent) = service.decided("route_number", sent)
        && sent.status == RouteStatus::Routed
        && sent.warnings.is_empty()
    {
        let rings = bench.sandbox.who_rings(DROPS, NEW);
        assert_eq!(rings, Outcome::Rings("500".to_owned()), "[{habits}]");
    }
    let onboarded = onboard_domain(app, &onboarding(), &Channel::Given).await;
    service.decided("onboard_domain", onboarded);
    undo_brings_back_what_was_there(service).await;
}

/// The newest change to a caller's rule for any number says what there was before.
async fn journal_is_right(service: &Service, caller: &str, before: Option<&str>) {
    let changes = service.changes().await;
    let of_caller = |row: &&ChangeRow| {
        let ani = row.ani.as_deref().unwrap_or_default();
        ani.ends_with(&caller[1..]) && row.dnis.is_none()
    };
    // The newest first: a rule that was lost and restored comes before its own removal.
    let first = changes.iter().rfind(of_caller);
    if let Some(change) = first {
        let told = change.before.as_deref();
        let told = told.map(|told| told.trim_start_matches("user "));
        assert_eq!(told, before, "[{}] {change:?}", service.habits);
    }
}

async fn lists_are_applied_as_told(service: &Service) {
    let Service { app, habits, .. } = service;
    let list = "ani,destination\n16165550178,101\n16165550179,102\n16165550123,103\n";
    let watch = Watch::default();
    let args = imports::args(SyncMode::Merge);
    let before = service.only_rule_of(CALLER);
    let applied = imports::ask(app, &args, Some(list), &Channel::Given, &watch).await;
    if let Some(applied) = service.decided("sync_vips", applied)
        && applied.status == SyncStatus::Applied
        && applied.warnings.is_empty()
        && applied.rows.is_empty()
    {
        for (caller, destination) in [("16165550178", "101"), ("16165550179", "102")] {
            let there = service.destination_of(caller, "");
            assert_eq!(there.as_deref(), Some(destination), "[{habits}] {caller}");
        }
    }
    let changes = service.changes().await;
    let by_list =
        |row: &&ChangeRow| row.operation == "sync_vips" && row.ani.as_deref() == Some(CALLER);
    if let (Some(before), Some(change)) = (before, changes.iter().find(by_list)) {
        // A service that stores something else and shows it late: what it acknowledged before
        // counts as there, since nobody can see what it has, and the journal says so.
        assert!(
            change.before == Some(format!("user {before}")) || says_unread(change),
            "[{habits}] {before}: {change:?}"
        );
    }
}

async fn undo_brings_back_what_was_there(service: &Service) {
    let Service { app, habits, .. } = service;
    let changes = service.changes().await;
    let of_caller = |row: &&ChangeRow| row.ani.as_deref() == Some(CALLER) && row.before.is_some();
    let Some(last) = changes.iter().find(of_caller) else {
        return;
    };
    let undone = undo_change(
        app,
        &undoing(last.change_id.as_deref().unwrap()),
        &Channel::Given,
    )
    .await;
    if let Some(undone) = service.decided("undo_change", undone)
        && undone.status == UndoStatus::Restored
        && undone.warnings.is_empty()
    {
        let there = service.destination_of(CALLER, "").unwrap();
        assert_eq!(
            last.before,
            Some(format!("user {there}")),
            "[{habits}] {undone:?}"
        );
    }
}

/// Runs everything; what follows from the habits.
async fn hold(habits: &[Habit]) -> Follows {
    let alone = Service::with(habits).await;
    reads_are_true(&alone).await;
    nothing_is_changed_unseen(&alone).await;
    let agreed = Service::with(habits).await;
    what_is_agreed_to_is_told_truly(&agreed).await;
    alone.into_follows().and(agreed.into_follows())
}

fn run(habits: &[Habit]) -> Follows {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(hold(habits))
}

#[test]
fn everything_is_right_at_a_service_with_each_habit_and_the_table_says_what_follows() {
    let usual = run(&[]);
    assert!(usual.refused.is_empty(), "{usual:?}");
    let rows = Mutex::new(BTreeMap::new());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(habit) = HABITS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let follows = run(&[*habit]).words(&usual);
                    rows.lock().unwrap().insert(habit.name, follows);
                }
            });
        }
    });
    let rows = rows.into_inner().unwrap();
    let row = |habit: &Habit| {
        format!(
            "| `{}` | {} | {} |\n",
            habit.name, habit.about, rows[habit.name]
        )
    };
    let table: String = HABITS.iter().map(row).collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/unknown-answers.md");
    let document = std::fs::read_to_string(path).unwrap();
    let (text, _) = document.split_once("|---|---|---|\n").unwrap();
    let wanted = format!("{text}|---|---|---|\n{table}");
    if number_from("UPDATE_DOCUMENTS", 0) == 1 {
        std::fs::write(path, &wanted).unwrap();
        return;
    }
    assert_eq!(
        document, wanted,
        "UPDATE_DOCUMENTS=1 writes the table again"
    );
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: number_from("HABIT_CASES", 12),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn everything_is_right_with_any_habits_together(
        habits in subsequence(HABITS.to_vec(), 2..=5)
    ) {
        run(&habits);
    }
}
