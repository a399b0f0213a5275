//! What a domain's dial plan shows of the dial translation rule.

use crate::domain::{Extension, PbxDomain};
use crate::error::{Code, Error};
use crate::guard::FallbackReading;
use crate::ops::App;
use crate::skyswitch::{DialRule, DialRuleTarget, Subscriber};

impl App {
    /// Reads the dial plan, where it can be read and is to count.
    pub(super) async fn dial_plan(
        &self,
        domain: &PbxDomain,
        users: &[Subscriber],
        ani_users: &[Extension],
    ) -> FallbackReading {
        if !self.settings().trust_dial_plan {
            return FallbackReading::NotShown(
                "the operator has the dial plan not count here (`trust_dial_plan`)".to_owned(),
            );
        }
        let pbx = match self.client().and_then(|client| client.pbx()) {
            Ok(pbx) => pbx,
            Err(error) => return FallbackReading::NotShown(error.to_string()),
        };
        match pbx.dial_rules(domain).await {
            Ok(rules) => judge(&rules, domain, users, ani_users),
            Err(error) => not_read(&error),
        }
    }
}

/// A login that may not read dial plans never will; anything else may pass.
fn not_read(error: &Error) -> FallbackReading {
    match error.code() {
        Code::Forbidden | Code::Unauthorized | Code::NotFound | Code::NotConfigured => {
            FallbackReading::NotShown(format!("the dial plan is not shown: {error}"))
        }
        _ => FallbackReading::Failed(format!("the dial plan could not be read just now: {error}")),
    }
}

/// Whether a rule of the plan sends everybody without a VIP rule to somebody.
fn judge(
    rules: &[DialRule],
    domain: &PbxDomain,
    users: &[Subscriber],
    ani_users: &[Extension],
) -> FallbackReading {
    let mut missing = None;
    let mut not_judged = None;
    let ours = rules
        .iter()
        .filter(|rule| rule.is_for_route_by_ani() && rule.is_for_everybody());
    for rule in ours {
        let words = rule.words();
        let why = match rule.target(domain) {
            _ if !rule.enabled => "but it is switched off",
            DialRuleTarget::Nobody => "which ends the call",
            DialRuleTarget::Elsewhere => {
                not_judged = Some(format!("{words}, which cannot be judged from here"));
                continue;
            }
            DialRuleTarget::User(user) if ani_users.iter().any(|known| known.is(&user)) => {
                "the route_by_ani user itself, so calls go round in a circle"
            }
            DialRuleTarget::User(user) => {
                let found = users
                    .iter()
                    .find(|known| known.user.eq_ignore_ascii_case(&user));
                match found {
                    None => "who does not exist",
                    Some(user) if user.is_system_user() => "a system user, where nothing rings",
                    Some(_) => return FallbackReading::Stands(words),
                }
            }
        };
        missing = Some(format!("{words}, {why}"));
    }
    match (not_judged, missing) {
        (Some(words), _) => FallbackReading::NotShown(words),
        (None, Some(words)) => FallbackReading::Missing(words),
        (None, None) => FallbackReading::Missing(
            "the dial plan has no rule for route_by_ani that holds for every caller at all times"
                .to_owned(),
        ),
    }
}
