//! Who somebody is to a cluster, and why nobody: from STS's identity, the access entries, aws-auth and the server's own
//! answer. Pure. What aws-auth says is `mapping`'s.

use super::{
    effect,
    mapping::{ReadAwsAuth, by_aws_auth},
    near_entry,
    remedy::Target,
};
use crate::{
    config::SourceLocation,
    engine::{Finding, Severity},
    ports::{aws::AccessEntry, kubernetes::RbacBinding},
    view::Facts,
};
use eksact_identity::authn::{
    arn::PrincipalKind,
    aws_auth::{Identity, SectionKey, parse},
    aws_auth_manifest::Manifest,
};
use eksact_message::code::Code;

/// What was found out; what is none could not be.
#[derive(Debug)]
pub struct Known<'a> {
    /// The cluster's name.
    pub cluster: &'a str,
    /// Its region.
    pub region: &'a str,
    /// Who calls, as the authenticator sees it.
    pub identity: &'a Identity,
    /// EKS says that there is no such cluster.
    pub is_missing: bool,
    /// `CONFIG_MAP`, `API_AND_CONFIG_MAP` or `API`.
    pub mode: Option<&'a str>,
    /// The cluster's access entries.
    pub entries: Option<&'a [AccessEntry]>,
    /// The ConfigMap, or why it is not known.
    pub aws_auth: ReadAwsAuth<'a>,
    /// The file that aws-auth was read from, by its path, where it was one.
    pub file: Option<(&'a str, &'a Manifest)>,
    /// The bindings of the cluster.
    pub bindings: Option<&'a [RbacBinding]>,
    /// What the server itself says: username and groups, or that it refuses.
    pub server: Option<ServerSays>,
    /// What is wrong with a token that the server has refused, by STS's word; nothing where STS believes it, none where STS
    /// was not asked.
    pub token_faults: Option<&'a [Finding]>,
    /// The ARN of the caller's role with its path, by IAM's word.
    pub role_arn: Option<&'a str>,
}

/// What the root user does instead of being mapped.
const USE_NO_ROOT: &str = "sign in as a user or role of IAM: neither access entries nor `eksact create iamidentitymapping` accept the root user";

/// The answer of the cluster's own API to a token of the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerSays {
    /// Username and groups.
    User(String, Vec<String>),
    /// 401.
    Unauthorized,
}

/// Through what the caller should get in; the access entry goes first.
#[derive(Debug, Default)]
struct Mappings<'a> {
    entry: Option<&'a AccessEntry>,
    /// The place in aws-auth.
    aws_auth: Option<String>,
    /// Username and groups, by what goes first.
    expected: Option<(String, Vec<String>)>,
    are_entries_unknown: bool,
    is_aws_auth_unknown: bool,
}

