//! Rows whose destination or dialled number looks wrong, and rows without effect.

use std::collections::BTreeMap;

use crate::app::App;
use crate::ops::import::report::Row;
use crate::ops::import::{Task, files};
use crate::ops::vips::reach::Reach;
use skyswitch_domain::Route;
use skyswitch_domain::wording::first_few;

/// Lines named in one warning.
const LINES_NAMED: usize = 20;

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
        let looks = self
            .look_at_destinations(&task.account, &task.domain, &wanted)
            .await;
        let mut puts: Vec<&mut Row> = rows.iter_mut().filter(|row| is_put(row)).collect();
        let mut found = Lines::new();
        for (position, look) in looks {
            let Some(row) = puts.get_mut(position) else {
                continue;
            };
            if let Some(change) = row.change.take() {
                let change = change.doubting(look.doubt);
                **row = row.clone().with_change(change, &self.settings().limits);
            }
            found.entry(look.warning).or_default().extend(row.line);
        }
        told(found)
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
