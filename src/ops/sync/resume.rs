//! Taking up a run that was cut off, without repeating what was done.

use std::collections::HashMap;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::outcome::RowState;
use super::report::{Report, Row};
use super::{Source, SyncMode, SyncVips, TOOL, Task};
use crate::domain::{AccountId, PbxDomain, Route};
use crate::error::{Code, Error, Result};
use crate::guard::RouteChange;
use crate::ops::App;
use crate::ops::siblings::at_risk;
use crate::redact::shown;
use crate::state::{Change, RunRow};

/// A run to be taken up.
pub(super) struct Resumed {
    pub id: String,
    pub mode: SyncMode,
}

/// Which run was asked for.
pub(super) enum Which {
    /// The newest one of the domain that was cut off.
    Last,
    /// The one of this id.
    Id(String),
}

impl Which {
    pub fn parse(text: &str) -> Result<Which> {
        match text.trim() {
            "last" => Ok(Which::Last),
            id if id.starts_with("r-") => Ok(Which::Id(id.to_owned())),
            other => Err(Error::invalid(
                "resume",
                format!("`{}` is not a run", shown(other, 60)),
                "Give the `run_id` of an earlier result, for example `r-7f3a9c21d0b4`, or `last`.",
            )),
        }
    }
}

impl App {
    /// The run to take up. `None` where the last one of the domain was asked
    /// for and none was cut off: then a list, if one is given, starts anew.
    pub(super) async fn run_to_resume(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        which: &Which,
        request: Option<&str>,
    ) -> Result<Option<Resumed>> {
        let journal = self.journal();
        if !journal.store().exists() {
            return match which {
                Which::Last => Ok(None),
                Which::Id(id) => Err(unknown_run(id)),
            };
        }
        let store = journal.store().get().await?;
        let run = match which {
            Which::Last => {
                store
                    .unfinished_run(journal.realm(), account.as_str(), domain.as_str())
                    .await?
            }
            Which::Id(id) => {
                let run = store.run(journal.realm(), id).await?;
                let ours = run
                    .filter(|run| run.account == account.as_str() && run.domain == domain.as_str());
                Some(ours.ok_or_else(|| unknown_run(id))?)
            }
        };
        let Some(run) = run else {
            return Ok(None);
        };
        if request.is_some_and(|request| request != run.request) {
            return Err(Error::invalid(
                "list",
                format!(
                    "the run {} that was cut off was for another list or mode",
                    run.id
                ),
                "Take that run up without a list, or start anew without `resume`.",
            ));
        }
        Ok(Some(Resumed {
            mode: SyncMode::from_word(&run.mode),
            id: run.id,
        }))
    }

    /// The rows of a run: what was done, and what is still to be done on what
    /// stands now.
    pub(super) async fn rest_of_run(
        &self,
        task: &Task,
        resumed: &Resumed,
        routes: &[Route],
    ) -> Result<Vec<Row>> {
        let store = self.journal().store().get().await?;
        let mut tried = HashMap::<i64, Change>::new();
        for change in store.run_changes(&resumed.id).await? {
            let Some(position) = change.row else { continue };
            let made_before = tried.get(&position).is_some_and(Change::was_made);
            if !made_before {
                tried.insert(position, change);
            }
        }
        let planned = store.run_rows(&resumed.id).await?;
        Ok(planned
            .iter()
            .map(|planned| rest(&task.account, planned, tried.get(&planned.row), routes))
            .collect())
    }
}

/// One row of a run, as it is now.
fn rest(account: &AccountId, planned: &RunRow, tried: Option<&Change>, routes: &[Route]) -> Row {
    let (before, wanted) = (
        planned.routes.before.as_ref(),
        planned.routes.wanted.as_ref(),
    );
    let mut row = Row::of_rule(before, wanted);
    row.line = planned.line.and_then(|line| usize::try_from(line).ok());
    row.position = Some(planned.row);
    if let Some(made) = tried.filter(|change| change.was_made()) {
        row.state = Some(RowState::Made);
        row.change_id = Some(made.id);
        return row;
    }
    let key = planned.routes.key();
    let now = routes.iter().find(|route| {
        key.is_some_and(|key| route.key.ani == key.ani && route.key.dnis.same_as(&key.dnis))
    });
    let rings_as = |wanted: Option<&Route>| match (now, wanted) {
        (None, None) => true,
        (Some(now), Some(wanted)) => now.rings_like(wanted),
        _ => false,
    };
    if rings_as(wanted) {
        row.state = Some(RowState::Made);
        row.reason = Some("stands already".to_owned());
        return row;
    }
    if !rings_as(before) {
        row.state = Some(RowState::Failed);
        row.reason = Some(format!(
            "somebody else changed this rule after the plan was agreed to; now {}",
            now.map_or_else(
                || "no rule stands".to_owned(),
                |now| format!("it rings {}", now.rings())
            )
        ));
        return row;
    }
    row.change = match (now, wanted) {
        (now, Some(wanted)) => Some(RouteChange::put(
            account.clone(),
            TOOL,
            now.cloned(),
            wanted.clone(),
        )),
        (Some(now), None) => Some(RouteChange::remove(
            account.clone(),
            TOOL,
            now.clone(),
            at_risk(now, routes),
        )),
        (None, None) => None,
    };
    row
}

impl Task {
    /// A run of which nothing is left to be done is over.
    pub(super) async fn finish_if_resumed(&self, app: &App, report: &Report) -> Result<()> {
        if let (Source::Run(resumed), false) = (&self.source, report.has_invalid_rows()) {
            let store = app.journal().store().get().await?;
            store.finish_run(&resumed.id).await?;
        }
        Ok(())
    }
}

/// The refusal where nothing was cut off and no list was given.
pub(super) fn nothing_to_resume(args: &SyncVips) -> Error {
    Error::new(
        Code::NotFound,
        format!("no run into {} was cut off", args.domain),
        "There is nothing to take up; give a list to start a new run.",
    )
    .with_field("resume")
}

fn unknown_run(id: &str) -> Error {
    Error::new(
        Code::NotFound,
        format!("there is no run `{}` for this domain", shown(id, 60)),
        "Give the `run_id` of an earlier result with the same domain, or `last`; runs are kept on the machine that made them.",
    )
    .with_field("resume")
}

/// Hex digest of a value's JSON form.
pub(super) fn digest(value: &impl Serialize) -> String {
    // Texts and lists of them always serialise.
    let json = serde_json::to_vec(value).unwrap_or_default();
    Sha256::digest(json)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
