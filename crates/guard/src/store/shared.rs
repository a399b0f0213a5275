//! One open store for everybody in the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Mutex;

use super::{StateFolder, Store};
use skyswitch_domain::error::{Error, Result};

/// The store of a state folder, opened at first use. Cheap to clone; clones
/// share the open store.
#[derive(Debug, Clone)]
pub struct SharedStore {
    folder: StateFolder,
    open: Arc<Mutex<Option<Arc<Store>>>>,
    /// Whether this process has worked on changes in it.
    holds_work: Arc<AtomicBool>,
}

impl SharedStore {
    /// Names the store without touching the disk.
    pub fn new(folder: StateFolder) -> SharedStore {
        SharedStore {
            folder,
            open: Arc::default(),
            holds_work: Arc::default(),
        }
    }

    /// This process works on changes in it: no empty one may take its place.
    pub fn hold_work(&self) {
        self.holds_work.store(true, Ordering::Relaxed);
    }

    /// The folder it lies in.
    pub fn folder(&self) -> &StateFolder {
        &self.folder
    }

    /// Whether there is a store on the disk yet.
    pub fn exists(&self) -> bool {
        Store::is_in(&self.folder)
    }

    /// The open store, if there is one on the disk yet: looking creates none.
    ///
    /// # Errors
    /// `internal` when the folder or the file cannot be used.
    pub async fn if_exists(&self) -> Result<Option<Arc<Store>>> {
        if let Some(store) = self.in_place(self.open.lock().await.as_ref()) {
            return Ok(Some(store));
        }
        match self.exists() {
            true => self.get().await.map(Some),
            false => Ok(None),
        }
    }

    /// Whether there was a store, which is gone.
    pub async fn was_removed(&self) -> bool {
        self.open.lock().await.is_some() && !self.exists()
    }

    /// The refusal where folder or file was removed, or others are in their place.
    pub fn replaced(&self) -> Error {
        Error::internal(
            format!(
                "the state folder {} was removed or replaced while this program ran",
                self.folder.path().display()
            ),
            "Put it back, or start the program again to go on with what is there now.",
        )
    }

    /// The open store. It is opened again where another file is in its place.
    ///
    /// # Errors
    /// `internal` when the folder or the file cannot be used, and where the store
    /// that this process has worked in was removed: an empty one in its place
    /// would forget what was used up.
    pub async fn get(&self) -> Result<Arc<Store>> {
        let mut open = self.open.lock().await;
        if let Some(store) = self.in_place(open.as_ref()) {
            return Ok(store);
        }
        if open.is_some() && !self.exists() && self.holds_work.load(Ordering::Relaxed) {
            return Err(self.replaced());
        }
        let store = Arc::new(Store::open(&self.folder).await?);
        *open = Some(Arc::clone(&store));
        Ok(store)
    }

    /// The open store, where nothing else is in its place.
    fn in_place(&self, open: Option<&Arc<Store>>) -> Option<Arc<Store>> {
        open.filter(|store| store.is_in_place(&self.folder))
            .map(Arc::clone)
    }
}
