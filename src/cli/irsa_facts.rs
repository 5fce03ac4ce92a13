//! The chain of a service account with a role, link by link, and the first that is broken. Pure.
//!
//! Cluster and issuer, service account and annotation, role, provider in IAM, trust policy, token, pods: what AWS says when
//! any of them is wrong is "Not authorized to perform sts:AssumeRoleWithWebIdentity", or nothing at all and the node's role.

use jiff::Timestamp;

use crate::{
    authn::token_decode::JsonWebToken,
    engine::{Finding, Severity},
    iam::{
        Arn, Partition,
        policy::{Cause, FailedCondition, Obstacle, WebIdentity, obstacles},
        trust::{AUDIENCE, issuer_without_scheme, provider_arn, subject},
    },
    ports::{
        aws::{Cluster, OidcProvider, Role},
        kubernetes::{Pod, ServiceAccount},
    },
    resources::service_account::ROLE_ANNOTATION,
    view::Facts,
};

/// Annotation that names another audience (amazon-eks-pod-identity-webhook 0.6.17).
const AUDIENCE_ANNOTATION: &str = "eks.amazonaws.com/audience";
/// How many edits make a key another key.
const TYPO_DISTANCE: usize = 4;

/// What was read. Where reading failed, the inner value is the reason.
#[derive(Debug)]
pub(super) struct Chain<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    pub(super) service_account: Result<Option<&'a ServiceAccount>, String>,
    pub(super) role: Result<Option<&'a Role>, String>,
    pub(super) provider: Result<Option<&'a OidcProvider>, String>,
    pub(super) pods: Result<&'a [Pod], String>,
    /// A token of the service account, if one was given.
    pub(super) token: Option<&'a JsonWebToken>,
    pub(super) now: Timestamp,
}

/// The role that an annotation names, as an ARN of a role.
pub(super) fn role_of(service_account: &ServiceAccount) -> Option<Arn> {
    let arn: Arn = service_account.annotations.get(ROLE_ANNOTATION)?.parse().ok()?;
    arn.role_name()?;
    Some(arn)
}

/// Goes along the chain. Every link is told; every broken one is a finding, the first one first.
pub(super) fn explain(chain: &Chain<'_>) -> Facts {
    let mut facts = Facts::default();
    let subject = subject(chain.namespace, chain.name);
    facts.add("subject", &subject);
    let Some(issuer) = chain.cluster.oidc_issuer.as_deref() else {
        facts.find(error(
            "no-oidc-issuer",
            "the cluster has no OIDC issuer",
            "EKS gives every cluster one; wait until it is ACTIVE.",
        ));
        return facts;
    };
    facts.add("issuer", issuer);
    let service_account = match &chain.service_account {
        Ok(Some(service_account)) => Some(*service_account),
        Ok(None) => {
            facts.find(error(
                "service-account-missing",
                format!("there is no service account {}/{}", chain.namespace, chain.name),
                "Check namespace and name; a pod without `serviceAccountName` uses `default`.",
            ));
            return facts;
        }
        Err(why) => {
            facts.add("not checkable", format!("the service account: {why}"));
            None
        }
    };
    let role = service_account.and_then(|service_account| annotation(service_account, &mut facts));
    let audience = service_account
        .and_then(|service_account| service_account.annotations.get(AUDIENCE_ANNOTATION))
        .map_or(AUDIENCE, String::as_str);
    facts.add("audience", audience);
    let Some(role) = role else { return facts };
    let cluster: Option<Arn> = chain.cluster.arn.parse().ok();
    let partition = cluster.as_ref().map_or(Partition::Aws, |arn| arn.partition);
    let (Ok(provider_arn), Ok(issuer)) = (
        provider_arn(partition, &role.account, issuer),
        issuer_without_scheme(issuer),
    ) else {
        facts.find(error(
            "bad-oidc-issuer",
            "the cluster's issuer cannot be a provider in IAM",
            "See its URL above.",
        ));
        return facts;
    };
    let provider_arn = provider_arn.to_string();
    facts.add("provider", &provider_arn);
    let elsewhere = cluster.filter(|cluster| cluster.account != role.account);
    if let Some(cluster) = &elsewhere {
        facts.find(
            Finding::new(
                Severity::Error,
                "role-other-account",
                format!(
                    "the role is in account {}, and the cluster in {}: the role's account must have the provider {provider_arn}",
                    role.account, cluster.account
                ),
            )
            .with_help("Provider and role of another account can be checked with credentials of that account only."),
        );
    } else {
        provider(chain, &provider_arn, audience, &mut facts);
        let identity = WebIdentity {
            provider_arn: &provider_arn,
            issuer: &issuer,
            subject: &subject,
            audience,
        };
        trust(chain, &role, &identity, &mut facts);
    }
    token(chain, &subject, audience, &mut facts);
    pods(chain, &role, &mut facts);
    facts
}

