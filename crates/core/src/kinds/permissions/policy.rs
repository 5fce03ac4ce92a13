//! Rights as what AWS and Kubernetes take: a policy, and manifests of RBAC.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Rights;

/// Resources, and the service to which roles are passed.
type Scope = (BTreeSet<String>, Option<&'static str>);

impl Rights {
    /// The IAM policy: one statement for all actions that are on the same resources.
    pub fn policy(&self) -> Value {
        let mut resources: BTreeMap<(&'static str, Option<&'static str>), BTreeSet<String>> = BTreeMap::new();
        for right in &self.aws {
            let of = resources.entry((right.action, right.passed_to)).or_default();
            of.insert(right.resource.clone());
        }
        let mut statements: BTreeMap<Scope, Vec<&str>> = BTreeMap::new();
        for ((action, passed_to), mut resources) in resources {
            if resources.contains("*") {
                resources = BTreeSet::from(["*".to_owned()]);
            }
            statements.entry((resources, passed_to)).or_default().push(action);
        }
        let statements: Vec<Value> = statements
            .into_iter()
            .enumerate()
            .map(|(index, ((resources, passed_to), actions))| {
                let mut statement = json!({
                    "Sid": format!("Eksact{}", index + 1),
                    "Effect": "Allow",
                    "Action": actions,
                    "Resource": resources,
                });
                if let Some(service) = passed_to {
                    statement["Condition"] = json!({"StringEquals": {"iam:PassedToService": service}});
                }
                statement
            })
            .collect();
        json!({"Version": "2012-10-17", "Statement": statements})
    }

    /// A `ClusterRole` for what is everywhere, and a `Role` for each namespace; bound to no one.
    pub fn rbac(&self) -> Vec<Value> {
        let mut places: BTreeMap<Option<&str>, BTreeMap<(&str, &str), BTreeSet<&str>>> = BTreeMap::new();
        for right in &self.kubernetes {
            let rules = places.entry(right.namespace.as_deref()).or_default();
            let verbs = rules.entry((&right.group, &right.resource)).or_default();
            verbs.insert(&right.verb);
        }
        places
            .into_iter()
            .map(|(namespace, rules)| {
                let rules: Vec<Value> = rules
                    .into_iter()
                    .map(|((group, resource), verbs)| json!({"apiGroups": [group], "resources": [resource], "verbs": verbs}))
                    .collect();
                let mut metadata = json!({"name": "eksact"});
                if let Some(namespace) = namespace {
                    metadata["namespace"] = json!(namespace);
                }
                json!({
                    "apiVersion": "rbac.authorization.k8s.io/v1",
                    "kind": if namespace.is_some() { "Role" } else { "ClusterRole" },
                    "metadata": metadata,
                    "rules": rules,
                })
            })
            .collect()
    }
}
