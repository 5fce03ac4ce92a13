//! Mappings, groups and their bindings, and the guards over who gets in: what plans and runs say of them, done.

use std::collections::BTreeMap;

use eksact_core::ports::{
    aws::{AccessEntry, AccessPolicy},
    kubernetes::Subject,
};
use eksact_simulator::{Sandbox, Seed, World};

use super::{
    case::{Case, Check, case},
    world::{ACCESS, DEV, HEAD, aws_auth, cluster, map_role, mapped_admin},
};

const NODE: &str = "arn:aws:iam::111122223333:role/eksctl-quickstart-nodegroup-ng-1-NodeInstanceRole-SANDBOX";
const OPS: &str = "arn:aws:iam::111122223333:role/ops";
const OWN: &str = "arn:aws:iam::111122223333:user/sandbox";
const DELETE: &str = "delete iamidentitymapping --cluster quickstart --region eu-west-1 --yes";

fn mapped(entry: &str) -> String {
    format!("{HEAD}iamIdentityMappings:\n- {entry}\n")
}

fn own_mapped(entry: &str) -> String {
    format!("{HEAD}{ACCESS}identityMappings:\n- {entry}\n")
}

fn group(entry: &str) -> String {
    format!("{HEAD}{ACCESS}groups:\n- {entry}\n")
}

fn dev() -> String {
    mapped(&format!("{{arn: '{DEV}', username: dev}}"))
}

fn planned(file: String) -> Case {
    case("plan -f c.yaml").file("c.yaml", file)
}

pub(super) fn cases() -> Vec<Check> {
    [mappings(), groups(), guards()].into_iter().flatten().collect()
}

/// The name of the role that IAM Identity Center made in the simulated account.
fn sso_role() -> String {
    admin_role(&fresh())
}

/// A simulated account as it begins.
fn fresh() -> World {
    let folder = tempfile::tempdir().unwrap();
    let seed = Seed {
        cluster: "quickstart".to_owned(),
        region: "eu-west-1".to_owned(),
        account: None,
    };
    let sandbox = Sandbox::open(&folder.path().join("sandbox.json"), &seed).unwrap();
    sandbox.world().unwrap()
}

fn admin_role(world: &World) -> String {
    let mut names = world.roles.keys();
    names
        .find(|name| name.starts_with("AWSReservedSSO_AdministratorAccess_"))
        .unwrap()
        .clone()
}

