//! Values that were meant to be filled in by another tool: `${NAME}`, `{{NAME}}`, `<NAME>`, `!Sub`, `Fn::Join`. Nothing here would expand them,
//! and they would end up in names and policies as they are, so they are errors in everything that eksact acts on.
//!
//! Inside a policy document `${aws:username}` is IAM's own: a policy variable
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>).

use eksact_message::code::Code;
use std::collections::BTreeMap;

use super::diagnostic::quoted;
use super::document::DocumentKind;
use super::fields::is_acted_on;
use super::finding::{Finding, Findings};
use super::path::FieldPath;
use super::template;
use eksact_yaml::{Content, Node};

/// The findings of everything that eksact acts on, in the order of the file.
pub(super) fn check(kind: DocumentKind, root: &Node) -> Findings {
    let mut walk = Walk {
        kind: Some(kind),
        findings: Findings::default(),
    };
    walk.node(root, &FieldPath::default(), Place::Strict);
    walk.findings
}

/// The first finding of a policy document that stands in a file of its own.
pub(super) fn in_policy(root: &Node) -> Option<Finding> {
    let mut walk = Walk {
        kind: None,
        findings: Findings::default(),
    };
    walk.node(root, &FieldPath::default(), Place::Policy);
    walk.findings.into_vec().into_iter().next()
}

/// What the texts at a place may hold of their own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Names, ARNs and such: nothing.
    Strict,
    /// A policy document: IAM's variables.
    Policy,
    /// User names and groups of identity mappings and access entries: the authenticator's templates.
    Mapping,
    /// Annotations: templates and marks of other programs.
    Free,
}

impl Place {
    /// The place of what stands at a key here.
    fn at(self, key: &str) -> Self {
        match (self, key) {
            (
                Self::Strict,
                "attachPolicy" | "document" | "inlinePolicy" | "permissionPolicy" | "policy" | "sessionName",
            ) => Self::Policy,
            (Self::Strict, "username" | "groups" | "kubernetesUsername" | "kubernetesGroups") => {
                Self::Mapping
            }
            (Self::Strict, "annotations") => Self::Free,
            (place, _) => place,
        }
    }
}

struct Walk {
    /// The kind of the document; none for a policy.
    kind: Option<DocumentKind>,
    findings: Findings,
}

impl Walk {
    fn node(&mut self, node: &Node, path: &FieldPath, place: Place) {
        if self.findings.is_full() {
            return;
        }
        if let Some(tag) = node.custom_tag() {
            self.findings.push(
                Finding::error(
                    Code::Placeholder,
                    path.clone(),
                    format!("the tag {} is not expanded by eksact", quoted(tag)),
                )
                .help(remedy!("write the value itself")),
            );
        }
        match node.content() {
            Content::Scalar { text, .. } => {
                if let Some(placeholder) = first_placeholder(text, place) {
                    self.findings.push(unexpanded(placeholder, path.clone(), place));
                }
            }
            Content::Sequence(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.node(item, &path.index(index), place);
                }
            }
            Content::Mapping(entries) => {
                for entry in entries {
                    let here = path.key(&entry.key);
                    let is_acted_on = self.kind.is_none_or(|kind| is_acted_on(kind, &here));
                    // What a key of a section will be once it is filled in may be acted on.
                    if (is_acted_on || path.depth() > 0)
                        && let Some(placeholder) = first_placeholder(&entry.key, place)
                    {
                        self.findings
                            .push(unexpanded(placeholder, here.clone(), place).at_key());
                    }
                    if !is_acted_on {
                        continue;
                    }
                    if place == Place::Policy
                        && (entry.key.starts_with("Fn::") || (&*entry.key == "Ref" && entries.len() == 1))
                    {
                        self.findings.push(
                            Finding::error(
                                Code::Placeholder,
                                here.clone(),
                                format!("{} is not expanded by eksact", quoted(&entry.key)),
                            )
                            .at_key()
                            .help(remedy!(
                                "write the value itself; eksact passes policy documents on as they are"
                            )),
                        );
                    } else {
                        self.node(&entry.value, &here, place.at(&entry.key));
                    }
                }
            }
        }
    }
}

