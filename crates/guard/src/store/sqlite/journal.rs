//! The journal of changes.

use sqlx::sqlite::{Sqlite, SqliteConnection, SqliteRow};
use sqlx::{QueryBuilder, Row};

use super::setup::setup_entry;
use super::{Store, failed};
use crate::store::records::{caller_of, route_from_text, route_to_text};
use crate::store::{
    Begun, Change, ChangeFilter, ChangeStatus, Closing, JournalEntry, JournalPosition, NewChange,
    RoutePair, TimeSpan,
};
use skyswitch_domain::error::Result;
use skyswitch_domain::{Ani, Dnis, RouteKey};

pub(super) const COLUMNS: &str = "id, account, operation, asked_by, domain, ani, dnis, route_before, \
                       route_wanted, kind, piece, status, route_after, stands, problem, request_id, \
                       undoes, run, owner, started_at, ended_at, \
                       coalesce(given_up_at, started_at) AS last_tried_at";

/// The kind of a row that is about a VIP rule; others have that of their piece.
const VIP_RULE: &str = "vip_rule";

/// A row of the journal, as both kinds of change are written.
pub(super) struct NewRow<'a> {
    pub realm: &'a str,
    pub account: &'a str,
    pub operation: &'a str,
    pub asked_by: &'a str,
    pub domain: &'a str,
    pub ani: &'a str,
    pub dnis: Option<&'a str>,
    pub caller: String,
    pub before: Option<String>,
    pub wanted: Option<String>,
    pub piece: Option<String>,
    pub did: Option<&'a str>,
    pub undoes: Option<i64>,
    pub run: Option<&'a str>,
    pub owner: &'a str,
    /// Changes to the same rule that were under way then or later stand in its way.
    pub seen: Option<JournalPosition>,
    pub now: i64,
}

/// How a row of the journal ends.
pub(super) struct RowEnd<'a> {
    pub status: ChangeStatus,
    pub after: Option<String>,
    pub stands: bool,
    pub problem: Option<&'a str>,
    pub request_id: Option<&'a str>,
    pub now: i64,
}

impl Store {
    /// Writes a change down before it is sent. `limit` is a span of time and
    /// how many changes there may be in it.
    ///
    /// # Errors
    /// `internal`: the change is not written down and must not be sent.
    pub async fn begin_change(
        &self,
        new: &NewChange<'_>,
        limit: Option<(TimeSpan, u32)>,
    ) -> Result<Begun> {
        let row = NewRow {
            realm: new.realm,
            account: new.account,
            operation: new.operation,
            asked_by: new.asked_by,
            domain: &new.key.domain,
            ani: new.key.ani.as_str(),
            dnis: new.key.dnis.to_send(),
            caller: caller_of(&new.key.ani),
            before: new.before.map(route_to_text).transpose()?,
            wanted: new.wanted.map(route_to_text).transpose()?,
            piece: None,
            did: None,
            undoes: new.undoes,
            run: new.run,
            owner: new.owner,
            seen: new.seen,
            now: new.now,
        };
        self.begin_row(&row, limit).await
    }

    /// Counting, looking for others and writing are one transaction, so that
    /// processes cannot exceed the limit together, or work on the same rule.
    pub(super) async fn begin_row(
        &self,
        new: &NewRow<'_>,
        limit: Option<(TimeSpan, u32)>,
    ) -> Result<Begun> {
        self.write(async |database| {
            if let Some(other) = in_the_way(database, new).await? {
                return Ok(Begun::ChangedMeanwhile(other));
            }
            if let Some((span, most)) = limit
                && counted(database, new.realm, span).await? >= u64::from(most)
            {
                return Ok(Begun::OverLimit);
            }
            go_on(database).await?;
            insert(database, new).await.map(Begun::Written)
        })
        .await
    }

