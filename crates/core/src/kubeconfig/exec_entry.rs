//! The `exec` entry of a user: the command that kubectl runs for a token. Written for eksact itself and for the two tools
//! that it stands in for; read back to tell for which cluster, role and profile an entry signs in.
//!
//! Sources: `ExecConfig` of client-go (`tools/clientcmd/api/v1/types.go`); what the AWS CLI 1.46 and eksctl 0.231 write,
//! recorded in this folder's tests.

use std::{collections::BTreeMap, fmt};

/// The program that kubectl runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecTool {
    /// `eksact token`.
    Eksact,
    /// `aws eks get-token`.
    Aws,
    /// `aws-iam-authenticator token`.
    AwsIamAuthenticator,
}

/// What aws-iam-authenticator was called until 2018.
pub const FORMER_NAME: &str = "heptio-authenticator-aws";

impl ExecTool {
    /// Every tool.
    pub const ALL: [Self; 3] = [Self::Eksact, Self::Aws, Self::AwsIamAuthenticator];

    /// Flags of the tool that take no value: what follows one is not its value, but may be the verb.
    const fn switches(self) -> &'static [&'static str] {
        match self {
            Self::Eksact => &[
                "--no-cache",
                "--cache",
                "--token-only",
                "--forward-session-name",
                "--sandbox",
                "--quiet",
                "-q",
                "--verbose",
                "-v",
                "-vv",
            ],
            Self::Aws => &[
                "--debug",
                "--no-verify-ssl",
                "--no-paginate",
                "--no-sign-request",
                "--use-fips-endpoint",
                "--use-dualstack-endpoint",
                "--no-cli-pager",
                "--cli-auto-prompt",
                "--no-cli-auto-prompt",
            ],
            Self::AwsIamAuthenticator => &[
                "--forward-session-name",
                "--cache",
                "--token-only",
                "--dumpLogs",
                "-d",
            ],
        }
    }

    /// The name of the program.
    pub const fn program(self) -> &'static str {
        match self {
            Self::Eksact => "eksact",
            Self::Aws => "aws",
            Self::AwsIamAuthenticator => "aws-iam-authenticator",
        }
    }

    /// What kubectl shows when the program is not there. Also the mark by which eksact knows an entry of its own that runs
    /// another tool; changed, it would forget those.
    const fn install_hint(self) -> &'static str {
        match self {
            Self::Eksact => "Install eksact, or run eksact update-kubeconfig again to say where it is.",
            Self::Aws => "Install the AWS CLI, or put the folder of its program aws on the PATH.",
            Self::AwsIamAuthenticator => "Install aws-iam-authenticator, or put its folder on the PATH.",
        }
    }

    /// The tool that a command runs, by its last part: `/opt/bin/aws` is `aws`.
    pub fn of_command(command: &str) -> Option<Self> {
        let file = command.rsplit(['/', '\\']).next().unwrap_or(command);
        let name = file.strip_suffix(".exe").unwrap_or(file);
        if name == FORMER_NAME {
            return Some(Self::AwsIamAuthenticator);
        }
        Self::ALL.into_iter().find(|tool| tool.program() == name)
    }
}

/// Variables that decide as whom and where a tool signs in (the AWS SDKs' and tools' reference, "Environment variables").
const SIGN_IN_VARIABLES: [&str; 11] = [
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_STS_REGIONAL_ENDPOINTS",
];

/// Version of the exec protocol that kubectl shall speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExecApiVersion {
    /// For kubectl 1.22 and newer.
    #[default]
    V1,
    /// For older ones.
    V1Beta1,
}

impl ExecApiVersion {
    /// As the file has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "client.authentication.k8s.io/v1",
            Self::V1Beta1 => "client.authentication.k8s.io/v1beta1",
        }
    }
}

/// As whom and where a user signs in. Two users that differ in this must not share an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignIn {
    /// Name of the cluster; of a local one on an Outpost its id.
    pub cluster: String,
    /// Its region, where the entry names one.
    pub region: Option<String>,
    /// The role that is assumed first.
    pub role_arn: Option<String>,
    /// The AWS profile.
    pub profile: Option<String>,
}

impl SignIn {
    /// Whether the cluster is told by an id, as a local one on an Outpost is (EKS, `Cluster.id`: a UUID).
    pub fn has_local_id(&self) -> bool {
        uuid::Uuid::try_parse(&self.cluster).is_ok() && self.cluster.contains('-')
    }

    /// Whether both sign in as the same to the same cluster. A region that an entry does not name may be any.
    pub fn is_as(&self, other: &Self) -> bool {
        let regions = match (&self.region, &other.region) {
            (Some(one), Some(two)) => one == two,
            _ => true,
        };
        regions
            && self.cluster == other.cluster
            && self.role_arn == other.role_arn
            && self.profile == other.profile
    }
}

