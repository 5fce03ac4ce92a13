//! `account`: which account a cluster is in, and how eksact gets there.

use serde::{Deserialize, Serialize};

use crate::config::diagnostic::quoted;
use crate::config::finding::{Finding, Findings};
use crate::config::location::{Located, SourceLocation};
use crate::config::path::FieldPath;
use crate::config::reader::Reader;
use eksact_identity::iam::arn::{is_account_id, is_role_name};
use eksact_identity::iam::{Arn, Partition};
use eksact_message::code::Code;
use eksact_yaml::Node;

const KEY: &str = "account";

/// Which AWS account the cluster is in, and how eksact gets there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterAccount {
    /// Twelve digits: credentials of any other account are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Located<String>>,
    /// The profile of the AWS configuration files to begin with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Located<String>>,
    /// ARN of a role to assume, and to make all calls in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<Located<String>>,
    /// The external id that the role's trust policy asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<Located<String>>,
    /// Where it begins in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<SourceLocation>,
}

impl ClusterAccount {
    /// The account, as far as the file says: by its id, or as that of the role. Not where they contradict each other, which
    /// validation refuses.
    pub fn number(&self) -> Option<&str> {
        let id = self.id.as_ref().map(|id| id.value.as_str());
        let role = self.role_arn.as_ref().and_then(|arn| arn.value.split(':').nth(4));
        id.or(role).filter(|account| !account.is_empty())
    }
}

pub(super) fn decode(root: &Node, reader: &Reader<'_>) -> Option<ClusterAccount> {
    let node = root.get(KEY)?;
    Some(ClusterAccount {
        id: reader.text(node, "id"),
        profile: reader.text(node, "profile"),
        role_arn: reader.text(node, "roleARN"),
        external_id: reader.text(node, "externalID"),
        location: Some(reader.location(node)),
    })
}

/// Checks the account of one document, for a cluster in `partition`.
pub(super) fn check(account: Option<&ClusterAccount>, partition: Partition, found: &mut Findings) {
    let Some(account) = account else {
        return;
    };
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
pub(super) fn second(first: Option<&SourceLocation>) -> Finding {
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
