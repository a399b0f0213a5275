//! The tool table: one row says everything of a tool. Another tool is another
//! row here and its operation in [`crate::ops`].

use rmcp::model::JsonObject;

use super::call::{Call, Running};
use super::progress::Notices;
use super::{reply, schema, text};
use crate::ops::{self, PageSize};
use crate::sentences;

/// Rows that a list may have in one call.
const MOST_ROWS: usize = 5_000;

/// An argument and what it means.
pub(super) type Explained = (&'static str, &'static str);

const ACCOUNT: Explained = ("account_id", "Default: configured");
const CALLER: Explained = ("ani", "Caller's number, or as listed");
const CONFIRMATION: Explained = ("confirmation", "As returned");
const DID: Explained = ("did", "Customer's own number");
const DOMAIN: Explained = ("domain", "Domain or name");
const DRY_RUN: Explained = ("dry_run", "Only show the plan");
const FALLBACK: Explained = ("fallback_destination", "Where other callers go");
const QUERY: Explained = ("query", "Part of a name or description");

/// One tool.
pub(super) struct Row {
    /// The name on the wire.
    pub name: &'static str,
    pub title: &'static str,
    pub description: &'static str,
    pub effect: Effect,
    /// What the arguments mean whose names do not say it.
    pub explained: &'static [Explained],
    pub work: Work,
}

/// What a tool takes, gives and does.
pub(super) struct Work {
    /// Makes the schema of the arguments.
    pub arguments: fn() -> JsonObject,
    /// Makes the schema of the result.
    pub result: fn() -> JsonObject,
    pub run: for<'a> fn(Call<'a>) -> Running<'a>,
}

/// Types and functions are those of [`crate::ops`]. The arguments that a tool's
/// schema describes are those that are parsed.
macro_rules! work {
    ($arguments:ident, $result:ident, |$call:ident, $args:ident| $work:expr) => {
        Work {
            arguments: schema::input::<ops::$arguments>,
            result: schema::output::<ops::$result>,
            run: |mut $call| {
                Box::pin(async move {
                    let $args: ops::$arguments = $call.arguments()?;
                    $work
                })
            },
        }
    };
}

/// A tool that reads: its types, the operation, and what is said of its outcome.
macro_rules! reads {
    ($arguments:ident, $result:ident, $operation:ident, $said:path) => {
        work!($arguments, $result, |call, args| {
            let outcome: ops::$result = ops::$operation(call.app, &args).await?;
            let names = call.app.names(args.account_id.as_ref());
            Ok(reply::outcome(&outcome, $said(&outcome, &names)))
        })
    };
}

/// A tool that lists, page by page.
macro_rules! lists {
    ($arguments:ident, $result:ident, $operation:ident, $said:path) => {
        work!($arguments, $result, |call, args| {
            let size = PageSize::from_limit(args.limit)?;
            let list: ops::$result = ops::$operation(call.app, &args, size).await?;
            let names = call.app.names(args.account_id.as_ref());
            Ok(reply::outcome(&list, $said(&list, &names)))
        })
    };
}

/// A tool that may have to ask a person first.
macro_rules! asks {
    ($arguments:ident, $result:ident, $operation:ident, $said:expr) => {
        work!($arguments, $result, |call, args| {
            let consent = call.consent();
            let asked = ops::$operation(call.app, &args, &consent.channel()).await?;
            let names = call.app.names(args.account_id.as_ref());
            Ok(reply::asked(asked, |outcome: &ops::$result| {
                $said(outcome, &names)
            }))
        })
    };
}

/// What a tool does to the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Reads,
    Changes,
    /// Sends many changes, and is seen through to its own end when it is
    /// cancelled: dropped at once, it would leave rules lost that it puts back.
    ChangesMany,
}

