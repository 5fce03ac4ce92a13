//! How the trust policy of a role is changed, which depends on who owns the role: `eksact apply` writes those of its own
//! stacks and no other.

use eksact_message::remedy::Remedy;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    cloudformation::tags,
    iam::{
        shared_trust::{DEFAULT_QUOTA, MAXIMUM_QUOTA, QUOTA_CODE, RAISED_QUOTA, length},
        web_identity::WebIdentityCall,
    },
};

/// The tag that CloudFormation sets on what a stack made.
const STACK_NAME_TAG: &str = "aws:cloudformation:stack-name";

/// What a ClusterConfig that was given says of the service account's role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum InFile {
    /// No file was given.
    #[default]
    NoFile,
    /// This file has the service account, and eksact makes its role.
    Owned(String),
    /// The file has it with a role of somebody else's, or does not have it.
    NotOwned,
}

/// How a role's trust policy is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    role_name: String,
    keeper: Keeper,
}

/// Who keeps the trust policy as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Keeper {
    /// `eksact apply` with a file that has the service account; the file's name, where it is known.
    Apply(String),
    /// Another CloudFormation stack.
    Stack(String),
    /// Nobody that the role's tags name: Terraform, a script, a hand.
    Unknown,
}

impl Repair {
    /// For a role with these tags that a service account uses (`namespace/name`).
    pub fn of(
        role_name: &str,
        tags: &BTreeMap<String, String>,
        cluster: &str,
        account: &str,
        in_file: &InFile,
    ) -> Self {
        let is = |key: &str, value: &str| tags.get(key).is_some_and(|own| own == value);
        let is_of_account = is(tags::CLUSTER_NAME, cluster) && is(tags::SERVICE_ACCOUNT_NAME, account);
        let keeper = match (in_file, tags.get(STACK_NAME_TAG)) {
            (InFile::Owned(path), _) if is_of_account => Keeper::Apply(path.clone()),
            (InFile::NoFile, _) if is_of_account => Keeper::Apply("FILE".to_owned()),
            (_, Some(stack)) => Keeper::Stack(stack.clone()),
            (_, None) => Keeper::Unknown,
        };
        Self {
            role_name: role_name.to_owned(),
            keeper,
        }
    }

    /// For a role that `attachRoleARN` names: whoever made it keeps it.
    pub fn of_attached(role_name: &str, tags: &BTreeMap<String, String>) -> Self {
        Self::of(role_name, tags, "", "", &InFile::NotOwned)
    }

    /// What lets the caller in; nothing where the document is no policy.
    pub(super) fn let_in(&self, call: &WebIdentityCall, document: &Value) -> Option<Remedy> {
        if let Some(apply) = self.apply(call) {
            return Some(apply);
        }
        let repaired = call.let_in_by(document)?;
        let (role, place, statement) = (&self.role_name, self.place(), call.statement());
        let add = remedy!(
            "Add this statement to the trust policy of the role {role}{place}:\n    {statement}\nThe policy \
             with it, everything else unchanged:\n    {}",
            self.command(&repaired)
        );
        Some(with_quota(add, &repaired))
    }

    /// What ends a denial; nothing where the document is no policy.
    pub(super) fn without_denial(&self, call: &WebIdentityCall, document: &Value) -> Option<Remedy> {
        if let Some(apply) = self.apply(call) {
            return Some(apply);
        }
        let repaired = call.let_in_by(document)?;
        let without = remedy!(
            "If the denial is not meant for this service account, write the policy without it{}:\n    {}",
            self.place(),
            self.command(&repaired)
        );
        Some(with_quota(without, &repaired))
    }

    /// What lets nobody else in.
    pub(super) fn narrow(&self, call: &WebIdentityCall, document: &Value) -> Remedy {
        if let Some(apply) = self.apply(call) {
            return apply;
        }
        match call.narrowed(document) {
            Some(narrowed) => with_quota(
                remedy!(
                    "Where no other service account needs the role, name this one only{}:\n    {}",
                    self.place(),
                    self.command(&narrowed)
                ),
                &narrowed,
            ),
            None => remedy!(
                "Name each service account that needs the role in a statement of its own{}; for this one:\n    {}",
                self.place(),
                call.statement()
            ),
        }
    }

    fn apply(&self, call: &WebIdentityCall) -> Option<Remedy> {
        let Keeper::Apply(file) = &self.keeper else {
            return None;
        };
        let account = call
            .subject
            .trim_start_matches("system:serviceaccount:")
            .replace(':', "/");
        // What no shell can be given is no path either.
        let file = shlex::try_quote(file).unwrap_or("FILE".into());
        Some(remedy!(
            "`eksact apply -f {file}` with the file that has {account} restores the trust policy; `eksact plan -f {file}` \
             shows it first."
        ))
    }

    /// Where else the policy must be changed, so that it is not written over.
    fn place(&self) -> String {
        match &self.keeper {
            Keeper::Stack(stack) => {
                format!(", in the template of the stack {stack}, which would write it over")
            }
            _ => ", where it is kept (with Terraform, `assume_role_policy`)".to_owned(),
        }
    }

    /// The command that writes the document.
    fn command(&self, document: &Value) -> String {
        let text = document.to_string();
        let words = [
            "aws",
            "iam",
            "update-assume-role-policy",
            "--role-name",
            &self.role_name,
            "--policy-document",
            &text,
        ];
        // Neither a role's name nor JSON can hold what no shell can be given.
        shlex::try_join(words).unwrap_or_else(|_| text.clone())
    }
}

/// How the quota of trust policies is raised for one of so many characters; nothing where every account allows them, or none.
pub fn quota_help(characters: usize) -> Option<Remedy> {
    let wanted = [RAISED_QUOTA, MAXIMUM_QUOTA]
        .into_iter()
        .find(|quota| characters <= *quota)?;
    (characters > DEFAULT_QUOTA).then(|| {
        remedy!(
            "The policy becomes {characters} characters long, and an account allows {DEFAULT_QUOTA} unless AWS raised its quota. \
             This asks for more: `aws service-quotas request-service-quota-increase --region us-east-1 --service-code iam \
             --quota-code {QUOTA_CODE} --desired-value {wanted}`."
        )
    })
}

/// Says as well how the quota is raised where the document may be longer than it.
fn with_quota(remedy: Remedy, document: &Value) -> Remedy {
    match quota_help(length(document)) {
        Some(quota) => quota.above(&remedy),
        None => remedy,
    }
}
