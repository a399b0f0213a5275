//! What becomes of answers in a form that is not known, or that is known only
//! to those who were told: the form is kept, and nothing of what it says.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::{Value, json};
use skyswitch_mcp::config::{Credentials, PbxGeneration, PbxLogin, PbxSettings};
use skyswitch_mcp::error::{Code, Error};
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{AddVipStatus, CheckState, Diagnosis, doctor};
use skyswitch_mcp::redact::Secret;
use skyswitch_mcp::sandbox::{
    self, Announcement, EmptyList, ListShape, PbxHabits, RowDestination, Tenant, WriteAnswer,
};

use crate::support::customer::{PbxApi, app_on, prepared};
use crate::support::{
    Bench, CALLER, DENTAL, VET, add, adding, failure, list, listing, nobody, tenant_of,
};

/// The file that a hint names.
fn named_file(error: &Error) -> PathBuf {
    let words = error.hint().split_whitespace();
    let mut files = words.map(|word| word.trim_end_matches(':'));
    let file = files.find(|word| word.ends_with(".json"));
    file.unwrap_or_else(|| panic!("no file is named: {error:?}"))
        .into()
}

fn skeleton_of(error: &Error) -> Value {
    let text = std::fs::read_to_string(named_file(error)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// What no skeleton of the demo customers may hold.
pub fn assert_holds_nothing_of_the_demo_customers(text: &str) {
    for said in [
        "5550",
        "akeside",
        "ental",
        "Maya",
        "Lindgren",
        "12345",
        "sandbox-access",
        sandbox::ACCOUNT_ID,
        sandbox::USERNAME,
        "boundary",
        "admin@",
        "copper",
        "\"101\"",
    ] {
        assert!(!text.contains(said), "{said} is in {text}");
    }
}

#[tokio::test]
async fn an_answer_in_an_unknown_form_keeps_its_skeleton_and_the_error_names_the_file() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let row = json!([{"ani": "16165550188", "domain": DENTAL, "dest": "user:101", "name": "Maya Lindgren"}]);
    for _ in 0..2 {
        bench.next_list(&row.to_string());
        let refused = failure(list(&app, &listing(DENTAL)).await, Code::UpstreamRejected);
        let file = named_file(&refused);
        assert_eq!(file.parent().unwrap(), bench.state_dir().join("samples"));
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let text = std::fs::read_to_string(&file).unwrap();
        assert_holds_nothing_of_the_demo_customers(&text);
        let skeleton: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            skeleton["asked"],
            "GET accounts/<uuid>/pbx/route-by-ani?domain"
        );
        assert_eq!(skeleton["status"], 200);
        let form = &skeleton["body"][0]["form"];
        assert_eq!(form["dest"], "user:NNN", "{skeleton}");
        assert_eq!(form["ani"], "1NNNNNNNNNN", "{skeleton}");
    }
    let samples = || {
        std::fs::read_dir(bench.state_dir().join("samples"))
            .unwrap()
            .count()
    };
    assert_eq!(samples(), 1, "one for each form");
    bench.next_list(r#"{"message": 5}"#);
    let other = failure(list(&app, &listing(DENTAL)).await, Code::UpstreamRejected);
    assert_eq!(skeleton_of(&other)["body"]["message"], "number N");
    assert_eq!(samples(), 2);
}

#[tokio::test]
async fn each_habit_that_is_not_understood_leads_to_a_skeleton() {
    let rules = || {
        tenant_of(&[
            (CALLER, "101"),
            ("16165550124", "102"),
            ("16165550125", "102"),
        ])
    };
    let announced = |by| ListShape::Announced { per_page: 2, by };
    let tenants = [
        rules().row_destination(RowDestination::Nested),
        rules().row_destination(RowDestination::Renamed),
        rules().row_destination(RowDestination::Null),
        rules().row_destination(RowDestination::Absent),
        rules().list_shape(announced(Announcement::NextCursor)),
        rules().list_shape(announced(Announcement::ContentRange)),
        rules().list_shape(announced(Announcement::Partial)),
        tenant_of(&[]).empty_list(EmptyList::Object),
        tenant_of(&[]).empty_list(EmptyList::Null),
        tenant_of(&[]).empty_list(EmptyList::Blank),
        tenant_of(&[]).empty_list(EmptyList::NoContent),
    ];
    for tenant in tenants {
        let bench = Bench::with(tenant).await;
        let refused = failure(
            list(&bench.app(), &listing(DENTAL)).await,
            Code::UpstreamRejected,
        );
        assert!(skeleton_of(&refused)["status"].is_u64(), "{refused:?}");
    }
    // A row under a name that is none of the account's domains.
    let bench = Bench::demo().await;
    bench.next_list(
        r#"[{"ani":"16165550188","domain":"someone.99999.service","destination":"101"}]"#,
    );
    let refused = failure(
        list(&bench.app(), &listing(DENTAL)).await,
        Code::UpstreamRejected,
    );
    assert_eq!(
        skeleton_of(&refused)["body"][0]["form"]["domain"],
        "name.NNNNN.service"
    );
}

#[tokio::test]
async fn an_answer_to_a_change_that_is_not_the_documented_one_keeps_its_skeleton() {
    let mut tenant = Tenant::demo();
    tenant.write_answer = WriteAnswer::Instead {
        status: 200,
        body: json!({"route": {"ani": "16165550188", "created_by": "Maya"}}).to_string(),
    };
    let bench = Bench::with(tenant).await;
    let added = add(
        &bench.app(),
        &adding("6165550188", DENTAL, "101"),
        &nobody(),
    )
    .await;
    assert_eq!(added.unwrap().status, AddVipStatus::Created);
    let mut samples = std::fs::read_dir(bench.state_dir().join("samples")).unwrap();
    let text = std::fs::read_to_string(samples.next().unwrap().unwrap().path()).unwrap();
    assert_holds_nothing_of_the_demo_customers(&text);
    assert!(
        text.contains("\"asked\": \"PUT accounts/<uuid>/pbx/route-by-ani?"),
        "{text}"
    );
    assert!(text.contains("\"created_by\": \"word\""), "{text}");
}

#[tokio::test]
async fn where_no_skeleton_can_be_kept_the_error_says_nothing_of_it() {
    let bench = Bench::demo().await;
    std::fs::create_dir(bench.state_dir()).unwrap();
    std::fs::write(bench.state_dir().join("samples"), "in the way").unwrap();
    bench.next_list(r#"{"message": 5}"#);
    let refused = failure(
        list(&bench.app(), &listing(DENTAL)).await,
        Code::UpstreamRejected,
    );
    assert!(!refused.hint().contains("samples"), "{refused:?}");
}

#[tokio::test]
async fn skeletons_are_kept_up_to_a_number() {
    let bench = Bench::demo().await;
    let app = bench.app();
    for rows in 0..110 {
        let body = Value::from_iter(std::iter::repeat_n(json!({"ani": 5}), rows + 1));
        bench.next_list(&body.to_string());
        failure(list(&app, &listing(DENTAL)).await, Code::UpstreamRejected);
    }
    let samples = std::fs::read_dir(bench.state_dir().join("samples")).unwrap();
    assert_eq!(samples.count(), 100);
}

#[tokio::test]
async fn not_found_is_an_empty_list_only_for_a_customer_who_exists_and_where_it_is_said_so() {
    let bench = Bench::with(tenant_of(&[]).empty_list(EmptyList::NotFound)).await;
    let app = bench.app();
    let refused = failure(list(&app, &listing(DENTAL)).await, Code::NotFound);
    assert!(
        refused.hint().contains("not_found_is_empty_list"),
        "{refused:?}"
    );
    let adding = adding(CALLER, DENTAL, "user:101");
    failure(add(&app, &adding, &Channel::Given).await, Code::NotFound);
    bench.assert_nothing_written();
    let app = bench.app_with(|settings| settings.not_found_is_empty_list = true);
    assert_eq!(list(&app, &listing(DENTAL)).await.unwrap().total, 0);
    failure(list(&app, &listing(VET)).await, Code::NotFound);
    let added = add(&app, &adding, &Channel::Given).await.unwrap();
    assert_eq!(added.status, AddVipStatus::Created, "{added:?}");
}

#[tokio::test]
async fn a_pbx_client_may_have_no_secret() {
    let habits = PbxHabits::default().without_client_secret();
    let bench = Bench::with(prepared(habits)).await;
    let with_secret = doctor(&app_on(&bench, PbxApi::V1)).await;
    let state = |diagnosis: &Diagnosis| {
        let mut checks = diagnosis.checks.iter();
        checks.find(|check| check.id == "pbx_api").unwrap().state
    };
    assert_eq!(state(&with_secret), CheckState::Warning);
    let app = bench.app_with(|settings| {
        settings.pbx = Some(Ok(PbxSettings {
            base_url: bench.sandbox.pbx_base_url().parse().unwrap(),
            generation: PbxGeneration::V1,
            login: PbxLogin::Password(
                Credentials {
                    client_id: sandbox::PBX_CLIENT_ID.to_owned(),
                    client_secret: Secret::new(""),
                    username: sandbox::PBX_USERNAME.to_owned(),
                    password: Secret::new(sandbox::PBX_PASSWORD),
                }
                .into(),
            ),
            rate_limit: 0.0,
        }));
    });
    assert_eq!(state(&doctor(&app).await), CheckState::Ok);
}
