//! The links between a pod and its credentials, in the order in which they depend on each other.

use eksact_message::{code::Code, remedy::Remedy};

use super::{
    InCluster, PodQuestion,
    container::NextContainer,
    said::{Source, words_of},
};
use crate::{
    diagnosis::{
        authorization::{Link, LinkState},
        remedy::quoted,
    },
    engine::{Finding, Severity},
    live::{AGENT, Agent},
    ports::{aws::PodIdentityAssociation, kubernetes::PodPlace},
};
use eksact_identity::{
    authn::{
        irsa::{self, Account, ROLE_ANNOTATION, Verdict as ChainVerdict, check},
        pod_identity_webhook::{Kept, Method, Pod, SKIP_LABEL, ignored_annotations},
    },
    iam::pod_identity::{PodIdentity, Trust},
};

/// Links, and what is wrong with them.
#[derive(Debug, Default)]
pub(super) struct Links {
    pub(super) links: Vec<Link>,
    pub(super) findings: Vec<Finding>,
}

impl Links {
    fn ok(&mut self, link: &'static str, says: impl Into<String>) {
        let (state, says) = (LinkState::Ok, says.into());
        self.links.push(Link { state, link, says });
    }

    fn broken(&mut self, link: &'static str, code: Code, says: impl Into<String>, help: Option<Remedy>) {
        let (state, says) = (LinkState::Broken, says.into());
        let finding = Finding::new(Severity::Error, code, &says);
        self.findings.push(match help {
            Some(help) => finding.with_help(help),
            None => finding,
        });
        self.links.push(Link { state, link, says });
    }

    fn unknown(&mut self, link: &'static str, code: Code, says: impl Into<String>) {
        let (state, says) = (LinkState::Unknown, says.into());
        self.findings.push(Finding::new(Severity::Warning, code, &says));
        self.links.push(Link { state, link, says });
    }

    /// Adds a link of the chain of a web identity.
    fn add(&mut self, link: irsa::Link) {
        let (state, severity) = match link.verdict {
            ChainVerdict::Whole => (LinkState::Ok, Severity::Warning),
            ChainVerdict::Broken => (LinkState::Broken, Severity::Error),
            ChainVerdict::Unknown => (LinkState::Unknown, Severity::Warning),
        };
        if let Some(code) = link.code {
            let mut finding = Finding::new(
                if link.is_note { Severity::Note } else { severity },
                code,
                &link.says,
            );
            finding.help = link.help;
            self.findings.push(finding);
        }
        self.links.push(Link {
            state,
            link: link.name,
            says: link.says,
        });
    }

    /// The links from the service account to its credentials.
    pub(super) fn of_account(&mut self, question: &PodQuestion, method: Option<&Method>) {
        match &question.annotations {
            Ok(Some(_)) => self.ok("service account", "it exists"),
            Ok(None) => {
                let cluster = question.cluster.iter();
                let chain = cluster.flat_map(|cluster| check(&cluster.chain));
                chain
                    .filter(|link| link.name == "service account")
                    .for_each(|link| self.add(link));
            }
            Err(why) => self.unknown("service account", Code::NotCheckable, why),
        }
        let Some(cluster) = &question.cluster else {
            self.ok(
                "association",
                "not looked for: no cluster is asked, and one would win",
            );
            self.of_files(question, method);
            return;
        };
        match &cluster.association {
            Ok(None) => self.ok("association", "none"),
            Ok(Some(association)) => {
                self.ok("association", of_association(association));
                self.of_associated(question, cluster, association);
                return;
            }
            Err(why) => self.unknown("association", Code::PodIdentityUnreadable, why),
        }
        // What is said of the service account is said already.
        if question.known_annotations().is_some() {
            let said = ["service account", "pods"];
            let chain = check(&cluster.chain)
                .into_iter()
                .filter(|link| !said.contains(&link.name));
            for link in chain.filter(|link| link.name != "issuer" || link.verdict != ChainVerdict::Whole) {
                // Without a role nothing is asked of a provider.
                if method.is_some() || link.name == "annotation" {
                    self.add(link);
                }
            }
        }
    }

