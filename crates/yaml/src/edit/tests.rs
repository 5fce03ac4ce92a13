//! What edits leave alone, and that no text makes the editor panic.

use proptest::prelude::*;

use super::Step::{Index, Key};
use super::*;

fn edited(text: &str, edit: impl FnOnce(&mut Editor)) -> String {
    let mut editor = Editor::new(text).unwrap();
    edit(&mut editor);
    editor.into_text()
}

#[test]
fn example_at_the_top() {
    let text = edited("users: []  # nobody yet\ncurrent-context: a\n", |editor| {
        let user = Value::mapping([("name", Value::text("ann"))]);
        editor.append(&[Key("users")], &[user]).unwrap();
        editor.set(&[Key("current-context")], &Value::text("b")).unwrap();
    });
    assert_eq!(text, "users:  # nobody yet\n- name: ann\ncurrent-context: b\n");
}

#[test]
fn scalars_keep_their_quotes_and_their_comments() {
    let text = "a: one # first\nb: 'two'\nc: \"three\"\nd: |\n  four\n  five\ne:\nf: ~\n";
    let text = edited(text, |editor| {
        editor.set(&[Key("a")], &Value::text("uno")).unwrap();
        editor.set(&[Key("b")], &Value::text("it's")).unwrap();
        editor.set(&[Key("c")], &Value::text("tre")).unwrap();
        editor.set(&[Key("d")], &Value::text("yes")).unwrap();
        editor.set(&[Key("e")], &Value::text("0123")).unwrap();
        editor.set(&[Key("f")], &Value::Bool(true)).unwrap();
    });
    assert_eq!(
        text,
        "a: uno # first\nb: 'it''s'\nc: \"tre\"\nd: \"yes\"\ne: \"0123\"\nf: true\n"
    );
}

#[test]
fn items_go_behind_the_last_one_and_its_own_comments() {
    let text = "# head\nusers:\n  - name: a # the first\n    # about a\n\n# between\nother: 1";
    let text = edited(text, |editor| {
        let item = Value::mapping([
            ("name", Value::text("b")),
            ("groups", Value::texts(["x", "y: z"])),
        ]);
        editor.append(&[Key("users")], &[item]).unwrap();
        editor.append(&[Key("list")], &[Value::text("end")]).unwrap();
    });
    assert_eq!(
        text,
        "# head\nusers:\n  - name: a # the first\n    # about a\n  - name: b\n    groups:\n      - x\n      - \"y: z\"\n\n# between\nother: 1\nlist:\n  - end"
    );
}

#[test]
fn empty_and_missing_containers_become_block_style() {
    for (before, after) in [
        ("[]\n", "- a\n"),
        ("", "- a\n"),
        ("# only this", "# only this\n- a"),
        ("null\n", "- a\n"),
        ("---\n", "---\n- a\n"),
    ] {
        let text = edited(before, |editor| editor.append(&[], &[Value::text("a")]).unwrap());
        assert_eq!(text, after, "{before:?}");
    }
    for (before, after) in [
        ("k: [] # none\nz: 1\n", "k: # none\n- a\nz: 1\n"),
        ("k:\nz: 1\n", "k:\n- a\nz: 1\n"),
        ("k: null", "k:\n- a"),
        ("z: 1\r\n", "z: 1\r\nk:\r\n- a\r\n"),
        ("{k: [], z: 1}\n", "{k: [a], z: 1}\n"),
        ("{z: 1}", "{z: 1, k: [a]}"),
        ("{}", "k:\n- a"),
    ] {
        let text = edited(before, |editor| {
            editor.append(&[Key("k")], &[Value::text("a")]).unwrap();
        });
        assert_eq!(text, after, "{before:?}");
    }
}

#[test]
fn brackets_stay_brackets() {
    let add = |text: &str| {
        edited(text, |editor| {
            editor.append(&[], &[Value::text("c"), Value::text("d")]).unwrap();
        })
    };
    assert_eq!(add("[a, b]"), "[a, b, c, d]");
    assert_eq!(add("[ a, b, ]"), "[ a, b, c, d, ]");
    assert_eq!(
        add("[\n  a, # x\n  b # y\n]\n"),
        "[\n  a, # x\n  b, # y\n  c,\n  d\n]\n"
    );
    let remove = |index| {
        edited("[a, {b: 1}, c]", |editor| {
            assert!(editor.remove(&[Index(index)]).unwrap());
        })
    };
    assert_eq!(remove(0), "[{b: 1}, c]");
    assert_eq!(remove(1), "[a, c]");
    assert_eq!(remove(2), "[a, {b: 1}]");
}