fn mappings() -> Vec<Check> {
    let sso = sso_role();
    let of_set = |set: &str, user: &str| format!("{{permissionSet: {{name: {set}}}, username: {user}}}");
    vec![
        planned(dev()).world(|world| cluster(world).cluster.authentication_mode = Some("API".to_owned())).says("Remove the mapping and create an access entry instead: `eksact create accessentry").printed(&[("ARN", DEV), ("NAME", "dev"), ("GROUP", "viewers")]).write("c.yaml", HEAD).check(),
        planned(dev()).world(|world| aws_auth(world).immutable = true).says("kubectl replace --force").printed(&[]).check(),
        planned(dev()).world(|world| {
            let entry = format!("- {{rolearn: 'arn:aws:iam::111122223333:role/ops', username: '{}'}}\n", "x".repeat(1_048_400));
            map_role(world, &entry);
        }).says("Map fewer principals").change(|world| {
            let section = aws_auth(world).data.get_mut("mapRoles").unwrap();
            section.truncate(section.find("- {rolearn").unwrap());
        }).check(),
        planned(dev()).world(|world| {
            let section = aws_auth(world).data.get_mut("mapRoles").unwrap();
            *section = format!("&all [{{rolearn: '{DEV}', username: {{{{x}}}}}}]\n").replace("{{x}}", "a");
        }).says("Write the section as a plain list of entries").change(|world| {
            let section = aws_auth(world).data.get_mut("mapRoles").unwrap();
            *section = format!("- {{rolearn: '{DEV}', username: a}}\n");
        }).check(),
        planned(dev()).world(|world| cluster(world).eks.access_entries.clear()).says("If no one gets in any more, create an access entry to recover").printed(&[]).check(),
        planned(dev()).world(|world| cluster(world).unreachable = true).says("Its endpoint is public: look for what is in between").change(|world| cluster(world).unreachable = false).check(),
        planned(dev()).world(|world| {
            cluster(world).unreachable = true;
            cluster(world).cluster.endpoint_public_access = Some(false);
        }).says("A private endpoint is reached from inside its VPC").change(|world| cluster(world).unreachable = false).check(),
        planned(dev()).world(|world| cluster(world).unreachable = true).says("To do it anyway: --allow kubernetes-unreachable").instead("plan -f c.yaml --allow kubernetes-unreachable").leaves("error[not-planned]")
            .leaves("could not be planned (not-planned)").check(),
        case(format!("{DELETE} --arn arn:aws:iam::111122223333:role/team/dev")).world(|world| map_role(world, &format!("- {{rolearn: '{DEV}', username: dev}}\n"))).says("Did you mean --arn arn:aws:iam::111122223333:role/dev?").instead(format!("{DELETE} --arn {DEV}")).check(),
        case(format!("{DELETE} --arn {DEV}")).world(|world| map_role(world, &format!("- {{rolearn: '{DEV}', username: dev}}\n- {{rolearn: '{DEV}', username: ops}}\n"))).says("Pass --all to delete all of them.").instead(format!("{DELETE} --arn {DEV} --all")).check(),
        case(format!("{DELETE} --arn {DEV}")).world(|world| map_role(world, &format!("- {{rolearn: '{DEV}', sso: {{permissionSetName: A, accountID: '111122223333'}}, username: dev}}\n"))).says("Remove it by hand, on line ").change(|world| {
            let section = aws_auth(world).data.get_mut("mapRoles").unwrap();
            section.truncate(section.find("- {rolearn").unwrap());
        }).leaves("nothing-to-delete").check(),
        planned(own_mapped(&of_set("AdministratorAcces", "a"))).says("Write one that the account has, letter by letter: ").replace("c.yaml", "AdministratorAcces", "AdministratorAccess").check(),
        planned(own_mapped(&of_set("AdministratorAccess", "a"))).world(|world| world.roles.clear()).says("Assign the permission set").change(|world| {
            let roles = fresh().roles;
                world.roles = roles;
        }).check(),
        planned(own_mapped("{permissionSet: {name: AdministratorAccess, account: '999988887777'}, username: a}")).says("Name the role by its ARN instead: arn:aws:iam::999988887777:role/AWSReservedSSO_AdministratorAccess_").replace("c.yaml", "permissionSet: {name: AdministratorAccess, account: '999988887777'}", "arn: 'arn:aws:iam::999988887777:role/AWSReservedSSO_AdministratorAccess_0123456789abcdef'").check(),
        planned(own_mapped(&of_set("AdministratorAccess", "a"))).world(move |world| {
            let name = admin_role(world);
            let mut twin = world.roles[&name].clone();
            twin.name = "AWSReservedSSO_AdministratorAccess_ffffffffffffffff".to_owned();
            twin.arn = twin.arn.replace(&name, &twin.name);
            world.roles.insert(twin.name.clone(), twin);
        }).says("Name the right one by its ARN: an access entry with its path, a mapping of aws-auth without.").replace("c.yaml", "permissionSet: {name: AdministratorAccess}", "arn: 'arn:aws:iam::111122223333:role/AWSReservedSSO_AdministratorAccess_ffffffffffffffff'").check(),
        planned(own_mapped(&format!("{}\n- {{arn: 'arn:aws:iam::111122223333:role/{sso}', username: b}}", of_set("AdministratorAccess", "a")))).says("Merge the two").replace("c.yaml", format!("\n- {{arn: 'arn:aws:iam::111122223333:role/{sso}', username: b}}"), "").check(),
        planned(HEAD.to_owned()).file("more.yaml", dev()).first("eksact apply -f more.yaml --yes").command("plan -f c.yaml").file("c.yaml", format!("{HEAD}{ACCESS}identityMappings: []\n")).says("--prune removes them, and everything else that eksact created and the file does not have.").instead("plan -f c.yaml --prune").check(),
        case("plan -f c.yaml --prune").file("c.yaml", format!("{HEAD}{ACCESS}identityMappings: []\n")).file("more.yaml", mapped("{arn: 'arn:aws:iam::111122223333:role/nodes', username: 'system:node:{{EC2PrivateDNSName}}', groups: ['system:bootstrappers', 'system:nodes']}")).first("eksact apply -f more.yaml --yes").says("deletes it, and no node of that role gets in any more").printed(&[]).check(),
        case("restore aws-auth --cluster quickstart --region eu-west-1 --to nothing --yes").file("c.yaml", dev()).first("eksact apply -f c.yaml --yes").says("`--list` shows those that are there").run("eksact restore aws-auth --cluster quickstart --region eu-west-1 --list").instead("restore aws-auth --cluster quickstart --region eu-west-1 --yes").check(),
        case("restore aws-auth --cluster quickstart --region eu-west-1 --yes").says("`--to` takes the name of a backup that `--list` shows, or the file of one.").file("backup.yaml", format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: aws-auth, namespace: kube-system}}\ndata:\n  mapRoles: |\n    - {{rolearn: '{NODE}', username: 'system:node:{{{{EC2PrivateDNSName}}}}', groups: ['system:bootstrappers', 'system:nodes']}}\n")).instead("restore aws-auth --cluster quickstart --region eu-west-1 --to ./backup.yaml --yes").check(),
        case("restore aws-auth --cluster quickstart --region eu-west-1 --list").world(|world| cluster(world).eks.access_entries.clear()).says("If no one gets in any more, create an access entry to recover").printed(&[]).check(),

    ]
}

