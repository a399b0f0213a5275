//! New rules that take calls away from another VIP rule, or lead somewhere odd.

use std::fmt::Write;
use std::sync::Arc;

use serde_json::{Value, json};
use skyswitch_mcp::config::{ConfirmMode, DoubtfulDestinations};
use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    AddVip, AddVipStatus, RemoveVip, RemoveVipStatus, SyncMode, SyncStatus, SyncVips, UndoChange,
    UndoStatus, add_vip, undo_change,
};
use skyswitch_mcp::sandbox::{Fault, Outcome, Sandbox, StoredDnis, StoredRoute, Tenant};

use crate::support::client::{Client, Person as Typist, types};
use crate::support::imports::{args, sync};
use crate::support::process::{DOMAIN, Home, demo_sandbox, sandbox_of, stored, vip_add, writes};
use crate::support::protocol::ERAS;
use crate::support::{
    Bench, CALLER, DENTAL, Person, add, adding, done, failure, first_call, nobody, question,
    remove, removing, second_call,
};

/// The main line of [`DENTAL`], whose calls go to the VIP rules.
const MAIN_LINE: &str = "16165550100";
/// Somebody without a rule.
const NEWCOMER: &str = "16165550177";
const TODAY: &str =
    "Today: goes to Maya Lindgren (user \"101\") (this caller's rule for any dialled number)";
const AFTERWARDS: &str = "Afterwards: goes to Oscar Trent (user \"102\")";

fn rings(name: &str) -> Outcome {
    Outcome::Rings(name.to_owned())
}

/// A rule of [`CALLER`] for the main line, beside the rule for any number.
fn for_main_line(destination: &str) -> AddVip {
    AddVip {
        dnis: Some(MAIN_LINE.parse().unwrap()),
        ..adding(CALLER, DENTAL, destination)
    }
}

fn taking() -> Value {
    json!({"ani": CALLER, "domain": DOMAIN, "dnis": MAIN_LINE, "destination": "102"})
}

/// Destinations that look wrong, each with what is said of it.
const ODD: [(&str, &str); 6] = [
    ("sip:+16165559999@carrier.example", "outside"),
    ("101@other.12345.service", "outside"),
    ("999", "does not exist"),
    ("9000", "in a circle"),
    ("route_by_ani", "in a circle"),
    (
        "sip:route_by_ani@lakesidedental.12345.service",
        "in a circle",
    ),
];

fn odd(destination: &str) -> Value {
    json!({"ani": NEWCOMER, "domain": DOMAIN, "destination": destination})
}

async fn client(
    sandbox: &Arc<Sandbox>,
    era: crate::support::protocol::Era,
    types_text: &str,
) -> Client {
    let person = Typist::who_answers(types(types_text));
    Client::start(&Home::of(sandbox), &[], era, person).await
}

#[tokio::test]
async fn a_tool_asks_before_a_more_particular_rule_takes_calls() {
    for era in ERAS {
        let sandbox = demo_sandbox().await;
        assert_eq!(sandbox.who_rings(MAIN_LINE, CALLER), rings("101"));
        let refusing = client(&sandbox, era, "yes").await;
        let outcome = refusing.call("add_vip", taking()).await;
        assert_eq!(outcome["status"], "wrong_value", "{outcome}");
        assert!(writes(&sandbox).is_empty());

        let agreeing = client(&sandbox, era, CALLER).await;
        let outcome = agreeing.call("add_vip", taking()).await;
        assert_eq!(outcome["status"], "created", "{outcome}");
        let [question] = agreeing.questions().try_into().unwrap();
        assert!(question.contains(TODAY), "{question}");
        assert!(question.contains(AFTERWARDS), "{question}");
        assert_eq!(sandbox.who_rings(MAIN_LINE, CALLER), rings("102"));
    }
}

#[tokio::test]
async fn the_command_line_asks_before_a_more_particular_rule_takes_calls() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let add = ["vip", "add", "--ani", CALLER, "--domain", DOMAIN];
    let add = [&add[..], &["--dnis", MAIN_LINE, "--destination", "102"]].concat();
    let ran = home.run(&add).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(writes(&sandbox).is_empty());

    if let Some(ran) = home.run_at_terminal(&add, Some(("Type", "no"))).await {
        assert!(ran.stdout.contains(TODAY), "{ran:?}");
        assert!(ran.stdout.contains(AFTERWARDS), "{ran:?}");
        let customer = format!("Add VIP +1 616-555-0123 in Lakeside Dental ({DOMAIN})");
        assert!(ran.stdout.contains(&customer), "{ran:?}");
        assert!(writes(&sandbox).is_empty());
    }

    let ran = home.run(&[&add[..], &["--yes"]].concat()).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.stdout.contains("takes calls to +1 616-555-0100 away"),
        "{ran:?}"
    );
    assert_eq!(sandbox.who_rings(MAIN_LINE, CALLER), rings("102"));
}

