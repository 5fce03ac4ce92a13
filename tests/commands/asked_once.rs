//! What EKS is asked of a cluster, it is asked once, whoever needs it: the plan, the way to the cluster's API, the command itself.
//! Every command is run, against a server that knows the cluster and writes down what it is asked.

use std::collections::BTreeSet;

use crate::commands::{
    place::{Ended, PROGRAM, Place},
    secrets::{
        commands,
        lines::lines,
        network::{Manner, start_telling},
    },
};

const CLUSTER: &str = "
apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: {name: prod, region: eu-west-1}
iam:
  withOIDC: true
  serviceAccounts:
  - {metadata: {name: reader, namespace: app}, attachPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']}
---
apiVersion: eksact.dev/v1alpha1
kind: ClusterAccess
metadata: {name: prod}
identityMappings:
- {arn: 'arn:aws:iam::111122223333:role/dev', username: dev}
";

#[test]
fn describe_cluster_is_asked_once_by_every_command() {
    let (server, requests) = start_telling(Manner::Answers);
    let place = Place::new();
    place.write("cluster.yaml", CLUSTER);
    place.write("other.yaml", &CLUSTER.replace("name: prod", "name: other"));
    let (mut faults, mut asking, mut reaching) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for words in commands() {
        let command = words.join(" ");
        for line in lines(&command).unwrap() {
            requests.lock().unwrap().clear();
            let ended = place
                .bare(PROGRAM)
                .args(&words)
                .args(line.split_whitespace())
                .args(["--region", "eu-west-1"])
                .env("AWS_ENDPOINT_URL", format!("http://{server}"))
                .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
                .env("AWS_SECRET_ACCESS_KEY", "x")
                .env("AWS_EC2_METADATA_DISABLED", "true")
                .output()
                .unwrap();
            let asked = requests.lock().unwrap();
            let times = asked
                .iter()
                .filter(|request| *request == "GET /clusters/prod")
                .count();
            if times > 0 {
                asking.insert(command.clone());
            }
            if asked.iter().any(|request| request.contains(" /api")) {
                reaching.insert(command.clone());
            }
            if times > 1 {
                faults.push(format!(
                    "`{command} {line}` asks {times} times: {}",
                    Ended::of(ended).stderr
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    // A run that ends before it asks would show nothing.
    assert!(asking.len() >= 40, "{asking:?}");
    assert!(reaching.len() >= 25, "{reaching:?}");
}
