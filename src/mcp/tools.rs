//! Which tools there are, which are offered, and how clients see them.

use std::str::FromStr;

use rmcp::model::{Tool, ToolAnnotations};

use super::schema;
use super::tool_row::{Effect, Row};
use super::tool_table::TABLE;
use crate::config::ConfirmMode;
use skyswitch_domain::error::Refused;

/// The argument, and the part of a result, that only mode `token` has.
pub(super) const TOKEN: &str = "confirmation";

/// A tool of this server, by its name.
#[derive(Debug, Clone, Copy)]
pub struct ToolName(&'static str);

impl ToolName {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl FromStr for ToolName {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let row = row(text.trim());
        row.map(|row| ToolName(row.name)).ok_or_else(|| {
            let names = TABLE.each_ref().map(|row| row.name).join(", ");
            Refused::new(text, "is not a tool", format!("the tools are {names}"))
        })
    }
}

/// Exactly as listed: a gateway in front of us may filter by name.
fn row(name: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.name == name)
}

/// The tool as clients see it.
fn definition(row: &Row, confirm: ConfirmMode) -> Tool {
    let mut arguments = (row.work.arguments)();
    let mut result = (row.work.result)();
    schema::explain(&mut arguments, row.explained);
    if confirm != ConfirmMode::Token {
        schema::leave_out(&mut arguments, TOKEN);
        schema::leave_out(&mut result, TOKEN);
    }
    let changes = row.effect != Effect::Reads;
    let annotations = ToolAnnotations::new()
        .read_only(!changes)
        .destructive(changes)
        .idempotent(true)
        .open_world(true);
    let mut tool = Tool::new(row.name, row.description, arguments)
        .with_raw_output_schema(result.into())
        .with_annotations(annotations);
    tool.title = Some(row.title.to_owned());
    tool
}

/// Which tools are offered.
#[derive(Debug, Clone)]
pub struct ToolSet {
    /// Those that the operator chose; all where nobody chose.
    chosen: Option<Vec<ToolName>>,
    read_only: bool,
    confirm: ConfirmMode,
}

/// What a tool name in a call means.
pub(super) enum Lookup {
    Offered(&'static Row),
    /// Exists, but the operator runs the server read-only.
    ReadOnly,
    Unknown,
}

impl ToolSet {
    /// All tools, or those the operator chose; without the writing ones when
    /// read-only, and without tokens unless the mode has them.
    pub fn new(chosen: Option<Vec<ToolName>>, read_only: bool, confirm: ConfirmMode) -> ToolSet {
        ToolSet {
            chosen,
            read_only,
            confirm,
        }
    }

    pub(super) fn find(&self, name: &str) -> Lookup {
        match row(name) {
            Some(row) if !self.has_chosen(row) => Lookup::Unknown,
            Some(row) if self.read_only && row.effect != Effect::Reads => Lookup::ReadOnly,
            Some(row) => Lookup::Offered(row),
            None => Lookup::Unknown,
        }
    }

    fn has_chosen(&self, row: &Row) -> bool {
        let chosen = self.chosen.as_deref();
        chosen.is_none_or(|chosen| chosen.iter().any(|tool| tool.as_str() == row.name))
    }

    /// Whether a call of this tool is carried out.
    pub(super) fn offers(&self, name: &str) -> bool {
        matches!(self.find(name), Lookup::Offered(_))
    }

    /// Definitions of the tools offered, always in the same order.
    pub(super) fn definitions(&self) -> Vec<Tool> {
        let offered = TABLE.iter().filter(|row| self.offers(row.name));
        offered.map(|row| definition(row, self.confirm)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_arguments_that_exist_are_explained() {
        for row in &TABLE {
            let arguments = (row.work.arguments)();
            for (name, _) in row.explained {
                assert!(
                    arguments["properties"][*name].is_object(),
                    "{} {name}",
                    row.name
                );
            }
        }
    }
}
