//! What client-go refuses, and what it takes. Each line was put to client-go 0.36 itself; `tests/kubectl_loads` does
//! so for many more.

use super::super::Document;

const OTHER_FILE: &str = "Name a kubeconfig with --kubeconfig or in KUBECONFIG.";

/// What is said of a file: `line:column: problem`, and the help; empty where it loads.
fn said(text: &str) -> (String, String) {
    match Document::read("f", text.as_bytes()) {
        Ok(_) => Default::default(),
        Err(refused) => (
            refused.to_string().trim_start_matches("f:").to_owned(),
            refused.help.map_or_else(String::new, |help| help.to_string()),
        ),
    }
}

#[test]
fn files_that_client_go_loads_are_read() {
    for text in [
        "apiVersion: v1\nkind: Config\n",
        "apiVersion: /v1\n",
        "apiVersion: \"\"\nkind: \"\"\n",
        "apiVersion: ~\nkind:\n",
        "Users: 5\nKIND: Config\n",
        "kind: Config\nKind: Deployment\n",
        "unknown: {1: 2, yes: [3]}\npreferences: ~\n",
        "contexts:\n-\n- name: x\n",
        "users: [{name: a, user: {token: 2001-01-01}}]",
        "users: [{name: a, user: {client-key-data: [1, 2, ~]}}]",
        "users: [{name: a, user: {client-key-data: \"QQ\\n==\"}}]",
        "users: [{name: a, user: {client-key-data: }}]",
        "users: [{name: a, user: {exec: {provideClusterInfo: yes}}}]",
        "users: [{name: a, user: {exec: {command: ~, args: [~], env: [~]}}}]",
        "users: [{name: a, user: {as-user-extra: {a: [b, ~], c: ~}}}]",
        "extensions: [{name: a, extension: ~}, {name: a}]",
        "extensions: [{name: a}, {name: a, extension: 3}, {name: b}]",
        "clusters: [{name: a, cluster: {server: ~, insecure-skip-tls-verify: on}}]",
        "{\"apiVersion\": \"v1\", \"clusters\": null}",
        "apiVersion: v1\nkind: Config\n---\napiVersion: apps/v1\nkind: Deployment\n",
    ] {
        assert_eq!(said(text).0, "", "{text}");
    }
}

#[test]
fn file_of_another_kind_is_no_kubeconfig() {
    let no_kubeconfig = OTHER_FILE;
    for (text, problem, help) in [
        (
            "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: prod}\n",
            "2:7: this is not a kubeconfig but an object of kind ClusterConfig (eksctl.io/v1alpha5)",
            no_kubeconfig,
        ),
        (
            "apiVersion: apps/v1\nkind: Deployment\n",
            "2:7: this is not a kubeconfig but an object of kind Deployment (apps/v1)",
            no_kubeconfig,
        ),
        (
            "apiVersion: v1\nkind: ConfigMap\nclusters: []\n",
            "2:7: this is not a kubeconfig but an object of kind ConfigMap (v1)",
            no_kubeconfig,
        ),
        (
            "kind: Secret\n",
            "1:7: this is not a kubeconfig but an object of kind Secret",
            no_kubeconfig,
        ),
        (
            "Kind: List\nusers: []\n",
            "1:7: this is not a kubeconfig but an object of kind List",
            no_kubeconfig,
        ),
        (
            "kind: config\n",
            "1:7: `kind` is `config`, and kubectl reads a kubeconfig only if it is `Config`",
            "Write `kind: Config`.",
        ),
        (
            "apiVersion: v1beta1\nkind: Config\n",
            "1:13: `apiVersion` is `v1beta1`, and kubectl reads a kubeconfig only if it is `v1`",
            "Write `apiVersion: v1`, if this is a kubeconfig.",
        ),
        (
            "apiVersion: client.authentication.k8s.io/v1\nkind: Config\n",
            "1:13: `apiVersion` is `client.authentication.k8s.io/v1`, and kubectl reads a kubeconfig only if it is `v1`",
            "Write `apiVersion: v1`, if this is a kubeconfig.",
        ),
        (
            "apiVersion: 1\n",
            "1:13: `apiVersion` is a number, and kubectl expects a string",
            "Put it in quotes.",
        ),
        (
            "[default]\naws_access_key_id = x\n",
            "1:1: this is not a kubeconfig: its top level is not a mapping",
            no_kubeconfig,
        ),
    ] {
        assert_eq!(said(text), (problem.to_owned(), help.to_owned()), "{text}");
    }
}

