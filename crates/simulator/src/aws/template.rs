//! CloudFormation templates as the sandbox understands them: parsing, what they refer to, and resolving functions.
//!
//! An engine of its own, apart from the one that plans: what planning gets wrong shows up here. JSON only, which is
//! all that eksctl and eksact send. Known functions: `Ref`, `Fn::GetAtt`, `Fn::Sub`, `Fn::Join`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::stack_access_entry::ACCESS_ENTRY;
use super::stack_resources::MANAGED_POLICY;
use crate::refusal::Refusal;

/// The largest template body that CloudFormation takes in a request, in bytes.
const MAX_BODY: usize = 51_200;

/// A template that CloudFormation takes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Template {
    pub(super) description: Option<String>,
    /// Types and unresolved properties by logical id.
    pub(super) resources: BTreeMap<String, TemplateResource>,
    /// Unresolved values by output key.
    pub(super) outputs: BTreeMap<String, Value>,
    /// Logical ids, each after what it refers to.
    pub(super) order: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct TemplateResource {
    pub(super) resource_type: String,
    pub(super) properties: Value,
    /// Logical ids that must exist before.
    pub(super) needs: BTreeSet<String>,
}

/// What functions in a template may refer to: pseudo parameters (`AWS::Region`), logical ids (`Role1`), attributes
/// (`Role1.Arn`).
pub(super) type Scope = BTreeMap<String, String>;

impl Template {
    /// Reads a template and refuses what CloudFormation refuses before it does anything.
    pub(super) fn parse(body: &str) -> Result<Self, Refusal> {
        if body.len() > MAX_BODY {
            return Err(Refusal::validation(format!(
                "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have \
                 length less than or equal to {MAX_BODY}"
            )));
        }
        let root: Map<String, Value> = serde_json::from_str(body).map_err(|error| {
            format_error(&format!(
                "JSON not well-formed. (line {}, column {})",
                error.line(),
                error.column()
            ))
        })?;
        let resources = match root.get("Resources") {
            Some(Value::Object(resources)) if !resources.is_empty() => resources,
            _ => return Err(format_error("At least one Resources member must be defined.")),
        };
        let known: BTreeSet<&str> = resources.keys().map(String::as_str).collect();
        let mut parsed = BTreeMap::new();
        let mut unknown_types = BTreeSet::new();
        for (id, resource) in resources {
            let resource_type = resource.get("Type").and_then(Value::as_str).unwrap_or_default();
            if !["AWS::IAM::Role", "AWS::IAM::Policy", MANAGED_POLICY, ACCESS_ENTRY].contains(&resource_type)
            {
                unknown_types.insert(resource_type.to_owned());
            }
            let properties = resource
                .get("Properties")
                .cloned()
                .unwrap_or_else(|| Value::Object(Map::default()));
            let mut needs = BTreeSet::new();
            references(&properties, &known, "Resources", &mut needs)?;
            match resource.get("DependsOn") {
                Some(Value::String(other)) => drop(needs.insert(other.clone())),
                Some(Value::Array(others)) => {
                    needs.extend(others.iter().filter_map(Value::as_str).map(ToOwned::to_owned));
                }
                _ => {}
            }
            parsed.insert(
                id.clone(),
                TemplateResource {
                    resource_type: resource_type.to_owned(),
                    properties,
                    needs,
                },
            );
        }
        if !unknown_types.is_empty() {
            let types = join(&unknown_types);
            return Err(format_error(&format!("Unrecognized resource types: [{types}]")));
        }
        let mut outputs = BTreeMap::new();
        for (key, output) in root
            .get("Outputs")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let value = output.get("Value").cloned().unwrap_or_default();
            references(&value, &known, "Outputs", &mut BTreeSet::new())?;
            outputs.insert(key.clone(), value);
        }
        Ok(Self {
            description: root
                .get("Description")
                .and_then(Value::as_str)
                .map(ToOwned::to_owned),
            order: in_order(&parsed)?,
            resources: parsed,
            outputs,
        })
    }

    /// The capability that the caller must acknowledge: a role or managed policy with a name of its own takes the stronger one.
    /// An inline policy's name does not count: eksctl's stacks have named ones under `CAPABILITY_IAM`.
    pub(super) fn check_capabilities(&self, given: &[String]) -> Result<(), Refusal> {
        if !self
            .resources
            .values()
            .any(|resource| resource.resource_type.starts_with("AWS::IAM::"))
        {
            return Ok(());
        }
        let named = self.resources.values().any(|resource| {
            let name = match resource.resource_type.as_str() {
                "AWS::IAM::Role" => "RoleName",
                MANAGED_POLICY => "ManagedPolicyName",
                _ => return false,
            };
            resource.properties.get(name).is_some()
        });
        let wanted = if named {
            "CAPABILITY_NAMED_IAM"
        } else {
            "CAPABILITY_IAM"
        };
        let enough =
            |capability: &String| capability == wanted || (!named && capability == "CAPABILITY_NAMED_IAM");
        if given.iter().any(enough) {
            return Ok(());
        }
        Err(Refusal::new(
            "InsufficientCapabilitiesException",
            format!("Requires capabilities : [{wanted}]"),
        ))
    }
}

