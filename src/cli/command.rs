//! The tree of commands and flags.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{ArgMatches, Args, Parser, Subcommand};

use super::install::InstallArgs;
use super::layout::Format;
use super::logs::LogFormat;
use super::output::Colour;
use super::packaging::VERSION;
use super::sandbox::SandboxData;
use crate::config::{ConfirmMode, Flags, ProfileName, Store};
use crate::mcp::ToolName;
use crate::ops;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::{AccountId, CustomerKey, Destination, Since};
use skyswitch_sandbox::{HABITS, Habit};

/// Manage SkySwitch phone systems safely: VIP callers (route-by-ANI) for people, scripts and AI agents
#[derive(Debug, Parser)]
#[command(name = "skyswitch", version, long_version = VERSION, propagate_version = true)]
pub(super) struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct Global {
    /// SkySwitch account id (UUID); overrides the configured default
    #[arg(short, long, global = true, value_name = "ID")]
    pub account: Option<AccountId>,
    /// Print one JSON document; errors go to stderr as JSON
    #[arg(short, long, global = true)]
    pub json: bool,
    /// Use the embedded sandbox instead of the real service; needs no account. Its data last; `=fresh` starts over
    #[arg(
        long,
        global = true,
        value_name = "DATA",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "kept",
        hide_possible_values = true
    )]
    pub sandbox: Option<SandboxData>,
    /// Config file to read instead of ~/.config/skyswitch/config.json
    #[arg(long, global = true, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// Colours: auto, always or never
    #[arg(
        long = "color",
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub colour: Colour,
    /// Profile to use; `skyswitch profiles` lists them
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "config")]
    pub profile: Option<ProfileName>,
    /// Log more to stderr; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// How the result is printed; see `short_forms.rs` for the flag
    #[arg(skip)]
    pub format: Option<Format>,
    /// How the lines of the log are written
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "text",
        value_name = "FORMAT"
    )]
    pub log_format: LogFormat,
}

impl Global {
    pub fn flags(&self) -> Flags {
        Flags {
            config: self.config.clone(),
            profile: self.profile.clone(),
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
    /// Sign in: ask for the SkySwitch login, verify it, and store it
    ///
    /// Asks at a terminal, with hidden input for secrets, and tries the login before anything is stored. Secrets go into the
    /// keychain where there is one, else into the config file, which is readable for its owner alone.
    Login(LoginArgs),
    /// Forget the tokens of all logins
    Logout {
        /// Also remove the stored secrets of this config file or profile
        #[arg(long)]
        all: bool,
    },
    /// Show what the login is made of, and where each value comes from
    #[command(subcommand)]
    Auth(AuthAction),
    /// Show and change settings in the config file
    #[command(subcommand)]
    Config(ConfigAction),
    /// List the profiles, and which one is in use
    Profiles,
    /// Check configuration, login, VIP rules and state folder; or find out how the service behaves
    ///
    /// Without options it checks, in this order: the config file, credentials, login, scopes, account, domains, whether
    /// the VIP rules of a customer can be read, numbers, the PBX API, what a write probe has learned, and the state
    /// folder. It changes nothing, and fails (exit code 1 or 4) where a check fails.
    Doctor(DoctorArgs),
    /// Add this program to an MCP client's settings, or take it out again
    ///
    /// It shows what changes in the client's file, asks, and writes the file in one step; the file as it was is kept beside
    /// it. Only the entry `skyswitch` is touched (with `--sandbox`: `skyswitch-sandbox`). Nothing from the settings or
    /// variables of this program is copied into it, so no credentials get there.
    Install(InstallArgs),
    /// Show a sample conversation with the MCP server, against the sandbox
    Demo,
    /// Print the completion script of a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Write a manual page of each command into a folder
    Man {
        /// The folder; it is created where it does not exist
        dir: PathBuf,
    },
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
    /// Restore a VIP rule or a number's routing as it was before one change, or the rules as they were before an import
    Undo(Asking<ops::Undo>),
    /// Show the setup steps of a customer, with the support ticket to send
    Checklist(ChecklistArgs),
    /// Show the support ticket that asks SkySwitch for the dial translation rule, or record that you have sent it
    Ticket(ops::TicketArgs),
    /// Set up a customer for VIP calling, step by step, in the safe order
    Onboard(Asking<ops::OnboardDomain>),
    /// Send a customer's number to one of the customer's users, queues or attendants
    Route(Asking<ops::RouteNumber>),
    /// Show the setup status of all customers, alarms first
    Status(StatusArgs),
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

impl Command {
    /// Refuses to write as CSV what is not one list of rows.
    ///
    /// # Errors
    /// `invalid_argument` where it is none, or one after another.
    pub fn refuse_csv(&self) -> Result<()> {
        let watches =
            matches!(self, Command::OnAccount(OnAccount::Status(args)) if args.watch.is_some());
        let why = match self.is_list() {
            true if watches => "`--watch` prints one list after another, which is no CSV",
            true => return Ok(()),
            false => "this command prints no list, so there is nothing to write as CSV",
        };
        let hint = "Give `--format table`, `plain` or `json`.";
        Err(Error::invalid("format", why, hint))
    }

    /// Whether it prints rows, which can be written as CSV.
    fn is_list(&self) -> bool {
        match self {
            Command::Sandbox { list_habits, .. } => *list_habits,
            Command::OnAccount(command) => match command {
                OnAccount::Approve { code } => code.is_none(),
                OnAccount::Vip(vip) => matches!(vip, Vip::List(_)),
                OnAccount::Changes(args) => args.action.is_none(),
                OnAccount::Domains(_)
                | OnAccount::Status(_)
                | OnAccount::Numbers(_)
                | OnAccount::Destinations(_) => true,
                _ => false,
            },
            _ => false,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct LoginArgs {
    /// Read the values from the standard input, as one JSON object with the fields of the config file
    #[arg(long)]
    pub from_stdin: bool,
    /// Where secrets are stored: `auto` takes the keychain where there is one
    #[arg(long, value_name = "PLACE", default_value = "auto", value_parser = store())]
    pub store: Store,
}

#[derive(Debug, Subcommand)]
pub(super) enum AuthAction {
    /// Show each value of the login with its origin, never a secret; exit code 4 where one is missing
    Status,
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigAction {
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
    /// Copy the journal, with attestations, imports, notes and tickets, to a new private file
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
pub(super) struct StatusArgs {
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
pub(super) struct ClearArgs {
    /// The customer: PBX domain, short name or description
    #[arg(long, short)]
    pub domain: CustomerKey,
    /// Show the plan without applying it
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub(super) struct MoveArgs {
    /// The customer: PBX domain, short name or description
    #[arg(long, short)]
    pub domain: CustomerKey,
    /// Where the calls go today, e.g. `101`
    #[arg(long, value_name = "DESTINATION")]
    pub from: Destination,
    /// Where they are to go, e.g. `102`
    #[arg(long, value_name = "DESTINATION")]
    pub to: Destination,
    /// Show the plan without applying it
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
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

/// The words that name a command among its arguments, such as `vip add`.
pub(super) fn words(arguments: &[OsString]) -> String {
    let mut words = Vec::new();
    let command = super::short_forms::command(arguments);
    let mut matches = command.try_get_matches_from(arguments).ok();
    while let Some((word, of_word)) = matches.as_mut().and_then(ArgMatches::remove_subcommand) {
        words.push(word);
        matches = Some(of_word);
    }
    words.join(" ")
}
