//! How stacks move from state to state: creating, updating, deleting, and taking back what failed.
//!
//! The API calls that start it are in `stack` and `change_set`. Work is done when it settles: at once with
//! `stack_seconds` 0, else lazily, by the first call after the time has come.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::change_set::ChangeSetRecord;
use super::stack::{StackRecord, StackResource, StackWork};
use super::stack_resources::{Journal, Owner, check_properties, needs_replacement};
use super::template::{Scope, Template, TemplateResource, resolve};
use crate::refusal::Refusal;
use crate::state::{World, dns_suffix, uuid_of};
use eksact_core::ports::aws::StackEvent;

/// The resource type under which a stack's own events stand.
const STACK: &str = "AWS::CloudFormation::Stack";

/// A resource that could not be made or changed.
struct Failure {
    logical_id: String,
    /// `create` or `update`.
    verb: &'static str,
}

impl StackRecord {
    /// Writes an event.
    fn event(&mut self, now: Timestamp, resource: (&str, &str, &str), status: &str, reason: Option<String>) {
        let (logical_id, physical_id, resource_type) = resource;
        self.events.push(StackEvent {
            timestamp: now,
            logical_id: logical_id.to_owned(),
            physical_id: physical_id.to_owned(),
            resource_type: resource_type.to_owned(),
            status: status.to_owned(),
            status_reason: reason,
            client_request_token: Some(self.token.clone()).filter(|token| !token.is_empty()),
        });
    }

    /// Moves the stack to a status, with its event.
    pub(super) fn set_status(&mut self, now: Timestamp, status: &str, reason: Option<String>) {
        status.clone_into(&mut self.stack.status);
        self.stack.status_reason.clone_from(&reason);
        let (name, id) = (self.stack.name.clone(), self.stack.id.clone());
        self.event(now, (&name, &id, STACK), status, reason);
    }

    /// Begins some work that ends after `seconds`.
    pub(super) fn begin(&mut self, work: StackWork, from: Timestamp, seconds: u32) {
        self.work = Some(work);
        self.settles_at = Some(later(from, seconds));
    }

    fn owner(&self, tags: &BTreeMap<String, String>, at: Timestamp) -> Owner {
        Owner {
            at,
            stack_name: self.stack.name.clone(),
            stack_id: self.stack.id.clone(),
            tags: tags.clone(),
        }
    }
}

/// A time some seconds later.
pub(super) fn later(from: Timestamp, seconds: u32) -> Timestamp {
    from.saturating_add(SignedDuration::from_secs(i64::from(seconds)))
        .unwrap_or(Timestamp::MAX)
}

