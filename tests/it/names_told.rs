//! Whose name a destination was is told wherever one can be given, and a name that is
//! somebody else's by the time of an approval sends nobody elsewhere.

use serde_json::json;
use skyswitch_mcp::app::App;
use skyswitch_mcp::config::ConfirmMode;
use skyswitch_mcp::domain::DestinationKey;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::{Answer, Channel};
use skyswitch_mcp::ops::{
    AddVipOutcome, AddVipStatus, ListVips, OnboardDomain, PageSize, RouteNumber, RouteStatus,
    SetupChecklist, SyncMode, SyncStatus, SyncVips, TicketArgs, UndoStatus, add_vip, list_vips,
    setup_checklist, ticket,
};
use skyswitch_mcp::sandbox::{Fault, StoredNumber, StoredRoute, StoredSubscriber, Tenant};

use crate::support::customer::{
    ACME, DID, PbxApi, app_on, closed, onboard, onboarding, prepared, route, undo,
};
use crate::support::imports::{Watch, args, ask, moving, without_list};
use crate::support::process::{DOMAIN, Home, demo_sandbox};
use crate::support::protocol::{ERAS, Wire};
use crate::support::{
    Bench, CALLER, DENTAL, Person, add, adding, callers, done, failure, first_call, list, listing,
    nobody, question, second_call, tenant_of, token,
};

const OSCAR: &str = "\"oscar\" is Oscar Trent (102)";
/// What rules that hold the name itself are told of it.
const NOT_OSCAR: &str =
    "\"oscar\" is what VIP rules have as their destination, and not Oscar Trent (102)";

fn person(user: &str, name: &str) -> StoredSubscriber {
    StoredSubscriber::person(DENTAL, user, name)
}

/// Somebody is called Oscar, and these are the callers' destinations.
fn staff(rules: &[(&str, &str)]) -> Tenant {
    tenant_of(rules)
        .subscriber(person("101", "Maya Lindgren"))
        .subscriber(person("102", "Oscar Trent"))
}

/// The rules that lead to whoever is called so.
fn leading(to: &str) -> ListVips {
    ListVips {
        destination: Some(to.parse().unwrap()),
        ..listing(DENTAL)
    }
}

/// Looks at users that the service was asked for.
fn looks(bench: &Bench) -> usize {
    let requests = bench.sandbox.requests().into_iter();
    let users = requests.filter(|request| request.path.ends_with("/pbx/subscribers"));
    users.count()
}

/// The one who is called Oscar gets another name, and somebody else is called so.
fn another_oscar(bench: &Bench) {
    bench.sandbox.put_subscriber(person("102", "Otto Trent"));
    bench.sandbox.put_subscriber(person("106", "Oscar Wolf"));
}

#[tokio::test]
async fn a_list_that_is_looked_through_by_a_name_says_whose_it_was() {
    let bench = Bench::with(staff(&[(CALLER, "102")])).await;
    let found = list(&bench.app(), &leading("oscar")).await.unwrap();
    assert_eq!((found.total, found.named.as_deref()), (1, Some(OSCAR)));
    let found = list(&bench.app(), &leading("102")).await.unwrap();
    assert_eq!((found.total, found.named), (1, None));
}

#[tokio::test]
async fn both_faces_say_whose_name_it_was() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let listing = ["vip", "list", "-d", DOMAIN, "--destination", "Lindgren"];
    let said = "\"Lindgren\" is Maya Lindgren (101).";
    let table = home.run(&listing).await;
    assert!(table.stdout.contains(said), "{table:?}");
    let csv = home
        .run(&[&listing[..], &["--format", "csv"]].concat())
        .await;
    assert!(csv.stderr.contains(said), "{csv:?}");
    assert!(!csv.stdout.contains("Lindgren\" is"), "{csv:?}");
    let ticket = ["ticket", "-d", DOMAIN, "--fallback-destination", "Lindgren"];
    let ticket = home.run(&ticket).await;
    assert!(ticket.stdout.contains(said), "{ticket:?}");
    for era in ERAS {
        let mut wire = Wire::ready(&home, &[], era, false).await;
        let calls = [
            ("list_vips", "destination"),
            ("setup_checklist", "fallback_destination"),
        ];
        for (tool, argument) in calls {
            let arguments = json!({"domain": DOMAIN, argument: "Lindgren"});
            let result = wire.call(tool, arguments).await;
            let text = result["content"][0]["text"].as_str().unwrap();
            assert!(text.contains(said), "{tool}: {text}");
            assert_eq!(
                result["structuredContent"]["named"],
                said.trim_end_matches('.'),
                "{tool}"
            );
        }
    }
}

