//! Which mappings of `aws-auth` eksact wrote: a digest of each stands in an annotation of the ConfigMap. Only these may
//! be pruned; an entry that somebody changed since has another digest and is no longer ours.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use super::reading::MapEntry;
use crate::guard::access::NODES;
use eksact_identity::authn::aws_auth::SectionKey;

/// The annotation that holds the digests, separated by commas.
pub(super) const ANNOTATION: &str = "eksact.dev/identity-mappings";

/// Hex digits of a digest: 9,000 of them stay well below the 256 KiB that an object's annotations may have.
const DIGITS: usize = 12;

/// The digest of a mapping: of what the server makes of it, not of its text.
pub(super) fn digest(section: SectionKey, arn: &str, username: &str, groups: &[String]) -> String {
    let groups: BTreeSet<&String> = groups.iter().collect();
    let text = serde_json::json!([section.as_str(), arn.to_lowercase(), username, groups]).to_string();
    let mut hex = hex::encode(Sha256::digest(text));
    hex.truncate(DIGITS);
    hex
}

/// The digest of an account of `mapAccounts`.
pub(super) fn account_digest(account: &str) -> String {
    digest(SectionKey::Accounts, account, "", &[])
}

/// The digest of an entry as it was read.
pub(super) fn digest_of(entry: &MapEntry) -> String {
    digest(entry.section, &entry.arn, &entry.username, &entry.groups)
}

/// The digests in the annotation's value. What is no digest is passed over: somebody's hand wrote it.
pub(super) fn parse(value: Option<&str>) -> BTreeSet<String> {
    value
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|digest| digest.len() == DIGITS && digest.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .map(ToOwned::to_owned)
        .collect()
}

/// The annotation's value for these digests; none for none.
pub(super) fn format(digests: &BTreeSet<String>) -> Option<String> {
    (!digests.is_empty()).then(|| digests.iter().map(String::as_str).collect::<Vec<_>>().join(","))
}

/// Whether an entry is a node's or EKS's own, which is never pruned: managed node groups and Fargate profiles write
/// theirs themselves (<https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html>).
pub(super) fn is_protected(entry: &MapEntry) -> bool {
    entry.username.starts_with("system:node:")
        || entry.username.starts_with("eks:")
        || entry
            .groups
            .iter()
            .any(|group| group == NODES || group == "system:node-proxier" || group.starts_with("eks:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(username: &str, groups: &[&str]) -> MapEntry {
        MapEntry {
            section: SectionKey::Roles,
            index: 0,
            line: None,
            arn: "arn:aws:iam::111122223333:role/Dev".to_owned(),
            username: username.to_owned(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            user_id: String::new(),
            text: String::new(),
        }
    }

    #[test]
    fn digest_is_of_the_meaning() {
        let one = digest_of(&entry("dev", &["a"]));
        assert_eq!(
            digest_of(&entry("dev", &["a", "b"])),
            digest_of(&entry("dev", &["b", "a"]))
        );
        let shouting = MapEntry {
            arn: "ARN:AWS:IAM::111122223333:ROLE/DEV".to_owned(),
            index: 7,
            text: "# other words".to_owned(),
            ..entry("dev", &["a"])
        };
        assert_eq!(one, digest_of(&shouting));
        for other in [
            entry("dev2", &["a"]),
            entry("dev", &["a", "b"]),
            entry("dev", &[]),
        ] {
            assert_ne!(one, digest_of(&other));
        }
    }

    #[test]
    fn annotation_keeps_what_it_can_read() {
        let digests = BTreeSet::from([account_digest("1"), account_digest("2")]);
        let value = format(&digests).unwrap();
        assert_eq!(parse(Some(&format!(" {value} ,nonsense,"))), digests);
        assert_eq!(format(&BTreeSet::new()), None);
        assert!(parse(None).is_empty());
    }

    #[test]
    fn nodes_and_eks_keep_their_entries() {
        assert!(is_protected(&entry("system:node:{{EC2PrivateDNSName}}", &[])));
        assert!(is_protected(&entry("node", &[NODES])));
        assert!(is_protected(&entry("eks:pod-identity", &[])));
        assert!(!is_protected(&entry("admin", &["system:masters"])));
    }
}
