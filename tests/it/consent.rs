//! Who may agree to a destructive change, how, and to what.

use std::sync::Arc;

use rmcp::model::{ElicitResult, ElicitationAction};
use serde_json::{Value, json};
use skyswitch_mcp::sandbox::{Sandbox, StoredRoute, Tenant};

use crate::support::client::{Client, Person, accept, types};
use crate::support::process::{
    CALLER, CALLER_AS_WRITTEN, DOMAIN, Home, OTHER_CALLER, demo_sandbox, received, sandbox_of,
    stored, writes,
};
use crate::support::protocol::{ERAS, Era, Wire};

fn removal() -> Value {
    json!({"ani": CALLER_AS_WRITTEN, "domain": DOMAIN})
}

fn replacement() -> Value {
    json!({"ani": CALLER_AS_WRITTEN, "domain": DOMAIN, "destination": "777"})
}

fn rule(destination: &str) -> StoredRoute {
    StoredRoute::new(DOMAIN, CALLER, destination)
}

fn code_of(result: &Value) -> &str {
    let error = &result["structuredContent"]["error"];
    error["code"]
        .as_str()
        .unwrap_or_else(|| panic!("no failure: {result}"))
}

fn status_of(result: &Value) -> &str {
    let status = &result["structuredContent"]["status"];
    status
        .as_str()
        .unwrap_or_else(|| panic!("no status: {result}"))
}

fn typed(text: &str) -> Option<Value> {
    Some(json!({"action": "accept", "content": {"confirm": text}}))
}

/// The question a modern call returned.
fn state_of(result: &Value) -> Value {
    assert_eq!(result["resultType"], "input_required", "{result}");
    assert!(result["requestState"].is_string(), "{result}");
    result["requestState"].clone()
}

/// Asserts that the service was read and never written to.
fn only_reads(sandbox: &Sandbox) {
    let received = received(sandbox);
    assert!(!received.is_empty(), "the route was not even read");
    assert!(
        received.iter().all(|call| call.starts_with("GET ")),
        "{received:?}"
    );
}

#[tokio::test]
async fn the_number_typed_in_any_writing_removes_the_rule() {
    for era in ERAS {
        for writing in [
            CALLER,
            CALLER_AS_WRITTEN,
            "+1 616-555-0123",
            "616.555.0123",
            " 6165550123 ",
        ] {
            let sandbox = demo_sandbox().await;
            let person = Person::who_answers(types(writing));
            let client = Client::start(&Home::of(&sandbox), &[], era, person).await;
            let outcome = client.call("remove_vip", removal()).await;
            assert_eq!(outcome["status"], "removed", "{era:?} {writing}: {outcome}");
            assert_eq!(outcome["vip"]["ani"], CALLER);
            assert_eq!(stored(&sandbox, CALLER), []);
            let [sent] = writes(&sandbox).try_into().unwrap();
            assert_eq!(sent.method, "DELETE");
            assert_eq!(sent.parameter("ani"), Some(CALLER));
            assert_eq!(sent.parameter("domain"), Some(DOMAIN));
        }
    }
}

#[tokio::test]
async fn the_form_asks_for_one_text_without_default_and_shows_what_changes() {
    for era in ERAS {
        let sandbox = demo_sandbox().await;
        let person = Person::who_answers(types(CALLER));
        let client = Client::start(&Home::of(&sandbox), &[], era, person).await;
        client.call("add_vip", replacement()).await;
        let [question] = client.questions().try_into().unwrap();
        for fact in ["Replace", "+1 616-555-0123", DOMAIN, "101", "777"] {
            assert!(question.contains(fact), "{fact} is missing: {question}");
        }
        let today = question.find("101").unwrap();
        assert!(today < question.find("777").unwrap(), "{question}");
        let form = client.form();
        assert_eq!(form["required"], json!(["confirm"]));
        let fields = form["properties"].as_object().unwrap();
        assert_eq!(fields.len(), 1, "{form}");
        assert_eq!(fields["confirm"]["type"], "string");
        assert!(fields["confirm"].get("default").is_none(), "{form}");
        assert!(fields["confirm"].get("enum").is_none(), "{form}");
    }
}

