//! A value of which only as much is kept as anybody would look at: what a
//! service says beside a list, which may be as long as a whole answer.

use std::cell::Cell;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Bytes that are kept, with [`NODE`] for each value.
const MOST: usize = 64 * 1024;
const NODE: usize = 16;

/// The beginning of a value.
pub(super) struct Glance {
    pub value: Value,
    /// Whether nothing was left out.
    pub is_whole: bool,
}

impl<'de> Deserialize<'de> for Glance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let left = Cell::new(MOST);
        let value = Rest(&left).deserialize(deserializer)?;
        let is_whole = left.get() > 0;
        Ok(Glance { value, is_whole })
    }
}

/// The bytes that may still be kept; none once something was left out.
#[derive(Clone, Copy)]
struct Rest<'a>(&'a Cell<usize>);

impl Rest<'_> {
    fn takes(self, bytes: usize) {
        self.0.set(self.0.get().saturating_sub(bytes));
    }

    fn is_used_up(self) -> bool {
        self.0.get() == 0
    }

    fn text(self, text: &str) -> String {
        let kept = &text[..text.floor_char_boundary(self.0.get())];
        self.takes(text.len());
        kept.to_owned()
    }
}

impl<'de> DeserializeSeed<'de> for Rest<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.takes(NODE);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Rest<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(self.text(text).into())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut kept = Vec::new();
        while !self.is_used_up() {
            match list.next_element_seed(self)? {
                Some(value) => kept.push(value),
                None => return Ok(kept.into()),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(kept.into())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut kept = Map::new();
        while !self.is_used_up() {
            let Some(name) = object.next_key::<String>()? else {
                return Ok(kept.into());
            };
            let name = self.text(&name);
            kept.insert(name, object.next_value_seed(self)?);
        }
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(kept.into())
    }
}
