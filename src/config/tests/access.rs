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
fn a_mapping_of_each_kind() {
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
        (&["".to_owned(), "apps".to_owned()][..], &["x".to_owned()][..])
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
fn what_may_stand_in_files() {
    assert_snapshot!(report_all(&[&format!("{HEAD}---\nkind: Deployment\n---\n{HEAD}"), HEAD]), @"");
    assert_snapshot!(report_all(&[&format!("{ACCESS}---\n{HEAD}")]), @"");
    assert_snapshot!(report_all(&[ACCESS]), @"");
    assert_snapshot!(report_all(&["", ACCESS]), @"");
    assert_snapshot!(report_all(&["kind: x\n", ACCESS]), @"");
    assert_snapshot!(report(&format!("{HEAD}---\na: [\n")), @"");
    assert_snapshot!(report_all(&["\0", &format!("{HEAD}iam: 1\n")]), @"");
}

#[test]
fn a_cluster_access_is_about_the_cluster_of_the_config() {
    assert_snapshot!(report_all(&[HEAD, &format!("{ACCESS}metadata: {{name: staging, region: eu-west-1}}\n"), "apiVersion: eksact.dev/v2\nmetadata: {region: eu-west-2}\n"]), @"");
}

#[test]
fn an_anchor_belongs_to_its_document() {
    assert_snapshot!(report("apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: &n prod, region: eu-west-1}\n---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\nmetadata: {name: *n}\n"), @"");
}

#[test]
fn who_is_mapped_twice() {
    let first = "- {arn: 'arn:aws:iam::111122223333:role/dev', username: dev, groups: [a, b]}\n";
    // In another order and in other letters it is the same.
    let same = "- {arn: 'arn:aws:iam::111122223333:role/Dev', username: dev, groups: [b, a, a]}\n";
    let other = "- {arn: 'arn:aws:iam::111122223333:role/dev', username: dev, groups: [a]}\n";
    let yaml = format!("{HEAD}iamIdentityMappings:\n{first}{same}");
    assert_snapshot!(report(&yaml), @"");
    assert_eq!(loaded(&yaml).config.access.identity_mappings.len(), 1);
    assert_snapshot!(report(&format!("{HEAD}iamIdentityMappings:\n{first}{other}")), @"");
    assert_snapshot!(report_all(&[&format!("{HEAD}iamIdentityMappings:\n{first}"), &format!("{ACCESS}identityMappings:\n{same}groups: [{{name: a, bindings: [{{clusterRole: view}}]}}]\n---\n{ACCESS}groups: [{{name: a, bindings: [{{clusterRole: edit}}]}}]\n")]), @"");
}

#[test]
fn an_unquoted_template_says_what_to_write() {
    assert_snapshot!(report(&format!("{HEAD}iamIdentityMappings:\n- arn: arn:aws:iam::111122223333:role/dev\n  username: {{{{SessionName}}}}\n")), @"");
}

#[test]
fn placeholders_are_found_in_mappings_and_groups() {
    assert_snapshot!(report(&format!("{HEAD}iamIdentityMappings:\n- arn: arn:aws:iam::${{ACCOUNT}}:role/dev\n  username: $${{USER}}\n---\n{ACCESS}groups: [{{name: '${{GROUP}}', bindings: [{{clusterRole: view}}]}}]\n")), @"");
}

#[test]
fn keys_of_the_other_kind_are_known() {
    assert_snapshot!(report(&format!("{HEAD}iamIdentityMappings:\n- permissionSet: {{name: A}}\n  username: a\n---\n{ACCESS}iam: {{}}\niamIdentityMappings: []\n")), @"");
}
