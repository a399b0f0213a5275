//! The operations that a server works with. While nothing is configured the
//! settings are read again with each call, so that whoever signs in need not
//! restart the client.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::app::App;
use skyswitch_domain::error::Result;

/// Makes the operations from the settings as they are now.
pub type Reload = Box<dyn Fn() -> Result<App> + Send + Sync>;

pub(super) struct Current {
    app: Mutex<Result<Arc<App>>>,
    reload: OnceLock<Reload>,
}

impl Current {
    /// Unusable settings do not keep the server from starting; calls report them.
    pub fn new(app: Result<Arc<App>>) -> Current {
        Current {
            app: Mutex::new(app),
            reload: OnceLock::new(),
        }
    }

    /// Reads the settings again in this way.
    pub fn reload_with(&self, reload: Reload) {
        // The first one stays; a server is given one at most.
        let _ = self.reload.set(reload);
    }

    /// The operations as a call finds them. Once there is a login they stay the
    /// same: they hold what is being changed.
    pub fn app(&self) -> Result<Arc<App>> {
        let mut app = self.app.lock().unwrap_or_else(PoisonError::into_inner);
        let has_login = |app: &Arc<App>| app.settings().credentials.is_ok();
        if !app.as_ref().is_ok_and(has_login)
            && let Some(reload) = self.reload.get()
        {
            *app = reload().map(Arc::new);
        }
        app.clone()
    }

    /// The operations as they were last found.
    pub fn present(&self) -> Option<Arc<App>> {
        let app = self.app.lock().unwrap_or_else(PoisonError::into_inner);
        app.as_ref().ok().cloned()
    }
}
