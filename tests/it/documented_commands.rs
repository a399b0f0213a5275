//! Each command that the documents show is run as it is written there.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Stdio;

use skyswitch_mcp::sandbox::{
    self, Sandbox, StoredDialRule, StoredNumber, StoredSubscriber, Tenant,
};

use crate::documents::{documents, root, text};
use crate::support::process::{Home, sandbox_of};

/// Commands that cannot be run here, by what they begin with, and why.
const NOT_RUN: [(&str, &str); 14] = [
    (
        "cargo ",
        "builds, tests or installs, which takes minutes; CI does it",
    ),
    (
        "skyswitch approve K7QM-3XPD",
        "needs a change that waits and a person; approval_page.rs does it",
    ),
    (
        "skyswitch changes close ",
        "needs a change that was cut off and a person; journal.rs does it",
    ),
    (
        "skyswitch doctor --write-probe",
        "needs a person at a terminal; write_probe.rs does it",
    ),
    (
        "skyswitch checklist mark ",
        "needs a person at a terminal; onboarding.rs does it",
    ),
    (
        "skyswitch mcp",
        "serves until its client ends; protocol.rs does it",
    ),
    (
        "skyswitch sandbox",
        "serves until it is stopped; this test runs on it",
    ),
    (
        "target/debug/skyswitch",
        "the same program by its path in a build",
    ),
    ("tests/", "a script of CI"),
    (
        "skyswitch login",
        "needs a person at a terminal; sign_in.rs does it",
    ),
    (
        "skyswitch install ",
        "changes the settings of a client; install.rs does it",
    ),
    (
        "cp packaging/",
        "copies from a checkout; packaging/check does it",
    ),
    ("systemctl ", "needs a system that runs systemd"),
    ("loginctl ", "needs a system that runs systemd"),
];
/// What a person has to agree to ends with this where nobody can be asked.
const NOT_CONFIRMED: i32 = 3;
/// `status` shows the customer of the sandbox who loses calls.
const ALARM: i32 = 5;

/// The blocks of a document that are to be typed into a shell.
fn blocks(document: &str) -> impl Iterator<Item = &str> {
    let blocks = document.split("```sh\n").skip(1);
    blocks.filter_map(|rest| Some(rest.split_once("```")?.0))
}

/// The commands of a block: its lines, with what continues them.
fn commands(block: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let mut until: Option<String> = None;
    let mut goes_on = false;
    for line in block.lines() {
        match commands.last_mut().filter(|_| goes_on || until.is_some()) {
            Some(command) => _ = write!(command, "\n{line}"),
            None => commands.push(line.to_owned()),
        }
        if until.as_deref() == Some(line) {
            until = None;
        } else if let Some((_, word)) = line.split_once("<<") {
            until = Some(word.trim_matches('\'').to_owned());
        }
        goes_on = line.ends_with('\\');
    }
    commands.retain(|command| !command.trim().is_empty() && !command.starts_with('#'));
    commands
}

/// A command with the placeholders of the documents filled in.
fn filled_in(command: &str, run: &str) -> String {
    command
        .replace(" RUN", &format!(" {run}"))
        .replace("[--domain D]", "--domain lakesidedental.12345.service")
        .replace("--domain D", "--domain lakesidedental.12345.service")
        .replace("undo 42", "undo 1")
}

/// The demo customers, and the customer whom the guides set up.
fn tenant() -> Tenant {
    let acme = "acme.12345.service";
    Tenant::demo()
        .domain(acme, "Acme")
        .subscriber(StoredSubscriber::person(acme, "100", "Front Desk"))
        .subscriber(StoredSubscriber::person(acme, "101", "Ines Ortega"))
        .number(StoredNumber::to_user("16165550181", acme, "100"))
        .dial_rule(StoredDialRule::chain(acme))
}

/// A user of a sandbox with what the documents take for granted: a change and an
/// import that were made, whose id is the second value, and files with lists.
async fn reader_of(sandbox: &Sandbox) -> (Home, String) {
    let home = Home::of(sandbox)
        .with("SKYSWITCH_PBX_BASE_URL", &sandbox.pbx_base_url())
        .with("SKYSWITCH_PBX_CLIENT_ID", sandbox::PBX_CLIENT_ID)
        .with("SKYSWITCH_PBX_CLIENT_SECRET", sandbox::PBX_CLIENT_SECRET)
        .with("SKYSWITCH_PBX_USERNAME", sandbox::PBX_USERNAME)
        .with("SKYSWITCH_PBX_PASSWORD", sandbox::PBX_PASSWORD);
    let folder = home.path().join("bin");
    std::fs::create_dir(&folder).unwrap();
    let program = env!("CARGO_BIN_EXE_skyswitch");
    std::os::unix::fs::symlink(program, folder.join("skyswitch")).unwrap();
    let home = home.with("PATH", &format!("{}:/usr/bin:/bin", folder.display()));
    let list = "ani,destination\n6165550182,101\n";
    for name in ["vips.csv", "new.csv", "list.csv"] {
        home.write(name, list);
    }
    let card = "BEGIN:VCARD\nVERSION:3.0\nFN:A\nTEL:6165550183\nEND:VCARD\n";
    home.write("contacts.vcf", card);
    std::fs::create_dir_all(home.path().join("home")).unwrap();
    let add = [
        "vip",
        "add",
        "--ani",
        "6165550184",
        "--domain",
        "acme",
        "--destination",
        "101",
    ];
    let ran = home.run(&add).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    home.write("first.csv", "ani,destination\n6165550186,101\n");
    let import = ["vip", "import", "first.csv", "--domain", "acme", "--json"];
    let ran = home.run(&[&import[..], &["--yes"]].concat()).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let run = ran.json()["run_id"].as_str().unwrap().to_owned();
    (home, run)
}

