//! The tool table: names, titles, descriptions, schemas, annotations.

use std::str::FromStr;

use rmcp::model::{Tool, ToolAnnotations};

use super::schema;
use crate::error::Refused;
use crate::ops;

/// A tool of this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolName {
    /// Adds a VIP, or changes where one rings.
    AddVip,
    /// Explains who rings when a caller dials.
    ExplainCall,
    /// Lists what was changed.
    ListChanges,
    /// Lists where VIPs of a domain can ring.
    ListDestinations,
    /// Lists the account's PBX domains.
    ListDomains,
    /// Lists VIP rules.
    ListVips,
    /// Writes down a person's word that a set-up step is done.
    MarkSetupStep,
    /// Makes what is missing of a customer's set-up.
    OnboardDomain,
    /// Shows all customers and how far they are.
    OnboardingStatus,
    /// Removes a VIP.
    RemoveVip,
    /// Shows how far a domain's set-up is.
    SetupChecklist,
    /// Makes a wanted list stand.
    SyncVips,
    /// Undoes a change.
    UndoChange,
}

impl ToolName {
    /// Every tool, in the order of the tool list.
    pub const ALL: [ToolName; 13] = [
        ToolName::AddVip,
        ToolName::ExplainCall,
        ToolName::ListChanges,
        ToolName::ListDestinations,
        ToolName::ListDomains,
        ToolName::ListVips,
        ToolName::MarkSetupStep,
        ToolName::OnboardDomain,
        ToolName::OnboardingStatus,
        ToolName::RemoveVip,
        ToolName::SetupChecklist,
        ToolName::SyncVips,
        ToolName::UndoChange,
    ];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            ToolName::AddVip => "add_vip",
            ToolName::ExplainCall => "explain_call",
            ToolName::ListChanges => "list_changes",
            ToolName::ListDestinations => "list_destinations",
            ToolName::ListDomains => "list_domains",
            ToolName::ListVips => "list_vips",
            ToolName::MarkSetupStep => "mark_setup_step",
            ToolName::OnboardDomain => "onboard_domain",
            ToolName::OnboardingStatus => "onboarding_status",
            ToolName::RemoveVip => "remove_vip",
            ToolName::SetupChecklist => "setup_checklist",
            ToolName::SyncVips => "sync_vips",
            ToolName::UndoChange => "undo_change",
        }
    }

    /// Whether it can change anything.
    pub fn writes(self) -> bool {
        matches!(
            self,
            ToolName::AddVip
                | ToolName::MarkSetupStep
                | ToolName::OnboardDomain
                | ToolName::RemoveVip
                | ToolName::SyncVips
                | ToolName::UndoChange
        )
    }

    fn title(self) -> &'static str {
        match self {
            ToolName::AddVip => "Add a VIP caller",
            ToolName::ExplainCall => "Explain who rings",
            ToolName::ListChanges => "List changes",
            ToolName::ListDestinations => "List where VIPs can ring",
            ToolName::ListDomains => "List PBX domains",
            ToolName::ListVips => "List VIP callers",
            ToolName::MarkSetupStep => "Attest a set-up step",
            ToolName::OnboardDomain => "Set up a customer",
            ToolName::OnboardingStatus => "Show all customers' set-up",
            ToolName::RemoveVip => "Remove a VIP caller",
            ToolName::SetupChecklist => "Check a domain's VIP set-up",
            ToolName::SyncVips => "Make a wanted VIP list stand",
            ToolName::UndoChange => "Undo a change",
        }
    }

    fn description(self) -> &'static str {
        match self {
            ToolName::AddVip => {
                "Lets a caller ring straight through, also after hours, by a route-by-ANI rule in the \
                 customer's PBX domain. A new rule acts at once. Nothing is changed before a person has \
                 agreed to the preview where a rule is replaced, where calls are taken away from \
                 another rule, or where the destination is outside the domain, does not exist or is \
                 the Route by ANI user itself. Give the caller in any common writing; the same rule twice changes nothing."
            }
            ToolName::ExplainCall => {
                "Says who rings when a caller dials, which rule decides and why, and what the service \
                 does not show. Use it for the question why a caller does or does not get through."
            }
            ToolName::ListChanges => {
                "Lists what this installation has changed, newest first: who asked, which rule, what \
                 stood before, what came of it. Filter by domain, caller, time (`since`), status or \
                 import. A `change_id` can be given to undo_change."
            }
            ToolName::ListDestinations => {
                "Lists where VIPs of a domain can ring: its users (people, queues, attendants) and, where the \
                 PBX API is configured, its devices. Use it to find the exact `destination` for add_vip and \
                 sync_vips."
            }
            ToolName::ListDomains => {
                "Lists the PBX domains of the SkySwitch account; each customer has one. Use it to find \
                 a domain's exact name before calling the other tools."
            }
            ToolName::ListVips => {
                "Lists VIP rules: who rings straight through, and where. Filter by domain, caller (any \
                 writing of the number) or called number. Ordered by domain, caller, called number; \
                 use `next_cursor` for the next page."
            }
            ToolName::MarkSetupStep => {
                "Writes down a person's word that a set-up step is done which no API shows \
                 (`dial_translation_rule`, `route_by_ani_user`): who looked, and what proved it. The person \
                 agrees by typing the domain's name, in the client's form or at a terminal; no token and no \
                 model can do it for them. Ask for it only when the person says that they have seen it. \
                 `withdraw` takes it back."
            }
            ToolName::OnboardDomain => {
                "Makes what is missing of a customer's set-up, in the safe order, and says what is done by \
                 hand or waits for SkySwitch. Nothing is sent before a person has agreed to the plan: by \
                 typing the domain's name, or the customer's number where that is routed. The number is \
                 routed by a call of its own, and never while the dial translation rule is neither verified \
                 nor attested. Calling it again goes on where it stopped; start with `dry_run`."
            }
            ToolName::OnboardingStatus => {
                "Shows all customers of the account in one table: how far each set-up is, what it waits for, \
                 VIP rules, and the numbers that go to a route_by_ani user. Those whose callers are probably \
                 being dropped right now (`alarm`) come first."
            }
            ToolName::RemoveVip => {
                "Takes a caller off a domain's VIP list. Nothing is removed before a person has agreed \
                 to the preview by typing the caller's number. Where the caller has several rules, \
                 `dnis` says which. A caller who is not listed is reported as `not_found`."
            }
            ToolName::SetupChecklist => {
                "Shows the five set-up steps of a customer's domain, each verified through the APIs, attested by \
                 a person, or not known, and the ready-to-send support ticket. The order matters: a number pointed at the ANI user \
                 before the dial translation rule exists drops every caller who is not a VIP."
            }
            ToolName::SyncVips => {
                "Makes a whole list of wanted VIPs stand in a domain: CSV, JSON or vCard in, a plan out \
                 (add, replace, remove, keep, and each row that cannot be used with the reason). Nothing \
                 is sent before a person has agreed to the plan as a whole by typing the number of \
                 changes. `merge` never removes; `mirror` removes what is not on the list. Up to 5,000 \
                 rows; start with `dry_run` to see the plan. A run that was cut off goes on with \
                 `resume` and repeats nothing; a call that was cancelled is not answered, so ask with \
                 `resume` `last` and `dry_run` what of it was made and what was not sent."
            }
            ToolName::UndoChange => {
                "Restores a VIP rule, or where a customer's number goes, as it was before one change, named \
                 by its `change_id` from list_changes or from the result of the change. Nothing is sent \
                 before a person has agreed to the preview by typing the number it is about. Refused with \
                 `confirmation_stale` where somebody else has changed the rule since. An undo is a \
                 change itself and can be undone."
            }
        }
    }

    fn annotations(self) -> ToolAnnotations {
        ToolAnnotations::with_title(self.title())
            .read_only(!self.writes())
            .destructive(self.writes())
            .idempotent(true)
            .open_world(true)
    }

    /// The tool as clients see it.
    pub fn definition(self) -> Tool {
        let (input, output) = match self {
            ToolName::AddVip => (
                schema::input::<ops::AddVip>(),
                schema::output::<ops::AddVipOutcome>(),
            ),
            ToolName::ExplainCall => (
                schema::input::<ops::ExplainCall>(),
                schema::output::<ops::CallExplained>(),
            ),
            ToolName::ListChanges => (
                schema::input::<ops::ListChanges>(),
                schema::output::<ops::ChangeList>(),
            ),
            ToolName::ListDestinations => (
                schema::input::<ops::ListDestinations>(),
                schema::output::<ops::DestinationList>(),
            ),
            ToolName::ListDomains => (
                schema::input::<ops::ListDomains>(),
                schema::output::<ops::DomainList>(),
            ),
            ToolName::ListVips => (
                schema::input::<ops::ListVips>(),
                schema::output::<ops::VipList>(),
            ),
            ToolName::MarkSetupStep => (
                schema::input::<ops::MarkSetupStep>(),
                schema::output::<ops::MarkOutcome>(),
            ),
            ToolName::OnboardDomain => (
                schema::input::<ops::OnboardDomain>(),
                schema::output::<ops::OnboardOutcome>(),
            ),
            ToolName::OnboardingStatus => (
                schema::input::<ops::ListCustomers>(),
                schema::output::<ops::Portfolio>(),
            ),
            ToolName::RemoveVip => (
                schema::input::<ops::RemoveVip>(),
                schema::output::<ops::RemoveVipOutcome>(),
            ),
            ToolName::SetupChecklist => (
                schema::input::<ops::SetupChecklist>(),
                schema::output::<ops::Checklist>(),
            ),
            ToolName::SyncVips => (
                schema::input::<ops::SyncVips>(),
                schema::output::<ops::SyncOutcome>(),
            ),
            ToolName::UndoChange => (
                schema::input::<ops::UndoChange>(),
                schema::output::<ops::UndoOutcome>(),
            ),
        };
        let mut tool = Tool::new(self.as_str(), self.description(), input)
            .with_raw_output_schema(output.into())
            .with_annotations(self.annotations());
        tool.title = Some(self.title().to_owned());
        tool
    }
}

