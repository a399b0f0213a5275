//! Reading and replacing a client's file.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::whole_file;
use skyswitch_domain::error::{Error, Result};

/// What the copy of the file is called, behind its own name.
const BACKUP: &str = ".skyswitch-backup";

/// The text of a file; `None` where there is no file.
pub(super) fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable(path, "read", &error)),
    }
}

/// So many copies beside one file are more than anybody looks through.
const MOST_BACKUPS: u32 = 1000;

/// Writes a file in one step. Where there was one, it is kept beside it, its
/// rights are those of the new one, and a link to it stays a link.
pub(super) fn replace(path: &Path, before: Option<&str>, after: &str) -> Result<Option<PathBuf>> {
    let failed = |error: io::Error| unusable(path, "written", &error);
    let Some(before) = before else {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(failed)?;
        // Clients keep credentials of other servers in theirs: a new one is private.
        whole_file::replace(path, after, None).map_err(failed)?;
        return Ok(None);
    };
    let rights = fs::metadata(path).map_err(failed)?.permissions();
    let backup = back_up(path, before, &rights).map_err(failed)?;
    whole_file::replace(path, after, Some(rights)).map_err(failed)?;
    Ok(Some(backup))
}

/// Keeps a text beside its file, under a number of its own: an earlier copy is
/// the file as it was before this program touched it, and is never overwritten.
fn back_up(path: &Path, text: &str, rights: &fs::Permissions) -> io::Result<PathBuf> {
    for number in 1..=MOST_BACKUPS {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(BACKUP);
        if number > 1 {
            name.push(format!("-{number}"));
        }
        let backup = path.with_file_name(name);
        match fs::symlink_metadata(&backup) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
            // The same copy twice would be of no use.
            Ok(found) if found.is_file() && fs::read(&backup)? == text.as_bytes() => {
                return Ok(backup);
            }
            Ok(_) => continue,
        }
        match whole_file::create(&backup, text, Some(rights.clone())) {
            Ok(()) => return Ok(backup),
            // Somebody else wrote one in the meantime.
            Err(failed) if failed.kind() == ErrorKind::AlreadyExists => {}
            Err(failed) => return Err(failed),
        }
    }
    Err(io::Error::other("too many copies of it are kept beside it"))
}

fn unusable(path: &Path, what: &str, error: &io::Error) -> Error {
    Error::invalid(
        "client",
        format!("{} cannot be {what}: {error}", path.display()),
        "Nothing was changed. Check the file's rights, or run the command with `--print` and paste the entry yourself.",
    )
}
