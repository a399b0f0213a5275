//! Lists: every form the service uses, every page, every way to break.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::ops::{
    ListDomains, ListNumbers, ListVips, PageSize, list_domains, list_numbers, list_vips,
};
use skyswitch_mcp::sandbox::{
    ACCOUNT_ID, Fault, Gate, ListShape, SCALE_DOMAIN, StoredDnis, StoredRoute, Tenant,
};

use crate::support::{
    BAKERY, Bench, CALLER, DENTAL, KETTLE, VET, add, adding, callers, failure, list, listing,
    nobody, tenant_of,
};

const SHAPES: [ListShape; 7] = [
    ListShape::Array,
    ListShape::Data,
    ListShape::Paged { per_page: 3 },
    ListShape::Paged { per_page: 100 },
    ListShape::CountedPages { per_page: 1 },
    ListShape::CountedPages { per_page: 4 },
    ListShape::ObjectByKey,
];

#[tokio::test]
async fn rules_are_read_from_every_form_of_list() {
    let mut seen = BTreeSet::new();
    for shape in SHAPES {
        let bench = Bench::with(Tenant::demo().list_shape(shape)).await;
        let all = list(&bench.app(), &ListVips::default()).await.unwrap();
        assert_eq!((all.count, all.total), (11, 11), "{shape:?}");
        assert_eq!(all.account_id, ACCOUNT_ID);
        assert_eq!(all.next_cursor, None);
        seen.insert(serde_json::to_string(&all.vips).unwrap());
        let requests = match shape {
            ListShape::Paged { per_page } | ListShape::CountedPages { per_page } => {
                11_usize.div_ceil(per_page)
            }
            _ => 1,
        };
        assert_eq!(bench.sent(), vec!["GET"; requests], "{shape:?}");
    }
    assert_eq!(seen.len(), 1, "the form of the list shows: {seen:#?}");
}

#[tokio::test]
async fn domains_are_read_from_every_form_of_list() {
    for shape in SHAPES {
        let tenant = Tenant {
            domain_list_shape: shape,
            ..Tenant::demo()
        };
        let bench = Bench::with(tenant).await;
        let all = list_domains(&bench.app(), &ListDomains::default(), PageSize::All)
            .await
            .unwrap();
        let names: Vec<&str> = all.domains.iter().map(|row| row.domain.as_str()).collect();
        assert_eq!(
            names,
            [
                "0000.12345.service",
                "harborlegal.12345.service",
                DENTAL,
                VET,
                BAKERY
            ],
            "{shape:?}"
        );
        assert_eq!(
            all.domains[2].description.as_deref(),
            Some("Lakeside Dental")
        );
        assert_eq!(all.domains[2].reseller.as_deref(), Some("12345"));
        assert_eq!((all.count, all.total), (5, 5));
        assert!(
            !bench.sent().is_empty() && bench.count("GET") <= 5,
            "{shape:?}"
        );
    }
}

#[tokio::test]
async fn domains_are_found_by_name_or_description_and_a_new_one_on_refresh() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let query = |text: &str, refresh| ListDomains {
        query: Some(text.to_owned()),
        refresh,
        ..ListDomains::default()
    };
    let found = list_domains(&app, &query("BAKERY", None), PageSize::All)
        .await
        .unwrap();
    assert_eq!(found.domains[0].domain, BAKERY);
    assert_eq!(found.total, 1);
    for refresh in [None, Some(true)] {
        let fresh = list_domains(&app, &query("kettle", refresh), PageSize::All)
            .await
            .unwrap();
        assert_eq!(fresh.domains[0].domain, KETTLE);
    }
    let refreshes: Vec<bool> = bench
        .sandbox
        .requests()
        .iter()
        .filter(|request| request.path.ends_with("/pbx/domains"))
        .map(|request| request.parameter("force_refresh") == Some("1"))
        .collect();
    assert_eq!(refreshes, [false, false, true, true]);
}

