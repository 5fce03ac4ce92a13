//! Whether somebody may: the bindings and roles of RBAC as the authorizer goes through them (Kubernetes 1.36,
//! `pkg/registry/rbac/validation/rule.go`), the access policies of EKS beside them, and what neither of them shows.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Picture, Read,
    person::{Fit, Person, fit, people},
};
use crate::{
    guard::access::Admitted,
    live::{binding_words, role_words},
    ports::{
        aws::{AccessEntry, AccessPolicy},
        kubernetes::{PolicyRule, RbacBinding, RbacRole, Subject},
    },
};
use eksact_identity::{
    authn::{
        access_policy::{policy_name, scope_matches},
        aws_auth::{self, AwsAuth},
    },
    iam::trust,
    rbac::{MASTERS, NODES, On, RULES_DATE, Request, rules_of_policy},
};

/// Yes, no, or neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Yes.
    Yes,
    /// It depends on what is said beside it.
    Depends,
    /// No.
    No,
}

impl Verdict {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Depends => "depends",
            Self::No => "no",
        }
    }
}

/// What allows something, borrowed from what was read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Allowing<'a> {
    /// Membership in `system:masters`.
    Masters,
    /// A binding.
    Binding {
        binding: &'a RbacBinding,
        subject: &'a Subject,
        role: &'a RbacRole,
        rule: &'a PolicyRule,
    },
    /// An access policy.
    Policy {
        entry: Option<&'a AccessEntry>,
        policy: &'a AccessPolicy,
        rule: &'a PolicyRule,
    },
}

impl Allowing<'_> {
    pub(super) fn reason(self) -> Reason {
        match self {
            Self::Masters => masters(),
            Self::Binding {
                binding,
                subject,
                role,
                rule,
            } => reason(binding, subject, role, rule),
            Self::Policy { entry, policy, rule } => policy_reason(entry, policy, rule),
        }
    }
}

/// What allows something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// Who is named: `Group developers`, `ServiceAccount app/web`, the ARN of an access entry.
    pub subject: String,
    /// `RoleBinding app/devs`, `access policy`, or `system:masters`.
    pub binding: String,
    /// `ClusterRole view`, `AmazonEKSViewPolicy`; empty for `system:masters`.
    pub role: String,
    /// The rule: `get, list on pods`; empty for `system:masters`.
    pub rule: String,
    /// `the whole cluster`, `namespace app`.
    pub scope: String,
}

impl Reason {
    /// As the API server words it: `allowed by RoleBinding app/devs of ClusterRole view to Group developers`.
    pub fn sentence(&self) -> String {
        match self.binding.as_str() {
            MASTERS => "allowed to everybody in system:masters".to_owned(),
            POLICY => format!(
                "allowed by the access policy {} of the access entry {} for {}",
                self.role, self.subject, self.scope
            ),
            binding => format!("allowed by {binding} of {} to {}", self.role, self.subject),
        }
    }
}

/// What a reason names where no binding is.
pub(super) const POLICY: &str = "access policy";

/// The answer to whether somebody may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Yes, no or neither.
    pub verdict: Verdict,
    /// What allows it, one by one.
    pub reasons: Vec<Reason>,
    /// What it depends on, where nothing allows it for sure.
    pub depends_on: Vec<String>,
}

/// A picture made ready for questions.
#[derive(Debug)]
pub struct Rights<'p> {
    /// What is asked about.
    pub picture: &'p Picture,
    /// The aws-auth ConfigMap as the authenticator reads it; empty where there is none.
    pub aws_auth: Arc<AwsAuth>,
    /// Everybody whom IAM and the cluster let in.
    pub people: Vec<Person<'p>>,
    roles: HashMap<(Option<&'p str>, &'p str), &'p RbacRole>,
    of_cluster: Vec<&'p RbacBinding>,
    of_namespaces: BTreeMap<&'p str, Vec<&'p RbacBinding>>,
    /// What each access policy allows, by its ARN, where that is known.
    policies: BTreeMap<&'p str, Option<Vec<PolicyRule>>>,
}

