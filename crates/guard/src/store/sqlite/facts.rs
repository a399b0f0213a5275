//! What was learned of a service that nobody documents.

use std::collections::BTreeMap;

use rusqlite::params;

use super::Store;
use super::statements::{all_rows, first_row, run};
use skyswitch_domain::error::Result;

impl Store {
    /// Keeps a fact about a host, in place of what was known before.
    pub async fn keep_fact(&self, host: &str, name: &str, value: &str, now: i64) -> Result<()> {
        self.write(|database| {
            run(
                database,
                "INSERT INTO facts (host, name, value, learned_at) VALUES (?, ?, ?, ?)
                 ON CONFLICT (host, name) DO UPDATE SET value = excluded.value, learned_at = excluded.learned_at",
                params![host, name, value, now],
            )?;
            Ok(())
        })
        .await
    }

    /// All facts about a host, each under its name.
    pub async fn facts(&self, host: &str) -> Result<BTreeMap<String, String>> {
        let facts = self.read(|database| {
            let sql = "SELECT name, value FROM facts WHERE host = ?";
            let fact = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
            Ok(all_rows(database, sql, [host], fact)?)
        });
        Ok(facts.await?.into_iter().collect())
    }

    /// A fact about a host, where it was learned.
    pub async fn fact(&self, host: &str, name: &str) -> Result<Option<String>> {
        self.read(|database| {
            let sql = "SELECT value FROM facts WHERE host = ? AND name = ?";
            Ok(first_row(database, sql, [host, name], |row| row.get(0))?)
        })
        .await
    }
}
