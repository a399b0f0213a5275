//! What the store holds, free of any database.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use serde_json::Value;

use crate::{Author, Change, Target};
use skyswitch_domain::error::{Refused, Result};
use skyswitch_domain::{Ani, Dnis, PhoneNumber, Route, RouteKey, SetupPiece};

/// How far a change in the journal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum ChangeStatus {
    /// Written down, and its outcome is not known yet
    Open,
    /// Made
    Done,
    /// Not made
    Failed,
    /// The process that made it was cut off; closed by what was there afterwards
    Reconciled,
}

impl ChangeStatus {
    const WORDS: [(&'static str, ChangeStatus); 4] = [
        ("open", ChangeStatus::Open),
        ("done", ChangeStatus::Done),
        ("failed", ChangeStatus::Failed),
        ("reconciled", ChangeStatus::Reconciled),
    ];

    pub(super) fn word(self) -> &'static str {
        let known = Self::WORDS.iter().find(|(_, status)| *status == self);
        known.map_or("open", |(word, _)| word)
    }

    pub(super) fn from_word(word: &str) -> ChangeStatus {
        word.parse().unwrap_or(ChangeStatus::Open)
    }
}

impl FromStr for ChangeStatus {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let known = Self::WORDS.iter().find(|(word, _)| *word == text.trim());
        known.map(|(_, status)| *status).ok_or_else(|| {
            let words = Self::WORDS.map(|(word, _)| word).join(", ");
            Refused::new(text, "is not a status", format!("give one of {words}"))
        })
    }
}

/// A change in the journal.
#[derive(Debug, Clone)]
pub struct ChangeRecord {
    /// Grows with time; unique in this store.
    pub id: i64,
    /// The account it was made in.
    pub account: String,
    /// The PBX domain, as it was written then.
    pub domain: String,
    /// The operation, for example `add_vip`.
    pub operation: String,
    /// Client and tool, or command.
    pub asked_by: String,
    /// What was changed.
    pub target: TargetRecord,
    /// How far it is.
    pub status: ChangeStatus,
    /// Why it was not made.
    pub problem: Option<String>,
    /// The service's id of the request.
    pub request_id: Option<String>,
    /// The place in the client's trace where it was made, as W3C Trace Context writes it.
    pub traceparent: Option<String>,
    /// The person who closed it by hand: the command they gave.
    pub closed_by: Option<String>,
    /// The change that this one undid.
    pub undoes: Option<i64>,
    /// The import it belongs to.
    pub run: Option<String>,
    /// The process that works on it; empty once nobody does.
    pub owner: String,
    /// Milliseconds since 1970, UTC.
    pub started_at: i64,
    /// Milliseconds since 1970, UTC.
    pub ended_at: Option<i64>,
    /// When its request may have been sent for the last time, as far as that is
    /// known: its start, or when its outcome was given up.
    pub last_tried_at: i64,
}

/// What a change in the journal is about.
#[derive(Debug, Clone)]
pub enum TargetRecord {
    /// A VIP rule.
    VipRule(RuleRecord),
    /// A piece of a customer's setup.
    Piece(PieceRecord),
    /// What the journal holds of it cannot be read.
    Damaged {
        /// The caller, where it was about a VIP rule, else nothing.
        ani: String,
        /// The dialled number of that rule, where it was for one.
        dnis: Option<String>,
        /// Where the calls went, as far as that can still be read, for people;
        /// `None` where there was no rule.
        before: Option<String>,
        /// Where they were to go.
        wanted: Option<String>,
        /// Whether it was made, where a person said so.
        as_wanted: bool,
    },
}

/// A VIP rule before and after a change; `None` where it does not exist.
#[derive(Debug, Clone)]
pub struct RuleRecord {
    /// Which rule.
    pub key: RouteKey,
    /// Before it.
    pub before: Option<Route>,
    /// As it was wanted.
    pub wanted: Option<Route>,
    /// Afterwards, as far as that is known.
    pub after: Option<Route>,
    /// Whether a read showed it so.
    pub was_read: bool,
}

