//! Who gets into the cluster: its mode, its access entries, `aws-auth`, and the groups that eksact bound.

use std::collections::BTreeMap;

use super::{
    document::{Item, Section},
    words::{texts, words},
};
use crate::{
    config::cluster_access::EMR_CONTAINERS,
    kinds::{access_entry, identity_mapping::emr_role_arn, rbac},
    live::{Live, Observed, addresses, role_key},
    ports::{
        aws::{AccessEntry, AccessPolicy, AuthenticationMode},
        kubernetes::{PolicyRule, RbacBinding},
    },
};
use eksact_identity::authn::{
    access_entry::{STANDARD, derived_username, is_for_nodes, is_service_linked},
    aws_auth::{AwsAuth, SectionKey, parse, principals},
};
use eksact_yaml::edit::Value;

const ACCESS_CONFIG: Option<&str> = Some("accessConfig");
/// The tag by which CloudFormation tells whose resource something is.
const STACK_TAG: &str = "aws:cloudformation:stack-name";

/// Where the cluster looks up who gets in.
pub(super) fn mode(live: &Live) -> Section {
    let key = "authenticationMode";
    let item = |written: &str| Item {
        name: "the mode".to_owned(),
        addresses: AuthenticationMode::ALL
            .map(|mode| addresses::authentication_mode(&live.cluster.name, mode))
            .to_vec(),
        value: Value::text(written),
    };
    match live.cluster.mode() {
        // A cluster that tells no mode is older than modes; the file need not say it either.
        Ok(_) => Section::value(
            ACCESS_CONFIG,
            key,
            live.cluster.authentication_mode.as_deref().map(item),
        ),
        Err(error) => {
            let mut section = Section::value(ACCESS_CONFIG, key, None);
            section.leave_out("the mode", error.to_string());
            section
        }
    }
}

/// Whether the creator became an administrator: only where that is not what EKS does unasked.
pub(super) fn bootstrap(live: &Live) -> Section {
    let item = (live.cluster.bootstrap_creator_admin == Some(false)).then(|| Item {
        name: "the creator's rights".to_owned(),
        addresses: Vec::new(),
        value: Value::Bool(false),
    });
    Section::value(ACCESS_CONFIG, "bootstrapClusterCreatorAdminPermissions", item)
}

/// The access entries, by principal.
pub(super) fn entries(live: &Live) -> Section {
    let mut section = Section::list(ACCESS_CONFIG, "accessEntries");
    let mut all: Vec<&AccessEntry> = known(live.access_entries()).into_iter().flatten().collect();
    all.sort_by(|one, other| one.principal_arn.cmp(&other.principal_arn));
    for entry in all {
        match entry_is_anothers(entry, live) {
            Some(why) => section.leave_out(&entry.principal_arn, why),
            None => section.items.push(Item {
                name: entry.principal_arn.clone(),
                addresses: vec![addresses::access_entry(&entry.principal_arn)],
                value: entry_value(entry),
            }),
        }
    }
    section
}

/// Why an entry is not the file's to say.
fn entry_is_anothers(entry: &AccessEntry, live: &Live) -> Option<String> {
    if is_service_linked(&entry.principal_arn) {
        return Some("EKS made it for a service, and only the service changes it".to_owned());
    }
    let own_stack = format!("eksctl-{}-accessentry-", live.cluster.name);
    let stack = entry.tags.get(STACK_TAG);
    if let Some(stack) = stack.filter(|stack| !stack.starts_with(&own_stack)) {
        return Some(format!("it belongs to the CloudFormation stack {stack}"));
    }
    let is_ours = entry
        .tags
        .get(access_entry::MANAGED_BY_TAG)
        .is_some_and(|value| value == access_entry::MANAGED_BY);
    (is_for_nodes(&entry.entry_type) && !is_ours && stack.is_none()).then(|| {
        format!(
            "it is for nodes ({}), and EKS makes such entries itself; add it if you made it",
            entry.entry_type
        )
    })
}

