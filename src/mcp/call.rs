//! A tool call under way: what it brings along and what it may use. Its
//! arguments become those of an operation, with errors that name the field.

use std::pin::Pin;

use rmcp::RoleServer;
use rmcp::model::{CallToolRequestParams, CallToolResponse};
use rmcp::service::RequestContext;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::consent::{Client, Consent};
use super::schema;
use super::tools::TOKEN;
use crate::app::App;
use crate::nearest::nearest;
use skyswitch_domain::error::{Error, Result};
use skyswitch_domain::redact::shown;

/// A tool that runs.
pub(super) type Running<'a> = Pin<Box<dyn Future<Output = Result<CallToolResponse>> + Send + 'a>>;

/// A call of one tool.
pub(super) struct Call<'a> {
    pub app: &'a App,
    pub context: &'a RequestContext<RoleServer>,
    /// Cancelled when the call shall end in an orderly way.
    pub stop: &'a CancellationToken,
    client: &'a Client,
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
        client: &'a Client,
    ) -> Call<'a> {
        let arguments = request.arguments.as_ref();
        let confirmation = arguments.and_then(|given| given.get(TOKEN)?.as_str());
        Call {
            app,
            context,
            stop,
            client,
            confirmation: confirmation
                .filter(|token| !is_no_value(token))
                .map(str::to_owned),
            request,
        }
    }

    /// The arguments of the operation.
    ///
    /// Clients fill optional arguments they have no value for with null, which
    /// some write as a text, or an empty text; all mean that the argument was
    /// not given. Some hosts add arguments of their own.
    ///
    /// # Errors
    /// `invalid_argument` with the field, what is wrong and what is accepted.
    pub fn arguments<T: DeserializeOwned + JsonSchema>(&mut self) -> Result<T> {
        let mut arguments = self.request.arguments.take().unwrap_or_default();
        arguments.retain(|_, value| !value.is_null() && !value.as_str().is_some_and(is_no_value));
        if ADDED_BY_HOSTS
            .iter()
            .any(|name| arguments.contains_key(*name))
        {
            let schema = schema::input::<T>();
            let is_known = |name: &str| schema["properties"].get(name).is_some();
            arguments.retain(|name, _| !ADDED_BY_HOSTS.contains(&name.as_str()) || is_known(name));
        }
        let arguments = Value::Object(arguments);
        serde_path_to_error::deserialize(&arguments).map_err(|error| {
            let path = error.path().to_string();
            by_names::<T>(&arguments)
                .unwrap_or_else(|| not_accepted(&path, &error.into_inner().to_string()))
        })
    }

    /// What the call brings along for the guard.
    pub fn consent(&self) -> Consent {
        Consent::of_call(
            self.context,
            self.request.request_state.clone(),
            self.request.input_responses.as_ref(),
            self.confirmation.clone(),
            self.client,
        )
    }
}

/// Arguments that hosts add to every call, whatever its tool takes.
const ADDED_BY_HOSTS: [&str; 4] = ["toolCallId", "sessionId", "action", "chatInput"];

fn is_no_value(text: &str) -> bool {
    text.is_empty() || text == "null"
}

/// What is wrong with the names of the arguments, if anything: serde says that
/// only in a sentence of its own, so the tool's schema is asked.
fn by_names<T: JsonSchema>(arguments: &Value) -> Option<Error> {
    let given = arguments.as_object()?;
    let schema = schema::input::<T>();
    let known = schema.get("properties")?.as_object()?;
    if let Some(field) = given.keys().find(|name| !known.contains_key(*name)) {
        // A token is taken from an earlier result: no other name is meant for it.
        let names = known.keys().filter(|name| *name != TOKEN);
        let names: Vec<&str> = names.map(String::as_str).collect();
        let mut meant = nearest(&names, field, |name| vec![name]);
        let meant = meant.next().map(|name| format!("Did you mean `{name}`? "));
        return Some(Error::invalid(
            field,
            format!("there is no argument `{}`", shown(field, 60)),
            format!(
                "{}The arguments are `{}`.",
                meant.unwrap_or_default(),
                names.join("`, `")
            ),
        ));
    }
    let required = schema.get("required").and_then(Value::as_array);
    let mut required = required.into_iter().flatten().filter_map(Value::as_str);
    let missing = required.find(|name| !given.contains_key(*name))?;
    Some(Error::invalid(
        missing,
        format!("the argument `{missing}` is missing"),
        format!("Give `{missing}`; the tool's input schema says what it is."),
    ))
}

fn not_accepted(path: &str, problem: &str) -> Error {
    Error::invalid(
        path,
        format!(
            "the argument `{path}` is not accepted: {}",
            shown(problem, 400)
        ),
        format!("Correct `{path}` and call the tool again; nothing was sent."),
    )
}
