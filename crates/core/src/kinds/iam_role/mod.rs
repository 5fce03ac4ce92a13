//! IAM roles that pods get, each through its CloudFormation stack, under eksctl's names, tags and logical ids, so
//! that either tool can manage what the other made.
//!
//! And roles that people or pipelines assume, by the same means (`assumed`).
//!
//! `wanted` says which roles, for each way by which somebody gets them; `desired` says how a role shall be, `compare` what differs,
//! `plan`, `creation` and `update` what is done about it, `removal` how one goes, `run` does it, `attached` looks at roles of somebody
//! else's, `adopt` reads a live role back into the form of the file.

pub mod adopt;
mod assumed;
mod attached;
mod attributes;
pub mod compare;
mod creation;
pub mod desired;
mod left_over;
mod operation;
mod origin;
mod overlay;
mod plan;
mod removal;
mod repair;
mod rights;
mod run;
mod shared;
mod update;
mod wanted;

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::{
    Kind, Request, RunContext,
    permissions::{Place, Rights},
};
use crate::{
    engine::{PlanDraft, StepDone, StepError, executor::Progress},
    live::{
        ChangeSetsOf, ClusterOidcProvider, Live, LiveReader, ManagedPolicyByArn, RoleByName, StackInterest,
        StackTemplate, Stacks, role_name_of, role_owner_of,
    },
    ports::aws::Stack,
};
use eksact_identity::cloudformation::{RoleOwner, RolePurpose};

/// The kind `iam-role`: roles that pods get by the token of their service account.
#[derive(Debug)]
pub struct IamRoleKind;

/// The kind `pod-identity-role`: roles that pods get through EKS Pod Identity.
#[derive(Debug)]
pub struct PodIdentityRoleKind;

/// The kind `assumable-role`: roles that people or pipelines assume.
#[derive(Debug)]
pub struct AssumableRoleKind;

/// A kind of roles. They differ in their purpose alone.
trait OfPurpose: Send + Sync {
    const NAME: &'static str;
    const PURPOSE: RolePurpose;
}

impl OfPurpose for IamRoleKind {
    const NAME: &'static str = "iam-role";
    const PURPOSE: RolePurpose = RolePurpose::ServiceAccount;
}

impl OfPurpose for PodIdentityRoleKind {
    const NAME: &'static str = "pod-identity-role";
    const PURPOSE: RolePurpose = RolePurpose::PodIdentity;
}

impl OfPurpose for AssumableRoleKind {
    const NAME: &'static str = "assumable-role";
    const PURPOSE: RolePurpose = RolePurpose::Assumed;
}

#[async_trait]
impl<K: OfPurpose> Kind for K {
    const NAME: &'static str = <K as OfPurpose>::NAME;
    type Operation = operation::Operation;

    fn stack_interest(&self, request: &Request) -> StackInterest {
        interest(request, K::PURPOSE)
    }

    async fn read(&self, request: &Request, reader: &LiveReader) {
        let mut others = Vec::new();
        if K::PURPOSE == RolePurpose::ServiceAccount {
            let attached = attached::names(request, reader.account()).into_iter();
            others.extend(attached.map(RoleByName));
        }
        if !wanted::are_needed(request, K::PURPOSE) {
            reader.read(others).await;
            return;
        }
        if K::PURPOSE == RolePurpose::Assumed {
            assumed::read(request, reader).await;
        }
        read(request, reader, K::PURPOSE, others).await;
    }

    fn plan(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        plan::plan(request, live, K::PURPOSE, draft);
        if K::PURPOSE == RolePurpose::ServiceAccount {
            removal::plan(request, live, draft);
        }
    }

    fn plan_removals(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        match K::PURPOSE {
            RolePurpose::ServiceAccount => {}
            // Once the associations that use the roles, and what lets people in by them, are planned.
            RolePurpose::PodIdentity | RolePurpose::Assumed => {
                removal::plan_by_tag(request, live, K::PURPOSE, draft);
            }
        }
    }

    fn predict(
        &self,
        operation: &Self::Operation,
        _draft: &PlanDraft,
        live: &mut Live,
    ) -> Result<(), StepError> {
        operation.predict(live);
        Ok(())
    }

    fn review(&self, request: &Request, live: &Live, after: &Live, draft: &mut PlanDraft) {
        if K::PURPOSE == RolePurpose::ServiceAccount {
            attached::review(request, live, after, draft);
        }
    }

