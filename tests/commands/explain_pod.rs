//! `explain pod`: which AWS credentials the pods of a service account get, and what the webhook puts into them.

use std::collections::BTreeMap;

use eksact_core::ports::{
    aws::PodIdentityAssociation,
    kubernetes::{Pod, ServiceAccount},
};
use eksact_simulator::World;
use serde_json::Value;

use crate::commands::place::{Place, READ_ONLY, assert_story};

const OF: [&str; 4] = ["--cluster", "quickstart", "--region", "eu-west-1"];

/// A cluster whose service account `app/report-reader` has a role by its annotation; `app/plain` has none.
fn annotated() -> Place {
    let place = Place::new();
    let account = format!(
        "{{metadata: {{name: report-reader, namespace: app}}, roleName: reader, attachPolicyARNs: ['{READ_ONLY}']}}"
    );
    place.write_accounts("cluster.yaml", &[&account]);
    let ended = place.run(&["apply", "-f", "cluster.yaml", "--yes"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    place.edit("quickstart", |world| {
        let cluster = world.clusters.values_mut().next().unwrap();
        let plain = ServiceAccount {
            namespace: "app".to_owned(),
            name: "plain".to_owned(),
            ..ServiceAccount::default()
        };
        cluster.service_accounts.insert("app/plain".to_owned(), plain);
    });
    place
}

fn add_pod(world: &mut World, name: &str, role: Option<&str>, variables: &[&str]) {
    let web = "web".to_owned();
    let pod = Pod {
        namespace: "app".to_owned(),
        name: name.to_owned(),
        service_account: "report-reader".to_owned(),
        phase: "Running".to_owned(),
        controller: Some("deployment/report".to_owned()),
        role_arns: role
            .map(|role| (web.clone(), role.to_owned()))
            .into_iter()
            .collect(),
        credential_variables: BTreeMap::from([(web, variables.iter().map(ToString::to_string).collect())]),
        place: None,
    };
    let cluster = world.clusters.values_mut().next().unwrap();
    cluster.pods.insert(format!("app/{name}"), pod);
}

/// Gives the service account an association with its role.
fn associate(world: &mut World) {
    let role_arn = world.roles["reader"].arn.clone();
    let id = "a-0123456789abcdefg".to_owned();
    let association = PodIdentityAssociation {
        id: id.clone(),
        namespace: "app".to_owned(),
        service_account: "report-reader".to_owned(),
        role_arn,
        ..PodIdentityAssociation::default()
    };
    let cluster = world.clusters.values_mut().next().unwrap();
    cluster.eks.pod_identity_associations.insert(id, association);
}

const POD: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: report, namespace: app}
spec:
  template:
    metadata:
      annotations:
        eks.amazonaws.com/skip-containers: proxy
        eks.amazonaws.com/token-expiration: 1h
    spec:
      serviceAccountName: report-reader
      containers:
        - {name: web, image: web}
        - {name: proxy, image: proxy}
        - {name: old, image: old, env: [{name: AWS_ROLE_ARN, value: 'arn:aws:iam::111122223333:role/old'}]}
";

fn words<'a>(line: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    line.split_whitespace().chain(rest.iter().copied()).collect()
}

#[test]
fn explain_pod_shows_what_is_put_in_and_each_link() {
    let mut place = annotated();
    let reader = "explain pod -n app --service-account report-reader";
    place.tell(&words(reader, &OF));
    place.tell(&words("explain pod -n app --service-account plain", &OF));
    place.tell(&words("explain pod -n app --service-account nobody", &OF));
    place.write("pod.yaml", POD);
    place.tell(&words("explain pod --pod pod.yaml", &OF));
    place.tell(&words("explain pod --pod pod.yaml -n prod", &OF));
    assert_story!("explain-pod", place.story());
}

#[test]
fn explain_pod_tells_pods_that_run_from_the_next_one() {
    const TOKEN: [&str; 2] = ["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"];
    let mut place = annotated();
    place.edit("quickstart", |world| {
        add_pod(
            world,
            "report-1",
            Some("arn:aws:iam::111122223333:role/old"),
            &TOKEN,
        );
        let arn = world.roles["reader"].arn.clone();
        add_pod(world, "report-2", Some(&arn), &TOKEN);
    });
    let reader = words("explain pod -n app --service-account report-reader", &OF);
    place.tell(&reader);
    // An association wins over the annotation; there is no agent yet, and the role trusts the cluster's provider alone.
    place.edit("quickstart", associate);
    place.tell(&reader);
    assert_story!("explain-pod-running", place.story());
}

