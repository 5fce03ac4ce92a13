//! Commands that read aws-auth and change nothing, and files that describe access.

use crate::commands::place::{Place, assert_story};

const QUICKSTART: &str = include_str!("../../examples/quickstart.yaml");

const BROKEN: &str = "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: aws-auth
  namespace: kube-system
data:
  # the nodes
  mapRoles: |
    - rolearn: arn:aws:iam::111122223333:role/node
      username: system:node:{{EC2PrivateDNSName}}
      groups: [system:bootstrappers, system:nodes]
    - rolearn: arn:aws:iam::111122223333:role/teams/dev
      username: dev
      groups: system:master
    - rolearn: arn:aws:iam::111122223333:role/ops
      username: ops:{{SessionName}}
      groups: [system:master]
  mapUsers: |
    - userarn: arn:aws:iam::111122223333:user/ann
      username: {{SessionName}}
  mapAccounts:
  - 111122223333
";

#[test]
fn check_aws_auth_reads_a_manifest_as_the_server_does() {
    let mut place = Place::new();
    place.write("aws-auth.yaml", BROKEN);
    let ended = place.tell(&["check", "aws-auth", "--file", "aws-auth.yaml"]);
    assert_eq!(ended.code, 1);
    assert_eq!(
        place
            .tell(&["check", "aws-auth", "--file", "aws-auth.yaml", "-o", "json"])
            .code,
        1
    );
    assert_eq!(
        place
            .tell(&["check", "aws-auth", "--file", "aws-auth.yaml", "-o", "github"])
            .code,
        1
    );
    place.write(
        "good.json",
        r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "aws-auth", "namespace": "kube-system"}, "data": {"mapRoles": "- rolearn: arn:aws:iam::111122223333:role/dev\n  username: dev\n  groups:\n  - developers\n"}}"#,
    );
    assert_eq!(place.tell(&["check", "aws-auth", "--file", "good.json"]).code, 0);
    // In JSON a section has one line, and the place is that of its key.
    place.write(
        "bad.json",
        &std::fs::read_to_string(place.path("good.json"))
            .unwrap()
            .replace("role/dev", "role/a/dev"),
    );
    assert_eq!(place.tell(&["check", "aws-auth", "--file", "bad.json"]).code, 1);
    place.write(
        "partition.yaml",
        "kind: ConfigMap\nmetadata: {name: aws-auth-copy}\ndata:\n  mapAccounts: |\n    - \"111122223333\"\n",
    );
    assert_eq!(
        place
            .tell(&["check", "aws-auth", "--file", "partition.yaml"])
            .code,
        0
    );
    assert!(
        !place.path(".eksact-sandbox.json").exists(),
        "a check of a file needs no account"
    );
    assert_story!("check-aws-auth-file", place.story());
}

/// Nothing of a file hides behind something else in it.
#[test]
fn check_aws_auth_checks_every_aws_auth_of_a_file() {
    let mut place = Place::new();
    let good = "kind: ConfigMap\nmetadata: {name: aws-auth, namespace: kube-system}\ndata:\n  mapRoles: |\n    - rolearn: arn:aws:iam::111122223333:role/ok\n      username: ok\n";
    let bad = good.replace("username: ok", "username: {{SessionName}}");
    let other = bad.replace("namespace: kube-system", "namespace: dev");
    let namespace = "kind: Namespace\nmetadata: {name: app}\n";
    let twice = format!("{good}  mapRoles: |\n    - rolearn: arn:aws:iam::111122223333:role/lost\n");
    let item = |text: &str| format!("- {}", text.trim_end().replace('\n', "\n  "));
    for (file, text, code) in [
        (
            "behind.yaml",
            format!("---\n# nothing\n---\n{namespace}---\n{bad}"),
            1,
        ),
        ("second.yaml", format!("{good}---\n{bad}"), 1),
        ("twice.yaml", twice, 1),
        (
            "list.yaml",
            format!("kind: List\nitems:\n{}\n{}\n", item(&other), item(good)),
            0,
        ),
    ] {
        place.write(file, &text);
        assert_eq!(
            place.tell(&["check", "aws-auth", "--file", file]).code,
            code,
            "{file}"
        );
    }
    assert_story!("check-aws-auth-every", place.story());
}

