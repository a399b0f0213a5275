//! `skyswitch install`: this program in the settings of MCP clients, with
//! everything else in their files left as it is.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::{Value, json};
use skyswitch_mcp::install::{self, Client, Entry, Plan, Platform, Surroundings, Wanted};

use crate::support::process::Home;

const BINARY: &str = env!("CARGO_BIN_EXE_skyswitch");

/// Each client by its name, with its file below the home folder of a Linux user.
const CLIENTS: [(&str, &str); 8] = [
    (
        "claude-desktop",
        ".config/Claude/claude_desktop_config.json",
    ),
    ("claude-code", ".claude.json"),
    ("cursor", ".cursor/mcp.json"),
    ("vscode", ".config/Code/User/mcp.json"),
    ("windsurf", ".codeium/windsurf/mcp_config.json"),
    ("gemini", ".gemini/settings.json"),
    ("codex", ".codex/config.toml"),
    ("zed", ".config/zed/settings.json"),
];

/// Settings of Zed as a person keeps them.
const ZED: &str = r#"// Zed settings
{
  "theme": "One Dark", // the dark one
  /* servers */
  "context_servers": {
    // our own
    "github": {
      "command": "/usr/bin/github-mcp",
      "args": ["--token", "ghp_of_somebody"],
      "env": { "GITHUB_TOKEN": "ghp_of_somebody" },
    },
  },
}
"#;

const CODEX: &str = r#"# Codex
model = "o3"  # the large one

[mcp_servers.github]
command = 'github-mcp'
[mcp_servers.github.env]
GITHUB_TOKEN = "ghp_of_somebody"

# Work
[profiles.work]
model = "o4"
# the end
"#;

fn file_of(home: &Home, below: &str) -> PathBuf {
    home.path().join("home").join(below)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// The servers that a file names: JSON with comments, or TOML.
fn entry(path: &Path, section: &str, name: &str) -> Value {
    let text = read(path);
    let file: Value = match path.extension().is_some_and(|end| end == "toml") {
        false => parsed(&text),
        true => {
            let table: toml_edit::DocumentMut = text.parse().unwrap();
            let Some(entry) = table.get(section).and_then(|all| all.get(name)) else {
                return Value::Null;
            };
            let arguments = entry["args"].as_array().unwrap().iter();
            let arguments: Vec<_> = arguments.map(|one| one.as_str().unwrap()).collect();
            return json!({ "command": entry["command"].as_str().unwrap(), "args": arguments });
        }
    };
    file[section][name].clone()
}

fn parsed(text: &str) -> Value {
    let text = text.trim_start_matches('\u{feff}');
    let (collect, parse) = (Default::default(), Default::default());
    let parsed = jsonc_parser::parse_to_ast(text, &collect, &parse);
    let parsed = parsed.unwrap_or_else(|error| panic!("{error}: {text}"));
    parsed.value.unwrap().into()
}

fn section(client: &str) -> &'static str {
    match client {
        "vscode" => "servers",
        "codex" => "mcp_servers",
        "zed" => "context_servers",
        _ => "mcpServers",
    }
}

#[tokio::test]
async fn each_client_gets_the_full_path_and_nothing_of_the_settings() {
    let secrets = Home::bare()
        .with("SKYSWITCH_CLIENT_SECRET", "secret-of-the-variables")
        .with_config(
            r#"{"client_secret": "secret-of-the-file", "password": "secret-of-the-file"}"#,
        );
    for (client, file) in CLIENTS {
        let ran = secrets.run(&["install", client, "--yes"]).await;
        assert_eq!(ran.code, 0, "{client}: {ran:?}");
        let path = file_of(&secrets, file);
        assert!(!read(&path).contains("secret-of"), "{client}");
        let entry = entry(&path, section(client), "skyswitch");
        assert_eq!(entry["command"], BINARY, "{client}");
        assert_eq!(entry["args"], json!(["mcp"]), "{client}");
        let fields = entry.as_object().unwrap().keys();
        assert!(fields.count() <= 3, "{client}: {entry}");
    }
}

