//! Which files are older views of eksact's, and may be written anew. All else that is there is somebody's work: no form of a
//! configuration, a policy or a kubeconfig is known here, because what people write has too many forms to know them all.

use serde::{Deserialize, de::IgnoredAny};

/// A view that goes into a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// A plan, an apply that is over, or a run over many clusters, as JSON.
    Json,
    /// A plan or a run over many clusters as Markdown.
    Markdown,
    /// The same as a page.
    Html,
    /// The same as SARIF.
    Sarif,
    /// A run over many clusters as OpenMetrics text.
    Metrics,
}

impl View {
    /// How it is called in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Markdown => "Markdown",
            Self::Html => "HTML",
            Self::Sarif => "SARIF",
            Self::Metrics => "metrics",
        }
    }

    /// Whether a file that is there may be replaced by this view: it is one of an earlier run, or empty.
    pub fn may_replace(self, bytes: &[u8]) -> bool {
        bytes.is_empty()
            || match self {
                Self::Json => is_json(bytes),
                Self::Markdown => {
                    bytes.starts_with(b"<!-- eksact:plan:") || bytes.starts_with(b"<!-- eksact:plans:")
                }
                Self::Html => is_page(bytes),
                Self::Sarif => is_sarif(bytes),
                Self::Metrics => bytes.starts_with(b"# TYPE eksact_build info\n"),
            }
    }
}

/// The fields by which the documents are known. Terraform's plans have a `format_version`, too.
#[derive(Deserialize)]
struct Document {
    format_version: Option<String>,
    tool_version: Option<String>,
    changes: Option<Vec<IgnoredAny>>,
    steps: Option<Vec<IgnoredAny>>,
    clusters: Option<Vec<IgnoredAny>>,
    run: Option<String>,
    plan: Option<IgnoredAny>,
    report: Option<IgnoredAny>,
}

/// A plan, saved or not, has changes and steps; an apply has its plan and report; a run over many clusters has these.
fn is_json(bytes: &[u8]) -> bool {
    // A list would be taken for the fields in their order.
    bytes.starts_with(b"{")
        && serde_json::from_slice::<Document>(bytes).is_ok_and(|document| {
            let is_plan = document.changes.is_some() && document.steps.is_some();
            let is_fleet = document.clusters.is_some() && document.run.is_some();
            let is_apply = document.plan.is_some() && document.report.is_some();
            document.format_version.is_some()
                && (is_apply || (document.tool_version.is_some() && (is_plan || is_fleet)))
        })
}

#[derive(Deserialize)]
struct Sarif {
    runs: Vec<SarifRun>,
}

#[derive(Deserialize)]
struct SarifRun {
    tool: Tool,
}

#[derive(Deserialize)]
struct Tool {
    driver: Driver,
}

#[derive(Deserialize)]
struct Driver {
    name: String,
}

/// SARIF of another tool is not ours to write over.
fn is_sarif(bytes: &[u8]) -> bool {
    bytes.starts_with(b"{")
        && serde_json::from_slice::<Sarif>(bytes).is_ok_and(|document| {
            !document.runs.is_empty() && document.runs.iter().all(|run| run.tool.driver.name == "eksact")
        })
}

/// The head is that of `templates/html`, and the verdict and the foot are in both pages.
fn is_page(bytes: &[u8]) -> bool {
    bytes.starts_with(b"<!doctype html>\n<html lang=\"en\">\n")
        && std::str::from_utf8(bytes).is_ok_and(|text| {
            text.contains("<p class=\"verdict\">")
                && (text.contains(", made by eksact ") || text.contains("<p>Made by eksact "))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [View; 5] = [View::Json, View::Markdown, View::Html, View::Sarif, View::Metrics];

    /// Each view takes the place of one of its own kind; that each is known that is really written is shown by whole commands.
    #[test]
    fn view_replaces_its_own_kind_and_no_other() {
        for (view, text) in [
            (
                View::Json,
                r#"{"format_version": "1.0", "tool_version": "1", "changes": [], "steps": []}"#,
            ),
            (
                View::Json,
                r#"{"format_version": "1.0", "tool_version": "1", "run": "plan", "clusters": []}"#,
            ),
            (
                View::Json,
                r#"{"format_version": "1.0", "plan": {}, "report": {}, "notes": []}"#,
            ),
            (View::Markdown, "<!-- eksact:plan:prod:sha256:00 -->\n"),
            (View::Markdown, "<!-- eksact:plans:sha256:00 -->\n"),
            (
                View::Html,
                "<!doctype html>\n<html lang=\"en\">\n<p class=\"verdict\">x</p><p>Made by eksact 1.</p>",
            ),
            (
                View::Sarif,
                r#"{"$schema": "s", "runs": [{"tool": {"driver": {"name": "eksact"}}}]}"#,
            ),
            (View::Metrics, "# TYPE eksact_build info\n"),
        ] {
            for other in ALL {
                assert_eq!(
                    other.may_replace(text.as_bytes()),
                    other == view,
                    "{other:?}: {text}"
                );
            }
        }
        assert!(ALL.iter().all(|view| view.may_replace(b"")));
    }

    /// What people and other tools write, in whatever form.
    #[test]
    fn older_words_are_all_that_is_replaced() {
        for text in [
            "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\n",
            "\u{feff}apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\n",
            r#"{"kind": "ClusterConfig", "apiVersion": "eksctl.io/v1alpha5"}"#,
            "{kind: ClusterConfig, apiVersion: eksctl.io/v1alpha5}\n",
            "--- {apiVersion: eksctl.io/v1alpha5, kind: ClusterConfig}\n",
            r#"{"Version": "2012-10-17", "Statement": []}"#,
            r#"{"format_version": "1.2", "terraform_version": "1.9.0", "planned_values": {}}"#,
            r#"{"format_version": "1.0", "tool_version": "1", "picture": {}}"#,
            r#"["1.0", "1", [], [], [], "plan", {}, {}]"#,
            r#"{"runs": [{"tool": {"driver": {"name": "checkov"}}}]}"#,
            r#"{"runs": []}"#,
            "<!doctype html>\n<html lang=\"en\">\n<p>ours</p>",
            "# TYPE up gauge\nup 1\n",
            "# ours\n<!-- eksact:plan:prod:sha256:00 -->\n",
            "{",
            "\n",
            "\u{0}",
        ] {
            for view in ALL {
                assert!(!view.may_replace(text.as_bytes()), "{view:?}: {text}");
            }
        }
    }
}
