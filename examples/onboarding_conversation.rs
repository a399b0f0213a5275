//! An agent that takes a new customer through the setup, as a Rust MCP client.
//!
//! It does what a model should do: finds the domain, reads the checklist,
//! stops at what only people can do, prepares the VIP list, and leaves
//! consent to the person.
//!
//! ```sh
//! cargo run --example onboarding_conversation
//! cargo run --example onboarding_conversation -- /path/to/skyswitch   # another build
//! ```

#![expect(clippy::print_stdout, reason = "an example prints")]

use anyhow::{Context, Result};
use rmcp::model::{
    CallToolRequestParams, ClientCapabilities, ClientConfig, ElicitRequestParams, ElicitResult,
    ElicitationAction, Implementation, JsonObject,
};
use rmcp::service::{RequestContext, RunningService};
use rmcp::transport::TokioChildProcess;
use rmcp::{ClientHandler, ErrorData, RoleClient, ServiceExt};
use serde_json::{Value, json};
use tokio::process::Command;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    // The sandbox lasts in its state folder, and the customer is to be new.
    let state = tempfile::tempdir().context("a temporary folder cannot be made")?;
    let mut server = server_command();
    server.env("SKYSWITCH_STATE_DIR", state.path());
    let agent = Agent
        .serve(TokioChildProcess::new(server)?)
        .await
        .context("the server did not answer the handshake")?;

    let found = call(&agent, "list_domains", json!({"query": "bakery"})).await?;
    let domain = found["domains"][0]["domain"]
        .as_str()
        .context("the customer's domain is listed")?
        .to_owned();
    println!("customer: {domain}");

    // Everything that may be made now is one plan; the number waits for the rule.
    let arguments = json!({"domain": domain, "did": "6165550170", "fallback_destination": "100"});
    let onboarded = call(&agent, "onboard_domain", arguments.clone()).await?;
    for change in onboarded["changes"].as_array().into_iter().flatten() {
        println!("{}: {}", word(&change["state"]), word(&change["what"]));
    }

    let checklist = call(&agent, "setup_checklist", arguments).await?;
    for step in checklist["steps"].as_array().into_iter().flatten() {
        println!("  [{}] {}", word(&step["state"]), word(&step["title"]));
    }
    if checklist["ready"] == false {
        // The agent cannot see the rule, so it neither claims it nor goes on to the DID.
        println!("waits for people: {}", word(&checklist["next_step"]));
        println!(
            "ticket to send:   {}",
            word(&checklist["support_ticket"]["subject"])
        );
    }

    // Rules may be prepared meanwhile; they take effect once the number is routed.
    for (caller, extension) in [("616-555-0171", "101"), ("616-555-0172", "102")] {
        let vip = json!({"domain": domain, "ani": caller, "destination": extension});
        let added = call(&agent, "add_vip", vip).await?;
        println!("{}: {caller} -> {extension}", word(&added["status"]));
    }

    let second = json!({"domain": domain, "ani": "616-555-0172"});
    let removed = call(&agent, "remove_vip", second).await?;
    println!(
        "second thoughts about 616-555-0172: {}",
        word(&removed["status"])
    );

    let list = call(&agent, "list_vips", json!({"domain": domain})).await?;
    println!("VIPs now: {}", list["total"]);
    agent.cancel().await?;
    Ok(())
}

/// Calls a tool and returns its structured content.
async fn call(
    agent: &RunningService<RoleClient, Agent>,
    tool: &'static str,
    arguments: Value,
) -> Result<Value> {
    let arguments: JsonObject = arguments.as_object().cloned().unwrap_or_default();
    let request = CallToolRequestParams::new(tool).with_arguments(arguments);
    let result = agent.call_tool(request).await?;
    let content = result
        .structured_content
        .with_context(|| format!("{tool} answers with structured content"))?;
    if result.is_error == Some(true) {
        anyhow::bail!("{tool}: {}", content["error"]["message"]);
    }
    Ok(content)
}

fn server_command() -> Command {
    let mut command = match std::env::args_os().nth(1) {
        Some(program) => Command::new(program),
        None => {
            let mut cargo = Command::new(env!("CARGO"));
            cargo.args(["run", "--quiet", "--bin", "skyswitch", "--"]);
            cargo
        }
    };
    command.args(["mcp", "--sandbox"]);
    command
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}

/// The agent's client: passes forms on to its user, who here agrees to what
/// the form names. A real client shows the form and waits.
struct Agent;

impl ClientHandler for Agent {
    fn get_info(&self) -> ClientConfig {
        let capabilities = ClientCapabilities::builder().enable_elicitation().build();
        ClientConfig::new(
            capabilities,
            Implementation::new("onboarding-agent", "1.0.0"),
        )
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> std::result::Result<ElicitResult, ErrorData> {
        let mut asked_for = String::new();
        if let ElicitRequestParams::FormElicitationParams { message, .. } = request {
            for line in message.lines() {
                println!("  ? {line}");
            }
            // The last line names the value: "To agree, type the domain's name: …".
            asked_for = message.rsplit(": ").next().unwrap_or_default().to_owned();
        }
        println!("  [the person types {asked_for}]");
        Ok(
            ElicitResult::new(ElicitationAction::Accept)
                .with_content(json!({"confirm": asked_for})),
        )
    }
}
