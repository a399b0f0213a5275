//! What changes in a file, in lines.

/// A line that is longer says nothing more to a person.
const WIDTH: usize = 160;

/// The lines that change, with one around them. A value that `is_ours` does not
/// know is left out.
pub(super) fn of(before: &str, after: &str, is_ours: &dyn Fn(&str) -> bool) -> String {
    let (old, new): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    let same = old.iter().zip(&new).take_while(|(old, new)| old == new);
    let start = same.count();
    let same = old[start..].iter().rev().zip(new[start..].iter().rev());
    let behind = same.take_while(|(old, new)| old == new).count();
    let mut lines = Vec::new();
    let mut add = |sign: &str, some: &[&str]| {
        let some = some
            .iter()
            .map(|line| format!("{sign} {}", shown(line, is_ours)));
        lines.extend(some);
    };
    add(" ", &new[start.saturating_sub(1)..start]);
    add("-", &old[start..old.len() - behind]);
    add("+", &new[start..new.len() - behind]);
    add(" ", &new[new.len() - behind..][..behind.min(1)]);
    lines.join("\n")
}

/// A line without the values that are not ours. What is in quotes and not a name
/// before `:` or `=` is a value, whatever else the line is.
fn shown(line: &str, is_ours: &dyn Fn(&str) -> bool) -> String {
    let mut shown = String::new();
    let mut rest = line;
    while let Some(start) = rest.find(['"', '\'']) {
        let quote = &rest[start..=start];
        let quoted = &rest[start + 1..];
        let end = end_of_quoted(quoted, quote);
        let text = &quoted[..end];
        let behind = quoted.get(end + 1..).unwrap_or_default();
        let is_name = behind.trim_start().starts_with([':', '=']);
        let kept = is_name || is_ours(&text.replace("\\\\", "\\"));
        shown += &rest[..start];
        shown += &format!("{quote}{}{quote}", if kept { text } else { "…" });
        rest = behind;
    }
    shown += rest;
    match shown.char_indices().nth(WIDTH) {
        Some((at, _)) => format!("{}…", &shown[..at]),
        None => shown,
    }
}

/// Where a quoted text ends; at the end of the line where nothing closes it.
fn end_of_quoted(text: &str, quote: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices() {
        if !is_escaped && quote.starts_with(c) {
            return at;
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    text.len()
}
