//! Tags: those of the file on a stack, and so on a role. The rules of IAM and CloudFormation, whichever is stricter.
//!
//! Sources: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules> and
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Tag.html>.

use eksact_message::code::Code;
use std::collections::BTreeMap;

use crate::config::diagnostic::quoted;
use crate::config::finding::{Finding, Findings};
use crate::config::location::SourceLocation;
use crate::config::path::FieldPath;
use eksact_identity::cloudformation::tags::{is_mark, is_reserved};

/// How many tags eksact itself writes on a stack: two for the cluster, one for its version, one for what the stack is made for.
const OWN_TAGS: usize = 4;
const MAXIMUM_TAGS: usize = 50;
const LONGEST_KEY: usize = 128;
const LONGEST_VALUE: usize = 256;

/// The tags of one object that is no stack.
pub(in crate::config) fn check(tags: &BTreeMap<String, String>, path: &FieldPath, findings: &mut Findings) {
    for (key, value) in tags {
        one(key, value, path, findings);
    }
    same_but_for_case(tags.keys(), path, findings);
}

/// The tags of a stack, its own and those of the cluster.
pub(in crate::config) struct OfStack<'a> {
    pub(in crate::config) cluster: &'a BTreeMap<String, String>,
    pub(in crate::config) own: &'a BTreeMap<String, String>,
    /// What it is made for.
    pub(in crate::config) name: &'a str,
    pub(in crate::config) location: Option<&'a SourceLocation>,
}

impl OfStack<'_> {
    /// Checks its own tags, which stand at `path`, alone and together with those of the cluster.
    pub(in crate::config) fn check(&self, path: &FieldPath, findings: &mut Findings) {
        for (key, value) in self.own {
            one(key, value, path, findings);
        }
        let own_case_clashes = !same_but_for_case(self.own.keys(), path, findings);
        if own_case_clashes && !self.own.is_empty() {
            let lower: BTreeMap<String, &String> =
                self.cluster.keys().map(|key| (key.to_lowercase(), key)).collect();
            for key in self.own.keys() {
                if let Some(other) = lower.get(&key.to_lowercase()).filter(|other| **other != key) {
                    findings.push(case_clash(key, other, path));
                }
            }
        }
        let mut keys: Vec<&String> = self.cluster.keys().chain(self.own.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        let count = keys.len() + OWN_TAGS;
        if count > MAXIMUM_TAGS {
            let message = format!(
                "the stack of {} would have {count} tags with those of metadata.tags and eksact's own four; AWS allows {MAXIMUM_TAGS}",
                quoted(self.name)
            );
            let over = count - MAXIMUM_TAGS;
            findings.push(
                Finding::error(Code::TagLimit, path.clone(), message)
                    .help(remedy!("leave out {over} of them, here or in `metadata.tags`"))
                    .at_key()
                    .located(self.location),
            );
        }
    }
}

fn one(key: &str, value: &str, path: &FieldPath, findings: &mut Findings) {
    let here = path.key(key);
    let allowed = |text: &str| {
        text.chars()
            .all(|c| c.is_alphanumeric() || " _.:/=+-@".contains(c))
    };
    // A mark says whose a stack is: one of the file's would make it another's, which `--prune` deletes.
    let (message, at_key) = if is_mark(key) {
        (
            format!("the tag {} is written by eksact itself", quoted(key)),
            true,
        )
    } else if is_reserved(key) {
        (
            format!(
                "the tag {} begins with `aws:`, which is reserved for AWS",
                quoted(key)
            ),
            true,
        )
    } else if key.is_empty() || key.chars().count() > LONGEST_KEY {
        (
            format!("the key of a tag has 1 to {LONGEST_KEY} characters"),
            true,
        )
    } else if !allowed(key) {
        (
            format!(
                "{} cannot be the key of a tag: letters, digits, spaces and `_.:/=+-@` are allowed",
                quoted(key)
            ),
            true,
        )
    } else if value.chars().count() > LONGEST_VALUE {
        (
            format!("the value of a tag has at most {LONGEST_VALUE} characters"),
            false,
        )
    } else if !allowed(value) && !value.contains("${") {
        (
            format!(
                "{} cannot be the value of a tag: letters, digits, spaces and `_.:/=+-@` are allowed",
                quoted(value)
            ),
            false,
        )
    } else {
        if value.is_empty() {
            let message = format!(
                "the tag {} has no value; CloudFormation requires at least one character",
                quoted(key)
            );
            findings.push(Finding::warning(Code::Tag, here, message).at_key());
        }
        return;
    };
    let finding = Finding::error(Code::Tag, here, message);
    findings.push(if at_key { finding.at_key() } else { finding });
}