#[test]
fn comments_about_others_stay_in_brackets_too() {
    let text = "u: [\n  # ---- a: the first\n  {n: a}, # mine\n  # ---- b: PROD\n  {n: b}, # theirs\n  # ---- c\n  {n: c} # ours\n  # end\n]\n";
    let remove = |index| {
        edited(text, |editor| {
            assert!(editor.remove(&[Key("u"), Index(index)]).unwrap());
        })
    };
    assert_eq!(remove(0), text.replace("  {n: a}, # mine\n", ""));
    assert_eq!(remove(1), text.replace("  {n: b}, # theirs\n", ""));
    assert_eq!(
        remove(2),
        text.replace("  {n: c} # ours\n", "").replace("b}, #", "b} #")
    );
    let one = "u: [\n  {n: a},\n  # ---- b: to come\n]\n";
    let none = edited(one, |editor| {
        assert!(editor.remove(&[Key("u"), Index(0)]).unwrap());
    });
    assert_eq!(none, "u: [\n  # ---- b: to come\n]\n");
    // Commas behind a comment, before the next piece, and where there is one too many.
    for (text, index, left) in [
        ("[a # x\n, b]", 0, "[ # x\n b]"),
        ("[a # x\n, b]", 1, "[a # x\n]"),
        ("[ a, b, ]", 1, "[ a,  ]"),
        ("{\"a\": 1,\n \"b\": 2\n}", 0, "{\n \"b\": 2\n}"),
    ] {
        let path = [if text.starts_with('{') {
            Key("a")
        } else {
            Index(index)
        }];
        assert_eq!(
            edited(text, |editor| assert!(editor.remove(&path).unwrap())),
            left,
            "{text:?}"
        );
    }
}

#[test]
fn json_stays_json() {
    let text = "{\"users\": [{\"name\": \"a\"}],\n \"contexts\": null, \"current-context\": \"a\"}";
    let text = edited(text, |editor| {
        let user = Value::mapping([("name", Value::text("b")), ("args", Value::texts(["x"]))]);
        editor
            .append(&[Key("users")], std::slice::from_ref(&user))
            .unwrap();
        editor.append(&[Key("contexts")], &[user]).unwrap();
        editor
            .set(&[Key("users"), Index(0), Key("token")], &Value::text("t"))
            .unwrap();
        editor
            .set(&[Key("users"), Index(0), Key("name")], &Value::Bool(true))
            .unwrap();
        editor.remove(&[Key("current-context")]).unwrap();
    });
    let value: serde_json::Value = serde_json::from_str(&text).expect(&text);
    assert_eq!(
        value,
        serde_json::json!({"users": [{"name": true, "token": "t"}, {"name": "b", "args": ["x"]}],
            "contexts": [{"name": "b", "args": ["x"]}]})
    );
}

