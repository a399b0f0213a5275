//! Plans of imports that can be applied without their list being sent again.

use std::ops::RangeInclusive;

use sqlx::Row;

use super::{Store, failed};
use crate::store::KeptPlan;
use skyswitch_domain::error::Result;

/// Plans that are kept at once; the one that expires first makes room.
const MOST: u32 = 20;

impl Store {
    /// Keeps a plan until it expires. All others that count expire in `ends`.
    ///
    /// # Errors
    /// `internal`: its list has to be sent again.
    pub async fn keep_plan(&self, plan: &KeptPlan, ends: &RangeInclusive<i64>) -> Result<()> {
        self.write(async |database| {
            sqlx::query(
                "INSERT INTO kept_plans (id, realm, account, domain, request, expires_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT DO UPDATE SET account = ?3, domain = ?4, request = ?5, expires_at = ?6",
            )
            .bind(&plan.id)
            .bind(&plan.realm)
            .bind(&plan.account)
            .bind(&plan.domain)
            .bind(&plan.request)
            .bind(plan.expires_at)
            .execute(&mut *database)
            .await
            .map_err(failed)?;
            sqlx::query(
                "DELETE FROM kept_plans WHERE expires_at NOT BETWEEN ?1 AND ?2 OR (realm, id) NOT IN
                     (SELECT realm, id FROM kept_plans WHERE expires_at <= ?2
                      ORDER BY expires_at DESC LIMIT ?3)",
            )
            .bind(ends.start())
            .bind(ends.end())
            .bind(MOST)
            .execute(&mut *database)
            .await
            .map(drop)
            .map_err(failed)
        })
        .await
    }

    /// The plan that is kept under an id or an approval code, and expires in `ends`.
    ///
    /// # Errors
    /// `internal` when the store cannot be read.
    pub async fn kept_plan(
        &self,
        realm: &str,
        id: &str,
        ends: &RangeInclusive<i64>,
    ) -> Result<Option<KeptPlan>> {
        sqlx::query(
            "SELECT * FROM kept_plans WHERE realm = ? AND id = ? AND expires_at BETWEEN ? AND ?",
        )
        .bind(realm)
        .bind(id)
        .bind(ends.start())
        .bind(ends.end())
        .try_map(|row: sqlx::sqlite::SqliteRow| {
            Ok(KeptPlan {
                id: row.try_get("id")?,
                realm: row.try_get("realm")?,
                account: row.try_get("account")?,
                domain: row.try_get("domain")?,
                request: row.try_get("request")?,
                expires_at: row.try_get("expires_at")?,
            })
        })
        .fetch_optional(&self.pool)
        .await
        .map_err(failed)
    }
}
