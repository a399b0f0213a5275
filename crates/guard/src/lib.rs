//! The confirmation guard: the only maker of [`Clearance`], without which the
//! client writes nothing.
//!
//! A destructive change is cleared when a person saw exactly that change and
//! typed the value it asks for. How the person is reached differs by
//! [`Channel`]; what counts as consent is decided here and nowhere else.

mod approvals;
mod attestation;
mod change;
mod clearance;
mod closing;
mod declines;
mod fallback;
mod limits;
mod mode;
mod names;
mod note;
mod person;
mod piece;
mod pin;
mod plan;
mod preview;
mod proposal;
mod questions;
mod rule;
mod sealed;
pub mod store;
mod typed;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::Notify;

pub use approvals::Settled;
pub use attestation::AttestStep;
pub use change::{Change, Target};
pub use clearance::Clearance;
pub use closing::CloseEntry;
pub use declines::NotAgreed;
pub use fallback::{Fallback, FallbackReading, MayRoute};
pub use limits::{Author, DoubtfulDestinations, Limits};
pub use mode::ConfirmMode;
pub use names::CustomerNames;
pub use note::{Note, Until};
pub use person::{Answer, AskPerson, Channel, OfferLink, Offered};
pub use piece::{PieceChange, RoutingNames};
pub use plan::Plan;
pub use preview::{FactKind, Group, Line, Preview, Story};
pub use proposal::Proposal;
use questions::Questions;
pub use rule::{Doubt, Remark, RuleChange};
use sealed::{Purpose, Seal, Sealed};
pub use typed::TypedValue;

use crate::store::{SharedStore, Store};
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::wording::counted;
use skyswitch_domain::{ask_again, operator_can};

/// How long a confirmation may be answered and used.
pub const CONFIRMATION_LIFETIME: Duration = Duration::from_secs(300);

/// How often a person may type the value of one question.
const ATTEMPTS: u8 = 3;

/// How long a used confirmation is remembered: far longer than it lives, so
/// that a clock set back does not make it good again.
const USED_KEPT_FOR: Duration = Duration::from_secs(30 * 86_400);

/// What the guard makes of a change.
#[derive(Debug)]
pub enum Verdict<P: Proposal> {
    /// Go ahead.
    Cleared(Clearance<P>),
    /// Ask the person with [`Guard::ask`], and clear it only if everything is
    /// still as shown.
    AskDuring,
    /// Return this question; the answer comes with the next call.
    AskBetween(Question),
    /// The person has to act somewhere else first.
    Pending(Pending),
    /// The person was asked and did not agree.
    NotAgreed(NotAgreed),
    /// The person did not agree to the same a moment ago, and is not asked again
    /// so soon.
    Paused(NotAgreed),
}

/// A question to be answered with the next call of the same operation.
#[derive(Debug)]
pub struct Question {
    /// What the person is shown, word for word.
    pub preview: Preview,
    /// Sealed; to be handed back with the answer.
    pub state: String,
    /// The page on which the person decides, in place of a form.
    pub link: Option<String>,
}

/// A change that waits for its confirmation.
#[derive(Debug, Clone)]
pub struct Pending {
    /// What the person is to be shown, word for word.
    pub preview: Preview,
    /// For `skyswitch approve`, in mode `human`.
    pub approval_code: Option<String>,
    /// To be sent back as `confirmation`, in mode `token`.
    pub confirmation: Option<String>,
    /// Whether a terminal is the only place to settle it: what a model could
    /// send to the approval page is not a person's statement.
    pub only_at_terminal: bool,
    /// Whether an earlier call has put it before a person already.
    pub asked_before: bool,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// The guard of one installation and one upstream.
#[derive(Debug)]
pub struct Guard {
    mode: ConfirmMode,
    limits: Limits,
    /// Which upstream this is for, so that a sandbox's consent is worth nothing elsewhere.
    realm: String,
    /// The profile whose settings are used, where the person chose one.
    profile: Option<String>,
    store: SharedStore,
    questions: Questions,
    /// Told whenever a person has settled something in this process.
    settled: Notify,
}

impl Guard {
    /// A guard that keeps its confirmations in `store` and its key beside it.
    /// Touches no disk yet.
    pub fn new(
        mode: ConfirmMode,
        limits: Limits,
        realm: impl Into<String>,
        store: SharedStore,
    ) -> Self {
        Guard {
            mode,
            limits,
            realm: realm.into(),
            profile: None,
            store,
            questions: Questions::default(),
            settled: Notify::new(),
        }
    }

