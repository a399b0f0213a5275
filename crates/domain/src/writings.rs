//! The writings in which a secret may come back: as it is, in other cases,
//! encoded once or twice for an address or a form or in JSON, in HTML, in
//! hexadecimal digits, and in Base64.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::html::in_html;

/// What is left of a secret in Base64, once what depends on its surroundings is
/// cut off, is looked for where it is this long.
const SHORTEST_CORE: usize = 6;
/// A writing of this length is no word by chance, whatever the case of its letters.
const UNMISTAKABLE: usize = 8;

/// How a secret may be written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Writing {
    text: String,
    /// It is looked for in small letters.
    in_any_case: bool,
}

impl Writing {
    /// In bytes.
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// As it is, which alone counts in Base64.
    fn exact(text: String) -> Writing {
        Writing {
            text,
            in_any_case: false,
        }
    }

    /// In capital and small letters, unless it is so short that it is a part of words.
    fn in_any_case(text: String) -> Writing {
        match text.len() < UNMISTAKABLE {
            true => Writing::exact(text),
            false => Writing {
                text: text.to_ascii_lowercase(),
                in_any_case: true,
            },
        }
    }
}

/// Whether a text can hold one of many writings, which it is looked through for once: most texts
/// of a long list hold none, and looking for each takes longer than all else that is done to them.
#[derive(Debug)]
pub(crate) struct Beginnings {
    /// A bit for each four letters with which a writing may begin, in whatever case.
    bits: Vec<u64>,
    /// One is so short that it may be anywhere.
    is_anywhere: bool,
}

impl Beginnings {
    pub(crate) const fn none() -> Beginnings {
        Beginnings {
            bits: Vec::new(),
            is_anywhere: false,
        }
    }

    pub(crate) fn add(&mut self, writing: &Writing) {
        let Some(letters) = writing.text.as_bytes().first_chunk() else {
            self.is_anywhere = true;
            return;
        };
        let bit = bit_of(u32::from_le_bytes(letters.map(|b| b.to_ascii_lowercase())));
        self.bits.resize(BITS / 64, 0);
        self.bits[bit / 64] |= 1 << (bit % 64);
    }

    /// Where this is false, there is none for certain.
    pub(crate) fn may_be_in(&self, text: &str) -> bool {
        let mut letters = 0;
        let begins = |(at, byte): (usize, u8)| {
            letters = letters >> 8 | u32::from(byte.to_ascii_lowercase()) << 24;
            let bit = bit_of(letters);
            let word = self.bits.get(bit / 64).copied().unwrap_or_default();
            at >= 3 && word & 1 << (bit % 64) != 0
        };
        self.is_anywhere || text.bytes().enumerate().any(begins)
    }
}

/// So many that the few hundred writings of a process are seldom met by chance.
const BITS: usize = 1 << 16;

/// Spreads four letters over the bits.
fn bit_of(letters: u32) -> usize {
    (letters.wrapping_mul(0x9E37_79B1) >> 16) as usize
}

/// A text with stars in place of every one of these writings.
pub(crate) fn without<'a, 'w>(
    text: &'a str,
    writings: impl IntoIterator<Item = &'w Writing>,
) -> Cow<'a, str> {
    let mut clean = Cow::Borrowed(text);
    // Small ASCII letters are as long as capital ones, so places are the same.
    let mut in_small_letters = None::<String>;
    for Writing { text, in_any_case } in writings {
        if clean.len() < text.len() {
            continue;
        }
        let found: Vec<usize> = match in_any_case {
            true => {
                let small = in_small_letters.get_or_insert_with(|| clean.to_ascii_lowercase());
                places(small, text)
            }
            false => places(&clean, text),
        };
        if found.is_empty() {
            continue;
        }
        let mut stars = String::with_capacity(clean.len());
        let mut rest = 0;
        for place in found {
            stars.push_str(&clean[rest..place]);
            stars.push_str("****");
            rest = place + text.len();
        }
        stars.push_str(&clean[rest..]);
        clean = Cow::Owned(stars);
        in_small_letters = None;
    }
    clean
}

fn places(text: &str, writing: &str) -> Vec<usize> {
    text.match_indices(writing)
        .map(|(place, _)| place)
        .collect()
}

