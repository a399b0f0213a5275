//! The people, numbers and dial rules of the demo customers, and a portfolio of any size.
//!
//! Each demo customer is at another stage: live, prepared but not routed, routed without a
//! fallback rule (its callers are dropped), people only, and brand new.

use crate::tenant::Tenant;
use crate::tenant::customer::{StoredDialRule, StoredNumber, StoredSubscriber};
use crate::tenant::demo::{BAKERY, DENTAL, LEGAL, RESELLER, VET, fictional_number};
use crate::tenant::stored::{StoredDomain, StoredRoute};

/// Extension of the `route_by_ani` user where it has a number.
const ANI_EXTENSION: &str = "9000";

pub(crate) fn subscribers() -> Vec<StoredSubscriber> {
    let person = StoredSubscriber::person;
    vec![
        StoredSubscriber::domain_user(DENTAL),
        person(DENTAL, "100", "Front Desk"),
        person(DENTAL, "101", "Maya Lindgren"),
        person(DENTAL, "102", "Oscar Trent"),
        person(DENTAL, "103", "Priya Nair"),
        person(DENTAL, "204", "Hygiene Room"),
        StoredSubscriber::ani_user(DENTAL, ANI_EXTENSION),
        StoredSubscriber::domain_user(VET),
        person(VET, "300", "Reception Maplewood"),
        person(VET, "301", "Tomas Keller"),
        person(VET, "302", "Anna Brook").devices(&["302a", "302b"]),
        // Nobody has extension 303, although a VIP rule rings it.
        StoredSubscriber::ani_user(VET, "route_by_ani"),
        StoredSubscriber::domain_user(LEGAL),
        person(LEGAL, "500", "Grace Holloway"),
        person(LEGAL, "501", "Night Line"),
        StoredSubscriber::ani_user(LEGAL, ANI_EXTENSION),
        StoredSubscriber::domain_user(BAKERY),
        person(BAKERY, "100", "Counter Phone"),
        person(BAKERY, "101", "Elena Ruiz"),
        person(BAKERY, "102", "Delivery Desk"),
    ]
}

pub(crate) fn numbers() -> Vec<StoredNumber> {
    vec![
        StoredNumber::to_user("16165550100", DENTAL, ANI_EXTENSION),
        StoredNumber::to_user("16165550140", VET, "300"),
        StoredNumber::to_user("16165550160", LEGAL, ANI_EXTENSION),
        StoredNumber::to_user("16165550170", BAKERY, "100"),
        StoredNumber::unassigned("16165550199", RESELLER),
    ]
}

pub(crate) fn dial_rules() -> Vec<StoredDialRule> {
    vec![
        StoredDialRule::chain(DENTAL),
        StoredDialRule::fallback(DENTAL, "100"),
        StoredDialRule::chain(VET),
        StoredDialRule::fallback(VET, "300"),
        // The number of this customer is routed already: its callers are dropped.
        StoredDialRule::chain(LEGAL),
        StoredDialRule::chain(BAKERY),
    ]
}

/// See [`Tenant::portfolio`].
pub(crate) fn portfolio(n: usize) -> Tenant {
    let mut tenant = Tenant::empty();
    for index in 0..n {
        add_client(&mut tenant, index);
    }
    tenant
}

/// How far a customer of the portfolio has come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Bare,
    PeopleOnly,
    Prepared,
    RoutedWithoutFallback,
    Live,
}

fn add_client(tenant: &mut Tenant, index: usize) {
    let stages = [
        Stage::Live,
        Stage::Prepared,
        Stage::RoutedWithoutFallback,
        Stage::PeopleOnly,
        Stage::Bare,
    ];
    let stage = stages[index % stages.len()];
    let domain = &format!("client{index:04}.{RESELLER}.service");
    let number = &fictional_number(index);
    let description = format!("Client {index:04}");
    tenant.domains.push(StoredDomain::new(domain, &description));
    tenant.dial_rules.push(StoredDialRule::chain(domain));
    tenant
        .subscribers
        .push(StoredSubscriber::domain_user(domain));

    if stage >= Stage::PeopleOnly {
        let people = [("100", "Front Desk"), ("101", "Office Manager")];
        let people = people.map(|(user, name)| StoredSubscriber::person(domain, user, name));
        tenant.subscribers.extend(people);
    }
    if stage >= Stage::Prepared {
        let ani_user = StoredSubscriber::ani_user(domain, ANI_EXTENSION);
        tenant.subscribers.push(ani_user);
        let caller = fictional_number(index + 1);
        tenant.routes.push(StoredRoute::new(domain, &caller, "101"));
    }
    if matches!(stage, Stage::Prepared | Stage::Live) {
        let fallback = StoredDialRule::fallback(domain, "100");
        tenant.dial_rules.push(fallback);
    }
    tenant.numbers.push(match stage {
        Stage::Bare => StoredNumber::parked(number, domain),
        Stage::PeopleOnly | Stage::Prepared => StoredNumber::to_user(number, domain, "100"),
        Stage::RoutedWithoutFallback | Stage::Live => {
            StoredNumber::to_user(number, domain, ANI_EXTENSION)
        }
    });
}
