//! A tool call under way: what it brings along and what it may use.

use std::pin::Pin;

use rmcp::RoleServer;
use rmcp::model::{CallToolRequestParams, CallToolResponse};
use rmcp::service::RequestContext;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use super::arguments;
use super::consent::{Consent, FormsFailed};
use super::tools::TOKEN;
use crate::app::App;
use skyswitch_domain::error::Result;

/// A tool that runs.
pub(super) type Running<'a> = Pin<Box<dyn Future<Output = Result<CallToolResponse>> + Send + 'a>>;

/// A call of one tool.
pub(super) struct Call<'a> {
    pub app: &'a App,
    pub context: &'a RequestContext<RoleServer>,
    /// Cancelled when the call shall end in an orderly way.
    pub stop: &'a CancellationToken,
    forms_failed: &'a FormsFailed,
    request: CallToolRequestParams,
    confirmation: Option<String>,
}

impl<'a> Call<'a> {
    /// The call that a request asks for.
    pub fn new(
        request: CallToolRequestParams,
        app: &'a App,
        context: &'a RequestContext<RoleServer>,
        stop: &'a CancellationToken,
        forms_failed: &'a FormsFailed,
    ) -> Call<'a> {
        let arguments = request.arguments.as_ref();
        let confirmation = arguments.and_then(|given| given.get(TOKEN)?.as_str());
        Call {
            app,
            context,
            stop,
            forms_failed,
            confirmation: confirmation
                .filter(|token| !token.is_empty())
                .map(str::to_owned),
            request,
        }
    }

    /// The arguments of the operation.
    ///
    /// # Errors
    /// `invalid_argument` with the field, what is wrong and what is accepted.
    pub fn arguments<T: DeserializeOwned + JsonSchema>(&mut self) -> Result<T> {
        arguments::read(self.request.arguments.take())
    }

    /// What the call brings along for the guard.
    pub fn consent(&self) -> Consent {
        Consent::of_call(
            self.context,
            self.request.request_state.clone(),
            self.request.input_responses.as_ref(),
            self.confirmation.clone(),
            self.forms_failed,
        )
    }
}
