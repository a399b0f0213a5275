//! All customers in one table, and where VIPs can ring.

use std::sync::Mutex;

use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    CustomerRow, ListDestinations, PageSize, Progress, SetupChecklist, SetupStatus, Stage,
    StatusQuery, SyncMode, SyncSession, SyncVips, list_destinations, onboarding_status,
    setup_checklist, sync_vips,
};
use skyswitch_mcp::sandbox::{
    DialPlanAccess, Fault, PbxHabits, StoredSubscriber, Tenant, V2Version,
};
use tokio_util::sync::CancellationToken;

use crate::support::customer::{
    ACME, PbxApi, app_on, app_with, checklist, closed, customer, prepared, routed,
};
use crate::support::imports::args;
use crate::support::process::{Home, demo_sandbox};
use crate::support::{
    BAKERY, Bench, DENTAL, LEGAL, Person, VET, add, adding, done, failure, listing,
};

/// Keeps what it is told.
#[derive(Default)]
struct Told(Mutex<Vec<(usize, usize)>>);

impl Progress for Told {
    fn report(&self, done: usize, total: usize, _: &str) {
        self.0.lock().unwrap().push((done, total));
    }
}

async fn status(bench: &Bench, api: PbxApi, args: &StatusQuery) -> SetupStatus {
    let app = app_on(bench, api);
    onboarding_status(&app, args, PageSize::All, &Told::default())
        .await
        .unwrap()
}

fn stage<'a>(table: &'a SetupStatus, domain: &str) -> &'a str {
    let row = table.customers.iter().find(|row| row.domain == domain);
    row.unwrap().stage.as_str()
}

#[tokio::test]
async fn customers_who_lose_calls_come_first() {
    let bench = Bench::demo().await;
    let table = status(&bench, PbxApi::V2, &StatusQuery::default()).await;
    assert_eq!(table.alarms, 1);
    let first = &table.customers[0];
    assert_eq!((first.domain.as_str(), first.alarm), (LEGAL, true));
    assert!(first.waits_for.starts_with("ALARM"), "{first:?}");
    assert_eq!(first.dids, ["16165550160"]);
    assert_eq!(stage(&table, DENTAL), "live");
    assert_eq!(stage(&table, VET), "route_did");
    assert_eq!(stage(&table, BAKERY), "not_started");
    assert!(
        table
            .customers
            .iter()
            .all(|row| !row.domain.starts_with("0000.")),
        "the reseller's own domain is no customer"
    );
    assert_eq!(table.customers.len(), table.total);
    bench.assert_nothing_written();
}

#[tokio::test]
async fn customers_are_counted_alike_and_the_resellers_own_domain_is_named() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let table = home.run(&["status"]).await.stdout;
    assert!(table.contains("5 customers"), "{table}");
    let domains = home.run(&["domains", "--refresh"]).await.stdout;
    assert!(domains.contains("6 PBX domains"), "{domains}");
    let own = "The reseller's own, which is no customer: 0000.12345.service.";
    assert!(domains.contains(own), "{domains}");
    let doctor = home.run(&["doctor"]).await.stdout;
    let said = "5 customers visible, and 1 domain of the reseller's own";
    assert!(doctor.contains(said), "{doctor}");
}

#[tokio::test]
async fn the_table_and_the_checklist_judge_by_the_same_steps() {
    let bench = Bench::demo().await;
    let table = status(&bench, PbxApi::V2, &StatusQuery::default()).await;
    let app = app_on(&bench, PbxApi::V2);
    for row in &table.customers {
        let list = setup_checklist(&app, &checking(&row.domain)).await.unwrap();
        match row.stage {
            Stage::Live => assert_eq!(list.next_step, None, "{row:?}"),
            Stage::NotStarted => assert!(!list.ready, "{row:?}"),
            stage => assert_eq!(stage.as_str(), list.next_step.unwrap().as_str(), "{row:?}"),
        }
        if row.alarm {
            assert_eq!(Some(&row.waits_for), list.warning.as_ref());
        }
    }
    // The forwarding of a user is judged together with a dial plan that is read.
    bench.sandbox.clear_requests();
    status(&bench, PbxApi::V2, &StatusQuery::default()).await;
    let requests = bench.sandbox.requests();
    let of = |path: &str| requests.iter().any(|request| request.path.contains(path));
    assert!(!of("/devices"));
    assert!(!of(&format!("{DENTAL}/users/9000/answerrules")));
    assert!(of(&format!("{LEGAL}/users/9000/answerrules")));
}

