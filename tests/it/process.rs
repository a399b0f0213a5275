//! The `skyswitch` binary as others meet it: a process with arguments, an
//! environment and pipes.
//!
//! [`Home`] is one user's surroundings, [`Wire`] speaks JSON-RPC line by line,
//! [`Client`] is a whole MCP client with a [`Person`] behind it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail like tests"
)]

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResult, ClientCapabilities, ClientConfig, ElicitRequestParams,
    ElicitResult, ElicitationAction, Implementation, ProtocolVersion,
};
use rmcp::service::{
    ClientLifecycleMode, ClientServiceExt, RequestContext, RunningService, ServiceError,
};
use rmcp::{ClientHandler, ErrorData, RoleClient};
use serde_json::{Value, json};
use skyswitch_mcp::sandbox::{self, Recorded, Sandbox, StoredRoute, Tenant};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::schemas::assert_fits;

/// Nothing here takes this long, also on a busy machine; whoever waits longer
/// waits for ever.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// A server that waits for a request that is never answered ends later than
/// this: such a request fails after 20 seconds and may be repeated after that.
pub const PROMPT: Duration = Duration::from_secs(15);

/// The customer most tests work on, from the sandbox's demo tenant.
pub const DOMAIN: &str = "lakesidedental.12345.service";
/// A caller with one rule there, as stored.
pub const CALLER: &str = "16165550123";
/// The same caller as a person writes it.
pub const CALLER_AS_WRITTEN: &str = "(616) 555-0123";
/// Another caller with one rule there.
pub const OTHER_CALLER: &str = "16165550124";

pub async fn demo_sandbox() -> Arc<Sandbox> {
    sandbox_of(Tenant::demo()).await
}

pub async fn sandbox_of(tenant: Tenant) -> Arc<Sandbox> {
    Arc::new(Sandbox::start(0, tenant).await.expect("a free port"))
}

/// What the service received, without logins.
pub fn received(sandbox: &Sandbox) -> Vec<String> {
    let requests = sandbox.requests();
    let calls = requests.iter().filter(|seen| seen.path != "/oauth/token");
    calls.map(method_and_end).collect()
}

/// The changes the service received.
pub fn writes(sandbox: &Sandbox) -> Vec<Recorded> {
    let mut requests = sandbox.requests();
    requests.retain(|seen| !matches!(seen.method.as_str(), "GET" | "POST"));
    requests
}

pub fn logins(sandbox: &Sandbox) -> usize {
    let requests = sandbox.requests();
    requests.iter().filter(|seen| seen.method == "POST").count()
}

pub fn stored(sandbox: &Sandbox, ani: &str) -> Vec<StoredRoute> {
    let mut routes = sandbox.routes();
    routes.retain(|route| route.domain == DOMAIN && route.ani == ani);
    routes
}

fn method_and_end(seen: &Recorded) -> String {
    let end = seen.path.rsplit('/').next().unwrap_or_default();
    format!("{} {end}", seen.method)
}

/// Waits until something holds that another process brings about.
pub async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let waited = timeout(PATIENCE, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    waited
        .await
        .unwrap_or_else(|_| panic!("never happened: {what}"));
}

/// Sends a signal, such as `INT`, to a process.
pub async fn signal(child: &Child, name: &str) {
    let id = child.id().expect("the process runs");
    let sent = Command::new("/bin/sh")
        .args(["-c", &format!("kill -{name} {id}")])
        .status();
    assert!(sent.await.expect("a shell").success());
}

/// One user's surroundings: a home folder, a state folder, an environment.
pub struct Home {
    folder: TempDir,
    variables: BTreeMap<String, String>,
}

