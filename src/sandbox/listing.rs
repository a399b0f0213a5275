//! Lists in the several JSON forms SkySwitch uses.
//!
//! Source: SkySwitch API reference; the examples there differ from the schemas, so all forms that
//! occur in either are offered.

use serde_json::{Map, Value, json};

use super::parameters::Parameters;
use super::tenant::ListShape;

/// One row and the key it has where the list is an object.
pub(super) struct Row {
    pub(super) key: String,
    pub(super) value: Value,
}

/// Puts rows into `shape`; paged shapes give the page that the query asks for.
pub(super) fn shape_rows(rows: Vec<Row>, shape: ListShape, query: &Parameters) -> Value {
    let total = rows.len();
    match shape {
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
