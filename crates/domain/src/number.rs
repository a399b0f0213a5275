//! Phone numbers: one strict parser for what people write, one comparison for what is stored.

use std::fmt;
use std::str::FromStr;

use super::digits::{comparable_digits, has_decimals, plain_digits, possible_digits};
use super::parsed_from_text;
use super::route::{Ani, Dnis};
use crate::error::Refused;

const REMEDY: &str = "give a North American number such as `6165550123` or \
                      `+1 616-555-0123`, or any other country's number with `+` in front";

/// Longest stored value that is taken back, in bytes; a URL has room for it.
const STORED_LIMIT: usize = 1024;

/// A phone number in the form that is sent to the service: digits only, with
/// country code, for example `16165550123`.
///
/// SkySwitch documents no format for ANI; eleven digits are what its other
/// number fields use (SkySwitch API reference, Route-by-ANI).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// The digits, country code first.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Why this number cannot exist, where that is known.
    ///
    /// Form is enforced when parsing; plausibility is not, because numbering
    /// plans change faster than programs.
    pub fn implausibility(&self) -> Option<String> {
        // 555-01XX is reserved for examples, and people do try those first.
        if self.is_fictional() {
            return None;
        }
        if self.0.len() == 10 {
            return Some(format!(
                "{self} has ten digits with its country code, and the service may take it for a North American number"
            ));
        }
        let number = phonenumber::parse(None, format!("+{}", self.0));
        (!number.as_ref().is_ok_and(phonenumber::is_valid)).then(|| {
            format!(
                "{self} does not look like a number in service (area code or exchange not assigned); check it"
            )
        })
    }

    fn is_fictional(&self) -> bool {
        self.0.len() == 11 && &self.0[4..9] == "55501"
    }

    /// Whether a stored text is this number: exactly as it is sent, or in
    /// another writing.
    ///
    /// The exact text comes first, because some foreign numbers have ten
    /// digits with their country code and read like American ones.
    pub fn is_stored_as(&self, stored: &str) -> bool {
        stored == self.0 || comparable_digits(stored).is_some_and(|digits| digits == self.0)
    }

    /// Whether a stored text may mean this number: it is a writing of it, or
    /// holds one beside parameters, an extension, what is dialled in front, or
    /// other marks, as do `sip:16165550123;user=phone@x`, `16165550123x1`,
    /// `00016165550123` and `16165550123*`.
    ///
    /// For what must not be missed; whether the service takes such a text for
    /// this number is not documented.
    pub fn may_be_stored_as(&self, stored: &str) -> bool {
        self.is_stored_as(stored) || possible_digits(stored).contains(&self.0)
    }

    /// The numbers that a stored text may mean, in the sense of
    /// [`PhoneNumber::may_be_stored_as`].
    pub fn possible_in(stored: &str) -> impl Iterator<Item = PhoneNumber> {
        possible_digits(stored).into_iter().map(PhoneNumber)
    }

    /// The number a stored text means, if it is one: `6165550123`,
    /// `16165550123`, `+1 616-555-0123` and `sip:16165550123@*` are the same.
    pub fn from_stored(text: &str) -> Option<PhoneNumber> {
        comparable_digits(text).map(|digits| PhoneNumber(digits.into_owned()))
    }
}

impl FromStr for PhoneNumber {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let refused = |problem: &str| Err(Refused::new(text, problem, REMEDY));
        let Some(plain) = plain_digits(text) else {
            return refused("is not a phone number");
        };
        if has_decimals(text) {
            return refused("has decimals, as if it had been calculated with");
        }
        // NANP numbers have a fixed form, which the library would judge by assignment instead.
        let national = match plain.strip_prefix('+') {
            Some(international) => international.strip_prefix('1'),
            None if plain.len() == 11 => plain.strip_prefix('1'),
            None => Some(plain.as_str()),
        };
        if let Some(national) = national {
            return match national.len() {
                10 if national.starts_with(['0', '1']) => refused(
                    "is not a North American number: no area code begins with 0 or 1, so a digit may be missing",
                ),
                10 if national[3..].starts_with(['0', '1']) => refused(
                    "is not a North American number: no exchange (the three digits after the area code) begins with 0 or 1",
                ),
                10 => Ok(PhoneNumber(format!("1{national}"))),
                n if n < 10 => refused("has too few digits for a North American number"),
                _ => refused("has too many digits for a North American number"),
            };
        }
        if !plain.starts_with('+') {
            return refused("is not a North American number");
        }
        // Counted as it is kept: without a trunk prefix, such as the 0 in `+44 (0)20`.
        let digits = phonenumber::parse(None, &plain)
            .map(|number| format!("{}{}", number.code().value(), number.national()));
        match digits {
            Ok(digits) if (7..=15).contains(&digits.len()) => Ok(PhoneNumber(digits)),
            _ => refused("is not an international phone number"),
        }
    }
}

