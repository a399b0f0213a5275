//! The user that the customer's number is to go to, and what may be wrong with it.

use std::fmt;

use crate::app::App;
use crate::ops::onboarding::evidence::{Reading, Unread};
use skyswitch_client::{AnsweringRule, Subscriber};
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::redact::shown;
use skyswitch_domain::{AccountId, Argument, DidRoute, Extension, PbxDomain};

/// The user that the customer's number is to go to.
#[derive(Debug)]
pub(in crate::ops) struct AniUser {
    pub extension: Extension,
    pub devices: Reading<Vec<String>>,
    pub voicemail: Reading<bool>,
    pub rules: Reading<Vec<AnsweringRule>>,
    /// The dial plan in which its calls are looked up first, where that is shown.
    pub dial_plan: Option<String>,
}

/// What keeps the user from doing its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ops) enum Problem {
    /// It has devices, which ring before the call is forwarded.
    HasDevices(Vec<String>),
    VoicemailIsOn,
    /// No answering rule for all times forwards anywhere.
    ForwardsNowhere,
    /// The answering rule for all times forwards to something else.
    ForwardsElsewhere(Vec<String>),
    /// Another answering rule is in force in this time frame.
    ForwardsAtTimes(String),
}

impl Problem {
    /// Whether the answering rule that this program can write solves it.
    pub fn is_solved_by_forwarding(&self) -> bool {
        matches!(
            self,
            Problem::ForwardsNowhere | Problem::ForwardsElsewhere(_)
        )
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::HasDevices(devices) => {
                let names = devices.iter().take(5).map(|name| shown(name, 60));
                let names: Vec<String> = names.collect();
                write!(f, "it has devices ({})", names.join(", "))
            }
            Problem::VoicemailIsOn => f.write_str("its voicemail is on"),
            Problem::ForwardsNowhere => {
                f.write_str("it has no answering rule Forward Always to route_by_ani")
            }
            Problem::ForwardsElsewhere(to) => write!(
                f,
                "its answering rule forwards to {}, not to route_by_ani",
                shown(&to.join(", "), 80)
            ),
            Problem::ForwardsAtTimes(time_frame) => write!(
                f,
                "at certain times (\"{}\") another answering rule holds",
                shown(time_frame, 60)
            ),
        }
    }
}

impl AniUser {
    /// A user of whom nothing more is known, and why.
    pub fn unknown(extension: Extension, why: Unread) -> AniUser {
        AniUser {
            extension,
            devices: Err(why.clone()),
            voicemail: Err(why.clone()),
            rules: Err(why),
            dial_plan: None,
        }
    }

    /// What keeps it from doing its work, as far as that is shown.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Ok(devices) = &self.devices
            && !devices.is_empty()
        {
            problems.push(Problem::HasDevices(devices.clone()));
        }
        if self.voicemail == Ok(true) {
            problems.push(Problem::VoicemailIsOn);
        }
        if let Ok(rules) = &self.rules {
            problems.extend(rule_problem(rules));
        }
        problems
    }

    /// Why something of it is not known, if so.
    pub fn unread(&self) -> Option<&Unread> {
        let devices = self.devices.as_ref().err();
        let voicemail = || self.voicemail.as_ref().err();
        devices
            .or_else(voicemail)
            .or_else(|| self.rules.as_ref().err())
    }

    /// The present answering rule for all times.
    pub fn rule_for_all_times(&self) -> Option<&AnsweringRule> {
        let rules = self.rules.as_ref().ok()?;
        rules.iter().find(|rule| rule.is_for_all_times())
    }
}

fn rule_problem(rules: &[AnsweringRule]) -> Option<Problem> {
    let all_times = rules.iter().find(|rule| rule.is_for_all_times());
    match all_times {
        Some(rule) if rule.forwards_to_route_by_ani() => {}
        Some(rule) if rule.enabled && !rule.forwards_to.is_empty() => {
            return Some(Problem::ForwardsElsewhere(rule.forwards_to.clone()));
        }
        _ => return Some(Problem::ForwardsNowhere),
    }
    let other = rules
        .iter()
        .find(|rule| rule.enabled && !rule.is_for_all_times())?;
    Some(Problem::ForwardsAtTimes(other.time_frame.clone()))
}