#[test]
fn value_of_another_type_is_refused_with_its_place() {
    for (text, problem, help) in [
        (
            "just words",
            "1:1: this is not a kubeconfig: its top level is not a mapping",
            OTHER_FILE,
        ),
        (
            "contexts:\n- name: 123\n",
            "2:9: `name` is a number, and kubectl expects a string",
            "Put it in quotes.",
        ),
        (
            "contexts:\n- name: x\n  context: {cluster: a, user: yes}\n",
            "3:31: `user` is a boolean, and kubectl expects a string",
            "Put it in quotes.",
        ),
        (
            "current-context: [a]\n",
            "1:18: `current-context` is a list, and kubectl expects a string",
            "Write a string, or remove `current-context`.",
        ),
        (
            "clusters: {}\n",
            "1:11: `clusters` is a mapping, and kubectl expects a list",
            "Write a list: `- ` before each item of `clusters`.",
        ),
        (
            "clusters: [a]\n",
            "1:12: this item of `clusters` is a string, and kubectl expects a mapping",
            "Write a mapping, or remove this item of `clusters`.",
        ),
        (
            "users:\n- name: a\n  user: b\n",
            "3:9: `user` is a string, and kubectl expects a mapping",
            "Write a mapping, or remove `user`.",
        ),
        (
            "users: [{name: a, user: {token: 0123}}]",
            "1:33: `token` is a number, and kubectl expects a string",
            "Put it in quotes.",
        ),
        (
            "users: [{name: a, user: {exec: {provideClusterInfo: \"true\"}}}]",
            "1:53: `provideClusterInfo` is a string, and kubectl expects true or false",
            "Write `provideClusterInfo: true` or `provideClusterInfo: false`, without quotes.",
        ),
        (
            "users: [{name: a, user: {exec: {args: x}}}]",
            "1:39: `args` is a string, and kubectl expects a list",
            "Write a list: `- ` before each item of `args`.",
        ),
        (
            "users: [{name: a, user: {exec: {args: [1]}}}]",
            "1:40: this item of `args` is a number, and kubectl expects a string",
            "Put it in quotes.",
        ),
        (
            "users: [{name: a, user: {exec: {env: {AWS_PROFILE: dev}}}}]",
            "1:38: `env` is a mapping, and kubectl expects a list",
            "Write a list: `- ` before each item of `env`.",
        ),
        (
            "users: [{name: a, user: {auth-provider: {config: {expires-in: 3600}}}}]",
            "1:63: `expires-in` is a number, and kubectl expects a string",
            "Put it in quotes.",
        ),
        (
            "clusters: [{name: a, cluster: {certificate-authority-data: QQ}}]",
            "1:60: `certificate-authority-data` is not base64",
            "Write the base64 of the whole file (`base64 -w0 FILE`), or its path as `certificate-authority`.",
        ),
        (
            "clusters: [{name: a, cluster: {certificate-authority-data: \"-----BEGIN CERTIFICATE-----\"}}]",
            "1:60: `certificate-authority-data` is not base64",
            "Write the base64 of the whole file (`base64 -w0 FILE`), or its path as `certificate-authority`.",
        ),
        (
            "users:\n- name: a\n- name: a\n",
            "3:3: the user `a` appears twice; kubectl refuses such a file",
            "Remove one of the two, or give it another name.",
        ),
        (
            "contexts:\n-\n- name:\n",
            "3:3: a second item of `contexts` has no name; kubectl refuses such a file",
            "Write its `name`, or remove the item.",
        ),
        (
            "extensions: [{name: a, extension: 1}, {name: a}]",
            "1:39: the extension `a` appears twice; kubectl refuses such a file",
            "Remove one of the two, or give it another name.",
        ),
        (
            "x: {y: .inf}\n",
            "1:8: JSON cannot represent this number, so that it cannot be passed on",
            "put it in quotes if it is a string",
        ),
        (
            "preferences: {colors: 1}\n",
            "1:23: `colors` is a number, and kubectl expects true or false",
            "Write true or false, or remove `colors`.",
        ),
    ] {
        assert_eq!(said(text), (problem.to_owned(), help.to_owned()), "{text}");
    }
}

#[test]
fn credential_is_never_quoted() {
    for text in [
        "users: [{name: a, user: {token: 77123}}]",
        "users: [{name: a, user: {client-key-data: 77123}}]",
        "users: [{name: a, user: {client-key-data: 77123=}}]",
        "users: [{name: a, user: {password: [77123]}}]",
        "users: [{name: a, user: {exec: {args: [--token, 77123]}}}]",
        "users: [{name: a, user: {auth-provider: {config: {id-token: 77123}}}}]",
    ] {
        let (problem, help) = said(text);
        assert!(
            !problem.is_empty() && !problem.contains("77123") && !help.contains("77123"),
            "{problem} {help}"
        );
    }
}

#[test]
fn file_without_any_key_of_a_kubeconfig_is_not_one() {
    for (text, is_one) in [
        ("services: {web: {image: nginx}}\n", false),
        ("{\"name\": \"package\", \"version\": \"1.0.0\"}", false),
        ("apiVersion: v1\nname: chart\n", false),
        ("kind: Config\n", true),
        ("current-context: \"\"\n", true),
        ("preferences: {}\n", true),
        ("users:\n", true),
    ] {
        let document = Document::read("f", text.as_bytes()).unwrap();
        let edits = [super::super::value::Edit::SetCurrentContext(String::new())];
        let refused = document.edited(&edits).err().map(|error| error.to_string());
        let wanted = (!is_one).then(|| "f: this is not a kubeconfig: it has none of its keys".to_owned());
        assert_eq!(refused, wanted, "{text}");
    }
}
