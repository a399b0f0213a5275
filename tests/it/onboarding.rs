//! A customer is set up from nothing to ready, in the one order that drops
//! nobody: through either generation of the PBX API, without it, with faults
//! and crashes in between, and whatever order an eager caller tries.

use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use skyswitch_mcp::app::App;
use skyswitch_mcp::config::{ConfirmMode, Settings, TrustDialPlan};
use skyswitch_mcp::domain::SetupStep;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::{Channel, Settled};
use skyswitch_mcp::ops::{
    ListChanges, MarkSetupStep, MarkStatus, OnboardDomain, OnboardStatus, OnboardSteps, PageSize,
    PieceState, SetupChecklist, StepState, UndoChange, UndoStatus, list_changes, mark_setup_step,
    onboard_domain, setup_checklist, undo_change,
};
use skyswitch_mcp::sandbox::{
    self, DialPlanAccess, Fault, Outcome, PbxHabits, StoredAnsweringRule, StoredDialRule,
    StoredNumber, StoredSubscriber, Tenant, V2Version,
};

use crate::support::customer::{
    ACME, DID, PbxApi, app_on, app_with, assert_nothing_dangerous, attest, checklist, closed,
    customer, is_left, made, marking, onboard, onboarding, open, prepared, state,
};
use crate::support::{Bench, Person, done, failure, first_call, nobody, question, second_call};

const STRANGER: &str = "16165550190";

#[tokio::test]
async fn a_customer_becomes_ready_with_the_ticket_attested_in_between() {
    for (api, habits) in [
        (PbxApi::V1, closed()),
        (PbxApi::V1, closed().new_user_has_answering_rule()),
        (PbxApi::V1, closed().single_record_as_object()),
        (PbxApi::V2, closed()),
        (PbxApi::V2, closed().new_user_has_answering_rule()),
        (PbxApi::V2, closed().v2_version(V2Version::V44)),
        (PbxApi::V2WithKey, closed()),
    ] {
        let bench = Bench::with(customer(habits)).await;
        let app = app_on(&bench, api);
        let args = onboarding();
        let agrees = Person::typing(ACME);
        let first = onboard(&app, &args, &Channel::During(&agrees))
            .await
            .unwrap();
        assert_eq!(first.status, OnboardStatus::Applied, "{api:?} {first:?}");
        assert_eq!(made(&first), ["route_by_ani_user", "route_by_ani_user"]);
        assert!(!is_left(&first, "route_by_ani_user"));
        assert_eq!(first.next_step, Some(SetupStep::DialTranslationRule));
        assert!(
            first.support_ticket.is_some(),
            "the ticket is there to send"
        );
        assert!(
            agrees.shown()[0]
                .text()
                .contains("no device, voicemail off")
        );

        // Called again, nothing can be done before the rule is known.
        let waiting = onboard(&app, &args, &Channel::Given).await.unwrap();
        assert_eq!(waiting.status, OnboardStatus::Unchanged);
        assert!(
            waiting
                .warnings
                .iter()
                .any(|w| w.contains("not touched before")),
            "{waiting:?}"
        );

        bench
            .sandbox
            .add_dial_rule(StoredDialRule::fallback(ACME, "100"));
        attest(&app, "dial_translation_rule").await;
        let types_did = Person::typing("(616) 555-0180");
        let routed = onboard(&app, &args, &Channel::During(&types_did))
            .await
            .unwrap();
        assert_eq!(routed.status, OnboardStatus::Applied, "{api:?} {routed:?}");
        assert_eq!(made(&routed), ["route_did"]);
        assert!(routed.ready, "{routed:?}");
        let shown = types_did.shown()[0].text().to_owned();
        assert!(shown.contains("calls go to Front Desk (100)"), "{shown}");
        assert!(shown.contains("ticket 48213"), "{shown}");

        let list = checklist(&app).await;
        assert!(list.ready, "{list:?}");
        assert!(list.support_ticket.is_none(), "it was sent and answered");
        assert!(routed.support_ticket.is_none(), "it was sent and answered");
        assert_eq!(
            state(&list.steps, "dial_translation_rule"),
            StepState::Attested
        );
        assert_eq!(
            bench.sandbox.who_rings(DID, STRANGER),
            Outcome::Rings("100".to_owned())
        );
        assert_nothing_dangerous(&bench);
    }
}

#[tokio::test]
async fn a_rule_that_can_be_read_is_verified_and_needs_no_word() {
    for api in [PbxApi::V1, PbxApi::V2] {
        let habits = PbxHabits::default().dial_plan(DialPlanAccess::Read);
        let bench = Bench::with(customer(habits)).await;
        let app = app_on(&bench, api);
        onboard(&app, &onboarding(), &Channel::Given).await.unwrap();
        let list = checklist(&app).await;
        assert_eq!(state(&list.steps, "dial_translation_rule"), StepState::Todo);

        // What is read outweighs what anybody says.
        let person = Person::typing(ACME);
        let marked = mark_setup_step(
            &app,
            &marking("dial_translation_rule"),
            &Channel::During(&person),
        )
        .await;
        let refused = failure(marked, Code::InvalidArgument);
        assert!(refused.to_string().contains("contradicts"), "{refused}");

        // A rule that is off, or sends callers to nobody, is no fallback.
        for bad in [
            StoredDialRule::fallback(ACME, "100").disabled(),
            StoredDialRule::fallback(ACME, "199"),
        ] {
            bench.sandbox.add_dial_rule(bad);
            let list = checklist(&app).await;
            assert_eq!(
                state(&list.steps, "dial_translation_rule"),
                StepState::Todo,
                "{list:?}"
            );
            bench.sandbox.remove_dial_rules(ACME);
        }

        bench
            .sandbox
            .add_dial_rule(StoredDialRule::fallback(ACME, "100"));
        let list = checklist(&app).await;
        assert_eq!(state(&list.steps, "dial_translation_rule"), StepState::Done);
        let routed = onboard(&app, &onboarding(), &Channel::Given).await.unwrap();
        assert!(routed.ready, "{api:?} {routed:?}");
        assert_nothing_dangerous(&bench);
    }
}

