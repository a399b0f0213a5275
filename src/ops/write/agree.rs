//! Agreement to a change: plan on what stands, let the guard decide, and plan
//! again where a person was asked meanwhile.

use std::time::Instant;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::ops::write::send::read_only;
use skyswitch_domain::error::Result;
use skyswitch_guard::{Answer, Change, Channel, Clearance, Pending, Preview, Verdict};

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

/// A question to be answered with the next call of the same operation.
#[derive(Debug)]
pub struct Question {
    /// What the person is shown, word for word.
    pub preview: Preview,
    /// Sealed; to be handed back with the answer.
    pub state: String,
}

/// What a result says of a confirmation that is still to be given.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Confirmation {
    /// What the person is to be shown, word for word.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub preview: Option<String>,
    /// The person approves with `skyswitch approve CODE` in a terminal, e.g. `K7QM-3XPD`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub approval_code: Option<String>,
    /// Or the person opens this page in a browser on this machine and decides there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub approval_link: Option<String>,
    /// Send it back as `confirmation` once the person has agreed to the preview.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub confirmation: Option<String>,
    /// When the confirmation lapses, RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_at: Option<String>,
    /// What to do now, in one sentence.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_step: Option<String>,
}

impl App {
    /// What a result says of a change that waits for a person.
    pub(in crate::ops) async fn confirmation(&self, pending: Pending) -> Confirmation {
        let approval_link = match &pending.approval_code {
            Some(code) if !pending.only_at_terminal => self.approval_link(code, &pending).await,
            _ => None,
        };
        Confirmation {
            next_step: Some(next_step(&pending, approval_link.is_some())),
            preview: Some(pending.preview.text()),
            approval_code: pending.approval_code,
            approval_link,
            confirmation: pending.confirmation,
            expires_at: Some(
                pending
                    .expires_at
                    .round(jiff::Unit::Second)
                    .unwrap_or(pending.expires_at)
                    .to_string(),
            ),
        }
    }

    async fn approval_link(&self, code: &str, pending: &Pending) -> Option<String> {
        let page = self.approval_page()?;
        match page.link_to(code, pending.expires_at).await {
            Ok(link) => Some(link.into()),
            Err(error) => {
                // The terminal works all the same.
                tracing::warn!(%error, "the approval page is not offered");
                None
            }
        }
    }
}

fn next_step(pending: &Pending, has_page: bool) -> String {
    let form = match pending.form_failed {
        true => "The client could not show the confirmation form, so nobody was asked. ",
        false => "",
    };
    let Some(code) = &pending.approval_code else {
        return format!(
            "{form}Show the person the preview word for word. When they have agreed, call this tool again \
             with the same arguments and this `confirmation`."
        );
    };
    let value = pending.preview.asks_for().name();
    let page = match has_page {
        true => "open `approval_link` in a browser on this machine, or ",
        false => "",
    };
    format!(
        "{form}Show the person the preview word for word. To approve, they {page}run `skyswitch approve {code}` \
         in a terminal, and type {value}; then call this tool again with the same arguments. \
         Do not approve for them."
    )
}

/// What planning on what stands comes to.
pub(in crate::ops) struct Plan<C, T> {
    /// What to do, or nothing.
    pub change: Option<C>,
    /// What the result will say beside the status.
    pub facts: T,
}

/// A plan made on what was read.
pub(in crate::ops) struct Planned<C, T, H> {
    pub plan: Plan<C, T>,
    /// When that read began.
    pub seen: Instant,
    /// What is held until the change is made: a turn, a lock.
    pub hold: H,
}

/// How far an agreement got. `H` is what was held while planning.
pub(in crate::ops) enum Agreed<C: Change, H> {
    /// Nothing is to be done.
    Nothing,
    /// Go ahead.
    Cleared(Clearance<C>, H),
    /// It waits for a person.
    Pending(Pending),
    /// The person did not agree.
    Declined,
}

/// Plans, and lets the guard decide.
///
/// `plan` reads what stands. It is called again after a person was asked
/// during the call, so that what is cleared was decided on what stands right
/// then. A client that fails to show its form goes on like one without forms,
/// with a plan of its own, because the question took time.
///
/// # Errors
/// `read_only`, the guard's errors, and those of planning.
pub(in crate::ops) async fn agree<C, T, H, F>(
    app: &App,
    channel: &Channel<'_>,
    plan: impl Fn() -> F + Send + Sync,
) -> Result<Asked<(T, Agreed<C, H>)>>
where
    C: Change,
    F: Future<Output = Result<Planned<C, T, H>>> + Send,
{
    if app.settings().read_only {
        return Err(read_only());
    }
    let Planned {
        plan: first,
        seen,
        hold,
    } = plan().await?;
    let Some(change) = first.change else {
        return Ok(Asked::Done((first.facts, Agreed::Nothing)));
    };
    let agreed = match app.guard().decide(change.clone(), channel).await? {
        Verdict::Cleared(clearance) => Agreed::Cleared(clearance.seen_at(seen), hold),
        Verdict::AskDuring(preview) => {
            // Others may work on this while the person makes up their mind.
            drop(hold);
            let answer = match channel {
                Channel::During(person) => person.ask(&preview).await,
                _ => Answer::Refused,
            };
            if let Answer::NotShown { confirmation } = answer {
                let elsewhere = Channel::Elsewhere {
                    confirmation: confirmation.as_deref(),
                    form_failed: true,
                };
                return Box::pin(agree(app, &elsewhere, plan)).await;
            }
            if !app.guard().is_consent(&answer, &change) {
                return Ok(Asked::Done((first.facts, Agreed::Declined)));
            }
            let again = plan().await?;
            let agreed = match again.plan.change {
                None => Agreed::Nothing,
                Some(now) => {
                    let clearance = app.guard().decide_answer(&change, now, &answer)?;
                    Agreed::Cleared(clearance.seen_at(again.seen), again.hold)
                }
            };
            return Ok(Asked::Done((again.plan.facts, agreed)));
        }
        Verdict::AskBetween { preview, state } => {
            return Ok(Asked::Question(Question { preview, state }));
        }
        Verdict::Pending(pending) => Agreed::Pending(Pending {
            form_failed: matches!(
                channel,
                Channel::Elsewhere {
                    form_failed: true,
                    ..
                }
            ),
            ..pending
        }),
        Verdict::Declined => Agreed::Declined,
    };
    Ok(Asked::Done((first.facts, agreed)))
}