#[tokio::test]
async fn anything_but_the_typed_number_is_no_consent_and_nothing_is_sent() {
    let refusals = [
        (
            "another number of JSON",
            accept(json!({"confirm": 16_165_550_124_u64})),
        ),
        ("an empty text", types("")),
        ("a blank text", types("  ")),
        ("a bare yes", types("yes")),
        ("the word true", types("true")),
        ("the domain", types(DOMAIN)),
        ("another number", types(OTHER_CALLER)),
        ("a part of the number", types("5550123")),
        ("the number and more", types("16165550123 16165550124")),
        ("a decline", ElicitResult::new(ElicitationAction::Decline)),
        (
            "a decline with the number",
            ElicitResult::new(ElicitationAction::Decline).with_content(json!({"confirm": CALLER})),
        ),
        ("a cancel", ElicitResult::new(ElicitationAction::Cancel)),
    ];
    let sandbox = demo_sandbox().await;
    let before = sandbox.routes();
    for era in ERAS {
        for (name, answer) in &refusals {
            // Who closes a form has not said no.
            let (status, asked) = match answer.action {
                ElicitationAction::Cancel => ("no_answer", 1),
                ElicitationAction::Accept => ("wrong_value", 3),
                _ => ("declined", 1),
            };
            let person = Person::who_answers(answer.clone());
            let client = Client::start(&Home::of(&sandbox), &[], era, person).await;
            for (tool, arguments) in [("remove_vip", removal()), ("add_vip", replacement())] {
                let outcome = client.call(tool, arguments).await;
                assert_eq!(outcome["status"], status, "{era:?} {name}: {outcome}");
            }
            assert_eq!(client.questions().len(), 2 * asked, "{era:?} {name}");
        }
    }
    only_reads(&sandbox);
    assert_eq!(sandbox.routes(), before);
}

#[tokio::test]
async fn a_stored_value_that_is_no_number_is_typed_as_listed() {
    for era in ERAS {
        for (answer, status) in [("anonymous", "removed"), ("616-555-0123", "wrong_value")] {
            let tenant = Tenant::demo().route(StoredRoute::new(DOMAIN, "anonymous", "300"));
            let sandbox = sandbox_of(tenant).await;
            let person = Person::who_answers(types(answer));
            let client = Client::start(&Home::of(&sandbox), &[], era, person).await;
            let arguments = json!({"ani": "anonymous", "domain": DOMAIN});
            let outcome = client.call("remove_vip", arguments).await;
            assert_eq!(outcome["status"], status, "{outcome}");
            let left = stored(&sandbox, "anonymous").len();
            assert_eq!(left, usize::from(status != "removed"));
        }
    }
}

#[tokio::test]
async fn replacing_needs_consent_and_sends_the_new_destination() {
    for era in ERAS {
        let sandbox = demo_sandbox().await;
        let person = Person::who_answers(types(CALLER));
        let client = Client::start(&Home::of(&sandbox), &[], era, person).await;
        let outcome = client.call("add_vip", replacement()).await;
        assert_eq!(outcome["status"], "replaced", "{outcome}");
        assert_eq!(outcome["previous"]["destination"], "101");
        assert_eq!(outcome["vip"]["destination"], "777");
        let [route] = stored(&sandbox, CALLER).try_into().unwrap();
        assert_eq!(route.destination, "777");
    }
}

#[tokio::test]
async fn what_destroys_nothing_asks_nobody() {
    for era in ERAS {
        let sandbox = demo_sandbox().await;
        let person = Person::who(|| panic!("asked for nothing"));
        let client = Client::start(&Home::of(&sandbox), &[], era, person).await;
        let same = json!({"ani": CALLER, "domain": DOMAIN, "destination": "user:101"});
        let outcome = client.call("add_vip", same).await;
        assert_eq!(outcome["status"], "unchanged", "{outcome}");
        let nobody = json!({"ani": "616-555-0199", "domain": DOMAIN});
        let outcome = client.call("remove_vip", nobody).await;
        assert_eq!(outcome["status"], "not_found", "{outcome}");
        only_reads(&sandbox);
        let new = json!({"ani": "616-555-0199", "domain": DOMAIN, "destination": "101"});
        let outcome = client.call("add_vip", new).await;
        assert_eq!(outcome["status"], "created", "{outcome}");
        assert!(client.questions().is_empty());
    }
}

#[tokio::test]
async fn a_client_without_forms_is_told_how_a_person_approves() {
    for era in ERAS {
        let sandbox = demo_sandbox().await;
        let client = Client::start(&Home::of(&sandbox), &[], era, Person::without_forms()).await;
        let outcome = client.call("remove_vip", removal()).await;
        assert_eq!(outcome["status"], "confirmation_required", "{outcome}");
        let code = outcome["approval_code"].as_str().unwrap();
        assert_eq!(code.len(), 9, "{code}");
        let expires_at: jiff::Timestamp = outcome["expires_at"].as_str().unwrap().parse().unwrap();
        let left = expires_at.duration_since(jiff::Timestamp::now()).as_secs();
        assert!((200..=300).contains(&left), "{left} seconds");
        let preview = outcome["preview"].as_str().unwrap();
        for fact in ["+1 616-555-0123", DOMAIN, "101"] {
            assert!(preview.contains(fact), "{fact} is missing: {preview}");
        }
        let command = format!("skyswitch approve {code}");
        let next_step = outcome["next_step"].as_str().unwrap();
        assert!(next_step.contains(&command), "{outcome}");
        assert!(outcome.get("confirmation").is_none(), "{outcome}");
        // Asking again asks for the same thing.
        let again = client.call("remove_vip", removal()).await;
        assert_eq!(again["approval_code"], code);
        only_reads(&sandbox);
    }
}

