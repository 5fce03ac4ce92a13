//! A profile by which a role is assumed, and whether a profile of its name says something else.

use super::ProfileEdit;
use crate::SharedConfig;

const ROLE_ARN: &str = "role_arn";
const SOURCE_PROFILE: &str = "source_profile";
/// What keeps SDKs from taking `source_profile`, or is refused beside it.
const INSTEAD: [&str; 2] = ["credential_source", "web_identity_token_file"];
/// Further properties by which a profile is somebody's already.
const CREDENTIALS: [&str; 6] = [
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "credential_process",
    "sso_session",
    "sso_start_url",
];

/// A profile by which a role is assumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleProfile<'a> {
    /// Its name.
    pub name: &'a str,
    /// The role.
    pub role_arn: &'a str,
    /// The profile whose credentials assume it.
    pub source_profile: &'a str,
}

/// What the files say of a profile that is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// It is not there, or has no credentials.
    Nothing,
    /// The same.
    Same,
    /// Something else, and these are the properties.
    Other(Vec<String>),
}

impl<'a> RoleProfile<'a> {
    /// The properties that are set or taken out; none of them holds a secret.
    pub const WRITTEN: [&'static str; 4] = [ROLE_ARN, SOURCE_PROFILE, INSTEAD[0], INSTEAD[1]];

    /// Its properties.
    pub fn properties(&self) -> [(&'static str, &'a str); 2] {
        [(ROLE_ARN, self.role_arn), (SOURCE_PROFILE, self.source_profile)]
    }

    /// What the files say of it so far.
    pub fn said(&self, files: &SharedConfig) -> Says {
        let Some(profile) = files.profile(self.name) else {
            return Says::Nothing;
        };
        let wanted = self.properties();
        let differs = |key: &&str| {
            let own = wanted
                .iter()
                .find(|(wanted, _)| wanted == key)
                .map(|(_, value)| *value);
            profile.get(key).is_some_and(|value| Some(value) != own)
        };
        let keys = wanted
            .iter()
            .map(|(key, _)| *key)
            .chain(INSTEAD)
            .chain(CREDENTIALS);
        let other: Vec<String> = keys.filter(|key| differs(key)).map(str::to_owned).collect();
        if !other.is_empty() {
            return Says::Other(other);
        }
        let is_same = wanted.iter().all(|(key, value)| profile.get(key) == Some(value));
        if is_same { Says::Same } else { Says::Nothing }
    }

    /// Whether SDKs take the role by this profile as the files are.
    pub fn is_in(&self, files: &SharedConfig) -> bool {
        let Some(profile) = files.profile(self.name) else {
            return false;
        };
        let has = |(key, value): (&str, &str)| profile.get(key) == Some(value);
        self.properties().into_iter().all(has) && INSTEAD.iter().all(|key| profile.get(key).is_none())
    }

    /// The changes that make it so.
    pub fn edits(&self) -> Vec<ProfileEdit<'a>> {
        let set = self.properties().map(|(key, value)| ProfileEdit::Set(key, value));
        let remove = INSTEAD.map(ProfileEdit::Remove);
        set.into_iter().chain(remove).collect()
    }
}

/// Why a text is no name of a profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no name of a profile: SDKs take letters, digits and _ - / . % @ : +", .0.escape_debug())]
pub struct InvalidName(pub String);

/// That a text is the name of a profile that every SDK reads (`aws-runtime`, `validate_identifier`).
///
/// # Errors
/// When it has another character, or none.
pub fn is_profile_name(text: &str) -> Result<(), InvalidName> {
    let is_taken = |character: char| character.is_ascii_alphanumeric() || "_-/.%@:+".contains(character);
    if text.is_empty() || !text.chars().all(is_taken) {
        return Err(InvalidName(text.to_owned()));
    }
    Ok(())
}
