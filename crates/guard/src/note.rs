//! What is kept here of a VIP rule beside the service.

use serde::Serialize;

use skyswitch_domain::wording::no_longer_applies;

/// Who the caller is, and until when the rule is to be there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Note {
    /// Who the caller is, or another remark, made harmless to print.
    pub text: Option<String>,
    /// The end of the rule: it is removed then without asking again, because a
    /// person saw it, or nobody had to be asked to add the rule.
    pub until: Option<Until>,
}

impl Note {
    /// What of this no longer applies to a rule of which something else is kept from
    /// now on, or nothing, in one sentence.
    pub fn lost_to(&self, after: Option<&Note>) -> Option<String> {
        let text = after.and_then(|after| after.text.as_ref());
        let until = after.and_then(|after| after.until.as_ref());
        let day = self.until.as_ref().filter(|day| Some(*day) != until);
        let has_lost_text = self.text.is_some() && self.text.as_ref() != text;
        no_longer_applies(day.map(|until| until.day.as_str()), has_lost_text)
    }
}

/// The last day of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Until {
    /// The day as people write it: `2026-12-25`.
    pub day: String,
    /// Its end: milliseconds since 1970, UTC.
    pub ends_at: i64,
}
