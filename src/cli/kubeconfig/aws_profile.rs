//! The AWS profile that `update-kubeconfig` writes for the role that kubectl assumes: for everything else that the user runs.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use clap::Args;

use super::file::ShowFlags;
use crate::cli::{Failure, flags::global::GlobalFlags};
use eksact_core::{
    kubeconfig::{Lock, Waiting, profile_change::ProfileChange, store},
    view::Printer,
};
use eksact_credentials::{
    Environment, SharedConfig,
    profile::{ProfileText, RoleProfile, Says, is_profile_name},
};

/// How long a writer waits for its turn.
const LOCK_LIMIT: Duration = Duration::from_mins(1);

/// The profile to write.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "AWS profile")]
pub(crate) struct ProfileFlags {
    /// Write a profile that assumes the role into the AWS config file, that of the environment or ~/.aws/config; --force replaces
    /// one that says something else
    #[arg(
        long,
        value_name = "NAME",
        requires = "assume_role",
        requires = "source_profile",
        conflicts_with = "dry_run"
    )]
    write_aws_profile: Option<String>,
    /// The profile whose credentials assume the role
    #[arg(long, value_name = "NAME", requires = "write_aws_profile")]
    pub source_profile: Option<String>,
}

/// A profile that is to be written, and the file as it was while its lock is held.
pub(crate) struct ProfileWrite {
    target: PathBuf,
    edited: Option<String>,
    /// What the plan says of it.
    pub change: ProfileChange,
    _lock: Option<Lock>,
}

impl ProfileFlags {
    /// What is to be written for this role; none where no profile is asked for. Takes the lock where it will be written.
    pub(crate) fn begin(
        &self,
        role_arn: Option<&str>,
        force: bool,
        show: ShowFlags,
        global: &GlobalFlags,
        printer: &Printer,
    ) -> Result<Option<ProfileWrite>, Failure> {
        let (Some(name), Some(source), Some(role_arn)) =
            (&self.write_aws_profile, &self.source_profile, role_arn)
        else {
            return Ok(None);
        };
        for (flag, name) in [("--write-aws-profile", name), ("--source-profile", source)] {
            is_profile_name(name).map_err(|error| Failure::usage(format!("{flag}: {error}")))?;
        }
        if name == source {
            return Err(Failure::usage(format!(
                "--source-profile: {name} cannot be the source of its own role"
            )));
        }
        let environment = Environment::of_process();
        if global.sandbox && environment.get("AWS_CONFIG_FILE").is_none() {
            return Err(
                Failure::usage("the sandbox's role is not real, but ~/.aws/config is")
                    .with_help(remedy!("Name a file to write to in AWS_CONFIG_FILE.")),
            );
        }
        let path = SharedConfig::config_path(&environment)
            .ok_or_else(|| Failure::usage("there is no home folder (HOME is not set)"))?;
        let target = store::target_of(&path)?;
        let lock = if show.writes() {
            store::make_folder(&target)?;
            let waiting = Waiting {
                limit: LOCK_LIMIT,
                is_given_up: &|| false,
                tell: &|path| printer.status(&format!("waiting for {}\n", path.display())),
            };
            Some(Lock::take_turn(&target, &waiting)?)
        } else {
            None
        };
        let wanted = RoleProfile {
            name,
            role_arn,
            source_profile: source,
        };
        let shown = path.display().to_string();
        let stored = store::read(&target)?;
        let content = stored.map(|stored| stored.content).unwrap_or_default();
        let text = String::from_utf8(content)
            .map_err(|_| Failure::error(format!("{shown} is not UTF-8. The file was not changed")))?;
        let files = with(&environment, &text)?;
        if files.profile(source).is_none() {
            return Err(Failure::usage(format!(
                "--source-profile: there is no profile {source} in {shown} or beside it"
            ))
            .with_help(remedy!("`aws configure --profile {source}` makes one.")));
        }
        let said = wanted.said(&files);
        if let Says::Other(properties) = &said
            && !force
        {
            return Err(Failure::error(format!(
                "the profile {name} is there and says something else: {}. {shown} was not changed",
                properties.join(", ")
            ))
            .with_help(remedy!(
                "Choose another name with --write-aws-profile, or replace it with --force."
            )));
        }
        let edited = match said {
            Says::Same => None,
            Says::Nothing | Says::Other(_) => Some(edited(&wanted, &text, &environment, &shown)?),
        };
        Ok(Some(ProfileWrite {
            target,
            edited,
            change: change(&wanted, &files, shown),
            _lock: lock,
        }))
    }
}

/// The text with the profile, which the SDK must read as it is meant.
fn edited(
    wanted: &RoleProfile<'_>,
    text: &str,
    environment: &Environment,
    shown: &str,
) -> Result<String, Failure> {
    let edited = ProfileText::read(text)
        .edited(wanted.name, &wanted.edits())
        .map_err(|error| {
            Failure::error(format!("{error}. {shown} was not changed")).with_help(remedy!(
                "Make one section of them, or choose another name with --write-aws-profile."
            ))
        })?;
    if wanted.is_in(&with(environment, &edited)?) {
        return Ok(edited);
    }
    Err(Failure::error(format!(
        "the profile {} would not assume the role: the credentials file says something else of it, and wins. {shown} was not changed",
        wanted.name
    ))
    .with_help(remedy!("Choose another name with --write-aws-profile.")))
}

fn with(environment: &Environment, text: &str) -> Result<SharedConfig, Failure> {
    SharedConfig::with_config(environment, text)
        .map_err(|error| Failure::error(format!("{error}. The file was not changed")))
}

/// What the plan says: of the profile only what is about the role.
fn change(wanted: &RoleProfile<'_>, files: &SharedConfig, file: String) -> ProfileChange {
    let profile = files.profile(wanted.name);
    let before = profile.map(|profile| {
        let value = |key: &&str| Some(((*key).to_owned(), profile.get(key)?.to_owned()));
        RoleProfile::WRITTEN
            .iter()
            .filter_map(value)
            .collect::<BTreeMap<_, _>>()
    });
    let after = wanted
        .properties()
        .map(|(key, value)| (key.to_owned(), value.to_owned()));
    ProfileChange {
        name: wanted.name.to_owned(),
        file,
        before,
        after: after.into(),
    }
}

impl ProfileWrite {
    /// Writes the profile, where the file does not say the same.
    pub(crate) fn write(&self, printer: &Printer) -> Result<(), Failure> {
        if let Some(edited) = &self.edited {
            store::write(&self.target, edited.as_bytes())?;
            printer.status(&format!("Wrote {}.\n", self.change.file));
        }
        Ok(())
    }
}
