//! What dial plans prove of the dial translation rule where nobody knows where
//! the service keeps it, and what `status` says where they cannot be read.

use skyswitch_mcp::app::App;
use skyswitch_mcp::config::{Credentials, PbxLogin, TrustDialPlan};
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    PageSize, Progress, SetupStatus, StatusQuery, StepState, onboarding_status,
};
use skyswitch_mcp::redact::Secret;
use skyswitch_mcp::sandbox::{
    DialPlanAccess, Fault, Outcome, PbxHabits, StoredDialRule, StoredNumber, StoredSubscriber,
    Tenant,
};

use crate::support::customer::{
    ACME, DID, PbxApi, app_with, assert_nothing_dangerous, attest, checklist, made, onboard,
    onboarding, open, prepared, state,
};
use crate::support::process::{Home, demo_sandbox};
use crate::support::{Bench, DENTAL, LEGAL};

struct Quiet;

impl Progress for Quiet {
    fn report(&self, _: usize, _: usize, _: &str) {}
}

/// An application of which nobody said how far dial plans are to be trusted.
fn by_default(bench: &Bench, api: PbxApi) -> App {
    app_with(bench, api, |settings| {
        settings.trust_dial_plan = TrustDialPlan::default();
    })
}

fn readable() -> PbxHabits {
    PbxHabits::default().dial_plan(DialPlanAccess::Read)
}

/// A customer whose number goes to the Route by ANI user.
fn routed(rules: &[StoredDialRule]) -> Tenant {
    let mut tenant = prepared(readable());
    tenant.numbers = vec![StoredNumber::to_user(DID, ACME, "9000")];
    rules
        .iter()
        .fold(tenant, |tenant, rule| tenant.dial_rule(rule.clone()))
}

fn in_own_plan(rule: StoredDialRule) -> StoredDialRule {
    StoredDialRule {
        plan: format!("{ACME}_9000"),
        ..rule
    }
}

fn to_front_desk() -> StoredDialRule {
    StoredDialRule::fallback(ACME, "100")
}

async fn rule_state(app: &App) -> StepState {
    state(&checklist(app).await.steps, "dial_translation_rule")
}

async fn status(app: &App) -> SetupStatus {
    onboarding_status(app, &StatusQuery::default(), PageSize::All, &Quiet)
        .await
        .unwrap()
}

#[tokio::test]
async fn the_plan_of_the_user_decides_before_that_of_the_domain() {
    let hangup = StoredDialRule {
        application: "hangup".to_owned(),
        ..to_front_desk()
    };
    for api in [PbxApi::V1, PbxApi::V2] {
        let rules = [in_own_plan(to_front_desk()), hangup.clone()];
        let bench = Bench::with(routed(&rules)).await;
        assert_eq!(rule_state(&by_default(&bench, api)).await, StepState::Done);

        let rules = [in_own_plan(hangup.clone()), to_front_desk()];
        let bench = Bench::with(routed(&rules)).await;
        assert_eq!(rule_state(&by_default(&bench, api)).await, StepState::Todo);

        // It only chains on to the domain's, where the rule is.
        let bench = Bench::with(routed(&[to_front_desk()])).await;
        assert_eq!(rule_state(&by_default(&bench, api)).await, StepState::Done);
    }
}

#[tokio::test]
async fn a_plan_that_another_chains_to_is_read_too() {
    let chain = StoredDialRule {
        application: "<shared>".to_owned(),
        match_to: "*".to_owned(),
        match_from: "sip:*@*".to_owned(),
        ..to_front_desk()
    };
    let shared = StoredDialRule {
        plan: "shared".to_owned(),
        ..to_front_desk()
    };
    let mut tenant = routed(&[chain, shared]);
    for domain in &mut tenant.domains {
        domain.dial_plans.push("shared".to_owned());
    }
    let bench = Bench::with(tenant).await;
    for api in [PbxApi::V1, PbxApi::V2] {
        assert_eq!(rule_state(&by_default(&bench, api)).await, StepState::Done);
    }
}

#[tokio::test]
async fn a_plan_without_the_rule_contradicts_nobody_on_a_host_that_never_showed_one() {
    let bench = Bench::with(routed(&[])).await;
    let app = by_default(&bench, PbxApi::V2);
    assert_eq!(rule_state(&app).await, StepState::Unknown);
    let table = status(&app).await;
    assert_eq!((table.alarms, table.dropping), (1, 0), "{table:?}");
    attest(&app, "dial_translation_rule").await;
    assert_eq!(status(&app).await.alarms, 0);

    // Once the host has shown one, its absence counts.
    bench.sandbox.add_dial_rule(to_front_desk());
    assert_eq!(rule_state(&app).await, StepState::Done);
    bench.sandbox.remove_dial_rules(ACME);
    assert_eq!(rule_state(&app).await, StepState::Todo);
    assert_eq!(status(&app).await.dropping, 1);

    // A list without any rule is no plan that works.
    let plan = format!("/dialplans/{ACME}/dialrules");
    let empty = Fault::status("GET", &plan, 200).body("[]", "application/json");
    bench.sandbox.inject(empty.times(9));
    assert_eq!(rule_state(&app).await, StepState::Attested);
}

#[tokio::test]
async fn what_one_customer_shows_counts_for_all_of_the_same_table() {
    let bench = Bench::demo().await;
    let table = status(&by_default(&bench, PbxApi::V2)).await;
    assert_eq!((table.alarms, table.dropping), (1, 1), "{table:?}");
}

