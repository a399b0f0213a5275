//! CSV, as spreadsheets write it.

use csv::{Position, ReaderBuilder, StringRecord, WriterBuilder};

use crate::ops::import::files::cell::Cells;
use crate::ops::import::files::header::{Problem, is_number};
use crate::ops::import::files::quotes::Quotes;
use crate::ops::import::files::{COLUMNS, DOMAIN, Defaults, UNTIL, VipFile, unusable};
use skyswitch_domain::Vip;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::redact::shown;

/// In front of a cell, it makes a spreadsheet take the rest as text.
const TEXT_MARK: char = '\'';

/// Reads rows under a header.
pub(in crate::ops) fn read(text: &str, defaults: &Defaults, file: &mut VipFile) -> Result<()> {
    let (separator, body, lines_before) = after_separator_line(text);
    let Some(header) = body.lines().find(|line| !line.trim().is_empty()) else {
        return Ok(());
    };
    let separator = separator.unwrap_or_else(|| separator_of(header));
    let mut reader = ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .flexible(true)
        .from_reader(body.as_bytes());
    let mut columns = None;
    let mut record = StringRecord::new();
    let quotes = Quotes::of(body, separator);
    loop {
        let start = place(reader.position());
        let more = reader.read_record(&mut record);
        if !more.map_err(|_| unusable("is not CSV", "Save it as CSV (UTF-8)."))? {
            return Ok(());
        }
        let line = lines_before + line_of(&record, body);
        let written = body
            .get(start..place(reader.position()))
            .unwrap_or_default();
        let swallowed = quotes.swallow(written.trim_matches('\n'), line, columns.as_deref());
        match (&columns, swallowed) {
            (None, Some(reason)) => {
                return Err(Problem::Unreadable(&reason).in_header(&[]));
            }
            (None, None) => columns = Some(header_columns(&record, defaults, file)?),
            (Some(columns), Some(reason)) => {
                file.refuse(line, &caller_of(&record, columns), reason);
            }
            (Some(columns), None) => add_row(line, &record, columns, defaults, file),
        }
    }
}

fn place(position: &Position) -> usize {
    usize::try_from(position.byte()).unwrap_or(0)
}

/// Excel writes `sep=;` in front of the header.
fn after_separator_line(text: &str) -> (Option<u8>, &str, usize) {
    let first = text.lines().next().unwrap_or_default();
    let named = first
        .trim()
        .trim_matches('"')
        .strip_prefix("sep=")
        .map(str::as_bytes);
    match named {
        Some([separator]) => {
            let body = text.get(first.len()..).unwrap_or_default();
            let body = body.strip_prefix('\n').unwrap_or(body);
            (Some(*separator), body, 1)
        }
        _ => (None, text, 0),
    }
}

fn separator_of(header: &str) -> u8 {
    let count = |separator: &u8| header.bytes().filter(|b| b == separator).count();
    // A comma wins where none of them occurs: one column needs no separator.
    [b'\t', b';', b',']
        .into_iter()
        .max_by_key(count)
        .unwrap_or(b',')
}

/// The line a record begins on. The reader counts blank lines in front of a
/// record as part of it.
fn line_of(record: &StringRecord, text: &str) -> usize {
    let Some(position) = record.position() else {
        return 0;
    };
    let start = usize::try_from(position.byte()).unwrap_or(0);
    let blank = text
        .get(start..)
        .unwrap_or_default()
        .bytes()
        .take_while(|byte| *byte == b'\n')
        .count();
    usize::try_from(position.line()).unwrap_or(0) + blank
}

/// Which column of the list each column of the file is; `None` for others.
fn header_columns(
    record: &StringRecord,
    defaults: &Defaults,
    file: &mut VipFile,
) -> Result<Vec<Option<&'static str>>> {
    let names: Vec<String> = record.iter().map(plain).collect();
    if names.iter().any(|name| is_number(name)) {
        return Err(Problem::HoldsNumber.in_header(&names));
    }
    let is_named = |header: &str| names.iter().any(|name| name.eq_ignore_ascii_case(header));
    if let Some(missing) = defaults
        .columns
        .iter()
        .find(|given| !is_named(&given.header))
    {
        return Err(Problem::NotThere(missing).in_header(&names));
    }
    let mut columns = Vec::new();
    let mut unknown = Vec::new();
    for name in &names {
        let known = column_of(name, defaults);
        if known.is_some() && columns.contains(&known) {
            return Err(Problem::Twice(name).in_header(&names));
        }
        if known.is_none() && !name.is_empty() {
            unknown.push(format!("`{}`", shown(name, 40)));
        }
        columns.push(known);
    }
    let has = |column| columns.contains(&Some(column));
    if !has("ani") {
        return Err(Problem::Missing("ani").in_header(&names));
    }
    if !has("destination") && defaults.destination.is_none() {
        return Err(Problem::Missing("destination").in_header(&names));
    }
    if !unknown.is_empty() {
        file.warnings.push(format!(
            "columns that a VIP list does not have are ignored: {}",
            unknown.join(", ")
        ));
    }
    Ok(columns)
}

