//! As whom the cluster lets a principal of IAM in: by its access entry, or else by aws-auth, as EKS's authenticator decides.

use super::{
    person::{Person, counts, line_words, with_everybody},
    rights::Rights,
};
use crate::guard::access::principal_key;
use eksact_identity::authn::{
    arn::{PrincipalKind, canonicalize},
    aws_auth::{self, Denied, Identity, IdentityError, MappedBy},
};

/// Stands for the name of a session that nobody has said.
const ANY_SESSION: &str = "{{SessionName}}";

/// As whom a principal gets in.
#[derive(Debug)]
pub enum Admission<'p> {
    /// As this person, with what is worth knowing.
    In(Box<Person<'p>>, Option<String>),
    /// Not at all; `creator` where it may be whoever made the cluster, which nothing shows.
    Out {
        /// Why, in words.
        why: String,
        /// Whether the mode lets the creator in unseen.
        creator: bool,
    },
    /// What decides could not be read.
    Unknown(String),
}

/// An ARN that is nobody's who calls.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{arn}` is not the ARN of a user, role or session: {why}")]
pub struct InvalidArn {
    arn: String,
    why: IdentityError,
}

/// The caller of this ARN as the authenticator sees it. A role stands for its sessions, whatever their names.
///
/// # Errors
/// When it is not the ARN of a caller.
pub fn identity(arn: &str) -> Result<Identity, InvalidArn> {
    let invalid = |why: IdentityError| InvalidArn {
        arn: arn.to_owned(),
        why,
    };
    let canonical = canonicalize(arn).map_err(|error| invalid(error.into()))?;
    let account = arn.split(':').nth(4).unwrap_or_default();
    let of_sts = match (canonical.kind, arn.split_once(":role/")) {
        // STS names sessions, without the role's path.
        (PrincipalKind::Role, Some((head, path))) => {
            let name = path.rsplit('/').next().unwrap_or(path);
            let head = head.replacen(":iam:", ":sts:", 1);
            format!("{head}:assumed-role/{name}/{ANY_SESSION}")
        }
        _ => arn.to_owned(),
    };
    let user_id = match of_sts.split_once(":assumed-role/") {
        Some((_, rest)) => format!("AROA:{}", rest.rsplit('/').next().unwrap_or_default()),
        None => "AIDA".to_owned(),
    };
    Identity::from_caller(&of_sts, account, &user_id, "{{AccessKeyID}}").map_err(invalid)
}

/// As whom `identity` gets in.
pub fn admit<'p>(rights: &Rights<'p>, identity: &Identity) -> Admission<'p> {
    let picture = rights.picture;
    let arn = &identity.canonical.arn;
    let mut stale = None;
    if picture.has_entries() {
        if let Some(why) = picture.access_entries.unread() {
            return Admission::Unknown(format!("access entries, which could not be read: {why}"));
        }
        let key = principal_key(arn);
        let entries = picture.access_entries.known().into_iter().flatten();
        let own = |entry: &&crate::ports::aws::AccessEntry| principal_key(&entry.principal_arn) == key;
        match entries.clone().find(own) {
            Some(entry) if counts(picture, entry) => {
                let person = Person {
                    arn: entry.principal_arn.clone(),
                    door: "access entry".to_owned(),
                    user: with_everybody(
                        rendered(&entry.username, &identity.session_name),
                        entry.groups.clone(),
                    ),
                    entry: Some(entry),
                };
                return Admission::In(Box::new(person), None);
            }
            Some(entry) => {
                stale = Some(match picture.principals.get(&entry.principal_arn) {
                    Some(Some(_)) => format!(
                        "the access entry {} was made for an earlier principal of the same ARN, and does not count for the one \
                         that was made since",
                        entry.principal_arn
                    ),
                    _ => format!(
                        "the access entry {} is for a principal that does not exist",
                        entry.principal_arn
                    ),
                });
            }
            None => {}
        }
    }
    if !picture.reads_aws_auth() {
        let why = stale.unwrap_or_else(|| {
            format!("no access entry is for {arn}, and the cluster does not read aws-auth (authentication mode API)")
        });
        return Admission::Out { why, creator: false };
    }
    if let Some(why) = picture.aws_auth.unread() {
        return Admission::Unknown(format!("aws-auth, which could not be read: {why}"));
    }
    match aws_auth::map(&rights.aws_auth, identity) {
        Ok(mapped) => {
            let door = match mapped.by {
                MappedBy::Entry(section, index) => {
                    let entries = rights.aws_auth.mappings(section);
                    line_words(section, entries.get(index).map_or(0, |entry| entry.line))
                }
                MappedBy::Account(_) => "aws-auth mapAccounts".to_owned(),
            };
            let note = (!mapped.at_random_with.is_empty()).then(|| {
                "aws-auth names the user more than once, and the authenticator picks one of the lines at random".to_owned()
            });
            let person = Person {
                arn: arn.clone(),
                door,
                user: with_everybody(mapped.username, mapped.groups),
                entry: None,
            };
            Admission::In(Box::new(person), note.or(stale))
        }
        Err(Denied::NotMapped) => Admission::Out {
            why: stale.unwrap_or_else(|| format!("neither an access entry nor aws-auth is for {arn}")),
            creator: !picture.has_entries(),
        },
        Err(denied @ Denied::NotAnInstance { .. }) if identity.session_name == ANY_SESSION => {
            Admission::Unknown(format!(
                "the session: aws-auth maps the role for nodes, and only instances get in by it ({denied})"
            ))
        }
        Err(denied) => Admission::Out {
            why: denied.to_string(),
            creator: false,
        },
    }
}

/// A user name of an access entry, with the session's name where it is known.
fn rendered(template: &str, session: &str) -> String {
    if session.is_empty() {
        return template.to_owned();
    }
    template
        .replace("{{SessionName}}", &session.replace('@', "-"))
        .replace("{{SessionNameRaw}}", session)
}
