//! What `check irsa` says of the chain from a service account to its role, link by link, done.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use eksact_core::ports::kubernetes::Pod;
use eksact_simulator::{Seed, World};
use serde_json::{Value, json};

use super::{
    case::{Case, Check, case},
    world::{account, cluster, role, role_of_another_account, web},
};

const CHECK: &str = "check irsa app/web --cluster quickstart --region eu-west-1";
const ARN: &str = "eks.amazonaws.com/role-arn";
const STS: &str = "sts.amazonaws.com";

pub(super) fn cases() -> Vec<Check> {
    [chain(), calls(), tokens(), variables(), old_pods()]
        .into_iter()
        .flatten()
        .collect()
}

/// This command line, where `app/web` is as its file says.
fn checked(command: &str) -> Case {
    case(command)
        .file("c.yaml", web(""))
        .first("eksact apply -f c.yaml --yes")
}

fn chain() -> Vec<Check> {
    let restore = |world: &mut World| {
        let arn = role(world).arn.clone();
        account(world).annotations.insert(ARN.to_owned(), arn);
    };
    let elsewhere = || {
        checked(CHECK).after_first(|world| {
            let arn = role_of_another_account(world, true);
            account(world).annotations.insert(ARN.to_owned(), arn);
        })
    };
    vec![
        checked(CHECK)
            .after_first(|world| {
                cluster(world).service_account_issuer = Some("https://example.com/id/other".to_owned());
            })
            .says("Check --kubeconfig and --context.")
            .change(|world| cluster(world).service_account_issuer = None)
            .check(),
        checked(CHECK)
            .after_first(|world| {
                let role = role(world);
                "/team/".clone_into(&mut role.path);
                role.arn = role.arn.replace(":role/", ":role/team/");
            })
            .says("Annotate the service account with that ARN: ")
            .printed(&[])
            .check(),
        checked(CHECK)
            .after_first(|world| {
                for provider in world.oidc_providers.values_mut() {
                    provider.thumbprints = vec!["0123456789abcdef0123456789abcdef01234567".to_owned()];
                }
            })
            .says("--check-thumbprint --approve` replaces it.")
            .printed(&[])
            .check(),
        elsewhere()
            .says("the annotation names the wrong account")
            .change(restore)
            .check(),
        elsewhere()
            .says("or make the call with --try")
            .instead(format!("{CHECK} --try"))
            .check(),
        checked("check irsa app/web -f c.yaml")
            .after_first(|world| role(world).trust_policy["Statement"] = json!([]))
            .says("restores the trust policy")
            .printed(&[])
            .check(),
    ]
}

fn calls() -> Vec<Check> {
    let unread = || {
        checked(CHECK).after_first(|world| {
            world.denied.insert("iam:GetRole".to_owned());
        })
    };
    vec![
        unread()
            .says("Give the caller the missing right")
            .change(|world| world.denied.clear())
            .check(),
        unread()
            .says("or make the call of a pod, which shows whether the chain works")
            .in_its_place(&[])
            .check(),
        checked(&format!("{CHECK} --try"))
            .after_first(|world| {
                let condition = &mut role(world).trust_policy["Statement"][0]["Condition"];
                condition["IpAddress"] = json!({"aws:SourceIp": "203.0.113.0/24"});
            })
            .says("or change that condition.")
            .change(|world| {
                let condition = &mut role(world).trust_policy["Statement"][0]["Condition"];
                condition.as_object_mut().unwrap().remove("IpAddress");
            })
            .check(),
        checked(&format!("{CHECK} --try"))
            .after_first(|world| {
                world.denied.insert("sts:AssumeRoleWithWebIdentity".to_owned());
            })
            .says("service control policies of the organization that forbid the call")
            .change(|world| world.denied.clear())
            .check(),
    ]
}

/// A token of `app/web` of this audience that expires in so many hours.
fn token(audience: &str, hours: i64) -> String {
    let mut world = World::seeded(&Seed {
        cluster: "quickstart".to_owned(),
        region: "eu-west-1".to_owned(),
        account: None,
    });
    let expires = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(hours);
    let claims = json!({
        "iss": cluster(&mut world).cluster.oidc_issuer,
        "sub": "system:serviceaccount:app:web",
        "aud": [audience],
        "exp": expires.as_second(),
    });
    let part = |value: &Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2ln", part(&json!({"alg": "RS256"})), part(&claims))
}

