//! OIDC providers and the trust policies of IAM roles for service accounts: how they are written, and who a trust
//! policy lets in through a provider.
//!
//! Sources: eksctl 0.231 `pkg/iam/oidc/api.go` and `pkg/cfn/builder/iam.go` (the shape, which is kept to the letter);
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html> (the URL).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::policy::{Effect, statements};
use super::{Arn, Partition};

/// The audience of a service account's token, in every partition (China's too).
pub const AUDIENCE: &str = "sts.amazonaws.com";

/// What a pod asks STS for.
pub const ASSUME_WITH_WEB_IDENTITY: &str = "sts:AssumeRoleWithWebIdentity";

const MAX_URL_LENGTH: usize = 255;

/// Why an issuer cannot be an OIDC provider in IAM.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("issuer `{issuer}` cannot be an OIDC provider in IAM: {reason}")]
pub struct IssuerError {
    /// The issuer as the cluster names it.
    pub issuer: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// The URL under which IAM knows an issuer: `https`, a host in lower case, a path; no port, no trailing slash.
///
/// Port 443 is left out, because IAM's ARN of the provider has none; any other port is an error, as IAM would
/// silently ignore it.
pub fn provider_url(issuer: &str) -> Result<String, IssuerError> {
    let error = |reason| IssuerError {
        issuer: issuer.to_owned(),
        reason,
    };
    let rest = issuer
        .strip_prefix("https://")
        .ok_or_else(|| error("it does not begin with https://"))?;
    let (authority, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, ""),
    };
    if rest.contains(['?', '#', '@', '\\'])
        || rest.contains(|letter: char| letter.is_whitespace() || letter.is_control())
    {
        return Err(error("it has a query, a fragment, a user or a space"));
    }
    if path.ends_with('/') {
        return Err(error("it ends in a slash, and tokens would not match it"));
    }
    let host = match authority.split_once(':') {
        None => authority,
        Some((host, "443")) => host,
        Some(_) => return Err(error("it has a port other than 443")),
    };
    let is_host = |host: &str| {
        host.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
    };
    if host.is_empty() || !is_host(host) {
        return Err(error("it has no host name"));
    }
    let url = format!("https://{}{path}", host.to_ascii_lowercase());
    if url.len() > MAX_URL_LENGTH {
        return Err(error("it is longer than 255 characters"));
    }
    Ok(url)
}

/// What stands for an issuer in ARNs and condition keys: its provider URL without `https://`.
pub fn issuer_without_scheme(issuer: &str) -> Result<String, IssuerError> {
    let url = provider_url(issuer)?;
    Ok(url.trim_start_matches("https://").to_owned())
}

/// The ARN that the provider of an issuer has in an account.
pub fn provider_arn(partition: Partition, account: &str, issuer: &str) -> Result<Arn, IssuerError> {
    let issuer = issuer_without_scheme(issuer)?;
    Ok(Arn::iam(partition, account, &format!("oidc-provider/{issuer}")))
}

/// The subject of a service account's token.
pub fn subject(namespace: &str, name: &str) -> String {
    format!("system:serviceaccount:{namespace}:{name}")
}

/// The trust policy of a role for one service account, as eksctl writes it.
///
/// `issuer_without_scheme` is the issuer's host and path. `subject_pattern` takes the place of the name alone, and
/// may hold wildcards (eksctl's `subjectPattern`).
pub fn irsa_trust_policy(
    provider_arn: &str,
    issuer_without_scheme: &str,
    namespace: &str,
    name: &str,
    subject_pattern: Option<&str>,
) -> Value {
    let (subject, is_pattern) = match subject_pattern {
        None => (subject(namespace, name), false),
        Some(pattern) => (subject(namespace, pattern), true),
    };
    json!({
        "Version": "2012-10-17",
        "Statement": [irsa_statement(provider_arn, issuer_without_scheme, &subject, is_pattern, AUDIENCE)],
    })
}

/// The statement of a trust policy that lets one subject in, in eksctl's shape. `is_pattern` says whether `subject` may
/// hold wildcards.
pub fn irsa_statement(
    provider_arn: &str,
    issuer_without_scheme: &str,
    subject: &str,
    is_pattern: bool,
    audience: &str,
) -> Value {
    json!({
        "Effect": "Allow",
        "Principal": {"Federated": provider_arn},
        "Action": [ASSUME_WITH_WEB_IDENTITY],
        "Condition": condition(issuer_without_scheme, &json!(subject), is_pattern, audience),
    })
}

