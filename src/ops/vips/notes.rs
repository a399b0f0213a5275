//! What is kept of VIP rules beside the service: who the callers are, and until
//! when the rules are to be there.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::app::App;
use crate::local_time;
use crate::ops::write::disproved::LAG;
use crate::ops::write::journal::now;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::{counted, first_few};
use skyswitch_domain::{AccountId, Argument, Day, PbxDomain, PhoneNumber, Route, Vip};
use skyswitch_guard::store::{NewText, NoteRecord};
use skyswitch_guard::{Note, Until};

/// Characters that a note may have.
pub(in crate::ops) const LIMIT: usize = 200;
/// Notes that are named in one sentence.
const NAMED: usize = 10;

/// What is kept of the rules of a domain, or of an account.
#[derive(Debug, Default)]
pub(in crate::ops) struct Notes(HashMap<String, Vec<NoteRecord>>);

impl Notes {
    fn of_records(records: Vec<NoteRecord>) -> Notes {
        let mut notes = Notes::default();
        for record in records {
            let of_caller = notes.0.entry(caller(&record.rule)).or_default();
            of_caller.push(record);
        }
        notes
    }

    /// What is kept of a rule as it is. What was said of another destination of
    /// the caller does not hold for it.
    pub fn of(&self, rule: &Route) -> Option<&NoteRecord> {
        let of_caller = self.0.get(&caller(rule))?;
        of_caller.iter().rev().find(|kept| kept.is_of(rule))
    }

    /// Who the caller of a rule is.
    pub fn text_of(&self, rule: &Route) -> Option<&str> {
        self.of(rule)?.note.text.as_deref()
    }

    /// What noting this of rules would change, a sentence for each.
    pub fn changed_by(&self, wanted: &[(Route, Option<String>)]) -> Vec<String> {
        let changed = wanted.iter().filter_map(|(rule, text)| {
            let changed = note_changed(self.text_of(rule), text.as_deref())?;
            Some(format!("{}: {changed}", rule.key.ani))
        });
        changed.collect()
    }

    /// What is kept of a rule, to be kept of what it becomes.
    pub fn to_keep(&self, rule: &Route) -> Option<Note> {
        self.of(rule).map(|kept| kept.note.clone())
    }

    /// A rule as results carry it, with what is kept of it.
    pub fn vip(&self, rule: &Route) -> Vip {
        vip_with(rule, self.of(rule).map(|kept| &kept.note))
    }

    /// What is kept of rules that are none of these.
    fn of_none(&self, rules: &[Route]) -> Vec<i64> {
        let mut present = HashMap::<String, Vec<&Route>>::new();
        for rule in rules {
            let caller = caller(rule);
            if self.0.contains_key(&caller) {
                present.entry(caller).or_default().push(rule);
            }
        }
        let all = self.0.iter().flat_map(|(caller, kept)| {
            let rules = present.get(caller).map_or(&[][..], Vec::as_slice);
            let gone = move |kept: &&NoteRecord| !rules.iter().any(|rule| kept.is_of(rule));
            kept.iter().filter(gone).map(|kept| kept.id)
        });
        all.collect()
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

fn caller(rule: &Route) -> String {
    let ani = rule.key.ani.as_str();
    let number = PhoneNumber::from_stored(ani);
    number.map_or_else(|| ani.to_owned(), |number| number.as_str().to_owned())
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
        Notes::of_records(read.unwrap_or_else(|error| {
            tracing::warn!(%error, "notes cannot be read");
            Vec::new()
        }))
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
    /// ends nothing, because it may be one that was not read whole.
    pub(super) async fn end_notes_of_gone(
        &self,
        account: &AccountId,
        domain: Option<&PbxDomain>,
        rules: &[Route],
    ) {
        let mut notes = self.notes(account, domain).await;
        let mut shown: Vec<&str> = rules.iter().map(|rule| &*rule.key.domain).collect();
        shown.dedup();
        notes.0.retain(|_, kept| {
            kept.retain(|kept| {
                let domain = &kept.rule.key.domain;
                shown.iter().any(|shown| shown.eq_ignore_ascii_case(domain))
            });
            !kept.is_empty()
        });
        let gone = notes.of_none(rules);
        if gone.is_empty() {
            return;
        }
        let ended = async {
            let store = self.journal().store().get().await?;
            store.end_notes(&gone, now() - LAG).await
        };
        let ended: Result<()> = ended.await;
        if let Err(error) = ended {
            tracing::warn!(%error, "notes of rules that are gone could not be ended");
        }
    }

    /// The same of the rows of a list, whose rules stay as they are: what that
    /// changed, or why it was not possible, in one sentence. It is kept with the
    /// import, where there is one.
    pub(in crate::ops) async fn note_listed(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        run: Option<&str>,
        wanted: Vec<(Route, Option<String>)>,
    ) -> Option<String> {
        if wanted.is_empty() {
            return None;
        }
        let kept = self.notes(account, Some(domain)).await;
        match self.note_rules(account, &kept, run, wanted).await {
            Ok(changed) if changed.is_empty() => None,
            Ok(changed) => Some(format!(
                "{} of rules that stay as they are changed: {}",
                counted(changed.len(), "note"),
                first_few(NAMED, changed)
            )),
            Err(error) => Some(error.to_string()),
        }
    }

    /// Notes who the callers of rules are that exist already, and gives what that
    /// changed, a sentence for each.
    ///
    /// # Errors
    /// The store's errors: nothing was noted.
    pub(in crate::ops) async fn note_rules(
        &self,
        account: &AccountId,
        notes: &Notes,
        run: Option<&str>,
        wanted: Vec<(Route, Option<String>)>,
    ) -> Result<Vec<String>> {
        let told = notes.changed_by(&wanted);
        let texts = wanted.into_iter().map(|(rule, text)| NewText {
            kept: notes.of(&rule).map(|kept| kept.id),
            before: notes.text_of(&rule).map(str::to_owned),
            rule,
            text,
        });
        let texts: Vec<NewText> = texts.filter(|new| new.before != new.text).collect();
        if !texts.is_empty() {
            let journal = self.journal();
            let store = journal.store().get().await?;
            let noted = store.note_rules(journal.realm(), account.as_str(), run, &texts);
            noted.await.map_err(|error| {
                Error::internal(
                    format!("the notes could not be kept: {error}"),
                    error.hint(),
                )
            })?;
        }
        Ok(told)
    }
}
