//! A plan for code scanning: `-o sarif`, SARIF 2.1.0 (OASIS). What a guard refuses, what could not be planned, warnings and
//! notes, and every change that gives more access, each at its line of the configuration.
//!
//! The id of a rule is the finding's stable code; that of a change that gives more access is [`BROADENING`]. A result is the
//! same from run to run while it has the same rule and object, whatever line it has moved to.
//!
//! Many clusters are one run with the results of all: GitHub takes 20 runs in a file at most ("About code scanning limits on
//! SARIF results"). A cluster that failed is a result of its own, by the rule [`CLUSTER_FAILED`].

use std::collections::BTreeMap;

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
    fleet::{Outcome, ending},
};
use eksact_message::remedy::Remedy;

/// Rule of the changes that give more access, or may.
pub const BROADENING: &str = "gives-more-access";
/// Rule of the clusters of a run over many that failed.
pub const CLUSTER_FAILED: &str = "cluster-failed";

/// Where the committee publishes the schema.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The result of one finding or change, or of a cluster that failed.
struct Found<'plan> {
    rule: &'plan str,
    explanation: &'plan str,
    level: &'static str,
    message: String,
    address: Option<&'plan Address>,
    source: Option<&'plan SourceLocation>,
    /// What has no line of its own is shown at the first of this file.
    file: Option<&'plan str>,
    /// Of which of many clusters.
    cluster: Option<String>,
}

/// `plan` as one run. `file` is the configuration as the user named it: what has no line of its own is shown at its first.
pub fn plan_sarif(plan: &Plan, digest: &str, file: Option<&str>) -> Result<String, serde_json::Error> {
    let cluster = plan.target.get("cluster").map_or("", String::as_str);
    document(
        &found(plan, file),
        &plan.tool_version,
        &format!("eksact/plan/{cluster}/"),
        &json!({"planDigest": digest}),
    )
}

/// The plans of many clusters as one run, whose results name their cluster. `tool_version` is that of the eksact that writes it.
pub fn fleet_sarif(outcomes: &[Outcome], tool_version: &str) -> Result<String, serde_json::Error> {
    let mut all = Vec::new();
    for outcome in outcomes {
        let file = outcome.files.first().map(String::as_str);
        let plan = outcome.plan.as_ref();
        let own = plan.map(|plan| found(plan, file)).unwrap_or_default();
        // What could not be planned is a result of its own; what failed in a run is not.
        let is_planned = plan.is_none_or(|plan| plan.findings_of(Severity::Error).next().is_none());
        let has_failed_steps = outcome
            .run
            .as_ref()
            .is_some_and(|(report, _)| !report.succeeded());
        let label = outcome.label();
        let failure = failed(outcome, file).filter(|_| is_planned || has_failed_steps);
        for mut one in failure.into_iter().chain(own) {
            one.message = format!("{label}: {}", one.message);
            one.cluster = Some(label.clone());
            all.push(one);
        }
    }
    let clusters: Vec<Value> = outcomes
        .iter()
        .map(|outcome| {
            let digest = outcome.digest.clone();
            let digest = digest.or_else(|| Some(outcome.plan.as_ref()?.digest()));
            json!({"cluster": outcome.label(), "status": outcome.status, "planDigest": digest})
        })
        .collect();
    let properties = json!({"status": ending(outcomes), "clusters": clusters});
    document(&all, tool_version, "eksact/plans/", &properties)
}

/// A cluster that failed, as a result.
fn failed<'run>(outcome: &'run Outcome, file: Option<&'run str>) -> Option<Found<'run>> {
    let (first, help) = match &outcome.problem {
        Some(problem) => (problem.message.clone(), problem.help.as_slice()),
        None if outcome.status.is_failure() => failed_step(outcome)
            .unwrap_or_else(|| ("not all of it was done".to_owned(), <&[Remedy]>::default())),
        None => return None,
    };
    let helps = help.iter().map(Remedy::as_str);
    let lines: Vec<&str> = std::iter::once(first.as_str()).chain(helps).collect();
    Some(Found {
        rule: CLUSTER_FAILED,
        explanation: "a cluster could not be read, planned or applied",
        level: "error",
        message: lines.join("\n"),
        address: None,
        source: None,
        file,
        cluster: None,
    })
}

