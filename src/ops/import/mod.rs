//! `sync_vips`: imports a wanted list. Plan, agree to the plan as a whole,
//! apply. A run that was cut off is continued by planning its list again.

mod apply;
mod arguments;
mod back;
mod destinations;
mod existing;
pub mod files;
mod kept;
mod made_lists;
mod named;
mod outcome;
mod past;
mod plan;
mod read_back;
mod report;
mod restore;
mod resume;
mod row;
mod task;
mod wanted;

use std::collections::HashSet;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::ops::doctor::DeleteReach;
pub use crate::ops::import::files::Format;
use crate::ops::progress::Progress;
use crate::ops::vips::note_changes::{PlannedNotes, not_kept};
use crate::ops::write::agree::{
    Agreement, Asked, Attempt, Cleared, Confirmation, asks_a_person, failed_after,
};
use crate::ops::write::locks::Turn;
use apply::Run;
pub use arguments::{SyncMode, SyncVips};
pub(in crate::ops) use back::undo_run;
use destinations::doubt_dialled;
pub use outcome::{Action, Counts, Done, Origin, RowState, SyncOutcome, SyncRow, SyncStatus};
use past::name;
use plan::{SyncPlan, Wanted};
use report::Report;
use row::Row;
use skyswitch_domain::Route;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::wording::counted;
use skyswitch_guard::{Channel, Plan};
use task::{Source, Task, read_list};

/// The operation's name in the journal.
pub(in crate::ops) const TOOL: &str = "sync_vips";
/// What a person reads before everybody is taken off a list.
const EVERYBODY: &str =
    "this takes everybody off the VIP list. It can be undone as a whole, by the id of this import";
/// Changes that are named where the list does not show them yet.
const NOTES_SHOWN: usize = 20;

/// Who asks for a sync, and how they follow and stop it.
pub struct SyncSession<'a> {
    /// How a person is reached.
    pub channel: &'a Channel<'a>,
    /// Told of every row.
    pub progress: &'a dyn Progress,
    /// Cancelled when no further row is to be sent.
    pub stop: &'a CancellationToken,
    /// Rows that a list may have; `None` for any number.
    pub most_rows: Option<usize>,
}

/// Imports a VIP list into a domain: everything that differs is shown as
/// one plan, and nothing is sent before a person has agreed to all of it.
///
/// One read of the routes serves the whole plan; after a form, a second one. What
/// was made is read back at the end.
/// A list with any row that cannot be used changes nothing, unless such rows are
/// to be skipped.
///
/// Stopped through the session, it ends at once while nothing is being
/// applied. After that it waits for what was sent, puts back what was lost
/// along with it, and reports; so whoever applies a list waits for
/// this and does not drop it.
///
/// # Errors
/// `invalid_argument` for an unusable list, too many rows, or too large a
/// removal; `not_found` for an unknown customer or run; `cancelled` when it was stopped
/// before anything was applied; the guard's and the service's errors. Failures
/// of single rows are part of the outcome.
pub async fn sync_vips(
    app: &App,
    args: &SyncVips,
    list: Option<&[u8]>,
    session: &SyncSession<'_>,
) -> Result<Asked<SyncOutcome>> {
    carry_out(app, session, prepare(app, args, list, session)).await
}

/// Prepares, which can be dropped at any moment, and applies, which cannot.
async fn carry_out(
    app: &App,
    session: &SyncSession<'_>,
    prepare: impl Future<Output = Result<Asked<Prepared>>>,
) -> Result<Asked<SyncOutcome>> {
    let prepared = tokio::select! {
        biased;
        () = session.stop.cancelled() => return Err(Error::cancelled()),
        prepared = prepare => prepared?,
    };
    Ok(match prepared {
        Asked::Question(question) => Asked::Question(question),
        Asked::Done(Prepared::Ended(outcome)) => Asked::Done(*outcome),
        Asked::Done(Prepared::Agreed(agreed)) => {
            let (task, mut report, cleared) = *agreed;
            let run = Run::begin(app, &task, &report).await;
            let run = run.map_err(|error| failed_after(&cleared.done_before, error))?;
            let planned = std::mem::take(&mut report.planned_notes);
            let noted = app.note_planned(&task.account, run.id(), planned).await;
            // A long list is not held until its last row is sent.
            drop(task);
            let mut outcome = run.apply(app, report, cleared, session).await?;
            outcome.warnings.extend(noted);
            Asked::Done(outcome)
        }
    })
}

