//! The simulated world: one account, its clusters, and everything in them, as plain data that can be saved.
//!
//! No behaviour of a service lives here; see `aws` and `kubernetes`. Nothing in a world is random:
//! every id comes from a counter, so the same calls lead to the same world.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::aws::{ChangeSetRecord, EksObjects, StackRecord};
use super::caller::SimulatedCaller;
use eksact_core::ports::aws::{Cluster, Group, ManagedPolicy, OidcProvider, Role, User};
use eksact_core::ports::issuer::CertificateChain;
use eksact_core::ports::kubernetes::{
    ConfigMap, DaemonSet, Lease, Namespace, Pod, RbacBinding, RbacRole, ServiceAccount,
};

/// The version of the file format that this program writes and reads.
pub const WORLD_VERSION: u32 = 1;

/// What a new sandbox starts from, so that the first command works for whatever the user's file names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seed {
    /// Name of the cluster; it is there and ACTIVE.
    pub cluster: String,
    /// Region of the cluster.
    pub region: String,
    /// Twelve digits; the documentation account when absent.
    pub account: Option<String>,
}

/// Quotas of the account, at AWS's defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quotas {
    /// Roles of the account.
    pub roles: usize,
    /// Managed policies of one role.
    pub policies_per_role: usize,
    /// OIDC providers of the account.
    pub oidc_providers: usize,
    /// Bytes of a trust policy.
    pub trust_policy_bytes: usize,
    /// Bytes of all inline policies of a role together.
    pub inline_policy_bytes: usize,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            roles: 1000,
            policies_per_role: 10,
            oidc_providers: 100,
            trust_policy_bytes: 2048,
            inline_policy_bytes: 10_240,
        }
    }
}

/// A cluster: what EKS tells about it and what its Kubernetes API holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimulatedCluster {
    /// EKS's view.
    pub cluster: Cluster,
    /// The revision of the last write; every write takes the next.
    pub revision: u64,
    /// Namespaces by name.
    pub namespaces: BTreeMap<String, Namespace>,
    /// Service accounts by `namespace/name`.
    pub service_accounts: BTreeMap<String, ServiceAccount>,
    /// Pods by `namespace/name`.
    #[serde(default)]
    pub pods: BTreeMap<String, Pod>,
    /// `DaemonSets` by `namespace/name`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub daemon_sets: BTreeMap<String, DaemonSet>,
    /// Leases by `namespace/name`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub leases: BTreeMap<String, Lease>,
    /// ConfigMaps by `namespace/name`.
    #[serde(default)]
    pub config_maps: BTreeMap<String, ConfigMap>,
    /// Roles by `namespace/name`, those of the whole cluster by `/name`.
    #[serde(default)]
    pub rbac_roles: BTreeMap<String, RbacRole>,
    /// Bindings by `namespace/name`, those of the whole cluster by `/name`.
    #[serde(default)]
    pub rbac_bindings: BTreeMap<String, RbacBinding>,
    /// What EKS keeps of it besides.
    #[serde(flatten)]
    pub eks: EksObjects,
    /// What the caller may not do: `patch serviceaccounts`, or `patch serviceaccounts in app`.
    #[serde(default)]
    pub denied: BTreeSet<String>,
    /// Whether the Kubernetes API does not answer (a private endpoint seen from outside).
    #[serde(default)]
    pub unreachable: bool,
    /// The issuer that the API server tells, where it is not the one that EKS tells (a kubeconfig of another cluster).
    #[serde(default)]
    pub service_account_issuer: Option<String>,
}

