//! The request that takes annotated service accounts to pod identity associations: what a file would say of associations, and what
//! several kinds are asked for besides.

use super::{
    Request, pod_identity::AgentNeeded, pod_identity_agent::InstallAgent, pod_identity_migration,
    request::Settings, service_account_scope::ServiceAccountScope,
};
use crate::{
    config::{ClusterConfig, Located, pod_identity_association::PodIdentityAssociation},
    live::{
        AllServiceAccounts, Live, LiveReader, PodIdentityAssociationById, PodIdentityAssociations, PodsOf,
        ROLE_ANNOTATION, RoleByName, TrustPolicyQuota,
    },
    migration::pod_identity::{Account, Fate, accounts, role_of},
    ports::{CallError, kubernetes::ServiceAccount},
};
use eksact_identity::service_account::ServiceAccountKey;

/// How far a migration goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Annotations go, and the subjects of their accounts from the trust policies, where no pod needs them.
    pub removes_irsa: bool,
    /// The agent is installed where there is none.
    pub installs_agent: bool,
}

/// Reads what the accounts are judged by, and gives the annotated ones that `is_chosen` takes by `namespace/name`.
///
/// # Errors
/// When service accounts or associations could not be listed: nothing can be said of any then.
pub async fn read(
    reader: &LiveReader,
    is_chosen: impl Fn(&str) -> bool,
) -> Result<Vec<ServiceAccount>, CallError> {
    let (all, associations) = tokio::join!(
        reader.ask(AllServiceAccounts),
        reader.ask(PodIdentityAssociations)
    );
    let (all, associations) = match (all.as_ref(), associations.as_ref()) {
        (Ok(all), Ok(associations)) => (all, associations),
        (Err(error), _) | (_, Err(error)) => return Err(error.clone()),
    };
    let chosen: Vec<ServiceAccount> = all
        .iter()
        .filter(|account| account.annotations.contains_key(ROLE_ANNOTATION))
        .filter(|account| is_chosen(&format!("{}/{}", account.namespace, account.name)))
        .cloned()
        .collect();
    let keys = || {
        let keys = chosen.iter();
        keys.map(|account| ServiceAccountKey::new(&account.namespace, &account.name))
    };
    let roles = chosen
        .iter()
        .filter_map(|account| role_of(account, reader.account()));
    let ids = keys().filter_map(|key| associations.get(&key).map(|summary| summary.id.clone()));
    tokio::join!(
        reader.read(roles.map(RoleByName)),
        reader.read(ids.map(PodIdentityAssociationById)),
        reader.read(keys().map(PodsOf)),
        reader.ask(TrustPolicyQuota),
    );
    Ok(chosen)
}

/// What is wanted of the cluster that `config` names. `live` has what [`read`] read.
pub fn request(
    config: &ClusterConfig,
    settings: Settings,
    live: &Live,
    annotated: &[ServiceAccount],
    extent: Extent,
) -> Request {
    let accounts = accounts(live, annotated);
    let mut config = config.cluster_only();
    config.pod_identity_associations.list = accounts
        .iter()
        .filter(|account| account.fate == Fate::Migrates)
        .map(association)
        .collect();
    let mut request = Request::ensure(config, settings);
    if accounts.iter().any(Account::moves) {
        request.ask(AgentNeeded);
        if extent.installs_agent {
            request.ask(InstallAgent);
        }
    }
    if extent.removes_irsa {
        let free = accounts.iter().filter(|account| account.is_free());
        request.ask(ServiceAccountScope {
            forget_role: free.map(|account| account.key.clone()).collect(),
            ..ServiceAccountScope::default()
        });
    }
    request.ask(pod_identity_migration::Scope {
        accounts,
        removes_irsa: extent.removes_irsa,
    });
    request
}

/// The association that takes the place of an annotation.
fn association(account: &Account) -> PodIdentityAssociation {
    PodIdentityAssociation {
        namespace: account.key.namespace.clone(),
        service_account: account.key.name.clone(),
        role_arn: Some(Located::unlocated(account.role_arn.clone())),
        ..PodIdentityAssociation::default()
    }
}