    /// The same guard, whose previews name the profile that the person chose.
    #[must_use]
    pub fn of_profile(self, profile: Option<String>) -> Guard {
        Guard { profile, ..self }
    }

    /// Decides about a change that `author` asks for, who is known as `asked_by`,
    /// and whose present state was read just now, in a read that began at `seen`.
    ///
    /// # Errors
    /// `blocked`, `confirmation_invalid`, `confirmation_stale`, or `internal`
    /// when the state folder cannot be used. Nothing may be sent after any of them.
    pub async fn decide<P: Proposal>(
        &self,
        change: P,
        seen: Instant,
        author: Author,
        asked_by: &str,
        channel: &Channel<'_>,
    ) -> Result<Verdict<P>> {
        change.refuse_beyond(&self.limits)?;
        let count = match change.ends_a_loss() {
            true => 0,
            false => change.count(&self.limits),
        };
        self.refuse_beyond_hour(count, author).await?;
        let carries_consent = matches!(
            channel,
            Channel::Between {
                state: Some(_),
                answer: Some(_)
            } | Channel::Elsewhere {
                confirmation: Some(_),
                ..
            }
        );
        let needs_consent = change.needs_consent(&self.limits, author);
        if !needs_consent && !carries_consent {
            return Ok(Verdict::Cleared(Clearance::grant(change, seen)));
        }
        if self.mode == ConfirmMode::Block && needs_consent {
            return Err(Error::new(
                Code::Blocked,
                format!(
                    "the operator blocks destructive changes, so this was not done: {}",
                    change.preview().summary()
                ),
                operator_can("start the server with `--confirm human`"),
            ));
        }
        let paused = match author {
            Author::Program if !carries_consent => self.declined_lately(&change).await?,
            _ => None,
        };
        // With a PIN, only who knows it agrees.
        let asks_a_person = change.asks_a_person() || self.pin_is_set()?;
        match channel {
            Channel::Within => Ok(Verdict::Cleared(Clearance::grant(change, seen))),
            Channel::Given if asks_a_person => Err(Error::new(
                Code::ConfirmationInvalid,
                "no flag agrees to this: a person has to see it and type the value themselves",
                "Run the command at an interactive terminal without `--yes`.",
            )),
            Channel::Given => {
                self.limits.refuse_flag()?;
                Ok(Verdict::Cleared(Clearance::grant(change, seen)))
            }
            Channel::During(_) => Ok(paused.map_or(Verdict::AskDuring, Verdict::Paused)),
            Channel::Between { state, answer } => match paused {
                Some(why) => Ok(Verdict::Paused(why)),
                None => {
                    self.between_calls(change, seen, *state, answer.as_ref())
                        .await
                }
            },
            Channel::Elsewhere { confirmation, .. } => match (self.mode, confirmation) {
                (ConfirmMode::Token, confirmation) if !asks_a_person => match paused {
                    Some(why) => Ok(Verdict::Paused(why)),
                    None => self.by_token(change, seen, *confirmation).await,
                },
                (_, Some(_)) => Err(Error::new(
                    Code::ConfirmationInvalid,
                    "confirmation tokens are not accepted here: a person confirms each change",
                    "Call the tool again without `confirmation`; the result says how the person approves.",
                )
                .with_field("confirmation")),
                (_, None) => self.by_terminal(change, seen, asked_by, paused).await,
            },
        }
    }

    /// Refuses so many changes more than the hour may have.
    ///
    /// # Errors
    /// `blocked`, naming the setting; `internal` when the store cannot be used.
    pub async fn refuse_beyond_hour(&self, wanted: usize, author: Author) -> Result<()> {
        let now = Timestamp::now().as_millisecond();
        let Some((counted, most)) = self.limits.hourly(author, now).filter(|_| wanted > 0) else {
            return Ok(());
        };
        let made = match self.store.if_exists().await? {
            Some(store) => store.changes_within(&self.realm, counted).await?,
            None => 0,
        };
        let wanted = u64::try_from(wanted).unwrap_or(u64::MAX);
        self.limits.refuse_rate(most, made, wanted)
    }

