//! What is wrong with access entries, in a file and in the account, and done as the help says.

use eksact_core::ports::aws::{AccessEntry, Stack};
use eksact_simulator::World;
use serde_json::json;

use super::{
    case::{Case, Check, case},
    config::{fault, planned},
    world::{DEV, HEAD, add_role, cluster},
};

const NODE: &str = "arn:aws:iam::111122223333:role/node";
const ADMINS: &str =
    "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admins_0123456789abcdef";
const VIEW: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";
const FLAGS: &str = "accessentry --cluster quickstart --region eu-west-1 --principal-arn";

/// A file with this entry.
fn file(entry: &str) -> String {
    format!("{HEAD}accessConfig:\n  accessEntries:\n  - {entry}\n")
}

fn with(entry: &str) -> Case {
    planned(file(entry))
}

/// A fault in an entry; then the one text in place of the other.
fn entry(entry: &str, says: &str, from: &str, to: &str) -> Check {
    fault(
        &format!("accessConfig:\n  accessEntries:\n  - {entry}"),
        says,
        from,
        to,
    )
}

/// The same for the developers' entry with these keys.
fn dev(keys: &str, says: &str, from: &str, to: &str) -> Check {
    entry(&format!("{{principalARN: '{DEV}', {keys}}}"), says, from, to)
}

fn put(world: &mut World, arn: &str, entry_type: &str) {
    let entry = AccessEntry {
        principal_arn: arn.to_owned(),
        username: "of-entry".to_owned(),
        entry_type: entry_type.to_owned(),
        ..AccessEntry::default()
    };
    cluster(world).eks.access_entries.insert(arn.to_owned(), entry);
}

fn of_stack(world: &mut World) {
    put(world, DEV, "STANDARD");
    let entry = cluster(world).eks.access_entries.get_mut(DEV).unwrap();
    entry.tags.insert(
        "aws:cloudformation:stack-name".to_owned(),
        "eksctl-quickstart-accessentry-X".to_owned(),
    );
}

/// An entry that eksctl made, in a stack of its own.
fn of_own_stack(world: &mut World) {
    put(world, DEV, "STANDARD");
    let template = json!({"Resources": {"AccessEntry": {"Type": "AWS::EKS::AccessEntry", "Properties": {
        "PrincipalArn": DEV, "ClusterName": "quickstart"}}}});
    world
        .import_stack(&own_stack(), &template.to_string(), Vec::new())
        .unwrap();
}

fn own_stack() -> Stack {
    let name = "eksctl-quickstart-accessentry-VY24Q3SG2DCXCZQOJH6YBI62B7LDKDRL";
    Stack {
        name: name.to_owned(),
        id: format!("arn:aws:cloudformation:eu-west-1:111122223333:stack/{name}/1"),
        status: "CREATE_COMPLETE".to_owned(),
        status_reason: None,
        description: None,
        tags: [("alpha.eksctl.io/cluster-name".to_owned(), "quickstart".to_owned())].into(),
        outputs: std::collections::BTreeMap::new(),
        capabilities: Vec::new(),
        termination_protection: false,
        created: None,
        updated: None,
        has_new_change_set: false,
    }
}

pub(super) fn cases() -> Vec<Check> {
    [written(), planned_ones(), commanded()]
        .into_iter()
        .flatten()
        .collect()
}

