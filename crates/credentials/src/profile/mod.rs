//! A profile of AWS's shared config file, changed without losing anything: what stands elsewhere stays byte for byte.
//!
//! Pure. What the SDKs read of a file is `SharedConfig`'s; here is where in the text it is.

mod document;
mod role;

#[cfg(test)]
mod laws;

pub use document::{NotEditable, ProfileEdit, ProfileText};
pub use role::{InvalidName, RoleProfile, Says, is_profile_name};
