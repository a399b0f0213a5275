//! Files that a command writes: for their owner alone, since they hold callers
//! or more, and never in the place of one that exists unless that is asked for.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use skyswitch_domain::error::{Error, Result};

/// A file that only its owner can read and that did not exist.
pub(super) fn new_private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Why a new file cannot be written.
pub(super) fn unusable(argument: &str, path: &Path, error: &io::Error) -> Error {
    Error::invalid(
        argument,
        format!("{} cannot be written: {error}", path.display()),
        "Give a file that does not exist yet, in a folder that can be written to.",
    )
}

/// Writes a private file. One that exists is replaced in one step where that is
/// asked for; what is no file, such as a pipe, is written into in any case.
///
/// # Errors
/// `invalid_argument` where the file exists, or cannot be written.
pub(super) fn write(argument: &str, path: &Path, text: &str, replaces: bool) -> Result<()> {
    let failed = |error: io::Error| unusable(argument, path, &error);
    let written = match std::fs::metadata(path) {
        Ok(found) if found.is_file() && !replaces => {
            return Err(Error::invalid(
                argument,
                format!("{} exists already, so nothing was written", path.display()),
                "Name another file, or pass `--force` to replace this one.",
            ));
        }
        Ok(found) if found.is_file() => replace(path, text),
        Ok(_) => std::fs::write(path, text),
        Err(_) if path.is_symlink() => {
            return Err(Error::invalid(
                argument,
                format!("{} is a link to a file that does not exist", path.display()),
                "Name the file itself; nothing was written.",
            ));
        }
        Err(_) => new_private_file(path).and_then(|mut file| file.write_all(text.as_bytes())),
    };
    written.map_err(failed)
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    // A link to the real file stays one.
    let path = std::fs::canonicalize(path)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    // tempfile creates with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}
