//! What a domain's dial plan shows of the dial translation rule.

use jiff::Timestamp;

use crate::app::App;
use crate::ops::write::journal::now;
use skyswitch_client::{DialRule, DialRuleTarget, Subscriber};
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::{Extension, PbxDomain};
use skyswitch_guard::FallbackReading;

/// How long a dial plan that showed the rule serves the table of all customers,
/// in milliseconds. The published limit is 1,800 requests an hour, so a thousand
/// dial plans cannot be read for every look.
const RECENT: i64 = 60 * 60 * 1_000;

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
            Ok(mut rules) => {
                rules.retain(DialRule::is_for_route_by_ani);
                if let Err(error) = self.keep_dial_plan(domain, &rules, read_at).await {
                    // The reading is as good without; the next table of all takes longer.
                    tracing::debug!(%error, "a dial plan that was read could not be kept");
                }
                judge(&rules, domain, users, ani_users)
            }
            Err(error) => not_read(&error),
        }
    }

    /// The dial plan as it was read within the last hour, and when, if it shows
    /// the rule with the users of today. An alarm is never taken from the past.
    pub(super) async fn recent_dial_plan(
        &self,
        domain: &PbxDomain,
        users: &[Subscriber],
        ani_users: &[Extension],
    ) -> Result<Option<(FallbackReading, Timestamp)>> {
        let settings = self.settings();
        let (true, Some(Ok(pbx))) = (settings.trust_dial_plan, &settings.pbx) else {
            return Ok(None);
        };
        let Some(store) = self.journal().store().if_exists().await? else {
            return Ok(None);
        };
        let (pbx, since) = (pbx.base_url.as_str(), now() - RECENT);
        let kept = store.dial_plan(pbx, domain.as_str(), since).await?;
        Ok(kept.and_then(|(rules, read_at)| {
            let rules: Vec<DialRule> = serde_json::from_str(&rules).ok()?;
            let read_at = Timestamp::from_millisecond(read_at).ok()?;
            let reading = judge(&rules, domain, Some(users), ani_users);
            matches!(reading, FallbackReading::Verified { .. }).then_some((reading, read_at))
        }))
    }

    async fn keep_dial_plan(
        &self,
        domain: &PbxDomain,
        rules: &[DialRule],
        read_at: i64,
    ) -> Result<()> {
        let (Some(Ok(pbx)), Ok(rules)) = (&self.settings().pbx, serde_json::to_string(rules))
        else {
            return Ok(());
        };
        let store = self.journal().store().get().await?;
        let pbx = pbx.base_url.as_str();
        store
            .keep_dial_plan(pbx, domain.as_str(), &rules, read_at)
            .await
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

/// Whether the rules for Route by ANI send everybody without a VIP rule to
/// somebody. Which of several rules for the same calls decides is not documented.
fn judge(
    rules: &[DialRule],
    domain: &PbxDomain,
    users: Option<&[Subscriber]>,
    ani_users: &[Extension],
) -> FallbackReading {
    let (mut verified, mut useless, mut not_judged, mut switched_off) = (None, None, None, None);
    for rule in rules.iter().filter(|rule| rule.is_for_everybody(domain)) {
        let words = rule.words();
        if !rule.enabled {
            switched_off = Some(format!("{words}, but it is switched off"));
            continue;
        }
        let user = match rule.target(domain) {
            DialRuleTarget::User(user) => user,
            DialRuleTarget::Nobody => {
                useless = Some(format!("{words}, which ends the call"));
                continue;
            }
            DialRuleTarget::Elsewhere => {
                not_judged = Some(format!("{words}, which cannot be judged from here"));
                continue;
            }
        };
        let Some(users) = users else {
            return FallbackReading::Failed(format!(
                "{words}, and the domain's users could not be read just now"
            ));
        };
        match rings_nobody(&user, users, ani_users) {
            Some(why) => useless = Some(format!("{words}, {why}")),
            None => verified = Some((words, user)),
        }
    }
    match (verified, useless, not_judged) {
        (Some((words, to)), None, None) => FallbackReading::Verified { words, to },
        (Some((words, _)), Some(other), _) | (Some((words, _)), None, Some(other)) => {
            FallbackReading::NotJudged(format!(
                "{words}; but also {other}: which of them decides is not known"
            ))
        }
        (None, _, Some(words)) => FallbackReading::NotJudged(words),
        (None, useless, None) => {
            let why = useless.or(switched_off).unwrap_or_else(|| {
                "the dial plan has no rule for route_by_ani that applies to every caller at all times"
                    .to_owned()
            });
            FallbackReading::Missing(why)
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
