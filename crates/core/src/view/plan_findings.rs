//! What a plan has to say besides its changes, for people: refusals first, then errors, warnings, notes.

use super::{
    commands,
    page::{Page, Span},
    style::Label,
};
use crate::{
    config::location::SourceLocation,
    engine::{Finding, Plan, Severity},
    guard::Guard,
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
    // Not only guards refuse, and --allow takes the codes of guards alone.
    let pass = Guard::try_from(finding.code)
        .ok()
        .filter(|_| finding.severity == Severity::Refusal && !is_said)
        .map(|guard| remedy!("To do it anyway: --allow {}", guard.code()));
    finding.help.clone().into_iter().chain(pass).collect()
}

/// `help: …` behind `indent` spaces. Its further lines stand below; one that is indented is a command or a text to copy,
/// and never broken, as the commands in its sentences are.
pub(super) fn write_help(indent: usize, help: &str, page: &mut Page) {
    let mut lines = help.lines();
    page.line(
        &[Span::plain(" ".repeat(indent)), Span::new(Label::Note, "help: ")],
        &commands::sentence(lines.next().unwrap_or_default()),
    );
    for line in lines {
        match line.strip_prefix("    ") {
            Some(verbatim) => page.verbatim(indent + 4, &Span::plain(verbatim)),
            None => page.indented(indent + 2, &commands::sentence(line)),
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

#[cfg(test)]
mod tests {
    use eksact_message::code::Code;

    use super::*;

    /// Advice that the command line refuses costs more trust than none.
    #[test]
    fn finding_can_be_allowed_only_if_a_guard_refuses_it() {
        for code in Code::BY_AREA.iter().flat_map(|(_, codes)| codes.iter().copied()) {
            let refusal = Finding::new(Severity::Refusal, code, "no");
            let offered = helps(&refusal).iter().any(|help| help.contains("--allow"));
            assert_eq!(
                offered,
                Guard::ALL.iter().any(|guard| guard.code() == code),
                "{code}"
            );
            assert!(helps(&Finding::new(Severity::Warning, code, "look")).is_empty());
        }
    }
}
