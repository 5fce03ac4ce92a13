//! Generated templates and policies before the judges that people use: cfn-lint and parliament.

use std::collections::BTreeSet;
use std::process::Command;

use eksact_identity::cloudformation::{RolePurpose, template::RoleTemplate};
use eksact_identity::iam::{WellKnownPolicy, trust};
use eksact_identity::service_account::ServiceAccountKey;
use serde_json::{Value, json};

use super::bed::{Bed, Ran};

const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.us-west-2.amazonaws.com/id/A1B2";

/// Every combination of a template's own features; none and all of them with each and all of the well-known policies.
fn templates() -> Vec<Value> {
    let mut sets = vec![Vec::new(), WellKnownPolicy::ALL.to_vec()];
    sets.extend(WellKnownPolicy::ALL.map(|policy| vec![policy]));
    let inline = json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::data/*"}]});
    let mut rendered = Vec::new();
    for (index, well_known) in sets.iter().enumerate() {
        for features in 0_u8..32 {
            let has = |bit: u8| features & (1 << bit) != 0;
            // The well-known policies are with all or nothing else: the combinations of the rest are in the first set.
            if index > 0 && features != 0 && features != 31 {
                continue;
            }
            let issuer = "oidc.eks.us-west-2.amazonaws.com/id/A1B2";
            let template = RoleTemplate {
                stack_name: "eksctl-prod-addon-iamserviceaccount-app-reader".to_owned(),
                owner: RolePurpose::ServiceAccount.of(&ServiceAccountKey::new("app", "reader")),
                trust_policy: trust::irsa_trust_policy(
                    PROVIDER,
                    issuer,
                    "app",
                    "reader",
                    has(0).then_some("re*"),
                ),
                role_name: has(1).then(|| "reader".to_owned()),
                managed_policy_arns: if has(2) {
                    vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()]
                } else {
                    Vec::new()
                },
                well_known: well_known.clone(),
                inline_policy: has(3).then(|| inline.clone()),
                inline_policy_id: None,
                of_people: None,
                permissions_boundary: has(4).then(|| "arn:aws:iam::aws:policy/PowerUserAccess".to_owned()),
            };
            rendered.push(template.render().unwrap());
        }
    }
    rendered
}

#[test]
fn generated_templates_and_policies_pass_the_linters() {
    let bed = Bed::start_with(&["--aws-only"]);
    let templates = templates();
    assert_eq!(templates.len(), 32 + 8 * 2);

    let mut lint = Command::new(bed.facts["binaries"]["cfn-lint"].as_str().unwrap());
    lint.args(["--regions", "us-west-2", "--"]);
    for (number, template) in templates.iter().enumerate() {
        lint.arg(bed.file(&format!("template-{number}.json"), &template.to_string()));
    }
    Ran::from(lint.output().unwrap()).ended(0);

    let policies: BTreeSet<String> = templates
        .iter()
        .flat_map(|template| template["Resources"].as_object().unwrap().values())
        .filter(|resource| resource["Type"] == "AWS::IAM::Policy")
        .map(|resource| substituted(&resource["Properties"]["PolicyDocument"]).to_string())
        .collect();
    assert!(policies.len() > 7, "{}", policies.len());
    let documents = bed.file("policies.json", &json!(policies).to_string());
    let judged = Command::new(bed.fact("python"))
        .args(["-c", JUDGE, &documents])
        .output()
        .unwrap();
    let judged = Ran::from(judged).ended(0);
    let known = |line: &str| KNOWN.iter().any(|known| line.starts_with(known));
    let found: BTreeSet<&str> = judged.stdout.lines().filter(|line| !known(line)).collect();
    assert!(found.is_empty(), "parliament has findings: {found:#?}");
}

/// Prints what parliament finds in the policies of a file.
const JUDGE: &str = "
import json, sys, parliament
for text in json.load(open(sys.argv[1])):
    for found in parliament.analyze_policy_string(text).findings:
        print(found.issue, found.detail)
";

/// Findings about the well-known policies, which are upstream's own, letter for letter.
const KNOWN: [&str; 3] = [
    // Some statements allow on `*` what could be narrowed.
    "RESOURCE_STAR ",
    // Key and action exist (Service Authorization Reference, Elastic Load Balancing v2); parliament's data is older.
    "UNKNOWN_CONDITION_FOR_ACTION Unknown condition elasticloadbalancing:CreateAction for action elasticloadbalancing:AddTags",
    "UNKNOWN_ACTION Unknown action elasticloadbalancing:ModifyIpPools",
];

/// The document as IAM gets it: `Fn::Sub` done, for the partition `aws`.
fn substituted(value: &Value) -> Value {
    match value {
        Value::Object(members) => match members.get("Fn::Sub").and_then(Value::as_str) {
            Some(text) => json!(text.replace("${AWS::Partition}", "aws")),
            None => members
                .iter()
                .map(|(key, value)| (key.clone(), substituted(value)))
                .collect(),
        },
        Value::Array(list) => list.iter().map(substituted).collect(),
        other => other.clone(),
    }
}
