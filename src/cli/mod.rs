//! The command line: the same operations for people and scripts.

mod approve;
mod ask;
mod changes;
mod command;
mod config;
mod demo;
mod doctor;
mod examples;
mod exit;
mod install;
mod layout;
mod lists;
mod login;
mod login_questions;
mod logs;
#[cfg(feature = "otlp")]
mod otlp;
mod output;
mod packaging;
mod pin;
mod private_file;
mod progress;
mod sandbox;
mod setup;
mod setup_tables;
mod short_forms;
mod state;
mod tables;
mod watch;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

use crate::app::App;
use crate::config::{Flags, Settings, process_environment};
use crate::mcp::{Server, ToolSet, serve_stdio};
use crate::ops::{self, PageSize};
use crate::sentences;
use crate::spans::{self, Ended};
use ask::Person;
use command::{AuthAction, Cli, Command, Global, McpArgs, OnAccount, TokenArgs, Vip};
use exit::Exit;
use layout::Format;
use output::Output;
use sandbox::{InProcess, SandboxData};
use skyswitch_client::{Allowance, Trace};
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::{Face, commands_begin, program};

/// Runs one command and says how it ended.
///
/// Not generic on purpose: a generic one, and with it every operation, would be
/// compiled once more for the binary.
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    Face::CommandLine.speak();
    let cli = match short_forms::parse(&arguments) {
        Ok(cli) => cli,
        Err(refusal) => return exit::usage(&refusal, &arguments),
    };
    if cli.global.json {
        // One JSON document for both faces: a program that reads it may use either.
        Face::name_tools();
    }
    commands_begin(cli.global.program());
    // A client may read none of a server's log, and the server goes on.
    let unread = matches!(cli.command, Command::Mcp(_));
    let logs = logs::start(cli.global.verbose, cli.global.log_format, unread);
    let json = cli.global.json.then_some(Format::Json);
    let output = Output::new(json.or(cli.global.format), cli.global.colour);
    // One thread: most of the time a call takes is hand-overs between threads.
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            let error = Error::internal(
                format!("the runtime cannot be started: {error}"),
                "Check the system's limits on threads and open files.",
            );
            return output.failure(&error).into();
        }
    };
    let exit = runtime.block_on(measured(&arguments, cli, &output));
    // A read of the terminal or of stdin may still be pending; nothing waits for it.
    runtime.shutdown_background();
    let code = exit.unwrap_or_else(|error| output.failure(&error)).into();
    logs.finish();
    code
}

/// Runs a command in a span of its own, unless it is one that serves others.
async fn measured(arguments: &[OsString], cli: Cli, output: &Output) -> Result<Exit> {
    if !matches!(cli.command, Command::OnAccount(_) | Command::Doctor(_)) {
        return dispatch(cli, output).await;
    }
    let asked = Trace::of(process_environment("TRACEPARENT").as_deref());
    let part = asked.part();
    let span = spans::of_call(&command::words(arguments), asked, part);
    let allowance = Allowance::unbounded().traced(part);
    let work = Allowance::within(Some(allowance.clone()), dispatch(cli, output));
    spans::measured(span, &allowance, work, |exit| Ended {
        outcome: match exit {
            Ok(_) => "ok".to_owned(),
            Err(error) => error.code().as_str().to_owned(),
        },
        rows: None,
    })
    .await
}

async fn dispatch(cli: Cli, output: &Output) -> Result<Exit> {
    let Cli { global, command } = cli;
    if global.format == Some(Format::Csv) {
        command.refuse_csv()?;
    }
    match command {
        Command::Mcp(args) => serve(&global, args).await,
        Command::OnAccount(command) => {
            let settings = Settings::of_process(&global.flags())?;
            let (app, _sandbox) = with_upstream(settings, global.sandbox).await?;
            let commanded = ask::commanded(&app, output);
            let exit = on_account(&commanded, command, output).await;
            app.settled().await;
            exit
        }
        Command::Login(args) => login::login(&global, args, output).await,
        Command::Logout { all } => login::logout(&global, all, output).await,
        Command::Auth(AuthAction::Status) => config::status(&global, output).await,
        Command::Config(action) => config::config(&global, action, output),
        Command::Profiles => config::profiles(&global, output),
        Command::Doctor(args) => doctor::doctor(&global, args, output).await,
        Command::Install(args) => install::install(&global, &args, output),
        Command::Completions { shell } => packaging::completions(shell, output),
        Command::Man { dir } => packaging::manual(&dir, output),
        Command::Demo => match demo::converse(output).await {
            Ok(exit) => Ok(exit),
            Err(error) => Err(Error::internal(
                format!("the demo conversation broke off: {error:#}"),
                "Run it again with `SKYSWITCH_LOG=debug` to see the server's log.",
            )),
        },
        Command::Sandbox {
            list_habits: true, ..
        } => {
            let habits = sandbox::habits();
            output.list(&habits, || tables::habits(&habits))
        }
        Command::Sandbox {
            port,
            dial_plan,
            habits,
            list_habits: false,
        } => sandbox::run(port, dial_plan, &habits, output).await,
    }
}

