//! Over random sections.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

/// One line is one token: what the mechanism calls idle is taken out of the text, and what it does not name may not be.
#[derive(Debug, Clone)]
struct Line {
    text: String,
    /// How many lines below belong to it.
    below: usize,
}

fn scalar() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "a",
        "b",
        "'a'",
        "admin:{{SessionName}}",
        "''",
        "~",
        "",
        "1",
        "yes",
        "{a: b}",
        "[a]",
        "system: masters",
        "\"a\"",
    ])
}

fn key_line() -> impl Strategy<Value = Vec<Line>> {
    let key = prop::sample::select(vec![
        "rolearn",
        "userarn",
        "username",
        "Username",
        "USERNAME",
        "user",
        "name",
        "userid",
        "note",
        "group",
        "1",
        "rolearn",
        "username",
        "username ",
    ]);
    let single = (key, scalar()).prop_map(|(key, value)| {
        vec![Line {
            text: format!("  {key}: {value}\n"),
            below: 0,
        }]
    });
    let list = (
        prop::sample::select(vec!["groups", "Groups", "group", "groups", "x"]),
        prop::collection::vec(scalar(), 0..4),
    )
        .prop_map(|(key, items)| {
            let head = Line {
                text: format!("  {key}:\n"),
                below: items.len(),
            };
            let items = items.into_iter().map(|item| Line {
                text: format!("  - {item}\n"),
                below: 0,
            });
            std::iter::once(head).chain(items).collect()
        });
    let sso = prop::collection::vec(
        (
            prop::sample::select(vec![
                "accountID",
                "permissionSetName",
                "accountid",
                "partition",
                "x",
            ]),
            scalar(),
        ),
        0..3,
    )
    .prop_map(|fields| {
        let head = Line {
            text: "  sso:\n".to_owned(),
            below: fields.len(),
        };
        let fields = fields.into_iter().map(|(key, value)| Line {
            text: format!("    {key}: {value}\n"),
            below: 0,
        });
        std::iter::once(head).chain(fields).collect()
    });
    prop_oneof![6 => single, 4 => list, 1 => sso]
}

/// What the whole section comes to, as a set of groups without nameless ones.
fn meaning(text: &str) -> Option<Vec<(String, String, Vec<String>, Option<super::super::SsoRole>)>> {
    let section = read(SectionKey::Roles, text).roles;
    if section.dropped.is_some() {
        return None;
    }
    let kept = section.entries.into_iter().map(|entry| entry.value);
    let refused = section.refused.into_iter().map(|refused| refused.mapping);
    let of = |mapping: super::super::super::Mapping| {
        let mut groups: Vec<String> = mapping
            .groups
            .into_iter()
            .filter(|group| !group.is_empty())
            .collect();
        groups.sort();
        groups.dedup();
        (mapping.arn, mapping.username, groups, mapping.sso)
    };
    Some(kept.chain(refused).map(of).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Both directions: all that is named goes without a trace, and nothing else does.
    #[test]
    fn exactly_what_makes_no_difference_is_named(keys in prop::collection::vec(key_line(), 0..6)) {
        let lines: Vec<Line> = keys.into_iter().flatten().collect();
        // The first key is one that is never asked about, so that `-` has a place.
        let text_of = |left_out: &dyn Fn(usize) -> bool| {
            let mut text = String::from("- zz: zz\n");
            for (index, line) in lines.iter().enumerate() {
                let inner = index + 1..=index + line.below;
                if left_out(index) {
                    continue;
                }
                if line.text == "  sso:\n" && inner.clone().all(left_out) {
                    // Nothing is null, and not an empty mapping.
                    text.push_str("  sso: {}\n");
                } else {
                    text.push_str(&line.text);
                }
            }
            text
        };
        let whole = text_of(&|_| false);
        let full = meaning(&whole);
        prop_assume!(full.is_some());
        let unread = read(SectionKey::Roles, &whole).roles.unread;
        // Line 1 is the key of the test's own.
        let named: Vec<usize> = unread.iter().filter(|unread| unread.line > 1).map(|unread| unread.line - 2).collect();
        let is_below = |head: usize, index: usize| index > head && index <= head + lines[head].below;
        // A list is named by its items.
        let is_hollow = |index: usize| {
            lines[index].below > 0 && (index + 1..=index + lines[index].below).all(|item| named.contains(&item))
        };
        let gone = |index: usize| {
            named.iter().any(|head| *head == index || is_below(*head, index)) || (is_hollow(index) && lines[index].text != "  sso:\n")
        };
        let without = text_of(&gone);
        prop_assert_eq!(&meaning(&without), &full, "all together\n{}\n{}", &whole, &without);
        for head in &named {
            let alone = text_of(&|index| index == *head || is_below(*head, index));
            // Of keys for one field, one may only take away what the other says: they go together.
            let keys = lines.iter().map(|line| line.text.split(':').next().unwrap().trim().to_ascii_lowercase());
            let fields: BTreeSet<String> = keys.clone().filter(|key| !key.starts_with('-')).collect();
            if fields.len() == keys.filter(|key| !key.starts_with('-')).count() {
                prop_assert_eq!(&meaning(&alone), &full, "alone\n{}\n{}", &whole, &alone);
            }
        }
        for index in (0..lines.len()).filter(|index| !gone(*index)) {
            let less = text_of(&|other| gone(other) || other == index || is_below(index, other));
            let after = meaning(&less);
            let mut message = String::new();
            let _ = write!(message, "line {} of\n{whole}\nleft\n{less}", index + 2);
            prop_assert_ne!(&after, &full, "{}", message);
        }
    }
}
