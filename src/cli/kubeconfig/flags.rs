//! Flags about the entries that `update-kubeconfig` and `utils write-kubeconfig` write, and what becomes of them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};

use crate::cli::{Failure, flags::global::GlobalFlags};
use eksact_core::kubeconfig::{ExecApiVersion, ExecTool};

/// Flags about the entries that are written.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Kubeconfig")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct EntryFlags {
    /// The file; else the first of KUBECONFIG that has the cluster or exists, else ~/.kube/config
    #[arg(long, value_name = "PATH")]
    pub kubeconfig: Option<PathBuf>,
    /// Proxy to the cluster's API
    #[arg(long, value_name = "URL")]
    pub proxy_url: Option<String>,
    /// Remove the cluster's proxy
    #[arg(long, conflicts_with = "proxy_url")]
    pub no_proxy_url: bool,
    /// Namespace of the context
    #[arg(long, value_name = "NAME")]
    pub namespace: Option<String>,
    /// Remove the context's namespace
    #[arg(long, conflicts_with = "namespace")]
    pub no_namespace: bool,
    /// Replace a user with another role or profile, or a context of another cluster, that has this name
    #[arg(long)]
    pub force: bool,
    /// AWS profile for kubectl to use; that of --profile, if not given
    #[arg(long, value_name = "NAME", help_heading = "Exec entry")]
    pub exec_profile: Option<String>,
    /// Write no AWS profile
    #[arg(long, help_heading = "Exec entry", conflicts_with = "exec_profile")]
    pub no_profile: bool,
    /// Environment variable for the program (repeatable)
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Exec entry")]
    pub exec_env: Vec<String>,
    /// Program that kubectl runs for a token
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "TOOL",
        help_heading = "Exec entry"
    )]
    pub exec: Tool,
    /// Write the bare name eksact, to be found on the PATH, instead of its full path
    #[arg(long, help_heading = "Exec entry")]
    pub portable: bool,
    /// Version of the exec protocol; v1beta1 for kubectl before 1.22
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "VERSION",
        help_heading = "Exec entry"
    )]
    pub exec_api_version: ApiVersion,
}

/// The program that kubectl runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Tool {
    /// `eksact token`.
    #[default]
    Eksact,
    /// `aws eks get-token`.
    Aws,
    /// `aws-iam-authenticator token`.
    AwsIamAuthenticator,
}

/// Version of the exec protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ApiVersion {
    /// kubectl 1.22 and newer.
    #[default]
    V1,
    /// kubectl before 1.22.
    V1beta1,
}

impl From<Tool> for ExecTool {
    fn from(tool: Tool) -> Self {
        match tool {
            Tool::Eksact => Self::Eksact,
            Tool::Aws => Self::Aws,
            Tool::AwsIamAuthenticator => Self::AwsIamAuthenticator,
        }
    }
}

impl From<ApiVersion> for ExecApiVersion {
    fn from(version: ApiVersion) -> Self {
        match version {
            ApiVersion::V1 => Self::V1,
            ApiVersion::V1beta1 => Self::V1Beta1,
        }
    }
}

impl EntryFlags {
    /// The profile to write; that of this process's environment never is.
    pub(crate) fn profile(&self, global: &GlobalFlags) -> Option<String> {
        if self.no_profile {
            return None;
        }
        self.exec_profile.clone().or_else(|| global.profile.clone())
    }

    /// The variables to write, by name.
    pub(crate) fn variables(&self, global: &GlobalFlags) -> Result<BTreeMap<String, String>, Failure> {
        let mut variables = BTreeMap::new();
        for text in &self.exec_env {
            let (name, value) = variable(text).map_err(Failure::usage)?;
            if variables.insert(name.to_owned(), value.to_owned()).is_some() {
                return Err(Failure::usage(format!("--exec-env names {name} twice")));
            }
        }
        let named = PROFILE_VARIABLES
            .into_iter()
            .find(|name| variables.contains_key(*name));
        match (named, self.profile(global)) {
            (Some(name), Some(profile)) => Err(Failure::usage(format!(
                "the profile of the entry is given twice: as {profile} by {}, and by --exec-env {name}",
                if self.exec_profile.is_some() { "--exec-profile" } else { "--profile" }
            ))
            .with_help(remedy!(
                "Leave {name} out. To look the cluster up with one profile and write another, name the other with \
                 --exec-profile."
            ))),
            _ => Ok(variables),
        }
    }

    /// The proxy to write; the empty text removes what is there.
    pub(crate) fn proxy_url(&self) -> Result<Option<String>, Failure> {
        if self.no_proxy_url {
            return Ok(Some(String::new()));
        }
        self.proxy_url.as_deref().map(proxy_url).transpose()
    }

    /// The namespace to write; the empty text removes what is there.
    pub(crate) fn namespace(&self) -> Option<String> {
        if self.no_namespace {
            return Some(String::new());
        }
        self.namespace.clone()
    }

