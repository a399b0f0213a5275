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

const ACCOUNT: Explained = ("account_id", "Default: the configured account");
const CALLER: Explained = ("ani", "Caller's number, or the value as listed");
const CONFIRMATION: Explained = ("confirmation", "From the previous result, unchanged");
const DID: Explained = ("did", "Customer's own number");
const DOMAIN: Explained = ("domain", "Customer's PBX domain");
const DRY_RUN: Explained = ("dry_run", "Show the plan without applying it");
const FALLBACK: Explained = ("fallback_destination", "Where callers who are not VIPs go");
const QUERY: Explained = ("query", "Part of a name or description");

/// One tool.
pub(super) struct Row {
    /// The name on the wire.
    pub name: &'static str,
    pub title: &'static str,
    pub description: &'static str,
    pub effect: Effect,
    /// Makes the schema of the arguments.
    pub arguments: fn() -> JsonObject,
    /// Makes the schema of the result.
    pub result: fn() -> JsonObject,
    /// What the arguments mean whose names do not say it.
    pub explained: &'static [Explained],
    pub run: for<'a> fn(Call<'a>) -> Running<'a>,
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
pub(super) static TABLE: [Row; 13] = [
    Row {
        name: "add_vip",
        title: "Add a VIP caller",
        description: "Add a VIP caller: calls from this number go straight to the \
                      destination, also after hours. A new rule takes effect at once; a person \
                      is asked first where it replaces a rule, takes calls from another rule, or \
                      leads outside the domain or nowhere. Find destinations with \
                      list_destinations.",
        effect: Effect::Changes,
        arguments: schema::input::<ops::AddVip>,
        result: schema::output::<ops::AddVipOutcome>,
        explained: &[
            ACCOUNT,
            DOMAIN,
            ("ani", "Caller's number; other countries with +"),
            (
                "destination",
                "Extension, user:NAME, device:NAME or SIP URI",
            ),
            ("dnis", "Only for calls to this number"),
            CONFIRMATION,
        ],
        run: |mut call| {
            Box::pin(async move {
                let mut args: ops::AddVip = call.arguments()?;
                let token = args.confirmation.take();
                let consent = call.consent(token);
                Ok(reply::asked(
                    ops::add_vip(call.app, &args, &consent.channel()).await,
                    sentences::added,
                ))
            })
        },
    },
    Row {
        name: "explain_call",
        title: "Explain a call",
        description: "Explain where a call goes, and why: the VIP rule that decides, and \
                      what the service does not show. Use it when a caller does or does not \
                      get through.",
        effect: Effect::Reads,
        arguments: schema::input::<ops::ExplainCall>,
        result: schema::output::<ops::CallExplained>,
        explained: &[
            ACCOUNT,
            DOMAIN,
            CALLER,
            ("dnis", "The number that is dialled"),
        ],
        run: |mut call| {
            Box::pin(async move {
                let args: ops::ExplainCall = call.arguments()?;
                let call = ops::explain_call(call.app, &args).await?;
                Ok(reply::outcome(&call, sentences::explained(&call)))
            })
        },
    },
    Row {
        name: "list_changes",
        title: "List changes",
        description: "List the changes made from this installation, newest first: who asked, \
                      before and after, outcome. Use it to find a change_id for undo_change. \
                      Changes made elsewhere are not listed.",
        effect: Effect::Reads,
        arguments: schema::input::<ops::ListChanges>,
        result: schema::output::<ops::ChangeList>,
        explained: &[
            ACCOUNT,
            DOMAIN,
            CALLER,
            ("did", "Routing of this customer's number"),
            ("since", "Time, day (UTC) or age: 2026-03-14, 24h, 7d"),
            ("run_id", "Changes of this import"),
        ],
        run: |mut call| {
            Box::pin(async move {
                let args: ops::ListChanges = call.arguments()?;
                let size = PageSize::from_limit(args.limit)?;
                let list = ops::list_changes(call.app, &args, size).await?;
                Ok(reply::outcome(&list, text::change_list(&list)))
            })
        },
    },
    Row {
        name: "list_destinations",
        title: "List destinations",
        description: "List the users and devices of a customer that calls can go to. Use it \
                      to find the destination for add_vip and sync_vips.",
        effect: Effect::Reads,
        arguments: schema::input::<ops::ListDestinations>,
        result: schema::output::<ops::DestinationList>,
        explained: &[ACCOUNT, DOMAIN, ("query", "Part of an id or name")],
        run: |mut call| {
            Box::pin(async move {
                let args: ops::ListDestinations = call.arguments()?;
                let size = PageSize::from_limit(args.limit)?;
                let list = ops::list_destinations(call.app, &args, size).await?;
                Ok(reply::outcome(&list, text::destinations(&list)))
            })
        },
    },
    Row {
        name: "list_domains",
        title: "List customers",
        description: "List the account's customers (PBX domains). Use it to find a domain's \
                      exact name for the other tools.",
        effect: Effect::Reads,
        arguments: schema::input::<ops::ListDomains>,
        result: schema::output::<ops::DomainList>,
        explained: &[
            ACCOUNT,
            QUERY,
            ("refresh", "Skip the cache, which can miss a new domain"),
        ],
        run: |mut call| {
            Box::pin(async move {
                let args: ops::ListDomains = call.arguments()?;
                let size = PageSize::from_limit(args.limit)?;
                let list = ops::list_domains(call.app, &args, size).await?;
                Ok(reply::outcome(&list, text::domain_list(&list)))
            })
        },
    },
    Row {
        name: "list_vips",
        title: "List VIP callers",
        description: "List VIP rules: which callers go straight through, and where to. Use \
                      it to look up a caller or a customer's VIP list.",
        effect: Effect::Reads,
        arguments: schema::input::<ops::ListVips>,
        result: schema::output::<ops::VipList>,
        explained: &[
            ACCOUNT,
            DOMAIN,
            CALLER,
            ("dnis", "Dialled number; * for rules that cover any"),
        ],
        run: |mut call| {
            Box::pin(async move {
                let args: ops::ListVips = call.arguments()?;
                let size = PageSize::from_limit(args.limit)?;
                let list = ops::list_vips(call.app, &args, size).await?;
                Ok(reply::outcome(&list, text::vip_list(&list)))
            })
        },
    },
    Row {
        name: "mark_setup_step",
        title: "Attest a setup step",
        description: "Record a person's statement that a setup step is done, for the two \
                      steps no API can verify. Use it only when the person says they checked. \
                      The person confirms by typing the domain; no token can.",
        effect: Effect::Changes,
        arguments: schema::input::<ops::MarkSetupStep>,
        result: schema::output::<ops::MarkOutcome>,
        explained: &[
            ACCOUNT,
            DOMAIN,
            ("attested_by", "Name of the person who checked"),
            ("note", "What proved it, such as a ticket"),
            ("withdraw", "Take the statement back"),
        ],
        run: |mut call| {
            Box::pin(async move {
                let args: ops::MarkSetupStep = call.arguments()?;
                let consent = call.consent(None);
                Ok(reply::asked(
                    ops::mark_setup_step(call.app, &args, &consent.channel()).await,
                    sentences::marked,
                ))
            })
        },
    },
    Row {
        name: "onboard_domain",
        title: "Set up a customer",
        description: "Set up a customer for VIP calling, step by step, in the safe order. \
                      Start with dry_run; call it again to continue. A person confirms each \
                      plan; the number is routed last, by a tool call of its own, and only \
                      once the dial translation rule is verified or attested.",
        effect: Effect::Changes,
        arguments: schema::input::<ops::OnboardDomain>,
        result: schema::output::<ops::OnboardOutcome>,
        explained: &[
            ACCOUNT,
            DOMAIN,
            DID,
            FALLBACK,
            (
                "extension",
                "Route by ANI user; found by name or created if omitted",
            ),
            ("description", "Of a domain that is created"),
            ("steps", "Default: all that is missing"),
            DRY_RUN,
            CONFIRMATION,
        ],
        run: |mut call| {
            Box::pin(async move {
                let mut args: ops::OnboardDomain = call.arguments()?;
                let token = args.confirmation.take();
                let consent = call.consent(token);
                Ok(reply::asked(
                    ops::onboard_domain(call.app, &args, &consent.channel()).await,
                    sentences::onboarded,
                ))
            })
        },
    },
    Row {
        name: "onboarding_status",
        title: "Show the setup status",
        description: "Show the setup status of all customers, one row each; those whose \
                      callers are probably being dropped come first. Use it for an overview; \
                      setup_checklist shows one customer in detail.",
        effect: Effect::Reads,
        arguments: schema::input::<ops::StatusQuery>,
        result: schema::output::<ops::SetupStatus>,
        explained: &[
            ACCOUNT,
            QUERY,
            ("stage", "not_started, the step it waits for, live or alarm"),
            ("fresh", "Read every dial plan again"),
        ],
        run: |mut call| {
            Box::pin(async move {
                let args: ops::StatusQuery = call.arguments()?;
                let size = PageSize::from_limit(args.limit)?;
                let notices = Notices::of_call(call.context);
                let status = ops::onboarding_status(call.app, &args, size, &notices).await;
                notices.finish().await;
                let status = status?;
                Ok(reply::outcome(&status, text::setup_status(&status)))
            })
        },
    },
    Row {
        name: "remove_vip",
        title: "Remove a VIP caller",
        description: "Remove a caller from a customer's VIP list. Use sync_vips to remove \
                      many. A person confirms first; a caller without a rule is not_found.",
        effect: Effect::Changes,
        arguments: schema::input::<ops::RemoveVip>,
        result: schema::output::<ops::RemoveVipOutcome>,
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
        run: |mut call| {
            Box::pin(async move {
                let mut args: ops::RemoveVip = call.arguments()?;
                let token = args.confirmation.take();
                let consent = call.consent(token);
                Ok(reply::asked(
                    ops::remove_vip(call.app, &args, &consent.channel()).await,
                    sentences::removed,
                ))
            })
        },
    },
    Row {
        name: "setup_checklist",
        title: "Check a customer's setup",
        description: "Show the five setup steps of a customer (verified, attested or \
                      unknown) and the support ticket. Use it before a number is routed: \
                      without the dial translation rule, every caller who is not a VIP is \
                      dropped.",
        effect: Effect::Reads,
        arguments: schema::input::<ops::SetupChecklist>,
        result: schema::output::<ops::Checklist>,
        explained: &[ACCOUNT, DOMAIN, DID, FALLBACK],
        run: |mut call| {
            Box::pin(async move {
                let args: ops::SetupChecklist = call.arguments()?;
                let checklist = ops::setup_checklist(call.app, &args).await?;
                Ok(reply::outcome(&checklist, sentences::checklist(&checklist)))
            })
        },
    },
    Row {
        name: "sync_vips",
        title: "Import a VIP list",
        description: "Import, replace or clear a VIP list given as CSV, JSON or vCard, up to \
                      5,000 rows. Use it for more than a few callers; start with dry_run. A \
                      person confirms the whole plan. After a cancelled or cut-off import, \
                      resume continues it; with dry_run it says what was done.",
        effect: Effect::ChangesMany,
        arguments: schema::input::<ops::SyncVips>,
        result: schema::output::<ops::SyncOutcome>,
        explained: &[
            ACCOUNT,
            DOMAIN,
            (
                "list",
                "CSV with the header ani,destination,application,dnis,note, a JSON array with those keys, or vCard",
            ),
            (
                "mode",
                "merge (default) adds and replaces; mirror also removes rules not listed",
            ),
            ("destination", "For rows without one"),
            (
                "allow_large_removal",
                "Let mirror remove more than half of the rules",
            ),
            DRY_RUN,
            ("resume", "Run id of a cut-off import, or last"),
            CONFIRMATION,
        ],
        run: |mut call| {
            Box::pin(async move {
                let mut args: ops::SyncVips = call.arguments()?;
                let token = args.confirmation.take();
                let consent = call.consent(token);
                let notices = Notices::of_call(call.context);
                let session = ops::SyncSession {
                    channel: &consent.channel(),
                    progress: &notices,
                    stop: call.stop,
                    most_rows: Some(MOST_ROWS),
                };
                let list = args.list.take();
                let synced = ops::sync_vips(
                    call.app,
                    &args,
                    list.as_deref().map(str::as_bytes),
                    &session,
                )
                .await;
                notices.finish().await;
                Ok(reply::asked(
                    synced.map(|asked| asked.map(ops::SyncOutcome::within_budget)),
                    text::imported,
                ))
            })
        },
    },
    Row {
        name: "undo_change",
        title: "Undo a change",
        description: "Restore a VIP rule or a number's routing as it was before one change. \
                      Use it with a change_id from list_changes. A person confirms first; \
                      refused where the rule was changed since.",
        effect: Effect::Changes,
        arguments: schema::input::<ops::UndoChange>,
        result: schema::output::<ops::UndoOutcome>,
        explained: &[
            ACCOUNT,
            ("change_id", "From list_changes or the result of the change"),
            CONFIRMATION,
        ],
        run: |mut call| {
            Box::pin(async move {
                let mut args: ops::UndoChange = call.arguments()?;
                let token = args.confirmation.take();
                let consent = call.consent(token);
                Ok(reply::asked(
                    ops::undo_change(call.app, &args, &consent.channel()).await,
                    sentences::undone,
                ))
            })
        },
    },
];
