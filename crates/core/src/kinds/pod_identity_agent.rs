//! The agent of EKS Pod Identity: installed as an add-on of EKS where a command asks for it (`--install-agent`) and the cluster
//! has none, however one would have come there.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use super::permissions::{Place, Rights};
use super::{Kind, Request, RunContext, scope::saved_scope};
use crate::{
    engine::{
        Action, Change, Effect, PlanDraft, Reason, StepDone, StepError, executor::Progress, plan::fingerprint,
    },
    live::{AGENT, Agent, Live, LiveReader, PodIdentityAgent, addresses},
    ports::{CallError, CallErrorKind, aws::Addon},
};

/// How often it is looked at whether the add-on has come up.
const PAUSE: Duration = Duration::from_secs(5);

/// The kind `addon`.
#[derive(Debug)]
pub struct PodIdentityAgentKind;

/// That a cluster without an agent shall get one.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct InstallAgent;

saved_scope!(InstallAgent, "pod-identity-agent");

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "kebab-case")]
pub(crate) enum Operation {
    /// `CreateAddon`, and wait.
    Create {
        cluster: String,
        name: String,
        client_request_token: String,
    },
}

#[async_trait]
impl Kind for PodIdentityAgentKind {
    const NAME: &'static str = "addon";
    type Operation = Operation;

    async fn read(&self, request: &Request, reader: &LiveReader) {
        if request.scope::<InstallAgent>().is_some() {
            reader.ask(PodIdentityAgent).await;
        }
    }

    fn plan(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        if request.scope::<InstallAgent>().is_none() {
            return;
        }
        let address = addresses::addon(AGENT);
        match live.get(&PodIdentityAgent) {
            Some(Ok(Agent::Missing)) => {}
            Some(Ok(_)) => return draft.add_unchanged(address),
            // What is said of associations says why it is not known.
            Some(Err(_)) | None => return,
        }
        let digest = fingerprint(&(&live.cluster.arn, AGENT, &request.settings.nonce));
        let operation = Operation::Create {
            cluster: live.cluster.name.clone(),
            name: AGENT.to_owned(),
            client_request_token: format!("eksact-{}", digest.get(..32).unwrap_or(&digest)),
        };
        let title = format!("install the add-on {AGENT}");
        let step = draft.add_step(&address, "create", title, Vec::new(), &operation);
        draft.add_change(Change {
            address,
            action: Action::Create,
            reasons: vec![Reason::new(
                "requested",
                "it was requested, and the cluster has no agent",
            )],
            source: None,
            attributes: Vec::new(),
            depends_on: Vec::new(),
            steps: vec![step],
            origin: None,
            fingerprint: fingerprint(&None::<()>),
            effect: Effect::Equal,
            notes: Vec::new(),
        });
    }

    fn predict(
        &self,
        operation: &Self::Operation,
        _draft: &PlanDraft,
        live: &mut Live,
    ) -> Result<(), StepError> {
        let Operation::Create { name, .. } = operation;
        let addon = Addon {
            name: name.clone(),
            arn: String::new(),
            version: String::new(),
            status: "CREATING".to_owned(),
            issues: Vec::new(),
        };
        live.put(PodIdentityAgent, Ok(Agent::Addon(addon)));
        Ok(())
    }

    fn rights_to_read(&self, request: &Request, place: &Place) -> Rights {
        let mut rights = Rights::default();
        if request.scope::<InstallAgent>().is_some() {
            rights.aws(place.addon(AGENT), &["eks:DescribeAddon"]);
            rights.kubernetes("apps", "daemonsets", &["get"], Some("kube-system"));
        }
        rights
    }

    fn rights_to_write(&self, operation: &Self::Operation, place: &Place) -> Rights {
        let mut rights = Rights::default();
        let Operation::Create { name, .. } = operation;
        rights.aws(place.cluster(), &["eks:CreateAddon"]);
        rights.aws(place.addon(name), &["eks:DescribeAddon"]);
        rights
    }

    async fn run(
        &self,
        operation: Self::Operation,
        context: &RunContext,
        progress: &Progress,
    ) -> Result<StepDone, StepError> {
        let Operation::Create {
            cluster,
            name,
            client_request_token,
        } = operation;
        let made = context
            .writers
            .aws
            .create_addon(&cluster, &name, &client_request_token)
            .await;
        if let Err(error) = made
            && !may_be_there(&error)
        {
            return Err(error.into());
        }
        let begun = Instant::now();
        loop {
            let addon = context.readers.aws.addon(&cluster, &name).await?;
            match addon.as_ref().map(|addon| addon.status.as_str()) {
                Some("ACTIVE") => return Ok(StepDone::default()),
                Some(status @ ("CREATING" | "UPDATING")) if begun.elapsed() < context.timeout => {
                    progress.tell(status);
                    sleep(PAUSE).await;
                }
                _ => {
                    let condition = addon.map_or_else(|| "missing".to_owned(), |addon| addon.condition());
                    return Err(StepError::new(format!("the add-on {name} is {condition}")));
                }
            }
        }
    }
}

/// Whether it may be there for all that: a lost answer, or one that somebody made meanwhile.
fn may_be_there(error: &CallError) -> bool {
    matches!(
        error.kind,
        CallErrorKind::Unreachable
            | CallErrorKind::ServiceFailure
            | CallErrorKind::Throttled
            | CallErrorKind::AlreadyExists
            | CallErrorKind::Conflict
    )
}
