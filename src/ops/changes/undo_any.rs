//! Undoing what a person or a program names: one change, a whole import, or
//! whatever was made last.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::app::App;
use crate::ops::changes::undo::{UndoChange, UndoOutcome, UndoStatus, undo_change};
use crate::ops::import::{self, SyncOutcome, SyncSession, SyncStatus};
use crate::ops::write::agree::Asked;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::{AccountId, Operation};
use skyswitch_guard::store::{ChangeFilter, ChangeRecord};

/// Changes that are looked through for the newest one that was made.
const LOOKED_AT: usize = 50;

/// What to undo.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema, clap::Args)]
#[group(required = true, multiple = false)]
#[serde(deny_unknown_fields)]
pub struct Undo {
    /// The change's id, e.g. `42`
    #[arg(value_name = "ID")]
    #[serde(default, deserialize_with = "crate::lenient::some_text")]
    pub change_id: Option<String>,
    /// All changes of this import, e.g. `r-7f3a9c21d0b4`
    #[arg(long = "run", value_name = "RUN")]
    pub run_id: Option<String>,
    /// The newest change made from this installation, or the whole import that it belongs to
    #[arg(long)]
    #[serde(skip)]
    pub last: bool,
    /// SkySwitch account id, e.g. `0f8fad5b-d9cb-469f-a165-70867728950e`; the configured default when left out
    #[arg(skip)]
    pub account_id: Option<AccountId>,
    /// The confirmation token from the previous result, unchanged, e.g. `rs1.eyJ…`
    #[arg(skip)]
    pub confirmation: Option<String>,
}

/// Restores what was before one change, or before a whole import as one plan with
/// one preview and one confirmation.
///
/// # Errors
/// `invalid_argument` where neither or both are named; those of [`undo_change`]
/// and of an import.
pub async fn undo(app: &App, args: &Undo, session: &SyncSession<'_>) -> Result<Asked<UndoOutcome>> {
    let account = app.account(args.account_id.as_ref())?;
    let (change, run) = match args.last {
        true => app.newest(&account).await?,
        false => (args.change_id.clone(), args.run_id.clone()),
    };
    match (change, run) {
        (None, Some(run)) => {
            let undone = import::undo_run(app, &account, run.trim(), session).await?;
            Ok(undone.map(of_import))
        }
        (Some(change_id), None) => {
            let args = UndoChange {
                change_id,
                account_id: Some(account),
                confirmation: args.confirmation.clone(),
            };
            let undone = undo_change(app, &args, session.channel);
            tokio::select! {
                biased;
                () = session.stop.cancelled() => Err(Error::cancelled()),
                undone = undone => undone,
            }
        }
        _ => Err(Error::invalid(
            "change_id",
            "one change or one import can be undone at a time",
            format!(
                "Give either `change_id` or `run_id`; {} shows both.",
                Operation::ListChanges
            ),
        )),
    }
}

impl App {
    /// The newest change, or the import that it belongs to, or that changed notes alone
    /// after it: one of the two ids.
    async fn newest(&self, account: &AccountId) -> Result<(Option<String>, Option<String>)> {
        let journal = self.journal();
        let (changes, noted) = match journal.store_to_read().await? {
            Some(store) => {
                let (realm, account) = (journal.realm(), account.as_str());
                let filter = ChangeFilter::default();
                let changes = store.changes(realm, account, &filter, None, Some(LOOKED_AT));
                (changes.await?.0, store.noted_runs(realm, account).await?)
            }
            None => (Vec::new(), Vec::new()),
        };
        let is_made = |change: &ChangeRecord| {
            change.operation != "lost_along_with"
                && (change.was_made() || change.ended_at.is_none())
        };
        let change = changes.into_iter().find(is_made);
        let noted = noted.into_iter().next();
        match (change, noted) {
            (None, Some(run)) => Ok((None, Some(run.id))),
            (Some(change), Some(run)) if run.after >= change.id => Ok((None, Some(run.id))),
            (Some(change), _) => Ok(match change.run {
                Some(run) => (None, Some(run)),
                None => (Some(change.id.to_string()), None),
            }),
            (None, None) => Err(Error::new(
                Code::NotFound,
                "nothing was changed from this installation lately, so there is nothing to undo",
                format!("{} shows what was changed.", Operation::ListChanges),
            )),
        }
    }
}

/// An import that took another back, as the outcome of undoing it.
fn of_import(mut import: SyncOutcome) -> UndoOutcome {
    let status = match import.status {
        SyncStatus::Applied | SyncStatus::Planned => UndoStatus::Restored,
        SyncStatus::Unchanged => UndoStatus::Unchanged,
        SyncStatus::Incomplete | SyncStatus::Invalid => UndoStatus::Incomplete,
        SyncStatus::Cancelled => UndoStatus::Cancelled,
        SyncStatus::ConfirmationRequired => UndoStatus::ConfirmationRequired,
        SyncStatus::Declined => UndoStatus::Declined,
        SyncStatus::WrongValue => UndoStatus::WrongValue,
        SyncStatus::Lapsed => UndoStatus::Lapsed,
        SyncStatus::NoAnswer => UndoStatus::NoAnswer,
    };
    // It is said once: clients look for it beside the status.
    let confirmation = std::mem::take(&mut import.confirmation);
    UndoOutcome {
        status,
        undoes: None,
        previous_setting: None,
        setting: None,
        previous: None,
        vip: None,
        change_id: None,
        no_undo: None,
        warnings: Vec::new(),
        confirmation,
        import: Some(import.within_budget()),
    }
}
