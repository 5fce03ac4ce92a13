//! A run over many clusters as metrics: OpenMetrics 1.0 text, for the textfile collector of a node exporter, a pushgateway, or
//! whatever reads files of a nightly job.
//!
//! Each series has the labels `account`, `region` and `cluster`, as far as the files say them, and `file`, so that a cluster whose
//! files cannot be used has a series, too.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::{
    engine::{Action, Origin, Severity, drift::may_be_drift},
    fleet::{Outcome, Status},
};

const LAST_SUCCESS: &str = "eksact_last_success_timestamp_seconds";

/// The metrics of a run that ended `now`, in seconds since 1970. `before` is what the file had: of a cluster that failed the time of
/// its last success is kept.
pub fn fleet_metrics(outcomes: &[Outcome], now: i64, before: &str, tool_version: &str) -> String {
    let known = last_successes(before);
    let mut text = String::new();
    info(&mut text, tool_version);
    family(
        &mut text,
        "eksact_cluster_status",
        None,
        "How the run over the cluster ended: 1 for its status.",
    );
    for outcome in outcomes {
        for status in Status::ALL {
            let is_it = u8::from(outcome.status == status);
            sample(
                &mut text,
                "eksact_cluster_status",
                outcome,
                &[("status", status.as_str())],
                is_it,
            );
        }
    }
    family(
        &mut text,
        "eksact_changes",
        None,
        "Objects that the plan changes, by action.",
    );
    for (outcome, plan) in planned(outcomes) {
        for action in Action::ALL {
            let word = super::style::sign(action).1;
            sample(
                &mut text,
                "eksact_changes",
                outcome,
                &[("action", word)],
                plan.count(action),
            );
        }
    }
    family(
        &mut text,
        "eksact_broadening_changes",
        None,
        "Changes of the plan that give more access, or may.",
    );
    for (outcome, plan) in planned(outcomes) {
        sample(
            &mut text,
            "eksact_broadening_changes",
            outcome,
            &[],
            plan.broadening(),
        );
    }
    family(
        &mut text,
        "eksact_drift_changes",
        None,
        "Objects that were changed since they were applied, and those of which that cannot be told.",
    );
    for (outcome, plan) in planned(outcomes) {
        let drifted = plan.changes.iter().filter(|change| may_be_drift(change));
        let (sure, unsure): (Vec<_>, Vec<_>) =
            drifted.partition(|change| change.origin == Some(Origin::Live));
        for (certainty, count) in [("sure", sure.len()), ("unsure", unsure.len())] {
            sample(
                &mut text,
                "eksact_drift_changes",
                outcome,
                &[("certainty", certainty)],
                count,
            );
        }
    }
    family(
        &mut text,
        "eksact_unchanged_objects",
        None,
        "Objects that are as the files say.",
    );
    for (outcome, plan) in planned(outcomes) {
        sample(
            &mut text,
            "eksact_unchanged_objects",
            outcome,
            &[],
            plan.unchanged.len(),
        );
    }
    family(
        &mut text,
        "eksact_guard_refusals",
        None,
        "Refusals of the plan, by guard.",
    );
    for (outcome, plan) in planned(outcomes) {
        let mut by_guard: BTreeMap<&str, usize> = BTreeMap::new();
        for finding in plan.findings_of(Severity::Refusal) {
            *by_guard.entry(finding.code.as_str()).or_default() += 1;
        }
        for (guard, count) in by_guard {
            sample(
                &mut text,
                "eksact_guard_refusals",
                outcome,
                &[("guard", guard)],
                count,
            );
        }
    }
    family(
        &mut text,
        "eksact_errors",
        None,
        "Objects that could not be planned, or 1 where the cluster has no plan.",
    );
    for outcome in outcomes {
        let plan = outcome.plan.as_ref();
        let errors = plan.map_or(usize::from(outcome.status.is_failure()), |plan| {
            plan.findings_of(Severity::Error).count()
        });
        sample(&mut text, "eksact_errors", outcome, &[], errors);
    }
    family(
        &mut text,
        "eksact_run_seconds",
        Some("seconds"),
        "How long the run over the cluster took.",
    );
    for outcome in outcomes {
        sample(
            &mut text,
            "eksact_run_seconds",
            outcome,
            &[],
            outcome.took.as_secs_f64(),
        );
    }
    family(
        &mut text,
        LAST_SUCCESS,
        Some("seconds"),
        "When the cluster was last planned or applied without a failure and without a refusal.",
    );
    for outcome in outcomes {
        let is_success = !outcome.status.is_failure() && outcome.status != Status::Refused;
        let labels = labels(outcome, &[]);
        let at = if is_success {
            Some(now.to_string())
        } else {
            known.get(labels.as_str()).map(|at| (*at).to_owned())
        };
        if let Some(at) = at {
            let _ = writeln!(text, "{LAST_SUCCESS}{labels} {at}");
        }
    }
    text.push_str("# EOF\n");
    text
}