#[tokio::test]
async fn a_token_is_worth_nothing_where_people_confirm() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let mut unattended = Wire::ready(&home, &["--confirm", "token"], Era::Legacy, false).await;
    let result = unattended.call("remove_vip", removal()).await;
    let token = result["structuredContent"]["confirmation"].clone();
    assert!(token.is_string(), "{result}");
    let mut with_token = removal();
    with_token["confirmation"] = token;
    for era in ERAS {
        let mut wire = Wire::ready(&home, &[], era, false).await;
        let result = wire.call("remove_vip", with_token.clone()).await;
        assert_eq!(code_of(&result), "confirmation_invalid");
        // A client with forms asks its person; the token is no answer.
        let mut wire = Wire::ready(&home, &[], era, true).await;
        match era {
            Era::Legacy => {
                wire.post_call("remove_vip", with_token.clone()).await;
                wire.asked("elicitation/create").await;
            }
            Era::Modern => {
                let result = wire.call("remove_vip", with_token.clone()).await;
                state_of(&result);
            }
        }
    }
    only_reads(&sandbox);
}

/// What clients bring back that claim forms and cannot show them, or answer them
/// by themselves: nobody has typed or decided anything.
fn failed_forms() -> [Value; 12] {
    let accepted = |content: Value| json!({"result": {"action": "accept", "content": content}});
    [
        json!({"error": {"code": -32601, "message": "Method not found"}}),
        json!({"result": {}}),
        json!({"result": {"action": "later"}}),
        json!({"result": {"content": {"confirm": CALLER}}}),
        json!({"result": {"action": "accept"}}),
        accepted(Value::Null),
        accepted(json!({})),
        accepted(json!([])),
        accepted(json!({"ani": CALLER})),
        accepted(json!({"confirm": null})),
        accepted(json!({"confirm": true})),
        accepted(json!({"confirm": [CALLER]})),
    ]
}

/// Calls a tool and lets its form fail in this way.
async fn call_with_failed_form(
    wire: &mut Wire,
    era: Era,
    arguments: Value,
    mut failure: Value,
) -> Value {
    match era {
        Era::Legacy => {
            let id = wire.post_call("remove_vip", arguments).await;
            let asked = wire.asked("elicitation/create").await;
            failure["jsonrpc"] = json!("2.0");
            failure["id"] = asked["id"].clone();
            wire.send(failure).await;
            wire.result_of(id).await
        }
        Era::Modern => {
            let asked = wire.call("remove_vip", arguments.clone()).await;
            let state = state_of(&asked);
            // Only results are brought back here, so an error is wrapped in one.
            let response = failure.get("result").unwrap_or(&failure).clone();
            wire.call_with("remove_vip", arguments, &state, Some(response))
                .await
        }
    }
}

#[tokio::test]
async fn a_form_that_the_client_cannot_show_gives_way_to_the_approval_code() {
    for era in ERAS {
        for failure in failed_forms() {
            let sandbox = demo_sandbox().await;
            let mut wire = Wire::ready(&Home::of(&sandbox), &[], era, true).await;
            let case = format!("{era:?} {failure}");
            let result = call_with_failed_form(&mut wire, era, removal(), failure).await;
            assert_eq!(status_of(&result), "confirmation_required", "{case}");
            let offer = &result["structuredContent"];
            let code = offer["approval_code"].as_str().unwrap();
            let next_step = offer["next_step"].as_str().unwrap();
            for fact in ["could not show", &format!("skyswitch approve {code}")] {
                assert!(next_step.contains(fact), "{case}: {next_step}");
            }
            // No further form: the next call is answered at once, under the same code.
            let again = wire.call("remove_vip", removal()).await;
            assert_eq!(again["structuredContent"]["approval_code"], code, "{case}");
            let forms = wire
                .seen
                .iter()
                .filter(|line| line.contains("elicitation/create"));
            assert_eq!(forms.count(), 1, "{case}");
            only_reads(&sandbox);
        }
    }
}

