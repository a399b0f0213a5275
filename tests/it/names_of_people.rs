//! Destinations given by the name of a person, queue or attendant.

use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    AddVip, AddVipStatus, ListVips, RouteNumber, RouteStatus, SyncMode, SyncStatus, SyncVips,
    route_number,
};
use skyswitch_mcp::sandbox::{Fault, StoredNumber, StoredRoute, StoredSubscriber, Tenant};

use crate::support::imports::{Watch, args, ask};
use crate::support::{
    Bench, CALLER, DENTAL, Person, add, adding, done, failure, list, listing, nobody, tenant_of,
};

const NEWCOMER: &str = "16165550177";

/// A customer with these users.
fn staff(people: &[(&str, &str)]) -> Tenant {
    people.iter().fold(tenant_of(&[]), |tenant, (user, name)| {
        tenant.subscriber(StoredSubscriber::person(DENTAL, user, name))
    })
}

fn dentist() -> Tenant {
    staff(&[
        ("101", "Maya Lindgren"),
        ("102", "Oscar Trent"),
        ("103", "Zoë Müller"),
        ("104", "Maya Ortiz"),
        ("105", "Trent"),
    ])
    .subscriber(StoredSubscriber::ani_user(DENTAL, "9000"))
    .subscriber(StoredSubscriber::domain_user(DENTAL))
}

/// Where the caller's calls go who is added by that name.
async fn taken(bench: &Bench, name: &str) -> String {
    let added = add(
        &bench.app(),
        &adding(NEWCOMER, DENTAL, name),
        &Channel::Given,
    )
    .await;
    let added = added.unwrap();
    assert_eq!(
        bench.rings(DENTAL, NEWCOMER).as_deref(),
        Some(&*added.vip.destination)
    );
    added.vip.destination
}

/// What is said of a name that is not taken.
async fn refused(bench: &Bench, name: &str) -> String {
    let added = add(&bench.app(), &adding(NEWCOMER, DENTAL, name), &nobody()).await;
    let error = failure(added, Code::InvalidArgument);
    assert_eq!(error.detail().field.as_deref(), Some("destination"));
    bench.assert_nothing_written();
    format!("{error} {}", error.hint())
}

#[tokio::test]
async fn a_vip_is_sent_to_the_person_who_was_named() {
    for (name, user) in [
        ("Maya Lindgren", "101"),
        ("lindgren", "101"),
        ("Lindgren, Maya", "101"),
        ("  maya   LINDGREN ", "101"),
        ("Oscar", "102"),
        ("zoe muller", "103"),
        ("Zoë", "103"),
        // The full name of one, and a part of another's.
        ("Trent", "105"),
    ] {
        let bench = Bench::with(dentist()).await;
        assert_eq!(taken(&bench, name).await, user, "{name}");
    }
}

#[tokio::test]
async fn the_answer_says_whose_name_it_was() {
    let bench = Bench::with(dentist()).await;
    let args = adding(NEWCOMER, DENTAL, "oscar");
    let added = add(&bench.app(), &args, &nobody()).await.unwrap();
    assert_eq!(added.status, AddVipStatus::Created, "nobody is asked");
    let said = added.named.as_deref();
    assert_eq!(said, Some("\"oscar\" is Oscar Trent (102)"));
    let written = adding("16165550178", DENTAL, "102");
    let added = add(&bench.app(), &written, &nobody()).await.unwrap();
    assert_eq!(added.named, None);
}

#[tokio::test]
async fn a_name_costs_no_request_more_than_the_look_at_the_destination() {
    let bench = Bench::with(dentist()).await;
    add(&bench.app(), &adding(NEWCOMER, DENTAL, "102"), &nobody())
        .await
        .unwrap();
    let by_extension = bench.sent().len();
    let bench = Bench::with(dentist()).await;
    add(&bench.app(), &adding(NEWCOMER, DENTAL, "Oscar"), &nobody())
        .await
        .unwrap();
    assert_eq!(bench.sent().len(), by_extension);
}

