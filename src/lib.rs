//! Runs SkySwitch phone systems safely, for AI agents and for people.
//!
//! One way through the house: a face ([`mcp`] or [`cli`]) turns arguments into
//! an operation of [`ops`]; a write passes the [`guard`], which alone can make
//! the [`guard::Clearance`] that the [`skyswitch`] client's writing methods
//! demand; the client alone speaks HTTP.
//!
//! | Module | What it knows |
//! |---|---|
//! | [`domain`] | the field's words as types, parsed once at the edge |
//! | [`error`] | what failures look like to people and models |
//! | [`redact`] | what may be shown |
//! | [`config`] | settings and where they come from |
//! | [`state`] | the private folder and the SQLite store in it |
//! | [`guard`] | when a change may be made |
//! | [`approval_page`] | how a change is settled in a browser on this machine |
//! | [`skyswitch`] | the SkySwitch API: login, pacing, retries, lists |
//! | [`app`] | what one process shares |
//! | [`install`] | this program in the settings of MCP clients |
//! | [`ops`] | what can be done |
//! | `spans` | what logs and traces tell of a call |
//! | `sentences` | what is said of each outcome, once for both faces |
//! | [`mcp`] | the Model Context Protocol over stdio |
//! | [`cli`] | the command line |
//! | [`sandbox`] | an embedded SkySwitch API, a crate of its own, read from the documents alone |

pub mod app;
pub mod approval_page;
pub mod cli;
pub mod config;
pub mod install;
mod lenient;
mod local_time;
pub mod mcp;
mod nearest;
pub mod ops;
mod sentences;
mod spans;
mod whole_file;

#[doc(inline)]
pub use skyswitch_client as skyswitch;
#[doc(inline)]
pub use skyswitch_domain as domain;
#[doc(inline)]
pub use skyswitch_domain::{Error, Result, error, redact};
#[doc(inline)]
pub use skyswitch_guard as guard;
#[doc(inline)]
pub use skyswitch_guard::store as state;
#[doc(inline)]
pub use skyswitch_sandbox as sandbox;
