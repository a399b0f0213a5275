//! Which answers are lists: only an explicit, whole and understood one. On any
//! other nothing is shown, nothing is changed, and nothing is written down.

use serde_json::json;
use skyswitch_mcp::app::App;
use skyswitch_mcp::config::ConfirmMode;
use skyswitch_mcp::domain::SetupStep;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    AddVipStatus, ExplainCall, ListChanges, ListVips, PageSize, RemoveVipStatus, SetupChecklist,
    Stage, StatusQuery, StepState, UndoChange, UndoStatus, explain_call, list_changes,
    onboarding_status, setup_checklist, undo_change,
};
use skyswitch_mcp::sandbox::{
    Announcement, DialPlanAccess, EmptyList, Fault, ListShape, PbxHabits, RowDestination,
    RowDomain, StoredRoute, StoredSubscriber, Tenant,
};
use skyswitch_mcp::state::ChangeStatus;

use crate::support::customer::{PbxApi, app_on, checklist, prepared, state};
use crate::support::{
    Bench, CALLER, DENTAL, LEGAL, VET, add, adding, callers, done, failure, list, listing, nobody,
    remove, removing, tenant_of,
};

const RULES: &str = "route-by-ani";
/// A caller who has no rule in [`tenant_of`] as used here.
const OTHER: &str = "16165550188";

/// An account whose users exist, so that a new rule to one of them asks nobody.
fn tenant_with_users(routes: &[(&str, &str)]) -> Tenant {
    ["101", "102"]
        .into_iter()
        .fold(tenant_of(routes), |tenant, user| {
            tenant.subscriber(StoredSubscriber::person(DENTAL, user, "Somebody"))
        })
}

fn answering(status: u16, body: &str) -> Fault {
    let fault = Fault::status("GET", RULES, status);
    fault.body(body, "application/json").times(99)
}

/// Answers with a success status that are no whole list of rules.
fn no_lists() -> Vec<(u16, String)> {
    let row = |fields: serde_json::Value| {
        let mut row = json!({"ani": OTHER, "domain": DENTAL, "destination": "101"});
        for (name, value) in fields.as_object().unwrap() {
            match value.as_str() {
                Some("left out") => drop(row.as_object_mut().unwrap().remove(name)),
                _ => row[name] = value.clone(),
            }
        }
        row
    };
    let one = row(json!({}));
    let mut answers: Vec<(u16, String)> = [201, 202, 203, 204, 205, 206, 226]
        .map(|status| (status, if status > 203 { "" } else { "[]" }.to_owned()))
        .to_vec();
    answers.push((206, json!([one]).to_string()));
    let bodies = [
        "",
        " \r\n",
        "null",
        "{}",
        r#"{"data":null}"#,
        r#"{"data":{}}"#,
        r#"{"message":5}"#,
        r#"{"errors":[]}"#,
        r#"{"count":0}"#,
        r#"{"total":0,"data":null}"#,
        r#"{"pagination":{"count":0,"page":1}}"#,
        r#"{"links":{},"meta":{}}"#,
    ];
    answers.extend(bodies.map(|body| (200, body.to_owned())));
    let parts = [
        json!({"data": [one], "next_page_url": "https://api.example/x?page=2"}),
        json!({"data": [one], "next_page_url": "https://api.example/x?cursor=abc"}),
        json!({"data": [one], "links": {"next": "/x?offset=100"}}),
        json!({"data": [one], "_links": {"next": {"href": "/x?after=9"}}}),
        json!({"data": [one], "links": [{"rel": "next", "href": "/x?after=9"}]}),
        json!({"data": [one], "meta": {"next_cursor": "abc"}}),
        json!({"data": [one], "meta": {"cursor": {"current": null, "next": "MTAw", "count": 1}}}),
        json!({"data": [one], "pagination": {"page": 1, "pages": 4}}),
        json!({"data": [one], "last": false}),
        json!({"data": [one], "links": {"last": "/x?page=4"}}),
        json!({"data": [one], "from": 1, "to": 25}),
        json!({"data": [one], "meta": {"truncated": true}}),
        json!({"data": [one], "meta": {"num_results": 7}}),
        json!({"data": [one], "per_page": 1}),
        json!({"data": [], "message": "Unauthenticated."}),
        json!({"data": [one], "message": "Too many results; only the first is shown."}),
        json!({"data": [one], "message": {"code": 7}}),
        json!({"data": [one], "count": 1, "message": "OK"}),
        json!({"data": [one], "note": "Too many results."}),
        json!({"data": [one], "1": one}),
        json!({"data": [one], "meta": {"next_page": 2}}),
        json!({"data": [one], "paging": {"cursors": {"next": "abc"}}}),
        json!({"data": [one], "next": "abc"}),
        json!({"data": [one], "has_more": true}),
        json!({"data": [one], "nextPageToken": "abc"}),
        json!({"data": [one], "count": 1, "total": 7}),
        json!({"data": [one], "total": "7"}),
        json!({"data": [one], "total": "many"}),
        json!({"data": [one], "count": 3, "total": 1}),
        json!({"data": [one], "total": 1, "meta": {"total": 2}}),
        json!({"data": [one], "total": 2, "next_page_url": null}),
        json!({"data": [one], "total": 0}),
        json!({"data": [one], "meta": {"pagination": {"count": 1, "total_count": 7}}}),
        json!({"data": [one], "page": 1, "per_page": 1, "total": 7}),
        json!({"1": one, "totalElements": 7}),
    ];
    answers.extend(parts.map(|body| (200, body.to_string())));
    let half_read = [
        row(json!({"destination": "left out"})),
        row(json!({"destination": null})),
        row(json!({"destination": false})),
        row(json!({"destination": {"type": "user", "value": "101"}})),
        row(json!({"destination": "left out", "dest": "101"})),
        row(json!({"ani": "left out"})),
        row(json!({"ani": null})),
        row(json!({"ani": ""})),
        row(json!({"ani": {"number": OTHER}})),
        row(json!({"dnis": ["16165550100"]})),
        row(json!({"application": {"type": "user"}})),
        row(json!({"domain": ["acme"]})),
        row(json!({"domain": "someone.99999.service"})),
        row(json!({"domain": "someone"})),
    ];
    answers.extend(half_read.map(|row| (200, json!([row]).to_string())));
    answers
}

