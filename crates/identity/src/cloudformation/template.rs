//! The template of a service account's stack, rendered from `templates/cloudformation/iam_role.json.tera`.

use std::sync::LazyLock;

use serde::Serialize;
use serde_json::{Value, json};
use tera::{Context, Tera};

use super::role_owner::RoleOwner;
use super::well_known::{self, DefinitionError};
use crate::iam::WellKnownPolicy;

const NAME: &str = "iam_role.json";
/// The logical id of a file's own policy.
pub const OWN_POLICY: &str = "Policy1";
/// IAM's limit for the name of an inline policy.
const MAX_POLICY_NAME_LENGTH: usize = 128;

static TEMPLATES: LazyLock<Result<Tera, TemplateError>> = LazyLock::new(|| {
    let mut tera = Tera::default();
    // The template escapes every value itself, for JSON.
    tera.autoescape_on(Vec::new());
    let source = include_str!("../../../../templates/cloudformation/iam_role.json.tera");
    tera.add_raw_template(NAME, source)
        .map_err(|error| TemplateError::Render(describe(&error)))?;
    Ok(tera)
});

/// What the template of a service account's stack is made of.
#[derive(Debug, Clone)]
pub struct RoleTemplate {
    /// The stack's name.
    pub stack_name: String,
    /// What the role is for.
    pub owner: RoleOwner,
    /// The role's trust policy.
    pub trust_policy: Value,
    /// The role's name, if it is not CloudFormation's to choose.
    pub role_name: Option<String>,
    /// The managed policies to attach, in the file's order.
    pub managed_policy_arns: Vec<String>,
    /// The well-known policies to attach.
    pub well_known: Vec<WellKnownPolicy>,
    /// The file's own policy document, taken as it is.
    pub inline_policy: Option<Value>,
    /// The logical id of that policy; none for [`OWN_POLICY`].
    pub inline_policy_id: Option<String>,
    /// The ARN of the permissions boundary.
    pub permissions_boundary: Option<String>,
    /// What a role has that people assume.
    pub of_people: Option<OfPeople>,
}

/// What the file says of a role that people or pipelines assume, and of no other.
#[derive(Debug, Clone, Serialize)]
pub struct OfPeople {
    /// Its path, where it is not `/`.
    pub path: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// How long a session may last, in seconds.
    pub max_session_seconds: Option<u32>,
}

/// Why a template cannot be rendered. Nothing that a file holds causes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The built-in Tera template fails.
    #[error(
        "the built-in template of a service account's stack fails ({0}); please report this as a bug of eksact"
    )]
    Render(String),
    /// A well-known policy cannot be read.
    #[error(transparent)]
    WellKnown(#[from] DefinitionError),
}

#[derive(Serialize)]
struct Policy<'a> {
    logical_id: &'a str,
    name: Value,
    document: &'a Value,
}

impl RoleTemplate {
    /// Renders the template. Its text form, as CloudFormation takes it, is the value's `to_string`.
    pub fn render(&self) -> Result<Value, TemplateError> {
        let mut managed: Vec<Value> = self.managed_policy_arns.iter().map(|arn| json!(arn)).collect();
        let mut policies = Vec::new();
        if let Some(document) = &self.inline_policy {
            let id = self.inline_policy_id.as_deref().unwrap_or(OWN_POLICY);
            policies.push(self.policy(id, document));
        }
        // In eksctl's order, whatever the file's: an equal list is no change.
        for well_known in WellKnownPolicy::ALL
            .into_iter()
            .filter(|policy| self.well_known.contains(policy))
        {
            let definition = well_known::definition(well_known)?;
            managed.extend(
                definition
                    .managed_policies
                    .iter()
                    .map(|arn| json!({"Fn::Sub": arn})),
            );
            policies.extend(
                definition
                    .policies
                    .iter()
                    .map(|own| self.policy(&own.logical_id, &own.document)),
            );
        }
        let mut context = Context::new();
        context.insert("description", &self.owner.description());
        context.insert("trust_policy", &self.trust_policy);
        context.insert("role_name", &self.role_name);
        context.insert("managed_policy_arns", &managed);
        context.insert("permissions_boundary", &self.permissions_boundary);
        context.insert("policies", &policies);
        context.insert("of_people", &self.of_people);
        let templates = TEMPLATES.as_ref().map_err(Clone::clone)?;
        let text = templates
            .render(NAME, &context)
            .map_err(|error| TemplateError::Render(describe(&error)))?;
        serde_json::from_str(&text).map_err(|error| TemplateError::Render(error.to_string()))
    }

    /// The capability to create or update the stack with.
    pub fn capability(&self) -> &'static str {
        super::capability(self.role_name.as_deref())
    }

    /// An inline policy under eksctl's name for it, or, where IAM would refuse that as too long, under its logical id
    /// alone. Names of inline policies need be unique only within their role.
    fn policy<'a>(&self, logical_id: &'a str, document: &'a Value) -> Policy<'a> {
        let length = self.stack_name.len() + 1 + logical_id.len();
        let name = if length <= MAX_POLICY_NAME_LENGTH {
            json!({"Fn::Sub": format!("${{AWS::StackName}}-{logical_id}")})
        } else {
            json!(logical_id)
        };
        Policy {
            logical_id,
            name,
            document,
        }
    }
}

/// Tera's error with its causes; the outermost alone only says that rendering failed.
fn describe(error: &tera::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
