//! Exit codes.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;

use super::layout::Format;
use super::output::{Colour, Output};
use crate::ops::Status;
use skyswitch_domain::error::{Code, Error};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    NotConfirmed = 3,
    NotConfigured = 4,
    /// `status` shows an alarm.
    Alarm = 5,
    /// `status` could not tell of every customer.
    NotVerified = 6,
}

impl Exit {
    /// How a command ends that a person has to agree to.
    pub fn of_agreement(status: &impl Status) -> Exit {
        match status.is_not_agreed() {
            true => Exit::NotConfirmed,
            false => Exit::Done,
        }
    }

    /// The exit code of a kind of failure.
    pub fn of(code: Code) -> Exit {
        match code {
            Code::InvalidArgument => Exit::Usage,
            Code::ConfirmationInvalid | Code::ConfirmationStale | Code::Blocked => {
                Exit::NotConfirmed
            }
            Code::NotConfigured | Code::Unauthorized => Exit::NotConfigured,
            _ => Exit::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// Reports a command line that cannot be understood, or prints help or version.
pub(super) fn usage(refusal: &clap::Error, arguments: &[OsString]) -> ExitCode {
    let is_answer = matches!(
        refusal.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    let wants_json = said(arguments, "--format").is_some_and(|word| word == "json")
        || arguments
            .iter()
            .any(|word| asks_for_json(&word.to_string_lossy()));
    if wants_json && !is_answer {
        let message = refusal.to_string();
        let first_line = message.lines().next().unwrap_or_default();
        let error = Error::new(
            Code::InvalidArgument,
            first_line.trim_start_matches("error: "),
            "Run the command with `--help`.",
        );
        return Output::new(Some(Format::Json), Colour::Auto)
            .failure(&error)
            .into();
    }
    // Fails only when the terminal is gone; the exit code still tells.
    let _ = refusal.print();
    ExitCode::from(if is_answer { 0 } else { 2 })
}

/// The value of a flag, in a command line that may not be understood.
pub(super) fn said(arguments: &[OsString], flag: &str) -> Option<String> {
    let words: Vec<_> = arguments
        .iter()
        .map(|word| word.to_string_lossy())
        .collect();
    let place = words.iter().rposition(|word| {
        word.strip_prefix(flag)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    })?;
    match words[place].split_once('=') {
        Some((_, value)) => Some(value.to_owned()),
        None => words.get(place + 1).map(ToString::to_string),
    }
}

/// `--json`, `-j`, or a cluster of short flags such as `-vj`.
fn asks_for_json(word: &str) -> bool {
    let cluster = word.starts_with('-') && !word.starts_with("--");
    word == "--json" || (cluster && word.contains('j'))
}
