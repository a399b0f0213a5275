//! The server: identity, lists, and the way of every call.

use std::sync::{Arc, OnceLock};

use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CompleteRequestParams, CompleteResult,
    GetPromptRequestParams, GetPromptResponse, GetSkillRequestParams, GetSkillResult,
    Implementation, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
    ListSkillsResult, ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams,
    ReadResourceResponse, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::call::Call;
use super::completion::{self, DomainNames};
use super::consent::Client;
use super::tool_table::{Effect, Row};
use super::tools::{Lookup, ToolSet};
use super::{LIFETIME_MS, prompts, reply, resources, skill};
use crate::app::App;
use crate::ops;
use skyswitch_domain::error::{Error, Result};

const INSTRUCTIONS: &str = include_str!("guide/instructions.md");

/// The MCP server of one process.
#[derive(Clone)]
pub struct Server {
    shared: Arc<Shared>,
}

struct Shared {
    /// Unusable settings do not keep the server from starting; calls report them.
    app: Result<Arc<App>>,
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
                app,
                tools,
                definitions: OnceLock::new(),
                domain_names: DomainNames::default(),
                client: Client::default(),
                closing: CancellationToken::new(),
                lasting: TaskTracker::new(),
            }),
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
        if let Ok(app) = &self.shared.app {
            app.settled().await;
        }
    }

    /// Sets up TLS beside the handshake, so that the first call need not wait for it.
    pub(super) fn warm_up(&self) {
        if let Ok(app) = &self.shared.app {
            let app = Arc::clone(app);
            drop(tokio::task::spawn_blocking(move || app.warm_up()));
        }
    }

    /// What a request comes to, if it is neither cancelled nor cut off by the
    /// server's end before that.
    async fn unless_ended<T>(
        &self,
        context: &RequestContext<RoleServer>,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = context.ct.cancelled() => None,
            () = self.closing().cancelled() => None,
        }
    }

    async fn run(
        &self,
        tool: &Row,
        request: CallToolRequestParams,
        context: &RequestContext<RoleServer>,
        stop: &CancellationToken,
    ) -> CallToolResponse {
        let app = match &self.shared.app {
            Ok(app) => app.asked_by(&asked_by(tool, context)),
            Err(error) => return reply::error(error),
        };
        let call = Call::new(request, &app, context, stop, &self.shared.client);
        match (tool.work.run)(call).await {
            Ok(response) => response,
            Err(error) => reply::error(&error),
        }
    }
}

/// Sees a call through to its end, and tells it when the request is cancelled.
async fn stopped_with(
    cancelled: &CancellationToken,
    stop: &CancellationToken,
    call: impl Future<Output = CallToolResponse>,
) -> CallToolResponse {
    let mut call = std::pin::pin!(call);
    tokio::select! {
        response = &mut call => return response,
        () = cancelled.cancelled() => stop.cancel(),
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
        let stop = self.closing().child_token();
        let response = self.run(tool, request, &context, &stop);
        if tool.effect == Effect::ChangesMany {
            let _under_way = self.shared.lasting.token();
            return Ok(stopped_with(&context.ct, &stop, response).await);
        }
        let response = self.unless_ended(&context, response).await;
        Ok(response.unwrap_or_else(|| reply::error(&Error::cancelled())))
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
        let app = self.shared.app.as_deref().map_err(Clone::clone);
        let read = resources::read(app, &self.shared.tools, &request.uri);
        let read = self.unless_ended(&context, read).await;
        read.unwrap_or_else(|| Err(resources::failure(&Error::cancelled(), &request.uri)))
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
        let app = self.shared.app.as_deref().ok();
        let completed =
            completion::complete(app, tools, domain_names, &request.r#ref, &request.argument);
        let completed = self.unless_ended(&context, completed).await;
        completed.unwrap_or_else(|| Ok(CompleteResult::default()))
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
