//! The journal of changes.

use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{QueryBuilder, Row};

use super::{Store, failed};
use crate::domain::{Ani, Dnis, RouteKey};
use crate::error::Result;
use crate::state::records::{caller_of, route_from_text, route_to_text};
use crate::state::{Change, ChangeFilter, ChangeStatus, Closing, NewChange, RoutePair};

const COLUMNS: &str = "id, account, operation, asked_by, domain, ani, dnis, route_before, \
                       route_wanted, status, route_after, problem, request_id, undoes, run, row, \
                       owner, started_at, ended_at";

impl Store {
    /// Writes a change down before it is sent, and returns its id; `None` when
    /// `limit` (a moment in milliseconds, and how many changes there may be
    /// since then) does not allow another. Counting and writing are one step,
    /// so that processes cannot exceed the limit together.
    ///
    /// # Errors
    /// `internal`: the change is not written down and must not be sent.
    pub async fn begin_change(
        &self,
        new: &NewChange<'_>,
        limit: Option<(i64, u32)>,
    ) -> Result<Option<i64>> {
        let before = new.before.map(route_to_text).transpose()?;
        let wanted = new.wanted.map(route_to_text).transpose()?;
        let (since, most) = limit.unwrap_or((0, u32::MAX));
        let row = sqlx::query(
            "INSERT INTO changes (realm, account, operation, asked_by, domain, ani, dnis, caller,
                                  route_before, route_wanted, status, undoes, run, row, owner, started_at)
             SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', ?, ?, ?, ?, ?
             WHERE ? OR (SELECT COUNT(*) FROM changes
                         WHERE realm = ? AND started_at > ? AND status <> 'failed') < ?
             RETURNING id",
        )
        .bind(new.realm)
        .bind(new.account)
        .bind(new.operation)
        .bind(new.asked_by)
        .bind(&*new.key.domain)
        .bind(new.key.ani.as_str())
        .bind(new.key.dnis.to_send())
        .bind(caller_of(&new.key.ani))
        .bind(before)
        .bind(wanted)
        .bind(new.undoes)
        .bind(new.run.map(|(run, _)| run))
        .bind(new.run.map(|(_, row)| row))
        .bind(new.owner)
        .bind(new.now)
        .bind(limit.is_none())
        .bind(new.realm)
        .bind(since)
        .bind(most)
        .fetch_optional(&self.pool)
        .await
        .map_err(failed)?;
        row.map(|row| row.try_get(0).map_err(failed)).transpose()
    }

    /// Closes a change that is open; false when it was closed before.
    ///
    /// # Errors
    /// `internal`: it stays open, and is closed by what stands later on.
    pub async fn close_change(&self, id: i64, closing: &Closing<'_>) -> Result<bool> {
        let after = closing.after.map(route_to_text).transpose()?;
        let done = sqlx::query(
            "UPDATE changes SET status = ?, route_after = ?, problem = ?, request_id = ?,
                                ended_at = ?, owner = ''
             WHERE id = ? AND status = 'open'",
        )
        .bind(closing.status.word())
        .bind(after)
        .bind(closing.problem)
        .bind(closing.request_id)
        .bind(closing.now)
        .bind(id)
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(done.rows_affected() == 1)
    }

    /// Leaves an open change to whoever works next: its outcome is not known.
    pub async fn abandon_change(&self, id: i64, problem: &str) -> Result<()> {
        sqlx::query("UPDATE changes SET owner = '', problem = ? WHERE id = ? AND status = 'open'")
            .bind(problem)
            .bind(id)
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(failed)
    }

    /// Changes that are open and not worked on by `owner`, oldest first.
    pub async fn open_changes(&self, realm: &str, owner: &str) -> Result<Vec<Change>> {
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM changes WHERE realm = ? AND status = 'open' AND owner <> ? ORDER BY id"
        )))
        .bind(realm)
        .bind(owner)
        .try_map(change)
        .fetch_all(&self.pool)
        .await
        .map_err(failed)
    }

    /// A change by its id.
    pub async fn change(&self, realm: &str, id: i64) -> Result<Option<Change>> {
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM changes WHERE realm = ? AND id = ?"
        )))
        .bind(realm)
        .bind(id)
        .try_map(change)
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
    ) -> Result<(Vec<Change>, usize)> {
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
            .try_map(change)
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        Ok((rows, usize::try_from(total).unwrap_or_default()))
    }

    /// How many changes were begun after `since` (milliseconds) and not known
    /// to have failed.
    pub async fn changes_since(&self, realm: &str, since: i64) -> Result<u64> {
        let count: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM changes WHERE realm = ? AND started_at > ? AND status <> 'failed'",
        )
        .bind(realm)
        .bind(since)
        .fetch_one(&self.pool)
        .await
        .map_err(failed)?;
        Ok(u64::try_from(count).unwrap_or_default())
    }
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
    if let Some(run) = filter.run {
        query.push(" AND run = ").push_bind(run.to_owned());
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
        row: row.try_get("row")?,
        owner: row.try_get("owner")?,
        started_at: row.try_get("started_at")?,
        ended_at: row.try_get("ended_at")?,
    })
}

pub(super) fn pair(row: &SqliteRow) -> sqlx::Result<RoutePair> {
    Ok(RoutePair {
        before: route(row, "route_before")?,
        wanted: route(row, "route_wanted")?,
    })
}

fn route(row: &SqliteRow, column: &str) -> sqlx::Result<Option<crate::domain::Route>> {
    let text: Option<&str> = row.try_get(column)?;
    text.map(|text| {
        route_from_text(text).map_err(|refused| sqlx::Error::ColumnDecode {
            index: column.to_owned(),
            source: Box::new(refused),
        })
    })
    .transpose()
}
