//! The way back into a cluster that lets nobody in any more: through EKS's own API, by an access entry, which no write to
//! the cluster can take away.

use super::{Guard, access::principal_key};
use crate::ports::aws::{AccessEntry, CallerIdentity, Cluster};

/// The commands that give `caller` (an ARN as STS tells it) the whole cluster, in one line. They ask EKS alone, and so work for
/// whom the cluster does not let in. `entries` are the cluster's access entries, where they are known.
///
/// One that is there gets the policy beside what it has, whoever made it, which is a call of EKS's own: `eksact create accessentry`
/// makes an entry as its flags say, so it would take off the other policies, and it changes none of somebody else's stack.
/// <https://docs.aws.amazon.com/eks/latest/userguide/access-policies.html>
pub fn commands(
    cluster: &Cluster,
    region: &str,
    caller: Option<&CallerIdentity>,
    entries: Option<&[AccessEntry]>,
) -> String {
    let caller = caller.filter(|caller| may_have_entry(&caller.arn));
    let principal = caller.map_or_else(|| "ARN".to_owned(), |caller| asked_of_iam(&caller.arn));
    let partition = cluster.arn.split(':').nth(1).unwrap_or("aws");
    let name = &cluster.name;
    let create = format!(
        "eksact create accessentry --cluster {name} --region {region} --principal-arn {principal} --access-policy \
         AmazonEKSClusterAdminPolicy --yes"
    );
    if cluster.authentication_mode.as_deref() == Some("CONFIG_MAP") {
        // The change takes minutes, and until it is done EKS takes no entries. That it was made already stops nothing.
        return format!(
            "eksact utils update-authentication-mode --cluster {name} --region {region} --authentication-mode \
             API_AND_CONFIG_MAP --allow {} --yes; {create}",
            Guard::OneWayMode.code()
        );
    }
    let associate = format!(
        "aws eks associate-access-policy --region {region} --cluster-name {name} --principal-arn {principal} --policy-arn \
         arn:{partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy --access-scope type=cluster"
    );
    match has_entry(caller, entries) {
        Some(true) => associate,
        Some(false) => create,
        // The refusal to make another stops nothing.
        None => format!(
            "aws eks create-access-entry --region {region} --cluster-name {name} --principal-arn {principal}; {associate}"
        ),
    }
}

/// Whether the caller has an access entry, where that is known.
fn has_entry(caller: Option<&CallerIdentity>, entries: Option<&[AccessEntry]>) -> Option<bool> {
    let entries = entries?;
    if entries.is_empty() {
        return Some(false);
    }
    let key = caller_key(&caller?.arn);
    let is_its = |entry: &AccessEntry| principal_key(&entry.principal_arn) == key;
    Some(entries.iter().any(is_its))
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
    fn the_way_back_fits_the_mode_and_the_entry() {
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
        let commands = |mode: &str, caller: Option<&CallerIdentity>, entries: Option<&[AccessEntry]>| {
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
        let other = entry("arn:aws-cn:iam::111122223333:role/Other");
        // With its path, which STS does not tell.
        let own = entry("arn:aws-cn:iam::111122223333:role/people/Admin");
        let both_modes = "API_AND_CONFIG_MAP";
        for (entries, expected) in [
            (Some(Vec::new()), create.clone()),
            (Some(vec![other.clone()]), create),
            (Some(vec![other, own]), associate.clone()),
            (
                None,
                format!(
                    "aws eks create-access-entry --region cn-north-1 --cluster-name prod --principal-arn {role}; {associate}"
                ),
            ),
        ] {
            assert_eq!(
                commands(both_modes, Some(&caller), entries.as_deref()),
                expected,
                "{entries:?}"
            );
        }
        let config_map_only = commands("CONFIG_MAP", None, None);
        assert!(
            config_map_only.starts_with(
                "eksact utils update-authentication-mode --cluster prod --region cn-north-1 --authentication-mode \
                 API_AND_CONFIG_MAP --allow one-way-mode --yes; eksact create accessentry"
            ),
            "{config_map_only}"
        );
        assert!(
            config_map_only.contains("--principal-arn ARN"),
            "{config_map_only}"
        );
    }
}