    /// Where the journal is now. What is read from then on shows every change
    /// that was no longer worked on.
    pub async fn journal_position(&self) -> Result<JournalPosition> {
        sqlx::query_scalar("SELECT position FROM journal_position")
            .fetch_one(&self.pool)
            .await
            .map(JournalPosition)
            .map_err(failed)
    }

    /// Closes a change that is open; false when it was closed before.
    ///
    /// # Errors
    /// `internal`: it stays open, and is closed by what stands later on.
    pub async fn close_change(&self, id: i64, closing: &Closing<'_>) -> Result<bool> {
        let end = RowEnd {
            status: closing.status,
            after: closing.after.map(route_to_text).transpose()?,
            stands: false,
            problem: closing.problem,
            request_id: closing.request_id,
            now: closing.now,
        };
        self.close_row(id, &end).await
    }

    pub(super) async fn close_row(&self, id: i64, end: &RowEnd<'_>) -> Result<bool> {
        self.write(async |database| {
            end_work(database, Whose::Change(id)).await?;
            let done = sqlx::query(
                "UPDATE changes SET status = ?, route_after = ?, stands = ?, problem = ?, request_id = ?,
                                    ended_at = ?
                 WHERE id = ? AND status = 'open'",
            )
            .bind(end.status.word())
            .bind(&end.after)
            .bind(end.stands)
            .bind(end.problem)
            .bind(end.request_id)
            .bind(end.now)
            .bind(id)
            .execute(database)
            .await
            .map_err(failed)?;
            Ok(done.rows_affected() == 1)
        })
        .await
    }

    /// Leaves the open changes of a process that is gone to whoever works next.
    pub async fn abandon_changes_of(&self, owner: &str) -> Result<()> {
        self.write(async |database| end_work(database, Whose::Owner(owner)).await)
            .await
    }

    /// Leaves an open change to whoever works next: its outcome is not known.
    pub async fn abandon_change(&self, id: i64, problem: &str, now: i64) -> Result<()> {
        self.write(async |database| {
            end_work(database, Whose::Change(id)).await?;
            sqlx::query(
                "UPDATE changes SET problem = ?, given_up_at = ? WHERE id = ? AND status = 'open'",
            )
            .bind(problem)
            .bind(now)
            .bind(id)
            .execute(database)
            .await
            .map(drop)
            .map_err(failed)
        })
        .await
    }

    /// Changes that are open and not worked on by `owner`, oldest first.
    pub async fn open_changes(&self, realm: &str, owner: &str) -> Result<Vec<JournalEntry>> {
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM changes WHERE realm = ? AND status = 'open' AND owner <> ? ORDER BY id"
        )))
        .bind(realm)
        .bind(owner)
        .try_map(entry)
        .fetch_all(&self.pool)
        .await
        .map_err(failed)
    }

    /// A change by its id.
    pub async fn change(&self, realm: &str, id: i64) -> Result<Option<JournalEntry>> {
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM changes WHERE realm = ? AND id = ?"
        )))
        .bind(realm)
        .bind(id)
        .try_map(entry)
        .fetch_optional(&self.pool)
        .await
        .map_err(failed)
    }

    /// Changes of an account, newest first: at most `limit` of those before
    /// the id `before`, and how many there are in all.
    pub async fn changes(
        &self,
        realm: &str,
        account: &str,
        filter: &ChangeFilter<'_>,
        before: Option<i64>,
        limit: Option<usize>,
    ) -> Result<(Vec<JournalEntry>, usize)> {
        let mut count = QueryBuilder::new("SELECT COUNT(*) FROM changes WHERE realm = ");
        narrow(&mut count, realm, account, filter);
        let total: i64 = count
            .build_query_scalar()
            .fetch_one(&self.pool)
            .await
            .map_err(failed)?;
        let mut list = QueryBuilder::new(format!("SELECT {COLUMNS} FROM changes WHERE realm = "));
        narrow(&mut list, realm, account, filter);
        if let Some(before) = before {
            list.push(" AND id < ").push_bind(before);
        }
        list.push(" ORDER BY id DESC");
        if let Some(limit) = limit {
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            list.push(" LIMIT ").push_bind(limit);
        }
        let rows = list
            .build()
            .try_map(entry)
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        Ok((rows, usize::try_from(total).unwrap_or_default()))
    }

    /// How many changes were begun in that time and are not known to have failed.
    pub async fn changes_within(&self, realm: &str, span: TimeSpan) -> Result<u64> {
        let mut database = self.pool.acquire().await.map_err(failed)?;
        counted(&mut database, realm, span).await
    }
}

