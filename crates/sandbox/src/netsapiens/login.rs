//! `/ns-api/oauth2/token/` and the check of a caller of the PBX API.
//!
//! Source: SkySwitch PBX API, authentication; NetSapiens v2, tokens and API keys. It is a realm
//! of its own: tokens of the Telco API are not good here, nor these there. Error bodies follow
//! RFC 6749; the vendor does not publish them.

use std::sync::Arc;

use axum::extract::rejection::FormRejection;
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::netsapiens::answers::{Trouble, v1_trouble, v2_trouble};
use crate::server::state::{Held, Upstream};
use crate::telco::access::bearer;
use crate::telco::oauth::GrantType;
use crate::tenant::demo::ADMIN_DOMAIN;
use crate::tenant::habits::Mfa;
use crate::{PBX_API_KEY, PBX_CLIENT_ID, PBX_CLIENT_SECRET, PBX_PASSWORD, PBX_USERNAME};

/// Scope of a reseller's login.
const RESELLER_SCOPE: &str = "Reseller";
/// Marks a token that is valid for the second factor only.
const MFA_REQUIRED: &str = "mfa_required";

/// Fields of a token request; which are required depends on the grant.
#[derive(Default, Deserialize)]
pub(crate) struct GrantRequest {
    grant_type: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    username: Option<String>,
    password: Option<String>,
    refresh_token: Option<String>,
}

/// POST `/ns-api/oauth2/token/`, as a form.
pub(crate) async fn grant(
    State(upstream): State<Arc<Upstream>>,
    form: Result<Form<GrantRequest>, FormRejection>,
) -> Response {
    let asked = form.map_or_else(|_| GrantRequest::default(), |Form(asked)| asked);
    let mut held = upstream.held();
    let mut response = match check_grant(&mut held, &asked) {
        Ok(()) => issue(&mut held),
        Err(refusal) => refusal.into_response(),
    };
    if let Some(grant_type) = asked.grant_type {
        response.extensions_mut().insert(GrantType(grant_type));
    }
    response
}

type Refusal = (StatusCode, Json<Value>);

fn check_grant(held: &mut Held, asked: &GrantRequest) -> Result<(), Refusal> {
    let is = |field: &Option<String>, wanted: &str| field.as_deref() == Some(wanted);
    let secret = match held.tenant.pbx.client_secret_is_empty {
        true => "",
        false => PBX_CLIENT_SECRET,
    };
    if !is(&asked.client_id, PBX_CLIENT_ID) || !is(&asked.client_secret, secret) {
        return Err(refusal(StatusCode::UNAUTHORIZED, "invalid_client"));
    }
    match asked.grant_type.as_deref() {
        Some("password") => {
            let known = is(&asked.username, PBX_USERNAME) && is(&asked.password, PBX_PASSWORD);
            known
                .then_some(())
                .ok_or_else(|| refusal(StatusCode::BAD_REQUEST, "invalid_grant"))
        }
        Some("refresh_token") => {
            let refresh = asked.refresh_token.as_deref().unwrap_or_default();
            let redeemed = held.pbx_tokens.redeem(refresh);
            redeemed
                .map(|_| ())
                .ok_or_else(|| refusal(StatusCode::BAD_REQUEST, "invalid_grant"))
        }
        _ => Err(refusal(StatusCode::BAD_REQUEST, "unsupported_grant_type")),
    }
}

fn refusal(status: StatusCode, error: &str) -> Refusal {
    (status, Json(json!({ "error": error })))
}

/// The answer of a login; with a second factor open it looks the same but for one field.
fn issue(held: &mut Held) -> Response {
    let habits = &held.tenant.pbx;
    let mfa = habits.mfa;
    let lifetime = habits.token_lifetime;
    let version = habits.version_in_token.then(|| habits.v2_version.word());
    let reach = match mfa {
        Mfa::Off => RESELLER_SCOPE,
        Mfa::InScope | Mfa::InField => MFA_REQUIRED,
    };
    let issued = held.pbx_tokens.issue(vec![reach.to_owned()], lifetime);
    let mut body = json!({
        "access_token": issued.access,
        "expires_in": lifetime.as_secs(),
        "token_type": "Bearer",
        "scope": RESELLER_SCOPE,
        "refresh_token": issued.refresh,
        "legacy": false,
        "domain": ADMIN_DOMAIN,
    });
    if let Some(version) = version {
        body["apiversion"] = version.into();
    }
    match mfa {
        Mfa::Off => {}
        Mfa::InScope => body["scope"] = Value::from(MFA_REQUIRED),
        Mfa::InField => body["mfa"] = Value::from(MFA_REQUIRED),
    }
    Json(body).into_response()
}

/// A caller of the form API: a PBX token, while that API is there.
pub(crate) struct V1Caller;

/// A caller of the REST API: a PBX token or the API key, while that API is there.
pub(crate) struct V2Caller;

impl FromRequestParts<Arc<Upstream>> for V1Caller {
    type Rejection = Response;

    async fn from_request_parts(
        parts: &mut Parts,
        upstream: &Arc<Upstream>,
    ) -> Result<V1Caller, Response> {
        let held = upstream.held();
        if !held.tenant.pbx.v1 {
            return Err(v1_trouble(&Trouble::Missing("API")));
        }
        match bearer(&parts.headers) {
            Some(token) if is_reseller(&held, token) => Ok(V1Caller),
            _ => Err(v1_trouble(&Trouble::Unauthenticated)),
        }
    }
}

impl FromRequestParts<Arc<Upstream>> for V2Caller {
    type Rejection = Response;

    async fn from_request_parts(
        parts: &mut Parts,
        upstream: &Arc<Upstream>,
    ) -> Result<V2Caller, Response> {
        let held = upstream.held();
        if !held.tenant.pbx.v2 {
            return Err(v2_trouble(&Trouble::Missing("API")));
        }
        match bearer(&parts.headers) {
            Some(PBX_API_KEY) => Ok(V2Caller),
            Some(token) if is_reseller(&held, token) => Ok(V2Caller),
            _ => Err(v2_trouble(&Trouble::Unauthenticated)),
        }
    }
}

/// Whether the token is good and went through the second factor, if there is one.
fn is_reseller(held: &Held, token: &str) -> bool {
    let known = held.pbx_tokens.access(token);
    known.is_some_and(|known| known.scopes.iter().any(|scope| scope == RESELLER_SCOPE))
}
