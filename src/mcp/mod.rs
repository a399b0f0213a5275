//! The Model Context Protocol face: tools, prompts, resources and completion over
//! stdio, a thin layer above [`crate::ops`].

mod arguments;
mod call;
mod completion;
mod consent;
mod progress;
mod prompts;
mod reply;
mod resources;
mod schema;
mod server;
mod skill;
mod stdio;
mod text;
mod tool_table;
mod tools;

pub use server::Server;
pub use stdio::serve_stdio;
pub use tools::{ToolName, ToolSet};
