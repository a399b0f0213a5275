//! Which customer is meant, and that nothing is said of one who does not exist.

use skyswitch_mcp::app::App;
use skyswitch_mcp::error::{Code, Error};
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    ExplainCall, ListChanges, ListDestinations, ListDomains, MarkSetupStep, MarkStatus,
    OnboardDomain, PageSize, SetupChecklist, StepState, SyncMode, SyncVips, explain_call,
    list_changes, list_destinations, list_domains, mark_setup_step, setup_checklist,
};
use skyswitch_mcp::sandbox::{Fault, StoredDomain, StoredRoute, Tenant};

use crate::support::customer::{
    ACME, DID, PbxApi, app_on, closed, onboard, onboarding, prepared, route, sending,
};
use crate::support::imports::{args, sync};
use crate::support::process::{Home, demo_sandbox};
use crate::support::{
    BAKERY, Bench, CALLER, DENTAL, KETTLE, Person, add, adding, callers, done, failure, list,
    listing, nobody, remove, removing,
};

/// [`DENTAL`] with a letter left out.
const MISSPELT: &str = "lakesidedentl.12345.service";

fn changes_of(domain: &str) -> ListChanges {
    ListChanges {
        domain: Some(domain.parse().unwrap()),
        ..ListChanges::default()
    }
}

fn checklist_of(domain: &str) -> SetupChecklist {
    SetupChecklist {
        domain: domain.parse().unwrap(),
        account_id: None,
        did: None,
        fallback_destination: None,
    }
}

fn attesting(domain: &str) -> MarkSetupStep {
    MarkSetupStep {
        domain: domain.parse().unwrap(),
        step: "dial_translation_rule".parse().unwrap(),
        attested_by: Some("J. Smith".to_owned()),
        note: Some("ticket 48213".to_owned()),
        withdraw: None,
        account_id: None,
    }
}

/// How every operation that names a customer fails for this one.
async fn failures(app: &App, domain: &str) -> Vec<Error> {
    let explaining = ExplainCall {
        ani: CALLER.parse().unwrap(),
        domain: Some(domain.parse().unwrap()),
        dnis: None,
        account_id: None,
    };
    let destinations = ListDestinations {
        domain: domain.parse().unwrap(),
        query: None,
        account_id: None,
        limit: None,
        cursor: None,
    };
    let planning = SyncVips {
        domain: domain.parse().unwrap(),
        dry_run: Some(true),
        ..args(SyncMode::Merge)
    };
    let withdrawing = MarkSetupStep {
        withdraw: Some(true),
        ..attesting(domain)
    };
    let file = "ani,destination\n6165550123,101\n";
    vec![
        list(app, &listing(domain)).await.unwrap_err(),
        add(app, &adding(CALLER, domain, "101"), &Channel::Given)
            .await
            .unwrap_err(),
        remove(app, &removing(CALLER, domain), &Channel::Given)
            .await
            .unwrap_err(),
        explain_call(app, &explaining).await.unwrap_err(),
        list_changes(app, &changes_of(domain), PageSize::All)
            .await
            .unwrap_err(),
        list_destinations(app, &destinations, PageSize::All)
            .await
            .unwrap_err(),
        sync(app, &planning, file, &Channel::Given)
            .await
            .unwrap_err(),
        mark_setup_step(app, &attesting(domain), &nobody())
            .await
            .unwrap_err(),
        mark_setup_step(app, &withdrawing, &nobody())
            .await
            .unwrap_err(),
    ]
}

#[tokio::test]
async fn no_operation_says_anything_of_a_customer_who_does_not_exist() {
    let bench = Bench::demo().await;
    let app = bench.app();
    for named in [MISSPELT, "lakesidedentl", "Lakeside Dentist"] {
        for error in failures(&app, named).await {
            assert_eq!(error.code(), Code::NotFound, "{named}: {error:?}");
            assert_eq!(error.detail().field.as_deref(), Some("domain"), "{error:?}");
            let said = error.to_string();
            assert!(said.contains(DENTAL), "the nearest is named: {said}");
            assert!(said.contains("Lakeside Dental"), "{said}");
        }
    }
    bench.assert_nothing_written();
}

