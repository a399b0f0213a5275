//! `skyswitch vip import` and `export`: lists as files.

use std::convert::Infallible;
use std::io::Read;
use std::path::Path;

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::ask::Person;
use super::command::{Asking, ClearArgs, ExportArgs, ExportFormat, ImportArgs, MoveArgs};
use super::exit::Exit;
use super::output::{Output, tell};
use super::progress::Bar;
use super::{private_file, tables};
use crate::app::App;
use crate::ops::import::files;
use crate::ops::{
    self, PageSize, SyncMode, SyncOutcome, SyncSession, SyncStatus, SyncVips, Undo, UndoStatus,
};
use crate::sentences;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::wording::counted;

/// Imports a list. Ctrl-C, or a signal to end, sends nothing more and says what was done.
pub(super) async fn import(
    app: &App,
    Asking { args, yes }: Asking<ImportArgs>,
    output: &Output,
) -> Result<Exit> {
    let list = args.file.as_deref().map(read).transpose()?;
    let app = app.asked_by("skyswitch vip import (command line)");
    sync(&app, &args.sync, list.as_deref(), yes, output).await
}

/// Takes everybody off a list.
pub(super) async fn clear(
    app: &App,
    Asking { args, yes }: Asking<ClearArgs>,
    output: &Output,
) -> Result<Exit> {
    let app = app.asked_by("skyswitch vip clear (command line)");
    let clear = SyncVips {
        dry_run: Some(args.dry_run),
        ..SyncVips::without_list(args.domain, SyncMode::Clear)
    };
    sync(&app, &clear, None, yes, output).await
}

/// Sends the callers of one destination to another.
pub(super) async fn r#move(
    app: &App,
    Asking { args, yes }: Asking<MoveArgs>,
    output: &Output,
) -> Result<Exit> {
    let app = app.asked_by("skyswitch vip move (command line)");
    let moving = SyncVips {
        from: Some(args.from),
        destination: Some(args.to),
        dry_run: Some(args.dry_run),
        ..SyncVips::without_list(args.domain, SyncMode::Move)
    };
    sync(&app, &moving, None, yes, output).await
}

/// Undoes a change, or an import as one plan.
pub(super) async fn undo(
    app: &App,
    Asking { args, yes }: Asking<Undo>,
    output: &Output,
) -> Result<Exit> {
    let app = app.asked_by("skyswitch undo (command line)");
    let person = Person::new(&app, yes)?;
    let undo = async |session: &SyncSession<'_>| ops::undo(&app, &args, session).await;
    let undone = watched(&app, &person, output, undo).await?;
    person.settle(
        undone,
        output,
        |undone| sentences::undone(undone, &app.names(None)),
        |undone| match undone.status {
            UndoStatus::Incomplete | UndoStatus::Cancelled => Exit::Failed,
            status => Exit::of_agreement(&status),
        },
    )
}

async fn sync(
    app: &App,
    args: &SyncVips,
    list: Option<&[u8]>,
    yes: bool,
    output: &Output,
) -> Result<Exit> {
    let person = Person::new(app, yes)?;
    let sync = async |session: &SyncSession<'_>| ops::sync_vips(app, args, list, session).await;
    let synced = watched(app, &person, output, sync).await?;
    let exit = |outcome: &SyncOutcome| match outcome.status {
        // A plan that could not be carried out is no success for a script.
        SyncStatus::Planned if outcome.has_rows_in_the_way => Exit::Failed,
        SyncStatus::Planned | SyncStatus::Unchanged | SyncStatus::Applied => Exit::Done,
        SyncStatus::Invalid => Exit::Usage,
        SyncStatus::Incomplete | SyncStatus::Cancelled => Exit::Failed,
        _ => Exit::NotConfirmed,
    };
    let text = |outcome: &SyncOutcome| tables::imported(outcome, &app.names(None), output);
    person.settle(synced, output, text, exit)
}

