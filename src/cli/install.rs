//! `skyswitch install`: this program in the settings of an MCP client.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::ask::{is_interactive, typed_line};
use super::command::Global;
use super::exit::Exit;
use super::output::Output;
use crate::config::{self, process_environment};
use crate::install::{self, Client, Entry, Plan, Platform, Surroundings, Wanted};
use skyswitch_domain::error::{Code, Error, Result};

#[derive(Debug, Args)]
pub(super) struct InstallArgs {
    /// The client
    #[arg(value_enum, required_unless_present = "list")]
    pub client: Option<Client>,
    /// Take the entry out again
    #[arg(long)]
    pub remove: bool,
    /// Print the entry, to be pasted, and write nothing
    #[arg(long, conflicts_with_all = ["remove", "list"])]
    pub print: bool,
    /// Show what would change and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Write without asking
    #[arg(long)]
    pub yes: bool,
    /// List the clients, their files, and which of them have the entry
    #[arg(long, conflicts_with_all = ["client", "remove", "dry_run", "yes"])]
    pub list: bool,
}

/// Writes the entry, takes it out, prints it, or lists the clients.
pub(super) fn install(global: &Global, args: &InstallArgs, output: &Output) -> Result<Exit> {
    if global.account.is_some() {
        return Err(Error::invalid(
            "account",
            "an entry names no account",
            "Set `default_account_id` in the config file, and leave `--account` out.",
        ));
    }
    let surroundings = Surroundings {
        platform: Platform::HERE,
        home: home()?,
        variables: &process_environment,
    };
    let config = global
        .config
        .as_deref()
        .map(std::path::absolute)
        .transpose();
    let config = config.map_err(|error| not_found(&error))?;
    if let Some(file) = config.as_deref().filter(|file| file.to_str().is_none()) {
        return Err(not_unicode("config", file));
    }
    let profile = global.profile.as_ref().map(|profile| profile.as_str());
    let entry =
        Entry::new(program()?, global.sandbox.is_some(), config.as_deref()).with_profile(profile);
    let Some(client) = args.client else {
        return list(&entry, &surroundings, output);
    };
    if args.print {
        let snippet = install::snippet(client, &entry);
        let file = client.file(&surroundings).display().to_string();
        let result = json!({ "file": file, "snippet": snippet });
        return output.result(&result, || snippet);
    }
    let wanted = match args.remove {
        true => Wanted::Absent,
        false => Wanted::Present,
    };
    let name = entry.name.clone();
    let plan = Plan::new(client, entry, wanted, &surroundings)?;
    let report = Report { plan, name, wanted };
    if report.plan.is_done() {
        return report.print("unchanged", None, output);
    }
    if args.dry_run {
        return report.print("planned", None, output);
    }
    if !args.yes && !is_agreed(&report, output) {
        report.print("not_confirmed", None, output)?;
        return Ok(Exit::NotConfirmed);
    }
    let backup = report.plan.carry_out()?;
    let status = match wanted {
        Wanted::Present => "installed",
        Wanted::Absent => "removed",
    };
    report.print(status, backup, output)
}

/// Shows the change and asks; without a terminal nobody agrees.
fn is_agreed(report: &Report, output: &Output) -> bool {
    if !is_interactive() {
        return false;
    }
    output.note(&report.change());
    let answer = typed_line("Write this? [y/N] ").ok().flatten();
    let yes = ["y", "yes"];
    answer.is_some_and(|text| yes.iter().any(|yes| text.trim().eq_ignore_ascii_case(yes)))
}

/// What became of one client's file.
struct Report {
    plan: Plan,
    name: String,
    wanted: Wanted,
}

impl Report {
    fn print(&self, status: &str, backup: Option<PathBuf>, output: &Output) -> Result<Exit> {
        let result = json!({
            "client": self.plan.client.name(),
            "file": self.plan.file.display().to_string(),
            "entry": self.name,
            "status": status,
            "diff": self.plan.diff(),
            "backup": backup.as_ref().map(|backup| backup.display().to_string()),
            "keeps_arguments": self.plan.keeps_arguments(),
        });
        output.result(&result, || self.text(status, backup.as_deref()))
    }

