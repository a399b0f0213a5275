//! Sealed confirmations: values that travel through the client and come back
//! unaltered or not at all.
//!
//! rmcp's request-state codec signs them and bounds their age. It knows no
//! single use; the store adds that.

use rmcp::model::{RequestStateCodec, RequestStateError, SealOptions};
use serde::{Deserialize, Serialize};

use super::CONFIRMATION_LIFETIME;
use crate::store::StateFolder;
use skyswitch_domain::error::{Code, Error, Result};

const KEY_FILE: &str = "confirmation.key";
const KEY_LENGTH: usize = 32;

/// What a sealed value was made for; one cannot stand in for the other.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Purpose {
    /// The state beside a form: worth nothing without a typed answer.
    Form,
    /// A token: worth a change by itself, in mode `token`.
    Token,
}

/// What is inside.
#[derive(Serialize, Deserialize)]
pub(super) struct Sealed {
    /// Makes it usable once.
    pub nonce: String,
    /// Digest of the state the person was shown.
    pub fingerprint: String,
}

/// Signs and opens under the installation's key.
pub(super) struct Seal {
    codec: RequestStateCodec,
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(****)")
    }
}

impl Seal {
    /// The key of this installation, made on first use.
    pub fn of_installation(folder: &StateFolder) -> Result<Seal> {
        let key = match folder.read(KEY_FILE)? {
            Some(key) => key,
            None => folder.create_once(KEY_FILE, &rand::random::<[u8; KEY_LENGTH]>())?,
        };
        let codec = RequestStateCodec::try_new(key).map_err(|_| {
            Error::internal(
                format!("the confirmation key {} is damaged", folder.path().join(KEY_FILE).display()),
                "Delete that file; a new key is made, and confirmations that wait must be asked for again.",
            )
        })?;
        Ok(Seal { codec })
    }

    /// Seals what was seen, bound to the change it is for.
    pub fn close(&self, purpose: Purpose, binding: &str, fingerprint: &str) -> String {
        let sealed = Sealed {
            nonce: format!("{:032x}", rand::random::<u128>()),
            fingerprint: fingerprint.to_owned(),
        };
        // Two strings always serialise; were it otherwise, the empty payload would never open.
        let payload = serde_json::to_vec(&sealed).unwrap_or_default();
        let bound_to = bound_to(purpose, binding);
        let options = SealOptions::new()
            .associated_data(bound_to.as_bytes())
            .ttl(CONFIRMATION_LIFETIME);
        self.codec.seal_with(&payload, &options)
    }

    /// Opens what came back for this change.
    pub fn open(&self, purpose: Purpose, binding: &str, sealed: &str) -> Result<Sealed> {
        self.codec
            .open_json_with(sealed, bound_to(purpose, binding).as_bytes())
            .map_err(|error| match error {
                RequestStateError::Expired => invalid("this confirmation has expired"),
                _ => invalid("this confirmation was altered, or belongs to another change, account or installation"),
            })
    }
}

/// The refusal of a confirmation.
pub(super) fn invalid(why: &str) -> Error {
    Error::new(
        Code::ConfirmationInvalid,
        format!("{why}; nothing was done"),
        "Call the tool again without a confirmation, and let the person see the new preview.",
    )
    .with_field("confirmation")
}

fn bound_to(purpose: Purpose, binding: &str) -> String {
    super::change::digest(&(purpose, binding))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_confirmation_is_good_until_it_expires() {
        let folder = tempfile::tempdir().expect("a folder");
        let seal = Seal::of_installation(&StateFolder::new(folder.path())).expect("a key");
        let bound_to = bound_to(Purpose::Token, "change");
        let sealed_for = |life: Duration| {
            let options = SealOptions::new()
                .associated_data(bound_to.as_bytes())
                .ttl(life);
            let payload = br#"{"nonce":"1","fingerprint":"seen"}"#;
            seal.codec.seal_with(payload, &options)
        };
        let live = sealed_for(CONFIRMATION_LIFETIME);
        let opened = seal.open(Purpose::Token, "change", &live).expect("good");
        assert_eq!(opened.fingerprint, "seen");

        let lapsed = sealed_for(Duration::from_millis(1));
        std::thread::sleep(Duration::from_millis(20));
        let Err(refusal) = seal.open(Purpose::Token, "change", &lapsed) else {
            panic!("an expired confirmation was opened");
        };
        assert_eq!(refusal.code(), Code::ConfirmationInvalid);
        assert!(refusal.to_string().contains("expired"), "{refusal}");
    }
}
