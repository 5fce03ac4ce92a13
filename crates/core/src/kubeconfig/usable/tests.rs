//! Entries that kubectl does not use, in files that it loads.

use super::super::{
    Document,
    value::{Edit, Section, Value},
};

fn problems(text: &str) -> Vec<String> {
    let document = Document::read("f", text.as_bytes()).unwrap();
    let faults = document.unusable_after(&[]);
    faults
        .iter()
        .map(|fault| {
            format!(
                "{}: {}",
                fault.location.to_string().trim_start_matches("f:"),
                fault.problem
            )
        })
        .collect()
}

#[test]
fn entries_that_kubectl_uses_are_not_told_of() {
    for text in [
        "clusters: [{name: a, cluster: {server: \"https://a\", proxy-url: \"SOCKS5://p:1\", certificate-authority: ca}}]",
        "contexts: [{name: a, context: {cluster: a, user: a, namespace: team-1}}]",
        "users: [{name: a}, {name: b, user: {}}, {name: c, user: {token: t, as: x, as-groups: [g]}}]",
        "users: [{name: a, user: {exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: aws}}}]",
        "users: [{name: a, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: aws, interactiveMode: Never, env: [{name: A, value: b}]}}}]",
        "users: [{name: a, user: {client-certificate: c, client-key: k}}]",
        "users: [{name: a, user: {token: t, client-key: k, client-key-data: QQ==}}]",
    ] {
        assert_eq!(problems(text), <[String; 0]>::default(), "{text}");
    }
}

#[test]
fn kubeconfig_that_kubectl_refuses_has_the_place_of_it() {
    const EXEC: &str = "users:\n- name: a\n  user:\n    exec:\n      command: aws\n      apiVersion: client.authentication.k8s.io/v1\n      interactiveMode: Never\n";
    let beta = |mode: &str| EXEC.replace("/v1\n      interactiveMode: Never", &format!("/v1beta1{mode}"));
    assert_eq!(problems(&beta("")), <[String; 0]>::default());
    let without = |line: &str| EXEC.replace(line, "");
    for (text, wanted) in [
        (format!("{EXEC}      env:\n      - value: dev\n"), "9:9: kubectl refuses the user `a`: a variable of its `exec` has no name"),
        (format!("{EXEC}      env: [{{name: A}}, {{name: \"\"}}]\n"), "8:24: kubectl refuses the user `a`: a variable of its `exec` has no name"),
        (format!("{EXEC}      env: [~]\n"), "8:13: kubectl refuses the user `a`: a variable of its `exec` has no name"),
        (without("      command: aws\n"), "5:7: kubectl refuses the user `a`: its `exec` has no `command`"),
        (without("      interactiveMode: Never\n"), "5:7: kubectl refuses the user `a`: its `exec` has no `interactiveMode`"),
        (EXEC.replace("Never", "Sometimes"), "7:24: kubectl refuses the user `a`: its `exec` has the `interactiveMode` `Sometimes`"),
        (
            EXEC.replace("/v1\n", "/v1alpha1\n"),
            "6:19: kubectl refuses the user `a`: its `exec` has the `apiVersion` \
             `client.authentication.k8s.io/v1alpha1`, which kubectl 1.24 and newer do not support",
        ),
        (without("      apiVersion: client.authentication.k8s.io/v1\n"), "5:7: kubectl refuses the user `a`: its `exec` has no `apiVersion`"),
        (format!("{EXEC}    auth-provider: {{name: gcp}}\n"), "8:20: kubectl refuses the user `a`: it has both `exec` and `auth-provider`"),
        ("users: [{name: a, user: {token: t, username: u}}]".to_owned(), "1:25: kubectl refuses the user `a`: it has both a `token` and a `username` or `password`"),
        ("users: [{name: a, user: {client-certificate-data: QQ==}}]".to_owned(), "1:25: kubectl refuses the user `a`: it has a client certificate without its key"),
        ("users: [{name: a, user: {as-groups: [x]}}]".to_owned(), "1:25: kubectl refuses the user `a`: it impersonates a uid, groups or extra data without a user"),
        ("clusters: [{name: a, cluster: {}}]".to_owned(), "1:31: kubectl refuses the cluster `a`: it has no `server`"),
        ("clusters: [{name: a}]".to_owned(), "1:12: kubectl refuses the cluster `a`: it has no `server`"),
        (
            "clusters: [{name: a, cluster: {server: s, proxy-url: \"proxy:3128\"}}]".to_owned(),
            "1:54: kubectl refuses the cluster `a`: its `proxy-url` does not begin with `http://`, \
             `https://` or `socks5://`",
        ),
        (
            "clusters: [{name: a, cluster: {server: s, certificate-authority: c, certificate-authority-data: QQ==}}]".to_owned(),
            "1:66: kubectl refuses the cluster `a`: it has both `certificate-authority` and `certificate-authority-data`",
        ),
        ("contexts: [{name: a, context: {cluster: c}}]".to_owned(), "1:31: kubectl refuses the context `a`: it has no `user`"),
        ("contexts: [{name: a, context: {cluster: c, user: u, namespace: My_App}}]".to_owned(), "1:64: kubectl refuses the context `a`: `My_App` cannot be the name of a namespace"),
        ("contexts: [{context: {cluster: c, user: u}}]".to_owned(), "1:22: kubectl refuses a context without a name: it must have one"),
    ] {
        assert_eq!(problems(&text), [wanted], "{text}");
    }
}

#[test]
fn entry_that_is_written_must_be_one_that_kubectl_uses() {
    let text = "users:\n- name: old\n  user: {exec: {command: x}}\n- name: a\n  user:\n    exec:\n      command: aws\n      \
                env:\n      - name: A\n      - value: dev\n      apiVersion: client.authentication.k8s.io/v1beta1\n";
    let document = Document::read("f", text.as_bytes()).unwrap();
    let set = |index, key, value| Edit::Set {
        section: Section::Users,
        index,
        path: vec!["user", "exec", key],
        value: Value::text(value),
    };
    let without_the_first = Edit::RemoveItem {
        section: Section::Users,
        index: 1,
        path: vec!["user", "exec", "env"],
        item: 0,
    };
    // The place is that of the file as it is.
    for edits in [
        vec![set(1, "command", "eksact")],
        vec![set(1, "command", "eksact"), without_the_first],
    ] {
        let refused = document.edited(&edits).unwrap_err();
        assert_eq!(
            (refused.to_string().as_str(), refused.help.as_deref()),
            (
                "f:10:9: kubectl refuses the user `a`: a variable of its `exec` has no name",
                Some("Write its `name`, or remove the item of `env`.")
            )
        );
    }
    // What others have is theirs; what is wrong with it is no reason against a change of something else.
    assert!(
        document
            .edited(&[Edit::SetCurrentContext("new".to_owned())])
            .is_ok()
    );
    let context = Value::map([
        ("name", Value::text("new")),
        (
            "context",
            Value::map([("cluster", Value::text("c")), ("user", Value::text("a"))]),
        ),
    ]);
    let uses_it = [Edit::Append {
        section: Section::Contexts,
        entry: context,
    }];
    assert!(
        document
            .edited(&uses_it)
            .unwrap_err()
            .to_string()
            .contains("has no name")
    );
    let repaired = [set(0, "apiVersion", "client.authentication.k8s.io/v1beta1")];
    assert!(document.edited(&repaired).is_ok());
    assert_eq!(
        document.unusable_after(&repaired).len(),
        1,
        "that of the other user"
    );
}
