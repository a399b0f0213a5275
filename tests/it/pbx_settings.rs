//! Where the PBX API is and how it is logged in to, as the operator says it.

use skyswitch_mcp::config::{Flags, PbxGeneration, PbxLogin, PbxSettings, Settings};
use skyswitch_mcp::error::Code;

const LOGIN: [(&str, &str); 4] = [
    ("SKYSWITCH_PBX_CLIENT_ID", "client"),
    ("SKYSWITCH_PBX_CLIENT_SECRET", "hidden-client-secret"),
    ("SKYSWITCH_PBX_USERNAME", "admin@0000.12345.service"),
    ("SKYSWITCH_PBX_PASSWORD", "hidden-password"),
];

fn pbx(variables: &[(&str, &str)]) -> Option<skyswitch_mcp::Result<PbxSettings>> {
    let lookup = |name: &str| {
        let known = variables.iter().find(|(known, _)| *known == name);
        let home = (name == "XDG_CONFIG_HOME").then_some("/nonexistent");
        known.map(|(_, value)| *value).or(home).map(str::to_owned)
    };
    Settings::load(&Flags::default(), &lookup).unwrap().pbx
}

fn with_login<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&LOGIN[..], more].concat()
}

#[test]
fn without_an_address_there_is_no_pbx_api() {
    assert!(pbx(&LOGIN).is_none());
}

#[test]
fn either_generations_address_names_the_root() {
    for address in [
        "https://12345-hpbx.dashmanager.com/ns-api",
        "https://12345-hpbx.dashmanager.com/ns-api/",
        "https://12345-hpbx.dashmanager.com/ns-api/v2/",
    ] {
        let found = pbx(&with_login(&[("SKYSWITCH_PBX_BASE_URL", address)]));
        let settings = found.unwrap().unwrap();
        assert_eq!(
            settings.base_url.as_str(),
            "https://12345-hpbx.dashmanager.com/ns-api"
        );
        assert_eq!(settings.generation, PbxGeneration::V1);
        assert!(!format!("{settings:?}").contains("hidden"));
    }
}

#[test]
fn plain_http_is_for_loopback_only_and_a_login_is_needed() {
    let address = ("SKYSWITCH_PBX_BASE_URL", "http://pbx.example.com/ns-api");
    let refused = pbx(&with_login(&[address])).unwrap().unwrap_err();
    assert_eq!(refused.code(), Code::NotConfigured);
    assert_eq!(refused.detail().field.as_deref(), Some("pbx_base_url"));

    let address = ("SKYSWITCH_PBX_BASE_URL", "https://pbx.example.com/ns-api");
    let refused = pbx(&[address]).unwrap().unwrap_err();
    assert!(refused.to_string().contains("SKYSWITCH_PBX_PASSWORD"));

    let unfilled = ("SKYSWITCH_PBX_API_KEY", "${PBX_KEY}");
    let refused = pbx(&[address, unfilled]).unwrap().unwrap_err();
    assert_eq!(
        refused.detail().field.as_deref(),
        Some("SKYSWITCH_PBX_API_KEY")
    );
}

#[tokio::test]
async fn a_client_secret_may_be_empty_where_it_is_said_to_be_and_nothing_else_may() {
    let address = ("SKYSWITCH_PBX_BASE_URL", "https://pbx.example.com/ns-api");
    let without = |left_out: &str| -> Vec<(&str, &str)> {
        let others = LOGIN.into_iter().filter(|(name, _)| *name != left_out);
        others.chain([address]).collect()
    };
    let secret = "SKYSWITCH_PBX_CLIENT_SECRET";
    let said = [without(secret), vec![(secret, "")]].concat();
    let settings = pbx(&said).unwrap().unwrap();
    let PbxLogin::Password(login) = settings.login else {
        panic!("a login");
    };
    let login = login.read().await.unwrap();
    assert!(login.client_secret.expose().is_empty());
    assert!(
        pbx(&without(secret)).unwrap().is_err(),
        "it may be forgotten"
    );
    let password = "SKYSWITCH_PBX_PASSWORD";
    let said = [without(password), vec![(password, "")]].concat();
    assert!(pbx(&said).unwrap().is_err());
}

#[test]
fn an_api_key_is_for_the_second_generation() {
    let key = [
        ("SKYSWITCH_PBX_BASE_URL", "https://pbx.example.com/ns-api"),
        ("SKYSWITCH_PBX_API_KEY", "nsr_hidden"),
    ];
    let refused = pbx(&key).unwrap().unwrap_err();
    assert_eq!(refused.detail().field.as_deref(), Some("pbx_api_key"));
    let second = [&key[..], &[("SKYSWITCH_PBX_API", "v2")]].concat();
    let settings = pbx(&second).unwrap().unwrap();
    assert!(matches!(settings.login, PbxLogin::Key(_)));
    assert!(!format!("{settings:?}").contains("hidden"));
}
