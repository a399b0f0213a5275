//! What a domain's dial plan shows of the dial translation rule, now or when it
//! was last read.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;

use crate::app::App;
use crate::config::PbxSettings;
use crate::ops::write::journal::now;
use skyswitch_client::{DialRule, DialRuleTarget, Domain, Subscriber};
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::{Extension, PbxDomain};
use skyswitch_guard::FallbackReading;
use skyswitch_guard::store::KeptDialPlan;

/// How long a dial plan that showed the rule may serve a survey. The published
/// limit is 1,800 requests an hour, so a thousand customers cannot be read again
/// for every look.
const KEPT_FOR: Duration = Duration::from_secs(60 * 60);
/// Those that were read longest ago are read again at every look: so many do
/// not have to wait for the pace.
const READ_ANEW: usize = 25;

/// Dial plans that showed the rule when they were last read, by domain.
#[derive(Debug, Default)]
pub(super) struct KeptDialPlans(HashMap<String, KeptDialPlan>);

impl KeptDialPlans {
    /// Judges a dial plan as it was last read, by the users of today. Only that
    /// the rule exists is taken from the past; an alarm never is.
    pub fn standing(
        &self,
        domain: &PbxDomain,
        users: &[Subscriber],
        ani_users: &[Extension],
    ) -> Option<(FallbackReading, Timestamp)> {
        let kept = self.0.get(&domain.as_str().to_lowercase())?;
        let rules: Vec<DialRule> = serde_json::from_str(&kept.rules).ok()?;
        let read_at = Timestamp::from_millisecond(kept.read_at).ok()?;
        match judge(&rules, domain, Some(users), ani_users) {
            stands @ FallbackReading::Stands { .. } => Some((stands, read_at)),
            _ => None,
        }
    }
}

impl App {
    /// Reads the dial plan, where it can be read and is to count. `users` are
    /// the domain's, unless they could not be read.
    pub(super) async fn dial_plan(
        &self,
        domain: &PbxDomain,
        users: Option<&[Subscriber]>,
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
        // A login that fails says nothing of what it may read.
        if let Err(error) = pbx.log_in().await {
            return FallbackReading::Failed(format!("the dial plan could not be read: {error}"));
        }
        let read_at = now();
        match pbx.dial_rules(domain).await {
            Ok(rules) => {
                let reading = judge(&rules, domain, users, ani_users);
                self.keep(domain, rules, read_at, &reading).await;
                reading
            }
            Err(error) => not_read(&error),
        }
    }

    /// The dial plans that were read within the last hour and showed the rule,
    /// as far as those of these customers cannot be read again without waiting
    /// for the pace.
    pub(super) async fn kept_dial_plans(&self, customers: &[Domain]) -> Result<KeptDialPlans> {
        let journal = self.journal();
        let counts = self.settings().trust_dial_plan && journal.store().exists();
        let is_paced = |pbx: &&PbxSettings| pbx.rate_limit > 0.0;
        let Some(pbx) = self.pbx_settings().filter(is_paced).filter(|_| counts) else {
            return Ok(KeptDialPlans::default());
        };
        let age = i64::try_from(KEPT_FOR.as_millis()).unwrap_or(i64::MAX);
        let store = journal.store().get().await?;
        let mut plans = store.dial_plans(pbx.base_url.as_str(), now() - age).await?;
        let names = customers.iter().map(|domain| domain.name.to_lowercase());
        let names: HashSet<String> = names.collect();
        plans.retain(|plan| names.contains(&plan.domain));
        plans.sort_by_key(|plan| plan.read_at);
        let kept = plans.into_iter().skip(READ_ANEW);
        let by_domain = kept.map(|plan| (plan.domain.clone(), plan));
        Ok(KeptDialPlans(by_domain.collect()))
    }

    /// Keeps what was read for later surveys, or forgets what is no longer so.
    async fn keep(
        &self,
        domain: &PbxDomain,
        mut rules: Vec<DialRule>,
        read_at: i64,
        reading: &FallbackReading,
    ) {
        let stands = matches!(reading, FallbackReading::Stands { .. });
        if !stands && !self.journal().store().exists() {
            return;
        }
        let Some(pbx) = self.pbx_settings() else {
            return;
        };
        let pbx = pbx.base_url.as_str();
        rules.retain(DialRule::is_for_route_by_ani);
        let domain = domain.as_str().to_lowercase();
        let kept = async {
            let store = self.journal().store().get().await?;
            match (stands, serde_json::to_string(&rules)) {
                (true, Ok(rules)) => {
                    let plan = KeptDialPlan {
                        domain,
                        rules,
                        read_at,
                    };
                    store.keep_dial_plan(pbx, &plan).await
                }
                _ => store.forget_dial_plan(pbx, &domain).await,
            }
        };
        // The reading is as good without; the next survey takes longer.
        if let Err(error) = kept.await {
            tracing::debug!(%error, "a dial plan that was read could not be kept");
        }
    }

    fn pbx_settings(&self) -> Option<&PbxSettings> {
        self.settings().pbx.as_ref()?.as_ref().ok()
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

/// Whether the plan sends everybody without a VIP rule to somebody. Which of
/// several rules for the same calls decides is not documented.
fn judge(
    rules: &[DialRule],
    domain: &PbxDomain,
    users: Option<&[Subscriber]>,
    ani_users: &[Extension],
) -> FallbackReading {
    let (mut standing, mut useless, mut not_judged, mut switched_off) = (None, None, None, None);
    let ours = rules
        .iter()
        .filter(|rule| rule.is_for_route_by_ani() && rule.is_for_everybody(domain));
    for rule in ours {
        let words = rule.words();
        if !rule.enabled {
            switched_off = Some(format!("{words}, but it is switched off"));
            continue;
        }
        let why = match rule.target(domain) {
            DialRuleTarget::Nobody => "which ends the call",
            DialRuleTarget::Elsewhere => {
                not_judged = Some(format!("{words}, which cannot be judged from here"));
                continue;
            }
            DialRuleTarget::User(user) => {
                let Some(users) = users else {
                    return FallbackReading::Failed(format!(
                        "{words}, and the domain's users could not be read just now"
                    ));
                };
                match rings_nobody(&user, users, ani_users) {
                    Some(why) => why,
                    None => {
                        standing = Some((words, user));
                        continue;
                    }
                }
            }
        };
        useless = Some(format!("{words}, {why}"));
    }
    match (standing, useless, not_judged) {
        (Some((words, to)), None, None) => FallbackReading::Stands { words, to },
        (Some((words, _)), Some(other), _) | (Some((words, _)), None, Some(other)) => {
            FallbackReading::NotJudged(format!(
                "{words}; but also {other}: which of them decides is not known"
            ))
        }
        (None, _, Some(words)) => FallbackReading::NotJudged(words),
        (None, useless, None) => {
            FallbackReading::Missing(useless.or(switched_off).unwrap_or_else(|| {
                "the dial plan has no rule for route_by_ani that applies to every caller at all times"
                    .to_owned()
            }))
        }
    }
}

/// Why calls that are sent to a user of the domain ring nobody, if so.
pub(super) fn rings_nobody(
    user: &str,
    users: &[Subscriber],
    ani_users: &[Extension],
) -> Option<&'static str> {
    if ani_users.iter().any(|known| known.is(user)) {
        return Some("the Route by ANI user itself, so calls would go in a circle");
    }
    let mut known = users.iter();
    match known.find(|known| known.user.eq_ignore_ascii_case(user)) {
        None => Some("who does not exist"),
        Some(user) if user.is_system_user() => Some("a system user, which nobody answers"),
        Some(_) => None,
    }
}
