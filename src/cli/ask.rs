//! The person at the terminal, or nobody.

use std::io::IsTerminal;
use std::pin::Pin;

use dialoguer::Input;
use serde::Serialize;

use super::exit::Exit;
use super::output::Output;
use crate::app::App;
use crate::ops::Asked;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::redact::Secret;
use skyswitch_guard::{Answer, AskPerson, Channel, Preview};

/// Who agrees to a change made from the command line.
pub(super) enum Person {
    /// Agreed with `--yes`.
    Agreed,
    /// Sits at the terminal.
    Present,
    /// No terminal, so nobody can be asked; with what to do about it.
    Absent(&'static str),
}

impl Person {
    /// # Errors
    /// `blocked` for a flag where the operator lets none agree.
    pub fn new(app: &App, yes: bool) -> Result<Person> {
        let settings = app.settings();
        Ok(match (yes, settings.allow_yes) {
            (true, _) => {
                settings.limits.refuse_flag()?;
                Person::Agreed
            }
            (false, true) => Person::at_terminal("Run the command in a terminal, or pass `--yes`."),
            (false, false) => Person::at_terminal("Run the command in a terminal."),
        })
    }

    /// Where no flag can agree; `otherwise` is what to do without a terminal.
    pub fn at_terminal(otherwise: &'static str) -> Person {
        match is_interactive() {
            true => Person::Present,
            false => Person::Absent(otherwise),
        }
    }

    /// The guard's view of this person.
    pub fn channel(&self) -> Channel<'_> {
        match self {
            Person::Agreed => Channel::Given,
            Person::Present | Person::Absent(_) => Channel::During(self),
        }
    }

    /// Prints what became of a change, and why where nobody confirmed it.
    pub fn settle<T: Serialize>(
        &self,
        asked: Asked<T>,
        output: &Output,
        text: impl FnOnce(&T) -> String,
        exit: impl FnOnce(&T) -> Exit,
    ) -> Result<Exit> {
        let Asked::Done(outcome) = asked else {
            return Err(Error::internal(
                "the command line was asked in a way it cannot answer",
                "Please report this as a bug; nothing was sent.",
            ));
        };
        output.result(&outcome, || text(&outcome))?;
        let exit = exit(&outcome);
        if exit == Exit::NotConfirmed {
            output.note(&match self {
                Person::Absent(otherwise) => {
                    format!("Not confirmed: no interactive terminal. {otherwise}")
                }
                _ => "Not confirmed.".to_owned(),
            });
        }
        Ok(exit)
    }
}

/// Whether a person can read a question and type an answer here.
pub(super) fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

impl AskPerson for Person {
    fn ask<'a>(
        &'a self,
        preview: &'a Preview,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        match self {
            Person::Present => Box::pin(typed_at_terminal(preview)),
            Person::Agreed | Person::Absent(_) => Box::pin(async { Answer::NoAnswer }),
        }
    }
}

/// Reads one line from the terminal itself; a pipe cannot answer. After a wrong
/// value, only what was wrong is shown.
pub(super) async fn typed_at_terminal(preview: &Preview) -> Answer {
    let question = preview
        .problem()
        .map_or_else(|| preview.text(), str::to_owned);
    let value = preview.asks_for().name();
    let wants_pin = preview.wants_pin();
    let read = tokio::task::spawn_blocking(move || {
        let terminal = dialoguer::console::Term::stderr();
        terminal.write_line(&question).ok()?;
        let typed = Input::<String>::new()
            .with_prompt(format!("Type {value}, or \"no\" to decline"))
            .allow_empty(true)
            .interact_text_on(&terminal)
            .ok()?;
        if typed.trim().eq_ignore_ascii_case("no") {
            return Some(Answer::Declined);
        }
        Some(match wants_pin {
            true => Answer::WithPin {
                typed,
                pin: hidden("PIN")?,
            },
            false => Answer::Typed(typed),
        })
    });
    read.await.ok().flatten().unwrap_or(Answer::NoAnswer)
}

/// Reads one line that does not appear on the screen; `None` where the terminal
/// is gone.
pub(super) fn hidden(what: &str) -> Option<Secret> {
    let terminal = dialoguer::console::Term::stderr();
    terminal.write_str(&format!("{what}: ")).ok()?;
    terminal.read_secure_line().ok().map(Secret::new)
}
