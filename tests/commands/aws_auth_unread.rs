//! What stands in aws-auth and means nothing to the server: told by `check`, `get`, plans, files and flags alike.

use serde_json::Value;

use crate::commands::place::{Place, assert_story};

const ROLE: &str = "arn:aws:iam::111122223333:role/dev";
const USER: &str = "arn:aws:iam::111122223333:user/ann";
const NODES: &str = "    - rolearn: arn:aws:iam::111122223333:role/node\n      username: system:node:{{EC2PrivateDNSName}}\n      groups: [system:bootstrappers, system:nodes]\n";
const HEAD: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: aws-auth\n  namespace: kube-system\ndata:\n";

/// A sound manifest with one entry more; its lines follow those of its ARN.
fn manifest(is_user: bool, entry: &str) -> String {
    let entry = entry.trim_end().replace('\n', "\n      ");
    if is_user {
        format!("{HEAD}  mapRoles: |\n{NODES}  mapUsers: |\n    - userarn: {USER}\n      {entry}\n")
    } else {
        format!("{HEAD}  mapRoles: |\n{NODES}    - rolearn: {ROLE}\n      {entry}\n")
    }
}

/// The findings of a check as `code severity`, and its exit code.
fn check(place: &Place, text: &str) -> (i32, Vec<String>, Value) {
    place.write("aws-auth.yaml", text);
    let ended = place.run(&["check", "aws-auth", "--file", "aws-auth.yaml", "-o", "json"]);
    let found: Value =
        serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    let findings = found["findings"].as_array().unwrap().iter();
    let said = findings.map(|finding| {
        let text = |key: &str| finding[key].as_str().unwrap().to_owned();
        assert!(
            finding["help"].is_string(),
            "every finding says what to do: {finding}"
        );
        format!("{} {}", text("code"), text("severity"))
    });
    (ended.code, said.collect(), found["findings"].clone())
}

#[test]
fn check_aws_auth_of_a_sound_manifest_reports_nothing() {
    let place = Place::new();
    for (is_user, entry) in [
        (false, "username: dev:{{SessionName}}\ngroups: [system:masters]"),
        (false, "UserName: dev\nGROUPS:\n- developers"),
        (
            false,
            "username: '{{AccountID}}:{{SessionNameRaw}}:{{AccessKeyID}}'",
        ),
        (
            false,
            "\"username\": \"dev\"\n\"groups\":\n- \"Domain Admins\"\n- \"cn=ops,ou=eng\"",
        ),
        (
            true,
            "username: ann@example.com\ngroups: [system:serviceaccounts:app, a:b/c]",
        ),
    ] {
        assert_eq!(
            check(&place, &manifest(is_user, entry)).1,
            Vec::<String>::new(),
            "{entry}"
        );
    }
}

