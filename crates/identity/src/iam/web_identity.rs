//! The call `AssumeRoleWithWebIdentity` of a service account, as the role's trust policy sees it: whether it is let
//! through, who else would be, and the policy that lets exactly this service account in.
//!
//! The call is not signed, so the trust policy alone decides (service control policies aside). Source of its condition
//! keys: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html> and "Actions,
//! resources, and condition keys for AWS Security Token Service" of the service authorization reference.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    policy::{RequestContext, TrustRequest, TrustVerdict, judge},
    trust::{irsa_statement, with_statement},
};

/// The action.
pub const ACTION: &str = "sts:AssumeRoleWithWebIdentity";

/// A call with a token of a service account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebIdentityCall {
    /// ARN of the provider in the role's account.
    pub provider_arn: String,
    /// The issuer without `https://`, as condition keys name it.
    pub issuer: String,
    /// `sub` of the token.
    pub subject: String,
    /// `aud` of the token.
    pub audience: String,
    /// Account of the role.
    pub account: String,
    /// When it is made; none where that is open.
    pub time: Option<Timestamp>,
}

/// Who else is let in besides the service account that shall be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breadth {
    /// Identities of other providers.
    AnyProvider,
    /// Every service account of the cluster.
    AnyServiceAccount,
    /// Service accounts of this name in every namespace.
    AnyNamespace,
    /// Tokens for every audience that the provider takes.
    AnyAudience,
}

/// A namespace, a name and a host that nobody has.
const NOBODY: &str = "zq7-eksact-asks-for-nobody-zq7";

impl WebIdentityCall {
    /// What a trust policy says to it.
    pub fn judged_by(&self, document: &Value) -> TrustVerdict {
        judge(
            document,
            &TrustRequest {
                action: ACTION,
                principal_kind: "Federated",
                principal: &self.provider_arn,
                context: &self.context(),
            },
        )
    }

    /// The condition keys. STS takes session tags and a source identity from the token, and tokens of service accounts have
    /// none; an external id cannot be passed. The session's name, its duration and the network are the caller's.
    pub fn context(&self) -> RequestContext {
        let key = |claim: &str| format!("{}:{claim}", self.issuer);
        let mut context = RequestContext::default()
            .of_provider(&self.issuer)
            .with(&key("sub"), &self.subject)
            .with(&key("aud"), &self.audience)
            // Claims that a token of Kubernetes does not have.
            .without(&key("amr"))
            .without(&key("azp"))
            .without(&key("email"))
            // STS has no endpoint without TLS.
            .with("aws:SecureTransport", "true")
            .with("aws:ResourceAccount", &self.account)
            .without("aws:RequestTag/")
            .without("aws:TagKeys")
            .without("sts:TransitiveTagKeys")
            .without("sts:SourceIdentity")
            .without("sts:ExternalId")
            .without("saml:sub")
            .without("saml:aud")
            .without("saml:iss")
            .without("saml:doc")
            .without("saml:namequalifier")
            .without("saml:sub_type");
        if let Some(time) = self.time {
            context = context
                .with("aws:CurrentTime", time.to_string())
                .with("aws:EpochTime", time.as_second().to_string());
        }
        context
    }

    /// Who else a trust policy lets in, or may let in: asked with callers that nobody meant.
    pub fn breadth_of(&self, document: &Value) -> Vec<Breadth> {
        let lets = |other: Self| {
            matches!(
                other.judged_by(document),
                TrustVerdict::Allowed | TrustVerdict::Depends(_)
            )
        };
        let name = self.subject.rsplit(':').next().unwrap_or_default();
        let any_provider = || Self {
            provider_arn: format!("{}.example", self.provider_arn.replace(&self.issuer, NOBODY)),
            issuer: format!("{NOBODY}.example"),
            ..self.clone()
        };
        let with_subject = |subject: String| Self {
            subject,
            ..self.clone()
        };
        let mut found = Vec::new();
        if lets(any_provider()) {
            found.push(Breadth::AnyProvider);
        }
        if lets(with_subject(format!("system:serviceaccount:{NOBODY}:{NOBODY}"))) {
            found.push(Breadth::AnyServiceAccount);
        } else if lets(with_subject(format!("system:serviceaccount:{NOBODY}:{name}"))) {
            found.push(Breadth::AnyNamespace);
        }
        let any_audience = Self {
            audience: NOBODY.to_owned(),
            ..self.clone()
        };
        if lets(any_audience) {
            found.push(Breadth::AnyAudience);
        }
        found
    }