#[tokio::test]
async fn numbers_and_called_numbers_are_read_however_they_are_stored() {
    let tenant = Tenant::empty()
        .domain(DENTAL, "")
        .route(StoredRoute::new(DENTAL, "16165550101", "1").numeric())
        .route(StoredRoute::new(DENTAL, "16165550102", "1").dnis(StoredDnis::Null))
        .route(StoredRoute::new(DENTAL, "16165550103", "1").dnis(StoredDnis::number("")))
        .route(StoredRoute::new(DENTAL, "16165550104", "1").dnis(StoredDnis::number("*")))
        .route(
            StoredRoute::new(DENTAL, "16165550105", "1")
                .dnis(StoredDnis::number("16165550100"))
                .numeric(),
        );
    let bench = Bench::with(tenant).await;
    let all = list(&bench.app(), &listing(DENTAL)).await.unwrap();
    let rows: Vec<(&str, Option<&str>)> = all
        .vips
        .iter()
        .map(|vip| (vip.ani.as_str(), vip.dnis.as_deref()))
        .collect();
    assert_eq!(
        rows,
        [
            ("16165550101", None),
            ("16165550102", None),
            ("16165550103", None),
            ("16165550104", Some("*")),
            ("16165550105", Some("16165550100")),
        ]
    );
    let json = serde_json::to_value(&all).unwrap();
    assert!(
        json["vips"][0].get("dnis").is_none(),
        "left out, never null: {json}"
    );
    assert!(json.get("next_cursor").is_none(), "{json}");
}

#[tokio::test]
async fn an_application_that_is_left_out_is_told_from_the_destination() {
    let bench = Bench::demo().await;
    let vet = list(&bench.app(), &listing(VET)).await.unwrap();
    let anonymous = vet.vips.iter().find(|vip| vip.ani == "anonymous").unwrap();
    assert_eq!(anonymous.application, "user");
    bench.next_list(
        r#"[{"ani":1,"destination":"device:x"},{"ani":2,"destination":"y","application":"Queue"}]"#,
    );
    let odd = list(&bench.app(), &listing(VET)).await.unwrap();
    assert_eq!(odd.vips[0].application, "device");
    assert_eq!(odd.vips[1].application, "Queue");
}

#[tokio::test]
async fn every_form_of_nothing_is_an_empty_list() {
    let bench = Bench::demo().await;
    let app = bench.app();
    // From now on it is known that the customer exists.
    list(&app, &listing("Lakeside Dental")).await.unwrap();
    for nothing in [
        "[]",
        r#"{"data":[]}"#,
        r#"{"pagination":{"count":0,"per_page":25,"page":1},"data":[]}"#,
        r#"{"current_page":1,"total":"0","data":[]}"#,
    ] {
        bench.sandbox.clear_requests();
        bench.next_list(nothing);
        let found = list(&app, &listing(DENTAL)).await;
        let found = found.unwrap_or_else(|error| panic!("{nothing}: {error}"));
        assert_eq!((found.count, found.total), (0, 0), "{nothing}");
        assert_eq!(bench.sent(), ["GET"], "{nothing}");
    }
    for shape in SHAPES {
        let bench = Bench::with(Tenant::empty().list_shape(shape)).await;
        let found = list(&bench.app(), &ListVips::default()).await.unwrap();
        assert_eq!(found.total, 0, "{shape:?}");
        assert_eq!(bench.sent(), ["GET"], "{shape:?}");
    }
}

#[tokio::test]
async fn unknown_fields_and_counters_of_other_styles_are_tolerated() {
    let bench = Bench::demo().await;
    let first = json!({
        "data": [{"ani": "16165550111", "destination": "1", "domain": DENTAL, "id": 7, "tags": [{}]}],
        "links": {"next": "https://example.org/?page=2", "prev": null},
        "meta": {"current_page": 1, "last_page": 2, "total": 2, "links": [{"url": null}], "from": 1},
    });
    let second = json!({
        "data": [{"ani": "16165550112", "destination": "2", "domain": DENTAL}],
        "meta": {"current_page": "2", "last_page": "2", "total": "2"},
    });
    bench.next_list(&first.to_string());
    bench.next_list(&second.to_string());
    let all = list(&bench.app(), &listing(DENTAL)).await.unwrap();
    assert_eq!(callers(&all), ["16165550111", "16165550112"]);
    let pages: Vec<_> = bench
        .sandbox
        .requests()
        .into_iter()
        .filter(|request| request.method == "GET")
        .map(|request| request.parameter("page").map(str::to_owned))
        .collect();
    assert_eq!(pages, [None, Some("2".to_owned())]);
}

