//! The arguments and actions of the single commands.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};

use crate::config::{ConfirmMode, Store};
use crate::mcp::ToolName;
use crate::ops;
use skyswitch_domain::{CustomerKey, Destination, DestinationKey, Since};
use skyswitch_sandbox::{HABITS, Habit};

#[derive(Debug, Args)]
pub(in crate::cli) struct LoginArgs {
    /// Read the values from the standard input, as one JSON object with the fields of the config file
    #[arg(long)]
    pub from_stdin: bool,
    /// Where secrets are stored: `auto` takes the keychain where there is one
    #[arg(long, value_name = "PLACE", default_value = "auto", value_parser = store())]
    pub store: Store,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum AuthAction {
    /// Show each value of the login with its origin, never a secret; exit code 4 where one is missing
    Status,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ConfigAction {
    /// List all settings, with their values and where they come from
    List,
    /// Print the value of one setting
    Get {
        /// Its field in the config file, e.g. `default_account_id`
        name: String,
    },
    /// Set one setting in the config file; secrets are not taken (see `skyswitch login`)
    Set {
        /// Its field in the config file, e.g. `read_only`
        name: String,
        /// The value; lists with commas
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Take one setting out of the config file
    Unset {
        /// Its field in the config file
        name: String,
    },
    /// Print the path of the config file
    Path,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum StateAction {
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
    /// Copy the journal, with attestations, imports, notes and tickets, to a new private file
    Backup {
        /// A file that does not exist yet
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum PinAction {
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

/// What the sandbox's PBX login may do with dial plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum DialPlan {
    /// Neither read nor write: a person attests the dial translation rule
    Closed,
    /// Read: the rule is verified
    Read,
    /// Read and write: the rule can be created, too, where the settings allow it
    Write,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct McpArgs {
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
pub(in crate::cli) enum Vip {
    /// List VIP callers
    #[command(visible_alias = "ls")]
    List(ops::ListVips),
    /// Add a VIP caller, or change the destination of one
    Add(Asking<ops::AddVip>),
    /// Remove a VIP caller
    #[command(visible_alias = "rm")]
    Remove(Asking<ops::RemoveVip>),
    /// Take everybody off a customer's VIP list
    Clear(Asking<ClearArgs>),
    /// Send the callers of one destination to another
    Move(Asking<MoveArgs>),
    /// Import a VIP list from a CSV, JSON or vCard file
    Import(Box<Asking<ImportArgs>>),
    /// Export a customer's VIP list in the form that `import` reads
    Export(ExportArgs),
}

/// An operation that may have to ask first.
#[derive(Debug, Args)]
pub(in crate::cli) struct Asking<T: Args> {
    #[command(flatten)]
    pub args: T,
    /// Make the change without asking
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ImportArgs {
    /// The list: CSV with the header `ani,destination,application,dnis,note`, JSON, or a vCard export; `-` for standard input
    #[arg(required_unless_present_any = ["resume", "from_domain", "plan"])]
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub sync: ops::SyncVips,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct StatusArgs {
    #[command(flatten)]
    pub query: ops::StatusQuery,
    /// Look again every so many seconds, 60 where none are given; in a pipe, print only what has changed
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        default_missing_value = "60",
        value_parser = clap::value_parser!(u64).range(1..=86_400)
    )]
    pub watch: Option<u64>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ClearArgs {
    /// The customer: PBX domain, short name or description
    #[arg(long, short)]
    pub domain: CustomerKey,
    /// Show the plan without applying it
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct MoveArgs {
    /// The customer: PBX domain, short name or description
    #[arg(long, short)]
    pub domain: CustomerKey,
    /// Where the calls go today, e.g. `101`, `Maya Lindgren`
    #[arg(long, value_name = "DESTINATION")]
    pub from: DestinationKey,
    /// Where they are to go, e.g. `102`, `Oscar`
    #[arg(long, value_name = "DESTINATION")]
    pub to: DestinationKey,
    /// Show the plan without applying it
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ExportArgs {
    /// The customer: PBX domain, a short form of it, or description
    #[arg(long, short, required_unless_present = "before")]
    pub domain: Option<CustomerKey>,
    /// The list as it was right before this import, as kept on this machine, e.g. `r-7f3a9c21d0b4`
    #[arg(long, value_name = "RUN", conflicts_with = "domain")]
    pub before: Option<String>,
    /// Format of the list
    #[arg(long, value_enum, default_value = "csv")]
    pub format: ExportFormat,
    /// File to write, instead of standard output; readable for its owner alone
    #[arg(long, short)]
    pub output: Option<PathBuf>,
    /// Replace the file where it exists
    #[arg(long, requires = "output")]
    pub force: bool,
}

/// Forms a list can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum ExportFormat {
    Csv,
    Json,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(in crate::cli) struct ChecklistArgs {
    #[command(subcommand)]
    pub action: Option<ChecklistAction>,
    #[command(flatten)]
    pub show: Option<ops::SetupChecklist>,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ChecklistAction {
    /// Attest a setup step that no API can verify, at an interactive terminal; or withdraw it
    Mark(ops::MarkSetupStep),
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(in crate::cli) struct ChangesArgs {
    #[command(subcommand)]
    pub action: Option<ChangesAction>,
    #[command(flatten)]
    pub list: ops::ListChanges,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ChangesAction {
    /// Say what became of an open change where the service cannot tell any more, at an interactive terminal
    Close(ops::CloseChange),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct DoctorArgs {
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
pub(in crate::cli) struct TokenArgs {
    /// Get a new token even if the present one is still valid
    #[arg(long, short)]
    pub refresh: bool,
    /// Print the access token and nothing else
    #[arg(long, short)]
    pub quiet: bool,
}

/// Reads the name of a habit; a wrong one is answered with the nearest.
pub(super) fn habit() -> impl TypedValueParser<Value = Habit> {
    let names = HABITS.map(|habit| PossibleValue::new(habit.name).help(habit.about));
    PossibleValuesParser::new(names).try_map(|name| Habit::named(&name).ok_or("no such habit"))
}

/// The places for secrets; the settings know no command line.
fn store() -> impl TypedValueParser<Value = Store> {
    PossibleValuesParser::new(["auto", "keychain", "file"]).map(|word| match word.as_str() {
        "keychain" => Store::Keychain,
        "file" => Store::File,
        _ => Store::Automatic,
    })
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
