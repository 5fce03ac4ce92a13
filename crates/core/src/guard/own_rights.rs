//! The guard over what RBAC gives the caller: whoever gets in and may neither bind nor map anybody any more is locked out
//! as well. Pure: what the caller may do before and after is told by the caller of this function.

use eksact_message::code::Code;
use std::collections::BTreeSet;

use super::{
    Guard,
    access::{Admitted, MASTERS, Refusal, gives_everything, principal_key},
    aws_auth::AwsAuthReading,
    entries::AccessEntries,
    recovery,
    rights::Bound,
    standpoint,
};
use crate::{
    engine::{Finding, PlanDraft, Severity},
    live::Live,
    ports::{CallError, aws::CallerIdentity},
};

/// A right by which somebody can give access, and so take back what was taken from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Everything, in the whole cluster.
    Everything,
    /// To write bindings of the whole cluster.
    WriteBindings,
    /// To write `aws-auth`.
    WriteAwsAuth,
}

impl Right {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Everything, Self::WriteBindings, Self::WriteAwsAuth];

    const fn words(self) -> &'static str {
        match self {
            Self::Everything => "do everything in the cluster",
            Self::WriteBindings => "write ClusterRoleBindings",
            Self::WriteAwsAuth => "write aws-auth",
        }
    }
}

/// The caller, and what RBAC gives it before and after a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnRights {
    /// The caller's canonical ARN in lower case.
    pub key: String,
    /// As whom it gets in now.
    pub before: Admitted,
    /// As whom it would get in.
    pub after: Admitted,
    /// What it may now.
    pub may: BTreeSet<Right>,
    /// What it would still be allowed.
    pub would: BTreeSet<Right>,
    /// The bindings, as they would be, that name its present user name.
    pub named_by: BTreeSet<String>,
    /// The commands that lead back in after a lockout.
    pub recovery: String,
}

/// The refusal where the caller loses such a right, or a user name that is bound to something.
pub fn own_rights_lost(own: &OwnRights) -> Option<Refusal> {
    let lost: Vec<&str> = own
        .may
        .difference(&own.would)
        .map(|right| right.words())
        .collect();
    let renamed = own.before.username != own.after.username && !own.after.is_in(MASTERS);
    let loses = if !lost.is_empty() {
        format!("it could no longer {}", lost.join(", "))
    } else if renamed && !own.named_by.is_empty() {
        let named_by: Vec<&str> = own.named_by.iter().map(String::as_str).collect();
        format!(
            "it would be {} and no longer {}, whom {} names",
            own.after.username,
            own.before.username,
            named_by.join(", ")
        )
    } else {
        return None;
    };
    Some(Refusal {
        guard: Guard::OwnAccessLost,
        subjects: BTreeSet::from([own.key.clone()]),
        message: format!(
            "the caller, {}, would lose its own access to the cluster: {loses}",
            own.key
        ),
        help: Some(remedy!(
            "Make the change as another principal who keeps the right. To recover from a lockout, create an \
             access entry: `{}`.",
            own.recovery
        )),
    })
}

/// That nobody knows what the caller loses.
fn unknown(caller: &str, error: &CallError) -> Finding {
    Finding::new(
        Severity::Warning,
        Code::OwnRightsUnknown,
        format!(
            "the plan changes the user name or groups of the caller, {caller}, and its RBAC rights could not be read: {error}"
        ),
    )
    .with_help(remedy!(
        "Give the caller the right to list rolebindings and clusterrolebindings, or have someone who has it \
         apply the plan."
    ))
}

/// Adds the refusal where a plan takes such rights from the caller; `after` is what it makes of `live`.
/// `writes_access`: whether a step is about who may do what in the cluster.
pub(super) fn check(live: &Live, after: &Live, writes_access: bool, draft: &mut PlanDraft) {
    // One refusal about the caller is enough.
    let refused = draft
        .findings()
        .iter()
        .any(|finding| finding.code == Guard::OwnAccessLost.code());
    if !writes_access || refused {
        return;
    }
    if let (Err(error), None | Some(Err(_))) = (&live.caller, live.user_info()) {
        let finding = Finding::new(
            Severity::Warning,
            Code::OwnRightsUnknown,
            format!(
                "whether the caller loses its own access depends on who it is, which could not be read: {error}"
            ),
        );
        draft.add_finding(finding.with_help_for(error));
    }
    let caller = match caller_over(live, after) {
        Ok(Some(caller)) => caller,
        Ok(None) => return,
        Err(error) => {
            let finding = Finding::new(
                Severity::Warning,
                Code::OwnRightsUnknown,
                format!(
                    "whether the caller loses its own access depends on aws-auth, which could not be read: {error}"
                ),
            );
            draft.add_finding(finding.with_help_for(error));
            return;
        }
    };
    let (Some(now), Some(after)) = (Bound::of(live), Bound::of(after)) else {
        if let Some(Err(error)) = live.bindings()
            && caller.before != caller.after
        {
            draft.add_finding(unknown(&caller.key, error));
        }
        return;
    };
    let may = now.rights(&caller.before);
    let unread = now.unread_roles(&caller.before);
    let still_unread = after.unread_roles(&caller.after);
    let lost: Vec<&str> = unread.difference(&still_unread).map(String::as_str).collect();
    if !lost.is_empty() {
        draft.add_finding(
            Finding::new(
                Severity::Warning,
                Code::OwnRightsUnknown,
                format!(
                    "what the caller, {}, loses depends on {}, which the plan takes from it and which could not be read",
                    caller.key,
                    lost.join(", ")
                ),
            )
            .with_help(remedy!("Give the caller the right to get and list roles and clusterroles, or have someone who has it apply the plan.")),
        );
    }
    let own = OwnRights {
        would: after.rights(&caller.after),
        named_by: after.naming(&caller.before.username),
        may,
        key: caller.key,
        before: caller.before,
        after: caller.after,
        recovery: caller.recovery,
    };
    if let Some(refusal) = own_rights_lost(&own) {
        draft.add_finding(refusal.finding());
    }
}

