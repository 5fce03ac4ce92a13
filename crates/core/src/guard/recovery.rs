//! The way back into a cluster that lets nobody in any more: through EKS's own API, by an access entry, which no write to
//! the cluster can take away.

use super::{Guard, access::principal_key};
use crate::ports::aws::{AccessEntry, CallerIdentity, Cluster};

/// The commands that give `caller` (an ARN as STS tells it) the whole cluster, in one line. They ask EKS alone, and so work for
/// whom the cluster does not let in. `entries` are the cluster's access entries in every state in which somebody may run them: now,
/// and after a plan; none where they are not known.
///
/// An entry that is there gets the policy beside what it has, whoever made it, which is a call of EKS's own: `eksact create accessentry`
/// makes an entry as its flags say, so it would take off the other policies, and it changes none of somebody else's stack.
/// <https://docs.aws.amazon.com/eks/latest/userguide/access-policies.html>
pub fn commands(
    cluster: &Cluster,
    region: &str,
    caller: Option<&CallerIdentity>,
    entries: &[Option<&[AccessEntry]>],
) -> String {
    // Nothing may have asked for those that are there now, and there are none. What a plan makes is another matter.
    let unasked = has_no_entries(cluster).then_some(&[][..]);
    let mut states = entries.to_vec();
    if let Some(now) = states.first_mut() {
        *now = now.or(unasked);
    }
    let caller = caller.filter(|caller| may_have_entry(&caller.arn));
    giving(cluster, region, caller, &own_entry(caller, states.into_iter()))
}

/// The same where nobody knows what is there when they are run. No entry that they make is one of eksact's, which the next plan would
/// delete where it prunes.
pub fn commands_in_any_state(cluster: &Cluster, region: &str, caller: Option<&CallerIdentity>) -> String {
    let caller = caller.filter(|caller| may_have_entry(&caller.arn));
    giving(cluster, region, caller, &OwnEntry::Uncertain)
}

fn giving(cluster: &Cluster, region: &str, caller: Option<&CallerIdentity>, own: &OwnEntry) -> String {
    let principal = caller.map_or_else(|| "ARN".to_owned(), |caller| asked_of_iam(&caller.arn));
    let partition = cluster.arn.split(':').nth(1).unwrap_or("aws");
    let name = &cluster.name;
    let associate = format!(
        "aws eks associate-access-policy --region {region} --cluster-name {name} --principal-arn {principal} --policy-arn \
         arn:{partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy --access-scope type=cluster"
    );
    let give = match own {
        OwnEntry::There => associate,
        OwnEntry::Missing => format!(
            "eksact create accessentry --cluster {name} --region {region} --principal-arn {principal} --access-policy \
             AmazonEKSClusterAdminPolicy --yes"
        ),
        // The refusal to make another stops nothing.
        OwnEntry::Uncertain => format!(
            "aws eks create-access-entry --region {region} --cluster-name {name} --principal-arn {principal}; {associate}"
        ),
    };
    if has_no_entries(cluster) {
        // The change takes minutes, and until it is done EKS takes no entries. That it was made already stops nothing.
        return format!(
            "eksact utils update-authentication-mode --cluster {name} --region {region} --authentication-mode \
             API_AND_CONFIG_MAP --allow {} --yes; {give}",
            Guard::OneWayMode.code()
        );
    }
    give
}

/// Whether the cluster is in the mode in which it has no access entries.
fn has_no_entries(cluster: &Cluster) -> bool {
    cluster.authentication_mode.as_deref() == Some("CONFIG_MAP")
}

/// Whether the caller has an access entry when the commands are run.
enum OwnEntry {
    /// It has one, which no step touches.
    There,
    Missing,
    /// It is not known, or not the same before a plan as after it: a run may end anywhere in between.
    Uncertain,
}

fn own_entry<'live>(
    caller: Option<&CallerIdentity>,
    states: impl Iterator<Item = Option<&'live [AccessEntry]>>,
) -> OwnEntry {
    let mut own = states.map(|entries| entries.and_then(|entries| entries_of(caller, entries)));
    match own.next().flatten() {
        Some(first) if own.all(|other| other.as_ref() == Some(&first)) => {
            if first.is_empty() {
                OwnEntry::Missing
            } else {
                OwnEntry::There
            }
        }
        _ => OwnEntry::Uncertain,
    }
}

/// Those of `entries` that are the caller's; none where it is not known who that is.
fn entries_of<'live>(
    caller: Option<&CallerIdentity>,
    entries: &'live [AccessEntry],
) -> Option<Vec<&'live AccessEntry>> {
    if entries.is_empty() {
        return Some(Vec::new());
    }
    let key = caller_key(&caller?.arn);
    let is_its = |entry: &&AccessEntry| principal_key(&entry.principal_arn) == key;
    Some(entries.iter().filter(is_its).collect())
}

/// Whether an access entry can be for it: EKS makes them for roles and users alone.
fn may_have_entry(arn: &str) -> bool {
    arn.contains(":assumed-role/") || arn.contains(":role/") || arn.contains(":user/")
}