/// The value with every function replaced; an object member that is `AWS::NoValue` disappears.
pub(super) fn resolve(value: &Value, scope: &Scope) -> Result<Value, Refusal> {
    match value {
        Value::Object(object) => {
            if let Some((function, argument)) = function_of(object) {
                return resolve_function(function, argument, scope);
            }
            let mut resolved = Map::new();
            for (key, member) in object {
                if !is_no_value(member) {
                    resolved.insert(key.clone(), resolve(member, scope)?);
                }
            }
            Ok(Value::Object(resolved))
        }
        Value::Array(members) => {
            let kept = members.iter().filter(|member| !is_no_value(member));
            kept.map(|member| resolve(member, scope))
                .collect::<Result<_, _>>()
                .map(Value::Array)
        }
        plain => Ok(plain.clone()),
    }
}

fn resolve_function(function: &str, argument: &Value, scope: &Scope) -> Result<Value, Refusal> {
    let look_up = |name: &str| {
        scope.get(name).cloned().ok_or_else(|| {
            Refusal::validation(format!(
                "Template error: instance of {function} references {name}"
            ))
        })
    };
    match (function, argument) {
        ("Ref", Value::String(name)) => look_up(name).map(Value::String),
        ("Fn::GetAtt", _) => {
            let name = attribute_name(argument).unwrap_or_default();
            look_up(&name).map(Value::String)
        }
        ("Fn::Sub", Value::String(text)) => substitute(text, &|name| look_up(name)).map(Value::String),
        ("Fn::Sub", Value::Array(parts)) => {
            let [Value::String(text), Value::Object(variables)] = parts.as_slice() else {
                return Err(bad_function(function));
            };
            let resolved = resolve(&Value::Object(variables.clone()), scope)?;
            let own = |name: &str| match resolved.get(name).and_then(Value::as_str) {
                Some(value) => Ok(value.to_owned()),
                None => look_up(name),
            };
            substitute(text, &own).map(Value::String)
        }
        ("Fn::Join", Value::Array(parts)) => {
            let [Value::String(delimiter), list @ Value::Array(_)] = parts.as_slice() else {
                return Err(bad_function(function));
            };
            let list = resolve(list, scope)?;
            let texts: Vec<&str> = list
                .as_array()
                .into_iter()
                .flatten()
                .map(|part| part.as_str().unwrap_or_default())
                .collect();
            Ok(Value::String(texts.join(delimiter)))
        }
        _ => Err(bad_function(function)),
    }
}

/// `${Name}` replaced; `${!Name}` stands for a literal `${Name}`.
fn substitute(text: &str, look_up: &dyn Fn(&str) -> Result<String, Refusal>) -> Result<String, Refusal> {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, after)) = after.split_once('}') else {
            break;
        };
        result.push_str(before);
        match name.strip_prefix('!') {
            Some(literal) => result.extend(["${", literal, "}"]),
            None => result.push_str(&look_up(name.trim())?),
        }
        rest = after;
    }
    result.push_str(rest);
    Ok(result)
}

