//! `skyswitch demo`: a whole conversation with our own MCP server over real
//! pipes, against the sandbox, printed for people.

use std::fs::DirBuilder;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use rmcp::model::{
    CallToolRequestParams, ClientCapabilities, ClientConfig, ElicitRequestParams, ElicitResult,
    ElicitationAction, Implementation, JsonObject,
};
use rmcp::service::{RequestContext, RunningService};
use rmcp::{ClientHandler, ErrorData, RoleClient, ServiceExt};
use serde_json::{Value, json};
use tokio::process::Command;

use super::exit::Exit;
use super::output::Output;

/// A half-done customer of the sandbox: the domain exists, nothing else is known.
const HALF_DONE: &str = "sunrisebakery.12345.service";
/// A customer whose number goes to the VIP list, so that a new rule has an effect.
const CUSTOMER: &str = "lakesidedental.12345.service";
const CALLER: &str = "(616) 555-0177";

/// Holds the conversation, unless it is interrupted; either way it leaves nothing behind.
pub(super) async fn converse(output: &Output) -> Result<Exit> {
    tokio::select! {
        held = conversation(output) => held.map(|()| Exit::Done),
        _ = tokio::signal::ctrl_c() => Ok(Exit::Failed),
    }
}

async fn conversation(output: &Output) -> Result<()> {
    let program = std::env::current_exe().context("this program cannot be found")?;
    let folder = OwnFolder::new().context("a temporary folder cannot be made")?;
    let mut child = Command::new(program)
        .args(["mcp", "--sandbox"])
        .env("SKYSWITCH_STATE_DIR", &folder.0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("the server cannot be started")?;
    let (Some(answers), Some(requests)) = (child.stdout.take(), child.stdin.take()) else {
        anyhow::bail!("the server has no pipes");
    };
    output.text("$ skyswitch mcp --sandbox      (this program as MCP server, over pipes)\n")?;
    let client = User::default()
        .serve((answers, requests))
        .await
        .context("the server did not answer the handshake")?;
    let talk = Conversation {
        client: &client,
        output,
    };

    talk.call("list_domains", json!({})).await?;
    talk.call(
        "setup_checklist",
        json!({"domain": HALF_DONE, "fallback_destination": "100"}),
    )
    .await?;
    let vip = json!({"domain": CUSTOMER, "ani": CALLER, "destination": "101"});
    talk.call("add_vip", vip).await?;
    talk.call("list_vips", json!({"domain": CUSTOMER})).await?;

    let removal = json!({"domain": CUSTOMER, "ani": CALLER});
    client.service().will_answer(None);
    talk.call("remove_vip", removal.clone()).await?;
    client.service().will_answer(Some(CALLER));
    talk.call("remove_vip", removal).await?;
    talk.call("list_vips", json!({"domain": CUSTOMER})).await?;

    client.cancel().await?;
    child.wait().await?;
    output.text("The input ended, and so did the server. Nothing left this machine.")?;
    Ok(())
}

/// The state folder of this conversation, which leaves nothing behind.
struct OwnFolder(PathBuf);

impl OwnFolder {
    fn new() -> std::io::Result<OwnFolder> {
        let name = format!("skyswitch-demo-{:016x}", rand::random::<u64>());
        let path = std::env::temp_dir().join(name);
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path)?;
        Ok(OwnFolder(path))
    }
}

impl Drop for OwnFolder {
    fn drop(&mut self) {
        // What cannot be removed is left to the cleaning of temporary folders.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct Conversation<'a> {
    client: &'a RunningService<RoleClient, User>,
    output: &'a Output,
}

impl Conversation<'_> {
    async fn call(&self, tool: &'static str, arguments: Value) -> Result<()> {
        self.output.text(&format!("> {tool} {arguments}"))?;
        let arguments: JsonObject = arguments.as_object().cloned().unwrap_or_default();
        let request = CallToolRequestParams::new(tool).with_arguments(arguments);
        let result = self
            .client
            .call_tool(request)
            .await
            .with_context(|| format!("{tool} was not answered"))?;
        for question in self.client.service().questions_asked() {
            self.output.text(&indented("? ", &question))?;
        }
        let texts = result.content.iter().filter_map(|block| block.as_text());
        for text in texts {
            self.output.text(&indented("  ", &text.text))?;
        }
        self.output.text("")?;
        Ok(())
    }
}

/// The person in the demo: answers forms as told beforehand.
#[derive(Default)]
struct User {
    answer: Mutex<Option<String>>,
    asked: Mutex<Vec<String>>,
}

impl User {
    fn will_answer(&self, answer: Option<&str>) {
        *locked(&self.answer) = answer.map(str::to_owned);
    }

    fn questions_asked(&self) -> Vec<String> {
        std::mem::take(&mut *locked(&self.asked))
    }
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ClientHandler for User {
    fn get_info(&self) -> ClientConfig {
        let capabilities = ClientCapabilities::builder().enable_elicitation().build();
        let name = Implementation::new("skyswitch-demo", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(capabilities, name)
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> std::result::Result<ElicitResult, ErrorData> {
        let question = match request {
            ElicitRequestParams::FormElicitationParams { message, .. } => message,
            _ => String::new(),
        };
        let (reply, result) = match locked(&self.answer).clone() {
            Some(text) => (
                format!("[the person types {text}]"),
                ElicitResult::new(ElicitationAction::Accept)
                    .with_content(json!({ "confirm": text })),
            ),
            None => (
                "[the person closes the question]".to_owned(),
                ElicitResult::new(ElicitationAction::Cancel),
            ),
        };
        locked(&self.asked).push(format!("{question}\n{reply}"));
        Ok(result)
    }
}

fn indented(mark: &str, text: &str) -> String {
    text.lines()
        .map(|line| format!("{mark}{line}\n"))
        .collect::<String>()
}
