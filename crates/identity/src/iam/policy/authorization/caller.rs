//! Who makes a request, and whether the `Principal` of a statement means them.

use super::super::document::Principals;
use crate::iam::arn::is_account_id;

/// Who makes a request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Caller {
    /// A user of IAM.
    User {
        /// Its ARN.
        arn: String,
    },
    /// A session of a role.
    Role {
        /// The ARN of the role, with its path.
        arn: String,
        /// The name of the session; none for any.
        session: Option<String>,
    },
    /// The root user of an account.
    Root {
        /// The account.
        account: String,
    },
    /// A service of AWS, such as `pods.eks.amazonaws.com`.
    Service {
        /// Its name.
        name: String,
    },
    /// Somebody whom an identity provider vouches for, before a role is assumed.
    Federated {
        /// ARN of the provider.
        provider: String,
    },
}

/// An ARN that is nobody's who calls.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the ARN of a user, role or session")]
pub struct CallerError(pub String);

impl Caller {
    /// The caller of an ARN: a user, a role, a session of one, or the root of an account. STS does not say a role's path, so
    /// a session's role has none here.
    ///
    /// # Errors
    /// When it is the ARN of something else.
    pub fn of_arn(arn: &str) -> Result<Self, CallerError> {
        let error = || CallerError(arn.to_owned());
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", partition, service, "", account, resource] = parts.as_slice() else {
            return Err(error());
        };
        if !is_account_id(account) {
            return Err(error());
        }
        match (*service, *resource) {
            ("iam", "root") => Ok(Self::Root {
                account: (*account).to_owned(),
            }),
            ("iam", user) if is_named(user, "user/") => Ok(Self::User { arn: arn.to_owned() }),
            ("iam", role) if is_named(role, "role/") => Ok(Self::Role {
                arn: arn.to_owned(),
                session: None,
            }),
            ("sts", session) => {
                let names = session
                    .strip_prefix("assumed-role/")
                    .and_then(|rest| rest.split_once('/'));
                let (role, name) = names
                    .filter(|(role, name)| !role.is_empty() && !name.is_empty())
                    .ok_or_else(error)?;
                Ok(Self::Role {
                    arn: format!("arn:{partition}:iam::{account}:role/{role}"),
                    session: Some(name.to_owned()),
                })
            }
            _ => Err(error()),
        }
    }

    /// Its account; none where it has none.
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::User { arn } | Self::Role { arn, .. } => arn.split(':').nth(4),
            Self::Root { account } => Some(account),
            Self::Service { .. } | Self::Federated { .. } => None,
        }
    }

    /// Its ARN or name.
    pub fn name(&self) -> &str {
        match self {
            Self::User { arn } | Self::Role { arn, .. } => arn,
            Self::Root { account } => account,
            Self::Service { name } => name,
            Self::Federated { provider } => provider,
        }
    }

    /// Whether the policies of an account say what it may.
    pub(super) fn is_of_account(&self) -> bool {
        self.account().is_some()
    }
}

fn is_named(resource: &str, kind: &str) -> bool {
    let name = resource
        .strip_prefix(kind)
        .and_then(|path| path.rsplit('/').next());
    name.is_some_and(|name| !name.is_empty())
}

/// As whom a statement means somebody, the strongest first. What a grant gives past boundary and session policy depends on it
/// ("Resource-based policies and implicit denies in other policy types").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum How {
    /// As itself: the user, the session, the service, the provider.
    Itself,
    /// As everyone.
    Everyone,
    /// As a session of the role that is named.
    Role,
    /// As one of the account, which says by its own policies who it is.
    Account,
}

/// Whether a `Principal` means somebody.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Meant {
    /// As whom it does for sure, the strongest.
    pub(super) sure: Option<How>,
    /// As whom it may.
    pub(super) maybe: Option<How>,
}

