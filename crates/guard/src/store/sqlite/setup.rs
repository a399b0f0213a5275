//! Customers' set-ups: changes to them in the journal, and what people attested.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::journal::{NewRow, RowEnd};
use super::{Store, failed};
use crate::store::{
    Attestation, Begun, ChangeStatus, NewAttestation, NewSetupEntry, SetupClosing, SetupEntry,
    TimeSpan,
};
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::{DidRoute, SetupPiece, SetupStep};

impl Store {
    /// Writes a change to a set-up down before it is sent; see [`Store::begin_change`].
    ///
    /// # Errors
    /// `internal`: the change is not written down and must not be sent.
    pub async fn begin_setup(
        &self,
        new: &NewSetupEntry<'_>,
        limit: Option<(TimeSpan, u32)>,
    ) -> Result<Begun> {
        let did = match new.piece {
            SetupPiece::DidRoute { did, .. } => Some(did.as_str()),
            _ => None,
        };
        let row = NewRow {
            realm: new.realm,
            account: new.account,
            operation: new.operation,
            asked_by: new.asked_by,
            domain: new.domain,
            ani: "",
            dnis: None,
            caller: String::new(),
            before: new.before.map(to_text).transpose()?,
            wanted: None,
            piece: Some(to_text(new.piece)?),
            did,
            undoes: new.undoes,
            run: None,
            owner: new.owner,
            seen: new.seen,
            now: new.now,
        };
        self.begin_row(&row, limit).await
    }

    /// Closes a change to a set-up that is open; false when it was closed before.
    ///
    /// # Errors
    /// `internal`: it stays open, and is closed by what stands later on.
    pub async fn close_setup(&self, id: i64, closing: &SetupClosing<'_>) -> Result<bool> {
        let end = RowEnd {
            status: closing.status,
            after: closing.after.map(to_text).transpose()?,
            stands: closing.stands,
            problem: closing.problem,
            request_id: closing.request_id,
            now: closing.now,
        };
        self.close_row(id, &end).await
    }

    /// Writes down that a person has looked at a step. An earlier attestation
    /// of the same step gives way to it.
    pub async fn attest(&self, new: &NewAttestation<'_>) -> Result<i64> {
        self.write(async |database| {
            sqlx::query(
                "UPDATE attestations SET withdrawn_at = ?, withdrawn_by = ?
                 WHERE realm = ? AND account = ? AND domain = ? AND step = ? AND withdrawn_at IS NULL",
            )
            .bind(new.now)
            .bind(new.asked_by)
            .bind(new.realm)
            .bind(new.account)
            .bind(new.domain)
            .bind(new.step.as_str())
            .execute(&mut *database)
            .await
            .map_err(failed)?;
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
            let done = sqlx::query(
                "UPDATE attestations SET withdrawn_at = ?, withdrawn_by = ?
                 WHERE realm = ? AND account = ? AND domain = ? AND step = ? AND withdrawn_at IS NULL",
            )
            .bind(now)
            .bind(withdrawn_by)
            .bind(realm)
            .bind(account)
            .bind(domain)
            .bind(step.as_str())
            .execute(&mut *database)
            .await
            .map_err(failed)?;
            if done.rows_affected() > 0 {
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
        let pieces: Vec<SetupPiece> = sqlx::query(
            "SELECT piece FROM changes WHERE realm = ? AND account = ? AND kind = 'did_route'
               AND operation = 'onboard_domain' AND status <> 'failed' ORDER BY id",
        )
        .bind(realm)
        .bind(account)
        .try_map(|row: SqliteRow| from_text(row.try_get("piece")?, "piece"))
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        let routes = pieces.into_iter().filter_map(|piece| match piece {
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

pub(super) fn setup_entry(row: &SqliteRow) -> sqlx::Result<SetupEntry> {
    Ok(SetupEntry {
        id: row.try_get("id")?,
        account: row.try_get("account")?,
        operation: row.try_get("operation")?,
        asked_by: row.try_get("asked_by")?,
        domain: row.try_get("domain")?,
        piece: from_text(row.try_get("piece")?, "piece")?,
        before: optional(row, "route_before")?,
        status: ChangeStatus::from_word(row.try_get("status")?),
        after: optional(row, "route_after")?,
        stands: row.try_get("stands")?,
        problem: row.try_get("problem")?,
        request_id: row.try_get("request_id")?,
        undoes: row.try_get("undoes")?,
        owner: row.try_get("owner")?,
        started_at: row.try_get("started_at")?,
        ended_at: row.try_get("ended_at")?,
        last_tried_at: row.try_get("last_tried_at")?,
    })
}

fn to_text(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|_| {
        Error::internal(
            "a piece of a set-up cannot be written to the journal",
            "Please report this as a bug; nothing was sent.",
        )
    })
}

fn optional<T: DeserializeOwned>(row: &SqliteRow, column: &str) -> sqlx::Result<Option<T>> {
    let text: Option<&str> = row.try_get(column)?;
    text.map(|text| from_text(text, column)).transpose()
}

fn from_text<T: DeserializeOwned>(text: &str, column: &str) -> sqlx::Result<T> {
    serde_json::from_str(text).map_err(|error| sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source: Box::new(error),
    })
}
