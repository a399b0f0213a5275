//! Lists in the several JSON forms SkySwitch uses.
//!
//! Source: SkySwitch API reference; the examples there differ from the schemas, so all forms that
//! occur in either are offered.

use axum::Json;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::server::parameters::Parameters;
use crate::telco::route_by_ani::not_found;
use crate::tenant::ListShape;
use crate::tenant::list_habits::{Announcement, EmptyList};

/// One row and the key it has where the list is an object.
pub(crate) struct Row {
    pub(crate) key: String,
    pub(crate) value: Value,
}

/// The answer with a list: its rows in `shape`, and what `empty` says where there are none.
///
/// Paged shapes give the page that the query asks for.
pub(crate) fn list_answer(
    rows: Vec<Row>,
    shape: ListShape,
    empty: EmptyList,
    query: &Parameters,
) -> Response {
    match (rows.is_empty(), empty, shape) {
        (true, EmptyList::Object, _) => Json(json!({})).into_response(),
        (true, EmptyList::Null, _) => Json(Value::Null).into_response(),
        (true, EmptyList::Blank, _) => StatusCode::OK.into_response(),
        (true, EmptyList::NoContent, _) => StatusCode::NO_CONTENT.into_response(),
        (true, EmptyList::NotFound, _) => not_found("The requested resource was not found."),
        (_, _, ListShape::Announced { per_page, by }) => announced(rows, per_page, by, query),
        _ => Json(shape_rows(rows, shape, query)).into_response(),
    }
}

fn shape_rows(rows: Vec<Row>, shape: ListShape, query: &Parameters) -> Value {
    let total = rows.len();
    match shape {
        ListShape::Announced { .. } => values(rows),
        ListShape::Array => values(rows),
        ListShape::Data => json!({ "data": values(rows) }),
        ListShape::Paged { per_page } => {
            let page = Page::of(query, per_page);
            json!({
                "pagination": {
                    "count": total,
                    "per_page": page.per_page,
                    "page": page.number,
                },
                "data": values(page.cut(rows)),
            })
        }
        ListShape::CountedPages { per_page } => {
            let page = Page::of(query, per_page);
            json!({
                "current_page": page.number,
                "per_page": page.per_page,
                "total": total.to_string(),
                "data": values(page.cut(rows)),
            })
        }
        // PHP cannot tell an empty map from an empty list.
        ListShape::ObjectByKey if rows.is_empty() => json!([]),
        ListShape::ObjectByKey => {
            let map: Map<String, Value> =
                rows.into_iter().map(|row| (row.key, row.value)).collect();
            Value::Object(map)
        }
    }
}

/// One page of a list that says in its own way that there are more.
fn announced(rows: Vec<Row>, per_page: usize, by: Announcement, query: &Parameters) -> Response {
    const CURSOR: &str = "after-row-";
    let total = rows.len();
    let mut page = Page::of(query, per_page);
    if by == Announcement::NextCursor {
        let cursor = query
            .filled("cursor")
            .and_then(|text| text.strip_prefix(CURSOR));
        let before = cursor.and_then(|text| text.parse::<usize>().ok());
        page.number = before.unwrap_or_default() / page.per_page + 1;
    }
    let before = (page.number - 1).saturating_mul(page.per_page);
    let here = values(page.cut(rows));
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

    /// The rows of this page; none when it lies behind the last one.
    fn cut(&self, rows: Vec<Row>) -> Vec<Row> {
        let before = (self.number - 1).saturating_mul(self.per_page);
        rows.into_iter().skip(before).take(self.per_page).collect()
    }
}
