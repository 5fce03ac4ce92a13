//! Reads what exists, each thing once, for all kinds that ask: in bulk where that costs fewer calls, one by one where
//! bulk reading is denied. Only readers are in reach here.

use eksact_identity::service_account::ServiceAccountKey;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::future::join_all;
use tokio::{sync::OnceCell, time::Instant};

use super::{
    live::{ClusterStacks, Live, Observed, is_of_cluster, service_account_of},
    live_access::{AccessReader, LiveAccess},
    request::{Request, owns_role},
};
use crate::ports::{
    CallError, CallErrorKind, Readers,
    aws::{CallerIdentity, Cluster, OidcProvider, Role, Stack},
    issuer::CertificateChain,
    kubernetes::{Namespace, ObjectKey, Selector, ServiceAccount},
};
use eksact_identity::{
    cloudformation::stack_name::{self, ExistingStack},
    iam::Arn,
};
use eksact_message::duration::in_words;

/// From this many objects on, one listing is cheaper than reading each.
const BULK_FROM: usize = 6;

/// The stacks of a cluster, and the stack name of each wanted account.
type StacksAndNames = (Observed<Arc<ClusterStacks>>, BTreeMap<ServiceAccountKey, String>);

/// Tells people what is waited for.
type Notice = Box<dyn Fn(&str) + Send + Sync>;

/// A reading of the account and the cluster under way.
pub struct LiveReader {
    readers: Readers,
    notice: Notice,
    cluster: Cluster,
    cluster_arn: Arn,
    caller: Observed<CallerIdentity>,
    oidc_provider: OnceCell<Observed<Option<OidcProvider>>>,
    issuer_chain: OnceCell<Observed<CertificateChain>>,
    stacks: OnceCell<StacksAndNames>,
    roles: Mutex<BTreeMap<String, Observed<Option<Arc<Role>>>>>,
    all_roles: OnceCell<Observed<Vec<Arc<Role>>>>,
    trust_policy_quota: OnceCell<Observed<Option<usize>>>,
    templates: Mutex<BTreeMap<String, Observed<String>>>,
    namespaces: Mutex<BTreeMap<String, Observed<Option<Namespace>>>>,
    service_accounts: Mutex<BTreeMap<ServiceAccountKey, Observed<Option<ServiceAccount>>>>,
    all_service_accounts: OnceCell<Observed<Vec<ServiceAccount>>>,
    access: AccessReader,
}

impl std::fmt::Debug for LiveReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveReader")
            .field("cluster", &self.cluster.name)
            .finish_non_exhaustive()
    }
}

impl LiveReader {
    /// Begins with the cluster and the caller: without the cluster nothing can be planned.
    pub async fn begin(readers: Readers, cluster: &str) -> Result<Self, CallError> {
        let (cluster, caller) = tokio::join!(readers.aws.cluster(cluster), readers.aws.caller_identity());
        let cluster = match cluster {
            Ok(cluster) => cluster,
            // Bad credentials make every call fail: the identity call tells it in the plainest words.
            Err(error) => match caller {
                Err(caller) if caller.kind == CallErrorKind::Credentials => return Err(caller),
                _ => return Err(error),
            },
        };
        let cluster_arn = cluster.arn.parse::<Arn>().map_err(|error| {
            CallError::new(
                "eks",
                "DescribeCluster",
                &cluster.name,
                CallErrorKind::Other,
                error.to_string(),
            )
        })?;
        let access = AccessReader::begin(
            readers.clone(),
            &cluster.name,
            cluster.authentication_mode.as_deref(),
        );
        Ok(Self {
            readers,
            notice: Box::new(|_| {}),
            cluster,
            cluster_arn,
            caller,
            oidc_provider: OnceCell::new(),
            issuer_chain: OnceCell::new(),
            stacks: OnceCell::new(),
            roles: Mutex::default(),
            all_roles: OnceCell::new(),
            trust_policy_quota: OnceCell::new(),
            templates: Mutex::default(),
            namespaces: Mutex::default(),
            service_accounts: Mutex::default(),
            all_service_accounts: OnceCell::new(),
            access,
        })
    }

    /// The same, telling people through `notice` what is waited for.
    #[must_use]
    pub fn with_notice(mut self, notice: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.notice = Box::new(notice);
        self
    }

