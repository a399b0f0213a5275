//! The contacts of a file: which lines belong to which card.

use super::lines::{Property, properties, unescaped};

/// One contact.
#[derive(Debug)]
pub(super) struct Card {
    /// The line that it begins on.
    pub line: usize,
    pub properties: Vec<Property>,
    /// Its end is there; without it, part of it may be missing.
    pub is_whole: bool,
}

impl Card {
    /// The same card where all of it is written on one line of the file.
    fn written_at(mut self, line: usize) -> Card {
        self.line = line;
        for property in &mut self.properties {
            property.line = line;
        }
        self
    }
}

/// What a contacts file holds.
#[derive(Debug, Default)]
pub(super) struct Contacts {
    /// In the order of their lines.
    pub cards: Vec<Card>,
    /// Lines that belong to no card.
    pub astray: Vec<usize>,
}

impl Contacts {
    /// Sorts the lines of a file into cards. A card within an `AGENT` of another
    /// one is a contact of its own.
    pub fn read(bytes: &[u8]) -> Contacts {
        let mut contacts = Contacts::default();
        let mut open: Vec<Card> = Vec::new();
        for property in properties(bytes) {
            if property.says("BEGIN", "VCARD") {
                if !open.last().is_some_and(expects_card) {
                    // Whatever is open has lost its end.
                    contacts.cards.append(&mut open);
                }
                open.push(Card {
                    line: property.line,
                    properties: Vec::new(),
                    is_whole: false,
                });
            } else if property.says("END", "VCARD") {
                match open.pop() {
                    Some(card) => contacts.cards.push(Card {
                        is_whole: true,
                        ..card
                    }),
                    None => contacts.astray.push(property.line),
                }
            } else {
                match open.last_mut() {
                    Some(card) => card.properties.push(property),
                    None => contacts.astray.push(property.line),
                }
            }
        }
        contacts.cards.append(&mut open);
        contacts.take_in_agents();
        contacts.cards.sort_by_key(|card| card.line);
        contacts
    }

    /// Cards that are written into the value of an `AGENT` (vCard 3.0).
    fn take_in_agents(&mut self) {
        let values = self.cards.iter().flat_map(|card| &card.properties);
        let agents: Vec<(usize, String)> = values
            .filter(|property| property.name == "AGENT")
            .filter_map(|property| Some((property.line, unescaped(&property.raw()?))))
            .filter(|(_, value)| begins_card(value))
            .collect();
        for (line, value) in agents {
            let inner = Contacts::read(value.as_bytes());
            self.cards
                .extend(inner.cards.into_iter().map(|card| card.written_at(line)));
            self.astray.extend(inner.astray.iter().map(|_| line));
        }
    }
}

/// Whether the next card is the agent of this one.
fn expects_card(card: &Card) -> bool {
    let last = card.properties.last();
    last.is_some_and(|property| property.says("AGENT", ""))
}

fn begins_card(value: &str) -> bool {
    const BEGIN: &str = "BEGIN:VCARD";
    let start = value.trim_start().get(..BEGIN.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(BEGIN))
}
