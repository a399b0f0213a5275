//! What a trial with a caller that nobody has settles of how VIP rules are
//! written, and that nothing of it stays.

use std::time::Duration;

use skyswitch_mcp::app::App;
use skyswitch_mcp::config::Limits;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::{Answer, Channel, FactKind};
use skyswitch_mcp::ops::{
    CheckState, ListChanges, PageSize, RemoveVipStatus, WriteProbe, WriteProbeOutcome,
    WriteProbeStatus, doctor, list_changes, write_probe,
};
use skyswitch_mcp::sandbox::{EmptyList, Fault, RuleForm, StoredDnis, StoredRoute, Tenant};
use skyswitch_mcp::state::ChangeStatus;

use crate::support::process::{DOMAIN, Home, demo_sandbox, writes};
use crate::support::{
    Bench, CALLER, DENTAL, Person, VET, done, failure, list, listing, remove, removing, tenant_of,
};

const RULES: &str = "route-by-ani";

fn probing(domain: &str) -> WriteProbe {
    WriteProbe {
        domain: domain.parse().unwrap(),
        destination: "101".parse().unwrap(),
    }
}

/// Tries, with a person who agrees to two changes.
async fn probe(app: &App, domain: &str) -> WriteProbeOutcome {
    let person = Person::typing("2");
    let probed = write_probe(app, &probing(domain), &Channel::During(&person)).await;
    done(probed.unwrap())
}

fn learned<'a>(outcome: &'a WriteProbeOutcome, name: &str) -> Option<&'a str> {
    let mut facts = outcome.learned.iter();
    let fact = facts.find(|fact| fact.name == name)?;
    Some(&fact.value)
}

async fn bench_of(change: impl FnOnce(&mut Tenant)) -> Bench {
    let mut tenant = Tenant::demo();
    change(&mut tenant);
    Bench::with(tenant).await
}

#[tokio::test]
async fn a_write_probe_settles_how_rules_are_written_and_leaves_nothing_behind() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let before = bench.sandbox.routes();
    let person = Person::typing("2");
    let probed = write_probe(&app, &probing(DENTAL), &Channel::During(&person)).await;
    let outcome = done(probed.unwrap());
    assert_eq!(outcome.status, WriteProbeStatus::Probed, "{outcome:?}");
    assert_eq!(outcome.warnings, Vec::<String>::new());
    assert_eq!(bench.sandbox.routes(), before);
    assert_eq!(learned(&outcome, "put_answer"), Some("HTTP 201, no body"));
    assert_eq!(
        learned(&outcome, "delete_answer"),
        Some("HTTP 204, no body")
    );
    assert_eq!(
        learned(&outcome, "stored_ani"),
        Some("as they are sent (1NNNNNNNNNN)")
    );
    assert_eq!(
        learned(&outcome, "stored_dnis"),
        Some("as they are sent (1NNNNNNNNNN)")
    );
    assert_eq!(
        learned(&outcome, "stored_destination"),
        Some("as they are sent (NNN)")
    );
    assert_eq!(learned(&outcome, "delete_without_dnis"), Some("narrow"));
    assert_eq!(learned(&outcome, "not_found_is_empty_list"), None);
    let sent = bench.sent();
    assert!(sent.len() <= 11, "{sent:?}");
    for request in bench.sandbox.requests() {
        let caller = request.parameter("ani").unwrap_or("12025550199");
        assert_eq!(caller, "12025550199", "{request:?}");
    }
    let shown = person.shown()[0].text();
    assert!(shown.contains("nobody has this caller's number"), "{shown}");
    let changes = list_changes(&app, &ListChanges::default(), PageSize::All)
        .await
        .unwrap();
    let told: Vec<_> = changes
        .changes
        .iter()
        .map(|row| (row.operation.as_str(), row.status))
        .collect();
    assert_eq!(told, [("write_probe", ChangeStatus::Done); 4]);
    // Another process on this machine knows it, too.
    let diagnosis = doctor(&bench.app()).await;
    let check = diagnosis
        .checks
        .iter()
        .find(|check| check.id == "learned")
        .unwrap();
    assert_eq!(check.state, CheckState::Ok);
    assert!(
        check
            .detail
            .contains("leaves the caller's other rules alone"),
        "{check:?}"
    );
}

