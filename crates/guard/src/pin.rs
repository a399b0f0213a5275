//! A PIN that a person has set: whoever agrees types it besides the value, so
//! that nothing a program reads is enough to agree.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use jiff::Timestamp;

use super::{Answer, Guard, Preview};
use skyswitch_domain::command_line;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::program;
use skyswitch_domain::redact::{Secret, keep_out};
use skyswitch_domain::wording::counted;

/// The file in the state folder that holds its hash.
const FILE: &str = "pin";
/// Characters that a PIN has at least; fewer are guessed from the hash in a moment.
const SHORTEST: usize = 6;
/// Characters that it has at most.
const LONGEST: usize = 64;

const MEMORY: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// The file before salt and hash, in the usual writing of password hashes.
const BEGINNING: &str = "$argon2id$v=19$m=19456,t=2,p=1$";
const HASH_LENGTH: usize = 32;

/// Where somebody answers. Wrong PINs are counted apart: whoever reads a link
/// can open the approval page, and must not use up the person's tries elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AnsweredAt {
    /// A terminal, or a form of the client.
    Person,
    /// The approval page.
    Page,
}

impl Guard {
    /// Whether a person has set a PIN.
    ///
    /// # Errors
    /// `internal` where its file cannot be read, or somebody else could have put it there.
    pub fn pin_is_set(&self) -> Result<bool> {
        Ok(self.store.folder().read(FILE)?.is_some())
    }

    /// Sets a PIN; where there is one, only for who knows it.
    ///
    /// # Errors
    /// `invalid_argument` for one that is too short or too long;
    /// `confirmation_invalid` where the present one is not right; `blocked`
    /// after too many wrong ones.
    pub async fn set_pin(&self, present: Option<Secret>, new: Secret) -> Result<()> {
        let is_first = !self.pin_is_set()?;
        self.refuse_wrong_pin(present).await?;
        let length = new.expose().chars().count();
        if !(SHORTEST..=LONGEST).contains(&length) {
            return Err(Error::invalid(
                "pin",
                format!("a PIN has {SHORTEST} to {LONGEST} characters"),
                "Choose another one; nothing was changed.",
            ));
        }
        let salt = rand::random::<[u8; 16]>();
        let hash = hashed(new, salt.to_vec()).await?;
        let content = format!(
            "{BEGINNING}{}${}",
            STANDARD_NO_PAD.encode(salt),
            STANDARD_NO_PAD.encode(hash)
        );
        self.store.folder().replace(FILE, content.as_bytes())?;
        // Wrong tries at an earlier one say nothing of this one.
        match is_first {
            true => self.store().await?.forget_pin_tries().await,
            false => Ok(()),
        }
    }

    /// Removes the PIN, for who knows it.
    ///
    /// # Errors
    /// As above.
    pub async fn remove_pin(&self, present: Option<Secret>) -> Result<()> {
        self.refuse_wrong_pin(present).await?;
        self.store.folder().remove(FILE);
        match self.pin_is_set()? {
            true => Err(Error::internal(
                "the PIN's file in the state folder could not be removed",
                "Remove the file `pin` in the state folder by hand.",
            )),
            false => Ok(()),
        }
    }

    async fn refuse_wrong_pin(&self, present: Option<Secret>) -> Result<()> {
        if !self.pin_is_set()?
            || self
                .is_pin(
                    present.unwrap_or_else(|| Secret::new("")),
                    AnsweredAt::Person,
                )
                .await?
        {
            return Ok(());
        }
        Err(Error::new(
            Code::ConfirmationInvalid,
            "that is not the present PIN, so nothing was changed",
            "Try again with the present PIN. Where nobody knows it any more, remove the file `pin` in the state folder.",
        ))
    }

    /// An answer with its PIN looked at: what was typed, where the PIN is right
    /// or none is set. The PIN is not looked at where the value is wrong.
    ///
    /// # Errors
    /// `blocked` after too many wrong ones; `internal` when the state folder cannot be used.
    pub(super) async fn checked(
        &self,
        answer: Answer,
        preview: &Preview,
        at: AnsweredAt,
    ) -> Result<Answer> {
        let (typed, pin) = match answer {
            Answer::Typed(typed) => (Answer::Typed(typed), None),
            Answer::WithPin { typed, pin } => (Answer::Typed(typed), Some(pin)),
            other => return Ok(other),
        };
        if !preview.is_agreed_to_by(&typed) || !self.pin_is_set()? {
            return Ok(typed);
        }
        match pin {
            Some(pin) if self.is_pin(pin.clone(), at).await? => Ok(typed),
            _ => Ok(Answer::WrongPin),
        }
    }

    async fn is_pin(&self, pin: Secret, at: AnsweredAt) -> Result<bool> {
        if pin.expose().is_empty() {
            return Ok(false);
        }
        let store = self.store().await?;
        let now = Timestamp::now().as_second();
        if let Some(until) = store.take_pin_try(at, now).await? {
            return Err(too_often(at, until - now));
        }
        let kept = self.store.folder().read(FILE)?.unwrap_or_default();
        let Some((salt, expected)) = parts(&kept) else {
            return Err(Error::internal(
                "the PIN's file in the state folder is damaged, so nobody can agree",
                format!(
                    "Remove the file `pin` in the state folder, and set a PIN with {}.",
                    command_line("pin set")
                ),
            ));
        };
        let hash = hashed(pin.clone(), salt).await?;
        let differences = hash
            .iter()
            .zip(&expected)
            .fold(0, |all, (a, b)| all | (a ^ b));
        let is_right = differences == 0 && hash.len() == expected.len();
        if is_right {
            keep_out(&pin);
            store.forget_pin_tries().await?;
        }
        Ok(is_right)
    }
}

/// Salt and hash.
fn parts(kept: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let text = std::str::from_utf8(kept).ok()?;
    let (salt, hash) = text.trim().strip_prefix(BEGINNING)?.split_once('$')?;
    let decoded = |text| STANDARD_NO_PAD.decode(text).ok();
    Some((decoded(salt)?, decoded(hash)?))
}

/// On a thread of its own: it takes its time on purpose.
async fn hashed(pin: Secret, salt: Vec<u8>) -> Result<Vec<u8>> {
    let hash = tokio::task::spawn_blocking(move || {
        let params = Params::new(MEMORY, PASSES, LANES, Some(HASH_LENGTH)).ok()?;
        let mut hash = vec![0; HASH_LENGTH];
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon2
            .hash_password_into(pin.expose().as_bytes(), &salt, &mut hash)
            .ok()?;
        Some(hash)
    });
    hash.await.ok().flatten().ok_or_else(|| {
        Error::internal(
            "the PIN could not be looked at",
            "Please report this as a bug; nothing was changed.",
        )
    })
}

fn too_often(at: AnsweredAt, seconds: i64) -> Error {
    let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
    let wait = match seconds.div_ceil(60) {
        minutes @ ..=120 => counted(minutes as usize, "minute"),
        minutes => counted(minutes.div_ceil(60) as usize, "hour"),
    };
    let (place, hint) = match at {
        AnsweredAt::Person => (
            "",
            format!("Try again in {wait}; each further pause is longer."),
        ),
        AnsweredAt::Page => (
            " on this page",
            format!(
                "Try again in {wait}; each further pause is longer. Or decide in a terminal with `{} approve`, which still looks at it.",
                program()
            ),
        ),
    };
    Error::new(
        Code::Blocked,
        format!(
            "a wrong PIN was typed too often, so no PIN is looked at{place} for {wait} and nothing was changed"
        ),
        hint,
    )
    .with_field("pin")
}
