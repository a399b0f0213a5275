//! The form API below `/ns-api/`: one address, told apart by `object` and `action`.
//!
//! Source: NetSapiens v1 collection, SkySwitch PBX API. Reads answer 200, with `[]` for what is
//! absent; writes answer 202 without a body. XML unless `format=json`.

mod rows;

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::netsapiens::answers::{Trouble, list, v1_rows, v1_trouble};
use crate::netsapiens::login::V1Caller;
use crate::netsapiens::records::Access;
use crate::netsapiens::v1::rows::{
    answering_rule_row, device_row, dial_rule_row, domain_row, number_row, user_row,
};
use crate::server::state::{Held, Upstream};
use crate::tenant::customer::{ANY, StoredAnsweringRule, StoredDialRule, StoredSubscriber};
use crate::tenant::rows::Key;
use crate::tenant::stored::StoredDomain;

/// What v1 puts before the name of an application.
pub(crate) const START: &str = "sip:start@";

/// Query and form fields of one call, together; of a field sent twice the last counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields(pub(crate) Vec<(String, String)>);

impl Fields {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut newest_first = self.0.iter().rev();
        newest_first
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// The values of required fields, or a refusal that names all that are missing.
    fn required<const N: usize>(&self, names: [&'static str; N]) -> Result<[&str; N], Trouble> {
        let missing: Vec<&'static str> = names
            .into_iter()
            .filter(|name| self.get(name).is_none())
            .collect();
        if missing.is_empty() {
            Ok(names.map(|name| self.get(name).unwrap_or_default()))
        } else {
            Err(Trouble::Invalid(missing))
        }
    }

    /// Whether a field is left out or has that value, in any case.
    fn allows(&self, name: &str, value: &str) -> bool {
        self.get(name)
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(value))
    }

    /// A switch in any of the spellings in use; None when it was left out.
    fn switch(&self, name: &str) -> Option<bool> {
        self.get(name)
            .map(|value| matches!(value, "1" | "yes" | "true" | "e" | "enabled"))
    }
}

/// What a call did.
enum Done {
    Read(Vec<Value>),
    Counted(usize),
    Written,
}

/// Any call to `/ns-api/`.
pub(crate) async fn call(
    _: V1Caller,
    State(upstream): State<Arc<Upstream>>,
    Extension(fields): Extension<Fields>,
) -> Response {
    match fields.get("action") {
        Some("read" | "count") => answer(&mut upstream.held(), &fields),
        _ => answer(&mut upstream.changing(), &fields),
    }
}

fn answer(held: &mut Held, fields: &Fields) -> Response {
    let object = fields.get("object").unwrap_or_default();
    let is_json = fields.get("format") == Some("json");
    match act(held, object, fields) {
        Ok(Done::Written) => StatusCode::ACCEPTED.into_response(),
        Ok(Done::Counted(total)) => {
            v1_rows(object, &json!({ "total": total.to_string() }), is_json)
        }
        Ok(Done::Read(rows)) => {
            let (start, limit) = (fields.get("start"), fields.get("limit"));
            v1_rows(object, &list(rows, start, limit, &held.tenant.pbx), is_json)
        }
        Err(trouble) => v1_trouble(&trouble),
    }
}

fn act(held: &mut Held, object: &str, fields: &Fields) -> Result<Done, Trouble> {
    let action = fields.get("action").unwrap_or_default();
    match (object, action) {
        ("domain", "read") => Ok(read_domains(held, fields)),
        ("domain", "create") => create_domain(held, fields),
        ("dialplan", "read") => read_dial_plans(held, fields),
        ("dialplan", "create") => create_dial_plan(held, fields),
        ("dialrule", "read") => read_dial_rules(held, fields).map(Done::Read),
        ("dialrule", "count") => {
            read_dial_rules(held, fields).map(|rows| Done::Counted(rows.len()))
        }
        ("dialrule", "create") => create_dial_rule(held, fields),
        ("dialrule", "delete") => delete_dial_rules(held, fields),
        ("subscriber", "read") => Ok(read_users(held, fields)),
        ("subscriber", "create") => create_user(held, fields),
        ("device", "read") => Ok(read_devices(held, fields)),
        ("answerrule", "read") => Ok(read_answering_rules(held, fields)),
        ("answerrule", "create") => create_answering_rule(held, fields),
        ("answerrule", "update") => update_answering_rule(held, fields),
        ("phonenumber", "read") => Ok(read_numbers(held, fields)),
        _ => Err(Trouble::Invalid(vec!["object", "action"])),
    }
}

