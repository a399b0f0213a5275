//! Taking everybody off a list, and sending the callers of one destination to another.

use skyswitch_mcp::app::App;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{Asked, ListVips, PageSize, SyncMode, SyncStatus, SyncVips, list_vips};

use crate::support::guests::{GUEST, add_guest, kept_of_guest, next_week};
use crate::support::imports::{Watch, args, ask, moving, sync, without_list};
use crate::support::process::{DOMAIN, Home, demo_sandbox};
use crate::support::{Bench, DENTAL, Person, done, failure, listing};

async fn led_to(app: &App, destination: &str) -> usize {
    let args = ListVips {
        destination: Some(destination.parse().unwrap()),
        ..listing(DENTAL)
    };
    list_vips(app, &args, PageSize::All).await.unwrap().total
}

async fn of_domain(app: &App) -> usize {
    let list = list_vips(app, &listing(DENTAL), PageSize::All).await;
    list.unwrap().total
}

#[tokio::test]
async fn everybody_is_taken_off_by_typing_the_domain_and_not_a_number() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let rules = of_domain(&app).await;
    let number = Person::typing(&rules.to_string());
    let declined = without_list(&app, &args(SyncMode::Clear), &Channel::During(&number)).await;
    assert_eq!(declined.status, SyncStatus::WrongValue);
    assert_eq!(of_domain(&app).await, rules);
    bench.age_declines(120);
    let domain = Person::typing(DENTAL);
    let cleared = without_list(&app, &args(SyncMode::Clear), &Channel::During(&domain)).await;
    assert_eq!(cleared.status, SyncStatus::Applied, "{cleared:?}");
    assert_eq!(cleared.plan.remove, rules);
    let preview = domain.shown()[0].text();
    assert!(preview.contains("takes everybody off"), "{preview}");
    assert_eq!(of_domain(&app).await, 0);
    // The list is kept.
    let run = cleared.run_id.unwrap();
    let kept = skyswitch_mcp::ops::list_before(&app, &run).await.unwrap();
    assert_eq!(kept.total, rules);
}

#[tokio::test]
async fn an_empty_list_is_still_taken_for_a_mistake() {
    let bench = Bench::demo().await;
    let list = "ani,destination\n6165550177,101\n";
    for (mode, list) in [(SyncMode::Mirror, "[]"), (SyncMode::Clear, list)] {
        let refused = sync(&bench.app(), &args(mode), list, &Channel::Given).await;
        failure(refused, Code::InvalidArgument);
    }
    bench.assert_nothing_written();
}

#[tokio::test]
async fn the_callers_of_one_person_are_sent_to_another_as_one_plan() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let (mayas, oscars) = (led_to(&app, "101").await, led_to(&app, "102").await);
    assert!(mayas > 0);
    let looking = SyncVips {
        dry_run: Some(true),
        ..moving("101", "102")
    };
    let planned = without_list(&app, &looking, &Channel::Given).await;
    assert_eq!(planned.plan.replace, mayas, "{planned:?}");
    let moved = without_list(&app, &moving("101", "102"), &Channel::Given).await;
    assert_eq!(moved.status, SyncStatus::Applied, "{moved:?}");
    assert_eq!((moved.plan.add, moved.plan.remove), (0, 0));
    assert_eq!(led_to(&app, "101").await, 0);
    assert_eq!(led_to(&app, "102").await, mayas + oscars);
}

#[tokio::test]
async fn nothing_is_moved_where_nobodys_calls_go_there_or_one_side_is_missing() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let asked = async |args: &SyncVips| {
        let channel = Channel::Given;
        ask(&app, args, None, &channel, &Watch::default()).await
    };
    failure(asked(&moving("777", "102")).await, Code::NotFound);
    let half = SyncVips {
        destination: None,
        ..moving("101", "102")
    };
    failure(asked(&half).await, Code::InvalidArgument);
    let other = SyncVips {
        mode: None,
        ..moving("101", "102")
    };
    failure(asked(&other).await, Code::InvalidArgument);
    bench.assert_nothing_written();
}

