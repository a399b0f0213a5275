//! PBX domains and Route-by-ANI.
//!
//! Source: SkySwitch API reference, Domains and Route-by-ANI. PUT and DELETE take query
//! parameters and no body; rows have no id.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::controls::RuleEffect;
use crate::server::parameters::{Parameters, validation_failed};
use crate::server::state::Upstream;
use crate::telco::access::PbxCaller;
use crate::telco::listing::{Row, list_answer};
use crate::tenant::Tenant;
use crate::tenant::list_habits::PutReach;
use crate::tenant::rows::Key;
use crate::tenant::stored::{StoredDnis, StoredDomain, StoredRoute, specific_dnis};

/// Values of `application` in the reference; read in any case.
const APPLICATIONS: [&str; 3] = ["user", "device", "literal"];

/// GET `pbx/domains`; query `reseller`, `force_refresh`.
pub(crate) async fn list_domains(
    _: PbxCaller,
    State(upstream): State<Arc<Upstream>>,
    query: Parameters,
) -> Response {
    let held = upstream.held();
    let refreshed = query.count("force_refresh").is_some();
    let reseller = query.filled("reseller");
    let domains: Vec<_> = held
        .customers
        .domains
        .iter()
        .filter(|stored| refreshed || !stored.fresh)
        .filter(|stored| reseller.is_none_or(|wanted| stored.reseller == wanted))
        .collect();
    let row = |_, stored: &StoredDomain| Row {
        key: stored.domain.clone(),
        value: domain_json(stored),
    };
    let tenant = &held.tenant;
    let (shape, empty) = (tenant.domain_list_shape, tenant.empty_list);
    list_answer(&domains, row, shape, empty, &query)
}

/// GET `pbx/route-by-ani`; query `ani`, `dnis`, `domain`, all compared whole.
///
/// An empty or `*` filter on `dnis` selects the rules for any called number.
pub(crate) async fn list_routes(
    _: PbxCaller,
    State(upstream): State<Arc<Upstream>>,
    query: Parameters,
) -> Response {
    let held = upstream.held();
    let tenant = &held.tenant;
    let ani = query.filled("ani");
    let domain = query.filled("domain").filter(|_| tenant.routes_heed_domain);
    let dnis = query.get("dnis").map(specific_dnis);
    let routes: Vec<_> = held
        .visible_routes()
        .of(domain)
        .filter(|stored| ani.is_none_or(|wanted| stored.ani == wanted))
        .filter(|stored| dnis.is_none_or(|wanted| stored.dnis.specific() == wanted))
        .collect();
    let row = |position: usize, stored: &StoredRoute| Row {
        key: position.to_string(),
        value: route_json(stored, position, tenant),
    };
    list_answer(&routes, row, tenant.list_shape, tenant.empty_list, &query)
}

/// PUT `pbx/route-by-ani`: creates a rule or changes the one of the same key. 201, no body.
pub(crate) async fn put_route(
    _: PbxCaller,
    State(upstream): State<Arc<Upstream>>,
    query: Parameters,
) -> Response {
    let [ani, domain, destination] = match query.required(["ani", "domain", "destination"]) {
        Ok(values) => values,
        Err(refusal) => return *refusal,
    };
    let application = query.filled("application");
    let known = |name: &str| {
        APPLICATIONS
            .iter()
            .any(|application| application.eq_ignore_ascii_case(name))
    };
    if !application.is_none_or(known) {
        return validation_failed(&["application"]);
    }
    let mut held = upstream.changing();
    let Ok(home) = held.find_domain(domain) else {
        return not_found(&format!("The domain {domain} does not exist."));
    };

    let route = StoredRoute {
        ani: ani.to_owned(),
        dnis: query
            .get("dnis")
            .map_or(StoredDnis::Absent, StoredDnis::number),
        domain: home.domain.clone(),
        application: application.map(String::from),
        destination: destination.to_owned(),
        numeric: false,
    };
    let route = held.tenant.stores.apply(route);
    held.lag_reads();
    let held = &mut *held;
    let routes = &mut held.customers.routes;
    let key = Key::caller(&route.domain, &route.ani);
    let mut effect = RuleEffect {
        domain: route.domain.clone(),
        ani: route.ani.clone(),
        before: None,
        after: Some(route.destination.clone()),
    };
    let is_beside = |stored: &StoredRoute| {
        stored.ani == route.ani && stored.domain == route.domain && !stored.has_key_of(&route)
    };
    let log = &mut held.rule_log;
    match held.tenant.put_reach {
        PutReach::Alone => {}
        PutReach::RemovesOthers => log.extend(routes.remove(&key, is_beside).into_iter().map(gone)),
        PutReach::SendsOthers => {
            let goes_elsewhere =
                |stored: &StoredRoute| is_beside(stored) && stored.destination != route.destination;
            let send = |stored: &mut StoredRoute| RuleEffect {
                domain: stored.domain.clone(),
                ani: stored.ani.clone(),
                before: Some(stored.destination.clone()),
                after: {
                    stored.destination.clone_from(&route.destination);
                    Some(route.destination.clone())
                },
            };
            while let Some(effect) = routes.change(&key, goes_elsewhere, send) {
                log.push(effect);
            }
        }
    }
    // The key keeps its stored spelling, as a database update would leave it.
    let update = |stored: &mut StoredRoute| {
        stored.application.clone_from(&route.application);
        std::mem::replace(&mut stored.destination, route.destination.clone())
    };
    effect.before = routes.change(&key, |stored| stored.has_key_of(&route), update);
    if effect.before.is_none() {
        routes.push(route);
    }
    if effect.before != effect.after {
        log.push(effect);
    }
    StatusCode::CREATED.into_response()
}

