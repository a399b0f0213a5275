//! Plans of imports that can be applied without their list being sent again.

use std::ops::RangeInclusive;

use rusqlite::params;

use super::Store;
use super::statements::{first_row, run};
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
        self.write(|database| {
            run(
                database,
                "INSERT INTO kept_plans (id, realm, account, domain, request, expires_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT DO UPDATE SET account = ?3, domain = ?4, request = ?5, expires_at = ?6",
                params![
                    plan.id,
                    plan.realm,
                    plan.account,
                    plan.domain,
                    plan.request,
                    plan.expires_at
                ],
            )?;
            run(
                database,
                "DELETE FROM kept_plans WHERE expires_at NOT BETWEEN ?1 AND ?2 OR (realm, id) NOT IN
                     (SELECT realm, id FROM kept_plans WHERE expires_at <= ?2
                      ORDER BY expires_at DESC LIMIT ?3)",
                params![ends.start(), ends.end(), MOST],
            )?;
            Ok(())
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
        self.read(|database| {
            Ok(first_row(
                database,
                "SELECT * FROM kept_plans WHERE realm = ? AND id = ? AND expires_at BETWEEN ? AND ?",
                params![realm, id, ends.start(), ends.end()],
                |row| {
                    Ok(KeptPlan {
                        id: row.get("id")?,
                        realm: row.get("realm")?,
                        account: row.get("account")?,
                        domain: row.get("domain")?,
                        request: row.get("request")?,
                        expires_at: row.get("expires_at")?,
                    })
                },
            )?)
        })
        .await
    }
}
