//! A field that says yes or no, in whichever form it comes.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What such a field says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Switch {
    /// Left out, null or blank.
    #[default]
    Absent,
    On,
    Off,
    /// Something else.
    Unclear,
}

impl Switch {
    fn of_number(number: f64) -> Switch {
        match number {
            0.0 => Switch::Off,
            1.0 => Switch::On,
            _ => Switch::Unclear,
        }
    }

    fn of_text(text: &str) -> Switch {
        match text.trim().to_ascii_lowercase().as_str() {
            "" => Switch::Absent,
            "true" | "yes" | "on" | "1" | "active" | "enabled" => Switch::On,
            "false" | "no" | "off" | "0" | "inactive" | "disabled" | "deleted" | "suspended"
            | "expired" | "removed" => Switch::Off,
            _ => Switch::Unclear,
        }
    }
}

impl<'de> Deserialize<'de> for Switch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SwitchVisitor;

        impl<'de> Visitor<'de> for SwitchVisitor {
            type Value = Switch;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("yes or no")
            }
            fn visit_bool<E>(self, on: bool) -> Result<Switch, E> {
                Ok(if on { Switch::On } else { Switch::Off })
            }
            fn visit_str<E>(self, text: &str) -> Result<Switch, E> {
                Ok(Switch::of_text(text))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Switch, E> {
                Ok(Switch::of_number(number as f64))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Switch, E> {
                Ok(Switch::of_number(number as f64))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Switch, E> {
                Ok(Switch::of_number(number))
            }
            fn visit_unit<E>(self) -> Result<Switch, E> {
                Ok(Switch::Absent)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Switch, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Switch::Unclear)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Switch, A::Error> {
                while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Switch::Unclear)
            }
        }

        deserializer.deserialize_any(SwitchVisitor)
    }
}