#[tokio::test]
async fn an_answer_in_a_broken_form_is_taken_for_a_failed_form_at_once() {
    let error = json!({"code": -32601, "message": "Method not found"});
    let broken = [
        json!({"jsonrpc": "2.0"}),
        json!({"error": error}),
        json!({"jsonrpc": "1.0", "error": error}),
        json!({"jsonrpc": "2.0", "result": {"action": "decline"}, "error": error}),
        json!({"jsonrpc": "2.0", "result": null, "error": error}),
        json!({"jsonrpc": "2.0", "result": null}),
        json!({"jsonrpc": "2.0", "result": "declined"}),
        json!({"jsonrpc": "2.0", "error": "Method not found"}),
        json!({"jsonrpc": "2.0", "error": {"code": "ELICITATION_FAILED", "message": "no"}}),
        json!({"jsonrpc": "2.0", "error": {"code": -32601.5, "message": "no"}}),
        json!({"jsonrpc": "2.0", "error": {"message": ["no"]}}),
    ];
    for mut failure in broken {
        let sandbox = demo_sandbox().await;
        let mut wire = Wire::ready(&Home::of(&sandbox), &[], Era::Legacy, true).await;
        let id = wire.post_call("remove_vip", removal()).await;
        let asked = wire.asked("elicitation/create").await;
        failure["id"] = asked["id"].clone();
        wire.send(failure.clone()).await;
        let result = wire.result_of(id).await;
        assert_eq!(status_of(&result), "confirmation_required", "{failure}");
        let code = &result["structuredContent"]["approval_code"];
        assert!(code.is_string(), "{failure}: {result}");
        // An answer that belongs to nothing is still told from one.
        wire.send(json!({"jsonrpc": "2.0", "id": 4711})).await;
        let told = wire.any_answer().await;
        assert_eq!(told["error"]["code"], -32600, "{told}");
        only_reads(&sandbox);
    }
}

#[tokio::test]
async fn a_form_that_fails_in_token_mode_gives_way_to_the_token() {
    for era in ERAS {
        let [failure, ..] = failed_forms();
        let sandbox = demo_sandbox().await;
        let home = Home::of(&sandbox).with("SKYSWITCH_CONFIRM", "token");
        let mut wire = Wire::ready(&home, &[], era, true).await;
        let result = call_with_failed_form(&mut wire, era, removal(), failure.clone()).await;
        assert_eq!(status_of(&result), "confirmation_required");
        let offer = &result["structuredContent"];
        assert!(offer.get("approval_code").is_none(), "{offer}");
        let mut confirmed = removal();
        confirmed["confirmation"] = offer["confirmation"].clone();
        only_reads(&sandbox);

        // Another session has to fail once more before the token counts there.
        let mut other = Wire::ready(&home, &[], era, true).await;
        let result = call_with_failed_form(&mut other, era, confirmed.clone(), failure).await;
        assert_eq!(status_of(&result), "removed", "{era:?}");
        let result = wire.call("remove_vip", confirmed).await;
        assert_eq!(status_of(&result), "not_found", "{era:?}");
    }
}

#[tokio::test]
async fn an_answered_form_counts_although_another_one_failed() {
    let sandbox = demo_sandbox().await;
    let mut wire = Wire::ready(&Home::of(&sandbox), &[], Era::Modern, true).await;
    let asked = wire.call("remove_vip", removal()).await;
    let state = state_of(&asked);
    let other = json!({"ani": OTHER_CALLER, "domain": DOMAIN});
    let failed = call_with_failed_form(&mut wire, Era::Modern, other, json!({})).await;
    assert_eq!(status_of(&failed), "confirmation_required");
    let result = wire
        .call_with("remove_vip", removal(), &state, typed(CALLER))
        .await;
    assert_eq!(status_of(&result), "removed");
}

#[tokio::test]
async fn a_form_is_withdrawn_when_its_call_is_cancelled() {
    let sandbox = demo_sandbox().await;
    let list = "ani,destination\n(616) 555-0123,777\n";
    let import = json!({"domain": DOMAIN, "list": list});
    for (tool, arguments) in [("remove_vip", removal()), ("sync_vips", import)] {
        let mut wire = Wire::ready(&Home::of(&sandbox), &[], Era::Legacy, true).await;
        let id = wire.post_call(tool, arguments).await;
        let form = wire.asked("elicitation/create").await;
        let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
            "params": {"requestId": id, "reason": "enough"}});
        wire.send(cancel).await;
        let withdrawn = wire.notified("notifications/cancelled").await;
        assert_eq!(withdrawn["params"]["requestId"], form["id"], "{tool}");
    }
    only_reads(&sandbox);
}

