//! The first generation: one address, object and action in a form (NetSapiens
//! API v1; SkySwitch "PBX API"). Reads of what is absent answer `[]`.

use serde_json::{Map, Value};

use super::super::call::Call;
use super::super::upstream::Upstream;
use super::answering_rules::AnsweringRule;
use super::pieces::{PIECE, whole_list};
use super::records::{
    DIAL_PLAN, DialRule, PbxUser, has_begun, is_about, is_enabled, is_limit, records, switch, text,
    texts,
};
use skyswitch_domain::error::Result;
use skyswitch_domain::{Extension, PbxDomain, ROUTE_BY_ANI, SetupPiece};

type Fields = Vec<(&'static str, String)>;

pub(super) fn calls_about(domain: &PbxDomain) -> Vec<(&'static str, Call)> {
    let of_domain = || vec![("domain", domain.to_string())];
    vec![
        (
            "the domain in the PBX API",
            call("domain", "read", of_domain()),
        ),
        (
            "the dial plans of the customer",
            call("dialplan", "read", of_domain()),
        ),
    ]
}

pub(super) fn calls_about_user(domain: &PbxDomain, user: &Extension) -> Vec<(&'static str, Call)> {
    let of_user = || vec![("domain", domain.to_string()), ("user", user.to_string())];
    vec![
        (
            "the answering rules of the Route by ANI user",
            call("answerrule", "read", of_user()),
        ),
        (
            "the devices of the Route by ANI user",
            call("device", "read", of_user()),
        ),
    ]
}

pub(super) fn user_call(domain: &PbxDomain, user: &Extension) -> Call {
    let fields = vec![("domain", domain.to_string()), ("user", user.to_string())];
    call("subscriber", "read", fields)
}

pub(super) fn plan_call(domain: &PbxDomain, plan: &str) -> Call {
    let fields = vec![
        ("domain", domain.to_string()),
        ("dialplan", plan.to_owned()),
    ];
    call("dialrule", "read", fields)
}

pub(super) async fn has_domain(upstream: &Upstream, domain: &PbxDomain) -> Result<bool> {
    let found = read(upstream, "domain", vec![("domain", domain.to_string())]).await?;
    Ok(found
        .iter()
        .any(|record| text(record, &["domain"]).is_some_and(|name| domain.is(&name))))
}

pub(super) async fn has_dial_plan(upstream: &Upstream, domain: &PbxDomain) -> Result<bool> {
    let fields = vec![
        ("domain", domain.to_string()),
        ("dialplan", domain.to_string()),
    ];
    let found = read(upstream, "dialplan", fields).await?;
    Ok(found
        .iter()
        .any(|record| text(record, &["dialplan", "plan"]).is_none_or(|name| domain.is(&name))))
}

pub(super) async fn user(
    upstream: &Upstream,
    domain: &PbxDomain,
    user: &Extension,
) -> Result<Option<PbxUser>> {
    let answer = upstream.read(user_call(domain, user)).await?;
    let found = records(&answer, "subscriber")?;
    let record = found
        .iter()
        .find(|record| text(record, &["user", "uid"]).is_some_and(|id| user.is(id_of(&id))));
    Ok(record.map(|record| PbxUser {
        user: user.to_string(),
        voicemail: switch(record, &["vmail_enabled", "vmail_provisioned"]),
        dial_plan: text(record, DIAL_PLAN),
    }))
}

pub(super) async fn devices(
    upstream: &Upstream,
    domain: &PbxDomain,
    user: Option<&Extension>,
) -> Result<Vec<String>> {
    let mut fields = vec![("domain", domain.to_string())];
    fields.extend(user.map(|user| ("user", user.to_string())));
    let found = read_all(upstream, "device", fields).await?;
    let mut names: Vec<String> = found
        .iter()
        .filter(|record| {
            user.is_none_or(|user| {
                is_about(record, &["subscriber_name", "owner", "user"], user.as_str())
            })
        })
        .filter_map(|record| text(record, &["aor", "device", "mac"]))
        .collect();
    names.sort();
    Ok(names)
}

pub(super) async fn answering_rules(
    upstream: &Upstream,
    domain: &PbxDomain,
    user: &Extension,
) -> Result<Vec<AnsweringRule>> {
    let fields = vec![("domain", domain.to_string()), ("user", user.to_string())];
    let found = read_all(upstream, "answerrule", fields).await?;
    let of_user = |record: &&Map<String, Value>| {
        is_about(record, &["domain"], domain.as_str())
            && text(record, &["user"]).is_none_or(|found| user.is(id_of(&found)))
    };
    Ok(found.iter().filter(of_user).map(answering_rule).collect())
}

/// Beginnings of the fields that forward some calls, and which, for people.
const CONDITIONS: [(&str, &str); 5] = [
    ("foa", "while on another call"),
    ("fbu", "when busy"),
    ("fna", "when nobody answers"),
    ("fnr", "when no phone is registered"),
    ("sim", "beside the own phones"),
];

fn answering_rule(record: &Map<String, Value>) -> AnsweringRule {
    let targets = |name: &str| match switch(record, &[&format!("{name}_control")]) {
        Some(true) => texts(record.get(format!("{name}_parameters").as_str())),
        _ => Vec::new(),
    };
    let at_times = CONDITIONS.iter().flat_map(|(name, when)| {
        let targets = targets(name).into_iter();
        targets.map(|target| (target, *when))
    });
    AnsweringRule {
        time_frame: text(record, &["time_frame"]).unwrap_or_default(),
        enabled: is_enabled(record, &["enable", "enabled"]),
        forwards_to: targets("for"),
        forwards_at_times: at_times.collect(),
    }
}

pub(super) async fn dial_rules(
    upstream: &Upstream,
    domain: &PbxDomain,
    plan: &str,
) -> Result<Vec<DialRule>> {
    let fields = vec![
        ("domain", domain.to_string()),
        ("dialplan", plan.to_owned()),
    ];
    let found = read_all(upstream, "dialrule", fields).await?;
    let of_domain = |record: &&Map<String, Value>| {
        is_about(record, &["domain"], domain.as_str()) && is_about(record, &["dialplan"], plan)
    };
    Ok(found.iter().filter(of_domain).map(dial_rule).collect())
}

fn dial_rule(record: &Map<String, Value>) -> DialRule {
    let limits = ["dow", "tod_from", "tod_to", "valid_from", "valid_to"];
    let is_set = |name: &&str| {
        let is_limiting =
            |value: &Value| is_limit(value) && !(*name == "valid_from" && has_begun(value));
        record.get(*name).is_some_and(is_limiting)
    };
    DialRule {
        matches_to: text(record, &["matchrule", "match_to"]).unwrap_or_default(),
        matches_from: text(record, &["match_from"]).unwrap_or_default(),
        application: text(record, &["responder"]).unwrap_or_default(),
        to_user: text(record, &["to_user"]).unwrap_or_default(),
        to_host: text(record, &["to_host"]).unwrap_or_default(),
        enabled: is_enabled(record, &["enable", "enabled"]),
        is_limited: limits.iter().any(is_set),
    }
}

/// The request that makes a piece.
pub(super) fn making(domain: &PbxDomain, piece: &SetupPiece, replaces: bool) -> Option<Call> {
    let name = domain.to_string();
    let (object, action, fields): (_, _, Fields) = match piece {
        SetupPiece::PbxDomain { description } => (
            "domain",
            "create",
            vec![
                ("domain", name.clone()),
                (
                    "territory",
                    domain.reseller().unwrap_or_default().to_owned(),
                ),
                ("description", description.clone().unwrap_or(name)),
            ],
        ),
        SetupPiece::DialPlan => (
            "dialplan",
            "create",
            vec![
                ("domain", name.clone()),
                ("dialplan", name.clone()),
                ("description", format!("Dial plan of {name}")),
            ],
        ),
        SetupPiece::DefaultChain => (
            "dialrule",
            "create",
            vec![
                ("domain", name.clone()),
                ("dialplan", name),
                ("matchrule", "*".to_owned()),
                ("responder", "<Cloud PBX Features>".to_owned()),
                ("to_scheme", "[*]".to_owned()),
                ("to_user", "[*]".to_owned()),
                ("to_host", "[*]".to_owned()),
                ("plan_description", "Chain to Default Table".to_owned()),
            ],
        ),
        SetupPiece::DomainUser => (
            "subscriber",
            "create",
            system_user(domain, "domain", ("Domain", "User")),
        ),
        SetupPiece::AniUser { extension } => (
            "subscriber",
            "create",
            system_user(domain, extension.as_str(), ("Route", "By ANI")),
        ),
        SetupPiece::ForwardAlways { extension } => (
            "answerrule",
            if replaces { "update" } else { "create" },
            vec![
                ("uid", format!("{extension}@{domain}")),
                ("domain", name),
                ("user", extension.to_string()),
                ("time_frame", "*".to_owned()),
                ("enable", "yes".to_owned()),
                ("order", "99".to_owned()),
                ("priority", "0".to_owned()),
                ("for_control", "e".to_owned()),
                ("for_parameters", ROUTE_BY_ANI.to_owned()),
            ],
        ),
        SetupPiece::FallbackRule { to, is_queue } => (
            "dialrule",
            "create",
            vec![
                ("domain", name.clone()),
                ("dialplan", name.clone()),
                ("matchrule", ROUTE_BY_ANI.to_owned()),
                (
                    "responder",
                    match is_queue {
                        true => "sip:start@call-queuing".to_owned(),
                        false => "sip:start@to-user".to_owned(),
                    },
                ),
                ("to_scheme", "[*]".to_owned()),
                ("to_user", to.to_string()),
                ("to_host", name),
                ("plan_description", "Fallback for unmatched ANI".to_owned()),
            ],
        ),
        SetupPiece::DidRoute { .. } => return None,
    };
    Some(call(object, action, fields))
}

/// A user without device and voicemail, hidden from the directory.
fn system_user(domain: &PbxDomain, user: &str, (first, last): (&str, &str)) -> Fields {
    vec![
        ("domain", domain.to_string()),
        ("user", user.to_owned()),
        ("first_name", first.to_owned()),
        ("last_name", last.to_owned()),
        ("scope", "No Portal".to_owned()),
        ("dial_plan", domain.to_string()),
        ("vmail_provisioned", "no".to_owned()),
        ("vmail_enabled", "no".to_owned()),
        ("dir_anc", "no".to_owned()),
        ("dir_list", "no".to_owned()),
        ("srv_code", "system-user".to_owned()),
    ]
}

/// Reads a whole list, piece by piece.
async fn read_all(
    upstream: &Upstream,
    object: &'static str,
    fields: Fields,
) -> Result<Vec<Map<String, Value>>> {
    let piece = |start: usize| {
        let mut fields = fields.clone();
        fields.push(("start", start.to_string()));
        fields.push(("limit", PIECE.to_string()));
        call(object, "read", fields)
    };
    whole_list(upstream, piece, object).await
}

/// Reads a record that is named.
async fn read(
    upstream: &Upstream,
    object: &'static str,
    fields: Fields,
) -> Result<Vec<Map<String, Value>>> {
    let answer = upstream.read(call(object, "read", fields)).await?;
    records(&answer, object)
}

fn call(object: &'static str, action: &'static str, fields: Fields) -> Call {
    let mut form = vec![
        ("object", object.to_owned()),
        ("action", action.to_owned()),
        // XML otherwise.
        ("format", "json".to_owned()),
    ];
    form.extend(fields);
    Call::form([""], form)
}

/// `9000` in `9000@acme.12345.service`.
fn id_of(uid: &str) -> &str {
    uid.split('@').next().unwrap_or(uid)
}
