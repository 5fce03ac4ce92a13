//! Simulated stacks of CloudFormation. What the calls lead to is in `stack_engine`.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::change_set::ChangeSetRecord;
use super::stack_engine::region_of;
use super::template::Template;
use super::{reading, writing};
use crate::Sandbox;
use crate::refusal::Refusal;
use crate::state::World;
use eksact_core::ports::aws::{Stack, StackEvent, StackReader, StackRequest, StackWriter};
use eksact_core::ports::{CallError, CallErrorKind, found};

/// How many stacks `DescribeStacks` puts on a page.
const STACKS_PER_PAGE: usize = 100;

/// A resource of a stack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StackResource {
    /// `AWS::IAM::Role`.
    pub resource_type: String,
    /// Role name, or CloudFormation's name for a policy.
    pub physical_id: String,
    /// Its properties with every function resolved, as last applied.
    pub properties: Value,
}

/// What CloudFormation is doing to a stack at the moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum StackWork {
    /// Creating its resources.
    Create,
    /// Taking a failed creation back.
    RollBackCreate,
    /// Executing a change set.
    Update {
        /// Id of the change set.
        change_set: String,
    },
    /// Taking a failed update back.
    RollBackUpdate {
        /// Id of the change set.
        change_set: String,
    },
    /// Deleting its resources.
    Delete,
}

/// A stack with what CloudFormation keeps of it. A deleted one stays, describable by id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StackRecord {
    /// What `DescribeStacks` shows.
    pub stack: Stack,
    /// The template as sent.
    pub template: String,
    /// Resources by logical id.
    pub resources: BTreeMap<String, StackResource>,
    /// Oldest first.
    pub events: Vec<StackEvent>,
    /// Whether a failed creation is left as it is.
    pub disable_rollback: bool,
    /// Token of the `CreateStack` call.
    pub create_token: String,
    /// Digest of the `CreateStack` request: the same token with another request is refused.
    pub create_digest: String,
    /// Token of the operation under way or last done.
    pub token: String,
    /// What is under way.
    pub work: Option<StackWork>,
    /// When that ends.
    pub settles_at: Option<Timestamp>,
}

#[async_trait]
impl StackReader for Sandbox {
    async fn stacks(&self) -> Result<Vec<Stack>, CallError> {
        let call = reading("cloudformation", "DescribeStacks", "");
        let live = |record: &&StackRecord| {
            record.stack.status != "DELETE_COMPLETE" && region_of(&record.stack.id) == self.region
        };
        let key: fn(&Stack) -> &str = |stack| &stack.id;
        self.listed(call, STACKS_PER_PAGE, key, |world, _| {
            let records = world.stacks.values().filter(live);
            Ok(records.map(|record| world.as_described(record)).collect())
        })
        .await
    }

    async fn stack(&self, name_or_id: &str) -> Result<Option<Stack>, CallError> {
        let call = reading("cloudformation", "DescribeStacks", name_or_id);
        let answer = self.call(call, |world, _| {
            let record = world.find(name_or_id, &self.region)?;
            Ok(world.as_described(record))
        });
        found(answer.await)
    }

    async fn stack_template(&self, name_or_id: &str) -> Result<String, CallError> {
        let call = reading("cloudformation", "GetTemplate", name_or_id);
        self.call(call, |world, _| {
            let record = world.find(name_or_id, &self.region)?;
            Ok(record.template.clone())
        })
        .await
    }

    async fn stack_events(&self, name_or_id: &str) -> Result<Vec<StackEvent>, CallError> {
        let call = reading("cloudformation", "DescribeStackEvents", name_or_id);
        self.call(call, |world, _| {
            let record = world.find(name_or_id, &self.region)?;
            Ok(record.events.iter().rev().cloned().collect())
        })
        .await
    }
}

#[async_trait]
impl StackWriter for Sandbox {
    async fn create_stack(&self, request: &StackRequest) -> Result<String, CallError> {
        let call = writing("cloudformation", "CreateStack", &request.name);
        self.call(call, |world, now| world.create_stack(request, &self.region, now))
            .await
    }

