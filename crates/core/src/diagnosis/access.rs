//! What is wrong with the access that is there: entries that let nobody in or give nothing, lines of `aws-auth` that no longer
//! count or that keep the cluster from mode API, pod identity associations whose pods get no role.
//!
//! What a plan says of entries and associations of a file holds for those that are there: they are asked for as they are, and
//! the findings of that plan are taken. Here is only what no plan looks at.

use std::collections::{BTreeMap, BTreeSet};

use super::{effect::empty_entry, remedy::Target};
use crate::{
    config::{
        ClusterConfig, Located, SourceLocation,
        access_entry::{self, AccessEntries, CLUSTER_SCOPE, NAMESPACE_SCOPE},
        pod_identity_association::{PodIdentityAssociations, as_in_a_file},
    },
    engine::{Finding, Plan, Severity},
    guard::access::{NODES, principal_key},
    kinds::{Request, bridge, request::Settings},
    live::{Live, PodIdentityAssociationById, addresses},
    migration::{Choices, Facts, Fate, Line, Verdict, lines},
    ports::{
        aws::{AccessEntry, AccessPolicy},
        kubernetes::RbacBinding,
    },
};
use eksact_identity::authn::{
    access_entry::{STANDARD, is_service_linked},
    aws_auth::{AwsAuth, SectionKey},
};
use eksact_message::{code::Code, remedy::Remedy};

/// What a plan says that holds of objects as they are; what it says of the file that wants them is left out.
const OF_A_PLAN: [Code; 14] = [
    Code::PrincipalMissing,
    Code::PrincipalPath,
    Code::PrincipalStale,
    Code::PrincipalUnreadable,
    Code::AccessEntriesUnreadable,
    Code::AccessPolicyUnknown,
    Code::GroupNotBound,
    Code::ScopeMatchesNothing,
    Code::AttachedRoleMissing,
    Code::AttachedRoleRefuses,
    Code::AttachedRoleUnknown,
    Code::PodIdentityAgentMissing,
    Code::PodIdentityRoleAccount,
    Code::PodIdentityUnreadable,
];

/// What is there, as if a file asked for it. The entries of services are theirs.
pub fn as_it_is(live: &Live) -> Request {
    let entries = known_entries(live)
        .iter()
        .filter(|entry| !is_service_linked(&entry.principal_arn));
    let associations = live
        .each::<PodIdentityAssociationById>()
        .filter_map(|(_, answer)| answer.as_ref().ok()?.as_ref());
    let mut config = ClusterConfig {
        access_entries: AccessEntries {
            entries: entries.map(configured).collect(),
            is_listed: false,
        },
        pod_identity_associations: PodIdentityAssociations {
            list: associations
                .map(|association| as_in_a_file(association, |_| true))
                .collect(),
            is_listed: false,
        },
        ..ClusterConfig::default()
    };
    config.metadata.name = Located::unlocated(live.cluster.name.clone());
    config.metadata.region = Located::unlocated(live.region.clone());
    Request::ensure(config, Settings::default())
}

fn configured(entry: &AccessEntry) -> access_entry::AccessEntry {
    let located = |texts: &[String]| texts.iter().cloned().map(Located::unlocated).collect();
    let policy = |policy: &AccessPolicy| access_entry::AccessPolicy {
        arn: Located::unlocated(policy.arn.clone()),
        scope: Located::unlocated(
            match policy.namespaces {
                None => CLUSTER_SCOPE,
                Some(_) => NAMESPACE_SCOPE,
            }
            .to_owned(),
        ),
        namespaces: located(policy.namespaces.as_deref().unwrap_or_default()),
    };
    access_entry::AccessEntry {
        principal_arn: Located::unlocated(entry.principal_arn.clone()),
        entry_type: Located::unlocated(entry.entry_type.clone()),
        groups: located(&entry.groups),
        username: Some(Located::unlocated(entry.username.clone())),
        policies: entry.policies.iter().map(policy).collect(),
        ..access_entry::AccessEntry::default()
    }
}

fn known_entries(live: &Live) -> &[AccessEntry] {
    match live.access_entries() {
        Some(Ok(entries)) => entries,
        _ => &[],
    }
}

/// How many lines of `aws-auth` count.
pub fn counted_lines(live: &Live, aws_auth: &AwsAuth) -> usize {
    if live.cluster.reads_aws_auth() {
        aws_auth.roles.entries.len() + aws_auth.users.entries.len() + aws_auth.accounts.entries.len()
    } else {
        0
    }
}

/// Everything that is wrong; `plan` is that of [`as_it_is`], over `live`.
pub fn findings(live: &Live, aws_auth: &AwsAuth, plan: &Plan) -> Vec<Finding> {
    let target = Target {
        cluster: &live.cluster.name,
        region: &live.region,
    };
    let mut found = Vec::new();
    let bindings: Option<&[RbacBinding]> = match live.bindings() {
        Some(Ok(bindings)) => Some(bindings),
        _ => None,
    };
    let mut empty = BTreeSet::new();
    for entry in known_entries(live) {
        let address = addresses::access_entry(&entry.principal_arn);
        let finding = bindings.and_then(|bindings| empty_entry(entry, bindings, target));
        found.extend(finding.map(|finding| finding.about(&address)));
        if found
            .last()
            .is_some_and(|last| last.address.as_ref() == Some(&address))
        {
            empty.insert(address);
        }
    }
    let by_address: BTreeMap<_, _> = known_entries(live)
        .iter()
        .map(|entry| (addresses::access_entry(&entry.principal_arn), entry))
        .collect();
    for finding in plan
        .findings
        .iter()
        .filter(|finding| OF_A_PLAN.contains(&finding.code))
    {
        // An entry that gives nothing is told of whole.
        let is_told = finding.code == Code::GroupNotBound
            && finding
                .address
                .as_ref()
                .is_some_and(|address| empty.contains(address));
        if is_told {
            continue;
        }
        let entry = finding
            .address
            .as_ref()
            .and_then(|address| by_address.get(address));
        found.push(entry.map_or_else(|| finding.clone(), |entry| of_entry(finding, entry, target)));
    }
    if live.cluster.reads_aws_auth() {
        of_lines(live, aws_auth, target, &mut found);
    }
    found
}