/// How far a sync got before anything was sent.
enum Prepared {
    /// There is nothing to be sent.
    Ended(Box<SyncOutcome>),
    /// The plan may be carried out.
    Agreed(Box<(Task, Report, Cleared<Plan>)>),
}

/// Reads, plans and asks. Can be dropped at any moment.
async fn prepare(
    app: &App,
    args: &SyncVips,
    list: Option<&[u8]>,
    session: &SyncSession<'_>,
) -> Result<Asked<Prepared>> {
    let account = app.account(args.account_id.as_ref())?;
    let list = wanted::given(app, args, list, session.most_rows)?;
    let domain = app.domain_to_change(&account, &args.domain).await?;
    let wanted::Wanted { args, list } = app.wanted(&account, &domain, args, list).await?;
    let list = match list {
        Some(list) if args.may_name_people() => {
            Some(app.without_names(&account, &domain, &args, list).await?)
        }
        list => list,
    };
    let list = match args.plan {
        // A plan has its list, also one that was made.
        Some(_) => list,
        None => app.made_list(&account, &domain, &args, list).await?,
    };
    let task = app.task(&account, &domain, &args, list).await?;
    agree(app, task, session).await
}

/// Plans and asks.
async fn agree(app: &App, task: Task, session: &SyncSession<'_>) -> Result<Asked<Prepared>> {
    let (account, domain) = (task.account.clone(), task.domain.clone());
    let plan = || app.plan_sync(&task, session);
    let attempt = Attempt {
        continued: task.continued(),
        // Imports into one domain take turns, also between processes.
        ..Attempt::new(app, session.channel, Turn::Import(&account, &domain))
    };
    if task.is_dry_run {
        let mut report = attempt.only_plan(plan).await?;
        let changes = app
            .settings()
            .limits
            .count_of_import(report.changes().len());
        match app.guard().refuse_beyond_hour(changes, app.author()).await {
            Err(refused) if refused.code() == Code::Blocked => {
                let said = format!(
                    "this plan would be refused now: {refused}. {}",
                    refused.hint()
                );
                report.warnings.push(said);
            }
            within => within?,
        }
        let can_be_applied = !report.changes().is_empty() && !report.is_refused;
        report.warnings.extend(report.planned_notes.told());
        let mut outcome = report.report(SyncStatus::Planned);
        if can_be_applied && !outcome.has_rows_in_the_way {
            outcome.plan_id = app.keep(&task, None).await;
        }
        return Ok(ended(outcome));
    }
    let (mut report, agreement) = match attempt.agree(plan).await? {
        Asked::Question(question) => return Ok(Asked::Question(question)),
        Asked::Done(done) => done,
    };
    Ok(match agreement {
        Agreement::Nothing => {
            let planned = std::mem::take(&mut report.planned_notes);
            let mut run_id = None;
            if planned.is_empty() {
                task.finish_if_resumed(app, &report).await?;
                report.warnings.extend(planned.told());
            } else {
                // What is noted can be taken back by the id of the import, too.
                match Run::begin(app, &task, &report).await {
                    Ok(run) => {
                        let noted = app.note_planned(&task.account, run.id(), planned).await;
                        report.warnings.extend(noted);
                        run.finish(app, &mut report.warnings).await;
                        run_id = Some(run.id().to_owned());
                    }
                    Err(error) => report.warnings.push(not_kept(&error).to_string()),
                }
            }
            let mut outcome = report.without_changes();
            outcome.run_id = outcome.run_id.or(run_id);
            ended(outcome)
        }
        Agreement::Reached(cleared) => {
            Asked::Done(Prepared::Agreed(Box::new((task, report, cleared))))
        }
        waits_or_declined => {
            let (status, confirmation) =
                waits_or_declined.status(SyncStatus::Unchanged, SyncStatus::Applied);
            report.warnings.extend(report.planned_notes.told());
            let mut outcome = report.report(status);
            if let Some(code) = &confirmation.approval_code {
                app.keep(&task, Some(code)).await;
            }
            outcome.confirmation = confirmation;
            ended(outcome)
        }
    })
}

asks_a_person!(SyncStatus);

fn ended(outcome: SyncOutcome) -> Asked<Prepared> {
    Asked::Done(Prepared::Ended(Box::new(outcome)))
}

/// Rules with what is to be noted of them, and a number.
type Noted = (Vec<(Route, Option<String>)>, usize);

