//! Dial plans as they were read, for the table of all customers.

use super::{Store, failed};
use crate::store::TimeSpan;
use skyswitch_domain::error::Result;

impl Store {
    /// Keeps a domain's dial rules, as JSON, in place of those read before.
    pub async fn keep_dial_plan(
        &self,
        pbx: &str,
        domain: &str,
        rules: &str,
        read_at: i64,
    ) -> Result<()> {
        self.write_soon(async |database| {
            sqlx::query(
                "INSERT INTO dial_plans (pbx, domain, rules, read_at) VALUES (?, ?, ?, ?)
                 ON CONFLICT (pbx, domain) DO UPDATE SET rules = excluded.rules, read_at = excluded.read_at",
            )
            .bind(pbx)
            .bind(domain)
            .bind(rules)
            .bind(read_at)
            .execute(database)
            .await
            .map(drop)
            .map_err(failed)
        })
        .await
    }

    /// A domain's dial rules, and when they were read, in milliseconds since
    /// 1970; none where that was at another time than `within`.
    pub async fn dial_plan(
        &self,
        pbx: &str,
        domain: &str,
        within: TimeSpan,
    ) -> Result<Option<(String, i64)>> {
        sqlx::query_as(
            "SELECT rules, read_at FROM dial_plans
             WHERE pbx = ? AND domain = ? AND read_at > ? AND read_at <= ?",
        )
        .bind(pbx)
        .bind(domain)
        .bind(within.since)
        .bind(within.until)
        .fetch_optional(&self.pool)
        .await
        .map_err(failed)
    }
}
