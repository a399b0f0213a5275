//! The one way a route is written: read, plan, guard, send, tell.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::App;
use crate::domain::{AccountId, PbxDomain, PhoneNumber, Route};
use crate::error::{Code, Error, Result};
use crate::guard::{Answer, Channel, Pending, Preview, RouteChange, Verdict};
use crate::skyswitch::Written;

/// The result of an operation that may have to ask a person first.
#[derive(Debug)]
pub enum Asked<T> {
    /// It is decided, one way or the other.
    Done(T),
    /// Return this question; the answer comes with the next call.
    Question(Question),
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

impl From<Pending> for Confirmation {
    fn from(pending: Pending) -> Self {
        let next_step = match &pending.approval_code {
            Some(code) => format!(
                "Show the person the preview word for word. To approve, they run `skyswitch approve {code}` \
                 in a terminal and type the caller's number; then call this tool again with the same arguments. \
                 Do not approve for them."
            ),
            None => "Show the person the preview word for word. When they have agreed, call this tool again \
                     with the same arguments and this `confirmation`."
                .to_owned(),
        };
        Confirmation {
            preview: Some(pending.preview.text().to_owned()),
            approval_code: pending.approval_code,
            confirmation: pending.confirmation,
            expires_at: Some(
                pending
                    .expires_at
                    .round(jiff::Unit::Second)
                    .unwrap_or(pending.expires_at)
                    .to_string(),
            ),
            next_step: Some(next_step),
        }
    }
}

/// What planning on the routes as they stand comes to.
pub(super) struct Plan<T> {
    /// What to do, or nothing.
    pub change: Option<RouteChange>,
    /// What the result will say beside the status.
    pub facts: T,
}

/// How far a change got.
pub(super) enum Progress {
    /// Nothing was to be done.
    Nothing,
    /// It was made.
    Written(Written),
    /// It waits for a person.
    Pending(Pending),
    /// The person did not agree.
    Declined,
}

/// The rule a change is about, as far as it is known before reading.
pub(super) struct Subject<'a> {
    pub account: &'a AccountId,
    pub domain: &'a PbxDomain,
    /// The caller's number, where it is one.
    pub number: Option<&'a PhoneNumber>,
}

/// Reads the domain's routes, plans on them, and carries the plan out as far
/// as the guard lets it.
///
/// `plan` is called again on a fresh read after a person was asked during the
/// call, so that what is sent was decided on what stands right then.
pub(super) async fn carry_out<T>(
    app: &App,
    subject: &Subject<'_>,
    channel: &Channel<'_>,
    plan: impl Fn(&[Route]) -> Result<Plan<T>>,
) -> Result<Asked<(T, Progress)>> {
    if app.settings().read_only {
        return Err(read_only());
    }
    let client = app.client()?;
    let turn_name = || {
        let number = subject.number.map_or("*", PhoneNumber::as_str);
        format!("{} {number}", subject.domain)
    };
    let read = || client.routes_now(subject.account, Some(subject.domain));

    let turn = app.turns.take(turn_name()).await;
    let planned = plan(&read().await?)?;
    let Some(change) = planned.change else {
        return Ok(Asked::Done((planned.facts, Progress::Nothing)));
    };
    let clearance = match app.guard.decide(change.clone(), channel).await? {
        Verdict::Cleared(clearance) => clearance,
        Verdict::AskDuring(preview) => {
            // Others may work on this rule while the person makes up their mind.
            drop(turn);
            let answer = match channel {
                Channel::During(person) => person.ask(&preview).await,
                _ => Answer::Refused,
            };
            return after_answer(
                app,
                subject,
                &change,
                &answer,
                planned.facts,
                &turn_name,
                plan,
            )
            .await;
        }
        Verdict::AskBetween { preview, state } => {
            return Ok(Asked::Question(Question { preview, state }));
        }
        Verdict::Pending(pending) => {
            return Ok(Asked::Done((planned.facts, Progress::Pending(pending))));
        }
        Verdict::Declined => return Ok(Asked::Done((planned.facts, Progress::Declined))),
    };
    let written = app.send(clearance, turn).await?;
    Ok(Asked::Done((planned.facts, Progress::Written(written))))
}

/// The refusal of any change while the operator allows reading only.
pub(crate) fn read_only() -> Error {
    Error::new(
        Code::ReadOnly,
        "changes are switched off here (read-only), so nothing was sent",
        "Tell the person; the operator can start without `--read-only` and unset SKYSWITCH_READ_ONLY or `read_only`.",
    )
}

async fn after_answer<T>(
    app: &App,
    subject: &Subject<'_>,
    shown: &RouteChange,
    answer: &Answer,
    facts: T,
    turn_name: &impl Fn() -> String,
    plan: impl Fn(&[Route]) -> Result<Plan<T>>,
) -> Result<Asked<(T, Progress)>> {
    if !app.guard.is_consent(answer, shown) {
        return Ok(Asked::Done((facts, Progress::Declined)));
    }
    let client = app.client()?;
    let turn = app.turns.take(turn_name()).await;
    let planned = plan(
        &client
            .routes_now(subject.account, Some(subject.domain))
            .await?,
    )?;
    let Some(now) = planned.change else {
        return Ok(Asked::Done((planned.facts, Progress::Nothing)));
    };
    let clearance = app.guard.decide_answer(shown, now, answer)?;
    let written = app.send(clearance, turn).await?;
    Ok(Asked::Done((planned.facts, Progress::Written(written))))
}
