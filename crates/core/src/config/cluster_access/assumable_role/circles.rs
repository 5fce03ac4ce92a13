//! Roles that let each other in by `role:NAME`: IAM takes a trust policy only once everybody in it is there, so none of them could
//! be made first. Looked for over all documents of a run, for a circle may go through several.

use std::collections::BTreeMap;

use super::{AssumableRole, named_role};
use crate::config::cluster_access::duplicates::{Listed, MOST_FINDINGS};
use crate::config::diagnostic::quoted;
use crate::config::finding::Finding;
use crate::config::location::Located;
use eksact_message::code::Code;

/// That a role lets in one of the files.
struct LetsIn<'a> {
    /// The place in the list of whom it lets in.
    index: usize,
    /// What stands there.
    principal: &'a Located<String>,
    /// The name in it.
    name: &'a str,
    /// The number of the role of that name.
    named: usize,
}

/// How far the search has come with a role.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    /// Not begun.
    New,
    /// On the way from where the search began to where it is.
    Open,
    /// In no circle but those that were found.
    Done,
}

/// Finds what closes a circle: without it there would be one less. Gives the number of the document of each, and what is said of it.
/// Looks at each name once, however long the ways are.
pub(in crate::config::cluster_access) fn circles(
    roles: &[Listed<'_, AssumableRole>],
) -> Vec<(usize, Finding)> {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, role) in roles.iter().enumerate() {
        numbers.entry(role.item.name.value.as_str()).or_insert(number);
    }
    let named: Vec<Vec<LetsIn<'_>>> = roles.iter().map(|role| lets_in(role.item, &numbers)).collect();
    let mut visits = vec![Visit::New; roles.len()];
    let mut found = Vec::new();
    for start in 0..roles.len() {
        if visits.get(start) != Some(&Visit::New) {
            continue;
        }
        set(&mut visits, start, Visit::Open);
        // Each role on the way, with the place of whom it lets in that is looked at next.
        let mut way = vec![(start, 0_usize)];
        while let Some((role, next)) = way.last_mut() {
            let role = *role;
            let Some(other) = named.get(role).and_then(|named| named.get(*next)) else {
                set(&mut visits, role, Visit::Done);
                way.pop();
                continue;
            };
            *next += 1;
            match visits.get(other.named) {
                Some(Visit::New) => {
                    set(&mut visits, other.named, Visit::Open);
                    way.push((other.named, 0));
                }
                Some(Visit::Open) => found.extend(roles.get(role).map(|role| closes_circle(role, other))),
                Some(Visit::Done) | None => {}
            }
            if found.len() >= MOST_FINDINGS {
                return found;
            }
        }
    }
    found
}

fn set(visits: &mut [Visit], number: usize, visit: Visit) {
    if let Some(place) = visits.get_mut(number) {
        *place = visit;
    }
}

/// Whom of the files a role lets in. Names that no file has are reported elsewhere.
fn lets_in<'a>(role: &'a AssumableRole, numbers: &BTreeMap<&str, usize>) -> Vec<LetsIn<'a>> {
    let listed = role.assumed_by.roles.iter().enumerate();
    listed
        .filter_map(|(index, principal)| {
            let name = named_role(&principal.value)?;
            Some(LetsIn {
                index,
                principal,
                name,
                named: *numbers.get(name)?,
            })
        })
        .collect()
}