/// What to do about an entry for an earlier principal of the same ARN.
pub(super) fn entry_again(entry: &AccessEntry, target: Target<'_>) -> Remedy {
    remedy!(
        "If the new one shall have the access of the old: {} makes the entry again for it.",
        target.create_same(entry)
    )
}

/// What to do about an entry whose principal does not exist.
pub(super) fn entry_of_no_one(entry: &AccessEntry, target: Target<'_>) -> Remedy {
    remedy!("Delete the entry: {}", target.delete_entry(entry))
}

/// The finding of a plan, with what to do where no file has the entry.
fn of_entry(finding: &Finding, entry: &AccessEntry, target: Target<'_>) -> Finding {
    match finding.code {
        Code::PrincipalStale => Finding {
            severity: Severity::Error,
            ..finding.clone()
        }
        .with_help(entry_again(entry, target)),
        Code::PrincipalMissing | Code::PrincipalPath => {
            finding.clone().with_help(entry_of_no_one(entry, target))
        }
        _ => finding.clone(),
    }
}

fn of_lines(live: &Live, aws_auth: &AwsAuth, target: Target<'_>, found: &mut Vec<Finding>) {
    let group = bridge::group(&live.cluster.arn);
    for line in lines(&Facts::of(live, aws_auth, &group), &named_by_entries(live)) {
        let entry = known_entries(live)
            .iter()
            .find(|entry| principal_key(&entry.principal_arn) == line.key);
        let finding = match (&line.fate, entry) {
            (Fate::Decided { .. }, Some(entry))
                if entry.entry_type == STANDARD && is_of_nodes(&line, aws_auth) =>
            {
                Some(node_entry(entry, target))
            }
            (Fate::Decided { verdict, why, .. }, _) => shadowed(&line, *verdict, why, target),
            (Fate::Blocked { why, help }, _) => {
                let message = format!(
                    "{} keeps the cluster from authentication mode API: {why}",
                    in_words(&line)
                );
                let finding = Finding::new(Severity::Warning, Code::LineBlocksApi, message);
                Some(match help {
                    Some(help) if help.starts_with("Pass --") => finding.with_help(remedy!(
                        "With `eksact migrate to-access-entries --cluster {} --region {}`: {}",
                        target.cluster,
                        target.region,
                        help.as_str()
                    )),
                    Some(help) => finding.with_help(help.clone()),
                    None => finding,
                })
            }
            (Fate::Entry(_) | Fate::Dead { .. }, _) => None,
        };
        found.extend(finding.map(|finding| {
            let finding = finding.about(&addresses::identity_mapping(&line.subject));
            finding.at(place(&line).as_ref())
        }));
    }
}

/// The whole ARNs of roles of other accounts, which only their entries tell.
fn named_by_entries(live: &Live) -> Choices {
    let foreign = known_entries(live)
        .iter()
        .map(|entry| &entry.principal_arn)
        .filter(|arn| arn.split(':').nth(4) != Some(live.account.as_str()));
    Choices {
        principal_arns: foreign.map(|arn| (principal_key(arn), arn.clone())).collect(),
        ..Choices::default()
    }
}

fn in_words(line: &Line) -> String {
    match line.section {
        SectionKey::Accounts => format!("the account {} in mapAccounts", line.subject),
        section => format!("the line of {} in {}", line.subject, section.as_str()),
    }
}

fn place(line: &Line) -> Option<SourceLocation> {
    Some(SourceLocation {
        file: line.section.as_str().into(),
        line: u32::try_from(line.line?).ok()?,
        column: 1,
    })
}

/// Whether the line lets nodes in.
fn is_of_nodes(line: &Line, aws_auth: &AwsAuth) -> bool {
    aws_auth.mappings(line.section).iter().any(|entry| {
        Some(entry.line) == line.line
            && entry.value.username.starts_with("system:node:")
            && entry.value.groups.iter().any(|group| group == NODES)
    })
}

fn node_entry(entry: &AccessEntry, target: Target<'_>) -> Finding {
    let message = format!(
        "the access entry of {} is of type STANDARD, and by aws-auth it is a role of nodes: the entry counts, and nodes that \
         have this role do not join",
        entry.principal_arn
    );
    Finding::new(Severity::Error, Code::NodeEntryType, message).with_help(remedy!(
        "Delete the entry, so that the line lets the nodes in again: {}",
        target.delete_entry(entry)
    ))
}

fn shadowed(line: &Line, verdict: Verdict, why: &[String], target: Target<'_>) -> Option<Finding> {
    let (severity, gives) = match verdict {
        Verdict::Same => return None,
        Verdict::Less => (Severity::Error, "gives less"),
        Verdict::More => (Severity::Warning, "gives more"),
        Verdict::Unknown => (Severity::Warning, "gives something else"),
    };
    let message = format!(
        "{} does not count any more: its principal has an access entry, which {gives}: {}",
        in_words(line),
        why.join("; ")
    );
    Some(
        Finding::new(severity, Code::LineShadowed, message).with_help(remedy!(
            "Give the entry what is missing, then remove the line: {}",
            target.unmap(&line.subject)
        )),
    )
}
