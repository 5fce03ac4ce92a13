//! From the bytes of files to a configuration, or to everything that is wrong with them at once.
//!
//! The files of one run say one thing together: one ClusterConfig, and any number of ClusterAccess documents behind it or
//! in files of their own. `documents` sorts them; here they are checked and joined.

use super::cluster_access::{AllowBroadening, ClusterAccess};
use super::cluster_config::{ClusterConfig, Metadata, ServiceAccount};
use super::decode;
use super::diagnostic::{Diagnostic, Severity, quoted};
use super::document::DocumentKind;
use super::documents::{Document, Documents};
use super::finding::{Finding, Findings};
use super::location::Located;
use super::path::FieldPath;
use super::validate::duplicates::{self, Listed};
use super::validate::identity_mapping::list_key;
use super::validate::role_circles;
use super::{blank, placeholder, policy_file, shape, validate};
use eksact_identity::iam::Partition;
use eksact_message::code::Code;
use eksact_yaml::Node;

/// A configuration that can be used, and what someone should look at all the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The configuration.
    pub config: ClusterConfig,
    /// Warnings, in the order of the files.
    pub warnings: Vec<Diagnostic>,
}

/// A file that was read, not yet looked at.
#[derive(Clone, Copy, Debug)]
pub struct InputFile<'a> {
    /// How the user named it, `-` for standard input. Only shown.
    pub name: &'a str,
    /// Its content.
    pub bytes: &'a [u8],
}

/// Reads one file. See [`load_all`].
pub fn load(name: &str, bytes: &[u8]) -> Result<Loaded, Vec<Diagnostic>> {
    load_all(&[InputFile { name, bytes }])
}

/// Gives the bytes of a file that a file names: first the one that names it, then the path in it. An error in people's words.
pub type Beside<'a> = dyn Fn(&str, &str) -> Result<Vec<u8>, String> + 'a;

