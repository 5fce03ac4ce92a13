//! What the program says of itself.

pub(crate) mod completion;
pub(crate) mod man;
pub(crate) mod schema;
pub(crate) mod version;