    /// Reads what every kind asks for and gives it as plain values.
    pub async fn read(self, request: &Request) -> Live {
        join_all(super::kinds().iter().map(|kind| kind.read(request, &self))).await;
        self.finish()
    }

    /// Reads what roles need and no more.
    pub async fn read_roles(self, request: &Request) -> Live {
        use super::Kind as _;
        super::iam_role::IamRoleKind.read(request, &self).await;
        self.finish()
    }

    fn finish(self) -> Live {
        let (stacks, stack_names) = match self.stacks.into_inner() {
            Some((stacks, names)) => (Some(stacks), names),
            None => (None, BTreeMap::new()),
        };
        Live {
            caller: self.caller,
            account: self.cluster_arn.account.clone(),
            partition: self.cluster_arn.partition,
            region: self.cluster_arn.region.clone(),
            cluster: self.cluster,
            oidc_provider: self.oidc_provider.into_inner(),
            issuer_chain: self.issuer_chain.into_inner(),
            stacks,
            stack_names,
            roles: unlocked(self.roles),
            all_roles: self.all_roles.into_inner(),
            trust_policy_quota: self.trust_policy_quota.into_inner(),
            templates: unlocked(self.templates),
            namespaces: unlocked(self.namespaces),
            service_accounts: unlocked(self.service_accounts),
            all_service_accounts: self.all_service_accounts.into_inner(),
            access: self.access.finish(),
        }
    }

    /// The state of the reading so far, for kinds that must compare before they know what else to read.
    pub fn so_far(&self) -> Live {
        let (stacks, stack_names) = match self.stacks.get() {
            Some((stacks, names)) => (Some(stacks.clone()), names.clone()),
            None => (None, BTreeMap::new()),
        };
        Live {
            caller: self.caller.clone(),
            account: self.cluster_arn.account.clone(),
            partition: self.cluster_arn.partition,
            region: self.cluster_arn.region.clone(),
            cluster: self.cluster.clone(),
            oidc_provider: self.oidc_provider.get().cloned(),
            issuer_chain: None,
            stacks,
            stack_names,
            roles: copied(&self.roles),
            all_roles: None,
            trust_policy_quota: None,
            templates: BTreeMap::new(),
            namespaces: BTreeMap::new(),
            service_accounts: BTreeMap::new(),
            all_service_accounts: None,
            access: LiveAccess::default(),
        }
    }

    /// What decides who gets into the cluster.
    pub fn access(&self) -> &AccessReader {
        &self.access
    }

    /// The cluster.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The AWS account of the cluster.
    pub fn account(&self) -> &str {
        &self.cluster_arn.account
    }

    /// The provider of the cluster's issuer.
    pub async fn oidc_provider(&self) -> &Observed<Option<OidcProvider>> {
        self.oidc_provider
            .get_or_init(|| async {
                let arn = self.cluster.oidc_issuer.as_deref().and_then(|issuer| {
                    eksact_identity::iam::trust::provider_arn(
                        self.cluster_arn.partition,
                        &self.cluster_arn.account,
                        issuer,
                    )
                    .ok()
                });
                match arn {
                    Some(arn) => self.readers.aws.oidc_provider(&arn.to_string()).await,
                    None => Ok(None),
                }
            })
            .await
    }

    /// The chain that the issuer's host serves.
    pub async fn issuer_chain(&self) -> &Observed<CertificateChain> {
        self.issuer_chain
            .get_or_init(|| async {
                let issuer = self.cluster.oidc_issuer.as_deref().unwrap_or_default();
                self.readers.issuer.certificate_chain(issuer).await
            })
            .await
    }

    /// The stacks of the cluster, once none of those that the request is about is being worked on (or the time is up),
    /// and the stack name of each wanted account.
    pub async fn stacks(&self, request: &Request) -> &StacksAndNames {
        self.stacks.get_or_init(|| self.settled_stacks(request)).await
    }

