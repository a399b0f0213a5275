//! The SkySwitch (Telco) API.

pub(crate) mod access;
pub(crate) mod listing;
pub(crate) mod numbers;
pub(crate) mod oauth;
pub(crate) mod route_by_ani;
pub(crate) mod subscribers;
