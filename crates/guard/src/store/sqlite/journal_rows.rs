//! How a row of the journal reads.

use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{QueryBuilder, Row};

use crate::store::stored_text::{from_text, route_from_text};
use crate::store::{ChangeRecord, ChangeStatus, PieceRecord, RuleRecord, TargetRecord};
use skyswitch_domain::error::{Refused, Result};
use skyswitch_domain::{Ani, Dnis, RouteKey, SetupPiece};

const COLUMNS: &str = "id, account, operation, asked_by, domain, ani, dnis, route_before, \
                       route_wanted, piece, status, route_after, stands, problem, request_id, traceparent, \
                       closed_by, undoes, run, owner, started_at, ended_at, \
                       coalesce(given_up_at, started_at) AS last_tried_at";

/// The beginning of every query for changes of the journal.
pub(super) fn select() -> QueryBuilder<Sqlite> {
    QueryBuilder::new(format!("SELECT {COLUMNS} FROM changes WHERE "))
}

pub(super) fn record(row: SqliteRow) -> sqlx::Result<ChangeRecord> {
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
