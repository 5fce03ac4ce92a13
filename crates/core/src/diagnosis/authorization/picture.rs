//! Everything that the questions are answered from, read once: plain values, and for each part that could not be read, why.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    diagnosis::aws_authorization::{AwsPicture, read_aws},
    live::{
        AccessEntries, AllRbacRoles, AllServiceAccounts, AwsAuth, Bindings, LiveReader, Observed,
        PodIdentityAgent, PrincipalByArn, ROLE_ANNOTATION,
    },
    ports::{
        aws::{AccessEntry, AuthenticationMode, Principal},
        kubernetes::{RbacBinding, RbacRole},
    },
};

/// Why what decides in AWS is not there where the question does not need it; a snapshot has it, or another reason.
const NOT_ASKED: &str = "it was not asked for";

/// How the annotations begin that the pod identity webhook reads.
const EKS_ANNOTATIONS: &str = "eks.amazonaws.com/";

/// A part of the picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Read<T> {
    /// It was read.
    Known(T),
    /// It could not be, for this reason.
    Unread(String),
}

impl<T> Read<T> {
    /// The value, where it was read.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unread(_) => None,
        }
    }

    /// Why it could not be read.
    pub fn unread(&self) -> Option<&str> {
        match self {
            Self::Known(_) => None,
            Self::Unread(why) => Some(why),
        }
    }

    pub(in crate::diagnosis) fn of<S>(observed: &Observed<S>, keep: impl FnOnce(&S) -> T) -> Self {
        match observed {
            Ok(value) => Self::Known(keep(value)),
            Err(error) => Self::Unread(error.to_string()),
        }
    }
}

/// A service account, and what its annotations say of credentials of AWS.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// `eks.amazonaws.com/role-arn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// The other annotations `eks.amazonaws.com/…`; none in a snapshot of an eksact that did not read them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,
}

/// One reading of the account and the cluster, without anything that is secret: no Secret, no token, and of the objects no
/// labels and annotations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Picture {
    /// Name of the cluster.
    pub cluster: String,
    /// Its region.
    pub region: String,
    /// Its account.
    pub account: String,
    /// Kubernetes version, such as `1.36`.
    pub version: Option<String>,
    /// `CONFIG_MAP`, `API_AND_CONFIG_MAP` or `API`; a cluster that tells none is from before there were others.
    pub authentication_mode: Option<String>,
    /// `data` of aws-auth; none where there is no such ConfigMap, or the mode does not read it.
    pub aws_auth: Read<Option<BTreeMap<String, String>>>,
    /// The access entries with their access policies; none in mode `CONFIG_MAP`.
    pub access_entries: Read<Vec<AccessEntry>>,
    /// The roles and users of access entries as they are now, by the ARN of the entry: none where there is none. What could
    /// not be read is not in it.
    pub principals: BTreeMap<String, Option<Principal>>,
    /// Role bindings and cluster role bindings.
    pub bindings: Read<Vec<RbacBinding>>,
    /// Roles and cluster roles.
    pub roles: Read<Vec<RbacRole>>,
    /// Service accounts.
    pub service_accounts: Read<Vec<Account>>,
    /// What of AWS decides.
    #[serde(default = "AwsPicture::of_old_snapshot")]
    pub aws: AwsPicture,
}

impl Picture {
    /// Whether access entries count, as far as is known.
    pub fn has_entries(&self) -> bool {
        self.authentication_mode
            .as_deref()
            .is_some_and(|mode| mode != "CONFIG_MAP")
    }

    /// Whether aws-auth counts, as far as is known.
    pub fn reads_aws_auth(&self) -> bool {
        self.authentication_mode.as_deref() != Some("API")
    }

    /// Whether it was tried to read what decides in AWS, as for every snapshot.
    pub fn asked_aws(&self) -> bool {
        self.aws.details.unread() != Some(NOT_ASKED)
    }

    /// What could not be read, and why.
    pub fn unread(&self) -> Vec<String> {
        [
            ("access entries", self.access_entries.unread()),
            ("aws-auth", self.aws_auth.unread()),
            ("bindings", self.bindings.unread()),
            ("roles", self.roles.unread()),
            ("service accounts", self.service_accounts.unread()),
        ]
        .into_iter()
        .filter_map(|(what, why)| Some(format!("{what}: {}", why?)))
        .collect()
    }
}

