//! One rule of a role, and whether it allows a request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::request::{On, Request};

/// Stands for everything (Kubernetes, `rbac/v1`: `ResourceAll`, `VerbAll`, `APIGroupAll`, `NonResourceAll`).
const ALL: &str = "*";

/// One rule of a role (`rbac.authorization.k8s.io/v1` `PolicyRule`).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct PolicyRule {
    /// API groups, `""` for the core one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub api_groups: Vec<String>,
    /// Resources, plural and lower case.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// Names to which the rule is limited.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_names: Vec<String>,
    /// Paths outside the resources (`ClusterRole` only).
    #[serde(rename = "nonResourceURLs", skip_serializing_if = "Vec::is_empty")]
    pub non_resource_urls: Vec<String>,
    /// Verbs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verbs: Vec<String>,
}

impl PolicyRule {
    /// Whether it allows a request (`pkg/apis/rbac/v1/evaluation_helpers.go`, `plugin/pkg/auth/authorizer/rbac/rbac.go`
    /// `RuleAllows`): every part must match within the one rule, to the letter.
    pub fn allows(&self, request: &Request) -> bool {
        self.allows_some(request)
            && match &request.on {
                // A request without a name (a creation, a listing) has the empty one.
                On::Resource { name, .. } => {
                    let name = name.as_deref().unwrap_or_default();
                    self.resource_names.is_empty() || self.resource_names.iter().any(|own| own == name)
                }
                On::Url { .. } => true,
            }
    }

    /// The same for some object, whichever name it has; [`PolicyRule::resource_names`] says which.
    pub fn allows_some(&self, request: &Request) -> bool {
        has(&self.verbs, &request.verb)
            && match &request.on {
                On::Resource {
                    group,
                    resource,
                    subresource,
                    ..
                } => has(&self.api_groups, group) && self.has_resource(resource, subresource.as_deref()),
                On::Url { url } => self.has_url(url),
            }
    }

    /// `*` stands for every resource and sub-resource, `*/scale` for that sub-resource of every one. `pods` does not give
    /// `pods/log`, and `pods/*` gives nothing but what is called so.
    pub(super) fn has_resource(&self, resource: &str, subresource: Option<&str>) -> bool {
        self.resources.iter().any(|own| {
            own == ALL
                || match subresource {
                    None => own == resource,
                    Some(subresource) => own
                        .split_once('/')
                        .is_some_and(|(of, sub)| (of == resource || of == ALL) && sub == subresource),
                }
        })
    }

    fn has_url(&self, url: &str) -> bool {
        self.non_resource_urls
            .iter()
            .any(|own| own == url || own.ends_with(ALL) && url.starts_with(own.trim_end_matches(ALL)))
    }
}

