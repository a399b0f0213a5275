//! `skyswitch pin`: a person sets, changes or removes the PIN.

use serde_json::json;

use super::ask::{hidden, is_interactive};
use super::command::PinAction;
use super::exit::Exit;
use super::output::Output;
use crate::app::App;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::program;
use skyswitch_domain::redact::Secret;

/// Sets or removes the PIN, or says whether there is one.
pub(super) async fn pin(app: &App, action: &PinAction, output: &Output) -> Result<Exit> {
    let guard = app.guard();
    let is_set = guard.pin_is_set()?;
    let none_is_set = format!("No PIN is set; `{} pin set` sets one.", program());
    let (status, text) = match action {
        PinAction::Status if is_set => ("set", "A PIN is set."),
        PinAction::Status => ("not_set", none_is_set.as_str()),
        PinAction::Remove if !is_set => ("not_set", "No PIN is set, so there is none to remove."),
        PinAction::Remove => {
            refuse_without_terminal()?;
            guard.remove_pin(Some(typed("Present PIN").await?)).await?;
            ("removed", "The PIN is removed.")
        }
        PinAction::Set => {
            refuse_without_terminal()?;
            let present = match is_set {
                true => Some(typed("Present PIN").await?),
                false => None,
            };
            let new = typed("New PIN").await?;
            if typed("New PIN once more").await? != new {
                return Err(Error::invalid(
                    "pin",
                    "the two PINs differ, so nothing was changed",
                    "Run the command again.",
                ));
            }
            guard.set_pin(present, new).await?;
            (
                "set",
                "The PIN is set. Whoever agrees to a change types it besides the value; no flag and no token agrees any more.",
            )
        }
    };
    output.result(&json!({ "status": status }), || text.to_owned())
}

fn refuse_without_terminal() -> Result<()> {
    match is_interactive() {
        true => Ok(()),
        false => Err(Error::new(
            Code::ConfirmationInvalid,
            "a PIN is set and removed only at an interactive terminal, so that a person does it",
            "Run the command in a terminal window. Nothing was changed.",
        )),
    }
}

async fn typed(what: &'static str) -> Result<Secret> {
    let read = tokio::task::spawn_blocking(move || hidden(what)).await;
    read.ok().flatten().ok_or_else(|| {
        Error::new(
            Code::ConfirmationInvalid,
            "no PIN was typed, so nothing was changed",
            "Run the command again.",
        )
    })
}
