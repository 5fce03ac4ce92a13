//! Any text, changed at each of its keys: the editor changes it or refuses, what it writes can be read again and holds the
//! new value, and nothing panics.
#![no_main]

use eksact_yaml::edit::{Editor, Step, Value};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(editor) = Editor::new(text) else { return };
    let tree = editor.tree();
    let keys: Vec<String> = tree
        .root()
        .map(|root| tree.entries(root))
        .unwrap_or_default()
        .iter()
        .filter_map(|entry| tree.text(entry.key).map(str::to_owned))
        .take(8)
        .collect();
    for key in keys.iter().map(String::as_str).chain(["new"]) {
        let path = [Step::Key(key)];
        let mut changed = editor.clone();
        if changed.set(&path, &Value::text("a: \u{a0}b")).is_ok() {
            let again = Editor::new(changed.text()).expect("what was written can be read");
            assert_eq!(again.text_at(&path).as_deref(), Some("a: \u{a0}b"));
        }
        let mut changed = editor.clone();
        if changed
            .append(&path, &[Value::mapping([("name", Value::text("x"))])])
            .is_ok()
        {
            let again = Editor::new(changed.text()).expect("what was written can be read");
            assert!(
                again
                    .find(&path)
                    .is_some_and(|list| !again.tree().items(list).is_empty())
            );
        }
        let mut changed = editor.clone();
        if changed.remove(&path) == Ok(true) {
            Editor::new(changed.text()).expect("what was written can be read");
        }
    }
});
