//! JSON: an array of objects, of callers, or what `vip list --json` prints.

use serde_json::{Map, Value};

use crate::ops::import::files::cell::Cells;
use crate::ops::import::files::element::Element;
use crate::ops::import::files::{COLUMNS, Defaults, VipFile, unusable};
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{Operation, Vip, command_line};

/// Reads the elements; a row's line is its position in the array.
pub(in crate::ops) fn read(text: &str, defaults: &Defaults, file: &mut VipFile) -> Result<()> {
    let document: Element = serde_json::from_str(text).map_err(|error| {
        unusable(
            &format!(
                "is not valid JSON (line {}, column {})",
                error.line(),
                error.column()
            ),
            &format!(
                "Correct it there; {} shows the form.",
                command_line("vip export --format json")
            ),
        )
    })?;
    for (line, row) in (1..).zip(rows(document)?) {
        match cells(row) {
            Ok(cells) => file.add(line, cells, defaults),
            Err((given, reason)) => file.refuse(line, &given, reason),
        }
    }
    Ok(())
}

/// The array of rows, bare or under `vips`.
fn rows(document: Element) -> Result<Vec<Element>> {
    let rows = match document {
        Element::List(rows) => Some(rows),
        Element::Object(entries) => {
            refuse_page(&entries)?;
            let mut named = entries.into_iter().filter(|(key, _)| key == "vips");
            match (named.next(), named.next()) {
                (Some((_, Element::List(rows))), None) => Some(rows),
                _ => None,
            }
        }
        Element::Plain(_) => None,
    };
    rows.ok_or_else(|| {
        unusable(
            "is JSON of another form",
            "Give an array of objects with the keys `ani`, `destination`, `application`, `dnis`, `note`, \
             or an object that has such an array under `vips`, once.",
        )
    })
}

/// What was listed page by page names the rest: taken for the whole list, a page
/// would remove that.
fn refuse_page(entries: &[(String, Element)]) -> Result<()> {
    let value = |name: &str| {
        let mut values = entries.iter().filter(move |(key, _)| key == name);
        values.next().map(|(_, value)| value)
    };
    let has_more = match value("next_cursor") {
        None | Some(Element::Plain(Value::Null)) => false,
        Some(_) => true,
    };
    let total = match value("total") {
        Some(Element::Plain(Value::Number(total))) => total.as_u64(),
        _ => None,
    };
    let rows = match value("vips") {
        Some(Element::List(rows)) => u64::try_from(rows.len()).ok(),
        _ => None,
    };
    match has_more || total.zip(rows).is_some_and(|(total, rows)| total > rows) {
        true => Err(unusable(
            "is one page of a longer list",
            &format!(
                "Give all of it: follow `next_cursor` of {} to the end, or write it with {}.",
                Operation::ListVips,
                command_line("vip export")
            ),
        )),
        false => Ok(()),
    }
}

/// The cells of an element, or what it says of the caller and what is wrong.
fn cells(row: Element) -> Result<Cells, (String, String)> {
    let mut cells = Cells::default();
    match row {
        Element::Object(entries) => {
            let given = caller_of(&entries);
            if let Some(key) = named_twice(&entries) {
                let reason = format!(
                    "names `{}` twice, and which of the two is meant cannot be told; take one of them out",
                    shown(key, 40)
                );
                return Err((given, reason));
            }
            for (key, value) in entries {
                fill(&mut cells, &key, value).map_err(|reason| (given.clone(), reason))?;
            }
        }
        caller => {
            let given = shown_plain(&caller);
            fill(&mut cells, "ani", caller).map_err(|reason| (given, reason))?;
        }
    }
    Ok(cells)
}

fn caller_of(entries: &[(String, Element)]) -> String {
    let caller = entries.iter().find(|(key, _)| key == "ani");
    caller.map_or_else(String::new, |(_, value)| shown_plain(value))
}

fn named_twice(entries: &[(String, Element)]) -> Option<&str> {
    let is_again = |(index, (key, _)): &(usize, &(String, Element))| {
        entries[..*index].iter().any(|(earlier, _)| earlier == key)
    };
    let mut all = entries.iter().enumerate();
    all.find(is_again).map(|(_, (key, _))| key.as_str())
}

fn shown_plain(value: &Element) -> String {
    match value {
        Element::Plain(Value::String(text)) => shown(text, 60),
        Element::Plain(other) => shown(&other.to_string(), 60),
        Element::List(_) | Element::Object(_) => String::new(),
    }
}

fn fill(cells: &mut Cells, key: &str, value: Element) -> Result<(), String> {
    let Some(cell) = cells.cell(key) else {
        return Err(format!(
            "`{}` is not a key of a row; the keys are {}",
            shown(key, 40),
            COLUMNS.join(", ")
        ));
    };
    *cell = match value {
        Element::Plain(Value::Null) => String::new(),
        Element::Plain(Value::String(text)) => text.trim().to_owned(),
        Element::Plain(Value::Number(number)) if number.is_i64() || number.is_u64() => {
            number.to_string()
        }
        Element::Plain(Value::Number(number)) => {
            return Err(format!(
                "`{number}` in `{key}` is a number with decimals or an exponent, which may be rounded; give it as a text"
            ));
        }
        _ => return Err(format!("`{key}` is neither a text nor a whole number")),
    };
    Ok(())
}

/// Writes rules as an array of objects.
pub(in crate::ops) fn write(vips: &[Vip]) -> Result<String> {
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
            if let Some(note) = &vip.note {
                put("note", note);
            }
            if let Some(until) = &vip.until {
                put("until", until);
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
