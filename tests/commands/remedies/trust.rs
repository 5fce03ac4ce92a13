//! Trust policies of roles that the file attaches or shares: what plans and `check irsa` say of them, done.

use eksact_core::ports::aws::PodIdentityAssociation;
use eksact_simulator::World;
use serde_json::{Value, json};

use super::{
    case::{Case, Check, case},
    world::{ACCESS, HEAD, add_role, aws_auth, cluster, role, role_of_another_account, trust_of_web, web},
};

const ROLE: &str = "arn:aws:iam::111122223333:role/deployer";
const ACCOUNT: &str = "111122223333";
const CHECK: &str = "check irsa app/web --cluster quickstart --region eu-west-1";
const PLAN: &str = "plan -f c.yaml";

pub(super) fn cases() -> Vec<Check> {
    [
        attached(),
        policies(),
        shared(),
        lengths(),
        removals(),
        thumbprints(),
        rights(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A file whose service account `app/web` has this role of somebody else's.
fn attaching(arn: &str) -> String {
    format!(
        "{HEAD}iam: {{withOIDC: true, serviceAccounts: [{{metadata: {{name: web, namespace: app}}, attachRoleARN: '{arn}'}}]}}\n"
    )
}

fn good_role(world: &mut World, arn: &str) {
    let statement = trust_of_web(world, ACCOUNT);
    add_role(world, arn, &json!([statement]));
}

fn attached() -> Vec<Check> {
    let nothing = "arn:aws:iam::111122223333:role/nothing";
    let missing = || {
        case(PLAN)
            .file("c.yaml", attaching(nothing))
            .world(|world| good_role(world, ROLE))
            .says("Create the role, or correct `attachRoleARN`.")
    };
    vec![
        missing().change(|world| good_role(world, nothing)).check(),
        missing().replace("c.yaml", nothing, ROLE).check(),
        case(PLAN)
            .file("c.yaml", attaching(ROLE))
            .world(|world| good_role(world, "arn:aws:iam::111122223333:role/team/deployer"))
            .says("Write `attachRoleARN: arn:aws:iam::111122223333:role/team/deployer`.")
            .replace("c.yaml", ROLE, "arn:aws:iam::111122223333:role/team/deployer")
            .check(),
        case(PLAN)
            .file("c.yaml", attaching("arn:aws:iam::999988887777:role/elsewhere"))
            .first(
                "eksact utils associate-iam-oidc-provider --cluster quickstart --region eu-west-1 --approve",
            )
            .after_first(|world| {
                role_of_another_account(world, true);
            })
            .says("After the apply, make the call of a pod to find out")
            .run("eksact apply -f c.yaml --yes")
            .in_its_place(&[])
            .check(),
    ]
}

/// The command, with `app/web` and a role of this trust policy.
fn trusting(command: &str, statements: impl FnOnce(Value) -> Value + Send + 'static) -> Case {
    case(command)
        .file("c.yaml", attaching(ROLE))
        .world(|world| good_role(world, ROLE))
        .first("eksact apply -f c.yaml --yes")
        .after_first(move |world| {
            let good = trust_of_web(world, ACCOUNT);
            add_role(world, ROLE, &statements(good));
        })
}

fn policies() -> Vec<Check> {
    let denied = |good: Value| json!([good, {"Effect": "Deny", "Action": "*", "Principal": "*"}]);
    let open = |mut good: Value| {
        good["Condition"] = json!({});
        json!([good])
    };
    // One statement for two clusters, which one condition cannot narrow.
    let of_two = |mut good: Value| {
        let own = good["Principal"]["Federated"].as_str().unwrap().to_owned();
        good["Principal"]["Federated"] = json!([own, own.replace("/id/", "/id/00")]);
        good["Condition"] = json!({});
        json!([good])
    };
    let split = |world: &mut World, help: &str| {
        let line = help.lines().find_map(|line| line.strip_prefix("    {")).unwrap();
        let statement: Value = serde_json::from_str(&format!("{{{line}")).unwrap();
        let mut other = trust_of_web(world, ACCOUNT);
        let own = other["Principal"]["Federated"].as_str().unwrap().to_owned();
        other["Principal"]["Federated"] = json!(own.replace("/id/", "/id/00"));
        add_role(world, ROLE, &json!([statement, other]));
    };
    let until = |mut good: Value| {
        good["Condition"]["DateLessThan"] = json!({"aws:CurrentTime": "2090-01-01T00:00:00Z"});
        json!([good])
    };
    let mut checks = Vec::new();
    for command in [CHECK, PLAN] {
        checks.extend([
            trusting(command, |_| json!([]))
                .says("Add this statement to the trust policy of the role deployer, where it is kept")
                .printed(&[])
                .check(),
            trusting(command, denied)
                .says("write the policy without it")
                .printed(&[])
                .check(),
            trusting(command, open)
                .says("Where no other service account needs the role, name this one only")
                .printed(&[])
                .check(),
            trusting(command, open)
                .says("The change that names this service account only ends this as well.")
                .printed_elsewhere("Where no other service account needs the role")
                .check(),
            trusting(command, of_two)
                .says("Name each service account that needs the role in a statement of its own")
                .by_hand(split)
                .check(),
            // With what it takes besides, the policy is longer than every account allows.
            trusting(command, |good| {
                json!(
                    vec![good["Principal"].clone(); 14]
                        .into_iter()
                        .map(|principal| {
                            json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal})
                        })
                        .collect::<Vec<_>>()
                )
            })
            .says("This asks for more: `aws service-quotas")
            .printed(&[])
            .check(),
        ]);
    }
    // A plan does not know when the call is made.
    checks.push(
        trusting(PLAN, until)
            .says("Only the call itself can show it: ")
            .in_its_place(&[])
            .check(),
    );
    checks
}

/// A file that shares a role, named so.
fn sharing(role: &str) -> String {
    format!(
        "{HEAD}iam: {{withOIDC: true}}\n{ACCESS}sharedRoles: [{{{role}, serviceAccounts: [{{namespace: app, name: web}}]}}]\n"
    )
}

/// A role that another service may assume as well.
pub(super) fn of_tasks(world: &mut World, arn: &str) {
    let tasks = json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs-tasks.amazonaws.com"}});
    add_role(world, arn, &json!([tasks]));
}

fn shared() -> Vec<Check> {
    let of_path = "arn:aws:iam::111122223333:role/team/deployer";
    let reserved =
        "arn:aws:iam::111122223333:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS";
    let missing = "`sharedRoles` does not create a role: create it first";
    let made_here = format!(
        "{HEAD}iam: {{withOIDC: true, serviceAccounts: [{{metadata: {{name: web, namespace: app}}, roleName: deployer, \
         attachPolicyARNs: ['arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess']}}]}}\n{ACCESS}sharedRoles: [{{roleName: deployer, serviceAccounts: [{{namespace: app, name: api}}]}}]\n"
    );
    let elsewhere = "arn:aws:iam::999988887777:role/elsewhere";
    let line = format!(
        "sharedRoles: [{{roleARN: '{elsewhere}', serviceAccounts: [{{namespace: app, name: web}}]}}]"
    );
    vec![
        case(PLAN)
            .file("c.yaml", sharing("roleName: deployer"))
            .says(missing)
            .change(|world| of_tasks(world, ROLE))
            .check(),
        case(PLAN)
            .file("c.yaml", made_here)
            .says("If this very plan makes it, apply the file once more.")
            .run_in_part("eksact apply -f c.yaml --yes")
            .check(),
        case(PLAN)
            .file("c.yaml", sharing(&format!("roleARN: '{ROLE}'")))
            .world(move |world| of_tasks(world, of_path))
            .says("Write `roleARN: arn:aws:iam::111122223333:role/team/deployer`.")
            .replace("c.yaml", ROLE, of_path)
            .check(),
        case(PLAN)
            .file("c.yaml", sharing(&format!("roleARN: '{reserved}'")))
            .world(move |world| {
                of_tasks(world, reserved);
                of_tasks(world, ROLE);
            })
            .says("Share a role of your own.")
            .replace("c.yaml", reserved, ROLE)
            .check(),
        case(PLAN)
            .file("c.yaml", format!("{}{ACCESS}{line}\n", attaching(elsewhere)))
            .first(
                "eksact utils associate-iam-oidc-provider --cluster quickstart --region eu-west-1 --approve",
            )
            .says("and add this statement to the role's trust policy")
            .by_hand(|world, help| {
                let statement = help.lines().find_map(|line| line.strip_prefix("    {")).unwrap();
                let statement: Value = serde_json::from_str(&format!("{{{statement}")).unwrap();
                let arn = role_of_another_account(world, true);
                assert_eq!(
                    statement["Principal"],
                    world.roles["elsewhere"].trust_policy["Statement"][0]["Principal"]
                );
                add_role(world, &arn, &json!([statement]));
            })
            .replace("c.yaml", line, "sharedRoles: []")
            .run("eksact apply -f c.yaml --yes")
            .run(format!("eksact {CHECK} --try"))
            // The sandbox lists the roles of both accounts.
            .leaves("not-pruned")
            .check(),
    ]
}

/// A trust policy that the statement of this cluster makes too long.
fn lengths() -> Vec<Check> {
    let too_long = |characters: usize, accounts: usize| {
        let accounts: Vec<String> = (0..accounts)
            .map(|number| format!("{{namespace: app, name: web-{number}}}"))
            .collect();
        let file = sharing("roleName: deployer").replace("{namespace: app, name: web}", &accounts.join(", "));
        case(PLAN).file("c.yaml", file).world(move |world| {
            of_tasks(world, ROLE);
            let policy = &mut world.roles.get_mut("deployer").unwrap().trust_policy;
            policy["Id"] = json!("x".repeat(characters));
        })
    };
    let many: Vec<String> = (0..60)
        .map(|number| format!("{{namespace: app, name: web-{number}}}"))
        .collect();
    let shorter = "To need less, let service accounts in by one `subjectPattern`, or use a second role.";
    vec![
        too_long(1_700, 1)
            .says("--desired-value 4096`")
            .printed(&[])
            .check(),
        // Twice the quota is not enough for this one.
        too_long(4_000, 1)
            .says("--desired-value 8192`")
            .printed(&[])
            .check(),
        too_long(100, 60)
            .says(shorter)
            .replace(
                "c.yaml",
                many.join(", "),
                "{namespace: app, subjectPattern: 'web-*'}",
            )
            .check(),
        too_long(8_000, 1)
            .says(shorter)
            .change(|world| of_tasks(world, "arn:aws:iam::111122223333:role/second"))
            .replace("c.yaml", "roleName: deployer", "roleName: second")
            .check(),
    ]
}

/// The role of a service account that goes, and that a pod identity association of another one has.
fn used_by_an_association() -> Case {
    case("plan -f less.yaml --prune")
        .file("c.yaml", web(""))
        .file(
            "less.yaml",
            format!("{HEAD}iam: {{withOIDC: true, serviceAccounts: []}}\n"),
        )
        .first("eksact apply -f c.yaml --yes")
        .after_first(|world| {
            let pods = json!({"Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"},
                "Action": ["sts:AssumeRole", "sts:TagSession"]});
            let role = role(world);
            let statements = &mut role.trust_policy["Statement"];
            statements.as_array_mut().unwrap().push(pods);
            let association = PodIdentityAssociation {
                id: "a-0123456789abcdefg".to_owned(),
                namespace: "ops".to_owned(),
                service_account: "batch".to_owned(),
                role_arn: role.arn.clone(),
                ..PodIdentityAssociation::default()
            };
            let associations = &mut cluster(world).eks.pod_identity_associations;
            associations.insert(association.id.clone(), association);
        })
}