#[tokio::test]
async fn of_two_mayas_none_is_taken_and_both_are_named() {
    let bench = Bench::with(dentist()).await;
    let said = refused(&bench, "Maya").await;
    for maya in ["Maya Lindgren (101)", "Maya Ortiz (104)"] {
        assert!(said.contains(maya), "{said}");
    }
    let twins = staff(&[("101", "Maya Lindgren"), ("104", "maya lindgren")]);
    let said = refused(&Bench::with(twins).await, "Maya Lindgren").await;
    assert!(said.contains("(101)") && said.contains("(104)"), "{said}");
}

#[tokio::test]
async fn nobody_of_that_name_is_refused_with_the_nearest() {
    let bench = Bench::with(dentist()).await;
    let said = refused(&bench, "Oskar Trent").await;
    assert!(said.contains("Nearest: 102 (Oscar Trent)"), "{said}");
    let said = refused(&bench, "Lind").await;
    assert!(
        said.contains("`user:Lind`"),
        "a part of a word is no name: {said}"
    );
    // The user with the domain's defaults is nobody.
    refused(&bench, "Domain Default").await;
}

#[tokio::test]
async fn a_name_that_is_also_a_users_id_is_that_user() {
    let bench = Bench::with(staff(&[("maya", "Front Desk"), ("101", "Maya Lindgren")])).await;
    assert_eq!(taken(&bench, "Maya").await, "Maya");
    let bench = Bench::with(staff(&[("102", "101"), ("101", "Maya Lindgren")])).await;
    assert_eq!(taken(&bench, "101").await, "101", "digits are never a name");
}

#[tokio::test]
async fn the_word_for_an_application_is_a_name_like_any_other() {
    let bench = Bench::with(staff(&[("101", "Device Room"), ("102", "Maya Lindgren")])).await;
    assert_eq!(taken(&bench, "device").await, "101");
    let bench = Bench::with(dentist()).await;
    refused(&bench, "literal").await;
}

#[tokio::test]
async fn what_has_a_prefix_or_an_application_is_read_as_before() {
    for (written, application, stored) in [
        ("user:Maya Ortiz", None, "user:Maya Ortiz"),
        ("device:oscar", None, "device:oscar"),
        ("oscar", Some("device"), "oscar"),
        ("sip:maya@carrier.example", None, "sip:maya@carrier.example"),
        // Who says that it is a user may name one that is not listed.
        ("john", Some("user"), "john"),
        ("Oscar", Some("user"), "102"),
    ] {
        let bench = Bench::with(dentist()).await;
        let args = AddVip {
            application: application.map(|word| word.parse().unwrap()),
            ..adding(NEWCOMER, DENTAL, written)
        };
        let added = add(&bench.app(), &args, &Channel::Given).await.unwrap();
        assert_eq!(added.vip.destination, stored, "{written} {application:?}");
    }
}

