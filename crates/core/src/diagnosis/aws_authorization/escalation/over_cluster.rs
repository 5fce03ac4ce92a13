//! Who can be anybody in the cluster, by access entries.

use std::collections::BTreeSet;

use super::{CHANGE_MODE, CREATE_ENTRY, Escalations, GIVE_POLICY, Gains, Power, Powers, UPDATE_ENTRY, take};
use crate::{
    diagnosis::aws_authorization::pods::{both, depends},
    guard::access::principal_key,
};

impl Escalations<'_, '_> {
    /// Whoever may write access entries, and so be anybody in the cluster.
    pub(in crate::diagnosis::aws_authorization) fn over_cluster(&self, known: &BTreeSet<usize>) -> Powers {
        let mut found = Powers::new();
        let Some(cluster) = self.cluster() else {
            return found;
        };
        let entries = format!("{}/*", cluster.replacen(":cluster/", ":access-entry/", 1));
        let listed = self.picture.access_entries.known().into_iter().flatten();
        let listed: BTreeSet<String> = listed.map(|entry| principal_key(&entry.principal_arn)).collect();
        for index in self.candidates(&[CREATE_ENTRY, UPDATE_ENTRY, GIVE_POLICY], known) {
            let Some(who) = self.identities.all.get(index) else {
                continue;
            };
            let opens = if self.picture.has_entries() {
                None
            } else {
                Some(self.may(who, CHANGE_MODE, Some(cluster)))
            };
            let has_entry = listed.contains(&principal_key(who.arn));
            let creates = self.may(who, CREATE_ENTRY, Some(cluster));
            let enters = if has_entry {
                self.may(who, UPDATE_ENTRY, Some(&entries))
            } else {
                creates.clone()
            };
            let mut gives = self.may(who, GIVE_POLICY, Some(&entries));
            if !has_entry {
                gives = both(creates, gives);
            }
            let mut groups = enters;
            depends(
                &mut groups,
                "whether a group that does not begin with system: is bound to what it needs",
            );
            let entering = if has_entry { UPDATE_ENTRY } else { CREATE_ENTRY };
            let giving = if has_entry {
                GIVE_POLICY.to_owned()
            } else {
                format!("{CREATE_ENTRY}, {GIVE_POLICY}")
            };
            for (mut decision, action, how) in [
                (
                    gives,
                    GIVE_POLICY,
                    format!("gives itself the access policy AmazonEKSClusterAdminPolicy ({giving})"),
                ),
                (
                    groups,
                    entering,
                    format!("puts itself into groups by its access entry ({entering})"),
                ),
            ] {
                let mut how = how;
                if let Some(opens) = &opens {
                    decision = both(decision, opens.clone());
                    how = format!("{how}, once it has changed the authentication mode ({CHANGE_MODE})");
                }
                take(
                    &mut found,
                    index,
                    Power {
                        gains: Gains::Cluster,
                        how,
                        action,
                        on: cluster.to_owned(),
                        decision,
                    },
                );
            }
        }
        found
    }
}