fn written() -> Vec<Check> {
    let service =
        "arn:aws:iam::111122223333:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS";
    let policy =
        |arn: &str| format!("accessPolicies: [{{policyARN: '{arn}', accessScope: {{type: cluster}}}}]");
    let admin = policy("arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy");
    let user = "arn:aws:iam::111122223333:user/ann";
    let twice = format!(
        "accessPolicies: [{{policyARN: '{VIEW}', accessScope: {{type: cluster}}}}, {{policyARN: '{VIEW}', accessScope: {{type: namespace, namespaces: [default]}}}}]"
    );
    vec![
        fault(
            &format!(
                "accessConfig: {{authenticationMode: CONFIG_MAP, accessEntries: [{{principalARN: '{DEV}'}}]}}"
            ),
            "write `authenticationMode: API_AND_CONFIG_MAP`",
            "Mode: CONFIG_MAP",
            "Mode: API_AND_CONFIG_MAP",
        ),
        entry(
            "{principalARN: dev}",
            "write the ARN of a role or user with its path",
            "dev}",
            &format!("'{DEV}'}}"),
        ),
        entry(
            "{principalARN: 'arn:aws:sts::111122223333:assumed-role/dev/ann'}",
            "write the ARN of the role, with its path",
            "arn:aws:sts::111122223333:assumed-role/dev/ann",
            DEV,
        ),
        entry(
            &format!("{{principalARN: '{service}'}}"),
            "leave it out, or name another principal",
            &format!("- {{principalARN: '{service}'}}"),
            "",
        ),
        entry(
            "{principalARN: 'arn:aws-cn:iam::111122223333:role/dev'}",
            "begin it with `arn:aws:`",
            "aws-cn",
            "aws",
        ),
        entry(
            &format!("{{principalARN: '{user}', type: EC2_LINUX}}"),
            "leave `type` out for a person or program",
            ", type: EC2_LINUX",
            "",
        ),
        entry(
            &format!("{{principalARN: '{user}', type: EC2_LINUX}}"),
            "name the role of the nodes",
            user,
            NODE,
        ),
        entry(
            &format!("{{principalARN: '{DEV}'}}\n  - {{principalARN: '{DEV}'}}"),
            "keep one entry for the principal, with all groups and policies",
            &format!("  - {{principalARN: '{DEV}'}}\n"),
            "",
        ),
        entry(
            &format!("{{principalARN: '{NODE}', type: EC2_LINUX, kubernetesGroups: ['system:nodes']}}"),
            "remove it: EKS gives nodes their user name and groups",
            ", kubernetesGroups: ['system:nodes']",
            "",
        ),
        dev(
            "kubernetesGroups: ['system:masters']",
            "give it the access policy AmazonEKSClusterAdminPolicy instead",
            "kubernetesGroups: ['system:masters']",
            &admin,
        ),
        dev(
            "kubernetesGroups: ['system:nodes']",
            "for the role of nodes the type is EC2_LINUX",
            "kubernetesGroups: ['system:nodes']",
            "type: EC2_LINUX",
        ),
        dev(
            "kubernetesUsername: 'aws:x'",
            "choose a name that does not begin with",
            "aws:x",
            "x",
        ),
        dev(
            "kubernetesUsername: 'john{{SessionName}}'",
            "write `john:{{SessionName}}`",
            "john{{",
            "john:{{",
        ),
        dev(
            "kubernetesUsername: 'x-{{AccountID}}'",
            "write the text itself",
            "{{AccountID}}",
            "111122223333",
        ),
        dev(
            &twice,
            "keep one, with all of its namespaces",
            &format!(", {{policyARN: '{VIEW}', accessScope: {{type: namespace, namespaces: [default]}}}}"),
            "",
        ),
        dev(
            &policy("AmazonEKSViewPolicy"),
            &format!("write `{VIEW}`"),
            "'AmazonEKSViewPolicy'",
            &format!("'{VIEW}'"),
        ),
        dev(
            &policy("arn:aws:iam::aws:policy/ReadOnlyAccess"),
            "write an access policy of EKS, such as",
            "arn:aws:iam::aws:policy/ReadOnlyAccess",
            VIEW,
        ),
    ]
}

