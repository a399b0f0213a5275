//! The NetSapiens PBX API: a second upstream behind the same HTTP, login,
//! retry and redaction layer. It has two generations, `v1` (object and action
//! in a form) and `v2` (REST); which one is the operator's to say.
//!
//! There is no delete here. NetSapiens documents a v1 request that deletes a dial
//! rule; without its match field it is said to wipe the customer's dial plan.

mod answering_rules;
mod pieces;
mod records;
mod v1;
mod v2;

use std::sync::Arc;

pub use answering_rules::{AnsweringRule, Forward};
pub use records::{DialRule, DialRuleTarget, PbxUser};

use super::TokenCache;
use super::answer::Api;
use super::auth::{Auth, Login};
use super::call::Call;
use super::http::{Answer, Http};
use super::pace::Pace;
use super::upstream::Upstream;
use crate::settings::{PbxGeneration, PbxLogin, PbxSettings};
use skyswitch_domain::error::Result;
use skyswitch_domain::{Extension, PbxDomain, SetupPiece};
use skyswitch_guard::store::StateFolder;

/// The published limits are 60 requests a minute and 1,800 an hour for a user
/// (SkySwitch PBX API, Rate Limiting): half a request a second after a burst
/// of 30 keeps both.
const BURST: u32 = 30;

/// The PBX API with its login, to read from; see [`Client::pbx`](super::Client::pbx).
/// What changes something goes through [`Client::write`](super::Client::write).
///
/// Every method gives the transport's errors; `unauthorized` or `forbidden`
/// also where the PBX login may not read what is asked for.
pub struct Pbx {
    upstream: Upstream,
    generation: PbxGeneration,
}

impl std::fmt::Debug for Pbx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pbx")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

impl Pbx {
    /// Builds the connection pool. Nothing is sent before the first request.
    pub(super) fn new(
        settings: &PbxSettings,
        token_cache: &TokenCache,
        samples: Option<Arc<StateFolder>>,
        told_trace: bool,
    ) -> Result<Pbx> {
        let pace = Pace {
            rate: settings.rate_limit,
            burst: match settings.rate_limit > 0.0 {
                true => BURST.max((settings.rate_limit * 2.0).ceil() as u32),
                false => 0,
            },
        };
        let http = Http::new(Api::Pbx, settings.base_url.clone(), pace, samples)?;
        let auth = match &settings.login {
            PbxLogin::Password(credentials) => Auth::login(&Login {
                base_url: &settings.base_url,
                // With the trailing slash of the documented address.
                path: &["oauth2", "token", ""],
                credentials,
                scope: None,
                token_cache,
            }),
            PbxLogin::Key(key) => Auth::key(key),
        };
        Ok(Pbx {
            upstream: Upstream::new(Arc::new(http.telling_traces(told_trace)), auth),
            generation: settings.generation,
        })
    }