    /// What the annotation says, where no cluster is asked.
    fn of_files(&mut self, question: &PodQuestion, method: Option<&Method>) {
        let Some(annotations) = question.known_annotations() else {
            return;
        };
        let account = Account {
            annotations: annotations.clone(),
        };
        match (method, irsa::annotated_role(&account)) {
            (Some(_), Some(role)) => self.ok("annotation", role.to_string()),
            (Some(Method::WebIdentity { role_arn }), None) => self.broken(
                "annotation",
                Code::AnnotationMalformed,
                format!("{ROLE_ANNOTATION} does not name a role: {role_arn}"),
                None,
            ),
            _ => self.broken(
                "annotation",
                Code::AnnotationMissing,
                format!(
                    "the service account has no annotation {ROLE_ANNOTATION}: its pods use their nodes' role"
                ),
                None,
            ),
        }
    }

    fn of_associated(
        &mut self,
        question: &PodQuestion,
        cluster: &InCluster,
        association: &PodIdentityAssociation,
    ) {
        if let Some(role) = question
            .known_annotations()
            .and_then(|annotations| annotations.get(ROLE_ANNOTATION))
        {
            self.ok(
                "annotation",
                format!("{role}, ignored: the association wins when a pod is made"),
            );
        }
        self.associated_role(question, cluster, association);
        match &cluster.agent {
            Ok(Agent::AutoMode) => self.ok("agent", "built into EKS Auto Mode"),
            Ok(Agent::Addon(addon)) if ["ACTIVE", "UPDATING"].contains(&addon.status.as_str()) => {
                self.ok("agent", format!("the add-on {AGENT}"));
            }
            Ok(Agent::Addon(addon)) => self.broken(
                "agent",
                Code::PodIdentityAgentMissing,
                format!("the add-on {AGENT} is {}", addon.condition()),
                None,
            ),
            Ok(Agent::Own(agent)) if agent.desired > 0 && agent.ready == 0 => self.broken(
                "agent",
                Code::PodIdentityAgentMissing,
                format!("the DaemonSet {AGENT} runs on none of {} nodes", agent.desired),
                None,
            ),
            Ok(Agent::Own(agent)) => self.ok(
                "agent",
                format!("the DaemonSet {AGENT}, on {} of {} nodes", agent.ready, agent.desired),
            ),
            Ok(Agent::Missing) => self.broken(
                "agent",
                Code::PodIdentityAgentMissing,
                format!("the cluster has no {AGENT}: no pod gets credentials from any association"),
                Some(remedy!(
                    "Install it as an add-on, or with its chart: `aws eks create-addon {} --addon-name {AGENT}`.",
                    cluster.flags()
                )),
            ),
            Err(why) => self.unknown("agent", Code::PodIdentityAgentMissing, why),
        }
    }

    fn associated_role(
        &mut self,
        question: &PodQuestion,
        cluster: &InCluster,
        association: &PodIdentityAssociation,
    ) {
        let wanted = &association.role_arn;
        let role = match &cluster.associated_role {
            Ok(Some(role)) if role.arn == *wanted => role,
            Ok(found) => {
                let says = match found {
                    Some(role) => format!("the association says {wanted}, and the role is {}", role.arn),
                    None => format!("there is no role {wanted}"),
                };
                let key = &question.account;
                let help = remedy!(
                    "Give the association a role that is there: `eksact update podidentityassociation --cluster {} --region {} \
                     --namespace {} --service-account-name {} --role-arn ARN`.",
                    cluster.name,
                    cluster.region,
                    key.namespace,
                    key.name
                );
                return self.broken("role", Code::RoleMissing, says, Some(help));
            }
            Err(why) => return self.unknown("role", Code::NotCheckable, why),
        };
        self.ok("role", &role.arn);
        let identity = PodIdentity {
            cluster_arn: &cluster.arn,
            account: &question.account,
            has_session_tags: !association.disable_session_tags,
        };
        let says = match identity.judge(&role.trust_policy) {
            Trust::Given => {
                return self.ok(
                    "trust policy",
                    "it lets EKS Pod Identity hand the role to these pods",
                );
            }
            Trust::WithoutTags => {
                "it does not allow sts:TagSession, and EKS Pod Identity always sets session tags"
            }
            Trust::Refused => "it does not let these pods in through EKS Pod Identity",
        };
        let help = remedy!(
            "Add this statement to its trust policy:\n    {}",
            identity.statement().to_string()
        );
        self.broken("trust policy", Code::TrustRefuses, says, Some(help));
    }

