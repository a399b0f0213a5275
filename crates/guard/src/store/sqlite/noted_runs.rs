//! Imports that changed notes alone: the journal has no change of theirs.

use super::Store;
use super::statements::all_rows;
use crate::store::NotedRun;
use skyswitch_domain::error::Result;

impl Store {
    /// Imports of an account that changed notes and no rule, newest first.
    pub async fn noted_runs(&self, realm: &str, account: &str) -> Result<Vec<NotedRun>> {
        self.read(|database| {
            Ok(all_rows(
                database,
                "SELECT id, domain, asked_by, started_at,
                        (SELECT count(*) FROM run_notes
                         WHERE run = runs.id AND before IS NOT after) AS notes,
                        coalesce((SELECT changes.id FROM changes
                                  WHERE changes.realm = runs.realm AND changes.account = runs.account
                                    AND changes.started_at <= runs.started_at
                                  ORDER BY changes.started_at DESC, changes.id DESC LIMIT 1), 0) AS follows
                 FROM runs WHERE id IN (SELECT run FROM run_notes WHERE before IS NOT after)
                   AND realm = ? AND account = ?
                   AND NOT EXISTS (SELECT 1 FROM changes WHERE run = runs.id)
                 ORDER BY follows DESC, started_at DESC, id DESC",
                [realm, account],
                |row| {
                    Ok(NotedRun {
                        id: row.get("id")?,
                        domain: row.get("domain")?,
                        asked_by: row.get("asked_by")?,
                        started_at: row.get("started_at")?,
                        notes: usize::try_from(row.get::<_, i64>("notes")?).unwrap_or_default(),
                        after: row.get("follows")?,
                    })
                },
            )?)
        })
        .await
    }
}
