//! What is kept of VIP rules beside the service: who the callers are, and until
//! when the rules are to be there.

use std::collections::{HashMap, HashSet};

use crate::app::App;
use crate::local_time;
use crate::ops::write::disproved::LAG;
use crate::ops::write::journal::now;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{AccountId, Argument, Day, PbxDomain, PhoneNumber, Route, Vip};
use skyswitch_guard::store::NoteRecord;
use skyswitch_guard::{Note, Until};

/// Characters that a note may have.
pub(in crate::ops) const LIMIT: usize = 200;

/// What is kept of the rules of a domain, or of an account, by domain and caller.
#[derive(Debug, Default)]
pub(in crate::ops) struct Notes(HashMap<(String, String), Vec<NoteRecord>>);

impl Notes {
    pub(super) fn of_records(records: Vec<NoteRecord>) -> Notes {
        let mut notes = Notes::default();
        for record in records {
            let of_caller = notes.0.entry(place(&record.rule)).or_default();
            of_caller.push(record);
        }
        notes
    }

    /// What is kept of a rule as it is. What was said of another destination of
    /// the caller does not hold for it.
    pub fn of(&self, rule: &Route) -> Option<&NoteRecord> {
        let of_caller = self.0.get(&place(rule))?;
        of_caller.iter().rev().find(|kept| kept.is_of(rule))
    }

    /// The same, to be kept of what the rule becomes.
    pub fn to_keep(&self, rule: &Route) -> Option<Note> {
        self.of(rule).map(|kept| kept.note.clone())
    }

    /// Who the caller of a rule is.
    pub fn text_of(&self, rule: &Route) -> Option<&str> {
        self.of(rule)?.note.text.as_deref()
    }

    /// A rule as results carry it, with what is kept of it.
    pub fn vip(&self, rule: &Route) -> Vip {
        vip_with(rule, self.of(rule).map(|kept| &kept.note))
    }

    /// The ids of what is kept of any of these rules.
    pub(super) fn of_any(&self, rules: &[Route]) -> HashSet<i64> {
        let kept = rules.iter().flat_map(|rule| {
            let of_caller = self.0.get(&place(rule)).into_iter().flatten();
            of_caller.filter(|kept| kept.is_of(rule))
        });
        kept.map(|kept| kept.id).collect()
    }

    /// The same of rules that are none of these, of the customers of whom these are.
    fn of_none(&self, rules: &[Route]) -> Vec<i64> {
        let domains = rules
            .iter()
            .map(|rule| rule.key.domain.to_ascii_lowercase());
        let (shown, there): (HashSet<String>, _) = (domains.collect(), self.of_any(rules));
        let of_shown = self
            .0
            .iter()
            .filter(|((domain, _), _)| shown.contains(domain));
        let kept = of_shown.flat_map(|(_, kept)| kept).map(|kept| kept.id);
        kept.filter(|id| !there.contains(id)).collect()
    }
}

/// A rule as results carry it, with what is kept of it.
pub(in crate::ops) fn vip_with(rule: &Route, kept: Option<&Note>) -> Vip {
    let until = kept.and_then(|kept| kept.until.as_ref());
    Vip {
        note: kept.and_then(|kept| kept.text.clone()),
        until: until.map(|until| until.day.clone()),
        ..Vip::from(rule)
    }
}

/// Domain and caller of a rule, in whatever writing.
fn place(rule: &Route) -> (String, String) {
    let ani = rule.key.ani.as_str();
    let number = PhoneNumber::from_stored(ani);
    let caller = number.map_or_else(|| ani.to_owned(), |number| number.as_str().to_owned());
    (rule.key.domain.to_ascii_lowercase(), caller)
}

/// A text without line breaks and other wide spaces.
pub(in crate::ops) fn in_one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

/// A note in one line, made harmless to print; `None` where nothing is left.
///
/// # Errors
/// `invalid_argument` for one that is too long: nothing is cut unseen.
pub(in crate::ops) fn note_text(field: &'static str, given: &str) -> Result<Option<String>> {
    let text = in_one_line(given);
    match text.chars().count() {
        0 => Ok(None),
        1..=LIMIT => Ok(Some(shown(&text, LIMIT))),
        length => Err(Error::invalid(
            field,
            format!(
                "{} has {length} characters, and at most {LIMIT} are kept; nothing was changed",
                Argument(field)
            ),
            format!("Give a text of at most {LIMIT} characters."),
        )),
    }
}

