//! Everybody who may do something, one row for each, and apart from them everybody who can become one of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    actor::{Actor, Known},
    escalation::{Becomes, becoming},
    holders::{Holder, Index, Names},
    reach::{Namespaces, Place, Reach},
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
    /// In which namespaces, where each is asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<Namespaces>,
}

/// Somebody, and why. Where each namespace is asked about, what differs by namespace has rows of its own: where somebody may, and where
/// that depends, each with what it depends on there.
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
    /// In which namespaces, where each is asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<Namespaces>,
}

/// The answer to who may.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WhoCan {
    /// What was asked.
    pub request: Inquiry,
    /// The namespaces that were asked about, where it was each of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<Vec<String>>,
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

impl WhoCan {
    /// What was asked, in words: `delete pods in namespace prod`, `delete pods in any namespace`.
    pub fn question(&self) -> String {
        match (&self.request, &self.namespaces) {
            (Inquiry::Cluster(request), Some(_)) => format!("{} in any namespace", request.what()),
            (request, _) => request.to_string(),
        }
    }
}

/// Who may do this.
pub fn who_can(rights: &Rights<'_>, request: &Request) -> WhoCan {
    answer(rights, request, &Place::Asked)
}

/// Who may do this in at least one namespace, and in which: what [`who_can`] says of each, at the price of one question.
pub fn who_can_in_any(rights: &Rights<'_>, request: &Request) -> WhoCan {
    answer(rights, request, &Place::each(rights.picture))
}

fn answer(rights: &Rights<'_>, request: &Request, place: &Place<'_>) -> WhoCan {
    let index = Index::of(rights);
    let holders = match place {
        Place::Asked => index.holders(request, Names::Asked),
        Place::Each(_) => index.holders_anywhere(request, Names::Asked),
    };
    let mut targets: BTreeMap<Known<'_>, Reach<'_>> = BTreeMap::new();
    for holder in holders.iter().filter(|holder| holder.is_sure()) {
        let target = targets.entry(holder.who).or_insert_with(Reach::nowhere);
        target.join(&place.reach(holder));
    }
    targets.retain(|_, reach| !reach.is_nowhere());
    let direct = rows(rights, holders, place);
    let mut can_become = becoming(rights, &index, request, place, targets);
    let known: Vec<(&Actor, Verdict, &Reach<'_>)> = direct
        .iter()
        .map(|(row, reach)| (&row.actor, row.verdict, reach))
        .chain(
            can_become
                .iter()
                .map(|(row, reach)| (&row.actor, row.verdict, reach)),
        )
        .collect();
    let in_iam = becoming_in_iam(rights, &known);
    can_become.extend(in_iam);
    can_become.sort();
    let shown = |reach: &Reach<'_>| matches!(place, Place::Each(_)).then(|| reach.namespaces());
    let direct: Vec<Row> = direct
        .into_iter()
        .map(|(row, reach)| Row {
            namespaces: shown(&reach),
            ..row
        })
        .collect();
    let mut unread = rights.picture.unread();
    // Who becomes more is a part of the answer, and rests on it where it was asked for.
    if rights.picture.asked_aws() {
        unread.extend(rights.picture.aws.unread());
    }
    WhoCan {
        request: Inquiry::Cluster(request.clone()),
        namespaces: match place {
            Place::Asked => None,
            Place::Each(names) => Some(names.iter().map(|name| (*name).to_owned()).collect()),
        },
        notes: notes(rights, request, place, &direct),
        direct,
        can_become: can_become
            .into_iter()
            .map(|(row, reach)| Becomes {
                namespaces: shown(&reach),
                ..row
            })
            .collect(),
        complete: unread.is_empty(),
        unread,
    }
}

/// What is known of somebody: by what paths it may, and on what it depends; each with where.
#[derive(Default)]
struct Found<'p> {
    paths: BTreeMap<Path, Reach<'p>>,
    depends_on: BTreeMap<String, Reach<'p>>,
}

