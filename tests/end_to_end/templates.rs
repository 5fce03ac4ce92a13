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
    let known = |line: &String| KNOWN.iter().any(|known| line.starts_with(known));
    let mut found = findings(&bed, &policies);
    found.retain(|line| !known(line));
    assert!(found.is_empty(), "parliament has findings: {found:#?}");
}

/// What parliament finds in these policies.
fn findings(bed: &Bed, policies: &BTreeSet<String>) -> BTreeSet<String> {
    let documents = bed.file("policies.json", &json!(policies).to_string());
    let judged = Command::new(bed.fact("python"))
        .args(["-c", JUDGE, &documents])
        .output()
        .unwrap();
    let judged = Ran::from(judged).ended(0);
    judged.stdout.lines().map(str::to_owned).collect()
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

/// The policies that `permissions` prints for what is made, changed and taken away of every kind: nothing is found in them, of whatever
/// severity. In those of `docs/permissions.md`, which are for every file, the reads are on every resource.
#[test]
fn permissions_pass_parliament() {
    let bed = Bed::start_with(&["--aws-only"]);
    let run = |words: &[&str]| {
        let ran = bed.eksact(words).env("EKSACT_SANDBOX", "1").output().unwrap();
        Ran::from(ran).ended(0)
    };
    let changed = CHANGES
        .iter()
        .fold(EVERYTHING.to_owned(), |file, (before, after)| {
            assert!(file.contains(before), "{before}");
            file.replace(before, after)
        });
    let made = bed.file("made.yaml", EVERYTHING);
    let changed = bed.file("changed.yaml", &changed);
    let nothing = bed.file("nothing.yaml", NOTHING);
    let mut policies = BTreeSet::new();
    let mut actions = BTreeSet::new();
    let mut permissions = |file: &str, flags: &[&str]| {
        for what in ["plan", "apply"] {
            let words = [&["permissions", "--for", what, "-f", file, "-o", "json"], flags].concat();
            let policy = run(&words).json()["policy"].take();
            for statement in policy["Statement"].as_array().unwrap() {
                let called = statement["Action"].as_array().unwrap();
                actions.extend(called.iter().map(|action| action.as_str().unwrap().to_owned()));
            }
            policies.insert(policy.to_string());
        }
    };
    permissions(&made, &["--install-agent"]);
    run(&["apply", "-f", &made, "--yes"]);
    permissions(&changed, &["--allow", "one-way-mode"]);
    permissions(
        &changed,
        &["--cfn-role-arn", "arn:aws:iam::111122223333:role/cloudformation"],
    );
    permissions(&nothing, &["--prune"]);
    // That the files are about every kind.
    for action in [
        "cloudformation:CreateChangeSet",
        "cloudformation:DeleteStack",
        "eks:AssociateAccessPolicy",
        "eks:AssociateIdentityProviderConfig",
        "eks:CreateAddon",
        "eks:CreatePodIdentityAssociation",
        "eks:DeleteAccessEntry",
        "eks:DeletePodIdentityAssociation",
        "eks:DisassociateIdentityProviderConfig",
        "eks:UpdateClusterConfig",
        "iam:CreateOpenIDConnectProvider",
        "iam:CreatePolicy",
        "iam:PassRole",
        "iam:UpdateAssumeRolePolicy",
    ] {
        assert!(actions.contains(action), "{action} is not in {actions:#?}");
    }
    assert_eq!(findings(&bed, &policies), BTreeSet::new());

    let page = include_str!("../../docs/permissions.md");
    let documents = page.split("```json\n").skip(1);
    let documents: BTreeSet<String> = documents
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect();
    assert_eq!(documents.len(), 2);
    let found = findings(&bed, &documents);
    let of_all = |line: &String| line.starts_with("RESOURCE_STAR ") && !line.contains("Create");
    assert!(found.len() == 1 && found.iter().all(of_all), "{found:#?}");
    let wrong = page.replace("role/*", "user/*");
    let wrong = wrong
        .split("```json\n")
        .nth(2)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let found = findings(&bed, &BTreeSet::from([wrong.to_owned()]));
    assert!(found.iter().any(|line| line.starts_with("RESOURCE_MISMATCH ")));
}

/// Something of every kind.
const EVERYTHING: &str = r#"
apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: {name: prod, region: eu-west-1}
accessConfig:
  authenticationMode: API_AND_CONFIG_MAP
  accessEntries:
    - principalARN: role:deployer
      kubernetesGroups: [deployers]
      accessPolicies:
        - policyARN: arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy
          accessScope: {type: namespace, namespaces: [app]}
iam:
  withOIDC: true
  serviceAccounts:
    - metadata: {name: orders, namespace: app}
      attachPolicyARNs: ["policy:orders-read"]
      permissionsBoundary: arn:aws:iam::aws:policy/PowerUserAccess
    - metadata: {name: uploads, namespace: app}
      attachPolicy:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::uploads/*"}]
    - metadata: {name: external-dns, namespace: kube-system}
      wellKnownPolicies: {externalDNS: true}
  podIdentityAssociations:
    - namespace: app
      serviceAccountName: mailer
      createServiceAccount: true
      permissionPolicyARNs: ["arn:aws:iam::aws:policy/AmazonSESFullAccess"]
identityProviders:
  - {type: oidc, name: okta, issuerURL: "https://okta.example.com", clientID: kubernetes}
iamIdentityMappings:
  - {arn: "role:release", username: release, groups: [deployers]}
---
apiVersion: eksact.dev/v1alpha1
kind: ClusterAccess
policies:
  - name: orders-read
    document:
      Version: "2012-10-17"
      Statement: [{Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::orders/*"}]
roles:
  - name: release
    assumedBy:
      oidc: [{provider: token.actions.githubusercontent.com, subjects: ["repo:acme/shop:ref:refs/heads/main"]}]
    policies: ["policy:orders-read"]
  - name: deployer
    assumedBy: {roles: [role:release]}
    policies: ["policy:orders-read"]
groups:
  - name: deployers
    bindings:
      - rules: [{apiGroups: [apps], resources: [deployments], verbs: [get, list]}]
        namespaces: [app]
sharedRoles: []
"#;

/// Makes each of it otherwise.
const CHANGES: [(&str, &str); 10] = [
    (
        "authenticationMode: API_AND_CONFIG_MAP",
        "authenticationMode: API",
    ),
    (
        "accessScope: {type: namespace, namespaces: [app]}",
        "accessScope: {type: cluster}",
    ),
    ("PowerUserAccess", "ReadOnlyAccess"),
    ("s3:::uploads/*", "s3:::downloads/*"),
    ("AmazonSESFullAccess", "AmazonSESReadOnlyAccess"),
    ("clientID: kubernetes", "clientID: eks"),
    ("username: release", "username: releaser"),
    ("s3:::orders/*", "s3:::all-orders/*"),
    ("resources: [deployments]", "resources: [statefulsets]"),
    (
        "sharedRoles: []",
        "sharedRoles: [{roleName: release, serviceAccounts: [{namespace: app, name: shared}]}]",
    ),
];

/// And nothing of it.
const NOTHING: &str = "
apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: {name: prod, region: eu-west-1}
accessConfig: {accessEntries: []}
iam: {withOIDC: true, serviceAccounts: [], podIdentityAssociations: []}
identityProviders: []
---
apiVersion: eksact.dev/v1alpha1
kind: ClusterAccess
policies: []
roles: []
groups: []
sharedRoles: []
";
