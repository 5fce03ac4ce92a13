//! Which stack holds the role of which service account.
//!
//! eksctl's own name is `eksctl-<cluster>-addon-iamserviceaccount-<namespace>-<name>`, and for the role of a pod identity
//! association `eksctl-<cluster>-podidentityrole-<namespace>-<name>` (0.231 `pkg/cfn/manager/iam.go`), with no regard for what CloudFormation takes as a name or for two service accounts that
//! come to the same one (`a-b`/`c` and `a`/`b-c`). So a name is assigned in this order:
//!
//! 1. the stack of this cluster whose tag names `namespace/name`, whatever it is called;
//! 2. eksctl's own name, unless it is illegal or belongs to another service account or cluster; within one file the
//!    first in order of namespace and name has it;
//! 3. eksctl's own name with every illegal character as a hyphen, cut to 117 characters, then a hyphen and the first
//!    ten hexadecimal digits of the SHA-256 of `<cluster>`, a line feed and `<namespace>/<name>`.

use super::role_owner::RoleOwner;
use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

/// CloudFormation's limit:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>.
const MAX_LENGTH: usize = 128;
const HASH_DIGITS: usize = 10;

/// A stack that exists, as far as names depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistingStack {
    /// Its name.
    pub name: String,
    /// Its tag [`CLUSTER_NAME`](super::tags::CLUSTER_NAME), if it has one.
    pub cluster_tag: Option<String>,
    /// What its tag says that it is made for, if it has one.
    pub owner: Option<RoleOwner>,
}

/// Whether CloudFormation takes this as a stack's name: a letter, then letters, digits and hyphens, 128 at most.
pub fn is_legal(name: &str) -> bool {
    name.len() <= MAX_LENGTH
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(is_legal_byte)
}

/// Assigns each role that a service account of a cluster has the name of its stack.
///
/// `existing` are the stacks of the account and region, or those of them that could matter: this cluster's, and any
/// that already has a name that could be assigned. The answer does not depend on the order of either list, and no two
/// service accounts get the same name.
pub fn assign(
    cluster: &str,
    wanted: &[RoleOwner],
    existing: &[ExistingStack],
) -> BTreeMap<RoleOwner, String> {
    let wanted: BTreeSet<&RoleOwner> = wanted.iter().collect();
    let by_name: BTreeMap<&str, &ExistingStack> = existing
        .iter()
        .map(|stack| (stack.name.as_str(), stack))
        .collect();
    let mut by_tag: BTreeMap<&RoleOwner, Vec<&ExistingStack>> = BTreeMap::new();
    for stack in existing
        .iter()
        .filter(|stack| stack.cluster_tag.as_deref() == Some(cluster))
    {
        if let Some(owner) = &stack.owner {
            by_tag.entry(owner).or_default().push(stack);
        }
    }
    let mut assigned = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for &owner in &wanted {
        let own = owner.eksctl_name(cluster);
        let tagged = by_tag
            .get(owner)
            .into_iter()
            .flatten()
            // Should two stacks carry the tag, eksctl's own name is the likelier one.
            .min_by_key(|stack| (stack.name != own, stack.name.as_str()));
        if let Some(stack) = tagged {
            taken.insert(stack.name.clone());
            assigned.insert(owner.clone(), stack.name.clone());
        }
    }
    for &owner in &wanted {
        if assigned.contains_key(owner) {
            continue;
        }
        let is_free = |candidate: &str| {
            let belongs_to_another = |stack: &&ExistingStack| {
                stack.cluster_tag.as_ref().is_some_and(|other| other != cluster)
                    || stack.owner.as_ref().is_some_and(|other| other != owner)
            };
            !taken.contains(candidate) && !by_name.get(candidate).is_some_and(belongs_to_another)
        };
        let own = owner.eksctl_name(cluster);
        let chosen = if is_legal(&own) && is_free(&own) {
            own
        } else {
            hashed_names(cluster, owner)
                .find(|candidate| is_free(candidate))
                .unwrap_or(own)
        };
        taken.insert(chosen.clone());
        assigned.insert(owner.clone(), chosen);
    }
    assigned
}

