//! A tool call under way: what it brings along and what it may use.

use std::pin::Pin;

use rmcp::RoleServer;
use rmcp::model::{CallToolRequestParams, CallToolResponse, InputResponses, JsonObject};
use rmcp::service::RequestContext;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use super::arguments;
use super::consent::{Consent, FormsFailed};
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
    arguments: Option<JsonObject>,
    state: Option<String>,
    answers: Option<InputResponses>,
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
        Call {
            app,
            context,
            stop,
            forms_failed,
            arguments: request.arguments,
            state: request.request_state,
            answers: request.input_responses,
        }
    }

    /// The arguments of the operation.
    ///
    /// # Errors
    /// `invalid_argument` with the field, what is wrong and what is accepted.
    pub fn arguments<T: DeserializeOwned + JsonSchema>(&mut self) -> Result<T> {
        arguments::read(self.arguments.take())
    }

    /// What the call brings along for the guard, beside `confirmation` among its arguments.
    pub fn consent(&self, confirmation: Option<String>) -> Consent {
        Consent::of_call(
            self.context,
            self.state.clone(),
            self.answers.as_ref(),
            confirmation,
            self.forms_failed,
        )
    }
}
