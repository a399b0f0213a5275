//! A clearance is for one write.

use skyswitch_mcp::guard::Clearance;
use skyswitch_mcp::skyswitch::{Client, ReadyToWrite};

async fn write_twice(client: Client, clearance: Clearance, ready: [ReadyToWrite; 2]) {
    let [first, second] = ready;
    let _ = client.write(clearance, first).await;
    let _ = client.write(clearance, second).await;
}

fn main() {
    let _ = write_twice;
}
