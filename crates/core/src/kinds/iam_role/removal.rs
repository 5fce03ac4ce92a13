//! How roles go: asked for by name, or pruned because the file no longer has them. Only stacks that bear this cluster's
//! tag and name a service account are touched.

use eksact_identity::service_account::ServiceAccountKey;
use eksact_message::code::Code;
use serde_json::json;

use super::{
    compare::template_of,
    operation::Operation,
    wanted::{deleted, is_deleted, is_pruned, is_to_go},
};
use crate::{
    config::{ServiceAccount, cluster_access::MappingSubject},
    engine::{
        Action, Address, AttributeChange, Change, Effect, Finding, PlanDraft, Reason, Severity, StepId,
        plan::fingerprint,
    },
    kinds::{
        Request, pod_identity,
        revocation::after_other_way,
        service_account_scope::is_protected,
        stack_health, stack_removal,
        stack_write::token,
        standing::{Standing, standing},
    },
    live::{
        Live, StackState, addresses, is_of_cluster, role_name_of, role_owner_of, service_account_of, state_of,
    },
    ports::aws::{Role, Stack},
};
use eksact_identity::{
    cloudformation::{RoleOwner, RolePurpose, managed_policy::policy_of, wanted_role::WantedRole},
    iam::Arn,
};

/// The account of the file that has been given another role than the one eksact made for it.
fn given_another<'plan>(request: &'plan Request, key: &ServiceAccountKey) -> Option<&'plan ServiceAccount> {
    request
        .service_accounts()
        .iter()
        .find(|account| account.key() == *key && !account.owns_role())
}

/// The account of the file to which `attachRoleARN` attaches the role of this stack.
fn attached_to<'plan>(request: &'plan Request, stack: &Stack) -> Option<&'plan ServiceAccount> {
    let arn = stack.outputs.get("Role1")?;
    request.service_accounts().iter().find(|account| {
        account
            .attach_role_arn
            .as_ref()
            .is_some_and(|attached| attached.value == *arn)
    })
}

/// What of the files names the role of this stack by its ARN, or by its name where a name is enough: it still needs the role.
fn named_by(request: &Request, live: &Live, stack: &Stack) -> Option<String> {
    let arn = stack.outputs.get("Role1")?;
    let name = role_name_of(stack)?;
    // `aws-auth` names a role without its path.
    let without_path = Arn::iam(live.partition, &live.account, &format!("role/{name}")).to_string();
    let is_it = |text: &str| {
        [arn.as_str(), without_path.as_str(), name]
            .iter()
            .any(|own| own.eq_ignore_ascii_case(text))
    };
    let config = &request.config;
    let mut entries = config.access_entries.entries.iter();
    if let Some(entry) = entries.find(|entry| is_it(&entry.principal_arn.value)) {
        return Some(format!("the access entry of {}", entry.principal_arn.value));
    }
    let mappings = config.access.identity_mappings.iter();
    let mut mapped = mappings.filter_map(|mapping| match &mapping.subject {
        MappingSubject::Arn(mapped) => Some(mapped.as_str()),
        _ => None,
    });
    if let Some(mapped) = mapped.find(|mapped| is_it(mapped)) {
        return Some(format!("the mapping of {mapped}"));
    }
    let mut roles = config.access.roles.iter();
    if let Some(role) = roles.find(|role| role.assumed_by.roles.iter().any(|other| is_it(&other.value))) {
        return Some(format!("the trust policy of the role {}", role.name.value));
    }
    let mut accounts = request.service_accounts().iter();
    let attached = accounts.find(|account| {
        let attached = account.attach_role_arn.as_ref();
        attached.is_some_and(|attached| is_it(&attached.value))
    });
    if let Some(account) = attached {
        return Some(format!("the service account {}", account.qualified_name()));
    }
    let mut associations = pod_identity::wanted(request).iter();
    let associated = associations.find(|association| {
        let mut named = association.role_arn.iter().chain(&association.target_role_arn);
        named.any(|role| is_it(&role.value))
    });
    associated.map(|_| "a pod identity association".to_owned())
}

