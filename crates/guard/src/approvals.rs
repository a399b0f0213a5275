//! Approvals: changes that wait for a person at a terminal.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::pin::AnsweredAt;
use super::{
    ATTEMPTS, Answer, CONFIRMATION_LIFETIME, Clearance, Guard, NotAgreed, Pending, Preview,
    Proposal, Verdict, stale,
};
use crate::store::{Approval, ApprovalState, NewApproval, Store};
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::program;
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::first_few;

/// Changes that may wait for a person at once. One that is asked to look at
/// more looks at none.
pub(super) const MOST_WAITING: u32 = 20;

/// How often it is looked whether another process has settled what is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(300);

/// What became of a change that waits, once a person has done something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// It may be made.
    Approved,
    /// Something else was typed; the person is asked once more.
    AskAgain(Preview),
    /// It is not made.
    NotAgreed(NotAgreed),
    /// Nobody decided; it still waits.
    Waits,
}

impl Guard {
    /// The changes that wait for a person at a terminal.
    ///
    /// # Errors
    /// `internal` when the state folder cannot be used.
    pub async fn waiting(&self) -> Result<Vec<Approval>> {
        let now = Timestamp::now().as_second();
        let wants_pin = self.pin_is_set()?;
        let mut waiting = self.asked_in().await?.waiting(now).await?;
        for approval in &mut waiting {
            approval.preview = approval.preview.clone().wanting_pin(wants_pin);
        }
        Ok(waiting)
    }

    /// What became of the change under this code, for ten minutes after its expiry.
    ///
    /// # Errors
    /// `internal` when the state folder cannot be used.
    pub async fn remembered(&self, code: &str) -> Result<Option<Approval>> {
        self.asked_in().await?.approval(code).await
    }

    /// The store in which changes wait. One that was removed while this process ran
    /// is not begun again: an empty one would say that nothing waits.
    async fn asked_in(&self) -> Result<Arc<Store>> {
        match self.store.was_removed().await {
            true => Err(self.store.replaced()),
            false => self.store().await,
        }
    }

    /// Waits until a change that waits is settled, wherever that is done: true
    /// where it was decided or has expired, false where it is gone, because
    /// another call asks for the same in its place.
    ///
    /// # Errors
    /// `internal` when the state folder cannot be used.
    pub async fn is_settled(&self, code: &str) -> Result<bool> {
        loop {
            // Made before looking, so that nothing is missed in between.
            let settled_here = self.settled.notified();
            let now = Timestamp::now().as_second();
            match self.asked_in().await?.approval(code).await? {
                Some(approval) if approval.ending(now).is_none() => {}
                Some(_) => return Ok(true),
                None => return Ok(false),
            }
            tokio::select! {
                () = settled_here => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
        }
    }

    /// A change that waits, by its code in any writing.
    ///
    /// # Errors
    /// `not_found` when no such change waits any more.
    pub async fn waiting_under(&self, code: &str) -> Result<Approval> {
        let typed: String = code
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|letter| letter.to_ascii_uppercase())
            .collect();
        let waiting = self.waiting().await?;
        let found = waiting
            .into_iter()
            .find(|approval| approval.code.replace('-', "") == typed);
        found.ok_or_else(|| no_such_approval(code))
    }

    /// Settles a change that waits by what the person did. Something else than
    /// the value leaves it waiting until it was typed for the last time.
    ///
    /// # Errors
    /// `not_found` when it was settled or expired meanwhile; `blocked` after
    /// too many wrong PINs.
    pub async fn settle(&self, approval: &Approval, answer: &Answer) -> Result<Settled> {
        self.settle_at(AnsweredAt::Person, approval, answer).await
    }

    /// The same on the approval page, which everybody can open who has read the
    /// link. A wrong PIN there ends no question, and takes no try away from the
    /// person at a terminal.
    ///
    /// # Errors
    /// As above.
    pub async fn settle_on_page(&self, approval: &Approval, answer: &Answer) -> Result<Settled> {
        self.settle_at(AnsweredAt::Page, approval, answer).await
    }

    async fn settle_at(
        &self,
        at: AnsweredAt,
        approval: &Approval,
        answer: &Answer,
    ) -> Result<Settled> {
        let now = Timestamp::now().as_second();
        let (code, preview) = (&approval.code, &approval.preview);
        let store = self.asked_in().await?;
        let answer = &self.checked(answer.clone(), preview, at).await?;
        let (done, settled) = match answer {
            answer if preview.is_agreed_to_by(answer) => {
                let approved = ApprovalState::Approved;
                let done = store.advance(code, ApprovalState::Waiting, approved, now);
                (done.await?, Settled::Approved)
            }
            Answer::Declined => {
                let declined = ApprovalState::Declined;
                let done = store.advance(code, ApprovalState::Waiting, declined, now);
                (done.await?, Settled::NotAgreed(NotAgreed::Declined))
            }
            Answer::WrongPin if at == AnsweredAt::Page => {
                let again = preview.clone().with_problem(
                    "That is not the PIN. Nothing was changed yet. After three wrong ones, this page looks at none \
                     for a while."
                        .to_owned(),
                );
                (true, Settled::AskAgain(again))
            }
            Answer::Typed(_) | Answer::WithPin { .. } | Answer::WrongPin => {
                let missed = store.note_miss(code, ATTEMPTS, now).await?;
                let left = missed.map(|misses| ATTEMPTS.saturating_sub(misses));
                match left.map(|left| (left, preview.asked_again(answer, left))) {
                    None => (false, Settled::Waits),
                    Some((1.., Some(again))) => (true, Settled::AskAgain(again)),
                    Some(_) => (true, Settled::NotAgreed(NotAgreed::WrongValue)),
                }
            }
            _ => (true, Settled::Waits),
        };
        if !done {
            return Err(no_such_approval(code));
        }
        if let Settled::NotAgreed(why) = settled {
            self.note(&approval.effect, why).await?;
        }
        self.settled.notify_waiters();
        Ok(settled)
    }

