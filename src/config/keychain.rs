//! The keychain of the desktop, through the program that the system has for it.
//! What is stored there is read back as any other secret is that a command
//! prints, so the config file itself says where it is.

use std::path::Path;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::program;
use skyswitch_domain::redact::Secret;

/// What entries are found by.
const SERVICE: &str = "skyswitch-mcp";
/// The keychain may ask the person to unlock it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A keychain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keychain {
    /// The Secret Service of Linux desktops (GNOME Keyring, KWallet), by `secret-tool`.
    SecretService,
    /// The login keychain of macOS, by `security`.
    MacOs,
}

impl Keychain {
    /// The kind that this system can have.
    fn of_system() -> Option<Keychain> {
        match std::env::consts::OS {
            "macos" => Some(Keychain::MacOs),
            "linux" | "freebsd" => Some(Keychain::SecretService),
            _ => None,
        }
    }

    /// The keychain whose entry a command prints, where `login` made it.
    pub(super) fn of(words: &[String]) -> Option<Keychain> {
        let begins = |start: &[&str]| words.iter().take(start.len()).eq(start.iter());
        if begins(&["secret-tool", "lookup", "service", SERVICE]) {
            Some(Keychain::SecretService)
        } else if begins(&["security", "find-generic-password", "-s", SERVICE]) {
            Some(Keychain::MacOs)
        } else {
            None
        }
    }

    /// Stores a secret for a field of a config file, and gives the command that
    /// prints it; `None` where there is no keychain that keeps it.
    pub(super) async fn store(field: &str, file: &Path, secret: &Secret) -> Option<Vec<String>> {
        let keychain = Keychain::of_system()?;
        let entry = entry_of(field, file);
        let (store, input) = match keychain {
            Keychain::SecretService => {
                let label = format!("--label=SkySwitch {field} ({})", file.display());
                let words = [
                    "secret-tool",
                    "store",
                    &label,
                    "service",
                    SERVICE,
                    "account",
                    &entry,
                ];
                (words.map(str::to_owned).to_vec(), secret.clone())
            }
            // In digits, and not as an argument: other users see arguments.
            Keychain::MacOs => {
                let digits: String = secret
                    .expose()
                    .bytes()
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                let line = format!("add-generic-password -U -s {SERVICE} -a {entry} -X {digits}\n");
                (
                    ["security", "-i"].map(str::to_owned).to_vec(),
                    Secret::new(line),
                )
            }
        };
        program::output(&store, Some(&input), PATIENCE).await.ok()?;
        let lookup = keychain.lookup(&entry);
        // A keychain that does not give it back as it was is as good as none.
        let kept = program::output(&lookup, None, PATIENCE).await.ok()?;
        (kept == secret.expose()).then_some(lookup)
    }

    fn lookup(self, entry: &str) -> Vec<String> {
        let words: &[&str] = match self {
            Keychain::SecretService => &[
                "secret-tool",
                "lookup",
                "service",
                SERVICE,
                "account",
                entry,
            ],
            Keychain::MacOs => &[
                "security",
                "find-generic-password",
                "-s",
                SERVICE,
                "-w",
                "-a",
                entry,
            ],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// Removes the entry that a command prints, and says whether that went well.
    pub(super) async fn remove(self, lookup: &[String]) -> bool {
        let entry = lookup.last().map_or("", String::as_str);
        let words: &[&str] = match self {
            Keychain::SecretService => {
                &["secret-tool", "clear", "service", SERVICE, "account", entry]
            }
            Keychain::MacOs => &[
                "security",
                "delete-generic-password",
                "-s",
                SERVICE,
                "-a",
                entry,
            ],
        };
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        program::output(&words, None, PATIENCE).await.is_ok()
    }
}

/// The name of an entry: two config files have two passwords, so `file` is the
/// whole path.
fn entry_of(field: &str, file: &Path) -> String {
    let digest = Sha256::digest(file.as_os_str().as_encoded_bytes());
    let digits: String = digest[..6]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{field}-{digits}")
}
