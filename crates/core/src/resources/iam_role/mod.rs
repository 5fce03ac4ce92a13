//! IAM roles of service accounts, each through its CloudFormation stack, under eksctl's names, tags and logical ids, so
//! that either tool can manage what the other made.
//!
//! `desired` says how a role shall be, `compare` what differs, `plan` and `update` what is done about it, `removal` how one goes,
//! `run` does it, `attached` looks at roles of somebody else's, `adopt` reads a live role back into the form of the file.

pub mod adopt;
mod attached;
mod attributes;
pub mod compare;
pub mod desired;
mod operation;
mod overlay;
mod plan;
mod removal;
mod repair;
mod run;
mod shared;
mod stack_state;
mod update;

use eksact_identity::service_account::ServiceAccountKey;
use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::Value;

use super::{
    Kind, Live, LiveReader, Request, RunContext,
    live::{role_name_of, service_account_of},
    request::{key_of, owns_role},
};
use crate::{
    engine::{Address, PlanDraft, StepDone, StepError, executor::Progress},
    ports::aws::Stack,
};
use eksact_identity::cloudformation::tags;

pub use plan::{RoleArn, arn_after};
pub use removal::{is_hindered, is_to_go};

/// The attribute that a role's steps tell to those who wait.
pub const ARN: &str = "ARN";

/// The kind `iam-role`.
#[derive(Debug)]
pub struct IamRoleKind;

/// The address of a service account's role.
pub fn address(key: &ServiceAccountKey) -> Address {
    Address::new(IamRoleKind.name(), format!("{key}"))
}

#[async_trait]
impl Kind for IamRoleKind {
    fn name(&self) -> &'static str {
        "iam-role"
    }

    async fn read(&self, request: &Request, reader: &LiveReader) {
        let attached = attached::names(request, reader.account());
        if !request.needs_roles() {
            reader.roles(attached).await;
            return;
        }
        let (stacks, names) = reader.stacks(request).await;
        reader.oidc_provider().await;
        let Ok(stacks) = stacks else {
            reader.roles(attached).await;
            return;
        };
        let wanted: BTreeSet<&String> = names.values().collect();
        let so_far = reader.so_far();
        let to_go: BTreeSet<String> = request
            .delete
            .iter()
            .filter_map(|key| so_far.own_stack(key))
            .map(|stack| stack.name.clone())
            .collect();
        let of_interest: Vec<&Stack> = stacks
            .all()
            .iter()
            .filter(|stack| {
                service_account_of(stack).is_some_and(|key| {
                    request.prune.is_some() || names.contains_key(&key) || request.delete.contains(&key)
                }) || wanted.contains(&stack.name)
                    || to_go.contains(&stack.name)
            })
            .collect();
        let mut roles: BTreeSet<String> = of_interest
            .iter()
            .filter_map(|stack| role_name_of(stack))
            .map(str::to_owned)
            .chain(attached)
            .collect();
        // A role that the file names may be taken by somebody else: to be told before CloudFormation fails on it.
        roles.extend(
            request
                .service_accounts()
                .iter()
                .filter(|account| owns_role(account))
                .filter_map(|account| account.role_name.as_ref().map(|name| name.value.clone())),
        );
        reader.roles(roles).await;
        let templates = compare::templates_needed(request, &reader.so_far(), &of_interest);
        if !templates.is_empty() {
            reader.templates(templates).await;
        }
    }

    fn plan(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        plan::plan(request, live, draft);
        attached::plan(request, live, draft);
        removal::plan(request, live, draft);
    }

    async fn run(
        &self,
        operation: Value,
        context: &RunContext,
        progress: &Progress,
    ) -> Result<StepDone, StepError> {
        run::run(super::runner::operation_of(operation)?, context, progress).await
    }
}

/// Whether a tag is one that eksctl and eksact write by themselves.
fn is_mark(key: &str) -> bool {
    [
        tags::CLUSTER_NAME,
        tags::OLD_CLUSTER_NAME,
        tags::TOOL_VERSION_NAME,
        tags::SERVICE_ACCOUNT_NAME,
    ]
    .contains(&key)
}

/// The accounts whose role eksact makes.
fn owned(request: &Request) -> impl Iterator<Item = (ServiceAccountKey, &crate::config::ServiceAccount)> {
    request
        .service_accounts()
        .iter()
        .filter(|account| owns_role(account))
        .map(|account| (key_of(account), account))
}