impl App {
    /// The users that calls may be pointed at for Route by ANI: by id or name,
    /// those that this installation has pointed numbers at, whatever they are
    /// called now, and the one that was named, if its answering rule shows it.
    ///
    /// # Errors
    /// `invalid_argument` where the named user exists and is another.
    pub(in crate::ops) async fn ani_users(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        users: &[Subscriber],
        named: Option<&Extension>,
    ) -> Result<Vec<Extension>> {
        let mut found = ani_users_among(users, domain, &self.routed_users(account).await?);
        let Some(named) = named.filter(|named| !found.contains(named)) else {
            return Ok(found);
        };
        if !users.iter().any(|user| named.is(&user.user)) {
            return Ok(found);
        }
        if self.forwards_to_route_by_ani(domain, named).await == Ok(true) {
            found.push(named.clone());
            return Ok(found);
        }
        Err(Error::invalid(
            "extension",
            format!(
                "user {named} of {domain} is not the Route by ANI user: neither its id nor its name says so, \
                 and no answering rule that can be read forwards it to route_by_ani"
            ),
            format!(
                "Name the user \"Route By ANI\" in the portal, give another {}, or leave it out.",
                Argument("extension")
            ),
        ))
    }

    /// The user that a route goes to, where its answering rule alone shows that
    /// it is one for Route by ANI.
    pub(in crate::ops) async fn unnamed_ani_user(
        &self,
        domain: &PbxDomain,
        route: &DidRoute,
        known: &[Extension],
    ) -> Option<Extension> {
        let (user, host) = route.user()?;
        let extension: Extension = user.parse().ok()?;
        let is_new = domain.is(host) && !known.contains(&extension);
        let forwards =
            is_new && self.forwards_to_route_by_ani(domain, &extension).await == Ok(true);
        forwards.then_some(extension)
    }

    /// The users that this installation has pointed numbers at as Route by ANI users.
    pub(in crate::ops) async fn routed_users(
        &self,
        account: &AccountId,
    ) -> Result<Vec<(PbxDomain, Extension)>> {
        let journal = self.journal();
        let Some(store) = journal.store().if_exists().await? else {
            return Ok(Vec::new());
        };
        let routes = store
            .routes_to_ani_users(journal.realm(), account.as_str())
            .await?;
        let users = routes.iter().filter_map(|route| {
            let (user, host) = route.user()?;
            Some((host.parse().ok()?, user.parse().ok()?))
        });
        Ok(users.collect())
    }

    /// Whether a user's answering rule forwards to `route_by_ani`; false where
    /// the PBX API is not configured, an error where it does not tell.
    pub(in crate::ops) async fn forwards_to_route_by_ani(
        &self,
        domain: &PbxDomain,
        user: &Extension,
    ) -> Reading<bool> {
        let client = self.client()?;
        if !client.has_pbx() {
            return Ok(false);
        }
        let rules = client.pbx()?.answering_rules(domain, user).await?;
        Ok(rules.iter().any(AnsweringRule::forwards_to_route_by_ani))
    }

    /// Reads what the PBX API shows of that user.
    pub(in crate::ops) async fn ani_user(
        &self,
        domain: &PbxDomain,
        extension: Extension,
    ) -> AniUser {
        let pbx = match self.client().and_then(|client| client.pbx()) {
            Ok(pbx) => pbx,
            Err(error) => return AniUser::unknown(extension, error.into()),
        };
        let (devices, found, rules) = tokio::join!(
            pbx.devices(domain, &extension),
            pbx.user(domain, &extension),
            pbx.answering_rules(domain, &extension),
        );
        let not_shown = |why: &str| Unread::NotShown(why.to_owned());
        let dial_plan = match &found {
            Ok(Some(found)) => found.dial_plan.clone(),
            _ => None,
        };
        let voicemail = match found {
            Ok(Some(found)) => found
                .voicemail
                .ok_or_else(|| not_shown("the PBX API does not say whether voicemail is on")),
            Ok(None) => Err(not_shown("the PBX API does not show the user yet")),
            Err(error) => Err(error.into()),
        };
        AniUser {
            extension,
            devices: devices.map_err(Unread::from),
            voicemail,
            rules: rules.map_err(Unread::from),
            dial_plan,
        }
    }
}

/// The Route by ANI users of a domain: by id or name, and those of `routed`,
/// whatever they are called now.
pub(in crate::ops) fn ani_users_among(
    users: &[Subscriber],
    domain: &PbxDomain,
    routed: &[(PbxDomain, Extension)],
) -> Vec<Extension> {
    let by_name = users.iter().filter(|user| user.is_ani_user());
    let mut found: Vec<Extension> = by_name.filter_map(|user| user.user.parse().ok()).collect();
    for (home, user) in routed {
        if home == domain && !found.contains(user) {
            found.push(user.clone());
        }
    }
    found
}
