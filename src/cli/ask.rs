//! The person at the terminal, or nobody.

use std::io::IsTerminal;
use std::pin::Pin;

use dialoguer::Input;

use super::exit::Exit;
use super::output::Output;
use crate::ops::Asked;
use skyswitch_domain::error::{Error, Result};
use skyswitch_guard::{Answer, AskPerson, Channel, Preview};

/// Who agrees to a change made from the command line.
pub(super) enum Person {
    /// Agreed with `--yes`.
    Agreed,
    /// Sits at the terminal.
    Present(Terminal),
    /// No terminal: nobody can be asked.
    Absent(Nobody),
}

impl Person {
    pub fn new(yes: bool) -> Person {
        match yes {
            true => Person::Agreed,
            false if is_interactive() => Person::Present(Terminal),
            false => Person::Absent(Nobody),
        }
    }

    /// The guard's view of this person.
    pub fn channel(&self) -> Channel<'_> {
        match self {
            Person::Agreed => Channel::Given,
            Person::Present(terminal) => Channel::During(terminal),
            Person::Absent(nobody) => Channel::During(nobody),
        }
    }

    /// How the command ends, and a word on why where that is not plain.
    pub fn exit(&self, declined: bool, output: &Output) -> Exit {
        if !declined {
            return Exit::Done;
        }
        output.note(match self {
            Person::Absent(_) => {
                "Not confirmed: no interactive terminal. Run the command in a terminal, or pass `--yes`."
            }
            _ => "Not confirmed.",
        });
        Exit::NotConfirmed
    }
}

/// Whether a person can read a question and type an answer here.
pub(super) fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Shows the preview on the terminal and reads the typed value.
pub(super) struct Terminal;

impl AskPerson for Terminal {
    fn ask<'a>(
        &'a self,
        preview: &'a Preview,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        Box::pin(typed_at_terminal(preview))
    }
}

/// Stands in where nobody can be asked.
pub(super) struct Nobody;

impl AskPerson for Nobody {
    fn ask<'a>(&'a self, _: &'a Preview) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        Box::pin(async { Answer::Refused })
    }
}

/// Reads one line from the terminal itself; a pipe cannot answer.
pub(super) async fn typed_at_terminal(preview: &Preview) -> Answer {
    let question = preview.text();
    let value = preview.asks_for().name();
    let read = tokio::task::spawn_blocking(move || {
        let terminal = dialoguer::console::Term::stderr();
        terminal.write_line(&question).ok()?;
        Input::<String>::new()
            .with_prompt(format!("Type {value} (empty to decline)"))
            .allow_empty(true)
            .interact_text_on(&terminal)
            .ok()
    });
    match read.await {
        Ok(Some(text)) => Answer::Typed(text),
        _ => Answer::Refused,
    }
}

/// The command line asks during the call, so a question between calls cannot come back.
pub(super) fn decided<T>(asked: Asked<T>) -> Result<T> {
    match asked {
        Asked::Done(outcome) => Ok(outcome),
        Asked::Question(_) => Err(Error::internal(
            "the command line was asked in a way it cannot answer",
            "Please report this as a bug; nothing was sent.",
        )),
    }
}