#[tokio::test]
async fn a_write_probe_removes_what_it_created_also_where_no_flag_agrees() {
    let bench = Bench::demo().await;
    let app = bench.app_with(|settings| settings.limits.no_flag_agrees = true);
    let before = bench.sandbox.routes();
    let person = Person::typing("2");
    let probed = write_probe(&app, &probing(DENTAL), &Channel::During(&person)).await;
    let outcome = done(probed.unwrap());
    assert_eq!(outcome.status, WriteProbeStatus::Probed, "{outcome:?}");
    assert_eq!(outcome.warnings, Vec::<String>::new());
    assert_eq!(bench.sandbox.routes(), before);
}

#[tokio::test]
async fn a_removal_that_is_known_to_be_narrow_warns_of_no_other_rules() {
    let one = StoredRoute::new(DENTAL, CALLER, "102").dnis(StoredDnis::number("16165550100"));
    let bench = Bench::with(tenant_of(&[(CALLER, "101")]).route(one)).await;
    let app = bench.app();
    let mut args = removing(CALLER, DENTAL);
    args.dnis = Some("*".parse().unwrap());
    let at_risk = async || {
        let person = Person::answering(Answer::NoAnswer);
        let removed = remove(&app, &args, &Channel::During(&person))
            .await
            .unwrap();
        assert_eq!(removed.status, RemoveVipStatus::NoAnswer);
        person.shown()[0].fact(FactKind::MayBeRemoved).is_some()
    };
    assert!(at_risk().await, "nobody knows");
    let outcome = probe(&app, DENTAL).await;
    assert_eq!(
        learned(&outcome, "delete_without_dnis"),
        Some("narrow"),
        "{outcome:?}"
    );
    assert!(!at_risk().await, "it is known");
}

#[tokio::test]
async fn a_delete_that_takes_other_rules_along_is_found_out() {
    let bench = bench_of(|tenant| tenant.delete_without_dnis_removes_all = true).await;
    let app = bench.app();
    let before = bench.sandbox.routes();
    let outcome = probe(&app, DENTAL).await;
    assert_eq!(outcome.status, WriteProbeStatus::Probed, "{outcome:?}");
    assert_eq!(learned(&outcome, "delete_without_dnis"), Some("wide"));
    assert_eq!(bench.sandbox.routes(), before);
}

#[tokio::test]
async fn other_forms_and_late_lists_are_told_as_they_are() {
    let bench = bench_of(|tenant| tenant.stores = RuleForm::TenDigits).await;
    let before = bench.sandbox.routes();
    let outcome = probe(&bench.app(), DENTAL).await;
    assert_eq!(outcome.status, WriteProbeStatus::Probed, "{outcome:?}");
    let ten = "as NNNNNNNNNN where 1NNNNNNNNNN is sent";
    assert_eq!(learned(&outcome, "stored_ani"), Some(ten));
    assert_eq!(bench.sandbox.routes(), before);

    let bench = bench_of(|tenant| tenant.stores = RuleForm::ToUser("john")).await;
    let before = bench.sandbox.routes();
    let outcome = probe(&bench.app(), DENTAL).await;
    assert_eq!(
        learned(&outcome, "stored_destination"),
        Some("as word where NNN is sent")
    );
    assert_eq!(bench.sandbox.routes(), before);

    let bench = bench_of(|tenant| tenant.read_lag = Duration::from_millis(700)).await;
    let before = bench.sandbox.routes();
    let outcome = probe(&bench.app(), DENTAL).await;
    assert_eq!(outcome.status, WriteProbeStatus::Probed, "{outcome:?}");
    let lag: u64 = learned(&outcome, "read_back_lag_ms")
        .unwrap()
        .parse()
        .unwrap();
    assert!((300..20_000).contains(&lag), "{lag}");
    assert_eq!(learned(&outcome, "delete_without_dnis"), Some("narrow"));
    assert_eq!(bench.sandbox.routes(), before);
}

