//! Statements and their parts as short lines of text, one thing a line.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{ConditionName, Matcher, Statement, Word};

/// How many actions, resources or principals stand in the head line. More are listed below it, one a line, so that
/// none is out of sight.
const INLINE: usize = 3;

/// A statement as a head line and, where that would be too long, the lists it leaves out.
pub(super) fn describe(statement: &Statement) -> Vec<String> {
    describe_common(statement, statement)
}

/// What a statement has in common with another, in the same form.
pub(super) fn describe_common(statement: &Statement, other: &Statement) -> Vec<String> {
    let mut below = Vec::new();
    let mut head = statement.effect.as_str().to_owned();
    if statement.actions == other.actions {
        head.push(' ');
        head.push_str(&several(&statement.actions, "actions", &mut below));
    }
    if let Some(resources) = statement
        .resources
        .as_ref()
        .filter(|own| Some(*own) == other.resources.as_ref())
    {
        head.push_str(" on ");
        head.push_str(&several(resources, "resources", &mut below));
    }
    if let Some(principals) = statement
        .principals
        .as_ref()
        .filter(|own| Some(*own) == other.principals.as_ref())
    {
        let members: Vec<String> = principals.members.iter().map(principal).collect();
        head.push_str(if principals.negated {
            " to everyone except "
        } else {
            " to "
        });
        head.push_str(&members.join(", "));
    }
    let common = statement
        .conditions
        .iter()
        .filter(|(name, values)| other.conditions.get(*name) == Some(*values));
    let conditions: Vec<String> = common.map(condition).collect();
    if !conditions.is_empty() {
        head.push_str(" if ");
        head.push_str(&conditions.join(" and "));
    }
    below.insert(0, head);
    below
}

/// The parts of a statement that a difference shows one by one: each as it is compared and as it is shown.
pub(super) fn parts(statement: &Statement) -> BTreeMap<String, String> {
    let mut parts = BTreeMap::new();
    let mut matcher = |matcher: &Matcher, name: &str| {
        let name = if matcher.negated {
            format!("not {name}")
        } else {
            name.to_owned()
        };
        for word in &matcher.words {
            parts.insert(format!("{name} {}", word.key), format!("{name} {}", word.written));
        }
    };
    matcher(&statement.actions, "action");
    if let Some(resources) = &statement.resources {
        matcher(resources, "resource");
    }
    if let Some(principals) = &statement.principals {
        let name = if principals.negated {
            "not principal"
        } else {
            "principal"
        };
        for member in &principals.members {
            let line = format!("{name} {}", principal(member));
            parts.insert(line.clone(), line);
        }
    }
    for (name, values) in &statement.conditions {
        let compared = format!("condition {} {} {values:?}", name.0, name.1.key);
        parts.insert(compared, format!("condition {}", condition((name, values))));
    }
    parts
}

fn several(matcher: &Matcher, plural: &str, below: &mut Vec<String>) -> String {
    let except = if matcher.negated { "all except " } else { "" };
    let written: Vec<&str> = matcher.words.iter().map(|word| word.written.as_str()).collect();
    if written.len() <= INLINE {
        return format!("{except}{}", written.join(", "));
    }
    below.extend(written.iter().map(|word| format!("  {word}")));
    format!("{except}{} {plural}", written.len())
}

/// A principal by what it is compared as, so that an account looks the same in both of its spellings.
fn principal((kind, word): &(String, Word)) -> String {
    format!("{kind} {}", word.key)
}

fn condition((name, values): (&ConditionName, &BTreeSet<String>)) -> String {
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    format!("{} {} = {}", name.0, name.1.written, values.join(" | "))
}
