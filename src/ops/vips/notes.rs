//! What is kept of VIP rules beside the service: who the callers are, and until
//! when the rules are to be there.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::app::App;
use crate::local_time;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{AccountId, Day, PbxDomain, PhoneNumber, Route, Vip};
use skyswitch_guard::store::NoteRecord;
use skyswitch_guard::{Note, Until};

/// Characters of a note that are kept.
const LIMIT: usize = 200;

/// What is kept of the rules of a domain, or of an account.
#[derive(Debug, Default)]
pub(in crate::ops) struct Notes(HashMap<String, Vec<NoteRecord>>);

impl Notes {
    /// What is kept of a rule as it is. What was said of another destination of
    /// the caller does not hold for it.
    pub fn of(&self, rule: &Route) -> Option<&NoteRecord> {
        let of_caller = self.0.get(&caller(rule))?;
        let is_of_rule = |kept: &&NoteRecord| is_as_noted(&kept.rule, rule);
        of_caller.iter().rev().find(is_of_rule)
    }

    /// The same, to be kept of what the rule becomes.
    pub fn to_keep(&self, rule: &Route) -> Option<Note> {
        self.of(rule).map(|kept| Note {
            text: kept.note.clone(),
            until: kept
                .until
                .clone()
                .zip(kept.ends_at)
                .map(|(day, ends_at)| Until { day, ends_at }),
        })
    }

    /// A rule as results carry it, with what is kept of it.
    pub fn vip(&self, rule: &Route) -> Vip {
        let kept = self.of(rule);
        Vip {
            note: kept.and_then(|kept| kept.note.clone()),
            until: kept.and_then(|kept| kept.until.clone()),
            ..Vip::from(rule)
        }
    }
}

/// Whether a rule is still as it was when something was said of it.
pub(super) fn is_as_noted(noted: &Route, now: &Route) -> bool {
    noted.key.domain.eq_ignore_ascii_case(&now.key.domain)
        && noted.key.ani.is_same_caller(&now.key.ani)
        && noted.key.dnis.same_as(&now.key.dnis)
        && noted.same_destination(now)
}

fn caller(rule: &Route) -> String {
    let ani = rule.key.ani.as_str();
    let number = PhoneNumber::from_stored(ani);
    number.map_or_else(|| ani.to_owned(), |number| number.as_str().to_owned())
}

/// A note in one line, made harmless to print; `None` where nothing is left.
pub(in crate::ops) fn note_text(given: &str) -> Option<String> {
    let words: Vec<&str> = given.split_whitespace().collect();
    let text = shown(&words.join(" "), LIMIT);
    (!text.is_empty()).then_some(text)
}

/// The end of a day, which must be to come.
///
/// # Errors
/// `invalid_argument` for a day that is over.
pub(in crate::ops) fn end_of(day: Day) -> Result<Until> {
    let ends_at = local_time::end_of(day.date());
    match ends_at {
        Some(ends_at) if ends_at > Timestamp::now() => Ok(Until {
            day: day.to_string(),
            ends_at: ends_at.as_millisecond(),
        }),
        _ => Err(Error::invalid(
            "until",
            format!("{day} is over, so nothing was sent"),
            "Give today or a day to come.",
        )),
    }
}

impl App {
    /// What is kept of the rules of a domain, or of all. What cannot be read is
    /// not there: nothing rests on a note.
    pub(in crate::ops) async fn notes(
        &self,
        account: &AccountId,
        domain: Option<&PbxDomain>,
    ) -> Notes {
        let journal = self.journal();
        let read = async {
            let Some(store) = journal.store().if_exists().await? else {
                return Ok(Vec::new());
            };
            let domain = domain.map(PbxDomain::as_str);
            store
                .vip_notes(journal.realm(), account.as_str(), domain)
                .await
        };
        let read: Result<Vec<NoteRecord>> = read.await;
        let kept = read.unwrap_or_else(|error| {
            tracing::warn!(%error, "notes cannot be read");
            Vec::new()
        });
        let mut notes = Notes::default();
        for record in kept {
            notes
                .0
                .entry(caller(&record.rule))
                .or_default()
                .push(record);
        }
        notes
    }

    /// Notes who the callers of rules are that exist already, and says what could
    /// not be noted.
    pub(in crate::ops) async fn note_rules(
        &self,
        account: &AccountId,
        notes: Vec<(Route, String)>,
    ) -> Option<String> {
        if notes.is_empty() {
            return None;
        }
        let journal = self.journal();
        let noted = async {
            let store = journal.store().get().await?;
            store
                .note_rules(journal.realm(), account.as_str(), &notes)
                .await
        };
        let noted: Result<()> = noted.await;
        noted
            .err()
            .map(|error| format!("the notes could not be kept: {error}"))
    }
}
