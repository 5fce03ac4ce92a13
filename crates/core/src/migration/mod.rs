//! From the old half of EKS's access to the new one: what `aws-auth` says, as access entries; roles of annotated service accounts, as
//! pod identity associations. Pure: what was read goes in, what is wanted comes out, and it is planned and applied like any other
//! file.

mod access_entry;
mod choices;
mod existing;
mod line;
mod names;
pub mod pod_identity;
mod verdict;
mod wanted;

pub use access_entry::{Facts, lines, principals_of};
pub use choices::{ChoiceError, Choices};
pub use line::{Fate, Line, Proposal};
pub use verdict::Verdict;
pub use wanted::{access_entries, removable};
