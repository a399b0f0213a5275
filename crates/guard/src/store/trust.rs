//! What the state folder and its files must be like: made by this user alone.
//! What somebody else could have prepared is refused and not repaired.

use std::fs::Metadata;
use std::path::Path;

use skyswitch_domain::error::{Code, Error, Result};

/// No file that is read whole is nearly as large.
const LARGEST: u64 = 1024 * 1024;

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Folder,
    /// A file that grows, such as the database.
    File,
    /// A file that is read whole.
    SmallFile,
}

/// Tells a folder and a file in it from others that take their place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Identity([(u64, u64); 2]);

impl Identity {
    #[cfg(unix)]
    pub fn of(folder: &Metadata, file: &Metadata) -> Identity {
        use std::os::unix::fs::MetadataExt;
        Identity([folder, file].map(|found| (found.dev(), found.ino())))
    }

    #[cfg(not(unix))]
    pub fn of(_: &Metadata, _: &Metadata) -> Identity {
        Identity::default()
    }
}

/// Refuses a folder that depends on where the program is started: nothing is
/// ever written to the folder that somebody happens to be in.
pub(super) fn refuse_relative(path: &Path) -> Result<()> {
    if path.is_absolute() {
        return Ok(());
    }
    let problem = match path.as_os_str().is_empty() {
        true => "there is no place for the state folder: neither SKYSWITCH_STATE_DIR nor XDG_STATE_HOME nor HOME is set".to_owned(),
        false => format!(
            "the state folder {} is given relative to the current folder",
            path.display()
        ),
    };
    let remedy = "Set SKYSWITCH_STATE_DIR to a folder of your own, as an absolute path.";
    Err(Error::new(Code::NotConfigured, problem, remedy).with_field("SKYSWITCH_STATE_DIR"))
}

/// Refuses what somebody else could have put there.
pub(super) fn refuse_untrusted(path: &Path, found: &Metadata, kind: Kind) -> Result<()> {
    let Some((problem, remedy)) = mistrust(found, kind) else {
        return Ok(());
    };
    Err(Error::internal(
        format!(
            "{} cannot be used for the state: it {problem}",
            path.display()
        ),
        format!("{remedy}, or set SKYSWITCH_STATE_DIR to another folder of your own."),
    )
    .with_field("SKYSWITCH_STATE_DIR"))
}

fn mistrust(found: &Metadata, kind: Kind) -> Option<(&'static str, &'static str)> {
    if found.is_symlink() {
        return Some(("is a link", "Put the real one in its place"));
    }
    match kind {
        Kind::Folder if !found.is_dir() => return Some(("is not a folder", "Move it away")),
        Kind::File | Kind::SmallFile if !found.is_file() => {
            return Some(("is not a regular file", "Move it away"));
        }
        Kind::SmallFile if found.len() > LARGEST => {
            return Some(("is larger than any such file", "Move it away"));
        }
        _ => {}
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if found.uid() != rustix::process::geteuid().as_raw() {
            return Some((
                "belongs to another user",
                "Run the program as that user, or make it your own with `chown` if you know what is in it",
            ));
        }
        if found.mode() & 0o002 != 0 {
            return Some((
                "can be written by everybody",
                "Look at what is in it, then take that right away with `chmod o-w`",
            ));
        }
    }
    None
}