/// The principal of an access entry as an argument for a shell. An access entry wants the role's own ARN, and STS tells
/// a session's without the path (every role of IAM Identity Center has one): IAM knows.
fn asked_of_iam(arn: &str) -> String {
    match arn.split_once(":assumed-role/") {
        Some((_, session)) => format!(
            "\"$(aws iam get-role --role-name {} --query Role.Arn --output text)\"",
            session.split('/').next().unwrap_or(session)
        ),
        None => arn.to_owned(),
    }
}

/// The canonical ARN of whoever has this ARN: a session's role, without a path.
fn principal(arn: &str) -> String {
    let Some((before, session)) = arn.split_once(":assumed-role/") else {
        return arn.to_owned();
    };
    let role = session.split('/').next().unwrap_or(session);
    format!("{}:role/{role}", before.replacen(":sts:", ":iam:", 1))
}

/// The canonical ARN, in lower case, of whoever has this ARN.
pub fn caller_key(arn: &str) -> String {
    principal_key(&principal(arn))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn way_back_fits_the_mode_and_the_entry() {
        let cluster = |mode: &str| Cluster {
            name: "prod".to_owned(),
            local_id: None,
            arn: "arn:aws-cn:eks:cn-north-1:111122223333:cluster/prod".to_owned(),
            status: "ACTIVE".to_owned(),
            version: None,
            endpoint: None,
            certificate_authority_data: None,
            oidc_issuer: None,
            authentication_mode: Some(mode.to_owned()),
            bootstrap_creator_admin: None,
            endpoint_public_access: None,
            auto_mode: false,
            tags: BTreeMap::new(),
        };
        let caller = CallerIdentity {
            account: "111122223333".to_owned(),
            arn: "arn:aws-cn:sts::111122223333:assumed-role/Admin/ann".to_owned(),
            user_id: "AROA:ann".to_owned(),
        };
        let commands = |mode: &str, caller: Option<&CallerIdentity>, entries: &[Option<&[AccessEntry]>]| {
            commands(&cluster(mode), "cn-north-1", caller, entries)
        };
        let role = "\"$(aws iam get-role --role-name Admin --query Role.Arn --output text)\"";
        let create = format!(
            "eksact create accessentry --cluster prod --region cn-north-1 --principal-arn {role} --access-policy \
             AmazonEKSClusterAdminPolicy --yes"
        );
        let associate = format!(
            "aws eks associate-access-policy --region cn-north-1 --cluster-name prod --principal-arn {role} --policy-arn \
             arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy --access-scope type=cluster"
        );
        let entry = |arn: &str| AccessEntry {
            principal_arn: arn.to_owned(),
            ..AccessEntry::default()
        };
        let either = format!(
            "aws eks create-access-entry --region cn-north-1 --cluster-name prod --principal-arn {role}; {associate}"
        );
        let other = [entry("arn:aws-cn:iam::111122223333:role/Other")];
        // With its path, which STS does not tell.
        let own = [
            other[0].clone(),
            entry("arn:aws-cn:iam::111122223333:role/people/Admin"),
        ];
        let less = [AccessEntry {
            groups: vec!["viewers".to_owned()],
            ..own[1].clone()
        }];
        let (none, other, own, less) = (Some(&[][..]), Some(&other[..]), Some(&own[..]), Some(&less[..]));
        for (case, entries, expected) in [
            ("none at all", vec![none], &create),
            ("somebody else's", vec![other], &create),
            ("not there, and the plan makes none", vec![other, none], &create),
            ("there", vec![own], &associate),
            ("there before and after", vec![own, own], &associate),
            ("there before, and the plan deletes it", vec![own, other], &either),
            ("there before, and the plan deletes all", vec![own, none], &either),
            ("not there, and the plan makes it", vec![other, own], &either),
            // Perhaps it is deleted and made again.
            ("there before, and the plan changes it", vec![own, less], &either),
            ("not known", vec![None], &either),
            ("known only before", vec![own, None], &either),
        ] {
            let found = commands("API_AND_CONFIG_MAP", Some(&caller), &entries);
            assert_eq!(found, *expected, "{case}");
        }
        let to_both = "eksact utils update-authentication-mode --cluster prod --region cn-north-1 --authentication-mode \
                       API_AND_CONFIG_MAP --allow one-way-mode --yes; ";
        for (case, entries, expected) in [
            ("read", vec![none], &create),
            ("not asked for", vec![None], &create),
            (
                "the plan changes the mode, and makes it",
                vec![none, own],
                &either,
            ),
            ("the same, and nothing asked before", vec![None, own], &either),
            ("what the plan makes is not known", vec![none, None], &either),
            ("nothing is known", vec![None, None], &either),
        ] {
            let found = commands("CONFIG_MAP", Some(&caller), &entries);
            assert_eq!(found, format!("{to_both}{expected}"), "{case}");
        }
        let of_nobody = commands("CONFIG_MAP", None, &[None]);
        assert!(of_nobody.contains("--principal-arn ARN"), "{of_nobody}");
        for (mode, first) in [("API_AND_CONFIG_MAP", ""), ("CONFIG_MAP", to_both)] {
            let found = commands_in_any_state(&cluster(mode), "cn-north-1", Some(&caller));
            assert_eq!(found, format!("{first}{either}"), "{mode}");
        }
    }
}
