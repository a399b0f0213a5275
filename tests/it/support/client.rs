//! A whole MCP client, with a [`Person`] before it.

use std::process::Stdio;
use std::sync::{Arc, Mutex};

use rmcp::model::{
    CallToolRequestParams, CallToolResult, ClientCapabilities, ClientConfig, ElicitRequestParams,
    ElicitResult, ElicitationAction, Implementation, ProtocolVersion,
};
use rmcp::service::{
    ClientLifecycleMode, ClientServiceExt, RequestContext, RunningService, ServiceError,
};
use rmcp::{ClientHandler, ErrorData, RoleClient};
use serde_json::{Value, json};
use tokio::process::Child;
use tokio::time::timeout;

use super::process::{Home, PATIENCE};
use super::protocol::Era;
use super::schemas::assert_fits;

/// An answer to a question about consent.
pub fn accept(content: Value) -> ElicitResult {
    ElicitResult::new(ElicitationAction::Accept).with_content(content)
}

/// The person types this.
pub fn types(text: &str) -> ElicitResult {
    accept(json!({ "confirm": text }))
}

/// Sits before a client and answers its forms, or has a client without forms.
pub struct Person {
    answers: Option<Box<dyn Fn() -> ElicitResult + Send + Sync>>,
    asked: Arc<Mutex<Vec<ElicitRequestParams>>>,
}

impl Person {
    /// Answers every form like this; `answer` is called after the form was shown.
    pub fn who(answer: impl Fn() -> ElicitResult + Send + Sync + 'static) -> Person {
        Person {
            answers: Some(Box::new(answer)),
            asked: Arc::default(),
        }
    }

    pub fn who_answers(answer: ElicitResult) -> Person {
        Person::who(move || answer.clone())
    }

    /// The client declares no elicitation.
    pub fn without_forms() -> Person {
        Person {
            answers: None,
            asked: Arc::default(),
        }
    }
}

impl ClientHandler for Person {
    fn get_info(&self) -> ClientConfig {
        let capabilities = match self.answers {
            Some(_) => ClientCapabilities::builder().enable_elicitation().build(),
            None => ClientCapabilities::default(),
        };
        ClientConfig::new(capabilities, Implementation::new("client", "1"))
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        self.asked.lock().unwrap().push(request);
        let answer = self.answers.as_ref().expect("forms were not declared");
        Ok(answer())
    }
}

/// A whole MCP client with its own server process.
pub struct Client {
    service: RunningService<RoleClient, Person>,
    asked: Arc<Mutex<Vec<ElicitRequestParams>>>,
    _child: Child,
}

impl Client {
    pub async fn start(home: &Home, arguments: &[&str], era: Era, person: Person) -> Client {
        let mut command = home.command(&[&["mcp"], arguments].concat());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        let streams = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
        let lifecycle = match era {
            Era::Legacy => ClientLifecycleMode::Initialize,
            Era::Modern => ClientLifecycleMode::Discover {
                preferred_versions: vec![ProtocolVersion::V_2026_07_28],
            },
        };
        let asked = Arc::clone(&person.asked);
        let service = timeout(PATIENCE, person.serve_with_lifecycle(streams, lifecycle))
            .await
            .expect("the handshake ends")
            .expect("the handshake succeeds");
        Client {
            service,
            asked,
            _child: child,
        }
    }

    pub async fn try_call(
        &self,
        tool: &str,
        arguments: Value,
    ) -> Result<CallToolResult, ServiceError> {
        let arguments = arguments.as_object().cloned().unwrap_or_default();
        let request = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        timeout(PATIENCE, self.service.call_tool(request))
            .await
            .expect("the call ends")
    }

    /// The structured content of a call.
    pub async fn call(&self, tool: &str, arguments: Value) -> Value {
        let result = self.try_call(tool, arguments).await.expect("a tool result");
        let content = result.structured_content.expect("structured content");
        assert_fits(tool, &content).await;
        content
    }

    /// The messages of the forms the person was shown.
    pub fn questions(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked
            .iter()
            .map(|form| match form {
                ElicitRequestParams::FormElicitationParams { message, .. } => message.clone(),
                other => panic!("no form: {other:?}"),
            })
            .collect()
    }

    /// The schema of the last form.
    pub fn form(&self) -> Value {
        let asked = self.asked.lock().unwrap();
        serde_json::to_value(asked.last().expect("a form")).unwrap()["requestedSchema"].clone()
    }
}
