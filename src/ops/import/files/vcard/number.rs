//! A contact's number: a text as people type it, or a `tel:` address (RFC 3966).

use crate::ops::import::files::behind::{PAUSES, before_pause, is_several_numbers};
use crate::ops::import::files::cell::has_extension;
use skyswitch_domain::PhoneNumber;
use skyswitch_domain::redact::shown;

/// A number that can call.
#[derive(Debug)]
pub(super) struct Read {
    pub number: PhoneNumber,
    /// The part that is the number.
    pub written: String,
    /// What is dialled behind it.
    pub left_out: Option<String>,
}

/// Reads a number.
///
/// # Errors
/// Why it cannot be used, and the remedy.
pub(super) fn read(text: &str) -> Result<Read, String> {
    let text = text.trim();
    let address = text
        .get(..4)
        .filter(|scheme| scheme.eq_ignore_ascii_case("tel:"))
        .map(|_| &text[4..]);
    if is_several_numbers(address.unwrap_or(text), &PAUSES) {
        return Err(format!(
            "`{}` is more than one number; write a TEL line for each, or `#` behind a code that is dialled after the \
             call is answered",
            shown(text, 60)
        ));
    }
    let (written, left_out) = match address {
        Some(address) => (of_address(address)?, None),
        None => before_pause(text),
    };
    if has_extension(&written) {
        return Err(format!(
            "`{}` has an extension, which a caller's number does not show; leave it out",
            shown(&written, 60)
        ));
    }
    if !written.contains(|character: char| character.is_alphanumeric()) {
        return Err("the contact has a number without digits; correct it".to_owned());
    }
    let number: PhoneNumber = written
        .parse()
        .map_err(|refused: skyswitch_domain::error::Refused| refused.to_string())?;
    if left_out.is_some() && number.implausibility().is_some() {
        return Err(format!(
            "what is before the pause is not a complete number ({number}); write the number without a pause"
        ));
    }
    Ok(Read {
        number,
        written,
        left_out,
    })
}

/// The number of a `tel:` address, with its country where the context names it.
fn of_address(address: &str) -> Result<String, String> {
    let mut parts = address.split(';');
    let mut number = parts.next().unwrap_or_default().trim().to_owned();
    for part in parts {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "ext" => {
                return Err(format!(
                    "it has the extension {value}, which a caller's number does not show; leave it out"
                ));
            }
            "phone-context" if value.starts_with('+') && !number.starts_with('+') => {
                number = format!("{value} {number}");
            }
            "phone-context" if !number.starts_with('+') => {
                return Err(format!(
                    "the number is known only within \"{}\"; write it with its country code",
                    shown(value, 60)
                ));
            }
            _ => {}
        }
    }
    Ok(number)
}
