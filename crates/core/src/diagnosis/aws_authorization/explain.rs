//! Why a user, a role or the pods of a service account may do something in AWS, link by link, or which link is broken first.

use super::{
    chains::chains,
    identities::{ASSUME, Identities, Session},
    pods::{ANNOTATION, Door, IMDS, PodRole, Pods, both, depends, session_policy},
    question::AwsQuestion,
    words::{grants, verdict, way},
};
use crate::{
    diagnosis::authorization::{Explanation, Inquiry, LinkState, Picture, Read, Reason, Rights},
    engine::{Finding, Severity},
};
use eksact_identity::{
    iam::policy::authorization::{Answer, CONTROL_POLICIES_NOT_READ, Caller, Decision},
    rbac::NODES,
};
use eksact_message::code::Code;

/// Who is asked about.
#[derive(Clone, Copy, Debug)]
pub enum AwsWho<'a> {
    /// A user, role or session, by its ARN.
    Principal(&'a str),
    /// The pods of a service account: namespace and name.
    ServiceAccount(&'a str, &'a str),
}

/// Explains whether somebody may do something in AWS.
pub fn explain_aws(rights: &Rights<'_>, who: AwsWho<'_>, question: &AwsQuestion) -> Explanation {
    let picture = rights.picture;
    let mut explained = Explanation::of(Inquiry::Aws(question.request.clone()));
    explained.notes.push(CONTROL_POLICIES_NOT_READ.to_owned());
    let details = match &picture.aws.details {
        Read::Known(details) => details,
        Read::Unread(why) => {
            explained.link(
                LinkState::Unknown,
                "IAM",
                format!("roles, users and policies could not be read: {why}"),
            );
            explained.depends(format!(
                "IAM roles, users and policies, which could not be read: {why}"
            ));
            return explained;
        }
    };
    let identities = Identities::of(details, &picture.account);
    match who {
        AwsWho::Principal(arn) => principal(&mut explained, &identities, arn, question),
        AwsWho::ServiceAccount(namespace, name) => {
            let pods = Pods::of(picture);
            let asked = Asked {
                rights,
                identities: &identities,
                pods: &pods,
                question,
            };
            asked.service_account(&mut explained, namespace, name);
        }
    }
    explained
}

fn principal(explained: &mut Explanation, identities: &Identities<'_>, arn: &str, question: &AwsQuestion) {
    let caller = Caller::of_arn(arn);
    let Some(index) = identities.find(arn) else {
        match caller {
            Ok(Caller::Root { account }) if account == identities.account => {
                explained.link(
                    LinkState::Ok,
                    "IAM",
                    format!("{arn}, the root user of the account"),
                );
                explained.depends("the policy of the resource and those of the organization: nothing else limits the root user".to_owned());
            }
            Ok(caller) if caller.account() == Some(identities.account) => {
                let why = format!("{arn} does not exist in account {}", identities.account);
                explained.link(LinkState::Broken, "IAM", why.clone());
                explained
                    .findings
                    .push(Finding::new(Severity::Error, Code::PrincipalMissing, why));
            }
            _ => {
                explained.link(
                    LinkState::Unknown,
                    "IAM",
                    format!("{arn} is of another account, which is not read"),
                );
                explained.depends(format!("the policies of {arn}, which is of another account"));
            }
        }
        return;
    };
    explained.link(LinkState::Ok, "IAM", arn.to_owned());
    if let Some(role) = assumes_nobody(identities, question) {
        let why = format!("the role {role} does not exist");
        explained.link(LinkState::Broken, "role", why.clone());
        explained
            .findings
            .push(Finding::new(Severity::Error, Code::PrincipalMissing, why));
        return;
    }
    let session_name = match &caller {
        Ok(Caller::Role {
            session: Some(session),
            ..
        }) => Some(session.as_str()),
        _ => None,
    };
    let session = Session {
        name: session_name,
        ..Session::default()
    };
    let Some(decision) = question.decide(identities, index, &session) else {
        return;
    };
    right(explained, &decision, arn, question);
    if decision.answer == Answer::No {
        nearest(explained, identities, index, question);
    }
}

/// The role of the account that is asked for to be assumed, where there is none.
fn assumes_nobody<'q>(identities: &Identities<'_>, question: &'q AwsQuestion) -> Option<&'q str> {
    let role = question.request.resource.as_deref()?;
    let is_asked = question.request.action.eq_ignore_ascii_case(ASSUME)
        && role.split(':').nth(4) == Some(identities.account)
        && role.contains(":role/")
        && !role.contains(['*', '?', '$']);
    (is_asked && identities.find(role).is_none()).then_some(role)
}

