//! Which dial rules prove that callers without a VIP rule ring somewhere, and
//! which destinations they may be sent to.

use skyswitch_mcp::config::{Credentials, PbxLogin};
use skyswitch_mcp::domain::SetupStep;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    OnboardDomain, OnboardStatus, SetupChecklist, StepState, mark_setup_step, setup_checklist,
};
use skyswitch_mcp::redact::Secret;
use skyswitch_mcp::sandbox::{DialPlanAccess, Fault, PbxHabits, StoredDialRule};

use crate::support::customer::{
    ACME, PbxApi, app_on, app_with, assert_nothing_dangerous, attest, checklist, closed, made,
    marking, onboard, onboarding, open, prepared, state,
};
use crate::support::process::{Home, demo_sandbox};
use crate::support::{Bench, DENTAL, Person, failure};

fn readable() -> PbxHabits {
    PbxHabits::default().dial_plan(DialPlanAccess::Read)
}

fn to_front_desk() -> StoredDialRule {
    StoredDialRule::fallback(ACME, "100")
}

#[tokio::test]
async fn a_rule_for_some_callers_is_no_fallback() {
    let from = |pattern: &str| StoredDialRule {
        match_from: pattern.to_owned(),
        ..to_front_desk()
    };
    for api in [PbxApi::V1, PbxApi::V2] {
        for (pattern, expected) in [
            ("sip:*@10.0.0.9", StepState::Todo),
            ("sip:616*@*", StepState::Todo),
            ("sip:*@*", StepState::Done),
            ("*", StepState::Done),
        ] {
            let bench = Bench::with(prepared(readable()).dial_rule(from(pattern))).await;
            let list = checklist(&app_on(&bench, api)).await;
            let found = state(&list.steps, "dial_translation_rule");
            assert_eq!(found, expected, "{api:?} {pattern}");
        }
    }
}

#[tokio::test]
async fn two_rules_that_contradict_each_other_have_to_be_attested() {
    let hangup = StoredDialRule {
        application: "hangup".to_owned(),
        match_from: "sip:*@*".to_owned(),
        ..to_front_desk()
    };
    for rules in [
        [to_front_desk(), hangup.clone()],
        [hangup.clone(), to_front_desk()],
    ] {
        let tenant = rules
            .into_iter()
            .fold(prepared(readable()), |tenant, rule| tenant.dial_rule(rule));
        let bench = Bench::with(tenant).await;
        let app = app_on(&bench, PbxApi::V2);
        let list = checklist(&app).await;
        assert_eq!(
            state(&list.steps, "dial_translation_rule"),
            StepState::Unknown,
            "{list:?}"
        );
        let outcome = onboard(&app, &onboarding(), &Channel::Given).await.unwrap();
        assert_eq!(made(&outcome), [""; 0]);
        attest(&app, "dial_translation_rule").await;
    }
}

#[tokio::test]
async fn no_rule_is_made_that_rings_nobody() {
    let bench = Bench::with(prepared(open())).await;
    let app = app_with(&bench, PbxApi::V2, |s| s.allow_dial_plan_changes = true);
    for nobody in ["domain", "9000"] {
        let args = OnboardDomain {
            fallback_destination: Some(nobody.parse().unwrap()),
            ..onboarding()
        };
        let refused = onboard(&app, &args, &Channel::Given).await;
        let refused = failure(refused, Code::InvalidArgument);
        let field = refused.detail().field.as_deref();
        assert_eq!(field, Some("fallback_destination"), "{refused}");
    }
    bench.assert_nothing_written();
}

#[tokio::test]
async fn the_ani_user_is_known_in_any_letters() {
    let tenant = crate::support::customer::customer(open());
    let bench = Bench::with(tenant).await;
    let app = app_with(&bench, PbxApi::V2, |s| s.allow_dial_plan_changes = true);
    let mut args = onboarding();
    args.fallback_destination = None;
    onboard(&app, &args, &Channel::Given).await.unwrap();
    args.fallback_destination = Some("ROUTE_BY_ANI".parse().unwrap());
    let refused = onboard(&app, &args, &Channel::Given).await;
    failure(refused, Code::InvalidArgument);
}