/// An `exec` entry as it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecEntry {
    /// The tool.
    pub tool: ExecTool,
    /// `apiVersion`.
    pub api_version: ExecApiVersion,
    /// `command`: a name for `PATH`, or an absolute path.
    pub command: String,
    /// `args`.
    pub arguments: Vec<String>,
    /// What must stand in `env`, by name.
    pub environment: BTreeMap<String, String>,
    /// `installHint`: kubectl shows it when the command is not there.
    pub install_hint: String,
}

/// What an existing `exec` entry holds, as far as it matters here.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct FoundExec {
    /// `command`.
    pub command: String,
    /// `args`.
    pub arguments: Vec<String>,
    /// `env`.
    pub environment: Vec<(String, String)>,
    /// `installHint`.
    pub install_hint: Option<String>,
}

impl ExecEntry {
    /// The entry of `tool` for this sign-in. `command` is how the tool is called.
    pub fn new(tool: ExecTool, command: String, sign_in: &SignIn, api_version: ExecApiVersion) -> Self {
        let mut arguments: Vec<String> = Vec::new();
        let mut add = |words: &[&str]| arguments.extend(words.iter().map(|word| (*word).to_owned()));
        let mut environment = BTreeMap::new();
        let (cluster, role) = (sign_in.cluster.as_str(), sign_in.role_arn.as_deref());
        match tool {
            ExecTool::Eksact => {
                add(&["token", "--cluster", cluster]);
                if let Some(region) = &sign_in.region {
                    add(&["--region", region]);
                }
                if let Some(profile) = &sign_in.profile {
                    add(&["--profile", profile]);
                }
                if let Some(role) = role {
                    add(&["--role-arn", role]);
                }
            }
            ExecTool::Aws => {
                if let Some(region) = &sign_in.region {
                    add(&["--region", region]);
                }
                let flag = if sign_in.has_local_id() {
                    "--cluster-id"
                } else {
                    "--cluster-name"
                };
                add(&["eks", "get-token", flag, cluster, "--output", "json"]);
                if let Some(role) = role {
                    add(&["--role-arn", role]);
                }
                if let Some(profile) = &sign_in.profile {
                    add(&["--profile", profile]);
                }
            }
            ExecTool::AwsIamAuthenticator => {
                add(&["token", "-i", cluster]);
                if let Some(role) = role {
                    add(&["-r", role]);
                }
                environment.insert("AWS_STS_REGIONAL_ENDPOINTS".to_owned(), "regional".to_owned());
                if let Some(region) = &sign_in.region {
                    environment.insert("AWS_DEFAULT_REGION".to_owned(), region.clone());
                }
                // It has no flag for a profile.
                if let Some(profile) = &sign_in.profile {
                    environment.insert("AWS_PROFILE".to_owned(), profile.clone());
                }
            }
        }
        Self {
            tool,
            api_version,
            command,
            arguments,
            environment,
            install_hint: tool.install_hint().to_owned(),
        }
    }

    /// `interactiveMode`, which version v1 demands. v1beta1 means the same without it, and a kubectl that needs v1beta1
    /// does not know the field.
    pub const fn interactive_mode(&self) -> Option<&'static str> {
        match self.api_version {
            ExecApiVersion::V1 => Some("IfAvailable"),
            ExecApiVersion::V1Beta1 => None,
        }
    }

    /// The arguments over an entry that is there already: what its user has added to the same tool's stays at the end.
    pub fn arguments_over(&self, found: Option<&FoundExec>) -> Vec<String> {
        let mut arguments = self.arguments.clone();
        if let Some(found) = found
            && found.tool() == Some(self.tool)
        {
            arguments.extend(Parsed::of(self.tool, &found.arguments).added);
        }
        arguments
    }

    /// The names in `env` that say as whom an entry signs in, and that must not stay where that is replaced.
    pub fn sign_in_variables(&self, found: &FoundExec) -> Vec<String> {
        found
            .environment
            .iter()
            .map(|(name, _)| name.clone())
            .filter(|name| SIGN_IN_VARIABLES.contains(&name.as_str()))
            .filter(|name| !self.environment.contains_key(name))
            .collect()
    }

    /// The names in `env` that another tool's entry set for itself and that are not to stay. Whatever else stands there
    /// is its user's.
    pub fn environment_to_remove(&self, found: &FoundExec) -> Vec<String> {
        let Some(former) = found.tool().filter(|tool| *tool != self.tool) else {
            return Vec::new();
        };
        found
            .environment
            .iter()
            .filter(|(name, value)| match (former, name.as_str()) {
                (ExecTool::Aws | ExecTool::AwsIamAuthenticator, "AWS_PROFILE")
                | (ExecTool::AwsIamAuthenticator, "AWS_DEFAULT_REGION") => true,
                (ExecTool::AwsIamAuthenticator, "AWS_STS_REGIONAL_ENDPOINTS") => value == "regional",
                _ => false,
            })
            .map(|(name, _)| name.clone())
            .filter(|name| !self.environment.contains_key(name))
            .collect()
    }
}

