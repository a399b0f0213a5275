//! Pending approvals and used confirmations.

use std::ops::RangeInclusive;

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{Store, failed};
use crate::store::{Approval, ApprovalState, NewApproval, REMEMBERED};
use skyswitch_domain::error::{Error, Result};

impl Store {
    /// The newest live approval of a change, decided or not.
    pub async fn find_approval(&self, binding: &str, now: i64) -> Result<Option<Approval>> {
        let ends = Approval::ends_later(now);
        sqlx::query(
            "SELECT * FROM approvals
             WHERE binding = ? AND expires_at BETWEEN ? AND ? AND state <> 'used'
             ORDER BY expires_at DESC LIMIT 1",
        )
        .bind(binding)
        .bind(ends.start())
        .bind(ends.end())
        .try_map(approval)
        .fetch_optional(&self.pool)
        .await
        .map(Option::flatten)
        .map_err(failed)
    }

    /// The approval of that code, whatever became of it, for as long as it is remembered.
    pub async fn approval(&self, code: &str) -> Result<Option<Approval>> {
        sqlx::query("SELECT * FROM approvals WHERE code = ?")
            .bind(code)
            .try_map(approval)
            .fetch_optional(&self.pool)
            .await
            .map(Option::flatten)
            .map_err(failed)
    }

    /// Everything that waits for a person, soonest to expire first.
    pub async fn waiting(&self, now: i64) -> Result<Vec<Approval>> {
        let ends = Approval::ends_later(now);
        let rows = sqlx::query(
            "SELECT * FROM approvals WHERE state = 'waiting' AND expires_at BETWEEN ? AND ?
             ORDER BY expires_at",
        )
        .bind(ends.start())
        .bind(ends.end())
        .try_map(approval)
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        Ok(rows.into_iter().flatten().collect())
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
        self.write_soon(async |database| {
            sqlx::query(
                "DELETE FROM approvals
                 WHERE expires_at NOT BETWEEN ? AND ? OR (binding = ? AND state <> 'used')
                    OR (effect = ? AND state = 'waiting')",
            )
            .bind(ends.start() - REMEMBERED)
            .bind(ends.end())
            .bind(approval.binding)
            .bind(approval.effect)
            .execute(&mut *database)
            .await
            .map_err(failed)?;
            let waiting: u32 = sqlx::query_scalar(
                "SELECT COUNT(*) FROM approvals
                 WHERE state = 'waiting' AND realm = ? AND expires_at BETWEEN ? AND ?",
            )
            .bind(approval.realm)
            .bind(ends.start())
            .bind(ends.end())
            .fetch_one(&mut *database)
            .await
            .map_err(failed)?;
            if waiting >= most {
                return Ok(false);
            }
            sqlx::query(
                "INSERT INTO approvals (code, realm, binding, effect, fingerprint, preview, asked_by,
                                        asked_at, state, expires_at)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'waiting', ?)",
            )
            .bind(approval.code)
            .bind(approval.realm)
            .bind(approval.binding)
            .bind(approval.effect)
            .bind(approval.fingerprint)
            .bind(preview)
            .bind(approval.asked_by)
            .bind(now)
            .bind(approval.expires_at)
            .execute(&mut *database)
            .await
            .map_err(failed)?;
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
        self.write(async |database| {
            sqlx::query("DELETE FROM declines WHERE until NOT BETWEEN ? AND ? OR effect = ?")
                .bind(ends.start())
                .bind(ends.end())
                .bind(effect)
                .execute(&mut *database)
                .await
                .map_err(failed)?;
            sqlx::query("INSERT INTO declines (effect, wrong_value, until) VALUES (?, ?, ?)")
                .bind(effect)
                .bind(wrong_value)
                .bind(until)
                .execute(&mut *database)
                .await
                .map(drop)
                .map_err(failed)
        })
        .await
    }

