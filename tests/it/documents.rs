//! The documents keep to what the program does and to each other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use skyswitch_mcp::error::{Code, Error};

use crate::support::process::Home;
use crate::support::protocol::{Era, Wire};

const CODES: [Code; 15] = [
    Code::InvalidArgument,
    Code::NotConfigured,
    Code::Unauthorized,
    Code::Forbidden,
    Code::NotFound,
    Code::RateLimited,
    Code::UpstreamRejected,
    Code::UpstreamUnavailable,
    Code::Timeout,
    Code::ConfirmationInvalid,
    Code::ConfirmationStale,
    Code::Blocked,
    Code::ReadOnly,
    Code::Cancelled,
    Code::Internal,
];

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// Every document of the repository.
pub fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["", "docs", "docs/guides", "docs/reference"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| end == "md") {
                found.push(path);
            }
        }
    }
    assert!(found.len() > 10, "{found:?}");
    found
}

/// The targets of `[text](target)`.
pub fn links(document: &str) -> impl Iterator<Item = &str> {
    let after = document.split("](").skip(1);
    after.filter_map(|rest| Some(rest.split_once(')')?.0))
}

/// The anchors that a forge makes of the headings.
fn anchors(document: &str) -> BTreeSet<String> {
    let headings = document.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let kept = line.trim_start_matches('#').trim().to_lowercase();
            let kept = kept
                .chars()
                .filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

/// The rows of a table whose first cell is a word of code, without that cell's marks.
fn rows(document: &str) -> Vec<Vec<&str>> {
    let lines = document.lines().filter(|line| line.starts_with("| `"));
    lines
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect()
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let mut local = 0;
    for path in documents() {
        let document = fs::read_to_string(&path).unwrap();
        for link in links(&document).filter(|link| !link.starts_with("https://")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => path.clone(),
                file => path.parent().unwrap().join(file),
            };
            let place = format!("{link} in {}", path.display());
            assert!(target.exists(), "there is no {place}");
            if !anchor.is_empty() {
                let there = anchors(&fs::read_to_string(&target).unwrap());
                assert!(there.contains(anchor), "no heading for {place}: {there:?}");
            }
            local += 1;
        }
    }
    assert!(local > 30, "only {local} links were found");
}

#[test]
fn no_page_of_the_book_links_to_what_is_not_in_the_book() {
    let book = root().join("docs");
    for path in documents().iter().filter(|path| path.starts_with(&book)) {
        let document = fs::read_to_string(path).unwrap();
        for link in links(&document).filter(|link| !link.starts_with("https://")) {
            let file = path.parent().unwrap().join(link.split('#').next().unwrap());
            let target = file.canonicalize().unwrap();
            let is_inside = target.starts_with(book.canonicalize().unwrap());
            assert!(is_inside, "{link} in {}", path.display());
        }
    }
}

#[test]
fn every_file_that_a_document_names_exists() {
    const FOLDERS: [&str; 8] = [
        ".ci/",
        ".github/",
        "benches/",
        "crates/",
        "docs/",
        "examples/",
        "src/",
        "tests/",
    ];
    let mut found = 0;
    for path in documents() {
        let document = fs::read_to_string(&path).unwrap();
        let marked = document.split('`').skip(1).step_by(2);
        let named = marked.filter(|text| FOLDERS.iter().any(|folder| text.starts_with(folder)));
        for file in named {
            let place = format!("`{file}` in {}", path.display());
            assert!(root().join(file).exists(), "there is no {place}");
            found += 1;
        }
    }
    assert!(found > 40, "only {found} names were found");
}