impl World {
    /// Whether the time of anything has come.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        let change_sets = self.change_sets.values().filter_map(|record| record.settles_at);
        let stacks = self.stacks.values().filter_map(|record| record.settles_at);
        let mut all = change_sets.chain(stacks).chain(self.updates_due());
        all.any(|at| at <= now)
    }

    /// Lets everything happen whose time has come.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        self.settle_change_sets(now);
        self.settle_updates(now);
        let is_due = |record: &StackRecord| record.settles_at.is_some_and(|at| at <= now);
        let mut due: Vec<(Timestamp, String)> = self
            .stacks
            .iter()
            .filter(|(_, record)| is_due(record))
            .filter_map(|(id, record)| Some((record.settles_at?, id.clone())))
            .collect();
        // In the order in which it happened, so that whichever stack asked first for a role's name gets it.
        due.sort();
        for (_, id) in due {
            while let Some(mut record) = self.stacks.remove(&id) {
                if !is_due(&record) {
                    self.stacks.insert(id, record);
                    break;
                }
                let at = record.settles_at.take().unwrap_or(now);
                match record.work.take() {
                    Some(StackWork::Create) => self.finish_create(&mut record, at),
                    Some(StackWork::RollBackCreate) => finish_create_rollback(&mut record, at),
                    Some(StackWork::Update { change_set }) => {
                        self.finish_update(&mut record, &change_set, at);
                    }
                    Some(StackWork::RollBackUpdate { change_set }) => {
                        record.set_status(at, "UPDATE_ROLLBACK_COMPLETE", None);
                        self.set_execution_status(&change_set, "EXECUTE_FAILED");
                    }
                    Some(StackWork::Delete) => self.finish_delete(&mut record, at),
                    None => {}
                }
                let physical_ids = record.resources.values().map(|resource| &resource.physical_id);
                self.date_roles(physical_ids, at);
                self.stacks.insert(id.clone(), record);
            }
        }
    }

    /// Everything that the functions of a stack's template may refer to.
    pub(super) fn scope_of(&self, record: &StackRecord) -> Scope {
        let mut scope: Scope = [
            ("AWS::AccountId", self.account.as_str()),
            ("AWS::Partition", &self.partition),
            ("AWS::Region", region_of(&record.stack.id)),
            ("AWS::StackId", &record.stack.id),
            ("AWS::StackName", &record.stack.name),
            ("AWS::URLSuffix", dns_suffix(&self.partition)),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        for (logical_id, resource) in &record.resources {
            self.add_to_scope(
                &mut scope,
                logical_id,
                &resource.resource_type,
                &resource.physical_id,
            );
        }
        scope
    }

    fn add_to_scope(&self, scope: &mut Scope, logical_id: &str, resource_type: &str, physical_id: &str) {
        scope.insert(logical_id.to_owned(), physical_id.to_owned());
        if resource_type == "AWS::IAM::Role" {
            // A role deleted by hand still has the ARN that CloudFormation noted when it was made.
            let noted = || format!("arn:{}:iam::{}:role/{physical_id}", self.partition, self.account);
            let role = self.roles.get(physical_id);
            let arn = role.map_or_else(noted, |role| role.arn.clone());
            let id = role.map(|role| role.id.clone()).unwrap_or_default();
            scope.insert(format!("{logical_id}.Arn"), arn);
            scope.insert(format!("{logical_id}.RoleId"), id);
        }
    }

    fn finish_create(&mut self, record: &mut StackRecord, at: Timestamp) {
        let mut journal = Journal::default();
        let failure = match Template::parse(&record.template) {
            Ok(template) => {
                let tags = record.stack.tags.clone();
                self.apply_template(record, &template, &tags, &mut journal, at)
                    .err()
            }
            Err(refusal) => {
                record.set_status(at, "ROLLBACK_COMPLETE", Some(refusal.message));
                return;
            }
        };
        let Some(failure) = failure else {
            record.set_status(at, "CREATE_COMPLETE", None);
            return;
        };
        let reason = format!(
            "The following resource(s) failed to create: [{}]. ",
            failure.logical_id
        );
        if record.disable_rollback {
            record.set_status(at, "CREATE_FAILED", Some(reason));
            return;
        }
        journal.take_back(self);
        record.set_status(
            at,
            "ROLLBACK_IN_PROGRESS",
            Some(format!("{reason}Rollback requested by user.")),
        );
        record.begin(StackWork::RollBackCreate, at, self.stack_seconds);
    }

    fn finish_update(&mut self, record: &mut StackRecord, change_set_id: &str, at: Timestamp) {
        let Some(ChangeSetRecord {
            template: body, tags, ..
        }) = self.change_sets.get(change_set_id).cloned()
        else {
            record.set_status(at, "UPDATE_COMPLETE", None);
            return;
        };
        let mut journal = Journal::default();
        let before = record.resources.clone();
        let outcome = match Template::parse(&body) {
            Ok(template) => self
                .apply_template(record, &template, &tags, &mut journal, at)
                .map(|replaced| (template, replaced))
                .map_err(|failure| {
                    let Failure { logical_id, verb } = failure;
                    format!("The following resource(s) failed to {verb}: [{logical_id}]. ")
                }),
            Err(refusal) => Err(refusal.message),
        };
        match outcome {
            Ok((template, replaced)) => {
                record.template = body;
                record.stack.description = template.description;
                record.stack.tags = tags;
                record.stack.updated = Some(at);
                record.set_status(at, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", None);
                self.clean_up(record, replaced, &template.resources, at);
                record.set_status(at, "UPDATE_COMPLETE", None);
                self.set_execution_status(change_set_id, "EXECUTE_COMPLETE");
            }
            Err(reason) => {
                journal.take_back(self);
                record.resources = before;
                record.set_status(at, "UPDATE_ROLLBACK_IN_PROGRESS", Some(reason));
                let work = StackWork::RollBackUpdate {
                    change_set: change_set_id.to_owned(),
                };
                record.begin(work, at, self.stack_seconds);
            }
        }
    }

    /// Deletes what an update left over. A failure here does not fail the update, as in AWS: the resource stays
    /// behind, out of the stack.
    fn clean_up(
        &mut self,
        record: &mut StackRecord,
        replaced: Vec<(String, StackResource)>,
        wanted: &BTreeMap<String, TemplateResource>,
        at: Timestamp,
    ) {
        let (kept, dropped): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut record.resources)
            .into_iter()
            .partition(|(id, _)| wanted.contains_key(id));
        record.resources = kept;
        let mut leftovers: Vec<(String, StackResource)> = dropped.into_iter().chain(replaced).collect();
        // Policies first: a role with policies cannot be deleted.
        leftovers.sort_by_key(|(_, resource)| resource.resource_type == "AWS::IAM::Role");
        for (logical_id, resource) in leftovers {
            let named = (&*logical_id, &*resource.physical_id, &*resource.resource_type);
            match self.delete_resource(&resource, region_of(&record.stack.id)) {
                Ok(()) => record.event(at, named, "DELETE_COMPLETE", None),
                Err(refusal) => {
                    let reason = handler_text(&record.token, &logical_id, &refusal);
                    record.event(at, named, "DELETE_FAILED", Some(reason));
                }
            }
        }
    }

    fn finish_delete(&mut self, record: &mut StackRecord, at: Timestamp) {
        let mut resources: Vec<(String, StackResource)> =
            std::mem::take(&mut record.resources).into_iter().collect();
        resources.sort_by_key(|(_, resource)| resource.resource_type == "AWS::IAM::Role");
        let mut failed = Vec::new();
        for (logical_id, resource) in resources {
            let named = (&*logical_id, &*resource.physical_id, &*resource.resource_type);
            record.event(at, named, "DELETE_IN_PROGRESS", None);
            match self.delete_resource(&resource, region_of(&record.stack.id)) {
                Ok(()) => record.event(at, named, "DELETE_COMPLETE", None),
                Err(refusal) => {
                    let reason = handler_text(&record.token, &logical_id, &refusal);
                    record.event(at, named, "DELETE_FAILED", Some(reason));
                    failed.push(logical_id.clone());
                    record.resources.insert(logical_id, resource);
                }
            }
        }
        if failed.is_empty() {
            record.set_status(at, "DELETE_COMPLETE", None);
            let id = record.stack.id.clone();
            self.change_sets.retain(|_, change_set| change_set.stack_id != id);
        } else {
            let reason = format!(
                "The following resource(s) failed to delete: [{}]. ",
                failed.join(", ")
            );
            record.set_status(at, "DELETE_FAILED", Some(reason));
        }
    }

    /// Brings the stack's resources to what the template says, in order. Gives the resources that were replaced and
    /// are still to be deleted.
    fn apply_template(
        &mut self,
        record: &mut StackRecord,
        template: &Template,
        tags: &BTreeMap<String, String>,
        journal: &mut Journal,
        at: Timestamp,
    ) -> Result<Vec<(String, StackResource)>, Failure> {
        let mut replaced = Vec::new();
        for (position, logical_id) in template.order.iter().enumerate() {
            let Some(resource) = template.resources.get(logical_id) else {
                continue;
            };
            let old = record.resources.get(logical_id).cloned();
            let verb = if old.is_some() { "update" } else { "create" };
            match self.apply_resource(record, logical_id, resource, tags, journal, at) {
                Ok(true) => replaced.extend(old.map(|old| (logical_id.clone(), old))),
                Ok(false) => {}
                Err(reason) => {
                    let physical_id = old.map(|old| old.physical_id).unwrap_or_default();
                    let status = format!("{}_FAILED", verb.to_uppercase());
                    record.event(
                        at,
                        (logical_id, &physical_id, &resource.resource_type),
                        &status,
                        Some(reason),
                    );
                    for other in template.order.iter().skip(position + 1) {
                        cancel_sibling(record, template, resource, other, at);
                    }
                    return Err(Failure {
                        logical_id: logical_id.clone(),
                        verb,
                    });
                }
            }
        }
        let scope = self.scope_of(record);
        record.stack.outputs.clear();
        for (key, value) in &template.outputs {
            let text = resolve(value, &scope).ok();
            let text = text
                .as_ref()
                .and_then(serde_json::Value::as_str)
                .unwrap_or_default()
                .to_owned();
            record.stack.outputs.insert(key.clone(), text);
        }
        Ok(replaced)
    }

    /// Creates, changes or replaces one resource; tells whether it was replaced. The error is the event's reason.
    fn apply_resource(
        &mut self,
        record: &mut StackRecord,
        logical_id: &str,
        resource: &TemplateResource,
        tags: &BTreeMap<String, String>,
        journal: &mut Journal,
        at: Timestamp,
    ) -> Result<bool, String> {
        let resource_type = resource.resource_type.as_str();
        let properties =
            resolve(&resource.properties, &self.scope_of(record)).map_err(|refusal| refusal.message)?;
        let old_owner = record.owner(&record.stack.tags.clone(), at);
        let owner = record.owner(tags, at);
        let token = record.token.clone();
        let worded = |refusal: Refusal| handler_text(&token, logical_id, &refusal);
        let old = record.resources.get(logical_id).cloned();
        let old = old.filter(|old| old.resource_type == resource_type);
        let is_role = resource_type == "AWS::IAM::Role";
        if let Some(old) = &old
            && old.properties == properties
            && (!is_role || old_owner.tags == owner.tags)
        {
            return Ok(false);
        }
        let physical_id = old
            .as_ref()
            .map(|old| old.physical_id.clone())
            .unwrap_or_default();
        let status = if old.is_some() { "UPDATE" } else { "CREATE" };
        record.event(
            at,
            (logical_id, &physical_id, resource_type),
            &format!("{status}_IN_PROGRESS"),
            None,
        );
        check_properties(logical_id, resource_type, &properties)?;
        let (physical_id, is_replaced) = match &old {
            Some(old) if !needs_replacement(old, &properties) => {
                self.update_resource(logical_id, (&old_owner, old), (&owner, &properties), journal)
                    .map_err(worded)?;
                (physical_id, false)
            }
            Some(old) if keeps_its_name(old, &properties) => {
                return Err(format!(
                    "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename \
                     {physical_id} and update the stack again."
                ));
            }
            _ => {
                let created = self
                    .create_resource(&owner, logical_id, resource_type, &properties, journal)
                    .map_err(worded)?;
                (created, old.is_some())
            }
        };
        record.event(
            at,
            (logical_id, &physical_id, resource_type),
            &format!("{status}_COMPLETE"),
            None,
        );
        let applied = StackResource {
            resource_type: resource_type.to_owned(),
            physical_id,
            properties,
        };
        record.resources.insert(logical_id.to_owned(), applied);
        Ok(is_replaced)
    }

    pub(super) fn set_execution_status(&mut self, change_set: &str, status: &str) {
        if let Some(change_set) = self.change_sets.get_mut(change_set) {
            status.clone_into(&mut change_set.execution_status);
        }
    }
}

