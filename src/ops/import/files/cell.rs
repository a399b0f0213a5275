//! The cells of one row, and what is wrong with them.

use crate::ops::import::files::behind::{has_code, is_several_numbers};
use crate::ops::import::files::{DOMAIN, Defaults, Row, UNTIL};
use crate::ops::vips::notes::{LIMIT, end_of};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{Argument, CallerKey, Day, DnisKey, has_decimals};

/// What a row says, cell by cell; empty where it says nothing.
#[derive(Debug, Default)]
pub(in crate::ops) struct Cells {
    pub ani: String,
    pub destination: String,
    pub application: String,
    pub dnis: String,
    pub note: String,
    /// Whose rule it is; a list for one domain need not say.
    pub domain: String,
    /// The last day of the rule, where a list of rules has it.
    pub until: String,
}

impl Cells {
    /// The cell of a column.
    pub fn cell(&mut self, column: &str) -> Option<&mut String> {
        match column {
            "ani" => Some(&mut self.ani),
            "destination" => Some(&mut self.destination),
            "application" => Some(&mut self.application),
            "dnis" => Some(&mut self.dnis),
            "note" => Some(&mut self.note),
            DOMAIN => Some(&mut self.domain),
            UNTIL => Some(&mut self.until),
            _ => None,
        }
    }

    /// The row, and what speaks against it unless exactly that rule exists; or why
    /// it cannot be used at all.
    pub fn row(self, line: usize, defaults: &Defaults) -> Result<(Row, Option<String>), String> {
        let cells = [
            ("ani", &self.ani),
            ("destination", &self.destination),
            ("application", &self.application),
            ("dnis", &self.dnis),
        ];
        for (name, cell) in cells {
            if cell.contains('\n') {
                return Err(format!(
                    "`{name}` goes on over several lines; a quotation mark may be missing"
                ));
            }
        }
        if self.ani.is_empty() {
            return Err("`ani` is empty; give the caller's number, or take the row out".to_owned());
        }
        let ani: CallerKey = self.ani.parse().map_err(refusal)?;
        let dnis = match self.dnis.as_str() {
            "" | "*" => None,
            text => Some(text.parse::<DnisKey>().map_err(refusal)?),
        };
        let last_day = match self.until.as_str() {
            "" => None,
            text => Some(text.parse::<Day>().map_err(refusal)?),
        };
        let (destination, application) = self.destination(defaults);
        let objection = number_form("ani", &self.ani)
            .and_then(|()| number_form("dnis", &self.dnis))
            .and_then(|()| destination_form(&destination))
            .and_then(|()| leftover("application", &self.application))
            .and_then(|()| failed_formula("note", &self.note))
            // A rule that is there with a last day that is over was listed so.
            .and_then(|()| last_day.map_or(Ok(()), still_to_come))
            .err();
        let note: String = self.note.chars().take(LIMIT).collect();
        let row = Row {
            line,
            ani,
            dnis,
            destination,
            application,
            note: (!note.is_empty()).then_some(note),
            domain: (!self.domain.is_empty()).then_some(self.domain),
            until: (!self.until.is_empty()).then_some(self.until),
            as_stored: false,
            name: None,
        };
        Ok((row, objection))
    }

    fn destination(&self, defaults: &Defaults) -> (String, Option<String>) {
        let said = (!self.application.is_empty()).then(|| self.application.clone());
        match &defaults.destination {
            Some(destination) if self.destination.is_empty() => {
                let default = defaults.application.as_ref();
                let application = said.or_else(|| default.map(|word| word.as_str().to_owned()));
                (destination.as_given().to_owned(), application)
            }
            _ => (self.destination.clone(), said),
        }
    }
}

fn refusal(refused: skyswitch_domain::error::Refused) -> String {
    refused.to_string()
}

/// Refuses what a spreadsheet or a person made of a number, and what cannot be
/// guessed back.
fn number_form(column: &str, text: &str) -> Result<(), String> {
    leftover(column, text)?;
    let quoted = shown(text, 60);
    if is_scientific(text) {
        return Err(scientific(column, text));
    }
    if is_several_numbers(text, &[',', ';', '|']) {
        return Err(format!(
            "`{quoted}` in `{column}` is more than one number. Write a row for each"
        ));
    }
    if has_decimals(text) {
        return Err(decimal(column, text));
    }
    if has_extension(text) {
        return Err(format!(
            "`{quoted}` in `{column}` has an extension, which a caller's number does not show. Leave it out"
        ));
    }
    if has_code(text) {
        return Err(format!(
            "`{quoted}` in `{column}` has a code behind a pause, which a caller's number does not show. Leave it out"
        ));
    }
    Ok(())
}