#[tokio::test]
async fn a_step_that_is_waited_for_is_told_in_the_words_of_the_checklist() {
    let mut tenant = Tenant::demo();
    tenant.routes.retain(|rule| rule.domain != DENTAL);
    let bench = Bench::with(tenant).await;
    let table = status(&bench, PbxApi::V2, &StatusQuery::default()).await;
    let row = row(&table, DENTAL);
    assert_eq!(row.stage.as_str(), "manage_vips");
    let app = app_on(&bench, PbxApi::V2);
    let list = setup_checklist(&app, &checking(DENTAL)).await.unwrap();
    let next = list
        .steps
        .iter()
        .find(|step| Some(step.id) == list.next_step);
    assert_eq!(next.unwrap().evidence.as_ref(), Some(&row.waits_for));
}

#[tokio::test]
async fn what_cannot_be_read_is_no_proof() {
    // 401 may mean an expired token, so each of the first is asked once more.
    for (refusal, most) in [(403, 4), (401, 8)] {
        let mut tenant = Tenant::demo();
        let closed = PbxHabits::default().dial_plan(DialPlanAccess::None);
        tenant.pbx = closed.v1_refusal(refusal);
        let bench = Bench::with(tenant).await;
        let table = status(&bench, PbxApi::V1, &StatusQuery::default()).await;
        let told = (table.alarms, table.unverified);
        assert_eq!(told, (0, 2), "nobody could look whether the rules exist");
        let plans = bench.sandbox.requests();
        let asked = plans
            .iter()
            .filter(|request| request.form.iter().any(|(_, value)| value == "dialrule"));
        assert!(asked.count() <= most, "one refusal stands for all");
    }
}

#[tokio::test]
async fn filters_narrow_and_a_customer_who_cannot_be_read_is_told() {
    let bench = Bench::demo().await;
    let only = |stage: &str| StatusQuery {
        stage: Some(stage.to_owned()),
        ..StatusQuery::default()
    };
    let alarms = status(&bench, PbxApi::V2, &only("alarm")).await;
    assert_eq!(
        (alarms.total, alarms.customers[0].domain.as_str()),
        (1, LEGAL)
    );
    let waiting = status(&bench, PbxApi::V2, &only("route did")).await;
    assert_eq!(waiting.customers[0].domain, VET, "as people see it");
    let query = StatusQuery {
        query: Some("maple".to_owned()),
        ..StatusQuery::default()
    };
    assert_eq!(status(&bench, PbxApi::V2, &query).await.total, 1);
    let app = app_on(&bench, PbxApi::V2);
    let misspelt = StatusQuery {
        query: Some("maplewod".to_owned()),
        ..StatusQuery::default()
    };
    let none = onboarding_status(&app, &misspelt, PageSize::All, &Told::default()).await;
    let none = failure(none, Code::NotFound);
    assert_eq!(none.detail().field.as_deref(), Some("query"));
    assert!(
        none.to_string().contains(VET),
        "no alarm is not what it says: {none}"
    );
    let wrong = onboarding_status(&app, &only("nearly"), PageSize::All, &Told::default()).await;
    failure(wrong, Code::InvalidArgument);

    bench
        .sandbox
        .inject(Fault::status("GET", "domain=sunrisebakery", 403).times(9));
    let table = status(&bench, PbxApi::V2, &StatusQuery::default()).await;
    assert_eq!(stage(&table, BAKERY), "unread");
    assert_eq!(stage(&table, DENTAL), "live");
}

