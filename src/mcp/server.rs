//! The server: identity, lists, and the way of every call.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CompleteRequestParams, CompleteResult,
    GetPromptRequestParams, GetPromptResponse, GetSkillRequestParams, GetSkillResult,
    Implementation, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
    ListSkillsResult, ListToolsResult, NumberOrString, PaginatedRequestParams,
    ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Span;

use super::call::Call;
use super::completion::{self, DomainNames};
use super::consent::Client;
use super::current::{Current, Reload};
use super::tool_row::{Effect, Row};
use super::tools::{Lookup, ToolSet};
use super::under_way::cancelled;
use super::{LIFETIME_MS, progress, prompts, reply, resources, skill};
use crate::app::App;
use crate::ops;
use crate::spans;
use skyswitch_client::{Allowance, Trace};
use skyswitch_domain::Operation;
use skyswitch_domain::error::{Code, Error, Result};

/// A call is answered in this time, whatever hangs: the usual client gives up
/// after 60 seconds. A person's time does not count, and an import that goes on
/// gets it again after each step.
const ANSWER_WITHIN: Duration = Duration::from_secs(45);
/// Bytes of answers of the service that one call may take in, over all its requests.
const MOST_BYTES: usize = 256 * 1024 * 1024;

const INSTRUCTIONS: &str = include_str!("guide/instructions.md");

/// The MCP server of one process.
#[derive(Clone)]
pub struct Server {
    shared: Arc<Shared>,
    answer_within: Duration,
}

struct Shared {
    current: Current,
    tools: ToolSet,
    definitions: OnceLock<Vec<Tool>>,
    domain_names: DomainNames,
    client: Client,
    closing: CancellationToken,
    /// Calls that end in an orderly way, also when nobody waits for them.
    lasting: TaskTracker,
}

impl Server {
    /// A server over the given operations. An error in place of them is what
    /// every call will answer.
    pub fn new(app: Result<Arc<App>>, tools: ToolSet) -> Server {
        Server {
            shared: Arc::new(Shared {
                current: Current::new(app),
                tools,
                definitions: OnceLock::new(),
                domain_names: DomainNames::default(),
                client: Client::default(),
                closing: CancellationToken::new(),
                lasting: TaskTracker::new(),
            }),
            answer_within: ANSWER_WITHIN,
        }
    }

    /// The same server, which reads the settings again for as long as there is no login.
    #[must_use]
    pub fn reloading(self, reload: Reload) -> Server {
        self.shared.current.reload_with(reload);
        self
    }

    /// The same server, with another time in which a call is answered.
    #[must_use]
    pub fn answering_within(self, time: Duration) -> Server {
        Server {
            answer_within: time,
            ..self
        }
    }

    /// Cancelled when calls shall end: those that only read at once, an
    /// import when what it has sent is seen through.
    pub(super) fn closing(&self) -> &CancellationToken {
        &self.shared.closing
    }

    /// Waits until no change is under way any more.
    pub(super) async fn settled(&self) {
        self.shared.lasting.close();
        self.shared.lasting.wait().await;
        if let Some(app) = self.shared.current.present() {
            app.settled().await;
        }
    }

    /// Sets up TLS beside the handshake, so that the first call need not wait for it.
    pub(super) fn warm_up(&self) {
        if let Some(app) = self.shared.current.present() {
            drop(tokio::task::spawn_blocking(move || app.warm_up()));
        }
    }

    /// What one call may take in. Its requests end before the call does, so
    /// that it can still say what became of them.
    fn allowance(&self) -> Allowance {
        Allowance::new(self.answer_within * 8 / 9, MOST_BYTES)
    }

    /// The same with a span around the work on a request, in the trace of the
    /// client where it names one.
    fn traced(&self, of: &str, context: &RequestContext<RoleServer>) -> (Span, Allowance) {
        let asked = Trace::of(context.meta.get_traceparent());
        let part = asked.part();
        let span = spans::of_call(of, asked, part);
        if let NumberOrString::Number(id) = context.id {
            span.record("id", id);
        }
        (span, self.allowance().traced(part))
    }

    /// Waits until a call has to be answered: a little longer than its requests
    /// may take, whose own errors say more.
    async fn is_due(&self, allowance: &Allowance) {
        allowance.is_over().await;
        tokio::time::sleep(self.answer_within / 9).await;
    }

    /// What a request comes to.
    ///
    /// # Errors
    /// `cancelled` when it is cancelled or cut off by the server's end before
    /// that, `timeout` when it takes too long.
    async fn in_time<T>(
        &self,
        context: &RequestContext<RoleServer>,
        allowance: &Allowance,
        work: impl Future<Output = T>,
    ) -> Result<T> {
        tokio::select! {
            done = Allowance::within(Some(allowance.clone()), work) => Ok(done),
            () = cancelled(context) => Err(Error::cancelled()),
            () = self.closing().cancelled() => Err(Error::cancelled()),
            () = self.is_due(allowance) => Err(took_too_long()),
        }
    }

