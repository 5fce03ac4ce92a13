//! Files made to hurt: each gets a clean error, quickly, and nothing makes `load` panic.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{HEAD, report};
use crate::config::load;

/// The first line of the report, which must come within seconds even in a debug build on a busy machine.
fn first_line(bytes: &[u8]) -> String {
    let started = Instant::now();
    let errors = load("c.yaml", bytes).unwrap_err();
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "took {:?}",
        started.elapsed()
    );
    assert!(errors.len() <= 1_000, "{} diagnostics", errors.len());
    errors
        .first()
        .map(|error| error.to_string().lines().next().unwrap_or_default().to_owned())
        .unwrap_or_default()
}

#[test]
fn alias_bombs() {
    let mut lists = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..30 {
        let alias = format!("*a{}", level - 1);
        writeln!(lists, "a{level}: &a{level} [{}]", vec![alias; 10].join(", ")).unwrap();
    }
    assert_eq!(
        first_line(lists.as_bytes()),
        "c.yaml:4:20: error: with its aliases written out this is mostly copies, and go-yaml refuses it"
    );

    let text = format!(
        "a: &a {}\nb: [{}]\n",
        "x".repeat(1_000_000),
        vec!["*a"; 1_000].join(", ")
    );
    assert!(
        first_line(text.as_bytes()).contains("more than 500000 values or 32 MiB"),
        "{}",
        first_line(text.as_bytes())
    );

    let keys = (0..1_000).fold(String::new(), |all, key| format!("{all}k{key}: 1, "));
    let merge = format!("{{<<: [{}]}}", vec!["*a"; 300].join(", "));
    let merges = format!("a: &a {{{keys}}}\nb: {merge}\nc: {merge}\n");
    assert_eq!(
        first_line(merges.as_bytes()),
        "c.yaml:2:426: error: with its aliases written out this is mostly copies, and go-yaml refuses it"
    );

    let mut nested = "a0: &a0 {x: y}\n".to_owned();
    for level in 1..200 {
        writeln!(nested, "a{level}: &a{level} {{x: *a{}}}", level - 1).unwrap();
    }
    assert!(
        first_line(nested.as_bytes()).contains("nested more than 64 levels deep"),
        "{}",
        first_line(nested.as_bytes())
    );
}

#[test]
fn deep_nesting() {
    for open in ["[", "{a: ", "- ", "? ", "a:\n", "[{a: ", "a: [&x "] {
        let mut text = String::new();
        for level in 0..100_000 {
            if open == "a:\n" {
                if level > 1_000 {
                    break;
                }
                text.push_str(&" ".repeat(level));
            }
            text.push_str(open);
        }
        let line = first_line(text.as_bytes());
        assert!(line.contains("error: "), "{open:?}: {line}");
    }
}

#[test]
fn too_much_of_everything() {
    assert_eq!(
        first_line(&vec![b'['; 10_000_000]),
        "c.yaml:1:1: error: the file has more than 2 MiB, the most that eksact reads"
    );
    let most = crate::config::MAXIMUM_BYTES;
    let scalar = "x".repeat(most);
    assert_eq!(
        first_line(scalar.as_bytes()),
        format!(
            "c.yaml:1:1: error: the file must be a mapping, and this is the string `{}…`",
            "x".repeat(80)
        )
    );
    for unit in [
        "a,",
        "a: b\n",
        "- a\n",
        "'",
        "#",
        "&a ",
        "!a ",
        "\n",
        " ",
        "<<: {a: b}\n",
        "%",
        "|\n",
        "---\n",
    ] {
        let text = unit.repeat(most / unit.len() / 32);
        assert!(first_line(text.as_bytes()).contains("error: "), "{unit:?}");
        let text = format!("[{}", unit.repeat(most / unit.len() / 32));
        assert!(first_line(text.as_bytes()).contains("error: "), "[ and {unit:?}");
    }
    // A list that the parser must scan to its end before it can say what it is.
    let flow = format!("{}{}", "[".repeat(250), "a,".repeat(most / 16));
    assert!(first_line(flow.as_bytes()).contains("nested more than 64 levels deep"));
    let unknown = (0..20_000).fold(HEAD.to_owned(), |mut all, key| {
        writeln!(all, "serviceAcount{key}: x").unwrap();
        all
    });
    assert!(
        first_line(unknown.as_bytes()).contains("there is no key `serviceAcount0` at the root of the file")
    );
    let tags = (0..20_000).fold(
        format!(
            "{HEAD}iam:\n  withOIDC: true\n  serviceAccounts:\n  - metadata:\n      name: a\n      labels:\n"
        ),
        |mut all, key| {
            writeln!(all, "        k{key}!: x").unwrap();
            all
        },
    );
    assert!(
        first_line(tags.as_bytes()).contains("cannot be the key of a label"),
        "{}",
        first_line(tags.as_bytes())
    );
}