fn closes_circle(role: &Listed<'_, AssumableRole>, other: &LetsIn<'_>) -> (usize, Finding) {
    let path = role.path.key("assumedBy").key("roles").index(other.index);
    let (message, help) = if role.item.name.value == other.name {
        (
            "this role names itself, and IAM takes a trust policy only once everybody in it is there: it could never be made"
                .to_owned(),
            remedy!("take the role's own name out, or name its account in `accounts`"),
        )
    } else {
        (
            format!(
                "this role and {} let each other in, and IAM takes a trust policy only once everybody in it is there: neither \
                 can be made first",
                quoted(other.name)
            ),
            remedy!("take one of the two names out, or name the role's account in `accounts`"),
        )
    };
    let finding = Finding::error(Code::AssumableRole, path, message).help(help);
    (role.document, finding.located(other.principal.location.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::assumable_role::AssumedBy;
    use crate::config::path::FieldPath;
    use crate::config::tests::{HEAD, report_all, said};

    const ACCESS: &str = "apiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\n";

    /// `roles` with these: `a: b` lets `b` in.
    fn list(roles: &str) -> String {
        let of_role = |text: &str| {
            let (name, by) = text.split_once(": ").unwrap();
            let by = if by.is_empty() {
                "users: [nina]".to_owned()
            } else {
                format!("roles: ['role:{by}']")
            };
            format!("- name: {name}\n  assumedBy: {{{by}}}\n")
        };
        let list: String = roles.split(", ").map(of_role).collect();
        format!("{ACCESS}roles:\n{list}")
    }

    /// In whatever order they stand, as long as one of them can be made first.
    #[test]
    fn roles_let_in_each_other_in_one_direction() {
        for (roles, expected) in [
            ("a: b, b: x, x: ", ""),
            ("x: , b: x, a: b", ""),
            ("a: a, x: ", "this role names itself"),
            ("a: b, b: a", "this role and `a` let each other in"),
            ("a: b, b: x, x: a", "this role and `a` let each other in"),
            ("x: b, b: a, a: x", "this role and `x` let each other in"),
            ("a: b, b: x, x: b", "this role and `b` let each other in"),
        ] {
            let text = said(&format!("{HEAD}---\n{}", list(roles)));
            assert!(
                text.contains(expected) && text.is_empty() == expected.is_empty(),
                "{roles}: {text}"
            );
            let count = text.matches("IAM takes a trust policy only once").count();
            assert!(count < 2, "{roles}: {text}");
        }
    }

    /// A circle through two files is told at the line that closes it.
    #[test]
    fn files_let_in_each_other_in_one_direction() {
        let first = format!("{HEAD}---\n{}", list("a: b"));
        let text = report_all(&[&first, &list("x: , b: a")]);
        assert!(
            text.starts_with("b.yaml:7:") && text.contains("this role and `a` let each other in"),
            "{text}"
        );
        assert_eq!(text.matches("error").count(), 1, "{text}");
        assert_eq!(report_all(&[&first, &list("b: x, x: ")]), "");
    }

    fn role(name: &str, by: &[String]) -> AssumableRole {
        let named = by.iter().map(|name| Located::unlocated(format!("role:{name}")));
        AssumableRole {
            name: Located::unlocated(name.to_owned()),
            assumed_by: AssumedBy {
                roles: named.collect(),
                ..AssumedBy::default()
            },
            ..AssumableRole::default()
        }
    }

    /// A file that somebody else wrote costs no more time than its length: neither many that name one role, nor a long way, nor
    /// many ways to the same role.
    #[test]
    fn thousands_of_roles_are_looked_at_once_each() {
        let name = |number: usize| format!("r{number}");
        let one_base = (0..5_000).map(|number| match number {
            0 => role("r0", &[]),
            _ => role(&name(number), &["r0".to_owned()]),
        });
        let long_way = (0..5_000).map(|number| role(&name(number), &[name(number + 1)]));
        let many_ways = (0..5_000).map(|number| role(&name(number), &[name(number + 1), name(number + 2)]));
        let closed = (0..5_000).map(|number| role(&name(number), &[name((number + 1) % 5_000)]));
        let count = |roles: &[AssumableRole]| {
            let listed: Vec<_> = Listed::all(0, &FieldPath::of("roles"), roles).collect();
            circles(&listed).len()
        };
        assert_eq!(count(&one_base.collect::<Vec<_>>()), 0);
        assert_eq!(count(&long_way.collect::<Vec<_>>()), 0);
        assert_eq!(count(&many_ways.collect::<Vec<_>>()), 0);
        assert_eq!(count(&closed.collect::<Vec<_>>()), 1);
        let themselves = (0..5_000).map(|number| role(&name(number), &[name(number)]));
        assert_eq!(count(&themselves.collect::<Vec<_>>()), MOST_FINDINGS);
    }
}
