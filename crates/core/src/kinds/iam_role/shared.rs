//! What other clusters keep in the trust policy of a role that this cluster's stack made: a statement each
//! ([`eksact_identity::iam::shared_trust`]). They are no drift, they outlive every write of the rest of the document, and a role that
//! has some does not go unasked.

use eksact_message::code::Code;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    engine::{Finding, Severity, StepError, executor::Progress},
    guard::statements_of_others,
    kinds::{
        RunContext,
        trust_policy::{self, Target},
    },
    live::Live,
    ports::aws::Role,
};
use eksact_identity::iam::{
    policy,
    shared_trust::{self, same_meaning, sid_of, statement_of, with, with_shared_of, without, without_shared},
};

/// Whether two documents are the same but for what other clusters keep in them.
pub(super) fn same_own_part(left: &Value, right: &Value) -> bool {
    policy::equal(&without_shared(left), &without_shared(right))
}

/// Takes the statements of other clusters into a template that changes the trust policy: CloudFormation writes it whole.
pub(super) fn carry(template: &mut Value, live_template: &Value, live: &Value) {
    const PLACE: &str = "/Resources/Role1/Properties/AssumeRolePolicyDocument";
    let before = live_template.pointer(PLACE);
    if let Some(document) = template.pointer_mut(PLACE)
        && Some(&*document) != before
    {
        *document = with_shared_of(document, live);
    }
}

/// That other clusters share the role: somebody should know who else may assume it.
pub(super) fn note(live: &Live, role: &Role) -> Option<Finding> {
    let others = statements_of_others(live, role);
    (!others.is_empty()).then(|| {
        Finding::new(
            Severity::Note,
            Code::RoleShared,
            format!(
                "other clusters share the role {}: their statements in its trust policy are kept ({})",
                role.name,
                others.join(", ")
            ),
        )
    })
}

/// A role that other clusters share while its stack is updated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Carried {
    /// The role's name.
    role: String,
    /// The statements that the template takes along.
    statements: Vec<Value>,
}

impl Carried {
    /// What an update with this trust policy has to look after; nothing where no other cluster is concerned.
    pub(super) fn of(role: &Role, planned: &Value, writes_trust_policy: bool) -> Option<Self> {
        let is_shared = !shared_trust::shared(&role.trust_policy).is_empty();
        (is_shared || writes_trust_policy).then(|| Self {
            role: role.name.clone(),
            statements: shared_trust::shared(planned).into_iter().cloned().collect(),
        })
    }
}

/// The statements of other clusters just before their role's stack is updated.
pub(super) struct Kept {
    carried: Carried,
    statements: Vec<Value>,
}

impl Kept {
    /// Looks at the role.
    pub(super) async fn look(
        carried: Option<Carried>,
        context: &RunContext,
    ) -> Result<Option<Self>, StepError> {
        let Some(carried) = carried else { return Ok(None) };
        let trust = context.readers.aws.trust_policy(&carried.role).await?;
        Ok(trust.map(|trust| Self {
            statements: shared_trust::shared(&trust.policy).into_iter().cloned().collect(),
            carried,
        }))
    }

    /// Makes these statements be there again, as they were: the template may have been made before the last change to them.
    pub(super) async fn restore(&self, context: &RunContext, progress: &Progress) -> Result<(), StepError> {
        if self.statements.is_empty() && self.carried.statements.is_empty() {
            return Ok(());
        }
        let target = Target {
            role: &self.carried.role,
            id: None,
        };
        trust_policy::change(target, |policy| self.restored(policy), context, progress).await?;
        Ok(())
    }

    fn restored(&self, policy: &Value) -> Result<Value, StepError> {
        let of = |statements: &[Value], sid: Option<&str>| -> Option<Value> {
            statements
                .iter()
                .find(|statement| sid_of(statement) == sid)
                .cloned()
        };
        let mut document = policy.clone();
        for kept in &self.statements {
            let sid = sid_of(kept);
            // One that is neither what the template brought nor missing was written since by its own cluster.
            let is_stale = match statement_of(policy, sid.unwrap_or_default()) {
                None => true,
                Some(now) => {
                    of(&self.carried.statements, sid).is_some_and(|carried| same_meaning(now, &carried))
                }
            };
            if is_stale {
                document = with(&document, kept).map_err(|error| StepError::new(error.to_string()))?;
            }
        }
        for carried in &self.carried.statements {
            let sid = sid_of(carried);
            let now = statement_of(&document, sid.unwrap_or_default());
            if of(&self.statements, sid).is_none() && now.is_some_and(|now| same_meaning(now, carried)) {
                document = without(&document, sid.unwrap_or_default())
                    .map_err(|error| StepError::new(error.to_string()))?;
            }
        }
        Ok(document)
    }
}