/// Every tool, in the order of the tool list.
pub(super) static TABLE: [Row; 15] = [
    Row {
        name: "add_vip",
        title: "Add a VIP caller",
        description: "Add a VIP caller: calls from this number go straight to the \
                      destination, also after hours. A person is asked first where it replaces \
                      a rule, takes another's calls, or leads outside the domain or nowhere. \
                      list_destinations finds destinations.",
        effect: Effect::Changes,
        explained: &[
            ACCOUNT,
            DOMAIN,
            ("ani", "Caller's number; other countries with +"),
            (
                "destination",
                "Extension, user:NAME, device:NAME or SIP URI",
            ),
            ("dnis", "Only for calls to this number"),
            ("note", "Who the caller is"),
            ("until", "Last day: 2026-12-25"),
            CONFIRMATION,
        ],
        work: asks!(AddVip, AddVipOutcome, add_vip, sentences::added),
    },
    Row {
        name: "explain_call",
        title: "Explain a call",
        description: "Explain where a call goes now, and why, and what is not known: whether a \
                      caller gets through.",
        effect: Effect::Reads,
        explained: &[
            ACCOUNT,
            DOMAIN,
            CALLER,
            ("dnis", "The number that is dialled"),
        ],
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
        description: "List the changes made from here, newest first: who asked, before, after, \
                      outcome, and the ids for undo_change. Changes made elsewhere are missing.",
        effect: Effect::Reads,
        explained: &[
            ACCOUNT,
            DOMAIN,
            CALLER,
            ("did", "Routing of this customer's number"),
            ("since", "2026-03-14, yesterday, last week, 7d"),
            ("until", "Likewise"),
            ("run_id", "Changes of this import"),
        ],
        work: lists!(ListChanges, ChangeList, list_changes, text::change_list),
    },
    Row {
        name: "list_destinations",
        title: "List destinations",
        description: "List a customer's people, queues, attendants and devices: the \
                      destinations for add_vip and sync_vips.",
        effect: Effect::Reads,
        explained: &[ACCOUNT, DOMAIN, ("query", "Part of an id or name")],
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
        description: "List the account's customers (PBX domains), or find one by a part of \
                      its name.",
        effect: Effect::Reads,
        explained: &[ACCOUNT, QUERY, ("refresh", "Skip the cache")],
        work: lists!(ListDomains, DomainList, list_domains, text::domain_list),
    },
    Row {
        name: "list_numbers",
        title: "List numbers",
        description: "List the phone numbers of a customer, or of all, and where each sends \
                      its calls. Use it to see which numbers reach the VIP list; an alarm marks \
                      those on which other callers may be dropped. Changes nothing.",
        effect: Effect::Reads,
        explained: &[ACCOUNT, DOMAIN, ("query", "Digits of a number")],
        work: lists!(ListNumbers, NumberList, list_numbers, text::numbers),
    },
    Row {
        name: "list_vips",
        title: "List VIP callers",
        description: "List VIP rules: which callers go straight through, and where to.",
        effect: Effect::Reads,
        explained: &[
            ACCOUNT,
            DOMAIN,
            CALLER,
            ("dnis", "Dialled number; * for any number"),
            ("destination", "Rules that lead there"),
        ],
        work: lists!(ListVips, VipList, list_vips, text::vip_list),
    },
    Row {
        name: "mark_setup_step",
        title: "Attest a setup step",
        description: "Record a person's statement that a setup step is done, for the two \
                      steps no API can verify, and only when the person says they checked. \
                      They confirm by typing the domain; no token can.",
        effect: Effect::Changes,
        explained: &[
            ACCOUNT,
            DOMAIN,
            ("attested_by", "Name of the person who checked"),
            ("note", "What proved it, such as a ticket"),
            ("withdraw", "Take the statement back"),
        ],
        work: asks!(MarkSetupStep, MarkOutcome, mark_setup_step, |marked, _| {
            sentences::marked(marked)
        }),
    },
    Row {
        name: "onboard_domain",
        title: "Set up a customer",
        description: "Set up a customer for VIP calling, in the safe order. \
                      Start with dry_run; call again to continue. A person confirms each \
                      plan; the number comes last, in a call of its own, once the dial \
                      translation rule is verified or attested.",
        effect: Effect::Changes,
        explained: &[
            ACCOUNT,
            DOMAIN,
            DID,
            FALLBACK,
            ("extension", "Route by ANI user; default: found or created"),
            ("description", "Of a new domain"),
            ("steps", "Default: all that is missing"),
            DRY_RUN,
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
        description: "Show the setup status of all customers, those who may be losing calls \
                      first; setup_checklist shows one in detail.",
        effect: Effect::Reads,
        explained: &[
            ACCOUNT,
            QUERY,
            ("stage", "not_started, the step it waits for, live or alarm"),
            ("fresh", "Read every dial plan again"),
        ],
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
        description: "Remove a caller from a customer's VIP list. Use sync_vips to remove \
                      many. A person confirms first; a caller without a rule is not_found.",
        effect: Effect::Changes,
        explained: &[
            ACCOUNT,
            DOMAIN,
            CALLER,
            (
                "dnis",
                "Which rule, if the caller has several; * for any number",
            ),
            CONFIRMATION,
        ],
        work: asks!(RemoveVip, RemoveVipOutcome, remove_vip, sentences::removed),
    },
    Row {
        name: "route_number",
        title: "Send a number to a user",
        description: "Send a customer's number to a user, queue or attendant, at once. Use it \
                      to take a number away from a Route by ANI user that drops callers; \
                      onboard_domain points it there. A person confirms by typing the number.",
        effect: Effect::Changes,
        explained: &[
            ACCOUNT,
            DID,
            ("to", "User, queue or attendant that answers, such as 100"),
            ("domain", "Default: where the number goes now"),
            CONFIRMATION,
        ],
        work: asks!(RouteNumber, RouteOutcome, route_number, sentences::routed),
    },
    Row {
        name: "setup_checklist",
        title: "Check a customer's setup",
        description: "Show the five setup steps of a customer (verified, attested or \
                      unknown) and the support ticket. Use it before routing a number: \
                      without the dial translation rule, every caller who is not a VIP is \
                      dropped.",
        effect: Effect::Reads,
        explained: &[ACCOUNT, DOMAIN, DID, FALLBACK],
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
        description: "Import a VIP list (CSV, JSON or vCard, up to 5,000 rows), take everybody \
                      off, or move callers to another destination. Start with dry_run, then \
                      give its plan_id as plan. A person confirms the whole plan. resume \
                      continues a cut-off import.",
        effect: Effect::ChangesMany,
        explained: &[
            ACCOUNT,
            DOMAIN,
            (
                "list",
                "CSV with the header ani,destination,application,dnis,note, JSON with those keys, or vCard",
            ),
            ("file", "List in the operator's folder"),
            ("from_domain", "Copy this customer's list"),
            ("plan", "plan_id or approval_code, in place of the list"),
            (
                "mode",
                "merge (default); mirror also removes the rest; without list: clear removes all, \
                 move sends those of from to destination",
            ),
            ("from", "Where they go today"),
            ("destination", "For rows without one"),
            ("skip_invalid", "Only the good rows; not with mirror"),
            (
                "allow_large_removal",
                "Let mirror remove over half the rules",
            ),
            DRY_RUN,
            ("resume", "Run id of a cut-off import, or last"),
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
        description: "Restore a VIP rule or a number's routing as it was before one change, \
                      or all rules of one import. A person confirms first; what was changed \
                      since is refused or left out.",
        effect: Effect::ChangesMany,
        explained: &[
            ACCOUNT,
            ("change_id", "From list_changes"),
            ("run_id", "Instead: the whole import"),
            CONFIRMATION,
        ],
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