impl<'p> Rights<'p> {
    /// Makes a picture ready.
    pub fn of(picture: &'p Picture) -> Self {
        let data = picture.aws_auth.known().and_then(Option::as_ref);
        let aws_auth = data.map_or_else(|| aws_auth::parse(&BTreeMap::new()), aws_auth::parse);
        Self::over(picture, Arc::new(aws_auth))
    }

    /// The same where the aws-auth of the picture was parsed before.
    pub(super) fn over(picture: &'p Picture, aws_auth: Arc<AwsAuth>) -> Self {
        let roles = picture.roles.known().into_iter().flatten();
        let mut of_cluster = Vec::new();
        let mut of_namespaces: BTreeMap<&str, Vec<&RbacBinding>> = BTreeMap::new();
        for binding in picture.bindings.known().into_iter().flatten() {
            match binding.namespace.as_deref() {
                None => of_cluster.push(binding),
                Some(namespace) => of_namespaces.entry(namespace).or_default().push(binding),
            }
        }
        let policies = picture.access_entries.known().into_iter().flatten();
        let policies = policies.flat_map(|entry| &entry.policies);
        Self {
            picture,
            people: people(picture, &aws_auth),
            aws_auth,
            roles: roles
                .map(|role| ((role.namespace.as_deref(), role.name.as_str()), role))
                .collect(),
            of_cluster,
            of_namespaces,
            policies: policies
                .map(|policy| (policy.arn.as_str(), rules_of_policy(&policy.arn)))
                .collect(),
        }
    }

    /// The bindings that the authorizer looks at for a request: those of the whole cluster, and those of its namespace.
    pub(super) fn bindings_for(&self, request: &Request) -> impl Iterator<Item = &'p RbacBinding> {
        let own = request.namespace.as_deref();
        let own = own.and_then(|namespace| self.of_namespaces.get(namespace));
        self.of_cluster.iter().chain(own.into_iter().flatten()).copied()
    }

    /// Every binding: those of the whole cluster, and then by namespace.
    pub(super) fn sorted_bindings(&self) -> impl Iterator<Item = &'p RbacBinding> {
        self.of_cluster
            .iter()
            .chain(self.of_namespaces.values().flatten())
            .copied()
    }

    /// Every binding, for what would be allowed elsewhere.
    pub(in crate::diagnosis) fn all_bindings(&self) -> impl Iterator<Item = &'p RbacBinding> {
        self.picture.bindings.known().into_iter().flatten()
    }

    /// The role that a binding gives; none where it does not exist, or was not read.
    pub(in crate::diagnosis) fn role_of(&self, binding: &'p RbacBinding) -> Option<&'p RbacRole> {
        let namespace = binding
            .namespace
            .as_deref()
            .filter(|_| binding.role_kind == "Role");
        let is_known = ["Role", "ClusterRole"].contains(&binding.role_kind.as_str());
        self.roles
            .get(&(namespace, binding.role_name.as_str()))
            .filter(|_| is_known)
            .copied()
    }

    /// What an access policy allows of a request.
    pub(super) fn policy_allows(&self, policy: &AccessPolicy, request: &Request) -> Given<'_> {
        if !is_in_scope(policy, request) {
            return Given::No;
        }
        self.policy_gives(policy, request)
    }

    /// The same wherever its scope is.
    pub(super) fn policy_gives(&self, policy: &AccessPolicy, request: &Request) -> Given<'_> {
        match self.policies.get(policy.arn.as_str()).map(Option::as_deref) {
            Some(Some(rules)) => rules
                .iter()
                .find(|rule| rule.allows(request))
                .map_or(Given::No, Given::Rule),
            _ => Given::Unknown,
        }
    }

    /// The rules of an access policy, where they are known.
    pub(in crate::diagnosis) fn rules_of(&self, policy: &AccessPolicy) -> Option<&[PolicyRule]> {
        self.policies.get(policy.arn.as_str())?.as_deref()
    }

    /// Whether somebody may, with an access entry or without.
    pub fn decide(&self, user: &Admitted, entry: Option<&AccessEntry>, request: &Request) -> Decision {
        let mut reasons = Vec::new();
        let mut depends_on = Vec::new();
        if user.is_in(MASTERS) {
            reasons.push(masters());
        }
        for binding in self.bindings_for(request) {
            let (subject, is_sure) = match named(binding, user) {
                Some(Named::Is(subject)) => (subject, true),
                Some(Named::MayBe(subject)) => (subject, false),
                None => continue,
            };
            let Some(role) = self.role_of(binding) else {
                continue;
            };
            let Some(allowing) = role.rules.iter().find(|rule| rule.allows(request)) else {
                continue;
            };
            let reason = reason(binding, subject, role, allowing);
            if is_sure {
                reasons.push(reason);
            } else {
                depends_on.push(format!(
                    "the session: only one that makes the user name {} is {}",
                    subject.name,
                    reason.sentence()
                ));
            }
        }
        for policy in entry.into_iter().flat_map(|entry| &entry.policies) {
            match self.policy_allows(policy, request) {
                Given::Rule(rule) => reasons.push(policy_reason(entry, policy, rule)),
                Given::Unknown => depends_on.push(unknown_policy(policy)),
                Given::No => {}
            }
        }
        if reasons.is_empty() {
            if user.is_in(NODES) && is_for_nodes(request) {
                depends_on.push(NODE_AUTHORIZER.to_owned());
            }
            depends_on.extend(self.unread());
        }
        let verdict = match (reasons.is_empty(), depends_on.is_empty()) {
            (false, _) => Verdict::Yes,
            (true, false) => Verdict::Depends,
            (true, true) => Verdict::No,
        };
        Decision {
            verdict,
            reasons,
            depends_on,
        }
    }

    /// What of RBAC could not be read, each as something that an answer depends on.
    fn unread(&self) -> impl Iterator<Item = String> {
        [
            ("bindings", self.picture.bindings.unread()),
            ("roles", self.picture.roles.unread()),
        ]
        .into_iter()
        .filter_map(|(what, why)| Some(format!("{what}, which could not be read: {}", why?)))
    }

    /// The names of the access policies of which it is not known what they allow.
    pub(super) fn unknown_policies(&self) -> Vec<&'p str> {
        let unknown = self.policies.iter().filter(|(_, rules)| rules.is_none());
        unknown.map(|(arn, _)| policy_name(arn).unwrap_or(arn)).collect()
    }

    /// The date of the rules of access policies, where an answer rests on them.
    pub fn policies_note(&self) -> Option<String> {
        let is_asked = self.policies.values().any(Option::is_some);
        is_asked.then(|| {
            format!(
                "EKS does not say what its access policies allow: eksact knows their rules as of {RULES_DATE}"
            )
        })
    }
}