/// The role in the annotation, or what is wrong with it.
fn annotation(service_account: &ServiceAccount, facts: &mut Facts) -> Option<Arn> {
    let Some(value) = service_account.annotations.get(ROLE_ANNOTATION) else {
        let near = service_account.annotations.keys().find(|key| {
            key.contains("role-arn") || strsim::damerau_levenshtein(key, ROLE_ANNOTATION) <= TYPO_DISTANCE
        });
        facts.find(match near {
            Some(key) => error(
                "annotation-typo",
                format!("the annotation is called {key}, and must be called {ROLE_ANNOTATION}"),
                "Rename it, and restart the pods.",
            ),
            None => error(
                "annotation-missing",
                format!("the service account has no annotation {ROLE_ANNOTATION}: its pods use the node's role"),
                "`eksact create iamserviceaccount` sets it with a role; or `kubectl annotate serviceaccount`, and restart the pods.",
            ),
        });
        return None;
    };
    facts.add("annotation", value);
    let role = role_of(service_account);
    if role.is_none() {
        facts.find(error(
            "annotation-not-a-role",
            format!("the annotation `{value}` is not the ARN of a role"),
            "Write arn:aws:iam::ACCOUNT:role/NAME, with the path if the role has one.",
        ));
    }
    role
}

fn provider(chain: &Chain<'_>, arn: &str, audience: &str, facts: &mut Facts) {
    match &chain.provider {
        Ok(Some(provider)) => {
            facts.add_list("provider audiences", provider.audiences.clone());
            if !provider.audiences.iter().any(|known| known == audience) {
                facts.find(error(
                    "oidc-audience-missing",
                    format!("the provider does not have the audience {audience}"),
                    format!(
                        "aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn {arn} --client-id {audience}"
                    ),
                ));
            }
        }
        Ok(None) => facts.find(error(
            "oidc-provider-missing",
            format!("IAM has no provider {arn}"),
            format!(
                "eksact utils associate-iam-oidc-provider --cluster {}",
                chain.cluster.name
            ),
        )),
        Err(why) => facts.add("not checkable", format!("the provider: {why}")),
    }
}

fn trust(chain: &Chain<'_>, arn: &Arn, identity: &WebIdentity<'_>, facts: &mut Facts) {
    let role = match &chain.role {
        Ok(Some(role)) => role,
        Ok(None) => {
            facts.find(error(
                "role-missing",
                format!("there is no role {arn}"),
                "Check the annotation; `eksact create iamserviceaccount` makes a role.",
            ));
            return;
        }
        Err(why) => {
            facts.add("not checkable", format!("the role: {why}"));
            return;
        }
    };
    if role.arn != arn.to_string() {
        facts.find(error(
            "annotation-role-path",
            format!("the annotation says {arn}, and the role's ARN is {}", role.arn),
            "The ARN in the annotation must have the role's path.",
        ));
    }
    let found = obstacles(&role.trust_policy, identity);
    facts.add(
        "trust policy",
        if found.is_empty() {
            "lets the service account in"
        } else {
            "does not let the service account in"
        },
    );
    for obstacle in found {
        facts.find(of_obstacle(obstacle, identity));
    }
}

fn of_obstacle(obstacle: Obstacle, identity: &WebIdentity<'_>) -> Finding {
    match obstacle {
        Obstacle::Unreadable => error(
            "trust-unreadable",
            "the trust policy cannot be read as a policy",
            "Write it anew.",
        ),
        Obstacle::OtherProvider(providers) => error(
            "trust-other-provider",
            format!(
                "the trust policy does not name the cluster's provider; it names {}",
                list(&providers)
            ),
            format!(
                "Name {} as `Federated` principal; a cluster that was made anew has another issuer.",
                identity.provider_arn
            ),
        ),
        Obstacle::OtherAction(actions) => error(
            "trust-action",
            format!("the trust policy allows {} for the provider", list(&actions)),
            "It must allow sts:AssumeRoleWithWebIdentity.",
        ),
        Obstacle::Denied => error(
            "trust-denied",
            "a statement of the trust policy denies it",
            "A denial wins over every Allow; remove or narrow it.",
        ),
        Obstacle::Condition(condition) => of_condition(&condition, identity),
    }
}