/// One statement that lets several service accounts of one cluster in. A subject with `*` or `?` is a pattern.
///
/// `issuer_without_scheme` is the issuer's host and path, `subjects` are those of the tokens (see [`subject`]).
pub fn web_identity_statement(
    sid: &str,
    provider_arn: &str,
    issuer_without_scheme: &str,
    subjects: &BTreeSet<String>,
) -> Value {
    let is_pattern = subjects.iter().any(|subject| subject.contains(['*', '?']));
    // The length of a trust policy is limited: one value needs no list.
    let list: Vec<&String> = subjects.iter().collect();
    let subjects = match list.as_slice() {
        [one] => json!(one),
        several => json!(several),
    };
    json!({
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Federated": provider_arn},
        "Action": ASSUME_WITH_WEB_IDENTITY,
        "Condition": condition(issuer_without_scheme, &subjects, is_pattern, AUDIENCE),
    })
}

fn condition(issuer_without_scheme: &str, subjects: &Value, is_pattern: bool, audience: &str) -> Value {
    let audience_key = format!("{issuer_without_scheme}:aud");
    let subject_key = format!("{issuer_without_scheme}:sub");
    if is_pattern {
        json!({"StringEquals": {audience_key: audience}, "StringLike": {subject_key: subjects}})
    } else {
        json!({"StringEquals": {audience_key: audience, subject_key: subjects}})
    }
}

/// A trust policy with one more statement at its end, everything else as it is; nothing where it is no document that a
/// statement could be added to.
pub fn with_statement(document: &Value, statement: Value) -> Option<Value> {
    let mut document = document.clone();
    let statements = document.as_object_mut()?.get_mut("Statement")?;
    match statements {
        Value::Array(statements) => statements.push(statement),
        Value::Object(_) => *statements = json!([statements.take(), statement]),
        _ => return None,
    }
    Some(document)
}

/// Whom a trust policy lets in through a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderTrust {
    /// The subjects that its conditions name, patterns included, in order and each once.
    pub subjects: Vec<String>,
    /// Whether some statement names no subject, so that every identity of the provider is let in.
    pub any_subject: bool,
}

/// Whether a trust policy trusts a provider, whoever of its identities.
pub fn trusts_provider(document: &Value, provider_arn: &str) -> bool {
    provider_trust(document, provider_arn).is_some()
}

/// Whom a trust policy lets in through a provider; nothing if it does not trust it.
///
/// A document that cannot be read as a policy but names the provider anywhere counts as trusting it with any subject:
/// the answer guards deletions.
pub fn provider_trust(document: &Value, provider_arn: &str) -> Option<ProviderTrust> {
    let Some(statements) = statements(document) else {
        return names(document, provider_arn).then(|| ProviderTrust {
            subjects: Vec::new(),
            any_subject: true,
        });
    };
    let mut subjects = std::collections::BTreeSet::new();
    let mut any_subject = false;
    let mut trusted = false;
    for statement in statements {
        if statement.effect != Effect::Allow || !statement.has_principal("Federated", provider_arn) {
            continue;
        }
        trusted = true;
        let named = statement.required_values(|key| key.ends_with(":sub"));
        any_subject |= named.is_empty();
        subjects.extend(named);
    }
    trusted.then(|| ProviderTrust {
        subjects: subjects.into_iter().collect(),
        any_subject,
    })
}

