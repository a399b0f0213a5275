//! An onboarding that is killed at any moment, and called again, ends as one
//! clean run, and never drops a caller on the way.

use std::process::Stdio;
use std::time::Duration;

use skyswitch_mcp::sandbox::{
    self, DialPlanAccess, Outcome, PbxHabits, Sandbox, StoredDialRule, StoredNumber,
    StoredSubscriber, Tenant,
};

use crate::support::number_from;
use crate::support::process::{Home, sandbox_of};

const ACME: &str = "acme.12345.service";
const DID: &str = "16165550180";
const STRANGER: &str = "16165550190";
/// Every answer of the service takes so long.
const LATENCY: Duration = Duration::from_millis(15);
const ONBOARD: [&str; 9] = [
    "onboard",
    "--domain",
    ACME,
    "--did",
    DID,
    "--fallback-destination",
    "100",
    "--yes",
    "--json",
];

/// From where the customer is set up.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Start {
    /// Not even the domain exists.
    Nothing,
    /// People and a number are there.
    People,
}

impl Start {
    fn tenant(self) -> Tenant {
        let habits = PbxHabits::default().dial_plan(DialPlanAccess::ReadWrite);
        let nothing = Tenant::empty().pbx(habits);
        match self {
            Start::Nothing => nothing,
            Start::People => nothing
                .domain(ACME, "Acme Dental")
                .subscriber(StoredSubscriber::domain_user(ACME))
                .subscriber(StoredSubscriber::person(ACME, "100", "Front Desk"))
                .number(StoredNumber::to_user(DID, ACME, "100"))
                .dial_rule(StoredDialRule::chain(ACME)),
        }
    }
}

/// What somebody does in the portal once the domain is there: people and a
/// number are not this program's to make.
fn at_the_portal(sandbox: &Sandbox) {
    if !sandbox.domains().is_empty() && sandbox.numbers().is_empty() {
        sandbox.put_subscriber(StoredSubscriber::person(ACME, "100", "Front Desk"));
        sandbox.put_number(StoredNumber::to_user(DID, ACME, "100"));
    }
}

fn home(sandbox: &Sandbox, api: &str) -> Home {
    Home::of(sandbox)
        .with_config(r#"{"allow_dial_plan_changes": true, "allow_domain_creation": true}"#)
        .with("SKYSWITCH_RATE_LIMIT", "0")
        .with("SKYSWITCH_PBX_BASE_URL", &sandbox.pbx_base_url())
        .with("SKYSWITCH_PBX_API", api)
        .with("SKYSWITCH_PBX_CLIENT_ID", sandbox::PBX_CLIENT_ID)
        .with("SKYSWITCH_PBX_CLIENT_SECRET", sandbox::PBX_CLIENT_SECRET)
        .with("SKYSWITCH_PBX_USERNAME", sandbox::PBX_USERNAME)
        .with("SKYSWITCH_PBX_PASSWORD", sandbox::PBX_PASSWORD)
        .with("SKYSWITCH_PBX_RATE_LIMIT", "0")
}

/// Everything upstream holds of the customer.
fn snapshot(sandbox: &Sandbox) -> String {
    let mut users = sandbox.subscribers();
    users.sort_by(|a, b| a.user.cmp(&b.user));
    let domains = sandbox.domains().into_iter().map(|domain| domain.domain);
    format!(
        "{:?} {users:?} {:?} {:?}",
        domains.collect::<Vec<_>>(),
        sandbox.dial_rules(),
        sandbox.numbers()
    )
}

/// Calls until the customer is ready; says how many requests that took.
async fn to_the_end(home: &Home, sandbox: &Sandbox) -> usize {
    for _ in 0..6 {
        at_the_portal(sandbox);
        let ran = home.run(&ONBOARD).await;
        if ran.code == 0 && ran.json()["ready"] == true {
            break;
        }
    }
    let ready = home.run(&ONBOARD).await;
    assert_eq!(ready.json()["ready"], true, "{ready:?}");
    assert_eq!(sandbox.ever_dropped(), Vec::<String>::new());
    assert_eq!(
        sandbox.who_rings(DID, STRANGER),
        Outcome::Rings("100".to_owned())
    );
    sandbox.requests().len()
}

#[tokio::test]
async fn an_onboarding_killed_at_any_moment_ends_as_one_clean_run() {
    let points = number_from("KILL_POINTS", 12).div_ceil(4);
    for (api, start) in [
        ("v1", Start::People),
        ("v2", Start::People),
        ("v1", Start::Nothing),
        ("v2", Start::Nothing),
    ] {
        let clean = sandbox_of(start.tenant()).await;
        let whole = to_the_end(&home(&clean, api), &clean).await;
        let expected = snapshot(&clean);
        for _ in 0..points {
            let sandbox = sandbox_of(start.tenant()).await;
            sandbox.set_latency(LATENCY);
            let home = home(&sandbox, api);
            let at = rand::random_range(0..whole);
            // The run is killed once the service has received that many requests.
            for _ in 0..3 {
                let mut command = home.command(&ONBOARD);
                command.stdin(Stdio::null()).stdout(Stdio::null());
                let mut child = command.stderr(Stdio::null()).spawn().unwrap();
                while sandbox.requests().len() < at && child.try_wait().unwrap().is_none() {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                tokio::time::sleep(LATENCY.mul_f64(rand::random())).await;
                let is_over = child.try_wait().unwrap().is_some();
                child.kill().await.unwrap();
                assert_eq!(sandbox.dropped_numbers(), Vec::<String>::new());
                if !is_over {
                    break;
                }
            }
            to_the_end(&home, &sandbox).await;
            assert_eq!(
                snapshot(&sandbox),
                expected,
                "{api} from {start:?}, killed at request {at}"
            );
            assert_eq!(
                home.left_open().await,
                0,
                "{api} from {start:?}, killed at request {at}"
            );
        }
    }
}