/// Somebody else's binding in the place of the one that eksact would make of group `viewers` and `ClusterRole` `view`.
fn foreign_binding(world: &mut World) {
    let own = cluster(world)
        .rbac_bindings
        .values_mut()
        .find(|binding| binding.role_name == "view")
        .unwrap();
    own.labels.clear();
    own.subjects = vec![Subject {
        kind: "Group".to_owned(),
        name: "others".to_owned(),
        namespace: None,
    }];
}

fn groups() -> Vec<Check> {
    let viewers = || group("{name: viewers, bindings: [{clusterRole: view}]}");
    let rules = "{name: viewers, bindings: [{rules: [{verbs: [get], apiGroups: [''], resources: [pods]}]}]}";
    vec![
        planned(viewers())
            .first("eksact apply -f c.yaml --yes")
            .after_first(foreign_binding)
            .says("eksact names a binding after its group and its role")
            .printed(&[])
            .check(),
        planned(group(rules))
            .first("eksact apply -f c.yaml --yes")
            .after_first(|world| {
                let own = cluster(world)
                    .rbac_roles
                    .values_mut()
                    .find(|role| role.name.contains("viewers"))
                    .unwrap();
                own.labels.clear();
                own.rules.clear();
            })
            .says("eksact names a group's own role after the group and the rules")
            .printed(&[])
            .check(),
        planned(group("{name: viewers, bindings: [{clusterRole: veiw}]}"))
            .says("`kubectl get clusterroles` lists them")
            .printed(&[])
            .replace("c.yaml", "veiw", "view")
            .check(),
        planned(group(
            "{name: viewers, bindings: [{clusterRole: view, namespaces: [app]}]}",
        ))
        .says("`kubectl create namespace app` makes it.")
        .printed(&[])
        .check(),
        planned(group(
            "{name: viewers, bindings: [{clusterRole: view, namespaces: [app]}]}",
        ))
        .world(|world| {
            let namespace = eksact_core::ports::kubernetes::Namespace {
                name: "app".to_owned(),
                terminating: true,
            };
            cluster(world).namespaces.insert("app".to_owned(), namespace);
        })
        .says("Wait until it is gone, then run `kubectl create namespace app`.")
        .change(|world| {
            cluster(world).namespaces.remove("app");
        })
        .printed(&[])
        .check(),
        case("plan -f c.yaml")
            .file("c.yaml", format!("{HEAD}{ACCESS}groups: []\n"))
            .file("more.yaml", viewers())
            .first("eksact apply -f more.yaml --yes")
            .says("--prune removes them, and everything else that eksact created and the file does not have.")
            .instead("plan -f c.yaml --prune")
            .check(),
        case("plan -f c.yaml --prune")
            .file(
                "c.yaml",
                group("{name: others, bindings: [{clusterRole: view, namespaces: [app]}]}"),
            )
            .file("more.yaml", viewers())
            .first("eksact apply -f more.yaml --yes")
            .says("Fix the other errors; the next plan includes it.")
            .run("kubectl create namespace app")
            .check(),
    ]
}

