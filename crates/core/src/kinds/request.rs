//! What is asked for: the desired objects, as a `ClusterConfig`, and what shall become of them. Files and imperative
//! commands both end here, and nothing after this knows which it was.

use std::{borrow::Cow, collections::BTreeSet, time::Duration};

use eksact_identity::iam::Partition;

use serde::{Deserialize, Serialize};

use super::scope::{Scope, Scopes};
use crate::{
    config::ClusterConfig,
    engine::Targets,
    guard::{Guard, broadening::BroadeningRule},
};

/// Where the thumbprint of a new provider comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThumbprintSource {
    /// The last certificate that the issuer's host serves.
    Issuer,
    /// Given by the user: lower-case hex SHA-1.
    Given(String),
    /// IAM finds it itself.
    Iam,
}

/// How the request is carried out.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own, set by a flag of its own"
)]
pub struct Settings {
    /// Whether role stacks are protected against deletion.
    pub termination_protection: bool,
    /// CloudFormation leaves failed stacks as they are.
    pub disable_rollback: bool,
    /// The role that CloudFormation acts as.
    pub cloudformation_role_arn: Option<String>,
    /// Service accounts that somebody else made are annotated.
    pub override_existing_service_accounts: bool,
    /// Thumbprint of a new provider.
    pub thumbprint: ThumbprintSource,
    /// The thumbprint of an existing provider is compared, too.
    pub check_thumbprint: bool,
    /// How long to wait for stacks that somebody works on before planning, and for our own.
    pub timeout: Duration,
    /// What eksact made and the file no longer says shall go (`--prune`), in every section that the file has.
    pub prune: bool,
    /// Guards that may be passed.
    pub allow: BTreeSet<Guard>,
    /// The part of the plan that is asked for.
    #[serde(default, skip_serializing_if = "Targets::is_everything")]
    pub targets: Targets,
    /// Whether more access may be given, as far as flags and variables say.
    pub allow_broadening: BroadeningRule,
    /// The words of the command that asks, such as `create iamserviceaccount`; of a plan over whole files all that it needs but the file
    /// to save it in (`plan -f c.yaml --include 'app/*'`), and none where the request tells it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub command: String,
    /// Makes the client request tokens of this run its own: a repeated write within the run is harmless, a new run
    /// writes anew. No part of a saved plan: the same plan has the same digest wherever it is made.
    #[serde(skip)]
    pub nonce: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            termination_protection: true,
            disable_rollback: false,
            cloudformation_role_arn: None,
            override_existing_service_accounts: false,
            thumbprint: ThumbprintSource::Issuer,
            check_thumbprint: false,
            timeout: Duration::from_mins(25),
            prune: false,
            allow: BTreeSet::new(),
            targets: Targets::default(),
            allow_broadening: BroadeningRule::default(),
            command: String::new(),
            nonce: String::new(),
        }
    }
}

/// What is asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    /// What shall be as it says.
    pub config: ClusterConfig,
    /// How it is carried out.
    pub settings: Settings,
    /// What is asked of kinds beyond all this, each in its own type.
    scopes: Scopes,
}

impl Request {
    /// A request that everything of `config` be as it says.
    pub fn ensure(config: ClusterConfig, settings: Settings) -> Self {
        Self {
            config,
            settings,
            scopes: Scopes::default(),
        }
    }

    /// The same with ARNs of this account in the place of names of policies of the files.
    pub(super) fn with_arns(&self, partition: Partition, account: &str) -> Cow<'_, Self> {
        match self.config.with_arns(partition, account) {
            Cow::Borrowed(_) => Cow::Borrowed(self),
            Cow::Owned(config) => Cow::Owned(Self {
                config,
                ..self.clone()
            }),
        }
    }

    /// Whether more access may be given: the strictest that flags, variables and files say.
    pub fn broadening_rule(&self) -> BroadeningRule {
        let rule = self.settings.allow_broadening.clone();
        match &self.config.access.allow_broadening {
            Some(setting) => rule.and(BroadeningRule::of_file(setting)),
            None => rule,
        }
    }

    /// Asks this of the kinds that know the type; what was asked of them before in that type is replaced.
    pub fn ask<S: Scope>(&mut self, scope: S) {
        self.scopes.put(scope);
    }

    /// What is asked of the kinds that know the type; none where they shall do what the file says.
    pub fn scope<S: Scope>(&self) -> Option<&S> {
        self.scopes.get()
    }
}
