//! Verifying a login before it is stored, and forgetting what it brought.

use crate::config::Settings;
use crate::ops::customer::is_reseller_admin;
use skyswitch_client::{Client, ClientOptions, TokenCache};
use skyswitch_domain::AccountId;
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_guard::store::StateFolder;

/// A login that the service has accepted.
#[derive(Debug)]
pub struct Accepted {
    client: Client,
    /// The user that it acts for, where the service shows that.
    pub username: Option<String>,
}

/// Logs in with these settings, whatever tokens are kept.
///
/// # Errors
/// `not_configured` where something is missing; `unauthorized` where the login is refused.
pub async fn try_login(settings: &Settings) -> Result<Accepted> {
    let credentials = settings.credentials.clone()?;
    let client = Client::new(ClientOptions {
        scope: settings.scope.clone(),
        number_scope: settings.number_scope.clone(),
        pbx: settings.pbx.clone(),
        rate_limit: settings.rate_limit,
        token_cache: TokenCache::Private,
        ..ClientOptions::new(settings.base_url.clone(), credentials)
    })?;
    client.token(false).await?;
    let info = client.token_info().await.ok().flatten();
    Ok(Accepted {
        client,
        username: info.map(|info| info.username),
    })
}

impl Accepted {
    /// How many customers an account has that this login may see.
    ///
    /// # Errors
    /// `not_configured` where the account cannot be read.
    pub async fn customers_of(&self, account: &AccountId) -> Result<usize> {
        let domains = self.client.domains(account, true).await;
        let domains = domains.map_err(|error| {
            let is_of_account = matches!(
                error.code(),
                Code::NotFound | Code::Forbidden | Code::Unauthorized | Code::UpstreamRejected
            );
            match is_of_account {
                true => Error::new(
                    Code::NotConfigured,
                    format!("the login was accepted, but the account {account} cannot be read: {error}"),
                    "Give the account's UUID, which SkySwitch names; a reseller number is not one. Nothing was stored.",
                )
                .with_field("default_account_id"),
                false => error,
            }
        })?;
        let customers = domains.iter();
        let customers = customers.filter(|domain| !is_reseller_admin(&domain.name));
        Ok(customers.count())
    }

    /// Why the PBX API, where one is configured, does not accept its login.
    pub async fn pbx_problem(&self) -> Option<Error> {
        if !self.client.has_pbx() {
            return None;
        }
        match self.client.pbx() {
            Ok(pbx) => pbx.log_in().await.err(),
            Err(error) => Some(error),
        }
    }
}

/// Removes all tokens from the state folder, and says how many there were.
///
/// # Errors
/// `internal` where the state folder cannot be used.
pub fn forget_tokens(settings: &Settings) -> Result<usize> {
    TokenCache::Shared(StateFolder::new(&settings.state_dir)).forget()
}
