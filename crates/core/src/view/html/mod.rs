//! A plan as a page: `-o html`, one file that needs nothing else, for people who would rather look than read.
//!
//! It has no script at all: what is filtered is filtered by the style sheet, and what is folded by the browser. Its own policy
//! (Content-Security-Policy) lets nothing be loaded or run. All values go through the template's escaping, and through
//! [`harmless`] before.

mod clusters;
mod sides;
pub(crate) mod template;

pub use clusters::fleet_html;

use std::sync::LazyLock;

use serde::Serialize;

use self::{
    sides::{Document, documents},
    template::{Template, policy_hash, render, template},
};
use super::{
    page::Span,
    plan_access::{access_lines, access_of, not_compared},
    plan_findings::{helps, place, word},
    plan_human::{by_risk, gives_more_access, verdict},
    plan_lines::{LineSign, lines_of},
    style::sign,
    text::{counted, harmless},
};
use crate::engine::{Action, Change, Effect, Finding, Plan, Severity};

const STYLE: &str = include_str!("../../../../../templates/html/plan.css");

/// Folded changes open by themselves up to this many.
const MOST_OPEN: usize = 20;

#[derive(Serialize)]
struct View {
    policy: String,
    style: &'static str,
    title: String,
    target: Vec<Fact>,
    verdict: String,
    counts: Vec<Count>,
    sections: Vec<SectionView>,
    access: Vec<AccessView>,
    is_access_folded: bool,
    not_compared: Option<String>,
    filters: Vec<Filter>,
    changes: Vec<ChangeView>,
    digest: String,
    version: String,
    unchanged: String,
}

#[derive(Serialize)]
struct Fact {
    name: String,
    value: String,
}

#[derive(Serialize)]
struct Count {
    class: &'static str,
    text: String,
}

#[derive(Serialize)]
struct SectionView {
    heading: &'static str,
    findings: Vec<FindingView>,
}

#[derive(Serialize)]
struct FindingView {
    word: &'static str,
    code: &'static str,
    address: Option<String>,
    message: String,
    source: Option<String>,
    helps: Vec<HelpView>,
}

#[derive(Serialize)]
struct HelpView {
    text: String,
    /// What is to be copied, line by line.
    verbatim: String,
}

#[derive(Serialize)]
struct Filter {
    id: &'static str,
    text: String,
}

#[derive(Serialize)]
struct ChangeView {
    address: String,
    action: &'static str,
    sign: &'static str,
    done: &'static str,
    effect: &'static str,
    words: &'static str,
    is_risk: bool,
    is_open: bool,
    source: Option<String>,
    lines: Vec<LineView>,
    documents: Vec<Document>,
}

#[derive(Serialize)]
struct AccessView {
    class: &'static str,
    sign: char,
    word: &'static str,
    holder: String,
    what: String,
}

#[derive(Serialize)]
struct LineView {
    class: &'static str,
    sign: char,
    text: String,
}

/// `plan` as a page. `file` is the configuration as the user named it; none for a plan made from flags.
pub fn plan_html(plan: &Plan, digest: &str, file: Option<&str>) -> Result<String, tera::Error> {
    render(&TEMPLATE, view(plan, digest, file))
}

/// Parsed once.
static TEMPLATE: LazyLock<Template> = LazyLock::new(|| {
    template(
        include_str!("../../../../../templates/html/plan.html.tera"),
        PARTS,
    )
});

/// What the pages of one plan and of many have alike.
const PARTS: &[(&str, &str)] = &[
    (
        "access.html",
        include_str!("../../../../../templates/html/access.html.tera"),
    ),
    (
        "head.html",
        include_str!("../../../../../templates/html/head.html.tera"),
    ),
    (
        "findings.html",
        include_str!("../../../../../templates/html/findings.html.tera"),
    ),
    (
        "filter.html",
        include_str!("../../../../../templates/html/filter.html.tera"),
    ),
    (
        "changes.html",
        include_str!("../../../../../templates/html/changes.html.tera"),
    ),
];

fn view(plan: &Plan, digest: &str, file: Option<&str>) -> View {
    let words = verdict(plan, file);
    // The heading says for what the plan is.
    let is_said = words
        .first()
        .is_some_and(|first| first.text().starts_with("Plan for "));
    let words: String = words.iter().skip(usize::from(is_said)).map(Span::text).collect();
    let safe = |text: &str| harmless(text).into_owned();
    let access = access(plan);
    let named = plan
        .target
        .get("cluster")
        .or_else(|| plan.target.get("kubeconfig"));
    View {
        policy: policy(STYLE),
        style: STYLE,
        title: named.map_or_else(|| "Plan".to_owned(), |name| format!("Plan for {}", safe(name))),
        target: plan
            .target
            .iter()
            .filter(|(name, _)| *name != "cluster")
            .map(|(name, value)| Fact {
                name: safe(name),
                value: safe(value),
            })
            .collect(),
        verdict: words,
        counts: counts(plan),
        sections: sections(plan),
        is_access_folded: access.len() > MOST_OPEN,
        not_compared: what_is_not_compared(plan),
        access,
        filters: filters(&plan.changes.iter().collect::<Vec<_>>()),
        changes: changes(plan, plan.changes.len() <= MOST_OPEN),
        digest: digest.to_owned(),
        version: safe(&plan.tool_version),
        unchanged: match plan.unchanged.len() {
            0 => String::new(),
            1 => "1 object is".to_owned(),
            count => format!("{count} objects are"),
        },
    }
}

