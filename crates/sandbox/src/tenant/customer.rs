//! What a customer holds beside VIP routes: people, telephone numbers and dial rules.
//!
//! Source: SkySwitch API reference (subscribers, phone numbers, number routes) and NetSapiens v1
//! and v2 (subscriber, answering rule, dial rule). Field names here are the sandbox's own; how
//! each API spells them is in the file that serves it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The symbolic name a forward and a dial rule meet in; VIP routes hang on it.
pub(crate) const ROUTE_BY_ANI: &str = "route_by_ani";
/// Any number, time or source in NetSapiens match fields.
pub(crate) const ANY: &str = "*";
/// `srv_code` of users that are not people.
const SYSTEM_USER: &str = "system-user";

/// A user of the phone system: a person, or a helper such as the `route_by_ani` user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredSubscriber {
    /// PBX domain.
    pub domain: String,
    /// Extension; need not be digits.
    pub user: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Mail address.
    pub email: String,
    /// Empty for people; `system-user`, `system-queue` and others for what is not a person.
    pub srv_code: String,
    /// Whether unanswered calls reach a mailbox.
    pub voicemail: bool,
    /// Device ids such as `101a`.
    pub devices: Vec<String>,
    /// Answering rules, one for each time frame.
    pub answering_rules: Vec<StoredAnsweringRule>,
}

impl StoredSubscriber {
    /// A person with one device and voicemail; the name is `First Last`.
    pub fn person(domain: &str, user: &str, name: &str) -> StoredSubscriber {
        let (first_name, last_name) = name.split_once(' ').unwrap_or((name, ""));
        StoredSubscriber {
            domain: domain.to_owned(),
            user: user.to_owned(),
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            email: format!("{user}@{domain}.example"),
            srv_code: String::new(),
            voicemail: true,
            devices: vec![format!("{user}a")],
            answering_rules: vec![StoredAnsweringRule::plain()],
        }
    }

    /// A complete `route_by_ani` user: no device, no voicemail, all calls forwarded.
    pub fn ani_user(domain: &str, extension: &str) -> StoredSubscriber {
        StoredSubscriber {
            answering_rules: vec![StoredAnsweringRule::forward_always(ROUTE_BY_ANI)],
            ..StoredSubscriber::system(domain, extension, "Route By ANI")
        }
    }

    /// A user without device and voicemail that the user list may hide.
    pub fn system(domain: &str, user: &str, name: &str) -> StoredSubscriber {
        StoredSubscriber {
            srv_code: SYSTEM_USER.to_owned(),
            voicemail: false,
            devices: Vec::new(),
            answering_rules: Vec::new(),
            ..StoredSubscriber::person(domain, user, name)
        }
    }

    /// The `domain` user that every working PBX domain has.
    pub fn domain_user(domain: &str) -> StoredSubscriber {
        StoredSubscriber::system(domain, "domain", "Domain Default")
    }

    /// Sets the devices.
    #[must_use]
    pub fn devices(mut self, devices: &[&str]) -> StoredSubscriber {
        self.devices = devices.iter().copied().map(String::from).collect();
        self
    }

    /// Sets whether there is a mailbox.
    #[must_use]
    pub fn voicemail(mut self, voicemail: bool) -> StoredSubscriber {
        self.voicemail = voicemail;
        self
    }

    /// Sets the answering rules.
    #[must_use]
    pub fn answering_rules(mut self, rules: Vec<StoredAnsweringRule>) -> StoredSubscriber {
        self.answering_rules = rules;
        self
    }

    /// First and last name as one text.
    pub fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
            .trim()
            .to_owned()
    }

    /// Whether all calls are forwarded to that target at any time.
    pub(crate) fn forwards_to(&self, target: &str) -> bool {
        let mut targets = self.forward_targets();
        targets.any(|forward| forward == target)
    }

    /// Where all calls are forwarded to at any time; empty without an enabled forward.
    pub(crate) fn forward_targets(&self) -> impl Iterator<Item = &str> {
        self.answering_rules
            .iter()
            .filter(|rule| rule.enabled && rule.forward_enabled && rule.time_frame == ANY)
            .flat_map(|rule| rule.forward_to.iter().map(String::as_str))
    }

    /// Whether somebody would take this for the `route_by_ani` user: by extension, name or
    /// forward, whether or not it is complete.
    pub(crate) fn is_ani_user(&self) -> bool {
        let name = self.name().to_ascii_lowercase().replace([' ', '-'], "_");
        let rules = &self.answering_rules;
        self.user == ROUTE_BY_ANI
            || name == ROUTE_BY_ANI
            || rules
                .iter()
                .any(|rule| rule.forward_to.iter().any(|target| target == ROUTE_BY_ANI))
    }
}

/// What a user does with calls in one time frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredAnsweringRule {
    /// Name of the time frame; `*` is any time.
    pub time_frame: String,
    /// Whether the rule counts at all.
    pub enabled: bool,
    /// Whether "forward always" is switched on.
    pub forward_enabled: bool,
    /// Targets of "forward always"; a number or a symbolic name.
    pub forward_to: Vec<String>,
    /// Where calls go that nobody answers; empty where they are not forwarded.
    pub unanswered_to: Vec<String>,
}