#[tokio::test]
async fn the_table_of_one_stage_counts_its_customers_and_all() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let printed = home.run(&["status", "--stage", "manage vips"]).await;
    assert!(
        printed.stdout.contains("No customer is at this stage"),
        "{printed:?}"
    );
    let printed = home.run(&["status", "--stage", "not_started"]).await;
    let all = printed.stdout.contains(" customers. Stages of all 5: ");
    assert!(all, "{printed:?}");
    let printed = home.run(&["status"]).await;
    assert!(
        printed.stdout.contains("5 customers. Stages: "),
        "{printed:?}"
    );
}

#[tokio::test]
async fn a_thousand_customers_take_two_reads_each_and_report_progress() {
    let bench = Bench::with(Tenant::portfolio(1000)).await;
    let app = app_on(&bench, PbxApi::NotConfigured);
    let told = Told::default();
    let table = onboarding_status(&app, &StatusQuery::default(), PageSize::Rows(50), &told)
        .await
        .unwrap();
    assert_eq!((table.total, table.count), (1000, 50));
    assert!(table.customers[0].alarm);
    let requests = bench.sandbox.requests();
    let reads = requests.iter().filter(|r| r.path != "/oauth/token").count();
    assert!(reads <= 2 + 2 * 1000, "{reads}");
    let told = told.0.lock().unwrap();
    assert_eq!(told.last(), Some(&(1000, 1000)));
}

/// How many dial plans were asked for.
fn plans_read(bench: &Bench) -> usize {
    let requests = bench.sandbox.requests();
    let of_plan = |path: &str| path.contains("/dialplans/");
    let read = requests.iter().filter(|r| of_plan(&r.path)).count();
    // Each is looked for in the plan of the user, too.
    assert_eq!(read % 2, 0);
    read / 2
}

fn checking(domain: &str) -> SetupChecklist {
    SetupChecklist {
        domain: domain.parse().unwrap(),
        account_id: None,
        did: None,
        fallback_destination: None,
    }
}

fn row<'a>(table: &'a SetupStatus, domain: &str) -> &'a CustomerRow {
    let mut rows = table.customers.iter();
    rows.find(|row| row.domain == domain).unwrap()
}

/// What is published as the PBX API's limit, but quick.
async fn paced(bench: &Bench, args: &StatusQuery) -> SetupStatus {
    let app = app_with(bench, PbxApi::V2, |settings| {
        if let Some(Ok(pbx)) = &mut settings.pbx {
            pbx.rate_limit = 5_000.0;
        }
    });
    bench.sandbox.clear_requests();
    onboarding_status(&app, args, PageSize::All, &Told::default())
        .await
        .unwrap()
}

#[tokio::test]
async fn dial_plans_that_showed_the_rule_within_the_hour_are_not_read_again() {
    // Of each five customers three have a Route by ANI user, and two the rule.
    let bench = Bench::with(Tenant::portfolio(100)).await;
    let all = StatusQuery::default();
    let first = paced(&bench, &all).await;
    assert_eq!((first.read_earlier, plans_read(&bench)), (0, 60));
    assert_eq!((first.alarms, first.dropping), (20, 20));

    // Only those without the rule: no alarm is taken from the past.
    let second = paced(&bench, &all).await;
    assert_eq!((second.read_earlier, plans_read(&bench)), (40, 20));
    assert_eq!(second.stages, first.stages);
    let mut rows = second.customers.iter();
    let is_marked = |row: &CustomerRow| row.dial_plan_read_at.is_none() || !row.alarm;
    assert!(rows.all(is_marked), "{second:?}");

    let fresh = StatusQuery {
        fresh: Some(true),
        ..StatusQuery::default()
    };
    assert_eq!(paced(&bench, &fresh).await.read_earlier, 0);
    assert_eq!(plans_read(&bench), 60);
}

