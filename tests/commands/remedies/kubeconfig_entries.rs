//! What is wrong within kubeconfigs, put right: values that kubectl does not load, entries that it does not use, and
//! contexts by which it signs in otherwise than was asked.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

use super::{
    case::{Case, Check, case},
    complaint::complaints,
    kubeconfig::{ARN, UPDATE, file, signs_in},
};
use crate::commands::place::{Ended, PROGRAM, Place};

const WHOAMI: &str = "whoami --cluster quickstart --kubeconfig kc.yaml";
const ROLE: &str = "arn:aws:iam::111122223333:role/ops";

fn on(command: &str, text: impl Into<Vec<u8>>) -> Case {
    case(command).file("kc.yaml", text).first("chmod 600 kc.yaml")
}

pub(super) fn cases() -> Vec<Check> {
    let mut all = Vec::new();
    all.extend(flags());
    all.extend(loadable());
    all.extend(usable());
    all.extend(contexts());
    all
}

fn flags() -> Vec<Check> {
    let taken = || {
        on(&format!("{UPDATE} --alias mine"), "")
            .first(format!("eksact {UPDATE} --alias mine --role-arn {ROLE}"))
            .says("pass its role and profile, or use --force to give the context another user.")
    };
    let shadowed = || {
        case("update-kubeconfig --name quickstart --region eu-west-1 --portable")
            .variable("KUBECONFIG", "$PLACEfirst.yaml:$PLACEkc.yaml")
            .file(
                "first.yaml",
                format!("apiVersion: v1\nusers:\n- {{name: '{ARN}', user: {{token: abc}}}}\n"),
            )
            .first("chmod 600 first.yaml")
            .first(format!("eksact {UPDATE}"))
            .says("Remove it there, or name the file with --kubeconfig.")
    };
    vec![
        taken()
            .instead(format!("{UPDATE} --alias mine --role-arn {ROLE}"))
            .check(),
        taken()
            .instead(format!("{UPDATE} --alias another"))
            .leaves("kubeconfig-user-beside")
            .check(),
        taken()
            .instead(format!("{UPDATE} --alias mine --force"))
            .leaves("kubeconfig-user-replaced")
            .check(),
        shadowed()
            .replace(
                "first.yaml",
                format!("users:\n- {{name: '{ARN}', user: {{token: abc}}}}\n"),
                "",
            )
            .check(),
        shadowed().instead(UPDATE).check(),
        case(format!("{UPDATE} --role-arn arn:aws:iam::111122223333:user/ops"))
            .says("Write it like arn:aws:iam::111122223333:role/my-role.")
            .instead(format!("{UPDATE} --role-arn {ROLE}"))
            .check(),
        on(
            UPDATE,
            format!("apiVersion: v1\nclusters:\n- name: {ARN}\n  cluster:\n    insecure-skip-tls-verify: true\n    server: https://example.com\n"),
        )
        .says("Remove `insecure-skip-tls-verify` from the cluster's entry")
        .replace("kc.yaml", "    insecure-skip-tls-verify: true\n", "")
        .check(),
        program_of_a_path_that_is_not_text(),
    ]
}

/// eksact in a folder whose name is not text, which no kubeconfig can name.
fn program_of_a_path_that_is_not_text() -> Check {
    let says = "--portable writes its name only, to be found on the PATH.";
    Check {
        about: format!("eksact in a folder that is not text → {says}"),
        run: Box::new(move || {
            let place = Place::new();
            let folder = place.path("").join(OsStr::from_bytes(b"bin\xff"));
            let program = folder.join("eksact");
            std::fs::create_dir(&folder).map_err(|error| error.to_string())?;
            if std::fs::hard_link(PROGRAM, &program).is_err() {
                std::fs::copy(PROGRAM, &program).map_err(|error| error.to_string())?;
            }
            let run = |line: &str| {
                let mut command = place.bare(&program);
                command.env("EKSACT_SANDBOX", "1").env("COLUMNS", "100000");
                let ended = command.args(line.split(' ')).output();
                ended.map(Ended::of).map_err(|error| error.to_string())
            };
            let met = run(&UPDATE.replace(" --portable", ""))?;
            let helps: Vec<String> = complaints(&met.stderr)
                .into_iter()
                .flat_map(|complaint| complaint.help)
                .filter(|help| help.contains(says))
                .collect();
            if helps.is_empty() {
                return Err(format!("it does not say so, but: {}", met.stderr));
            }
            let left = run(UPDATE)?;
            match left.code {
                0 => Ok(helps),
                _ => Err(format!("{helps:?} was followed:\n{}", left.stderr)),
            }
        }),
    }
}

