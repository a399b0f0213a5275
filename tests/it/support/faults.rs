//! The operations that meet faults, and what is true of each at the service.

use serde_json::{Value, json};
use skyswitch_mcp::sandbox::{Outcome, Sandbox};

use super::{BAKERY, DENTAL, LEGAL, VET};

/// What there is at the service of what an operation is to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    Before,
    Wanted,
    /// A part of it.
    Partly,
}

/// An operation as it meets faults.
pub struct Operation {
    /// Its name in the table.
    pub name: &'static str,
    pub tool: &'static str,
    /// Its arguments, from the id of a change that can be undone.
    pub arguments: fn(&str) -> Value,
    /// The requests that a fault strikes: method and a part of the path.
    pub struck: &'static [(&'static str, &'static str)],
    /// What is true afterwards; nothing is, where it only reads.
    pub truth: Option<fn(&Sandbox) -> Truth>,
    /// How a person agrees, where one is asked.
    pub way: Way,
}

/// How a person agrees to a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Form,
    /// `skyswitch approve CODE`, and the same call again.
    Approve,
    /// The approval page, and the same call again.
    Page,
}

/// Every read of both APIs. Those of the first PBX API are forms.
const READS: &[(&str, &str)] = &[("GET", ""), ("", "action=read")];
/// The read that a change of VIP rules is decided on.
const LOOKS: &[(&str, &str)] = &[("GET", "route-by-ani")];

const fn read(name: &'static str, arguments: fn(&str) -> Value) -> Operation {
    Operation {
        name,
        tool: name,
        arguments,
        struck: READS,
        truth: None,
        way: Way::Form,
    }
}

const fn write(
    name: &'static str,
    tool: &'static str,
    arguments: fn(&str) -> Value,
    struck: &'static [(&'static str, &'static str)],
    truth: fn(&Sandbox) -> Truth,
) -> Operation {
    Operation {
        name,
        tool,
        arguments,
        struck,
        truth: Some(truth),
        way: Way::Form,
    }
}

/// A removal that a person agrees to outside the client.
const fn approved(
    name: &'static str,
    way: Way,
    arguments: fn(&str) -> Value,
    truth: fn(&Sandbox) -> Truth,
) -> Operation {
    let struck = &[("DELETE", "route-by-ani")];
    Operation {
        way,
        ..write(name, "remove_vip", arguments, struck, truth)
    }
}

pub const OPERATIONS: [Operation; 18] = [
    read("list_domains", |_| json!({})),
    read("list_vips", |_| json!({"domain": DENTAL})),
    read("list_numbers", |_| json!({"domain": DENTAL})),
    read("list_destinations", |_| json!({"domain": DENTAL})),
    read(
        "explain_call",
        |_| json!({"domain": DENTAL, "ani": "16165550123", "dnis": "16165550100"}),
    ),
    read("setup_checklist", |_| json!({"domain": DENTAL})),
    read("onboarding_status", |_| json!({"fresh": true})),
    write(
        "add_vip",
        "add_vip",
        |_| add("16165550177", "101"),
        &[("PUT", "route-by-ani")],
        |sandbox| change(sandbox, "16165550177", None, Some("101")),
    ),
    write(
        "add_vip (look)",
        "add_vip",
        |_| add("16165550176", "101"),
        LOOKS,
        |sandbox| change(sandbox, "16165550176", None, Some("101")),
    ),
    write(
        "add_vip (replacing)",
        "add_vip",
        |_| add("16165550123", "102"),
        &[("PUT", "route-by-ani")],
        |sandbox| change(sandbox, "16165550123", Some("101"), Some("102")),
    ),
    write(
        "remove_vip",
        "remove_vip",
        |_| json!({"domain": DENTAL, "ani": "16165550127"}),
        &[("DELETE", "route-by-ani")],
        |sandbox| {
            change(
                sandbox,
                "16165550127",
                Some("sip:+16165559999@carrier.example"),
                None,
            )
        },
    ),
    write(
        "remove_vip (look)",
        "remove_vip",
        |_| json!({"domain": VET, "ani": "16165550142"}),
        LOOKS,
        |sandbox| change(sandbox, "16165550142", Some("device:302b"), None),
    ),
    approved(
        "remove_vip (approve)",
        Way::Approve,
        |_| json!({"domain": DENTAL, "ani": "16165550124"}),
        |sandbox| change(sandbox, "16165550124", Some("user:204"), None),
    ),
    approved(
        "remove_vip (page)",
        Way::Page,
        |_| json!({"domain": LEGAL, "ani": "16165550161"}),
        |sandbox| change(sandbox, "16165550161", Some("500"), None),
    ),
    write(
        "sync_vips",
        "sync_vips",
        |_| json!({"domain": VET, "list": "ani,destination\n16165550178,301\n16165550179,302\n"}),
        &[("PUT", "route-by-ani")],
        |sandbox| {
            let first = change(sandbox, "16165550178", None, Some("301"));
            let second = change(sandbox, "16165550179", None, Some("302"));
            if first == second {
                first
            } else {
                Truth::Partly
            }
        },
    ),
    write(
        "undo_change",
        "undo_change",
        |added| json!({"change_id": added}),
        &[("DELETE", "route-by-ani")],
        |sandbox| change(sandbox, "16165550180", Some("101"), None),
    ),
    write(
        "route_number",
        "route_number",
        |_| json!({"did": "16165550160", "to": "500"}),
        &[("PUT", "phone-numbers"), ("POST", "phone-numbers")],
        |sandbox| match sandbox.who_rings("16165550160", "16165550177") {
            Outcome::Rings(user) if user == "500" => Truth::Wanted,
            _ => Truth::Before,
        },
    ),
    write(
        "onboard_domain",
        "onboard_domain",
        |_| json!({"domain": BAKERY, "fallback_destination": "100"}),
        &[("POST", "/ns-api/v2/domains"), ("", "action=create")],
        |sandbox| {
            let mut users = sandbox.subscribers().into_iter();
            let is_there =
                users.any(|user| user.domain == BAKERY && user.user.contains("route_by_ani"));
            if is_there {
                Truth::Wanted
            } else {
                Truth::Before
            }
        },
    ),
];

fn add(caller: &str, destination: &str) -> Value {
    json!({"domain": DENTAL, "ani": caller, "destination": destination})
}

fn change(sandbox: &Sandbox, caller: &str, before: Option<&str>, wanted: Option<&str>) -> Truth {
    let routes = sandbox.routes().into_iter();
    let now = routes
        .filter(|route| route.ani == caller)
        .map(|route| route.destination)
        .next();
    match now.as_deref() {
        now if now == wanted => Truth::Wanted,
        now if now == before => Truth::Before,
        _ => Truth::Partly,
    }
}
