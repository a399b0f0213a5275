//! `skyswitch changes`: the journal, and closing a change by hand.

use super::ask::Person;
use super::command::{ChangesAction, ChangesArgs};
use super::exit::Exit;
use super::output::Output;
use super::tables;
use crate::app::App;
use crate::ops::{self, CloseChange, CloseStatus, PageSize};
use crate::sentences;
use skyswitch_domain::error::{Code, Error, Result};

/// Changes shown where no limit is given: a journal may hold those of years.
const MOST_ROWS: usize = 1_000;

/// Lists changes, or closes one.
pub(super) async fn changes(app: &App, args: ChangesArgs, output: &Output) -> Result<Exit> {
    if let Some(ChangesAction::Close(args)) = args.action {
        return close(app, &args, output).await;
    }
    let size = match args.list.limit {
        None => PageSize::Rows(MOST_ROWS),
        limit => PageSize::from_limit(limit)?,
    };
    let list = ops::list_changes(app, &args.list, size).await?;
    let rules = list
        .changes
        .iter()
        .flat_map(|row| row.rules.iter().flatten());
    app.read_names_of(rules.map(|rule| &*rule.key.domain)).await;
    output.list(&list, || tables::changes(&list, &app.names(None)))
}

/// The person at the terminal says what became of it; there is no flag for it.
async fn close(app: &App, args: &CloseChange, output: &Output) -> Result<Exit> {
    let person = Person::at_terminal("");
    if !matches!(person, Person::Present) {
        return Err(Error::new(
            Code::ConfirmationInvalid,
            "not closed: a change is closed by hand only at an interactive terminal, by the person who has looked",
            "Run the command in a terminal window.",
        ));
    }
    let app = app.asked_by("skyswitch changes close (command line)");
    let closed = ops::close_change(&app, args, &person).await?;
    output.result(&closed, || {
        let change = sentences::change(&closed.change, &app.names(None));
        match closed.status {
            CloseStatus::Closed => format!("Closed.\n{change}"),
            CloseStatus::FoundOut => {
                format!("What became of it was found out meanwhile, so nothing had to be said.\n{change}")
            }
            CloseStatus::Declined | CloseStatus::WrongValue | CloseStatus::NoAnswer => {
                format!("Not closed: the change stays open.\n{change}")
            }
        }
    })?;
    Ok(match closed.status {
        CloseStatus::Closed | CloseStatus::FoundOut => Exit::Done,
        CloseStatus::Declined | CloseStatus::WrongValue | CloseStatus::NoAnswer => {
            Exit::NotConfirmed
        }
    })
}
