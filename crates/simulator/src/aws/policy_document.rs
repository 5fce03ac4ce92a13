//! The grammar that IAM asks of a policy document before it takes it, with IAM's own words.
//!
//! Only what IAM refuses outright; whether a document means something sensible is not looked at.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::refusal::Refusal;

/// What a document is for: the two kinds allow different elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DocumentKind {
    /// A role's trust policy.
    Trust,
    /// An inline policy.
    Identity,
}

/// Refuses a document that IAM refuses (`MalformedPolicyDocument`).
pub(super) fn check_policy_document(document: &Value, kind: DocumentKind) -> Result<(), Refusal> {
    let object = document
        .as_object()
        .ok_or_else(|| malformed("This policy contains invalid Json"))?;
    if let Some(unknown) = object
        .keys()
        .find(|key| !["Version", "Id", "Statement"].contains(&key.as_str()))
    {
        return Err(malformed(format!(
            "Syntax errors in policy: unknown element {unknown}."
        )));
    }
    let version = object.get("Version").map(Value::as_str);
    if !matches!(version, None | Some(Some("2012-10-17" | "2008-10-17"))) {
        return Err(malformed("The policy failed legacy parsing"));
    }
    let statements = match object.get("Statement") {
        Some(Value::Array(statements)) if !statements.is_empty() => statements.as_slice(),
        Some(statement @ Value::Object(_)) => std::slice::from_ref(statement),
        _ => return Err(malformed("Syntax errors in policy.")),
    };
    statements
        .iter()
        .try_for_each(|statement| check_statement(statement, kind))?;
    check_sids(statements)
}

fn check_sids(statements: &[Value]) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    for sid in statements.iter().filter_map(|statement| statement.get("Sid")) {
        let Some(sid) = sid.as_str() else {
            return Err(malformed("Syntax errors in policy."));
        };
        if !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(malformed(
                "Statement IDs (SID) should be alpha-numeric. Check that your input satisfies the regular expression \
                 [0-9A-Za-z]*",
            ));
        }
        if !sid.is_empty() && !seen.insert(sid) {
            return Err(malformed(
                "Statement IDs (SID) in a single policy must be unique.",
            ));
        }
    }
    Ok(())
}

fn check_statement(statement: &Value, kind: DocumentKind) -> Result<(), Refusal> {
    const ELEMENTS: [&str; 9] = [
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    ];
    let statement = statement
        .as_object()
        .ok_or_else(|| malformed("Syntax errors in policy."))?;
    if statement.keys().any(|key| !ELEMENTS.contains(&key.as_str()))
        || !matches!(
            statement.get("Effect").and_then(Value::as_str),
            Some("Allow" | "Deny")
        )
        || !matches!(statement.get("Condition"), None | Some(Value::Object(_)))
    {
        return Err(malformed("Syntax errors in policy."));
    }
    let actions = strings(statement.get("Action").or_else(|| statement.get("NotAction")));
    if actions.is_empty() {
        return Err(malformed("Policy statement must contain actions."));
    }
    if actions
        .iter()
        .any(|action| *action != "*" && !action.contains(':'))
    {
        return Err(malformed(
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ));
    }
    let has_principal = statement.contains_key("Principal") || statement.contains_key("NotPrincipal");
    if let Some(deleted) = strings(
        statement
            .get("Principal")
            .and_then(|principal| principal.get("AWS")),
    )
    .into_iter()
    .find(|principal| {
        ["AIDA", "AROA"]
            .iter()
            .any(|prefix| principal.starts_with(prefix))
    }) {
        return Err(malformed(format!(
            "Invalid principal in policy: \"AWS\":\"{deleted}\""
        )));
    }
    let has_resource = statement.contains_key("Resource") || statement.contains_key("NotResource");
    match kind {
        DocumentKind::Trust if !has_principal => Err(malformed("Missing required field Principal")),
        DocumentKind::Trust if has_resource => Err(malformed("Has prohibited field Resource")),
        DocumentKind::Trust if actions.iter().any(|action| !is_trust_action(action)) => Err(malformed(
            "AssumeRole policy may only specify STS AssumeRole actions.",
        )),
        DocumentKind::Identity if has_principal => {
            Err(malformed("Policy document should not specify a principal."))
        }
        DocumentKind::Identity if !has_resource => Err(malformed("Policy statement must contain resources.")),
        _ => Ok(()),
    }
}

