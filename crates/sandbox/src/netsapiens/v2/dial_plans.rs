//! Dial rules in the REST API.
//!
//! Source: NetSapiens v2 OpenAPI, Dial rules. Version 44 spells the match fields `dail-rule-…`;
//! a version takes its own spelling only.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Value, json};

use crate::netsapiens::answers::{Trouble, list, v2_trouble};
use crate::netsapiens::login::V2Caller;
use crate::netsapiens::records::Access;
use crate::netsapiens::v2::{Asked, read, yes_no};
use crate::server::parameters::Parameters;
use crate::server::state::{Held, Upstream};
use crate::tenant::customer::{ANY, StoredDialRule};
use crate::tenant::habits::V2Version;

/// Names of the two match fields, to and from, in one version.
type MatchFields = [&'static str; 2];

/// The spelling of version 44.
const DAIL: MatchFields = ["dail-rule-matching-to-uri", "dail-rule-matching-from-uri"];
/// The spelling of version 45.
const DIAL: MatchFields = ["dial-rule-matching-to-uri", "dial-rule-matching-from-uri"];

/// GET `domains/{d}/dialplans/{plan}/dialrules`; query `start`, `limit`.
pub(crate) async fn list_rules(
    _: V2Caller,
    State(upstream): State<Arc<Upstream>>,
    Path((domain, plan)): Path<(String, String)>,
    query: Parameters,
) -> Response {
    let held = upstream.held();
    let habits = &held.tenant.pbx;
    let may_read = habits.check_dial_plan(Access::Read);
    let plan_exists = may_read.and_then(|()| held.check_plan_exists(&domain, &plan));
    read(plan_exists.map(|()| {
        let (spelling, _) = spellings(habits.v2_version);
        let rules = held.rules_of_plan(&domain, &plan);
        let rows = rules.iter().map(|rule| rule_json(rule, spelling)).collect();
        list(rows, query.get("start"), query.get("limit"), habits)
    }))
}

/// POST `domains/{d}/dialplans/{plan}/dialrules`.
pub(crate) async fn create_rule(
    _: V2Caller,
    State(upstream): State<Arc<Upstream>>,
    Path((domain, plan)): Path<(String, String)>,
    asked: Asked,
) -> Response {
    let mut held = upstream.changing();
    match create(&mut held, &domain, &plan, &asked) {
        Ok(created) => asked.accepted(created),
        Err(trouble) => v2_trouble(&trouble),
    }
}

fn create(held: &mut Held, domain: &str, plan: &str, asked: &Asked) -> Result<Value, Trouble> {
    // Who may not write learns nothing about his fields.
    held.tenant.pbx.check_dial_plan(Access::Write)?;
    let (spelling, foreign) = spellings(held.tenant.pbx.v2_version);
    let misspelt: Vec<&str> = foreign
        .into_iter()
        .filter(|name| asked.0.get(name).is_some())
        .collect();
    if !misspelt.is_empty() {
        return Err(Trouble::Invalid(misspelt));
    }
    let [_, match_to, to_user] = asked.required([
        "synchronous",
        spelling[0],
        "dial-rule-translation-destination-user",
    ])?;
    let text = |name: &str, default: &str| asked.text(name).unwrap_or_else(|| default.to_owned());
    let rule = StoredDialRule {
        domain: domain.to_owned(),
        plan: plan.to_owned(),
        match_to,
        match_from: text(spelling[1], ANY),
        application: text("dial-rule-application", "to-user"),
        to_user,
        to_host: text("dial-rule-translation-destination-host", ""),
        to_scheme: text("dial-rule-translation-destination-scheme", "sip:"),
        enabled: asked.switch("enabled").unwrap_or(true),
        description: text("dial-rule-description", ""),
    };
    let created = rule_json(&rule, spelling);
    held.create_dial_rule(rule)?;
    Ok(created)
}

/// The names a version uses, and those it does not know.
fn spellings(version: V2Version) -> (MatchFields, MatchFields) {
    match version {
        V2Version::V44 => (DAIL, DIAL),
        V2Version::V45 => (DIAL, DAIL),
    }
}

fn rule_json(rule: &StoredDialRule, [match_to, match_from]: MatchFields) -> Value {
    json!({
        "domain": rule.domain,
        "dial-plan": rule.plan,
        "enabled": yes_no(rule.enabled),
        match_to: rule.match_to,
        match_from: rule.match_from,
        "dial-rule-application": rule.application,
        "dial-rule-translation-destination-scheme": rule.to_scheme,
        "dial-rule-translation-destination-user": rule.to_user,
        "dial-rule-translation-destination-host": rule.to_host,
        "dial-rule-description": rule.description,
    })
}