/// Adds the removal of every role that shall go.
pub(super) fn plan(request: &Request, live: &Live, draft: &mut PlanDraft) {
    let delete = &request.service_account_scope().delete;
    if delete.is_empty() && !request.prunes_service_accounts() {
        return;
    }
    if let Some(Err(error)) = live.stacks() {
        draft.add_finding(Finding::new(
            Severity::Error,
            Code::StacksUnreadable,
            format!("no role can be removed, because the stacks of the region could not be read: {error}"),
        ));
        return;
    }
    if request.prunes_service_accounts()
        && let Some(Err(_)) = live.all_service_accounts()
    {
        // Which service accounts still use a role cannot be told: the guard of the service accounts says so.
        return;
    }
    for stack in live.known_stacks() {
        let Some(key) = service_account_of(stack).filter(|_| is_of_cluster(stack, &live.cluster.name)) else {
            continue;
        };
        note_protected(request, &key, draft);
        if !request.role_is_to_go(&key) {
            continue;
        }
        // A role that eksact made and that the file attaches is wanted as much as any other.
        if let Some(user) = attached_to(request, stack).filter(|_| !delete.contains(&key)) {
            draft.add_finding(
                Finding::new(
                    Severity::Note,
                    Code::RoleAttached,
                    format!(
                        "the stack {} is kept: the file attaches its role to {}",
                        stack.name,
                        user.qualified_name()
                    ),
                )
                .about(&addresses::iam_role(&key)),
            );
            continue;
        }
        // The old role stays while its service account cannot be pointed at the other one.
        if let Some(user) =
            given_another(request, &key).filter(|account| standing(request, live, account) != Standing::Free)
        {
            draft.add_finding(
                Finding::new(
                    Severity::Note,
                    Code::RoleKept,
                    format!(
                        "the stack {} is kept: its role stays in use until {} names the other one",
                        stack.name,
                        user.qualified_name()
                    ),
                )
                .about(&addresses::iam_role(&key)),
            );
            continue;
        }
        let owner = RolePurpose::ServiceAccount.of(&key);
        if live.own_stack(&owner).is_some_and(|own| own.id == stack.id) {
            plan_one(request, live, stack, &owner, draft);
        } else {
            draft.add_finding(
                Finding::new(
                    Severity::Error,
                    Code::StackClaimedTwice,
                    format!(
                        "the stack {} claims the service account {}/{}, and another one does too",
                        stack.name, key.namespace, key.name
                    ),
                )
                .about(&addresses::iam_role(&key))
                .with_help(remedy!(
                    "Only the other one is removed. If nothing needs this one: `{}`.",
                    stack_health::deletion_of(stack)
                )),
            );
        }
    }
    for owner in deleted(request, RolePurpose::ServiceAccount) {
        if let Some(stack) = live
            .own_stack(&owner)
            .filter(|stack| role_owner_of(stack).is_none())
        {
            plan_one(request, live, stack, &owner, draft);
        }
    }
}

/// Adds the removal of every role of this purpose that shall go: found by the tag of its stack alone, for `a`/`b-c` and `a-b`/`c`
/// come to the same end of a name.
pub(super) fn plan_by_tag(request: &Request, live: &Live, purpose: RolePurpose, draft: &mut PlanDraft) {
    if deleted(request, purpose).is_empty() && !is_pruned(request, purpose) {
        return;
    }
    if let Some(Err(error)) = live.stacks() {
        draft.add_finding(Finding::new(
            Severity::Error,
            Code::StacksUnreadable,
            format!("no role can be removed, because the stacks of the region could not be read: {error}"),
        ));
        return;
    }
    for stack in live.known_stacks() {
        // A policy's stack goes with its policy, whatever else its tags say.
        let owner = role_owner_of(stack)
            .filter(|owner| owner.purpose == purpose)
            .filter(|_| is_of_cluster(stack, &live.cluster.name) && policy_of(&stack.tags).is_none());
        let Some(owner) = owner.filter(|owner| is_to_go(request, owner)) else {
            continue;
        };
        if purpose == RolePurpose::Assumed
            && let Some(user) = named_by(request, live, stack)
        {
            let message = format!(
                "the stack {} is kept: {user} in the file names its role",
                stack.name
            );
            draft.add_finding(
                Finding::new(Severity::Note, Code::RoleAttached, message).about(&addresses::role_of(&owner)),
            );
            continue;
        }
        plan_one(request, live, stack, &owner, draft);
    }
}

fn note_protected(request: &Request, key: &ServiceAccountKey, draft: &mut PlanDraft) {
    let scope = request.service_account_scope();
    let kept = request.prunes_service_accounts()
        && !scope.prune_named.contains(key)
        && is_protected(key)
        && !scope.delete.contains(key)
        && !request
            .service_accounts()
            .iter()
            .any(|account| account.key() == *key);
    if kept {
        draft.add_finding(
            Finding::new(
                Severity::Note,
                Code::PruneProtected,
                "kube-system/aws-node is not in the file and is kept: without it the cluster loses its network",
            )
            .about(&addresses::iam_role(key))
            .with_help(remedy!("To remove it anyway, name it: --prune-named kube-system/aws-node.")),
        );
    }
}