/// What an access policy gives of a request.
pub(super) enum Given<'r> {
    Rule(&'r PolicyRule),
    Unknown,
    No,
}

/// Whether an access policy is for this request: one for namespaces gives nothing of the whole cluster.
pub(super) fn is_in_scope(policy: &AccessPolicy, request: &Request) -> bool {
    match (&policy.namespaces, &request.namespace) {
        (None, _) => true,
        (Some(patterns), Some(namespace)) => patterns.iter().any(|pattern| scope_matches(pattern, namespace)),
        (Some(_), None) => false,
    }
}

/// What the node authorizer may give: nodes, and what their pods need
/// (`plugin/pkg/auth/authorizer/node/node_authorizer.go`).
pub(super) fn is_for_nodes(request: &Request) -> bool {
    match &request.on {
        On::Url { .. } => false,
        On::Resource { group, resource, .. } => matches!(
            (group.as_str(), resource.as_str()),
            (
                "",
                "nodes"
                    | "pods"
                    | "secrets"
                    | "configmaps"
                    | "persistentvolumeclaims"
                    | "persistentvolumes"
                    | "serviceaccounts"
                    | "services"
                    | "events"
            ) | ("coordination.k8s.io", "leases")
                | ("storage.k8s.io", "csinodes" | "csidrivers" | "volumeattachments")
                | ("resource.k8s.io", _)
                | (
                    "certificates.k8s.io",
                    "certificatesigningrequests" | "podcertificaterequests"
                )
        ),
    }
}