/// The writings of a secret, the longest first, because they hold others.
pub(crate) fn of(secret: &str) -> Vec<Writing> {
    let mut cased = vec![
        secret.to_owned(),
        secret.to_uppercase(),
        secret.to_lowercase(),
    ];
    cased.dedup_by_key(|text| text.to_ascii_lowercase());
    // As it is, and as the bodies of requests and answers hold it.
    let forms = forms(secret).into_iter().map(|[once, _]| once.into_bytes());
    let texts = in_json(secret).map(String::into_bytes).into_iter();
    let mut in_bodies: Vec<Vec<u8>> = forms.chain(texts).collect();
    in_bodies.push(secret.as_bytes().to_vec());
    in_bodies.extend(in_latin_1(secret));
    in_bodies.sort();
    in_bodies.dedup();
    let in_base64 = in_bodies.iter().flat_map(|bytes| in_base64(bytes));
    let mut all: Vec<Writing> = in_base64.map(Writing::exact).collect();
    for text in cased {
        let texts = in_letters(&text).into_iter();
        all.extend(texts.map(Writing::in_any_case));
    }
    all.sort_by_key(|writing| (std::cmp::Reverse(writing.text.len()), writing.clone()));
    all.dedup();
    all
}

/// The writings in which the case of a letter does not matter.
fn in_letters(secret: &str) -> Vec<String> {
    let mut all = vec![secret.to_owned(), in_hexadecimal(secret)];
    all.extend(in_html(secret));
    for once in in_json(secret) {
        all.extend(in_json(&once));
        all.push(once);
    }
    for [once, twice] in forms(secret) {
        all.extend([twice, once.replace('%', "%25"), once]);
    }
    all
}

/// What stays as it is, and what a space becomes: in forms, addresses, and in
/// what programs make of a path or of a whole address.
const PLAIN: [(&str, &str); 5] = [
    ("*-._", "+"),
    ("-._~", "%20"),
    ("-_.!~*'()", "%20"),
    ("-._~/", "%20"),
    ("-_.!~*'();,/?:@&=+$#", "%20"),
];

/// Encoded once and twice for forms and addresses, from UTF-8 and from Latin-1.
fn forms(secret: &str) -> Vec<[String; 2]> {
    let mut all = Vec::new();
    for bytes in [Some(secret.as_bytes().to_vec()), in_latin_1(secret)]
        .into_iter()
        .flatten()
    {
        for (plain, space) in PLAIN {
            for is_small in [false, true] {
                let encoded = |bytes: &[u8]| percent_encoded(bytes, plain, space, is_small);
                let once = encoded(&bytes);
                all.push([once.clone(), encoded(once.as_bytes())]);
            }
        }
    }
    all
}

/// Its bytes in Latin-1, where they are others.
fn in_latin_1(secret: &str) -> Option<Vec<u8>> {
    let bytes = secret
        .chars()
        .map(|letter| u8::try_from(u32::from(letter)).ok());
    bytes
        .collect::<Option<Vec<u8>>>()
        .filter(|_| !secret.is_ascii())
}

