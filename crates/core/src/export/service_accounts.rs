//! The roles of service accounts: those of our stacks, and those that annotations name.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    document::{Item, Section},
    role::{Names, RoleWords, subject_pattern},
    words::map,
};
use crate::{
    live::{
        Live, MANAGED_BY_LABEL, Ownership, ROLE_ANNOTATION, addresses, is_of_cluster, other_owner, ownership,
        role_name_of, role_owner_of,
    },
    ports::{
        aws::{Role, Stack},
        kubernetes::ServiceAccount,
    },
};
use eksact_identity::{cloudformation::RolePurpose, service_account::ServiceAccountKey};
use eksact_yaml::edit::Value;

const IAM: Option<&str> = Some("iam");
const NAMES: Names = Names {
    managed: "attachPolicyARNs",
    inline: "attachPolicy",
    inline_name: None,
    boundary: "permissionsBoundary",
};

/// Whether the account has the cluster's OIDC provider.
pub(super) fn with_oidc(live: &Live) -> Section {
    let is_there = matches!(live.oidc_provider(), Some(Ok(Some(_))));
    let item = is_there.then(|| Item {
        name: "the OIDC provider of the cluster".to_owned(),
        addresses: vec![addresses::oidc_provider(&live.cluster.name)],
        value: Value::Bool(true),
    });
    Section::value(IAM, "withOIDC", item)
}

/// The service accounts with a role, by namespace and name.
pub(super) fn service_accounts(live: &Live) -> Section {
    let mut section = Section::list(IAM, "serviceAccounts");
    let accounts: BTreeMap<ServiceAccountKey, &ServiceAccount> = match live.all_service_accounts() {
        Some(Ok(all)) => all
            .iter()
            .map(|account| (ServiceAccountKey::new(&account.namespace, &account.name), account))
            .collect(),
        _ => BTreeMap::new(),
    };
    let stacks = stacks_of(live, RolePurpose::ServiceAccount, &mut section);
    let annotated = accounts
        .iter()
        .filter(|(_, account)| account.annotations.contains_key(ROLE_ANNOTATION))
        .map(|(key, _)| key);
    let keys: BTreeSet<&ServiceAccountKey> = stacks.keys().chain(annotated).collect();
    for key in keys {
        let account = accounts.get(key).copied();
        let fields = match stacks.get(key) {
            Some(stack) => of_stack(key, stack, account, live),
            None => account.map_or_else(|| Err(String::new()), of_annotation),
        };
        if let (Ok(_), true, Some(account)) = (&fields, stacks.contains_key(key), account)
            && ownership(account) != Ownership::Ours
        {
            section.leave_out(
                format!("the Kubernetes object of {key}"),
                format!("{}; the file has its role (roleOnly)", whose(account)),
            );
        }
        match fields {
            Ok(fields) => section.items.push(Item {
                name: key.to_string(),
                addresses: vec![
                    addresses::iam_role(key),
                    addresses::service_account(key),
                    addresses::namespace(&key.namespace),
                ],
                value: Value::mapping(
                    [("metadata".to_owned(), metadata(key, account, &fields))]
                        .into_iter()
                        .chain(fields),
                ),
            }),
            Err(why) => section.leave_out(key.to_string(), why),
        }
    }
    section
}

/// The stacks of the cluster that hold a role of this purpose; of two for one service account the one that counts.
pub(super) fn stacks_of<'live>(
    live: &'live Live,
    purpose: RolePurpose,
    section: &mut Section,
) -> BTreeMap<ServiceAccountKey, &'live Stack> {
    let mut found = BTreeMap::new();
    for stack in live.known_stacks() {
        let owner = role_owner_of(stack).filter(|_| is_of_cluster(stack, &live.cluster.name));
        let Some(owner) = owner.filter(|owner| owner.purpose == purpose) else {
            continue;
        };
        if live
            .stack_of(&owner)
            .is_some_and(|counts| counts.name != stack.name)
        {
            section.leave_out(
                format!("the stack {}", stack.name),
                format!("it is for {} as well, and another stack counts", owner.account),
            );
        } else {
            found.insert(owner.account, stack);
        }
    }
    found
}

