//! Signing in and out, where each value of the login comes from, and settings
//! that are changed by command.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use skyswitch_mcp::sandbox::{self, Sandbox};
use tokio::io::AsyncWriteExt;

use crate::support::process::{DOMAIN, Home, Ran, Reply, demo_sandbox, logins};
use crate::support::protocol::{Era, Wire};

/// The config file of a home.
fn config_file(home: &Home) -> PathBuf {
    home.path().join("home/.config/skyswitch/config.json")
}

fn config(home: &Home) -> Value {
    serde_json::from_str(&std::fs::read_to_string(config_file(home)).unwrap()).unwrap()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// A home that knows where the service is, and nothing of a login.
fn stranger(sandbox: &Sandbox) -> Home {
    Home::bare().with("SKYSWITCH_BASE_URL", sandbox.base_url())
}

/// A login as `--from-stdin` reads it.
fn login(password: &str) -> Value {
    json!({
        "client_id": sandbox::CLIENT_ID, "client_secret": sandbox::CLIENT_SECRET,
        "username": sandbox::USERNAME, "password": password,
        "default_account_id": sandbox::ACCOUNT_ID,
    })
}

/// Runs a command with something on its standard input.
async fn run_with_input(home: &Home, arguments: &[&str], input: &str) -> Ran {
    run_in(home.path(), home, arguments, input).await
}

/// The same in a folder.
async fn run_in(folder: &Path, home: &Home, arguments: &[&str], input: &str) -> Ran {
    let mut command = home.command(arguments);
    let mut child = command
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    // A command that refuses does not read it.
    let _ = pipe.write_all(input.as_bytes()).await;
    drop(pipe);
    let output = child.wait_with_output().await.unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn assert_no_secret(ran: &Ran) {
    for secret in [sandbox::CLIENT_SECRET, sandbox::PASSWORD] {
        assert!(!format!("{ran:?}").contains(secret), "{ran:?}");
        assert!(!ran.stdout.contains(secret), "{ran:?}");
        assert!(!ran.stderr.contains(secret), "{ran:?}");
    }
}

const NO_TERMINAL: &str = "not tried: `script` of util-linux, which gives a terminal, is missing";

#[tokio::test]
async fn login_asks_at_a_terminal_hides_secrets_verifies_and_stores_privately() {
    let sandbox = demo_sandbox().await;
    let home = stranger(&sandbox);
    let replies = [
        Reply::shown("Client id:", sandbox::CLIENT_ID),
        Reply::hidden("Client secret", sandbox::CLIENT_SECRET),
        Reply::shown("User name", sandbox::USERNAME),
        Reply::hidden("Password", sandbox::PASSWORD),
        Reply::shown("Account id", sandbox::ACCOUNT_ID),
    ];
    let Some(ran) = home.converse_at_terminal(&["login"], &replies).await else {
        return eprintln!("{NO_TERMINAL}");
    };
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("SkySwitch gives them out"), "{ran:?}");
    assert!(ran.stdout.contains("Signed in"), "{ran:?}");
    assert_no_secret(&ran);
    assert_eq!(config(&home), login(sandbox::PASSWORD));
    assert_eq!(mode(&config_file(&home)), 0o600);
    assert_eq!(mode(config_file(&home).parent().unwrap()), 0o700);
    let ran = home.run(&["vip", "list", "--json"]).await;
    assert_eq!((ran.code, &ran.json()["total"]), (0, &json!(11)));
}

#[tokio::test]
async fn login_without_a_terminal_is_refused_with_the_remedy_and_reads_json_where_told() {
    let sandbox = demo_sandbox().await;
    let home = stranger(&sandbox);
    let ran = home.run(&["login", "--json"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    let hint = ran.json_error()["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains("--from-stdin"), "{hint}");
    assert!(!config_file(&home).exists());

    let input = login(sandbox::PASSWORD).to_string();
    let ran = run_with_input(&home, &["login", "--from-stdin", "--json"], &input).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.json()["account_id"], sandbox::ACCOUNT_ID);
    assert_eq!(
        ran.json()["customers"],
        5,
        "without the reseller's own domain"
    );
    assert_no_secret(&ran);
    assert_eq!(config(&home), login(sandbox::PASSWORD));

    let misspelt = json!({ "pasword": "x" }).to_string();
    let ran = run_with_input(&home, &["login", "--from-stdin"], &misspelt).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("`password`"), "{ran:?}");
}

#[tokio::test]
async fn a_login_that_is_refused_or_names_no_account_stores_nothing_and_keeps_what_was_there() {
    let sandbox = demo_sandbox().await;
    let home = stranger(&sandbox).with_config(r#"{"rate_limit": 7}"#);
    let wrong = login("not-the-password");
    let mut without_account = login(sandbox::PASSWORD);
    without_account
        .as_object_mut()
        .unwrap()
        .remove("default_account_id");
    let mut other_account = login(sandbox::PASSWORD);
    other_account["default_account_id"] = json!("somebody-elses");
    for input in [wrong, without_account, other_account] {
        let ran = run_with_input(&home, &["login", "--from-stdin"], &input.to_string()).await;
        assert_eq!(ran.code, 4, "{input}: {ran:?}");
        assert_eq!(config(&home), json!({ "rate_limit": 7 }), "{input}");
    }
    let input = login(sandbox::PASSWORD).to_string();
    let ran = run_with_input(&home, &["login", "--from-stdin"], &input).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(config(&home)["rate_limit"], 7, "what is there stays");
    assert_eq!(config(&home)["password"], sandbox::PASSWORD);
}

/// A keychain's program that keeps entries in a folder.
const SECRET_TOOL: &str = r#"#!/bin/sh
for entry; do :; done
case "$1" in
store) cat > "$HOME/keychain-$entry" ;;
lookup) cat "$HOME/keychain-$entry" ;;
clear) rm "$HOME/keychain-$entry" ;;
esac
"#;