impl StoredAnsweringRule {
    /// The `*` rule of an ordinary user: enabled, nothing forwarded.
    pub fn plain() -> StoredAnsweringRule {
        StoredAnsweringRule {
            time_frame: ANY.to_owned(),
            enabled: true,
            forward_enabled: false,
            forward_to: Vec::new(),
            unanswered_to: Vec::new(),
        }
    }

    /// A `*` rule that forwards the calls that nobody answers.
    pub fn forward_unanswered(target: &str) -> StoredAnsweringRule {
        StoredAnsweringRule {
            unanswered_to: vec![target.to_owned()],
            ..StoredAnsweringRule::plain()
        }
    }

    /// A `*` rule that forwards all calls.
    pub fn forward_always(target: &str) -> StoredAnsweringRule {
        StoredAnsweringRule {
            forward_enabled: true,
            forward_to: vec![target.to_owned()],
            ..StoredAnsweringRule::plain()
        }
    }
}

/// A telephone number of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredNumber {
    /// 11 digits.
    pub number: String,
    /// PBX domain the number belongs to; None while it is unassigned.
    pub domain: Option<String>,
    /// The whole `{"type":…,"route":{…}}`; null when the number has no route.
    pub route: Value,
}

impl StoredNumber {
    /// A number that rings a user, with every field the reference shows for such a route.
    pub fn to_user(number: &str, domain: &str, user: &str) -> StoredNumber {
        StoredNumber {
            number: number.to_owned(),
            domain: Some(domain.to_owned()),
            route: json!({ "type": "pbx", "route": {
                "treatment": "user",
                "subscriber": format!("{user}@{domain}"),
                "enable": "yes",
                "valid_from": "*",
                "valid_to": "*",
                "notes": "Main line",
                "spam_call_action": "voicemail",
                "caller_id_prefix": "",
                "recording_notice": "no",
            } }),
        }
    }

    /// A number that belongs to a domain and rings nobody.
    pub fn parked(number: &str, domain: &str) -> StoredNumber {
        let route = json!({ "treatment": "domain", "domain": domain, "enable": "yes" });
        StoredNumber {
            number: number.to_owned(),
            domain: Some(domain.to_owned()),
            route: json!({ "type": "pbx", "route": route }),
        }
    }

    /// A number in the reseller's stock.
    pub fn unassigned(number: &str, reseller: &str) -> StoredNumber {
        let route = json!({ "treatment": "reseller", "reseller": reseller, "enable": "yes" });
        StoredNumber {
            number: number.to_owned(),
            domain: None,
            route: json!({ "type": "pbx", "route": route }),
        }
    }

    /// User and domain the route names, if it goes to a user.
    pub(crate) fn routed_user(&self) -> Option<(&str, &str)> {
        let route = self.route.get("route")?;
        if self.route.get("type")? != "pbx" || route.get("treatment")? != "user" {
            return None;
        }
        route.get("subscriber")?.as_str()?.split_once('@')
    }
}

/// A dial translation rule of a dial plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredDialRule {
    /// PBX domain whose plan it is in.
    pub domain: String,
    /// Dial plan; by default named like the domain.
    pub plan: String,
    /// Pattern of what is dialled (v1 `matchrule`).
    pub match_to: String,
    /// Pattern of the source; `*` for any. v1 shows it and cannot set it.
    pub match_from: String,
    /// What is done: `to-user` and so on (v1 `sip:start@to-user`).
    pub application: String,
    /// User of the destination.
    pub to_user: String,
    /// Host of the destination.
    pub to_host: String,
    /// Scheme of the destination, `sip:` or `[*]`.
    pub to_scheme: String,
    /// Whether the rule counts.
    pub enabled: bool,
    /// Free text.
    pub description: String,
}

impl StoredDialRule {
    /// The rule for callers who are no VIP: `route_by_ani` from anybody to a user.
    pub fn fallback(domain: &str, to_user: &str) -> StoredDialRule {
        StoredDialRule {
            domain: domain.to_owned(),
            plan: domain.to_owned(),
            match_to: ROUTE_BY_ANI.to_owned(),
            match_from: ANY.to_owned(),
            application: "to-user".to_owned(),
            to_user: to_user.to_owned(),
            to_host: domain.to_owned(),
            to_scheme: "sip:".to_owned(),
            enabled: true,
            description: "Fallback for unmatched ANI".to_owned(),
        }
    }

    /// The rule every working plan has: what nothing else matches goes to the default table.
    pub fn chain(domain: &str) -> StoredDialRule {
        StoredDialRule {
            match_to: ANY.to_owned(),
            application: "<Cloud PBX Features>".to_owned(),
            to_user: "[*]".to_owned(),
            to_host: "[*]".to_owned(),
            to_scheme: "[*]".to_owned(),
            description: "Chain to Default Table".to_owned(),
            ..StoredDialRule::fallback(domain, "")
        }
    }

    /// Switches the rule off.
    #[must_use]
    pub fn disabled(mut self) -> StoredDialRule {
        self.enabled = false;
        self
    }

    /// Whether the rule is about calls that were forwarded to `route_by_ani`.
    pub(crate) fn is_by_ani(&self) -> bool {
        self.match_to == ROUTE_BY_ANI
    }

    /// Whether the rule is in that plan of that domain.
    pub(crate) fn is_in(&self, domain: &str, plan: &str) -> bool {
        self.domain.eq_ignore_ascii_case(domain) && self.plan.eq_ignore_ascii_case(plan)
    }
}