/// The statement of this cluster in a role that the file does not share.
fn removals() -> Vec<Check> {
    // Another cluster's statement in the role of a service account that goes.
    let in_use = "Remove the role from `sharedRoles` of those clusters' files";
    let allowed = "plan -f less.yaml --prune --allow shared-role-in-use";
    let left = |command: &str, alone: bool| {
        case(command)
            .file(
                "c.yaml",
                format!("{HEAD}iam: {{withOIDC: true}}\n{ACCESS}sharedRoles: []\n"),
            )
            .world(move |world| {
                let mut own = trust_of_web(world, ACCOUNT);
                own["Sid"] = json!(eksact_identity::iam::shared_trust::sid(
                    &cluster(world).cluster.arn
                ));
                of_tasks(world, ROLE);
                let policy = &mut world.roles.get_mut("deployer").unwrap().trust_policy;
                if alone {
                    policy["Statement"] = json!([own]);
                } else {
                    policy["Statement"].as_array_mut().unwrap().push(own);
                }
            })
    };
    let last = || {
        left("plan -f c.yaml --prune", true)
            .says("No one else may assume this role: delete it, or give it another statement")
    };
    vec![
        case("plan -f less.yaml --prune")
            .file("c.yaml", web(""))
            .file(
                "less.yaml",
                format!("{HEAD}iam: {{withOIDC: true, serviceAccounts: []}}\n"),
            )
            .first("eksact apply -f c.yaml --yes")
            .after_first(|world| {
                let mut theirs = trust_of_web(world, ACCOUNT);
                let other = cluster(world).cluster.arn.replace("quickstart", "green");
                theirs["Sid"] = json!(eksact_identity::iam::shared_trust::sid(&other));
                let statements = &mut role(world).trust_policy["Statement"];
                statements.as_array_mut().unwrap().push(theirs);
            })
            .says(in_use)
            .instead(allowed)
            .leaves("shared-role-in-use")
            .check(),
        used_by_an_association()
            .says("Give them another role or delete them first")
            .change(|world| cluster(world).eks.pod_identity_associations.clear())
            .check(),
        used_by_an_association()
            .says("Give them another role or delete them first")
            .instead("plan -f less.yaml --prune --allow role-in-use")
            .leaves("role-in-use")
            .check(),
        left(PLAN, false)
            .says("--prune removes this cluster's statements from their trust policies.")
            .instead("plan -f c.yaml --prune")
            .check(),
        last()
            .change(|world| {
                world.roles.remove("deployer");
            })
            .check(),
        last()
            .by_hand(|world, help| {
                assert!(
                    help.contains("aws iam update-assume-role-policy --role-name deployer --policy-document"),
                    "{help}"
                );
                let own = world.roles["deployer"].trust_policy["Statement"][0].clone();
                of_tasks(world, ROLE);
                let policy = &mut world.roles.get_mut("deployer").unwrap().trust_policy;
                policy["Statement"].as_array_mut().unwrap().push(own);
            })
            .check(),
    ]
}

