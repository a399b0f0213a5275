//! A customer whose setup the tests bring from nothing to ready.

use skyswitch_mcp::Result;
use skyswitch_mcp::app::App;
use skyswitch_mcp::config::{
    Credentials, PbxGeneration, PbxLogin, PbxSettings, Settings, TrustDialPlan,
};
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    Checklist, MarkSetupStep, MarkStatus, OnboardDomain, OnboardOutcome, PageSize, PieceState,
    Progress, RouteNumber, RouteOutcome, SetupChecklist, SetupStatus, StatusQuery, StepState,
    UndoChange, UndoOutcome, mark_setup_step, onboard_domain, onboarding_status, route_number,
    setup_checklist, undo_change,
};
use skyswitch_mcp::redact::Secret;
use skyswitch_mcp::sandbox::{
    self, DialPlanAccess, PbxHabits, StoredDialRule, StoredNumber, StoredSubscriber, Tenant,
};

use super::{Bench, Person, done};

pub const ACME: &str = "acme.12345.service";
pub const DID: &str = "16165550180";

/// Which PBX API an application uses, if any.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum PbxApi {
    V1,
    V2,
    V2WithKey,
    NotConfigured,
}

/// A customer with people and a number, and nothing of Route by ANI.
pub fn customer(habits: PbxHabits) -> Tenant {
    Tenant::empty()
        .domain(ACME, "Acme Dental")
        .subscriber(StoredSubscriber::domain_user(ACME))
        .subscriber(StoredSubscriber::person(ACME, "100", "Front Desk"))
        .subscriber(StoredSubscriber::person(ACME, "101", "Maya Lindgren"))
        .number(StoredNumber::to_user(DID, ACME, "100"))
        .dial_rule(StoredDialRule::chain(ACME))
        .pbx(habits)
}

/// A customer whose ANI user is complete, and who has no dial translation rule.
pub fn prepared(habits: PbxHabits) -> Tenant {
    customer(habits).subscriber(StoredSubscriber::ani_user(ACME, "9000"))
}

pub fn closed() -> PbxHabits {
    PbxHabits::default().dial_plan(DialPlanAccess::None)
}

pub fn open() -> PbxHabits {
    PbxHabits::default().dial_plan(DialPlanAccess::ReadWrite)
}

/// An application that uses that PBX API.
pub fn app_on(bench: &Bench, api: PbxApi) -> App {
    app_with(bench, api, |_| ())
}

pub fn app_with(bench: &Bench, api: PbxApi, change: impl FnOnce(&mut Settings)) -> App {
    bench.app_with(|settings| {
        settings.pbx = pbx(bench, api);
        // Tests of what a dial plan proves where nobody has said so set it themselves.
        settings.trust_dial_plan = TrustDialPlan::Always;
        change(settings);
    })
}

/// The login that the sandbox's PBX API takes.
pub fn pbx_login() -> Credentials {
    Credentials {
        client_id: sandbox::PBX_CLIENT_ID.to_owned(),
        client_secret: Secret::new(sandbox::PBX_CLIENT_SECRET),
        username: sandbox::PBX_USERNAME.to_owned(),
        password: Secret::new(sandbox::PBX_PASSWORD),
    }
}

fn pbx(bench: &Bench, api: PbxApi) -> Option<Result<PbxSettings>> {
    let password = || PbxLogin::Password(pbx_login().into());
    let (generation, login) = match api {
        PbxApi::NotConfigured => return None,
        PbxApi::V1 => (PbxGeneration::V1, password()),
        PbxApi::V2 => (PbxGeneration::V2, password()),
        PbxApi::V2WithKey => (
            PbxGeneration::V2,
            PbxLogin::Key(Secret::new(sandbox::PBX_API_KEY).into()),
        ),
    };
    Some(Ok(PbxSettings {
        base_url: bench.sandbox.pbx_base_url().parse().unwrap(),
        generation,
        login,
        rate_limit: 0.0,
    }))
}

pub fn onboarding() -> OnboardDomain {
    OnboardDomain {
        domain: ACME.parse().unwrap(),
        did: Some(DID.parse().unwrap()),
        fallback_destination: Some("100".parse().unwrap()),
        extension: None,
        description: None,
        steps: None,
        dry_run: None,
        account_id: None,
        confirmation: None,
    }
}