    async fn settled_stacks(&self, request: &Request) -> StacksAndNames {
        let begun = Instant::now();
        let mut pause = Duration::from_millis(500);
        let mut told = false;
        loop {
            let listed = match self.readers.aws.stacks().await {
                Ok(listed) => listed,
                Err(error) => return (Err(error), self.assigned(request, &[])),
            };
            let names = self.assigned(request, &listed);
            let wanted: BTreeSet<&String> = names.values().collect();
            let about = Self::subjects(request);
            let ours: Vec<Stack> = listed
                .into_iter()
                .filter(|stack| is_of_cluster(stack, &self.cluster.name) || wanted.contains(&stack.name))
                .collect();
            let busy: Vec<&Stack> = ours
                .iter()
                .filter(|stack| {
                    stack.in_progress()
                        && (wanted.contains(&stack.name)
                            || service_account_of(stack)
                                .is_some_and(|key| request.prune.is_some() || about.contains(&key)))
                })
                .collect();
            if busy.is_empty() || begun.elapsed() >= request.settings.timeout {
                let ours = ClusterStacks::new(ours, &self.cluster.name);
                return (Ok(Arc::new(ours)), names);
            }
            if !told {
                told = true;
                let names: Vec<String> = busy
                    .iter()
                    .map(|stack| format!("{} ({})", stack.name, stack.status))
                    .collect();
                (self.notice)(&format!(
                    "waiting for CloudFormation, which is still at work on {} (up to {}, --timeout)",
                    names.join(", "),
                    in_words(request.settings.timeout)
                ));
            }
            tokio::time::sleep(pause.min(request.settings.timeout.saturating_sub(begun.elapsed()))).await;
            pause = (pause * 3 / 2).min(Duration::from_secs(5));
        }
    }

    /// The accounts that the request is about.
    fn subjects(request: &Request) -> BTreeSet<ServiceAccountKey> {
        request
            .service_accounts()
            .iter()
            .map(super::request::key_of)
            .chain(request.delete.iter().cloned())
            .collect()
    }

    fn assigned(&self, request: &Request, listed: &[Stack]) -> BTreeMap<ServiceAccountKey, String> {
        let wanted: Vec<ServiceAccountKey> = request
            .service_accounts()
            .iter()
            .filter(|account| owns_role(account))
            .map(super::request::key_of)
            .collect();
        let existing: Vec<ExistingStack> = listed
            .iter()
            .map(|stack| ExistingStack {
                name: stack.name.clone(),
                cluster_tag: stack
                    .tags
                    .get(eksact_identity::cloudformation::tags::CLUSTER_NAME)
                    .cloned(),
                service_account_tag: stack
                    .tags
                    .get(eksact_identity::cloudformation::tags::SERVICE_ACCOUNT_NAME)
                    .cloned(),
            })
            .collect();
        stack_name::assign(&self.cluster.name, &wanted, &existing)
    }

    /// Reads these roles, in bulk when there are many and bulk reading is cheaper.
    pub async fn roles(&self, names: BTreeSet<String>) {
        let names: Vec<String> = {
            let known = locked(&self.roles);
            names
                .into_iter()
                .filter(|name| !known.contains_key(name))
                .collect()
        };
        if names.is_empty() {
            return;
        }
        if names.len() >= BULK_FROM
            && self.bulk_is_cheaper(names.len()).await
            && let Ok(all) = self.all_roles().await
        {
            let by_name: BTreeMap<&str, &Arc<Role>> =
                all.iter().map(|role| (role.name.as_str(), role)).collect();
            let mut missing = Vec::new();
            {
                let mut roles = locked(&self.roles);
                for name in names {
                    match by_name.get(name.as_str()) {
                        Some(role) => {
                            roles.insert(name, Ok(Some(Arc::clone(role))));
                        }
                        None => missing.push(name),
                    }
                }
            }
            // The listing lags behind the truth: that a role is gone is believed of the role's own answer only.
            self.roles_one_by_one(missing).await;
            return;
        }
        self.roles_one_by_one(names).await;
    }

    async fn roles_one_by_one(&self, names: Vec<String>) {
        let read = join_all(names.iter().map(|name| self.readers.aws.role(name))).await;
        let read = read.into_iter().map(|role| role.map(|role| role.map(Arc::new)));
        locked(&self.roles).extend(names.into_iter().zip(read));
    }

    /// A role costs about four calls to read alone, a hundred roles one page in bulk.
    async fn bulk_is_cheaper(&self, wanted: usize) -> bool {
        match self.readers.aws.role_count().await {
            Ok(count) => count / 100 < u64::try_from(wanted * 4).unwrap_or(u64::MAX),
            // Without the count: bulk reading is the safer guess for many roles.
            Err(_) => wanted >= 25,
        }
    }