/// A proxy that opens TLS between here and the issuer.
fn thumbprints() -> Vec<Check> {
    let associate = "utils associate-iam-oidc-provider --cluster quickstart --region eu-west-1";
    let proxied = || {
        case(associate)
            .world(|world| {
                let issuer = cluster(world).cluster.oidc_issuer.clone().unwrap();
                let host = issuer
                    .strip_prefix("https://")
                    .unwrap()
                    .split('/')
                    .next()
                    .unwrap();
                let certificate = eksact_core::ports::issuer::Certificate {
                    thumbprint: "0123456789abcdef0123456789abcdef01234567".to_owned(),
                    subject: "CN=proxy.example.com".to_owned(),
                    issuer: "CN=proxy.example.com".to_owned(),
                    not_after: jiff::Timestamp::from_second(2_000_000_000).unwrap(),
                };
                let chain = eksact_core::ports::issuer::CertificateChain {
                    certificates: vec![certificate],
                    publicly_trusted: false,
                };
                world.certificate_chains.insert(host.to_owned(), chain);
            })
            .says("Run it where there is no such proxy, or pass --thumbprint HEX or --thumbprint iam.")
    };
    vec![
        proxied().change(|world| world.certificate_chains.clear()).check(),
        proxied().instead(format!("{associate} --thumbprint iam")).check(),
        proxied()
            .instead(format!(
                "{associate} --thumbprint 9e99a48a9960b14926bb7f3b02e22da2b0ab7280"
            ))
            .check(),
    ]
}

