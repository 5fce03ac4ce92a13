//! Who an identity becomes: matching, order, templates; and everybody that a ConfigMap lets in.

use std::collections::{BTreeMap, BTreeSet};

use super::identity::Identity;
use super::parse::{AwsAuth, Entry, Mapping, SectionKey};
use crate::authn::arn::KNOWN_PARTITIONS;

/// The placeholder that only the server can fill, from EC2.
const PRIVATE_DNS_NAME: &str = "{{EC2PrivateDNSName}}";

/// What a server can be started with. EKS sets none of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MappingRules<'a> {
    /// Prefixes that no rendered username may have.
    pub reserved_username_prefixes: &'a [&'a str],
}

/// Through what an identity was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MappedBy {
    /// An entry, by its place among the section's entries.
    Entry(SectionKey, usize),
    /// Its account, by its place in `mapAccounts`.
    Account(usize),
}

/// Who an identity is to Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// The username; `{{EC2PrivateDNSName}}` stays in it, because only the server can ask EC2.
    pub username: String,
    /// The groups, likewise.
    pub groups: Vec<String>,
    /// Through what.
    pub by: MappedBy,
    /// Other entries that match as well: the server picks one of them at random. Happens only to users whose ARN is
    /// written twice in different case.
    pub at_random_with: Vec<usize>,
}

/// Why an identity is not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Nothing matches.
    #[error("identity is not mapped")]
    NotMapped,
    /// An entry of nodes matches and the caller is no instance.
    #[error("error rendering template {template:?}: SessionName did not contain an instance id")]
    NotAnInstance {
        /// The username or group.
        template: String,
    },
    /// The rendered username begins with something reserved.
    #[error("invalid username '{username}': it must not begin with `{prefix}`")]
    ReservedPrefix {
        /// The username.
        username: String,
        /// What it begins with.
        prefix: String,
    },
}

/// Who `identity` becomes on EKS.
///
/// # Errors
/// Why it is not let in.
pub fn map(aws_auth: &AwsAuth, identity: &Identity) -> Result<Mapped, Denied> {
    map_with(aws_auth, identity, MappingRules::default())
}

/// Who `identity` becomes on a server that was started with `rules`.
///
/// # Errors
/// Why it is not let in.
pub fn map_with(aws_auth: &AwsAuth, identity: &Identity, rules: MappingRules<'_>) -> Result<Mapped, Denied> {
    let subject = to_lower(&identity.canonical.arn);
    for key in [SectionKey::Roles, SectionKey::Users] {
        let entries = aws_auth.mappings(key);
        let mut matching = winners(key, entries).into_iter().filter(|index| {
            entries
                .get(*index)
                .is_some_and(|entry| matches(&entry.value, &subject))
        });
        let Some(index) = matching.next() else { continue };
        let Some(entry) = entries.get(index) else { continue };
        let username = render(&entry.value.username, identity)?;
        let groups = entry.value.groups.iter().map(|group| render(group, identity));
        let groups = groups.collect::<Result<_, _>>()?;
        let reserved = rules.reserved_username_prefixes.iter();
        if let Some(prefix) = reserved.copied().find(|prefix| username.starts_with(prefix)) {
            let prefix = prefix.to_owned();
            return Err(Denied::ReservedPrefix { username, prefix });
        }
        return Ok(Mapped {
            username,
            groups,
            by: MappedBy::Entry(key, index),
            at_random_with: matching.collect(),
        });
    }
    let account = aws_auth
        .accounts
        .entries
        .iter()
        .position(|entry| entry.value == identity.account);
    match account {
        Some(index) => Ok(Mapped {
            username: identity.canonical.arn.clone(),
            groups: Vec::new(),
            by: MappedBy::Account(index),
            at_random_with: Vec::new(),
        }),
        None => Err(Denied::NotMapped),
    }
}

fn matches(mapping: &Mapping, subject: &str) -> bool {
    // Without its feature gate, which EKS does not set, an `sso` entry matches nobody.
    !mapping.arn.is_empty() && equal_fold(&mapping.arn, subject)
}

/// What the server keeps an entry under: of two entries with the same, the last one counts.
pub(super) fn storage_key(key: SectionKey, mapping: &Mapping) -> String {
    match &mapping.sso {
        _ if key == SectionKey::Users => mapping.arn.clone(),
        Some(sso) if mapping.arn.is_empty() => {
            // A partition that is written out gets lost here; the server has this mistake.
            let partition = if sso.partition.is_empty() { "aws" } else { "" };
            to_lower(&format!(
                "arn:{partition}:iam::{}:role/AWSReservedSSO_{}_*",
                sso.account_id, sso.permission_set_name
            ))
        }
        _ => to_lower(&mapping.arn),
    }
}

