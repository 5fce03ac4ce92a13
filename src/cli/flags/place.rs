//! Where the cluster is: parsers of the flags that say so, what they refuse told as a file is told it; and the region of a profile.

use jiff::Timestamp;

use crate::cli::Failure;
use eksact_core::config::{Misplaced, named_otherwise, not_a_cluster_name, not_a_region};
use eksact_credentials::{CredentialSource, Environment, SharedConfig, SourceError, source::profile_name};

/// The name of an EKS cluster.
pub(crate) fn cluster_name(text: &str) -> Result<String, String> {
    taken(text, not_a_cluster_name(text))
}

/// The name of a cluster in a token; other clusters than those of EKS have other names.
pub(crate) fn cluster_in_token(text: &str) -> Result<String, String> {
    taken(text, named_otherwise(text))
}

/// An AWS region.
pub(crate) fn region(text: &str) -> Result<String, String> {
    taken(text, not_a_region(text))
}

fn taken(text: &str, misplaced: Option<Misplaced>) -> Result<String, String> {
    match misplaced {
        None => Ok(text.to_owned()),
        Some(Misplaced { is, help }) => Err(format!("it {is}; {help}")),
    }
}

/// The region of a profile in the AWS configuration files, when they name one. Files that cannot be read are told of by
/// whoever needs their credentials.
///
/// # Errors
/// When the profile that is asked for is in no file.
pub(crate) fn region_of_profile(profile: Option<&str>) -> Result<Option<String>, Failure> {
    let environment = Environment::of_process();
    let Ok(config) = SharedConfig::load(&environment) else {
        return Ok(None);
    };
    let found = CredentialSource::find(&environment, &config, profile, Timestamp::now());
    if let Err(error @ SourceError::NoProfile { .. }) = found {
        return Err(error.into());
    }
    Ok(config
        .profile(profile_name(&environment, profile))
        .and_then(|profile| profile.get("region"))
        .map(str::to_owned))
}
