//! Pending approvals and used confirmations.

use std::ops::RangeInclusive;

use rusqlite::{Row, params};

use super::Store;
use super::statements::{all_rows, first_row, run, value};
use crate::store::{Approval, ApprovalState, NewApproval, REMEMBERED};
use skyswitch_domain::error::{Error, Result};

impl Store {
    /// The newest live approval of a change, decided or not.
    pub async fn find_approval(&self, binding: &str, now: i64) -> Result<Option<Approval>> {
        let ends = Approval::ends_later(now);
        self.read(|database| {
            let found = first_row(
                database,
                "SELECT * FROM approvals
                 WHERE binding = ? AND expires_at BETWEEN ? AND ? AND state <> 'used'
                 ORDER BY expires_at DESC LIMIT 1",
                params![binding, ends.start(), ends.end()],
                approval,
            )?;
            Ok(found.flatten())
        })
        .await
    }

    /// The approval of that code, whatever became of it, for as long as it is remembered.
    pub async fn approval(&self, code: &str) -> Result<Option<Approval>> {
        self.read(|database| {
            let sql = "SELECT * FROM approvals WHERE code = ?";
            Ok(first_row(database, sql, [code], approval)?.flatten())
        })
        .await
    }

    /// Everything that waits for a person, soonest to expire first.
    pub async fn waiting(&self, now: i64) -> Result<Vec<Approval>> {
        let ends = Approval::ends_later(now);
        let rows = self.read(|database| {
            Ok(all_rows(
                database,
                "SELECT * FROM approvals WHERE state = 'waiting' AND expires_at BETWEEN ? AND ?
                 ORDER BY expires_at",
                params![ends.start(), ends.end()],
                approval,
            )?)
        });
        Ok(rows.await?.into_iter().flatten().collect())
    }

