//! The version with the commit and its date, for `skyswitch --version`.
//!
//! What is shipped is built optimised: only then is git asked, so that a commit
//! alone never makes a development build compile the program again. A packager
//! without git says both in `SKYSWITCH_BUILD_COMMIT` and `SKYSWITCH_BUILD_DATE`.
//! The date is that of the commit, so that two builds of it are the same.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=SKYSWITCH_BUILD_COMMIT");
    println!("cargo::rerun-if-env-changed=SKYSWITCH_BUILD_DATE");
    let version = variable("CARGO_PKG_VERSION").unwrap_or_default();
    let built = match variable("SKYSWITCH_BUILD_COMMIT") {
        Some(commit) => {
            let date = variable("SKYSWITCH_BUILD_DATE");
            [Some(commit), date]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(", ")
        }
        None if variable("PROFILE").as_deref() == Some("debug") => "development build".to_owned(),
        None => of_git().unwrap_or_else(|| "commit unknown".to_owned()),
    };
    // Cargo sets it for `cargo run` as well, where a name that begins like our
    // settings would be warned of.
    println!("cargo::rustc-env=PROGRAM_VERSION={version} ({built})");
}

/// The commit of the working copy that this folder is the root of. A source
/// archive that lies somewhere in another repository has none.
fn of_git() -> Option<String> {
    let root = git(&["rev-parse", "--show-toplevel"])?;
    let here = variable("CARGO_MANIFEST_DIR")?;
    if Path::new(&root).canonicalize().ok()? != Path::new(&here).canonicalize().ok()? {
        return None;
    }
    // The branch moves without a change of HEAD, which names it.
    for name in ["HEAD", "packed-refs"] {
        watch(name);
    }
    if let Some(branch) = git(&["symbolic-ref", "--quiet", "HEAD"]) {
        watch(&branch);
    }
    git(&[
        "show",
        "--no-patch",
        "--format=%h, %cs",
        "--abbrev=12",
        "HEAD",
    ])
}

/// Runs again when a file of the repository changes, or appears.
fn watch(name: &str) {
    if let Some(path) = git(&["rev-parse", "--git-path", name])
        && Path::new(&path).exists()
    {
        println!("cargo::rerun-if-changed={path}");
    }
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}

fn variable(name: &str) -> Option<String> {
    let value = env::var_os(name)?.into_string().ok()?;
    (!value.trim().is_empty()).then(|| value.trim().to_owned())
}