/// One simulated account with its clusters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct World {
    /// [`WORLD_VERSION`].
    pub version: u32,
    /// Twelve digits.
    pub account: String,
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: String,
    /// The region that callers use unless they name another.
    pub region: String,
    /// The cluster whose Kubernetes API callers use unless they name another.
    pub cluster: String,
    /// ARN of the caller, where it is not the user `sandbox`; for an assumed role with its session, as STS tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// Where every id comes from.
    pub counter: u64,
    /// How long CloudFormation works on a stack.
    #[serde(default)]
    pub stack_seconds: u32,
    /// How long CloudFormation computes a change set.
    #[serde(default)]
    pub change_set_seconds: u32,
    /// How long EKS works on an update of a cluster.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub update_seconds: u32,
    /// How long readers of a role still see the trust policy of before a write: IAM is eventually consistent.
    #[serde(default)]
    pub iam_lag_milliseconds: u32,
    /// Trust policies that were replaced, by role, oldest first with the time of the write; kept while there is a lag.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) replaced_trust_policies: BTreeMap<String, Vec<(Timestamp, Value)>>,
    /// Quotas of the account.
    #[serde(default)]
    pub quotas: Quotas,
    /// Actions that the caller is denied: `iam:GetAccountAuthorizationDetails`.
    #[serde(default)]
    pub denied: BTreeSet<String>,
    /// Whether every customer-managed policy of the account exists, listed or not: so that a newcomer's own file works.
    #[serde(default)]
    pub any_policy: bool,
    /// Whether every role and user of the account exists that somebody names, listed or not: for the same reason.
    #[serde(default)]
    pub any_principal: bool,
    /// ARNs of users of the account, as IAM writes them. A user that is not among them exists as it is spelled.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub users: BTreeSet<String>,
    /// Users with their policies, by ARN.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub user_details: BTreeMap<String, User>,
    /// Groups of users, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, Group>,
    /// What managed policies say, by ARN, where this world knows it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policy_documents: BTreeMap<String, Value>,
    /// Customer managed policies with their versions, by ARN; those of `policies` that are not here have one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub managed_policies: BTreeMap<String, ManagedPolicy>,
    /// When roles were made, by their unique ids; the others were there before everything else.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub role_dates: BTreeMap<String, Timestamp>,
    /// How long EKS does not see a role that was just made, nor an access entry.
    #[serde(default)]
    pub eks_lag_milliseconds: u32,
    /// How far lists of IAM and EKS may lag behind what was written.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub list_lag_milliseconds: u32,
    /// Customer-managed policies that exist, by ARN. Every policy of AWS's own exists.
    #[serde(default)]
    pub policies: BTreeSet<String>,
    /// Clusters by ARN.
    pub clusters: BTreeMap<String, SimulatedCluster>,
    /// OIDC providers by ARN.
    pub oidc_providers: BTreeMap<String, OidcProvider>,
    /// Roles by name.
    pub roles: BTreeMap<String, Role>,
    /// Stacks by id, deleted ones included.
    pub stacks: BTreeMap<String, StackRecord>,
    /// Change sets by ARN.
    pub change_sets: BTreeMap<String, ChangeSetRecord>,
    /// What an issuer's host shows, by host, where it is not what the sandbox shows by itself.
    #[serde(default)]
    pub certificate_chains: BTreeMap<String, CertificateChain>,
}

impl World {
    /// A world with one ACTIVE cluster, the namespaces that each cluster has, and no OIDC provider.
    pub fn seeded(seed: &Seed) -> Self {
        let mut world = Self {
            version: WORLD_VERSION,
            account: seed.account.clone().unwrap_or_else(|| "111122223333".to_owned()),
            partition: partition_of(&seed.region).to_owned(),
            region: seed.region.clone(),
            cluster: seed.cluster.clone(),
            caller: None,
            counter: 0,
            stack_seconds: 0,
            change_set_seconds: 0,
            update_seconds: 0,
            iam_lag_milliseconds: 0,
            replaced_trust_policies: BTreeMap::new(),
            quotas: Quotas::default(),
            denied: BTreeSet::new(),
            any_policy: false,
            any_principal: false,
            users: BTreeSet::new(),
            user_details: BTreeMap::new(),
            groups: BTreeMap::new(),
            policy_documents: BTreeMap::new(),
            eks_lag_milliseconds: 0,
            list_lag_milliseconds: 0,
            role_dates: BTreeMap::new(),
            policies: BTreeSet::new(),
            managed_policies: BTreeMap::new(),
            clusters: BTreeMap::new(),
            oidc_providers: BTreeMap::new(),
            roles: BTreeMap::new(),
            stacks: BTreeMap::new(),
            change_sets: BTreeMap::new(),
            certificate_chains: BTreeMap::new(),
        };
        world.add_cluster(&seed.cluster, &seed.region);
        world
    }

    /// Adds an ACTIVE cluster with an issuer of its own; an existing one stays as it is.
    pub fn add_cluster(&mut self, name: &str, region: &str) {
        let arn = self.cluster_arn(name, region);
        if self.clusters.contains_key(&arn) {
            return;
        }
        let suffix = dns_suffix(&self.partition);
        let id = self.hex(&format!("issuer {arn}"), 32).to_uppercase();
        let cluster = Cluster {
            name: name.to_owned(),
            local_id: None,
            arn: arn.clone(),
            status: "ACTIVE".to_owned(),
            version: Some("1.34".to_owned()),
            endpoint: Some(format!("https://{id}.gr7.{region}.eks.{suffix}")),
            certificate_authority_data: None,
            oidc_issuer: Some(format!("https://oidc.eks.{region}.{suffix}/id/{id}")),
            authentication_mode: Some("API_AND_CONFIG_MAP".to_owned()),
            bootstrap_creator_admin: None,
            endpoint_public_access: Some(true),
            auto_mode: false,
            tags: BTreeMap::new(),
        };
        let mut simulated = SimulatedCluster {
            cluster,
            revision: 1,
            namespaces: BTreeMap::new(),
            service_accounts: BTreeMap::new(),
            pods: BTreeMap::new(),
            daemon_sets: BTreeMap::new(),
            leases: BTreeMap::new(),
            config_maps: BTreeMap::new(),
            rbac_roles: BTreeMap::new(),
            rbac_bindings: BTreeMap::new(),
            eks: EksObjects::default(),
            denied: BTreeSet::new(),
            unreachable: false,
            service_account_issuer: None,
        };
        for namespace in ["default", "kube-node-lease", "kube-public", "kube-system"] {
            simulated.namespaces.insert(
                namespace.to_owned(),
                Namespace {
                    name: namespace.to_owned(),
                    terminating: false,
                },
            );
            simulated.seed_service_account(namespace, "default", &[], &self.account);
        }
        let aws_node = [("app.kubernetes.io/managed-by", "Helm"), ("k8s-app", "aws-node")];
        simulated.seed_service_account("kube-system", "aws-node", &aws_node, &self.account);
        simulated.seed_access(&self.caller_arn());
        self.clusters.insert(arn, simulated);
    }