    fn text(&self, status: &str, backup: Option<&Path>) -> String {
        let (client, file) = (self.plan.client, self.plan.file.display());
        let (title, then, name) = (client.title(), client.then(), &self.name);
        let backup = backup.map_or_else(String::new, |backup| {
            format!(" The file as it was: {}.", backup.display())
        });
        // Whoever asked for another profile has to learn that it was not written.
        let kept = match self.plan.keeps_arguments() {
            true => {
                " The entry keeps the arguments that it has; for new ones, take it out with `--remove` first."
            }
            false => "",
        };
        match (status, self.wanted) {
            ("unchanged", Wanted::Present) => {
                format!(
                    "No change: {title} starts this program as `{name}` already ({file}).{kept}"
                )
            }
            ("unchanged", Wanted::Absent) => {
                format!("No change: {title} has no server `{name}` ({file}).")
            }
            ("installed", _) => {
                format!(
                    "{title} starts this program as `{name}` from now on ({file}).{backup}{kept}\nNext: {then}"
                )
            }
            ("removed", _) => {
                format!("{title} no longer has the server `{name}` ({file}).{backup}")
            }
            ("planned", _) => format!("{}\nNothing was written.", self.change()),
            _ if is_interactive() => "Not confirmed. Nothing was written.".to_owned(),
            _ => format!(
                "{}\nNot confirmed: no interactive terminal. Nothing was written. Run the command in a terminal, or pass `--yes`.",
                self.change()
            ),
        }
    }

    /// The file and the lines that change.
    fn change(&self) -> String {
        let new = match self.plan.creates_file() {
            true => " (new file)",
            false => "",
        };
        format!("{}{new}\n{}", self.plan.file.display(), self.plan.diff())
    }
}

fn list(entry: &Entry, surroundings: &Surroundings, output: &Output) -> Result<Exit> {
    let clients = Client::value_variants().iter().map(|client| {
        let state = install::state(*client, entry, surroundings);
        let file = client.file(surroundings).display().to_string();
        (client.name(), file, state)
    });
    let clients: Vec<_> = clients.collect();
    let rows = clients.iter();
    let rows =
        rows.map(|(client, file, state)| json!({ "client": client, "file": file, "state": state }));
    let result = json!({ "entry": entry.name, "clients": rows.collect::<Vec<_>>() });
    output.result(&result, || {
        let lines = clients.iter().map(|(client, file, state)| {
            let state = state.replace('_', " ");
            format!("{client:<15} {state:<14} {file}")
        });
        lines.collect::<Vec<_>>().join("\n")
    })
}

fn home() -> Result<PathBuf> {
    config::home(&process_environment).ok_or_else(|| {
        Error::new(
            Code::NotConfigured,
            "there is no home folder: HOME is not set",
            "Set HOME, or run the command with `--print` and paste the entry yourself.",
        )
    })
}

/// The full path of this program. One on the PATH is preferred to the file that
/// it leads to: a package's update replaces the file and keeps the link.
fn program() -> Result<String> {
    let this = std::env::current_exe().map_err(|error| not_found(&error))?;
    let path = process_environment("PATH").unwrap_or_default();
    let name = this.file_name().unwrap_or_default();
    let on_path = std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_absolute() && is_same(file, &this));
    let chosen = on_path.unwrap_or(this);
    let name = chosen.to_str().map(str::to_owned);
    name.ok_or_else(|| not_unicode("client", &chosen))
}

/// Clients keep texts, and such a path would be another one there.
fn not_unicode(argument: &str, path: &Path) -> Error {
    Error::invalid(
        argument,
        format!("the path {} is not Unicode", path.display()),
        "Nothing was changed. Copy the file to a folder with a plain name, under a plain name.",
    )
}

fn is_same(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

fn not_found(error: &io::Error) -> Error {
    Error::internal(
        format!("the path of this program cannot be found out: {error}"),
        "Nothing was changed. Start the program by its full path.",
    )
}