async fn on_account(app: &App, command: OnAccount, output: &Output) -> Result<Exit> {
    match command {
        OnAccount::Approve { code } => approve::approve(app, code.as_deref(), output).await,
        OnAccount::Vip(vip) => self::vip(app, vip, output).await,
        OnAccount::Domains(args) => {
            let list = ops::list_domains(app, &args, PageSize::All).await?;
            output.list(&list, || tables::domains(&list))
        }
        OnAccount::Explain(args) => {
            let call = ops::explain_call(app, &args).await?;
            output.result(&call, || sentences::explained(&call, &app.names(None)))
        }
        OnAccount::Changes(args) => changes::changes(app, args, output).await,
        OnAccount::Undo(args) => lists::undo(app, args, output).await,
        OnAccount::Checklist(args) => setup::checklist(app, args, output).await,
        OnAccount::Ticket(args) => setup::ticket(app, &args, output).await,
        OnAccount::Onboard(args) => setup::onboard(app, args, output).await,
        OnAccount::Route(args) => setup::route(app, &args, output).await,
        OnAccount::Status(args) => match args.watch {
            None => setup::status(app, &args.query, output).await,
            Some(seconds) => watch::status(app, &args.query, seconds, output).await,
        },
        OnAccount::Destinations(args) => {
            let list = ops::list_destinations(app, &args, PageSize::All).await?;
            output.list(&list, || setup_tables::destinations(&list))
        }
        OnAccount::Numbers(args) => {
            let size = args
                .limit
                .map_or(Ok(PageSize::All), |limit| PageSize::from_limit(Some(limit)))?;
            let list = ops::list_numbers(app, &args, size).await?;
            output.list(&list, || setup_tables::numbers(&list))
        }
        OnAccount::Token(args) => token(app, args, output).await,
        OnAccount::State(action) => state::state(app, action, output).await,
        OnAccount::Pin(action) => pin::pin(app, &action, output).await,
    }
}

async fn vip(app: &App, vip: Vip, output: &Output) -> Result<Exit> {
    match vip {
        Vip::List(args) => {
            let list = ops::list_vips(app, &args, PageSize::All).await?;
            let domains = list.vips.iter().map(|vip| vip.domain.as_str());
            app.read_names_of(domains).await;
            let names = app.names(None);
            output.list(&list, || tables::vips(&list, &args, &names))
        }
        Vip::Add(args) => {
            let person = Person::new(app, args.yes)?;
            let app = &app.asked_by("skyswitch vip add (command line)");
            let added = ops::add_vip(app, &args.args, &person.channel()).await?;
            person.settle(
                added,
                output,
                |added| sentences::added(added, &app.names(None)),
                |added| Exit::of_agreement(&added.status),
            )
        }
        Vip::Remove(args) => {
            let person = Person::new(app, args.yes)?;
            let app = &app.asked_by("skyswitch vip remove (command line)");
            let removed = ops::remove_vip(app, &args.args, &person.channel()).await?;
            person.settle(
                removed,
                output,
                |removed| sentences::removed(removed, &app.names(None)),
                |removed| Exit::of_agreement(&removed.status),
            )
        }
        Vip::Clear(args) => lists::clear(app, args, output).await,
        Vip::Move(args) => lists::r#move(app, args, output).await,
        Vip::Import(args) => lists::import(app, *args, output).await,
        Vip::Export(args) => lists::export(app, args, output).await,
    }
}

async fn token(app: &App, args: TokenArgs, output: &Output) -> Result<Exit> {
    let report = ops::token(app, args.refresh).await?;
    if args.quiet {
        let token = report.access_token.expose();
        return output.as_it_is(&serde_json::json!({ "access_token": token }), token);
    }
    output.result(&report, || tables::token(&report))
}

/// For whoever starts the server by hand.
fn about_server() -> String {
    let program = program();
    format!(
        "\
This is the MCP server of skyswitch. It talks JSON-RPC on standard input and output with an MCP client, which starts it \
by itself.
To connect Claude Code: `claude mcp add skyswitch -- {program} mcp`. For other clients, copy `mcp.json` of the \
repository; docs/guides/clients.md says where to.
To see what it does: `skyswitch demo`. It serves now, until Ctrl-C or Ctrl-D."
    )
}

async fn serve(global: &Global, args: McpArgs) -> Result<Exit> {
    Face::Tools.speak();
    if std::io::stdin().is_terminal() {
        output::tell(&about_server());
    }
    let flags = Flags {
        confirm: args.confirm,
        read_only: args.read_only,
        ..global.flags()
    };
    let settings = Settings::of_process(&flags);
    let read_only = settings.as_ref().map_or(args.read_only, |s| s.read_only);
    let confirm = settings.as_ref().map(|s| s.confirm).unwrap_or_default();
    let (app, _sandbox) = match settings {
        Ok(settings) => {
            let (app, sandbox) = with_upstream(settings, global.sandbox).await?;
            app.offer_approval_page();
            (Ok(Arc::new(app)), sandbox)
        }
        Err(error) => {
            tracing::warn!(%error, "the settings cannot be used; every request will report it");
            (Err(error), None)
        }
    };
    let server = Server::new(app, ToolSet::new(args.tools, read_only, confirm));
    let server = match global.sandbox {
        Some(_) => server,
        None => server.reloading(Box::new(move || {
            let app = App::new(Settings::of_process(&flags)?);
            app.offer_approval_page();
            Ok(app)
        })),
    };
    serve_stdio(server).await?;
    Ok(Exit::Done)
}

/// The operations on the configured upstream, or on a sandbox that lives as
/// long as the second value.
async fn with_upstream(
    settings: Settings,
    sandbox: Option<SandboxData>,
) -> Result<(App, Option<InProcess>)> {
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    let Some(data) = sandbox else {
        return Ok((App::new(settings), None));
    };
    let (settings, sandbox) = sandbox::in_process(settings, data).await?;
    Ok((App::new(settings), Some(sandbox)))
}
