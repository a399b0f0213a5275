//! What the tests share: a sandbox with a state folder of its own, applications
//! on it, people who answer, and what was sent.

mod bench;
mod calls;
pub mod client;
pub mod customer;
pub mod faults;
pub mod guests;
pub mod habits;
pub mod imports;
pub mod journal;
pub mod page;
pub mod parrot;
mod people;
pub mod process;
pub mod protocol;
mod schemas;
pub mod strikes;

pub use bench::{Bench, sandbox_login, settings};
pub use calls::*;
pub use people::{Person, first_call, nobody, second_call, token};

/// Customers of the sandbox's demo tenant.
pub const DENTAL: &str = "lakesidedental.12345.service";
pub const VET: &str = "maplewoodvet.12345.service";
pub const LEGAL: &str = "harborlegal.12345.service";
pub const BAKERY: &str = "sunrisebakery.12345.service";
pub const KETTLE: &str = "copperkettle.12345.service";

/// A VIP of [`DENTAL`] who rings extension 101, stored as listed here.
pub const CALLER: &str = "16165550123";

/// Lets that many seconds pass for whatever waits or remembers, and nobody wait.
pub async fn skip_seconds(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

/// How many of something a full run asks for.
pub fn number_from(variable: &str, default: u32) -> u32 {
    let value = skyswitch_mcp::config::process_environment(variable);
    value.map_or(default, |text| text.parse().unwrap())
}
