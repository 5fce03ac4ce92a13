//! Whether the pods of a service account get the credentials of its role: the chain from the cluster's issuer over the
//! annotation and the role's trust policy to the environment of the pods, link by link.
//!
//! Pure: what was read comes in as values. Sources: the pod identity webhook v0.6.17 (`pkg/handler/handler.go`, what it
//! puts into pods), and STS `AssumeRoleWithWebIdentity` with IAM's condition operators (what it asks of the role).

mod annotation;
mod pods;
mod trust;

#[cfg(test)]
mod tests;

use crate::remedy::Remedy;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::iam::{
    Arn, Partition,
    trust::{AUDIENCE, issuer_without_scheme, provider_arn},
};

/// A value as it was read, or why it could not be.
pub type Known<T> = Result<T, String>;

/// The annotation that names the role.
pub const ROLE_ANNOTATION: &str = "eks.amazonaws.com/role-arn";
/// The annotation that names another audience than STS's own.
pub const AUDIENCE_ANNOTATION: &str = "eks.amazonaws.com/audience";

/// A service account as far as the chain needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
}

/// A role as far as the chain needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    /// Its ARN.
    pub arn: String,
    /// The decoded trust policy.
    pub trust_policy: Value,
}

/// A running pod of the service account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    /// Name.
    pub name: String,
    /// `AWS_ROLE_ARN` of each container that has one.
    pub role_arns: BTreeMap<String, String>,
    /// The names of the variables of each container by which an SDK finds credentials.
    pub variables: BTreeMap<String, BTreeSet<String>>,
    /// What restarts it: `deployment/web`.
    pub controller: Option<String>,
}

/// A token of the service account that the user brought along: its claims.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// `iss`.
    pub issuer: Option<String>,
    /// `sub`.
    pub subject: Option<String>,
    /// `aud`.
    pub audiences: Vec<String>,
    /// Seconds since it expired; none while it is valid or says nothing.
    pub expired_for: Option<i64>,
}

/// What became of the call itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trial {
    /// STS opened this session.
    Assumed(String),
    /// STS refused, in its own words.
    Refused(String),
    /// It could not be made, and why.
    NotMade(String),
}

/// Everything that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// Name of the cluster.
    pub cluster: String,
    /// Account of the cluster.
    pub account: String,
    /// Partition of the cluster.
    pub partition: Partition,
    /// Issuer, as EKS tells it.
    pub issuer: Option<String>,
    /// Issuer that the API server itself tells; none where it may not be asked.
    pub api_issuer: Option<String>,
    /// Namespace of the service account.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The object; none when it does not exist.
    pub service_account: Known<Option<Account>>,
    /// The provider of the cluster's issuer in the cluster's account: its audiences; none when it does not exist.
    pub provider: Known<Option<Vec<String>>>,
    /// The role that the annotation names; none when it does not exist.
    pub role: Known<Option<Role>>,
    /// The running pods of the service account.
    pub pods: Known<Vec<Pod>>,
    /// A token to look at.
    pub token: Option<Claims>,
    /// The call to STS, where it was asked for.
    pub trial: Option<Trial>,
}

/// How a link holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Whole,
    /// It is broken: pods get no credentials of the role.
    Broken,
    /// Whether it holds cannot be told.
    Unknown,
}

/// One link of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What it is, in lower-case words.
    pub name: &'static str,
    /// How it holds.
    pub verdict: Verdict,
    /// Stable, kebab-case; empty for a link that holds.
    pub code: &'static str,
    /// What was found.
    pub says: String,
    /// What to do about it.
    pub help: Option<Remedy>,
}

impl Link {
    fn whole(name: &'static str, says: impl Into<String>) -> Self {
        Self {
            name,
            verdict: Verdict::Whole,
            code: "",
            says: says.into(),
            help: None,
        }
    }

