//! The lines of a contacts file (RFC 6350 and its forerunners): continued lines
//! are joined, and each is taken apart into name, parameters and value.

use crate::ops::import::files::text::in_charset;

/// `item1.TEL;TYPE=CELL:+1 616-555-0123`
#[derive(Debug, Clone)]
pub(super) struct Property {
    /// The line of the file that it begins on, from 1.
    pub line: usize,
    /// `item1`: what ties a label to its number.
    pub group: Option<String>,
    /// In capitals.
    pub name: String,
    /// A parameter of vCard 2.1 has no name: `TEL;FAX`.
    parameters: Vec<(String, String)>,
    value: Option<Vec<u8>>,
}

impl Property {
    /// Whether it is that property with that value, in letters of either case.
    pub fn says(&self, name: &str, value: &str) -> bool {
        let said = self.value.as_deref().unwrap_or_default().trim_ascii();
        self.name == name && said.eq_ignore_ascii_case(value.as_bytes())
    }

    /// The words of its parameters, such as `cell` and `voice`, in small letters.
    pub fn kinds(&self) -> impl Iterator<Item = String> + '_ {
        let of_kind = |(name, _): &&(String, String)| name.is_empty() || name == "TYPE";
        let words = self.parameters.iter().filter(of_kind);
        words.flat_map(|(_, value)| {
            value
                .split(',')
                .map(|word| word.trim().to_ascii_lowercase())
        })
    }

    /// Whether it has a value, if only an empty one.
    pub fn has_value(&self) -> bool {
        self.value.is_some()
    }

    /// Its value as text, as it is written: commas and semicolons may be escaped.
    /// `None` where it is neither Unicode nor in a charset that is declared and known.
    pub fn raw(&self) -> Option<String> {
        let value = self.value.as_deref().unwrap_or_default();
        let value = match self.is_quoted_printable() {
            // What should go on and does not. A number may lack its end, and keeps the
            // mark, with which it is none.
            true if self.name != "TEL" => unquoted(value.strip_suffix(b"=").unwrap_or(value)),
            true => unquoted(value),
            false => value.to_vec(),
        };
        let charset = self.parameter("CHARSET").unwrap_or("utf-8");
        in_charset(&value, charset).or_else(|| String::from_utf8(value).ok())
    }

    /// Its value without escapes. The parts of a name are joined by spaces.
    pub fn text(&self) -> Option<String> {
        let raw = self.raw()?;
        let parts: Vec<String> = match self.name.as_str() {
            "N" | "ORG" => parts(&raw).iter().map(|part| unescaped(part)).collect(),
            _ => vec![unescaped(&raw)],
        };
        let told: Vec<&str> = parts
            .iter()
            .map(|part| part.trim())
            .filter(|part| !part.is_empty())
            .collect();
        Some(told.join(" "))
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    fn is_encoded_as(&self, encodings: &[&str]) -> bool {
        let of_encoding = |(name, _): &&(String, String)| name.is_empty() || name == "ENCODING";
        let mut said = self.parameters.iter().filter(of_encoding);
        said.any(|(_, value)| {
            encodings
                .iter()
                .any(|encoding| value.eq_ignore_ascii_case(encoding))
        })
    }

    fn is_quoted_printable(&self) -> bool {
        self.is_encoded_as(&["QUOTED-PRINTABLE"])
    }

    fn is_binary(&self) -> bool {
        self.is_encoded_as(&["BASE64", "B"])
    }

    /// Takes a line apart. Without a colon it has no value.
    fn read(line: usize, bytes: &[u8]) -> Property {
        let mut quoted = false;
        let colon = bytes.iter().position(|byte| {
            quoted ^= *byte == b'"';
            *byte == b':' && !quoted
        });
        let (head, value) = match colon {
            Some(colon) => (&bytes[..colon], Some(bytes[colon + 1..].to_vec())),
            None => (bytes, None),
        };
        let head = String::from_utf8_lossy(head);
        let mut words = unquoted_split(&head).into_iter();
        let name = words.next().unwrap_or_default();
        let (group, name) = match name.rsplit_once('.') {
            Some((group, name)) => (Some(group.to_ascii_lowercase()), name.to_owned()),
            None => (None, name),
        };
        let parameter = |word: String| match word.split_once('=') {
            Some((name, value)) => (name.trim().to_ascii_uppercase(), value.trim().to_owned()),
            None => (String::new(), word.trim().to_owned()),
        };
        Property {
            line,
            group,
            name: name.trim().to_ascii_uppercase(),
            parameters: words.map(parameter).collect(),
            value,
        }
    }
}