async fn journal(app: &App) -> Vec<ChangeStatus> {
    let args = ListChanges::default();
    let changes = list_changes(app, &args, PageSize::All).await.unwrap();
    changes.changes.iter().map(|row| row.status).collect()
}

fn explaining() -> ExplainCall {
    ExplainCall {
        ani: CALLER.parse().unwrap(),
        domain: Some(DENTAL.parse().unwrap()),
        dnis: None,
        account_id: None,
    }
}

async fn undo(app: &App, id: &str) -> skyswitch_mcp::Result<UndoStatus> {
    let args = UndoChange {
        change_id: id.to_owned(),
        account_id: None,
        confirmation: None,
    };
    let undone = undo_change(app, &args, &Channel::Given).await;
    undone.map(|undone| done(undone).status)
}

#[tokio::test]
async fn on_an_answer_that_is_no_whole_list_nothing_is_shown_changed_or_written_down() {
    for (status, body) in no_lists() {
        let case = format!("{status} {body}");
        let bench = Bench::with(tenant_of(&[(CALLER, "101")])).await;
        let app = bench.app();
        bench.sandbox.inject(answering(status, &body));
        let listed = failure(list(&app, &listing(DENTAL)).await, Code::UpstreamRejected);
        assert!(!listed.to_string().contains("6165550"), "{case}: {listed}");
        failure(
            explain_call(&app, &explaining()).await,
            Code::UpstreamRejected,
        );
        let added = add(&app, &adding(CALLER, DENTAL, "102"), &nobody()).await;
        failure(added, Code::UpstreamRejected);
        let removed = remove(&app, &removing(CALLER, DENTAL), &Channel::Given).await;
        failure(removed, Code::UpstreamRejected);
        bench.assert_nothing_written();
        assert_eq!(journal(&app).await, [], "{case}");
        assert_eq!(
            bench.rings(DENTAL, CALLER).as_deref(),
            Some("101"),
            "{case}"
        );
    }
}

#[tokio::test]
async fn an_undo_does_not_rest_on_an_answer_that_is_no_whole_list() {
    for (status, body) in no_lists() {
        let case = format!("{status} {body}");
        let bench = Bench::with(tenant_with_users(&[(CALLER, "101")])).await;
        let app = bench.app();
        let added = add(&app, &adding(OTHER, DENTAL, "102"), &nobody()).await;
        let id = added.unwrap().change_id.unwrap();
        bench.sandbox.clear_requests();
        bench.sandbox.inject(answering(status, &body));
        let undone = undo(&app, &id).await.unwrap_err();
        assert_eq!(undone.code(), Code::UpstreamRejected, "{case}");
        bench.assert_nothing_written();
        assert_eq!(bench.rings(DENTAL, OTHER).as_deref(), Some("102"), "{case}");
    }
}

