//! Each line of `aws-auth` that lets somebody in, and the access entry that takes its place.
//!
//! A line is what the authenticator makes of it: the last of several for one ARN, a role before a user. From the moment an entry
//! exists `aws-auth` is not asked about its principal any more, groups are not merged
//! (<https://docs.aws.amazon.com/eks/latest/userguide/migrating-access-entries.html>), so the entry has to give all that the line
//! gives.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    choices::Choices,
    existing::decided,
    line::{Fate, Line, Proposal},
    names,
    verdict::Verdict,
};
use crate::{
    guard::{
        access::{MASTERS, NODES, principal_key},
        standpoint::known_entries,
    },
    live::{Live, Observed, PrincipalByArn},
    ports::aws::{AccessEntry, AccessPolicy, Principal},
};
use eksact_identity::{
    authn::{
        access_entry::{EC2, STANDARD, derived_username, is_for_nodes, is_service_linked},
        access_policy::{CLUSTER_ADMIN, policy_arn},
        aws_auth::{AwsAuth, Mapping, Principal as Admitted, Principals, SectionKey, principals},
    },
    iam::{Arn, Partition},
};
use eksact_message::remedy::Remedy;

const BOOTSTRAPPERS: &str = "system:bootstrappers";
const NODE_PROXIER: &str = "system:node-proxier";
const WINDOWS_PROXY: &str = "eks:kube-proxy-windows";
const NODE_BY_DNS: &str = "system:node:{{EC2PrivateDNSName}}";
const NODE_BY_SESSION: &str = "system:node:{{SessionName}}";
const HYPERPOD: &str = "HYPERPOD_LINUX";

/// What was read.
#[derive(Clone, Debug)]
pub struct Facts<'live> {
    /// The ConfigMap.
    pub aws_auth: &'live AwsAuth,
    /// The cluster's access entries; none where it has none yet.
    pub entries: &'live [AccessEntry],
    /// The roles and users of the cluster's account that lines name, by their [`principals_of`].
    pub principals: BTreeMap<&'live str, &'live Observed<Option<Principal>>>,
    /// The account of the cluster.
    pub account: &'live str,
    /// Its partition.
    pub partition: Partition,
    /// The group that holds an administrator's place while its entry has no policy yet.
    pub bridge_group: &'live str,
}

impl<'live> Facts<'live> {
    /// Of what was read; the principals are those of [`principals_of`].
    pub fn of(live: &'live Live, aws_auth: &'live AwsAuth, bridge_group: &'live str) -> Self {
        Self {
            aws_auth,
            entries: known_entries(live).unwrap_or_default(),
            principals: live
                .each::<PrincipalByArn>()
                .map(|(query, answer)| (query.0.as_str(), answer))
                .collect(),
            account: &live.account,
            partition: live.partition,
            bridge_group,
        }
    }
}

/// The roles and users of the account that lines name.
pub fn principals_of(aws_auth: &AwsAuth, account: &str) -> Vec<PrincipalByArn> {
    let lines = aws_auth.roles.entries.iter().chain(&aws_auth.users.entries);
    let is_here = |arn: &Arn| arn.service == "iam" && arn.account == account;
    lines
        .map(|entry| names::as_iam_writes(&entry.value.arn))
        .filter(|arn| arn.parse().is_ok_and(|arn| is_here(&arn)))
        .map(PrincipalByArn)
        .collect()
}

/// What becomes of every line, in the order of the keys of those that let somebody in; then accounts, then lines without effect.
pub fn lines(facts: &Facts<'_>, choices: &Choices) -> Vec<Line> {
    let admitted = principals(facts.aws_auth);
    let mut lines: Vec<Line> = Vec::new();
    for principal in admitted.arns.values() {
        let Some(entry) = facts.aws_auth.mappings(principal.section).get(principal.entry) else {
            continue;
        };
        let written = Written {
            arn: names::as_iam_writes(&entry.value.arn),
            key: principal_key(&entry.value.arn),
            username: &principal.username,
            groups: &principal.groups,
            rivals: rivals(facts.aws_auth, principal),
        };
        lines.push(Line {
            section: principal.section,
            line: Some(entry.line),
            subject: entry.value.arn.clone(),
            fate: written.fate(facts, choices),
            key: written.key,
            username: Some(principal.username.clone()),
        });
    }
    for account in &admitted.accounts {
        lines.push(Line {
            section: SectionKey::Accounts,
            line: None,
            subject: account.clone(),
            key: account.clone(),
            username: None,
            fate: blocked(
                "an access entry is for one principal, and this lets in every user and role of an account",
                Some(map_by_arn()),
            ),
        });
    }
    lines.extend(without_effect(facts.aws_auth, &admitted));
    lines
}