/// What kubectl does not load: a good file, what is put in place of what in it, what is said, and what it becomes.
fn loadable() -> Vec<Check> {
    let good = file("other", "{token: abc}");
    let block = "apiVersion: v1\nusers:\n- name: other\n  user:\n    token: abc\n";
    let refused = |from: &str, to: &str, says: &str, right: &str| {
        on(&format!("{UPDATE} --diff-only"), good.replacen(from, to, 1))
            .says(says)
            .replace("kc.yaml", to, right)
            .check()
    };
    let added = |lines: &str, says: &str, right: &str| {
        on(&format!("{UPDATE} --diff-only"), format!("{block}{lines}"))
            .says(says)
            .replace("kc.yaml", lines, right)
            .check()
    };
    vec![
        on(UPDATE, "- not\n- a kubeconfig\n")
            .says("Name a kubeconfig with --kubeconfig or in KUBECONFIG.")
            .instead(UPDATE.replace("kc.yaml", "other.yaml"))
            .check(),
        on(UPDATE, "apiVersion: v1\nkind: Pod\n")
            .says("Name a kubeconfig with --kubeconfig or in KUBECONFIG.")
            .instead(UPDATE.replace(" --kubeconfig kc.yaml", ""))
            .variable("KUBECONFIG", "$PLACEother.yaml")
            .check(),
        refused(
            "kind: Config",
            "kind: config",
            "Write `kind: Config`.",
            "kind: Config",
        ),
        refused(
            "apiVersion: v1",
            "apiVersion: v2",
            "Write `apiVersion: v1`, if this is a kubeconfig.",
            "apiVersion: v1",
        ),
        refused("token: abc", "token: 123", "Put it in quotes.", "token: '123'"),
        refused(
            "{token: abc}",
            "'abc'",
            "Write a mapping, or remove `user`.",
            "{token: abc}",
        ),
        refused(
            "{server:",
            "{insecure-skip-tls-verify: 'true', server:",
            "Write `insecure-skip-tls-verify: true` or `insecure-skip-tls-verify: false`, without quotes.",
            "{insecure-skip-tls-verify: true, server:",
        ),
        added(
            "    as: joe\n    as-groups: dev\n",
            "Write a list: `- ` before each item of `as-groups`.",
            "    as: joe\n    as-groups:\n    - dev\n",
        ),
        refused(
            "token: abc",
            "token: [abc]",
            "Write a string, or remove `token`.",
            "token: abc",
        ),
        added(
            "- user: {token: a}\n- user: {token: b}\n",
            "Write its `name`, or remove the item.",
            "- {name: a, user: {token: a}}\n- {name: b, user: {token: b}}\n",
        ),
        added(
            "- {name: other, user: {token: b}}\n",
            "Remove one of the two, or give it another name.",
            "- {name: another, user: {token: b}}\n",
        ),
        added(
            "- {name: other, user: {token: b}}\n",
            "Remove one of the two, or give it another name.",
            "",
        ),
        refused(
            "{server:",
            "{certificate-authority-data: ca.pem, server:",
            "or its path as `certificate-authority`.",
            "{certificate-authority: ca.pem, server:",
        ),
        refused(
            "{server:",
            "{certificate-authority-data: -----BEGIN, server:",
            "Write the base64 of the whole file",
            "{certificate-authority-data: LS0tLS1CRUdJTg==, server:",
        ),
        added(
            "notes: .nan\n",
            "put it in quotes if it is a string",
            "notes: '.nan'\n",
        ),
    ]
}

