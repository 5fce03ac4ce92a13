//! What is wrong with a saved plan, with the world that it is for, or with the lock, and ended as the help says.

use eksact_core::ports::kubernetes::{Lease, LeaseSpec, MicroTime, Namespace};
use eksact_simulator::World;
use jiff::Timestamp;

use super::{
    case::{Case, Check, case},
    world::{S3, web},
};

const PLAN: &str = "eksact plan -f c.yaml --out p.json";

fn apply(flags: &str) -> Case {
    case(format!("apply p.json{flags}"))
        .file("c.yaml", web(""))
        .first(PLAN)
}

/// Somebody else's credentials: the same world in another account.
fn in_account(world: &mut World, from: &str, to: &str) {
    let text = serde_json::to_string(world).unwrap().replace(from, to);
    *world = serde_json::from_str(&text).unwrap();
}

fn lease(world: &mut World, annotation: (&str, &str), spec: LeaseSpec) {
    let lease = Lease {
        namespace: "kube-system".to_owned(),
        name: "eksact-apply".to_owned(),
        uid: "7d3c2f66-0000-4000-8000-000000000001".to_owned(),
        resource_version: "7".to_owned(),
        annotations: [(annotation.0.to_owned(), annotation.1.to_owned())].into(),
        spec,
        ..Lease::default()
    };
    let cluster = world.clusters.values_mut().next().unwrap();
    cluster
        .leases
        .insert("kube-system/eksact-apply".to_owned(), lease);
}

fn without_lease(world: &mut World) {
    let cluster = world.clusters.values_mut().next().unwrap();
    cluster.leases.remove("kube-system/eksact-apply").unwrap();
}

/// What a plan that makes this namespace does not expect.
fn with_namespace(world: &mut World) {
    let namespace = Namespace {
        name: "app".to_owned(),
        terminating: false,
    };
    let cluster = world.clusters.values_mut().next().unwrap();
    cluster.namespaces.insert("app".to_owned(), namespace);
}

pub(super) fn cases() -> Vec<Check> {
    const OF_INPUT: &str = "cat c.yaml | eksact plan -f - --out p.json";
    const OTHER: (&str, &str) = ("111122223333", "444455556666");
    let file = |text: &str| {
        case("apply p.json --yes")
            .file("c.yaml", web(""))
            .file("p.json", text.to_owned())
    };
    let anew = [("FILE", "c.yaml"), ("PLAN", "q.json")];
    let made = format!(
        "eksact create iamserviceaccount --cluster quickstart --region eu-west-1 --name web --namespace app --attach-policy-arn {S3} --out p.json"
    );
    vec![
        case("apply -f c.yaml --yes --allow-broadening approved")
            .file("c.yaml", web(""))
            .says("save the plan, `eksact plan -f FILE --out PLAN`")
            .printed(&anew)
            .instead("apply q.json --yes")
            .check(),
        case("plan -f c.yaml --out c.yaml")
            .file("c.yaml", web(""))
            .says("Name a new file in a folder that is there, or an older plan.")
            .instead("plan -f c.yaml --out p.json")
            .check(),
        file("{\"format_version\": \"2.0\", \"tool_version\": \"9.0.0\"}")
            .says("Apply it with the version of eksact that made it")
            .printed(&anew)
            .instead("apply q.json --yes")
            .check(),
        case("apply c.yaml --yes")
            .file("c.yaml", web(""))
            .says("A configuration is named with -f")
            .instead("apply -f c.yaml --yes")
            .check(),
        file("{}")
            .says("Make a plan that can be applied")
            .printed(&anew)
            .instead("apply q.json --yes")
            .check(),
        apply(" --region us-east-1")
            .says("Leave --region out: the plan names its region.")
            .instead("apply p.json --yes")
            .check(),
        case("apply p.json --yes")
            .file("c.yaml", web(""))
            .first(OF_INPUT)
            .after_first(with_namespace)
            .says("Make a new plan and have it approved: a part of it came from standard input")
            .run(OF_INPUT)
            .again()
            .check(),
        apply(" --yes")
            .after_first(with_namespace)
            .says("Make a new plan and have it approved")
            .printed(&[])
            .check(),
        case("apply p.json --yes")
            .first("eksact associate iam-oidc-provider --cluster quickstart --region eu-west-1 --yes")
            .first(&made)
            .after_first(with_namespace)
            .says("Make a new plan and have it approved: run `eksact")
            .run(&made)
            .again()
            .check(),
        apply(" --yes")
            .after_first(|world| in_account(world, OTHER.0, OTHER.1))
            .says("Use credentials of the plan's account")
            .by_hand(|world, _| in_account(world, OTHER.1, OTHER.0))
            .check(),
        apply(" --yes")
            .after_first(|world| {
                let now = Some(MicroTime(Timestamp::now()));
                lease(
                    world,
                    ("eksact.dev/applying", "sha256:0"),
                    LeaseSpec {
                        holder_identity: Some("arn:aws:iam::111122223333:user/other 1".to_owned()),
                        lease_duration_seconds: Some(600),
                        acquire_time: now,
                        renew_time: now,
                    },
                );
            })
            .says("Wait until it has ended and run the same command again.")
            .by_hand(|world, _| without_lease(world))
            .check(),
        apply(" --yes")
            .after_first(|world| lease(world, ("eksact.dev/applied", "[{]"), LeaseSpec::default()))
            .says("forgets what was applied.")
            .by_hand(|world, _| without_lease(world))
            .check(),
        apply(" --yes")
            .after_first(|world| {
                let cluster = world.clusters.values_mut().next().unwrap();
                cluster.denied.insert("create leases in kube-system".to_owned());
            })
            .says("Give the caller the right to get, create and patch leases")
            .instead("apply p.json --yes --lock=false")
            .check(),
    ]
}
