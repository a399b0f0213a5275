//! The second generation: REST (NetSapiens API v2).

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::super::call::Call;
use super::super::upstream::Upstream;
use super::answering_rules::AnsweringRule;
use super::pieces::{PIECE, whole_list};
use super::records::{
    DIAL_PLAN, DialRule, PbxUser, has_begun, is_about, is_enabled, is_limit, records, switch, text,
    texts,
};
use skyswitch_domain::error::{Code, Error, Result};
use skyswitch_domain::{Extension, PbxDomain, ROUTE_BY_ANI, SetupPiece};

/// How version 44 spells the match fields; version 45 writes `dial-`.
const OLD_TO: &str = "dail-rule-matching-to-uri";
const NEW_TO: &str = "dial-rule-matching-to-uri";
const OLD_FROM: &str = "dail-rule-matching-from-uri";
const NEW_FROM: &str = "dial-rule-matching-from-uri";
/// The first version with the new spelling.
const FIRST_WITH_DIAL: u32 = 45;

pub(super) fn calls_about(domain: &PbxDomain) -> Vec<(&'static str, Call)> {
    vec![
        ("the version of the PBX API", Call::get(["v2", "version"])),
        ("the domain in the PBX API", Call::get(path(domain, &[]))),
    ]
}

pub(super) fn calls_about_user(domain: &PbxDomain, user: &Extension) -> Vec<(&'static str, Call)> {
    let of_user = |what| Call::get(path(domain, &["users", user.as_str(), what]));
    vec![
        (
            "the answering rules of the Route by ANI user",
            of_user("answerrules"),
        ),
        ("the devices of the Route by ANI user", of_user("devices")),
    ]
}

pub(super) fn user_call(domain: &PbxDomain, user: &Extension) -> Call {
    Call::get(path(domain, &["users", user.as_str()]))
}

pub(super) fn plan_call(domain: &PbxDomain, plan: &str) -> Call {
    Call::get(path(domain, &["dialplans", plan, "dialrules"]))
}

pub(super) async fn has_domain(upstream: &Upstream, domain: &PbxDomain) -> Result<bool> {
    let found = read(upstream, path(domain, &[]), "the domain").await?;
    Ok(found
        .iter()
        .any(|record| text(record, &["domain"]).is_some_and(|name| domain.is(&name))))
}

pub(super) async fn user(
    upstream: &Upstream,
    domain: &PbxDomain,
    user: &Extension,
) -> Result<Option<PbxUser>> {
    let found = read(
        upstream,
        path(domain, &["users", user.as_str()]),
        "the user",
    )
    .await?;
    let record = found
        .iter()
        .find(|record| is_about(record, &["user"], user.as_str()));
    Ok(record.map(|record| PbxUser {
        user: user.to_string(),
        voicemail: switch(record, &["voicemail-enabled"]),
        dial_plan: text(record, DIAL_PLAN),
    }))
}

pub(super) async fn devices(
    upstream: &Upstream,
    domain: &PbxDomain,
    user: Option<&Extension>,
) -> Result<Vec<String>> {
    let address = match user {
        Some(user) => path(domain, &["users", user.as_str(), "devices"]),
        None => path(domain, &["devices"]),
    };
    let found = match (user, read_all(upstream, address, "the devices").await) {
        (Some(_), Err(error)) if error.code() == Code::NotFound => Vec::new(),
        // Absent before version 45: an unknown address, not a domain without devices.
        (_, found) => found?,
    };
    let mut names: Vec<String> = found
        .iter()
        .filter_map(|record| text(record, &["device"]))
        .collect();
    names.sort();
    Ok(names)
}

pub(super) async fn answering_rules(
    upstream: &Upstream,
    domain: &PbxDomain,
    user: &Extension,
) -> Result<Vec<AnsweringRule>> {
    let address = path(domain, &["users", user.as_str(), "answerrules"]);
    let found = read(upstream, address, "the answering rules").await?;
    Ok(found.iter().map(answering_rule).collect())
}

