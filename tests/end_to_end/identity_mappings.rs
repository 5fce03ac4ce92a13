//! Identity mappings and what the real server makes of them: the written entries let in whom they name, as whom they
//! say, and nothing else of a hand-written aws-auth changes.

use std::fmt::Write as _;

use serde_json::json;

use super::bed::{Bed, Ran, until};
use super::people::{Keys, WhoAmI};
use crate::support::at_once::at_once;

/// A hand-written aws-auth: comments, odd spacing, other quotes, an unknown field, an entry for which the file has other
/// groups, and the deployer's own.
const MAP_ROLES: &str = "\
# Ask the platform team before you touch this.
- rolearn: arn:aws:iam::111122223333:role/node   # the nodes
  username: system:node:{{EC2PrivateDNSName}}
  groups:
  - system:bootstrappers
  - system:nodes

-   groups: [ 'system:masters' ]
    rolearn: \"arn:aws:iam::111122223333:role/deployer\"
    username: deployer

- rolearn: arn:aws:iam::111122223333:role/mapped-00
  username: 'role-00:{{SessionName}}'   # a name that people know
  groups:
    - old-group
  owner: team-a
# the end
";
const MAP_USERS: &str = "- {userarn: 'arn:aws:iam::111122223333:user/deployer', username: deployer, groups: [system:masters]}\r\n";

const ROLES: usize = 30;
const USERS: usize = 19;

/// One mapping of the file, and who it must let in as what.
struct Wanted {
    arn: String,
    username: String,
    groups: Vec<String>,
    keys: Keys,
    expected: WhoAmI,
}

fn role(bed: &Bed, number: usize) -> Wanted {
    let name = format!("mapped-{number:02}");
    let session = format!("person{number}@example.com");
    let username = format!("role-{number:02}:{{{{SessionName}}}}");
    let groups = vec![format!("group-{}", number % 4), "everybody".to_owned()];
    // A path is in the role's own ARN and in none that aws-auth may name.
    let path = if number.is_multiple_of(3) { "/teams/" } else { "/" };
    Wanted {
        arn: format!("arn:aws:iam::{}:role/{name}", bed.fact("account")),
        expected: WhoAmI {
            username: format!("role-{number:02}:person{number}-example.com"),
            groups: groups.clone(),
        },
        username,
        groups,
        keys: bed.make_session(path, &name, &session),
    }
}

fn user(bed: &Bed, number: usize) -> Wanted {
    let name = format!("person-{number:02}");
    let path = if number.is_multiple_of(2) { "/people/" } else { "/" };
    let username = format!("{{{{AccountID}}}}:{name}");
    Wanted {
        arn: format!("arn:aws:iam::{}:user{path}{name}", bed.fact("account")),
        expected: WhoAmI {
            username: format!("{}:{name}", bed.fact("account")),
            groups: vec![format!("group-{}", number % 4)],
        },
        username,
        groups: vec![format!("group-{}", number % 4)],
        keys: bed.make_user(path, &name),
    }
}

fn deployer(bed: &Bed) -> Wanted {
    let account = bed.fact("account");
    Wanted {
        arn: format!("arn:aws:iam::{account}:role/eks-deployer"),
        username: "aws:{{AccountID}}:eks-deployer:{{SessionName}}".to_owned(),
        groups: vec!["eks-deployers".to_owned()],
        keys: bed.make_session("/", "eks-deployer", "nina"),
        expected: WhoAmI {
            username: format!("aws:{account}:eks-deployer:nina"),
            groups: vec!["eks-deployers".to_owned()],
        },
    }
}

/// The ClusterConfig with the mappings, and eksact's own document that binds the deployers' group.
fn file(bed: &Bed, wanted: &[Wanted]) -> String {
    let mut text =
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: bench, region: us-west-2}\n\
         iamIdentityMappings:\n"
            .to_owned();
    for mapping in wanted {
        let _ = write!(
            text,
            "- arn: {}\n  username: {}\n  groups: {}\n",
            mapping.arn,
            json!(mapping.username),
            json!(mapping.groups)
        );
    }
    text.push_str(
        "---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\ngroups:\n- name: eks-deployers\n  bindings:\n  \
         - rules:\n    - {apiGroups: [apps], resources: [deployments], verbs: [get, list, patch]}\n    \
         namespaces: [web]\n",
    );
    bed.file("access.yaml", &text)
}