#[tokio::test]
async fn a_modern_call_returns_the_question_and_acts_on_the_answer_once() {
    let sandbox = demo_sandbox().await;
    let mut wire = Wire::ready(&Home::of(&sandbox), &[], Era::Modern, true).await;
    let asked = wire.call("remove_vip", removal()).await;
    let state = state_of(&asked);
    let form = &asked["inputRequests"]["confirm"];
    assert_eq!(form["method"], "elicitation/create", "{asked}");
    assert_eq!(
        form["params"]["requestedSchema"]["required"],
        json!(["confirm"])
    );
    only_reads(&sandbox);

    let answer = typed(CALLER_AS_WRITTEN);
    let result = wire
        .call_with("remove_vip", removal(), &state, answer.clone())
        .await;
    assert_eq!(status_of(&result), "removed");
    assert_eq!(writes(&sandbox).len(), 1);

    // The same rule exists again, and somebody sends the old answer again.
    sandbox.put_route(rule("101"));
    let result = wire
        .call_with("remove_vip", removal(), &state, answer)
        .await;
    assert_eq!(code_of(&result), "confirmation_invalid");
    assert_eq!(writes(&sandbox).len(), 1);
    assert_eq!(stored(&sandbox, CALLER).len(), 1);
}

#[tokio::test]
async fn a_wrong_answer_uses_the_question_up() {
    let sandbox = demo_sandbox().await;
    let mut wire = Wire::ready(&Home::of(&sandbox), &[], Era::Modern, true).await;
    let asked = wire.call("remove_vip", removal()).await;
    let state = state_of(&asked);
    let result = wire
        .call_with("remove_vip", removal(), &state, typed("16165550199"))
        .await;
    let once_more = state_of(&result);
    let form = result["inputRequests"]["confirm"]["params"]["message"].as_str();
    let wrong = "\"16165550199\" is not the caller's number";
    assert!(form.unwrap().starts_with(wrong), "{result}");
    let result = wire
        .call_with("remove_vip", removal(), &state, typed(CALLER))
        .await;
    assert_eq!(code_of(&result), "confirmation_invalid");
    only_reads(&sandbox);
    let result = wire
        .call_with("remove_vip", removal(), &once_more, typed(CALLER))
        .await;
    assert_eq!(status_of(&result), "removed");
}

#[tokio::test]
async fn a_state_that_was_altered_or_belongs_elsewhere_is_invalid() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let mut wire = Wire::ready(&home, &[], Era::Modern, true).await;
    let asked = wire.call("remove_vip", removal()).await;
    let state = state_of(&asked);

    let text = state.as_str().unwrap();
    let middle = text.len() / 2;
    let other = if &text[middle..=middle] == "A" {
        "B"
    } else {
        "A"
    };
    let altered = format!("{}{other}{}", &text[..middle], &text[middle + 1..]);
    let last = text.len() - 1;
    for state in [&altered, &text[..last], "", "rs1.e30.e30", "null"] {
        let result = wire
            .call_with("remove_vip", removal(), &json!(state), typed(CALLER))
            .await;
        assert_eq!(code_of(&result), "confirmation_invalid", "{state:?}");
    }

    let other_caller = json!({"ani": OTHER_CALLER, "domain": DOMAIN});
    let result = wire
        .call_with("remove_vip", other_caller, &state, typed(OTHER_CALLER))
        .await;
    assert_eq!(code_of(&result), "confirmation_invalid");

    let result = wire
        .call_with("add_vip", replacement(), &state, typed(CALLER))
        .await;
    assert_eq!(code_of(&result), "confirmation_invalid");

    let asked = wire.call("add_vip", replacement()).await;
    let state_of_add = state_of(&asked);
    let elsewhere = json!({"ani": CALLER, "domain": DOMAIN, "destination": "666"});
    let result = wire
        .call_with("add_vip", elsewhere, &state_of_add, typed(CALLER))
        .await;
    assert_eq!(code_of(&result), "confirmation_invalid");

    // Another installation has another key.
    let mut stranger = Wire::ready(&Home::of(&sandbox), &[], Era::Modern, true).await;
    let result = stranger
        .call_with("remove_vip", removal(), &state, typed(CALLER))
        .await;
    assert_eq!(code_of(&result), "confirmation_invalid");

    // None of this used the question up for whom it was meant.
    only_reads(&sandbox);
    let result = wire
        .call_with("remove_vip", removal(), &state, typed(CALLER))
        .await;
    assert_eq!(status_of(&result), "removed");
}