#[tokio::test]
async fn a_change_whose_outcome_is_open_is_not_closed_by_an_answer_that_is_no_list() {
    for body in ["", "null", "{}", r#"{"errors":[]}"#] {
        let bench = Bench::with(tenant_with_users(&[])).await;
        let app = bench.app();
        bench.sandbox.inject(Fault::drop_after("PUT", RULES));
        bench.sandbox.inject(Fault::pass("GET", RULES));
        // The read before the repetition, and the one of the next work.
        bench.sandbox.inject(answering(200, body).times(2));
        let added = add(&app, &adding(CALLER, DENTAL, "101"), &nobody()).await;
        failure(added, Code::UpstreamUnavailable);
        assert_eq!(journal(&app).await, [ChangeStatus::Open], "{body}");
        assert_eq!(journal(&app).await, [ChangeStatus::Reconciled], "{body}");
        assert_eq!(bench.count("PUT"), 1, "{body}");
        assert_eq!(undo(&app, "1").await.unwrap(), UndoStatus::Restored);
        assert_eq!(bench.rings(DENTAL, CALLER), None, "{body}");
    }
}

#[tokio::test]
async fn an_empty_list_is_one_that_says_so() {
    for body in [
        "[]",
        r#"{"data":[]}"#,
        r#"{"pagination":{"count":0,"per_page":25,"page":1},"data":[]}"#,
        r#"{"current_page":1,"last_page":1,"total":"0","data":[],"next_page_url":null}"#,
        r#"{"data":[],"links":{"next":null},"meta":{"next_cursor":null}}"#,
        r#"{"data":{"data":[]}}"#,
    ] {
        let bench = Bench::with(tenant_of(&[])).await;
        bench.sandbox.inject(answering(200, body));
        let found = list(&bench.app(), &listing(DENTAL)).await;
        assert_eq!(found.unwrap().total, 0, "{body}");
        assert_eq!(
            bench.sent(),
            ["GET", "GET"],
            "{body}: the rules, and whether the customer exists"
        );
    }
}

#[tokio::test]
async fn an_empty_object_is_an_empty_list_only_where_the_operator_says_so() {
    for (habit, setting, is_list) in [
        (EmptyList::OfShape, false, true),
        (EmptyList::Object, false, false),
        (EmptyList::Object, true, true),
        (EmptyList::Null, true, false),
        (EmptyList::Blank, true, false),
        (EmptyList::NoContent, true, false),
    ] {
        let bench = Bench::with(tenant_with_users(&[]).empty_list(habit)).await;
        let app = bench.app_with(|settings| {
            settings.empty_object_is_empty_list = setting;
        });
        let listed = list(&app, &listing(DENTAL)).await;
        let added = add(&app, &adding(CALLER, DENTAL, "101"), &nobody()).await;
        if is_list {
            assert_eq!(listed.unwrap().total, 0, "{habit:?}");
            assert_eq!(added.unwrap().status, AddVipStatus::Created, "{habit:?}");
        } else {
            let refused = failure(listed, Code::UpstreamRejected);
            let names_setting = refused.hint().contains("empty_object_is_empty_list");
            assert_eq!(names_setting, habit == EmptyList::Object, "{refused:?}");
            failure(added, Code::UpstreamRejected);
            bench.assert_nothing_written();
        }
    }
}

