//! The edit of a JSON file, with or without comments: pieces of the text are
//! added, replaced or cut out, and the rest is not written again.

use std::ops::Range;

use jsonc_parser::ast::{Object, ObjectProp, Value as Node};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde_json::Value;

use super::clients::Row;
use super::entry::{Entry, refuse_another};

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The text with our entry, or why there can be none.
pub(super) fn with(text: &str, row: &Row, entry: &Entry) -> Result<String, String> {
    let (mark, text) = apart(text);
    Ok(format!("{mark}{}", set(text, row, entry)?))
}

/// The text without our entry.
pub(super) fn without(text: &str, row: &Row, entry: &Entry) -> Result<String, String> {
    let (mark, text) = apart(text);
    Ok(format!("{mark}{}", unset(text, row, entry)?))
}

/// The arguments of a server.
pub(super) fn arguments(text: &str, row: &Row, name: &str) -> Option<Vec<String>> {
    let (_, text) = apart(text);
    let root = parsed(text).ok()??;
    let servers = root.as_object()?.get_object(row.section)?;
    let (place, _) = start(servers.get_object(name)?).ok()?;
    let said = place.get_array("args")?;
    let said = said.elements.iter().map(|one| {
        let one = one.as_string_lit();
        one.map_or_else(String::new, |one| one.value.to_string())
    });
    Some(said.collect())
}

/// The mark that some editors put before a text, and the text.
fn apart(text: &str) -> (&str, &str) {
    match text.strip_prefix(BYTE_ORDER_MARK) {
        Some(rest) => (BYTE_ORDER_MARK, rest),
        None => ("", text),
    }
}

fn set(text: &str, row: &Row, entry: &Entry) -> Result<String, String> {
    let Some(root) = parsed(text)? else {
        let layout = Layout::default();
        let section = layout.section(row, entry, Some("  "));
        let document = layout.object(&[(row.section, section)], Some(""));
        let comments = text.trim_end();
        let gap = if comments.is_empty() { "" } else { "\n" };
        return Ok(format!("{comments}{gap}{document}\n"));
    };
    let root = whole(&root)?;
    let layout = Layout::of(text, root);
    let Some(servers) = property(root, row.section)? else {
        let section = |indent: Option<&str>| layout.section(row, entry, indent);
        return Ok(layout.inserted(text, root, row.section, &section));
    };
    let servers = object(&servers.value, row.section)?;
    let Some(old) = property(servers, &entry.name)? else {
        let new = |indent: Option<&str>| layout.entry(row, entry, indent);
        return Ok(layout.inserted(text, servers, &entry.name, &new));
    };
    let (place, command) = start(ours(old, entry)?)?;
    let said = property(place, "args")?.and_then(|found| found.value.as_array());
    let said = said.map(|said| {
        let said = said.elements.iter();
        let said = said.map(|one| one.as_string_lit().map(|one| &*one.value));
        said.collect::<Vec<Option<&str>>>()
    });
    let arguments = entry.arguments_instead_of(said.as_deref());
    // What else a person wrote into the entry, such as `env`, stays.
    for (field, value) in [
        (command, Some(Value::from(entry.command.as_str()))),
        ("args", arguments.map(Value::from)),
    ] {
        let Some(value) = value else {
            continue;
        };
        let changed = match property(place, field)? {
            Some(found) if Value::from(found.value.clone()) == value => continue,
            Some(found) => spliced(text, bytes(&found.value), &written(&value)),
            None => layout.inserted(text, place, field, &|_| written(&value)),
        };
        return set(&changed, row, entry);
    }
    Ok(text.to_owned())
}

fn unset(text: &str, row: &Row, entry: &Entry) -> Result<String, String> {
    let Some(root) = parsed(text)? else {
        return Ok(text.to_owned());
    };
    let root = whole(&root)?;
    let Some(servers) = property(root, row.section)? else {
        return Ok(text.to_owned());
    };
    let servers = object(&servers.value, row.section)?;
    let Some(old) = property(servers, &entry.name)? else {
        return Ok(text.to_owned());
    };
    ours(old, entry)?;
    Ok(cut_out(text, servers, old))
}