fn with_keychain(home: Home) -> Home {
    let program = home.write("bin/secret-tool", SECRET_TOOL);
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o700)).unwrap();
    std::fs::create_dir_all(home.path().join("home")).unwrap();
    let path = format!("{}:/usr/bin:/bin", home.path().join("bin").display());
    home.with("PATH", &path)
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn where_there_is_a_keychain_secrets_go_there_and_logout_takes_them_out() {
    let sandbox = demo_sandbox().await;
    let home = with_keychain(stranger(&sandbox));
    let input = login(sandbox::PASSWORD).to_string();
    let ran = run_with_input(&home, &["login", "--from-stdin", "--json"], &input).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(
        ran.json()["in_keychain"],
        json!(["client_secret", "password"])
    );
    let stored = config(&home);
    assert!(stored.get("password").is_none(), "{stored}");
    assert_eq!(stored["password_command"][0], "secret-tool");
    let ran = home.run(&["vip", "list"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let status = home.run(&["auth", "status", "--json"]).await;
    assert_eq!(status.code, 0, "{status:?}");
    assert_eq!(status.json()["values"][3]["form"], "keychain");

    let ran = home.run(&["logout", "--all", "--json"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let names = std::fs::read_dir(home.path().join("home"))
        .unwrap()
        .flatten();
    let mut names = names.map(|entry| entry.file_name().into_string().unwrap());
    assert!(!names.any(|name| name.starts_with("keychain-")));
    assert!(config(&home).get("password_command").is_none());
}

/// The entries of that keychain, by their names.
fn keychain(home: &Home) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(home.path().join("home"))
        .unwrap()
        .flatten();
    let entries = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().unwrap();
        let text = || std::fs::read_to_string(entry.path()).unwrap();
        name.starts_with("keychain-").then(|| (name, text()))
    });
    entries.collect()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn files_of_the_same_relative_name_in_two_folders_have_two_passwords() {
    let sandbox = demo_sandbox().await;
    let home = with_keychain(stranger(&sandbox));
    let folders = ["a", "b"].map(|name| home.path().join(name));
    let relative = ["--config", "w.json"];
    let input = login(sandbox::PASSWORD).to_string();
    for folder in &folders {
        std::fs::create_dir(folder).unwrap();
        let words = [&relative[..], &["login", "--from-stdin"]].concat();
        let ran = run_in(folder, &home, &words, &input).await;
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    assert_eq!(keychain(&home).len(), 4, "a password and a secret each");
    let words = [&relative[..], &["logout", "--all"]].concat();
    let ran = run_in(&folders[0], &home, &words, "").await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let words = [&relative[..], &["vip", "list"]].concat();
    let ran = run_in(&folders[1], &home, &words, "").await;
    assert_eq!(ran.code, 0, "the other one still has its login: {ran:?}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn where_the_file_cannot_be_written_the_keychain_stays_as_it_is() {
    let sandbox = demo_sandbox().await;
    let numbers: Vec<_> = (0..100).map(|n| format!("1616555{n:04}")).collect();
    let long = json!({ "protected": numbers }).to_string();
    let home = with_keychain(stranger(&sandbox)).with_config(&long);
    let full = home.with_files_up_to(1);
    let input = login(sandbox::PASSWORD).to_string();
    let ran = run_with_input(&full, &["login", "--from-stdin"], &input).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("The file is as it was"), "{ran:?}");
    assert!(keychain(&home).is_empty(), "{ran:?}");

    let ran = run_with_input(&home, &["login", "--from-stdin"], &input).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let kept = keychain(&home);
    assert_eq!(kept.len(), 2);
    let ran = full.run(&["logout", "--all"]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(keychain(&home), kept);
    assert_eq!(home.run(&["vip", "list"]).await.code, 0);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_keychain_that_keeps_nothing_is_none_unless_it_is_demanded() {
    let sandbox = demo_sandbox().await;
    let home = with_keychain(stranger(&sandbox));
    home.write("bin/secret-tool", "#!/bin/sh\nexit 1\n");
    let program = home.path().join("bin/secret-tool");
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o700)).unwrap();
    let input = login(sandbox::PASSWORD).to_string();
    let demanded = ["login", "--from-stdin", "--store", "keychain"];
    let ran = run_with_input(&home, &demanded, &input).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(!config_file(&home).exists());
    let ran = run_with_input(&home, &["login", "--from-stdin"], &input).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(config(&home), login(sandbox::PASSWORD));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_keychain_that_fails_halfway_is_told_with_what_it_has_already() {
    let sandbox = demo_sandbox().await;
    let home = with_keychain(stranger(&sandbox));
    let program = home.path().join("bin/secret-tool");
    // It is locked after the first secret.
    let locked = SECRET_TOOL.replace(
        "store)",
        "store) case \"$entry\" in password-*) exit 1 ;; esac;",
    );
    std::fs::write(&program, locked).unwrap();
    let input = login(sandbox::PASSWORD).to_string();
    let demanded = ["login", "--from-stdin", "--store", "keychain", "--json"];
    let ran = run_with_input(&home, &demanded, &input).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    let hint = ran.json_error()["hint"].as_str().unwrap().to_owned();
    let kept = "The keychain has the new client_secret already: run `skyswitch login` again.";
    assert!(hint.contains(kept), "{hint}");
    assert!(!config_file(&home).exists());
    assert_no_secret(&ran);

    std::fs::write(&program, SECRET_TOOL).unwrap();
    let ran = run_with_input(&home, &demanded, &input).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(home.run(&["vip", "list"]).await.code, 0);
}

#[tokio::test]
async fn logout_removes_the_tokens_and_with_all_the_stored_secrets() {
    let sandbox = demo_sandbox().await;
    let home = stranger(&sandbox).with_config(&login(sandbox::PASSWORD).to_string());
    home.run(&["vip", "list"]).await;
    home.run(&["vip", "list"]).await;
    assert_eq!(logins(&sandbox), 1, "the token is kept");
    let ran = home.run(&["logout", "--json"]).await;
    assert_eq!((ran.code, &ran.json()["tokens"]), (0, &json!(1)), "{ran:?}");
    home.run(&["vip", "list"]).await;
    assert_eq!(logins(&sandbox), 2, "it was gone");
    let ran = home.run(&["logout", "--all", "--json"]).await;
    assert_eq!(ran.json()["removed"], json!(["client_secret", "password"]));
    assert!(config(&home).get("password").is_none());
    assert_eq!(config(&home)["username"], sandbox::USERNAME);
    let state = std::fs::read_dir(home.path().join("state"))
        .unwrap()
        .flatten();
    let mut names = state.map(|entry| entry.file_name().into_string().unwrap());
    assert!(!names.any(|name| name.starts_with("token-") && name.ends_with(".json")));
    let ran = home.run(&["vip", "list"]).await;
    assert_eq!(ran.code, 4, "{ran:?}");
}

#[tokio::test]
async fn where_the_login_is_missing_the_next_command_is_named_with_its_profile() {
    let home = Home::bare();
    let profiles = home.path().join("home/.config/skyswitch/profiles");
    std::fs::create_dir_all(&profiles).unwrap();
    std::fs::write(profiles.join("acme.json"), "{}").unwrap();
    for (profile, next) in [
        (&[][..], "Next: `skyswitch login`"),
        (
            &["--profile", "acme"],
            "Next: `skyswitch --profile acme login`",
        ),
    ] {
        let command = [profile, &["auth", "status"]].concat();
        let ran = home.run(&command).await;
        assert_eq!(ran.code, 4, "{ran:?}");
        assert!(ran.stdout.contains("username: missing"), "{ran:?}");
        assert!(ran.stdout.contains(next), "{ran:?}");
        let ran = home.run(&[profile, &["vip", "list"]].concat()).await;
        let login = next.replace("Next:", "hint: Run");
        assert!(ran.stderr.contains(&login), "{ran:?}");
    }
}

#[tokio::test]
async fn the_next_command_is_named_with_what_chose_the_settings() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let profiles = home.path().join("home/.config/skyswitch/profiles");
    std::fs::create_dir_all(&profiles).unwrap();
    std::fs::write(profiles.join("acme.json"), "{}").unwrap();
    let file = home.write("own settings.json", "{}");
    let file = file.to_str().unwrap();
    let config = format!("`skyswitch --config '{file}' ");
    let account = format!("`skyswitch --account {} ", sandbox::ACCOUNT_ID);
    for (options, begins) in [
        (["--profile", "acme"], "`skyswitch --profile acme "),
        (["--config", file], &config),
        (["--account", sandbox::ACCOUNT_ID], &account),
    ] {
        let status = home.run(&[&options[..], &["status"]].concat()).await;
        let next = format!("Next: {begins}checklist ");
        assert!(status.stdout.contains(&next), "{status:?}");
        let add = ["vip", "add", "6165550177", "101", "-d", "lakesidedental"];
        let added = home.run(&[&options[..], &add].concat()).await;
        let undo = format!("Undo: {begins}undo ");
        assert!(added.stdout.contains(&undo), "{added:?}");
        let undone = home
            .run(&[&options[..], &["undo", "--last", "--yes"]].concat())
            .await;
        assert_eq!(undone.code, 0, "{undone:?}");
    }
}

#[tokio::test]
async fn auth_status_names_the_origin_of_each_value_and_no_secret() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox)
        .without("SKYSWITCH_CLIENT_ID")
        .without("SKYSWITCH_CLIENT_SECRET")
        .without("SKYSWITCH_USERNAME");
    let secret = home.write("client-secret", &format!("{}\n", sandbox::CLIENT_SECRET));
    let config = json!({
        "client_id": sandbox::CLIENT_ID,
        "client_secret_file": secret,
        "password": "hidden-by-the-variable",
    });
    let home = home.with_config(&config.to_string());
    let ran = home.run(&["auth", "status", "--json"]).await;
    assert_eq!(ran.code, 4, "the user is missing: {ran:?}");
    let status = ran.json();
    let values: Vec<_> = status["values"].as_array().unwrap().iter().collect();
    let seen: Vec<_> = values
        .iter()
        .map(|value| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (
                text(&value["setting"]),
                text(&value["form"]),
                text(&value["origin"]["name"]),
            )
        })
        .collect();
    let expected = [
        ("client_id", "value", "client_id"),
        ("client_secret", "file", "client_secret_file"),
        ("username", "", ""),
        ("password", "value", "SKYSWITCH_PASSWORD"),
        ("default_account_id", "value", "SKYSWITCH_ACCOUNT_ID"),
    ]
    .map(|(setting, form, name)| (setting.to_owned(), form.to_owned(), name.to_owned()));
    assert_eq!(seen, expected);
    assert_eq!(status["tokens"], json!([]));
    assert_no_secret(&ran);

    let home = home.with("SKYSWITCH_USERNAME", sandbox::USERNAME);
    home.run(&["vip", "list"]).await;
    let ran = home.run(&["auth", "status", "--json"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let tokens = ran.json()["tokens"].clone();
    assert_eq!(tokens[0]["api"], "skyswitch", "{tokens}");
    assert_eq!(tokens[0]["has_expired"], false);
    let ran = home.run(&["auth", "status"]).await;
    assert!(
        ran.stdout.contains("the variable SKYSWITCH_PASSWORD"),
        "{ran:?}"
    );
    assert!(ran.stdout.contains("Token (skyswitch"), "{ran:?}");
    assert_no_secret(&ran);
}

#[tokio::test]
async fn secrets_come_from_files_and_commands_too_and_only_from_one_of_them() {
    let sandbox = demo_sandbox().await;
    let bare = || {
        Home::of(&sandbox)
            .without("SKYSWITCH_PASSWORD")
            .without("SKYSWITCH_CLIENT_SECRET")
    };
    let home = bare();
    let password = home.write(
        "secrets/the password",
        &format!("{}\r\n", sandbox::PASSWORD),
    );
    let secret = home.write("secrets/client", sandbox::CLIENT_SECRET);
    let by_variables = home
        .with("SKYSWITCH_PASSWORD_FILE", &password.display().to_string())
        .with(
            "SKYSWITCH_CLIENT_SECRET_COMMAND",
            &format!("cat {}", secret.display()),
        );
    let ran = by_variables.run(&["vip", "list"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");

    let words = json!(["cat", password]);
    let config = json!({ "password_command": words, "client_secret_file": secret });
    let by_fields = bare().with_config(&config.to_string());
    let ran = by_fields.run(&["vip", "list"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");

    let twice = by_variables.with("SKYSWITCH_PASSWORD", sandbox::PASSWORD);
    let ran = twice.run(&["vip", "list"]).await;
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(
        ran.stderr.contains("so is SKYSWITCH_PASSWORD_FILE"),
        "{ran:?}"
    );
}

#[tokio::test]
async fn only_a_regular_file_of_a_sensible_length_is_read_for_a_secret() {
    let sandbox = demo_sandbox().await;
    let mut home = Home::of(&sandbox).without("SKYSWITCH_PASSWORD");
    let pipe = home.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let link = home.path().join("link-to-pipe");
    std::os::unix::fs::symlink(&pipe, &link).unwrap();
    let long = home.write("long", &"x".repeat(64 * 1024 + 1));
    let password = home.write("password", sandbox::PASSWORD);
    let good_link = home.path().join("link-to-password");
    std::os::unix::fs::symlink(&password, &good_link).unwrap();
    let not_regular = "is not a regular file";
    for (file, why) in [
        (pipe.as_path(), not_regular),
        (link.as_path(), not_regular),
        (Path::new("/dev/zero"), not_regular),
        (Path::new("/"), not_regular),
        (long.as_path(), "which no secret has"),
    ] {
        home = home.with("SKYSWITCH_PASSWORD_FILE", &file.display().to_string());
        let ran = home.run(&["vip", "list"]).await;
        assert_eq!(ran.code, 4, "{file:?}: {ran:?}");
        assert!(ran.stderr.contains(why), "{file:?}: {ran:?}");
    }
    let path = good_link.display().to_string();
    let home = home.with("SKYSWITCH_PASSWORD_FILE", &path);
    let ran = home.run(&["vip", "list"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[tokio::test]
async fn a_command_that_gives_no_secret_says_why_and_no_shell_reads_it() {
    let sandbox = demo_sandbox().await;
    let home = |command: Value| {
        let home = Home::of(&sandbox).without("SKYSWITCH_PASSWORD");
        home.with_config(&json!({ "password_command": command }).to_string())
    };
    for (command, why) in [
        (
            json!("no-such-program-at-all"),
            "there is no program `no-such-program-at-all`",
        ),
        (
            json!(["sh", "-c", "echo half-a-secret; echo hidden >&2; exit 3"]),
            "exit code 3",
        ),
        (json!("true"), "empty"),
        (json!([]), "is not a command"),
        (json!("'open"), "is not a command"),
    ] {
        let ran = home(command.clone()).run(&["vip", "list", "-vv"]).await;
        assert_eq!(ran.code, 4, "{command}: {ran:?}");
        assert!(ran.stderr.contains(why), "{command}: {ran:?}");
        assert!(!ran.stderr.contains("half-a-secret"), "{ran:?}");
        assert!(!ran.stderr.contains("hidden"), "{ran:?}");
    }
    // A shell would put the home folder in; here it is a text like any other.
    let ran = home(json!("echo $HOME"))
        .run(&["auth", "status", "--json"])
        .await;
    assert_eq!(ran.json()["values"][3]["form"], "command", "{ran:?}");
    let ran = home(json!("echo $HOME")).run(&["vip", "list"]).await;
    assert!(ran.stderr.contains("credentials were incorrect"), "{ran:?}");
    assert_eq!(crate::support::process::received(&sandbox), [""; 0]);
}

/// The text of a call's result.
async fn listed(wire: &mut Wire) -> Value {
    let result = wire.call("list_vips", json!({ "domain": DOMAIN })).await;
    result["structuredContent"].clone()
}

#[tokio::test]
async fn a_running_server_follows_a_password_that_was_changed() {
    let sandbox = demo_sandbox().await;
    let home = stranger(&sandbox).with_config(&login(sandbox::PASSWORD).to_string());
    let mut wire = Wire::ready(&home, &[], Era::Legacy, false).await;
    assert_eq!(listed(&mut wire).await["total"], 6);

    sandbox.change_password("the-next-password");
    let refused = listed(&mut wire).await;
    assert_eq!(refused["error"]["code"], "unauthorized", "{refused}");
    let before = logins(&sandbox);
    let refused = listed(&mut wire).await;
    assert_eq!(refused["error"]["code"], "unauthorized", "{refused}");
    assert_eq!(
        logins(&sandbox),
        before,
        "the same password is not tried again"
    );

    let home = home.with_config(&login("the-next-password").to_string());
    assert_eq!(listed(&mut wire).await["total"], 6, "without a restart");

    // Changed in both places before the next login: the old one is not tried at all.
    sandbox.change_password("the-last-password");
    let _home = home.with_config(&login("the-last-password").to_string());
    sandbox.clear_requests();
    assert_eq!(listed(&mut wire).await["total"], 6);
    let refused = sandbox.requests().into_iter();
    let refused = refused.filter(|seen| seen.grant_type.as_deref() == Some("password"));
    assert!(refused.into_iter().all(|seen| seen.status == 200));
}

#[tokio::test]
async fn a_server_that_was_started_before_the_login_needs_no_restart() {
    let sandbox = demo_sandbox().await;
    let home = stranger(&sandbox);
    let mut wire = Wire::ready(&home, &[], Era::Legacy, false).await;
    let missing = listed(&mut wire).await;
    assert_eq!(missing["error"]["code"], "not_configured");
    let hint = missing["error"]["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains("skyswitch login"), "{hint}");
    let input = login(sandbox::PASSWORD).to_string();
    run_with_input(&home, &["login", "--from-stdin", "--store", "file"], &input).await;
    assert_eq!(listed(&mut wire).await["total"], 6);
}

#[tokio::test]
async fn a_token_is_only_of_use_to_the_login_that_brought_it() {
    let sandbox = demo_sandbox().await;
    let home = stranger(&sandbox).with_config(&login(sandbox::PASSWORD).to_string());
    home.run(&["vip", "list"]).await;
    let home = home.with_config(&login("not-the-password").to_string());
    let ran = home.run(&["vip", "list"]).await;
    assert_eq!(
        ran.code, 4,
        "a token of another password is not used: {ran:?}"
    );
    let files = std::fs::read_dir(home.path().join("state"))
        .unwrap()
        .flatten();
    for file in files.filter(|file| file.path().is_file()) {
        assert_eq!(mode(&file.path()), 0o600, "{file:?}");
    }
}

#[tokio::test]
async fn config_sets_by_type_keeps_the_rest_and_refuses_secrets_and_unknown_names() {
    let home = Home::bare().with_config(r#"{"colour": "blue", "password": "kept-as-it-is"}"#);
    for (name, text, value) in [
        ("read_only", "true", json!(true)),
        ("rate_limit", "7.5", json!(7.5)),
        ("max_changes_per_hour", "none", json!("none")),
        ("max-changes-per-hour", "12", json!(12)),
        ("default_account_id", "12345", json!("12345")),
        ("confirm", "token", json!("token")),
        ("trust_dial_plan", "auto", json!("auto")),
        (
            "protected",
            "6165550123,6165550124",
            json!(["6165550123", "6165550124"]),
        ),
        (
            "allowed_domains",
            "acme.12345.service",
            json!(["acme.12345.service"]),
        ),
        (
            "pbx_password_file",
            "/run/secrets/skyswitch",
            json!("/run/secrets/skyswitch"),
        ),
    ] {
        let ran = home.run(&["config", "set", name, text]).await;
        assert_eq!(ran.code, 0, "{name}: {ran:?}");
        assert_eq!(config(&home)[name.replace('-', "_")], value, "{name}");
    }
    assert_eq!(config(&home)["colour"], "blue");
    assert_eq!(config(&home)["password"], "kept-as-it-is");
    assert_eq!(mode(&config_file(&home)), 0o600);

    let before = config(&home);
    for (name, text, says) in [
        ("password", "hunter2-hunter2", "skyswitch login"),
        ("rate_limit", "fast", "requests a second"),
        ("confirm", "perhaps", "human, token or block"),
        ("allowed_domains", "acme", "full name"),
        ("base_url", "http://example.org", "API's root"),
        ("pbx_base_url", "not a url", "PBX API's root"),
        ("read_onyl", "true", "`read_only`"),
    ] {
        let ran = home.run(&["config", "set", name, text]).await;
        assert_eq!(ran.code, 2, "{name}: {ran:?}");
        assert!(ran.stderr.contains(says), "{name}: {ran:?}");
        assert!(!ran.stderr.contains("hunter2"), "{ran:?}");
        assert_eq!(config(&home), before, "{name}");
    }
}

#[tokio::test]
async fn config_lists_gets_and_unsets_with_the_origin_of_each_value() {
    let home = Home::bare()
        .with_config(
            r#"{"rate_limit": 7, "password": "s3cret-s3cret", "password_command": "pass show it"}"#,
        )
        .with("SKYSWITCH_ACCOUNT_ID", "from-the-variable");
    let ran = home.run(&["config", "list", "--json"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let settings = ran.json()["settings"].as_array().unwrap().clone();
    let of = |name: &str| {
        let mut found = settings.iter().filter(|setting| setting["setting"] == name);
        found.next().unwrap().clone()
    };
    assert_eq!(of("rate_limit")["value"], "7");
    assert_eq!(of("rate_limit")["origin"]["from"], "config_file");
    assert_eq!(
        of("default_account_id")["origin"]["name"],
        "SKYSWITCH_ACCOUNT_ID"
    );
    assert_eq!(of("confirm")["origin"]["from"], "default");
    assert_eq!(of("password").get("value"), None);
    assert_eq!(of("password_command")["value"], "pass …");
    assert!(!ran.stdout.contains("s3cret"), "{ran:?}");

    let ran = home.run(&["config", "get", "rate-limit"]).await;
    assert_eq!((ran.code, ran.stdout.trim()), (0, "7"));
    let ran = home.run(&["config", "get", "password"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    let ran = home.run(&["config", "get", "confirm"]).await;
    assert_eq!(ran.code, 1, "not set: {ran:?}");
    let ran = home.run(&["config", "path"]).await;
    assert_eq!(ran.stdout.trim(), config_file(&home).display().to_string());
    let ran = home.run(&["config", "unset", "rate_limit"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(config(&home).get("rate_limit").is_none());
    let ran = home.run(&["config", "unset", "rate_limt"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
}

#[tokio::test]
async fn what_is_exported_and_hides_a_new_login_is_said() {
    let sandbox = demo_sandbox().await;
    let home = stranger(&sandbox).with("SKYSWITCH_PASSWORD", "an-older-one");
    let input = login(sandbox::PASSWORD).to_string();
    let arguments = ["login", "--from-stdin", "--store", "file", "--json"];
    let ran = run_with_input(&home, &arguments, &input).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let warnings = ran.json()["warnings"].to_string();
    assert!(warnings.contains("SKYSWITCH_PASSWORD"), "{ran:?}");
}