#[tokio::test]
async fn a_state_without_an_answer_is_asked_again() {
    let sandbox = demo_sandbox().await;
    let mut wire = Wire::ready(&Home::of(&sandbox), &[], Era::Modern, true).await;
    let asked = wire.call("remove_vip", removal()).await;
    let state = state_of(&asked);
    let again = wire.call_with("remove_vip", removal(), &state, None).await;
    let second = state_of(&again);
    assert!(again["inputRequests"]["confirm"].is_object(), "{again}");
    only_reads(&sandbox);
    let result = wire
        .call_with("remove_vip", removal(), &second, typed(CALLER))
        .await;
    assert_eq!(status_of(&result), "removed");
}

#[tokio::test]
async fn a_question_outlives_the_process_that_asked_it() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let mut first = Wire::ready(&home, &[], Era::Modern, true).await;
    let asked = first.call("remove_vip", removal()).await;
    let state = state_of(&asked);
    first.finish().await;
    let mut second = Wire::ready(&home, &[], Era::Modern, true).await;
    let result = second
        .call_with("remove_vip", removal(), &state, typed(CALLER))
        .await;
    assert_eq!(status_of(&result), "removed");
    sandbox.put_route(rule("101"));
    let mut third = Wire::ready(&home, &[], Era::Modern, true).await;
    let result = third
        .call_with("remove_vip", removal(), &state, typed(CALLER))
        .await;
    assert_eq!(code_of(&result), "confirmation_invalid");
}

#[tokio::test]
async fn a_token_acts_once_and_only_for_its_own_change() {
    for era in ERAS {
        let sandbox = demo_sandbox().await;
        let home = Home::of(&sandbox);
        let mut wire = Wire::ready(&home, &["--confirm", "token"], era, false).await;
        let result = wire.call("remove_vip", removal()).await;
        assert_eq!(status_of(&result), "confirmation_required");
        let offer = &result["structuredContent"];
        assert!(offer.get("approval_code").is_none(), "{offer}");
        assert!(
            offer["preview"].as_str().unwrap().contains("101"),
            "{offer}"
        );
        assert!(offer["expires_at"].is_string(), "{offer}");
        let token = offer["confirmation"].clone();

        let mut foreign = json!({"ani": OTHER_CALLER, "domain": DOMAIN});
        foreign["confirmation"] = token.clone();
        let result = wire.call("remove_vip", foreign).await;
        assert_eq!(code_of(&result), "confirmation_invalid");
        let mut other_tool = replacement();
        other_tool["confirmation"] = token.clone();
        let result = wire.call("add_vip", other_tool).await;
        assert_eq!(code_of(&result), "confirmation_invalid");
        let mut forged = removal();
        forged["confirmation"] = json!("rs1.forged");
        let result = wire.call("remove_vip", forged).await;
        assert_eq!(code_of(&result), "confirmation_invalid");
        only_reads(&sandbox);

        let mut own = removal();
        own["confirmation"] = token;
        let result = wire.call("remove_vip", own.clone()).await;
        assert_eq!(status_of(&result), "removed");
        sandbox.put_route(rule("101"));
        let result = wire.call("remove_vip", own).await;
        assert_eq!(code_of(&result), "confirmation_invalid");
        assert_eq!(writes(&sandbox).len(), 1);
    }
}

#[tokio::test]
async fn a_token_for_a_route_that_changed_is_stale() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox).with("SKYSWITCH_CONFIRM", "token");
    let mut wire = Wire::ready(&home, &[], Era::Legacy, false).await;
    let result = wire.call("remove_vip", removal()).await;
    let mut own = removal();
    own["confirmation"] = result["structuredContent"]["confirmation"].clone();
    sandbox.put_route(rule("888"));
    let result = wire.call("remove_vip", own).await;
    assert_eq!(code_of(&result), "confirmation_stale");
    assert!(
        result.to_string().contains("888"),
        "no fresh preview: {result}"
    );
    only_reads(&sandbox);
}

#[tokio::test]
async fn a_client_with_forms_asks_its_person_in_token_mode_too() {
    for era in ERAS {
        let sandbox = demo_sandbox().await;
        let person = Person::who_answers(types(CALLER));
        let home = Home::of(&sandbox);
        let client = Client::start(&home, &["--confirm", "token"], era, person).await;
        let outcome = client.call("remove_vip", removal()).await;
        assert_eq!(outcome["status"], "removed", "{outcome}");
        assert_eq!(client.questions().len(), 1);
    }
}

