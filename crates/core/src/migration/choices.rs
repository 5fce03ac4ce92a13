//! What the user decided where a line of `aws-auth` leaves it open, and whether that can be.

use std::collections::BTreeMap;

use super::names;
use crate::guard::access::{NODES, principal_key};
use eksact_identity::{
    authn::{
        access_entry::is_for_nodes,
        aws_auth::{AwsAuth, principals},
    },
    iam::Arn,
};

/// How the user names of nodes begin (Kubernetes, "Using Node Authorization").
const NODE_NAME: &str = "system:node:";

/// What the user decided where a line leaves it open, each by the [`principal_key`] of the line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    /// The whole ARN of a role, where IAM of this account cannot say its path.
    pub principal_arns: BTreeMap<String, String>,
    /// Another user name.
    pub usernames: BTreeMap<String, String>,
    /// The type of the entry.
    pub types: BTreeMap<String, String>,
}

/// Why a line cannot have what was chosen for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    /// A user as nodes.
    #[error("--type {arn}={entry_type}: it is no role, and access entries of that type are for roles alone")]
    NotARole {
        /// The line's.
        arn: String,
        /// The chosen one.
        entry_type: String,
    },
    /// A role of another account as nodes.
    #[error(
        "--type {arn}={entry_type}: the role is of the account {account}, and access entries of that type are for roles of the \
         cluster's own, {own}"
    )]
    OtherAccount {
        /// The line's.
        arn: String,
        /// The chosen one.
        entry_type: String,
        /// The role's.
        account: String,
        /// The cluster's.
        own: String,
    },
    /// People or programs as nodes.
    #[error(
        "--type {arn}={entry_type}: its line is not one of nodes, and it would lose the user name ({username}) and {groups} of the \
         line"
    )]
    NotNodes {
        /// The line's.
        arn: String,
        /// The chosen one.
        entry_type: String,
        /// The line's user name.
        username: String,
        /// The line's groups.
        groups: String,
    },
    /// Nodes as people or programs.
    #[error(
        "--type {arn}={entry_type}: its line is one of nodes, with the user name {username} and {groups}, which EKS gives no access \
         entry of that type"
    )]
    Nodes {
        /// The line's.
        arn: String,
        /// The chosen one.
        entry_type: String,
        /// The line's user name.
        username: String,
        /// The line's groups.
        groups: String,
    },
    /// A user name for nodes.
    #[error("--username {arn}={username}: with --type {entry_type} EKS gives the user name")]
    NameOfNodes {
        /// The line's.
        arn: String,
        /// The chosen one.
        username: String,
        /// The chosen type.
        entry_type: String,
    },
    /// A user name that no access entry has.
    #[error("--username {arn}={username}: {why}")]
    Username {
        /// The line's.
        arn: String,
        /// The chosen one.
        username: String,
        /// What is wrong with it.
        why: String,
    },
}

impl Choices {
    /// Checks what was chosen against the lines, by EKS's own rules for access entries.
    ///
    /// # Errors
    /// The first choice that no access entry of its line can have.
    pub fn check(&self, aws_auth: &AwsAuth, account: &str) -> Result<(), ChoiceError> {
        for principal in principals(aws_auth).arns.values() {
            let Some(entry) = aws_auth.mappings(principal.section).get(principal.entry) else {
                continue;
            };
            let line = Line {
                arn: &entry.value.arn,
                username: &principal.username,
                groups: principal.groups.iter().map(String::as_str).collect(),
            };
            let key = principal_key(line.arn);
            let (entry_type, username) = (self.types.get(&key), self.usernames.get(&key));
            if let Some(entry_type) = entry_type {
                line.check_type(entry_type, account)?;
            }
            if let Some(username) = username {
                line.check_username(username, entry_type)?;
            }
        }
        Ok(())
    }
}

/// A line that decides.
struct Line<'line> {
    arn: &'line str,
    username: &'line str,
    groups: Vec<&'line str>,
}

