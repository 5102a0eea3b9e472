//! SQL only. Functions that write take a transaction, so that the event of the change goes with it.

pub(crate) mod access;
pub(crate) mod codes;
pub(crate) mod groups;
pub(crate) mod identities;
pub(crate) mod roles;
pub(crate) mod servers;
pub(crate) mod services;
pub(crate) mod sessions;
pub(crate) mod shares;
pub(crate) mod tokens;
pub(crate) mod users;