#[tokio::test]
async fn pages_that_do_not_follow_one_another_are_an_error_and_not_half_a_list() {
    let bench = Bench::demo().await;
    let page = r#"{"current_page":1,"total":"4","data":[{"ani":"16165550111","destination":"1"}]}"#;
    bench.next_list(page);
    bench.next_list(page);
    let error = failure(
        list(&bench.app(), &listing(DENTAL)).await,
        Code::UpstreamRejected,
    );
    assert!(error.to_string().contains("page 2"), "{error}");
    assert_eq!(bench.sent(), ["GET", "GET"]);
}

#[tokio::test]
async fn nothing_more_is_asked_for_after_an_empty_page() {
    let bench = Bench::demo().await;
    bench.next_list(
        r#"{"current_page":1,"total":"9","data":[{"ani":"16165550111","destination":"1"}]}"#,
    );
    for page in 2..9 {
        bench.next_list(&format!(
            r#"{{"current_page":{page},"total":"9","data":[]}}"#
        ));
    }
    // Whether the short list is shown or refused is left open; asking on is not.
    let _ = list(&bench.app(), &listing(DENTAL)).await;
    assert_eq!(bench.sent(), ["GET", "GET"]);
}

#[tokio::test]
async fn rules_in_a_form_nobody_knows_are_not_taken_for_an_empty_list() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let strange = r#"[{"caller":"16165550123","rings":"101"}]"#;
    bench.next_list(strange);
    let read = list(&app, &listing(DENTAL)).await;
    bench.next_list(strange);
    let written = add(&app, &adding(CALLER, DENTAL, "999"), &nobody()).await;
    bench.assert_nothing_written();
    assert!(read.is_err() && written.is_err(), "{read:?} {written:?}");
}

#[tokio::test]
async fn a_page_of_html_is_a_clear_error() {
    let bench = Bench::demo().await;
    bench.sandbox.inject(Fault::html("GET", "route-by-ani"));
    let error = failure(
        list(&bench.app(), &listing(DENTAL)).await,
        Code::UpstreamRejected,
    );
    assert!(error.to_string().contains("an HTML page"), "{error}");
    assert!(!error.to_string().contains('<'), "{error}");
    assert_eq!(error.detail().status, Some(200));
    assert!(error.detail().request_id.is_some());
    assert_eq!(bench.sent(), ["GET"]);
}

