//! Rows whose destination does not exist in the domain.

use std::collections::BTreeMap;

use super::Task;
use super::report::Row;
use crate::domain::Route;
use crate::ops::App;

/// Lines named in one warning.
const LINES_NAMED: usize = 20;

impl App {
    /// Rows whose destination does not exist in the domain: one warning for
    /// each destination, with the lines it is on.
    pub(super) async fn unknown_destinations(&self, task: &Task, rows: &[Row]) -> Vec<String> {
        let changed: Vec<&Row> = rows.iter().filter(|row| row.change.is_some()).collect();
        let wanted: Vec<&Route> = changed
            .iter()
            .filter_map(|row| row.wanted.as_ref())
            .collect();
        let lines: Vec<Option<usize>> = changed
            .iter()
            .filter(|row| row.wanted.is_some())
            .map(|row| row.line)
            .collect();
        let mut found = BTreeMap::<String, Vec<usize>>::new();
        for (position, warning) in self
            .destination_warnings(&task.account, &task.domain, &wanted)
            .await
        {
            let line = lines.get(position).copied().flatten();
            found.entry(warning).or_default().extend(line);
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
