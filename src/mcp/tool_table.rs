//! The tool table: one row says everything of a tool. Another tool is another
//! row here and its operation in [`crate::ops`].

use super::progress::Notices;
use super::tool_row::{Effect, Explained, Row, Work, asks, lists, reads, work};
use super::{reply, schema, text};
use crate::ops::{self, PageSize};
use crate::sentences;

/// Rows that a list may have in one call.
const MOST_ROWS: usize = 5_000;

const CALLER: Explained = ("ani", "Number, or as listed");
const CONFIRMATION: Explained = ("confirmation", "As returned");
const DID: Explained = ("did", "Customer's number");
const DOMAIN: Explained = ("domain", "Or name");
const FALLBACK: Explained = ("fallback_destination", "Where other callers go");

/// Every tool, in the order of the tool list.
pub(super) static TABLE: [Row; 15] = [
    Row {
        name: "add_vip",
        title: "Add a VIP caller",
        description: "Let a caller through to a destination, also after hours. Asks a person where that replaces a rule, takes another's calls, or leads outside or nowhere.",
        effect: Effect::Changes,
        explained: &[
            DOMAIN,
            ("ani", "Caller; abroad with +"),
            (
                "destination",
                "Extension, name, user:ID, device:ID or SIP URI",
            ),
            ("dnis", "Only calls to this number"),
            ("until", "Last day, 2026-12-25"),
            CONFIRMATION,
        ],
        work: asks!(AddVip, AddVipOutcome, add_vip, sentences::added),
    },
    Row {
        name: "explain_call",
        title: "Explain a call",
        description: "Tell where a caller's call goes now, why, and what is not known.",
        effect: Effect::Reads,
        explained: &[DOMAIN, CALLER, ("dnis", "Dialled number")],
        work: reads!(
            ExplainCall,
            CallExplained,
            explain_call,
            sentences::explained
        ),
    },
    Row {
        name: "list_changes",
        title: "List changes",
        description: "List changes made from here, not elsewhere, newest first, with ids for undo_change.",
        effect: Effect::Reads,
        explained: &[
            DOMAIN,
            CALLER,
            ("did", "Number routed"),
            ("since", "2026-03-14, yesterday, 7d"),
            ("run_id", "One import"),
        ],
        work: lists!(ListChanges, ChangeList, list_changes, text::change_list),
    },
    Row {
        name: "list_destinations",
        title: "List destinations",
        description: "List a customer's people, queues, attendants and devices.",
        effect: Effect::Reads,
        explained: &[DOMAIN],
        work: lists!(
            ListDestinations,
            DestinationList,
            list_destinations,
            text::destinations
        ),
    },
    Row {
        name: "list_domains",
        title: "List customers",
        description: "List or find customers (PBX domains).",
        effect: Effect::Reads,
        explained: &[],
        work: lists!(ListDomains, DomainList, list_domains, text::domain_list),
    },
    Row {
        name: "list_numbers",
        title: "List numbers",
        description: "List phone numbers and where each goes. An alarm marks where callers who are not VIPs may be dropped.",
        effect: Effect::Reads,
        explained: &[DOMAIN],
        work: lists!(ListNumbers, NumberList, list_numbers, text::numbers),
    },
    Row {
        name: "list_vips",
        title: "List VIP callers",
        description: "List VIP rules: who goes straight through, and where to.",
        effect: Effect::Reads,
        explained: &[DOMAIN, CALLER, ("dnis", "* for any")],
        work: lists!(ListVips, VipList, list_vips, text::vip_list),
    },
    Row {
        name: "mark_setup_step",
        title: "Attest a setup step",
        description: "Record that a person checked a setup step that no API verifies; they confirm by typing the domain.",
        effect: Effect::Changes,
        explained: &[
            DOMAIN,
            ("attested_by", "Who checked"),
            ("note", "What proved it"),
        ],
        work: asks!(MarkSetupStep, MarkOutcome, mark_setup_step, |marked, _| {
            sentences::marked(marked)
        }),
    },
    Row {
        name: "onboard_domain",
        title: "Set up a customer",
        description: "Set a customer up for VIP calls, in safe order: dry_run first, then call until done. A person confirms each plan; the number comes last, after the dial translation rule.",
        effect: Effect::Changes,
        explained: &[
            DOMAIN,
            DID,
            FALLBACK,
            ("extension", "Route by ANI user"),
            ("description", "Of a new domain"),
            CONFIRMATION,
        ],
        work: asks!(
            OnboardDomain,
            OnboardOutcome,
            onboard_domain,
            sentences::onboarded
        ),
    },
    Row {
        name: "onboarding_status",
        title: "Show the setup status",
        description: "Show all customers' setup, those who may be losing calls first.",
        effect: Effect::Reads,
        explained: &[("stage", "alarm, live, not_started or a step")],
        work: work!(StatusQuery, SetupStatus, |call, args| {
            let size = PageSize::from_limit(args.limit)?;
            let notices = Notices::of_call(call.context);
            let status = ops::onboarding_status(call.app, &args, size, &notices).await;
            notices.finish().await;
            let status = status?;
            Ok(reply::outcome(&status, text::setup_status(&status)))
        }),
    },
    Row {
        name: "remove_vip",
        title: "Remove a VIP caller",
        description: "Remove a caller's rule; sync_vips removes many. A person confirms.",
        effect: Effect::Changes,
        explained: &[
            DOMAIN,
            CALLER,
            ("dnis", "Which rule; * for any"),
            CONFIRMATION,
        ],
        work: asks!(RemoveVip, RemoveVipOutcome, remove_vip, sentences::removed),
    },
    Row {
        name: "route_number",
        title: "Send a number to a user",
        description: "Send a number to a user, queue or attendant, as when it drops callers. A person confirms.",
        effect: Effect::Changes,
        explained: &[
            ("domain", "Default: found"),
            DID,
            ("to", "Extension or name"),
            CONFIRMATION,
        ],
        work: asks!(RouteNumber, RouteOutcome, route_number, sentences::routed),
    },
    Row {
        name: "setup_checklist",
        title: "Check a customer's setup",
        description: "Show a customer's setup steps and the support ticket. Look before routing a number: without the dial translation rule, callers who are not VIPs are dropped.",
        effect: Effect::Reads,
        explained: &[DOMAIN, DID, FALLBACK],
        work: reads!(
            SetupChecklist,
            Checklist,
            setup_checklist,
            sentences::checklist
        ),
    },
    Row {
        name: "sync_vips",
        title: "Import a VIP list",
        description: "Import or copy a VIP list of up to 5,000 rows, take everybody off, or move callers. dry_run first; its plan_id is then plan. A person confirms the whole.",
        effect: Effect::ChangesMany,
        explained: &[
            DOMAIN,
            (
                "list",
                "CSV (ani,destination,application,dnis,note), JSON or vCard",
            ),
            ("file", "In the operator's folder"),
            ("from_domain", "Copy whose list"),
            ("plan", "plan_id or approval_code, no list"),
            (
                "mode",
                "Default merge; mirror removes the rest, clear all; move sends callers of from to destination",
            ),
            ("destination", "As in add_vip; for rows without"),
            ("resume", "run_id of one cut off, or last"),
            ("from", "As destination"),
            CONFIRMATION,
        ],
        work: work!(SyncVips, SyncOutcome, |call, args| {
            let consent = call.consent();
            let notices = Notices::of_call(call.context);
            let session = ops::SyncSession {
                channel: &consent.channel(),
                progress: &notices,
                stop: call.stop,
                most_rows: Some(MOST_ROWS),
            };
            let list = args.list.as_deref().map(str::as_bytes);
            let synced = ops::sync_vips(call.app, &args, list, &session).await;
            notices.finish().await;
            let synced = synced?.map(ops::SyncOutcome::within_budget);
            let names = call.app.names(args.account_id.as_ref());
            Ok(reply::asked(synced, |synced| {
                text::imported(synced, &names)
            }))
        }),
    },
    Row {
        name: "undo_change",
        title: "Undo a change",
        description: "Undo one change or a whole import. A person confirms; what changed since is left alone.",
        effect: Effect::ChangesMany,
        explained: &[("run_id", "Of an import"), CONFIRMATION],
        work: work!(Undo, UndoOutcome, |call, args| {
            let consent = call.consent();
            let notices = Notices::of_call(call.context);
            let session = ops::SyncSession {
                channel: &consent.channel(),
                progress: &notices,
                stop: call.stop,
                most_rows: None,
            };
            let undone = ops::undo(call.app, &args, &session).await;
            notices.finish().await;
            let names = call.app.names(args.account_id.as_ref());
            Ok(reply::asked(undone?, |undone: &ops::UndoOutcome| {
                sentences::undone(undone, &names)
            }))
        }),
    },
];