#[tokio::test]
async fn a_list_that_is_not_found_while_it_is_empty_is_learned_and_read_from_then_on() {
    let bench = Bench::with(tenant_of(&[]).empty_list(EmptyList::NotFound)).await;
    failure(list(&bench.app(), &listing(DENTAL)).await, Code::NotFound);
    let outcome = probe(&bench.app(), DENTAL).await;
    assert_eq!(outcome.status, WriteProbeStatus::Probed, "{outcome:?}");
    assert_eq!(learned(&outcome, "not_found_is_empty_list"), Some("yes"));
    assert_eq!(bench.sandbox.routes(), []);
    let app = bench.app();
    assert_eq!(list(&app, &listing(DENTAL)).await.unwrap().total, 0);
    failure(list(&app, &listing(VET)).await, Code::NotFound);
}

#[tokio::test]
async fn what_was_created_is_removed_whatever_fails_after_it() {
    // The second rule is refused.
    let bench = Bench::demo().await;
    let before = bench.sandbox.routes();
    bench.sandbox.inject(Fault::pass("PUT", RULES));
    bench.sandbox.inject(Fault::status("PUT", RULES, 403));
    let outcome = probe(&bench.app(), DENTAL).await;
    assert_eq!(outcome.status, WriteProbeStatus::Probed, "{outcome:?}");
    assert!(!outcome.warnings.is_empty());
    assert_eq!(learned(&outcome, "delete_without_dnis"), None);
    assert_eq!(bench.count("DELETE"), 1);
    assert_eq!(bench.sandbox.routes(), before);

    // The answers to both are lost.
    let bench = Bench::demo().await;
    let before = bench.sandbox.routes();
    bench
        .sandbox
        .inject(Fault::drop_after("PUT", RULES).times(2));
    let outcome = probe(&bench.app(), DENTAL).await;
    assert_eq!(outcome.status, WriteProbeStatus::Probed, "{outcome:?}");
    assert_eq!(bench.sandbox.routes(), before);

    // Nothing can be removed: what is left is named, with the command.
    let bench = Bench::demo().await;
    bench
        .sandbox
        .inject(Fault::status("DELETE", RULES, 403).times(99));
    let outcome = probe(&bench.app(), DENTAL).await;
    assert_eq!(outcome.status, WriteProbeStatus::Incomplete, "{outcome:?}");
    assert_eq!(outcome.left.len(), 2, "{outcome:?}");
    let command =
        "skyswitch vip remove --ani 12025550199 --domain lakesidedental.12345.service --dnis";
    assert!(
        outcome.left.iter().all(|left| left.contains(command)),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_probe_is_refused_like_any_change() {
    let bench = Bench::demo().await;
    let person = Person::typing("2");
    let during = &Channel::During(&person);
    let refused = async |app: App, domain: &str, code| {
        let refused = write_probe(&app, &probing(domain), during).await;
        failure(refused.map(|_| ()), code)
    };
    refused(
        bench.app_with(|settings| settings.read_only = true),
        DENTAL,
        Code::ReadOnly,
    )
    .await;
    let limited = |limits: Limits| bench.app_with(|settings| settings.limits = limits);
    let elsewhere = Limits {
        allowed_domains: Some(vec![VET.parse().unwrap()]),
        ..Limits::default()
    };
    refused(limited(elsewhere), DENTAL, Code::Blocked).await;
    let too_few = Limits {
        max_changes_per_hour: Some(3),
        ..Limits::default()
    };
    refused(limited(too_few), DENTAL, Code::Blocked).await;
    refused(bench.app(), "nobody.12345.service", Code::NotFound).await;
    let unsure = Person::typing("3");
    let declined = write_probe(&bench.app(), &probing(DENTAL), &Channel::During(&unsure)).await;
    assert_eq!(done(declined.unwrap()).status, WriteProbeStatus::WrongValue);
    bench.age_declines(60);
    bench.assert_nothing_written();
    // The first rule is refused: nothing was created.
    bench
        .sandbox
        .inject(Fault::status("PUT", RULES, 403).times(99));
    refused(bench.app(), DENTAL, Code::Forbidden).await;
    assert_eq!(bench.count("DELETE"), 0);
}

#[tokio::test]
async fn the_command_asks_at_a_terminal_and_shows_what_it_learned() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let arguments = [
        "doctor",
        "--write-probe",
        "--domain",
        DOMAIN,
        "--destination",
        "101",
    ];
    let ran = home.run(&arguments).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert_eq!(writes(&sandbox), []);
    let without = home
        .run(&["doctor", "--write-probe", "--domain", DOMAIN])
        .await;
    assert_eq!(without.code, 2, "{without:?}");
    let asked = Some(("to decline", "2"));
    let Some(ran) = home.run_at_terminal(&arguments, asked).await else {
        return eprintln!("not tried: `script` of util-linux, which gives a terminal, is missing");
    };
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.stdout.contains("everything is removed again"),
        "{ran:?}"
    );
    assert!(ran.stdout.contains("Learned: "), "{ran:?}");
}