fn tokens() -> Vec<Check> {
    let with = |token: String| format!("{CHECK} --token {token}");
    vec![
        checked(&with(token(STS, -5)))
            .says("Read the token from its file for each call")
            .instead(with(token(STS, 5)))
            .check(),
        checked(&with(token("https://kubernetes.default.svc", 5)))
            .says("Pass the token that the webhook projects into pods")
            .instead(with(token(STS, 5)))
            .check(),
    ]
}

/// A pod of `app/web` with these variables.
fn pod(name: &str, controller: Option<&str>, roles: &[&str], variables: &[&str]) -> Pod {
    let container = || "app".to_owned();
    let variables: BTreeSet<String> = variables.iter().map(|name| (*name).to_owned()).collect();
    Pod {
        namespace: "app".to_owned(),
        name: name.to_owned(),
        service_account: "web".to_owned(),
        phase: "Running".to_owned(),
        controller: controller.map(str::to_owned),
        role_arns: roles
            .iter()
            .map(|role| (container(), (*role).to_owned()))
            .collect(),
        credential_variables: BTreeMap::from([(container(), variables)]),
        ..Pod::default()
    }
}

fn run_in(world: &mut World, pod: Pod) {
    let key = format!("{}/{}", pod.namespace, pod.name);
    cluster(world).pods.insert(key, pod);
}

fn variables() -> Vec<Check> {
    const INJECTED: [&str; 2] = ["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"];
    let controller = Some("deployment/web");
    // A pod whose own environment adds to what the webhook injects, or takes from it.
    let running = move |variables: Vec<&'static str>| {
        checked(CHECK).after_first(move |world| {
            let arn = role(world).arn.clone();
            run_in(world, pod("web-1", controller, &[&arn], &variables));
        })
    };
    let as_injected = move |world: &mut World| {
        let arn = role(world).arn.clone();
        run_in(world, pod("web-1", controller, &[&arn], &INJECTED));
    };
    vec![
        running([&INJECTED[..], &["AWS_ACCESS_KEY_ID"]].concat())
            .says("Take the keys out of the pod's own environment.")
            .change(as_injected)
            .check(),
        running(vec!["AWS_ROLE_ARN"])
            .says("Take AWS_ROLE_ARN out of the pod's own environment.")
            .change(as_injected)
            .check(),
        // The association is deleted, and the pods are restarted.
        checked(CHECK)
            .after_first(move |world| {
                run_in(
                    world,
                    pod("web-1", controller, &[], &["AWS_CONTAINER_CREDENTIALS_FULL_URI"]),
                );
            })
            .says("Delete either the association or the annotation, and restart the pods.")
            .printed(&[])
            .run("kubectl --namespace app rollout restart deployment/web")
            .check(),
    ]
}

/// Pods from before the annotation, and who makes them anew.
fn old_pods() -> Vec<Check> {
    const OLD: &str = "arn:aws:iam::111122223333:role/old";
    let running = |pods: Vec<(&'static str, Option<&'static str>)>| {
        checked(CHECK).after_first(move |world| {
            for (name, controller) in pods {
                let roles: &[&str] = if name.ends_with('1') { &[OLD] } else { &[] };
                run_in(world, pod(name, controller, roles, &[]));
            }
        })
    };
    let restart = "Restart them: `kubectl --namespace app ";
    let anew = "delete each, and create it again from its manifest.";
    vec![
        running(vec![("web-1", Some("deployment/web"))])
            .says(restart)
            .printed(&[])
            .check(),
        // Several controllers, of which one is not restarted but makes anew what is deleted.
        running(vec![
            ("web-1", Some("deployment/web")),
            ("web-2", Some("deployment/web")),
            ("db-0", Some("statefulset/db")),
            ("job-1", Some("job/nightly")),
        ])
        .says(restart)
        .printed(&[])
        .check(),
        running(vec![("alone", None)])
            .says(anew)
            .run("kubectl --namespace app delete pod alone")
            .change(|world| {
                let arn = role(world).arn.clone();
                run_in(
                    world,
                    pod("alone", None, &[&arn], &["AWS_WEB_IDENTITY_TOKEN_FILE"]),
                );
            })
            .check(),
        running(vec![("alone", None), ("web-1", Some("daemonset/web"))])
            .says(anew)
            .printed(&[])
            .run("kubectl --namespace app delete pod alone")
            .check(),
    ]
}
