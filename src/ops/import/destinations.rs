//! Rows whose destination or dialled number looks wrong, and rows without effect.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use futures_util::stream::{self, StreamExt};

use crate::app::App;
use crate::ops::import::row::Row;
use crate::ops::import::{Task, files};
use crate::ops::vips::destinations::Look;
use crate::ops::vips::reach::Reach;
use skyswitch_domain::Route;
use skyswitch_domain::wording::first_few;

/// Lines named in one warning.
const LINES_NAMED: usize = 20;
/// Destinations of which it is looked where they forward their calls.
const FOLLOWED: usize = 100;
/// How many of them at the same time.
const AT_ONCE: usize = 8;

impl App {
    /// Marks the changes whose destination looks wrong, and gives one warning
    /// for each destination, with the lines it is on.
    pub(super) async fn doubt_destinations(&self, task: &Task, rows: &mut [Row]) -> Vec<String> {
        let is_put = |row: &Row| row.change.is_some() && row.wanted.is_some();
        let wanted: Vec<&Route> = rows
            .iter()
            .filter(|row| is_put(row))
            .filter_map(|row| row.wanted.as_ref())
            .collect();
        let mut looks = self
            .look_at_destinations(&task.account, &task.domain, &wanted)
            .await;
        let looked = looks.iter().map(|(position, _)| *position).collect();
        looks.extend(self.look_for_circles(task, &wanted, &looked).await);
        let mut puts: Vec<&mut Row> = rows.iter_mut().filter(|row| is_put(row)).collect();
        let mut found = Lines::new();
        for (position, look) in looks {
            let Some(row) = puts.get_mut(position) else {
                continue;
            };
            if let Some(change) = row.change.take() {
                let change = Arc::unwrap_or_clone(change).doubting(look.doubt);
                **row = row.clone().with_change(change, &self.settings().limits);
            }
            found.entry(look.warning).or_default().extend(row.line);
        }
        told(found)
    }

    /// Looks whether the calls of rules would come back to the VIP list, once for
    /// each destination, and gives what was found with the positions of its rules.
    async fn look_for_circles(
        &self,
        task: &Task,
        wanted: &[&Route],
        looked: &HashSet<usize>,
    ) -> Vec<(usize, Look)> {
        let mut places = BTreeMap::<Place, Vec<usize>>::new();
        let unlooked = wanted.iter().enumerate();
        for (position, rule) in unlooked.filter(|(position, _)| !looked.contains(position)) {
            places.entry(place(rule)).or_default().push(position);
        }
        let mut known = task.circles.lock().await;
        let new: Vec<(Place, Route)> = places
            .iter()
            .filter(|(place, _)| !known.contains_key(*place))
            .filter_map(|(place, positions)| {
                let rule = wanted.get(*positions.first()?)?;
                Some((place.clone(), (*rule).clone()))
            })
            .take(FOLLOWED.saturating_sub(known.len()))
            .collect();
        let (account, domain) = (&task.account, &task.domain);
        let found: Vec<(Place, Option<Look>)> = stream::iter(new)
            .map(|(place, rule)| async move {
                (place, self.look_for_circle(account, domain, &rule).await)
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        known.extend(found);
        let mut looks = Vec::new();
        for (place, positions) in places {
            let look = match known.get(&place) {
                Some(Some(look)) => look.clone(),
                Some(None) => continue,
                None => not_followed(),
            };
            looks.extend(
                positions
                    .into_iter()
                    .map(|position| (position, look.clone())),
            );
        }
        looks
    }

    /// What the customer's numbers show of a list; nothing is read for an empty one.
    pub(super) async fn reach_of_import(&self, task: &Task) -> Reach {
        let rows = &task.list().rows;
        let is_for_one_number = |row: &files::Row| {
            let dialled = row.dnis.as_ref();
            dialled.is_some_and(|dialled| !dialled.is_any())
        };
        match rows.is_empty() {
            true => Reach::default(),
            false => {
                let names_dialled = rows.iter().any(is_for_one_number);
                self.reach(&task.account, &task.domain, names_dialled).await
            }
        }
    }
}

/// Application and destination, however they are written.
pub(super) type Place = (String, String);

fn place(rule: &Route) -> Place {
    let (id, _) = rule.destination.address(&rule.application);
    (
        rule.application.as_str().to_owned(),
        id.to_ascii_lowercase(),
    )
}

fn not_followed() -> Look {
    Look {
        warning: format!(
            "the list has more than {FOLLOWED} destinations, so it was not looked whether the calls to these come back to the VIP rules"
        ),
        doubt: None,
    }
}

/// One warning for each dialled number that is not the customer's.
pub(super) fn doubt_dialled(reach: &Reach, rows: &[Row]) -> Vec<String> {
    let mut found = Lines::new();
    for row in rows.iter().filter(|row| row.change.is_some()) {
        let wanted = row.wanted.as_ref();
        if let Some(warning) = wanted.and_then(|rule| reach.doubt(&rule.key.dnis)) {
            found.entry(warning).or_default().extend(row.line);
        }
    }
    told(found)
}

/// Warnings with the lines they are about.
type Lines = BTreeMap<String, Vec<usize>>;

fn told(found: Lines) -> Vec<String> {
    let told = found
        .into_iter()
        .map(|(warning, lines)| format!("line {}: {warning}", first_few(LINES_NAMED, lines)));
    told.collect()
}
