//! Looking after a store that has grown old: what was closed long ago goes,
//! the rest is checked and copied.

use std::path::Path;

use rusqlite::Connection;

use super::Store;
use super::journal_rows::select;
use super::statements::{all_rows, run, value};
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
        let pruned = self.write(|database| {
            // An entry that stays does not name one that goes.
            run(
                database,
                "UPDATE changes SET undoes = NULL
                 WHERE undoes IS NOT NULL AND EXISTS (
                     SELECT 1 FROM changes AS old WHERE old.id = changes.undoes
                       AND old.status <> 'open' AND old.started_at < ? AND old.piece IS NULL)",
                [before],
            )?;
            let changes = run(
                database,
                "DELETE FROM changes WHERE status <> 'open' AND started_at < ? AND piece IS NULL",
                [before],
            )?;
            let imports = run(
                database,
                "DELETE FROM runs WHERE finished <> 0 AND started_at < ?
                   AND NOT EXISTS (SELECT 1 FROM changes WHERE changes.run = runs.id)",
                [before],
            )?;
            run(
                database,
                "DELETE FROM run_notes WHERE run NOT IN (SELECT id FROM runs)",
                [],
            )?;
            run(
                database,
                "DELETE FROM vip_notes
                 WHERE (ended = 0 AND coalesce(ends_at, 0) < ?)
                    OR (ended > 0 AND NOT EXISTS (SELECT 1 FROM changes WHERE id = ended))",
                [before],
            )?;
            Ok(StorePruned {
                changes: changes as u64,
                imports: imports as u64,
            })
        });
        let pruned = pruned.await?;
        if pruned.changes > 0 {
            // Gives the space back, which cannot be part of a transaction. While others use the
            // store it is given back another time.
            let given_back = self.read(|database| Ok(database.execute_batch("VACUUM")?));
            let _ = given_back.await;
        }
        Ok(pruned)
    }

    /// Looks through the whole store.
    ///
    /// # Errors
    /// `internal` when it cannot be read at all.
    pub async fn check(&self) -> Result<StoreHealth> {
        let found = |database: &Connection| {
            let checked = "PRAGMA integrity_check(10)";
            let found: Vec<String> = all_rows(database, checked, [], |row| row.get(0))?;
            let orphans = all_rows(database, "PRAGMA foreign_key_check", [], |_| Ok(()))?;
            let positions: i64 = value(database, "SELECT count(*) FROM journal_position", [])?;
            Ok((found, orphans.len(), positions))
        };
        let (found, orphans, positions) = self.read(found).await?;
        let mut health = StoreHealth {
            problems: found.into_iter().filter(|line| line != "ok").collect(),
            ..StoreHealth::default()
        };
        if orphans > 0 {
            let problem = format!("{orphans} entries name another one that is not there");
            health.problems.push(problem);
        }
        if positions != 1 {
            let problem = "the position of the journal is lost, so no change can be made";
            health.problems.push(problem.to_owned());
        }
        health.problems.extend(self.damaged_notes().await?);
        let mut last = 0;
        loop {
            let mut query = select();
            query.push("id > ").bind(last);
            query.push(" ORDER BY id LIMIT ").bind(AT_ONCE);
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
        self.read(|database| {
            run(database, "VACUUM INTO ?", [name])?;
            Ok(())
        })
        .await
    }
}
