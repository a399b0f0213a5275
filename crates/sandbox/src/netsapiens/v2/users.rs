//! Users, their devices and their answering rules in the REST API.
//!
//! Source: NetSapiens v2 OpenAPI, Users, Devices, Answer rules.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Value, json};

use crate::netsapiens::answers::{Trouble, list, v2_trouble};
use crate::netsapiens::login::V2Caller;
use crate::netsapiens::v2::{Asked, read, switch, yes_no};
use crate::server::parameters::Parameters;
use crate::server::state::{Held, Upstream};
use crate::tenant::customer::{ANY, StoredAnsweringRule, StoredSubscriber};

/// GET `domains/{d}/users`; query `start`, `limit`.
pub(crate) async fn list_users(
    _: V2Caller,
    State(upstream): State<Arc<Upstream>>,
    Path(domain): Path<String>,
    query: Parameters,
) -> Response {
    let held = upstream.held();
    read(held.find_domain(&domain).map(|_| {
        let row = |user| user_json(user, &held.dial_plan_of(user));
        let rows = held.users_of(&domain).map(row).collect();
        let (start, limit) = (query.get("start"), query.get("limit"));
        list(rows, start, limit, &held.tenant.pbx)
    }))
}

/// GET `domains/{d}/users/{u}`.
pub(crate) async fn show(
    _: V2Caller,
    State(upstream): State<Arc<Upstream>>,
    Path((domain, user)): Path<(String, String)>,
) -> Response {
    let held = upstream.held();
    let found = held.find_user(&domain, &user);
    read(found.map(|user| user_json(user, &held.dial_plan_of(user))))
}

/// POST `domains/{d}/users`: a user without a device.
pub(crate) async fn create(
    _: V2Caller,
    State(upstream): State<Arc<Upstream>>,
    Path(domain): Path<String>,
    asked: Asked,
) -> Response {
    let mut held = upstream.changing();
    match create_user(&mut held, &domain, &asked) {
        Ok(created) => asked.accepted(created),
        Err(trouble) => v2_trouble(&trouble),
    }
}

fn create_user(held: &mut Held, domain: &str, asked: &Asked) -> Result<Value, Trouble> {
    let [user, first_name, last_name, email, _] = asked.required([
        "user",
        "name-first-name",
        "name-last-name",
        "email-address",
        "user-scope",
    ])?;
    let new = StoredSubscriber {
        first_name,
        last_name,
        email,
        srv_code: asked.text("service-code").unwrap_or_default(),
        voicemail: asked.switch("voicemail-enabled").unwrap_or(true),
        ..StoredSubscriber::system(domain, &user, "")
    };
    let created = user_json(&new, &held.dial_plan_of(&new));
    held.create_user(new)?;
    Ok(created)
}

/// GET `domains/{d}/users/{u}/devices`.
pub(crate) async fn list_devices(
    _: V2Caller,
    State(upstream): State<Arc<Upstream>>,
    Path((domain, user)): Path<(String, String)>,
    query: Parameters,
) -> Response {
    let held = upstream.held();
    read(held.find_user(&domain, &user).map(|user| {
        let devices = user.devices.iter();
        let rows = devices.map(|device| device_json(user, device)).collect();
        let (start, limit) = (query.get("start"), query.get("limit"));
        list(rows, start, limit, &held.tenant.pbx)
    }))
}

/// GET `domains/{d}/users/{u}/answerrules`.
pub(crate) async fn list_answering_rules(
    _: V2Caller,
    State(upstream): State<Arc<Upstream>>,
    Path((domain, user)): Path<(String, String)>,
    query: Parameters,
) -> Response {
    let held = upstream.held();
    read(held.find_user(&domain, &user).map(|user| {
        let rows = user.answering_rules.iter().map(rule_json).collect();
        let (start, limit) = (query.get("start"), query.get("limit"));
        list(rows, start, limit, &held.tenant.pbx)
    }))
}