    /// Puts a change before a person, replacing an earlier question about the same
    /// change; false where `most` others of that upstream wait already. Lost with
    /// the power, it is asked again.
    pub async fn add_approval(
        &self,
        approval: &NewApproval<'_>,
        most: u32,
        now: i64,
    ) -> Result<bool> {
        let preview = serde_json::to_string(approval.preview).map_err(|_| {
            Error::internal(
                "the preview of a change cannot be written down",
                "Please report this as a bug; nothing was sent.",
            )
        })?;
        let ends = Approval::ends_later(now);
        self.write_soon(|database| {
            run(
                database,
                "DELETE FROM approvals
                 WHERE expires_at NOT BETWEEN ? AND ? OR (binding = ? AND state <> 'used')
                    OR (effect = ? AND state = 'waiting')",
                params![
                    ends.start() - REMEMBERED,
                    ends.end(),
                    approval.binding,
                    approval.effect
                ],
            )?;
            let waiting: u32 = value(
                database,
                "SELECT COUNT(*) FROM approvals
                 WHERE state = 'waiting' AND realm = ? AND expires_at BETWEEN ? AND ?",
                params![approval.realm, ends.start(), ends.end()],
            )?;
            if waiting >= most {
                return Ok(false);
            }
            run(
                database,
                "INSERT INTO approvals (code, realm, binding, effect, fingerprint, preview, asked_by,
                                        asked_at, state, expires_at)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'waiting', ?)",
                params![
                    approval.code,
                    approval.realm,
                    approval.binding,
                    approval.effect,
                    approval.fingerprint,
                    preview,
                    approval.asked_by,
                    now,
                    approval.expires_at
                ],
            )?;
            Ok(true)
        })
        .await
    }

    /// Keeps until when a tool may not ask again what a person has declined, or
    /// has typed wrong values for. All others that count end in `ends`.
    pub async fn keep_decline(
        &self,
        effect: &str,
        wrong_value: bool,
        until: i64,
        ends: &RangeInclusive<i64>,
    ) -> Result<()> {
        self.write(|database| {
            run(
                database,
                "DELETE FROM declines WHERE until NOT BETWEEN ? AND ? OR effect = ?",
                params![ends.start(), ends.end(), effect],
            )?;
            run(
                database,
                "INSERT INTO declines (effect, wrong_value, until) VALUES (?, ?, ?)",
                params![effect, wrong_value, until],
            )?;
            Ok(())
        })
        .await
    }

    /// Whether a person has declined this so lately that a tool may not ask again,
    /// which ends in `ends`: `Some(true)` where they typed wrong values instead.
    pub async fn declined(&self, effect: &str, ends: &RangeInclusive<i64>) -> Result<Option<bool>> {
        self.read(|database| {
            Ok(first_row(
                database,
                "SELECT wrong_value FROM declines WHERE effect = ? AND until BETWEEN ? AND ?",
                params![effect, ends.start(), ends.end()],
                |row| row.get(0),
            )?)
        })
        .await
    }

    /// Moves an approval from one state to the next; false when somebody else
    /// did so first. This is what makes an approval work once, also in a power
    /// failure: what it allows is sent only after a write that waits for the disk,
    /// and takes this one there, too.
    pub async fn advance(
        &self,
        code: &str,
        from: ApprovalState,
        to: ApprovalState,
        now: i64,
    ) -> Result<bool> {
        let ends = Approval::ends_later(now);
        self.write_soon(|database| {
            let moved = run(
                database,
                "UPDATE approvals SET decision = iif(state = 'waiting', ?1, decision),
                                      decided_at = iif(state = 'waiting', ?4, decided_at),
                                      used_at = iif(?1 = 'used', ?4, used_at),
                                      state = ?1
                 WHERE code = ?2 AND state = ?3 AND expires_at BETWEEN ?5 AND ?6",
                params![to.word(), code, from.word(), now, ends.start(), ends.end()],
            )?;
            Ok(moved == 1)
        })
        .await
    }

    /// Counts a wrong value typed for a change that waits, and declines it with
    /// the last of `most`; `None` when it waits no more.
    pub async fn note_miss(&self, code: &str, most: u8, now: i64) -> Result<Option<u8>> {
        let ends = Approval::ends_later(now);
        self.write(|database| {
            let counted = run(
                database,
                "UPDATE approvals SET misses = misses + 1,
                                      decision = iif(misses + 1 < ?1, NULL, 'wrong_value'),
                                      decided_at = iif(misses + 1 < ?1, NULL, ?3),
                                      state = iif(misses + 1 < ?1, 'waiting', 'declined')
                 WHERE code = ?2 AND state = 'waiting' AND expires_at BETWEEN ?4 AND ?5",
                params![most, code, now, ends.start(), ends.end()],
            )?;
            if counted == 0 {
                return Ok(None);
            }
            let sql = "SELECT misses FROM approvals WHERE code = ?";
            Ok(first_row(database, sql, [code], |row| row.get(0))?)
        })
        .await
    }

    /// Records that a sealed confirmation was answered; false when it had been
    /// before. It is on the disk before anything is sent, as in [`Store::advance`].
    pub async fn use_once(&self, nonce: &str, expires_at: i64, now: i64) -> Result<bool> {
        self.write_soon(|database| {
            let used = run(
                database,
                "INSERT INTO used_confirmations (nonce, expires_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
                params![nonce, expires_at],
            )?;
            // The insert alone decides; this only saves space.
            run(
                database,
                "DELETE FROM used_confirmations WHERE expires_at < ?",
                [now],
            )?;
            Ok(used == 1)
        })
        .await
    }
}

/// `None` for a preview that this version cannot read. Another version wrote
/// it, and nobody can decide by what cannot be shown: it counts as expired.
fn approval(row: &Row<'_>) -> rusqlite::Result<Option<Approval>> {
    let Ok(preview) = serde_json::from_str(row.get_ref("preview")?.as_str()?) else {
        return Ok(None);
    };
    Ok(Some(Approval {
        code: row.get("code")?,
        realm: row.get("realm")?,
        effect: row.get("effect")?,
        fingerprint: row.get("fingerprint")?,
        preview,
        expires_at: row.get("expires_at")?,
        misses: row.get("misses")?,
        asked_by: row.get("asked_by")?,
        asked_at: row.get("asked_at")?,
        decision: row.get("decision")?,
        decided_at: row.get("decided_at")?,
        used_at: row.get("used_at")?,
        state: row.get("state")?,
    }))
}