fn planned(outcomes: &[Outcome]) -> impl Iterator<Item = (&Outcome, &crate::engine::Plan)> {
    outcomes
        .iter()
        .filter_map(|outcome| Some((outcome, outcome.plan.as_ref()?)))
}

fn info(text: &mut String, tool_version: &str) {
    text.push_str("# TYPE eksact_build info\n# HELP eksact_build The eksact that wrote this.\n");
    let _ = writeln!(
        text,
        "eksact_build_info{{version=\"{}\"}} 1",
        escaped(tool_version)
    );
}

/// The head of a family. Writing to a String cannot fail.
fn family(text: &mut String, name: &str, unit: Option<&str>, help: &str) {
    let _ = writeln!(text, "# TYPE {name} gauge");
    if let Some(unit) = unit {
        let _ = writeln!(text, "# UNIT {name} {unit}");
    }
    let _ = writeln!(text, "# HELP {name} {help}");
}

fn sample(
    text: &mut String,
    name: &str,
    outcome: &Outcome,
    more: &[(&str, &str)],
    value: impl std::fmt::Display,
) {
    let _ = writeln!(text, "{name}{} {value}", labels(outcome, more));
}

fn labels(outcome: &Outcome, more: &[(&str, &str)]) -> String {
    let cluster = outcome.cluster.as_ref();
    let own = [
        (
            "account",
            cluster
                .and_then(|cluster| cluster.account.as_deref())
                .unwrap_or_default(),
        ),
        ("region", cluster.map_or("", |cluster| &cluster.region)),
        ("cluster", cluster.map_or("", |cluster| &cluster.name)),
        ("file", outcome.files.first().map_or("", String::as_str)),
    ];
    let written: Vec<String> = own
        .iter()
        .chain(more)
        .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
        .collect();
    format!("{{{}}}", written.join(","))
}

