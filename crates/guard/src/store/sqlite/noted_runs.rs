//! Imports that changed notes alone: the journal has no change of theirs.

use super::{Store, failed};
use crate::store::NotedRun;
use skyswitch_domain::error::Result;

type Row = (String, String, String, i64, i64, i64);

impl Store {
    /// Imports of an account that changed notes and no rule, newest first.
    pub async fn noted_runs(&self, realm: &str, account: &str) -> Result<Vec<NotedRun>> {
        let rows = sqlx::query_as::<_, Row>(
            "SELECT id, domain, asked_by, started_at,
                    (SELECT count(*) FROM run_notes WHERE run = runs.id AND before IS NOT after),
                    coalesce((SELECT changes.id FROM changes
                              WHERE changes.realm = runs.realm AND changes.account = runs.account
                                AND changes.started_at <= runs.started_at
                              ORDER BY changes.started_at DESC, changes.id DESC LIMIT 1), 0)
             FROM runs WHERE id IN (SELECT run FROM run_notes WHERE before IS NOT after)
               AND realm = ? AND account = ?
               AND NOT EXISTS (SELECT 1 FROM changes WHERE run = runs.id)
             ORDER BY 6 DESC, started_at DESC, id DESC",
        );
        let rows = rows.bind(realm).bind(account).fetch_all(&self.pool).await;
        let rows = rows.map_err(failed)?.into_iter();
        let run = |(id, domain, asked_by, started_at, notes, after): Row| NotedRun {
            id,
            domain,
            asked_by,
            started_at,
            notes: usize::try_from(notes).unwrap_or_default(),
            after,
        };
        Ok(rows.map(run).collect())
    }
}
