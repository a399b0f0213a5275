//! `skyswitch checklist`, `onboard` and `status`: customers' setups.

use super::ask::{self, Person};
use super::command::{ChecklistAction, ChecklistArgs, OnboardArgs};
use super::exit::Exit;
use super::output::Output;
use super::progress::Bar;
use super::setup_tables;
use crate::app::App;
use crate::ops::{self, MarkSetupStep, MarkStatus, OnboardStatus, PageSize, StatusQuery};
use crate::sentences;
use skyswitch_domain::error::{Error, Result};

/// Shows the checklist, or attests a step of it.
pub(super) async fn checklist(app: &App, args: ChecklistArgs, output: &Output) -> Result<Exit> {
    match (args.action, args.show) {
        (Some(ChecklistAction::Mark(args)), _) => mark(app, &args, output).await,
        (None, Some(args)) => {
            let checklist = ops::setup_checklist(app, &args).await?;
            output.result(&checklist, || sentences::checklist(&checklist))
        }
        (None, None) => Err(Error::invalid(
            "domain",
            "no domain is named",
            "Give `--domain`, for example `skyswitch checklist --domain acme.12345.service`.",
        )),
    }
}

/// The person at the terminal gives their word; there is no flag for it.
async fn mark(app: &App, args: &MarkSetupStep, output: &Output) -> Result<Exit> {
    let person = Person::new(false);
    let app = app.asked_by("skyswitch checklist mark (command line)");
    let marked = ops::mark_setup_step(&app, args, &person.channel()).await?;
    let outcome = ask::decided(marked)?;
    output.result(&outcome, || sentences::marked(&outcome))?;
    if outcome.status == MarkStatus::Declined {
        output.note(
            "not attested: the person who has looked types the domain's name at an interactive terminal.",
        );
        return Ok(Exit::NotConfirmed);
    }
    Ok(Exit::Done)
}

/// Makes what is missing of a customer's setup.
pub(super) async fn onboard(app: &App, args: OnboardArgs, output: &Output) -> Result<Exit> {
    let person = Person::new(args.yes);
    let app = app.asked_by("skyswitch onboard (command line)");
    let onboarded = ops::onboard_domain(&app, &args.onboard, &person.channel()).await?;
    let outcome = ask::decided(onboarded)?;
    output.result(&outcome, || sentences::onboarded(&outcome))?;
    Ok(match outcome.status {
        OnboardStatus::Planned | OnboardStatus::Unchanged | OnboardStatus::Applied => Exit::Done,
        OnboardStatus::Declined | OnboardStatus::ConfirmationRequired => person.exit(true, output),
        OnboardStatus::Incomplete => Exit::Failed,
    })
}

/// Shows all customers.
pub(super) async fn status(app: &App, args: &StatusQuery, output: &Output) -> Result<Exit> {
    let bar = Bar::new();
    let status = ops::onboarding_status(app, args, PageSize::All, &bar).await;
    bar.end();
    let status = status?;
    output.result(&status, || setup_tables::setup_status(&status))
}
