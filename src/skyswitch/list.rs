//! Lists in every shape the service uses: array, `data` with or without
//! pagination, object keyed by name; numbers as strings or integers.

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};

use super::http::Call;
use super::{Answer, Client};
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
    pub(super) async fn list<T: Row>(&self, call: Call, what: &'static str) -> Result<Vec<T>> {
        let mut page: Page<T> = read_page(&self.read(call.clone()).await?, what)?;
        let mut rows = std::mem::take(&mut page.rows);
        while let Some(next) = page.next_number(rows.len()) {
            let call = call.clone().with("page", next.to_string());
            let following: Page<T> = read_page(&self.read(call).await?, what)?;
            if following.counters.number.is_some_and(|n| n != next) || next > PAGE_CAP {
                return Err(Error::new(
                    Code::UpstreamRejected,
                    format!(
                        "SkySwitch's pages of {what} do not follow one another (asked for page {next})"
                    ),
                    "Nothing is shown rather than half of it; try again, or ask SkySwitch support.",
                ));
            }
            page = following;
            rows.append(&mut page.rows);
        }
        Ok(rows)
    }
}

fn read_page<T: Row>(answer: &Answer, what: &str) -> Result<Page<T>> {
    if answer.body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Page::default());
    }
    let page: Page<T> = answer.json(what)?;
    if page.unreadable > 0 {
        // Taken for an empty list, it would let a change overwrite what stands.
        return Err(Error::new(
            Code::UpstreamRejected,
            format!(
                "SkySwitch answered {what} with {} rows in a form that is not known",
                page.unreadable
            ),
            "Nothing is shown or changed on such a list; please report it, with the API's version.",
        )
        .with_answer(answer.status, answer.request_id.clone()));
    }
    match &page.complaint {
        Some(words) if page.rows.is_empty() => Err(Error::new(
            Code::UpstreamRejected,
            format!(
                "SkySwitch answered {what} with a message instead of a list: \"{}\"",
                shown(words, 500)
            ),
            "Correct what it names; if it is unclear, ask SkySwitch support.",
        )
        .with_answer(answer.status, answer.request_id.clone())),
        _ => Ok(page),
    }
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
    complaint: Option<String>,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Page {
            rows: Vec::new(),
            rows_seen: false,
            unreadable: 0,
            names: Names::default(),
            counters: Counters::default(),
            complaint: None,
        }
    }
}

impl<T> Page<T> {
    /// The number of the page to fetch next, if there is one.
    fn next_number(&self, rows_so_far: usize) -> Option<u64> {
        let number = self.counters.number.unwrap_or(1);
        let more = match (self.counters.last, self.counters.total) {
            (Some(last), _) => number < last,
            (None, Some(total)) => self.rows_seen && (rows_so_far as u64) < total,
            (None, None) => false,
        };
        more.then_some(number + 1)
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
        let mut page = Page::default();
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
                    page.rows.extend(inner.rows);
                    page.rows_seen |= inner.rows_seen;
                    page.unreadable += inner.unreadable;
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
                "message" | "error" | "error_description" | "msg" => {
                    page.complaint = object.next_value::<Scalar>()?.0;
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

/// A value that should be a text and may be a number, a boolean, null or absent.
#[derive(Default)]
pub(super) struct Scalar(pub Option<String>);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;

        impl<'de> Visitor<'de> for ScalarVisitor {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or number")
            }
            fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar(Some(text.to_owned())))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
                Ok(Scalar(Some(number.to_string())))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
                Ok(Scalar(Some(number.to_string())))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
                Ok(Scalar(Some(number.to_string())))
            }
            fn visit_bool<E>(self, flag: bool) -> Result<Scalar, E> {
                Ok(Scalar(Some(flag.to_string())))
            }
            fn visit_unit<E>(self) -> Result<Scalar, E> {
                Ok(Scalar(None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Scalar, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Scalar, A::Error> {
                while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar(None))
            }
        }

        deserializer.deserialize_any(ScalarVisitor)
    }
}

/// An integer that may arrive as a text; anything else counts as 0.
pub(super) fn lenient_integer<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<i64, D::Error>
where
    D::Error: de::Error,
{
    let scalar = Scalar::deserialize(deserializer)?;
    Ok(scalar
        .0
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(0))
}
