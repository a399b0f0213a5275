//! The person at the terminal, or nobody.

use std::io::IsTerminal;
use std::pin::Pin;

use console::{Key, Term};
use serde::Serialize;

use super::exit::Exit;
use super::output::{Output, tell};
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

/// The operations as the person at the command line gives them, who is shown
/// names; a program that reads JSON needs no requests for them.
pub(super) fn commanded(app: &App, output: &Output) -> App {
    app.clone()
        .commanded_by_a_person()
        .reading_names(!output.is_json())
}

impl Person {
    /// # Errors
    /// `blocked` for a flag where the operator lets none agree.
    pub fn new(app: &App, yes: bool) -> Result<Person> {
        let settings = app.settings();
        if yes {
            settings.limits.refuse_flag()?;
            return Ok(Person::Agreed);
        }
        // With a PIN, no flag agrees.
        let has_no_pin = app.guard().pin_is_set().is_ok_and(|is_set| !is_set);
        Ok(Person::at_terminal(
            match settings.allow_yes && has_no_pin {
                true => "Run the command in a terminal, or pass `--yes`.",
                false => "Run the command in a terminal.",
            },
        ))
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

    fn absent(&self) -> Option<&str> {
        match self {
            Person::Absent(otherwise) => Some(otherwise),
            Person::Agreed | Person::Present => None,
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
        tell(&question);
        let asked = format!("Type {value}, or \"no\" to decline: ");
        let typed = typed_line(&asked).ok()??;
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

/// A line that does not appear on the screen; `None` where it was not given.
pub(super) fn hidden(what: &str) -> Option<Secret> {
    let line = read_line(&format!("{what}: "), Shown::No).ok()?;
    line.map(Secret::new)
}

/// A line typed at the terminal; `None` where Esc, Ctrl-C or Ctrl-D ended it.
pub(super) fn typed_line(prompt: &str) -> std::io::Result<Option<String>> {
    read_line(prompt, Shown::Yes)
}

/// Whether what is typed appears on the screen.
#[derive(Clone, Copy, PartialEq)]
enum Shown {
    Yes,
    No,
}

fn read_line(prompt: &str, shown: Shown) -> std::io::Result<Option<String>> {
    let terminal = Term::stderr();
    let _silent = Silent::new();
    terminal.write_str(prompt)?;
    let mut line = String::new();
    let given = loop {
        match terminal.read_key_raw()? {
            Key::Enter => break true,
            Key::Escape | Key::CtrlC => break false,
            // Ctrl-D, as it is and as it is read where it came before the question.
            Key::Char('\u{4}' | '\0') => break false,
            // Esc, and Enter so soon after it that they look like one key.
            Key::UnknownEscSeq(keys) if matches!(keys[..], ['\r' | '\n']) => break false,
            Key::Backspace if line.pop().is_some() && shown == Shown::Yes => {
                terminal.clear_chars(1)?;
            }
            Key::Char(letter) if !letter.is_control() => {
                line.push(letter);
                if shown == Shown::Yes {
                    terminal.write_str(letter.encode_utf8(&mut [0; 4]))?;
                }
            }
            _ => {}
        }
    };
    terminal.write_line("")?;
    Ok(given.then_some(line))
}

/// Keeps the terminal from showing what is typed a second time, as it does
/// between two keys that are read one by one.
struct Silent {
    #[cfg(unix)]
    before: Option<rustix::termios::Termios>,
}

impl Silent {
    #[cfg(unix)]
    fn new() -> Silent {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(std::io::stdin()).ok();
        if let Some(before) = &before {
            let mut silent = before.clone();
            silent.local_modes -= LocalModes::ECHO | LocalModes::ICANON;
            // Otherwise it is shown twice, which is no reason not to ask.
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &silent);
        }
        Silent { before }
    }

    #[cfg(not(unix))]
    fn new() -> Silent {
        Silent {}
    }
}

#[cfg(unix)]
impl Drop for Silent {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let now = rustix::termios::OptionalActions::Now;
            let _ = rustix::termios::tcsetattr(std::io::stdin(), now, before);
        }
    }
}
