//! The account of a run that is continued: the journal says what was made, and
//! the rules that its plan met say what others changed meanwhile.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::app::App;
use crate::ops::import::apply::caller;
use crate::ops::import::back::left_out_as_damaged;
use crate::ops::import::existing::ExistingRules;
use crate::ops::import::outcome::{Action, RowState};
use crate::ops::import::plan::SyncPlan;
use crate::ops::import::resume::Resumed;
use crate::ops::import::row::Row;
use skyswitch_domain::error::Result;
use skyswitch_domain::{Route, RouteKey};
use skyswitch_guard::store::{RuleRecord, TargetRecord};

/// Which rule it is, in whatever form its domain is written.
pub(super) type RuleName = (String, String);

pub(super) fn name(key: &RouteKey) -> RuleName {
    let dnis = match key.dnis.is_any() {
        true => "",
        false => key.dnis.as_str(),
    };
    (key.ani.as_str().to_owned(), dnis.to_owned())
}

/// A change that was made.
struct Made {
    id: i64,
    rule: RuleRecord,
}

/// What a run that is continued has done so far, and what it met.
pub(super) struct Past<'a> {
    /// The rules that its plan met, as they were when it was agreed to.
    met: ExistingRules<'a>,
    /// The newest change to each rule that it made.
    made: HashMap<RuleName, Made>,
    /// The rules as they are now.
    now: ExistingRules<'a>,
    /// Those that the service removed along with its removals, as they were.
    lost: HashMap<RuleName, Route>,
    /// What to say of changes that nobody can read any more.
    damaged: Option<String>,
}

impl App {
    /// What a run has done so far, by the journal.
    pub(super) async fn past_of<'a>(
        &self,
        resumed: &'a Resumed,
        routes: &'a [Route],
    ) -> Result<Past<'a>> {
        let store = self.journal().store().get().await?;
        let changes = store.run_changes(&resumed.id).await?;
        let damaged = left_out_as_damaged(&changes);
        let made =
            changes
                .into_iter()
                .filter_map(|change| match (change.was_made(), change.target) {
                    (true, TargetRecord::VipRule(rule)) => Some((
                        name(&rule.key),
                        Made {
                            id: change.id,
                            rule,
                        },
                    )),
                    _ => None,
                });
        let mut past = Past {
            met: ExistingRules::of(&resumed.met),
            made: made.collect(),
            now: ExistingRules::of(routes),
            lost: HashMap::new(),
            damaged,
        };
        past.lost = past.lost_along(&resumed.met);
        Ok(past)
    }
}