/// Who the caller is to the cluster, and what it may there.
fn rights() -> Vec<Check> {
    let groups = "groups:\n- name: admins\n  bindings:\n  - rules:\n    - {apiGroups: ['*'], resources: ['*'], verbs: ['*']}\n";
    let admin_of = |world: &mut World, group: &str| {
        let arn = world.caller_arn();
        cluster(world).eks.access_entries.clear();
        let entry = format!("- {{userarn: '{arn}', username: admin, groups: ['{group}']}}\n");
        aws_auth(world).data.insert("mapUsers".to_owned(), entry);
    };
    vec![
        case("plan -f less.yaml --prune")
            .file("c.yaml", format!("{HEAD}{ACCESS}{groups}"))
            .file("less.yaml", format!("{HEAD}{ACCESS}groups: []\n"))
            .world(move |world| admin_of(world, "system:masters"))
            .first("eksact apply -f c.yaml --yes")
            .after_first(move |world| {
                admin_of(world, "admins");
                cluster(world).denied.insert("get clusterroles".to_owned());
                cluster(world).denied.insert("list clusterroles".to_owned());
            })
            .says("Give the caller the right to get and list roles and clusterroles")
            .change(|world| cluster(world).denied.clear())
            // Now it is known.
            .leaves("own-access-lost")
            .check(),
        case(PLAN)
            .file("c.yaml", attaching(ROLE))
            .world(|world| good_role(world, ROLE))
            .variable("EKSACT_SANDBOX_CALLER", "arn:aws:iam::111122223333:role/dev")
            .says("shows why the cluster does not let the caller in, and what would.")
            .advised(
                "Someone with the right to do so: ",
                &[("NAME", "quickstart"), ("GROUP", "system:masters")],
            )
            .check(),
    ]
}
