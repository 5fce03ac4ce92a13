//! A plan for code scanning: `-o sarif`, SARIF 2.1.0 (OASIS). What a guard refuses, what could not be planned, warnings and
//! notes, and every change that gives more access, each at its line of the configuration.
//!
//! The id of a rule is the finding's stable code; that of a change that gives more access is [`BROADENING`]. A result is the
//! same from run to run while it has the same rule and object, whatever line it has moved to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    plan_findings::{helps, place},
    plan_human::by_risk,
    plan_json::json,
    plan_lines::broadening_lines,
    style::sign,
    text::percent_encoded,
};
use crate::{
    config::location::SourceLocation,
    engine::{Address, Plan, Severity},
};

/// Rule of the changes that give more access, or may.
pub const BROADENING: &str = "gives-more-access";

/// Where the committee publishes the schema.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The result of one finding or change.
struct Found<'plan> {
    rule: &'plan str,
    explanation: &'plan str,
    level: &'static str,
    message: String,
    address: Option<&'plan Address>,
    source: Option<&'plan SourceLocation>,
}

/// `plan` as one run. `file` is the configuration as the user named it: what has no line of its own is shown at its first.
pub fn plan_sarif(plan: &Plan, digest: &str, file: Option<&str>) -> Result<String, serde_json::Error> {
    let all = found(plan);
    let rules: BTreeMap<&str, &str> = all.iter().map(|one| (one.rule, one.explanation)).collect();
    let ids: Vec<&str> = rules.keys().copied().collect();
    let mut seen = BTreeSet::new();
    let results: Vec<Value> = all
        .iter()
        .map(|one| {
            let index = ids.iter().position(|id| *id == one.rule);
            json!({
                "ruleId": one.rule,
                "ruleIndex": index,
                "level": one.level,
                "message": {"text": literal(&one.message)},
                "locations": [location(one, file)],
                "partialFingerprints": fingerprints(one, &mut seen),
            })
        })
        .collect();
    let rules: Vec<Value> = rules
        .iter()
        .map(|(id, explanation)| json!({"id": id, "shortDescription": {"text": literal(explanation)}}))
        .collect();
    let cluster = plan.target.get("cluster").map_or("", String::as_str);
    json(&json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "eksact",
                "version": plan.tool_version,
                "rules": rules,
            }},
            "automationDetails": {"id": format!("eksact/plan/{cluster}/")},
            "columnKind": "unicodeCodePoints",
            "results": results,
            "properties": {"planDigest": digest},
        }],
    }))
}

fn found(plan: &Plan) -> Vec<Found<'_>> {
    let mut all: Vec<Found<'_>> = Vec::new();
    for (severity, level) in [
        (Severity::Refusal, "error"),
        (Severity::Error, "error"),
        (Severity::Warning, "warning"),
        (Severity::Note, "note"),
    ] {
        for finding in plan.findings_of(severity) {
            let about = finding.address.as_ref().map(|address| format!("{address}: "));
            let mut message = format!("{}{}", about.unwrap_or_default(), finding.message);
            for help in helps(finding) {
                message = format!("{message}\n{help}");
            }
            all.push(Found {
                rule: finding.code.as_str(),
                explanation: finding.code.explanation(),
                level,
                message,
                address: finding.address.as_ref(),
                source: finding.source.as_ref(),
            });
        }
    }
    for change in by_risk(plan)
        .into_iter()
        .filter(|change| change.effect.broadens())
    {
        let (_, _, done) = sign(change.action);
        let mut message = format!("{} will be {done} and gives more access, or may", change.address);
        for (name, text) in broadening_lines(change) {
            message = format!("{message}\n{name}: {text}");
        }
        all.push(Found {
            rule: BROADENING,
            explanation: "a change gives more access, or may",
            level: "warning",
            message,
            address: Some(&change.address),
            source: change.source.as_ref(),
        });
    }
    all
}

/// Text in which nothing is a link or a placeholder (SARIF 2.1.0, 3.11.5 and 3.11.6).
fn literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '[' | ']' | '\\' => literal.extend(['\\', character]),
            '{' | '}' => literal.extend([character, character]),
            other => literal.push(other),
        }
    }
    literal
}

fn location(one: &Found<'_>, file: Option<&str>) -> Value {
    let mut location = json!({});
    let at = match (one.source, file) {
        (Some(source), _) => Some((&*source.file, source.line, source.column)),
        (None, Some(file)) => Some((file, 1, 1)),
        (None, None) => None,
    };
    // Standard input is no file that anyone could look at.
    if let Some((file, line, column)) = at.filter(|(file, ..)| *file != "-") {
        location["physicalLocation"] = json!({
            "artifactLocation": {"uri": uri(file)},
            "region": {"startLine": line.max(1), "startColumn": column.max(1)},
        });
    }
    if let Some(address) = one.address {
        location["logicalLocations"] =
            json!([{"fullyQualifiedName": address.to_string(), "name": address.name(), "kind": "resource"}]);
    }
    if let Some(source) = one.source.filter(|source| &*source.file == "-") {
        location["message"] = json!({"text": literal(&place(source))});
    }
    location
}

