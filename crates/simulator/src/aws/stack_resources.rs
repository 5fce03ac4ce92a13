//! What CloudFormation does to IAM and EKS for one resource of a stack: create it, apply what differs, delete it.
//!
//! The order of resources and the states of stacks are `stack_engine`'s. Updates apply only what differs between the
//! old and the new template, as AWS's handlers do: a hand edit that no template change touches stays.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::managed_policy::NewPolicy;
use super::role::NewRole;
use super::stack::StackResource;
use super::stack_access_entry::{ACCESS_ENTRY, OPTIONAL, Place, REQUIRED, When};
use super::stack_engine::region_of;
use crate::refusal::Refusal;
use crate::state::World;
use eksact_core::ports::aws::{AccessEntry, DEFAULT_SESSION_SECONDS, ManagedPolicy, Role};

/// The type of a customer managed policy; its physical id is the ARN.
pub(super) const MANAGED_POLICY: &str = "AWS::IAM::ManagedPolicy";

/// How the touched roles, managed policies and access entries were before, so that a failed operation can be taken back.
#[derive(Debug, Default)]
pub(super) struct Journal {
    before: BTreeMap<String, Option<Role>>,
    policies: Vec<(String, Option<ManagedPolicy>)>,
    entries: Vec<(Place, Option<AccessEntry>)>,
}

impl Journal {
    fn remember(&mut self, world: &World, role: &str) {
        self.before
            .entry(role.to_owned())
            .or_insert_with(|| world.roles.get(role).cloned());
    }

    fn remember_policy(&mut self, world: &World, arn: &str) {
        self.policies
            .push((arn.to_owned(), world.managed_policies.get(arn).cloned()));
    }

    /// Puts every touched role, managed policy and access entry back as it was.
    pub(super) fn take_back(self, world: &mut World) {
        for (place, entry) in self.entries.into_iter().rev() {
            world.put_entry_back(&place, entry);
        }
        for (arn, policy) in self.policies.into_iter().rev() {
            match policy {
                Some(policy) => world.keep_policy(policy),
                None => world.forget_policy(&arn),
            }
        }
        for (name, role) in self.before {
            match role {
                Some(role) => drop(world.roles.insert(name, role)),
                None => drop(world.roles.remove(&name)),
            }
        }
    }
}

/// The stack that a resource belongs to, as far as its resources know it.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    /// When it is worked on.
    pub(super) at: Timestamp,
    pub(super) stack_name: String,
    pub(super) stack_id: String,
    pub(super) tags: BTreeMap<String, String>,
}

impl Owner {
    fn when(&self) -> When<'_> {
        When {
            region: region_of(&self.stack_id),
            now: self.at,
        }
    }

    /// Tags of a resource: the template's own, the stack's, and those that CloudFormation adds.
    fn resource_tags(&self, logical_id: &str, properties: &Value) -> BTreeMap<String, String> {
        let mut tags = self.tags.clone();
        for tag in list(properties, "Tags") {
            let text = |key: &str| {
                tag.get(key)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            tags.insert(text("Key"), text("Value"));
        }
        for (key, value) in [
            ("stack-name", &*self.stack_name),
            ("stack-id", &*self.stack_id),
            ("logical-id", logical_id),
        ] {
            tags.insert(format!("aws:cloudformation:{key}"), value.to_owned());
        }
        tags
    }
}

/// Refuses properties that the resource type does not have, as CloudFormation's schema check does.
pub(super) fn check_properties(
    logical_id: &str,
    resource_type: &str,
    properties: &Value,
) -> Result<(), String> {
    let (required, optional): (&[&str], &[&str]) = if resource_type == ACCESS_ENTRY {
        (REQUIRED, OPTIONAL)
    } else if resource_type == "AWS::IAM::Role" {
        (
            &["AssumeRolePolicyDocument"],
            &[
                "Description",
                "ManagedPolicyArns",
                "MaxSessionDuration",
                "Path",
                "PermissionsBoundary",
                "Policies",
                "RoleName",
                "Tags",
            ],
        )
    } else if resource_type == MANAGED_POLICY {
        (
            &["PolicyDocument"],
            &[
                "Description",
                "Groups",
                "ManagedPolicyName",
                "Path",
                "Roles",
                "Users",
            ],
        )
    } else {
        (&["PolicyDocument", "PolicyName"], &["Groups", "Roles", "Users"])
    };
    let failed = |what: String| {
        Err(format!(
            "Properties validation failed for resource {logical_id} with message:\n#: {what}"
        ))
    };
    if let Some(missing) = required.iter().find(|key| properties.get(**key).is_none()) {
        return failed(format!("required key [{missing}] not found"));
    }
    for key in properties.as_object().into_iter().flat_map(serde_json::Map::keys) {
        if !required.contains(&key.as_str()) && !optional.contains(&key.as_str()) {
            return failed(format!("extraneous key [{key}] is not permitted"));
        }
    }
    Ok(())
}

