//! Whose a service account is, and what eksact may therefore do to it.

use super::{MANAGED_BY, MANAGED_BY_LABEL, ROLE_ANNOTATION};
use crate::{
    config,
    live::Live,
    ports::{
        CallError, CallErrorKind,
        kubernetes::{FIELD_MANAGER, ServiceAccount},
    },
    resources::{Request, request::key_of},
};

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

/// Whether an account that shall be there may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may: it is absent, ours, already as wanted, or the user said to.
    Free,
    /// It is somebody else's: whose, where that can be told.
    Refused(Option<&'static str>),
    /// It could not be read.
    Unknown(Unreadable),
}

/// What could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The cluster's API does not answer, or lets the caller in for nothing: no service account can be read.
    Cluster,
    /// This one.
    Object,
}

/// What a failed reading of a service account says about the cluster.
pub fn unreadable(error: &CallError) -> Unreadable {
    match error.kind {
        CallErrorKind::Unreachable | CallErrorKind::Credentials => Unreadable::Cluster,
        _ => Unreadable::Object,
    }
}

/// Whether this account of the request may be written.
pub fn standing(request: &Request, live: &Live, account: &config::ServiceAccount) -> Standing {
    if account.role_only {
        return Standing::Free;
    }
    match live.service_account(&key_of(account)) {
        Some(Ok(Some(existing))) => {
            let settled = ownership(existing) != Ownership::Foreign
                || request.settings.override_existing_service_accounts
                || is_as_wanted(live, account, existing);
            if settled {
                Standing::Free
            } else {
                Standing::Refused(other_owner(existing))
            }
        }
        Some(Ok(None)) => Standing::Free,
        Some(Err(error)) => Standing::Unknown(unreadable(error)),
        None => Standing::Unknown(Unreadable::Object),
    }
}

/// Whether somebody else's service account already says what the file wants, so that nothing needs to be taken over.
fn is_as_wanted(live: &Live, account: &config::ServiceAccount, existing: &ServiceAccount) -> bool {
    let wanted_arn = match &account.attach_role_arn {
        Some(arn) => Some(arn.value.clone()),
        None => live
            .stack_of(&key_of(account))
            .and_then(|stack| stack.outputs.get("Role1").cloned()),
    };
    wanted_arn.is_some_and(|arn| existing.annotations.get(ROLE_ANNOTATION) == Some(&arn))
        && account
            .labels
            .iter()
            .all(|(key, value)| existing.labels.get(key) == Some(value))
        && account
            .annotations
            .iter()
            .all(|(key, value)| existing.annotations.get(key) == Some(value))
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
