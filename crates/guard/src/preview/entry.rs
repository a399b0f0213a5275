//! What a person is shown who closes a change of the journal by hand.

use super::{FactKind, Preview, fact};
use crate::{CloseEntry, TypedValue};
use skyswitch_domain::redact::shown;

impl Preview {
    /// What a person states to have become of a change.
    pub(crate) fn of_closing(entry: &CloseEntry) -> Preview {
        let id = entry.change.id;
        let (claim, agree_only_if) = match entry.made {
            true => (
                "it was made",
                "Agree only if you have seen in the portal that it is as it was asked for.",
            ),
            false => (
                "it was not made",
                "Agree only if you have seen in the portal that it is not as it was asked for, or if the customer has left.",
            ),
        };
        let words = entry.words.iter();
        Preview {
            summary: format!("Close change {id} in the journal: {claim}"),
            facts: words
                .map(|words| fact(FactKind::Entry, shown(words, 500)))
                .chain([fact(FactKind::AgreeOnlyIf, agree_only_if)])
                .collect(),
            rows: Vec::new(),
            asks_for: TypedValue::ChangeId(id),
            problem: None,
            story: None,
            wants_pin: false,
        }
    }
}