/// Asserts that `after` is `before` with lines put in, and gives those; `changed` tells the lines of `before` that may
/// be gone.
fn added_lines(before: &str, after: &str, changed: &[&str]) -> Vec<String> {
    let mut rest = before.split_inclusive('\n').peekable();
    let mut added = Vec::new();
    for line in after.split_inclusive('\n') {
        while rest
            .next_if(|next| *next != line && changed.contains(next))
            .is_some()
        {}
        if rest.next_if_eq(&line).is_none() {
            added.push(line.to_owned());
        }
    }
    while rest.next_if(|next| changed.contains(next)).is_some() {}
    assert_eq!(rest.next(), None, "lost of\n{before}\nin\n{after}");
    added
}

#[test]
fn fifty_mappings_over_a_hand_written_aws_auth() {
    let bed = Bed::start();
    bed.make_namespace("web");
    bed.put_aws_auth(&json!({"mapRoles": MAP_ROLES, "mapUsers": MAP_USERS, "notes": "not ours"}));
    let mut wanted: Vec<Wanted> = (0..ROLES).map(|number| role(&bed, number)).collect();
    wanted.extend((0..USERS).map(|number| user(&bed, number)));
    wanted.push(deployer(&bed));
    assert_eq!(wanted.len(), 50);
    assert_eq!(bed.who_am_i(&wanted[1].keys), None);

    let file = file(&bed, &wanted);
    bed.apply(&file).ended(0);
    bed.nothing_to_do(&file);

    // Only the intended lines differ: all that was there stands as it stood, but for the groups of the entry that the
    // file changes.
    let (roles, users) = (bed.section("mapRoles"), bed.section("mapUsers"));
    let added = added_lines(MAP_ROLES, &roles, &["    - old-group\n"]);
    let text = added.concat();
    for mapping in wanted.iter().filter(|mapping| mapping.arn.contains(":role/")) {
        let is_old = mapping.arn.ends_with("mapped-00");
        assert_eq!(text.contains(&mapping.arn), !is_old, "{text}");
    }
    let users_text = added_lines(MAP_USERS, &users, &[]).concat();
    for mapping in wanted.iter().filter(|mapping| mapping.arn.contains(":user/")) {
        assert!(users_text.contains(&mapping.arn), "{users_text}");
    }
    assert_eq!(bed.section("notes"), "not ours");

    // The authenticator sees a change a moment later.
    let last = &wanted[wanted.len() - 1];
    until("the authenticator to see the new mappings", || {
        bed.who_am_i(&last.keys).is_some()
    });
    std::thread::scope(|scope| {
        for share in wanted.chunks(wanted.len().div_ceil(4)) {
            let bed = &bed;
            scope.spawn(move || {
                for mapping in share {
                    let told = bed.who_am_i(&mapping.keys);
                    assert_eq!(told.as_ref(), Some(&mapping.expected), "{}", mapping.arn);
                }
            });
        }
    });

    // The deployers may what their binding says, and no more.
    let token = bed.token(&last.keys);
    for (question, may) in [
        (["patch", "deployments.apps", "-n", "web"], true),
        (["list", "deployments.apps", "-n", "web"], true),
        (["delete", "deployments.apps", "-n", "web"], false),
        (["get", "secrets", "-n", "web"], false),
        (["patch", "deployments.apps", "-n", "default"], false),
        (["patch", "configmaps", "-n", "kube-system"], false),
    ] {
        assert_eq!(bed.can_i(&token, &question), may, "{question:?}");
    }
}

const PROCESSES: usize = 20;
const ROUNDS: usize = 3;

#[test]
fn additions_by_twenty_processes_at_once_all_succeed() {
    let bed = Bed::start();
    bed.put_aws_auth(&json!({"mapRoles": MAP_ROLES, "mapUsers": MAP_USERS}));
    let mut text = MAP_ROLES.to_owned();
    for round in 0..ROUNDS {
        let arn = |number| format!("arn:aws:iam::111122223333:role/round-{round}-{number:02}");
        let commands = (0..PROCESSES).map(|number| {
            bed.eksact(&[
                "create",
                "iamidentitymapping",
                "--cluster",
                "bench",
                "--arn",
                &arn(number),
                "--username",
                "someone",
                "--group",
                "some",
                "--approve",
            ])
        });
        for output in at_once(commands) {
            Ran::from(output).ended(0);
        }
        let after = bed.section("mapRoles");
        let added = added_lines(&text, &after, &[]).concat();
        for number in 0..PROCESSES {
            assert_eq!(added.matches(&arn(number)).count(), 1, "{}: {after}", arn(number));
        }
        text = after;
    }
    assert_eq!(bed.section("mapUsers"), MAP_USERS);
}
