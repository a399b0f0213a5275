//! Quotation marks that are missing or too many: with them, one CSV row
//! swallows others, and a mirror would remove those as not wanted.

/// Fewer columns than this make no line look like a row by their number.
const TELLING_COLUMNS: usize = 3;

/// What is known of a whole file's quotation marks.
pub(in crate::ops) struct Quotes {
    separator: char,
    /// One is missing, or is too many, somewhere.
    are_odd: bool,
}

impl Quotes {
    pub fn of(text: &str, separator: u8) -> Quotes {
        Quotes {
            separator: char::from(separator),
            are_odd: text.matches('"').count() % 2 == 1,
        }
    }

    /// Why a record, as it is written from `line` on, may hold others.
    pub fn swallow(
        &self,
        written: &str,
        line: usize,
        columns: Option<&[Option<&str>]>,
    ) -> Option<String> {
        if let Some(offset) = self.text_after_closing(written) {
            return Some(format!(
                "line {} goes on after a closing quotation mark; write one that belongs to the text twice (\"\"), or take it out",
                line + offset
            ));
        }
        let last = written.matches('\n').count();
        if last > 0 && self.are_odd {
            return Some(format!(
                "the row goes on to line {}, and the list has an odd number of quotation marks, so one is opened and never closed, or is too many; correct that",
                line + last
            ));
        }
        let fields = columns.map_or(0, <[_]>::len);
        let row = (1..)
            .zip(written.split('\n').skip(1))
            .find(|(_, text)| self.looks_like_row(text, fields));
        row.map(|(offset, _)| {
            format!(
                "the row goes on to line {}, and line {} looks like a row of its own; a quotation mark may be missing or too many. Close it, or take the line breaks out of the text",
                line + last,
                line + offset
            )
        })
    }

    /// The line, counted from 0, on which a quoted field has text behind it.
    fn text_after_closing(&self, written: &str) -> Option<usize> {
        let mut line = 0;
        let mut at = At::Start;
        for character in written.chars() {
            line += usize::from(character == '\n');
            at = match (at, character) {
                (At::Start, '"') | (At::Closed, '"') => At::Quoted,
                (At::Quoted, '"') => At::Closed,
                (At::Quoted, _) => At::Quoted,
                (_, '\n') => At::Start,
                (_, character) if character == self.separator => At::Start,
                (At::Closed | At::Behind, ' ') => At::Behind,
                (At::Closed | At::Behind, _) => return Some(line),
                (At::Start | At::Plain, _) => At::Plain,
            };
        }
        None
    }

    fn looks_like_row(&self, text: &str, fields: usize) -> bool {
        let separators = text.matches(self.separator).count();
        let first = text.trim_start_matches([' ', '"', '\'', '=', '(', '+']);
        let begins_like_number = first.starts_with(|c: char| c.is_ascii_digit());
        let is_whole = fields >= TELLING_COLUMNS && separators + 1 >= fields;
        separators > 0 && (begins_like_number || is_whole)
    }
}

/// Where in a record a character is.
#[derive(Clone, Copy)]
enum At {
    /// At the beginning of a field.
    Start,
    /// In a field without quotes, where they are text.
    Plain,
    /// Between quotes.
    Quoted,
    /// Right behind a quote in a quoted field: the end, or half of two.
    Closed,
    /// Behind the closing quote and a space.
    Behind,
}
