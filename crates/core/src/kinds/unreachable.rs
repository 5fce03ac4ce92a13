//! What a plan says of objects of the cluster when its API does not answer.

use super::Request;
use crate::{
    engine::{Finding, Severity},
    guard::Guard,
};
use eksact_message::code::Code;

/// That something about access could not be planned. The guard refuses to begin; who passes it has the work on AWS done, and
/// is told that this was left out: there is nothing of it on AWS's side, and a run that did none of it has not succeeded.
pub(super) fn finding(request: &Request, message: String) -> Finding {
    if request.settings.allow.contains(&Guard::KubernetesUnreachable) {
        return Finding::new(Severity::Error, Code::NotPlanned, message);
    }
    Guard::KubernetesUnreachable.refusal(message)
}
