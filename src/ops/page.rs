//! Pages of sorted lists, with a cursor that survives changes between pages.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use skyswitch_domain::error::{Error, Result};

/// How many rows a result carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageSize {
    /// At most this many.
    Rows(usize),
    /// All of them.
    All,
}

impl PageSize {
    const DEFAULT: u16 = 50;
    const MAXIMUM: u16 = 500;

    /// The page size of a tool call.
    ///
    /// # Errors
    /// `invalid_argument` outside 1 to 500.
    pub fn from_limit(limit: Option<u16>) -> Result<PageSize> {
        match limit.unwrap_or(Self::DEFAULT) {
            limit @ 1..=Self::MAXIMUM => Ok(PageSize::Rows(limit.into())),
            limit => Err(Error::invalid(
                "limit",
                format!("`{limit}` is not a page size"),
                "Give a `limit` from 1 to 500, or leave it out for 50.",
            )),
        }
    }
}

/// One page of a list.
pub(super) struct Page<T> {
    pub rows: Vec<T>,
    pub next_cursor: Option<String>,
}

/// Cuts the page after `cursor` out of rows sorted by `position`.
///
/// The cursor holds the position of the last row given out, so a row added or
/// removed in between neither repeats nor hides another.
pub(super) fn page<T: Clone>(
    rows: &[T],
    size: PageSize,
    cursor: Option<&str>,
    position: impl Fn(&T) -> Vec<String>,
) -> Result<Page<T>> {
    let start = match cursor {
        None => 0,
        Some(cursor) => {
            let last = decode(cursor)?;
            rows.partition_point(|row| position(row) <= last)
        }
    };
    let rest = &rows[start..];
    let count = match size {
        PageSize::All => rest.len(),
        PageSize::Rows(limit) => rest.len().min(limit),
    };
    let next_cursor = match rest[..count].last() {
        Some(last) if count < rest.len() => Some(encode(&position(last))),
        _ => None,
    };
    Ok(Page {
        rows: rest[..count].to_vec(),
        next_cursor,
    })
}

/// A cursor after the row of that number.
pub(super) fn cursor(number: i64) -> String {
    encode(&[number.to_string()])
}

/// The number that such a cursor holds.
pub(super) fn position(cursor: &str) -> Result<i64> {
    let held = decode(cursor)?;
    let number = held.first().and_then(|number| number.parse().ok());
    number.ok_or_else(foreign)
}

fn encode(position: &[String]) -> String {
    // A list of strings always serialises.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(position).unwrap_or_default())
}

fn decode(cursor: &str) -> Result<Vec<String>> {
    URL_SAFE_NO_PAD
        .decode(cursor)
        .ok()
        .and_then(|json| serde_json::from_slice(&json).ok())
        .ok_or_else(foreign)
}

fn foreign() -> Error {
    Error::invalid(
        "cursor",
        "the cursor is not one that a list has returned",
        "Pass `next_cursor` of the previous page unchanged, or leave `cursor` out to start anew.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_join_up_even_when_a_row_goes_in_between() {
        let position = |row: &u32| vec![format!("{row:04}")];
        let first = page(&[1, 2, 3, 4, 5], PageSize::Rows(2), None, position).unwrap();
        assert_eq!(first.rows, [1, 2]);
        let second = page(
            &[1, 3, 4, 5],
            PageSize::Rows(2),
            first.next_cursor.as_deref(),
            position,
        )
        .unwrap();
        assert_eq!(second.rows, [3, 4]);
        let last = page(
            &[1, 3, 4, 5],
            PageSize::Rows(2),
            second.next_cursor.as_deref(),
            position,
        )
        .unwrap();
        assert_eq!((last.rows, last.next_cursor), (vec![5], None));
    }
}
