//! Imports that a person agreed to, so that one that was cut off can be
//! continued.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::journal_rows::select;
use super::{Store, decoded, failed};
use crate::store::stored_text::{from_text, routes_from_text, routes_to_text, to_text};
use crate::store::{ChangeRecord, NewRun, RulesBefore, Run, RunBasis};
use skyswitch_domain::error::Result;

/// Imports into one domain whose rules before them are kept, and how many rules
/// a domain may have for that: together some megabytes.
const LISTS_KEPT: i64 = 10;
const MOST_RULES_KEPT: usize = 20_000;

impl Store {
    /// Writes an import down.
    ///
    /// # Errors
    /// `internal`: nothing of it may be sent.
    pub async fn add_run(&self, run: &NewRun<'_>) -> Result<()> {
        let rules_before = match run.rules_before {
            rules if rules.len() > MOST_RULES_KEPT => None,
            rules => Some(to_text(rules)?),
        };
        self.write(async |database| {
            sqlx::query(
                "INSERT INTO runs (id, realm, account, domain, mode, request, list, seen, rules_before, asked_by, started_at)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(run.id)
            .bind(run.realm)
            .bind(run.account)
            .bind(run.domain)
            .bind(run.mode)
            .bind(run.request)
            .bind(&run.basis.list)
            .bind(routes_to_text(&run.basis.seen)?)
            .bind(rules_before)
            .bind(run.asked_by)
            .bind(run.now)
            .execute(&mut *database)
            .await
            .map_err(failed)?;
            sqlx::query(
                "UPDATE runs SET rules_before = NULL
                 WHERE realm = ?1 AND account = ?2 AND domain = ?3 AND rules_before IS NOT NULL AND rowid NOT IN (
                     SELECT rowid FROM runs WHERE realm = ?1 AND account = ?2 AND domain = ?3
                     ORDER BY rowid DESC LIMIT ?4)",
            )
            .bind(run.realm)
            .bind(run.account)
            .bind(run.domain)
            .bind(LISTS_KEPT)
            .execute(database)
            .await
            .map(drop)
            .map_err(failed)
        })
        .await
    }

    /// The rules as they were before the import of that id.
    pub async fn rules_before(
        &self,
        realm: &str,
        account: &str,
        id: &str,
    ) -> Result<Option<RulesBefore>> {
        let found = sqlx::query_as::<_, (String, Option<String>)>(
            "SELECT domain, rules_before FROM runs WHERE realm = ? AND account = ? AND id = ?",
        );
        let found = found.bind(realm).bind(account).bind(id);
        let found = found.fetch_optional(&self.pool).await.map_err(failed)?;
        let Some((domain, rules)) = found else {
            return Ok(None);
        };
        let rules = rules.map(|rules| from_text(&rules)).transpose();
        let rules = decoded(rules).map_err(failed)?;
        Ok(Some(RulesBefore { domain, rules }))
    }

    /// The import of that id.
    pub async fn run(&self, realm: &str, id: &str) -> Result<Option<Run>> {
        sqlx::query("SELECT * FROM runs WHERE realm = ? AND id = ?")
            .bind(realm)
            .bind(id)
            .try_map(run)
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)
    }

    /// The newest import into a domain that was cut off.
    pub async fn unfinished_run(
        &self,
        realm: &str,
        account: &str,
        domain: &str,
    ) -> Result<Option<Run>> {
        sqlx::query(
            "SELECT * FROM runs WHERE realm = ? AND account = ? AND domain = ? AND finished = 0
             ORDER BY rowid DESC LIMIT 1",
        )
        .bind(realm)
        .bind(account)
        .bind(domain)
        .try_map(run)
        .fetch_optional(&self.pool)
        .await
        .map_err(failed)
    }

    /// What was done of an import so far, in the order in which it was begun.
    pub async fn run_changes(&self, id: &str) -> Result<Vec<ChangeRecord>> {
        let mut query = select();
        query
            .push("run = ")
            .push_bind(id.to_owned())
            .push(" ORDER BY id");
        self.records(query).await
    }

    /// Marks an import as one that may be cut off again: it is being applied.
    pub async fn reopen_run(&self, id: &str) -> Result<()> {
        self.set_finished(id, false).await
    }

    /// Marks an import as one of which every change was tried.
    pub async fn finish_run(&self, id: &str) -> Result<()> {
        self.set_finished(id, true).await
    }

    async fn set_finished(&self, id: &str, finished: bool) -> Result<()> {
        self.write(async |database| {
            sqlx::query("UPDATE runs SET finished = ? WHERE id = ?")
                .bind(finished)
                .bind(id)
                .execute(database)
                .await
                .map(drop)
                .map_err(failed)
        })
        .await
    }
}

fn run(row: SqliteRow) -> sqlx::Result<Run> {
    Ok(Run {
        id: row.try_get("id")?,
        account: row.try_get("account")?,
        domain: row.try_get("domain")?,
        mode: row.try_get("mode")?,
        request: row.try_get("request")?,
        basis: basis(&row)?,
    })
}

fn basis(row: &SqliteRow) -> sqlx::Result<Option<RunBasis>> {
    let texts = (row.try_get("list")?, row.try_get("seen")?);
    let (Some(list), Some(seen)) = texts else {
        return Ok(None);
    };
    let seen = decoded(routes_from_text(seen))?;
    Ok(Some(RunBasis { list, seen }))
}
