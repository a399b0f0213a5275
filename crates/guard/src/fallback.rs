//! The hard block: a customer's number is not pointed at the ANI user while
//! nobody knows that callers without a VIP rule are sent somewhere.

use serde::Serialize;

use crate::store::Attestation;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{DidRoute, Extension, Operation, PbxDomain};

/// What a domain's dial plan shows of the dial translation rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FallbackReading {
    /// The rule was read.
    Verified {
        /// The rule, in words for people.
        words: String,
        /// Whom it sends callers to.
        to: String,
    },
    /// The dial plan was read, and the rule is not there or does nothing.
    Missing(String),
    /// The dial plans that can be read do not show the rule, which proves
    /// nothing: on this PBX host none has ever been seen in one.
    NotSeen(String),
    /// Nobody looks at dial plans here, or none is shown as one.
    NotShown(String),
    /// Reading it was refused: this login may not read dial plans.
    Refused(String),
    /// What was read of this dial plan neither proves nor disproves the rule.
    NotJudged(String),
    /// Reading it failed just now; what it shows is not known.
    Failed(String),
}

impl FallbackReading {
    /// The same, where it is known whether it counts that a dial plan does not
    /// show the rule.
    #[must_use]
    pub fn counted(self, absence_counts: bool) -> FallbackReading {
        match self {
            FallbackReading::NotSeen(why) if absence_counts => FallbackReading::Missing(why),
            reading => reading,
        }
    }
}

/// That callers without a VIP rule are sent somewhere. Only [`Fallback::of`]
/// makes one, from a rule that was read or a person's attestation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fallback {
    known: Known,
    /// For people. What a person agreed to does not depend on it.
    #[serde(skip)]
    words: String,
}

/// How it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Known {
    /// The rule was read; it sends callers to this user.
    Read(String),
    /// The attestation of that id says so.
    Attested(i64),
}

impl Fallback {
    /// Judges what is known. A dial plan that shows no rule outweighs any
    /// attestation, and one that might show it must be asked again first.
    pub fn of(reading: &FallbackReading, attestation: Option<&Attestation>) -> Option<Fallback> {
        let (known, words) = match reading {
            FallbackReading::Verified { words, to } => (Known::Read(to.clone()), words.clone()),
            FallbackReading::Missing(_) | FallbackReading::Failed(_) => return None,
            FallbackReading::NotSeen(_)
            | FallbackReading::NotShown(_)
            | FallbackReading::Refused(_)
            | FallbackReading::NotJudged(_) => {
                let Attestation {
                    id,
                    attested_by,
                    note,
                    ..
                } = attestation?;
                let (attested_by, note) = (shown(attested_by, 100), shown(note, 200));
                (
                    Known::Attested(*id),
                    format!("attested by {attested_by}: {note}"),
                )
            }
        };
        Some(Fallback { known, words })
    }

    /// Whether the rule itself was read.
    pub fn is_verified(&self) -> bool {
        matches!(self.known, Known::Read(_))
    }

    /// How it is known, for people.
    pub fn words(&self) -> &str {
        &self.words
    }
}

/// That a DID may be pointed where it shall go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MayRoute {
    fallback: Option<Fallback>,
}

impl MayRoute {
    /// Judges where a route goes: to an ANI user only with a fallback. A domain
    /// whose ANI users are not known (`None`) is treated as if every user were one.
    ///
    /// # Errors
    /// `blocked`, which no confirmation lifts.
    pub fn judge(
        route: &DidRoute,
        domain: &PbxDomain,
        ani_users: Option<&[Extension]>,
        fallback: Option<&Fallback>,
    ) -> Result<MayRoute> {
        let goes_to_ani_user = match (route.user(), ani_users) {
            // What cannot be read may go anywhere.
            (None, None) => route.may_go_to_unknown_user(),
            // Queues and attendants forward calls, too.
            (None, Some(ani_users)) => {
                let is_it = |known: &Extension| route.goes_to_user(known.as_str(), domain);
                route.may_go_to_unknown_user() || ani_users.iter().any(is_it)
            }
            (Some(_), None) => true,
            // A user of another domain was not looked at.
            (Some((_, host)), _) if !domain.is(host) => true,
            (Some((user, _)), Some(ani_users)) => ani_users.iter().any(|known| known.is(user)),
        };
        match (goes_to_ani_user, fallback) {
            (false, _) => Ok(MayRoute { fallback: None }),
            (true, Some(fallback)) => Ok(MayRoute {
                fallback: Some(fallback.clone()),
            }),
            (true, None) => Err(Error::new(
                Code::Blocked,
                format!(
                    "the number is not pointed at {}: nobody has verified or attested that {domain}'s dial \
                     translation rule exists, and without it every caller who is not a VIP is dropped. No \
                     confirmation lifts this",
                    route.goes_to()
                ),
                format!(
                    "{} says what is known of the rule and what to do: usually to send its support ticket and to wait \
                     for SkySwitch's written answer.",
                    Operation::SetupChecklist
                ),
            )
            .with_field("dial_translation_rule")),
        }
    }

    /// The fallback that callers without a VIP rule are sent to, where it matters.
    pub fn fallback(&self) -> Option<&Fallback> {
        self.fallback.as_ref()
    }
}
