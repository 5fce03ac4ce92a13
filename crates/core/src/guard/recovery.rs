//! The way back into a cluster that lets nobody in any more: through EKS's own API, by an access entry, which no write to
//! the cluster can take away.

use super::{Guard, access::principal_key};
use crate::ports::aws::{CallerIdentity, Cluster};

/// The commands that give `caller` (an ARN as STS tells it) the whole cluster, in one line. They ask EKS alone, and so work for
/// whom the cluster does not let in; an entry that is there gets the access policy.
pub fn commands(cluster: &Cluster, region: &str, caller: Option<&CallerIdentity>) -> String {
    let caller = caller.filter(|caller| may_have_entry(&caller.arn));
    let principal = caller.map_or_else(|| "ARN".to_owned(), |caller| asked_of_iam(&caller.arn));
    let name = &cluster.name;
    let mut commands: Vec<String> = Vec::new();
    if cluster.authentication_mode.as_deref() == Some("CONFIG_MAP") {
        // The change takes minutes, and until it is done EKS takes no entries. That it was made already stops nothing.
        commands.push(format!(
            "eksact utils update-authentication-mode --cluster {name} --region {region} --authentication-mode \
             API_AND_CONFIG_MAP --allow {} --yes; ",
            Guard::OneWayMode.code()
        ));
    }
    commands.push(format!(
        "eksact create accessentry --cluster {name} --region {region} --principal-arn {principal} --access-policy \
         AmazonEKSClusterAdminPolicy --yes"
    ));
    commands.concat()
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
    fn the_mode_is_changed_first_where_entries_are_not_read() {
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
        let both = commands(&cluster("API_AND_CONFIG_MAP"), "cn-north-1", Some(&caller));
        assert_eq!(
            both,
            "eksact create accessentry --cluster prod --region cn-north-1 --principal-arn \
             \"$(aws iam get-role --role-name Admin --query Role.Arn --output text)\" --access-policy \
             AmazonEKSClusterAdminPolicy --yes"
        );
        let config_map_only = commands(&cluster("CONFIG_MAP"), "cn-north-1", None);
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
