//! The edits of the sections' texts, collected entry by entry, and what the entries are to be afterwards.

use std::collections::{BTreeMap, BTreeSet};

use super::{DeltaError, Removal};
use crate::{
    guard::access::Admitted,
    kinds::identity_mapping::reading::{Edit, MapEntry, Reading},
};
use eksact_identity::authn::aws_auth::SectionKey;

/// The edits of each section, and what its entries are to be afterwards.
#[derive(Default)]
pub(super) struct Edits {
    by_section: BTreeMap<SectionKey, Vec<Edit>>,
    expected: BTreeMap<SectionKey, Vec<(usize, Option<Removal>)>>,
    appended: BTreeMap<SectionKey, Vec<Removal>>,
}

impl Edits {
    pub(super) fn append(&mut self, section: SectionKey, subject: &str, admitted: &Admitted) {
        self.by_section
            .entry(section)
            .or_default()
            .push(Edit::append(subject, admitted));
        self.appended.entry(section).or_default().push(Removal {
            section,
            subject: subject.to_owned(),
            admitted: admitted.clone(),
        });
    }

    pub(super) fn replace(&mut self, entry: &MapEntry, admitted: &Admitted) {
        self.by_section
            .entry(entry.section)
            .or_default()
            .push(Edit::replace(entry, admitted));
        self.expected.entry(entry.section).or_default().push((
            entry.index,
            Some(Removal {
                section: entry.section,
                subject: entry.arn.clone(),
                admitted: admitted.clone(),
            }),
        ));
    }

    pub(super) fn remove(&mut self, entry: &MapEntry) {
        self.by_section
            .entry(entry.section)
            .or_default()
            .push(Edit::remove(entry));
        self.expected
            .entry(entry.section)
            .or_default()
            .push((entry.index, None));
    }

    pub(super) fn touch(&self, section: &str) -> bool {
        self.by_section.keys().any(|touched| touched.as_str() == section)
    }

    /// The new text of each section that has edits.
    pub(super) fn texts(
        &self,
        data: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, DeltaError> {
        self.by_section
            .iter()
            .map(|(section, edits)| {
                let text = data.get(section.as_str()).map(String::as_str);
                Ok((section.as_str().to_owned(), Edit::apply(*section, text, edits)?))
            })
            .collect()
    }

    /// The entries that would not be what they are to be: the old ones with the edits, and no others.
    pub(super) fn foreign(&self, before: &Reading, after: &Reading) -> Vec<String> {
        let mut wrong = Vec::new();
        for section in SectionKey::ALL {
            let planned: BTreeMap<usize, &Option<Removal>> = self
                .expected
                .get(&section)
                .into_iter()
                .flatten()
                .map(|(index, entry)| (*index, entry))
                .collect();
            let mut expected: Vec<Removal> = Vec::new();
            for entry in before.of_section(section) {
                match planned.get(&entry.index) {
                    Some(None) => {}
                    Some(Some(replaced)) => expected.push(replaced.clone()),
                    None => expected.push(entry.as_removal()),
                }
            }
            expected.extend(self.appended.get(&section).into_iter().flatten().cloned());
            let found: Vec<Removal> = after.of_section(section).map(MapEntry::as_removal).collect();
            if expected != found {
                let (wanted, there): (BTreeSet<_>, BTreeSet<_>) =
                    (expected.iter().collect(), found.iter().collect());
                let lost = expected.iter().filter(|entry| !there.contains(entry));
                let new = found.iter().filter(|entry| !wanted.contains(entry));
                let mut named: Vec<String> = lost
                    .chain(new)
                    .map(|entry| format!("{} in {}", entry.subject, section.as_str()))
                    .collect();
                if named.is_empty() {
                    named.push(format!("the order of {}", section.as_str()));
                }
                wrong.append(&mut named);
            }
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: &str = "- rolearn: arn:aws:iam::111122223333:role/node\n  username: node\n";
    const DEV: &str = "- rolearn: arn:aws:iam::111122223333:role/dev\n  username: dev\n";

    fn reading(map_roles: &str) -> Reading {
        Reading::of(&BTreeMap::from([("mapRoles".to_owned(), map_roles.to_owned())]))
    }

    /// What the guard `aws-auth-foreign-change` goes by: the old entries with the edits, and no others, in their order.
    #[test]
    fn entry_that_was_not_to_change_is_named() {
        let before = reading(&format!("{NODE}{DEV}"));
        let mut edits = Edits::default();
        let dev = before.entries.last().unwrap();
        edits.replace(
            dev,
            &Admitted {
                username: "developer".to_owned(),
                groups: Vec::new(),
            },
        );
        let developer = DEV.replace("username: dev", "username: developer");
        let after = |text: &str| edits.foreign(&before, &reading(text));
        assert_eq!(after(&format!("{NODE}{developer}")), Vec::<String>::new());
        assert_eq!(
            after(&developer),
            ["arn:aws:iam::111122223333:role/node in mapRoles"]
        );
        assert_eq!(after(&format!("{developer}{NODE}")), ["the order of mapRoles"]);
        let both = format!("{}{developer}", NODE.replace("username: node", "username: n"));
        assert_eq!(after(&both).len(), 2, "one that goes and one that comes");
    }
}
