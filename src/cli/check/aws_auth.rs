//! `eksact check aws-auth`: a ConfigMap as the server reads it, for people and for CI. Changes nothing.

use clap::{Args, ValueEnum};
use eksact_message::code::Code;

use crate::cli::{
    ExitCode, Failure,
    flags::{account::ClusterFlags, global::GlobalFlags, place::cluster_name},
    run::wiring::Connection,
    texts::file,
};
use eksact_core::{
    config::{Diagnostic, Severity, SourceLocation},
    diagnosis::{effect::empty_entry, remedy::Target},
    engine::Finding,
    ports::{
        CallError,
        kubernetes::{ConfigMap, ObjectKey, RbacBinding, Selector},
    },
    view::{Printer, aws_auth_check::AwsAuthCheck},
};
use eksact_identity::{
    authn::{
        access_entry::is_for_nodes,
        aws_auth::{
            AwsAuth, SectionKey,
            lint::{LintFinding, Surroundings, lint, nearest_section},
            parse,
        },
        aws_auth_manifest::{Manifest, ManifestError, NAME, NAMESPACE},
    },
    iam::{Partition, permission_set},
};
use eksact_yaml::text;

/// Check an aws-auth ConfigMap as the server reads it: a manifest, or that of a cluster
///
/// Ends with 1 when somebody does not get in, or not as it is written there; warnings alone end with 0.
#[derive(Debug, Args)]
pub(crate) struct CheckAwsAuth {
    /// The EKS cluster
    #[arg(
        short,
        long,
        value_name = "NAME",
        required_unless_present = "file",
        conflicts_with = "file",
        value_parser = cluster_name
    )]
    cluster: Option<String>,
    /// The manifest of a ConfigMap as YAML or JSON, or `-` for standard input; --region gives its partition
    #[arg(short, long, value_name = "PATH")]
    file: Option<String>,
    /// How the findings are shown
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Output,
}

/// How the findings of a check are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people
    #[default]
    Human,
    /// For machines: one JSON document, versioned
    Json,
    /// Annotations for GitHub Actions
    Github,
}

impl CheckAwsAuth {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let check = match &self.file {
            Some(path) => of_file(path, global)?,
            None => self.of_cluster(global, printer).await?,
        };
        match self.output {
            Output::Human => printer.data(&check.human(printer.stdout_style()))?,
            Output::Json => printer.data(&check.json()?)?,
            Output::Github => printer.data(&check.github())?,
        }
        Ok(match check.count(Severity::Error) {
            0 => ExitCode::Success,
            _ => ExitCode::Error,
        })
    }

    /// Checks the live ConfigMap, with what RBAC and IAM know. Where the caller may not ask them, those findings are
    /// not made, and a note says so.
    async fn of_cluster(&self, global: &GlobalFlags, printer: &Printer) -> Result<AwsAuthCheck, Failure> {
        let flags = ClusterFlags {
            cluster: self.cluster.clone(),
            config_file: None,
        };
        let config = flags.named(global)?;
        let name = &config.metadata.name.value;
        let connection = Connection::open(global, &config, printer).await?;
        let (aws, kubernetes) = (&connection.readers.aws, &connection.readers.kubernetes);
        let cluster = connection.cluster(name).await?;
        let (config_map, bindings, roles) = tokio::join!(
            kubernetes.get::<ConfigMap>(ObjectKey::namespaced(NAMESPACE, NAME)),
            kubernetes.list::<RbacBinding>(None, Selector::Everything),
            aws.role_arns(permission_set::PATH)
        );
        let config_map = config_map?;
        let bindings = known(bindings, "which groups are bound", printer);
        let bound_groups = bindings.as_ref().map(|bindings| {
            let subjects = bindings.iter().flat_map(|binding| &binding.subjects);
            subjects
                .filter(|subject| subject.kind == "Group")
                .map(|subject| subject.name.clone())
                .collect()
        });
        let account = cluster.arn.split(':').nth(4).unwrap_or_default();
        let roles = known(roles, "which roles of IAM Identity Center exist", printer).map(|arns| {
            let names = arns.iter().filter_map(|arn| arn.rsplit('/').next());
            names.map(str::to_owned).collect()
        });
        let reads_both = cluster.authentication_mode.as_deref() == Some("API_AND_CONFIG_MAP");
        let entries = if config_map.is_some() && reads_both {
            let what = "what access entries give, and whether they let nodes in";
            known(aws.access_entries(name).await, what, printer)
        } else {
            None
        };
        let surroundings = Surroundings {
            partition: Some(Partition::of_region(&config.metadata.region.value).as_str()),
            bound_groups: bound_groups.as_ref(),
            roles: roles.as_ref().map(|roles| (account, roles)),
            nodes_need_aws_auth: config_map.is_some()
                && match cluster.authentication_mode.as_deref() {
                    Some("API") => false,
                    // An entry of people has the type STANDARD, every other type is one of nodes.
                    Some("API_AND_CONFIG_MAP") => entries
                        .as_ref()
                        .is_some_and(|entries| entries.iter().all(|entry| !is_for_nodes(&entry.entry_type))),
                    _ => true,
                },
        };
        let mut findings = Vec::new();
        if cluster.authentication_mode.as_deref() == Some("API") && config_map.is_some() {
            findings.push(not_read(name, &config.metadata.region.value));
        }
        // An access entry counts before aws-auth: one that grants nothing takes away what a mapping of its principal gives.
        if let (Some(entries), Some(bindings)) = (&entries, &bindings) {
            let target = Target {
                cluster: name,
                region: &config.metadata.region.value,
            };
            let empty = entries
                .iter()
                .filter_map(|entry| empty_entry(entry, bindings, target));
            findings.extend(empty.map(diagnostic));
        }
        if config_map.is_none() {
            printer.note(&format!(
                "the cluster has no ConfigMap {NAMESPACE}/{NAME}: only access entries let anyone in"
            ));
        }
        let data = config_map.map(|map| map.data).unwrap_or_default();
        let aws_auth = parse(&data);
        let texts = SectionKey::ALL.map(|section| {
            let text = data.get(section.as_str()).map_or("", String::as_str);
            (section, Lines::of(section.as_str(), text))
        });
        let place = |finding: &LintFinding| {
            let text = texts.iter().find(|(known, _)| Some(*known) == finding.section);
            text.map(|(_, lines)| lines.place(finding.line.unwrap_or(1)))
        };
        findings.extend(diagnostics(&aws_auth, &surroundings, place));
        Ok(checked(format!("{NAME} of {name}"), &aws_auth, findings))
    }
}