    async fn set_termination_protection(&self, stack: &str, enabled: bool) -> Result<(), CallError> {
        let call = writing("cloudformation", "UpdateTerminationProtection", stack);
        self.call(call, |world, _| {
            let id = world.find_live(stack, &self.region)?.stack.id.clone();
            if let Some(record) = world.stacks.get_mut(&id) {
                record.stack.termination_protection = enabled;
            }
            Ok(())
        })
        .await
    }

    async fn delete_stack(
        &self,
        id: &str,
        _service_role_arn: Option<&str>,
        client_request_token: &str,
    ) -> Result<(), CallError> {
        let call = writing("cloudformation", "DeleteStack", id);
        self.call(call, |world, now| {
            world.delete_stack(id, &self.region, client_request_token, now)
        })
        .await
    }
}

impl World {
    /// What `DescribeStacks` tells of a stack: of its last operation whether it made a change set.
    fn as_described(&self, record: &StackRecord) -> Stack {
        let waits = |change_set: &ChangeSetRecord| {
            change_set.stack_id == record.stack.id && !change_set.execution_status.starts_with("EXECUTE")
        };
        Stack {
            has_new_change_set: self.change_sets.values().any(waits),
            ..record.stack.clone()
        }
    }

    /// `CreateStack`; gives the id. The same token with the same request gives the same stack again.
    pub(super) fn create_stack(
        &mut self,
        request: &StackRequest,
        region: &str,
        now: Timestamp,
    ) -> Result<String, Refusal> {
        check_name("stackName", &request.name)?;
        let template = Template::parse(&request.template_body)?;
        let tags = check_tags(&request.tags)?;
        template.check_capabilities(&request.capabilities)?;
        let create_digest = digest_of(request);
        if let Some(existing) = self.live_stack(&request.name, region) {
            let same_token = !request.client_request_token.is_empty()
                && existing.create_token == request.client_request_token;
            if same_token && existing.create_digest == create_digest {
                return Ok(existing.stack.id.clone());
            }
            if same_token {
                let message = format!("Token already exists: {}", request.client_request_token);
                return Err(Refusal::new("TokenAlreadyExistsException", message));
            }
            let message = format!("Stack [{}] already exists", request.name);
            return Err(Refusal::new("AlreadyExistsException", message));
        }
        let unique = self.next_uuid();
        let id = format!(
            "arn:{}:cloudformation:{region}:{}:stack/{}/{unique}",
            self.partition, self.account, request.name
        );
        let stack = Stack {
            name: request.name.clone(),
            id: id.clone(),
            status: String::new(),
            status_reason: None,
            description: template.description,
            tags,
            outputs: BTreeMap::new(),
            capabilities: request.capabilities.clone(),
            termination_protection: request.termination_protection,
            created: Some(now),
            updated: None,
            has_new_change_set: false,
        };
        let mut record = StackRecord {
            stack,
            template: request.template_body.clone(),
            resources: BTreeMap::new(),
            events: Vec::new(),
            disable_rollback: request.disable_rollback,
            create_token: request.client_request_token.clone(),
            create_digest,
            token: request.client_request_token.clone(),
            work: None,
            settles_at: None,
        };
        record.set_status(now, "CREATE_IN_PROGRESS", Some("User Initiated".to_owned()));
        record.begin(StackWork::Create, now, self.stack_seconds);
        self.stacks.insert(id.clone(), record);
        self.settle(now);
        Ok(id)
    }

