//! Where a customer's number goes, as a change to it is planned on: what the
//! service shows, except where the journal knows of a change that it cannot show yet.

use std::collections::BTreeMap;

use crate::app::App;
use crate::ops::write::journal::now;
use crate::ops::write::outvote::{Outvote, Step, outvoted, unseen};
use crate::ops::write::present::not_shown_yet;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::wording::counted;
use skyswitch_domain::{AccountId, DidRoute, PbxDomain, PhoneNumber, SetupPiece};
use skyswitch_guard::store::{ChangeFilter, ChangeRecord, ChangeStatus, TargetRecord};

/// Where a customer's number goes, as far as anybody can know it.
#[derive(Debug)]
pub(in crate::ops) struct PresentRoute {
    pub route: Option<DidRoute>,
    /// What is to be said where the journal tells it, or may soon tell another.
    pub note: Option<String>,
    /// What reads may go on showing.
    pub late: Vec<Option<DidRoute>>,
    /// Where the service shows it, where the journal tells another.
    pub still_shown: Option<StillShown>,
    /// A change of which nobody knows yet whether it was made.
    under_way: Option<UnderWay>,
}

/// Where the service still shows a number that it accepted to send elsewhere.
/// Whether it did is not known before a read shows it.
#[derive(Debug)]
pub(in crate::ops) struct StillShown {
    pub route: DidRoute,
    pub why: String,
}

/// Where a number goes by a change that no list can be relied on to show yet.
pub(in crate::ops) struct ToldByJournal {
    pub did: PhoneNumber,
    pub route: DidRoute,
    /// What to say where the service still shows it elsewhere.
    pub why: String,
}

#[derive(Debug)]
struct UnderWay {
    wanted: DidRoute,
    /// What is to be said of it.
    note: String,
}

impl PresentRoute {
    /// Refuses to plan on it while another change to the number may still be
    /// carried out, which would undo this one. The very same may be sent again.
    ///
    /// # Errors
    /// `confirmation_stale`, until it is known what became of the other.
    pub fn refuse_under_way(&self, wanted: &DidRoute) -> Result<()> {
        match &self.under_way {
            Some(other) if !other.wanted.is_like(wanted) => Err(Error::new(
                Code::ConfirmationStale,
                format!(
                    "{}; it may still be carried out, so nothing was changed",
                    other.note
                ),
                "Try again in half a minute.",
            )
            .with_field("did")),
            _ => Ok(()),
        }
    }
}

impl App {
    /// Reads where a number goes, and counts as made what this installation was
    /// told to be made a moment ago and a read still shows as before.
    ///
    /// # Errors
    /// The service's and the store's errors.
    pub(in crate::ops) async fn present_route(
        &self,
        account: &AccountId,
        did: &PhoneNumber,
    ) -> Result<PresentRoute> {
        let of_number = ChangeFilter {
            did: Some(did.as_str()),
            ..ChangeFilter::default()
        };
        let (route, recent) = tokio::join!(
            self.client()?.did_route(account, did),
            self.recent_changes(account, "did_route", of_number)
        );
        let (route, recent) = (route?, recent?);
        self.correct_number(&recent.unseen, route.as_ref()).await;
        let (open, ended): (Vec<_>, Vec<_>) = recent
            .lately
            .iter()
            .filter_map(Step::of_number)
            .partition(|step| step.change.status == ChangeStatus::Open);
        let under_way = open.into_iter().next_back().and_then(|step| {
            let wanted = step.wanted?;
            Some(UnderWay {
                note: format!(
                    "change {}, which sends {did} to {}, was sent a moment ago and its outcome is not known yet",
                    step.change.id,
                    wanted.goes_to()
                ),
                wanted,
            })
        });
        Ok(match outvoted(&ended, route.as_ref()) {
            None => PresentRoute {
                route,
                note: under_way.as_ref().map(|other| other.note.clone()),
                late: Vec::new(),
                still_shown: None,
                under_way,
            },
            Some(Outvote { step, now, late }) => PresentRoute {
                still_shown: route.zip(now).map(|(route, now)| StillShown {
                    route,
                    why: sent_away(step.change, now),
                }),
                route: now.cloned(),
                note: now.map(|now| {
                    let now = format!("it goes to {}", now.goes_to());
                    not_shown_yet(step.change, &did.to_string(), &now)
                }),
                late,
                under_way,
            },
        })
    }

    /// Where those numbers of a domain go that were routed a moment ago and that
    /// no list can be relied on to show so yet.
    ///
    /// # Errors
    /// The store's errors.
    pub(in crate::ops) async fn routes_not_shown_yet(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
    ) -> Result<Vec<ToldByJournal>> {
        let of_domain = ChangeFilter {
            domain: Some(domain.as_str()),
            ..ChangeFilter::default()
        };
        let recent = self.recent_changes(account, "did_route", of_domain);
        let recent = recent.await?.lately;
        let mut numbers = BTreeMap::<&str, (&PhoneNumber, Vec<Step<'_, DidRoute>>)>::new();
        for change in &recent {
            if let TargetRecord::Piece(piece) = &change.target
                && let SetupPiece::DidRoute { did, .. } = &piece.piece
                && change.status != ChangeStatus::Open
            {
                let (_, steps) = numbers.entry(did.as_str()).or_insert((did, Vec::new()));
                steps.extend(Step::of_number(change));
            }
        }
        let told = numbers.into_values().filter_map(|(did, steps)| {
            let Outvote { step, now, .. } = unseen(&steps)?;
            let route = now?.clone();
            Some(ToldByJournal {
                did: did.clone(),
                why: sent_away(step.change, &route),
                route,
            })
        });
        Ok(told.collect())
    }
}

fn sent_away(change: &ChangeRecord, now_at: &DidRoute) -> String {
    let since = now() - change.ended_at.unwrap_or(change.started_at);
    let seconds = usize::try_from(since / 1_000).unwrap_or_default();
    format!(
        "change {} sent it to {} {} ago, and SkySwitch still shows it there",
        change.id,
        now_at.goes_to(),
        counted(seconds, "second")
    )
}
