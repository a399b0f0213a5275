//! `phone-numbers`: the inventory of the account and the route of one number.
//!
//! Source: SkySwitch API reference, Phone numbers and Phone number route. One path segment parts
//! the route from calls that buy and disconnect numbers; these act here too, so that tests can
//! prove that a client never sends them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::ACCOUNT_ID;
use crate::server::parameters::{Parameters, validation_failed};
use crate::server::state::{Held, Upstream};
use crate::telco::access::{NumberCaller, RoutingCaller};
use crate::telco::listing::{Row, list_answer};
use crate::telco::route_by_ani::not_found;
use crate::tenant::customer::StoredNumber;
use crate::tenant::demo::RESELLER;
use crate::tenant::rows::Key;

/// Values of `type` in the reference.
const ROUTE_TYPES: [&str; 7] = [
    "pbx",
    "ifax",
    "gateway",
    "forward",
    "fax-ata",
    "conference",
    "contact-center",
];

/// GET `phone-numbers`; query `phone_number` (part of it), `phone_numbers`, `npa`, pages.
pub(crate) async fn list_numbers(
    _: NumberCaller,
    State(upstream): State<Arc<Upstream>>,
    query: Parameters,
) -> Response {
    let held = upstream.held();
    let part = query.filled("phone_number");
    let npa = query.filled("npa");
    let wanted: Option<Vec<&str>> = query
        .filled("phone_numbers")
        .map(|list| list.split(',').map(str::trim).collect());
    let numbers: Vec<&str> = held
        .customers
        .numbers
        .iter()
        .map(|stored| stored.number.as_str())
        .filter(|number| part.is_none_or(|part| number.contains(part)))
        .filter(|number| npa.is_none_or(|npa| number.get(1..4) == Some(npa)))
        .filter(|number| wanted.as_ref().is_none_or(|list| list.contains(number)))
        .collect();
    let row = |_, number: &str| Row {
        key: number.to_owned(),
        value: inventory_json(number),
    };
    let tenant = &held.tenant;
    let (shape, empty) = (tenant.number_list_shape, tenant.empty_list);
    list_answer(&numbers, row, shape, empty, &query)
}

/// GET `phone-numbers/{n}/route`: 200 with type and route, 404 for a number without one.
pub(crate) async fn show_route(
    _: RoutingCaller,
    State(upstream): State<Arc<Upstream>>,
    Path((_, number)): Path<(String, String)>,
) -> Response {
    if !is_number(&number) {
        return validation_failed(&["phone_number"]);
    }
    let held = upstream.held();
    let mut numbers = held.visible_numbers().at(&Key::number(&number));
    match numbers.find(|stored| stored.number == number) {
        None => unknown_number(&number),
        Some(stored) if stored.route.is_null() => not_found("The phone number has no route."),
        Some(stored) if held.tenant.number_routes_read_as_written => {
            Json(stored.route.clone()).into_response()
        }
        Some(stored) => Json(read_form(&stored.route)).into_response(),
    }
}

/// A route as GET shows it, which is not for every kind the form that PUT takes.
fn read_form(written: &Value) -> Value {
    let mut read = written.clone();
    let route = &mut read["route"];
    match (written["type"].as_str(), route["treatment"].as_str()) {
        (Some("ifax"), _) => read["route"] = json!([route.take()]),
        (Some("fax-ata"), _) => read["type"] = "pbx".into(),
        (_, Some("conference")) => {
            route["treatment"] = "user".into();
            if let Some(fields) = route.as_object_mut() {
                fields.remove("to_host");
            }
        }
        (_, Some("trunk")) => {
            let name = route["sip_trunk"].as_str().unwrap_or_default();
            route["sip_trunk"] = format!("{name}_trunk").into();
        }
        _ => {}
    }
    if read["route"]["caller_id_prefix"] == "" {
        read["route"]["caller_id_prefix"] = "[*]".into();
    }
    read
}

