//! What is nearest to a right that somebody has not: a binding whose role misses the verb, or holds elsewhere, or is not there.

use super::rights::{Named, Rights, is_in_scope, named, policy_reason, reason};
use crate::{
    guard::{access::Admitted, rbac_rules::in_words},
    live::{binding_words, role_words},
    ports::{
        aws::AccessEntry,
        kubernetes::{PolicyRule, RbacBinding},
    },
};
use eksact_identity::rbac::{AUTHENTICATED, On, Request};

/// How many are shown.
const SHOWN: usize = 5;

/// What is near.
#[derive(Debug, Default)]
pub(super) struct Near {
    /// That a binding gives a role which does not exist.
    pub(super) missing: Option<String>,
    /// What is near, the nearest first.
    pub(super) says: Vec<String>,
}

/// What is nearest to the right to make a request.
pub(super) fn nearest(
    rights: &Rights<'_>,
    user: &Admitted,
    entry: Option<&AccessEntry>,
    request: &Request,
) -> Near {
    let mut near = Near::default();
    let mut found: Vec<(u8, String)> = Vec::new();
    for binding in rights.all_bindings() {
        let is_in_scope = binding.namespace.is_none() || binding.namespace == request.namespace;
        let words = binding_words(binding.namespace.as_deref(), &binding.name);
        match named(binding, user) {
            Some(Named::Is(subject)) => {
                let Some(role) = rights.role_of(binding) else {
                    if is_in_scope {
                        let namespace = binding
                            .namespace
                            .as_deref()
                            .filter(|_| binding.role_kind == "Role");
                        near.missing = Some(format!(
                            "{words} gives {} {} the {}, which does not exist",
                            subject.kind,
                            subject.name,
                            role_words(namespace, &binding.role_name)
                        ));
                    }
                    continue;
                };
                let words = format!(
                    "{words} ({}, to {} {})",
                    role_words(role.namespace.as_deref(), &role.name),
                    subject.kind,
                    subject.name
                );
                if let Some(allowing) = role.rules.iter().find(|rule| rule.allows(request)) {
                    let scope = reason(binding, subject, role, allowing).scope;
                    found.push((0, format!("{words} allows it in {scope} only")));
                } else if is_in_scope && role.rules.is_empty() && role.aggregated {
                    found.push((
                        3,
                        format!("{words} has no rules: it is put together from other roles, and none is"),
                    ));
                } else if is_in_scope && subject.name != AUTHENTICATED {
                    found.extend(
                        of_rules(&role.rules, request).map(|(rank, says)| (rank, format!("{words} {says}"))),
                    );
                }
            }
            None if is_in_scope => {
                found.extend(
                    other_case(rights, binding, user, request)
                        .or_else(|| other_template(rights, binding, user, request)),
                );
            }
            Some(Named::MayBe(_)) | None => {}
        }
    }
    for policy in entry.into_iter().flat_map(|entry| &entry.policies) {
        let Some(rules) = rights.rules_of(policy) else {
            continue;
        };
        match rules.iter().find(|rule| rule.allows(request)) {
            Some(rule) => {
                let given = policy_reason(entry, policy, rule);
                found.push((
                    0,
                    format!(
                        "the access policy {} allows it in {} only",
                        given.role, given.scope
                    ),
                ));
            }
            None if is_in_scope(policy, request) => {
                found.extend(of_rules(rules, request).map(|(rank, says)| {
                    (
                        rank,
                        format!(
                            "the access policy {} {says}",
                            policy.arn.rsplit('/').next().unwrap_or_default()
                        ),
                    )
                }));
            }
            None => {}
        }
    }
    found.sort();
    found.dedup();
    near.says = found.into_iter().take(SHOWN).map(|(_, says)| says).collect();
    near
}

/// The rule that is nearest to a request.
fn of_rules(rules: &[PolicyRule], request: &Request) -> Option<(u8, String)> {
    if let Some(rule) = rules.iter().find(|rule| rule.allows_some(request)) {
        return Some((
            1,
            format!("allows it for objects of certain names only: {}", in_words(rule)),
        ));
    }
    let other_verbs: Vec<&PolicyRule> = rules
        .iter()
        .filter(|rule| {
            rule.verbs.first().is_some_and(|verb| {
                let mut other = request.clone();
                other.verb.clone_from(verb);
                rule.allows_some(&other)
            })
        })
        .collect();
    if !other_verbs.is_empty() {
        let mut verbs: Vec<&str> = other_verbs
            .iter()
            .flat_map(|rule| rule.verbs.iter().map(String::as_str))
            .collect();
        verbs.sort_unstable();
        verbs.dedup();
        return Some((
            2,
            format!("allows {} there, and not {}", verbs.join(", "), request.verb),
        ));
    }
    let On::Resource {
        resource,
        subresource: Some(sub),
        ..
    } = &request.on
    else {
        return None;
    };
    let mut parent = request.clone();
    if let On::Resource { subresource, .. } = &mut parent.on {
        *subresource = None;
    }
    rules.iter().any(|rule| rule.allows_some(&parent)).then(|| {
        (
            2,
            format!("allows it on {resource}, which does not include {resource}/{sub}"),
        )
    })
}

/// A binding that allows it to a group or user whose name differs in upper and lower case only.
fn other_case<'p>(
    rights: &Rights<'p>,
    binding: &'p RbacBinding,
    user: &Admitted,
    request: &Request,
) -> Option<(u8, String)> {
    let own = |subject: &&crate::ports::kubernetes::Subject| match subject.kind.as_str() {
        "Group" => user
            .groups
            .iter()
            .any(|group| group.eq_ignore_ascii_case(&subject.name)),
        "User" => user.username.eq_ignore_ascii_case(&subject.name),
        _ => false,
    };
    let subject = binding.subjects.iter().find(own)?;
    let rules = &rights.role_of(binding)?.rules;
    rules.iter().any(|rule| rule.allows(request)).then(|| {
        (
            0,
            format!(
                "{} allows it to {} {}: upper and lower case count",
                binding_words(binding.namespace.as_deref(), &binding.name),
                subject.kind,
                subject.name
            ),
        )
    })
}

/// A binding that allows it to a user whose name ends as this one's does: a session that was meant to have another user name than
/// what lets it in makes of it.
fn other_template<'p>(
    rights: &Rights<'p>,
    binding: &'p RbacBinding,
    user: &Admitted,
    request: &Request,
) -> Option<(u8, String)> {
    // What Kubernetes names itself is no template's.
    fn end(name: &str) -> Option<&str> {
        name.rsplit([':', '/'])
            .next()
            .filter(|end| !end.is_empty() && !name.starts_with("system:"))
    }
    let own = end(&user.username)?;
    let mut subjects = binding.subjects.iter();
    let subject = subjects.find(|subject| subject.kind == "User" && end(&subject.name) == Some(own))?;
    let rules = &rights.role_of(binding)?.rules;
    rules.iter().any(|rule| rule.allows(request)).then(|| {
        (
            0,
            format!(
                "{} allows it to User {}, and the user name here is {}",
                binding_words(binding.namespace.as_deref(), &binding.name),
                subject.name,
                user.username
            ),
        )
    })
}
