//! Tokens: made, read and checked, and whose they are.

pub(crate) mod decode;
pub(crate) mod plain;
pub(crate) mod signing;
pub(crate) mod token;
pub(crate) mod verify;
pub(crate) mod whoami;
