//! Simulated bindings of roles.

use std::collections::BTreeMap;

use super::checks::check_metadata;
use super::id::Id;
use super::object::SimulatedObject;
use crate::refusal::Refusal;
use crate::state::SimulatedCluster;
use eksact_core::ports::kubernetes::{RbacBinding, Subject};

impl SimulatedObject for RbacBinding {
    fn kept(cluster: &mut SimulatedCluster) -> &mut BTreeMap<String, Self> {
        &mut cluster.rbac_bindings
    }

    fn check(&self, id: &Id<'_>) -> Result<(), Refusal> {
        check_metadata(id, &self.labels, &self.annotations)?;
        check_role_ref(id, &self.role_kind)?;
        check_subjects(id, &self.subjects)
    }
}

fn check_role_ref(id: &Id<'_>, role_kind: &str) -> Result<(), Refusal> {
    let (supported, kinds): (&[&str], _) = if id.key.namespace.is_some() {
        (&["Role", "ClusterRole"], "\"Role\", \"ClusterRole\"")
    } else {
        (&["ClusterRole"], "\"ClusterRole\"")
    };
    if supported.contains(&role_kind) {
        return Ok(());
    }
    let why = format!("Unsupported value: \"{role_kind}\": supported values: {kinds}");
    Err(id.invalid("roleRef.kind", &why))
}

fn check_subjects(id: &Id<'_>, subjects: &[Subject]) -> Result<(), Refusal> {
    for (index, subject) in subjects.iter().enumerate() {
        let field = |name: &str| format!("subjects[{index}].{name}");
        if subject.name.is_empty() {
            return Err(id.invalid(&field("name"), "Required value"));
        }
        if !["ServiceAccount", "User", "Group"].contains(&subject.kind.as_str()) {
            let why = format!(
                "Unsupported value: \"{}\": supported values: \"ServiceAccount\", \"User\", \"Group\"",
                subject.kind
            );
            return Err(id.invalid(&field("kind"), &why));
        }
        // In a RoleBinding the binding's own namespace serves.
        if id.key.namespace.is_none() && subject.kind == "ServiceAccount" && subject.namespace.is_none() {
            return Err(id.invalid(&field("namespace"), "Required value"));
        }
    }
    Ok(())
}