/// What the text says; `None` where it says nothing, beside comments.
fn parsed(text: &str) -> Result<Option<Node<'_>>, String> {
    let options = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    match parse_to_ast(text, &CollectOptions::default(), &options) {
        Ok(parsed) => Ok(parsed.value),
        // The parser's own words would quote the file.
        Err(error) => {
            let before = &text[..error.range().start];
            let line = before.matches('\n').count() + 1;
            Err(format!("it is not valid JSON (line {line})"))
        }
    }
}

/// The object that a whole file is.
fn whole<'a, 'b>(root: &'b Node<'a>) -> Result<&'b Object<'a>, String> {
    let found = root.as_object();
    found.ok_or_else(|| "the file is not a JSON object".to_owned())
}

fn object<'a, 'b>(node: &'b Node<'a>, what: &str) -> Result<&'b Object<'a>, String> {
    let found = node.as_object();
    found.ok_or_else(|| format!("`{what}` is not a JSON object"))
}

/// The fields of our entry.
fn ours<'a, 'b>(found: &'b ObjectProp<'a>, entry: &Entry) -> Result<&'b Object<'a>, String> {
    let fields = object(&found.value, &entry.name)?;
    let has = |name: &str| {
        fields
            .properties
            .iter()
            .any(|field| field.name.as_str() == name)
    };
    let (place, command) = start(fields)?;
    let command = property(place, command)?.and_then(|found| found.value.as_string_lit());
    refuse_another(entry, has, command.map(|command| &*command.value))?;
    Ok(fields)
}

/// Where an entry says how its server is started, and which field there has the
/// program. Older versions of Zed have it in an object below `command`.
fn start<'a, 'b>(fields: &'b Object<'a>) -> Result<(&'b Object<'a>, &'static str), String> {
    let command = property(fields, "command")?;
    let Some(nested) = command.and_then(|command| command.value.as_object()) else {
        return Ok((fields, "command"));
    };
    Ok(match property(nested, "path")? {
        Some(_) => (nested, "path"),
        None => (fields, "command"),
    })
}

/// A property that there is once. Which of two counts is for each client to say.
fn property<'a, 'b>(
    object: &'b Object<'a>,
    name: &str,
) -> Result<Option<&'b ObjectProp<'a>>, String> {
    let mut found = object
        .properties
        .iter()
        .filter(|one| one.name.as_str() == name);
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(format!("`{name}` is there twice")),
        (one, None) => Ok(one),
    }
}

/// How the lines of a file are written.
struct Layout {
    newline: &'static str,
    /// One step to the right.
    step: String,
}

impl Default for Layout {
    fn default() -> Self {
        Layout {
            newline: "\n",
            step: "  ".to_owned(),
        }
    }
}

impl Layout {
    fn of(text: &str, root: &Object) -> Layout {
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let first = root.properties.first();
        let step = first.map_or("", |first| indentation(text, first.range.start));
        Layout {
            newline,
            step: if step.is_empty() { "  " } else { step }.to_owned(),
        }
    }

    /// An object in lines, its end as far to the right as said, or in one line.
    fn object(&self, fields: &[(&str, String)], indent: Option<&str>) -> String {
        let fields = fields
            .iter()
            .map(|(name, value)| format!("{}: {value}", quoted(name)));
        let fields: Vec<_> = fields.collect();
        let Some(indent) = indent else {
            return format!("{{{}}}", fields.join(", "));
        };
        let start = format!("{}{indent}{}", self.newline, self.step);
        let fields = fields.join(&format!(",{start}"));
        format!("{{{start}{fields}{}{indent}}}", self.newline)
    }

    /// Our entry.
    fn entry(&self, row: &Row, entry: &Entry, indent: Option<&str>) -> String {
        let fields = entry.fields(row);
        let fields = fields.iter().map(|(name, value)| (*name, written(value)));
        self.object(&fields.collect::<Vec<_>>(), indent)
    }

    /// The object of all servers, with ours alone.
    fn section(&self, row: &Row, entry: &Entry, indent: Option<&str>) -> String {
        let deeper = indent.map(|indent| format!("{indent}{}", self.step));
        let ours = self.entry(row, entry, deeper.as_deref());
        self.object(&[(&entry.name, ours)], indent)
    }

