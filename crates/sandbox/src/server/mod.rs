//! What every request passes: connection, faults, body, and the state that all share.

pub(crate) mod body;
pub(crate) mod bomb;
pub(crate) mod connection;
pub(crate) mod gateway;
pub(crate) mod parameters;
pub(crate) mod state;
pub(crate) mod tokens;
