//! `config set`: a file that it wrote can always be read.

use proptest::prelude::*;
use serde_json::Value;
use skyswitch_mcp::config::{ConfigEdit, Flags, Settings};
use skyswitch_mcp::error::Code;
use skyswitch_mcp::redact::Secret;

use crate::support::process::Home;

/// What people may give, and what is like it.
const VALUES: [&str; 44] = [
    "",
    " ",
    "true",
    "false",
    "yes",
    "null",
    "none",
    "auto",
    "0",
    "1",
    "-1",
    "7.5",
    "1e300",
    "12",
    "10001",
    "56",
    "human",
    "token",
    "block",
    "v1",
    "v2",
    "bare",
    "prefixed",
    "ask",
    "refuse",
    "acme",
    "acme.12345.service",
    "acme.12345.service,other.12345.service",
    "6165550123",
    "6165550123,6165550124",
    "12",
    "not an account id",
    "3fa85f64-5717-4562-b3fc-2c963f66afa6",
    "https://api.example.com",
    "http://example.org",
    "https://user:pw@example.org",
    "not a url",
    "/run/secrets/skyswitch",
    "secrets/skyswitch",
    "pass show it",
    "[\"pass\", \"show\"]",
    "'open",
    "${HOME}",
    "{\"read_only\": true}",
];

/// The names of all settings.
async fn names() -> Vec<String> {
    let listed = Home::bare().run(&["config", "list", "--json"]).await.json();
    let settings = listed["settings"].as_array().unwrap().iter();
    let names = settings.map(|setting| setting["setting"].as_str().unwrap().to_owned());
    names.collect()
}

/// Whether whoever needs a part of the settings can use it, or only misses some.
fn is_usable<T>(part: &skyswitch_mcp::Result<T>) -> bool {
    match part {
        Ok(_) => true,
        Err(error) => error.code() == Code::NotConfigured && error.to_string().contains("missing"),
    }
}

fn assert_reads(flags: &Flags, after: &str) {
    let settings = Settings::load(flags, &|_| None).unwrap_or_else(|error| {
        panic!("{after}: {error}");
    });
    assert!(is_usable(&settings.credentials), "{after}: {settings:?}");
    assert!(
        settings.pbx.as_ref().is_none_or(is_usable),
        "{after}: {settings:?}"
    );
}

/// Sets a value, in a file that has been read before.
fn set(flags: &Flags, name: &str, value: &str) -> bool {
    let mut edit = ConfigEdit::open(flags).unwrap();
    let is_set = edit.set(name, value).is_ok();
    if is_set {
        edit.save().unwrap();
    }
    is_set
}

#[tokio::test]
async fn for_every_setting_any_value_is_refused_or_the_file_can_be_read() {
    let names = names().await;
    assert!(names.len() > 40, "{names:?}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    let flags = Flags {
        config: Some(path.clone()),
        ..Flags::default()
    };
    for name in &names {
        let mut taken = 0;
        for value in VALUES {
            let _ = std::fs::remove_file(&path);
            if set(&flags, name, value) {
                taken += 1;
                assert_reads(&flags, &format!("{name} = {value}"));
            }
        }
        let is_secret = ["client_secret", "password", "pbx_api_key"]
            .iter()
            .any(|secret| name.ends_with(secret));
        assert_eq!(taken == 0, is_secret, "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn so_it_is_after_any_number_of_settings_that_are_set_and_unset(
        steps in prop::collection::vec((any::<prop::sample::Index>(), prop::option::weighted(
            0.9, any::<prop::sample::Index>())), 1..40)
    ) {
        let names = tokio::runtime::Runtime::new().unwrap().block_on(names());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        std::fs::write(&path, "{}").unwrap();
        let flags = Flags { config: Some(path), ..Flags::default() };
        for (name, value) in steps {
            let name = name.get(&names);
            match value {
                Some(value) => {
                    let text = value.get(&VALUES);
                    let _ = set(&flags, name, text);
                }
                None => {
                    let mut edit = ConfigEdit::open(&flags).unwrap();
                    if edit.unset(name).is_ok_and(|was_there| was_there) {
                        edit.save().unwrap();
                    }
                }
            }
            assert_reads(&flags, name);
        }
    }
}

#[tokio::test]
async fn a_value_that_only_its_use_would_refuse_is_refused_with_the_reason() {
    let config = r#"{"password_command": "pass show it"}"#;
    let home = Home::bare().with_config(config);
    for (arguments, says) in [
        (
            &["password_file", "/run/secrets/it"][..],
            "so is password_command",
        ),
        (
            &["client_secret_file", "secrets/it"],
            "not an absolute path",
        ),
        // What is no command as a text is none as a list of words either.
        (&["client_secret_command", "'open"], "not a command"),
        // A flag does not hide it.
        (
            &["default_account_id", "my account", "-a", "x"],
            "account id",
        ),
        (&["pbx_rate_limit", "0.001"], "requests a second"),
        (&["client_id", "${CLIENT_ID}"], "did not fill in"),
    ] {
        let ran = home.run(&[&["config", "set"], arguments].concat()).await;
        assert_eq!(ran.code, 2, "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains(says), "{arguments:?}: {ran:?}");
    }
    let file = home.path().join("home/.config/skyswitch/config.json");
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(kept, serde_json::from_str::<Value>(config).unwrap());
}

#[test]
fn what_others_set_meanwhile_is_kept_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    std::fs::write(&path, r#"{"scope": "*", "username": "maya"}"#).unwrap();
    let flags = Flags {
        config: Some(path.clone()),
        ..Flags::default()
    };
    let mut slow = ConfigEdit::open(&flags).unwrap();
    slow.put("username", "oscar".into()).unwrap();
    for (name, text) in [("read_only", "true"), ("username", "ines")] {
        let mut quick = ConfigEdit::open(&flags).unwrap();
        quick.set(name, text).unwrap();
        quick.save().unwrap();
    }
    let mut quick = ConfigEdit::open(&flags).unwrap();
    quick.unset("scope").unwrap();
    quick.save().unwrap();
    slow.read_again().unwrap();
    assert!(slow.settings().unwrap().read_only);
    slow.save().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let fields: serde_json::Value = serde_json::from_str(&text).unwrap();
    let wanted = serde_json::json!({"read_only": true, "username": "oscar"});
    assert_eq!(fields, wanted);
}

#[test]
fn an_old_fault_of_another_setting_keeps_nobody_from_allowing_only_reading() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    let flags = Flags {
        config: Some(path.clone()),
        ..Flags::default()
    };
    for fault in [
        r#"{"password": "a", "password_command": ["pass", "show", "x"]}"#,
        r#"{"password_file": "relative"}"#,
    ] {
        std::fs::write(&path, fault).unwrap();
        let mut edit = ConfigEdit::open(&flags).unwrap();
        edit.set("read_only", "true").unwrap();
        edit.save().unwrap();
        assert!(
            std::fs::read_to_string(&path)
                .unwrap()
                .contains("\"read_only\": true")
        );
    }
}

#[test]
fn nothing_is_set_to_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    std::fs::write(&path, r#"{"read_only": true}"#).unwrap();
    let flags = Flags {
        config: Some(path),
        ..Flags::default()
    };
    let mut edit = ConfigEdit::open(&flags).unwrap();
    for name in ["read_only", "allow_yes", "confirm"] {
        assert!(edit.set(name, "null").is_err(), "{name}");
    }
}

/// A config file with these fields.
fn file_with(fields: &str) -> (tempfile::TempDir, Flags) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    std::fs::write(&path, fields).unwrap();
    let flags = Flags {
        config: Some(path),
        ..Flags::default()
    };
    (folder, flags)
}