    async fn run(
        &self,
        tool: &Row,
        request: CallToolRequestParams,
        context: &RequestContext<RoleServer>,
        stop: &CancellationToken,
    ) -> CallToolResponse {
        let app = match self.shared.current.app() {
            Ok(app) => app
                .asked_by(&asked_by(tool, context))
                .waiting(progress::patience(&app, context)),
            Err(error) => return reply::error(&error),
        };
        let call = Call::new(request, &app, context, stop, &self.shared.client);
        match (tool.work.run)(call).await {
            Ok(response) => response,
            Err(error) => reply::error(&error),
        }
    }

    /// The same in the time that a call has.
    async fn answer(
        &self,
        tool: &Row,
        request: CallToolRequestParams,
        context: &RequestContext<RoleServer>,
        allowance: &Allowance,
    ) -> CallToolResponse {
        let stop = self.closing().child_token();
        let response = self.run(tool, request, context, &stop);
        if tool.effect == Effect::ChangesMany {
            let _under_way = self.shared.lasting.token();
            let response = Allowance::within(Some(allowance.clone()), response);
            let stopped = async {
                tokio::select! {
                    () = cancelled(context) => {}
                    () = self.is_due(allowance) => {}
                }
            };
            return stopped_with(stopped, &stop, response).await;
        }
        let response = self.in_time(context, allowance, response).await;
        response.unwrap_or_else(|error| reply::error(&error))
    }
}

/// Of a call that had to wait for something other than an answer. A change
/// that was sent is seen through and is in the journal.
fn took_too_long() -> Error {
    Error::new(
        Code::Timeout,
        "the call took too long and was given up; if it changes something, it is not known here whether that was made",
        format!(
            "Look with {} what was made, before trying again.",
            Operation::ListChanges
        ),
    )
}

/// Sees a call through to its end, and tells it when it shall end.
async fn stopped_with(
    stopped: impl Future<Output = ()>,
    stop: &CancellationToken,
    call: impl Future<Output = CallToolResponse>,
) -> CallToolResponse {
    let mut call = std::pin::pin!(call);
    tokio::select! {
        response = &mut call => return response,
        () = stopped => stop.cancel(),
    }
    call.await
}

/// Who asks, for the journal: the client as it names itself, and the tool.
fn asked_by(tool: &Row, context: &RequestContext<RoleServer>) -> String {
    let tool = tool.name;
    match context.client_info() {
        Some(client) => format!("{} {} (tool {tool})", client.name, client.version),
        None => format!("an unnamed MCP client (tool {tool})"),
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let name = Implementation::new("skyswitch", env!("CARGO_PKG_VERSION"))
            .with_title("SkySwitch")
            .with_description(env!("CARGO_PKG_DESCRIPTION"));
        let capabilities = ServerCapabilities::builder()
            .enable_completions()
            .enable_prompts()
            .enable_resources()
            .enable_tools()
            .enable_skills()
            .build();
        let mut info = ServerConfig::new(capabilities).with_instructions(INSTRUCTIONS);
        info.server_info = name;
        info
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let definitions = self
            .shared
            .definitions
            .get_or_init(|| self.shared.tools.definitions());
        Ok(ListToolsResult::with_all_items(definitions.clone())
            .with_ttl_ms(LIFETIME_MS)
            .with_cache_scope(CacheScope::Private))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let tool = match self.shared.tools.find(&request.name) {
            Lookup::Offered(tool) => tool,
            Lookup::ReadOnly => return Ok(reply::error(&ops::read_only())),
            Lookup::Unknown => {
                let name = skyswitch_domain::redact::shown(&request.name, 64);
                return Err(ErrorData::invalid_params(
                    format!("unknown tool `{name}`; tools/list names those that exist"),
                    None,
                ));
            }
        };
        let (span, allowance) = self.traced(tool.name, &context);
        let answer = self.answer(tool, request, &context, &allowance);
        Ok(spans::measured(span, &allowance, answer, reply::ended).await)
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(prompts::list(&self.shared.tools))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        prompts::get(&self.shared.tools, request)
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(resources::list(&self.shared.tools))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(resources::templates(&self.shared.tools))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let app = self.shared.current.app();
        let app = app.as_deref().map_err(Clone::clone);
        // In its own place: every request, of whatever kind, would else be as large.
        let read = Box::pin(resources::read(app, &self.shared.tools, &request.uri));
        let (span, allowance) = self.traced("resources/read", &context);
        let read = self.in_time(&context, &allowance, read);
        let read = spans::measured(span, &allowance, read, reply::read).await;
        read.unwrap_or_else(|error| Err(resources::failure(&error, &request.uri)))
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let Shared {
            tools,
            domain_names,
            ..
        } = &*self.shared;
        let app = self.shared.current.app().ok();
        let app = app.as_deref();
        let completed =
            completion::complete(app, tools, domain_names, &request.r#ref, &request.argument);
        let (span, allowance) = self.traced("completion/complete", &context);
        let completed = self.in_time(&context, &allowance, completed);
        let completed = spans::measured(span, &allowance, completed, reply::read).await;
        completed.unwrap_or_else(|_| Ok(CompleteResult::default()))
    }

    async fn list_skills(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListSkillsResult, ErrorData> {
        Ok(skill::list())
    }

    async fn get_skill(
        &self,
        request: GetSkillRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetSkillResult, ErrorData> {
        skill::get(&request)
    }
}
