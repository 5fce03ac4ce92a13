//! Who a caller of the sandbox is to a cluster: what EKS makes of access entries and, through its authenticator, of
//! aws-auth.

use super::aws::{CONFIG_MAP, authentication_mode};
use super::caller::SimulatedCaller;
use super::refusal::Refusal;
use super::state::{SimulatedCluster, World};
use eksact_core::ports::kubernetes::UserInfo;
use eksact_identity::authn::aws_auth::{self, Identity};

/// The one in which aws-auth is not read.
const API: &str = "API";
/// The group that every caller has whom the server knows.
const AUTHENTICATED: &str = "system:authenticated";

/// EKS knows the principal of an entry by its unique id, which no session of the sandbox has: here it is the role of that
/// name, unless that was made again since ([`World::is_stale`]). Its path is in the entry, and in no session's ARN.
fn is_principal(identity: &Identity, principal: &str) -> bool {
    match principal.split_once(":role/") {
        Some((head, path_and_name)) => {
            let name = path_and_name.rsplit('/').next().unwrap_or_default();
            identity.canonical.arn == format!("{head}:role/{name}")
        }
        None => identity.canonical.arn == principal,
    }
}

/// A user as the authenticator tells it to the server.
fn user(identity: &Identity, username: String, mut groups: Vec<String>) -> UserInfo {
    groups.push(AUTHENTICATED.to_owned());
    let extra = [
        ("accessKeyId", &identity.access_key_id),
        ("arn", &identity.arn),
        ("canonicalArn", &identity.canonical.arn),
        ("sessionName", &identity.session_name),
    ];
    UserInfo {
        username,
        groups,
        extra: extra
            .map(|(key, value)| (key.to_owned(), vec![value.clone()]))
            .into(),
    }
}

fn unauthorized() -> Refusal {
    Refusal::new("Unauthorized", "Unauthorized")
}

impl World {
    /// Who this caller is to the only cluster; none where it is not let in.
    pub fn user_info_of(&self, caller: &SimulatedCaller) -> Option<UserInfo> {
        let cluster = self.clusters.values().next()?;
        self.user_info(cluster, Some(caller)).ok()
    }

    /// `SelfSubjectReview` of the caller; whom nothing lets in is `Unauthorized`.
    ///
    /// An access entry wins over aws-auth (EKS user guide, "Grant IAM users and roles access to Kubernetes APIs"). In
    /// mode `CONFIG_MAP` the creator of a cluster stays its administrator whatever aws-auth says; in the other modes
    /// only its access entry makes it one.
    pub(super) fn user_info(
        &self,
        cluster: &SimulatedCluster,
        caller: Option<&SimulatedCaller>,
    ) -> Result<UserInfo, Refusal> {
        let creator = self.creator();
        let caller = caller.unwrap_or(&creator);
        let identity = caller.identity().map_err(|_| unauthorized())?;
        let mode = authentication_mode(cluster);
        if mode != CONFIG_MAP
            && let Some(entry) = cluster.eks.access_entries.values().find(|entry| {
                is_principal(&identity, &entry.principal_arn)
                    && !self.is_stale(&cluster.eks, &entry.principal_arn)
            })
        {
            let username = entry
                .username
                .replace("{{SessionName}}", &identity.session_name.replace('@', "-"))
                .replace("{{SessionNameRaw}}", &identity.session_name);
            return Ok(user(&identity, username, entry.groups.clone()));
        }
        if mode != API {
            let read = cluster.config_maps.get("kube-system/aws-auth");
            let aws_auth = aws_auth::parse(&read.map(|found| found.data.clone()).unwrap_or_default());
            if let Ok(mapped) = aws_auth::map(&aws_auth, &identity) {
                return Ok(user(&identity, mapped.username, mapped.groups));
            }
        }
        if mode == CONFIG_MAP && *caller == creator {
            let masters = vec!["system:masters".to_owned()];
            return Ok(user(&identity, "kubernetes-admin".to_owned(), masters));
        }
        Err(unauthorized())
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::Seed;
    use super::*;
    use eksact_core::ports::aws::AccessEntry;

    const ROLE: &str = "arn:aws:iam::111122223333:role/team/ops";
    const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/ops/nina@example.com";

    /// What a session of the role is told in a cluster of this mode, with this entry and this aws-auth.
    fn told(mode: &str, entry: Option<&str>, map_roles: &str) -> Result<(String, Vec<String>), Refusal> {
        let mut world = World::seeded(&Seed {
            cluster: "prod".to_owned(),
            region: "us-west-2".to_owned(),
            account: None,
        });
        world.caller = Some(SESSION.to_owned());
        let (arn, mut cluster) = world.clusters.pop_first().unwrap();
        cluster.cluster.authentication_mode = Some(mode.to_owned());
        cluster.eks.access_entries.clear();
        if let Some(username) = entry {
            let entry = AccessEntry {
                principal_arn: ROLE.to_owned(),
                username: username.to_owned(),
                groups: vec!["of-entry".to_owned()],
                ..AccessEntry::default()
            };
            cluster.eks.access_entries.insert(ROLE.to_owned(), entry);
        }
        let aws_auth = cluster.config_maps.get_mut("kube-system/aws-auth").unwrap();
        aws_auth.data.insert("mapRoles".to_owned(), map_roles.to_owned());
        world.clusters.insert(arn.clone(), cluster);
        let user = world.user_info(&world.clusters[&arn], None)?;
        Ok((user.username, user.groups))
    }

    #[test]
    fn entries_win_over_aws_auth_where_the_mode_has_both() {
        let mapped = "[{rolearn: \"arn:aws:iam::111122223333:role/ops\", username: \"ops:{{SessionName}}\", groups: [g]}]";
        let of_entry = (
            "sso:nina-example.com".to_owned(),
            vec!["of-entry".to_owned(), AUTHENTICATED.to_owned()],
        );
        let of_aws_auth = (
            "ops:nina-example.com".to_owned(),
            vec!["g".to_owned(), AUTHENTICATED.to_owned()],
        );
        let creator = (
            "kubernetes-admin".to_owned(),
            vec!["system:masters".to_owned(), AUTHENTICATED.to_owned()],
        );
        let entry = Some("sso:{{SessionName}}");
        let both = "API_AND_CONFIG_MAP";
        assert_eq!(told(both, entry, mapped), Ok(of_entry.clone()));
        assert_eq!(told("API", entry, mapped), Ok(of_entry));
        assert_eq!(told(both, None, mapped), Ok(of_aws_auth.clone()));
        assert_eq!(told("CONFIG_MAP", entry, mapped), Ok(of_aws_auth));
        // A section that cannot be read lets nobody in; only the creator of an old cluster needs none.
        for (mode, section) in [("API", mapped), (both, "- {{x}}: y"), (both, "")] {
            assert_eq!(told(mode, None, section).unwrap_err().code, "Unauthorized");
        }
        assert_eq!(told("CONFIG_MAP", None, "- {{x}}: y"), Ok(creator));
    }
}