fn entry_value(entry: &AccessEntry) -> Value {
    let mut fields = vec![("principalARN", Value::text(&entry.principal_arn))];
    if entry.entry_type != STANDARD {
        fields.push(("type", Value::text(&entry.entry_type)));
    }
    if !is_for_nodes(&entry.entry_type) {
        if entry.username != derived_username(&entry.entry_type, &entry.principal_arn) {
            fields.push(("kubernetesUsername", Value::text(&entry.username)));
        }
        if !entry.groups.is_empty() {
            let mut groups = entry.groups.clone();
            groups.sort();
            fields.push(("kubernetesGroups", Value::texts(groups)));
        }
    }
    if !entry.policies.is_empty() {
        let mut policies: Vec<&AccessPolicy> = entry.policies.iter().collect();
        policies.sort();
        let policies = policies.into_iter().map(policy_value).collect();
        fields.push(("accessPolicies", Value::Sequence(policies)));
    }
    Value::mapping(fields)
}

fn policy_value(policy: &AccessPolicy) -> Value {
    let scope = match &policy.namespaces {
        None => vec![("type", Value::text("cluster"))],
        Some(namespaces) => {
            let mut namespaces = namespaces.clone();
            namespaces.sort();
            vec![
                ("type", Value::text("namespace")),
                ("namespaces", Value::texts(namespaces)),
            ]
        }
    };
    Value::mapping([
        ("policyARN", Value::text(&policy.arn)),
        ("accessScope", Value::mapping(scope)),
    ])
}

/// `aws-auth`, as the authenticator reads it.
pub(super) fn mappings(live: &Live) -> Section {
    let mut section = Section::list(None, "iamIdentityMappings");
    let Some(config_map) = known(live.aws_auth()).and_then(Option::as_ref) else {
        return section;
    };
    let aws_auth = parse(&config_map.data);
    if !live.cluster.reads_aws_auth() {
        section.leave_out(
            "the ConfigMap aws-auth",
            "the cluster is in authentication mode API and does not read it",
        );
        return section;
    }
    let admitted = principals(&aws_auth);
    // By its name the file has the service's Role and RoleBinding, too.
    let (emr_role, emr_namespaces) = (emr_role_arn(live), rbac::emr_namespaces(live));
    for key in [SectionKey::Roles, SectionKey::Users] {
        for (index, entry) in aws_auth.mappings(key).iter().enumerate() {
            let mapping = &entry.value;
            let name = format!("line {} of {} ({})", entry.line, key.as_str(), mapping.arn);
            let decides = admitted
                .arns
                .values()
                .any(|principal| principal.section == key && principal.entry == index);
            if !decides {
                section.leave_out(
                    name,
                    "it lets nobody in: no caller has this ARN, or another line for it decides",
                );
                continue;
            }
            let is_of_emr =
                mapping.arn == emr_role && mapping.username == EMR_CONTAINERS && mapping.groups.is_empty();
            if is_of_emr && !emr_namespaces.is_empty() {
                section.items.extend(emr_namespaces.iter().map(|namespace| Item {
                    name: format!("{name} in namespace {namespace}"),
                    addresses: vec![
                        addresses::identity_mapping(&mapping.arn),
                        addresses::aws_auth(),
                        addresses::rbac_role(Some(namespace), EMR_CONTAINERS),
                        addresses::rbac_binding(Some(namespace), EMR_CONTAINERS),
                    ],
                    value: Value::mapping([
                        ("serviceName", Value::text(EMR_CONTAINERS)),
                        ("namespace", Value::text(*namespace)),
                    ]),
                }));
                continue;
            }
            let mut fields = vec![("arn", Value::text(&mapping.arn))];
            if !mapping.username.is_empty() {
                fields.push(("username", Value::text(&mapping.username)));
            }
            if !mapping.groups.is_empty() {
                fields.push(("groups", texts(&mapping.groups)));
            }
            section.items.push(Item {
                name,
                addresses: vec![addresses::identity_mapping(&mapping.arn), addresses::aws_auth()],
                value: Value::mapping(fields),
            });
        }
    }
    for entry in &aws_auth.accounts.entries {
        section.items.push(Item {
            name: format!("account {}", entry.value),
            addresses: vec![addresses::identity_mapping(&entry.value), addresses::aws_auth()],
            value: Value::mapping([("account", Value::text(&entry.value))]),
        });
    }
    not_read(&aws_auth, &mut section);
    section
}