#[tokio::test]
async fn block_does_nothing_destructive_and_creates_all_the_same() {
    for era in ERAS {
        let sandbox = demo_sandbox().await;
        let person = Person::who(|| panic!("asked although blocked"));
        let home = Home::of(&sandbox);
        let client = Client::start(&home, &["--confirm", "block"], era, person).await;
        for (tool, arguments) in [("remove_vip", removal()), ("add_vip", replacement())] {
            let outcome = client.call(tool, arguments).await;
            assert_eq!(outcome["error"]["code"], "blocked", "{outcome}");
        }
        only_reads(&sandbox);
        let new = json!({"ani": "616-555-0199", "domain": DOMAIN, "destination": "101"});
        let outcome = client.call("add_vip", new).await;
        assert_eq!(outcome["status"], "created", "{outcome}");
    }
}

#[tokio::test]
async fn a_route_that_changes_while_the_person_reads_is_left_alone() {
    for era in ERAS {
        for (tool, arguments) in [("remove_vip", removal()), ("add_vip", replacement())] {
            let sandbox = demo_sandbox().await;
            let meanwhile = Arc::clone(&sandbox);
            let person = Person::who(move || {
                meanwhile.put_route(rule("888"));
                types(CALLER)
            });
            let client = Client::start(&Home::of(&sandbox), &[], era, person).await;
            let outcome = client.call(tool, arguments).await;
            let error = &outcome["error"];
            assert_eq!(error["code"], "confirmation_stale", "{era:?}: {outcome}");
            let message = error["message"].as_str().unwrap();
            assert!(message.contains("888"), "no fresh preview: {message}");
            only_reads(&sandbox);
            assert_eq!(stored(&sandbox, CALLER), [rule("888")]);
        }
    }
}

#[tokio::test]
async fn a_route_that_goes_while_the_person_reads_is_not_removed_twice() {
    for era in ERAS {
        let sandbox = demo_sandbox().await;
        let meanwhile = Arc::clone(&sandbox);
        let person = Person::who(move || {
            let any = skyswitch_mcp::sandbox::StoredDnis::Absent;
            meanwhile.delete_route(DOMAIN, CALLER, &any);
            types(CALLER)
        });
        let client = Client::start(&Home::of(&sandbox), &[], era, person).await;
        let outcome = client.call("remove_vip", removal()).await;
        assert_eq!(outcome["status"], "not_found", "{era:?}: {outcome}");
        only_reads(&sandbox);
    }
}

#[tokio::test]
async fn a_stored_text_cannot_disguise_itself_in_the_preview() {
    let evil = "101\u{202e}999\u{1b}[2J\nToday: nothing\u{200b}";
    for era in ERAS {
        let sandbox = sandbox_of(Tenant::demo()).await;
        sandbox.put_route(rule(evil));
        let home = Home::of(&sandbox);
        let person = Person::who_answers(ElicitResult::new(ElicitationAction::Cancel));
        let client = Client::start(&home, &[], era, person).await;
        client.call("remove_vip", removal()).await;
        let without_forms = Client::start(&home, &[], era, Person::without_forms()).await;
        let outcome = without_forms.call("remove_vip", removal()).await;
        let [question] = client.questions().try_into().unwrap();
        for text in [question.as_str(), outcome["preview"].as_str().unwrap()] {
            for raw in ['\u{202e}', '\u{1b}', '\u{200b}'] {
                assert!(!text.contains(raw), "{text:?}");
            }
            for escaped in ["\\u{202e}", "\\u{1b}", "\\u{a}", "\\u{200b}"] {
                assert!(text.contains(escaped), "{escaped} is missing: {text}");
            }
            assert_eq!(text.matches("\nToday:").count(), 1, "{text}");
        }
        // The same preview in a terminal's table.
        let ran = home.run(&["approve"]).await;
        assert!(!ran.stdout.contains('\u{1b}'), "{ran:?}");
    }
}

/// A change that waits for somebody at a terminal, and its code.
async fn waiting_change(home: &Home) -> (Wire, String) {
    let mut wire = Wire::ready(home, &[], Era::Legacy, false).await;
    let result = wire.call("remove_vip", removal()).await;
    let code = result["structuredContent"]["approval_code"].as_str();
    let code = code
        .unwrap_or_else(|| panic!("no code: {result}"))
        .to_owned();
    (wire, code)
}

#[tokio::test]
async fn approve_lists_what_waits() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let ran = home.run(&["approve", "--json"]).await;
    assert_eq!((ran.code, ran.json()), (0, json!({"waiting": []})));
    let (_wire, code) = waiting_change(&home).await;
    let ran = home.run(&["approve", "--json"]).await;
    assert_eq!(ran.code, 0);
    let [change] = ran.json()["waiting"]
        .as_array()
        .unwrap()
        .clone()
        .try_into()
        .unwrap();
    assert_eq!(change["code"], code);
    assert!(
        change["preview"]
            .as_str()
            .unwrap()
            .contains("+1 616-555-0123")
    );
    let ran = home.run(&["approve"]).await;
    assert_eq!(ran.code, 0);
    for fact in [code.as_str(), "Remove VIP", DOMAIN] {
        assert!(ran.stdout.contains(fact), "{fact} is missing: {ran:?}");
    }
}