/// A piece of a setup before and after a change.
#[derive(Debug, Clone)]
pub struct PieceRecord {
    /// What was to be made.
    pub piece: SetupPiece,
    /// What was in its place before, in the piece's own form.
    pub before: Option<Value>,
    /// What was in its place afterwards, as far as that is known.
    pub after: Option<Value>,
    /// Whether it was made, where a change was cut off; of a number that was
    /// routed, whether a read showed it.
    pub as_wanted: bool,
}

impl ChangeRecord {
    /// Whether it was made.
    pub fn was_made(&self) -> bool {
        match (self.status, &self.target) {
            (ChangeStatus::Done, _) => true,
            (ChangeStatus::Open | ChangeStatus::Failed, _) => false,
            (ChangeStatus::Reconciled, TargetRecord::Piece(piece)) => piece.as_wanted,
            (ChangeStatus::Reconciled, TargetRecord::Damaged { as_wanted, .. }) => *as_wanted,
            (ChangeStatus::Reconciled, TargetRecord::VipRule(rule)) => {
                Route::are_alike(rule.after.as_ref(), rule.wanted.as_ref())
            }
        }
    }

    /// The VIP rule that it was to make, where it was to make one.
    pub fn wanted_rule(&self) -> Option<&Route> {
        match &self.target {
            TargetRecord::VipRule(rule) => rule.wanted.as_ref(),
            TargetRecord::Piece(_) | TargetRecord::Damaged { .. } => None,
        }
    }
}

/// A change about to be made.
#[derive(Debug)]
pub struct NewChange<'a> {
    /// Which upstream.
    pub realm: &'a str,
    /// The change itself.
    pub change: &'a Change,
    /// Client and tool, or command.
    pub asked_by: &'a str,
    /// The place in the client's trace, as W3C Trace Context writes it.
    pub traceparent: Option<&'a str>,
    /// Whether a person or a program asked for it.
    pub author: Author,
    /// The change that this one undoes.
    pub undoes: Option<i64>,
    /// The import it belongs to.
    pub run: Option<&'a str>,
    /// The process that works on it.
    pub owner: &'a str,
    /// Where the journal was when what changes was looked at that it was decided
    /// on. Changes to the same that were under way then or later are in its way.
    pub seen: Option<JournalPosition>,
    /// Which changes count, and how many there may be.
    pub limit: Option<(Counted, u32)>,
    /// Milliseconds since 1970, UTC.
    pub now: i64,
}

/// How far the journal was at some moment: further than before whenever a
/// change is begun or the work on one ends, whatever the clocks say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JournalPosition(pub(super) i64);

/// A span of time, in milliseconds since 1970, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeSpan {
    /// Its start, which is not part of it.
    pub since: i64,
    /// Its end, which is a part of it.
    pub until: i64,
}

/// Processes look at the clock before they wait for the store, so the newest
/// entry may have been begun a little later than "now".
pub(super) const CLOCKS_APART: i64 = 60_000;

impl TimeSpan {
    /// The last so many milliseconds.
    pub fn last(milliseconds: i64, now: i64) -> TimeSpan {
        TimeSpan {
            since: now - milliseconds,
            until: now + CLOCKS_APART,
        }
    }
}

/// The changes that count against a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// When they were begun.
    pub span: TimeSpan,
    /// Whether those that people made on the command line are left out.
    pub without_people: bool,
    /// Whether those of one import count once.
    pub imports_once: bool,
}

/// Whether a change was written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// Under this id; it may be sent.
    Written(i64),
    /// The hour's changes are used up.
    OverLimit,
    /// Another process works on the same rule, or did after it was looked at.
    ChangedMeanwhile(i64),
}