/// The lines that let nobody in: no caller has their ARN, or another line for the same ARN decides.
fn without_effect(aws_auth: &AwsAuth, admitted: &Principals) -> Vec<Line> {
    let decide: BTreeSet<(SectionKey, usize)> = admitted
        .arns
        .values()
        .map(|principal| (principal.section, principal.entry))
        .collect();
    let mut lines = Vec::new();
    for section in [SectionKey::Roles, SectionKey::Users] {
        let entries = aws_auth.mappings(section).iter().enumerate();
        for (_, entry) in entries.filter(|(index, _)| !decide.contains(&(section, *index))) {
            let arn = &entry.value.arn;
            let why = if admitted.arns.contains_key(&arn.to_lowercase()) {
                "another line for the same ARN decides"
            } else if entry.value.sso.is_some() {
                "EKS does not read permission sets in aws-auth"
            } else {
                "no caller has this ARN"
            };
            lines.push(Line {
                section,
                line: Some(entry.line),
                subject: arn.clone(),
                key: principal_key(arn),
                username: Some(entry.value.username.clone()),
                fate: dead(why, true),
            });
        }
    }
    lines
}

fn blocked(why: impl Into<String>, help: Option<Remedy>) -> Fate {
    Fate::Blocked {
        why: why.into(),
        help,
    }
}

fn dead(why: impl Into<String>, is_certain: bool) -> Fate {
    Fate::Dead {
        why: why.into(),
        is_certain,
    }
}

fn map_by_arn() -> Remedy {
    remedy!("Map each user and role that needs access by its ARN, and delete the line.")
}

fn whole_arn() -> Remedy {
    remedy!("Pass --principal-arn with the whole ARN of the role.")
}

/// The lines that decide about the same user as this one, now and then: the authenticator keeps one line for each spelling of a
/// user's ARN, compares them without case, and takes whichever it comes to first (`pkg/mapper/configmap`).
fn rivals<'line>(aws_auth: &'line AwsAuth, principal: &Admitted) -> Vec<&'line Mapping> {
    let users = &aws_auth.users.entries;
    let Some(decides) = users
        .get(principal.entry)
        .filter(|_| principal.section == SectionKey::Users)
    else {
        return Vec::new();
    };
    let last_of_each: BTreeMap<&str, &Mapping> = users
        .iter()
        .map(|entry| (entry.value.arn.as_str(), &entry.value))
        .filter(|(arn, _)| *arn != decides.value.arn && arn.eq_ignore_ascii_case(&decides.value.arn))
        .collect();
    last_of_each.into_values().collect()
}

/// A line as the authenticator takes it.
struct Written<'line> {
    /// As IAM writes it, but for the case of its path and name.
    arn: String,
    key: String,
    username: &'line str,
    groups: &'line BTreeSet<String>,
    rivals: Vec<&'line Mapping>,
}

