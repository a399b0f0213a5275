//! Profiles and config files that are named: they go before what is exported,
//! must exist, and are named in what a person agrees to.

use serde_json::{Value, json};
use skyswitch_mcp::sandbox::{self, Fault, Sandbox};

use crate::support::process::{CALLER, CALLER_AS_WRITTEN, DOMAIN, Home, demo_sandbox};
use crate::support::protocol::{Era, Wire};

fn whole_login(sandbox: &Sandbox) -> Value {
    json!({
        "client_id": sandbox::CLIENT_ID, "client_secret": sandbox::CLIENT_SECRET,
        "username": sandbox::USERNAME, "password": sandbox::PASSWORD,
        "default_account_id": sandbox::ACCOUNT_ID, "base_url": sandbox.base_url(),
    })
}

/// A home with a profile, and with exported variables of quite another login.
fn home(sandbox: &Sandbox) -> Home {
    let home = Home::bare()
        .with("SKYSWITCH_BASE_URL", "http://127.0.0.1:9")
        .with("SKYSWITCH_ACCOUNT_ID", "of-the-shell")
        .with("SKYSWITCH_CLIENT_ID", "of-the-shell")
        .with("SKYSWITCH_CLIENT_SECRET", "of-the-shell")
        .with("SKYSWITCH_USERNAME", "of-the-shell")
        .with("SKYSWITCH_PASSWORD", "of-the-shell")
        .with("SKYSWITCH_RATE_LIMIT", "0");
    let profile = whole_login(sandbox).to_string();
    home.write("home/.config/skyswitch/profiles/acme.json", &profile);
    home.write("named.json", &profile);
    home
}

