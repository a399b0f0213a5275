//! The NetSapiens PBX API, in both of its generations.

pub(crate) mod answers;
pub(crate) mod login;
pub(crate) mod records;
pub(crate) mod v1;
pub(crate) mod v2;
