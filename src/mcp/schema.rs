//! Schemas in the part of JSON Schema that every client understands: no
//! `$ref`, no `$defs`, no type arrays, no number formats.

use rmcp::model::JsonObject;
use schemars::generate::{Contract, SchemaSettings};
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

/// Schema of a tool's arguments, without descriptions: those of the types are
/// written for the command line, and [`explain`] adds those for tools. The bounds of
/// a number are left out, too: who is outside of them is told them.
pub(super) fn input<T: JsonSchema>() -> JsonObject {
    let mut arguments = portable::<T>(Contract::Deserialize);
    without(&["description", "maximum", "minimum"], &mut arguments);
    arguments
}

/// Schema of a tool's result: the names and types of its own fields and of the
/// fields of its rows. The list of all tools is one line that clients read with
/// a limit.
///
/// Some clients check failures against the output schema too, so nothing is
/// required: `{"error": …}` fits every one of them.
pub(super) fn output<T: JsonSchema>() -> JsonObject {
    let mut outcome = portable::<T>(Contract::Serialize);
    without(&["description", "minimum", "required"], &mut outcome);
    for field in fields(&mut outcome) {
        match field.get_mut("items").and_then(Value::as_object_mut) {
            Some(row) => fields(row).for_each(leave_parts_out),
            None => leave_parts_out(field),
        }
    }
    outcome
}

fn leave_parts_out(field: &mut JsonObject) {
    field.remove("properties");
}

/// Says what arguments mean.
pub(super) fn explain(schema: &mut JsonObject, explained: &[(&str, &str)]) {
    for (name, meaning) in explained {
        if let Some(Value::Object(property)) = properties(schema).and_then(|all| all.get_mut(*name))
        {
            property.insert("description".to_owned(), json!(meaning));
        }
    }
}

/// Takes a property out of a schema.
pub(super) fn leave_out(schema: &mut JsonObject, name: &str) {
    if let Some(properties) = properties(schema) {
        properties.remove(name);
    }
}

fn properties(schema: &mut JsonObject) -> Option<&mut JsonObject> {
    schema.get_mut("properties")?.as_object_mut()
}

fn fields(schema: &mut JsonObject) -> impl Iterator<Item = &mut JsonObject> {
    let all = properties(schema)
        .into_iter()
        .flat_map(JsonObject::values_mut);
    all.filter_map(Value::as_object_mut)
}

/// Removes keywords at every depth. A property may have the name of a keyword,
/// too; its schema is an object, which no such keyword is.
fn without(keywords: &[&str], schema: &mut JsonObject) {
    schema.retain(|name, value| value.is_object() || !keywords.contains(&name.as_str()));
    for value in schema.values_mut() {
        if let Value::Object(inner) = value {
            without(keywords, inner);
        }
    }
}

fn portable<T: JsonSchema>(contract: Contract) -> JsonObject {
    let mut settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    });
    settings.contract = contract;
    let schema = settings
        .with_transform(Portable)
        .into_generator()
        .into_root_schema_for::<T>();
    match Value::from(schema) {
        Value::Object(mut object) => {
            // The type's own name and doc line say nothing to a client.
            object.remove("title");
            object.remove("description");
            object
        }
        _ => JsonObject::new(),
    }
}

/// Rewrites what some clients cannot read.
#[derive(Clone)]
struct Portable;

impl Transform for Portable {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(object) = schema.as_object_mut() else {
            return;
        };
        unwrap_nullable(object);
        flatten_enumeration(object);
        let format = object.get("format").and_then(Value::as_str);
        let numbers = ["int", "uint", "float", "double"];
        if format.is_some_and(|format| numbers.iter().any(|kind| format.starts_with(kind))) {
            object.remove("format");
        }
        if object.get("default") == Some(&Value::Null) {
            object.remove("default");
        }
    }
}

/// `T or null` becomes `T`: optional values are left out, never null.
fn unwrap_nullable(object: &mut JsonObject) {
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(words)) = object.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
    let Some(Value::Array(choices)) = object.get("anyOf") else {
        return;
    };
    let null = json!({"type": "null"});
    let others: Vec<&Value> = choices.iter().filter(|choice| **choice != null).collect();
    if let ([Value::Object(only)], true) = (others.as_slice(), choices.contains(&null)) {
        let only = only.clone();
        object.remove("anyOf");
        for (name, value) in only {
            object.entry(name).or_insert(value);
        }
    }
}

/// Documented variants come as `oneOf` of constants; clients want a plain `enum`.
fn flatten_enumeration(object: &mut JsonObject) {
    let Some(Value::Array(variants)) = object.get("oneOf") else {
        return;
    };
    let words: Option<Vec<Value>> = variants
        .iter()
        .map(|variant| match variant.get("enum") {
            Some(Value::Array(words)) => Some(words.clone()),
            _ => variant.get("const").map(|word| vec![word.clone()]),
        })
        .collect::<Option<Vec<_>>>()
        .map(|lists| lists.concat());
    if let Some(words) = words.filter(|words| words.iter().all(Value::is_string)) {
        object.remove("oneOf");
        object.insert("type".to_owned(), json!("string"));
        // A field may take fewer words than its type has.
        object.entry("enum").or_insert(Value::Array(words));
    }
}
