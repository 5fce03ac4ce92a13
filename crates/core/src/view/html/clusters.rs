//! The plans of many clusters as one page: a table with a line for each, then a section for each that has something to look at.
//! One filter is for the changes of all.

use std::sync::LazyLock;

use serde::Serialize;

use super::{
    super::{
        fleet_human::{Run, has_details, headline, in_short, rest_of, word},
        report::report,
        style::{Label, Style},
    },
    AccessView, ChangeView, Filter, MOST_OPEN, PARTS, SectionView, access, changes, filters, policy,
    sections,
    template::{Template, render, template},
    what_is_not_compared,
};
use crate::{
    engine::{Change, Plan},
    fleet::Outcome,
    view::{page::Span, plan_human::verdict, text::harmless},
};

/// What all pages have, and what this one has besides.
pub(super) const STYLE: &str = concat!(
    include_str!("../../../../../templates/html/plan.css"),
    include_str!("../../../../../templates/html/clusters.css")
);

/// How wide the report of an apply is, in characters.
const REPORT_WIDTH: usize = 100;

#[derive(Serialize)]
struct View {
    policy: String,
    style: &'static str,
    title: String,
    verdict: String,
    has_changes: bool,
    filters: Vec<Filter>,
    clusters: Vec<ClusterView>,
    version: String,
}

#[derive(Serialize)]
struct ClusterView {
    label: String,
    class: &'static str,
    word: &'static str,
    said: String,
    has_section: bool,
    files: Vec<String>,
    problem: String,
    helps: Vec<String>,
    verdict: String,
    report: String,
    sections: Vec<SectionView>,
    access: Vec<AccessView>,
    is_access_folded: bool,
    not_compared: Option<String>,
    changes: Vec<ChangeView>,
    digest: String,
}

/// Parsed once.
static TEMPLATE: LazyLock<Template> = LazyLock::new(|| {
    template(
        include_str!("../../../../../templates/html/clusters.html.tera"),
        PARTS,
    )
});

/// The run as a page. `tool_version` is that of the eksact that writes it.
///
/// # Errors
/// When the template cannot be filled: a mistake of eksact.
pub fn fleet_html(outcomes: &[Outcome], run: Run, tool_version: &str) -> Result<String, tera::Error> {
    let all: Vec<&Change> = outcomes
        .iter()
        .filter(|outcome| has_section(outcome, run))
        .filter_map(|outcome| outcome.plan.as_ref())
        .flat_map(|plan| &plan.changes)
        .collect();
    // `Plans for 3 clusters: ` is the heading, and how many ended how stands below it.
    let words = headline(outcomes, run);
    let (title, counts) = words.split_at(words.len().min(1));
    let text = |spans: &[Span]| spans.iter().map(Span::text).collect::<String>();
    render(
        &TEMPLATE,
        View {
            policy: policy(STYLE),
            style: STYLE,
            title: text(title).trim_end_matches(": ").to_owned(),
            verdict: text(counts),
            has_changes: !all.is_empty(),
            filters: filters(&all),
            clusters: outcomes
                .iter()
                .map(|outcome| cluster(outcome, run, all.len() <= MOST_OPEN))
                .collect(),
            version: safe(tool_version),
        },
    )
}

fn safe(text: &str) -> String {
    harmless(text).into_owned()
}

/// Whether there is more to look at than the line in the table. In an apply also where all went well: the page shows what was
/// done.
fn has_section(outcome: &Outcome, run: Run) -> bool {
    has_details(outcome, run) || outcome.plan.as_ref().is_some_and(Plan::has_changes)
}

fn cluster(outcome: &Outcome, run: Run, are_few: bool) -> ClusterView {
    let (word, look) = word(outcome.status);
    let has_section = has_section(outcome, run);
    let plan = outcome.plan.as_ref().filter(|_| has_section);
    let file = outcome.files.first().map(String::as_str);
    let problem = outcome.problem.as_ref();
    let lines = problem.map(|problem| problem.message.lines().map(safe).collect::<Vec<_>>());
    ClusterView {
        label: safe(&outcome.label()),
        class: match look {
            Label::Success => "went-well",
            Label::Error => "went-wrong",
            _ => "waits",
        },
        word,
        said: in_short(outcome).iter().map(Span::text).collect(),
        has_section,
        files: outcome.files.iter().map(|file| safe(file)).collect(),
        problem: lines.unwrap_or_default().join("\n"),
        helps: problem
            .map(|problem| problem.help.iter().map(|help| safe(help.as_str())).collect())
            .unwrap_or_default(),
        verdict: plan.map_or_else(String::new, |plan| {
            verdict(plan, file).iter().map(Span::text).collect()
        }),
        report: plan
            .zip(outcome.run.as_ref())
            .map_or_else(String::new, |(plan, (run, _))| {
                let text = report(plan, run, &rest_of(outcome), Style::plain(REPORT_WIDTH));
                text.trim_matches('\n').to_owned()
            }),
        sections: plan.map(sections).unwrap_or_default(),
        is_access_folded: !are_few,
        not_compared: plan.and_then(what_is_not_compared),
        access: plan.map(access).unwrap_or_default(),
        changes: plan.map(|plan| changes(plan, are_few)).unwrap_or_default(),
        digest: outcome.digest.as_deref().map(safe).unwrap_or_default(),
    }
}
