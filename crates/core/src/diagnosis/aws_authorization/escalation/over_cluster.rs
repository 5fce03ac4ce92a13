//! Who can be anybody in the cluster: by access entries, or by an identity provider of its own.

use std::collections::BTreeSet;

use super::{
    CHANGE_MODE, CREATE_ENTRY, Escalations, GIVE_POLICY, GIVE_PROVIDER, Gains, Power, Powers, UPDATE_ENTRY,
    take,
};
use crate::{
    diagnosis::aws_authorization::{
        identities::{Identity, Supposed},
        pods::{both, depends},
    },
    guard::access::principal_key,
};
use eksact_identity::{
    authn::access_policy::CLUSTER_ADMIN,
    iam::policy::authorization::{Answer, Decision},
};

/// The condition keys of access entries and access policies (service authorization reference of Amazon EKS).
const PRINCIPAL_KEY: &str = "eks:principalArn";
const POLICY_KEY: &str = "eks:policyArn";
const SCOPE_KEY: &str = "eks:accessScope";

impl<'p> Escalations<'_, 'p> {
    /// Whoever may be anybody in the cluster by what it may change in EKS; `known` are not looked at.
    pub(in crate::diagnosis::aws_authorization) fn over_cluster(&self, known: &BTreeSet<usize>) -> Powers {
        let mut found = Powers::new();
        for index in self.candidates(&[CREATE_ENTRY, UPDATE_ENTRY, GIVE_POLICY, GIVE_PROVIDER], known) {
            let Some(who) = self.identities.all.get(index) else {
                continue;
            };
            for power in self.ways_into_cluster(who, Supposed::default()) {
                take(&mut found, index, power);
            }
        }
        found
    }

    /// The ways of somebody to be anybody in the cluster, supposing something.
    pub(super) fn ways_into_cluster(&self, who: &Identity<'p>, supposed: Supposed<'_>) -> Vec<Power> {
        let Some(cluster) = self.cluster() else {
            return Vec::new();
        };
        let mut found = self.by_entry(who, cluster, supposed);
        let mut vouches = self.may_supposing(who, GIVE_PROVIDER, Some(cluster), supposed);
        depends(
            &mut vouches,
            "whether the cluster has no OIDC identity provider of its own yet",
        );
        found.push(Power {
            gains: Gains::Cluster,
            how: format!("lets an OIDC identity provider of its own name users and groups ({GIVE_PROVIDER})"),
            action: GIVE_PROVIDER,
            on: cluster.to_owned(),
            decision: vouches,
        });
        found.retain(|power| power.decision.answer != Answer::No);
        found
    }

    /// By its access entry, or one that it makes.
    fn by_entry(&self, who: &Identity<'p>, cluster: &str, supposed: Supposed<'_>) -> Vec<Power> {
        let entries = format!("{}/*", cluster.replacen(":cluster/", ":access-entry/", 1));
        let partition = self.identities.partition();
        let admin = format!("arn:{partition}:eks::aws:cluster-access-policy/{CLUSTER_ADMIN}");
        let own = [(PRINCIPAL_KEY, who.arn)];
        let of_all = [
            (PRINCIPAL_KEY, who.arn),
            (POLICY_KEY, admin.as_str()),
            (SCOPE_KEY, "cluster"),
        ];
        let own = Supposed {
            context: &own,
            ..supposed
        };
        let of_all = Supposed {
            context: &of_all,
            ..supposed
        };
        let has_entry = self.entered.contains(&principal_key(who.arn));
        let entering = if has_entry { UPDATE_ENTRY } else { CREATE_ENTRY };
        let on = if has_entry { entries.as_str() } else { cluster };
        let enters = self.may_supposing(who, entering, Some(on), own);
        // Whoever has an entry needs no other one for a policy.
        let with_entry = |gives: Decision| {
            if has_entry {
                gives
            } else {
                both(enters.clone(), gives)
            }
        };
        let gives = with_entry(self.may_supposing(who, GIVE_POLICY, Some(&entries), of_all));
        let mut limited = with_entry(self.may_supposing(who, GIVE_POLICY, Some(&entries), own));
        depends(
            &mut limited,
            "whether an access policy that it may give allows what is asked",
        );
        let mut groups = enters.clone();
        depends(
            &mut groups,
            "whether a group that does not begin with system: is bound to what it needs",
        );
        let giving = if has_entry {
            GIVE_POLICY.to_owned()
        } else {
            format!("{CREATE_ENTRY}, {GIVE_POLICY}")
        };
        let mut ways = vec![
            (
                groups,
                entering,
                format!("puts itself into groups by its access entry ({entering})"),
            ),
            (
                limited,
                GIVE_POLICY,
                format!("gives itself an access policy ({giving})"),
            ),
        ];
        // The limited one is told where it is all that there is.
        if gives.answer != Answer::No {
            ways.pop();
            let how = format!("gives itself the access policy {CLUSTER_ADMIN} ({giving})");
            ways.insert(0, (gives, GIVE_POLICY, how));
        }
        let opens = (!self.picture.has_entries())
            .then(|| self.may_supposing(who, CHANGE_MODE, Some(cluster), supposed));
        let power = |(decision, action, how): (Decision, &'static str, String)| {
            let (decision, how) = match &opens {
                Some(opens) => (
                    both(decision, opens.clone()),
                    format!("{how}, once it has changed the authentication mode ({CHANGE_MODE})"),
                ),
                None => (decision, how),
            };
            Power {
                gains: Gains::Cluster,
                how,
                action,
                on: cluster.to_owned(),
                decision,
            }
        };
        ways.into_iter().map(power).collect()
    }
}