#[tokio::test]
async fn a_customer_is_found_by_short_name_and_by_description() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let names = ["lakesidedental", "LakesideDental.12345", "lakeside DENTAL"];
    for named in [names.as_slice(), &[DENTAL]].concat() {
        let found = list(&app, &listing(named)).await.unwrap();
        assert!(callers(&found).contains(&CALLER), "{named}: {found:?}");
        assert!(found.vips.iter().all(|vip| vip.domain == DENTAL));
    }
    let of_domains =
        |request: &&skyswitch_mcp::sandbox::Recorded| request.path.ends_with("/domains");
    let requests = bench.sandbox.requests();
    assert_eq!(requests.iter().filter(of_domains).count(), 1, "it is kept");

    let added = add(
        &app,
        &adding("6165550188", "Lakeside Dental", "101"),
        &nobody(),
    )
    .await;
    assert_eq!(added.unwrap().vip.domain, DENTAL);
    assert_eq!(bench.rings(DENTAL, "16165550188").as_deref(), Some("101"));
    let removing = removing("6165550188", "lakesidedental");
    remove(&app, &removing, &Channel::Given).await.unwrap();
    assert_eq!(bench.rings(DENTAL, "16165550188"), None);
    let changes = list_changes(&app, &changes_of("Lakeside Dental"), PageSize::All).await;
    assert_eq!(changes.unwrap().total, 2);
}

#[tokio::test]
async fn a_customer_created_just_now_is_found_by_name_and_by_query() {
    let bench = Bench::demo().await;
    let found = list(&bench.app(), &listing("Copper Kettle Cafe")).await;
    assert_eq!(found.unwrap().total, 0);
    let query = ListDomains {
        query: Some("kettle".to_owned()),
        ..ListDomains::default()
    };
    let found = list_domains(&bench.app(), &query, PageSize::All).await;
    assert_eq!(found.unwrap().domains[0].domain, KETTLE);
}

#[tokio::test]
async fn a_name_that_several_customers_have_is_refused_with_all_of_them() {
    let tenant = Tenant::empty()
        .domain("acme.12345.service", "Acme")
        .domain("acme.54321.service", "Acme")
        .route(StoredRoute::new("acme.12345.service", CALLER, "101"));
    let bench = Bench::with(tenant).await;
    for named in ["acme", "ACME "] {
        let error = failure(
            list(&bench.app(), &listing(named)).await,
            Code::InvalidArgument,
        );
        let said = error.to_string();
        assert_eq!(error.detail().field.as_deref(), Some("domain"));
        for candidate in ["acme.12345.service", "acme.54321.service"] {
            assert!(said.contains(candidate), "{said}");
        }
    }
}

#[tokio::test]
async fn a_change_is_for_the_customer_whom_a_fresh_list_names() {
    let mut tenant = Tenant::empty()
        .domain("acme.12345.service", "Acme")
        .route(StoredRoute::new("acme.12345.service", CALLER, "101"));
    // The service's cached list does not show the newest customer yet.
    let newest = StoredDomain::new("acme.54321.service", "Acme");
    tenant.domains.push(newest.fresh());
    let bench = Bench::with(tenant).await;
    let app = bench.app();
    let read = list(&app, &listing("acme")).await.unwrap();
    assert_eq!(callers(&read), [CALLER], "a read may go by that list");
    for named in ["acme", "Acme"] {
        let added = add(&app, &adding("6165550188", named, "101"), &nobody()).await;
        let removed = remove(&app, &removing(CALLER, named), &Channel::Given).await;
        for error in [added.unwrap_err(), removed.unwrap_err()] {
            assert_eq!(error.code(), Code::InvalidArgument, "{error:?}");
            assert!(error.to_string().contains("acme.54321.service"), "{error}");
        }
    }
    bench.assert_nothing_written();
}

#[tokio::test]
async fn a_name_is_found_in_any_writing_that_looks_the_same() {
    let composed = "Caf\u{e9} Lumi\u{e8}re";
    let decomposed = "Cafe\u{301}  Lumie\u{300}re";
    for (stored, given) in [(composed, decomposed), (decomposed, composed)] {
        let tenant = Tenant::empty().domain("lumiere.12345.service", stored);
        let bench = Bench::with(tenant).await;
        let app = bench.app();
        let named = given.replacen(' ', " \u{a0}", 1).to_lowercase();
        let found = list(&app, &listing(&named)).await;
        assert_eq!(found.unwrap().total, 0, "{given}");
        let query = ListDomains {
            query: Some(given[3..].to_owned()),
            ..ListDomains::default()
        };
        let found = list_domains(&app, &query, PageSize::All).await.unwrap();
        assert_eq!(found.total, 1, "{given}");
    }
}

