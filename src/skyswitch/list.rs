//! Lists in every shape the service uses: array, `data` with or without
//! pagination, object keyed by name; numbers as strings or integers.

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::call::Call;
use super::scalar::Scalar;
use super::{Answer, Client, answer};
use crate::error::{Code, Error, Result};
use crate::redact::shown;

/// More pages than this is a service that never ends its list.
const PAGE_CAP: u64 = 10_000;

/// A row of some list.
pub(super) trait Row: Sized {
    /// The row as an object. Unknown fields are ignored.
    type Wire: DeserializeOwned;

    /// A row from its object; `key` is its name where the list is an object.
    fn from_wire(wire: Self::Wire, key: Option<&str>, names: &mut Names) -> Option<Self>;

    /// A row that is a bare text, alone or under a name.
    fn from_text(text: &str, key: Option<&str>) -> Option<Self>;
}

impl Client {
    /// Reads a whole list, page by page where the service pages it.
    pub(super) async fn list<T: Row>(&self, call: Call, what: &'static str) -> Result<Listed<T>> {
        let mut page: Page<T> = read_page(&self.read(call.clone()).await?, what)?;
        let mut rows = std::mem::take(&mut page.rows);
        let mut number = page.counters.number.unwrap_or(1);
        while page.is_followed(number, rows.len()) {
            number += 1;
            let call = call.clone().with("page", number.to_string());
            let following = read_page(&self.read(call).await?, what)?;
            let announced = std::mem::replace(&mut page, following).counters;
            // What one page announced holds until another says otherwise.
            page.counters.last = page.counters.last.or(announced.last);
            page.counters.total = page.counters.total.or(announced.total);
            if page.counters.number.is_some_and(|n| n != number) || number > PAGE_CAP {
                return Err(Error::new(
                    Code::UpstreamRejected,
                    format!(
                        "SkySwitch's pages of {what} do not follow one another (asked for page {number})"
                    ),
                    "Nothing is shown rather than half of it; try again, or ask SkySwitch support.",
                ));
            }
            rows.append(&mut page.rows);
        }
        let missing = page
            .counters
            .total
            .is_some_and(|total| (rows.len() as u64) < total);
        Ok(Listed {
            rows,
            whole: !missing,
        })
    }
}

/// A list with what is known of its completeness.
pub(super) struct Listed<T> {
    pub rows: Vec<T>,
    /// False where the service announced more rows than it gave.
    pub whole: bool,
}

impl<T> Listed<T> {
    /// The rows, where none is missing: on half a list nothing is decided.
    ///
    /// # Errors
    /// `upstream_rejected` where the service announced more rows than it gave.
    pub fn all(self, what: &str) -> Result<Vec<T>> {
        match self.whole {
            true => Ok(self.rows),
            false => Err(Error::new(
                Code::UpstreamRejected,
                format!("SkySwitch announced more rows than it listed in {what}"),
                "Nothing is decided on half a list; try again, and ask SkySwitch support if it persists.",
            )),
        }
    }
}

fn read_page<T: Row>(answer: &Answer, what: &str) -> Result<Page<T>> {
    if answer.body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Page::default());
    }
    let page: Page<T> = answer.json(what)?;
    let refuse = |message: String, hint: &str| {
        Err(Error::new(Code::UpstreamRejected, message, hint)
            .with_answer(answer.status, answer.request_id.clone()))
    };
    if let Some(words) = page.complaint() {
        return refuse(
            format!(
                "SkySwitch answered {what} with a message instead of a list: \"{}\"",
                shown(words, 500)
            ),
            "Correct what it names; if it is unclear, ask SkySwitch support.",
        );
    }
    if page.unreadable > 0 {
        // Taken for an empty list, it would let a change overwrite what stands.
        return refuse(
            format!(
                "SkySwitch answered {what} with {} rows in a form that is not known",
                page.unreadable
            ),
            "Nothing is shown or changed on such a list; please report it, with the API's version.",
        );
    }
    Ok(page)
}

/// Texts that repeat from row to row, kept once: a hundred thousand rows name
/// a handful of domains.
#[derive(Default)]
pub(super) struct Names(HashSet<Arc<str>>);

impl Names {
    /// The shared copy of a text.
    pub fn shared(&mut self, text: &str) -> Arc<str> {
        if let Some(name) = self.0.get(text) {
            return Arc::clone(name);
        }
        let name: Arc<str> = text.into();
        self.0.insert(Arc::clone(&name));
        name
    }
}

/// One page, or the whole list where it is not paged.
struct Page<T> {
    rows: Vec<T>,
    rows_seen: bool,
    unreadable: usize,
    names: Names,
    counters: Counters,
    /// Under `data` there was an array: this is a list, however empty.
    is_list: bool,
    message: Option<String>,
    error: Option<String>,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Page {
            rows: Vec::new(),
            rows_seen: false,
            unreadable: 0,
            names: Names::default(),
            counters: Counters::default(),
            is_list: false,
            message: None,
            error: None,
        }
    }
}

