//! The journal of changes: how they are begun and closed. `journal_lists.rs`
//! finds them, `journal_rows.rs` reads them, `journal_counts.rs` counts them.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use super::database::Outcome;

use super::journal_counts::counted;
use super::statements::{first_row, run, value};
use super::{Store, notes};
use crate::store::records::{called_of, caller_of};
use crate::store::stored_text::{route_to_text, to_text};
use crate::store::{After, Begun, Closing, JournalPosition, NewChange};
use crate::{Author, Change, Target};
use skyswitch_domain::error::Result;
use skyswitch_domain::{PhoneNumber, Route};

/// What a change is about, as the columns of the journal hold it.
struct Columns<'a> {
    ani: &'a str,
    dnis: Option<&'a str>,
    caller: String,
    called: String,
    before: Option<String>,
    wanted: Option<String>,
    piece: Option<String>,
    did: Option<&'a str>,
}

impl<'a> Columns<'a> {
    fn of(change: &'a Change) -> Result<Columns<'a>> {
        Ok(match change.target() {
            Target::VipRule(rule) => Columns {
                ani: rule.ani().as_str(),
                dnis: rule.key().dnis.to_send(),
                caller: caller_of(rule.ani()),
                called: called_of(&rule.key().dnis),
                before: rule.before().map(route_to_text).transpose()?,
                wanted: rule.after().map(route_to_text).transpose()?,
                piece: None,
                did: None,
            },
            Target::Piece(piece) => Columns {
                ani: "",
                dnis: None,
                caller: String::new(),
                called: String::new(),
                before: piece.before().map(to_text).transpose()?,
                wanted: None,
                piece: Some(to_text(piece.piece())?),
                did: piece.did().map(PhoneNumber::as_str),
            },
        })
    }
}

impl Store {
    /// Writes changes down before they are sent, all of them with one wait for
    /// the disk, and gives what became of each, in their order.
    ///
    /// # Errors
    /// `internal`: none of the changes is written down, and none may be sent.
    pub async fn begin_changes(&self, all: &[NewChange<'_>]) -> Result<Vec<Begun>> {
        // Counting, looking for others and writing are one transaction, so that
        // processes cannot exceed the limit together, or work on the same rule.
        self.write(|database| all.iter().map(|new| begin(database, new)).collect())
            .await
    }

    /// Where the journal is now. What is read from then on shows every change
    /// that was no longer worked on.
    pub async fn journal_position(&self) -> Result<JournalPosition> {
        self.read(|database| {
            let position = value(database, "SELECT position FROM journal_position", [])?;
            Ok(JournalPosition(position))
        })
        .await
    }

    /// Closes a change that is open; false when it was closed before.
    ///
    /// # Errors
    /// `internal`: it stays open, and is closed later by what is there then.
    pub async fn close_change(&self, id: i64, closing: &Closing<'_>) -> Result<bool> {
        let (after, stands, shown_as_wanted) = match &closing.after {
            After::VipRule {
                now,
                was_read,
                as_wanted,
            } => (
                now.map(route_to_text).transpose()?,
                *was_read,
                *was_read && *as_wanted,
            ),
            After::Piece { now, as_wanted } => {
                (now.as_ref().map(to_text).transpose()?, *as_wanted, false)
            }
        };
        // Lost with the power, it is found out again by a read.
        self.write_soon(|database| {
            go_on(database)?;
            let closed = run(
                database,
                "UPDATE changes SET status = ?, route_after = ?, stands = ?, shown_as_wanted = ?,
                                    problem = ?, request_id = ?, closed_by = ?, ended_at = ?, owner = '',
                                    position = CASE owner WHEN '' THEN position
                                        ELSE (SELECT position FROM journal_position) END
                 WHERE id = ? AND status = 'open'",
                params![
                    closing.status.word(),
                    after,
                    stands,
                    shown_as_wanted,
                    closing.problem,
                    closing.request_id,
                    closing.closed_by,
                    closing.now,
                    id
                ],
            )?;
            Ok(closed == 1)
        })
        .await
    }

    /// Leaves the open changes of a process that is gone to whoever works next.
    pub async fn abandon_changes_of(&self, owner: &str) -> Result<()> {
        self.write(|database| end_work(database, &Whose::Owner(owner)))
            .await
    }

    /// Leaves the open changes of a process that it does not work on to whoever
    /// works next.
    pub async fn abandon_changes_but(&self, owner: &str, worked_on: &BTreeSet<i64>) -> Result<()> {
        let worked_on = to_text(worked_on)?;
        self.write(|database| end_work(database, &Whose::Strays(owner, &worked_on)))
            .await
    }

    /// Leaves an open change to whoever works next: its outcome is not known.
    pub async fn abandon_change(&self, id: i64, problem: Option<&str>, now: i64) -> Result<()> {
        self.write(|database| {
            end_work(database, &Whose::Change(id))?;
            run(
                database,
                "UPDATE changes SET problem = ?, given_up_at = ? WHERE id = ? AND status = 'open'",
                params![problem, now, id],
            )?;
            Ok(())
        })
        .await
    }

    /// Writes down what a read showed of changes that were made: the rule, or
    /// that it does not exist, and whether that is what was wanted.
    pub async fn note_readings(&self, readings: &[(i64, Option<&Route>, bool)]) -> Result<()> {
        self.write_soon(|database| {
            for (id, now, as_wanted) in readings {
                run(
                    database,
                    "UPDATE changes SET route_after = ?, stands = 1, shown_as_wanted = ? WHERE id = ?",
                    params![now.map(route_to_text).transpose()?, as_wanted, id],
                )?;
            }
            Ok(())
        })
        .await
    }

    /// Closes a change as not made that was acknowledged and never seen, by a
    /// read that showed it as it was before when it must have caught up. After a
    /// newer change to the same, such a read proves nothing.
    pub async fn disprove_change(&self, id: i64, problem: &str) -> Result<()> {
        // Lost with the power, the next read finds it out again.
        self.write_soon(|database| {
            run(
                database,
                "UPDATE changes SET status = 'failed', problem = ?, route_after = route_before, stands = 1
                 WHERE id = ? AND status = 'done' AND stands = 0 AND NOT EXISTS (
                     SELECT 1 FROM changes AS newer
                     WHERE newer.realm = changes.realm AND newer.account = changes.account
                       AND newer.caller = changes.caller AND newer.did IS changes.did
                       AND newer.id > changes.id AND newer.status <> 'failed')",
                params![problem, id],
            )?;
            Ok(())
        })
        .await
    }
}

fn begin(database: &Connection, new: &NewChange<'_>) -> Outcome<Begun> {
    let columns = &Columns::of(new.change)?;
    if let Some(other) = in_the_way(database, new, columns)? {
        return Ok(Begun::ChangedMeanwhile(other));
    }
    if let Some((those, most)) = new.limit
        && counted(database, new.realm, those, new.run, most)? >= u64::from(most)
    {
        return Ok(Begun::OverLimit);
    }
    go_on(database)?;
    let id = insert(database, new, columns)?;
    notes::keep(database, new, id)?;
    Ok(Begun::Written(id))
}

/// Whose work on open changes ends.
enum Whose<'a> {
    Change(i64),
    Owner(&'a str),
    /// Those of a process but these, as a list in JSON.
    Strays(&'a str, &'a str),
}

/// Nobody works on them any more. What ended before keeps its place: closing it
/// later, by what is there, changes no rule.
fn end_work(database: &Connection, whose: &Whose<'_>) -> Outcome<()> {
    go_on(database)?;
    let (id, owner, but) = match *whose {
        Whose::Change(id) => (Some(id), None, "[]"),
        Whose::Owner(owner) => (None, Some(owner), "[]"),
        Whose::Strays(owner, but) => (None, Some(owner), but),
    };
    run(
        database,
        "UPDATE changes SET owner = '', position = (SELECT position FROM journal_position)
         WHERE status = 'open' AND owner <> ''
           AND (id = ? OR (owner = ? AND id NOT IN (SELECT value FROM json_each(?))))",
        params![id, owner, but],
    )?;
    Ok(())
}

/// Moves the journal one further.
fn go_on(database: &Connection) -> Outcome<()> {
    let sql = "UPDATE journal_position SET position = position + 1";
    run(database, sql, [])?;
    Ok(())
}

/// The newest change to the same rule, or to the same number's route, that
/// another works on, or of which the work had not ended when it was seen.
fn in_the_way(
    database: &Connection,
    new: &NewChange<'_>,
    columns: &Columns<'_>,
) -> Outcome<Option<i64>> {
    Ok(first_row(
        database,
        "SELECT id FROM changes WHERE realm = ? AND account = ? AND caller = ?
           AND ((caller <> '' AND lower(domain) = lower(?) AND called = ?)
                OR did = ?)
           AND ((status = 'open' AND owner NOT IN ('', ?))
                OR (status <> 'failed' AND operation NOT IN ('lost_along_with', 'changed_along_with')
                    AND position > ? AND (run IS NULL OR run IS NOT ?)))
         ORDER BY id DESC LIMIT 1",
        params![
            new.realm,
            new.change.account().as_str(),
            columns.caller,
            new.change.domain().as_str(),
            columns.called,
            columns.did,
            new.owner,
            new.seen.map_or(i64::MAX, |seen| seen.0),
            new.run
        ],
        |row| row.get(0),
    )?)
}

fn insert(database: &Connection, new: &NewChange<'_>, columns: &Columns<'_>) -> Outcome<i64> {
    run(
        database,
        "INSERT INTO changes (realm, account, operation, asked_by, domain, ani, dnis, caller, called,
                              route_before, route_wanted, piece, did, status, undoes, run, owner,
                              started_at, by_person, traceparent, position)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', ?, ?, ?, ?, ?, ?,
                 (SELECT position FROM journal_position))",
        params![
            new.realm,
            new.change.account().as_str(),
            new.change.tool(),
            new.asked_by,
            new.change.domain().as_str(),
            columns.ani,
            columns.dnis,
            columns.caller,
            columns.called,
            columns.before,
            columns.wanted,
            columns.piece,
            columns.did,
            new.undoes,
            new.run,
            new.owner,
            new.now,
            new.author == Author::Person,
            new.traceparent
        ],
    )?;
    Ok(database.last_insert_rowid())
}
