//! Whether a config file can be used: what every command refuses that reads it,
//! and what is refused otherwise only where the value is needed.

use std::path::Path;
use std::sync::Arc;

use super::file::ConfigFile;
use super::login::{Reader, Stored};
use super::{Flags, Settings, pbx};
use skyswitch_domain::error::Result;

/// # Errors
/// `not_configured` for the first value that cannot be used. What is missing is
/// no error.
pub(super) fn refuse_unusable(path: &Path, text: &str) -> Result<()> {
    let file = ConfigFile::parse(path, text)?;
    // By itself: a flag or variable may hide now what is used the next time.
    let reader = Reader {
        variables: Arc::default(),
        path: path.to_owned(),
        file_goes_first: true,
        stored: Stored::Given(text.into()),
    };
    for form in file.login() {
        form.find(reader.environment())?;
    }
    pbx::refuse_unusable(&file, reader.environment())?;
    Settings::assemble(&Flags::default(), &reader, None, Some(file)).map(drop)
}