fn unexpanded(placeholder: &str, path: FieldPath, place: Place) -> Finding {
    let finding = template::unexpanded(placeholder, path);
    if place == Place::Policy && placeholder.starts_with("${") {
        return finding.help(
            remedy!("fill it in first, for example with envsubst; IAM policy variables such as ${{aws:username}} may stay"),
        );
    }
    finding
}

/// Of the same placeholder in many places one finding is left, the first, which says how many there are.
pub(super) fn once_each(findings: Vec<Finding>) -> Vec<Finding> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let is_one = |finding: &Finding| finding.code == Code::Placeholder && finding.help.is_some();
    for finding in findings.iter().filter(|finding| is_one(finding)) {
        *counts.entry(finding.message.clone()).or_default() += 1;
    }
    let mut left = Vec::new();
    for mut finding in findings {
        if is_one(&finding) {
            let Some(count) = counts.remove(&finding.message) else {
                continue;
            };
            finding.message.push_str(&template::times(count));
        }
        left.push(finding);
    }
    left
}

/// The first placeholder in `text` that is not one which belongs to its place.
fn first_placeholder(text: &str, place: Place) -> Option<&str> {
    // In a policy and in annotations `<b>` and `100%` are texts like others, unless they stand in an ARN.
    let is_loose = matches!(place, Place::Policy | Place::Free) && !text.starts_with("arn:");
    let is_url = text.contains("://");
    let mut rest = text;
    while let Some(start) = rest.find(['$', '{', '<', '%']) {
        let from = rest.get(start..)?;
        let found = match from.get(..2).unwrap_or(from) {
            start
                if start.starts_with('$')
                    && !is_loose
                    && start.ends_with(|c: char| c.is_ascii_uppercase()) =>
            {
                variable(from)
            }
            "${" => between(from, "${", "}", |_| true),
            "$(" => between(from, "$(", ")", is_name),
            "{{" if !matches!(place, Place::Mapping | Place::Free) => between(from, "{{", "}}", |_| true),
            "{%" if place != Place::Free => between(from, "{%", "%}", |_| true),
            _ if is_loose => None,
            _ if from.starts_with('<') => between(from, "<", ">", is_title),
            _ if is_url && is_encoded(from) => None,
            _ => between(from, "%", "%", is_name),
        };
        match found {
            Some((_, inside))
                if place == Place::Policy && is_policy_variable(inside) && from.starts_with("${") => {}
            Some((placeholder, _)) => return Some(placeholder),
            None => {}
        }
        let length = match found {
            Some((placeholder, _)) => placeholder.len(),
            None => 1,
        };
        rest = from.get(length..)?;
    }
    None
}

/// What stands from the start of `text` to `close`, and what is between, if that fits.
fn between<'t>(
    text: &'t str,
    open: &str,
    close: &str,
    fits: impl Fn(&str) -> bool,
) -> Option<(&'t str, &'t str)> {
    let after = text.strip_prefix(open)?;
    let inside = after.get(..after.find(close)?)?;
    let whole = text.get(..open.len() + inside.len() + close.len())?;
    fits(inside).then_some((whole, inside))
}

/// A shell's variable without braces: `$ACCOUNT_ID`. Only in capitals, or prices and patterns would be some.
fn variable(text: &str) -> Option<(&str, &str)> {
    let after = text.strip_prefix('$')?;
    let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let length = after.find(|c| !is_part(c)).unwrap_or(after.len());
    Some((text.get(..length + 1)?, after.get(..length)?))
}

/// A variable's name.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Whether what begins here in a URL is an encoded byte, `%C3` (RFC 3986, section 2.1), and not `%ACCOUNT%`, whose second `%` begins
/// none.
fn is_encoded(text: &str) -> bool {
    let is_byte = |text: &str| text.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    if !text.strip_prefix('%').is_some_and(is_byte) {
        return false;
    }
    match between(text, "%", "%", is_name) {
        Some((whole, inside)) => inside.len() == 2 || text.get(whole.len()..).is_some_and(is_byte),
        None => true,
    }
}

