//! What may be shown: secrets that cannot be printed, and foreign text made harmless.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use crate::writings::{self, Beginnings, Writing};

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

/// Very short values would mangle ordinary words, and no real secret is that short.
const SHORTEST: usize = 4;
/// A secret of this length is in no number and no name by chance. A shorter one
/// may be, and a person must see those whole.
const UNMISTAKABLE: usize = 8;
/// What is looked at of a text that is shown, in bytes, unless more of it is
/// shown: to find the secrets in a whole answer would take minutes.
const BEGINNING: usize = 8 * 1024;
/// Secrets that are remembered: tokens are renewed for as long as a process lives.
const MOST_KNOWN: usize = 1000;

/// The secrets of this process.
struct Known {
    /// Each in every writing in which it may come back.
    secrets: VecDeque<(Secret, Vec<Writing>)>,
    /// Of all of them, and of those that are not remembered any more.
    beginnings: Beginnings,
}

static KNOWN: RwLock<Known> = RwLock::new(Known {
    secrets: VecDeque::new(),
    beginnings: Beginnings::none(),
});

/// Keeps a secret out of all foreign text from now on: whoever is sent one may
/// repeat it anywhere, also in the answer to somebody else.
pub fn keep_out(secret: &Secret) {
    if secret.expose().len() < SHORTEST {
        return;
    }
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    if known.secrets.iter().any(|(known, _)| known == secret) {
        return;
    }
    if known.secrets.len() == MOST_KNOWN {
        known.secrets.pop_front();
    }
    let writings = writings::of(secret.expose());
    for writing in &writings {
        known.beginnings.add(writing);
    }
    known.secrets.push_back((secret.clone(), writings));
}

/// Something that is stored outside, such as a name, without the secrets that
/// this process knows and that can be told from names and numbers.
pub fn unrevealing(stored: &str) -> Cow<'_, str> {
    without_secrets(stored, UNMISTAKABLE)
}

fn without_secrets(text: &str, shortest: usize) -> Cow<'_, str> {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    if !known.beginnings.may_be_in(text) {
        return Cow::Borrowed(text);
    }
    let meant = known
        .secrets
        .iter()
        .filter(|(secret, _)| secret.expose().len() >= shortest);
    writings::without(text, meant.flat_map(|(_, writings)| writings))
}

/// The longest writing of a secret, in bytes.
fn longest_writing() -> usize {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    let known = known.secrets.iter();
    let longest = known.filter_map(|(_, writings)| writings.first());
    longest.map(Writing::len).max().unwrap_or_default()
}

/// The beginning of a text of any length without secrets. A secret that the cut
/// runs through is not found, so that as much as the longest is left out at the end.
fn beginning_without_secrets(text: &str, shortest: usize, most: usize) -> Cow<'_, str> {
    let longest = longest_writing();
    let cut = text.floor_char_boundary(most + longest);
    if cut == text.len() {
        return without_secrets(text, shortest);
    }
    let mut clean = without_secrets(&text[..cut], shortest).into_owned();
    clean.truncate(clean.floor_char_boundary(clean.len().saturating_sub(longest)));
    clean.push('…');
    clean.into()
}

/// Foreign text as harmless data: without secrets, control and
/// direction-changing characters escaped, at most `limit` characters.
///
/// Whatever the service or a caller stored (descriptions, destinations, names)
/// reaches texts for people only through here, so that it can neither hide
/// part of a preview nor reorder it on screen. Structured results carry rules
/// as they are stored, so that they can be given back.
pub fn shown(text: &str, limit: usize) -> String {
    harmless(text, limit, UNMISTAKABLE)
}

/// The same for words of the service, which also lose the secrets that are as
/// short as names and numbers.
pub fn shown_words(words: &str, limit: usize) -> String {
    harmless(words, limit, SHORTEST)
}

fn harmless(text: &str, limit: usize, shortest: usize) -> String {
    // A character has at most four bytes.
    let most = BEGINNING.max(limit * 4);
    let text = beginning_without_secrets(text, shortest, most);
    let mut out = String::with_capacity(text.len().min(most));
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
    fn a_secret_that_a_long_text_is_cut_in_shows_no_part_of_it() {
        let secret: String = (0..200)
            .map(|n| format!("{:04x}", n * 7919 % 65_536))
            .collect();
        keep_out(&Secret::new(&secret));
        for before in (0..800).step_by(37) {
            let text = "x".repeat(before) + &secret.repeat(100);
            let shown = shown_words(&text, 2_000);
            assert!(
                shown.chars().all(|c| "x*…".contains(c)),
                "{before}: {shown}"
            );
        }
    }

    #[test]
    fn secrets_are_scrubbed_from_foreign_text() {
        keep_out(&Secret::new("s3cr3t-s3cr3t"));
        keep_out(&Secret::new("12345"));
        let words = "bad password s3cr3t-s3cr3t!";
        assert_eq!(shown_words(words, 80), "bad password ****!");
        assert_eq!(shown(words, 80), "bad password ****!");
        assert_eq!(shown_words("acme.12345.service", 80), "acme.****.service");
        assert_eq!(shown("acme.12345.service", 80), "acme.12345.service");
    }
}