/// The first step of a cluster that failed, with why, and what to do.
fn failed_step(outcome: &Outcome) -> Option<(String, &[Remedy])> {
    let (report, _) = outcome.run.as_ref()?;
    let (id, error) = report.failed.first()?;
    let mut steps = outcome.plan.iter().flat_map(|plan| &plan.steps);
    let title = steps.find(|step| step.id == *id).map(|step| step.title.as_str());
    let message = format!("{}: {}", title.unwrap_or(&id.0), error.message);
    Some((message, error.help.as_slice()))
}

fn document(
    all: &[Found<'_>],
    tool_version: &str,
    id: &str,
    properties: &Value,
) -> Result<String, serde_json::Error> {
    let rules: BTreeMap<&str, &str> = all.iter().map(|one| (one.rule, one.explanation)).collect();
    let ids: Vec<&str> = rules.keys().copied().collect();
    let mut seen = BTreeMap::new();
    let results: Vec<Value> = all
        .iter()
        .map(|one| {
            let index = ids.iter().position(|id| *id == one.rule);
            json!({
                "ruleId": one.rule,
                "ruleIndex": index,
                "level": one.level,
                "message": {"text": literal(&one.message)},
                "locations": [location(one)],
                "partialFingerprints": fingerprints(one, &mut seen),
            })
        })
        .collect();
    let rules: Vec<Value> = rules
        .iter()
        .map(|(id, explanation)| json!({"id": id, "shortDescription": {"text": literal(explanation)}}))
        .collect();
    json(&json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "eksact",
                "version": tool_version,
                "rules": rules,
            }},
            "automationDetails": {"id": id},
            "columnKind": "unicodeCodePoints",
            "results": results,
            "properties": properties,
        }],
    }))
}

