//! Everybody who may do something, one row for each, and apart from them everybody who can become one of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    escalation::{Becomes, becoming},
    holders::{Actor, Holder, Index, Names},
    rights::{Reason, Rights, Verdict},
};
use crate::diagnosis::aws_authorization::{AwsRequest, becoming_in_iam};
use eksact_identity::{
    iam::policy::authorization::CONTROL_POLICIES_NOT_READ,
    rbac::{On, Request, find_resource},
};

/// What is asked: of the cluster, or of AWS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Inquiry {
    /// A request to the API server.
    Cluster(Request),
    /// A request to AWS.
    Aws(AwsRequest),
}

impl fmt::Display for Inquiry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster(request) => request.fmt(formatter),
            Self::Aws(request) => request.fmt(formatter),
        }
    }
}

/// One path to a right.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Path {
    /// As what, where the binding names something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// What allows it.
    #[serde(flatten)]
    pub reason: Reason,
}

/// Somebody, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Who.
    #[serde(flatten)]
    pub actor: Actor,
    /// Yes, or that it depends.
    pub verdict: Verdict,
    /// A service account that does not exist: whoever makes it has the right.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub absent: bool,
    /// What allows it.
    pub paths: Vec<Path>,
    /// What it depends on, where nothing allows it for sure.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
}

/// The answer to who may.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WhoCan {
    /// What was asked.
    pub request: Inquiry,
    /// Who may.
    pub direct: Vec<Row>,
    /// Who can become one of them.
    pub can_become: Vec<Becomes>,
    /// Whether everything could be read.
    pub complete: bool,
    /// What could not be read, and why.
    pub unread: Vec<String>,
    /// What else belongs to the answer.
    pub notes: Vec<String>,
}

/// Who may do this.
pub fn who_can(rights: &Rights<'_>, request: &Request) -> WhoCan {
    let index = Index::of(rights);
    let direct = rows(rights, index.holders(request, Names::Asked));
    let mut can_become = becoming(rights, &index, request, &direct);
    let known: Vec<(&Actor, Verdict)> = direct
        .iter()
        .map(|row| (&row.actor, row.verdict))
        .chain(can_become.iter().map(|row| (&row.actor, row.verdict)))
        .collect();
    let in_iam = becoming_in_iam(rights, &known);
    can_become.extend(in_iam);
    can_become.sort();
    let mut unread = rights.picture.unread();
    // Who becomes more is a part of the answer, and rests on it where it was asked for.
    if rights.picture.asked_aws() {
        unread.extend(rights.picture.aws.unread());
    }
    WhoCan {
        request: Inquiry::Cluster(request.clone()),
        notes: notes(rights, request, &direct),
        direct,
        can_become,
        complete: unread.is_empty(),
        unread,
    }
}

/// One row for each, in the order of kinds and names.
fn rows(rights: &Rights<'_>, holders: Vec<Holder<'_>>) -> Vec<Row> {
    let existing: BTreeSet<(&str, &str)> = rights
        .accounts()
        .iter()
        .map(|account| (account.namespace.as_str(), account.name.as_str()))
        .collect();
    let is_read = rights.picture.service_accounts.known().is_some();
    let mut by_actor: BTreeMap<Actor, (BTreeSet<Path>, BTreeSet<String>)> = BTreeMap::new();
    for holder in holders {
        let (paths, depends_on) = by_actor.entry(holder.who.actor()).or_default();
        if let Some(reason) = holder.reason() {
            paths.insert(Path {
                via: holder.via.words(),
                reason,
            });
        }
        depends_on.extend(holder.depends_on());
    }
    let row = |(actor, (paths, depends_on)): (Actor, (BTreeSet<Path>, BTreeSet<String>))| Row {
        absent: match &actor {
            Actor::ServiceAccount { namespace, name } => {
                is_read && !existing.contains(&(namespace.as_str(), name.as_str()))
            }
            _ => false,
        },
        actor,
        verdict: if paths.is_empty() {
            Verdict::Depends
        } else {
            Verdict::Yes
        },
        depends_on: if paths.is_empty() {
            depends_on.into_iter().collect()
        } else {
            Vec::new()
        },
        paths: paths.into_iter().collect(),
    };
    by_actor.into_iter().map(row).collect()
}

fn notes(rights: &Rights<'_>, request: &Request, direct: &[Row]) -> Vec<String> {
    let mut notes = Vec::new();
    let picture = rights.picture;
    if !picture.has_entries() {
        notes.push(
            "whoever created the cluster is in system:masters as well, and EKS does not say who that is (authentication mode \
             CONFIG_MAP)"
                .to_owned(),
        );
    }
    let rests_on_policy = direct
        .iter()
        .flat_map(|row| &row.paths)
        .any(|path| path.reason.binding == super::rights::POLICY);
    if rests_on_policy {
        notes.extend(rights.policies_note());
    }
    let unknown = rights.unknown_policies();
    if !unknown.is_empty() {
        notes.push(format!(
            "who can become somebody by these access policies is not known, because what they allow is not: {}",
            unknown.join(", ")
        ));
    }
    if request.namespace.is_none() && may_be_in_namespaces(request) {
        notes.push(
            "asked for the whole cluster: who may in single namespaces only, by a RoleBinding, is not among them".to_owned(),
        );
    }
    notes.push(match picture.aws.details.unread() {
        None => CONTROL_POLICIES_NOT_READ.to_owned(),
        Some(_) if !picture.asked_aws() => {
            "IAM is not looked at: whoever may eks:CreateAccessEntry, eks:UpdateAccessEntry or eks:AssociateAccessPolicy on \
             the cluster, or assume or change one of the roles, can become any of them; asked of a snapshot, they are listed"
                .to_owned()
        }
        Some(why) => format!(
            "who can become one of them by what it may change in IAM or EKS is not known, because the account's IAM could not \
             be read: {why}"
        ),
    });
    notes
}

/// Whether a request without a namespace is for all of them at once.
fn may_be_in_namespaces(request: &Request) -> bool {
    match &request.on {
        On::Url { .. } => false,
        On::Resource { group, resource, .. } => {
            let name = if group.is_empty() {
                resource.clone()
            } else {
                format!("{resource}.{group}")
            };
            find_resource(&name).is_none_or(|found| found.namespaced)
        }
    }
}