fn destination_form(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err(format!(
            "`destination` is empty; say where the calls go, here or for all such rows with {}",
            Argument("destination")
        ));
    }
    leftover("destination", text)?;
    if is_decimal(text) && text.contains('.') {
        return Err(decimal("destination", text));
    }
    // `1E2` may be somebody's name; a fraction or a sign is nobody's.
    if is_scientific(text) && text.contains(['.', ',', '+', '-']) {
        return Err(scientific("destination", text));
    }
    let parts: Vec<&str> = text
        .split([',', ';', '&', '|', '/'])
        .map(str::trim)
        .collect();
    let is_extension = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let is_several = parts.len() > 1 && parts.iter().all(is_extension);
    match is_several {
        true => Err(format!(
            "`{}` in `destination` is more than one; a rule has one destination. For several people at once, give a ring group or queue",
            shown(text, 60)
        )),
        false => Ok(()),
    }
}

/// Refuses what programs write where there is no value, and what a spreadsheet
/// makes of a value that looks like something else.
fn leftover(column: &str, text: &str) -> Result<(), String> {
    const NO_VALUES: [&str; 9] = [
        "nan",
        "none",
        "null",
        "nil",
        "n/a",
        "undefined",
        "-",
        "--",
        "?",
    ];
    failed_formula(column, text)?;
    let is_one_of = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    let quoted = shown(text, 60);
    if is_one_of(&NO_VALUES) {
        return Err(format!(
            "`{quoted}` in `{column}` means that there is no value. Give the value, or leave the cell empty"
        ));
    }
    if is_one_of(&["true", "false"]) {
        return Err(format!(
            "`{quoted}` in `{column}` is a yes or no, not a value of this column. Correct it"
        ));
    }
    match is_date(text) {
        true => Err(format!(
            "`{quoted}` in `{column}` is a date that a spreadsheet made of the value. Format the column as text and enter it again"
        )),
        false => Ok(()),
    }
}

fn still_to_come(last_day: Day) -> Result<(), String> {
    end_of(last_day)
        .map(drop)
        .map_err(|refused| refused.to_string())
}

/// `#N/A`, `#REF!`, `#DIV/0!`, `####`: what a spreadsheet shows in place of a result.
fn failed_formula(column: &str, text: &str) -> Result<(), String> {
    let Some(word) = text.strip_prefix('#').filter(|word| !word.is_empty()) else {
        return Ok(());
    };
    let is_word = word
        .bytes()
        .all(|b| b.is_ascii_uppercase() || matches!(b, b'/' | b'0' | b'!' | b'?' | b'_'));
    let is_named = is_word && word.contains(|c: char| c.is_ascii_uppercase());
    match is_named || word.bytes().all(|b| b == b'#') {
        true => Err(format!(
            "`{}` in `{column}` is the failure of a formula. Correct the spreadsheet and save the file again",
            shown(text, 60)
        )),
        false => Ok(()),
    }
}

/// `2-Jan`, `Jan-26`, `2-Jan-2026`, `1/2/2026`, `2026-01-02`.
fn is_date(text: &str) -> bool {
    const MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    let parts: Vec<&str> = text.split(['-', '/']).map(str::trim).collect();
    let is_number = |part: &&str, digits: std::ops::RangeInclusive<usize>| {
        digits.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
    };
    let is_month = |part: &&str| {
        let start = part.get(..3).unwrap_or_default().to_ascii_lowercase();
        MONTHS.contains(&start.as_str()) && part.bytes().all(|b| b.is_ascii_alphabetic())
    };
    match parts.as_slice() {
        [day, month] | [month, day] if is_month(month) => is_number(day, 1..=4),
        [day, month, year] if is_month(month) => is_number(day, 1..=2) && is_number(year, 2..=4),
        [year, month, day] if is_number(year, 4..=4) => {
            is_number(month, 1..=2) && is_number(day, 1..=2)
        }
        [one, two, year] if text.contains('/') => {
            is_number(one, 1..=2) && is_number(two, 1..=2) && is_number(year, 2..=4)
        }
        _ => false,
    }
}

fn scientific(column: &str, text: &str) -> String {
    format!(
        "`{}` in `{column}` is in scientific notation: the spreadsheet has rounded the number away. \
         Format the column as text, enter the number again, and save the file again",
        shown(text, 60)
    )
}

/// `1.61656E+10`, also with a decimal comma.
fn is_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return false;
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let whole = mantissa.trim_start_matches(['+', '-']);
    let (integer, decimals) = whole.split_once(['.', ',']).unwrap_or((whole, "0"));
    digits(integer) && digits(decimals) && digits(exponent.trim_start_matches(['+', '-']))
}

fn decimal(column: &str, text: &str) -> String {
    format!(
        "`{}` in `{column}` has decimals, so it went through a calculation. Format the column as text and save the file again",
        shown(text, 60)
    )
}

/// `101.0`, `101,5`
fn is_decimal(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let parts = text.split_once(['.', ',']);
    parts.is_some_and(|(whole, decimals)| digits(whole) && digits(decimals))
}

/// `6165550123 x12`, `6165550123 ext. 12`, `6165550123;ext=12`
pub(super) fn has_extension(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
    ["ext", "x"].iter().any(|mark| {
        lower.split_once(mark).is_some_and(|(number, extension)| {
            let is_number = !number.contains(|c: char| c.is_alphabetic());
            is_number && digits(number) >= 7 && digits(extension) > 0
        })
    })
}