    /// The text with a property more, before the others: nothing that follows,
    /// such as a comment or a last comma, is moved away from where it belongs.
    fn inserted(
        &self,
        text: &str,
        object: &Object,
        name: &str,
        value: &dyn Fn(Option<&str>) -> String,
    ) -> String {
        let newline = self.newline;
        let property = |indent| format!("{}: {}", quoted(name), value(indent));
        let inside = object.range.start + 1..object.range.end - 1;
        let Some(first) = object.properties.first().map(|first| first.range.start) else {
            let outer = indentation(text, object.range.start);
            let indent = format!("{outer}{}", self.step);
            let lines = format!("{newline}{indent}{}", property(Some(&indent)));
            return match text[inside.clone()].trim().is_empty() {
                true => spliced(text, inside, &format!("{lines}{newline}{outer}")),
                false => spliced(text, inside.start..inside.start, &lines),
            };
        };
        let before_first = &text[inside.start..first];
        let Some(end_of_line) = before_first.find('\n') else {
            return spliced(text, first..first, &format!("{}, ", property(None)));
        };
        let indent = indentation(text, first);
        // A comment behind the brace stays there, unless it goes on in the next line.
        let at = match before_first.contains("/*") {
            true => inside.start,
            false => inside.start + before_first[..end_of_line].trim_end_matches('\r').len(),
        };
        let lines = format!("{newline}{indent}{},", property(Some(indent)));
        spliced(text, at..at, &lines)
    }
}

/// The text without one property, and without the comma that only it needs.
fn cut_out(text: &str, object: &Object, entry: &ObjectProp) -> String {
    let comma_after = |end: usize| {
        let at = after_comments(text, end);
        text[at..].starts_with(',').then_some(at)
    };
    let is_last = object.properties.last() == Some(entry);
    let previous = object.properties.iter().rev();
    let previous = previous.skip_while(|one| *one != entry).nth(1);
    let comma = comma_after(entry.range.end);
    let end = comma.map_or(entry.range.end, |comma| comma + 1);
    let mut cut = spliced(text, whole_lines(text, entry.range.start..end), "");
    if let (true, None, Some(previous)) = (is_last, comma, previous)
        && let Some(comma) = comma_after(previous.range.end)
    {
        cut = spliced(&cut, comma..comma + 1, "");
    }
    let rest = text.len() - cut.len();
    let inside = object.range.start + 1..object.range.end - 1 - rest;
    match object.properties.len() == 1 && cut[inside.clone()].trim().is_empty() {
        true => spliced(&cut, inside, ""),
        false => cut,
    }
}

/// The lines of a piece of text where nothing else is in them; or else the piece
/// and the blanks behind it.
fn whole_lines(text: &str, piece: Range<usize>) -> Range<usize> {
    let start = text[..piece.start].rfind('\n').map_or(0, |at| at + 1);
    let behind = &text[piece.end..];
    let end = behind.find('\n').map(|at| piece.end + at + 1);
    let is_blank = |piece: Range<usize>| text[piece].trim().is_empty();
    match end {
        Some(end) if is_blank(start..piece.start) && is_blank(piece.end..end) => start..end,
        _ => piece.start..text.len() - behind.trim_start_matches([' ', '\t']).len(),
    }
}

/// The place of the next text that is neither blank nor a comment.
fn after_comments(text: &str, mut at: usize) -> usize {
    loop {
        let rest = text[at..].trim_start();
        at = text.len() - rest.len();
        let comment = match rest.get(..2) {
            Some("//") => rest.find('\n'),
            Some("/*") => rest.find("*/").map(|end| end + 2),
            _ => return at,
        };
        at += comment.unwrap_or(rest.len());
    }
}

/// The blanks at the start of the line of a place.
fn indentation(text: &str, at: usize) -> &str {
    let start = text[..at].rfind('\n').map_or(0, |at| at + 1);
    let line = &text[start..at];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

fn bytes(node: &Node) -> Range<usize> {
    node.range().start..node.range().end
}

fn spliced(text: &str, range: Range<usize>, new: &str) -> String {
    format!("{}{new}{}", &text[..range.start], &text[range.end..])
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A value in one line, in the way people write it.
fn written(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(Value::to_string).collect();
            format!("[{}]", items.join(", "))
        }
        value => value.to_string(),
    }
}
