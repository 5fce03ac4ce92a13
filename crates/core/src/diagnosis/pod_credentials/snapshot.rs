//! What a question about pods is answered from where only a snapshot is at hand. What it does not have is said to be unknown.

use std::{collections::BTreeMap, sync::Arc};

use super::{InCluster, PodQuestion};
use crate::{
    diagnosis::{
        authorization::{Account as PicturedAccount, Picture, Read},
        aws_authorization::Association,
    },
    live::ROLE_ANNOTATION,
    ports::aws::{PodIdentityAssociation, Role},
};
use eksact_identity::{
    authn::{
        irsa::{self, Account, Chain, InFile, Known, Provider, annotated_role},
        pod_identity_webhook::Pod,
    },
    iam::Arn,
    service_account::ServiceAccountKey,
};

/// Why a snapshot of an older eksact has too little.
const TOO_OLD: &str = "the snapshot is of an eksact that did not read it; take a new one";
/// Why the pods that run are not known.
const NO_PODS: &str = "a snapshot does not have them";

/// The question, answered from a snapshot that was taken at `now`; and what is to be known of it.
///
/// # Errors
/// Why the snapshot has not enough.
pub fn of_snapshot(
    picture: &Picture,
    account: &ServiceAccountKey,
    pod: Option<Pod>,
    now: Option<jiff::Timestamp>,
) -> Result<(PodQuestion, Option<String>), String> {
    let aws = &picture.aws;
    let partition = aws
        .cluster_arn
        .parse::<Arn>()
        .map_err(|_| format!("what of AWS decides is not in it: {TOO_OLD}"))?
        .partition;
    let pictured = known(&picture.service_accounts).map(|accounts| {
        let is_it =
            |found: &&PicturedAccount| (&found.namespace, &found.name) == (&account.namespace, &account.name);
        accounts.iter().find(is_it)
    });
    let note = pictured.as_ref().ok().copied().flatten().and_then(|found| {
        let is_old = found.annotations.is_none();
        is_old.then(|| format!("of the annotations only {ROLE_ANNOTATION} is known: {TOO_OLD}"))
    });
    let annotations = pictured.map(|found| found.map(annotations_of));
    let service_account = annotations
        .clone()
        .map(|annotations| annotations.map(|annotations| Account { annotations }));
    let annotated = service_account
        .as_ref()
        .ok()
        .and_then(Option::as_ref)
        .and_then(annotated_role);
    let association = known(&aws.associations).map(|all| {
        let is_it = |own: &&Association| {
            (&own.namespace, &own.service_account) == (&account.namespace, &account.name)
        };
        all.iter().find(is_it).map(of_association)
    });
    let associated = match &association {
        Ok(Some(association)) => association.role_arn.parse::<Arn>().ok(),
        _ => None,
    };
    let chain = Chain {
        cluster: picture.cluster.clone(),
        region: picture.region.clone(),
        account: picture.account.clone(),
        partition,
        issuer: aws.issuer.clone(),
        api_issuer: None,
        namespace: account.namespace.clone(),
        name: account.name.clone(),
        service_account,
        provider: known(&aws.provider).map(|found| {
            // Thumbprints count only beside certificates, which a snapshot does not have.
            found.clone().map(|audiences| Provider {
                audiences,
                thumbprints: Vec::new(),
            })
        }),
        certificates: None,
        role: role(picture, annotated.as_ref()).map(|found| {
            found.map(|role| irsa::Role {
                arn: role.arn.clone(),
                trust_policy: role.trust_policy.clone(),
                tags: role.tags.clone(),
            })
        }),
        pods: Ok(Vec::new()),
        token: None,
        trial: None,
        in_file: InFile::NoFile,
        now,
    };
    let question = PodQuestion {
        account: account.clone(),
        pod,
        region: Some(picture.region.clone()),
        annotations,
        cluster: Some(InCluster {
            name: picture.cluster.clone(),
            arn: aws.cluster_arn.clone(),
            region: picture.region.clone(),
            association,
            associated_role: role(picture, associated.as_ref()),
            agent: match &aws.agent {
                Some(agent) => known(agent).cloned(),
                None => Err(TOO_OLD.to_owned()),
            },
            chain,
            running: Err(NO_PODS.to_owned()),
        }),
    };
    Ok((question, note))
}

/// The annotations that the webhook reads.
fn annotations_of(account: &PicturedAccount) -> BTreeMap<String, String> {
    let mut annotations = account.annotations.clone().unwrap_or_default();
    if let Some(role) = &account.role_arn {
        annotations.insert(ROLE_ANNOTATION.to_owned(), role.clone());
    }
    annotations
}

fn of_association(own: &Association) -> PodIdentityAssociation {
    PodIdentityAssociation {
        id: if own.id.is_empty() {
            "of unknown id".to_owned()
        } else {
            own.id.clone()
        },
        namespace: own.namespace.clone(),
        service_account: own.service_account.clone(),
        role_arn: own.role_arn.clone(),
        target_role_arn: own.target_role_arn.clone(),
        disable_session_tags: own.disable_session_tags,
        policy: own.policy.clone(),
        external_id: own.external_id.clone(),
        ..PodIdentityAssociation::default()
    }
}

/// The role of this ARN; one of the same name in this account would be another.
fn role(picture: &Picture, arn: Option<&Arn>) -> Known<Option<Arc<Role>>> {
    let Some(arn) = arn else { return Ok(None) };
    let Some(name) = arn.role_name() else {
        return Ok(None);
    };
    if arn.account != picture.account {
        return Err(format!(
            "it is in account {}, and is not in the snapshot",
            arn.account
        ));
    }
    let details = known(&picture.aws.details)?;
    let found = details.roles.iter().find(|role| role.name == name);
    Ok(found.cloned().map(Arc::new))
}

fn known<T>(part: &Read<T>) -> Known<&T> {
    match part {
        Read::Known(value) => Ok(value),
        Read::Unread(why) => Err(why.clone()),
    }
}
