//! The one writer of stdout and stderr.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::json;

use super::exit::Exit;
use skyswitch_domain::error::{Error, Result};

/// Where results go, as JSON or as text for people.
pub(super) struct Output {
    json: bool,
}

impl Output {
    pub fn new(json: bool) -> Output {
        Output { json }
    }

    /// Whether results are printed as JSON.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Prints a result: its JSON form, or what `text` makes of it.
    pub fn result(&self, result: &impl Serialize, text: impl FnOnce() -> String) -> Result<Exit> {
        if !self.json {
            return self.text(&text());
        }
        match serde_json::to_string_pretty(result) {
            Ok(json) => self.text(&json),
            Err(_) => Err(Error::internal(
                "the result could not be written as JSON",
                "Please report this as a bug.",
            )),
        }
    }

    /// Prints a text as it is.
    pub fn text(&self, text: &str) -> Result<Exit> {
        match writeln!(io::stdout(), "{}", text.trim_end()) {
            Ok(()) => Ok(Exit::Done),
            // The reader has seen enough (`| head`); that is not a failure.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Done),
            Err(error) => Err(Error::internal(
                format!("stdout cannot be written: {error}"),
                "Check where the output goes; the operation itself was carried out.",
            )),
        }
    }

    /// Tells a person something beside the result. Scripts have the result and the exit code.
    pub fn note(&self, text: &str) {
        if !self.json {
            complain(text);
        }
    }

    /// Reports a failure and says how the command ends.
    pub fn failure(&self, error: &Error) -> Exit {
        let detail = error.detail();
        let text = match self.json {
            true => json!({ "error": detail }).to_string(),
            false => {
                let heading = console::style("error").for_stderr().red().bold();
                format!("{heading}: {}\nhint: {}", detail.message, detail.hint)
            }
        };
        complain(&text);
        Exit::of(error.code())
    }
}

fn complain(text: &str) {
    // Without stderr there is nobody to tell.
    let _ = writeln!(io::stderr(), "{text}");
}
