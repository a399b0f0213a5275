//! The tool table: one row says everything of a tool. Another tool is another
//! row here and its operation in [`crate::ops`].

use rmcp::model::JsonObject;

use super::call::{Call, Running};
use super::progress::Notices;
use super::{reply, schema, setup_text, text};
use crate::ops::{self, PageSize};

/// Rows that a list may have in one call.
const MOST_ROWS: usize = 5_000;
/// Rows of a plan that a result carries; the rest is counted.
const ROWS_SHOWN: PageSize = PageSize::Rows(200);

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
        description: "Lets a caller ring straight through, also after hours, by a route-by-ANI rule in the \
                 customer's PBX domain. Creating a rule acts at once. Where the caller already has a \
                 rule that rings elsewhere, nothing is changed before a person has agreed to the \
                 preview. Give the caller in any common writing; the same rule twice changes nothing.",
        effect: Effect::Changes,
        arguments: schema::input::<ops::AddVip>,
        result: schema::output::<ops::AddVipOutcome>,
        run: |mut call| {
            Box::pin(async move {
                let mut args: ops::AddVip = call.arguments()?;
                let token = args.confirmation.take();
                let consent = call.consent(token);
                Ok(reply::asked(
                    ops::add_vip(call.app, &args, &consent.channel()).await,
                    text::added,
                ))
            })
        },
    },
    Row {
        name: "explain_call",
        title: "Explain who rings",
        description: "Says who rings when a caller dials, which rule decides and why, and what the service \
                 does not show. Use it for the question why a caller does or does not get through.",
        effect: Effect::Reads,
        arguments: schema::input::<ops::ExplainCall>,
        result: schema::output::<ops::CallExplained>,
        run: |mut call| {
            Box::pin(async move {
                let args: ops::ExplainCall = call.arguments()?;
                let call = ops::explain_call(call.app, &args).await?;
                Ok(reply::outcome(&call, text::explained(&call)))
            })
        },
    },
    Row {
        name: "list_changes",
        title: "List changes",
        description: "Lists what this installation has changed, newest first: who asked, which rule, what \
                 stood before, what came of it. Filter by domain, caller, time (`since`), status or \
                 import. A `change_id` can be given to undo_change.",
        effect: Effect::Reads,
        arguments: schema::input::<ops::ListChanges>,
        result: schema::output::<ops::ChangeList>,
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
        title: "List where VIPs can ring",
        description: "Lists where VIPs of a domain can ring: its users (people, queues, attendants) and, where the \
                 PBX API is configured, its devices. Use it to find the exact `destination` for add_vip and \
                 sync_vips.",
        effect: Effect::Reads,
        arguments: schema::input::<ops::ListDestinations>,
        result: schema::output::<ops::DestinationList>,
        run: |mut call| {
            Box::pin(async move {
                let args: ops::ListDestinations = call.arguments()?;
                let size = PageSize::from_limit(args.limit)?;
                let list = ops::list_destinations(call.app, &args, size).await?;
                Ok(reply::outcome(&list, setup_text::destinations(&list)))
            })
        },
    },
    Row {
        name: "list_domains",
        title: "List PBX domains",
        description: "Lists the PBX domains of the SkySwitch account; each customer has one. Use it to find \
                 a domain's exact name before calling the other tools.",
        effect: Effect::Reads,
        arguments: schema::input::<ops::ListDomains>,
        result: schema::output::<ops::DomainList>,
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
        description: "Lists VIP rules: who rings straight through, and where. Filter by domain, caller (any \
                 writing of the number) or called number. Ordered by domain, caller, called number; \
                 use `next_cursor` for the next page.",
        effect: Effect::Reads,
        arguments: schema::input::<ops::ListVips>,
        result: schema::output::<ops::VipList>,
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
        title: "Attest a set-up step",
        description: "Writes down a person's word that a set-up step is done which no API shows \
                 (`dial_translation_rule`, `route_by_ani_user`): who looked, and what proved it. The person \
                 agrees by typing the domain's name, in the client's form or at a terminal; no token and no \
                 model can do it for them. Ask for it only when the person says that they have seen it. \
                 `withdraw` takes it back.",
        effect: Effect::Changes,
        arguments: schema::input::<ops::MarkSetupStep>,
        result: schema::output::<ops::MarkOutcome>,
        run: |mut call| {
            Box::pin(async move {
                let args: ops::MarkSetupStep = call.arguments()?;
                let consent = call.consent(None);
                Ok(reply::asked(
                    ops::mark_setup_step(call.app, &args, &consent.channel()).await,
                    setup_text::marked,
                ))
            })
        },
    },
    Row {
        name: "onboard_domain",
        title: "Set up a customer",
        description: "Makes what is missing of a customer's set-up, in the safe order, and says what is done by \
                 hand or waits for SkySwitch. Nothing is sent before a person has agreed to the plan: by \
                 typing the domain's name, or the customer's number where that is routed. The number is \
                 routed by a call of its own, and never while the dial translation rule is neither verified \
                 nor attested. Calling it again goes on where it stopped; start with `dry_run`.",
        effect: Effect::Changes,
        arguments: schema::input::<ops::OnboardDomain>,
        result: schema::output::<ops::OnboardOutcome>,
        run: |mut call| {
            Box::pin(async move {
                let mut args: ops::OnboardDomain = call.arguments()?;
                let token = args.confirmation.take();
                let consent = call.consent(token);
                Ok(reply::asked(
                    ops::onboard_domain(call.app, &args, &consent.channel()).await,
                    setup_text::onboarded,
                ))
            })
        },
    },
    Row {
        name: "onboarding_status",
        title: "Show all customers' set-up",
        description: "Shows all customers of the account in one table: how far each set-up is, what it waits for, \
                 VIP rules, and the numbers that go to a route_by_ani user. Those whose callers are probably \
                 being dropped right now (`alarm`) come first.",
        effect: Effect::Reads,
        arguments: schema::input::<ops::ListCustomers>,
        result: schema::output::<ops::Portfolio>,
        run: |mut call| {
            Box::pin(async move {
                let args: ops::ListCustomers = call.arguments()?;
                let size = PageSize::from_limit(args.limit)?;
                let notices = Notices::of_call(call.context);
                let portfolio = ops::onboarding_status(call.app, &args, size, &notices).await;
                notices.finish().await;
                let portfolio = portfolio?;
                Ok(reply::outcome(
                    &portfolio,
                    setup_text::portfolio(&portfolio),
                ))
            })
        },
    },
    Row {
        name: "remove_vip",
        title: "Remove a VIP caller",
        description: "Takes a caller off a domain's VIP list. Nothing is removed before a person has agreed \
                 to the preview by typing the caller's number. Where the caller has several rules, \
                 `dnis` says which. A caller who is not listed is reported as `not_found`.",
        effect: Effect::Changes,
        arguments: schema::input::<ops::RemoveVip>,
        result: schema::output::<ops::RemoveVipOutcome>,
        run: |mut call| {
            Box::pin(async move {
                let mut args: ops::RemoveVip = call.arguments()?;
                let token = args.confirmation.take();
                let consent = call.consent(token);
                Ok(reply::asked(
                    ops::remove_vip(call.app, &args, &consent.channel()).await,
                    text::removed,
                ))
            })
        },
    },
    Row {
        name: "setup_checklist",
        title: "Check a domain's VIP set-up",
        description: "Shows the five set-up steps of a customer's domain, each verified through the APIs, attested by \
                 a person, or not known, and the ready-to-send support ticket. The order matters: a number pointed at the ANI user \
                 before the dial translation rule exists drops every caller who is not a VIP.",
        effect: Effect::Reads,
        arguments: schema::input::<ops::SetupChecklist>,
        result: schema::output::<ops::Checklist>,
        run: |mut call| {
            Box::pin(async move {
                let args: ops::SetupChecklist = call.arguments()?;
                let checklist = ops::setup_checklist(call.app, &args).await?;
                Ok(reply::outcome(
                    &checklist,
                    setup_text::checklist(&checklist),
                ))
            })
        },
    },
    Row {
        name: "sync_vips",
        title: "Make a wanted VIP list stand",
        description: "Makes a whole list of wanted VIPs stand in a domain: CSV, JSON or vCard in, a plan out \
                 (add, replace, remove, keep, and each row that cannot be used with the reason). Nothing \
                 is sent before a person has agreed to the plan as a whole by typing the number of \
                 changes. `merge` never removes; `mirror` removes what is not on the list. Up to 5,000 \
                 rows; start with `dry_run` to see the plan. A run that was cut off goes on with \
                 `resume` and repeats nothing; a call that was cancelled is not answered, so ask with \
                 `resume` `last` and `dry_run` what of it was made and what was not sent.",
        effect: Effect::ChangesMany,
        arguments: schema::input::<ops::SyncVips>,
        result: schema::output::<ops::SyncOutcome>,
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
                    synced.map(|asked| asked.map(|done| done.cut_to(ROWS_SHOWN))),
                    text::synced,
                ))
            })
        },
    },
    Row {
        name: "undo_change",
        title: "Undo a change",
        description: "Restores a VIP rule, or where a customer's number goes, as it was before one change, named \
                 by its `change_id` from list_changes or from the result of the change. Nothing is sent \
                 before a person has agreed to the preview by typing the number it is about. Refused with \
                 `confirmation_stale` where somebody else has changed the rule since. An undo is a \
                 change itself and can be undone.",
        effect: Effect::Changes,
        arguments: schema::input::<ops::UndoChange>,
        result: schema::output::<ops::UndoOutcome>,
        run: |mut call| {
            Box::pin(async move {
                let mut args: ops::UndoChange = call.arguments()?;
                let token = args.confirmation.take();
                let consent = call.consent(token);
                Ok(reply::asked(
                    ops::undo_change(call.app, &args, &consent.channel()).await,
                    text::undone,
                ))
            })
        },
    },
];
