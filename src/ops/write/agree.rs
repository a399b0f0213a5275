//! Agreement to a change: plan on what exists, let the guard decide, and plan
//! again where a person was asked meanwhile.

use std::time::Instant;

use crate::app::App;
pub use crate::ops::write::confirmation::Confirmation;
use crate::ops::write::locks::{Held, Turn};
use crate::ops::write::waiting::Waited;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::operator_can;
use skyswitch_guard::store::JournalPosition;
use skyswitch_guard::{Answer, Author, Channel, Clearance, NotAgreed, Proposal, Question, Verdict};

/// The result of an operation that may have to ask a person first.
#[derive(Debug)]
pub enum Asked<T> {
    /// It is decided, one way or the other.
    Done(T),
    /// Return this question; the answer comes with the next call.
    Question(Question),
}

impl<T> Asked<T> {
    /// The same with another outcome.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Asked<U> {
        match self {
            Asked::Done(done) => Asked::Done(f(done)),
            Asked::Question(question) => Asked::Question(question),
        }
    }
}

/// What came of asking for consent: the one result that every operation goes
/// by. `D` is a change that may be made now and, after [`Agreement::then`],
/// what was made.
pub(in crate::ops) enum Agreement<D> {
    /// Nothing is to be done.
    Nothing,
    /// It may be done, or was done.
    Reached(D),
    /// It waits for a person.
    Waits(Confirmation),
    /// The person did not agree, with what that allows.
    NotAgreed(NotAgreed, Confirmation),
}

/// What may be done now.
pub(in crate::ops) struct Cleared<P: Proposal> {
    pub clearance: Clearance<P>,
    /// Where the journal was when it was planned: nothing is sent where another
    /// change to the same ended later.
    pub seen: JournalPosition,
    /// The turn that it was planned in, held until it is done.
    pub turn: Held,
    /// What was done before it. A result tells it, and so does a failure.
    pub done_before: Vec<String>,
}

/// What an operation knows beside its status: every one can say more.
pub(in crate::ops) trait Facts {
    /// Things worth a second look, as the result tells them.
    fn warnings(&mut self) -> &mut Vec<String>;
}

impl Facts for Vec<String> {
    fn warnings(&mut self) -> &mut Vec<String> {
        self
    }
}

/// The words that the status of every operation has for what was not agreed to.
pub trait Status: Sized {
    /// A person must agree first.
    const CONFIRMATION_REQUIRED: Self;

    /// The word for a person who did not agree.
    fn not_agreed(why: NotAgreed) -> Self;

    /// Whether a person was to agree and did not.
    fn is_not_agreed(&self) -> bool;
}

/// Gives the status of an operation those words.
macro_rules! asks_a_person {
    ($status:ident) => {
        impl $crate::ops::write::agree::Status for $status {
            const CONFIRMATION_REQUIRED: Self = Self::ConfirmationRequired;

            fn not_agreed(why: ::skyswitch_guard::NotAgreed) -> Self {
                match why {
                    ::skyswitch_guard::NotAgreed::Declined => Self::Declined,
                    ::skyswitch_guard::NotAgreed::WrongValue => Self::WrongValue,
                    ::skyswitch_guard::NotAgreed::Expired => Self::Lapsed,
                    ::skyswitch_guard::NotAgreed::NoAnswer => Self::NoAnswer,
                }
            }

            fn is_not_agreed(&self) -> bool {
                matches!(
                    self,
                    Self::Declined | Self::WrongValue | Self::Lapsed | Self::NoAnswer
                )
            }
        }
    };
}
pub(in crate::ops) use asks_a_person;

impl<D> Agreement<D> {
    /// Does what was agreed to.
    pub async fn then<E>(self, act: impl AsyncFnOnce(D) -> Result<E>) -> Result<Agreement<E>> {
        Ok(match self {
            Agreement::Nothing => Agreement::Nothing,
            Agreement::Reached(agreed) => Agreement::Reached(act(agreed).await?),
            Agreement::Waits(confirmation) => Agreement::Waits(confirmation),
            Agreement::NotAgreed(why, confirmation) => Agreement::NotAgreed(why, confirmation),
        })
    }

    /// What was done, if anything.
    pub fn reached(&self) -> Option<&D> {
        match self {
            Agreement::Reached(done) => Some(done),
            _ => None,
        }
    }

