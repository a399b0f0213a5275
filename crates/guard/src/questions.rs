//! The questions that people are asked by this process: one about each change,
//! and no more at once than a person can look at.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::approvals::MOST_WAITING;
use super::{Guard, Proposal};
use skyswitch_domain::error::{Code, Error, Result};

/// How long a question counts as open whose answer comes with another call: who
/// has closed it without a word can be asked again after that.
const OPEN_BETWEEN_CALLS: Duration = Duration::from_secs(60);

/// The open questions by the effect of their changes, with the moment from which
/// each no longer counts; `None` for those that are closed in any case.
#[derive(Debug, Default)]
pub(super) struct Questions {
    open: Mutex<HashMap<String, Option<Instant>>>,
}

impl Questions {
    fn open(&self, effect: &str, until: Option<Instant>, most: usize) -> Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        open.retain(|_, until| until.is_none_or(|until| until > now));
        if open.contains_key(effect) {
            return Err(Error::new(
                Code::Blocked,
                "a question about this very change is open already, so nobody was asked a second time and nothing was changed",
                "Wait for the answer to that question instead of sending the same change again; a question that nobody \
                 looks at any more can be asked again after a minute.",
            ));
        }
        if open.len() >= most {
            return Err(Error::new(
                Code::Blocked,
                format!(
                    "{most} questions are open already, so this one was not shown to anybody and nothing was changed"
                ),
                "Let the person answer those first, then try again.",
            ));
        }
        open.insert(effect.to_owned(), until);
        Ok(())
    }

    fn close(&self, effect: &str) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.remove(effect);
    }
}

/// A question that is open as long as this is held.
pub(super) struct OpenQuestion<'a> {
    questions: &'a Questions,
    effect: String,
}

impl Drop for OpenQuestion<'_> {
    fn drop(&mut self) {
        self.questions.close(&self.effect);
    }
}

impl Guard {
    /// Lets a person be asked about a change while what is returned is held.
    ///
    /// # Errors
    /// `blocked` where the same is asked already, or as many questions are open
    /// as one person can look at.
    pub(super) fn open_question(&self, about: &impl Proposal) -> Result<OpenQuestion<'_>> {
        let effect = self.effect(about);
        self.questions.open(&effect, None, most(about))?;
        Ok(OpenQuestion {
            questions: &self.questions,
            effect,
        })
    }

    /// Opens a question whose answer comes with another call.
    ///
    /// # Errors
    /// As above.
    pub(super) fn open_between_calls(&self, about: &impl Proposal) -> Result<()> {
        let until = Instant::now().checked_add(OPEN_BETWEEN_CALLS);
        let effect = self.effect(about);
        self.questions.open(&effect, until, most(about))
    }

    /// The answer to such a question has come, or it is asked once more.
    pub(super) fn close_between_calls(&self, about: &impl Proposal) {
        self.questions.close(&self.effect(about));
    }
}

/// Nothing keeps a person from ending a loss of calls.
fn most(about: &impl Proposal) -> usize {
    match about.ends_a_loss() {
        true => usize::MAX,
        false => MOST_WAITING as usize,
    }
}
