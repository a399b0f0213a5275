//! What is kept of VIP rules beside the service: notes, and until when they are
//! to be there. A trigger of the schema ends it with the rule.

use rusqlite::{Connection, Row, params};

use super::Store;
use super::database::Outcome;
use super::statements::{Query, all_rows, decoded, run, some_text};
use crate::store::records::{called_of, caller_of};
use crate::store::stored_text::{route_from_text, route_to_text};
use crate::store::{NewChange, NewText, NotNoted, NoteRecord, NotedByRun, RunNotes};
use crate::{Note, Until};
use skyswitch_domain::error::Result;
use skyswitch_domain::redact::shown;
use skyswitch_domain::{Ani, Application, Destination, Dnis, Route, RouteKey};

impl Store {
    /// What is kept of the rules of one domain, in lower case, or of all, oldest
    /// first: of several for one rule, the last counts.
    pub async fn vip_notes(
        &self,
        realm: &str,
        account: &str,
        domain: Option<&str>,
    ) -> Result<Vec<NoteRecord>> {
        let mut query = select();
        query
            .push("ended IS NULL AND realm = ")
            .bind(realm.to_owned());
        query.push(" AND account = ").bind(account.to_owned());
        if let Some(domain) = domain {
            query.push(" AND domain = ").bind(domain.to_owned());
        }
        query.push(" ORDER BY id");
        self.note_records(query).await
    }

    /// Those of rules that end before a moment, in milliseconds since 1970, of one
    /// account or of all; the first to end come first. With `doubtful`, instead
    /// those whose rule a list has shown gone since.
    pub async fn vip_notes_ending(
        &self,
        realm: &str,
        account: Option<&str>,
        before: i64,
        doubtful: bool,
    ) -> Result<Vec<NoteRecord>> {
        let mut query = select();
        query.push(match doubtful {
            true => "ended = 0 AND realm = ",
            false => "ended IS NULL AND realm = ",
        });
        query.bind(realm.to_owned());
        query.push(" AND ends_at < ").bind(before);
        if let Some(account) = account {
            query.push(" AND account = ").bind(account.to_owned());
        }
        query.push(" ORDER BY ends_at, id");
        self.note_records(query).await
    }

    /// What a change has ended, oldest first.
    pub async fn vip_notes_ended_by(&self, change: i64) -> Result<Vec<NoteRecord>> {
        self.note_records(ended_by(change)).await
    }

    async fn note_records(&self, query: Query) -> Result<Vec<NoteRecord>> {
        self.read(|database| Ok(query.all(database, record)?)).await
    }

    /// Notes who the callers of rules are that exist already. Their ends stay. What
    /// an import notes is kept with it. What somebody else has noted since it was read
    /// is theirs: it stays, and is given with its rule.
    pub async fn note_rules(
        &self,
        realm: &str,
        account: &str,
        run: Option<&str>,
        texts: &[NewText],
    ) -> Result<Vec<NotNoted>> {
        self.write(|database| {
            let mut not_noted = Vec::new();
            for new in texts {
                let kept = kept_of(database, (realm, account), &new.rule)?;
                let there = kept.as_ref().and_then(|kept| kept.note.text.clone());
                let is_as_read = kept.map(|kept| kept.id) == new.kept && there == new.before;
                // An import that is continued does not come back to it either.
                let after = if is_as_read { &new.text } else { &there };
                if let Some(run) = run {
                    keep_with_run(database, run, &new.rule, [&there, after])?;
                }
                if !is_as_read {
                    let rule = new.rule.clone();
                    not_noted.push(NotNoted { rule, there });
                    continue;
                }
                match new.kept {
                    Some(id) => set_text(database, id, new.text.as_deref())?,
                    None => {
                        let note = Note {
                            text: new.text.clone(),
                            until: None,
                        };
                        insert(database, (realm, account), &new.rule, &note, None)?;
                    }
                }
            }
            Ok(not_noted)
        })
        .await
    }