/// What an answer about nodes depends on.
pub(super) const NODE_AUTHORIZER: &str =
    "the node authorizer, which no object shows: a node may use itself and what its own pods need";

/// Who of a binding's subjects somebody is.
pub(super) enum Named<'p> {
    Is(&'p Subject),
    MayBe(&'p Subject),
}

/// The subject of a binding that somebody is, the first one that is sure (`appliesToUser`).
pub(super) fn named<'p>(binding: &'p RbacBinding, user: &Admitted) -> Option<Named<'p>> {
    let mut maybe = None;
    for subject in &binding.subjects {
        let fit = match subject.kind.as_str() {
            "User" => fit(&user.username, &subject.name),
            "Group" if user.is_in(&subject.name) => Fit::Is,
            "ServiceAccount" => match account_of(binding, subject) {
                Some((namespace, name)) => fit(&user.username, &trust::subject(namespace, name)),
                None => Fit::No,
            },
            _ => Fit::No,
        };
        match fit {
            Fit::Is => return Some(Named::Is(subject)),
            Fit::MayBe => maybe = maybe.or(Some(subject)),
            Fit::No => {}
        }
    }
    maybe.map(Named::MayBe)
}

/// The service account that a subject names: in its own namespace, or else that of the binding.
pub(in crate::diagnosis) fn account_of<'p>(
    binding: &'p RbacBinding,
    subject: &'p Subject,
) -> Option<(&'p str, &'p str)> {
    let own = subject
        .namespace
        .as_deref()
        .filter(|namespace| !namespace.is_empty());
    Some((own.or(binding.namespace.as_deref())?, subject.name.as_str()))
}

/// That everybody in `system:masters` may do everything.
pub(super) fn masters() -> Reason {
    Reason {
        subject: format!("Group {MASTERS}"),
        binding: MASTERS.to_owned(),
        role: String::new(),
        rule: String::new(),
        scope: WHOLE_CLUSTER.to_owned(),
    }
}

const WHOLE_CLUSTER: &str = "the whole cluster";

/// What a binding allows.
pub(super) fn reason(
    binding: &RbacBinding,
    subject: &Subject,
    role: &RbacRole,
    allowing: &PolicyRule,
) -> Reason {
    let name = match (subject.kind.as_str(), account_of(binding, subject)) {
        ("ServiceAccount", Some((namespace, name))) => format!("{namespace}/{name}"),
        _ => subject.name.clone(),
    };
    Reason {
        subject: format!("{} {name}", subject.kind),
        binding: binding_words(binding.namespace.as_deref(), &binding.name),
        role: role_words(role.namespace.as_deref(), &role.name),
        rule: crate::guard::rbac_rules::in_words(allowing),
        scope: match &binding.namespace {
            Some(namespace) => format!("namespace {namespace}"),
            None => WHOLE_CLUSTER.to_owned(),
        },
    }
}

/// What an access policy allows.
pub(super) fn policy_reason(entry: Option<&AccessEntry>, policy: &AccessPolicy, rule: &PolicyRule) -> Reason {
    Reason {
        subject: entry.map_or_else(String::new, |entry| entry.principal_arn.clone()),
        binding: POLICY.to_owned(),
        role: policy_name(&policy.arn).unwrap_or(&policy.arn).to_owned(),
        rule: crate::guard::rbac_rules::in_words(rule),
        scope: match &policy.namespaces {
            None => WHOLE_CLUSTER.to_owned(),
            Some(namespaces) => format!("namespaces {}", namespaces.join(", ")),
        },
    }
}

/// What an answer depends on where a policy's rules are not known.
pub(super) fn unknown_policy(policy: &AccessPolicy) -> String {
    format!(
        "the access policy {}, of which eksact does not know what it allows",
        policy_name(&policy.arn).unwrap_or(&policy.arn)
    )
}

impl<'p> Rights<'p> {
    /// The service accounts that were read.
    pub(super) fn accounts(&self) -> &'p [super::Account] {
        match &self.picture.service_accounts {
            Read::Known(accounts) => accounts,
            Read::Unread(_) => &[],
        }
    }
}