impl FromStr for ToolName {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        ToolName::ALL
            .into_iter()
            .find(|tool| tool.as_str() == text.trim())
            .ok_or_else(|| {
                let names = ToolName::ALL.map(ToolName::as_str).join(", ");
                Refused::new(text, "is not a tool", format!("the tools are {names}"))
            })
    }
}

/// Which tools are offered.
#[derive(Debug, Clone)]
pub struct ToolSet {
    chosen: Vec<ToolName>,
    read_only: bool,
}

/// What a tool name in a call means.
pub(super) enum Lookup {
    Offered(ToolName),
    /// Exists, but the operator runs the server read-only.
    ReadOnly,
    Unknown,
}

impl ToolSet {
    /// All tools, or those the operator chose; without the writing ones when read-only.
    pub fn new(chosen: Option<Vec<ToolName>>, read_only: bool) -> ToolSet {
        ToolSet {
            chosen: chosen.unwrap_or_else(|| ToolName::ALL.to_vec()),
            read_only,
        }
    }

    pub(super) fn find(&self, name: &str) -> Lookup {
        // Exactly as listed: a gateway in front of us may filter by name.
        match ToolName::ALL.into_iter().find(|tool| tool.as_str() == name) {
            Some(tool) if !self.chosen.contains(&tool) => Lookup::Unknown,
            Some(tool) if self.read_only && tool.writes() => Lookup::ReadOnly,
            Some(tool) => Lookup::Offered(tool),
            None => Lookup::Unknown,
        }
    }

    /// Whether a call of this tool is carried out.
    pub(super) fn offers(&self, tool: ToolName) -> bool {
        matches!(self.find(tool.as_str()), Lookup::Offered(_))
    }

    /// Definitions of the tools offered, always in the same order.
    pub(super) fn definitions(&self) -> Vec<Tool> {
        ToolName::ALL
            .into_iter()
            .filter(|tool| matches!(self.find(tool.as_str()), Lookup::Offered(_)))
            .map(ToolName::definition)
            .collect()
    }
}