#[tokio::test]
async fn the_rule_is_created_only_behind_its_own_setting() {
    for (api, version) in [
        (PbxApi::V1, V2Version::V45),
        (PbxApi::V2, V2Version::V45),
        (PbxApi::V2, V2Version::V44),
    ] {
        let bench = Bench::with(customer(open().v2_version(version))).await;
        let off = app_on(&bench, api);
        let outcome = onboard(&off, &onboarding(), &Channel::Given).await.unwrap();
        assert_eq!(made(&outcome), ["route_by_ani_user", "route_by_ani_user"]);
        assert!(
            bench
                .sandbox
                .dial_rules()
                .iter()
                .all(|rule| rule.match_to == "*")
        );

        let on = app_with(&bench, api, |settings| {
            settings.allow_dial_plan_changes = true
        });
        let outcome = onboard(&on, &onboarding(), &Channel::Given).await.unwrap();
        assert_eq!(
            made(&outcome),
            ["dial_translation_rule"],
            "{api:?} {outcome:?}"
        );
        assert!(!is_left(&outcome, "dial_translation_rule"));
        let outcome = onboard(&on, &onboarding(), &Channel::Given).await.unwrap();
        assert_eq!(made(&outcome), ["route_did"]);
        assert!(outcome.ready);
        assert_nothing_dangerous(&bench);
    }
}

#[tokio::test]
async fn a_fallback_that_does_not_exist_or_is_the_ani_user_is_refused() {
    let bench = Bench::with(customer(open())).await;
    let app = app_with(&bench, PbxApi::V2, |s| s.allow_dial_plan_changes = true);
    let mut args = onboarding();
    args.fallback_destination = Some("199".parse().unwrap());
    let outcome = onboard(&app, &args, &Channel::Given).await.unwrap();
    assert!(
        outcome
            .warnings
            .join("\n")
            .contains("user 199 does not exist")
    );
    assert_eq!(made(&outcome), ["route_by_ani_user"; 2]);
    args.fallback_destination = Some("100@other.12345.service".parse().unwrap());
    failure(
        onboard(&app, &args, &Channel::Given).await,
        Code::InvalidArgument,
    );
    args.fallback_destination = None;
    onboard(&app, &args, &Channel::Given).await.unwrap();
    args.fallback_destination = Some("route_by_ani".parse().unwrap());
    failure(
        onboard(&app, &args, &Channel::Given).await,
        Code::InvalidArgument,
    );
    assert!(
        bench
            .sandbox
            .dial_rules()
            .iter()
            .all(|rule| rule.match_to == "*")
    );
}

#[tokio::test]
async fn without_the_pbx_api_the_portal_and_people_do_their_part() {
    let bench = Bench::with(customer(closed())).await;
    let app = app_on(&bench, PbxApi::NotConfigured);
    let outcome = onboard(&app, &onboarding(), &Channel::Given).await.unwrap();
    assert_eq!(outcome.status, OnboardStatus::Unchanged);
    assert!(
        outcome
            .warnings
            .iter()
            .any(|w| w.contains("by hand in the portal")),
        "{outcome:?}"
    );
    let user = outcome
        .steps
        .iter()
        .find(|s| s.id == SetupStep::RouteByAniUser)
        .unwrap();
    assert_eq!(user.state, StepState::Todo);
    assert!(
        user.action.as_ref().unwrap().contains("no device"),
        "{user:?}"
    );

    // Somebody makes the user in the portal; no API shows the rest of it.
    bench
        .sandbox
        .put_subscriber(StoredSubscriber::ani_user(ACME, "9000"));
    let list = checklist(&app).await;
    assert_eq!(state(&list.steps, "route_by_ani_user"), StepState::Unknown);
    attest(&app, "route_by_ani_user").await;
    bench
        .sandbox
        .add_dial_rule(StoredDialRule::fallback(ACME, "100"));
    attest(&app, "dial_translation_rule").await;
    let routed = onboard(&app, &onboarding(), &Channel::Given).await.unwrap();
    assert_eq!(made(&routed), ["route_did"]);
    assert!(routed.ready, "{routed:?}");
    assert_nothing_dangerous(&bench);
}

#[tokio::test]
async fn one_step_at_a_time_makes_only_the_next_one() {
    let bench = Bench::with(Tenant::empty().pbx(open())).await;
    let app = app_with(&bench, PbxApi::V1, |s| s.allow_domain_creation = true);
    let args = OnboardDomain {
        steps: Some(OnboardSteps::Next),
        did: None,
        ..onboarding()
    };
    let first = onboard(&app, &args, &Channel::Given).await.unwrap();
    assert_eq!(
        made(&first),
        ["create_domain"; 4],
        "the domain, its dial plan, its chain and its user: {first:?}"
    );
    let second = onboard(&app, &args, &Channel::Given).await.unwrap();
    assert_eq!(made(&second), ["route_by_ani_user"; 2], "{second:?}");
}

