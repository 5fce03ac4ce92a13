//! Our reading of YAML against go-yaml's own, with which eksctl and Kubernetes read: the program of the test bed around
//! the modules that it pins. Both refuse a text, or both read the same values.

mod corpus;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eksact_yaml::text::{Encoding, decode};
use eksact_yaml::{Content, DuplicateKeys, ErrorKind, Node, Resolved, SyntaxError, read};
use serde::Deserialize;
use serde_json::Value;

use crate::support::program;

/// How many mutated files; `EKSACT_AGREEMENT_CASES` asks for more.
const CASES: usize = 100_000;

/// What go-yaml makes of a text.
#[derive(Debug, Deserialize)]
struct Answer {
    json: Value,
    error: String,
    /// Why its strict reading refuses it.
    strict: String,
    /// Whether what it reads is chance.
    chance: bool,
}

/// Our value in the words of JSON. A key that comes twice is kept last, as by Go.
fn json(node: &Node) -> Value {
    match node.content() {
        Content::Scalar { text, value, .. } => match value {
            Resolved::Null => Value::Null,
            Resolved::Bool(value) => Value::from(*value),
            Resolved::Integer(value) => Value::from(*value),
            Resolved::Unsigned(value) => Value::from(*value),
            Resolved::Float(value) => Value::from(*value),
            _ => Value::from(text.as_str()),
        },
        Content::Sequence(items) => items.iter().map(json).collect(),
        Content::Mapping(entries) => entries
            .iter()
            .map(|entry| (entry.json_key().to_owned(), json(&entry.value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

/// Whether both are the same; of numbers, their value counts.
fn is_same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len()
                && ours
                    .iter()
                    .zip(theirs)
                    .all(|(ours, theirs)| is_same(ours, theirs))
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            ours.len() == theirs.len()
                && ours
                    .iter()
                    .all(|(key, ours)| theirs.get(key).is_some_and(|theirs| is_same(ours, theirs)))
        }
        (Value::Number(ours), Value::Number(theirs)) => {
            ours == theirs || (ours.is_f64() || theirs.is_f64()) && is_near(ours.as_f64(), theirs.as_f64())
        }
        _ => ours == theirs,
    }
}

/// Whether two fractions are the same, or neighbours: `serde_json`, which reads Go's answer, may miss by one.
fn is_near(ours: Option<f64>, theirs: Option<f64>) -> bool {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) => {
            ours.partial_cmp(&theirs) == Some(Ordering::Equal)
                || ours.to_bits().abs_diff(theirs.to_bits()) <= 1
        }
        _ => false,
    }
}

/// The text before a line and column.
fn before_place(text: &str, line: usize, column: usize) -> &str {
    let (start, line) = eksact_yaml::text::lines(text)[line - 1];
    let within = line
        .char_indices()
        .nth(column - 1)
        .map_or(line.len(), |(byte, _)| byte);
    &text[..start + within]
}

/// How our two readings of a text differ from go-yaml's; nothing where they do not.
fn difference(bytes: &[u8], theirs: &Answer) -> Option<String> {
    let (text, _) = match decode(bytes) {
        Ok(read) => read,
        Err(error) => {
            return theirs
                .error
                .is_empty()
                .then(|| format!("ours is not a string: {error}"));
        }
    };
    let says = |ours: &Result<Node, SyntaxError>| match ours {
        Ok(node) => json(node).to_string(),
        Err(error) => error.to_string(),
    };
    let lenient = read(&text, DuplicateKeys::KeepLast);
    // go-yaml looks for characters that YAML does not allow as far as it has read ahead, and it reads to the end of the first
    // document. Ours looks at the whole file; what go-yaml takes then must be what stands before the character.
    if let Err(error) = &lenient
        && error.kind == ErrorKind::Character
        && theirs.error.is_empty()
    {
        let before = before_place(&text, error.line, error.column);
        let ours = read(before, DuplicateKeys::KeepLast);
        let agree = ours.as_ref().is_ok_and(|node| is_same(&json(node), &theirs.json));
        return (!agree).then(|| format!("ours, before the character   {}", says(&ours)));
    }
    let agree = match &lenient {
        Ok(node) => theirs.error.is_empty() && (theirs.chance || is_same(&json(node), &theirs.json)),
        Err(_) => !theirs.error.is_empty(),
    };
    if !agree {
        return Some(format!("ours   {}", says(&lenient)));
    }
    let strict = read(&text, DuplicateKeys::Refuse);
    let agree = match &strict {
        // What we take and eksctl's reading refuses is a key below the merge key that sets it, too.
        Ok(node) => {
            is_same(&json(node), &theirs.json)
                && (theirs.strict.is_empty() || theirs.strict.contains("already set") && text.contains("<<"))
        }
        Err(error) => {
            !theirs.strict.is_empty()
                || theirs.chance
                || error.kind == ErrorKind::Duplicate && error.problem.contains("same text")
        }
    };
    (!agree).then(|| format!("ours, strict   {}", says(&strict)))
}