impl World {
    /// Creates a resource; gives its physical id.
    pub(super) fn create_resource(
        &mut self,
        owner: &Owner,
        logical_id: &str,
        resource_type: &str,
        properties: &Value,
        journal: &mut Journal,
    ) -> Result<String, Refusal> {
        if resource_type == ACCESS_ENTRY {
            journal
                .entries
                .push(self.entry_of(properties, owner.when().region));
            let tags = owner.resource_tags(logical_id, properties);
            return self.create_entry_resource(properties, tags, owner.when());
        }
        let generated = self.generated_name(&owner.stack_name, logical_id);
        if resource_type == "AWS::IAM::Policy" {
            for role in strings(properties, "Roles") {
                journal.remember(self, &role);
                self.put_policy_resource(&role, properties)?;
            }
            return Ok(generated);
        }
        if resource_type == MANAGED_POLICY {
            return self.create_policy_resource(owner, generated, properties, journal);
        }
        let name = text(properties, "RoleName").unwrap_or(generated);
        self.authorize(
            "iam:CreateRole",
            &format!("arn:{}:iam::{}:role/{name}", self.partition, self.account),
        )?;
        journal.remember(self, &name);
        self.create_role(NewRole {
            name: name.clone(),
            path: text(properties, "Path").unwrap_or_else(|| "/".to_owned()),
            trust_policy: properties
                .get("AssumeRolePolicyDocument")
                .cloned()
                .unwrap_or_default(),
            permissions_boundary: text(properties, "PermissionsBoundary"),
            max_session_seconds: max_session(properties),
            tags: owner.resource_tags(logical_id, properties),
        })?;
        // A role that cannot be filled is no resource of the stack, so the handler takes it away again.
        if let Err(refusal) = self.fill_role(&name, properties) {
            self.roles.remove(&name);
            return Err(refusal);
        }
        Ok(name)
    }

    /// Attaches and puts the policies of a new role.
    fn fill_role(&mut self, name: &str, properties: &Value) -> Result<(), Refusal> {
        for arn in strings(properties, "ManagedPolicyArns") {
            self.authorize("iam:AttachRolePolicy", &format!("role {name}"))?;
            self.attach_role_policy(name, &arn)?;
        }
        for (policy, document) in embedded_policies(properties) {
            self.authorize("iam:PutRolePolicy", &format!("role {name}"))?;
            self.put_role_policy(name, &policy, &document)?;
        }
        Ok(())
    }

