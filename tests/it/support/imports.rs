//! VIP lists, imported in the same process.

use std::sync::Mutex;

use skyswitch_mcp::Result;
use skyswitch_mcp::app::App;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    Asked, Progress, SyncMode, SyncOutcome, SyncSession, SyncStatus, SyncVips, Undo, UndoOutcome,
    sync_vips, undo,
};
use tokio_util::sync::CancellationToken;

use super::{DENTAL, done};

/// Keeps what was reported, and may do something at a certain row.
#[derive(Default)]
pub struct Watch {
    pub seen: Mutex<Vec<(usize, usize)>>,
    at: Option<usize>,
    pub stop: CancellationToken,
}

impl Watch {
    pub fn stopping_at(row: usize) -> Watch {
        Watch {
            at: Some(row),
            ..Watch::default()
        }
    }
}

impl Progress for Watch {
    fn report(&self, done: usize, total: usize, _: &str) {
        self.seen.lock().unwrap().push((done, total));
        // Nothing is sent before it is known how many rows there are.
        if total > 0 && self.at.is_some_and(|at| done >= at) {
            self.stop.cancel();
        }
    }
}

pub fn args(mode: SyncMode) -> SyncVips {
    SyncVips::without_list(DENTAL.parse().unwrap(), mode)
}

/// The same, of which the plan is only shown.
pub fn dry(mode: SyncMode) -> SyncVips {
    SyncVips {
        dry_run: Some(true),
        ..args(mode)
    }
}

/// Sends the callers of one destination to another.
pub fn moving(from: &str, to: &str) -> SyncVips {
    SyncVips {
        from: Some(from.parse().unwrap()),
        destination: Some(to.parse().unwrap()),
        ..args(SyncMode::Move)
    }
}

pub async fn ask(
    app: &App,
    args: &SyncVips,
    list: Option<&str>,
    channel: &Channel<'_>,
    watch: &Watch,
) -> Result<Asked<SyncOutcome>> {
    let session = SyncSession {
        channel,
        progress: watch,
        stop: &watch.stop,
        most_rows: None,
    };
    sync_vips(app, args, list.map(str::as_bytes), &session).await
}

pub async fn sync(
    app: &App,
    args: &SyncVips,
    list: &str,
    channel: &Channel<'_>,
) -> Result<SyncOutcome> {
    ask(app, args, Some(list), channel, &Watch::default())
        .await
        .map(done)
}

/// Imports a list so that the domain has exactly its rules.
pub async fn mirror(app: &App, domain: &str, list: &str) -> SyncOutcome {
    let wanted = SyncVips {
        domain: domain.parse().unwrap(),
        allow_large_removal: Some(true),
        ..args(SyncMode::Mirror)
    };
    let outcome = sync(app, &wanted, list, &Channel::Given).await.unwrap();
    assert_eq!(outcome.status, SyncStatus::Applied, "{outcome:?}");
    outcome
}

/// Imports a list that is made there, as of a move.
pub async fn without_list(app: &App, args: &SyncVips, channel: &Channel<'_>) -> SyncOutcome {
    let asked = ask(app, args, None, channel, &Watch::default()).await;
    asked.map(done).unwrap()
}

/// All changes of an import, as what is to be undone.
pub fn of_run(run: &str) -> Undo {
    Undo {
        run_id: Some(run.to_owned()),
        ..Undo::default()
    }
}

pub async fn undo_with(app: &App, args: &Undo, channel: &Channel<'_>) -> Result<UndoOutcome> {
    let watch = Watch::default();
    let session = SyncSession {
        channel,
        progress: &watch,
        stop: &watch.stop,
        most_rows: None,
    };
    undo(app, args, &session).await.map(done)
}