#[tokio::test]
async fn what_rules_hold_goes_before_a_person_of_that_name_and_it_is_said() {
    let bench = Bench::with(staff(&[(CALLER, "oscar"), ("16165550124", "102")])).await;
    let app = bench.app();
    let found = list(&app, &leading("oscar")).await.unwrap();
    assert_eq!(callers(&found), [CALLER]);
    assert_eq!(found.named.as_deref(), Some(NOT_OSCAR));
    let everywhere = ListVips {
        domain: None,
        ..leading("oscar")
    };
    let found = list(&app, &everywhere).await.unwrap();
    let named = found.named.unwrap();
    assert!(named.contains("depends on the customer"), "{named}");
    let person = Person::typing(CALLER);
    let channel = Channel::During(&person);
    let moved = without_list(&app, &moving("oscar", "101"), &channel).await;
    assert_eq!(moved.status, SyncStatus::Applied, "{moved:?}");
    assert_eq!(moved.named, [NOT_OSCAR]);
    let shown = person.shown()[0].text();
    assert!(shown.contains(NOT_OSCAR), "{shown}");
    assert_eq!(bench.rings(DENTAL, "16165550124").as_deref(), Some("102"));
}

#[tokio::test]
async fn that_the_name_of_what_rules_hold_cannot_be_looked_up_is_said() {
    let bench = Bench::with(staff(&[(CALLER, "oscar")])).await;
    let refused = Fault::status("GET", "/pbx/subscribers", 403).times(9);
    bench.sandbox.inject(refused);
    let found = list(&bench.app(), &leading("oscar")).await.unwrap();
    let named = found.named.unwrap();
    assert!(named.contains("could not be looked up"), "{named}");
}

#[tokio::test]
async fn a_user_whose_id_the_rules_hold_is_no_other_destination() {
    let tenant = staff(&[(CALLER, "oscar")]).subscriber(person("oscar", "Front Desk"));
    let bench = Bench::with(tenant).await;
    let found = list(&bench.app(), &leading("oscar")).await.unwrap();
    assert_eq!((found.total, found.named), (1, None));
}

#[tokio::test]
async fn a_name_without_a_customer_is_refused_with_what_is_missing() {
    let bench = Bench::with(staff(&[(CALLER, "102")])).await;
    let anywhere = ListVips {
        domain: None,
        ..leading("oscar")
    };
    let refused = failure(list(&bench.app(), &anywhere).await, Code::InvalidArgument);
    assert_eq!(refused.detail().field.as_deref(), Some("destination"));
    assert!(refused.hint().contains("`domain`"), "{}", refused.hint());
    // What is nobody's name needs no customer.
    let anywhere = ListVips {
        domain: None,
        ..leading("102")
    };
    assert_eq!(list(&bench.app(), &anywhere).await.unwrap().total, 1);
}

#[tokio::test]
async fn further_pages_show_the_same_destination_whoever_is_called_so_by_then() {
    let rules = ["16165550121", "16165550122", "16165550123"].map(|ani| (ani, "102"));
    let bench = Bench::with(staff(&rules)).await;
    let app = bench.app();
    let first = list_vips(&app, &leading("oscar"), PageSize::Rows(1)).await;
    let mut page = first.unwrap();
    assert_eq!(page.named.as_deref(), Some(OSCAR));
    another_oscar(&bench);
    let looked = looks(&bench);
    let mut shown = callers(&page).join(" ");
    while let Some(cursor) = page.next_cursor {
        let next = ListVips {
            cursor: Some(cursor),
            ..leading("oscar")
        };
        page = list_vips(&app, &next, PageSize::Rows(1)).await.unwrap();
        let said = "\"oscar\" is 102, as on the page before";
        assert_eq!(page.named.as_deref(), Some(said));
        shown = format!("{shown} {}", callers(&page).join(" "));
    }
    assert_eq!(shown, rules.map(|(ani, _)| ani).join(" "));
    assert_eq!(looks(&bench), looked, "nobody is looked up again");
}