/// A finding that has no place in a text.
fn diagnostic(finding: Finding) -> Diagnostic {
    let diagnostic = Diagnostic::new(Severity::Warning, finding.code, "", &finding.message);
    match finding.help {
        Some(help) => diagnostic.with_help(help),
        None => diagnostic,
    }
}

/// What was read, or a note that it could not be.
fn known<T>(read: Result<T, CallError>, what: &str, printer: &Printer) -> Option<T> {
    read.map_err(|error| printer.note(&format!("not checked: {what}, because {error}")))
        .ok()
}

fn not_read(cluster: &str, region: &str) -> Diagnostic {
    Diagnostic::new(
        Severity::Warning,
        Code::AwsAuthNotRead,
        "",
        "the cluster's authentication mode is API: it does not read aws-auth, which lets no one in",
    )
    .with_help(remedy!(
        "create access entries for the principals that it maps (`eksact create accessentry --cluster {cluster} \
         --region {region} --principal-arn ARN --yes`), then delete what is not read: `kubectl delete configmap \
         {NAME} --namespace {NAMESPACE}`"
    ))
}

/// Checks a manifest.
fn of_file(path: &str, global: &GlobalFlags) -> Result<AwsAuthCheck, Failure> {
    let shown = if path == "-" { "<stdin>" } else { path };
    let unusable =
        |message: String| Failure::error(format!("{shown}{message}")).with_code(ExitCode::Configuration);
    let bytes = file::read(path).map_err(|error| {
        Failure::error(format!("the manifest could not be read: {error}")).with_code(ExitCode::Configuration)
    })?;
    let (text, _) = text::decode(&bytes).map_err(|error| {
        unusable(format!(":{}:{}: {error}", error.line, error.column)).with_help(text::not_text_help())
    })?;
    let manifests = Manifest::read_all(&text).map_err(|error| {
        let failure = match &error {
            ManifestError::Syntax {
                line, column, help, ..
            } => {
                let failure = unusable(format!(":{line}:{column}: {error}"));
                if let Some(help) = help {
                    return failure.with_help(help.clone());
                }
                failure
            }
            _ => unusable(format!(": {error}")),
        };
        failure.with_help(remedy!(
            "`kubectl get configmap {NAME} --namespace {NAMESPACE} -o yaml` prints the live one."
        ))
    })?;
    let lines = Lines::of(path, &text);
    let surroundings = Surroundings {
        partition: global
            .region
            .as_deref()
            .map(|region| Partition::of_region(region).as_str()),
        ..Surroundings::default()
    };
    let mut check = AwsAuthCheck {
        subject: shown.to_owned(),
        roles: 0,
        users: 0,
        accounts: 0,
        findings: several(&manifests, &lines),
    };
    for manifest in &manifests {
        check.findings.extend(of_manifest(manifest, &lines));
        let aws_auth = parse(&manifest.data);
        let place = |finding: &LintFinding| {
            let line = match (finding.section, &finding.key) {
                (Some(section), _) => manifest.line(section, finding.line),
                (None, Some(key)) => manifest.key_line(key),
                (None, None) => None,
            };
            Some(lines.place(line.unwrap_or(manifest.begins)))
        };
        let surroundings = Surroundings {
            nodes_need_aws_auth: manifest.is_aws_auth() && has_mappings(manifest),
            ..surroundings
        };
        check
            .findings
            .extend(diagnostics(&aws_auth, &surroundings, place));
        check.roles += aws_auth.roles.entries.len();
        check.users += aws_auth.users.entries.len();
        check.accounts += aws_auth.accounts.entries.len();
    }
    check
        .findings
        .sort_by_key(|finding| finding.location.as_ref().map(|at| at.line));
    Ok(check)
}

