//! The rules of `account`: which account a cluster is in, and whether its parts agree.

use crate::config::cluster_access::ClusterAccount;
use crate::config::diagnostic::quoted;
use crate::config::finding::{Finding, Findings};
use crate::config::location::SourceLocation;
use crate::config::path::FieldPath;
use eksact_identity::iam::arn::{is_account_id, is_role_name};
use eksact_identity::iam::{Arn, Partition};
use eksact_message::code::Code;

const KEY: &str = "account";

/// Checks the account of one document, for a cluster in `partition`.
pub(in crate::config) fn check(account: &ClusterAccount, partition: Partition, found: &mut Findings) {
    let path = FieldPath::of(KEY);
    // What nothing expands is reported as that.
    let expanded = |text: &str| !text.contains("${");
    let id = account
        .id
        .as_ref()
        .map(|id| id.value.as_str())
        .filter(|id| expanded(id));
    if let Some(id) = id.filter(|id| !is_account_id(id)) {
        let message = format!("{} is not the id of an AWS account", quoted(id));
        found.push(
            Finding::error(Code::Account, path.key("id"), message).help(remedy!(
                "write its twelve digits in quotes, such as `id: \"111122223333\"`: without them YAML may read a number"
            )),
        );
    }
    if account.external_id.is_some() && account.role_arn.is_none() {
        let message = format!("{path}: externalID has no effect without roleARN");
        found.push(
            Finding::error(Code::NoEffect, path.key("externalID"), message)
                .help(remedy!("name the role with `roleARN`, or leave `externalID` out"))
                .at_key(),
        );
    }
    let Some(role) = account.role_arn.as_ref().map(|role| role.value.as_str()) else {
        return;
    };
    if !expanded(role) {
        return;
    }
    let here = path.key("roleARN");
    let arn = role.parse::<Arn>().ok().filter(|arn| {
        arn.region.is_empty() && is_account_id(&arn.account) && arn.role_name().is_some_and(is_role_name)
    });
    let Some(arn) = arn else {
        let message = format!("{} is not the ARN of an IAM role", quoted(role));
        found.push(Finding::error(Code::RoleArn, here, message).help(remedy!(
            "write it whole, such as `arn:{partition}:iam::111122223333:role/eksact`"
        )));
        return;
    };
    if arn.partition != partition {
        let message = format!(
            "{} is in the partition {}, and the region is in {partition}",
            quoted(role),
            arn.partition
        );
        found.push(
            Finding::error(Code::ArnPartition, here, message)
                .help(remedy!("begin it with `arn:{partition}:`")),
        );
    } else if let Some(id) = id.filter(|id| is_account_id(id) && *id != arn.account) {
        let message = format!(
            "{here} is in the account {}, and {} is {id}",
            arn.account,
            path.key("id")
        );
        found.push(
            Finding::error(Code::Account, here, message)
                .help(remedy!("name a role of the cluster's account, or correct `id`")),
        );
    }
}

/// A second document that has an account.
pub(in crate::config) fn second(first: Option<&SourceLocation>) -> Finding {
    let there = first.map_or_else(String::new, |first| format!(", at {first}"));
    Finding::error(
        Code::Account,
        FieldPath::of(KEY),
        format!("the account is set already{there}"),
    )
    .help(remedy!(
        "a cluster is in one account: put all of it into one document"
    ))
    .at_key()
}
