//! The request that takes a cluster from `aws-auth` to access entries: what a file would say of entries and mode, and what several
//! kinds are asked for besides.

use std::collections::BTreeMap;

use super::{
    Request, access_migration, bridge,
    identity_mapping::{AwsAuthScope, MappingSelector},
    request::Settings,
};
use crate::{
    config::{ClusterConfig, Located},
    guard::recovery::caller_key,
    live::{self, AccessEntries, Live, LiveReader},
    migration::{Choices, Facts, access_entries, lines, principals_of, removable},
    ports::{CallError, aws::AuthenticationMode},
};
use eksact_identity::authn::aws_auth::{AwsAuth, parse};

/// How far a migration goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// The lines whose principals have an entry go.
    pub removes_lines: bool,
    /// The cluster stops reading `aws-auth`.
    pub to_api: bool,
    /// What the user decided about single lines.
    pub choices: Choices,
}

/// Reads what the lines are judged by, and gives `aws-auth` as the authenticator reads it; an empty one where there is none.
///
/// # Errors
/// When `aws-auth` or the access entries could not be read: nothing can be said of a line then.
pub async fn read(reader: &LiveReader) -> Result<AwsAuth, CallError> {
    let (config_map, entries) = tokio::join!(reader.ask(live::AwsAuth), reader.ask(AccessEntries));
    if let Err(error) = entries.as_ref() {
        return Err(error.clone());
    }
    let empty = BTreeMap::new();
    let data = match config_map.as_ref() {
        Ok(Some(config_map)) => &config_map.data,
        Ok(None) => &empty,
        Err(error) => return Err(error.clone()),
    };
    let aws_auth = parse(data);
    reader.read(principals_of(&aws_auth, reader.account())).await;
    Ok(aws_auth)
}

/// What is wanted of the cluster that `config` names. `live` has what [`read`] read.
pub fn request(
    config: &ClusterConfig,
    settings: Settings,
    live: &Live,
    aws_auth: &AwsAuth,
    extent: &Extent,
) -> Request {
    let group = bridge::group(&live.cluster.arn);
    let lines = lines(&Facts::of(live, aws_auth, &group), &extent.choices);
    let mode = if extent.to_api {
        AuthenticationMode::Api
    } else {
        AuthenticationMode::ApiAndConfigMap
    };
    let config = ClusterConfig {
        access_entries: access_entries(&lines),
        authentication_mode: Some(Located::unlocated(mode)),
        ..config.cluster_only()
    };
    let mut request = Request::ensure(config, settings);
    if extent.removes_lines {
        let selectors = removable(&lines).into_iter().map(|subject| MappingSelector::Arn {
            arn: subject.to_owned(),
            all: true,
        });
        request.ask(AwsAuthScope::Delete(selectors.collect()));
    }
    request.ask(bridge::Bridge { group });
    request.ask(access_migration::Scope {
        lines,
        caller: live.caller.as_ref().ok().map(|caller| caller_key(&caller.arn)),
        choices: extent.choices.clone(),
    });
    request
}
