//! Bytes into text: the encodings that spreadsheets and phones write.

use std::borrow::Cow;

use crate::ops::import::files::unusable;
use skyswitch_domain::error::{Error, Result};

/// The bytes without a byte order mark; UTF-16 becomes UTF-8.
pub(in crate::ops) fn without_mark(bytes: &[u8]) -> Result<Cow<'_, [u8]>> {
    let bytes: Cow<'_, [u8]> = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => rest.into(),
        // What Excel calls Unicode text.
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes)?.into_bytes().into(),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes)?.into_bytes().into(),
        bytes => bytes.into(),
    };
    match bytes.contains(&0) {
        true => Err(unusable(
            "holds NUL characters, so it is not text",
            "Save it as CSV (UTF-8), JSON or vCard.",
        )),
        false => Ok(bytes),
    }
}

/// The text with `\n` as the only line end.
pub(in crate::ops) fn decoded(bytes: &[u8]) -> Result<String> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = &bytes[..error.valid_up_to()];
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        not_unicode(&format!("line {line}"))
    })?;
    Ok(text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// A text in a charset that old phones declare; `None` for one that is not
/// known, or that the bytes contradict.
pub(in crate::ops) fn in_charset(bytes: &[u8], charset: &str) -> Option<String> {
    match charset.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" | "us-ascii" | "ascii" => String::from_utf8(bytes.to_vec()).ok(),
        "iso-8859-1" | "latin1" | "windows-1252" | "cp1252" => bytes.iter().map(western).collect(),
        _ => None,
    }
}

/// Windows-1252, which is what programs mean that say ISO 8859-1 (WHATWG
/// Encoding Standard); its five unassigned bytes are not characters.
fn western(byte: &u8) -> Option<char> {
    const FROM_80: [char; 32] = [
        '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', '\0',
        '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9F => Some(FROM_80[usize::from(byte - 0x80)]).filter(|letter| *letter != '\0'),
        byte => Some(char::from(*byte)),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String> {
    let units: Vec<u16> = bytes
        .chunks(2)
        .map(|pair| match pair {
            [a, b] => unit([*a, *b]),
            // Half a character at the end: refused below, as a lone surrogate is.
            _ => 0xD800,
        })
        .collect();
    String::from_utf16(&units).map_err(|_| not_unicode("its UTF-16"))
}

fn not_unicode(place: &str) -> Error {
    unusable(
        &format!("holds bytes that are not Unicode ({place})"),
        "Save it as \"CSV UTF-8\"; other encodings are not guessed, because names would be garbled.",
    )
}
