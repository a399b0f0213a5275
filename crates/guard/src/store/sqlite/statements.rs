//! Statements and the rows that they give.

use rusqlite::types::{FromSql, Type, Value, ValueRef};
use rusqlite::{Connection, Error, OptionalExtension, Params, Row, params_from_iter};

use skyswitch_domain::error::Refused;

/// Runs a statement that gives no rows; how many rows it changed.
pub(super) fn run(
    connection: &Connection,
    sql: &str,
    values: impl Params,
) -> rusqlite::Result<usize> {
    connection.prepare_cached(sql)?.execute(values)
}

/// All rows that a statement gives.
pub(super) fn all_rows<T>(
    connection: &Connection,
    sql: &str,
    values: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection
        .prepare_cached(sql)?
        .query_map(values, read)?
        .collect()
}

/// The first row that a statement gives.
pub(super) fn first_row<T>(
    connection: &Connection,
    sql: &str,
    values: impl Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    connection
        .prepare_cached(sql)?
        .query_row(values, read)
        .optional()
}

/// The one value that a statement gives.
pub(super) fn value<T: FromSql>(
    connection: &Connection,
    sql: &str,
    values: impl Params,
) -> rusqlite::Result<T> {
    connection
        .prepare_cached(sql)?
        .query_row(values, |row| row.get(0))
}

/// A query that is put together: the text is ours, the values are bound.
#[derive(Debug, Clone)]
pub(super) struct Query {
    sql: String,
    values: Vec<Value>,
}

impl Query {
    pub fn new(sql: impl Into<String>) -> Query {
        Query {
            sql: sql.into(),
            values: Vec::new(),
        }
    }

    /// What asks how SQLite finds the rows.
    #[cfg(test)]
    pub fn explained(&self) -> Query {
        Query {
            sql: format!("EXPLAIN QUERY PLAN {}", self.sql),
            values: self.values.clone(),
        }
    }

    pub fn push(&mut self, sql: &str) -> &mut Query {
        self.sql.push_str(sql);
        self
    }

    pub fn bind(&mut self, value: impl Into<Value>) -> &mut Query {
        self.sql.push('?');
        self.values.push(value.into());
        self
    }

    pub fn all<T>(
        &self,
        connection: &Connection,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        let values = params_from_iter(&self.values);
        all_rows(connection, &self.sql, values, read)
    }

    pub fn value<T: FromSql>(&self, connection: &Connection) -> rusqlite::Result<T> {
        value(connection, &self.sql, params_from_iter(&self.values))
    }
}

/// A text, also one that is damaged: one row must not hide all others.
pub(super) fn text(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<String>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            Some(String::from_utf8_lossy(bytes).into_owned())
        }
    })
}

/// The same of a column that is never empty.
pub(super) fn some_text(row: &Row<'_>, column: &str) -> rusqlite::Result<String> {
    Ok(text(row, column)?.unwrap_or_default())
}

/// What was read of a text that the store keeps, as a column of a row.
pub(super) fn decoded<T>(read: Result<T, Refused>) -> rusqlite::Result<T> {
    read.map_err(|refused| Error::FromSqlConversionFailure(0, Type::Text, Box::new(refused)))
}

/// Whether an error tells of a value that cannot be read, and nothing of the database.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        Error::FromSqlConversionFailure(..)
            | Error::InvalidColumnType(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::Utf8Error(..)
    )
}
