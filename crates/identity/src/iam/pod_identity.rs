//! The trust policies of roles that EKS Pod Identity hands out, and of the roles that are assumed from those.
//!
//! Sources: EKS user guide, `pod-id-role` (principal, both actions, the conditions on session tags),
//! `pod-id-assign-target-role` (the target role); eksctl 0.231 `pkg/cfn/builder/iam.go` (its trust policy has no condition).

use serde_json::{Value, json};

use super::policy::{RequestContext, TrustRequest, TrustVerdict, judge};
use crate::service_account::ServiceAccountKey;

/// The service that assumes the role, the same in every partition that the guide names.
pub const SERVICE: &str = "pods.eks.amazonaws.com";
const ASSUME: &str = "sts:AssumeRole";
const TAG: &str = "sts:TagSession";
const CLUSTER_TAG: &str = "aws:RequestTag/eks-cluster-arn";
const NAMESPACE_TAG: &str = "aws:RequestTag/kubernetes-namespace";
const ACCOUNT_TAG: &str = "aws:RequestTag/kubernetes-service-account";

/// The service account of a cluster whose pods get a role.
#[derive(Debug, Clone, Copy)]
pub struct PodIdentity<'a> {
    /// ARN of the cluster.
    pub cluster_arn: &'a str,
    /// The service account.
    pub account: &'a ServiceAccountKey,
    /// Whether the session has tags of cluster, namespace and service account.
    pub has_session_tags: bool,
}

impl PodIdentity<'_> {
    /// The statement that lets the service hand out the role: for these pods alone, where their session has tags that say
    /// whose it is; else for whatever association names the role.
    pub fn statement(&self) -> Value {
        let mut statement = json!({
            "Effect": "Allow",
            "Action": [ASSUME, TAG],
            "Principal": {"Service": SERVICE},
        });
        if self.has_session_tags
            && let Some(statement) = statement.as_object_mut()
        {
            statement.insert("Condition".to_owned(), self.conditions());
        }
        statement
    }

    /// The trust policy of a role for these pods.
    pub fn trust_policy(&self) -> Value {
        json!({"Version": "2012-10-17", "Statement": [self.statement()]})
    }

    /// The trust policy that a target role needs, for pods that come from `role_arn`. Without session tags the external id
    /// tells them apart.
    pub fn target_trust_policy(&self, role_arn: &str, external_id: &str) -> Value {
        let root = role_arn
            .split_once(":role/")
            .map_or(role_arn.to_owned(), |(account, _)| format!("{account}:root"));
        let equal = if self.has_session_tags {
            self.conditions()["StringEquals"].clone()
        } else {
            json!({"sts:ExternalId": external_id})
        };
        json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Action": [ASSUME, TAG],
            "Principal": {"AWS": root},
            "Condition": {"ArnEquals": {"aws:PrincipalArn": role_arn}, "StringEquals": equal},
        }]})
    }

    fn conditions(&self) -> Value {
        json!({"StringEquals": {
            CLUSTER_TAG: self.cluster_arn,
            NAMESPACE_TAG: self.account.namespace,
            ACCOUNT_TAG: self.account.name,
        }})
    }

    /// The condition keys of the service's call, as far as they are known.
    pub fn context(&self) -> RequestContext {
        let context = RequestContext::default();
        if self.has_session_tags {
            context
                .with(CLUSTER_TAG, self.cluster_arn)
                .with(NAMESPACE_TAG, &self.account.namespace)
                .with(ACCOUNT_TAG, &self.account.name)
        } else {
            context.without("aws:RequestTag/")
        }
    }

    /// What of the session for these pods a trust policy lets the service do.
    pub fn judge(&self, trust_policy: &Value) -> Trust {
        let context = self.context();
        let allows = |action| {
            let verdict = judge(
                trust_policy,
                &TrustRequest {
                    action,
                    principal_kind: "Service",
                    principal: SERVICE,
                    context: &context,
                },
            );
            matches!(verdict, TrustVerdict::Allowed | TrustVerdict::Depends(_))
        };
        match (allows(ASSUME), allows(TAG)) {
            (false, _) => Trust::Refused,
            (true, false) if self.has_session_tags => Trust::WithoutTags,
            (true, _) => Trust::Given,
        }
    }
}