    /// All roles of the account.
    pub async fn all_roles(&self) -> &Observed<Vec<Arc<Role>>> {
        self.all_roles
            .get_or_init(|| async {
                let roles = self.readers.aws.roles().await?;
                Ok(roles.into_iter().map(Arc::new).collect())
            })
            .await
    }

    /// How long a trust policy may be in this account.
    pub async fn trust_policy_quota(&self) -> &Observed<Option<usize>> {
        self.trust_policy_quota
            .get_or_init(|| self.readers.aws.trust_policy_quota())
            .await
    }

    /// Reads these stacks' templates.
    pub async fn templates(&self, names: BTreeSet<String>) {
        let names: Vec<String> = names.into_iter().collect();
        let read = join_all(names.iter().map(|name| self.readers.aws.stack_template(name))).await;
        locked(&self.templates).extend(names.into_iter().zip(read));
    }

    /// Reads these namespaces.
    pub async fn namespaces(&self, names: BTreeSet<String>) {
        let names: Vec<String> = names.into_iter().collect();
        let listed = if names.len() >= BULK_FROM {
            Some(
                self.readers
                    .kubernetes
                    .list::<Namespace>(None, Selector::Everything)
                    .await,
            )
        } else {
            None
        };
        if let Some(Err(error)) = listed
            .as_ref()
            .filter(|listed| listed.as_ref().is_err_and(is_of_cluster_api))
        {
            locked(&self.namespaces).extend(names.into_iter().map(|name| (name, Err(error.clone()))));
            return;
        }
        if let Some(Ok(all)) = listed {
            let by_name: BTreeMap<String, Namespace> = all
                .into_iter()
                .map(|namespace| (namespace.name.clone(), namespace))
                .collect();
            let mut namespaces = locked(&self.namespaces);
            for name in names {
                let namespace = by_name.get(&name).cloned();
                namespaces.insert(name, Ok(namespace));
            }
            return;
        }
        let read = join_all(
            names
                .iter()
                .map(|name| self.readers.kubernetes.get::<Namespace>(ObjectKey::cluster(name))),
        )
        .await;
        locked(&self.namespaces).extend(names.into_iter().zip(read));
    }

    /// Reads these service accounts.
    pub async fn service_accounts(&self, keys: BTreeSet<ServiceAccountKey>) {
        let keys: Vec<ServiceAccountKey> = keys.into_iter().collect();
        let listed = if keys.len() >= BULK_FROM {
            Some(self.all_service_accounts().await)
        } else {
            None
        };
        if let Some(Err(error)) = listed.filter(|listed| listed.as_ref().is_err_and(is_of_cluster_api)) {
            locked(&self.service_accounts).extend(keys.into_iter().map(|key| (key, Err(error.clone()))));
            return;
        }
        if let Some(Ok(all)) = listed {
            let by_key: BTreeMap<(&str, &str), &ServiceAccount> = all
                .iter()
                .map(|account| ((account.namespace.as_str(), account.name.as_str()), account))
                .collect();
            let mut accounts = locked(&self.service_accounts);
            for key in keys {
                let account = by_key
                    .get(&(key.namespace.as_str(), key.name.as_str()))
                    .map(|account| (*account).clone());
                accounts.insert(key, Ok(account));
            }
            return;
        }
        let read = join_all(keys.iter().map(|key| {
            self.readers
                .kubernetes
                .get::<ServiceAccount>(ObjectKey::namespaced(&key.namespace, &key.name))
        }))
        .await;
        locked(&self.service_accounts).extend(keys.into_iter().zip(read));
    }

    /// Every service account of the cluster.
    pub async fn all_service_accounts(&self) -> &Observed<Vec<ServiceAccount>> {
        self.all_service_accounts
            .get_or_init(|| {
                self.readers
                    .kubernetes
                    .list::<ServiceAccount>(None, Selector::Everything)
            })
            .await
    }
}

/// Whether a failure is one of the cluster's API as a whole: reading its objects one by one would meet it again.
fn is_of_cluster_api(error: &CallError) -> bool {
    matches!(
        error.kind,
        CallErrorKind::Unreachable | CallErrorKind::Credentials
    )
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn unlocked<T>(mutex: Mutex<T>) -> T {
    mutex
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn copied<T: Clone>(mutex: &Mutex<T>) -> T {
    locked(mutex).clone()
}
