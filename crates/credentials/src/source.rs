//! Where credentials come from, as far as environment and files tell without asking anybody: keys that lie at hand, or a
//! source that must be asked (a role, SSO, a process, a container, an instance).
//!
//! The order is the AWS SDK's (environment, profile, web identity, container, instance), with the one difference that an
//! explicit `--profile` beats keys in the environment. Asking is the business of `cloud::aws`.

use std::{path::PathBuf, time::SystemTime};

use aws_config::profile::Profile;
use aws_credential_types::Credentials;
use jiff::Timestamp;
use sha1::{Digest as _, Sha1};

use super::{
    Environment, Fingerprint, SharedConfig,
    shared_config::{DEFAULT_PROFILE, SharedConfigError},
};

/// What the environment holds the end of its session credentials in; `aws configure export-credentials` writes it.
const EXPIRATION_VARIABLE: &str = "AWS_CREDENTIAL_EXPIRATION";

/// What a profile holds the end of its session credentials in; saml2aws and its like write it.
const EXPIRATION_KEY: &str = "x_security_token_expires";

/// The switch for endpoints with FIPS 140 validated cryptography: variable, and setting of a profile.
pub const FIPS: (&str, &str) = ("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint");
/// The same for endpoints that are reached over IPv6 as well.
pub const DUAL_STACK: (&str, &str) = ("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint");

/// Settings of a profile that make its credentials something else than the two keys in it.
const NOT_PLAIN: [&str; 10] = [
    "role_arn",
    "source_profile",
    "credential_source",
    "web_identity_token_file",
    "sso_session",
    "sso_start_url",
    "sso_account_id",
    "sso_role_name",
    "login_session",
    "credential_process",
];

/// Settings of a profile each of which says where its credentials are. With none of them the SDKs go on to the next source.
const GIVES_CREDENTIALS: [&str; 10] = [
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "role_arn",
    "credential_source",
    "web_identity_token_file",
    "sso_account_id",
    "sso_role_name",
    "login_session",
    "credential_process",
];

/// Where credentials come from.
#[derive(Clone, Debug)]
pub enum CredentialSource {
    /// Keys at hand: nobody must be asked.
    Keys {
        /// The keys.
        credentials: Credentials,
        /// Where they stand, in words.
        place: String,
    },
    /// Somebody must be asked.
    Asked(Asked),
}

/// A source that must be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What it is, in words.
    pub place: String,
    /// The profile; none for what comes after profiles: a web identity, the container, the instance.
    pub profile: Option<String>,
    /// Files beside the shared ones that decide who it is: tokens of SSO and of a web identity.
    pub files: Vec<PathBuf>,
    /// What of it may be kept.
    pub keeps: Keeps,
    /// Whether a person may have to type the code of an MFA device.
    pub wants_code: bool,
}

/// What of a source may be kept in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeps {
    /// Nothing: a process may answer with another identity each time, and nothing that can be seen tells.
    Nothing,
    /// The token. The credentials lie with the container or the instance.
    Token,
    /// The token, and the credentials of the role or of SSO, which cost a call or a code.
    TokenAndCredentials,
}