#[tokio::test]
async fn a_cursor_with_another_destination_is_looked_up_again() {
    let rules = [
        ("16165550121", "101"),
        ("16165550122", "102"),
        (CALLER, "102"),
    ];
    let bench = Bench::with(staff(&rules)).await;
    let app = bench.app();
    let first = list_vips(&app, &leading("oscar"), PageSize::Rows(1)).await;
    let other = ListVips {
        cursor: first.unwrap().next_cursor,
        ..leading("maya")
    };
    let page = list_vips(&app, &other, PageSize::Rows(1)).await.unwrap();
    let named = page.named.as_deref();
    assert_eq!(named, Some("\"maya\" is Maya Lindgren (101)"));
    assert_eq!((page.count, page.total), (0, 1));
}

fn routing(to: &str) -> RouteNumber {
    RouteNumber {
        did: DID.parse().unwrap(),
        to: to.parse().unwrap(),
        domain: None,
        account_id: None,
        confirmation: None,
    }
}

#[tokio::test]
async fn a_number_that_is_routed_by_a_name_says_whose_it_was() {
    let tenant = staff(&[]).number(StoredNumber::to_user(DID, DENTAL, "101"));
    let bench = Bench::with(tenant).await;
    let routed = route(&bench.app(), &routing("oscar"), &Channel::Given).await;
    let routed = routed.unwrap();
    assert_eq!(routed.status, RouteStatus::Routed);
    assert_eq!(routed.named.as_deref(), Some(OSCAR));
    let again = route(&bench.app(), &routing("102"), &Channel::Given).await;
    assert_eq!(again.unwrap().named, None);
}

#[tokio::test]
async fn where_the_users_cannot_be_read_no_number_is_routed_by_a_name() {
    let tenant = staff(&[]).number(StoredNumber::to_user(DID, DENTAL, "101"));
    let bench = Bench::with(tenant).await;
    for status in [403, 404] {
        let refused = Fault::status("GET", "/pbx/subscribers", status);
        bench.sandbox.inject(refused.times(9));
        let routed = route(&bench.app(), &routing("oscar"), &Channel::Given).await;
        let error = routed.unwrap_err();
        assert_eq!(error.detail().field.as_deref(), Some("to"), "{error:?}");
        assert!(error.to_string().contains("could not be read"), "{error}");
        bench.sandbox.clear_faults();
    }
    bench.assert_nothing_written();
}

#[tokio::test]
async fn a_fallback_that_is_given_by_a_name_says_whose_it_was() {
    let bench = Bench::with(prepared(closed())).await;
    let app = app_on(&bench, PbxApi::V2);
    let lindgren: Option<DestinationKey> = Some("lindgren".parse().unwrap());
    let maya = Some("\"lindgren\" is Maya Lindgren (101)");
    let wanted = OnboardDomain {
        fallback_destination: lindgren.clone(),
        dry_run: Some(true),
        ..onboarding()
    };
    let planned = onboard(&app, &wanted, &nobody()).await.unwrap();
    assert_eq!(planned.named.as_deref(), maya);
    let wanted = SetupChecklist {
        domain: ACME.parse().unwrap(),
        account_id: None,
        did: None,
        fallback_destination: lindgren.clone(),
    };
    let shown = setup_checklist(&app, &wanted).await.unwrap();
    assert_eq!(shown.named.as_deref(), maya);
    let wanted = TicketArgs {
        domain: ACME.parse().unwrap(),
        did: None,
        fallback_destination: lindgren,
        sent: None,
    };
    let app = app.commanded_by_a_person();
    let written = ticket(&app, &wanted).await.unwrap();
    assert_eq!(written.named.as_deref(), maya);
    assert!(written.ticket.unwrap().body.contains("destination: 101"));
}

/// Asks to send the caller to Oscar, which a person approves elsewhere.
async fn approved(bench: &Bench, app: &App) {
    let asked = add(app, &adding(CALLER, DENTAL, "oscar"), &nobody()).await;
    let code = asked.unwrap().confirmation.approval_code.unwrap();
    let waiting = app.guard().waiting_under(&code).await.unwrap();
    let typed = Answer::Typed(CALLER.to_owned());
    app.guard().settle(&waiting, &typed).await.unwrap();
    assert_eq!(bench.rings(DENTAL, CALLER).as_deref(), Some("101"));
}

/// The same caller, once more.
async fn again(app: &App, to: &str) -> skyswitch_mcp::Result<AddVipOutcome> {
    add(app, &adding(CALLER, DENTAL, to), &nobody()).await
}

