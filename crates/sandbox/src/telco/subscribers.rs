//! `pbx/subscribers` and `pbx/phone-numbers`: the users and the numbers of a PBX domain.
//!
//! Source: SkySwitch API reference, Subscribers and PBX phone numbers. Caller ids are 10 digits
//! there, telephone numbers 11.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use crate::server::parameters::Parameters;
use crate::server::state::Upstream;
use crate::telco::access::PbxCaller;
use crate::telco::listing::{Row, list_answer};
use crate::tenant::ListShape;
use crate::tenant::customer::{StoredNumber, StoredSubscriber};
use crate::tenant::customers::Customers;
use crate::tenant::rows::Key;

/// GET `pbx/subscribers`; query `domain`, `filter`, `user`, `login`, all optional.
///
/// Without `domain` one extension means all users that have it, as in any map by extension.
pub(crate) async fn list_subscribers(
    _: PbxCaller,
    State(upstream): State<Arc<Upstream>>,
    query: Parameters,
) -> Response {
    let held = upstream.held();
    let tenant = &held.tenant;
    let domain = query.filled("domain");
    let user = query.filled("user");
    let login = query.filled("login");
    let filter = query.filled("filter");
    let filter = filter.unwrap_or(tenant.subscriber_default_filter);
    let users: Vec<_> = held
        .customers
        .subscribers
        .of(domain)
        .filter(|stored| user.is_none_or(|wanted| stored.user == wanted))
        .filter(|stored| login.is_none_or(|wanted| login_of(stored).eq_ignore_ascii_case(wanted)))
        .filter(|stored| {
            passes_filter(
                &stored.srv_code,
                filter,
                tenant.subscriber_filter_hides_system_users,
            )
        })
        .collect();
    let row = |position, stored: &StoredSubscriber| {
        let mut value = subscriber_json(stored, caller_id(&held.customers, &stored.domain));
        value["domain"] = tenant.row_domain.write(position, &stored.domain).into();
        Row {
            key: stored.user.clone(),
            value,
        }
    };
    let (shape, empty) = (tenant.subscriber_list_shape, tenant.empty_list);
    list_answer(&users, row, shape, empty, &query)
}

/// GET `pbx/phone-numbers`; query `domain` (required) and `user`.
pub(crate) async fn list_domain_numbers(
    _: PbxCaller,
    State(upstream): State<Arc<Upstream>>,
    query: Parameters,
) -> Response {
    let [domain] = match query.required(["domain"]) {
        Ok(values) => values,
        Err(refusal) => return *refusal,
    };
    let user = query.filled("user");
    let held = upstream.held();
    let numbers: Vec<&str> = held
        .visible_numbers()
        .of(Some(domain))
        .filter(|stored| user.is_none_or(|wanted| rings(stored, domain, wanted)))
        .map(|stored| stored.number.as_str())
        .collect();
    let row = |_, number: &str| Row {
        key: number.to_owned(),
        value: number.into(),
    };
    let empty = held.tenant.empty_list;
    list_answer(&numbers, row, ListShape::Array, empty, &query)
}

fn rings(stored: &StoredNumber, domain: &str, wanted: &str) -> bool {
    stored
        .routed_user()
        .is_some_and(|(user, host)| user == wanted && host.eq_ignore_ascii_case(domain))
}

/// Whether `filter` (all, queue, attendant, subscriber) lets a row through; unknown ones do.
fn passes_filter(srv_code: &str, filter: &str, hide_system_users: bool) -> bool {
    match filter {
        "queue" => srv_code == "system-queue",
        "attendant" => srv_code == "system-aa",
        "subscriber" => srv_code.is_empty() || (srv_code == "system-user" && !hide_system_users),
        _ => true,
    }
}

/// The first number of a domain, in the 10 digits of a caller id.
fn caller_id<'a>(customers: &'a Customers, domain: &str) -> &'a str {
    let first = customers.numbers.at(&Key::domain(domain)).next();
    let number = first.map_or("", |stored| &stored.number);
    number.strip_prefix('1').unwrap_or(number)
}

fn login_of(stored: &StoredSubscriber) -> String {
    format!("{}@{}", stored.user, stored.domain)
}

fn subscriber_json(stored: &StoredSubscriber, caller_id: &str) -> Value {
    json!({
        "user": stored.user,
        "domain": stored.domain,
        "name": stored.name(),
        "caller_id": caller_id,
        "caller_id_emergency": caller_id,
        "email_address": stored.email,
        "srv_code": stored.srv_code,
        "subscriber_login": login_of(stored),
        "first_name": stored.first_name,
        "last_name": stored.last_name,
        "group": "",
    })
}