#[tokio::test]
async fn a_domain_is_created_only_behind_its_own_setting_and_by_its_name() {
    for api in [PbxApi::V1, PbxApi::V2] {
        let bench = Bench::with(
            Tenant::empty()
                .pbx(open())
                .retired_domain("old.12345.service"),
        )
        .await;
        let off = app_on(&bench, api);
        let outcome = onboard(&off, &onboarding(), &Channel::Given).await.unwrap();
        assert_eq!(outcome.status, OnboardStatus::Unchanged);
        assert!(
            outcome.warnings[0].contains("allow_domain_creation"),
            "{outcome:?}"
        );

        let app = app_with(&bench, api, |s| s.allow_domain_creation = true);
        let wrong = Person::typing("acme");
        let outcome = onboard(&app, &onboarding(), &Channel::During(&wrong))
            .await
            .unwrap();
        assert_eq!(outcome.status, OnboardStatus::WrongValue);
        bench.age_declines(60);
        assert!(wrong.shown()[0].text().contains("never be used again"));
        assert!(bench.sandbox.domains().is_empty());

        let right = Person::typing("ACME.12345.service");
        let outcome = onboard(&app, &onboarding(), &Channel::During(&right))
            .await
            .unwrap();
        assert_eq!(
            outcome.status,
            OnboardStatus::Applied,
            "{api:?} {outcome:?}"
        );
        assert!(!is_left(&outcome, "create_domain"));
        assert_eq!(bench.sandbox.domains()[0].domain, ACME);

        let old = OnboardDomain {
            domain: "old.12345.service".parse().unwrap(),
            ..onboarding()
        };
        let outcome = onboard(&app, &old, &Channel::Given).await.unwrap();
        assert_eq!(outcome.status, OnboardStatus::Incomplete, "{outcome:?}");
        assert_eq!(outcome.changes[1].state, PieceState::NotSent);
    }
}

#[tokio::test]
async fn the_old_route_is_kept_in_the_journal_and_put_back_byte_for_byte() {
    let mut tenant = customer(closed());
    let old = serde_json::json!({"type": "pbx", "route": {
        "treatment": "user", "subscriber": format!("100@{ACME}"), "enable": "yes",
        "valid_from": "*", "valid_to": "*", "notes": "main line, painted on the van",
        "spam_call_action": "voicemail", "caller_id_prefix": "ACME: ", "recording_notice": "no"}});
    tenant.numbers[0].route = old.clone();
    tenant = tenant
        .subscriber(StoredSubscriber::ani_user(ACME, "9000"))
        .dial_rule(StoredDialRule::fallback(ACME, "100"));
    let bench = Bench::with(tenant).await;
    let app = app_on(&bench, PbxApi::V2);
    attest(&app, "dial_translation_rule").await;
    let person = Person::typing(DID);
    let routed = onboard(&app, &onboarding(), &Channel::During(&person))
        .await
        .unwrap();
    let id = routed.changes[0].change_id.clone().unwrap();
    let now = bench.sandbox.numbers()[0].route.clone();
    for kept in [
        "notes",
        "spam_call_action",
        "caller_id_prefix",
        "recording_notice",
    ] {
        assert_eq!(now["route"][kept], old["route"][kept], "{kept}");
    }
    assert_eq!(now["route"]["subscriber"], format!("9000@{ACME}"));
    assert!(person.shown()[0].text().contains("painted on the van"));

    let listed = list_changes(&app, &ListChanges::default(), PageSize::All)
        .await
        .unwrap();
    assert_eq!(listed.changes[0].subject.as_deref(), Some("did_route"));
    assert_eq!(listed.changes[0].did.as_deref(), Some(DID));
    assert_eq!(
        listed.changes[0].before.as_deref(),
        Some("user 100 of acme.12345.service")
    );

    let undoing = |id: &str| UndoChange {
        change_id: id.to_owned(),
        account_id: None,
        confirmation: None,
    };
    let wrong = Person::typing("yes");
    let declined = undo_change(&app, &undoing(&id), &Channel::During(&wrong))
        .await
        .map(done)
        .unwrap();
    assert_eq!(declined.status, UndoStatus::WrongValue);
    bench.age_declines(60);
    let undone = undo_change(&app, &undoing(&id), &Channel::During(&person))
        .await
        .map(done)
        .unwrap();
    assert_eq!(undone.status, UndoStatus::Restored);
    assert_eq!(bench.sandbox.numbers()[0].route, old, "byte for byte");

    // The undo can be undone, and that is routing to the Route by ANI user again.
    let again = undo_change(
        &app,
        &undoing(undone.change_id.as_ref().unwrap()),
        &Channel::During(&person),
    )
    .await
    .map(done)
    .unwrap();
    assert_eq!(again.status, UndoStatus::Restored);
    assert_eq!(bench.sandbox.numbers()[0].route, now);

    // Somebody else points it elsewhere: no undo over their heads.
    bench
        .sandbox
        .put_number(StoredNumber::to_user(DID, ACME, "101"));
    let stale = failure(
        undo_change(&app, &undoing(&id), &Channel::Given).await,
        Code::ConfirmationStale,
    );
    assert!(stale.to_string().contains("user 101"), "{stale}");
    assert_nothing_dangerous(&bench);
}

#[tokio::test]
async fn undoing_an_undo_is_blocked_once_the_word_is_taken_back() {
    let tenant = customer(closed())
        .subscriber(StoredSubscriber::ani_user(ACME, "9000"))
        .dial_rule(StoredDialRule::fallback(ACME, "100"));
    let bench = Bench::with(tenant).await;
    let app = app_on(&bench, PbxApi::V2);
    attest(&app, "dial_translation_rule").await;
    let routed = onboard(&app, &onboarding(), &Channel::Given).await.unwrap();
    let undoing = |id: &Option<String>| UndoChange {
        change_id: id.clone().unwrap(),
        account_id: None,
        confirmation: None,
    };
    let undone = undo_change(
        &app,
        &undoing(&routed.changes[0].change_id),
        &Channel::Given,
    )
    .await
    .map(done)
    .unwrap();
    let withdrawing = MarkSetupStep {
        withdraw: Some(true),
        attested_by: None,
        note: None,
        ..marking("dial_translation_rule")
    };
    let withdrawn = mark_setup_step(&app, &withdrawing, &nobody())
        .await
        .map(done)
        .unwrap();
    assert_eq!(withdrawn.status, MarkStatus::Withdrawn);
    bench.sandbox.remove_dial_rules(ACME);
    let blocked = failure(
        undo_change(&app, &undoing(&undone.change_id), &Channel::Given).await,
        Code::Blocked,
    );
    assert!(
        blocked.to_string().contains("No confirmation lifts this"),
        "{blocked}"
    );
    assert_nothing_dangerous(&bench);
}