    /// Whether an answer is consent to the change that was shown: the typed
    /// value, and nothing else.
    pub fn is_consent(&self, answer: &Answer, shown: &impl Proposal) -> bool {
        shown.preview().is_agreed_to_by(answer)
    }

    /// Clears a change after a person was asked during the call; `now` is the
    /// change as a fresh read plans it, right before it would be sent, and
    /// `seen` is when that read began.
    ///
    /// # Errors
    /// `confirmation_stale` when the person was shown something else;
    /// `confirmation_invalid` when the answer does not agree.
    pub fn decide_answer<P: Proposal>(
        &self,
        shown: &P,
        now: P,
        seen: Instant,
        answer: &Answer,
    ) -> Result<Clearance<P>> {
        if !self.is_consent(answer, shown) {
            return Err(sealed::invalid("the value typed is not the one asked for"));
        }
        if shown.fingerprint() != now.fingerprint() || self.binding(shown) != self.binding(&now) {
            return Err(stale(&now));
        }
        Ok(Clearance::grant(now, seen))
    }

    async fn by_token<P: Proposal>(
        &self,
        change: P,
        seen: Instant,
        token: Option<&str>,
    ) -> Result<Verdict<P>> {
        let binding = self.binding(&change);
        let Some(token) = token else {
            let seal = self.seal().await?;
            return Ok(Verdict::Pending(Pending {
                preview: self.preview(&change)?,
                approval_code: None,
                confirmation: Some(seal.close(Purpose::Token, &binding, &change.fingerprint(), 0)),
                only_at_terminal: false,
                asked_before: false,
                expires_at: Timestamp::now() + CONFIRMATION_LIFETIME,
            }));
        };
        let opened = self.open_once(Purpose::Token, &binding, token).await?;
        let opened = opened.ok_or_else(|| sealed::invalid("this confirmation has expired"))?;
        if opened.fingerprint != change.fingerprint() {
            return Err(stale(&change));
        }
        Ok(Verdict::Cleared(Clearance::grant(change, seen)))
    }

    /// Opens a sealed confirmation and uses it up, whatever the answer was;
    /// `None` where it has expired.
    async fn open_once(
        &self,
        purpose: Purpose,
        binding: &str,
        sealed: &str,
    ) -> Result<Option<Sealed>> {
        let opened = self.seal().await?.open(purpose, binding, sealed)?;
        if opened.has_expired() {
            return Ok(None);
        }
        let now = Timestamp::now();
        let kept_until = (now + USED_KEPT_FOR).as_second();
        let store = self.store().await?;
        if store
            .use_once(&opened.nonce, kept_until, now.as_second())
            .await?
        {
            Ok(Some(opened))
        } else {
            Err(sealed::invalid("this confirmation was used before"))
        }
    }

    /// What a person is shown, who is asked for the PIN where one is set.
    fn preview(&self, change: &impl Proposal) -> Result<Preview> {
        let preview = change.preview().of_profile(self.profile.as_deref());
        Ok(preview.wanting_pin(self.pin_is_set()?))
    }

    /// What a confirmation is for: upstream, account, tool and the change itself.
    fn binding(&self, change: &impl Proposal) -> String {
        change::digest(&(&self.realm, change.binding()))
    }

    /// What it comes to, in whatever writing: for what a person is not asked twice.
    fn effect(&self, change: &impl Proposal) -> String {
        change::digest(&(&self.realm, change.effect()))
    }

    /// Made for each use: key and store may be replaced while this process runs.
    async fn seal(&self) -> Result<Seal> {
        let store = self.store().await?;
        Seal::of_installation(self.store.folder(), store.installation())
    }

    async fn store(&self) -> Result<Arc<Store>> {
        self.store.get().await
    }
}

/// The first lines of a preview: a whole list of callers has no place in an error.
fn beginning_of(preview: &str) -> String {
    const LINES: usize = 20;
    let mut lines = preview.lines();
    let beginning: Vec<&str> = lines.by_ref().take(LINES).collect();
    let more = match lines.count() {
        0 => String::new(),
        n => format!("\n… and {}", counted(n, "more line")),
    };
    format!("{}{more}", beginning.join("\n"))
}

fn stale(now: &impl Proposal) -> Error {
    Error::new(
        Code::ConfirmationStale,
        format!(
            "this changed after the preview was shown, so nothing was changed. Now:\n{}",
            beginning_of(&now.preview().text())
        ),
        ask_again(),
    )
}