/// The value of a label, as the format has it: three characters are escaped.
fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// The times of the last successes in an earlier file, by their labels as they are written. What is not of this form is nothing.
fn last_successes(before: &str) -> BTreeMap<&str, &str> {
    before
        .lines()
        .filter_map(|line| {
            let (labels, at) = line.strip_prefix(LAST_SUCCESS)?.rsplit_once(' ')?;
            let is_number = !at.is_empty() && at.bytes().all(|byte| byte.is_ascii_digit());
            (labels.starts_with('{') && is_number).then_some((labels, at))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::samples;

    fn lines<'text>(text: &'text str, name: &str) -> Vec<&'text str> {
        text.lines()
            .filter(|line| line.starts_with(&format!("{name}{{")))
            .collect()
    }

    #[test]
    fn cluster_has_its_series() {
        let text = fleet_metrics(&samples::fleet(), 1_700_000_000, "", "0.1.0");
        insta::assert_snapshot!(
            [
                lines(&text, "eksact_changes").join("\n"),
                lines(&text, "eksact_errors").join("\n"),
                lines(&text, LAST_SUCCESS).join("\n")
            ]
            .join("\n"),
            @r#"
        eksact_changes{account="",region="eu-west-1",cluster="prod",file="clusters/prod.yaml",action="create"} 2
        eksact_changes{account="",region="eu-west-1",cluster="prod",file="clusters/prod.yaml",action="update"} 1
        eksact_changes{account="",region="eu-west-1",cluster="prod",file="clusters/prod.yaml",action="replace"} 1
        eksact_changes{account="",region="eu-west-1",cluster="prod",file="clusters/prod.yaml",action="delete"} 1
        eksact_changes{account="",region="eu-west-1",cluster="prod",file="clusters/prod.yaml",action="adopt"} 1
        eksact_changes{account="",region="eu-west-1",cluster="prod",file="clusters/prod.yaml",action="forget"} 1
        eksact_changes{account="",region="eu-west-1",cluster="test",file="clusters/test.yaml",action="create"} 0
        eksact_changes{account="",region="eu-west-1",cluster="test",file="clusters/test.yaml",action="update"} 0
        eksact_changes{account="",region="eu-west-1",cluster="test",file="clusters/test.yaml",action="replace"} 0
        eksact_changes{account="",region="eu-west-1",cluster="test",file="clusters/test.yaml",action="delete"} 0
        eksact_changes{account="",region="eu-west-1",cluster="test",file="clusters/test.yaml",action="adopt"} 0
        eksact_changes{account="",region="eu-west-1",cluster="test",file="clusters/test.yaml",action="forget"} 0
        eksact_errors{account="",region="eu-west-1",cluster="prod",file="clusters/prod.yaml"} 1
        eksact_errors{account="",region="eu-west-1",cluster="test",file="clusters/test.yaml"} 0
        eksact_errors{account="",region="",cluster="",file="clusters/broken.yaml"} 1
        eksact_errors{account="",region="eu-west-1",cluster="far",file="clusters/far.yaml"} 1
        eksact_last_success_timestamp_seconds{account="",region="eu-west-1",cluster="prod",file="clusters/prod.yaml"} 1700000000
        eksact_last_success_timestamp_seconds{account="",region="eu-west-1",cluster="test",file="clusters/test.yaml"} 1700000000
        "#
        );
        assert!(text.ends_with("\n# EOF\n"));
    }

    #[test]
    fn last_success_of_a_cluster_that_fails_is_kept() {
        let mut fleet = samples::fleet();
        let first = fleet_metrics(&fleet, 1_700_000_000, "", "0.1.0");
        fleet[1].status = Status::Failed;
        let second = fleet_metrics(&fleet, 1_800_000_000, &first, "0.1.0");
        let of = |text: &str, name: &str| {
            let found = lines(text, LAST_SUCCESS);
            found
                .iter()
                .find(|line| line.contains(name))
                .map(|line| line.rsplit(' ').next().unwrap().to_owned())
        };
        assert_eq!(of(&second, "prod").as_deref(), Some("1800000000"));
        assert_eq!(of(&second, "test").as_deref(), Some("1700000000"));
        assert_eq!(of(&second, "broken"), None, "it never succeeded");
        // Whatever is in the old file, only what this wrote is taken.
        let broken = format!("{LAST_SUCCESS} 5\n{LAST_SUCCESS}{{x}} -1\nrubbish\n");
        assert_eq!(last_successes(&broken), BTreeMap::new());
    }

    #[test]
    fn hostile_names_stay_in_their_label() {
        let mut fleet = samples::fleet();
        fleet[2].files = vec!["a\"} 1\n# EOF\\".to_owned()];
        let text = fleet_metrics(&fleet, 0, "", "0.1.0");
        assert!(text.contains(r#"file="a\"} 1\n# EOF\\""#));
        assert_eq!(text.lines().filter(|line| *line == "# EOF").count(), 1);
    }
}