/// Reads the files of one run where none of them may name another. See [`load_all_with`].
pub fn load_all(files: &[InputFile<'_>]) -> Result<Loaded, Vec<Diagnostic>> {
    load_all_with(files, &|_, _| Err("no other file can be read here".to_owned()))
}

/// Reads the files of one run: exactly one ClusterConfig, and the ClusterAccess documents that belong to it.
///
/// Errors come all at once, with the warnings, in the order of the files. Hostile input gets an error within
/// bounded time and memory; nothing here panics. `beside` gives the files that these name.
pub fn load_all_with(files: &[InputFile<'_>], beside: &Beside<'_>) -> Result<Loaded, Vec<Diagnostic>> {
    let beside = &policy_file::bounded(beside);
    let mut documents = Documents::read(files);
    let mut config = ClusterConfig::default();
    let mut accesses: Vec<(Document, ClusterAccess)> = Vec::new();
    if let Some(document) = documents.cluster_config() {
        let (own, found) = examine_config(&document);
        config = own;
        documents.report(&document, found);
        accesses.push((document, std::mem::take(&mut config.access)));
    }
    for document in documents.cluster_accesses() {
        let (access, found) = examine_access(&document, &config.metadata, beside);
        documents.report(&document, found);
        accesses.push((document, access));
    }
    for policy in accesses.iter().flat_map(|(_, access)| &access.policies) {
        let name = policy.name.value.clone();
        config.names.policies.insert(name, policy.path().to_owned());
    }
    for role in accesses.iter().flat_map(|(_, access)| &access.roles) {
        let name = role.name.value.clone();
        config.names.roles.insert(name, role.path().to_owned());
    }
    for (document, access) in &mut accesses {
        // The references of one document at a time: what is said of them has its place there.
        let names_of_both = ClusterConfig {
            access: std::mem::take(access),
            ..match document.kind {
                DocumentKind::ClusterConfig => config.clone(),
                DocumentKind::ClusterAccess => config.cluster_only(),
            }
        };
        let unknown = validate::managed_policy::unknown_names(&names_of_both)
            .into_iter()
            .chain(validate::assumable_role::unknown_names(&names_of_both));
        documents.report(document, unknown);
        *access = names_of_both.access;
    }
    config.access = join(accesses, &config.iam.service_accounts, &mut documents);
    let diagnostics = documents.into_diagnostics();
    if diagnostics
        .iter()
        .any(|diagnostic| diagnostic.severity == Severity::Error)
    {
        Err(diagnostics)
    } else {
        Ok(Loaded {
            config,
            warnings: diagnostics,
        })
    }
}

/// Runs every check on the tree of a ClusterConfig and on what it decodes to.
fn examine_config(document: &Document) -> (ClusterConfig, Vec<Finding>) {
    let root = &document.root;
    let config = decode::cluster_config(root, &document.source);
    let meaning = [validate::check(&config), validate::sections::check(root)];
    (config, on_tree(DocumentKind::ClusterConfig, root, meaning))
}

/// The same for a ClusterAccess of the cluster that `cluster` describes.
fn examine_access(
    document: &Document,
    cluster: &Metadata,
    beside: &Beside<'_>,
) -> (ClusterAccess, Vec<Finding>) {
    let root = &document.root;
    let partition = Partition::of_region(&cluster.region.value);
    let mut access = decode::cluster_access(root, &document.source);
    let mut policies = validate::managed_policy::check_options(root);
    policy_file::read(&mut access.policies, beside, &mut policies);
    validate::managed_policy::check(&access.policies, &mut policies);
    let mut roles = Findings::default();
    validate::assumable_role::check(&access.roles, partition, &mut roles);
    let mut mappings = Findings::default();
    let list = FieldPath::of(list_key(DocumentKind::ClusterAccess));
    for (index, mapping) in access.identity_mappings.iter().enumerate() {
        if mappings.is_full() {
            break;
        }
        validate::identity_mapping::check(mapping, partition, &list.index(index), &mut mappings);
    }
    let mut groups = Findings::default();
    validate::group_access::check(&access.groups, &mut groups);
    let mut shared_roles = validate::shared_role::check_options(root);
    validate::shared_role::check(&access.shared_roles, partition, &mut shared_roles);
    let mut account = Findings::default();
    if let Some(own) = &access.account {
        validate::cluster_account::check(own, partition, &mut account);
    }
    let meaning = [
        agreement(root, cluster),
        mappings,
        groups,
        shared_roles,
        policies,
        roles,
        account,
    ];
    (access, on_tree(DocumentKind::ClusterAccess, root, meaning))
}

/// What is wrong with the tree itself, and what of `meaning` is not explained by that.
fn on_tree<const LISTS: usize>(kind: DocumentKind, root: &Node, meaning: [Findings; LISTS]) -> Vec<Finding> {
    // What is said to be missing may be there under another name.
    let (missing, mut findings): (Vec<Finding>, Vec<Finding>) = shape::check(kind, root)
        .into_vec()
        .into_iter()
        .partition(|finding| finding.explained_from_below);
    let placeholders = placeholder::check(kind, root).into_vec();
    // A value that is not filled in yet is of no type.
    findings.retain(|finding| finding.at_key || !is_explained(finding, &placeholders));
    findings.extend(placeholders);
    findings.extend(validate::identity_mapping::check_options(kind, root).into_vec());
    if kind == DocumentKind::ClusterAccess {
        findings.extend(validate::group_access::check_options(root).into_vec());
    }
    let mut blanks = blank::check(kind, root).into_vec();
    let meaning: Vec<Finding> = missing
        .into_iter()
        .chain(meaning.into_iter().flat_map(Findings::into_vec))
        .filter(|finding| !is_explained(finding, &findings))
        .filter(|finding| finding.code == Code::Missing || !is_explained(finding, &blanks))
        .collect();
    findings.extend(meaning);
    // Of what has to be there it is said that it has to be there, and of a choice what there is to choose.
    blanks.retain(|blank| {
        !findings.iter().any(|finding| {
            matches!(finding.code, Code::Missing | Code::WrongValue) && finding.path == blank.path
        })
    });
    findings.extend(blanks);
    placeholder::once_each(findings)
}

/// Whether an earlier finding already says why this one had to come: the same value has the wrong shape or is not
/// filled in, what is missing stands there under another spelling, or the mistake is below.
fn is_explained(finding: &Finding, earlier: &[Finding]) -> bool {
    earlier
        .iter()
        .filter(|other| other.severity == Severity::Error)
        .any(|other| {
            let is_meant =
                |meant: &FieldPath| meant.starts_with(&finding.path) || finding.path.starts_with(meant);
            finding.path.starts_with(&other.path)
                || (finding.explained_from_below
                    && (other.path.starts_with(&finding.path) || other.meant.as_ref().is_some_and(is_meant)))
        })
}

/// Access for one cluster must not be applied to another: what a ClusterAccess says about its cluster must be true.
fn agreement(root: &Node, cluster: &Metadata) -> Findings {
    let mut findings = Findings::default();
    let text = |key| {
        root.get("metadata")
            .and_then(|metadata| metadata.get(key))
            .and_then(Node::text)
    };
    for (key, wanted) in [("name", &cluster.name), ("region", &cluster.region)] {
        let Some(location) = &wanted.location else {
            continue;
        };
        if let Some(own) = text(key).filter(|own| !own.is_empty() && *own != wanted.value) {
            let path = FieldPath::of("metadata").key(key);
            let message = format!(
                "{path} is {}, and that of the ClusterConfig is {}, at {location}",
                quoted(own),
                quoted(&wanted.value)
            );
            findings.push(Finding::error(Code::OtherCluster, path, message).help(remedy!(
                "is this the right file? `metadata` may be left out of a ClusterAccess"
            )));
        }
    }
    findings
}

/// Joins what the documents say about access, the ClusterConfig first, and reports what they say twice or in a circle.
fn join(
    mut accesses: Vec<(Document, ClusterAccess)>,
    accounts: &[ServiceAccount],
    documents: &mut Documents,
) -> ClusterAccess {
    for (document, access) in &mut accesses {
        documents.report(
            document,
            validate::shared_role::resolve(&mut access.shared_roles, accounts).into_vec(),
        );
    }
    let mut mappings = Vec::new();
    let mut groups = Vec::new();
    let mut shared_roles = Vec::new();
    let mut policies = Vec::new();
    let mut roles = Vec::new();
    for (number, (document, access)) in accesses.iter().enumerate() {
        let list = FieldPath::of(list_key(document.kind));
        mappings.extend(Listed::all(number, &list, &access.identity_mappings));
        groups.extend(Listed::all(number, &FieldPath::of("groups"), &access.groups));
        shared_roles.extend(Listed::all(
            number,
            &FieldPath::of("sharedRoles"),
            &access.shared_roles,
        ));
        let list = FieldPath::of(validate::managed_policy::LIST);
        policies.extend(Listed::all(number, &list, &access.policies));
        let list = FieldPath::of(validate::assumable_role::LIST);
        roles.extend(Listed::all(number, &list, &access.roles));
    }
    let (places, repeated) = duplicates::of_mappings(&mappings);
    let repeated = repeated
        .into_iter()
        .chain(duplicates::of_groups(&groups))
        .chain(duplicates::of_shared_roles(&shared_roles))
        .chain(duplicates::of_names(&policies, Code::ManagedPolicy, |policy| {
            &policy.name
        }))
        .chain(duplicates::of_names(&roles, Code::AssumableRole, |role| {
            &role.name
        }));
    let mut accounts = accesses
        .iter()
        .filter_map(|(document, access)| Some((document, access.account.as_ref()?)));
    let first = accounts.next().and_then(|(_, account)| account.location.clone());
    for (document, _) in accounts {
        documents.report(document, [validate::cluster_account::second(first.as_ref())]);
    }
    for duplicate in repeated {
        if let Some((document, _)) = accesses.get(duplicate.document) {
            documents.report(document, [duplicate.finding]);
        }
    }
    for (number, circle) in role_circles::circles(&roles) {
        if let Some((document, _)) = accesses.get(number) {
            documents.report(document, [circle]);
        }
    }
    let mut joined = ClusterAccess::default();
    for (_, access) in accesses {
        joined.identity_mappings.extend(access.identity_mappings);
        joined.groups.extend(access.groups);
        joined.shared_roles.extend(access.shared_roles);
        joined.states_shared_roles |= access.states_shared_roles;
        joined.roles.extend(access.roles);
        joined.states_roles |= access.states_roles;
        joined.policies.extend(access.policies);
        joined.states_policies |= access.states_policies;
        joined.complete |= access.complete;
        let strictest = |value: &Located<AllowBroadening>| value.value;
        joined.allow_broadening = [joined.allow_broadening, access.allow_broadening]
            .into_iter()
            .flatten()
            .rev()
            .max_by_key(strictest);
        joined.account = joined.account.or(access.account);
    }
    // A mapping that is there twice in the same way is said once.
    let mut place = 0;
    joined.identity_mappings.retain(|_| {
        place += 1;
        !places.contains(&(place - 1))
    });
    joined
}