fn of_condition(condition: &FailedCondition, identity: &WebIdentity<'_>) -> Finding {
    let said = format!(
        "{} of {} wants {}, and the token has {}",
        condition.operator,
        condition.key,
        list(&condition.values),
        condition.actual.as_deref().unwrap_or("no such key")
    );
    let (code, why, help) = match condition.cause {
        Cause::WildcardTakenLiterally => (
            "trust-wildcard",
            "; under this operator a wildcard is a letter like any other",
            "Use StringLike for a value with `*` or `?`, or write the whole value.".to_owned(),
        ),
        Cause::Swapped => (
            "trust-swapped",
            "; `sub` and `aud` are swapped",
            format!("`sub` is {}, `aud` is {}.", identity.subject, identity.audience),
        ),
        Cause::OtherIssuer => (
            "trust-other-issuer",
            "; the key is one of another issuer",
            format!("Condition keys of this cluster begin with {}.", identity.issuer),
        ),
        Cause::OtherNamespace => (
            "trust-other-namespace",
            "; it is a service account of the same name in another namespace",
            format!("Add {} to the values.", identity.subject),
        ),
        Cause::OtherValue if condition.key.ends_with(":aud") => (
            "trust-audience",
            "",
            format!("The audience is {}.", identity.audience),
        ),
        Cause::OtherValue => (
            "trust-condition",
            "",
            format!("The subject is {}.", identity.subject),
        ),
    };
    error(code, format!("{said}{why}"), help)
}

fn token(chain: &Chain<'_>, subject: &str, audience: &str, facts: &mut Facts) {
    let Some(token) = chain.token else { return };
    if let Some(end) = token.time("exp").filter(|end| *end <= chain.now) {
        facts.find(error(
            "token-expired",
            format!("the token ended at {end}"),
            "The kubelet renews the file; the program must read it again, which old SDKs do not.",
        ));
    }
    if token.text("sub") != Some(subject) {
        facts.find(error(
            "token-subject",
            format!("the token is for {}", token.text("sub").unwrap_or("nobody")),
            "The pod runs under another service account than was asked about.",
        ));
    }
    if token.text("iss") != chain.cluster.oidc_issuer.as_deref() {
        facts.find(error(
            "token-issuer",
            format!(
                "the token is of the issuer {}",
                token.text("iss").unwrap_or("nobody")
            ),
            "It is a token of another cluster.",
        ));
    }
    if !token.audiences().contains(&audience) {
        facts.find(error(
            "token-audience",
            format!("the token is for {}, not for {audience}", token.audiences().join(", ")),
            "The token for the API server is no token for STS: use the projected one, AWS_WEB_IDENTITY_TOKEN_FILE.",
        ));
    }
}

fn pods(chain: &Chain<'_>, role: &Arn, facts: &mut Facts) {
    let pods = match &chain.pods {
        Ok(pods) => pods,
        Err(why) => {
            facts.add("not checkable", format!("the pods: {why}"));
            return;
        }
    };
    let live: Vec<&Pod> = pods
        .iter()
        .filter(|pod| !["Succeeded", "Failed"].contains(&pod.phase.as_str()))
        .collect();
    facts.add("pods", live.len().to_string());
    let wanted = role.to_string();
    for pod in live {
        let restart = pod.controller.as_deref().map_or_else(
            || format!("Delete and create the pod {}.", pod.name),
            |controller| format!("kubectl -n {} rollout restart {controller}", pod.namespace),
        );
        if pod.role_arns.is_empty() {
            facts.find(error(
                "pod-without-role",
                format!(
                    "pod {} has no AWS_ROLE_ARN, and uses the node's role: it was made before the annotation, or EKS's webhook \
                     did not see it",
                    pod.name
                ),
                restart,
            ));
        } else if let Some(other) = pod.role_arns.values().find(|arn| **arn != wanted) {
            facts.find(error(
                "pod-other-role",
                format!("pod {} still has the role {other}", pod.name),
                restart,
            ));
        }
    }
}

fn list(values: &[String]) -> String {
    if values.is_empty() {
        "none".to_owned()
    } else {
        values.join(", ")
    }
}

fn error(code: &str, message: impl Into<String>, help: impl Into<String>) -> Finding {
    Finding::new(Severity::Error, code, message).with_help(help)
}

#[cfg(test)]
#[path = "irsa_facts_tests.rs"]
mod tests;