/// PUT `phone-numbers/{n}/route`: replaces the whole route, whatever the old one held.
///
/// The destination need not exist; nothing in the reference says that it is looked up.
pub(crate) async fn put_route(
    _: RoutingCaller,
    State(upstream): State<Arc<Upstream>>,
    Path((_, number)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    if !is_number(&number) {
        return validation_failed(&["phone_number"]);
    }
    let route = match read_route(&body) {
        Ok(route) => route,
        Err(field) => return validation_failed(&[field]),
    };
    let mut held = upstream.changing();
    held.lag_reads();
    let set = |stored: &mut StoredNumber| {
        stored.domain = domain_of(&route).or_else(|| stored.domain.take());
        stored.route = route.clone();
    };
    match change(&mut held, &number, set) {
        Some(()) => Json(route).into_response(),
        None => unknown_number(&number),
    }
}

/// DELETE `phone-numbers/{n}/route`: takes the number out of service. 204.
pub(crate) async fn delete_route(
    _: RoutingCaller,
    State(upstream): State<Arc<Upstream>>,
    Path((_, number)): Path<(String, String)>,
) -> Response {
    if !is_number(&number) {
        return validation_failed(&["phone_number"]);
    }
    let mut held = upstream.changing();
    let clear = |stored: &mut StoredNumber| {
        stored.domain = None;
        stored.route = Value::Null;
    };
    match change(&mut held, &number, clear) {
        Some(()) => StatusCode::NO_CONTENT.into_response(),
        None => unknown_number(&number),
    }
}

fn change(held: &mut Held, number: &str, change: impl FnOnce(&mut StoredNumber)) -> Option<()> {
    let numbers = &mut held.customers.numbers;
    let is_meant = |stored: &StoredNumber| stored.number == number;
    numbers.change(&Key::number(number), is_meant, change)
}

/// PUT `phone-numbers/{n}`: buys the number.
pub(crate) async fn buy(
    _: NumberCaller,
    State(upstream): State<Arc<Upstream>>,
    Path((_, number)): Path<(String, String)>,
) -> Response {
    if !is_number(&number) {
        return validation_failed(&["phone_number"]);
    }
    add_to_stock(&upstream, &number);
    (StatusCode::CREATED, Json(inventory_json(&number))).into_response()
}

/// POST `phone-numbers`: buys the number named in the body.
pub(crate) async fn buy_named(
    _: NumberCaller,
    State(upstream): State<Arc<Upstream>>,
    body: Bytes,
) -> Response {
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    match asked["phone_number"].as_str() {
        Some(number) if is_number(number) => {
            add_to_stock(&upstream, number);
            (StatusCode::CREATED, Json(inventory_json(number))).into_response()
        }
        _ => validation_failed(&["phone_number"]),
    }
}

/// DELETE `phone-numbers/{n}`: disconnects the number for good. 204.
pub(crate) async fn disconnect(
    _: NumberCaller,
    State(upstream): State<Arc<Upstream>>,
    Path((_, number)): Path<(String, String)>,
) -> Response {
    let mut held = upstream.changing();
    let numbers = &mut held.customers.numbers;
    let is_meant = |stored: &StoredNumber| stored.number == number;
    if numbers.remove(&Key::number(&number), is_meant).is_empty() {
        return unknown_number(&number);
    }
    StatusCode::NO_CONTENT.into_response()
}

fn add_to_stock(upstream: &Upstream, number: &str) {
    let mut held = upstream.changing();
    let numbers = &mut held.customers.numbers;
    let is_known = |stored: &StoredNumber| stored.number == number;
    if !numbers.at(&Key::number(number)).any(is_known) {
        numbers.push(StoredNumber::unassigned(number, RESELLER));
    }
}

fn is_number(text: &str) -> bool {
    text.len() == 11 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn unknown_number(number: &str) -> Response {
    not_found(&format!("The phone number {number} was not found."))
}

/// The body as `{"type","route"}`, or the field that is wrong.
fn read_route(body: &[u8]) -> Result<Value, &'static str> {
    let asked: Value = serde_json::from_slice(body).map_err(|_| "type")?;
    let kind = asked["type"].as_str().unwrap_or_default();
    if !ROUTE_TYPES.contains(&kind) {
        return Err("type");
    }
    let route = &asked["route"];
    if !route.is_object() {
        return Err("route");
    }
    if kind == "pbx" && !route["treatment"].is_string() {
        return Err("treatment");
    }
    if kind == "pbx" && route["treatment"] == "user" {
        let subscriber = route["subscriber"].as_str().unwrap_or_default();
        if !is_subscriber(subscriber) {
            return Err("subscriber");
        }
    }
    Ok(json!({ "type": kind, "route": route }))
}

/// `user@domain`, the domain with a dot.
fn is_subscriber(text: &str) -> bool {
    text.split_once('@').is_some_and(|(user, domain)| {
        let plain = |part: &str| !part.is_empty() && !part.contains(['@', ' ']);
        plain(user) && plain(domain) && domain.contains('.')
    })
}

/// The domain a route takes its number to.
fn domain_of(route: &Value) -> Option<String> {
    let route = &route["route"];
    let subscriber = route["subscriber"].as_str();
    let host = subscriber.and_then(|subscriber| subscriber.split_once('@'));
    host.map(|(_, domain)| domain)
        .or_else(|| route["domain"].as_str())
        .map(String::from)
}

fn inventory_json(number: &str) -> Value {
    json!({
        "phone_number": number,
        "account_id": ACCOUNT_ID,
        "base_origin": "stock",
        "origin": "stock",
        "type": "local",
        "tier": "1",
        "carrier_id": 7,
        "rate_center": "GRAND RAPIDS",
        "state": "MI",
        "activated_at": "2025-03-04 09:30:00",
        "description": "",
        "t38": 0,
        "on_network": "1",
    })
}