#[tokio::test]
async fn what_a_probe_may_still_create_is_named_although_no_list_shows_it() {
    // The answers to the second rule are lost, and so is the rule, for all that is known.
    let bench = Bench::demo().await;
    bench.sandbox.inject(Fault::pass("PUT", RULES));
    let lost = Fault::status("PUT", RULES, 504).times(99);
    bench.sandbox.inject(lost);
    let outcome = probe(&bench.app(), DENTAL).await;
    assert_eq!(outcome.status, WriteProbeStatus::Incomplete, "{outcome:?}");
    assert_eq!(outcome.left.len(), 2, "{outcome:?}");
}

#[tokio::test]
async fn the_doctor_tells_of_what_an_interrupted_probe_left_and_how_to_remove_it() {
    let bench = Bench::demo().await;
    let check = async || {
        let diagnosis = doctor(&bench.app()).await;
        let mut checks = diagnosis.checks.into_iter();
        checks.find(|check| check.id == "write_probe")
    };
    assert!(check().await.is_none());
    probe(&bench.app(), DENTAL).await;
    assert!(check().await.is_none());
    // Whatever ended it: neither rule was removed.
    let kept = Fault::status("DELETE", RULES, 403).times(2);
    bench.sandbox.inject(kept);
    probe(&bench.app(), DENTAL).await;
    let left = check().await.unwrap();
    assert_eq!(left.state, CheckState::Warning, "{left:?}");
    let fix = left.fix.unwrap();
    for dnis in ["'*'", "'12025550100'"] {
        let command =
            format!("skyswitch vip remove --ani 12025550199 --domain {DENTAL} --dnis {dnis}");
        assert!(fix.contains(&command), "{fix}");
    }
    // Another probe does not hide it.
    probe(&bench.app(), DENTAL).await;
    assert!(check().await.is_some());
    for dnis in ["*", "12025550100"] {
        let mut args = removing("12025550199", DENTAL);
        args.dnis = Some(dnis.parse().unwrap());
        remove(&bench.app(), &args, &Channel::Given).await.unwrap();
    }
    assert!(check().await.is_none());
}

#[tokio::test]
async fn a_probe_says_all_that_it_changes_and_what_it_cannot_show() {
    let bench = Bench::demo().await;
    let person = Person::typing("2");
    let probed = write_probe(&bench.app(), &probing(DENTAL), &Channel::During(&person)).await;
    let shown = person.shown()[0].text();
    assert!(shown.contains("The 2 rules that are added here"), "{shown}");
    assert!(shown.contains("the journal then has 4 changes"), "{shown}");
    let outcome = done(probed.unwrap());
    let not_tried = outcome.not_tried.join("\n");
    assert!(not_tried.contains("a customer without any"), "{not_tried}");
    let bench = Bench::with(tenant_of(&[])).await;
    assert_eq!(probe(&bench.app(), DENTAL).await.not_tried, [""; 0]);
}
