//! Simulated CloudFormation's calls on stacks. Change sets are in `change_set`; what the calls lead to is in
//! `stack_engine`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::refusal::Refusal;
use super::stack_engine::region_of;
use super::state::{StackRecord, StackWork, World};
use super::template::Template;
use eksact_core::ports::CallErrorKind;
use eksact_core::ports::aws::{Stack, StackEvent, StackRequest};

impl World {
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

    /// `UpdateTerminationProtection`.
    pub(super) fn set_termination_protection(
        &mut self,
        name_or_id: &str,
        region: &str,
        enabled: bool,
    ) -> Result<(), Refusal> {
        let id = self.find_live(name_or_id, region)?.stack.id.clone();
        if let Some(record) = self.stacks.get_mut(&id) {
            record.stack.termination_protection = enabled;
        }
        Ok(())
    }

    /// `DeleteStack`: success for a stack that is not there or already gone.
    pub(super) fn delete_stack(
        &mut self,
        name_or_id: &str,
        region: &str,
        token: &str,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let Some(id) = self
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

    /// `DescribeStacks` without a name: those of the region that are not deleted.
    pub(super) fn live_stacks(&self, region: &str) -> Vec<Stack> {
        let live = |record: &&StackRecord| {
            record.stack.status != "DELETE_COMPLETE" && region_of(&record.stack.id) == region
        };
        self.stacks
            .values()
            .filter(live)
            .map(|record| record.stack.clone())
            .collect()
    }

    /// The stack's events, newest first.
    pub(super) fn stack_events(&self, name_or_id: &str, region: &str) -> Result<Vec<StackEvent>, Refusal> {
        let record = self
            .find(name_or_id, region)
            .ok_or_else(|| no_such_stack(name_or_id))?;
        Ok(record.events.iter().rev().cloned().collect())
    }

    /// `GetTemplate`.
    pub(super) fn stack_template(&self, name_or_id: &str, region: &str) -> Result<String, Refusal> {
        let record = self
            .find(name_or_id, region)
            .ok_or_else(|| no_such_stack(name_or_id))?;
        Ok(record.template.clone())
    }

    /// By name a stack that is not deleted, by id any.
    pub(super) fn find(&self, name_or_id: &str, region: &str) -> Option<&StackRecord> {
        if name_or_id.starts_with("arn:") {
            return self.stacks.get(name_or_id);
        }
        self.live_stack(name_or_id, region)
    }

    /// A stack that is not deleted; the error is CloudFormation's.
    pub(super) fn find_live(&self, name_or_id: &str, region: &str) -> Result<&StackRecord, Refusal> {
        self.find(name_or_id, region)
            .filter(|record| record.stack.status != "DELETE_COMPLETE")
            .ok_or_else(|| no_such_stack(name_or_id))
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
