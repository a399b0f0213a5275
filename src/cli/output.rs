//! The one writer of stdout and stderr.

use std::io::{self, Write};

use console::Term;
use serde::Serialize;
use serde_json::json;

use super::exit::Exit;
use super::layout::{Format, Listing, width, wrapped};
use crate::config::process_environment;
use skyswitch_domain::error::{Error, Result};

/// Where results go, and in which form.
pub(super) struct Output {
    format: Format,
    /// Columns of the terminal, where stdout is one.
    width: Option<usize>,
}

/// What `--color` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(super) enum Colour {
    /// At a terminal, unless NO_COLOR is set; anywhere where FORCE_COLOR or CLICOLOR_FORCE is
    #[default]
    Auto,
    /// Everywhere
    Always,
    /// Nowhere
    Never,
}

impl Colour {
    /// Whether there are colours whatever the output is; `None` where that decides.
    pub fn wanted(self) -> Option<bool> {
        let set = |name| process_environment(name).filter(|value| !value.is_empty());
        let forced = |name| set(name).is_some_and(|value| value != "0");
        match self {
            Colour::Always => Some(true),
            Colour::Never => Some(false),
            Colour::Auto if set("NO_COLOR").is_some() => Some(false),
            Colour::Auto if forced("FORCE_COLOR") || forced("CLICOLOR_FORCE") => Some(true),
            Colour::Auto => None,
        }
    }
}

impl Output {
    /// Without a format it depends on who reads: a person at a terminal, or a pipe.
    pub fn new(format: Option<Format>, colour: Colour) -> Output {
        let stdout = Term::stdout();
        if let Some(wanted) = colour.wanted() {
            console::set_colors_enabled(wanted);
            console::set_colors_enabled_stderr(wanted);
        }
        let usual = match stdout.is_term() {
            true => Format::Table,
            false => Format::Plain,
        };
        Output {
            format: format.unwrap_or(usual),
            width: width(&stdout),
        }
    }

    /// Whether results are printed as JSON.
    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Prints a result: its JSON form, or what `text` makes of it.
    pub fn result(&self, result: &impl Serialize, text: impl FnOnce() -> String) -> Result<Exit> {
        match self.is_json() {
            true => self.json(result),
            false => self.text(&wrapped(&text(), self.width)),
        }
    }

    /// Prints a text that is the whole result, for the program that reads it; or its JSON form.
    pub fn as_it_is(&self, result: &impl Serialize, text: &str) -> Result<Exit> {
        match self.is_json() {
            true => self.json(result),
            false => self.text(text),
        }
    }

    /// Prints a list: its JSON form, or the rows that `listing` makes of it.
    pub fn list(&self, list: &impl Serialize, listing: impl FnOnce() -> Listing) -> Result<Exit> {
        match self.format {
            Format::Json => self.json(list),
            Format::Csv => {
                let listing = listing();
                // That there is more must not be lost with the rows alone.
                self.note(listing.after.trim_start());
                self.note(listing.worth_a_look.trim_start());
                self.text(&listing.csv()?)
            }
            Format::Table | Format::Plain => self.text(&self.laid_out(&listing())),
        }
    }

    /// A list as it is printed for people.
    pub fn laid_out(&self, listing: &Listing) -> String {
        wrapped(&listing.text(self.format, self.width), self.width)
    }

    fn json(&self, result: &impl Serialize) -> Result<Exit> {
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
        // A reader who has seen enough (`| head`) is no failure.
        self.is_read(text).map(|_| Exit::Done)
    }

    /// Prints a text as it is, and says whether anybody still reads the output.
    pub fn is_read(&self, text: &str) -> Result<bool> {
        match writeln!(io::stdout(), "{}", text.trim_end()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(Error::internal(
                format!("stdout cannot be written: {error}"),
                "Check where the output goes; the operation itself was carried out.",
            )),
        }
    }

    /// Tells a person something beside the result. Scripts have the result and the exit code.
    pub fn note(&self, text: &str) {
        if !self.is_json() && !text.is_empty() {
            tell(text);
        }
    }

    /// Reports a failure and says how the command ends.
    pub fn failure(&self, error: &Error) -> Exit {
        let detail = error.detail();
        match self.is_json() {
            true => complain(&json!({ "error": detail }).to_string()),
            false => {
                let heading = console::style("error").for_stderr().red().bold();
                tell(&format!(
                    "{heading}: {}\nhint: {}",
                    detail.message, detail.hint
                ));
            }
        }
        Exit::of(error.code())
    }
}

/// Tells whoever reads stderr, in lines of a terminal's width.
pub(super) fn tell(text: &str) {
    complain(&wrapped(text, width(&Term::stderr())));
}

fn complain(text: &str) {
    // Without stderr there is nobody to tell.
    let _ = writeln!(io::stderr(), "{text}");
}
