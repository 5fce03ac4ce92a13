//! Roles of the files by whose name mappings and access entries let somebody in. Where the role of that name is somebody else's,
//! or cannot be made, nobody gets in by it: whom it trusts is not the file's to say.

use crate::{
    engine::{Address, Finding, PlanDraft, Severity},
    kinds::Request,
    live::{Live, addresses, is_of_cluster, role_owner_of},
};
use eksact_identity::{
    cloudformation::RoleOwner,
    iam::{Arn, Partition},
};
use eksact_message::code::Code;

/// That the role of this ARN is one of the files by its name, and somebody else's by what is there; or missing or unreadable, and
/// not to be planned: whoever makes one of that name would get in. `address` is that of the object that lets it in.
pub(super) fn of_somebody_else(
    request: &Request,
    live: &Live,
    arn: &str,
    address: &Address,
    draft: &PlanDraft,
) -> Option<Finding> {
    let role = request
        .config
        .access
        .roles
        .iter()
        .find(|role| is_its(arn, &role.name.value, role.path(), live.partition, &live.account))?;
    let name = role.name.value.as_str();
    let found = match live.role(name) {
        Some(Ok(Some(found))) => found,
        Some(Ok(None) | Err(_)) => return unplanned(name, arn, address, draft),
        None => return None,
    };
    let owner = RoleOwner::assumed(name);
    // One of its name that has lost the tag gets it again by this plan.
    let is_ours = live.stack_of(&owner).is_some_and(|stack| {
        is_of_cluster(stack, &live.cluster.name)
            && role_owner_of(stack).is_none_or(|of| of == owner)
            && stack.outputs.get("Role1") == Some(&found.arn)
    });
    if is_ours {
        return None;
    }
    let message = format!(
        "nobody is let in by the role {}: the file means one that eksact makes, and no stack of this cluster made this one",
        found.arn
    );
    Some(Finding::new(Severity::Error, Code::RoleNotOurs, message).about(address))
}

fn unplanned(name: &str, arn: &str, address: &Address, draft: &PlanDraft) -> Option<Finding> {
    let role = addresses::assumable_role(name);
    let mut errors = draft
        .findings()
        .iter()
        .filter(|finding| finding.severity == Severity::Error);
    let is_unplanned = errors.any(|finding| finding.address.as_ref() == Some(&role));
    is_unplanned.then(|| {
        let message =
            format!(
                "nobody is let in by the role {arn}: it does not exist or could not be read, and {role} cannot be planned"
            );
        Finding::new(Severity::Error, Code::NotPlanned, message).about(address)
    })
}

/// Whether an ARN, with the role's path or without one as `aws-auth` has it, is that of a role.
fn is_its(arn: &str, name: &str, path: &str, partition: Partition, account: &str) -> bool {
    [path, "/"]
        .into_iter()
        .any(|path| Arn::iam(partition, account, &format!("role{path}{name}")).to_string() == arn)
}