impl Home {
    /// Without credentials.
    pub fn bare() -> Home {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name).display().to_string();
        let variables = BTreeMap::from([
            ("HOME".to_owned(), path("home")),
            ("PATH".to_owned(), "/usr/bin:/bin".to_owned()),
            ("SKYSWITCH_STATE_DIR".to_owned(), path("state")),
        ]);
        Home { folder, variables }
    }

    /// With the credentials of a sandbox in the environment.
    pub fn of(sandbox: &Sandbox) -> Home {
        Home::bare()
            .with("SKYSWITCH_BASE_URL", sandbox.base_url())
            .with("SKYSWITCH_ACCOUNT_ID", sandbox::ACCOUNT_ID)
            .with("SKYSWITCH_CLIENT_ID", sandbox::CLIENT_ID)
            .with("SKYSWITCH_CLIENT_SECRET", sandbox::CLIENT_SECRET)
            .with("SKYSWITCH_USERNAME", sandbox::USERNAME)
            .with("SKYSWITCH_PASSWORD", sandbox::PASSWORD)
    }

    pub fn with(mut self, name: &str, value: &str) -> Home {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    pub fn without(mut self, name: &str) -> Home {
        self.variables.remove(name);
        self
    }

    /// Writes the config file where it is looked for by default.
    pub fn with_config(self, content: &str) -> Home {
        self.write("home/.config/skyswitch/config.json", content);
        self
    }

    /// Writes a private file below this home.
    pub fn write(&self, name: &str, content: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// `skyswitch ARGUMENTS` in these surroundings and no others.
    pub fn command<A: AsRef<str>>(&self, arguments: &[A]) -> Command {
        self.program(env!("CARGO_BIN_EXE_skyswitch"), arguments)
    }

    fn program<A: AsRef<str>>(&self, program: &str, arguments: &[A]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments.iter().map(AsRef::as_ref))
            .env_clear()
            .envs(&self.variables)
            .current_dir(self.path())
            .kill_on_drop(true);
        command
    }

    /// Runs a command line to its end, with nobody at the terminal.
    pub async fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = self.command(arguments);
        command.stdin(Stdio::null());
        let output = timeout(PATIENCE, command.output())
            .await
            .unwrap_or_else(|_| panic!("did not end: {arguments:?}"))
            .expect("the binary runs");
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        }
    }

    /// Runs a command line at a terminal of its own and types `reply` once
    /// `prompt` shows. None where the system cannot give it a terminal.
    pub async fn run_at_terminal(
        &self,
        arguments: &[&str],
        prompt_and_reply: Option<(&str, &str)>,
    ) -> Option<Ran> {
        if !Path::new("/usr/bin/script").exists() {
            return None;
        }
        let words = arguments.iter().map(|word| format!(" '{word}'"));
        let line = env!("CARGO_BIN_EXE_skyswitch").to_owned() + &words.collect::<String>();
        let mut command = self.program("/usr/bin/script", &["-qec", &line, "/dev/null"]);
        let mut child = command
            .env("TERM", "xterm")
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`script` runs");
        let mut keyboard = child.stdin.take().unwrap();
        let mut screen = child.stdout.take().unwrap();
        let conversation = async {
            let mut shown = Vec::new();
            let mut awaited = prompt_and_reply;
            let mut piece = [0; 4096];
            loop {
                let length = screen.read(&mut piece).await.unwrap_or(0);
                if length == 0 {
                    break;
                }
                shown.extend_from_slice(&piece[..length]);
                let text = String::from_utf8_lossy(&shown);
                if let Some((_, reply)) = awaited.filter(|(prompt, _)| text.contains(prompt)) {
                    awaited = None;
                    keyboard.write_all(reply.as_bytes()).await.unwrap();
                    keyboard.write_all(b"\r").await.unwrap();
                    keyboard.flush().await.unwrap();
                }
            }
            assert!(
                awaited.is_none(),
                "never asked: {}",
                String::from_utf8_lossy(&shown)
            );
            let status = child.wait().await.unwrap();
            (status, String::from_utf8_lossy(&shown).into_owned())
        };
        let (status, stdout) = timeout(PATIENCE, conversation)
            .await
            .unwrap_or_else(|_| panic!("did not end: {arguments:?}"));
        Some(Ran {
            code: status.code().unwrap_or(-1),
            stdout,
            stderr: String::new(),
        })
    }
}

/// A command that has ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Stdout, which must be one JSON document.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The error on stderr, which must be one JSON document.
    pub fn json_error(&self) -> Value {
        let document: Value =
            serde_json::from_str(&self.stderr).unwrap_or_else(|_| panic!("no JSON: {self:?}"));
        document["error"].clone()
    }
}

/// Which handshake a client makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// `initialize`; questions come during the call.
    Legacy,
    /// `server/discover` and self-contained requests; questions come as results.
    Modern,
}

pub const ERAS: [Era; 2] = [Era::Legacy, Era::Modern];
pub const MODERN: &str = "2026-07-28";
pub const LEGACY: &str = "2025-11-25";