/// What people write between angle brackets: `<your cluster's name>`.
fn is_title(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-. '".contains(c))
}

/// Whether `${inside}` is IAM's: an escaped `*`, `?` or `$`, or a condition key such as `aws:PrincipalTag/team`,
/// perhaps with a default (`aws:username, 'nobody'`). A shell's `${NAME:-default}` and CloudFormation's `${AWS::Region}` are not.
fn is_policy_variable(inside: &str) -> bool {
    if matches!(inside, "*" | "?" | "$") {
        return true;
    }
    let Some((service, name)) = inside.trim().split_once(':') else {
        return false;
    };
    // An OIDC provider's keys have its host and path before the colon.
    let service_fits = !service.is_empty()
        && service
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/'));
    service_fits && name.starts_with(|c: char| c.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy_variables_may_stay_in_policies_only() {
        for variable in [
            "${aws:username}",
            "${*}",
            "${?}",
            "${$}",
            "${aws:PrincipalTag/team, 'none'}",
            "${s3:prefix}",
            "${oidc.eks.eu-west-1.amazonaws.com/id/AB12:sub}",
        ] {
            assert_eq!(
                first_placeholder(&format!("arn:aws:s3:::b/{variable}"), Place::Policy),
                None,
                "{variable}"
            );
            assert_eq!(
                first_placeholder(&format!("b/{variable}"), Place::Strict),
                Some(variable)
            );
        }
        for other in [
            "${BUCKET}",
            "${BUCKET:-x}",
            "${AWS::Region}",
            "${AWS::AccountId}",
            "${}",
            "${X:0:3}",
        ] {
            assert_eq!(
                first_placeholder(&format!("${{aws:username}}{other}"), Place::Policy),
                Some(other)
            );
        }
        assert_eq!(first_placeholder("costs $5 {a}", Place::Strict), None);
    }

    #[test]
    fn placeholders_of_every_tool_are_known_where_they_are_none_of_the_places_own() {
        for placeholder in [
            "$(ACCOUNT)",
            "$ACCOUNT_ID",
            "{{NAME}}",
            "{{ .Values.name }}",
            "{% raw %}",
            "<NAME>",
            "<your-cluster>",
            "<the cluster's name>",
            "%NAME%",
            "%ACCOUNT%",
        ] {
            let text = format!("a 5% <-> {placeholder} b");
            assert_eq!(
                first_placeholder(&text, Place::Strict),
                Some(placeholder),
                "{text}"
            );
            let url = format!("https://id.example.com/M%C3%BCnchen/{placeholder}/x");
            assert_eq!(first_placeholder(&url, Place::Strict), Some(placeholder), "{url}");
            let arn = format!("arn:aws:iam::{placeholder}:role/x");
            assert_eq!(first_placeholder(&arn, Place::Policy), Some(placeholder), "{arn}");
        }
        for (text, place) in [
            ("admin:{{SessionName}}", Place::Mapping),
            ("{{- with secret }}", Place::Free),
            ("<b>bold</b> 100% of 5%", Place::Free),
            ("a <b> %c%", Place::Policy),
            ("50% %", Place::Strict),
            ("https://id.example.com/realms/M%C3%BCnchen", Place::Strict),
            ("https://id.example.com/%E2%82%AC/x%C3abc%BC", Place::Strict),
            ("a < b > c", Place::Strict),
            ("$(date +%s)", Place::Strict),
            ("{a: {b: c}}", Place::Strict),
            ("$", Place::Strict),
            ("$5 $a", Place::Strict),
            ("$ID", Place::Free),
            ("<", Place::Strict),
            ("${", Place::Strict),
        ] {
            assert_eq!(first_placeholder(text, place), None, "{text}");
        }
    }
}