/// Writes a trust policy but for the statements of other clusters, which stay as they are.
pub(super) async fn set_own_part(
    role: &str,
    document: &Value,
    context: &RunContext,
    progress: &Progress,
) -> Result<(), StepError> {
    let edit = |policy: &Value| {
        Ok(if same_own_part(policy, document) {
            policy.clone()
        } else {
            with_shared_of(document, policy)
        })
    };
    trust_policy::change(Target { role, id: None }, edit, context, progress).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;
    use eksact_identity::iam::trust::web_identity_statement;

    fn statement(cluster: &str, account: &str) -> Value {
        web_identity_statement(
            &shared_trust::sid(&format!("arn:aws:eks:eu-west-1:111122223333:cluster/{cluster}")),
            "arn:aws:iam::111122223333:oidc-provider/example.com/id/A",
            "example.com/id/A",
            &BTreeSet::from([format!("system:serviceaccount:app:{account}")]),
        )
    }

    fn document(statements: &[&Value]) -> Value {
        json!({"Version": "2012-10-17", "Statement": statements})
    }

    /// What the template brought, what was there just before the update, what is there after it, and what must be there.
    #[test]
    fn statements_outlive_an_update_of_the_stack() {
        let own = json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}});
        let (blue, newer, green) = (
            statement("blue", "web"),
            statement("blue", "job"),
            statement("green", "web"),
        );
        let cases: [(&str, &[&Value], &[&Value], &[&Value], &[&Value]); 7] = [
            (
                "carried and kept",
                &[&blue],
                &[&blue],
                &[&own, &blue],
                &[&own, &blue],
            ),
            ("not carried", &[], &[&blue], &[&own], &[&own, &blue]),
            ("removed since the plan", &[&blue], &[], &[&own, &blue], &[&own]),
            (
                "changed since the plan",
                &[&blue],
                &[&newer],
                &[&own, &blue],
                &[&own, &newer],
            ),
            (
                "changed during the update",
                &[&blue],
                &[&blue],
                &[&own, &newer],
                &[&own, &newer],
            ),
            (
                "added since the plan",
                &[&blue],
                &[&blue, &green],
                &[&own, &blue],
                &[&own, &blue, &green],
            ),
            (
                "added during the update",
                &[],
                &[],
                &[&own, &green],
                &[&own, &green],
            ),
        ];
        for (name, carried, kept, after, wanted) in cases {
            let owned = |statements: &[&Value]| {
                statements
                    .iter()
                    .map(|one| (*one).clone())
                    .collect::<Vec<Value>>()
            };
            let kept = Kept {
                carried: Carried {
                    role: "r".to_owned(),
                    statements: owned(carried),
                },
                statements: owned(kept),
            };
            assert_eq!(
                kept.restored(&document(after)).unwrap(),
                document(wanted),
                "{name}"
            );
        }
    }

    #[test]
    fn template_takes_statements_along_only_where_it_changes_the_trust_policy() {
        let template = |document: &Value| json!({"Resources": {"Role1": {"Properties": {"AssumeRolePolicyDocument": document}}}});
        let (own, other, blue) = (
            json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}),
            json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs.amazonaws.com"}}),
            statement("blue", "web"),
        );
        let live = document(&[&own, &blue]);
        let mut same = template(&document(&[&own]));
        carry(&mut same, &template(&document(&[&own])), &live);
        assert_eq!(same, template(&document(&[&own])));
        let mut changed = template(&document(&[&other]));
        carry(&mut changed, &template(&document(&[&own])), &live);
        assert_eq!(changed, template(&document(&[&other, &blue])));
    }
}
