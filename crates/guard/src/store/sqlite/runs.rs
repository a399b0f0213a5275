//! Imports that a person agreed to, so that one that was cut off can be
//! continued.

use rusqlite::{Row, params};

use super::Store;
use super::journal_rows::select;
use super::statements::{decoded, first_row, run};
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
    pub async fn add_run(&self, new: &NewRun<'_>) -> Result<()> {
        let rules_before = match new.rules_before {
            rules if rules.len() > MOST_RULES_KEPT => None,
            rules => Some(to_text(rules)?),
        };
        self.write(|database| {
            run(
                database,
                "INSERT INTO runs (id, realm, account, domain, mode, request, list, seen, rules_before, asked_by, started_at)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                params![
                    new.id,
                    new.realm,
                    new.account,
                    new.domain,
                    new.mode,
                    new.request,
                    new.basis.list,
                    routes_to_text(&new.basis.seen)?,
                    rules_before,
                    new.asked_by,
                    new.now
                ],
            )?;
            run(
                database,
                "UPDATE runs SET rules_before = NULL
                 WHERE realm = ?1 AND account = ?2 AND domain = ?3 AND rules_before IS NOT NULL AND rowid NOT IN (
                     SELECT rowid FROM runs WHERE realm = ?1 AND account = ?2 AND domain = ?3
                     ORDER BY rowid DESC LIMIT ?4)",
                params![new.realm, new.account, new.domain, LISTS_KEPT],
            )?;
            Ok(())
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
        self.read(|database| {
            Ok(first_row(
                database,
                "SELECT domain, rules_before FROM runs WHERE realm = ? AND account = ? AND id = ?",
                [realm, account, id],
                |row| {
                    let rules = row.get_ref("rules_before")?.as_str_or_null()?;
                    Ok(RulesBefore {
                        domain: row.get("domain")?,
                        rules: decoded(rules.map(from_text).transpose())?,
                    })
                },
            )?)
        })
        .await
    }

    /// The import of that id.
    pub async fn run(&self, realm: &str, id: &str) -> Result<Option<Run>> {
        self.read(|database| {
            let sql = "SELECT * FROM runs WHERE realm = ? AND id = ?";
            Ok(first_row(database, sql, [realm, id], of_row)?)
        })
        .await
    }

    /// The newest import into a domain that was cut off.
    pub async fn unfinished_run(
        &self,
        realm: &str,
        account: &str,
        domain: &str,
    ) -> Result<Option<Run>> {
        self.read(|database| {
            Ok(first_row(
                database,
                "SELECT * FROM runs WHERE realm = ? AND account = ? AND domain = ? AND finished = 0
                 ORDER BY rowid DESC LIMIT 1",
                [realm, account, domain],
                of_row,
            )?)
        })
        .await
    }

    /// What was done of an import so far, in the order in which it was begun.
    pub async fn run_changes(&self, id: &str) -> Result<Vec<ChangeRecord>> {
        let mut query = select();
        query
            .push("run = ")
            .bind(id.to_owned())
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
        self.write(|database| {
            let sql = "UPDATE runs SET finished = ? WHERE id = ?";
            run(database, sql, params![finished, id])?;
            Ok(())
        })
        .await
    }
}

fn of_row(row: &Row<'_>) -> rusqlite::Result<Run> {
    Ok(Run {
        id: row.get("id")?,
        account: row.get("account")?,
        domain: row.get("domain")?,
        mode: row.get("mode")?,
        request: row.get("request")?,
        basis: basis(row)?,
    })
}

fn basis(row: &Row<'_>) -> rusqlite::Result<Option<RunBasis>> {
    let seen = row.get_ref("seen")?.as_str_or_null()?;
    let (Some(list), Some(seen)) = (row.get("list")?, seen) else {
        return Ok(None);
    };
    let seen = decoded(routes_from_text(seen))?;
    Ok(Some(RunBasis { list, seen }))
}