#[tokio::test]
async fn every_way_to_announce_more_pages_is_followed_or_refused() {
    use Announcement::*;
    let followed = [
        NextPageUrl,
        LinksNext,
        LinkHeader,
        CountBesideTotal,
        NestedCounters,
        CountOfPage,
    ];
    let refused = [NextCursor, TotalHeader, ContentRange, Partial, Message];
    for rows in 1..=6_u32 {
        for by in followed.into_iter().chain(refused) {
            let all: Vec<String> = (0..rows).map(|row| format!("1616555010{row}")).collect();
            let rules: Vec<(&str, &str)> = all.iter().map(|ani| (ani.as_str(), "101")).collect();
            let shape = ListShape::Announced { per_page: 2, by };
            let bench = Bench::with(tenant_of(&rules).list_shape(shape)).await;
            let app = bench.app();
            let listed = list(&app, &listing(DENTAL)).await;
            let is_short = rows <= 2 && !matches!(by, Partial | Message);
            let is_whole = followed.contains(&by) || is_short;
            if is_whole {
                assert_eq!(callers(&listed.unwrap()), all, "{by:?} {rows}");
                continue;
            }
            failure(listed, Code::UpstreamRejected);
            let last = all.last().unwrap();
            let added = add(&app, &adding(last, DENTAL, "102"), &nobody()).await;
            failure(added, Code::UpstreamRejected);
            bench.assert_nothing_written();
        }
    }
}

#[tokio::test]
async fn a_service_that_ignores_the_page_number_does_not_fill_the_list_with_repetitions() {
    let bench = Bench::with(tenant_of(&[])).await;
    let row = json!({"ani": CALLER, "domain": DENTAL, "destination": "101"});
    let page = json!({"total": 2, "per_page": 1, "last_page": 2, "next_page_url": "?page=2", "data": [row]});
    bench.sandbox.inject(answering(200, &page.to_string()));
    let listed = list(&bench.app(), &listing(DENTAL)).await;
    let refused = failure(listed, Code::UpstreamRejected);
    assert!(refused.to_string().contains("page 2"), "{refused}");
}

#[tokio::test]
async fn a_rule_is_found_changed_and_put_back_however_its_row_writes_the_domain() {
    for habit in [
        RowDomain::Short,
        RowDomain::UpperCase,
        RowDomain::TrailingSpace,
        RowDomain::TrailingDot,
        RowDomain::Absent,
    ] {
        // Every second row is written so, the first included.
        let tenant = tenant_of(&[(CALLER, "101"), (OTHER, "101")]);
        let bench = Bench::with(tenant.row_domain(habit)).await;
        let app = bench.app_in(ConfirmMode::Token);
        let listed = list(&app, &listing(DENTAL)).await.unwrap();
        let named: Vec<&str> = listed.vips.iter().map(|vip| vip.domain.as_str()).collect();
        assert_eq!(named, [DENTAL, DENTAL], "{habit:?}");
        assert_eq!(bench.sent(), ["GET"], "{habit:?}");

        let other = adding(CALLER, DENTAL, "102");
        let asked = add(&app, &other, &nobody()).await.unwrap();
        assert_eq!(
            asked.status,
            AddVipStatus::ConfirmationRequired,
            "{habit:?}"
        );
        bench.assert_nothing_written();
        let same = adding(CALLER, DENTAL, "101");
        let unchanged = add(&app, &same, &nobody()).await.unwrap();
        assert_eq!(unchanged.status, AddVipStatus::Unchanged, "{habit:?}");

        let replaced = add(&app, &other, &Channel::Given).await.unwrap();
        assert_eq!(replaced.status, AddVipStatus::Replaced, "{habit:?}");
        assert_eq!(bench.rings(DENTAL, CALLER).as_deref(), Some("102"));
        let undone = undo(&app, &replaced.change_id.unwrap()).await.unwrap();
        assert_eq!(undone, UndoStatus::Restored, "{habit:?}");
        assert_eq!(bench.rings(DENTAL, CALLER).as_deref(), Some("101"));
        let removed = remove(&app, &removing(CALLER, DENTAL), &Channel::Given).await;
        let removed = removed.unwrap();
        assert_eq!(removed.status, RemoveVipStatus::Removed, "{habit:?}");
        assert_eq!(bench.rings(DENTAL, CALLER), None, "{habit:?}");
        assert_eq!(
            undo(&app, &removed.change_id.unwrap()).await.unwrap(),
            UndoStatus::Restored,
            "{habit:?}"
        );
        assert_eq!(bench.sandbox.routes().len(), 2, "{habit:?}");
    }
}