/// A path as a relative reference, or as a `file:` URI where it is absolute.
fn uri(path: &str) -> String {
    let path = path.replace('\\', "/");
    let scheme = if path.starts_with('/') { "file://" } else { "" };
    format!("{scheme}{}", percent_encoded(&path, b"/"))
}

/// What makes a result the same one in the next run. GitHub reads `primaryLocationLineHash` and no other.
fn fingerprints(one: &Found<'_>, seen: &mut BTreeSet<(String, usize)>) -> Value {
    let what = format!(
        "{}\n{}",
        one.rule,
        one.address.map_or_else(String::new, ToString::to_string)
    );
    let hash = hex::encode(&Sha256::digest(what.as_bytes())[..16]);
    let mut number = 1;
    while !seen.insert((hash.clone(), number)) {
        number += 1;
    }
    json!({
        "eksactObject/v1": format!("{hash}:{number}"),
        "primaryLocationLineHash": format!("{hash}:{number}"),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::view::samples;

    static VALIDATOR: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
        let schema: Value = serde_json::from_str(include_str!(
            "../../../../tests/fixtures/sarif/sarif-schema-2.1.0.json"
        ))
        .unwrap();
        jsonschema::options()
            .should_validate_formats(true)
            .build(&schema)
            .unwrap()
    });

    fn valid(plan: &Plan, file: Option<&str>) -> Value {
        let value: Value = serde_json::from_str(&plan_sarif(plan, &plan.digest(), file).unwrap()).unwrap();
        let errors: Vec<String> = VALIDATOR
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}\n{value:#}");
        value
    }

    #[test]
    fn a_plan_for_code_scanning() {
        let value = valid(&samples::plan(), Some("cluster.yaml"));
        insta::assert_snapshot!(serde_json::to_string_pretty(&value).unwrap());
    }

    #[test]
    fn every_result_has_a_place_and_a_rule_of_its_own_code() {
        let plan = samples::plan();
        let value = valid(&plan, Some("deploy/my cluster.yaml"));
        let run = &value["runs"][0];
        let results = run["results"].as_array().unwrap();
        assert_eq!(results.len(), plan.findings.len() + plan.broadening());
        let mut prints = BTreeSet::new();
        for result in results {
            let rule = &run["tool"]["driver"]["rules"]
                [usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
            assert_eq!(rule["id"], result["ruleId"]);
            let place = &result["locations"][0]["physicalLocation"];
            assert!(place["region"]["startLine"].as_u64().unwrap() >= 1, "{result:#}");
            assert!(prints.insert(result["partialFingerprints"]["primaryLocationLineHash"].to_string()));
        }
        assert_eq!(
            results
                .iter()
                .filter(
                    |result| result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
                        == "deploy/my%20cluster.yaml"
                )
                .count(),
            3,
            "what has no line of its own is at the first of the file"
        );
    }

    #[test]
    fn a_result_keeps_its_fingerprint_when_its_line_moves() {
        let prints = |plan: &Plan| -> Vec<Value> {
            let value: Value =
                serde_json::from_str(&plan_sarif(plan, &plan.digest(), None).unwrap()).unwrap();
            let results = value["runs"][0]["results"].as_array().unwrap().clone();
            results
                .iter()
                .map(|result| result["partialFingerprints"].clone())
                .collect()
        };
        let plan = samples::plan();
        let mut moved = plan.clone();
        for finding in &mut moved.findings {
            finding.source = finding
                .source
                .clone()
                .map(|source| SourceLocation { line: 900, ..source });
        }
        assert_eq!(prints(&plan), prints(&moved));
    }

    #[test]
    fn texts_are_neither_links_nor_placeholders() {
        assert_eq!(literal("[x](1) {0} a\\b"), "\\[x\\](1) {{0}} a\\\\b");
        assert_eq!(uri("a b/ü.yaml"), "a%20b/%C3%BC.yaml");
        assert_eq!(uri("/etc/x.yaml"), "file:///etc/x.yaml");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn hostile_texts_make_valid_documents(texts in prop::collection::vec("\\PC{0,12}|[\\[\\]{}\u{0}-\u{1f}:/%#?-]{0,8}", 4)) {
            let mut plan = samples::plan();
            for (finding, text) in plan.findings.iter_mut().zip(&texts) {
                finding.message.clone_from(text);
                finding.address = Some(Address::new("iam-role", text));
                finding.source = Some(SourceLocation { file: text.as_str().into(), line: 0, column: 0 });
            }
            plan.target.insert("cluster".to_owned(), texts[0].clone());
            let value = valid(&plan, Some(&texts[1]));
            prop_assert_eq!(value["runs"][0]["results"].as_array().unwrap().len(), plan.findings.len() + plan.broadening());
        }
    }
}
