//! The operator's limits as the config file has them.

use std::str::FromStr;

use super::file::{ConfigFile, MaxChanges};
use skyswitch_domain::command_line;
use skyswitch_domain::error::{Refused, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{CallerKey, PbxDomain};
use skyswitch_guard::{ConfirmMode, Limits};

/// Changes that tools may make in an hour where the operator says nothing.
const CHANGES_BY_TOOLS: u32 = 60;

/// # Errors
/// `not_configured` with the field and the element at fault: a limit that
/// is not understood must not be taken for none.
pub(super) fn limits(file: &ConfigFile, confirm: ConfirmMode, allow_yes: bool) -> Result<Limits> {
    let domains = file.allowed_domains.as_deref();
    let accounts = file.allowed_accounts.as_deref();
    let max_changes = file.max_changes_per_hour.as_ref();
    Ok(Limits {
        protected: protected(file.protected.as_deref().unwrap_or_default())?,
        allowed_domains: domains.map(full_names).transpose()?,
        allowed_accounts: accounts
            .map(|accounts| elements("allowed_accounts", accounts))
            .transpose()?,
        max_changes_per_hour: max_changes.map_or(Ok(Some(CHANGES_BY_TOOLS)), most)?,
        has_default_rate: max_changes.is_none(),
        imports_count_once: max_changes.is_none() && confirm != ConfirmMode::Token,
        doubtful_destinations: file.doubtful_destinations.unwrap_or_default(),
        no_flag_agrees: !allow_yes,
    })
}

/// A mistyped number would protect nobody: what is not a number has to be a word
/// or sign as rules are stored under, such as `*` or `anonymous`.
fn protected(texts: &[String]) -> Result<Vec<CallerKey>> {
    let callers: Vec<CallerKey> = elements("protected", texts)?;
    let is_word = |text: &str| text == "*" || text.bytes().all(|b| b.is_ascii_alphabetic());
    for caller in &callers {
        let given = caller.as_given().trim();
        if caller.number().is_none() && !is_word(given) {
            return Err(super::unusable(
                "protected",
                &format!("`{}` is not a phone number", shown(given, 64)),
                "Give a number with area code, such as `6165550123`, or the word that a rule is stored under.",
            ));
        }
    }
    Ok(callers)
}

fn elements<T: FromStr<Err = Refused>>(field: &str, texts: &[String]) -> Result<Vec<T>> {
    let unsuitable = |refused| super::unsuitable(field, &refused);
    let elements = texts.iter().map(|text| text.parse().map_err(unsuitable));
    elements.collect()
}

/// A short name may be that of several domains, and would limit nothing to one.
fn full_names(texts: &[String]) -> Result<Vec<PbxDomain>> {
    let domains: Vec<PbxDomain> = elements("allowed_domains", texts)?;
    let is_short = |domain: &&PbxDomain| {
        let last = domain.as_str().rsplit_once('.');
        last.is_none_or(|(_, last)| last.bytes().all(|b| b.is_ascii_digit()))
    };
    match domains.iter().find(is_short) {
        Some(short) => Err(super::unusable(
            "allowed_domains",
            &format!("`{short}` is a short name"),
            &format!(
                "Give the full name of the PBX domain, such as `acme.12345.service`; {} shows them.",
                command_line("domains")
            ),
        )),
        None => Ok(domains),
    }
}

fn most(given: &MaxChanges) -> Result<Option<u32>> {
    let (given, most) = match given {
        MaxChanges::Word(word) if word.trim().eq_ignore_ascii_case("none") => return Ok(None),
        MaxChanges::Word(word) => (shown(word, 40), None),
        MaxChanges::Number(number) => (number.to_string(), u32::try_from(*number).ok()),
    };
    most.filter(|most| *most > 0).map(Some).ok_or_else(|| {
        super::unusable(
            "max_changes_per_hour",
            &format!("`{given}` is not a number of changes"),
            "Give a whole number from 1 up, or `\"none\"` for no limit; `read_only` allows no changes at all.",
        )
    })
}