#[tokio::test]
async fn a_profile_or_file_that_is_named_goes_before_exported_variables() {
    let sandbox = demo_sandbox().await;
    let home = home(&sandbox);
    let named = home.path().join("named.json").display().to_string();
    for arguments in [
        ["--profile", "acme", "vip", "list"],
        ["--config", &named, "vip", "list"],
    ] {
        let ran = home.run(&arguments).await;
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
    }
    let by_variable = home.with("SKYSWITCH_PROFILE", "acme");
    let ran = by_variable.run(&["vip", "list"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let asked = sandbox.requests();
    assert!(asked.iter().all(|seen| !seen.path.contains("of-the-shell")));
    // What the file leaves out still comes from the environment, and a flag goes before both.
    let ran = by_variable.run(&["config", "get", "rate_limit"]).await;
    assert_eq!(ran.stdout.trim(), "0", "{ran:?}");
    let ran = by_variable
        .run(&[
            "--account",
            "by-flag",
            "config",
            "get",
            "default_account_id",
        ])
        .await;
    assert_eq!(ran.stdout.trim(), "by-flag", "{ran:?}");
}

#[tokio::test]
async fn a_profile_that_does_not_exist_is_an_error_with_the_nearest_name() {
    let sandbox = demo_sandbox().await;
    let home = home(&sandbox);
    let ran = home
        .run(&["--profile", "acne", "vip", "list", "--json"])
        .await;
    assert_eq!(ran.code, 4, "{ran:?}");
    let hint = ran.json_error()["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains("`acme`"), "{hint}");
    let ran = home
        .with("SKYSWITCH_PROFILE", "acne")
        .run(&["vip", "list"])
        .await;
    assert_eq!(ran.code, 4, "{ran:?}");
    let home = self::home(&sandbox);
    let ran = home.run(&["--profile", "../acme", "vip", "list"]).await;
    assert_eq!(ran.code, 2, "no name leads out of the folder: {ran:?}");
    let both = ["--profile", "acme", "--config", "named.json", "vip", "list"];
    assert_eq!(home.run(&both).await.code, 2, "one of them is meant");
    assert_eq!(sandbox.requests(), []);
}

#[tokio::test]
async fn profiles_lists_them_with_the_one_in_use() {
    let sandbox = demo_sandbox().await;
    let home = home(&sandbox);
    home.write(
        "home/.config/skyswitch/profiles/beta.json",
        r#"{"default_account_id": "of-beta"}"#,
    );
    let home = home.with_config("{}");
    let ran = home.run(&["--profile", "beta", "profiles", "--json"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let profiles = ran.json()["profiles"].as_array().unwrap().clone();
    let seen: Vec<_> = profiles
        .iter()
        .map(|row| {
            (
                row["profile"].clone(),
                row["account_id"].clone(),
                row["in_use"].clone(),
            )
        })
        .collect();
    let expected = [
        (json!(null), json!(null), json!(false)),
        (json!("acme"), json!(sandbox::ACCOUNT_ID), json!(false)),
        (json!("beta"), json!("of-beta"), json!(true)),
    ];
    assert_eq!(seen, expected);
    let ran = home.run(&["profiles"]).await;
    assert!(ran.stdout.contains("* (no profile)"), "{ran:?}");
    assert!(ran.stdout.contains("acme"), "{ran:?}");
}

#[tokio::test]
async fn a_profile_is_made_by_set_and_a_preview_names_it() {
    let sandbox = demo_sandbox().await;
    let home = home(&sandbox);
    let ran = home
        .run(&["--profile", "gamma", "config", "set", "read_only", "true"])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let made = home
        .path()
        .join("home/.config/skyswitch/profiles/gamma.json");
    assert!(made.exists());

    let removal = json!({ "ani": CALLER, "domain": DOMAIN });
    let mut wire = Wire::ready(&home, &["--profile", "acme"], Era::Legacy, false).await;
    let result = wire.call("remove_vip", removal).await;
    let preview = result["structuredContent"]["preview"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(preview.contains("Profile: acme"), "{preview}");
    let code = result["structuredContent"]["approval_code"]
        .as_str()
        .unwrap()
        .to_owned();
    // Whoever approves elsewhere sees it, too.
    let reply = Some(("Type", CALLER_AS_WRITTEN));
    if let Some(ran) = home.run_at_terminal(&["approve", &code], reply).await {
        assert!(ran.stdout.contains("Profile: acme"), "{ran:?}");
        assert_eq!(ran.code, 0, "{ran:?}");
    }
}

#[tokio::test]
async fn commands_that_are_named_reach_the_same_profile_or_file() {
    let sandbox = demo_sandbox().await;
    let home = home(&sandbox);
    home.write("named here.json", &whole_login(&sandbox).to_string());
    let file = home.path().join("named here.json").display().to_string();
    let quoted = format!("'{file}'");
    for (named, is_named) in [
        (["--profile", "acme"], "acme"),
        (["--config", &file], quoted.as_str()),
    ] {
        let [option, value] = named;
        let words = ["vip", "add", "6165550144", "101", "-d", DOMAIN];
        let added = home.run(&[&[option, value], &words[..]].concat()).await;
        let undo = format!("`skyswitch {option} {is_named} undo ");
        assert!(added.stdout.contains(&undo), "{added:?}");
        let (_, id) = added.stdout.split_once(&undo).unwrap();
        let id = id.split_once('`').unwrap().0;
        let undone = home.run(&[option, value, "undo", id, "--yes"]).await;
        assert_eq!(undone.code, 0, "{undone:?}");
    }
    // One that was exported stays what is meant where it is not.
    let shown = home
        .with("SKYSWITCH_PROFILE", "gone")
        .run(&["domains"])
        .await;
    assert!(
        shown.stderr.contains("`skyswitch --profile gone login`"),
        "{shown:?}"
    );
}

#[tokio::test]
async fn a_hint_names_the_next_command_with_everything_that_chose_the_settings() {
    let sandbox = demo_sandbox().await;
    let home = home(&sandbox);
    for status in [401, 403] {
        let refused = Fault::status("GET", "route-by-ani", status);
        sandbox.inject(refused.times(9));
        let ran = home
            .run(&["--profile", "acme", "vip", "list", "-d", DOMAIN])
            .await;
        let doctor = "`skyswitch --profile acme doctor`";
        assert!(ran.stderr.contains(doctor), "{ran:?}");
        sandbox.clear_faults();
    }
    let list = home.write("list.json", "[{]");
    let list = list.to_str().unwrap();
    let import = ["--profile", "acme", "vip", "import", list, "-d", DOMAIN];
    let ran = home.run(&import).await;
    let export = "`skyswitch --profile acme vip export --format json`";
    assert!(ran.stderr.contains(export), "{ran:?}");
    let none = ["--account", "of-flag", "--profile", "gone", "vip", "list"];
    let ran = home.run(&none).await;
    let login = "`skyswitch --profile gone --account of-flag login`";
    assert!(ran.stderr.contains(login), "{ran:?}");
}

#[tokio::test]
async fn in_the_sandbox_the_next_command_has_the_profile_whose_limits_apply() {
    let sandbox = demo_sandbox().await;
    let home = home(&sandbox);
    let words = ["vip", "add", "6165550144", "101", "-d", DOMAIN];
    let begins = ["--sandbox", "--profile", "acme"];
    let added = home.run(&[&begins[..], &words[..]].concat()).await;
    let undo = "`skyswitch --sandbox --profile acme undo 1`";
    assert!(added.stdout.contains(undo), "{added:?}");
}