#[test]
fn check_aws_auth_file_without_manifest_exits_65() {
    let mut place = Place::new();
    place.write("cluster.yaml", QUICKSTART);
    place.write("no-yaml.yaml", "kind: ConfigMap\ndata: [\n");
    for file in ["cluster.yaml", "no-yaml.yaml", "not-there.yaml"] {
        let ended = place.tell(&["check", "aws-auth", "--file", file]);
        assert_eq!((ended.code, ended.stdout.as_str()), (65, ""), "{file}");
    }
    let ended = place.run_with_input(&["check", "aws-auth", "--file", "-", "-o", "json"], BROKEN);
    assert_eq!(ended.code, 1);
    assert!(
        ended.stdout.contains("\"subject\": \"<stdin>\""),
        "{}",
        ended.stdout
    );
    assert_story!("check-aws-auth-no-manifest", place.story());
}

/// Sets a section of the simulated cluster's aws-auth, as somebody with kubectl would.
fn set_section(place: &Place, section: &str, text: &str) {
    place.edit("quickstart", |world| {
        let cluster = world.clusters.values_mut().next().unwrap();
        let map = cluster
            .config_maps
            .values_mut()
            .find(|map| map.name == "aws-auth")
            .unwrap();
        map.data.insert(section.to_owned(), text.to_owned());
    });
}

#[test]
fn live_map_is_shown_and_checked_with_what_the_server_makes_of_it() {
    let mut place = Place::new();
    place.tell(&["get", "iamidentitymapping", "--cluster", "quickstart"]);
    assert_eq!(
        place.tell(&["check", "aws-auth", "--cluster", "quickstart"]).code,
        0
    );
    set_section(
        &place,
        "mapRoles",
        "- rolearn: arn:aws:iam::111122223333:role/dev\n  username: old\n  groups: [developers]\n- rolearn: arn:aws:iam::111122223333:role/teams/ops\n  username: ops\n- rolearn: arn:aws:iam::111122223333:role/AWSReservedSSO_Admin_0123456789abcdef\n  username: admin\n  groups: [system:masters]\n- rolearn: arn:aws:iam::111122223333:role/dev\n  username: dev:{{SessionName}}\n  groups: [developers, readers]\n",
    );
    set_section(
        &place,
        "mapUsers",
        "- userarn: arn:aws:iam::111122223333:user/on-call/ann\n  username: ann\n",
    );
    set_section(&place, "mapAccounts", "- \"444455556666\"\n");
    for output in ["table", "json", "yaml"] {
        let ended = place.tell(&["get", "iamidentitymapping", "quickstart", "-o", output]);
        assert_eq!(ended.code, 0, "{output}");
    }
    assert_eq!(
        place.tell(&["check", "aws-auth", "--cluster", "quickstart"]).code,
        1
    );
    let one = ["get", "iamidentitymapping", "-c", "quickstart", "--arn"];
    let with = |arn: &'static str| one.iter().copied().chain([arn]).collect::<Vec<_>>();
    assert_eq!(
        place
            .tell(&with("arn:aws:iam::111122223333:user/on-call/ann"))
            .code,
        0
    );
    assert_eq!(place.tell(&with("arn:aws:iam::111122223333:user/bob")).code, 1);
    set_section(
        &place,
        "mapRoles",
        "- rolearn: arn:aws:iam::111122223333:role/dev\n  username: {{SessionName}}\n",
    );
    assert_eq!(
        place
            .tell(&["get", "iamidentitymapping", "--cluster", "quickstart"])
            .code,
        0
    );
    assert_eq!(
        place.tell(&["check", "aws-auth", "--cluster", "quickstart"]).code,
        1
    );
    assert_story!("get-iamidentitymapping", place.story());
}

#[test]
fn configuration_is_made_of_several_files() {
    let mut place = Place::quickstart();
    place.write(
        "access.yaml",
        "apiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\nmetadata: {name: prod}\ngroups:\n- name: deployers\n  bindings: [{clusterRole: edit, namespaces: [App]}]\n",
    );
    assert_eq!(
        place
            .tell(&["plan", "-f", "quickstart.yaml", "-f", "access.yaml"])
            .code,
        65
    );
    assert_eq!(place.tell(&["plan", "-f", "access.yaml"]).code, 65);
    assert_eq!(
        place
            .tell(&["plan", "-f", "quickstart.yaml", "-f", "quickstart.yaml"])
            .code,
        64
    );
    assert_eq!(place.tell(&["plan"]).code, 64);
    assert_story!("several-files", place.story());
}

#[test]
fn schemas_cover_each_kind() {
    let place = Place::new();
    let config = place.run(&["schema"]).stdout;
    assert_eq!(config, place.run(&["schema", "--kind", "ClusterConfig"]).stdout);
    assert_eq!(config, include_str!("../../examples/eksact.schema.json"));
    let access = place.run(&["schema", "--kind", "clusteraccess"]).stdout;
    assert_eq!(access, include_str!("../../examples/eksact-access.schema.json"));
}