/// What kubectl loads and does not use: the same, with the bodies of entries.
fn usable() -> Vec<Check> {
    let unused = |from: &str, to: &str, says: &str, right: &str| {
        let good = file("other", "{token: abc}");
        on(&format!("{UPDATE} --diff-only"), good.replacen(from, to, 1))
            .says(says)
            .replace("kc.yaml", to, right)
            .check()
    };
    let cluster = "{server: 'https://other.example'}";
    let context = "{cluster: 'other', user: 'other'}";
    let user = |wrong: &str, says: &str, right: &str| unused("{token: abc}", wrong, says, right);
    let exec = |wrong: &str, says: &str, right: &str| {
        user(
            &format!("{{exec: {{{wrong}}}}}"),
            says,
            &format!("{{exec: {{{right}}}}}"),
        )
    };
    let v1 = "apiVersion: client.authentication.k8s.io/v1";
    let ask = "interactiveMode: IfAvailable";
    vec![
        unused(
            cluster,
            "{tls-server-name: other.example}",
            "Write the URL of its API as `server`.",
            cluster,
        ),
        unused(
            cluster,
            "{server: 'https://other.example', proxy-url: 'proxy.example:3128'}",
            "Write the proxy with its scheme, such as `http://proxy.example:3128`.",
            "{server: 'https://other.example', proxy-url: 'http://proxy.example:3128'}",
        ),
        unused(
            cluster,
            "{server: 'https://other.example', certificate-authority: ca.pem, certificate-authority-data: LS0t}",
            "Remove one of the two.",
            "{server: 'https://other.example', certificate-authority: ca.pem}",
        ),
        unused(
            "- {name: 'other', context: ",
            "- {context: ",
            "Write its `name`, or remove it.",
            "- {name: 'other', context: ",
        ),
        unused(
            context,
            "{cluster: 'other'}",
            "Write the name of its user as `user`, or remove the context.",
            context,
        ),
        unused(
            context,
            "{cluster: 'other', user: 'other', namespace: Team_A}",
            "A namespace has at most 63 of a-z, 0-9 and `-`",
            "{cluster: 'other', user: 'other', namespace: team-a}",
        ),
        user(
            "{token: abc, username: joe, password: x}",
            "Remove one of the two ways to sign in.",
            "{token: abc}",
        ),
        user(
            "{client-certificate: joe.pem}",
            "Write `client-key` or `client-key-data`, or remove the certificate.",
            "{client-certificate: joe.pem, client-key: joe.key}",
        ),
        user(
            "{token: abc, as-groups: [dev]}",
            "Write the user's name as `as`.",
            "{token: abc, as: joe, as-groups: [dev]}",
        ),
        exec(
            &format!("{v1}, {ask}"),
            "Write the program that gives the token as `command`.",
            &format!("{v1}, {ask}, command: aws"),
        ),
        exec(
            &format!("command: aws, {ask}"),
            "Write `apiVersion: client.authentication.k8s.io/v1`, or the version that its program supports.",
            &format!("command: aws, {ask}, {v1}"),
        ),
        exec(
            &format!("command: aws, {v1}alpha1"),
            "Write `client.authentication.k8s.io/v1beta1`, and update the program that gives the token.",
            &format!("command: aws, {v1}beta1"),
        ),
        exec(
            &format!("command: aws, {v1}"),
            "Write `interactiveMode: IfAvailable`.",
            &format!("command: aws, {v1}, {ask}"),
        ),
        exec(
            &format!("command: aws, {v1}, interactiveMode: Sometimes"),
            "Write one of `Never`, `IfAvailable` and `Always`.",
            &format!("command: aws, {v1}, interactiveMode: Never"),
        ),
        exec(
            &format!("command: aws, {v1}, {ask}, env: [{{value: dev}}]"),
            "Write its `name`, or remove the item of `env`.",
            &format!("command: aws, {v1}, {ask}, env: [{{name: AWS_PROFILE, value: dev}}]"),
        ),
    ]
}

