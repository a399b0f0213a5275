//! One answer with a list, in every shape the service uses: array, `data` with
//! or without pagination, object keyed by name; numbers as strings or integers.

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::answer;
use super::glance::Glance;
use super::http::Answer;
use super::list_words::{is_about_the_list, may_be_about_the_list};
use super::paging::Paging;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::counted;

/// A row of some list.
pub(super) trait Row: Sized + PartialEq {
    /// The row as an object. Unknown fields are ignored.
    type Wire: DeserializeOwned;

    /// A row from its object; `key` is its name where the list is an object.
    ///
    /// # Errors
    /// What the row lacks: "a caller". A row is never half-read.
    fn from_wire(
        wire: Self::Wire,
        key: Option<&str>,
        names: &mut Names,
    ) -> Result<Self, &'static str>;

    /// A row that is a bare text, alone or under a name.
    ///
    /// # Errors
    /// What the row lacks.
    fn from_text(text: &str, key: Option<&str>) -> Result<Self, &'static str>;
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

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|name| &**name)
    }
}

/// One page, or the whole list where it is not paged.
pub(super) struct Page<T> {
    pub rows: Vec<T>,
    pub paging: Paging,
    pub names: Names,
    /// There was an array, or an object with rows: this is a list.
    is_list: bool,
    /// `{}`, alone or as `data`.
    is_empty_object: bool,
    /// Rows that could not be read, and what the first of them lacks.
    unreadable: usize,
    lacks: Option<&'static str>,
    /// The fields that are not rows.
    fields: Vec<String>,
    message: Option<String>,
    error: Option<String>,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Page {
            rows: Vec::new(),
            paging: Paging::default(),
            names: Names::default(),
            is_list: false,
            is_empty_object: false,
            unreadable: 0,
            lacks: None,
            fields: Vec::new(),
            message: None,
            error: None,
        }
    }
}

impl<T: Row> Page<T> {
    /// Reads an answer to a list request.
    ///
    /// # Errors
    /// `upstream_rejected` for whatever does not say expressly what is on the
    /// list: taken for an empty one, it would let a change overwrite unseen
    /// what is there. `{}` says so only to those who set
    /// `empty_object_is_empty_list`.
    pub fn read(answer: &Answer, what: &str, empty_object_is_list: bool) -> Result<Page<T>> {
        let refuse = |message: String, hint: &str| {
            Err(answer.not_understood(Error::new(Code::UpstreamRejected, message, hint)))
        };
        let no_list = |found: &str, hint: &str| {
            refuse(
                format!("SkySwitch answered {what} with {found} instead of a list"),
                hint,
            )
        };
        // 202, 204 and 206 promise an answer later, none, or a part of one.
        if answer.status != 200 {
            return no_list(&format!("HTTP {}", answer.status), NOT_TAKEN_FOR_EMPTY);
        }
        if answer.body.iter().all(u8::is_ascii_whitespace) {
            return no_list("an empty body", NOT_TAKEN_FOR_EMPTY);
        }
        let mut page: Page<T> = answer.json(what)?;
        page.paging.join(Paging::of_headers(&answer.headers));
        if let Some(words) = page.complaint() {
            let place = match page.rows.is_empty() {
                true => "with a message instead of a list",
                false => "with a message beside a list, which may be a part of it only",
            };
            return refuse(
                format!(
                    "SkySwitch answered {what} {place}: \"{}\"",
                    answer::quoted(words)
                ),
                "Correct what it names; if it is unclear, ask SkySwitch support.",
            );
        }
        if page.unreadable > 0 {
            return refuse(
                format!(
                    "SkySwitch answered {what} with {} in a form that is not known: without {}",
                    counted(page.unreadable, "row"),
                    page.lacks.unwrap_or("a known field")
                ),
                "Nothing is shown or changed on such a list; please report it, with the API's version.",
            );
        }
        if page.is_list || (page.is_empty_object && empty_object_is_list) {
            return Ok(page);
        }
        match page.fields.as_slice() {
            _ if page.is_empty_object => no_list(
                "`{}`",
                "Nothing is shown or changed on it. Only if SkySwitch confirms that `{}` is how it \
                 writes an empty list, set `empty_object_is_empty_list` \
                 (SKYSWITCH_EMPTY_OBJECT_IS_EMPTY_LIST).",
            ),
            [] => no_list("`null`", NOT_TAKEN_FOR_EMPTY),
            fields => no_list(
                &format!(
                    "an object without rows (`{}`)",
                    shown(&fields.join("`, `"), 200)
                ),
                NOT_TAKEN_FOR_EMPTY,
            ),
        }
    }