/// Adds what is known, and why it does not let the caller in.
pub fn explain(known: &Known<'_>, facts: &mut Facts) {
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
    let who = match &known.server {
        Some(ServerSays::User(username, groups)) => Some((username, groups)),
        _ => mappings
            .expected
            .as_ref()
            .map(|(username, groups)| (username, groups)),
    };
    if let (Some((username, groups)), Some(bindings)) = (who, known.bindings) {
        let bound = effect::bindings_of(username, groups, bindings);
        facts.add_list("bindings", bound.into_iter().map(effect::in_words).collect());
    }
    let unknown: Vec<&str> = [
        (mappings.are_entries_unknown, "access entries"),
        (mappings.is_aws_auth_unknown, "aws-auth"),
        (who.is_some() && known.bindings.is_none(), "bindings"),
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
    pub fn reads_aws_auth(&self) -> bool {
        self.mode.is_none_or(|mode| mode != "API")
    }

    /// The cluster that commands are about.
    pub(super) fn target(&self) -> Target<'_> {
        Target {
            cluster: self.cluster,
            region: self.region,
        }
    }

    /// The command that maps the caller in aws-auth. Nobody maps the root user: AWS advises against keys of it.
    pub(super) fn map_caller(&self, username: &str, groups: &[String]) -> String {
        if self.identity.canonical.kind == PrincipalKind::Root {
            return USE_NO_ROOT.to_owned();
        }
        let arn = &self.identity.canonical.arn;
        let own_name = arn.rsplit('/').next().unwrap_or(arn);
        // Only roles have sessions: for a user the placeholders come to nothing.
        let username = match self.identity.canonical.kind {
            PrincipalKind::User | PrincipalKind::FederatedUser => {
                &["{{SessionName}}", "{{SessionNameRaw}}", "{{EC2PrivateDNSName}}"]
                    .iter()
                    .fold(username.to_owned(), |name, placeholder| {
                        name.replace(placeholder, own_name)
                    })
            }
            _ => username,
        };
        let command = self.target().map(arn, username, groups);
        match self.dropped_section() {
            Some(section) => format!("once {} is corrected, {command}", section.as_str()),
            None => command,
        }
    }

    /// A section of aws-auth that the server drops; no command writes into the ConfigMap while there is one.
    fn dropped_section(&self) -> Option<SectionKey> {
        let ReadAwsAuth::Data(data) = self.aws_auth else {
            return None;
        };
        parse(data).dropped().map(|(section, _)| section).next()
    }

    /// Where a line of a section is, if aws-auth was read from a file.
    pub(super) fn place(&self, section: SectionKey, line: Option<usize>) -> Option<SourceLocation> {
        let (path, manifest) = self.file?;
        let line = u32::try_from(manifest.line(section, line)?).ok()?;
        Some(SourceLocation {
            file: path.into(),
            line,
            column: 1,
        })
    }

    /// A username of an access entry with its placeholders filled in.
    pub(super) fn rendered(&self, template: &str) -> String {
        template
            .replace("{{SessionName}}", &self.identity.session_name.replace('@', "-"))
            .replace("{{SessionNameRaw}}", &self.identity.session_name)
    }
}

impl Mappings<'_> {
    fn none(&self) -> bool {
        self.entry.is_none() && self.aws_auth.is_none()
    }
}

/// Looks into the access entries and into aws-auth.
fn mappings<'a>(known: &Known<'a>, facts: &mut Facts) -> Mappings<'a> {
    let mut mappings = Mappings::default();
    let mut near = Vec::new();
    let tells = !matches!(known.server, Some(ServerSays::User(..)));
    let expect = |username: String, groups: Vec<String>, facts: &mut Facts| {
        if tells {
            facts.add("username", &username);
            facts.add_list("groups", groups.clone());
        }
        Some((username, groups))
    };
    if known.mode.is_none_or(|mode| mode != "CONFIG_MAP") {
        match known.entries {
            Some(entries) => match entry_of(known.identity, entries) {
                Some(entry) => {
                    facts.add("access entry", &entry.principal_arn);
                    mappings.expected = expect(known.rendered(&entry.username), entry.groups.clone(), facts);
                    facts.add_list(
                        "access policies",
                        entry.policies.iter().map(|policy| policy.arn.clone()).collect(),
                    );
                    if let Some(bindings) = known.bindings
                        && let Some(finding) = effect::empty_entry(entry, bindings, known.target())
                    {
                        facts.find(finding);
                    }
                    mappings.entry = Some(entry);
                }
                None => {
                    facts.add("access entry", "none for this principal");
                    near = near_entry::of_access_entries(known, entries);
                }
            },
            None => mappings.are_entries_unknown = true,
        }
    }
    if known.reads_aws_auth() {
        match known.aws_auth {
            ReadAwsAuth::Data(data) => {
                if let Some((place, mapped)) = by_aws_auth(known, data, mappings.entry, facts) {
                    if mappings.entry.is_none() {
                        let short = place.split(':').next().unwrap_or(&place);
                        let who = (mapped.username.as_str(), mapped.groups.as_slice());
                        let empty = known
                            .bindings
                            .and_then(|bindings| effect::empty_mapping(short, who, bindings));
                        if let Some(finding) = empty {
                            facts.find(finding);
                        }
                        mappings.expected = expect(mapped.username, mapped.groups, facts);
                    }
                    mappings.aws_auth = Some(place);
                }
            }
            ReadAwsAuth::Missing => facts.add("aws-auth", "there is no such ConfigMap"),
            ReadAwsAuth::Unknown => mappings.is_aws_auth_unknown = true,
        }
    }
    if mappings.none() {
        for finding in near {
            facts.find(finding);
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
fn refused(known: &Known<'_>, mappings: &Mappings<'_>, facts: &mut Facts) {
    let faults = known.token_faults.unwrap_or_default();
    let is_token_refused = faults.iter().any(|fault| fault.severity == Severity::Error);
    for fault in faults {
        facts.find(fault.clone());
    }
    match known.token_faults {
        _ if is_token_refused => facts.add("STS", "refuses the caller's token"),
        Some(_) => facts.add("STS", "accepts the caller's token"),
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
                Code::Refused,
                format!("the server refuses {arn}; the reason cannot be checked from here: {looked}"),
            )
            .with_help(remedy!(
                "Pass --kubeconfig or --context of someone who may read the ConfigMap, or a copy of \
                     it with --aws-auth FILE."
            )),
        );
    }
}