#[tokio::test]
async fn a_rule_in_another_spelling_or_with_dates_is_not_missing() {
    let rules = |fields: &str| {
        format!(
            r#"[{{"domain": "{ACME}", "dialplan": "{ACME}", {fields}, "responder": "sip:start@to-user",
                  "to_user": "100", "to_host": "<OwnDomain>", "enable": "yes"}}]"#
        )
    };
    let found = async |fields: &str| {
        let bench = Bench::with(routed(&[])).await;
        bench
            .sandbox
            .set_pbx_habits(readable().without_user_dial_plans());
        let app = app_with(&bench, PbxApi::V1, |_| ());
        let answer = Fault::status("POST", "object=dialrule", 200);
        let answer = answer.body(&rules(fields), "application/json").times(9);
        bench.sandbox.inject(answer);
        rule_state(&app).await
    };
    let rule = r#""matchrule": "route_by_ani", "match_from": "*""#;
    let with = |dates: &str| format!("{rule}, {dates}");
    assert_eq!(
        found(r#""match-rule": "route_by_ani""#).await,
        StepState::Unknown
    );
    let begun = with(r#""valid_from": "2018-01-01 00:00:00", "valid_to": "*""#);
    assert_eq!(found(&begun).await, StepState::Done);
    for dates in [
        r#""valid_from": "2018-01-01", "valid_to": "2038-01-01""#,
        r#""valid_from": "2038-01-01""#,
        r#""dow": "mon-fri""#,
    ] {
        assert_eq!(found(&with(dates)).await, StepState::Unknown, "{dates}");
    }
}

#[tokio::test]
async fn the_names_of_the_first_generation_are_known() {
    for (application, to_host) in [
        ("to-user-resi", "<OwnDomain>"),
        ("Residential VMail", ACME),
        ("call-queuing", "[*]"),
    ] {
        let rule = StoredDialRule {
            application: application.to_owned(),
            to_host: to_host.to_owned(),
            ..to_front_desk()
        };
        let bench = Bench::with(routed(&[rule])).await;
        let found = rule_state(&by_default(&bench, PbxApi::V1)).await;
        assert_eq!(found, StepState::Done, "{application}");
    }
}

#[tokio::test]
async fn a_system_user_is_hidden_and_not_nobody() {
    let tenant = routed(&[StoredDialRule::fallback(ACME, "150")])
        .subscriber(StoredSubscriber::system(ACME, "150", "Front Desk").devices(&["150a"]));
    let bench = Bench::with(tenant).await;
    let app = by_default(&bench, PbxApi::V2);
    assert_eq!(rule_state(&app).await, StepState::Done);
    assert_eq!(status(&app).await.alarms, 0);
}

#[tokio::test]
async fn a_queue_is_written_as_a_queue() {
    for api in [PbxApi::V1, PbxApi::V2] {
        let queue = StoredSubscriber {
            srv_code: "system-queue".to_owned(),
            ..StoredSubscriber::system(ACME, "2000", "Reception")
        };
        let bench = Bench::with(prepared(open()).subscriber(queue)).await;
        let app = app_with(&bench, api, |settings| {
            settings.trust_dial_plan = TrustDialPlan::default();
            settings.allow_dial_plan_changes = true;
        });
        let mut args = onboarding();
        args.fallback_destination = Some("2000".parse().unwrap());
        let outcome = onboard(&app, &args, &Channel::Given).await.unwrap();
        assert_eq!(made(&outcome), ["dial_translation_rule"], "{outcome:?}");
        let outcome = onboard(&app, &args, &Channel::Given).await.unwrap();
        assert_eq!(made(&outcome), ["route_did"], "{outcome:?}");
        let rings = bench.sandbox.who_rings(DID, "16165550999");
        assert_eq!(rings, Outcome::Rings("2000".to_owned()), "{api:?}");
        assert_nothing_dangerous(&bench);
    }
}

#[tokio::test]
async fn a_login_that_expired_hides_no_alarm_and_loses_no_number() {
    let bench = Bench::demo().await;
    status(&by_default(&bench, PbxApi::V2)).await;
    let expired = app_with(&bench, PbxApi::V2, |settings| {
        settings.trust_dial_plan = TrustDialPlan::default();
        if let Some(Ok(pbx)) = &mut settings.pbx {
            let login = Credentials {
                password: Secret::new("expired"),
                ..crate::support::customer::pbx_login()
            };
            pbx.login = PbxLogin::Password(login.into());
        }
    });
    bench.sandbox.clear_requests();
    let query = StatusQuery {
        fresh: Some(true),
        ..StatusQuery::default()
    };
    let table = onboarding_status(&expired, &query, PageSize::All, &Quiet)
        .await
        .unwrap();
    let row = |domain: &str| {
        let mut rows = table.customers.iter();
        rows.find(|row| row.domain == domain).unwrap()
    };
    assert_eq!((table.alarms, table.unverified), (0, 2), "{table:?}");
    for domain in [DENTAL, LEGAL] {
        assert!(row(domain).unverified, "{:?}", row(domain));
        assert_eq!(row(domain).dids.len(), 1);
        assert!(row(domain).waits_for.contains("pbx_password"));
    }
    let logins = bench.sandbox.requests();
    let logins = logins.iter().filter(|r| r.path.contains("/oauth2/token"));
    assert!(
        logins.count() <= 2,
        "a login that is refused is not tried for each customer"
    );
}

#[tokio::test]
async fn the_exit_code_of_status_tells_of_alarms() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let printed = home.run(&["status"]).await;
    assert_eq!(printed.code, 5, "{printed:?}");
    let printed = home.run(&["status", "--query", "bakery"]).await;
    assert_eq!(printed.code, 0, "{printed:?}");
    sandbox.inject(Fault::status("GET", "domain=sunrisebakery", 500).times(99));
    let printed = home.run(&["status", "--query", "bakery"]).await;
    assert_eq!(printed.code, 6, "{printed:?}");
}
