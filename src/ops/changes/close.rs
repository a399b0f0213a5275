//! `skyswitch changes close`: a person says what became of a change that no
//! service tells any more.

use std::time::Instant;

use serde::Serialize;

use crate::app::App;
use crate::ops::changes::row::{ChangeRow, change_id};
use crate::ops::write::journal::is_gone;
use crate::ops::write::reconcile::{Needed, may_still_arrive};
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::{Operation, PbxDomain};
use skyswitch_guard::store::{ChangeRecord, ChangeStatus, Store};
use skyswitch_guard::{Answer, AskPerson, Channel, CloseEntry, NotAgreed, Verdict};

/// Which change to close, and how.
#[derive(Debug, Clone, clap::Args)]
pub struct CloseChange {
    /// The change's id, as `skyswitch changes` shows it, e.g. `42`
    #[arg(value_name = "ID")]
    pub change_id: String,
    /// It was made
    #[arg(
        long,
        conflicts_with = "not_made",
        required_unless_present = "not_made"
    )]
    pub made: bool,
    /// It was not made
    #[arg(long)]
    pub not_made: bool,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseStatus {
    /// It is closed as the person said.
    Closed,
    /// Its outcome was found out meanwhile, so nobody had to say it.
    FoundOut,
    /// The person did not agree; it stays open.
    Declined,
    /// The person typed another value three times; it stays open.
    WrongValue,
    /// The person gave no answer; it stays open.
    NoAnswer,
}

/// What became of it.
#[derive(Debug, Clone, Serialize)]
pub struct CloseOutcome {
    /// How it ended.
    pub status: CloseStatus,
    /// The change as the journal holds it now.
    pub change: ChangeRow,
}

/// Closes an open change as a person says who has looked. The service is asked
/// first; only where it cannot tell does the person decide.
///
/// # Errors
/// `not_found` for an unknown id; `invalid_argument` for a change that is
/// closed already, is still worked on, or may still be carried out; the guard's
/// and the store's errors.
pub async fn close_change(
    app: &App,
    args: &CloseChange,
    person: &dyn AskPerson,
) -> Result<CloseOutcome> {
    let id = change_id(&args.change_id)?;
    let Some(store) = app.journal().store_to_read().await? else {
        return Err(unknown(id));
    };
    let change = find(app, &store, id).await?;
    if change.status != ChangeStatus::Open {
        return Err(Error::invalid(
            "change_id",
            format!("change {id} is closed already"),
            format!("{} shows what became of it.", Operation::ListChanges),
        ));
    }
    app.reconcile(Needed::Change(id), None).await?;
    let change = find(app, &store, id).await?;
    if change.status != ChangeStatus::Open {
        return Ok(outcome(CloseStatus::FoundOut, &change));
    }
    if !is_gone(app.journal().store().folder(), &change.owner)?
        || may_still_arrive(change.last_tried_at)
    {
        return Err(Error::invalid(
            "change_id",
            format!("change {id} is still being made, or was cut off and may still arrive"),
            "Try again in half a minute.",
        ));
    }
    let entry = entry(change, args.made);
    let (guard, channel) = (app.guard(), Channel::During(person));
    let seen = Instant::now();
    let verdict = guard.decide(entry.clone(), seen, app.author(), &app.asked_by, &channel);
    let answer = match verdict.await? {
        Verdict::AskDuring => guard.ask(person, &entry).await?,
        _ => Answer::NoAnswer,
    };
    if !guard.is_consent(&answer, &entry) {
        let status = match guard.without_consent(&entry, &answer).await? {
            NotAgreed::Declined => CloseStatus::Declined,
            NotAgreed::WrongValue => CloseStatus::WrongValue,
            NotAgreed::Expired | NotAgreed::NoAnswer => CloseStatus::NoAnswer,
        };
        return Ok(outcome(status, &entry.change));
    }
    let now = self::entry(find(app, &store, id).await?, args.made);
    let clearance = guard.decide_answer(&entry, now, seen, &answer)?;
    let is_closed = guard.close_entry(clearance, &app.asked_by).await?;
    let status = match is_closed {
        true => CloseStatus::Closed,
        false => CloseStatus::FoundOut,
    };
    Ok(outcome(status, &find(app, &store, id).await?))
}

/// The change of that id, of whichever account: the one it was made for may be
/// no longer configured.
async fn find(app: &App, store: &Store, id: i64) -> Result<ChangeRecord> {
    let change = store.change(app.journal().realm(), id).await?;
    change.ok_or_else(|| unknown(id))
}

fn unknown(id: i64) -> Error {
    Error::new(
        Code::NotFound,
        format!("there is no change {id} in the journal"),
        format!("{} shows the changes that exist.", Operation::ListChanges),
    )
    .with_field("change_id")
}

fn entry(change: ChangeRecord, made: bool) -> CloseEntry {
    let row = ChangeRow::from(&change);
    let subject = row.ani.or(row.did).or(row.subject).unwrap_or_default();
    let called = row
        .dnis
        .map_or(String::new(), |called| format!(" dialling {called}"));
    let customer = change.domain.parse::<PbxDomain>();
    let customer = customer.map_or(change.domain.clone(), |domain| domain.to_string());
    let nothing = || "nothing".to_owned();
    let words = vec![
        format!(
            "{} of {subject}{called} in {customer}, begun {} by {}",
            row.operation, row.started_at, row.asked_by
        ),
        format!(
            "{} -> {}",
            row.before.unwrap_or_else(nothing),
            row.wanted.unwrap_or_else(nothing)
        ),
    ];
    let words = words.into_iter().chain(row.problem).collect();
    CloseEntry {
        change,
        words,
        made,
    }
}

fn outcome(status: CloseStatus, change: &ChangeRecord) -> CloseOutcome {
    CloseOutcome {
        status,
        change: ChangeRow::from(change),
    }
}
