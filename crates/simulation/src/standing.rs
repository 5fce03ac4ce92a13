//! Who may do what in a world: what the cluster makes of each principal, and which roles the pods of each service account get.

use std::collections::{BTreeMap, BTreeSet};

use eksact_core::ports::aws::Role;
use eksact_identity::{
    iam::{
        pod_identity::{PodIdentity, Trust},
        policy::TrustVerdict,
        web_identity::WebIdentityCall,
    },
    service_account::ServiceAccountKey,
};
use eksact_simulator::World;
use serde_json::Value;

use crate::{
    people::{caller, everybody, name_of},
    roles::{ASSUMABLE, role_name},
    world::{ACCOUNT, cluster_of},
};

/// What somebody has, each a word of its own.
pub type Rights = BTreeSet<String>;
/// What whoever has it needs nothing besides.
pub const EVERYTHING: &str = "everything";

/// What each of the watched principals has, by its ARN; nothing where it is not let in.
pub fn people(world: &World) -> BTreeMap<String, Rights> {
    everybody()
        .into_iter()
        .map(|arn| {
            let rights = rights_of(world, &arn);
            (arn, rights)
        })
        .collect()
}

fn rights_of(world: &World, arn: &str) -> Rights {
    // Nobody is a role that is not there.
    if arn.contains(":role/") && !world.roles.contains_key(name_of(arn)) {
        return Rights::new();
    }
    let Some(user) = world.user_info_of(&caller(arn)) else {
        return Rights::new();
    };
    let cluster = cluster_of(world);
    let mut rights = Rights::from(["gets in".to_owned(), format!("user {}", user.username)]);
    let reads_entries = cluster.cluster.authentication_mode.as_deref() != Some("CONFIG_MAP");
    let entry = cluster.eks.access_entries.get(arn).filter(|_| reads_entries);
    for policy in entry.iter().flat_map(|entry| &entry.policies) {
        let name = policy.arn.rsplit('/').next().unwrap_or_default();
        // What a policy allows is in what a wider one allows.
        let verbs: &[&str] = match name {
            "AmazonEKSClusterAdminPolicy" | "AmazonEKSEditPolicy" => &["view", "edit"],
            _ => &["view"],
        };
        for verb in verbs {
            rights.insert(format!("may {verb} in app"));
            if policy.namespaces.is_none() {
                rights.insert(format!("may {verb} everywhere"));
            }
        }
        if policy.namespaces.is_none() && name == "AmazonEKSClusterAdminPolicy" {
            rights.insert(EVERYTHING.to_owned());
        }
    }
    let binds_everything = |group: &str| {
        cluster.rbac_bindings.values().any(|binding| {
            binding.namespace.is_none()
                && binding.role_name == "cluster-admin"
                && binding
                    .subjects
                    .iter()
                    .any(|subject| subject.kind == "Group" && subject.name == group)
        })
    };
    for group in user.groups {
        if binds_everything(&group) {
            rights.insert(EVERYTHING.to_owned());
        }
        rights.insert(format!("group {group}"));
    }
    rights
}

/// What the pods of each service account may do in AWS, by the policies of the role that they get.
pub fn pods(world: &World) -> BTreeMap<String, Rights> {
    let cluster = cluster_of(world);
    let mut accounts: BTreeSet<String> = cluster.service_accounts.keys().cloned().collect();
    let associations = cluster.eks.pod_identity_associations.values();
    accounts.extend(associations.map(|one| format!("{}/{}", one.namespace, one.service_account)));
    accounts
        .into_iter()
        .map(|key| {
            let rights = rights_of_pods(world, &key).unwrap_or_default();
            (key, rights)
        })
        .collect()
}

fn rights_of_pods(world: &World, key: &str) -> Option<Rights> {
    let cluster = cluster_of(world);
    let account = ServiceAccountKey::parse(key)?;
    let mut associations = cluster.eks.pod_identity_associations.values();
    let association =
        associations.find(|one| one.namespace == account.namespace && one.service_account == account.name);
    let arn = match association {
        // The webhook prefers it.
        Some(association) => association.role_arn.as_str(),
        None => cluster
            .service_accounts
            .get(key)?
            .annotations
            .get("eks.amazonaws.com/role-arn")?,
    };
    let role = world.roles.values().find(|role| role.arn == arn)?;
    let is_let_in = match association {
        Some(association) => {
            let identity = PodIdentity {
                cluster_arn: &cluster.cluster.arn,
                account: &account,
                has_session_tags: !association.disable_session_tags,
            };
            identity.judge(&role.trust_policy) == Trust::Given
        }
        None => {
            let issuer = cluster.cluster.oidc_issuer.as_ref()?;
            let issuer = issuer.trim_start_matches("https://").to_owned();
            let provider_arn = format!("arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}");
            let provider = world.oidc_providers.get(&provider_arn)?;
            let call = WebIdentityCall {
                provider_arn,
                issuer,
                subject: format!("system:serviceaccount:{}:{}", account.namespace, account.name),
                audience: "sts.amazonaws.com".to_owned(),
                account: ACCOUNT.to_owned(),
                time: None,
            };
            provider.audiences.contains(&call.audience)
                && call.judged_by(&role.trust_policy) == TrustVerdict::Allowed
        }
    };
    if !is_let_in {
        return None;
    }
    let mut rights = rights_of_role(world, role);
    rights.insert("gets a role".to_owned());
    Some(rights)
}

/// How a right begins that is what a policy of the account allows.
const SAYS: &str = "policy ";

/// What a role allows in AWS, with what the policies of the account say that it has.
fn rights_of_role(world: &World, role: &Role) -> Rights {
    let managed = role
        .managed_policy_arns
        .iter()
        .map(|arn| format!("managed {arn}"));
    let says = role
        .managed_policy_arns
        .iter()
        .filter_map(|arn| world.managed_policies.get(arn))
        .map(|policy| format!("{SAYS}{}: {}", policy.name, policy.document));
    let inline = role
        .inline_policies
        .values()
        .map(|policy| format!("inline {policy}"));
    managed.chain(says).chain(inline).collect()
}

/// The policy of the account by which somebody has a right.
pub fn policy_behind(right: &str) -> Option<&str> {
    let (name, _) = right.strip_prefix(SAYS)?.split_once(": ")?;
    Some(name)
}

/// Of each role that files make: whom it lets in, and what it allows.
pub fn roles(world: &World) -> BTreeMap<String, Rights> {
    (0..ASSUMABLE.len())
        .filter_map(|number| world.roles.get(role_name(number)))
        .map(|role| {
            let mut rights = rights_of_role(world, role);
            rights.extend(ways(&role.trust_policy));
            (role.name.clone(), rights)
        })
        .collect()
}

/// Whom a trust policy lets in, each with what is asked of them.
fn ways(trust_policy: &Value) -> Rights {
    let statements = trust_policy["Statement"].as_array().into_iter().flatten();
    statements
        .filter(|statement| statement["Effect"] == "Allow")
        .flat_map(|statement| {
            let by_sort = statement["Principal"].as_object().into_iter().flatten();
            let principals = by_sort.flat_map(|(_, of_sort)| match of_sort {
                Value::Array(several) => several.clone(),
                one => vec![one.clone()],
            });
            principals.map(|name| format!("lets in {name} if {}", statement["Condition"]))
        })
        .collect()
}
