//! What a user does with calls, in the words of either generation.

use super::records::{host_part, is_any_host, user_part};
use skyswitch_domain::{PbxDomain, ROUTE_BY_ANI};

/// One of a user's answering rules.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct AnsweringRule {
    /// The time frame in which it applies; `*` for all times.
    pub time_frame: String,
    /// Whether it is switched on.
    pub enabled: bool,
    /// Where it always forwards calls; empty where it does not.
    pub forwards_to: Vec<String>,
    /// Where it forwards some calls, with what makes it do so, for example `when
    /// nobody answers`. The journal knows the rule without these.
    #[serde(skip)]
    pub forwards_at_times: Vec<(String, &'static str)>,
}

/// A user or number that an answering rule forwards calls to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forward<'a> {
    /// The target as it is stored.
    pub target: &'a str,
    /// What makes the rule do so; `None` where it forwards every call.
    pub when: Option<&'a str>,
}

impl Forward<'_> {
    /// Whether calls are handed to the VIP list by it.
    pub fn is_to_route_by_ani(&self) -> bool {
        self.name().eq_ignore_ascii_case(ROUTE_BY_ANI)
    }

    /// The user, number or symbolic name: `101` in `sip:101@*`.
    pub fn name(&self) -> &str {
        user_part(self.target)
    }

    /// Whether it leads out of a domain, into another one of the PBX.
    pub fn is_outside_of(&self, domain: &PbxDomain) -> bool {
        let host = host_part(self.target);
        !is_any_host(host)
            && !domain.is(host)
            && host
                .parse::<PbxDomain>()
                .is_ok_and(|host| host.reseller().is_some())
    }

    /// Whether what it names is looked for in a domain.
    pub fn is_inside(&self, domain: &PbxDomain) -> bool {
        let host = host_part(self.target);
        is_any_host(host) || domain.is(host)
    }
}

impl AnsweringRule {
    /// Whether it applies at all times.
    pub fn is_for_all_times(&self) -> bool {
        matches!(self.time_frame.trim(), "" | "*")
    }

    /// Whether it is what the Route by ANI user needs: switched on, and
    /// forwarding always to `route_by_ani` and nowhere else.
    pub fn forwards_to_route_by_ani(&self) -> bool {
        let [only] = self.forwards_to.as_slice() else {
            return false;
        };
        self.enabled && user_part(only).eq_ignore_ascii_case(ROUTE_BY_ANI)
    }

    /// Where it forwards calls, where it is switched on. A rule that forwards every
    /// call never comes to its other conditions.
    pub fn forwards(&self) -> impl Iterator<Item = Forward<'_>> {
        let when = match self.is_for_all_times() {
            true => None,
            false => Some("at certain times"),
        };
        let always = self
            .forwards_to
            .iter()
            .map(move |target| Forward { target, when });
        let never = self.forwards_to.is_empty();
        let at_times = self.forwards_at_times.iter().filter(move |_| never);
        let at_times = at_times.map(|(target, when)| Forward {
            target,
            when: Some(when),
        });
        always.chain(at_times).filter(|_| self.enabled)
    }
}
