//! The command line: the same operations for people and scripts.

mod approve;
mod ask;
mod changes;
mod command;
mod demo;
mod doctor;
mod exit;
mod lists;
mod logs;
mod output;
mod pin;
mod progress;
mod sandbox;
mod setup;
mod setup_tables;
mod state;
mod tables;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;

use crate::app::App;
use crate::config::{Flags, Settings};
use crate::mcp::{Server, ToolSet, serve_stdio};
use crate::ops::{self, PageSize};
use crate::sentences;
use ask::Person;
use command::{Cli, Command, Global, McpArgs, OnAccount, TokenArgs, Vip};
use exit::Exit;
use output::Output;
use skyswitch_domain::Face;
use skyswitch_domain::error::{Error, Result};
use skyswitch_sandbox::Sandbox;

/// Runs one command and says how it ended.
///
/// Not generic on purpose: a generic one, and with it every operation, would be
/// compiled once more for the binary.
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    Face::CommandLine.speak();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(refusal) => return exit::usage(&refusal, &arguments),
    };
    if cli.global.json {
        // One JSON document for both faces: a program that reads it may use either.
        Face::Tools.speak();
    }
    // A client may read none of a server's log, and the server goes on.
    let unread = matches!(cli.command, Command::Mcp(_));
    let logs = logs::start(cli.global.verbose, unread);
    let output = Output::new(cli.global.json);
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
    let exit = runtime.block_on(dispatch(cli, &output));
    // A read of the terminal or of stdin may still be pending; nothing waits for it.
    runtime.shutdown_background();
    let code = exit.unwrap_or_else(|error| output.failure(&error)).into();
    logs.finish();
    code
}

async fn dispatch(cli: Cli, output: &Output) -> Result<Exit> {
    let Cli { global, command } = cli;
    match command {
        Command::Mcp(args) => serve(&global, args).await,
        Command::OnAccount(command) => {
            let settings = Settings::of_process(&global.flags())?;
            let (app, _sandbox) = with_upstream(settings, global.sandbox).await?;
            let exit = on_account(&app.clone().commanded_by_a_person(), command, output).await;
            app.settled().await;
            exit
        }
        Command::Doctor(args) => doctor::doctor(&global, args, output).await,
        Command::Demo => match demo::converse(output).await {
            Ok(()) => Ok(Exit::Done),
            Err(error) => Err(Error::internal(
                format!("the demo conversation broke off: {error:#}"),
                "Run it again with `SKYSWITCH_LOG=debug` to see the server's log.",
            )),
        },
        Command::Sandbox {
            list_habits: true, ..
        } => {
            let habits = sandbox::habits();
            output.result(&habits, || tables::habits(&habits))
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
            output.result(&list, || tables::domains(&list))
        }
        OnAccount::Explain(args) => {
            let call = ops::explain_call(app, &args).await?;
            output.result(&call, || sentences::explained(&call, &app.names(None)))
        }
        OnAccount::Changes(args) => changes::changes(app, args, output).await,
        OnAccount::Undo(args) => {
            let person = Person::new(app, args.yes)?;
            let app = &app.asked_by("skyswitch undo (command line)");
            let undone = ops::undo_change(app, &args.args, &person.channel()).await?;
            person.settle(
                undone,
                output,
                |undone| sentences::undone(undone, &app.names(None)),
                |undone| Exit::of_agreement(&undone.status),
            )
        }
        OnAccount::Checklist(args) => setup::checklist(app, args, output).await,
        OnAccount::Onboard(args) => setup::onboard(app, args, output).await,
        OnAccount::Route(args) => setup::route(app, &args, output).await,
        OnAccount::Status(args) => setup::status(app, &args, output).await,
        OnAccount::Destinations(args) => {
            let list = ops::list_destinations(app, &args, PageSize::All).await?;
            output.result(&list, || setup_tables::destinations(&list))
        }
        OnAccount::Numbers(args) => {
            let size = args
                .limit
                .map_or(Ok(PageSize::All), |limit| PageSize::from_limit(Some(limit)))?;
            let list = ops::list_numbers(app, &args, size).await?;
            output.result(&list, || setup_tables::numbers(&list))
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
            output.result(&list, || tables::vips(&list))
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
        Vip::Import(args) => lists::import(app, *args, output).await,
        Vip::Export(args) => lists::export(app, args, output).await,
    }
}

async fn token(app: &App, args: TokenArgs, output: &Output) -> Result<Exit> {
    let report = ops::token(app, args.refresh).await?;
    if args.quiet {
        return output.text(report.access_token.expose());
    }
    output.result(&report, || tables::token(&report))
}

async fn serve(global: &Global, args: McpArgs) -> Result<Exit> {
    Face::Tools.speak();
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
    serve_stdio(server).await?;
    Ok(Exit::Done)
}

/// The operations on the configured upstream, or on a sandbox that lives as
/// long as the second value.
async fn with_upstream(settings: Settings, sandbox: bool) -> Result<(App, Option<Sandbox>)> {
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    if !sandbox {
        return Ok((App::new(settings), None));
    }
    let (settings, sandbox) = sandbox::in_process(settings).await?;
    Ok((App::new(settings), Some(sandbox)))
}
