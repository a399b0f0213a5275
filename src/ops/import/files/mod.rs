//! VIP lists as files: CSV from spreadsheets, JSON, and contacts exported as
//! vCard. Reads form only; what a row means for the present rules is
//! decided where it is planned.

mod behind;
mod cell;
mod csv;
mod element;
mod header;
mod json;
mod quotes;
mod text;
mod vcard;

use std::collections::HashSet;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ops::vips::notes::{LIMIT, in_one_line};
use cell::Cells;
pub(crate) use csv::marked;
use skyswitch_domain::error::{Error, Refused};
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::first_few;
use skyswitch_domain::{
    Application, Argument, CallerKey, Destination, DestinationKey, DnisKey, Route, RouteKey, Vip,
};

/// The columns of a list.
pub const COLUMNS: [&str; 5] = ["ani", "destination", "application", "dnis", "note"];

/// Beside them, a rule that was listed names its domain.
const DOMAIN: &str = "domain";
/// And its last day, where it has one.
const UNTIL: &str = "until";

/// A larger file is no VIP list.
const LARGEST: usize = 64 * 1024 * 1024;
/// Lines that are named in one sentence.
const LINES_NAMED: usize = 20;

/// The form of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Format {
    /// Rows with the header `ani,destination,application,dnis,note`
    Csv,
    /// An array of objects with those keys, or what `vip list --json` prints
    Json,
    /// Contacts
    Vcard,
}

/// What rows that do not say are given.
#[derive(Debug, Clone, Default)]
pub struct Defaults {
    /// Where the calls go.
    pub destination: Option<DestinationKey>,
    /// What kind of thing that is.
    pub application: Option<Application>,
    /// The names that the header has for columns of the list.
    pub columns: Vec<ColumnName>,
}

/// What a column of the list is called in a file: `ani=Phone Number`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnName {
    column: &'static str,
    header: String,
}

impl FromStr for ColumnName {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let (column, header) = text.split_once('=').unwrap_or((text, ""));
        let known = COLUMNS
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(column.trim()));
        match (known, header.trim()) {
            (Some(column), header) if !header.is_empty() => Ok(ColumnName {
                column,
                header: header.to_owned(),
            }),
            _ => Err(Refused::new(
                text,
                "does not name a column",
                format!(
                    "give a column of the list and its name in the header, such as `ani=Phone Number`; the columns are {}",
                    COLUMNS.join(", ")
                ),
            )),
        }
    }
}

/// One row in good form.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    /// Where it is: the line of a CSV row or of a contact's number, the position
    /// of a JSON element; from 1.
    pub line: usize,
    /// The caller: a number in any writing, or a stored value as listed.
    pub ani: CallerKey,
    /// The called number it is limited to; `None` for any.
    pub dnis: Option<DnisKey>,
    /// The destination, as written.
    pub destination: String,
    /// `user`, `device` or `literal`, as written.
    pub application: Option<String>,
    /// A remark of whoever wrote the list; at most 200 characters.
    pub note: Option<String>,
    /// The domain it was written for, where it says so.
    pub domain: Option<String>,
    /// The last day of the rule, where it says so: `2026-12-25`.
    #[serde(default)]
    pub until: Option<String>,
    /// Whether caller, dialled number and destination are those of a rule as the
    /// service stored it, and are to be stored so again.
    #[serde(default)]
    pub as_stored: bool,
    /// The name that the list has in place of the destination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Box<str>>,
}

impl Row {
    /// A rule that is to exist exactly as it is given.
    pub(in crate::ops) fn of_rule(line: usize, rule: &Route) -> Result<Row, Refused> {
        let dnis = rule.key.dnis.to_send();
        Ok(Row {
            line,
            ani: rule.key.ani.as_str().parse()?,
            dnis: dnis.map(str::parse).transpose()?,
            destination: rule.destination.as_str().to_owned(),
            application: Some(rule.application.as_str().to_owned()),
            note: None,
            domain: None,
            until: None,
            as_stored: true,
            name: None,
        })
    }

    /// Whether it is about that rule, wherever it leads.
    pub(in crate::ops) fn is_of(&self, key: &RouteKey) -> bool {
        let is_dialled = match &self.dnis {
            None => key.dnis.is_any(),
            Some(dnis) => dnis.matches(&key.dnis),
        };
        is_dialled && self.ani.matches(&key.ani)
    }

    /// Whether exactly this rule is asked for.
    pub(in crate::ops) fn asks_for(&self, rule: &Route) -> bool {
        let given = self
            .application
            .as_deref()
            .map(str::parse::<Application>)
            .transpose();
        let destination = Destination::from_stored(&self.destination);
        let application = given.and_then(|given| destination.application(given));
        let is_destination = application.is_ok_and(|application| {
            rule.same_destination(&Route {
                application,
                destination,
                ..rule.clone()
            })
        });
        self.is_of(&rule.key) && is_destination
    }
}

/// A row that cannot be used.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BadRow {
    /// As in [`Row`].
    pub line: usize,
    /// What it says of the caller, fit to be shown.
    pub given: String,
    /// What is wrong with it, and the remedy.
    pub reason: String,
    /// The row itself, where nothing is wrong with it if exactly that rule
    /// exists already: what is exported can be odd, and must come back.
    pub row: Option<Row>,
}