impl Line<'_> {
    fn is_of_nodes(&self) -> bool {
        self.username.starts_with(NODE_NAME) || self.groups.contains(&NODES)
    }

    fn check_type(&self, entry_type: &str, own: &str) -> Result<(), ChoiceError> {
        let (arn, entry_type) = (self.arn.to_owned(), entry_type.to_owned());
        let username = names::of_user(self.username).to_owned();
        let groups = names::of_groups(self.groups.iter().copied());
        if !is_for_nodes(&entry_type) {
            return if self.is_of_nodes() {
                Err(ChoiceError::Nodes {
                    arn,
                    entry_type,
                    username,
                    groups,
                })
            } else {
                Ok(())
            };
        }
        // What is no ARN is told of the line itself.
        if let Ok(parsed) = names::as_iam_writes(self.arn).parse::<Arn>() {
            if parsed.role_name().is_none() {
                return Err(ChoiceError::NotARole { arn, entry_type });
            }
            if parsed.account != own {
                return Err(ChoiceError::OtherAccount {
                    arn,
                    entry_type,
                    account: parsed.account,
                    own: own.to_owned(),
                });
            }
        }
        if self.is_of_nodes() {
            Ok(())
        } else {
            Err(ChoiceError::NotNodes {
                arn,
                entry_type,
                username,
                groups,
            })
        }
    }

    fn check_username(&self, username: &str, entry_type: Option<&String>) -> Result<(), ChoiceError> {
        let arn = self.arn.to_owned();
        if let Some(entry_type) = entry_type.filter(|entry_type| is_for_nodes(entry_type)) {
            return Err(ChoiceError::NameOfNodes {
                arn,
                username: username.to_owned(),
                entry_type: entry_type.clone(),
            });
        }
        let account = self.arn.split(':').nth(4).unwrap_or_default();
        match names::username(username, account) {
            Ok(_) if !username.is_empty() => Ok(()),
            Ok(_) => Err(ChoiceError::Username {
                arn,
                username: username.to_owned(),
                why: "the name is empty".to_owned(),
            }),
            Err(why) => Err(ChoiceError::Username {
                arn,
                username: username.to_owned(),
                why,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eksact_identity::authn::aws_auth::parse;

    const ROLES: &str = "\
- {rolearn: 'arn:aws:iam::111122223333:role/dev', username: dev, groups: [devs]}
- {rolearn: 'arn:aws:iam::111122223333:ROLE/nodes', username: 'system:node:{{SessionName}}', groups: ['system:nodes']}
- {rolearn: 'arn:aws:iam::444455556666:role/far', username: far, groups: ['system:nodes']}
";
    const USERS: &str = "- {userarn: 'arn:aws:iam::111122223333:user/ann', groups: ['system:nodes']}\n";

    #[test]
    fn choices_that_no_entry_can_have_are_refused() {
        let data = [("mapRoles", ROLES), ("mapUsers", USERS)];
        let aws_auth = parse(&data.map(|(key, text)| (key.to_owned(), text.to_owned())).into());
        let arn = |name: &str| match name {
            "far" => "arn:aws:iam::444455556666:role/far".to_owned(),
            "ann" => "arn:aws:iam::111122223333:user/ann".to_owned(),
            name => format!("arn:aws:iam::111122223333:role/{name}"),
        };
        for (name, entry_type, username, expected) in [
            ("nodes", Some("HYBRID_LINUX"), None, None),
            ("nodes", None, None, None),
            ("dev", Some("STANDARD"), Some("x"), None),
            (
                "dev",
                Some("EC2_LINUX"),
                None,
                Some(
                    "its line is not one of nodes, and it would lose the user name (dev) and the groups devs of the line",
                ),
            ),
            ("nodes", Some("STANDARD"), None, Some("its line is one of nodes")),
            (
                "far",
                Some("EC2_LINUX"),
                None,
                Some("the role is of the account 444455556666"),
            ),
            ("ann", Some("EC2_LINUX"), None, Some("it is no role")),
            (
                "nodes",
                Some("EC2_LINUX"),
                Some("x"),
                Some("with --type EC2_LINUX EKS gives the user name"),
            ),
            ("dev", None, Some("aws:x"), Some("begins with `aws:`")),
            ("dev", None, Some("x{{SessionName}}"), Some("no colon")),
            ("dev", None, Some(""), Some("the name is empty")),
            ("dev", None, Some("x:{{SessionName}}"), None),
        ] {
            let key = principal_key(&arn(name));
            let chosen = |value: Option<&str>| {
                value
                    .map(|value| (key.clone(), value.to_owned()))
                    .into_iter()
                    .collect()
            };
            let choices = Choices {
                types: chosen(entry_type),
                usernames: chosen(username),
                ..Choices::default()
            };
            let told = choices
                .check(&aws_auth, "111122223333")
                .map_err(|error| error.to_string());
            match expected {
                None => assert_eq!(told, Ok(()), "{name}"),
                Some(words) => assert!(told.clone().is_err_and(|told| told.contains(words)), "{told:?}"),
            }
        }
    }
}