    /// Applies what differs between a resource's old and new properties, without replacing it.
    pub(super) fn update_resource(
        &mut self,
        logical_id: &str,
        old: (&Owner, &StackResource),
        new: (&Owner, &Value),
        journal: &mut Journal,
    ) -> Result<(), Refusal> {
        let ((old_owner, resource), (new_owner, properties)) = (old, new);
        if resource.resource_type == ACCESS_ENTRY {
            journal
                .entries
                .push(self.entry_of(properties, new_owner.when().region));
            return self.update_entry_resource(&resource.properties, properties, new_owner.when());
        }
        if resource.resource_type == "AWS::IAM::Policy" {
            return self.update_policy_resource(&resource.properties, properties, journal);
        }
        if resource.resource_type == MANAGED_POLICY {
            return self.update_managed_policy(resource, properties, new_owner, journal);
        }
        let name = resource.physical_id.as_str();
        let (before, after) = (&resource.properties, properties);
        let differs = |key: &str| before.get(key) != after.get(key);
        journal.remember(self, name);
        self.role(name)?;
        if differs("AssumeRolePolicyDocument") {
            let document = after.get("AssumeRolePolicyDocument").cloned().unwrap_or_default();
            self.authorize("iam:UpdateAssumeRolePolicy", &format!("role {name}"))?;
            self.set_trust_policy(name, &document)?;
        }
        if differs("PermissionsBoundary") {
            self.set_permissions_boundary(name, text(after, "PermissionsBoundary").as_deref())?;
        }
        if differs("MaxSessionDuration") {
            self.authorize("iam:UpdateRole", &format!("role {name}"))?;
            self.role_mut(name)?.max_session_seconds = max_session(after);
        }
        let (old_arns, new_arns) = (
            strings(before, "ManagedPolicyArns"),
            strings(after, "ManagedPolicyArns"),
        );
        for arn in old_arns.iter().filter(|arn| !new_arns.contains(arn)) {
            ignore_missing(self.detach_role_policy(name, arn))?;
        }
        for arn in new_arns.iter().filter(|arn| !old_arns.contains(arn)) {
            self.attach_role_policy(name, arn)?;
        }
        let (old_policies, new_policies) = (embedded_policies(before), embedded_policies(after));
        for policy in old_policies
            .keys()
            .filter(|policy| !new_policies.contains_key(*policy))
        {
            ignore_missing(self.delete_role_policy(name, policy))?;
        }
        for (policy, document) in &new_policies {
            if old_policies.get(policy) != Some(document) {
                self.put_role_policy(name, policy, document)?;
            }
        }
        let old_tags = old_owner.resource_tags(logical_id, before);
        let new_tags = new_owner.resource_tags(logical_id, after);
        let role = self.role_mut(name)?;
        role.tags
            .retain(|key, _| !old_tags.contains_key(key) || new_tags.contains_key(key));
        role.tags.extend(
            new_tags
                .into_iter()
                .filter(|(key, value)| old_tags.get(key) != Some(value)),
        );
        Ok(())
    }

    /// Deletes a resource. What was already gone is no failure; what hangs on a role by other hands is.
    pub(super) fn delete_resource(&mut self, resource: &StackResource, region: &str) -> Result<(), Refusal> {
        let properties = &resource.properties;
        if resource.resource_type == ACCESS_ENTRY {
            return self.delete_entry_resource(properties, region);
        }
        if resource.resource_type == "AWS::IAM::Policy" {
            let policy = text(properties, "PolicyName").unwrap_or_default();
            return strings(properties, "Roles")
                .iter()
                .try_for_each(|role| ignore_missing(self.delete_role_policy(role, &policy)));
        }
        if resource.resource_type == MANAGED_POLICY {
            self.authorize("iam:DeletePolicy", &resource.physical_id)?;
            return ignore_missing(self.delete_policy(&resource.physical_id));
        }
        let name = resource.physical_id.as_str();
        if self.role(name).is_err() {
            return Ok(());
        }
        for arn in strings(properties, "ManagedPolicyArns") {
            ignore_missing(self.detach_role_policy(name, &arn))?;
        }
        for policy in embedded_policies(properties).keys() {
            ignore_missing(self.delete_role_policy(name, policy))?;
        }
        self.authorize("iam:DeleteRole", &format!("role {name}"))?;
        self.delete_role(name)
    }

    fn create_policy_resource(
        &mut self,
        owner: &Owner,
        generated: String,
        properties: &Value,
        journal: &mut Journal,
    ) -> Result<String, Refusal> {
        let name = text(properties, "ManagedPolicyName").unwrap_or(generated);
        let path = text(properties, "Path").unwrap_or_else(|| "/".to_owned());
        let arn = format!("arn:{}:iam::{}:policy{path}{name}", self.partition, self.account);
        self.authorize("iam:CreatePolicy", &arn)?;
        let new = NewPolicy {
            name,
            path,
            description: text(properties, "Description"),
            document: properties.get("PolicyDocument").cloned().unwrap_or_default(),
        };
        let arn = self.create_policy(new, owner.at)?;
        journal.policies.push((arn.clone(), None));
        Ok(arn)
    }

