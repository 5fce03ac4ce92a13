//! What must not be said twice, within a file and across files: how that is found. What is the same, each kind says.

use eksact_message::code::Code;
use std::collections::BTreeMap;

use crate::config::diagnostic::quoted;
use crate::config::finding::Finding;
use crate::config::location::{Located, SourceLocation};
use crate::config::path::FieldPath;

/// Something in a list, and where it is listed.
pub(in crate::config) struct Listed<'a, T> {
    /// Number of the document.
    pub(super) document: usize,
    /// Its path in that document.
    pub(super) path: FieldPath,
    pub(super) item: &'a T,
}

impl<'a, T> Listed<'a, T> {
    /// The items of a list at `path` in the document of this number.
    pub(in crate::config) fn all(
        document: usize,
        path: &FieldPath,
        items: &'a [T],
    ) -> impl Iterator<Item = Self> {
        items.iter().enumerate().map(move |(index, item)| Self {
            document,
            path: path.index(index),
            item,
        })
    }
}

/// More duplicates than these are not described one by one.
pub(super) const MOST_FINDINGS: usize = 100;

/// Something that is listed already.
pub(in crate::config) struct Duplicate {
    /// Number of its document.
    pub(super) document: usize,
    /// What is said about it.
    pub(super) finding: Finding,
}

/// Finds items with a key that an earlier one has; one without a key is no duplicate. `place` is where an item is said to be, and `told`
/// what is said of a later one, given the place of the first.
pub(super) fn repeated<T>(
    listed: &[Listed<'_, T>],
    key: impl Fn(&T) -> Option<String>,
    place: impl Fn(&T) -> Option<&SourceLocation>,
    told: impl Fn(&Listed<'_, T>, &str) -> Finding,
) -> Vec<Duplicate> {
    let mut first: BTreeMap<String, &T> = BTreeMap::new();
    let mut duplicates = Vec::new();
    for one in listed {
        if duplicates.len() >= MOST_FINDINGS {
            break;
        }
        let Some(key) = key(one.item) else { continue };
        let Some(earlier) = first.get(&key) else {
            first.insert(key, one.item);
            continue;
        };
        let place = place(earlier).map(ToString::to_string).unwrap_or_default();
        duplicates.push(Duplicate {
            document: one.document,
            finding: told(one, &place),
        });
    }
    duplicates
}

/// Finds roles and policies, each of its own list, that have one name. IAM tells neither by case nor by path two of an account apart.
pub(super) fn of_names<T>(
    listed: &[Listed<'_, T>],
    code: Code,
    name: impl Fn(&T) -> &Located<String>,
) -> Vec<Duplicate> {
    repeated(
        listed,
        |item| Some(name(item).value.to_lowercase()).filter(|name| !name.is_empty()),
        |item| name(item).location.as_ref(),
        |one, place| {
            let name = name(one.item);
            let message = format!(
                "{} is there already; the first is at {place}",
                quoted(&name.value)
            );
            Finding::error(code, one.path.key("name"), message)
                .help(remedy!("give one of the two another name"))
                .located(name.location.as_ref())
        },
    )
}
