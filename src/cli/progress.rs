//! How far a long command is, for a person at the terminal.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::ops::Progress;

/// A bar on the terminal, or nothing where there is none.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub fn new() -> Bar {
        let target = match std::io::stderr().is_terminal() {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        // Fails only for a template that is wrong, which the plain style is not.
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len}, {eta} left") {
            bar.set_style(style);
        }
        Bar(bar)
    }

    /// Lets something else write on the terminal.
    pub fn beside(&self, write: impl FnOnce()) {
        self.0.suspend(write);
    }

    pub fn end(&self) {
        self.0.finish_and_clear();
    }
}

impl Progress for Bar {
    fn report(&self, done: usize, total: usize, _: &str) {
        if total == 0 {
            return;
        }
        self.0.set_length(u64::try_from(total).unwrap_or(u64::MAX));
        self.0.set_position(u64::try_from(done).unwrap_or(u64::MAX));
    }
}
