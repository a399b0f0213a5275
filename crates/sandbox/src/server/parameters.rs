//! Query parameters of a request, read the way the vendor's PHP does.

use std::convert::Infallible;

use axum::Json;
use axum::extract::{FromRequestParts, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Decoded query pairs; of a parameter sent twice the last value counts.
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// The value as sent, which may be empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The value, unless it was left out or empty.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// The value as a positive count.
    pub(crate) fn count(&self, name: &str) -> Option<usize> {
        self.get(name)
            .and_then(|value| value.parse().ok())
            .filter(|count| *count > 0)
    }

    /// The values of required parameters, or a refusal that names all that are missing.
    ///
    /// The refusal is boxed because a response is large compared with the usual result.
    pub(crate) fn required<const N: usize>(
        &self,
        names: [&str; N],
    ) -> Result<[&str; N], Box<Response>> {
        let missing: Vec<&str> = names
            .into_iter()
            .filter(|name| self.filled(name).is_none())
            .collect();
        if missing.is_empty() {
            Ok(names.map(|name| self.filled(name).unwrap_or_default()))
        } else {
            Err(Box::new(validation_failed(&missing)))
        }
    }
}

/// 400 with the vendor's sentence (SkySwitch API reference, Requests and responses).
pub(crate) fn validation_failed(fields: &[&str]) -> Response {
    let error = format!(
        "Validation failed on the following fields: {}",
        fields.join(", ")
    );
    (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response()
}

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Parameters, Infallible> {
        let pairs = Query::try_from_uri(&parts.uri);
        Ok(pairs.map_or_else(|_| Parameters(Vec::new()), |Query(pairs)| Parameters(pairs)))
    }
}
