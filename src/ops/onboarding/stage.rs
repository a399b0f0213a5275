//! How far a customer is, in one word.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use skyswitch_domain::SetupStep;
use skyswitch_domain::error::Refused;

/// How far a customer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The customer could not be read
    Unread,
    /// The VIP list works
    Live,
    /// Nothing of the setup is there
    NotStarted,
    /// This step is waited for
    #[serde(untagged)]
    Waits(SetupStep),
}

impl Stage {
    /// Every stage, in the order of the table: those that need a look first.
    pub(super) const ALL: [Stage; 8] = [
        Stage::Unread,
        Stage::Waits(SetupStep::CreateDomain),
        Stage::Waits(SetupStep::DialTranslationRule),
        Stage::Waits(SetupStep::RouteByAniUser),
        Stage::Waits(SetupStep::RouteDid),
        Stage::Waits(SetupStep::ManageVips),
        Stage::Live,
        Stage::NotStarted,
    ];

    /// The word of results, for example `not_started`.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Unread => "unread",
            Stage::Live => "live",
            Stage::NotStarted => "not_started",
            Stage::Waits(step) => step.as_str(),
        }
    }

    /// The same in words, for tables.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Stage::Unread => "could not be read",
            Stage::Live => "live",
            Stage::NotStarted => "not started",
            Stage::Waits(SetupStep::CreateDomain) => "PBX domain to be created",
            Stage::Waits(SetupStep::DialTranslationRule) => "waits for the dial translation rule",
            Stage::Waits(SetupStep::RouteByAniUser) => "Route by ANI user to be set up",
            Stage::Waits(SetupStep::RouteDid) => "number to be routed",
            Stage::Waits(SetupStep::ManageVips) => "VIP list empty",
        }
    }

    /// Its place in the table.
    pub(super) fn rank(self) -> usize {
        let place = Stage::ALL.iter().position(|stage| *stage == self);
        place.unwrap_or(Stage::ALL.len())
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which customers a table shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StageFilter {
    Alarm,
    At(Stage),
}

impl FromStr for StageFilter {
    type Err = Refused;

    /// Also with spaces or hyphens.
    fn from_str(text: &str) -> Result<Self, Refused> {
        const ALARM: &str = "alarm";
        let word = text.trim().replace([' ', '-'], "_");
        if word == ALARM {
            return Ok(StageFilter::Alarm);
        }
        let named = Stage::ALL.into_iter().find(|stage| stage.as_str() == word);
        named.map(StageFilter::At).ok_or_else(|| {
            let names = Stage::ALL.map(Stage::as_str).join(", ");
            Refused::new(
                text,
                "is not a stage",
                format!("give one of {ALARM}, {names}"),
            )
        })
    }
}
