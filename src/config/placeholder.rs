//! Values that were meant to be filled in by another tool: `${NAME}`, `!Sub`, `Fn::Join`. Nothing here would expand them,
//! and they would end up in names and policies as they are, so they are errors in everything that eksact manages.
//!
//! Inside a policy document `${aws:username}` is IAM's own: a policy variable
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>).

use super::diagnostic::quoted;
use super::document::DocumentKind;
use super::finding::{Finding, Findings};
use super::path::FieldPath;
use super::yaml::{Content, Node};

/// The findings of everything managed: all of a ClusterAccess; `metadata`, `iam.withOIDC`, `iam.serviceAccounts` and
/// `iamIdentityMappings` of a ClusterConfig.
pub(super) fn check(kind: DocumentKind, root: &Node) -> Findings {
    let mut findings = Findings::default();
    if kind == DocumentKind::ClusterAccess {
        walk(root, &FieldPath::default(), false, &mut findings);
        return findings;
    }
    if let Some(mappings) = root.get("iamIdentityMappings") {
        walk(
            mappings,
            &FieldPath::of("iamIdentityMappings"),
            false,
            &mut findings,
        );
    }
    let metadata = FieldPath::of("metadata");
    for key in ["name", "region", "version", "tags"] {
        if let Some(value) = root.get("metadata").and_then(|node| node.get(key)) {
            walk(value, &metadata.key(key), false, &mut findings);
        }
    }
    let Some(iam) = root.get("iam") else {
        return findings;
    };
    if let Some(value) = iam.get("withOIDC") {
        walk(value, &FieldPath::of("iam.withOIDC"), false, &mut findings);
    }
    let accounts = FieldPath::of("iam.serviceAccounts");
    for (index, account) in iam
        .get("serviceAccounts")
        .map(Node::items)
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        // `status` is eksctl's output and ignored.
        for entry in account.entries().iter().filter(|entry| &*entry.key != "status") {
            let path = accounts.index(index).key(&entry.key);
            walk(&entry.value, &path, &*entry.key == "attachPolicy", &mut findings);
        }
    }
    findings
}

fn walk(node: &Node, path: &FieldPath, in_policy: bool, findings: &mut Findings) {
    if findings.is_full() {
        return;
    }
    if let Some(tag) = node.custom_tag() {
        findings.push(
            Finding::error(
                "placeholder",
                path.clone(),
                format!("the tag {} is not expanded by anything here", quoted(tag)),
            )
            .help(remedy!("write the value itself")),
        );
    }
    match node.content() {
        Content::Scalar { text, .. } => {
            if let Some(placeholder) = first_placeholder(text, in_policy) {
                findings.push(unexpanded(placeholder, path.clone(), in_policy));
            }
        }
        Content::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &path.index(index), in_policy, findings);
            }
        }
        Content::Mapping(entries) => {
            for entry in entries {
                let here = path.key(&entry.key);
                if let Some(placeholder) = first_placeholder(&entry.key, in_policy) {
                    findings.push(unexpanded(placeholder, here.clone(), in_policy).at_key());
                }
                if in_policy
                    && (entry.key.starts_with("Fn::") || (&*entry.key == "Ref" && entries.len() == 1))
                {
                    findings.push(
                        Finding::error(
                            "placeholder",
                            here.clone(),
                            format!("{} is not expanded by anything here", quoted(&entry.key)),
                        )
                        .at_key()
                        .help(remedy!(
                            "write the value itself; eksact passes policy documents on as they are"
                        )),
                    );
                } else {
                    walk(&entry.value, &here, in_policy, findings);
                }
            }
        }
    }
}

fn unexpanded(placeholder: &str, path: FieldPath, in_policy: bool) -> Finding {
    let help = if in_policy {
        remedy!(
            "fill it in first, for example with envsubst; IAM policy variables such as ${{aws:username}} may stay"
        )
    } else {
        remedy!("fill it in first, for example with envsubst")
    };
    Finding::error(
        "placeholder",
        path,
        format!("{} is not expanded by anything here", quoted(placeholder)),
    )
    .help(help)
}

/// The first `${…}` in `text` that is not a policy variable in a policy.
fn first_placeholder(text: &str, in_policy: bool) -> Option<&str> {
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let from = rest.get(start..)?;
        let end = from.find('}')?;
        let inside = from.get(2..end)?;
        if !(in_policy && is_policy_variable(inside)) {
            return from.get(..=end);
        }
        rest = from.get(end + 1..)?;
    }
    None
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
                first_placeholder(&format!("arn:aws:s3:::b/{variable}"), true),
                None,
                "{variable}"
            );
            assert_eq!(first_placeholder(&format!("b/{variable}"), false), Some(variable));
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
                first_placeholder(&format!("${{aws:username}}{other}"), true),
                Some(other)
            );
        }
        assert_eq!(first_placeholder("costs $5 {a}", false), None);
    }
}
