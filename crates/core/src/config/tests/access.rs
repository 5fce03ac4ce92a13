//! Identity mappings and ClusterAccess documents: what they become, how files are joined, and what is said about them.

use insta::assert_snapshot;

use super::{HEAD, load_files, loaded, report, report_all};
use crate::config::cluster_access::{ClusterAccess, GroupRole, MappingSubject};

const ACCESS: &str = "apiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\n";

fn role(name: &str) -> MappingSubject {
    MappingSubject::Arn(format!("arn:aws:iam::111122223333:role/{name}"))
}

fn subjects(access: &ClusterAccess) -> Vec<MappingSubject> {
    let mappings = access.identity_mappings.iter();
    mappings.map(|mapping| mapping.subject.clone()).collect()
}

#[test]
fn mapping_of_each_kind() {
    let access = loaded(&format!(
        "{HEAD}iamIdentityMappings:\n- arn: arn:aws:iam::111122223333:role/dev\n  username: 'dev:{{{{SessionName}}}}'\n  groups: [developers, \"007\", on]\n  noDuplicateARNs: true\n- account: 012345678901\n- serviceName: emr-containers\n  namespace: spark\n---\n{ACCESS}identityMappings:\n- permissionSet: {{name: Admin, account: 000000000001}}\n  username: admin\n"
    ))
    .config
    .access;
    assert_eq!(
        subjects(&access),
        [
            role("dev"),
            // Eleven digits would be another account: a leading zero stays.
            MappingSubject::Account("012345678901".to_owned()),
            MappingSubject::Service {
                name: "emr-containers".to_owned(),
                namespace: "spark".to_owned()
            },
            MappingSubject::PermissionSet {
                name: "Admin".to_owned(),
                account: Some("000000000001".to_owned())
            },
        ]
    );
    let dev = &access.identity_mappings[0];
    assert_eq!(dev.username.as_deref(), Some("dev:{{SessionName}}"));
    assert_eq!(dev.groups, ["developers", "007", "on"]);
    assert!(dev.no_duplicate_arns);
    let places = access
        .identity_mappings
        .iter()
        .map(|mapping| mapping.location.clone().unwrap().line);
    assert_eq!(places.collect::<Vec<_>>(), [5, 9, 10, 16]);
}

#[test]
fn groups_and_their_rules() {
    let config = loaded(&format!(
        "{HEAD}---\n{ACCESS}groups:\n- name: deployers\n  bindings:\n  - clusterRole: edit\n    namespaces: [app, web]\n  - rules: [{{apiGroups: ['', apps], resources: ['*'], resourceNames: [x], verbs: [get]}}, {{nonResourceURLs: [/metrics], verbs: [get]}}]\n"
    ))
    .config;
    assert!(config.unmanaged_sections.is_empty());
    let [group] = &*config.access.groups else { panic!() };
    assert_eq!(group.name.value, "deployers");
    let [edit, own] = &*group.bindings else { panic!() };
    assert!(matches!(&edit.role, GroupRole::Existing(name) if name.value == "edit"));
    let namespaces: Vec<&str> = edit
        .namespaces
        .iter()
        .flatten()
        .map(|name| name.value.as_str())
        .collect();
    assert_eq!((namespaces, &own.namespaces), (vec!["app", "web"], &None));
    let GroupRole::Own(rules) = &own.role else {
        panic!()
    };
    assert_eq!(
        (&*rules[0].api_groups, &*rules[0].resource_names),
        (&[String::new(), "apps".to_owned()][..], &["x".to_owned()][..])
    );
    assert_eq!(rules[1].non_resource_urls, ["/metrics"]);
}

#[test]
fn files_are_joined_and_the_cluster_config_comes_first() {
    let mapping =
        |name: &str| format!("- {{arn: 'arn:aws:iam::111122223333:role/{name}', username: {name}}}\n");
    let access = format!(
        "{ACCESS}identityMappings:\n{}---\n---\n# nothing\n---\n{ACCESS}metadata: {{name: prod}}\nidentityMappings:\n{}",
        mapping("one"),
        mapping("two")
    );
    let config = format!("{HEAD}iamIdentityMappings:\n{}", mapping("zero"));
    let loaded = load_files(&[&access, &config]).unwrap();
    assert_eq!(
        subjects(&loaded.config.access),
        [role("zero"), role("one"), role("two")]
    );
    assert_eq!(
        loaded.config.access.identity_mappings[1]
            .location
            .as_ref()
            .unwrap()
            .to_string(),
        "a.yaml:4:3"
    );
    assert!(loaded.warnings.is_empty());
}

