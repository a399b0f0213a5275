//! Which part of the program's own crate may know which other. What lies in
//! crates of its own (domain, guard, client, sandbox) is held by their
//! manifests, and that nothing is written past the guard by the examples of
//! `skyswitch_guard::Clearance`.

use std::path::{Path, PathBuf};

/// A source file: its path below `src` and its code without comments.
struct Source {
    path: String,
    code: String,
}

fn sources() -> Vec<Source> {
    let found = sources_below("src");
    assert!(found.len() > 30, "the sources were not found");
    found
}

fn sources_below(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    files
        .into_iter()
        .map(|file| {
            let text = std::fs::read_to_string(&file).unwrap();
            let code = text.lines().map(without_comment).collect::<Vec<_>>();
            let path = file.strip_prefix(&root).unwrap().display().to_string();
            Source {
                path,
                code: code.join("\n"),
            }
        })
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
}

/// A line without its comment; `//` inside a text such as a URL stays.
fn without_comment(line: &str) -> &str {
    let comment = line
        .match_indices("//")
        .find(|(at, _)| line[..*at].matches('"').count().is_multiple_of(2));
    comment.map_or(line, |(at, _)| &line[..at])
}

/// Places where `name` is a word of its own.
fn uses(code: &str, name: &str) -> usize {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(name)
        .filter(|(at, _)| {
            let before = code[..*at].chars().next_back();
            let after = code[at + name.len()..].chars().next();
            !before.is_some_and(is_word) && !after.is_some_and(is_word)
        })
        .count()
}

/// Asserts that a name is used in files under `homes`, and nowhere else.
fn lives_only_in(name: &str, homes: &[&str]) {
    let mut found_at_home = vec![false; homes.len()];
    for source in sources() {
        if uses(&source.code, name) == 0 {
            continue;
        }
        let home = homes.iter().position(|home| source.path.starts_with(home));
        let home = home.unwrap_or_else(|| panic!("`{name}` is named in {}", source.path));
        found_at_home[home] = true;
    }
    assert!(
        found_at_home.into_iter().all(|found| found),
        "`{name}` is not used in all of {homes:?} any more"
    );
}

/// What a file takes from a module of this crate: `{Server, serve_stdio}` or `text`.
fn taken_from<'a>(code: &'a str, module: &str) -> Vec<&'a str> {
    let start = format!("crate::{module}");
    let places = code.match_indices(&start);
    let rests = places.map(|(at, _)| &code[at + start.len()..]);
    rests
        .filter(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        .flat_map(|rest| {
            let rest = rest.strip_prefix("::").unwrap_or("(all of it)");
            match rest.strip_prefix('{').and_then(|list| list.split_once('}')) {
                Some((list, _)) => list.split(',').map(str::trim).collect(),
                None => {
                    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'));
                    vec![&rest[..end.unwrap_or(rest.len())]]
                }
            }
        })
        .filter(|name| !name.is_empty())
        .collect()
}

fn below<'a>(all: &'a [Source], folder: &str) -> Vec<&'a Source> {
    let found: Vec<_> = all
        .iter()
        .filter(|source| source.path.starts_with(folder))
        .collect();
    assert!(!found.is_empty(), "{folder} is gone");
    found
}

#[test]
fn comments_are_no_code_and_texts_are() {
    assert_eq!(without_comment("use a; // rmcp"), "use a; ");
    assert_eq!(without_comment("//! rmcp"), "");
    assert_eq!(
        without_comment("let u = \"http://x\";"),
        "let u = \"http://x\";"
    );
    assert_eq!(uses("use rmcp::model; armcp rmcp_x", "rmcp"), 1);
    let code = "use crate::mcp::{Server,\n ToolSet}; crate::mcp::text::rule(); crate::mcpx::y";
    assert_eq!(taken_from(code, "mcp"), ["Server", "ToolSet", "text"]);
}

#[test]
fn the_protocol_library_is_known_to_the_mcp_face_and_the_demo() {
    lives_only_in("rmcp", &["mcp/", "cli/demo.rs"]);
}

