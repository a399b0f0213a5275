//! The fuzz targets, on a service that lasts as long as the process.

pub mod targets;

use std::cell::RefCell;
use std::path::Path;

use targets::{Ground, TARGETS};

/// Runs one target once, on a ground that lasts as long as the thread.
///
/// # Panics
/// Where something does not hold.
pub fn strike(target: &str, data: &[u8]) {
    thread_local! {
        static GROUND: RefCell<Option<Ground>> = const { RefCell::new(None) };
    }
    let (_, run) = TARGETS
        .iter()
        .find(|(name, _)| *name == target)
        .expect("a target of that name");
    GROUND.with_borrow_mut(|ground| {
        let binary = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/debug/skyswitch");
        run(ground.get_or_insert_with(|| Ground::new(&binary())), data);
    });
}
