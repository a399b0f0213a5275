//! Operations on VIP rules as the tests ask for them, and what came of them.

use std::fmt::Debug;

use skyswitch_mcp::Result;
use skyswitch_mcp::app::App;
use skyswitch_mcp::domain::AccountId;
use skyswitch_mcp::error::{Code, Error};
use skyswitch_mcp::guard::Channel;
use skyswitch_mcp::ops::{
    AddVip, AddVipOutcome, Asked, ListVips, PageSize, Question, RemoveVip, RemoveVipOutcome,
    VipList, add_vip, list_vips, remove_vip,
};
use skyswitch_mcp::sandbox::{StoredRoute, Tenant};

use super::DENTAL;

/// Arguments of `add_vip`.
pub fn adding(ani: &str, domain: &str, destination: &str) -> AddVip {
    AddVip {
        ani: ani.parse().unwrap(),
        domain: domain.parse().unwrap(),
        destination: destination.parse().unwrap(),
        application: None,
        dnis: None,
        note: None,
        until: None,
        account_id: None,
        confirmation: None,
    }
}

/// Arguments of `remove_vip`.
pub fn removing(ani: &str, domain: &str) -> RemoveVip {
    RemoveVip {
        ani: ani.parse().unwrap(),
        domain: domain.parse().unwrap(),
        dnis: None,
        account_id: None,
        confirmation: None,
    }
}

/// Arguments of `list_vips` for one domain.
pub fn listing(domain: &str) -> ListVips {
    ListVips {
        domain: Some(domain.parse().unwrap()),
        ..ListVips::default()
    }
}

/// Adds, where no question is expected.
pub async fn add(app: &App, args: &AddVip, channel: &Channel<'_>) -> Result<AddVipOutcome> {
    add_vip(app, args, channel).await.map(done)
}

/// Removes, where no question is expected.
pub async fn remove(
    app: &App,
    args: &RemoveVip,
    channel: &Channel<'_>,
) -> Result<RemoveVipOutcome> {
    remove_vip(app, args, channel).await.map(done)
}

/// The whole list that the arguments ask for.
pub async fn list(app: &App, args: &ListVips) -> Result<VipList> {
    list_vips(app, args, PageSize::All).await
}

/// What was decided.
#[track_caller]
pub fn done<T>(asked: Asked<T>) -> T {
    match asked {
        Asked::Done(outcome) => outcome,
        Asked::Question(question) => panic!("asked instead of decided: {question:?}"),
    }
}

/// What is asked.
#[track_caller]
pub fn question<T: Debug>(asked: Asked<T>) -> Question {
    match asked {
        Asked::Question(question) => question,
        Asked::Done(outcome) => panic!("decided instead of asked: {outcome:?}"),
    }
}

/// The failure, which must be of that kind.
#[track_caller]
pub fn failure<T: Debug>(outcome: Result<T>, code: Code) -> Error {
    let error = outcome.expect_err("this must fail");
    assert_eq!(error.code(), code, "{error:?}");
    assert!(!error.hint().is_empty(), "{error:?}");
    error
}

/// The callers of a list, as stored.
pub fn callers(list: &VipList) -> Vec<&str> {
    list.vips.iter().map(|vip| vip.ani.as_str()).collect()
}

/// An account with one domain, [`DENTAL`], and these rules in it.
pub fn tenant_of(rules: &[(&str, &str)]) -> Tenant {
    let tenant = Tenant::empty().domain(DENTAL, "Lakeside Dental");
    rules.iter().fold(tenant, |tenant, (ani, destination)| {
        tenant.route(StoredRoute::new(DENTAL, ani, destination))
    })
}

/// An account other than the sandbox's.
pub fn other_account() -> AccountId {
    "7d9b2c4e-1111-4222-8333-944445555666".parse().unwrap()
}
