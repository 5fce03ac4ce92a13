//! Shared roles: what they become, and what is said about each way of writing them wrong.

use insta::assert_snapshot;

use super::{HEAD, load_files, loaded, report, report_all};
use crate::config::cluster_access::{RoleReference, SharedRole};

const ACCESS: &str = "apiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\n";
const ACCOUNTS: &str = "iam:\n  withOIDC: true\n  serviceAccounts:\n  - metadata: {name: web, namespace: app}\n    attachRoleARN: arn:aws:iam::111122223333:role/team/reader\n  - metadata: {name: job}\n    attachRoleARN: arn:aws:iam::111122223333:role/team/reader\n  - metadata: {name: own}\n    attachPolicyARNs: [arn:aws:iam::aws:policy/A]\n";

fn subjects(role: &SharedRole) -> Vec<String> {
    role.service_accounts
        .iter()
        .flatten()
        .map(|account| {
            let mark = if account.is_pattern { "~" } else { "" };
            format!("{}/{mark}{}", account.namespace, account.name)
        })
        .collect()
}

#[test]
fn shared_role_of_each_form() {
    let access = loaded(&format!(
        "{HEAD}{ACCOUNTS}---\n{ACCESS}sharedRoles:\n- roleARN: arn:aws:iam::111122223333:role/team/reader\n- roleName: backup\n  serviceAccounts:\n  - {{namespace: velero, name: velero}}\n  - {{namespace: jobs, subjectPattern: 'night-*'}}\n"
    ))
    .config
    .access;
    let [reader, backup] = &*access.shared_roles else {
        panic!()
    };
    assert_eq!(
        reader.role.value,
        RoleReference::Arn("arn:aws:iam::111122223333:role/team/reader".to_owned())
    );
    assert_eq!(reader.role.value.name(), "reader");
    assert_eq!(subjects(reader), ["app/web", "default/job"]);
    assert_eq!(backup.role.value, RoleReference::Name("backup".to_owned()));
    assert_eq!(subjects(backup), ["velero/velero", "jobs/~night-*"]);
    let places = access
        .shared_roles
        .iter()
        .map(|role| role.location.clone().unwrap().line);
    assert_eq!(places.collect::<Vec<_>>(), [17, 18]);
    assert!(access.states_shared_roles && !access.complete);
}

