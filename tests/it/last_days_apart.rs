//! Last days in other time zones, beyond the calendar, and of customers who come last.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use skyswitch_mcp::app::App;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{AddVip, SyncMode, SyncStatus};
use skyswitch_mcp::sandbox::{Fault, Gate, StoredSubscriber, Tenant};

use crate::support::guests::{ALL_OVER, GUEST, kept_of_guest, until_next_week};
use crate::support::imports::{args, sync};
use crate::support::process::{DOMAIN, Home, demo_sandbox, eventually, vip_add};
use crate::support::{Bench, DENTAL, add, adding, failure, nobody, skip_seconds};

#[tokio::test]
async fn a_day_beyond_the_calendar_is_too_far_away_and_not_over() {
    let bench = Bench::demo().await;
    let app = bench.app();
    for day in ["9999-12-30", "9999-12-31"] {
        let never = AddVip {
            until: Some(day.parse().unwrap()),
            ..adding(GUEST, DENTAL, "101")
        };
        let refused = failure(add(&app, &never, &nobody()).await, Code::InvalidArgument);
        assert!(refused.to_string().contains("too far away"), "{refused}");
        assert!(refused.hint().contains("Leave out `until`"), "{refused:?}");
        let rows = format!("ani,destination,until\n{GUEST},101,{day}\n");
        let made = sync(&app, &args(SyncMode::Merge), &rows, &Channel::Given).await;
        let made = made.unwrap();
        assert_eq!(made.status, SyncStatus::Invalid, "{made:?}");
        let reason = made.rows[0].reason.as_deref().unwrap();
        assert!(reason.contains("too far away"), "{reason}");
    }
    bench.assert_nothing_written();
    let far = AddVip {
        until: Some("9998-12-31".parse().unwrap()),
        ..adding(GUEST, DENTAL, "101")
    };
    let added = add(&app, &far, &nobody()).await.unwrap();
    assert_eq!(added.vip.until.as_deref(), Some("9998-12-31"));
}

#[tokio::test]
async fn today_is_the_day_of_this_machine_wherever_it_is() {
    let sandbox = demo_sandbox().await;
    for zone in ["Pacific/Kiritimati", "Pacific/Pago_Pago"] {
        let home = Home::of(&sandbox).with("TZ", zone);
        let today = Timestamp::now().to_zoned(TimeZone::get(zone).unwrap());
        let adding = async |day: String| {
            let until = ["--until", &day];
            let add = [&vip_add(GUEST, "101")[..], &until[..]].concat();
            home.run(&add).await
        };
        let over = adding(today.yesterday().unwrap().date().to_string()).await;
        assert_eq!(over.code, 2, "{zone}: {over:?}");
        assert!(over.stderr.contains("is over"), "{zone}: {over:?}");
        let added = adding(today.date().to_string()).await;
        assert_eq!(added.code, 0, "{zone}: {added:?}");
        let gone = ["vip", "remove", GUEST, "-d", DOMAIN, "--yes"];
        assert_eq!(home.run(&gone).await.code, 0);
    }
}

#[tokio::test]
async fn a_list_that_was_exported_with_a_last_day_that_is_over_comes_back() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add(&app, &adding(GUEST, DENTAL, "101"), &nobody())
        .await
        .unwrap();
    let merge = args(SyncMode::Merge);
    let rows = format!("ani,destination,until\n{GUEST},101,2020-01-31\n");
    let made = sync(&app, &merge, &rows, &nobody()).await.unwrap();
    assert_eq!(made.status, SyncStatus::Unchanged, "{made:?}");
    // A rule that is not there would stay for good.
    let rows = format!("ani,destination,until\n{GUEST},102,2020-01-31\n");
    let made = sync(&app, &merge, &rows, &Channel::Given).await.unwrap();
    assert_eq!(made.status, SyncStatus::Invalid, "{made:?}");
    let reason = made.rows[0].reason.as_deref();
    assert_eq!(reason, Some("2020-01-31 is over"));
}

fn domain(number: usize) -> String {
    format!("clinic{number}.12345.service")
}

