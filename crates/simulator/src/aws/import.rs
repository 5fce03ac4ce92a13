//! Putting into a world what others made: a settled stack with its roles, as read from a real account or recorded.

use super::stack::{StackRecord, StackResource};
use super::template::{Template, resolve};
use crate::state::{World, uuid_of};
use crate::store::SandboxError;
use eksact_core::ports::aws::{Role, Stack};

/// The tag with which CloudFormation marks a role with its logical id.
const LOGICAL_ID: &str = "aws:cloudformation:logical-id";

impl World {
    /// Adds a stack with its template and its roles. A role belongs to the logical id that its CloudFormation tag
    /// names. The stack is taken as it is: nothing is created, and what differs between template and roles stays.
    pub fn import_stack(
        &mut self,
        stack: &Stack,
        template_body: &str,
        roles: Vec<Role>,
    ) -> Result<(), SandboxError> {
        let failed = |reason: String| SandboxError::Import {
            stack: stack.name.clone(),
            reason,
        };
        let template = Template::parse(template_body).map_err(|refusal| failed(refusal.message))?;
        let mut record = StackRecord {
            stack: stack.clone(),
            template: template_body.to_owned(),
            resources: std::collections::BTreeMap::new(),
            events: Vec::new(),
            disable_rollback: false,
            create_token: String::new(),
            create_digest: String::new(),
            token: String::new(),
            work: None,
            settles_at: None,
        };
        let owners: Vec<(String, String)> = roles
            .iter()
            .filter_map(|role| Some((role.tags.get(LOGICAL_ID)?.clone(), role.name.clone())))
            .collect();
        for role in roles {
            self.roles.insert(role.name.clone(), role);
        }
        for logical_id in &template.order {
            let Some(resource) = template.resources.get(logical_id) else {
                continue;
            };
            let properties = resolve(&resource.properties, &self.scope_of(&record))
                .map_err(|refusal| failed(refusal.message))?;
            let role = owners
                .iter()
                .find(|(owner, _)| owner == logical_id)
                .map(|(_, name)| name.clone());
            let is_role = resource.resource_type == "AWS::IAM::Role";
            if is_role && role.is_none() {
                return Err(failed(format!(
                    "no role is tagged with its logical id {logical_id}"
                )));
            }
            let policy = || format!("{}-{logical_id}", uuid_of(&stack.id));
            let imported = StackResource {
                resource_type: resource.resource_type.clone(),
                physical_id: role.unwrap_or_else(policy),
                properties,
            };
            record.resources.insert(logical_id.clone(), imported);
        }
        let at = stack
            .updated
            .or(stack.created)
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        record.set_status(at, &stack.status, stack.status_reason.clone());
        self.stacks.insert(stack.id.clone(), record);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::state::Seed;

    #[test]
    fn template_without_its_role_is_refused() {
        let seed = Seed {
            cluster: "prod".to_owned(),
            region: "us-west-2".to_owned(),
            account: None,
        };
        let mut world = World::seeded(&seed);
        let stack = Stack {
            name: "orphan".to_owned(),
            id: "arn:aws:cloudformation:us-west-2:111122223333:stack/orphan/1".to_owned(),
            status: "CREATE_COMPLETE".to_owned(),
            status_reason: None,
            description: None,
            tags: BTreeMap::new(),
            outputs: BTreeMap::new(),
            capabilities: Vec::new(),
            termination_protection: true,
            created: None,
            updated: None,
            has_new_change_set: false,
        };
        let template = r#"{"Resources": {"Role1": {"Type": "AWS::IAM::Role"}}}"#;
        let error = world
            .import_stack(&stack, template, Vec::new())
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "stack orphan cannot be imported into the sandbox: no role is tagged with its logical id Role1"
        );
        assert!(world.stacks.is_empty());
    }
}
