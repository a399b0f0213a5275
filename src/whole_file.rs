//! Files that are written whole or not at all: nobody reads half of one, and
//! after a failure nothing is left in the way of the next try.

use std::fs::Permissions;
use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

/// Writes a file that did not exist. Without rights it is for its owner alone.
///
/// # Errors
/// `AlreadyExists` where there is one, and those of writing.
pub(crate) fn create(path: &Path, text: &str, rights: Option<Permissions>) -> io::Result<()> {
    beside(path, text, rights)?.persist_noclobber(path)?;
    Ok(())
}

/// Writes a file in the place of the one that there is, if any. A link to the
/// real file stays one. Without rights it is for its owner alone.
///
/// # Errors
/// Those of writing; the file is as it was.
pub(crate) fn replace(path: &Path, text: &str, rights: Option<Permissions>) -> io::Result<()> {
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    beside(&path, text, rights)?.persist(path)?;
    Ok(())
}

/// Whether a file of that length could be written there now.
///
/// # Errors
/// Why it could not.
pub(crate) fn try_room(path: &Path, length: usize) -> io::Result<()> {
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    beside(&path, &" ".repeat(length), None).map(drop)
}

/// The text in a file of its own beside the path, and safely on the disk.
fn beside(path: &Path, text: &str, rights: Option<Permissions>) -> io::Result<NamedTempFile> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    // tempfile creates with mode 0600.
    let mut file = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(text.as_bytes())?;
    if let Some(rights) = rights {
        file.as_file().set_permissions(rights)?;
    }
    file.as_file().sync_all()?;
    Ok(file)
}