/// The entries that count, by their place: of equal ones the last.
pub(super) fn winners(key: SectionKey, entries: &[Entry<Mapping>]) -> Vec<usize> {
    let last: BTreeMap<String, usize> = entries
        .iter()
        .enumerate()
        .map(|(index, entry)| (storage_key(key, &entry.value), index))
        .collect();
    let mut winners: Vec<usize> = last.into_values().collect();
    winners.sort_unstable();
    winners
}

/// Fills the placeholders, one after the other as the server does; what is none stays as it is.
fn render(template: &str, identity: &Identity) -> Result<String, Denied> {
    if template.contains(PRIVATE_DNS_NAME) && !is_instance_id(&identity.session_name) {
        return Err(Denied::NotAnInstance {
            template: template.to_owned(),
        });
    }
    Ok(template
        .replace("{{AccountID}}", &identity.account)
        .replace("{{SessionName}}", &identity.session_name.replace('@', "-"))
        .replace("{{SessionNameRaw}}", &identity.session_name)
        .replace("{{AccessKeyID}}", &identity.access_key_id))
}

/// Whether a session is named after an EC2 instance: `i-` and 8 or 17 characters.
fn is_instance_id(session: &str) -> bool {
    session.strip_prefix("i-").is_some_and(|id| {
        matches!(id.len(), 8 | 17)
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

/// Lower case letter by letter, as Go's `strings.ToLower`.
pub(super) fn to_lower(text: &str) -> String {
    text.chars()
        .map(|c| c.to_lowercase().next().unwrap_or(c))
        .collect()
}

/// Equal but for upper and lower case, as Go's `strings.EqualFold`.
pub(super) fn equal_fold(one: &str, other: &str) -> bool {
    let fold = |c: char| {
        if c.is_ascii() {
            return c.to_ascii_lowercase();
        }
        let mut upper = c.to_uppercase();
        let upper = if upper.len() == 1 {
            upper.next().unwrap_or(c)
        } else {
            c
        };
        match upper {
            '\u{212a}' => 'k',
            upper => upper.to_lowercase().next().unwrap_or(upper),
        }
    };
    one.chars().map(fold).eq(other.chars().map(fold))
}

/// What one ARN is mapped to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// In which section.
    pub section: SectionKey,
    /// Its place among the section's entries.
    pub entry: usize,
    /// The username, with templates.
    pub username: String,
    /// The groups, with templates, sorted and once each.
    pub groups: BTreeSet<String>,
}

/// Everybody that the ConfigMap lets in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Principals {
    /// By canonical ARN in lower case.
    pub arns: BTreeMap<String, Principal>,
    /// Accounts, all of whose identities get in without groups.
    pub accounts: BTreeSet<String>,
}

/// Everybody that the ConfigMap lets in. Entries that no identity can match are left out.
pub fn principals(aws_auth: &AwsAuth) -> Principals {
    let mut arns = BTreeMap::new();
    // Roles are asked first, so they go in last.
    for key in [SectionKey::Users, SectionKey::Roles] {
        let entries = aws_auth.mappings(key);
        for index in winners(key, entries) {
            let Some(entry) = entries.get(index) else { continue };
            let arn = to_lower(&entry.value.arn);
            if can_match(&arn) {
                let principal = Principal {
                    section: key,
                    entry: index,
                    username: entry.value.username.clone(),
                    groups: entry.value.groups.iter().cloned().collect(),
                };
                arns.insert(arn, principal);
            }
        }
    }
    let accounts = aws_auth.accounts.entries.iter().map(|entry| entry.value.clone());
    Principals {
        arns,
        accounts: accounts.filter(|account| !account.is_empty()).collect(),
    }
}

/// Whether STS can say anything that becomes this ARN, which is in lower case.
pub(super) fn can_match(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let &["arn", partition, service, "", account, resource] = parts.as_slice() else {
        return false;
    };
    let caller = match (service, resource.split_once('/')) {
        ("iam", None) => resource == "root",
        ("iam", Some(("role", name))) => !name.is_empty() && !name.contains('/'),
        ("iam", Some(("user", name))) | ("sts", Some(("federated-user", name))) => !name.is_empty(),
        _ => false,
    };
    caller && crate::iam::arn::is_account_id(account) && KNOWN_PARTITIONS.contains(&partition)
}