/// Whether a statement's principals mean somebody. A `NotPrincipal` always means those that have a permissions boundary where
/// it denies.
pub(super) fn meant(
    principals: Option<&Principals>,
    caller: &Caller,
    denies: bool,
    has_boundary: bool,
) -> Meant {
    let Some(principals) = principals else {
        return Meant::default();
    };
    let mut named = named(principals, caller);
    // Whether a provider of an account is one of its principals, the guide does not say; it is let in by its own name alone.
    if denies && let Caller::Federated { provider } = caller {
        let account = provider.split(':').nth(4).unwrap_or_default();
        let is_named = principals
            .members
            .iter()
            .any(|(kind, word)| kind == "AWS" && word.key == account);
        if is_named && named.sure.is_none() {
            named.maybe = Some(How::Account);
        }
    }
    if !principals.negated {
        return named;
    }
    let everyone = Meant {
        sure: Some(How::Everyone),
        maybe: None,
    };
    let perhaps = Meant {
        sure: None,
        maybe: Some(How::Everyone),
    };
    if denies && has_boundary {
        return everyone;
    }
    match named {
        Meant {
            sure: Some(How::Everyone),
            ..
        } => Meant::default(),
        Meant {
            sure: None,
            maybe: None,
        } => everyone,
        // "You must also specify the account ARN of the not-denied principal", and of a session its role.
        Meant {
            sure: Some(How::Itself | How::Role),
            ..
        } if names_all(principals, caller) => Meant::default(),
        _ => perhaps,
    }
}

fn named(principals: &Principals, caller: &Caller) -> Meant {
    let mut found = Meant::default();
    let mut add = |how: How, is_sure: bool| {
        let place = if is_sure {
            &mut found.sure
        } else {
            &mut found.maybe
        };
        *place = Some(place.map_or(how, |before| before.min(how)));
    };
    for (kind, word) in &principals.members {
        match (kind.as_str(), word.key.as_str(), caller) {
            ("AWS", "*", _) => add(How::Everyone, true),
            ("AWS", key, Caller::User { arn }) if key == arn => add(How::Itself, true),
            ("AWS", key, Caller::Role { arn, .. }) if key == arn => add(How::Role, true),
            ("AWS", key, Caller::Role { arn, session }) if key.contains(":assumed-role/") => {
                let of_role = session_arn_start(arn).and_then(|start| key.strip_prefix(start.as_str()));
                match (of_role, session) {
                    (Some(named), Some(session)) if named == session => add(How::Itself, true),
                    (Some(_), None) => add(How::Itself, false),
                    _ => {}
                }
            }
            ("AWS", key, Caller::Root { account }) if key == account => add(How::Itself, true),
            ("AWS", key, _) if is_account_id(key) && caller.account() == Some(key) => add(How::Account, true),
            ("Service", key, Caller::Service { name })
            | ("Federated", key, Caller::Federated { provider: name }) => {
                if key == name {
                    add(How::Itself, true);
                } else if key == "*" {
                    // AWS documents no wildcard there.
                    add(How::Itself, false);
                }
            }
            // The canonical id of an account cannot be worked out.
            ("CanonicalUser", _, caller) if caller.is_of_account() => add(How::Account, false),
            _ => {}
        }
    }
    found
}

/// `arn:aws:sts::111122223333:assumed-role/NAME/` of a role's ARN.
fn session_arn_start(role: &str) -> Option<String> {
    let (head, path) = role.split_once(":role/")?;
    let name = path.rsplit('/').next()?;
    Some(format!(
        "{}:assumed-role/{name}/",
        head.replacen(":iam:", ":sts:", 1)
    ))
}

/// Whether all ARNs of somebody are named: for a user with its account, for a session with role and account.
fn names_all(principals: &Principals, caller: &Caller) -> bool {
    let names = |text: &str| {
        let mut members = principals.members.iter();
        members.any(|(kind, word)| kind == "AWS" && word.key == text)
    };
    match caller {
        Caller::Service { .. } | Caller::Federated { .. } | Caller::Root { .. } => true,
        Caller::User { arn } => names(arn) && caller.account().is_some_and(names),
        Caller::Role { arn, session } => {
            let session = session_arn_start(arn).zip(session.as_ref());
            let session = session.map(|(start, name)| format!("{start}{name}"));
            names(arn)
                && caller.account().is_some_and(names)
                && session.is_some_and(|session| names(&session))
        }
    }
}
