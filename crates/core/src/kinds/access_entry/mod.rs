//! Access entries of EKS: one change per principal, compared as a whole and written call by call.
//!
//! An entry that is there is compared and adopted as it is, whoever made it; what EKS makes for nodes is compared in its type
//! alone. Whatever is taken away is taken away after all that is given.

mod adoption;
mod calls;
mod findings;
mod granted;
mod mapping;
mod operation;
mod plan;
mod removal;
mod replacement;
mod resolved;
mod run;
mod stack;
mod target;
mod through_stack;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use self::target::{Difference, target};
use super::{Kind, Request, RunContext, left_change_set, scope::saved_scope};
use crate::kinds::permissions::{Place, Rights};
use crate::{
    config::access_entry::AccessEntry as ConfiguredEntry,
    engine::{PlanDraft, StepDone, StepError, executor::Progress},
    live::{
        AccessEntries, AllNamespaces, AwsAuth, Bindings, CallerInCluster, ChangeSetsOf, Live, LiveReader,
        OfferedAccessPolicies, PermissionSetRoles, PrincipalByArn, StackTemplate, Stacks,
    },
    ports::aws::{AccessEntry, AuthenticationMode},
};

/// The tag of the entries that eksact made, which `--prune` may delete.
pub const MANAGED_BY_TAG: &str = "eksact.dev/managed-by";
/// Its value.
pub const MANAGED_BY: &str = "eksact";

/// The kind `access-entry`.
#[derive(Debug)]
pub struct AccessEntryKind;

/// What a command asks of access entries beyond the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessEntryScope {
    /// The principals whose entries shall go.
    pub delete: Vec<String>,
    /// Whether only what exists is changed: an entry that is missing is an error, and not made.
    pub is_update: bool,
}

saved_scope!(AccessEntryScope, "access-entries");

fn wanted(request: &Request) -> &[ConfiguredEntry] {
    &request.config.access_entries.entries
}

fn to_delete(request: &Request) -> &[String] {
    request
        .scope::<AccessEntryScope>()
        .map(|scope| scope.delete.as_slice())
        .unwrap_or_default()
}

/// Whether the request has anything to do with access entries.
fn is_asked(request: &Request) -> bool {
    request.config.access_entries.is_listed || !wanted(request).is_empty() || !to_delete(request).is_empty()
}

/// Whether the cluster has no access entries at all, and goes to no mode in which it has some.
fn stays_without_entries(request: &Request, live: &Live) -> bool {
    let wanted = request.config.authentication_mode.as_ref();
    live.cluster.mode() == Ok(AuthenticationMode::ConfigMap)
        && wanted.is_none_or(|wanted| wanted.value == AuthenticationMode::ConfigMap)
}

/// The tags of an entry that eksact makes.
fn own_tags() -> BTreeMap<String, String> {
    BTreeMap::from([(MANAGED_BY_TAG.to_owned(), MANAGED_BY.to_owned())])
}

/// Whether an entry has the mark of those that eksact makes.
fn is_marked(entry: &AccessEntry) -> bool {
    entry
        .tags
        .get(MANAGED_BY_TAG)
        .is_some_and(|value| value == MANAGED_BY)
}

/// Reads the stacks where one may have made an entry that has to change, or be left of one that could not be made.
async fn read_stacks(entries: &[AccessEntry], resolved: &resolved::Resolved<'_>, reader: &LiveReader) {
    let so_far = reader.snapshot();
    let wanted: BTreeMap<&str, &ConfiguredEntry> = resolved
        .entries
        .iter()
        .map(|entry| (entry.principal_arn.value.as_str(), entry.as_ref()))
        .collect();
    let is_stale = |entry: &AccessEntry| matches!(so_far.principal(&entry.principal_arn), Some(Ok(Some(principal))) if entry.is_stale(principal));
    let is_to_change = |entry: &&AccessEntry| {
        let arn = entry.principal_arn.as_str();
        let differs = wanted.get(arn).is_some_and(|wanted| {
            is_stale(entry) || !Difference::of(&target(wanted, Some(entry)), entry).is_none()
        });
        differs || resolved.delete.iter().any(|deleted| *deleted == arn)
    };
    let changed: Vec<&AccessEntry> = entries.iter().filter(is_to_change).collect();
    let there: BTreeSet<&str> = entries.iter().map(|entry| entry.principal_arn.as_str()).collect();
    // On the stack of one a run may have left a change set.
    let kept: Vec<&AccessEntry> = entries
        .iter()
        .filter(|entry| wanted.contains_key(entry.principal_arn.as_str()) && stack::has_stack(entry))
        .collect();
    if changed.is_empty() && kept.is_empty() && wanted.keys().all(|arn| there.contains(arn)) {
        return;
    }
    reader.ask(Stacks).await;
    let so_far = reader.snapshot();
    let stacks = changed
        .iter()
        .filter_map(|entry| stack::eksctl_stack(entry, &so_far));
    let templates: BTreeSet<String> = stacks.map(|stack| stack.name.clone()).collect();
    let kept = kept
        .into_iter()
        .filter_map(|entry| stack::stack_that_made(entry, &so_far));
    let change_sets = left_change_set::to_look_at(kept, &templates);
    tokio::join!(
        reader.read(templates.into_iter().map(StackTemplate)),
        reader.read(change_sets.into_iter().map(ChangeSetsOf)),
    );
}

