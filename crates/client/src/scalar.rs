//! Single values in whichever JSON form they come: a text, a number, a switch.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};

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

/// A field that decides: what is there and cannot be read is not the same as
/// what is left out.
#[derive(Default)]
pub(super) enum Field {
    /// Left out, or null.
    #[default]
    Absent,
    Text(String),
    /// An object, a list, a switch.
    Unreadable,
}

impl Field {
    /// The text, unless it is left out or blank.
    ///
    /// # Errors
    /// `lacks`, where something is there that is not a text.
    pub fn text(self, lacks: &'static str) -> Result<Option<String>, &'static str> {
        match self {
            Field::Absent => Ok(None),
            Field::Text(text) => Ok(Some(text).filter(|text| !text.trim().is_empty())),
            Field::Unreadable => Err(lacks),
        }
    }

    /// The text as it is written, which may be blank but must be there.
    ///
    /// # Errors
    /// `lacks`, where it is not there or no text.
    pub fn written(self, lacks: &'static str) -> Result<String, &'static str> {
        match self {
            Field::Text(text) => Ok(text),
            Field::Absent | Field::Unreadable => Err(lacks),
        }
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldVisitor;

        impl<'de> Visitor<'de> for FieldVisitor {
            type Value = Field;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or number")
            }
            fn visit_str<E>(self, text: &str) -> Result<Field, E> {
                Ok(Field::Text(text.to_owned()))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Field, E> {
                Ok(Field::Text(number.to_string()))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Field, E> {
                Ok(Field::Text(number.to_string()))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Field, E> {
                Ok(Field::Unreadable)
            }
            fn visit_bool<E>(self, _: bool) -> Result<Field, E> {
                Ok(Field::Unreadable)
            }
            fn visit_unit<E>(self) -> Result<Field, E> {
                Ok(Field::Absent)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Field, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Field::Unreadable)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Field, A::Error> {
                while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Field::Unreadable)
            }
        }

        deserializer.deserialize_any(FieldVisitor)
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
