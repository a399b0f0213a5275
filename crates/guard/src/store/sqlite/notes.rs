//! What is kept of VIP rules beside the service: notes, and until when they are
//! to be there. A trigger of the schema ends it with the rule.

use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::{Store, failed};
use crate::Note;
use crate::store::records::caller_of;
use crate::store::stored_text::{route_from_text, route_to_text};
use crate::store::{NewChange, NoteRecord};
use skyswitch_domain::error::Result;
use skyswitch_domain::{Route, RouteKey};

impl Store {
    /// What is kept of the rules of one domain, in lower case, or of all, oldest
    /// first: of several for one rule, the last counts.
    pub async fn vip_notes(
        &self,
        realm: &str,
        account: &str,
        domain: Option<&str>,
    ) -> Result<Vec<NoteRecord>> {
        sqlx::query(
            "SELECT id, account, rule, note, until, ends_at FROM vip_notes
             WHERE realm = ? AND account = ? AND (? IS NULL OR domain = ?) ORDER BY id",
        )
        .bind(realm)
        .bind(account)
        .bind(domain)
        .bind(domain)
        .try_map(record)
        .fetch_all(&self.pool)
        .await
        .map_err(failed)
    }

    /// Those of rules that end before a moment, in milliseconds since 1970, of one
    /// account or of all; the first to end come first.
    pub async fn vip_notes_ending(
        &self,
        realm: &str,
        account: Option<&str>,
        before: i64,
        limit: u32,
    ) -> Result<Vec<NoteRecord>> {
        sqlx::query(
            "SELECT id, account, rule, note, until, ends_at FROM vip_notes
             WHERE realm = ? AND (? IS NULL OR account = ?) AND ends_at < ? ORDER BY ends_at, id LIMIT ?",
        )
        .bind(realm)
        .bind(account)
        .bind(account)
        .bind(before)
        .bind(limit)
        .try_map(record)
        .fetch_all(&self.pool)
        .await
        .map_err(failed)
    }

    /// Notes who the callers of rules are that exist already. Their ends stay.
    pub async fn note_rules(
        &self,
        realm: &str,
        account: &str,
        notes: &[(Route, String)],
    ) -> Result<()> {
        self.write(async |database| {
            for (rule, note) in notes {
                let text = route_to_text(rule)?;
                let (domain, caller, dnis) = columns(&rule.key);
                let updated = sqlx::query(
                    "UPDATE vip_notes SET note = ? WHERE id = (
                         SELECT max(id) FROM vip_notes WHERE realm = ? AND account = ? AND domain = ?
                           AND caller = ? AND dnis = ? AND rule = ?)",
                )
                .bind(note)
                .bind(realm)
                .bind(account)
                .bind(&domain)
                .bind(&caller)
                .bind(dnis)
                .bind(&text)
                .execute(&mut *database)
                .await
                .map_err(failed)?;
                if updated.rows_affected() > 0 {
                    continue;
                }
                sqlx::query(
                    "INSERT INTO vip_notes (realm, account, domain, caller, dnis, rule, note)
                     VALUES (?, ?, ?, ?, ?, ?, ?)",
                )
                .bind(realm)
                .bind(account)
                .bind(&domain)
                .bind(&caller)
                .bind(dnis)
                .bind(&text)
                .bind(note)
                .execute(&mut *database)
                .await
                .map_err(failed)?;
            }
            Ok(())
        })
        .await
    }

    /// Forgets what is kept of a rule that is not there any more.
    pub async fn forget_note(&self, id: i64) -> Result<()> {
        self.write(async |database| {
            sqlx::query("DELETE FROM vip_notes WHERE id = ?")
                .bind(id)
                .execute(database)
                .await
                .map(drop)
                .map_err(failed)
        })
        .await
    }
}

/// Keeps what a change says of the rule that it makes, with the change itself.
///
/// A rule that is made with nothing said of it has no note and no last day. Where
/// the same rule had them before, an empty row takes their place; else none is
/// needed. Only what is put back keeps what was said of it.
pub(super) async fn keep(
    database: &mut SqliteConnection,
    new: &NewChange<'_>,
    change: i64,
) -> Result<()> {
    let Some(rule) = new.change.rule() else {
        return Ok(());
    };
    let Some(after) = rule.after() else {
        return Ok(());
    };
    let nothing = Note::default();
    let note = match (rule.note(), new.undoes) {
        (Some(note), _) => note,
        (None, None) => &nothing,
        (None, Some(_)) => return Ok(()),
    };
    let (domain, caller, dnis) = columns(&after.key);
    let until = note.until.as_ref();
    sqlx::query(
        "INSERT INTO vip_notes (realm, account, domain, caller, dnis, rule, note, until, ends_at, change)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 WHERE ?7 IS NOT NULL OR ?8 IS NOT NULL
             OR EXISTS (SELECT 1 FROM vip_notes WHERE realm = ?1 AND account = ?2 AND domain = ?3
                          AND caller = ?4 AND dnis = ?5)",
    )
    .bind(new.realm)
    .bind(new.change.account().as_str())
    .bind(domain)
    .bind(caller)
    .bind(dnis)
    .bind(route_to_text(after)?)
    .bind(note.text.as_deref())
    .bind(until.map(|until| until.day.as_str()))
    .bind(until.map(|until| until.ends_at))
    .bind(change)
    .execute(database)
    .await
    .map(drop)
    .map_err(failed)
}

/// Domain, caller and dialled number of a rule, as the table holds them.
fn columns(key: &RouteKey) -> (String, String, &str) {
    let dnis = key.dnis.to_send().filter(|dnis| *dnis != "*");
    (
        key.domain.to_ascii_lowercase(),
        caller_of(&key.ani),
        dnis.unwrap_or_default(),
    )
}

fn record(row: SqliteRow) -> sqlx::Result<NoteRecord> {
    let rule = route_from_text(row.try_get("rule")?);
    Ok(NoteRecord {
        id: row.try_get("id")?,
        account: row.try_get("account")?,
        rule: rule.map_err(|refused| sqlx::Error::Decode(Box::new(refused)))?,
        note: row.try_get("note")?,
        until: row.try_get("until")?,
        ends_at: row.try_get("ends_at")?,
    })
}