#[async_trait]
impl Kind for AccessEntryKind {
    const NAME: &'static str = "access-entry";
    const GIVES_ACCESS: &'static [&'static str] = &[Self::NAME];
    type Operation = operation::Operation;

    async fn read(&self, request: &Request, reader: &LiveReader) {
        if !is_asked(request) || stays_without_entries(request, &reader.snapshot()) {
            return;
        }
        if resolved::names_permission_set(request) {
            reader.ask(PermissionSetRoles).await;
        }
        let resolved = resolved::resolved(request, &reader.snapshot());
        let wanted = &resolved.entries;
        let account = reader.account();
        // Of other accounts nothing can be read, and a flaw in an ARN is the configuration's to tell.
        let principals: Vec<PrincipalByArn> = wanted
            .iter()
            .map(|entry| entry.principal_arn.value.as_str())
            .filter(|arn| arn.split(':').nth(4) == Some(account))
            .map(|arn| PrincipalByArn(arn.to_owned()))
            .collect();
        let offered = async {
            if wanted.iter().any(|entry| !entry.policies.is_empty()) {
                reader.ask(OfferedAccessPolicies).await;
            }
        };
        let in_cluster = async {
            // What the guards look at, and which mappings an entry shadows.
            tokio::join!(reader.ask(CallerInCluster), reader.ask(AwsAuth));
            if wanted.iter().any(|entry| !entry.groups.is_empty()) {
                reader.ask(Bindings).await;
            }
            let mut policies = wanted.iter().flat_map(|entry| &entry.policies);
            if policies.any(|policy| !policy.namespaces.is_empty()) {
                reader.ask(AllNamespaces).await;
            }
        };
        let entries = reader.ask(AccessEntries);
        let (entries, (), (), ()) = tokio::join!(entries, offered, in_cluster, reader.read(principals));
        if let Ok(entries) = entries.as_ref() {
            read_stacks(entries, &resolved, reader).await;
        }
    }

    fn plan(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        if is_asked(request) {
            plan::plan(request, live, draft);
        }
    }

    fn plan_removals(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        if is_asked(request) && !stays_without_entries(request, live) {
            removal::plan(request, live, draft);
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
        if is_asked(request) {
            mapping::judge_deletions(live, after, draft);
            findings::review(request, after, draft);
        }
    }

    fn rights_to_read(&self, request: &Request, place: &Place) -> Rights {
        let mut rights = Rights::default();
        if is_asked(request) {
            rights.read_access_entries(place);
            // Names of roles without their paths are looked for in a listing.
            rights.aws(
                "*",
                &[
                    "cloudformation:DescribeStacks",
                    "eks:ListAccessPolicies",
                    "iam:ListRoles",
                ],
            );
            rights.aws(
                place.stacks(),
                &["cloudformation:GetTemplate", "cloudformation:ListChangeSets"],
            );
            rights.aws(place.roles(), &["iam:GetRole"]);
            rights.aws(place.users(), &["iam:GetUser"]);
            rights.read_aws_auth();
            rights.read_rbac();
            rights.kubernetes("", "namespaces", &["get", "list"], None);
        }
        rights
    }

    fn rights_to_write(&self, operation: &Self::Operation, place: &Place) -> Rights {
        let mut rights = Rights::default();
        let entries = place.of_cluster("access-entry");
        rights.read_access_entries(place);
        match operation {
            operation::Operation::Create { entry, .. } => {
                rights.aws(place.cluster(), &["eks:CreateAccessEntry"]);
                rights.aws(entries, &["eks:TagResource"]);
                if eksact_identity::authn::access_entry::is_for_nodes(&entry.entry_type) {
                    rights.pass_role(entry.principal_arn.clone(), "ec2.amazonaws.com");
                }
            }
            operation::Operation::Update { .. } => rights.aws(entries, &["eks:UpdateAccessEntry"]),
            operation::Operation::Associate { .. } => rights.aws(entries, &["eks:AssociateAccessPolicy"]),
            operation::Operation::Disassociate { .. } => {
                rights.aws(entries, &["eks:DisassociateAccessPolicy"]);
            }
            operation::Operation::Delete { .. } => rights.aws(entries, &["eks:DeleteAccessEntry"]),
            operation::Operation::UpdateStack {
                request, stack_name, ..
            } => {
                rights.update_stack(stack_name, place);
                rights.through_stack(request.service_role_arn.as_deref(), |rights| {
                    rights.aws(
                        entries,
                        &[
                            "eks:AssociateAccessPolicy",
                            "eks:DisassociateAccessPolicy",
                            "eks:TagResource",
                            "eks:UntagResource",
                            "eks:UpdateAccessEntry",
                        ],
                    );
                });
            }
            operation::Operation::DeleteChangeSet(left) => rights.delete_change_set(&left.stack, place),
            operation::Operation::DeleteStack {
                name,
                cloudformation_role_arn,
                ..
            } => {
                rights.delete_stack(name, place);
                rights.through_stack(cloudformation_role_arn.as_deref(), |rights| {
                    rights.aws(entries, &["eks:DeleteAccessEntry"]);
                });
            }
        }
        rights
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