/// The lines of a file as properties, continued lines joined.
pub(super) fn properties(bytes: &[u8]) -> Vec<Property> {
    let mut found: Vec<Property> = Vec::new();
    for (line, content) in (1..).zip(lines(bytes)) {
        if let Some(before) = found.last_mut()
            && continues(before, content)
        {
            continue;
        }
        if content.trim_ascii().is_empty() {
            continue;
        }
        match joined_cards(content) {
            Some((end, begin)) => {
                found.push(Property::read(line, end));
                found.push(Property::read(line, begin));
            }
            None => found.push(Property::read(line, content)),
        }
    }
    found
}

/// Adds a line to the property that it continues, if it does.
fn continues(before: &mut Property, content: &[u8]) -> bool {
    let is_soft_break = before.is_quoted_printable();
    let is_binary = before.is_binary();
    let Some(value) = &mut before.value else {
        return false;
    };
    match content {
        _ if is_soft_break && value.ends_with(b"=") && !begins_property(content) => {
            value.pop();
            value.extend_from_slice(content);
        }
        [b' ' | b'\t', rest @ ..] if !rest.trim_ascii().is_empty() => value.extend_from_slice(rest),
        // A picture whose lines are not indented: no line of another kind lacks a colon.
        content if is_binary && !content.contains(&b':') => {}
        _ => return false,
    }
    true
}

/// Whether a line begins as a property does: `TEL;CELL:`, `item1.EMAIL:`, `END:VCARD`.
/// A value that ends with `=` is not always meant to go on: some programs write
/// `?id=` without encoding it, and others cut a text off. Names are in letters of
/// either case; `Tel: `, with a blank, is how a note goes on.
fn begins_property(line: &[u8]) -> bool {
    const NAMES: &str = "ADR AGENT ANNIVERSARY BDAY BEGIN CALADRURI CALURI CATEGORIES CLASS \
                         CLIENTPIDMAP EMAIL END FBURL FN GENDER GEO IMPP KEY KIND LABEL LANG \
                         LOGO MAILER MEMBER N NICKNAME NOTE ORG PHOTO PRODID RELATED REV ROLE \
                         SORT-STRING SOUND SOURCE TEL TITLE TZ UID URL VERSION XML";
    let mut head = line.splitn(2, |byte| *byte == b':');
    let (Some(head), Some(value)) = (head.next(), head.next()) else {
        return false;
    };
    let name = head.split(|byte| *byte == b';').next().unwrap_or(head);
    let name = name.rsplit(|byte| *byte == b'.').next().unwrap_or(name);
    let is_in_capitals = !name.iter().any(u8::is_ascii_lowercase);
    let is_text = !is_in_capitals && value.starts_with(b" ");
    let name = name.to_ascii_uppercase();
    let is_known = NAMES.split(' ').any(|known| known.as_bytes() == name);
    !is_text && (is_known || name.starts_with(b"X-"))
}

/// The lines of a text, whichever line ends it has.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n').flat_map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        line.split(|byte| *byte == b'\r')
    })
}

/// `END:VCARDBEGIN:VCARD`: two cards that were put together without a line break.
fn joined_cards(line: &[u8]) -> Option<(&[u8], &[u8])> {
    const END: &[u8] = b"END:VCARD";
    let line = line.trim_ascii();
    let (end, begin) = line.split_at_checked(END.len())?;
    let is_joined = end.eq_ignore_ascii_case(END) && !begin.is_empty();
    is_joined.then_some((end, begin))
}

/// The words between semicolons, which do not count in quotes; quotes are dropped.
fn unquoted_split(head: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for character in head.chars() {
        match (character, words.last_mut()) {
            ('"', _) => quoted = !quoted,
            (';', _) if !quoted => words.push(String::new()),
            (character, Some(word)) => word.push(character),
            (_, None) => {}
        }
    }
    words
}

/// The parts between semicolons that are not escaped.
fn parts(raw: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for character in raw.chars() {
        match (character, parts.last_mut()) {
            (';', _) if !escaped => parts.push(String::new()),
            (character, Some(part)) => part.push(character),
            (_, None) => {}
        }
        escaped = character == '\\' && !escaped;
    }
    parts
}

/// `\,` and `\;` for themselves, `\n` for a line break.
pub(super) fn unescaped(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut characters = raw.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n' | 'N') => text.push('\n'),
                Some(other) => text.push(other),
                None => text.push('\\'),
            },
            character => text.push(character),
        }
    }
    text
}

/// Quoted-printable: `=C3=BC` for the two bytes of `ü`.
fn unquoted(value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value;
    while let [first, after @ ..] = rest {
        let code = after
            .get(..2)
            .and_then(|code| std::str::from_utf8(code).ok());
        let byte = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        match (first, byte) {
            (b'=', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}