impl<T> Page<T> {
    /// Whether another page comes after the one of that number.
    fn is_followed(&self, number: u64, rows_so_far: usize) -> bool {
        match (self.counters.last, self.counters.total) {
            (Some(last), _) => number < last,
            (None, Some(total)) => self.rows_seen && (rows_so_far as u64) < total,
            (None, None) => false,
        }
    }

    /// What the service says in place of a list. A message beside a list may
    /// be a greeting; an error never is.
    fn complaint(&self) -> Option<&str> {
        let message = self
            .message
            .as_deref()
            .filter(|_| !self.is_list && self.rows.is_empty());
        self.error.as_deref().or(message)
    }

    fn join(&mut self, inner: Page<T>) {
        self.rows.extend(inner.rows);
        self.rows_seen |= inner.rows_seen;
        self.is_list |= inner.is_list;
        self.unreadable += inner.unreadable;
        self.message = self.message.take().or(inner.message);
        self.error = self.error.take().or(inner.error);
    }
}

/// Counters of the paging styles; all may be strings or numbers.
#[derive(Default)]
struct Counters {
    number: Option<u64>,
    last: Option<u64>,
    total: Option<u64>,
}

impl Counters {
    fn note(&mut self, name: &str, value: Option<String>) {
        let value = value.and_then(|text| text.parse().ok());
        match name {
            "page" | "current_page" => self.number = value,
            "last_page" => self.last = value,
            "total" | "count" => self.total = value,
            _ => {}
        }
    }
}

impl<'de> Deserialize<'de> for Counters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = std::collections::HashMap::<String, Scalar>::deserialize(deserializer)?;
        let mut counters = Counters::default();
        for (name, value) in fields {
            counters.note(&name, value.0);
        }
        Ok(counters)
    }
}

impl<'de, T: Row> Deserialize<'de> for Page<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PageVisitor(PhantomData))
    }
}

struct PageVisitor<T>(PhantomData<T>);

impl<'de, T: Row> Visitor<'de> for PageVisitor<T> {
    type Value = Page<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<Page<T>, E> {
        Ok(Page::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Page<T>, A::Error> {
        let mut page = Page {
            is_list: true,
            ..Page::default()
        };
        while let Some(entry) = list.next_element::<Entry<T::Wire>>()? {
            page.add(entry, None);
        }
        Ok(page)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Page<T>, A::Error> {
        let mut page = Page::<T>::default();
        while let Some(name) = object.next_key::<String>()? {
            match name.as_str() {
                "data" => {
                    let inner = object.next_value::<Page<T>>()?;
                    page.join(inner);
                }
                "pagination" | "meta" => page.counters = object.next_value()?,
                "page" | "current_page" | "per_page" | "last_page" | "total" | "count" => {
                    let value = object.next_value::<Scalar>()?;
                    page.counters.note(&name, value.0);
                }
                "links" | "next_page_url" | "prev_page_url" | "first_page_url"
                | "last_page_url" | "path" | "from" | "to" => {
                    object.next_value::<IgnoredAny>()?;
                }
                "message" | "msg" => {
                    let said = object.next_value::<Value>()?;
                    page.message = page.message.or(answer::words_in(&said));
                }
                "error" | "error_description" | "errors" => {
                    let said = object.next_value::<Value>()?;
                    if !is_nothing(&said) {
                        let words = answer::words_in(&said);
                        page.error = page.error.or(words).or(Some("an error".to_owned()));
                    }
                }
                key => {
                    let entry = object.next_value::<Entry<T::Wire>>()?;
                    page.add(entry, Some(key));
                }
            }
        }
        Ok(page)
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
        _ => false,
    }
}

impl<T: Row> Page<T> {
    fn add(&mut self, entry: Entry<T::Wire>, key: Option<&str>) {
        let row = match entry {
            Entry::Object(wire) => T::from_wire(wire, key, &mut self.names),
            Entry::Text(text) => T::from_text(&text, key),
            Entry::Nothing => None,
        };
        self.rows_seen = true;
        match row {
            Some(row) => self.rows.push(row),
            None => self.unreadable += 1,
        }
    }
}

/// A row before it is known whether it is an object or a bare text.
enum Entry<W> {
    Object(W),
    Text(String),
    Nothing,
}

impl<'de, W: DeserializeOwned> Deserialize<'de> for Entry<W> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntryVisitor<W>(PhantomData<W>);

        impl<'de, W: DeserializeOwned> Visitor<'de> for EntryVisitor<W> {
            type Value = Entry<W>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a row")
            }
            fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Entry<W>, A::Error> {
                W::deserialize(MapAccessDeserializer::new(object)).map(Entry::Object)
            }
            fn visit_str<E>(self, text: &str) -> Result<Entry<W>, E> {
                Ok(Entry::Text(text.to_owned()))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Entry<W>, E> {
                Ok(Entry::Text(number.to_string()))
            }
            fn visit_unit<E>(self) -> Result<Entry<W>, E> {
                Ok(Entry::Nothing)
            }
        }

        deserializer.deserialize_any(EntryVisitor(PhantomData))
    }
}
