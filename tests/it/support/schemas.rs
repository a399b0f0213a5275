//! The published form of results: whatever a test sees of a tool is checked
//! against the tool's output schema.

use std::collections::BTreeMap;

use jsonschema::Validator;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::process::Home;
use super::protocol::{Era, Wire};

/// Fails where a result is not of its tool's published form, or holds a field
/// that is not in it.
pub async fn assert_fits(tool: &str, content: &Value) {
    static SCHEMAS: OnceCell<BTreeMap<String, Validator>> = OnceCell::const_new();
    let schemas = SCHEMAS.get_or_init(published).await;
    let faults: Vec<String> = schemas[tool]
        .iter_errors(content)
        .map(|fault| format!("{} at {}", fault, fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{tool}: {faults:?}: {content}");
}

/// The output schemas as a server lists them, closed to fields that they do not name.
async fn published() -> BTreeMap<String, Validator> {
    // Mode `token` has one field more than the others.
    let arguments = ["--confirm", "token"];
    let mut wire = Wire::ready(&Home::bare(), &arguments, Era::Legacy, false).await;
    let answer = wire.request("tools/list", json!({})).await;
    let tools = answer["result"]["tools"]
        .as_array()
        .expect("a list of tools");
    let schemas = tools.iter().map(|tool| {
        let mut schema = tool["outputSchema"].clone();
        close(&mut schema);
        schema["properties"]["error"] = json!({"type": "object"});
        let name = tool["name"].as_str().expect("a name").to_owned();
        (
            name,
            jsonschema::validator_for(&schema).expect("a JSON schema"),
        )
    });
    schemas.collect()
}

fn close(schema: &mut Value) {
    if let Value::Object(object) = schema {
        object.values_mut().for_each(close);
        if object.get("properties").is_some_and(Value::is_object) && object.contains_key("type") {
            object.insert("additionalProperties".to_owned(), json!(false));
        }
    }
}