/// Nobody has to be mapped any more: what else it may be.
fn refused_though_mapped(known: &Known<'_>, mappings: &Mappings<'_>) -> Finding {
    let (through, help) = match (&mappings.entry, &mappings.aws_auth) {
        (Some(entry), _) => (
            format!("the access entry {} is for it", entry.principal_arn),
            remedy!(
                "An access entry contains the id of its principal: if the role or user was deleted and \
             recreated, delete the entry and create it again. A new entry takes some moments to take effect."
            ),
        ),
        (None, place) => (
            format!("aws-auth maps it ({})", place.as_deref().unwrap_or_default()),
            remedy!(
                "Perhaps this is not what the cluster's server reads: a copy that is older or newer than \
             it, or another cluster's ConfigMap (check --aws-auth, --kubeconfig and --context). A change \
             takes some moments to take effect."
            ),
        ),
    };
    let token = match known.token_faults {
        Some(_) => "STS accepts the token",
        None => "STS could not be asked about the token",
    };
    Finding::new(
        Severity::Error,
        Code::RefusedThoughMapped,
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
    let help = remedy!(
        "Check --cluster (upper and lower case count), --region and --profile; `aws eks list-clusters --region {}` names what \
         is there.",
        known.region
    );
    Finding::new(Severity::Error, Code::ClusterMissing, message).with_help(help)
}

/// Nothing lets the caller in: what would.
fn not_mapped(known: &Known<'_>, mappings: &Mappings<'_>, facts: &mut Facts) {
    let identity = known.identity;
    let is_root = identity.canonical.kind == PrincipalKind::Root;
    if is_root {
        facts.find(
            Finding::new(
                Severity::Warning,
                Code::Root,
                "the caller is the account's root user, which no access entry can name",
            )
            .with_help(remedy!("Sign in as a user or role of IAM, and delete the access keys of the root user: AWS advises against them.")),
        );
    }
    let arn = &identity.canonical.arn;
    let message = if !known.reads_aws_auth() {
        format!(
            "no access entry is for {arn}, and the cluster does not read aws-auth (authentication mode API)"
        )
    } else if mappings.are_entries_unknown {
        format!(
            "no entry of aws-auth lets {arn} into the cluster; whether an access entry does cannot be checked"
        )
    } else {
        format!("nothing lets {arn} into the cluster")
    };
    let command = if is_root || known.reads_aws_auth() {
        known.map_caller("", &[])
    } else {
        known.target().create_entry(identity, known.role_arn)
    };
    let help = if is_root {
        remedy!("Whoever uses it must {command}.")
    } else {
        remedy!("Someone with the right to do so: {command}")
    };
    facts.find(Finding::new(Severity::Error, Code::NotMapped, message).with_help(help));
}

#[cfg(test)]
mod tests;