/// The inputs of the reports, and more of each kind.
#[test]
fn check_aws_auth_reports_whatever_the_server_does_not_read() {
    let place = Place::new();
    let unknown = &["unknown-key error"][..];
    let placeholder = &["unknown-placeholder error"][..];
    for (is_user, entry, expected) in [
        (false, "username: dev\ngroup: system:masters", unknown),
        (false, "user: dev\ngroups: [a]", unknown),
        (false, "name: dev\ngroups: [a]", unknown),
        (false, "usrname: dev\ngroups: [a]", unknown),
        (true, "userName2: ann\ngroups: [a]", unknown),
        (true, "k8sUser: ann\ngroups: [a]", unknown),
        (
            false,
            "username: dev\nuserarn: arn:aws:iam::111122223333:user/ann",
            unknown,
        ),
        (
            true,
            "username: ann\nrolearn: arn:aws:iam::111122223333:role/dev",
            unknown,
        ),
        (
            false,
            "username: dev\ndescription: the developers",
            &["unknown-key warning"],
        ),
        (
            false,
            "username: dev\nuserid: AROAEXAMPLE",
            &["unused-key warning"],
        ),
        (false, "username:\ngroups: [a]", &["wrong-type error"]),
        (false, "username: null\ngroups: [a]", &["wrong-type error"]),
        (false, "username: ''\ngroups: [a]", &["empty-value error"]),
        (false, "username: 007\ngroups: [a]", &["wrong-type error"]),
        (
            false,
            "username: dev\ngroups: [a]\ngroups: [b]",
            &["overridden-key error"],
        ),
        (false, "username: dev\nUsername: ops", &["overridden-key error"]),
        (
            false,
            "username: dev\ngroups: [a, b, a]",
            &["repeated-value warning"],
        ),
        (
            false,
            "username: dev\ngroups:\n- system: bootstrappers",
            &["wrong-type error"],
        ),
        (
            false,
            "username: dev\ngroups:\n- system:bootstrappers\n - system:nodes",
            &["joined-groups error"],
        ),
        (
            false,
            "username: dev\ngroups: system:masters",
            &["wrong-type error"],
        ),
        (
            false,
            "username: dev\ngroups: ['system:masters,developers']",
            &["joined-groups error"],
        ),
        (
            false,
            "username: dev\ngroups: ['a,b']",
            &["joined-groups warning"],
        ),
        (
            false,
            "username: dev\ngroups: ['system:masters ']",
            &["name-with-blanks error"],
        ),
        (
            false,
            "username: dev\ngroups: [\"'developers'\"]",
            &["name-with-blanks error"],
        ),
        (
            false,
            "username: <system:node:{{EC2PrivateDNSName}}>",
            &["name-with-blanks error"],
        ),
        (
            false,
            "username: dev\ngroups: [<system:masters>]",
            &["name-with-blanks error"],
        ),
        (false, "username: ' dev'", &["name-with-blanks error"]),
        (false, "username: ' '", &["name-with-blanks error"]),
        (false, "username: dev:{SessionName}", placeholder),
        (false, "username: system:node:{{EC2PrivateDNSName}", placeholder),
        (false, "username: 'dev:{{ SessionName }}'", placeholder),
        (false, "username: '{{sessionname}}'", placeholder),
        (false, "username: '{{EC2PrivateDnsName}}'", placeholder),
        (false, "username: '{{{SessionName}}}'", placeholder),
        (false, "username: 'dev-$SessionName'", placeholder),
        (false, "username: 'dev-${SessionName}'", placeholder),
        (false, "username: 'dev-<SessionName>'", placeholder),
        (false, "username: dev\ngroups: ['{{AccountId}}']", placeholder),
        (false, "username: '{{Foo}}'", &["unknown-placeholder warning"]),
        (
            true,
            "username: '{{SessionName}}'",
            &["unknown-placeholder warning"],
        ),
        (true, "username: system:node:{{EC2PrivateDNSName}}", placeholder),
        (
            false,
            "username: dev\ngroups: [system:master]",
            &["misspelt-system-group error"],
        ),
        (
            false,
            "username: dev\ngroups: [systems:masters]",
            &["misspelt-system-group error"],
        ),
        (
            false,
            "username: dev\ngroups: [system:node]",
            &["misspelt-system-group error"],
        ),
        (
            false,
            "username: dev\ngroups: [system:bootstrapper]",
            &["misspelt-system-group error"],
        ),
        (
            false,
            "username: dev\ngroups: [System:Masters]",
            &["misspelt-system-group error"],
        ),
        (
            false,
            "username: dev\ngroups: ['system: masters']",
            &["misspelt-system-group error"],
        ),
        (
            false,
            "username: dev\ngroups: [system:admins]",
            &["unknown-system-group warning"],
        ),
        (false, "username: dev\ngroups: []", &["empty-value warning"]),
        (false, "groups: [a]", &["no-username warning"]),
        (false, "groups: []", &["empty-value warning"]),
    ] {
        let (code, said, findings) = check(&place, &manifest(is_user, entry));
        assert_eq!(said, expected, "{entry}: {findings}");
        let is_error = expected.iter().any(|finding| finding.ends_with("error"));
        assert_eq!(code, i32::from(is_error), "{entry}");
        // The finding is where it stands, not only in the entry.
        let (first, last) = if is_user { (12, 16) } else { (11, 15) };
        let line = findings[0]["location"]["line"].as_u64().unwrap();
        assert!((first..=last).contains(&line), "{entry}: {findings}");
    }
}

