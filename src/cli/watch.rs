//! `skyswitch status --watch`: looks again and again until it is interrupted.

use std::collections::HashSet;
use std::pin::pin;
use std::time::Duration;

use console::Term;
use jiff::Timestamp;

use super::exit::Exit;
use super::output::Output;
use super::progress::Bar;
use super::setup::exit_of;
use super::setup_tables;
use crate::app::App;
use crate::local_time;
use crate::ops::{self, PageSize, SetupStatus, StatusQuery};
use skyswitch_domain::error::{Error, Result};

/// Shows the setup status every so many seconds: as a picture at a terminal,
/// elsewhere only what has changed. It ends with the exit code of the last look.
pub(super) async fn status(
    app: &App,
    query: &StatusQuery,
    seconds: u64,
    output: &Output,
) -> Result<Exit> {
    let mut interrupted = pin!(tokio::signal::ctrl_c());
    let mut screen = Screen::default();
    let mut exit = Exit::Done;
    loop {
        let look = async {
            let bar = Bar::new();
            let looked = ops::onboarding_status(app, query, PageSize::All, &bar).await;
            bar.end();
            let exit = match looked {
                Ok(status) => {
                    screen.show(&status, seconds, output)?;
                    exit_of(&status)
                }
                // The next look may succeed.
                Err(error) => output.failure(&error),
            };
            Ok::<Exit, Error>(exit)
        };
        tokio::select! {
            looked = look => exit = looked?,
            _ = &mut interrupted => return Ok(exit),
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(seconds)) => {}
            _ = &mut interrupted => return Ok(exit),
        }
    }
}

/// What whoever watches has seen.
#[derive(Default)]
struct Screen {
    seen: HashSet<String>,
}

impl Screen {
    fn show(&mut self, status: &SetupStatus, seconds: u64, output: &Output) -> Result<Exit> {
        let terminal = Term::stdout();
        let now = local_time::minute(Timestamp::now());
        if output.is_json() {
            let text = serde_json::to_string(status).unwrap_or_default();
            return self.news([text].into_iter(), output);
        }
        let text = output.laid_out(&setup_tables::setup_status(status));
        if !terminal.is_term() {
            return self.news(text.lines().map(str::to_owned), output);
        }
        // A terminal that cannot be cleared shows one look below the other.
        let _ = terminal.clear_screen();
        output.text(&format!(
            "{text}\n{now}; looks again every {}, until Ctrl-C",
            every(seconds)
        ))
    }

    /// The lines that the look before did not show, however wide their columns were.
    fn news(&mut self, lines: impl Iterator<Item = String>, output: &Output) -> Result<Exit> {
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let lines: Vec<String> = lines.collect();
        let is_new = |line: &&String| !self.seen.contains(&words(line));
        let new: Vec<&str> = lines.iter().filter(is_new).map(String::as_str).collect();
        if !new.is_empty() {
            output.text(&new.join("\n"))?;
        }
        self.seen = lines.iter().map(|line| words(line)).collect();
        Ok(Exit::Done)
    }
}

fn every(seconds: u64) -> String {
    match seconds {
        1 => "second".to_owned(),
        seconds => format!("{seconds} seconds"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_second_is_no_plural() {
        assert_eq!([every(1), every(60)], ["second", "60 seconds"]);
    }
}
