//! Why somebody may, link by link, or which link is broken first and what is nearest to a right.

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Inquiry,
    admission::{Admission, admit},
    near::nearest,
    rights::{Reason, Rights, Verdict},
};
use crate::{
    diagnosis::{
        access::{entry_again, entry_of_no_one},
        caller::{self, Known},
        mapping::ReadAwsAuth,
        remedy::{Target, quoted},
    },
    engine::{Finding, Severity},
    guard::access::{Admitted, principal_key},
    live::RBAC_GROUP,
    ports::aws::AccessEntry,
    view::Facts,
};
use eksact_identity::{
    authn::aws_auth::Identity,
    rbac::{AUTHENTICATED, On, Request, UNAUTHENTICATED, service_account_of},
};
use eksact_message::code::Code;

/// Who is asked about.
#[derive(Clone, Copy, Debug)]
pub enum Who<'a> {
    /// A principal of IAM.
    Iam(&'a Identity),
    /// Somebody whom the API server knows already, with all groups.
    Kubernetes(&'a Admitted),
}

/// How a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LinkState {
    /// It holds.
    Ok,
    /// It does not.
    Broken,
    /// That is not known.
    Unknown,
}

/// One link of the path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Link {
    /// How it is.
    pub state: LinkState,
    /// `IAM`, `cluster`, `user`, `groups`, `right`.
    pub link: &'static str,
    /// What is there, or missing.
    pub says: String,
}

/// The whole path.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// What was asked.
    pub request: Inquiry,
    /// Yes, no or neither.
    pub answer: Verdict,
    /// The links in their order, up to the first broken one.
    pub links: Vec<Link>,
    /// What allows it.
    pub reasons: Vec<Reason>,
    /// What it depends on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// What is nearest to a right, where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nearest: Vec<String>,
    /// What is wrong, with what to do.
    pub findings: Vec<Finding>,
    /// What else belongs to the answer.
    pub notes: Vec<String>,
}

impl Explanation {
    /// For people.
    pub fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        facts.add("asked", self.request.to_string());
        facts.add("answer", self.answer.as_str());
        for link in &self.links {
            let says = match link.state {
                LinkState::Ok => link.says.clone(),
                LinkState::Broken => format!("broken: {}", link.says),
                LinkState::Unknown => format!("unknown: {}", link.says),
            };
            facts.add(link.link, says);
        }
        for near in &self.nearest {
            facts.add("nearest", near);
        }
        for finding in &self.findings {
            facts.find(finding.clone());
        }
        facts
    }
}

/// Explains whether somebody may.
pub fn explain(rights: &Rights<'_>, who: Who<'_>, request: &Request) -> Explanation {
    let mut explained = Explanation::of(Inquiry::Cluster(request.clone()));
    explained.notes = notes(request);
    match who {
        Who::Kubernetes(user) => explained.right(rights, user, None, request),
        Who::Iam(identity) => explained.iam(rights, identity, request),
    }
    explained
}

impl Explanation {
    /// One that says no, and nothing more yet.
    pub(in crate::diagnosis) fn of(request: Inquiry) -> Self {
        Self {
            request,
            answer: Verdict::No,
            links: Vec::new(),
            reasons: Vec::new(),
            depends_on: Vec::new(),
            nearest: Vec::new(),
            findings: Vec::new(),
            notes: Vec::new(),
        }
    }

    fn iam(&mut self, rights: &Rights<'_>, identity: &Identity, request: &Request) {
        self.link(LinkState::Ok, "IAM", identity.canonical.arn.clone());
        match admit(rights, identity) {
            Admission::In(person, note) => {
                self.link(
                    LinkState::Ok,
                    "cluster",
                    format!("lets it in by its {}", person.door),
                );
                self.notes.extend(note);
                self.right(rights, &person.user, person.entry, request);
            }
            Admission::Out { why, creator: true } => {
                self.link(LinkState::Unknown, "cluster", why);
                self.depends(
                    "who created the cluster: its creator is in system:masters, and EKS does not say who that is (authentication \
                     mode CONFIG_MAP)"
                        .to_owned(),
                );
                self.refused(rights, identity, Severity::Warning);
            }
            Admission::Out { why, creator: false } => {
                self.link(LinkState::Broken, "cluster", why);
                self.refused(rights, identity, Severity::Error);
            }
            Admission::Unknown(what) => {
                self.link(LinkState::Unknown, "cluster", format!("it depends on {what}"));
                self.depends(what);
            }
        }
    }

    /// What is wrong with entries and lines that were meant for somebody who does not get in.
    fn refused(&mut self, rights: &Rights<'_>, identity: &Identity, severity: Severity) {
        let picture = rights.picture;
        let target = Target {
            cluster: &picture.cluster,
            region: &picture.region,
        };
        let entries = picture.access_entries.known().map(Vec::as_slice);
        let key = principal_key(&identity.canonical.arn);
        let own = entries
            .unwrap_or_default()
            .iter()
            .find(|entry| principal_key(&entry.principal_arn) == key);
        if let Some(entry) = own.filter(|_| picture.has_entries()) {
            let is_gone = picture.principals.get(&entry.principal_arn) == Some(&None);
            let (code, help) = if is_gone {
                (Code::PrincipalMissing, entry_of_no_one(entry, target))
            } else {
                (Code::PrincipalStale, entry_again(entry, target))
            };
            let says = self
                .links
                .last()
                .map_or_else(String::new, |link| link.says.clone());
            self.findings
                .push(Finding::new(severity, code, says).with_help(help));
            return;
        }
        let known = Known {
            cluster: &picture.cluster,
            region: &picture.region,
            identity,
            is_missing: false,
            mode: picture.authentication_mode.as_deref(),
            entries,
            aws_auth: match &picture.aws_auth {
                super::Read::Known(Some(data)) => ReadAwsAuth::Data(data),
                super::Read::Known(None) => ReadAwsAuth::Missing,
                super::Read::Unread(_) => ReadAwsAuth::Unknown,
            },
            file: None,
            bindings: picture.bindings.known().map(Vec::as_slice),
            server: None,
            token_faults: None,
            role_arn: None,
        };
        let mut facts = Facts::default();
        caller::explain(&known, &mut facts);
        let findings = facts.findings().iter().cloned();
        self.findings.extend(findings.map(|finding| Finding {
            severity: finding.severity.min(severity),
            ..finding
        }));
    }

