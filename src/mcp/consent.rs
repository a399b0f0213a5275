//! How a client's user is asked: a form with one typed value.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rmcp::RoleServer;
use rmcp::model::{
    CancelledNotificationParam, ClientResult, ElicitRequest, ElicitRequestParams, ElicitResult,
    ElicitationAction, ElicitationSchema, InputRequest, InputRequests, InputRequiredResult,
    InputResponses, ProtocolVersion, RequestId, ServerRequest,
};
use rmcp::service::{Peer, PeerRequestOptions, RequestContext, ServiceError};
use serde_json::Value;

use crate::ops::Question;
use skyswitch_domain::wording::capitalised;
use skyswitch_guard::{Answer, AskPerson, CONFIRMATION_LIFETIME, Channel, Preview};

/// Name of the form's one field, and of the question between calls.
const FIELD: &str = "confirm";

/// Whether this client has failed to show a form. It is sent no more of them:
/// a client that only claims forms would fail each time.
#[derive(Clone, Default)]
pub(super) struct FormsFailed(Arc<AtomicBool>);

impl FormsFailed {
    fn note(&self) {
        tracing::warn!("the client could not show a form; it is sent no more of them");
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_noted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a call brings along for the guard.
pub(super) struct Consent {
    elicitation: Option<Elicitation>,
    form_failed: bool,
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
        responses: Option<&InputResponses>,
        confirmation: Option<String>,
        forms_failed: &FormsFailed,
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
        let response = responses.and_then(|responses| responses.get(FIELD));
        let answer = response.and_then(answer_of);
        if has_forms && response.is_some() && answer.is_none() {
            forms_failed.note();
        }
        // A form that was answered counts, whatever became of another one.
        let form_failed = has_forms && answer.is_none() && forms_failed.is_noted();
        Consent {
            elicitation: (has_forms && !form_failed).then(|| Elicitation {
                peer: context.peer.clone(),
                forms_failed: forms_failed.clone(),
                confirmation: confirmation.clone(),
            }),
            form_failed,
            modern,
            state,
            answer,
            confirmation,
        }
    }

    /// The guard's view of this client.
    pub fn channel(&self) -> Channel<'_> {
        match &self.elicitation {
            None => Channel::Elsewhere {
                confirmation: self.confirmation.as_deref(),
                form_failed: self.form_failed,
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
    forms_failed: FormsFailed,
    confirmation: Option<String>,
}

impl AskPerson for Elicitation {
    fn ask<'a>(
        &'a self,
        preview: &'a Preview,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        Box::pin(async move {
            match self.show(form(preview)).await {
                Ok(ClientResult::ElicitResult(result)) => typed(&result),
                // The client's own words may repeat the question, and so the caller.
                Ok(_) | Err(ServiceError::McpError(_)) => {
                    self.forms_failed.note();
                    Answer::NotShown {
                        confirmation: self.confirmation.clone(),
                    }
                }
                Err(ServiceError::Timeout { .. }) => Answer::Expired,
                Err(_) => {
                    tracing::warn!("no answer to the form arrived");
                    Answer::NoAnswer
                }
            }
        })
    }
}

impl Elicitation {
    /// Shows a form until it is answered, or for as long as a confirmation lives.
    async fn show(&self, form: ElicitRequestParams) -> Result<ClientResult, ServiceError> {
        let request = ServerRequest::ElicitRequest(ElicitRequest::new(form));
        let options = PeerRequestOptions::with_timeout(CONFIRMATION_LIFETIME);
        let shown = self.peer.send_cancellable_request(request, options).await?;
        let mut open = OpenForm {
            peer: self.peer.clone(),
            id: Some(shown.id.clone()),
        };
        let answer = shown.await_response().await;
        open.id = None;
        answer
    }
}

/// A form that nobody has answered yet. It is withdrawn when its call is
/// dropped, so that no person answers a question that nobody asks any more.
struct OpenForm {
    peer: Peer<RoleServer>,
    id: Option<RequestId>,
}

impl Drop for OpenForm {
    fn drop(&mut self) {
        let (Some(id), Ok(runtime)) = (self.id.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let peer = self.peer.clone();
        runtime.spawn(async move {
            let reason = Some("the tool call was cancelled".to_owned());
            let withdrawal = CancelledNotificationParam::new(Some(id), reason);
            // A client that is gone shows no form either.
            let _ = peer.notify_cancelled(withdrawal).await;
        });
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
        message: preview.text(),
        requested_schema: schema,
    }
}

/// The answer to a form, if it is one: an error or `{}` comes from a client that
/// could not show it.
fn answer_of(response: &Value) -> Option<Answer> {
    let result: ElicitResult = serde_json::from_value(response.clone()).ok()?;
    Some(typed(&result))
}

/// Only what was typed into the form's field is consent, which some clients make
/// a number of; an empty form, `true` and a bare accept are what clients send
/// when nobody looked. Who closes the form has not said no.
fn typed(result: &ElicitResult) -> Answer {
    let content = result.content.as_ref();
    let typed = match content.and_then(|content| content.get(FIELD)) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string().trim_end_matches(".0").to_owned(),
        _ => String::new(),
    };
    match result.action {
        ElicitationAction::Accept => Answer::Typed(typed),
        ElicitationAction::Cancel => Answer::NoAnswer,
        _ => Answer::Declined,
    }
}
