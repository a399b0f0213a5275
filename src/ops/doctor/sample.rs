//! `skyswitch doctor --sample`: what the service answers, told by its forms
//! alone, so that it can be reported.

use jiff::{Timestamp, Unit};
use serde::Serialize;

use crate::app::App;
use skyswitch_client::{PbxGeneration, SampleOutcome, Sampled};
use skyswitch_domain::CustomerKey;
use skyswitch_domain::error::Result;

/// The forms of the service's answers. It holds no name, number or secret.
#[derive(Debug, Clone, Serialize)]
pub struct Sample {
    /// The version of this program.
    pub program: &'static str,
    /// When it was made, RFC 3339, UTC.
    pub made_at: String,
    /// Which generation of the PBX API was asked, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pbx_api: Option<&'static str>,
    /// What came of each request.
    pub answers: Vec<Sampled>,
}

impl Sample {
    /// How many requests were refused or not answered.
    pub fn refused(&self) -> usize {
        let is_refused =
            |sampled: &&Sampled| matches!(sampled.outcome, SampleOutcome::Refused { .. });
        self.answers.iter().filter(is_refused).count()
    }
}

/// Reads one answer of everything that the product relies on, of the customer
/// that is named, or else of the first with VIP rules: fewer than 25 requests,
/// the logins included, and none that changes anything.
///
/// # Errors
/// `not_configured`; `unauthorized` where the login is refused; `not_found` for
/// an unknown customer. A read that fails is part of the sample.
pub async fn sample(app: &App, domain: Option<&CustomerKey>) -> Result<Sample> {
    let account = app.account(None)?;
    let client = app.client()?;
    client.token(false).await?;
    let domain = app.domain_if_named(&account, domain).await?;
    let pbx = app
        .settings()
        .pbx
        .as_ref()
        .and_then(|pbx| pbx.as_ref().ok());
    let now = Timestamp::now();
    Ok(Sample {
        program: concat!("skyswitch ", env!("CARGO_PKG_VERSION")),
        made_at: now.round(Unit::Second).unwrap_or(now).to_string(),
        pbx_api: pbx.map(|pbx| match pbx.generation {
            PbxGeneration::V1 => "v1",
            PbxGeneration::V2 => "v2",
        }),
        answers: client.samples(&account, domain.as_ref()).await,
    })
}
