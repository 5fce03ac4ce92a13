//! kubeconfig files: which one is meant, what it holds, what it shall say, and how it is changed without losing anything.
//!
//! Pure: [`place`] (which file), [`naming`] (which names), [`exec_entry`] (the command that kubectl runs), [`wrapper`] (what
//! that command runs in the end), [`document`] (text to entries, and edits of the text), `loadable` and `usable` (what kubectl
//! refuses), [`merge`] and [`removal`] (entries and a wish to edits), [`changes`] and [`profile_change`] (edits as a plan).
//! At the edge: [`lock`] and [`store`]. Nothing here asks AWS, prints, or knows flags.

pub mod changes;
pub mod document;
pub mod entries;
pub mod exec_entry;
mod loadable;
pub mod lock;
pub mod merge;
pub mod naming;
pub mod place;
pub mod profile_change;
pub mod removal;
pub mod store;
mod usable;
pub mod value;
pub mod wrapper;

#[cfg(test)]
mod laws;

pub use document::{CannotEdit, Document, Malformed, Unusable};
pub use entries::Entries;
pub use exec_entry::{ExecApiVersion, ExecEntry, ExecTool, FoundExec, SignIn};
pub use lock::{Lock, LockError, Waiting};
pub use merge::{Merge, Taken, Wanted, merge};
pub use naming::{Names, NamingStyle};
pub use place::{Candidates, FileState, PlaceError, PlaceVariables};
pub use removal::{KeptBecause, Removal, Selection, remove};
pub use store::{StoreError, Stored, Written};
