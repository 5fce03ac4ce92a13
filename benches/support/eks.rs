//! As much of AWS as a plan over access entries and associations asks for. It compares nothing and keeps nothing: everything is as
//! the benchmark's file wants it.

use std::{fmt::Write as _, time::Duration};

use serde_json::{Value, json};

use crate::server::{Answer, Server};

pub(crate) const CLUSTER: &str = "bench";
pub(crate) const REGION: &str = "eu-west-1";
pub(crate) const POLICY: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";
/// The role of every association.
pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/reader";
/// How many calls eksact makes at once, unless it is told otherwise.
pub(crate) const IN_FLIGHT: usize = 16;
const PER_PAGE: usize = 100;

/// The principal of an entry.
pub(crate) fn principal(number: usize) -> String {
    format!("arn:aws:iam::111122223333:role/team/dev-{number:04}")
}

/// Starts one with so many entries and associations. Every so-manieth call is throttled.
pub(crate) fn start(count: usize, latency: Duration, every: Option<usize>) -> Server {
    Server::start(latency, every, move |target, body| {
        Some(answer(target, body, count))
    })
}

fn answer(target: &str, body: &str, count: usize) -> Answer {
    if let Some(action) = body.split('&').find_map(|pair| pair.strip_prefix("Action=")) {
        return Answer::xml(action, query(action, count));
    }
    let (path, parameters) = target.split_once('?').unwrap_or((target, ""));
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let from: usize = parameters
        .split('&')
        .find_map(|pair| pair.strip_prefix("nextToken=")?.parse().ok())
        .unwrap_or_default();
    let page = |name: &str, one: &dyn Fn(usize) -> Value| {
        let to = (from + PER_PAGE).min(count);
        let mut page = json!({name: (from..to).map(one).collect::<Vec<_>>()});
        if to < count {
            page["nextToken"] = json!(to.to_string());
        }
        page
    };
    let (action, value) = match parts.as_slice() {
        ["access-policies"] => (
            "ListAccessPolicies",
            json!({"accessPolicies": [{"name": "AmazonEKSViewPolicy", "arn": POLICY}]}),
        ),
        ["clusters", _] => ("DescribeCluster", cluster()),
        // eksctl asks for it.
        ["cluster-versions"] => (
            "DescribeClusterVersions",
            json!({"clusterVersions": [{"clusterVersion": "1.33", "defaultVersion": true, "versionStatus": "STANDARD_SUPPORT"}]}),
        ),
        ["clusters", _, "access-entries"] => (
            "ListAccessEntries",
            page("accessEntries", &|number| json!(principal(number))),
        ),
        ["clusters", _, "access-entries", arn] => ("DescribeAccessEntry", entry(arn)),
        ["clusters", _, "access-entries", _, "access-policies"] => (
            "ListAssociatedAccessPolicies",
            json!({"associatedAccessPolicies": [{"policyArn": POLICY,
                "accessScope": {"type": "namespace", "namespaces": ["app"]}}]}),
        ),
        ["clusters", _, "pod-identity-associations"] => {
            ("ListPodIdentityAssociations", page("associations", &association))
        }
        ["clusters", _, "pod-identity-associations", id] => {
            let number = id.trim_start_matches("a-").parse().unwrap_or_default();
            (
                "DescribePodIdentityAssociation",
                json!({"association": association(number)}),
            )
        }
        other => panic!("the benchmark's server does not know {other:?}"),
    };
    Answer::json(action, &value)
}

fn cluster() -> Value {
    json!({"cluster": {
        "name": CLUSTER,
        "arn": format!("arn:aws:eks:{REGION}:111122223333:cluster/{CLUSTER}"),
        "status": "ACTIVE",
        "version": "1.33",
        // Nothing answers there: what a cluster says costs no call of AWS.
        "endpoint": "https://127.0.0.1:9",
        "certificateAuthority": {"data": ""},
        "accessConfig": {"authenticationMode": "API"},
        "computeConfig": {"enabled": true},
    }})
}

fn entry(encoded: &str) -> Value {
    let number: usize = encoded
        .rsplit('-')
        .next()
        .and_then(|digits| digits.parse().ok())
        .unwrap_or_default();
    json!({"accessEntry": {
        "principalArn": principal(number),
        "kubernetesGroups": ["developers"],
        "username": format!("user-{number}"),
        "type": "STANDARD",
        "accessEntryArn": format!("arn:aws:eks:{REGION}:111122223333:access-entry/{CLUSTER}/role/111122223333/dev-{number:04}/1"),
        "createdAt": 1_780_000_000,
        "tags": {"eksact.dev/managed-by": "eksact"},
    }})
}

fn association(number: usize) -> Value {
    let name = format!("account-{number}");
    json!({
        "clusterName": CLUSTER,
        "associationId": format!("a-{number:017}"),
        "associationArn": format!("arn:aws:eks:{REGION}:111122223333:podidentityassociation/{CLUSTER}/a-{number:017}"),
        "namespace": "app",
        "serviceAccount": name,
        "roleArn": ROLE,
        "disableSessionTags": false,
        "tags": {
            "alpha.eksctl.io/cluster-name": CLUSTER,
            "eksctl.cluster.k8s.io/v1alpha1/cluster-name": CLUSTER,
            "alpha.eksctl.io/podidentityassociation-name": format!("app/{name}"),
        },
    })
}

/// The services that answer in XML.
fn query(action: &str, count: usize) -> String {
    let result = match action {
        "GetCallerIdentity" => {
            "<Account>111122223333</Account><Arn>arn:aws:iam::111122223333:user/ann</Arn><UserId>AIDAEXAMPLE</UserId>".to_owned()
        }
        "ListRoles" => {
            let mut roles = String::from("<IsTruncated>false</IsTruncated><Roles>");
            for number in 0..count {
                // Writing to a text cannot fail.
                let _ = write!(
                    roles,
                    "<member><Path>/team/</Path><RoleName>dev-{number:04}</RoleName><RoleId>AROA{number:017}</RoleId>\
                     <Arn>{}</Arn><CreateDate>2020-01-01T00:00:00Z</CreateDate></member>",
                    principal(number)
                );
            }
            roles + "</Roles>"
        }
        "GetRole" => format!(
            "<Role><Path>/</Path><RoleName>reader</RoleName><RoleId>AROAREADER</RoleId><Arn>{ROLE}</Arn>\
             <CreateDate>2020-01-01T00:00:00Z</CreateDate><AssumeRolePolicyDocument>%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B\
             %7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B%22Service%22%3A%22pods.eks.amazonaws.com%22%7D%2C%22Action%22%3A%5B\
             %22sts%3AAssumeRole%22%2C%22sts%3ATagSession%22%5D%7D%5D%7D</AssumeRolePolicyDocument></Role>"
        ),
        "ListAttachedRolePolicies" => "<IsTruncated>false</IsTruncated><AttachedPolicies/>".to_owned(),
        "ListRolePolicies" => "<IsTruncated>false</IsTruncated><PolicyNames/>".to_owned(),
        "DescribeStacks" => "<Stacks/>".to_owned(),
        "ListStacks" => "<StackSummaries/>".to_owned(),
        other => panic!("the benchmark's server does not know {other}"),
    };
    format!("<{action}Response><{action}Result>{result}</{action}Result></{action}Response>")
}
