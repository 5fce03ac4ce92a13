//! Simulated change sets of CloudFormation, of type UPDATE.
//!
//! A change set is computed from the stack's old and new template and tags. What was changed by hand at the resources
//! is not seen, as in AWS.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::stack::{StackRecord, StackResource, StackWork, check_name, check_tags};
use super::stack_engine::{later, region_of};
use super::stack_resources::needs_replacement;
use super::template::{Scope, Template, TemplateResource, resolve};
use super::{reading, writing};
use crate::Sandbox;
use crate::refusal::Refusal;
use crate::state::World;
use eksact_core::ports::aws::{
    ChangeSet, ChangeSetReader, ChangeSetRequest, ChangeSetSummary, ChangeSetWriter, ResourceChange,
};
use eksact_core::ports::{CallError, CallErrorKind};

/// CloudFormation's words for a change set without changes.
const NO_CHANGES: &str =
    "The submitted information didn't contain changes. Submit different information to create a change set.";
/// How many change sets `ListChangeSets` puts on a page.
const CHANGE_SETS_PER_PAGE: usize = 100;

/// A change set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangeSetRecord {
    /// ARN.
    pub id: String,
    /// Name, unique within the stack.
    pub name: String,
    /// Id of the stack.
    pub stack_id: String,
    /// The wanted template.
    pub template: String,
    /// The wanted tags.
    pub tags: BTreeMap<String, String>,
    /// Capabilities acknowledged.
    pub capabilities: Vec<String>,
    /// `CREATE_IN_PROGRESS`, `CREATE_COMPLETE`, `FAILED`.
    pub status: String,
    /// Why it failed.
    pub status_reason: Option<String>,
    /// `UNAVAILABLE`, `AVAILABLE`, `EXECUTE_IN_PROGRESS`, `EXECUTE_COMPLETE`, `EXECUTE_FAILED`.
    pub execution_status: String,
    /// What it would do to each resource, once it is computed.
    #[serde(default)]
    pub changes: Vec<ResourceChange>,
    /// Token of the `CreateChangeSet` call.
    pub token: String,
    /// Token of the `ExecuteChangeSet` call.
    pub execute_token: Option<String>,
    /// When it has been computed.
    pub settles_at: Option<Timestamp>,
    /// When it was made; not known of those in sandboxes of older versions.
    #[serde(default)]
    pub created: Option<Timestamp>,
}

#[async_trait]
impl ChangeSetReader for Sandbox {
    async fn change_set(&self, id: &str) -> Result<ChangeSet, CallError> {
        self.call(reading("cloudformation", "DescribeChangeSet", id), |world, _| {
            let change_set = world.change_sets.get(id).ok_or_else(|| no_such_change_set(id))?;
            Ok(ChangeSet {
                id: change_set.id.clone(),
                status: change_set.status.clone(),
                status_reason: change_set.status_reason.clone(),
                execution_status: Some(change_set.execution_status.clone()),
                changes: change_set.changes.clone(),
            })
        })
        .await
    }

    async fn change_sets(&self, stack: &str) -> Result<Vec<ChangeSetSummary>, CallError> {
        let call = reading("cloudformation", "ListChangeSets", stack);
        let key: fn(&ChangeSetSummary) -> &str = |change_set| &change_set.id;
        self.listed(call, CHANGE_SETS_PER_PAGE, key, |world, now| {
            let stack_id = &world.find_live(stack, &self.region)?.stack.id;
            let of_stack = world
                .change_sets
                .values()
                .filter(|change_set| change_set.stack_id == *stack_id);
            Ok(of_stack.map(|change_set| change_set.summary(now)).collect())
        })
        .await
    }
}

impl ChangeSetRecord {
    fn summary(&self, now: Timestamp) -> ChangeSetSummary {
        ChangeSetSummary {
            id: self.id.clone(),
            name: self.name.clone(),
            status: self.status.clone(),
            execution_status: Some(self.execution_status.clone()),
            created: self.created,
            age: self
                .created
                .and_then(|created| Duration::try_from(now.duration_since(created)).ok()),
        }
    }
}

#[async_trait]
impl ChangeSetWriter for Sandbox {
    async fn create_change_set(&self, request: &ChangeSetRequest) -> Result<String, CallError> {
        let call = writing("cloudformation", "CreateChangeSet", &request.stack);
        self.call(call, |world, now| {
            world.create_change_set(request, &self.region, now)
        })
        .await
    }

    async fn execute_change_set(&self, id: &str, client_request_token: &str) -> Result<(), CallError> {
        let call = writing("cloudformation", "ExecuteChangeSet", id);
        self.call(call, |world, now| {
            world.execute_change_set(id, client_request_token, now)
        })
        .await
    }

