//! Sealed confirmations: values that travel through the client and come back
//! unaltered or not at all.
//!
//! A sealed value is its payload and an HMAC-SHA-256 of payload and purpose,
//! both in base64. The payload holds the moment it expires. That a value works
//! only once is the store's business.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::CONFIRMATION_LIFETIME;
use crate::store::{StateFolder, ends_later};
use skyswitch_domain::ask_again;
use skyswitch_domain::error::{Code, Error, Result};

const KEY_FILE: &str = "confirmation.key";
const KEY_LENGTH: usize = 32;

/// What a sealed value was made for; it is refused for anything else.
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
    /// When it expires, in milliseconds since 1970.
    expires_at: i64,
    /// How often something else was typed than the value before.
    #[serde(default)]
    pub misses: u8,
}

impl Sealed {
    /// Whether its time is over.
    pub fn has_expired(&self) -> bool {
        let now = Timestamp::now().as_second();
        let ends = ends_later(now, CONFIRMATION_LIFETIME.as_secs().cast_signed());
        !ends.contains(&self.expires_at.div_euclid(1_000))
    }
}

/// Signs and opens under the installation's key.
pub(super) struct Seal {
    keyed: Hmac<Sha256>,
    /// The store that knows which confirmations were used: another one does not.
    installation: String,
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(****)")
    }
}

impl Seal {
    /// The key of this installation, made on first use. What it seals is worth
    /// nothing beside another store, such as one that was made again.
    pub fn of_installation(folder: &StateFolder, installation: &str) -> Result<Seal> {
        let key = match folder.read(KEY_FILE)? {
            Some(key) => key,
            None => folder.create_once(KEY_FILE, &rand::random::<[u8; KEY_LENGTH]>())?,
        };
        let keyed = Some(&key)
            .filter(|key| key.len() >= KEY_LENGTH)
            .and_then(|key| Hmac::new_from_slice(key).ok());
        let installation = installation.to_owned();
        keyed.map(|keyed| Seal { keyed, installation }).ok_or_else(|| {
            Error::internal(
                format!("the confirmation key {} is damaged", folder.path().join(KEY_FILE).display()),
                "Delete that file; a new key is made, and confirmations that wait must be asked for again.",
            )
        })
    }

    /// Seals what was seen, bound to the change it is for.
    pub fn close(&self, purpose: Purpose, binding: &str, fingerprint: &str, misses: u8) -> String {
        let expires_at = Timestamp::now() + CONFIRMATION_LIFETIME;
        let sealed = Sealed {
            nonce: format!("{:032x}", rand::random::<u128>()),
            fingerprint: fingerprint.to_owned(),
            expires_at: expires_at.as_millisecond(),
            misses,
        };
        self.close_sealed(&sealed, purpose, binding)
    }

    fn close_sealed(&self, sealed: &Sealed, purpose: Purpose, binding: &str) -> String {
        // Texts and a number always serialise; were it otherwise, the empty payload would never open.
        let payload = serde_json::to_vec(sealed).unwrap_or_default();
        let signature = self
            .signed(purpose, binding, &payload)
            .finalize()
            .into_bytes();
        format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(&payload),
            URL_SAFE_NO_PAD.encode(signature)
        )
    }

    /// Opens what came back for this change.
    pub fn open(&self, purpose: Purpose, binding: &str, sealed: &str) -> Result<Sealed> {
        self.opened(purpose, binding, sealed).ok_or_else(|| {
            invalid("this confirmation was altered, or belongs to another change, account or installation")
        })
    }

    fn opened(&self, purpose: Purpose, binding: &str, sealed: &str) -> Option<Sealed> {
        let (payload, signature) = sealed.split_once('.')?;
        let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let expected = self.signed(purpose, binding, &payload);
        // Compares in constant time, so that a signature cannot be guessed byte by byte.
        expected.verify_slice(&signature).ok()?;
        serde_json::from_slice(&payload).ok()
    }

    fn signed(&self, purpose: Purpose, binding: &str, payload: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.keyed.clone();
        // A digest of fixed length comes first, so that no other pair reads the same.
        let bound_to = (purpose, binding, &self.installation);
        mac.update(super::change::digest(&bound_to).as_bytes());
        mac.update(payload);
        mac
    }
}

/// The refusal of a confirmation.
pub(super) fn invalid(why: &str) -> Error {
    Error::new(
        Code::ConfirmationInvalid,
        format!("{why}; nothing was done"),
        ask_again(),
    )
    .with_field("confirmation")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn seal() -> Seal {
        let folder = tempfile::tempdir().expect("a folder");
        Seal::of_installation(&StateFolder::new(folder.path()), "a store").expect("a key")
    }

    fn refusal(opened: Result<Sealed>) -> Error {
        match opened {
            Ok(_) => panic!("a bad confirmation was opened"),
            Err(refusal) => refusal,
        }
    }

    #[test]
    fn a_confirmation_is_good_until_it_expires() {
        let seal = seal();
        let live = seal.close(Purpose::Token, "change", "seen", 0);
        let mut opened = seal.open(Purpose::Token, "change", &live).expect("good");
        assert_eq!(opened.fingerprint, "seen");
        assert!(!opened.has_expired());

        let past = Timestamp::now() - Duration::from_millis(1);
        opened.expires_at = past.as_millisecond();
        let expired = seal.close_sealed(&opened, Purpose::Token, "change");
        let opened = seal.open(Purpose::Token, "change", &expired);
        assert!(opened.expect("its own").has_expired());

        // Sealed while the clock was two hours ahead.
        let ahead = Timestamp::now() + Duration::from_secs(7_500);
        let mut opened = seal.open(Purpose::Token, "change", &live).expect("good");
        opened.expires_at = ahead.as_millisecond();
        assert!(opened.has_expired());
    }

    #[test]
    fn a_confirmation_opens_nothing_else() {
        let seal = seal();
        let good = seal.close(Purpose::Form, "change", "seen", 0);
        let (payload, signature) = good.split_once('.').expect("two parts");
        let longer_life = URL_SAFE_NO_PAD
            .encode(br#"{"nonce":"1","fingerprint":"seen","expires_at":9999999999999}"#);
        for (purpose, binding, sealed) in [
            (Purpose::Token, "change", good.clone()),
            (Purpose::Form, "another change", good.clone()),
            (
                Purpose::Form,
                "change",
                format!("{longer_life}.{signature}"),
            ),
            (Purpose::Form, "change", format!("{payload}.")),
            (Purpose::Form, "change", payload.to_owned()),
            (Purpose::Form, "change", String::new()),
        ] {
            let refusal = refusal(seal.open(purpose, binding, &sealed));
            assert!(
                refusal.to_string().contains("altered"),
                "{sealed}: {refusal}"
            );
        }
        let elsewhere = super::tests::seal();
        refusal(elsewhere.open(Purpose::Form, "change", &good));
    }
}