/// That a file has more than one aws-auth: each is checked, and one of them alone would count.
fn several(manifests: &[Manifest], lines: &Lines<'_>) -> Vec<Diagnostic> {
    let Some((first, others)) = manifests.split_first().filter(|(first, _)| first.is_aws_auth()) else {
        return Vec::new();
    };
    let found = others.iter().map(|other| {
        let message = format!(
            "this is another ConfigMap {NAMESPACE}/{NAME}, the first is on line {}: the one that is applied \
             last replaces the others",
            first.begins
        );
        let (location, line) = lines.place(other.begins);
        Diagnostic::new(Severity::Error, Code::SeveralAwsAuth, "metadata", &message)
            .with_help(remedy!("put all mappings into one and remove the other"))
            .at(location, line)
    });
    found.collect()
}

/// Whether a manifest has one of the sections.
fn has_mappings(manifest: &Manifest) -> bool {
    let mut sections = SectionKey::ALL.iter();
    sections.any(|section| manifest.data.contains_key(section.as_str()))
}

/// What is wrong with a manifest besides what its sections say.
fn of_manifest(manifest: &Manifest, lines: &Lines<'_>) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    findings.extend(identity(manifest).map(|finding| {
        let (location, line) = lines.place(manifest.begins);
        finding.at(location, line)
    }));
    for field in &manifest.unknown_fields {
        let (location, line) = lines.place(field.line);
        findings.push(unknown_field(&field.path).at(location, line));
    }
    if !has_mappings(manifest) {
        let (location, line) = lines.place(manifest.begins);
        findings.push(
            Diagnostic::new(
                Severity::Warning,
                Code::NoMappings,
                "data",
                "it has no mapRoles, mapUsers or mapAccounts: it lets no one in",
            )
            .with_help(remedy!("the server reads these keys of `data`, in this spelling"))
            .at(location, line),
        );
    }
    for key in &manifest.duplicates {
        let message = format!(
            "`{}` is written on line {} already: kubectl silently keeps the last one, and the one before \
             does not reach the cluster",
            key.path, key.before
        );
        let (location, line) = lines.place(key.line);
        findings.push(
            Diagnostic::new(Severity::Error, Code::DuplicateKey, &key.path, &message)
                .with_help(remedy!("put the intended values into one and remove the other"))
                .at(location, line),
        );
    }
    for value in &manifest.not_texts {
        let message = format!(
            "data.{} is not a string: the API server refuses the ConfigMap",
            value.key
        );
        let (location, line) = lines.place(value.line);
        findings.push(
            Diagnostic::new(
                Severity::Error,
                Code::ValueNotText,
                format!("data.{}", value.key),
                &message,
            )
            .with_help(remedy!("write `{}: |` and indent the list below it", value.key))
            .at(location, line),
        );
    }
    findings
}