    fn right(
        &mut self,
        rights: &Rights<'_>,
        user: &Admitted,
        entry: Option<&AccessEntry>,
        request: &Request,
    ) {
        self.link(LinkState::Ok, "user", user.username.clone());
        self.link(LinkState::Ok, "groups", user.groups.join(", "));
        for policy in entry.into_iter().flat_map(|entry| &entry.policies) {
            let scope = match &policy.namespaces {
                None => "the whole cluster".to_owned(),
                Some(namespaces) => format!("namespaces {}", namespaces.join(", ")),
            };
            self.link(
                LinkState::Ok,
                "access policy",
                format!("{} for {scope}", policy.arn),
            );
        }
        if entry.is_some_and(|entry| !entry.policies.is_empty()) {
            self.notes.extend(rights.policies_note());
        }
        let decision = rights.decide(user, entry, request);
        self.answer = decision.verdict;
        match decision.verdict {
            Verdict::Yes => {
                for reason in &decision.reasons {
                    let rule = if reason.rule.is_empty() {
                        String::new()
                    } else {
                        format!(" ({})", reason.rule)
                    };
                    self.link(LinkState::Ok, "right", format!("{}{rule}", reason.sentence()));
                }
                self.reasons = decision.reasons;
            }
            Verdict::Depends => {
                for what in decision.depends_on {
                    self.link(LinkState::Unknown, "right", format!("it depends on {what}"));
                    self.depends(what);
                }
            }
            Verdict::No => self.no_right(rights, user, entry, request),
        }
    }

    fn no_right(
        &mut self,
        rights: &Rights<'_>,
        user: &Admitted,
        entry: Option<&AccessEntry>,
        request: &Request,
    ) {
        let near = nearest(rights, user, entry, request);
        let own: Vec<&str> = user
            .groups
            .iter()
            .map(String::as_str)
            .filter(|group| ![AUTHENTICATED, UNAUTHENTICATED].contains(group))
            .collect();
        let whom = match own.as_slice() {
            [] => format!("the user {}", user.username),
            [group] => format!("the user {} or the group {group}", user.username),
            groups => format!(
                "the user {} or one of the groups {}",
                user.username,
                groups.join(", ")
            ),
        };
        let policy = if entry.is_some_and(|entry| !entry.policies.is_empty()) {
            " and no access policy"
        } else {
            ""
        };
        let why = format!("no binding to {whom}{policy} allows {request}");
        self.link(LinkState::Broken, "right", why.clone());
        let command = bind(request, user, own.first().copied());
        let finding = match near.missing {
            Some(missing) => {
                Finding::new(Severity::Error, Code::BoundRoleMissing, missing).with_help(remedy!(
                    "Make the role, or bind one that is there and allows it, in the place of ROLE: {command}"
                ))
            }
            None => Finding::new(Severity::Error, Code::NotAuthorized, why).with_help(remedy!(
                "Bind a role that allows it, in the place of ROLE: {command}"
            )),
        };
        self.findings.push(finding);
        self.nearest = near.says;
    }

    /// Makes the answer depend on something.
    pub(in crate::diagnosis) fn depends(&mut self, what: String) {
        self.answer = Verdict::Depends;
        self.findings.push(Finding::new(
            Severity::Warning,
            Code::AuthorizationUnknown,
            format!("the answer depends on {what}"),
        ));
        self.depends_on.push(what);
    }

    /// Adds a link.
    pub(in crate::diagnosis) fn link(&mut self, state: LinkState, link: &'static str, says: String) {
        self.links.push(Link { state, link, says });
    }
}

/// The command that binds somebody to a role, in the namespace of the request or in the whole cluster.
fn bind(request: &Request, user: &Admitted, group: Option<&str>) -> String {
    let subject = match (service_account_of(&user.username), group) {
        (Some((namespace, name)), _) => {
            format!("--serviceaccount={}", quoted(&format!("{namespace}:{name}")))
        }
        (None, Some(group)) => format!("--group={}", quoted(group)),
        (None, None) => format!("--user={}", quoted(&user.username)),
    };
    match &request.namespace {
        Some(namespace) => format!(
            "`kubectl create rolebinding NAME --namespace {} --clusterrole=ROLE {subject}`",
            quoted(namespace)
        ),
        None => format!("`kubectl create clusterrolebinding NAME --clusterrole=ROLE {subject}`"),
    }
}

/// What a right does not say.
fn notes(request: &Request) -> Vec<String> {
    let mut notes = Vec::new();
    if let On::Resource { group, resource, .. } = &request.on
        && group == RBAC_GROUP
        && ["create", "update", "patch"].contains(&request.verb.as_str())
    {
        let needs = if resource.ends_with("bindings") {
            "bind"
        } else {
            "escalate"
        };
        notes.push(format!(
            "the API server lets no one grant more than they have by RBAC, access policies not counted, without the verb {needs}"
        ));
    }
    notes
}
