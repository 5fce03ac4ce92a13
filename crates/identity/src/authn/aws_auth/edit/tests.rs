//! Only what was asked for changes, in texts as people write them; and the laws behind it.

use proptest::prelude::*;

use super::*;

const HAND_WRITTEN: &str = "# Managed by the platform team, see WIKI-12.
- rolearn: arn:aws:iam::111122223333:role/node   # the nodes
  username: system:node:{{EC2PrivateDNSName}}
  groups:
    - system:bootstrappers
    - system:nodes  # never remove

# People
- groups: [ 'developers', \"readers\" ]
  rolearn: \"arn:aws:iam::111122223333:role/dev\"
  username: 'dev:{{SessionName}}'
  note: on call # unknown to the server
- sso: {permissionSetName: View, accountID: '111122223333'}
  username: viewer
# the end";

fn mapping(arn: &str, username: &str, groups: &[&str]) -> Mapping {
    Mapping {
        arn: arn.to_owned(),
        username: username.to_owned(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        ..Mapping::default()
    }
}

fn roles(text: &str, edits: &[Edit<Mapping>]) -> Result<String, EditError> {
    apply(SectionKey::Roles, Some(text), edits)
}

#[test]
fn hand_written_section_changes_only_where_it_is_asked_to() {
    let new = mapping(
        "arn:aws:iam::111122223333:role/ops",
        "{{SessionName}}",
        &["ops", "system:masters"],
    );
    let dev = mapping(
        "arn:aws:iam::111122223333:role/dev",
        "dev",
        &["developers", "writers"],
    );
    let text = roles(
        HAND_WRITTEN,
        &[Edit::Append(new), Edit::Replace { entry: 1, with: dev }],
    )
    .unwrap();
    let expected = HAND_WRITTEN
        .replace("[ 'developers', \"readers\" ]", "[ 'developers', writers ]")
        .replace("'dev:{{SessionName}}'", "'dev'")
        .replace(
            "  username: viewer\n",
            "  username: viewer\n- rolearn: arn:aws:iam::111122223333:role/ops\n  username: \"{{SessionName}}\"\n  groups:\n    - ops\n    - system:masters\n",
        );
    assert_eq!(text, expected);
    let text = roles(HAND_WRITTEN, &[Edit::Remove { entry: 1 }]).unwrap();
    // With the comment directly above it, and without the one at the head of all.
    let (before, rest) = HAND_WRITTEN.split_once("# People\n").unwrap();
    let (_, after) = rest.split_once("unknown to the server\n").unwrap();
    assert_eq!(text, format!("{before}{after}"));
}

#[test]
fn manifest_that_eksctl_or_nobody_wrote_can_be_edited() {
    let eksctl =
        "- groups:\n  - admins\n  userarn: arn:aws:iam::111122223333:user/path/ann\n  username: ann\n";
    let bob = mapping("arn:aws:iam::111122223333:user/bob", "bob", &["admins"]);
    let bob_text = "- userarn: arn:aws:iam::111122223333:user/bob\n  username: bob\n  groups:\n  - admins\n";
    let add = |text| apply(SectionKey::Users, text, &[Edit::Append(bob.clone())]).unwrap();
    assert_eq!(add(Some(eksctl)), format!("{eksctl}{bob_text}"));
    for nothing in [None, Some(""), Some("[]\n"), Some("''")] {
        assert_eq!(add(nothing).trim_end(), bob_text.trim_end(), "{nothing:?}");
    }
    let none = apply(SectionKey::Users, Some(eksctl), &[Edit::Remove { entry: 0 }]).unwrap();
    assert_eq!(none, "[]\n");
    assert_eq!(
        apply_accounts(
            Some("- \"444455556666\"\n"),
            &[Edit::Append("012345678901".into())]
        )
        .unwrap(),
        "- \"444455556666\"\n- \"012345678901\"\n"
    );
    assert_eq!(
        apply_accounts(
            Some("[1, 2]\r\n"),
            &[Edit::Remove { entry: 0 }, Edit::Append("3".into())]
        )
        .unwrap(),
        "[2, \"3\"]\r\n"
    );
}

#[test]
fn fields_are_found_as_the_server_finds_them_and_wrong_types_are_mended() {
    let text = "- RoleARN: a\n  Username: 123\n  GROUPS: system:masters\n- bad: 1\n- rolearn: b\n";
    let edits = [
        Edit::Replace {
            entry: 0,
            with: mapping("a", "ann", &["system:masters"]),
        },
        Edit::Replace {
            entry: 1,
            with: mapping("b", "bob", &[]),
        },
    ];
    let text = roles(text, &edits).unwrap();
    assert_eq!(
        text,
        "- RoleARN: a\n  Username: ann\n  GROUPS:\n  - system:masters\n- bad: 1\n- rolearn: b\n  username: bob\n"
    );
}

#[test]
fn edit_that_cannot_be_done_exactly_is_refused() {
    let append = [Edit::Append(mapping("a", "b", &[]))];
    let dropped = roles("- rolearn: a\n  username: {{SessionName}}\n", &append).unwrap_err();
    assert!(
        matches!(&dropped, EditError::Dropped { fault, .. } if fault.line == Some(2)),
        "{dropped:?}"
    );
    let shared = "- &x\n  rolearn: a\n- <<: *x\n  rolearn: b\n";
    let edits = [Edit::Replace {
        entry: 0,
        with: mapping("a", "new", &[]),
    }];
    assert!(matches!(roles(shared, &edits), Err(EditError::Text { .. })));
    assert!(matches!(
        roles("- rolearn: a", &[Edit::Remove { entry: 1 }]),
        Err(EditError::NoSuchEntry { entry: 1, .. })
    ));
    let twice = [Edit::Remove { entry: 0 }, Edit::Remove { entry: 0 }];
    assert!(matches!(
        roles("- rolearn: a", &twice),
        Err(EditError::Twice { entry: 0, .. })
    ));
    // An entry without an ARN would not be one for the server.
    assert!(matches!(
        roles("", &[Edit::Append(mapping("", "b", &[]))]),
        Err(EditError::NotExact { .. })
    ));
}

/// The comment above an entry is about that entry, however it is indented.
#[test]
fn comment_between_two_entries_is_about_the_second() {
    let text = "- rolearn: a\n  username: a\n  # ---- below: break glass, never remove ----\n- rolearn: b\n  username: b\n";
    let without_a = roles(text, &[Edit::Remove { entry: 0 }]).unwrap();
    assert_eq!(without_a, text.replace("- rolearn: a\n  username: a\n", ""));
    // An entry's span says what goes with it.
    let spans: Vec<_> = mappings(SectionKey::Roles, Some(text))
        .entries
        .iter()
        .map(|entry| &text[entry.span.clone()])
        .collect();
    assert_eq!(
        spans,
        ["- rolearn: a\n  username: a\n", "- rolearn: b\n  username: b\n"]
    );
}

/// However many entries change, the text is read as often.
#[test]
fn number_of_edits_does_not_matter() {
    let text: String = (0..300)
        .map(|number| format!("- rolearn: r{number}\n  username: u\n  groups:\n  - a # why\n  - b\n"))
        .collect::<Vec<_>>()
        .concat();
    let changed = |entry: usize| mapping(&format!("r{entry}"), "new", &["a", "c"]);
    let kinds: [&dyn Fn(usize) -> Edit<Mapping>; 3] = [
        &|entry| Edit::Replace {
            entry,
            with: changed(entry),
        },
        &|entry| Edit::Remove { entry },
        &|entry| Edit::Append(changed(1000 + entry)),
    ];
    let reads = |edits: &[Edit<Mapping>]| {
        let before = eksact_yaml::syntax::READS.get();
        roles(&text, edits).unwrap();
        eksact_yaml::syntax::READS.get() - before
    };
    for kind in kinds {
        let all: Vec<_> = (0..300).map(kind).collect();
        assert_eq!(reads(&all), reads(&all[..1]));
    }
    let mixed: Vec<_> = (0..300).map(|entry| kinds[entry % 3](entry)).collect();
    assert_eq!(reads(&mixed), reads(&mixed[..1]));
}

fn any_mapping() -> impl Strategy<Value = Mapping> {
    let text = "[ -~é\\n]{0,12}";
    ("[!-~é]{1,20}", text, prop::collection::vec(text, 0..4)).prop_map(|(arn, username, groups)| Mapping {
        arn,
        username,
        groups,
        ..Mapping::default()
    })
}

proptest! {
    /// Whatever is written is read back; and taking it away again gives the very bytes of before.
    #[test]
    fn appended_line_is_read_and_can_be_taken_back(new in prop::collection::vec(any_mapping(), 1..4)) {
        let appends: Vec<_> = new.iter().cloned().map(Edit::Append).collect();
        let text = roles(HAND_WRITTEN, &appends).unwrap();
        let removals: Vec<_> = (3..3 + new.len()).map(|entry| Edit::Remove { entry }).collect();
        prop_assert_eq!(roles(&text, &removals).unwrap(), HAND_WRITTEN);
    }

    #[test]
    fn any_entry_can_become_any_other(with in any_mapping(), entry in 0_usize..2) {
        let text = roles(HAND_WRITTEN, &[Edit::Replace { entry, with }]).unwrap();
        for kept in ["# never remove", "# unknown to the server", "# People", "# the nodes"] {
            prop_assert!(text.contains(kept) || kept == "# never remove");
        }
    }
}