    /// What the service says in place of a list or beside one. A message may be
    /// why there are no rows, or no others: it is a greeting only where the answer
    /// counts all rows of the list. An error never is a greeting.
    fn complaint(&self) -> Option<&str> {
        let is_counted = self.paging.total.is_some() || self.paging.last.is_some();
        let is_greeting = is_counted && !self.rows.is_empty();
        let message = self.message.as_deref().filter(|_| !is_greeting);
        self.error.as_deref().or(message)
    }

    fn join(&mut self, inner: Page<T>) {
        self.rows.extend(inner.rows);
        for name in inner.names.iter() {
            self.names.shared(name);
        }
        self.is_list |= inner.is_list;
        self.is_empty_object |= inner.is_empty_object;
        self.unreadable += inner.unreadable;
        self.lacks = self.lacks.or(inner.lacks);
        self.paging.join(inner.paging);
        self.message = self.message.take().or(inner.message);
        self.error = self.error.take().or(inner.error);
    }

    fn add(&mut self, entry: Entry<T::Wire>, key: Option<&str>) {
        let row = match entry {
            Entry::Object(wire) => T::from_wire(wire, key, &mut self.names),
            Entry::Text(text) => T::from_text(&text, key),
            Entry::Nothing => Err("anything in it"),
        };
        self.is_list = true;
        match row {
            Ok(row) => self.rows.push(row),
            Err(lacks) => {
                self.unreadable += 1;
                self.lacks.get_or_insert(lacks);
            }
        }
    }
}

/// What to do about an answer that says nothing.
const NOT_TAKEN_FOR_EMPTY: &str = "It is not taken for an empty list, and nothing is shown or changed on it. \
     Try again; if it persists, ask SkySwitch support.";

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
        let (mut has_data, mut rows_by_key) = (false, 0);
        while let Some(name) = object.next_key::<String>()? {
            match name.as_str() {
                "data" => {
                    let inner = object.next_value::<Page<T>>()?;
                    page.join(inner);
                    page.fields.push(name);
                    has_data = true;
                }
                "message" | "msg" => {
                    let said = object.next_value::<Glance>()?.value;
                    let words = answer::words_in(&said).filter(|words| !words.trim().is_empty());
                    let wordless = (!is_nothing(&said)).then(|| said.to_string());
                    page.message = page.message.or(words).or(wordless);
                    page.fields.push(name);
                }
                "error" | "error_description" | "errors" => {
                    let said = object.next_value::<Glance>()?.value;
                    if !is_nothing(&said) {
                        let words = answer::words_in(&said);
                        page.error = page.error.or(words).or(Some("an error".to_owned()));
                    }
                    page.fields.push(name);
                }
                word if may_be_about_the_list(word) => {
                    let Glance { value, is_whole } = object.next_value::<Glance>()?;
                    if !is_whole {
                        page.add(Entry::Nothing, Some(word));
                        rows_by_key += 1;
                    } else if is_about_the_list(word, &value) {
                        page.paging.note(word, &value);
                        page.fields.push(name);
                    } else {
                        let entry = Entry::deserialize(value).map_err(A::Error::custom)?;
                        page.add(entry, Some(word));
                        rows_by_key += 1;
                    }
                }
                key => {
                    let entry = object.next_value::<Entry<T::Wire>>()?;
                    page.add(entry, Some(key));
                    rows_by_key += 1;
                }
            }
        }
        // Beside a list, what is not known is no row, and may say anything of it.
        if has_data && rows_by_key > 0 {
            page.unreadable += rows_by_key;
            page.lacks.get_or_insert("a place in the list beside them");
        }
        page.is_empty_object |= page.fields.is_empty() && !page.is_list;
        Ok(page)
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
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