/// An MCP client that sees every line.
pub struct Wire {
    pub child: Child,
    input: Option<Box<dyn AsyncWrite + Unpin + Send>>,
    output: BufReader<Box<dyn AsyncRead + Unpin + Send>>,
    stderr: JoinHandle<String>,
    /// What every modern request says of the client.
    meta: Option<Value>,
    /// Read while waiting for another message.
    early: Vec<Value>,
    /// The tools that were called, by the id of the request.
    called: BTreeMap<u64, String>,
    /// All of stdout.
    pub seen: Vec<String>,
    last_id: u64,
}

/// How a server process ended.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    /// Messages that had not been read before.
    pub rest: Vec<Value>,
    pub stdout: String,
    pub stderr: String,
}

impl Wire {
    /// Starts `skyswitch mcp ARGUMENTS` and says nothing yet.
    pub fn start(home: &Home, arguments: &[&str]) -> Wire {
        let mut command = home.command(&[&["mcp"], arguments].concat());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let input = Box::new(child.stdin.take().unwrap());
        let output = Box::new(child.stdout.take().unwrap());
        Wire::over(child, input, output)
    }

    /// Speaks to a child over streams of the caller's choice.
    pub fn over(
        mut child: Child,
        input: Box<dyn AsyncWrite + Unpin + Send>,
        output: Box<dyn AsyncRead + Unpin + Send>,
    ) -> Wire {
        let mut stderr = child.stderr.take().expect("stderr is piped");
        Wire {
            child,
            input: Some(input),
            output: BufReader::new(output),
            stderr: tokio::spawn(async move {
                let mut text = String::new();
                let _ = stderr.read_to_string(&mut text).await;
                text
            }),
            meta: None,
            early: Vec::new(),
            called: BTreeMap::new(),
            seen: Vec::new(),
            last_id: 0,
        }
    }

    /// Starts a server and makes the handshake of the era, as a client that
    /// can show forms or not.
    pub async fn ready(home: &Home, arguments: &[&str], era: Era, has_forms: bool) -> Wire {
        let mut wire = Wire::start(home, arguments);
        wire.shake_hands(era, has_forms).await;
        wire
    }

    pub async fn shake_hands(&mut self, era: Era, has_forms: bool) {
        let capabilities = match has_forms {
            true => json!({"elicitation": {"form": {}}}),
            false => json!({}),
        };
        match era {
            Era::Legacy => {
                self.initialize(LEGACY, capabilities).await;
            }
            Era::Modern => {
                self.become_modern(capabilities);
                self.request("server/discover", json!({})).await;
            }
        }
    }

    /// From here on every request carries what the modern revision asks for.
    pub fn become_modern(&mut self, capabilities: Value) {
        self.meta = Some(json!({
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": capabilities,
            "io.modelcontextprotocol/clientInfo": {"name": "wire", "version": "1"},
        }));
    }

    /// The legacy handshake; returns the server's part of it.
    pub async fn initialize(&mut self, revision: &str, capabilities: Value) -> Value {
        let params = json!({
            "protocolVersion": revision,
            "capabilities": capabilities,
            "clientInfo": {"name": "wire", "version": "1"},
        });
        let answer = self.request("initialize", params).await;
        self.send(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
            .await;
        answer["result"].clone()
    }

    pub async fn send_line(&mut self, line: &str) {
        let input = self.input.as_mut().expect("the input is still open");
        input.write_all(line.as_bytes()).await.unwrap();
        input.write_all(b"\n").await.unwrap();
        input.flush().await.unwrap();
    }

    pub async fn send(&mut self, message: Value) {
        self.send_line(&message.to_string()).await;
    }

    /// Sends a request and returns its id at once.
    pub async fn post(&mut self, method: &str, mut params: Value) -> u64 {
        self.last_id += 1;
        for (name, value) in self.meta.iter().filter_map(Value::as_object).flatten() {
            params["_meta"][name] = value.clone();
        }
        let id = self.last_id;
        if let (true, Some(tool)) = (method == "tools/call", params["name"].as_str()) {
            self.called.insert(id, tool.to_owned());
        }
        self.send(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
            .await;
        id
    }

    /// Sends a request and waits for its answer, result or error.
    pub async fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.post(method, params).await;
        self.answer_to(id).await
    }

    pub async fn post_call(&mut self, tool: &str, arguments: Value) -> u64 {
        let params = json!({"name": tool, "arguments": arguments});
        self.post("tools/call", params).await
    }

    /// Calls a tool and returns its result.
    pub async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let id = self.post_call(tool, arguments).await;
        self.result_of(id).await
    }