impl App {
    /// What the list notes of rules that stay as they are, and how many notes of the
    /// import nobody can read any more. An import that is continued
    /// has noted some already, and what is there now was noted since.
    async fn noted(&self, task: &Task, report: &Report) -> Result<Noted> {
        let (mut noted, mut damaged) = (report.noted(), 0);
        if let (Some(run), false) = (task.continued(), noted.is_empty()) {
            let store = self.journal().store().get().await?;
            let already = store.notes_of_run(run).await?;
            let names = already.noted.iter().map(|noted| name(&noted.rule.key));
            let names: HashSet<_> = names.collect();
            noted.retain(|(rule, _)| !names.contains(&name(&rule.key)));
            damaged = already.damaged;
        }
        Ok((noted, damaged))
    }

    /// Reads what exists, once, and plans on it.
    async fn plan_sync(
        &self,
        task: &Task,
        session: &SyncSession<'_>,
    ) -> Result<(Option<Plan>, Report)> {
        session
            .progress
            .report(0, 0, "reading the present VIP rules");
        let mut report = Report::new(task);
        let (account, domain) = (&task.account, &task.domain);
        let (present, reach, deletes) = tokio::join!(
            self.present_rules(account, domain, |change| task.makes_again(change)),
            self.reach_of_import(task),
            self.delete_reach(),
        );
        let present = present?;
        present.refuse_under_way(|key| task.may_change(key))?;
        let routes = &present.rules;
        let unknown = match routes.is_empty() {
            true => self.refuse_unknown(account, domain).await?,
            false => None,
        };
        let planned = match &task.source {
            Source::List(_) => self.plan_list(task, routes, deletes)?,
            Source::Run(resumed) => {
                report.run_id = Some(resumed.id.clone());
                let past = self.past_of(resumed, routes).await?;
                let planned = self.plan_list(task, &past.with_what_was_lost(routes), deletes)?;
                past.rest_of(planned)
            }
        };
        report.rows = planned.rows;
        report.listed = Arc::clone(&present.listed);
        let notes = self.notes(account, Some(domain)).await?;
        report.keep(task, &present, &notes);
        report.warnings = planned.warnings;
        report.is_refused = planned.is_refused;
        report.warnings.extend(report.other_last_days(&notes));
        report.warnings.extend(unknown);
        report.warnings.extend(present.notes().take(NOTES_SHOWN));
        report.warnings.extend(report.put_back());
        let doubts = self.doubt_destinations(task, &mut report.rows).await;
        report.warnings.extend(doubts);
        report.warnings.extend(doubt_dialled(&reach, &report.rows));
        report.warnings.extend(reach.warning);
        let changes = report.changes();
        if !report.has_invalid_rows() {
            let (noted, damaged) = self.noted(task, &report).await?;
            let noted = notes.changes(noted);
            let overwrites = task.may_overwrite_notes(!changes.is_empty());
            report.planned_notes = PlannedNotes::of(noted, overwrites);
            let is_noted_again = damaged > 0 && !report.planned_notes.is_empty();
            report.warnings.extend(is_noted_again.then(|| {
                format!(
                    "{} that the import changed cannot be read, so it may be changed once more",
                    counted(damaged, "note")
                )
            }));
        }
        let touched = changes.iter().filter(|change| change.is_destructive());
        let kept = routes.len().saturating_sub(touched.count());
        let changes = (!report.has_invalid_rows()).then_some(changes);
        let plan = Plan::of(account, domain, task.tool, changes.unwrap_or_default());
        let plan = plan.map(|plan| {
            let clears = task.mode == SyncMode::Clear;
            let everybody = clears.then(|| EVERYBODY.to_owned());
            let notes = everybody.into_iter().chain(report.named.clone());
            let notes = notes.chain(report.left_out());
            let notes = notes.chain(report.planned_notes.told());
            let notes = notes.chain(report.warnings.clone()).collect();
            let plan = plan.of_import(&task.request, kept).with_notes(notes);
            let plan = plan.noting(&report.planned_notes.texts());
            match clears {
                true => plan.clearing(),
                false => plan,
            }
        });
        // A preview says it with each rule.
        report.warnings.extend(report.no_longer_applies());
        Ok((plan, report))
    }

    fn plan_list(&self, task: &Task, routes: &[Route], reach: DeleteReach) -> Result<SyncPlan> {
        let settings = self.settings();
        let wanted = Wanted {
            domain: &task.domain,
            list: task.list(),
            mode: task.mode,
            allow_large_removal: task.allow_large_removal,
            is_dry_run: task.is_dry_run,
            form: settings.destination_form,
            limits: &settings.limits,
            reach,
        };
        wanted.plan(routes)
    }
}
