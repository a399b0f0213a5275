//! `skyswitch checklist`, `onboard`, `route` and `status`: customers' setups.

use super::ask::Person;
use super::command::{Asking, ChecklistAction, ChecklistArgs};
use super::exit::Exit;
use super::output::Output;
use super::progress::Bar;
use super::setup_tables;
use super::tables::next;
use crate::app::App;
use crate::ops::{
    self, MarkOutcome, MarkSetupStep, OnboardDomain, OnboardOutcome, OnboardStatus, PageSize,
    RouteNumber, RouteOutcome, SetupStatus, StatusQuery, TicketArgs,
};
use crate::sentences;
use skyswitch_domain::command_line;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::program;
use skyswitch_domain::redact::shown;

/// Shows the checklist, or attests a step of it.
pub(super) async fn checklist(app: &App, args: ChecklistArgs, output: &Output) -> Result<Exit> {
    match (args.action, args.show) {
        (Some(ChecklistAction::Mark(args)), _) => mark(app, &args, output).await,
        (None, Some(args)) => {
            let checklist = ops::setup_checklist(app, &args).await?;
            output.result(&checklist, || {
                let mut text = sentences::checklist(&checklist, &app.names(None));
                if !checklist.ready {
                    // It is no part of the ticket, which may be copied from above it.
                    text.push('\n');
                    let (program, domain) = (program(), shown(&checklist.domain, 100));
                    let step = format!(
                        "`{program} onboard -d {domain} --dry-run` shows what can be done here"
                    );
                    next(&mut text, step);
                }
                text
            })
        }
        (None, None) => Err(Error::invalid(
            "domain",
            "no domain is named",
            format!(
                "Give `--domain`, for example {}.",
                command_line("checklist --domain acme.12345.service")
            ),
        )),
    }
}

/// The person at the terminal attests the step; there is no flag for it.
async fn mark(app: &App, args: &MarkSetupStep, output: &Output) -> Result<Exit> {
    let person = Person::at_terminal(
        "The person who checked types the domain's name in a terminal; nothing was attested.",
    );
    let app = app.asked_by("skyswitch checklist mark (command line)");
    let marked = ops::mark_setup_step(&app, args, &person.channel()).await?;
    let exit = |outcome: &MarkOutcome| Exit::of_agreement(&outcome.status);
    person.settle(marked, output, sentences::marked, exit)
}

/// Shows the support ticket, or records that it was sent.
pub(super) async fn ticket(app: &App, args: &TicketArgs, output: &Output) -> Result<Exit> {
    let app = app.asked_by("skyswitch ticket (command line)");
    let outcome = ops::ticket(&app, args).await?;
    output.result(&outcome, || {
        sentences::ticket_of(&outcome, &app.names(None))
    })
}

/// Sets up what is missing for a customer.
pub(super) async fn onboard(
    app: &App,
    args: Asking<OnboardDomain>,
    output: &Output,
) -> Result<Exit> {
    let person = Person::new(app, args.yes)?;
    let app = app.asked_by("skyswitch onboard (command line)");
    let onboarded = ops::onboard_domain(&app, &args.args, &person.channel()).await?;
    let exit = |outcome: &OnboardOutcome| match outcome.status {
        OnboardStatus::Planned | OnboardStatus::Unchanged | OnboardStatus::Applied => Exit::Done,
        OnboardStatus::Incomplete => Exit::Failed,
        _ => Exit::NotConfirmed,
    };
    let text = |outcome: &OnboardOutcome| {
        let mut text = sentences::onboarded(outcome, &app.names(None));
        if outcome.status == OnboardStatus::Planned {
            next(&mut text, "the same command without `--dry-run`");
        }
        text
    };
    person.settle(onboarded, output, text, exit)
}

/// Sends a number to a user.
pub(super) async fn route(app: &App, args: &Asking<RouteNumber>, output: &Output) -> Result<Exit> {
    let person = Person::new(app, args.yes)?;
    let app = app.asked_by("skyswitch route (command line)");
    let routed = ops::route_number(&app, &args.args, &person.channel()).await?;
    let exit = |outcome: &RouteOutcome| Exit::of_agreement(&outcome.status);
    let text = |outcome: &RouteOutcome| sentences::routed(outcome, &app.names(None));
    person.settle(routed, output, text, exit)
}

/// Shows all customers; the exit code tells a script of alarms.
pub(super) async fn status(app: &App, args: &StatusQuery, output: &Output) -> Result<Exit> {
    let bar = Bar::new();
    let status = ops::onboarding_status(app, args, PageSize::All, &bar).await;
    bar.end();
    let status = status?;
    output.list(&status, || setup_tables::setup_status(&status))?;
    Ok(exit_of(&status))
}

/// What the exit code says of alarms.
pub(super) fn exit_of(status: &SetupStatus) -> Exit {
    match (status.alarms, status.unverified) {
        (0, 0) => Exit::Done,
        (0, _) => Exit::NotVerified,
        _ => Exit::Alarm,
    }
}