    /// That the webhook is asked about the pod, and what it reads there.
    pub(super) fn of_pod(&mut self, question: &PodQuestion, pod: &Pod, method: Option<&Method>) {
        if pod.has_skip_label() {
            self.broken(
                "webhook",
                Code::WebhookSkipped,
                format!("it is not asked: the pod has the label {SKIP_LABEL}"),
                Some(remedy!("Take the label {SKIP_LABEL} out of the pod's labels.")),
            );
        }
        if method == Some(&Method::Association) && pod.is_windows() {
            self.broken(
                "place",
                Code::PodIdentityPlace,
                format!(
                    "EKS Pod Identity gives no credentials {}",
                    words_of(PodPlace::Windows)
                ),
                None,
            );
        }
        let has_association = question.association().is_some();
        let of_account = question.known_annotations().into_iter();
        for annotations in of_account.chain([&pod.annotations]) {
            for ignored in ignored_annotations(annotations, has_association) {
                let says = format!("{} is `{}`: {}", ignored.key, ignored.value, ignored.why);
                self.findings
                    .push(Finding::new(Severity::Warning, Code::AnnotationIgnored, says));
            }
        }
    }

    /// That each container takes what its service account has.
    pub(super) fn of_containers(&mut self, containers: &[NextContainer], method: Option<&Method>) {
        for container in containers {
            let takes = &container.credentials;
            let is_meant = match method {
                None => false,
                Some(Method::Association) => {
                    takes.source == Source::Association || takes.source == Source::None
                }
                Some(Method::WebIdentity { role_arn }) => takes.role_arn.as_ref() == Some(role_arn),
            };
            let name = container.name.as_deref();
            let says = match name {
                Some(name) => format!("{name} takes {}", takes.says),
                None => format!("SDKs take {}", takes.says),
            };
            // What is missing altogether is said of the service account.
            if is_meant || method.is_none() {
                self.ok("container", says);
                continue;
            }
            let why: Vec<&str> = container.kept.iter().map(String::as_str).collect();
            let says = if why.is_empty() {
                says
            } else {
                format!("{says}: {}", why.join("; "))
            };
            let (code, help) = wrong(container, name.unwrap_or_default());
            self.broken("container", code, says, help);
        }
    }
}

/// Why a container does not take what it should, and what to do.
fn wrong(container: &NextContainer, name: &str) -> (Code, Option<Remedy>) {
    if container.credentials.source == Source::Keys {
        let help = remedy!("Take the keys out of the pod's own environment.");
        return (Code::StaticKeysWin, Some(help));
    }
    let mut kept = container.why.iter();
    let help = match kept.next() {
        Some(Kept::InSkipList) => Some(remedy!(
            "Take {} out of the pod's annotation eks.amazonaws.com/skip-containers.",
            quoted(name)
        )),
        Some(Kept::OwnCredentials(own)) => Some(remedy!(
            "Take {own} out of the container's own variables: where it sets one of the two, the webhook sets neither."
        )),
        Some(Kept::HasAll) => Some(remedy!(
            "Take the variables about credentials out of the container's own variables."
        )),
        Some(Kept::OwnMount) | None => None,
    };
    let code = match container.half_set {
        Some(_) => Code::TokenFileMissing,
        None => Code::ContainerCredentials,
    };
    (code, help)
}

fn of_association(association: &PodIdentityAssociation) -> String {
    let target = match &association.target_role_arn {
        Some(target) => format!(", and from there {target}"),
        None => String::new(),
    };
    format!("{} gives {}{target}", association.id, association.role_arn)
}