fn read_domains(held: &Held, fields: &Fields) -> Done {
    let domains = held.customers.domains.of(fields.get("domain"));
    let rows = domains
        .filter(|stored| fields.allows("territory", &stored.reseller))
        .map(domain_row)
        .collect();
    Done::Read(rows)
}

/// Creates the bare domain: no dial plan, no `domain` user. Both are further calls.
fn create_domain(held: &mut Held, fields: &Fields) -> Result<Done, Trouble> {
    let [domain, territory] = fields.required(["domain", "territory"])?;
    held.create_domain(StoredDomain {
        reseller: territory.to_owned(),
        dial_plans: Vec::new(),
        ..StoredDomain::new(domain, fields.get("description").unwrap_or_default())
    })?;
    Ok(Done::Written)
}

fn read_dial_plans(held: &Held, fields: &Fields) -> Result<Done, Trouble> {
    held.tenant.pbx.check_dial_plan(Access::Read)?;
    let domains = held.customers.domains.of(fields.get("domain"));
    let rows = domains
        .flat_map(|stored| {
            let row = |plan| json!({ "domain": stored.domain, "dialplan": plan });
            let plans = stored.dial_plans.iter();
            plans
                .filter(|plan| fields.allows("dialplan", plan))
                .map(row)
        })
        .collect();
    Ok(Done::Read(rows))
}

fn create_dial_plan(held: &mut Held, fields: &Fields) -> Result<Done, Trouble> {
    let [domain, plan] = fields.required(["domain", "dialplan"])?;
    held.create_dial_plan(domain, plan)?;
    Ok(Done::Written)
}

fn read_dial_rules(held: &Held, fields: &Fields) -> Result<Vec<Value>, Trouble> {
    held.tenant.pbx.check_dial_plan(Access::Read)?;
    let rules = match (fields.get("domain"), fields.get("dialplan")) {
        (Some(domain), Some(plan)) => held.rules_of_plan(domain, plan),
        (domain, _) => held.customers.dial_rules.of(domain).cloned().collect(),
    };
    let rows = rules
        .iter()
        .filter(|rule| fields.allows("dialplan", &rule.plan))
        .filter(|rule| fields.allows("matchrule", &rule.match_to))
        .map(dial_rule_row)
        .collect();
    Ok(rows)
}

/// Creates a rule for any source: v1 shows `match_from` and has no field to set it.
fn create_dial_rule(held: &mut Held, fields: &Fields) -> Result<Done, Trouble> {
    let [domain, plan, match_to] = fields.required(["domain", "dialplan", "matchrule"])?;
    let text = |name: &str| fields.get(name).unwrap_or_default();
    let responder = fields.get("responder").unwrap_or("sip:start@to-user");
    held.create_dial_rule(StoredDialRule {
        domain: domain.to_owned(),
        plan: plan.to_owned(),
        match_to: match_to.to_owned(),
        match_from: ANY.to_owned(),
        application: responder.strip_prefix(START).unwrap_or(responder).into(),
        to_user: text("to_user").to_owned(),
        to_host: text("to_host").to_owned(),
        to_scheme: text("to_scheme").to_owned(),
        enabled: fields.switch("enable").unwrap_or(true),
        description: text("plan_description").to_owned(),
    })?;
    Ok(Done::Written)
}

/// Deletes one rule, or without `matchrule` every rule of the plan, as the published entry
/// "delete dial plan" has it.
fn delete_dial_rules(held: &mut Held, fields: &Fields) -> Result<Done, Trouble> {
    let [domain, plan] = fields.required(["domain", "dialplan"])?;
    held.tenant.pbx.check_dial_plan(Access::Write)?;
    let match_to = fields.get("matchrule");
    let is_meant = |rule: &StoredDialRule| {
        rule.is_in(domain, plan) && match_to.is_none_or(|match_to| rule.match_to == match_to)
    };
    let rules = &mut held.customers.dial_rules;
    rules.remove(&Key::domain(domain), is_meant);
    Ok(Done::Written)
}

fn read_users(held: &Held, fields: &Fields) -> Done {
    let row = |user| user_row(user, &held.dial_plan_of(user));
    Done::Read(named_users(held, fields).map(row).collect())
}

