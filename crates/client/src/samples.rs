//! Skeletons of answers in a form that is not known, kept so that a person can
//! report them. They are sent nowhere.

use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::skeleton::Skeleton;
use skyswitch_guard::store::StateFolder;

/// Skeletons kept at most: whoever has so many has enough to report.
const MOST: usize = 100;

/// Keeps a skeleton, once for each form of what was asked, and says where.
/// `None` where it cannot be kept: the error that it belongs to says nothing
/// of it then.
pub(super) fn keep(folder: &StateFolder, skeleton: &Skeleton) -> Option<PathBuf> {
    let text = serde_json::to_string_pretty(skeleton).ok()?;
    let digest = Sha256::digest(&text);
    let digest: String = digest[..4]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    // The file itself says what was asked: a hint that names it must not.
    let name = format!("answer-{digest}.json");
    if !folder.has(&name) {
        let is_full = std::fs::read_dir(folder.path()).is_ok_and(|files| files.count() >= MOST);
        if is_full || folder.create_once(&name, text.as_bytes()).is_err() {
            return None;
        }
    }
    Some(folder.path().join(name))
}