fn is_trust_action(action: &str) -> bool {
    action == "*" || action.to_ascii_lowercase().starts_with("sts:")
}

fn strings(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn malformed(message: impl Into<String>) -> Refusal {
    Refusal::new("MalformedPolicyDocument", message)
}

#[cfg(test)]
mod tests {
    use super::DocumentKind::{Identity, Trust};
    use super::*;
    use serde_json::json;

    #[test]
    fn documents_are_refused_with_the_words_of_iam() {
        let trust = json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "x"}});
        let identity = json!({"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "*"});
        let without = |statement: &Value, key: &str| {
            let mut statement = statement.clone();
            statement.as_object_mut().unwrap().remove(key);
            statement
        };
        let with = |statement: &Value, key: &str, value: Value| {
            let mut statement = statement.clone();
            statement[key] = value;
            statement
        };
        let cases = [
            (Trust, trust.clone(), None),
            (Identity, identity.clone(), None),
            (
                Trust,
                with(&trust, "Principal", json!({"AWS": ["AIDAJQABLZS4A3QDU576Q"]})),
                Some("Invalid principal in policy: \"AWS\":\"AIDAJQABLZS4A3QDU576Q\""),
            ),
            (Identity, with(&identity, "Action", json!("*")), None),
            (
                Trust,
                without(&trust, "Principal"),
                Some("Missing required field Principal"),
            ),
            (
                Trust,
                with(&trust, "Resource", json!("*")),
                Some("Has prohibited field Resource"),
            ),
            (
                Trust,
                with(&trust, "Action", json!("s3:GetObject")),
                Some("AssumeRole policy may only specify STS AssumeRole actions."),
            ),
            (
                Identity,
                without(&identity, "Resource"),
                Some("Policy statement must contain resources."),
            ),
            (
                Identity,
                without(&identity, "Action"),
                Some("Policy statement must contain actions."),
            ),
            (
                Identity,
                with(&identity, "Principal", json!("*")),
                Some("Policy document should not specify a principal."),
            ),
            (
                Identity,
                with(&identity, "Effect", json!("allow")),
                Some("Syntax errors in policy."),
            ),
            (
                Identity,
                with(&identity, "Actions", json!("s3:*")),
                Some("Syntax errors in policy."),
            ),
            (Trust, with(&trust, "Sid", json!("Blue1")), None),
            (Trust, with(&trust, "Sid", json!("")), None),
            (
                Trust,
                with(&trust, "Sid", json!("blue-1")),
                Some(
                    "Statement IDs (SID) should be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
                ),
            ),
            (
                Identity,
                with(&identity, "Action", json!("GetObject")),
                Some("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."),
            ),
        ];
        for (kind, statement, wanted) in cases {
            for statements in [statement.clone(), json!([statement])] {
                let document = json!({"Version": "2012-10-17", "Statement": statements});
                let found = check_policy_document(&document, kind)
                    .err()
                    .map(|refusal| refusal.message);
                assert_eq!(found.as_deref(), wanted, "{document}");
            }
        }
        let twice = json!({"Statement": [with(&trust, "Sid", json!("A")), with(&trust, "Sid", json!("A"))]});
        assert!(
            check_policy_document(&twice, Trust)
                .unwrap_err()
                .message
                .contains("must be unique")
        );
        let empty = json!({"Version": "2012-10-17", "Statement": []});
        assert!(check_policy_document(&empty, Identity).is_err());
    }
}