fn guards() -> Vec<Check> {
    let session = "arn:aws:sts::111122223333:assumed-role/ops/ann";
    let lock_out = format!("{DELETE} --arn {OWN}");
    let own_entry =
        format!("delete accessentry --cluster quickstart --region eu-west-1 --principal-arn {OWN} --yes");
    vec![
        // Somebody else makes the change.
        case(lock_out.as_str()).world(mapped_admin).after_first(|_| {}).says("Make the change as another principal whom the cluster lets in.").change(|world| {
            map_role(world, "- {rolearn: 'arn:aws:iam::111122223333:role/ops', username: ops, groups: ['system:masters']}\n");
            world.caller = Some(session.to_owned());
        }).check(),
        // It is done all the same, and the way back leads in again.
        case("plan -f c.yaml").file("c.yaml", dev()).world(mapped_admin).first(format!("eksact {lock_out} --allow own-access-lost --allow last-admin-lost")).says("create an access entry to recover").printed(&[]).check(),
        case(lock_out.as_str()).world(mapped_admin).says("--allow own-access-lost does it anyway.").instead(format!("{lock_out} --allow own-access-lost --allow last-admin-lost")).leaves("allowed by --allow").check(),
        case(lock_out.as_str()).world(mapped_admin).says("or the access policy AmazonEKSClusterAdminPolicy first: ").printed(&[("ARN", OPS)]).leaves("a guard refuses the plan (own-access-lost)").check(),
        // The caller's own entry, which is there now and gone by then: what it would be given first would go with it.
        case(own_entry.as_str()).says("Give someone whom neither the file nor the plan names system:masters or the access policy").printed(&[("ARN", OPS)]).leaves("a guard refuses the plan (own-access-lost)").check(),
        // It goes all the same, and the way back makes another.
        case(own_entry.as_str()).file("c.yaml", dev()).says("to recover, create an access entry: `aws eks create-access-entry").run(format!("eksact {own_entry} --allow own-access-lost --allow last-admin-lost")).printed(&[]).instead("plan -f c.yaml").check(),
        // The plan makes one that gives less than the line that it overrides: the way back finds it there.
        case("apply -f own.yaml --yes").file("own.yaml", format!("{HEAD}accessConfig: {{accessEntries: [{{principalARN: '{OWN}'}}]}}\n")).file("c.yaml", dev()).world(mapped_admin).says("to recover, create an access entry: `aws eks create-access-entry").run("eksact apply -f own.yaml --yes --allow own-access-lost --allow last-admin-lost").printed(&[]).instead("plan -f c.yaml").check(),
        case("apply -f own.yaml --yes").file("own.yaml", format!("{HEAD}accessConfig: {{accessEntries: [{{principalARN: '{OWN}'}}]}}\n")).world(mapped_admin).says("Give someone whom neither the file nor the plan names system:masters or the access policy").printed(&[("ARN", OPS)]).leaves("a guard refuses the plan (own-access-lost)").check(),
        // A plan that prunes: what makes another an administrator is nothing that the next plan would take away again.
        case("plan -f c.yaml --prune").file("c.yaml", listed_without_own("")).file("more.yaml", listed_without_own(&format!("{{arn: '{OPS}', username: ops, groups: ['system:masters']}}"))).world(mapped_admin).first("eksact apply -f more.yaml --yes").after_first(only_editors).says("Give someone whom neither the file nor the plan names system:masters or the access policy").printed(&[("ARN", "arn:aws:iam::111122223333:user/root-of-all")]).check(),
        // The entry of the caller is of somebody's stack, and keeps the policies that it has.
        case(format!("{DELETE} --arn {OPS}")).world(only_ops_may_everything).says("or the access policy AmazonEKSClusterAdminPolicy first: ").printed(&[("ARN", OWN)]).change(|world| {
            let entry = &cluster(world).eks.access_entries["arn:aws:iam::111122223333:user/sandbox"];
            let names = entry.policies.iter().map(|policy| policy.arn.rsplit('/').next().unwrap());
            let expected = ["AmazonEKSAdminPolicy", "AmazonEKSViewPolicy", "AmazonEKSClusterAdminPolicy"];
            assert_eq!(names.collect::<Vec<_>>(), expected);
            assert_eq!(entry.tags.len(), 1);
        }).check(),
        case(format!("{DELETE} --arn {NODE}")).says("once an access entry of type EC2_LINUX").run(format!("aws eks create-access-entry --region eu-west-1 --cluster-name quickstart --principal-arn {NODE} --type EC2_LINUX")).check(),
        planned(dev()).world(|world| map_role(world, "- [\n")).says("Fix the section by hand, or restore an earlier one with `eksact restore aws-auth`").change(|world| {
            let section = aws_auth(world).data.get_mut("mapRoles").unwrap();
            section.truncate(section.len() - 4);
        }).check(),
        // An editor of the aws-auth ConfigMap and of bindings, which are not its own any more after the run.
        case("plan -f c.yaml --prune").file("c.yaml", format!("{HEAD}{ACCESS}groups: []\n")).file("more.yaml", group("{name: editors, bindings: [{clusterRole: cluster-admin}]}")).first("eksact apply -f more.yaml --yes").after_first(only_editors).says("Make the change as another principal who keeps the right.").change(|world| {
            let entry = eksact_core::ports::aws::AccessEntry {
                principal_arn: "arn:aws:iam::111122223333:user/root-of-all".to_owned(),
                username: "all".to_owned(),
                groups: vec!["system:masters".to_owned()],
                entry_type: "STANDARD".to_owned(),
                ..eksact_core::ports::aws::AccessEntry::default()
            };
            cluster(world).eks.access_entries.insert(entry.principal_arn.clone(), entry);
            world.caller = Some("arn:aws:iam::111122223333:user/root-of-all".to_owned());
        }).check(),
        planned(mapped("{arn: 'arn:aws:iam::111122223333:user/sandbox', username: renamed, groups: [editors]}")).world(|world| {
            only_editors(world);
            cluster(world).denied.insert("list rolebindings".to_owned());
            cluster(world).denied.insert("list clusterrolebindings".to_owned());
        }).says("Give the caller the right to list rolebindings and clusterrolebindings").change(|world| cluster(world).denied.clear()).leaves("group-not-bound").check(),
    ]
}

