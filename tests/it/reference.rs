//! The parts of the documents that are written from the program.
//! `UPDATE_DOCUMENTS=1` writes them again.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use skyswitch_mcp::config::process_environment;

use crate::documents::{links, root, text};
use crate::support::process::Home;
use crate::support::protocol::{Era, Wire};

/// Compares a document with what it should be, or writes it.
#[track_caller]
fn assert_is(path: &str, wanted: &str) {
    let file = root().join(path);
    if process_environment("UPDATE_DOCUMENTS").is_some_and(|word| word == "1") {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, wanted).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == wanted,
        "{path} is not what the program says: UPDATE_DOCUMENTS=1 writes it again"
    );
}

/// The commands below one, as its help names them.
fn commands_below(help: &str) -> Vec<String> {
    let list = help.split("\nCommands:\n").nth(1).unwrap_or_default();
    let lines = list.lines().take_while(|line| !line.trim().is_empty());
    // A line that goes on with what a command does begins further right.
    let named = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let words = named.filter_map(|line| Some(line.split_whitespace().next()?.to_owned()));
    words.filter(|word| word != "help").collect()
}

#[tokio::test]
async fn the_reference_of_commands_is_what_their_help_says() {
    let home = Home::bare();
    let mut page = "# Commands\n\nWritten from the program's own help. What the commands have in common, and the exit \
                    codes, is in [command line](../guides/command-line.md).\n"
        .to_owned();
    let mut to_do = VecDeque::from([Vec::<String>::new()]);
    let mut found = 0;
    while let Some(command) = to_do.pop_front() {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let ran = home.run(&[&words[..], &["--help"]].concat()).await;
        assert_eq!(ran.code, 0, "{words:?}: {ran:?}");
        let below = commands_below(&ran.stdout);
        let name = [&["skyswitch"], &words[..]].concat().join(" ");
        let help: String = ran.stdout.lines().fold(String::new(), |mut help, line| {
            _ = writeln!(help, "{}", line.trim_end());
            help
        });
        _ = write!(page, "\n## {name}\n\n```text\n{}\n```\n", help.trim_end());
        // Those below a command follow it.
        for word in below.into_iter().rev() {
            to_do.push_front([&command[..], &[word]].concat());
        }
        found += 1;
    }
    assert!(found > 20, "only {found} commands were found");
    assert_is("docs/reference/commands.md", &page);
}

/// A type of a schema in a word.
fn kind(schema: &Value) -> String {
    let list = |names: &Value| {
        let names = names
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        names
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    if schema["enum"].is_array() {
        return list(&schema["enum"]);
    }
    match schema["type"].as_str() {
        Some("array") => format!("list of {}", kind(&schema["items"])),
        Some(kind) => kind.to_owned(),
        None => "any".to_owned(),
    }
}

#[tokio::test]
async fn the_reference_of_tools_is_what_the_server_lists() {
    let mut wire = Wire::ready(&Home::bare(), &["--confirm", "token"], Era::Legacy, false).await;
    let answer = wire.request("tools/list", json!({})).await;
    let tools = answer["result"]["tools"].as_array().unwrap();
    let mut page = "# Tools\n\nWritten from what the server lists in mode `token`; in the other modes no tool has the \
                    argument `confirmation`. How a person agrees is in [approving](../guides/approving.md).\n\nEverywhere: \
                    `domain` is a PBX domain or a customer's name, `account_id` the configured account where it is left \
                    out, `limit` 1 to 500 rows, and `cursor` the `next_cursor` of the page before. Destinations are in \
                    [VIP lists](../guides/vip-lists.md#destinations).\n"
        .to_owned();
    for tool in tools {
        let hints = &tool["annotations"];
        let effect = match hints["readOnlyHint"] == true {
            true => "It only reads.",
            false => "It changes something.",
        };
        let (name, title) = (
            tool["name"].as_str().unwrap(),
            tool["title"].as_str().unwrap(),
        );
        let about = tool["description"].as_str().unwrap();
        _ = write!(page, "\n## {name}\n\n**{title}.** {about} {effect}\n\n");
        page += "| Argument | Type | Required | Meaning |\n|---|---|---|---|\n";
        let schema = &tool["inputSchema"];
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for (name, argument) in schema["properties"].as_object().unwrap() {
            let needed = if required.contains(&json!(name)) {
                "yes"
            } else {
                ""
            };
            let meaning = argument["description"].as_str().unwrap_or_default();
            let meaning = meaning.replace('|', "\\|");
            _ = writeln!(
                page,
                "| `{name}` | {} | {needed} | {meaning} |",
                kind(argument)
            );
        }
        let result = tool["outputSchema"]["properties"].as_object().unwrap();
        let fields: Vec<String> = result.keys().map(|name| format!("`{name}`")).collect();
        _ = write!(page, "\nResult: {}.\n", fields.join(", "));
    }
    assert_is("docs/reference/tools.md", &page);
}

/// The pages of the book, in its order: title and path below `docs`.
fn pages() -> Vec<(String, String)> {
    let summary = text("docs/SUMMARY.md");
    let entries = summary.lines().filter_map(|line| {
        let (title, path) = line.split_once("](")?;
        let title = title.split_once('[')?.1;
        Some((title.to_owned(), path.strip_suffix(')')?.to_owned()))
    });
    entries.collect()
}

#[test]
fn the_book_holds_every_page_once_and_none_that_is_missing() {
    let pages = pages();
    let mut listed: Vec<&str> = pages.iter().map(|(_, path)| path.as_str()).collect();
    let mut there = Vec::new();
    for folder in ["", "guides", "reference"] {
        for entry in std::fs::read_dir(root().join("docs").join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".md") && name != "SUMMARY.md" {
                there.push(Path::new(folder).join(name).display().to_string());
            }
        }
    }
    listed.sort_unstable();
    there.sort();
    assert_eq!(listed, there);
    assert!(text("book.toml").contains("src = \"docs\""));
    // A page begins with the one heading that the book shows.
    for (_, path) in &pages {
        let page = text(&format!("docs/{path}"));
        assert!(page.starts_with("# "), "{path}");
        let mut fences = 0;
        let headings = page.lines().filter(|line| {
            fences += usize::from(line.starts_with("```"));
            fences % 2 == 0 && line.starts_with("# ")
        });
        assert_eq!(headings.count(), 1, "{path}");
    }
}

#[test]
fn the_list_of_pages_for_models_follows_the_book() {
    let mut list = "# skyswitch-mcp\n\n> An MCP server and a command line that keep the VIP lists of SkySwitch phone \
                    systems. Nothing that exists is replaced or removed before a person has seen exactly that change \
                    and agreed to it.\n\n## Pages\n\n"
        .to_owned();
    for (title, path) in pages() {
        let page = text(&format!("docs/{path}"));
        let mut paragraphs = page.split("\n\n").skip(1).map(str::trim);
        let is_prose = |text: &&str| {
            let begins = text.starts_with(char::is_alphabetic) || text.starts_with('`');
            begins && !text.starts_with("```")
        };
        let first = paragraphs.find(is_prose);
        // Its first sentence, without the links in it.
        let first = first.unwrap_or_default().replace('\n', " ");
        let first = first
            .split_inclusive(". ")
            .next()
            .unwrap_or_default()
            .trim();
        let without_links = links(first).fold(first.to_owned(), |text, link| {
            text.replace(&format!("]({link})"), "")
        });
        let about = without_links.replace('[', "");
        _ = writeln!(list, "- [{title}]({path}): {about}");
    }
    assert_is("docs/llms.txt", &list);
}
