//! Files that are no YAML, or not the YAML that was meant, and edited as the help says.

use super::{
    case::{Check, case},
    config::{fault, mapping, metadata, planned},
    kubeconfig::UPDATE,
    world::{HEAD, S3},
};

/// A fault in the value of an annotation, on a line of its own.
fn note(value: &str, says: &str, from: &str, to: &str) -> Check {
    fault(
        &format!(
            "iam:\n  withOIDC: true\n  serviceAccounts:\n  - attachPolicyARNs: ['{S3}']\n    metadata:\n      name: app-a\n      annotations:\n        note: {value}"
        ),
        says,
        from,
        to,
    )
}

/// The same in the list of policies.
fn policies(value: &str, says: &str, from: &str, to: &str) -> Check {
    fault(
        &format!(
            "iam:\n  withOIDC: true\n  serviceAccounts:\n  - metadata: {{name: app-a}}\n    attachPolicyARNs: {value}"
        ),
        says,
        from,
        to,
    )
}

pub(super) fn cases() -> Vec<Check> {
    [
        encodings(),
        characters(),
        quotes(),
        brackets(),
        lines(),
        aliases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn encodings() -> Vec<Check> {
    const POLICY: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}"#;
    let utf16 = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let latin1 = |text: &str| [text.as_bytes(), b"# caf\xe9\n"].concat();
    let of_bytes = |bytes: Vec<u8>, says: &str| {
        case("plan -f c.yaml")
            .file("c.yaml", bytes)
            .says(says)
            .write("c.yaml", HEAD)
            .check()
    };
    let compressed = "a compressed or binary file is not a ClusterConfig";
    let as_utf8 = "save the file as UTF-8";
    let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: aws-auth, namespace: kube-system}\ndata: {mapRoles: '[]'}\n";
    let account = "create iamserviceaccount --cluster quickstart --region eu-west-1 --name app-a --attach-policy p.json";
    vec![
        of_bytes(utf16(HEAD), as_utf8),
        of_bytes(HEAD.encode_utf16().flat_map(u16::to_be_bytes).collect(), as_utf8),
        of_bytes(latin1(HEAD), compressed),
        of_bytes(b"\x1f\x8b\x08\0\0\0\0\0\x02\x03\xcb\xcc".to_vec(), compressed),
        case("check aws-auth --region eu-west-1 -f a.yaml")
            .file("a.yaml", latin1(manifest))
            .says(as_utf8)
            .write("a.yaml", manifest)
            .leaves("[no-node-role]")
            .check(),
        case(UPDATE)
            .file("kc.yaml", latin1("apiVersion: v1\nkind: Config\n"))
            .first("chmod 600 kc.yaml")
            .says(as_utf8)
            .write("kc.yaml", "apiVersion: v1\nkind: Config\n# café\n")
            .check(),
        case(account)
            .file("p.json", latin1(POLICY))
            .first(
                "eksact utils associate-iam-oidc-provider --cluster quickstart --region eu-west-1 --approve",
            )
            .says(as_utf8)
            .write("p.json", POLICY)
            .check(),
    ]
}

fn characters() -> Vec<Check> {
    let indented = |character: &str, says: &str, to: &str| {
        fault(
            &format!("iam:\n{character} withOIDC: true\n  serviceAccounts: []"),
            says,
            character,
            to,
        )
    };
    vec![
        indented("\u{200b} ", "delete it", " "),
        indented("\u{feff} ", "delete it", " "),
        indented("\u{a0}", "write a plain space instead", " "),
        indented("\u{3000}", "write a plain space instead", " "),
        note("\"b”", "write a plain \" instead", "”", "\""),
        note("‘a: b'", "write a plain ' instead", "‘", "'"),
        fault(
            "iam: {with\u{200b}OIDC: true}",
            "there is a zero-width space (U+200B) in it: delete it",
            "\u{200b}",
            "",
        ),
        fault(
            "iam:\n  withOIDC： true",
            "there is a full-width colon (U+FF1A) in it: write a plain : instead",
            "：",
            ":",
        ),
        fault(
            "iam:\u{a0}{withOIDC: true}",
            "there is a no-break space (U+00A0) in it: write a plain space instead",
            "\u{a0}",
            " ",
        ),
        fault(
            "iam: {“withOIDC”: true}",
            "there is a typographic quote (U+201C) in it: write a plain \" instead",
            "“withOIDC”",
            "\"withOIDC\"",
        ),
    ]
}

fn quotes() -> Vec<Check> {
    let close = "close it; within single quotes a `'` is written twice";
    let ended = "put the whole value in quotes; within single quotes a `'` is written twice";
    let escape = "write `\\\\`, or use single quotes";
    let anchors = "a string that begins with `*` or `&` needs quotes";
    vec![
        note("'b", close, "'b", "'b'"),
        note("\"b", close, "\"b", "\"b\""),
        note("'it's'", ended, "'it's'", "'it''s'"),
        note("\"a\" and b", ended, "\"a\" and b", "'\"a\" and b'"),
        note("[a] b", ended, "[a] b", "'[a] b'"),
        policies(
            &format!("\n    - '{S3}'/"),
            ended,
            &format!("'{S3}'/"),
            &format!("'{S3}'"),
        ),
        note("\"C:\\Users\"", escape, "\\", "\\\\"),
        note("\"C:\\Users\"", escape, "\"C:\\Users\"", "'C:\\Users'"),
        note("\"\\xq\"", escape, "\\", "\\\\"),
        note("* b", anchors, "* b", "'* b'"),
        note("&", anchors, "&", "'&'"),
        note("@b", "put the value in quotes", "@b", "'@b'"),
    ]
}