#[tokio::test]
async fn a_rule_that_takes_nobodys_calls_acts_at_once() {
    let bench = Bench::demo().await;
    let app = bench.app();
    // The same destination as the rule for any number.
    let same = add(&app, &for_main_line("user:101"), &nobody())
        .await
        .unwrap();
    assert_eq!(same.status, AddVipStatus::Created);

    // A rule for any number beside a particular one takes only the calls that had no rule.
    let particular = StoredRoute::new(DENTAL, NEWCOMER, "103").dnis(StoredDnis::number(MAIN_LINE));
    bench.sandbox.put_route(particular);
    let rest = add(&app, &adding(NEWCOMER, DENTAL, "102"), &nobody())
        .await
        .unwrap();
    assert_eq!(rest.status, AddVipStatus::Created);
    assert_eq!(bench.sandbox.who_rings(MAIN_LINE, NEWCOMER), rings("103"));
}

#[tokio::test]
async fn consent_to_taking_calls_is_stale_once_somebody_else_answers_them() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let asked = add_vip(&app, &for_main_line("102"), &first_call())
        .await
        .unwrap();
    let state = question(asked).state;
    bench
        .sandbox
        .put_route(StoredRoute::new(DENTAL, CALLER, "103"));
    let again = add(&app, &for_main_line("102"), &second_call(&state, CALLER)).await;
    let error = failure(again, Code::ConfirmationStale);
    assert!(error.to_string().contains("(user \"103\""), "{error}");

    let person = Person::typing(CALLER).while_thinking(|| {
        bench
            .sandbox
            .put_route(StoredRoute::new(DENTAL, CALLER, "204"));
    });
    let during = add(&app, &for_main_line("102"), &Channel::During(&person)).await;
    failure(during, Code::ConfirmationStale);
    bench.assert_nothing_written();
}

#[tokio::test]
async fn a_rule_beside_one_for_every_caller_asks_and_says_what_is_not_known() {
    for matches in [false, true] {
        let tenant = Tenant {
            wildcard_matches_callers: matches,
            ..Tenant::demo().route(StoredRoute::new(DENTAL, "*", "100"))
        };
        let bench = Bench::with(tenant).await;
        let person = Person::typing(NEWCOMER);
        let args = adding(NEWCOMER, DENTAL, "102");
        let added = add(&bench.app(), &args, &Channel::During(&person))
            .await
            .unwrap();
        assert_eq!(added.status, AddVipStatus::Created);
        let shown = person.shown()[0].text().to_owned();
        let today = "Today: perhaps goes to Front Desk (user \"100\") by the rule stored as \"*\"";
        assert!(shown.contains(today), "{shown}");
        assert!(shown.contains("not documented"), "{shown}");
        assert_eq!(bench.sandbox.who_rings(MAIN_LINE, NEWCOMER), rings("102"));
    }
}

#[tokio::test]
async fn a_pattern_that_cannot_match_the_caller_asks_nobody() {
    let tenant = Tenant::demo().route(StoredRoute::new(DENTAL, "1313*", "100"));
    let bench = Bench::with(tenant).await;
    let added = add(&bench.app(), &adding(NEWCOMER, DENTAL, "102"), &nobody())
        .await
        .unwrap();
    assert_eq!(added.status, AddVipStatus::Created);
}

#[tokio::test]
async fn a_tool_asks_before_a_new_rule_leads_somewhere_odd() {
    for era in ERAS {
        for (destination, said) in ODD {
            let sandbox = demo_sandbox().await;
            let refusing = client(&sandbox, era, "").await;
            let outcome = refusing.call("add_vip", odd(destination)).await;
            assert_eq!(outcome["status"], "wrong_value", "{destination}: {outcome}");
            let questions = refusing.questions();
            assert_eq!(questions.len(), 3, "{destination}: {questions:?}");
            assert!(questions[0].contains(said), "{destination}: {questions:?}");
            assert!(writes(&sandbox).is_empty());

            let agreeing = client(&sandbox, era, NEWCOMER).await;
            let outcome = agreeing.call("add_vip", odd(destination)).await;
            assert_eq!(outcome["status"], "created", "{destination}: {outcome}");
        }
    }
}