/// CloudFormation makes independent resources side by side, and cancels those under way when one fails: the first
/// failure in time is the cause, these are not.
fn cancel_sibling(
    record: &mut StackRecord,
    template: &Template,
    failed: &TemplateResource,
    other: &str,
    at: Timestamp,
) {
    let Some(sibling) = template.resources.get(other) else {
        return;
    };
    if sibling.needs == failed.needs && !record.resources.contains_key(other) {
        let reason = "Resource creation cancelled".to_owned();
        record.event(
            at,
            (other, "", &sibling.resource_type),
            "CREATE_FAILED",
            Some(reason),
        );
    }
}

fn finish_create_rollback(record: &mut StackRecord, at: Timestamp) {
    for (logical_id, resource) in std::mem::take(&mut record.resources).into_iter().rev() {
        let named = (&*logical_id, &*resource.physical_id, &*resource.resource_type);
        record.event(at, named, "DELETE_COMPLETE", None);
    }
    record.set_status(at, "ROLLBACK_COMPLETE", None);
}

fn keeps_its_name(old: &StackResource, properties: &serde_json::Value) -> bool {
    ["RoleName", "ManagedPolicyName"].into_iter().any(|key| {
        let name = properties.get(key);
        name.is_some() && name == old.properties.get(key)
    })
}

fn handler_text(token: &str, logical_id: &str, refusal: &Refusal) -> String {
    refusal.of_resource_handler(&uuid_of(&format!("{token} {logical_id}")))
}

/// The region in a stack's ARN.
pub(super) fn region_of(stack_id: &str) -> &str {
    stack_id.split(':').nth(3).unwrap_or_default()
}
