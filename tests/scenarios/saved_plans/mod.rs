//! Plans that are saved and applied later: exactly what was approved is done, once, or nothing is.

mod at_once;
mod file;
mod laws;
mod moved;
mod part;

use eksact_core::{
    engine::{Plan, Report},
    kinds::Request,
    saved::{
        SavedPlan,
        apply::{ApplyError, Begun, Run, Standing, begin},
        lock::Outcome,
    },
};
use eksact_simulator::Sandbox;
use jiff::Timestamp;

use crate::scenarios::{
    access_entries::make_role,
    shared_roles::{by_hand, role},
    stage::{carry_out, cluster, fresh_world, plan, request, sandbox},
};

/// A file with an object of every kind.
pub(crate) const EVERYTHING: &str = "\
apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: {name: prod, region: us-west-2}
iam:
  withOIDC: true
  serviceAccounts:
  - metadata: {name: web, namespace: app}
    attachPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']
  podIdentityAssociations:
  - {namespace: app, serviceAccountName: job, permissionPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']}
accessConfig:
  authenticationMode: API_AND_CONFIG_MAP
  accessEntries:
  - {principalARN: 'arn:aws:iam::111122223333:role/team/dev', kubernetesGroups: [developers]}
identityProviders:
- {type: oidc, name: okta, issuerURL: 'https://okta.example.com', clientID: kubernetes}
iamIdentityMappings:
- {arn: 'arn:aws:iam::111122223333:role/ops', username: ops, groups: [operators]}
---
apiVersion: eksact.dev/v1alpha1
kind: ClusterAccess
groups:
- name: developers
  bindings:
  - {clusterRole: view}
  - rules:
    - {apiGroups: [''], resources: [pods], verbs: [get]}
sharedRoles: [{roleName: deployer, serviceAccounts: [{namespace: app, name: shared}]}]
";

/// The same with one more service account.
pub(crate) fn more() -> Request {
    request(&EVERYTHING.replace(
        "  podIdentityAssociations:",
        "  - metadata: {name: more, namespace: other}\n    attachPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']\n  \
         podIdentityAssociations:",
    ))
}

/// An account with the roles that the file names, and a cluster with the agent of pod identity.
pub(crate) fn bed() -> Sandbox {
    let mut world = fresh_world();
    for arn in [
        "arn:aws:iam::111122223333:role/team/dev",
        "arn:aws:iam::111122223333:role/ops",
    ] {
        make_role(&mut world, arn);
    }
    world
        .roles
        .insert("deployer".to_owned(), role("deployer", by_hand()));
    cluster(&mut world).cluster.auto_mode = true;
    sandbox(world)
}

/// The plan of a request, saved and loaded.
pub(crate) async fn saved(bed: &Sandbox, request: &Request) -> SavedPlan {
    let plan = plan(bed, request).await;
    SavedPlan::new(&plan, request).unwrap()
}

/// What became of the apply of a saved plan.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a test has one at a time")]
pub(crate) enum Ended {
    Carried(Report),
    Not(Standing),
    Failed(ApplyError),
}

impl Ended {
    pub(crate) fn is_applied(&self) -> bool {
        matches!(self, Self::Carried(report) if report.succeeded())
    }

    /// The addresses of what moved.
    pub(crate) fn moved(&self) -> Vec<String> {
        let Self::Not(Standing::Moved(moved, _)) = self else {
            panic!("nothing moved, but {self:#?}");
        };
        let address = |address: &Option<_>| address.as_ref().map_or_else(String::new, ToString::to_string);
        moved.iter().map(|moved| address(&moved.address)).collect()
    }
}

/// Applies a saved plan as the command line does, approved at once.
pub(crate) async fn apply_saved(bed: &Sandbox, saved: &SavedPlan, run: &str) -> Ended {
    apply_in(bed, saved, run, true).await
}

pub(crate) async fn apply_in(bed: &Sandbox, saved: &SavedPlan, run: &str, locks: bool) -> Ended {
    let (readers, writers) = (bed.readers(), bed.writers());
    let run = Run {
        id: run.to_owned(),
        locks,
        now: Timestamp::now,
    };
    let begun = begin(
        saved,
        (&readers, &writers),
        &run,
        |_: &str| {},
        async |_: &Plan| Ok::<(), ApplyError>(()),
    );
    match begun.await {
        Err(error) => Ended::Failed(error),
        Ok(Begun::Otherwise(standing)) => Ended::Not(standing),
        Ok(Begun::Ready { plan, held, .. }) => {
            let report = carry_out(bed, &plan, &saved.request).await;
            if let Some(held) = held {
                let outcome = if report.succeeded() {
                    Outcome::Applied
                } else {
                    Outcome::Unfinished
                };
                let given_back = held.give_back((&readers, &writers), Some(outcome), Timestamp::now());
                assert_eq!(given_back.await.is_err(), bed.faults().crashed());
            }
            Ended::Carried(report)
        }
    }
}

/// The calls that change something, but for those of the lock.
pub(crate) fn writes(bed: &Sandbox) -> Vec<String> {
    let writes = bed.faults().writes().into_iter();
    writes
        .map(|call| call.action)
        .filter(|action| !action.ends_with(" leases"))
        .collect()
}