#[test]
fn check_aws_auth_reports_what_is_around_the_entries() {
    let place = Place::new();
    let sound = manifest(false, "username: dev");
    let (roles, data) = (format!("  mapRoles: |\n{NODES}"), "\ndata:\n");
    for (text, expected) in [
        (
            sound.replace("  namespace: kube-system\n", ""),
            &["no-namespace warning"][..],
        ),
        (sound.replace("kube-system", "default"), &["not-aws-auth error"]),
        (
            sound.replace("name: aws-auth", "name: aws_auth"),
            &["not-aws-auth error"],
        ),
        (
            sound.replace("name: aws-auth", "name: my-backup"),
            &["not-aws-auth warning"],
        ),
        (
            sound.replace("  name: aws-auth", "  Name: aws-auth"),
            &["not-aws-auth warning", "unknown-field error"],
        ),
        (sound.replace(NODES, ""), &["no-node-role warning"]),
        (
            format!("{sound}  mapUser: |\n    - userarn: {USER}\n"),
            &["section-misspelt error"],
        ),
        (format!("{sound}  map_users: ''\n"), &["section-misspelt error"]),
        (format!("{sound}  Users: ''\n"), &["section-misspelt error"]),
        (format!("{sound}  notes: ''\n"), &["section-unknown warning"]),
        (
            format!("{HEAD}{}", roles.replace("mapRoles", "mapRole")),
            &["no-mappings warning", "section-misspelt error"],
        ),
        (
            format!(
                "{}{}",
                HEAD.replace(data, "\n"),
                roles.replace("  mapRoles", "mapRoles")
            ),
            &["no-mappings warning", "unknown-field error"],
        ),
        (
            sound.replace(data, "\nData:\n"),
            &["no-mappings warning", "unknown-field error"],
        ),
        (
            format!("{sound}binaryData:\n  mapUsers: LSB4\n"),
            &["unknown-field error"],
        ),
        (
            format!("{sound}    ---\n    - rolearn: {ROLE}2\n"),
            &["document-not-read error"],
        ),
        (
            format!("{sound}    - userarn: {USER}\n      username: ann\n"),
            &["entry-dropped error"],
        ),
        (
            format!("{sound}  mapAccounts: |\n    - 111122223333\n    - \"111122223333\"\n"),
            &["repeated-value warning"],
        ),
        (
            format!("{sound}  mapAccounts: |\n    - 1111\n    - 0x1\n"),
            &["bad-account error", "bad-account error"],
        ),
    ] {
        let (_, said, findings) = check(&place, &text);
        assert_eq!(said, expected, "{text}: {findings}");
        assert!(findings[0]["location"]["line"].is_u64(), "{findings}");
    }
}

#[test]
fn check_aws_auth_remedies_end_the_complaint() {
    let place = Place::new();
    for (entry, corrected) in [
        (
            "username: dev\ngroup: system:masters",
            "username: dev\ngroups: [\"system:masters\"]",
        ),
        (
            "username: dev\ngroups: system:master",
            "username: dev\ngroups: [\"system:masters\"]",
        ),
        (
            "username: dev\ngroups:\n- system: bootstrappers",
            "username: dev\ngroups:\n- system:bootstrappers",
        ),
        ("username: dev:{SessionName}", "username: dev:{{SessionName}}"),
        ("username: 007", "username: \"007\""),
        ("username: {SessionName}", "username: \"{{SessionName}}\""),
        (
            "username: dev\ngroups: ['system:masters,a']",
            "username: dev\ngroups: [\"system:masters\", \"a\"]",
        ),
        ("usrname: dev", "username: dev"),
    ] {
        let (_, _, findings) = check(&place, &manifest(false, entry));
        let help = findings[0]["help"].as_str().unwrap();
        let written = corrected.rsplit('\n').next().unwrap().trim_start_matches("- ");
        let value = written.rsplit(": ").next().unwrap();
        let key = written.split(':').next().unwrap();
        assert!(
            help.contains(value) || help.contains(&format!("`{key}`")),
            "{entry}: {help}"
        );
        assert_eq!(
            check(&place, &manifest(false, corrected)).1,
            Vec::<String>::new(),
            "{entry}"
        );
    }
}