/// Fields that forward some calls, and which, for people.
const CONDITIONS: [(&str, &str); 7] = [
    ("forward-on-active", "while on another call"),
    ("forward-on-busy", "when busy"),
    ("forward-no-answer", "when nobody answers"),
    ("forward-when-unregistered", "when no phone is registered"),
    ("forward-on-dnd", "when not to be disturbed"),
    ("forward-on-spam-call", "when taken for spam"),
    ("simultaneous-ring", "beside the own phones"),
];

fn answering_rule(record: &Map<String, Value>) -> AnsweringRule {
    let targets = |name: &str| {
        let forward = record.get(name).and_then(Value::as_object);
        let forward = forward.filter(|forward| switch(forward, &["enabled"]).unwrap_or(false));
        forward.map_or(Vec::new(), |forward| texts(forward.get("parameters")))
    };
    let at_times = CONDITIONS.iter().flat_map(|(name, when)| {
        let targets = targets(name).into_iter();
        targets.map(|target| (target, *when))
    });
    AnsweringRule {
        time_frame: text(record, &["time-frame"]).unwrap_or_default(),
        enabled: is_enabled(record, &["enabled"]),
        forwards_to: targets("forward-always"),
        forwards_at_times: at_times.collect(),
    }
}

pub(super) async fn dial_rules(
    upstream: &Upstream,
    domain: &PbxDomain,
    plan: &str,
) -> Result<Vec<DialRule>> {
    let found = rule_records(upstream, domain, plan).await?;
    Ok(found.iter().map(dial_rule).collect())
}

/// Whether this host spells the match fields the old way: told by the rules that
/// it shows, else by its version.
pub(super) async fn spells_dail(upstream: &Upstream, domain: &PbxDomain) -> Result<bool> {
    let found = rule_records(upstream, domain, domain.as_str()).await?;
    let has = |field: &str| found.iter().any(|record| record.contains_key(field));
    match (has(OLD_TO), has(NEW_TO)) {
        (true, _) => Ok(true),
        (false, true) => Ok(false),
        (false, false) => Ok(major_version(upstream).await? < FIRST_WITH_DIAL),
    }
}

/// The major version of the host, such as 44, which the token answer tells or
/// the host when asked (NetSapiens API v2, Tokens and Version).
async fn major_version(upstream: &Upstream) -> Result<u32> {
    let major = |text: &str| {
        let first = text
            .split(|c: char| !c.is_ascii_digit())
            .find(|part| !part.is_empty());
        first.and_then(|digits| digits.parse().ok())
    };
    if let Some(version) = upstream.token(false).await?.api_version().and_then(major) {
        return Ok(version);
    }
    let address = ["v2", "version"].map(str::to_owned).to_vec();
    let found = read(upstream, address, "its version").await?;
    let told = found
        .iter()
        .find_map(|record| text(record, &["apiversion", "version"]));
    told.as_deref().and_then(major).ok_or_else(|| {
        Error::new(
            Code::UpstreamRejected,
            "the PBX API does not tell its version, and how it spells the fields of a dial rule depends on that",
            "Have SkySwitch support create the rule. Nothing was sent.",
        )
    })
}

async fn rule_records(
    upstream: &Upstream,
    domain: &PbxDomain,
    plan: &str,
) -> Result<Vec<Map<String, Value>>> {
    let plan = ["dialplans", plan, "dialrules"];
    // "Not found" may mean that this host does not show dial plans at all, and
    // must not be taken for a plan without rules.
    read_all(upstream, path(domain, &plan), "the dial translation rules").await
}

fn dial_rule(record: &Map<String, Value>) -> DialRule {
    let is_limiting = |name: &str| {
        ["dial-rule-matching-", "dail-rule-matching-"]
            .iter()
            .any(|start| name.starts_with(start))
            && ![NEW_TO, NEW_FROM, OLD_TO, OLD_FROM].contains(&name)
    };
    let is_limited = record.iter().any(|(name, value)| {
        let has_begun = name.ends_with("-start-date") && has_begun(value);
        is_limiting(name) && is_limit(value) && !has_begun
    });
    DialRule {
        matches_to: text(record, &[NEW_TO, OLD_TO]).unwrap_or_default(),
        matches_from: text(record, &[NEW_FROM, OLD_FROM]).unwrap_or_default(),
        // Some examples use the first generation's names.
        application: text(record, &["dial-rule-application", "responder"]).unwrap_or_default(),
        to_user: text(
            record,
            &["dial-rule-translation-destination-user", "to_user"],
        )
        .unwrap_or_default(),
        to_host: text(
            record,
            &["dial-rule-translation-destination-host", "to_host"],
        )
        .unwrap_or_default(),
        enabled: is_enabled(record, &["enabled"]),
        is_limited,
    }
}