#[tokio::test]
async fn an_approval_holds_for_the_person_who_was_shown_and_for_nobody_of_that_name_since() {
    let bench = Bench::with(staff(&[(CALLER, "101")])).await;
    let app = bench.app();
    approved(&bench, &app).await;
    another_oscar(&bench);
    let other = again(&app, "oscar").await.unwrap();
    assert_eq!(other.status, AddVipStatus::ConfirmationRequired);
    let preview = other.confirmation.preview.unwrap();
    assert!(preview.contains("Oscar Wolf"), "{preview}");
    bench.assert_nothing_written();
    let made = again(&app, "102").await.unwrap();
    assert_eq!(made.status, AddVipStatus::Replaced, "it was approved");
    assert_eq!(bench.rings(DENTAL, CALLER).as_deref(), Some("102"));
}

#[tokio::test]
async fn of_two_people_of_the_name_since_the_approval_none_is_taken_and_the_shown_one_can_be() {
    let bench = Bench::with(staff(&[(CALLER, "101")])).await;
    let app = bench.app();
    approved(&bench, &app).await;
    bench.sandbox.put_subscriber(person("106", "Oscar Wolf"));
    let refused = failure(again(&app, "oscar").await, Code::InvalidArgument);
    assert!(refused.to_string().contains("(106)"), "{refused}");
    let made = again(&app, "oscar trent").await.unwrap();
    assert_eq!(made.status, AddVipStatus::Replaced);
    assert_eq!(bench.rings(DENTAL, CALLER).as_deref(), Some("102"));
}

#[tokio::test]
async fn to_somebody_who_is_gone_since_the_approval_nothing_is_sent_unasked() {
    let bench = Bench::with(staff(&[(CALLER, "101")])).await;
    let app = bench.app();
    approved(&bench, &app).await;
    assert!(bench.sandbox.remove_subscriber(DENTAL, "102"));
    // The list of users that is known serves a minute.
    let app = bench.app();
    failure(again(&app, "oscar").await, Code::InvalidArgument);
    let stale = failure(again(&app, "102").await, Code::ConfirmationStale);
    assert!(stale.to_string().contains("does not exist"), "{stale}");
    bench.assert_nothing_written();
}

#[tokio::test]
async fn who_is_renamed_while_the_person_thinks_is_still_the_one_who_was_shown() {
    let bench = Bench::with(staff(&[(CALLER, "101")])).await;
    let person = Person::typing(CALLER).while_thinking(|| another_oscar(&bench));
    let args = adding(CALLER, DENTAL, "oscar");
    let made = add(&bench.app(), &args, &Channel::During(&person)).await;
    assert_eq!(made.unwrap().status, AddVipStatus::Replaced);
    assert_eq!(bench.rings(DENTAL, CALLER).as_deref(), Some("102"));
}

#[tokio::test]
async fn an_answer_to_a_question_about_one_oscar_is_none_about_another() {
    let bench = Bench::with(staff(&[(CALLER, "101")])).await;
    let app = bench.app();
    let args = adding(CALLER, DENTAL, "oscar");
    let asked = add_vip(&app, &args, &first_call()).await.unwrap();
    let state = question(asked).state;
    let with_tokens = bench.app_in(ConfirmMode::Token);
    let asked = add(&with_tokens, &args, &nobody()).await.unwrap();
    let sealed = asked.confirmation.confirmation.unwrap();
    another_oscar(&bench);
    let answered = add_vip(&app, &args, &second_call(&state, CALLER)).await;
    failure(answered, Code::ConfirmationInvalid);
    let agreed = add(&with_tokens, &args, &token(&sealed)).await;
    failure(agreed, Code::ConfirmationInvalid);
    bench.assert_nothing_written();
    let shown = adding(CALLER, DENTAL, "102");
    let made = add(&with_tokens, &shown, &token(&sealed)).await.unwrap();
    assert_eq!(made.status, AddVipStatus::Replaced);
}

#[tokio::test]
async fn a_list_that_names_people_is_applied_to_those_who_were_shown() {
    let bench = Bench::with(staff(&[(CALLER, "101")])).await;
    let app = bench.app();
    let merge = args(SyncMode::Merge);
    let rows = format!("ani,destination\n{CALLER},Oscar\n");
    let watch = Watch::default();
    let asked = ask(&app, &merge, Some(&rows), &nobody(), &watch).await;
    let code = done(asked.unwrap()).confirmation.approval_code.unwrap();
    let waiting = app.guard().waiting_under(&code).await.unwrap();
    let typed = Answer::Typed(CALLER.to_owned());
    app.guard().settle(&waiting, &typed).await.unwrap();
    another_oscar(&bench);
    // The list by itself means the other one now, which nobody has approved.
    let other = ask(&app, &merge, Some(&rows), &nobody(), &watch).await;
    let other = done(other.unwrap());
    assert_eq!(other.status, SyncStatus::ConfirmationRequired, "{other:?}");
    bench.assert_nothing_written();
    let plan = SyncVips {
        plan: Some(code),
        mode: None,
        ..args(SyncMode::Merge)
    };
    let made = without_list(&app, &plan, &nobody()).await;
    assert_eq!(made.status, SyncStatus::Applied, "{made:?}");
    assert_eq!(bench.rings(DENTAL, CALLER).as_deref(), Some("102"));
}