/// What is written in `aws-auth` and counts for nothing.
fn not_read(aws_auth: &AwsAuth, section: &mut Section) {
    for (key, fault) in aws_auth.dropped() {
        section.leave_out(
            key.as_str(),
            format!("the cluster reads nothing of it: {}", words(&fault.problem)),
        );
    }
    let refused = [
        (SectionKey::Roles, &aws_auth.roles.refused),
        (SectionKey::Users, &aws_auth.users.refused),
        (SectionKey::Accounts, &aws_auth.accounts.refused),
    ];
    for (key, items) in refused {
        for item in items {
            section.leave_out(
                format!("item {} of {}", item.item + 1, key.as_str()),
                words(&item.because),
            );
        }
    }
    for key in &aws_auth.unknown_keys {
        section.leave_out(
            format!("the key {key} of aws-auth"),
            "the cluster does not read it",
        );
    }
}

/// The groups that eksact bound, by name.
pub(super) fn groups(live: &Live) -> Section {
    let mut section = Section::list(None, "groups");
    let mut groups: BTreeMap<&str, BTreeMap<&str, Vec<&RbacBinding>>> = BTreeMap::new();
    for binding in known(live.bindings()).into_iter().flatten() {
        let is_ours = binding
            .labels
            .get(rbac::MANAGED_BY_LABEL)
            .is_some_and(|value| value == rbac::MANAGED_BY);
        let Some(group) = binding
            .annotations
            .get(rbac::GROUP_ANNOTATION)
            .filter(|_| is_ours)
        else {
            continue;
        };
        let of_group = groups.entry(group).or_default();
        of_group.entry(&binding.role_name).or_default().push(binding);
    }
    for (group, roles) in groups {
        let mut bindings = Vec::new();
        let mut objects = Vec::new();
        for (role, of_role) in roles {
            objects.push(addresses::rbac_role(None, role));
            objects.extend(
                of_role
                    .iter()
                    .map(|binding| addresses::rbac_binding(binding.namespace.as_deref(), &binding.name)),
            );
            let role = role_fields(role, of_role.first().copied(), live);
            let mut namespaces: Vec<&String> = of_role
                .iter()
                .filter_map(|binding| binding.namespace.as_ref())
                .collect();
            namespaces.sort();
            if of_role.iter().any(|binding| binding.namespace.is_none()) {
                bindings.push(Value::mapping(role.clone()));
            }
            if !namespaces.is_empty() {
                let more = [("namespaces", texts(&namespaces))];
                bindings.push(Value::mapping(role.into_iter().chain(more)));
            }
        }
        section.items.push(Item {
            name: format!("group {group}"),
            addresses: objects,
            value: Value::mapping([
                ("name", Value::text(group)),
                ("bindings", Value::Sequence(bindings)),
            ]),
        });
    }
    section
}

/// The role by its name, or its rules where it is one that eksact made for the group.
fn role_fields(role: &str, binding: Option<&RbacBinding>, live: &Live) -> Vec<(&'static str, Value)> {
    let found = binding
        .map(role_key)
        .and_then(|key| known(live.rbac_role(&key)))
        .and_then(Option::as_ref);
    let own = found.filter(|role| {
        role.labels
            .get(rbac::MANAGED_BY_LABEL)
            .is_some_and(|value| value == rbac::MANAGED_BY)
    });
    match own {
        Some(own) => vec![("rules", Value::Sequence(own.rules.iter().map(rule).collect()))],
        None => vec![("clusterRole", Value::text(role))],
    }
}

fn rule(rule: &PolicyRule) -> Value {
    let fields = [
        ("apiGroups", &rule.api_groups),
        ("resources", &rule.resources),
        ("resourceNames", &rule.resource_names),
        ("nonResourceURLs", &rule.non_resource_urls),
        ("verbs", &rule.verbs),
    ];
    let fields = fields.into_iter().filter(|(_, words)| !words.is_empty());
    Value::mapping(fields.map(|(key, words)| (key, texts(words))))
}

fn known<T>(answer: Option<&Observed<T>>) -> Option<&T> {
    answer.and_then(|answer| answer.as_ref().ok())
}
