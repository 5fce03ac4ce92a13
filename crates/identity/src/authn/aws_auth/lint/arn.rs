//! ARNs that let nobody in, or that are looked for elsewhere.

use super::{Findings, Surroundings};
use crate::authn::arn::KNOWN_PARTITIONS;
use crate::authn::aws_auth::parse::{Mapping, SectionKey};
use crate::iam::arn::is_account_id;
use eksact_message::code::Code;

impl Findings {
    pub(super) fn arn(&mut self, mapping: &Mapping, surroundings: &Surroundings<'_>) {
        let arn = &mapping.arn;
        if arn.is_empty() {
            self.error(
                Code::SsoEntry,
                "EKS does not look at `sso` entries: this one lets no one in".to_owned(),
                remedy!("name the role's ARN, without its path"),
                None,
            );
            return;
        }
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let &[prefix, partition, service, region, account, resource] = parts.as_slice() else {
            self.not_an_arn(arn);
            return;
        };
        if prefix.eq_ignore_ascii_case("arn") && arn.contains(['*', '?']) {
            self.error(
                Code::WildcardInArn,
                format!(
                    "`{arn}` has a wildcard, and the server compares ARNs character by character: it \
                     lets no one in"
                ),
                remedy!("write one entry for each role or user"),
                None,
            );
            return;
        }
        if !prefix.eq_ignore_ascii_case("arn") || arn.contains(char::is_whitespace) {
            self.not_an_arn(arn);
            return;
        }
        self.place(arn, partition, account, surroundings);
        let (kind, name) = resource.split_once('/').unwrap_or((resource, ""));
        let kind = kind.to_ascii_lowercase();
        match (service.to_ascii_lowercase().as_str(), kind.as_str()) {
            ("iam", "role") => {
                if self.key == SectionKey::Users {
                    self.wrong_section(arn, "role", SectionKey::Roles);
                }
                if let Some((_, short)) = name.rsplit_once('/') {
                    let without = format!("arn:{partition}:iam::{account}:role/{short}");
                    self.error(
                        Code::RoleArnWithPath,
                        format!("`{arn}` has a path, which the server never sees: the entry lets no one in"),
                        remedy!("write `{without}`"),
                        self.replaced(mapping, |with| without.clone_into(&mut with.arn)),
                    );
                }
                self.stale(
                    arn,
                    account,
                    name.rsplit('/').next().unwrap_or(name),
                    surroundings,
                );
            }
            ("iam", "user") if self.key == SectionKey::Roles => {
                self.wrong_section(arn, "user", SectionKey::Users);
            }
            ("iam", "user" | "root") | ("sts", "federated-user") => {}
            ("sts", "assumed-role") => {
                let role = name.split('/').next().unwrap_or(name);
                let role = format!("arn:{partition}:iam::{account}:role/{role}");
                self.error(
                    Code::SessionArn,
                    format!(
                        "`{arn}` names a session, and the server compares the role's ARN: the entry \
                         lets no one in"
                    ),
                    remedy!("write `{role}`"),
                    self.replaced(mapping, |with| role.clone_into(&mut with.arn)),
                );
            }
            ("iam", "group") => self.error(
                Code::GroupArn,
                format!("`{arn}` names an IAM group, and no one calls as a group: the entry lets no one in"),
                remedy!("map the users, or a role that the group may assume"),
                None,
            ),
            _ => self.not_an_arn(arn),
        }
        if !region.is_empty() {
            self.error(
                Code::ArnWithRegion,
                format!("`{arn}` has a region, and IAM ARNs have none: the entry lets no one in"),
                remedy!("leave the region empty"),
                None,
            );
        }
    }

    fn not_an_arn(&mut self, arn: &str) {
        self.error(
            Code::NotAnArn,
            format!("`{arn}` is not the ARN of a role or user: the entry lets no one in"),
            remedy!(
                "an ARN looks like arn:aws:iam::111122223333:{}/name, without blanks",
                if self.key == SectionKey::Users {
                    "user"
                } else {
                    "role"
                }
            ),
            None,
        );
    }

    fn place(&mut self, arn: &str, partition: &str, account: &str, surroundings: &Surroundings<'_>) {
        let partition = partition.to_ascii_lowercase();
        let expected = surroundings.partition.unwrap_or(&partition);
        if !KNOWN_PARTITIONS.contains(&partition.as_str()) || partition != expected {
            self.error(
                Code::WrongPartition,
                format!("`{arn}` is in partition `{partition}`: the entry lets no one in"),
                match surroundings.partition {
                    Some(expected) => remedy!("the cluster is in `{expected}`"),
                    None => remedy!("the partitions are {}", KNOWN_PARTITIONS.join(", ")),
                },
                None,
            );
        }
        if !is_account_id(account) {
            self.error(
                Code::BadAccount,
                format!("`{account}` in `{arn}` is not an account id: the entry lets no one in"),
                remedy!("an account id has twelve digits"),
                None,
            );
        }
    }

    fn wrong_section(&mut self, arn: &str, what: &str, right: SectionKey) {
        let code = if right == SectionKey::Users {
            Code::UserInMapRoles
        } else {
            Code::RoleInMapUsers
        };
        self.warning(
            code,
            format!("`{arn}` is a {what}'s; it works here, and tools that look for it do not find it"),
            remedy!("move it to {}, as `{}`", right.as_str(), right.arn_field()),
            None,
        );
    }

    fn stale(&mut self, arn: &str, account: &str, name: &str, surroundings: &Surroundings<'_>) {
        let Some((known_account, roles)) = surroundings.roles else {
            return;
        };
        let Some(permission_set) = name.strip_prefix("AWSReservedSSO_") else {
            return;
        };
        if account != known_account || roles.iter().any(|role| role.eq_ignore_ascii_case(name)) {
            return;
        }
        let set = permission_set
            .rsplit_once('_')
            .map_or(permission_set, |(set, _)| set);
        let prefix = format!("AWSReservedSSO_{set}_");
        let now: Vec<_> = roles
            .iter()
            .filter(|role| role.starts_with(&prefix))
            .map(String::as_str)
            .collect();
        self.error(
            Code::StaleSsoRole,
            format!(
                "`{arn}` does not exist any more: IAM Identity Center recreates a role under another name"
            ),
            match now.as_slice() {
                [] => remedy!("permission set `{set}` has no role in account {account} now"),
                now => remedy!("permission set `{set}` has {} now", now.join(", ")),
            },
            None,
        );
    }
}