/// Works on many rules with a bar, until it ends or is stopped.
async fn watched<T>(
    app: &App,
    person: &Person,
    output: &Output,
    work: impl AsyncFnOnce(&SyncSession<'_>) -> Result<T>,
) -> Result<T> {
    let bar = Bar::new();
    let stop = CancellationToken::new();
    let channel = person.channel();
    let session = SyncSession {
        channel: &channel,
        progress: &bar,
        stop: &stop,
        most_rows: None,
    };
    let work = async {
        let done = work(&session).await;
        // Whatever it ended with: nothing that was sent is cut off.
        app.settled().await;
        done
    };
    let done = tokio::select! {
        done = work => done,
        never = stopping(&stop, &bar, output) => match never {},
    };
    bar.end();
    done
}

/// Waits for Ctrl-C, or for the signal that the process or its terminal is to
/// end, and stops the import, which ends by itself after that.
async fn stopping(stop: &CancellationToken, bar: &Bar, output: &Output) -> Infallible {
    if told_to_stop().await.is_ok() {
        stop.cancel();
        tracing::info!("interrupted; what is under way is finished");
        bar.beside(|| {
            output.note("Stopping: what is under way is finished, nothing else is sent.")
        });
    }
    std::future::pending().await
}

async fn told_to_stop() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        tokio::select! {
            _ = terminate.recv() => Ok(()),
            _ = hang_up.recv() => Ok(()),
            interrupted = tokio::signal::ctrl_c() => interrupted,
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

/// A list that was written into a file.
#[derive(Serialize)]
struct Exported<'a> {
    file: String,
    rules: usize,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    warnings: &'a [String],
}

/// Writes a domain's rules as a list that `import` takes.
pub(super) async fn export(app: &App, args: ExportArgs, output: &Output) -> Result<Exit> {
    if let Some(path) = &args.output {
        // Before anything is read: that removes rules whose last day is over.
        private_file::refuse_existing("output", path, args.force)?;
    }
    let list = match (args.before, args.domain) {
        (Some(run), _) => ops::list_before(app, &run).await?,
        (None, domain) => {
            let wanted = ops::ListVips {
                domain,
                ..ops::ListVips::default()
            };
            ops::list_vips(app, &wanted, PageSize::All).await?
        }
    };
    // What was removed because its last day was over, and what else the file does
    // not tell. In JSON, the result tells it.
    for warning in &list.warnings {
        output.note(&format!("Warning: {warning}"));
    }
    let text = match args.format {
        ExportFormat::Csv => files::to_csv(&list.vips)?,
        ExportFormat::Json => files::to_json(&list.vips)?,
    };
    match &args.output {
        None if output.is_json() => output.result(&list, String::new),
        None => output.text(&text),
        Some(path) => {
            let written = private_file::write("output", path, &text, args.force);
            written.map_err(|error| match list.warnings.join(". ") {
                told if output.is_json() && !told.is_empty() => {
                    error.with_more_hint(&format!("Before that: {told}."))
                }
                _ => error,
            })?;
            let exported = Exported {
                file: path.display().to_string(),
                rules: list.total,
                warnings: &list.warnings,
            };
            if !output.is_json() {
                let rules = counted(exported.rules, "VIP rule");
                output.note(&format!("{rules} written to {}", exported.file));
            } else if path.is_file() {
                return output.result(&exported, String::new);
            } else {
                // In a pipe, `/dev/stdout` is the list and nothing beside it.
                let warnings = list.warnings.iter();
                warnings.for_each(|warning| tell(&format!("Warning: {warning}")));
            }
            Ok(Exit::Done)
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = match path == Path::new("-") {
        true => std::io::stdin().read_to_end(&mut bytes).map(|_| bytes),
        false => std::fs::read(path),
    };
    read.map_err(|error| {
        Error::invalid(
            "file",
            format!("{} cannot be read: {error}", path.display()),
            "Check the path and its permissions; nothing was sent.",
        )
    })
}
