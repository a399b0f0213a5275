//! A clearance cannot be put together outside the guard.

use skyswitch_mcp::guard::{Clearance, RouteChange};

fn forge(change: RouteChange) -> Clearance {
    Clearance { change }
}

fn main() {
    let _ = forge;
}
