//! Rules of roles: when two lists say the same, and when one gives more than the other. Pure.

use std::collections::BTreeSet;

use crate::{engine::Effect, ports::access::PolicyRule};

/// Stands for everything (Kubernetes, `rbac/v1`: `ResourceAll`, `VerbAll`, `APIGroupAll`).
const ALL: &str = "*";

/// Rules as sets: order and repetition mean nothing to RBAC.
pub(super) fn normal(rules: &[PolicyRule]) -> BTreeSet<PolicyRule> {
    let sorted = |words: &[String]| {
        words
            .iter()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .cloned()
            .collect::<Vec<_>>()
    };
    rules
        .iter()
        .map(|rule| PolicyRule {
            api_groups: sorted(&rule.api_groups),
            resources: sorted(&rule.resources),
            resource_names: sorted(&rule.resource_names),
            non_resource_urls: sorted(&rule.non_resource_urls),
            verbs: sorted(&rule.verbs),
        })
        .collect()
}

/// What it means to have `after` and no longer `before`.
pub(super) fn effect_of(before: &[PolicyRule], after: &[PolicyRule]) -> Effect {
    let contains = |one: &[PolicyRule], other: &[PolicyRule]| {
        other
            .iter()
            .flat_map(atoms)
            .all(|atom| one.iter().any(|rule| covers(rule, &atom)))
    };
    match (contains(before, after), contains(after, before)) {
        (true, true) => Effect::Equal,
        (true, false) => Effect::Narrower,
        (false, true) => Effect::Broader,
        (false, false) => Effect::Incomparable,
    }
}

/// A rule of one word in each place, as Kubernetes breaks rules down to compare them
/// (`component-helpers/auth/rbac/validation`).
fn atoms(rule: &PolicyRule) -> Vec<PolicyRule> {
    let each = |words: &[String]| -> Vec<Vec<String>> {
        if words.is_empty() {
            vec![Vec::new()]
        } else {
            words.iter().map(|word| vec![word.clone()]).collect()
        }
    };
    let mut atoms = Vec::new();
    for verb in &rule.verbs {
        let verbs = vec![verb.clone()];
        for url in &rule.non_resource_urls {
            atoms.push(PolicyRule {
                non_resource_urls: vec![url.clone()],
                verbs: verbs.clone(),
                ..PolicyRule::default()
            });
        }
        for group in &rule.api_groups {
            for resource in &rule.resources {
                for names in each(&rule.resource_names) {
                    atoms.push(PolicyRule {
                        api_groups: vec![group.clone()],
                        resources: vec![resource.clone()],
                        resource_names: names,
                        verbs: verbs.clone(),
                        ..PolicyRule::default()
                    });
                }
            }
        }
    }
    atoms
}

/// Whether a rule gives what an atom does.
pub(super) fn covers(rule: &PolicyRule, atom: &PolicyRule) -> bool {
    let has = |words: &[String], wanted: &[String]| {
        words.iter().any(|word| word == ALL) || wanted.iter().all(|word| words.contains(word))
    };
    if !has(&rule.verbs, &atom.verbs) {
        return false;
    }
    if let Some(url) = atom.non_resource_urls.first() {
        return rule.non_resource_urls.iter().any(|known| {
            known == url
                || known
                    .strip_suffix(ALL)
                    .is_some_and(|prefix| url.starts_with(prefix))
        });
    }
    let names = rule.resource_names.is_empty()
        || (!atom.resource_names.is_empty() && has(&rule.resource_names, &atom.resource_names));
    names && has(&rule.api_groups, &atom.api_groups) && covers_resource(rule, atom)
}

/// `*` stands for every resource, `*/scale` for the sub-resource of every one.
fn covers_resource(rule: &PolicyRule, atom: &PolicyRule) -> bool {
    atom.resources.iter().all(|resource| {
        rule.resources.iter().any(|known| {
            known == ALL
                || known == resource
                || known
                    .strip_prefix("*/")
                    .is_some_and(|sub| resource.split_once('/').is_some_and(|(_, of)| of == sub))
        })
    })
}

/// A rule as people say it: `get, list on deployments of apps`.
pub(super) fn in_words(rule: &PolicyRule) -> String {
    let list = |words: &[String]| words.join(", ");
    let mut on = Vec::new();
    if !rule.resources.is_empty() {
        let mut resources = list(&rule.resources);
        let is_core_alone = rule.api_groups.iter().all(String::is_empty);
        if !is_core_alone {
            let groups: Vec<String> = rule
                .api_groups
                .iter()
                .map(|group| if group.is_empty() { "core" } else { group }.to_owned())
                .collect();
            resources = format!("{resources} of {}", list(&groups));
        }
        if !rule.resource_names.is_empty() {
            resources = format!("{resources} named {}", list(&rule.resource_names));
        }
        on.push(resources);
    }
    if !rule.non_resource_urls.is_empty() {
        on.push(list(&rule.non_resource_urls));
    }
    format!("{} on {}", list(&rule.verbs), on.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(groups: &[&str], resources: &[&str], names: &[&str], verbs: &[&str]) -> PolicyRule {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        PolicyRule {
            api_groups: words(groups),
            resources: words(resources),
            resource_names: words(names),
            non_resource_urls: Vec::new(),
            verbs: words(verbs),
        }
    }

    #[test]
    fn more_and_less() {
        let pods = rule(&[""], &["pods"], &[], &["get", "list"]);
        let split = [
            rule(&[""], &["pods"], &[], &["get"]),
            rule(&[""], &["pods"], &[], &["list"]),
        ];
        let one_pod = rule(&[""], &["pods"], &["web"], &["get", "list"]);
        let all_verbs = rule(&[""], &["pods"], &[], &["*"]);
        let logs = rule(&[""], &["pods/log"], &[], &["get"]);
        let all_logs = rule(&[""], &["*/log"], &[], &["get"]);
        let url = |url: &str| PolicyRule {
            non_resource_urls: vec![url.to_owned()],
            verbs: vec!["get".to_owned()],
            ..PolicyRule::default()
        };
        let table: [(&[PolicyRule], &[PolicyRule], Effect); 8] = [
            (std::slice::from_ref(&pods), &split, Effect::Equal),
            (std::slice::from_ref(&pods), &[all_verbs], Effect::Broader),
            (std::slice::from_ref(&pods), &[one_pod], Effect::Narrower),
            (std::slice::from_ref(&pods), &split[..1], Effect::Narrower),
            (
                std::slice::from_ref(&pods),
                std::slice::from_ref(&logs),
                Effect::Incomparable,
            ),
            (std::slice::from_ref(&logs), &[all_logs], Effect::Broader),
            (&[url("/healthz/etcd")], &[url("/healthz/*")], Effect::Broader),
            (&[], &[], Effect::Equal),
        ];
        for (before, after, expected) in table {
            assert_eq!(effect_of(before, after), expected, "{before:?} {after:?}");
        }
    }
}
