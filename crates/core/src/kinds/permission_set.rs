//! Permission sets of IAM Identity Center: the one role that each made in the account, found among the roles under
//! Identity Center's path. Pure.

use eksact_message::code::Code;
use std::collections::BTreeSet;

use crate::{
    engine::{Address, Finding, Severity},
    live::Live,
};
use eksact_identity::iam::{
    Arn,
    permission_set::{ROLE_PREFIX, permission_set_of},
};

/// The ARN, with its path, of the role of this permission set: the only one of its name. `address` is that of the object that
/// names it.
pub(super) fn resolve(
    name: &str,
    account: Option<&str>,
    address: &Address,
    live: &Live,
) -> Result<Arn, Finding> {
    let error = |code: Code, message: String| Finding::new(Severity::Error, code, message).about(address);
    if let Some(account) = account.filter(|account| *account != live.account) {
        return Err(error(
            Code::PermissionSetAccount,
            format!(
                "the role of permission set {name} cannot be searched for in the account {account}: the \
                 caller reads the roles of {}",
                live.account
            ),
        )
        .with_help(remedy!(
            "Name the role by its ARN instead: arn:{}:iam::{account}:role/{ROLE_PREFIX}{name}_…",
            live.partition
        )));
    }
    let arns = match live.permission_set_roles() {
        Some(Ok(arns)) => arns,
        Some(Err(cause)) => {
            let finding = error(
                Code::PermissionSetUnreadable,
                format!("the role of permission set {name} could not be searched for: {cause}"),
            );
            return Err(finding.with_help_for(cause));
        }
        None => {
            return Err(error(
                Code::PermissionSetUnreadable,
                format!("permission set {name} was not read"),
            ));
        }
    };
    let roles: Vec<Arn> = arns.iter().filter_map(|arn| arn.parse().ok()).collect();
    let of_set: Vec<&Arn> = roles
        .iter()
        .filter(|arn| arn.role_name().and_then(permission_set_of) == Some(name))
        .collect();
    match of_set.as_slice() {
        [arn] => Ok((*arn).clone()),
        [] => {
            let others: BTreeSet<&str> = roles
                .iter()
                .filter_map(|arn| arn.role_name().and_then(permission_set_of))
                .collect();
            let others: Vec<&str> = others.into_iter().collect();
            let finding = error(
                Code::PermissionSetNotFound,
                format!(
                    "the account {} has no role of the permission set {name}",
                    live.account
                ),
            );
            Err(finding.with_help(if others.is_empty() {
                remedy!("Assign the permission set to someone in the account: IAM Identity Center then creates the role.")
            } else {
                remedy!("Write one that the account has, letter by letter: {}", others.join(", "))
            }))
        }
        several => {
            let listed: Vec<String> = several.iter().map(ToString::to_string).collect();
            Err(error(
                Code::PermissionSetAmbiguous,
                format!(
                    "several roles belong to the permission set {name}: {}",
                    listed.join(", ")
                ),
            )
            .with_help(remedy!(
                "Name the right one by its ARN: an access entry with its path, a mapping of aws-auth without."
            )))
        }
    }
}
