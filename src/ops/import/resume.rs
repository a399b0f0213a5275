//! Taking up a run that was cut off, without repeating what was done.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::ops::import::Source;
use crate::ops::import::SyncMode;
use crate::ops::import::SyncVips;
use crate::ops::import::TOOL;
use crate::ops::import::Task;
use crate::ops::import::outcome::RowState;
use crate::ops::import::plan::Standing;
use crate::ops::import::report::Report;
use crate::ops::import::report::Row;
use crate::ops::vips::siblings::at_risk_among;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{AccountId, PbxDomain, Route, RouteKey};
use skyswitch_guard::RouteChange;
use skyswitch_guard::store::{Change, RunRow};

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
                    "the import {} that was cut off was for another list or mode",
                    run.id
                ),
                "Resume that import without a list, or import this list without `resume`.",
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
        let rest = Rest {
            account: &task.account,
            planned: &planned,
            tried,
            rules: Standing::of(routes),
        };
        Ok(rest.rows())
    }
}

/// A run's plan, what was tried of it, and what stands now.
struct Rest<'a> {
    account: &'a AccountId,
    planned: &'a [RunRow],
    /// By position in the plan.
    tried: HashMap<i64, Change>,
    /// What stands now.
    rules: Standing<'a>,
}

/// A rule that stands no more and was at risk from a removal of the run.
struct Lost<'a> {
    rule: &'a Route,
    /// The removal in the journal.
    removal: i64,
}

impl<'a> Rest<'a> {
    /// The rows of the plan, and those that put back what was lost along with
    /// its removals.
    fn rows(&self) -> Vec<Row> {
        let lost = self.lost();
        let mut rows = Vec::with_capacity(self.planned.len());
        let mut own = HashSet::new();
        for planned in self.planned {
            let key = planned.routes.key();
            own.extend(key);
            rows.push(self.row(planned, key.and_then(|key| lost.get(key))));
        }
        let others = lost.values().filter(|lost| !own.contains(&lost.rule.key));
        let mut others: Vec<&Route> = others.map(|lost| lost.rule).collect();
        others.sort_by(|one, other| one.list_order(other));
        rows.extend(others.into_iter().map(|rule| {
            let row = Row::of_rule(None, Some(rule));
            self.put_back(row, rule, rule)
        }));
        rows
    }

    /// What went away along with the removals that were made.
    fn lost(&self) -> HashMap<&'a RouteKey, Lost<'a>> {
        let mut lost = HashMap::new();
        for planned in self.planned.iter().filter(|row| !row.at_risk.is_empty()) {
            // Where somebody else made it, they may have removed the others, too.
            let Some(removal) = self.made(planned).map(|change| change.id) else {
                continue;
            };
            for rule in &planned.at_risk {
                if self.rules.stored_under(&rule.key).is_none() {
                    lost.insert(&rule.key, Lost { rule, removal });
                }
            }
        }
        lost
    }

    fn made(&self, planned: &RunRow) -> Option<&Change> {
        self.tried
            .get(&planned.row)
            .filter(|change| change.was_made())
    }

    /// One row of the plan, as it is now.
    fn row(&self, planned: &RunRow, lost: Option<&Lost<'_>>) -> Row {
        let (before, wanted) = (
            planned.routes.before.as_ref(),
            planned.routes.wanted.as_ref(),
        );
        let mut row = Row::of_rule(before, wanted);
        row.line = planned.line.and_then(|line| usize::try_from(line).ok());
        row.position = Some(planned.row);
        if let Some(made) = self.made(planned) {
            // Removals go first, but one that failed at first was made later.
            let lost_since = lost.is_some_and(|lost| lost.removal > made.id);
            if let (true, Some(wanted)) = (lost_since, wanted) {
                return self.put_back(row, wanted, wanted);
            }
            row.state = Some(RowState::Made);
            row.change_id = Some(made.id);
            return row;
        }
        let now = planned
            .routes
            .key()
            .and_then(|key| self.rules.stored_under(key));
        let rings_as = |wanted: Option<&Route>| match (now, wanted) {
            (None, None) => true,
            (Some(now), Some(wanted)) => now.rings_like(wanted),
            _ => false,
        };
        if rings_as(wanted) {
            row.state = Some(RowState::Made);
            row.reason = Some("this rule already exists".to_owned());
            return row;
        }
        if let (Some(lost), Some(wanted)) = (lost, wanted) {
            return self.put_back(row, lost.rule, wanted);
        }
        if !rings_as(before) {
            row.state = Some(RowState::Failed);
            row.reason = Some(format!(
                "somebody else changed this rule after the plan was agreed to; now {}",
                now.map_or_else(
                    || "there is no rule".to_owned(),
                    |now| format!("it goes to {}", now.rings())
                )
            ));
            return row;
        }
        row.state = Some(RowState::NotSent);
        row.change = match (now, wanted) {
            (now, Some(wanted)) => Some(self.put(now.cloned(), wanted)),
            (Some(now), None) => {
                let account = self.account.clone();
                let at_risk = at_risk_among(now, self.rules.of_caller(now));
                Some(RouteChange::remove(account, TOOL, now.clone(), at_risk))
            }
            (None, None) => None,
        };
        row
    }

    /// The row as one that is still to be made, now that its rule is gone.
    fn put_back(&self, mut row: Row, lost: &Route, wanted: &Route) -> Row {
        row.state = Some(RowState::NotSent);
        row.reason = Some(
            "SkySwitch deleted this rule together with another rule of the same caller; it will be created again"
                .to_owned(),
        );
        row.lost = Some(lost.clone());
        row.change = Some(self.put(None, wanted));
        row
    }

    fn put(&self, before: Option<Route>, wanted: &Route) -> RouteChange {
        RouteChange::put(self.account.clone(), TOOL, before, wanted.clone())
            .answered_without_by(self.rules.answering_without(wanted))
    }
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
        format!("no import into {} was cut off", args.domain),
        "There is nothing to resume; give a list to start a new import.",
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
