//! `--out` of the commands that change what their flags name: the plan of exactly that command is saved, and `apply PLAN` does
//! what the command would have done.

use std::fs;

use eksact_core::ports::kubernetes::Namespace;
use eksact_simulation::normal_form::{differences, form_with_access};
use eksact_simulator::{Sandbox, World};
use serde_json::Value;

use crate::commands::place::{Place, READ_ONLY};

const MAPPED: &str = "arn:aws:iam::111122223333:role/dev";
const FILE: &str = "\
apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: {name: prod, region: eu-west-1}
iam:
  withOIDC: true
  serviceAccounts:
  - metadata: {name: listed, namespace: app}
    attachPolicyARNs: ['arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess']
iamIdentityMappings:
- {arn: 'arn:aws:iam::111122223333:role/ops', username: ops, groups: [operators]}
accessConfig:
  accessEntries:
  - {principalARN: 'arn:aws:iam::111122223333:role/team/ops', kubernetesGroups: [operators]}
identityProviders:
- {type: oidc, name: okta, issuerURL: 'https://okta.example.com', clientID: kubernetes}
";

/// Commands, each with what was done before.
fn rows() -> Vec<(Vec<String>, String)> {
    let account = format!(
        "create iamserviceaccount --cluster prod --name web --namespace app --attach-policy-arn {READ_ONLY}"
    );
    let mapping =
        format!("create iamidentitymapping --cluster prod --arn {MAPPED} --username dev --group developers");
    let entry = format!(
        "create accessentry --cluster prod --principal-arn {MAPPED} --kubernetes-groups developers --access-policy \
         AmazonEKSViewPolicy:default"
    );
    let association = format!(
        "create podidentityassociation --cluster prod --namespace app --service-account-name job --permission-policy-arns \
         {READ_ONLY} --create-service-account"
    );
    let provider = "associate iam-oidc-provider --cluster prod".to_owned();
    let okta = "associate identityprovider -f cluster.yaml".to_owned();
    let row = |before: &[&String], line: &str| {
        (
            before.iter().map(|line| (*line).clone()).collect(),
            line.to_owned(),
        )
    };
    vec![
        row(&[&provider], &account),
        row(&[&provider], "create iamserviceaccount -f cluster.yaml"),
        row(
            &[&provider, &account],
            "update iamserviceaccount --cluster prod --name web --namespace app --attach-policy-arn \
             arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess",
        ),
        row(
            &[&provider, &account],
            "delete iamserviceaccount --cluster prod --name web --namespace app",
        ),
        row(
            &[&provider, &account],
            "delete iamserviceaccount -f cluster.yaml --only-missing",
        ),
        row(&[], &mapping),
        row(&[], "create iamidentitymapping -f cluster.yaml"),
        row(
            &[&mapping],
            &format!("delete iamidentitymapping --cluster prod --arn {MAPPED}"),
        ),
        row(&[], &entry),
        row(&[], "create accessentry -f cluster.yaml"),
        row(
            &[&entry],
            &format!(
                "update accessentry --cluster prod --principal-arn {MAPPED} --kubernetes-username dev:{{{{SessionName}}}}"
            ),
        ),
        row(
            &[&entry],
            &format!("delete accessentry --cluster prod --principal-arn {MAPPED}"),
        ),
        row(&[], &association),
        row(
            &[&association],
            "update podidentityassociation --cluster prod --namespace app --service-account-name job --target-role-arn \
             arn:aws:iam::444455556666:role/data",
        ),
        row(
            &[&association],
            "delete podidentityassociation --cluster prod --namespace app --service-account-name job",
        ),
        row(&[], &provider),
        row(&[&provider], "delete iam-oidc-provider --cluster prod"),
        row(&[], &okta),
        row(&[&okta], "disassociate identityprovider -f cluster.yaml"),
        row(
            &[],
            "utils update-authentication-mode --cluster prod --authentication-mode API --allow \
             one-way-mode,aws-auth-in-use,node-role-lost",
        ),
    ]
}

fn world(place: &Place) -> World {
    Sandbox::peek(&place.path(".eksact-sandbox.json"))
        .unwrap()
        .unwrap()
}

/// A place in which these commands were applied.
fn after(before: &[String]) -> Place {
    let place = Place::new();
    place.write("cluster.yaml", FILE);
    place.edit("prod", |_| {});
    for line in before {
        let words: Vec<&str> = line.split(' ').chain(["--yes"]).collect();
        let ended = place.run(&words);
        assert_eq!(ended.code, 0, "{line}: {}", ended.stderr);
    }
    place
}

#[test]
fn saved_command_leads_where_the_command_leads() {
    for (before, line) in rows() {
        let words: Vec<&str> = line.split(' ').collect();
        let at_once = after(&before);
        let ended = at_once.run(&[words.as_slice(), &["--yes"]].concat());
        assert_eq!(ended.code, 0, "{line}: {}", ended.stderr);

        let by_file = after(&before);
        let untouched = form_with_access(&world(&by_file));
        let ended = by_file.run(&[words.as_slice(), &["--out", "plan.json", "-o", "json"]].concat());
        assert_eq!(ended.code, 0, "{line}: {}", ended.stderr);
        assert_eq!(
            form_with_access(&world(&by_file)),
            untouched,
            "{line}: nothing is changed yet"
        );
        let saved = fs::read_to_string(by_file.path("plan.json")).unwrap();
        assert_eq!(ended.stdout, saved, "{line}: the document that was saved");
        let plan: Value = serde_json::from_str(&saved).unwrap();
        assert_ne!(
            plan["changes"],
            Value::Array(Vec::new()),
            "{line} has something to do"
        );
        let digest = plan["digest"].as_str().unwrap();
        let ended = by_file.run(&["apply", "plan.json", "--expect", digest]);
        assert_eq!(ended.code, 0, "{line}: {}", ended.stderr);
        let differences = differences(
            &form_with_access(&world(&at_once)),
            &form_with_access(&world(&by_file)),
        );
        assert!(differences.is_empty(), "{line}:\n{}", differences.join("\n"));
        let again = by_file.run(&["apply", "plan.json", "--yes"]);
        assert_eq!(again.code, 0, "{line}: {}", again.stderr);
        assert!(
            again.stderr.contains("Already applied at"),
            "{line}: {}",
            again.stderr
        );
    }
}

/// Where something moved, the help is about the command and not about a file; and a plan that is saved is not applied as well.
#[test]
fn saved_command_names_itself_where_something_moved() {
    let (before, line) = &rows()[0];
    let place = after(before);
    let words: Vec<&str> = line.split(' ').collect();
    let both = place.run(&[words.as_slice(), &["--out", "plan.json", "--yes"]].concat());
    assert_eq!(both.code, 64, "{}", both.stderr);
    let ended = place.run(&[words.as_slice(), &["--out", "plan.json"]].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("To apply exactly this, run: eksact apply plan.json --expect")
    );
    place.edit("prod", |world| {
        let namespace = Namespace {
            name: "app".to_owned(),
            terminating: false,
        };
        let cluster = world.clusters.values_mut().next().unwrap();
        cluster.namespaces.insert("app".to_owned(), namespace);
    });
    let moved = place.run(&["apply", "plan.json", "--yes"]);
    assert_eq!(moved.code, 6, "{}", moved.stderr);
    let said = moved.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("run `eksact create iamserviceaccount` again"),
        "{said}"
    );
}
