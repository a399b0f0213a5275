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
    /// Lists the account's PBX domains.
    ListDomains,
    /// Lists VIP rules.
    ListVips,
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
    pub const ALL: [ToolName; 9] = [
        ToolName::AddVip,
        ToolName::ExplainCall,
        ToolName::ListChanges,
        ToolName::ListDomains,
        ToolName::ListVips,
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
            ToolName::ListDomains => "list_domains",
            ToolName::ListVips => "list_vips",
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
            ToolName::AddVip | ToolName::RemoveVip | ToolName::SyncVips | ToolName::UndoChange
        )
    }

    fn title(self) -> &'static str {
        match self {
            ToolName::AddVip => "Add a VIP caller",
            ToolName::ExplainCall => "Explain who rings",
            ToolName::ListChanges => "List changes",
            ToolName::ListDomains => "List PBX domains",
            ToolName::ListVips => "List VIP callers",
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
                 customer's PBX domain. Creating a rule acts at once. Where the caller already has a \
                 rule that rings elsewhere, nothing is changed before a person has agreed to the \
                 preview. Give the caller in any common writing; the same rule twice changes nothing."
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
            ToolName::ListDomains => {
                "Lists the PBX domains of the SkySwitch account; each customer has one. Use it to find \
                 a domain's exact name before calling the other tools."
            }
            ToolName::ListVips => {
                "Lists VIP rules: who rings straight through, and where. Filter by domain, caller (any \
                 writing of the number) or called number. Ordered by domain, caller, called number; \
                 use `next_cursor` for the next page."
            }
            ToolName::RemoveVip => {
                "Takes a caller off a domain's VIP list. Nothing is removed before a person has agreed \
                 to the preview by typing the caller's number. Where the caller has several rules, \
                 `dnis` says which. A caller who is not listed is reported as `not_found`."
            }
            ToolName::SetupChecklist => {
                "Shows the five set-up steps of a customer's domain, what the service shows of each, and \
                 the ready-to-send support ticket. The order matters: a number pointed at the ANI user \
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
                "Restores a rule as it was before one change, named by its `change_id` from \
                 list_changes or from the result of the change. Nothing is sent before a person has \
                 agreed to the preview by typing the caller's number. Refused with \
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
            ToolName::ListDomains => (
                schema::input::<ops::ListDomains>(),
                schema::output::<ops::DomainList>(),
            ),
            ToolName::ListVips => (
                schema::input::<ops::ListVips>(),
                schema::output::<ops::VipList>(),
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

    /// Definitions of the tools offered, always in the same order.
    pub(super) fn definitions(&self) -> Vec<Tool> {
        ToolName::ALL
            .into_iter()
            .filter(|tool| matches!(self.find(tool.as_str()), Lookup::Offered(_)))
            .map(ToolName::definition)
            .collect()
    }
}