#[tokio::test]
async fn an_earlier_look_at_a_dial_plan_serves_for_an_hour() {
    let bench = Bench::with(Tenant::portfolio(100)).await;
    let all = StatusQuery::default();
    paced(&bench, &all).await;
    let minutes = |n: i64| n * 60 * 1_000;
    bench.age_dial_plans(minutes(50));
    assert_eq!(paced(&bench, &all).await.read_earlier, 40);
    bench.age_dial_plans(minutes(61));
    assert_eq!(paced(&bench, &all).await.read_earlier, 0);
    // Read while the clock was two hours ahead: how long ago, nobody knows.
    bench.age_dial_plans(-minutes(120));
    assert_eq!(paced(&bench, &all).await.read_earlier, 0);
}

#[tokio::test]
async fn dial_plans_that_cannot_be_judged_do_not_stand_for_all_others() {
    let mut tenant = Tenant::portfolio(100);
    for rule in &mut tenant.dial_rules {
        if rule.match_to.contains("route_by_ani") {
            rule.application = "to-somewhere-new".to_owned();
        }
    }
    let bench = Bench::with(tenant).await;
    let table = status(&bench, PbxApi::V2, &StatusQuery::default()).await;
    assert_eq!(plans_read(&bench), 60);
    // Those that have no rule at all lose calls; of the others nobody knows.
    assert_eq!((table.alarms, table.dropping), (40, 20));
    let certain = table.customers.iter().take(20).all(|row| row.dropping);
    assert!(certain, "what is certain comes first");
}

#[tokio::test]
async fn what_was_read_earlier_hides_no_alarm_that_can_be_seen_today() {
    let bench = Bench::with(Tenant::portfolio(100)).await;
    let all = StatusQuery::default();
    paced(&bench, &all).await;
    let second = paced(&bench, &all).await;
    let is_live = |row: &&CustomerRow| row.stage == Stage::Live;
    let mut kept = second.customers.iter().filter(is_live);
    let mut next = || {
        let is_kept = |row: &&CustomerRow| row.dial_plan_read_at.is_some();
        kept.find(is_kept).unwrap().domain.clone()
    };
    let (one, other) = (next(), next());
    // The checklist reads the dial plan again, and the next table knows what it saw.
    assert!(bench.sandbox.remove_dial_rules(&one));
    let app = app_on(&bench, PbxApi::V2);
    setup_checklist(&app, &checking(&one)).await.unwrap();
    // Whoever the rule sends calls to is looked up among the users of today.
    assert!(bench.sandbox.remove_subscriber(&other, "100"));
    let seen = paced(&bench, &all).await;
    for domain in [&one, &other] {
        assert!(row(&seen, domain).dropping, "{:?}", row(&seen, domain));
    }
}

fn destinations(domain: &str) -> ListDestinations {
    ListDestinations {
        domain: domain.parse().unwrap(),
        query: None,
        account_id: None,
        limit: None,
        cursor: None,
    }
}

