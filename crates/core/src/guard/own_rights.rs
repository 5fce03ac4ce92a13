//! The guard over what RBAC gives the caller: whoever gets in and may neither bind nor map anybody any more is locked out
//! as well. Pure: what the caller may do before and after is told by the caller of this function.

use std::collections::BTreeSet;

use super::{
    Guard,
    access::{Admitted, MASTERS, Refusal},
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
    pub way_back: String,
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
            own.way_back
        )),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use eksact_message::code::Code;

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
                way_back: String::new(),
            };
            let found = own_rights_lost(&own).map(|refusal| refusal.guard.code());
            assert_eq!(found, refused.then_some(Code::OwnAccessLost), "{case}");
        }
    }
}
