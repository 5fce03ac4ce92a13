//! CloudFormation's intrinsic functions, as far as templates of IAM roles use them: `Ref` of a pseudo parameter,
//! `Fn::Sub` and `Fn::Join`.
//!
//! Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html>.

use serde_json::{Map, Value};

use super::wanted_role::{ResolveContext, ResolveError};

/// Replaces every intrinsic function in a value by what it stands for. `at` is the value's JSON pointer in its
/// template, for errors.
pub(super) fn resolve_value(
    value: &Value,
    at: &str,
    context: &ResolveContext,
) -> Result<Value, ResolveError> {
    match value {
        Value::Array(values) => values
            .iter()
            .enumerate()
            .map(|(index, value)| resolve_value(value, &format!("{at}/{index}"), context))
            .collect::<Result<Vec<Value>, _>>()
            .map(Value::Array),
        Value::Object(fields) => match function(fields) {
            Some((name, argument)) => call(name, argument, at, context).map(Value::String),
            None => fields
                .iter()
                .map(|(key, value)| {
                    Ok((
                        key.clone(),
                        resolve_value(value, &format!("{at}/{key}"), context)?,
                    ))
                })
                .collect::<Result<Map<String, Value>, _>>()
                .map(Value::Object),
        },
        plain => Ok(plain.clone()),
    }
}

/// Replaces an intrinsic function by a text; anything but a text is an error.
pub(super) fn resolve_text(
    value: &Value,
    at: &str,
    context: &ResolveContext,
) -> Result<String, ResolveError> {
    match resolve_value(value, at, context)? {
        Value::String(text) => Ok(text),
        _ => Err(ResolveError::NotText {
            pointer: at.to_owned(),
        }),
    }
}

/// The logical id that a value refers to, if it is `Ref`.
pub(super) fn referred_id(value: &Value) -> Option<&str> {
    match function(value.as_object()?)? {
        ("Ref", argument) => argument.as_str(),
        _ => None,
    }
}

fn function(fields: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut entries = fields.iter();
    let (name, argument) = entries.next()?;
    let is_function = entries.next().is_none() && (name == "Ref" || name.starts_with("Fn::"));
    is_function.then_some((name.as_str(), argument))
}

fn call(name: &str, argument: &Value, at: &str, context: &ResolveContext) -> Result<String, ResolveError> {
    let unknown = || ResolveError::Unknown {
        pointer: at.to_owned(),
        function: format!("{name} {argument}"),
    };
    match (name, argument) {
        ("Ref", Value::String(id)) => pseudo_parameter(id, context).ok_or_else(unknown),
        ("Fn::Sub", Value::String(text)) => substitute(text, &Map::new(), at, context),
        ("Fn::Sub", Value::Array(arguments)) => match arguments.as_slice() {
            [Value::String(text), Value::Object(variables)] => substitute(text, variables, at, context),
            _ => Err(unknown()),
        },
        ("Fn::Join", Value::Array(arguments)) => match arguments.as_slice() {
            [Value::String(delimiter), Value::Array(parts)] => {
                let parts: Vec<String> = parts
                    .iter()
                    .map(|part| resolve_text(part, at, context))
                    .collect::<Result<_, _>>()?;
                Ok(parts.join(delimiter))
            }
            _ => Err(unknown()),
        },
        _ => Err(unknown()),
    }
}

fn pseudo_parameter(name: &str, context: &ResolveContext) -> Option<String> {
    Some(match name {
        "AWS::Partition" => context.partition.as_str().to_owned(),
        "AWS::URLSuffix" => context.partition.dns_suffix().to_owned(),
        "AWS::StackName" => context.stack_name.clone(),
        "AWS::AccountId" => context.account.clone(),
        "AWS::Region" => context.region.clone(),
        _ => return None,
    })
}

fn substitute(
    text: &str,
    variables: &Map<String, Value>,
    at: &str,
    context: &ResolveContext,
) -> Result<String, ResolveError> {
    let mut resolved = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        resolved.push_str(before);
        let Some((name, following)) = after.split_once('}') else {
            return Err(ResolveError::Unknown {
                pointer: at.to_owned(),
                function: format!("Fn::Sub {text}"),
            });
        };
        if let Some(literal) = name.strip_prefix('!') {
            resolved.push_str("${");
            resolved.push_str(literal);
            resolved.push('}');
        } else if let Some(value) = variables.get(name) {
            resolved.push_str(&resolve_text(value, at, context)?);
        } else {
            let value = pseudo_parameter(name, context).ok_or_else(|| ResolveError::Unknown {
                pointer: at.to_owned(),
                function: format!("Fn::Sub ${{{name}}}"),
            })?;
            resolved.push_str(&value);
        }
        rest = following;
    }
    resolved.push_str(rest);
    Ok(resolved)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::iam::Partition;

    fn context() -> ResolveContext {
        ResolveContext {
            stack_name: "eksctl-x".into(),
            partition: Partition::China,
            account: "111122223333".into(),
            region: "cn-north-1".into(),
        }
    }

    #[test]
    fn functions_anywhere_in_a_value_are_replaced() {
        let value = json!({
            "Resource": [{"Fn::Sub": "arn:${AWS::Partition}:s3:::${!aws:username}/${bucket}"}, {"Ref": "AWS::AccountId"}],
            "Plain": "${aws:username}", "Ref": "kept, for it is not alone",
            "Joined": {"Fn::Join": [".", ["ec2", {"Ref": "AWS::URLSuffix"}]]},
            "Named": {"Fn::Sub": ["${AWS::StackName}-${x}", {"x": {"Ref": "AWS::Region"}}]}
        });
        let expected = json!({
            "Resource": [{"Fn::Sub": "x"}, "111122223333"],
            "Plain": "${aws:username}", "Ref": "kept, for it is not alone",
            "Joined": "ec2.amazonaws.com.cn", "Named": "eksctl-x-cn-north-1"
        });
        let error = resolve_value(&value, "/P", &context()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "/P/Resource/0: eksact cannot determine the value of `Fn::Sub ${bucket}`"
        );

        let mut known = value;
        known["Resource"][0] = json!({"Fn::Sub": "arn:${AWS::Partition}:s3:::${!aws:username}/*"});
        let mut wanted = expected;
        wanted["Resource"][0] = json!("arn:aws-cn:s3:::${aws:username}/*");
        assert_eq!(resolve_value(&known, "/P", &context()).unwrap(), wanted);
    }

    #[test]
    fn value_that_only_cloudformation_knows_is_an_error() {
        for value in [
            json!({"Ref": "Bucket"}),
            json!({"Fn::GetAtt": ["Role1", "Arn"]}),
            json!({"Fn::Sub": "${open"}),
            json!({"Fn::If": []}),
        ] {
            assert!(resolve_value(&value, "", &context()).is_err(), "{value}");
        }
    }
}
