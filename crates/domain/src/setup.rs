//! A customer's setup for Route by ANI: its steps, and the pieces that an API can make.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DidRoute, PbxDomain, PhoneNumber, parsed_from_text};
use crate::error::Refused;

/// The symbolic name that the Route by ANI user forwards to and that the dial translation rule matches.
pub const ROUTE_BY_ANI: &str = "route_by_ani";

/// Whether a user's id or name is that of the Route by ANI user, in any
/// writing ("Route By ANI").
pub fn names_ani_user(text: &str) -> bool {
    let plain = |text: &str| -> String {
        let letters = text.chars().filter(char::is_ascii_alphanumeric);
        letters.map(|c| c.to_ascii_lowercase()).collect()
    };
    plain(text) == plain(ROUTE_BY_ANI)
}

/// A user's id in a PBX domain: an extension such as `101`, or a name such as `route_by_ani`.
///
/// NetSapiens allows up to 16 letters, digits, dots, underscores and hyphens
/// (NetSapiens API v2, Users).
/// Letters in either case are the same user.
#[derive(Debug, Clone, Serialize)]
pub struct Extension(String);

impl PartialEq for Extension {
    fn eq(&self, other: &Extension) -> bool {
        self.is(&other.0)
    }
}

impl Eq for Extension {}

impl Extension {
    /// The extension of the Route by ANI user where nobody names another.
    pub fn route_by_ani() -> Extension {
        Extension(ROUTE_BY_ANI.to_owned())
    }

    /// The id as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a stored id is this one.
    pub fn is(&self, stored: &str) -> bool {
        self.0.eq_ignore_ascii_case(stored)
    }
}

impl fmt::Display for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Extension {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let id = text.trim();
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if id.is_empty() || id.len() > 16 || id.starts_with('.') || !id.bytes().all(plain) {
            return Err(Refused::new(
                text,
                "is not an extension",
                "give up to 16 letters, digits, dots, underscores or hyphens, such as `9000` or `route_by_ani`",
            ));
        }
        Ok(Extension(id.to_owned()))
    }
}

parsed_from_text!(Extension, "Extension or user id in a PBX domain");

/// A step of the setup, in the order that keeps every caller's line open.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum SetupStep {
    /// The PBX domain exists
    CreateDomain,
    /// Callers without a VIP rule are sent to a fallback; without it they are dropped
    DialTranslationRule,
    /// A user without device forwards everything to `route_by_ani`
    RouteByAniUser,
    /// The customer's number goes to that user
    RouteDid,
    /// There are VIP rules
    ManageVips,
}

impl SetupStep {
    /// Every step, in order.
    pub const ALL: [SetupStep; 5] = [
        SetupStep::CreateDomain,
        SetupStep::DialTranslationRule,
        SetupStep::RouteByAniUser,
        SetupStep::RouteDid,
        SetupStep::ManageVips,
    ];

    /// The word of results, for example `route_did`.
    pub fn as_str(self) -> &'static str {
        match self {
            SetupStep::CreateDomain => "create_domain",
            SetupStep::DialTranslationRule => "dial_translation_rule",
            SetupStep::RouteByAniUser => "route_by_ani_user",
            SetupStep::RouteDid => "route_did",
            SetupStep::ManageVips => "manage_vips",
        }
    }
}

impl FromStr for SetupStep {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let named = |step: &SetupStep| step.as_str() == text.trim();
        SetupStep::ALL.into_iter().find(named).ok_or_else(|| {
            let names = SetupStep::ALL.map(SetupStep::as_str).join(", ");
            Refused::new(
                text,
                "is not a setup step",
                format!("the steps are {names}"),
            )
        })
    }
}

