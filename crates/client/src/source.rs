//! Where a login is read from.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use skyswitch_domain::error::Result;

/// Something secret that is read each time it is needed, so that a process that
/// runs for weeks never goes on with a password that was changed meanwhile.
/// `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Source<T>(Arc<dyn Fn() -> BoxFuture<'static, Result<T>> + Send + Sync>);

impl<T> Source<T> {
    /// Reads it in this way.
    pub fn new<F>(read: impl Fn() -> F + Send + Sync + 'static) -> Source<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        Source(Arc::new(move || Box::pin(read())))
    }

    /// What it is now.
    ///
    /// # Errors
    /// Those of the way in which it is read, such as `not_configured`.
    pub async fn read(&self) -> Result<T> {
        (self.0)().await
    }
}

impl<T: Clone + Send + Sync + 'static> From<T> for Source<T> {
    /// A value that stays the same.
    fn from(value: T) -> Source<T> {
        Source::new(move || std::future::ready(Ok(value.clone())))
    }
}

impl<T> fmt::Debug for Source<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source(****)")
    }
}
