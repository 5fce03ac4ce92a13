//! Who somebody is to a cluster, and why nobody: from STS's identity, the access entries, aws-auth and the server's own
//! answer. Pure. What aws-auth says is `mapping`'s.

use crate::{
    authn::{arn::PrincipalKind, aws_auth::Identity},
    engine::{Finding, Severity},
    ports::access::AccessEntry,
    view::Facts,
};

use super::mapping::{ReadAwsAuth, by_aws_auth};

/// What was found out; what is none could not be.
#[derive(Debug)]
pub(crate) struct Known<'a> {
    pub(crate) cluster: &'a str,
    pub(crate) region: &'a str,
    pub(crate) identity: &'a Identity,
    /// EKS says that there is no such cluster.
    pub(crate) is_missing: bool,
    /// The account that the cluster is in.
    pub(crate) cluster_account: Option<&'a str>,
    /// `CONFIG_MAP`, `API_AND_CONFIG_MAP` or `API`.
    pub(crate) mode: Option<&'a str>,
    pub(crate) entries: Option<&'a [AccessEntry]>,
    pub(crate) aws_auth: ReadAwsAuth<'a>,
    /// What the server itself says: username and groups, or that it refuses.
    pub(crate) server: Option<ServerSays>,
    /// What is wrong with a token that the server has refused, by STS's word; nothing where STS believes it, none where STS
    /// was not asked.
    pub(crate) token_faults: Option<&'a [Finding]>,
    /// The ARN of the caller's role with its path, by IAM's word.
    pub(crate) role_arn: Option<&'a str>,
}

/// The answer of the cluster's own API to a token of the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ServerSays {
    /// Username and groups.
    User(String, Vec<String>),
    /// 401.
    Unauthorized,
}

/// Through what the caller should get in; the access entry goes first.
#[derive(Debug, Default)]
struct Mappings {
    /// The ARN of an access entry.
    entry: Option<String>,
    /// The place in aws-auth.
    aws_auth: Option<String>,
    are_entries_unknown: bool,
    is_aws_auth_unknown: bool,
}

/// Adds what is known, and why it does not let the caller in.
pub(crate) fn explain(known: &Known<'_>, facts: &mut Facts) {
    let identity = known.identity;
    if known.is_missing {
        facts.find(cluster_missing(known));
        return;
    }
    facts.add("server sees", &identity.canonical.arn);
    if !identity.session_name.is_empty() {
        facts.add("session name", &identity.session_name);
    }
    facts.add_some("authentication mode", known.mode);
    let mappings = mappings(known, facts);
    match &known.server {
        Some(ServerSays::User(username, groups)) => {
            facts.add("username", username);
            facts.add_list("groups", groups.clone());
            facts.add("server", "lets the caller in");
        }
        Some(ServerSays::Unauthorized) => facts.add("server", "refuses the caller (401 Unauthorized)"),
        None => {}
    }
    let unknown: Vec<&str> = [
        (mappings.are_entries_unknown, "access entries"),
        (mappings.is_aws_auth_unknown, "aws-auth"),
    ]
    .into_iter()
    .filter_map(|(is_unknown, what)| is_unknown.then_some(what))
    .collect();
    if !unknown.is_empty() {
        facts.add("not checkable", unknown.join(", "));
    }
    match known.server {
        Some(ServerSays::User(..)) => {}
        Some(ServerSays::Unauthorized) => refused(known, &mappings, facts),
        None => {
            // Where aws-auth is known to let nobody in, the entries alone may, and nobody is told of one.
            let is_told =
                !mappings.is_aws_auth_unknown && (known.reads_aws_auth() || !mappings.are_entries_unknown);
            if mappings.none() && is_told {
                not_mapped(known, &mappings, facts);
            }
        }
    }
}

impl Known<'_> {
    /// Whether the cluster reads aws-auth, as far as is known.
    pub(crate) fn reads_aws_auth(&self) -> bool {
        self.mode.is_none_or(|mode| mode != "API")
    }

    /// The command that maps an ARN in aws-auth.
    pub(crate) fn command(&self, arn: &str) -> String {
        format!(
            "eksact create iamidentitymapping --cluster {} --region {} --arn {arn} --username NAME --group GROUP",
            self.cluster, self.region
        )
    }
}