/// How a change ended.
#[derive(Debug)]
pub struct Closing<'a> {
    /// `done`, `failed` or `reconciled`.
    pub status: ChangeStatus,
    /// What there is now.
    pub after: After<'a>,
    /// Why it was not made.
    pub problem: Option<&'a str>,
    /// The service's id of the request.
    pub request_id: Option<&'a str>,
    /// The person who closes it by hand: the command they gave.
    pub closed_by: Option<&'a str>,
    /// Milliseconds since 1970, UTC.
    pub now: i64,
}

/// What there is after a change.
#[derive(Debug)]
pub enum After<'a> {
    /// The VIP rule.
    VipRule {
        /// As it is now; `None` where it does not exist.
        now: Option<&'a Route>,
        /// Whether a read showed it. What was only acknowledged may not be in
        /// the service's list yet.
        was_read: bool,
        /// Whether that read showed it as it was wanted, in whatever writing.
        as_wanted: bool,
    },
    /// What is in the piece's place.
    Piece {
        /// In its own form.
        now: Option<Value>,
        /// Whether that is what was wanted.
        as_wanted: bool,
    },
}

impl After<'_> {
    /// What there is after a change that was made, or was not.
    pub fn of(change: &Change, made: bool) -> After<'_> {
        match change.target() {
            Target::VipRule(rule) => After::VipRule {
                now: match made {
                    true => rule.after(),
                    false => rule.before(),
                },
                was_read: false,
                as_wanted: false,
            },
            Target::Piece(piece) => After::of_piece(piece.piece(), piece.before(), made),
        }
    }

    /// The same of a change as the journal holds it.
    pub fn of_record(target: &TargetRecord, made: bool) -> After<'_> {
        match target {
            TargetRecord::VipRule(rule) => After::VipRule {
                now: match made {
                    true => rule.wanted.as_ref(),
                    false => rule.before.as_ref(),
                },
                was_read: false,
                as_wanted: false,
            },
            TargetRecord::Piece(piece) => {
                After::of_piece(&piece.piece, piece.before.as_ref(), made)
            }
            TargetRecord::Damaged { .. } => After::Piece {
                now: None,
                as_wanted: made,
            },
        }
    }

    fn of_piece<'a>(piece: &SetupPiece, before: Option<&Value>, made: bool) -> After<'a> {
        let now = match (made, piece) {
            (false, _) => before.cloned(),
            (true, SetupPiece::DidRoute { route, .. }) => serde_json::to_value(route).ok(),
            (true, piece) => serde_json::to_value(piece).ok(),
        };
        After::Piece {
            now,
            as_wanted: made,
        }
    }
}

/// Which changes to list.
#[derive(Debug, Clone, Default)]
pub struct ChangeFilter<'a> {
    /// Only in this domain, in lower case.
    pub domain: Option<&'a str>,
    /// Only of this caller: digits with country code, or a stored value.
    pub caller: Option<&'a str>,
    /// Only of rules stored under exactly this caller.
    pub ani: Option<&'a str>,
    /// Only those begun then or later: milliseconds since 1970, UTC.
    pub since: Option<i64>,
    /// Only those begun before then: milliseconds since 1970, UTC.
    pub until: Option<i64>,
    /// Only those this far.
    pub status: Option<ChangeStatus>,
    /// Only those to the route of this DID, by its digits.
    pub did: Option<&'a str>,
    /// Only those of this import.
    pub run: Option<&'a str>,
    /// Only those that this operation made.
    pub operation: Option<&'a str>,
}

/// The digits of a caller where it is a number, else the stored text: what
/// different writings of one caller have in common.
pub(super) fn caller_of(ani: &Ani) -> String {
    number_or_text(ani.as_str())
}

/// The same of a dialled number; empty where it is any.
pub(super) fn called_of(dnis: &Dnis) -> String {
    match dnis.is_any() {
        true => String::new(),
        false => number_or_text(dnis.as_str()),
    }
}

fn number_or_text(stored: &str) -> String {
    PhoneNumber::from_stored(stored).map_or_else(|| stored.to_owned(), |n| n.as_str().to_owned())
}
