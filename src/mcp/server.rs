//! The server: identity, tool list, and one dispatch for every call.

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

use super::completion::{self, DomainNames};
use super::consent::{Consent, FormsFailed};
use super::progress::Notices;
use super::tools::{Lookup, ToolName, ToolSet};
use super::{arguments, prompts, reply, resources, setup_text, skill, text};
use crate::error::{Error, Result};
use crate::ops::{self, App, PageSize};

const INSTRUCTIONS: &str = include_str!("guide/instructions.md");

/// How long a client may keep the tool list; it cannot change while the process runs.
const TOOL_LIST_LIFETIME_MS: u64 = 3_600_000;

/// Rows that a list may have in one call.
const MOST_ROWS: usize = 5_000;
/// Rows of a plan that a result carries; the rest is counted.
const ROWS_SHOWN: PageSize = PageSize::Rows(200);

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
    forms_failed: FormsFailed,
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
                forms_failed: FormsFailed::default(),
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

    async fn run(
        &self,
        tool: ToolName,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
        stop: &CancellationToken,
    ) -> CallToolResponse {
        match self.dispatch(tool, request, &context, stop).await {
            Ok(response) => response,
            Err(error) => reply::error(&error),
        }
    }

    async fn dispatch(
        &self,
        tool: ToolName,
        request: CallToolRequestParams,
        context: &RequestContext<RoleServer>,
        stop: &CancellationToken,
    ) -> Result<CallToolResponse> {
        let app = self.shared.app.as_ref().map_err(Clone::clone)?;
        let app = &app.asked_by(&asked_by(tool, context));
        let CallToolRequestParams {
            arguments,
            request_state: state,
            input_responses: answers,
            ..
        } = request;
        let consent = |token| {
            let forms_failed = &self.shared.forms_failed;
            Consent::of_call(context, state, answers.as_ref(), token, forms_failed)
        };
        Ok(match tool {
            ToolName::ListVips => {
                let args: ops::ListVips = arguments::read(arguments)?;
                let size = PageSize::from_limit(args.limit)?;
                let list = ops::list_vips(app, &args, size).await?;
                reply::outcome(&list, text::vip_list(&list))
            }
            ToolName::ListDomains => {
                let args: ops::ListDomains = arguments::read(arguments)?;
                let size = PageSize::from_limit(args.limit)?;
                let list = ops::list_domains(app, &args, size).await?;
                reply::outcome(&list, text::domain_list(&list))
            }
            ToolName::ExplainCall => {
                let args: ops::ExplainCall = arguments::read(arguments)?;
                let call = ops::explain_call(app, &args).await?;
                reply::outcome(&call, text::explained(&call))
            }
            ToolName::ListChanges => {
                let args: ops::ListChanges = arguments::read(arguments)?;
                let size = PageSize::from_limit(args.limit)?;
                let list = ops::list_changes(app, &args, size).await?;
                reply::outcome(&list, text::change_list(&list))
            }
            ToolName::SetupChecklist => {
                let args: ops::SetupChecklist = arguments::read(arguments)?;
                let checklist = ops::setup_checklist(app, &args).await?;
                reply::outcome(&checklist, setup_text::checklist(&checklist))
            }
            ToolName::ListDestinations => {
                let args: ops::ListDestinations = arguments::read(arguments)?;
                let size = PageSize::from_limit(args.limit)?;
                let list = ops::list_destinations(app, &args, size).await?;
                reply::outcome(&list, setup_text::destinations(&list))
            }
            ToolName::OnboardingStatus => {
                let args: ops::ListCustomers = arguments::read(arguments)?;
                let size = PageSize::from_limit(args.limit)?;
                let notices = Notices::of_call(context);
                let portfolio = ops::onboarding_status(app, &args, size, &notices).await;
                notices.finish().await;
                let portfolio = portfolio?;
                reply::outcome(&portfolio, setup_text::portfolio(&portfolio))
            }
            ToolName::MarkSetupStep => {
                let args: ops::MarkSetupStep = arguments::read(arguments)?;
                let consent = consent(None);
                reply::asked(
                    ops::mark_setup_step(app, &args, &consent.channel()).await,
                    setup_text::marked,
                )
            }
            ToolName::OnboardDomain => {
                let mut args: ops::OnboardDomain = arguments::read(arguments)?;
                let token = args.confirmation.take();
                let consent = consent(token);
                reply::asked(
                    ops::onboard_domain(app, &args, &consent.channel()).await,
                    setup_text::onboarded,
                )
            }
            ToolName::AddVip => {
                let mut args: ops::AddVip = arguments::read(arguments)?;
                let token = args.confirmation.take();
                let consent = consent(token);
                reply::asked(
                    ops::add_vip(app, &args, &consent.channel()).await,
                    text::added,
                )
            }
            ToolName::RemoveVip => {
                let mut args: ops::RemoveVip = arguments::read(arguments)?;
                let token = args.confirmation.take();
                let consent = consent(token);
                reply::asked(
                    ops::remove_vip(app, &args, &consent.channel()).await,
                    text::removed,
                )
            }
            ToolName::SyncVips => {
                let mut args: ops::SyncVips = arguments::read(arguments)?;
                let token = args.confirmation.take();
                let consent = consent(token);
                let notices = Notices::of_call(context);
                let session = ops::SyncSession {
                    channel: &consent.channel(),
                    progress: &notices,
                    stop,
                    most_rows: Some(MOST_ROWS),
                };
                let list = args.list.take();
                let synced =
                    ops::sync_vips(app, &args, list.as_deref().map(str::as_bytes), &session).await;
                notices.finish().await;
                reply::asked(
                    synced.map(|asked| asked.map(|done| done.cut_to(ROWS_SHOWN))),
                    text::synced,
                )
            }
            ToolName::UndoChange => {
                let mut args: ops::UndoChange = arguments::read(arguments)?;
                let token = args.confirmation.take();
                let consent = consent(token);
                reply::asked(
                    ops::undo_change(app, &args, &consent.channel()).await,
                    text::undone,
                )
            }
        })
    }
}