/// The names that stand in for eksctl's own: the documented one, then endlessly others, should even that be taken.
fn hashed_names(cluster: &str, owner: &RoleOwner) -> impl Iterator<Item = String> {
    let own = owner.eksctl_name(cluster);
    let seed = format!("{cluster}\n{owner}");
    (0_u64..).map(move |attempt| {
        let seed = if attempt == 0 {
            seed.clone()
        } else {
            format!("{seed}\n{attempt}")
        };
        hashed(&own, &seed)
    })
}

/// A legal name that stands in for an illegal one, made unique by `seed`.
fn hashed(name: &str, seed: &str) -> String {
    let legible: String = name
        .chars()
        .map(|character| {
            if character.is_ascii_alphanumeric() {
                character
            } else {
                '-'
            }
        })
        .take(MAX_LENGTH - HASH_DIGITS - 1)
        .collect();
    let digest: String = hex::encode(Sha256::digest(seed))
        .chars()
        .take(HASH_DIGITS)
        .collect();
    format!("{legible}-{digest}")
}

/// The name of the stack of an object that eksact alone knows how to put into a stack: `eksact-<cluster>-<kind>-<name>`. Where
/// CloudFormation does not take that, for IAM allows more letters and names of 128, a legal one by the rule above.
pub fn of_named(cluster: &str, kind: &str, name: &str) -> String {
    let own = format!("eksact-{cluster}-{kind}-{name}");
    if is_legal(&own) {
        own
    } else {
        hashed(&own, &format!("{cluster}\n{kind}/{name}"))
    }
}

