//! Users of contexts: what is wrong with them, and as whom they sign in.

use super::*;
use crate::kubeconfig::Document;

const FILE: &str = "apiVersion: v1\nkind: Config\ncurrent-context: prod\n\
    contexts:\n- name: prod\n  context: {cluster: c, user: nina}\n- name: admin\n  context: {cluster: c, user: certificate}\n\
    users:\n- name: nina\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1beta1\n      command: /usr/bin/eksact\n      \
    args: [token, --cluster, prod, --region, eu-west-1, --profile, dev, --role-arn, 'arn:aws:iam::111122223333:role/r']\n\
    - name: certificate\n  user: {client-certificate: a, client-key: b}\n";

fn files() -> Vec<Entries> {
    vec![
        Entries::default(),
        Document::read("f", FILE.as_bytes()).unwrap().entries().clone(),
    ]
}

fn codes(user: &ContextUser, asked: &AskedFor<'_>) -> Vec<String> {
    findings(user, asked)
        .into_iter()
        .map(|finding| finding.code.to_string())
        .collect()
}

#[test]
fn context_says_as_whom_kubectl_signs_in() {
    let user = user_of_context(&files(), None).unwrap();
    let found = user.sign_in().unwrap();
    assert_eq!(
        (
            found.cluster.as_str(),
            found.region.as_deref(),
            found.profile.as_deref()
        ),
        ("prod", Some("eu-west-1"), Some("dev"))
    );
    assert_eq!(user_of_context(&files(), Some("admin")), None);
    assert_eq!(user_of_context(&files(), Some("none")), None);
}

#[test]
fn another_sign_in_is_told() {
    let user = user_of_context(&files(), None).unwrap();
    let same = AskedFor {
        cluster: "prod",
        local_id: None,
        region: "eu-west-1",
        profile: Some("dev"),
        inherited_profile: None,
        role_arn: Some("arn:aws:iam::111122223333:role/r"),
        kubeconfig: None,
    };
    let none: [&str; 0] = [];
    assert_eq!(codes(&user, &same), none);
    let inherited = AskedFor {
        profile: None,
        inherited_profile: Some("dev"),
        ..same
    };
    assert_eq!(codes(&user, &inherited), none);
    for other in [
        AskedFor {
            profile: None,
            ..same
        },
        AskedFor {
            role_arn: None,
            ..same
        },
        AskedFor {
            region: "eu-west-2",
            ..same
        },
    ] {
        assert_eq!(codes(&user, &other), ["other-sign-in"], "{other:?}");
    }
    let other_cluster = AskedFor {
        cluster: "Prod",
        ..same
    };
    assert_eq!(codes(&user, &other_cluster), ["other-cluster"]);
    let local = AskedFor {
        cluster: "edge",
        local_id: Some("prod"),
        ..same
    };
    assert_eq!(codes(&user, &local), none);
}