    async fn delete_change_set(&self, id: &str) -> Result<(), CallError> {
        let call = writing("cloudformation", "DeleteChangeSet", id);
        self.call(call, |world, _| world.delete_change_set(id)).await
    }
}

impl World {
    /// `CreateChangeSet`; gives the id. The same token with the same name gives the same change set again.
    pub(super) fn create_change_set(
        &mut self,
        request: &ChangeSetRequest,
        region: &str,
        now: Timestamp,
    ) -> Result<String, Refusal> {
        check_name("changeSetName", &request.name)?;
        let record = self.find_live(&request.stack, region)?;
        let stack_id = record.stack.id.clone();
        let template = Template::parse(&request.template_body)?;
        let tags = check_tags(&request.tags)?;
        template.check_capabilities(&request.capabilities)?;
        let same_name = |known: &&ChangeSetRecord| known.stack_id == stack_id && known.name == request.name;
        if let Some(existing) = self.change_sets.values().find(same_name) {
            if !request.client_request_token.is_empty() && existing.token == request.client_request_token {
                return Ok(existing.id.clone());
            }
            let message = format!("ChangeSet {} already exists", request.name);
            return Err(Refusal::new("AlreadyExistsException", message));
        }
        check_updatable(record)?;
        let unique = self.next_uuid();
        let id = format!(
            "arn:{}:cloudformation:{}:{}:changeSet/{}/{unique}",
            self.partition,
            region_of(&stack_id),
            self.account,
            request.name
        );
        let change_set = ChangeSetRecord {
            id: id.clone(),
            name: request.name.clone(),
            stack_id,
            template: request.template_body.clone(),
            tags,
            capabilities: request.capabilities.clone(),
            status: "CREATE_IN_PROGRESS".to_owned(),
            status_reason: None,
            execution_status: "UNAVAILABLE".to_owned(),
            changes: Vec::new(),
            token: request.client_request_token.clone(),
            execute_token: None,
            settles_at: Some(later(now, self.change_set_seconds)),
            created: Some(now),
        };
        self.change_sets.insert(id.clone(), change_set);
        self.settle(now);
        Ok(id)
    }

    /// `ExecuteChangeSet`. The stack's other change sets are deleted, because they no longer fit it.
    pub(super) fn execute_change_set(
        &mut self,
        id: &str,
        token: &str,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let change_set = self
            .change_sets
            .get_mut(id)
            .ok_or_else(|| no_such_change_set(id))?;
        if !token.is_empty() && change_set.execute_token.as_deref() == Some(token) {
            return Ok(());
        }
        if change_set.execution_status != "AVAILABLE" {
            let status = if change_set.status == "CREATE_COMPLETE" {
                &change_set.execution_status
            } else {
                &change_set.status
            };
            return Err(Refusal::new(
                "InvalidChangeSetStatus",
                format!("ChangeSet [{id}] cannot be executed in its current status of [{status}]"),
            ));
        }
        let record = self
            .stacks
            .get_mut(&change_set.stack_id)
            .ok_or_else(|| no_such_change_set(id))?;
        check_updatable(record)?;
        change_set.execute_token = Some(token.to_owned());
        "EXECUTE_IN_PROGRESS".clone_into(&mut change_set.execution_status);
        let (stack_id, capabilities) = (change_set.stack_id.clone(), change_set.capabilities.clone());
        token.clone_into(&mut record.token);
        record.stack.capabilities = capabilities;
        record.set_status(now, "UPDATE_IN_PROGRESS", Some("User Initiated".to_owned()));
        record.begin(
            StackWork::Update {
                change_set: id.to_owned(),
            },
            now,
            self.stack_seconds,
        );
        self.change_sets
            .retain(|other, change_set| other == id || change_set.stack_id != stack_id);
        self.settle(now);
        Ok(())
    }

    /// `DeleteChangeSet`: success for one that is not there, refused while it is executed.
    pub(super) fn delete_change_set(&mut self, id: &str) -> Result<(), Refusal> {
        if let Some(change_set) = self.change_sets.get(id) {
            if change_set.execution_status == "EXECUTE_IN_PROGRESS" {
                return Err(Refusal::new(
                    "InvalidChangeSetStatus",
                    format!(
                        "ChangeSet [{id}] cannot be deleted in its current status of [EXECUTE_IN_PROGRESS]"
                    ),
                ));
            }
            self.change_sets.remove(id);
        }
        Ok(())
    }

