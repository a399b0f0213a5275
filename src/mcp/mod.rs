//! The Model Context Protocol face: tools over stdio, a thin layer above [`crate::ops`].

mod arguments;
mod consent;
mod progress;
mod reply;
mod schema;
mod server;
mod setup_text;
mod stdio;
mod text;
mod tools;

pub use server::Server;
pub use stdio::serve_stdio;
pub use tools::{ToolName, ToolSet};
