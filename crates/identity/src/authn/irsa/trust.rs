//! The trust policy of the role, asked as STS asks it, and its answer in words: which condition fails, on what it depends,
//! and who else is let in.

use eksact_message::code::Code;
use serde_json::Value;

use super::{Link, repair::Repair};
use crate::iam::{
    policy::{Objection, Open, TrustVerdict},
    web_identity::{ACTION, Breadth, WebIdentityCall},
};
use eksact_message::remedy::Remedy;

pub(super) const NAME: &str = "trust policy";

/// A role, and the call of a service account that it is to let through.
#[derive(Clone, Debug, PartialEq)]
pub struct TrustQuestion<'role> {
    /// The call.
    pub call: WebIdentityCall,
    /// The role's trust policy.
    pub document: &'role Value,
    /// How the policy is changed.
    pub repair: Repair,
    /// The command that makes the call.
    pub trial: String,
}

/// What the trust policy says: one link, and one more for each way in which it lets too many in.
pub fn trust_links(question: &TrustQuestion<'_>) -> Vec<Link> {
    let call = &question.call;
    let repair = || question.repair.let_in(call, question.document);
    let link = match call.judged_by(question.document) {
        TrustVerdict::Allowed => Link::whole(NAME, format!("it lets {} in", call.subject)),
        TrustVerdict::Depends(open) => depends(&open, question),
        TrustVerdict::Denied => Link::broken(
            NAME,
            Code::TrustDenied,
            format!("a Deny statement keeps {} out", call.subject),
        )
        .helped(question.repair.without_denial(call, question.document)),
        TrustVerdict::Unreadable => Link::unknown(
            NAME,
            "it is not written in plain policy language, and so cannot be judged",
        )
        .help(by_the_call(question)),
        TrustVerdict::NotAllowed(refused) => match refused.first() {
            None => Link::broken(NAME, Code::TrustNobody, "it lets no one in").helped(repair()),
            Some(nearest) => {
                let said: Vec<(Code, String)> = nearest
                    .iter()
                    .map(|objection| Words { call }.of(objection))
                    .collect();
                let code = said.first().map_or(Code::TrustRefuses, |(code, _)| *code);
                let says: Vec<String> = said.into_iter().map(|(_, says)| says).collect();
                Link::broken(NAME, code, says.join("; ")).helped(repair())
            }
        },
    };
    let lets_in = link.verdict == super::Verdict::Whole || !link.depends_on.is_empty();
    let breadth = if lets_in {
        call.breadth_of(question.document)
    } else {
        Vec::new()
    };
    let mut links = vec![link];
    for breadth in breadth {
        // One repair ends all of them.
        let help = if links.len() == 1 {
            question.repair.narrow(call, question.document)
        } else {
            remedy!("The change that names this service account only ends this as well.")
        };
        links.push(too_broad(breadth, call).help(help));
    }
    links
}

/// What there is to do where the document does not say enough.
fn by_the_call(question: &TrustQuestion<'_>) -> Remedy {
    remedy!("Only the call itself can show it: {}.", question.trial)
}

/// Conditions of which nothing is known before the call.
fn depends(open: &Open, question: &TrustQuestion<'_>) -> Link {
    let conditions = |lists: &[Vec<Objection>]| -> Vec<String> {
        let each = lists.iter().map(|list| {
            let list: Vec<String> = list.iter().map(open_condition).collect();
            list.join(" and ")
        });
        each.collect()
    };
    let (allows, denies) = (conditions(&open.allows), conditions(&open.denies));
    let mut parts = Vec::new();
    if !allows.is_empty() {
        parts.push(format!("depends on {}", allows.join(", or on ")));
    }
    if !denies.is_empty() {
        parts.push(format!(
            "depends on whether a Deny statement applies, which it does with {}",
            denies.join(", or with ")
        ));
    }
    let mut link = Link::unknown(NAME, parts.join("; and "))
        .code(Code::TrustUnknown)
        .help(by_the_call(question));
    link.depends_on = [allows, denies].concat();
    link
}

fn open_condition(objection: &Objection) -> String {
    match objection {
        Objection::Condition {
            operator,
            key,
            values,
            doubt,
            ..
        } => {
            let condition = format!("{operator} {key} = {}", values.join(" | "));
            match doubt {
                Some(doubt) => format!("{condition} ({doubt})"),
                None => condition,
            }
        }
        Objection::Principal { named, .. } => {
            let named: Vec<String> = named
                .iter()
                .map(|(kind, value)| format!("{kind} {value}"))
                .collect();
            format!("whom the principal {} means", named.join(", "))
        }
        Objection::Action { .. } | Objection::Resource { .. } => objection.to_string(),
    }
}