#[tokio::test]
async fn no_order_of_calls_leaves_a_number_routed_without_the_rule() {
    // Everything an eager caller may try, in every order, with `--yes`, tokens,
    // forms answered by themselves and attestations nobody looked at.
    const TRIES: [&str; 7] = [
        "onboard",
        "onboard_did_only",
        "attest",
        "mark_user",
        "next",
        "withdraw",
        "undo",
    ];
    let orders = TRIES
        .iter()
        .flat_map(|first| TRIES.iter().map(|second| [*first, *second, *first]));
    stream::iter(orders)
        .for_each_concurrent(8, |order| async move {
            let bench = Bench::with(customer(closed())).await;
            let apps = [
                app_on(&bench, PbxApi::V2),
                app_with(&bench, PbxApi::V2, |s| s.confirm = ConfirmMode::Token),
            ];
            for what in order {
                for app in &apps {
                    attempt(app, what).await;
                }
                assert_eq!(
                    bench.sandbox.dropped_numbers(),
                    Vec::<String>::new(),
                    "{order:?} at {what}"
                );
            }
            assert_nothing_dangerous(&bench);
            assert_eq!(
                bench.sandbox.who_rings(DID, STRANGER),
                Outcome::Rings("100".to_owned()),
                "{order:?}"
            );
        })
        .await;
}

/// One call, answered in every way that is not a person who looked.
async fn attempt(app: &App, what: &str) {
    let lazy = Person::typing("");
    let eager = Person::typing("true");
    let channels = [
        Channel::Given,
        nobody(),
        Channel::During(&lazy),
        Channel::During(&eager),
    ];
    for channel in &channels {
        let mut args = onboarding();
        match what {
            "onboard" => {}
            "onboard_did_only" => args.fallback_destination = None,
            "next" => args.steps = Some(OnboardSteps::Next),
            "undo" => {
                for id in 1..=3 {
                    let undo = UndoChange {
                        change_id: id.to_string(),
                        account_id: None,
                        confirmation: None,
                    };
                    let _ = undo_change(app, &undo, channel).await;
                }
                continue;
            }
            "withdraw" => {
                let withdrawing = MarkSetupStep {
                    withdraw: Some(true),
                    ..marking("dial_translation_rule")
                };
                let _ = mark_setup_step(app, &withdrawing, channel).await;
                continue;
            }
            step => {
                let step = match step {
                    "attest" => "dial_translation_rule",
                    _ => "route_by_ani_user",
                };
                // Neither `--yes` nor a token attests.
                let marked = mark_setup_step(app, &marking(step), channel).await;
                if let Ok(asked) = marked {
                    let marked = done(asked);
                    assert_ne!(
                        marked.status,
                        MarkStatus::Attested,
                        "{channel_name}",
                        channel_name = name(channel)
                    );
                    assert!(
                        marked.confirmation.confirmation.is_none(),
                        "no token for a person's word"
                    );
                }
                continue;
            }
        }
        // Refusals are as good as anything else here.
        let outcome = onboard_domain(app, &args, channel).await;
        if let Ok(skyswitch_mcp::ops::Asked::Done(outcome)) = outcome {
            let token = outcome.confirmation.confirmation;
            if let Some(token) = token {
                let with_token = crate::support::token(&token);
                let _ = onboard_domain(app, &args, &with_token).await;
            }
        }
    }
}

