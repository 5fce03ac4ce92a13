//! Names of entries: of the cluster, the user and the context, as the AWS CLI and as eksctl choose them, and the name
//! that a user gets where the usual one is taken by somebody else.

use super::exec_entry::SignIn;

/// Whose names are used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamingStyle {
    /// The cluster's ARN for all three (AWS CLI 1.46, `eks/update_kubeconfig.py`).
    ClusterArn,
    /// `NAME.REGION.eksctl.io`, and `CALLER@NAME.REGION.eksctl.io` (eksctl 0.231, `utils/kubeconfig/kubeconfig.go`).
    Eksctl {
        /// ARN of the caller, as STS tells it.
        caller_arn: String,
        /// Name of the cluster, of a local one on an Outpost too.
        cluster: String,
    },
}

/// The names before anything in the file is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// Of the cluster's entry.
    pub cluster: String,
    /// Of the user's, unless another user has it.
    pub user: String,
    /// Of the context; none for the name that the user gets.
    pub context: Option<String>,
    /// Whether the user's name was asked for, rather than following from the style.
    pub is_user_given: bool,
    /// Whether the name of the cluster's entry can be another account's too: eksctl's tells none.
    pub is_cluster_ambiguous: bool,
}

impl Names {
    /// The names for a cluster.
    pub fn new(
        style: &NamingStyle,
        cluster_arn: &str,
        sign_in: &SignIn,
        alias: Option<&str>,
        user_alias: Option<&str>,
    ) -> Self {
        let (cluster, user) = match style {
            NamingStyle::ClusterArn => (cluster_arn.to_owned(), cluster_arn.to_owned()),
            NamingStyle::Eksctl { caller_arn, cluster } => {
                let cluster = eksctl_cluster(cluster, sign_in.region.as_deref().unwrap_or_default());
                let user = format!("{}@{cluster}", eksctl_user(caller_arn));
                (cluster, user)
            }
        };
        Self {
            cluster,
            user: user_alias.map_or(user, str::to_owned),
            context: alias.map(str::to_owned),
            is_user_given: user_alias.is_some(),
            is_cluster_ambiguous: matches!(style, NamingStyle::Eksctl { .. }),
        }
    }
}

/// eksctl's name of a cluster's entry.
pub fn eksctl_cluster(name: &str, region: &str) -> String {
    format!("{name}.{region}.eksctl.io")
}

/// The region in eksctl's name of this cluster's entry; none for any other name.
pub fn eksctl_region<'n>(entry: &'n str, cluster: &str) -> Option<&'n str> {
    entry
        .strip_prefix(cluster)
        .and_then(|rest| rest.strip_prefix('.'))
        .and_then(|rest| rest.strip_suffix(".eksctl.io"))
        .filter(|region| !region.contains('.'))
}

/// What eksctl calls the caller: what stands behind the last slash of the ARN (the session's name, for an assumed role),
/// or a name for the root user, whose ARN has no slash.
fn eksctl_user(caller_arn: &str) -> &str {
    match caller_arn.rsplit_once('/') {
        Some((_, name)) => name,
        None => "iam-root-account",
    }
}

/// The names that a user may get, best first: the wanted one, then with the role, the profile or both behind it, then
/// with a number. Endless, so that one is always free.
pub fn user_candidates(wanted: &str, sign_in: &SignIn) -> impl Iterator<Item = String> {
    let role = sign_in
        .role_arn
        .as_deref()
        .map(|arn| arn.rsplit('/').next().unwrap_or(arn).to_owned());
    let mut suffixes: Vec<String> = role.iter().chain(&sign_in.profile).cloned().collect();
    if let (Some(role), Some(profile)) = (&role, &sign_in.profile) {
        suffixes.push(format!("{role}@{profile}"));
    }
    let base = wanted.to_owned();
    let numbered = base.clone();
    std::iter::once(base.clone())
        .chain(suffixes.into_iter().map(move |suffix| format!("{base}@{suffix}")))
        .chain((2_u32..).map(move |number| format!("{numbered}-{number}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:eks:us-west-2:111122223333:cluster/bench";

    fn sign_in(role: Option<&str>, profile: Option<&str>) -> SignIn {
        SignIn {
            cluster: "bench".to_owned(),
            region: Some("us-west-2".to_owned()),
            role_arn: role.map(str::to_owned),
            profile: profile.map(str::to_owned),
        }
    }

    #[test]
    fn names_of_both_peers() {
        let aws = Names::new(&NamingStyle::ClusterArn, ARN, &sign_in(None, None), None, None);
        assert_eq!(
            (aws.cluster.as_str(), aws.user.as_str(), aws.context),
            (ARN, ARN, None)
        );
        let aliased = Names::new(
            &NamingStyle::ClusterArn,
            ARN,
            &sign_in(None, None),
            Some("prod"),
            Some("nina"),
        );
        assert_eq!(
            (
                aliased.cluster.as_str(),
                aliased.user.as_str(),
                aliased.context.as_deref()
            ),
            (ARN, "nina", Some("prod"))
        );
        for (caller, user) in [
            (
                "arn:aws:iam::111122223333:user/team/ceo",
                "ceo@bench.us-west-2.eksctl.io",
            ),
            (
                "arn:aws:sts::111122223333:assumed-role/admin/nina",
                "nina@bench.us-west-2.eksctl.io",
            ),
            (
                "arn:aws:iam::111122223333:root",
                "iam-root-account@bench.us-west-2.eksctl.io",
            ),
        ] {
            let style = NamingStyle::Eksctl {
                caller_arn: caller.to_owned(),
                cluster: "bench".to_owned(),
            };
            let names = Names::new(&style, ARN, &sign_in(None, None), None, None);
            assert_eq!(names.cluster, "bench.us-west-2.eksctl.io");
            assert_eq!(names.user, user);
        }
    }

    #[test]
    fn user_that_must_make_way_is_named_by_what_sets_it_apart() {
        let first = |sign_in: &SignIn| user_candidates("prod", sign_in).take(4).collect::<Vec<_>>();
        assert_eq!(
            first(&sign_in(Some("arn:aws:iam::1:role/team/deployer"), None)),
            ["prod", "prod@deployer", "prod-2", "prod-3"]
        );
        assert_eq!(
            first(&sign_in(None, None)),
            ["prod", "prod-2", "prod-3", "prod-4"]
        );
        assert_eq!(
            first(&sign_in(Some("arn:aws:iam::1:role/r"), Some("dev"))),
            ["prod", "prod@r", "prod@dev", "prod@r@dev"]
        );
    }
}
