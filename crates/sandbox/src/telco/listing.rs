//! Lists in the several JSON forms SkySwitch uses.
//!
//! Source: SkySwitch API reference; the examples there differ from the schemas, so all forms that
//! occur in either are offered.

use std::ops::Range;

use axum::Json;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::server::parameters::Parameters;
use crate::telco::route_by_ani::not_found;
use crate::tenant::ListShape;
use crate::tenant::list_habits::{Announcement, EmptyList};

/// One row and the key it has where the list is an object.
pub(crate) struct Row {
    pub(crate) key: String,
    pub(crate) value: Value,
}

/// The answer with a list: each that was found as a `row` by its position, in `shape`, and what
/// `empty` says where nothing was found.
///
/// Paged shapes give the page that the query asks for. Rows are made of that page only.
pub(crate) fn list_answer<T: Copy>(
    found: &[T],
    row: impl Fn(usize, T) -> Row,
    shape: ListShape,
    empty: EmptyList,
    query: &Parameters,
) -> Response {
    let rows = |part: Range<usize>| {
        let found = found.get(part.clone()).unwrap_or_default();
        let rows = part.zip(found);
        rows.map(|(position, found)| row(position, *found))
            .collect()
    };
    let total = found.len();
    match (total == 0, empty, shape) {
        (true, EmptyList::Object, _) => Json(json!({})).into_response(),
        (true, EmptyList::Null, _) => Json(Value::Null).into_response(),
        (true, EmptyList::Blank, _) => StatusCode::OK.into_response(),
        (true, EmptyList::NoContent, _) => StatusCode::NO_CONTENT.into_response(),
        (true, EmptyList::NotFound, _) => not_found("The requested resource was not found."),
        (_, _, ListShape::Announced { per_page, by }) => {
            announced(total, rows, per_page, by, query)
        }
        _ => Json(shape_rows(total, rows, shape, query)).into_response(),
    }
}

fn shape_rows(
    total: usize,
    rows: impl Fn(Range<usize>) -> Vec<Row>,
    shape: ListShape,
    query: &Parameters,
) -> Value {
    match shape {
        ListShape::Announced { .. } | ListShape::Array => values(rows(0..total)),
        ListShape::Data => json!({ "data": values(rows(0..total)) }),
        ListShape::Paged { per_page } => {
            let page = Page::of(query, per_page);
            json!({
                "pagination": {
                    "count": total,
                    "per_page": page.per_page,
                    "page": page.number,
                },
                "data": values(rows(page.of_rows(total))),
            })
        }
        ListShape::CountedPages { per_page } => {
            let page = Page::of(query, per_page);
            json!({
                "current_page": page.number,
                "per_page": page.per_page,
                "total": total.to_string(),
                "data": values(rows(page.of_rows(total))),
            })
        }
        // PHP cannot tell an empty map from an empty list.
        ListShape::ObjectByKey if total == 0 => json!([]),
        ListShape::ObjectByKey => {
            let rows = rows(0..total).into_iter();
            Value::Object(rows.map(|row| (row.key, row.value)).collect())
        }
    }
}

/// One page of a list that says in its own way that there are more.
fn announced(
    total: usize,
    rows: impl Fn(Range<usize>) -> Vec<Row>,
    per_page: usize,
    by: Announcement,
    query: &Parameters,
) -> Response {
    const CURSOR: &str = "after-row-";
    let mut page = Page::of(query, per_page);
    if by == Announcement::NextCursor {
        let cursor = query
            .filled("cursor")
            .and_then(|text| text.strip_prefix(CURSOR));
        let before = cursor.and_then(|text| text.parse::<usize>().ok());
        page.number = before.unwrap_or_default() / page.per_page + 1;
    }
    let before = (page.number - 1).saturating_mul(page.per_page);
    let here = values(rows(page.of_rows(total)));
    let count = here.as_array().map_or(0, Vec::len);
    let end = before + count;
    let next = (end < total).then(|| page.number + 1);
    let link = next.map(|next| format!("https://api.example/route-by-ani?page={next}"));
    let range = format!("items {before}-{}/{total}", end.saturating_sub(1));
    let with_header = |name: HeaderName, value: Option<String>| {
        let headers = value.map(|value| [(name, value)]);
        match headers {
            Some(headers) => (headers, Json(here.clone())).into_response(),
            None => Json(here.clone()).into_response(),
        }
    };
    match by {
        Announcement::NextPageUrl => {
            Json(json!({ "data": here, "next_page_url": link })).into_response()
        }
        Announcement::LinksNext => {
            Json(json!({ "data": here, "links": { "next": link } })).into_response()
        }
        Announcement::NextCursor => {
            let cursor = next.map(|_| format!("{CURSOR}{end}"));
            Json(json!({ "data": here, "meta": { "next_cursor": cursor } })).into_response()
        }
        Announcement::LinkHeader => {
            let link = link.map(|link| format!("<{link}>; rel=\"next\""));
            with_header(header::LINK, link)
        }
        Announcement::TotalHeader => {
            let name = HeaderName::from_static("x-total-count");
            with_header(name, Some(total.to_string()))
        }
        Announcement::ContentRange => with_header(header::CONTENT_RANGE, Some(range)),
        Announcement::Partial => {
            let mut response = with_header(header::CONTENT_RANGE, Some(range));
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            response
        }
        Announcement::CountBesideTotal => Json(json!({
            "page": page.number, "per_page": page.per_page,
            "count": count, "total": total, "data": here,
        }))
        .into_response(),
        Announcement::NestedCounters => {
            let counters = json!({ "current_page": page.number, "count": count, "total": total });
            Json(json!({ "data": here, "meta": { "pagination": counters } })).into_response()
        }
        Announcement::CountOfPage => Json(json!({
            "page": page.number, "per_page": page.per_page, "count": count, "data": here,
        }))
        .into_response(),
        Announcement::Message => {
            let message = format!("Too many results; only {count} are shown.");
            Json(json!({ "data": here, "message": message })).into_response()
        }
    }
}

fn values(rows: Vec<Row>) -> Value {
    rows.into_iter().map(|row| row.value).collect()
}

/// The page a caller asks for.
struct Page {
    /// Counted from 1.
    number: usize,
    per_page: usize,
}

impl Page {
    fn of(query: &Parameters, largest: usize) -> Page {
        let largest = largest.max(1);
        Page {
            number: query.count("page").unwrap_or(1),
            per_page: query.count("per_page").unwrap_or(largest).min(largest),
        }
    }

    /// Which rows are on this page; none when it lies behind the last one.
    fn of_rows(&self, total: usize) -> Range<usize> {
        let before = (self.number - 1).saturating_mul(self.per_page).min(total);
        before..before.saturating_add(self.per_page).min(total)
    }
}
