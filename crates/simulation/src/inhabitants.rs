//! The world of a story before eksact comes: what people made for themselves, and what is nobody's business of eksact's.

use std::collections::BTreeMap;

use eksact_core::ports::{
    aws::{AccessEntry, IdentityProviderConfig, PodIdentityAssociation, Role},
    kubernetes::{ConfigMap, Pod, RbacBinding, RbacRole, ServiceAccount, Subject},
};
use eksact_simulator::World;
use serde_json::{Value, json};

use crate::{
    file::{MODES, ROLES, SHARED},
    hands::{edit_aws_auth, entry, line},
    people::{NODE, OUTSIDER, PRINCIPALS, name_of, principal},
    roles::{self, TAKEN, role_arn},
    service_accounts,
    story::Land,
    world::{ACCOUNT, cluster, cluster_of},
};

/// The lines of aws-auth that nobody touches, in the middle of what people wrote.
const FOREIGN_LINES: &str = "\
# Nodes first: without these nothing runs.
- rolearn: arn:aws:iam::111122223333:role/node   # ng-1
  username: system:node:{{EC2PrivateDNSName}}
  groups: [system:bootstrappers, system:nodes]

# Somebody else's.
- groups:
    - outsiders
  rolearn: \"arn:aws:iam::111122223333:role/outsider\"
  username: 'outsider:{{SessionName}}'
  owner: ops@example.com
";

fn role(arn: &str, statements: &[Value]) -> Role {
    let path = arn.split_once(":role").map_or("/", |(_, path)| path);
    let name = name_of(arn);
    Role {
        name: name.to_owned(),
        arn: arn.to_owned(),
        id: format!("AROA{}", name.to_uppercase()),
        path: path.strip_suffix(name).unwrap_or("/").to_owned(),
        trust_policy: json!({"Version": "2012-10-17", "Statement": statements}),
        managed_policy_arns: Vec::new(),
        inline_policies: BTreeMap::new(),
        max_session_seconds: None,
        permissions_boundary: None,
        tags: BTreeMap::new(),
    }
}

/// Whoever of the account a policy of their own allows it.
fn people_of_the_account() -> Value {
    json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")}})
}

fn roles_of_people() -> Vec<Role> {
    let service = |service: &str, actions: Value| json!({"Effect": "Allow", "Principal": {"Service": service}, "Action": actions});
    let people = service("ec2.amazonaws.com", json!("sts:AssumeRole"));
    let pods = service(
        "pods.eks.amazonaws.com",
        json!(["sts:AssumeRole", "sts:TagSession"]),
    );
    let of_people = (0..PRINCIPALS)
        .map(principal)
        .filter(|arn| arn.contains(":role/"))
        .chain([OUTSIDER, NODE].map(str::to_owned));
    let mut roles: Vec<Role> = of_people
        .map(|arn| role(&arn, std::slice::from_ref(&people)))
        .collect();
    let arn = |name: &str| format!("arn:aws:iam::{ACCOUNT}:role/{name}");
    roles.extend(ROLES.map(|name| role(&arn(name), std::slice::from_ref(&pods))));
    roles.push(role(&arn("foreign"), std::slice::from_ref(&people)));
    let ops = json!({"Sid": "Ops", "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:role/outsider")}});
    roles.push(role(&arn(SHARED), &[ops, people]));
    roles
}

fn outsiders(world: &mut World) {
    for role in roles_of_people() {
        world.roles.insert(role.name.clone(), role);
    }
    let cluster = cluster(world);
    let binding = RbacBinding {
        name: "theirs".to_owned(),
        uid: "uid of theirs".to_owned(),
        resource_version: "1".to_owned(),
        role_kind: "ClusterRole".to_owned(),
        role_name: "theirs".to_owned(),
        subjects: vec![Subject {
            kind: "Group".to_owned(),
            name: "outsiders".to_owned(),
            namespace: None,
        }],
        ..RbacBinding::default()
    };
    cluster.rbac_bindings.insert("/theirs".to_owned(), binding);
    let role = RbacRole {
        name: "theirs".to_owned(),
        uid: "uid of the role".to_owned(),
        resource_version: "1".to_owned(),
        rules: cluster.rbac_roles["/view"].rules.clone(),
        ..RbacRole::default()
    };
    cluster.rbac_roles.insert("/theirs".to_owned(), role);
    let settings = ConfigMap {
        namespace: "app".to_owned(),
        name: "settings".to_owned(),
        uid: "uid of settings".to_owned(),
        resource_version: "1".to_owned(),
        data: BTreeMap::from([("level".to_owned(), "7".to_owned())]),
        ..ConfigMap::default()
    };
    cluster.config_maps.insert("app/settings".to_owned(), settings);
    let association = PodIdentityAssociation {
        id: "a-untouched".to_owned(),
        arn: format!("arn:aws:eks:us-west-2:{ACCOUNT}:podidentityassociation/prod/a-untouched"),
        namespace: "app".to_owned(),
        service_account: "untouched".to_owned(),
        role_arn: format!("arn:aws:iam::{ACCOUNT}:role/reader"),
        ..PodIdentityAssociation::default()
    };
    cluster
        .eks
        .pod_identity_associations
        .insert(association.id.clone(), association);
    for (key, account) in &cluster.service_accounts {
        let pod = Pod {
            namespace: account.namespace.clone(),
            name: format!("{}-pod", account.name),
            service_account: account.name.clone(),
            phase: "Running".to_owned(),
            controller: Some(format!("deployment/{}", account.name)),
            ..Pod::default()
        };
        cluster.pods.insert(format!("{key}-pod"), pod);
    }
}

