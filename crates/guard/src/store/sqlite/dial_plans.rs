//! Dial plans as they were read, for the survey of all customers.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{Store, failed};
use crate::store::KeptDialPlan;
use skyswitch_domain::error::Result;

impl Store {
    /// Keeps a dial plan in place of the one that was read before.
    pub async fn keep_dial_plan(&self, pbx: &str, plan: &KeptDialPlan) -> Result<()> {
        self.write(async |database| {
            sqlx::query(
                "INSERT INTO dial_plans (pbx, domain, rules, read_at) VALUES (?, ?, ?, ?)
                 ON CONFLICT (pbx, domain) DO UPDATE SET rules = excluded.rules, read_at = excluded.read_at",
            )
            .bind(pbx)
            .bind(&plan.domain)
            .bind(&plan.rules)
            .bind(plan.read_at)
            .execute(database)
            .await
            .map(drop)
            .map_err(failed)
        })
        .await
    }

    /// Forgets a dial plan.
    pub async fn forget_dial_plan(&self, pbx: &str, domain: &str) -> Result<()> {
        self.write(async |database| {
            sqlx::query("DELETE FROM dial_plans WHERE pbx = ? AND domain = ?")
                .bind(pbx)
                .bind(domain)
                .execute(database)
                .await
                .map(drop)
                .map_err(failed)
        })
        .await
    }

    /// The dial plans read at that moment or later, in milliseconds since 1970.
    pub async fn dial_plans(&self, pbx: &str, since: i64) -> Result<Vec<KeptDialPlan>> {
        sqlx::query("SELECT domain, rules, read_at FROM dial_plans WHERE pbx = ? AND read_at >= ?")
            .bind(pbx)
            .bind(since)
            .try_map(|row: SqliteRow| {
                Ok(KeptDialPlan {
                    domain: row.try_get("domain")?,
                    rules: row.try_get("rules")?,
                    read_at: row.try_get("read_at")?,
                })
            })
            .fetch_all(&self.pool)
            .await
            .map_err(failed)
    }
}
