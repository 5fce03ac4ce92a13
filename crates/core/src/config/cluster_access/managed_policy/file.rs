//! Policy documents that stand in files of their own: JSON, or YAML.

use std::cell::Cell;

use super::{LIST, ManagedPolicy};
use crate::config::diagnostic::quoted;
use crate::config::finding::{Finding, Findings};
use crate::config::load::Beside;
use crate::config::location::Located;
use crate::config::path::FieldPath;
use crate::config::placeholder;
use crate::config::reader::json;
use crate::config::source::Source;
use eksact_message::code::Code;
use eksact_yaml::{self as yaml, Content, DuplicateKeys, explain};

/// More bytes of policy files than this no run reads: each may be named many times over.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// `beside` that gives no more than [`MOST_BYTES`] in all.
pub(in crate::config) fn bounded(beside: &Beside<'_>) -> impl Fn(&str, &str) -> Result<Vec<u8>, String> {
    let left = Cell::new(MOST_BYTES);
    let too_much = || {
        format!(
            "the policy files have more than {} MiB together",
            MOST_BYTES / (1024 * 1024)
        )
    };
    move |named_in, path| {
        if left.get() == 0 {
            return Err(too_much());
        }
        let bytes = beside(named_in, path)?;
        let rest = left.get().checked_sub(bytes.len());
        left.set(rest.unwrap_or_default());
        rest.map(|_| bytes).ok_or_else(too_much)
    }
}

/// Reads the documents of the policies that name a file, and reports those that cannot be read.
pub(in crate::config::cluster_access) fn read(
    policies: &mut [ManagedPolicy],
    beside: &Beside<'_>,
    findings: &mut Findings,
) {
    for (index, policy) in policies.iter_mut().enumerate() {
        let Some(file) = policy.file.as_ref().filter(|_| policy.document.is_none()) else {
            continue;
        };
        // Without a place there is no folder from which the path begins.
        let Some(place) = &file.location else { continue };
        match document(&place.file, &file.value, beside) {
            Ok(document) => {
                policy.document = Some(Located {
                    value: document,
                    location: file.location.clone(),
                });
            }
            Err(why) => {
                let path = FieldPath::of(LIST).index(index).key("file");
                let message = format!(
                    "the policy document in {} cannot be read: {why}",
                    quoted(&file.value)
                );
                let finding = Finding::error(Code::PolicyFile, path, message).help(remedy!(
                    "put a policy document of IAM there, as JSON or YAML, or write the path of one"
                ));
                findings.push(finding.located(Some(place)));
            }
        }
    }
}

fn document(named_in: &str, path: &str, beside: &Beside<'_>) -> Result<serde_json::Value, String> {
    let bytes = beside(named_in, path)?;
    let source = Source::decode(path, &bytes).map_err(|diagnostic| diagnostic.message)?;
    let reading = yaml::read_all(source.text(), DuplicateKeys::Refuse);
    if let Some(problem) = reading.problems.first() {
        let explained = explain::explain(source.text(), problem);
        return Err(format!(
            "line {}, column {}: {}",
            explained.line, explained.column, explained.problem
        ));
    }
    let root = match reading.documents.as_slice() {
        [root] => root,
        [] => return Err("it is empty".to_owned()),
        _ => return Err("it has more than one document".to_owned()),
    };
    if !matches!(root.content(), Content::Mapping(_)) {
        return Err("it is not a mapping".to_owned());
    }
    // What no tool filled in is refused here as it is in a `document`.
    if let Some(finding) = placeholder::in_policy(root) {
        let at = finding.path.locate(root, finding.at_key);
        return Err(format!(
            "line {}, column {}: {}",
            at.line, at.column, finding.message
        ));
    }
    Ok(json(root))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_one(text: &str) -> Result<serde_json::Value, String> {
        document("access.yaml", "p.yaml", &|_: &str, _: &str| {
            Ok(text.as_bytes().to_vec())
        })
    }

    #[test]
    fn placeholder_that_no_tool_filled_in_is_refused_with_its_place() {
        for (text, expected) in [
            (
                "Statement:\n- Resource: '{{resolve:ssm:/p}}'\n",
                "line 2, column 13: ",
            ),
            (
                "Statement:\n- Resource: arn:aws:s3:::${BUCKET}\n",
                "line 2, column 13: ",
            ),
            ("Statement:\n- Resource: !Sub x\n", "line 2, column "),
            ("Statement:\n- Resource: {'Fn::Sub': x}\n", "line 2, column "),
        ] {
            let why = read_one(text).expect_err(text);
            assert!(why.starts_with(expected), "{text}: {why}");
        }
        let variable = read_one("Statement:\n- Resource: 'arn:aws:s3:::b/${aws:username}'\n");
        assert!(variable.is_ok(), "{variable:?}");
    }

    #[test]
    fn policy_files_are_bounded_together() {
        let beside = |_: &str, _: &str| Ok(vec![b' '; MOST_BYTES / 2]);
        let bounded = bounded(&beside);
        assert!(bounded("access.yaml", "a").is_ok());
        assert!(bounded("access.yaml", "b").is_ok());
        let why = bounded("access.yaml", "c").expect_err("too much");
        assert_eq!(why, "the policy files have more than 16 MiB together");
    }
}
