//! Files that are broken as in people's reports, and what is said of each.

use super::*;
use crate::{DuplicateKeys, read_all};

/// What is said first: `line:column: problem | help`.
fn explained(text: &str) -> String {
    let reading = read_all(text, DuplicateKeys::Refuse);
    let Some(error) = reading.problems.first() else {
        return "it is read".to_owned();
    };
    let explanation = explain(text, error);
    format!(
        "{}:{}: {} | {}",
        explanation.line,
        explanation.column,
        explanation.problem,
        explanation.help.map_or_else(String::new, |help| help.to_string())
    )
}

#[test]
fn explain_names_the_cause_its_place_and_the_fix() {
    let mut wrong = Vec::new();
    for (text, wanted) in [
        // A space is missing after a colon.
        (
            "apiVersion:eksctl.io/v1alpha5\nkind: ClusterConfig\n",
            "1:11: a space is missing after this colon | write `key: value`",
        ),
        (
            "metadata:\n  name:prod\n  region: eu-west-1\n",
            "2:7: a space is missing after this colon",
        ),
        (
            "apiVersion:v1\nkind:Config\nmetadata:\n  name: x\n",
            "1:11: a space is missing after this colon",
        ),
        (
            "list:\n  - name:a\n    value: b\n",
            "2:9: a space is missing after this colon",
        ),
        // Tabs.
        (
            "metadata:\n\tname: prod\n",
            "2:1: a tab indents this line, and YAML allows only spaces there | indent with spaces",
        ),
        (
            "metadata:\n  name: prod\n\tregion: x\n",
            "3:1: a tab indents this line",
        ),
        ("a:\n  - b\n  \t- c\n", "3:3: a tab indents this line"),
        // Characters that look like others.
        (
            "metadata:\n  name:\u{a0}prod\n  region: eu-west-1\n",
            "2:8: there is a no-break space (U+00A0) here | write a plain space instead",
        ),
        (
            "a: b\n\u{200b}c: d\n  e: f\n",
            "3:4: mapping values are not allowed in this context",
        ),
        (
            "name: \u{201c}a: b\u{201d}\n",
            "1:7: there is a typographic quote (U+201C) here | write a plain \" instead",
        ),
        (
            "-\u{a0}a: b\n- c: d\n",
            "1:2: there is a no-break space (U+00A0) here",
        ),
        // Templates.
        (
            "name: {{ .Values.name }}-x\n",
            "1:7: `{{` begins a mapping within a mapping",
        ),
        (
            "name: {{ NAME }}\n",
            "1:8: a key must be text, and this is a mapping | render the template first, or write the value itself",
        ),
        (
            "name: {{- toYaml .Values.name }}\n",
            "1:7: `{{` begins a mapping within a mapping, and this is not one | render the chart first",
        ),
        (
            "a: {{b: c}: d}\n",
            "1:5: a key must be text, and this is a mapping | put it in quotes",
        ),
        (
            "{% if x %}\na: b\n",
            "1:1: `{%` is not YAML | render the template first, or write what it stands for",
        ),
        // Quotes.
        (
            "name: @prod\n",
            "1:7: a value cannot begin with `@` | put the value in quotes",
        ),
        ("name: `prod`\n", "1:7: a value cannot begin with"),
        ("name: %x\n", "1:7: a value cannot begin with `%`"),
        (
            "action: *\n",
            "1:9: this is neither an anchor nor an alias | a string that begins with `*` or `&` needs quotes",
        ),
        ("a: *nowhere\n", "1:4: there is no anchor for this alias"),
        (
            "a: &a [*a]\n",
            "1:8: this alias is inside the value of its own anchor",
        ),
        ("a: 'b\nc: d\n", "1:4: the quote that begins here is not closed"),
        (
            "a: 'it's'\nb: c\n",
            "1:8: the value before this has already ended | put the whole value in quotes",
        ),
        (
            "a: \"C:\\Users\"\n",
            "1:9: this `\\` in double quotes does not begin an escape that YAML knows",
        ),
        ("a: [b] c\nd: e\n", "1:8: the value before this has already ended"),
        ("- \"a\" b\n- c\n", "1:7: the value before this has already ended"),
        // Brackets and indentation.
        (
            "a: [b, c\nd: e\n",
            "1:4: the `[` that begins here is not closed, or a `,` is missing before line 2, column 2",
        ),
        (
            "a: {b: c\nd: e\n",
            "1:4: the `{` that begins here is not closed, or a `,` is missing",
        ),
        (
            "a: [b,\n",
            "2:1: a `[` or `{` above is not closed | write `]` or `}` where it ends",
        ),
        ("a: {\n---\nb: c\n", "2:1: a `[` or `{` above is not closed"),
        (
            "a: [\n- b\n]\n",
            "2:1: within `[` and `]` no item begins with `-` | write `[a, b]`",
        ),
        (
            "a: [b,, c]\n",
            "1:7: a value is missing here | write it, or delete the extra `,`",
        ),
        ("a: , b\n", "1:4: a value is missing here"),
        (
            "metadata:\n  name: a\n   region: b\n",
            "3:10: mapping values are not allowed in this context",
        ),
        (
            "metadata:\n  name: a\n region: b\n",
            "3:2: did not find expected key",
        ),
        ("a: b\nkey\nc: d\n", "2:1: this line has no `:` after its key"),
        (
            "key: - item\n",
            "1:6: block sequence entries are not allowed in this context | put each",
        ),
        (
            "key: value: other\n",
            "1:11: mapping values are not allowed in this context | a string with `: ` in it needs quotes",
        ),
        // Values.
        (
            "a: \u{1b}[31m\n",
            "1:4: the control character U+001B is not allowed in YAML",
        ),
        (
            "a\0:\0 \0b\0\n\0",
            "1:2: every second byte is zero: this is UTF-16 text without a byte order mark",
        ),
        ("a: !!int secret\n", "1:4: this value is not what its tag says"),
        ("a: .inf\n", "1:4: JSON cannot represent this number"),
        ("~: a\n", "1:1: a key must be text, and this is nothing"),
        (
            "18446744073709551615: a\n",
            "1:1: a key must be text, and this is a number that is too large",
        ),
        ("<<: text\n", "1:5: `<<` merges a mapping or a list of mappings"),
        (
            "a: 1\nb: 2\na: 3\n",
            "3:1: the key `a` is written twice; the first is on line 1, column 1 | keep one of them",
        ),
        (
            "yes: 1\ntrue: 2\n",
            "2:1: the key `true` is written twice; the first is on line 1, column 1",
        ),
        (
            "1: a\n'1': b\n",
            "2:1: the key `1` is the same text as another key",
        ),
        (
            "x: &x {a: 1}\ny:\n  a: 2\n  <<: *x\n",
            "3:3: the key `a` is written here, and the merge key `<<` below sets it again; the first is on line 1, column 8 | put `<<` first",
        ),
    ] {
        let explained = explained(text);
        if !explained.starts_with(wanted) {
            wrong.push(format!("{text:?}\n  is    {explained}\n  wants {wanted}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// No credential of a kubeconfig may reach a message.
#[test]
fn explain_shows_no_value() {
    for text in [
        "token: !!int SECRET-1\n",
        "token: 'SECRET-1\n",
        "token: SECRET-1: x\n",
        "a: [SECRET-1\n",
        "a:\n\tSECRET-1: b\n",
    ] {
        let explained = explained(text);
        assert!(!explained.contains("SECRET"), "{explained}");
    }
}
