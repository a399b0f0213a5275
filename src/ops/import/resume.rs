//! Finding the run that is to be continued: its list is planned again.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::ops::import::files::VipFile;
use crate::ops::import::report::Report;
use crate::ops::import::{Source, SyncMode, SyncVips, Task};
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{AccountId, Operation, PbxDomain, Route};

/// A run to be continued.
pub(super) struct Resumed {
    pub id: String,
    pub mode: SyncMode,
    /// Its list, which is planned again.
    pub list: VipFile,
    /// The rules that its plan met, as they were when it was agreed to.
    pub met: Vec<Route>,
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
                format!("`{}` is not the id of an import", shown(other, 60)),
                format!(
                    "Give the id of an earlier import as {} shows it, for example `r-7f3a9c21d0b4`, or `last`.",
                    Operation::ListChanges
                ),
            )),
        }
    }
}

impl App {
    /// The run to go on with. `None` where the last one of the domain was asked
    /// for and none was cut off: then a list, if one is given, starts a new run.
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
        let Some(basis) = run.basis else {
            // To import the list once more comes to the same.
            return match request {
                Some(_) => Ok(None),
                None => Err(kept_no_list(&run.id)),
            };
        };
        Ok(Some(Resumed {
            mode: SyncMode::from_word(&run.mode),
            list: from_text(&basis.list)?,
            met: basis.seen,
            id: run.id,
        }))
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
        format!("there is no import `{}` for this domain", shown(id, 60)),
        format!("Give the id of an earlier import as {} shows it, or `last`; imports are kept on the machine that made them.", Operation::ListChanges),
    )
    .with_field("resume")
}

fn kept_no_list(id: &str) -> Error {
    Error::new(
        Code::NotFound,
        format!("the import {id} was begun by an earlier version of this program, which did not keep its list"),
        "Import the same list again: what was made already is kept, and the rest is made.",
    )
    .with_field("resume")
}

/// A list as it is kept with its run.
pub(super) fn to_text(list: &VipFile) -> Result<String> {
    serde_json::to_string(list).map_err(|_| {
        Error::internal(
            "the list cannot be written down, so nothing was sent",
            "Please report this as a bug.",
        )
    })
}

fn from_text(text: &str) -> Result<VipFile> {
    serde_json::from_str(text).map_err(|_| {
        Error::internal(
            "the list that was kept with the import cannot be read",
            "Import the list again; what was made already is kept.",
        )
    })
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
