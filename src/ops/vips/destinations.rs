//! The look whether a VIP's destination exists.

use std::time::Duration;

use crate::app::App;
use crate::nearest::nearest;
use skyswitch_client::Subscriber;
use skyswitch_domain::error::Result;
use skyswitch_domain::redact::shown;
use skyswitch_domain::{AccountId, Application, Operation, PbxDomain, Route, names_ani_user};
use skyswitch_guard::Doubt;

/// A list of users that is this old is read again.
pub(in crate::ops) const FRESH: Duration = Duration::from_secs(60);

/// What a person should know of a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ops) struct Look {
    pub warning: String,
    /// Why it looks wrong; `None` where nobody could look.
    pub doubt: Option<Doubt>,
}

impl Look {
    pub(super) fn doubtful(doubt: Doubt, warning: String) -> Look {
        let doubt = Some(doubt);
        Look { warning, doubt }
    }
}

impl App {
    /// Looks at the destination of one rule that is about to be written.
    ///
    /// # Errors
    /// Those of the login: one that is refused must not be tried a second time
    /// by the change itself.
    pub(in crate::ops) async fn look_at_destination(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        rule: &Route,
    ) -> Result<Option<Look>> {
        if self.settings().read_only {
            return Ok(None);
        }
        self.client()?.token(false).await?;
        let looks = self.look_at_destinations(account, domain, &[rule]).await;
        Ok(looks.into_iter().next().map(|(_, look)| look))
    }

    /// Looks at the destinations of many rules; what is found comes with the
    /// position of its rule. One list of users serves a minute.
    ///
    /// A list that cannot be read does not prevent the change: a
    /// warning says so.
    pub(in crate::ops) async fn look_at_destinations(
        &self,
        account: &AccountId,
        domain: &PbxDomain,
        rules: &[&Route],
    ) -> Vec<(usize, Look)> {
        let has_inside = |application: &Application| {
            let mut inside = rules.iter().filter(|route| !route.leaves_domain());
            inside.any(|route| route.application == *application)
        };
        let checks = self.settings().check_destinations;
        // A SIP address in the domain names one of its users.
        let names_users = has_inside(&Application::User) || has_inside(&Application::Literal);
        let users = match checks && names_users {
            true => self.known_users(account, domain).await.map(Some),
            false => Ok(None),
        };
        let devices = match checks && has_inside(&Application::Device) {
            true => self.known_devices(domain).await,
            false => Ok(None),
        };
        let look = |route: &Route| {
            seen_without_reading(route, domain).or_else(|| match route.application {
                Application::User | Application::Literal => look_in(&users, "user", route, domain),
                Application::Device => look_in(&devices, "device", route, domain),
                _ => None,
            })
        };
        let looks = rules.iter().enumerate();
        looks
            .filter_map(|(position, route)| Some((position, look(route)?)))
            .collect()
    }

    async fn known_users(&self, account: &AccountId, domain: &PbxDomain) -> Result<Known> {
        let users = self.client()?.subscribers(account, domain, FRESH).await?;
        Ok(Known::of_users(&users))
    }

    /// The devices of a domain; `None` without the PBX API, which shows them.
    async fn known_devices(&self, domain: &PbxDomain) -> Result<Option<Known>> {
        let Ok(pbx) = self.client()?.pbx() else {
            return Ok(None);
        };
        let devices = pbx.domain_devices(domain).await?;
        let names = devices
            .iter()
            .map(|device| (device_name(device).to_owned(), None));
        Ok(Some(Known {
            names: names.collect(),
            ..Known::default()
        }))
    }
}

/// What a destination shows by itself: that it lies outside, or is the Route
/// by ANI user.
fn seen_without_reading(route: &Route, domain: &PbxDomain) -> Option<Look> {
    if route.leaves_domain() {
        return Some(Look::doubtful(
            Doubt::Outside,
            format!(
                "{} is outside {domain}: calls leave the customer's phone system",
                route.goes_to()
            ),
        ));
    }
    let (id, _) = route.destination.address(&route.application);
    let is_loop = route.application != Application::Device && names_ani_user(id);
    is_loop.then(|| in_a_circle(id))
}

