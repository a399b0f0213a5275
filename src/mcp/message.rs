//! What a line from the client is: a message, or the answer that says why it
//! is none. Clients write the same thing in several ways; what is clear is read.

use std::collections::HashSet;

use rmcp::model::{
    CallToolRequestParams, ClientJsonRpcMessage, ClientRequest, CompleteRequestParams, ErrorCode,
    ErrorData, GetPromptRequestParams, GetSkillRequestParams, InitializeRequestParams,
    JsonRpcError, JsonRpcMessage, PaginatedRequestParams, ReadResourceRequestParams, RequestId,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::id_scan::IdScan;
use super::repeated::first_repeated;
use skyswitch_domain::redact::shown;

/// What a line is.
pub(super) enum Line {
    Message(Box<ClientJsonRpcMessage>),
    /// No message; the client is told why.
    Refused(Value),
    /// Nothing that wants an answer: an empty line, or an answer nobody waits for.
    Nothing,
}

/// Reads a line of a client that was `asked` these and has not answered yet.
pub(super) fn read(line: &[u8], asked: &HashSet<RequestId>) -> Line {
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
    let line = line.trim_ascii();
    if line.is_empty() {
        return Line::Nothing;
    }
    match serde_json::from_slice(line) {
        Ok(Value::Object(message)) => match given_twice(line, &message) {
            Some(refused) => refused,
            None => of_object(message, asked),
        },
        Ok(_) => invalid(
            Value::Null,
            "a message is one JSON object on a line of its own",
        ),
        Err(error) => {
            let mut scan = IdScan::default();
            scan.feed(line);
            Line::Refused(no_json(&scan, &format!("the line is no JSON: {error}")))
        }
    }
}

/// The answer to a line that cannot be read as JSON, under the id it was seen to have.
pub(super) fn no_json(scan: &IdScan, why: &str) -> Value {
    refusal(scan.id(), ErrorCode::PARSE_ERROR, why)
}

/// The refusal of a tool call that gives something twice: which one is meant
/// nobody knows.
fn given_twice(line: &[u8], message: &Map<String, Value>) -> Option<Line> {
    let is_call = message
        .get("method")
        .is_some_and(|method| method == "tools/call");
    let id = message.get("id").cloned().filter(|_| is_call).map(whole)?;
    let written = message
        .get("params")
        .and_then(|params| params.get("arguments"));
    let arguments = written.and_then(Value::as_str).unwrap_or_default();
    let name = first_repeated(line).or_else(|| first_repeated(arguments.as_bytes()))?;
    let why = format!("`{}` is given twice", shown(&name, 100));
    let can_be_answered = id.is_string() || id.is_i64();
    can_be_answered.then(|| Line::Refused(refusal(id, ErrorCode::INVALID_PARAMS, &why)))
}

fn of_object(mut message: Map<String, Value>, asked: &HashSet<RequestId>) -> Line {
    let Some(method) = message.get("method").cloned() else {
        return answer(message, asked);
    };
    let id = message.get("id").cloned().map(whole);
    if let Some(id) = &id {
        if !(id.is_string() || id.is_i64()) {
            return invalid(Value::Null, "`id` is no text and no whole number");
        }
        message.insert("id".to_owned(), id.clone());
    }
    let is_request = id.is_some();
    let id = id.unwrap_or_default();
    let Some(method) = method.as_str() else {
        return invalid(id, "`method` is no text");
    };
    if message.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return invalid(id, "`jsonrpc` is not \"2.0\"");
    }
    if let Some(params) = message.get_mut("params") {
        in_one_form(method, params);
    }
    let message = Value::Object(message);
    let read = ClientJsonRpcMessage::deserialize(&message);
    let is_understood = match &read {
        Ok(JsonRpcMessage::Request(request)) => {
            !matches!(request.request, ClientRequest::CustomRequest(_))
        }
        read => read.is_ok(),
    };
    if is_request
        && !is_understood
        && let Some(problem) = problem(method, message.get("params"))
    {
        return Line::Refused(refusal(id, ErrorCode::INVALID_PARAMS, &problem));
    }
    match read {
        Ok(message) => Line::Message(Box::new(message)),
        Err(_) if is_request => invalid(id, "the message is neither a request nor an answer"),
        // A notification that is not understood wants no answer.
        Err(_) => Line::Nothing,
    }
}

/// An answer of the client to something it was asked. One that is not understood
/// is an error: whoever asked is not left waiting for another.
fn answer(mut message: Map<String, Value>, asked: &HashSet<RequestId>) -> Line {
    let id = message.get("id").cloned().unwrap_or_default();
    // Some write down both members and leave one empty.
    for (empty, other) in [("error", "result"), ("result", "error")] {
        if message.contains_key(other) && message.get(empty).is_some_and(Value::is_null) {
            message.remove(empty);
        }
    }
    let is_answer = message.contains_key("result") || message.contains_key("error");
    if let Ok(answer) = ClientJsonRpcMessage::deserialize(Value::Object(message)) {
        return Line::Message(Box::new(answer));
    }
    match asked_under(&id, asked) {
        Some(id) => {
            let why = "an answer in an unknown form";
            let error = ErrorData::new(ErrorCode::INTERNAL_ERROR, why, None);
            let error = JsonRpcMessage::Error(JsonRpcError::new(Some(id), error));
            Line::Message(Box::new(error))
        }
        None if is_answer => Line::Nothing,
        None => invalid(id, "`method` is missing"),
    }
}

