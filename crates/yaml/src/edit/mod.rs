//! Changes values in a YAML text and leaves every other byte as it was: comments, order, quotes, indentation, line breaks.
//!
//! ```text
//! let mut editor = Editor::new("users: []  # nobody yet\ncurrent-context: a\n")?;
//! editor.append(&[Step::Key("users")], &[Value::mapping([("name", Value::text("ann"))])])?;
//! editor.set(&[Step::Key("current-context")], &Value::text("b"))?;
//! assert_eq!(editor.text(), "users:  # nobody yet\n- name: ann\ncurrent-context: b\n");
//! ```
//!
//! * [`Editor::set`] replaces a value, or adds the key (and the mappings above it, where they are missing).
//! * [`Editor::append`] adds items to a list; a list that is missing, null or empty is made.
//! * [`Editor::remove`] takes away a key or an item with the comments about it ([`extent_of_item`]); says whether there was one.
//! * [`Editor::with`] makes many such changes at once.
//! * [`Editor::tree`] is the text as Kubernetes reads it: YAML 1.1, with the place of every node ([`crate::syntax`]).
//!
//! After each change the new text is read again and must hold exactly the old values with that change; else the change is
//! refused and the text stays. What aliases share is not edited. What a value means is not known here.

mod batch;
mod check;
mod editor;
mod extent;
mod flow;
mod lines;
mod place;
mod remove;
mod value;

#[cfg(test)]
mod tests;

pub use crate::syntax::{SyntaxError, Tree};
pub use editor::{Change, EditError, Editor};
pub use extent::extent_of_item;
pub use value::Value;

/// One step down into a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step<'a> {
    /// To the value of this key; of the last one, where the key is written twice.
    Key(&'a str),
    /// To this item, from 0.
    Index(usize),
}

/// A path for people: `users[2].user`.
fn path_text(path: &[Step<'_>]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => {
                text.push('.');
                text.push_str(key);
            }
            Step::Index(index) => text.extend(["[", &index.to_string(), "]"]),
        }
    }
    if text.is_empty() {
        "the document".to_owned()
    } else {
        format!("`{text}`")
    }
}
