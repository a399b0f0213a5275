//! What is kept of VIP rules beside the service, free of any database.

use skyswitch_domain::Route;

/// What is kept of one VIP rule.
#[derive(Debug, Clone)]
pub struct NoteRecord {
    /// Grows with time.
    pub id: i64,
    /// The account.
    pub account: String,
    /// The rule as it was when that was said of it.
    pub rule: Route,
    /// Who the caller is, or another remark.
    pub note: Option<String>,
    /// The last day of the rule, such as `2026-12-25`.
    pub until: Option<String>,
    /// The end of that day: milliseconds since 1970, UTC.
    pub ends_at: Option<i64>,
}