#[tokio::test]
async fn json_that_breaks_off_or_is_something_else_is_a_clear_error() {
    let bench = Bench::demo().await;
    let app = bench.app();
    for (body, words) in [
        (r#"[{"ani":"16165550"#, "breaks off after 17 bytes"),
        ("maintenance until noon", "not JSON"),
        ("7", "unexpected form"),
        (r#"[{"ani":"16165550123"},[]]"#, "unexpected form"),
        (
            r#"{"error":"Validation failed on the following fields: domain"}"#,
            "Validation failed",
        ),
        (r#"{"message":"come back\nlater"}"#, "come back\\u{a}later"),
    ] {
        bench.next_list(body);
        let error = failure(list(&app, &listing(DENTAL)).await, Code::UpstreamRejected);
        assert!(error.to_string().contains(words), "{body}: {error}");
        assert!(!error.to_string().contains("6165550"), "{body}: {error}");
    }
    assert_eq!(bench.count("GET"), 6, "none of these is worth a repeat");
}

#[tokio::test]
async fn a_list_that_breaks_off_on_the_way_is_read_again() {
    let bench = Bench::demo().await;
    bench.sandbox.inject(Fault::truncate("GET", "route-by-ani"));
    let all = list(&bench.app(), &listing(DENTAL)).await.unwrap();
    assert_eq!(all.total, 6);
    assert_eq!(bench.sent(), ["GET", "GET"]);
}

#[tokio::test]
async fn an_answer_without_end_is_a_clear_error() {
    let bench = Bench::demo().await;
    bench
        .sandbox
        .inject(Fault::huge("GET", "route-by-ani", (64 << 20) + 1));
    let error = failure(
        list(&bench.app(), &listing(DENTAL)).await,
        Code::UpstreamRejected,
    );
    assert!(error.to_string().contains("larger than 64 MiB"), "{error}");
    assert_eq!(bench.sent(), ["GET"]);
}

#[tokio::test]
async fn the_words_of_the_service_are_passed_on_and_its_markup_is_not() {
    let bench = Bench::demo().await;
    let app = bench.app();
    for (body, media_type, words) in [
        (
            r#"{"message":"No such thing"}"#,
            "application/json",
            "No such thing",
        ),
        (
            r#"{"error":"No such thing"}"#,
            "application/json",
            "No such thing",
        ),
        (
            r#"{"msg":"No such thing"}"#,
            "application/json",
            "No such thing",
        ),
        (
            r#"{"error":"x","error_description":"No such thing"}"#,
            "application/json",
            "No such thing",
        ),
        (
            r#"{"error":{"code":7,"message":"No such thing"}}"#,
            "application/json",
            "No such thing",
        ),
        (
            r#"{"errors":{"domain":["No such thing"]}}"#,
            "application/json",
            "domain: No such thing",
        ),
        (r#""No such thing""#, "application/json", "No such thing"),
        ("No such thing", "text/plain", "No such thing"),
        ("No such thing", "text/html", "No such thing"),
    ] {
        bench
            .sandbox
            .inject(Fault::status("GET", "route-by-ani", 400).body(body, media_type));
        let error = failure(list(&app, &listing(DENTAL)).await, Code::UpstreamRejected);
        assert!(error.to_string().contains(words), "{body}: {error}");
        assert_eq!(error.detail().status, Some(400));
    }
    for body in [
        "<html><h1>Bad</h1></html>",
        "\n <!DOCTYPE html><p>Bad",
        "",
        "{}",
        "[1]",
    ] {
        bench
            .sandbox
            .inject(Fault::status("GET", "route-by-ani", 400).body(body, "text/html"));
        let error = failure(list(&app, &listing(DENTAL)).await, Code::UpstreamRejected);
        assert_eq!(
            error.to_string(),
            "SkySwitch refused the request (HTTP 400)",
            "{body}"
        );
    }
}

#[tokio::test]
async fn equal_reads_in_flight_are_sent_once() {
    let bench = Bench::demo().await;
    let app = Arc::new(bench.app());
    list(&app, &listing(VET)).await.unwrap();
    bench.sandbox.clear_requests();
    let gate = Gate::default();
    bench.sandbox.inject(Fault::hold("GET", DENTAL, &gate));
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let app = Arc::clone(&app);
            tokio::spawn(async move { list(&app, &listing(DENTAL)).await })
        })
        .collect();
    bench.arrived("GET", 1).await;
    // A read begun after all of them has ended: they would have sent their own before.
    list(&app, &listing(VET)).await.unwrap();
    gate.open();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().total, 6);
    }
    assert_eq!(bench.count("GET"), 2);
    // Once it has landed, the next one is sent again.
    list(&app, &listing(DENTAL)).await.unwrap();
    assert_eq!(bench.count("GET"), 3);
}

