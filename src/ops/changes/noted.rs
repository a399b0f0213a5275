//! Imports that changed notes alone, among the changes of the journal: they have
//! no entry there, and can be undone by their id.

use std::cmp::Reverse;

use crate::ops::changes::list::ListChanges;
use crate::ops::changes::row::ChangeRow;
use crate::ops::import::TOOL;
use crate::ops::page::{number_in, position_in};
use skyswitch_domain::error::Result;
use skyswitch_domain::wording::counted;
use skyswitch_guard::store::{ChangeFilter, ChangeRecord, ChangeStatus, NotedRun, Store};

/// An entry of the list.
pub(super) enum Entry {
    Change(Box<ChangeRecord>),
    Noted(NotedRun),
}

/// Where an entry is in the list: that of a change by its id, that of an import
/// after the change before it, by its time and id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(i64, Option<(i64, String)>);

impl Place {
    /// The one that a cursor holds.
    pub fn in_cursor(list: &str, cursor: &str) -> Result<Place> {
        let change = number_in(list, cursor)?;
        let import = match position_in(list, cursor)?.as_slice() {
            [_, time, id] => time.parse().ok().map(|time| (time, id.clone())),
            _ => None,
        };
        Ok(Place(change, import))
    }

    /// The first change that is not listed after it.
    pub fn before(&self) -> i64 {
        match self.1 {
            Some(_) => self.0.saturating_add(1),
            None => self.0,
        }
    }
}

impl Entry {
    fn place(&self) -> Place {
        match self {
            Entry::Change(change) => Place(change.id, None),
            Entry::Noted(run) => Place(run.after, Some((run.started_at, run.id.clone()))),
        }
    }

    /// As a cursor holds its place.
    pub fn position(&self) -> Vec<String> {
        let Place(change, import) = self.place();
        let import = import.map(|(time, id)| [time.to_string(), id]);
        std::iter::once(change.to_string())
            .chain(import.into_iter().flatten())
            .collect()
    }

    pub fn row(&self) -> ChangeRow {
        match self {
            Entry::Change(change) => ChangeRow::from(change.as_ref()),
            Entry::Noted(run) => ChangeRow::from(run),
        }
    }
}

impl From<&NotedRun> for ChangeRow {
    fn from(run: &NotedRun) -> ChangeRow {
        let notes = counted(run.notes, "note");
        ChangeRow {
            subject: Some("notes".to_owned()),
            wanted: Some(format!("{notes} of rules that stay as they are")),
            run_id: Some(run.id.clone()),
            ..ChangeRow::bare(
                ChangeStatus::Done,
                TOOL,
                &run.asked_by,
                run.started_at,
                &run.domain,
            )
        }
    }
}

/// Those that a list asks for.
pub(super) async fn noted_runs(
    store: &Store,
    (realm, account): (&str, &str),
    args: &ListChanges,
    filter: &ChangeFilter<'_>,
) -> Result<Vec<NotedRun>> {
    let is_done = filter
        .status
        .is_none_or(|status| status == ChangeStatus::Done);
    if filter.did.is_some() || !is_done {
        return Ok(Vec::new());
    }
    let mut runs = store.noted_runs(realm, account).await?;
    runs.retain(|run| {
        filter.run.is_none_or(|id| run.id == id)
            && filter.since.is_none_or(|since| run.started_at >= since)
            && filter.until.is_none_or(|until| run.started_at < until)
            && filter
                .domain
                .is_none_or(|domain| run.domain.eq_ignore_ascii_case(domain))
    });
    let Some(caller) = &args.ani else {
        return Ok(runs);
    };
    let mut of_caller = Vec::new();
    for run in runs {
        let notes = store.notes_of_run(&run.id).await?;
        let mut rules = notes.noted.iter().map(|noted| &noted.rule.key);
        if rules.any(|key| caller.matches(&key.ani)) {
            of_caller.push(run);
        }
    }
    Ok(of_caller)
}

/// Changes and imports after a place, both newest first, as one list.
pub(super) fn together(
    changes: Vec<ChangeRecord>,
    runs: Vec<NotedRun>,
    after: Option<&Place>,
) -> Vec<Entry> {
    let changes = changes.into_iter().map(Box::new).map(Entry::Change);
    let runs = runs.into_iter().map(Entry::Noted);
    let runs = runs.filter(|run| after.is_none_or(|after| run.place() < *after));
    let mut entries: Vec<Entry> = changes.chain(runs).collect();
    entries.sort_by_key(|entry| Reverse(entry.place()));
    entries
}
