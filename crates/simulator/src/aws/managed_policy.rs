//! Simulated customer managed policies: made and deleted by their stacks, changed by new versions.
//!
//! `World::policies` and `World::policy_documents` are what the rest of this world looks at; a policy with versions stands there
//! as well.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::policy_document::{DocumentKind, check_policy_document};
use super::{reading, role_policies::size_of};
use crate::Sandbox;
use crate::refusal::Refusal;
use crate::state::World;
use eksact_core::ports::aws::{
    MOST_POLICY_VERSIONS, ManagedPolicy, ManagedPolicyReader, ManagedPolicyWriter, PolicyUse, PolicyVersion,
};
use eksact_core::ports::{CallError, found};

/// Characters of a managed policy, white space not counted (IAM and STS quotas).
const MOST_CHARACTERS: usize = 6_144;

/// What `CreatePolicy` is given.
#[derive(Clone, Debug)]
pub(super) struct NewPolicy {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) description: Option<String>,
    pub(super) document: Value,
}

#[async_trait]
impl ManagedPolicyReader for Sandbox {
    async fn managed_policy(&self, arn: &str) -> Result<Option<ManagedPolicy>, CallError> {
        let call = reading("iam", "GetPolicy", arn);
        let answer = self.call(call, |world, _| world.managed_policy(arn));
        let Some(policy) = found(answer.await)? else {
            return Ok(None);
        };
        self.further("iam", &["ListPolicyVersions", "GetPolicyVersion"], arn)
            .await?;
        Ok(Some(policy))
    }

    async fn policy_use(&self, arn: &str) -> Result<PolicyUse, CallError> {
        let call = reading("iam", "ListEntitiesForPolicy", arn);
        self.call(call, |world, _| {
            world.managed_policy(arn)?;
            Ok(world.use_of_policy(arn))
        })
        .await
    }
}

#[async_trait]
impl ManagedPolicyWriter for Sandbox {
    async fn create_policy_version(&self, arn: &str, document: &Value) -> Result<(), CallError> {
        let call = super::writing("iam", "CreatePolicyVersion", arn);
        self.call(call, |world, now| world.create_policy_version(arn, document, now))
            .await
    }

    async fn delete_policy_version(&self, arn: &str, version: &str) -> Result<(), CallError> {
        self.change_iam("DeletePolicyVersion", arn, |world| {
            world.delete_policy_version(arn, version)
        })
        .await
    }
}

impl World {
    /// IAM `GetPolicy`, with what its further calls say. One that a person has merely listed has one version.
    pub(super) fn managed_policy(&self, arn: &str) -> Result<ManagedPolicy, Refusal> {
        if let Some(policy) = self.managed_policies.get(arn) {
            return Ok(policy.clone());
        }
        let document = self.policy_documents.get(arn).cloned();
        if document.is_none() && !self.policies.contains(arn) {
            return Err(no_such_policy(arn));
        }
        let resource = arn.split_once(":policy").map(|(_, resource)| resource);
        let (path, name) = resource
            .and_then(|resource| resource.rsplit_once('/'))
            .unwrap_or_default();
        Ok(ManagedPolicy {
            arn: arn.to_owned(),
            name: name.to_owned(),
            id: "ANPASANDBOX".to_owned(),
            path: format!("{path}/"),
            description: None,
            document: document.unwrap_or_else(|| json!({"Version": "2012-10-17", "Statement": []})),
            versions: vec![first_version(Timestamp::UNIX_EPOCH)],
        })
    }

    /// Who has a policy, as one of its own or as its boundary.
    fn use_of_policy(&self, arn: &str) -> PolicyUse {
        let has = |attached: &[String], boundary: Option<&String>| {
            attached.iter().any(|own| own == arn) || boundary.is_some_and(|own| own == arn)
        };
        let name = |arn: &String| arn.rsplit('/').next().unwrap_or_default().to_owned();
        PolicyUse {
            roles: self
                .roles
                .values()
                .filter(|role| has(&role.managed_policy_arns, role.permissions_boundary.as_ref()))
                .map(|role| role.name.clone())
                .collect(),
            users: self
                .user_details
                .iter()
                .filter(|(_, user)| has(&user.managed_policy_arns, user.permissions_boundary.as_ref()))
                .map(|(arn, _)| name(arn))
                .collect(),
            groups: self
                .groups
                .values()
                .filter(|group| has(&group.managed_policy_arns, None))
                .map(|group| group.name.clone())
                .collect(),
        }
    }

    /// IAM `CreatePolicy`; gives the ARN. A name is there once, whatever its path.
    pub(super) fn create_policy(&mut self, new: NewPolicy, now: Timestamp) -> Result<String, Refusal> {
        let arn = format!(
            "arn:{}:iam::{}:policy{}{}",
            self.partition, self.account, new.path, new.name
        );
        let own = format!("arn:{}:iam::{}:policy/", self.partition, self.account);
        let is_taken = self
            .policies
            .iter()
            .chain(self.policy_documents.keys())
            .chain(self.managed_policies.keys())
            .filter(|other| other.starts_with(&own))
            .any(|other| {
                other
                    .rsplit('/')
                    .next()
                    .is_some_and(|name| name.eq_ignore_ascii_case(&new.name))
            });
        if is_taken {
            return Err(Refusal::new(
                "EntityAlreadyExists",
                format!(
                    "A policy called {} already exists. Duplicate names are not allowed.",
                    new.name
                ),
            ));
        }
        check_document(&new.document)?;
        let policy = ManagedPolicy {
            arn: arn.clone(),
            name: new.name,
            id: format!("ANPA{}", self.next_alphanumeric(17)),
            path: new.path,
            description: new.description,
            document: new.document,
            versions: vec![first_version(now)],
        };
        self.keep_policy(policy);
        Ok(arn)
    }