/// Reports keys that differ in case alone; says whether there were any. IAM takes them for one key and refuses the role.
fn same_but_for_case<'a>(
    keys: impl Iterator<Item = &'a String>,
    path: &FieldPath,
    findings: &mut Findings,
) -> bool {
    let mut seen: BTreeMap<String, &String> = BTreeMap::new();
    let mut any = false;
    for key in keys {
        if let Some(first) = seen.insert(key.to_lowercase(), key) {
            findings.push(case_clash(key, first, path));
            any = true;
        }
    }
    any
}

fn case_clash(key: &str, other: &str, path: &FieldPath) -> Finding {
    let message = format!(
        "the tags {} and {} differ only in case; IAM refuses both on one role",
        quoted(other),
        quoted(key)
    );
    Finding::error(Code::Tag, path.key(key), message)
        .help(remedy!("write them the same way"))
        .at_key()
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use crate::config::tests::{HEAD, said};

    /// What is said about one service account with these tags, in flow style.
    fn about_one(tags: &str) -> String {
        said(&format!(
            "{HEAD}iam: {{withOIDC: true, serviceAccounts: [\n{{metadata: {{name: a}}, attachPolicyARNs: ['arn:aws:iam::aws:policy/A'], {tags}}}\n]}}\n"
        ))
    }

    #[test]
    fn tags_are_those_that_iam_and_cloudformation_take() {
        assert_snapshot!(said("apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata:\n  name: prod\n  region: eu-west-1\n  tags: {Team: a, 'aws:x': b}\niam:\n  withOIDC: true\n  serviceAccounts:\n  - metadata: {name: a}\n    attachPolicyARNs: ['arn:aws:iam::aws:policy/A']\n    tags: {team: b, alpha.eksctl.io/cluster-name: c, 'a{': d, e: 'f;', '': g, emoji: ok-é}\n"), @r#"
        6:19: error: the tag `aws:x` begins with `aws:`, which is reserved for AWS
        12:12: error: the tags `Team` and `team` differ only in case; IAM refuses both on one role
            help: write them the same way
        12:21: error: the tag `alpha.eksctl.io/cluster-name` is written by eksact itself
        12:54: error: `a{` cannot be the key of a tag: letters, digits, spaces and `_.:/=+-@` are allowed
        12:66: error: `f;` cannot be the value of a tag: letters, digits, spaces and `_.:/=+-@` are allowed
        12:72: error: iam.serviceAccounts[0].tags has an empty key
            help: a variable was probably not set: fill it in, or leave the key out
        "#);
        let many = (0..47)
            .map(|index| format!("k{index}: v"))
            .collect::<Vec<_>>()
            .join(", ");
        assert_snapshot!(about_one(&format!("tags: {{{many}}}")), @r#"
        5:72: error: the stack of `default/a` would have 51 tags with those of metadata.tags and eksact's own four; AWS allows 50
            help: leave out 1 of them, here or in `metadata.tags`
        "#);
        assert_snapshot!(about_one(&format!("tags: {{{}: v, k: {}}}", "k".repeat(129), "v".repeat(257))), @r#"
        5:79: error: the key of a tag has 1 to 128 characters
        5:216: error: the value of a tag has at most 256 characters
        "#);
    }

    #[test]
    fn mark_is_written_by_no_file() {
        for mark in [
            "alpha.eksctl.io/cluster-name",
            "eksctl.cluster.k8s.io/v1alpha1/cluster-name",
            "alpha.eksctl.io/eksctl-version",
            "alpha.eksctl.io/iamserviceaccount-name",
            "alpha.eksctl.io/podidentityassociation-name",
            "eksact.dev/managed-policy-name",
            "eksact.dev/role-name",
        ] {
            let expected = format!("error: the tag `{mark}` is written by eksact itself");
            let of_account = about_one(&format!("tags: {{{mark}: x}}"));
            assert!(of_account.contains(&expected), "{mark}: {of_account}");
            let of_file = said(&format!(
                "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: prod, region: eu-west-1, tags: {{{mark}: x}}}}\n"
            ));
            assert!(of_file.contains(&expected), "{mark}: {of_file}");
        }
    }
}
