//! Reads what a question about pods is answered from.

use std::sync::Arc;

use super::{InCluster, PodQuestion};
use crate::{
    live::{
        ClusterOidcProvider, LiveReader, PodIdentityAgent, PodIdentityAssociationById,
        PodIdentityAssociations, PodsOf, RoleByName, ServiceAccountByKey,
    },
    ports::{
        CallError,
        aws::{PodIdentityAssociation, Role},
    },
};
use eksact_identity::{
    authn::{
        irsa::{self, Account, Chain, InFile, Known, Provider, annotated_role},
        pod_identity_webhook::Pod,
    },
    iam::Arn,
    service_account::ServiceAccountKey,
};

/// Reads the service account, its association and role, the agent, and the pods that run.
///
/// `now` is for conditions about time, and `in_file` says what a file that was given has of the service account.
pub async fn read(
    reader: &LiveReader,
    account: &ServiceAccountKey,
    pod: Option<Pod>,
    in_file: InFile,
    now: jiff::Timestamp,
) -> PodQuestion {
    let (found, association, agent, provider, running) = tokio::join!(
        reader.ask(ServiceAccountByKey(account.clone())),
        association(reader, account),
        reader.ask(PodIdentityAgent),
        reader.ask(ClusterOidcProvider),
        reader.ask(PodsOf(account.clone())),
    );
    let annotations = known(found.as_ref(), |found| {
        found.as_ref().map(|found| found.annotations.clone())
    });
    let service_account = annotations
        .clone()
        .map(|annotations| annotations.map(|annotations| Account { annotations }));
    let annotated = service_account
        .as_ref()
        .ok()
        .and_then(Option::as_ref)
        .and_then(annotated_role);
    let associated = match &association {
        Ok(Some(association)) => association.role_arn.parse::<Arn>().ok(),
        _ => None,
    };
    let (annotated_role, associated_role) = tokio::join!(
        role(reader, annotated.as_ref()),
        role(reader, associated.as_ref())
    );
    let live = reader.snapshot();
    let cluster = reader.cluster();
    let chain = Chain {
        cluster: cluster.name.clone(),
        region: live.region.clone(),
        account: live.account.clone(),
        partition: live.partition,
        issuer: cluster.oidc_issuer.clone(),
        api_issuer: None,
        namespace: account.namespace.clone(),
        name: account.name.clone(),
        service_account,
        provider: known(provider.as_ref(), |found| {
            found.as_ref().map(|provider| Provider {
                audiences: provider.audiences.clone(),
                thumbprints: provider.thumbprints.clone(),
            })
        }),
        certificates: None,
        role: annotated_role.map(|found| {
            found.map(|role| irsa::Role {
                arn: role.arn.clone(),
                trust_policy: role.trust_policy.clone(),
                tags: role.tags.clone(),
            })
        }),
        // They are looked at apart: here an association may have made them.
        pods: Ok(Vec::new()),
        token: None,
        trial: None,
        in_file,
        now: Some(now),
    };
    PodQuestion {
        account: account.clone(),
        pod,
        region: Some(live.region.clone()),
        annotations,
        cluster: Some(InCluster {
            name: cluster.name.clone(),
            arn: cluster.arn.clone(),
            region: live.region,
            association,
            associated_role,
            agent: known(agent.as_ref(), Clone::clone),
            chain,
            running: known(running.as_ref(), Clone::clone),
        }),
    }
}

async fn association(
    reader: &LiveReader,
    account: &ServiceAccountKey,
) -> Known<Option<PodIdentityAssociation>> {
    let listed = reader.ask(PodIdentityAssociations).await;
    let Some(id) = known(listed.as_ref(), |listed| {
        listed.get(account).map(|summary| summary.id.clone())
    })?
    else {
        return Ok(None);
    };
    let read = reader.ask(PodIdentityAssociationById(id)).await;
    known(read.as_ref(), Clone::clone)
}

/// The role of this ARN; one of the same name in this account would be another.
async fn role(reader: &LiveReader, arn: Option<&Arn>) -> Known<Option<Arc<Role>>> {
    let Some(name) = arn.and_then(Arn::role_name) else {
        return Ok(None);
    };
    let account = arn.map(|arn| arn.account.as_str()).unwrap_or_default();
    if account != reader.account() {
        return Err(format!(
            "it is in account {account}, and cannot be read from here"
        ));
    }
    let read = reader.ask(RoleByName(name.to_owned())).await;
    known(read.as_ref(), Clone::clone)
}

fn known<S, T>(read: &Result<S, CallError>, keep: impl FnOnce(&S) -> T) -> Known<T> {
    match read {
        Ok(value) => Ok(keep(value)),
        Err(error) => Err(error.to_string()),
    }
}
