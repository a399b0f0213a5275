//! Nothing that an answer says survives in its skeleton.

use bytes::Bytes;
use proptest::prelude::*;
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::json;

use super::super::answer::Api;
use super::classes::is_known_field;
use super::*;

fn answer(body: String, headers: HeaderMap) -> Answer {
    Answer {
        api: Api::Telco,
        asked: "GET accounts".to_owned(),
        body: Bytes::from(body),
        status: 200,
        request_id: None,
        headers,
        samples: None,
    }
}

fn skeleton(value: &Value) -> Skeleton {
    Skeleton::of(&answer(value.to_string(), HeaderMap::new()))
}

/// What an answer may say: names, numbers, tokens, addresses.
fn said() -> impl Strategy<Value = String> {
    prop_oneof![
        "[QXZ][qxzjvkw]{4,12}",
        "[QXZ][qxzjvkw]{3,9} [QXZ][qxzjvkw]{3,9}",
        "[2-9][0-9]{4,11}",
        "1[2-9][0-9]{9}",
        "[qxz][qxz0-9]{20,60}",
        "[qxz]{4,9}\\.[2-9][0-9]{4}\\.service",
        "[qxz]{4,9}@[qxz]{4,9}\\.com",
        "user:[qxz]{4,9}",
        "sip:[2-9][0-9]{6}@[qxz]{4,9}\\.net",
    ]
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        said().prop_map(Value::from),
        (10_000_u64..99_999_999_999).prop_map(Value::from),
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
    ]
}

/// Records, maps whose keys are data, and lists of either.
fn tree() -> impl Strategy<Value = Value> {
    let field = prop_oneof![Just("ani"), Just("destination"), Just("name"), Just("data")];
    leaf().prop_recursive(4, 40, 6, move |inner| {
        let field = field.clone().prop_map(str::to_owned);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(field, inner.clone(), 0..4).prop_map(|map| json!(map)),
            prop::collection::btree_map(said(), inner.clone(), 0..4).prop_map(|map| json!(map)),
            // Data among fields, as where a person's name is a key beside `total`.
            (inner.clone(), inner.clone(), inner, said()).prop_map(
                |(first, second, third, key)| {
                    json!({ "ani": first, "domain": second, (key): third })
                }
            ),
        ]
    })
}

/// Everything that a value says: its texts and numbers, and keys that are data.
fn everything_said(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => found.push(number.to_string()),
        Value::String(text) => found.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|value| everything_said(value, found)),
        Value::Object(fields) => {
            for (key, value) in fields {
                if !is_known_field(key) {
                    found.push(key.clone());
                }
                everything_said(value, found);
            }
        }
    }
}

proptest! {
    #[test]
    fn nothing_that_an_answer_says_is_in_its_skeleton(value in tree(), secret in said()) {
        let mut headers = HeaderMap::new();
        for name in ["link", "x-ratelimit-policy", "ratelimit", "x-next-cursor", "x-pagination", "content-type"] {
            let value = HeaderValue::from_str(&format!("<https://x/?{secret}={secret}>; pk=\"{secret}\"")).unwrap();
            headers.insert(HeaderName::from_static(name), value);
        }
        headers.insert("x-request-id", HeaderValue::from_str(&secret).unwrap());
        let told = Skeleton::of(&answer(value.to_string(), headers));
        let told = serde_json::to_string(&told).unwrap();
        let mut all_said = vec![secret];
        everything_said(&value, &mut all_said);
        for said in all_said {
            for part in said.split(|c: char| !c.is_alphanumeric()).filter(|part| part.len() >= 4) {
                let is_word_of_the_api = ["user", "service"].contains(&part);
                prop_assert!(is_word_of_the_api || !told.contains(part), "{part} is in {told}");
            }
        }
        prop_assert!(told.len() < 2 * LONGEST_FORM);
    }
}

#[test]
fn a_list_of_rules_is_told_by_its_forms() {
    let row = |ani: &str| json!({"ani": ani, "destination": "user:101", "domain": "acme.12345.service", "dnis": null});
    let list = json!({"data": [row("16165550123"), row("16165550124"), row("*")], "total": 3});
    let form = |ani: &str| json!({"ani": ani, "destination": "user:NNN", "domain": "name.NNNNN.service", "dnis": null});
    assert_eq!(
        skeleton(&list).body,
        json!({
            "data": [
                {"times": 2, "form": form("1NNNNNNNNNN")},
                {"times": 1, "form": form("*")},
            ],
            "total": "number N",
        })
    );
}

#[test]
fn keys_that_are_data_are_classes_also_beside_fields() {
    let users = json!({
        "101": {"user": "101", "rings": "16165550123", "domain": "acme.12345.service"},
        "maya": {"user": "maya", "rings": "101", "domain": "acme.12345.service"},
    });
    let told = skeleton(&users).body;
    assert_eq!(told["<NNN>"][0]["form"]["rings"], "1NNNNNNNNNN", "{told}");
    assert_eq!(told["<word>"][0]["form"]["rings"], "NNN", "{told}");
    let beside = json!({"ani": "1", "domain": "x", "user": "1", "Lindgren": "101", "Maya": "102"});
    let told = skeleton(&beside).body.to_string();
    assert!(
        !told.contains("Lindgren") && !told.contains("Maya"),
        "{told}"
    );
}

#[test]
fn a_skeleton_has_a_largest_size_and_limits_keep_their_figures() {
    let many = (0..300).map(|n| (format!("name_{n}"), json!([[[["x".repeat(50)]]]])));
    let wide: Value = Value::Object(many.collect());
    assert!(skeleton(&json!([wide])).body.to_string().len() <= LONGEST_FORM);
    assert_eq!(
        limits("60, 1800;w=3600, \"maya\";q=60"),
        "60, 1800;w=3600, word;q=60"
    );
    assert_eq!(header("x-ratelimit-limit", "60").as_deref(), Some("60"));
    assert_eq!(header("x-request-id", "60"), None);
    assert_eq!(links("<https://x/?page=2>; rel=\"next\""), "url ?page next");
}
