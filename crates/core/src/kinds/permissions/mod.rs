//! The rights that a run needs: to plan, from what is asked for alone; to apply, from the plan. Each kind says what its reading
//! and its writes call, as narrow as it can; here is what all of them share.

mod policy;
mod rights;

pub use rights::{AwsRight, Place, Rights};

use super::{Request, kind_of, kinds};
use crate::engine::{Plan, StepError};

/// The rights to plan a request.
pub fn to_plan(request: &Request, place: &Place) -> Rights {
    let mut rights = Rights::default();
    rights.aws(place.cluster(), &["eks:DescribeCluster"]);
    for kind in kinds() {
        rights.add(kind.rights_to_read(request, place));
    }
    rights
}

/// The rights to apply a plan of a request. What is read to plan is read again.
///
/// # Errors
/// When a step is none that this version can carry out.
pub fn to_apply(request: &Request, place: &Place, plan: &Plan) -> Result<Rights, StepError> {
    let mut rights = to_plan(request, place);
    for step in &plan.steps {
        let unknown = || {
            StepError::new(format!(
                "this version of eksact does not know the kind of {}",
                step.address
            ))
        };
        let kind = kind_of(step).ok_or_else(unknown)?;
        rights.add(kind.rights_to_write(&step.operation, place)?);
        for review in kind.access_reviews(&step.operation)? {
            rights.kubernetes.insert(review);
        }
    }
    Ok(rights)
}
