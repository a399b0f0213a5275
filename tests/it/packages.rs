//! What packages are made of. What needs tools of others (the packer of
//! bundles, systemd, groff) is checked by `packaging/check`.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::support::process::Home;

fn text(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(root.join(path)).unwrap()
}

fn json(path: &str) -> Value {
    serde_json::from_str(&text(path)).unwrap()
}

#[tokio::test]
async fn the_long_version_says_what_it_was_built_from() {
    let home = Home::bare();
    let short = home.run(&["-V"]).await.stdout;
    assert_eq!(short, format!("skyswitch {}\n", env!("CARGO_PKG_VERSION")));
    let long = home.run(&["--version"]).await.stdout;
    let built = long.strip_prefix(short.trim_end()).unwrap();
    assert!(built.starts_with(" (") && built.ends_with(")\n"), "{long}");
}

#[test]
fn cargo_run_sets_no_variable_that_looks_like_a_setting() {
    let build = text("build.rs");
    let mut variables = build.split("cargo::rustc-env=").skip(1).peekable();
    assert!(variables.peek().is_some(), "{build}");
    for variable in variables {
        assert!(!variable.starts_with("SKYSWITCH_"), "{variable}");
    }
}

#[tokio::test]
async fn each_shell_has_completions_of_all_commands() {
    let home = Home::bare();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = home.run(&["completions", shell]).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        for word in ["onboard", "install", "--dry-run"] {
            let word = word.trim_start_matches("--");
            assert!(ran.stdout.contains(word), "{shell}: {word}");
        }
    }
}

#[tokio::test]
async fn each_command_has_a_manual_page_that_is_the_same_each_time() {
    let home = Home::bare();
    let pages = |folder: &str| {
        let entries = std::fs::read_dir(home.path().join(folder)).unwrap();
        let entries = entries.map(|entry| entry.unwrap());
        let entries =
            entries.map(|entry| (entry.file_name(), std::fs::read(entry.path()).unwrap()));
        entries.collect::<BTreeSet<_>>()
    };
    for folder in ["a/b", "c"] {
        let ran = home.run(&["man", folder]).await;
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    let written = pages("a/b");
    assert_eq!(written, pages("c"));
    // What needs no flag is in them, as in the help.
    let page = |name: &str| std::fs::read_to_string(home.path().join("c").join(name)).unwrap();
    for word in ["CALLER", "TO", "format"] {
        let page = page("skyswitch-vip-add.1");
        assert!(page.contains(word), "{word}: {page}");
    }
    assert!(page("skyswitch-route.1").contains("TO_USER"));
    let names: Vec<_> = written
        .iter()
        .map(|(name, _)| name.to_string_lossy())
        .collect();
    for name in ["skyswitch.1", "skyswitch-vip-add.1", "skyswitch-install.1"] {
        assert!(names.iter().any(|one| one == name), "{name}: {names:?}");
    }
    let ran = home.run(&["man", "c/skyswitch.1"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
}

#[test]
fn what_the_registry_is_told_fits_its_schema_and_this_version() {
    let server = json("packaging/registry/server.json");
    let schema = json("packaging/registry/server.schema.json");
    assert_eq!(server["$schema"], schema["$id"]);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<_> = validator
        .iter_errors(&server)
        .map(|error| error.to_string())
        .collect();
    assert_eq!(errors, [""; 0]);
    let package = &server["packages"][0];
    for version in [&server["version"], &package["version"]] {
        assert_eq!(version, env!("CARGO_PKG_VERSION"));
    }
    let identifier = package["identifier"].as_str().unwrap();
    assert!(identifier.contains(concat!("/v", env!("CARGO_PKG_VERSION"), "/")));
}

#[test]
fn the_bundle_and_the_registry_ask_for_the_same_settings_and_hide_the_secrets() {
    let manifest = json("packaging/mcpb/manifest.json");
    assert_eq!(manifest["version"], env!("CARGO_PKG_VERSION"));
    let variables = manifest["server"]["mcp_config"]["env"].as_object().unwrap();
    let asked = manifest["user_config"].as_object().unwrap();
    let server = json("packaging/registry/server.json");
    let told = server["packages"][0]["environmentVariables"]
        .as_array()
        .unwrap();
    assert_eq!(told.len(), variables.len());
    assert_eq!(asked.len(), variables.len());
    let settings = text("docs/guides/settings.md");
    for (variable, value) in variables {
        assert!(
            settings.contains(&format!("| `{variable}` |")),
            "{variable}"
        );
        let name = value
            .as_str()
            .unwrap()
            .trim_start_matches("${user_config.")
            .trim_end_matches('}');
        let field = &asked[name];
        let told = told.iter().find(|one| one["name"] == **variable).unwrap();
        // A client may leave the placeholder of what a person left empty, which is refused.
        let has_value = field["required"] == true || field.get("default").is_some();
        assert!(has_value, "{name}");
        assert_eq!(
            field["required"] == true,
            told["isRequired"] == true,
            "{name}"
        );
        assert_eq!(
            field["sensitive"] == true,
            told["isSecret"] == true,
            "{name}"
        );
        if name.contains("secret") || name.contains("password") {
            assert_eq!(field["sensitive"], true, "{name}");
        }
    }
}

#[test]
fn the_files_of_the_debian_package_exist_or_are_made_by_the_program() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest: toml_edit::DocumentMut = text("Cargo.toml").parse().unwrap();
    let assets = &manifest["package"]["metadata"]["deb"]["assets"];
    let made = text("packaging/files");
    let mut found = 0;
    for asset in assets.as_array().unwrap() {
        let source = asset.as_array().unwrap().get(0).unwrap().as_str().unwrap();
        let source = source.trim_end_matches("/*").trim_end_matches("/*.1");
        match source.strip_prefix("target/package/") {
            Some(file) => assert!(made.contains(&format!("$folder/{file}\"")), "{source}"),
            None if source == "target/release/skyswitch" => {}
            None => assert!(root.join(source).exists(), "{source}"),
        }
        found += 1;
    }
    assert!(found > 5, "only {found} were found");
}

#[tokio::test]
async fn the_unit_for_alarms_fails_while_a_customer_is_losing_calls() {
    let unit = text("packaging/systemd/skyswitch-status.service");
    let command = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart=/usr/bin/skyswitch "));
    let mut arguments = vec!["--sandbox"];
    arguments.extend(command.unwrap().split(' '));
    let ran = Home::bare().run(&arguments).await;
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(unit.contains("OnFailure=skyswitch-alarm@"));
    // A code that counted as success would start no alarm.
    assert!(!unit.contains("SuccessExitStatus"));
}
