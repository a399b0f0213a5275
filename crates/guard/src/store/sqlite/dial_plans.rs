//! Dial plans as they were read, for the table of all customers.

use rusqlite::params;

use super::Store;
use super::statements::{first_row, run};
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
        self.write_soon(|database| {
            run(
                database,
                "INSERT INTO dial_plans (pbx, domain, rules, read_at) VALUES (?, ?, ?, ?)
                 ON CONFLICT (pbx, domain) DO UPDATE SET rules = excluded.rules, read_at = excluded.read_at",
                params![pbx, domain, rules, read_at],
            )?;
            Ok(())
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
        self.read(|database| {
            Ok(first_row(
                database,
                "SELECT rules, read_at FROM dial_plans
                 WHERE pbx = ? AND domain = ? AND read_at > ? AND read_at <= ?",
                params![pbx, domain, within.since, within.until],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?)
        })
        .await
    }
}
