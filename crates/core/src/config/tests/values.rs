//! What a usable file becomes.

use std::collections::BTreeMap;

use serde_json::json;

use super::{HEAD, loaded};
use crate::config::{Located, ServiceAccount};
use eksact_identity::iam::WellKnownPolicy;

fn accounts(yaml: &str) -> Vec<ServiceAccount> {
    loaded(&format!(
        "{HEAD}iam:\n  withOIDC: true\n  serviceAccounts:\n{yaml}"
    ))
    .config
    .iam
    .service_accounts
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn scalars_stay_as_written() {
    let config = loaded(
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: 0123, region: eu-west-1, version: 1.30, tags: {account: 012345678901, 1.30: yes, on: 1_000, empty: }}\niam: {withOIDC: yes}\n",
    )
    .config;
    assert_eq!(config.metadata.name.value, "0123");
    assert_eq!(config.metadata.version.as_deref(), Some("1.30"));
    assert_eq!(
        config.metadata.tags,
        map(&[
            ("account", "012345678901"),
            ("1.30", "yes"),
            ("on", "1_000"),
            ("empty", "")
        ])
    );
    assert!(config.iam.with_oidc.value);
}

#[test]
fn config_without_anything_written_wants_nothing() {
    let config = loaded(&format!(
        "{HEAD}iam: {{withOIDC: null, serviceAccounts: ~}}\nnodeGroups: []\nvpc:\n"
    ))
    .config;
    assert_eq!(
        config.iam.with_oidc,
        Located {
            value: false,
            location: None
        }
    );
    assert_eq!(
        (config.iam.service_accounts.len(), config.unmanaged_sections.len()),
        (0, 0)
    );
}

#[test]
fn policy_documents_are_typed_but_lose_nothing() {
    let account = accounts(
        "  - metadata: {name: a}\n    attachPolicy:\n      Version: 2012-10-17\n      Statement:\n      - Effect: Allow\n        Action: 's3:*'\n        Resource: '*'\n        Condition:\n          Bool: {'aws:SecureTransport': yes}\n          StringEquals: {'aws:SourceAccount': 012345678901, 'aws:x': 'true', 'aws:v': 1.30}\n          NumericLessThan: {'s3:max-keys': 10, 'aws:y': 0x10}\n",
    )
    .remove(0);
    assert_eq!(
        account.attach_policy.unwrap().value,
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {
            "Bool": {"aws:SecureTransport": true},
            "StringEquals": {"aws:SourceAccount": "012345678901", "aws:x": "true", "aws:v": "1.30"},
            "NumericLessThan": {"s3:max-keys": 10, "aws:y": "0x10"}}}]})
    );
}

#[test]
fn anchors_and_merge_keys() {
    let accounts = accounts(
        "  - &base\n    metadata: {name: a, labels: &labels {tier: x}}\n    attachPolicyARNs: &arns [arn:aws:iam::aws:policy/A]\n    roleOnly: on\n  - <<: *base\n    metadata:\n      name: b\n      labels: {<<: *labels, more: y, tier: z}\n    roleOnly: off\n  - metadata: {name: c, labels: {<<: [{p: 1}, {p: 2, q: 3}]}}\n    attachPolicyARNs: *arns\n",
    );
    let of = |index: usize| &accounts[index];
    assert_eq!(of(1).attach_policy_arns[0].value, "arn:aws:iam::aws:policy/A");
    assert_eq!((of(0).role_only, of(1).role_only), (true, false));
    assert_eq!(of(1).labels, map(&[("tier", "z"), ("more", "y")]));
    assert_eq!(of(2).labels, map(&[("p", "1"), ("q", "3")]));
    assert_eq!(
        of(1).location.as_ref().map(|at| (at.line, at.column)),
        Some((11, 5))
    );
}

