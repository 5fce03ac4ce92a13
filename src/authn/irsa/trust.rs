//! The trust policy of the role, asked as STS asks it, and its refusal in words: which condition fails, and why.

use crate::remedy::Remedy;
use std::collections::BTreeMap;

use super::{Account, Chain, Link, Role, audience_of, key_prefix};
use crate::iam::{
    policy::{Objection, TrustRequest, TrustVerdict, judge},
    trust::{provider_arn, subject},
};

const NAME: &str = "trust policy";
const ACTION: &str = "sts:AssumeRoleWithWebIdentity";

/// Asks the trust policy for this service account.
pub(super) fn check(chain: &Chain, account: &Account, role: &Role) -> Link {
    let (Some(prefix), Some(issuer)) = (key_prefix(chain), &chain.issuer) else {
        return Link::unknown(NAME, "without an issuer there is nobody to trust");
    };
    // A role of another account trusts the provider of its own.
    let home = role
        .arn
        .parse::<crate::iam::Arn>()
        .map_or_else(|_| chain.account.clone(), |arn| arn.account);
    let provider = match provider_arn(chain.partition, &home, issuer) {
        Ok(arn) => arn.to_string(),
        Err(error) => return Link::unknown(NAME, error.to_string()),
    };
    let subject = subject(&chain.namespace, &chain.name);
    let audience = audience_of(Some(account));
    let folded = prefix.to_ascii_lowercase();
    let context = BTreeMap::from([
        (format!("{folded}:sub"), subject.clone()),
        (format!("{folded}:aud"), audience.to_owned()),
    ]);
    let request = TrustRequest {
        action: ACTION,
        principal_kind: "Federated",
        principal: &provider,
        context: &context,
    };
    let refused = match judge(&role.trust_policy, &request) {
        TrustVerdict::Allowed => return Link::whole(NAME, format!("it lets {subject} in")),
        TrustVerdict::Denied => {
            return Link::broken(
                NAME,
                "trust-denied",
                format!("a Deny statement keeps {subject} out"),
            );
        }
        TrustVerdict::Unreadable => {
            return Link::unknown(
                NAME,
                "it is not written in plain policy language, and so cannot be judged",
            );
        }
        TrustVerdict::NotAllowed(refused) => refused,
    };
    let Some(nearest) = refused.first() else {
        return Link::broken(NAME, "trust-nobody", "it lets nobody in").help(mend(chain));
    };
    let words = Words {
        provider: &provider,
        prefix: &prefix,
        subject: &subject,
        audience,
    };
    let unknown = nearest
        .iter()
        .all(|objection| matches!(objection, Objection::Condition { unknown: true, .. }));
    let told: Vec<(&'static str, String)> = nearest.iter().map(|objection| words.of(objection)).collect();
    let code = told.first().map_or("trust-refuses", |(code, _)| *code);
    let says = told
        .into_iter()
        .map(|(_, says)| says)
        .collect::<Vec<_>>()
        .join("; ");
    if unknown {
        return Link::unknown(NAME, says)
            .code("trust-unknown")
            .help(remedy!("Only the call itself can tell: --try."));
    }
    Link::broken(NAME, code, says).help(mend(chain))
}

fn mend(chain: &Chain) -> Remedy {
    remedy!(
        "`eksact apply -f` with the file that has {}/{} writes the trust policy anew; `eksact plan -f` shows it first.",
        chain.namespace,
        chain.name
    )
}

struct Words<'words> {
    provider: &'words str,
    prefix: &'words str,
    subject: &'words str,
    audience: &'words str,
}

impl Words<'_> {
    /// A code and the words for what stands against the request.
    fn of(&self, objection: &Objection) -> (&'static str, String) {
        match objection {
            Objection::Action { named } => (
                "trust-action",
                format!("it allows {} and not {ACTION}", named.join(", ")),
            ),
            Objection::Principal { named } => self.principal(named),
            Objection::Condition {
                operator,
                key,
                values,
                found,
                unknown,
            } => self.condition(operator, key, values, found.as_deref(), *unknown),
        }
    }

    fn principal(&self, named: &[(String, String)]) -> (&'static str, String) {
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
                "trust-principal",
                format!(
                    "it trusts {}, and not the provider {}",
                    named.join(", "),
                    self.provider
                ),
            );
        }
        (
            "trust-provider",
            format!(
                "it trusts the provider {}, which is another cluster's or another account's; this cluster's is {}",
                providers.join(", "),
                self.provider
            ),
        )
    }

    fn condition(
        &self,
        operator: &str,
        key: &str,
        values: &[String],
        found: Option<&str>,
        unknown: bool,
    ) -> (&'static str, String) {
        let listed = values.join(", ");
        if unknown {
            return (
                "trust-unknown",
                format!("whether {operator} {key} = {listed} holds cannot be told here"),
            );
        }
        let is = |claim: &str| key.to_ascii_lowercase().ends_with(claim);
        if found.is_none() && (is(":sub") || is(":aud")) {
            return (
                "trust-other-issuer",
                format!(
                    "its condition is about {key}, which a token of this cluster does not have: here it is {}{}",
                    self.prefix,
                    if is(":sub") { ":sub" } else { ":aud" }
                ),
            );
        }
        if operator.to_ascii_lowercase().contains("not") {
            return (
                "trust-condition",
                format!(
                    "{operator} {key} keeps out {listed}, and the call has {}",
                    found.unwrap_or("no such key")
                ),
            );
        }
        let literal = operator.to_ascii_lowercase().contains("stringequals");
        if is(":sub") {
            if values.iter().any(|value| value == self.audience) {
                return (
                    "trust-swapped",
                    format!(
                        "sub and aud are swapped: {key} shall be {}, and not {listed}",
                        self.subject
                    ),
                );
            }
            if literal && values.iter().any(|value| value.contains(['*', '?'])) {
                return (
                    "trust-wildcard",
                    format!(
                        "{operator} takes the wildcard in {listed} for a letter: it works with StringLike only"
                    ),
                );
            }
            let mut parts = self.subject.rsplitn(2, ':');
            let (name, namespace) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            if values.iter().any(|value| value.ends_with(&format!(":{name}"))) {
                return (
                    "trust-namespace",
                    format!("it lets {listed} in, which is another namespace than {namespace}'s"),
                );
            }
            return (
                "trust-subject",
                format!("it lets {listed} in, and not {}", self.subject),
            );
        }
        if is(":aud") {
            if values
                .iter()
                .any(|value| value.starts_with("system:serviceaccount:"))
            {
                return (
                    "trust-swapped",
                    format!(
                        "sub and aud are swapped: {key} shall be {}, and not {listed}",
                        self.audience
                    ),
                );
            }
            return (
                "trust-audience",
                format!("it wants tokens for {listed}, and they are for {}", self.audience),
            );
        }
        (
            "trust-condition",
            format!(
                "it demands {operator} {key} = {listed}, and the call has {}",
                found.map_or("no such key", |value| value)
            ),
        )
    }
}
