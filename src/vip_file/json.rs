//! JSON: an array of objects, of callers, or what `vip list --json` prints.

use serde_json::{Map, Value};

use super::cell::Cells;
use super::{COLUMNS, Defaults, VipFile, unusable};
use crate::domain::Vip;
use crate::error::{Error, Result};
use crate::redact::shown;

/// Reads the elements; a row's line is its position in the array.
pub(super) fn read(text: &str, defaults: &Defaults, file: &mut VipFile) -> Result<()> {
    let document: Value = serde_json::from_str(text).map_err(|error| {
        unusable(
            &format!(
                "is not valid JSON (line {}, column {})",
                error.line(),
                error.column()
            ),
            "Correct it there; `vip export --format json` shows the form.",
        )
    })?;
    let rows = match document {
        Value::Array(rows) => Some(rows),
        Value::Object(mut object) => match object.remove("vips") {
            Some(Value::Array(rows)) => Some(rows),
            _ => None,
        },
        _ => None,
    };
    let rows = rows.ok_or_else(|| {
        unusable(
            "is JSON of another form",
            "Give an array of objects with the keys `ani`, `destination`, `application`, `dnis`, `note`, \
             or an object that has such an array under `vips`.",
        )
    })?;
    for (line, row) in (1..).zip(rows) {
        match cells(row) {
            Ok(cells) => file.add(line, cells, defaults),
            Err((given, reason)) => file.refuse(line, &given, reason),
        }
    }
    Ok(())
}

/// The cells of an element, or what it says of the caller and what is wrong.
fn cells(row: Value) -> Result<Cells, (String, String)> {
    let mut cells = Cells::default();
    match row {
        Value::Object(object) => {
            let given = caller_of(&object);
            for (key, value) in object {
                fill(&mut cells, &key, value).map_err(|reason| (given.clone(), reason))?;
            }
        }
        caller => {
            let given = shown(&caller.to_string(), 60);
            fill(&mut cells, "ani", caller).map_err(|reason| (given, reason))?;
        }
    }
    Ok(cells)
}

fn caller_of(object: &Map<String, Value>) -> String {
    match object.get("ani") {
        Some(Value::String(text)) => shown(text, 60),
        Some(other) => shown(&other.to_string(), 60),
        None => String::new(),
    }
}

fn fill(cells: &mut Cells, key: &str, value: Value) -> Result<(), String> {
    let Some(cell) = cells.cell(key) else {
        return Err(format!(
            "`{}` is not a key of a row; the keys are {}",
            shown(key, 40),
            COLUMNS.join(", ")
        ));
    };
    *cell = match value {
        Value::Null => String::new(),
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) if number.is_i64() || number.is_u64() => number.to_string(),
        Value::Number(number) => {
            return Err(format!(
                "`{number}` in `{key}` is a number with decimals or an exponent, which may be rounded; give it as a text"
            ));
        }
        _ => return Err(format!("`{key}` is neither a text nor a whole number")),
    };
    Ok(())
}

/// Writes rules as an array of objects.
pub(super) fn write(vips: &[Vip]) -> Result<String> {
    let rows: Vec<Value> = vips
        .iter()
        .map(|vip| {
            let mut row = Map::new();
            let mut put = |key: &str, value: &str| {
                row.insert(key.to_owned(), Value::String(value.to_owned()));
            };
            put("ani", &vip.ani);
            put("destination", &vip.destination);
            put("application", &vip.application);
            if let Some(dnis) = &vip.dnis {
                put("dnis", dnis);
            }
            Value::Object(row)
        })
        .collect();
    serde_json::to_string_pretty(&rows).map_err(|_| {
        Error::internal(
            "the list could not be written as JSON",
            "Please report this as a bug.",
        )
    })
}