fn found<'plan>(plan: &'plan Plan, file: Option<&'plan str>) -> Vec<Found<'plan>> {
    let mut all: Vec<Found<'plan>> = Vec::new();
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
                file,
                cluster: None,
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
            file,
            cluster: None,
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

fn location(one: &Found<'_>) -> Value {
    let mut location = json!({});
    let at = match (one.source, one.file) {
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
        let name = match &one.cluster {
            Some(cluster) => format!("{cluster}/{address}"),
            None => address.to_string(),
        };
        location["logicalLocations"] =
            json!([{"fullyQualifiedName": name, "name": address.name(), "kind": "resource"}]);
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
fn fingerprints(one: &Found<'_>, seen: &mut BTreeMap<String, usize>) -> Value {
    let mut what = format!(
        "{}\n{}",
        one.rule,
        one.address.map_or_else(String::new, ToString::to_string)
    );
    if let Some(cluster) = &one.cluster {
        what = format!("{what}\n{cluster}");
    }
    let hash = hex::encode(&Sha256::digest(what.as_bytes())[..16]);
    let number = seen.entry(hash.clone()).or_insert(0);
    *number += 1;
    json!({
        "eksactObject/v1": format!("{hash}:{number}"),
        "primaryLocationLineHash": format!("{hash}:{number}"),
    })
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::LazyLock};

    use proptest::prelude::*;

    use super::*;
    use crate::{fleet::ClusterId, view::samples};

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
        held(&plan_sarif(plan, &plan.digest(), file).unwrap())
    }

    fn held(text: &str) -> Value {
        let value: Value = serde_json::from_str(text).unwrap();
        let errors: Vec<String> = VALIDATOR
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}\n{value:#}");
        value
    }

    #[test]
    fn plan_for_code_scanning() {
        let value = valid(&samples::plan(), Some("cluster.yaml"));
        insta::assert_snapshot!(serde_json::to_string_pretty(&value).unwrap());
    }

    #[test]
    fn sarif_results_have_a_place_and_a_rule_of_their_own_code() {
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
    fn result_keeps_its_fingerprint_when_its_line_moves() {
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

    /// One run, whatever the number of clusters; the same object of two clusters is two results.
    #[test]
    fn many_clusters_are_one_run_whose_results_name_their_cluster() {
        let mut fleet = samples::fleet();
        fleet[1].plan = Some(samples::plan());
        for number in 0..30 {
            let mut more = fleet[1].clone();
            more.cluster = more.cluster.map(|cluster| ClusterId {
                name: format!("test-{number}"),
                ..cluster
            });
            fleet.push(more);
        }
        let value = held(&fleet_sarif(&fleet, "0.1.0").unwrap());
        assert_eq!(value["runs"].as_array().unwrap().len(), 1);
        let run = &value["runs"][0];
        let results = run["results"].as_array().unwrap();
        let of_one = samples::plan().findings.len() + samples::plan().broadening();
        assert_eq!(results.len(), of_one * 32 + 2, "and two clusters that failed");
        let mut prints = BTreeSet::new();
        for result in results {
            assert!(prints.insert(result["partialFingerprints"]["primaryLocationLineHash"].to_string()));
        }
        let failed: Vec<(&Value, &Value)> = results
            .iter()
            .filter(|result| result["ruleId"] == CLUSTER_FAILED)
            .map(|result| {
                let place = &result["locations"][0]["physicalLocation"];
                (&place["artifactLocation"]["uri"], &result["message"]["text"])
            })
            .collect();
        assert_eq!(failed[0].0, "clusters/broken.yaml");
        assert!(
            failed[1]
                .1
                .as_str()
                .unwrap()
                .starts_with("eu-west-1/far: it took longer than 10m\n"),
            "{failed:?}"
        );
        let named = |result: &&Value| {
            result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"]
                .as_str()
                .is_some_and(|name| name.starts_with("eu-west-1/prod/"))
        };
        assert!(results.iter().any(|result| named(&result)));
        assert_eq!(run["properties"]["status"], "failed");
        assert_eq!(
            run["properties"]["clusters"][2]["cluster"],
            "clusters/broken.yaml"
        );
    }

    /// A cluster whose step failed has no problem of its own: the step is the reason.
    #[test]
    fn step_that_failed_is_why_its_cluster_failed() {
        let told = |fleet: &[Outcome]| -> Vec<String> {
            let value = held(&fleet_sarif(fleet, "0.1.0").unwrap());
            let results = value["runs"][0]["results"].as_array().unwrap().clone();
            results
                .iter()
                .filter(|result| result["ruleId"] == CLUSTER_FAILED)
                .map(|result| result["message"]["text"].as_str().unwrap().to_owned())
                .collect()
        };
        let mut fleet = samples::fleet_applied();
        let texts = told(&fleet);
        assert_eq!(texts.len(), 3, "and those that have a problem");
        assert!(texts[0].starts_with("eu-west-1/prod: "), "{texts:?}");
        assert!(
            texts[0].contains(": stack eksctl-prod-addon-iamserviceaccount-ops-named could not be created"),
            "{texts:?}"
        );
        assert!(
            texts[0].ends_with("Give another roleName, or delete that role."),
            "{texts:?}"
        );
        if let Some((report, _)) = &mut fleet[0].run {
            report.failed.clear();
        }
        assert_eq!(told(&fleet)[0], "eu-west-1/prod: not all of it was done");
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
            let mut fleet = samples::fleet();
            for (outcome, text) in fleet.iter_mut().zip(&texts) {
                outcome.files = vec![text.clone()];
                outcome.plan = outcome.plan.as_ref().map(|_| plan.clone());
                if let Some(problem) = &mut outcome.problem {
                    problem.message.clone_from(text);
                }
            }
            held(&fleet_sarif(&fleet, "0.1.0").unwrap());
        }
    }
}