/// Why the environment and the files do not tell.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The shared files cannot be used.
    #[error(transparent)]
    SharedConfig(#[from] SharedConfigError),
    /// A profile that was asked for is in no file.
    #[error("there is no profile `{profile}` in the AWS config and credentials files; they have {}", named(.known))]
    NoProfile {
        /// The profile.
        profile: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The session of the keys in the environment has ended.
    #[error("the credentials in the environment have expired: {EXPIRATION_VARIABLE} says {ended}")]
    Expired {
        /// When.
        ended: Timestamp,
    },
    /// A profile has half a pair of keys.
    #[error("`{key}` of profile `{profile}` is empty")]
    BlankKey {
        /// The profile.
        profile: String,
        /// Its key.
        key: &'static str,
    },
    /// The session of the keys in a profile has ended.
    #[error("the credentials of profile `{profile}` have expired: {EXPIRATION_KEY} says {ended}")]
    ProfileExpired {
        /// The profile.
        profile: String,
        /// When.
        ended: Timestamp,
    },
}

fn named(known: &[String]) -> String {
    if known.is_empty() {
        "none".to_owned()
    } else {
        known.join(", ")
    }
}

/// Keys in the environment, which count where no profile is asked for by a flag.
///
/// # Errors
/// When the environment itself says that they have expired.
pub fn keys_in_environment(
    environment: &Environment,
    now: Timestamp,
) -> Result<Option<Credentials>, SourceError> {
    let (Some(key), Some(secret)) = (
        environment.get("AWS_ACCESS_KEY_ID"),
        environment.get("AWS_SECRET_ACCESS_KEY"),
    ) else {
        return Ok(None);
    };
    let session_token = environment.get("AWS_SESSION_TOKEN").map(str::to_owned);
    let ends: Option<Timestamp> = session_token
        .as_ref()
        .and(environment.get(EXPIRATION_VARIABLE))
        .and_then(|text| text.trim().parse().ok());
    match ends {
        Some(ended) if ended <= now => Err(SourceError::Expired { ended }),
        _ => Ok(Some(Credentials::new(
            key,
            secret,
            session_token,
            ends.map(SystemTime::from),
            "environment",
        ))),
    }
}

/// The profile that flag or environment name. `AWS_DEFAULT_PROFILE` is the AWS CLI's first name of the variable; the AWS SDK
/// for Go heeds it, too, after `AWS_PROFILE`.
fn named_profile<'a>(environment: &'a Environment, flag: Option<&'a str>) -> Option<&'a str> {
    flag.or_else(|| environment.get("AWS_PROFILE"))
        .or_else(|| environment.get("AWS_DEFAULT_PROFILE"))
}

/// The profile that is used where the environment holds no keys, or a flag names one.
pub fn profile_name<'a>(environment: &'a Environment, flag: Option<&'a str>) -> &'a str {
    named_profile(environment, flag).unwrap_or(DEFAULT_PROFILE)
}

/// The shared files. Where keys in the environment count, files that cannot be used are a warning: no credentials are
/// looked for in them.
///
/// # Errors
/// When they cannot be used and are needed.
pub fn shared_config(
    environment: &Environment,
    flag: Option<&str>,
) -> Result<SharedConfig, SharedConfigError> {
    match SharedConfig::load(environment) {
        Err(error) if flag.is_none() && has_keys(environment) => {
            Ok(SharedConfig::without_files(error.to_string()))
        }
        loaded => loaded,
    }
}

/// The region that the environment names, else the profile in use.
pub fn region(environment: &Environment, config: &SharedConfig, flag: Option<&str>) -> Option<String> {
    environment
        .get("AWS_REGION")
        .or_else(|| environment.get("AWS_DEFAULT_REGION"))
        .or_else(|| config.profile(profile_name(environment, flag))?.get("region"))
        .filter(|region| !region.is_empty())
        .map(str::to_owned)
}

/// What a switch of the environment says, else the profile in use.
pub fn switch(
    environment: &Environment,
    config: Option<&SharedConfig>,
    flag: Option<&str>,
    (variable, key): (&str, &str),
) -> bool {
    environment
        .switch(variable)
        .or_else(|| config?.switch(profile_name(environment, flag), key))
        .unwrap_or_default()
}

/// Where the credentials come from, where that may surprise.
pub fn notes(environment: &Environment, config: Option<&SharedConfig>, flag: Option<&str>) -> Vec<String> {
    let uses_environment = |profile: &str| {
        config.is_some_and(|config| {
            let mut chain = config.chain(profile).into_iter();
            chain.any(|profile| profile.get("credential_source") == Some("Environment"))
        })
    };
    let named = |variable| environment.get(variable).map(|name| (variable, name));
    let mut notes = Vec::new();
    if has_keys(environment) {
        if let Some(profile) = flag {
            if !uses_environment(profile) {
                notes.push(format!(
                    "`--profile {profile}` is used; AWS_ACCESS_KEY_ID in the environment is ignored"
                ));
            }
        } else if let Some((variable, profile)) =
            named("AWS_PROFILE").or_else(|| named("AWS_DEFAULT_PROFILE"))
        {
            notes.push(format!(
                "AWS_ACCESS_KEY_ID in the environment is used; {variable}={profile} is ignored for credentials \
                 (`--profile {profile}` would use it)"
            ));
        }
    } else if let (None, Some((_, used)), Some((_, ignored))) =
        (flag, named("AWS_PROFILE"), named("AWS_DEFAULT_PROFILE"))
        && used != ignored
    {
        notes.push(format!(
            "AWS_PROFILE={used} is used; AWS_DEFAULT_PROFILE={ignored}, which the AWS CLI would use, is ignored"
        ));
    }
    notes
}

fn has_keys(environment: &Environment) -> bool {
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
        .iter()
        .all(|name| environment.get(name).is_some())
}

impl CredentialSource {
    /// The source that the environment and the files `config` lead to.
    ///
    /// # Errors
    /// When a profile is asked for that is not there, or keys have expired.
    pub fn find(
        environment: &Environment,
        config: &SharedConfig,
        flag: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, SourceError> {
        if flag.is_none()
            && let Some(credentials) = keys_in_environment(environment, now)?
        {
            return Ok(Self::Keys {
                credentials,
                place: "AWS_ACCESS_KEY_ID in the environment".to_owned(),
            });
        }
        let name = profile_name(environment, flag);
        let chain = config.chain(name);
        let Some(profile) = chain.first() else {
            if named_profile(environment, flag).is_none() {
                return Ok(Self::Asked(without_profile(environment)));
            }
            return Err(SourceError::NoProfile {
                profile: name.to_owned(),
                known: config.names().into_iter().map(str::to_owned).collect(),
            });
        };
        if let Some(error) = chain.iter().copied().find_map(blank_key) {
            return Err(error);
        }
        if let Some(credentials) = plain_keys(profile, now)? {
            return Ok(Self::Keys {
                credentials,
                place: format!("the keys of profile {name}"),
            });
        }
        if flag.is_none() && !gives_credentials(profile) {
            // A profile that only sets a region; the SDKs go on to the next source, too.
            return Ok(Self::Asked(without_profile(environment)));
        }
        let files = chain
            .iter()
            .flat_map(|profile| files_of(profile, environment))
            .collect();
        let has = |keys: &[&str]| {
            chain
                .iter()
                .any(|profile| keys.iter().any(|key| profile.get(key).is_some()))
        };
        let keeps = if has(&["credential_process"]) {
            // Also below a role: whose session it is, is decided by the process's answer.
            Keeps::Nothing
        } else if has(&["role_arn", "sso_account_id", "sso_session", "sso_start_url"]) {
            Keeps::TokenAndCredentials
        } else {
            Keeps::Token
        };
        Ok(Self::Asked(Asked {
            place: format!("profile {name} ({})", kind_of(profile)),
            profile: Some(name.to_owned()),
            files,
            keeps,
            wants_code: has(&["mfa_serial"]),
        }))
    }
}

/// The rest of the chain, after environment and profile.
fn without_profile(environment: &Environment) -> Asked {
    if let Some(file) = web_identity_file(environment) {
        return Asked {
            place: format!("the web identity token in {file} (AWS_WEB_IDENTITY_TOKEN_FILE)"),
            profile: None,
            files: vec![PathBuf::from(file)],
            keeps: Keeps::TokenAndCredentials,
            wants_code: false,
        };
    }
    let container = [
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ]
    .iter()
    .any(|name| environment.get(name).is_some());
    Asked {
        place: if container {
            "the container's credentials (AWS_CONTAINER_CREDENTIALS_…_URI)".to_owned()
        } else {
            "the role of the EC2 instance".to_owned()
        },
        profile: None,
        files: container_files(environment).collect(),
        keeps: Keeps::Token,
        wants_code: false,
    }
}

/// The file of the web identity that the environment names, with the role that it needs.
pub fn web_identity_file(environment: &Environment) -> Option<&str> {
    environment
        .get("AWS_WEB_IDENTITY_TOKEN_FILE")
        .filter(|_| environment.get("AWS_ROLE_ARN").is_some())
}

/// What decides with the container's agent who one is.
fn container_files(environment: &Environment) -> impl Iterator<Item = PathBuf> {
    environment
        .get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
        .map(PathBuf::from)
        .into_iter()
}

/// One half of a profile's keys that is written down and empty: signed with it, everything would be refused.
fn blank_key(profile: &Profile) -> Option<SourceError> {
    ["aws_access_key_id", "aws_secret_access_key"]
        .into_iter()
        .find(|key| profile.get(key).is_some_and(|value| value.trim().is_empty()))
        .map(|key| SourceError::BlankKey {
            profile: profile.name().to_owned(),
            key,
        })
}

/// The keys of a profile that has nothing else.
fn plain_keys(profile: &Profile, now: Timestamp) -> Result<Option<Credentials>, SourceError> {
    let set = |key: &str| profile.get(key).filter(|value| !value.trim().is_empty());
    let (Some(key), Some(secret), false) = (
        set("aws_access_key_id"),
        set("aws_secret_access_key"),
        NOT_PLAIN.iter().any(|key| profile.get(key).is_some()),
    ) else {
        return Ok(None);
    };
    let session_token = set("aws_session_token").map(str::to_owned);
    let ends: Option<Timestamp> = session_token
        .as_ref()
        .and(set(EXPIRATION_KEY))
        .and_then(|text| text.trim().parse().ok());
    match ends {
        Some(ended) if ended <= now => Err(SourceError::ProfileExpired {
            profile: profile.name().to_owned(),
            ended,
        }),
        _ => Ok(Some(Credentials::new(
            key,
            secret,
            session_token,
            ends.map(SystemTime::from),
            "profile",
        ))),
    }
}

fn gives_credentials(profile: &Profile) -> bool {
    GIVES_CREDENTIALS.iter().any(|key| profile.get(key).is_some())
}

/// What a profile does for its credentials, in words.
fn kind_of(profile: &Profile) -> String {
    let set = |key: &str| profile.get(key);
    if let Some(role) = set("role_arn") {
        return if set("web_identity_token_file").is_some() {
            format!("role {role} through a web identity")
        } else {
            format!("role {role}")
        };
    }
    if let Some(role) = set("sso_role_name") {
        return format!("SSO, permission set {role}");
    }
    if set("credential_process").is_some() {
        return "credential_process".to_owned();
    }
    if set("sso_session").is_some() || set("sso_start_url").is_some() {
        return "SSO".to_owned();
    }
    "a source of its own".to_owned()
}

/// The token files that a profile reads. The names of SSO's are those of the AWS CLI: the SHA-1 of the session's name, or
/// of the start URL where there is no session.
fn files_of(profile: &Profile, environment: &Environment) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = profile
        .get("web_identity_token_file")
        .map(PathBuf::from)
        .into_iter()
        .collect();
    let identifier = profile
        .get("sso_session")
        .or_else(|| profile.get("sso_start_url"));
    if let (Some(identifier), Some(home)) = (identifier, environment.home()) {
        let name = hex::encode(Sha1::digest(identifier.as_bytes()));
        files.push(home.join(".aws/sso/cache").join(format!("{name}.json")));
    }
    if profile.get("credential_source") == Some("EcsContainer") {
        files.extend(container_files(environment));
    }
    files
}

/// What decides who the credentials of this environment are: every AWS variable, the shared files, the token files, and the
/// machine, whose own role may be in play. It holds no cluster and no role to be assumed.
pub fn identity(
    environment: &Environment,
    config: &SharedConfig,
    flag: Option<&str>,
    files: &[PathBuf],
) -> Fingerprint {
    let mut identity = Fingerprint::of("eksact identity 1");
    identity.add_text(flag);
    for (name, value) in environment.of_aws() {
        identity.add(name.as_encoded_bytes());
        identity.add(value.as_encoded_bytes());
    }
    identity.add_fingerprint(&config.digest);
    for file in files {
        identity.add(file.as_os_str().as_encoded_bytes());
        // A file that is not there is told from an empty one by the flag before it.
        let content = std::fs::read(file).ok();
        identity.add(&[u8::from(content.is_some())]);
        identity.add(&content.unwrap_or_default());
    }
    // A home folder may be shared by machines with different roles.
    let machine = std::fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    identity.add(&machine);
    identity.add_text(environment.get("COMPUTERNAME").or(environment.get("HOSTNAME")));
    identity
}
