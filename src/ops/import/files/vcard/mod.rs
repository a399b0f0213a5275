//! vCard: contacts exported from a phone or a mail program, one row for each of
//! their numbers. What cannot be used is named; nothing is left out silently.

mod cards;
mod lines;
mod number;

use std::collections::HashMap;

use crate::ops::import::files::cell::Cells;
use crate::ops::import::files::{Defaults, VipFile};
use cards::{Card, Contacts};
use lines::Property;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::counted;
use skyswitch_domain::{Argument, PhoneNumber};

/// Reads the numbers of all contacts. A number that occurs again is taken
/// once, and that is said: contact exports are full of them.
pub(in crate::ops) fn read(bytes: &[u8], defaults: &Defaults, file: &mut VipFile) -> Result<()> {
    if defaults.destination.is_none() {
        return Err(Error::invalid(
            "destination",
            "contacts do not say where their calls go; nothing was changed",
            format!("Give {}, for example `101`.", Argument("destination")),
        ));
    }
    let contacts = Contacts::read(bytes);
    let mut reading = Reading {
        file,
        defaults,
        numbers: HashMap::new(),
        without_voice: Vec::new(),
        without_number: Vec::new(),
    };
    for line in contacts.astray {
        let reason = "this line belongs to no contact; export the contacts again";
        reading.file.refuse(line, "", reason);
    }
    for card in &contacts.cards {
        reading.add(card);
    }
    reading.warn();
    Ok(())
}

/// What is known after the contacts read so far.
struct Reading<'a> {
    file: &'a mut VipFile,
    defaults: &'a Defaults,
    /// The lines of the contacts that have each number.
    numbers: HashMap<PhoneNumber, Vec<usize>>,
    without_voice: Vec<usize>,
    without_number: Vec<usize>,
}

impl Reading<'_> {
    fn add(&mut self, card: &Card) {
        let name = self.name_of(card);
        if !card.is_whole {
            let reason =
                "this contact has no END:VCARD, so part of it may be missing; export it again";
            return self.file.refuse(card.line, &shown(&name, 60), reason);
        }
        let mut numbers = card
            .properties
            .iter()
            .filter(|property| property.name == "TEL")
            .peekable();
        if numbers.peek().is_none() {
            self.without_number.push(card.line);
        }
        for tel in numbers {
            if is_for_voice(tel, card) {
                self.add_number(tel, card.line, &name);
            } else {
                self.without_voice.push(tel.line);
            }
        }
        for property in card
            .properties
            .iter()
            .filter(|property| !property.has_value() && property.name != "TEL")
        {
            let reason = "this line of a contact has no colon; correct it";
            self.file
                .refuse(property.line, &shown(&property.name, 60), reason);
        }
    }

    fn add_number(&mut self, tel: &Property, contact: usize, name: &str) {
        let Some(written) = tel.text() else {
            let reason = "this line is not Unicode text; export the contacts as vCard 3.0 or 4.0";
            return self.file.refuse(tel.line, "", reason);
        };
        let read = match number::read(&written) {
            Ok(read) => read,
            Err(reason) => {
                let given = shown(&written, 60);
                return self.file.refuse(tel.line, &given, reason);
            }
        };
        let lines = self.numbers.entry(read.number).or_default();
        lines.push(contact);
        if lines.len() > 1 {
            return;
        }
        if let Some(left_out) = read.left_out {
            self.file.warnings.push(format!(
                "line {}: \"{}\" behind the number is dialled after the call is answered, and is left out",
                tel.line,
                shown(&left_out, 40)
            ));
        }
        let cells = Cells {
            ani: read.written,
            note: name.to_owned(),
            ..Cells::default()
        };
        self.file.add(tel.line, cells, self.defaults);
    }

    /// The contact's name, or that of its company.
    fn name_of(&mut self, card: &Card) -> String {
        for name in ["FN", "N", "ORG"] {
            for property in card
                .properties
                .iter()
                .filter(|property| property.name == name)
            {
                match property.text() {
                    Some(text) if !text.is_empty() => return text,
                    Some(_) => {}
                    None => self.file.warnings.push(format!(
                        "line {}: the contact's name is left out: it is not Unicode text, and in no charset that is declared and known",
                        property.line
                    )),
                }
            }
        }
        String::new()
    }

    fn warn(self) {
        let left_out = [
            (&self.without_voice, "number", "for fax or pager only"),
            (&self.without_number, "contact", "without a number"),
        ];
        for (lines, what, why) in left_out.into_iter().filter(|(lines, ..)| !lines.is_empty()) {
            let (counted, places) = (counted(lines.len(), what), places(lines));
            let warning = format!("left out: {counted} {why} ({places})");
            self.file.warnings.push(warning);
        }
        self.file.warnings.extend(repeated(self.numbers));
    }
}

/// Numbers that only a fax machine or a pager answers do not call. Address
/// books of one maker say so in a label beside the number.
fn is_for_voice(tel: &Property, card: &Card) -> bool {
    let label = tel.group.as_ref().and_then(|_| {
        let of_number =
            |property: &&Property| property.name == "X-ABLABEL" && property.group == tel.group;
        card.properties.iter().find(of_number)?.text()
    });
    let kinds: Vec<String> = tel
        .kinds()
        .chain(label.map(|label| label.to_ascii_lowercase()))
        .collect();
    let is_other = kinds
        .iter()
        .any(|kind| kind.contains("fax") || kind == "pager");
    let is_voice = kinds.iter().any(|kind| kind == "voice" || kind == "cell");
    is_voice || !is_other
}

fn repeated(numbers: HashMap<PhoneNumber, Vec<usize>>) -> Vec<String> {
    let mut repeated: Vec<(PhoneNumber, Vec<usize>)> = numbers
        .into_iter()
        .filter(|(_, lines)| lines.len() > 1)
        .collect();
    repeated.sort_by(|one, other| one.1.cmp(&other.1));
    let told = |(number, mut lines): (PhoneNumber, Vec<usize>)| {
        lines.dedup();
        format!(
            "{number} occurs more than once and is taken once (contacts at {})",
            places(&lines)
        )
    };
    repeated.into_iter().map(told).collect()
}

/// `line 1, 14`, at most ten of them.
fn places(lines: &[usize]) -> String {
    const NAMED: usize = 10;
    let named: Vec<String> = lines.iter().take(NAMED).map(usize::to_string).collect();
    match lines.len().saturating_sub(NAMED) {
        0 => format!("line {}", named.join(", ")),
        more => format!("line {} and {more} more", named.join(", ")),
    }
}
