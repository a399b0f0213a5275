//! What is learned of the service on the first day, by reading alone.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::ops::{CheckState, doctor};
use skyswitch_mcp::sandbox::{
    self, DialPlanAccess, Fault, PbxHabits, Sandbox, StoredRoute, Tenant,
};

use crate::skeletons::assert_holds_nothing_of_the_demo_customers;
use crate::support::process::{Home, demo_sandbox, sandbox_of};
use crate::support::{Bench, CALLER, DENTAL, KETTLE};

const RULES: &str = "route-by-ani";

/// The surroundings of somebody who uses both APIs of a sandbox.
fn home_with_pbx(sandbox: &Sandbox) -> Home {
    Home::of(sandbox)
        .with("SKYSWITCH_PBX_BASE_URL", &sandbox.pbx_base_url())
        .with("SKYSWITCH_PBX_CLIENT_ID", sandbox::PBX_CLIENT_ID)
        .with("SKYSWITCH_PBX_CLIENT_SECRET", sandbox::PBX_CLIENT_SECRET)
        .with("SKYSWITCH_PBX_USERNAME", sandbox::PBX_USERNAME)
        .with("SKYSWITCH_PBX_PASSWORD", sandbox::PBX_PASSWORD)
        .with("SKYSWITCH_PBX_RATE_LIMIT", "0")
}

#[tokio::test]
async fn a_sample_reads_everything_and_tells_nothing_of_anybody() {
    let closed = Tenant::demo().pbx(PbxHabits::default().dial_plan(DialPlanAccess::None));
    for (tenant, api) in [
        (Tenant::demo(), "v1"),
        (Tenant::demo(), "v2"),
        (closed, "v1"),
    ] {
        let sandbox = sandbox_of(tenant).await;
        let home = home_with_pbx(&sandbox).with("SKYSWITCH_PBX_API", api);
        let file = home.path().join("sample.json");
        let arguments = ["doctor", "--sample", file.to_str().unwrap(), "--json"];
        let ran = home.run(&arguments).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        let text = std::fs::read_to_string(&file).unwrap();
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_holds_nothing_of_the_demo_customers(&text);
        let sample: Value = serde_json::from_str(&text).unwrap();
        let answers = sample["answers"].as_array().unwrap();
        let summary = ran.json();
        assert_eq!(summary["answers"], answers.len());
        assert!(answers.len() >= 16, "{text}");
        for what in [
            "the token",
            "the customers",
            "the VIP rules of a customer",
            "the routing of a number",
        ] {
            let found = answers
                .iter()
                .find(|answer| answer["what"] == what)
                .unwrap();
            assert_eq!(found["status"], 200, "{what}: {found}");
        }
        let requests = sandbox.requests();
        assert!(requests.len() < 25, "{}: {requests:#?}", requests.len());
        for request in &requests {
            let is_login = request.path.contains("token");
            let is_form_read = request
                .form
                .iter()
                .any(|(name, value)| name == "action" && value == "read");
            assert!(
                request.method == "GET" || is_login || is_form_read,
                "{request:?}"
            );
        }
        // It is never overwritten.
        let before = requests.len();
        let again = home.run(&arguments).await;
        assert_eq!(again.code, 2, "{again:?}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
        assert_eq!(sandbox.requests().len(), before, "nothing was asked");
    }
}

#[tokio::test]
async fn a_sample_writes_down_what_fails_and_goes_on() {
    let sandbox = demo_sandbox().await;
    sandbox.inject(Fault::status("GET", "subscribers", 500).times(99));
    sandbox.inject(Fault::drop_before("GET", "pbx/phone-numbers").times(99));
    sandbox.inject(Fault::html("GET", "accounts/").times(1));
    let home = Home::of(&sandbox);
    let file = home.path().join("sample.json");
    let arguments = [
        "doctor",
        "--sample",
        file.to_str().unwrap(),
        "--domain",
        DENTAL,
    ];
    let ran = home.run(&arguments).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let sample: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let of = |what: &str| {
        let answers = sample["answers"].as_array().unwrap().iter();
        let mut found = answers.filter(|answer| answer["what"] == what);
        found
            .next()
            .unwrap_or_else(|| panic!("{what}: {sample}"))
            .clone()
    };
    assert_eq!(of("the users of a customer")["status"], 500);
    assert_eq!(
        of("the users of a customer")["error"],
        "upstream_unavailable"
    );
    assert_eq!(of("the numbers of a customer")["status"], Value::Null);
    assert_eq!(of("the VIP rules of a customer")["status"], 200);
    assert_eq!(of("the customers")["body"], "markup, such as a page or XML");
    assert!(of("the PBX API")["not_asked"].is_string());
    let wrong = Home::of(&sandbox).with("SKYSWITCH_PASSWORD", "not-the-password");
    let refused = wrong.run(&["doctor", "--sample", "refused.json"]).await;
    assert_eq!(refused.code, 4, "{refused:?}");
    assert!(!wrong.path().join("refused.json").exists());
}

#[tokio::test]
async fn the_doctor_fails_where_vip_rules_cannot_be_read() {
    let faults = [
        (Fault::status("GET", RULES, 403), Code::Forbidden),
        (Fault::status("GET", RULES, 200), Code::UpstreamRejected),
    ];
    for (fault, code) in faults {
        let bench = Bench::demo().await;
        bench.sandbox.inject(fault.times(99));
        let diagnosis = doctor(&bench.app()).await;
        assert!(!diagnosis.ok, "{diagnosis:?}");
        assert_eq!(diagnosis.first_failure, Some(code));
        let check = diagnosis
            .checks
            .iter()
            .find(|check| check.id == "vip_rules")
            .unwrap();
        assert_eq!(check.state, CheckState::Failed, "{check:?}");
    }
    let sandbox = demo_sandbox().await;
    sandbox.inject(Fault::status("GET", RULES, 403).times(99));
    let ran = Home::of(&sandbox).run(&["doctor"]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stdout.contains("FAILED   vip_rules"), "{ran:?}");
}

#[tokio::test]
async fn the_doctor_reads_the_vip_rules_of_a_customer_who_has_some() {
    // The customers that come first have none.
    let rule = StoredRoute::new(KETTLE, CALLER, "101");
    let tenant = Tenant {
        routes: vec![rule],
        ..Tenant::demo()
    };
    let bench = Bench::with(tenant).await;
    let diagnosis = doctor(&bench.app()).await;
    let mut checks = diagnosis.checks.iter();
    let rules = checks.find(|check| check.id == "vip_rules").unwrap();
    assert!(rules.detail.contains(KETTLE), "{rules:?}");
    assert!(rules.detail.ends_with(": 1"), "{rules:?}");
}