fn planned_ones() -> Vec<Check> {
    let foreign = "{principalARN: 'arn:aws:iam::444455556666:role/node', type: EC2_LINUX}";
    let named = format!("{{principalARN: '{DEV}'}}");
    let team = "arn:aws:iam::111122223333:role/team/dev";
    let nodes = format!("{{principalARN: '{DEV}', type: EC2_LINUX}}");
    let set = "{principalARN: 'permissionSet:Admins'}".to_owned();
    let dev_set = |principal: &str, says: &str, from: &str, to: &str| {
        fault(
            &format!("accessConfig:\n  accessEntries:\n  - {{principalARN: '{principal}'}}"),
            says,
            from,
            to,
        )
    };
    let no_entries = format!("{HEAD}accessConfig:\n  accessEntries: []\n");
    vec![
        with(foreign).says("Name the role in the cluster's account").replace("c.yaml", "444455556666", "111122223333").check(),
        with(&named).world(|world| add_role(world, "arn:aws:iam::111122223333:role/team/dev", &json!([]))).says(format!("Write {team}.")).replace("c.yaml", DEV, team).check(),
        with(&named).world(|world| world.any_principal = false).says("Create it first, or name a principal that exists.").change(|world| add_role(world, DEV, &json!([]))).check(),
        with(&named).world(|world| world.any_principal = false).says("Create it first, or name a principal that exists.").change(|world| add_role(world, NODE, &json!([]))).replace("c.yaml", DEV, NODE).check(),
        with(&format!("{{principalARN: '{DEV}', accessPolicies: [{{policyARN: '{VIEW}s', accessScope: {{type: cluster}}}}]}}")).says("Did you mean the policy AmazonEKSViewPolicy?").replace("c.yaml", "Policys", "Policy").check(),
        with(&named).world(|world| cluster(world).cluster.authentication_mode = Some("CONFIG_MAP".to_owned())).says("Change the mode first, which cannot be undone").printed(&[]).check(),
        with(&nodes).world(|world| put(world, DEV, "STANDARD")).says("--allow access-entry-replaced does it anyway.").instead("plan -f c.yaml --allow access-entry-replaced").leaves("allowed by --allow access-entry-replaced").check(),
        with(&named).world(of_stack).says("Change the stack, or ask for what the entry is").replace("c.yaml", "'}", "', kubernetesUsername: of-entry}").check(),
        with(&nodes).world(of_own_stack).says("Delete it with its stack").run(format!("eksact delete {FLAGS} {DEV} --yes")).check(),
        with(&set).says("Write one that the account has, letter by letter: AdministratorAccess").replace("c.yaml", "permissionSet:Admins", "permissionSet:AdministratorAccess").check(),
        with(&set).world(|world| { add_role(world, ADMINS, &json!([])); add_role(world, &ADMINS.replace("0123456789abcdef", "fedcba9876543210"), &json!([])); }).says("Name the right one by its ARN: an access entry with its path").replace("c.yaml", "permissionSet:Admins", ADMINS).check(),
        with(&format!("{set}\n  - {{principalARN: '{ADMINS}'}}")).world(|world| add_role(world, ADMINS, &json!([]))).says("Keep one entry for the principal, by its ARN or by its permission set.").replace("c.yaml", format!("  - {{principalARN: '{ADMINS}'}}\n"), "").check(),
        dev_set("permissionSet:", "write the name of the permission set, as IAM Identity Center shows it", "permissionSet:", "permissionSet:AdministratorAccess"),
        with(&format!("{{principalARN: '{DEV}', kubernetesGroups: [devs]}}")).says("Bind it: `kubectl create clusterrolebinding").printed(&[("NAME", "devs")]).check(),
        case("plan -f none.yaml").file("c.yaml", file(&named)).file("none.yaml", no_entries).first("eksact apply -f c.yaml --yes").says("--prune deletes them.").instead("plan -f none.yaml --prune").check(),
    ]
}

fn commanded() -> Vec<Check> {
    let delete = format!("delete {FLAGS}");
    vec![
        case(format!("create {FLAGS} {DEV}"))
            .world(|world| world.any_principal = false)
            .says("Create it first, or name a principal that exists.")
            .change(|world| add_role(world, DEV, &json!([])))
            .check(),
        case(format!("create {FLAGS} {DEV} --kubernetes-groups system:masters"))
            .says("or `--access-policy AmazonEKSClusterAdminPolicy`")
            .instead(format!("create {FLAGS} {DEV} --access-policy AmazonEKSClusterAdminPolicy"))
            .check(),
        case(format!("update {FLAGS} {DEV} --kubernetes-username x"))
            .world(of_stack)
            .says("Change the stack, or ask for what the entry is")
            .instead(format!("update {FLAGS} {DEV} --kubernetes-username of-entry"))
            .check(),
        case(format!("update {FLAGS} {DEV} --kubernetes-username x"))
            .says("`eksact create accessentry` makes one")
            .run(format!("eksact create {FLAGS} {DEV} --yes"))
            .check(),
        case(format!("{delete} {DEV}"))
            .world(of_stack)
            .says("Delete the stack instead: it deletes the entry with itself.")
            .change(|world| {
                cluster(world).eks.access_entries.remove(DEV);
            })
            .leaves("nothing-to-delete")
            .check(),
        case(format!("{delete} {DEV}"))
            .world(|world| {
                of_own_stack(world);
                let record = world.stacks.get_mut(&own_stack().id).unwrap();
                record.stack.termination_protection = true;
            })
            .says("Lift the protection")
            .change(|world| {
                let record = world.stacks.get_mut(&own_stack().id).unwrap();
                record.stack.termination_protection = false;
            })
            .check(),
        case(format!("{delete} {DEV}"))
            .world(|world| put(world, "arn:aws:iam::111122223333:role/team/dev", "STANDARD"))
            .says("Did you mean --principal-arn arn:aws:iam::111122223333:role/team/dev?")
            .instead(format!("{delete} arn:aws:iam::111122223333:role/team/dev"))
            .check(),
        case(format!("create {FLAGS} {NODE} --kubernetes-username x"))
            .world(|world| put(world, NODE, "EC2_LINUX"))
            .says("For a person or program name another principal")
            .instead(format!("create {FLAGS} {DEV} --kubernetes-username x"))
            .check(),
        case(format!("{delete} {NODE}"))
            .world(|world| put(world, NODE, "EC2_LINUX"))
            .says("Delete or change the mapping or the access entry of a node role only once no node runs under it")
            .instead(format!("{delete} {NODE} --allow node-role-lost"))
            .leaves("allowed by --allow")
            .check(),
    ]
}