fn brackets() -> Vec<Check> {
    let missing = "write it, or delete the extra `,` or bracket; a string that begins with one needs quotes";
    let listed = format!("['{S3}'");
    vec![
        policies(&listed, "write `[a, b]`", &listed, &format!("{listed}]")),
        policies(
            &format!("{listed} 'arn:aws:iam::aws:policy/AmazonSQSFullAccess']"),
            "write `[a, b]`",
            " 'arn:aws:iam::aws:policy/AmazonSQS",
            ", 'arn:aws:iam::aws:policy/AmazonSQS",
        ),
        policies(&format!("[- '{S3}']"), "write `[a, b]`", "[- ", "["),
        note(
            "{b: c",
            "write `{a: b, c: d}`; a string with braces in it needs quotes",
            "{b: c",
            "'{b: c'",
        ),
        fault(
            "iam: {withOIDC: true, serviceAccounts: []\ncloudWatch: {}",
            "write `{a: b, c: d}`; a string with braces in it needs quotes",
            "[]",
            "[]}",
        ),
        policies(
            &format!("{listed},"),
            "write `]` or `}` where it ends",
            &format!("{listed},"),
            &format!("{listed}]"),
        ),
        policies(
            &format!("['{S3}',, 'arn:aws:iam::aws:policy/AmazonSQSFullAccess']"),
            missing,
            ",,",
            ",",
        ),
        policies(
            &format!("['{S3}']\n    roleName: ]"),
            missing,
            "roleName: ]",
            "roleName: app",
        ),
        note(", b", missing, ", b", "', b'"),
        policies(
            &format!("- '{S3}'"),
            "put each `- item` on a line of its own below its key",
            "attachPolicyARNs: - ",
            "attachPolicyARNs:\n    - ",
        ),
    ]
}

fn lines() -> Vec<Check> {
    let key =
        "write `key: value`; a string that continues over several lines must be indented deeper than its key";
    vec![
        fault("iam:\n  withOIDC:true\n  serviceAccounts: []", "write `key: value`", "withOIDC:true", "withOIDC: true"),
        fault("iam:\n  withOIDC:true", "put a space after the colon of `withOIDC:`", "withOIDC:true", "withOIDC: true"),
        fault("iam:\n  withOIDC: true\n  serviceAccounts", key, "serviceAccounts", "serviceAccounts: []"),
        note(
            "a text that\n        goes on\n        other: x",
            key,
            "        goes on",
            "          goes on",
        ),
        fault(
            "iam:\n  withOIDC: true\n serviceAccounts: []",
            "check the indentation: this line fits none of those above it",
            "\n service",
            "\n  service",
        ),
        planned(format!("{HEAD}iam:\n  serviceAccounts:\n    - {{metadata: {{name: a}}, attachPolicyARNs: ['{S3}']}}\n   - {{metadata: {{name: b}}, attachPolicyARNs: ['{S3}']}}\n  withOIDC: true\n"))
            .says("check the indentation: this line fits none of those above it")
            .replace("c.yaml", "\n   - ", "\n    - ")
            .check(),
    ]
}

fn aliases() -> Vec<Check> {
    let tag = "write the value without the tag, or as the tag requires";
    vec![
        fault("iam: {withOIDC: !!bool maybe}", tag, "!!bool maybe", "true"),
        fault("iam: {withOIDC: !!bool maybe}", tag, "maybe", "true"),
        metadata("name: a, labels: {tier: !!int one}", tag, "!!int one", "one"),
        metadata(
            "name: a, labels: {tier: &tier [*tier]}",
            "write the value itself instead of the alias",
            "&tier [*tier]",
            "one",
        ),
        mapping(
            "&dev {arn: 'arn:aws:iam::111122223333:role/dev', username: *dev}",
            "write the value itself instead of the alias",
            "*dev",
            "dev",
        ),
        fault(
            "x-defaults: &defaults {withOIDC: false}\niam:\n  withOIDC: true\n  <<: *defaults",
            "put `<<` first: readers of YAML do not agree on which of them counts",
            "  withOIDC: true\n  <<: *defaults",
            "  <<: *defaults\n  withOIDC: true",
        ),
        fault(
            "x-defaults: &defaults {withOIDC: true}\niam:\n  <<: defaults",
            "write an alias of a mapping, as in `<<: *defaults`",
            "<<: defaults",
            "<<: *defaults",
        ),
        metadata(
            "name: a, labels: {18446744073709551615: b}",
            "put it in quotes if it is meant as a key",
            "18446744073709551615",
            "'18446744073709551615'",
        ),
    ]
}