fn too_broad(breadth: Breadth, call: &WebIdentityCall) -> Link {
    let name = call.subject.rsplit(':').next().unwrap_or_default();
    let (code, says) = match breadth {
        Breadth::AnyProvider => (
            Code::TrustAnyProvider,
            "it lets identities of every other provider of the account in as well".to_owned(),
        ),
        Breadth::AnyServiceAccount => (
            Code::TrustAnyServiceAccount,
            "it lets every service account of the cluster in: whoever may create a pod gets the role"
                .to_owned(),
        ),
        Breadth::AnyNamespace => (
            Code::TrustAnyNamespace,
            format!("it lets service accounts called {name} in from every namespace"),
        ),
        Breadth::AnyAudience => (
            Code::TrustAnyAudience,
            format!(
                "it asks for no audience: tokens that were made for others than {} are let in, if the \
                 provider accepts their audience",
                call.audience
            ),
        ),
    };
    Link::whole(NAME, says).code(code)
}

struct Words<'call> {
    call: &'call WebIdentityCall,
}

impl Words<'_> {
    /// A code and the words for what stands against the request.
    fn of(&self, objection: &Objection) -> (Code, String) {
        match objection {
            Objection::Action { named } => (
                Code::TrustAction,
                format!("it allows {} and not {ACTION}", named.join(", ")),
            ),
            Objection::Principal { named, .. } => self.principal(named),
            // A trust policy has no resources.
            Objection::Resource { .. } => (Code::TrustCondition, format!("it is for {objection}")),
            Objection::Condition {
                operator,
                key,
                values,
                found,
                ..
            } => self.condition(operator, key, values, found.as_deref()),
        }
    }

    fn principal(&self, named: &[(String, String)]) -> (Code, String) {
        let providers: Vec<&str> = named
            .iter()
            .filter(|(kind, _)| kind == "Federated")
            .map(|(_, value)| value.as_str())
            .collect();
        if providers.is_empty() {
            let named: Vec<String> = named
                .iter()
                .map(|(kind, value)| format!("{kind} {value}"))
                .collect();
            return (
                Code::TrustPrincipal,
                format!(
                    "it trusts {}, and not the provider {}",
                    named.join(", "),
                    self.call.provider_arn
                ),
            );
        }
        (
            Code::TrustProvider,
            format!(
                "it trusts the provider {}, which is another cluster's or another account's; this cluster's is {}",
                providers.join(", "),
                self.call.provider_arn
            ),
        )
    }

    fn condition(&self, operator: &str, key: &str, values: &[String], found: Option<&str>) -> (Code, String) {
        let listed = values.join(", ");
        let is = |claim: &str| key.to_ascii_lowercase().ends_with(claim);
        if found.is_none() && (is(":sub") || is(":aud")) {
            return (
                Code::TrustOtherIssuer,
                format!(
                    "its condition is about {key}, which a token of this cluster does not have: here it is {}{}",
                    self.call.issuer,
                    if is(":sub") { ":sub" } else { ":aud" }
                ),
            );
        }
        if operator.to_ascii_lowercase().contains("not") {
            return (
                Code::TrustCondition,
                format!(
                    "{operator} {key} keeps out {listed}, and the call has {}",
                    found.unwrap_or("no such key")
                ),
            );
        }
        let literal = operator.to_ascii_lowercase().contains("stringequals");
        if is(":sub") {
            if values.contains(&self.call.audience) {
                return (
                    Code::TrustSwapped,
                    format!(
                        "sub and aud are swapped: {key} must be {}, and not {listed}",
                        self.call.subject
                    ),
                );
            }
            if literal && values.iter().any(|value| value.contains(['*', '?'])) {
                return (
                    Code::TrustWildcard,
                    format!(
                        "{operator} treats the wildcard in {listed} as a literal character: it works with \
                         StringLike only"
                    ),
                );
            }
            let mut parts = self.call.subject.rsplitn(2, ':');
            let (name, namespace) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            if values.iter().any(|value| value.ends_with(&format!(":{name}"))) {
                return (
                    Code::TrustNamespace,
                    format!("it lets {listed} in, which is another namespace than {namespace}'s"),
                );
            }
            return (
                Code::TrustSubject,
                format!("it lets {listed} in, and not {}", self.call.subject),
            );
        }
        if is(":aud") {
            if values
                .iter()
                .any(|value| value.starts_with("system:serviceaccount:"))
            {
                return (
                    Code::TrustSwapped,
                    format!(
                        "sub and aud are swapped: {key} must be {}, and not {listed}",
                        self.call.audience
                    ),
                );
            }
            return (
                Code::TrustAudience,
                format!(
                    "it accepts tokens for {listed}, and they are for {}",
                    self.call.audience
                ),
            );
        }
        (
            Code::TrustCondition,
            format!(
                "it demands {operator} {key} = {listed}, and the call has {}",
                found.map_or("no such key", |value| value)
            ),
        )
    }
}