    /// What requests go through.
    pub(super) fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// The statuses by which a change is said to be made: 202 in the first
    /// generation; in the second also 200 with the resource, where it is asked
    /// to be synchronous, and 201.
    pub(super) fn acknowledgements(&self) -> &'static [u16] {
        match self.generation {
            PbxGeneration::V1 => &[202, 200],
            PbxGeneration::V2 => &[202, 200, 201],
        }
    }

    /// Whether a domain's dial plan and system user are made one by one.
    pub(super) fn makes_domains_in_parts(&self) -> bool {
        self.generation == PbxGeneration::V1
    }

    /// Logs in, where that is not done yet.
    ///
    /// # Errors
    /// `unauthorized` when the login is refused; the transport's errors.
    pub async fn log_in(&self) -> Result<()> {
        self.upstream.token(false).await.map(drop)
    }

    /// Whether the domain exists.
    pub async fn has_domain(&self, domain: &PbxDomain) -> Result<bool> {
        match self.generation {
            PbxGeneration::V1 => v1::has_domain(&self.upstream, domain).await,
            PbxGeneration::V2 => v2::has_domain(&self.upstream, domain).await,
        }
    }

    /// Whether the domain has a dial plan of its own. In the second generation
    /// every domain has one.
    pub async fn has_dial_plan(&self, domain: &PbxDomain) -> Result<bool> {
        match self.generation {
            PbxGeneration::V1 => v1::has_dial_plan(&self.upstream, domain).await,
            PbxGeneration::V2 => Ok(true),
        }
    }

    /// A user of the domain; `None` where it does not exist.
    pub async fn user(&self, domain: &PbxDomain, user: &Extension) -> Result<Option<PbxUser>> {
        match self.generation {
            PbxGeneration::V1 => v1::user(&self.upstream, domain, user).await,
            PbxGeneration::V2 => v2::user(&self.upstream, domain, user).await,
        }
    }

    /// The names of a user's devices.
    pub async fn devices(&self, domain: &PbxDomain, user: &Extension) -> Result<Vec<String>> {
        match self.generation {
            PbxGeneration::V1 => v1::devices(&self.upstream, domain, Some(user)).await,
            PbxGeneration::V2 => v2::devices(&self.upstream, domain, Some(user)).await,
        }
    }

    /// The names of all devices of the domain.
    pub async fn domain_devices(&self, domain: &PbxDomain) -> Result<Vec<String>> {
        match self.generation {
            PbxGeneration::V1 => v1::devices(&self.upstream, domain, None).await,
            PbxGeneration::V2 => v2::devices(&self.upstream, domain, None).await,
        }
    }

    /// A user's answering rules.
    pub async fn answering_rules(
        &self,
        domain: &PbxDomain,
        user: &Extension,
    ) -> Result<Vec<AnsweringRule>> {
        match self.generation {
            PbxGeneration::V1 => v1::answering_rules(&self.upstream, domain, user).await,
            PbxGeneration::V2 => v2::answering_rules(&self.upstream, domain, user).await,
        }
    }

    /// The rules of one of the domain's dial plans; its own is called like the
    /// domain. SkySwitch does not document whether a reseller's login may read it.
    pub async fn dial_rules(&self, domain: &PbxDomain, plan: &str) -> Result<Vec<DialRule>> {
        match self.generation {
            PbxGeneration::V1 => v1::dial_rules(&self.upstream, domain, plan).await,
            PbxGeneration::V2 => v2::dial_rules(&self.upstream, domain, plan).await,
        }
    }

    /// The requests for what is known of a domain beside its dial plans' rules,
    /// for a sample.
    pub(super) fn calls_about(&self, domain: &PbxDomain) -> Vec<(&'static str, Call)> {
        match self.generation {
            PbxGeneration::V1 => v1::calls_about(domain),
            PbxGeneration::V2 => v2::calls_about(domain),
        }
    }

    /// The requests for what a user has beside its record, for a sample.
    pub(super) fn calls_about_user(
        &self,
        domain: &PbxDomain,
        user: &Extension,
    ) -> Vec<(&'static str, Call)> {
        match self.generation {
            PbxGeneration::V1 => v1::calls_about_user(domain, user),
            PbxGeneration::V2 => v2::calls_about_user(domain, user),
        }
    }

    /// The request for a user's record.
    pub(super) fn user_call(&self, domain: &PbxDomain, user: &Extension) -> Call {
        match self.generation {
            PbxGeneration::V1 => v1::user_call(domain, user),
            PbxGeneration::V2 => v2::user_call(domain, user),
        }
    }

    /// The request for the first rules of a dial plan.
    pub(super) fn plan_call(&self, domain: &PbxDomain, plan: &str) -> Call {
        match self.generation {
            PbxGeneration::V1 => v1::plan_call(domain, plan),
            PbxGeneration::V2 => v2::plan_call(domain, plan),
        }
    }

    /// The dial plan that a user's record names.
    pub(super) fn dial_plan_in(record: &Answer) -> Option<String> {
        let found = records::records(record, "the user").ok()?;
        records::text(found.first()?, records::DIAL_PLAN)
    }

    /// The request that makes a piece of a setup, or replaces what exists in
    /// its place; `None` for pieces this API is not used for.
    pub(super) async fn making(
        &self,
        domain: &PbxDomain,
        piece: &SetupPiece,
    ) -> Result<Option<Call>> {
        let replaces = match piece {
            SetupPiece::ForwardAlways { extension } => {
                let rules = self.answering_rules(domain, extension).await?;
                rules.iter().any(AnsweringRule::is_for_all_times)
            }
            _ => false,
        };
        Ok(match self.generation {
            PbxGeneration::V1 => v1::making(domain, piece, replaces),
            PbxGeneration::V2 => {
                let old_spelling = match piece {
                    SetupPiece::FallbackRule { .. } => {
                        v2::spells_dail(&self.upstream, domain).await?
                    }
                    _ => false,
                };
                v2::making(domain, piece, replaces, old_spelling)
            }
        })
    }
}