#[tokio::test]
async fn rows_of_another_domain_of_the_account_are_left_out_and_no_others() {
    for habit in [RowDomain::Stored, RowDomain::Short, RowDomain::UpperCase] {
        let tenant = Tenant {
            routes_heed_domain: false,
            ..Tenant::demo().row_domain(habit)
        };
        let bench = Bench::with(tenant).await;
        let app = bench.app();
        for (domain, total) in [(DENTAL, 6), (VET, 4), (DENTAL, 6)] {
            let listed = list(&app, &listing(domain)).await.unwrap();
            assert_eq!(listed.total, total, "{habit:?}");
        }
        let reads = bench.sandbox.requests();
        let of_domains = reads.iter().filter(|read| read.path.ends_with("/domains"));
        assert_eq!(of_domains.count(), 1, "the account's domains are kept");
    }
}

#[tokio::test]
async fn in_a_list_of_the_whole_account_a_short_domain_is_told_by_the_accounts_domains() {
    let short = Bench::with(Tenant::demo().row_domain(RowDomain::Short)).await;
    let all = list(&short.app(), &ListVips::default()).await.unwrap();
    let plain = Bench::demo().await;
    let expected = list(&plain.app(), &ListVips::default()).await.unwrap();
    assert_eq!(
        serde_json::to_value(&all.vips).unwrap(),
        serde_json::to_value(&expected.vips).unwrap()
    );
    // Nobody can say whose rule a row without a domain is, or one of two that are called the same.
    let twins = tenant_of(&[(CALLER, "101")]).domain("lakesidedental.99999.service", "");
    for tenant in [
        Tenant::demo().row_domain(RowDomain::Absent),
        twins.row_domain(RowDomain::Short),
    ] {
        let bench = Bench::with(tenant).await;
        let app = bench.app();
        failure(
            list(&app, &ListVips::default()).await,
            Code::UpstreamRejected,
        );
        assert!(list(&app, &listing(DENTAL)).await.unwrap().total > 0);
    }
}

#[tokio::test]
async fn a_destination_that_cannot_be_read_is_not_a_rule_to_nobody() {
    for habit in [
        RowDestination::Nested,
        RowDestination::Renamed,
        RowDestination::Null,
        RowDestination::Absent,
    ] {
        let bench = Bench::with(tenant_of(&[(CALLER, "101")]).row_destination(habit)).await;
        let app = bench.app();
        let refused = failure(list(&app, &listing(DENTAL)).await, Code::UpstreamRejected);
        let words = refused.to_string();
        assert!(
            words.contains("without a readable `destination`"),
            "{words}"
        );
        let added = add(&app, &adding(CALLER, DENTAL, "102"), &nobody()).await;
        failure(added, Code::UpstreamRejected);
        bench.assert_nothing_written();
    }
}

#[tokio::test]
async fn a_rule_that_says_that_it_is_not_in_force_is_not_counted_as_one() {
    let listed = async |fields: serde_json::Value| {
        let mut row = json!({"ani": CALLER, "domain": DENTAL, "destination": "101"});
        row.as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        let bench = Bench::with(tenant_with_users(&[])).await;
        bench
            .sandbox
            .inject(answering(200, &json!([row]).to_string()));
        list(&bench.app(), &listing(DENTAL)).await
    };
    for (name, fields) in [
        ("deleted", json!({"deleted": true})),
        ("deleted", json!({"deleted": {"by": "somebody"}})),
        ("deleted_at", json!({"deleted_at": "2031-01-01T00:00:00Z"})),
        ("enabled", json!({"enabled": false})),
        ("enabled", json!({"enabled": "No"})),
        ("enabled", json!({"enabled": "weekdays"})),
        ("active", json!({"active": 0})),
        ("disabled", json!({"disabled": "1"})),
        ("status", json!({"status": "Inactive"})),
    ] {
        let error = failure(listed(fields.clone()).await, Code::UpstreamRejected);
        let told = error.to_string();
        assert!(told.contains(&format!("`{name}`")), "{fields}: {told}");
    }
    let in_force = json!({"deleted": false, "deleted_at": null, "disabled": "0", "enabled": "yes", "active": 1,
        "status": "standard"});
    assert_eq!(listed(in_force).await.expect("a list").total, 1);
}

#[tokio::test]
async fn a_list_cut_off_on_its_way_is_no_list() {
    let bench = Bench::with(tenant_of(&[(CALLER, "101")])).await;
    bench
        .sandbox
        .inject(Fault::truncate("GET", RULES).times(99));
    let added = add(&bench.app(), &adding(CALLER, DENTAL, "102"), &nobody()).await;
    failure(added, Code::UpstreamUnavailable);
    bench.assert_nothing_written();
}

