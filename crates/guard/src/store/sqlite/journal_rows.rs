//! How a row of the journal reads.

use rusqlite::Row;

use super::statements::{Query, decoded, is_damage, some_text, text};
use crate::store::stored_text::{from_text, route_from_text};
use crate::store::{ChangeRecord, ChangeStatus, PieceRecord, RuleRecord, TargetRecord};
use skyswitch_domain::error::{Refused, Result};
use skyswitch_domain::{Ani, Dnis, RouteKey, SetupPiece};

const COLUMNS: &str = "id, account, operation, asked_by, domain, ani, dnis, route_before, \
                       route_wanted, piece, status, route_after, stands, problem, request_id, traceparent, \
                       closed_by, undoes, run, owner, started_at, ended_at, \
                       coalesce(given_up_at, started_at) AS last_tried_at";

/// The beginning of every query for changes of the journal.
pub(super) fn select() -> Query {
    Query::new(format!("SELECT {COLUMNS} FROM changes WHERE "))
}

pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<ChangeRecord> {
    Ok(ChangeRecord {
        id: row.get("id")?,
        account: some_text(row, "account")?,
        domain: some_text(row, "domain")?,
        operation: some_text(row, "operation")?,
        asked_by: some_text(row, "asked_by")?,
        // One that is damaged hides no other.
        target: match target(row) {
            Err(error) if is_damage(&error) => TargetRecord::Damaged {
                ani: some_text(row, "ani")?,
                dnis: text(row, "dnis")?,
                before: still_readable(row, "route_before")?,
                wanted: match text(row, "piece")? {
                    None => still_readable(row, "route_wanted")?,
                    Some(_) => Some(UNREADABLE.to_owned()),
                },
                as_wanted: row.get("stands")?,
            },
            target => target?,
        },
        status: ChangeStatus::from_word(&some_text(row, "status")?),
        problem: text(row, "problem")?,
        request_id: text(row, "request_id")?,
        traceparent: text(row, "traceparent")?,
        closed_by: text(row, "closed_by")?,
        undoes: row.get("undoes")?,
        run: text(row, "run")?,
        owner: some_text(row, "owner")?,
        started_at: row.get("started_at")?,
        ended_at: row.get("ended_at")?,
        last_tried_at: row.get("last_tried_at")?,
    })
}

fn target(row: &Row<'_>) -> rusqlite::Result<TargetRecord> {
    if let Some(piece) = piece(row)? {
        return Ok(TargetRecord::Piece(PieceRecord {
            piece,
            before: json(row, "route_before", from_text)?,
            after: json(row, "route_after", from_text)?,
            as_wanted: row.get("stands")?,
        }));
    }
    let dnis = row.get_ref("dnis")?.as_str_or_null()?;
    Ok(TargetRecord::VipRule(RuleRecord {
        key: RouteKey {
            domain: row.get_ref("domain")?.as_str()?.into(),
            ani: Ani::from_stored(row.get_ref("ani")?.as_str()?),
            dnis: Dnis::from_stored(dnis),
        },
        before: json(row, "route_before", route_from_text)?,
        wanted: json(row, "route_wanted", route_from_text)?,
        after: json(row, "route_after", route_from_text)?,
        was_read: row.get("stands")?,
    }))
}

/// Said in the place of what a damaged entry does not tell any more.
const UNREADABLE: &str = "cannot be read";

/// Where a rule went, or is to go, by a damaged entry; `None` where there was none.
fn still_readable(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<String>> {
    Ok(text(row, column)?.map(|text| match route_from_text(&text) {
        Ok(route) => route.goes_to(),
        Err(_) => UNREADABLE.to_owned(),
    }))
}

/// The piece that a change is about; `None` for a VIP rule.
pub(super) fn piece(row: &Row<'_>) -> rusqlite::Result<Option<SetupPiece>> {
    json(row, "piece", from_text)
}

fn json<T>(
    row: &Row<'_>,
    column: &str,
    read: impl Fn(&str) -> Result<T, Refused>,
) -> rusqlite::Result<Option<T>> {
    let text = row.get_ref(column)?.as_str_or_null()?;
    text.map(|text| decoded(read(text))).transpose()
}