#[tokio::test]
async fn no_pipe_approves_for_a_person() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let (mut wire, code) = waiting_change(&home).await;
    let ran = home.run(&["approve", &code]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.stderr.contains("terminal"), "{ran:?}");
    // The right value on a pipe is no better.
    let mut command = home.command(&["approve", &code]);
    command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    // The process may have refused and ended before it could read this.
    let _ = tokio::io::AsyncWriteExt::write_all(&mut input, b"16165550123\n").await;
    drop(input);
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(3));
    let ran = home.run(&["approve", &code, "--yes"]).await;
    assert_eq!(ran.code, 2, "a flag that approves: {ran:?}");
    let result = wire.call("remove_vip", removal()).await;
    assert_eq!(status_of(&result), "confirmation_required");
    only_reads(&sandbox);
}

#[tokio::test]
async fn an_unknown_code_is_not_found() {
    let ran = Home::bare().run(&["--json", "approve", "AAAA-BBBB"]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(ran.json_error()["code"], "not_found");
    assert_eq!(ran.json_error()["field"], "code");
}

const NO_TERMINAL: &str = "not tried: `script` of util-linux, which gives a terminal, is missing";
const PROMPT: &str = "number, or \"no\" to decline";

#[tokio::test]
async fn approving_at_a_terminal_lets_the_same_call_act_once() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let (mut wire, code) = waiting_change(&home).await;
    let small = code.to_lowercase();
    let reply = Some((PROMPT, CALLER_AS_WRITTEN));
    let Some(ran) = home.run_at_terminal(&["approve", &small], reply).await else {
        return eprintln!("{NO_TERMINAL}");
    };
    assert_eq!(ran.code, 0, "{ran:?}");
    for fact in ["Remove VIP +1 616-555-0123", DOMAIN, "101", "Approved"] {
        assert!(ran.stdout.contains(fact), "{fact} is missing: {ran:?}");
    }
    only_reads(&sandbox);
    let result = wire.call("remove_vip", removal()).await;
    assert_eq!(status_of(&result), "removed");
    assert_eq!(writes(&sandbox).len(), 1);

    sandbox.put_route(rule("101"));
    let result = wire.call("remove_vip", removal()).await;
    assert_eq!(status_of(&result), "confirmation_required");
    assert_ne!(result["structuredContent"]["approval_code"], code);
    assert_eq!(writes(&sandbox).len(), 1);
    let ran = home.run(&["--json", "approve", &code]).await;
    assert_eq!(ran.json_error()["code"], "not_found");
}

#[tokio::test]
async fn an_approval_is_for_the_change_that_was_shown() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let (mut wire, code) = waiting_change(&home).await;
    let reply = Some((PROMPT, CALLER));
    if home
        .run_at_terminal(&["approve", &code], reply)
        .await
        .is_none()
    {
        return eprintln!("{NO_TERMINAL}");
    }
    let result = wire.call("add_vip", replacement()).await;
    assert_eq!(status_of(&result), "confirmation_required");
    sandbox.put_route(rule("888"));
    let result = wire.call("remove_vip", removal()).await;
    assert_eq!(code_of(&result), "confirmation_stale");
    only_reads(&sandbox);
}

#[tokio::test]
async fn at_the_terminal_a_no_declines_and_a_wrong_value_is_asked_again() {
    let sandbox = demo_sandbox().await;
    // After these, the same is not asked for a while.
    for (reply, status) in [
        ("yes\r16165550124\r", "wrong_value"),
        ("16165550124\rno", "declined"),
    ] {
        let home = Home::of(&sandbox);
        let (mut wire, code) = waiting_change(&home).await;
        let arguments = ["approve", &code];
        let reply = Some((PROMPT, reply));
        let Some(ran) = home.run_at_terminal(&arguments, reply).await else {
            return eprintln!("{NO_TERMINAL}");
        };
        assert_eq!(ran.code, 3, "{reply:?}: {ran:?}");
        let wrong = "\"16165550124\" is not the caller's number";
        assert!(ran.stdout.contains(wrong), "{reply:?}: {ran:?}");
        let result = wire.call("remove_vip", removal()).await;
        assert_eq!(status_of(&result), status, "{reply:?}");
    }
    only_reads(&sandbox);
}