/// The function that an object stands for, if it is one.
fn function_of(object: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (key, argument) = object.iter().next()?;
    (object.len() == 1 && (key == "Ref" || key.starts_with("Fn::"))).then_some((key.as_str(), argument))
}

fn is_no_value(value: &Value) -> bool {
    value.get("Ref").and_then(Value::as_str) == Some("AWS::NoValue")
}

/// `Role1.Arn` from `"Role1.Arn"` (eksctl) or `["Role1", "Arn"]`.
fn attribute_name(argument: &Value) -> Option<String> {
    match argument {
        Value::String(name) => Some(name.clone()),
        Value::Array(parts) => Some(format!(
            "{}.{}",
            parts.first()?.as_str()?,
            parts.get(1)?.as_str()?
        )),
        _ => None,
    }
}

/// Collects the logical ids that a value refers to, and refuses those that do not exist.
fn references(
    value: &Value,
    known: &BTreeSet<&str>,
    block: &str,
    found: &mut BTreeSet<String>,
) -> Result<(), Refusal> {
    let mut names: Vec<String> = Vec::new();
    match value {
        Value::Object(object) => match function_of(object) {
            Some(("Ref", Value::String(name))) => names.push(name.clone()),
            Some(("Fn::GetAtt", argument)) => {
                names.push(attribute_name(argument).ok_or_else(|| bad_function("Fn::GetAtt"))?);
            }
            Some(("Fn::Sub", argument)) => {
                let text = argument
                    .as_str()
                    .or_else(|| argument.get(0).and_then(Value::as_str));
                let variables = argument.get(1).and_then(Value::as_object);
                let collected = std::cell::RefCell::new(Vec::new());
                substitute(text.unwrap_or_default(), &|name| {
                    collected.borrow_mut().push(name.to_owned());
                    Ok(String::new())
                })?;
                names.extend(collected.into_inner());
                names.retain(|name| !variables.is_some_and(|own| own.contains_key(name)));
                for variable in variables.into_iter().flat_map(Map::values) {
                    references(variable, known, block, found)?;
                }
            }
            Some(("Fn::Join", argument)) => references(argument, known, block, found)?,
            Some((function, _)) => return Err(bad_function(function)),
            None => object
                .values()
                .try_for_each(|member| references(member, known, block, found))?,
        },
        Value::Array(members) => {
            members
                .iter()
                .try_for_each(|member| references(member, known, block, found))?;
        }
        _ => {}
    }
    for name in names.into_iter().filter(|name| !name.starts_with("AWS::")) {
        let id = name.split('.').next().unwrap_or(&name);
        if !known.contains(id) {
            return Err(format_error(&format!(
                "Unresolved resource dependencies [{id}] in the {block} block of the template"
            )));
        }
        found.insert(id.to_owned());
    }
    Ok(())
}

/// Logical ids so that each comes after those that it needs.
fn in_order(resources: &BTreeMap<String, TemplateResource>) -> Result<Vec<String>, Refusal> {
    let mut order: Vec<String> = Vec::new();
    while order.len() < resources.len() {
        let ready = |(id, resource): &(&String, &TemplateResource)| {
            !order.contains(id) && resource.needs.iter().all(|need| order.contains(need))
        };
        let next: Vec<String> = resources.iter().filter(ready).map(|(id, _)| id.clone()).collect();
        if next.is_empty() {
            let left: BTreeSet<String> = resources
                .keys()
                .filter(|id| !order.contains(id))
                .cloned()
                .collect();
            let left = join(&left);
            return Err(Refusal::validation(format!(
                "Circular dependency between resources: [{left}]"
            )));
        }
        order.extend(next);
    }
    Ok(order)
}

