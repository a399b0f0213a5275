//! `skyswitch approve`: a person settles a change that waits.

use serde_json::json;

use super::ask::{is_interactive, typed_at_terminal};
use super::exit::Exit;
use super::output::Output;
use super::tables;
use crate::app::App;
use crate::local_time;
use skyswitch_domain::command_line;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_guard::store::Approval;
use skyswitch_guard::{NotAgreed, Settled};

/// Lists what waits, or shows one change and asks for its typed value.
pub(super) async fn approve(app: &App, code: Option<&str>, output: &Output) -> Result<Exit> {
    let guard = app.guard();
    let Some(code) = code else {
        let waiting = guard.waiting().await?;
        let rows: Vec<_> = waiting.iter().map(as_json).collect();
        return output.list(&json!({ "waiting": rows }), || tables::waiting(&waiting));
    };
    let approval = guard.waiting_under(code).await?;
    if !is_interactive() {
        return Err(Error::new(
            Code::ConfirmationInvalid,
            "not confirmed: approving works only at an interactive terminal, so that a person sees the change",
            format!(
                "Run {} with the code in a terminal window. Nothing was approved.",
                command_line("approve")
            ),
        ));
    }
    let mut preview = approval.preview.clone();
    let settled = loop {
        let answer = typed_at_terminal(&preview).await;
        match guard.settle(&approval, &answer).await? {
            Settled::AskAgain(again) => preview = again,
            settled => break settled,
        }
    };
    let (status, text) = match settled {
        Settled::Approved => (
            "approved",
            format!(
                "Approved. The assistant makes this change once: by itself where its call waits, otherwise when you tell it to \
                 continue. The approval expires {}.",
                local_time::until(local_time::from_seconds(approval.expires_at))
            ),
        ),
        Settled::NotAgreed(NotAgreed::WrongValue) => (
            "wrong_value",
            "Not approved: what was typed was not the value asked for. Nothing will be changed."
                .to_owned(),
        ),
        Settled::NotAgreed(_) => ("declined", "Declined. Nothing will be changed.".to_owned()),
        Settled::AskAgain(_) | Settled::Waits => (
            "no_answer",
            "Not decided: the change still waits. Nothing was changed.".to_owned(),
        ),
    };
    let result = json!({ "code": approval.code, "status": status });
    output.result(&result, || text)?;
    Ok(match status {
        "approved" => Exit::Done,
        _ => Exit::NotConfirmed,
    })
}

fn as_json(approval: &Approval) -> serde_json::Value {
    json!({
        "code": approval.code,
        "preview": approval.preview.text(),
        "expires_at": local_time::from_seconds(approval.expires_at).to_string(),
    })
}