/// What of an account and a cluster is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// What decides in the cluster.
    Cluster,
    /// That, and what decides in AWS.
    ClusterAndAws,
    /// All that a snapshot has: that, and what hands credentials to pods.
    Everything,
}

/// Reads a picture: a listing of each, and for access entries what EKS and IAM say of each.
pub async fn read_picture(reader: &LiveReader, extent: Extent) -> Picture {
    let mode = reader.cluster().mode();
    let aws_auth = async {
        if mode == Ok(AuthenticationMode::Api) {
            return Read::Known(None);
        }
        Read::of(reader.ask(AwsAuth).await.as_ref(), |found| {
            found.as_ref().map(|found| found.data.clone())
        })
    };
    let aws = async {
        match extent {
            Extent::Cluster => AwsPicture::not_read(NOT_ASKED),
            Extent::ClusterAndAws => read_aws(reader).await,
            Extent::Everything => {
                let (aws, agent) = tokio::join!(read_aws(reader), reader.ask(PodIdentityAgent));
                AwsPicture {
                    agent: Some(Read::of(&agent, Clone::clone)),
                    ..aws
                }
            }
        }
    };
    let (aws, aws_auth, entries, bindings, roles, accounts) = tokio::join!(
        aws,
        aws_auth,
        reader.ask(AccessEntries),
        reader.ask(Bindings),
        reader.ask(AllRbacRoles),
        reader.ask(AllServiceAccounts)
    );
    let account = reader.account().to_owned();
    let own = |entry: &&AccessEntry| entry.principal_arn.split(':').nth(4) == Some(account.as_str());
    let queries: Vec<PrincipalByArn> = entries
        .iter()
        .flatten()
        .filter(own)
        .map(|entry| PrincipalByArn(entry.principal_arn.clone()))
        .collect();
    reader.read(queries).await;
    let live = reader.snapshot();
    let principals = live
        .each::<PrincipalByArn>()
        .filter_map(|(query, answer)| Some((query.0.clone(), answer.as_ref().ok()?.clone())))
        .collect();
    let cluster = reader.cluster();
    Picture {
        cluster: cluster.name.clone(),
        region: live.region,
        account,
        version: cluster.version.clone(),
        authentication_mode: cluster.authentication_mode.clone(),
        aws_auth,
        access_entries: Read::of(&entries, |entries| entries.iter().map(bare_entry).collect()),
        principals,
        bindings: Read::of(&bindings, |bindings| bindings.iter().map(bare_binding).collect()),
        roles: Read::of(&roles, |roles| roles.iter().map(bare_role).collect()),
        service_accounts: Read::of(&accounts, |accounts| {
            let account = |account: &crate::ports::kubernetes::ServiceAccount| Account {
                namespace: account.namespace.clone(),
                name: account.name.clone(),
                role_arn: account.annotations.get(ROLE_ANNOTATION).cloned(),
                annotations: Some(about_credentials(&account.annotations)),
            };
            accounts.iter().map(account).collect()
        }),
        aws,
    }
}

/// What the pod identity webhook reads, but for the role.
fn about_credentials(annotations: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let of_eks = annotations
        .iter()
        .filter(|(key, _)| key.starts_with(EKS_ANNOTATIONS) && *key != ROLE_ANNOTATION);
    of_eks.map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn bare_entry(entry: &AccessEntry) -> AccessEntry {
    AccessEntry {
        tags: BTreeMap::new(),
        arn: String::new(),
        ..entry.clone()
    }
}

fn bare_binding(binding: &RbacBinding) -> RbacBinding {
    RbacBinding {
        namespace: binding.namespace.clone(),
        name: binding.name.clone(),
        role_kind: binding.role_kind.clone(),
        role_name: binding.role_name.clone(),
        subjects: binding.subjects.clone(),
        ..RbacBinding::default()
    }
}

fn bare_role(role: &RbacRole) -> RbacRole {
    RbacRole {
        namespace: role.namespace.clone(),
        name: role.name.clone(),
        rules: role.rules.clone(),
        aggregated: role.aggregated,
        ..RbacRole::default()
    }
}
