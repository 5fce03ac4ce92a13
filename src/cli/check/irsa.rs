//! `eksact check irsa`: reads every link between a service account and its role. Which of them is broken is judged by
//! `authn::irsa`.

use eksact_identity::service_account::ServiceAccountKey;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::cli::{
    ExitCode, Failure,
    flags::{account::ClusterFlags, global::GlobalFlags},
    run::wiring::Connection,
    texts::facts_format::FactsFormat,
    tokens::decode::read_token,
};
use eksact_core::{
    config::{ClusterConfig, ServiceAccount},
    engine::{Finding, Severity},
    ports::{
        CallError,
        kubernetes::{self, ObjectKey},
        web_identity::{WebIdentityToken, WebIdentityTrial},
    },
    view::{Facts, Printer, plan_json::schema_of},
};
use eksact_identity::{
    authn::{
        irsa::{
            Account, Chain, Claims, InFile, IssuerCertificates, Known, Link, Pod, Provider, Role, Trial,
            Verdict, annotated_role, audience_of, check,
        },
        token_decode::{DecodedToken, decode},
    },
    iam::{Arn, trust::provider_arn},
};

/// Check each link between a service account and its role
#[derive(Debug, Args)]
pub(crate) struct CheckIrsa {
    /// The service account
    #[arg(value_name = "NAMESPACE/NAME", value_parser = namespaced)]
    service_account: ServiceAccountKey,
    #[command(flatten)]
    cluster: ClusterFlags,
    /// A token of the service account, or `-` for standard input; its content is checked as well
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// Make the call of a pod as well: ask Kubernetes for a token (or take that of --token), and STS for the role
    #[arg(long = "try")]
    make_the_call: bool,
    /// How to show it
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: FactsFormat,
}

fn namespaced(text: &str) -> Result<ServiceAccountKey, String> {
    ServiceAccountKey::parse(text).ok_or_else(|| format!("`{text}` is not NAMESPACE/NAME"))
}

impl CheckIrsa {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let given = self.token.as_deref().map(read_token).transpose()?;
        let token = given.as_deref().map(claims).transpose()?;
        let config = self.cluster.config(global, printer)?;
        let ServiceAccountKey { namespace, name } = &self.service_account;
        let connection = Connection::open(global, &config, printer).await?;
        let cluster = connection.cluster(&config.metadata.name.value).await?;
        let readers = connection.readers;
        let (api_issuer, service_account, pods) = tokio::join!(
            readers.kubernetes.service_account_issuer(),
            readers
                .kubernetes
                .get::<kubernetes::ServiceAccount>(ObjectKey::namespaced(namespace, name)),
            readers
                .kubernetes
                .list::<kubernetes::Pod>(Some(namespace), kubernetes::Pod::under(name)),
        );
        let arn: Arn = cluster
            .arn
            .parse()
            .map_err(|error| Failure::error(format!("the cluster's ARN from EKS is not an ARN: {error}")))?;
        let account = known(service_account).map(|found| {
            found.map(|service_account| Account {
                annotations: service_account.annotations,
            })
        });
        let annotated = account
            .as_ref()
            .ok()
            .and_then(Option::as_ref)
            .and_then(annotated_role);
        let role = async {
            let Some(role) = &annotated else { return Ok(None) };
            // A role of the same name in this account would be another one.
            if role.account != arn.account {
                return Err(format!(
                    "it is in account {}, and cannot be read from here",
                    role.account
                ));
            }
            let found = known(readers.aws.role(role.role_name().unwrap_or_default()).await)?;
            Ok(found.map(|role| Role {
                arn: role.arn,
                trust_policy: role.trust_policy,
                tags: role.tags,
            }))
        };
        let certificates = async {
            let issuer = cluster.oidc_issuer.as_deref()?;
            let chain = known(readers.issuer.certificate_chain(issuer).await);
            Some(chain.map(|chain| {
                IssuerCertificates {
                    thumbprints: chain
                        .certificates
                        .into_iter()
                        .map(|each| each.thumbprint)
                        .collect(),
                    publicly_trusted: chain.publicly_trusted,
                }
            }))
        };
        let provider = async {
            match cluster
                .oidc_issuer
                .as_deref()
                .map(|issuer| provider_arn(arn.partition, &arn.account, issuer))
            {
                Some(Ok(provider)) => readers.aws.oidc_provider(&provider.to_string()).await,
                _ => Ok(None),
            }
        };
        let trial = async {
            if !self.make_the_call {
                return None;
            }
            let found = account.as_ref().ok().and_then(Option::as_ref);
            let call = Call {
                account: found,
                role: annotated.as_ref(),
                given: given.clone().map(WebIdentityToken::new),
            };
            Some(call.make(&*connection.web_identity, namespace, name).await)
        };
        let (role, provider, trial, certificates) = tokio::join!(role, provider, trial, certificates);
        let chain = Chain {
            cluster: cluster.name,
            region: arn.region,
            account: arn.account,
            partition: arn.partition,
            issuer: cluster.oidc_issuer,
            api_issuer: api_issuer.ok().flatten(),
            namespace: namespace.clone(),
            name: name.clone(),
            service_account: account,
            provider: known(provider).map(|found| {
                found.map(|provider| Provider {
                    audiences: provider.audiences,
                    thumbprints: provider.thumbprints,
                })
            }),
            certificates,
            role,
            pods: known(pods).map(|pods| pods.into_iter().filter(is_live).map(pod).collect()),
            token,
            trial,
            in_file: self.in_file(&config),
            now: Some(Timestamp::now()),
        };
        let links = check(&chain);
        self.output
            .show_as(&facts(&links), |facts| document(&links, facts), printer)
    }
}