#[test]
fn whole_lists_of_vip_rules_are_read_where_notes_of_gone_rules_end() {
    // After an import, what is gone is told and restored before its note ends.
    let homes = ["ops/vips/read.rs", "ops/import/read_back.rs"];
    lives_only_in("routes_now", &homes);
}

#[test]
fn only_the_approval_page_serves_http() {
    lives_only_in("axum", &["approval_page/"]);
}

#[test]
fn the_store_is_written_to_in_transactions_alone() {
    let found = sources_below("crates/guard/src/store/sqlite");
    assert!(!found.is_empty(), "the store was not found");
    for source in found {
        let code = &source.code;
        assert!(!code.contains("execute(&self.pool)"), "{}", source.path);
        assert!(!code.contains("RETURNING"), "{}", source.path);
        let begun = code.matches("pool.begin").count();
        assert_eq!(begun, 0, "{}: beside `Store::write`", source.path);
    }
}

#[test]
fn the_environment_is_read_by_the_settings_and_the_command_line_alone() {
    lives_only_in("std::env", &["config/", "main.rs", "cli/"]);
    for source in sources() {
        assert_eq!(
            uses(&source.code, "env::var"),
            usize::from(source.path == "config/mod.rs"),
            "{}",
            source.path
        );
    }
}

#[test]
fn commands_are_named_with_what_chose_the_settings() {
    // Where none of it matters, or the text names a profile itself.
    let by_themselves = [
        "`skyswitch approve`",
        "`skyswitch demo`",
        "`skyswitch profiles`",
        "`skyswitch sandbox --habits NAME,NAME`",
        "`skyswitch --profile ",
    ];
    let crates = ["client", "domain", "guard"].map(|name| format!("crates/{name}/src"));
    let folders = crates.iter().map(String::as_str).chain(["src"]);
    for source in folders.flat_map(sources_below) {
        for (at, _) in source.code.match_indices("`skyswitch ") {
            let text = &source.code[at..];
            let is_known = by_themselves.iter().any(|known| text.starts_with(known));
            let line = text.lines().next().unwrap_or_default();
            assert!(is_known, "{}: say `command_line` for {line}", source.path);
        }
    }
}

#[test]
fn imports_name_one_module_each_so_that_they_can_be_checked() {
    for source in sources() {
        assert!(!source.code.contains("crate::{"), "{}", source.path);
        assert!(!source.code.contains("crate::*"), "{}", source.path);
    }
}

#[test]
fn the_two_faces_meet_only_where_the_command_line_starts_the_server() {
    let all = sources();
    for source in below(&all, "mcp/") {
        let taken = taken_from(&source.code, "cli");
        assert!(taken.is_empty(), "{} takes {taken:?}", source.path);
    }
    let mut met = false;
    for source in below(&all, "cli/") {
        for name in taken_from(&source.code, "mcp") {
            let allowed = ["Server", "ToolSet", "ToolName", "serve_stdio"];
            assert!(allowed.contains(&name), "{} takes {name}", source.path);
            met = true;
        }
    }
    assert!(met, "the command line does not start the server any more");
}

#[test]
fn nothing_but_the_command_line_starts_the_sandbox() {
    lives_only_in("skyswitch_sandbox", &["cli/", "lib.rs"]);
}

#[test]
fn the_operations_and_the_page_do_not_know_the_faces() {
    let all = sources();
    let rules = [
        ("app.rs", ["mcp", "cli"].as_slice()),
        ("ops/", &["mcp", "cli"]),
        ("approval_page/", &["ops", "mcp", "cli"]),
        ("config/", &["ops", "mcp", "cli"]),
        ("install/", &["ops", "mcp", "cli"]),
    ];
    for (folder, forbidden) in rules {
        for source in below(&all, folder) {
            for module in forbidden {
                let taken = taken_from(&source.code, module);
                assert!(
                    taken.is_empty(),
                    "{} takes {taken:?} of {module}",
                    source.path
                );
            }
        }
    }
}
