//! What reading and writing roles calls. CloudFormation acts in the caller's name, unless it is given a role.

use serde_json::Value;

use super::{RolePurpose, assumed, attached, operation::Operation, wanted};
use crate::{
    config::managed_policy::named_policy,
    kinds::{
        Request,
        permissions::{Place, Rights},
    },
};

/// What CloudFormation calls for a role that it makes or changes.
const MAKES: [&str; 9] = [
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:DeleteRole",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:GetRole",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
    "iam:TagRole",
];
/// What it calls besides for one that is there.
const CHANGES: [&str; 5] = [
    "iam:DeleteRolePermissionsBoundary",
    "iam:UntagRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole",
    "iam:UpdateRoleDescription",
];
/// What it calls for one that goes.
const REMOVES: [&str; 5] = [
    "iam:DeleteRole",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:GetRole",
    "iam:ListAttachedRolePolicies",
];

/// To read the roles of a purpose, and those that the file attaches.
pub(super) fn to_read(request: &Request, purpose: RolePurpose, place: &Place) -> Rights {
    let mut rights = Rights::default();
    if purpose == RolePurpose::ServiceAccount {
        for arn in attached::arns(request) {
            rights.read_role(arn);
        }
    }
    if wanted::are_needed(request, purpose) {
        rights.aws("*", &["cloudformation:DescribeStacks"]);
        let stacks = match purpose {
            RolePurpose::ServiceAccount | RolePurpose::PodIdentity => place.stacks(),
            RolePurpose::Assumed => place.named_stacks(),
        };
        rights.aws(
            stacks,
            &["cloudformation:GetTemplate", "cloudformation:ListChangeSets"],
        );
        if purpose == RolePurpose::Assumed {
            rights.aws(place.users(), &["iam:GetUser"]);
            if assumed::names_providers(request) {
                rights.aws(place.all_providers(), &["iam:GetOpenIDConnectProvider"]);
            }
            if assumed::names_permission_sets(request) {
                rights.aws("*", &["iam:ListRoles"]);
            }
        }
        let names = &request.config.names.policies;
        for role in wanted::owned(request, purpose) {
            for name in role.policies().filter_map(named_policy) {
                if let Some(path) = names.get(name) {
                    rights.read_policy(place.policy(path, name));
                }
            }
        }
        // Which roles the stacks have, only the stacks say.
        rights.read_role(place.roles());
        rights.read_roles_at_once();
        if purpose == RolePurpose::ServiceAccount {
            rights.aws(place.providers(), &["iam:GetOpenIDConnectProvider"]);
        }
    }
    rights
}

/// For one write.
pub(super) fn to_write(operation: &Operation, place: &Place) -> Rights {
    let mut rights = Rights::default();
    let mut on_role = |role: &str, actions: &[&'static str]| {
        for role in place.role(role) {
            rights.aws(role, actions);
        }
    };
    match operation {
        Operation::CreateStack { request, .. } => {
            rights.create_stack(&request.name, place);
            let service_role = request.service_role_arn.as_deref();
            rights.through_stack(service_role, |rights| {
                in_template(rights, &request.template_body, &request.name, &MAKES, place);
            });
        }
        Operation::UpdateStack {
            request,
            stack_name,
            shared,
            ..
        } => {
            rights.update_stack(stack_name, place);
            let service_role = request.service_role_arn.as_deref();
            rights.through_stack(service_role, |rights| {
                in_template(rights, &request.template_body, stack_name, &MAKES, place);
                in_template(rights, &request.template_body, stack_name, &CHANGES, place);
            });
            if shared.is_some() {
                rights.aws(place.roles(), &["iam:UpdateAssumeRolePolicy"]);
            }
        }
        Operation::DeleteChangeSet(left) => rights.delete_change_set(&left.stack, place),
        Operation::DeleteStack {
            name,
            cloudformation_role_arn,
            ..
        } => {
            rights.delete_stack(name, place);
            // Which role the stack has, only the stack says.
            rights.through_stack(cloudformation_role_arn.as_deref(), |rights| {
                rights.aws(place.roles(), &REMOVES);
            });
        }
        Operation::SetTerminationProtection { stack, .. } => {
            rights.aws(
                place.stack(stack),
                &["cloudformation:UpdateTerminationProtection"],
            );
        }
        Operation::SetTrustPolicy { role, .. } => on_role(role, &["iam:UpdateAssumeRolePolicy"]),
        Operation::AttachPolicy { role, .. } => on_role(role, &["iam:AttachRolePolicy"]),
        Operation::DetachPolicy { role, .. } => on_role(role, &["iam:DetachRolePolicy"]),
        Operation::PutInlinePolicy { role, .. } => on_role(role, &["iam:PutRolePolicy"]),
        Operation::DeleteInlinePolicy { role, .. } => on_role(role, &["iam:DeleteRolePolicy"]),
        Operation::SetPermissionsBoundary { role, boundary } => match boundary {
            Some(_) => on_role(role, &["iam:PutRolePermissionsBoundary"]),
            None => on_role(role, &["iam:DeleteRolePermissionsBoundary"]),
        },
        Operation::SetMaxSession { role, .. } => on_role(role, &["iam:UpdateRole"]),
        Operation::TagRole { role, .. } => on_role(role, &["iam:TagRole"]),
    }
    rights
}

/// On the role of a template: by the name that it gives, or that CloudFormation makes.
fn in_template(rights: &mut Rights, template: &str, stack: &str, actions: &[&'static str], place: &Place) {
    let template: Value = serde_json::from_str(template).unwrap_or_default();
    let name = template
        .pointer("/Resources/Role1/Properties/RoleName")
        .and_then(Value::as_str);
    match name {
        Some(name) => {
            for role in place.role(name) {
                rights.aws(role, actions);
            }
        }
        None => rights.aws(place.roles_of_stack(stack), actions),
    }
}