    /// The status of a result, and what is still to be confirmed.
    pub fn status<S: Status>(self, nothing: S, done: S) -> (S, Confirmation) {
        match self {
            Agreement::Nothing => (nothing, Confirmation::default()),
            Agreement::Reached(_) => (done, Confirmation::default()),
            Agreement::Waits(confirmation) => (S::CONFIRMATION_REQUIRED, confirmation),
            Agreement::NotAgreed(why, confirmation) => (S::not_agreed(why), confirmation),
        }
    }

    /// Nobody agreed; `was_asked` is false where that was a moment ago, and nobody
    /// was asked again.
    fn not_agreed(why: NotAgreed, was_asked: bool, author: Author) -> Agreement<D> {
        Agreement::NotAgreed(why, Confirmation::refused(why, was_asked, author))
    }
}

/// The frame of every operation that changes something: whose turn it needs,
/// and how a person is reached.
pub(in crate::ops) struct Attempt<'a> {
    pub app: &'a App,
    pub channel: &'a Channel<'a>,
    pub turn: Turn<'a>,
    /// The import that is continued, whose own changes are made again.
    pub continued: Option<&'a str>,
}

/// A plan with what it was made on.
struct Planned<P, T> {
    proposal: Option<P>,
    facts: T,
    /// When the read began.
    read_at: Instant,
    seen: JournalPosition,
    turn: Held,
}