/// Alarms rest on users, numbers and dial plans.
#[tokio::test]
async fn no_alarm_is_hidden_by_an_answer_that_is_no_list() {
    let status = async |bench: &Bench| {
        let app = app_on(bench, PbxApi::V2);
        let args = StatusQuery::default();
        onboarding_status(&app, &args, PageSize::All, &Silent).await
    };
    for habit in [RowDomain::Short, RowDomain::UpperCase, RowDomain::Absent] {
        let tenant = Tenant {
            row_domain: habit,
            routes: Vec::new(),
            ..Tenant::demo()
        };
        let bench = Bench::with(tenant).await;
        assert_eq!(status(&bench).await.unwrap().alarms, 1, "{habit:?}");
    }
    for path in [
        "pbx/subscribers?domain=harborlegal",
        "pbx/phone-numbers?domain=harborlegal",
    ] {
        for body in ["", "null", "{}", r#"{"message":5}"#, r#"[{"x":[]}]"#] {
            let bench = Bench::demo().await;
            let fault = Fault::status("GET", path, 200).body(body, "application/json");
            bench.sandbox.inject(fault.times(9));
            let table = status(&bench).await.unwrap();
            let legal = table.customers.iter().find(|row| row.domain == LEGAL);
            let legal = legal.unwrap();
            assert_eq!(legal.stage, Stage::Unread, "{path} {body}: {legal:?}");
        }
    }
    for body in ["", "null", "{}"] {
        for path in ["pbx/domains", RULES] {
            let bench = Bench::demo().await;
            let fault = Fault::status("GET", path, 200).body(body, "application/json");
            bench.sandbox.inject(fault.times(9));
            failure(status(&bench).await, Code::UpstreamRejected);
        }
    }
}

/// Hears of progress and says nothing.
struct Silent;

impl skyswitch_mcp::ops::Progress for Silent {
    fn report(&self, _: usize, _: usize, _: &str) {}
}

#[tokio::test]
async fn a_blank_answer_of_the_pbx_api_does_not_show_that_a_rule_is_missing() {
    let habits = PbxHabits::default().dial_plan(DialPlanAccess::Read);
    for (api, method, path) in [
        (PbxApi::V1, "POST", "object=dialrule&action=read"),
        (PbxApi::V2, "GET", "/dialrules"),
    ] {
        for (status, body) in [
            (200, ""),
            (200, "null"),
            (200, "{}"),
            (202, "[]"),
            (200, "{\"data\":null}"),
        ] {
            let bench = Bench::with(prepared(habits.clone())).await;
            let fault = Fault::status(method, path, status).body(body, "application/json");
            bench.sandbox.inject(fault.times(9));
            let list = checklist(&app_on(&bench, api)).await;
            let step = state(&list.steps, "dial_translation_rule");
            assert_eq!(step, StepState::Unknown, "{api:?} {status} {body}");
        }
        let bench = Bench::with(prepared(habits.clone())).await;
        let list = checklist(&app_on(&bench, api)).await;
        let step = state(&list.steps, "dial_translation_rule");
        assert_eq!(
            step,
            StepState::Todo,
            "{api:?}: the plan shows that there is none"
        );
    }
}

#[tokio::test]
async fn a_checklist_says_that_the_rules_could_not_be_read() {
    let bench = Bench::demo().await;
    bench.sandbox.inject(answering(200, ""));
    let args = SetupChecklist {
        domain: DENTAL.parse().unwrap(),
        account_id: None,
        did: None,
        fallback_destination: None,
    };
    let list = setup_checklist(&bench.app(), &args).await.unwrap();
    let step = list
        .steps
        .iter()
        .find(|step| step.id == SetupStep::ManageVips);
    let text = serde_json::to_string(step.unwrap()).unwrap();
    assert!(text.contains("empty body"), "{text}");
}

#[tokio::test]
async fn a_rule_of_the_account_is_not_written_under_a_name_of_its_rows() {
    let tenant = tenant_of(&[(CALLER, "101")]).row_domain(RowDomain::Short);
    let bench = Bench::with(tenant.route(StoredRoute::new(DENTAL, OTHER, "101"))).await;
    let app = bench.app();
    let removed = remove(&app, &removing(CALLER, DENTAL), &Channel::Given).await;
    assert_eq!(removed.unwrap().status, RemoveVipStatus::Removed);
    assert_eq!(bench.only("DELETE").parameter("domain"), Some(DENTAL));
}
