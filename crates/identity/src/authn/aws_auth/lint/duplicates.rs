//! ARNs that are written more than once: which entry counts.

use eksact_message::code::Code;
use std::collections::BTreeMap;

use super::Findings;
use crate::authn::aws_auth::edit::Edit;
use crate::authn::aws_auth::mapping::{storage_key, to_lower, winners};
use crate::authn::aws_auth::parse::{Entry, Mapping, SectionKey};

impl Findings {
    pub(super) fn duplicates(&mut self, entries: &[Entry<Mapping>]) {
        let winners = winners(self.key, entries);
        // Users are kept by their exact ARN and compared without regard to case.
        let folded: Vec<String> = entries
            .iter()
            .map(|entry| to_lower(&storage_key(self.key, &entry.value)))
            .collect();
        // Each entry is looked up and not searched for: there may be nine thousand.
        let mut rivals: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for winner in &winners {
            if let Some(key) = folded.get(*winner) {
                rivals.entry(key).or_default().push(*winner);
            }
        }
        for (index, (entry, key)) in entries.iter().zip(&folded).enumerate() {
            let same = rivals.get(key.as_str()).into_iter().flatten();
            let other = same.copied().find(|winner| *winner != index);
            let Some((other_index, other)) = other.and_then(|other| Some((other, entries.get(other)?)))
            else {
                continue;
            };
            self.at_entry(index, entry);
            if winners.binary_search(&index).is_err() {
                self.error(
                    Code::DuplicateOverridden,
                    format!(
                        "`{}` is written again on line {} of {}, and only that one counts; groups are not \
                         combined",
                        entry.value.arn,
                        other.line,
                        self.key.as_str()
                    ),
                    remedy!("put the intended values into one entry and remove the other"),
                    Some(Edit::Remove { entry: index }),
                );
            } else if index < other_index {
                self.error(
                    Code::DuplicateAtRandom,
                    format!(
                        "`{}` differs from line {} of {} in upper and lower case only: the server picks one of them at random",
                        entry.value.arn, other.line, self.key.as_str()
                    ),
                    remedy!("put the intended values into one entry and remove the other"),
                    None,
                );
            }
        }
    }

    /// Users that mapRoles has as well: the server looks there first (aws-iam-authenticator 0.7.18,
    /// `pkg/mapper/configmap`).
    pub(super) fn covered(&mut self, roles: &[Entry<Mapping>], users: &[Entry<Mapping>]) {
        let first: BTreeMap<String, usize> = roles
            .iter()
            .filter(|role| !role.value.arn.is_empty())
            .map(|role| (to_lower(&storage_key(SectionKey::Roles, &role.value)), role.line))
            .collect();
        for (index, user) in users.iter().enumerate() {
            let key = to_lower(&storage_key(SectionKey::Users, &user.value));
            let Some(line) = first.get(&key) else { continue };
            self.at_entry(index, user);
            self.error(
                Code::DuplicateOverridden,
                format!(
                    "`{}` is on line {line} of mapRoles as well, where the server looks first: only that one counts",
                    user.value.arn
                ),
                remedy!("put the intended values into one entry and remove the other"),
                Some(Edit::Remove { entry: index }),
            );
        }
    }
}
