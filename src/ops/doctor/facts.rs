//! What a write probe has learned of the service, kept for its host.

use serde::Serialize;

use crate::app::App;
use crate::ops::write::journal::now;
use skyswitch_client::NOT_FOUND_IS_EMPTY_LIST;
use skyswitch_domain::Route;
use skyswitch_domain::error::Result;
use skyswitch_domain::redact::shown;
use skyswitch_domain::wording::counted;

/// What a new rule is answered with.
pub(super) const PUT_ANSWER: &str = "put_answer";
/// What a removal is answered with.
pub(super) const DELETE_ANSWER: &str = "delete_answer";
/// The form in which a caller is stored.
pub(super) const STORED_ANI: &str = "stored_ani";
/// The form in which a dialled number is stored.
pub(super) const STORED_DNIS: &str = "stored_dnis";
/// The form in which a destination is stored.
pub(super) const STORED_DESTINATION: &str = "stored_destination";
/// How many milliseconds later a list shows a change.
pub(super) const READ_BACK_LAG: &str = "read_back_lag_ms";
/// What a delete without called number removes beside the rule without one.
pub(super) const DELETE_WITHOUT_DNIS: &str = "delete_without_dnis";
/// Nothing.
pub(super) const NARROW: &str = "narrow";
/// The caller's other rules.
pub(super) const WIDE: &str = "wide";

/// The facts in the order in which they are told.
const FACTS: [&str; 8] = [
    PUT_ANSWER,
    STORED_ANI,
    STORED_DNIS,
    STORED_DESTINATION,
    READ_BACK_LAG,
    DELETE_ANSWER,
    DELETE_WITHOUT_DNIS,
    NOT_FOUND_IS_EMPTY_LIST,
];

/// Something that was learned of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// What it is about, for example `delete_without_dnis`.
    pub name: &'static str,
    /// What was found, for example `narrow`.
    pub value: String,
}

impl Fact {
    /// The fact as a part of a sentence.
    pub fn words(&self) -> String {
        let value = shown(&self.value, 200);
        match self.name {
            PUT_ANSWER => format!("SkySwitch answers a new rule with {value}"),
            DELETE_ANSWER => format!("SkySwitch answers a removal with {value}"),
            STORED_ANI => format!("callers are stored {value}"),
            STORED_DNIS => format!("dialled numbers are stored {value}"),
            STORED_DESTINATION => format!("destinations are stored {value}"),
            READ_BACK_LAG => match value.parse::<u64>() {
                Ok(0..1_000) => "a list shows a change within a second".to_owned(),
                Ok(lag) => format!(
                    "a list shows a change after {}",
                    counted(
                        usize::try_from(lag.div_ceil(1_000)).unwrap_or(usize::MAX),
                        "second"
                    )
                ),
                Err(_) => format!("a list shows a change after {value}"),
            },
            DELETE_WITHOUT_DNIS if value == NARROW => {
                "a removal without dialled number leaves the caller's other rules alone".to_owned()
            }
            DELETE_WITHOUT_DNIS => {
                "a removal without dialled number removes the caller's other rules along with it"
                    .to_owned()
            }
            _ => "SkySwitch answers 404 where a list is empty".to_owned(),
        }
    }
}

/// What a delete is known to remove beside the rule that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ops) struct DeleteReach {
    /// A delete without called number is known to remove nothing else.
    is_narrow_without_dnis: bool,
}

impl DeleteReach {
    /// Whether deleting a rule may take another one along, as far as is known.
    /// What the service makes of wildcards stays unknown.
    pub fn may_take_along(self, removed: &Route, other: &Route) -> bool {
        let key = &removed.key;
        let is_known =
            self.is_narrow_without_dnis && key.dnis.to_send().is_none() && !key.ani.is_pattern();
        !is_known && key.may_take_along(&other.key)
    }
}

impl App {
    /// What is known of deletes. What cannot be looked up is not known.
    pub(in crate::ops) async fn delete_reach(&self) -> DeleteReach {
        let learned = self.learned().await.unwrap_or_default();
        let is_narrow = |fact: &Fact| fact.name == DELETE_WITHOUT_DNIS && fact.value == NARROW;
        DeleteReach {
            is_narrow_without_dnis: learned.iter().any(is_narrow),
        }
    }

    /// Everything that was learned of the service.
    pub(super) async fn learned(&self) -> Result<Vec<Fact>> {
        let Some(store) = self.journal().store().if_exists().await? else {
            return Ok(Vec::new());
        };
        let mut kept = store.facts(self.settings().base_url.as_str()).await?;
        let facts = FACTS.into_iter().filter_map(|name| {
            let value = kept.remove(name)?;
            Some(Fact { name, value })
        });
        Ok(facts.collect())
    }

    /// Keeps what was learned.
    pub(super) async fn keep_learned(&self, facts: &[Fact]) -> Result<()> {
        let store = self.journal().store().get().await?;
        let host = self.settings().base_url.as_str();
        for fact in facts {
            store.keep_fact(host, fact.name, &fact.value, now()).await?;
        }
        Ok(())
    }
}
