//! The journal of changes.

use std::collections::BTreeSet;

use sqlx::sqlite::{Sqlite, SqliteConnection, SqliteRow};
use sqlx::{QueryBuilder, Row};

use super::{Store, failed, notes};
use crate::store::records::{caller_of, from_text, route_from_text, route_to_text, to_text};
use crate::store::{
    After, Begun, ChangeFilter, ChangeRecord, ChangeStatus, Closing, Counted, JournalPosition,
    NewChange, PieceRecord, RuleRecord, TargetRecord, TimeSpan,
};
use crate::{Author, Change, Target};
use skyswitch_domain::error::{Refused, Result};
use skyswitch_domain::{Ani, Dnis, PhoneNumber, Route, RouteKey, SetupPiece};

const COLUMNS: &str = "id, account, operation, asked_by, domain, ani, dnis, route_before, \
                       route_wanted, piece, status, route_after, stands, problem, request_id, traceparent, \
                       closed_by, undoes, run, owner, started_at, ended_at, \
                       coalesce(given_up_at, started_at) AS last_tried_at";

/// What a change is about, as the columns of the journal hold it.
struct Columns<'a> {
    ani: &'a str,
    dnis: Option<&'a str>,
    caller: String,
    before: Option<String>,
    wanted: Option<String>,
    piece: Option<String>,
    did: Option<&'a str>,
}