fn join(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn format_error(what: &str) -> Refusal {
    Refusal::validation(format!("Template format error: {what}"))
}

fn bad_function(function: &str) -> Refusal {
    Refusal::validation(format!(
        "Template error: the sandbox cannot resolve this use of {function}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn scope() -> Scope {
        [
            ("AWS::Partition", "aws-cn"),
            ("AWS::StackName", "s"),
            ("Role1", "role"),
            ("Role1.Arn", "arn:role"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    #[test]
    fn functions_are_resolved() {
        let cases = [
            (
                json!({"Fn::Sub": "arn:${AWS::Partition}:x"}),
                json!("arn:aws-cn:x"),
            ),
            (
                json!({"Fn::Sub": "${!aws:username} ${Role1.Arn}"}),
                json!("${aws:username} arn:role"),
            ),
            (
                json!({"Fn::Sub": ["${a}-${Role1}", {"a": {"Ref": "AWS::StackName"}}]}),
                json!("s-role"),
            ),
            (json!({"Fn::GetAtt": "Role1.Arn"}), json!("arn:role")),
            (json!({"Fn::GetAtt": ["Role1", "Arn"]}), json!("arn:role")),
            (
                json!({"Fn::Join": ["-", [{"Ref": "Role1"}, "x"]]}),
                json!("role-x"),
            ),
            (
                json!({"a": {"Ref": "AWS::NoValue"}, "b": [1, {"Ref": "AWS::NoValue"}]}),
                json!({"b": [1]}),
            ),
            (
                json!({"Ref": "plain", "with": "another key"}),
                json!({"Ref": "plain", "with": "another key"}),
            ),
        ];
        for (value, wanted) in cases {
            assert_eq!(resolve(&value, &scope()).unwrap(), wanted, "{value}");
        }
    }

    #[test]
    fn template_that_cloudformation_refuses_is_refused() {
        let role = json!({"Type": "AWS::IAM::Role", "Properties": {}});
        let needs = |other: &str| json!({"Type": "AWS::IAM::Role", "DependsOn": other});
        let cases = [
            (json!({}), "At least one Resources member must be defined."),
            (
                json!({"Resources": {"B": {"Type": "AWS::S3::Bucket"}}}),
                "Unrecognized resource types: [AWS::S3::Bucket]",
            ),
            (
                json!({"Resources": {"R": {"Type": "AWS::IAM::Policy", "Properties": {"Roles": [{"Ref": "X"}]}}}}),
                "Unresolved resource dependencies [X] in the Resources block of the template",
            ),
            (
                json!({"Resources": {"R": role}, "Outputs": {"O": {"Value": {"Fn::GetAtt": "X.Arn"}}}}),
                "Unresolved resource dependencies [X] in the Outputs block of the template",
            ),
            (
                json!({"Resources": {"A": needs("B"), "B": needs("A")}}),
                "Circular dependency between resources: [A, B]",
            ),
        ];
        for (template, wanted) in cases {
            let refused = Template::parse(&template.to_string()).unwrap_err();
            assert!(refused.message.ends_with(wanted), "{}", refused.message);
        }
        assert!(
            Template::parse("{")
                .unwrap_err()
                .message
                .contains("JSON not well-formed")
        );
    }

    #[test]
    fn named_role_needs_the_stronger_capability() {
        let template = |properties: Value| {
            let body = json!({"Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": properties}}});
            Template::parse(&body.to_string()).unwrap()
        };
        let (iam, named) = (["CAPABILITY_IAM".to_owned()], ["CAPABILITY_NAMED_IAM".to_owned()]);
        let generated = template(json!({}));
        assert!(generated.check_capabilities(&iam).is_ok());
        assert!(generated.check_capabilities(&named).is_ok());
        assert!(generated.check_capabilities(&[]).is_err());
        let refused = template(json!({"RoleName": "own"}))
            .check_capabilities(&iam)
            .unwrap_err();
        assert_eq!(refused.message, "Requires capabilities : [CAPABILITY_NAMED_IAM]");
    }
}
