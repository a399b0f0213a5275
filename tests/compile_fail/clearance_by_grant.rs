//! The guard's way of making a clearance is closed to others.

use skyswitch_mcp::guard::{Clearance, RouteChange};

fn forge(change: RouteChange) -> Clearance {
    Clearance::grant(change)
}

fn main() {
    let _ = forge;
}
