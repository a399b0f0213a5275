//! What was learned of a service that nobody documents.

use std::collections::BTreeMap;

use super::{Store, failed};
use skyswitch_domain::error::Result;

impl Store {
    /// Keeps a fact about a host, in place of what was known before.
    pub async fn keep_fact(&self, host: &str, name: &str, value: &str, now: i64) -> Result<()> {
        self.write(async |database| {
            sqlx::query(
                "INSERT INTO facts (host, name, value, learned_at) VALUES (?, ?, ?, ?)
                 ON CONFLICT (host, name) DO UPDATE SET value = excluded.value, learned_at = excluded.learned_at",
            )
            .bind(host)
            .bind(name)
            .bind(value)
            .bind(now)
            .execute(database)
            .await
            .map(drop)
            .map_err(failed)
        })
        .await
    }

    /// All facts about a host, each under its name.
    pub async fn facts(&self, host: &str) -> Result<BTreeMap<String, String>> {
        let facts =
            sqlx::query_as::<_, (String, String)>("SELECT name, value FROM facts WHERE host = ?");
        let facts = facts.bind(host).fetch_all(&self.pool).await;
        Ok(facts.map_err(failed)?.into_iter().collect())
    }

    /// A fact about a host, where it was learned.
    pub async fn fact(&self, host: &str, name: &str) -> Result<Option<String>> {
        sqlx::query_scalar("SELECT value FROM facts WHERE host = ? AND name = ?")
            .bind(host)
            .bind(name)
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)
    }
}