fn has(words: &[String], wanted: &str) -> bool {
    words.iter().any(|word| word == ALL || word == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn request(verb: &str, group: &str, resource: &str, name: Option<&str>) -> Request {
        let (resource, subresource) = match resource.split_once('/') {
            Some((resource, sub)) => (resource, Some(sub.to_owned())),
            None => (resource, None),
        };
        Request {
            verb: verb.to_owned(),
            on: On::Resource {
                group: group.to_owned(),
                resource: resource.to_owned(),
                subresource,
                name: name.map(ToOwned::to_owned),
            },
            namespace: Some("app".to_owned()),
        }
    }

    /// The cases of Kubernetes' own page and of its issues, part by part.
    #[test]
    fn rules_allow_what_the_api_server_says() {
        type Rule = (
            &'static [&'static str],
            &'static [&'static str],
            &'static [&'static str],
            &'static [&'static str],
        );
        #[rustfmt::skip]
        let table: [(Rule, (&str, &str, &str, Option<&str>), bool); 27] = [
            ((&[""], &["pods"], &[], &["get"]), ("get", "", "pods", Some("web")), true),
            ((&[""], &["pods"], &[], &["*"]), ("impersonate", "", "pods", None), true),
            ((&[""], &["pods"], &[], &["get"]), ("*", "", "pods", None), false),
            ((&[""], &["pods"], &[], &["Get"]), ("get", "", "pods", None), false),
            ((&[""], &["pods"], &[], &["get*"]), ("get", "", "pods", None), false),
            ((&[""], &["pods"], &[], &[]), ("get", "", "pods", None), false),
            ((&["*"], &["pods"], &[], &["get"]), ("get", "", "pods", None), true),
            ((&[""], &["deployments"], &[], &["get"]), ("get", "apps", "deployments", None), false),
            ((&[], &["pods"], &[], &["get"]), ("get", "", "pods", None), false),
            ((&["*.k8s.io"], &["pods"], &[], &["get"]), ("get", "metrics.k8s.io", "pods", None), false),
            ((&[""], &["*"], &[], &["get"]), ("get", "", "pods/log", None), true),
            ((&[""], &["pods"], &[], &["get"]), ("get", "", "pods/log", None), false),
            ((&[""], &["pods/log"], &[], &["get"]), ("get", "", "pods", None), false),
            ((&[""], &["pods/*"], &[], &["get"]), ("get", "", "pods/log", None), false),
            ((&[""], &["*/*"], &[], &["get"]), ("get", "", "pods/log", None), false),
            ((&["*"], &["*/scale"], &[], &["update"]), ("update", "apps", "deployments/scale", None), true),
            ((&["*"], &["*/scale"], &[], &["update"]), ("update", "apps", "deployments", None), false),
            ((&["*"], &["*/scale"], &[], &["update"]), ("update", "apps", "deployments/status", None), false),
            ((&[""], &["pod*"], &[], &["get"]), ("get", "", "pods", None), false),
            // A request without a name (create, list, watch, deletecollection) fits no rule with names.
            ((&[""], &["pods"], &["web"], &["get"]), ("get", "", "pods", Some("web")), true),
            ((&[""], &["pods"], &["web"], &["get"]), ("get", "", "pods", Some("api")), false),
            ((&[""], &["pods"], &["web"], &["create"]), ("create", "", "pods", None), false),
            ((&[""], &["pods"], &["web"], &["create"]), ("create", "", "pods", Some("web")), true),
            ((&[""], &["pods"], &["web"], &["list"]), ("list", "", "pods", None), false),
            ((&[""], &["pods"], &["*"], &["get"]), ("get", "", "pods", Some("web")), false),
            ((&[""], &["pods"], &["*"], &["get"]), ("get", "", "pods", Some("*")), true),
            ((&[""], &["pods"], &[""], &["list"]), ("list", "", "pods", None), true),
        ];
        for ((api_groups, resources, resource_names, verbs), (verb, group, resource, name), expected) in table
        {
            let rule = PolicyRule {
                api_groups: words(api_groups),
                resources: words(resources),
                resource_names: words(resource_names),
                non_resource_urls: Vec::new(),
                verbs: words(verbs),
            };
            assert_eq!(
                rule.allows(&request(verb, group, resource, name)),
                expected,
                "{rule:?} {verb} {group} {resource} {name:?}"
            );
        }
    }

    #[test]
    fn urls_are_allowed_by_their_beginning() {
        for (own, url, expected) in [
            ("*", "/metrics", true),
            ("/healthz/*", "/healthz/etcd", true),
            ("/healthz/*", "/healthz", false),
            ("/healthz*", "/healthz", true),
            ("/api**", "/apis", true),
            ("/*/x", "/a/x", false),
            ("/a/*/x*", "/a/*/xy", true),
            ("/healthz", "/healthz/etcd", false),
        ] {
            let rule = PolicyRule {
                non_resource_urls: words(&[own]),
                verbs: words(&["get"]),
                ..PolicyRule::default()
            };
            let request = Request {
                verb: "get".to_owned(),
                on: On::Url { url: url.to_owned() },
                namespace: None,
            };
            assert_eq!(rule.allows(&request), expected, "{own} {url}");
        }
        let everything = PolicyRule {
            api_groups: words(&["*"]),
            resources: words(&["*"]),
            verbs: words(&["*"]),
            ..PolicyRule::default()
        };
        let metrics = Request {
            verb: "get".to_owned(),
            on: On::Url {
                url: "/metrics".to_owned(),
            },
            namespace: None,
        };
        assert!(!everything.allows(&metrics), "URLs are no resources");
    }
}