/// What somebody who may not can do to be allowed: assume a role that may.
fn nearest(explained: &mut Explanation, identities: &Identities<'_>, index: usize, question: &AwsQuestion) {
    let goals = (0..identities.all.len())
        .filter_map(|other| {
            let answer = question.decide(identities, other, &Session::default())?.answer;
            (answer != Answer::No).then_some((other, answer))
        })
        .collect();
    let chains = chains(identities, &goals);
    if let Some(hop) = chains.of_account.get(&index) {
        let words = way(identities, &chains, hop.assumes);
        let depends = match hop.answer {
            Answer::Yes => String::new(),
            _ => format!(" (depends on {})", hop.decision.depends_on.join("; ")),
        };
        explained.nearest.push(format!("it {words}, which may{depends}"));
    }
}

/// The last link: what the policies say.
fn right(explained: &mut Explanation, decision: &Decision, holder: &str, question: &AwsQuestion) {
    explained.answer = verdict(decision.answer);
    match decision.answer {
        Answer::Yes => {
            let binding = grants(&decision.allowed_by);
            explained.link(LinkState::Ok, "right", format!("allowed by {binding}"));
            explained.reasons.push(Reason {
                subject: holder.to_owned(),
                binding,
                role: holder.to_owned(),
                rule: question.request.action.clone(),
                scope: question
                    .request
                    .resource
                    .clone()
                    .unwrap_or_else(|| "some resource".to_owned()),
            });
        }
        Answer::Depends => {
            for what in &decision.depends_on {
                explained.link(LinkState::Unknown, "right", format!("it depends on {what}"));
                explained.depends(what.clone());
            }
        }
        Answer::No => {
            let why = decision
                .refused
                .as_ref()
                .map_or_else(|| "no policy allows it".to_owned(), ToString::to_string);
            explained.link(LinkState::Broken, "right", why.clone());
            let says = format!("{holder} may not {}: {why}", question.request);
            explained
                .findings
                .push(Finding::new(Severity::Error, Code::NotAuthorized, says));
        }
    }
}

struct Asked<'a, 'p> {
    rights: &'a Rights<'p>,
    identities: &'a Identities<'p>,
    pods: &'a Pods<'p>,
    question: &'a AwsQuestion,
}