pub(super) fn in_a_circle(id: &str) -> Look {
    Look::doubtful(
        Doubt::Loop,
        format!(
            "user \"{}\" is the Route by ANI user, which hands every call back to the VIP rules: the call would go in a circle and reach nobody",
            shown(id, 80)
        ),
    )
}

fn look_in(
    known: &Result<Option<Known>>,
    kind: &str,
    route: &Route,
    domain: &PbxDomain,
) -> Option<Look> {
    match known {
        Ok(known) => known.as_ref()?.look(kind, route, domain),
        Err(error) => Some(Look {
            warning: format!(
                "the {kind}s of {domain} could not be read, so nobody checked whether the destination exists: {error}"
            ),
            doubt: None,
        }),
    }
}

/// What exists in a domain.
#[derive(Default)]
struct Known {
    /// Ids, and names where there are some.
    names: Vec<(String, Option<String>)>,
    /// Ids of system users, which nobody means.
    system_users: Vec<String>,
    /// Ids of Route by ANI users.
    ani_users: Vec<String>,
}

impl Known {
    fn of_users(users: &[Subscriber]) -> Known {
        let mut known = Known::default();
        for user in users {
            let id = user.user.clone();
            if user.is_ani_user() {
                known.ani_users.push(id);
            } else if user.is_system_user() {
                known.system_users.push(id);
            } else {
                known.names.push((id, user.name.clone()));
            }
        }
        known
    }

    fn look(&self, kind: &str, route: &Route, domain: &PbxDomain) -> Option<Look> {
        let (id, _) = route.destination.address(&route.application);
        let is_id = |known: &String| known.eq_ignore_ascii_case(id);
        if self.ani_users.iter().any(is_id) {
            return Some(in_a_circle(id));
        }
        let mut names = self.names.iter().map(|(known, _)| known);
        if names.any(is_id) || self.system_users.iter().any(is_id) {
            return None;
        }
        let hint = match self.nearest(id) {
            nearest if nearest.is_empty() => {
                format!("{} shows those that do", Operation::ListDestinations)
            }
            nearest => format!("nearest: {}", nearest.join(", ")),
        };
        Some(Look::doubtful(
            Doubt::Unknown,
            format!(
                "{kind} \"{}\" does not exist in {domain}, so this caller's calls would reach nobody; {hint}",
                shown(id, 80)
            ),
        ))
    }

    /// Those whose id, or name, or a word of it, is spelt most like what was given.
    fn nearest(&self, given: &str) -> Vec<String> {
        nearest(&self.names, without_mark(given), id_and_words)
            .map(|(id, name)| match name {
                Some(name) => format!("{} ({})", shown(id, 40), shown(name, 60)),
                None => shown(id, 40),
            })
            .collect()
    }
}

fn id_and_words((id, name): &(String, Option<String>)) -> Vec<&str> {
    let words = name.iter().flat_map(|name| name.split_whitespace());
    let whole = name.iter().map(String::as_str);
    words.chain(whole).chain([id.as_str()]).collect()
}

/// `101` in `ext 101`, `Ext. 101`, `x101` and `#101`, as people write extensions.
fn without_mark(given: &str) -> &str {
    let digits = given.trim_start_matches(|c: char| !c.is_ascii_digit());
    let mark = &given[..given.len() - digits.len()];
    let mark = mark
        .trim()
        .trim_end_matches(['.', ':'])
        .to_ascii_lowercase();
    let is_mark = ["ext", "extension", "x", "#"].contains(&mark.as_str());
    match is_mark && digits.bytes().all(|b| b.is_ascii_digit()) {
        true => digits,
        false => given,
    }
}

/// The users whose id or name comes nearest to what was given.
pub(in crate::ops) fn nearest_users(users: &[Subscriber], given: &str) -> Vec<String> {
    Known::of_users(users).nearest(given)
}

/// `101a` in `sip:101a@acme.12345.service`, and a plain name as it is.
pub(super) fn device_name(device: &str) -> &str {
    match device.strip_prefix("sip:") {
        Some(rest) => rest.split('@').next().unwrap_or(rest),
        None => device,
    }
}