/// Users as people have them, asked about with the profile `dev` for cluster `prod` in eu-west-1.
#[test]
fn user_fault_is_named_beside_as_whom_it_signs_in() {
    const AWS: &str = "aws, --region, eu-west-1, eks, get-token, --cluster-name, prod";
    let v1beta1 = "apiVersion: client.authentication.k8s.io/v1beta1";
    let table: Vec<(String, &[&str], &str)> = vec![
        (format!("{v1beta1}, command: aws-vault, args: [exec, dev, --, {AWS}]"), &[], ""),
        (
            format!("{v1beta1}, command: aws-vault, args: [exec, admin, --, {AWS}]"),
            &["other-sign-in"],
            "through aws-vault: profile admin, no role of its own, region eu-west-1",
        ),
        (
            format!("{v1beta1}, command: sh, args: [-c, 'AWS_PROFILE=dev aws eks get-token --cluster-name prod']"),
            &[],
            "",
        ),
        (
            format!("{v1beta1}, command: bash, args: [-lc, 'aws-vault exec dev -- aws eks get-token --cluster-name staging']"),
            &["other-cluster"],
            "signs in to cluster staging",
        ),
        (
            format!("{v1beta1}, command: chamber, args: [exec, prod, --, {AWS}]"),
            &["sign-in-unknown"],
            "depends on what chamber gives it",
        ),
        (
            format!("{v1beta1}, command: sh, args: [-c, 'aws eks get-token --cluster-name $CLUSTER --profile $P']"),
            &["sign-in-unknown"],
            "the shell's variable for the profile and the shell's variable for the cluster",
        ),
        (
            format!("{v1beta1}, command: kubelogin, args: [get-token]"),
            &["sign-in-unknown"],
            "runs kubelogin",
        ),
        (
            "apiVersion: client.authentication.k8s.io/v1alpha1, command: aws, args: [eks, get-token, --cluster-name, prod, --profile, dev]"
                .to_owned(),
            &["exec-api-version"],
            "kubectl config --kubeconfig 'my config' set-credentials nina --exec-api-version=client.authentication.k8s.io/v1beta1",
        ),
        (
            "apiVersion: client.authentication.k8s.io/v1alpha1, command: aws-vault, args: [exec, dev, --, heptio-authenticator-aws, token, -i, prod]"
                .to_owned(),
            &["exec-api-version", "exec-former-name"],
            "Write `aws-iam-authenticator` instead",
        ),
        (
            "apiVersion: client.authentication.k8s.io/v1alpha1, command: heptio-authenticator-aws, args: [token, -i, prod], env: [{name: AWS_PROFILE, value: dev}]"
                .to_owned(),
            &["exec-api-version", "exec-former-name"],
            "eksact update-kubeconfig --name prod --region eu-west-1 --kubeconfig 'my config' --alias c --user-alias nina --exec-profile dev --force",
        ),
        (
            "apiVersion: client.authentication.k8s.io/v2, command: aws, args: [eks, get-token, --cluster-name, prod, --profile, dev]".to_owned(),
            &["exec-api-version"],
            "does not support",
        ),
        (
            "command: aws, args: [eks, get-token, --cluster-name, prod, --profile, dev]".to_owned(),
            &["exec-api-version"],
            "has no apiVersion",
        ),
        (
            "apiVersion: client.authentication.k8s.io/v1, command: aws, args: [eks, get-token, --cluster-name, prod, --profile, dev]".to_owned(),
            &["exec-interactive-mode"],
            "interactiveMode",
        ),
        (
            "apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: aws, args: [eks, get-token, --cluster-name, prod, --profile, dev]"
                .to_owned(),
            &[],
            "",
        ),
        (
            format!("{v1beta1}, command: 'aws-vault exec dev -- aws', args: [eks, get-token, --cluster-name, prod]"),
            &["exec-command-line"],
            "Leave `aws-vault` in `command`",
        ),
    ];
    let asked = AskedFor {
        cluster: "prod",
        local_id: None,
        region: "eu-west-1",
        profile: Some("dev"),
        inherited_profile: None,
        role_arn: None,
        kubeconfig: Some("my config"),
    };
    for (exec, expected, says) in table {
        let text = format!(
            "current-context: c\ncontexts:\n- name: c\n  context: {{cluster: c, user: nina}}\nusers:\n- name: nina\n  user: {{exec: {{{exec}}}}}\n"
        );
        let document = Document::read("f", text.as_bytes()).unwrap();
        let user = user_of_context(std::slice::from_ref(document.entries()), None).unwrap();
        assert_eq!(codes(&user, &asked), expected, "{exec}");
        let told: Vec<String> = findings(&user, &asked)
            .into_iter()
            .flat_map(|finding| {
                [
                    finding.message,
                    finding.help.map_or_else(String::new, |help| help.to_string()),
                ]
            })
            .collect();
        let told = told.join("\n");
        assert!(told.contains(says), "{exec}: {told}");
    }
}
