//! Simulated CloudFormation's change sets, of type UPDATE.
//!
//! A change set is computed from the stack's old and new template and tags. What was changed by hand at the resources
//! is not seen, as in AWS.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::cloudformation::{check_name, check_tags};
use super::refusal::Refusal;
use super::stack_engine::{later, region_of};
use super::state::{ChangeSetRecord, StackRecord, StackWork, World};
use super::template::{Template, resolve};
use crate::ports::CallErrorKind;
use crate::ports::aws::{ChangeSet, ChangeSetRequest};

/// CloudFormation's words for a change set without changes.
const NO_CHANGES: &str =
    "The submitted information didn't contain changes. Submit different information to create a change set.";

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
            token: request.client_request_token.clone(),
            execute_token: None,
            settles_at: Some(later(now, self.change_set_seconds)),
        };
        self.change_sets.insert(id.clone(), change_set);
        self.settle(now);
        Ok(id)
    }

    /// `DescribeChangeSet`.
    pub(super) fn change_set(&self, id: &str) -> Result<ChangeSet, Refusal> {
        let change_set = self.change_sets.get(id).ok_or_else(|| no_such_change_set(id))?;
        Ok(ChangeSet {
            id: change_set.id.clone(),
            status: change_set.status.clone(),
            status_reason: change_set.status_reason.clone(),
            execution_status: Some(change_set.execution_status.clone()),
        })
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

    /// Computes the change sets whose time has come; tells whether there were any.
    pub(super) fn settle_change_sets(&mut self, now: Timestamp) -> bool {
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
                record.is_some_and(|record| self.changes(record, &change_set.template, &change_set.tags));
            let Some(change_set) = self.change_sets.get_mut(id) else {
                continue;
            };
            change_set.settles_at = None;
            if changes {
                "CREATE_COMPLETE".clone_into(&mut change_set.status);
                "AVAILABLE".clone_into(&mut change_set.execution_status);
            } else {
                "FAILED".clone_into(&mut change_set.status);
                change_set.status_reason = Some(NO_CHANGES.to_owned());
            }
        }
        !due.is_empty()
    }

    /// Whether anything differs that CloudFormation would act on: resources, outputs, tags. Not the description, nor
    /// the spelling of a function.
    fn changes(&self, record: &StackRecord, body: &str, tags: &BTreeMap<String, String>) -> bool {
        let Ok(template) = Template::parse(body) else {
            return true;
        };
        let scope = self.scope_of(record);
        let same_resource = |(id, wanted): (&String, &super::template::TemplateResource)| {
            record.resources.get(id).is_some_and(|known| {
                known.resource_type == wanted.resource_type
                    && resolve(&wanted.properties, &scope)
                        .is_ok_and(|properties| properties == known.properties)
            })
        };
        let same_output = |(key, value): (&String, &serde_json::Value)| {
            let resolved = resolve(value, &scope).ok();
            resolved.as_ref().and_then(serde_json::Value::as_str)
                == record.stack.outputs.get(key).map(String::as_str)
        };
        record.resources.len() != template.resources.len()
            || !template.resources.iter().all(same_resource)
            || record.stack.outputs.len() != template.outputs.len()
            || !template.outputs.iter().all(same_output)
            || record.stack.tags != *tags
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