    /// Decides by what a person did at a terminal, or puts the change before one.
    pub(super) async fn by_terminal<P: Proposal>(
        &self,
        change: P,
        seen: Instant,
        asked_by: &str,
        paused: Option<NotAgreed>,
    ) -> Result<Verdict<P>> {
        let store = self.store().await?;
        let (binding, effect) = (self.binding(&change), self.effect(&change));
        let fingerprint = change.fingerprint();
        let now = Timestamp::now();
        let found = store.find_approval(&binding, now.as_second()).await?;
        if let Some(approval) = found {
            let same_state = approval.fingerprint == fingerprint;
            match approval.state() {
                ApprovalState::Waiting if same_state => {
                    return Ok(Verdict::Pending(self.pending(&change, &approval)?));
                }
                decided @ (ApprovalState::Approved | ApprovalState::Declined) => {
                    let first = store
                        .advance(
                            &approval.code,
                            decided,
                            ApprovalState::Used,
                            now.as_second(),
                        )
                        .await?;
                    if first && decided == ApprovalState::Declined {
                        return Ok(Verdict::NotAgreed(approval.why_not_agreed()));
                    }
                    if first && same_state {
                        return Ok(Verdict::Cleared(Clearance::grant(change, seen)));
                    }
                    if first {
                        return Err(stale(&change));
                    }
                }
                // The route changed before anybody decided: a new code is due.
                _ => {}
            }
        }
        if let Some(why) = paused {
            return Ok(Verdict::Paused(why));
        }
        let code = approval_code();
        let expires_at = now + CONFIRMATION_LIFETIME;
        let preview = self.preview(&change)?;
        let new = NewApproval {
            code: &code,
            realm: &self.realm,
            binding: &binding,
            effect: &effect,
            fingerprint: &fingerprint,
            preview: &preview,
            asked_by,
            expires_at: expires_at.as_second(),
        };
        // Nothing keeps a person from ending a loss of calls.
        let most = match change.ends_a_loss() {
            true => u32::MAX,
            false => MOST_WAITING,
        };
        if !store.add_approval(&new, most, now.as_second()).await? {
            let mut waiting = self.waiting().await?;
            waiting.retain(|approval| approval.realm == self.realm);
            return Err(too_many(&waiting));
        }
        Ok(Verdict::Pending(Pending {
            preview,
            approval_code: Some(code),
            confirmation: None,
            only_at_terminal: change.asks_a_person(),
            asked_before: false,
            expires_at,
        }))
    }

    fn pending(&self, change: &impl Proposal, approval: &Approval) -> Result<Pending> {
        Ok(Pending {
            preview: self.preview(change)?,
            approval_code: Some(approval.code.clone()),
            confirmation: None,
            only_at_terminal: change.asks_a_person(),
            asked_before: true,
            expires_at: Timestamp::from_second(approval.expires_at).unwrap_or(Timestamp::MIN),
        })
    }
}

/// The refusal of one more change that would wait.
fn too_many(waiting: &[Approval]) -> Error {
    const NAMED: usize = 5;
    let codes = waiting.iter().map(|approval| &approval.code);
    Error::new(
        Code::Blocked,
        format!(
            "{} changes wait for a person already ({}), so this one was not shown to anybody and nothing was changed",
            waiting.len(),
            first_few(NAMED, codes)
        ),
        format!(
            "Ask the person to approve or decline what waits, in a terminal with `{} approve` or on the approval page; \
             what nobody decides expires within five minutes.",
            program()
        ),
    )
}

fn no_such_approval(code: &str) -> Error {
    Error::new(
        Code::NotFound,
        format!("no pending change has the code `{}`", shown(code, 40)),
        format!(
            "It was approved or declined, its time is over, or a newer question about the same change replaced it; `{} approve` lists the pending changes.",
            program()
        ),
    )
    .with_field("code")
}

/// Eight letters and digits that cannot be mistaken for one another, as `K7QM-3XPD`.
fn approval_code() -> String {
    const LETTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    let letter = || char::from(LETTERS[usize::from(rand::random::<u8>() & 31)]);
    let half = || (0..4).map(|_| letter()).collect::<String>();
    format!("{}-{}", half(), half())
}