#[tokio::test]
async fn destinations_are_people_and_devices_and_not_the_machinery() {
    let mut tenant = Tenant::demo();
    tenant.pbx = tenant.pbx.v2_version(V2Version::V45);
    let bench = Bench::with(tenant).await;
    let list = list_destinations(
        &app_on(&bench, PbxApi::V2),
        &destinations(VET),
        PageSize::All,
    )
    .await
    .unwrap();
    let names: Vec<&str> = list
        .destinations
        .iter()
        .map(|row| row.destination.as_str())
        .collect();
    assert!(
        names.contains(&"301") && names.contains(&"302b"),
        "{names:?}"
    );
    assert!(
        !names.contains(&"route_by_ani") && !names.contains(&"domain"),
        "{names:?}"
    );
    assert!(list.warnings.is_empty(), "{list:?}");

    // Page by page it is the same list.
    let mut paged = Vec::new();
    let mut args = destinations(VET);
    loop {
        let page = list_destinations(&app_on(&bench, PbxApi::V2), &args, PageSize::Rows(2))
            .await
            .unwrap();
        paged.extend(page.destinations);
        match page.next_cursor {
            Some(cursor) => args.cursor = Some(cursor),
            None => break,
        }
    }
    assert_eq!(paged, list.destinations);

    let old = {
        let mut tenant = Tenant::demo();
        tenant.pbx = tenant.pbx.v2_version(V2Version::V44);
        Bench::with(tenant).await
    };
    let list = list_destinations(&app_on(&old, PbxApi::V2), &destinations(VET), PageSize::All)
        .await
        .unwrap();
    assert!(list.warnings[0].contains("devices"), "{list:?}");
    assert!(
        list.destinations
            .iter()
            .all(|row| row.application == "user")
    );
}

#[tokio::test]
async fn adding_warns_of_a_destination_that_does_not_exist_and_names_the_nearest() {
    let bench = Bench::with(customer(closed())).await;
    let app = app_on(&bench, PbxApi::V2);
    let added = add(&app, &adding("6165550111", ACME, "110"), &Channel::Given)
        .await
        .unwrap();
    let warning = added.warnings.join("\n");
    assert!(warning.contains("\"110\" does not exist"), "{warning}");
    assert!(warning.contains("100 (Front Desk)"), "{warning}");
    for fine in [
        "101",
        "user:101",
        "101@acme.12345.service",
        "sip:+16165559999@carrier.net",
        "7@elsewhere.12345.service",
    ] {
        let added = add(&app, &adding("6165550112", ACME, fine), &Channel::Given)
            .await
            .unwrap();
        assert!(
            !added.warnings.iter().any(|w| w.contains("does not exist")),
            "{fine}: {added:?}"
        );
    }
    let by_name = add(&app, &adding("6165550113", ACME, "maia"), &Channel::Given).await;
    let hint = by_name.unwrap_err().hint().to_owned();
    assert!(hint.contains("101 (Maya Lindgren)"), "{hint}");

    // The person who is asked to replace a rule reads it, too.
    let person = Person::typing("6165550111");
    add(
        &app,
        &adding("6165550111", ACME, "111"),
        &Channel::During(&person),
    )
    .await
    .unwrap();
    assert!(
        person.shown()[0]
            .text()
            .contains("Note: user \"111\" does not exist")
    );

    let looks = bench.sandbox.requests();
    let looks = looks
        .iter()
        .filter(|r| r.path.ends_with("/pbx/subscribers"));
    // But for a name, for which it is read.
    assert_eq!(looks.count(), 2, "one list of users serves a minute");
}

#[tokio::test]
async fn devices_are_looked_for_where_they_are_shown() {
    let tenant = customer(closed()).subscriber(
        StoredSubscriber::person(ACME, "102", "Oscar Trent").devices(&["102a", "102b"]),
    );
    let bench = Bench::with(tenant).await;
    let app = app_on(&bench, PbxApi::V1);
    for (device, warned) in [("device:102b", false), ("device:102c", true)] {
        let added = add(&app, &adding("6165550114", ACME, device), &Channel::Given)
            .await
            .unwrap();
        let found = added.warnings.iter().any(|w| w.contains("does not exist"));
        assert_eq!(found, warned, "{device}: {added:?}");
    }
    let without = app_on(&bench, PbxApi::NotConfigured);
    let added = add(
        &without,
        &adding("6165550115", ACME, "device:102z"),
        &Channel::Given,
    )
    .await
    .unwrap();
    let found = added.warnings.iter().any(|w| w.contains("does not exist"));
    assert!(!found, "nobody can tell: {added:?}");
}