    /// The statement that lets this caller in, and nobody else.
    pub fn statement(&self) -> Value {
        irsa_statement(
            &self.provider_arn,
            &self.issuer,
            &self.subject,
            false,
            &self.audience,
        )
    }

    /// A trust policy with what it takes to let this caller in: its statements that deny it left out, one that allows it
    /// added. None where that cannot be done, or would not help.
    pub fn let_in_by(&self, document: &Value) -> Option<Value> {
        let kept: Vec<Value> = statements_of(document)?
            .iter()
            .filter(|statement| self.judged_by(&alone(document, statement)) != TrustVerdict::Denied)
            .cloned()
            .collect();
        let without = with_statements(document, kept);
        let repaired = match self.judged_by(&without) {
            TrustVerdict::NotAllowed(_) => with_statement(&without, self.statement())?,
            _ => without,
        };
        matches!(
            self.judged_by(&repaired),
            TrustVerdict::Allowed | TrustVerdict::Depends(_)
        )
        .then_some(repaired)
    }

    /// A trust policy whose statements that let too many in through this provider let in this caller only. None where
    /// that would not end it, or would take somebody else's access.
    pub fn narrowed(&self, document: &Value) -> Option<Value> {
        let narrowed: Vec<Value> = statements_of(document)?
            .iter()
            .map(|statement| {
                if self.breadth_of(&alone(document, statement)).is_empty() {
                    statement.clone()
                } else {
                    self.narrowed_statement(statement)
                }
            })
            .collect();
        let narrowed = with_statements(document, narrowed);
        let is_whole = self.judged_by(&narrowed) == self.judged_by(document);
        (is_whole && self.breadth_of(&narrowed).is_empty()).then_some(narrowed)
    }

    /// The statement with conditions on subject and audience in place of its own, and with this provider in place of
    /// everyone. A statement that names others besides this provider stays as it is: they would not fit the conditions.
    fn narrowed_statement(&self, statement: &Value) -> Value {
        let mut narrowed = statement.clone();
        let Some(fields) = narrowed.as_object_mut() else {
            return narrowed;
        };
        let own = json!({"Federated": self.provider_arn});
        match fields.get("Principal") {
            Some(everyone) if *everyone == json!("*") || *everyone == json!({"AWS": "*"}) => {
                fields.insert("Principal".to_owned(), own);
                fields.remove("NotAction");
                fields.insert("Action".to_owned(), json!([ACTION]));
            }
            Some(principal)
                if *principal == own || *principal == json!({"Federated": [self.provider_arn]}) => {}
            _ => return narrowed,
        }
        let keys = [format!("{}:sub", self.issuer), format!("{}:aud", self.issuer)];
        let is_replaced = |key: &String| keys.iter().any(|own| own.eq_ignore_ascii_case(key));
        let mut conditions = Map::new();
        let written = fields.get("Condition").and_then(Value::as_object);
        for (operator, values) in written.into_iter().flatten() {
            let mut values = values.clone();
            if let Some(values) = values.as_object_mut() {
                values.retain(|key, _| !is_replaced(key));
                if values.is_empty() {
                    continue;
                }
            }
            conditions.insert(operator.clone(), values);
        }
        let equals = conditions
            .entry("StringEquals")
            .or_insert_with(|| Value::Object(Map::new()));
        if let Some(equals) = equals.as_object_mut() {
            let [sub, aud] = keys;
            equals.insert(sub, json!(self.subject));
            equals.insert(aud, json!(self.audience));
        }
        fields.insert("Condition".to_owned(), Value::Object(conditions));
        narrowed
    }
}

/// The statements of a document as they are written.
fn statements_of(document: &Value) -> Option<&[Value]> {
    match document.as_object()?.get("Statement")? {
        Value::Array(statements) => Some(statements),
        single @ Value::Object(_) => Some(std::slice::from_ref(single)),
        _ => None,
    }
}

fn with_statements(document: &Value, statements: Vec<Value>) -> Value {
    let mut document = document.clone();
    if let Some(fields) = document.as_object_mut() {
        fields.insert("Statement".to_owned(), Value::Array(statements));
    }
    document
}

/// A document with this statement only.
fn alone(document: &Value, statement: &Value) -> Value {
    with_statements(document, vec![statement.clone()])
}

#[cfg(test)]
mod tests;