#[tokio::test]
async fn reads_of_different_things_are_not_mixed_up() {
    let bench = Bench::demo().await;
    let app = bench.app();
    // None is answered before all of them have arrived.
    let gate = Gate::default();
    let held = Fault::hold("GET", "route-by-ani", &gate);
    bench.sandbox.inject(held.times(3));
    let (dental, vet, all) = (listing(DENTAL), listing(VET), ListVips::default());
    let all_arrived = async {
        bench.arrived("GET", 3).await;
        gate.open();
    };
    let (dental, vet, all, ()) = tokio::join!(
        list(&app, &dental),
        list(&app, &vet),
        list(&app, &all),
        all_arrived
    );
    let totals = [dental, vet, all].map(|list| list.unwrap().total);
    assert_eq!(totals, [6, 4, 11]);
    assert_eq!(bench.count("GET"), 3);
}

#[tokio::test]
async fn a_read_goes_on_for_the_others_when_the_first_to_ask_goes_away() {
    let bench = Bench::demo().await;
    let app = Arc::new(bench.app());
    let gate = Gate::default();
    bench.sandbox.inject(Fault::hold("GET", DENTAL, &gate));
    let start = || {
        let app = Arc::clone(&app);
        tokio::spawn(async move { list(&app, &listing(DENTAL)).await })
    };
    let first = start();
    bench.arrived("GET", 1).await;
    let second = start();
    // A read begun after the second has ended: that one waits with the first by now.
    list(&app, &listing(VET)).await.unwrap();
    first.abort();
    gate.open();
    assert_eq!(second.await.unwrap().unwrap().total, 6);
    assert_eq!(bench.count("GET"), 2);
}

#[tokio::test]
async fn a_list_asked_for_after_a_change_shows_the_change() {
    let bench = Bench::demo().await;
    let app = Arc::new(bench.app());
    // An answer that was read before the change and comes late.
    let gate = Gate::default();
    bench
        .sandbox
        .inject(Fault::hold_answer("GET", "route-by-ani", &gate));
    let early = tokio::spawn({
        let app = Arc::clone(&app);
        async move { list(&app, &listing(DENTAL)).await }
    });
    bench.arrived("GET", 1).await;
    let args = adding("6165550111", DENTAL, "101");
    add(&app, &args, &nobody()).await.unwrap();
    let late = list(&app, &listing(DENTAL)).await.unwrap();
    gate.open();
    assert!(
        callers(&late).contains(&"16165550111"),
        "{:?}",
        callers(&late)
    );
    let early = early.await.unwrap().unwrap();
    assert_eq!(early.total, 6, "the early list was read before the change");
}

#[tokio::test]
async fn a_failed_read_fails_for_all_who_share_it_and_not_for_the_next() {
    let bench = Bench::demo().await;
    let app = bench.app();
    bench
        .sandbox
        .inject(Fault::status("GET", "route-by-ani", 400));
    let args = listing(DENTAL);
    let (one, two) = tokio::join!(list(&app, &args), list(&app, &args));
    failure(one, Code::UpstreamRejected);
    failure(two, Code::UpstreamRejected);
    assert_eq!(list(&app, &args).await.unwrap().total, 6);
    assert_eq!(bench.sent(), ["GET", "GET"]);
}

#[tokio::test]
async fn a_list_is_filtered_by_caller_in_any_writing() {
    let bench = Bench::demo().await;
    let app = bench.app();
    for text in [
        "6165550125",
        "16165550125",
        "(616) 555-0125",
        "sip:16165550125@*",
    ] {
        let args = ListVips {
            ani: Some(text.parse().unwrap()),
            ..ListVips::default()
        };
        let found = list(&app, &args).await.unwrap();
        assert_eq!(callers(&found), ["6165550125"], "{text}");
    }
    let odd = ListVips {
        ani: Some("anonymous".parse().unwrap()),
        ..ListVips::default()
    };
    assert_eq!(callers(&list(&app, &odd).await.unwrap()), ["anonymous"]);
    let recorded = bench.sandbox.requests();
    let filtered = recorded
        .iter()
        .any(|request| request.parameter("ani").is_some());
    assert!(
        !filtered,
        "how the service compares callers is not documented"
    );
}

