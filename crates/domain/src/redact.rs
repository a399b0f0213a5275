//! What may be shown: secrets that cannot be printed, and foreign text made harmless.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A password, client secret or token.
///
/// It has no `Display`, and `Debug` prints `****`. [`Secret::expose`] is the
/// only way to the text, so that every use can be found by searching for it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes a text into custody.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// The text itself, for the request that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

/// Serialises a secret in the clear. Only the private token file does this.
pub fn serialize_exposed<S: serde::Serializer>(
    secret: &Secret,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    secret.expose().serialize(serializer)
}

/// Replaces every occurrence of the given secrets in a text that came from outside.
pub fn scrubbed(text: &str, secrets: &[&Secret]) -> String {
    let mut clean = text.to_owned();
    for secret in secrets {
        // Very short values would mangle ordinary words, and no real secret is that short.
        if secret.expose().len() >= 4 {
            clean = clean.replace(secret.expose(), "****");
        }
    }
    clean
}

/// Foreign text as harmless data: control and direction-changing characters
/// escaped, at most `limit` characters.
///
/// Whatever the service or a caller stored (descriptions, destinations, names)
/// reaches texts for people only through here, so that it can neither hide
/// part of a preview nor reorder it on screen. Structured results carry rules
/// as they are stored, so that they can be given back.
pub fn shown(text: &str, limit: usize) -> String {
    let mut out = String::with_capacity(text.len().min(limit * 4));
    for (index, character) in text.chars().enumerate() {
        if index == limit {
            out.push('…');
            break;
        }
        if is_deceptive(character) {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    out
}

/// Control characters, and the invisible ones that reorder or hide text.
pub fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{00AD}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{180E}'
            | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_as_stars() {
        let secret = Secret::new("hunter2-hunter2");
        assert_eq!(format!("{secret:?} {secret:#?}"), "**** ****");
    }

    #[test]
    fn foreign_text_cannot_reorder_hide_or_overflow() {
        assert_eq!(
            shown("a\u{202E}b\nc\u{1b}[2J", 80),
            "a\\u{202e}b\\u{a}c\\u{1b}[2J"
        );
        assert_eq!(shown("abcdef", 3), "abc…");
    }

    #[test]
    fn secrets_are_scrubbed_from_foreign_text() {
        let secret = Secret::new("s3cr3t");
        assert_eq!(
            scrubbed("bad password s3cr3t!", &[&secret]),
            "bad password ****!"
        );
    }
}