impl<'a> Attempt<'a> {
    /// One that begins something new.
    pub fn new(app: &'a App, channel: &'a Channel<'a>, turn: Turn<'a>) -> Attempt<'a> {
        Attempt {
            app,
            channel,
            turn,
            continued: None,
        }
    }

    /// Waits for its turn, closes what was cut off, reads and plans.
    ///
    /// # Errors
    /// Those of planning, and `internal` when the store cannot be used.
    async fn planned<P, T, F>(&self, plan: &impl Fn() -> F) -> Result<Planned<P, T>>
    where
        P: Proposal,
        F: Future<Output = Result<(Option<P>, T)>> + Send,
    {
        let turn = self.app.wait_for(self.turn).await?;
        let again = self.continued;
        let app = self.app;
        Box::pin(app.reconcile_before_planning(self.turn, again)).await?;
        // Logging in is not part of the read.
        self.app.client()?.token(false).await?;
        let read_at = Instant::now();
        let seen = self.app.journal().position().await?;
        // What planning and closing hold is large, and one within the other: each in its own place.
        let (proposal, facts) = Box::pin(plan()).await?;
        let proposal = match proposal {
            Some(proposal) => Some(self.named(proposal).await),
            None => None,
        };
        Ok(Planned {
            proposal,
            facts,
            read_at,
            seen,
            turn,
        })
    }

    /// Gives a proposal the names that people know.
    async fn named<P: Proposal>(&self, proposal: P) -> P {
        let Some((account, domain)) = proposal.customer() else {
            return proposal;
        };
        self.app.read_names(account, domain).await;
        let names = self.app.names(Some(account)).of_customer(domain);
        proposal.named(names)
    }

    /// Only plans, in the same way.
    ///
    /// # Errors
    /// Those of planning, and `internal` when the store cannot be used.
    pub async fn only_plan<P, T, F>(&self, plan: impl Fn() -> F) -> Result<T>
    where
        P: Proposal,
        F: Future<Output = Result<(Option<P>, T)>> + Send,
    {
        Ok(self.planned(&plan).await?.facts)
    }

    /// Removes rules whose last day is over, and then plans and lets the guard
    /// decide. The result tells what was removed, or the next one where this is a
    /// question.
    ///
    /// # Errors
    /// `read_only`, the guard's errors, and those of planning.
    pub async fn agree<P, T, F>(
        &self,
        plan: impl Fn() -> F + Send + Sync,
    ) -> Result<Asked<(T, Agreement<Cleared<P>>)>>
    where
        P: Proposal,
        T: Facts,
        F: Future<Output = Result<(Option<P>, T)>> + Send,
    {
        let app = self.app;
        if app.settings().read_only {
            return Err(read_only());
        }
        // Its turn must not be taken yet.
        let told = app.end_due_first().await;
        match Box::pin(self.decide(plan)).await {
            Ok(Asked::Done((mut facts, mut agreement))) => {
                if let Agreement::Reached(cleared) = &mut agreement {
                    cleared.done_before.clone_from(&told);
                }
                facts.warnings().extend(told);
                Ok(Asked::Done((facts, agreement)))
            }
            Ok(Asked::Question(question)) => {
                app.ends().tell_later(told);
                Ok(Asked::Question(question))
            }
            Err(error) => Err(failed_after(&told, error)),
        }
    }

    /// Plans, and lets the guard decide.
    ///
    /// `plan` reads what exists, and gives what to do about it, if anything,
    /// and what the result will say beside the status. It is called again after
    /// a person was asked during the call, so that what is cleared was decided
    /// on what exists right then. A client that fails to show its form goes on
    /// like one without forms, with a plan of its own, because the question
    /// took time.
    async fn decide<P, T, F>(
        &self,
        plan: impl Fn() -> F + Send + Sync,
    ) -> Result<Asked<(T, Agreement<Cleared<P>>)>>
    where
        P: Proposal,
        F: Future<Output = Result<(Option<P>, T)>> + Send,
    {
        let app = self.app;
        let first = self.planned(&plan).await?;
        let Some(proposal) = first.proposal else {
            return Ok(Asked::Done((first.facts, Agreement::Nothing)));
        };
        let decided = app.guard().decide(
            proposal.clone(),
            first.read_at,
            app.author(),
            &app.asked_by,
            self.channel,
        );
        let agreement = match decided.await? {
            Verdict::Cleared(clearance) => Agreement::Reached(Cleared {
                clearance,
                seen: first.seen,
                turn: first.turn,
                done_before: Vec::new(),
            }),
            Verdict::AskDuring => {
                // Others may work on this while the person makes up their mind.
                drop(first.turn);
                let (answer, links, absent) = match self.channel {
                    Channel::During(person) => {
                        let answer = app.guard().ask(*person, &proposal).await?;
                        (answer, person.links(), person.absent())
                    }
                    _ => (Answer::NoAnswer, None, None),
                };
                if let Answer::NotShown { confirmation } = answer {
                    let elsewhere = Channel::Elsewhere {
                        confirmation: confirmation.as_deref(),
                        form_failed: true,
                        links,
                    };
                    let channel = &elsewhere;
                    return Box::pin(Attempt { channel, ..*self }.decide(plan)).await;
                }
                if !app.guard().is_consent(&answer, &proposal) {
                    let why = app.guard().without_consent(&proposal, &answer).await?;
                    let agreement = match absent {
                        Some(otherwise) => {
                            Agreement::NotAgreed(why, Confirmation::of_nobody(otherwise))
                        }
                        None => Agreement::not_agreed(why, true, app.author()),
                    };
                    return Ok(Asked::Done((first.facts, agreement)));
                }
                let again = self.planned(&plan).await?;
                let agreement = match again.proposal {
                    None => Agreement::Nothing,
                    Some(now) => Agreement::Reached(Cleared {
                        clearance: app.guard().decide_answer(
                            &proposal,
                            now,
                            again.read_at,
                            &answer,
                        )?,
                        seen: again.seen,
                        turn: again.turn,
                        done_before: Vec::new(),
                    }),
                };
                return Ok(Asked::Done((again.facts, agreement)));
            }
            Verdict::AskBetween(question) => return Ok(Asked::Question(question)),
            Verdict::Pending(pending) => {
                // Others may work on this while the person makes up their mind.
                drop(first.turn);
                let asked_before = pending.asked_before;
                let waits = match app.wait_for_person(pending, self.channel).await? {
                    Asked::Question(question) => return Ok(Asked::Question(question)),
                    Asked::Done(waits) => waits,
                };
                let is_known = asked_before || waits.is_before_the_person;
                match app
                    .wait_until_settled(&waits.confirmation, is_known)
                    .await?
                {
                    Waited::Settled => return Box::pin(self.decide(plan)).await,
                    Waited::Replaced => {
                        Agreement::NotAgreed(NotAgreed::Expired, Confirmation::replaced())
                    }
                    Waited::LongEnough => Agreement::Waits(waits.confirmation),
                }
            }
            Verdict::NotAgreed(why) => Agreement::not_agreed(why, true, app.author()),
            Verdict::Paused(why) => Agreement::not_agreed(why, false, app.author()),
        };
        Ok(Asked::Done((first.facts, agreement)))
    }
}

/// A failure, with what was done before it.
pub(in crate::ops) fn failed_after(done_before: &[String], error: Error) -> Error {
    match done_before {
        [] => error,
        done => error.with_more_hint(&format!("Before that: {}.", done.join(". "))),
    }
}

/// The refusal of any change while the operator allows reading only.
pub(crate) fn read_only() -> Error {
    Error::new(
        Code::ReadOnly,
        "changes are switched off here (read-only), so nothing was sent",
        operator_can("start without `--read-only` and unset SKYSWITCH_READ_ONLY or `read_only`"),
    )
}