impl Mappings {
    fn none(&self) -> bool {
        self.entry.is_none() && self.aws_auth.is_none()
    }
}

/// Looks into the access entries and into aws-auth.
fn mappings(known: &Known<'_>, facts: &mut Facts) -> Mappings {
    let mut mappings = Mappings::default();
    let tells = !matches!(known.server, Some(ServerSays::User(..)));
    let expected = |username: &str, groups: &[String], facts: &mut Facts| {
        if tells {
            facts.add("username", username);
            facts.add_list("groups", groups.to_vec());
        }
    };
    if known.mode.is_none_or(|mode| mode != "CONFIG_MAP") {
        match known.entries {
            Some(entries) => match entry_of(known.identity, entries) {
                Some(entry) => {
                    facts.add("access entry", &entry.principal_arn);
                    expected(&entry.username, &entry.groups, facts);
                    facts.add_list(
                        "access policies",
                        entry.policies.iter().map(|policy| policy.arn.clone()).collect(),
                    );
                    mappings.entry = Some(entry.principal_arn.clone());
                }
                None => facts.add("access entry", "none for this principal"),
            },
            None => mappings.are_entries_unknown = true,
        }
    }
    if known.reads_aws_auth() {
        match known.aws_auth {
            ReadAwsAuth::Data(data) => {
                if let Some((place, mapped)) = by_aws_auth(known, data, mappings.entry.is_some(), facts) {
                    if mappings.entry.is_none() {
                        expected(&mapped.username, &mapped.groups, facts);
                    }
                    mappings.aws_auth = Some(place);
                }
            }
            ReadAwsAuth::Missing => facts.add("aws-auth", "there is no such ConfigMap"),
            ReadAwsAuth::Unknown => mappings.is_aws_auth_unknown = true,
        }
    }
    mappings
}

/// The access entry that is for the identity. Its ARN may have the role's path, which STS does not tell.
fn entry_of<'a>(identity: &Identity, entries: &'a [AccessEntry]) -> Option<&'a AccessEntry> {
    let wanted = without_path(&identity.canonical.arn);
    entries
        .iter()
        .find(|entry| without_path(&entry.principal_arn) == wanted)
}

/// A role's ARN without its path; any other as it is.
fn without_path(arn: &str) -> String {
    match arn.split_once(":role/") {
        Some((head, rest)) => format!("{head}:role/{}", rest.rsplit('/').next().unwrap_or(rest)),
        None => arn.to_owned(),
    }
}

/// Why the server says 401: first what is wrong with the token itself, which no mapping would help.
fn refused(known: &Known<'_>, mappings: &Mappings, facts: &mut Facts) {
    let faults = known.token_faults.unwrap_or_default();
    let is_token_refused = faults.iter().any(|fault| fault.severity == Severity::Error);
    for fault in faults {
        facts.find(fault.clone());
    }
    match known.token_faults {
        _ if is_token_refused => facts.add("STS", "refuses the caller's token"),
        Some(_) => facts.add("STS", "believes the caller's token"),
        None => {}
    }
    if !mappings.none() {
        if !is_token_refused {
            facts.find(refused_though_mapped(known, mappings));
        }
    } else if !mappings.is_aws_auth_unknown {
        not_mapped(known, mappings, facts);
    } else if !is_token_refused {
        let arn = &known.identity.canonical.arn;
        let looked = if mappings.are_entries_unknown {
            "neither the access entries nor aws-auth could be read"
        } else if known.mode == Some("CONFIG_MAP") {
            "aws-auth could not be read"
        } else {
            "no access entry is for it, and aws-auth could not be read"
        };
        facts.find(
            Finding::new(
                Severity::Error,
                "refused",
                format!("the server refuses {arn}, and why is not checkable from here: {looked}"),
            )
            .with_help(
                "Give --kubeconfig or --context of somebody who may read the ConfigMap, or a copy of it with --aws-auth FILE.",
            ),
        );
    }
}

