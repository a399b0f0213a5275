//! `skyswitch state`: looking after the state folder.

use std::path::Path;

use serde_json::json;

use super::command::StateAction;
use super::exit::Exit;
use super::output::Output;
use super::private_file::{new_private_file, unusable};
use crate::app::App;
use crate::ops;
use skyswitch_domain::error::Result;
use skyswitch_domain::wording::counted;

/// Removes what is old, checks, or makes a copy.
pub(super) async fn state(app: &App, action: StateAction, output: &Output) -> Result<Exit> {
    match action {
        StateAction::Prune { older_than } => {
            let pruned = ops::prune_state(app, older_than).await?;
            output.result(&pruned, || {
                let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
                format!(
                    "Removed {} and {} of which none is left.",
                    counted(number(pruned.changes), "closed change"),
                    counted(number(pruned.imports), "import")
                )
            })
        }
        StateAction::Check => {
            let health = ops::check_state(app).await?;
            output.result(&health, || {
                let found = match health.problems.as_slice() {
                    [] => "Nothing is wrong.".to_owned(),
                    problems => format!("Wrong: {}.", problems.join("; ")),
                };
                format!(
                    "The journal holds {}, {} of them open. {found}",
                    counted(health.changes, "change"),
                    health.open
                )
            })?;
            Ok(match health.problems.is_empty() {
                true => Exit::Done,
                false => Exit::Failed,
            })
        }
        StateAction::Backup { file } => back_up(app, &file, output).await,
    }
}

/// The copy is private from the moment it exists, and no file is overwritten.
async fn back_up(app: &App, path: &Path, output: &Output) -> Result<Exit> {
    let file = new_private_file(path).map_err(|error| unusable("file", path, &error))?;
    let copied = ops::back_up_state(app, path).await;
    if copied.is_err() {
        let _ = std::fs::remove_file(path);
    }
    copied?;
    file.sync_all()
        .map_err(|error| unusable("file", path, &error))?;
    output.result(&json!({ "file": path.display().to_string() }), || {
        format!(
            "The journal is copied to {}. The copy holds callers' numbers, and neither tokens nor the confirmation key.",
            path.display()
        )
    })
}