fn caller(number: usize) -> String {
    format!("1616555017{number}")
}

/// Nine customers: as many as are looked at together, and one.
#[tokio::test]
async fn a_customer_who_came_last_when_the_time_was_over_is_tried_again_at_once() {
    let tenant = (1..=10).fold(Tenant::empty(), |tenant, number| {
        let name = domain(number);
        let person = StoredSubscriber::person(&name, "101", "Front Desk");
        tenant.domain(&name, "Clinic").subscriber(person)
    });
    let bench = Bench::with(tenant).await;
    let app = Arc::new(bench.app());
    for number in 1..=9 {
        let rule = AddVip {
            domain: domain(number).parse().unwrap(),
            ..until_next_week(&caller(number), "101")
        };
        add(&app, &rule, &nobody()).await.unwrap();
    }
    bench.change_journal(ALL_OVER);
    let (first, others) = (Gate::default(), Gate::default());
    for number in 1..=9 {
        let gate = match number {
            1 => &first,
            _ => &others,
        };
        let held = Fault::hold("GET", &domain(number), gate).times(usize::MAX);
        bench.sandbox.inject(held);
    }
    let asked = |number: usize| {
        let name = domain(number);
        let is_of = |(_, value): &(String, String)| *value == name;
        let requests = bench.sandbox.requests().into_iter();
        let of_rules = requests.filter(|request| request.path.ends_with("/route-by-ani"));
        let of_customer = of_rules.filter(|request| request.query.iter().any(is_of));
        of_customer.count()
    };
    let before: Vec<usize> = (0..=9).map(asked).collect();
    let changing = tokio::spawn({
        let app = Arc::clone(&app);
        async move {
            let other = adding("16165550199", &domain(10), "101");
            add(&app, &other, &nobody()).await
        }
    });
    let looked_at_together = || (1..=8).all(|number| asked(number) > before[number]);
    eventually("eight are looked at", looked_at_together).await;
    skip_seconds(4).await;
    first.open();
    eventually("the ninth is looked at", || asked(9) > before[9]).await;
    skip_seconds(2).await;
    changing.await.unwrap().unwrap();
    assert_eq!(bench.rings(&domain(1), &caller(1)), None);
    assert!(bench.rings(&domain(9), &caller(9)).is_some());
    others.open();
    bench.sandbox.clear_faults();
    let other = adding("16165550198", &domain(10), "101");
    let said = add(&app, &other, &nobody()).await.unwrap().warnings;
    assert!(said.join("\n").contains("was removed"), "{said:?}");
    assert_eq!(bench.rings(&domain(9), &caller(9)), None);
    // The others had the whole time, and wait.
    assert!(bench.rings(&domain(2), &caller(2)).is_some(), "{said:?}");
}

#[tokio::test]
async fn a_rule_that_another_process_replaces_meanwhile_stays_without_a_last_day() {
    let bench = Bench::demo().await;
    let [app, other] = [Arc::new(bench.app()), Arc::new(bench.app())];
    add(&app, &until_next_week(GUEST, "101"), &nobody())
        .await
        .unwrap();
    bench.change_journal(ALL_OVER);
    let gate = Gate::default();
    let held = Fault::hold_answer("GET", "route-by-ani", &gate);
    bench.sandbox.inject(held);
    let before = bench.count("GET");
    let changing = |app: &Arc<App>, ani: &'static str, to: &'static str| {
        let app = Arc::clone(app);
        tokio::spawn(async move { add(&app, &adding(ani, DENTAL, to), &Channel::Given).await })
    };
    let ending = changing(&app, "16165550178", "101");
    bench.arrived("GET", before + 1).await;
    let replacing = changing(&other, GUEST, "103");
    gate.open();
    ending.await.unwrap().unwrap();
    replacing.await.unwrap().unwrap();
    assert_eq!(bench.rings(DENTAL, GUEST).as_deref(), Some("103"));
    let (_, until) = kept_of_guest(&app).await;
    assert_eq!(until, None);
}
