//! Rows whose destination looks wrong.

use std::collections::BTreeMap;

use crate::app::App;
use crate::ops::import::Task;
use crate::ops::import::report::Row;
use skyswitch_domain::Route;

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
        let mut found = BTreeMap::<String, Vec<usize>>::new();
        for (position, look) in looks {
            let Some(row) = puts.get_mut(position) else {
                continue;
            };
            row.change = row.change.take().map(|change| change.doubting(look.doubt));
            found.entry(look.warning).or_default().extend(row.line);
        }
        let told = found.into_iter().map(|(warning, lines)| {
            let named: Vec<String> = lines
                .iter()
                .take(LINES_NAMED)
                .map(usize::to_string)
                .collect();
            let more = match lines.len().saturating_sub(LINES_NAMED) {
                0 => String::new(),
                n => format!(" and {n} more"),
            };
            format!("line {}{more}: {warning}", named.join(", "))
        });
        told.collect()
    }
}