impl fmt::Debug for FoundExec {
    /// The command alone: arguments and variables that somebody wrote may be credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FoundExec")
            .field("command", &self.command)
            .finish_non_exhaustive()
    }
}

impl FoundExec {
    /// The tool that it runs: by the program's name, else by eksact's hint. A program may be called `eksact-linux-amd64`.
    pub fn tool(&self) -> Option<ExecTool> {
        ExecTool::of_command(&self.command).or_else(|| {
            let hint = self.install_hint.as_deref()?;
            ExecTool::ALL.into_iter().find(|tool| tool.install_hint() == hint)
        })
    }

    /// As whom it signs in; none where the command is none of the known tools, or no call for a token: a wrapper, or
    /// another provider's.
    pub fn sign_in(&self) -> Option<SignIn> {
        let tool = self.tool()?;
        let parsed = Parsed::of(tool, &self.arguments);
        if !parsed.is_token_call {
            return None;
        }
        let variable = |names: &[&str]| {
            names.iter().find_map(|wanted| {
                self.environment
                    .iter()
                    .find(|(name, value)| name == wanted && !value.is_empty())
                    .map(|(_, value)| value.clone())
            })
        };
        Some(SignIn {
            cluster: parsed.cluster?,
            region: parsed
                .region
                .or_else(|| variable(&["AWS_REGION", "AWS_DEFAULT_REGION"])),
            role_arn: parsed.role_arn,
            profile: parsed
                .profile
                .or_else(|| variable(&["AWS_PROFILE", "AWS_DEFAULT_PROFILE"])),
        })
    }

    /// Whether eksact wrote it: it runs eksact, or bears eksact's hint, which no other tool writes.
    pub fn is_ours(&self) -> bool {
        let hints = ExecTool::ALL.map(ExecTool::install_hint);
        ExecTool::of_command(&self.command) == Some(ExecTool::Eksact)
            || self
                .install_hint
                .as_deref()
                .is_some_and(|hint| hints.contains(&hint))
    }
}

/// The arguments of a call for a token, taken apart.
#[derive(Debug, Default)]
struct Parsed {
    is_token_call: bool,
    cluster: Option<String>,
    region: Option<String>,
    role_arn: Option<String>,
    profile: Option<String>,
    /// What eksact never writes.
    added: Vec<String>,
}

impl Parsed {
    fn of(tool: ExecTool, arguments: &[String]) -> Self {
        let mut parsed = Self::default();
        let mut words = arguments.iter().map(String::as_str).peekable();
        let mut verbs = Vec::new();
        while let Some(word) = words.next() {
            let (flag, inline) = match word.split_once('=') {
                Some((flag, value)) if flag.starts_with('-') => (flag, Some(value)),
                _ => (word, None),
            };
            let slot = match (tool, flag) {
                (ExecTool::Aws, "--cluster-name" | "--cluster-id")
                | (ExecTool::Eksact, "--cluster" | "--cluster-name" | "-c" | "-i" | "--cluster-id")
                | (ExecTool::AwsIamAuthenticator, "-i" | "--cluster-id") => &mut parsed.cluster,
                (_, "--region") => &mut parsed.region,
                // The AWS CLI itself writes the abbreviation `--role`.
                (_, "--role-arn" | "--role") | (ExecTool::Eksact | ExecTool::AwsIamAuthenticator, "-r") => {
                    &mut parsed.role_arn
                }
                (ExecTool::Aws | ExecTool::Eksact, "--profile") | (ExecTool::Eksact, "-p") => {
                    &mut parsed.profile
                }
                (ExecTool::Aws, "--output") => {
                    let _ = inline.or_else(|| words.next());
                    continue;
                }
                _ if flag.starts_with('-') => {
                    parsed.added.push(word.to_owned());
                    if inline.is_none()
                        && !tool.switches().contains(&flag)
                        && let Some(value) = words.next_if(|next| !next.starts_with('-'))
                    {
                        parsed.added.push(value.to_owned());
                    }
                    continue;
                }
                _ => {
                    verbs.push(word);
                    continue;
                }
            };
            *slot = inline
                .or_else(|| words.next())
                .filter(|value| !value.is_empty())
                .map(str::to_owned);
        }
        parsed.is_token_call = match tool {
            ExecTool::Aws => verbs == ["eks", "get-token"],
            ExecTool::Eksact | ExecTool::AwsIamAuthenticator => verbs == ["token"],
        };
        parsed
    }
}

#[cfg(test)]
mod tests;
