//! Files that a command writes: for their owner alone, since they hold callers
//! or more, and never in the place of one that exists unless that is asked for.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::whole_file;
use skyswitch_domain::error::{Error, Result};

/// A file that only its owner can read and that did not exist.
pub(super) fn new_private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Why a file cannot be written.
pub(super) fn unusable(argument: &str, path: &Path, error: &io::Error) -> Error {
    let hint = match error.kind() {
        ErrorKind::AlreadyExists => "Give a file that does not exist yet.",
        _ => "Check the rights and the free space of its folder, or name a file elsewhere.",
    };
    Error::invalid(
        argument,
        format!("{} cannot be written: {error}", path.display()),
        hint,
    )
}

/// Refuses a file that exists where it shall not be replaced. What is no file,
/// such as a pipe, holds nothing that could be lost.
///
/// # Errors
/// `invalid_argument` with what to do about it.
pub(super) fn refuse_existing(argument: &str, path: &Path, replaces: bool) -> Result<()> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() && !replaces => Err(Error::invalid(
            argument,
            format!("{} exists already, so nothing was written", path.display()),
            "Name another file, or pass `--force` to replace this one.",
        )),
        Err(_) if path.is_symlink() => Err(Error::invalid(
            argument,
            format!("{} is a link to a file that does not exist", path.display()),
            "Name the file itself; nothing was written.",
        )),
        _ => Ok(()),
    }
}

/// Writes a private file, whole or not at all. One that exists is replaced where
/// that is asked for; what is no file is written into in any case.
///
/// # Errors
/// `invalid_argument` where the file exists, or cannot be written.
pub(super) fn write(argument: &str, path: &Path, text: &str, replaces: bool) -> Result<()> {
    refuse_existing(argument, path, replaces)?;
    let written = match fs::metadata(path) {
        Ok(found) if found.is_file() => whole_file::replace(path, text, None),
        Ok(_) => fs::write(path, text),
        Err(_) => whole_file::create(path, text, None),
    };
    written.map_err(|error| unusable(argument, path, &error))
}