#[tokio::test]
async fn a_list_that_was_exported_comes_back_though_rules_have_names_as_their_destinations() {
    let bench = Bench::with(staff(&[(CALLER, "oscar"), ("16165550124", "oscar")])).await;
    let app = bench.app();
    // The second is written by a person, and means one.
    let rows =
        format!("ani,destination,application\n{CALLER},oscar,user\n16165550124,Oscar,user\n");
    let watch = Watch::default();
    let merge = args(SyncMode::Merge);
    let made = ask(&app, &merge, Some(&rows), &Channel::Given, &watch).await;
    let made = done(made.unwrap());
    assert_eq!((made.plan.keep, made.plan.replace), (1, 1), "{made:?}");
    assert_eq!(bench.rings(DENTAL, CALLER).as_deref(), Some("oscar"));
    assert_eq!(bench.rings(DENTAL, "16165550124").as_deref(), Some("102"));
    let mut reasons = made.rows.iter().filter_map(|row| row.reason.as_deref());
    let said = "the rule has \"oscar\" itself as its destination, and stays so";
    assert!(reasons.any(|reason| reason == said), "{made:?}");
}

#[tokio::test]
async fn the_undo_of_a_change_by_a_name_asks_nobody_who_is_called_so() {
    let bench = Bench::with(staff(&[(CALLER, "oscar")])).await;
    let app = bench.app();
    let made = add(&app, &adding(CALLER, DENTAL, "maya"), &Channel::Given).await;
    let id = made.unwrap().change_id.unwrap();
    another_oscar(&bench);
    bench.sandbox.put_subscriber(person("101", "Maja Lindgren"));
    let refused = Fault::status("GET", "/pbx/subscribers", 403).times(9);
    bench.sandbox.inject(refused);
    let back = undo(&app, &id, &Channel::Given).await.unwrap();
    assert_eq!(back.status, UndoStatus::Restored);
    assert_eq!(bench.rings(DENTAL, CALLER).as_deref(), Some("oscar"));
}

/// Vowels of other scripts are marks, which tell one name from another.
#[tokio::test]
async fn a_vowel_sign_of_another_script_tells_two_people_apart() {
    let (kamal, kamala) = ("\u{915}\u{92e}\u{932}", "\u{915}\u{92e}\u{932}\u{93e}");
    let tenant = staff(&[])
        .subscriber(person("111", kamal))
        .subscriber(person("112", kamala));
    for (name, user) in [(kamal, "111"), (kamala, "112")] {
        let bench = Bench::with(tenant.clone()).await;
        let args = adding(CALLER, DENTAL, name);
        let added = add(&bench.app(), &args, &Channel::Given).await.unwrap();
        assert_eq!(added.vip.destination, user, "{name}");
    }
}

#[tokio::test]
async fn letters_that_look_like_others_are_nobodys_and_full_ones_are_the_same() {
    let bench = Bench::with(staff(&[])).await;
    let app = bench.app();
    // The second letter is a Cyrillic one.
    let alike = adding(CALLER, DENTAL, "M\u{430}ya");
    let refused = failure(add(&app, &alike, &nobody()).await, Code::InvalidArgument);
    assert!(refused.hint().contains("Maya Lindgren"), "{refused:?}");
    let hidden = adding(CALLER, DENTAL, "Ma\u{200b}ya");
    let refused = failure(add(&app, &hidden, &nobody()).await, Code::InvalidArgument);
    assert!(refused.to_string().contains("\\u{200b}"), "{refused}");
    bench.assert_nothing_written();
    let wide = adding(CALLER, DENTAL, "\u{ff2d}\u{ff41}\u{ff59}\u{ff41}");
    let added = add(&app, &wide, &nobody()).await.unwrap();
    assert_eq!(added.vip.destination, "101");
}