#[tokio::test]
async fn a_look_that_fails_or_is_switched_off_stands_in_nobodys_way() {
    let bench = Bench::with(customer(closed())).await;
    bench
        .sandbox
        .inject(Fault::status("GET", "/pbx/subscribers", 403).times(9));
    let app = app_on(&bench, PbxApi::V2);
    let added = add(&app, &adding("6165550116", ACME, "999"), &Channel::Given)
        .await
        .unwrap();
    let warning = added.warnings.join("\n");
    assert!(warning.contains("could not be read"), "{warning}");
    let off = app_with(&bench, PbxApi::V2, |s| s.check_destinations = false);
    bench.sandbox.clear_requests();
    add(&off, &adding("6165550117", ACME, "999"), &Channel::Given)
        .await
        .unwrap();
    assert!(
        bench
            .sandbox
            .requests()
            .iter()
            .all(|r| !r.path.ends_with("/pbx/subscribers"))
    );
    assert_eq!(
        crate::support::list(&off, &listing(ACME))
            .await
            .unwrap()
            .total,
        2
    );
}

#[tokio::test]
async fn a_list_names_the_lines_whose_destination_does_not_exist() {
    let bench = Bench::with(customer(closed())).await;
    let app = app_on(&bench, PbxApi::V2);
    let args = SyncVips {
        domain: ACME.parse().unwrap(),
        dry_run: Some(true),
        ..args(SyncMode::Merge)
    };
    let list = b"ani,destination\n6165550121,101\n6165550122,1O1\n6165550123,1O1\n";
    let session = SyncSession {
        channel: &Channel::Given,
        progress: &Told::default(),
        stop: &CancellationToken::new(),
        most_rows: None,
    };
    let planned = sync_vips(&app, &args, Some(list), &session)
        .await
        .map(done)
        .unwrap();
    let warning = planned.warnings.iter().find(|w| w.contains("1O1")).unwrap();
    assert!(
        warning.starts_with("line 3, 4: user \"1O1\" does not exist"),
        "{warning}"
    );
    assert!(warning.contains("nearest: 101"), "{warning}");
}

#[tokio::test]
async fn numbers_that_go_to_the_list_too_early_are_named_in_the_action_and_in_the_ticket() {
    let bench = Bench::with(routed()).await;
    let list = checklist(&app_on(&bench, PbxApi::V2)).await;
    let mut rule = list.steps.iter();
    let rule = rule.find(|step| step.id.as_str() == "dial_translation_rule");
    let action = rule.unwrap().action.as_ref().unwrap();
    assert!(
        action.starts_with("First send +1 616-555-0180 to a user who answers"),
        "{action}"
    );
    let ticket = list.support_ticket.unwrap();
    assert!(ticket.subject.starts_with("URGENT: "), "{ticket:?}");
    let early = "This is urgent: +1 616-555-0180 already goes to the Route by ANI user";
    assert!(ticket.body.contains(early), "{ticket:?}");
    // Before the number is pointed there, nothing is urgent.
    let bench = Bench::with(prepared(closed())).await;
    let list = checklist(&app_on(&bench, PbxApi::V2)).await;
    let ticket = list.support_ticket.unwrap();
    assert!(!ticket.subject.contains("URGENT"), "{ticket:?}");
}

#[tokio::test]
async fn a_customer_with_vip_rules_is_shown_also_where_the_list_of_domains_lacks_them() {
    let bench = Bench::demo().await;
    let list =
        format!(r#"[{{"domain":"{DENTAL}","reseller":"12345","description":"Lakeside Dental"}}]"#);
    let short = Fault::status("GET", "pbx/domains", 200).body(&list, "application/json");
    bench.sandbox.inject(short.times(9));
    let table = status(&bench, PbxApi::V2, &StatusQuery::default()).await;
    let row = table.customers.iter().find(|row| row.domain == LEGAL);
    let row = row.unwrap_or_else(|| panic!("{table:?}"));
    assert!(row.alarm || row.unverified, "{row:?}");
}
