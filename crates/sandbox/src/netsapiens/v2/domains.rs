//! Domains in the REST API.
//!
//! Source: NetSapiens v2 OpenAPI, Domains. Creating one makes its dial plan and its `domain` user
//! too, which the form API leaves to further calls.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Value, json};

use crate::netsapiens::answers::{Trouble, list, v2_trouble};
use crate::netsapiens::login::V2Caller;
use crate::netsapiens::v2::users::device_json;
use crate::netsapiens::v2::{Asked, read};
use crate::server::parameters::Parameters;
use crate::server::state::{Held, Upstream};
use crate::tenant::customer::{StoredDialRule, StoredSubscriber};
use crate::tenant::habits::V2Version;
use crate::tenant::stored::StoredDomain;

/// GET `domains`; query `start`, `limit`.
pub(crate) async fn list_domains(
    _: V2Caller,
    State(upstream): State<Arc<Upstream>>,
    query: Parameters,
) -> Response {
    let held = upstream.held();
    let rows = held.customers.domains.iter().map(domain_json).collect();
    let (start, limit) = (query.get("start"), query.get("limit"));
    read(Ok(list(rows, start, limit, &held.tenant.pbx)))
}

/// GET `domains/{d}`.
pub(crate) async fn show(
    _: V2Caller,
    State(upstream): State<Arc<Upstream>>,
    Path(domain): Path<String>,
) -> Response {
    let held = upstream.held();
    read(held.find_domain(&domain).map(domain_json))
}

/// POST `domains`: the domain, its dial plan and its `domain` user.
pub(crate) async fn create(
    _: V2Caller,
    State(upstream): State<Arc<Upstream>>,
    asked: Asked,
) -> Response {
    let mut held = upstream.changing();
    match create_domain(&mut held, &asked) {
        Ok(created) => asked.accepted(created),
        Err(trouble) => v2_trouble(&trouble),
    }
}

fn create_domain(held: &mut Held, asked: &Asked) -> Result<Value, Trouble> {
    let [domain, reseller] = asked.required(["domain", "reseller"])?;
    let description = asked.text("description").unwrap_or_default();
    let plan = asked.text("dial-plan").unwrap_or_else(|| domain.clone());
    let new = StoredDomain {
        reseller,
        dial_plans: vec![plan.clone()],
        ..StoredDomain::new(&domain, &description)
    };
    let created = domain_json(&new);
    held.create_domain(new)?;
    // The service makes these itself, so what the caller may do with dial plans plays no part.
    let chain = StoredDialRule::chain(&domain);
    let rules = &mut held.customers.dial_rules;
    rules.push(StoredDialRule { plan, ..chain });
    held.create_user(StoredSubscriber::domain_user(&domain))?;
    Ok(created)
}

/// GET `domains/{d}/devices`, which version 44 does not have.
pub(crate) async fn list_devices(
    _: V2Caller,
    State(upstream): State<Arc<Upstream>>,
    Path(domain): Path<String>,
    query: Parameters,
) -> Response {
    let held = upstream.held();
    if held.tenant.pbx.v2_version == V2Version::V44 {
        return v2_trouble(&Trouble::Missing("Resource"));
    }
    read(held.find_domain(&domain).map(|_| {
        let users = held.users_of(&domain);
        let rows = users.flat_map(|user| {
            let devices = user.devices.iter();
            devices.map(move |device| device_json(user, device))
        });
        let (start, limit) = (query.get("start"), query.get("limit"));
        list(rows.collect(), start, limit, &held.tenant.pbx)
    }))
}

fn domain_json(stored: &StoredDomain) -> Value {
    json!({
        "domain": stored.domain,
        "reseller": stored.reseller,
        "description": stored.description,
        "dial-plan": stored.dial_plans.first(),
    })
}
