//! How a client's user is asked: a form with one typed value.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::RoleServer;
use rmcp::model::{
    CancelledNotificationParam, ClientResult, ElicitRequest, ElicitRequestParams, ElicitResult,
    ElicitationAction, ElicitationCapability, ElicitationSchema, InputRequest, InputRequests,
    InputRequiredResult, InputResponses, ProtocolVersion, RequestId, ServerRequest,
};
use rmcp::service::{Peer, PeerRequestOptions, RequestContext, ServiceError};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::ops::Question;
use skyswitch_client::Allowance;
use skyswitch_domain::wording::capitalised;
use skyswitch_guard::{
    Answer, AskPerson, CONFIRMATION_LIFETIME, Channel, OfferLink, Offered, Preview,
};

/// Name of the form's one field, and of the question between calls.
const FIELD: &str = "confirm";
/// Name of the form's other field, where a PIN is set.
const PIN_FIELD: &str = "pin";
/// Name of the approval page among the questions between calls.
const PAGE: &str = "approval_page";

/// What is known of what this client does with questions.
#[derive(Clone, Default)]
pub(super) struct Client(Arc<Known>);

#[derive(Default)]
struct Known {
    /// It is sent no more forms: a client that only claims them would fail each time.
    forms_failed: AtomicBool,
    /// Nor links.
    links_failed: AtomicBool,
    /// Digests of the links that it has answered or was sent with a result, and
    /// whether it has accepted them. They are not sent again; one that it left
    /// unanswered is, with the next call.
    links: Mutex<HashMap<[u8; 32], bool>>,
}

impl Client {
    fn note_failed_form(&self) {
        tracing::warn!("the client could not show a form; it is sent no more of them");
        self.0.forms_failed.store(true, Ordering::Relaxed);
    }

    fn note_failed_link(&self) {
        tracing::warn!("the client could not offer a link; it is sent no more of them");
        self.0.links_failed.store(true, Ordering::Relaxed);
    }

    fn note_link(&self, link: &str, is_accepted: bool) {
        let mut links = self.0.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.insert(Sha256::digest(link).into(), is_accepted);
    }

    /// Whether it has accepted this link, now or earlier; `None` for one that it
    /// was not sent.
    fn has_accepted(&self, link: &str, accepts_now: bool) -> Option<bool> {
        let digest: [u8; 32] = Sha256::digest(link).into();
        let mut links = self.0.links.lock().unwrap_or_else(PoisonError::into_inner);
        let is_accepted = links.get_mut(&digest)?;
        *is_accepted |= accepts_now;
        Some(*is_accepted)
    }
}

/// What a call brings along for the guard.
pub(super) struct Consent {
    elicitation: Option<Elicitation>,
    links: Option<Links>,
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
        client: &Client,
    ) -> Consent {
        // Versions are dates, which compare as text.
        let modern = context
            .protocol_version()
            .is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str());
        let by_handshake = context.peer.peer_info().filter(|_| !modern);
        let capabilities = match by_handshake {
            // In a session with a handshake, that is where a client says what it can do.
            Some(peer) => Some(peer.capabilities.clone()),
            None => context.client_capabilities(),
        };
        let elicitation = capabilities.and_then(|capabilities| capabilities.elicitation);
        let asked_by =
            |what: fn(&ElicitationCapability) -> bool| elicitation.as_ref().is_some_and(what);
        let has_forms = asked_by(|forms| forms.form.is_some() || forms.url.is_none());
        let has_links = asked_by(|forms| forms.url.is_some());
        let response = |name| responses.and_then(|responses| responses.get(name));
        let answer = response(FIELD).and_then(answer_of);
        if has_forms && response(FIELD).is_some() && answer.is_none() {
            client.note_failed_form();
        }
        if response(PAGE).is_some_and(|page| result_of(page).is_none()) {
            client.note_failed_link();
        }
        // A form that was answered counts, whatever became of another one.
        let forms_failed = client.0.forms_failed.load(Ordering::Relaxed);
        let form_failed = has_forms && answer.is_none() && forms_failed;
        let links_failed = client.0.links_failed.load(Ordering::Relaxed);
        let links = (has_links && !links_failed).then(|| Links {
            peer: context.peer.clone(),
            client: client.clone(),
            modern,
            accepts_now: response(PAGE).is_some_and(is_accepted),
        });
        Consent {
            elicitation: (has_forms && !form_failed).then(|| Elicitation {
                peer: context.peer.clone(),
                client: client.clone(),
                links: links.clone(),
                confirmation: confirmation.clone(),
            }),
            links,
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
                links: self.links.as_ref().map(Links::as_offer),
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
    let (name, asked, state) = match &question.link {
        Some(link) => (PAGE, page(&question.preview, link), None),
        None => {
            let state = question.state.clone();
            (FIELD, form(&question.preview), Some(state))
        }
    };
    let asked = InputRequest::Elicitation(ElicitRequest::new(asked));
    requests.insert(name.to_owned(), asked);
    InputRequiredResult::new(Some(requests), state)
}

/// Asks during the call (`elicitation/create`).
struct Elicitation {
    peer: Peer<RoleServer>,
    client: Client,
    links: Option<Links>,
    confirmation: Option<String>,
}