/// Nobody has to be mapped any more: what else it may be.
fn refused_though_mapped(known: &Known<'_>, mappings: &Mappings) -> Finding {
    let (through, help) = match (&mappings.entry, &mappings.aws_auth) {
        (Some(entry), _) => (
            format!("the access entry {entry} is for it"),
            "An access entry holds the id of its principal: where the role or user was deleted and made again, delete the entry \
             and create it anew. A new entry takes some moments to count.",
        ),
        (None, place) => (
            format!("aws-auth maps it ({})", place.as_deref().unwrap_or_default()),
            "Perhaps this is not what the cluster's server reads: a copy that is older or newer than it, or another cluster's \
             ConfigMap (check --aws-auth, --kubeconfig and --context). A change takes some moments to count.",
        ),
    };
    let token = match known.token_faults {
        Some(_) => "STS believes the token",
        None => "STS could not be asked about the token",
    };
    Finding::new(
        Severity::Error,
        "refused-though-mapped",
        format!(
            "the server refuses {}, though {through}; {token}",
            known.identity.canonical.arn
        ),
    )
    .with_help(help)
}

fn cluster_missing(known: &Known<'_>) -> Finding {
    let message = format!(
        "there is no cluster {} in account {} and region {}",
        known.cluster, known.identity.account, known.region
    );
    let help = format!(
        "Check --cluster (upper and lower case count), --region and --profile; `aws eks list-clusters --region {}` names what \
         is there.",
        known.region
    );
    Finding::new(Severity::Error, "cluster-missing", message).with_help(help)
}

/// Nothing lets the caller in: what would.
fn not_mapped(known: &Known<'_>, mappings: &Mappings, facts: &mut Facts) {
    let identity = known.identity;
    if let Some(account) = known
        .cluster_account
        .filter(|account| *account != identity.account)
    {
        facts.find(
            Finding::new(
                Severity::Warning,
                "other-account",
                format!(
                    "the caller is in account {}, and the cluster in {account}",
                    identity.account
                ),
            )
            .with_help("Perhaps other credentials were meant: check --profile, AWS_PROFILE and the keys in the environment."),
        );
    }
    if identity.canonical.kind == PrincipalKind::Root {
        facts.find(Finding::new(
            Severity::Warning,
            "root",
            "the caller is the account's root user, which no access entry can name",
        ));
    }
    let arn = &identity.canonical.arn;
    let (message, help) = if !known.reads_aws_auth() {
        (
            format!(
                "no access entry is for {arn}, and the cluster does not read aws-auth (authentication mode API)"
            ),
            format!("Somebody who may: {}", entry_command(known)),
        )
    } else if mappings.are_entries_unknown {
        (
            format!(
                "no entry of aws-auth lets {arn} into the cluster; whether an access entry does is not checkable"
            ),
            format!("Somebody who may: {}", known.command(arn)),
        )
    } else {
        (
            format!("nothing lets {arn} into the cluster"),
            format!("Somebody who may: {}", known.command(arn)),
        )
    };
    facts.find(Finding::new(Severity::Error, "not-mapped", message).with_help(help));
}

/// How an access entry for the caller is made. EKS takes the ARN of a role with its path only, which STS does not tell
/// (`CreateAccessEntry`, `principalArn`).
fn entry_command(known: &Known<'_>) -> String {
    let canonical = &known.identity.canonical.arn;
    let arn = known.role_arn.unwrap_or(canonical);
    let command = format!(
        "aws eks create-access-entry --cluster-name {} --region {} --principal-arn {arn}, and associate an access policy \
         with it.",
        known.cluster, known.region
    );
    let is_role = matches!(
        known.identity.canonical.kind,
        PrincipalKind::Role | PrincipalKind::AssumedRole
    );
    if !is_role || known.role_arn.is_some() {
        return command;
    }
    let name = canonical.rsplit('/').next().unwrap_or_default();
    format!(
        "{command} The role's ARN is wanted with its path, if it has one: `aws iam get-role --role-name {name}` tells it."
    )
}

#[cfg(test)]
#[path = "caller_tests.rs"]
mod tests;
