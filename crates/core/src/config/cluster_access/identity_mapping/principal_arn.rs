//! ARNs that may stand in an identity mapping: those that the authenticator can match, and no others.
//!
//! The authenticator compares with the ARN that STS tells it, turned into that of the role without its path
//! (`pkg/arn/arn.go` of aws-iam-authenticator); it validates nothing, and an entry that cannot match is silently dead.

use crate::config::diagnostic::quoted;
use crate::config::finding::{Finding, Findings};
use crate::config::path::FieldPath;
use eksact_identity::iam::arn::{ArnError, is_account_id, is_role_name};
use eksact_identity::iam::{Arn, Partition};
use eksact_message::code::Code;
use eksact_message::remedy::Remedy;

/// Checks the ARN at `path` for a cluster in `partition`. Whether it is a role's; what is no ARN at all is taken for one.
pub(super) fn check(text: &str, partition: Partition, path: &FieldPath, found: &mut Findings) -> bool {
    if text.contains("${") {
        // Reported as unexpanded already; nothing else can be said about it.
        return true;
    }
    let refuse =
        |message: String, help: Remedy| Finding::error(Code::MappingArn, path.clone(), message).help(help);
    let shown = quoted(text);
    let not_possible = |what: &str| format!("{shown} {what}");
    if text.starts_with("arn:") && text.contains(['*', '?']) {
        found.push(refuse(
            not_possible("has a wildcard, and the authenticator does not support wildcards"),
            remedy!("name each role; `permissionSet` in a ClusterAccess finds a role of IAM Identity Center by its permission set"),
        ));
        return true;
    }
    let arn = match text.parse::<Arn>() {
        Ok(arn) => arn,
        Err(error) => {
            let message = match error {
                ArnError::Shape(_) | ArnError::Empty(_) => {
                    format!("{shown} is not the ARN of an IAM role or user")
                }
                other => other.to_string(),
            };
            found.push(refuse(message, example(text, partition)));
            return true;
        }
    };
    let (kind, rest) = arn.resource.split_once('/').unwrap_or((&arn.resource, ""));
    let name = rest.rsplit('/').next().unwrap_or_default();
    let of_account = |resource: &str| Arn::iam(arn.partition, &arn.account, resource).to_string();
    let finding = match (arn.service.as_str(), kind) {
        ("sts", "assumed-role") => {
            let role = rest.split('/').next().unwrap_or_default();
            Some(refuse(
                not_possible("is a session of a role, and mappings name the role"),
                remedy!("write `{}`", of_account(&format!("role/{role}"))),
            ))
        }
        ("iam", "group") => Some(refuse(
            not_possible("is an IAM group, and EKS does not support IAM groups"),
            remedy!("map a role that the members of the group may assume, or each user"),
        )),
        ("iam", "instance-profile") => Some(refuse(
            not_possible("is an instance profile, and mappings name its role"),
            remedy!(
                "write the role in it, such as `{}`",
                of_account(&format!("role/{name}"))
            ),
        )),
        ("iam", "role" | "user") | ("sts", "federated-user")
            if !arn.region.is_empty() || !is_account_id(&arn.account) || !is_role_name(name) =>
        {
            Some(refuse(
                not_possible("is not the ARN of an IAM role or user"),
                example(text, partition),
            ))
        }
        ("iam", "role") if rest != name => Some(refuse(
            not_possible("includes the path of the role, and so never matches"),
            remedy!("write it without: `{}`", of_account(&format!("role/{name}"))),
        )),
        ("iam", "role" | "user") | ("sts", "federated-user") => None,
        _ => Some(refuse(
            not_possible("is neither a user nor a role"),
            example(text, partition),
        )),
    };
    let is_role = kind != "user" && kind != "federated-user";
    let finding = finding.or_else(|| {
        (arn.partition != partition).then(|| {
            let message = format!(
                "{shown} is in the partition {}, and the region is in {partition}",
                arn.partition
            );
            Finding::error(Code::ArnPartition, path.clone(), message)
                .help(remedy!("begin it with `arn:{partition}:`"))
        })
    });
    if let Some(finding) = finding {
        found.push(finding);
    }
    is_role
}

fn example(text: &str, partition: Partition) -> Remedy {
    if text.trim() != text {
        return remedy!("there are spaces around it; the authenticator treats them as part of it");
    }
    remedy!("write it like arn:{partition}:iam::111122223333:role/my-role")
}