    /// A document that the templates do not have alike becomes a new default version; of five the oldest idle one goes, as
    /// CloudFormation's handler does.
    fn update_managed_policy(
        &mut self,
        resource: &StackResource,
        after: &Value,
        owner: &Owner,
        journal: &mut Journal,
    ) -> Result<(), Refusal> {
        let arn = resource.physical_id.as_str();
        let policy = self.managed_policy(arn)?;
        if resource.properties.get("PolicyDocument") == after.get("PolicyDocument") {
            return Ok(());
        }
        journal.remember_policy(self, arn);
        if let Some(version) = policy.version_in_the_way() {
            self.authorize("iam:DeletePolicyVersion", arn)?;
            self.delete_policy_version(arn, version)?;
        }
        self.authorize("iam:CreatePolicyVersion", arn)?;
        let document = after.get("PolicyDocument").cloned().unwrap_or_default();
        self.create_policy_version(arn, &document, owner.at)
    }

    fn update_policy_resource(
        &mut self,
        before: &Value,
        after: &Value,
        journal: &mut Journal,
    ) -> Result<(), Refusal> {
        let policy = text(before, "PolicyName").unwrap_or_default();
        let renamed = before.get("PolicyName") != after.get("PolicyName");
        let old_roles: BTreeSet<String> = strings(before, "Roles").into_iter().collect();
        let new_roles: BTreeSet<String> = strings(after, "Roles").into_iter().collect();
        let same_document = before.get("PolicyDocument") == after.get("PolicyDocument");
        for role in old_roles.union(&new_roles) {
            journal.remember(self, role);
        }
        for role in new_roles
            .iter()
            .filter(|role| renamed || !same_document || !old_roles.contains(*role))
        {
            self.put_policy_resource(role, after)?;
        }
        old_roles
            .iter()
            .filter(|role| renamed || !new_roles.contains(*role))
            .try_for_each(|role| ignore_missing(self.delete_role_policy(role, &policy)))
    }

    fn put_policy_resource(&mut self, role: &str, properties: &Value) -> Result<(), Refusal> {
        let policy = text(properties, "PolicyName").unwrap_or_default();
        let document = properties.get("PolicyDocument").cloned().unwrap_or_default();
        self.authorize("iam:PutRolePolicy", &format!("role {role}"))?;
        self.put_role_policy(role, &policy, &document)
    }

    /// `<stack name, cut>-<logical id>-<12 letters and digits>`, 64 characters at most.
    fn generated_name(&mut self, stack_name: &str, logical_id: &str) -> String {
        let logical_id: String = logical_id.chars().take(24).collect();
        let stack_name: String = stack_name
            .chars()
            .take(64 - 12 - 2 - logical_id.chars().count())
            .collect();
        format!("{stack_name}-{logical_id}-{}", self.next_alphanumeric(12))
    }
}

/// Whether the difference can only be made by a new resource beside the old one: a role's name and path and an entry's
/// cluster, principal and type are "Update requires: Replacement" in the template reference, and nothing about an
/// `AWS::IAM::Policy` is, its name included.
pub(super) fn needs_replacement(resource: &StackResource, properties: &Value) -> bool {
    let keys: &[&str] = match resource.resource_type.as_str() {
        "AWS::IAM::Role" => &["RoleName", "Path"],
        MANAGED_POLICY => &["Description", "ManagedPolicyName", "Path"],
        ACCESS_ENTRY => &["ClusterName", "PrincipalArn", "Type"],
        _ => &[],
    };
    keys.iter()
        .any(|key| resource.properties.get(*key) != properties.get(*key))
}

fn ignore_missing(result: Result<(), Refusal>) -> Result<(), Refusal> {
    match result {
        Err(refusal) if refusal.code == "NoSuchEntity" => Ok(()),
        other => other,
    }
}

fn text(properties: &Value, key: &str) -> Option<String> {
    properties.get(key).and_then(Value::as_str).map(ToOwned::to_owned)
}

fn list<'a>(properties: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    properties
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn strings(properties: &Value, key: &str) -> Vec<String> {
    list(properties, key)
        .filter_map(Value::as_str)
        .map(ToOwned::to_owned)
        .collect()
}

fn max_session(properties: &Value) -> Option<u32> {
    let seconds = properties.get("MaxSessionDuration")?.as_u64()?;
    let seconds = u32::try_from(seconds).ok();
    seconds.filter(|seconds| *seconds != DEFAULT_SESSION_SECONDS)
}

fn embedded_policies(properties: &Value) -> BTreeMap<String, Value> {
    list(properties, "Policies")
        .map(|policy| {
            let document = policy.get("PolicyDocument").cloned().unwrap_or_default();
            (text(policy, "PolicyName").unwrap_or_default(), document)
        })
        .collect()
}
