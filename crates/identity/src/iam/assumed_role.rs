//! The trust policy of a role that people or pipelines assume.
//!
//! Sources: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html> (MFA, session name, external id)
//! and <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html>.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::trust::ASSUME_WITH_WEB_IDENTITY;

/// Who may assume a role, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssumedBy {
    /// ARNs of users and roles, and of the roots of accounts.
    pub principals: BTreeSet<String>,
    /// Whether their session must have been opened with MFA.
    pub mfa: bool,
    /// The name that they must give their session; IAM's variables may stand in it.
    pub session_name: Option<String>,
    /// What they must give as the external id.
    pub external_id: Option<String>,
    /// Subjects of tokens, by the provider that signs them.
    pub oidc: BTreeMap<OidcProviderTrust, BTreeSet<String>>,
}

/// An OIDC provider, and the audience of its tokens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OidcProviderTrust {
    /// The ARN of the provider.
    pub arn: String,
    /// Its issuer without `https://`: what stands before `:sub` in conditions.
    pub issuer: String,
    /// The audience.
    pub audience: String,
}

impl AssumedBy {
    /// The trust policy.
    pub fn trust_policy(&self) -> Value {
        let mut statements = Vec::new();
        if !self.principals.is_empty() {
            statements.push(self.of_principals());
        }
        statements.extend(
            self.oidc
                .iter()
                .map(|(provider, subjects)| of_provider(provider, subjects)),
        );
        json!({"Version": "2012-10-17", "Statement": statements})
    }

    fn of_principals(&self) -> Value {
        let principals: Vec<&String> = self.principals.iter().collect();
        let mut statement = json!({
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"AWS": one_or_all(&principals)},
        });
        let mut conditions = Map::new();
        if self.mfa {
            conditions.insert("Bool".to_owned(), json!({"aws:MultiFactorAuthPresent": "true"}));
        }
        if let Some(id) = &self.external_id {
            conditions.insert("StringEquals".to_owned(), json!({"sts:ExternalId": id}));
        }
        if let Some(name) = &self.session_name {
            conditions.insert("StringLike".to_owned(), json!({"sts:RoleSessionName": name}));
        }
        if let (false, Some(statement)) = (conditions.is_empty(), statement.as_object_mut()) {
            statement.insert("Condition".to_owned(), Value::Object(conditions));
        }
        statement
    }
}

fn of_provider(provider: &OidcProviderTrust, subjects: &BTreeSet<String>) -> Value {
    let subjects: Vec<&String> = subjects.iter().collect();
    let (audience, subject) = (
        format!("{}:aud", provider.issuer),
        format!("{}:sub", provider.issuer),
    );
    let is_pattern = subjects.iter().any(|subject| subject.contains(['*', '?']));
    let conditions = if is_pattern {
        json!({"StringEquals": {audience: provider.audience}, "StringLike": {subject: one_or_all(&subjects)}})
    } else {
        json!({"StringEquals": {audience: provider.audience, subject: one_or_all(&subjects)}})
    };
    json!({
        "Effect": "Allow",
        "Action": ASSUME_WITH_WEB_IDENTITY,
        "Principal": {"Federated": provider.arn},
        "Condition": conditions,
    })
}

/// One alone, as IAM writes it, or the list.
fn one_or_all(texts: &[&String]) -> Value {
    match texts {
        [one] => json!(one),
        all => json!(all),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::policy::{PolicyKind, check_grammar};

    #[test]
    fn people_with_mfa_and_a_pipeline_by_its_token() {
        let assumed = AssumedBy {
            principals: BTreeSet::from(["arn:aws:iam::111122223333:user/nina".to_owned()]),
            mfa: true,
            session_name: Some("${aws:username}".to_owned()),
            external_id: None,
            oidc: BTreeMap::from([(
                OidcProviderTrust {
                    arn: "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
                        .to_owned(),
                    issuer: "token.actions.githubusercontent.com".to_owned(),
                    audience: "sts.amazonaws.com".to_owned(),
                },
                BTreeSet::from(["repo:acme/shop:ref:refs/heads/*".to_owned()]),
            )]),
        };
        let document = assumed.trust_policy();
        assert_eq!(
            document,
            json!({"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": "sts:AssumeRole",
                 "Principal": {"AWS": "arn:aws:iam::111122223333:user/nina"},
                 "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"},
                               "StringLike": {"sts:RoleSessionName": "${aws:username}"}}},
                {"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
                 "Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},
                 "Condition": {"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"},
                               "StringLike": {"token.actions.githubusercontent.com:sub": "repo:acme/shop:ref:refs/heads/*"}}}]})
        );
        assert_eq!(check_grammar(&document, PolicyKind::Trust).len(), 0);
    }
}
