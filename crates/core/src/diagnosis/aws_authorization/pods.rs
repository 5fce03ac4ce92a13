//! Which service accounts get which roles: by the annotation whose trust holds, by a pod identity association, and by a trust
//! policy alone, because a pod can set the variables itself.

use std::collections::{BTreeMap, HashMap};

use super::{
    Association, AwsPicture,
    identities::{Identities, Session},
    question::AwsRequest,
};
use crate::diagnosis::authorization::{Account, Picture};
use eksact_identity::{
    iam::{
        Arn,
        pod_identity::{self, PodIdentity},
        policy::authorization::{
            Answer, Caller, Decision, Policies, Policy, Request, ResourcePolicy, decide,
        },
        trust,
        web_identity::{self, WebIdentityCall},
    },
    service_account::ServiceAccountKey,
};

/// The annotation in words.
pub(super) const ANNOTATION: &str = "annotation eks.amazonaws.com/role-arn";

/// How pods of a service account get a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Door {
    /// By a pod identity association.
    Association,
    /// By the annotation of the service account.
    Annotation,
    /// By a trust policy that lets the service account in, which no annotation names.
    TrustAlone,
}

/// A role that pods of a service account get.
#[derive(Clone, Debug)]
pub(super) struct PodRole {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) door: Door,
    /// Whether the trust policy lets them in.
    pub(super) decision: Decision,
    /// The session policy of an association.
    pub(super) limited_by: Option<String>,
    /// The role whose session assumes this one: the first role of an association with a target.
    pub(super) through: Option<String>,
    pub(super) has_session_tags: bool,
}

/// Service accounts by what gives them roles.
#[derive(Debug)]
pub(super) struct Pods<'p> {
    picture: &'p Picture,
    aws: &'p AwsPicture,
    provider: Option<(String, String)>,
    associations: HashMap<&'p str, Vec<&'p Association>>,
    associated: BTreeMap<(&'p str, &'p str), &'p Association>,
    annotated: HashMap<&'p str, Vec<&'p Account>>,
    accounts: HashMap<(&'p str, &'p str), &'p Account>,
}

impl<'p> Pods<'p> {
    pub(super) fn of(picture: &'p Picture) -> Self {
        let aws = &picture.aws;
        let mut associations: HashMap<&str, Vec<&Association>> = HashMap::new();
        let mut associated = BTreeMap::new();
        for association in aws.associations.known().into_iter().flatten() {
            let role = association
                .target_role_arn
                .as_deref()
                .unwrap_or(&association.role_arn);
            associations.entry(role).or_default().push(association);
            associated.insert(
                (
                    association.namespace.as_str(),
                    association.service_account.as_str(),
                ),
                association,
            );
        }
        let mut annotated: HashMap<&str, Vec<&Account>> = HashMap::new();
        let mut accounts = HashMap::new();
        for account in picture.service_accounts.known().into_iter().flatten() {
            accounts.insert((account.namespace.as_str(), account.name.as_str()), account);
            if let Some(role) = &account.role_arn {
                annotated.entry(role).or_default().push(account);
            }
        }
        let partition = aws.cluster_arn.parse::<Arn>().map(|arn| arn.partition);
        let provider = aws.issuer.as_deref().and_then(|issuer| {
            let arn = trust::provider_arn(partition.ok()?, &picture.account, issuer).ok()?;
            Some((arn.to_string(), trust::issuer_without_scheme(issuer).ok()?))
        });
        Self {
            picture,
            aws,
            provider,
            associations,
            associated,
            annotated,
            accounts,
        }
    }