/// A file with access entries, of which none is the caller's, a group that may do everything, and this mapping.
fn listed_without_own(mapping: &str) -> String {
    format!(
        "{HEAD}accessConfig: {{accessEntries: [{{principalARN: '{DEV}'}}]}}\n{ACCESS}groups: [{{name: editors, bindings: [{{clusterRole: \
         cluster-admin}}]}}]\nidentityMappings: [{mapping}]\n"
    )
}

/// Lets a role do everything by `aws-auth`, and the caller much by an entry that a stack of somebody else's made.
fn only_ops_may_everything(world: &mut World) {
    let policy = |name: &str| AccessPolicy {
        arn: format!("arn:aws:eks::aws:cluster-access-policy/{name}"),
        namespaces: None,
    };
    let arn = world.caller_arn();
    let entry = AccessEntry {
        principal_arn: arn.clone(),
        username: arn.clone(),
        entry_type: "STANDARD".to_owned(),
        policies: vec![policy("AmazonEKSAdminPolicy"), policy("AmazonEKSViewPolicy")],
        tags: BTreeMap::from([("aws:cloudformation:stack-name".to_owned(), "platform".to_owned())]),
        ..AccessEntry::default()
    };
    let entries = &mut cluster(world).eks.access_entries;
    entries.clear();
    entries.insert(arn, entry);
    map_role(
        world,
        &format!("- {{rolearn: '{OPS}', username: ops, groups: ['system:masters']}}\n"),
    );
}

/// Lets the caller in by `aws-auth` alone, as a member of `editors`.
fn only_editors(world: &mut World) {
    mapped_admin(world);
    let section = aws_auth(world).data.get_mut("mapUsers").unwrap();
    *section = section.replace("system:masters", "editors");
}