#[test]
fn too_many_documents_mappings_and_groups() {
    let head = format!("{HEAD}---\n");
    let access = "apiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\n";
    let documents = format!("{head}{}", format!("---\n{access}").repeat(10_000));
    assert!(
        first_line(documents.as_bytes()).contains("the file has more than 64 documents"),
        "{}",
        first_line(documents.as_bytes())
    );
    // Each document alone would be within the budget.
    let bomb = format!(
        "a: &a [{}]\nb: [{}]\n",
        vec!["x"; 1_000].join(", "),
        vec!["*a"; 200].join(", ")
    );
    let bombs = format!("{head}{}", vec![bomb; 10].join("---\n"));
    let errors = load("c.yaml", bombs.as_bytes()).unwrap_err();
    assert!(
        errors.iter().any(|error| error.code == "yaml-too-large"),
        "{errors:?}"
    );

    let mapping = "- {arn: 'arn:aws:iam::111122223333:role/dev', username: x}\n";
    let mappings = format!(
        "{HEAD}iamIdentityMappings:\n{mapping}{}",
        mapping.replace("x}", "y}").repeat(20_000)
    );
    assert!(
        first_line(mappings.as_bytes()).contains("is mapped twice"),
        "{}",
        first_line(mappings.as_bytes())
    );
    let groups = format!(
        "{head}{access}groups:\n{}",
        "- {name: a, bindings: [{clusterRole: b}]}\n".repeat(20_000)
    );
    assert!(first_line(groups.as_bytes()).contains("is described twice"));
    let namespaces = format!(
        "{head}{access}groups:\n- {{name: a, bindings: [{{clusterRole: b, namespaces: [{}]}}, {{}}]}}\n",
        "a, ".repeat(100_000)
    );
    assert!(first_line(namespaces.as_bytes()).contains("is listed twice"));
}

#[test]
fn binary_files() {
    for bytes in [
        &b"\x1f\x8b\x08\0"[..],
        b"\xff\xfe\0\xd8",
        b"PK\x03\x04",
        b"\0",
        b"\xef\xbb\xbf",
    ] {
        assert!(first_line(bytes).starts_with("c.yaml:1:"), "{bytes:?}");
    }
}

#[test]
fn file_cannot_write_to_the_terminal() {
    let text = report(&format!(
        "{HEAD}\"\\e[31m\\u202e\": x\nvpc: {{\"\\x07\": y}}\niam: {{serviceAccounts: [{{metadata: {{name: a}}, attachPolicy: {{Statement: [{{Action: \"\\e[1m\"}}]}}}}]}}\n"
    ));
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    assert!(!text.contains('\u{202e}'), "{text:?}");
}

const VALID: [&str; 2] = [
    include_str!("../../../../../examples/service-accounts.yaml"),
    include_str!("../../../../../examples/access.yaml"),
];

proptest! {
    #[test]
    fn config_panics_on_no_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = load("c.yaml", &bytes);
    }

    #[test]
    fn config_panics_on_no_yaml_like_text(text in "([a-z&*!<~?|>%@'\"#:, \n\t\\[\\]{}0-9.-]|<<: |: |- |\n  |---\n){0,80}") {
        let _ = load("c.yaml", text.as_bytes());
    }

    #[test]
    fn config_panics_on_no_mutation_of_a_valid_file(
        which in 0..VALID.len(), at in 0..10_000_usize, length in 0..40_usize, insert in "[a-z&*!<~?|>%'\"#:, \n\t\\[\\]{}$-]{0,12}"
    ) {
        let mut bytes = VALID[which].as_bytes().to_vec();
        let at = at % bytes.len();
        bytes.splice(at..(at + length).min(bytes.len()), insert.bytes());
        if let Err(errors) = load("c.yaml", &bytes) {
            // Whatever is wrong, it has a place in the file and fits a terminal.
            for error in errors {
                prop_assert!(error.location.is_some(), "{error}");
                prop_assert!(error.source_line.is_none_or(|line| line.chars().count() <= 80));
            }
        }
    }
}