/// The caller, and as whom it gets into the cluster before and after a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
struct CallerOver {
    /// Its canonical ARN in lower case.
    pub key: String,
    /// As whom it gets in now.
    pub before: Admitted,
    /// As whom it would get in.
    pub after: Admitted,
    /// The commands that lead back in after a lockout.
    pub recovery: String,
}

/// The caller over a plan, `after` being what `live` becomes. None where RBAC is not what counts for it: an access entry
/// gives it everything, or it is not let in, before or after, of which the guards over `aws-auth` speak. An error where only
/// `aws-auth` says as whom it gets in, and could not be read.
fn caller_over<'live>(live: &'live Live, after: &Live) -> Result<Option<CallerOver>, &'live CallError> {
    let recovery = standpoint::recovery_over(live, after);
    if let Some(account) = service_account(live) {
        // Neither access entries nor `aws-auth` say anything of a service account.
        return Ok(Some(CallerOver {
            key: account.username.clone(),
            before: account.clone(),
            after: account,
            recovery,
        }));
    }
    let Some(identity) = standpoint::caller(live) else {
        return Ok(None);
    };
    let key = recovery::caller_key(&identity.arn);
    if let Some(Ok(entries)) = live.access_entries()
        && entries.iter().any(|entry| {
            principal_key(&entry.principal_arn) == key
                && gives_everything(entry)
                && live.lets_in(entry) != Some(false)
        })
    {
        return Ok(None);
    }
    let told = match live.user_info() {
        Some(Ok(user)) => Some(Admitted {
            username: user.username.clone(),
            groups: user.groups.clone(),
        }),
        _ => None,
    };
    let overridden = AccessEntries::of(live).override_of(&key) == Some(true);
    let mapped = if overridden {
        None
    } else {
        mapped_over(live, after, &identity)
    };
    let (before, after) = match mapped {
        Some((Some(before), after)) => (Some(before), after),
        _ => {
            let now = match told {
                Some(told) => Some(told),
                None => mapped_now(live, &identity).transpose()?.flatten(),
            };
            (now.clone(), now)
        }
    };
    Ok(before.zip(after).map(|(before, after)| CallerOver {
        key,
        before,
        after,
        recovery,
    }))
}

/// The caller, where it is a service account: the cluster's API knows it by its token, and IAM does not.
fn service_account(live: &Live) -> Option<Admitted> {
    match live.user_info() {
        Some(Ok(user))
            if user.username.starts_with("system:serviceaccount:") && !user.extra.contains_key("arn") =>
        {
            Some(Admitted {
                username: user.username.clone(),
                groups: user.groups.clone(),
            })
        }
        _ => None,
    }
}

/// As whom `aws-auth` lets the caller in; none where nothing asked for it.
fn mapped_now<'live>(
    live: &'live Live,
    identity: &CallerIdentity,
) -> Option<Result<Option<Admitted>, &'live CallError>> {
    let reading = AwsAuthReading::of_live(live)?;
    Some(reading.map(|reading| reading.map(identity)))
}

/// As whom `aws-auth` lets the caller in before and after the plan; none where that does not change. One that could not be
/// read is changed by no plan.
fn mapped_over(
    live: &Live,
    after: &Live,
    identity: &CallerIdentity,
) -> Option<(Option<Admitted>, Option<Admitted>)> {
    let (Some(Ok(before)), Some(Ok(after))) = (mapped_now(live, identity), mapped_now(after, identity))
    else {
        return None;
    };
    (before != after).then_some((before, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_and_names_that_go() {
        let user = |name: &str, group: &str| Admitted {
            username: name.to_owned(),
            groups: vec![group.to_owned()],
        };
        let everything = BTreeSet::from(Right::ALL);
        let bindings = BTreeSet::from([Right::WriteBindings]);
        let aws_auth = BTreeSet::from([Right::WriteAwsAuth]);
        let none = BTreeSet::new();
        let table = [
            ("keeps all", "me", "g", &everything, &everything, "", false),
            ("keeps less", "me", "g", &everything, &bindings, "", true),
            ("loses one", "me", "g", &bindings, &none, "", true),
            ("has another for one", "me", "g", &bindings, &aws_auth, "", true),
            ("gains", "me", "g", &none, &everything, "", false),
            ("never had any", "me", "g", &none, &none, "view", false),
            ("renamed, unbound", "you", "g", &none, &none, "", false),
            ("renamed, bound", "you", "g", &none, &none, "view", true),
            (
                "renamed into masters",
                "you",
                MASTERS,
                &none,
                &everything,
                "view",
                false,
            ),
        ];
        for (case, name, group, may, would, named_by, refused) in table {
            let own = OwnRights {
                key: "arn:aws:iam::111122223333:user/me".to_owned(),
                before: user("me", "g"),
                after: user(name, group),
                may: may.clone(),
                would: would.clone(),
                named_by: Some(named_by)
                    .filter(|name| !name.is_empty())
                    .map(ToOwned::to_owned)
                    .into_iter()
                    .collect(),
                recovery: String::new(),
            };
            let found = own_rights_lost(&own).map(|refusal| refusal.guard.code());
            assert_eq!(found, refused.then_some(Code::OwnAccessLost), "{case}");
        }
    }
}
