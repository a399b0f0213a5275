//! Pages of sorted lists, with a cursor that survives changes between pages.
//! A page ends early where its result would be too long for a client.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use crate::nearest::in_one_writing;
use skyswitch_domain::error::{Error, Result};

/// Bytes of a tool's result. A model pays for every one, and some clients read
/// lines of at most 64 KiB.
pub const RESULT_BUDGET: usize = 40_000;
/// What the rows may take of it in one of the two forms of a result. A line of
/// text is never longer than the row's JSON.
const ROWS_BUDGET: usize = (RESULT_BUDGET - 2_000) / 2;

/// How many rows a result carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageSize {
    /// At most this many.
    Rows(usize),
    /// At most this many, and no more than the budget of a tool's result allows.
    InBudget(usize),
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
            limit @ 1..=Self::MAXIMUM => Ok(PageSize::InBudget(limit.into())),
            limit => Err(Error::invalid(
                "limit",
                format!("`{limit}` is not a page size"),
                "Give a `limit` from 1 to 500, or leave it out for 50.",
            )),
        }
    }

    /// How many of these rows a result carries.
    pub(in crate::ops) fn fitting<T: Serialize>(self, rows: &[T]) -> usize {
        let rows = &rows[..self.most().map_or(rows.len(), |most| most.min(rows.len()))];
        match self {
            // One row at least, or the next page would be the same one.
            PageSize::InBudget(_) => within(ROWS_BUDGET, rows).max(1).min(rows.len()),
            PageSize::Rows(_) | PageSize::All => rows.len(),
        }
    }

    /// The most rows that are asked for.
    pub(in crate::ops) fn most(self) -> Option<usize> {
        match self {
            PageSize::All => None,
            PageSize::Rows(most) | PageSize::InBudget(most) => Some(most),
        }
    }
}

/// How many rows fit into so many bytes.
pub(in crate::ops) fn within<T: Serialize>(bytes: usize, rows: &[T]) -> usize {
    let mut used = 0;
    rows.iter()
        .take_while(|row| {
            used += length(row);
            used <= bytes
        })
        .count()
}

/// Bytes of the JSON form, with the comma that follows it.
pub(in crate::ops) fn length(value: &impl Serialize) -> usize {
    serde_json::to_vec(value).map_or(0, |json| json.len() + 1)
}

/// What a list is searched for: a text in any writing. The absent one is in every row.
pub(super) struct Query(String);

impl Query {
    pub fn of(text: Option<&str>) -> Query {
        Query(in_one_writing(text.unwrap_or_default()))
    }

    /// Whether a row's name or other text contains it.
    pub fn is_in(&self, name: &str, other: Option<&str>) -> bool {
        let contains = |text: &str| in_one_writing(text).contains(&self.0);
        contains(name) || other.is_some_and(contains)
    }
}

/// One page of a list.
pub(super) struct Page<T> {
    pub rows: Vec<T>,
    pub next_cursor: Option<String>,
}

/// Cuts the page after `cursor` out of rows sorted by `position`, each as results show it.
///
/// The cursor holds the name of the list and the position of the last row given
/// out, so a row added or removed in between neither repeats nor hides another.
pub(super) fn page<T, R: Serialize>(
    list: &str,
    rows: &[T],
    size: PageSize,
    cursor: Option<&str>,
    position: impl Fn(&T) -> Vec<String>,
    as_shown: impl Fn(&T) -> R,
) -> Result<Page<R>> {
    let start = match cursor {
        None => 0,
        Some(cursor) => {
            let last = decode(list, cursor)?;
            rows.partition_point(|row| position(row) <= last)
        }
    };
    Ok(first_page(list, &rows[start..], size, position, as_shown))
}

/// The same of rows that begin where the page does.
pub(super) fn first_page<T, R: Serialize>(
    list: &str,
    rows: &[T],
    size: PageSize,
    position: impl Fn(&T) -> Vec<String>,
    as_shown: impl Fn(&T) -> R,
) -> Page<R> {
    let most = size.most().unwrap_or(rows.len());
    let mut page: Vec<R> = rows.iter().take(most).map(as_shown).collect();
    page.truncate(size.fitting(&page));
    let next_cursor = match rows[..page.len()].last() {
        Some(last) if page.len() < rows.len() => Some(encode(list, position(last))),
        _ => None,
    };
    Page {
        rows: page,
        next_cursor,
    }
}

/// The number that a cursor holds, of a list whose positions are numbers.
pub(super) fn number_in(list: &str, cursor: &str) -> Result<i64> {
    let held = decode(list, cursor)?;
    let number = held.first().and_then(|number| number.parse().ok());
    number.ok_or_else(foreign)
}

/// The position that a cursor holds.
pub(super) fn position_in(list: &str, cursor: &str) -> Result<Vec<String>> {
    decode(list, cursor)
}

fn encode(list: &str, position: Vec<String>) -> String {
    // A list of strings always serialises.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&(list, position)).unwrap_or_default())
}

fn decode(list: &str, cursor: &str) -> Result<Vec<String>> {
    let held = URL_SAFE_NO_PAD.decode(cursor).ok();
    let held = held.and_then(|json| serde_json::from_slice::<(String, Vec<String>)>(&json).ok());
    match held {
        Some((of, position)) if of == list => Ok(position),
        _ => Err(foreign()),
    }
}

fn foreign() -> Error {
    Error::invalid(
        "cursor",
        "the cursor is not one that this list has returned",
        "Pass `next_cursor` of the previous page unchanged, or leave `cursor` out for the first page.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(rows: &[u32], cursor: Option<&str>) -> Page<u32> {
        let position = |row: &u32| vec![format!("{row:04}")];
        page(
            "numbers",
            rows,
            PageSize::Rows(2),
            cursor,
            position,
            |row| *row,
        )
        .unwrap()
    }

    #[test]
    fn pages_join_up_even_when_a_row_goes_in_between() {
        let first = numbers(&[1, 2, 3, 4, 5], None);
        assert_eq!(first.rows, [1, 2]);
        let second = numbers(&[1, 3, 4, 5], first.next_cursor.as_deref());
        assert_eq!(second.rows, [3, 4]);
        let last = numbers(&[1, 3, 4, 5], second.next_cursor.as_deref());
        assert_eq!((last.rows, last.next_cursor), (vec![5], None));
    }

    #[test]
    fn a_list_takes_no_cursor_of_another() {
        let first = numbers(&[1, 2, 3], None);
        let position = |row: &u32| vec![format!("{row:04}")];
        let cursor = first.next_cursor.as_deref();
        let other = page(
            "others",
            &[1, 2, 3],
            PageSize::All,
            cursor,
            position,
            |row| *row,
        );
        assert!(other.is_err());
    }

    #[test]
    fn a_page_ends_before_its_result_is_too_long_but_never_empty() {
        let rows = vec!["x".repeat(ROWS_BUDGET / 4); 10];
        assert_eq!(PageSize::InBudget(10).fitting(&rows), 3);
        assert_eq!(PageSize::All.fitting(&rows), 10);
        let one = ["x".repeat(ROWS_BUDGET + 1)];
        assert_eq!(PageSize::InBudget(10).fitting(&one), 1);
        assert_eq!(PageSize::InBudget(10).fitting::<String>(&[]), 0);
    }
}
