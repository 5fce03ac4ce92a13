//! The whole answer, for people and for machines.

use eksact_message::code::Code;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    PodQuestion,
    container::{NextContainer, containers},
    links::Links,
    running::{Running, running},
    said::{Around, Credentials},
};
use crate::{
    diagnosis::authorization::{Link, LinkState, Verdict},
    engine::{Finding, Severity},
    ports::kubernetes::{Pod as RunningPod, PodPlace},
    view::Facts,
};
use eksact_identity::authn::pod_identity_webhook::{Expiration, Injection, Method, Operation, Pod, Webhook};

/// The token that the webhook puts into a pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// The volume with it.
    pub volume: &'static str,
    /// Whether the pod has a volume of that name, which is then left as it is.
    pub volume_is_there: bool,
    /// Whom it is for.
    pub audience: String,
    /// For how many seconds it is valid: the most, where the webhook rolls dice.
    pub expiration_seconds: i64,
    /// The least, where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub least_expiration_seconds: Option<i64>,
}

/// Which credentials the pods of a service account get.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodExplanation {
    /// Namespace of the service account.
    pub namespace: String,
    /// Its name.
    pub service_account: String,
    /// Whether pods that are made now get the credentials of a role of their own.
    pub answer: Verdict,
    /// The links in their order.
    pub links: Vec<Link>,
    /// The token that they get; none where the webhook leaves them as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
    /// What their containers get: those of the pod that was asked about, else one plain container.
    pub containers: Vec<NextContainer>,
    /// The JSON patch of the pod that was asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch: Option<Vec<Operation>>,
    /// The pods that run; none where they are not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running: Option<Vec<Running>>,
    /// What is wrong, with what to do.
    pub findings: Vec<Finding>,
    /// What else belongs to the answer.
    pub notes: Vec<String>,
}

/// Explains which credentials pods get.
pub fn explain(question: &PodQuestion) -> PodExplanation {
    let webhook = Webhook::of_eks(question.region.as_deref());
    let unread = Err(String::new());
    let association = question
        .cluster
        .as_ref()
        .map_or(&unread, |cluster| &cluster.association);
    let configuration = webhook.configuration(question.known_annotations(), question.association().is_some());
    let method = configuration.as_ref().map(|configuration| &configuration.method);
    let pod = question.pod.clone().unwrap_or_else(Pod::plain);
    let injection = configuration
        .as_ref()
        .filter(|_| !pod.has_skip_label())
        .map(|configuration| webhook.injection(configuration, &pod));
    let around = Around {
        association,
        place: pod.is_windows().then_some(PodPlace::Windows),
        host_network: pod.host_network,
    };
    let containers = containers(&pod, injection.as_ref(), around);
    let mut links = Links::default();
    links.of_account(question, method);
    links.of_pod(question, &pod, method);
    // What a pod does not get that the webhook is not asked about is said once.
    links.of_containers(&containers, method.filter(|_| !pod.has_skip_label()));
    let mut explained = PodExplanation {
        namespace: question.account.namespace.clone(),
        service_account: question.account.name.clone(),
        answer: answer(&links.links),
        token: injection.as_ref().map(token),
        patch: question
            .pod
            .as_ref()
            .and_then(|pod| Some(injection.as_ref()?.patch(pod))),
        containers,
        running: None,
        links: links.links,
        findings: links.findings,
        notes: notes(question, injection.as_ref()),
    };
    explained.running(question);
    explained
}

/// Broken links make it a no, unknown ones an open question.
fn answer(links: &[Link]) -> Verdict {
    let has = |state| links.iter().any(|link| link.state == state);
    if has(LinkState::Broken) {
        Verdict::No
    } else if has(LinkState::Unknown) {
        Verdict::Depends
    } else {
        Verdict::Yes
    }
}

fn token(injection: &Injection) -> Token {
    Token {
        volume: injection.method.volume_name(),
        volume_is_there: injection.volume_is_there,
        audience: injection.audience.clone(),
        expiration_seconds: injection.expiration.at_most(),
        least_expiration_seconds: match injection.expiration {
            Expiration::Between(least, _) => Some(least),
            Expiration::Seconds(_) => None,
        },
    }
}

fn notes(question: &PodQuestion, injection: Option<&Injection>) -> Vec<String> {
    let mut notes = Vec::new();
    if injection.is_some() {
        notes.push(
            "EKS does not show how it starts its webhook; this is what its pods have, and a webhook of your own may set other \
             variables"
                .to_owned(),
        );
    }
    if question.region.is_none() {
        notes.push("the region is not known, and so AWS_REGION and AWS_DEFAULT_REGION are left out: --region names it".to_owned());
    }
    if injection.is_some() && question.pod.is_some() {
        notes.push(
            "the API server adds defaults and a token of its own to the pod before it asks the webhook; the patch is of the pod as \
             the file has it"
                .to_owned(),
        );
    }
    if let Some(Injection {
        method: Method::WebIdentity { .. },
        ..
    }) = injection
        && question.cluster.is_none()
    {
        notes.push("an association of the service account would win over its annotation: name the cluster to look for one".to_owned());
    }
    notes
}

