//! How far a long operation is, for whoever waits for it.

/// Receives every step of a long operation. MCP sends it as notifications, the
/// terminal draws a bar.
pub trait Progress: Send + Sync {
    /// `done` of `total` steps are over; `message` says more in a few words.
    fn report(&self, done: usize, total: usize, message: &str);
}