#[tokio::test]
async fn a_list_is_filtered_by_called_number() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let called = |text: &str| ListVips {
        dnis: Some(text.parse().unwrap()),
        ..listing(DENTAL)
    };
    let main_line = list(&app, &called("(616) 555-0100")).await.unwrap();
    assert_eq!(callers(&main_line), ["16165550126"]);
    assert_eq!(main_line.vips[0].dnis.as_deref(), Some("16165550100"));
    for any in ["*", ""] {
        let any = list(&app, &called(any)).await.unwrap();
        assert_eq!(any.total, 5);
        assert!(
            any.vips
                .iter()
                .all(|vip| vip.dnis.as_deref().unwrap_or("*") == "*")
        );
    }
}

#[tokio::test]
async fn pages_cover_everything_exactly_once_in_order() {
    let bench = Bench::with(Tenant::with_routes(1_203)).await;
    let app = bench.app();
    let mut args = listing(SCALE_DOMAIN);
    let mut seen = Vec::new();
    let mut sizes = Vec::new();
    loop {
        let page = list_vips(&app, &args, PageSize::Rows(500)).await.unwrap();
        assert_eq!(page.total, 1_203);
        assert_eq!(page.count, page.vips.len());
        sizes.push(page.count);
        seen.extend(page.vips.into_iter().map(|vip| (vip.ani, vip.dnis)));
        args.cursor = page.next_cursor;
        if args.cursor.is_none() {
            break;
        }
    }
    assert_eq!(sizes, [500, 500, 203]);
    let sorted: BTreeSet<_> = seen.iter().cloned().collect();
    assert_eq!(sorted.len(), 1_203, "a row came twice or not at all");
    assert!(seen.is_sorted());
    assert_eq!(bench.sent(), ["GET"], "read once for all its pages");
}

#[tokio::test]
async fn a_page_goes_on_with_the_list_that_it_began_with_or_says_that_it_does_not() {
    let bench = Bench::with(Tenant::with_routes(6)).await;
    let app = bench.app();
    let mut args = listing(SCALE_DOMAIN);
    let size = PageSize::Rows(3);
    let first = list_vips(&app, &args, size).await.unwrap();
    let last = first.vips.last().unwrap();
    let between = StoredRoute::new(SCALE_DOMAIN, &format!("{}5", last.ani), "900");
    bench.sandbox.put_route(between);
    args.cursor = first.next_cursor;
    let kept = list_vips(&app, &args, size).await.unwrap();
    assert_eq!((kept.total, kept.warnings.len()), (6, 0), "{kept:?}");
    assert_eq!(bench.count("GET"), 1);

    let elsewhere = list_vips(&bench.app(), &args, size).await.unwrap();
    assert_eq!(elsewhere.total, 7);
    assert!(
        elsewhere
            .warnings
            .iter()
            .any(|said| said.contains("read again")),
        "{elsewhere:?}"
    );
    args.cursor = None;
    let again = list_vips(&app, &args, size).await.unwrap();
    assert_eq!((again.total, again.warnings.len()), (7, 0), "{again:?}");
}

#[tokio::test]
async fn pages_cover_one_caller_with_many_called_numbers() {
    let mut tenant = tenant_of(&[(CALLER, "101")]);
    for line in 0..7 {
        let dnis = StoredDnis::number(&format!("1616555010{line}"));
        tenant = tenant.route(StoredRoute::new(DENTAL, CALLER, "102").dnis(dnis));
    }
    let bench = Bench::with(tenant).await;
    let app = bench.app();
    let mut args = listing(DENTAL);
    let mut seen = BTreeSet::new();
    let mut rows = 0;
    loop {
        let page = list_vips(&app, &args, PageSize::Rows(1)).await.unwrap();
        rows += page.count;
        seen.extend(page.vips.into_iter().map(|vip| vip.dnis));
        args.cursor = page.next_cursor;
        if args.cursor.is_none() {
            break;
        }
    }
    assert_eq!((rows, seen.len()), (8, 8));
}