pub async fn onboard(
    app: &App,
    args: &OnboardDomain,
    channel: &Channel<'_>,
) -> Result<OnboardOutcome> {
    onboard_domain(app, args, channel).await.map(done)
}

pub fn marking(step: &str) -> MarkSetupStep {
    MarkSetupStep {
        domain: ACME.parse().unwrap(),
        step: step.parse().unwrap(),
        attested_by: Some("Front desk lead".to_owned()),
        note: Some("ticket 48213: SkySwitch confirms the rule, to 100".to_owned()),
        withdraw: None,
        account_id: None,
    }
}

/// Arguments of `route_number`.
pub fn sending(did: &str, to: &str) -> RouteNumber {
    RouteNumber {
        did: did.parse().unwrap(),
        to: to.parse().unwrap(),
        domain: None,
        account_id: None,
        confirmation: None,
    }
}

/// Sends a number on, where no question is expected.
pub async fn route(app: &App, args: &RouteNumber, channel: &Channel<'_>) -> Result<RouteOutcome> {
    route_number(app, args, channel).await.map(done)
}

/// Undoes a change, where no question is expected.
pub async fn undo(app: &App, id: &str, channel: &Channel<'_>) -> Result<UndoOutcome> {
    let args = UndoChange {
        change_id: id.to_owned(),
        account_id: None,
        confirmation: None,
    };
    undo_change(app, &args, channel).await.map(done)
}

/// Is told of progress and keeps nothing.
struct Silent;

impl Progress for Silent {
    fn report(&self, _: usize, _: usize, _: &str) {}
}

/// All customers in one table.
pub async fn status(app: &App) -> SetupStatus {
    let query = StatusQuery::default();
    let table = onboarding_status(app, &query, PageSize::All, &Silent);
    table.await.unwrap()
}

/// A customer whose number goes to the ANI user, with a dial plan that nobody may read.
pub fn routed() -> Tenant {
    let mut tenant = prepared(closed());
    tenant.numbers = vec![StoredNumber::to_user(DID, ACME, "9000")];
    tenant
}

pub async fn attest(app: &App, step: &str) {
    let person = Person::typing(ACME);
    let marked = mark_setup_step(app, &marking(step), &Channel::During(&person))
        .await
        .map(done)
        .unwrap();
    assert_eq!(marked.status, MarkStatus::Attested, "{marked:?}");
    assert_eq!(marked.step.state, StepState::Attested, "{marked:?}");
}

pub async fn checklist(app: &App) -> Checklist {
    let args = SetupChecklist {
        domain: ACME.parse().unwrap(),
        account_id: None,
        did: Some(DID.parse().unwrap()),
        fallback_destination: None,
    };
    setup_checklist(app, &args).await.unwrap()
}

pub fn state(steps: &[skyswitch_mcp::ops::Step], id: &str) -> StepState {
    steps
        .iter()
        .find(|step| step.id.as_str() == id)
        .unwrap()
        .state
}

/// Whether a step is left to do or to wait for.
pub fn is_left(outcome: &OnboardOutcome, id: &str) -> bool {
    outcome.steps.iter().any(|step| step.id.as_str() == id)
}

pub fn made(outcome: &OnboardOutcome) -> Vec<&str> {
    let made = outcome
        .changes
        .iter()
        .filter(|change| change.state == PieceState::Made);
    made.map(|change| change.step.as_str()).collect()
}

/// What nobody may ever send: buying, disconnecting, taking a route away, or
/// deleting anything of a dial plan.
#[track_caller]
pub fn assert_nothing_dangerous(bench: &Bench) {
    for request in bench.sandbox.requests() {
        let on_number = request.path.contains("/phone-numbers/");
        let dangerous = (on_number
            && (request.method == "DELETE" || !request.path.ends_with("/route")))
            || (request.path.contains("/ns-api/") && request.method == "DELETE")
            || request
                .form
                .iter()
                .any(|(name, value)| name == "action" && value == "delete");
        assert!(!dangerous, "{request:?}");
    }
    assert_eq!(bench.sandbox.ever_dropped(), Vec::<String>::new());
}