fn fields_of(flags: &Flags) -> Value {
    let text = std::fs::read_to_string(flags.config.as_ref().unwrap()).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_secret_that_is_stored_goes_before_another_form_that_others_set_meanwhile() {
    let command = serde_json::json!(["secret-tool", "lookup", "it"]);
    let forms = [
        ("password", "typed".into()),
        ("password_file", "/run/secrets/it".into()),
        ("password_command", command),
    ];
    for (ours, value) in &forms {
        for (theirs, other) in &forms {
            let (_folder, flags) = file_with(r#"{"username": "maya", "password_file": "/old"}"#);
            let mut slow = ConfigEdit::open(&flags).unwrap();
            slow.keep_in_file("password", &Secret::new("typed"))
                .unwrap();
            slow.unset("password").unwrap();
            slow.put(ours, value.clone()).unwrap();
            let mut quick = ConfigEdit::open(&flags).unwrap();
            quick.unset("password_file").unwrap();
            quick.put(theirs, other.clone()).unwrap();
            quick.put("read_only", true.into()).unwrap();
            quick.save().unwrap();
            slow.save().unwrap();
            let wanted = serde_json::json!({"username": "maya", "read_only": true, *ours: value});
            assert_eq!(fields_of(&flags), wanted, "beside {theirs}");
        }
    }
}

#[test]
fn an_old_fault_hides_none_of_a_new_value() {
    let rate = r#"{"rate_limit": -1}"#;
    let pbx = r#"{"rate_limit": -1, "pbx_api": "v2", "pbx_api_key": "k", "pbx_base_url": "https://p.example"}"#;
    for (before, name, value) in [
        (rate, "rate_limit", "-2"),
        (rate, "protected", "12"),
        (rate, "allowed_domains", "harborlegal"),
        (rate, "max_changes_per_hour", "-5"),
        (r#"{"approval_wait": 99}"#, "approval_wait", "77"),
        (
            r#"{"base_url": "http://a.example"}"#,
            "base_url",
            "http://b.example",
        ),
        (r#"{"password_file": "rel1"}"#, "password_file", "rel2"),
        (
            r#"{"password": "a", "password_file": "rel"}"#,
            "password_file",
            "/it",
        ),
        // It counts together with others, which could be used.
        (pbx, "pbx_api", "v1"),
    ] {
        let (_folder, flags) = file_with(before);
        let mut edit = ConfigEdit::open(&flags).unwrap();
        let refused = edit.set(name, value).unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{before} {name}");
        assert!(
            refused.to_string().contains(name),
            "{before} {name}: {refused}"
        );
        edit.save().unwrap();
        assert_eq!(
            fields_of(&flags),
            serde_json::from_str::<Value>(before).unwrap()
        );
    }
    let (_folder, flags) = file_with(pbx);
    let mut edit = ConfigEdit::open(&flags).unwrap();
    assert!(
        edit.unset("pbx_api").is_err(),
        "the key cannot be used without"
    );
}

#[test]
fn a_file_with_several_faults_is_mended_one_by_one() {
    let (_folder, flags) =
        file_with(r#"{"approval_wait": "soon", "rate_limit": -1, "scope": "*"}"#);
    for (name, value) in [("rate_limit", "5"), ("approval_wait", "10")] {
        let mut edit = ConfigEdit::open(&flags).unwrap();
        edit.set(name, value).unwrap();
        edit.save().unwrap();
    }
    assert_reads(&flags, "both");
    let wanted = serde_json::json!({"approval_wait": 10, "rate_limit": 5, "scope": "*"});
    assert_eq!(fields_of(&flags), wanted);
}
