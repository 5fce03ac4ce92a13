//! Whether a configuration can be meant: the door for objects from flags, and the rules that several sections share. Each section has its
//! own beside its values: eksctl's and the ones that eksctl misses, against AWS's and Kubernetes' grammars and limits.

pub(super) mod iam;
pub(super) mod kubernetes_names;
pub(super) mod place;
pub(super) mod tags;

pub(crate) use kubernetes_names::is_label;

use super::cluster_access::{identity_mapping, unknown_names};
use super::cluster_config::{ClusterConfig, check};
use super::diagnostic::Diagnostic;
use super::finding::Finding;

/// Checks a configuration that was built from flags. Gives errors and warnings; locations are those that the values carry.
///
/// `load` has called this already for what comes from a file.
pub fn validate(config: &ClusterConfig) -> Vec<Diagnostic> {
    check(config)
        .into_vec()
        .into_iter()
        .chain(unknown_names(config))
        .chain(identity_mapping::of_flags(&config.access.identity_mappings))
        .map(Finding::into_diagnostic)
        .collect()
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::validate;
    use crate::config::cluster_access::{ClusterAccess, IdentityMapping, MappingSubject};
    use crate::config::{ClusterConfig, Located, Metadata, ServiceAccount, Severity};

    #[test]
    fn objects_from_flags_pass_the_same_rules_without_places() {
        let account = ServiceAccount {
            name: "A".into(),
            namespace: "default".into(),
            attach_role_arn: Some(Located::unlocated("x".into())),
            ..Default::default()
        };
        let mut config = ClusterConfig::default();
        config.iam.with_oidc.value = true;
        config.iam.service_accounts.push(account);
        let found = validate(&config);
        let shown: Vec<_> = found
            .iter()
            .map(|diagnostic| {
                (
                    diagnostic.severity,
                    diagnostic.code.as_str(),
                    diagnostic.path.as_str(),
                    diagnostic.location.is_some(),
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                (
                    Severity::Error,
                    "kubernetes-name",
                    "iam.serviceAccounts[0].metadata.name",
                    false
                ),
                (
                    Severity::Error,
                    "arn",
                    "iam.serviceAccounts[0].attachRoleARN",
                    false
                ),
            ]
        );
    }

    #[test]
    fn mappings_from_flags_pass_the_same_door() {
        let mapping = |arn: &str, group: &str| IdentityMapping {
            subject: MappingSubject::Arn(arn.to_owned()),
            username: Some("a".to_owned()),
            groups: vec![group.to_owned()],
            no_duplicate_arns: false,
            keep_groups: false,
            location: None,
        };
        let config = ClusterConfig {
            metadata: Metadata {
                name: Located::unlocated("prod".to_owned()),
                region: Located::unlocated("cn-north-1".to_owned()),
                ..Metadata::default()
            },
            access: ClusterAccess {
                identity_mappings: vec![
                    mapping("arn:aws-cn:iam::111122223333:role/teams/dev", "a"),
                    mapping("arn:aws:iam::111122223333:role/dev", "a"),
                    mapping("arn:aws:iam::111122223333:role/dev", "b"),
                ],
                ..ClusterAccess::default()
            },
            ..ClusterConfig::default()
        };
        let said: Vec<String> = validate(&config).iter().map(ToString::to_string).collect();
        assert_snapshot!(said.join("\n"), @r#"
        error: `arn:aws-cn:iam::111122223333:role/teams/dev` includes the path of the role, and so never matches
            help: write it without: `arn:aws-cn:iam::111122223333:role/dev`
        error: `arn:aws:iam::111122223333:role/dev` is in the partition aws, and the region is in aws-cn
            help: begin it with `arn:aws-cn:`
        error: `arn:aws:iam::111122223333:role/dev` is in the partition aws, and the region is in aws-cn
            help: begin it with `arn:aws-cn:`
        error: `arn:aws:iam::111122223333:role/dev` is mapped twice, with another user name or other groups; the first is at iamIdentityMappings[1]
            help: merge the two: EKS uses only the last entry and does not combine groups
        "#);
    }
}
