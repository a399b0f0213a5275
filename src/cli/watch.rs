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
/// elsewhere only what has changed. It ends with the exit code of the last look,
/// also where nobody reads what it prints any more.
pub(super) async fn status(
    app: &App,
    query: &StatusQuery,
    seconds: u64,
    output: &Output,
) -> Result<Exit> {
    let mut ended = pin!(async {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            () = nobody_reads() => {}
        }
    });
    let mut screen = Screen::default();
    let mut exit = Exit::Done;
    loop {
        let look = async {
            let bar = Bar::new();
            let looked = ops::onboarding_status(app, query, PageSize::All, &bar).await;
            bar.end();
            let shown = match looked {
                Ok(status) => (exit_of(&status), screen.show(&status, seconds, output)?),
                // The next look may succeed.
                Err(error) => (output.failure(&error), true),
            };
            Ok::<(Exit, bool), Error>(shown)
        };
        let is_read;
        tokio::select! {
            shown = look => (exit, is_read) = shown?,
            () = &mut ended => return Ok(exit),
        }
        if !is_read {
            return Ok(exit);
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(seconds)) => {}
            () = &mut ended => return Ok(exit),
        }
    }
}

/// Ends when nobody reads the standard output any more, which a pipe tells also
/// while there is nothing to print.
async fn nobody_reads() {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        use tokio::io::Interest;
        use tokio::net::unix::pipe::Sender;
        // Unchecked, so that the output is not made one that does not block. A file
        // cannot be waited for, and is read whenever somebody likes.
        let output = std::io::stdout().as_fd().try_clone_to_owned();
        if let Ok(output) = output.and_then(Sender::from_owned_fd_unchecked) {
            let _ = output.ready(Interest::ERROR).await;
            return;
        }
    }
    std::future::pending().await
}

/// What whoever watches has seen.
#[derive(Default)]
struct Screen {
    seen: HashSet<String>,
}

impl Screen {
    /// Shows a look, and says whether anybody still reads.
    fn show(&mut self, status: &SetupStatus, seconds: u64, output: &Output) -> Result<bool> {
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
        output.is_read(&format!(
            "{text}\n{now}; looks again every {}, until Ctrl-C",
            every(seconds)
        ))
    }

    /// The lines that the look before did not show, however wide their columns were.
    fn news(&mut self, lines: impl Iterator<Item = String>, output: &Output) -> Result<bool> {
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let lines: Vec<String> = lines.collect();
        let is_new = |line: &&String| !self.seen.contains(&words(line));
        let new: Vec<&str> = lines.iter().filter(is_new).map(String::as_str).collect();
        let is_read = new.is_empty() || output.is_read(&new.join("\n"))?;
        self.seen = lines.iter().map(|line| words(line)).collect();
        Ok(is_read)
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