/// The world of a land.
pub async fn settle(land: &Land) -> World {
    let bed = service_accounts::inhabited().await;
    let mut world = bed.world().unwrap();
    outsiders(&mut world);
    let (role_is_taken, policy_is_taken) = land.taken;
    roles::settle(&mut world, policy_is_taken);
    if role_is_taken {
        let taken = role(&role_arn(TAKEN), &[people_of_the_account()]);
        world.roles.insert(taken.name.clone(), taken);
    }
    edit_aws_auth(&mut world, |config_map| {
        config_map
            .data
            .insert("mapRoles".to_owned(), FOREIGN_LINES.to_owned());
        for (who, group) in &land.lines {
            let (section, line) = line(*who, *group);
            config_map
                .data
                .entry(section.to_owned())
                .or_default()
                .push_str(&line);
        }
    });
    let mode = MODES[land.mode % MODES.len()];
    let cluster = cluster(&mut world);
    cluster.cluster.authentication_mode = Some(mode.to_owned());
    cluster.cluster.auto_mode = true;
    cluster.eks.updates.creator = Some(crate::people::CALLER.to_owned());
    if mode == "CONFIG_MAP" {
        cluster.eks.access_entries.clear();
    } else {
        let outsider = AccessEntry {
            principal_arn: OUTSIDER.to_owned(),
            username: "outsider".to_owned(),
            groups: vec!["outsiders".to_owned()],
            entry_type: "STANDARD".to_owned(),
            ..AccessEntry::default()
        };
        let of_people = land.entries.iter().map(|(who, group)| entry(*who, *group));
        for entry in of_people.chain([outsider]) {
            cluster
                .eks
                .access_entries
                .insert(entry.principal_arn.clone(), entry);
        }
    }
    world.stack_seconds = land.stack_seconds;
    world.change_set_seconds = land.stack_seconds / 2;
    world.update_seconds = land.update_seconds;
    world.iam_lag_milliseconds = land.iam_lag_milliseconds;
    world.eks_lag_milliseconds = land.eks_lag_milliseconds;
    world.list_lag_milliseconds = land.list_lag_milliseconds;
    world
}

/// Everything of others, as it is; of what eksact may write a part of, all but that part.
pub fn foreign(world: &World) -> Value {
    let cluster = cluster_of(world);
    let lines = cluster
        .config_maps
        .get("kube-system/aws-auth")
        .and_then(|config_map| config_map.data.get("mapRoles"))
        .map(|text| {
            let lines = FOREIGN_LINES.lines().filter(|line| line.trim() != "");
            let mut left = text.lines();
            lines
                .map(|line| left.any(|other| other == line))
                .collect::<Vec<bool>>()
        });
    let entry = cluster.eks.access_entries.get(OUTSIDER).map(|entry| {
        json!([
            entry.username,
            entry.groups,
            entry.policies.len(),
            entry.entry_type
        ])
    });
    let accounts: BTreeMap<&String, &ServiceAccount> = cluster
        .service_accounts
        .iter()
        .filter(|(key, _)| key.ends_with("/default"))
        .collect();
    let providers: Vec<&IdentityProviderConfig> = cluster
        .eks
        .identity_providers
        .values()
        .filter(|provider| provider.name == "corp")
        .collect();
    let people: BTreeMap<&String, &Role> = world
        .roles
        .iter()
        .filter(|(name, role)| {
            !service_accounts::is_ours(&role.tags) && *name != SHARED && *name != "foreign"
        })
        .collect();
    let shared = &world.roles[SHARED];
    json!({
        "service accounts": service_accounts::foreign_stacks_and_accounts(world),
        "default service accounts": accounts,
        "roles": people,
        "policies": roles::foreign(world),
        "shared role": [shared.tags, shared.managed_policy_arns, shared.trust_policy["Statement"][0]],
        "bindings": cluster.rbac_bindings.iter().filter(|(key, _)| !key.contains("eksact:")).collect::<Vec<_>>(),
        "cluster roles": cluster.rbac_roles.iter().filter(|(key, _)| !key.contains("eksact:")).collect::<Vec<_>>(),
        "config map": cluster.config_maps.get("app/settings"),
        "association": cluster.eks.pod_identity_associations.get("a-untouched"),
        "entry of somebody else": entry,
        "identity providers": providers,
        "lines of aws-auth": lines,
    })
}