#[tokio::test]
async fn names_with_numbers_and_names_that_are_words_of_the_field_are_names() {
    let tenant = staff(&[])
        .subscriber(person("201", "Line 2"))
        .subscriber(person("202", "Line 21"))
        .subscriber(person("203", "911 Desk"))
        .subscriber(person("204", "Queue"))
        .subscriber(person("205", "Voicemail Strauß"));
    for (name, user) in [
        ("line 2", "201"),
        ("Line 21", "202"),
        ("911 desk", "203"),
        ("queue", "204"),
        ("voicemail", "205"),
        ("strauss", "205"),
        ("STRAUSS", "205"),
    ] {
        let bench = Bench::with(tenant.clone()).await;
        let args = adding(CALLER, DENTAL, name);
        let added = add(&bench.app(), &args, &Channel::Given).await.unwrap();
        assert_eq!(added.vip.destination, user, "{name}");
    }
    // A number alone is an extension, whatever anybody is called.
    let bench = Bench::with(tenant).await;
    for number in ["2", "911"] {
        let asked = add(&bench.app(), &adding(CALLER, DENTAL, number), &nobody()).await;
        let asked = asked.unwrap();
        assert_eq!(asked.status, AddVipStatus::ConfirmationRequired);
        assert_eq!(asked.vip.destination, number);
    }
}

#[tokio::test]
async fn a_person_is_taken_as_answers_write_them_only_where_name_and_extension_agree() {
    let tenant = staff(&[]).subscriber(person("107", "Oscar Trent"));
    for (written, user) in [
        ("Oscar Trent (102)", "102"),
        ("oscar trent (107)", "107"),
        ("Maya Lindgren (101)", "101"),
    ] {
        let bench = Bench::with(tenant.clone()).await;
        let args = adding(CALLER, DENTAL, written);
        let added = add(&bench.app(), &args, &Channel::Given).await.unwrap();
        assert_eq!(added.vip.destination, user, "{written}");
    }
    // It may be somebody's whole name.
    let bench = Bench::with(tenant.subscriber(person("108", "Maya Lindgren 101"))).await;
    for written in [
        "Oscar Trent (101)",
        "Oscar (102)",
        "Oscar Trent (999)",
        "Maya Lindgren (101)",
    ] {
        let args = adding(CALLER, DENTAL, written);
        let added = add(&bench.app(), &args, &Channel::Given).await;
        failure(added, Code::InvalidArgument);
    }
    bench.assert_nothing_written();
}

#[tokio::test]
async fn a_person_whose_id_no_rule_can_have_is_named_and_not_taken() {
    let tenant = staff(&[]).subscriber(person("sip:zoe@elsewhere.example", "Zoe Adams"));
    let bench = Bench::with(tenant).await;
    let app = bench.app();
    let alone = add(&app, &adding(CALLER, DENTAL, "zoe"), &nobody()).await;
    let refused = failure(alone, Code::InvalidArgument);
    let said = "whose id would be read as something else";
    assert!(refused.to_string().contains(said), "{refused}");
    bench.sandbox.put_subscriber(person("107", "Zoe Adams"));
    let two = add(&app, &adding(CALLER, DENTAL, "zoe adams"), &nobody()).await;
    let refused = failure(two, Code::InvalidArgument);
    assert!(refused.to_string().contains("(107)"), "{refused}");
    bench.assert_nothing_written();
}

#[tokio::test]
async fn a_name_longer_than_any_is_refused_and_one_that_is_stored_is_shown_cut() {
    let long = "Maya ".repeat(2_000);
    let tenant = staff(&[]).subscriber(person("108", &long));
    let bench = Bench::with(tenant).await;
    let too_long = long.trim().parse::<DestinationKey>();
    assert!(too_long.is_err());
    let both = add(&bench.app(), &adding(CALLER, DENTAL, "maya"), &nobody()).await;
    let refused = failure(both, Code::InvalidArgument);
    assert!(refused.to_string().len() < 400, "{refused}");
    assert!(refused.to_string().contains("(108)"), "{refused}");
}

#[tokio::test]
async fn a_rule_that_was_read_from_a_route_is_moved_by_its_name_as_it_is_stored() {
    let tenant = staff(&[]).route(StoredRoute::new(DENTAL, CALLER, "user:oscar"));
    let bench = Bench::with(tenant).await;
    let moved = without_list(&bench.app(), &moving("oscar", "101"), &Channel::Given).await;
    assert_eq!(moved.named, [NOT_OSCAR]);
    assert_eq!(bench.rings(DENTAL, CALLER).as_deref(), Some("101"));
}
