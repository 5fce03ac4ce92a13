//! Policy documents: whether they are well formed, whether two of them are the same policy, what differs between
//! them statement by statement, and whether a change grants more.
//!
//! Documents come and go as JSON values, as IAM and CloudFormation give them. How a difference is drawn is the
//! view's business; who may change a policy is the guards'.

pub mod authorization;
mod condition;
mod containment;
mod context;
mod difference;
mod document;
mod evaluation;
mod grammar;
mod key_states;
mod matching;
mod network;
mod operator;
mod pattern;
mod region;
mod request;
mod texts;
mod variables;
mod wording;

#[cfg(test)]
mod laws;

use serde_json::Value;

pub use containment::AccessEffect;
pub use context::RequestContext;
pub use difference::{
    DifferenceLine, LineSign, PolicyDifference, StatementDifference, StatementSign, difference,
};
pub use document::{Effect, one_or_many};
pub use evaluation::Doubt;
pub use grammar::{GrammarError, PolicyKind, check_grammar};
pub use matching::{Objection, ResourceDoubt};
pub use request::{Open, TrustRequest, TrustVerdict, judge};

use document::Document;
pub(super) use document::statements;

/// Whether two documents are the same policy.
///
/// Statements and the values of each element are sets: order, repetition and string-versus-list do not matter. Nor do
/// `Sid` and `Id`, the case of action names, of condition operators and of condition keys, or whether a condition
/// value is written `true` or `"true"`. `Version` does matter (an absent one is `2008-10-17`): it decides whether
/// policy variables are expanded. A document that cannot be read as a policy equals only itself, as JSON.
pub fn equal(left: &Value, right: &Value) -> bool {
    match (Document::read(left), Document::read(right)) {
        (Some(left), Some(right)) => left == right,
        _ => left == right,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn spelling_does_not_make_two_policies() {
        let file = json!({
            "Version": "2012-10-17", "Id": "x",
            "Statement": {
                "Sid": "Read", "Effect": "Allow", "Action": "s3:getobject", "Resource": ["arn:aws:s3:::data/*"],
                "Condition": {"Bool": {"aws:SecureTransport": true}, "NumericLessThan": {"aws:MultiFactorAuthAge": 3600}}
            }
        });
        let live = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::data/*",
                "Condition": {"bool": {"aws:securetransport": ["true"]}, "NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}}
            }]
        });
        assert!(equal(&file, &live));
    }

    #[test]
    fn principals_have_two_spellings() {
        let trust = |principal: Value| {
            json!({"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}]})
        };
        assert!(equal(
            &trust(json!({"AWS": "123456789012"})),
            &trust(json!({"AWS": ["arn:aws:iam::123456789012:root"]}))
        ));
        assert!(equal(&trust(json!("*")), &trust(json!({"AWS": "*"}))));
        assert!(!equal(&trust(json!("*")), &trust(json!({"Service": "*"}))));
        assert!(!equal(
            &trust(json!({"AWS": "arn:aws:iam::123456789012:role/Reader"})),
            &trust(json!({"AWS": "arn:aws:iam::123456789012:role/reader"}))
        ));
    }

    #[test]
    fn version_resource_case_and_effect_are_differences() {
        let policy = |version: Option<&str>, effect: &str, resource: &str| {
            let mut document =
                json!({"Statement": [{"Effect": effect, "Action": "s3:*", "Resource": resource}]});
            if let Some(version) = version {
                document["Version"] = json!(version);
            }
            document
        };
        let old = policy(Some("2008-10-17"), "Allow", "arn:aws:s3:::a/*");
        assert!(equal(&old, &policy(None, "Allow", "arn:aws:s3:::a/*")));
        assert!(!equal(
            &old,
            &policy(Some("2012-10-17"), "Allow", "arn:aws:s3:::a/*")
        ));
        assert!(!equal(&old, &policy(None, "Deny", "arn:aws:s3:::a/*")));
        assert!(!equal(&old, &policy(None, "Allow", "arn:aws:s3:::A/*")));
    }

    #[test]
    fn policy_that_cannot_be_read_equals_only_itself() {
        let strange =
            json!({"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": {"Ref": "Bucket"}}]});
        assert!(equal(&strange, &strange));
        assert!(!equal(&strange, &json!({"Statement": []})));
        assert!(equal(&json!("text"), &json!("text")));
    }

    #[test]
    fn condition_written_twice_in_two_cases_is_not_merged() {
        // IAM asks for both; one set with both values would ask for either.
        let twice = json!({"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*",
            "Condition": {"StringEquals": {"aws:x": "1", "aws:X": "2"}}}]});
        let either = json!({"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*",
            "Condition": {"StringEquals": {"aws:x": ["1", "2"]}}}]});
        assert!(!equal(&twice, &either));
    }
}