impl AskPerson for Elicitation {
    fn ask<'a>(
        &'a self,
        preview: &'a Preview,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        Box::pin(async move {
            // A person is not hurried by the time that the call may take.
            let answer = match Allowance::not_counting(show(&self.peer, form(preview))).await {
                Ok(ClientResult::ElicitResult(result)) => answered(&result),
                // The client's own words may repeat the question, and so the caller.
                Ok(_) | Err(ServiceError::McpError(_)) => None,
                Err(ServiceError::Timeout { .. }) => Some(Answer::Expired),
                Err(_) => {
                    tracing::warn!("no answer to the form arrived");
                    Some(Answer::NoAnswer)
                }
            };
            answer.unwrap_or_else(|| {
                self.client.note_failed_form();
                Answer::NotShown {
                    confirmation: self.confirmation.clone(),
                }
            })
        })
    }

    fn links(&self) -> Option<&dyn OfferLink> {
        self.links.as_ref().map(Links::as_offer)
    }
}

/// Offers the approval page (`elicitation/create` of the mode `url`).
#[derive(Clone)]
struct Links {
    peer: Peer<RoleServer>,
    client: Client,
    modern: bool,
    /// Whether this call brings the client's word that the person has the link.
    accepts_now: bool,
}

impl Links {
    fn as_offer(&self) -> &dyn OfferLink {
        self
    }
}

impl OfferLink for Links {
    fn offer<'a>(
        &'a self,
        preview: &'a Preview,
        link: &'a str,
    ) -> Pin<Box<dyn Future<Output = Offered> + Send + 'a>> {
        Box::pin(async move {
            if let Some(is_accepted) = self.client.has_accepted(link, self.accepts_now) {
                return as_offered(is_accepted);
            }
            if self.modern {
                self.client.note_link(link, false);
                return Offered::WithTheResult;
            }
            match show(&self.peer, page(preview, link)).await {
                Ok(ClientResult::ElicitResult(result)) => {
                    let is_accepted = result.action == ElicitationAction::Accept;
                    self.client.note_link(link, is_accepted);
                    as_offered(is_accepted)
                }
                _ => {
                    self.client.note_failed_link();
                    Offered::Failed
                }
            }
        })
    }
}

/// Only a link that the client has accepted is before the person.
fn as_offered(is_accepted: bool) -> Offered {
    match is_accepted {
        true => Offered::ToThePerson,
        false => Offered::NotWanted,
    }
}

/// Shows a form or a link until it is answered, or for as long as a confirmation lives.
async fn show(
    peer: &Peer<RoleServer>,
    asked: ElicitRequestParams,
) -> Result<ClientResult, ServiceError> {
    let request = ServerRequest::ElicitRequest(ElicitRequest::new(asked));
    let options = PeerRequestOptions::with_timeout(CONFIRMATION_LIFETIME);
    let shown = peer.send_cancellable_request(request, options).await?;
    let mut open = OpenForm {
        peer: peer.clone(),
        id: Some(shown.id.clone()),
    };
    let answer = shown.await_response().await;
    open.id = None;
    answer
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
            let reason = Some("nobody waits for the answer any more".to_owned());
            let withdrawal = CancelledNotificationParam::new(Some(id), reason);
            // A client that is gone shows no form either.
            let _ = peer.notify_cancelled(withdrawal).await;
        });
    }
}

/// The form. Its field has no default: clients are known to send defaults by themselves.
fn form(preview: &Preview) -> ElicitRequestParams {
    let value = preview.asks_for().name();
    let mut fields = ElicitationSchema::builder().required_string_property(FIELD, |field| {
        field.title(capitalised(value)).description(format!(
            "Type {value} to agree. Anything else changes nothing."
        ))
    });
    if preview.wants_pin() {
        fields = fields.required_string_property(PIN_FIELD, |field| {
            field.title("PIN").description("The PIN that you have set.")
        });
    }
    let schema = fields.build_unchecked();
    ElicitRequestParams::FormElicitationParams {
        meta: None,
        message: preview.text(),
        requested_schema: schema,
    }
}

/// The approval page, for a person who decides there.
fn page(preview: &Preview, link: &str) -> ElicitRequestParams {
    ElicitRequestParams::UrlElicitationParams {
        meta: None,
        message: format!("SkySwitch asks for your agreement: {}", preview.summary()),
        url: link.to_owned(),
        elicitation_id: format!("{:032x}", rand::random::<u128>()),
    }
}

/// The answer to a form, if it is one: an error or `{}` comes from a client that
/// could not show it.
fn answer_of(response: &Value) -> Option<Answer> {
    answered(&result_of(response)?)
}

/// The result of a form or a link, if it is one.
fn result_of(response: &Value) -> Option<ElicitResult> {
    serde_json::from_value(response.clone()).ok()
}

/// Whether this is the answer of a client whose person took the link.
fn is_accepted(response: &Value) -> bool {
    result_of(response).is_some_and(|result| result.action == ElicitationAction::Accept)
}

/// What a person answered to a form. Only what was typed into its field is
/// consent, which some clients make a number of, and who closes the form has not
/// said no. An empty form, `true` and a bare accept are what clients send when
/// nobody looked: nobody has answered anything.
fn answered(result: &ElicitResult) -> Option<Answer> {
    let content = result.content.as_ref();
    let field = |name| match content?.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string().trim_end_matches(".0").to_owned()),
        _ => None,
    };
    match result.action {
        ElicitationAction::Accept => {
            let pin = field(PIN_FIELD).unwrap_or_default();
            Some(Answer::with_pin(field(FIELD)?, pin))
        }
        ElicitationAction::Decline => Some(Answer::Declined),
        ElicitationAction::Cancel => Some(Answer::NoAnswer),
        _ => None,
    }
}