#[tokio::test]
async fn the_command_line_only_warns_of_a_destination_that_a_person_wrote() {
    for (destination, said) in ODD {
        let sandbox = demo_sandbox().await;
        // It needs no consent, so the mode that refuses all consent allows it.
        let home = Home::of(&sandbox).with("SKYSWITCH_CONFIRM", "block");
        let add = ["vip", "add", "--ani", NEWCOMER, "--domain", DOMAIN];
        let ran = home
            .run(&[&add[..], &["--destination", destination]].concat())
            .await;
        assert_eq!(ran.code, 0, "{destination}: {ran:?}");
        assert!(ran.stdout.contains(said), "{destination}: {ran:?}");
        assert_eq!(stored(&sandbox, NEWCOMER)[0].destination, destination);
        if said == "in a circle" {
            // What is simulated for a literal address is the address itself.
            let claimed = [Outcome::Dropped, rings(destination)];
            let outcome = sandbox.who_rings(MAIN_LINE, NEWCOMER);
            assert!(claimed.contains(&outcome), "{destination}: {outcome:?}");
        }
    }
}

#[tokio::test]
async fn the_operator_allows_or_refuses_doubtful_destinations_for_unattended_use() {
    let setting = |bench: &Bench, doubtful| {
        bench.app_with(|settings| settings.limits.doubtful_destinations = doubtful)
    };
    for (destination, said) in ODD {
        let bench = Bench::demo().await;
        let odd = adding(NEWCOMER, DENTAL, destination);
        let refusing = setting(&bench, DoubtfulDestinations::Refuse);
        for app in [refusing.clone(), refusing.clone().commanded_by_a_person()] {
            let person = Person::typing(NEWCOMER);
            let refused = add(&app, &odd, &Channel::During(&person)).await;
            let error = failure(refused, Code::Blocked);
            let field = error.detail().field.as_deref();
            assert_eq!(field, Some("doubtful_destinations"), "{error}");
            assert!(person.shown().is_empty());
        }
        // In a list, only that row is in the way.
        let list = format!("ani,destination\n{NEWCOMER},{destination}\n16165550178,101\n");
        let merge = args(SyncMode::Merge);
        let outcome = sync(&refusing, &merge, &list, &Channel::Given)
            .await
            .unwrap();
        assert_eq!(
            (outcome.status, outcome.plan.invalid),
            (SyncStatus::Invalid, 1)
        );
        let skipping = SyncVips {
            skip_invalid: Some(true),
            ..args(SyncMode::Merge)
        };
        bench.assert_nothing_written();
        let outcome = sync(&refusing, &skipping, &list, &Channel::Given)
            .await
            .unwrap();
        assert_eq!((outcome.status, outcome.plan.add), (SyncStatus::Applied, 1));

        let allowing = setting(&bench, DoubtfulDestinations::Allow);
        let added = add(&allowing, &odd, &nobody()).await.unwrap();
        assert_eq!(added.status, AddVipStatus::Created, "{destination}");
        assert!(added.warnings.join("\n").contains(said), "{added:?}");
        // What was there before can be put back whatever the setting is.
        let removed = remove(&allowing, &removing(NEWCOMER, DENTAL), &Channel::Given).await;
        let undo = UndoChange {
            change_id: removed.unwrap().change_id.unwrap(),
            account_id: None,
            confirmation: None,
        };
        let undone = undo_change(&refusing, &undo, &Channel::Given).await;
        assert_eq!(undone.map(done).unwrap().status, UndoStatus::Restored);
    }
}

#[tokio::test]
async fn an_extension_as_people_write_it_is_offered_as_it_is_called() {
    let bench = Bench::demo().await;
    for written in ["x101", "#101"] {
        let person = Person::typing(NEWCOMER);
        let args = adding(NEWCOMER, DENTAL, written);
        add(&bench.app(), &args, &Channel::During(&person))
            .await
            .unwrap();
        let shown = person.shown()[0].text();
        assert!(shown.contains("nearest: 101 ("), "{written}: {shown}");
    }
    // Two words may be a name, and are nobody's.
    for written in ["ext 101", "Ext. 101"] {
        let args = adding(NEWCOMER, DENTAL, written);
        let added = add(&bench.app(), &args, &Channel::Given).await;
        let hint = failure(added, Code::InvalidArgument).hint().to_owned();
        assert!(hint.contains("Nearest: 101 ("), "{written}: {hint}");
    }
}

#[tokio::test]
async fn users_that_cannot_be_read_are_a_warning_and_no_question() {
    let refused = || Fault::status("GET", "/pbx/subscribers", 403).times(9);
    let sandbox = demo_sandbox().await;
    sandbox.inject(refused());
    let asked = client(&sandbox, ERAS[0], "").await;
    let outcome = asked.call("add_vip", odd("999")).await;
    assert_eq!(outcome["status"], "created", "{outcome}");
    assert!(
        outcome["warnings"]
            .to_string()
            .contains("could not be read"),
        "{outcome}"
    );
    assert!(asked.questions().is_empty());

    let sandbox = sandbox_of(Tenant::demo()).await;
    sandbox.inject(refused());
    let add = vip_add(NEWCOMER, "999");
    let ran = Home::of(&sandbox).run(&add).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("could not be read"), "{ran:?}");
}