#[test]
fn removal_takes_nothing_else_along() {
    let text = "- a: 1\n  # inner\n  b: 2\n# about the second\n- c: 3 # third\n  d:\n  - x\n  - y\n- e";
    let remove = |path: &[Step<'_>]| edited(text, |editor| assert!(editor.remove(path).unwrap()));
    assert_eq!(
        remove(&[Index(0)]),
        "# about the second\n- c: 3 # third\n  d:\n  - x\n  - y\n- e"
    );
    assert_eq!(remove(&[Index(2)]), text.strip_suffix("\n- e").unwrap());
    assert_eq!(remove(&[Index(0), Key("a")]), text.replacen("a: 1", "", 1));
    assert_eq!(
        remove(&[Index(1), Key("c")]),
        text.replacen("c: 3 # third\n  d", "# third\n  d", 1)
            .replacen("- # third", "-  # third", 1)
    );
    assert_eq!(
        remove(&[Index(1), Key("d"), Index(0)]),
        text.replacen("  - x\n", "", 1)
    );
    // A comment below the first that stands no deeper than its keys is the second's.
    let text = "- a: 1\n    # deep in the first\n  # ---- PROD: do not touch\n- b: 2\n";
    let text = edited(text, |editor| assert!(editor.remove(&[Index(0)]).unwrap()));
    assert_eq!(text, "  # ---- PROD: do not touch\n- b: 2\n");
    let text = edited("k: # why\n- only\nz: 1\n", |editor| {
        assert!(editor.remove(&[Key("k"), Index(0)]).unwrap());
    });
    assert_eq!(text, "k: [] # why\nz: 1\n");
    let text = edited("k: 1\n", |editor| assert!(!editor.remove(&[Key("z")]).unwrap()));
    assert_eq!(text, "k: 1\n");
}

#[test]
fn aliases_keep_what_they_share_from_edits() {
    let mut editor = Editor::new("a: &x {b: 1}\nc: *x\nd: 1\n").unwrap();
    let value = Value::Integer(2);
    assert!(matches!(
        editor.set(&[Key("a"), Key("b")], &value),
        Err(EditError::Shared { line: 1, .. })
    ));
    assert!(matches!(
        editor.set(&[Key("c"), Key("b")], &value),
        Err(EditError::Shared { line: 2, .. })
    ));
    assert!(matches!(
        editor.remove(&[Key("a")]),
        Err(EditError::NotExact { .. })
    ));
    editor.set(&[Key("d")], &value).unwrap();
    assert_eq!(editor.text(), "a: &x {b: 1}\nc: *x\nd: 2\n");
}

#[test]
fn keys_are_added_at_every_depth() {
    let text = edited(
        "users:\n- name: a\n  user:\n    exec:\n      args: [x]\n- name: b\n",
        |editor| {
            let exec = [Key("users"), Index(0), Key("user"), Key("exec")];
            editor
                .set(&[&exec[..], &[Key("command")]].concat(), &Value::text("eksact"))
                .unwrap();
            editor
                .set(&[&exec[..], &[Key("env")]].concat(), &Value::Null)
                .unwrap();
            editor
                .set(
                    &[Key("users"), Index(1), Key("user"), Key("token")],
                    &Value::text("t"),
                )
                .unwrap();
        },
    );
    assert_eq!(
        text,
        "users:\n- name: a\n  user:\n    exec:\n      args: [x]\n      command: eksact\n      env: null\n- name: b\n  user:\n    token: t\n"
    );
}

/// A comment goes with the entry that it is about; where it may be about another, it stays.
#[test]
fn comments_stay_with_what_they_are_about() {
    let text = "\
# Managed by the platform team.
- a: 1
  # inside a
  b: 2
  # ---- below: break glass ----
- c: 3
  # behind c, set off from what follows

# set off from everything

# about d,
# on two lines
- d: 4
# about e
- e: 5
  # at the end of e
";
    let without = |index: usize| edited(text, |editor| assert!(editor.remove(&[Index(index)]).unwrap()));
    let gone = |index: usize| {
        let kept = without(index);
        let mut kept = kept.lines().peekable();
        let gone = text.lines().filter(|line| kept.next_if_eq(line).is_none());
        let gone: Vec<_> = gone.map(ToOwned::to_owned).collect();
        assert_eq!(kept.next(), None, "nothing comes");
        gone
    };
    assert_eq!(gone(0), ["- a: 1", "  # inside a", "  b: 2"]);
    assert_eq!(gone(1), ["- c: 3", "  # behind c, set off from what follows"]);
    assert_eq!(gone(2), ["# about d,", "# on two lines", "- d: 4"]);
    assert_eq!(gone(3), ["# about e", "- e: 5", "  # at the end of e"]);
    // What an item takes along is what its extent says.
    let editor = Editor::new(text).unwrap();
    let root = editor.tree().root().unwrap();
    for index in 0..4 {
        let extent = extent_of_item(text, editor.tree(), root, index).unwrap();
        assert_eq!(text[extent].lines().collect::<Vec<_>>(), gone(index));
    }
    let all: Vec<_> = (0..4).map(|index| Change::Remove(vec![Index(index)])).collect();
    assert_eq!(
        editor.with(&all).unwrap().text(),
        "# Managed by the platform team.\n[]\n  # ---- below: break glass ----\n\n# set off from everything\n\n"
    );
    // A head that is set off is no head of the first; a line in quotes is no comment.
    let head = "# all\n\n# about a\n- a\n- \"b\n\n# c\"\n- d\n";
    let text = edited(head, |editor| assert!(editor.remove(&[Index(0)]).unwrap()));
    assert_eq!(text, "# all\n\n- \"b\n\n# c\"\n- d\n");
    let text = edited(head, |editor| assert!(editor.remove(&[Index(2)]).unwrap()));
    assert_eq!(text, head.replace("- d\n", ""));
}

#[test]
fn changes_are_made_many_at_once() {
    let many = |text: &str, changes: &[Change<'_>]| {
        let editor = Editor::new(text).unwrap();
        let before = reads();
        let text = editor.with(changes).unwrap().into_text();
        (text, reads() - before)
    };
    let set = |path: &[Step<'static>], text: &str| Change::Set(path.to_vec(), Value::text(text));
    let text = "- name: a\n  groups:\n  - x\n  - y # why\n- name: b\n- [c, d, e, f]\n- name: g";
    let changes = [
        Change::Append(vec![], vec![Value::text("end")]),
        Change::Append(vec![Index(0), Key("groups")], vec![Value::text("z")]),
        Change::Remove(vec![Index(0), Key("groups"), Index(1)]),
        set(&[Index(0), Key("name")], "A"),
        set(&[Index(0), Key("note")], "why"),
        set(&[Index(0), Key("more"), Key("still")], "m"),
        Change::Remove(vec![Index(1)]),
        Change::Remove(vec![Index(2), Index(0)]),
        Change::Remove(vec![Index(2), Index(2)]),
        Change::Remove(vec![Index(2), Index(3)]),
        Change::Remove(vec![Index(3)]),
    ];
    let expected = "- name: A\n  groups:\n  - x\n  - z\n  note: why\n  more:\n    still: m\n- [d]\n- end";
    assert_eq!(many(text, &changes), (expected.to_owned(), 1));
    let mut reversed = changes.to_vec();
    reversed.reverse();
    assert_eq!(
        many(text, &reversed).0,
        expected.replace(
            "note: why\n  more:\n    still: m\n",
            "more:\n    still: m\n  note: why\n"
        )
    );
    // Two that meet in one place are done one after the other.
    let meeting = [
        Change::Remove(vec![Index(0), Key("a")]),
        Change::Remove(vec![Index(0), Key("b")]),
    ];
    assert_eq!(
        many("- a: 1\n  b: 2\n  c: 3\n", &meeting),
        ("- c: 3\n".to_owned(), 2)
    );
    // All or nothing.
    let editor = Editor::new("a: &x 1\nb: *x\nc: 3\n").unwrap();
    let refused = editor.with(&[set(&[Key("c")], "4"), set(&[Key("b")], "5")]);
    assert!(
        matches!(refused, Err(EditError::Shared { line: 2, .. })),
        "{refused:?}"
    );
}

/// However many are changed, the text is read as often.
#[test]
fn number_of_changes_does_not_matter() {
    let text: String = (0..300)
        .map(|n| format!("- name: n{n}\n  groups: [a, b]\n"))
        .collect::<Vec<_>>()
        .concat();
    let editor = Editor::new(text.as_str()).unwrap();
    let reads_for = |change: &dyn Fn(usize) -> Change<'static>, count: usize| {
        let changes: Vec<_> = (0..count).map(change).collect();
        let before = reads();
        editor.with(&changes).unwrap();
        reads() - before
    };
    let kinds: [&dyn Fn(usize) -> Change<'static>; 5] = [
        &|n| Change::Set(vec![Index(n), Key("name")], Value::text("new")),
        &|n| Change::Set(vec![Index(n), Key("other")], Value::text("new")),
        &|n| Change::Append(vec![Index(n), Key("groups")], vec![Value::text("c")]),
        &|n| Change::Remove(vec![Index(n), Key("groups"), Index(1)]),
        &|n| Change::Remove(vec![Index(n)]),
    ];
    for change in kinds {
        assert_eq!((reads_for(change, 1), reads_for(change, 300)), (1, 1));
    }
}

/// How often this thread has read a text.
fn reads() -> usize {
    crate::syntax::READS.get()
}

/// Pieces that come together as YAML often enough, and as nonsense otherwise.
fn yaml_text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "- ", "a", "b: ", ":", "\n", "\n  ", "\n- ", "\r\n", " ", "\t", "[", "]", "{", "}", ", ", "# c\n",
        "'", "\"", "|\n  ", ">-\n ", "&x ", "*x", "!!str ", "~", "---\n", "...", "? ", "<<: ", "\\", "é",
        "\u{2028}", "%", "1", "\u{85}",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn editor_reads_any_text_without_a_panic(text in any::<String>(), pieces in yaml_text()) {
        let _ = Editor::new(text);
        let _ = Editor::new(pieces);
    }

    /// Whatever the text: an edit changes just that value or is refused, and undoing an append gives the old values.
    #[test]
    fn edits_are_exact_or_refused(text in yaml_text(), value in "[ -~é]{0,8}") {
        if let Ok(editor) = Editor::new(text) {
            for path in [&[][..], &[Key("b")], &[Index(0)], &[Index(0), Key("b")], &[Key("b"), Index(0)]] {
                let mut changed = editor.clone();
                if changed.append(path, &[Value::text(value.clone())]).is_ok() {
                    let last = changed.tree().items(changed.find(path).unwrap()).len() - 1;
                    let at = [path, &[Index(last)]].concat();
                    prop_assert_eq!(changed.text_at(&at), Some(value.clone()));
                }
                let mut changed = editor.clone();
                if changed.set(path, &Value::text(value.clone())).is_ok() {
                    prop_assert_eq!(changed.text_at(path), Some(value.clone()));
                }
                let _ = editor.clone().remove(path);
            }
        }
    }

    /// Changes at once come to what they come to one after the other, from the last place to the first.
    #[test]
    fn changes_at_once_are_changes_one_by_one(
        text in yaml_text(),
        picked in prop::collection::vec(0_usize..7, 1..5),
        value in "[ -~]{0,6}",
    ) {
        let value = Value::text(value);
        let kinds = [
            Change::Remove(vec![Index(0)]),
            Change::Remove(vec![Index(1)]),
            Change::Remove(vec![Index(0), Key("b")]),
            Change::Set(vec![Index(0), Key("b")], value.clone()),
            Change::Set(vec![Key("b")], value.clone()),
            Change::Set(vec![Index(1), Key("a")], value.clone()),
            Change::Append(vec![], vec![value]),
        ];
        let picked: std::collections::BTreeSet<_> = picked.into_iter().collect();
        // What goes is not changed besides.
        prop_assume!(!(picked.contains(&0) && (picked.contains(&2) || picked.contains(&3))));
        prop_assume!(!(picked.contains(&1) && picked.contains(&5)));
        prop_assume!(!(picked.contains(&2) && picked.contains(&3)));
        let mut changes: Vec<_> = picked.into_iter().map(|kind| kinds[kind].clone()).collect();
        if let Ok(editor) = Editor::new(text) {
            let at_once = editor.with(&changes);
            changes.sort_by(|one, other| path_of(other).cmp(path_of(one)));
            let one_by_one = changes.iter().try_fold(editor.clone(), |editor, change| {
                editor.with(std::slice::from_ref(change))
            });
            if let (Ok(at_once), Ok(one_by_one)) = (&at_once, &one_by_one) {
                let data = |editor: &Editor| super::check::Data::of(editor.tree(), editor.text());
                prop_assert_eq!(data(at_once), data(one_by_one));
            }
            if let Err(EditError::NotExact { .. }) = at_once {
                prop_assert!(one_by_one.is_err(), "{:?}", at_once);
            }
        }
    }
}

fn path_of<'c, 'a>(change: &'c Change<'a>) -> &'c [Step<'a>] {
    match change {
        Change::Set(path, _) | Change::Append(path, _) | Change::Remove(path) => path,
    }
}