/// DELETE `pbx/route-by-ani`: 204, or 404 when nothing matched.
pub(crate) async fn delete_route(
    _: PbxCaller,
    State(upstream): State<Arc<Upstream>>,
    query: Parameters,
) -> Response {
    let [ani, domain] = match query.required(["ani", "domain"]) {
        Ok(values) => values,
        Err(refusal) => return *refusal,
    };
    let mut held = upstream.changing();
    let whole_ani = held.tenant.delete_ignores_dnis
        || held.tenant.delete_without_dnis_removes_all && query.get("dnis").is_none();
    let reads_wildcards = held.tenant.delete_reads_wildcards;
    let given_dnis = query.get("dnis");
    let dnis = given_dnis.and_then(specific_dnis);
    let doomed = |stored: &StoredRoute| {
        let is_ani = stored.ani == ani || reads_wildcards && matches(ani, &stored.ani);
        let is_dnis = stored.dnis.specific() == dnis
            || whole_ani
            || reads_wildcards
                && given_dnis
                    .is_some_and(|given| matches(given, stored.dnis.specific().unwrap_or("*")));
        is_ani && is_dnis
    };
    let key = match reads_wildcards && ani.contains('*') {
        true => Key::domain(domain),
        false => Key::caller(domain, ani),
    };
    if !held.customers.routes.at(&key).any(doomed) {
        return not_found("The route-by-ani record was not found.");
    }
    held.lag_reads();
    let removed = held.customers.routes.remove(&key, doomed);
    held.rule_log.extend(removed.into_iter().map(gone));
    StatusCode::NO_CONTENT.into_response()
}

/// The end of a rule.
fn gone(stored: StoredRoute) -> RuleEffect {
    RuleEffect {
        domain: stored.domain,
        ani: stored.ani,
        before: Some(stored.destination),
        after: None,
    }
}

/// Whether a text with `*` matches what is stored.
fn matches(pattern: &str, stored: &str) -> bool {
    let Some((beginning, end)) = pattern.split_once('*') else {
        return false;
    };
    stored.starts_with(beginning) && stored.ends_with(end)
}

pub(crate) fn not_found(sentence: &str) -> Response {
    (StatusCode::NOT_FOUND, Json(json!({ "error": sentence }))).into_response()
}

fn domain_json(stored: &StoredDomain) -> Value {
    json!({
        "domain": stored.domain,
        "reseller": stored.reseller,
        "description": stored.description,
    })
}

fn route_json(stored: &StoredRoute, position: usize, tenant: &Tenant) -> Value {
    let mut row = json!({ "ani": number_json(&stored.ani, stored.numeric) });
    if let Some(domain) = tenant.row_domain.write(position, &stored.domain) {
        row["domain"] = domain.into();
    }
    tenant.row_destination.write(&mut row, &stored.destination);
    match &stored.dnis {
        StoredDnis::Absent => {}
        StoredDnis::Null => row["dnis"] = Value::Null,
        StoredDnis::Number(text) => row["dnis"] = number_json(text, stored.numeric),
    }
    if let Some(application) = &stored.application {
        row["application"] = Value::from(application.as_str());
    }
    row
}

/// The text, or an integer where that is wanted and loses nothing.
fn number_json(text: &str, numeric: bool) -> Value {
    match text.parse::<u64>() {
        Ok(number) if numeric && number.to_string() == text => Value::from(number),
        _ => Value::from(text),
    }
}