#[tokio::test]
async fn in_mode_block_no_calls_are_taken_and_no_tool_leads_outside() {
    let bench = Bench::demo().await;
    let app = bench.app_in(ConfirmMode::Block);
    failure(
        add(&app, &for_main_line("102"), &nobody()).await,
        Code::Blocked,
    );
    failure(
        add(&app, &for_main_line("102"), &Channel::Given).await,
        Code::Blocked,
    );
    let outside = adding(NEWCOMER, DENTAL, ODD[0].0);
    failure(add(&app, &outside, &nobody()).await, Code::Blocked);
    bench.assert_nothing_written();
}

#[tokio::test]
async fn removing_a_particular_rule_shows_the_rule_that_answers_afterwards() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add(&app, &for_main_line("102"), &Channel::Given)
        .await
        .unwrap();
    let person = Person::typing(CALLER);
    let args = RemoveVip {
        dnis: Some(MAIN_LINE.parse().unwrap()),
        ..removing(CALLER, DENTAL)
    };
    let removed = remove(&app, &args, &Channel::During(&person))
        .await
        .unwrap();
    assert_eq!(removed.status, RemoveVipStatus::Removed);
    let shown = person.shown()[0].text().to_owned();
    let afterwards = TODAY.replace("Today", "Afterwards");
    assert!(shown.contains(&afterwards), "{shown}");
    assert_eq!(bench.sandbox.who_rings(MAIN_LINE, CALLER), rings("101"));

    // An undo that creates the rule again takes the calls away again.
    let undo = UndoChange {
        change_id: removed.change_id.unwrap(),
        account_id: None,
        confirmation: None,
    };
    let person = Person::typing(CALLER);
    let undone = undo_change(&app, &undo, &Channel::During(&person)).await;
    assert_eq!(undone.map(done).unwrap().status, UndoStatus::Restored);
    let shown = person.shown()[0].text().to_owned();
    assert!(
        shown.contains(TODAY) && shown.contains(AFTERWARDS),
        "{shown}"
    );
    assert_eq!(bench.sandbox.who_rings(MAIN_LINE, CALLER), rings("102"));
}

#[tokio::test]
async fn a_long_plan_names_every_caller_whose_calls_are_taken_or_lead_somewhere_odd() {
    let bench = Bench::demo().await;
    let mut list = "ani,destination,dnis\n".to_owned();
    for line in 0..100 {
        writeln!(list, "1313555{line:04},100,").unwrap();
    }
    writeln!(list, "{CALLER},102,{MAIN_LINE}").unwrap();
    for (line, (destination, _)) in ODD.iter().enumerate() {
        writeln!(list, "1414555{line:04},{destination},").unwrap();
    }
    let person = Person::typing("107");
    let outcome = sync(
        &bench.app(),
        &args(SyncMode::Merge),
        &list,
        &Channel::During(&person),
    )
    .await
    .unwrap();
    assert_eq!(outcome.status, SyncStatus::Applied, "{outcome:?}");
    let shown = person.shown()[0].text().to_owned();
    let taken = format!(
        "(\"{CALLER}\") when dialling +1 616-555-0100: Oscar Trent (user \"102\") (today: goes to Maya Lindgren (user \"101\")"
    );
    assert!(shown.contains(&taken), "{shown}");
    for (line, (destination, said)) in ODD.iter().enumerate() {
        let caller = format!("\"1414555{line:04}\"");
        let shown_line = shown.lines().find(|l| l.contains(&caller)).unwrap();
        assert!(shown_line.contains(destination), "{shown_line}");
        assert!(shown_line.contains(said), "{shown_line}");
    }
    assert_eq!(bench.sandbox.who_rings(MAIN_LINE, CALLER), rings("102"));
}

#[tokio::test]
async fn a_called_number_that_is_no_number_is_taken_for_any() {
    for written in ["any", "ANY", "%", ".*", "**", "default"] {
        let dnis = StoredDnis::number(written);
        let tenant = Tenant::demo().route(StoredRoute::new(DENTAL, NEWCOMER, "101").dnis(dnis));
        let bench = Bench::with(tenant).await;
        let app = bench.app();
        let added = add(&app, &adding(NEWCOMER, DENTAL, "102"), &nobody()).await;
        let status = added.unwrap().status;
        assert_eq!(status, AddVipStatus::ConfirmationRequired, "{written}");
        bench.assert_nothing_written();
    }
}