    /// Brings a world up to date that an eksact without access control has written: every API server has its built-in
    /// roles, so a cluster without any is one of those.
    pub(super) fn complete(&mut self) {
        let creator = self.caller_arn();
        for cluster in self.clusters.values_mut() {
            if cluster.rbac_roles.is_empty() {
                cluster.seed_access(&creator);
            }
        }
    }

    /// ARN of a cluster of this account.
    pub fn cluster_arn(&self, name: &str, region: &str) -> String {
        format!(
            "arn:{}:eks:{region}:{}:cluster/{name}",
            self.partition, self.account
        )
    }

    /// ARN of the caller.
    pub fn caller_arn(&self) -> String {
        self.caller
            .clone()
            .unwrap_or_else(|| format!("arn:{}:iam::{}:user/sandbox", self.partition, self.account))
    }

    /// Who made the world, and calls in it unless somebody else is named.
    pub fn creator(&self) -> SimulatedCaller {
        SimulatedCaller::of_sts(self.caller_arn())
    }

    /// The next id in UUID form.
    pub(super) fn next_uuid(&mut self) -> String {
        self.counter += 1;
        uuid_of(&format!("{} {}", self.account, self.counter))
    }

    /// The next `length` capital letters and digits, as in `AROA…` and in generated role names.
    pub(super) fn next_alphanumeric(&mut self, length: usize) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        self.counter += 1;
        let digest = Sha256::digest(format!("{} {}", self.account, self.counter));
        digest
            .iter()
            .take(length)
            .filter_map(|byte| LETTERS.get(usize::from(byte % 32)))
            .map(|letter| char::from(*letter))
            .collect()
    }

    pub(super) fn hex(&self, what: &str, length: usize) -> String {
        hex::encode(Sha256::digest(format!("{} {what}", self.account)))
            .chars()
            .take(length)
            .collect()
    }
}

impl SimulatedCluster {
    fn seed_service_account(&mut self, namespace: &str, name: &str, labels: &[(&str, &str)], account: &str) {
        self.revision += 1;
        let key = format!("{namespace}/{name}");
        let service_account = ServiceAccount {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            uid: uuid_of(&format!("{account} {} {key}", self.cluster.arn)),
            resource_version: self.revision.to_string(),
            labels: labels
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            ..ServiceAccount::default()
        };
        self.service_accounts.insert(key, service_account);
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes the field by reference"
)]
fn is_zero(seconds: &u32) -> bool {
    *seconds == 0
}

/// A UUID that belongs to `what`.
pub(super) fn uuid_of(what: &str) -> String {
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, what.as_bytes()).to_string()
}

/// The partition that a region belongs to, by the prefixes that AWS uses.
pub(super) fn partition_of(region: &str) -> &'static str {
    const PARTITIONS: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("us-iso-", "aws-iso"),
        ("eu-isoe-", "aws-iso-e"),
        ("eusc-", "aws-eusc"),
    ];
    PARTITIONS
        .iter()
        .find(|(prefix, _)| region.starts_with(prefix))
        .map_or("aws", |(_, partition)| partition)
}

/// The DNS suffix of a partition, `AWS::URLSuffix` of CloudFormation.
pub(super) fn dns_suffix(partition: &str) -> &'static str {
    match partition {
        "aws-cn" => "amazonaws.com.cn",
        "aws-iso" => "c2s.ic.gov",
        "aws-iso-b" => "sc2s.sgov.gov",
        "aws-iso-e" => "cloud.adc-e.uk",
        "aws-iso-f" => "csp.hci.ic.gov",
        "aws-eusc" => "amazonaws.eu",
        _ => "amazonaws.com",
    }
}