    /// What an import noted of rules that it left as they were. Damaged rows hide no
    /// others.
    pub async fn notes_of_run(&self, run: &str) -> Result<RunNotes> {
        let rows = self.read(|database| {
            let sql = "SELECT rule, before, after FROM run_notes WHERE run = ? ORDER BY id";
            Ok(all_rows(database, sql, [run], |row| Ok(noted_by_run(row)))?)
        });
        let mut notes = RunNotes::default();
        for noted in rows.await? {
            match noted {
                Ok(noted) => notes.noted.push(noted),
                Err(_) => notes.damaged += 1,
            }
        }
        Ok(notes)
    }

    /// The rows that are damaged, for people.
    pub(super) async fn damaged_notes(&self) -> Result<Vec<String>> {
        let mut all = select();
        all.push("TRUE ORDER BY id");
        let kept = self.note_records(all).await?;
        let damaged = kept.iter().filter(|kept| kept.is_damaged);
        let mut problems: Vec<String> = damaged
            .map(|kept| {
                format!(
                    "what is kept of a VIP rule of \"{}\" in {} is damaged",
                    shown(kept.rule.key.ani.as_str(), 64),
                    shown(&kept.rule.key.domain, 100)
                )
            })
            .collect();
        let damaged = self.read(|database| {
            let sql = "SELECT rule, before, after FROM run_notes";
            Ok(all_rows(database, sql, [], |row| {
                Ok(noted_by_run(row).is_err())
            })?)
        });
        match damaged
            .await?
            .into_iter()
            .filter(|is_damaged| *is_damaged)
            .count()
        {
            0 => {}
            count => problems.push(format!("{count} rows of notes of imports are damaged")),
        }
        Ok(problems)
    }

    /// Ends what is kept of rules that a list has shown gone or otherwise; not
    /// where a change to a rule of the caller is open, or was begun or ended since
    /// a moment, in milliseconds since 1970: the list need not show that yet.
    pub async fn end_notes(&self, gone: &[i64], since: i64) -> Result<()> {
        self.write_soon(|database| {
            for id in gone {
                run(
                    database,
                    "UPDATE vip_notes SET ended = 0 WHERE id = ?1 AND ended IS NULL AND NOT EXISTS (
                         SELECT 1 FROM changes
                         WHERE realm = vip_notes.realm AND account = vip_notes.account
                           AND caller = vip_notes.caller AND lower(domain) = vip_notes.domain
                           AND (status = 'open' OR started_at > ?2 OR ended_at > ?2))",
                    [*id, since],
                )?;
            }
            Ok(())
        })
        .await
    }
}

/// Keeps what a change says of the rule that it makes, with the change itself.
///
/// A rule that is made with nothing said of it has no note and no last day. Where
/// the same rule has them until then, an empty row takes their place; else none is
/// needed. One that is put back has again what the change that it undoes has ended.
pub(super) fn keep(database: &Connection, new: &NewChange<'_>, change: i64) -> Outcome<()> {
    let Some(rule) = new.change.rule() else {
        return Ok(());
    };
    let Some(after) = rule.after() else {
        return Ok(());
    };
    let note = match (rule.note(), new.undoes) {
        (Some(note), _) => note.clone(),
        (None, None) => Note::default(),
        (None, Some(undone)) => {
            let ended = ended_by(undone).all(database, record)?;
            let ended = ended.into_iter().rev().find(|kept| kept.is_of(after));
            ended.map(|kept| kept.note).unwrap_or_default()
        }
    };
    let place = (new.realm, new.change.account().as_str());
    insert(database, place, after, &note, Some(change))
}

/// What is kept of a rule as it is.
fn kept_of(
    database: &Connection,
    (realm, account): (&str, &str),
    rule: &Route,
) -> Outcome<Option<NoteRecord>> {
    let (domain, caller, _) = columns(&rule.key);
    let mut query = select();
    query
        .push("ended IS NULL AND realm = ")
        .bind(realm.to_owned());
    query.push(" AND account = ").bind(account.to_owned());
    query.push(" AND domain = ").bind(domain);
    query.push(" AND caller = ").bind(caller);
    query.push(" ORDER BY id DESC");
    let mut kept = query.all(database, record)?.into_iter();
    Ok(kept.find(|kept| kept.is_of(rule)))
}