#[tokio::test]
async fn where_the_users_cannot_be_read_a_name_is_refused_and_an_extension_is_not() {
    let cut_off = r#"{"items": [{"user": "101", "name": "Maya Lindgren"}], "total": 9}"#;
    for fault in [
        Fault::status("GET", "/pbx/subscribers", 403),
        Fault::status("GET", "/pbx/subscribers", 200).body(cut_off, "application/json"),
    ] {
        let bench = Bench::with(dentist()).await;
        bench.sandbox.inject(fault.times(9));
        let name = adding(NEWCOMER, DENTAL, "Oscar");
        let error = add(&bench.app(), &name, &Channel::Given).await.unwrap_err();
        assert!(error.to_string().contains("could not be read"), "{error}");
        assert!(error.hint().contains("`user:Oscar`"), "{}", error.hint());
        bench.assert_nothing_written();
        let extension = adding(NEWCOMER, DENTAL, "102");
        add(&bench.app(), &extension, &Channel::Given)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn the_question_shows_name_and_extension() {
    let bench = Bench::with(dentist().route(StoredRoute::new(DENTAL, CALLER, "101"))).await;
    let person = Person::typing(CALLER);
    let args = adding(CALLER, DENTAL, "Oscar");
    let replaced = add(&bench.app(), &args, &Channel::During(&person))
        .await
        .unwrap();
    assert_eq!(replaced.status, AddVipStatus::Replaced);
    let shown = person.shown()[0].text();
    assert!(shown.contains("Oscar Trent (user \"102\")"), "{shown}");
}

fn moving(from: &str, to: &str) -> SyncVips {
    SyncVips {
        from: Some(from.parse().unwrap()),
        destination: Some(to.parse().unwrap()),
        ..args(SyncMode::Move)
    }
}

#[tokio::test]
async fn callers_are_moved_from_one_name_to_another() {
    let bench = Bench::with(dentist().route(StoredRoute::new(DENTAL, CALLER, "101"))).await;
    let app = bench.app();
    let person = Person::typing(CALLER);
    let moving = moving("Lindgren", "Oscar");
    let watch = Watch::default();
    let moved = ask(&app, &moving, None, &Channel::During(&person), &watch).await;
    let moved = moved.map(done).unwrap();
    assert_eq!(moved.status, SyncStatus::Applied, "{moved:?}");
    let shown = person.shown()[0].text();
    for named in [
        "\"Lindgren\" is Maya Lindgren (101)",
        "\"Oscar\" is Oscar Trent (102)",
    ] {
        assert!(
            moved.named.iter().any(|said| said == named),
            "{:?}",
            moved.named
        );
        assert!(shown.contains(named), "{shown}");
    }
    assert_eq!(bench.rings(DENTAL, CALLER).as_deref(), Some("102"));
    let there = ListVips {
        destination: Some("oscar".parse().unwrap()),
        ..listing(DENTAL)
    };
    assert_eq!(list(&app, &there).await.unwrap().total, 1);
}

#[tokio::test]
async fn rules_that_hold_the_name_itself_are_found_by_it() {
    let bench = Bench::with(dentist().route(StoredRoute::new(DENTAL, CALLER, "oscar"))).await;
    let there = ListVips {
        destination: Some("oscar".parse().unwrap()),
        ..listing(DENTAL)
    };
    assert_eq!(list(&bench.app(), &there).await.unwrap().total, 1);
    let app = bench.app();
    let watch = Watch::default();
    let moving = moving("oscar", "101");
    let moved = ask(&app, &moving, None, &Channel::Given, &watch)
        .await
        .map(done);
    assert_eq!(moved.unwrap().status, SyncStatus::Applied);
    assert_eq!(bench.rings(DENTAL, CALLER).as_deref(), Some("101"));
}

#[tokio::test]
async fn a_list_may_name_people_and_keeps_their_extensions() {
    let bench = Bench::with(dentist()).await;
    let app = bench.app();
    let csv = "ani,destination\n6165550131,Oscar\n6165550132,zoe\n6165550133,\n6165550134,102\n";
    let sync = SyncVips {
        destination: Some("Lindgren".parse().unwrap()),
        dry_run: Some(true),
        ..args(SyncMode::Merge)
    };
    let watch = Watch::default();
    let planned = ask(&app, &sync, Some(csv), &nobody(), &watch)
        .await
        .map(done)
        .unwrap();
    assert_eq!(planned.plan.add, 4, "{planned:?}");
    assert_eq!(planned.named.len(), 3);
    // The plan is kept with the extensions: a namesake who comes later changes nothing of it.
    let oscar = StoredSubscriber::person(DENTAL, "106", "Oscar Wolf");
    bench.sandbox.put_subscriber(oscar);
    let apply = SyncVips {
        plan: planned.plan_id,
        mode: None,
        ..args(SyncMode::Merge)
    };
    let applied = ask(&app, &apply, None, &Channel::Given, &watch)
        .await
        .map(done)
        .unwrap();
    assert_eq!(applied.status, SyncStatus::Applied, "{applied:?}");
    for (ani, user) in [
        ("16165550131", "102"),
        ("16165550132", "103"),
        ("16165550133", "101"),
        ("16165550134", "102"),
    ] {
        assert_eq!(bench.rings(DENTAL, ani).as_deref(), Some(user), "{ani}");
    }
}

#[tokio::test]
async fn a_row_that_names_two_people_or_nobody_is_in_the_way_of_the_list() {
    let bench = Bench::with(dentist()).await;
    let csv = "ani,destination\n6165550131,Oscar\n6165550132,Maya\n6165550133,Otto\n";
    let watch = Watch::default();
    let sync = args(SyncMode::Merge);
    let synced = ask(&bench.app(), &sync, Some(csv), &Channel::Given, &watch).await;
    let synced = synced.map(done).unwrap();
    assert_eq!(
        (synced.status, synced.plan.invalid),
        (SyncStatus::Invalid, 2)
    );
    let reasons: Vec<&str> = synced
        .rows
        .iter()
        .filter_map(|row| row.reason.as_deref())
        .collect();
    assert!(
        reasons.iter().any(|why| why.contains("Maya Ortiz (104)")),
        "{reasons:?}"
    );
    bench.assert_nothing_written();
    let whole = SyncVips {
        destination: Some("Maya".parse().unwrap()),
        ..args(SyncMode::Merge)
    };
    let synced = ask(
        &bench.app(),
        &whole,
        Some("ani\n6165550131\n"),
        &nobody(),
        &watch,
    )
    .await;
    let error = failure(synced, Code::InvalidArgument);
    assert_eq!(error.detail().field.as_deref(), Some("destination"));
}

#[tokio::test]
async fn a_number_is_sent_to_the_person_who_was_named() {
    let did = "16165550100";
    let bench = Bench::with(dentist().number(StoredNumber::to_user(did, DENTAL, "101"))).await;
    let sending = |to: &str| RouteNumber {
        did: did.parse().unwrap(),
        to: to.parse().unwrap(),
        domain: None,
        account_id: None,
        confirmation: None,
    };
    let person = Person::typing(did);
    let routed = route_number(&bench.app(), &sending("Oscar"), &Channel::During(&person)).await;
    let routed = routed.map(done).unwrap();
    assert_eq!(routed.status, RouteStatus::Routed);
    assert_eq!(routed.setting, "Oscar Trent (102)");
    let maya = route_number(&bench.app(), &sending("Maya"), &nobody()).await;
    assert!(maya.unwrap_err().to_string().contains("Maya Ortiz (104)"));
}

/// Every question of one or two words, in every order: whoever is taken has all of them.
#[tokio::test]
async fn nobody_is_taken_whose_name_lacks_a_word_that_was_asked_for() {
    let people = [
        ("201", "Anna Berg"),
        ("202", "Anna Maria Berg"),
        ("203", "Berg"),
        ("204", "Bergen Anna"),
        ("205", "Maria"),
        ("206", "Ann"),
        ("207", "Front Desk Berg"),
    ];
    let vocabulary = [
        "anna", "Ánna", "ann", "BERG", "bergen", "maria", "desk", "ber",
    ];
    let bench = Bench::with(staff(&people)).await;
    let app = bench.app();
    let pairs = vocabulary
        .iter()
        .flat_map(|one| vocabulary.map(|other| vec![*one, other]));
    let asked: Vec<Vec<&str>> = vocabulary
        .iter()
        .map(|one| vec![*one])
        .chain(pairs)
        .collect();
    let mut found = 0;
    for words in asked {
        let args = adding(NEWCOMER, DENTAL, &words.join(" "));
        let Ok(added) = add(&app, &args, &Channel::Given).await else {
            continue;
        };
        found += 1;
        let name = people
            .iter()
            .find(|(user, _)| *user == added.vip.destination)
            .unwrap()
            .1;
        let name = name.to_lowercase();
        for word in words {
            let word = word.to_lowercase().replace('á', "a");
            assert!(name.split(' ').any(|has| has == word), "{word}: {name}");
        }
    }
    assert!(found > 10, "{found}");
}