impl Past<'_> {
    /// Rules that are gone and that the service may have removed along with one
    /// that the run removed.
    fn lost_along(&self, met: &[Route]) -> HashMap<RuleName, Route> {
        let is_wide = |change: &&Made| change.rule.wanted.is_none() && change.rule.key.is_wide();
        let removals = self.made.values().filter(is_wide);
        // Those of many callers are few; those of one are found by the caller.
        let (of_many, of_one): (Vec<&Made>, Vec<&Made>) =
            removals.partition(|change| change.rule.key.ani.is_pattern());
        let mut by_caller = HashMap::<String, Vec<&Made>>::new();
        for change in of_one {
            let of_caller = by_caller.entry(caller(&change.rule.key.ani));
            of_caller.or_default().push(change);
        }
        let untouched = met
            .iter()
            .filter(|rule| !self.made.contains_key(&name(&rule.key)))
            .map(|rule| (0, rule));
        let wanted = self.made.values();
        let put = wanted.filter_map(|change| Some((change.id, change.rule.wanted.as_ref()?)));
        untouched
            .chain(put)
            .filter(|(made, rule)| {
                let of_caller = by_caller.get(&caller(&rule.key.ani));
                let mut removals = of_caller.into_iter().flatten().chain(&of_many);
                removals
                    .any(|removal| removal.id > *made && removal.rule.key.may_take_along(&rule.key))
                    && self.now.stored_under(&rule.key).is_none()
            })
            .map(|(_, rule)| (name(&rule.key), rule.clone()))
            .collect()
    }

    /// The rules that the list is planned on again. Those that were lost count
    /// as if they existed, so that the list says what becomes of them.
    pub fn with_what_was_lost(&self, routes: &[Route]) -> Vec<Route> {
        let mut lost: Vec<&Route> = self.lost.values().collect();
        lost.sort_by(|one, other| one.list_order(other));
        routes.iter().chain(lost).cloned().collect()
    }

    /// The plan made again, as the run's account: what was made, what is left,
    /// and what others changed, which is left alone.
    pub fn rest_of(&self, mut planned: SyncPlan) -> SyncPlan {
        planned.warnings.extend(self.damaged.clone());
        let named: HashSet<RuleName> = planned
            .rows
            .iter()
            .filter_map(Row::key)
            .map(|key| name(self.key_met(key)))
            .collect();
        let mut rows: Vec<Row> = planned.rows.into_iter().map(|row| self.row(row)).collect();
        let others = self.made.iter().filter(|(name, _)| !named.contains(name));
        let mut others: Vec<&Made> = others.map(|(_, change)| change).collect();
        others.sort_by_key(|change| change.id);
        rows.extend(others.into_iter().map(|change| made(None, change)));
        SyncPlan { rows, ..planned }
    }

    fn key_met<'k>(&'k self, key: &'k RouteKey) -> &'k RouteKey {
        self.met.stored_for(key).map_or(key, |rule| &rule.key)
    }

    fn row(&self, mut row: Row) -> Row {
        let Some(key) = row.key().filter(|_| row.action != Action::Invalid) else {
            // It could be used when the run was agreed to, and does not concern the others.
            row.state = Some(RowState::Failed);
            return row;
        };
        if let Some(lost) = self.lost.get(&name(key)) {
            return self.after_loss(row, lost);
        }
        let met = self.met.stored_for(key);
        let made_here = self.made.get(&name(self.key_met(key)));
        let Some(change) = &row.change else {
            return match made_here {
                Some(change) => made(Some(row), change),
                None if row.wanted.is_some() && !Route::are_alike(met, row.wanted.as_ref()) => {
                    Row {
                        state: Some(RowState::Made),
                        reason: Some("this rule already exists".to_owned()),
                        ..of_rule(&row, met, row.wanted.as_ref())
                    }
                }
                None => row,
            };
        };
        let left = made_here.map_or(met, |change| change.rule.wanted.as_ref());
        if Route::are_alike(change.before(), left) {
            row.state = Some(RowState::NotSent);
            return row;
        }
        let reason = Some(changed_by_others(change.before()));
        if let Some(change) = made_here {
            return Row {
                reason,
                ..made(Some(row), change)
            };
        }
        // Where the rule was as the list wants it, the run has nothing to do with it.
        let was_planned = !Route::are_alike(met, change.after());
        row.change = None;
        row.reason = reason;
        match was_planned {
            true => row.state = Some(RowState::Failed),
            false => row.action = Action::Keep,
        }
        row
    }

    /// A rule that the service removed along with another: it is put back
    /// unless it was to go, too.
    fn after_loss(&self, row: Row, lost: &Route) -> Row {
        let wanted = match row.action {
            Action::Remove => {
                return Row {
                    change: None,
                    state: Some(RowState::Made),
                    reason: Some(
                        "SkySwitch deleted it together with another rule of this caller".to_owned(),
                    ),
                    ..row
                };
            }
            Action::Keep => lost,
            _ => row.wanted.as_ref().unwrap_or(lost),
        };
        let change = self.now.put(None, wanted.clone());
        Row {
            state: Some(RowState::NotSent),
            reason: Some(
                "SkySwitch deleted this rule together with another rule of the same caller; it will be created again"
                    .to_owned(),
            ),
            lost: Some(lost.clone()),
            change: Some(Arc::new(change)),
            ..of_rule(&row, None, Some(wanted))
        }
    }
}

/// The row about another pair of rules.
fn of_rule(row: &Row, before: Option<&Route>, wanted: Option<&Route>) -> Row {
    Row {
        line: row.line,
        note: row.note.clone(),
        until: row.until.clone(),
        ..Row::of_rule(before, wanted)
    }
}

/// A change of the run that was made.
fn made(row: Option<Row>, change: &Made) -> Row {
    let (before, wanted) = (&change.rule.before, &change.rule.wanted);
    let (line, note) = row.map_or((None, None), |row| (row.line, row.note));
    Row {
        line,
        note,
        state: Some(RowState::Made),
        change_id: Some(change.id),
        ..Row::of_rule(before.as_ref(), wanted.as_ref())
    }
}

fn changed_by_others(now: Option<&Route>) -> String {
    let now = now.map_or_else(
        || "it does not exist".to_owned(),
        |now| format!("it goes to {}", now.goes_to()),
    );
    format!("somebody else changed this rule after the plan was agreed to; now {now}")
}
