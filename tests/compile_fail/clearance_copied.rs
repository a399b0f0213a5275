//! A clearance cannot be copied either.

use skyswitch_mcp::guard::Clearance;

fn copy(clearance: &Clearance) -> Clearance {
    clearance.clone()
}

fn main() {
    let _ = copy;
}