#[test]
fn every_document_is_reached_from_the_readme() {
    let readme = root().join("README.md");
    let mut reached = BTreeSet::from([readme.canonicalize().unwrap()]);
    let mut to_read = vec![readme];
    while let Some(path) = to_read.pop() {
        let document = fs::read_to_string(&path).unwrap();
        for link in links(&document).filter(|link| link.contains(".md")) {
            let file = link.split('#').next().unwrap();
            let Ok(target) = path.parent().unwrap().join(file).canonicalize() else {
                continue;
            };
            if reached.insert(target.clone()) {
                to_read.push(target);
            }
        }
    }
    for path in documents() {
        assert!(
            reached.contains(&path.canonicalize().unwrap()),
            "nothing leads to {}",
            path.display()
        );
    }
}

#[test]
fn the_readme_stays_short_and_its_tests_are_what_is_checked_before_a_change_lands() {
    let readme = text("README.md");
    assert!(readme.lines().count() < 150);
    let (_, tests) = readme.split_once("The tests:\n\n```sh\n").unwrap();
    let command = tests.lines().next().unwrap();
    let checks = text(".ci/run");
    let calls = checks.lines().filter(|line| line.ends_with(command));
    assert_eq!(calls.count(), 1, "`{command}`");
}

#[tokio::test]
async fn the_table_of_tools_names_each_tool_and_whether_it_changes_something() {
    let readme = text("README.md");
    let documented: BTreeSet<_> = rows(&readme)
        .into_iter()
        .filter(|row| row.len() == 3)
        .map(|row| (row[0].trim_matches(['|', ' ', '`']), row[2] == "yes"))
        .collect();
    let mut wire = Wire::ready(&Home::bare(), &[], Era::Legacy, false).await;
    let answer = wire.request("tools/list", json!({})).await;
    let offered = answer["result"]["tools"].as_array().unwrap();
    let offered: BTreeSet<_> = offered
        .iter()
        .map(|tool| {
            let reads = tool["annotations"]["readOnlyHint"].as_bool().unwrap();
            (tool["name"].as_str().unwrap(), !reads)
        })
        .collect();
    assert_eq!(documented, offered);
}

#[test]
fn every_variable_and_config_field_is_documented() {
    let page = text("docs/guides/settings.md");
    let between = |file: &str, start: &str, end: &str| {
        let file = text(file);
        let (_, rest) = file.split_once(start).unwrap();
        rest.split_once(end).unwrap().0.to_owned()
    };
    // No other variable is read.
    let known = between(
        "src/config/environment.rs",
        "const KNOWN: &[&str] = &[",
        "];",
    );
    let variables = known.split('"').skip(1).step_by(2);
    let variables = variables.map(|name| format!("SKYSWITCH_{}", name.to_uppercase()));
    let table = between("src/config/file.rs", "config_file! {\n", "\n}\n");
    let fields = table.lines().filter(|line| !line.trim().starts_with("///"));
    let fields = fields.filter_map(|line| Some(line.trim().split_once(": ")?.0));
    let mut found = 0;
    for name in variables.chain(fields.map(str::to_owned)) {
        assert!(
            page.contains(&format!("`{name}`")),
            "{name} is not documented"
        );
        found += 1;
    }
    assert!(found > 60, "only {found} names were found");
}

#[test]
fn every_error_code_is_documented_with_whether_a_retry_can_help() {
    let schema = serde_json::to_value(schemars::schema_for!(Code)).unwrap();
    let published = schema.to_string();
    let page = text("docs/errors.md");
    let documented: Vec<_> = rows(&page)
        .into_iter()
        .filter(|row| row.len() == 6)
        .collect();
    assert_eq!(documented.len(), CODES.len());
    assert_eq!(
        published.matches("\"const\"").count(),
        CODES.len(),
        "{published}"
    );
    for code in CODES {
        let marked = format!("`{}`", code.as_str());
        let row = documented
            .iter()
            .find(|row| row[0].ends_with(&marked))
            .unwrap_or_else(|| panic!("{marked} is not documented"));
        let retryable = Error::new(code, "", "").detail().retryable;
        assert_eq!(row[4] == "yes", retryable, "{marked}");
    }
}
