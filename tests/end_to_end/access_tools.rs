//! What looks at access and moves it, once each against the real kube-apiserver: `check access`, `export`, a migration of lines in
//! another case, and `migrate to-pod-identity`.

use serde_json::{Value, json};

use super::bed::{Bed, until};

const SERVICE_ACCOUNT: &str = r#"
apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: {name: bench, region: us-west-2}
iam:
  withOIDC: true
  serviceAccounts:
  - metadata: {name: reader, namespace: app}
    attachPolicyARNs: ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]
"#;

/// A bed that reads entries and aws-auth, with these lines beside those of who runs eksact.
fn with_lines(roles: &str, users: &str) -> Bed {
    let bed = Bed::start();
    let mode = json!({"accessConfig": {"authenticationMode": "API_AND_CONFIG_MAP"}});
    bed.control("POST", "eks/bench", &mode);
    let masters = "groups: ['system:masters']";
    let own = format!(
        "- {{rolearn: '{}', username: deployer-role, {masters}}}\n",
        bed.fact("deployer_role")
    );
    let deployer = format!("arn:aws:iam::{}:user/deployer", bed.fact("account"));
    let user = format!("- {{userarn: '{deployer}', username: deployer, {masters}}}\n");
    let account = bed.fact("account");
    let sections = [own + roles, user + users].map(|text| text.replace("ACCOUNT", account));
    bed.put_aws_auth(&json!({"mapRoles": sections[0], "mapUsers": sections[1]}));
    bed
}

/// The authenticator compares without case. A user that IAM finds gets an entry; the line of one that it does not find, as it is
/// spelled, is kept.
#[test]
fn users_whose_lines_are_in_another_case_are_let_in_after_the_migration_as_before() {
    let lines = "\
- {userarn: 'arn:aws:iam::ACCOUNT:user/PEOPLE/ann', username: ann, groups: [devs]}
- {userarn: 'arn:aws:iam::ACCOUNT:user/people/BEA', username: bea, groups: [devs]}
";
    let bed = with_lines("", lines);
    let people = ["ann", "bea"].map(|name| bed.make_user("/people/", name));
    let seen = || people.each_ref().map(|keys| bed.who_am_i(keys));
    until("both to be let in by their lines", || {
        seen().iter().all(Option::is_some)
    });
    let before = seen();
    let migrate = ["migrate", "to-access-entries", "--cluster", "bench", "--yes"];
    bed.run(&migrate).ended(0);
    bed.run(&[&migrate[..], &["--remove-aws-auth"]].concat()).ended(0);
    let left = bed.section("mapUsers");
    assert!(!left.contains("PEOPLE/ann"), "{left}");
    assert_eq!(seen(), before, "{left}");
}

#[test]
fn check_access_names_what_is_shadowed_and_export_is_a_file_over_which_a_plan_is_empty() {
    let bed = with_lines(
        "- {rolearn: 'arn:aws:iam::ACCOUNT:role/dev', username: dev, groups: [devs]}\n",
        "",
    );
    bed.make_session("/teams/", "dev", "nina");
    let dev = format!("arn:aws:iam::{}:role/teams/dev", bed.fact("account"));
    let create = [
        "create",
        "accessentry",
        "--cluster",
        "bench",
        "--principal-arn",
        &dev,
    ];
    bed.run(&[&create[..], &["--access-policy", "AmazonEKSViewPolicy", "--yes"]].concat())
        .ended(0);
    let checked = bed.run(&["check", "access", "--cluster", "bench", "-o", "json"]);
    checked.says("line-shadowed");
    let exported = bed.run(&["export", "--cluster", "bench"]).ended(0);
    exported.says(&dev);
    let file = bed.file("exported.yaml", &exported.stdout);
    bed.run(&["plan", "-f", &file]).ended(0).says("No changes.");
}

/// Without an agent nothing is moved, and it says so; the role stays as it is.
#[test]
fn migration_to_pod_identity_without_an_agent_moves_nothing() {
    let bed = Bed::start();
    let file = bed.file("cluster.yaml", SERVICE_ACCOUNT);
    bed.run(&["apply", "-f", &file, "--yes"]).ended(0);
    bed.forget_calls();
    let ran = bed.run(&["migrate", "to-pod-identity", "--cluster", "bench", "--yes"]);
    assert_ne!(ran.code, Some(0), "{ran}");
    ran.says("agent");
    assert!(bed.writes().is_empty(), "{:?}", bed.writes());
    let path = super::live::service_account_path("app", "reader");
    let (status, found) = bed.kubernetes("GET", &path, &Value::Null);
    assert!(
        status == 200 && found.to_string().contains(super::live::ROLE_ANNOTATION),
        "{found}"
    );
}
