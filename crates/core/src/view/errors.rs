//! How failures look: `error:` with the message, what caused it, what to do; and what is wrong with a configuration file,
//! all at once with a count.

use std::error::Error;

use super::{
    commands,
    page::{Page, Span},
    plan_findings::write_help,
    style::{Label, Style},
    text::counted,
};
use crate::config::{Diagnostic, Severity};
use eksact_message::remedy::Remedy;

/// A failure: its message, the causes that the message does not tell already, and what to do.
pub fn error(failure: &dyn Error, help: &[Remedy], style: Style) -> String {
    let mut page = Page::new(style);
    let message = failure.to_string();
    lines(&mut page, &[Span::new(Label::Error, "error: ")], &message);
    let mut told = message;
    let mut cause = failure.source();
    // A chain that never ends would be a mistake in a library; it shall not hang the tool.
    for _ in 0..LONGEST_CHAIN {
        let Some(error) = cause else { break };
        let text = error.to_string();
        if !text.is_empty() && !told.contains(&text) {
            lines(
                &mut page,
                &[Span::plain("  "), Span::new(Label::Dim, "caused by: ")],
                &text,
            );
            told = text;
        }
        cause = error.source();
    }
    for line in help {
        write_help(2, line, &mut page);
    }
    page.finish()
}

/// A failure that is only words.
pub fn error_message(message: &str, help: &[Remedy], style: Style) -> String {
    let mut page = Page::new(style);
    lines(&mut page, &[Span::new(Label::Error, "error: ")], message);
    for line in help {
        write_help(2, line, &mut page);
    }
    page.finish()
}

const LONGEST_CHAIN: usize = 32;

/// What is wrong with a command line, in the words of what parses it: paragraphs of lines, some with a lead.
pub fn usage(text: &str, style: Style) -> String {
    const LEADS: [(&str, Label); 3] = [
        ("error: ", Label::Error),
        ("tip: ", Label::Note),
        ("Usage: ", Label::Address),
    ];
    let mut page = Page::new(style);
    for line in text.lines() {
        let words = line.trim_start_matches(' ');
        if words.is_empty() {
            page.blank();
            continue;
        }
        let indent = Span::plain(" ".repeat(line.len() - words.len()));
        let beginning = LEADS
            .into_iter()
            .find_map(|(lead, label)| Some((Span::new(label, lead), words.strip_prefix(lead)?)));
        match beginning {
            Some((lead, words)) => page.line(&[indent, lead], &commands::sentence(words)),
            None => page.line(&[indent], &commands::sentence(words)),
        }
    }
    page.finish()
}

/// A message of one or more lines behind `lead`.
fn lines(page: &mut Page, lead: &[Span], message: &str) {
    let indent = lead.iter().map(Span::cells).sum();
    let mut lines = message.lines();
    page.line(lead, &commands::sentence(lines.next().unwrap_or_default()));
    for line in lines {
        page.indented(indent, &commands::sentence(line));
    }
}

/// What is wrong with a file, errors and warnings in the order of the file, and a last line that counts them.
pub fn diagnostics(diagnostics: &[Diagnostic], style: Style) -> String {
    let mut page = Page::new(style);
    for diagnostic in diagnostics {
        page.blank();
        write_diagnostic(diagnostic, &mut page);
    }
    let count = |severity| {
        diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.severity == severity)
            .count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let mut counts = Vec::new();
    if errors > 0 {
        counts.push(Span::new(Label::Error, counted(errors, "error", "errors")));
    }
    if warnings > 0 {
        if errors > 0 {
            counts.push(Span::plain(" and "));
        }
        counts.push(Span::new(
            Label::Warning,
            counted(warnings, "warning", "warnings"),
        ));
    }
    if !counts.is_empty() {
        counts.push(Span::plain("."));
        page.blank();
        page.line(&[], &counts);
    }
    page.finish()
}