/// The page's own policy: this style and nothing else.
fn policy(style: &str) -> String {
    format!(
        "default-src 'none'; style-src {}; base-uri 'none'; form-action 'none'",
        policy_hash(style)
    )
}

fn sections(plan: &Plan) -> Vec<SectionView> {
    [
        ("Refused", Severity::Refusal),
        ("Not planned", Severity::Error),
        ("Warnings", Severity::Warning),
        ("Notes", Severity::Note),
    ]
    .into_iter()
    .filter(|(_, severity)| plan.findings_of(*severity).next().is_some())
    .map(|(heading, severity)| SectionView {
        heading,
        findings: plan.findings_of(severity).map(finding_view).collect(),
    })
    .collect()
}

/// The changes, those to look at first. `are_few`: each is open by itself.
fn changes(plan: &Plan, are_few: bool) -> Vec<ChangeView> {
    by_risk(plan)
        .into_iter()
        .map(|change| change_view(change, plan, are_few))
        .collect()
}

fn counts(plan: &Plan) -> Vec<Count> {
    let mut counts = Vec::new();
    let mut add = |class, count: usize, text: String| {
        if count > 0 {
            counts.push(Count { class, text });
        }
    };
    let refusals = plan.findings_of(Severity::Refusal).count();
    add("risk", refusals, counted(refusals, "refusal", "refusals"));
    let broadening = plan.broadening();
    add(
        "risk",
        broadening,
        format!("{broadening} {}", gives_more_access(plan)),
    );
    for action in Action::ALL {
        let count = plan.count(action);
        add(
            "",
            count,
            format!("{} {count} to {}", sign(action).0, sign(action).1),
        );
    }
    counts
}

fn finding_view(finding: &Finding) -> FindingView {
    let safe = |text: &str| harmless(text).into_owned();
    FindingView {
        word: word(finding.severity),
        code: finding.code.as_str(),
        address: finding.address.as_ref().map(|address| safe(&address.to_string())),
        message: safe(&finding.message),
        source: finding.source.as_ref().map(|source| safe(&place(source))),
        helps: helps(finding)
            .iter()
            .map(|help| {
                let (verbatim, text): (Vec<&str>, Vec<&str>) =
                    help.lines().partition(|line| line.starts_with("    "));
                let lines = |lines: Vec<&str>| -> Vec<String> {
                    lines.iter().map(|line| safe(line.trim_end())).collect()
                };
                HelpView {
                    text: lines(text).join(" "),
                    verbatim: lines(verbatim)
                        .iter()
                        .map(|line| &line[4..])
                        .collect::<Vec<_>>()
                        .join("\n"),
                }
            })
            .collect(),
    }
}

fn access(plan: &Plan) -> Vec<AccessView> {
    let safe = |text: &str| harmless(text).into_owned();
    let lines = access_of(plan).map(access_lines).unwrap_or_default();
    lines
        .iter()
        .map(|line| AccessView {
            class: if line.is_gain { "added" } else { "removed" },
            sign: if line.is_gain { '+' } else { '-' },
            word: if line.is_gain { "gains" } else { "loses" },
            holder: safe(&line.holder),
            what: safe(line.what),
        })
        .collect()
}

/// What of the access could not be compared, in words.
fn what_is_not_compared(plan: &Plan) -> Option<String> {
    access_of(plan)
        .and_then(not_compared)
        .map(|text| harmless(&text).into_owned())
}

fn filters(changes: &[&Change]) -> Vec<Filter> {
    let count =
        |wanted: &dyn Fn(Effect) -> bool| changes.iter().filter(|change| wanted(change.effect)).count();
    [
        ("all", "all", changes.len()),
        (
            "broader",
            "gives more access, or may",
            count(&|effect| effect.broadens()),
        ),
        (
            "narrower",
            "gives less access",
            count(&|effect| effect == Effect::Narrower),
        ),
        (
            "equal",
            "gives the same access",
            count(&|effect| effect == Effect::Equal),
        ),
    ]
    .into_iter()
    .map(|(id, words, count)| Filter {
        id,
        text: format!("{words} ({count})"),
    })
    .collect()
}

fn change_view(change: &Change, plan: &Plan, are_few: bool) -> ChangeView {
    let (sign, action, done) = sign(change.action);
    let (effect, words) = match change.effect {
        Effect::Equal => ("equal", ""),
        Effect::Narrower => ("narrower", "gives less access"),
        Effect::Incomparable => ("incomparable", "may give more access"),
        Effect::Broader => ("broader", "gives more access"),
    };
    let is_risk = change.effect.broadens() || matches!(change.action, Action::Delete | Action::Replace);
    let is_open = is_risk || are_few;
    ChangeView {
        address: harmless(&change.address.to_string()).into_owned(),
        action,
        sign,
        done,
        effect,
        words,
        is_risk,
        is_open,
        source: change
            .source
            .as_ref()
            .map(|source| harmless(&place(source)).into_owned()),
        lines: lines_of(change, plan)
            .into_iter()
            .map(|line| LineView {
                class: class(line.sign),
                sign: match line.sign {
                    LineSign::Changed => '~',
                    LineSign::Remark => ' ',
                    sign => sign.character(),
                },
                text: format!("{}{}", " ".repeat(line.indent), line.text),
            })
            .collect(),
        documents: documents(change),
    }
}

const fn class(sign: LineSign) -> &'static str {
    match sign {
        LineSign::Added => "added",
        LineSign::Removed => "removed",
        LineSign::Changed => "changed",
        LineSign::Context => "context",
        LineSign::Remark => "remark",
    }
}

#[cfg(test)]
mod laws;
