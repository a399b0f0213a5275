//! What is to be imported, as it was asked for.

use std::collections::HashMap;

use crate::app::App;
use crate::ops::import::files::{self, Defaults, VipFile};
use crate::ops::import::resume::{self, Resumed, Which};
use crate::ops::import::{Origin, SyncMode, SyncVips, TOOL, destinations, made_lists};
use crate::ops::vips::destinations::Look;
use skyswitch_domain::command_line;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::{AccountId, Argument, PbxDomain, RouteKey};
use skyswitch_guard::store::ChangeRecord;

/// What is to be imported: a list, or the list of a run that was cut off.
pub(super) struct Task {
    /// The operation's name in the journal.
    pub tool: &'static str,
    pub account: AccountId,
    pub domain: PbxDomain,
    /// The mode that was asked for; `None` where it is no list of somebody's.
    pub asked_mode: Option<SyncMode>,
    /// What becomes of the rules.
    pub mode: SyncMode,
    pub allow_large_removal: bool,
    pub skip_invalid: bool,
    pub is_dry_run: bool,
    pub origin: Origin,
    pub source: Source,
    /// What was found of destinations that send calls back to the VIP list, for
    /// the plan that is made again after a form.
    pub circles: tokio::sync::Mutex<HashMap<destinations::Place, Option<Look>>>,
    /// What was asked for, in a form that a repeated call gives again.
    pub request: String,
}

pub(super) enum Source {
    List(VipFile),
    Run(Resumed),
}

impl Task {
    /// The wanted list.
    pub fn list(&self) -> &VipFile {
        match &self.source {
            Source::List(list) => list,
            Source::Run(resumed) => &resumed.list,
        }
    }

    /// The list, where it is not that of a run.
    pub fn fresh_list(&self) -> Option<&VipFile> {
        match &self.source {
            Source::List(list) => Some(list),
            Source::Run(_) => None,
        }
    }

    /// Whether a change whose outcome nobody knows is made once more: the list has
    /// exactly its rule, or it is one of the run that is continued.
    pub fn makes_again(&self, change: &ChangeRecord) -> bool {
        let is_own = self.continued().is_some() && change.run.as_deref() == self.continued();
        let wants = |rule| self.list().rows.iter().any(|row| row.asks_for(rule));
        is_own || change.wanted_rule().is_some_and(wants)
    }

    /// Whether a rule may be changed by it.
    pub fn may_change(&self, key: &RouteKey) -> bool {
        let list = self.list();
        self.mode.removes_the_rest()
            || !list.removed.is_empty()
            || list.rows.iter().any(|row| row.is_of(key))
    }

    /// The run that is continued.
    pub fn continued(&self) -> Option<&str> {
        match &self.source {
            Source::List(_) => None,
            Source::Run(resumed) => Some(&resumed.id),
        }
    }
}

impl App {
    pub(super) async fn task(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        args: &SyncVips,
        list: Option<VipFile>,
    ) -> Result<Task> {
        let mode = args.mode.unwrap_or_default();
        // A plan was shown so; of a copied list, every row names a rule.
        let is_given = args.plan.is_none() && args.skip_invalid == Some(true);
        if mode.removes_the_rest() && is_given {
            return Err(Error::invalid(
                "skip_invalid",
                "`mirror` removes the rules that are not on the list, and a row that cannot be read may be one of them",
                format!(
                    "Correct the rows, or leave out {} or `mirror`.",
                    Argument("skip_invalid")
                ),
            ));
        }
        let request = list.as_ref().map(|list| {
            resume::digest(&(
                mode.word(),
                args.allow_large_removal == Some(true),
                fingerprint(list),
            ))
        });
        let asked_mode = Some(mode);
        let is_kept = args.plan.is_some() || args.from_domain.is_some() || args.resume.is_some();
        let origin = match mode {
            _ if is_kept => Origin::Kept,
            SyncMode::Clear | SyncMode::Move => Origin::Made,
            SyncMode::Merge | SyncMode::Mirror => Origin::Given,
        };
        // What is moved is a list from now on, which changes rules and adds none.
        let mode = match mode {
            SyncMode::Move => SyncMode::Merge,
            mode => mode,
        };
        let resumed = match &args.resume {
            None => None,
            Some(text) => {
                let which = Which::parse(text)?;
                self.run_to_resume(account, domain, &which, request.as_deref())
                    .await?
            }
        };
        let request = request.unwrap_or_default();
        let (source, request) = match (resumed, list) {
            (Some(resumed), _) => {
                let request = format!("{} {request}", resumed.id);
                (Source::Run(resumed), request)
            }
            (None, Some(list)) => (Source::List(list), request),
            (None, None) if args.resume.is_some() => return Err(resume::nothing_to_resume(args)),
            (None, None) => {
                return Err(Error::invalid(
                    "list",
                    "there is no list to import",
                    "Give `list` as CSV with the header `ani,destination,application,dnis,note`, as JSON or as vCard, or say where it comes from: `file`, `from_domain`, `plan`, or `resume` with the id of an earlier import.",
                ));
            }
        };
        // The removals of a run were agreed to when it was begun, and others are not made.
        let (mode, allow_large_removal) = match &source {
            Source::List(_) => (mode, args.allow_large_removal == Some(true)),
            Source::Run(resumed) => (resumed.mode, true),
        };
        Ok(Task {
            tool: match args.mode {
                Some(SyncMode::Move) => made_lists::MOVE,
                _ => TOOL,
            },
            account: account.clone(),
            domain: domain.clone(),
            asked_mode,
            mode,
            allow_large_removal,
            // What of a customer's list cannot be another's is left out, and shown.
            skip_invalid: args.skip_invalid == Some(true) || args.from_domain.is_some(),
            is_dry_run: args.dry_run == Some(true),
            origin,
            source,
            circles: tokio::sync::Mutex::default(),
            request,
        })
    }
}

pub(super) fn read_list(bytes: &[u8], args: &SyncVips, most: Option<usize>) -> Result<VipFile> {
    let defaults = Defaults {
        destination: args.destination.clone(),
        application: args.application.clone(),
        columns: args.map.clone(),
    };
    let list = files::read(bytes, args.format, &defaults)?;
    let rows = list.rows.len() + list.bad.len();
    match most {
        Some(most) if rows > most => Err(Error::invalid(
            "list",
            format!(
                "the list has {rows} rows, and a tool call takes at most {most}; nothing was sent"
            ),
            format!(
                "Divide the list (with `merge`), or run {} in a terminal, which takes any number.",
                command_line("vip import FILE")
            ),
        )),
        _ => Ok(list),
    }
}

/// What a list says, for digests.
pub(super) fn fingerprint(list: &VipFile) -> Vec<(&str, Option<&str>, &str, Option<&str>)> {
    let said = list.rows.iter().map(|row| {
        (
            row.ani.as_given(),
            row.dnis.as_ref().map(|dnis| dnis.as_given()),
            row.destination.as_str(),
            row.application.as_deref(),
        )
    });
    said.collect()
}