#[tokio::test]
async fn page_sizes_and_cursors_that_make_no_sense_are_refused() {
    for limit in [0, 501, u16::MAX] {
        let error = failure(PageSize::from_limit(Some(limit)), Code::InvalidArgument);
        assert_eq!(error.detail().field.as_deref(), Some("limit"));
    }
    assert_eq!(
        PageSize::from_limit(None).unwrap(),
        PageSize::from_limit(Some(50)).unwrap()
    );
    let bench = Bench::demo().await;
    for cursor in ["", "x", "WyJh", "!!!!", "eyJhIjoxfQ"] {
        let args = ListVips {
            cursor: Some(cursor.to_owned()),
            ..listing(DENTAL)
        };
        let error = failure(list(&bench.app(), &args).await, Code::InvalidArgument);
        assert_eq!(error.detail().field.as_deref(), Some("cursor"), "{cursor}");
    }
}

/// Answers that are no list, though their status says success.
#[tokio::test]
async fn what_is_no_list_is_not_taken_for_an_empty_one_and_nothing_is_written() {
    for body in [
        r#"{"error":{"code":"busy","message":"try later"}}"#,
        r#"{"message":"backend busy","error":null}"#,
        r#"{"data":{"message":"backend busy"}}"#,
        r#"{"total":"5","data":[]}"#,
        r#"[{"caller":"16165550123","destination":"101","domain":"lakesidedental.12345.service"}]"#,
        r#"[{"ani":null,"destination":"101"}]"#,
        r#"{"77":{"caller":"16165550123","destination":"101"}}"#,
    ] {
        let bench = Bench::demo().await;
        let fault = Fault::status("GET", "route-by-ani", 200).body(body, "application/json");
        bench.sandbox.inject(fault.times(9));
        let args = adding("16165550123", DENTAL, "102");
        let outcome = add(&bench.app(), &args, &nobody()).await;
        failure(outcome, Code::UpstreamRejected);
        assert_eq!(bench.count("PUT"), 0, "{body}");
        assert_eq!(
            bench.rings(DENTAL, "16165550123").as_deref(),
            Some("101"),
            "{body}"
        );
    }
}

#[tokio::test]
async fn what_the_first_page_announced_is_fetched_though_the_next_says_nothing() {
    let row = |ani: &str| json!({"ani": ani, "domain": DENTAL, "destination": "101"});
    let bench = Bench::demo().await;
    let first = json!({"current_page": 1, "last_page": 3, "data": [row("16165550101")]});
    bench.next_list(&first.to_string());
    bench.next_list(&json!({"data": [row("16165550102")]}).to_string());
    bench.next_list(&json!({"data": [row("16165550103")]}).to_string());
    let list = list_vips(&bench.app(), &listing(DENTAL), PageSize::All).await;
    let list = list.expect("a list");
    assert_eq!(
        callers(&list),
        ["16165550101", "16165550102", "16165550103"]
    );
}

#[tokio::test]
async fn a_list_refuses_the_cursor_of_another_list() {
    let bench = Bench::demo().await;
    let app = bench.app();
    let args = ListDomains::default();
    let domains = list_domains(&app, &args, PageSize::Rows(1)).await.unwrap();
    let cursor = domains.next_cursor.unwrap();
    let numbers = ListNumbers {
        cursor: Some(cursor.clone()),
        ..ListNumbers::default()
    };
    let refused = list_numbers(&app, &numbers, PageSize::All).await;
    let error = failure(refused, Code::InvalidArgument);
    assert_eq!(error.detail().field.as_deref(), Some("cursor"), "{error}");
    let vips = ListVips {
        cursor: Some(cursor.clone()),
        ..listing(DENTAL)
    };
    let refused = list_vips(&app, &vips, PageSize::All).await;
    failure(refused, Code::InvalidArgument);
    let next = ListDomains {
        cursor: Some(cursor),
        ..args
    };
    list_domains(&app, &next, PageSize::All).await.unwrap();
}
