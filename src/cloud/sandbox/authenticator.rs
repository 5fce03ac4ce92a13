//! Who the sandbox's caller is to a cluster: what EKS makes of access entries and, through its authenticator, of
//! aws-auth.

use std::collections::BTreeMap;

use super::refusal::Refusal;
use super::state::{SimulatedCluster, World};
use crate::ports::access::{AccessEntry, UserInfo};

/// The authentication mode without access entries.
const CONFIG_MAP: &str = "CONFIG_MAP";
/// The group that every caller has whom the server knows.
const AUTHENTICATED: &str = "system:authenticated";

/// The caller, as the verifier of a token sees it.
struct Caller<'a> {
    arn: &'a str,
    /// Without session, and without the path of a role, which no session's ARN tells.
    canonical_arn: String,
    session_name: &'a str,
}

impl<'a> Caller<'a> {
    fn of(arn: &'a str) -> Self {
        let session = arn
            .split_once(":assumed-role/")
            .and_then(|(head, rest)| Some((head.replacen(":sts:", ":iam:", 1), rest.split_once('/')?)));
        match session {
            Some((head, (role, session_name))) => Self {
                arn,
                canonical_arn: format!("{head}:role/{role}"),
                session_name,
            },
            None => Self {
                arn,
                canonical_arn: arn.to_owned(),
                session_name: "",
            },
        }
    }

    /// EKS knows the principal of an entry by its unique id; in a sandbox a role's name is unique enough.
    fn is(&self, principal: &str) -> bool {
        match principal.split_once(":role/") {
            Some((head, path_and_name)) => {
                let name = path_and_name.rsplit('/').next().unwrap_or_default();
                self.canonical_arn == format!("{head}:role/{name}")
            }
            None => self.canonical_arn == principal,
        }
    }

    fn user(&self, username: String, mut groups: Vec<String>) -> UserInfo {
        groups.push(AUTHENTICATED.to_owned());
        let extra = [
            ("arn", self.arn),
            ("canonicalArn", &self.canonical_arn),
            ("sessionName", self.session_name),
        ];
        UserInfo {
            username,
            groups,
            extra: extra
                .map(|(key, value)| (key.to_owned(), vec![value.to_owned()]))
                .into_iter()
                .collect::<BTreeMap<_, _>>(),
        }
    }
}

impl World {
    /// `SelfSubjectReview` of the caller; whom nothing lets in is `Unauthorized`.
    ///
    /// An access entry wins over aws-auth (EKS user guide, "Grant IAM users and roles access to Kubernetes APIs"). In
    /// mode `CONFIG_MAP` the creator of a cluster stays its administrator whatever aws-auth says; in the other modes
    /// only its access entry makes it one.
    pub(super) fn user_info(&self, cluster: &SimulatedCluster) -> Result<UserInfo, Refusal> {
        let arn = self.caller_arn();
        let caller = Caller::of(&arn);
        let mode = authentication_mode(cluster);
        if mode != CONFIG_MAP
            && let Some(entry) = cluster
                .access_entries
                .values()
                .find(|entry| caller.is(&entry.principal_arn))
        {
            return Ok(caller.user(username_of(entry, caller.session_name), entry.groups.clone()));
        }
        if mode == CONFIG_MAP {
            let masters = vec!["system:masters".to_owned()];
            return Ok(caller.user("kubernetes-admin".to_owned(), masters));
        }
        Err(Refusal::new("Unauthorized", "Unauthorized"))
    }

    /// EKS `ListAccessEntries` and what is told of each, which a cluster in mode `CONFIG_MAP` does not have.
    pub(super) fn access_entries(&self, name: &str, region: &str) -> Result<Vec<AccessEntry>, Refusal> {
        let arn = self.cluster(name, region)?.arn.as_str();
        let cluster = self.clusters.get(arn);
        let Some(cluster) = cluster.filter(|cluster| authentication_mode(cluster) != CONFIG_MAP) else {
            return Err(Refusal::new(
                "InvalidRequestException",
                "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this \
                 operation.",
            ));
        };
        Ok(cluster.access_entries.values().cloned().collect())
    }
}

/// A cluster that tells no mode is from before there were access entries.
fn authentication_mode(cluster: &SimulatedCluster) -> &str {
    let mode = cluster.cluster.authentication_mode.as_deref();
    mode.unwrap_or(CONFIG_MAP)
}

fn username_of(entry: &AccessEntry, session_name: &str) -> String {
    entry.username.replace("{{SessionName}}", session_name)
}