fn is_legal_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::role_owner::RolePurpose;
    use super::*;
    use crate::service_account::ServiceAccountKey;

    fn account(namespace: &str, name: &str) -> RoleOwner {
        RolePurpose::ServiceAccount.of(&ServiceAccountKey::new(namespace, name))
    }

    fn accounts(names: &[(&str, &str)]) -> Vec<RoleOwner> {
        names
            .iter()
            .map(|(namespace, name)| account(namespace, name))
            .collect()
    }

    fn stack(name: &str, cluster: Option<&str>, tag: Option<&str>) -> ExistingStack {
        ExistingStack {
            name: name.into(),
            cluster_tag: cluster.map(Into::into),
            owner: tag
                .and_then(ServiceAccountKey::parse)
                .map(|key| RolePurpose::ServiceAccount.of(&key)),
        }
    }

    fn names(cluster: &str, wanted: &[(&str, &str)], existing: &[ExistingStack]) -> Vec<String> {
        assign(cluster, &accounts(wanted), existing)
            .into_values()
            .collect()
    }

    #[test]
    fn eksctls_own_name_where_it_can_be() {
        let own = "eksctl-bench-addon-iamserviceaccount-app-reader";
        assert_eq!(names("bench", &[("app", "reader")], &[]), [own]);
        assert_eq!(
            names(
                "bench",
                &[("app", "reader")],
                &[stack(own, Some("bench"), Some("app/reader"))]
            ),
            [own]
        );
        assert_eq!(
            names("bench", &[("app", "reader")], &[stack(own, None, None)]),
            [own],
            "an untagged one is not another's"
        );
    }

    #[test]
    fn dots_and_length_and_underscores_get_a_name_of_their_own() {
        assert_eq!(
            names("bench", &[("app", "s3.reader")], &[]),
            ["eksctl-bench-addon-iamserviceaccount-app-s3-reader-63e0a1b196"],
            "this name is documented: it must never change"
        );
        let long = "a".repeat(63);
        let longest = names("bench", &[(&long, &"b".repeat(100))], &[]);
        assert!(longest[0].len() == 128 && is_legal(&longest[0]), "{longest:?}");
        assert!(names("my_cluster", &[("app", "reader")], &[])[0].starts_with("eksctl-my-cluster-addon-"));
    }

    #[test]
    fn of_two_that_collide_the_first_in_order_has_eksctls_name() {
        let found = assign("c", &accounts(&[("a-b", "c"), ("a", "b-c")]), &[]);
        let own = "eksctl-c-addon-iamserviceaccount-a-b-c";
        assert_eq!(found[&account("a", "b-c")], own);
        assert!(found[&account("a-b", "c")].starts_with(&format!("{own}-")));

        // But a stack that exists stays with the one that its tag names.
        let found = assign(
            "c",
            &accounts(&[("a-b", "c"), ("a", "b-c")]),
            &[stack(own, Some("c"), Some("a-b/c"))],
        );
        assert_eq!(found[&account("a-b", "c")], own);
        assert!(found[&account("a", "b-c")].starts_with(&format!("{own}-")));
    }

    #[test]
    fn tag_wins_over_the_name_but_not_across_clusters() {
        let ours = stack("anything", Some("bench"), Some("app/reader"));
        let theirs = stack("theirs", Some("other"), Some("app/reader"));
        assert_eq!(
            names("bench", &[("app", "reader")], &[theirs.clone(), ours]),
            ["anything"]
        );
        let own = "eksctl-bench-addon-iamserviceaccount-app-reader";
        assert_eq!(names("bench", &[("app", "reader")], &[theirs]), [own]);
        let taken = stack(own, Some("other"), Some("app/reader"));
        assert!(names("bench", &[("app", "reader")], &[taken])[0].starts_with(&format!("{own}-")));
    }

    #[test]
    fn roles_of_one_service_account_have_a_stack_each() {
        let pods = |namespace: &str, name: &str| {
            RolePurpose::PodIdentity.of(&ServiceAccountKey::new(namespace, name))
        };
        let own = "eksctl-c-podidentityrole-a-b-c";
        let wanted = [account("a", "b-c"), pods("a", "b-c"), pods("a-b", "c")];
        let found = assign("c", &wanted, &[]);
        assert_eq!(found[&wanted[0]], "eksctl-c-addon-iamserviceaccount-a-b-c");
        assert_eq!(found[&wanted[1]], own);
        assert!(found[&wanted[2]].starts_with(&format!("{own}-")), "{found:?}");
        // The stack that eksctl's migration leaves has the name of the one way and the tag of the other.
        let migrated = ExistingStack {
            name: "eksctl-c-addon-iamserviceaccount-a-b-c".to_owned(),
            cluster_tag: Some("c".to_owned()),
            owner: Some(pods("a", "b-c")),
        };
        let found = assign("c", &wanted, std::slice::from_ref(&migrated));
        assert_eq!(found[&wanted[1]], migrated.name);
        assert_ne!(found[&wanted[0]], migrated.name);
    }

    fn some_accounts() -> impl Strategy<Value = Vec<RoleOwner>> {
        let key = ("[ab-]{1,3}", "[ab.-]{1,3}");
        proptest::collection::vec(key.prop_map(|(namespace, name)| account(&namespace, &name)), 1..8)
    }

    proptest! {
        #[test]
        fn names_are_legal_and_each_has_its_own_in_any_order(
            wanted in some_accounts(),
            shuffled in any::<u64>(),
            tagged in some_accounts(),
        ) {
            let existing: Vec<ExistingStack> = tagged
                .iter()
                .enumerate()
                .map(|(index, owner)| {
                    let tag = wanted.get(index).map(ToString::to_string);
                    stack(&owner.eksctl_name("c").replace('.', "-"), Some("c"), tag.as_deref())
                })
                // The names of stacks are unique.
                .map(|stack| (stack.name.clone(), stack))
                .collect::<BTreeMap<_, _>>()
                .into_values()
                .collect();
            let found = assign("c", &wanted, &existing);
            let all: BTreeSet<&String> = found.values().collect();
            prop_assert_eq!(all.len(), found.len());
            prop_assert!(all.iter().all(|name| is_legal(name)), "{:?}", found);

            let mut otherwise = wanted.clone();
            let turn = usize::try_from(shuffled % 8).unwrap() % wanted.len();
            otherwise.rotate_left(turn);
            otherwise.extend(wanted.clone());
            let reversed: Vec<ExistingStack> = existing.into_iter().rev().collect();
            prop_assert_eq!(assign("c", &otherwise, &reversed), found);
        }
    }
}