/// The request that an answer is about, whose id some write as text.
fn asked_under(id: &Value, asked: &HashSet<RequestId>) -> Option<RequestId> {
    let id = whole(id.clone());
    let number = id.as_i64().or_else(|| id.as_str()?.trim().parse().ok())?;
    asked.get(&RequestId::Number(number)).cloned()
}

/// The refusal of a request under an id whose first request is not answered yet.
pub(super) fn id_under_way(id: &RequestId) -> Line {
    let why = "a request with this id is under way: an id is used again only after its answer";
    invalid(id.clone().into_json_value(), why)
}

fn invalid(id: Value, why: &str) -> Line {
    Line::Refused(refusal(id, ErrorCode::INVALID_REQUEST, why))
}

/// An error as an answer. It carries an id always: where none could be read, null.
fn refusal(id: Value, code: ErrorCode, why: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code.0, "message": why}})
}

/// What is wrong with the parameters of a method that exists.
fn problem(method: &str, params: Option<&Value>) -> Option<String> {
    match method {
        "initialize" => in_params::<InitializeRequestParams>(params),
        "tools/call" => in_params::<CallToolRequestParams>(params),
        "prompts/get" => in_params::<GetPromptRequestParams>(params),
        "resources/read" => in_params::<ReadResourceRequestParams>(params),
        "completion/complete" => in_params::<CompleteRequestParams>(params),
        "skills/get" => in_params::<GetSkillRequestParams>(params),
        "ping"
        | "server/discover"
        | "tools/list"
        | "prompts/list"
        | "resources/list"
        | "resources/templates/list"
        | "skills/list" => {
            params.and_then(|params| in_params::<PaginatedRequestParams>(Some(params)))
        }
        _ => None,
    }
}

fn in_params<T: DeserializeOwned>(params: Option<&Value>) -> Option<String> {
    let Some(params) = params else {
        return Some("`params` is missing".to_owned());
    };
    if !params.is_object() {
        return Some("`params` is no object".to_owned());
    }
    match serde_path_to_error::deserialize::<_, T>(params) {
        Ok(_) => Some("`params` is not accepted".to_owned()),
        Err(error) => {
            let path = match error.path().to_string() {
                whole if whole == "." => "params".to_owned(),
                path => format!("params.{path}"),
            };
            let why = shown(&error.into_inner().to_string(), 200);
            Some(format!("`{path}` is not accepted: {why}"))
        }
    }
}

/// Brings what clients write differently into the one form that is read.
fn in_one_form(method: &str, params: &mut Value) {
    // Some languages write an empty map as an empty list.
    as_map(params);
    let Some(params) = params.as_object_mut() else {
        return;
    };
    if let Some(meta) = params.get_mut("_meta") {
        as_map(meta);
        if let Some(capabilities) = meta.get_mut("io.modelcontextprotocol/clientCapabilities") {
            as_maps(capabilities);
        }
        if let Some(client) = meta.get_mut("io.modelcontextprotocol/clientInfo") {
            name_client(client);
        }
    }
    match method {
        "initialize" => {
            as_maps(params.entry("capabilities").or_insert_with(|| json!({})));
            name_client(params.entry("clientInfo").or_insert_with(|| json!({})));
        }
        "tools/call" => {
            if let Some(arguments) = params.get_mut("arguments") {
                let read = arguments.as_str().map(serde_json::from_str);
                if let Some(Ok(read @ (Value::Object(_) | Value::Null))) = read {
                    *arguments = read;
                }
                with_whole_numbers(arguments);
            }
        }
        _ => {}
    }
}

fn as_map(value: &mut Value) {
    if value.as_array().is_some_and(Vec::is_empty) {
        *value = json!({});
    }
}

fn as_maps(value: &mut Value) {
    as_map(value);
    value
        .as_object_mut()
        .into_iter()
        .flat_map(Map::values_mut)
        .for_each(as_maps);
}

/// Gives a client a name and a version where it leaves them out: they are only shown.
fn name_client(client: &mut Value) {
    if !client.is_object() {
        *client = json!({});
    }
    for (part, unknown) in [("name", "an unnamed client"), ("version", "unknown")] {
        if !client[part].is_string() {
            client[part] = json!(unknown);
        }
    }
}

/// `5.0` is the integer 5: some languages know no other numbers.
fn with_whole_numbers(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(with_whole_numbers),
        Value::Object(members) => members.values_mut().for_each(with_whole_numbers),
        Value::Number(_) => *value = whole(value.take()),
        _ => {}
    }
}

/// The largest whole number to which every smaller one has a float of its own.
const EXACT: f64 = 9_007_199_254_740_992.0;

fn whole(value: Value) -> Value {
    match value.as_f64() {
        Some(number) if value.is_f64() && number.fract() == 0.0 && number.abs() < EXACT => {
            json!(number as i64)
        }
        _ => value,
    }
}
