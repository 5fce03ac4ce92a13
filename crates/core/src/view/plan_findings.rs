//! What a plan has to say besides its changes, for people: refusals first, then errors, warnings, notes.

use eksact_message::code::Code;

use super::{
    page::{Page, Span},
    style::Label,
};
use crate::{
    config::location::SourceLocation,
    engine::{Finding, Plan, Severity},
};
use eksact_message::remedy::Remedy;

/// Writes the findings of `plan`, the heaviest first; of one weight, as the plan has them.
pub(super) fn write(plan: &Plan, page: &mut Page) {
    for severity in [
        Severity::Refusal,
        Severity::Error,
        Severity::Warning,
        Severity::Note,
    ] {
        for finding in plan.findings_of(severity) {
            write_finding(finding, page);
        }
    }
}

pub(super) fn write_finding(finding: &Finding, page: &mut Page) {
    let word = word(finding.severity);
    let mut body = vec![
        Span::new(finding.severity.into(), format!("{word}[{}]", finding.code)),
        Span::plain(": "),
    ];
    if let Some(address) = &finding.address {
        body.extend([Span::new(Label::Address, address.to_string()), Span::plain(": ")]);
    }
    body.push(Span::plain(&finding.message));
    if let Some(source) = &finding.source {
        body.push(Span::new(Label::Dim, format!("  ({})", place(source))));
    }
    page.hanging(0, 2, &body);
    for help in helps(finding) {
        write_help(2, &help, page);
    }
}

/// A finding's weight, as it is printed before its code.
pub(super) const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Refusal => "refused",
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// What to do about `finding`; with a guard's refusal also how to pass it.
pub(super) fn helps(finding: &Finding) -> Vec<Remedy> {
    let is_said = finding.help.as_ref().is_some_and(|help| help.contains("--allow"));
    // No --allow passes this one.
    let binds = finding.code == Code::AccessBroadened;
    let pass = (finding.severity == Severity::Refusal && !is_said && !binds)
        .then(|| remedy!("To do it anyway: --allow {}", finding.code));
    finding.help.clone().into_iter().chain(pass).collect()
}

/// `help: …` behind `indent` spaces. Its further lines stand below; one that is indented is a command or a text to copy,
/// and never broken.
pub(super) fn write_help(indent: usize, help: &str, page: &mut Page) {
    let mut lines = help.lines();
    page.line(
        &[Span::plain(" ".repeat(indent)), Span::new(Label::Note, "help: ")],
        &[Span::plain(lines.next().unwrap_or_default())],
    );
    for line in lines {
        match line.strip_prefix("    ") {
            Some(verbatim) => page.verbatim(indent + 4, &Span::plain(verbatim)),
            None => page.indented(indent + 2, &[Span::plain(line)]),
        }
    }
}

/// `cluster.yaml:41`: the file as the user named it and the line.
pub(super) fn place(source: &SourceLocation) -> String {
    let file: &str = if &*source.file == "-" {
        "<stdin>"
    } else {
        &source.file
    };
    format!("{file}:{}", source.line)
}