    /// `DeleteStack`: success for a stack that is not there or already gone.
    pub(super) fn delete_stack(
        &mut self,
        name_or_id: &str,
        region: &str,
        token: &str,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let Ok(id) = self
            .find(name_or_id, region)
            .map(|record| record.stack.id.clone())
        else {
            return Ok(());
        };
        let seconds = self.stack_seconds;
        let Some(record) = self.stacks.get_mut(&id) else {
            return Ok(());
        };
        if ["DELETE_COMPLETE", "DELETE_IN_PROGRESS"].contains(&record.stack.status.as_str()) {
            return Ok(());
        }
        let conflict = |why: String| {
            let message = format!("Stack [{name_or_id}] cannot be deleted while {why}");
            Err(Refusal::validation(message).of_kind(CallErrorKind::Conflict))
        };
        if record.stack.termination_protection {
            return conflict("TerminationProtection is enabled".to_owned());
        }
        // A creation under way may be cut short by a deletion; an update or a rollback must end first.
        if record.stack.in_progress() && record.stack.status != "CREATE_IN_PROGRESS" {
            return conflict(format!("in status {}", record.stack.status));
        }
        token.clone_into(&mut record.token);
        record.set_status(now, "DELETE_IN_PROGRESS", Some("User Initiated".to_owned()));
        record.begin(StackWork::Delete, now, seconds);
        self.settle(now);
        Ok(())
    }

    /// By name a stack that is not deleted, by id any.
    pub(super) fn find(&self, name_or_id: &str, region: &str) -> Result<&StackRecord, Refusal> {
        let record = if name_or_id.starts_with("arn:") {
            self.stacks.get(name_or_id)
        } else {
            self.live_stack(name_or_id, region)
        };
        record.ok_or_else(|| no_such_stack(name_or_id))
    }

    /// A stack that is not deleted; the error is CloudFormation's.
    pub(super) fn find_live(&self, name_or_id: &str, region: &str) -> Result<&StackRecord, Refusal> {
        let record = self.find(name_or_id, region)?;
        if record.stack.status == "DELETE_COMPLETE" {
            return Err(no_such_stack(name_or_id));
        }
        Ok(record)
    }

    fn live_stack(&self, name: &str, region: &str) -> Option<&StackRecord> {
        self.stacks.values().find(|record| {
            record.stack.name == name
                && record.stack.status != "DELETE_COMPLETE"
                && region_of(&record.stack.id) == region
        })
    }
}

/// CloudFormation has no code of its own for this: the words decide.
pub(super) fn no_such_stack(name_or_id: &str) -> Refusal {
    Refusal::validation(format!("Stack [{name_or_id}] does not exist")).of_kind(CallErrorKind::NotFound)
}

/// The tags as a map; of a repeated key the last value counts.
pub(super) fn check_tags(tags: &[(String, String)]) -> Result<BTreeMap<String, String>, Refusal> {
    let tags: BTreeMap<String, String> = tags.iter().cloned().collect();
    if tags.len() > 50 {
        return Err(Refusal::validation(
            "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less \
             than or equal to 50",
        ));
    }
    for (key, value) in &tags {
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(Refusal::validation(
                "aws: prefixed tag key names are not allowed for external use.",
            ));
        }
        let (key_length, value_length) = (key.chars().count(), value.chars().count());
        if key_length == 0 || key_length > 128 || value_length > 256 {
            return Err(Refusal::validation(format!(
                "1 validation error detected: Value at 'tags' failed to satisfy constraint: tag {key} is too long or \
                 empty"
            )));
        }
    }
    Ok(tags)
}

/// Refuses names of stacks and change sets that CloudFormation refuses.
pub(super) fn check_name(parameter: &str, name: &str) -> Result<(), Refusal> {
    let constraint = if name.len() > 128 {
        "Member must have length less than or equal to 128"
    } else if !name.starts_with(|first: char| first.is_ascii_alphabetic())
        || !name
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || character == '-')
    {
        "Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
    } else {
        return Ok(());
    };
    Err(Refusal::validation(format!(
        "1 validation error detected: Value '{name}' at '{parameter}' failed to satisfy constraint: {constraint}"
    )))
}

fn digest_of(request: &StackRequest) -> String {
    let tags: BTreeSet<&(String, String)> = request.tags.iter().collect();
    let what = format!(
        "{:?} {:?} {:?} {} {}",
        request.template_body,
        tags,
        request.capabilities,
        request.termination_protection,
        request.disable_rollback
    );
    hex::encode(Sha256::digest(what))
}
