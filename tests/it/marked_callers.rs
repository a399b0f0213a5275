//! Callers and called numbers that are stored with other marks than a number
//! has: nobody knows what the service takes them for, so a person is asked.

use skyswitch_mcp::config::ConfirmMode;
use skyswitch_mcp::error::Code;
use skyswitch_mcp::ops::{
    AddVip, AddVipStatus, ExplainCall, ListVips, RemoveVipStatus, SyncMode, SyncStatus,
    explain_call,
};
use skyswitch_mcp::sandbox::{StoredDnis, StoredRoute, Tenant};

use crate::support::imports::{args, sync};
use crate::support::{
    Bench, CALLER, DENTAL, add, adding, callers, failure, list, listing, nobody, remove, removing,
};

/// Writings of [`CALLER`] that may be taken for another caller.
const MARKED: [&str; 11] = [
    "16165550123;user=phone",
    "sip:16165550123;user=phone@carrier.example",
    "sip:%2B16165550123@carrier.example",
    "tel:+16165550123;ext=1",
    "<sip:6165550123>",
    "+6165550123",
    "00016165550123",
    "0006165550123",
    "0116165550123",
    "901116165550123",
    "16165550123x101",
];
const MAIN_LINE: &str = "16165550100";

/// A customer with people, and this rule alone.
fn customer(rule: StoredRoute) -> Tenant {
    let mut tenant = Tenant::demo();
    tenant.routes.clear();
    tenant.route(rule)
}

fn rule_of(caller: &str) -> StoredRoute {
    StoredRoute::new(DENTAL, caller, "101")
}

#[tokio::test]
async fn a_new_rule_beside_one_that_may_be_the_callers_is_asked_for() {
    for stored in MARKED {
        let bench = Bench::with(customer(rule_of(stored))).await;
        let app = bench.app();
        let asked = add(&app, &adding(CALLER, DENTAL, "102"), &nobody()).await;
        let asked = asked.unwrap();
        assert_eq!(asked.status, AddVipStatus::ConfirmationRequired, "{stored}");
        let preview = asked.confirmation.preview.unwrap();
        for fact in ["perhaps goes to", stored, "not documented"] {
            assert!(preview.contains(fact), "{stored}: {preview}");
        }
        // To the same place nothing is lost.
        let same = add(&app, &adding(CALLER, DENTAL, "101"), &nobody()).await;
        assert_eq!(same.unwrap().status, AddVipStatus::Created, "{stored}");
    }
}

#[tokio::test]
async fn a_rule_of_another_caller_is_added_without_a_question() {
    for stored in [
        "16165550124;user=phone",
        "00016165550124",
        "+4416165550123",
        "anonymous",
        "911",
    ] {
        let bench = Bench::with(customer(rule_of(stored))).await;
        let added = add(&bench.app(), &adding(CALLER, DENTAL, "102"), &nobody()).await;
        assert_eq!(added.unwrap().status, AddVipStatus::Created, "{stored}");
    }
}

#[tokio::test]
async fn lists_removals_imports_and_explanations_name_what_may_be_the_callers() {
    for stored in MARKED {
        let bench = Bench::with(customer(rule_of(stored))).await;
        let app = bench.app_in(ConfirmMode::Token);
        let of_caller = ListVips {
            ani: Some(CALLER.parse().unwrap()),
            ..listing(DENTAL)
        };
        let listed = list(&app, &of_caller).await.unwrap();
        assert_eq!(callers(&listed), [stored]);
        let removed = remove(&app, &removing(CALLER, DENTAL), &nobody()).await;
        let removed = removed.unwrap();
        assert_eq!(removed.status, RemoveVipStatus::NotFound, "{stored}");
        let told = removed.warnings.join("; ");
        assert!(told.contains(stored), "{stored}: {told}");
        let call = ExplainCall {
            ani: CALLER.parse().unwrap(),
            domain: Some(DENTAL.parse().unwrap()),
            dnis: None,
            account_id: None,
        };
        let call = explain_call(&app, &call).await.unwrap();
        let unknown = format!("{:?}", call.unknown);
        assert!(unknown.contains(stored), "{stored}: {unknown}");
        let lines = format!("ani,destination\n{CALLER},102\n");
        let planned = sync(&app, &args(SyncMode::Merge), &lines, &nobody()).await;
        let planned = planned.unwrap();
        assert_eq!(planned.status, SyncStatus::ConfirmationRequired);
        let preview = planned.confirmation.preview.unwrap();
        assert!(preview.contains(stored), "{stored}: {preview}");
        bench.assert_nothing_written();
    }
}

#[tokio::test]
async fn a_protected_caller_is_protected_in_every_writing() {
    for stored in MARKED {
        let bench = Bench::with(customer(rule_of(stored))).await;
        let app = bench.app_with(|settings| {
            settings.limits.protected = vec![CALLER.parse().unwrap()];
        });
        let removed = remove(&app, &removing(stored, DENTAL), &nobody()).await;
        failure(removed, Code::Blocked);
    }
}

#[tokio::test]
async fn a_called_number_that_may_mean_any_is_asked_for_too() {
    for stored in [
        "any",
        "%",
        ".*",
        ".{11}",
        "1616%",
        "_1616XXXXXXX",
        "1616*",
        "16165550100;x=1",
    ] {
        let rule = rule_of(CALLER).dnis(StoredDnis::number(stored));
        let bench = Bench::with(customer(rule)).await;
        let for_main_line = AddVip {
            dnis: Some(MAIN_LINE.parse().unwrap()),
            ..adding(CALLER, DENTAL, "102")
        };
        let asked = add(&bench.app(), &for_main_line, &nobody()).await.unwrap();
        assert_eq!(asked.status, AddVipStatus::ConfirmationRequired, "{stored}");
    }
}
