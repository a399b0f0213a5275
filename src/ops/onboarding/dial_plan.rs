//! What the dial plans show of the dial translation rule.

use jiff::Timestamp;

use crate::app::App;
use crate::config::TrustDialPlan;
use crate::ops::write::journal::now;
use skyswitch_client::{DialRule, DialRuleTarget, Pbx, Subscriber};
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::{Extension, PbxDomain};
use skyswitch_guard::FallbackReading;
use skyswitch_guard::store::TimeSpan;

/// How long a dial plan that showed the rule serves the table of all customers,
/// in milliseconds. The published limit is 1,800 requests an hour, so a thousand
/// dial plans cannot be read for every look.
const RECENT: i64 = 60 * 60 * 1_000;
/// Dial plans read at most for one customer.
const PLANS: usize = 5;
/// Tables of the whole system, which do not belong to one domain.
const SYSTEM_TABLES: [&str; 2] = ["Default", "Cloud PBX Features"];
/// The fact about a PBX host that a rule for `route_by_ani` was seen in a dial plan of it.
const RULE_SEEN: &str = "dial_translation_rule_seen";
/// The user that holds a domain's defaults. Nobody answers there.
pub(in crate::ops) const DOMAIN_USER: &str = "domain";

/// The dial plan of the user that forwards the calls, which decides first.
pub(in crate::ops) enum OwnPlan<'a> {
    /// It was read with the user.
    Read(Option<&'a str>),
    /// It is read from this user's record.
    Of(Option<&'a Extension>),
}

impl App {
    /// Reads the dial plans, where they can be read and are to count. `users` are
    /// the domain's, unless they could not be read.
    pub(in crate::ops) async fn dial_plan(
        &self,
        domain: &PbxDomain,
        own: OwnPlan<'_>,
        users: Option<&[Subscriber]>,
        ani_users: &[Extension],
    ) -> FallbackReading {
        let trust = self.settings().trust_dial_plan;
        if trust == TrustDialPlan::Never {
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
            return login_failed(&error);
        }
        let own = match own {
            OwnPlan::Read(plan) => plan.map(str::to_owned),
            OwnPlan::Of(None) => None,
            OwnPlan::Of(Some(user)) => match pbx.user(domain, user).await {
                Ok(user) => user.and_then(|user| user.dial_plan),
                Err(_) => None,
            },
        };
        let read_at = now();
        let trusts_emptiness = trust == TrustDialPlan::Always;
        let found = read(pbx, domain, own, users, ani_users, trusts_emptiness).await;
        let (reading, deciding) = match found {
            Ok(read) => read,
            Err(error) => return not_read(&error),
        };
        if let Err(error) = self.keep_dial_plan(domain, &deciding, read_at).await {
            // The reading is as good without; the next table of all takes longer.
            tracing::debug!(%error, "a dial plan that was read could not be kept");
        }
        match self.absence_counts().await {
            Ok(counts) => reading.counted(counts),
            Err(error) => FallbackReading::Failed(error.to_string()),
        }
    }

    /// Whether it counts that a dial plan does not show the rule: where the
    /// operator says so, or such a rule was once seen on this PBX host.
    pub(in crate::ops) async fn absence_counts(&self) -> Result<bool> {
        let settings = self.settings();
        match (settings.trust_dial_plan, &settings.pbx) {
            (TrustDialPlan::Always, _) => Ok(true),
            (TrustDialPlan::Auto, Some(Ok(pbx))) => {
                let Some(store) = self.journal().store().if_exists().await? else {
                    return Ok(false);
                };
                let seen = store.fact(pbx.base_url.as_str(), RULE_SEEN).await?;
                Ok(seen.is_some())
            }
            _ => Ok(false),
        }
    }

    /// Why the PBX API does not take the login, where it is to be used at all.
    pub(in crate::ops) async fn pbx_refuses_login(&self) -> Option<FallbackReading> {
        if self.settings().trust_dial_plan == TrustDialPlan::Never {
            return None;
        }
        let pbx = self.client().and_then(|client| client.pbx()).ok()?;
        pbx.log_in().await.err().map(|error| login_failed(&error))
    }

    /// The dial plan as it was read within the last hour, and when, if it shows
    /// the rule with the users of today. An alarm is never taken from the past.
    pub(in crate::ops) async fn recent_dial_plan(
        &self,
        domain: &PbxDomain,
        users: &[Subscriber],
        ani_users: &[Extension],
    ) -> Result<Option<(FallbackReading, Timestamp)>> {
        let settings = self.settings();
        let Some(Ok(pbx)) = &settings.pbx else {
            return Ok(None);
        };
        if settings.trust_dial_plan == TrustDialPlan::Never {
            return Ok(None);
        }
        let Some(store) = self.journal().store().if_exists().await? else {
            return Ok(None);
        };
        let (pbx, recent) = (pbx.base_url.as_str(), TimeSpan::last(RECENT, now()));
        let kept = store.dial_plan(pbx, domain.as_str(), recent).await?;
        Ok(kept.and_then(|(rules, read_at)| {
            let rules: Vec<DialRule> = serde_json::from_str(&rules).ok()?;
            let read_at = Timestamp::from_millisecond(read_at).ok()?;
            let Judged::Decides(reading) = judge(&rules, domain, Some(users), ani_users) else {
                return None;
            };
            matches!(reading, FallbackReading::Verified { .. }).then_some((reading, read_at))
        }))
    }

    /// Keeps no dial plan of a domain any more.
    pub(in crate::ops) async fn forget_dial_plan(&self, domain: &PbxDomain) -> Result<()> {
        self.keep_dial_plan(domain, &[], now()).await
    }

    /// Keeps the rules that decide, and that there was one.
    async fn keep_dial_plan(
        &self,
        domain: &PbxDomain,
        rules: &[DialRule],
        read_at: i64,
    ) -> Result<()> {
        let (Some(Ok(pbx)), Ok(json)) = (&self.settings().pbx, serde_json::to_string(rules)) else {
            return Ok(());
        };
        let store = self.journal().store().get().await?;
        let pbx = pbx.base_url.as_str();
        let is_the_rule = |rule: &DialRule| rule.is_for_everybody(domain);
        if rules.iter().any(is_the_rule) && store.fact(pbx, RULE_SEEN).await?.is_none() {
            store.keep_fact(pbx, RULE_SEEN, "yes", read_at).await?;
        }
        store
            .keep_dial_plan(pbx, domain.as_str(), &json, read_at)
            .await
    }
}

fn login_failed(error: &Error) -> FallbackReading {
    FallbackReading::Failed(format!(
        "the PBX API could not be logged in to ({error}); check `pbx_base_url`, `pbx_username` and `pbx_password`"
    ))
}

/// A login that may not read dial plans never will; anything else may pass.
fn not_read(error: &Error) -> FallbackReading {
    match is_withheld(error) {
        true => FallbackReading::Refused(format!("the dial plan is not shown: {error}")),
        false => {
            FallbackReading::Failed(format!("the dial plan could not be read just now: {error}"))
        }
    }
}

fn is_withheld(error: &Error) -> bool {
    matches!(
        error.code(),
        Code::Forbidden | Code::Unauthorized | Code::NotFound | Code::NotConfigured
    )
}

/// Reads the plans in the order in which a call is looked up in them, the
/// user's own first, until one of them decides, and gives its rules, too.
async fn read(
    pbx: &Pbx,
    domain: &PbxDomain,
    own: Option<String>,
    users: Option<&[Subscriber]>,
    ani_users: &[Extension],
    trusts_emptiness: bool,
) -> Result<(FallbackReading, Vec<DialRule>)> {
    let own = own.filter(|plan| !plan.trim().is_empty());
    let mut plans: Vec<String> = own.into_iter().collect();
    add_plan(&mut plans, domain.as_str());
    let (mut is_understood, mut is_empty, mut instead) = (true, false, None);
    let mut next = 0;
    while let Some(plan) = plans.get(next).filter(|_| next < PLANS).cloned() {
        let mut rules = match pbx.dial_rules(domain, &plan).await {
            Err(error) if is_beside(&plan, next, domain) && is_withheld(&error) => Vec::new(),
            Err(error) if error.code() == Code::NotFound && !domain.is(&plan) => Vec::new(),
            rules => rules?,
        };
        next += 1;
        let chained = rules.iter().filter_map(DialRule::chains_to);
        chained.for_each(|plan| add_plan(&mut plans, plan));
        is_understood &= rules.iter().all(DialRule::is_understood);
        is_empty |= domain.is(&plan) && rules.is_empty();
        rules.retain(DialRule::is_for_route_by_ani);
        match judge(&rules, domain, users, ani_users) {
            Judged::Decides(reading) => return Ok((reading, rules)),
            Judged::Lacks(seen) => instead = instead.or(seen.map(|seen| (seen, rules))),
        }
    }
    if let Some(seen) = instead {
        return Ok(seen);
    }
    let nothing = if !is_understood {
        FallbackReading::NotShown(
            "the dial plan says in a way that is not known what its rules are for".to_owned(),
        )
    } else if is_empty && !trusts_emptiness {
        // Every plan that works has a rule.
        FallbackReading::NotShown("the domain's dial plan is shown without any rule".to_owned())
    } else {
        FallbackReading::NotSeen(
            "the dial plan has no rule for route_by_ani that applies to every caller at all times"
                .to_owned(),
        )
    };
    Ok((nothing, Vec::new()))
}

/// A plan that the domain's own only chains to.
fn is_beside(plan: &str, place: usize, domain: &PbxDomain) -> bool {
    place > 0 && !domain.is(plan)
}

fn add_plan(plans: &mut Vec<String>, plan: &str) {
    let is_it = |known: &str| known.eq_ignore_ascii_case(plan);
    if !plans.iter().any(|known| is_it(known)) && !SYSTEM_TABLES.into_iter().any(is_it) {
        plans.push(plan.to_owned());
    }
}

/// What one plan says.
enum Judged {
    /// It has a rule that decides.
    Decides(FallbackReading),
    /// It has none for every caller at all times; and what it has in place of one.
    Lacks(Option<FallbackReading>),
}

/// Whether the rules for Route by ANI send everybody without a VIP rule to
/// somebody. Which of several rules for the same calls decides is not documented.
fn judge(
    rules: &[DialRule],
    domain: &PbxDomain,
    users: Option<&[Subscriber]>,
    ani_users: &[Extension],
) -> Judged {
    let (mut verified, mut useless, mut not_judged) = (None, None, None);
    let (mut at_times, mut switched_off) = (None, None);
    for rule in rules.iter().filter(|rule| rule.is_for_everybody(domain)) {
        let words = rule.words();
        if !rule.enabled {
            switched_off = Some(format!("{words}, but it is switched off"));
            continue;
        }
        if rule.is_limited {
            at_times = Some(format!("{words}, but at certain times only"));
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
            return Judged::Decides(FallbackReading::Failed(format!(
                "{words}, and the domain's users could not be read just now"
            )));
        };
        match rings_nobody(&user, users, ani_users) {
            Some(why) => useless = Some(format!("{words}, {why}")),
            None => verified = Some((words, user)),
        }
    }
    Judged::Decides(match (verified, useless, not_judged) {
        (Some((words, to)), None, None) => FallbackReading::Verified { words, to },
        (Some((words, _)), Some(other), _) | (Some((words, _)), None, Some(other)) => {
            FallbackReading::NotJudged(format!(
                "{words}; but also {other}: which of them decides is not known"
            ))
        }
        (None, _, Some(words)) => FallbackReading::NotJudged(words),
        (None, Some(why), None) => FallbackReading::Missing(why),
        (None, None, None) => {
            let at_times = at_times.map(FallbackReading::NotJudged);
            return Judged::Lacks(at_times.or(switched_off.map(FallbackReading::NotSeen)));
        }
    })
}

/// Why calls that are sent to a user of the domain reach nobody, if so. Who is
/// hidden as a system user may be an ordinary extension.
pub(in crate::ops) fn rings_nobody(
    user: &str,
    users: &[Subscriber],
    ani_users: &[Extension],
) -> Option<&'static str> {
    if ani_users.iter().any(|known| known.is(user)) {
        return Some("the Route by ANI user itself, so calls would go in a circle");
    }
    if user.eq_ignore_ascii_case(DOMAIN_USER) {
        return Some("the user that holds the domain's defaults, where nobody answers");
    }
    let mut known = users.iter();
    match known.any(|known| known.user.eq_ignore_ascii_case(user)) {
        true => None,
        false => Some("who does not exist"),
    }
}
