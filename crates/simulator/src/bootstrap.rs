//! What a new cluster holds of access control before anybody adds to it: the built-in roles and bindings, an aws-auth
//! with the role of its nodes, and the access entry of its creator; and the role of a permission set in its account.
//!
//! The built-in roles are there by name, as kube-apiserver makes them (`plugin/pkg/auth/authorizer/rbac/bootstrappolicy`)
//! and EKS adds to them. Rules have those that people are bound to: `cluster-admin`, `admin`, `edit`, `view` and what these are put
//! together from, and the roles of everybody.

use std::collections::BTreeMap;

use super::kubernetes::Id;
use super::state::{SimulatedCluster, World, uuid_of};
use eksact_core::ports::aws::{AccessEntry, AccessPolicy, Role};
use eksact_core::ports::kubernetes::{ConfigMap, ObjectKey, PolicyRule, RbacBinding, RbacRole, Subject};
use eksact_identity::rbac::bootstrap_rules;

/// Roles that the control plane puts together from others.
const AGGREGATED: [&str; 3] = ["admin", "edit", "view"];
const CLUSTER_ROLES: [&str; 24] = [
    "eks:addon-manager",
    "eks:kube-proxy-windows",
    "eks:node-bootstrapper",
    "system:aggregate-to-admin",
    "system:aggregate-to-edit",
    "system:aggregate-to-view",
    "system:auth-delegator",
    "system:basic-user",
    "system:discovery",
    "system:heapster",
    "system:kube-aggregator",
    "system:kube-controller-manager",
    "system:kube-dns",
    "system:kube-scheduler",
    "system:kubelet-api-admin",
    "system:monitoring",
    "system:node",
    "system:node-bootstrapper",
    "system:node-problem-detector",
    "system:node-proxier",
    "system:persistent-volume-provisioner",
    "system:public-info-viewer",
    "system:service-account-issuer-discovery",
    "system:volume-scheduler",
];

/// Bindings of the whole cluster, each to the role of its own name. `system:node` binds nobody: nodes have an authorizer
/// of their own.
const CLUSTER_ROLE_BINDINGS: [(&str, &[(&str, &str)]); 13] = [
    ("cluster-admin", &[("Group", "system:masters")]),
    ("eks:addon-manager", &[("User", "eks:addon-manager")]),
    ("eks:kube-proxy-windows", &[("Group", "eks:kube-proxy-windows")]),
    (
        "eks:node-bootstrapper",
        &[("Group", "system:bootstrappers"), ("Group", "system:nodes")],
    ),
    ("system:basic-user", &[("Group", "system:authenticated")]),
    ("system:discovery", &[("Group", "system:authenticated")]),
    (
        "system:kube-controller-manager",
        &[("User", "system:kube-controller-manager")],
    ),
    ("system:kube-scheduler", &[("User", "system:kube-scheduler")]),
    ("system:monitoring", &[("Group", "system:monitoring")]),
    ("system:node", &[]),
    ("system:node-proxier", &[("User", "system:kube-proxy")]),
    (
        "system:public-info-viewer",
        &[
            ("Group", "system:authenticated"),
            ("Group", "system:unauthenticated"),
        ],
    ),
    (
        "system:service-account-issuer-discovery",
        &[("Group", "system:serviceaccounts")],
    ),
];

/// The version of what was there from the beginning.
const FIRST_VERSION: &str = "1";

impl SimulatedCluster {
    /// Fills in the access control of a new cluster. Nothing of it takes a revision: a cluster whose file was written
    /// by an eksact that knew no access control becomes the same on every reading.
    pub(super) fn seed_access(&mut self, creator_arn: &str) {
        for name in ["cluster-admin"].iter().chain(&AGGREGATED).chain(&CLUSTER_ROLES) {
            self.seed_cluster_role(name);
        }
        for (name, subjects) in CLUSTER_ROLE_BINDINGS {
            self.seed_cluster_role_binding(name, subjects);
        }
        self.seed_aws_auth();
        let entry = creator_entry(&self.cluster.arn, creator_arn);
        self.eks.access_entries.insert(creator_arn.to_owned(), entry);
    }

    fn seed_cluster_role(&mut self, name: &str) {
        let id = Id::of::<RbacRole>(ObjectKey::cluster(name));
        let everything = || vec!["*".to_owned()];
        let rules = if name == "cluster-admin" {
            vec![
                PolicyRule {
                    api_groups: everything(),
                    resources: everything(),
                    verbs: everything(),
                    ..PolicyRule::default()
                },
                PolicyRule {
                    non_resource_urls: everything(),
                    verbs: everything(),
                    ..PolicyRule::default()
                },
            ]
        } else {
            bootstrap_rules(name).unwrap_or_default()
        };
        let role = RbacRole {
            name: name.to_owned(),
            uid: self.uid_of(&id),
            resource_version: FIRST_VERSION.to_owned(),
            labels: bootstrapping(name),
            rules,
            aggregated: AGGREGATED.contains(&name),
            ..RbacRole::default()
        };
        self.rbac_roles.insert(id.place(), role);
    }

