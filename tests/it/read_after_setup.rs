//! A setup step that was made, or attested, is told also where what there is now
//! cannot be read afterwards.

use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{MarkSetupStep, mark_setup_step};
use skyswitch_mcp::sandbox::{Fault, Gate, StoredDialRule};

use crate::support::customer::{
    ACME, PbxApi, app_on, attest, closed, marking, onboard, onboarding, prepared,
};
use crate::support::{Bench, done, failure};

#[tokio::test]
async fn an_onboarding_says_what_it_made_where_the_setup_cannot_be_read_afterwards() {
    let tenant = prepared(closed()).dial_rule(StoredDialRule::fallback(ACME, "100"));
    let bench = Bench::with(tenant).await;
    let app = app_on(&bench, PbxApi::V2);
    attest(&app, "dial_translation_rule").await;
    let gate = Gate::default();
    bench.sandbox.inject(Fault::hold("PUT", "/route", &gate));
    let args = onboarding();
    let breaks = async {
        bench.arrived("PUT", 1).await;
        let broken = "ALTER TABLE attestations RENAME TO gone";
        bench.change_journal(broken);
        gate.open();
    };
    let (onboarded, ()) = tokio::join!(onboard(&app, &args, &Channel::Given), breaks);
    let error = failure(onboarded, Code::Internal);
    let hint = error.hint();
    assert!(hint.contains("Before that: made: "), "{hint}");
    assert!(hint.contains("616-555-0180"), "{hint}");
    assert!(hint.contains("(change 1)"), "{hint}");
}

#[tokio::test]
async fn an_attestation_that_was_withdrawn_is_said_to_be_where_the_setup_cannot_be_read() {
    let bench = Bench::with(prepared(closed())).await;
    let app = app_on(&bench, PbxApi::V2);
    attest(&app, "dial_translation_rule").await;
    let gate = Gate::default();
    let users = Fault::hold("GET", "route-by-ani", &gate);
    bench.sandbox.clear_requests();
    bench.sandbox.inject(users);
    let withdrawing = MarkSetupStep {
        withdraw: Some(true),
        ..marking("dial_translation_rule")
    };
    let breaks = async {
        bench.arrived("GET", 1).await;
        bench.change_journal("ALTER TABLE changes RENAME TO gone");
        gate.open();
    };
    let withdrawn = mark_setup_step(&app, &withdrawing, &Channel::Given);
    let (withdrawn, ()) = tokio::join!(withdrawn, breaks);
    let error = failure(withdrawn.map(done), Code::Internal);
    let told = "Before that: the attestation of `dial_translation_rule` was withdrawn";
    assert!(error.hint().contains(told), "{error}: {}", error.hint());
}
