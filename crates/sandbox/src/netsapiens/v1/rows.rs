//! Rows as the form API spells them.
//!
//! Source: NetSapiens v1 collection. Switches are `yes`/`no` or `1`/`0`, everything is text.

use serde_json::{Value, json};

use crate::netsapiens::v1::START;
use crate::tenant::customer::{
    StoredAnsweringRule, StoredDialRule, StoredNumber, StoredSubscriber,
};
use crate::tenant::stored::StoredDomain;

pub(crate) fn domain_row(stored: &StoredDomain) -> Value {
    json!({
        "domain": stored.domain,
        "territory": stored.reseller,
        "description": stored.description,
        "dial_plan": stored.dial_plans.first(),
    })
}

pub(crate) fn user_row(stored: &StoredSubscriber, dial_plan: &str) -> Value {
    let voicemail = yes_no(stored.voicemail);
    json!({
        "user": stored.user,
        "domain": stored.domain,
        "first_name": stored.first_name,
        "last_name": stored.last_name,
        "email": stored.email,
        "subscriber_login": format!("{}@{}", stored.user, stored.domain),
        "dial_plan": dial_plan,
        "srv_code": stored.srv_code,
        "vmail_provisioned": voicemail,
        "vmail_enabled": voicemail,
    })
}

pub(crate) fn device_row(user: &StoredSubscriber, device: &str) -> Value {
    json!({
        "aor": format!("sip:{device}@{}", user.domain),
        "owner": user.user,
        "owner_domain": user.domain,
        "mode": "registered",
    })
}

pub(crate) fn answering_rule_row(user: &StoredSubscriber, rule: &StoredAnsweringRule) -> Value {
    json!({
        "uid": format!("{}@{}", user.user, user.domain),
        "domain": user.domain,
        "user": user.user,
        "time_frame": rule.time_frame,
        "enable": if rule.enabled { "1" } else { "0" },
        "order": "99",
        "priority": "0",
        "for_control": if rule.forward_enabled { "e" } else { "d" },
        "for_parameters": rule.forward_to.join(" "),
        "fna_control": if rule.unanswered_to.is_empty() { "d" } else { "e" },
        "fna_parameters": rule.unanswered_to.join(" "),
    })
}

pub(crate) fn dial_rule_row(rule: &StoredDialRule) -> Value {
    json!({
        "domain": rule.domain,
        "dialplan": rule.plan,
        "matchrule": rule.match_to,
        "match_from": rule.match_from,
        "responder": responder(&rule.application),
        "to_scheme": rule.to_scheme,
        "to_user": rule.to_user,
        "to_host": rule.to_host,
        "enable": yes_no(rule.enabled),
        "plan_description": rule.description,
        "valid_from": "*",
        "valid_to": "*",
    })
}

/// The entry of a number in the table of called numbers; `AvailableDID` rings nobody.
pub(crate) fn number_row(stored: &StoredNumber) -> Value {
    let target = stored.routed_user();
    let application = match target {
        Some(_) => format!("{START}to-user"),
        None => "AvailableDID".to_owned(),
    };
    let (user, host) = target.unwrap_or_default();
    json!({
        "matchrule": format!("sip:{}@*", stored.number),
        "dialplan": "DID Table",
        "dest_domain": stored.domain,
        "responder": application,
        "to_user": user,
        "to_host": host,
        "enable": "yes",
        "plan_description": "",
    })
}

/// Named applications are started; anything else, such as `<Cloud PBX Features>`, stays as it is.
fn responder(application: &str) -> String {
    let named = |c: char| c.is_ascii_lowercase() || c == '-';
    if application.chars().all(named) {
        format!("{START}{application}")
    } else {
        application.to_owned()
    }
}

fn yes_no(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}