async fn run(home: &Home, command: &str) -> (i32, String) {
    let mut shell = home.program("/bin/sh", &["-c", command]);
    let output = shell.stdin(Stdio::null()).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap_or(-1), said)
}

#[tokio::test]
async fn each_command_of_the_documents_works_as_it_is_written() {
    let (mut ran, mut left_out, mut failed) = (0, Vec::new(), Vec::new());
    let mut used = [false; NOT_RUN.len()];
    for path in documents() {
        let document = std::fs::read_to_string(&path).unwrap();
        let commands: Vec<String> = blocks(&document).flat_map(commands).collect();
        if commands.is_empty() {
            continue;
        }
        // One reader goes through a document from its beginning to its end.
        let sandbox = sandbox_of(tenant()).await;
        let (home, import) = reader_of(&sandbox).await;
        let mut is_changed = false;
        for command in commands {
            if let Some(reason) = NOT_RUN
                .iter()
                .position(|(begin, _)| command.starts_with(begin))
            {
                used[reason] = true;
                left_out.push(command);
                continue;
            }
            // The config file of the document has no credentials in it.
            is_changed |= command.contains("config.json");
            let (code, said) = run(&home, &filled_in(&command, &import)).await;
            let fits = match code {
                0 => true,
                NOT_CONFIRMED => said.contains("terminal") || said.contains("--yes"),
                ALARM => command.contains("status"),
                _ => is_changed && command.starts_with("skyswitch doctor"),
            };
            if !fits {
                let path: PathBuf = path.strip_prefix(root()).unwrap().into();
                failed.push(format!(
                    "{}: `{command}` ends with {code}: {said}",
                    path.display()
                ));
            }
            ran += 1;
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(
        ran > 40,
        "only {ran} commands were run; left out: {left_out:#?}"
    );
    for ((begin, _), used) in NOT_RUN.iter().zip(used).filter(|(_, used)| !used) {
        assert!(
            !used && ["skyswitch mcp", "skyswitch sandbox", "tests/"].contains(begin),
            "no document shows `{begin}`"
        );
    }
}

/// The help of each command, by its words, as the reference has it.
fn helps() -> Vec<(Vec<String>, String)> {
    let page = text("docs/reference/commands.md");
    let sections = page.split("\n## ").skip(1);
    sections
        .map(|section| {
            let (name, help) = section.split_once('\n').unwrap();
            let words = name.split_whitespace().map(str::to_owned).collect();
            (words, help.to_owned())
        })
        .collect()
}

/// What is wrong with a command that a sentence mentions.
fn problem(command: &str, helps: &[(Vec<String>, String)]) -> Option<String> {
    // Options before the command belong to all of them.
    let command = command.replace("skyswitch --profile NAME ", "skyswitch ");
    let command = command.replace(['[', ']', '|'], " ");
    let words: Vec<&str> = command.split_whitespace().collect();
    let plain = words.iter().filter(|word| !word.starts_with('-'));
    let plain: Vec<&str> = plain.copied().collect();
    // The command with the most words that the text begins with.
    let is_named = |name: &[String]| plain.len() >= name.len() && plain[..name.len()] == *name;
    let named = helps.iter().filter(|(name, _)| is_named(name));
    let (name, help) = named.max_by_key(|(name, _)| name.len())?;
    let has_below = help.contains("\nCommands:\n");
    let next = plain.get(name.len()).filter(|next| **next != "COMMAND");
    if let Some(next) = next.filter(|_| has_below && name.len() == 1) {
        return Some(format!("there is no command `{next}`"));
    }
    let flags = words.iter().filter(|word| word.starts_with("--"));
    let mut flags = flags.map(|flag| flag.split('=').next().unwrap_or(flag));
    let unknown = flags.find(|flag| !help.contains(*flag));
    unknown.map(|flag| format!("`{}` has no `{flag}`", name.join(" ")))
}

#[test]
fn each_command_that_a_sentence_mentions_exists_with_its_options() {
    let helps = helps();
    let mut found = 0;
    let mut problems = Vec::new();
    for path in documents() {
        let document = std::fs::read_to_string(&path).unwrap();
        // Blocks for a shell are run; here it is about the code within sentences, and about the overview.
        let prose = document.split("```").step_by(2);
        let codes = prose.flat_map(|text| text.split('`').skip(1).step_by(2));
        let overview = document.split("```text\n").skip(1);
        let overview = overview.flat_map(|rest| rest.split("```").next());
        let lines = overview.flat_map(str::lines);
        for command in codes
            .chain(lines)
            .filter(|code| code.starts_with("skyswitch "))
        {
            found += 1;
            if let Some(problem) = problem(command, &helps) {
                problems.push(format!("{}: `{command}`: {problem}", path.display()));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(found > 60, "only {found} were found");
}
