//! The deployers of `examples/deployers.yaml`: what they may in the cluster, and which broken link keeps them out.

use std::fmt::Write as _;

use eksact_core::ports::aws::{Role, User};
use eksact_simulator::World;
use serde_json::{Value, json};

use crate::commands::{
    place::assert_story,
    roles_and_policies::{NINA, applied},
};

#[test]
fn deployers_may_list_pods_and_may_not_delete_them() {
    let mut place = applied();
    let role = "arn:aws:iam::111122223333:role/eks-deployer";
    let session = "arn:aws:sts::111122223333:assumed-role/eks-deployer/nina";
    place.tell(&[
        "explain",
        "access",
        "sts:AssumeRole",
        role,
        "--as",
        NINA,
        "--cluster",
        "prod",
    ]);
    for verb in ["list", "delete"] {
        place.tell(&[
            "explain",
            "access",
            verb,
            "pods",
            "-n",
            "app",
            "--as",
            session,
            "--cluster",
            "prod",
        ]);
    }
    place.tell(&[
        "update-kubeconfig",
        "--name",
        "prod",
        "--region",
        "eu-west-1",
        "--kubeconfig",
        "kubeconfig",
        "--portable",
        "--assume-role",
        "eks-deployer",
    ]);
    assert_story!("deployers", place.story());
}

/// One broken link at a time, and what `explain access` says of it.
#[test]
fn explain_access_names_the_broken_link() {
    fn role(world: &mut World) -> &mut Role {
        world.roles.get_mut("eks-deployer").unwrap()
    }
    fn nina(world: &mut World) -> &mut User {
        world.user_details.get_mut(NINA).unwrap()
    }
    fn statement(world: &mut World) -> &mut Value {
        &mut role(world).trust_policy["Statement"][0]
    }
    fn cluster(world: &mut World) -> &mut eksact_simulator::SimulatedCluster {
        world.clusters.values_mut().next().unwrap()
    }
    fn map_roles(world: &mut World, edit: impl Fn(&str) -> String) {
        let aws_auth = cluster(world)
            .config_maps
            .get_mut("kube-system/aws-auth")
            .unwrap();
        let entries = aws_auth.data.get_mut("mapRoles").unwrap();
        *entries = edit(entries);
    }
    fn allow(action: &str) -> Value {
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})
    }
    fn deny(action: &str) -> Value {
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": action, "Resource": "*"}]})
    }
    /// A binding for her session alone, in the place of the group's.
    fn bind_her(world: &mut World) {
        let bindings = cluster(world).rbac_bindings.values_mut();
        for subject in bindings.flat_map(|binding| &mut binding.subjects) {
            if subject.name == "deployers" {
                "User".clone_into(&mut subject.kind);
                "aws:111122223333:eks-deployer:nina".clone_into(&mut subject.name);
            }
        }
    }
    let links: [(&str, fn(&mut World)); 13] = [
        ("the role is absent", |world| {
            drop(world.roles.remove("eks-deployer"));
        }),
        ("the trust policy does not name her", |world| {
            statement(world)["Principal"]["AWS"] = json!("arn:aws:iam::111122223333:user/eve");
        }),
        ("the trust policy asks for MFA", |world| {
            statement(world)["Condition"] = json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}});
        }),
        ("a policy of hers denies it", |world| {
            nina(world)
                .inline_policies
                .insert("own".to_owned(), deny("sts:AssumeRole"));
        }),
        (
            "only her account is trusted, and no policy of hers allows it",
            |world| {
                statement(world)["Principal"]["AWS"] = json!("arn:aws:iam::111122223333:root");
            },
        ),
        ("her boundary does not allow it", |world| {
            statement(world)["Principal"]["AWS"] = json!("arn:aws:iam::111122223333:root");
            nina(world)
                .inline_policies
                .insert("own".to_owned(), allow("sts:AssumeRole"));
            let boundary = "arn:aws:iam::111122223333:policy/boundary";
            world.policies.insert(boundary.to_owned());
            world.policy_documents.insert(boundary.to_owned(), allow("s3:*"));
            nina(world).permissions_boundary = Some(boundary.to_owned());
        }),
        ("no mapping", |world| map_roles(world, |_| "[]\n".to_owned())),
        ("the mapping has the role's path", |world| {
            map_roles(world, |text| {
                text.replace("role/eks-deployer", "role/people/eks-deployer")
            });
        }),
        ("the mapping has another group", |world| {
            map_roles(world, |text| text.replace("deployers", "deployer"));
        }),
        ("the group is not bound", |world| {
            cluster(world).rbac_bindings.clear();
        }),
        ("the binding is in another namespace", |world| {
            let bindings = &mut cluster(world).rbac_bindings;
            let is_ours = |subjects: &[eksact_core::ports::kubernetes::Subject]| {
                subjects.iter().any(|subject| subject.name == "deployers")
            };
            let key = bindings
                .iter()
                .find(|(_, binding)| is_ours(&binding.subjects))
                .map(|(key, _)| key.clone())
                .unwrap();
            let mut binding = bindings.remove(&key).unwrap();
            binding.namespace = Some("default".to_owned());
            bindings.insert(format!("default/{}", binding.name), binding);
        }),
        ("the cluster role does not have the verb", |world| {
            for role in cluster(world).rbac_roles.values_mut() {
                for rule in &mut role.rules {
                    rule.verbs.retain(|verb| verb != "list");
                }
            }
        }),
        (
            "the mapping makes another user name than the binding names",
            |world| {
                bind_her(world);
                map_roles(world, |text| {
                    text.replace("eks-deployer:{{SessionName}}", "deployer:{{SessionName}}")
                });
            },
        ),
    ];
    let role_arn = "arn:aws:iam::111122223333:role/eks-deployer";
    let session = "arn:aws:sts::111122223333:assumed-role/eks-deployer/nina";
    // The first six links are between her and the role, the others between the role and its right.
    let assume = [
        "explain",
        "access",
        "sts:AssumeRole",
        role_arn,
        "--as",
        NINA,
        "--cluster",
        "prod",
    ];
    let list = [
        "explain",
        "access",
        "list",
        "pods",
        "-n",
        "app",
        "--as",
        session,
        "--cluster",
        "prod",
    ];
    let place = applied();
    place.edit("prod", bind_her);
    let whole = place.run(&list);
    assert_eq!(whole.code, 0, "{}", whole.stdout);
    let mut story = String::new();
    for (number, (link, break_it)) in links.into_iter().enumerate() {
        let place = applied();
        place.edit("prod", break_it);
        let ended = if number < 6 {
            place.run(&assume)
        } else {
            place.run(&list)
        };
        assert_ne!(ended.code, 0, "{link}: {}", ended.stdout);
        let _ = writeln!(story, "== {link}\n{}", ended.stdout);
    }
    assert_story!("deployers-broken-links", story);
}