fn set_text(database: &Connection, id: i64, text: Option<&str>) -> Outcome<()> {
    let sql = "UPDATE vip_notes SET note = ? WHERE id = ?";
    run(database, sql, params![text, id])?;
    Ok(())
}

fn keep_with_run(
    database: &Connection,
    id: &str,
    rule: &Route,
    [before, after]: [&Option<String>; 2],
) -> Outcome<()> {
    let sql = "INSERT INTO run_notes (run, rule, before, after) VALUES (?, ?, ?, ?)";
    run(
        database,
        sql,
        params![id, route_to_text(rule)?, before, after],
    )?;
    Ok(())
}

fn insert(
    database: &Connection,
    (realm, account): (&str, &str),
    rule: &Route,
    note: &Note,
    change: Option<i64>,
) -> Outcome<()> {
    let (domain, caller, dnis) = columns(&rule.key);
    let until = note.until.as_ref();
    run(
        database,
        "INSERT INTO vip_notes (realm, account, domain, caller, dnis, rule, note, until, ends_at, change)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 WHERE ?7 IS NOT NULL OR ?8 IS NOT NULL
             OR EXISTS (SELECT 1 FROM vip_notes WHERE realm = ?1 AND account = ?2 AND domain = ?3
                          AND caller = ?4 AND dnis = ?5 AND coalesce(ended, 0) = 0)",
        params![
            realm,
            account,
            domain,
            caller,
            dnis,
            route_to_text(rule)?,
            note.text,
            until.map(|until| until.day.as_str()),
            until.map(|until| until.ends_at),
            change
        ],
    )?;
    Ok(())
}

/// Domain, caller and dialled number of a rule, as the table holds them.
fn columns(key: &RouteKey) -> (String, String, String) {
    (
        key.domain.to_ascii_lowercase(),
        caller_of(&key.ani),
        called_of(&key.dnis),
    )
}

fn select() -> Query {
    Query::new(
        "SELECT id, account, domain, caller, dnis, rule, note, until, ends_at, change, ended FROM vip_notes WHERE ",
    )
}

fn ended_by(change: i64) -> Query {
    let mut query = select();
    query.push("ended = ").bind(change);
    // The index has no others.
    query.push(" AND ended > 0 ORDER BY id");
    query
}

/// A row, also one that is damaged: its columns say of whose rule it is, and where
/// that led is not needed to show what was noted.
fn record(row: &Row<'_>) -> rusqlite::Result<NoteRecord> {
    let rule = row.get_ref("rule")?.as_str().ok();
    let rule = rule.and_then(|rule| route_from_text(rule).ok());
    let text = row.get::<_, Option<String>>("note");
    let day = row.get::<_, Option<String>>("until");
    let ends_at: Option<i64> = row.get("ends_at")?;
    let ended: Option<i64> = row.get("ended")?;
    let is_damaged = rule.is_none() || text.is_err() || day.is_err();
    Ok(NoteRecord {
        id: row.get("id")?,
        account: some_text(row, "account")?,
        rule: match rule {
            Some(rule) => rule,
            None => of_columns(row)?,
        },
        note: Note {
            text: text.ok().flatten(),
            until: day
                .ok()
                .flatten()
                .zip(ends_at)
                .map(|(day, ends_at)| Until { day, ends_at }),
        },
        change: row.get("change")?,
        is_doubtful: ended == Some(0),
        is_damaged,
    })
}

/// The rule of a damaged row, which led nobody knows where.
fn of_columns(row: &Row<'_>) -> rusqlite::Result<Route> {
    let called = some_text(row, "dnis")?;
    Ok(Route {
        key: RouteKey {
            domain: some_text(row, "domain")?.into(),
            ani: Ani::from_stored(&some_text(row, "caller")?),
            dnis: match called.as_str() {
                "" => Dnis::any(),
                called => Dnis::from_stored(Some(called)),
            },
        },
        application: Application::User,
        application_is_stored: false,
        destination: Destination::from_stored("?"),
    })
}

fn noted_by_run(row: &Row<'_>) -> rusqlite::Result<NotedByRun> {
    Ok(NotedByRun {
        rule: decoded(route_from_text(row.get_ref("rule")?.as_str()?))?,
        before: row.get("before")?,
        after: row.get("after")?,
    })
}
