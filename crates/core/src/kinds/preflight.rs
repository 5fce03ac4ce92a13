//! What is checked between the approval of a plan and its first write: that the cluster's API answers and lets the
//! caller do every Kubernetes step. An unreachable endpoint or a missing right is told then, not after the stacks
//! are made.

use std::collections::BTreeSet;

use futures::future::join_all;

use crate::{
    engine::Plan,
    kinds::kind_of,
    ports::{
        CallError, CallErrorKind,
        kubernetes::{AccessReview, KubernetesReader},
    },
};

/// Why a plan cannot be begun.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PreflightError {
    /// The cluster's API does not answer.
    #[error(
        "the Kubernetes API of the cluster does not answer, and {steps} steps of the plan need it: {cause}"
    )]
    Unreachable {
        /// How many steps need it.
        steps: usize,
        /// Why.
        cause: CallError,
    },
    /// The API is another cluster's: a kubeconfig or a context that points elsewhere.
    #[error(
        "the Kubernetes API is another cluster's: it issues tokens as {found}, and the cluster of the plan as {wanted}"
    )]
    OtherCluster {
        /// The issuer that the API tells.
        found: String,
        /// The issuer of the plan's cluster.
        wanted: String,
    },
    /// A step of the plan is none that this version can carry out.
    #[error("the step for {address} cannot be carried out: {cause}")]
    NotUnderstood {
        /// What the step is for.
        address: String,
        /// Why.
        cause: String,
    },
    /// The caller may not do what the plan needs.
    #[error("the caller may not {} in the cluster, and the plan needs it", denied.join(", "))]
    Denied {
        /// Verb, resource and place of each missing right.
        denied: Vec<String>,
    },
}

/// Checks `plan` against the cluster: `Ok` when every Kubernetes step may be done, or when there is none.
pub async fn check(plan: &Plan, kubernetes: &dyn KubernetesReader) -> Result<(), PreflightError> {
    let mut reviews: BTreeSet<AccessReview> = BTreeSet::new();
    let mut steps = 0;
    for step in &plan.steps {
        let not_understood = |cause| PreflightError::NotUnderstood {
            address: step.address.to_string(),
            cause,
        };
        let kind = kind_of(step)
            .ok_or_else(|| not_understood("this version of eksact does not know the kind".to_owned()))?;
        let needed = kind
            .access_reviews(&step.operation)
            .map_err(|error| not_understood(error.to_string()))?;
        steps += usize::from(!needed.is_empty());
        reviews.extend(needed);
    }
    if reviews.is_empty() {
        return Ok(());
    }
    let (version, issuer) = tokio::join!(kubernetes.server_version(), kubernetes.service_account_issuer());
    if let Err(cause) = version {
        return Err(PreflightError::Unreachable { steps, cause });
    }
    // Not everybody may read the issuer, and a tunnel may hide it: only another one is told.
    if let (Ok(Some(found)), Some(wanted)) = (issuer, plan.target.get("issuer"))
        && found != *wanted
    {
        return Err(PreflightError::OtherCluster {
            found,
            wanted: wanted.clone(),
        });
    }
    let answers = join_all(reviews.iter().map(|review| kubernetes.may(review))).await;
    let mut denied = Vec::new();
    for (review, answer) in reviews.iter().zip(answers) {
        match answer {
            Ok(true) => {}
            Ok(false) => denied.push(match &review.namespace {
                Some(namespace) => format!("{} {} in namespace {namespace}", review.verb, review.resource),
                None => format!("{} {}", review.verb, review.resource),
            }),
            Err(cause) if cause.kind == CallErrorKind::AccessDenied => {
                // A cluster that refuses the question itself leaves the answer to the write.
                tracing::warn!("the cluster does not answer access reviews: {cause}");
            }
            Err(cause) => return Err(PreflightError::Unreachable { steps, cause }),
        }
    }
    if denied.is_empty() {
        Ok(())
    } else {
        Err(PreflightError::Denied { denied })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::kinds::kinds;

    /// An operation that cannot be decoded needs rights that nobody knows, and not none.
    #[test]
    fn kinds_refuse_an_operation_that_they_cannot_decode() {
        for kind in kinds() {
            for operation in [
                json!({"operation": "rename"}),
                json!({}),
                json!(null),
                json!({"operation": "create", "namespace": 1}),
            ] {
                let answer = kind.access_reviews(&operation);
                assert!(answer.is_err(), "{} {operation}: {answer:?}", kind.name());
            }
        }
    }
}
