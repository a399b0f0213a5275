//! What an import is asked to do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ops::import::files::{ColumnName, Format};
use skyswitch_domain::{AccountId, Application, CustomerKey, DestinationKey};

/// The wanted list, and what to do with it.
#[derive(Debug, Clone, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct SyncVips {
    /// The customer: PBX domain, short name or description, e.g. `acme.12345.service`, `acme`, `Acme Dental`
    #[arg(long, short)]
    pub domain: CustomerKey,
    /// The wanted list as text: CSV with the header `ani,destination,application,dnis,note`, a JSON array of objects with those keys, or a vCard export, e.g. `ani,destination\n6165550123,101`; not needed with `resume`
    #[arg(skip)]
    #[serde(default, deserialize_with = "crate::lenient::document")]
    pub list: Option<String>,
    /// A list in the operator's folder, in place of `list`, e.g. `lakeside.csv`
    #[arg(skip)]
    pub file: Option<String>,
    /// Copy the VIP list of this customer, e.g. `lakesidedental`
    #[arg(long, value_name = "DOMAIN")]
    pub from_domain: Option<CustomerKey>,
    /// A plan that was shown before, by its id or approval code, in place of the list, e.g. `p-7f3a9c21d0b4`
    #[arg(long, value_name = "ID")]
    pub plan: Option<String>,
    /// Format of the list: `csv`, `json` or `vcard`; told from its content when left out
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// `merge` adds and replaces (the default); `mirror` also removes every rule that is not on the list
    #[arg(long, value_enum)]
    pub mode: Option<SyncMode>,
    /// With mode `move`: where the calls go today, e.g. `101`, `Maya Lindgren`
    #[arg(skip)]
    pub from: Option<DestinationKey>,
    /// Destination for rows without one, such as all of a vCard, e.g. `101`, `Maya Lindgren`, `user:john`
    #[arg(long)]
    pub destination: Option<DestinationKey>,
    /// What that destination is: `user`, `device` or `literal`
    #[arg(long)]
    pub application: Option<Application>,
    /// What the list calls its columns, divided by semicolons, e.g. `ani=Phone Number; note=Name`
    #[arg(long, value_name = "COLUMN=NAME", value_delimiter = ';')]
    #[serde(skip)]
    pub map: Vec<ColumnName>,
    /// Import the rows that can be used, and list the others; not with `mirror`
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    #[serde(default, deserialize_with = "crate::lenient::boolean")]
    pub skip_invalid: Option<bool>,
    /// Let `mirror` remove more than half of the customer's rules, where that is more than 20
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    #[serde(default, deserialize_with = "crate::lenient::boolean")]
    pub allow_large_removal: Option<bool>,
    /// Show the plan without applying it
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    #[serde(default, deserialize_with = "crate::lenient::boolean")]
    pub dry_run: Option<bool>,
    /// Resume an import that was cut off: its id, or `last` for the newest one of the domain, e.g. `r-7f3a9c21d0b4`
    #[arg(long, value_name = "RUN", num_args = 0..=1, default_missing_value = "last")]
    pub resume: Option<String>,
    /// SkySwitch account id, e.g. `0f8fad5b-d9cb-469f-a165-70867728950e`; the configured default when left out
    #[arg(skip)]
    pub account_id: Option<AccountId>,
    /// The confirmation token from the previous result, unchanged, e.g. `rs1.eyJ…`
    #[arg(skip)]
    pub confirmation: Option<String>,
}

/// What is done with rules that are not on the list.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum SyncMode {
    /// Add and update only
    #[default]
    Merge,
    /// Also remove rules that are not on the list
    Mirror,
    /// Remove every rule; there is no list
    #[value(skip)]
    Clear,
    /// Send the callers of one destination to another; there is no list
    #[value(skip)]
    Move,
}

impl SyncMode {
    pub(super) fn word(self) -> &'static str {
        match self {
            SyncMode::Merge => "merge",
            SyncMode::Mirror => "mirror",
            SyncMode::Clear => "clear",
            SyncMode::Move => "move",
        }
    }

    /// Whether rules that are not on the list are removed.
    pub(super) fn removes_the_rest(self) -> bool {
        matches!(self, SyncMode::Mirror | SyncMode::Clear)
    }

    pub(super) fn from_word(word: &str) -> SyncMode {
        match word {
            "mirror" => SyncMode::Mirror,
            "clear" => SyncMode::Clear,
            _ => SyncMode::Merge,
        }
    }
}
