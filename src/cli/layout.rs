//! How results are laid out: tables, blocks, plain lines or CSV, and texts
//! wrapped at the width of the terminal.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width};
use console::{Term, measure_text_width};

use crate::config::process_environment;
use crate::ops::import::files::marked;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::wording::counted;

/// Below this, there is no room for a table.
const NARROW: usize = 80;

/// What `--format` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// A table with lines, or blocks at a terminal that has no room for it; the default at a terminal
    Table,
    /// Aligned columns without lines; the default where the output is piped
    Plain,
    /// Lists as CSV with a header
    Csv,
    /// One JSON document, as with `--json`
    Json,
}

/// How wide the terminal is; `None` where it is none.
pub(super) fn width(terminal: &Term) -> Option<usize> {
    if !terminal.is_term() {
        return None;
    }
    let measured = terminal.size_checked();
    let measured = measured.map(|(_, columns)| usize::from(columns));
    let told = || process_environment("COLUMNS")?.trim().parse::<usize>().ok();
    let known = measured.or_else(told).filter(|columns| *columns > 0);
    Some(known.unwrap_or(NARROW))
}

/// The text with its long lines broken between words, each indented as its
/// beginning, or to its last column where it has columns. Lines of tables are
/// left as they are.
pub(super) fn wrapped(text: &str, width: Option<usize>) -> String {
    let Some(width) = width else {
        return text.to_owned();
    };
    let lines = text.split('\n').map(|line| match line.chars().next() {
        Some('┌' | '│' | '├' | '└' | '╞') => line.to_owned(),
        _ => wrapped_line(line, width),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn wrapped_line(line: &str, width: usize) -> String {
    if measure_text_width(line) <= width {
        return line.to_owned();
    }
    let content = line.trim_start_matches(' ');
    let mut indent = line.len() - content.len();
    if let Some(gap) = content.rfind("  ") {
        let (columns, last) = content.split_at(gap + 2);
        let column = indent + measure_text_width(columns);
        let longest = last.split(' ').map(measure_text_width).max();
        if column + longest.unwrap_or(0) <= width {
            indent = column;
        }
    }
    let mut text = line[..line.len() - content.len()].to_owned();
    let mut column = text.len();
    for (place, word) in content.split(' ').enumerate() {
        let length = measure_text_width(word);
        match place {
            0 => {}
            _ if column + 1 + length > width => {
                text.truncate(text.trim_end().len());
                text.push_str(&format!("\n{:indent$}", ""));
                column = indent;
            }
            _ => {
                text.push(' ');
                column += 1;
            }
        }
        text.push_str(word);
        column += length;
    }
    text
}

/// A list for people: rows of cells, and what is said before and after them.
pub(super) struct Listing {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
    pub before: String,
    /// What is said where there are no rows.
    pub none: &'static str,
    /// How many rows there are, and what comes next.
    pub after: String,
    /// The rows in words, where columns would be too many for a person.
    pub told: Vec<String>,
    /// Warnings, which whoever reads the rows alone must see, too.
    pub worth_a_look: String,
}

struct Column {
    name: &'static str,
    /// What an empty cell means where others of its column say something.
    blank: &'static str,
    is_shown: bool,
    /// Whether it is left out where the others have no room.
    is_spare: bool,
}

impl Listing {
    pub fn new(names: &[&'static str], none: &'static str) -> Listing {
        let column = |name: &&'static str| Column {
            name,
            blank: "",
            is_shown: true,
            is_spare: false,
        };
        Listing {
            columns: names.iter().map(column).collect(),
            rows: Vec::new(),
            before: String::new(),
            none,
            after: String::new(),
            told: Vec::new(),
            worth_a_look: String::new(),
        }
    }

    /// What an empty cell of a column means.
    #[must_use]
    pub fn blank(mut self, name: &str, blank: &'static str) -> Listing {
        let named = self.columns.iter_mut().filter(|column| column.name == name);
        named.for_each(|column| column.blank = blank);
        self
    }

    /// Leaves out a column that says the same in each row, as the question did.
    #[must_use]
    pub fn without(mut self, name: &str, is_told: bool) -> Listing {
        let named = self.columns.iter_mut().filter(|column| column.name == name);
        named.for_each(|column| column.is_shown = !is_told);
        self
    }

    /// Leaves out a column in a table that has no room for it.
    #[must_use]
    pub fn spare(mut self, name: &str) -> Listing {
        let named = self.columns.iter_mut().filter(|column| column.name == name);
        named.for_each(|column| column.is_spare = true);
        self
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Says how many rows there are in all, where there are any.
    pub fn count(&mut self, total: usize, of: &str) {
        if !self.rows.is_empty() {
            self.after = counted(total, of);
        }
    }

    /// As text: in lines, or in whatever a terminal of that width has room for.
    pub fn text(&self, format: Format, width: Option<usize>) -> String {
        let after = append(
            self.worth_a_look.trim_start().to_owned(),
            self.after.trim_start(),
        );
        if self.rows.is_empty() {
            return append(format!("{}{}", self.before, self.none), &after);
        }
        if !self.told.is_empty() {
            return append(self.told.join("\n"), &after);
        }
        let shown: Vec<usize> = (0..self.columns.len())
            .filter(|at| self.says_something(*at))
            .collect();
        let rows = match (format, width) {
            (Format::Table, None) => self.table(&shown, None),
            (Format::Table, Some(width)) => match self.fitting(&shown, width) {
                Some(fitting) => self.table(&fitting, Some(width)),
                None => self.blocks(&shown),
            },
            _ => self.lines(&shown),
        };
        append(format!("{}{rows}", self.before), &after)
    }

    /// Every column, and nothing else. A spreadsheet takes no cell for a formula.
    ///
    /// # Errors
    /// `internal` where it cannot be written.
    pub fn csv(&self) -> Result<String> {
        let write = || -> std::result::Result<String, Box<dyn std::error::Error>> {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(self.columns.iter().map(|column| column.name))?;
            for row in &self.rows {
                writer.write_record(row.iter().map(|cell| marked(cell)))?;
            }
            Ok(String::from_utf8(writer.into_inner()?)?)
        };
        write().map_err(|error| {
            Error::internal(
                format!("the list could not be written as CSV: {error}"),
                "Please report this as a bug.",
            )
        })
    }

    fn says_something(&self, at: usize) -> bool {
        let filled = |row: &Vec<String>| row.get(at).is_some_and(|cell| !cell.is_empty());
        self.columns[at].is_shown && self.rows.iter().any(filled)
    }

    fn cells<'a>(&'a self, row: &'a [String], shown: &'a [usize]) -> impl Iterator<Item = &'a str> {
        shown
            .iter()
            .map(|at| match row.get(*at).map(String::as_str) {
                None | Some("") => self.columns[*at].blank,
                Some(cell) => cell,
            })
    }

    fn names(&self, shown: &[usize]) -> Vec<&'static str> {
        shown.iter().map(|at| self.columns[*at].name).collect()
    }

    /// The columns of a table that cuts no word into pieces; `None` where there
    /// is no room for one.
    fn fitting(&self, shown: &[usize], width: usize) -> Option<Vec<usize>> {
        let spare = |at: &usize| self.columns[*at].is_spare;
        let fewer = shown.iter().copied().filter(|at| !spare(at)).collect();
        let fits = |columns: &Vec<usize>| {
            let least: usize = self.least_widths(columns).iter().sum();
            // Each column has a line and two blanks, and there is a last line.
            width >= NARROW && least + 3 * columns.len() < width
        };
        [shown.to_vec(), fewer].into_iter().find(fits)
    }

    /// How wide each column has to be. Names and numbers come first, and nobody
    /// can read them in pieces; of the others it is the longest word.
    fn least_widths(&self, shown: &[usize]) -> Vec<usize> {
        let names = self.names(shown);
        let rows = self.rows.iter().map(|row| self.cells(row, shown).collect());
        let lines: Vec<Vec<&str>> = std::iter::once(names).chain(rows).collect();
        let needs = |at: usize, cell: &str| match at {
            0 => measure_text_width(cell),
            _ => cell.split(' ').map(measure_text_width).max().unwrap_or(0),
        };
        let least = |at: usize| lines.iter().map(|line| needs(at, line[at])).max();
        (0..shown.len()).filter_map(least).collect()
    }

    fn table(&self, shown: &[usize], width: Option<usize>) -> String {
        let mut table = Table::new();
        let names = self.names(shown);
        table.load_style(UTF8_FULL_CONDENSED).set_header(names);
        for row in &self.rows {
            table.add_row(self.cells(row, shown).collect::<Vec<_>>());
        }
        if let Some(width) = width {
            let short = |width| u16::try_from(width).unwrap_or(u16::MAX);
            table
                .set_content_arrangement(ContentArrangement::Dynamic)
                .set_width(short(width));
            // With the blanks at both sides.
            let least = self.least_widths(shown).into_iter();
            let least = least.map(|least| Width::Fixed(short(least + 2)));
            table.set_constraints(least.map(ColumnConstraint::LowerBoundary));
        }
        if let Some(first) = table.column_mut(0) {
            first.set_constraint(ColumnConstraint::ContentWidth);
        }
        table.to_string()
    }

    /// A block of `Column: value` for each row.
    fn blocks(&self, shown: &[usize]) -> String {
        let names = self.names(shown);
        let block = |row: &Vec<String>| {
            let cells = names.iter().zip(self.cells(row, shown));
            let filled = cells.filter(|(_, cell)| !cell.is_empty());
            filled
                .map(|(name, cell)| format!("{name}: {cell}\n"))
                .collect::<String>()
        };
        self.rows.iter().map(|row| block(row) + "\n").collect()
    }

    fn lines(&self, shown: &[usize]) -> String {
        let header = self.names(shown);
        let rows = self.rows.iter().map(|row| self.cells(row, shown).collect());
        let lines: Vec<Vec<&str>> = std::iter::once(header).chain(rows).collect();
        let widest = |at: usize| lines.iter().map(|line| measure_text_width(line[at])).max();
        let widths: Vec<usize> = (0..shown.len()).filter_map(widest).collect();
        let line = |cells: &Vec<&str>| {
            let pad = |(cell, width): (&&str, &usize)| {
                let gap = width.saturating_sub(measure_text_width(cell)) + 2;
                format!("{cell}{:gap$}", "")
            };
            let padded: String = cells.iter().zip(&widths).map(pad).collect();
            padded.trim_end().to_owned()
        };
        lines.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

fn append(mut text: String, more: &str) -> String {
    if !more.is_empty() {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(more);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_between_words_and_keep_their_indent() {
        let text = "  one two three four\n│ a table is left alone │\nshort";
        assert_eq!(
            wrapped(text, Some(12)),
            "  one two\n  three four\n│ a table is left alone │\nshort"
        );
        assert_eq!(wrapped(text, None), text);
    }

    #[test]
    fn what_is_laid_out_in_columns_goes_on_below_its_last_one() {
        let text = "ok     config   one two three";
        assert_eq!(
            wrapped(text, Some(22)),
            "ok     config   one\n                two\n                three"
        );
        let text = "ok     config   averyveryverylongword";
        assert_eq!(
            wrapped(text, Some(22)),
            "ok     config\naveryveryverylongword"
        );
    }
}