/// One row for each, in the order of kinds and names; and where it may perhaps in others one more for what it depends on there.
fn rows<'p>(rights: &Rights<'p>, holders: Vec<Holder<'p>>, place: &Place<'p>) -> Vec<(Row, Reach<'p>)> {
    let existing: BTreeSet<(&str, &str)> = rights
        .accounts()
        .iter()
        .map(|account| (account.namespace.as_str(), account.name.as_str()))
        .collect();
    let is_read = rights.picture.service_accounts.known().is_some();
    let mut by_actor: BTreeMap<Actor, Found<'p>> = BTreeMap::new();
    for holder in holders {
        let reach = place.reach(&holder);
        if reach.is_nowhere() {
            continue;
        }
        let found = by_actor.entry(holder.who.actor()).or_default();
        if let Some(reason) = holder.reason() {
            let path = Path {
                via: holder.via.words(),
                reason,
                namespaces: None,
            };
            found
                .paths
                .entry(path)
                .or_insert_with(Reach::nowhere)
                .join(&reach);
        }
        if let Some(what) = holder.depends_on() {
            let depends = found.depends_on.entry(what);
            depends.or_insert_with(Reach::nowhere).join(&reach);
        }
    }
    let rows_of = |(actor, found): (Actor, Found<'p>)| {
        let absent = match &actor {
            Actor::ServiceAccount { namespace, name } => {
                is_read && !existing.contains(&(namespace.as_str(), name.as_str()))
            }
            _ => false,
        };
        let mut sure = Reach::nowhere();
        for reach in found.paths.values() {
            sure.join(reach);
        }
        let mut perhaps: BTreeMap<Reach<'p>, Vec<String>> = BTreeMap::new();
        for (what, reach) in found.depends_on {
            perhaps.entry(reach.without(&sure)).or_default().push(what);
        }
        let row = |verdict: Verdict, paths: Vec<Path>, depends_on: Vec<String>| Row {
            actor: actor.clone(),
            verdict,
            absent,
            paths,
            depends_on,
            namespaces: None,
        };
        let path = |(path, reach): (Path, Reach<'p>)| Path {
            namespaces: matches!(place, Place::Each(_)).then(|| reach.namespaces()),
            ..path
        };
        let paths = found.paths.into_iter().map(path).collect();
        let of_sure = (row(Verdict::Yes, paths, Vec::new()), sure);
        let of_perhaps = perhaps
            .into_iter()
            .map(|(reach, depends_on)| (row(Verdict::Depends, Vec::new(), depends_on), reach));
        std::iter::once(of_sure)
            .chain(of_perhaps)
            .filter(|(_, reach)| !reach.is_nowhere())
            .collect::<Vec<_>>()
    };
    by_actor.into_iter().flat_map(rows_of).collect()
}

fn notes(rights: &Rights<'_>, request: &Request, place: &Place<'_>, direct: &[Row]) -> Vec<String> {
    let mut notes = Vec::new();
    let picture = rights.picture;
    let unused = place.unused_scopes(picture);
    if !unused.is_empty() {
        let unused: Vec<&str> = unused.into_iter().collect();
        notes.push(format!(
            "access policies for namespaces that are not there give nothing yet: {}",
            unused.join(", ")
        ));
    }
    if matches!(place, Place::Each(_)) && picture.service_accounts.known().is_none() {
        notes.push(
            "which namespaces there are is not known, because the service accounts could not be read: those of roles, bindings and \
             access policies are asked about"
                .to_owned(),
        );
    }
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
    if matches!(place, Place::Asked) && is_of_namespaces(request) {
        notes.push(
            "asked for all namespaces at once: who may in single ones only, by a RoleBinding, is not among them; --any-namespace \
             lists them"
                .to_owned(),
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

/// Whether a request has no namespace, and could be one in each.
pub fn is_of_namespaces(request: &Request) -> bool {
    if request.namespace.is_some() {
        return false;
    }
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
