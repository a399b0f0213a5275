//! vCard: contacts exported from a phone or a mail program, one rule for each
//! of their numbers.

use std::collections::HashMap;

use calcard::vcard::{
    VCard, VCardEntry, VCardParameterName, VCardParameterValue, VCardProperty, VCardType,
};

use crate::ops::import::files::Defaults;
use crate::ops::import::files::VipFile;
use crate::ops::import::files::cell::Cells;
use skyswitch_domain::Argument;
use skyswitch_domain::PhoneNumber;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::redact::shown;

const BEGIN: &str = "BEGIN:VCARD";

/// Reads the numbers of all contacts. A number that occurs again is taken
/// once, and that is said: contact exports are full of them.
pub(in crate::ops) fn read(text: &str, defaults: &Defaults, file: &mut VipFile) -> Result<()> {
    if defaults.destination.is_none() {
        return Err(Error::invalid(
            "destination",
            "contacts do not say where their calls go; nothing was changed",
            format!("Give {}, for example `101`.", Argument("destination")),
        ));
    }
    let mut numbers = HashMap::<PhoneNumber, Vec<usize>>::new();
    let mut without_voice = 0;
    for (line, card) in cards(text) {
        let Ok(card) = VCard::parse(card) else {
            file.refuse(line, "", "this contact is not a vCard; export it again");
            continue;
        };
        let name = name_of(&card);
        for tel in entries(&card, &VCardProperty::Tel) {
            if !is_for_voice(tel) {
                without_voice += 1;
                continue;
            }
            let caller = text_of(tel);
            match number(&caller) {
                Err(reason) => file.refuse(line, &shown(&caller, 60), reason),
                Ok(number) => {
                    let lines = numbers.entry(number.clone()).or_default();
                    lines.push(line);
                    if let [_] = lines.as_slice() {
                        let cells = Cells {
                            ani: caller.trim_start_matches("tel:").to_owned(),
                            note: name.clone(),
                            ..Cells::default()
                        };
                        file.add(line, cells, defaults);
                    }
                }
            }
        }
    }
    if without_voice > 0 {
        file.warnings.push(format!(
            "{without_voice} numbers for fax or pager only are left out"
        ));
    }
    file.warnings.extend(repeated(numbers));
    Ok(())
}

/// Each contact with the line it begins on. Contacts are parsed one by one,
/// so that a damaged one does not take the others along.
fn cards(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut starts = Vec::new();
    let mut offset = 0;
    for (line, content) in (1..).zip(text.split('\n')) {
        if content.trim().eq_ignore_ascii_case(BEGIN) {
            starts.push((line, offset));
        }
        offset += content.len() + 1;
    }
    let ends: Vec<usize> = starts
        .iter()
        .skip(1)
        .map(|(_, start)| *start)
        .chain([text.len()])
        .collect();
    starts
        .into_iter()
        .zip(ends)
        .map(move |((line, start), end)| (line, text.get(start..end).unwrap_or_default()))
}

fn entries<'a>(card: &'a VCard, name: &'a VCardProperty) -> impl Iterator<Item = &'a VCardEntry> {
    card.entries.iter().filter(move |entry| entry.name == *name)
}

fn text_of(entry: &VCardEntry) -> String {
    let texts: Vec<&str> = entry
        .values
        .iter()
        .filter_map(|value| value.as_text())
        .collect();
    texts.join(" ").trim().to_owned()
}

fn name_of(card: &VCard) -> String {
    [VCardProperty::Fn, VCardProperty::N, VCardProperty::Org]
        .iter()
        .filter_map(|property| entries(card, property).next().map(text_of))
        .find(|name| !name.is_empty())
        .unwrap_or_default()
}

/// Numbers that only a fax machine or a pager answers do not call.
fn is_for_voice(tel: &VCardEntry) -> bool {
    let mut other = false;
    let mut voice = false;
    for parameter in &tel.params {
        // vCard 2.1 writes `TEL;FAX:` without naming the parameter.
        let word = match (&parameter.name, &parameter.value) {
            (_, VCardParameterValue::Type(kind)) => match kind {
                VCardType::Fax | VCardType::Pager => "fax",
                VCardType::Voice | VCardType::Cell => "voice",
                _ => "",
            },
            (VCardParameterName::Type, VCardParameterValue::Text(text)) => text.as_str(),
            (VCardParameterName::Other(name), _) => name.as_str(),
            _ => "",
        };
        let word = word.to_ascii_lowercase();
        other |= word.contains("fax") || word == "pager";
        voice |= word == "voice" || word == "cell";
    }
    voice || !other
}

fn number(text: &str) -> std::result::Result<PhoneNumber, String> {
    let plain = text.trim_start_matches("tel:");
    if plain.is_empty() {
        return Err("the contact has a number without digits; correct it".to_owned());
    }
    plain
        .parse::<PhoneNumber>()
        .map_err(|refused| refused.to_string())
}

fn repeated(numbers: HashMap<PhoneNumber, Vec<usize>>) -> Vec<String> {
    let mut repeated: Vec<(PhoneNumber, Vec<usize>)> = numbers
        .into_iter()
        .filter(|(_, lines)| lines.len() > 1)
        .collect();
    repeated.sort_by(|one, other| one.1.cmp(&other.1));
    repeated
        .into_iter()
        .map(|(number, mut lines)| {
            lines.dedup();
            let lines: Vec<String> = lines.iter().map(usize::to_string).collect();
            format!(
                "{number} occurs more than once and is taken once (contacts at line {})",
                lines.join(", ")
            )
        })
        .collect()
}