    /// Computes the change sets whose time has come.
    pub(super) fn settle_change_sets(&mut self, now: Timestamp) {
        let is_due = |change_set: &ChangeSetRecord| change_set.settles_at.is_some_and(|at| at <= now);
        let due: Vec<String> = self
            .change_sets
            .iter()
            .filter(|(_, change_set)| is_due(change_set))
            .map(|(id, _)| id.clone())
            .collect();
        for id in &due {
            let Some(change_set) = self.change_sets.get(id) else {
                continue;
            };
            let record = self.stacks.get(&change_set.stack_id);
            let changes =
                record.and_then(|record| self.changes(record, &change_set.template, &change_set.tags));
            let Some(change_set) = self.change_sets.get_mut(id) else {
                continue;
            };
            change_set.settles_at = None;
            if let Some(changes) = changes {
                "CREATE_COMPLETE".clone_into(&mut change_set.status);
                "AVAILABLE".clone_into(&mut change_set.execution_status);
                change_set.changes = changes;
            } else {
                "FAILED".clone_into(&mut change_set.status);
                change_set.status_reason = Some(NO_CHANGES.to_owned());
            }
        }
    }

    /// What differs that CloudFormation would act on: resources in the order of their logical ids, and outputs and tags
    /// of the stack, for which there is no resource to name. None when nothing does: the description and the spelling
    /// of a function are no changes.
    fn changes(
        &self,
        record: &StackRecord,
        body: &str,
        tags: &BTreeMap<String, String>,
    ) -> Option<Vec<ResourceChange>> {
        let Ok(template) = Template::parse(body) else {
            return Some(Vec::new());
        };
        let scope = self.scope_of(record);
        let retagged = record.stack.tags != *tags;
        let mut changes: BTreeMap<&str, ResourceChange> = BTreeMap::new();
        for (id, known) in &record.resources {
            if !template.resources.contains_key(id) {
                changes.insert(id, change(id, "Remove", &known.resource_type, Some(known), None));
            }
        }
        // In the order of references: what is replaced changes what refers to it.
        for id in &template.order {
            let Some(wanted) = template.resources.get(id) else {
                continue;
            };
            let resource_type = wanted.resource_type.as_str();
            let Some(known) = record.resources.get(id) else {
                changes.insert(id, change(id, "Add", resource_type, None, None));
                continue;
            };
            let refers_to_replaced = wanted.needs.iter().any(|needed| {
                changes
                    .get(needed.as_str())
                    .is_some_and(|change| change.replacement.as_deref() == Some("True"))
            });
            let replacement = match replacement(known, wanted, &scope) {
                Some(replacement) => replacement,
                None if retagged || refers_to_replaced => "False",
                None => continue,
            };
            changes.insert(
                id,
                change(id, "Modify", resource_type, Some(known), Some(replacement)),
            );
        }
        let same_output = |(key, value): (&String, &serde_json::Value)| {
            let resolved = resolve(value, &scope).ok();
            resolved.as_ref().and_then(serde_json::Value::as_str)
                == record.stack.outputs.get(key).map(String::as_str)
        };
        let same_outputs =
            record.stack.outputs.len() == template.outputs.len() && template.outputs.iter().all(same_output);
        if changes.is_empty() && same_outputs && !retagged {
            return None;
        }
        Some(changes.into_values().collect())
    }
}

/// Whether a resource that differs is made anew; none when it does not differ.
fn replacement(known: &StackResource, wanted: &TemplateResource, scope: &Scope) -> Option<&'static str> {
    if known.resource_type != wanted.resource_type {
        return Some("True");
    }
    match resolve(&wanted.properties, scope) {
        Ok(properties) if properties == known.properties => None,
        Ok(properties) if needs_replacement(known, &properties) => Some("True"),
        Ok(_) => Some("False"),
        // It refers to a resource that is not there yet.
        Err(_) => Some("Conditional"),
    }
}

fn change(
    logical_id: &str,
    action: &str,
    resource_type: &str,
    known: Option<&StackResource>,
    replacement: Option<&str>,
) -> ResourceChange {
    ResourceChange {
        logical_id: logical_id.to_owned(),
        physical_id: known.map(|known| known.physical_id.clone()),
        resource_type: resource_type.to_owned(),
        action: action.to_owned(),
        replacement: replacement.map(ToOwned::to_owned),
    }
}

fn check_updatable(record: &StackRecord) -> Result<(), Refusal> {
    const UPDATABLE: [&str; 7] = [
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "UPDATE_FAILED",
        "CREATE_FAILED",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
    ];
    let stack = &record.stack;
    if UPDATABLE.contains(&stack.status.as_str()) {
        return Ok(());
    }
    let message = format!(
        "Stack:{} is in {} state and can not be updated.",
        stack.id, stack.status
    );
    let refusal = Refusal::validation(message);
    Err(if stack.in_progress() {
        refusal.of_kind(CallErrorKind::Conflict)
    } else {
        refusal
    })
}

fn no_such_change_set(id: &str) -> Refusal {
    Refusal::new("ChangeSetNotFound", format!("ChangeSet [{id}] does not exist"))
}
