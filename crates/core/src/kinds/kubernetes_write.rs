//! One write of an object of Kubernetes that several kinds make: what the caller must be allowed for it, and how it is carried out.

use async_trait::async_trait;
use serde_json::Value;

use crate::{
    engine::{StepDone, StepError},
    kinds::RunContext,
    ports::{
        CallError, CallErrorKind,
        kubernetes::{AccessReview, KubernetesReader, Object, Precondition},
    },
};

/// What is done with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Create,
    Patch,
    Delete,
}

/// An object that is written.
#[async_trait]
pub(super) trait Written: Object {
    /// The object as it was read.
    fn precondition(&self) -> Precondition<'_>;

    /// The merge patch that changes what may be changed of it.
    fn patch(&self) -> Value;

    /// Whether it is what is wanted, in all that eksact says of one.
    fn is_as(&self, wanted: &Self) -> bool;

    /// The object as it is now.
    async fn now(&self, kubernetes: &dyn KubernetesReader) -> Result<Option<Self>, CallError>;

    /// What a denied write means.
    fn denied(error: CallError) -> StepError {
        error.into()
    }
}

/// What the caller must be allowed.
pub(super) fn access_reviews<T: Object>((verb, object): (Verb, &T)) -> Vec<AccessReview> {
    let namespace = object.key().namespace;
    let resource = T::RESOURCES.of(namespace);
    let verb = match verb {
        Verb::Create => "create",
        Verb::Patch => "patch",
        Verb::Delete => "delete",
    };
    vec![AccessReview {
        verb: verb.to_owned(),
        group: resource.group.to_owned(),
        resource: resource.plural.to_owned(),
        namespace: namespace.map(ToOwned::to_owned),
    }]
}

/// Carries out one write.
pub(super) async fn run<T: Written>(
    (verb, object): (Verb, &T),
    context: &RunContext,
) -> Result<StepDone, StepError> {
    let kubernetes = &context.writers.kubernetes;
    let as_read = object.precondition();
    let outcome = match verb {
        Verb::Create => kubernetes.create(object).await.map(drop),
        Verb::Patch => {
            let version = Precondition::version(as_read.resource_version);
            let patched = kubernetes.merge::<T>(object.key(), object.patch(), version);
            patched.await.map(drop)
        }
        Verb::Delete => kubernetes.delete::<T>(object.key(), as_read).await,
    };
    let Err(error) = outcome else {
        return Ok(StepDone::default());
    };
    let is_deletion = verb == Verb::Delete;
    match error.kind {
        CallErrorKind::NotFound if is_deletion => return Ok(StepDone::default()),
        CallErrorKind::AccessDenied => return Err(T::denied(error)),
        CallErrorKind::Invalid => return Err(error.into()),
        _ => {}
    }
    // A lost answer, or somebody who was faster: what counts is what is there.
    let is_done = match object.now(context.readers.kubernetes.as_ref()).await {
        Ok(Some(live)) => !is_deletion && live.is_as(object),
        Ok(None) => is_deletion,
        Err(_) => false,
    };
    if is_done {
        Ok(StepDone::default())
    } else {
        Err(error.into())
    }
}
