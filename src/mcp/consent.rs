//! How a client's user is asked: a form with one typed value.

use std::pin::Pin;

use rmcp::RoleServer;
use rmcp::model::{
    ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction, ElicitationSchema,
    InputRequest, InputRequests, InputRequiredResult, InputResponses, ProtocolVersion,
};
use rmcp::service::{Peer, RequestContext};
use serde_json::Value;

use crate::guard::{Answer, AskPerson, CONFIRMATION_LIFETIME, Channel, Preview};
use crate::ops::Question;
use crate::wording::capitalised;

/// Name of the form's one field, and of the question between calls.
const FIELD: &str = "confirm";

/// What a call brings along for the guard.
pub(super) struct Consent {
    elicitation: Option<Elicitation>,
    modern: bool,
    state: Option<String>,
    answer: Option<Answer>,
    confirmation: Option<String>,
}

impl Consent {
    /// Takes from the request what concerns consent.
    pub fn of_call(
        context: &RequestContext<RoleServer>,
        state: Option<String>,
        responses: Option<InputResponses>,
        confirmation: Option<String>,
    ) -> Consent {
        // Versions are dates, which compare as text.
        let modern = context
            .protocol_version()
            .is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str());
        let by_handshake = context.peer.peer_info().filter(|_| !modern);
        let capabilities = match by_handshake {
            // In a session with a handshake, that is where a client says what it can do.
            Some(client) => Some(client.capabilities.clone()),
            None => context.client_capabilities(),
        };
        let has_forms = capabilities
            .and_then(|capabilities| capabilities.elicitation)
            .is_some_and(|forms| forms.form.is_some() || forms.url.is_none());
        Consent {
            elicitation: has_forms.then(|| Elicitation {
                peer: context.peer.clone(),
            }),
            modern,
            state,
            answer: responses
                .as_ref()
                .and_then(|responses| responses.get(FIELD))
                .map(answer_of),
            confirmation,
        }
    }

    /// The guard's view of this client.
    pub fn channel(&self) -> Channel<'_> {
        match &self.elicitation {
            None => Channel::Elsewhere {
                confirmation: self.confirmation.as_deref(),
            },
            Some(_) if self.modern => Channel::Between {
                state: self.state.as_deref(),
                answer: self.answer.clone(),
            },
            Some(elicitation) => Channel::During(elicitation),
        }
    }
}

/// The result that asks the question and is answered with the next call.
pub(super) fn input_required(question: &Question) -> InputRequiredResult {
    let mut requests = InputRequests::new();
    let form = ElicitRequest::new(form(&question.preview));
    requests.insert(FIELD.to_owned(), InputRequest::Elicitation(form));
    InputRequiredResult::new(Some(requests), Some(question.state.clone()))
}

/// Asks during the call (`elicitation/create`).
struct Elicitation {
    peer: Peer<RoleServer>,
}

impl AskPerson for Elicitation {
    fn ask<'a>(
        &'a self,
        preview: &'a Preview,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        Box::pin(async move {
            let asked = self
                .peer
                .create_elicitation_with_timeout(form(preview), Some(CONFIRMATION_LIFETIME))
                .await;
            match asked {
                Ok(result) => typed(&result),
                Err(_) => {
                    // The client's own words may repeat the question, and so the caller.
                    tracing::warn!("the client could not ask its user");
                    Answer::Refused
                }
            }
        })
    }
}

/// The form. Its field has no default: clients are known to send defaults by themselves.
fn form(preview: &Preview) -> ElicitRequestParams {
    let value = preview.asks_for().name();
    let schema = ElicitationSchema::builder()
        .required_string_property(FIELD, |field| {
            field.title(capitalised(value)).description(format!(
                "Type {value} to agree. Anything else changes nothing."
            ))
        })
        .build_unchecked();
    ElicitRequestParams::FormElicitationParams {
        meta: None,
        message: preview.text().to_owned(),
        requested_schema: schema,
    }
}

fn answer_of(response: &Value) -> Answer {
    serde_json::from_value::<ElicitResult>(response.clone())
        .map_or(Answer::Refused, |result| typed(&result))
}

/// Only a text in the form's field is an answer; `{}`, `true` and a bare
/// accept are what clients send when nobody looked.
fn typed(result: &ElicitResult) -> Answer {
    let text = result
        .content
        .as_ref()
        .and_then(|content| content.get(FIELD))
        .and_then(Value::as_str);
    match (&result.action, text) {
        (ElicitationAction::Accept, Some(text)) => Answer::Typed(text.to_owned()),
        _ => Answer::Refused,
    }
}