impl Written<'_> {
    fn fate(&self, facts: &Facts<'_>, choices: &Choices) -> Fate {
        let wanted = match self.principal(facts, choices) {
            Ok(principal_arn) => self.proposal(principal_arn, facts, choices),
            Err(fate) => Err(fate),
        };
        let existing = facts
            .entries
            .iter()
            .find(|entry| principal_key(&entry.principal_arn) == self.key);
        // One that an interrupted run began is not finished: it is wanted like one that is not there.
        let is_begun = |entry: &&AccessEntry| entry.groups.iter().any(|group| group == facts.bridge_group);
        if let (Some(_), Err(Fate::Blocked { why, help })) = (existing.filter(is_begun), &wanted) {
            let why = format!("{why}; an interrupted run began its access entry, which alone counts");
            return blocked(why, help.clone());
        }
        let stale = "the access entry is that of an earlier principal of this ARN, and counts for no one";
        match (existing.filter(|entry| !is_begun(entry)), wanted) {
            (Some(entry), Ok(mut proposal)) if self.is_stale(entry, facts) => {
                proposal.why.push(stale.to_owned());
                Fate::Entry(proposal)
            }
            (Some(entry), Err(Fate::Blocked { why, help })) if self.is_stale(entry, facts) => {
                blocked(format!("{why}; {stale}"), help)
            }
            (Some(entry), Ok(proposal)) => decided(entry, &proposal, self.is_known(facts)),
            (Some(_), Err(Fate::Blocked { why, .. })) => Fate::Decided {
                verdict: Verdict::Unknown,
                why: vec![format!("the line cannot be held against the entry: {why}")],
                is_current: self.is_known(facts),
            },
            (Some(_) | None, Err(fate)) => fate,
            (None, Ok(proposal)) => Fate::Entry(proposal),
        }
    }

    /// The whole ARN of the principal.
    fn principal(&self, facts: &Facts<'_>, choices: &Choices) -> Result<String, Fate> {
        if let Some(chosen) = choices.principal_arns.get(&self.key) {
            return Ok(chosen.clone());
        }
        let Ok(arn) = self.arn.parse::<Arn>() else {
            return Err(blocked(
                "its ARN is written in a way that EKS does not take",
                None,
            ));
        };
        // Somebody else than the principal of that name here.
        if arn.partition != facts.partition {
            return Err(blocked(
                format!(
                    "it is of the partition {}, and the cluster's access entries are for principals of {}",
                    arn.partition, facts.partition
                ),
                None,
            ));
        }
        if arn.service != "iam" || arn.resource == "root" {
            return Err(blocked(
                "an access entry is for an IAM role or an IAM user",
                Some(map_by_arn()),
            ));
        }
        let is_role = arn.role_name().is_some();
        if arn.account != facts.account {
            return if is_role {
                Err(blocked(
                    "the role is in another account, and aws-auth does not say its path",
                    Some(whole_arn()),
                ))
            } else {
                // The ARN of a user has its path in aws-auth, too.
                Ok(self.arn.clone())
            };
        }
        let what = if is_role { "role" } else { "user" };
        match facts.principals.get(self.arn.as_str()) {
            Some(Ok(Some(principal))) if is_service_linked(&principal.arn) => Err(blocked(
                "EKS takes no access entry for a service-linked role; its service makes one",
                None,
            )),
            // The path counts, and its case does not: the authenticator compares in lower case.
            Some(Ok(Some(principal))) if !is_role && !principal.arn.eq_ignore_ascii_case(&self.arn) => {
                Err(dead(format!("the user of this name is {}", principal.arn), true))
            }
            Some(Ok(Some(principal))) => Ok(principal.arn.clone()),
            // Roles are looked for in the listing besides, whatever the case of their names.
            Some(Ok(None)) => Err(dead(format!("the {what} does not exist"), is_role)),
            Some(Err(_)) | None if !is_role => Ok(self.arn.clone()),
            Some(Err(error)) => Err(blocked(
                format!("the role could not be read: {error}"),
                Some(whole_arn()),
            )),
            None => Err(blocked("the role was not read", Some(whole_arn()))),
        }
    }

    /// Whether IAM has said which principal has the ARN now. Of other accounts it says nothing ever.
    fn is_known(&self, facts: &Facts<'_>) -> bool {
        let is_here = self.arn.split(':').nth(4) == Some(facts.account);
        !is_here || matches!(facts.principals.get(self.arn.as_str()), Some(Ok(_)))
    }

    fn is_stale(&self, entry: &AccessEntry, facts: &Facts<'_>) -> bool {
        matches!(facts.principals.get(self.arn.as_str()), Some(Ok(Some(principal))) if entry.is_stale(principal))
    }

    fn is_equal(&self, other: &Mapping) -> bool {
        *self.username == other.username
            && self
                .groups
                .iter()
                .eq(&other.groups.iter().cloned().collect::<BTreeSet<_>>())
    }

    fn has(&self, group: &str) -> bool {
        self.groups.contains(group)
    }

    fn proposal(
        &self,
        principal_arn: String,
        facts: &Facts<'_>,
        choices: &Choices,
    ) -> Result<Proposal, Fate> {
        let chosen_type = choices.types.get(&self.key);
        if let Some(chosen) = chosen_type.filter(|chosen| is_for_nodes(chosen)) {
            return Ok(self.node(principal_arn, chosen));
        }
        let chosen_name = choices.usernames.get(&self.key);
        if chosen_name.is_none() && chosen_type.is_none() {
            match (self.username, self.has(NODES)) {
                (NODE_BY_DNS, true) if self.has(WINDOWS_PROXY) => {
                    return Ok(self.node(principal_arn, "EC2_WINDOWS"));
                }
                (NODE_BY_DNS, true) => return Ok(self.node(principal_arn, "EC2_LINUX")),
                (NODE_BY_SESSION, _) if self.has(NODE_PROXIER) => {
                    return Ok(self.node(principal_arn, "FARGATE_LINUX"));
                }
                (NODE_BY_SESSION, _) => {
                    return Err(blocked(
                        "these are hybrid nodes, or nodes named by their instance id: an entry of another type would rename them",
                        Some(remedy!("For hybrid nodes pass --type {}=HYBRID_LINUX.", self.arn)),
                    ));
                }
                _ => {}
            }
        }
        self.standard(principal_arn, chosen_name, facts)
    }

    fn standard(
        &self,
        principal_arn: String,
        chosen_name: Option<&String>,
        facts: &Facts<'_>,
    ) -> Result<Proposal, Fate> {
        let (mut verdict, mut why, mut policies) = (Verdict::Same, Vec::new(), Vec::new());
        if self.has(MASTERS) {
            policies.push(AccessPolicy {
                arn: policy_arn(facts.partition, CLUSTER_ADMIN),
                namespaces: None,
            });
            why.push(
                "AmazonEKSClusterAdminPolicy in place of system:masters: the same rights, but no longer exempt from API priority \
                 and fairness, and `kubectl auth can-i --list` does not show them"
                    .to_owned(),
            );
        }
        let groups = self.groups.iter().map(String::as_str);
        let groups = names::groups(groups.filter(|group| *group != MASTERS)).map_err(|why| {
            let help = remedy!(
                "Bind a group of another name to the same roles, and map the principal to that group."
            );
            blocked(why, Some(help))
        })?;
        let written = chosen_name.map_or(self.username, String::as_str);
        let account = principal_arn.split(':').nth(4).unwrap_or_default().to_owned();
        let username = if written.is_empty() {
            verdict = Verdict::Unknown;
            why.push(
                "the line has no user name, so EKS gives one from the ARN: bindings and audit logs that name the user change"
                    .to_owned(),
            );
            None
        } else {
            let name = names::username(written, &account).map_err(|why| {
                let help = remedy!("Pass --username {}=NAME with another name.", self.arn);
                blocked(why, Some(help))
            })?;
            if chosen_name.is_some_and(|chosen| chosen != self.username) {
                verdict = Verdict::Unknown;
                why.push(format!(
                    "the user name becomes {name}: bindings that name {} do not count any more",
                    self.username
                ));
            }
            Some(name)
        };
        for rival in self.rivals.iter().filter(|rival| !self.is_equal(rival)) {
            let is_less = rival.groups.iter().any(|group| !self.groups.contains(group));
            verdict = verdict.max(if is_less { Verdict::Less } else { Verdict::Unknown });
            why.push(format!(
                "another line spells the ARN {}, with the user name {} and {}: which of the two counts changes from one read of \
                 aws-auth to the next, and the entry gives what this one says",
                rival.arn,
                rival.username,
                names::of_groups(rival.groups.iter().map(String::as_str))
            ));
        }
        Ok(Proposal {
            principal_arn,
            entry_type: STANDARD.to_owned(),
            username,
            groups,
            policies,
            verdict,
            why,
        })
    }

    /// EKS gives nodes their name and groups by the type of the entry.
    fn node(&self, principal_arn: String, entry_type: &str) -> Proposal {
        let kept: &[&str] = match entry_type {
            "EC2_WINDOWS" => &[NODES, WINDOWS_PROXY, BOOTSTRAPPERS],
            "FARGATE_LINUX" => &[NODES, NODE_PROXIER, BOOTSTRAPPERS],
            _ => &[NODES, BOOTSTRAPPERS],
        };
        let mut why = Vec::new();
        let mut verdict = Verdict::Same;
        let named = derived_username(entry_type, &principal_arn);
        if [EC2, HYPERPOD].contains(&entry_type) {
            verdict = Verdict::Unknown;
            why.push(format!(
                "AWS does not say which user name and groups nodes of type {entry_type} get"
            ));
        } else if self.username != named {
            verdict = Verdict::Less;
            why.push(format!(
                "nodes of type {entry_type} have the user name {named}, the line says {}: nodes that are there are not let in as \
                 what they are",
                names::of_user(self.username)
            ));
        }
        if self.has(BOOTSTRAPPERS) {
            why.push(
                "system:bootstrappers goes: EKS binds what nodes need to system:nodes; let one new node join before the line goes"
                    .to_owned(),
            );
        }
        let lost: Vec<&str> = self
            .groups
            .iter()
            .map(String::as_str)
            .filter(|group| !kept.contains(group))
            .collect();
        if !lost.is_empty() {
            verdict = verdict.max(Verdict::Less);
            why.push(format!(
                "entries of type {entry_type} have no groups of their own: {} goes",
                lost.join(", ")
            ));
        }
        Proposal {
            principal_arn,
            entry_type: entry_type.to_owned(),
            username: None,
            groups: Vec::new(),
            policies: Vec::new(),
            verdict,
            why,
        }
    }
}

#[cfg(test)]
mod tests;