/// The digits of its bytes.
fn in_hexadecimal(secret: &str) -> String {
    secret.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// As a JSON text with as few escapes as possible, and with as many as some
/// services write.
fn in_json(secret: &str) -> [String; 3] {
    let quoted = serde_json::Value::from(secret).to_string();
    let few = quoted[1..quoted.len() - 1].to_owned();
    let ascii: String = few
        .chars()
        .map(|character| match character {
            character if character.is_ascii() => character.to_string(),
            character => {
                let mut units = [0; 2];
                let units = character.encode_utf16(&mut units).iter();
                units.map(|unit| format!("\\u{unit:04x}")).collect()
            }
        })
        .collect();
    let slashes = ascii.replace('/', "\\/");
    [few, ascii, slashes]
}

fn percent_encoded(bytes: &[u8], plain: &str, space: &str, is_small: bool) -> String {
    let encode = |byte: u8| match char::from(byte) {
        letter if letter.is_ascii_alphanumeric() || plain.contains(letter) => letter.to_string(),
        ' ' => space.to_owned(),
        _ if is_small => format!("%{byte:02x}"),
        _ => format!("%{byte:02X}"),
    };
    bytes.iter().copied().map(encode).collect()
}

/// What Base64 makes of a secret's bytes wherever they are in a longer text: three
/// bytes are four letters, so there are three cases.
fn in_base64(secret: &[u8]) -> impl Iterator<Item = String> {
    (0..3).flat_map(move |before| {
        let bytes = [&vec![0; before], secret].concat();
        // Letters that no byte before or after the secret has a part in.
        let (first, last) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        let core = move |encoded: String| encoded.get(first..last).map(str::to_owned);
        [
            STANDARD_NO_PAD.encode(&bytes),
            URL_SAFE_NO_PAD.encode(&bytes),
        ]
        .into_iter()
        .filter_map(core)
        .filter(|core| core.len() >= SHORTEST_CORE)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_found(secret: &str, writing: &str) -> bool {
        without(writing, &of(secret)) != writing
    }

    #[test]
    fn a_secret_is_found_in_base64_wherever_it_stands() {
        let secret = "p&ss/w\u{f6}rd!";
        for before in ["", "a", "ab", "abc", "client:"] {
            for after in ["", "a", "ab", "abc"] {
                let whole = format!("{before}{secret}{after}");
                for encoded in [
                    STANDARD_NO_PAD.encode(&whole),
                    URL_SAFE_NO_PAD.encode(&whole),
                ] {
                    assert!(is_found(secret, &encoded), "{whole}");
                }
            }
        }
    }

    #[test]
    fn every_usual_writing_of_a_secret_is_known() {
        let secret = "a \"b\"/\u{f6}&";
        for writing in [
            "a \"b\"/\u{f6}&",
            "A \"B\"/\u{d6}&",
            "a \\\"b\\\"/\u{f6}&",
            "a \\\"b\\\"\\/\\u00f6&",
            "a \\\\\\\"b\\\\\\\"/\u{f6}&",
            "a+%22b%22%2F%C3%B6%26",
            "a%20%22b%22%2f%c3%b6%26",
            "a%2520%2522b%2522%252F%25C3%25B6%2526",
            "61202262222fc3b626",
            "61202262222FC3B626",
        ] {
            assert_eq!(without(writing, &of(secret)), "****", "{writing}");
        }
    }

    #[test]
    fn a_secret_with_special_characters_is_known_as_old_and_new_services_write_it() {
        let secret = "cr\u{e8}me'n\"br\u{fb}l\u{e9}e&co";
        for writing in [
            "cr%E8me%27n%22br%FBl%E9e%26co",
            "cr%e8me'n%22br%fbl%e9e%26co",
            "cr&egrave;me&#039;n&quot;br&ucirc;l&eacute;e&amp;co",
            "cr&#232;me'n&quot;br&#251;l&#233;e&amp;co",
            "cr&#xE8;me&#x27;n&#x22;br&#xFB;l&#xE9;e&#x26;co",
            "cr\u{e8}me&#39;n&quot;br\u{fb}l\u{e9}e&amp;co",
        ] {
            assert_eq!(without(writing, &of(secret)), "****", "{writing}");
        }
        // A gateway that shows the body of a request, of any form.
        for body in [
            b"password=cr%C3%A8me%27n%22br%C3%BBl%C3%A9e%26co&grant=x".as_slice(),
            b"password=cr%E8me%27n%22br%FBl%E9e%26co&grant=x",
            b"{\"password\":\"cr\\u00e8me'n\\\"br\\u00fbl\\u00e9e&co\"}",
            b"user:cr\xE8me'n\"br\xFBl\xE9e&co",
        ] {
            let shown = STANDARD_NO_PAD.encode(body);
            assert!(
                is_found(secret, &shown),
                "{}",
                String::from_utf8_lossy(body)
            );
        }
    }

    #[test]
    fn a_short_secret_takes_no_words_along() {
        for words in ["User 101 of Acme Dental", "+1 616-555-0123", "PASSWORD"] {
            for secret in ["pass", "5550", "us3r", "acm"] {
                assert_eq!(without(words, &of(secret)), words, "{secret}");
            }
        }
    }

    #[test]
    fn a_text_without_the_beginning_of_a_secret_is_not_looked_through() {
        let mut beginnings = Beginnings::none();
        assert!(!beginnings.may_be_in("hunter2-hunter2"));
        for writing in of("hunter2-hunter2") {
            beginnings.add(&writing);
        }
        for text in ["", "hun", "16165550123", "acme.12345.service", "user:101"] {
            assert!(!beginnings.may_be_in(text), "{text}");
        }
        assert!(beginnings.may_be_in("my HUNTER2"));
    }

    proptest! {
        #[test]
        fn no_secret_remains_however_it_is_written(
            secret in "[ -~\u{e4}\u{df}]{8,40}", before in "[ -~]{0,9}", after in "[ -~]{0,9}",
            way in 0..10usize,
        ) {
            let writing = match way {
                0 => secret.clone(),
                1 => secret.to_ascii_uppercase(),
                2 => secret.to_ascii_lowercase(),
                3 => in_hexadecimal(&secret),
                4 => in_hexadecimal(&secret).to_ascii_uppercase(),
                5 => in_json(&in_json(&secret)[1])[0].clone(),
                6 => forms(&secret)[2][1].clone(),
                7 => forms(&secret)[1][0].clone(),
                8 => in_html(&secret)[before.len()].clone(),
                _ => in_latin_1(&secret).map_or(secret.clone(), |bytes| percent_encoded(&bytes, "*-._", "+", true)),
            };
            let text = format!("{before}{writing}{after}");
            let mut beginnings = Beginnings::none();
            of(&secret).iter().for_each(|writing| beginnings.add(writing));
            prop_assert!(beginnings.may_be_in(&text), "{text}");
            let clean = without(&text, &of(&secret)).into_owned();
            prop_assert!(!clean.contains(&writing), "{clean}");
        }
    }
}
