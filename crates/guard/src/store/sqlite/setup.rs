//! Customers' set-ups: changes to them in the journal, and what people attested.

use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::journal::piece;
use super::{Store, failed};
use crate::store::{Attestation, NewAttestation};
use skyswitch_domain::error::Result;
use skyswitch_domain::{DidRoute, SetupPiece, SetupStep};

impl Store {
    /// Writes down that a person has looked at a step. An earlier attestation
    /// of the same step gives way to it.
    pub async fn attest(&self, new: &NewAttestation<'_>) -> Result<i64> {
        self.write(async |database| {
            let of = [new.realm, new.account, new.domain, new.step.as_str()];
            end_attestation(database, of, new.asked_by, new.now).await?;
            let added = sqlx::query(
                "INSERT INTO attestations (realm, account, domain, step, attested_by, note, asked_by, attested_at)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(new.realm)
            .bind(new.account)
            .bind(new.domain)
            .bind(new.step.as_str())
            .bind(new.attested_by)
            .bind(new.note)
            .bind(new.asked_by)
            .bind(new.now)
            .execute(&mut *database)
            .await
            .map_err(failed)?;
            Ok(added.last_insert_rowid())
        })
        .await
    }

    /// Withdraws what was attested of a step; false when nothing was.
    pub async fn withdraw(
        &self,
        realm: &str,
        account: &str,
        domain: &str,
        step: SetupStep,
        withdrawn_by: &str,
        now: i64,
    ) -> Result<bool> {
        self.write(async |database| {
            let of = [realm, account, domain, step.as_str()];
            if end_attestation(database, of, withdrawn_by, now).await? {
                return Ok(true);
            }
            // Also where nothing stood: an approval that waits must not come to life afterwards.
            sqlx::query(
                "INSERT INTO attestations (realm, account, domain, step, attested_by, note, asked_by,
                                           attested_at, withdrawn_at, withdrawn_by)
                 VALUES (?, ?, ?, ?, '', '', ?, ?, ?, ?)",
            )
            .bind(realm)
            .bind(account)
            .bind(domain)
            .bind(step.as_str())
            .bind(withdrawn_by)
            .bind(now)
            .bind(now)
            .bind(withdrawn_by)
            .execute(&mut *database)
            .await
            .map_err(failed)?;
            Ok(false)
        })
        .await
    }

    /// A number that grows whenever a step is attested or withdrawn, whatever
    /// the clock says; 0 where it never was.
    pub async fn last_word(
        &self,
        realm: &str,
        account: &str,
        domain: &str,
        step: SetupStep,
    ) -> Result<i64> {
        sqlx::query_scalar(
            "SELECT coalesce(max(2 * id + (withdrawn_at IS NOT NULL)), 0) FROM attestations
             WHERE realm = ? AND account = ? AND domain = ? AND step = ?",
        )
        .bind(realm)
        .bind(account)
        .bind(domain)
        .bind(step.as_str())
        .fetch_one(&self.pool)
        .await
        .map_err(failed)
    }

    /// The routes by which numbers were pointed at ANI users, oldest first.
    pub async fn routes_to_ani_users(&self, realm: &str, account: &str) -> Result<Vec<DidRoute>> {
        let pieces: Vec<Option<SetupPiece>> = sqlx::query(
            "SELECT piece FROM changes WHERE realm = ? AND account = ? AND kind = 'did_route'
               AND operation = 'onboard_domain' AND status <> 'failed' ORDER BY id",
        )
        .bind(realm)
        .bind(account)
        .try_map(|row: SqliteRow| piece(&row))
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        let routes = pieces
            .into_iter()
            .flatten()
            .filter_map(|piece| match piece {
                SetupPiece::DidRoute { route, .. } => Some(route),
                _ => None,
            });
        Ok(routes.collect())
    }

    /// Whether this installation has created a domain.
    pub async fn has_created(&self, realm: &str, account: &str, domain: &str) -> Result<bool> {
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM changes WHERE realm = ? AND account = ? AND lower(domain) = ?
               AND kind = 'pbx_domain' AND status <> 'failed' AND NOT (status = 'reconciled' AND stands = 0))",
        )
        .bind(realm)
        .bind(account)
        .bind(domain)
        .fetch_one(&self.pool)
        .await
        .map_err(failed)
    }

    /// What is attested and not withdrawn, of one domain or of all.
    pub async fn attestations(
        &self,
        realm: &str,
        account: &str,
        domain: Option<&str>,
    ) -> Result<Vec<Attestation>> {
        sqlx::query(
            "SELECT id, domain, step, attested_by, note, attested_at FROM attestations
             WHERE realm = ? AND account = ? AND withdrawn_at IS NULL AND (? IS NULL OR domain = ?)
             ORDER BY id",
        )
        .bind(realm)
        .bind(account)
        .bind(domain)
        .bind(domain)
        .try_map(|row: SqliteRow| {
            Ok(Attestation {
                id: row.try_get("id")?,
                domain: row.try_get("domain")?,
                step: row.try_get("step")?,
                attested_by: row.try_get("attested_by")?,
                note: row.try_get("note")?,
                attested_at: row.try_get("attested_at")?,
            })
        })
        .fetch_all(&self.pool)
        .await
        .map_err(failed)
    }
}

/// Ends what is attested of a step: of a realm, an account, a domain and a
/// step; false where nothing is.
async fn end_attestation(
    database: &mut SqliteConnection,
    of: [&str; 4],
    by: &str,
    now: i64,
) -> Result<bool> {
    let [realm, account, domain, step] = of;
    let done = sqlx::query(
        "UPDATE attestations SET withdrawn_at = ?, withdrawn_by = ?
         WHERE realm = ? AND account = ? AND domain = ? AND step = ? AND withdrawn_at IS NULL",
    )
    .bind(now)
    .bind(by)
    .bind(realm)
    .bind(account)
    .bind(domain)
    .bind(step)
    .execute(database)
    .await
    .map_err(failed)?;
    Ok(done.rows_affected() > 0)
}