    /// Calls a tool and asks for notices of its progress.
    pub async fn call_with_progress(
        &mut self,
        tool: &str,
        arguments: Value,
        progress_token: &str,
    ) -> Value {
        let meta = json!({ "progressToken": progress_token });
        let params = json!({"name": tool, "arguments": arguments, "_meta": meta});
        let id = self.post("tools/call", params).await;
        self.result_of(id).await
    }

    /// Calls a tool again with what answers its question (modern).
    pub async fn call_with(
        &mut self,
        tool: &str,
        arguments: Value,
        state: &Value,
        answer: Option<Value>,
    ) -> Value {
        let mut params = json!({"name": tool, "arguments": arguments, "requestState": state});
        if let Some(answer) = answer {
            params["inputResponses"] = json!({ "confirm": answer });
        }
        let id = self.post("tools/call", params).await;
        self.result_of(id).await
    }

    pub async fn result_of(&mut self, id: u64) -> Value {
        let answer = self.answer_to(id).await;
        assert!(answer.get("result").is_some(), "no result: {answer}");
        answer["result"].clone()
    }

    /// The answer to a request; a tool's result is of its published form.
    pub async fn answer_to(&mut self, id: u64) -> Value {
        let answer = self
            .wait_for(|message| message["id"] == id && message.get("method").is_none())
            .await;
        let content = answer.pointer("/result/structuredContent");
        if let (Some(tool), Some(content)) = (self.called.get(&id), content) {
            Box::pin(assert_fits(tool, content)).await;
        }
        answer
    }

    /// The next request of the server with this method.
    pub async fn asked(&mut self, method: &str) -> Value {
        self.wait_for(|message| message["method"] == method && message.get("id").is_some())
            .await
    }

    /// The next notification with this method.
    pub async fn notified(&mut self, method: &str) -> Value {
        self.wait_for(|message| message["method"] == method && message.get("id").is_none())
            .await
    }

    async fn wait_for(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        if let Some(found) = self.early.iter().position(&fits) {
            return self.early.remove(found);
        }
        loop {
            let message = timeout(PATIENCE, self.receive())
                .await
                .unwrap_or_else(|_| panic!("no answer; so far: {:#?}", self.seen))
                .unwrap_or_else(|| panic!("the output ended; so far: {:#?}", self.seen));
            if fits(&message) {
                return message;
            }
            self.early.push(message);
        }
    }

    /// The next line of stdout, which must be a JSON-RPC message.
    async fn receive(&mut self) -> Option<Value> {
        let mut line = String::new();
        let length = self.output.read_line(&mut line).await.ok()?;
        if length == 0 {
            return None;
        }
        self.seen.push(line.trim_end().to_owned());
        let message: Value = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("stdout has a line that is no JSON ({error}): {line}"));
        assert_eq!(message["jsonrpc"], "2.0", "no JSON-RPC message: {line}");
        let is_answer = message.get("result").is_some() != message.get("error").is_some();
        assert!(
            is_answer || message.get("method").is_some(),
            "no JSON-RPC message: {line}"
        );
        Some(message)
    }

    pub fn close_input(&mut self) {
        self.input = None;
    }

    /// Waits for the end of the process.
    pub async fn ended_within(mut self, limit: Duration) -> Ended {
        let mut rest = std::mem::take(&mut self.early);
        let end = async {
            while let Some(message) = self.receive().await {
                rest.push(message);
            }
            self.child.wait().await.unwrap()
        };
        let status = timeout(limit, end)
            .await
            .unwrap_or_else(|_| panic!("the process still runs after {limit:?}"));
        Ended {
            status,
            rest,
            stdout: self.seen.join("\n"),
            stderr: self.stderr.await.unwrap(),
        }
    }

    /// Closes the input and waits for the end.
    pub async fn finish(mut self) -> Ended {
        self.close_input();
        self.ended_within(PATIENCE).await
    }
}

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

/// Ids of the answers among these messages.
pub fn answered(messages: &[Value]) -> HashSet<u64> {
    let answers = messages
        .iter()
        .filter(|message| message.get("method").is_none());
    answers.filter_map(|answer| answer["id"].as_u64()).collect()
}