/// The column of the list that a column of the file is.
fn column_of(header: &str, defaults: &Defaults) -> Option<&'static str> {
    let is_column = |name: &str| header.eq_ignore_ascii_case(name);
    let mapped = defaults
        .columns
        .iter()
        .find(|given| is_column(&given.header));
    let is_mapped_otherwise =
        |column: &&str| defaults.columns.iter().any(|given| given.column == *column);
    match mapped {
        Some(given) => Some(given.column),
        None => COLUMNS
            .into_iter()
            .filter(|column| !is_mapped_otherwise(column))
            .chain([DOMAIN, UNTIL])
            .find(|column| is_column(column)),
    }
}

/// What a record that cannot be taken apart says of the caller.
fn caller_of(record: &StringRecord, columns: &[Option<&str>]) -> String {
    let ani = columns.iter().position(|column| *column == Some("ani"));
    let cell = ani.and_then(|index| record.get(index)).map(plain);
    let cell = cell.unwrap_or_default();
    shown(cell.lines().next().unwrap_or_default(), 60)
}

fn add_row(
    line: usize,
    record: &StringRecord,
    columns: &[Option<&str>],
    defaults: &Defaults,
    file: &mut VipFile,
) {
    let mut cells = Cells::default();
    let mut beyond = 0;
    for (index, cell) in record.iter().enumerate() {
        match columns.get(index) {
            Some(Some(column)) => {
                if let Some(place) = cells.cell(column) {
                    *place = plain(cell);
                }
            }
            Some(None) => {}
            None => beyond += usize::from(!plain(cell).is_empty()),
        }
    }
    if beyond > 0 {
        let given = shown(&cells.ani, 60);
        let reason = format!(
            "the row has {} fields and the header names {}; put fields that hold the separator in quotes",
            record.len(),
            columns.len()
        );
        file.refuse(line, &given, reason);
    } else if record.iter().any(|cell| !plain(cell).is_empty()) {
        file.add(line, cells, defaults);
    }
}

/// A cell without what a spreadsheet puts around numbers to keep them text:
/// `'6165550123` and `="6165550123"`.
fn plain(cell: &str) -> String {
    if let Some(text) = cell.trim_start().strip_prefix(TEXT_MARK) {
        return text.to_owned();
    }
    let trimmed = cell.trim();
    let formula = trimmed
        .strip_prefix("=\"")
        .and_then(|rest| rest.strip_suffix('"'));
    formula.unwrap_or(trimmed).trim().to_owned()
}

/// Writes rules under the header, with a column of last days where a rule has one.
pub(in crate::ops) fn write(vips: &[Vip]) -> Result<String> {
    let mut writer = WriterBuilder::new().from_writer(Vec::new());
    let failed = || {
        Error::internal(
            "the list could not be written as CSV",
            "Please report this as a bug.",
        )
    };
    let until = vips.iter().any(|vip| vip.until.is_some()).then_some(UNTIL);
    let header = COLUMNS.into_iter().chain(until);
    writer.write_record(header).map_err(|_| failed())?;
    for vip in vips {
        let cells = [
            vip.ani.as_str(),
            &vip.destination,
            &vip.application,
            vip.dnis.as_deref().unwrap_or_default(),
            vip.note.as_deref().unwrap_or_default(),
        ];
        let last_day = until.map(|_| vip.until.as_deref().unwrap_or_default());
        let cells = cells.into_iter().chain(last_day).map(marked);
        writer.write_record(cells).map_err(|_| failed())?;
    }
    let bytes = writer.into_inner().map_err(|_| failed())?;
    String::from_utf8(bytes).map_err(|_| failed())
}

/// A cell that comes back as it is: a spreadsheet takes nothing in it for a
/// formula, and nothing around it is trimmed away.
pub(crate) fn marked(cell: &str) -> String {
    let needs_mark = cell.starts_with(['=', '+', '-', '@', TEXT_MARK]) || cell.trim() != cell;
    match needs_mark {
        true => format!("{TEXT_MARK}{cell}"),
        false => cell.to_owned(),
    }
}
