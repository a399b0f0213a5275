//! Imports that a person agreed to, so that one that was cut off can be taken
//! up again.

use std::collections::HashMap;

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::journal::{COLUMNS, change, pair};
use super::{Store, failed};
use crate::store::records::{route_from_text, route_to_text};
use crate::store::{Change, NewRun, Run, RunRow};
use skyswitch_domain::Route;
use skyswitch_domain::error::Result;

impl Store {
    /// Writes an import down, whole or not at all.
    ///
    /// # Errors
    /// `internal`: nothing of it may be sent.
    pub async fn add_run(&self, run: &NewRun<'_>, rows: &[RunRow]) -> Result<()> {
        self.write(async |database| {
            sqlx::query(
                "INSERT INTO runs (id, realm, account, domain, mode, request, asked_by, started_at)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(run.id)
            .bind(run.realm)
            .bind(run.account)
            .bind(run.domain)
            .bind(run.mode)
            .bind(run.request)
            .bind(run.asked_by)
            .bind(run.now)
            .execute(&mut *database)
            .await
            .map_err(failed)?;
            for row in rows {
                sqlx::query(
                    "INSERT INTO run_rows (run, row, line, route_before, route_wanted)
                     VALUES (?, ?, ?, ?, ?)",
                )
                .bind(run.id)
                .bind(row.row)
                .bind(row.line)
                .bind(row.routes.before.as_ref().map(route_to_text).transpose()?)
                .bind(row.routes.wanted.as_ref().map(route_to_text).transpose()?)
                .execute(&mut *database)
                .await
                .map_err(failed)?;
                for route in &row.at_risk {
                    sqlx::query("INSERT INTO run_rows_at_risk (run, row, route) VALUES (?, ?, ?)")
                        .bind(run.id)
                        .bind(row.row)
                        .bind(route_to_text(route)?)
                        .execute(&mut *database)
                        .await
                        .map_err(failed)?;
                }
            }
            Ok(())
        })
        .await
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
             ORDER BY started_at DESC, rowid DESC LIMIT 1",
        )
        .bind(realm)
        .bind(account)
        .bind(domain)
        .try_map(run)
        .fetch_optional(&self.pool)
        .await
        .map_err(failed)
    }

    /// The plan of an import, in its order.
    pub async fn run_rows(&self, id: &str) -> Result<Vec<RunRow>> {
        let mut at_risk = self.at_risk(id).await?;
        sqlx::query(
            "SELECT row, line, route_before, route_wanted FROM run_rows WHERE run = ? ORDER BY row",
        )
        .bind(id)
        .try_map(|row: SqliteRow| {
            let position = row.try_get("row")?;
            Ok(RunRow {
                row: position,
                line: row.try_get("line")?,
                routes: pair(&row)?,
                at_risk: at_risk.remove(&position).unwrap_or_default(),
            })
        })
        .fetch_all(&self.pool)
        .await
        .map_err(failed)
    }

    /// The rules that an import's removals put at risk, by position.
    async fn at_risk(&self, id: &str) -> Result<HashMap<i64, Vec<Route>>> {
        let rules = sqlx::query("SELECT row, route FROM run_rows_at_risk WHERE run = ?")
            .bind(id)
            .try_map(|row: SqliteRow| {
                let route = route_from_text(row.try_get("route")?)
                    .map_err(|refused| sqlx::Error::Decode(Box::new(refused)))?;
                Ok((row.try_get("row")?, route))
            })
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        let mut at_risk = HashMap::<i64, Vec<Route>>::new();
        for (position, route) in rules {
            at_risk.entry(position).or_default().push(route);
        }
        Ok(at_risk)
    }

    /// What was done of an import so far, in the order in which it was begun.
    pub async fn run_changes(&self, id: &str) -> Result<Vec<Change>> {
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM changes WHERE run = ? ORDER BY id"
        )))
        .bind(id)
        .try_map(change)
        .fetch_all(&self.pool)
        .await
        .map_err(failed)
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
        finished: row.try_get("finished")?,
    })
}