    /// The service account, where there is one.
    pub(super) fn account(&self, namespace: &str, name: &str) -> Option<&'p Account> {
        self.accounts.get(&(namespace, name)).copied()
    }

    /// Whether an identity provider is the cluster's.
    pub(super) fn is_own_provider(&self, arn: &str) -> bool {
        self.provider.as_ref().is_some_and(|(own, _)| own == arn)
    }

    /// The association of a service account.
    pub(super) fn association(&self, namespace: &str, name: &str) -> Option<&'p Association> {
        self.associated.get(&(namespace, name)).copied()
    }

    /// The service accounts whose pods get a role, or may.
    pub(super) fn of_role(&self, identities: &Identities<'p>, role: usize) -> Vec<PodRole> {
        let Some(identity) = identities.all.get(role) else {
            return Vec::new();
        };
        let Some(trust) = &identity.trust else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for association in self.associations.get(identity.arn).into_iter().flatten() {
            found.push(self.by_association(identities, association));
        }
        let annotated = self
            .annotated
            .get(identity.arn)
            .map(Vec::as_slice)
            .unwrap_or_default();
        for account in annotated {
            found.push(self.by_token(trust, &account.namespace, &account.name, Door::Annotation));
        }
        let is_annotated = |namespace: &str, name: &str| {
            annotated
                .iter()
                .any(|account| (account.namespace.as_str(), account.name.as_str()) == (namespace, name))
        };
        for (namespace, name) in self.admitted(identity.role.map(|role| &role.trust_policy)) {
            if !is_annotated(&namespace, &name) {
                found.push(self.by_token(trust, &namespace, &name, Door::TrustAlone));
            }
        }
        found.retain(|pod| pod.decision.answer != Answer::No);
        found
    }

    /// The service accounts that the conditions of a trust policy may mean: those that it names, also where they do not exist,
    /// and of the others those that exist.
    fn admitted(&self, trust_policy: Option<&serde_json::Value>) -> Vec<(String, String)> {
        let Some((provider, _)) = &self.provider else {
            return Vec::new();
        };
        let Some(trusted) = trust_policy.and_then(|policy| trust::provider_trust(policy, provider)) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        let is_pattern = |subject: &&String| subject.contains(['*', '?', '$']);
        for subject in trusted.subjects.iter().filter(|subject| !is_pattern(subject)) {
            let account = subject
                .strip_prefix("system:serviceaccount:")
                .and_then(|rest| rest.split_once(':'));
            found.extend(account.map(|(namespace, name)| (namespace.to_owned(), name.to_owned())));
        }
        if trusted.any_subject || trusted.subjects.iter().any(|subject| is_pattern(&subject)) {
            let accounts = self.picture.service_accounts.known().into_iter().flatten();
            found.extend(accounts.map(|account| (account.namespace.clone(), account.name.clone())));
        }
        found.sort();
        found.dedup();
        found
    }

    /// By a token of the service account.
    pub(super) fn by_token(&self, trust: &Policy, namespace: &str, name: &str, door: Door) -> PodRole {
        let mut decision = self.web_identity(trust, namespace, name);
        if door == Door::Annotation && self.association(namespace, name).is_some() {
            depends(
                &mut decision,
                "a pod that was started before the pod identity association was made: later ones get its role",
            );
        }
        PodRole {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            door,
            decision,
            limited_by: None,
            through: None,
            has_session_tags: false,
        }
    }

    fn web_identity(&self, trust: &Policy, namespace: &str, name: &str) -> Decision {
        let Some((provider_arn, issuer)) = &self.provider else {
            return no();
        };
        let call = WebIdentityCall {
            provider_arn: provider_arn.clone(),
            issuer: issuer.clone(),
            subject: trust::subject(namespace, name),
            audience: trust::AUDIENCE.to_owned(),
            account: self.picture.account.clone(),
            time: None,
        };
        let caller = Caller::Federated {
            provider: provider_arn.clone(),
        };
        let context = call.context();
        let mut decision = asks(trust, &caller, web_identity::ACTION, &context);
        match &self.aws.provider {
            crate::diagnosis::authorization::Read::Known(None) => no(),
            crate::diagnosis::authorization::Read::Known(Some(audiences)) => {
                if audiences.iter().any(|audience| audience == trust::AUDIENCE) {
                    decision
                } else {
                    no()
                }
            }
            crate::diagnosis::authorization::Read::Unread(why) => {
                depends(
                    &mut decision,
                    &format!("the OIDC provider of the cluster, which could not be read: {why}"),
                );
                decision
            }
        }
    }

    /// By an association: EKS assumes its role, and from that the target role.
    pub(super) fn by_association(
        &self,
        identities: &Identities<'p>,
        association: &'p Association,
    ) -> PodRole {
        let has_session_tags = !association.disable_session_tags;
        let mut pod = PodRole {
            namespace: association.namespace.clone(),
            name: association.service_account.clone(),
            door: Door::Association,
            decision: no(),
            limited_by: association.policy.clone(),
            through: None,
            has_session_tags,
        };
        let Some(first) = identities
            .find(&association.role_arn)
            .and_then(|index| identities.all.get(index))
        else {
            return pod;
        };
        let key = ServiceAccountKey::new(&association.namespace, &association.service_account);
        let identity = PodIdentity {
            cluster_arn: &self.aws.cluster_arn,
            account: &key,
            has_session_tags,
        };
        let caller = Caller::Service {
            name: pod_identity::SERVICE.to_owned(),
        };
        let context = identity.context();
        let Some(trust) = &first.trust else { return pod };
        let actions: &[&str] = if has_session_tags {
            &["sts:AssumeRole", "sts:TagSession"]
        } else {
            &["sts:AssumeRole"]
        };
        let each = actions
            .iter()
            .map(|action| asks(trust, &caller, action, &context));
        pod.decision = each.reduce(both).unwrap_or_else(no);
        let Some(target) = &association.target_role_arn else {
            return pod;
        };
        pod.through = Some(association.role_arn.clone());
        let Some(second) = identities
            .find(target)
            .and_then(|index| identities.all.get(index))
        else {
            depends(
                &mut pod.decision,
                &format!("the role {target}, which is of another account or does not exist"),
            );
            return pod;
        };
        let Some(trust) = &second.trust else { return pod };
        let session = Session {
            tags: Some(session_tags(&self.aws.cluster_arn, &key, has_session_tags)),
            unknown_tags: if has_session_tags { &POD_TAGS } else { &[] },
            policies: None,
            name: None,
        };
        let assume = AwsRequest {
            action: super::identities::ASSUME.to_owned(),
            resource: Some(target.clone()),
            resource_account: None,
        };
        let hop = identities.decide(first, &assume, ResourcePolicy::Gate(trust), &session);
        pod.decision = both(pod.decision.clone(), hop);
        pod
    }

    /// The session that pods get with a role.
    pub(super) fn session<'s>(&self, pod: &PodRole, limits: Option<&'s Policy>) -> Session<'s> {
        let key = ServiceAccountKey::new(&pod.namespace, &pod.name);
        let is_tagged = pod.door == Door::Association && pod.has_session_tags;
        Session {
            tags: Some(session_tags(&self.aws.cluster_arn, &key, is_tagged)),
            unknown_tags: if is_tagged { &POD_TAGS } else { &[] },
            policies: limits.map(|policy| vec![policy]),
            name: None,
        }
    }
}

