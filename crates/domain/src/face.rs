//! Who speaks: a hint names the next step as the person or the model at hand
//! would take it, as a tool or as a command.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::wording::capitalised;

/// A process speaks with one face: it serves tools, or it runs one command.
static IS_COMMAND_LINE: AtomicBool = AtomicBool::new(false);
/// Whether whoever reads gives commands: a person, or a program of theirs.
static IS_COMMANDED: AtomicBool = AtomicBool::new(false);
/// How commands that are named begin, where this process was given options that
/// they need as well.
static PROGRAM: OnceLock<String> = OnceLock::new();

/// Says with which options a command works on the same data as this process,
/// such as `--sandbox` or `--profile acme`.
pub fn work_with(options: &str) {
    let _ = PROGRAM.set(format!("skyswitch {options}"));
}

/// How a command of ours begins that works on the same data as this process.
pub fn program() -> &'static str {
    PROGRAM.get().map_or("skyswitch", String::as_str)
}

/// How this process is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// Through the tools of the MCP server, or as a library.
    Tools,
    /// On the command line.
    CommandLine,
}

impl Face {
    /// Says how this process is used. Until then, it is by its tools.
    pub fn speak(self) {
        IS_COMMAND_LINE.store(self == Face::CommandLine, Ordering::Relaxed);
        IS_COMMANDED.store(self == Face::CommandLine, Ordering::Relaxed);
    }

    /// Names tools in what a command prints for a program, which may use either
    /// face. Nobody is told there what only a model can do.
    pub fn name_tools() {
        IS_COMMAND_LINE.store(false, Ordering::Relaxed);
    }

    /// How this process is used.
    pub fn speaking() -> Face {
        match IS_COMMAND_LINE.load(Ordering::Relaxed) {
            true => Face::CommandLine,
            false => Face::Tools,
        }
    }
}

/// Something to do next. It displays as `add_vip` where tools are used, and as
/// `skyswitch vip add` in backquotes on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Add a VIP caller.
    AddVip,
    /// Attest a setup step.
    AttestStep,
    /// Import a VIP list.
    ImportVips,
    /// List changes.
    ListChanges,
    /// List destinations.
    ListDestinations,
    /// List customers.
    ListDomains,
    /// List the customers' numbers.
    ListNumbers,
    /// List VIP rules.
    ListVips,
    /// Set up a customer.
    Onboard,
    /// Show the setup status of all customers.
    OnboardingStatus,
    /// Remove a VIP caller.
    RemoveVip,
    /// Send a customer's number to a user.
    RouteNumber,
    /// Show a customer's setup.
    SetupChecklist,
    /// Undo a change.
    UndoChange,
}

impl Operation {
    fn tool(self) -> &'static str {
        match self {
            Operation::AddVip => "add_vip",
            Operation::AttestStep => "mark_setup_step",
            Operation::ImportVips => "sync_vips",
            Operation::ListChanges => "list_changes",
            Operation::ListDestinations => "list_destinations",
            Operation::ListDomains => "list_domains",
            Operation::ListNumbers => "list_numbers",
            Operation::ListVips => "list_vips",
            Operation::Onboard => "onboard_domain",
            Operation::OnboardingStatus => "onboarding_status",
            Operation::RemoveVip => "remove_vip",
            Operation::RouteNumber => "route_number",
            Operation::SetupChecklist => "setup_checklist",
            Operation::UndoChange => "undo_change",
        }
    }

    fn command(self) -> &'static str {
        match self {
            Operation::AddVip => "vip add",
            Operation::AttestStep => "checklist mark",
            Operation::ImportVips => "vip import",
            Operation::ListChanges => "changes",
            Operation::ListDestinations => "destinations",
            Operation::ListDomains => "domains",
            Operation::ListNumbers => "numbers",
            Operation::ListVips => "vip list",
            Operation::Onboard => "onboard",
            Operation::OnboardingStatus => "status",
            Operation::RemoveVip => "vip remove",
            Operation::RouteNumber => "route",
            Operation::SetupChecklist => "checklist",
            Operation::UndoChange => "undo",
        }
    }

    /// The same with an argument: `undo_change with change_id 5`, or
    /// `skyswitch undo 5`.
    pub fn with(self, field: &str, value: impl fmt::Display) -> String {
        match (Face::speaking(), self) {
            (Face::Tools, _) => format!("{} with {field} {value}", self.tool()),
            (Face::CommandLine, Operation::UndoChange) if field == "change_id" => {
                format!("`{} undo {value}`", program())
            }
            (Face::CommandLine, _) => {
                let (program, command) = (program(), self.command());
                format!("`{program} {command} --{} {value}`", flag(field))
            }
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Face::speaking() {
            Face::Tools => f.write_str(self.tool()),
            Face::CommandLine => write!(f, "`{} {}`", program(), self.command()),
        }
    }
}

/// What to do where a confirmation no longer applies.
pub fn ask_again() -> &'static str {
    match IS_COMMANDED.load(Ordering::Relaxed) {
        true => "Run the command again to see the new preview and confirm it.",
        false => "Call the tool again without a confirmation, and show the person the new preview.",
    }
}

/// The hint where only the operator can do something, such as "change `protected`
/// and start again".
pub fn operator_can(what: &str) -> String {
    match IS_COMMANDED.load(Ordering::Relaxed) {
        true => format!("{}.", capitalised(what)),
        false => format!("Tell the person; the operator can {what}."),
    }
}

/// An argument of an operation: `dry_run` of a tool, `--dry-run` of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argument(pub &'static str);

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Face::speaking() {
            Face::Tools => write!(f, "`{}`", self.0),
            Face::CommandLine => write!(f, "`--{}`", flag(self.0)),
        }
    }
}

fn flag(field: &str) -> String {
    match field {
        "attested_by" => "by".to_owned(),
        _ => field.trim_end_matches("_id").replace('_', "-"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_names_tools_until_a_command_speaks() {
        assert_eq!(Operation::ListVips.to_string(), "list_vips");
        assert_eq!(
            Operation::UndoChange.with("change_id", 5),
            "undo_change with change_id 5"
        );
        assert_eq!(Argument("dry_run").to_string(), "`dry_run`");
        assert_eq!(flag("run_id"), "run");
        assert_eq!(flag("attested_by"), "by");
        assert_eq!(flag("allow_large_removal"), "allow-large-removal");
    }
}