#[test]
fn explain_pod_answers_from_files_alone() {
    let mut place = Place::new();
    let account = "---\nkind: ServiceAccount\nmetadata: {name: web, annotations: {eks.amazonaws.com/role-arn: \
                   'arn:aws:iam::111122223333:role/web'}}\n";
    let pod =
        "kind: Pod\nmetadata: {name: web}\nspec: {serviceAccountName: web, containers: [{name: web}]}\n";
    place.write("both.yaml", &format!("{pod}{account}"));
    place.write("pod.yaml", pod);
    place.write("none.yaml", account);
    place.tell(&["explain", "pod", "--pod", "both.yaml", "--region", "eu-west-1"]);
    place.tell(&["explain", "pod", "--pod", "pod.yaml"]);
    place.tell(&["explain", "pod", "--pod", "none.yaml"]);
    place.tell(&["explain", "pod"]);
    let ended = place.run(&["explain", "pod", "--pod", "both.yaml", "-o", "json"]);
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((ended.code, &document["answer"]), (0, &Value::from("yes")));
    assert_eq!(document["patch"][1]["path"], "/spec/containers");
    assert_story!("explain-pod-files", place.story());
}

/// What could not be read has an exit code of its own.
#[test]
fn explain_pod_depends_on_what_could_not_be_read() {
    let place = annotated();
    place.edit("quickstart", |world| {
        world.denied.insert("eks:ListPodIdentityAssociations".to_owned());
    });
    let ended = place.run(&words(
        "explain pod -n app --service-account report-reader -o json",
        &OF,
    ));
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(document["answer"], "depends");
    assert_eq!(document["findings"][0]["code"], "pod-identity-unreadable");
}

/// A snapshot answers as the cluster does, but for the pods that run; one of an older eksact says what it does not have.
#[test]
fn explain_pod_answers_from_a_snapshot() {
    let mut place = annotated();
    place.edit("quickstart", |world| {
        let cluster = world.clusters.values_mut().next().unwrap();
        let account = cluster.service_accounts.get_mut("app/report-reader").unwrap();
        let expires = "eks.amazonaws.com/token-expiration".to_owned();
        account.annotations.insert(expires, "3600".to_owned());
        account
            .annotations
            .insert("example.com/note".to_owned(), "kept to itself".to_owned());
    });
    let reader = "explain pod -n app --service-account report-reader -o json";
    let compare = |place: &Place, account: &str| {
        let question = reader.replace("report-reader", account);
        let answer = |rest: &[&str]| {
            let ended = place.run(&words(&question, rest));
            let mut document: Value = serde_json::from_str(&ended.stdout).unwrap();
            let fields = document.as_object_mut().unwrap();
            fields.remove("running");
            // What a snapshot adds: that it does not know which pods run.
            let findings = fields["findings"].as_array_mut().unwrap();
            findings.retain(|finding| {
                !finding["message"]
                    .as_str()
                    .unwrap()
                    .contains("the pods that run are not known")
            });
            (ended.code, document)
        };
        let taken = place.run(&words("snapshot --out taken.json --force", &OF));
        assert_eq!(taken.code, 0, "{}", taken.stderr);
        assert_eq!(answer(&["--snapshot", "taken.json"]), answer(&OF), "{account}");
    };
    for account in ["report-reader", "plain", "nobody"] {
        compare(&place, account);
    }
    let text = std::fs::read_to_string(place.path("taken.json")).unwrap();
    assert!(!text.contains("kept to itself"), "{text}");
    place.tell(&words(
        "explain pod -n app --service-account report-reader --snapshot taken.json",
        &[],
    ));
    place.edit("quickstart", associate);
    compare(&place, "report-reader");
    // As an eksact before wrote it.
    let mut old: Value =
        serde_json::from_str(&std::fs::read_to_string(place.path("taken.json")).unwrap()).unwrap();
    let picture = &mut old["picture"];
    picture["aws"].as_object_mut().unwrap().remove("agent");
    for part in ["/serviceAccounts/known", "/aws/associations/known"] {
        for object in picture.pointer_mut(part).unwrap().as_array_mut().unwrap() {
            let object = object.as_object_mut().unwrap();
            object.remove("annotations");
            object.remove("id");
        }
    }
    place.write("old.json", &old.to_string());
    let reader = "explain pod -n app --service-account report-reader";
    place.tell(&words(reader, &["--snapshot", "old.json"]));
    old["picture"].as_object_mut().unwrap().remove("aws");
    place.write("older.json", &old.to_string());
    place.tell(&words(reader, &["--snapshot", "older.json"]));
    assert_story!("explain-pod-snapshot", place.story());
}
