//! Whether the pods of a service account get the credentials of its role: the chain from the cluster's issuer over the
//! annotation and the role's trust policy to the environment of the pods, link by link.
//!
//! Pure: what was read comes in as values. Sources: the pod identity webhook v0.6.17 (`pkg/handler/handler.go`, what it
//! puts into pods), and STS `AssumeRoleWithWebIdentity` with IAM's condition operators (what it asks of the role).

mod annotation;
mod call;
mod pods;
mod provider;
mod repair;
mod thumbprint;
mod trust;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod trust_tests;

use eksact_message::code::Code;
use eksact_message::remedy::Remedy;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::Value;

use crate::iam::{
    Arn, Partition,
    trust::{AUDIENCE, issuer_without_scheme, provider_arn, subject},
    web_identity::WebIdentityCall,
};

pub use repair::{InFile, Repair, quota_help};
pub use thumbprint::IssuerCertificates;
pub use trust::{TrustQuestion, trust_links};

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
    /// Its tags: whose it is.
    pub tags: BTreeMap<String, String>,
}

/// The IAM OIDC provider as far as the chain needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provider {
    /// Its audiences.
    pub audiences: Vec<String>,
    /// Its thumbprints, lower-case hex.
    pub thumbprints: Vec<String>,
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
    /// How long ago it expired; none while it is valid or says nothing.
    pub expired_for: Option<Duration>,
    /// The claims that should be a time and are none.
    pub bad_times: Vec<&'static str>,
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
    /// Region of the cluster.
    pub region: String,
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
    /// The provider of the cluster's issuer in the cluster's account; none when it does not exist.
    pub provider: Known<Option<Provider>>,
    /// The certificates that the issuer's host serves; none where nobody looked.
    pub certificates: Option<Known<IssuerCertificates>>,
    /// The role that the annotation names; none when it does not exist.
    pub role: Known<Option<Role>>,
    /// The running pods of the service account.
    pub pods: Known<Vec<Pod>>,
    /// A token to look at.
    pub token: Option<Claims>,
    /// The call to STS, where it was asked for.
    pub trial: Option<Trial>,
    /// What the file that was given says of the service account.
    pub in_file: InFile,
    /// The time, for conditions about it.
    pub now: Option<Timestamp>,
}

impl Chain {
    /// The flags that name the cluster.
    fn flags(&self) -> String {
        format!("--cluster {} --region {}", self.cluster, self.region)
    }

    /// The command that makes the call of a pod.
    fn trial_command(&self) -> String {
        format!(
            "`eksact check irsa {} {}/{} --try`",
            self.flags(),
            self.namespace,
            self.name
        )
    }

    /// What could not be read, and how to find out all the same.
    fn unread(&self, name: &'static str, why: &str) -> Link {
        Link::unknown(name, why).help(remedy!(
            "Give the caller the missing right, or make the call of a pod, which shows whether the chain \
             works: {}.",
            self.trial_command()
        ))
    }
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
    /// Its code; none for a link that holds.
    pub code: Option<Code>,
    /// What was found.
    pub says: String,
    /// What to do about it.
    pub help: Option<Remedy>,
    /// The conditions on which it depends, where it depends on some.
    pub depends_on: Vec<String>,
    /// Whether what to do about it is no more than worth knowing.
    pub is_note: bool,
}

impl Link {
    fn whole(name: &'static str, says: impl Into<String>) -> Self {
        Self {
            name,
            verdict: Verdict::Whole,
            code: None,
            says: says.into(),
            help: None,
            depends_on: Vec::new(),
            is_note: false,
        }
    }

    fn broken(name: &'static str, code: Code, says: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Broken,
            code: Some(code),
            ..Self::whole(name, says)
        }
    }

    fn unknown(name: &'static str, says: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Unknown,
            code: Some(Code::NotCheckable),
            ..Self::whole(name, says)
        }
    }

    fn code(mut self, code: Code) -> Self {
        self.code = Some(code);
        self
    }

    fn help(self, help: impl Into<Remedy>) -> Self {
        self.helped(Some(help.into()))
    }

    fn helped(mut self, help: Option<Remedy>) -> Self {
        self.help = help;
        self
    }
}

/// The role that the service account's annotation names, if it is the ARN of one.
pub fn annotated_role(account: &Account) -> Option<Arn> {
    let arn: Arn = account.annotations.get(ROLE_ANNOTATION)?.parse().ok()?;
    arn.role_name().is_some().then_some(arn)
}