/// The request that makes a piece.
pub(super) fn making(
    domain: &PbxDomain,
    piece: &SetupPiece,
    replaces: bool,
    old_spelling: bool,
) -> Option<Call> {
    let (method, address, body) = match piece {
        SetupPiece::PbxDomain { description } => (
            Method::POST,
            vec!["v2".to_owned(), "domains".to_owned()],
            json!({
                "synchronous": "yes",
                "domain": domain.as_str(),
                "reseller": domain.reseller().unwrap_or_default(),
                "description": description.as_deref().unwrap_or(domain.as_str()),
            }),
        ),
        SetupPiece::AniUser { extension } => (
            Method::POST,
            path(domain, &["users"]),
            json!({
                "synchronous": "yes",
                "user": extension.as_str(),
                "name-first-name": "Route",
                "name-last-name": "By ANI",
                "email-address": format!("noreply@{domain}"),
                "user-scope": "No Portal",
                "voicemail-enabled": "no",
                "directory-announce-in-dial-by-name-enabled": "no",
                "directory-name-visible-in-list-enabled": "no",
                "service-code": "system-user",
            }),
        ),
        SetupPiece::ForwardAlways { extension } => {
            let rules = ["users", extension.as_str(), "answerrules"];
            let (method, address) = match replaces {
                true => {
                    let rule = [&rules[..], &["*"]].concat();
                    (Method::PUT, path(domain, &rule))
                }
                false => (Method::POST, path(domain, &rules)),
            };
            let forward = json!({ "enabled": "yes", "parameters": [ROUTE_BY_ANI] });
            let body = json!({
                "synchronous": "yes", "time-frame": "*", "enabled": "yes", "forward-always": forward,
            });
            (method, address, body)
        }
        SetupPiece::FallbackRule { to, is_queue } => {
            let (to_field, from_field) = match old_spelling {
                true => (OLD_TO, OLD_FROM),
                false => (NEW_TO, NEW_FROM),
            };
            let mut body = json!({
                "synchronous": "yes",
                "enabled": "yes",
                "dial-rule-application": match is_queue {
                    true => "to-callqueue",
                    false => "to-user",
                },
                "dial-rule-translation-destination-scheme": "sip:",
                "dial-rule-translation-destination-user": to.as_str(),
                "dial-rule-translation-destination-host": domain.as_str(),
                "dial-rule-description": "Fallback for unmatched ANI",
            });
            body[to_field] = ROUTE_BY_ANI.into();
            body[from_field] = "*".into();
            let plan = ["dialplans", domain.as_str(), "dialrules"];
            (Method::POST, path(domain, &plan), body)
        }
        // The domain is made with its dial plan and system user.
        SetupPiece::DialPlan
        | SetupPiece::DefaultChain
        | SetupPiece::DomainUser
        | SetupPiece::DidRoute { .. } => return None,
    };
    Some(Call::json(method, address, body))
}

/// Reads a whole list, piece by piece.
async fn read_all(
    upstream: &Upstream,
    path: Vec<String>,
    what: &str,
) -> Result<Vec<Map<String, Value>>> {
    let piece = |start: usize| {
        Call::get(path.clone())
            .with("start", start.to_string())
            .with("limit", PIECE.to_string())
    };
    whole_list(upstream, piece, what).await
}

/// A read in which "not found" means that nothing is there.
async fn read(
    upstream: &Upstream,
    path: Vec<String>,
    what: &str,
) -> Result<Vec<Map<String, Value>>> {
    match upstream.read(Call::get(path)).await {
        Err(error) if error.code() == Code::NotFound => Ok(Vec::new()),
        answer => records(&answer?, what),
    }
}

fn path(domain: &PbxDomain, rest: &[&str]) -> Vec<String> {
    ["v2", "domains", domain.as_str()]
        .iter()
        .chain(rest)
        .map(|part| (*part).to_owned())
        .collect()
}