/// Whether a trust policy lets EKS Pod Identity hand the role out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// It does, as far as can be told.
    Given,
    /// It lets the role be assumed but not with session tags, which EKS always sets unless they are disabled.
    WithoutTags,
    /// It does not.
    Refused,
}

/// The statements of a trust policy that let pods in by the token of their service account (IRSA): they serve others than
/// the pod identity association and are not its to take away.
pub fn token_statements(trust_policy: &Value) -> Vec<Value> {
    let statements = match trust_policy.get("Statement") {
        Some(Value::Array(statements)) => statements.as_slice(),
        Some(statement) => std::slice::from_ref(statement),
        None => &[],
    };
    let is_token = |statement: &&Value| {
        let principal = statement.get("Principal").and_then(Value::as_object);
        let is_federated =
            principal.is_some_and(|principal| principal.len() == 1 && principal.contains_key("Federated"));
        is_federated && statement.get("Effect").and_then(Value::as_str) == Some("Allow")
    };
    statements.iter().filter(is_token).cloned().collect()
}

/// A trust policy with these statements behind its own.
#[must_use]
pub fn with_statements(trust_policy: &Value, more: &[Value]) -> Value {
    let mut document = trust_policy.clone();
    if let Some(statements) = document.get_mut("Statement").and_then(Value::as_array_mut) {
        statements.extend(more.iter().cloned());
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTER: &str = "arn:aws:eks:us-west-2:111122223333:cluster/prod";

    fn identity(account: &ServiceAccountKey, has_session_tags: bool) -> PodIdentity<'_> {
        PodIdentity {
            cluster_arn: CLUSTER,
            account,
            has_session_tags,
        }
    }

    /// Which trust policy lets whose pods in.
    #[test]
    fn trust_policy_lets_in_its_own_pods() {
        let (reader, other) = (
            ServiceAccountKey::new("app", "reader"),
            ServiceAccountKey::new("app", "other"),
        );
        let own = identity(&reader, true);
        let eksctls = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Action": [ASSUME, TAG], "Principal": {"Service": SERVICE}}]});
        let without_tags = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Action": ASSUME, "Principal": {"Service": SERVICE}}]});
        let of_ec2 = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Action": "sts:*", "Principal": {"Service": "ec2.amazonaws.com"}}]});
        assert_eq!(own.judge(&own.trust_policy()), Trust::Given);
        assert_eq!(own.judge(&eksctls), Trust::Given);
        assert_eq!(own.judge(&identity(&other, true).trust_policy()), Trust::Refused);
        assert_eq!(own.judge(&without_tags), Trust::WithoutTags);
        assert_eq!(own.judge(&of_ec2), Trust::Refused);
        // Without session tags no condition on them can hold.
        let untagged = identity(&reader, false);
        assert_eq!(untagged.judge(&own.trust_policy()), Trust::Refused);
        assert_eq!(untagged.judge(&untagged.trust_policy()), Trust::Given);
        assert_eq!(untagged.judge(&without_tags), Trust::Given);
        assert_eq!(
            untagged.trust_policy(),
            eksctls,
            "eksctl's trust policy to the letter"
        );
    }

    #[test]
    fn target_role_trusts_the_role_for_these_pods() {
        let reader = ServiceAccountKey::new("app", "reader");
        let role = "arn:aws:iam::111122223333:role/path/reader";
        let condition = |tags| {
            let policy =
                identity(&reader, tags).target_trust_policy(role, "us-west-2/111122223333/prod/app/reader");
            assert_eq!(
                policy["Statement"][0]["Principal"]["AWS"],
                "arn:aws:iam::111122223333:root"
            );
            policy["Statement"][0]["Condition"].clone()
        };
        assert_eq!(condition(true)["ArnEquals"]["aws:PrincipalArn"], role);
        assert_eq!(condition(true)["StringEquals"][CLUSTER_TAG], CLUSTER);
        assert_eq!(
            condition(false)["StringEquals"]["sts:ExternalId"],
            "us-west-2/111122223333/prod/app/reader"
        );
    }
}