/// The contexts that `whoami` looks at.
fn contexts() -> Vec<Check> {
    let user = |exec: &str| on(WHOAMI, file("other", &format!("{{exec: {{{exec}}}}}")));
    let beta = "apiVersion: client.authentication.k8s.io/v1beta1";
    let get_token = "command: aws, args: [--region, eu-west-1, eks, get-token, --cluster-name, quickstart]";
    let former = "heptio-authenticator-aws, token, -i, quickstart]";
    vec![
        user(&format!(
            "apiVersion: client.authentication.k8s.io/v1, {get_token}"
        ))
        .says("Add it: `kubectl config --kubeconfig kc.yaml set-credentials other")
        .printed(&[])
        .check(),
        user(&format!(
            "apiVersion: client.authentication.k8s.io/v1alpha1, {get_token}"
        ))
        .says("Change the version: `kubectl config --kubeconfig kc.yaml set-credentials other")
        .printed(&[])
        .check(),
        user(get_token)
            .says("Set the version: `kubectl config --kubeconfig kc.yaml set-credentials other")
            .printed(&[])
            .check(),
        user(&format!(
            "{beta}, command: 'env AWS_REGION=eu-west-1 aws eks get-token --cluster-name quickstart'"
        ))
        .says("Leave `env` in `command`, and put the rest into `args`, word by word.")
        .replace(
            "kc.yaml",
            "'env AWS_REGION=eu-west-1 aws eks get-token --cluster-name quickstart'",
            "env, args: [AWS_REGION=eu-west-1, aws, eks, get-token, --cluster-name, quickstart]",
        )
        .check(),
        user(&format!(
            "{beta}, command: heptio-authenticator-aws, args: [token, -i, quickstart]"
        ))
        .says("Let eksact make the tokens: `eksact update-kubeconfig")
        .printed(&[])
        .check(),
        user(&format!(
            "{beta}, command: env, args: [AWS_REGION=eu-west-1, {former}"
        ))
        .says("Write `aws-iam-authenticator` instead.")
        .replace("kc.yaml", "heptio-authenticator-aws", "aws-iam-authenticator")
        .check(),
        on(WHOAMI, file("other", &signs_in("Quickstart", "")))
            .says("Check --kubeconfig, --context and --cluster; upper and lower case count.")
            .replace("kc.yaml", "Quickstart", "quickstart")
            .check(),
        on(WHOAMI, file("other", &signs_in("Quickstart", "")))
            .first(format!("eksact {UPDATE} --alias mine"))
            .command(format!("{WHOAMI} --context other"))
            .says("Check --kubeconfig, --context and --cluster; upper and lower case count.")
            .instead(format!("{WHOAMI} --context mine"))
            .check(),
        user(&format!(
            "{beta}, command: aws, args: [eks, get-token, --cluster-name, quickstart]"
        ))
        .command(format!("{WHOAMI} --role-arn {ROLE}"))
        .says("Leave out --profile and --role-arn to see what kubectl gets.")
        .instead(WHOAMI)
        .check(),
        on(
            WHOAMI,
            file("other", &signs_in("quickstart", ", --profile, work")),
        )
        .says("To see what kubectl gets: --profile work --region eu-west-1, and no other of these flags.")
        .instead(format!("{WHOAMI} --profile work --region eu-west-1"))
        .check(),
        // The program that is not known passes on what it is given.
        user(&format!(
            "{beta}, command: corporate-sso, args: [aws, eks, get-token, --cluster-name, quickstart]"
        ))
        .says("for those, run `eksact whoami` through the same program.")
        .in_its_place(&[])
        .check(),
    ]
}