#[tokio::test]
async fn a_doubtful_fallback_destination_is_told_before_the_ticket_is_sent() {
    let bench = Bench::with(prepared(readable())).await;
    let app = app_on(&bench, PbxApi::V2);
    let args = |fallback: &str| SetupChecklist {
        domain: ACME.parse().unwrap(),
        account_id: None,
        did: None,
        fallback_destination: Some(fallback.parse().unwrap()),
    };
    let list = setup_checklist(&app, &args("110")).await.unwrap();
    let warning = list.warnings.join("\n");
    assert!(warning.contains("who does not exist"), "{warning}");
    assert!(warning.contains("100 (Front Desk)"), "{warning}");
    let list = setup_checklist(&app, &args("101")).await.unwrap();
    assert!(list.warnings.is_empty(), "{list:?}");

    // A rule that exists and names somebody else.
    bench.sandbox.add_dial_rule(to_front_desk());
    let list = setup_checklist(&app, &args("101")).await.unwrap();
    assert!(list.warnings[0].contains("another destination"), "{list:?}");
    let planned = OnboardDomain {
        fallback_destination: Some("101".parse().unwrap()),
        dry_run: Some(true),
        ..onboarding()
    };
    let planned = onboard(&app, &planned, &Channel::Given).await.unwrap();
    assert_eq!(planned.status, OnboardStatus::Planned);
    let warned = planned.warnings.join("\n");
    assert!(warned.contains("another destination"), "{warned}");
}

#[tokio::test]
async fn whoever_is_refused_learns_of_the_setting_for_rules_kept_elsewhere() {
    let bench = Bench::with(prepared(readable())).await;
    let app = app_on(&bench, PbxApi::V2);
    let person = Person::typing(ACME);
    let marking = marking("dial_translation_rule");
    let refused = mark_setup_step(&app, &marking, &Channel::During(&person)).await;
    let refused = failure(refused, Code::InvalidArgument);
    assert!(refused.hint().contains("trust_dial_plan"), "{refused:?}");
    let list = checklist(&app).await;
    let step = list
        .steps
        .iter()
        .find(|step| step.id == SetupStep::DialTranslationRule);
    let action = step.unwrap().action.clone().unwrap();
    assert!(action.contains("trust_dial_plan"), "{action}");
}

#[tokio::test]
async fn users_that_cannot_be_read_just_now_raise_no_alarm() {
    let tenant = prepared(readable()).dial_rule(to_front_desk());
    let bench = Bench::with(tenant).await;
    let app = app_on(&bench, PbxApi::V2);
    let routed = onboard(&app, &onboarding(), &Channel::Given).await.unwrap();
    assert!(routed.ready, "{routed:?}");
    bench
        .sandbox
        .inject(Fault::status("GET", "/pbx/subscribers", 403).times(9));
    let list = checklist(&app).await;
    assert_eq!(
        state(&list.steps, "dial_translation_rule"),
        StepState::Unknown
    );
    let warning = list.warning.unwrap();
    assert!(!warning.contains("ALARM"), "{warning}");
}

#[tokio::test]
async fn a_login_that_fails_brings_no_contradicted_word_back() {
    let bench = Bench::with(prepared(closed())).await;
    attest(&app_on(&bench, PbxApi::V2), "dial_translation_rule").await;
    // Now the dial plan can be read, and contradicts what was attested.
    bench.sandbox.set_pbx_habits(readable());
    let expired = app_with(&bench, PbxApi::V2, |settings| {
        if let Some(Ok(pbx)) = &mut settings.pbx {
            let login = Credentials {
                password: Secret::new("expired"),
                ..crate::support::customer::pbx_login()
            };
            pbx.login = PbxLogin::Password(login.into());
        }
    });
    for app in [app_on(&bench, PbxApi::V2), expired] {
        let outcome = onboard(&app, &onboarding(), &Channel::Given).await.unwrap();
        assert_eq!(made(&outcome), [""; 0], "{outcome:?}");
        let found = state(&outcome.steps, "dial_translation_rule");
        assert_ne!(found, StepState::Attested, "{outcome:?}");
    }
    assert_nothing_dangerous(&bench);
}

#[tokio::test]
async fn an_action_that_is_not_known_is_not_called_the_end_of_the_call() {
    let unknown = StoredDialRule {
        application: "to-somewhere-new".to_owned(),
        to_user: String::new(),
        ..to_front_desk()
    };
    let bench = Bench::with(prepared(readable()).dial_rule(unknown)).await;
    let list = checklist(&app_on(&bench, PbxApi::V2)).await;
    let found = state(&list.steps, "dial_translation_rule");
    assert_eq!(found, StepState::Unknown, "{list:?}");
}

#[tokio::test]
async fn doubts_are_printed_too() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let checklist = ["checklist", "--domain", DENTAL, "--fallback-destination"];
    let printed = home.run(&[&checklist[..], &["1O0"]].concat()).await;
    assert!(printed.stdout.contains("who does not exist"), "{printed:?}");
    let printed = home.run(&[&checklist[..], &["100"]].concat()).await;
    assert!(
        !printed.stdout.contains("who does not exist"),
        "{printed:?}"
    );
}