    fn broken(name: &'static str, code: &'static str, says: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Broken,
            code,
            ..Self::whole(name, says)
        }
    }

    fn unknown(name: &'static str, says: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Unknown,
            code: "not-checkable",
            ..Self::whole(name, says)
        }
    }

    fn code(mut self, code: &'static str) -> Self {
        self.code = code;
        self
    }

    fn help(mut self, help: impl Into<Remedy>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The role that the service account's annotation names, if it is the ARN of one.
pub fn annotated_role(account: &Account) -> Option<Arn> {
    let arn: Arn = account.annotations.get(ROLE_ANNOTATION)?.parse().ok()?;
    arn.role_name().is_some().then_some(arn)
}

/// Every link, in the order in which a pod's call depends on them. The first broken one is what to mend first.
pub fn check(chain: &Chain) -> Vec<Link> {
    let mut links = vec![issuer(chain)];
    let account = match &chain.service_account {
        Err(why) => {
            links.push(Link::unknown("service account", why));
            None
        }
        Ok(None) => {
            links.push(
                Link::broken(
                    "service account",
                    "service-account-missing",
                    format!("there is no service account {} in namespace {}", chain.name, chain.namespace),
                )
                .help(remedy!(
                    "`eksact create iamserviceaccount --cluster {} --namespace {} --name {} --attach-policy-arn ARN` makes \
                     it with its role.",
                    chain.cluster, chain.namespace, chain.name
                )),
            );
            None
        }
        Ok(Some(account)) => {
            links.push(Link::whole("service account", "it exists"));
            Some(account)
        }
    };
    if let Some(account) = account {
        links.push(annotation::check(chain, account));
    }
    let annotated = account.and_then(annotated_role);
    let foreign = annotated.as_ref().filter(|arn| arn.account != chain.account);
    links.extend(provider(chain, foreign));
    if let Some(arn) = &annotated {
        links.push(role(chain, arn));
    }
    if let (Ok(Some(role)), Some(account)) = (&chain.role, account) {
        links.push(trust::check(chain, account, role));
    }
    if let Some(account) = account {
        links.extend(pods::check(chain, account));
    }
    if let Some(claims) = &chain.token {
        links.push(token(chain, account, claims));
    }
    if let Some(trial) = &chain.trial {
        let sound = links.iter().all(|link| link.verdict != Verdict::Broken);
        links.push(called(trial, sound));
    }
    links
}

/// The audience of the tokens that the webhook puts into pods: the annotation's, else STS.
pub fn audience_of(account: Option<&Account>) -> &str {
    account
        .and_then(|account| account.annotations.get(AUDIENCE_ANNOTATION))
        .map_or(AUDIENCE, String::as_str)
}

fn issuer(chain: &Chain) -> Link {
    match (&chain.issuer, &chain.api_issuer) {
        (None, _) => Link::broken(
            "issuer",
            "no-oidc-issuer",
            format!("the cluster {} has no OIDC issuer", chain.cluster),
        ),
        (Some(issuer), Some(api)) if issuer != api => Link::broken(
            "issuer",
            "other-cluster",
            format!(
                "the Kubernetes API issues tokens as {api}, and the cluster {} as {issuer}",
                chain.cluster
            ),
        )
        .help(remedy!(
            "The kubeconfig or its context leads to another cluster: check --kubeconfig and --context."
        )),
        (Some(issuer), _) => Link::whole("issuer", issuer),
    }
}

/// The provider and its audience. For a role of another account IAM looks for the provider in that account.
fn provider(chain: &Chain, foreign: Option<&Arn>) -> Vec<Link> {
    let Some(issuer) = &chain.issuer else {
        return Vec::new();
    };
    if let Some(role) = foreign {
        return vec![
            Link::unknown(
                "provider",
                format!(
                    "the role is in account {}, and so STS looks for the provider there; this cluster's account is {}",
                    role.account, chain.account
                ),
            )
            .code("other-account")
            .help(remedy!(
                "Unless account {} has a provider of {issuer}, the annotation names the wrong account. Ask there, or make the \
                 call with --try.",
                role.account
            )),
        ];
    }
    let associate = remedy!(
        "`eksact utils associate-iam-oidc-provider --cluster {}` makes it whole.",
        chain.cluster
    );
    let wanted = match provider_arn(chain.partition, &chain.account, issuer) {
        Ok(arn) => arn.to_string(),
        Err(error) => return vec![Link::broken("provider", "bad-oidc-issuer", error.to_string())],
    };
    match &chain.provider {
        Err(why) => vec![Link::unknown("provider", why)],
        Ok(None) => vec![
            Link::broken(
                "provider",
                "oidc-provider-missing",
                format!("the account has no provider {wanted}: providers of other clusters do not help"),
            )
            .help(associate),
        ],
        Ok(Some(audiences)) => vec![
            Link::whole("provider", wanted),
            audience(chain, audiences, associate),
        ],
    }
}

fn audience(chain: &Chain, audiences: &[String], associate: Remedy) -> Link {
    let account = chain.service_account.as_ref().ok().and_then(Option::as_ref);
    let wanted = audience_of(account);
    if audiences.iter().any(|audience| audience == wanted) {
        return Link::whole("audience", wanted);
    }
    let link = Link::broken(
        "audience",
        "oidc-audience-missing",
        format!(
            "tokens are for {}, and the provider takes {}",
            if wanted.is_empty() { "no audience" } else { wanted },
            if audiences.is_empty() {
                "none".to_owned()
            } else {
                audiences.join(", ")
            }
        ),
    );
    if wanted == AUDIENCE {
        link.help(associate)
    } else {
        link.help(remedy!(
            "Remove the annotation {AUDIENCE_ANNOTATION}, or add that audience to the provider."
        ))
    }
}

fn role(chain: &Chain, arn: &Arn) -> Link {
    match &chain.role {
        Err(why) => Link::unknown("role", why),
        Ok(None) => Link::broken(
            "role",
            "role-missing",
            format!("there is no role {arn}"),
        )
        .help(remedy!("Correct the annotation, or make the role: `eksact apply -f` with the file that has the service account.")),
        // STS compares the whole ARN, path included.
        Ok(Some(role)) if role.arn != arn.to_string() => Link::broken(
            "role",
            "role-path",
            format!("the annotation says {arn}, and the role is {}", role.arn),
        )
        .help(remedy!("Set the annotation {ROLE_ANNOTATION} to {}.", role.arn)),
        Ok(Some(role)) => Link::whole("role", &role.arn),
    }
}

/// A token that the user brought along.
fn token(chain: &Chain, account: Option<&Account>, claims: &Claims) -> Link {
    let subject = crate::iam::trust::subject(&chain.namespace, &chain.name);
    let wanted_audience = audience_of(account);
    if let Some(seconds) = claims.expired_for {
        return Link::broken("token", "token-expired", format!("it expired {seconds} s ago")).help(
            remedy!("Read the file anew for each call: the kubelet renews it long before. An SDK that keeps an old token is too old."),
        );
    }
    if claims.subject.as_deref() != Some(&subject) {
        return Link::broken(
            "token",
            "token-subject",
            format!(
                "it is {}'s, not {subject}'s",
                claims.subject.as_deref().unwrap_or("nobody")
            ),
        );
    }
    if claims.issuer != chain.issuer {
        return Link::broken(
            "token",
            "token-issuer",
            format!(
                "it comes from {}, not from this cluster",
                claims.issuer.as_deref().unwrap_or("nobody")
            ),
        );
    }
    if !claims
        .audiences
        .iter()
        .any(|audience| audience == wanted_audience)
    {
        return Link::broken(
            "token",
            "token-audience",
            format!("it is for {}, not for {wanted_audience}", claims.audiences.join(", ")),
        )
        .help(remedy!("The projected token of the webhook is at /var/run/secrets/eks.amazonaws.com/serviceaccount/token."));
    }
    Link::whole("token", "its claims are as wanted")
}

/// What STS itself said; the last link, because its refusals name no cause.
fn called(trial: &Trial, sound: bool) -> Link {
    match trial {
        Trial::Assumed(session) => Link::whole("call", format!("STS opened the session {session}")),
        Trial::NotMade(why) => Link::unknown("call", why),
        Trial::Refused(says) if sound => Link::broken("call", "sts-refused", says).help(
            remedy!("No other link is broken as far as can be seen. A change of IAM takes some seconds to reach STS; a role of another \
             account needs a provider there; and a service control policy of the organization may forbid the call."),
        ),
        Trial::Refused(says) => Link::broken("call", "sts-refused", says),
    }
}

/// The issuer as condition keys name it.
fn key_prefix(chain: &Chain) -> Option<String> {
    issuer_without_scheme(chain.issuer.as_deref()?).ok()
}
