//! What packages are made of: completions, manual pages and the long version.

use std::path::Path;

use serde_json::json;

use super::exit::Exit;
use super::output::Output;
use super::short_forms::command;
use skyswitch_domain::error::{Error, Result};

/// The version with the commit that it was built from; see `build.rs`.
pub(super) const VERSION: &str = env!("VERSION_WITH_COMMIT");

/// Prints the completion script of a shell.
pub(super) fn completions(shell: clap_complete::Shell, output: &Output) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(&[]), "skyswitch", &mut script);
    let script = String::from_utf8_lossy(&script);
    output.as_it_is(&json!({ "script": script }), &script)
}

/// Writes the manual pages, one for each command.
pub(super) fn manual(folder: &Path, output: &Output) -> Result<Exit> {
    std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(command(&[]), folder))
        .map_err(|error| {
            Error::invalid(
                "dir",
                format!("{} cannot be written: {error}", folder.display()),
                "Give a folder in which this user may create files.",
            )
        })?;
    output.result(&json!({ "dir": folder.display().to_string() }), || {
        format!("The manual pages are in {}.", folder.display())
    })
}