/// The session tags that are known only once there is a pod.
const POD_TAGS: [&str; 2] = ["kubernetes-pod-name", "kubernetes-pod-uid"];

/// The session tags of EKS Pod Identity (EKS user guide, `pod-id-abac`).
fn session_tags(cluster_arn: &str, account: &ServiceAccountKey, has_any: bool) -> BTreeMap<String, String> {
    if !has_any {
        return BTreeMap::new();
    }
    let cluster = cluster_arn.rsplit('/').next().unwrap_or_default();
    [
        ("eks-cluster-arn", cluster_arn),
        ("eks-cluster-name", cluster),
        ("kubernetes-namespace", &account.namespace),
        ("kubernetes-service-account", &account.name),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

/// What a trust policy says to somebody who is of no account.
fn asks(
    trust: &Policy,
    caller: &Caller,
    action: &str,
    context: &eksact_identity::iam::policy::RequestContext,
) -> Decision {
    decide(
        &Request {
            caller,
            action,
            resource: None,
            resource_account: None,
            context,
        },
        &Policies {
            resource: ResourcePolicy::Gate(trust),
            ..Policies::default()
        },
    )
}

pub(super) fn no() -> Decision {
    Decision {
        answer: Answer::No,
        allowed_by: Vec::new(),
        depends_on: Vec::new(),
        refused: None,
    }
}

/// Two links of one path.
pub(super) fn both(one: Decision, other: Decision) -> Decision {
    let mut depends_on = one.depends_on;
    depends_on.extend(other.depends_on);
    Decision {
        answer: one.answer.and(other.answer),
        allowed_by: one.allowed_by.into_iter().chain(other.allowed_by).collect(),
        depends_on,
        refused: one.refused.or(other.refused),
    }
}

/// Makes an answer depend on something more.
pub(super) fn depends(decision: &mut Decision, on: &str) {
    if decision.answer != Answer::No {
        decision.answer = Answer::Depends;
        decision.depends_on.push(on.to_owned());
    }
}

/// A session policy of an association.
pub(super) fn session_policy(text: &str) -> Policy {
    const NAME: &str = "session policy of the pod identity association";
    serde_json::from_str(text).map_or_else(
        |error| Policy::unread(NAME, error.to_string()),
        |document| Policy::read(NAME, &document),
    )
}

/// What decides whether a pod without a role of its own gets that of its node.
pub(super) const IMDS: &str = "the instance metadata options of the nodes, which are not read: pods without a role of their own get \
                               the node's where the hop limit is over 1 or they use the host's network";
