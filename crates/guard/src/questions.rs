//! Asking with forms, during a call or between two: one question about each
//! change at a time, no more at once than a person can look at, and once more
//! after a slip.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::approvals::MOST_WAITING;
use super::pin::AnsweredAt;
use super::sealed::Purpose;
use super::{
    ATTEMPTS, Answer, AskPerson, Clearance, Guard, NotAgreed, Preview, Proposal, Question, Verdict,
    stale,
};
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
struct OpenQuestion<'a> {
    questions: &'a Questions,
    effect: String,
}

impl Drop for OpenQuestion<'_> {
    fn drop(&mut self) {
        self.questions.close(&self.effect);
    }
}

impl Guard {
    /// Asks a person during the call, and once more where something else was
    /// typed than the value: a slip is not a no. Gives the last answer.
    ///
    /// # Errors
    /// `blocked` where the same is asked already, or as many questions are open
    /// as one person can look at.
    pub async fn ask(&self, person: &dyn AskPerson, change: &impl Proposal) -> Result<Answer> {
        let _open = self.open_question(change)?;
        let mut preview = self.preview(change)?;
        let mut attempts_left = ATTEMPTS;
        loop {
            attempts_left -= 1;
            let answer = self
                .checked(person.ask(&preview).await, &preview, AnsweredAt::Person)
                .await?;
            match preview.asked_again(&answer, attempts_left) {
                Some(again) if attempts_left > 0 => preview = again,
                _ => return Ok(answer),
            }
        }
    }

    /// Asks with the result of one call and decides with the next.
    pub(super) async fn between_calls<P: Proposal>(
        &self,
        change: P,
        seen: Instant,
        state: Option<&str>,
        answer: Option<&Answer>,
    ) -> Result<Verdict<P>> {
        let binding = self.binding(&change);
        let preview = self.preview(&change)?;
        let (Some(state), Some(answer)) = (state, answer) else {
            // One without the other consents to nothing: ask (again).
            if state.is_some() || answer.is_some() {
                self.close_between_calls(&change);
            }
            return self.ask_between(&change, preview, 0).await;
        };
        let Some(opened) = self.open_once(Purpose::Form, &binding, state).await? else {
            return Ok(Verdict::NotAgreed(NotAgreed::Expired));
        };
        self.close_between_calls(&change);
        let answer = &self
            .checked(answer.clone(), &preview, AnsweredAt::Person)
            .await?;
        let misses = opened.misses + 1;
        if misses < ATTEMPTS
            && let Some(again) = preview.asked_again(answer, ATTEMPTS - misses)
        {
            return self.ask_between(&change, again, misses).await;
        }
        if !preview.is_agreed_to_by(answer) {
            let why = self.without_consent(&change, answer).await?;
            return Ok(Verdict::NotAgreed(why));
        }
        if opened.fingerprint != change.fingerprint() {
            return Err(stale(&change));
        }
        Ok(Verdict::Cleared(Clearance::grant(change, seen)))
    }

    /// The question whose answer comes with the next call.
    async fn ask_between<P: Proposal>(
        &self,
        change: &P,
        preview: Preview,
        misses: u8,
    ) -> Result<Verdict<P>> {
        let (seal, binding) = (self.seal().await?, self.binding(change));
        let state = seal.close(Purpose::Form, &binding, &change.fingerprint(), misses);
        self.open_between_calls(change)?;
        Ok(Verdict::AskBetween(Question {
            preview,
            state,
            link: None,
        }))
    }

    /// Lets a person be asked about a change while what is returned is held.
    ///
    /// # Errors
    /// `blocked` where the same is asked already, or as many questions are open
    /// as one person can look at.
    fn open_question(&self, about: &impl Proposal) -> Result<OpenQuestion<'_>> {
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
    fn open_between_calls(&self, about: &impl Proposal) -> Result<()> {
        let until = Instant::now().checked_add(OPEN_BETWEEN_CALLS);
        let effect = self.effect(about);
        self.questions.open(&effect, until, most(about))
    }

    /// The answer to such a question has come, or it is asked once more.
    fn close_between_calls(&self, about: &impl Proposal) {
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