/// By its name a role is found whatever its path; by its ARN only as it is written.
#[test]
fn shared_role_takes_the_accounts_that_attach_it_across_files() {
    let config = format!("{HEAD}{ACCOUNTS}");
    let by_name = format!("{ACCESS}sharedRoles: [{{roleName: reader}}]\n");
    let access = load_files(&[&by_name, &config]).unwrap().config.access;
    assert_eq!(subjects(&access.shared_roles[0]), ["app/web", "default/job"]);
    let without = format!("{ACCESS}sharedRoles: [{{roleARN: 'arn:aws:iam::111122223333:role/reader'}}]\n");
    assert_snapshot!(report_all(&[&config, &without]), @r"
    b.yaml:3:15: error: sharedRoles[0]: no service account of the ClusterConfig attaches the role `reader`
        sharedRoles: [{roleARN: 'arn:aws:iam::111122223333:role/reader'}]
                      ^
        help: list `serviceAccounts` here, or write the role's ARN as `attachRoleARN` of a service account
    ");
}

#[test]
fn shared_roles_may_be_none() {
    // What the file has, whether it states its shared roles, and whether it is the whole of who gets in.
    for (text, states, complete) in [
        ("sharedRoles: []\n", true, false),
        ("sharedRoles: []\ngroups: []\n", true, true),
        ("sharedRoles: []\nidentityMappings: []\n", true, true),
        ("sharedRoles:\n", false, true),
        ("groups: []\n", false, true),
        ("", false, true),
    ] {
        let access = loaded(&format!("{HEAD}---\n{ACCESS}{text}")).config.access;
        assert_eq!(
            (
                access.shared_roles.len(),
                access.states_shared_roles,
                access.complete
            ),
            (0, states, complete),
            "{text}"
        );
    }
    // A ClusterConfig has no such key: eksctl would refuse it.
    assert_snapshot!(report(&format!("{HEAD}sharedRoles: []\n")), @r"
    c.yaml:4:1: error: there is no key `sharedRoles` at the root of the file
        sharedRoles: []
        ^
        help: `sharedRoles` belongs to the root of a ClusterAccess
    ");
}

#[test]
fn shared_role_written_wrong() {
    let one = "serviceAccounts: [{namespace: app, name: web}]";
    let roles = [
        format!("{{{one}}}"),
        format!("{{roleARN: '', {one}}}"),
        format!("{{roleName: ' ', {one}}}"),
        format!("{{roleName: null, {one}}}"),
        format!("{{roleARN: 'arn:aws:iam::111122223333:role/a', roleName: a, {one}}}"),
        format!("{{roleARN: reader, {one}}}"),
        format!("{{roleARN: 'arn:aws:iam::111122223333:user/ann', {one}}}"),
        format!("{{roleARN: 'arn:aws:sts::111122223333:assumed-role/r/ann', {one}}}"),
        format!("{{roleARN: 'arn:aws:iam::111122223333:role/', {one}}}"),
        format!("{{roleARN: 'arn:aws:iam::11112222333:role/r', {one}}}"),
        format!("{{roleARN: 'arn:aws-cn:iam::111122223333:role/c', {one}}}"),
        format!("{{roleName: 'arn:aws:iam::111122223333:role/r', {one}}}"),
        format!("{{roleName: team/r, {one}}}"),
        format!("{{roleName: 'r*', {one}}}"),
        format!("{{roleArn: 'arn:aws:iam::111122223333:role/r', {one}}}"),
        format!("{{roleName: '${{ROLE}}', {one}}}"),
    ];
    assert_snapshot!(report(&format!("{HEAD}---\n{ACCESS}sharedRoles:\n- {}\n", roles.join("\n- "))), @r"
    c.yaml:8:3: error: sharedRoles[0]: roleARN or roleName must be set
        - {serviceAccounts: [{namespace: app, name: web}]}
          ^
    c.yaml:9:13: error: sharedRoles[1].roleARN is empty
        - {roleARN: '', serviceAccounts: [{namespace: app, name: web}]}
                    ^
        help: a variable was probably not set; write the value, or remove the entry
    c.yaml:10:14: error: sharedRoles[2].roleName is empty
        - {roleName: ' ', serviceAccounts: [{namespace: app, name: web}]}
                     ^
        help: a variable was probably not set; write the value, or remove the entry
    c.yaml:11:4: error: sharedRoles[3].roleName has no value
        - {roleName: null, serviceAccounts: [{namespace: app, name: web}]}
           ^
        help: a variable was probably not set: fill it in, or write `roleARN` instead
    c.yaml:12:49: error: sharedRoles[4]: roleName cannot be used together with roleARN
        …::111122223333:role/a', roleName: a, serviceAccounts: [{namespace: app…
                                 ^
        help: leave one out
    c.yaml:13:13: error: `reader` is not the ARN of an IAM role
        - {roleARN: reader, serviceAccounts: [{namespace: app, name: web}]}
                    ^
        help: for the name alone write `roleName: reader`
    c.yaml:14:13: error: `arn:aws:iam::111122223333:user/ann` is not the ARN of an IAM role
        - {roleARN: 'arn:aws:iam::111122223333:user/ann', serviceAccounts: [{na…
                    ^
        help: write it like arn:aws:iam::111122223333:role/my-role
    c.yaml:15:13: error: `arn:aws:sts::111122223333:assumed-role/r/ann` is not the ARN of an IAM role
        - {roleARN: 'arn:aws:sts::111122223333:assumed-role/r/ann', serviceAcco…
                    ^
        help: write it like arn:aws:iam::111122223333:role/my-role
    c.yaml:16:13: error: `arn:aws:iam::111122223333:role/` is not the ARN of an IAM role
        - {roleARN: 'arn:aws:iam::111122223333:role/', serviceAccounts: [{names…
                    ^
        help: write it like arn:aws:iam::111122223333:role/my-role
    c.yaml:17:13: error: `arn:aws:iam::11112222333:role/r` is not the ARN of an IAM role
        - {roleARN: 'arn:aws:iam::11112222333:role/r', serviceAccounts: [{names…
                    ^
        help: write it like arn:aws:iam::111122223333:role/my-role
    c.yaml:18:13: error: `arn:aws-cn:iam::111122223333:role/c` is in the partition aws-cn, and the region is in aws
        - {roleARN: 'arn:aws-cn:iam::111122223333:role/c', serviceAccounts: [{n…
                    ^
        help: begin it with `arn:aws:`
    c.yaml:19:14: error: `arn:aws:iam::111122223333:role/r` cannot be the name of an IAM role
        - {roleName: 'arn:aws:iam::111122223333:role/r', serviceAccounts: [{nam…
                     ^
        help: this is an ARN: write it as `roleARN`
    c.yaml:20:14: error: `team/r` cannot be the name of an IAM role
        - {roleName: team/r, serviceAccounts: [{namespace: app, name: web}]}
                     ^
        help: a name has no path: write the name alone, or the whole ARN as `roleARN`
    c.yaml:21:14: error: `r*` cannot be the name of an IAM role
        - {roleName: 'r*', serviceAccounts: [{namespace: app, name: web}]}
                     ^
        help: it has 1 to 64 letters, digits and `_+=,.@-`
    c.yaml:22:4: error: there is no key `roleArn` in sharedRoles[14]
        - {roleArn: 'arn:aws:iam::111122223333:role/r', serviceAccounts: [{name…
           ^
        help: did you mean `roleARN`? Keys are case-sensitive
    c.yaml:23:14: error: `${ROLE}` is not expanded by eksact
        - {roleName: '${ROLE}', serviceAccounts: [{namespace: app, name: web}]}
                     ^
        help: fill it in first, for example with envsubst
    ");
}

#[test]
fn shared_role_accounts_written_wrong() {
    let accounts = [
        "[]",
        "",
        "[{}]",
        "[{namespace: app}]",
        "[{name: web}]",
        "[{namespace: '', name: ''}]",
        "[{namespace: app, name: web, subjectPattern: 'web*'}]",
        "[{namespace: app, name: 'web*'}]",
        "[{namespace: App, name: Web_1}]",
        "[{namespace: 'pr-*', name: web}]",
        "[{namespace: app, subjectPattern: 'app:web'}]",
        "[{namespace: app, subjectPattern: '*'}]",
        "[{namespace: app, name: web}, {namespace: app, name: web}]",
        "[app/web]",
        "[{namespace: app, serviceAccountName: web}]",
    ];
    let lines: Vec<String> = accounts
        .iter()
        .enumerate()
        .map(|(number, accounts)| format!("- roleName: r{number}\n  serviceAccounts: {accounts}\n"))
        .collect();
    assert_snapshot!(report(&format!("{HEAD}---\n{ACCESS}sharedRoles:\n{}", lines.concat())), @r#"
    c.yaml:9:20: error: sharedRoles[0].serviceAccounts is empty
          serviceAccounts: []
                           ^
        help: name the service accounts; leave the key out for those whose `attachRoleARN` is this role; remove the entry, and run with --prune, to let no service account in
    c.yaml:10:3: error: sharedRoles[1]: no service account of the ClusterConfig attaches the role `r1`
        - roleName: r1
          ^
        help: list `serviceAccounts` here, or write the role's ARN as `attachRoleARN` of a service account
    c.yaml:13:21: error: sharedRoles[2].serviceAccounts[0]: name or subjectPattern must be set
          serviceAccounts: [{}]
                            ^
    c.yaml:13:21: error: sharedRoles[2].serviceAccounts[0].namespace must be set
          serviceAccounts: [{}]
                            ^
    c.yaml:15:21: error: sharedRoles[3].serviceAccounts[0]: name or subjectPattern must be set
          serviceAccounts: [{namespace: app}]
                            ^
    c.yaml:17:21: error: sharedRoles[4].serviceAccounts[0].namespace must be set
          serviceAccounts: [{name: web}]
                            ^
    c.yaml:19:33: error: sharedRoles[5].serviceAccounts[0].namespace must be set
          serviceAccounts: [{namespace: '', name: ''}]
                                        ^
    c.yaml:19:43: error: sharedRoles[5].serviceAccounts[0].name is empty
          serviceAccounts: [{namespace: '', name: ''}]
                                                  ^
        help: a variable was probably not set; write the value, or remove the entry
    c.yaml:21:49: error: sharedRoles[6].serviceAccounts[0]: subjectPattern cannot be used together with name
        …espace: app, name: web, subjectPattern: 'web*'}]
                                 ^
        help: leave one out
    c.yaml:23:44: error: `web*` cannot be the name of a service account
          serviceAccounts: [{namespace: app, name: 'web*'}]
                                                   ^
        help: for a pattern write `subjectPattern: "web*"`
    c.yaml:25:33: error: `App` cannot be the name of a namespace
          serviceAccounts: [{namespace: App, name: Web_1}]
                                        ^
        help: Kubernetes would accept `app`
    c.yaml:25:44: error: `Web_1` cannot be the name of a service account
          serviceAccounts: [{namespace: App, name: Web_1}]
                                                   ^
        help: Kubernetes would accept `web-1`
    c.yaml:27:33: error: `pr-*` cannot be the name of a namespace
          serviceAccounts: [{namespace: 'pr-*', name: web}]
                                        ^
        help: a statement names its namespaces; list each
    c.yaml:29:54: error: `app:web` can match no service account's name
          serviceAccounts: [{namespace: app, subjectPattern: 'app:web'}]
                                                             ^
        help: it matches the name only (the namespace is fixed): lower-case letters, digits, `-`, `.`, and `*` or `?`
    c.yaml:31:54: warning: every service account of namespace `app` may assume this role
          serviceAccounts: [{namespace: app, subjectPattern: '*'}]
                                                             ^
        help: name a prefix, such as `app-*`
    c.yaml:33:50: warning: sharedRoles[12].serviceAccounts[1] is the same as sharedRoles[12].serviceAccounts[0]
        …space: app, name: web}, {namespace: app, name: web}]
                                 ^
        help: leave one out
    c.yaml:35:21: error: sharedRoles[13].serviceAccounts[0] must be a mapping, and this is the string `app/web`
          serviceAccounts: [app/web]
                            ^
    c.yaml:37:38: error: there is no key `serviceAccountName` in sharedRoles[14].serviceAccounts[0]
          serviceAccounts: [{namespace: app, serviceAccountName: web}]
                                             ^
        help: did you mean `serviceAccounts`, which belongs to sharedRoles[]?
    "#);
}

#[test]
fn shared_role_twice() {
    let role = |name: &str| format!("- {name}\n  serviceAccounts: [{{namespace: app, name: web}}]\n");
    let first = format!(
        "{ACCESS}sharedRoles:\n{}{}",
        role("roleName: reader"),
        role("roleARN: arn:aws:iam::111122223333:role/team/Reader")
    );
    let second = format!(
        "{ACCESS}sharedRoles:\n{}{}",
        role("roleName: reader"),
        role("roleName: other")
    );
    assert_snapshot!(report_all(&[HEAD, &first, &second]), @r"
    b.yaml:6:3: error: the role `Reader` is shared twice; the first is at b.yaml:4:3
        - roleARN: arn:aws:iam::111122223333:role/team/Reader
          ^
        help: list all service accounts of a role in one place: a cluster has one statement in its trust policy
    c.yaml:4:3: error: the role `reader` is shared twice; the first is at b.yaml:4:3
        - roleName: reader
          ^
        help: list all service accounts of a role in one place: a cluster has one statement in its trust policy
    ");
}