impl<'p> Asked<'_, 'p> {
    fn picture(&self) -> &'p Picture {
        self.rights.picture
    }

    fn service_account(&self, explained: &mut Explanation, namespace: &str, name: &str) {
        let account = self.pods.account(namespace, name);
        let words = format!("{namespace}/{name}");
        match (account, &self.picture().service_accounts) {
            (Some(_), _) => explained.link(LinkState::Ok, "service account", words),
            (None, Read::Known(_)) => {
                explained.link(
                    LinkState::Ok,
                    "service account",
                    format!("{words}, which does not exist yet"),
                );
            }
            (None, Read::Unread(why)) => {
                let why = format!("service accounts, which could not be read: {why}");
                explained.link(
                    LinkState::Unknown,
                    "service account",
                    format!("{words}: it depends on {why}"),
                );
                explained.depends(why);
                return;
            }
        }
        if let Some(why) = self.picture().aws.associations.unread() {
            let why = format!("pod identity associations, which could not be read: {why}");
            explained.link(LinkState::Unknown, "role", format!("it depends on {why}"));
            explained.depends(why);
            return;
        }
        if let Some(association) = self.pods.association(namespace, name) {
            let role = association
                .target_role_arn
                .as_deref()
                .unwrap_or(&association.role_arn);
            explained.link(
                LinkState::Ok,
                "role",
                format!("{role} (pod identity association)"),
            );
            if account.is_some_and(|account| account.role_arn.is_some()) {
                explained.notes.push(format!(
                    "the {ANNOTATION} counts only for pods that were started before the pod identity association was made"
                ));
            }
            let pod = self.pods.by_association(self.identities, association);
            self.with_role(explained, &pod, role);
            return;
        }
        match account.and_then(|account| account.role_arn.as_deref()) {
            Some(role) => {
                explained.link(LinkState::Ok, "role", format!("{role} ({ANNOTATION})"));
                let trust = self
                    .identities
                    .find(role)
                    .and_then(|index| self.identities.all.get(index));
                let Some(trust) = trust.and_then(|identity| identity.trust.as_ref()) else {
                    self.missing(explained, role);
                    return;
                };
                let pod = self.pods.by_token(trust, namespace, name, Door::Annotation);
                self.with_role(explained, &pod, role);
            }
            None => self.without_role(explained, namespace, name),
        }
    }

    fn missing(&self, explained: &mut Explanation, role: &str) {
        if role.split(':').nth(4) != Some(self.identities.account) {
            explained.link(
                LinkState::Unknown,
                "trust",
                format!("{role} is of another account, which is not read"),
            );
            explained.depends(format!("the role {role}, which is of another account"));
            return;
        }
        let why = format!("the role {role} does not exist");
        explained.link(LinkState::Broken, "trust", why.clone());
        explained
            .findings
            .push(Finding::new(Severity::Error, Code::PrincipalMissing, why));
    }

    fn with_role(&self, explained: &mut Explanation, pod: &PodRole, role: &str) {
        let Some(index) = self.identities.find(role) else {
            self.missing(explained, role);
            return;
        };
        match pod.decision.answer {
            Answer::No => {
                let why = match (&pod.decision.refused, &self.picture().aws.provider) {
                    (None, Read::Known(None)) => {
                        "the cluster's issuer has no OIDC provider in IAM".to_owned()
                    }
                    (None, Read::Known(Some(_))) if pod.door == Door::Annotation => {
                        "the OIDC provider does not take the audience sts.amazonaws.com".to_owned()
                    }
                    (None, _) => "the role of the association does not exist".to_owned(),
                    (Some(refused), _) => refused.to_string(),
                };
                explained.link(
                    LinkState::Broken,
                    "trust",
                    format!("{role} does not let these pods in: {why}"),
                );
                let says = format!(
                    "the trust policy of {role} does not let the pods of {}/{} in: {why}",
                    pod.namespace, pod.name
                );
                explained
                    .findings
                    .push(Finding::new(Severity::Error, Code::NotAuthorized, says));
                return;
            }
            Answer::Yes => explained.link(LinkState::Ok, "trust", grants(&pod.decision.allowed_by)),
            Answer::Depends => {
                let on = pod.decision.depends_on.join("; ");
                explained.link(LinkState::Unknown, "trust", format!("it depends on {on}"));
            }
        }
        let limits = pod.limited_by.as_ref().map(|text| session_policy(text));
        let session = self.pods.session(pod, limits.as_ref());
        let Some(own) = self.question.decide(self.identities, index, &session) else {
            return;
        };
        let whole = if own.answer == Answer::No {
            own
        } else {
            both(pod.decision.clone(), own)
        };
        right(explained, &whole, role, self.question);
    }

    /// Pods without a role of their own have that of their node, where they reach its instance metadata.
    fn without_role(&self, explained: &mut Explanation, namespace: &str, name: &str) {
        let admitting = self.admitting(namespace, name);
        if !admitting.is_empty() {
            explained.notes.push(format!(
                "trust policies let its pods in all the same, where they set AWS_ROLE_ARN and mount a token themselves: {}",
                admitting.join(", ")
            ));
        }
        let nodes = self
            .rights
            .people
            .iter()
            .filter(|person| person.user.is_in(NODES));
        let roles: Vec<usize> = nodes
            .filter_map(|person| self.identities.find(&person.arn))
            .collect();
        let mut refused = Vec::new();
        let mut open = Vec::new();
        for index in roles {
            let Some(identity) = self.identities.all.get(index) else {
                continue;
            };
            let Some(mut decision) = self.question.decide(self.identities, index, &Session::default()) else {
                continue;
            };
            depends(&mut decision, IMDS);
            if decision.answer == Answer::No {
                refused.push(identity.arn);
            } else {
                open.push((identity.arn, decision));
            }
        }
        let none = "it has no annotation and no pod identity association";
        if let Some((role, decision)) = open.first() {
            explained.link(
                LinkState::Unknown,
                "role",
                format!("{none}: its pods may use the role of their node, {role}"),
            );
            right(explained, decision, role, self.question);
            return;
        }
        let why = if refused.is_empty() {
            format!("{none}, and no role of nodes is known")
        } else {
            format!("{none}, and no role of nodes may ({})", refused.join(", "))
        };
        explained.link(LinkState::Broken, "role", why.clone());
        explained
            .findings
            .push(Finding::new(Severity::Error, Code::NotAuthorized, why));
    }

    /// The roles that may, and whose trust policies let the service account in.
    fn admitting(&self, namespace: &str, name: &str) -> Vec<&'p str> {
        let all = self.identities.all.iter().enumerate();
        let admits = |(index, identity): (usize, &super::identities::Identity<'p>)| {
            let trust = identity.trust.as_ref()?;
            let pod = self.pods.by_token(trust, namespace, name, Door::TrustAlone);
            if pod.decision.answer == Answer::No {
                return None;
            }
            let own = self
                .question
                .decide(self.identities, index, &self.pods.session(&pod, None))?;
            (own.answer != Answer::No).then_some(identity.arn)
        };
        all.filter_map(admits).collect()
    }
}
