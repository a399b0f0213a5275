//! Integers and booleans that some clients send as text.

use std::fmt::Display;

use serde::de::{Deserialize, Deserializer, Error};

/// What a page size may be.
const LIMITS: &str = "a whole number from 1 to 500, such as `50`";

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Loose {
    Integer(i64),
    Fraction(f64),
    Boolean(bool),
    Text(String),
    #[serde(skip)]
    Nothing,
}

/// `"42"` or `42`, as a text.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Loose::deserialize(deserializer) {
        Ok(Loose::Text(text)) => Ok(text),
        Ok(Loose::Integer(number)) => Ok(number.to_string()),
        _ => Err(refused("a value", "a text such as `42`")),
    }
}

/// The same where it may be left out.
pub(crate) fn some_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    text(deserializer).map(Some)
}

/// A document as text; some clients send the JSON itself, unquoted.
pub(crate) fn document<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    Ok(match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text),
        other => Some(other.to_string()),
    })
}

/// How many rows a page has: `50` or `"50"`.
pub(crate) fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    let loose =
        Option::<Loose>::deserialize(deserializer).map_err(|_| refused("a value", LIMITS))?;
    let parsed = match loose.unwrap_or(Loose::Nothing) {
        Loose::Nothing => return Ok(None),
        Loose::Integer(number) => u16::try_from(number).map_err(|_| number.to_string()),
        Loose::Fraction(number) => Err(number.to_string()),
        Loose::Text(text) => {
            let digits = text.trim();
            let whole = digits.strip_suffix(".0").unwrap_or(digits);
            whole.parse().map_err(|_| text)
        }
        Loose::Boolean(flag) => Err(flag.to_string()),
    };
    parsed.map(Some).map_err(|value| {
        refused(
            &format!("`{}`", skyswitch_domain::redact::shown(&value, 40)),
            LIMITS,
        )
    })
}

/// `true` or `"true"`.
pub(crate) fn boolean<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<bool>, D::Error> {
    let loose = Option::<Loose>::deserialize(deserializer)
        .map_err(|_| refused("a value", "`true` or `false`"))?;
    let value = match loose.unwrap_or(Loose::Nothing) {
        Loose::Nothing => return Ok(None),
        Loose::Boolean(flag) => return Ok(Some(flag)),
        Loose::Text(text) => text,
        Loose::Integer(number) => number.to_string(),
        Loose::Fraction(number) => number.to_string(),
    };
    match value.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => Ok(Some(true)),
        "false" | "0" | "no" => Ok(Some(false)),
        _ => Err(refused(
            &format!("`{}`", skyswitch_domain::redact::shown(&value, 40)),
            "`true` or `false`",
        )),
    }
}

fn refused<E: Error>(value: &str, expected: impl Display) -> E {
    E::custom(format!("{value} is not accepted; give {expected}"))
}