/// One thing of a customer's setup that an API can make.
///
/// Nothing here can buy or disconnect a number, take a number's route away, or
/// delete anything of a dial plan: those calls do not exist in this program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SetupPiece {
    /// The PBX domain itself. Its name can never be used again.
    PbxDomain {
        /// Free text, usually the customer's name.
        description: Option<String>,
    },
    /// The domain's own dial plan (PBX API v1 makes none with the domain).
    DialPlan,
    /// The rule of that plan that passes everything else on to the default table (v1).
    DefaultChain,
    /// The system user named `domain` that holds the domain's defaults (v1).
    DomainUser,
    /// The user that calls are pointed at: no device, voicemail off.
    AniUser {
        /// Its id.
        extension: Extension,
    },
    /// That user's answering rule for all times: Forward Always to `route_by_ani`.
    ForwardAlways {
        /// Whose rule.
        extension: Extension,
    },
    /// The dial translation rule: callers without a VIP rule ring this user.
    FallbackRule {
        /// The user whom calls reach.
        to: Extension,
        /// Whether that is a call queue, which a rule reaches in another way.
        /// Earlier journals do not say.
        #[serde(default)]
        is_queue: bool,
    },
    /// Where calls to the customer's number go.
    DidRoute {
        /// The number.
        did: PhoneNumber,
        /// Its route as it shall be.
        route: DidRoute,
        /// Whether it is known to go to a Route by ANI user so. Earlier journals do
        /// not say.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        to_ani_user: bool,
    },
}

impl SetupPiece {
    /// The step it belongs to.
    pub fn step(&self) -> SetupStep {
        match self {
            SetupPiece::PbxDomain { .. }
            | SetupPiece::DialPlan
            | SetupPiece::DefaultChain
            | SetupPiece::DomainUser => SetupStep::CreateDomain,
            SetupPiece::FallbackRule { .. } => SetupStep::DialTranslationRule,
            SetupPiece::AniUser { .. } | SetupPiece::ForwardAlways { .. } => {
                SetupStep::RouteByAniUser
            }
            SetupPiece::DidRoute { .. } => SetupStep::RouteDid,
        }
    }

    /// What it is, in the words of results: `did_route`, `ani_user`, …
    pub fn kind(&self) -> &'static str {
        match self {
            SetupPiece::PbxDomain { .. } => "pbx_domain",
            SetupPiece::DialPlan => "dial_plan",
            SetupPiece::DefaultChain => "default_chain",
            SetupPiece::DomainUser => "domain_user",
            SetupPiece::AniUser { .. } => "ani_user",
            SetupPiece::ForwardAlways { .. } => "forward_always",
            SetupPiece::FallbackRule { .. } => "fallback_rule",
            SetupPiece::DidRoute { .. } => "did_route",
        }
    }

    /// What is in its place now, for people; the forms are those of the client.
    pub fn state_words(&self, value: &serde_json::Value) -> String {
        match (self, value) {
            (SetupPiece::DidRoute { .. }, value) => DidRoute::from_stored(value).map_or_else(
                || "a routing that cannot be read".to_owned(),
                |route| route.goes_to(),
            ),
            (_, serde_json::Value::String(words)) => words.clone(),
            (SetupPiece::ForwardAlways { .. }, rule) => {
                let list = rule["forwards_to"].as_array().cloned().unwrap_or_default();
                let to: Vec<&str> = list.iter().filter_map(serde_json::Value::as_str).collect();
                match to.is_empty() {
                    true => "a rule that forwards nowhere".to_owned(),
                    false => format!(
                        "forwards always to {}",
                        crate::redact::shown(&to.join(", "), 80)
                    ),
                }
            }
            _ => "existed".to_owned(),
        }
    }

    /// The change in a few words, for previews and results.
    pub fn summary(&self, domain: &PbxDomain) -> String {
        match self {
            SetupPiece::PbxDomain { .. } => format!("create the PBX domain {domain}"),
            SetupPiece::DialPlan => format!("create the dial plan of {domain}"),
            SetupPiece::DefaultChain => {
                format!("chain the dial plan of {domain} to the default table")
            }
            SetupPiece::DomainUser => format!("create the system user `domain` of {domain}"),
            SetupPiece::AniUser { extension } => {
                format!("create the user {extension} (\"Route By ANI\"): no device, voicemail off")
            }
            SetupPiece::ForwardAlways { extension } => {
                format!(
                    "set {extension}'s answering rule for all times: Forward Always to {ROUTE_BY_ANI}"
                )
            }
            SetupPiece::FallbackRule { to, is_queue } => format!(
                "create the dial translation rule: callers without a VIP rule go to {} {to}",
                if *is_queue { "call queue" } else { "user" }
            ),
            SetupPiece::DidRoute { did, route, .. } => {
                format!("point {did} at {}", route.goes_to())
            }
        }
    }
}