impl<'a> Columns<'a> {
    fn of(change: &'a Change) -> Result<Columns<'a>> {
        Ok(match change.target() {
            Target::VipRule(rule) => Columns {
                ani: rule.ani().as_str(),
                dnis: rule.key().dnis.to_send(),
                caller: caller_of(rule.ani()),
                before: rule.before().map(route_to_text).transpose()?,
                wanted: rule.after().map(route_to_text).transpose()?,
                piece: None,
                did: None,
            },
            Target::Piece(piece) => Columns {
                ani: "",
                dnis: None,
                caller: String::new(),
                before: piece.before().map(to_text).transpose()?,
                wanted: None,
                piece: Some(to_text(piece.piece())?),
                did: piece.did().map(PhoneNumber::as_str),
            },
        })
    }
}

/// The beginning of every query for changes of the journal.
pub(super) fn select() -> QueryBuilder<Sqlite> {
    QueryBuilder::new(format!("SELECT {COLUMNS} FROM changes WHERE "))
}

impl Store {
    /// Writes changes down before they are sent, all of them with one wait for
    /// the disk, and gives what became of each, in their order.
    ///
    /// # Errors
    /// `internal`: none of the changes is written down, and none may be sent.
    pub async fn begin_changes(&self, all: &[NewChange<'_>]) -> Result<Vec<Begun>> {
        // Counting, looking for others and writing are one transaction, so that
        // processes cannot exceed the limit together, or work on the same rule.
        self.write(async |database| {
            let mut begun = Vec::with_capacity(all.len());
            for new in all {
                begun.push(begin(database, new).await?);
            }
            Ok(begun)
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
    /// `internal`: it stays open, and is closed later by what is there then.
    pub async fn close_change(&self, id: i64, closing: &Closing<'_>) -> Result<bool> {
        let (after, as_wanted) = match &closing.after {
            After::VipRule { now, was_read } => (now.map(route_to_text).transpose()?, *was_read),
            After::Piece { now, as_wanted } => (now.as_ref().map(to_text).transpose()?, *as_wanted),
        };
        // Lost with the power, it is found out again by a read.
        self.write_soon(async |database| {
            end_work(database, Whose::Change(id)).await?;
            let done = sqlx::query(
                "UPDATE changes SET status = ?, route_after = ?, stands = ?, problem = ?, request_id = ?,
                                    closed_by = ?, ended_at = ?
                 WHERE id = ? AND status = 'open'",
            )
            .bind(closing.status.word())
            .bind(after)
            .bind(as_wanted)
            .bind(closing.problem)
            .bind(closing.request_id)
            .bind(closing.closed_by)
            .bind(closing.now)
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

    /// Leaves the open changes of a process that it does not work on to whoever
    /// works next.
    pub async fn abandon_changes_but(&self, owner: &str, worked_on: &BTreeSet<i64>) -> Result<()> {
        let worked_on = to_text(worked_on)?;
        self.write(async |database| end_work(database, Whose::Strays(owner, &worked_on)).await)
            .await
    }

    /// Leaves an open change to whoever works next: its outcome is not known.
    pub async fn abandon_change(&self, id: i64, problem: Option<&str>, now: i64) -> Result<()> {
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
    pub async fn open_changes(&self, realm: &str, owner: &str) -> Result<Vec<ChangeRecord>> {
        let mut query = select();
        query.push("realm = ").push_bind(realm.to_owned());
        query.push(" AND status = 'open' AND owner <> ");
        query.push_bind(owner.to_owned()).push(" ORDER BY id");
        self.records(query).await
    }

    /// Writes down what a read showed of changes that were made: the rule, or
    /// that it does not exist.
    pub async fn note_readings(&self, readings: &[(i64, Option<&Route>)]) -> Result<()> {
        self.write_soon(async |database| {
            for (id, now) in readings {
                sqlx::query("UPDATE changes SET route_after = ?, stands = 1 WHERE id = ?")
                    .bind(now.map(route_to_text).transpose()?)
                    .bind(id)
                    .execute(&mut *database)
                    .await
                    .map_err(failed)?;
            }
            Ok(())
        })
        .await
    }

    /// Closes a change as not made that was acknowledged and never seen, by a
    /// read that showed it as it was before when it must have caught up. After a
    /// newer change to the same, such a read proves nothing.
    pub async fn disprove_change(&self, id: i64, problem: &str) -> Result<()> {
        // Lost with the power, the next read finds it out again.
        self.write_soon(async |database| {
            sqlx::query(
                "UPDATE changes SET status = 'failed', problem = ?, route_after = route_before, stands = 1
                 WHERE id = ? AND status = 'done' AND stands = 0 AND NOT EXISTS (
                     SELECT 1 FROM changes AS newer
                     WHERE newer.realm = changes.realm AND newer.account = changes.account
                       AND newer.caller = changes.caller AND newer.did IS changes.did
                       AND newer.id > changes.id AND newer.status <> 'failed')",
            )
            .bind(problem)
            .bind(id)
            .execute(database)
            .await
            .map(drop)
            .map_err(failed)
        })
        .await
    }

    /// Changes of a kind, `vip_rule` or that of a setup's piece, that were begun
    /// in that time and are not known to have failed, oldest first; and those
    /// begun before, after `unseen_since`, that were acknowledged and that no read
    /// has shown.
    pub async fn changes_of_kind(
        &self,
        realm: &str,
        account: &str,
        kind: &str,
        filter: ChangeFilter<'_>,
        TimeSpan { since, until }: TimeSpan,
        unseen_since: Option<i64>,
    ) -> Result<Vec<ChangeRecord>> {
        let filter = ChangeFilter {
            since: unseen_since.or(Some(since)),
            ..filter
        };
        let mut query = select();
        narrow(&mut query, realm, account, &filter);
        query.push(" AND started_at <= ").push_bind(until);
        query.push(" AND (started_at >= ").push_bind(since);
        query.push(" OR (status = 'done' AND stands = 0))");
        query.push(" AND kind = ").push_bind(kind.to_owned());
        query.push(" AND status <> 'failed' ORDER BY id");
        self.records(query).await
    }

    /// A change by its id.
    pub async fn change(&self, realm: &str, id: i64) -> Result<Option<ChangeRecord>> {
        let mut query = select();
        query.push("realm = ").push_bind(realm.to_owned());
        query.push(" AND id = ").push_bind(id);
        Ok(self.records(query).await?.pop())
    }

    /// The changes that a query finds.
    pub(super) async fn records(
        &self,
        mut query: QueryBuilder<Sqlite>,
    ) -> Result<Vec<ChangeRecord>> {
        let found = query.build().try_map(record).fetch_all(&self.pool).await;
        found.map_err(failed)
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
    ) -> Result<(Vec<ChangeRecord>, usize)> {
        let mut count = QueryBuilder::new("SELECT COUNT(*) FROM changes WHERE ");
        narrow(&mut count, realm, account, filter);
        let total: i64 = count
            .build_query_scalar()
            .fetch_one(&self.pool)
            .await
            .map_err(failed)?;
        let mut list = select();
        narrow(&mut list, realm, account, filter);
        if let Some(before) = before {
            list.push(" AND id < ").push_bind(before);
        }
        // The changes of a caller are few and found by their index; sorted by the id itself,
        // SQLite would go through all changes of the account instead.
        list.push(match filter.caller.or(filter.ani) {
            Some(_) => " ORDER BY +id DESC",
            None => " ORDER BY id DESC",
        });
        if let Some(limit) = limit {
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            list.push(" LIMIT ").push_bind(limit);
        }
        let rows = self.records(list).await?;
        Ok((rows, usize::try_from(total).unwrap_or_default()))
    }

    /// How many changes count: those begun in that time and not known to have failed.
    pub async fn changes_within(&self, realm: &str, those: Counted) -> Result<u64> {
        let mut database = self.pool.acquire().await.map_err(failed)?;
        counted(&mut database, realm, those, None).await
    }
}

async fn begin(database: &mut SqliteConnection, new: &NewChange<'_>) -> Result<Begun> {
    let columns = &Columns::of(new.change)?;
    if let Some(other) = in_the_way(database, new, columns).await? {
        return Ok(Begun::ChangedMeanwhile(other));
    }
    if let Some((those, most)) = new.limit
        && counted(database, new.realm, those, new.run).await? >= u64::from(most)
    {
        return Ok(Begun::OverLimit);
    }
    go_on(database).await?;
    let id = insert(database, new, columns).await?;
    notes::keep(database, new, id).await?;
    Ok(Begun::Written(id))
}

/// An import does not count against itself where all of it counts once.
///
/// What lies ahead was begun before the clock was set back. When that was nobody
/// knows, and it must not hold up work until the clock has caught up.
async fn counted(
    database: &mut SqliteConnection,
    realm: &str,
    those: Counted,
    own_run: Option<&str>,
) -> Result<u64> {
    // Each is answered from an index alone, however many rows an import has made.
    let alone = match (those.imports_once, those.without_people) {
        (false, false) => {
            "SELECT COUNT(*) FROM changes
             WHERE realm = ? AND started_at > ? AND started_at <= ? AND status <> 'failed'"
        }
        (false, true) => {
            "SELECT COUNT(*) FROM changes
             WHERE realm = ? AND started_at > ? AND started_at <= ? AND status <> 'failed'
               AND by_person = 0"
        }
        (true, false) => {
            "SELECT COUNT(*) FROM changes
             WHERE realm = ? AND started_at > ? AND started_at <= ? AND status <> 'failed'
               AND run IS NULL"
        }
        (true, true) => {
            "SELECT COUNT(*) FROM changes
             WHERE realm = ? AND started_at > ? AND started_at <= ? AND status <> 'failed'
               AND run IS NULL AND by_person = 0"
        }
    };
    let mut count: i64 = sqlx::query_scalar(alone)
        .bind(realm)
        .bind(those.span.since)
        .bind(those.span.until)
        .fetch_one(&mut *database)
        .await
        .map_err(failed)?;
    if those.imports_once {
        let imports: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM runs WHERE realm = ? AND id IS NOT ? AND EXISTS (
                 SELECT 1 FROM changes WHERE run = runs.id AND started_at > ? AND started_at <= ?
                   AND status <> 'failed' AND NOT (? AND by_person))",
        )
        .bind(realm)
        .bind(own_run)
        .bind(those.span.since)
        .bind(those.span.until)
        .bind(those.without_people)
        .fetch_one(&mut *database)
        .await
        .map_err(failed)?;
        count += imports;
    }
    Ok(u64::try_from(count).unwrap_or_default())
}

/// Whose work on open changes ends.
enum Whose<'a> {
    Change(i64),
    Owner(&'a str),
    /// Those of a process but these, as a list in JSON.
    Strays(&'a str, &'a str),
}

/// Nobody works on them any more. What ended before keeps its place: closing it
/// later, by what is there, changes no rule.
async fn end_work(database: &mut SqliteConnection, whose: Whose<'_>) -> Result<()> {
    go_on(database).await?;
    let (id, owner, but) = match whose {
        Whose::Change(id) => (Some(id), None, "[]"),
        Whose::Owner(owner) => (None, Some(owner), "[]"),
        Whose::Strays(owner, but) => (None, Some(owner), but),
    };
    sqlx::query(
        "UPDATE changes SET owner = '', position = (SELECT position FROM journal_position)
         WHERE status = 'open' AND owner <> ''
           AND (id = ? OR (owner = ? AND id NOT IN (SELECT value FROM json_each(?))))",
    )
    .bind(id)
    .bind(owner)
    .bind(but)
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
async fn in_the_way(
    database: &mut SqliteConnection,
    new: &NewChange<'_>,
    columns: &Columns<'_>,
) -> Result<Option<i64>> {
    sqlx::query_scalar(
        "SELECT id FROM changes WHERE realm = ? AND account = ? AND caller = ?
           AND ((caller <> '' AND lower(domain) = lower(?)
                 AND coalesce(nullif(dnis, '*'), '') = coalesce(nullif(?, '*'), ''))
                OR did = ?)
           AND ((status = 'open' AND owner NOT IN ('', ?))
                OR (status <> 'failed' AND operation NOT IN ('lost_along_with', 'changed_along_with')
                    AND position > ? AND (run IS NULL OR run IS NOT ?)))
         ORDER BY id DESC LIMIT 1",
    )
    .bind(new.realm)
    .bind(new.change.account().as_str())
    .bind(&columns.caller)
    .bind(new.change.domain().as_str())
    .bind(columns.dnis)
    .bind(columns.did)
    .bind(new.owner)
    .bind(new.seen.map_or(i64::MAX, |seen| seen.0))
    .bind(new.run)
    .fetch_optional(database)
    .await
    .map_err(failed)
}

async fn insert(
    database: &mut SqliteConnection,
    new: &NewChange<'_>,
    columns: &Columns<'_>,
) -> Result<i64> {
    let inserted = sqlx::query(
        "INSERT INTO changes (realm, account, operation, asked_by, domain, ani, dnis, caller,
                              route_before, route_wanted, piece, did, status, undoes, run, owner,
                              started_at, by_person, traceparent, position)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', ?, ?, ?, ?, ?, ?,
                 (SELECT position FROM journal_position))",
    )
    .bind(new.realm)
    .bind(new.change.account().as_str())
    .bind(new.change.tool())
    .bind(new.asked_by)
    .bind(new.change.domain().as_str())
    .bind(columns.ani)
    .bind(columns.dnis)
    .bind(&columns.caller)
    .bind(&columns.before)
    .bind(&columns.wanted)
    .bind(&columns.piece)
    .bind(columns.did)
    .bind(new.undoes)
    .bind(new.run)
    .bind(new.owner)
    .bind(new.now)
    .bind(new.author == Author::Person)
    .bind(new.traceparent)
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
    query.push("realm = ").push_bind(realm.to_owned());
    query.push(" AND account = ").push_bind(account.to_owned());
    if let Some(domain) = filter.domain {
        query
            .push(" AND lower(domain) = ")
            .push_bind(domain.to_owned());
    }
    // A stored value is kept under the caller that it is a writing of.
    let stored = filter.ani.map(|ani| caller_of(&Ani::from_stored(ani)));
    let given = filter.caller.map(str::to_owned);
    if let Some(caller) = given.clone().or(stored.clone()) {
        query.push(" AND caller IN (").push_bind(caller);
        query.push(", ").push_bind(stored.or(given)).push(")");
    }
    if let Some(since) = filter.since {
        query.push(" AND started_at >= ").push_bind(since);
    }
    if let Some(until) = filter.until {
        query.push(" AND started_at < ").push_bind(until);
    }
    match filter.status {
        None => {}
        Some(ChangeStatus::Done) => _ = query.push(" AND status = 'done'"),
        // Said in the words of the index of those that are not done.
        Some(status) => {
            query.push(" AND status <> 'done' AND status = ");
            query.push_bind(status.word());
        }
    }
    if let Some(did) = filter.did {
        query.push(" AND did = ").push_bind(did.to_owned());
    }
    if let Some(run) = filter.run {
        query.push(" AND run = ").push_bind(run.to_owned());
    }
    if let Some(operation) = filter.operation {
        query
            .push(" AND operation = ")
            .push_bind(operation.to_owned());
    }
}

fn record(row: SqliteRow) -> sqlx::Result<ChangeRecord> {
    Ok(ChangeRecord {
        id: row.try_get("id")?,
        account: row.try_get("account")?,
        domain: row.try_get("domain")?,
        operation: row.try_get("operation")?,
        asked_by: row.try_get("asked_by")?,
        // One that is damaged hides no other.
        target: match target(&row) {
            Err(sqlx::Error::ColumnDecode { .. }) => TargetRecord::Damaged {
                ani: row.try_get("ani")?,
                dnis: row.try_get("dnis")?,
                before: still_readable(&row, "route_before")?,
                wanted: match row.try_get::<Option<&str>, _>("piece")? {
                    None => still_readable(&row, "route_wanted")?,
                    Some(_) => Some(UNREADABLE.to_owned()),
                },
                as_wanted: row.try_get("stands")?,
            },
            target => target?,
        },
        status: ChangeStatus::from_word(row.try_get("status")?),
        problem: row.try_get("problem")?,
        request_id: row.try_get("request_id")?,
        traceparent: row.try_get("traceparent")?,
        closed_by: row.try_get("closed_by")?,
        undoes: row.try_get("undoes")?,
        run: row.try_get("run")?,
        owner: row.try_get("owner")?,
        started_at: row.try_get("started_at")?,
        ended_at: row.try_get("ended_at")?,
        last_tried_at: row.try_get("last_tried_at")?,
    })
}

fn target(row: &SqliteRow) -> sqlx::Result<TargetRecord> {
    if let Some(piece) = piece(row)? {
        return Ok(TargetRecord::Piece(PieceRecord {
            piece,
            before: json(row, "route_before", from_text)?,
            after: json(row, "route_after", from_text)?,
            as_wanted: row.try_get("stands")?,
        }));
    }
    let dnis: Option<String> = row.try_get("dnis")?;
    Ok(TargetRecord::VipRule(RuleRecord {
        key: RouteKey {
            domain: row.try_get::<String, _>("domain")?.into(),
            ani: Ani::from_stored(row.try_get("ani")?),
            dnis: Dnis::from_stored(dnis.as_deref()),
        },
        before: json(row, "route_before", route_from_text)?,
        wanted: json(row, "route_wanted", route_from_text)?,
        after: json(row, "route_after", route_from_text)?,
        was_read: row.try_get("stands")?,
    }))
}

/// Said in the place of what a damaged entry does not tell any more.
const UNREADABLE: &str = "cannot be read";

/// Where a rule went, or is to go, by a damaged entry; `None` where there was none.
fn still_readable(row: &SqliteRow, column: &str) -> sqlx::Result<Option<String>> {
    let text: Option<&str> = row.try_get(column)?;
    Ok(text.map(|text| match route_from_text(text) {
        Ok(route) => route.goes_to(),
        Err(_) => UNREADABLE.to_owned(),
    }))
}

/// The piece that a change is about; `None` for a VIP rule.
pub(super) fn piece(row: &SqliteRow) -> sqlx::Result<Option<SetupPiece>> {
    json(row, "piece", from_text)
}

fn json<T>(
    row: &SqliteRow,
    column: &str,
    read: impl Fn(&str) -> Result<T, Refused>,
) -> sqlx::Result<Option<T>> {
    let text: Option<&str> = row.try_get(column)?;
    text.map(|text| {
        read(text).map_err(|refused| sqlx::Error::ColumnDecode {
            index: column.to_owned(),
            source: Box::new(refused),
        })
    })
    .transpose()
}