/// go-yaml's answers, in one run, each looked at when it comes.
fn ask(texts: impl Iterator<Item = Vec<u8>> + Send, mut look: impl FnMut(&[u8], &Answer)) {
    let quoted = |text: &Vec<u8>| format!("\"{}\"", STANDARD.encode(text));
    program::ask("yaml-to-json", texts, quoted, |text, answer| look(text, answer));
}

/// Compares every text, and counts those that both read.
fn compare<'t>(texts: impl Iterator<Item = Vec<u8>> + Send + 't) -> (usize, usize) {
    let (mut all, mut read) = (0, 0);
    let mut wrong = Vec::new();
    ask(texts, |bytes, answer| {
        all += 1;
        read += usize::from(answer.error.is_empty());
        if let Some(difference) = difference(bytes, answer) {
            wrong.push(format!(
                "{:?}\n  {difference}\n  theirs {} {} strict: {}",
                String::from_utf8_lossy(bytes),
                answer.json,
                answer.error,
                answer.strict
            ));
        }
    });
    let shown: Vec<_> = wrong.iter().take(15).map(String::as_str).collect();
    assert!(
        wrong.is_empty(),
        "{} of {all} differ:\n{}",
        wrong.len(),
        shown.join("\n")
    );
    (all, read)
}

#[test]
fn yaml_test_suite_is_read_as_go_yaml_reads_it() {
    #[derive(Deserialize)]
    struct Case {
        yaml: String,
    }
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../fixtures/yaml-test-suite/cases.json")).unwrap();
    let (all, read) = compare(cases.iter().map(|case| case.yaml.clone().into_bytes()));
    // What the suite has for YAML 1.2 alone, and what is no YAML, go-yaml refuses; most of it it reads.
    assert!(all > 400 && read > 250, "{read} of {all}");
}

#[test]
fn yaml_of_people_is_read_as_go_yaml_reads_it_in_every_encoding() {
    let texts = corpus::SEEDS.iter().chain(corpus::BROKEN);
    let encoded = texts.flat_map(|text| {
        let marked = format!("\u{feff}{text}");
        [
            text.as_bytes().to_vec(),
            marked.as_bytes().to_vec(),
            Encoding::Utf16LowFirst.bytes(&marked),
            Encoding::Utf16HighFirst.bytes(&marked),
            text.replace('\n', "\r\n").into_bytes(),
            text.replace('\n', "\r").into_bytes(),
        ]
    });
    let cut = [
        &b"a: \xff\n"[..],
        b"a: \xc3",
        b"\xff\xfea",
        b"\xff\xfea\0\0\xd8",
        b"\xfe\xff\xd8\0\0a",
        b"\xed\xa0\x80",
    ];
    compare(encoded.chain(cut.iter().map(|bytes| bytes.to_vec())));
}

#[test]
fn yaml_of_people_with_accidents_is_read_as_go_yaml_reads_it() {
    let cases = std::env::var("EKSACT_AGREEMENT_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(CASES);
    let mut dice = corpus::Dice(0x2545_f491_4f6c_dd1d);
    let (all, read) = compare((0..cases).map(move |_| corpus::mutated(&mut dice).into_bytes()));
    // The corpus must be worth something: a good part of each.
    assert!(
        all == cases && read > cases / 4 && read < cases * 9 / 10,
        "{read} of {all}"
    );
}

/// Each scalar that readers of YAML do not agree on, as a value, in a list, as a key, in braces and behind a tag.
#[test]
fn yaml_scalars_are_resolved_as_go_yaml_resolves_them() {
    let shapes: BTreeMap<&str, &str> = [
        ("value", "a: X\n"),
        ("item", "- X\n- X\n"),
        ("key", "X: a\n"),
        ("braces", "{a: X, b: [X]}\n"),
        ("key in braces", "{X: a}\n"),
        ("text", "!!str X\n"),
        ("float", "!!float X\n"),
        ("int", "!!int X\n"),
        ("bool", "a: !!bool X\n"),
        ("timestamp", "!!timestamp X\n"),
        ("null", "!!null X\n"),
        ("quoted int", "!!int 'X'\n"),
        ("local", "!x X\n"),
        ("bang", "! X\n"),
    ]
    .into();
    let texts = corpus::SCALARS.iter().flat_map(|scalar| {
        shapes
            .values()
            .map(move |shape| shape.replace('X', scalar).into_bytes())
    });
    compare(texts);
}