/// Users selected by `domain` and `user`, or by `uid` or the owner names of the device calls.
fn named_users<'a>(
    held: &'a Held,
    fields: &'a Fields,
) -> impl Iterator<Item = &'a StoredSubscriber> {
    let of_uid = || Some(fields.get("uid")?.split_once('@')?.1);
    let domain = fields.get("domain").or_else(|| fields.get("owner_domain"));
    let users = held.customers.subscribers.of(domain.or_else(of_uid));
    users.filter(|stored| {
        let uid = format!("{}@{}", stored.user, stored.domain);
        fields.allows("domain", &stored.domain)
            && fields.allows("owner_domain", &stored.domain)
            && fields.allows("user", &stored.user)
            && fields.allows("owner", &stored.user)
            && fields.allows("uid", &uid)
    })
}

/// Creates a user without a device; the mailbox is there unless it is refused.
fn create_user(held: &mut Held, fields: &Fields) -> Result<Done, Trouble> {
    let [domain, user] = fields.required(["domain", "user"])?;
    let text = |name: &str| fields.get(name).unwrap_or_default().to_owned();
    let is_wanted = |name: &str| fields.switch(name).unwrap_or(true);
    held.create_user(StoredSubscriber {
        first_name: text("first_name"),
        last_name: text("last_name"),
        email: text("email"),
        srv_code: text("srv_code"),
        voicemail: is_wanted("vmail_provisioned") && is_wanted("vmail_enabled"),
        ..StoredSubscriber::system(domain, user, "")
    })?;
    Ok(Done::Written)
}

fn read_devices(held: &Held, fields: &Fields) -> Done {
    let rows = named_users(held, fields)
        .flat_map(|user| {
            let devices = user.devices.iter();
            devices.map(move |device| device_row(user, device))
        })
        .collect();
    Done::Read(rows)
}

fn read_answering_rules(held: &Held, fields: &Fields) -> Done {
    let rows = named_users(held, fields)
        .flat_map(|user| {
            let rules = user.answering_rules.iter();
            rules
                .filter(|rule| fields.allows("time_frame", &rule.time_frame))
                .map(move |rule| answering_rule_row(user, rule))
        })
        .collect();
    Done::Read(rows)
}

fn create_answering_rule(held: &mut Held, fields: &Fields) -> Result<Done, Trouble> {
    let (domain, user) = owner(fields)?;
    let [time_frame] = fields.required(["time_frame"])?;
    let mut rule = StoredAnsweringRule {
        time_frame: time_frame.to_owned(),
        ..StoredAnsweringRule::plain()
    };
    set_answering_rule(&mut rule, fields, held.tenant.pbx.enable_in_words);
    held.create_answering_rule(domain, user, rule)?;
    Ok(Done::Written)
}

fn update_answering_rule(held: &mut Held, fields: &Fields) -> Result<Done, Trouble> {
    let (domain, user) = owner(fields)?;
    let [time_frame] = fields.required(["time_frame"])?;
    let in_words = held.tenant.pbx.enable_in_words;
    held.change_answering_rule(domain, user, time_frame, |rule| {
        set_answering_rule(rule, fields, in_words);
    })?;
    Ok(Done::Written)
}

/// Domain and user of an answering rule, sent apart or as `uid`.
fn owner(fields: &Fields) -> Result<(&str, &str), Trouble> {
    if let Ok([domain, user]) = fields.required(["domain", "user"]) {
        return Ok((domain, user));
    }
    let [uid] = fields.required(["uid"])?;
    let parts = uid.split_once('@').map(|(user, domain)| (domain, user));
    parts.ok_or_else(|| Trouble::Invalid(vec!["uid"]))
}

/// Takes over the fields that were sent and leaves the others.
fn set_answering_rule(rule: &mut StoredAnsweringRule, fields: &Fields, in_words: bool) {
    if let Some(enabled) = fields.switch("enable") {
        rule.enabled = enabled && (!in_words || fields.get("enable") == Some("yes"));
    }
    if let Some(enabled) = fields.switch("for_control") {
        rule.forward_enabled = enabled;
    }
    if let Some(targets) = fields.get("for_parameters") {
        rule.forward_to = targets.split_whitespace().map(String::from).collect();
    }
}

fn read_numbers(held: &Held, fields: &Fields) -> Done {
    let is_in = |name: &str, domain: Option<&str>| {
        fields.get(name).is_none() || domain.is_some_and(|domain| fields.allows(name, domain))
    };
    let domain = fields.get("domain").or_else(|| fields.get("dest_domain"));
    let rows = held
        .customers
        .numbers
        .of(domain)
        .filter(|stored| is_in("domain", stored.domain.as_deref()))
        .filter(|stored| is_in("dest_domain", stored.domain.as_deref()))
        .map(number_row)
        .filter(|row| fields.allows("matchrule", row["matchrule"].as_str().unwrap_or_default()))
        .collect();
    Done::Read(rows)
}