#[tokio::test]
async fn nobody_is_moved_to_where_they_are_whatever_it_is_called() {
    let bench = Bench::demo().await;
    let app = bench.app();
    for (from, to) in [
        ("101", "101"),
        ("101", "user:101"),
        ("user:101", "101"),
        ("101", "101@LakesideDental.12345.service"),
        (
            "sip:+16165559999@carrier.example",
            "sip:+16165559999@Carrier.example",
        ),
    ] {
        let person = Person::typing("1");
        let channel = Channel::During(&person);
        let moved = ask(&app, &moving(from, to), None, &channel, &Watch::default()).await;
        let refused = failure(moved, Code::InvalidArgument);
        let said = refused.to_string();
        assert!(
            said.contains("`from`") && said.contains("`destination`"),
            "{said}"
        );
        assert!(said.contains("the same destination"), "{said}");
        assert!(person.shown().is_empty(), "{from} {to}");
    }
    bench.assert_nothing_written();
}

#[tokio::test]
async fn callers_of_a_user_are_moved_to_a_device_of_that_name() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let dry = SyncVips {
        dry_run: Some(true),
        ..moving("101", "device:101")
    };
    let planned = ask(&app, &dry, None, &Channel::Given, &Watch::default()).await;
    let Asked::Done(planned) = planned.unwrap() else {
        panic!("nobody is asked");
    };
    assert_eq!(planned.plan.replace, 2);
}

#[tokio::test]
async fn a_client_with_forms_is_asked_for_the_domain() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let first = crate::support::first_call();
    let asked = ask(
        &app,
        &args(SyncMode::Clear),
        None,
        &first,
        &Watch::default(),
    )
    .await;
    let Asked::Question(question) = asked.unwrap() else {
        panic!("a person must be asked");
    };
    assert_eq!(question.preview.asks_for().text(), DENTAL);
}

#[tokio::test]
async fn the_command_line_clears_moves_and_brings_back() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let export = ["vip", "export", "-d", DOMAIN];
    let before = home.run(&export).await.stdout;
    let moving = [
        "vip", "move", "--from", "101", "--to", "102", "-d", DOMAIN, "--yes",
    ];
    let moved = home.run(&moving).await;
    assert_eq!(moved.code, 0, "{moved:?}");
    let cleared = home.run(&["vip", "clear", "-d", DOMAIN, "--yes"]).await;
    assert_eq!(cleared.code, 0, "{cleared:?}");
    assert!(
        cleared.stdout.contains("skyswitch undo --run r-"),
        "{cleared:?}"
    );
    let back = home.run(&["undo", "--last", "--yes"]).await;
    assert_eq!(back.code, 0, "{back:?}");
    let first_run = moved.stdout.split("undo --run ").nth(1).unwrap();
    let first_run = first_run.split('`').next().unwrap();
    let back = home.run(&["undo", "--run", first_run, "--yes"]).await;
    assert_eq!(back.code, 0, "{back:?}");
    assert_eq!(home.run(&export).await.stdout, before);
}

#[tokio::test]
async fn what_clear_and_move_would_do_is_done_by_the_plan_that_they_showed() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let moving = ["vip", "move", "--from", "101", "--to", "102"];
    for words in [&moving[..], &["vip", "clear"]] {
        let shown = [words, &["-d", DOMAIN, "--dry-run", "--json"]].concat();
        let shown = home.run(&shown).await.json();
        let plan = shown["plan_id"].as_str().unwrap();
        let apply = ["vip", "import", "-d", DOMAIN, "--plan", plan, "--yes"];
        let applied = home.run(&[&apply[..], &["--json"]].concat()).await.json();
        assert_eq!(applied["status"], "applied", "{applied}");
        assert_eq!(applied["plan"], shown["plan"]);
    }
}

#[tokio::test]
async fn a_move_that_is_cut_off_and_continued_keeps_notes_and_last_days() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add_guest(&app).await;
    let (moving, channel) = (moving("101", "102"), Channel::Given);
    let stopped = ask(&app, &moving, None, &channel, &Watch::stopping_at(0)).await;
    let stopped = stopped.map(done).unwrap();
    assert_eq!(stopped.status, SyncStatus::Cancelled, "{stopped:?}");
    assert_eq!(bench.rings(DENTAL, GUEST).unwrap(), "101");
    let rest = SyncVips {
        resume: Some("last".to_owned()),
        ..args(SyncMode::Merge)
    };
    let continued = without_list(&app, &rest, &channel).await;
    assert_eq!(continued.status, SyncStatus::Applied, "{continued:?}");
    assert_eq!(bench.rings(DENTAL, GUEST).unwrap(), "102");
    let kept = (Some("Dr. Ames".to_owned()), Some(next_week()));
    assert_eq!(kept_of_guest(&app).await, kept);
}
