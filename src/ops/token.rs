//! `skyswitch token`: logs in, or shows that we are.

use serde::Serialize;

use crate::app::App;
use skyswitch_domain::error::Result;
use skyswitch_domain::redact::Secret;

/// What there is to say of the present token; the token itself stays a [`Secret`].
#[derive(Debug, Serialize)]
pub struct TokenReport {
    /// Login of the user the token acts for; left out where the service does not show it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Scopes granted; left out where the service does not show them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// When the token ends, RFC 3339, UTC.
    pub expires_at: String,
    /// The token, for a caller who asks for exactly that.
    #[serde(skip)]
    pub access_token: Secret,
}

/// Logs in if need be; with `renew`, gets a new token in any case.
///
/// # Errors
/// `unauthorized` where the login is refused.
pub async fn token(app: &App, renew: bool) -> Result<TokenReport> {
    let client = app.client()?;
    client.token(renew).await?;
    let info = client.token_info().await?;
    // Asking may have shown that the token was revoked and brought a new one.
    let token = client.token(false).await?;
    Ok(TokenReport {
        username: info.as_ref().map(|info| info.username.clone()),
        scopes: info.map(|info| info.scopes),
        expires_at: token
            .expires_at()
            .round(jiff::Unit::Second)
            .unwrap_or(token.expires_at())
            .to_string(),
        access_token: token.access().clone(),
    })
}