/// Sees a call through to its end, and tells it when the request is cancelled:
/// an import that is just dropped would leave rules lost that it puts back.
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
fn asked_by(tool: ToolName, context: &RequestContext<RoleServer>) -> String {
    let tool = tool.as_str();
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
        let mut list = ListToolsResult::with_all_items(definitions.clone());
        list.ttl_ms = Some(TOOL_LIST_LIFETIME_MS);
        list.cache_scope = Some(CacheScope::Private);
        Ok(list)
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
                let name = crate::redact::shown(&request.name, 64);
                return Err(ErrorData::invalid_params(
                    format!("unknown tool `{name}`; tools/list names those that exist"),
                    None,
                ));
            }
        };
        let cancelled = context.ct.clone();
        let stop = self.closing().child_token();
        let response = self.run(tool, request, context, &stop);
        if tool == ToolName::SyncVips {
            let _under_way = self.shared.lasting.token();
            return Ok(stopped_with(&cancelled, &stop, response).await);
        }
        tokio::select! {
            response = response => Ok(response),
            () = cancelled.cancelled() => Ok(reply::error(&Error::cancelled())),
            () = stop.cancelled() => Ok(reply::error(&Error::cancelled())),
        }
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
        tokio::select! {
            read = resources::read(app, &self.shared.tools, &request.uri) => read,
            () = context.ct.cancelled() => Err(resources::failure(&Error::cancelled(), &request.uri)),
            () = self.closing().cancelled() => Err(resources::failure(&Error::cancelled(), &request.uri)),
        }
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
        tokio::select! {
            completed = completion::complete(app, tools, domain_names, &request.r#ref, &request.argument) => completed,
            () = context.ct.cancelled() => Ok(CompleteResult::default()),
            () = self.closing().cancelled() => Ok(CompleteResult::default()),
        }
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
