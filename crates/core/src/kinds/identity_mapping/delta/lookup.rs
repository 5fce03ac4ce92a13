//! The entries of a reading by what they name. There may be nine thousand, and as many that are asked for: none is
//! searched for.

use std::collections::{BTreeMap, HashMap};

use super::Removal;
use crate::kinds::identity_mapping::reading::{MapEntry, Reading};
use eksact_identity::authn::aws_auth::SectionKey;

/// The entries of a reading by ARN or account.
pub(super) struct Lookup<'r> {
    /// By the ARN in lower case, in the order of the text.
    entries: HashMap<String, Vec<&'r MapEntry>>,
}

impl<'r> Lookup<'r> {
    pub(super) fn of(reading: &'r Reading) -> Self {
        let mut entries: HashMap<String, Vec<&MapEntry>> = HashMap::new();
        for entry in &reading.entries {
            let key = entry.arn.to_ascii_lowercase();
            entries.entry(key).or_default().push(entry);
        }
        Self { entries }
    }

    /// The entries of a section that name it, upper and lower case being the same.
    fn naming(&self, subject: &str, section: SectionKey) -> impl DoubleEndedIterator<Item = &'r MapEntry> {
        let found = self.entries.get(&subject.to_ascii_lowercase());
        let found = found.into_iter().flatten().copied();
        found.filter(move |entry| entry.section == section)
    }

    /// Whether an entry of this section names the subject.
    pub(super) fn names(&self, subject: &str, section: SectionKey) -> bool {
        self.naming(subject, section).next().is_some()
    }

    /// Whether there is an entry for the account.
    pub(super) fn has_account(&self, account: &str) -> bool {
        let mut named = self.naming(account, SectionKey::Accounts);
        named.any(|entry| entry.arn == account)
    }

    /// The entries that decide about an ARN: the last of `mapRoles`, which is asked first; else those of `mapUsers`, of
    /// which each spelling keeps its last (aws-iam-authenticator 0.7.18, `pkg/mapper/configmap`).
    pub(super) fn standing(&self, arn: &str) -> Vec<&'r MapEntry> {
        if let Some(last) = self.naming(arn, SectionKey::Roles).next_back() {
            return vec![last];
        }
        let mut spellings: BTreeMap<&str, &MapEntry> = BTreeMap::new();
        for entry in self.naming(arn, SectionKey::Users) {
            spellings.insert(&entry.arn, entry);
        }
        spellings.into_values().collect()
    }

    /// The entries that a removal names, in the order of the text.
    pub(super) fn saying(&self, removal: &Removal) -> impl DoubleEndedIterator<Item = &'r MapEntry> {
        self.naming(&removal.subject, removal.section)
            .filter(move |entry| entry.says(removal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Upper and lower case are the same, roles come before users, and of one spelling the last counts.
    #[test]
    fn entries_that_decide() {
        let role = |arn: &str| format!("- rolearn: {arn}\n  username: u\n");
        let data = BTreeMap::from([
            (
                "mapRoles".to_owned(),
                [role("arn:a"), role("ARN:A"), role("arn:b")].concat(),
            ),
            (
                "mapUsers".to_owned(),
                "- userarn: arn:u\n- userarn: arn:U\n- userarn: arn:u\n  username: last\n- userarn: arn:b\n"
                    .to_owned(),
            ),
            ("mapAccounts".to_owned(), "- \"111122223333\"\n".to_owned()),
        ]);
        let reading = Reading::of(&data);
        let lookup = Lookup::of(&reading);
        let standing = |arn: &str| -> Vec<(SectionKey, usize)> {
            let entries = lookup.standing(arn).into_iter();
            entries.map(|entry| (entry.section, entry.index)).collect()
        };
        assert_eq!(standing("arn:a"), [(SectionKey::Roles, 1)]);
        assert_eq!(standing("Arn:B"), [(SectionKey::Roles, 2)]);
        assert_eq!(
            standing("arn:u"),
            [(SectionKey::Users, 1), (SectionKey::Users, 2)]
        );
        assert_eq!(standing("111122223333"), []);
        assert!(lookup.names("ARN:U", SectionKey::Users) && !lookup.names("arn:u", SectionKey::Roles));
        assert!(lookup.has_account("111122223333") && !lookup.has_account("444455556666"));
        for entry in &reading.entries {
            let removal = entry.as_removal();
            let said: Vec<_> = reading
                .entries
                .iter()
                .filter(|entry| entry.says(&removal))
                .collect();
            assert_eq!(lookup.saying(&removal).collect::<Vec<_>>(), said);
        }
    }
}