/// Sets `mapRoles` of the simulated cluster's aws-auth, as somebody with kubectl would.
fn set_roles(place: &Place, cluster: &str, text: &str) {
    place.edit(cluster, |world| {
        let cluster = world.clusters.values_mut().next().unwrap();
        let map = cluster
            .config_maps
            .values_mut()
            .find(|map| map.name == "aws-auth")
            .unwrap();
        let roles = map.data.entry("mapRoles".to_owned()).or_default();
        roles.push_str(text);
    });
}

const STANDING: &str = "- rolearn: arn:aws:iam::111122223333:role/dev\n  username: dev\n  group: system:masters\n  groups: [developers]\n  userid: AROAEXAMPLE\n- rolearn: arn:aws:iam::111122223333:role/ops\n  username: ops:{SessionName}\n";

#[test]
fn unread_live_entry_is_reported_by_get_and_by_the_plan_that_touches_it() {
    let mut place = Place::new();
    place.run(&["get", "iamidentitymapping", "--cluster", "prod"]);
    set_roles(&place, "prod", STANDING);
    place.tell(&["get", "iamidentitymapping", "--cluster", "prod"]);
    place.tell(&[
        "get",
        "iamidentitymapping",
        "--cluster",
        "prod",
        "--arn",
        ROLE,
        "-o",
        "json",
    ]);
    let create = ["create", "iamidentitymapping", "--cluster", "prod", "--arn", ROLE];
    let planned = place.tell(&[create.as_slice(), &["--username", "devs"]].concat());
    assert!(
        planned.stdout.contains("unknown-key")
            || planned.stderr.contains("`group`")
            || planned.stdout.contains("`group`"),
        "{planned:?}"
    );
    // The plan of another entry says nothing of these.
    let other = [
        "create",
        "iamidentitymapping",
        "--cluster",
        "prod",
        "--arn",
        "arn:aws:iam::111122223333:role/new",
    ];
    let other = place.run(&[other.as_slice(), &["--username", "new"]].concat());
    assert!(
        !format!("{}{}", other.stdout, other.stderr).contains("`group`"),
        "{other:?}"
    );
    // Whoever asks who it is hears it, too.
    place.tell(&[
        "whoami",
        "--cluster",
        "prod",
        "--sandbox-caller",
        "arn:aws:sts::111122223333:assumed-role/dev/ann",
    ]);
    assert_story!("aws-auth-unread", place.story());
}

/// One opinion: what `check` calls an error is refused as a flag and in a file, and what it warns of is taken with a warning.
#[test]
fn unread_names_weigh_the_same_everywhere() {
    let place = Place::new();
    for (username, group) in [
        ("dev", "system:master"),
        ("dev", "systems:masters"),
        ("dev", "system:node"),
        ("dev", "system:bootstrapper"),
        ("dev", "sytem:masters"),
        ("dev", "system:masters developers"),
        ("dev:{SessionName}", "a"),
        ("system:node:{{EC2PrivateDNSName}", "a"),
        ("{{ SessionName }}", "a"),
        ("dev", "{{AccountId}}"),
        ("{{Foo}}", "a"),
        ("dev", "system:admins"),
        ("dev", "developers"),
        ("dev:{{SessionName}}", "system:masters"),
    ] {
        let entry = format!("username: '{username}'\ngroups: ['{group}']");
        let (checked, _, findings) = check(&place, &manifest(false, &entry));
        let flags = ["create", "iamidentitymapping", "--cluster", "prod", "--arn", ROLE];
        let flags = place.run(&[flags.as_slice(), &["--username", username, "--group", group]].concat());
        place.write(
            "cluster.yaml",
            &format!("apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: prod, region: eu-west-1}}\niamIdentityMappings:\n- arn: {ROLE}\n  username: '{username}'\n  groups: ['{group}']\n"),
        );
        let file = place.run(&["plan", "-f", "cluster.yaml"]);
        let codes = (checked, flags.code == 64, file.code == 65);
        let is_error = checked == 1;
        assert_eq!(
            codes,
            (i32::from(is_error), is_error, is_error),
            "{username} {group}: {flags:?} {file:?}"
        );
        if let Some(message) = findings[0]["message"].as_str() {
            let start: String = message.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
            for ended in [&flags, &file] {
                let said = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(said.contains(&start), "{start}: {said}");
            }
        }
    }
}
