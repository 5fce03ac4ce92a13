//! Rules of roles: when two lists say the same, and when one gives more than the other. Pure.

use std::collections::BTreeSet;

use crate::{engine::Effect, ports::kubernetes::PolicyRule};

/// Stands for everything (Kubernetes, `rbac/v1`: `ResourceAll`, `VerbAll`, `APIGroupAll`).
const ALL: &str = "*";

/// Rules as sets: order and repetition mean nothing to RBAC.
pub fn normal(rules: &[PolicyRule]) -> BTreeSet<PolicyRule> {
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
pub fn effect_of(before: &[PolicyRule], after: &[PolicyRule]) -> Effect {
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

/// What `after` gives and `before` does not, the verbs of one object together.
pub fn more(before: &[PolicyRule], after: &[PolicyRule]) -> Vec<PolicyRule> {
    let mut all: Vec<PolicyRule> = Vec::new();
    let new = after.iter().flat_map(atoms);
    for atom in new.filter(|atom| !before.iter().any(|rule| covers(rule, atom))) {
        let same = all.iter_mut().find(|known| {
            let object = PolicyRule {
                verbs: atom.verbs.clone(),
                ..(**known).clone()
            };
            object == atom
        });
        match same {
            None => all.push(atom),
            Some(known) => {
                let verbs = atom.verbs.into_iter().filter(|verb| !known.verbs.contains(verb));
                let verbs: Vec<String> = verbs.collect();
                known.verbs.extend(verbs);
            }
        }
    }
    all
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

/// Whether a rule gives what an atom does, as Kubernetes compares (1.36: `component-helpers/auth/rbac/validation`,
/// `policy_comparator.go`; the authorizer agrees, `pkg/apis/rbac/v1/evaluation_helpers.go`). An atom without a name is for
/// every object, and for requests that have no name: a creation, a listing.
pub fn covers(rule: &PolicyRule, atom: &PolicyRule) -> bool {
    let all_among = |words: &[String], wanted: &[String]| wanted.iter().all(|word| words.contains(word));
    let has = |words: &[String], wanted: &[String]| {
        words.iter().any(|word| word == ALL) || all_among(words, wanted)
    };
    if !has(&rule.verbs, &atom.verbs) {
        return false;
    }
    if let Some(url) = atom.non_resource_urls.first() {
        return rule.non_resource_urls.iter().any(|known| {
            known == url || known.ends_with(ALL) && url.starts_with(known.trim_end_matches(ALL))
        });
    }
    // A `*` among names is a name like any other.
    let names = rule.resource_names.is_empty()
        || (!atom.resource_names.is_empty() && all_among(&rule.resource_names, &atom.resource_names));
    names && has(&rule.api_groups, &atom.api_groups) && covers_resource(rule, atom)
}

/// `*` stands for every resource and sub-resource, `*/scale` for that sub-resource of every one. `pods` does not give
/// `pods/log`, and `pods/*` gives nothing but what is called so.
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
pub fn in_words(rule: &PolicyRule) -> String {
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

    /// Kubernetes' own rules, part by part: what a rule gives of a request, or of another rule.
    #[test]
    fn rules_cover_what_the_api_server_says() {
        type Rule = (
            &'static [&'static str],
            &'static [&'static str],
            &'static [&'static str],
            &'static [&'static str],
        );
        #[rustfmt::skip]
        let table: [(Rule, Rule, bool); 31] = [
            // Verbs.
            ((&[""], &["pods"], &[], &["get"]), (&[""], &["pods"], &[], &["get"]), true),
            ((&[""], &["pods"], &[], &["*"]), (&[""], &["pods"], &[], &["impersonate"]), true),
            ((&[""], &["pods"], &[], &["get"]), (&[""], &["pods"], &[], &["*"]), false),
            ((&[""], &["pods"], &[], &["Get"]), (&[""], &["pods"], &[], &["get"]), false),
            ((&[""], &["pods"], &[], &["get*"]), (&[""], &["pods"], &[], &["get"]), false),
            ((&[""], &["pods"], &[], &[]), (&[""], &["pods"], &[], &["get"]), false),
            // API groups.
            ((&["*"], &["pods"], &[], &["get"]), (&[""], &["pods"], &[], &["get"]), true),
            ((&[""], &["deployments"], &[], &["get"]), (&["apps"], &["deployments"], &[], &["get"]), false),
            ((&[], &["pods"], &[], &["get"]), (&[""], &["pods"], &[], &["get"]), false),
            ((&["*.k8s.io"], &["pods"], &[], &["get"]), (&["metrics.k8s.io"], &["pods"], &[], &["get"]), false),
            // Resources and sub-resources.
            ((&[""], &["*"], &[], &["get"]), (&[""], &["pods/log"], &[], &["get"]), true),
            ((&[""], &["pods"], &[], &["get"]), (&[""], &["pods/log"], &[], &["get"]), false),
            ((&[""], &["pods/log"], &[], &["get"]), (&[""], &["pods"], &[], &["get"]), false),
            ((&[""], &["pods/*"], &[], &["get"]), (&[""], &["pods/log"], &[], &["get"]), false),
            ((&[""], &["*/*"], &[], &["get"]), (&[""], &["pods/log"], &[], &["get"]), false),
            ((&["*"], &["*/scale"], &[], &["update"]), (&["apps"], &["deployments/scale"], &[], &["update"]), true),
            ((&["*"], &["*/scale"], &[], &["update"]), (&["apps"], &["deployments"], &[], &["update"]), false),
            ((&["*"], &["*/scale"], &[], &["update"]), (&["apps"], &["deployments/status"], &[], &["update"]), false),
            ((&[""], &["pod*"], &[], &["get"]), (&[""], &["pods"], &[], &["get"]), false),
            ((&[""], &["pods"], &[], &["get"]), (&[""], &["*"], &[], &["get"]), false),
            // Names: a request without one (create, list, watch, deletecollection) fits no rule with names.
            ((&[""], &["pods"], &["web"], &["get"]), (&[""], &["pods"], &["web"], &["get"]), true),
            ((&[""], &["pods"], &["web"], &["get"]), (&[""], &["pods"], &["api"], &["get"]), false),
            ((&[""], &["pods"], &["web"], &["create"]), (&[""], &["pods"], &[], &["create"]), false),
            ((&[""], &["pods"], &["web"], &["list"]), (&[""], &["pods"], &[], &["list"]), false),
            ((&[""], &["pods"], &["web"], &["watch"]), (&[""], &["pods"], &[], &["watch"]), false),
            ((&[""], &["pods"], &["web"], &["deletecollection"]), (&[""], &["pods"], &[], &["deletecollection"]), false),
            ((&[""], &["pods"], &[], &["get"]), (&[""], &["pods"], &["web"], &["get"]), true),
            ((&[""], &["pods"], &["*"], &["get"]), (&[""], &["pods"], &["web"], &["get"]), false),
            ((&[""], &["pods"], &["*"], &["get"]), (&[""], &["pods"], &[], &["get"]), false),
            ((&[""], &["pods"], &["*"], &["get"]), (&[""], &["pods"], &["*"], &["get"]), true),
            ((&["*"], &["*"], &["*"], &["*"]), (&[""], &["configmaps"], &["aws-auth"], &["update"]), false),
        ];
        let build = |(groups, resources, names, verbs): Rule| rule(groups, resources, names, verbs);
        for (has, wanted, expected) in table {
            assert_eq!(
                covers(&build(has), &build(wanted)),
                expected,
                "{has:?} {wanted:?}"
            );
        }
        let urls = |urls: &[&str]| PolicyRule {
            non_resource_urls: urls.iter().map(|url| (*url).to_owned()).collect(),
            verbs: vec!["get".to_owned()],
            ..PolicyRule::default()
        };
        for (has, wanted, expected) in [
            ("*", "/metrics", true),
            ("/healthz/*", "/healthz/etcd", true),
            ("/healthz/*", "/healthz", false),
            ("/healthz*", "/healthz", true),
            ("/api**", "/apis", true),
            ("/*/x", "/a/x", false),
            ("/a/*/x*", "/a/*/xy", true),
            ("/healthz", "/healthz/etcd", false),
            ("/healthz/*", "/*", false),
        ] {
            assert_eq!(
                covers(&urls(&[has]), &urls(&[wanted])),
                expected,
                "{has} {wanted}"
            );
        }
        let everything = rule(&["*"], &["*"], &[], &["*"]);
        assert!(
            !covers(&everything, &urls(&["/metrics"])),
            "URLs are no resources"
        );
        assert!(!covers(&urls(&["*"]), &rule(&[""], &["pods"], &[], &["get"])));
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
        #[rustfmt::skip]
        let table: [(&[PolicyRule], &[PolicyRule], Effect); 8] = [
            (std::slice::from_ref(&pods), &split, Effect::Equal),
            (std::slice::from_ref(&pods), &[all_verbs], Effect::Broader),
            (std::slice::from_ref(&pods), &[one_pod], Effect::Narrower),
            (std::slice::from_ref(&pods), &split[..1], Effect::Narrower),
            (std::slice::from_ref(&pods), std::slice::from_ref(&logs), Effect::Incomparable),
            (std::slice::from_ref(&logs), &[all_logs], Effect::Broader),
            (&[url("/healthz/etcd")], &[url("/healthz/*")], Effect::Broader),
            (&[], &[], Effect::Equal),
        ];
        for (before, after, expected) in table {
            assert_eq!(effect_of(before, after), expected, "{before:?} {after:?}");
        }
    }
}
