//! Bytes into text: the encodings that spreadsheets write.

use crate::ops::import::files::unusable;
use skyswitch_domain::error::{Error, Result};

/// The text with `\n` as the only line end.
pub(in crate::ops) fn decoded(bytes: &[u8]) -> Result<String> {
    let text = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => utf8(rest)?,
        // What Excel calls Unicode text.
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes)?,
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes)?,
        bytes => utf8(bytes)?,
    };
    if text.contains('\0') {
        return Err(unusable(
            "holds NUL characters, so it is not text",
            "Save it as CSV (UTF-8), JSON or vCard.",
        ));
    }
    Ok(text.replace("\r\n", "\n").replace('\r', "\n"))
}

fn utf8(bytes: &[u8]) -> Result<String> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let good = &bytes[..error.valid_up_to()];
            let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
            Err(not_unicode(&format!("line {line}")))
        }
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