#[test]
fn access_may_stand_in_files() {
    assert_snapshot!(report_all(&[&format!("{HEAD}---\nkind: Deployment\n---\n{HEAD}"), HEAD]), @r#"
    a.yaml:5:1: error: eksact does not know the kind of this document
        kind: Deployment
        ^
        help: a ClusterConfig can be followed by `apiVersion: eksact.dev/v1alpha1`, `kind: ClusterAccess`; put everything else into files of its own
    a.yaml:7:1: error: there is a ClusterConfig already, at a.yaml:1:1
        apiVersion: eksctl.io/v1alpha5
        ^
        help: a file is about one cluster: put the other into a file of its own
    b.yaml:1:1: error: there is a ClusterConfig already, at a.yaml:1:1
        apiVersion: eksctl.io/v1alpha5
        ^
        help: a file is about one cluster: put the other into a file of its own
    "#);
    assert_snapshot!(report_all(&[&format!("{ACCESS}---\n{HEAD}")]), @r#"
    a.yaml:4:1: error: the ClusterConfig is not the first document of its file
        apiVersion: eksctl.io/v1alpha5
        ^
        help: put it first: eksctl reads only the first document of a file
    "#);
    assert_snapshot!(report_all(&[ACCESS]), @r#"
    a.yaml:1:1: error: there is no ClusterConfig in this file
        apiVersion: eksact.dev/v1alpha1
        ^
        help: a ClusterAccess belongs to a ClusterConfig: put it after one, or name both files with -f
    "#);
    assert_snapshot!(report_all(&["", ACCESS]), @r#"
    a.yaml:1:1: error: there is no ClusterConfig in these files
        help: a ClusterAccess belongs to a ClusterConfig: put it after one, or name both files with -f
    "#);
    assert_snapshot!(report_all(&["kind: x\n", ACCESS]), @r#"
    a.yaml:1:1: error: apiVersion must be set
        kind: x
        ^
        help: write `apiVersion: eksctl.io/v1alpha5`
    a.yaml:1:1: error: metadata must be set
        kind: x
        ^
        help: write `metadata:` with the `name` and the `region` of the cluster
    a.yaml:1:7: error: kind cannot be `x`
        kind: x
              ^
        help: write `ClusterConfig`; eksact supports no other
    "#);
    assert_snapshot!(report(&format!("{HEAD}---\na: [\n")), @r#"
    c.yaml:6:1: error: this is not valid YAML: a `[` or `{` above is not closed
        help: write `]` or `}` where it ends
    "#);
    assert_snapshot!(report_all(&["\0", &format!("{HEAD}iam: 1\n")]), @r#"
    a.yaml:1:1: error: the control character U+0000 is not allowed in YAML
        �
        ^
        help: remove it; in double quotes it can be written as an escape such as "\x1b"
    b.yaml:4:6: error: iam must be a mapping, and this is the number `1`
        iam: 1
             ^
    "#);
}

#[test]
fn cluster_access_is_about_the_cluster_of_the_config() {
    assert_snapshot!(report_all(&[HEAD, &format!("{ACCESS}metadata: {{name: staging, region: eu-west-1}}\n"), "apiVersion: eksact.dev/v2\nmetadata: {region: eu-west-2}\n"]), @r#"
    b.yaml:3:18: error: metadata.name is `staging`, and that of the ClusterConfig is `prod`, at a.yaml:3:18
        metadata: {name: staging, region: eu-west-1}
                         ^
        help: is this the right file? `metadata` may be left out of a ClusterAccess
    c.yaml:1:1: error: kind must be set
        apiVersion: eksact.dev/v2
        ^
        help: write `kind: ClusterAccess`
    c.yaml:1:13: error: apiVersion cannot be `eksact.dev/v2`
        apiVersion: eksact.dev/v2
                    ^
        help: write `eksact.dev/v1alpha1`; eksact supports no other
    c.yaml:2:20: error: metadata.region is `eu-west-2`, and that of the ClusterConfig is `eu-west-1`, at a.yaml:3:32
        metadata: {region: eu-west-2}
                           ^
        help: is this the right file? `metadata` may be left out of a ClusterAccess
    "#);
}

#[test]
fn anchor_belongs_to_its_document() {
    assert_snapshot!(report("apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: &n prod, region: eu-west-1}\n---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\nmetadata: {name: *n}\n"), @r#"
    c.yaml:7:18: error: there is no anchor for this alias in the document above it
        metadata: {name: *n}
                         ^
        help: define the anchor with `&name` before the alias `*name`; a string that begins with `*` needs quotes
    "#);
}

#[test]
fn who_is_mapped_twice() {
    let first = "- {arn: 'arn:aws:iam::111122223333:role/dev', username: dev, groups: [a, b]}\n";
    // In another order and in other letters it is the same.
    let same = "- {arn: 'arn:aws:iam::111122223333:role/Dev', username: dev, groups: [b, a, a]}\n";
    let other = "- {arn: 'arn:aws:iam::111122223333:role/dev', username: dev, groups: [a]}\n";
    let yaml = format!("{HEAD}iamIdentityMappings:\n{first}{same}");
    assert_snapshot!(report(&yaml), @r#"
    c.yaml:6:3: warning: `arn:aws:iam::111122223333:role/Dev` is mapped twice in the same way; the first is at c.yaml:5:3
        - {arn: 'arn:aws:iam::111122223333:role/Dev', username: dev, groups: [b…
          ^
        help: leave one out
    c.yaml:6:77: warning: `a` is in the list already; repeating it has no effect
        …me: dev, groups: [b, a, a]}
                                 ^
        help: remove it
    "#);
    assert_eq!(loaded(&yaml).config.access.identity_mappings.len(), 1);
    assert_snapshot!(report(&format!("{HEAD}iamIdentityMappings:\n{first}{other}")), @r#"
    c.yaml:6:3: error: `arn:aws:iam::111122223333:role/dev` is mapped twice, with another user name or other groups; the first is at c.yaml:5:3
        - {arn: 'arn:aws:iam::111122223333:role/dev', username: dev, groups: [a…
          ^
        help: merge the two: EKS uses only the last entry and does not combine groups
    "#);
    assert_snapshot!(report_all(&[&format!("{HEAD}iamIdentityMappings:\n{first}"), &format!("{ACCESS}identityMappings:\n{same}groups: [{{name: a, bindings: [{{clusterRole: view}}]}}]\n---\n{ACCESS}groups: [{{name: a, bindings: [{{clusterRole: edit}}]}}]\n")]), @r#"
    b.yaml:4:3: error: `arn:aws:iam::111122223333:role/Dev` is mapped in two documents; the first is at a.yaml:5:3
        - {arn: 'arn:aws:iam::111122223333:role/Dev', username: dev, groups: [b…
          ^
        help: leave one out: it would have to be changed in both
    b.yaml:4:77: warning: `a` is in the list already; repeating it has no effect
        …me: dev, groups: [b, a, a]}
                                 ^
        help: remove it
    b.yaml:9:17: error: the group `a` is described twice; the first is at b.yaml:5:17
        groups: [{name: a, bindings: [{clusterRole: edit}]}]
                        ^
        help: put all bindings of a group into one place
    "#);
}

#[test]
fn unquoted_template_says_what_to_write() {
    assert_snapshot!(report(&format!("{HEAD}iamIdentityMappings:\n- arn: arn:aws:iam::111122223333:role/dev\n  username: {{{{SessionName}}}}\n")), @r#"
    c.yaml:6:13: error: `{{SessionName}}` needs quotes
          username: {{SessionName}}
                    ^
        help: write '{{SessionName}}': without quotes YAML reads it as a mapping
    "#);
}

#[test]
fn placeholders_are_found_in_mappings_and_groups() {
    assert_snapshot!(report(&format!("{HEAD}iamIdentityMappings:\n- arn: arn:aws:iam::${{ACCOUNT}}:role/dev\n  username: $${{USER}}\n---\n{ACCESS}groups: [{{name: '${{GROUP}}', bindings: [{{clusterRole: view}}]}}]\n")), @r#"
    c.yaml:5:8: error: `${ACCOUNT}` is not expanded by eksact
        - arn: arn:aws:iam::${ACCOUNT}:role/dev
               ^
        help: fill it in first, for example with envsubst
    c.yaml:6:13: error: `${USER}` is not expanded by eksact
          username: $${USER}
                    ^
        help: fill it in first, for example with envsubst
    c.yaml:10:17: error: `${GROUP}` is not expanded by eksact
        groups: [{name: '${GROUP}', bindings: [{clusterRole: view}]}]
                        ^
        help: fill it in first, for example with envsubst
    "#);
}

#[test]
fn keys_of_the_other_kind_are_known() {
    assert_snapshot!(report(&format!("{HEAD}iamIdentityMappings:\n- permissionSet: {{name: A}}\n  username: a\n---\n{ACCESS}iam: {{}}\niamIdentityMappings: []\n")), @r#"
    c.yaml:5:3: error: there is no key `permissionSet` in iamIdentityMappings[0]
        - permissionSet: {name: A}
          ^
        help: `permissionSet` belongs to identityMappings[] of a ClusterAccess
    c.yaml:10:1: error: there is no key `iam` at the root of the file
        iam: {}
        ^
        help: `iam` belongs to the root of a ClusterConfig
    c.yaml:11:1: error: there is no key `iamIdentityMappings` at the root of the file
        iamIdentityMappings: []
        ^
        help: did you mean `identityMappings`?
    "#);
}