/// What became of a note, in one sentence; `None` where it is as it was.
pub(crate) fn note_changed(before: Option<&str>, after: Option<&str>) -> Option<String> {
    let quoted = |text| shown(text, LIMIT);
    match (before, after) {
        (before, after) if before == after => None,
        (Some(before), Some(after)) => Some(format!(
            "Note changed from \"{}\" to \"{}\"",
            quoted(before),
            quoted(after)
        )),
        (None, Some(after)) => Some(format!("Note added: \"{}\"", quoted(after))),
        (Some(before), None) => Some(format!("Note removed: \"{}\"", quoted(before))),
        (None, None) => None,
    }
}

/// A day as the last one of a rule, whether or not it is over.
pub(in crate::ops) fn last_day(day: Day) -> Option<Until> {
    Some(Until {
        day: day.to_string(),
        ends_at: local_time::end_of(day.date())?.as_millisecond(),
    })
}

/// The end of a day, which must be to come.
///
/// # Errors
/// `invalid_argument` for a day that is over, or beyond all calendars.
pub(in crate::ops) fn end_of(day: Day) -> Result<Until> {
    let until = last_day(day).ok_or_else(|| {
        Error::invalid(
            "until",
            format!("{day} is too far away to be kept as a last day"),
            format!(
                "Leave out {} where a rule is to have no end; nothing was sent.",
                Argument("until")
            ),
        )
    })?;
    match until.ends_at > now() {
        true => Ok(until),
        false => Err(Error::invalid(
            "until",
            format!("{day} is over"),
            "Give today or a day to come; nothing was sent.",
        )),
    }
}

/// What a rule is given back; its last day only if that is to come, and else why not.
pub(in crate::ops) fn given_back(note: Note) -> (Note, Option<String>) {
    match note.until {
        Some(until) if until.ends_at <= now() => {
            let told = format!(
                "its last day, {}, is over and is not restored: the rule stays until somebody removes it",
                until.day
            );
            (
                Note {
                    until: None,
                    ..note
                },
                Some(told),
            )
        }
        until => (Note { until, ..note }, None),
    }
}

impl App {
    /// What is kept of the rules of a domain, or of all.
    ///
    /// # Errors
    /// The store's errors: a change ends what is kept of its rule, so nobody agrees
    /// to one without having seen that.
    pub(in crate::ops) async fn notes(
        &self,
        account: &AccountId,
        domain: Option<&PbxDomain>,
    ) -> Result<Notes> {
        let journal = self.journal();
        let Some(store) = journal.store().if_exists().await? else {
            return Ok(Notes::default());
        };
        let domain = domain.map(PbxDomain::as_str);
        let records = store.vip_notes(journal.realm(), account.as_str(), domain);
        Ok(Notes::of_records(records.await?))
    }

    /// What a change ended of what was kept of a rule.
    ///
    /// # Errors
    /// The store's errors.
    pub(in crate::ops) async fn note_ended_by(
        &self,
        change: i64,
        rule: &Route,
    ) -> Result<Option<Note>> {
        let Some(store) = self.journal().store().if_exists().await? else {
            return Ok(None);
        };
        let ended = store.vip_notes_ended_by(change).await?;
        let mut ended = ended.into_iter().rev();
        Ok(ended.find(|kept| kept.is_of(rule)).map(|kept| kept.note))
    }

    /// Ends what is kept of rules that a list shows gone or otherwise: one that is
    /// there again later may be another one. A list without any rule of a customer
    /// ends nothing, because it may be one that was not read whole. `kept` is what was
    /// kept when the read began, and `begun` when that was, in milliseconds since 1970.
    pub(super) async fn end_notes_of_gone(&self, kept: Notes, rules: &[Route], begun: i64) {
        let gone = kept.of_none(rules);
        if gone.is_empty() {
            return;
        }
        let ended = async {
            let store = self.journal().store().get().await?;
            store.end_notes(&gone, begun - LAG).await
        };
        let ended: Result<()> = ended.await;
        if let Err(error) = ended {
            tracing::warn!(%error, "notes of rules that are gone could not be ended");
        }
    }
}
