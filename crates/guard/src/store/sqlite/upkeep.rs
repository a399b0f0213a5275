//! Looking after a store that has grown old: what was closed long ago goes,
//! the rest is checked and copied.

use std::path::Path;

use super::journal_rows::select;
use super::{Store, failed};
use crate::store::{ChangeStatus, StoreHealth, StorePruned, TargetRecord};
use skyswitch_domain::error::{Error, Result};

/// Entries read at a time, so that a check takes no memory to speak of.
const AT_ONCE: i64 = 1_000;

impl Store {
    /// Removes closed changes to VIP rules that were begun before a moment, in
    /// milliseconds since 1970, finished imports of which none is left, and what was
    /// kept of VIP rules that ended before then or that none of the changes that stay
    /// could bring back. What was changed of customers' setups stays: the hard block
    /// rests on it.
    ///
    /// # Errors
    /// `internal`: nothing was removed.
    pub async fn prune(&self, before: i64) -> Result<StorePruned> {
        let pruned = self
            .write(async |database| {
                // An entry that stays does not name one that goes.
                sqlx::query(
                    "UPDATE changes SET undoes = NULL
                     WHERE undoes IS NOT NULL AND EXISTS (
                         SELECT 1 FROM changes AS old WHERE old.id = changes.undoes
                           AND old.status <> 'open' AND old.started_at < ? AND old.piece IS NULL)",
                )
                .bind(before)
                .execute(&mut *database)
                .await
                .map_err(failed)?;
                let changes = sqlx::query(
                    "DELETE FROM changes WHERE status <> 'open' AND started_at < ? AND piece IS NULL",
                )
                .bind(before)
                .execute(&mut *database)
                .await
                .map_err(failed)?;
                let imports = sqlx::query(
                    "DELETE FROM runs WHERE finished <> 0 AND started_at < ?
                       AND NOT EXISTS (SELECT 1 FROM changes WHERE changes.run = runs.id)",
                )
                .bind(before)
                .execute(&mut *database)
                .await
                .map_err(failed)?;
                sqlx::query("DELETE FROM run_notes WHERE run NOT IN (SELECT id FROM runs)")
                    .execute(&mut *database)
                    .await
                    .map_err(failed)?;
                sqlx::query(
                    "DELETE FROM vip_notes
                     WHERE (ended = 0 AND coalesce(ends_at, 0) < ?)
                        OR (ended > 0 AND NOT EXISTS (SELECT 1 FROM changes WHERE id = ended))",
                )
                .bind(before)
                .execute(&mut *database)
                .await
                .map_err(failed)?;
                Ok(StorePruned {
                    changes: changes.rows_affected(),
                    imports: imports.rows_affected(),
                })
            })
            .await?;
        if pruned.changes > 0 {
            // Gives the space back, which cannot be part of a transaction. While others use the
            // store it is given back another time.
            let mut connection = self.pool.acquire().await.map_err(failed)?;
            let _ = sqlx::query("VACUUM").execute(&mut *connection).await;
        }
        Ok(pruned)
    }

    /// Looks through the whole store.
    ///
    /// # Errors
    /// `internal` when it cannot be read at all.
    pub async fn check(&self) -> Result<StoreHealth> {
        let found: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check(10)")
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        let mut health = StoreHealth {
            problems: found.into_iter().filter(|line| line != "ok").collect(),
            ..StoreHealth::default()
        };
        let orphans = sqlx::query("PRAGMA foreign_key_check").fetch_all(&self.pool);
        let orphans = orphans.await.map_err(failed)?.len();
        if orphans > 0 {
            let problem = format!("{orphans} entries name another one that is not there");
            health.problems.push(problem);
        }
        let positions: i64 = sqlx::query_scalar("SELECT count(*) FROM journal_position")
            .fetch_one(&self.pool)
            .await
            .map_err(failed)?;
        if positions != 1 {
            let problem = "the position of the journal is lost, so no change can be made";
            health.problems.push(problem.to_owned());
        }
        health.problems.extend(self.damaged_notes().await?);
        let mut last = 0;
        loop {
            let mut query = select();
            query.push("id > ").push_bind(last);
            query.push(" ORDER BY id LIMIT ").push_bind(AT_ONCE);
            let entries = self.records(query).await?;
            let Some(newest) = entries.last() else { break };
            last = newest.id;
            health.changes += entries.len();
            let open = entries
                .iter()
                .filter(|entry| entry.status == ChangeStatus::Open);
            health.open += open.count();
            let damaged = |target: &TargetRecord| matches!(target, TargetRecord::Damaged { .. });
            let damaged = entries.iter().filter(|entry| damaged(&entry.target));
            let damaged =
                damaged.map(|entry| format!("the entry of change {} is damaged", entry.id));
            health.problems.extend(damaged);
        }
        Ok(health)
    }

    /// Copies the store into an empty file, as it is at one moment.
    ///
    /// # Errors
    /// `internal` when the copy cannot be made.
    pub async fn back_up(&self, file: &Path) -> Result<()> {
        let name = file.to_str().ok_or_else(|| {
            Error::internal(
                "the name of the backup is no text in UTF-8",
                "Give another name.",
            )
        })?;
        let mut connection = self.pool.acquire().await.map_err(failed)?;
        sqlx::query("VACUUM INTO ?")
            .bind(name)
            .execute(&mut *connection)
            .await
            .map(drop)
            .map_err(failed)
    }
}