#[tokio::test]
async fn a_new_file_is_private_and_an_old_one_keeps_its_rights_and_its_link() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let home = Home::bare();
    let rights = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    home.run(&["install", "cursor", "--yes"]).await;
    assert_eq!(rights(&file_of(&home, ".cursor/mcp.json")), 0o600);
    let real = home.write("dotfiles/mcp_config.json", "{}\n");
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).unwrap();
    let link = file_of(&home, ".codeium/windsurf/mcp_config.json");
    std::fs::create_dir_all(link.parent().unwrap()).unwrap();
    symlink(&real, &link).unwrap();
    let ran = home.run(&["install", "windsurf", "--yes"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(link.is_symlink());
    assert!(read(&real).contains("skyswitch"));
    assert_eq!(rights(&real), 0o640);
    let backup = link.with_file_name("mcp_config.json.skyswitch-backup");
    assert_eq!(read(&backup), "{}\n");
    assert_eq!(rights(&backup), 0o640);
}

#[tokio::test]
async fn twice_changes_nothing_and_taking_it_out_restores_the_file_to_the_byte() {
    for (client, file, before) in [
        ("zed", ".config/zed/settings.json", ZED.to_owned()),
        (
            "zed",
            ".config/zed/settings.json",
            ZED.replace('\n', "\r\n"),
        ),
        ("codex", ".codex/config.toml", CODEX.to_owned()),
        ("codex", ".codex/config.toml", CODEX.replace('\n', "\r\n")),
        (
            "cursor",
            ".cursor/mcp.json",
            format!(
                "\u{feff}{}",
                r#"{"mcpServers":{"a":{"url":"https://a"}},"x":1}"#
            ),
        ),
        (
            "vscode",
            ".config/Code/User/mcp.json",
            "{\n\t\"inputs\": [],\n\t\"servers\": {}\n}".to_owned(),
        ),
    ] {
        let home = Home::bare();
        let path = home.write(&format!("home/{file}"), &before);
        let first = home.run(&["install", client, "--yes", "--json"]).await;
        assert_eq!(
            (first.code, &first.json()["status"]),
            (0, &json!("installed"))
        );
        let installed = read(&path);
        let backup = first.json()["backup"].as_str().unwrap().to_owned();
        assert_eq!(read(Path::new(&backup)), before);
        for line in before.lines().filter(|_| before.contains('\n')) {
            assert!(
                installed.contains(line.trim_end_matches('}')),
                "{line}: {installed}"
            );
        }
        let modified = path.metadata().unwrap().modified().unwrap();
        let second = home.run(&["install", client, "--yes", "--json"]).await;
        assert_eq!(
            (second.code, &second.json()["status"]),
            (0, &json!("unchanged"))
        );
        assert_eq!(path.metadata().unwrap().modified().unwrap(), modified);
        let removed = home.run(&["install", client, "--remove", "--yes"]).await;
        assert_eq!(removed.code, 0, "{removed:?}");
        assert_eq!(read(&path), before);
        let again = home.run(&["install", client, "--remove", "--yes"]).await;
        assert!(again.stdout.starts_with("No change: "), "{again:?}");
    }
}

#[tokio::test]
async fn the_real_service_and_the_sandbox_have_an_entry_each() {
    let home = Home::bare();
    for (client, file) in CLIENTS {
        home.run(&["install", client, "--yes"]).await;
        let ran = home.run(&["install", client, "--sandbox", "--yes"]).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        let path = file_of(&home, file);
        let sandbox = entry(&path, section(client), "skyswitch-sandbox");
        assert_eq!(sandbox["args"], json!(["mcp", "--sandbox"]), "{client}");
        home.run(&["install", client, "--remove", "--yes"]).await;
        assert_eq!(entry(&path, section(client), "skyswitch"), Value::Null);
        assert_ne!(
            entry(&path, section(client), "skyswitch-sandbox"),
            Value::Null
        );
    }
}

#[tokio::test]
async fn an_old_entry_gets_the_new_path_and_keeps_what_a_person_added() {
    let home = Home::bare();
    let path = home.write(
        "home/.cursor/mcp.json",
        "{\n  \"mcpServers\": {\n    \"skyswitch\": {\n      \"command\": \"/old/skyswitch\", // old\n      \"env\": {\"SKYSWITCH_READ_ONLY\": \"1\", \"TOKEN\": \"not-to-be-shown\"}\n    }\n  }\n}\n",
    );
    let ran = home.run(&["install", "cursor", "--yes", "--json"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let entry = entry(&path, "mcpServers", "skyswitch");
    assert_eq!(entry["command"], BINARY);
    assert_eq!(entry["args"], json!(["mcp"]));
    assert_eq!(entry["env"]["SKYSWITCH_READ_ONLY"], "1");
    assert!(read(&path).contains("// old"));
    assert!(ran.stdout.contains("/old/skyswitch"), "{ran:?}");
    assert!(!ran.stdout.contains("not-to-be-shown"), "{ran:?}");
}

#[tokio::test]
async fn the_arguments_of_an_entry_stay_when_it_is_installed_again() {
    let json = |section: &str| {
        format!(
            r#"{{"{section}": {{"skyswitch": {{"args": ["mcp", "--read-only", "--profile", "acme"], "command": "/old/skyswitch"}}}}}}"#
        )
    };
    let toml = "[mcp_servers.skyswitch]\ncommand = '/old/skyswitch'\nargs = ['mcp', '--read-only', '--profile', 'acme'] # mine\n";
    for (client, file, before) in [
        ("cursor", ".cursor/mcp.json", json("mcpServers")),
        ("zed", ".config/zed/settings.json", json("context_servers")),
        ("codex", ".codex/config.toml", toml.to_owned()),
    ] {
        let home = Home::bare();
        let path = home.write(&format!("home/{file}"), &before);
        let ran = home.run(&["install", client, "--yes", "--json"]).await;
        assert_eq!((ran.code, &ran.json()["status"]), (0, &json!("installed")));
        assert_eq!(ran.json()["keeps_arguments"], true, "{ran:?}");
        let entry = entry(&path, section(client), "skyswitch");
        assert_eq!(entry["command"], BINARY, "{client}");
        let arguments = json!(["mcp", "--read-only", "--profile", "acme"]);
        assert_eq!(entry["args"], arguments, "{client}");
        let installed = read(&path);
        let again = ["--profile", "other", "install", client, "--yes"];
        let again = home.run(&again).await;
        assert!(again.stdout.starts_with("No change: "), "{again:?}");
        assert!(again.stdout.contains("keeps the arguments"), "{again:?}");
        assert_eq!(read(&path), installed, "{client}");
        let listed = home.run(&["install", "--list", "--json"]).await.json();
        let mut rows = listed["clients"].as_array().unwrap().iter();
        let row = rows.find(|row| row["client"] == client).unwrap();
        assert_eq!(row["state"], "installed", "{client}");
        let removed = home
            .run(&["install", client, "--remove", "--dry-run"])
            .await;
        assert!(removed.stdout.contains("--read-only"), "{removed:?}");
    }
}

#[test]
fn an_entry_in_the_form_of_older_versions_of_zed_keeps_it() {
    let entry = Entry::new("/bin/skyswitch".to_owned(), false, None);
    let before = r#"{"context_servers": {"skyswitch": {"command": {"path": "/old/skyswitch", "args": ["mcp", "--read-only"], "env": {"A": "1"}}}}}"#;
    let edit = |text: &str, wanted| install::edited(text, Client::Zed, &entry, wanted).unwrap();
    let installed = edit(before, Wanted::Present);
    assert_eq!(installed, before.replace("/old/", "/bin/"));
    assert_eq!(
        edit(&installed, Wanted::Absent),
        r#"{"context_servers": {}}"#
    );
}

#[test]
fn this_program_is_known_by_its_name_on_each_system() {
    let entry = Entry::new("/bin/skyswitch".to_owned(), false, None);
    for (command, is_ours) in [
        ("skyswitch", true),
        ("/opt/skyswitch/skyswitch", true),
        ("C:\\Programs\\SkySwitch.EXE", true),
        ("/opt/skyswitch/other", false),
        ("my-skyswitch", false),
        ("npx", false),
    ] {
        let server = json!({ "command": command, "args": ["mcp"] });
        let text = json!({ "mcpServers": { "skyswitch": server } }).to_string();
        for wanted in [Wanted::Present, Wanted::Absent] {
            let edited = install::edited(&text, Client::Cursor, &entry, wanted);
            assert_eq!(edited.is_ok(), is_ours, "{command}: {edited:?}");
        }
    }
}

#[test]
fn an_entry_of_the_sandbox_never_works_on_the_real_service() {
    let entry = Entry::new("/bin/skyswitch".to_owned(), true, None);
    for (client, text, arguments) in [
        (
            Client::Codex,
            "[mcp_servers.skyswitch-sandbox]\ncommand = \"skyswitch\"\nargs = [\"mcp\", \"--read-only\"]\n",
            r#"["mcp", "--read-only", "--sandbox"]"#,
        ),
        (
            Client::Cursor,
            r#"{"mcpServers": {"skyswitch-sandbox": {"command": "skyswitch", "args": ["mcp", "--read-only"]}}}"#,
            r#"["mcp", "--read-only", "--sandbox"]"#,
        ),
        (
            Client::Cursor,
            r#"{"mcpServers": {"skyswitch-sandbox": {"command": "skyswitch", "args": ["mcp", "--sandbox=fresh"]}}}"#,
            r#"["mcp", "--sandbox=fresh"]"#,
        ),
    ] {
        let edit = |text: &str| install::edited(text, client, &entry, Wanted::Present).unwrap();
        let installed = edit(text);
        assert!(installed.contains(arguments), "{installed}");
        assert_eq!(edit(&installed), installed);
    }
}

#[tokio::test]
async fn a_profile_is_written_into_a_new_entry() {
    let home = Home::bare();
    for (client, file) in CLIENTS {
        let arguments = ["--profile", "acme", "install", client, "--yes"];
        let ran = home.run(&arguments).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        let entry = entry(&file_of(&home, file), section(client), "skyswitch");
        let arguments = json!(["mcp", "--profile", "acme"]);
        assert_eq!(entry["args"], arguments, "{client}");
    }
}

#[tokio::test]
async fn the_file_as_it_was_before_is_never_lost() {
    let home = Home::bare();
    let before = "{\n  \"a\": 1\n}\n";
    let path = home.write("home/.cursor/mcp.json", before);
    let first = path.with_file_name("mcp.json.skyswitch-backup");
    let second = path.with_file_name("mcp.json.skyswitch-backup-2");
    let ran = home.run(&["install", "cursor", "--yes", "--json"]).await;
    assert_eq!(ran.json()["backup"], json!(first), "{ran:?}");
    let installed = read(&path);
    let arguments = ["install", "cursor", "--sandbox", "--yes"];
    let ran = home.run(&arguments).await;
    let says = format!("The file as it was: {}.", second.display());
    assert!(ran.stdout.contains(&says), "{ran:?}");
    assert_eq!(read(&first), before);
    assert_eq!(read(&second), installed);
    // What is kept already is not kept twice.
    std::fs::write(&path, before).unwrap();
    let ran = home.run(&["install", "cursor", "--yes", "--json"]).await;
    assert_eq!(ran.json()["backup"], json!(first), "{ran:?}");
    assert!(!path.with_file_name("mcp.json.skyswitch-backup-3").exists());
}

#[tokio::test]
async fn a_file_that_is_no_object_is_said_to_be_none() {
    let home = Home::bare();
    home.write("home/.cursor/mcp.json", "[]");
    let ran = home.run(&["install", "cursor", "--yes"]).await;
    let says = "cannot be edited: the file is not a JSON object";
    assert!(ran.stderr.contains(says), "{ran:?}");
}

#[tokio::test]
async fn a_file_that_is_not_understood_is_refused_and_not_touched() {
    let remote = r#"{"mcpServers": {"skyswitch": {"url": "https://elsewhere.example"}}}"#;
    let twice = r#"{"mcpServers": {}, "mcpServers": {}}"#;
    let another = r#"{"mcpServers": {"skyswitch": {"command": "npx", "args": ["-y", "@someone/other", "mcp"], "env": {"TOKEN": "ghp_of_somebody"}}}}"#;
    let on_windows = r#"{"mcpServers": {"skyswitch": {"command": "C:\\skyswitch\\Other.exe", "args": ["mcp"]}}}"#;
    let of_old_zed = r#"{"context_servers": {"skyswitch": {"command": {"path": "/skyswitch/npx", "args": ["mcp"]}}}}"#;
    let of_words =
        r#"{"mcpServers": {"skyswitch": {"command": ["/usr/bin/npx"], "args": ["mcp"]}}}"#;
    let of_parts =
        r#"{"context_servers": {"skyswitch": {"command": {"path": ["npx"], "args": ["mcp"]}}}}"#;
    for (client, file, before) in [
        ("cursor", ".cursor/mcp.json", "{\"a\": ghp_of_somebody"),
        ("cursor", ".cursor/mcp.json", "[]"),
        ("cursor", ".cursor/mcp.json", r#"{"mcpServers": []}"#),
        (
            "cursor",
            ".cursor/mcp.json",
            r#"{"mcpServers": {"skyswitch": 1}}"#,
        ),
        ("cursor", ".cursor/mcp.json", remote),
        ("cursor", ".cursor/mcp.json", twice),
        ("cursor", ".cursor/mcp.json", another),
        ("cursor", ".cursor/mcp.json", on_windows),
        ("zed", ".config/zed/settings.json", of_old_zed),
        ("cursor", ".cursor/mcp.json", of_words),
        ("zed", ".config/zed/settings.json", of_parts),
        (
            "codex",
            ".codex/config.toml",
            "[mcp_servers.skyswitch]\ncommand = [\"npx\"]\nargs = [\"mcp\"]\n",
        ),
        (
            "codex",
            ".codex/config.toml",
            "[mcp_servers.skyswitch]\ncommand = \"npx\"\nargs = [\"mcp\", \"ghp_of_somebody\"]\n",
        ),
        ("codex", ".codex/config.toml", "a = ghp_of_somebody\n"),
        ("codex", ".codex/config.toml", "mcp_servers = 1\n"),
        ("codex", ".codex/config.toml", "a = 1\r\nb = 2\n"),
        (
            "codex",
            ".codex/config.toml",
            "[mcp_servers.skyswitch]\nurl = \"https://elsewhere.example\"\n",
        ),
    ] {
        let home = Home::bare();
        let path = home.write(&format!("home/{file}"), before);
        let ran = home.run(&["install", client, "--yes"]).await;
        assert_eq!(ran.code, 2, "{before}: {ran:?}");
        assert!(ran.stderr.contains("hint: Nothing was changed."), "{ran:?}");
        assert!(!ran.stderr.contains("ghp_of_somebody"), "{ran:?}");
        assert_eq!(read(&path), before);
        let removed = home.run(&["install", client, "--remove", "--yes"]).await;
        assert_eq!(removed.code, 2, "{before}: {removed:?}");
        let listed = home.run(&["install", "--list"]).await;
        assert!(listed.stdout.contains("unusable"), "{listed:?}");
    }
}

#[tokio::test]
async fn without_a_person_nothing_is_written_and_the_change_is_shown_without_other_values() {
    let home = Home::bare();
    let path = home.write("home/.config/zed/settings.json", ZED);
    let ran = home.run(&["install", "zed"]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.stdout
            .contains(&format!("+       \"command\": \"{BINARY}\"")),
        "{ran:?}"
    );
    let dry = home.run(&["install", "zed", "--dry-run"]).await;
    assert_eq!(dry.code, 0, "{dry:?}");
    assert!(dry.stdout.ends_with("Nothing was written.\n"), "{dry:?}");
    let codex = home.write("home/.codex/config.toml", "mcp_servers = { github = { env = { A = 'ghp_of_somebody' }, args = [\"ghp_of_somebody\"] } }\n");
    let inline = home.run(&["install", "codex", "--dry-run"]).await;
    assert!(inline.stdout.contains("A = '…'"), "{inline:?}");
    for ran in [ran, dry, inline] {
        assert!(!ran.stdout.contains("ghp_of_somebody"), "{ran:?}");
    }
    assert_eq!(read(&path), ZED);
    assert!(read(&codex).contains("github"));
    assert!(
        !path
            .with_file_name("settings.json.skyswitch-backup")
            .exists()
    );
}

#[tokio::test]
async fn a_person_at_the_terminal_is_shown_the_change_and_asked() {
    let home = Home::bare();
    let path = file_of(&home, ".cursor/mcp.json");
    for (answer, exists) in [("n", false), ("y", true)] {
        let arguments = ["install", "cursor"];
        let asked = Some(("Write this?", answer));
        let Some(ran) = home.run_at_terminal(&arguments, asked).await else {
            return;
        };
        assert!(ran.stdout.contains("(new file)"), "{ran:?}");
        assert_eq!(ran.code, if exists { 0 } else { 3 }, "{ran:?}");
        assert_eq!(path.exists(), exists, "{ran:?}");
    }
}

#[tokio::test]
async fn the_entry_is_printed_for_a_client_whose_file_is_elsewhere() {
    let home = Home::bare();
    let ran = home.run(&["install", "vscode", "--print"]).await;
    let printed: Value = serde_json::from_str(&ran.stdout).unwrap();
    let expected = json!({ "type": "stdio", "command": BINARY, "args": ["mcp"] });
    assert_eq!(printed, json!({ "servers": { "skyswitch": expected } }));
    let ran = home
        .run(&["install", "codex", "--print", "--sandbox"])
        .await;
    assert_eq!(
        ran.stdout,
        format!(
            "[mcp_servers.skyswitch-sandbox]\ncommand = \"{BINARY}\"\nargs = [\"mcp\", \"--sandbox\"]\n"
        )
    );
    let config = home.write("other.json", "{}");
    let named = ["install", "cursor", "--print", "--config", "other.json"];
    let ran = home.run(&named).await;
    let printed: Value = serde_json::from_str(&ran.stdout).unwrap();
    let config = config.display().to_string();
    assert_eq!(
        printed["mcpServers"]["skyswitch"]["args"],
        json!(["mcp", "--config", config])
    );
    assert!(!file_of(&home, ".cursor/mcp.json").exists());
    let ran = home
        .run(&["install", "cursor", "--print", "-a", "5b0f3a52"])
        .await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("default_account_id"), "{ran:?}");
}

#[tokio::test]
async fn the_list_says_which_clients_have_it() {
    let home = Home::bare();
    home.run(&["install", "cursor", "--yes"]).await;
    home.write("home/.codex/config.toml", CODEX);
    let old = r#"{"context_servers": {"skyswitch": {"command": "/old/skyswitch"}}}"#;
    home.write("home/.config/zed/settings.json", old);
    let listed = home.run(&["install", "--list", "--json"]).await.json();
    let rows = listed["clients"].as_array().unwrap();
    assert_eq!(rows.len(), CLIENTS.len());
    for ((name, file), row) in CLIENTS.into_iter().zip(rows) {
        assert_eq!(row["client"], name);
        assert_eq!(row["file"], json!(file_of(&home, file)));
        let state = match name {
            "cursor" => "installed",
            "codex" => "not_installed",
            "zed" => "outdated",
            _ => "no_file",
        };
        assert_eq!(row["state"], state, "{name}");
    }
    let moved = home
        .with("CODEX_HOME", "/codex")
        .with("CLAUDE_CONFIG_DIR", "/claude")
        .with("XDG_CONFIG_HOME", "/xdg");
    let listed = moved.run(&["install", "--list"]).await.stdout;
    for file in [
        "/codex/config.toml",
        "/claude/.claude.json",
        "/xdg/zed/settings.json",
    ] {
        assert!(listed.contains(file), "{listed}");
    }
}

#[tokio::test]
async fn a_program_on_the_path_is_named_by_its_link_which_an_update_keeps() {
    let home = Home::bare();
    let folder = home.path().join("bin");
    std::fs::create_dir_all(&folder).unwrap();
    std::os::unix::fs::symlink(BINARY, folder.join("skyswitch")).unwrap();
    let home = home.with("PATH", &format!("/usr/bin:{}", folder.display()));
    home.run(&["install", "cursor", "--yes"]).await;
    let path = home.path().join("home/.cursor/mcp.json");
    let entry = entry(&path, "mcpServers", "skyswitch");
    assert_eq!(entry["command"], json!(folder.join("skyswitch")));
}

#[test]
fn the_files_of_macos_and_windows_are_where_the_clients_look() {
    let none = |_: &str| None;
    let file = |client: Client, platform, home: &str| {
        let home = PathBuf::from(home);
        client.file(&Surroundings {
            platform,
            home,
            variables: &none,
        })
    };
    let mac = |client| {
        file(client, Platform::MacOs, "/Users/maya")
            .display()
            .to_string()
    };
    let support = "/Users/maya/Library/Application Support";
    assert_eq!(
        mac(Client::ClaudeDesktop),
        format!("{support}/Claude/claude_desktop_config.json")
    );
    assert_eq!(mac(Client::VsCode), format!("{support}/Code/User/mcp.json"));
    assert_eq!(mac(Client::Zed), "/Users/maya/.config/zed/settings.json");
    assert_eq!(mac(Client::ClaudeCode), "/Users/maya/.claude.json");
    let windows = |client| file(client, Platform::Windows, "maya");
    let roaming = Path::new("maya").join("AppData").join("Roaming");
    assert_eq!(
        windows(Client::ClaudeDesktop),
        roaming.join("Claude").join("claude_desktop_config.json")
    );
    assert_eq!(
        windows(Client::VsCode),
        roaming.join("Code").join("User").join("mcp.json")
    );
    assert_eq!(
        windows(Client::Zed),
        roaming.join("Zed").join("settings.json")
    );
    assert_eq!(
        windows(Client::Codex),
        Path::new("maya").join(".codex").join("config.toml")
    );
    let app_data = |name: &str| (name == "APPDATA").then(|| "moved".to_owned());
    let surroundings = Surroundings {
        platform: Platform::Windows,
        home: PathBuf::from("maya"),
        variables: &app_data,
    };
    assert!(Client::VsCode.file(&surroundings).starts_with("moved"));
}

#[test]
fn claude_desktop_as_a_windows_package_looks_into_the_folder_of_the_package() {
    let home = tempfile::tempdir().unwrap();
    let surroundings = Surroundings {
        platform: Platform::Windows,
        home: home.path().to_owned(),
        variables: &|_| None,
    };
    let packages = home.path().join("AppData/Local/Packages");
    let roaming = packages.join("Claude_pzs8sxrjxfjjc/LocalCache/Roaming");
    let usual = Client::ClaudeDesktop.file(&surroundings);
    assert!(usual.starts_with(home.path().join("AppData/Roaming")));
    std::fs::create_dir_all(packages.join("ClaudeOfSomebody_x/LocalCache/Roaming")).unwrap();
    assert_eq!(Client::ClaudeDesktop.file(&surroundings), usual);
    std::fs::create_dir_all(&roaming).unwrap();
    let file = roaming.join("Claude/claude_desktop_config.json");
    assert_eq!(Client::ClaudeDesktop.file(&surroundings), file);
}

#[test]
fn in_each_way_of_writing_toml_only_the_entry_comes_and_goes() {
    let entry = Entry::new("C:\\bin\\skyswitch.exe".to_owned(), true, None);
    for before in [
        "",
        "# only a comment\n",
        "model = 1\n",
        "[mcp_servers]\n",
        "[mcp_servers]\na.command = 'x' # one\n\n[z]\nb = 1\n",
        "mcp_servers.a.command = 'x'\n[z]\nb = 1\n",
        "mcp_servers = { a = { command = 'x' } }\n",
        "[z]\nb = 1\n\n[mcp_servers.a]\ncommand = 'x'\n[mcp_servers.a.env]\nA = \"1\"\n# the end\n",
        "[mcp_servers.\"a b\"]\nargs = [\n  'one', # 1\n  'two',\n]\n",
        "text = \"\"\"\n[mcp_servers.skyswitch]\n\"\"\"\n",
    ] {
        let edit =
            |text: &str, wanted| install::edited(text, Client::Codex, &entry, wanted).unwrap();
        let installed = edit(before, Wanted::Present);
        let read: toml_edit::DocumentMut = installed.parse().unwrap();
        let ours = &read["mcp_servers"]["skyswitch-sandbox"];
        assert_eq!(
            ours["command"].as_str(),
            Some(entry.command.as_str()),
            "{installed}"
        );
        assert_eq!(edit(&installed, Wanted::Present), installed);
        assert_eq!(edit(&installed, Wanted::Absent), before);
        assert_eq!(edit(before, Wanted::Absent), before);
    }
}

#[test]
fn comments_behind_what_is_written_again_stay_in_toml() {
    let entry = Entry::new("/new/skyswitch".to_owned(), true, None);
    let before = "[mcp_servers.skyswitch-sandbox]\ncommand = \"/x/skyswitch\" # where\nargs = [\"mcp\"] # how\n";
    let after = install::edited(before, Client::Codex, &entry, Wanted::Present).unwrap();
    let wanted = before.replace("/x/", "/new/");
    let wanted = wanted.replace("[\"mcp\"]", "[\"mcp\", \"--sandbox\"]");
    assert_eq!(after, wanted);
}

#[test]
fn a_file_that_changed_after_it_was_shown_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let surroundings = Surroundings {
        platform: Platform::Linux,
        home: folder.path().to_owned(),
        variables: &|_| None,
    };
    let entry = Entry::new("/bin/skyswitch".to_owned(), false, None);
    let plan = Plan::new(Client::ClaudeCode, entry, Wanted::Present, &surroundings).unwrap();
    let path = folder.path().join(".claude.json");
    std::fs::write(&path, "{\"projects\": {}}").unwrap();
    let error = plan.carry_out().unwrap_err();
    assert_eq!(error.code().as_str(), "confirmation_stale");
    assert_eq!(read(&path), "{\"projects\": {}}");
}

/// JSON as people and programs write it: nested, in lines or in one, with
/// comments and last commas.
fn file_of_a_client() -> impl Strategy<Value = String> {
    let gap = prop::sample::select(vec![
        "",
        " ",
        "\n",
        "\n  ",
        " // c }\n",
        "/* , */",
        "\n/* a\n b */ ",
    ]);
    let value = prop::sample::select(vec![
        "1",
        "\"ä \\\" }\"",
        "[]",
        "{}",
        "{\"a\": [1, {}]}",
        "null",
    ]);
    let field = ("[a-c]", value).prop_map(|(name, value)| (name, value.to_owned()));
    let object = move |field: BoxedStrategy<(String, String)>| {
        let gaps = prop::collection::vec(gap.clone(), 16);
        let fields = prop::collection::btree_map("[a-f]", field, 0..4);
        (fields, gaps, any::<bool>(), any::<bool>()).prop_map(|(fields, gaps, last, ours)| {
            let mut gaps = gaps.into_iter().cycle();
            let mut text = format!("{{{}", gaps.next().unwrap());
            let count = fields.len();
            for (at, (name, (_, value))) in fields.into_iter().enumerate() {
                let name = if ours && at == count / 2 {
                    "mcpServers".to_owned()
                } else {
                    name
                };
                let comma = if at + 1 < count || last { "," } else { "" };
                let (before, after) = (gaps.next().unwrap(), gaps.next().unwrap());
                text += &format!(
                    "\"{name}\":{before}{value}{after}{comma}{}",
                    gaps.next().unwrap()
                );
            }
            text + "}"
        })
    };
    let servers = object(field.boxed());
    object(servers.prop_map(|text| ("x".to_owned(), text)).boxed())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn in_any_json_file_only_the_entry_comes_and_goes(before in file_of_a_client()) {
        let entry = Entry::new("/bin/skyswitch".to_owned(), false, None);
        let edit = |text: &str, wanted| {
            install::edited(text, Client::Windsurf, &entry, wanted).unwrap()
        };
        let installed = edit(&before, Wanted::Present);
        let mut expected = parsed(&before);
        expected["mcpServers"]["skyswitch"] = json!({ "command": "/bin/skyswitch", "args": ["mcp"] });
        prop_assert_eq!(parsed(&installed), expected);
        prop_assert_eq!(&edit(&installed, Wanted::Present), &installed);
        if parsed(&before).get("mcpServers").is_some() {
            let kept = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(kept(&edit(&installed, Wanted::Absent)), kept(&before));
        }
    }
}
