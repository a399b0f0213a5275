//! Looking after the state folder: removing old changes, checking, copying.

use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::app::App;
use skyswitch_domain::Since;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_guard::store::{Store, StoreHealth, StorePruned};

/// Changes of the last days are needed for limits, undo and lists that show late.
const DAYS_KEPT: i64 = 30;

/// Removes closed changes to VIP rules that are older than that.
///
/// # Errors
/// `invalid_argument` within the last 30 days; the store's errors.
pub async fn prune_state(app: &App, before: Since) -> Result<StorePruned> {
    let before = before.moment();
    if Timestamp::now().duration_since(before) < SignedDuration::from_hours(24 * DAYS_KEPT) {
        return Err(Error::invalid(
            "older_than",
            format!("changes of the last {DAYS_KEPT} days are always kept"),
            "Give a longer age, for example `400d`.",
        ));
    }
    match app.journal().store().if_exists().await? {
        Some(store) => store.prune(before.as_millisecond()).await,
        None => Ok(StorePruned::default()),
    }
}

/// Checks the folder, and looks through the whole journal.
///
/// # Errors
/// `not_found` where there is no journal yet; the store's errors.
pub async fn check_state(app: &App) -> Result<StoreHealth> {
    let store = existing(app).await?;
    app.journal().store().folder().probe()?;
    store.check().await
}

/// Copies the journal into an empty file.
///
/// # Errors
/// `not_found` where there is no journal yet; the store's errors.
pub async fn back_up_state(app: &App, file: &Path) -> Result<()> {
    existing(app).await?.back_up(file).await
}

async fn existing(app: &App) -> Result<Arc<Store>> {
    let store = app.journal().store();
    store.if_exists().await?.ok_or_else(|| {
        let path = store.folder().path().display();
        Error::new(
            Code::NotFound,
            format!("there is no journal in {path} yet"),
            "It is made with the first change; SKYSWITCH_STATE_DIR names another folder.",
        )
    })
}