    /// What kubectl shall run.
    pub(crate) fn command(&self) -> Result<String, Failure> {
        let tool = ExecTool::from(self.exec);
        if self.portable || tool != ExecTool::Eksact {
            return Ok(tool.program().to_owned());
        }
        let unknown = |why: String| {
            Failure::error(format!("the path of eksact cannot be written: {why}")).with_help(remedy!(
                "--portable writes its name only, to be found on the PATH."
            ))
        };
        let itself = std::env::current_exe().map_err(|error| unknown(error.to_string()))?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        // A release may be called `eksact-linux-amd64`, and the link that leads to it `eksact`.
        let names = [
            ExecTool::Eksact.program().as_ref(),
            itself.file_name().unwrap_or_default(),
        ];
        let folders: Vec<PathBuf> = std::env::split_paths(&path)
            .filter(|folder| folder.is_absolute())
            .collect();
        let found = names
            .iter()
            .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
        let same = |candidate: &Path| same_file(candidate, &itself);
        own_path(&itself, found, same)
            .into_os_string()
            .into_string()
            .map_err(|path| unknown(format!("{} is not text", Path::new(&path).display())))
    }
}

/// The variables that name a profile (the AWS SDKs' reference, "Environment variables"), the one that counts first.
pub(crate) const PROFILE_VARIABLES: [&str; 2] = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"];

/// `NAME=VALUE`; the value may be empty, and may have an equals sign in it. It may be a secret, and is not repeated.
fn variable(text: &str) -> Result<(&str, &str), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| "--exec-env takes NAME=VALUE, and this has no `=`".to_owned())?;
    if name.is_empty() || name.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(format!(
            "--exec-env: `{}` cannot be the name of a variable",
            name.escape_debug()
        ));
    }
    if value.contains('\0') {
        return Err(format!("--exec-env {name}: the value of a variable has no NUL"));
    }
    Ok((name, value))
}

/// The name of a role (IAM `CreateRole`, `RoleName`).
pub(crate) fn role_name(text: &str) -> Result<String, Failure> {
    let is_taken = |character: char| character.is_ascii_alphanumeric() || "_+=,.@-".contains(character);
    if text.is_empty() || text.len() > 64 || !text.chars().all(is_taken) {
        return Err(Failure::usage(format!(
            "--assume-role: `{}` is neither the name of a role nor an ARN",
            text.escape_debug()
        )));
    }
    Ok(text.to_owned())
}

/// The URL of a proxy, of which client-go knows three kinds (`parseProxyURL` in `tools/clientcmd/client_config.go`). It may
/// hold a password, and is not repeated.
fn proxy_url(text: &str) -> Result<String, Failure> {
    let is_known = ["http://", "https://", "socks5://"]
        .iter()
        .any(|scheme| text.starts_with(scheme));
    let has_host = || {
        let url = text.parse::<http::Uri>().ok();
        url.is_some_and(|url| url.host().is_some_and(|host| !host.is_empty()))
    };
    if is_known && has_host() {
        return Ok(text.to_owned());
    }
    // The text itself may hold a password.
    let message = if is_known {
        "--proxy-url: it is not a URL with a host"
    } else {
        "--proxy-url: kubectl accepts only URLs that begin with http://, https:// or socks5://"
    };
    Err(Failure::usage(message).with_help(remedy!("For example --proxy-url http://proxy.example:3128.")))
}

/// The path by which eksact is found again: the one on the PATH if it leads here, as package managers put a link there and
/// a new folder for each version behind it.
fn own_path(itself: &Path, found: impl Iterator<Item = PathBuf>, same: impl Fn(&Path) -> bool) -> PathBuf {
    found
        .into_iter()
        .find(|candidate| same(candidate))
        .unwrap_or_else(|| itself.to_owned())
}

fn same_file(one: &Path, other: &Path) -> bool {
    match (fs_err::canonicalize(one), fs_err::canonicalize(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_have_a_name_and_any_value() {
        assert_eq!(variable("AWS_PROFILE=dev"), Ok(("AWS_PROFILE", "dev")));
        assert_eq!(variable("OPTS=a=b, c"), Ok(("OPTS", "a=b, c")));
        assert_eq!(variable("AWS_PROFILE="), Ok(("AWS_PROFILE", "")));
        for text in [
            "AWS_PROFILE",
            "=dev",
            " =dev",
            "AWS PROFILE=dev",
            "A\tB=c",
            "A=b\0c",
        ] {
            assert!(variable(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn link_on_the_path_is_written_rather_than_what_is_behind_it() {
        let itself = Path::new("/opt/eksact-1.2.3/bin/eksact");
        let on_path = || {
            ["/usr/bin/eksact", "/usr/local/bin/eksact"]
                .map(PathBuf::from)
                .into_iter()
        };
        let link = |path: &Path| path == Path::new("/usr/local/bin/eksact");
        assert_eq!(
            own_path(itself, on_path(), link),
            Path::new("/usr/local/bin/eksact")
        );
        assert_eq!(own_path(itself, on_path(), |_| false), itself);
    }
}
