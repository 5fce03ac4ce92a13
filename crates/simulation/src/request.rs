//! From a command of a story to what is asked for, on the road that the command line goes.

use eksact_core::{
    config::{ClusterConfig, Located, Metadata},
    guard::Guard,
    kinds::{
        Request,
        access_entry::AccessEntryScope,
        identity_mapping::{AwsAuthScope, MappingSelector},
        pod_identity::PodIdentityScope,
        provider_intent::ProviderIntent,
        request::Settings,
        service_account_scope::ServiceAccountScope,
        to_access_entries, to_pod_identity,
    },
    live::LiveReader,
    ports::CallError,
};
use eksact_simulator::Sandbox;

use crate::{
    people::{mapped, principal},
    service_accounts::key,
    story::{Command, Run},
    world::{CLUSTER, REGION},
};

fn nothing() -> ClusterConfig {
    ClusterConfig {
        metadata: Metadata {
            name: Located::unlocated(CLUSTER.to_owned()),
            region: Located::unlocated(REGION.to_owned()),
            ..Metadata::default()
        },
        ..ClusterConfig::default()
    }
}

fn settings(run: &Run, nonce: &str) -> Settings {
    Settings {
        prune: run.prune,
        override_existing_service_accounts: run.force,
        allow: if run.allows {
            Guard::ALL.into()
        } else {
            std::collections::BTreeSet::new()
        },
        nonce: nonce.to_owned(),
        ..Settings::default()
    }
}

/// What a run asks for. Migrations look at the cluster first.
///
/// # Errors
/// What they could not read.
pub async fn request(run: &Run, nonce: &str, bed: &Sandbox) -> Result<Request, CallError> {
    let settings = settings(run, nonce);
    let mut request = Request::ensure(nothing(), settings.clone());
    match &run.command {
        Command::Apply(file) => return Ok(Request::ensure(file.config(), settings)),
        Command::DeleteServiceAccount(place) => {
            request.ask(ProviderIntent::Leave);
            request.ask(ServiceAccountScope {
                delete: [key(*place)].into(),
                ..ServiceAccountScope::default()
            });
        }
        Command::DeleteMapping(who) => {
            request.ask(ProviderIntent::Leave);
            request.ask(AwsAuthScope::Delete(vec![MappingSelector::Arn {
                arn: mapped(&principal(*who)),
                all: true,
            }]));
        }
        Command::DeleteEntry(who) => {
            request.ask(AccessEntryScope {
                delete: vec![principal(*who)],
                ..AccessEntryScope::default()
            });
        }
        Command::DeleteAssociation(place) => {
            request.ask(PodIdentityScope {
                delete: [key(*place)].into(),
            });
        }
        Command::ToAccessEntries(removes_lines, to_api) => {
            let extent = to_access_entries::Extent {
                removes_lines: *removes_lines,
                to_api: *to_api,
                ..to_access_entries::Extent::default()
            };
            let reader = LiveReader::begin(bed.readers(), CLUSTER).await?;
            let aws_auth = to_access_entries::read(&reader).await?;
            let live = reader.snapshot();
            return Ok(to_access_entries::request(
                &nothing(),
                settings,
                &live,
                &aws_auth,
                &extent,
            ));
        }
        Command::ToPodIdentity(removes_irsa) => {
            let extent = to_pod_identity::Extent {
                removes_irsa: *removes_irsa,
                installs_agent: false,
            };
            let reader = LiveReader::begin(bed.readers(), CLUSTER).await?;
            let annotated = to_pod_identity::read(&reader, |_| true).await?;
            let live = reader.snapshot();
            return Ok(to_pod_identity::request(
                &nothing(),
                settings,
                &live,
                &annotated,
                extent,
            ));
        }
    }
    Ok(request)
}