/// The role of a stack.
pub(super) fn role_of<'live>(stack: &Stack, live: &'live Live) -> Result<&'live Role, String> {
    let name = role_name_of(stack).ok_or_else(|| {
        format!(
            "its stack {} is in status {} and names no role",
            stack.name, stack.status
        )
    })?;
    match live.role(name) {
        Some(Ok(Some(role))) => Ok(role),
        Some(Err(error)) => Err(format!("its role could not be read: {error}")),
        Some(Ok(None)) | None => Err(format!("the role {name} of its stack {} is gone", stack.name)),
    }
}

fn of_stack(
    key: &ServiceAccountKey,
    stack: &Stack,
    account: Option<&ServiceAccount>,
    live: &Live,
) -> Result<Vec<(String, Value)>, String> {
    let role = role_of(stack, live)?;
    let mut fields = RoleWords::of(role, stack).fields(&NAMES);
    if let Some(pattern) = subject_pattern(role, key, live) {
        fields.push(("subjectPattern".to_owned(), Value::text(pattern)));
    }
    let is_ours = account.is_some_and(|account| ownership(account) == Ownership::Ours);
    if !is_ours {
        fields.push(("roleOnly".to_owned(), Value::Bool(true)));
    }
    Ok(fields)
}

fn of_annotation(account: &ServiceAccount) -> Result<Vec<(String, Value)>, String> {
    let arn = account
        .annotations
        .get(ROLE_ANNOTATION)
        .cloned()
        .unwrap_or_default();
    if ownership(account) == Ownership::Ours {
        return Ok(vec![("attachRoleARN".to_owned(), Value::text(arn))]);
    }
    Err(format!("it has the role {arn}, and {}", whose(account)))
}

fn whose(account: &ServiceAccount) -> String {
    other_owner(account).map_or_else(
        || "neither eksctl nor eksact made the service account".to_owned(),
        |owner| format!("the service account is {owner}'s"),
    )
}

fn metadata(key: &ServiceAccountKey, account: Option<&ServiceAccount>, fields: &[(String, Value)]) -> Value {
    let mut metadata = vec![
        ("name".to_owned(), Value::text(&key.name)),
        ("namespace".to_owned(), Value::text(&key.namespace)),
    ];
    let is_written = !fields.iter().any(|(name, _)| name == "roleOnly");
    if let Some(account) = account.filter(|_| is_written) {
        let (labels, annotations) = marks(account);
        for (name, pairs) in [("labels", labels), ("annotations", annotations)] {
            if !pairs.is_empty() {
                metadata.push((name.to_owned(), map(&pairs)));
            }
        }
    }
    Value::Mapping(metadata)
}

type Pairs = BTreeMap<String, String>;

/// The labels and annotations that eksctl or eksact wrote; where Kubernetes does not say who wrote which, all but those of
/// kubectl.
fn marks(account: &ServiceAccount) -> (Pairs, Pairs) {
    let ours: Vec<_> = account
        .field_managers
        .iter()
        .filter(|manager| ["eksact", "eksctl"].contains(&manager.manager.as_str()))
        .collect();
    let is_ours = |owned: &dyn Fn(usize) -> bool| ours.is_empty() || (0..ours.len()).any(owned);
    let kept = |pairs: &Pairs, is_label: bool| -> Pairs {
        pairs
            .iter()
            .filter(|(key, _)| *key != MANAGED_BY_LABEL && *key != ROLE_ANNOTATION)
            .filter(|(key, _)| !key.starts_with("kubectl.kubernetes.io/"))
            .filter(|(key, _)| {
                is_ours(&|index| {
                    ours.get(index).is_some_and(|manager| {
                        if is_label {
                            manager.labels.contains(*key)
                        } else {
                            manager.annotations.contains(*key)
                        }
                    })
                })
            })
            .map(|(key, text)| (key.clone(), text.clone()))
            .collect()
    };
    (kept(&account.labels, true), kept(&account.annotations, false))
}