impl PodExplanation {
    /// The credentials that containers take, if all take the same.
    fn alike(&self) -> Option<&Credentials> {
        let (first, rest) = self.containers.split_first()?;
        let is_alike = rest.iter().all(|other| other.credentials.is(&first.credentials));
        is_alike.then_some(&first.credentials)
    }

    /// Looks at the pods that run, beside a plain one that is made now.
    fn running(&mut self, question: &PodQuestion) {
        let Some(cluster) = &question.cluster else {
            return;
        };
        let pods = match &cluster.running {
            Ok(pods) => pods,
            Err(why) => {
                let says = format!("the pods that run are not known: {why}");
                self.findings
                    .push(Finding::new(Severity::Warning, Code::NotCheckable, says));
                return;
            }
        };
        let next = match &question.pod {
            None => self
                .containers
                .first()
                .map(|container| container.credentials.clone()),
            Some(_) => {
                let plain = PodQuestion {
                    pod: None,
                    ..question.clone()
                };
                explain(&plain)
                    .containers
                    .first()
                    .map(|container| container.credentials.clone())
            }
        };
        let all = running(pods, cluster, next.as_ref());
        let is_other = |pod: &&RunningPod| {
            let mut all = all.iter();
            all.any(|running| running.name == pod.name && !running.is_as_next)
        };
        let other: Vec<&RunningPod> = pods.iter().filter(is_other).collect();
        if !other.is_empty() {
            let names: Vec<&str> = other.iter().map(|pod| pod.name.as_str()).collect();
            let commands: Vec<String> = RunningPod::restarts(other.iter().copied())
                .into_iter()
                .map(|(_, command)| command)
                .collect();
            let says = format!(
                "pods that run have other credentials than a pod that is made now: {}",
                names.join(", ")
            );
            self.findings.push(
                Finding::new(Severity::Warning, Code::PodsDiffer, says).with_help(remedy!(
                    "The webhook looks at a pod when it is made and never again. Restart them: `{}`. What their own templates set \
                     stays.",
                    commands.join(" && ")
                )),
            );
        }
        self.running = Some(all);
    }

    /// For people.
    pub fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        facts.add(
            "asked",
            format!(
                "pods of the service account {}/{}",
                self.namespace, self.service_account
            ),
        );
        let takes = match self.alike() {
            Some(credentials) => format!(": {}", credentials.says),
            None => String::new(),
        };
        facts.add("answer", format!("{}{takes}", self.answer.as_str()));
        for link in &self.links {
            let word = match link.state {
                LinkState::Ok => "",
                LinkState::Broken => "broken: ",
                LinkState::Unknown => "unknown: ",
            };
            facts.add(link.link, format!("{word}{}", link.says));
        }
        self.injected(&mut facts);
        for pod in self.running.iter().flatten() {
            for container in &pod.containers {
                let says = format!(
                    "{} ({}) has {}",
                    pod.name, container.name, container.credentials.says
                );
                facts.add("running", says);
            }
        }
        for finding in &self.findings {
            facts.find(finding.clone());
        }
        facts
    }

    fn injected(&self, facts: &mut Facts) {
        if let Some(token) = &self.token {
            let least = match token.least_expiration_seconds {
                Some(least) => format!("{least} to "),
                None => String::new(),
            };
            let there = if token.volume_is_there {
                "; the pod has a volume of that name, and keeps it"
            } else {
                ""
            };
            let audience = match token.audience.as_str() {
                "" => "the API server",
                audience => audience,
            };
            facts.add(
                "volume",
                format!(
                    "{}: a token for {audience}, valid for {least}{} s{there}",
                    token.volume, token.expiration_seconds
                ),
            );
        }
        for container in &self.containers {
            let of = match &container.name {
                Some(name) => format!("{name}: "),
                None => String::new(),
            };
            facts.add_some("mount", container.mount_path.map(|path| format!("{of}{path}")));
            for variable in &container.variables {
                facts.add("variable", format!("{of}{}={}", variable.name, variable.value));
            }
        }
        for operation in self.patch.iter().flatten() {
            facts.add(
                "patch",
                format!("{} {} {}", operation.op, operation.path, operation.value),
            );
        }
    }
}