#[tokio::test]
async fn the_setup_is_looked_at_where_the_customers_may_not_be_read() {
    let bench = Bench::with(prepared(closed())).await;
    bench
        .sandbox
        .inject(Fault::status("GET", "pbx/domains", 403).times(usize::MAX));
    let app = app_on(&bench, PbxApi::V2);
    let said = |warnings: &[String]| warnings.join("\n").contains("could not be checked");
    let list = setup_checklist(&app, &checklist_of(ACME)).await.unwrap();
    assert!(said(&list.warnings), "{list:?}");
    assert_eq!(list.steps[0].state, StepState::Done, "it has users");
    let planning = OnboardDomain {
        dry_run: Some(true),
        ..onboarding()
    };
    let planned = onboard(&app, &planning, &nobody()).await.unwrap();
    assert!(said(&planned.warnings), "{planned:?}");
    let person = Person::typing(ACME);
    let marked = mark_setup_step(&app, &attesting(ACME), &Channel::During(&person)).await;
    let marked = marked.map(done).unwrap();
    assert_eq!(marked.status, MarkStatus::Attested);
    assert!(said(&marked.warnings), "{marked:?}");
    let routed = route(&app, &sending(DID, "101"), &Channel::Given).await;
    assert!(said(&routed.unwrap().warnings));

    // Nothing shows whether a domain without users exists.
    let list = setup_checklist(&app, &checklist_of("nosuch.12345.service")).await;
    let list = list.unwrap();
    assert_eq!(list.steps[0].state, StepState::Unknown, "{list:?}");
    let short = setup_checklist(&app, &checklist_of("acme")).await;
    failure(short, Code::Forbidden);
}

#[tokio::test]
async fn a_login_that_may_not_read_the_customers_goes_on_with_a_full_name_only() {
    let bench = Bench::demo().await;
    bench
        .sandbox
        .inject(Fault::status("GET", "pbx/domains", 403).times(usize::MAX));
    let found = list(&bench.app(), &listing(BAKERY)).await.unwrap();
    assert_eq!(found.total, 0);
    assert!(found.warnings[0].contains(BAKERY), "{:?}", found.warnings);
    let added = add(&bench.app(), &adding(CALLER, BAKERY, "101"), &nobody()).await;
    let warnings = added.unwrap().warnings;
    assert!(warnings[0].contains("could not be checked"), "{warnings:?}");
    failure(
        list(&bench.app(), &listing("sunrisebakery")).await,
        Code::Forbidden,
    );
}

#[tokio::test]
async fn changes_of_a_customer_who_was_deleted_since_are_shown_with_a_warning() {
    let bench = Bench::demo().await;
    let app = bench.app();
    add(&app, &adding("6165550188", DENTAL, "101"), &nobody())
        .await
        .unwrap();
    bench.change_journal("UPDATE changes SET domain = 'gone.12345.service'");
    let changes = list_changes(&app, &changes_of("gone.12345.service"), PageSize::All)
        .await
        .unwrap();
    assert_eq!(changes.total, 1);
    assert!(changes.warnings[0].contains("no customer"), "{changes:?}");
    // The journal is here, whatever becomes of the service.
    bench
        .sandbox
        .inject(Fault::status("GET", "pbx/domains", 500).times(usize::MAX));
    let args = changes_of("gone.12345.service");
    let changes = list_changes(&bench.app(), &args, PageSize::All).await;
    assert_eq!(changes.unwrap().total, 1);
}

#[tokio::test]
async fn the_checklist_of_a_customer_who_does_not_exist_names_the_nearest_and_writes_no_ticket() {
    let bench = Bench::demo().await;
    let checklist = setup_checklist(&bench.app(), &checklist_of(MISSPELT))
        .await
        .unwrap();
    let evidence = checklist.steps[0].evidence.as_deref().unwrap();
    assert!(evidence.contains(DENTAL), "{evidence}");
    assert!(checklist.support_ticket.is_none(), "{checklist:?}");
    let short = setup_checklist(&bench.app(), &checklist_of("lakesidedentl")).await;
    failure(short, Code::NotFound);
}

#[tokio::test]
async fn an_export_of_a_customer_who_does_not_exist_writes_no_file() {
    let sandbox = demo_sandbox().await;
    let home = Home::of(&sandbox);
    let file = home.path().join("list.csv");
    let path = file.to_str().unwrap();
    let ran = home
        .run(&["vip", "export", "--domain", MISSPELT, "--output", path])
        .await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains(DENTAL), "{ran:?}");
    assert!(!file.exists());
}