    /// Puts a policy where the rest of the world looks for it.
    pub(super) fn keep_policy(&mut self, policy: ManagedPolicy) {
        self.policies.insert(policy.arn.clone());
        self.policy_documents
            .insert(policy.arn.clone(), policy.document.clone());
        self.managed_policies.insert(policy.arn.clone(), policy);
    }

    /// Takes a policy away, whoever has it.
    pub(super) fn forget_policy(&mut self, arn: &str) {
        self.policies.remove(arn);
        self.policy_documents.remove(arn);
        self.managed_policies.remove(arn);
    }

    /// IAM `CreatePolicyVersion` that is the default at once; a sixth is refused.
    pub(super) fn create_policy_version(
        &mut self,
        arn: &str,
        document: &Value,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let mut policy = self.managed_policy(arn)?;
        check_document(document)?;
        if policy.versions.len() >= MOST_POLICY_VERSIONS {
            return Err(Refusal::new(
                "LimitExceeded",
                "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing \
                 version.",
            ));
        }
        add_version(&mut policy, Some(now));
        policy.document = document.clone();
        self.keep_policy(policy);
        Ok(())
    }

    /// IAM `DeletePolicyVersion`.
    pub(super) fn delete_policy_version(&mut self, arn: &str, version: &str) -> Result<(), Refusal> {
        let mut policy = self.managed_policy(arn)?;
        let Some(place) = policy.versions.iter().position(|own| own.id == version) else {
            let message = format!("Policy {arn} version {version} does not exist or is not attachable.");
            return Err(Refusal::new("NoSuchEntity", message));
        };
        if policy.versions.get(place).is_some_and(|own| own.is_default) {
            return Err(Refusal::new(
                "DeleteConflict",
                "Cannot delete the default version of a policy.",
            ));
        }
        policy.versions.remove(place);
        self.keep_policy(policy);
        Ok(())
    }

    /// IAM `DeletePolicy`: refused while anybody has it.
    pub(super) fn delete_policy(&mut self, arn: &str) -> Result<(), Refusal> {
        self.managed_policy(arn)?;
        if self.use_of_policy(arn) != PolicyUse::default() {
            return Err(Refusal::new(
                "DeleteConflict",
                "Cannot delete a policy attached to entities.",
            ));
        }
        self.forget_policy(arn);
        Ok(())
    }
}

fn check_document(document: &Value) -> Result<(), Refusal> {
    check_policy_document(document, DocumentKind::Identity)?;
    if size_of(document) > MOST_CHARACTERS {
        return Err(Refusal::over_quota("PolicySize", MOST_CHARACTERS));
    }
    Ok(())
}

fn first_version(now: Timestamp) -> PolicyVersion {
    PolicyVersion {
        id: "v1".to_owned(),
        is_default: true,
        created: Some(now),
    }
}

fn no_such_policy(arn: &str) -> Refusal {
    Refusal::new("NoSuchEntity", format!("Policy {arn} was not found."))
}

/// Adds a version, numbered after the last, that holds from now on.
pub fn add_version(policy: &mut ManagedPolicy, created: Option<Timestamp>) {
    let number = |version: &PolicyVersion| version.id.trim_start_matches('v').parse::<u64>().unwrap_or(0);
    let last = policy.versions.iter().map(number).max().unwrap_or(0);
    for version in &mut policy.versions {
        version.is_default = false;
    }
    policy.versions.push(PolicyVersion {
        id: format!("v{}", last + 1),
        is_default: true,
        created,
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Seed;

    fn document(action: &str) -> Value {
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})
    }

    #[test]
    fn five_versions_and_a_name_that_is_there_once() {
        let mut world = World::seeded(&Seed {
            cluster: "prod".to_owned(),
            region: "us-west-2".to_owned(),
            account: None,
        });
        let new = |path: &str| NewPolicy {
            name: "reader".to_owned(),
            path: path.to_owned(),
            description: None,
            document: document("s3:GetObject"),
        };
        let now = Timestamp::UNIX_EPOCH;
        let arn = world.create_policy(new("/"), now).unwrap();
        assert_eq!(
            world.create_policy(new("/team/"), now).unwrap_err().code,
            "EntityAlreadyExists"
        );
        for number in 2..=5 {
            world
                .create_policy_version(&arn, &document(&format!("s3:{number}")), now)
                .unwrap();
        }
        assert_eq!(
            world
                .create_policy_version(&arn, &document("s3:*"), now)
                .unwrap_err()
                .code,
            "LimitExceeded"
        );
        assert_eq!(
            world.delete_policy_version(&arn, "v5").unwrap_err().code,
            "DeleteConflict"
        );
        world.delete_policy_version(&arn, "v1").unwrap();
        world.create_policy_version(&arn, &document("s3:*"), now).unwrap();
        let policy = world.managed_policy(&arn).unwrap();
        assert_eq!(policy.default_version(), Some("v6"));
        assert_eq!(world.policy_documents.get(&arn), Some(&document("s3:*")));
        world.delete_policy(&arn).unwrap();
        assert_eq!(world.managed_policy(&arn).unwrap_err().code, "NoSuchEntity");
    }
}
