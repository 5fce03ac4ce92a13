//! Amazon Resource Names: taken apart, put together, and the rules for names and paths of roles and policies.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html> and
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html> (names and paths).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Partition;

/// An ARN in its six parts: `arn:partition:service:region:account:resource`.
///
/// Region and account are empty where the service has none. The resource may itself hold colons and slashes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Arn {
    /// The partition.
    pub partition: Partition,
    /// The service's namespace, such as `iam`.
    pub service: String,
    /// The region, or nothing.
    pub region: String,
    /// The account: twelve digits, nothing, or `aws` for what AWS itself owns.
    pub account: String,
    /// The rest, such as `role/path/name`.
    pub resource: String,
}

/// Why a text is not an ARN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArnError {
    /// It does not have six parts or does not begin with `arn:`.
    #[error("`{0}` is not an ARN; an ARN is written arn:partition:service:region:account:resource")]
    Shape(String),
    /// Its partition is none of AWS's.
    #[error("`{arn}` is not an ARN: {partition}")]
    Partition {
        /// The whole text.
        arn: String,
        /// What is wrong with its partition.
        partition: super::partition::UnknownPartition,
    },
    /// Its account is neither twelve digits, nor empty, nor `aws`.
    #[error("`{arn}` is not an ARN: account `{account}` is not twelve digits")]
    Account {
        /// The whole text.
        arn: String,
        /// The part that stands where the account belongs.
        account: String,
    },
    /// It names no service or no resource.
    #[error("`{0}` is not an ARN: it names no service or no resource")]
    Empty(String),
}

impl Arn {
    /// The ARN of something in IAM, which has no region: `arn:partition:iam::account:resource`.
    pub fn iam(partition: Partition, account: &str, resource: &str) -> Self {
        Self {
            partition,
            service: "iam".into(),
            region: String::new(),
            account: account.into(),
            resource: resource.into(),
        }
    }

    /// The name of the IAM role this ARN stands for, without its path; nothing if it is not a role's.
    pub fn role_name(&self) -> Option<&str> {
        self.iam_name("role/")
    }

    /// The name of the managed policy this ARN stands for, without its path; nothing if it is not a policy's.
    pub fn policy_name(&self) -> Option<&str> {
        self.iam_name("policy/")
    }

    fn iam_name(&self, kind: &str) -> Option<&str> {
        let rest = self.iam_resource(kind)?;
        rest.rsplit('/').next().filter(|name| !name.is_empty())
    }

    fn iam_resource(&self, kind: &str) -> Option<&str> {
        if self.service == "iam" {
            self.resource.strip_prefix(kind)
        } else {
            None
        }
    }
}

/// Whether IAM takes this as the name of a role: 1 to 64 of letters, digits and `_+=,.@-`.
pub fn is_role_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(is_name_byte)
}

/// Whether IAM takes this as the name of a managed or inline policy: 1 to 128 of letters, digits and `_+=,.@-`.
pub fn is_policy_name(name: &str) -> bool {
    (1..=128).contains(&name.len()) && name.bytes().all(is_name_byte)
}

/// Whether IAM takes this as the path of a role or policy: a slash, or printable ASCII between two, 512 at most.
pub fn is_path(path: &str) -> bool {
    path.len() <= 512
        && path.starts_with('/')
        && path.ends_with('/')
        && path.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether this is an account id: twelve digits.
pub fn is_account_id(account: &str) -> bool {
    account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte)
}

impl FromStr for Arn {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shape = || ArnError::Shape(text.to_owned());
        let mut parts = text.splitn(6, ':');
        if parts.next() != Some("arn") {
            return Err(shape());
        }
        let mut part = || parts.next().ok_or_else(shape);
        let (partition, service, region, account, resource) = (part()?, part()?, part()?, part()?, part()?);
        let partition = partition.parse().map_err(|partition| ArnError::Partition {
            arn: text.to_owned(),
            partition,
        })?;
        if service.is_empty() || resource.is_empty() {
            return Err(ArnError::Empty(text.to_owned()));
        }
        if text.contains(|character: char| character.is_whitespace() || character.is_control()) {
            return Err(shape());
        }
        if !(account.is_empty() || account == "aws" || is_account_id(account)) {
            return Err(ArnError::Account {
                arn: text.to_owned(),
                account: account.to_owned(),
            });
        }
        Ok(Self {
            partition,
            service: service.into(),
            region: region.into(),
            account: account.into(),
            resource: resource.into(),
        })
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            partition,
            service,
            region,
            account,
            resource,
        } = self;
        write!(
            formatter,
            "arn:{partition}:{service}:{region}:{account}:{resource}"
        )
    }
}

impl TryFrom<String> for Arn {
    type Error = ArnError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Arn> for String {
    fn from(arn: Arn) -> Self {
        arn.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_come_back_as_they_were_written() {
        for text in [
            "arn:aws:iam::111122223333:role/teams/data/reader",
            "arn:aws-cn:iam::aws:policy/AmazonS3ReadOnlyAccess",
            "arn:aws:s3:::bucket/key:with:colons",
            "arn:aws-us-gov:eks:us-gov-west-1:111122223333:cluster/prod",
        ] {
            assert_eq!(text.parse::<Arn>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn names_of_roles_and_policies() {
        let role: Arn = "arn:aws:iam::111122223333:role/teams/data/reader"
            .parse()
            .unwrap();
        assert_eq!(role.role_name(), Some("reader"));
        assert_eq!(role.policy_name(), None);

        let plain: Arn = "arn:aws:iam::111122223333:role/reader".parse().unwrap();
        assert_eq!(plain.role_name(), Some("reader"));

        let policy: Arn = "arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy"
            .parse()
            .unwrap();
        assert_eq!(policy.policy_name(), Some("AmazonEBSCSIDriverPolicy"));

        let elsewhere: Arn = "arn:aws:ec2:us-west-2:111122223333:role/x".parse().unwrap();
        assert_eq!(elsewhere.role_name(), None);
        let nameless: Arn = "arn:aws:iam::111122223333:role/".parse().unwrap();
        assert_eq!(nameless.role_name(), None);
    }

    #[test]
    fn text_that_is_not_an_arn_says_why() {
        let error = |text: &str| text.parse::<Arn>().unwrap_err();
        assert!(matches!(error("arn:aws:iam:11111:role/x"), ArnError::Shape(_)));
        assert!(matches!(
            error("ARN:aws:iam::111122223333:role/x"),
            ArnError::Shape(_)
        ));
        assert!(matches!(
            error("arn:aws:iam::111122223333:role/x\n"),
            ArnError::Shape(_)
        ));
        assert!(matches!(
            error("arn:aws-moon:iam::111122223333:role/x"),
            ArnError::Partition { .. }
        ));
        assert!(matches!(
            error("arn:aws:iam::11112222333:role/x"),
            ArnError::Account { .. }
        ));
        assert!(matches!(error("arn:aws:iam::111122223333:"), ArnError::Empty(_)));
    }

    #[test]
    fn names_that_iam_takes() {
        assert!(is_role_name("my-role_+=,.@1") && is_role_name(&"a".repeat(64)));
        assert!(
            !is_role_name("")
                && !is_role_name("a/b")
                && !is_role_name("a b")
                && !is_role_name(&"a".repeat(65))
        );
        assert!(is_policy_name(&"a".repeat(128)) && !is_policy_name(&"a".repeat(129)));
    }
}
