//! The cells of one row, and what is wrong with them.

use crate::ops::import::files::DOMAIN;
use crate::ops::import::files::Defaults;
use crate::ops::import::files::NOTE_LIMIT;
use crate::ops::import::files::Row;
use skyswitch_domain::redact::shown;
use skyswitch_domain::{Argument, CallerKey, DnisKey};

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
            _ => None,
        }
    }

    /// Whether the row is empty.
    pub fn are_empty(&self) -> bool {
        [
            &self.ani,
            &self.destination,
            &self.application,
            &self.dnis,
            &self.note,
            &self.domain,
        ]
        .iter()
        .all(|cell| cell.is_empty())
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
            return Err("`ani` is empty; give the caller's number".to_owned());
        }
        let ani: CallerKey = self.ani.parse().map_err(refusal)?;
        let dnis = match self.dnis.as_str() {
            "" | "*" => None,
            text => Some(text.parse::<DnisKey>().map_err(refusal)?),
        };
        let (destination, application) = self.rings(defaults);
        let objection = number_form("ani", &self.ani)
            .and_then(|()| number_form("dnis", &self.dnis))
            .and_then(|()| destination_form(&destination))
            .err();
        let note: String = self.note.chars().take(NOTE_LIMIT).collect();
        let row = Row {
            line,
            ani,
            dnis,
            destination,
            application,
            note: (!note.is_empty()).then_some(note),
            domain: (!self.domain.is_empty()).then_some(self.domain),
        };
        Ok((row, objection))
    }

    fn rings(&self, defaults: &Defaults) -> (String, Option<String>) {
        let said = (!self.application.is_empty()).then(|| self.application.clone());
        match &defaults.destination {
            Some(destination) if self.destination.is_empty() => {
                let default = defaults.application.as_ref();
                let application = said.or_else(|| default.map(|word| word.as_str().to_owned()));
                (destination.as_str().to_owned(), application)
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
    let quoted = shown(text, 60);
    if is_scientific(text) {
        return Err(scientific(column, text));
    }
    if has_decimals(text) {
        return Err(format!(
            "`{quoted}` in `{column}` has decimals, so it went through a calculation. Format the column as text and save the file again"
        ));
    }
    if has_extension(text) {
        return Err(format!(
            "`{quoted}` in `{column}` has an extension, which a caller's number does not show. Leave it out"
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
    // `1E2` may be somebody's name; a fraction or a sign is nobody's.
    if is_scientific(text) && text.contains(['.', ',', '+', '-']) {
        return Err(scientific("destination", text));
    }
    Ok(())
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

/// `16165550123.0`
fn has_decimals(text: &str) -> bool {
    text.split_once(['.', ','])
        .is_some_and(|(integer, decimals)| {
            integer.len() >= 7
                && integer.bytes().all(|b| b.is_ascii_digit())
                && !decimals.is_empty()
                && decimals.bytes().all(|b| b == b'0')
        })
}

/// `6165550123 x12`, `6165550123 ext. 12`, `6165550123;ext=12`
fn has_extension(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
    ["ext", "x"].iter().any(|mark| {
        lower.split_once(mark).is_some_and(|(number, extension)| {
            let is_number = !number.contains(|c: char| c.is_alphabetic());
            is_number && digits(number) >= 7 && digits(extension) > 0
        })
    })
}
