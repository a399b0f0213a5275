//! Customers' setups: changes to them in the journal, and what people attested.

use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::journal_rows::piece;
use super::{Store, failed};
use crate::store::{Attestation, NewAttestation};
use skyswitch_domain::error::Result;
use skyswitch_domain::{DidRoute, SetupPiece, SetupStep};

impl Store {
    /// Records that a person has checked a step, in place of an earlier
    /// attestation of it.
    pub async fn attest(&self, new: &NewAttestation<'_>) -> Result<i64> {
        self.write(async |database| {
            withdraw(database, new).await?;
            insert(database, new, None).await
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
        let withdrawn = NewAttestation {
            realm,
            account,
            domain,
            step,
            attested_by: "",
            note: "",
            asked_by: withdrawn_by,
            now,
        };
        self.write(async |database| {
            let was_attested = withdraw(database, &withdrawn).await?;
            if !was_attested {
                // An approval that waits must not take effect afterwards.
                insert(database, &withdrawn, Some(now)).await?;
            }
            Ok(was_attested)
        })
        .await
    }

    /// A number that grows whenever a step is attested or withdrawn, whatever
    /// the clock says; 0 where it never was.
    pub async fn attestation_version(
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
            "SELECT piece FROM changes WHERE realm = ? AND account = ? AND kind = 'did_route' AND kind <> 'vip_rule'
               AND (operation = 'onboard_domain' OR json_extract(piece, '$.to_ani_user'))
               AND status <> 'failed' ORDER BY +id",
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
            "SELECT EXISTS (SELECT 1 FROM changes WHERE realm = ? AND account = ? AND +lower(domain) = ?
               AND kind = 'pbx_domain' AND kind <> 'vip_rule' AND status <> 'failed' AND NOT (status = 'reconciled' AND stands = 0))",
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

/// Withdraws what is attested of the same step; false when nothing is.
async fn withdraw(database: &mut SqliteConnection, by: &NewAttestation<'_>) -> Result<bool> {
    let withdrawn = sqlx::query(
        "UPDATE attestations SET withdrawn_at = ?, withdrawn_by = ?
         WHERE realm = ? AND account = ? AND domain = ? AND step = ? AND withdrawn_at IS NULL",
    )
    .bind(by.now)
    .bind(by.asked_by)
    .bind(by.realm)
    .bind(by.account)
    .bind(by.domain)
    .bind(by.step.as_str())
    .execute(database)
    .await
    .map_err(failed)?;
    Ok(withdrawn.rows_affected() > 0)
}

async fn insert(
    database: &mut SqliteConnection,
    new: &NewAttestation<'_>,
    withdrawn_at: Option<i64>,
) -> Result<i64> {
    let added = sqlx::query(
        "INSERT INTO attestations (realm, account, domain, step, attested_by, note, asked_by,
                                   attested_at, withdrawn_at, withdrawn_by)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(new.realm)
    .bind(new.account)
    .bind(new.domain)
    .bind(new.step.as_str())
    .bind(new.attested_by)
    .bind(new.note)
    .bind(new.asked_by)
    .bind(new.now)
    .bind(withdrawn_at)
    .bind(withdrawn_at.map(|_| new.asked_by))
    .execute(database)
    .await
    .map_err(failed)?;
    Ok(added.last_insert_rowid())
}
