//! Pieces of a customer's setup: what exists in their place, and how they are made.

use reqwest::Method;
use serde_json::{Value, json};

use super::call::Call;
use super::netsapiens::Pbx;
use super::numbers::route_path;
use super::written::Matches;
use super::{AnsweringRule, Client, DialRule, DialRuleTarget};
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::{AccountId, DidRoute, Extension, PbxDomain, SetupPiece};
use skyswitch_guard::PieceChange;

/// What exists in the place of a piece of a customer's setup.
#[derive(Debug, Clone, PartialEq)]
pub struct PieceNow {
    /// Whether it is as requested.
    pub as_wanted: bool,
    /// What it is, in the piece's own form; `None` where nothing is there.
    pub now: Option<Value>,
}

impl PieceNow {
    fn of_presence(is_there: bool) -> PieceNow {
        PieceNow {
            as_wanted: is_there,
            now: is_there.then(|| json!({ "exists": true })),
        }
    }

    /// What it says of a change.
    pub(super) fn for_change(&self, change: &PieceChange) -> Matches {
        let now = self.now.as_ref();
        if self.as_wanted {
            Matches::Wanted
        } else if change.is_before(now) || is_default(change, now) {
            Matches::Before
        } else {
            Matches::Neither
        }
    }
}

impl Client {
    /// The PBX API, to read from.
    ///
    /// # Errors
    /// `not_configured` where [`ClientOptions::pbx`](crate::ClientOptions::pbx) is
    /// `None`; the error that was given there in place of settings.
    pub fn pbx(&self) -> Result<&Pbx> {
        match &self.inner.pbx {
            Some(Ok(pbx)) => Ok(pbx),
            Some(Err(error)) => Err(error.clone()),
            None => Err(Error::new(
                Code::NotConfigured,
                "the PBX API is not configured",
                "Set `pbx_base_url` and a PBX login in the config file to have this read and done through the API; \
                 without it the step is done by hand in the portal.",
            )
            .with_field("pbx_base_url")),
        }
    }

    /// Whether the PBX API is configured, though perhaps not usably.
    pub fn has_pbx(&self) -> bool {
        self.inner.pbx.is_some()
    }

    /// Whether a piece is made by a request of its own: the PBX API's second
    /// generation makes a domain whole.
    pub fn makes(&self, piece: &SetupPiece) -> bool {
        match piece {
            SetupPiece::DialPlan | SetupPiece::DefaultChain | SetupPiece::DomainUser => {
                self.pbx().is_ok_and(Pbx::makes_domains_in_parts)
            }
            _ => true,
        }
    }

    /// What the service says of the token for customers' numbers and their
    /// routing. `None` where it does not show that.
    ///
    /// # Errors
    /// `unauthorized` where a scope of
    /// [`ClientOptions::number_scope`](crate::ClientOptions::number_scope) fails the
    /// login; the transport's errors.
    pub async fn number_scopes(&self) -> Result<Option<super::TokenInfo>> {
        self.inner.numbers.token_info().await
    }

    /// Reads what exists in the place of a piece.
    ///
    /// # Errors
    /// `not_configured` without the PBX API where it takes one; the transport's errors.
    pub async fn piece_now(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        piece: &SetupPiece,
    ) -> Result<PieceNow> {
        Ok(match piece {
            SetupPiece::PbxDomain { .. } => {
                PieceNow::of_presence(self.pbx()?.has_domain(domain).await?)
            }
            SetupPiece::DialPlan => PieceNow::of_presence(self.pbx()?.has_dial_plan(domain).await?),
            SetupPiece::DefaultChain => {
                let rules = self.pbx()?.dial_rules(domain, domain.as_str()).await?;
                PieceNow::of_presence(rules.iter().any(DialRule::is_chain))
            }
            SetupPiece::DomainUser => {
                let user: Extension =
                    "domain"
                        .parse()
                        .map_err(|refused: skyswitch_domain::error::Refused| {
                            refused.into_error("user")
                        })?;
                PieceNow::of_presence(self.pbx()?.user(domain, &user).await?.is_some())
            }
            SetupPiece::AniUser { extension } => {
                PieceNow::of_presence(self.pbx()?.user(domain, extension).await?.is_some())
            }
            SetupPiece::ForwardAlways { extension } => {
                let rules = self.pbx()?.answering_rules(domain, extension).await?;
                let rule = rules.iter().find(|rule| rule.is_for_all_times());
                PieceNow {
                    as_wanted: rule.is_some_and(AnsweringRule::forwards_to_route_by_ani),
                    now: rule.and_then(|rule| serde_json::to_value(rule).ok()),
                }
            }
            SetupPiece::FallbackRule { to, .. } => {
                let rules = self.pbx()?.dial_rules(domain, domain.as_str()).await?;
                let mut for_us = rules
                    .iter()
                    .filter(|rule| rule.is_for_route_by_ani() && rule.is_for_everybody(domain));
                let wanted = for_us.clone().find(|rule| {
                    rule.enabled
                        && !rule.is_limited
                        && matches!(rule.target(domain), DialRuleTarget::User(user) if to.is(&user))
                });
                PieceNow {
                    as_wanted: wanted.is_some(),
                    now: wanted
                        .or_else(|| for_us.next())
                        .map(|rule| json!(rule.words())),
                }
            }
            SetupPiece::DidRoute { did, route, .. } => {
                let now = self.did_route(account, did).await?;
                PieceNow {
                    as_wanted: now.as_ref().is_some_and(|now| now.is_like(route)),
                    now: now.and_then(|now| serde_json::to_value(now).ok()),
                }
            }
        })
    }

    /// The request that makes a piece.
    pub(super) async fn piece_call(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        piece: &SetupPiece,
    ) -> Result<Call> {
        if let SetupPiece::DidRoute { did, route, .. } = piece {
            let path = route_path(account, did)?;
            return Ok(Call::json(Method::PUT, path, route_json(route)));
        }
        let made = self.pbx()?.making(domain, piece).await?;
        made.ok_or_else(|| {
            Error::internal(
                "no request is needed for this part of the setup: the PBX API creates it together with the domain",
                "Please report this as a bug; nothing was sent.",
            )
        })
    }
}

fn route_json(route: &DidRoute) -> Value {
    // A map of texts always serialises; null would be refused by the service.
    serde_json::to_value(route).unwrap_or_default()
}

/// A user that was just created may have got an answering rule that forwards
/// nowhere; nobody else made it.
fn is_default(change: &PieceChange, now: Option<&Value>) -> bool {
    matches!(change.piece(), SetupPiece::ForwardAlways { .. })
        && change.before().is_none()
        && now.is_some_and(|rule| rule["forwards_to"].as_array().is_some_and(Vec::is_empty))
}