fn names(value: &Value, text: &str) -> bool {
    match value {
        Value::String(own) => own == text,
        Value::Array(values) => values.iter().any(|value| names(value, text)),
        Value::Object(fields) => fields.values().any(|value| names(value, text)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://oidc.eks.us-west-2.amazonaws.com/id/A39A2842863C47208955D753DE205E6E";
    const PROVIDER: &str = "arn:aws:iam::456123987123:oidc-provider/oidc.eks.us-west-2.amazonaws.com/id/A39A2842863C47208955D753DE205E6E";

    #[test]
    fn provider_of_an_issuer() {
        assert_eq!(provider_url(ISSUER).as_deref(), Ok(ISSUER));
        assert_eq!(
            provider_arn(Partition::Aws, "456123987123", ISSUER)
                .unwrap()
                .to_string(),
            PROVIDER
        );
        assert_eq!(
            provider_url("https://Example.com:443/a").as_deref(),
            Ok("https://example.com/a")
        );
        assert_eq!(
            provider_url("https://example.com").as_deref(),
            Ok("https://example.com")
        );
        assert_eq!(
            provider_arn(
                Partition::China,
                "456123987123",
                "https://oidc.eks.cn-north-1.amazonaws.com.cn/id/A"
            )
            .unwrap()
            .to_string(),
            "arn:aws-cn:iam::456123987123:oidc-provider/oidc.eks.cn-north-1.amazonaws.com.cn/id/A"
        );
    }

    #[test]
    fn issuers_that_iam_cannot_know() {
        let long = format!("https://example.com/{}", "a".repeat(255));
        for issuer in [
            "http://example.com",
            "example.com",
            "https://",
            "https:///a",
            "https://example.com:8443/a",
            "https://example.com/",
            "https://user@example.com",
            "https://example.com/a?b",
            "https://example.com/a#b",
            "https://exam ple.com",
            &long,
        ] {
            assert!(provider_url(issuer).is_err(), "{issuer}");
        }
    }

    #[test]
    fn trust_policies_in_eksctls_shape() {
        let issuer = issuer_without_scheme(ISSUER).unwrap();
        let exact = irsa_trust_policy(PROVIDER, &issuer, "default", "sa-1", None);
        assert_eq!(
            exact,
            json!({"Version": "2012-10-17", "Statement": [{
            "Action": ["sts:AssumeRoleWithWebIdentity"],
            "Condition": {"StringEquals": {
                "oidc.eks.us-west-2.amazonaws.com/id/A39A2842863C47208955D753DE205E6E:aud": "sts.amazonaws.com",
                "oidc.eks.us-west-2.amazonaws.com/id/A39A2842863C47208955D753DE205E6E:sub": "system:serviceaccount:default:sa-1"}},
            "Effect": "Allow",
            "Principal": {"Federated": PROVIDER}}]})
        );
        let pattern = irsa_trust_policy(PROVIDER, &issuer, "default", "sa-1", Some("app-*"));
        assert_eq!(
            pattern["Statement"][0]["Condition"],
            json!({
            "StringEquals": {"oidc.eks.us-west-2.amazonaws.com/id/A39A2842863C47208955D753DE205E6E:aud": "sts.amazonaws.com"},
            "StringLike": {"oidc.eks.us-west-2.amazonaws.com/id/A39A2842863C47208955D753DE205E6E:sub": "system:serviceaccount:default:app-*"}})
        );
    }

    #[test]
    fn statement_is_added_and_nothing_else_changes() {
        let own = irsa_statement(PROVIDER, "x", "system:serviceaccount:app:web", false, AUDIENCE);
        let other = json!({"Sid": "Other", "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}});
        for before in [json!([other]), other.clone()] {
            let document = json!({"Version": "2008-10-17", "Id": "mine", "Statement": before});
            assert_eq!(
                with_statement(&document, own.clone()),
                Some(json!({"Version": "2008-10-17", "Id": "mine", "Statement": [other, own]}))
            );
        }
        for odd in [json!([]), json!({}), json!({"Statement": "x"}), Value::Null] {
            assert_eq!(with_statement(&odd, own.clone()), None, "{odd}");
        }
    }

    #[test]
    fn who_still_trusts_a_provider() {
        let own = irsa_trust_policy(PROVIDER, "x", "app", "reader", None);
        let found = provider_trust(&own, PROVIDER).unwrap();
        assert_eq!(
            (found.subjects, found.any_subject),
            (vec!["system:serviceaccount:app:reader".to_owned()], false)
        );
        assert!(!trusts_provider(
            &own,
            "arn:aws:iam::456123987123:oidc-provider/other"
        ));

        let mixed = json!({"Statement": [
            {"Effect": "Deny", "Action": "sts:*", "Principal": {"Federated": PROVIDER}},
            {"Effect": "Allow", "Action": "sts:*", "Principal": {"Federated": ["x", PROVIDER]},
             "Condition": {"StringNotLike": {"x:sub": "a"}}}]});
        let found = provider_trust(&mixed, PROVIDER).unwrap();
        assert_eq!((found.subjects, found.any_subject), (vec![], true));

        let denied =
            json!({"Statement": {"Effect": "Deny", "Action": "sts:*", "Principal": {"Federated": PROVIDER}}});
        assert!(!trusts_provider(&denied, PROVIDER));
        assert!(trusts_provider(
            &json!({"Statement": [{"Odd": {"Federated": PROVIDER}}]}),
            PROVIDER
        ));
    }
}