/// What lies ahead was begun before the clock was set back. When that was nobody
/// knows, and it must not hold up work until the clock has caught up.
async fn counted(
    database: &mut SqliteConnection,
    realm: &str,
    TimeSpan { since, until }: TimeSpan,
) -> Result<u64> {
    let count: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM changes
         WHERE realm = ? AND started_at > ? AND started_at <= ? AND status <> 'failed'",
    )
    .bind(realm)
    .bind(since)
    .bind(until)
    .fetch_one(database)
    .await
    .map_err(failed)?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// Whose work on open changes ends.
enum Whose<'a> {
    Change(i64),
    Owner(&'a str),
}

/// Nobody works on them any more. What ended before keeps its place: closing it
/// later, by what stands, changes no rule.
async fn end_work(database: &mut SqliteConnection, whose: Whose<'_>) -> Result<()> {
    go_on(database).await?;
    let (id, owner) = match whose {
        Whose::Change(id) => (Some(id), None),
        Whose::Owner(owner) => (None, Some(owner)),
    };
    sqlx::query(
        "UPDATE changes SET owner = '', position = (SELECT position FROM journal_position)
         WHERE status = 'open' AND owner <> '' AND (id = ? OR owner = ?)",
    )
    .bind(id)
    .bind(owner)
    .execute(database)
    .await
    .map(drop)
    .map_err(failed)
}

/// Moves the journal one further.
async fn go_on(database: &mut SqliteConnection) -> Result<()> {
    sqlx::query("UPDATE journal_position SET position = position + 1")
        .execute(database)
        .await
        .map(drop)
        .map_err(failed)
}

/// The newest change to the same rule, or to the same number's route, that
/// another works on, or of which the work had not ended when it was seen.
async fn in_the_way(database: &mut SqliteConnection, new: &NewRow<'_>) -> Result<Option<i64>> {
    sqlx::query_scalar(
        "SELECT id FROM changes WHERE realm = ? AND account = ? AND caller = ?
           AND ((caller <> '' AND lower(domain) = lower(?)
                 AND coalesce(nullif(dnis, '*'), '') = coalesce(nullif(?, '*'), ''))
                OR did = ?)
           AND ((status = 'open' AND owner NOT IN ('', ?))
                OR (status <> 'failed' AND operation <> 'lost_along_with'
                    AND position > ? AND (run IS NULL OR run IS NOT ?)))
         ORDER BY id DESC LIMIT 1",
    )
    .bind(new.realm)
    .bind(new.account)
    .bind(&new.caller)
    .bind(new.domain)
    .bind(new.dnis)
    .bind(new.did)
    .bind(new.owner)
    .bind(new.seen.map_or(i64::MAX, |seen| seen.0))
    .bind(new.run)
    .fetch_optional(database)
    .await
    .map_err(failed)
}

async fn insert(database: &mut SqliteConnection, new: &NewRow<'_>) -> Result<i64> {
    let inserted = sqlx::query(
        "INSERT INTO changes (realm, account, operation, asked_by, domain, ani, dnis, caller,
                              route_before, route_wanted, piece, did, status, undoes, run, owner,
                              started_at, position)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', ?, ?, ?, ?,
                 (SELECT position FROM journal_position))",
    )
    .bind(new.realm)
    .bind(new.account)
    .bind(new.operation)
    .bind(new.asked_by)
    .bind(new.domain)
    .bind(new.ani)
    .bind(new.dnis)
    .bind(&new.caller)
    .bind(&new.before)
    .bind(&new.wanted)
    .bind(&new.piece)
    .bind(new.did)
    .bind(new.undoes)
    .bind(new.run)
    .bind(new.owner)
    .bind(new.now)
    .execute(database)
    .await
    .map_err(failed)?;
    Ok(inserted.last_insert_rowid())
}