impl CheckIrsa {
    /// What the file says of the service account.
    fn in_file(&self, config: &ClusterConfig) -> InFile {
        let Some(path) = &self.cluster.config_file else {
            return InFile::NoFile;
        };
        let ServiceAccountKey { namespace, name } = &self.service_account;
        let is_it = |account: &&ServiceAccount| account.namespace == *namespace && account.name == *name;
        match config.iam.service_accounts.iter().find(is_it) {
            Some(account) if account.owns_role() => InFile::Owned(path.clone()),
            _ => InFile::NotOwned,
        }
    }
}

/// The links for machines, the broken ones as findings besides.
#[derive(Serialize, JsonSchema)]
struct Document<'a> {
    findings: &'a [Finding],
    links: Vec<LinkForm<'a>>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct LinkForm<'a> {
    /// The conditions on which it depends, where it depends on some.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    depends_on: &'a [String],
    link: &'a str,
    says: &'a str,
    verdict: VerdictForm,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum VerdictForm {
    Whole,
    Broken,
    Unknown,
}

/// The JSON Schema of the document.
pub(crate) fn schema() -> Value {
    schema_of::<Document<'static>>("What `eksact check irsa -o json` writes")
}

fn document(links: &[Link], facts: &Facts) -> Value {
    let links = links
        .iter()
        .map(|link| LinkForm {
            depends_on: &link.depends_on,
            link: link.name,
            says: &link.says,
            verdict: match link.verdict {
                Verdict::Whole => VerdictForm::Whole,
                Verdict::Broken => VerdictForm::Broken,
                Verdict::Unknown => VerdictForm::Unknown,
            },
        })
        .collect();
    json!(Document {
        findings: facts.findings(),
        links,
    })
}

/// What the call of a pod takes.
struct Call<'found> {
    account: Option<&'found Account>,
    role: Option<&'found Arn>,
    given: Option<WebIdentityToken>,
}

impl Call<'_> {
    async fn make(self, trial: &dyn WebIdentityTrial, namespace: &str, name: &str) -> Trial {
        let Some(role) = self.role else {
            return Trial::NotMade("without a role there is nothing to ask for".to_owned());
        };
        let token = match self.given {
            Some(token) => token,
            None => match trial
                .service_account_token(namespace, name, audience_of(self.account))
                .await
            {
                Ok(token) => token,
                Err(error) => return Trial::NotMade(error.to_string()),
            },
        };
        match trial
            .assume_role_with_web_identity(&role.to_string(), &token)
            .await
        {
            Ok(session) => Trial::Assumed(session),
            // Without an answer nothing is known of the chain.
            Err(error) if error.code.is_none() => Trial::NotMade(error.to_string()),
            Err(error) => Trial::Refused(error.to_string()),
        }
    }
}

/// The links as facts, the broken ones as findings.
fn facts(links: &[Link]) -> Facts {
    let mut facts = Facts::default();
    for link in links {
        let word = match link.verdict {
            Verdict::Whole => "",
            Verdict::Broken => "BROKEN: ",
            // It says itself that it depends on something.
            Verdict::Unknown if !link.depends_on.is_empty() => "",
            Verdict::Unknown => "not checkable: ",
        };
        facts.add(link.name, format!("{word}{}", link.says));
        let severity = match link.verdict {
            Verdict::Broken => Some(Severity::Error),
            // What cannot be told, or holds and is not well, and has an advice, is worth more than a line among others.
            Verdict::Unknown | Verdict::Whole => link.help.is_some().then_some(if link.is_note {
                Severity::Note
            } else {
                Severity::Warning
            }),
        };
        if let (Some(severity), Some(code)) = (severity, link.code) {
            let mut finding = Finding::new(severity, code, &link.says);
            finding.help.clone_from(&link.help);
            facts.find(finding);
        }
    }
    facts
}

fn known<T>(read: Result<T, CallError>) -> Known<T> {
    read.map_err(|error| error.to_string())
}

/// One that has ended needs no credentials any more.
fn is_live(pod: &kubernetes::Pod) -> bool {
    !["Succeeded", "Failed"].contains(&pod.phase.as_str())
}

fn pod(pod: kubernetes::Pod) -> Pod {
    Pod {
        name: pod.name,
        role_arns: pod.role_arns,
        variables: pod.credential_variables,
        controller: pod.controller,
    }
}

/// The claims of a token that was given.
fn claims(given: &str) -> Result<Claims, Failure> {
    let DecodedToken::ServiceAccount(token) = decode(given)? else {
        return Err(Failure::usage(
            "--token is a token for the cluster; the token of a service account is needed",
        ));
    };
    let over = token
        .time("exp")
        // One that is still to come is negative, and no duration of the standard library's.
        .and_then(|end| Duration::try_from(Timestamp::now().duration_since(end)).ok());
    Ok(Claims {
        issuer: token.text("iss").map(str::to_owned),
        subject: token.text("sub").map(str::to_owned),
        audiences: token.audiences().into_iter().map(str::to_owned).collect(),
        expired_for: over,
        bad_times: token.bad_times().collect(),
    })
}
