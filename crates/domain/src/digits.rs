//! The digits in what people write and the service stores: which number a text
//! is, and which it may be.

use std::borrow::Cow;

use crate::redact::is_deceptive;

/// Digits of a stored number with country code, so that ten-digit, eleven-digit,
/// `+1` and SIP writings of one North American number are equal.
///
/// This is a comparison of the last ten digits within North America. Longer
/// foreign numbers are compared whole: `442079460958` shares its last ten
/// digits with an American number and is not it.
pub(super) fn comparable_digits(stored: &str) -> Option<Cow<'_, str>> {
    let bytes = stored.as_bytes();
    if bytes.iter().all(u8::is_ascii_digit) {
        return match bytes.len() {
            10 if bytes[0] < b'2' => None,
            10 => Some(format!("1{stored}").into()),
            11..=15 => Some(without_dialling_prefix(stored).into()),
            _ => None,
        };
    }
    let user = match stored.split_once(':') {
        Some((scheme, rest)) if ["sip", "sips", "tel"].contains(&&*scheme.to_ascii_lowercase()) => {
            rest
        }
        _ => stored,
    };
    let user = user.split_once('@').map_or(user, |(user, _)| user);
    let digits = plain_digits(user)?;
    let digits = digits.strip_prefix('+').unwrap_or(&digits);
    match digits.len() {
        10 if digits.starts_with(['0', '1']) && !user.contains('+') => None,
        10 if !user.contains('+') => Some(format!("1{digits}").into()),
        7..=15 if user.contains('+') => Some(digits.to_owned().into()),
        11..=15 => Some(without_dialling_prefix(digits).to_owned().into()),
        _ => None,
    }
}

/// Drops what is dialled before a North American number: `00` or `011`. No country
/// code begins with 0, while `9` and a number in front of which it is dialled are
/// one of India's.
fn without_dialling_prefix(digits: &str) -> &str {
    ["011", "00"]
        .iter()
        .filter_map(|prefix| digits.strip_prefix(prefix))
        .find(|rest| rest.len() == 11 && rest.starts_with('1'))
        .unwrap_or(digits)
}

/// Digits of the numbers that a stored text may mean: those of its parts, where
/// other marks divide it, and those of North American numbers behind whatever is
/// dialled in front of them.
pub(super) fn possible_digits(stored: &str) -> Vec<String> {
    let dividers: [fn(char) -> bool; 2] = [
        |sign| !is_of_number(sign),
        |sign| !is_of_number(sign) || matches!(sign, '+' | '/'),
    ];
    let parts = dividers
        .into_iter()
        .flat_map(|is_mark| stored.split(is_mark));
    let mut found: Vec<String> = parts.flat_map(possible_in_part).collect();
    found.extend(comparable_digits(stored).map(Cow::into_owned));
    found.sort_unstable();
    found.dedup();
    found
}

fn possible_in_part(part: &str) -> impl Iterator<Item = String> + use<> {
    let is_whole = (7..=15).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    let whole = is_whole.then(|| part.to_owned());
    let read = comparable_digits(part).map(Cow::into_owned);
    whole.into_iter().chain(read).chain(behind_prefix(part))
}

/// The North American number that a text ends with, where all before it may be
/// dialled in front of one: `9`, `0`, `00`, `000`, `011`, with or without the `1`.
/// With `+` the text says itself which country it is of, unless that is none.
fn behind_prefix(text: &str) -> Option<String> {
    let digits = plain_digits(text)?;
    let (is_international, digits) = match digits.strip_prefix('+') {
        Some(digits) => (true, digits),
        None => (false, digits.as_str()),
    };
    let (prefix, national) = digits.split_at_checked(digits.len().checked_sub(10)?)?;
    let is_dialled = prefix.len() <= 5 && prefix.bytes().all(|digit| b"019".contains(&digit));
    let is_of_no_country = prefix.is_empty() || prefix.starts_with('0');
    let is_national = [0, 3].iter().all(|&at| national.as_bytes()[at] >= b'2');
    (is_dialled && is_national && (is_of_no_country || !is_international))
        .then(|| format!("1{national}"))
}

/// Whether a text is a number with decimals, such as `616555010.9`, and not one
/// whose groups are divided by a point: those end in four digits.
pub fn has_decimals(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let parts = text.trim().trim_start_matches('+').split_once(['.', ',']);
    parts.is_some_and(|(whole, decimals)| {
        let is_last_group = whole.len() <= 7 && decimals.len() == 4;
        whole.len() >= 7 && digits(whole) && digits(decimals) && !is_last_group
    })
}

/// Strips the punctuation people use: `+` in front is kept, everything else
/// must be a digit. Invisible marks that address books add are dropped.
pub(super) fn plain_digits(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(16);
    for character in text.trim().chars() {
        match character {
            '0'..='9' => plain.push(character),
            '+' if plain.is_empty() => plain.push('+'),
            '+' => return None,
            filling if is_of_number(filling) => {}
            _ => return None,
        }
        if plain.len() > 24 {
            return None;
        }
    }
    plain.bytes().any(|b| b.is_ascii_digit()).then_some(plain)
}

/// Whether people write a sign into a number, or address books do.
fn is_of_number(sign: char) -> bool {
    match sign {
        '0'..='9' | '+' | ' ' | '-' | '.' | '(' | ')' | '/' => true,
        '\u{A0}' | '\u{2010}'..='\u{2015}' | '\u{202F}' => true,
        sign => is_deceptive(sign) && !sign.is_control(),
    }
}