fn write_diagnostic(diagnostic: &Diagnostic, page: &mut Page) {
    let label = match diagnostic.severity {
        Severity::Error => Label::Error,
        Severity::Warning => Label::Warning,
    };
    let mut body = Vec::new();
    if let Some(location) = &diagnostic.location {
        body.push(Span::new(Label::Address, format!("{location}: ")));
    }
    body.extend([
        Span::new(label, format!("{}[{}]", diagnostic.severity, diagnostic.code)),
        Span::plain(": "),
        Span::plain(&diagnostic.message),
    ]);
    page.hanging(0, 2, &body);
    if let Some(line) = diagnostic.source_line.as_deref().filter(|line| !line.is_empty()) {
        // The excerpt is cut to fit 80 columns; wrapping it would part the caret from its place.
        page.verbatim(4, &Span::plain(line));
        page.verbatim(4 + diagnostic.caret_cell, &Span::new(label, "^"));
    }
    if let Some(help) = &diagnostic.help {
        write_help(4, help, page);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SourceLocation;
    use eksact_message::code::Code;

    #[derive(Debug, thiserror::Error)]
    #[error("the stack eksctl-prod-x could not be created")]
    struct Outer(#[source] Middle);

    #[derive(Debug, thiserror::Error)]
    #[error("CloudFormation did not answer: connection refused")]
    struct Middle(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("connection refused")]
    struct Inner;

    #[test]
    fn failure_with_its_causes_each_told_once() {
        let help: [Remedy; 1] = ["Look whether https_proxy is set, and whether the proxy lets cloudformation.eu-west-1.amazonaws.com through.".into()];
        let text = error(&Outer(Middle(Inner)), &help, Style::plain(80));
        insta::assert_snapshot!(text, @r"
        error: the stack eksctl-prod-x could not be created
          caused by: CloudFormation did not answer: connection refused
          help: Look whether https_proxy is set, and whether the proxy lets
                cloudformation.eu-west-1.amazonaws.com through.
        ");
    }

    #[test]
    fn command_line_errors_are_wrapped_line_by_line() {
        let text = "error: invalid value 'x' for '--output <FORMAT>'\n  [possible values: human, json, markdown, html, sarif, \
                    ndjson]\n\n  tip: a similar value exists: 'html'\n\nUsage: eksact plan --config-file <PATH> --output \
                    <FORMAT>\n\nFor more information, try '--help'.\n";
        insta::assert_snapshot!(usage(text, Style::plain(48)), @r"
        error: invalid value 'x' for '--output <FORMAT>'
          [possible values: human, json, markdown, html,
          sarif, ndjson]

          tip: a similar value exists: 'html'

        Usage: eksact plan --config-file <PATH> --output
               <FORMAT>

        For more information, try '--help'.
        ");
    }

    #[test]
    fn diagnostics_come_all_at_once() {
        let diagnostic =
            |severity, code, line, message: &str, source: Option<(&str, usize)>, help: Option<&str>| {
                Diagnostic {
                    severity,
                    code,
                    path: String::new(),
                    message: message.to_owned(),
                    location: Some(SourceLocation {
                        file: "cluster.yaml".into(),
                        line,
                        column: 5,
                    }),
                    source_line: source.map(|(text, _)| text.to_owned()),
                    caret_cell: source.map_or(0, |(_, caret)| caret),
                    help: help.map(Remedy::from),
                }
            };
        let all = [
            diagnostic(
                Severity::Error,
                Code::UnknownKey,
                7,
                "unknown key `serviceAcounts` in `iam`",
                Some(("    serviceAcounts:", 4)),
                Some("did you mean `serviceAccounts`?"),
            ),
            diagnostic(
                Severity::Warning,
                Code::NoPolicy,
                12,
                "the role app/x has no policy, so that whoever assumes it may do nothing at all",
                None,
                None,
            ),
        ];
        let text = diagnostics(&all, Style::plain(60));
        insta::assert_snapshot!(text, @r"
        cluster.yaml:7:5: error[unknown-key]: unknown key
          `serviceAcounts` in `iam`
                serviceAcounts:
                ^
            help: did you mean `serviceAccounts`?

        cluster.yaml:12:5: warning[no-policy]: the role app/x has no
          policy, so that whoever assumes it may do nothing at all

        1 error and 1 warning.
        ");
    }
}
