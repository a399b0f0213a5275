//! A change as results carry it, and its id as it is given.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::ops::changes::list::ListChanges;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{Operation, PbxDomain, Route, SetupPiece};
use skyswitch_guard::store::{ChangeRecord, ChangeStatus, PieceRecord, RuleRecord, TargetRecord};

/// A change as results carry it. What follows from another field is left out.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct ChangeRow {
    /// Its id, for `undo_change`, for example `42`; left out for an import that
    /// changed notes alone, which is undone by its `run_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change_id: Option<String>,
    /// `open` (outcome not known yet), `done`, `failed` (not made), or
    /// `reconciled` (the answer was lost; the rule was read afterwards).
    pub status: ChangeStatus,
    /// Whether it was made, where it is `reconciled`; the other statuses say it themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made: Option<bool>,
    /// The operation, for example `add_vip`; `lost_along_with` and
    /// `changed_along_with` are rules that the service removed or changed along
    /// with another.
    pub operation: String,
    /// Client and tool, or command.
    pub asked_by: String,
    /// When it was begun, RFC 3339, UTC, to the second.
    pub started_at: String,
    /// The PBX domain; left out where the list was asked for one domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// The piece of the customer's setup, such as `did_route`, or `notes`; left out for a
    /// VIP rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The caller as the service stores it, where a VIP rule was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ani: Option<String>,
    /// The customer's number, where its routing was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub did: Option<String>,
    /// The dialled number the rule is limited to; left out for any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dnis: Option<String>,
    /// Where calls went before, or the setting before; left out where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The same as it was asked for; left out for a removal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<String>,
    /// What was found afterwards, where it is neither what was asked for nor nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Why it was not made, that a person closed it, that the entry is damaged, or that
    /// no read had shown what was there before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The service's id of the request, for a support ticket; left out where all went well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The place in the client's trace; left out where the client named none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The change that this one undid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undoes: Option<String>,
    /// The import it belongs to; left out where the list was asked for one import.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// The rules that `before`, `wanted` and `after` tell of, for whoever can name their destinations.
    #[serde(skip)]
    pub rules: [Option<Route>; 3],
}

impl ChangeRow {
    /// Whether it was made; `None` while that is not known.
    pub fn was_made(&self) -> Option<bool> {
        match self.status {
            ChangeStatus::Open => None,
            ChangeStatus::Done => Some(true),
            ChangeStatus::Failed => Some(false),
            ChangeStatus::Reconciled => self.made,
        }
    }

    /// Without what the question said already.
    pub(super) fn in_answer_to(mut self, args: &ListChanges) -> ChangeRow {
        if args.domain.is_some() {
            self.domain = None;
        }
        if args.run_id.is_some() && self.change_id.is_some() {
            self.run_id = None;
        }
        self
    }
}

impl ChangeRow {
    /// One that tells neither what it is about nor how to undo it.
    pub(super) fn bare(
        status: ChangeStatus,
        operation: &str,
        asked_by: &str,
        started_at: i64,
        domain: &str,
    ) -> ChangeRow {
        ChangeRow {
            change_id: None,
            status,
            made: None,
            operation: operation.to_owned(),
            asked_by: asked_by.to_owned(),
            started_at: moment(started_at),
            domain: Some(domain.to_owned()),
            subject: None,
            ani: None,
            did: None,
            dnis: None,
            before: None,
            wanted: None,
            after: None,
            problem: None,
            request_id: None,
            traceparent: None,
            undoes: None,
            run_id: None,
            rules: Default::default(),
        }
    }
}

impl From<&ChangeRecord> for ChangeRow {
    fn from(change: &ChangeRecord) -> Self {
        let (status, operation) = (change.status, &change.operation);
        let (asked_by, started_at) = (&change.asked_by, change.started_at);
        let row = ChangeRow {
            change_id: Some(change.id.to_string()),
            // Of the others the status says it.
            made: (status == ChangeStatus::Reconciled).then(|| change.was_made()),
            problem: problem(change),
            // Nobody asks SkySwitch about a request that went well.
            request_id: (status != ChangeStatus::Done)
                .then(|| change.request_id.clone())
                .flatten(),
            traceparent: change.traceparent.clone(),
            undoes: change.undoes.map(|id| id.to_string()),
            run_id: change.run.clone(),
            ..ChangeRow::bare(status, operation, asked_by, started_at, &change.domain)
        };
        match &change.target {
            TargetRecord::VipRule(rule) => row.about_rule(rule),
            TargetRecord::Piece(piece) => row.about_piece(piece, &change.domain),
            TargetRecord::Damaged {
                ani,
                dnis,
                before,
                wanted,
                ..
            } => ChangeRow {
                ani: Some(ani.clone()).filter(|ani| !ani.is_empty()),
                dnis: dnis.clone(),
                before: before.clone(),
                wanted: wanted.clone(),
                ..row
            },
        }
    }
}

fn problem(change: &ChangeRecord) -> Option<String> {
    let closed_by = change.closed_by.as_ref();
    let by_hand = closed_by.map(|command| format!("closed by a person: {command}"));
    let damaged = matches!(change.target, TargetRecord::Damaged { .. });
    let damaged = damaged.then(|| {
        "this entry is damaged: part of it cannot be read, so it cannot be undone".to_owned()
    });
    let problem = change.problem.clone();
    let all: Vec<String> = problem.into_iter().chain(by_hand).chain(damaged).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

impl ChangeRow {
    fn about_rule(self, rule: &RuleRecord) -> ChangeRow {
        let rules = [&rule.before, &rule.wanted, &rule.after].map(Clone::clone);
        let [before, wanted, after] = rules
            .each_ref()
            .map(|rule| rule.as_ref().map(Route::goes_to));
        ChangeRow {
            ani: Some(rule.key.ani.as_str().to_owned()),
            dnis: rule.key.dnis.to_send().map(str::to_owned),
            after: after.filter(|after| wanted.as_ref() != Some(after)),
            before,
            wanted,
            rules,
            ..self
        }
    }

    fn about_piece(self, change: &PieceRecord, domain: &str) -> ChangeRow {
        let PieceRecord { piece, before, .. } = change;
        let (did, wanted) = match piece {
            SetupPiece::DidRoute { did, route, .. } => {
                (Some(did.as_str().to_owned()), route.goes_to())
            }
            piece => {
                let domain = domain.parse::<PbxDomain>().ok();
                let words = domain.map(|domain| piece.summary(&domain));
                (None, words.unwrap_or_else(|| piece.kind().to_owned()))
            }
        };
        ChangeRow {
            subject: Some(piece.kind().to_owned()),
            did,
            before: before.as_ref().map(|value| piece.state_words(value)),
            wanted: Some(wanted),
            ..self
        }
    }
}

/// A change's id as it was given.
pub(super) fn change_id(text: &str) -> Result<i64> {
    text.trim()
        .trim_start_matches('#')
        .parse()
        .ok()
        .filter(|id| *id > 0)
        .ok_or_else(|| {
            Error::invalid(
                "change_id",
                format!("`{}` is not a change's id", shown(text, 40)),
                format!(
                    "Give a change id as {} shows it, for example `42`.",
                    Operation::ListChanges
                ),
            )
        })
}

/// RFC 3339, UTC, to the second.
fn moment(milliseconds: i64) -> String {
    Timestamp::from_second(milliseconds.div_euclid(1_000))
        .map(|moment| moment.to_string())
        .unwrap_or_default()
}