/// The conditions of a list. What goes into the text is ours; values are bound.
fn narrow<'a>(
    query: &mut QueryBuilder<Sqlite>,
    realm: &'a str,
    account: &'a str,
    filter: &ChangeFilter<'a>,
) {
    query.push_bind(realm.to_owned());
    query.push(" AND account = ").push_bind(account.to_owned());
    if let Some(domain) = filter.domain {
        query
            .push(" AND lower(domain) = ")
            .push_bind(domain.to_owned());
    }
    match (filter.caller, filter.ani) {
        (Some(caller), Some(ani)) => {
            query
                .push(" AND (caller = ")
                .push_bind(caller.to_owned())
                .push(" OR ani = ")
                .push_bind(ani.to_owned())
                .push(")");
        }
        (Some(caller), None) => {
            query.push(" AND caller = ").push_bind(caller.to_owned());
        }
        (None, Some(ani)) => {
            query.push(" AND ani = ").push_bind(ani.to_owned());
        }
        (None, None) => {}
    }
    if let Some(since) = filter.since {
        query.push(" AND started_at >= ").push_bind(since);
    }
    if let Some(status) = filter.status {
        query.push(" AND status = ").push_bind(status.word());
    }
    if let Some(did) = filter.did {
        query.push(" AND did = ").push_bind(did.to_owned());
    }
    if let Some(run) = filter.run {
        query.push(" AND run = ").push_bind(run.to_owned());
    }
}

fn entry(row: SqliteRow) -> sqlx::Result<JournalEntry> {
    match row.try_get("kind")? {
        VIP_RULE => change(row).map(Box::new).map(JournalEntry::Vip),
        _ => setup_entry(&row).map(Box::new).map(JournalEntry::Setup),
    }
}

pub(super) fn change(row: SqliteRow) -> sqlx::Result<Change> {
    let dnis: Option<String> = row.try_get("dnis")?;
    Ok(Change {
        id: row.try_get("id")?,
        account: row.try_get("account")?,
        operation: row.try_get("operation")?,
        asked_by: row.try_get("asked_by")?,
        key: RouteKey {
            domain: row.try_get::<String, _>("domain")?.into(),
            ani: Ani::from_stored(row.try_get("ani")?),
            dnis: Dnis::from_stored(dnis.as_deref()),
        },
        routes: pair(&row)?,
        status: ChangeStatus::from_word(row.try_get("status")?),
        after: route(&row, "route_after")?,
        problem: row.try_get("problem")?,
        request_id: row.try_get("request_id")?,
        undoes: row.try_get("undoes")?,
        run: row.try_get("run")?,
        owner: row.try_get("owner")?,
        started_at: row.try_get("started_at")?,
        ended_at: row.try_get("ended_at")?,
        last_tried_at: row.try_get("last_tried_at")?,
    })
}

fn pair(row: &SqliteRow) -> sqlx::Result<RoutePair> {
    Ok(RoutePair {
        before: route(row, "route_before")?,
        wanted: route(row, "route_wanted")?,
    })
}

fn route(row: &SqliteRow, column: &str) -> sqlx::Result<Option<skyswitch_domain::Route>> {
    let text: Option<&str> = row.try_get(column)?;
    text.map(|text| {
        route_from_text(text).map_err(|refused| sqlx::Error::ColumnDecode {
            index: column.to_owned(),
            source: Box::new(refused),
        })
    })
    .transpose()
}
