//! Reading YAML 1.1 as Go's `yaml.v2` reads it: text to tokens, tokens to events, events to a tree with positions.
//!
//! Every Kubernetes component reads its YAML with that library, and eksctl does, so what it accepts, refuses and
//! understands is the measure; a YAML 1.2 parser differs in just the broken texts that matter here. This follows the rules of go-yaml
//! 2.4.4 (<https://github.com/yaml/go-yaml>, Apache-2.0, itself made after libyaml, MIT) case by case and says the same
//! error texts. Nothing here knows what the text is for.

mod cursor;
mod error;
mod events;
mod flow_events;
mod resolve;
mod scalars;
mod scanner;
mod tags;
mod tree;

pub use cursor::Mark;
pub use error::{ErrorKind, SyntaxError};
pub use resolve::{Resolved, TAG_PREFIX, lossy, resolve};
#[cfg(any(test, feature = "testing"))]
pub use tree::READS;
pub use tree::{Content, Entry, Node, NodeId, Style, Tree, Trees};
