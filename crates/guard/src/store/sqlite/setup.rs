//! Customers' setups: changes to them in the journal, and what people attested.

use rusqlite::{Connection, params};

use super::Store;
use super::database::Outcome;
use super::journal_rows::piece;
use super::statements::{all_rows, run, value};
use crate::store::{Attestation, NewAttestation};
use skyswitch_domain::error::Result;
use skyswitch_domain::{DidRoute, SetupPiece, SetupStep};

impl Store {
    /// Records that a person has checked a step, in place of an earlier
    /// attestation of it.
    pub async fn attest(&self, new: &NewAttestation<'_>) -> Result<i64> {
        self.write(|database| {
            withdraw(database, new)?;
            insert(database, new, None)
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
        self.write(|database| {
            let was_attested = withdraw(database, &withdrawn)?;
            if !was_attested {
                // An approval that waits must not take effect afterwards.
                insert(database, &withdrawn, Some(now))?;
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
        self.read(|database| {
            Ok(value(
                database,
                "SELECT coalesce(max(2 * id + (withdrawn_at IS NOT NULL)), 0) FROM attestations
                 WHERE realm = ? AND account = ? AND domain = ? AND step = ?",
                [realm, account, domain, step.as_str()],
            )?)
        })
        .await
    }

    /// The routes by which numbers were pointed at ANI users, oldest first.
    pub async fn routes_to_ani_users(&self, realm: &str, account: &str) -> Result<Vec<DidRoute>> {
        let pieces = self.read(|database| {
            Ok(all_rows(
                database,
                "SELECT piece FROM changes WHERE realm = ? AND account = ? AND kind = 'did_route' AND kind <> 'vip_rule'
                   AND (operation = 'onboard_domain' OR json_extract(piece, '$.to_ani_user'))
                   AND status <> 'failed' ORDER BY +id",
                [realm, account],
                piece,
            )?)
        });
        let pieces: Vec<Option<SetupPiece>> = pieces.await?;
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
        self.read(|database| {
            Ok(value(
                database,
                "SELECT EXISTS (SELECT 1 FROM changes WHERE realm = ? AND account = ? AND +lower(domain) = ?
                   AND kind = 'pbx_domain' AND kind <> 'vip_rule' AND status <> 'failed' AND NOT (status = 'reconciled' AND stands = 0))",
                [realm, account, domain],
            )?)
        })
        .await
    }

    /// What is attested and not withdrawn, of one domain or of all.
    pub async fn attestations(
        &self,
        realm: &str,
        account: &str,
        domain: Option<&str>,
    ) -> Result<Vec<Attestation>> {
        self.read(|database| {
            Ok(all_rows(
                database,
                "SELECT id, domain, step, attested_by, note, attested_at FROM attestations
                 WHERE realm = ?1 AND account = ?2 AND withdrawn_at IS NULL AND (?3 IS NULL OR domain = ?3)
                 ORDER BY id",
                params![realm, account, domain],
                |row| {
                    Ok(Attestation {
                        id: row.get("id")?,
                        domain: row.get("domain")?,
                        step: row.get("step")?,
                        attested_by: row.get("attested_by")?,
                        note: row.get("note")?,
                        attested_at: row.get("attested_at")?,
                    })
                },
            )?)
        })
        .await
    }
}

/// Withdraws what is attested of the same step; false when nothing is.
fn withdraw(database: &Connection, by: &NewAttestation<'_>) -> Outcome<bool> {
    let withdrawn = run(
        database,
        "UPDATE attestations SET withdrawn_at = ?, withdrawn_by = ?
         WHERE realm = ? AND account = ? AND domain = ? AND step = ? AND withdrawn_at IS NULL",
        params![
            by.now,
            by.asked_by,
            by.realm,
            by.account,
            by.domain,
            by.step.as_str()
        ],
    )?;
    Ok(withdrawn > 0)
}

fn insert(
    database: &Connection,
    new: &NewAttestation<'_>,
    withdrawn_at: Option<i64>,
) -> Outcome<i64> {
    run(
        database,
        "INSERT INTO attestations (realm, account, domain, step, attested_by, note, asked_by,
                                   attested_at, withdrawn_at, withdrawn_by)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            new.realm,
            new.account,
            new.domain,
            new.step.as_str(),
            new.attested_by,
            new.note,
            new.asked_by,
            new.now,
            withdrawn_at,
            withdrawn_at.map(|_| new.asked_by)
        ],
    )?;
    Ok(database.last_insert_rowid())
}
