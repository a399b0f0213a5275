//! The token between requests and between processes.
//!
//! Ten servers that start at once log in once: whoever holds the lock logs in,
//! the others find the token in the file.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::Url;

use super::token::Token;
use crate::settings::Credentials;
use skyswitch_domain::error::Result;
use skyswitch_guard::store::{FileLock, StateFolder};

/// What the names of token files begin with.
const PREFIX: &str = "token-";

/// Where a client keeps its token.
#[derive(Debug, Clone)]
pub enum TokenCache {
    /// In a private file of that folder, shared with other processes of the
    /// same user: of ten that start at once, one logs in.
    Shared(StateFolder),
    /// In this process only.
    Private,
}

impl TokenCache {
    /// The token that is kept for a login, whether it is still good or not.
    ///
    /// # Errors
    /// `internal` where the state folder cannot be read.
    pub fn kept(
        &self,
        base_url: &Url,
        credentials: &Credentials,
        scope: Option<&str>,
    ) -> Result<Option<KeptToken>> {
        let token = TokenSlot::new(self, base_url, credentials, scope).load()?;
        Ok(token.map(|token| KeptToken {
            expires_at: token.expires_at(),
        }))
    }

    /// Forgets the tokens of all logins, and says how many there were. A process
    /// that runs goes on with the token that it holds.
    ///
    /// # Errors
    /// `internal` where the state folder cannot be used.
    pub fn forget(&self) -> Result<usize> {
        match self {
            TokenCache::Shared(folder) => folder.remove_all(PREFIX, ".json"),
            TokenCache::Private => Ok(0),
        }
    }
}

/// What there is to say of a token in the cache; the token itself is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptToken {
    /// When the service stops accepting it.
    pub expires_at: Timestamp,
}

/// One login's place in the cache.
#[derive(Debug, Clone)]
pub(super) struct TokenSlot {
    folder: Option<StateFolder>,
    name: String,
}

impl PartialEq for TokenSlot {
    /// Whether it is the same login.
    fn eq(&self, other: &TokenSlot) -> bool {
        self.name == other.name
    }
}

#[derive(Serialize, Deserialize)]
struct TokenFile {
    token: Token,
}

impl TokenSlot {
    /// The slot of a login. Its name is a digest, so that two environments or
    /// users never share a token, and wrong credentials never find a good one.
    pub fn new(
        cache: &TokenCache,
        base_url: &Url,
        credentials: &Credentials,
        scope: Option<&str>,
    ) -> TokenSlot {
        let mut hash = Sha256::new();
        for part in [
            base_url.as_str(),
            &credentials.client_id,
            credentials.client_secret.expose(),
            &credentials.username,
            credentials.password.expose(),
            scope.unwrap_or_default(),
        ] {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
        let digest = hash.finalize();
        let name = digest[..8].iter().map(|byte| format!("{byte:02x}"));
        TokenSlot {
            folder: match cache {
                TokenCache::Shared(folder) => Some(folder.clone()),
                TokenCache::Private => None,
            },
            name: format!("{PREFIX}{}", name.collect::<String>()),
        }
    }

    /// Keeps other processes from logging in meanwhile.
    pub async fn lock(&self) -> Result<Option<FileLock>> {
        match &self.folder {
            Some(folder) => folder.lock(&format!("{}.lock", self.name)).await.map(Some),
            None => Ok(None),
        }
    }

    /// The token another call or process left. A damaged file counts as none.
    pub fn load(&self) -> Result<Option<Token>> {
        let Some(folder) = &self.folder else {
            return Ok(None);
        };
        let bytes = folder.read(&self.file_name())?;
        Ok(bytes
            .and_then(|bytes| serde_json::from_slice::<TokenFile>(&bytes).ok())
            .map(|file| file.token))
    }

    /// Leaves a token for others.
    pub fn save(&self, token: &Token) -> Result<()> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let file = TokenFile {
            token: token.clone(),
        };
        // Strings and numbers always serialise; an empty file would count as no token.
        let json = serde_json::to_vec(&file).unwrap_or_default();
        folder.replace(&self.file_name(), &json)
    }

    fn file_name(&self) -> String {
        format!("{}.json", self.name)
    }
}