/// GET `domains/{d}/users/{u}/answerrules/{timeframe}`.
pub(crate) async fn show_answering_rule(
    _: V2Caller,
    State(upstream): State<Arc<Upstream>>,
    Path((domain, user, time_frame)): Path<(String, String, String)>,
) -> Response {
    let held = upstream.held();
    let rule = held.find_user(&domain, &user).and_then(|user| {
        let mut rules = user.answering_rules.iter();
        let rule = rules.find(|rule| rule.time_frame == time_frame);
        rule.ok_or(Trouble::Missing("Answer rule"))
    });
    read(rule.map(rule_json))
}

/// POST `domains/{d}/users/{u}/answerrules`.
pub(crate) async fn create_answering_rule(
    _: V2Caller,
    State(upstream): State<Arc<Upstream>>,
    Path((domain, user)): Path<(String, String)>,
    asked: Asked,
) -> Response {
    let time_frame = asked.text("time-frame").unwrap_or_else(|| ANY.to_owned());
    let mut rule = StoredAnsweringRule {
        time_frame,
        ..StoredAnsweringRule::plain()
    };
    set_rule(&mut rule, &asked);
    let created = rule_json(&rule);
    let mut held = upstream.changing();
    match held.create_answering_rule(&domain, &user, rule) {
        Ok(()) => asked.accepted(created),
        Err(trouble) => v2_trouble(&trouble),
    }
}

/// PUT `domains/{d}/users/{u}/answerrules/{timeframe}`: changes the fields that were sent.
pub(crate) async fn update_answering_rule(
    _: V2Caller,
    State(upstream): State<Arc<Upstream>>,
    Path((domain, user, time_frame)): Path<(String, String, String)>,
    asked: Asked,
) -> Response {
    let mut held = upstream.changing();
    let changed = held.change_answering_rule(&domain, &user, &time_frame, |rule| {
        set_rule(rule, &asked);
        rule_json(rule)
    });
    match changed {
        Ok(rule) => asked.accepted(rule),
        Err(trouble) => v2_trouble(&trouble),
    }
}

fn set_rule(rule: &mut StoredAnsweringRule, asked: &Asked) {
    if let Some(enabled) = asked.switch("enabled") {
        rule.enabled = enabled;
    }
    let Some(forward) = asked.0.get("forward-always") else {
        return;
    };
    if let Some(enabled) = forward.get("enabled").and_then(switch) {
        rule.forward_enabled = enabled;
    }
    if let Some(targets) = forward.get("parameters").and_then(Value::as_array) {
        rule.forward_to = targets
            .iter()
            .map(|target| {
                target
                    .as_str()
                    .map_or_else(|| target.to_string(), String::from)
            })
            .collect();
    }
}

fn user_json(stored: &StoredSubscriber, dial_plan: &str) -> Value {
    json!({
        "domain": stored.domain,
        "user": stored.user,
        "name-first-name": stored.first_name,
        "name-last-name": stored.last_name,
        "email-address": stored.email,
        "login-username": format!("{}@{}", stored.user, stored.domain),
        "service-code": stored.srv_code,
        "dial-plan": dial_plan,
        "voicemail-enabled": yes_no(stored.voicemail),
    })
}

pub(crate) fn device_json(user: &StoredSubscriber, device: &str) -> Value {
    json!({
        "domain": user.domain,
        "user": user.user,
        "device": device,
        "device-sip-registration-uri": format!("sip:{device}@{}", user.domain),
        "device-sip-registration-state": "registered",
    })
}

fn rule_json(rule: &StoredAnsweringRule) -> Value {
    json!({
        "time-frame": rule.time_frame,
        "enabled": yes_no(rule.enabled),
        "order": 99,
        "forward-always": {
            "enabled": yes_no(rule.forward_enabled),
            "parameters": rule.forward_to,
        },
        "forward-no-answer": {
            "enabled": yes_no(!rule.unanswered_to.is_empty()),
            "parameters": rule.unanswered_to,
        },
    })
}
