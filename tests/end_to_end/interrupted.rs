//! Apply cut off: by SIGKILL at any moment, by Ctrl-C. Running again finishes the rest, with nothing twice and nothing
//! foreign touched.

use std::fmt::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::bed::{Bed, Ran, until};
use super::live::Role;

const KILLS: u64 = 8;
const ACCOUNTS: [&str; 3] = ["api", "queue", "reports"];

/// A file with three service accounts of a namespace of its own.
fn file_for(bed: &Bed, namespace: &str) -> String {
    let mut text =
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: bench, region: us-west-2}\n\
                    iam:\n  withOIDC: true\n  serviceAccounts:\n"
            .to_owned();
    for name in ACCOUNTS {
        let _ = write!(
            text,
            "  - metadata: {{name: {name}, namespace: {namespace}}}\n    attachPolicyARNs: [\"arn:aws:iam::aws:policy/ReadOnlyAccess\"]\n"
        );
    }
    bed.file(&format!("{namespace}.yaml"), &text)
}

/// What an apply of such a file leads to, with the namespace taken out so that rounds can be compared.
fn outcome(bed: &Bed, namespace: &str) -> Vec<(Role, Value)> {
    let neutral = |text: String| text.replace(namespace, "NAMESPACE");
    let accounts = ACCOUNTS.iter().map(|name| {
        let arn = bed.role_arn_of(namespace, name);
        assert_eq!(
            bed.annotation(namespace, name).as_deref(),
            Some(arn.as_str()),
            "{namespace}/{name}"
        );
        let mut role = bed.role(arn.rsplit('/').next().unwrap()).unwrap();
        role.tags.remove("aws:cloudformation:stack-id");
        role.tags = role
            .tags
            .into_iter()
            .map(|(key, value)| (key, neutral(value)))
            .collect();
        role.trust = serde_json::from_str(&neutral(role.trust.to_string())).unwrap();
        let labels = bed.service_account(namespace, name).unwrap()["metadata"]["labels"].clone();
        (role, labels)
    });
    accounts.collect()
}

/// What belongs to others, byte for byte.
fn foreign(bed: &Bed) -> (Option<Role>, Option<Value>, Option<Value>, Value) {
    let mut stack = bed.stack("others");
    if let Some(stack) = &mut stack {
        // The simulator makes its drift information up at each look.
        stack["DriftInformation"].take();
    }
    let template = bed
        .aws("cloudformation", "get_template", &json!({"StackName": "others"}))
        .unwrap();
    (
        bed.role("others"),
        bed.service_account("others", "app"),
        stack,
        template,
    )
}

fn make_foreign_things(bed: &Bed) {
    bed.make_foreign_role("others");
    bed.make_namespace("others");
    bed.make_service_account(
        "others",
        "app",
        &json!({"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/others"}),
    );
    let trust = bed.role("others").unwrap().trust;
    let template = json!({"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}}});
    let arguments = json!({"StackName": "others", "TemplateBody": template.to_string(), "Capabilities": ["CAPABILITY_IAM"]});
    bed.aws("cloudformation", "create_stack", &arguments).unwrap();
    until("the foreign stack", || {
        bed.stack("others").unwrap()["StackStatus"] == "CREATE_COMPLETE"
    });
}

/// Stacks that were asked for and made, by the log of calls: each must be there once.
fn creations(bed: &Bed, namespace: &str) -> usize {
    bed.writes()
        .iter()
        .filter(|call| {
            call.call == "cloudformation:CreateStack" && call.status == 200 && call.target.contains(namespace)
        })
        .count()
}

/// The next number of a fixed sequence (splitmix64), so that a failure can be repeated.
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*seed ^ (*seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn begin(bed: &Bed, file: &str) -> Child {
    let mut command = bed.eksact(&["apply", "-f", file, "--yes"]);
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn next_run_finishes_what_was_killed_at_any_moment() {
    let bed = Bed::start();
    make_foreign_things(&bed);
    bed.stacks_take(&json!(1));
    let others = foreign(&bed);
    bed.forget_calls();
    let reference = file_for(&bed, "reference");
    bed.apply(&reference).ended(0);
    let calls = u64::try_from(bed.calls().len()).unwrap();
    let wanted = outcome(&bed, "reference");

    let mut seed = 20_261_122;
    let mut cut_short = 0;
    for round in 0..KILLS {
        let namespace = format!("round-{round}");
        let file = file_for(&bed, &namespace);
        let provider = json!({"OpenIDConnectProviderArn": bed.provider_arn()});
        bed.aws("iam", "delete_open_id_connect_provider", &provider)
            .unwrap();
        bed.forget_calls();

        // Within each eighth of the calls that an apply makes, and a little later, when it may be at Kubernetes.
        let call = calls * round / KILLS + next(&mut seed) % (calls / KILLS).max(1);
        let later = next(&mut seed) % 100;
        let mut running = begin(&bed, &file);
        while u64::try_from(bed.calls().len()).unwrap() < call && running.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(later));
        running.kill().unwrap();
        cut_short += u32::from(!running.wait().unwrap().success());

        bed.apply(&file).ended(0);
        assert_eq!(
            creations(&bed, &namespace),
            ACCOUNTS.len(),
            "round {round}, killed {later} ms after call {call}"
        );
        assert_eq!(
            outcome(&bed, &namespace),
            wanted,
            "round {round}, killed {later} ms after call {call}"
        );
        bed.nothing_to_do(&file);
    }
    assert!(cut_short >= 4, "only {cut_short} runs were cut short");
    bed.nothing_to_do(&reference);
    assert_eq!(foreign(&bed), others);
    let roles = bed.aws("iam", "list_roles", &json!({"MaxItems": 1000})).unwrap();
    let ours = roles["Roles"].as_array().unwrap().iter();
    let ours = ours
        .filter(|role| role["RoleName"].as_str().unwrap().starts_with("eksctl-"))
        .count();
    assert_eq!(
        ours,
        ACCOUNTS.len() * (usize::try_from(KILLS).unwrap() + 1),
        "a role is there twice"
    );
}

#[test]
fn first_ctrl_c_finishes_what_is_in_flight_and_the_next_run_the_rest() {
    let bed = Bed::start();
    bed.stacks_take(&json!(2));
    let file = file_for(&bed, "app");
    let running = begin(&bed, &file);
    until("the stacks to be asked for", || {
        creations(&bed, "app") == ACCOUNTS.len()
    });
    let interrupt = Command::new("kill")
        .args(["-INT", &running.id().to_string()])
        .status()
        .unwrap();
    assert!(interrupt.success());
    let ran = Ran::from(running.wait_with_output().unwrap()).ended(130);
    ran.says("Interrupted")
        .says("Not tried")
        .says("service-account/app/api");
    for name in ACCOUNTS {
        let stack = bed.stack(&bed.stack_name("app", name)).unwrap();
        assert_eq!(
            stack["StackStatus"], "CREATE_COMPLETE",
            "its step was in flight: {ran}"
        );
        assert_eq!(bed.service_account("app", name), None);
    }
    bed.apply(&file).ended(0);
    assert_eq!(creations(&bed, "app"), ACCOUNTS.len());
    outcome(&bed, "app");
    bed.nothing_to_do(&file);
}