/// A list as it was read. As JSON it is kept with an import, which may have to
/// be planned again.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct VipFile {
    /// Rows in good form, in their order.
    pub rows: Vec<Row>,
    /// Rows that cannot be used.
    pub bad: Vec<BadRow>,
    /// Things worth a second look.
    pub warnings: Vec<String>,
    /// Rules that are to be removed.
    #[serde(default)]
    pub removed: Vec<Row>,
    /// Rules that stay as they are and of which only the note is to be this one, or none.
    #[serde(default)]
    pub noted: Vec<Row>,
    /// Whose names destinations were: `"Maya" is Maya Lindgren (101)`.
    #[serde(default)]
    pub named: Vec<String>,
    /// Whether it is the list of another customer.
    #[serde(default)]
    pub is_copied: bool,
    /// Lines of which only the beginning of the note is kept.
    #[serde(skip)]
    pub cut_notes: Vec<usize>,
}

/// Reads a list. Its form is seen from its content unless it is given.
///
/// # Errors
/// `invalid_argument` for what concerns the whole list: it is empty, too
/// large, no text, or has no usable header. Single rows are reported in
/// [`VipFile::bad`].
pub fn read(bytes: &[u8], format: Option<Format>, defaults: &Defaults) -> Result<VipFile, Error> {
    if bytes.len() > LARGEST {
        return Err(unusable(
            "is larger than 64 MiB",
            "Give a list of callers only.",
        ));
    }
    let bytes = text::without_mark(bytes)?;
    let mut file = VipFile::default();
    let format = format.unwrap_or_else(|| seen_in(&bytes));
    if !defaults.columns.is_empty() && format != Format::Csv {
        return Err(Error::invalid(
            "map",
            "only a CSV list has columns, so names for them would have no effect; nothing was sent",
            format!("Leave out {}.", Argument("map")),
        ));
    }
    header::refuse_two_meanings(&defaults.columns)?;
    match format {
        Format::Csv => csv::read(&text::decoded(&bytes)?, defaults, &mut file)?,
        Format::Json => json::read(&text::decoded(&bytes)?, defaults, &mut file)?,
        // Each line may be in a charset of its own.
        Format::Vcard => vcard::read(&bytes, defaults, &mut file)?,
    }
    if !file.cut_notes.is_empty() {
        file.warnings.push(format!(
            "of notes and names longer than {LIMIT} characters the beginning is kept: line {}",
            first_few(LINES_NAMED, &file.cut_notes)
        ));
    }
    if file.rows.is_empty() && file.bad.is_empty() {
        return Err(unusable(
            "has no rows",
            "Give at least one caller; an empty list is taken for a mistake.",
        ));
    }
    Ok(file)
}

/// Writes rules as a CSV list that [`read`] takes.
///
/// # Errors
/// `internal` when it cannot be written.
pub fn to_csv(vips: &[Vip]) -> Result<String, Error> {
    csv::write(vips)
}

/// Writes rules as a JSON list that [`read`] takes.
///
/// # Errors
/// `internal` when it cannot be written.
pub fn to_json(vips: &[Vip]) -> Result<String, Error> {
    json::write(vips)
}

fn seen_in(bytes: &[u8]) -> Format {
    const CONTACT: &[u8] = b"BEGIN:VCARD";
    let start = bytes.trim_ascii_start();
    let head = start.get(..CONTACT.len());
    if head.is_some_and(|head| head.eq_ignore_ascii_case(CONTACT)) {
        return Format::Vcard;
    }
    match start {
        [b'[' | b'{', ..] => Format::Json,
        _ => Format::Csv,
    }
}

impl VipFile {
    /// The list without the rows on these lines.
    #[must_use]
    pub fn without(&self, lines: &HashSet<usize>) -> VipFile {
        let mut list = self.clone();
        list.rows.retain(|row| !lines.contains(&row.line));
        list.bad.retain(|bad| !lines.contains(&bad.line));
        list
    }

    /// Enters what the cells of a row say.
    fn add(&mut self, line: usize, mut cells: Cells, defaults: &Defaults) {
        let note = in_one_line(&cells.note);
        if note.chars().count() > LIMIT {
            self.cut_notes.push(line);
        }
        if cells.note.chars().count() > LIMIT {
            cells.note = note;
        }
        let given = shown(&cells.ani, 60);
        match cells.row(line, defaults) {
            Ok((row, None)) => self.rows.push(row),
            Ok((row, Some(reason))) => self.bad.push(BadRow {
                line,
                given,
                reason,
                row: Some(row),
            }),
            Err(reason) => self.refuse(line, &given, reason),
        }
    }

    fn refuse(&mut self, line: usize, given: &str, reason: impl Into<String>) {
        self.bad.push(BadRow {
            line,
            given: given.to_owned(),
            reason: reason.into(),
            row: None,
        });
    }
}

fn unusable(problem: &str, remedy: &str) -> Error {
    Error::invalid(
        "list",
        format!("the list {problem}; nothing was sent"),
        remedy,
    )
}