    /// Whether a person has declined this so lately that a tool may not ask again,
    /// which ends in `ends`: `Some(true)` where they typed wrong values instead.
    pub async fn declined(&self, effect: &str, ends: &RangeInclusive<i64>) -> Result<Option<bool>> {
        sqlx::query_scalar(
            "SELECT wrong_value FROM declines WHERE effect = ? AND until BETWEEN ? AND ?",
        )
        .bind(effect)
        .bind(ends.start())
        .bind(ends.end())
        .fetch_optional(&self.pool)
        .await
        .map_err(failed)
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
        self.write_soon(async |database| {
            let done = sqlx::query(
                "UPDATE approvals SET decision = iif(state = 'waiting', ?1, decision),
                                      decided_at = iif(state = 'waiting', ?4, decided_at),
                                      used_at = iif(?1 = 'used', ?4, used_at),
                                      state = ?1
                 WHERE code = ?2 AND state = ?3 AND expires_at BETWEEN ?5 AND ?6",
            )
            .bind(to.word())
            .bind(code)
            .bind(from.word())
            .bind(now)
            .bind(ends.start())
            .bind(ends.end())
            .execute(database)
            .await
            .map_err(failed)?;
            Ok(done.rows_affected() == 1)
        })
        .await
    }

    /// Counts a wrong value typed for a change that waits, and declines it with
    /// the last of `most`; `None` when it waits no more.
    pub async fn note_miss(&self, code: &str, most: u8, now: i64) -> Result<Option<u8>> {
        let ends = Approval::ends_later(now);
        self.write(async |database| {
            let counted = sqlx::query(
                "UPDATE approvals SET misses = misses + 1,
                                      decision = iif(misses + 1 < ?1, NULL, 'wrong_value'),
                                      decided_at = iif(misses + 1 < ?1, NULL, ?3),
                                      state = iif(misses + 1 < ?1, 'waiting', 'declined')
                 WHERE code = ?2 AND state = 'waiting' AND expires_at BETWEEN ?4 AND ?5",
            )
            .bind(most)
            .bind(code)
            .bind(now)
            .bind(ends.start())
            .bind(ends.end())
            .execute(&mut *database)
            .await
            .map_err(failed)?;
            if counted.rows_affected() == 0 {
                return Ok(None);
            }
            sqlx::query_scalar("SELECT misses FROM approvals WHERE code = ?")
                .bind(code)
                .fetch_optional(database)
                .await
                .map_err(failed)
        })
        .await
    }

    /// Records that a sealed confirmation was answered; false when it had been
    /// before. It is on the disk before anything is sent, as in [`Store::advance`].
    pub async fn use_once(&self, nonce: &str, expires_at: i64, now: i64) -> Result<bool> {
        self.write_soon(async |database| {
            let first = sqlx::query(
                "INSERT INTO used_confirmations (nonce, expires_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
            )
            .bind(nonce)
            .bind(expires_at)
            .execute(&mut *database)
            .await
            .map_err(failed)?;
            // The insert alone decides; this only saves space.
            sqlx::query("DELETE FROM used_confirmations WHERE expires_at < ?")
                .bind(now)
                .execute(&mut *database)
                .await
                .map_err(failed)?;
            Ok(first.rows_affected() == 1)
        })
        .await
    }
}

/// `None` for a preview that this version cannot read. Another version wrote
/// it, and nobody can decide by what cannot be shown: it counts as expired.
fn approval(row: SqliteRow) -> sqlx::Result<Option<Approval>> {
    let Ok(preview) = serde_json::from_str(row.try_get("preview")?) else {
        return Ok(None);
    };
    Ok(Some(Approval {
        code: row.try_get("code")?,
        realm: row.try_get("realm")?,
        effect: row.try_get("effect")?,
        fingerprint: row.try_get("fingerprint")?,
        preview,
        expires_at: row.try_get("expires_at")?,
        misses: row.try_get("misses")?,
        asked_by: row.try_get("asked_by")?,
        asked_at: row.try_get("asked_at")?,
        decision: row.try_get("decision")?,
        decided_at: row.try_get("decided_at")?,
        used_at: row.try_get("used_at")?,
        state: row.try_get("state")?,
    }))
}
