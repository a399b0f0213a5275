//! Secrets of the config file: stored in the keychain or in the file, each in one
//! form, and taken out again.

use std::path;

use serde_json::Value;

use super::edit::ConfigEdit;
use super::keychain::Keychain;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::redact::Secret;

/// The fields that hold secrets.
pub(super) const SECRETS: [&str; 5] = [
    "client_secret",
    "password",
    "pbx_client_secret",
    "pbx_password",
    "pbx_api_key",
];

/// Where secrets are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// In the keychain where there is one that keeps them, else in the file.
    Automatic,
    /// In the keychain, or not at all.
    Keychain,
    /// In the config file.
    File,
}

impl ConfigEdit {
    /// Stores a secret in the keychain or in the file, and forgets every other
    /// form of it. Says whether it is in the keychain.
    ///
    /// # Errors
    /// `internal` where it has to be in a keychain and there is none that keeps it.
    pub async fn keep_secret(
        &mut self,
        field: &str,
        secret: &Secret,
        store: Store,
    ) -> Result<bool> {
        let file = path::absolute(&self.place.path).unwrap_or_else(|_| self.place.path.clone());
        let command = match store {
            Store::File => None,
            Store::Automatic | Store::Keychain => Keychain::store(field, &file, secret).await,
        };
        if command.is_none() && store == Store::Keychain {
            return Err(Error::internal(
                format!(
                    "the keychain did not keep `{field}`, or there is none: on Linux, the program `secret-tool` and an unlocked Secret Service are needed"
                ),
                "Run the command again with `--store file`. The config file is as it was.",
            ));
        }
        let is_in_keychain = command.is_some();
        match command {
            None => self.keep_in_file(field, secret)?,
            Some(words) => {
                self.forget_forms(field);
                self.put(&format!("{field}_command"), words.into())?;
            }
        }
        Ok(is_in_keychain)
    }

    /// Puts a secret into the file, and forgets every other form of it.
    ///
    /// # Errors
    /// `invalid_argument` for an unknown name.
    pub fn keep_in_file(&mut self, field: &str, secret: &Secret) -> Result<()> {
        self.forget_forms(field);
        self.put(field, secret.expose().into())
    }

    fn forget_forms(&mut self, field: &str) {
        for form in forms_of(field) {
            self.fields.remove(&form);
        }
    }

    /// The field of that name, where it holds a secret.
    pub fn secret_field(name: &str) -> Option<&'static str> {
        let wanted = name.trim().replace('-', "_");
        SECRETS.into_iter().find(|field| *field == wanted)
    }

    /// Takes out the secrets that are in the file or in the keychain. Gives the
    /// fields, and those whose entry the keychain did not remove.
    ///
    /// # Errors
    /// `internal` where the file cannot be written: nothing was removed then.
    pub async fn forget_secrets(&mut self) -> Result<(Vec<String>, Vec<String>)> {
        if SECRETS.iter().any(|field| self.entry(field).is_some()) {
            self.refuse_unwritable()?;
        }
        let (mut removed, mut left) = (Vec::new(), Vec::new());
        for field in SECRETS {
            if self.fields.remove(field).is_some() {
                removed.push(field.to_owned());
            }
            if let Some((keychain, words)) = self.entry(field) {
                let name = format!("{field}_command");
                self.fields.remove(&name);
                match keychain.remove(&words).await {
                    true => removed.push(name),
                    false => left.push(name),
                }
            }
        }
        Ok((removed, left))
    }

    /// The keychain's entry of a field, where `login` made it, and the command that
    /// prints it.
    fn entry(&self, field: &str) -> Option<(Keychain, Vec<String>)> {
        let words = words_of(self.fields.get(&format!("{field}_command"))?)?;
        Some((Keychain::of(&words)?, words))
    }
}

/// The fields that can give a secret.
pub(super) fn forms_of(field: &str) -> [String; 3] {
    ["", "_file", "_command"].map(|ending| format!("{field}{ending}"))
}

fn words_of(value: &Value) -> Option<Vec<String>> {
    let words = value.as_array()?.iter();
    words.map(|word| Some(word.as_str()?.to_owned())).collect()
}