/// Whether the manifest is of the object that the server reads.
fn identity(manifest: &Manifest) -> Option<Diagnostic> {
    let (name, namespace) = (manifest.name.as_str(), manifest.namespace.as_str());
    if name == NAME && namespace.is_empty() {
        let message = format!(
            "no namespace is set: kubectl uses that of the current context, and the server reads only \
             {NAMESPACE}"
        );
        return Some(
            Diagnostic::new(Severity::Warning, Code::NoNamespace, "metadata", &message)
                .with_help(remedy!("write `namespace: {NAMESPACE}` under `metadata`")),
        );
    }
    if manifest.is_aws_auth() {
        return None;
    }
    let message = format!(
        "this is {}{}, and the server reads only {NAMESPACE}/{NAME}",
        match name {
            "" => "a ConfigMap without a name".to_owned(),
            name => format!("the ConfigMap `{name}`"),
        },
        match namespace {
            "" => String::new(),
            namespace => format!(" of the namespace `{namespace}`"),
        }
    );
    // A copy is kept under a name of its own; a slip in the name is none.
    let is_slip = name == NAME || (!name.is_empty() && strsim::damerau_levenshtein(name, NAME) < 3);
    let severity = if is_slip {
        Severity::Error
    } else {
        Severity::Warning
    };
    let help = remedy!("write `name: {NAME}` and `namespace: {NAMESPACE}` under `metadata`");
    Some(Diagnostic::new(severity, Code::NotAwsAuth, "metadata", &message).with_help(help))
}

/// A field that a ConfigMap does not have, with what it may be meant for.
fn unknown_field(path: &str) -> Diagnostic {
    let key = path.rsplit('.').next().unwrap_or_default();
    let near = |known: &&str| key.eq_ignore_ascii_case(known) || strsim::damerau_levenshtein(key, known) < 2;
    let meant = if path.contains('.') {
        ["name", "namespace"].into_iter().find(near)
    } else {
        ["metadata", "data"].into_iter().find(near)
    };
    let (severity, help) = match (nearest_section(key), meant) {
        (Some(section), _) => (
            Severity::Error,
            remedy!("move it under `data`, as `{}: |`", section.as_str()),
        ),
        (None, Some(meant)) => (Severity::Error, remedy!("rename it to `{meant}`")),
        (None, None) => (Severity::Warning, remedy!("remove it")),
    };
    let message = format!("the server reads nothing of `{path}`");
    Diagnostic::new(severity, Code::UnknownField, path, &message).with_help(help)
}

fn checked(subject: String, aws_auth: &AwsAuth, findings: Vec<Diagnostic>) -> AwsAuthCheck {
    AwsAuthCheck {
        subject,
        roles: aws_auth.roles.entries.len(),
        users: aws_auth.users.entries.len(),
        accounts: aws_auth.accounts.entries.len(),
        findings,
    }
}

/// The findings of the authenticator's reading, each at the place that `place` gives for a line of a section's text.
fn diagnostics<'t>(
    aws_auth: &AwsAuth,
    surroundings: &Surroundings<'_>,
    place: impl Fn(&LintFinding) -> Option<(SourceLocation, Option<&'t str>)>,
) -> Vec<Diagnostic> {
    lint(aws_auth, surroundings)
        .into_iter()
        .map(|finding| {
            let severity = Severity::from(finding.weight);
            let diagnostic = Diagnostic::new(severity, finding.code, path_of(&finding), &finding.message)
                .with_help(finding.suggestion.clone());
            match place(&finding) {
                None => diagnostic,
                Some((location, line)) => diagnostic.at(location, line),
            }
        })
        .collect()
}

/// `data.mapRoles[3]`: items that the server leaves out are counted.
fn path_of(finding: &LintFinding) -> String {
    let key = finding.section.map(SectionKey::as_str).or(finding.key.as_deref());
    match (key, finding.item) {
        (Some(key), Some(item)) => format!("data.{key}[{item}]"),
        (Some(key), None) => format!("data.{key}"),
        (None, _) => "data".to_owned(),
    }
}

/// The lines of a text, found by number: there may be a finding in each.
struct Lines<'t> {
    file: &'t str,
    lines: Vec<&'t str>,
}

impl<'t> Lines<'t> {
    fn of(file: &'t str, text: &'t str) -> Self {
        Self {
            file,
            lines: text.lines().collect(),
        }
    }

    /// Where the text of a line, counted from 1, begins; and that line.
    fn place(&self, line: usize) -> (SourceLocation, Option<&'t str>) {
        let text = line
            .checked_sub(1)
            .and_then(|index| self.lines.get(index))
            .copied();
        let blank = text.map_or(0, |line| line.chars().take_while(|c| c.is_whitespace()).count());
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        let location = SourceLocation {
            file: self.file.into(),
            line: number(line),
            column: number(blank + 1),
        };
        (location, text)
    }
}
