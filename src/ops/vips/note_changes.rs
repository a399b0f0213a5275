//! Notes of rules that stay as they are: what is to become of them, and what came of it.

use std::collections::HashSet;

use serde::Serialize;

use crate::app::App;
use crate::ops::vips::notes::{LIMIT, Notes, note_changed};
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::{counted, first_few};
use skyswitch_domain::{AccountId, Argument, Operation, Route, RouteKey};
use skyswitch_guard::store::{NewText, NotNoted};

/// Notes that are named in one sentence.
const NAMED: usize = 10;

/// A note that is to become another one.
#[derive(Debug, Clone)]
pub(in crate::ops) struct NoteChange {
    /// The change in one sentence, with the caller.
    told: String,
    /// Whether there is a text, which would be lost.
    overwrites: bool,
    text: NewText,
}

/// What the rows of a list change of the notes of rules that stay as they are, and
/// what they leave. A text is overwritten only along with a plan that was agreed to:
/// the rules as they were before it are kept with their notes.
#[derive(Debug, Clone, Default)]
pub(in crate::ops) struct PlannedNotes {
    made: Vec<NoteChange>,
    left: Vec<NoteChange>,
}

impl PlannedNotes {
    pub fn of(changes: Vec<NoteChange>, overwrites: bool) -> PlannedNotes {
        let (made, left) = changes
            .into_iter()
            .partition(|change| overwrites || !change.overwrites);
        PlannedNotes { made, left }
    }

    /// Whether nothing is going to be noted.
    pub fn is_empty(&self) -> bool {
        self.made.is_empty()
    }

    /// What is to be said of it beforehand.
    pub fn told(&self) -> Vec<String> {
        let will_change = (!self.made.is_empty()).then(|| {
            format!(
                "{} of rules that stay as they are will change: {}",
                counted(self.made.len(), "note"),
                first_few(NAMED, told(&self.made))
            )
        });
        will_change
            .into_iter()
            .chain(not_overwritten(&self.left))
            .collect()
    }

    /// All that is going to be noted, each with the text that is there.
    pub fn texts(&self) -> impl Serialize {
        let texts = self.made.iter().map(|change| &change.text);
        let texts = texts.map(|new| {
            let key = &new.rule.key;
            let (before, after) = (new.before.as_deref(), new.text.as_deref());
            (key.ani.as_str(), key.dnis.to_send(), before, after)
        });
        Vec::from_iter(texts)
    }
}

fn not_overwritten(left: &[NoteChange]) -> Option<String> {
    let callers = left
        .iter()
        .map(|change| change.text.rule.key.ani.to_string());
    (!left.is_empty()).then(|| {
        format!(
            "the list has another note for {}, and the present one is kept, because the list changes nothing else: {}. {} with {} changes a note",
            counted(left.len(), "rule"),
            first_few(NAMED, callers),
            Operation::AddVip,
            Argument("note")
        )
    })
}

fn told(changes: &[NoteChange]) -> impl Iterator<Item = &String> {
    changes.iter().map(|change| &change.told)
}

impl Notes {
    /// What is to be noted of rules otherwise than it is kept.
    pub fn changes(&self, wanted: Vec<(Route, Option<String>)>) -> Vec<NoteChange> {
        let changes = wanted.into_iter().filter_map(|(rule, text)| {
            let kept = self.of(&rule);
            let before = kept.and_then(|kept| kept.note.text.as_deref());
            let told = note_changed(before, text.as_deref())?;
            Some(NoteChange {
                told: format!("{}: {told}", rule.key.ani),
                overwrites: before.is_some(),
                text: NewText {
                    kept: kept.map(|kept| kept.id),
                    before: before.map(str::to_owned),
                    rule,
                    text,
                },
            })
        });
        changes.collect()
    }
}

impl App {
    /// Notes what was planned of rules that stay as they are, and says what that
    /// changed, or why it was not possible. It is kept with the import.
    pub(in crate::ops) async fn note_planned(
        &self,
        account: &AccountId,
        run: &str,
        planned: PlannedNotes,
    ) -> Vec<String> {
        let PlannedNotes { mut made, left } = planned;
        let noted = self.note_rules(account, Some(run), &made).await;
        let mut said = Vec::new();
        match noted {
            Ok(not_noted) => {
                let rules: HashSet<&RouteKey> = not_noted.iter().map(|not| &not.rule.key).collect();
                made.retain(|change| !rules.contains(&change.text.rule.key));
                said.extend((!made.is_empty()).then(|| {
                    format!(
                        "{} of rules that stay as they are changed: {}",
                        counted(made.len(), "note"),
                        first_few(NAMED, told(&made))
                    )
                }));
                said.extend(noted_otherwise(&not_noted));
            }
            Err(error) => said.push(error.to_string()),
        }
        said.extend(not_overwritten(&left));
        said
    }

    /// Notes who the callers of rules are that exist already, for an import or not,
    /// and gives those of which somebody else has noted something meanwhile.
    ///
    /// # Errors
    /// The store's errors: nothing was noted.
    pub(in crate::ops) async fn note_rules(
        &self,
        account: &AccountId,
        run: Option<&str>,
        changes: &[NoteChange],
    ) -> Result<Vec<NotNoted>> {
        let texts: Vec<_> = changes.iter().map(|change| change.text.clone()).collect();
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let journal = self.journal();
        let store = journal.store().get().await?;
        let noted = store.note_rules(journal.realm(), account.as_str(), run, &texts);
        noted.await.map_err(|error| not_kept(&error))
    }
}

pub(in crate::ops) fn not_kept(error: &Error) -> Error {
    Error::internal(
        format!("the notes could not be kept: {error}"),
        error.hint(),
    )
}

/// What is to be said of notes that were not written, because somebody else has noted
/// something of the same rules meanwhile.
pub(in crate::ops) fn noted_otherwise(not_noted: &[NotNoted]) -> Option<String> {
    let there = not_noted.iter().map(|not| {
        let there = not.there.as_ref().map_or("no note".to_owned(), |there| {
            format!("\"{}\"", shown(there, LIMIT))
        });
        format!("{}: {there}", not.rule.key.ani)
    });
    (!not_noted.is_empty()).then(|| {
        format!(
            "{} not changed, because another was made or the rule was changed meanwhile; what is there now: {}",
            counted(not_noted.len(), "note"),
            first_few(NAMED, there)
        )
    })
}
