//! The writings in which a secret may come back: as it is, encoded for an
//! address or a form, in JSON, in HTML, and in Base64.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// What is left of a secret in Base64, once what depends on its surroundings is
/// cut off, is looked for where it is this long.
const SHORTEST_CORE: usize = 6;

/// The writings of a secret, the longest first, because they hold others.
pub(crate) fn of(secret: &str) -> Vec<String> {
    let mut all = vec![secret.to_owned()];
    all.extend(in_json(secret));
    // Forms, addresses, and what programs make of a path or of a whole address.
    for (plain, space) in [
        ("*-._", "+"),
        ("-._~", "%20"),
        ("-_.!~*'()", "%20"),
        ("-._~/", "%20"),
        ("-_.!~*'();,/?:@&=+$#", "%20"),
    ] {
        for is_small in [false, true] {
            all.push(percent_encoded(secret, plain, space, is_small));
        }
    }
    all.push(in_html(secret));
    all.extend(in_base64(secret));
    all.sort_by_key(|writing| std::cmp::Reverse(writing.len()));
    all.dedup();
    all
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

/// As a page of HTML shows it.
fn in_html(secret: &str) -> String {
    let named = secret.replace('&', "&amp;").replace('<', "&lt;");
    named.replace('>', "&gt;").replace('"', "&quot;")
}

fn percent_encoded(secret: &str, plain: &str, space: &str, is_small: bool) -> String {
    let encode = |byte: u8| match char::from(byte) {
        letter if letter.is_ascii_alphanumeric() || plain.contains(letter) => letter.to_string(),
        ' ' => space.to_owned(),
        _ if is_small => format!("%{byte:02x}"),
        _ => format!("%{byte:02X}"),
    };
    secret.bytes().map(encode).collect()
}

/// What Base64 makes of the secret wherever in a longer text it stands: three
/// bytes are four letters, so there are three cases.
fn in_base64(secret: &str) -> impl Iterator<Item = String> {
    (0..3).flat_map(move |before| {
        let bytes = [&vec![0; before], secret.as_bytes()].concat();
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
    use super::*;

    #[test]
    fn a_secret_is_found_in_base64_wherever_it_stands() {
        let secret = "p&ss/w\u{f6}rd!";
        let writings = of(secret);
        for before in ["", "a", "ab", "abc", "client:"] {
            for after in ["", "a", "ab", "abc"] {
                let whole = format!("{before}{secret}{after}");
                for encoded in [
                    STANDARD_NO_PAD.encode(&whole),
                    URL_SAFE_NO_PAD.encode(&whole),
                ] {
                    let is_found = writings.iter().any(|writing| encoded.contains(writing));
                    assert!(is_found, "{whole}");
                }
            }
        }
    }

    #[test]
    fn every_usual_writing_of_a_secret_is_known() {
        let writings = of("a \"b\"/\u{f6}&");
        for writing in [
            "a \"b\"/\u{f6}&",
            "a \\\"b\\\"/\u{f6}&",
            "a \\\"b\\\"\\/\\u00f6&",
            "a+%22b%22%2F%C3%B6%26",
            "a%20%22b%22%2f%c3%b6%26",
        ] {
            assert!(writings.iter().any(|known| known == writing), "{writing}");
        }
    }
}
