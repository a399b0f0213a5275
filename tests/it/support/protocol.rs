//! JSON-RPC line by line: [`Wire`] is an MCP client that sees everything.

use std::collections::{BTreeMap, HashSet};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::process::Child;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::process::{Home, PATIENCE};
use super::schemas::assert_fits;

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
        let stderr = child.stderr.take();
        Wire {
            child,
            input: Some(input),
            output: BufReader::new(output),
            stderr: tokio::spawn(async move {
                let mut text = String::new();
                if let Some(mut stderr) = stderr {
                    let _ = stderr.read_to_string(&mut text).await;
                }
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
        self.send_bytes(line.as_bytes()).await;
    }

    /// Sends a line that need not be text.
    pub async fn send_bytes(&mut self, line: &[u8]) {
        let input = self.input.as_mut().expect("the input is still open");
        input.write_all(line).await.unwrap();
        input.write_all(b"\n").await.unwrap();
        input.flush().await.unwrap();
    }

    /// The next message, whatever it is.
    pub async fn next(&mut self) -> Value {
        self.wait_for(|_| true).await
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

    /// Calls a tool, and types whatever its form asks for.
    pub async fn agreed(&mut self, tool: &str, arguments: &Value) -> Value {
        let id = self.post_call(tool, arguments.clone()).await;
        let answer = self.answer_or_form(id).await;
        if answer["method"] == "elicitation/create" {
            let typed = typed_as_asked(&answer["params"]);
            self.send(json!({"jsonrpc": "2.0", "id": answer["id"], "result": typed}))
                .await;
            return self.result_of(id).await;
        }
        let result = answer["result"].clone();
        let Some(state) = result.get("requestState") else {
            return result;
        };
        let typed = typed_as_asked(&result["inputRequests"]["confirm"]["params"]);
        self.call_with(tool, arguments.clone(), state, Some(typed))
            .await
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

    /// The answer to a request, or the form that is shown before it.
    pub async fn answer_or_form(&mut self, id: u64) -> Value {
        self.wait_for(|message| {
            let is_answer = message["id"] == id && message.get("method").is_none();
            is_answer || message["method"] == "elicitation/create"
        })
        .await
    }

    /// The next answer to any request.
    pub async fn any_answer(&mut self) -> Value {
        self.wait_for(|message| message.get("method").is_none())
            .await
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

/// The answer of a person who types what a form asks for.
fn typed_as_asked(form: &Value) -> Value {
    let value = asked_for(form["message"].as_str().unwrap());
    json!({"action": "accept", "content": {"confirm": value}})
}

/// What a preview asks a person to type.
pub fn asked_for(preview: &str) -> &str {
    let mut lines = preview.lines();
    let demand = lines.find(|line| line.starts_with("To agree, type "));
    demand.unwrap().split_once(": ").unwrap().1
}

/// Ids of the answers among these messages.
pub fn answered(messages: &[Value]) -> HashSet<u64> {
    let answers = messages
        .iter()
        .filter(|message| message.get("method").is_none());
    answers.filter_map(|answer| answer["id"].as_u64()).collect()
}