fn name(channel: &Channel<'_>) -> &'static str {
    match channel {
        Channel::Given => "--yes",
        Channel::Within => "part of a whole",
        Channel::During(_) => "form",
        Channel::Between { .. } => "form between calls",
        Channel::Elsewhere { .. } => "nobody",
    }
}

#[tokio::test]
async fn an_attestation_needs_the_domain_typed_and_says_who_and_why() {
    let bench = Bench::with(customer(closed())).await;
    let app = app_on(&bench, PbxApi::V2);
    let args = marking("dial_translation_rule");
    for wrong in ["", "yes", "true", DID, "other.12345.service"] {
        let person = Person::typing(wrong);
        let marked = mark_setup_step(&app, &args, &Channel::During(&person))
            .await
            .map(done)
            .unwrap();
        assert_eq!(marked.status, MarkStatus::WrongValue, "{wrong}");
        bench.age_declines(60);
        let text = person.shown()[0].text().to_owned();
        assert!(
            text.contains("Front desk lead") && text.contains("ticket 48213"),
            "{text}"
        );
    }
    let refused = failure(
        mark_setup_step(&app, &args, &Channel::Given).await,
        Code::ConfirmationInvalid,
    );
    assert!(refused.to_string().contains("no flag"), "{refused}");
    let nameless = MarkSetupStep {
        attested_by: None,
        ..args.clone()
    };
    let refused = failure(
        mark_setup_step(&app, &nameless, &nobody()).await,
        Code::InvalidArgument,
    );
    assert_eq!(refused.detail().field.as_deref(), Some("attested_by"));

    // Between two calls, and in mode token as well as human.
    let asked = question(mark_setup_step(&app, &args, &first_call()).await.unwrap());
    let marked = mark_setup_step(&app, &args, &second_call(&asked.state, ACME))
        .await
        .map(done)
        .unwrap();
    assert_eq!(marked.status, MarkStatus::Attested);
    let evidence = marked.step.evidence.unwrap();
    assert!(
        evidence.contains("Front desk lead") && evidence.contains("Not verified"),
        "{evidence}"
    );

    let token_mode = app_with(&bench, PbxApi::V2, |s| s.confirm = ConfirmMode::Token);
    let other = MarkSetupStep {
        note: Some("another note".to_owned()),
        ..args
    };
    let pending = mark_setup_step(&token_mode, &other, &nobody())
        .await
        .map(done)
        .unwrap();
    assert_eq!(pending.status, MarkStatus::ConfirmationRequired);
    assert!(pending.confirmation.confirmation.is_none());
    assert!(pending.confirmation.approval_code.is_some());
}

#[tokio::test]
async fn steps_that_the_apis_show_are_never_attested() {
    let bench = Bench::with(customer(closed())).await;
    let app = app_on(&bench, PbxApi::V2);
    for step in ["create_domain", "route_did", "manage_vips"] {
        let person = Person::typing(ACME);
        let refused = failure(
            mark_setup_step(&app, &marking(step), &Channel::During(&person)).await,
            Code::InvalidArgument,
        );
        assert!(
            refused.to_string().contains("verified by the APIs"),
            "{refused}"
        );
        assert!(person.shown().is_empty(), "nobody is asked");
    }
}

#[tokio::test]
async fn a_word_taken_back_while_the_number_is_routed_leaves_it_not_verified() {
    let tenant = customer(closed())
        .subscriber(StoredSubscriber::ani_user(ACME, "9000"))
        .dial_rule(StoredDialRule::fallback(ACME, "100"));
    let bench = Bench::with(tenant).await;
    let app = app_on(&bench, PbxApi::V2);
    attest(&app, "dial_translation_rule").await;
    onboard(&app, &onboarding(), &Channel::Given).await.unwrap();
    let withdrawing = MarkSetupStep {
        withdraw: Some(true),
        ..marking("dial_translation_rule")
    };
    let withdrawn = mark_setup_step(&app, &withdrawing, &nobody())
        .await
        .map(done)
        .unwrap();
    assert!(
        withdrawn.warnings[0].contains("could not be verified"),
        "{withdrawn:?}"
    );
    let list = checklist(&app).await;
    assert!(!list.ready);
    assert!(
        list.warning.unwrap().starts_with("NOT VERIFIED"),
        "that comes first"
    );
}

#[tokio::test]
async fn a_word_taken_back_while_the_person_thinks_stops_the_routing() {
    let tenant = customer(closed())
        .subscriber(StoredSubscriber::ani_user(ACME, "9000"))
        .dial_rule(StoredDialRule::fallback(ACME, "100"));
    let bench = Bench::with(tenant).await;
    let app = app_on(&bench, PbxApi::V2);
    attest(&app, "dial_translation_rule").await;
    let asked = question(
        onboard_domain(&app, &onboarding(), &first_call())
            .await
            .unwrap(),
    );
    let withdrawing = MarkSetupStep {
        withdraw: Some(true),
        ..marking("dial_translation_rule")
    };
    mark_setup_step(&app, &withdrawing, &nobody())
        .await
        .unwrap();
    let outcome = onboard(&app, &onboarding(), &second_call(&asked.state, DID))
        .await
        .unwrap();
    assert_eq!(outcome.status, OnboardStatus::Unchanged, "{outcome:?}");
    assert_eq!(
        bench.sandbox.who_rings(DID, STRANGER),
        Outcome::Rings("100".to_owned())
    );
    assert!(
        bench.sandbox.numbers()[0].route["route"]["subscriber"]
            .as_str()
            .unwrap()
            .starts_with("100@")
    );
}

#[tokio::test]
async fn half_done_users_are_named_with_what_is_wrong() {
    let cases = [
        (
            StoredSubscriber::ani_user(ACME, "9000").devices(&["9000a"]),
            "it has devices",
        ),
        (
            StoredSubscriber::ani_user(ACME, "9000").voicemail(true),
            "voicemail is on",
        ),
        (
            StoredSubscriber::ani_user(ACME, "9000").answering_rules(Vec::new()),
            "no answering rule",
        ),
    ];
    for api in [PbxApi::V1, PbxApi::V2] {
        for (user, problem) in cases.clone() {
            let bench = Bench::with(customer(closed()).subscriber(user)).await;
            let list = checklist(&app_on(&bench, api)).await;
            let step = list
                .steps
                .iter()
                .find(|s| s.id == SetupStep::RouteByAniUser)
                .unwrap();
            assert_eq!(step.state, StepState::Todo, "{api:?} {step:?}");
            assert!(
                step.evidence.as_ref().unwrap().contains(problem),
                "{api:?} {step:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_number_of_somebody_else_is_never_touched() {
    let tenant = customer(closed())
        .domain("other.12345.service", "Somebody else")
        .number(StoredNumber::to_user(
            "16165550181",
            "other.12345.service",
            "100",
        ))
        .subscriber(StoredSubscriber::ani_user(ACME, "9000"))
        .dial_rule(StoredDialRule::fallback(ACME, "100"));
    let bench = Bench::with(tenant).await;
    let app = app_on(&bench, PbxApi::V2);
    attest(&app, "dial_translation_rule").await;
    let args = OnboardDomain {
        did: Some("16165550181".parse().unwrap()),
        ..onboarding()
    };
    failure(
        onboard(&app, &args, &Channel::Given).await,
        Code::InvalidArgument,
    );
    assert!(
        bench
            .sandbox
            .requests()
            .iter()
            .all(|request| request.method != "PUT")
    );
}

#[tokio::test]
async fn the_operators_limits_hold_for_set_ups_too() {
    let tenant = customer(closed())
        .subscriber(StoredSubscriber::ani_user(ACME, "9000"))
        .dial_rule(StoredDialRule::fallback(ACME, "100"));
    let bench = Bench::with(tenant).await;
    attest(&app_on(&bench, PbxApi::V2), "dial_translation_rule").await;
    for (setting, change) in [
        (
            "protected",
            Box::new(|s: &mut Settings| s.limits.protected = vec![DID.parse().unwrap()])
                as Box<dyn FnOnce(&mut Settings)>,
        ),
        (
            "allowed_domains",
            Box::new(|s: &mut Settings| s.limits.allowed_domains = Some(Vec::new())),
        ),
    ] {
        let app = app_with(&bench, PbxApi::V2, change);
        let blocked = failure(
            onboard(&app, &onboarding(), &Channel::Given).await,
            Code::Blocked,
        );
        assert_eq!(blocked.detail().field.as_deref(), Some(setting));
    }
    let read_only = app_with(&bench, PbxApi::V2, |s| s.read_only = true);
    failure(
        onboard(&read_only, &onboarding(), &Channel::Given).await,
        Code::ReadOnly,
    );
    failure(
        mark_setup_step(&read_only, &marking("route_by_ani_user"), &nobody()).await,
        Code::ReadOnly,
    );
    let plan = OnboardDomain {
        dry_run: Some(true),
        ..onboarding()
    };
    let planned = onboard(&read_only, &plan, &nobody()).await.unwrap();
    assert_eq!(planned.status, OnboardStatus::Planned);
    assert!(
        bench
            .sandbox
            .requests()
            .iter()
            .all(|request| request.method != "PUT")
    );
}

#[tokio::test]
async fn a_fault_at_any_request_and_a_second_call_end_as_one_clean_run() {
    for (offset, api) in [PbxApi::V1, PbxApi::V2].into_iter().enumerate() {
        let clean = Bench::with(Tenant::empty().pbx(open())).await;
        let whole = run_to_the_end(&clean, api).await;
        let expected = &snapshot(&clean);
        // A lost answer, a failure or a refusal, at every second request.
        let points = (offset..whole)
            .step_by(2)
            .map(|at| (at, (at / 2 + offset) % 3));
        stream::iter(points)
            .for_each_concurrent(16, |(at, kind)| async move {
                let bench = Bench::with(Tenant::empty().pbx(open())).await;
                for _ in 0..at {
                    bench.sandbox.inject(Fault::pass("", ""));
                }
                bench.sandbox.inject(match kind {
                    0 => Fault::drop_after("", ""),
                    1 => Fault::status_after("", "", 500),
                    _ => Fault::status("", "", 403),
                });
                run_to_the_end(&bench, api).await;
                assert_eq!(
                    &snapshot(&bench),
                    expected,
                    "{api:?} request {at}, fault {kind}"
                );
            })
            .await;
    }
}

/// Calls until one finds nothing left to be done; says how many requests that took.
async fn run_to_the_end(bench: &Bench, api: PbxApi) -> usize {
    for _ in 0..5 {
        let app = app_with(bench, api, |s| {
            s.allow_domain_creation = true;
            s.allow_dial_plan_changes = true;
        });
        // What fails is made by the next call.
        let made = onboard(&app, &onboarding(), &Channel::Given).await;
        if made.is_ok_and(|made| made.ready && made.changes.is_empty()) {
            break;
        }
        // The number and the first user come from elsewhere, once there is a domain.
        let exists = bench.sandbox.domains().iter().any(|d| d.domain == ACME);
        if exists && bench.sandbox.numbers().is_empty() {
            bench
                .sandbox
                .put_subscriber(StoredSubscriber::person(ACME, "100", "Front Desk"));
            bench
                .sandbox
                .put_number(StoredNumber::to_user(DID, ACME, "100"));
        }
    }
    assert_eq!(bench.sandbox.ever_dropped(), Vec::<String>::new());
    bench.sandbox.requests().len()
}

/// Everything upstream holds of the customer.
fn snapshot(bench: &Bench) -> String {
    let mut users = bench.sandbox.subscribers();
    users.sort_by(|a, b| a.user.cmp(&b.user));
    format!(
        "{:?} {users:?} {:?} {:?}",
        bench.sandbox.domains(),
        bench.sandbox.dial_rules(),
        bench.sandbox.numbers()
    )
}

#[tokio::test]
async fn refusals_of_the_pbx_api_leave_the_flow_whole() {
    // A login with a second factor is no login.
    let bench = Bench::with(customer(closed().mfa(sandbox::Mfa::InScope))).await;
    let app = app_on(&bench, PbxApi::V2);
    let list = checklist(&app).await;
    let rule = list
        .steps
        .iter()
        .find(|s| s.id == SetupStep::DialTranslationRule)
        .unwrap();
    assert_eq!(rule.state, StepState::Unknown);
    assert!(
        rule.evidence.as_ref().unwrap().contains("second factor"),
        "{rule:?}"
    );

    // A slow host gives up, and what is known otherwise is still told.
    let bench = Bench::with(customer(closed())).await;
    bench
        .sandbox
        .inject(Fault::status("", "/ns-api/", 503).times(1000));
    let list = tokio::time::timeout(
        Duration::from_secs(60),
        checklist(&app_on(&bench, PbxApi::V1)),
    )
    .await
    .unwrap();
    assert_eq!(state(&list.steps, "create_domain"), StepState::Done);
    assert_eq!(
        state(&list.steps, "dial_translation_rule"),
        StepState::Unknown
    );
}

#[tokio::test]
async fn a_rule_that_rings_nobody_is_no_proof() {
    let fallback = || StoredDialRule::fallback(ACME, "100");
    let circle = StoredDialRule::fallback(ACME, "9000");
    let machinery = StoredDialRule::fallback(ACME, "domain");
    let no_queue = StoredDialRule {
        application: "to-callqueue".to_owned(),
        to_user: "2999".to_owned(),
        ..fallback()
    };
    let other_host = StoredDialRule {
        to_host: "nosuch.12345.service".to_owned(),
        ..fallback()
    };
    let hangup = StoredDialRule {
        application: "sip:start@Hangup".to_owned(),
        ..fallback()
    };
    let unknown = StoredDialRule {
        application: "to-somewhere-new".to_owned(),
        ..fallback()
    };
    for api in [PbxApi::V1, PbxApi::V2] {
        for (rule, expected) in [
            (circle.clone(), StepState::Todo),
            (machinery.clone(), StepState::Todo),
            (no_queue.clone(), StepState::Todo),
            (hangup.clone(), StepState::Todo),
            (other_host.clone(), StepState::Unknown),
            (unknown.clone(), StepState::Unknown),
        ] {
            let habits = PbxHabits::default().dial_plan(DialPlanAccess::Read);
            let bench = Bench::with(prepared(habits).dial_rule(rule.clone())).await;
            let app = app_on(&bench, api);
            let list = checklist(&app).await;
            let found = state(&list.steps, "dial_translation_rule");
            assert_eq!(found, expected, "{api:?} {rule:?} {list:?}");
            let outcome = onboard(&app, &onboarding(), &Channel::Given).await.unwrap();
            assert_eq!(made(&outcome), [""; 0], "{api:?} {rule:?}");
        }
    }
}

#[tokio::test]
async fn a_dial_plan_that_cannot_be_read_just_now_proves_nothing_either_way() {
    let bench = Bench::with(prepared(closed())).await;
    let app = app_on(&bench, PbxApi::V2);
    attest(&app, "dial_translation_rule").await;
    // It can be read now, and shows no rule; then it fails.
    bench
        .sandbox
        .set_pbx_habits(PbxHabits::default().dial_plan(DialPlanAccess::Read));
    let outcome = onboard(&app, &onboarding(), &Channel::Given).await.unwrap();
    assert_eq!(
        state(&outcome.steps, "dial_translation_rule"),
        StepState::Todo
    );
    bench
        .sandbox
        .inject(Fault::status("GET", "dialrules", 400).times(99));
    let outcome = onboard(&app, &onboarding(), &Channel::Given).await.unwrap();
    assert_eq!(made(&outcome), [""; 0], "{outcome:?}");
    assert_eq!(
        state(&outcome.steps, "dial_translation_rule"),
        StepState::Unknown
    );
    let person = Person::typing(ACME);
    let marked = mark_setup_step(
        &app,
        &marking("dial_translation_rule"),
        &Channel::During(&person),
    )
    .await;
    failure(marked, Code::InvalidArgument);
    assert_nothing_dangerous(&bench);
}

#[tokio::test]
async fn where_the_rule_is_kept_elsewhere_the_operator_says_so() {
    let habits = PbxHabits::default().dial_plan(DialPlanAccess::Read);
    let bench = Bench::with(prepared(habits)).await;
    let app = app_with(&bench, PbxApi::V2, |s| {
        s.trust_dial_plan = TrustDialPlan::Never
    });
    let list = checklist(&app).await;
    assert_eq!(
        state(&list.steps, "dial_translation_rule"),
        StepState::Unknown
    );
    attest(&app, "dial_translation_rule").await;
}

#[tokio::test]
async fn a_renamed_ani_user_is_still_known() {
    for api in [PbxApi::NotConfigured, PbxApi::V2] {
        let bench = Bench::with(prepared(closed())).await;
        let app = app_on(&bench, api);
        bench
            .sandbox
            .add_dial_rule(StoredDialRule::fallback(ACME, "100"));
        attest(&app, "dial_translation_rule").await;
        if api == PbxApi::NotConfigured {
            attest(&app, "route_by_ani_user").await;
        }
        let routed = onboard(&app, &onboarding(), &Channel::Given).await.unwrap();
        let undo = |id: String| UndoChange {
            change_id: id,
            account_id: None,
            confirmation: None,
        };
        let id = routed.changes[0].change_id.clone().unwrap();
        let undone = undo_change(&app, &undo(id), &Channel::Given).await;
        let undone = done(undone.unwrap());
        let withdrawing = MarkSetupStep {
            withdraw: Some(true),
            ..marking("dial_translation_rule")
        };
        mark_setup_step(&app, &withdrawing, &nobody())
            .await
            .unwrap();
        bench.sandbox.remove_dial_rules(ACME);
        // Somebody calls it otherwise, and nobody may read its rules.
        let mut renamed = StoredSubscriber::ani_user(ACME, "9000");
        renamed.first_name = "Screening".to_owned();
        renamed.last_name = String::new();
        bench.sandbox.put_subscriber(renamed);
        bench
            .sandbox
            .inject(Fault::status("GET", "answerrules", 403).times(99));
        let redo = undo_change(&app, &undo(undone.change_id.unwrap()), &Channel::Given).await;
        failure(redo, Code::Blocked);
        assert_nothing_dangerous(&bench);
    }
}

#[tokio::test]
async fn a_number_is_left_alone_where_nobody_can_tell_whose_it_is() {
    let tenant = prepared(closed()).dial_rule(StoredDialRule::fallback(ACME, "100"));
    let bench = Bench::with(tenant).await;
    let app = app_on(&bench, PbxApi::V2);
    attest(&app, "dial_translation_rule").await;
    bench
        .sandbox
        .inject(Fault::status("GET", "pbx/phone-numbers", 403).times(99));
    let outcome = onboard(&app, &onboarding(), &Channel::Given).await.unwrap();
    assert_eq!(made(&outcome), [""; 0], "{outcome:?}");
    let told = outcome.warnings.join("\n");
    assert!(told.contains("is not touched"), "{told}");
}

#[tokio::test]
async fn a_refused_list_is_a_step_that_is_not_known() {
    for (path, step) in [
        ("pbx/subscribers", "route_by_ani_user"),
        ("pbx/route-by-ani", "manage_vips"),
        ("pbx/phone-numbers", "route_did"),
    ] {
        let bench = Bench::with(prepared(closed())).await;
        bench
            .sandbox
            .inject(Fault::status("GET", path, 403).times(99));
        let args = SetupChecklist {
            domain: ACME.parse().unwrap(),
            account_id: None,
            did: None,
            fallback_destination: None,
        };
        let list = setup_checklist(&app_on(&bench, PbxApi::V2), &args)
            .await
            .unwrap();
        let found = state(&list.steps, step);
        let not_known = [StepState::Unknown, StepState::Blocked];
        assert!(not_known.contains(&found), "{path}: {list:?}");
    }
}

#[tokio::test]
async fn a_word_that_was_taken_back_does_not_come_to_life_again() {
    let bench = Bench::with(prepared(closed())).await;
    let app = app_on(&bench, PbxApi::V2);
    let args = marking("dial_translation_rule");
    let waiting = mark_setup_step(&app, &args, &nobody()).await.map(done);
    let code = waiting.unwrap().confirmation.approval_code.unwrap();
    let approval = app.guard().waiting_under(&code).await.unwrap();
    let typed = skyswitch_mcp::guard::Answer::Typed(ACME.to_owned());
    let settled = app.guard().settle(&approval, &typed).await;
    assert_eq!(settled.unwrap(), Settled::Approved);
    let withdrawing = MarkSetupStep {
        withdraw: Some(true),
        ..args.clone()
    };
    mark_setup_step(&app, &withdrawing, &nobody())
        .await
        .unwrap();
    failure(
        mark_setup_step(&app, &args, &nobody()).await,
        Code::ConfirmationStale,
    );
}

#[tokio::test]
async fn no_link_is_offered_for_a_word_that_only_a_person_can_give() {
    let bench = Bench::with(prepared(closed())).await;
    let app = app_on(&bench, PbxApi::V2);
    app.offer_approval_page();
    let args = marking("dial_translation_rule");
    let waiting = mark_setup_step(&app, &args, &nobody())
        .await
        .map(done)
        .unwrap();
    assert!(waiting.confirmation.approval_code.is_some());
    assert_eq!(waiting.confirmation.approval_link, None);
}

#[tokio::test]
async fn a_route_that_the_service_writes_in_its_own_way_is_still_ours() {
    let tenant = prepared(closed()).dial_rule(StoredDialRule::fallback(ACME, "100"));
    let bench = Bench::with(tenant).await;
    let app = app_on(&bench, PbxApi::V2);
    attest(&app, "dial_translation_rule").await;
    let routed = onboard(&app, &onboarding(), &Channel::Given).await.unwrap();
    let mut rewritten = bench.sandbox.numbers().remove(0);
    rewritten.route["route"]["enable"] = serde_json::json!(1);
    rewritten.route["route"]["valid_from"] = serde_json::Value::Null;
    rewritten.route["route"]["subscriber"] =
        serde_json::json!(format!("9000@{}", ACME.to_uppercase()));
    bench.sandbox.put_number(rewritten.clone());
    let undo = UndoChange {
        change_id: routed.changes[0].change_id.clone().unwrap(),
        account_id: None,
        confirmation: None,
    };
    // What somebody else wrote into it is not overwritten.
    let mut changed = rewritten.clone();
    changed.route["route"]["notes"] = serde_json::json!("somebody's remark");
    bench.sandbox.put_number(changed);
    let refused = undo_change(&app, &undo, &Channel::Given).await.map(done);
    let refused = failure(refused, Code::ConfirmationStale);
    assert!(
        refused.to_string().contains("somebody's remark"),
        "{refused}"
    );
    bench.sandbox.put_number(rewritten);
    let undone = undo_change(&app, &undo, &Channel::Given).await.map(done);
    assert_eq!(undone.unwrap().status, UndoStatus::Restored);
}

#[tokio::test]
async fn the_dial_plan_of_somebody_elses_domain_is_not_mended() {
    let mut tenant = customer(open());
    tenant.dial_rules.clear();
    let bench = Bench::with(tenant).await;
    let app = app_with(&bench, PbxApi::V1, |s| s.allow_domain_creation = true);
    let plan = OnboardDomain {
        dry_run: Some(true),
        ..onboarding()
    };
    let planned = onboard(&app, &plan, &Channel::Given).await.unwrap();
    let steps: Vec<&str> = planned
        .changes
        .iter()
        .map(|change| change.step.as_str())
        .collect();
    assert_eq!(steps, ["route_by_ani_user"; 2], "{planned:?}");
}

#[tokio::test]
async fn the_rule_is_looked_at_once_more_right_before_the_number_is_routed() {
    let habits = PbxHabits::default().dial_plan(DialPlanAccess::Read);
    let tenant = prepared(habits).dial_rule(StoredDialRule::fallback(ACME, "100"));
    let bench = Bench::with(tenant).await;
    let app = app_on(&bench, PbxApi::V2);
    // The plan is made on a rule that exists; the last look does not find it.
    let planned_on = Fault::pass("GET", "dialrules").times(2);
    bench.sandbox.inject(planned_on);
    bench.sandbox.inject(Fault::status("GET", "dialrules", 400));
    let outcome = onboard(&app, &onboarding(), &Channel::Given).await.unwrap();
    assert_eq!(outcome.status, OnboardStatus::Incomplete, "{outcome:?}");
    assert_eq!(outcome.changes[0].state, PieceState::Failed);
    let requests = bench.sandbox.requests();
    assert!(requests.iter().all(|request| request.method != "PUT"));
    // Calling again goes on where it stopped.
    let outcome = onboard(&app, &onboarding(), &Channel::Given).await.unwrap();
    assert!(outcome.ready, "{outcome:?}");
}

#[tokio::test]
async fn a_user_that_numbers_go_to_hands_on_no_calls_before_the_rule_is_known() {
    let not_yet = StoredSubscriber::ani_user(ACME, "9000")
        .answering_rules(vec![StoredAnsweringRule::forward_always("100")]);
    let mut tenant = customer(closed()).subscriber(not_yet);
    tenant.numbers = vec![StoredNumber::to_user(DID, ACME, "9000")];
    let bench = Bench::with(tenant).await;
    for api in [PbxApi::V1, PbxApi::V2] {
        let outcome = onboard(&app_on(&bench, api), &onboarding(), &Channel::Given)
            .await
            .unwrap();
        assert_eq!(made(&outcome), Vec::<&str>::new(), "{outcome:?}");
        let rings = bench.sandbox.who_rings(DID, "16165550999");
        assert_eq!(rings, Outcome::Rings("100".to_owned()));
    }
    let app = app_on(&bench, PbxApi::V2);
    attest(&app, "dial_translation_rule").await;
    let protecting = app_with(&bench, PbxApi::V2, |settings| {
        settings.limits.protected = vec![DID.parse().unwrap()];
    });
    let refused = onboard(&protecting, &onboarding(), &Channel::Given).await;
    failure(refused, Code::Blocked);
    let rings = bench.sandbox.who_rings(DID, "16165550999");
    assert_eq!(rings, Outcome::Rings("100".to_owned()));
}