    fn rights_to_read(&self, request: &Request, place: &Place) -> Rights {
        rights::to_read(request, K::PURPOSE, place)
    }

    fn rights_to_write(&self, operation: &Self::Operation, place: &Place) -> Rights {
        rights::to_write(operation, place)
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

/// Reads the stacks, roles and templates of this purpose, and these roles of others with them.
async fn read(request: &Request, reader: &LiveReader, purpose: RolePurpose, others: Vec<RoleByName>) {
    let stacks = reader.ask(Stacks).await;
    if purpose == RolePurpose::ServiceAccount {
        reader.ask(ClusterOidcProvider).await;
    }
    let Ok(stacks) = stacks.as_ref() else {
        reader.read(others).await;
        return;
    };
    let assigned = stacks.assigned();
    let own_names: BTreeSet<&String> = assigned
        .iter()
        .filter(|(owner, _)| owner.purpose == purpose)
        .map(|(_, name)| name)
        .collect();
    let so_far = reader.snapshot();
    let to_go: BTreeSet<String> = wanted::deleted(request, purpose)
        .iter()
        .filter_map(|owner| so_far.own_stack(owner))
        .map(|stack| stack.name.clone())
        .collect();
    let is_meant = |owner: RoleOwner| {
        owner.purpose == purpose
            && (wanted::is_pruned(request, purpose)
                || assigned.contains_key(&owner)
                || wanted::is_deleted(request, &owner))
    };
    let of_interest: Vec<&Stack> = stacks
        .all()
        .iter()
        .filter(|stack| {
            role_owner_of(stack).is_some_and(is_meant)
                || own_names.contains(&stack.name)
                || to_go.contains(&stack.name)
        })
        .collect();
    // A role that the file names may be taken by somebody else: to be reported before CloudFormation fails on it.
    let owned = wanted::owned(request, purpose);
    // So may be a policy that a role gets by the name that it has in the files.
    let of_files = &request.config.names;
    let policies = owned.iter().flat_map(wanted::OwnedRole::policies);
    let by_name = policies.filter(|arn| {
        of_files
            .policy_of(arn, so_far.partition, &so_far.account)
            .is_some()
    });
    let named = owned.iter().filter_map(|role| role.account.role_name.as_ref());
    let of_stacks = of_interest.iter().filter_map(|stack| role_name_of(stack));
    let roles = of_stacks.chain(named.map(|name| name.value.as_str()));
    tokio::join!(
        reader.read(roles.map(|name| RoleByName(name.to_owned())).chain(others)),
        reader.read(by_name.map(|arn| ManagedPolicyByArn(arn.to_owned()))),
    );
    let going = of_interest.iter().filter(|stack| {
        to_go.contains(&stack.name)
            || role_owner_of(stack)
                .is_some_and(|owner| owner.purpose == purpose && wanted::is_to_go(request, &owner))
    });
    let going: Vec<&str> = going.filter_map(|stack| role_name_of(stack)).collect();
    reader.read_associations_of(going.into_iter()).await;
    let so_far = reader.snapshot();
    let templates = compare::templates_needed(request, &so_far, &of_interest, purpose);
    let change_sets = left_over::to_look_at(request, &so_far, &templates, purpose);
    tokio::join!(
        reader.read(templates.into_iter().map(StackTemplate)),
        reader.read(change_sets.into_iter().map(ChangeSetsOf)),
    );
}

/// The stacks that matter to a request for roles of this purpose.
fn interest(request: &Request, purpose: RolePurpose) -> StackInterest {
    let mut about: BTreeSet<RoleOwner> = wanted::deleted(request, purpose).into_iter().collect();
    match purpose {
        // Also the stacks of those that own no role now.
        RolePurpose::ServiceAccount => {
            about.extend(
                request
                    .service_accounts()
                    .iter()
                    .map(|account| purpose.of(&account.key())),
            );
        }
        RolePurpose::PodIdentity | RolePurpose::Assumed => {
            about.extend(wanted::owned(request, purpose).into_iter().map(|role| role.owner));
        }
    }
    StackInterest {
        wanted: wanted::owned(request, purpose)
            .into_iter()
            .map(|role| role.owner)
            .collect(),
        about,
        about_all: wanted::is_pruned(request, purpose),
        named: BTreeSet::new(),
        timeout: request.settings.timeout,
    }
}
