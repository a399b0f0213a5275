//! How values of this program become words in a text.

use serde::Serialize;
use serde_json::Value;

/// The word that JSON results have for a state, for example `not_sent`.
pub fn word(state: impl Serialize) -> String {
    match serde_json::to_value(state) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

/// A sentence or title that begins with a capital letter.
pub fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// `1 customer`, `2 customers`.
pub fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

/// The first few in a row, and how many there are besides: `a, b and 3 more`.
pub fn first_few<T: ToString>(most: usize, all: impl IntoIterator<Item = T>) -> String {
    let mut all = all.into_iter();
    let named: Vec<String> = all.by_ref().take(most).map(|one| one.to_string()).collect();
    match all.count() {
        0 => named.join(", "),
        n => format!("{} and {n} more", named.join(", ")),
    }
}

/// `Its last day, 2026-12-25, and its note no longer apply`, of what is kept of a
/// VIP rule; `None` where nothing is lost.
pub fn no_longer_applies(day: Option<&str>, note: bool) -> Option<String> {
    match (day, note) {
        (Some(day), true) => Some(format!("Its last day, {day}, and its note no longer apply")),
        (Some(day), false) => Some(format!("Its last day, {day}, no longer applies")),
        (None, true) => Some("Its note no longer applies".to_owned()),
        (None, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{capitalised, first_few, word};
    use crate::SetupStep;

    #[test]
    fn states_are_called_as_in_results() {
        assert_eq!(word(SetupStep::RouteDid), "route_did");
    }

    #[test]
    fn a_long_row_is_cut_and_counted() {
        assert_eq!(first_few(2, [1, 2]), "1, 2");
        assert_eq!(first_few(2, [1, 2, 3, 4]), "1, 2 and 2 more");
    }

    #[test]
    fn a_sentence_begins_with_a_capital_letter() {
        assert_eq!(capitalised("give one"), "Give one");
        assert_eq!(capitalised(""), "");
    }
}
