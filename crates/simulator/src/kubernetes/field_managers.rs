//! Who owns which label and annotation of a service account, as the Kubernetes API server keeps book of it in
//! `metadata.managedFields`.
//!
//! Server-side apply and updates differ here: an apply takes back what its manager applied before and no longer
//! names; an update only adds. See "Server-Side Apply" in the Kubernetes documentation, "Conflicts" and "Field
//! management".

use std::collections::{BTreeMap, BTreeSet};

use eksact_core::ports::kubernetes::{FieldManager, ServiceAccount};

/// Labels or annotations.
#[derive(Clone, Copy)]
enum Part {
    Labels,
    Annotations,
}

const PARTS: [Part; 2] = [Part::Labels, Part::Annotations];

impl Part {
    fn values(self, object: &mut ServiceAccount) -> &mut BTreeMap<String, String> {
        match self {
            Self::Labels => &mut object.labels,
            Self::Annotations => &mut object.annotations,
        }
    }

    fn keys(self, manager: &mut FieldManager) -> &mut BTreeSet<String> {
        match self {
            Self::Labels => &mut manager.labels,
            Self::Annotations => &mut manager.annotations,
        }
    }
}

/// What someone wants on an object.
pub(super) struct Wanted<'a> {
    pub(super) labels: &'a BTreeMap<String, String>,
    pub(super) annotations: &'a BTreeMap<String, String>,
}

impl Wanted<'_> {
    fn part(&self, part: Part) -> &BTreeMap<String, String> {
        match part {
            Part::Labels => self.labels,
            Part::Annotations => self.annotations,
        }
    }
}

/// Forced server-side apply: whoever else owned a key with another value loses it.
pub(super) fn apply(object: &mut ServiceAccount, manager: &str, wanted: &Wanted<'_>) {
    for part in PARTS {
        let mut managers = std::mem::take(&mut object.field_managers);
        let own = position(&mut managers, manager, "Apply");
        let before = managers
            .get_mut(own)
            .map(|entry| std::mem::take(part.keys(entry)))
            .unwrap_or_default();
        let values = part.values(object);
        for (key, value) in wanted.part(part) {
            if values
                .insert(key.clone(), value.clone())
                .is_some_and(|old| old != *value)
            {
                disown(&mut managers, part, key);
            }
        }
        for key in before.iter().filter(|key| !wanted.part(part).contains_key(*key)) {
            if !managers.iter_mut().any(|entry| part.keys(entry).contains(key)) {
                values.remove(key);
            }
        }
        if let Some(entry) = managers.get_mut(own) {
            *part.keys(entry) = wanted.part(part).keys().cloned().collect();
        }
        object.field_managers = managers;
    }
    drop_empty(object);
}

/// POST, PUT or patch: what it sets to another value is its own from now on.
pub(super) fn update(object: &mut ServiceAccount, manager: &str, wanted: &Wanted<'_>) {
    for part in PARTS {
        let mut managers = std::mem::take(&mut object.field_managers);
        let own = position(&mut managers, manager, "Update");
        for (key, value) in wanted.part(part) {
            if part.values(object).insert(key.clone(), value.clone()).as_ref() != Some(value) {
                disown(&mut managers, part, key);
                if let Some(entry) = managers.get_mut(own) {
                    part.keys(entry).insert(key.clone());
                }
            }
        }
        object.field_managers = managers;
    }
    drop_empty(object);
}

/// Removes keys; what is gone nobody owns.
pub(super) fn remove(object: &mut ServiceAccount, labels: &[String], annotations: &[String]) {
    for (part, keys) in [(Part::Labels, labels), (Part::Annotations, annotations)] {
        for key in keys {
            part.values(object).remove(key);
            disown(&mut object.field_managers, part, key);
        }
    }
    drop_empty(object);
}

fn disown(managers: &mut [FieldManager], part: Part, key: &str) {
    for entry in managers {
        part.keys(entry).remove(key);
    }
}

/// Index of a manager's entry, added when it has none.
fn position(managers: &mut Vec<FieldManager>, manager: &str, operation: &str) -> usize {
    let found = managers
        .iter()
        .position(|entry| entry.manager == manager && entry.operation == operation);
    found.unwrap_or_else(|| {
        managers.push(FieldManager {
            manager: manager.to_owned(),
            operation: operation.to_owned(),
            ..FieldManager::default()
        });
        managers.len() - 1
    })
}

fn drop_empty(object: &mut ServiceAccount) {
    object
        .field_managers
        .retain(|entry| !entry.labels.is_empty() || !entry.annotations.is_empty());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn annotated(annotations: &BTreeMap<String, String>) -> Wanted<'_> {
        const NONE: &BTreeMap<String, String> = &BTreeMap::new();
        Wanted {
            labels: NONE,
            annotations,
        }
    }

    fn owners(object: &ServiceAccount, key: &str) -> Vec<String> {
        let owns = |entry: &&FieldManager| entry.annotations.contains(key);
        let name = |entry: &FieldManager| format!("{}/{}", entry.manager, entry.operation);
        object.field_managers.iter().filter(owns).map(name).collect()
    }

    #[test]
    fn ownership_moves_as_the_server_moves_it() {
        let mut object = ServiceAccount::default();
        update(
            &mut object,
            "eksctl",
            &annotated(&map(&[("arn", "old"), ("owner", "team")])),
        );
        assert_eq!(owners(&object, "arn"), ["eksctl/Update"]);

        // The same value is shared, another value is taken over.
        apply(
            &mut object,
            "eksact",
            &annotated(&map(&[("arn", "new"), ("owner", "team")])),
        );
        assert_eq!(owners(&object, "arn"), ["eksact/Apply"]);
        assert_eq!(owners(&object, "owner"), ["eksctl/Update", "eksact/Apply"]);

        // A key that is no longer applied goes, unless someone else owns it too.
        apply(&mut object, "eksact", &annotated(&map(&[("more", "1")])));
        assert_eq!(object.annotations, map(&[("more", "1"), ("owner", "team")]));
        assert_eq!(owners(&object, "owner"), ["eksctl/Update"]);

        update(&mut object, "kubectl", &annotated(&map(&[("more", "2")])));
        assert_eq!(owners(&object, "more"), ["kubectl/Update"]);

        remove(&mut object, &[], &["more".to_owned(), "owner".to_owned()]);
        assert!(object.annotations.is_empty() && object.field_managers.is_empty());
    }
}
