//! Files as kubectl reads them, and what is said of those that it would not read.

use super::*;

fn read(text: &str) -> Entries {
    Document::read("config", text.as_bytes())
        .unwrap()
        .entries()
        .clone()
}

fn error(text: &[u8]) -> String {
    Document::read("config", text).unwrap_err().to_string()
}

#[test]
fn document_that_says_nothing_is_an_empty_kubeconfig() {
    for text in [
        "",
        "# mine\n",
        "---\n",
        "null\n",
        "{}",
        "\u{feff}",
        "clusters:\nusers: ~\ncontexts: null\n",
    ] {
        assert_eq!(read(text), Entries::default(), "{text:?}");
    }
}

#[test]
fn entries_have_name_body_and_place() {
    let entries = read(
        "contexts:\n- context: {cluster: a, user: \"1\"}\n  name: x\n-\ncurrent-context: x\nusers: [{name: u}]\n",
    );
    assert_eq!(entries.contexts.len(), 2);
    assert_eq!(entries.contexts[0].name.as_deref(), Some("x"));
    assert_eq!(entries.contexts[0].body.text_at(&["user"]), Some("1"));
    assert_eq!((entries.contexts[0].line, entries.contexts[0].column), (2, 3));
    assert_eq!(
        (entries.contexts[1].name.as_deref(), &entries.contexts[1].body),
        (None, &Value::Null)
    );
    assert_eq!(entries.users[0].name.as_deref(), Some("u"));
    assert_eq!(entries.current_context.as_deref(), Some("x"));
}

#[test]
fn scalars_that_look_like_something_else_in_yaml_1_1_are_told_apart() {
    let file =
        read("users:\n- name: a\n  user: {a: on, b: \"on\", c: 0123, d: 12:30:45, e: ~, f: 2001-01-01}\n");
    let body = &file.users[0].body;
    assert_eq!(body.get("a"), Some(&Value::Other("on".to_owned())));
    assert_eq!(body.get("b"), Some(&Value::text("on")));
    assert_eq!(body.get("c"), Some(&Value::Other("0123".to_owned())));
    assert_eq!(body.get("f"), Some(&Value::text("2001-01-01")));
    assert_eq!(body.get("e"), None);
}

#[test]
fn aliases_and_merges_are_written_out() {
    let file = read(
        "users:\n- name: a\n  user: &a {token: t}\n- name: b\n  user: *a\n- name: c\n  user: {<<: *a, exec: {}}\n",
    );
    assert_eq!(file.users[1].body, file.users[0].body);
    assert_eq!(file.users[2].body.text_at(&["token"]), Some("t"));
}

#[test]
fn document_fault_has_its_place() {
    for (text, wanted) in [
        (
            "users:\nusers:\n",
            "config:2:1: the key `users` is written twice; the first is on line 1, column 1",
        ),
        (
            "users: [{user: {token: !!int secret}}]\n",
            "config:1:24: this value is not what its tag says",
        ),
    ] {
        assert_eq!(error(text.as_bytes()), wanted, "{text:?}");
    }
    assert!(
        error(b"a: [1, 2\nb: c\n").starts_with("config:1:4: "),
        "{}",
        error(b"a: [1, 2\nb: c\n")
    );
    assert!(error(b"a:\n\t- b\n").starts_with("config:2:1: this is not YAML: "));
    assert_eq!(error(b"a: b\nc: \xff"), "config:2:4: the file is not UTF-8 text");
    let deep = format!("a: {}{}", "[".repeat(200), "]".repeat(200));
    assert!(error(deep.as_bytes()).contains("nested more"));
    let bomb = (1..12).fold("a0: &a0 [x]\n".to_owned(), |text, n| {
        let aliases = vec![format!("*a{}", n - 1); 10].join(",");
        format!("{text}a{n}: &a{n} [{aliases}]\n")
    });
    assert!(error(bomb.as_bytes()).contains("mostly copies"));
}

#[test]
fn kubeconfig_of_every_encoding_is_read_and_written_in_its_own() {
    let file = "apiVersion: v1\nkind: Config\nclusters: []\nusers: []\ncontexts: []\ncurrent-context: a\n";
    let marked = |text: &str| format!("\u{feff}{text}");
    let utf16 = |text: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        marked(text).encode_utf16().flat_map(bytes).collect()
    };
    let after = file.replace("context: a", "context: b");
    for (before, wanted) in [
        (file.as_bytes().to_vec(), after.as_bytes().to_vec()),
        (marked(file).into_bytes(), marked(&after).into_bytes()),
        (utf16(file, u16::to_le_bytes), utf16(&after, u16::to_le_bytes)),
        (utf16(file, u16::to_be_bytes), utf16(&after, u16::to_be_bytes)),
    ] {
        let document = Document::read("config", &before).unwrap();
        let text = document
            .edited(&[Edit::SetCurrentContext("b".to_owned())])
            .unwrap();
        assert_eq!(document.bytes(&text), wanted);
    }
}
