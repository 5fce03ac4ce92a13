//! Lines of aws-auth that a migration leaves where they are: what it says of them, done.

use eksact_core::{
    kinds::bridge,
    ports::{aws::AccessEntry, kubernetes::RbacBinding},
};

use super::{
    case::{Case, Check, case},
    world::{aws_auth, cluster, map_role},
};

const MIGRATE: &str = "migrate to-access-entries --cluster quickstart --region eu-west-1 --yes";
const OPS: &str = "arn:aws:iam::111122223333:role/ops";

/// A migration of a cluster that has this line in `mapRoles` besides.
fn with_line(line: &'static str) -> Case {
    case(MIGRATE).world(move |world| {
        world.any_principal = true;
        map_role(world, line);
    })
}

const NODE: &str = "arn:aws:iam::111122223333:role/eksctl-quickstart-nodegroup-ng-1-NodeInstanceRole-SANDBOX";

/// A cluster with this entry that nobody has a line for, in the group of an interrupted migration.
fn held() -> Case {
    case(MIGRATE).world(|world| {
        world.any_principal = true;
        let group = bridge::group(world.clusters.keys().next().unwrap());
        let entry = AccessEntry {
            principal_arn: OPS.to_owned(),
            username: "ops".to_owned(),
            groups: vec!["devs".to_owned(), group.clone()],
            entry_type: "STANDARD".to_owned(),
            ..AccessEntry::default()
        };
        let binding = RbacBinding {
            name: group.clone(),
            uid: "of-the-group".to_owned(),
            role_kind: "ClusterRole".to_owned(),
            role_name: "cluster-admin".to_owned(),
            ..RbacBinding::default()
        };
        cluster(world).eks.access_entries.insert(OPS.to_owned(), entry);
        cluster(world).rbac_bindings.insert(format!("/{group}"), binding);
    })
}

pub(super) fn cases() -> Vec<Check> {
    let to_api =
        "migrate to-access-entries --cluster quickstart --region eu-west-1 --to-api --allow one-way-mode";
    vec![
        held().says("Make it an administrator for good").printed_of(0..1, &[]).check(),
        held().says("or take its access away").printed_of(1..2, &[]).check(),
        with_line("- {rolearn: 'arn:aws:iam::111122223333:role/ops', username: ops, groups: []}\n")
            .command(format!("{MIGRATE} --type {OPS}=EC2_LINUX"))
            .says("Leave the flag out, or choose what its line can have.")
            .instead(MIGRATE)
            .leaves("system:bootstrappers goes")
            .check(),
        case(to_api)
            .world(|world| world.any_principal = true)
            .says("Make the entries first: `eksact migrate to-access-entries --cluster quickstart")
            .printed(&[])
            .check(),
        case(to_api)
            .world(|world| {
                world.any_principal = true;
                world.denied.insert("iam:GetRole".to_owned());
                let entry = AccessEntry {
                    principal_arn: NODE.to_owned(),
                    entry_type: "EC2_LINUX".to_owned(),
                    ..AccessEntry::default()
                };
                cluster(world).eks.access_entries.insert(NODE.to_owned(), entry);
            })
            .says("Allow iam:GetRole and iam:GetUser, and run this again.")
            .change(|world| world.denied.clear())
            .check(),
        case(MIGRATE)
            .world(|world| {
                let accounts = "- '777788889999'\n".to_owned();
                aws_auth(world).data.insert("mapAccounts".to_owned(), accounts);
            })
            .says("Map each user and role that needs access by its ARN, and delete the line.")
            .run("eksact delete iamidentitymapping --cluster quickstart --region eu-west-1 --account 777788889999 --yes")
            .check(),
        with_line("- {rolearn: 'arn:aws:iam::444455556666:role/far', username: far, groups: []}\n")
            .says("Pass --principal-arn with the whole ARN of the role.")
            .instead(format!("{MIGRATE} --principal-arn arn:aws:iam::444455556666:role/team/far"))
            .check(),
        with_line(
            "- {rolearn: 'arn:aws:iam::111122223333:role/ops', username: 'system:node:{{SessionName}}', groups: ['system:nodes']}\n",
        )
        .says("For hybrid nodes pass --type arn:aws:iam::111122223333:role/ops=HYBRID_LINUX.")
        .instead(format!("{MIGRATE} --type {OPS}=HYBRID_LINUX"))
        .check(),
        with_line("- {rolearn: 'arn:aws:iam::111122223333:role/ops', username: ops, groups: ['eks:ops']}\n")
            .says("Bind a group of another name to the same roles, and map the principal to that group.")
            .change(|world| {
                let roles = aws_auth(world).data.get_mut("mapRoles").unwrap();
                *roles = roles.replace("eks:ops", "ops");
            })
            .leaves("group-not-bound")
            .check(),
        with_line("- {rolearn: 'arn:aws:iam::111122223333:role/ops', username: 'eks:ops', groups: []}\n")
            .says("Pass --username arn:aws:iam::111122223333:role/ops=NAME with another name.")
            .instead(format!("{MIGRATE} --username {OPS}=ops"))
            .leaves("it is not known whether the access stays the same")
            .check(),
        case("migrate to-access-entries --cluster quickstart --region eu-west-1 --to-api --allow one-way-mode")
            .world(|world| {
                world.any_principal = true;
                aws_auth(world).data.clear();
            })
            .says("Make another principal an administrator first")
            .printed(&[("ARN", OPS)])
            .check(),
        case(MIGRATE)
            .world(|world| {
                let broken = "mapRoles: [\n".to_owned();
                aws_auth(world).data.insert("mapUsers".to_owned(), broken);
            })
            .says("Fix the section first: `eksact check aws-auth --cluster quickstart")
            .change(|world| {
                aws_auth(world).data.remove("mapUsers");
            })
            .leaves("system:bootstrappers goes")
            .check(),
    ]
}
