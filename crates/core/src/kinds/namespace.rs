//! Namespaces: a missing one that a service account needs is created, never deleted, and gets no labels (as eksctl's).

use eksact_message::code::Code;
use std::collections::BTreeSet;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::permissions::{Place, Rights};
use super::{Kind, Request, RunContext, runner::wait_until_gone};
use crate::{
    engine::{
        Action, Change, Effect, Finding, PlanDraft, Reason, Severity, StepDone, StepError,
        executor::Progress, plan::fingerprint,
    },
    kinds::{
        pod_identity::making_accounts,
        role_arn::role_arn_after,
        standing::{Standing, standing},
    },
    live::{Live, LiveReader, NamespaceByName, addresses},
    ports::{
        CallErrorKind,
        kubernetes::{AccessReview, Namespace, ObjectKey},
    },
};

/// The kind `namespace`.
#[derive(Debug)]
pub struct NamespaceKind;

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "kebab-case")]
pub(crate) enum Operation {
    Create { name: String },
}

#[async_trait]
impl Kind for NamespaceKind {
    const NAME: &'static str = "namespace";
    type Operation = Operation;

    async fn read(&self, request: &Request, reader: &LiveReader) {
        let of_accounts = request.in_kubernetes().map(|account| &account.namespace);
        let of_pods = making_accounts(request).map(|association| &association.namespace);
        let namespaces = of_accounts
            .chain(of_pods)
            .map(|namespace| NamespaceByName(namespace.clone()));
        reader.read(namespaces).await;
    }

    fn plan(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        // Where nothing will be put into it, the finding of the account or of its role says why.
        let of_accounts = request.in_kubernetes().filter(|account| {
            !matches!(standing(request, live, account), Standing::Refused(_))
                && role_arn_after(account, draft).is_some()
        });
        let of_accounts = of_accounts.map(|account| (&account.namespace, account.location.as_ref()));
        let of_pods = making_accounts(request)
            .map(|association| (&association.namespace, association.location.as_ref()));
        let needed: Vec<_> = of_accounts.chain(of_pods).collect();
        let mut seen = BTreeSet::new();
        for (name, location) in needed.into_iter().filter(|(name, _)| seen.insert(*name)) {
            let address = addresses::namespace(name);
            match live.namespace(name) {
                Some(Ok(Some(namespace))) if namespace.terminating => draft.add_finding(
                    Finding::new(
                        Severity::Error,
                        Code::NamespaceTerminating,
                        format!(
                            "namespace {} is being deleted: nothing can be created in it",
                            namespace.name
                        ),
                    )
                    .about(&address)
                    .at(location)
                    .with_help(wait_until_gone()),
                ),
                Some(Ok(Some(_))) => draft.add_unchanged(address),
                Some(Ok(None)) => {
                    let operation = Operation::Create { name: name.clone() };
                    let step = draft.add_step(
                        &address,
                        "create",
                        format!("create namespace {name}"),
                        Vec::new(),
                        &operation,
                    );
                    draft.add_change(Change {
                        address,
                        action: Action::Create,
                        reasons: vec![Reason::new("missing", "it does not exist")],
                        source: location.cloned(),
                        attributes: Vec::new(),
                        depends_on: Vec::new(),
                        steps: vec![step],
                        origin: None,
                        fingerprint: fingerprint(&None::<()>),
                        effect: Effect::Equal,
                        notes: Vec::new(),
                    });
                }
                // The service accounts tell why the cluster could not be read; a namespace that may not be read is
                // taken to exist, and the write of the account tells otherwise.
                Some(Err(_)) | None => {
                    tracing::debug!(namespace = name, "namespace not read");
                }
            }
        }
    }

    fn access_reviews(&self, _operation: &Self::Operation) -> Vec<AccessReview> {
        vec![AccessReview {
            verb: "create".to_owned(),
            group: String::new(),
            resource: "namespaces".to_owned(),
            namespace: None,
        }]
    }

    fn rights_to_read(&self, request: &Request, _place: &Place) -> Rights {
        let mut rights = Rights::default();
        let of_accounts = request.in_kubernetes().map(|account| &account.namespace);
        let of_pods = making_accounts(request).map(|association| &association.namespace);
        let namespaces = of_accounts.chain(of_pods).count();
        if namespaces > 0 {
            // Many are listed.
            rights.kubernetes("", "namespaces", &["get", "list"], None);
        }
        rights
    }

    async fn run(
        &self,
        operation: Self::Operation,
        context: &RunContext,
        _progress: &Progress,
    ) -> Result<StepDone, StepError> {
        let Operation::Create { name } = operation;
        match context.writers.kubernetes.create(&Namespace::named(&name)).await {
            Ok(_) => Ok(StepDone::default()),
            Err(error) if error.kind == CallErrorKind::AlreadyExists => Ok(StepDone {
                notes: vec![format!("namespace {name} already existed.")],
                ..StepDone::default()
            }),
            Err(error) => {
                // A lost answer: the namespace may be there.
                match context
                    .readers
                    .kubernetes
                    .get::<Namespace>(ObjectKey::cluster(&name))
                    .await
                {
                    Ok(Some(namespace)) if !namespace.terminating => Ok(StepDone::default()),
                    _ => Err(error.into()),
                }
            }
        }
    }
}
