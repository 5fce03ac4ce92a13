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
mod stack_health;
mod update;

use eksact_identity::service_account::ServiceAccountKey;
use std::collections::BTreeSet;

use async_trait::async_trait;

use super::{Kind, Request, RunContext};
use crate::{
    config::ServiceAccount,
    engine::{PlanDraft, StepDone, StepError, executor::Progress},
    live::{
        ClusterOidcProvider, Live, LiveReader, RoleByName, StackInterest, StackTemplate, role_name_of,
        service_account_of,
    },
    ports::aws::Stack,
};
use eksact_identity::cloudformation::tags;

/// The kind `iam-role`.
#[derive(Debug)]
pub struct IamRoleKind;

#[async_trait]
impl Kind for IamRoleKind {
    const NAME: &'static str = "iam-role";
    type Operation = operation::Operation;

    async fn read(&self, request: &Request, reader: &LiveReader) {
        let attached = attached::names(request, reader.account())
            .into_iter()
            .map(RoleByName);
        if !request.needs_roles() {
            reader.read(attached).await;
            return;
        }
        let stacks = reader.stacks(&interest(request)).await;
        reader.ask(ClusterOidcProvider).await;
        let Ok(stacks) = stacks.as_ref() else {
            reader.read(attached).await;
            return;
        };
        let assigned = stacks.assigned();
        let wanted: BTreeSet<&String> = assigned.values().collect();
        let so_far = reader.snapshot();
        let delete = &request.service_account_scope().delete;
        let to_go: BTreeSet<String> = delete
            .iter()
            .filter_map(|key| so_far.own_stack(key))
            .map(|stack| stack.name.clone())
            .collect();
        let prunes = request.prunes_service_accounts();
        let of_interest: Vec<&Stack> = stacks
            .all()
            .iter()
            .filter(|stack| {
                service_account_of(stack)
                    .is_some_and(|key| prunes || assigned.contains_key(&key) || delete.contains(&key))
                    || wanted.contains(&stack.name)
                    || to_go.contains(&stack.name)
            })
            .collect();
        // A role that the file names may be taken by somebody else: to be reported before CloudFormation fails on it.
        let named = owned(request).filter_map(|(_, account)| account.role_name.as_ref());
        let of_stacks = of_interest.iter().filter_map(|stack| role_name_of(stack));
        let roles = of_stacks.chain(named.map(|name| name.value.as_str()));
        reader
            .read(roles.map(|name| RoleByName(name.to_owned())).chain(attached))
            .await;
        let templates = compare::templates_needed(request, &reader.snapshot(), &of_interest);
        reader.read(templates.into_iter().map(StackTemplate)).await;
    }

    fn plan(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        plan::plan(request, live, draft);
        removal::plan(request, live, draft);
    }

    fn predict(
        &self,
        operation: &Self::Operation,
        _draft: &PlanDraft,
        live: &mut Live,
    ) -> Result<(), StepError> {
        if let Some(name) = operation.role_that_goes(live) {
            live.put(RoleByName(name), Ok(None));
        }
        Ok(())
    }

    fn review(&self, request: &Request, live: &Live, after: &Live, draft: &mut PlanDraft) {
        attached::review(request, live, after, draft);
    }

    async fn run(
        &self,
        operation: Self::Operation,
        context: &RunContext,
        progress: &Progress,
    ) -> Result<StepDone, StepError> {
        run::run(operation, context, progress).await
    }
}

/// The stacks that matter to a request.
fn interest(request: &Request) -> StackInterest {
    StackInterest {
        wanted: owned(request).map(|(key, _)| key).collect(),
        about: request
            .service_accounts()
            .iter()
            .map(ServiceAccount::key)
            .chain(request.service_account_scope().delete.iter().cloned())
            .collect(),
        about_all: request.prunes_service_accounts(),
        timeout: request.settings.timeout,
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
fn owned(request: &Request) -> impl Iterator<Item = (ServiceAccountKey, &ServiceAccount)> {
    request
        .service_accounts()
        .iter()
        .filter(|account| account.owns_role())
        .map(|account| (account.key(), account))
}
