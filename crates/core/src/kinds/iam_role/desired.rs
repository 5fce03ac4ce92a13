//! How a role shall be: its stack, template, tags, and what the role in it may do.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{overlay, shared, wanted::OwnedRole};
use crate::{
    config::{Located, assumable_role::AssumableRole},
    kinds::{Request, service_account_scope::RoleAttribute, stack_write::token},
    live::Live,
    ports::aws::{DEFAULT_SESSION_SECONDS, Role, StackRequest},
};

use eksact_identity::{
    cloudformation::{
        RoleOwner, capability, tags,
        template::{self, OfPeople},
        wanted_role::{self, ResolveContext, WantedRole},
        well_known,
    },
    iam::{DEFAULT_PATH, WellKnownPolicy},
};

/// The role that pods or people shall have.
#[derive(Clone, Debug)]
pub struct DesiredRole {
    /// What the role is made for.
    pub owner: RoleOwner,
    /// Name of the stack.
    pub stack_name: String,
    /// The template, as it is sent.
    pub template_body: String,
    /// What the role of that template is.
    pub wanted: WantedRole,
    /// The path of the role, where it is not `/`.
    pub path: Option<String>,
    /// Tags of the stack, in order.
    pub tags: Vec<(String, String)>,
    /// Capabilities to acknowledge.
    pub capabilities: Vec<String>,
}

/// Why no role can be desired.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DesireError {
    /// The cluster has no issuer, so there is nobody to trust.
    #[error("the cluster has no OIDC issuer that a role could trust")]
    NoIssuer,
    /// Whom it shall trust is not known; a finding of its own says why.
    #[error("whom the role shall trust is not known")]
    Nobody,
    /// No stack name was assigned: a mistake of the program.
    #[error("internal error: {0} has no stack name")]
    NoStackName(String),
    /// The template could not be made.
    #[error("{0}")]
    Template(String),
}

impl DesiredRole {
    /// How this role shall be in the cluster of `live`.
    pub fn of(role: &OwnedRole<'_>, live: &Live, request: &Request) -> Result<Self, DesireError> {
        let (owner, account) = (role.owner.clone(), role.account.as_ref());
        let trust_policy = role.trust_policy(request, live)?;
        let stack_name = live
            .stack_of(&owner)
            .map(|stack| stack.name.clone())
            .or_else(|| live.stack_name(&owner).cloned())
            .ok_or_else(|| DesireError::NoStackName(account.qualified_name()))?;
        let role_name = account.role_name.as_ref().map(|name| name.value.clone());
        let role_template = template::RoleTemplate {
            stack_name: stack_name.clone(),
            owner: owner.clone(),
            trust_policy,
            role_name,
            managed_policy_arns: account
                .attach_policy_arns
                .iter()
                .map(|arn| arn.value.clone())
                .collect(),
            well_known: account.well_known_policies.0.iter().copied().collect(),
            inline_policy: account
                .attach_policy
                .as_ref()
                .map(|document| document.value.clone()),
            inline_policy_id: role.policy_id.clone(),
            permissions_boundary: account.permissions_boundary.as_ref().map(|arn| arn.value.clone()),
            of_people: role.assumed.map(of_people),
        };
        let value = role_template
            .render()
            .map_err(|error| DesireError::Template(error.to_string()))?;
        let capabilities = vec![role_template.capability().to_owned()];
        let wanted = wanted_role::resolve(&value, &context(live, &stack_name))
            .map_err(|error| DesireError::Template(error.to_string()))?;
        let stack_tags = tags::StackTags {
            cluster: &live.cluster.name,
            owner: &owner,
            metadata_tags: &request.config.metadata.tags,
            service_account_tags: &account.tags,
        };
        let tags = stack_tags
            .to_write()
            .into_iter()
            .map(|tag| (tag.key, tag.value))
            .collect();
        Ok(Self {
            owner: owner.clone(),
            stack_name,
            template_body: value.to_string(),
            wanted,
            path: role_template.of_people.and_then(|people| people.path),
            tags,
            capabilities,
        })
    }

    /// The same as an edit of a live template: what eksact has no words for stays, and where `only` names attributes,
    /// everything else stays, too. Statements of other clusters in the role's trust policy are taken along.
    pub fn over(
        &self,
        live_template: &Value,
        only: Option<&BTreeSet<RoleAttribute>>,
        role: &Role,
        live: &Live,
    ) -> Result<Self, DesireError> {
        let wanted_template: Value = serde_json::from_str(&self.template_body)
            .map_err(|error| DesireError::Template(error.to_string()))?;
        let mut template = overlay::over(&wanted_template, live_template, only);
        shared::carry(&mut template, live_template, &role.trust_policy);
        let wanted = wanted_role::resolve(&template, &context(live, &self.stack_name))
            .map_err(|error| DesireError::Template(error.to_string()))?;
        let named = wanted.role_name.is_some();
        Ok(Self {
            template_body: template.to_string(),
            capabilities: vec![capability(named.then_some("named")).to_owned()],
            wanted,
            ..self.clone()
        })
    }

    /// The tags that are compared: all but the version of the tool that wrote them.
    pub fn compared_tags(&self) -> impl Iterator<Item = &(String, String)> {
        self.tags.iter().filter(|(key, _)| key != tags::TOOL_VERSION_NAME)
    }

    /// The wanted value of a tag.
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags
            .iter()
            .find(|(own, _)| own == key)
            .map(|(_, value)| value.as_str())
    }

    /// The well-known policy that an inline policy of this name belongs to.
    pub fn well_known_of(&self, policy_name: &str) -> Option<WellKnownPolicy> {
        let logical_id = policy_name
            .strip_prefix(&format!("{}-", self.stack_name))
            .unwrap_or(policy_name);
        WellKnownPolicy::ALL.into_iter().find(|policy| {
            well_known::definition(*policy)
                .is_ok_and(|definition| definition.policies.iter().any(|own| own.logical_id == logical_id))
        })
    }

    /// The request that creates the stack. `read` is the digest of what was there before, so that a stack made again
    /// is another request.
    pub fn stack_request(&self, request: &Request, read: &str) -> StackRequest {
        StackRequest {
            name: self.stack_name.clone(),
            template_body: self.template_body.clone(),
            tags: self.tags.clone(),
            capabilities: self.capabilities.clone(),
            termination_protection: request.settings.termination_protection,
            disable_rollback: request.settings.disable_rollback,
            service_role_arn: request.settings.cloudformation_role_arn.clone(),
            client_request_token: token(
                "create",
                &self.stack_name,
                &[&self.template_body, read, &request.settings.nonce],
            ),
        }
    }
}

/// What the file says of a role that people assume and of no other.
fn of_people(role: &AssumableRole) -> OfPeople {
    let text = |text: &Option<Located<String>>| text.as_ref().map(|text| text.value.clone());
    OfPeople {
        path: text(&role.path).filter(|path| path != DEFAULT_PATH),
        description: text(&role.description),
        // One that is not stated is IAM's own, and is seen to like any other.
        max_session_seconds: Some(
            role.max_session_duration
                .as_ref()
                .map_or(DEFAULT_SESSION_SECONDS, |duration| duration.value),
        ),
    }
}

/// What a template of this stack is resolved with.
pub fn context(live: &Live, stack_name: &str) -> ResolveContext {
    ResolveContext {
        stack_name: stack_name.to_owned(),
        partition: live.partition,
        account: live.account.clone(),
        region: live.region.clone(),
    }
}
