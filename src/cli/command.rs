//! The tree of commands and flags.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};

use crate::config::{ConfirmMode, Flags};
use crate::mcp::ToolName;
use crate::ops;
use skyswitch_domain::{AccountId, CustomerKey, Destination, Since};
use skyswitch_sandbox::{HABITS, Habit};

/// Manage SkySwitch phone systems safely: VIP callers (route-by-ANI) for people, scripts and AI agents
#[derive(Debug, Parser)]
#[command(name = "skyswitch", version, propagate_version = true)]
#[command(
    after_help = "Exit codes: 0 done, 1 failed, 2 usage, 3 not confirmed or blocked (nothing was changed), \
                        4 configuration or credentials missing or refused, \
                        5 status shows an alarm, 6 status could not tell of every customer."
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Args)]
pub(super) struct Global {
    /// SkySwitch account id (UUID); overrides the configured default
    #[arg(short, long, global = true, value_name = "ID")]
    pub account: Option<AccountId>,
    /// Print one JSON document; errors go to stderr as JSON
    #[arg(short, long, global = true)]
    pub json: bool,
    /// Use the embedded sandbox instead of the real service; needs no account
    #[arg(long, global = true)]
    pub sandbox: bool,
    /// Config file to read instead of ~/.config/skyswitch/config.json
    #[arg(long, global = true, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// Log more to stderr; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

impl Global {
    pub fn flags(&self) -> Flags {
        Flags {
            config: self.config.clone(),
            account: self.account.clone(),
            ..Flags::default()
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Serve the Model Context Protocol on stdin and stdout
    Mcp(McpArgs),
    #[command(flatten)]
    OnAccount(OnAccount),
    /// Check configuration, login, VIP rules and state folder; or find out how the service behaves
    ///
    /// Without options it checks, in this order: the config file, credentials, login, scopes, account, domains, whether
    /// the VIP rules of a customer can be read, numbers, the PBX API, what a write probe has learned, and the state
    /// folder. It changes nothing, and fails (exit code 1 or 4) where a check fails.
    Doctor(DoctorArgs),
    /// Show a sample conversation with the MCP server, against the sandbox
    Demo,
    /// Run the sandbox API alone on 127.0.0.1
    Sandbox {
        /// Port to listen on; 0 for any free one
        #[arg(long, default_value_t = 0)]
        port: u16,
        /// What the PBX login may do with dial plans
        #[arg(long, value_enum, default_value = "write", value_name = "ACCESS")]
        dial_plan: DialPlan,
        /// How the service answers where its documents are silent: names from `--list-habits`, separated by commas
        #[arg(long, value_delimiter = ',', value_name = "LIST", value_parser = habit(), hide_possible_values = true)]
        habits: Vec<Habit>,
        /// List the habits and what each one means, and end
        #[arg(long)]
        list_habits: bool,
    },
}

/// What works with an account of the service.
#[derive(Debug, Subcommand)]
pub(super) enum OnAccount {
    /// Approve a pending change at this terminal; without CODE, list the pending changes
    Approve {
        /// Code of the change, such as K7QM-3XPD
        code: Option<String>,
    },
    /// List, add, remove, import and export VIP callers
    #[command(subcommand)]
    Vip(Vip),
    /// List the account's customers (PBX domains)
    Domains(ops::ListDomains),
    /// Explain where a call goes, and why
    Explain(ops::ExplainCall),
    /// List the changes made from this installation, newest first
    Changes(ChangesArgs),
    /// Restore a VIP rule or a number's routing as it was before one change
    Undo(Asking<ops::UndoChange>),
    /// Show the setup steps of a customer, with the support ticket to send
    Checklist(ChecklistArgs),
    /// Set up a customer for VIP calling, step by step, in the safe order
    Onboard(Asking<ops::OnboardDomain>),
    /// Send a customer's number to one of the customer's users, queues or attendants
    Route(Asking<ops::RouteNumber>),
    /// Show the setup status of all customers, alarms first
    Status(ops::StatusQuery),
    /// List the numbers of a customer, or of all, and where each sends its calls
    Numbers(ops::ListNumbers),
    /// List where the calls of a customer can go: people, queues, attendants and devices
    Destinations(ops::ListDestinations),
    /// Log in, and show the token's user, scopes and expiry
    Token(TokenArgs),
    /// Check or back up the journal in the state folder, or remove old changes from it
    #[command(subcommand)]
    State(StateAction),
    /// Set or remove the PIN that a person types besides the value to agree
    #[command(subcommand)]
    Pin(PinAction),
}

#[derive(Debug, Subcommand)]
pub(super) enum PinAction {
    /// Set the PIN, or another one in its place, at an interactive terminal
    ///
    /// From then on whoever agrees to a change types it besides the value: on the approval page, at the terminal and in the
    /// client's form. No flag and no token agrees any more. It is kept as an Argon2id hash in the state folder.
    Set,
    /// Remove the PIN, at an interactive terminal
    Remove,
    /// Say whether a PIN is set
    Status,
}

#[derive(Debug, Subcommand)]
pub(super) enum StateAction {
    /// Remove closed changes to VIP rules that are older than an age
    ///
    /// They are not listed any more and cannot be undone. Open changes, those of the last 30 days and those to customers'
    /// setups are kept.
    Prune {
        /// The age, or a day, e.g. `400d`, `2026-01-01`
        #[arg(long, value_name = "AGE")]
        older_than: Since,
    },
    /// Check the state folder, and look through the whole journal
    Check,
    /// Copy the journal, with attestations and imports, to a new private file
    Backup {
        /// A file that does not exist yet
        file: PathBuf,
    },
}

/// What the sandbox's PBX login may do with dial plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum DialPlan {
    /// Neither read nor write: a person attests the dial translation rule
    Closed,
    /// Read: the rule is verified
    Read,
    /// Read and write: the rule can be created, too, where the settings allow it
    Write,
}

#[derive(Debug, Args)]
pub(super) struct McpArgs {
    /// Offer no tool that changes anything
    #[arg(long)]
    pub read_only: bool,
    /// How a person confirms changes [default: human]
    #[arg(long, value_name = "MODE", value_parser = confirm_mode())]
    pub confirm: Option<ConfirmMode>,
    /// Offer only these tools, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "LIST")]
    pub tools: Option<Vec<ToolName>>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Vip {
    /// List VIP callers
    List(ops::ListVips),
    /// Add a VIP caller, or change the destination of one
    Add(Asking<ops::AddVip>),
    /// Remove a VIP caller
    Remove(Asking<ops::RemoveVip>),
    /// Import a VIP list from a CSV, JSON or vCard file
    Import(Box<Asking<ImportArgs>>),
    /// Export a customer's VIP list in the form that `import` reads
    Export(ExportArgs),
}

/// An operation that may have to ask first.
#[derive(Debug, Args)]
pub(super) struct Asking<T: Args> {
    #[command(flatten)]
    pub args: T,
    /// Make the change without asking
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// The list: CSV with the header `ani,destination,application,dnis,note`, JSON, or a vCard export; `-` for standard input
    #[arg(required_unless_present_any = ["resume", "from_domain", "plan"])]
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub sync: ops::SyncVips,
}

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// The customer: PBX domain, a short form of it, or description
    #[arg(long, short)]
    pub domain: CustomerKey,
    /// Format of the list
    #[arg(long, value_enum, default_value = "csv")]
    pub format: ExportFormat,
    /// File to write, instead of standard output
    #[arg(long, short)]
    pub output: Option<PathBuf>,
}

/// Forms a list can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum ExportFormat {
    Csv,
    Json,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct ChecklistArgs {
    #[command(subcommand)]
    pub action: Option<ChecklistAction>,
    #[command(flatten)]
    pub show: Option<ops::SetupChecklist>,
}

#[derive(Debug, Subcommand)]
pub(super) enum ChecklistAction {
    /// Attest a setup step that no API can verify, at an interactive terminal; or withdraw it
    Mark(ops::MarkSetupStep),
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct ChangesArgs {
    #[command(subcommand)]
    pub action: Option<ChangesAction>,
    #[command(flatten)]
    pub list: ops::ListChanges,
}

#[derive(Debug, Subcommand)]
pub(super) enum ChangesAction {
    /// Say what became of an open change where the service cannot tell any more, at an interactive terminal
    Close(ops::CloseChange),
}

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Write the forms of the service's answers to a new private file, to be reported
    ///
    /// At most 24 requests, which only read: the token, customers, VIP rules with and without a customer, users, numbers,
    /// the routing of one number, and in the PBX API the domain, its dial plans and the Route by ANI user. The file holds
    /// the keys of each answer as they are and its values as classes (`1NNNNNNNNNN`, `user:NNN`), with statuses, content
    /// types and headers about limits and pages: no name, number or secret. It is sent nowhere.
    #[arg(long, value_name = "FILE", group = "purpose")]
    pub sample: Option<PathBuf>,
    /// Try how VIP rules are stored and removed, with two rules of a caller that nobody has; asks first
    ///
    /// About ten requests: it creates two rules of a number kept for fiction (202-555-01xx), reads them back, removes them
    /// and reads again. A person types a value at the terminal first. What it learns is kept for this service and used from
    /// then on; `skyswitch doctor` shows it.
    #[arg(long, group = "purpose", requires_all = ["domain", "destination"])]
    pub write_probe: bool,
    /// The customer to ask about: PBX domain, short name or description; `--sample` takes the first with VIP rules where it is left out, `--write-probe` needs it
    #[arg(long, short, requires = "purpose")]
    pub domain: Option<CustomerKey>,
    /// Where the rules of the write probe send their calls, e.g. `101`
    #[arg(long, requires = "write_probe")]
    pub destination: Option<Destination>,
}

#[derive(Debug, Args)]
pub(super) struct TokenArgs {
    /// Get a new token even if the present one is still valid
    #[arg(long, short)]
    pub refresh: bool,
    /// Print the access token and nothing else
    #[arg(long, short)]
    pub quiet: bool,
}

/// Reads the name of a habit; a wrong one is answered with the nearest.
fn habit() -> impl TypedValueParser<Value = Habit> {
    let names = HABITS.map(|habit| PossibleValue::new(habit.name).help(habit.about));
    PossibleValuesParser::new(names).try_map(|name| Habit::named(&name).ok_or("no such habit"))
}

/// The modes with what each means; the guard itself knows no command line.
fn confirm_mode() -> impl TypedValueParser<Value = ConfirmMode> {
    let modes = ConfirmMode::WORDS.map(|(word, mode)| PossibleValue::new(word).help(meaning(mode)));
    PossibleValuesParser::new(modes).try_map(|word| word.parse::<ConfirmMode>())
}

fn meaning(mode: ConfirmMode) -> &'static str {
    match mode {
        ConfirmMode::Human => {
            "A person types the value: in the client's form, or with `skyswitch approve`"
        }
        ConfirmMode::Token => {
            "Weaker, for unattended work: a client without forms gets a token to send back"
        }
        ConfirmMode::Block => "Nothing destructive is done",
    }
}
