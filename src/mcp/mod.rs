//! The Model Context Protocol face: tools, prompts, resources and completion over
//! stdio, a thin layer above [`crate::ops`].

mod call;
mod completion;
mod consent;
mod current;
mod id_scan;
mod message;
mod progress;
mod prompts;
mod repeated;
mod reply;
mod resources;
mod schema;
mod server;
mod skill;
mod stdio;
mod streams;
mod text;
mod tool_row;
mod tool_table;
mod tools;
mod under_way;
mod wire;

/// How long a client may keep what cannot change while the process runs: lists
/// and guides.
const LIFETIME_MS: u64 = 3_600_000;

pub use server::Server;
pub use stdio::serve_stdio;
pub use tools::{ToolName, ToolSet};
