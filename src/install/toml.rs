//! The edit of a TOML file.

use toml_edit::{Array, DocumentMut, Item, Table, TableLike, Value};

use super::clients::Row;
use super::entry::{Entry, refuse_another};

/// The text with our entry, or why there can be none.
pub(super) fn with(text: &str, row: &Row, entry: &Entry) -> Result<String, String> {
    edited(text, |document| {
        let servers = document.entry(row.section).or_insert_with(|| {
            let mut servers = Table::new();
            servers.set_implicit(true);
            Item::Table(servers)
        });
        let servers = table(servers, row.section)?;
        if !servers.contains_key(&entry.name) {
            servers.insert(&entry.name, Item::Table(Table::new()));
        }
        let Some(ours) = servers.get_mut(&entry.name) else {
            return Err(format!("`{}` cannot be added", row.section));
        };
        let ours = table(ours, &entry.name)?;
        refuse(entry, ours)?;
        // What is the same is not written again, and what else a person wrote stays.
        if ours.get("command").and_then(Item::as_str) != Some(&entry.command) {
            put(ours, "command", Value::from(&entry.command));
        }
        let said = ours.get("args").and_then(Item::as_array);
        let said = said.map(|said| said.iter().map(|one| one.as_str()).collect::<Vec<_>>());
        if let Some(arguments) = entry.arguments_instead_of(said.as_deref()) {
            put(ours, "args", Value::from(Array::from_iter(&arguments)));
        }
        Ok(())
    })
}

/// The text without our entry.
pub(super) fn without(text: &str, row: &Row, entry: &Entry) -> Result<String, String> {
    edited(text, |document| {
        let Some(servers) = document.get_mut(row.section) else {
            return Ok(());
        };
        let servers = table(servers, row.section)?;
        if let Some(ours) = servers.get_mut(&entry.name) {
            let ours = table(ours, &entry.name)?;
            refuse(entry, ours)?;
            servers.remove(&entry.name);
        }
        Ok(())
    })
}

/// The arguments of a server.
pub(super) fn arguments(text: &str, row: &Row, name: &str) -> Option<Vec<String>> {
    let document: DocumentMut = text.parse().ok()?;
    let entry = document.get(row.section)?.get(name)?;
    let said = entry.get("args")?.as_array()?.iter();
    let said = said.map(|one| one.as_str().unwrap_or_default().to_owned());
    Some(said.collect())
}

fn refuse(entry: &Entry, found: &dyn TableLike) -> Result<(), String> {
    let command = found.get("command").and_then(Item::as_str);
    refuse_another(entry, |field| found.contains_key(field), command)
}

/// Sets a field; the comment behind its old value stays.
fn put(fields: &mut dyn TableLike, name: &str, mut value: Value) {
    if let Some(old) = fields.get(name).and_then(Item::as_value) {
        *value.decor_mut() = old.decor().clone();
    }
    fields.insert(name, Item::Value(value));
}

fn table<'a>(item: &'a mut Item, what: &str) -> Result<&'a mut dyn TableLike, String> {
    let found = item.as_table_like_mut();
    found.ok_or_else(|| format!("`{what}` is not a table"))
}

/// The text after an edit of what it says. The library keeps comments, order and
/// blanks, but writes its own line ends.
fn edited(
    text: &str,
    edit: impl FnOnce(&mut DocumentMut) -> Result<(), String>,
) -> Result<String, String> {
    let has_carriage_returns = text.contains("\r\n");
    let lines = text.replace("\r\n", "\n");
    let mut document: DocumentMut = lines.parse().map_err(|error| not_valid(&lines, &error))?;
    let as_read = document.to_string();
    if as_read.trim_end_matches('\n') != lines.trim_end_matches('\n')
        || has_carriage_returns && text.matches('\n').count() != text.matches("\r\n").count()
    {
        return Err("it could not be kept as it is, with its mixed line ends".to_owned());
    }
    edit(&mut document)?;
    let edited = document.to_string();
    Ok(match has_carriage_returns {
        _ if edited == as_read => text.to_owned(),
        true => edited.replace('\n', "\r\n"),
        false => edited,
    })
}

/// The parser's own words would quote the file.
fn not_valid(text: &str, error: &toml_edit::TomlError) -> String {
    let line = error
        .span()
        .map(|span| text[..span.start].matches('\n').count() + 1);
    match line {
        Some(line) => format!("it is not valid TOML (line {line})"),
        None => "it is not valid TOML".to_owned(),
    }
}