/// Every link, in the order in which a pod's call depends on them. The first broken one is what to fix first.
pub fn check(chain: &Chain) -> Vec<Link> {
    let mut links = vec![issuer(chain)];
    let account = match &chain.service_account {
        Err(why) => {
            links.push(chain.unread("service account", why));
            None
        }
        Ok(None) => {
            links.push(
                Link::broken(
                    "service account",
                    Code::ServiceAccountMissing,
                    format!("there is no service account {} in namespace {}", chain.name, chain.namespace),
                )
                .help(remedy!(
                    "`eksact create iamserviceaccount {} --namespace {} --name {} --attach-policy-arn ARN --approve` makes \
                     it with its role.",
                    chain.flags(), chain.namespace, chain.name
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
    links.extend(provider::check(chain, foreign));
    if let Some(arn) = &annotated {
        links.push(role(chain, arn));
    }
    if let (Ok(Some(role)), Some(account)) = (&chain.role, account) {
        links.extend(trust(chain, account, role));
    }
    if let Some(account) = account {
        links.extend(pods::check(chain, account));
    }
    if let Some(claims) = &chain.token {
        links.push(call::token(chain, account, claims));
    }
    if let Some(trial) = &chain.trial {
        let told = |link: &&mut Link| match trial {
            Trial::Assumed(_) => link.verdict == Verdict::Unknown,
            // What the role says is answered; what could not be read is still open.
            Trial::Refused(_) => link.verdict == Verdict::Unknown && link.name == trust::NAME,
            Trial::NotMade(_) => false,
        };
        // What could not be told without the call needs no advice any more.
        for link in links.iter_mut().filter(told) {
            link.help = None;
        }
        let called = call::called(trial, &links);
        links.push(called);
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
            Code::NoOidcIssuer,
            format!("the cluster {} has no OIDC issuer", chain.cluster),
        ),
        (Some(issuer), Some(api)) if issuer != api => Link::broken(
            "issuer",
            Code::OtherCluster,
            format!(
                "the Kubernetes API issues tokens as {api}, and the cluster {} as {issuer}: the kubeconfig or its context \
                 leads to another cluster",
                chain.cluster
            ),
        )
        .help(remedy!("Check --kubeconfig and --context.")),
        (Some(issuer), Some(_)) => Link::whole("issuer", issuer),
        (Some(issuer), None) => Link::whole(
            "issuer",
            format!("{issuer}, as EKS says; the Kubernetes API did not say by which it issues tokens"),
        ),
    }
}

/// The trust policy, asked for this service account.
fn trust(chain: &Chain, account: &Account, role: &Role) -> Vec<Link> {
    let Some(issuer) = &chain.issuer else {
        return vec![Link::unknown(
            "trust policy",
            "without an issuer there is nothing to trust",
        )];
    };
    let parts = || {
        let arn: Arn = role
            .arn
            .parse()
            .map_err(|error| format!("{}: {error}", role.arn))?;
        let name = arn
            .role_name()
            .ok_or_else(|| format!("{} does not name a role", role.arn))?;
        // A role of another account trusts the provider of its own.
        let provider =
            provider_arn(chain.partition, &arn.account, issuer).map_err(|error| error.to_string())?;
        let issuer = issuer_without_scheme(issuer).map_err(|error| error.to_string())?;
        Ok::<_, String>((arn.account.clone(), name.to_owned(), provider.to_string(), issuer))
    };
    let (home, role_name, provider_arn, issuer) = match parts() {
        Ok(parts) => parts,
        Err(why) => return vec![Link::unknown("trust policy", why)],
    };
    trust_links(&TrustQuestion {
        call: WebIdentityCall {
            provider_arn,
            issuer,
            subject: subject(&chain.namespace, &chain.name),
            audience: audience_of(Some(account)).to_owned(),
            account: home,
            time: chain.now,
        },
        document: &role.trust_policy,
        repair: Repair::of(
            &role_name,
            &role.tags,
            &chain.cluster,
            &format!("{}/{}", chain.namespace, chain.name),
            &chain.in_file,
        ),
        trial: chain.trial_command(),
    })
}

fn role(chain: &Chain, arn: &Arn) -> Link {
    match &chain.role {
        // That it is in another account is told already.
        Err(why) if arn.account != chain.account => Link::unknown("role", why),
        Err(why) => chain.unread("role", why),
        Ok(None) => Link::broken("role", Code::RoleMissing, format!("there is no role {arn}")).help(remedy!(
            "Correct the annotation, or create the role: `eksact apply -f` with the file that has \
             the service account."
        )),
        // STS compares the whole ARN, path included.
        Ok(Some(role)) if role.arn != arn.to_string() => Link::broken(
            "role",
            Code::RolePath,
            format!("the annotation says {arn}, and the role is {}", role.arn),
        )
        .help(remedy!(
            "Annotate the service account with that ARN: {}",
            annotation::command(chain, &role.arn)
        )),
        Ok(Some(role)) => Link::whole("role", &role.arn),
    }
}