fn plan_one(request: &Request, live: &Live, stack: &Stack, owner: &RoleOwner, draft: &mut PlanDraft) {
    let key = &owner.account;
    let is_of_token = owner.purpose == RolePurpose::ServiceAccount;
    let address = addresses::role_of(owner);
    match state_of(&stack.status) {
        StackState::Gone => return,
        StackState::Busy => {
            draft.add_finding(stack_health::busy(stack).about(&address));
            return;
        }
        StackState::Stuck if StackState::blocks_deletion(&stack.status) => {
            draft.add_finding(stack_health::stuck(stack).about(&address));
            return;
        }
        StackState::Healthy | StackState::Broken | StackState::Stuck => {}
    }
    if let Some(Err(error)) = live
        .service_account(key)
        .filter(|_| is_of_token && !request.service_account_scope().delete_role_only.contains(key))
    {
        let message = format!("the role is kept, because its service account could not be read: {error}");
        let finding = Finding::new(Severity::Error, Code::ServiceAccountUnreadable, message).about(&address);
        draft.add_finding(finding.with_help_for(error));
        return;
    }
    let role_name = role_name_of(stack);
    let role = match role_name.and_then(|name| live.role(name)) {
        Some(Ok(role)) => role.as_deref(),
        Some(Err(error)) => {
            draft.add_finding(
                Finding::new(
                    Severity::Warning,
                    Code::RoleUnreadable,
                    format!("policies that were attached by hand could not be read, and would make the deletion fail: {error}"),
                )
                .about(&address),
            );
            None
        }
        None => None,
    };
    let old = template_of(live, stack).map(|(_, old)| old);
    let steps = take_down(request, &address, stack, role, old.as_ref(), draft);
    let requested = is_deleted(request, owner);
    let mut attributes = vec![AttributeChange::plain("stack", Some(json!(stack.name)), None)];
    if let Some(name) = role_name {
        attributes
            .push(AttributeChange::plain("role", Some(json!(name)), None).with_effect(Effect::Narrower));
    }
    if let Some(role) = role {
        attributes.extend(
            role.managed_policy_arns
                .iter()
                .map(|arn| AttributeChange::plain("managed policy", Some(json!(arn)), None)),
        );
        attributes.extend(
            role.inline_policies
                .keys()
                .map(|name| AttributeChange::plain("inline policy", Some(json!(name)), None)),
        );
    }
    let mut notes = Vec::new();
    if stack.termination_protection {
        notes.push("The stack's termination protection is lifted first.".to_owned());
    }
    draft.add_change(Change {
        address: address.clone(),
        action: Action::Delete,
        reasons: vec![if requested {
            Reason::new("requested", "it was requested")
        } else if is_of_token && given_another(request, key).is_some() {
            Reason::new("pruned", "the file gives the service account another role")
        } else {
            Reason::new("pruned", "the file no longer has it")
        }],
        source: None,
        attributes,
        depends_on: Vec::new(),
        steps,
        origin: None,
        fingerprint: fingerprint(&(stack, role)),
        effect: Effect::Equal,
        notes,
    });
    if owner.purpose == RolePurpose::Assumed {
        // Who gets in as this role gets in no more before it goes.
        if let Some(role) = role {
            let without_path =
                Arn::iam(live.partition, &live.account, &format!("role/{}", role.name)).to_string();
            draft.order(addresses::access_entry(&role.arn), address.clone());
            draft.order(addresses::identity_mapping(&without_path), address);
        }
        return;
    }
    // Pods lose their role last: what gives it to them goes first, and the provider after every role.
    if is_of_token {
        after_other_way(addresses::pod_identity_association(key), address.clone(), draft);
        draft.order(addresses::service_account(key), address.clone());
        draft.order(address, addresses::oidc_provider(&live.cluster.name));
    } else {
        after_other_way(addresses::service_account(key), address.clone(), draft);
        draft.order(addresses::pod_identity_association(key), address);
    }
}

/// Adds the steps that delete a stack: protection lifted, foreign policies off, then the stack.
pub(super) fn take_down(
    request: &Request,
    address: &Address,
    stack: &Stack,
    role: Option<&Role>,
    old: Option<&WantedRole>,
    draft: &mut PlanDraft,
) -> Vec<StepId> {
    let lift = Operation::SetTerminationProtection {
        stack: stack.id.clone(),
        enabled: false,
    };
    let delete = Operation::DeleteStack {
        name: stack.name.clone(),
        id: stack.id.clone(),
        cloudformation_role_arn: request.settings.cloudformation_role_arn.clone(),
        client_request_token: token("delete", &stack.name, &[&stack.id, &request.settings.nonce]),
    };
    let foreign = role.map(|role| foreign_to(old, role)).unwrap_or_default();
    stack_removal::steps((address, stack), lift, foreign, delete, draft)
}

/// The calls that take off a role what its template did not put on it; all of it where the template cannot be read, for
/// CloudFormation minds what is missing as little as what it put there itself.
pub(super) fn foreign_to(old: Option<&WantedRole>, role: &Role) -> Vec<(String, String, Operation)> {
    let managed = role
        .managed_policy_arns
        .iter()
        .filter(|arn| !old.is_some_and(|old| old.managed_policy_arns.contains(*arn)))
        .map(|arn| {
            (
                format!("detach {arn}"),
                format!(
                    "detach {arn}, which was attached by hand, from role {}",
                    role.name
                ),
                Operation::DetachPolicy {
                    role: role.name.clone(),
                    policy_arn: arn.clone(),
                },
            )
        });
    let inline = role
        .inline_policies
        .keys()
        .filter(|name| !old.is_some_and(|old| old.inline_policies.contains_key(*name)))
        .map(|name| {
            (
                format!("delete {name}"),
                format!(
                    "delete the inline policy {name}, which was added by hand, from role {}",
                    role.name
                ),
                Operation::DeleteInlinePolicy {
                    role: role.name.clone(),
                    name: name.clone(),
                },
            )
        });
    managed.chain(inline).collect()
}
