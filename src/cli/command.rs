//! The tree of commands and flags.

mod arguments;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{ArgMatches, Args, Parser, Subcommand};

pub(super) use arguments::*;

use super::install::InstallArgs;
use super::layout::Format;
use super::logs::LogFormat;
use super::output::Colour;
use super::packaging::VERSION;
use super::sandbox::SandboxData;
use crate::config::{Flags, ProfileName, process_environment};
use crate::ops;
use skyswitch_domain::AccountId;
use skyswitch_domain::error::{Error, Result};
use skyswitch_sandbox::Habit;

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
    /// Use the embedded sandbox instead of the real service; needs no account. Its data are kept for later commands; `=fresh` replaces them with those it is shipped with
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
    /// How another command begins that works on the same data with the same settings.
    pub fn program(&self) -> String {
        let exported = || process_environment("SKYSWITCH_PROFILE")?.parse().ok();
        let profile: Option<ProfileName> = match self.config {
            Some(_) => None,
            None => self.profile.clone().or_else(exported),
        };
        let config = self.config.as_deref().map(Path::to_string_lossy);
        let account = self.account.as_ref().map(AccountId::as_str);
        let mut words = vec!["skyswitch"];
        // Its data are not begun anew by the next command.
        words.extend(self.sandbox.is_some().then_some("--sandbox"));
        words.extend(profile.iter().flat_map(|name| ["--profile", name.as_str()]));
        words.extend(config.iter().flat_map(|file| ["--config", file]));
        words.extend(account.iter().flat_map(|id| ["--account", id]));
        shell_words::join(words)
    }

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
                // The list that is exported has a format of its own.
                OnAccount::Vip(vip) => matches!(vip, Vip::List(_) | Vip::Export(_)),
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
