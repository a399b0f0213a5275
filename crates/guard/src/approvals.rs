//! Approvals: changes that wait for a person at a terminal.

use std::time::Instant;

use jiff::Timestamp;

use super::{Answer, CONFIRMATION_LIFETIME, Clearance, Guard, Pending, Proposal, Verdict, stale};
use crate::store::{Approval, ApprovalState, NewApproval};
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::first_few;

/// Changes that may wait for a person at once. One that is asked to look at
/// more looks at none.
pub(super) const MOST_WAITING: u32 = 20;

impl Guard {
    /// The changes that wait for a person at a terminal.
    ///
    /// # Errors
    /// `internal` when the state folder cannot be used.
    pub async fn waiting(&self) -> Result<Vec<Approval>> {
        let now = Timestamp::now().as_second();
        self.store().await?.waiting(now).await
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

    /// Settles a change that waits by what the person typed: true when it is
    /// approved now, false when it is declined.
    ///
    /// # Errors
    /// `not_found` when it was settled or lapsed meanwhile.
    pub async fn settle(&self, approval: &Approval, answer: &Answer) -> Result<bool> {
        let asked_for = approval.preview.asks_for();
        let agreed = matches!(answer, Answer::Typed(text) if asked_for.is_typed_as(text));
        let state = match agreed {
            true => ApprovalState::Approved,
            false => ApprovalState::Declined,
        };
        let now = Timestamp::now().as_second();
        let store = self.store().await?;
        if store
            .advance(&approval.code, ApprovalState::Waiting, state, now)
            .await?
        {
            if *answer == Answer::Declined {
                self.note_decline(&approval.binding).await?;
            }
            Ok(agreed)
        } else {
            Err(no_such_approval(&approval.code))
        }
    }

    /// Decides by what a person did at a terminal, or puts the change before one.
    pub(super) async fn by_terminal<P: Proposal>(
        &self,
        change: P,
        seen: Instant,
        is_paused: bool,
    ) -> Result<Verdict<P>> {
        let store = self.store().await?;
        let binding = self.binding(&change);
        let fingerprint = change.fingerprint();
        let now = Timestamp::now();
        let found = store.find_approval(&binding, now.as_second()).await?;
        if let Some(approval) = found {
            let same_state = approval.fingerprint == fingerprint;
            match approval.state() {
                ApprovalState::Waiting if same_state => {
                    return Ok(Verdict::Pending(pending(&change, &approval)));
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
                        return Ok(Verdict::Declined);
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
        if is_paused {
            return Ok(Verdict::Declined);
        }
        let code = approval_code();
        let expires_at = now + CONFIRMATION_LIFETIME;
        let preview = change.preview();
        let new = NewApproval {
            code: &code,
            binding: &binding,
            fingerprint: &fingerprint,
            preview: &preview,
            expires_at: expires_at.as_second(),
        };
        if !store
            .add_approval(&new, MOST_WAITING, now.as_second())
            .await?
        {
            return Err(too_many(&self.waiting().await?));
        }
        Ok(Verdict::Pending(Pending {
            preview,
            approval_code: Some(code),
            confirmation: None,
            only_at_terminal: change.asks_a_person(),
            expires_at,
        }))
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
        "Ask the person to approve or decline what waits, in a terminal with `skyswitch approve` or on the approval page; \
         what nobody decides lapses within five minutes.",
    )
}

fn no_such_approval(code: &str) -> Error {
    Error::new(
        Code::NotFound,
        format!("no pending change has the code `{}`", shown(code, 40)),
        "It was already approved or declined, or its time is over; `skyswitch approve` lists the pending changes.",
    )
    .with_field("code")
}

fn pending(change: &impl Proposal, approval: &Approval) -> Pending {
    Pending {
        preview: change.preview(),
        approval_code: Some(approval.code.clone()),
        confirmation: None,
        only_at_terminal: change.asks_a_person(),
        expires_at: Timestamp::from_second(approval.expires_at).unwrap_or(Timestamp::MIN),
    }
}

/// Eight letters and digits that cannot be mistaken for one another, as `K7QM-3XPD`.
fn approval_code() -> String {
    const LETTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    let letter = || char::from(LETTERS[usize::from(rand::random::<u8>() & 31)]);
    let half = || (0..4).map(|_| letter()).collect::<String>();
    format!("{}-{}", half(), half())
}
