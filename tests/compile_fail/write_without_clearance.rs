//! The client writes no change that the guard has not cleared.

use skyswitch_mcp::guard::RouteChange;
use skyswitch_mcp::skyswitch::{Client, ReadyToWrite};

async fn write(client: Client, change: RouteChange, ready: ReadyToWrite) {
    let _ = client.write(change, ready).await;
}

fn main() {
    let _ = write;
}
