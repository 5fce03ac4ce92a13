//! What `can-i` and `explain access` say of who may not, done.

use std::collections::BTreeMap;

use eksact_core::ports::{
    aws::Role,
    kubernetes::{RbacBinding, Subject},
};
use eksact_simulator::World;
use serde_json::json;

use super::{
    callers::entry_of,
    case::{Case, Check, case},
    world::{DEV, cluster},
};

const OF: &str = "--cluster quickstart --region eu-west-1";
const OPS: &str = "arn:aws:iam::111122223333:role/ops";
/// What the placeholders of kubectl's command become.
const ADMIN: [(&str, &str); 2] = [("NAME", "x"), ("ROLE", "cluster-admin")];

/// The role `dev`, which has an entry with the group `devs` and no right.
fn dev(question: &str) -> Case {
    case(format!("explain access {question} {OF} --as {DEV}")).world(|world| entry_of(world, DEV, &["devs"]))
}

/// Gives a subject the role `cluster-admin`.
fn all_rights(world: &mut World, kind: &str, name: &str, namespace: Option<&str>) {
    let binding = RbacBinding {
        name: "all".to_owned(),
        role_kind: "ClusterRole".to_owned(),
        role_name: "cluster-admin".to_owned(),
        subjects: vec![Subject {
            kind: kind.to_owned(),
            name: name.to_owned(),
            namespace: namespace.map(ToOwned::to_owned),
        }],
        ..RbacBinding::default()
    };
    cluster(world).rbac_bindings.insert("/all".to_owned(), binding);
}

pub(super) fn cases() -> Vec<Check> {
    let bind = "Bind a role that allows it, in the place of ROLE: ";
    vec![
        dev("delete pods -n prod").says(bind).printed(&ADMIN).check(),
        dev("delete nodes").says(bind).printed(&ADMIN).check(),
        dev("delete pods -n prod")
            .world(|world| {
                let binding = RbacBinding {
                    namespace: Some("prod".to_owned()),
                    name: "devs".to_owned(),
                    role_kind: "Role".to_owned(),
                    role_name: "gone".to_owned(),
                    subjects: vec![Subject {
                        kind: "Group".to_owned(),
                        name: "devs".to_owned(),
                        namespace: None,
                    }],
                    ..RbacBinding::default()
                };
                cluster(world)
                    .rbac_bindings
                    .insert("prod/devs".to_owned(), binding);
            })
            .says("Make the role, or bind one that is there and allows it, in the place of ROLE: ")
            .printed(&ADMIN)
            .check(),
        case(format!("can-i get widgets {OF}"))
            .says("Write a custom resource with its API group, as in widgets.example.com.")
            .instead(format!("can-i get widgets.example.com {OF}"))
            .check(),
        case(format!("can-i get pods --any-namespace {OF}"))
            .says("`eksact who-can` has it, and lists who may in which namespaces.")
            .instead(format!("who-can get pods --any-namespace {OF}"))
            .check(),
        case(format!("can-i get pods --as eve {OF}"))
            .world(|world| all_rights(world, "User", "eve", None))
            .says("Name a user of Kubernetes with --as-user eve; --as takes the ARN of a principal of IAM.")
            .instead(format!("can-i get pods --as-user eve {OF}"))
            .check(),
        case(format!("can-i get pods --as system:serviceaccount:app:web {OF}"))
            .world(|world| all_rights(world, "ServiceAccount", "web", Some("app")))
            .says("Name a service account with --service-account app/web.")
            .instead(format!("can-i get pods --service-account app/web {OF}"))
            .check(),
        case(format!("explain access arn:aws:iam::111122223333:user/sandbox {OF}"))
            .says("Write what is asked first, and who is asked about behind --as: ")
            .instead(format!("can-i get pods --as arn:aws:iam::111122223333:user/sandbox {OF}"))
            .check(),
        case("can-i get pods --snapshot s.json")
            .first(format!("eksact snapshot --out s.json {OF}"))
            .says("Say who is asked about: ")
            .instead("can-i get pods --snapshot s.json --as-user nina")
            .check(),
        case(format!("who-can delete {OF}"))
            .says("Name the resource, as in: eksact who-can delete pods.")
            .instead(format!("who-can delete pods {OF}"))
            .check(),
        case("diff-access")
            .first(format!("eksact snapshot --out s.json {OF}"))
            .says("Name what is before with --from FILE, or what is after with --to FILE.")
            .instead(format!("diff-access --from s.json {OF}"))
            .check(),
        case("diff-access --from s.json --to saved.plan")
            .file("cluster.yaml", include_str!("../../../examples/quickstart.yaml"))
            .first(format!("eksact snapshot --out s.json {OF}"))
            .first("eksact plan -f cluster.yaml --out saved.plan")
            .says("Name the plan alone, as --to PLAN; or name the configuration in its place.")
            .instead("diff-access --to saved.plan")
            .check(),
        case(format!("diff-access --from s.json --to s.json {OF}"))
            .first(format!("eksact snapshot --out s.json {OF}"))
            .says("Leave it out; a configuration is named with --from or --to.")
            .instead("diff-access --from s.json --to s.json")
            .check(),
        case(format!("can-i ec2:RunInstances {OF} --as-user eve"))
            .world(|world| {
                let role = Role {
                    name: "ops".to_owned(),
                    arn: OPS.to_owned(),
                    id: "AROAOPS".to_owned(),
                    path: "/".to_owned(),
                    trust_policy: json!({"Version": "2012-10-17", "Statement": []}),
                    managed_policy_arns: vec!["arn:aws:iam::aws:policy/AdministratorAccess".to_owned()],
                    inline_policies: BTreeMap::new(),
                    max_session_seconds: None,
                    permissions_boundary: None,
                    tags: BTreeMap::new(),
                };
                world.roles.insert("ops".to_owned(), role);
            })
            .says("Name a principal of IAM with --as ARN, or a service account with --service-account NAMESPACE/NAME.")
            .instead(format!("can-i ec2:RunInstances {OF} --as {OPS}"))
            .check(),
    ]
}