/// For people: `+1 616-555-0123`.
impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.len() == 11 && self.0.starts_with('1') {
            let (area, exchange, line) = (&self.0[1..4], &self.0[4..7], &self.0[7..]);
            return write!(f, "+1 {area}-{exchange}-{line}");
        }
        match phonenumber::parse(None, format!("+{}", self.0)) {
            Ok(number) => number
                .format()
                .mode(phonenumber::Mode::International)
                .fmt(f),
            Err(_) => write!(f, "+{}", self.0),
        }
    }
}

/// A called number given as argument: a phone number, or any called number
/// (`*`, or empty).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CalledNumber {
    /// The rule holds whatever number was dialled.
    Any,
    /// The rule holds for this dialled number only.
    Number(PhoneNumber),
}

impl CalledNumber {
    /// The DNIS as it is sent to the service.
    pub fn to_dnis(&self) -> Dnis {
        match self {
            CalledNumber::Any => Dnis::any(),
            CalledNumber::Number(number) => Dnis::from(number),
        }
    }
}

impl FromStr for CalledNumber {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        match text.trim() {
            "" | "*" => Ok(CalledNumber::Any),
            number => number.parse().map(CalledNumber::Number),
        }
    }
}

/// A caller named to find present rules: a number in any writing, or what
/// the service has stored, exactly as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerKey {
    given: String,
    number: Option<PhoneNumber>,
}

impl CallerKey {
    /// Whether a stored caller is written exactly like this one.
    pub fn is_exactly(&self, ani: &Ani) -> bool {
        ani.as_str() == self.given || ani.as_str() == self.given.trim()
    }

    /// Whether a stored caller is this one, in whatever form it was written.
    pub fn matches(&self, ani: &Ani) -> bool {
        let number = self.number.as_ref();
        self.is_exactly(ani) || number.is_some_and(|number| number.is_stored_as(ani.as_str()))
    }

    /// Whether a stored caller may be this one, also with marks beside the number.
    pub fn may_match(&self, ani: &Ani) -> bool {
        let number = self.number.as_ref();
        self.is_exactly(ani) || number.is_some_and(|number| number.may_be_stored_as(ani.as_str()))
    }

    /// The number this names, unless it is an odd stored value such as `anonymous`.
    pub fn number(&self) -> Option<&PhoneNumber> {
        self.number.as_ref()
    }

    /// The caller as rules are stored for it.
    pub fn to_ani(&self) -> Ani {
        let stored = || Ani::from_stored(&self.given);
        self.number.as_ref().map_or_else(stored, Ani::from)
    }

    /// The text as it was given.
    pub fn as_given(&self) -> &str {
        &self.given
    }
}

impl From<&PhoneNumber> for CallerKey {
    fn from(number: &PhoneNumber) -> Self {
        CallerKey {
            given: number.as_str().to_owned(),
            number: Some(number.clone()),
        }
    }
}

impl FromStr for CallerKey {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        stored_or_number(text).map(|(given, number)| CallerKey { given, number })
    }
}

/// A called number named to find present rules; `*` or empty names the rule
/// for any called number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnisKey {
    given: String,
    number: Option<PhoneNumber>,
}

impl DnisKey {
    /// Whether a stored called number is this one.
    pub fn matches(&self, dnis: &Dnis) -> bool {
        if dnis.is_any() {
            return self.is_any();
        }
        let number = self.number.as_ref();
        dnis.as_str() == self.given
            || number.is_some_and(|number| number.is_stored_as(dnis.as_str()))
    }

    /// Whether this names the rule for any called number.
    pub fn is_any(&self) -> bool {
        matches!(self.given.trim(), "" | "*")
    }

    /// The called number of a new rule; `None` where this is neither a number
    /// nor any.
    pub fn to_dnis(&self) -> Option<Dnis> {
        match (self.is_any(), &self.number) {
            (true, _) => Some(Dnis::any()),
            (false, number) => number.as_ref().map(Dnis::from),
        }
    }

    /// The text as it was given.
    pub fn as_given(&self) -> &str {
        &self.given
    }
}

impl FromStr for DnisKey {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        if text.trim().is_empty() {
            return Ok(DnisKey {
                given: String::new(),
                number: None,
            });
        }
        stored_or_number(text).map(|(given, number)| DnisKey { given, number })
    }
}

impl serde::Serialize for CallerKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.given)
    }
}

impl serde::Serialize for DnisKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.given)
    }
}

parsed_from_text!(PhoneNumber, "Phone number in any common writing");
parsed_from_text!(CalledNumber, "Dialled number, or `*` for any");
parsed_from_text!(CallerKey, "Caller's number, or a stored value as listed");
parsed_from_text!(DnisKey, "Dialled number, or `*` for any");

/// Accepts anything the service may have stored, and notes the number it is.
fn stored_or_number(text: &str) -> Result<(String, Option<PhoneNumber>), Refused> {
    if text.trim().is_empty() || text.len() > STORED_LIMIT {
        return Err(Refused::new(
            text,
            "is neither a phone number nor a stored value",
            "give the caller's number, or the value exactly as the VIP list shows it",
        ));
    }
    let number = PhoneNumber::from_str(text)
        .ok()
        .or_else(|| PhoneNumber::from_stored(text.trim()));
    Ok((text.to_owned(), number))
}