    fn seed_cluster_role_binding(&mut self, name: &str, subjects: &[(&str, &str)]) {
        let id = Id::of::<RbacBinding>(ObjectKey::cluster(name));
        let binding = RbacBinding {
            name: name.to_owned(),
            uid: self.uid_of(&id),
            resource_version: FIRST_VERSION.to_owned(),
            labels: bootstrapping(name),
            role_kind: "ClusterRole".to_owned(),
            role_name: name.to_owned(),
            subjects: subjects
                .iter()
                .map(|(kind, name)| Subject {
                    kind: (*kind).to_owned(),
                    name: (*name).to_owned(),
                    namespace: None,
                })
                .collect(),
            ..RbacBinding::default()
        };
        self.rbac_bindings.insert(id.place(), binding);
    }

    /// As EKS and eksctl write it when a node group joins.
    fn seed_aws_auth(&mut self) {
        let id = Id::of::<ConfigMap>(ObjectKey::namespaced("kube-system", "aws-auth"));
        let (partition, account) = partition_and_account(&self.cluster.arn);
        let node_role = format!(
            "arn:{partition}:iam::{account}:role/eksctl-{}-nodegroup-ng-1-NodeInstanceRole-SANDBOX",
            self.cluster.name
        );
        let map_roles = format!(
            "- groups:\n  - system:bootstrappers\n  - system:nodes\n  rolearn: {node_role}\n  username: \
             system:node:{{{{EC2PrivateDNSName}}}}\n"
        );
        let config_map = ConfigMap {
            namespace: "kube-system".to_owned(),
            name: "aws-auth".to_owned(),
            uid: self.uid_of(&id),
            resource_version: FIRST_VERSION.to_owned(),
            data: BTreeMap::from([("mapRoles".to_owned(), map_roles)]),
            ..ConfigMap::default()
        };
        self.config_maps.insert(id.place(), config_map);
    }

    fn uid_of(&self, id: &Id<'_>) -> String {
        uuid_of(&format!(
            "{} {} {}",
            self.cluster.arn,
            id.resource.plural,
            id.place()
        ))
    }
}

impl World {
    /// The same with what IAM Identity Center makes in an account to which its permission set `AdministratorAccess` is
    /// assigned: one role (<https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html>).
    pub(super) fn with_permission_set(mut self, region: &str) -> Self {
        let path = format!("/aws-reserved/sso.amazonaws.com/{region}/");
        let name = format!(
            "AWSReservedSSO_AdministratorAccess_{}",
            self.hex("permission set AdministratorAccess", 16)
        );
        let (partition, account) = (&self.partition, &self.account);
        let provider =
            format!("arn:{partition}:iam::{account}:saml-provider/AWSSSO_0123456789abcdef_DO_NOT_DELETE");
        let role = Role {
            arn: format!("arn:{partition}:iam::{account}:role{path}{name}"),
            id: format!("AROA{}", self.hex(&name, 17).to_uppercase()),
            path,
            trust_policy: serde_json::json!({
                "Version": "2012-10-17",
                "Statement": [{
                    "Effect": "Allow",
                    "Principal": {"Federated": provider},
                    "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession"],
                    "Condition": {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}},
                }],
            }),
            managed_policy_arns: vec![format!("arn:{partition}:iam::aws:policy/AdministratorAccess")],
            inline_policies: BTreeMap::new(),
            max_session_seconds: None,
            permissions_boundary: None,
            tags: BTreeMap::new(),
            name: name.clone(),
        };
        self.roles.insert(name, role);
        self
    }
}

/// What EKS gives the creator of a cluster unless it is asked not to
/// (`accessConfig.bootstrapClusterCreatorAdminPermissions`).
pub(super) fn creator_entry(cluster_arn: &str, creator_arn: &str) -> AccessEntry {
    let (partition, _) = partition_and_account(cluster_arn);
    AccessEntry {
        principal_arn: creator_arn.to_owned(),
        username: creator_arn.to_owned(),
        groups: Vec::new(),
        entry_type: "STANDARD".to_owned(),
        policies: vec![AccessPolicy {
            arn: format!("arn:{partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"),
            namespaces: None,
        }],
        ..AccessEntry::default()
    }
}

fn bootstrapping(name: &str) -> BTreeMap<String, String> {
    if name.starts_with("eks:") {
        return BTreeMap::new();
    }
    let label = ("kubernetes.io/bootstrapping", "rbac-defaults");
    BTreeMap::from([(label.0.to_owned(), label.1.to_owned())])
}

/// Of a cluster's ARN, `arn:PARTITION:eks:REGION:ACCOUNT:cluster/NAME`.
fn partition_and_account(cluster_arn: &str) -> (&str, &str) {
    let part = |index| cluster_arn.split(':').nth(index).unwrap_or_default();
    (part(1), part(4))
}
