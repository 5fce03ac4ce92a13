//! Whom a cluster does not let in, or not as is written: what `whoami` says, done.

use eksact_core::ports::aws::{AccessEntry, Role};
use eksact_simulator::World;

use super::{
    case::{Case, Check, case},
    world::{DEV, aws_auth, cluster, map_role},
};

const OF: &str = "whoami --cluster quickstart --region eu-west-1";
const RIGHT: &str =
    "- {rolearn: 'arn:aws:iam::111122223333:role/dev', username: dev, groups: ['system:masters']}\n";
const MAP: [(&str, &str); 2] = [("NAME", "dev"), ("GROUP", "system:masters")];

fn manifest(sections: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: aws-auth, namespace: kube-system}}\ndata:\n{sections}"
    )
}

/// What the role `dev` is told.
fn dev() -> Case {
    case(format!("{OF} --sandbox-caller {DEV}"))
}

/// The same where aws-auth has nothing but this.
fn with(section: &'static str, text: &str) -> Case {
    let text = text.to_owned();
    dev().world(move |world| set(world, section, &text))
}

fn set(world: &mut World, section: &str, text: &str) {
    aws_auth(world).data.clear();
    aws_auth(world).data.insert(section.to_owned(), text.to_owned());
}

pub(super) fn entry_of(world: &mut World, arn: &str, groups: &[&str]) {
    let entry = AccessEntry {
        principal_arn: arn.to_owned(),
        username: "dev".to_owned(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        entry_type: "STANDARD".to_owned(),
        ..AccessEntry::default()
    };
    cluster(world).eks.access_entries.insert(arn.to_owned(), entry);
}

pub(super) fn cases() -> Vec<Check> {
    [entries(), sections(), elsewhere()]
        .into_iter()
        .flatten()
        .collect()
}

/// Access entries.
fn entries() -> Vec<Check> {
    let gives_nothing = || {
        dev()
            .world(|world| entry_of(world, DEV, &[]))
            .says("Give it an access policy: ")
    };
    let shadowed = |groups: &str| {
        let entry = RIGHT.replace("['system:masters']", groups);
        dev()
            .world(move |world| {
                entry_of(world, DEV, &["viewers"]);
                map_role(world, &entry);
            })
            .leaves("(mapping-gives-nothing)")
            .leaves("[entry-gives-nothing]")
            .leaves("[mapping-gives-nothing]")
            .says("Give the access entry what aws-auth gives: ")
    };
    vec![
        gives_nothing().printed_of(0..1, &[]).check(),
        gives_nothing().printed_of(1..2, &[("NAME", "dev")]).check(),
        shadowed("['system:masters']").printed_of(0..2, &[]).check(),
        shadowed("[ops, dev]").printed_of(0..2, &[]).check(),
        shadowed("[]").printed_of(0..2, &[]).check(),
        shadowed("['system:masters']").printed_of(2..3, &[]).check(),
        dev()
            .world(|world| {
                cluster(world).cluster.authentication_mode = Some("API".to_owned());
                let role = Role {
                    arn: DEV.replace("role/", "role/team/"),
                    ..world.roles.values().next().unwrap().clone()
                };
                world.roles.insert("dev".to_owned(), role);
                entry_of(world, "arn:aws:iam::111122223333:user/dev", &["viewers"]);
            })
            .says("If it was meant for the caller: `eksact create accessentry")
            .printed(&[])
            .check(),
    ]
}

/// aws-auth.
fn sections() -> Vec<Check> {
    let corrected = |case: Case| case.change(|world| set(world, "mapRoles", RIGHT)).check();
    let root = || {
        with(
            "mapUsers",
            "- {userarn: 'arn:aws:iam::111122223333:root', username: dev, groups: ['system:masters']}\n",
        )
        .says("or everyone in the account, without groups: ")
    };
    let other_key = || {
        with("mapRoles", &RIGHT.replace("rolearn", "userarn"))
            .says("Write `rolearn` there; or map the caller, ")
    };
    let taken_out = |case: Case| {
        case.printed(&[])
            .change(|world| {
                let section = aws_auth(world).data.get_mut("mapRoles").unwrap();
                let (_, kept) = section.split_once('\n').unwrap();
                *section = kept.to_owned();
            })
            .check()
    };
    let nodes = || {
        with(
            "mapRoles",
            &RIGHT.replace("username: dev", "username: 'system:node:{{EC2PrivateDNSName}}'"),
        )
        .says("The entry is for nodes. ")
    };
    vec![
        with(
            "mapUsers",
            &RIGHT
                .replace("rolearn", "userarn")
                .replace("role/dev", "user/dev"),
        )
        .says("If it was meant for the caller: `eksact create")
        .printed(&MAP)
        .check(),
        root().printed_of(0..1, &[]).printed_of(2..3, &[]).check(),
        root()
            .printed_of(1..3, &[])
            .leaves("mapped-by-account")
            .leaves("mapping-gives-nothing")
            .check(),
        corrected(other_key()),
        taken_out(other_key()),
        taken_out(
            with(
                "mapRoles",
                &RIGHT.replace(
                    "username: dev",
                    "username: dev, sso: {permissionSetName: A, accountID: '111122223333'}",
                ),
            )
            .says("Correct the entry; or map the caller, "),
        ),
        corrected(
            with("mapRoles", &format!("{RIGHT}- [\n"))
                .says("In aws-auth: correct the text on that line or the one above"),
        ),
        with("mapAccounts", "- '1111-2222-3333'\n")
            .says("Write it as digits: ")
            .printed(&[])
            .leaves("mapped-by-account")
            .leaves("mapping-gives-nothing")
            .check(),
        with("mapAccounts", "- '111122223333'\n")
            .says("For a name and groups of its own: ")
            .printed(&MAP)
            .check(),
        corrected(
            with(
                "mapRole",
                "- {rolearn: 'arn:aws:iam::111122223333:role/ops', username: ops}\n",
            )
            .says("In aws-auth: rename it to `mapRoles`"),
        ),
        corrected(
            with("mapRoles", &RIGHT.replace("'system:masters'", "'system:master'"))
                .says("In that entry of aws-auth: write `system:masters`."),
        ),
        with("mapRoles", "- [\n")
            .says("Someone with the right to do so: once mapRoles is corrected, ")
            .change(|world| set(world, "mapRoles", ""))
            .printed(&MAP)
            .check(),
        nodes().instead(OF).check(),
        nodes().printed(&MAP).check(),
    ]
}

/// Where something else is looked at than what was meant.
fn elsewhere() -> Vec<Check> {
    let file = || dev().command(format!("{OF} --sandbox-caller {DEV} --aws-auth a.yaml"));
    let nobody_reads = |world: &mut World| {
        // Neither the caller nor the sandbox's creator gets in.
        cluster(world).eks.access_entries.clear();
    };
    vec![
        file()
            .file("a.yaml", manifest(&format!("  mapRoles: |\n    {RIGHT}")))
            .says("Perhaps this is not what the cluster's server reads: ")
            .run("kubectl -n kube-system get configmap aws-auth -o yaml")
            .instead(format!("{OF} --sandbox-caller {DEV}"))
            .leaves("not-mapped")
            .check(),
        file()
            .file("a.yaml", "kind: Secret\nmetadata: {name: x}\n")
            .says("Save it with `kubectl -n kube-system get configmap aws-auth -o yaml`.")
            .run_into("a.yaml")
            .leaves("not-mapped")
            .check(),
        file()
            .file("a.yaml", manifest("").replace("aws-auth", "coredns"))
            .says("Save it with `kubectl -n kube-system get configmap aws-auth -o yaml`.")
            .run_into("a.yaml")
            .check(),
        dev()
            .world(nobody_reads)
            .says("or a copy of it with --aws-auth FILE.")
            .run_line_into("kubectl -n kube-system get configmap aws-auth -o yaml", "a.yaml")
            .instead(format!("{OF} --sandbox-caller {DEV} --aws-auth a.yaml"))
            .leaves("not-mapped")
            .check(),
        case(format!("{OF} --sandbox-caller arn:aws:iam::111122223333:root"))
            .says("Whoever uses it must sign in as a user or role of IAM")
            .instead(OF)
            .check(),
    ]
}
