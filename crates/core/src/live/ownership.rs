//! Whose a service account is, by its marks.

use crate::ports::kubernetes::{FIELD_MANAGER, ServiceAccount};

/// The annotation that names the role (pod identity webhook 0.6.17, `pkg/annotations.go`).
pub const ROLE_ANNOTATION: &str = "eks.amazonaws.com/role-arn";
/// The label that marks an object as eksctl's or eksact's.
pub const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";
/// Its value on a service account; eksctl's, so that either tool can manage what the other made.
pub const MANAGED_BY: &str = "eksctl";

/// Whose a live service account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// eksctl's or eksact's: it bears the mark.
    Ours,
    /// Somebody else's, but its role annotation was set by eksact (`--override-existing-serviceaccounts`).
    Annotated,
    /// Somebody else's.
    Foreign,
}

/// Whose this service account is.
pub fn ownership(account: &ServiceAccount) -> Ownership {
    if account
        .labels
        .get(MANAGED_BY_LABEL)
        .is_some_and(|value| value == MANAGED_BY)
    {
        return Ownership::Ours;
    }
    let annotated = account
        .field_managers
        .iter()
        .any(|manager| manager.manager == FIELD_MANAGER && manager.annotations.contains(ROLE_ANNOTATION));
    if annotated {
        Ownership::Annotated
    } else {
        Ownership::Foreign
    }
}

/// The tool that marks a service account as its own besides the label, by which eksctl's override may have taken the
/// label away from it: Helm (`meta.helm.sh/release-name`), Argo CD (its tracking label or annotation).
pub fn other_owner(account: &ServiceAccount) -> Option<&'static str> {
    let has = |key: &str| account.annotations.contains_key(key) || account.labels.contains_key(key);
    if has("meta.helm.sh/release-name")
        || account
            .labels
            .get(MANAGED_BY_LABEL)
            .is_some_and(|value| value == "Helm")
        || account.labels.contains_key("helm.sh/chart")
    {
        return Some("Helm");
    }
    let manages = |name: &str| {
        account
            .field_managers
            .iter()
            .any(|manager| manager.manager.starts_with(name))
    };
    if manages("helm") {
        return Some("Helm");
    }
    if has("argocd.argoproj.io/tracking-id") || has("argocd.argoproj.io/instance") || manages("argocd") {
        return Some("Argo CD");
    }
    if has("kustomize.toolkit.fluxcd.io/name")
        || manages("kustomize-controller")
        || manages("helm-controller")
        || has("helm.toolkit.fluxcd.io/name")
    {
        return Some("Flux");
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::ports::kubernetes::FieldManager;

    fn account(
        labels: &[(&str, &str)],
        annotations: &[(&str, &str)],
        manager: Option<&str>,
    ) -> ServiceAccount {
        let map = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect::<BTreeMap<_, _>>()
        };
        ServiceAccount {
            labels: map(labels),
            annotations: map(annotations),
            field_managers: manager
                .map(|manager| FieldManager {
                    manager: manager.to_owned(),
                    operation: "Apply".to_owned(),
                    labels: BTreeSet::new(),
                    annotations: BTreeSet::from([ROLE_ANNOTATION.to_owned()]),
                })
                .into_iter()
                .collect(),
            ..ServiceAccount::default()
        }
    }

    /// Whose an account is, and who else claims it.
    #[test]
    fn marks_decide() {
        let role = [(ROLE_ANNOTATION, "arn")];
        let helm = [(ROLE_ANNOTATION, "arn"), ("meta.helm.sh/release-name", "web")];
        let argo = [("argocd.argoproj.io/tracking-id", "web:/ServiceAccount:app/web")];
        let table = [
            (
                account(&[(MANAGED_BY_LABEL, "eksctl")], &role, None),
                Ownership::Ours,
                None,
            ),
            (
                account(&[(MANAGED_BY_LABEL, "eksctl")], &helm, None),
                Ownership::Ours,
                Some("Helm"),
            ),
            (
                account(&[(MANAGED_BY_LABEL, "Helm")], &helm, Some("eksact")),
                Ownership::Annotated,
                Some("Helm"),
            ),
            (
                account(&[(MANAGED_BY_LABEL, "Helm")], &[], None),
                Ownership::Foreign,
                Some("Helm"),
            ),
            (account(&[], &argo, None), Ownership::Foreign, Some("Argo CD")),
            (
                account(&[], &role, Some("kubectl-client-side-apply")),
                Ownership::Foreign,
                None,
            ),
            (account(&[], &role, Some("eksact")), Ownership::Annotated, None),
            (account(&[], &[], None), Ownership::Foreign, None),
        ];
        for (account, whose, other) in table {
            assert_eq!(
                (ownership(&account), other_owner(&account)),
                (whose, other),
                "{account:?}"
            );
        }
    }
}