#[test]
fn service_account_with_all_its_fields_and_their_defaults() {
    let mut accounts = accounts(
        "  - metadata: {name: full, namespace: app, labels: {a: b}, annotations: {c: d}}\n    attachPolicyARNs: [arn:aws:iam::aws:policy/A]\n    wellKnownPolicies: {autoScaler: true, certManager: false, ebsCSIController: true}\n    permissionsBoundary: arn:aws:iam::aws:policy/B\n    roleName: the-role\n    roleOnly: true\n    tags: {t: u}\n    subjectPattern: full*\n    status: {roleARN: ignored}\n  - metadata: {name: plain}\n    attachPolicyARNs: []\n  - metadata: {name: existing}\n    attachRoleARN: arn:aws:iam::111122223333:role/path/r\n",
    );
    let existing = accounts.pop().unwrap();
    assert_eq!(
        existing.attach_role_arn.unwrap().value,
        "arn:aws:iam::111122223333:role/path/r"
    );
    let plain = accounts.pop().unwrap();
    assert_eq!(
        (
            plain.qualified_name().as_str(),
            plain.states_no_policy,
            plain.role_only
        ),
        ("default/plain", true, false)
    );
    let full = accounts.pop().unwrap();
    assert_eq!(full.qualified_name(), "app/full");
    assert_eq!(
        (full.labels, full.annotations, full.tags),
        (map(&[("a", "b")]), map(&[("c", "d")]), map(&[("t", "u")]))
    );
    assert_eq!(
        full.well_known_policies.0,
        [WellKnownPolicy::AutoScaler, WellKnownPolicy::EbsCsiController].into()
    );
    assert_eq!(
        full.permissions_boundary.unwrap().value,
        "arn:aws:iam::aws:policy/B"
    );
    let name = full.role_name.unwrap();
    assert_eq!(
        (name.value.as_str(), name.location.unwrap().to_string().as_str()),
        ("the-role", "c.yaml:11:15")
    );
    assert_eq!(
        (full.role_only, full.subject_pattern.unwrap().value.as_str()),
        (true, "full*")
    );
}

#[test]
fn sections_that_are_not_managed_are_named_in_order() {
    let config = loaded(&format!("{HEAD}vpc: {{id: vpc-1}}\niam: {{vpcResourceControllerPolicy: true, serviceRoleARN: x, podIdentityAssociations: []}}\nnodeGroups: [{{name: a}}]\naddons: []\n")).config;
    assert_eq!(
        config.unmanaged_sections,
        [
            "vpc",
            "iam.vpcResourceControllerPolicy",
            "iam.serviceRoleARN",
            "nodeGroups"
        ]
    );
}

#[test]
fn takes_what_eksctl_takes() {
    // Odd, and accepted by eksctl: two shapes of taints, numbers as text, words in another case, a byte order mark.
    for yaml in [
        "nodeGroups: [{name: 1, taints: {a: 'b:NoSchedule'}, labels: {x: 1}}, {name: b, taints: [{key: a, effect: NoSchedule}], maxSize: 0x10, volumeSize: 80.0}]",
        "vpc: {nat: {gateway: disable}, subnets: {private: {eu-west-1a: {id: s}}}}",
        "nodeGroups: [{name: a, instancesDistribution: {instanceTypes: [a], maxPrice: 0.017}}]",
        "identityProviders: [{type: oidc, name: a, issuerURL: https://x, clientID: c, requiredClaims: {a: b}}]",
        "iamIdentityMappings: [{account: 012345678901}, {arn: 'arn:aws:iam::000000000000:role/x', username: b, groups: [a], noDuplicateARNs: true}]",
        "remoteNetworkConfig: {vpcGatewayID: tgw-1, iam: {provider: IRA}, remoteNodeNetworks: [{cidrs: [10.80.146.0/24]}]}",
        "capabilities: [{name: a, type: ARGOCD, accessPolicies: [{policyARN: x, accessScope: {type: cluster}}], configuration: {argocd: {awsIdc: {idcInstanceArn: x}, rbacRoleMappings: [{role: ADMIN, identities: [{id: x, type: SSO_USER}]}]}}}]",
        "fargateProfiles: [{name: a, selectors: [{namespace: b, labels: {c: d}}]}]",
        "gitops: {flux: {gitProvider: github, flags: {owner: x}}}",
    ] {
        assert!(
            loaded(&format!("\u{feff}{HEAD}{yaml}\n")).warnings.is_empty(),
            "{yaml}"
        );
    }
}
